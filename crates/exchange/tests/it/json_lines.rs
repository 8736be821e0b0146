//! JSON Lines: the mapping, the conveniences, and what a wrong line says.

use ore_exchange::json::{self, record_from_str, record_to_json};
use ore_record::{
    RECORD_DESCRIPTORS, RecordId, mass,
    v1::{self, record::Event},
};
use proptest::prelude::*;
use prost_reflect::{DescriptorPool, DynamicMessage};

use crate::arbitrary;

const TRANSFORM: &str = r#"{
    "event_time": "2026-11-09T18:00:00+01:00",
    "note": "first campaign",
    "transform": {
        "process": "smelting",
        "facility": "refiner/plant-1",
        "inputs": [{"lot": "mine-a/L-1", "mass": {"kg": "5000.5", "moisture": "3.2 %"}}],
        "outputs": [{
            "lot": {
                "lot": "refiner/P-1", "material": "INTERMEDIATE", "compound": "Ta2O5",
                "mass": "90 kg",
                "composition": {"contents": {"Ta2O5": "99.9 % ± 0.1 %", "Nb": "< 50 ppm"}, "method": "ICP-OES"}
            },
            "role": "product"
        }],
        "losses": [{"element": "Ta", "mg": "0.25 kg", "reason": "fume"}]
    }
}"#;

fn refused(line: &str) -> String {
    record_from_str(line).expect_err("refused").to_string()
}

#[test]
fn people_write_masses_contents_lots_elements_and_times_in_their_own_words() {
    let record = record_from_str(TRANSFORM).expect("a good line");
    assert_eq!((record.event_time_ms, record.utc_offset_minutes), (1_794_243_600_000, 60));
    assert!(
        record.author.is_empty() && record.nonce.is_empty() && record.origin.is_empty(),
        "left to the submitter"
    );
    let Some(Event::Transform(step)) = record.event else { panic!("a transform") };
    assert_eq!(step.process(), v1::Process::Smelting);
    let input = &step.inputs[0];
    assert_eq!(input.lot, Some(v1::LotRef { lot: "mine-a/L-1".into(), head: vec![] }));
    assert_eq!(input.mass, mass::from_text("5000.5", "KGM", Some("3.2 %")).ok());
    let output = step.outputs[0].lot.as_ref().expect("given");
    assert_eq!(output.mass, mass::parse("90 kg").ok());
    let contents = &output.composition.as_ref().expect("given").contents;
    assert_eq!(contents.iter().map(|content| content.element).collect::<Vec<_>>(), [41, 73]);
    assert_eq!(contents[0].kind(), v1::ContentKind::BelowDetection);
    assert_eq!(contents[1].kind(), v1::ContentKind::Measured);
    assert_eq!(
        (contents[1].oxide.as_str(), contents[1].ppb, contents[1].uncertainty_ppb),
        ("Ta2O5", 999_000_000, 1_000_000)
    );
    assert_eq!((step.losses[0].element, step.losses[0].mg), (73, 250_000));
}

#[test]
fn the_plain_mapping_reads_the_same_in_both_spellings() {
    let snake = record_from_str(
        r#"{"event_time_ms": "5", "accept": {"offer": "AQID", "lots": [{"lot": {"lot": "a1/1"}}]}}"#,
    );
    let camel = record_from_str(
        r#"{"eventTimeMs": 5, "accept": {"offer": "AQID", "lots": [{"lot": {"lot": "a1/1"}}]}}"#,
    );
    assert_eq!(snake, camel);
    let Ok(v1::Record { event: Some(Event::Accept(accept)), .. }) = snake else { panic!("an accept") };
    assert_eq!(accept.offer, [1, 2, 3]);
}

