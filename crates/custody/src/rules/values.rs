//! Values within their bounds: lengths, counts, codes, coordinates (rule A6).

use alloc::{boxed::Box, format, string::String};

use ore_record::v1;

use crate::{
    codes,
    lot::Country,
    rejection::{Reason, Rejection, Rule, Verdict, refuse, shorten},
};

/// Refuses a value that is out of its range.
#[cold]
pub(crate) fn bad(message: impl Into<String>, next_step: impl Into<String>) -> Box<Rejection> {
    refuse(Rule::A6, Reason::BadValue, message, next_step)
}

pub(crate) fn text(what: &str, value: &str, most: usize) -> Verdict<()> {
    if value.len() <= most {
        return Ok(());
    }
    Err(bad(format!("{what} has {} bytes, at most {most} are allowed", value.len()), "shorten it"))
}

pub(crate) fn required_text(what: &str, value: &str, most: usize) -> Verdict<()> {
    if value.is_empty() {
        return Err(bad(format!("{what} is not stated"), format!("state {what}")));
    }
    text(what, value, most)
}

pub(crate) fn count(what: &str, number: usize, most: usize) -> Verdict<()> {
    if number <= most {
        return Ok(());
    }
    Err(bad(
        format!("{number} {what}, at most {most} are allowed in one record"),
        "split them over several records",
    ))
}

pub(crate) fn texts(what: &str, values: &[String], most: usize, bytes: usize) -> Verdict<()> {
    count(what, values.len(), most)?;
    values.iter().try_for_each(|value| required_text(what, value, bytes))
}

/// Exactly 32 bytes, or none where that is allowed.
pub(crate) fn digest(what: &str, value: &[u8], optional: bool) -> Verdict<()> {
    if value.len() == 32 || (optional && value.is_empty()) {
        return Ok(());
    }
    Err(bad(format!("{what} has {} bytes, not 32", value.len()), "state the whole hash"))
}

/// An enum value that this version knows and that is stated.
pub(crate) fn stated<T: TryFrom<i32>>(what: &str, value: i32) -> Verdict<T> {
    if value == 0 {
        return Err(bad(format!("{what} is not stated"), format!("state {what}")));
    }
    known(what, value)
}

/// An enum value that this version knows.
pub(crate) fn known<T: TryFrom<i32>>(what: &str, value: i32) -> Verdict<T> {
    T::try_from(value).map_err(|_| {
        bad(
            format!("{what} {value} is not one that this version knows"),
            "use one of the values of the format",
        )
    })
}

/// Two letters of ISO 3166-1.
pub(crate) fn country(what: &str, code: &str) -> Verdict<Country> {
    match <[u8; 2]>::try_from(code.as_bytes()) {
        Ok(letters) if codes::is_country(code) => Ok(Country(letters)),
        _ => Err(bad(
            format!("{what} {:?} is no ISO 3166-1 alpha-2 code", shorten(code)),
            "use the two capital letters of the country, for example AU",
        )),
    }
}

/// A country, `ZZ` for unknown, or nothing.
pub(crate) fn country_if_known(what: &str, code: &str) -> Verdict<Country> {
    if code.is_empty() || code == "ZZ" { Ok(Country::UNKNOWN) } else { country(what, code) }
}

/// Six digits of the table that the profile names, or nothing.
pub(crate) fn hs_code(code: &str, profile: &v1::Profile) -> Verdict<()> {
    if code.is_empty() || codes::is_hs_code(code) {
        return Ok(());
    }
    let table = if profile.hs_table.is_empty() { codes::HS_TABLE } else { &profile.hs_table };
    Err(bad(
        format!("HS code {:?} is not in the table {table}", shorten(code)),
        "use the six-digit code of that table, without dots, or leave it empty",
    ))
}

/// WGS 84, ten-millionths of a degree.
pub(crate) fn coordinates(latitude_e7: i32, longitude_e7: i32) -> Verdict<()> {
    const DEGREE: i32 = 10_000_000;
    if latitude_e7.abs_diff(0) > 90 * DEGREE as u32 {
        return Err(bad(
            format!("latitude {latitude_e7} is outside -900000000 to 900000000 (ten-millionths of a degree)"),
            "check the sign, the unit and the order of latitude and longitude",
        ));
    }
    if longitude_e7.abs_diff(0) > 180 * DEGREE as u32 {
        return Err(bad(
            format!(
                "longitude {longitude_e7} is outside -1800000000 to 1800000000 (ten-millionths of a degree)"
            ),
            "check the sign, the unit and the order of latitude and longitude",
        ));
    }
    Ok(())
}

/// Atomic number 1 to 118.
pub(crate) fn element(number: u32) -> Verdict<u8> {
    match u8::try_from(number) {
        Ok(element) if ore_record::elements::symbol(number).is_some() => Ok(element),
        _ => Err(bad(format!("there is no element with atomic number {number}"), "use 1 to 118")),
    }
}

/// Symbol of an element, for messages.
pub(crate) fn symbol(element: u8) -> &'static str {
    ore_record::elements::symbol(element.into()).unwrap_or("?")
}
