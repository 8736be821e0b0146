//! Targets: melted, cut, used in fabs, returned, recycled, and made again, four generations.

use ore_record::v1::{
    CommissionKind, MaterialClass, OutputRole, Process, RecyclingClass, ShipPurpose, record::Event,
};

use super::{
    mining::residue,
    teller::{Made, Teller, metals},
};

const MELT: (&str, &str) = ("ingot-maker-us", "ingot-maker-us/plant");
const CUT: (&str, &str) = ("target-maker-jp", "target-maker-jp/plant");
const RECYCLE: (&str, &str) = ("recycler-jp", "recycler-jp/plant");
const FABS: [(&str, &str); 2] = [("fab-tw", "fab-tw/fab"), ("fab-us", "fab-us/fab")];

/// One generation: powder (and what came back from the one before) to targets; the last stays new.
pub(super) fn tell(teller: &mut Teller, generation: u32) {
    let feed = collect_feed(teller, generation);
    let ingot = melt(teller, generation, &feed);
    let targets = cut(teller, generation, &ingot);
    for (target, (fab, at)) in targets.iter().zip(FABS) {
        teller.hand_over(&[target], CUT.1, fab, at);
    }
    if generation < 3 {
        use_and_return(teller, &targets);
        recycle(teller, generation, &targets);
    }
}

/// What goes into the melt: two powders, and from the second generation on recycled powder and chips.
fn collect_feed(teller: &mut Teller, generation: u32) -> Vec<String> {
    let mut feed = Vec::new();
    for (maker, plant) in
        [("powder-maker-jp", "powder-maker-jp/plant"), ("powder-maker-us", "powder-maker-us/plant")]
    {
        let lot = format!("{maker}/PWD-2301-G{generation}");
        teller.hand_over(&[&lot], plant, MELT.0, MELT.1);
        feed.push(lot);
    }
    if generation > 0 {
        let recycled = format!("{}/RPW-{generation}", RECYCLE.0);
        teller.hand_over(&[&recycled], RECYCLE.1, MELT.0, MELT.1);
        let chips = format!("{}/CHIPS-{}", CUT.0, generation - 1);
        teller.ship(&[&chips], MELT.0, ShipPurpose::Return, CUT.1, "");
        teller.accept(MELT.0, &[&chips], MELT.1);
        feed.extend([recycled, chips]);
    }
    feed
}

fn melt(teller: &mut Teller, generation: u32, feed: &[String]) -> String {
    let ingot = format!("{}/ING-{generation}", MELT.0);
    let skull = format!("{}/SKULL-{generation}", MELT.0);
    let inputs: Vec<(&str, u64)> = feed.iter().map(|lot| (lot.as_str(), 0)).collect();
    let outputs = [
        made(&ingot, MaterialClass::Metal, "tantalum ingot", 117_000, OutputRole::Product),
        residue(&skull, "melting skull", 2_000, metals(990_000, 0)),
    ];
    teller.days(5);
    teller.transform(MELT.0, Process::Smelting, MELT.1, &inputs, &outputs);
    teller.assay(&ingot, "GDMS");
    teller.hand_over(&[&ingot], MELT.1, CUT.0, CUT.1);
    ingot
}

fn made<'a>(lot: &'a str, material: MaterialClass, form: &'a str, grams: u64, role: OutputRole) -> Made<'a> {
    Made { lot, material, form, compound: "Ta", grams, composition: metals(999_600, 0), role, serial: "" }
}

/// Two targets and chips; the chips are cleaned in house, which is no recycled content (ISO 14021).
fn cut(teller: &mut Teller, generation: u32, ingot: &str) -> [String; 2] {
    let targets = [1, 2].map(|piece| format!("{}/TGT-{generation}0{piece}", CUT.0));
    let serials = [1, 2].map(|piece| format!("TA-{generation}0{piece}"));
    let swarf = format!("{}/SWARF-{generation}", CUT.0);
    let chips = format!("{}/CHIPS-{generation}", CUT.0);
    let target = |piece: usize| Made {
        serial: &serials[piece],
        ..made(
            &targets[piece],
            MaterialClass::SputteringTarget,
            "tantalum target",
            45_000,
            OutputRole::Product,
        )
    };
    let scrap = |lot, grams| Made {
        compound: "",
        composition: metals(999_000, 0),
        ..made(lot, MaterialClass::Scrap, "turnings", grams, OutputRole::Residue)
    };
    teller.days(8);
    let outputs = [target(0), target(1), scrap(swarf.as_str(), 26_000)];
    teller.transform(CUT.0, Process::Machining, CUT.1, &[(ingot, 0)], &outputs);
    let cleaned = Made { role: OutputRole::Product, ..scrap(chips.as_str(), 25_500) };
    let item = teller.transform(CUT.0, Process::Recycling, CUT.1, &[(&swarf, 0)], &[cleaned]);
    if let Some(Event::Transform(transform)) = &mut item.record.event {
        transform.recycling_class = RecyclingClass::Internal as i32;
    }
    targets
}

/// Net mass falls in three campaigns; what is left goes back.
fn use_and_return(teller: &mut Teller, targets: &[String; 2]) {
    for grams in [40_000, 34_000, 28_000] {
        for (target, (_, at)) in targets.iter().zip(FABS) {
            teller.use_item(target, grams, at);
        }
    }
    for (target, (_, at)) in targets.iter().zip(FABS) {
        teller.ship(&[target], RECYCLE.0, ShipPurpose::Return, at, "");
        teller.accept(RECYCLE.0, &[target], RECYCLE.1);
    }
}

/// Spent targets become powder; before the last generation, scrap without history joins them.
fn recycle(teller: &mut Teller, generation: u32, targets: &[String; 2]) {
    let next = generation + 1;
    let powder = format!("{}/RPW-{next}", RECYCLE.0);
    let sludge = format!("{}/SLUDGE-{next}", RECYCLE.0);
    let mut inputs = vec![(targets[0].as_str(), 0), (targets[1].as_str(), 0)];
    let (mut grams, mut sludge_grams) = (54_000, 1_800);
    if next == 3 {
        inputs.push((collect_scrap(teller), 0));
        (grams, sludge_grams) = (76_000, 3_000);
    }
    let outputs = [
        Made {
            composition: metals(999_000, 0),
            ..made(&powder, MaterialClass::Intermediate, "recycled powder", grams, OutputRole::Product)
        },
        residue(&sludge, "sludge", sludge_grams, metals(900_000, 0)),
    ];
    teller.days(7);
    let item = teller.transform(RECYCLE.0, Process::Recycling, RECYCLE.1, &inputs, &outputs);
    if let Some(Event::Transform(transform)) = &mut item.record.event {
        transform.recycling_class = RecyclingClass::PostConsumer as i32;
    }
    teller.assay(&powder, "GDMS");
}

fn collect_scrap(teller: &mut Teller) -> &'static str {
    let (author, yard, lot) =
        ("scrap-collector-kr", "scrap-collector-kr/yard", "scrap-collector-kr/SCR-2501");
    let scrap = Made {
        composition: metals(600_000, 0),
        compound: "",
        ..made(lot, MaterialClass::Scrap, "capacitor scrap", 40_000, OutputRole::Product)
    };
    teller.commission(author, CommissionKind::CollectedScrap, &scrap, yard, "", "").record.note =
        "collected from old boards; no history on this ledger".to_owned();
    teller.assay(lot, "ICP-MS");
    teller.hand_over(&[lot], yard, RECYCLE.0, RECYCLE.1);
    lot
}
