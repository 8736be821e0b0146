//! Fractions as people write them, to whole parts, and the one way of rounding.

use alloc::string::String;

use crate::{
    decimal::{BadDecimal, Decimal},
    ids::shorten,
};

/// Parts per billion in a whole.
pub const PPB: u64 = 1_000_000_000;
/// Parts per million in a whole.
pub const PPM: u64 = 1_000_000;

/// Nearest integer to a ratio, halves up. `over` must not be zero, and `value` at most 2^127.
#[must_use]
pub const fn round_ratio(value: u128, over: u128) -> u128 {
    (value + over / 2) / over
}

/// Why a text is no fraction.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadFraction {
    /// A bare number could be a percentage, a ratio or ppm.
    #[error("{0:?} has no unit; write %, ppm or ppb after the number")]
    NoUnit(String),
    /// The number is none.
    #[error(transparent)]
    Decimal(#[from] BadDecimal),
    /// More digits than a record keeps.
    #[error("{text:?} is finer than one part in {whole}, which is all that a record keeps")]
    TooFine {
        /// As it was written.
        text: String,
        /// Parts in a whole.
        whole: u64,
    },
    /// More than everything.
    #[error("{0:?} is more than 100 %")]
    AboveWhole(String),
}

/// Parts per billion of a text such as "32.5 %", "120 ppm" or "7 ppb", exactly.
///
/// # Errors
/// [`BadFraction`].
pub fn parts_per_billion(text: &str) -> Result<u32, BadFraction> {
    parts(text, PPB)
}

/// Parts per million of a text such as "3.2 %", exactly.
///
/// # Errors
/// [`BadFraction`].
pub fn parts_per_million(text: &str) -> Result<u32, BadFraction> {
    parts(text, PPM)
}

fn parts(text: &str, whole: u64) -> Result<u32, BadFraction> {
    let text = text.trim();
    let shown = || String::from(shorten(text));
    let units = [("%", 100), ("ppm", u128::from(PPM)), ("ppb", u128::from(PPB))];
    let Some((number, of)) =
        units.into_iter().find_map(|(unit, of)| text.strip_suffix(unit).map(|number| (number, of)))
    else {
        return Err(BadFraction::NoUnit(shown()));
    };
    let decimal = Decimal::parse(number.trim())?;
    // of x 10^places is at most 10^39 only for ppb with 30 places; Decimal stops at 18 places.
    let scale = of * 10u128.pow(decimal.places);
    if decimal.digits > scale {
        return Err(BadFraction::AboveWhole(shown()));
    }
    // digits <= 10^27, whole <= 10^9: at most 10^36.
    let value = decimal.digits * u128::from(whole);
    if !value.is_multiple_of(scale) {
        return Err(BadFraction::TooFine { text: shown(), whole });
    }
    Ok(u32::try_from(value / scale).expect("at most `whole`, which is at most 10^9"))
}

/// Writes parts per billion as a percentage, exactly: 325,000,000 is "32.5 %".
#[must_use]
pub fn percent(ppb: u32) -> String {
    let mut text = crate::decimal::write(u128::from(ppb), 7);
    text.push_str(" %");
    text
}
