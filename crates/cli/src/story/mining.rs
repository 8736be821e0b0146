//! From rock to concentrate, at five mines.

use ore_record::v1::{
    CommissionKind, Composition, MaterialClass, OutputRole, Process, Withdraw, WithdrawReason, record::Event,
};

use super::{
    governance::{permit, suspend_fifth_mine},
    teller::{Made, Teller, oxides},
};
use crate::post::item::IdField;

pub(super) fn ore<'a>(lot: &'a str, grams: u64, composition: Composition) -> Made<'a> {
    Made {
        lot,
        material: MaterialClass::Ore,
        form: "pegmatite ore",
        compound: "",
        grams,
        composition,
        role: OutputRole::Product,
        serial: "",
    }
}

pub(super) fn concentrate<'a>(lot: &'a str, form: &'a str, grams: u64, composition: Composition) -> Made<'a> {
    Made { material: MaterialClass::Concentrate, form, ..ore(lot, grams, composition) }
}

pub(super) fn residue<'a>(lot: &'a str, form: &'a str, grams: u64, composition: Composition) -> Made<'a> {
    Made { material: MaterialClass::Residue, form, role: OutputRole::Residue, ..ore(lot, grams, composition) }
}

/// One campaign: ore with its tag, concentrate and tailings. Grades in hundredths of a percent of oxide.
struct Campaign {
    operator: &'static str,
    mine: &'static str,
    country: &'static str,
    number: &'static str,
    ore: (u64, u32, u32),
    concentrate: (u64, u32, u32),
    tailings: (u64, u32, u32),
    form: &'static str,
}

/// Grams, Ta2O5 and Nb2O5 in hundredths of a percent: out never exceeds in, a test would panic.
const CAMPAIGNS: [Campaign; 7] = [
    Campaign {
        operator: "mine-operator-au",
        mine: "mine-operator-au/pilgangoora",
        country: "AU",
        number: "2301",
        ore: (900_000_000, 3, 1),
        concentrate: (600_000, 2_800, 900),
        tailings: (899_000_000, 1, 0),
        form: "tantalite concentrate",
    },
    Campaign {
        operator: "mine-operator-au",
        mine: "mine-operator-au/pilgangoora",
        country: "AU",
        number: "2302",
        ore: (950_000_000, 3, 1),
        concentrate: (620_000, 2_750, 920),
        tailings: (949_000_000, 1, 0),
        form: "tantalite concentrate",
    },
    Campaign {
        operator: "mine-operator-br",
        mine: "mine-operator-br/pitinga",
        country: "BR",
        number: "2301",
        ore: (500_000_000, 3, 20),
        concentrate: (2_400_000, 420, 3_200),
        tailings: (497_000_000, 0, 4),
        form: "columbite concentrate",
    },
    Campaign {
        operator: "mine-operator-ug",
        mine: "mine-operator-ug/wampero",
        country: "UG",
        number: "2301",
        ore: (2_000_000, 400, 180),
        concentrate: (240_000, 3_000, 1_300),
        tailings: (1_700_000, 40, 20),
        form: "tantalite, hand-washed",
    },
    Campaign {
        operator: "mine-operator-ug",
        mine: "mine-operator-ug/wampero",
        country: "UG",
        number: "2302",
        ore: (1_600_000, 390, 170),
        concentrate: (180_000, 3_100, 1_300),
        tailings: (1_400_000, 30, 20),
        form: "tantalite, hand-washed",
    },
    Campaign {
        operator: "mine-operator-na",
        mine: "mine-operator-na/uis",
        country: "NA",
        number: "2301",
        ore: (220_000_000, 5, 3),
        concentrate: (400_000, 2_300, 1_100),
        tailings: (219_000_000, 0, 0),
        form: "tantalite by-product of tin",
    },
    Campaign {
        operator: "mine-operator-et",
        mine: "mine-operator-et/kenticha",
        country: "ET",
        number: "2301",
        ore: (1_400_000, 420, 100),
        concentrate: (150_000, 3_300, 700),
        tailings: (1_200_000, 40, 10),
        form: "tantalite concentrate",
    },
];

pub(super) fn tell(teller: &mut Teller) {
    for campaign in &CAMPAIGNS {
        dig(teller, campaign);
    }
    correct_a_weighing(teller);
    for lot in [
        "mine-operator-au/CON-2301",
        "mine-operator-au/CON-2302",
        "mine-operator-br/CON-2301",
        "mine-operator-ug/CON-2301",
        "mine-operator-ug/CON-2302",
        "mine-operator-ug/CON-2303",
        "mine-operator-na/CON-2301",
        "mine-operator-et/CON-2301",
    ] {
        teller.assay(lot, "XRF");
    }
    teller.days(4);
    suspend_fifth_mine(teller);
}

fn dig(teller: &mut Teller, campaign: &Campaign) {
    let Campaign { operator, mine, country, number, .. } = campaign;
    let name = |kind: &str| format!("{operator}/{kind}-{number}");
    let graded = |(grams, ta, nb): (u64, u32, u32)| (grams, oxides(ta, nb));
    let (ore_lot, concentrate_lot, tailings_lot) = (name("ORE"), name("CON"), name("TAIL"));
    let (grams, composition) = graded(campaign.ore);
    let made = ore(&ore_lot, grams, composition);
    teller.commission(operator, CommissionKind::Extracted, &made, mine, country, permit(mine));
    teller.days(1);
    let (grams, composition) = graded(campaign.concentrate);
    let product = concentrate(&concentrate_lot, campaign.form, grams, composition);
    let (grams, composition) = graded(campaign.tailings);
    let tailings = residue(&tailings_lot, "tailings", grams, composition);
    teller.transform(operator, Process::Concentrating, mine, &[(&ore_lot, 0)], &[product, tailings]);
}

/// A bag of 900 kg was typed as 9,000 kg; the record is withdrawn and said again.
fn correct_a_weighing(teller: &mut Teller) {
    let (operator, mine) = ("mine-operator-ug", "mine-operator-ug/wampero");
    let lot = "mine-operator-ug/ORE-2303";
    let wrong = ore(lot, 9_000_000, oxides(380, 160));
    let item = teller.commission(operator, CommissionKind::Extracted, &wrong, mine, "UG", permit(mine));
    "the wrong weighing".clone_into(&mut item.label);
    teller.forget(lot);
    teller.days(1);
    let event = Withdraw {
        record: Vec::new(),
        reason: WithdrawReason::IncorrectData as i32,
        explanation: "900 kg were weighed, 9,000 kg were typed".to_owned(),
    };
    teller.tell_about(operator, Event::Withdraw(event), IdField::Record, "the wrong weighing");
    let right = ore(lot, 900_000, oxides(380, 160));
    let item = teller.commission(operator, CommissionKind::Extracted, &right, mine, "UG", permit(mine));
    item.links.push((IdField::Corrects, "the wrong weighing".to_owned()));
    let product =
        concentrate("mine-operator-ug/CON-2303", "tantalite, hand-washed", 100_000, oxides(3_000, 1_200));
    let tailings = residue("mine-operator-ug/TAIL-2303", "tailings", 750_000, oxides(40, 20));
    teller.transform(operator, Process::Concentrating, mine, &[(lot, 0)], &[product, tailings]);
}
