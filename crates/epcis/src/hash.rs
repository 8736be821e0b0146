//! The hash of an event as its identifier: `ni:///sha-256;…?ver=CBV2.0`, CBV 2.0, "EPCIS event identifiers".
//!
//! An event is written as one string in a fixed order, whatever syntax and spelling it came in: times in
//! UTC to the millisecond, words of the vocabularies as full URIs, GS1 keys as canonical Digital Links,
//! numbers without superfluous zeros, members of lists sorted; extensions last, sorted. `eventID`,
//! `recordTime` and `errorDeclaration` are no part of it.

use sha2::{Digest, Sha256};

use crate::{
    context::Context,
    digital_link,
    json::{Object, Value},
    syntax,
    words::Vocabulary,
};

/// The hash of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EventHash([u8; 32]);

impl EventHash {
    /// Of an event in a document with this context.
    #[must_use]
    pub fn of(event: &Object, context: &Context) -> Self {
        Self(Sha256::digest(pre_hash(event, context).as_bytes()).into())
    }

    /// Its bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// As an event's identifier.
    #[must_use]
    pub fn uri(&self) -> String {
        use std::fmt::Write as _;
        let mut hex = String::with_capacity(64);
        for byte in self.0 {
            let _ = write!(hex, "{byte:02x}");
        }
        format!("ni:///sha-256;{hex}?ver=CBV2.0")
    }

    /// From an event's identifier, if it is such a hash.
    #[must_use]
    pub fn parse(uri: &str) -> Option<Self> {
        let hex = uri.strip_prefix("ni:///sha-256;")?.strip_suffix("?ver=CBV2.0")?;
        let mut bytes = [0; 32];
        if hex.len() != 64 || !hex.is_ascii() {
            return None;
        }
        for (at, byte) in bytes.iter_mut().enumerate() {
            *byte = u8::from_str_radix(&hex[2 * at..2 * at + 2], 16).ok()?;
        }
        Some(Self(bytes))
    }
}

/// The string that is hashed.
#[must_use]
pub fn pre_hash(event: &Object, context: &Context) -> String {
    let context = &context.and(event);
    let mut out = String::from("eventType=");
    out.push_str(&context.expanded_value(event.text("type").unwrap_or_default()));
    for (name, form) in ORDER {
        if let Some(value) = event.get(name) {
            write_field(&mut out, name, form, value, context);
        }
    }
    let mut rest: Vec<String> = Vec::new();
    for (list, end, vocabulary) in LINKS {
        rest.extend(event.get(list).and_then(|value| links(list, end, vocabulary, value, context)));
    }
    rest.extend(event.get("sensorElementList").and_then(|value| rules_of_reports(value, context)));
    for (name, value) in event.iter() {
        let known = ORDER.iter().any(|(known, _)| *known == name) || LINKS.iter().any(|link| link.0 == name);
        if !known && !UNHASHED.contains(&name) && !context.ignores(name) {
            rest.extend(generic(name, value, context));
        }
    }
    rest.sort();
    out.extend(rest);
    out
}

/// Fields of an event that are no part of its hash.
const UNHASHED: [&str; 7] =
    ["type", "@context", "recordTime", "eventID", "errorDeclaration", "comment", "rdfs:comment"];

/// How a field is written.
#[derive(Clone, Copy)]
enum Form {
    Time,
    Plain,
    Word(Vocabulary),
    /// Many values under the field's own name.
    Each,
    Epcs,
    Quantities,
    Persistent,
    Place,
    Sensors,
}

/// The order in which CBV 2.0 lists the fields that are hashed.
const ORDER: [(&str, Form); 20] = [
    ("eventTime", Form::Time),
    ("eventTimeZoneOffset", Form::Plain),
    ("certificationInfo", Form::Each),
    ("parentID", Form::Plain),
    ("epcList", Form::Epcs),
    ("inputEPCList", Form::Epcs),
    ("childEPCs", Form::Epcs),
    ("quantityList", Form::Quantities),
    ("childQuantityList", Form::Quantities),
    ("inputQuantityList", Form::Quantities),
    ("outputEPCList", Form::Epcs),
    ("outputQuantityList", Form::Quantities),
    ("action", Form::Plain),
    ("transformationID", Form::Plain),
    ("bizStep", Form::Word(Vocabulary::BizStep)),
    ("disposition", Form::Word(Vocabulary::Disposition)),
    ("persistentDisposition", Form::Persistent),
    ("readPoint", Form::Place),
    ("bizLocation", Form::Place),
    ("sensorElementList", Form::Sensors),
];

