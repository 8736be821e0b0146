//! JSON Lines: one record per line in protobuf's JSON mapping, with people's words on top.
//!
//! Field names as in the proto (`event_time_ms`) or in camel case; 64-bit numbers as text or whole numbers;
//! bytes as base64 or, for 16, 32 and 64 bytes, as hexadecimal. Unknown fields, repeated fields and
//! wrong types are refused with the path and a suggestion. The crate's README lists the conveniences.

use std::{
    io::{self, BufRead},
    sync::LazyLock,
};

use base64ct::{Base64Unpadded, Encoding};
use ore_record::{MAX_ENTRY_BYTES, RECORD_DESCRIPTORS, v1};
use prost::Message;
use prost_reflect::{
    DescriptorPool, DynamicMessage, FieldDescriptor, Kind, MessageDescriptor, ReflectMessage,
    SerializeOptions, Value,
};
use serde_json::{Map, Value as Json};

use crate::{
    Draft, LineError,
    error::{nearest, quote},
    lines::Lines,
    people,
};

/// Bytes of an entry that are not the record: signature, and tags and lengths of both fields.
const ENVELOPE_BYTES: usize = 70;

static RECORD: LazyLock<MessageDescriptor> = LazyLock::new(|| {
    DescriptorPool::decode(RECORD_DESCRIPTORS)
        .ok()
        .and_then(|pool| pool.get_message_by_name("oreledger.v1.Record"))
        .expect("the descriptors are compiled in, and hold the record")
});

/// Reads the drafts of a document, one per line. Empty lines are skipped.
///
/// # Errors
/// Each item is an error only if the document itself cannot be read further.
pub fn read(reader: impl BufRead) -> impl Iterator<Item = io::Result<Draft>> {
    let mut lines = Lines::new(reader);
    std::iter::from_fn(move || {
        loop {
            let line = match lines.next_line() {
                Ok(line) => line?,
                Err(error) => return Some(Err(error)),
            };
            if line.text.as_ref().is_ok_and(|text| text.trim().is_empty()) {
                continue;
            }
            let record = line.text.and_then(|text| record_from_str(&text));
            return Some(Ok(Draft { line: line.number, record }));
        }
    })
}

/// Reads a draft record from one line.
///
/// # Errors
/// [`LineError`] with the field path, the reason and what to write instead.
pub fn record_from_str(line: &str) -> Result<v1::Record, LineError> {
    let strict = serde_json::from_str::<strict::Json>(line).map_err(|error| {
        let text = error.to_string();
        let reason = text.split(" at line ").next().unwrap_or_default();
        let hint = if line.trim_start().starts_with('{') { "" } else { "each line is one {...} object" };
        LineError::new("", format!("not JSON: {reason}"), hint).at(error.column().max(1))
    })?;
    record_from_json(&strict.0)
}

/// Reads a draft record from a JSON value.
///
/// # Errors
/// As [`record_from_str`].
pub fn record_from_json(json: &Json) -> Result<v1::Record, LineError> {
    let message = message(&RECORD, json, "")?;
    let length = message.encoded_len();
    if length + ENVELOPE_BYTES > MAX_ENTRY_BYTES {
        return Err(LineError::new(
            "",
            format!("the record has {length} bytes, an entry with its signature at most {MAX_ENTRY_BYTES}"),
            "documents go in by SHA-256 digest; write a campaign with very many lots as several records",
        ));
    }
    let record: v1::Record = message.transcode_to().expect("same protos on both sides");
    if record.event.is_none() {
        let events: Vec<String> = RECORD
            .oneofs()
            .flat_map(|events| events.fields().map(|f| f.name().to_owned()).collect::<Vec<_>>())
            .collect();
        return Err(LineError::new("", "the record has no event", format!("one of: {}", events.join(", "))));
    }
    Ok(record)
}

/// Writes a record as one line in protobuf's JSON mapping, with the names of the proto.
#[must_use]
pub fn record_to_json(record: &v1::Record) -> String {
    let mut message = DynamicMessage::new(RECORD.clone());
    message.transcode_from(record).expect("same protos on both sides");
    let mut line = Vec::new();
    let options = SerializeOptions::new().use_proto_field_name(true);
    message
        .serialize_with_options(&mut serde_json::Serializer::new(&mut line), &options)
        .expect("a record holds nothing that JSON cannot, and memory does not fail");
    String::from_utf8(line).expect("JSON is text")
}

