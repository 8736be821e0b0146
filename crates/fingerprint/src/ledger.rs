//! From signed records to patterns: assays, reference libraries and claims as the ledger keeps them.
//!
//! What is judged here is judged by facts that everybody can read: who claimed what when, and how many origins
//! were claimed for one lot. Integers go out beside floats, for rules that compute in integers.

use alloc::{string::ToString, vec::Vec};

use libm::round;
use ore_record::v1::{Assay, MaterialClass, ReferencePart, TraceValue};

use crate::{
    calibration::Calibration,
    check::{Claim, Lot, Outcome, Policy, Reason, check},
    element::{Element, ElementSet},
    library::{FitError, Library, Reference},
    material::{Refined, Substance},
    pattern::{Pattern, Reading, Report, Scale},
};

/// More analyses than this make no library: leave-one-sample-out grows with the square of their number.
pub const MAX_ANALYSES: usize = 10_000;

/// Parts per trillion in one ppm.
const PPT: f64 = 1e6;

/// A claim with what the ledger knows around it.
#[derive(Clone, Copy, Debug)]
pub struct Case<'a> {
    /// Name of the claimed origin.
    pub origin: &'a str,
    /// Different origins of the library that were claimed for the lot.
    pub claims: usize,
    /// The claim stands before every record that shows a trace pattern of the lot, or of what it was made from.
    pub committed_first: bool,
    /// What the lot is, by the record that made it.
    pub material: MaterialClass,
    /// The assay that shows the pattern.
    pub assay: &'a Assay,
}

/// An answer in integers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Strength {
    /// The published likelihood ratio in thousandths: 50 (1:20) to 100,000 (100:1).
    pub ratio_milli: u32,
    /// Words for it.
    pub words: &'static str,
}

/// Whether an assay shows a trace pattern.
pub fn shows_pattern(assay: &Assay) -> bool {
    !assay.pattern.is_empty() || assay.spots.iter().any(|spot| !spot.pattern.is_empty())
}

/// The library of a version, from its parts in any order.
///
/// # Errors
/// [`FitError`].
pub fn library<'a>(
    matrix: &str,
    parts: impl Iterator<Item = &'a ReferencePart>,
) -> Result<Library, FitError> {
    let (mut references, mut background) = (Vec::new(), Vec::new());
    for part in parts {
        let side = if part.background { &mut background } else { &mut references };
        side.extend(part.analyses.iter().map(|analysis| Reference {
            origin: part.origin.clone(),
            sample: analysis.sample.clone(),
            campaign: part.campaign.clone(),
            pattern: pattern(&analysis.pattern),
        }));
        let found = references.len() + background.len();
        if found > MAX_ANALYSES {
            return Err(FitError::TooLarge { found });
        }
    }
    Library::fit(Substance::named(matrix), &references, &background)
}

/// A lot as assayed. A lot past refining carries no pattern of its ore, whatever the assay calls it.
pub fn lot(assay: &Assay, material: MaterialClass) -> Lot {
    let substance =
        past_refining(material).map_or_else(|| Substance::named(&assay.matrix), Substance::Refined);
    let main = (!assay.pattern.is_empty()).then_some((assay.sample.as_str(), &assay.pattern));
    let spots = assay.spots.iter().map(|spot| (spot.spot.as_str(), &spot.pattern));
    let report = |(name, values): (&str, &Vec<TraceValue>)| Report {
        spot: name.to_string(),
        scale: Scale::PPM,
        readings: readings(values)
            .map(|(element, reading)| (element.symbol().to_string(), reading))
            .collect(),
    };
    Lot {
        substance,
        campaign: assay.campaign.clone(),
        disturbed: assay.disturbed.iter().filter_map(|number| by_number(*number)).collect(),
        reports: main.into_iter().chain(spots).map(report).collect(),
    }
}

/// Judges a claim by what the ledger knows.
pub fn judge(library: &Library, calibration: &Calibration, case: &Case<'_>, policy: Policy) -> Outcome {
    let claim = Claim { origin: case.origin.to_string(), committed_before_assay: case.committed_first };
    let outcome = check(library, calibration, &lot(case.assay, case.material), &claim, policy);
    if case.claims < 2 { outcome } else { several(outcome, case.claims) }
}

