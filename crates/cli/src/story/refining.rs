//! Two refineries, niobium as a by-product, slag that is worked again, powder.

use ore_record::v1::{
    Composition, Footprint, MaterialClass, OutputRole, Process, StockLine, Stocktake, record::Event,
};

use super::{
    mining::{concentrate, residue},
    teller::{Made, NB, TA, Teller, metals},
};

const JP: (&str, &str) = ("refiner-jp", "refiner-jp/plant");
const EE: (&str, &str) = ("refiner-ee", "refiner-ee/plant");
const SLAG: (&str, &str) = ("slag-works-th", "slag-works-th/plant");

fn compound<'a>(
    lot: &'a str,
    form: &'a str,
    formula: &'a str,
    grams: u64,
    composition: Composition,
) -> Made<'a> {
    let role = if formula == "Nb2O5" { OutputRole::ByProduct } else { OutputRole::Product };
    Made {
        lot,
        material: MaterialClass::Intermediate,
        form,
        compound: formula,
        grams,
        composition,
        role,
        serial: "",
    }
}

/// Tantalum salt, by-product and filter cake.
fn salt(lot: &str, grams: u64) -> Made<'_> {
    compound(lot, "potassium heptafluorotantalate", "K2TaF7", grams, metals(461_000, 0))
}

fn niobia(lot: &str, grams: u64) -> Made<'_> {
    compound(lot, "niobium pentoxide", "Nb2O5", grams, metals(0, 698_000))
}

pub(super) fn tell(teller: &mut Teller) {
    first_campaigns(teller);
    slag_is_worked_again(teller);
    niobium(teller);
    powder(teller);
}

fn first_campaigns(teller: &mut Teller) {
    teller.days(20);
    let outputs = [
        salt("refiner-jp/KTF-2301", 494_000),
        niobia("refiner-jp/NBO-2301", 100_000),
        residue("refiner-jp/RES-2301", "filter cake", 230_000, metals(50_000, 25_000)),
    ];
    let inputs = [("mine-operator-au/CON-2301", 0), ("trader-be/BLD-2301-A", 0)];
    teller.transform(JP.0, Process::Refining, JP.1, &inputs, &outputs);
    teller.assay("refiner-jp/KTF-2301", "ICP-MS");
    let outputs = [
        compound("refiner-ee/TAO-2301", "tantalum pentoxide", "Ta2O5", 370_000, metals(818_000, 0)),
        niobia("refiner-ee/NBO-2301", 800_000),
        residue("refiner-ee/RES-2301", "digestion residue", 420_000, metals(70_000, 100_000)),
    ];
    let inputs = [
        ("mine-operator-au/CON-2302", 0),
        ("mine-operator-br/CON-2301", 0),
        ("trader-be/BLD-2301-B", 0),
        ("trader-ae/UNK-2301", 0),
        ("mine-operator-ug/CON-2303", 0),
    ];
    teller.transform(EE.0, Process::Refining, EE.1, &inputs, &outputs);
    teller.assay("refiner-ee/TAO-2301", "ICP-MS");
    let footprint = Footprint {
        lot: Some(Teller::lot("refiner-jp/KTF-2301")),
        co2e_g: 9_880_000,
        energy_kj: 71_000_000,
        water_l: 62_000,
        acid_waste_mg: 410_000_000,
        method: "invented figures".to_owned(),
        ..Footprint::default()
    };
    teller.tell(JP.0, Event::Footprint(footprint));
}