/// Lists of typed links; they stand among the extensions, sorted by name with them.
const LINKS: [(&str, &str, Vocabulary); 3] = [
    ("bizTransactionList", "bizTransaction", Vocabulary::TransactionType),
    ("destinationList", "destination", Vocabulary::SourceDestination),
    ("sourceList", "source", Vocabulary::SourceDestination),
];

fn write_field(out: &mut String, name: &str, form: Form, value: &Value, context: &Context) {
    match form {
        Form::Time => pair(out, name, &time(&plain(value))),
        Form::Plain => pair(out, name, &canonical(&plain(value), context)),
        Form::Word(vocabulary) => pair(out, name, &word(vocabulary, &plain(value), context)),
        Form::Each => out.extend(sorted(items(value), |item| {
            let mut one = String::new();
            pair(&mut one, name, &canonical(&plain(item), context));
            one
        })),
        Form::Epcs => group(
            out,
            name,
            sorted(items(value), |item| {
                let mut one = String::new();
                pair(&mut one, "epc", &canonical(&plain(item), context));
                one
            }),
        ),
        Form::Quantities => group(out, name, sorted(items(value), |item| quantity(item, context))),
        Form::Persistent => group(out, name, persistent(value, context)),
        Form::Place => group(out, name, place(value, context)),
        Form::Sensors => group(out, name, sorted(items(value), |item| sensor_element(item, context))),
    }
}

/// A value or the values of a list.
fn items(value: &Value) -> &[Value] {
    value.as_list().unwrap_or_else(|| std::slice::from_ref(value))
}

fn sorted(items: &[Value], write: impl Fn(&Value) -> String) -> Vec<String> {
    let mut written: Vec<String> = items.iter().map(write).collect();
    written.sort();
    written
}

/// A name and its parts, if there are any.
fn group(out: &mut String, name: &str, parts: Vec<String>) {
    if parts.iter().any(|part| !part.is_empty()) {
        out.push_str(name);
        out.extend(parts);
    }
}

fn pair(out: &mut String, name: &str, value: &str) {
    if !value.is_empty() {
        out.push_str(name);
        out.push('=');
        out.push_str(value);
    }
}

/// A simple value as text.
fn plain(value: &Value) -> String {
    match value {
        Value::Text(text) => text.trim().to_owned(),
        Value::Number(digits) => digits.clone(),
        Value::Bool(value) => value.to_string(),
        Value::Null | Value::List(_) | Value::Object(_) => String::new(),
    }
}

fn time(text: &str) -> String {
    syntax::instant(text).map_or_else(|| text.to_owned(), syntax::Instant::utc)
}

fn word(vocabulary: Vocabulary, text: &str, context: &Context) -> String {
    let full = vocabulary.full(text);
    if full == text { canonical(text, context) } else { full }
}

/// A value in the one spelling that counts.
fn canonical(text: &str, context: &Context) -> String {
    if let Some(number) = number(text) {
        return number;
    }
    let text = context.expanded_value(text);
    let old = [
        Vocabulary::BizStep,
        Vocabulary::Disposition,
        Vocabulary::TransactionType,
        Vocabulary::SourceDestination,
        Vocabulary::ErrorReason,
    ];
    if text.starts_with("urn:epcglobal:cbv:") {
        let full = old.into_iter().map(|vocabulary| vocabulary.full(&text)).find(|full| *full != text);
        return full.unwrap_or(text);
    }
    digital_link::canonical(&text).unwrap_or(text)
}