/// An outcome of a lot for which several origins were claimed: whoever tries them all finds one that fits.
pub fn several(outcome: Outcome, found: usize) -> Outcome {
    let several = Reason::SeveralClaims { found };
    match outcome {
        Outcome::Assessed(_) => Outcome::NotAssessable(Vec::from([several])),
        Outcome::NotAssessable(mut reasons) => {
            reasons.push(several);
            Outcome::NotAssessable(reasons)
        }
    }
}

/// The ratio alone, in integers, without p-value or recalibration.
///
/// # Errors
/// Every reason why there is none.
pub fn strength(library: &Library, case: &Case<'_>) -> Result<Strength, Vec<Reason>> {
    let space = crate::contrast::Space::for_substance(library.substance());
    match judge(library, &Calibration::none(library, space), case, Policy::default()) {
        Outcome::NotAssessable(reasons) => Err(reasons),
        Outcome::Assessed(found) => Ok(Strength {
            ratio_milli: round(found.ratio.published() * 1000.0) as u32,
            words: found.ratio.words(),
        }),
    }
}

/// What refining left of a pattern: nothing, for everything past concentrate.
pub fn past_refining(material: MaterialClass) -> Option<Refined> {
    match material {
        MaterialClass::Unspecified
        | MaterialClass::Ore
        | MaterialClass::Concentrate
        | MaterialClass::Residue => None,
        MaterialClass::Intermediate => Some(Refined::Salt),
        MaterialClass::Scrap => Some(Refined::Recycled),
        MaterialClass::Metal
        | MaterialClass::SputteringTarget
        | MaterialClass::Component
        | MaterialClass::FinishedProduct => Some(Refined::Metal),
    }
}

/// The rare earths of a recorded pattern. Isotopes are passed over: the model is of elements.
pub fn pattern(values: &[TraceValue]) -> Pattern {
    readings(values).fold(Pattern::default(), |pattern, (element, reading)| pattern.with(element, reading))
}

fn readings(values: &[TraceValue]) -> impl Iterator<Item = (Element, Reading)> {
    values.iter().filter(|value| value.isotope == 0).filter_map(|value| {
        let amount = value.ppt as f64 / PPT;
        let reading = if value.below_detection {
            Reading::Below((value.ppt > 0).then_some(amount))
        } else {
            // Expanded uncertainty has k = 2.
            let rsd = (value.uncertainty_ppt > 0 && value.ppt > 0)
                .then(|| value.uncertainty_ppt as f64 / 2.0 / value.ppt as f64);
            Reading::Value { amount, rsd }
        };
        Some((by_number(value.element)?, reading))
    })
}

fn by_number(number: u32) -> Option<Element> {
    Element::all().find(|element| u32::from(element.atomic_number()) == number)
}

/// A pattern as a record states it: whole parts per trillion, expanded uncertainty (k = 2).
pub fn trace_values(pattern: &Pattern) -> Vec<TraceValue> {
    let ppt = |ppm: f64| round(ppm * PPT).clamp(1.0, 1e12) as u64;
    Element::all()
        .filter_map(|element| {
            let blank = TraceValue { element: element.atomic_number().into(), ..TraceValue::default() };
            Some(match pattern.reading(element) {
                Reading::Absent => return None,
                Reading::Below(limit) => {
                    TraceValue { below_detection: true, ppt: limit.map_or(0, ppt), ..blank }
                }
                Reading::Value { amount, rsd } => TraceValue {
                    ppt: ppt(amount),
                    uncertainty_ppt: rsd.map_or(0, |rsd| ppt(2.0 * rsd * amount)),
                    ..blank
                },
            })
        })
        .collect()
}

/// Elements by atomic number, for a record.
pub fn numbers(elements: ElementSet) -> Vec<u32> {
    elements.iter().map(|element| element.atomic_number().into()).collect()
}