#[test]
fn a_record_id_may_be_hexadecimal_or_base64() {
    let id = RecordId::from_bytes([0xab; 32]);
    let read = |text: &str| {
        let line = format!(r#"{{"accept": {{"offer": "{text}"}}}}"#);
        let Ok(v1::Record { event: Some(Event::Accept(accept)), .. }) = record_from_str(&line) else {
            panic!("{line}")
        };
        accept.offer
    };
    assert_eq!(read(&id.to_string()), id.as_bytes());
    assert_eq!(read(&id.to_string().to_uppercase()), id.as_bytes());
    assert_eq!(read("q6urq6urq6urq6urq6urq6urq6urq6urq6urq6urq6s="), id.as_bytes());
    assert_eq!(read("q6urq6urq6urq6urq6urq6urq6urq6urq6urq6urq6s"), id.as_bytes());
    assert_eq!(read("_-8"), [0xff, 0xef], "the base64 of web addresses");
}

#[test]
fn a_wrong_line_says_where_why_and_what_to_write() {
    let cases = [
        ("", "column 1: not JSON: EOF while parsing a value (hint: each line is one {...} object)"),
        ("{\"note\": ", "column 9: not JSON: EOF while parsing a value"),
        (r#"{"note": "a", "note": "b"}"#, "column 26: not JSON: field \"note\" is there twice"),
        ("[]", "expected an object, found a list"),
        ("{}", "the record has no event (hint: one of: commission, transform, ship, "),
        (
            r#"{"hold": {"lot": "a1/1", "reson": "x"}}"#,
            "hold.reson: Hold has no field of this name (hint: did you mean \"reason\"?)",
        ),
        (
            r#"{"hold": {"wholly_unrelated_name": 1}}"#,
            "hold.wholly_unrelated_name: Hold has no field of this name (hint: known here: lot, reason)",
        ),
        (r#"{"hold": {"lot": 5}}"#, "hold.lot: expected an object, found the number 5"),
        (r#"{"hold": {"reason": 5}}"#, "hold.reason: expected a text in quotes, found the number 5"),
        (
            r#"{"hold": {}, "release": {}}"#,
            "release: the record has an event already, \"hold\" (hint: one record says one thing; write two lines)",
        ),
        (
            r#"{"ship": {"transfer": "owner ship"}}"#,
            "ship.transfer: \"owner ship\" is not known here (hint: did you mean \"ownership\"?)",
        ),
        (
            r#"{"ship": {"mode": "by donkey"}}"#,
            "ship.mode: \"by donkey\" is not known here (hint: one of: road, rail, sea, air, inland_water)",
        ),
        (r#"{"ship": {"lots": {}}}"#, "ship.lots: expected a list, found an object"),
        (
            r#"{"ship": {"lots": [{}, {"mass": {"kg": "1", "lb": "1"}}]}}"#,
            "ship.lots[1].mass: the mass has two units (hint: write one value with one unit)",
        ),
        (
            r#"{"ship": {"lots": [{"mass": {"kg": 5.5}}]}}"#,
            "ship.lots[0].mass.kg: 5.5 is a number with decimals, which JSON does not keep exactly (hint: put it in quotes: \"5.5\")",
        ),
        (
            r#"{"ship": {"lots": [{"mass": {"value": "5", "unit": "STN"}}]}}"#,
            "ship.lots[0].mass: mass: unit \"STN\" is not one of KGM (kg), TNE (t)",
        ),
        (r#"{"ship": {"lots": [{"mass": "-5 kg"}]}}"#, "ship.lots[0].mass: mass: \"-5\" is negative"),
        (
            r#"{"ship": {"lots": [{"mass": "5 lb"}]}}"#,
            "ship.lots[0].mass: mass: 5 LBR is not a whole number of milligrams; the nearest is 2267962 mg",
        ),
        (
            r#"{"accept": {"offer": "not an id!"}}"#,
            "accept.offer: \"not an id!\" is neither hexadecimal nor base64 (hint: a record id has 64 hexadecimal digits)",
        ),
        (
            r#"{"commission": {"lot": {"composition": {"contents": {"TA": "5 %"}}}}}"#,
            "commission.lot.composition.contents.TA: \"TA\" is neither an element's symbol",
        ),
        (
            r#"{"commission": {"lot": {"composition": {"contents": {"Ta": "5 %", "Ta2O5": "6 %"}}}}}"#,
            "commission.lot.composition.contents: Ta is stated twice",
        ),
        (
            r#"{"event_time": "yesterday", "hold": {}}"#,
            "event_time: \"yesterday\" is not a time (hint: write date, time and offset",
        ),
        (
            r#"{"event_time": "2026-11-09T18:00:00Z", "event_time_ms": 1, "hold": {}}"#,
            "event_time_ms: stated twice",
        ),
        (r#"{"event_time_ms": -1, "hold": {}}"#, "event_time_ms: -1 is out of range for this field"),
        (
            r#"{"event_time_ms": 1.5, "hold": {}}"#,
            "event_time_ms: expected a whole number, found the number 1.5",
        ),
        (
            r#"{"event_time_ms": "1e3", "hold": {}}"#,
            "event_time_ms: \"1e3\" is not a whole number (hint: write all digits)",
        ),
        (
            r#"{"transform": {"losses": [{"element": "Xx"}]}}"#,
            "transform.losses[0].element: \"Xx\" is not a whole number (hint: an atomic number, or a symbol",
        ),
        (
            r#"{"recall": {"descendants": "yes"}}"#,
            "recall.descendants: expected true or false, found the text \"yes\"",
        ),
    ];
    for (line, says) in cases {
        let error = refused(line);
        assert!(error.starts_with(says), "{line}\n  says  {error}\n  wants {says}");
    }
}

#[test]
fn a_record_of_70_kb_is_refused_by_its_own_size() {
    let line = format!(r#"{{"note": "{}", "hold": {{"lot": "a1/1"}}}}"#, "x".repeat(70_000));
    assert!(
        refused(&line).starts_with("the record has 70015 bytes, an entry with its signature at most 65535")
    );
}

#[test]
fn a_bad_line_never_loses_a_good_one() {
    let good = r#"{"hold": {"lot": "a1/1"}}"#;
    let too_long = "x".repeat(ore_exchange::MAX_LINE_BYTES + 10);
    let document = format!("\u{feff}{good}\r\n\n{{bad\n{too_long}\n{good}\n \t\n{good}");
    let mut document = document.into_bytes();
    document.extend_from_slice(b"\n\"\xff\"\n");
    let drafts: Vec<_> = json::read(document.as_slice()).map(|draft| draft.expect("readable")).collect();
    let lines: Vec<(u64, bool)> = drafts.iter().map(|draft| (draft.line, draft.record.is_ok())).collect();
    assert_eq!(lines, [(1, true), (3, false), (4, false), (5, true), (7, true), (8, false)]);
    assert!(
        drafts[2]
            .record
            .as_ref()
            .expect_err("too long")
            .to_string()
            .starts_with("the line has 1048587 bytes")
    );
    assert!(
        drafts[5]
            .record
            .as_ref()
            .expect_err("no text")
            .to_string()
            .starts_with("column 2: the line is not UTF-8")
    );
}

#[test]
fn a_document_that_cannot_be_read_says_so_once_at_that_place() {
    struct Broken(bool);
    impl std::io::Read for Broken {
        fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
            if std::mem::replace(&mut self.0, true) {
                return Err(std::io::Error::other("disk pulled out"));
            }
            buffer[..3].copy_from_slice(b"{}\n");
            Ok(3)
        }
    }
    let mut drafts = json::read(std::io::BufReader::new(Broken(false)));
    assert_eq!(drafts.next().expect("a line").expect("readable").line, 1);
    assert_eq!(drafts.next().expect("an error").expect_err("broken").to_string(), "disk pulled out");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn any_record_survives_being_written_and_read(seed: u64) {
        let record = arbitrary::record(seed);
        let line = record_to_json(&record);
        prop_assert!(!line.contains('\n'));
        prop_assert_eq!(record_from_str(&line), Ok(record), "{}", line);
    }

    #[test]
    fn the_general_reader_of_the_mapping_agrees(seed: u64) {
        let record = arbitrary::record(seed);
        let line = record_to_json(&record);
        let pool = DescriptorPool::decode(RECORD_DESCRIPTORS).expect("our own");
        let descriptor = pool.get_message_by_name("oreledger.v1.Record").expect("described");
        let mut reader = serde_json::Deserializer::from_str(&line);
        let general = DynamicMessage::deserialize(descriptor, &mut reader).expect("the mapping");
        prop_assert_eq!(general.transcode_to::<v1::Record>().expect("same protos"), record);
    }

    #[test]
    fn arbitrary_text_never_panics(text in ".{0,200}", lines: Vec<u8>) {
        let _ = record_from_str(&text);
        json::read(lines.as_slice()).for_each(drop);
    }

    #[test]
    fn a_good_line_with_a_wrong_byte_never_panics(at: prop::sample::Index, byte in 0x20u8..0x7f) {
        let mut line = TRANSFORM.as_bytes().to_vec();
        let at = at.index(line.len());
        line[at] = byte;
        let _ = record_from_str(&String::from_utf8_lossy(&line));
    }
}
