//! Documents of others become records by the table in the README, and nothing is invented.

use ore_epcis::{
    Directory, Document, Draft, Event, Importer, KnownLot, Product, Refusal, json::Value, survey,
};
use ore_record::v1::{
    AssayStage, CommissionKind, ContentKind, CustodyModel, Facility, FacilityKind, Identifier, MassBasis,
    MaterialClass, Member, Process, RecyclingClass, ShipPurpose, TransferKind, WithdrawReason,
    record::Event as Statement,
};

use crate::{documents, vectors};

/// The roster behind the worked loop.
pub(crate) fn directory() -> Directory {
    let mut directory = Directory::new("example.com/tantalum");
    for (id, kind, gln) in [
        ("mine-a/pit", FacilityKind::Mine, "9521234000112"),
        ("mine-b/pit", FacilityKind::Mine, "9521234000129"),
        ("refiner/plant", FacilityKind::Refinery, "9521234000136"),
        ("maker/plant", FacilityKind::TargetPlant, "9521234000143"),
        ("fab/line", FacilityKind::Fab, "9521234000150"),
        ("lab/bench", FacilityKind::Laboratory, "9521234000167"),
    ] {
        let owner = id.split('/').next().unwrap_or_default();
        let gln = Identifier { scheme: "GLN".into(), value: gln.into() };
        directory.add_facility(&Facility {
            id: id.into(),
            kind: kind.into(),
            reference: gln.value.clone(),
            ..Facility::default()
        });
        directory.add_member(&Member { id: owner.into(), identifiers: vec![gln], ..Member::default() });
    }
    for (gtin, material, process) in [
        ("9521234000013", MaterialClass::Concentrate, ""),
        ("9521234000020", MaterialClass::Intermediate, "reduction"),
        ("9521234000037", MaterialClass::SputteringTarget, "sintering"),
        ("9521234000051", MaterialClass::Intermediate, "recycling"),
        ("9521234000068", MaterialClass::Residue, ""),
    ] {
        let product = Product {
            material,
            model: "controlled blending".into(),
            process: process.into(),
            ..Product::default()
        };
        directory.add_product(gtin, product);
    }
    for (key, id) in [
        ("01/09521234000013/10/A-0001", "mine-a/01.09521234000013.10.A-0001"),
        ("01/09521234000013/10/B-0001", "mine-b/01.09521234000013.10.B-0001"),
        ("01/09521234000020/10/P-0001", "refiner/01.09521234000020.10.P-0001"),
        ("01/09521234000037/21/TG-000001", "maker/01.09521234000037.21.TG-000001"),
        ("01/09521234000051/10/R-0001", "maker/01.09521234000051.10.R-0001"),
    ] {
        let moisture_ppm = if id.ends_with("A-0001") { 80_000 } else { 0 };
        let lot = KnownLot { id: id.into(), remaining_mg: 7_000_000, moisture_ppm, ..KnownLot::default() };
        directory.add_lot(&format!("https://id.gs1.org/{key}"), lot);
    }
    directory
}

fn import(bytes: &[u8], directory: &Directory) -> Vec<Result<Vec<Draft>, Refusal>> {
    let survey = survey(bytes).expect("can be read");
    let mut document = Document::open(bytes).expect("can be opened");
    let mut importer = Importer::new("acting", None);
    let mut results = Vec::new();
    while let Some(value) = document.next_event().expect("can be read") {
        results.push(match Event::read(&value, &survey.context) {
            Ok(event) => importer.map(&event, directory),
            Err(mut faults) => Err(faults.remove(0)),
        });
    }
    results
}

fn worked(file: &str) -> Vec<Result<Vec<Draft>, Refusal>> {
    import(&std::fs::read(vectors("worked").join(file)).expect("vector is readable"), &directory())
}

fn only(result: &Result<Vec<Draft>, Refusal>) -> &Draft {
    match result {
        Ok(drafts) if drafts.len() == 1 => &drafts[0],
        other => panic!("not one draft: {other:?}"),
    }
}