/// A number without superfluous zeros and sign; none if the text is none.
///
/// Beyond 15 digits it is the nearest binary fraction, and below 0.0001 it has an exponent, because that is
/// what the reference tool hashes.
fn number(text: &str) -> Option<String> {
    let (sign, digits) = match text.strip_prefix('-') {
        Some(digits) => ("-", digits),
        None => ("", text.strip_prefix('+').unwrap_or(text)),
    };
    let (mantissa, exponent) = digits.split_once(['e', 'E']).unwrap_or((digits, "0"));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let is_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let exponent = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
    let fine = !(whole.is_empty() && fraction.is_empty()) && is_digits(whole) && is_digits(fraction);
    if !fine || exponent.is_empty() || !is_digits(exponent) {
        return None;
    }
    let value: f64 = digits.parse().ok().filter(|value: &f64| value.is_finite())?;
    if value == 0.0 {
        return Some("0".to_owned());
    }
    if value.fract() == 0.0 {
        return Some(format!("{sign}{value:.0}"));
    }
    if value >= 1e-4 {
        return Some(format!("{sign}{value}"));
    }
    // One digit before the point, and two at least in the exponent.
    let short = format!("{value:e}");
    let (mantissa, exponent) = short.split_once("e-")?;
    Some(format!("{sign}{mantissa}e-{exponent:0>2}"))
}

fn quantity(item: &Value, context: &Context) -> String {
    let Some(item) = item.as_object() else { return String::new() };
    let mut parts = String::new();
    for name in ["epcClass", "quantity", "uom"] {
        if let Some(value) = item.get(name) {
            pair(&mut parts, name, &canonical(&plain(value), context));
        }
    }
    if parts.is_empty() { parts } else { format!("quantityElement{parts}") }
}

fn persistent(value: &Value, context: &Context) -> Vec<String> {
    let Some(value) = value.as_object() else { return Vec::new() };
    let side = |name: &str| {
        let list = value.get(name).map(items).unwrap_or_default();
        sorted(list, |item| format!("{name}={}", word(Vocabulary::Disposition, &plain(item), context)))
    };
    side("set").into_iter().chain(side("unset")).collect()
}

fn place(value: &Value, context: &Context) -> Vec<String> {
    let Some(object) = value.as_object() else { return Vec::new() };
    let mut id = String::new();
    if let Some(value) = object.get("id") {
        pair(&mut id, "id", &canonical(&plain(value), context));
    }
    let mut parts = vec![id];
    parts.extend(extensions(object, &["id"], context));
    parts
}

/// What is left of an object beside its known fields, sorted.
fn extensions(object: &Object, known: &[&str], context: &Context) -> Vec<String> {
    let others = object.iter().filter(|(name, _)| !known.contains(name) && !UNHASHED[5..].contains(name));
    let mut parts: Vec<String> = others.filter_map(|(name, value)| generic(name, value, context)).collect();
    parts.sort();
    parts
}

fn links(list: &str, end: &str, vocabulary: Vocabulary, value: &Value, context: &Context) -> Option<String> {
    let parts = sorted(items(value), |item| {
        let Some(item) = item.as_object() else { return String::new() };
        let mut one = String::new();
        if let Some(kind) = item.text("type") {
            pair(&mut one, "type", &word(vocabulary, kind, context));
        }
        pair(&mut one, end, &canonical(item.text(end).unwrap_or_default(), context));
        one
    });
    let mut out = String::new();
    group(&mut out, list, parts);
    (!out.is_empty()).then_some(out)
}

const METADATA: [&str; 8] = [
    "time",
    "startTime",
    "endTime",
    "deviceID",
    "deviceMetadata",
    "rawData",
    "dataProcessingMethod",
    "bizRules",
];

const REPORT: [&str; 23] = [
    "type",
    "exception",
    "deviceID",
    "deviceMetadata",
    "rawData",
    "dataProcessingMethod",
    "time",
    "microorganism",
    "chemicalSubstance",
    "value",
    "component",
    "stringValue",
    "booleanValue",
    "hexBinaryValue",
    "uriValue",
    "minValue",
    "maxValue",
    "meanValue",
    "sDev",
    "percRank",
    "percValue",
    "uom",
    "coordinateReferenceSystem",
];

