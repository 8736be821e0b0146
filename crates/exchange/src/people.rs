//! What people may write in place of a message or a number: masses, contents, lots, elements, times.

use ore_record::{content, elements, mass, units, v1};
use serde_json::{Map, Value as Json};

use crate::{LineError, error::quote, parse_time};

/// A mass as `"5000 kg"`, `{"kg": "5000.0"}` or `{"value": "5000", "unit": "KGM"}`, the latter two with
/// `"moisture": "3.2 %"` if it was weighed wet. None if it is the plain message.
pub(crate) fn mass(json: &Json, path: &str) -> Option<Result<v1::Mass, LineError>> {
    match json {
        Json::String(text) => Some(mass::parse(text).map_err(|error| bad_mass(path, &error))),
        Json::Object(fields) if fields.keys().any(|key| is_mass_word(key)) => Some(mass_of(fields, path)),
        _ => None,
    }
}

/// "unit" alone is no such word: the plain message has it too.
fn is_mass_word(key: &str) -> bool {
    matches!(key, "value" | "moisture") || units::Unit::parse(key).is_ok()
}

fn mass_of(fields: &Map<String, Json>, path: &str) -> Result<v1::Mass, LineError> {
    let (mut value, mut unit, mut moisture) = (None, None, None);
    for (key, json) in fields {
        let text = decimal(json, &format!("{path}.{key}"))?;
        let slot = match key.as_str() {
            "moisture" => &mut moisture,
            "value" => &mut value,
            "unit" => &mut unit,
            symbol if units::Unit::parse(symbol).is_ok() => {
                if unit.replace(symbol.to_owned()).is_some() {
                    return Err(LineError::new(
                        path,
                        "the mass has two units",
                        "write one value with one unit",
                    ));
                }
                &mut value
            }
            _ => {
                return Err(LineError::new(
                    &format!("{path}.{key}"),
                    "unknown beside a value with a unit",
                    "a mass is {\"kg\": \"5000.0\", \"moisture\": \"3.2 %\"} or {\"value\": ..., \"unit\": ...}",
                ));
            }
        };
        if slot.replace(text).is_some() {
            return Err(LineError::new(path, "the mass has two values", "write one value with one unit"));
        }
    }
    let missing =
        |what| LineError::new(path, format!("the mass has no {what}"), "for example {\"kg\": \"5000.0\"}");
    let value = value.ok_or_else(|| missing("value"))?;
    let unit = unit.ok_or_else(|| missing("unit"))?;
    mass::from_text(&value, &unit, moisture.as_deref()).map_err(|error| bad_mass(path, &error))
}

fn bad_mass(path: &str, error: &mass::BadMass) -> LineError {
    LineError::new(path, error.to_string(), "for example \"5000.25 kg\", exact to the milligram")
}

/// A decimal as text. Whole JSON numbers are texts too; others pass through binary fractions, so they are refused.
fn decimal(json: &Json, path: &str) -> Result<String, LineError> {
    match json {
        Json::String(text) => Ok(text.clone()),
        Json::Number(number) if !number.is_f64() => Ok(number.to_string()),
        Json::Number(number) => Err(LineError::new(
            path,
            format!("{number} is a number with decimals, which JSON does not keep exactly"),
            format!("put it in quotes: \"{number}\""),
        )),
        _ => Err(LineError::new(path, "expected a decimal in quotes", "for example \"5000.25\"")),
    }
}

/// Contents as `{"Ta": "32.5 %", "Nb2O5": "11 % ± 0.2 %", "U": "< 50 ppm"}`, sorted by atomic number.
pub(crate) fn contents(
    fields: &Map<String, Json>,
    measured: bool,
    path: &str,
) -> Result<Vec<v1::Content>, LineError> {
    let kind = if measured { v1::ContentKind::Measured } else { v1::ContentKind::Declared };
    let mut contents = Vec::new();
    for (name, amount) in fields {
        let path = format!("{path}.{name}");
        let Json::String(amount) = amount else {
            return Err(LineError::new(&path, "expected an amount in quotes", "for example \"32.5 %\""));
        };
        let content = content::from_text(name, amount, kind).map_err(|error| {
            LineError::new(
                &path,
                error.to_string(),
                "for example \"Ta2O5\": \"39.7 %\" or \"U\": \"< 50 ppm\"",
            )
        })?;
        contents.push(content);
    }
    contents.sort_by_key(|content| content.element);
    if let Some(pair) = contents.windows(2).find(|pair| pair[0].element == pair[1].element) {
        let symbol = elements::symbol(pair[0].element).unwrap_or_default();
        return Err(LineError::new(
            path,
            format!("{symbol} is stated twice"),
            "state each element once, as the element or as one oxide",
        ));
    }
    Ok(contents)
}

/// Text in place of a number, by the field's name: an element's symbol, a mass with its unit, a time.
pub(crate) fn number(field: &str, text: &str, path: &str) -> Option<Result<u64, LineError>> {
    if field == "element" {
        return elements::atomic_number(text).map(|number| Ok(u64::from(number)));
    }
    if field == "mg" || field.ends_with("_mg") || field.ends_with("_mg_per_year") {
        let at = text.find(|c: char| c.is_ascii_alphabetic())?;
        let unit = units::Unit::parse(text[at..].trim());
        return Some(
            unit.and_then(|unit| units::milligrams(&text[..at], unit))
                .map_err(|error| LineError::new(path, error.to_string(), "for example \"12.5 kg\"")),
        );
    }
    if field.ends_with("_ms") && text.contains(['T', 't', '-']) {
        return Some(
            parse_time(text).map(|(ms, _)| ms).map_err(|error| LineError { field: path.into(), ..error }),
        );
    }
    None
}

/// 16, 32 or 64 bytes in hexadecimal. No field of a record holds 24, 48 or 96 bytes, which the same
/// letters would be in base64.
pub(crate) fn hexadecimal(text: &str) -> Option<Vec<u8>> {
    if !matches!(text.len(), 32 | 64 | 128) || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).ok()).collect()
}

/// The value of an enum: its full name, or the part after the type's own name in any case:
/// `MATERIAL_CLASS_ORE`, `ORE`, `ore`; `sputtering target`.
pub(crate) fn enum_number(
    kind: &prost_reflect::EnumDescriptor,
    text: &str,
    path: &str,
) -> Result<i32, LineError> {
    let prefix = enum_prefix(kind);
    let wanted = text.trim().to_ascii_uppercase().replace([' ', '-'], "_");
    let found = kind.values().find(|value| {
        value.name() == wanted || value.name().strip_prefix(prefix.as_str()) == Some(wanted.as_str())
    });
    found.map(|value| value.number()).ok_or_else(|| {
        let names: Vec<String> = kind
            .values()
            .skip(1)
            .map(|value| value.name().trim_start_matches(prefix.as_str()).to_ascii_lowercase())
            .collect();
        let hint = match crate::error::nearest(&wanted, names.iter().map(String::as_str)) {
            Some(name) => format!("did you mean {name:?}?"),
            None => format!("one of: {}", names.join(", ")),
        };
        LineError::new(path, format!("{} is not known here", quote(text)), hint)
    })
}

/// Every enum's zero is `<PREFIX>UNSPECIFIED`.
fn enum_prefix(kind: &prost_reflect::EnumDescriptor) -> String {
    kind.default_value().name().trim_end_matches("UNSPECIFIED").to_owned()
}