#[test]
fn the_worked_loop_becomes_ten_records_of_those_whose_they_are() {
    let results = worked("epcis_ta_loop.jsonld");
    let authors: Vec<&str> = results.iter().map(|result| only(result).record.author.as_str()).collect();
    let expected =
        ["mine-a", "mine-b", "lab", "mine-a", "refiner", "refiner", "maker", "fab", "maker", "maker"];
    assert_eq!(authors, expected);

    let draft = only(&results[0]);
    let Some(Statement::Commission(commission)) = &draft.record.event else { panic!("a lot is mined") };
    let lot = commission.lot.as_ref().expect("has a lot");
    let mass = lot.mass.as_ref().expect("weighs something");
    assert_eq!(commission.kind(), CommissionKind::Extracted);
    assert_eq!(lot.lot, "mine-a/01.09521234000013.10.A-0001");
    assert_eq!((mass.dry_mg, mass.wet_mg, mass.moisture_ppm), (18_400_000_000, 20_000_000_000, 80_000));
    assert_eq!(
        (lot.origin_country.as_str(), lot.tags.as_slice()),
        ("RW", ["9521234000011-000123".to_owned()].as_slice())
    );
    assert_eq!(lot.model(), CustodyModel::ControlledBlending);
    let content = &lot.composition.as_ref().expect("contains something").contents[0];
    assert_eq!((content.element, content.ppb, content.kind()), (73, 245_691_000, ContentKind::Declared));
    assert!(draft.lacks.iter().any(|lack| lack.contains("declared, not measured")), "{:?}", draft.lacks);
    assert!(draft.lacks.iter().any(|lack| lack.contains("RW-MIN-0001")), "{:?}", draft.lacks);
    assert_eq!((draft.record.event_time_ms, draft.record.utc_offset_minutes), (1_768_024_800_000, 120));

    let Some(Statement::Assay(assay)) = &only(&results[2]).record.event else { panic!("a lot is measured") };
    let composition = assay.composition.as_ref().expect("has a composition");
    assert_eq!((composition.laboratory.as_str(), composition.stage()), ("lab", AssayStage::Unspecified));
    assert_eq!(composition.method, "XRF-fusion");
    assert_eq!(
        (composition.contents[0].ppb, composition.contents[0].kind()),
        (245_691_000, ContentKind::Measured)
    );

    // 20,000 kg as weighed are 18,400 kg of a lot that was made with 8 % of moisture.
    let Some(Statement::Ship(shipped)) = &only(&results[3]).record.event else { panic!("ore goes out") };
    let mass = shipped.lots[0].mass.as_ref().expect("weighs something");
    assert_eq!((mass.dry_mg, mass.wet_mg, mass.moisture_ppm), (18_400_000_000, 20_000_000_000, 80_000));
    let lacks = &only(&results[3]).lacks;
    assert!(lacks.iter().any(|lack| lack.contains("as when it was made")), "{lacks:?}");

    let ship = &only(&results[7]).record;
    let Some(Statement::Ship(ship)) = &ship.event else { panic!("a target goes back") };
    assert_eq!((ship.receiver.as_str(), ship.purpose()), ("maker", ShipPurpose::Return));
    assert_eq!(ship.transfer(), TransferKind::CustodyAndOwnership);
    assert_eq!((ship.from_facility.as_str(), ship.to_facility.as_str()), ("fab/line", "maker/plant"));
    assert_eq!(ship.lots[0].mass.as_ref().map(|mass| mass.dry_mg), Some(7_000_000));

    let Some(Statement::Transform(transform)) = &only(&results[8]).record.event else {
        panic!("it is recycled")
    };
    assert_eq!(
        (transform.process(), transform.recycling_class()),
        (Process::Recycling, RecyclingClass::PostConsumer)
    );
    assert_eq!(transform.losses[0].mg, 700_000);
    assert_eq!(transform.inputs[0].mass.as_ref().map(|mass| mass.dry_mg), Some(7_000_000));
    let out = transform.outputs[0].lot.as_ref().expect("has a lot").mass.as_ref().expect("weighs something");
    assert_eq!((out.dry_mg, out.basis()), (6_300_000, MassBasis::Dry));
}

#[test]
fn an_error_declaration_withdraws_and_its_correction_corrects() {
    let results = worked("epcis_error_declaration.jsonld");
    let wrong = only(&worked("epcis_ta_loop.jsonld")[5]).clone();
    let withdrawn = only(&results[0]);
    let Some(Statement::Withdraw(withdraw)) = &withdrawn.record.event else { panic!("is withdrawn") };
    assert_eq!(withdraw.reason(), WithdrawReason::IncorrectData);
    assert_eq!(withdrawn.withdraws.as_ref(), Some(&wrong.label));
    assert_eq!(withdrawn.record.author, wrong.record.author);
    let corrected = only(&results[1]);
    assert!(matches!(corrected.record.event, Some(Statement::Transform(_))));
    assert_eq!(corrected.corrects.as_ref(), Some(&wrong.label));
}

#[test]
fn the_same_event_is_the_same_statement_wherever_it_stands() {
    let named = worked("epcis_ta_loop.jsonld");
    let unnamed = worked("epcis_ta_loop.noid.jsonld");
    assert_eq!(named, unnamed);
}