fn message(descriptor: &MessageDescriptor, json: &Json, path: &str) -> Result<DynamicMessage, LineError> {
    if let Some(message) = peoples_message(descriptor, json, path) {
        return message;
    }
    let Json::Object(fields) = json else {
        return Err(expected(path, "an object", json));
    };
    let mut message = DynamicMessage::new(descriptor.clone());
    for (name, json) in fields {
        let path = join(path, name);
        if set_peoples_field(&mut message, name, json, fields, &path)? {
            continue;
        }
        let field = descriptor
            .get_field_by_name(name)
            .or_else(|| descriptor.get_field_by_json_name(name))
            .ok_or_else(|| unknown(descriptor, name, &path))?;
        set(&mut message, &field, json, &path)?;
    }
    Ok(message)
}

fn set(
    message: &mut DynamicMessage,
    field: &FieldDescriptor,
    json: &Json,
    path: &str,
) -> Result<(), LineError> {
    // In this mapping, null is a field left out.
    if json.is_null() {
        return Ok(());
    }
    if message.has_field(field) {
        return Err(LineError::new(path, "stated twice", "once in the proto's name or once in camel case"));
    }
    let other =
        field.containing_oneof().and_then(|group| group.fields().find(|field| message.has_field(field)));
    if let Some(other) = other {
        let reason = format!("the record has an event already, {:?}", other.name());
        return Err(LineError::new(path, reason, "one record says one thing; write two lines"));
    }
    let value = if field.is_list() { list(field, json, path)? } else { single(field, json, path)? };
    message.set_field(field, value);
    Ok(())
}

fn list(field: &FieldDescriptor, json: &Json, path: &str) -> Result<Value, LineError> {
    let Json::Array(items) = json else {
        return Err(expected(path, "a list", json));
    };
    let items = items.iter().enumerate().map(|(at, item)| single(field, item, &format!("{path}[{at}]")));
    Ok(Value::List(items.collect::<Result<_, _>>()?))
}

fn single(field: &FieldDescriptor, json: &Json, path: &str) -> Result<Value, LineError> {
    match (field.kind(), json) {
        (Kind::Message(descriptor), json) => Ok(Value::Message(message(&descriptor, json, path)?)),
        (Kind::Bool, Json::Bool(value)) => Ok(Value::Bool(*value)),
        (Kind::Bool, json) => Err(expected(path, "true or false", json)),
        (Kind::String, Json::String(text)) => Ok(Value::String(text.clone())),
        (Kind::String, json) => Err(expected(path, "a text in quotes", json)),
        (Kind::Bytes, Json::String(text)) => bytes(text, path).map(|bytes| Value::Bytes(bytes.into())),
        (Kind::Bytes, json) => Err(expected(path, "hexadecimal or base64 in quotes", json)),
        (Kind::Enum(kind), Json::String(text)) => {
            people::enum_number(&kind, text, path).map(Value::EnumNumber)
        }
        (Kind::Enum(_), json) => integer(field, json, path).map(Value::EnumNumber),
        (Kind::Uint32, json) => integer(field, json, path).map(Value::U32),
        (Kind::Uint64, json) => integer(field, json, path).map(Value::U64),
        (Kind::Sint32, json) => integer(field, json, path).map(Value::I32),
        // A test walks over all protos, so that a new kind of field is met there first.
        (other, _) => {
            Err(LineError::new(path, format!("fields of kind {other:?} cannot be read from JSON"), ""))
        }
    }
}

fn integer<N: TryFrom<i128>>(field: &FieldDescriptor, json: &Json, path: &str) -> Result<N, LineError> {
    let text = match json {
        Json::Number(number) if !number.is_f64() => number.to_string(),
        Json::String(text) => match people::number(field.name(), text.trim(), path) {
            Some(number) => number?.to_string(),
            None => text.trim().to_owned(),
        },
        json => return Err(expected(path, "a whole number", json)),
    };
    // Parsing takes a plus sign; people's numbers have none.
    let number: Option<i128> = text.parse().ok().filter(|_| !text.starts_with('+'));
    let number = number.ok_or_else(|| {
        let hint = if field.name() == "element" {
            "an atomic number, or a symbol as in \"Ta\""
        } else {
            "write all digits"
        };
        LineError::new(path, format!("{} is not a whole number", quote(&text)), hint)
    })?;
    N::try_from(number)
        .map_err(|_| LineError::new(path, format!("{number} is out of range for this field"), ""))
}

fn bytes(text: &str, path: &str) -> Result<Vec<u8>, LineError> {
    if let Some(bytes) = people::hexadecimal(text) {
        return Ok(bytes);
    }
    let standard = text.trim_end_matches('=').replace('-', "+").replace('_', "/");
    Base64Unpadded::decode_vec(&standard).map_err(|_| {
        let reason = format!("{} is neither hexadecimal nor base64", quote(text));
        LineError::new(path, reason, "a record id has 64 hexadecimal digits")
    })
}

