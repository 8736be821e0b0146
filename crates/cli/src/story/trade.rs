//! Traders: a variance, a blend, a split, a cancelled and a declined delivery, an unknown origin.

use ore_record::v1::{CancelShipment, CommissionKind, Decline, Hold, Process, ShipPurpose, record::Event};

use super::{
    mining::concentrate,
    teller::{Teller, oxides, wet},
};
use crate::post::item::IdField;

pub(super) fn tell(teller: &mut Teller) {
    blend(teller);
    a_cancelled_delivery(teller);
    a_declined_delivery(teller);
    an_unknown_origin(teller);
    to_the_refineries(teller);
}

fn blend(teller: &mut Teller) {
    let bags = ["mine-operator-ug/CON-2301", "mine-operator-ug/CON-2302"];
    teller.ship(&bags, "trader-be", ShipPurpose::Sale, "mine-operator-ug/wampero", "").record.note =
        "bags sealed at the mine".to_owned();
    teller.accept("trader-be", &bags, "trader-be/antwerp");
    // 404.8 kg wet at 1.5 % moisture are 398.728 kg dry: 1.272 kg less than were dispatched.
    let lot = ["mine-operator-na/CON-2301"];
    teller.ship(&lot, "trader-be", ShipPurpose::Sale, "mine-operator-na/uis", "");
    teller.accept_weighed("trader-be", &lot, vec![wet(404_800, 15_000)], "trader-be/antwerp").record.note =
        "1.272 kg less than dispatched; both weighings stand".to_owned();
    teller.days(3);
    let product = concentrate("trader-be/BLD-2301", "tantalite blend", 818_000, oxides(2_670, 1_190));
    let inputs = [(bags[0], 0), (bags[1], 0), (lot[0], 0)];
    teller.transform("trader-be", Process::Blending, "trader-be/antwerp", &inputs, &[product]);
    teller.assay("trader-be/BLD-2301", "XRF");
    let part = |name, grams| concentrate(name, "tantalite blend", grams, oxides(2_670, 1_190));
    let parts = [part("trader-be/BLD-2301-A", 500_000), part("trader-be/BLD-2301-B", 318_000)];
    teller.transform(
        "trader-be",
        Process::Splitting,
        "trader-be/antwerp",
        &[("trader-be/BLD-2301", 0)],
        &parts,
    );
}

fn a_cancelled_delivery(teller: &mut Teller) {
    let lot = "trader-be/BLD-2301-B";
    teller.ship(&[lot], "refiner-jp", ShipPurpose::Sale, "trader-be/antwerp", "the wrong address");
    let event = CancelShipment {
        offer: Vec::new(),
        lots: vec![Teller::lot(lot)],
        reason: "addressed to the wrong refinery".to_owned(),
    };
    teller.tell_about("trader-be", Event::CancelShipment(event), IdField::Offer, "the wrong address");
}

fn a_declined_delivery(teller: &mut Teller) {
    let lot = "mine-operator-et/CON-2301";
    teller.hand_over(&[lot], "mine-operator-et/kenticha", "trader-ae", "trader-ae/dubai");
    teller.ship(&[lot], "refiner-ee", ShipPurpose::Sale, "trader-ae/dubai", "the doubtful offer");
    teller.days(5);
    let event = Decline {
        offer: Vec::new(),
        lots: vec![Teller::lot(lot)],
        reason: "site status certifier-ch/SITE-ET is suspended".to_owned(),
    };
    teller.tell_about("refiner-ee", Event::Decline(event), IdField::Offer, "the doubtful offer");
    let event = Hold { lot: Some(Teller::lot(lot)), reason: "until the site status is settled".to_owned() };
    teller.tell("trader-ae", Event::Hold(event));
}

fn an_unknown_origin(teller: &mut Teller) {
    let made =
        concentrate("trader-ae/UNK-2301", "tantalite, origin not shown", 110_000, oxides(2_600, 1_000));
    teller
        .commission("trader-ae", CommissionKind::DeclaredUnknown, &made, "trader-ae/dubai", "ZZ", "")
        .record
        .note = "bought at a market; nobody could show where it was mined".to_owned();
    teller.assay("trader-ae/UNK-2301", "XRF");
}

fn to_the_refineries(teller: &mut Teller) {
    let (jp, ee) = (("refiner-jp", "refiner-jp/plant"), ("refiner-ee", "refiner-ee/plant"));
    for (lot, from, (to, at)) in [
        ("mine-operator-au/CON-2301", "mine-operator-au/pilgangoora", jp),
        ("trader-be/BLD-2301-A", "trader-be/antwerp", jp),
        ("mine-operator-au/CON-2302", "mine-operator-au/pilgangoora", ee),
        ("mine-operator-br/CON-2301", "mine-operator-br/pitinga", ee),
        ("trader-be/BLD-2301-B", "trader-be/antwerp", ee),
        ("trader-ae/UNK-2301", "trader-ae/dubai", ee),
        ("mine-operator-ug/CON-2303", "mine-operator-ug/wampero", ee),
    ] {
        teller.hand_over(&[lot], from, to, at);
    }
}
