//! Masses: wet, moisture and dry, which must agree to the milligram (rule M8).

use alloc::{
    format,
    string::{String, ToString},
};

use crate::{
    ratio::{self, BadFraction, PPM, round_ratio},
    units::{self, BadQuantity, Unit},
    v1::{Mass, MassBasis},
};

/// Why a mass is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadMass {
    /// No basis stated.
    #[error("the mass states no basis; say dry, or as received with the moisture")]
    NoBasis,
    /// A unit that is no Recommendation 20 code of a mass.
    #[error(transparent)]
    Unit(BadQuantity),
    /// Nothing is there.
    #[error("the dry mass is zero")]
    Zero,
    /// A wet weight or a moisture beside a dry basis.
    #[error("the basis is dry, but a wet mass of {wet_mg} mg and a moisture of {moisture_ppm} ppm are given")]
    WetOnDryBasis {
        /// Milligrams.
        wet_mg: u64,
        /// Parts per million.
        moisture_ppm: u32,
    },
    /// Dry tons do not count water.
    #[error("a mass in dry tons (DT) has no moisture; weigh wet in TNE or KGM")]
    WetDryTon,
    /// Moisture above everything.
    #[error("the moisture is {0} ppm, above 1,000,000")]
    Moisture(u32),
    /// Lighter wet than dry.
    #[error("the dry mass, {dry_mg} mg, is above the wet mass, {wet_mg} mg")]
    DryAboveWet {
        /// Milligrams.
        dry_mg: u64,
        /// Milligrams.
        wet_mg: u64,
    },
    /// The three numbers contradict each other.
    #[error(
        "{wet_mg} mg wet with {moisture_ppm} ppm moisture are {expected_mg} mg dry, but the mass says {dry_mg} mg"
    )]
    Disagrees {
        /// Milligrams on the scale.
        wet_mg: u64,
        /// Parts per million.
        moisture_ppm: u32,
        /// Milligrams, as stated.
        dry_mg: u64,
        /// Milligrams, as they follow.
        expected_mg: u64,
    },
    /// The number is no mass.
    #[error("mass: {0}")]
    Quantity(BadQuantity),
    /// The moisture is no fraction.
    #[error("moisture: {0}")]
    MoistureText(BadFraction),
    /// No unit after the number.
    #[error("{0:?} is not a number and a unit such as \"5000 kg\"")]
    Text(String),
}

/// Checks a mass: a stated basis, a known unit, not zero, and dry = wet x (1 - moisture) to less
/// than a milligram, so that rounding down, up or to the nearest are all right.
///
/// # Errors
/// [`BadMass`], with the numbers.
pub fn check(mass: &Mass) -> Result<(), BadMass> {
    if !mass.unit.is_empty() {
        let unit = Unit::parse(&mass.unit).and_then(code_only(&mass.unit)).map_err(BadMass::Unit)?;
        if unit.is_dry() && mass.basis() == MassBasis::AsReceived {
            return Err(BadMass::WetDryTon);
        }
    }
    let &Mass { dry_mg, wet_mg, moisture_ppm, .. } = mass;
    if dry_mg == 0 {
        return Err(BadMass::Zero);
    }
    match mass.basis() {
        MassBasis::Unspecified => Err(BadMass::NoBasis),
        MassBasis::Dry if wet_mg != 0 || moisture_ppm != 0 => {
            Err(BadMass::WetOnDryBasis { wet_mg, moisture_ppm })
        }
        MassBasis::Dry => Ok(()),
        MassBasis::AsReceived => check_moisture(dry_mg, wet_mg, moisture_ppm),
    }
}

/// Records carry the code, not the symbol that people write.
fn code_only(text: &str) -> impl FnOnce(Unit) -> Result<Unit, BadQuantity> + '_ {
    move |unit| {
        if unit.code() == text { Ok(unit) } else { Err(BadQuantity::UnknownUnit(text.to_string())) }
    }
}