fn slag_is_worked_again(teller: &mut Teller) {
    teller.hand_over(&["refiner-ee/RES-2301"], EE.1, SLAG.0, SLAG.1);
    teller.days(15);
    let outputs = [
        concentrate("slag-works-th/SYN-2301", "synthetic concentrate", 100_000, metals(260_000, 350_000)),
        residue("slag-works-th/SLAG-2301", "slag", 300_000, metals(8_000, 15_000)),
    ];
    teller.transform(SLAG.0, Process::Concentrating, SLAG.1, &[("refiner-ee/RES-2301", 0)], &outputs);
    teller.assay("slag-works-th/SYN-2301", "XRF");
    teller.hand_over(&["slag-works-th/SYN-2301"], SLAG.1, JP.0, JP.1);
    teller.days(10);
    let outputs = [
        salt("refiner-jp/KTF-2302", 74_000),
        niobia("refiner-jp/NBO-2302", 50_000),
        residue("refiner-jp/RES-2302", "filter cake", 150_000, metals(12_000, 25_000)),
    ];
    let inputs = [("slag-works-th/SYN-2301", 0), ("refiner-jp/RES-2301", 0)];
    teller.transform(JP.0, Process::Refining, JP.1, &inputs, &outputs);
    teller.assay("refiner-jp/KTF-2302", "ICP-MS");
    let line = |material: MaterialClass, element, mg| StockLine { material: material as i32, element, mg };
    let stocktake = Stocktake {
        facility: JP.1.to_owned(),
        period_start_ms: super::BEGIN_MS,
        lines: vec![
            line(MaterialClass::Intermediate, TA, 261_848_000),
            line(MaterialClass::Intermediate, NB, 104_700_000),
            line(MaterialClass::Residue, TA, 1_800_000),
        ],
    };
    teller.tell(JP.0, Event::Stocktake(stocktake));
}

fn niobium(teller: &mut Teller) {
    let (de, at) = ("alloy-maker-de", "alloy-maker-de/plant");
    teller.hand_over(&["refiner-jp/NBO-2301", "refiner-jp/NBO-2302"], JP.1, de, at);
    teller.hand_over(&["refiner-ee/NBO-2301"], EE.1, de, at);
    let inputs = [("refiner-jp/NBO-2301", 0), ("refiner-jp/NBO-2302", 0), ("refiner-ee/NBO-2301", 0)];
    let metal = Made {
        material: MaterialClass::Metal,
        ..compound("alloy-maker-de/NBM-2301", "niobium metal", "", 640_000, metals(0, 999_000))
    };
    teller.transform(de, Process::Reduction, at, &inputs, &[metal]);
    teller.assay("alloy-maker-de/NBM-2301", "ICP-MS");
}

/// Powder for four generations of targets, split by generation.
fn powder(teller: &mut Teller) {
    let (jp, jp_plant) = ("powder-maker-jp", "powder-maker-jp/plant");
    teller.hand_over(&["refiner-jp/KTF-2301", "refiner-jp/KTF-2302"], JP.1, jp, jp_plant);
    let inputs = [("refiner-jp/KTF-2301", 0), ("refiner-jp/KTF-2302", 0)];
    reduce(teller, jp, jp_plant, &inputs, 255_000, 999_500);
    let (us, us_plant) = ("powder-maker-us", "powder-maker-us/plant");
    teller.hand_over(&["refiner-ee/TAO-2301"], EE.1, us, us_plant);
    reduce(teller, us, us_plant, &[("refiner-ee/TAO-2301", 0)], 295_000, 999_300);
}

fn reduce(teller: &mut Teller, maker: &str, plant: &str, inputs: &[(&str, u64)], grams: u64, ta_ppm: u32) {
    teller.days(12);
    let whole = format!("{maker}/PWD-2301");
    let made = |lot| compound(lot, "tantalum powder", "Ta", 0, metals(ta_ppm, 0));
    teller.transform(maker, Process::Reduction, plant, inputs, &[Made { grams, ..made(whole.as_str()) }]);
    teller.assay(&whole, "GDMS");
    let names: Vec<String> = (0..4).map(|generation| format!("{whole}-G{generation}")).collect();
    let parts = [60_000, 20_000, 20_000, 9_000];
    let outputs: Vec<Made<'_>> =
        names.iter().zip(parts).map(|(name, grams)| Made { grams, ..made(name.as_str()) }).collect();
    teller.transform(maker, Process::Splitting, plant, &[(&whole, parts.iter().sum())], &outputs);
}
