//! The schema that the second verifier reads by is the protos'.

use std::fmt::Write;

use prost_reflect::{Cardinality, DescriptorPool, FieldDescriptor, Kind};

use crate::node::modules;

/// Set to write the file instead of comparing it.
const WRITE: &str = "ORELEDGER_WRITE_SCHEMA";

fn kind(field: &FieldDescriptor) -> String {
    match field.kind() {
        Kind::Message(message) => message.name().to_owned(),
        Kind::Enum(values) => values.name().to_owned(),
        Kind::Uint32 => "uint32".into(),
        Kind::Uint64 => "uint64".into(),
        Kind::Sint32 => "sint32".into(),
        Kind::Bool => "bool".into(),
        Kind::String => "string".into(),
        Kind::Bytes => "bytes".into(),
        other => panic!("the second verifier has no word for {other:?}"),
    }
}

fn line(field: &FieldDescriptor) -> String {
    let how = match (field.cardinality(), field.containing_oneof()) {
        (Cardinality::Repeated, _) => " repeated",
        (_, Some(_)) => " oneof",
        _ => "",
    };
    format!(" {} {} {}{how}\n", field.number(), field.name(), kind(field))
}

/// The two lists of the file, from the descriptors that the first verifier's types are made of.
fn lists() -> (String, String) {
    let pool = DescriptorPool::decode(ore_record::RECORD_DESCRIPTORS).expect("compiled in");
    let (mut messages, mut enums) = (String::new(), String::new());
    let mut sorted: Vec<_> = pool.all_messages().collect();
    sorted.sort_by(|a, b| a.name().cmp(b.name()));
    for message in sorted {
        let _ = writeln!(messages, "{}", message.name());
        let mut fields: Vec<_> = message.fields().collect();
        fields.sort_by_key(FieldDescriptor::number);
        messages.extend(fields.iter().map(line));
    }
    let mut sorted: Vec<_> = pool.all_enums().collect();
    sorted.sort_by(|a, b| a.name().cmp(b.name()));
    for values in sorted {
        let _ = writeln!(enums, "{}", values.name());
        for value in values.values() {
            let _ = writeln!(enums, " {} {}", value.number(), value.name());
        }
    }
    (messages, enums)
}

/// The file with its two lists replaced; what stands around them is written by hand.
fn with_lists(file: &str, messages: &str, enums: &str) -> String {
    let replaced = [("MESSAGE_TEXT", messages), ("ENUM_TEXT", enums)];
    replaced.into_iter().fold(file.to_owned(), |file, (name, list)| {
        let opening = format!("const {name} = `\n");
        let (before, rest) = file.split_once(&opening).expect("the list is in the file");
        let (_, after) = rest.split_once('`').expect("the list ends");
        format!("{before}{opening}{list}`{after}")
    })
}

#[test]
fn the_schema_of_the_second_verifier_is_the_protos() {
    let path = modules().join("schema.js");
    let file = std::fs::read_to_string(&path).expect("schema.js is there");
    let (messages, enums) = lists();
    let wanted = with_lists(&file, &messages, &enums);
    if std::env::var_os(WRITE).is_some() {
        std::fs::write(&path, &wanted).expect("room on the disk");
    }
    assert!(
        std::env::var_os(WRITE).is_some() || file == wanted,
        "the protos have changed: run this test with {WRITE}=1 and look at what changed in schema.js"
    );
    assert!(messages.contains(" 90 block_seal BlockSeal oneof\n"), "the lists are not empty");
}