/// A whole message in people's words: a mass, or a lot by its id.
fn peoples_message(
    descriptor: &MessageDescriptor,
    json: &Json,
    path: &str,
) -> Option<Result<DynamicMessage, LineError>> {
    match (descriptor.name(), json) {
        ("Mass", json) => {
            let mass = people::mass(json, path)?;
            Some(mass.map(|mass| transcoded(descriptor, &mass)))
        }
        ("LotRef", Json::String(lot)) => Some(Ok(transcoded(descriptor, &ore_record::draft::lot(lot)))),
        _ => None,
    }
}

/// A field in people's words: the contents of a composition, or when it happened. True if it was one.
fn set_peoples_field(
    message: &mut DynamicMessage,
    name: &str,
    json: &Json,
    beside: &Map<String, Json>,
    path: &str,
) -> Result<bool, LineError> {
    let descriptor = message.descriptor();
    match (descriptor.name(), name, json) {
        ("Composition", "contents", Json::Object(contents)) => {
            let stated = |name| beside.get(name).and_then(Json::as_str).is_some_and(|text| !text.is_empty());
            let contents = people::contents(contents, stated("method") || stated("laboratory"), path)?;
            let field = descriptor.get_field_by_name("contents").expect("a composition has contents");
            let Kind::Message(content) = field.kind() else { return Ok(false) };
            let items = contents.iter().map(|item| Value::Message(transcoded(&content, item))).collect();
            message.set_field(&field, Value::List(items));
            Ok(true)
        }
        ("Record", "event_time" | "eventTime", Json::String(text)) => {
            let (ms, offset) =
                crate::parse_time(text).map_err(|error| LineError { field: path.into(), ..error })?;
            for (name, value) in
                [("event_time_ms", Value::U64(ms)), ("utc_offset_minutes", Value::I32(offset))]
            {
                let field = descriptor.get_field_by_name(name).expect("a record has a time");
                if message.has_field(&field) {
                    return Err(LineError::new(
                        path,
                        format!("stated twice, {name} is there too"),
                        "write one of them",
                    ));
                }
                message.set_field(&field, value);
            }
            Ok(true)
        }
        _ => Ok(false),
    }
}

fn transcoded(descriptor: &MessageDescriptor, message: &impl Message) -> DynamicMessage {
    DynamicMessage::decode(descriptor.clone(), message.encode_to_vec().as_slice())
        .expect("encoded a moment ago from the same protos")
}

fn unknown(descriptor: &MessageDescriptor, name: &str, path: &str) -> LineError {
    let names: Vec<String> = descriptor.fields().map(|field| field.name().to_owned()).collect();
    let hint = match nearest(name, names.iter().map(String::as_str)) {
        Some(near) => format!("did you mean {near:?}?"),
        None => format!("known here: {}", names.join(", ")),
    };
    LineError::new(path, format!("{} has no field of this name", descriptor.name()), hint)
}

fn expected(path: &str, what: &str, found: &Json) -> LineError {
    let found = match found {
        Json::Null => "nothing".into(),
        Json::Bool(value) => value.to_string(),
        Json::Number(number) => format!("the number {number}"),
        Json::String(text) => format!("the text {}", quote(text)),
        Json::Array(_) => "a list".into(),
        Json::Object(_) => "an object".into(),
    };
    LineError::new(path, format!("expected {what}, found {found}"), "")
}

fn join(path: &str, name: &str) -> String {
    // A name that somebody else wrote may be long.
    let name: String = name.chars().take(60).collect();
    if path.is_empty() { name } else { format!("{path}.{name}") }
}

mod strict {
    //! JSON in which no object names a field twice: which of the two counts would be anybody's guess.

    use std::fmt;

    use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};
    use serde_json::{Map, Value};

    pub(super) struct Json(pub(super) Value);

    impl<'de> Deserialize<'de> for Json {
        fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            deserializer.deserialize_any(Reader).map(Self)
        }
    }

    struct Reader;

    impl<'de> Visitor<'de> for Reader {
        type Value = Value;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("JSON")
        }

        fn visit_unit<E>(self) -> Result<Value, E> {
            Ok(Value::Null)
        }

        fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
            Ok(value.into())
        }

        fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
            Ok(value.into())
        }

        fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
            Ok(value.into())
        }

        fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
            Ok(value.into())
        }

        fn visit_str<E>(self, value: &str) -> Result<Value, E> {
            Ok(value.into())
        }

        fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
            let mut list = Vec::new();
            while let Some(Json(item)) = items.next_element()? {
                list.push(item);
            }
            Ok(list.into())
        }

        fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
            let mut map = Map::new();
            while let Some((name, Json(value))) = entries.next_entry::<String, Json>()? {
                if map.contains_key(&name) {
                    let name: String = name.chars().take(60).collect();
                    return Err(A::Error::custom(format!("field {name:?} is there twice")));
                }
                map.insert(name, value);
            }
            Ok(map.into())
        }
    }
}
