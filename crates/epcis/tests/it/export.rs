//! What is exported is valid by GS1's schema, and imports to the same records.

use std::collections::{HashMap, HashSet};

use ore_epcis::{Directory, Document, Draft, Event, Importer, Instant, export, survey};
use ore_generate::{Signed, generate, violate};
use ore_record::{
    RecordId, SignedRecord, draft,
    v1::{Record, record::Event as Statement},
};

use crate::samples::SCHEMA;

const ORIGIN: &str = "example.com/story";

/// A made-up supply chain with each rule broken once, so that every kind of record is there.
fn story() -> Vec<SignedRecord> {
    let mut records = Vec::new();
    let mut sink = Signed::new(ORIGIN, |record, _| records.push(record));
    let (_, until_ms) = generate(&mut sink, 7, 120);
    violate(&mut sink, 7, until_ms);
    drop(sink);
    records
}

fn document(records: &[SignedRecord], directory: &Directory) -> (String, Vec<SignedRecord>) {
    let by_id: HashMap<RecordId, &SignedRecord> =
        records.iter().map(|record| (record.id(), record)).collect();
    let mut text = export::head("https://example.com/story/documents/1", Instant::from_ms(1_800_000_000_000));
    let mut written = Vec::new();
    for record in records {
        let withdrawn = export::withdrawn_id(record.record()).and_then(|id| by_id.get(&id));
        if let Some(event) = export::record(record, withdrawn.map(|old| old.record()), directory) {
            if !written.is_empty() {
                text.push(',');
            }
            text.push_str(&ore_epcis::json::Value::Object(event).write());
            written.push(record.clone());
        }
    }
    text.push_str(export::TAIL);
    (text, written)
}

fn import(text: &str, directory: &Directory) -> Vec<Draft> {
    let context = survey(text.as_bytes()).expect("can be read").context;
    let mut document = Document::open(text.as_bytes()).expect("can be opened");
    let mut importer = Importer::new("nobody", None);
    let mut drafts = Vec::new();
    while let Some(value) = document.next_event().expect("can be read") {
        let event = Event::read(&value, &context).unwrap_or_else(|faults| panic!("{faults:?}"));
        let mapped = importer.map(&event, directory);
        drafts.extend(mapped.unwrap_or_else(|fault| panic!("{fault}\n{}", value.write())));
    }
    drafts
}

#[test]
fn what_is_exported_is_valid_and_imports_to_the_same_records() {
    let records = story();
    let directory = Directory::new(ORIGIN);
    let (text, written) = document(&records, &directory);
    let json: serde_json::Value = serde_json::from_str(&text).expect("is JSON");
    let faults: Vec<String> = SCHEMA
        .iter_errors(&json)
        .take(3)
        .map(|error| format!("{error} at {}", error.instance_path()))
        .collect();
    assert!(faults.is_empty(), "GS1's schema: {faults:?}");
    assert_eq!(survey(text.as_bytes()).expect("can be read").faults, []);
    let drafts = import(&text, &directory);
    let entries: Vec<Vec<u8>> = drafts.into_iter().filter_map(|draft| draft.signed).collect();
    let expected: Vec<Vec<u8>> = written.iter().map(SignedRecord::entry).collect();
    assert_eq!(entries, expected);
    let kinds: HashSet<_> =
        written.iter().filter_map(|it| it.record().event.as_ref()).map(std::mem::discriminant).collect();
    assert!(written.len() > 400 && kinds.len() >= 8, "{} records of {} kinds", written.len(), kinds.len());
}

/// One record of every kind that the story does not tell, in people's words.
const OTHERS: [&str; 16] = [
    r#"{"decline":{"offer":"00","lots":["mine-a/L-1"],"reason":"wet"}}"#,
    r#"{"cancel_shipment":{"lots":["mine-a/01.09521234000013.10.A-1"],"reason":"too late"}}"#,
    r#"{"assay":{"lot":"mine-a/L-1","composition":{"contents":{"Ta2O5":"39.7 % ± 0.4 %","U":"< 50 ppm"},"method":"XRF","laboratory":"lab"},"pattern":[{"element":"La","ppt":"1200"}],"sample":"s-1"}}"#,
    r#"{"seal":{"lot":"mine-a/L-1","seal":"ITSCI 12/34 é","action":"applied"}}"#,
    r#"{"seal":{"lot":"mine-a/L-1","seal":"x","action":"broken"}}"#,
    r#"{"use":{"item":"maker/T-1","net_mass":"7.25 kg","facility":"fab/line"}}"#,
    r#"{"stocktake":{"facility":"refiner/plant","lines":[{"material":"metal","element":"Ta","mg":"12.5 kg"}]}}"#,
    r#"{"hold":{"lot":"mine-a/L-1","reason":"under review"}}"#,
    r#"{"release":{"lot":"mine-a/L-1"}}"#,
    r#"{"recall":{"lot":"mine-a/L-1","descendants":true,"reason":"wrong permit"}}"#,
    r#"{"dispose":{"lot":"mine-a/L-1","mass":{"dry_mg":"373242","basis":"dry","unit":"APZ"},"kind":"lost"}}"#,
    r#"{"dispose":{"lot":"mine-a/L-1","mass":{"kg":"5200","moisture":"3.2 %"},"kind":"destroyed","reason":"fire"}}"#,
    r#"{"footprint":{"lot":"mine-a/L-1","co2e_g":"1200000","method":"ISO 14067"}}"#,
    r#"{"credit_deposit":{"scheme":"s","facility":"refiner/plant","element":"Ta","lot":"mine-a/L-1","mg":"1 kg","conversion_ppm":1000000,"period":202611}}"#,
    r#"{"credit_claim":{"scheme":"s","facility":"refiner/plant","element":"Ta","lot":"mine-a/L-1","mg":"1 kg","period":202611}}"#,
    r#"{"erased":{"record":"","reason":"asked for"}}"#,
];

