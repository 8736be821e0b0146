//! Every sample is judged as GS1's schema judges it, by a validator that we did not write.

use std::sync::LazyLock;

use ore_epcis::{json::Value, survey};

use crate::{documents, vectors};

const VALID: [&str; 5] =
    ["samples", "openepcis/Documents", "openepcis/Events", "openepcis/Query", "hash-vectors/examples"];
const INVALID: [&str; 2] = ["openepcis/Invalid", "openepcis/Query/Invalid"];

/// Listed as valid by their publisher, refused by GS1's schema: a persistent disposition in an aggregation,
/// and names of measurements that the schema does not have.
const REFUSED: [&str; 5] = [
    "AggregationEvent_with_persistentDisposition.json",
    "SensorData_with_combined_events.json",
    "TransactionEvent_with_userExtensions.json",
    "SensorData_with_combined_events.json",
    "TransactionEvent_with_userExtensions.json",
];
/// A name stands twice in one object: what it says depends on who reads it.
const TWINS: &str = "AssociationEvent_AssociationEvent-h.jsonld";

pub(crate) static SCHEMA: LazyLock<jsonschema::Validator> = LazyLock::new(|| {
    let text = std::fs::read_to_string(vectors("schema/EPCIS-JSON-Schema.json")).expect("schema is there");
    let schema = serde_json::from_str(&text).expect("schema is JSON");
    jsonschema::options()
        .with_draft(jsonschema::Draft::Draft7)
        .should_validate_formats(true)
        .build(&schema)
        .expect("schema is a schema")
});

fn by_gs1(bytes: &[u8]) -> bool {
    let value: serde_json::Value = serde_json::from_slice(bytes).expect("sample is JSON");
    SCHEMA.is_valid(&value)
}

fn json_of(folders: &[&str]) -> Vec<(String, Vec<u8>)> {
    let all = folders.iter().flat_map(|folder| documents(folder));
    all.filter(|(name, _)| !name.ends_with(".xml")).collect()
}

#[test]
fn valid_samples_pass_and_those_that_gs1s_schema_refuses_are_refused_by_the_clause() {
    let (mut passed, mut refused) = (0, Vec::new());
    for (name, bytes) in json_of(&VALID) {
        if name == TWINS {
            assert!(survey(bytes.as_slice()).is_err_and(|fault| fault.reason.contains("stands twice")));
            continue;
        }
        let survey = survey(bytes.as_slice()).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(survey.faults.is_empty(), by_gs1(&bytes), "{name}: {:?}", survey.faults);
        if survey.faults.is_empty() {
            passed += 1;
        } else {
            assert!(survey.faults.iter().all(|fault| fault.clause.text().contains("2.0")), "{name}");
            refused.push(name);
        }
    }
    assert_eq!(refused, REFUSED);
    assert_eq!(passed, 115);
}

#[test]
fn invalid_samples_are_refused_with_the_place_and_the_clause() {
    let mut refused = 0;
    for (name, bytes) in json_of(&INVALID) {
        assert!(!by_gs1(&bytes), "{name}");
        let faults = survey(bytes.as_slice()).expect("can be read").faults;
        let first = faults.first().unwrap_or_else(|| panic!("{name} is accepted"));
        assert!(!first.reason.is_empty() && first.clause.text().contains("2.0"), "{name}: {first}");
        refused += 1;
    }
    assert_eq!(refused, 17);
}

