//! Event hashes: every vector of the reference tool, and the ten worked events.

use std::path::Path;

use ore_epcis::{EventHash, json::Value, pre_hash, survey};

use crate::{documents, events, vectors};

fn hashes(bytes: &[u8]) -> (Vec<String>, Vec<String>) {
    let context = survey(bytes).expect("can be read").context;
    let of = |event: &Value| {
        let event = event.as_object().expect("an event is an object").clone();
        (pre_hash(&event, &context), EventHash::of(&event, &context).uri())
    };
    events(bytes).iter().map(of).unzip()
}

fn lines(path: &Path) -> Vec<String> {
    let text = std::fs::read_to_string(path).expect("vector is readable");
    text.lines().map(str::trim).filter(|line| !line.is_empty()).map(str::to_owned).collect()
}

#[test]
fn every_vector_of_the_reference_tool_hashes_as_it_says() {
    let mut checked = 0;
    let mut wrong = Vec::new();
    for (name, bytes) in documents("hash-vectors/examples") {
        let stem = Path::new(&name).file_stem().expect("has a name").to_string_lossy().into_owned();
        let expected = lines(&vectors("hash-vectors/examples").join(format!("{stem}.hashes")));
        let (strings, uris) = hashes(&bytes);
        // The pre-hash strings beside them are for reading: some are wrapped, some are not of this document.
        if uris != expected {
            wrong.push(format!("{name}: {strings:#?}"));
            continue;
        }
        checked += 1;
    }
    assert!(wrong.is_empty(), "{} wrong, {checked} right:\n{}", wrong.len(), wrong.join("\n"));
    assert_eq!(checked, 39, "33 that the released tool passes, and six that need its unreleased code");
}

#[test]
fn documents_that_say_the_same_in_other_words_hash_alike() {
    let mut compared = 0;
    for (name, bytes) in documents("hash-vectors/expected_equal") {
        let (strings, _) = hashes(&bytes);
        assert!(!strings.is_empty(), "{name} has events");
        if strings.len() > 1 {
            assert!(strings.iter().all(|other| *other == strings[0]), "{name}:\n{}", strings.join("\n"));
            compared += 1;
        }
    }
    assert_eq!(compared, 11);
}

#[test]
fn the_ten_worked_events_hash_as_they_are_named() {
    for file in ["epcis_ta_loop.jsonld", "epcis_ta_loop.noid.jsonld"] {
        let bytes = std::fs::read(vectors("worked").join(file)).expect("vector is readable");
        let (strings, uris) = hashes(&bytes);
        assert_eq!(strings, lines(&vectors("worked").join("epcis_ta_loop.prehashes")), "{file}");
        assert_eq!(uris, lines(&vectors("worked").join("epcis_ta_loop.hashes")), "{file}");
        assert_eq!(uris.len(), 10);
    }
}

#[test]
fn an_error_declaration_does_not_change_the_hash() {
    let bytes = std::fs::read(vectors("worked/epcis_error_declaration.jsonld")).expect("vector is readable");
    let (_, uris) = hashes(&bytes);
    let named: Vec<String> = events(&bytes)
        .iter()
        .map(|event| event.as_object().and_then(|event| event.text("eventID")).unwrap_or_default().to_owned())
        .collect();
    assert_eq!(uris, named);
}
