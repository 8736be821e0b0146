//! Masses: stated, above zero, in a known unit (A5); dry, wet and moisture agree (M8).

use alloc::{format, string::String};

use ore_record::{
    mass::{self, BadMass},
    units::{self, Unit},
    v1::Mass,
};

use crate::rejection::{Reason, Rule, Verdict, refuse};

/// Dry milligrams of a mass that passed its checks.
pub(crate) fn dry_mg(stated: Option<&Mass>, what: &str) -> Verdict<u64> {
    let Some(stated) = stated else {
        return Err(refuse(
            Rule::A5,
            Reason::BadQuantity,
            format!("{what}: no mass is stated"),
            "state the mass, its basis and its unit",
        ));
    };
    if let Err(bad) = mass::check(stated) {
        let (rule, reason, next_step) = match &bad {
            BadMass::NoBasis | BadMass::Unit(_) | BadMass::Zero => {
                (Rule::A5, Reason::BadQuantity, "weigh it and state mass, basis and unit")
            }
            _ => (
                Rule::M8,
                Reason::Moisture,
                "check the weighing and the moisture: dry = wet x (1 - moisture)",
            ),
        };
        return Err(refuse(rule, reason, format!("{what}: {bad}"), next_step));
    }
    Ok(stated.dry_mg)
}

/// Milligrams as people read them: grams, from 100 kg on kilograms.
pub(crate) fn weight(mg: u64) -> String {
    let unit = if mg >= 100_000_000 { Unit::Kilogram } else { Unit::Gram };
    format!("{} {}", units::write(mg, unit).text, unit.symbol())
}

/// The same for a sum that may exceed any mass a record can hold.
pub(crate) fn weight_of_sum(mg: u128) -> String {
    u64::try_from(mg).map_or_else(|_| format!("{} kg", mg / 1_000_000), weight)
}