#[test]
fn every_kind_of_record_about_lots_goes_out_and_comes_in_again() {
    let key = ore_generate::key_of("someone");
    let sign = |text: &&str| {
        let mut record =
            ore_exchange::json::record_from_str(&text.replace("\"offer\":\"00\",", "")).expect(text);
        draft::complete(&mut record, ORIGIN, "someone", [9; 16]);
        (record.event_time_ms, record.utc_offset_minutes, record.note) =
            (1_768_024_800_001, -570, "\u{1F4E6} noted".into());
        draft::heads_mut(&mut record).into_iter().for_each(|lot| lot.head = vec![7; 32]);
        SignedRecord::sign(record, &key).expect("is short")
    };
    let records: Vec<SignedRecord> = OTHERS.iter().map(sign).collect();
    let directory = Directory::new(ORIGIN);
    let (text, written) = document(&records, &directory);
    assert_eq!(written.len(), OTHERS.len());
    let json: serde_json::Value = serde_json::from_str(&text).expect("is JSON");
    let faults: Vec<String> = SCHEMA.iter_errors(&json).map(|error| error.to_string()).collect();
    assert!(faults.is_empty(), "GS1's schema: {faults:?}");
    let entries: Vec<_> = import(&text, &directory).into_iter().filter_map(|draft| draft.signed).collect();
    assert_eq!(entries, records.iter().map(SignedRecord::entry).collect::<Vec<_>>());
}

#[test]
fn without_the_signatures_it_imports_to_the_same_drafts() {
    let records = story();
    let directory = Directory::new(ORIGIN);
    let (text, written) = document(&records, &directory);
    let mut json: serde_json::Value = serde_json::from_str(&text).expect("is JSON");
    for event in json["epcisBody"]["eventList"].as_array_mut().expect("is a list") {
        event.as_object_mut().expect("is an object").remove("mct:signedRecord");
    }
    let drafts = import(&json.to_string(), &directory);
    assert_eq!(drafts.len(), written.len());
    for (draft, signed) in drafts.iter().zip(&written) {
        let mut plain: Record = signed.record().clone();
        plain.origin.clear();
        plain.author_key.clear();
        plain.nonce.clear();
        draft::heads_mut(&mut plain).into_iter().for_each(|lot| lot.head.clear());
        assert_eq!(draft.record, plain);
    }
}

#[test]
fn an_event_that_says_something_else_than_its_statement_is_refused() {
    let records = story();
    let directory = Directory::new(ORIGIN);
    let is = |record: &&SignedRecord| matches!(record.record().event, Some(Statement::Transform(_)));
    let transform = records.iter().find(is).expect("the story transforms").clone();
    let (text, _) = document(&[transform], &directory);
    let context = survey(text.as_bytes()).expect("can be read").context;
    let lies: [fn(&mut serde_json::Value); 4] = [
        |event| event["eventTime"] = "2026-02-03T04:05:06.000Z".into(),
        |event| event["inputQuantityList"][0]["quantity"] = 1.into(),
        |event| event["ilmd"]["mct:lots"][0]["mct:originCountry"] = "XX".into(),
        |event| event["mct:statement"]["mct:transform"]["mct:facility"] = "someone/else".into(),
    ];
    for (at, lie) in lies.iter().enumerate() {
        let mut json: serde_json::Value = serde_json::from_str(&text).expect("is JSON");
        let event = &mut json["epcisBody"]["eventList"][0];
        lie(event);
        let value = ore_epcis::json::Value::parse(&event.to_string()).expect("is JSON");
        let event = Event::read(&value, &context).expect("is a valid event");
        let refusal = Importer::new("x", None).map(&event, &directory).expect_err("a lie");
        assert!(refusal.path.starts_with("mct:"), "lie {at}: {refusal}");
    }
}
