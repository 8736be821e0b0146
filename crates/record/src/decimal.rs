//! Decimal numbers in people's text, without floating point.

use alloc::{format, string::String};

use crate::ids::shorten;

/// A non-negative decimal: `digits` x 10^-`places`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Decimal {
    /// All digits as one number, below 10^28.
    pub(crate) digits: u128,
    /// Digits after the point, at most [`MAX_PLACES`].
    pub(crate) places: u32,
}

/// Why a text is no decimal number that a record can take.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadDecimal {
    /// Nothing was written.
    #[error("the number is empty")]
    Empty,
    /// Below zero.
    #[error("{0:?} is negative")]
    Negative(String),
    /// Scientific notation, which spreadsheets write when they lose digits.
    #[error("{0:?} has an exponent; write all digits")]
    Exponent(String),
    /// A comma is a decimal sign in one country and a thousands sign in the next.
    #[error("{0:?} has a comma; write decimals with a point and no thousands signs")]
    Comma(String),
    /// More digits than any balance has.
    #[error("{0:?} has more than 28 digits, or more than 18 after the point")]
    TooLong(String),
    /// Anything else.
    #[error("{0:?} is not a decimal number such as 1250.75")]
    NotDecimal(String),
}

/// Digits in all, trailing zeros after the point not counted.
const MAX_DIGITS: usize = 28;
/// Digits after the point.
const MAX_PLACES: usize = 18;

impl Decimal {
    /// Reads digits with at most one point. Trailing zeros after the point are no digits: 5000.000 is 5000.
    pub(crate) fn parse(text: &str) -> Result<Self, BadDecimal> {
        let shown = || String::from(shorten(text));
        if text.is_empty() {
            return Err(BadDecimal::Empty);
        }
        let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
        let digits_only = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
        if whole.is_empty() || !digits_only(whole) || !digits_only(fraction) || text.ends_with('.') {
            return Err(diagnose(text));
        }
        let whole = whole.trim_start_matches('0');
        let fraction = fraction.trim_end_matches('0');
        if whole.len() + fraction.len() > MAX_DIGITS || fraction.len() > MAX_PLACES {
            return Err(BadDecimal::TooLong(shown()));
        }
        let digits = whole
            .bytes()
            .chain(fraction.bytes())
            .fold(0u128, |number, digit| number * 10 + u128::from(digit - b'0'));
        Ok(Self { digits, places: fraction.len() as u32 })
    }
}

/// Says what is wrong with a text that is no decimal.
fn diagnose(text: &str) -> BadDecimal {
    let shown = String::from(shorten(text));
    let looks_like =
        |extra: &[char]| text.chars().all(|c| c.is_ascii_digit() || c == '.' || extra.contains(&c));
    if text.starts_with('-') && text[1..].chars().all(|c| c.is_ascii_digit() || c == '.') {
        BadDecimal::Negative(shown)
    } else if looks_like(&['e', 'E', '+', '-']) && text.contains(['e', 'E']) {
        BadDecimal::Exponent(shown)
    } else if looks_like(&[',']) && text.contains(',') {
        BadDecimal::Comma(shown)
    } else {
        BadDecimal::NotDecimal(shown)
    }
}

/// Writes `digits` x 10^-`places` without trailing zeros.
pub(crate) fn write(digits: u128, places: u32) -> String {
    let one = 10u128.pow(places);
    let (whole, fraction) = (digits / one, digits % one);
    if fraction == 0 {
        return format!("{whole}");
    }
    let padded = format!("{fraction:0width$}", width = places as usize);
    format!("{whole}.{}", padded.trim_end_matches('0'))
}