#[test]
fn a_piece_that_goes_whole_weighs_what_the_records_before_left_of_it() {
    let mut directory = directory();
    let piece = "https://id.gs1.org/01/09521234000037/21/TG-000001";
    let left = |directory: &Directory| directory.lot(piece).map(|lot| lot.remaining_mg);
    let results = worked("epcis_ta_loop.jsonld");
    directory.forget_lots();
    directory.follow(&only(&results[6]).record);
    assert_eq!((directory.known_lots(), left(&directory)), (1, Some(10_000_000)));
    let used =
        r#"{"use":{"item":"maker/01.09521234000037.21.TG-000001","net_mass":"7 kg","facility":"fab/line"}}"#;
    directory.follow(&ore_exchange::json::record_from_str(used).expect("a record"));
    assert_eq!((directory.known_lots(), left(&directory)), (1, Some(7_000_000)));
    // What is recycled is all that is left.
    directory.follow(&only(&results[8]).record);
    assert_eq!((directory.known_lots(), left(&directory)), (2, Some(0)));
}

#[test]
fn every_valid_sample_imports_or_is_refused_by_a_clause() {
    let directory = directory();
    let (mut drafts, mut refused) = (0, 0);
    for folder in
        ["samples", "openepcis/Documents", "openepcis/Events", "openepcis/Query", "hash-vectors/examples"]
    {
        for (name, bytes) in documents(folder) {
            if !survey(bytes.as_slice()).is_ok_and(|survey| survey.faults.is_empty()) {
                continue;
            }
            for result in import(&bytes, &directory) {
                match result {
                    Ok(mapped) => drafts += mapped.len(),
                    Err(refusal) => {
                        assert!(!refusal.reason.is_empty() && !refusal.hint.is_empty(), "{name}: {refusal}");
                        refused += 1;
                    }
                }
            }
        }
    }
    // They are about other goods at other places, so the roster of the loop knows none of them.
    assert!(refused > 200, "{refused} refused, {drafts} mapped");
}

#[test]
fn what_a_record_cannot_do_without_is_asked_for_by_its_clause() {
    let event = |fields: &str| {
        let common = r#""eventTime":"2026-01-10T06:00:00Z","eventTimeZoneOffset":"+02:00","bizLocation":{"id":"https://id.gs1.org/414/9521234000112"}"#;
        format!("{{{common},{fields}}}")
    };
    let lot = |rest: &str| {
        format!(r#""quantityList":[{{"epcClass":"https://id.gs1.org/01/09521234000013/10/A-0001"{rest}}}]"#)
    };
    let object = |step: &str, things: &str| {
        event(&format!(r#""type":"ObjectEvent","action":"OBSERVE","bizStep":"{step}",{things}"#))
    };
    let cases = [
        (object("shipping", &lot(r#","quantity":5,"uom":"KGM""#)), "CBV 2.0, Source/Destination types"),
        (object("retail_selling", &lot("")), "CBV 2.0, Business steps"),
        (object("receiving", &lot("")).replace("9521234000112", "9521234000174"), "The \"Where\" dimension"),
        (object("receiving", &lot(r#","quantity":5"#)), ", UOM"),
        (object("receiving", &lot(r#","quantity":5,"uom":"MTR""#)), ", UOM"),
        (object("receiving", &lot(r#","quantity":0.0000001,"uom":"KGM""#)), ", QuantityElement"),
        (
            object("receiving", &lot(r#","quantity":5,"uom":"KGM""#)).replace("A-0001", "Z-9"),
            "CBV 2.0, Physical or digital objects",
        ),
        (
            object("receiving", &lot(r#","quantity":5,"uom":"KGM""#))
                .replace("01/09521234000013", "01/09521234000014"),
            "check digit",
        ),
        (object("holding", &lot("")).replace("holding", ""), "CBV 2.0, Business steps"),
        (object("holding", &lot("")).replace("ObjectEvent", "example:Other"), "EPCISEvent"),
    ];
    let directory = directory();
    for (text, clause) in cases {
        let value = Value::parse(&text).expect("is JSON");
        let context = survey(format!(r#"{{"type":"x:y","@context":{{}},"a:b":{text}}}"#).as_bytes())
            .expect("reads")
            .context;
        let refusal = match Event::read(&value, &context) {
            Ok(event) => Importer::new("mine-a", None).map(&event, &directory).expect_err(&text),
            Err(mut faults) => faults.remove(0),
        };
        assert!(refusal.clause.text().contains(clause), "{text}\n{refusal}");
    }
}
