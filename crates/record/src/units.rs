//! Units of mass: decimals that people write, to whole milligrams and back, exactly or not at all.
//!
//! Codes are those of UN/ECE Recommendation 20. A weight that is no whole number of milligrams is
//! refused rather than rounded: two parties must never store two roundings of one weighing.

use alloc::string::String;

use crate::{
    decimal::{BadDecimal, Decimal},
    ids::shorten,
    ratio::round_ratio,
};

/// A unit of mass, by its UN/ECE Recommendation 20 code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Unit {
    /// KGM, kilogram.
    Kilogram,
    /// TNE, tonne of 1,000 kg.
    Tonne,
    /// GRM, gram.
    Gram,
    /// MGM, milligram.
    Milligram,
    /// DT, dry ton: a tonne of 1,000 kg, water not counted.
    DryTon,
    /// APZ, troy ounce of 31.1034768 g.
    TroyOunce,
    /// LBR, pound of 0.45359237 kg.
    Pound,
}

/// Why a text and a unit are no mass.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadQuantity {
    /// Not a code that is known here.
    #[error(
        "unit {0:?} is not one of KGM (kg), TNE (t), GRM (g), MGM (mg), DT (dry ton), APZ (troy ounce), LBR (pound)"
    )]
    UnknownUnit(String),
    /// The number is none.
    #[error(transparent)]
    Decimal(#[from] BadDecimal),
    /// A fraction of a milligram.
    #[error("{text} {unit} is not a whole number of milligrams; the nearest is {nearest_mg} mg")]
    NotWhole {
        /// As it was written.
        text: String,
        /// Code of the unit.
        unit: &'static str,
        /// The nearest whole number of milligrams.
        nearest_mg: u64,
    },
    /// More than 2^64 - 1 milligrams, about 18 million tonnes.
    #[error("{text} {unit} is more than 18,446,744 t, the largest mass a record can hold")]
    Overflow {
        /// As it was written.
        text: String,
        /// Code of the unit.
        unit: &'static str,
    },
}

impl Unit {
    /// All units, for help texts.
    pub const ALL: [Self; 7] = [
        Self::Kilogram,
        Self::Tonne,
        Self::Gram,
        Self::Milligram,
        Self::DryTon,
        Self::TroyOunce,
        Self::Pound,
    ];

    /// Reads a code, or the symbol that people write: kg, t, g, mg, ozt, lb.
    ///
    /// # Errors
    /// [`BadQuantity::UnknownUnit`].
    pub fn parse(text: &str) -> Result<Self, BadQuantity> {
        match text {
            "KGM" | "kg" => Ok(Self::Kilogram),
            "TNE" | "t" => Ok(Self::Tonne),
            "GRM" | "g" => Ok(Self::Gram),
            "MGM" | "mg" => Ok(Self::Milligram),
            "DT" | "dt" | "dmt" => Ok(Self::DryTon),
            "APZ" | "ozt" => Ok(Self::TroyOunce),
            "LBR" | "lb" => Ok(Self::Pound),
            _ => Err(BadQuantity::UnknownUnit(shorten(text).into())),
        }
    }

    /// The Recommendation 20 code, as records carry it.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Kilogram => "KGM",
            Self::Tonne => "TNE",
            Self::Gram => "GRM",
            Self::Milligram => "MGM",
            Self::DryTon => "DT",
            Self::TroyOunce => "APZ",
            Self::Pound => "LBR",
        }
    }

    /// The symbol that people write.
    #[must_use]
    pub const fn symbol(self) -> &'static str {
        match self {
            Self::Kilogram => "kg",
            Self::Tonne => "t",
            Self::Gram => "g",
            Self::Milligram => "mg",
            Self::DryTon => "dt",
            Self::TroyOunce => "ozt",
            Self::Pound => "lb",
        }
    }

    /// Whether the unit itself says that water is not counted.
    #[must_use]
    pub const fn is_dry(self) -> bool {
        matches!(self, Self::DryTon)
    }

    /// Ten-thousandths of a milligram in one unit: the troy ounce has 31,103.4768 mg exactly.
    const fn ten_thousandths(self) -> u128 {
        match self {
            Self::Kilogram => 10_000_000_000,
            Self::Tonne | Self::DryTon => 10_000_000_000_000,
            Self::Gram => 10_000_000,
            Self::Milligram => 10_000,
            Self::TroyOunce => 311_034_768,
            Self::Pound => 4_535_923_700,
        }
    }
}

/// Milligrams of a decimal in a unit, exactly.
///
/// # Errors
/// [`BadQuantity`] says why it is not a whole, non-negative number of milligrams.
pub fn milligrams(text: &str, unit: Unit) -> Result<u64, BadQuantity> {
    let text = text.trim();
    let decimal = Decimal::parse(text)?;
    let shown = || String::from(shorten(text));
    let overflow = || BadQuantity::Overflow { text: shown(), unit: unit.code() };
    let value = decimal.digits.checked_mul(unit.ten_thousandths()).ok_or_else(overflow)?;
    // 10^(places + 4): at most 10^34, below 2^128.
    let scale = 10u128.pow(decimal.places + 4);
    let nearest = round_ratio(value, scale);
    let nearest = u64::try_from(nearest).map_err(|_| overflow())?;
    if u128::from(nearest) * scale != value {
        return Err(BadQuantity::NotWhole { text: shown(), unit: unit.code(), nearest_mg: nearest });
    }
    Ok(nearest)
}

/// A mass as people read it, in a unit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Written {
    /// Decimal text without trailing zeros, for example "1250.75".
    pub text: String,
    /// Whether the text is the whole truth. Pounds and troy ounces rarely are: then it is rounded
    /// to nine decimals, for reading only.
    pub exact: bool,
}

/// Writes milligrams in a unit.
#[must_use]
pub fn write(mg: u64, unit: Unit) -> Written {
    // Nine decimals hold every whole milligram of the metric units.
    const PLACES: u32 = 9;
    let scaled = u128::from(mg) * 10u128.pow(PLACES + 4);
    let exact = scaled.is_multiple_of(unit.ten_thousandths());
    let digits = round_ratio(scaled, unit.ten_thousandths());
    Written { text: crate::decimal::write(digits, PLACES), exact }
}