fn check_moisture(dry_mg: u64, wet_mg: u64, moisture_ppm: u32) -> Result<(), BadMass> {
    if u64::from(moisture_ppm) > PPM {
        return Err(BadMass::Moisture(moisture_ppm));
    }
    if dry_mg > wet_mg {
        return Err(BadMass::DryAboveWet { dry_mg, wet_mg });
    }
    let expected = u128::from(wet_mg) * u128::from(PPM - u64::from(moisture_ppm));
    let stated = u128::from(dry_mg) * u128::from(PPM);
    if expected.abs_diff(stated) >= u128::from(PPM) {
        let expected_mg = dry_of(wet_mg, moisture_ppm);
        return Err(BadMass::Disagrees { wet_mg, moisture_ppm, dry_mg, expected_mg });
    }
    Ok(())
}

/// Dry milligrams of a wet weighing, to the nearest, halves up. Moisture is at most 1,000,000 ppm.
fn dry_of(wet_mg: u64, moisture_ppm: u32) -> u64 {
    let dry = round_ratio(
        u128::from(wet_mg) * u128::from(PPM.saturating_sub(moisture_ppm.into())),
        u128::from(PPM),
    );
    u64::try_from(dry).expect("at most the wet mass")
}

/// A mass weighed dry.
///
/// # Errors
/// [`BadMass::Zero`].
pub fn dry(dry_mg: u64, unit: Unit) -> Result<Mass, BadMass> {
    checked(Mass {
        dry_mg,
        basis: MassBasis::Dry.into(),
        wet_mg: 0,
        moisture_ppm: 0,
        unit: unit.code().into(),
    })
}

/// A mass weighed as received, with its moisture in ppm of the wet mass.
///
/// # Errors
/// [`BadMass`] when the moisture is above everything or leaves nothing.
pub fn as_received(wet_mg: u64, moisture_ppm: u32, unit: Unit) -> Result<Mass, BadMass> {
    checked(Mass {
        dry_mg: dry_of(wet_mg, moisture_ppm),
        basis: MassBasis::AsReceived.into(),
        wet_mg,
        moisture_ppm,
        unit: unit.code().into(),
    })
}

fn checked(mass: Mass) -> Result<Mass, BadMass> {
    check(&mass).map(|()| mass)
}

/// A mass from people's texts: a decimal, a unit, and the moisture if it was weighed wet.
///
/// # Errors
/// [`BadMass`] names the part that is wrong.
pub fn from_text(value: &str, unit: &str, moisture: Option<&str>) -> Result<Mass, BadMass> {
    let unit = Unit::parse(unit.trim()).map_err(BadMass::Quantity)?;
    let mg = units::milligrams(value, unit).map_err(BadMass::Quantity)?;
    match moisture {
        None => dry(mg, unit),
        Some(moisture) => {
            as_received(mg, ratio::parts_per_million(moisture).map_err(BadMass::MoistureText)?, unit)
        }
    }
}

/// A dry mass from one text: "5000 kg".
///
/// # Errors
/// [`BadMass`].
pub fn parse(text: &str) -> Result<Mass, BadMass> {
    let trimmed = text.trim();
    let at = trimmed
        .find(|c: char| c.is_ascii_alphabetic())
        // An exponent is no unit; the number's own reader says so.
        .filter(|at| !trimmed[*at..].starts_with(['e', 'E']))
        .ok_or_else(|| BadMass::Text(crate::ids::shorten(text).into()))?;
    from_text(trimmed[..at].trim_end(), &trimmed[at..], None)
}

/// A mass as people read it: "5000 kg", or "5200 kg wet, 3.2 % moisture".
#[must_use]
pub fn write(mass: &Mass) -> String {
    let unit = Unit::parse(&mass.unit).unwrap_or(Unit::Kilogram);
    let (mg, tail) = match mass.basis() {
        MassBasis::AsReceived => {
            (mass.wet_mg, format!(" wet, {} % moisture", crate::decimal::write(mass.moisture_ppm.into(), 4)))
        }
        _ => (mass.dry_mg, String::new()),
    };
    format!("{} {}{tail}", units::write(mg, unit).text, unit.symbol())
}