fn sensor_element(element: &Value, context: &Context) -> String {
    let Some(element) = element.as_object() else { return String::new() };
    let mut parts = Vec::new();
    if let Some(metadata) = element.get("sensorMetadata") {
        parts.push(sensor_part("sensorMetadata", metadata, &METADATA, context));
    }
    let reports = element.get("sensorReport").map(items).unwrap_or_default();
    parts.extend(sorted(reports, |report| sensor_part("sensorReport", report, &REPORT, context)));
    parts.extend(extensions(element, &["sensorMetadata", "sensorReport"], context));
    let mut out = String::new();
    group(&mut out, "sensorElement", parts);
    out
}

fn sensor_part(name: &str, value: &Value, order: &[&str], context: &Context) -> String {
    let Some(object) = value.as_object() else { return String::new() };
    let mut parts = String::new();
    for field in order {
        let Some(value) = object.get(field).map(plain) else { continue };
        let value = match *field {
            "time" | "startTime" | "endTime" => time(&value),
            "type" => word(Vocabulary::Measurement, &value, context),
            "exception" => word(Vocabulary::Alert, &value, context),
            "component" => word(Vocabulary::Component, &value, context),
            _ => canonical(&value, context),
        };
        pair(&mut parts, field, &value);
    }
    let known: Vec<&str> = order.iter().copied().chain(["bizRules"]).collect();
    parts.extend(extensions(object, &known, context));
    if parts.is_empty() { parts } else { format!("{name}{parts}") }
}

/// `bizRules` of single reports stand with the extensions of the event: the reference tool knows no other
/// place for them, and its vectors are what others hash by.
fn rules_of_reports(list: &Value, context: &Context) -> Option<String> {
    let elements = sorted(items(list), |element| {
        let reports =
            element.as_object().and_then(|it| it.get("sensorReport")).map(items).unwrap_or_default();
        let reports = sorted(reports, |report| {
            let rules = report.as_object().and_then(|it| it.get("bizRules"));
            rules
                .map(|it| format!("sensorReportbizRules={}", canonical(&plain(it), context)))
                .unwrap_or_default()
        });
        let mut out = String::new();
        group(&mut out, "sensorElement", reports);
        out
    });
    let mut out = String::new();
    group(&mut out, "sensorElementList", elements);
    (!out.is_empty()).then_some(out)
}

/// An extension: its name with the namespace spelled out, its value, its members sorted.
fn generic(name: &str, value: &Value, context: &Context) -> Option<String> {
    let written = context.expanded_name(name);
    match value {
        Value::List(items) => {
            let mut parts: Vec<String> =
                items.iter().filter_map(|item| generic(name, item, context)).collect();
            parts.sort();
            (!parts.is_empty()).then(|| parts.concat())
        }
        Value::Object(object) => {
            let mut members: Vec<String> = object
                .iter()
                .filter(|(name, _)| !name.starts_with('@') && *name != "#text")
                .filter_map(|(name, value)| generic(name, value, context))
                .collect();
            members.sort();
            let mut out = written;
            if let Some(text) = object.get("#text") {
                out.push('=');
                out.push_str(&canonical(&plain(text), context));
            }
            out.extend(members);
            Some(out)
        }
        simple => {
            let text = canonical(&plain(simple), context);
            Some(if text.is_empty() { written } else { format!("{written}={text}") })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{EventHash, number};

    #[test]
    fn numbers_lose_what_does_not_count() {
        let same = [
            ("20000", "20000"),
            ("26.0", "26"),
            ("+5", "5"),
            ("-0.0", "0"),
            (".5", "0.5"),
            ("1.50e2", "150"),
            ("1e-3", "0.001"),
            ("0.000015", "1.5e-05"),
            ("111100001111000011110000", "111100001111000003641344"),
            ("0012", "12"),
            ("6179.620032", "6179.620032"),
        ];
        for (text, written) in same {
            assert_eq!(number(text).as_deref(), Some(written), "{text}");
        }
        for text in ["", "-", "2023-10-09", "1e", "1e999999999999", "0x10", "NaN", "1.2.3", "e5"] {
            assert_eq!(number(text), None, "{text}");
        }
    }

    #[test]
    fn an_identifier_comes_back() {
        let hash = EventHash([0xAB; 32]);
        assert_eq!(EventHash::parse(&hash.uri()), Some(hash));
        assert_eq!(EventHash::parse("ni:///sha-256;ab?ver=CBV2.0"), None);
    }
}