/// Every way to make one sample a little different: a field gone, doubled in kind, renamed, or foreign.
fn mutations(value: &serde_json::Value) -> Vec<serde_json::Value> {
    use serde_json::{Value as Json, json};
    let mut paths = Vec::new();
    collect(value, &mut Vec::new(), &mut paths);
    let mut all = Vec::new();
    for path in paths {
        let replacements = [
            json!(null),
            json!(7),
            json!("x"),
            json!("urn:x:y"),
            json!([]),
            json!({}),
            json!(["urn:x:y", "urn:x:y"]),
            json!("https://gs1.org/voc/Temperature"),
            json!("urn:epcglobal:cbv:bizstep:shipping"),
            json!("2026-02-30T00:00:00Z"),
        ];
        for replacement in replacements {
            let mut changed = value.clone();
            *changed.pointer_mut(&path).expect("path was walked") = replacement;
            all.push(changed);
        }
        let (parent, name) = path.rsplit_once('/').expect("paths begin with a slash");
        let mut changed = value.clone();
        if let Some(Json::Object(object)) = changed.pointer_mut(parent) {
            let name = name.replace("~1", "/").replace("~0", "~");
            let old = object.remove(&name).expect("path was walked");
            all.push(changed.clone());
            for foreign in ["foreign", "example:foreign"] {
                let mut more = changed.clone();
                if let Some(Json::Object(object)) = more.pointer_mut(parent) {
                    object.insert(foreign.into(), old.clone());
                }
                all.push(more);
            }
        }
    }
    all
}

fn collect(value: &serde_json::Value, path: &mut Vec<String>, paths: &mut Vec<String>) {
    let mut enter = |step: String, value: &serde_json::Value| {
        path.push(step.replace('~', "~0").replace('/', "~1"));
        paths.push(format!("/{}", path.join("/")));
        collect(value, path, paths);
        path.pop();
    };
    match value {
        serde_json::Value::Array(items) => {
            // The first and the last stand for all.
            let ends = items.iter().enumerate().filter(|(at, _)| *at == 0 || *at + 1 == items.len());
            ends.for_each(|(at, item)| enter(at.to_string(), item));
        }
        serde_json::Value::Object(object) => object.iter().for_each(|(name, item)| enter(name.clone(), item)),
        _ => {}
    }
}

#[test]
fn thousands_of_mutated_samples_are_judged_as_gs1s_schema_judges_them() {
    let (mut same, mut refused) = (0, 0);
    let mut differ = Vec::new();
    for folder in ["samples", "openepcis/Documents", "openepcis/Query"] {
        for (name, bytes) in json_of(&[folder]) {
            // Long ones say nothing that short ones do not.
            if bytes.len() > 2_600 {
                continue;
            }
            let sample: serde_json::Value = serde_json::from_slice(&bytes).expect("sample is JSON");
            for changed in mutations(&sample) {
                // Without a type of document, ours asks for one and the schema for an event.
                let text = changed.to_string();
                let ours = survey(text.as_bytes()).is_ok_and(|survey| survey.faults.is_empty());
                let theirs = SCHEMA.is_valid(&changed);
                if ours == theirs {
                    same += 1;
                    refused += u32::from(!ours);
                } else if differ.len() < 20 {
                    let faults = survey(text.as_bytes()).map(|survey| survey.faults);
                    differ.push(format!("{name}: ours {ours}, GS1's {theirs}: {faults:?}\n{text}"));
                }
            }
        }
    }
    assert!(differ.is_empty(), "{}", differ.join("\n\n"));
    assert!(same > 10_000 && refused > 1_000, "{same} mutations, {refused} refused");
}

#[test]
fn a_document_in_xml_reads_as_its_twin_in_json() {
    let mut read = 0;
    for (name, bytes) in documents("hash-vectors/examples") {
        if name.ends_with(".xml") {
            let survey = survey(bytes.as_slice()).unwrap_or_else(|error| panic!("{name}: {error}"));
            assert!(survey.events > 0, "{name}");
            read += 1;
        }
    }
    assert_eq!(read, 17);
}

#[test]
fn arbitrary_bytes_give_a_refusal() {
    let sample = std::fs::read(vectors("samples/Example_9.6.1-ObjectEvent.jsonld")).expect("vector is there");
    let sample = sample.trim_ascii_end();
    for end in 0..sample.len() {
        assert!(survey(&sample[..end]).is_err(), "cut at {end}");
    }
    for text in [
        "",
        "[]",
        "{}",
        "{\"type\":5}",
        "<a",
        "<a/>",
        "\u{feff}{",
        "nonsense",
        "{\"epcisBody\":{\"eventList\":[1]}}",
    ] {
        let refused = survey(text.as_bytes()).map(|survey| survey.faults);
        assert!(!refused.is_ok_and(|faults| faults.is_empty()), "{text:?}");
    }
    assert!(Value::parse("{").is_err());
}
