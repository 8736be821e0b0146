//! Single values: URIs, times, words of a vocabulary, decimals.

use std::collections::HashSet;

use super::Faults;
use crate::{
    json::Value,
    refusal::{Clause, quote},
    syntax,
    words::Vocabulary,
};

pub(super) fn uri(faults: &mut Faults, value: &Value) {
    match value {
        Value::Text(text) if syntax::is_uri(text) => {}
        Value::Text(text) => {
            let hint = "an absolute URI, for example https://id.gs1.org/01/... or urn:epc:id:...";
            faults.add(Clause::Primitive, format!("{} is no URI", quote(text)), hint);
        }
        other => faults.add(Clause::Primitive, format!("expected a URI, found {}", other.kind()), ""),
    }
}

pub(super) fn text(faults: &mut Faults, value: &Value) {
    if value.as_text().is_none() {
        faults.add(Clause::Primitive, format!("expected text, found {}", value.kind()), "put it in quotes");
    }
}

pub(super) fn boolean(faults: &mut Faults, value: &Value) {
    if !matches!(value, Value::Bool(_)) {
        faults.add(Clause::Primitive, format!("expected true or false, found {}", value.kind()), "");
    }
}

pub(super) fn decimal(faults: &mut Faults, value: &Value) {
    if !matches!(value, Value::Number(_)) {
        let reason = format!("expected a number, found {}", value.kind());
        faults.add(Clause::Primitive, reason, "write the number without quotes");
    }
}

pub(super) fn hex_binary(faults: &mut Faults, value: &Value) {
    let hex = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    if !value.as_text().is_some_and(hex) {
        faults.add(Clause::Sensor, "is not hexadecimal", "two digits a byte, in quotes");
    }
}

pub(super) fn time(faults: &mut Faults, value: &Value) {
    if value.as_text().and_then(syntax::instant).is_none() {
        let found = value.as_text().map_or_else(|| value.kind().to_owned(), quote);
        let hint = "date, time and zone as in 2026-11-22T17:30:00.000+02:00";
        faults.add(Clause::When, format!("{found} is no RFC 3339 time"), hint);
    }
}

pub(super) fn zone_offset(faults: &mut Faults, value: &Value) {
    if value.as_text().and_then(syntax::offset_minutes).is_none() {
        let found = value.as_text().map_or_else(|| value.kind().to_owned(), quote);
        faults.add(Clause::When, format!("{found} is no zone offset"), "as in +02:00, at most 14:00");
    }
}

pub(super) fn unit(faults: &mut Faults, value: &Value) {
    let code = |text: &str| {
        (2..=3).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit())
    };
    if !value.as_text().is_some_and(code) {
        let hint = "a code of UN/ECE Recommendation 20, as KGM or TNE";
        faults.add(Clause::Unit, "is no unit of two or three capital letters and digits", hint);
    }
}

pub(super) fn action(faults: &mut Faults, value: &Value) {
    if !matches!(value.as_text(), Some("OBSERVE" | "ADD" | "DELETE")) {
        let found = value.as_text().map_or_else(|| value.kind().to_owned(), quote);
        faults.add(Clause::Action, format!("{found} is no action"), "ADD, OBSERVE or DELETE");
    }
}

pub(super) fn certification(faults: &mut Faults, value: &Value) {
    match value {
        Value::List(_) => faults.items(value, Clause::Certification, |faults, item| {
            if !item.as_text().is_some_and(syntax::is_uri) {
                faults.add(
                    Clause::Certification,
                    "is no URI of a certificate",
                    "state where the certificate is",
                );
            }
        }),
        Value::Text(text) if syntax::is_uri(text) => {}
        _ => faults.add(Clause::Certification, "is neither a URI nor a list of URIs", ""),
    }
}

/// A context: a URI, an object, or a list of these in which none stands twice.
pub(super) fn context(faults: &mut Faults, value: &Value) {
    let single = |value: &Value| match value {
        Value::Text(text) => syntax::is_uri(text),
        Value::Object(_) => true,
        _ => false,
    };
    let fine = match value {
        Value::List(items) => items.iter().all(single) && !has_twins(items),
        other => single(other),
    };
    if !fine {
        let hint = "GS1's context by its URI, then an object with the prefixes of your extensions";
        faults.add(Clause::Context, "is no URI, no object and no list of different ones", hint);
    }
}

/// Whether a list holds a value twice.
pub(super) fn has_twins(items: &[Value]) -> bool {
    let mut seen = HashSet::new();
    items.iter().any(|item| !seen.insert(item.write()))
}

/// A word of a vocabulary as it stands in JSON: bare, or somebody else's URI.
pub(super) fn word(vocabulary: Vocabulary, clause: Clause) -> impl Fn(&mut Faults, &Value) {
    move |faults, value| {
        let Some(text) = value.as_text() else {
            faults.add(clause, format!("expected text, found {}", value.kind()), "");
            return;
        };
        if vocabulary.words().contains(&text) || (syntax::is_uri(text) && !is_reserved(vocabulary, text)) {
            return;
        }
        let near = vocabulary.bare(text);
        let hint = if near != text && vocabulary.words().contains(&near) {
            format!("in JSON write {near:?}")
        } else {
            "use a word of the vocabulary, or a URI of your own for a word of your own".to_owned()
        };
        faults.add(clause, format!("{} is no word of the vocabulary", quote(text)), hint);
    }
}

/// URIs that stand for the standard's own words, which JSON writes bare.
fn is_reserved(vocabulary: Vocabulary, text: &str) -> bool {
    let reserved: &[&str] = match vocabulary {
        Vocabulary::Measurement | Vocabulary::Alert => &[
            "http://gs1.org/voc/",
            "https://gs1.org/voc/",
            "http://www.gs1.org/voc/",
            "https://www.gs1.org/voc/",
        ],
        _ => &["urn:epcglobal:cbv", "http://ns.gs1.org/cbv/", "https://ns.gs1.org/cbv/"],
    };
    reserved.iter().any(|prefix| text.starts_with(prefix))
}
