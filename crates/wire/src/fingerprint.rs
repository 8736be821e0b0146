//! The origin check between its protos and its domain: assays in, answers out.
//!
//! [`answer`] asks the whole question, for a node and for a desk without one alike.

pub mod answer;

use ore_fingerprint::{
    attribution::{Attribution, grain_share},
    blend::BlendAnswer,
    calibration::PValue,
    check::{
        Assessment, CampaignAllowance, Lot, LotPValue, MAX_SPOTS, MIN_ELEMENTS, Outcome, Reason, SetAside,
    },
    contrast::Space,
    element::{Element, ElementSet},
    library::Library,
    material::Substance,
    pattern::{BadPattern, Reading, Report, Scale},
    steps::{ChiSquare, StepAnswer},
};

use crate::v1;

/// Spots of an assay that is not in the ledger.
pub const MAX_REPORTS: usize = 1_000;
/// Readings of one spot.
const MAX_READINGS: usize = 80;
const _: () = assert!(MAX_REPORTS <= MAX_SPOTS, "what may be asked may be answered");

/// A p-value below this speaks against a step; the words say which.
const STEP_LEVEL: f64 = 0.05;

/// What is wrong with an assay that was given.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum BadAssay {
    /// Too long to be looked at.
    #[error("{found} {what}, at most {most} are looked at")]
    TooMany {
        /// "spots" or "readings".
        what: &'static str,
        /// Given.
        found: usize,
        /// Allowed.
        most: usize,
    },
    /// A spot's unit is not known.
    #[error("spot {spot:?}: {source}")]
    Unit {
        /// Which.
        spot: String,
        /// What is wrong with it.
        source: BadPattern,
    },
    /// No such element.
    #[error("{symbol:?} is no symbol of a rare earth from La to Lu")]
    Disturbed {
        /// As given.
        symbol: String,
    },
}

impl BadAssay {
    /// As a reason not to assess, in words.
    #[must_use]
    pub fn not_assessable(&self) -> v1::NotAssessable {
        v1::NotAssessable { reasons: vec![self.to_string()] }
    }
}

/// Reads an assay that is not in the ledger.
///
/// # Errors
/// [`BadAssay`], the first thing that is wrong.
pub fn lot(assay: &v1::TraceAssay) -> Result<Lot, BadAssay> {
    let bound =
        |what, found, most| if found > most { Err(BadAssay::TooMany { what, found, most }) } else { Ok(()) };
    bound("spots", assay.reports.len(), MAX_REPORTS)?;
    let mut reports = Vec::with_capacity(assay.reports.len());
    for report in &assay.reports {
        bound("readings of a spot", report.readings.len(), MAX_READINGS)?;
        let scale = Scale::from_unit(&report.unit)
            .map_err(|source| BadAssay::Unit { spot: short(&report.spot), source })?;
        let readings = report.readings.iter().map(|it| (it.element.clone(), reading(it))).collect();
        reports.push(Report { spot: short(&report.spot), scale, readings });
    }
    let disturbed = assay
        .disturbed
        .iter()
        .map(|symbol| Element::named(symbol).ok_or_else(|| BadAssay::Disturbed { symbol: short(symbol) }));
    let disturbed: ElementSet = disturbed.collect::<Result<Vec<_>, _>>()?.into_iter().collect();
    Ok(Lot {
        substance: Substance::named(&assay.matrix),
        campaign: assay.campaign.clone(),
        disturbed,
        reports,
    })
}

fn reading(it: &v1::TraceReading) -> Reading {
    let stated = |number: f64| (number != 0.0).then_some(number);
    if it.below_detection {
        Reading::Below(stated(it.amount))
    } else {
        Reading::Value { amount: it.amount, rsd: stated(it.relative_deviation) }
    }
}

fn short(text: &str) -> String {
    text.chars().take(96).collect()
}

/// A lot as an assay, the way back of [`lot`].
#[must_use]
pub fn assay(lot: &Lot) -> v1::TraceAssay {
    let matrix = match &lot.substance {
        Substance::Grains(mineral) => mineral.name().to_owned(),
        Substance::Bulk(mineral) => format!("bulk {}", mineral.name()),
        Substance::Refined(refined) => refined.name().to_owned(),
        Substance::Unknown(name) => name.clone(),
    };
    let unit = |scale: Scale| match scale {
        Scale::Normalised(normaliser) => normaliser.name().replace("CI chondrite, ", "CI "),
        Scale::MassFraction { ppm } if ppm > 1.0 => "wt%".to_owned(),
        Scale::MassFraction { ppm } if ppm < 1.0 => "ppb".to_owned(),
        Scale::MassFraction { .. } => "ppm".to_owned(),
    };
    let reading = |(element, reading): &(String, Reading)| {
        let blank = v1::TraceReading { element: element.clone(), ..v1::TraceReading::default() };
        match reading {
            Reading::Absent => None,
            Reading::Below(limit) => {
                Some(v1::TraceReading { amount: limit.unwrap_or(0.0), below_detection: true, ..blank })
            }
            Reading::Value { amount, rsd } => {
                Some(v1::TraceReading { amount: *amount, relative_deviation: rsd.unwrap_or(0.0), ..blank })
            }
        }
    };
    let report = |report: &Report| v1::TraceReport {
        spot: report.spot.clone(),
        unit: unit(report.scale),
        readings: report.readings.iter().filter_map(reading).collect(),
    };
    v1::TraceAssay {
        matrix,
        campaign: lot.campaign.clone(),
        disturbed: symbols(lot.disturbed),
        reports: lot.reports.iter().map(report).collect(),
    }
}

fn symbols(elements: ElementSet) -> Vec<String> {
    elements.iter().map(|element| element.symbol().to_owned()).collect()
}

/// Every reason, in words.
#[must_use]
pub fn not_assessable(reasons: &[Reason]) -> v1::NotAssessable {
    v1::NotAssessable { reasons: reasons.iter().map(ToString::to_string).collect() }
}

/// The result of a check. `lot` gives the grains for the share of the claimed origin.
#[must_use]
pub fn result(library: &Library, outcome: &Outcome, lot: &Lot) -> v1::origin_check_response::Result {
    match outcome {
        Outcome::NotAssessable(reasons) => {
            v1::origin_check_response::Result::NotAssessable(not_assessable(reasons))
        }
        Outcome::Assessed(found) => {
            v1::origin_check_response::Result::Assessed(evidence(library, found, lot))
        }
    }
}

fn evidence(library: &Library, found: &Assessment, lot: &Lot) -> v1::OriginEvidence {
    let (p_value, no_p_value, p_value_scores) = match found.p_value {
        LotPValue::Conformal(PValue::Value { p, scores }) => (Some(p), String::new(), scores),
        LotPValue::Conformal(PValue::InsufficientReference { samples, scores }) => (
            None,
            format!(
                "insufficient reference: {samples} samples and {scores} scores of the origin, 3 and 19 are needed"
            ),
            scores,
        ),
        LotPValue::OtherLaboratory => (None, "the calibration is of other laboratories".to_owned(), 0),
        LotPValue::OtherElements => (None, "no spot observed the elements of the calibration".to_owned(), 0),
    };
    v1::OriginEvidence {
        likelihood_ratio: found.ratio.published(),
        log10_likelihood_ratio: found.ratio.published().log10(),
        words: found.ratio.words().to_owned(),
        recalibrated_likelihood_ratio: found.recalibrated.map(|ratio| ratio.published()),
        p_value,
        no_p_value,
        p_value_scores: count(p_value_scores),
        resembles: Some(shares(library, &found.attribution)),
        compared: match found.space {
            Space::Log => "concentrations".to_owned(),
            Space::Shape => "shape".to_owned(),
        },
        laboratories: match found.campaign {
            CampaignAllowance::SameLaboratory => {
                "the claimed origin was measured by the lot's laboratory and method".to_owned()
            }
            CampaignAllowance::Measured { origins } => format!(
                "another laboratory than the reference's: widened by what laboratories differ on {origins} origins"
            ),
            CampaignAllowance::Assumed => {
                "another laboratory than the reference's: widened by an ASSUMED difference".to_owned()
            }
        },
        disturbed: symbols(found.disturbed),
        spots: count(found.spots),
        set_aside: found.set_aside.iter().map(set_aside).collect(),
        grain_share: share_of_grains(library, found, lot),
    }
}

fn set_aside((spot, why): &(String, SetAside)) -> v1::SpotSetAside {
    let reason = match why {
        SetAside::FewElements(found) => format!("only {found} rare earths observed"),
        SetAside::Implausible(steps) => {
            let each = steps.iter().map(|step| format!("{} by {:+.2}", step.element, step.ln_step));
            format!("out of line with its neighbours in ln units: {}", each.collect::<Vec<_>>().join(", "))
        }
    };
    v1::SpotSetAside { spot: spot.clone(), reason }
}

/// Of grains only: a bulk assay has no grains to count.
fn share_of_grains(library: &Library, found: &Assessment, lot: &Lot) -> Option<f64> {
    if !matches!(lot.substance, Substance::Grains(_)) || library.background_origins().is_empty() {
        return None;
    }
    let extra = library.extra_for(&lot.campaign);
    let aside = |name: &str| found.set_aside.iter().any(|(spot, _)| spot == name);
    let grains = lot.reports.iter().filter(|report| !aside(&report.spot));
    let (mut own, mut other) = (Vec::new(), Vec::new());
    for report in grains {
        let logs = report.pattern().ok()?.without(found.disturbed).logs();
        let scores = library.score(std::slice::from_ref(&logs), found.space, &extra);
        own.push(scores.origins[found.origin]);
        other.push(scores.ln_background());
    }
    grain_share(&own, &other)
}

/// Which origins a lot resembles.
#[must_use]
pub fn shares(library: &Library, found: &Attribution) -> v1::Resemblance {
    let name = |place: usize| library.origins().get(place).cloned().unwrap_or_default();
    v1::Resemblance {
        top: found
            .top
            .iter()
            .map(|(place, share)| v1::ResembledOrigin { origin: name(*place), share: *share })
            .collect(),
        background: found.background,
        abstains: found.abstains,
    }
}

/// What must be read beside every check.
#[must_use]
pub fn cautions(lot: &Lot, library: &v1::LibraryName) -> Vec<String> {
    let mut cautions = vec![
        "this is no probability that the claim is true, and no statement about who mined or how".to_owned(),
        "the alternative is the rest of this library, not the rest of the world".to_owned(),
    ];
    if library.synthetic {
        cautions.insert(0, "the library is SYNTHETIC: no place on earth has these patterns".to_owned());
    }
    if matches!(lot.substance, Substance::Bulk(_)) {
        cautions.push("a bulk assay does not show a blend below about half".to_owned());
    }
    cautions
}

/// The answer to a step.
#[must_use]
pub fn step(answer: &StepAnswer) -> v1::origin_step_response::Result {
    use v1::origin_step_response::Result;
    match answer {
        StepAnswer::Tested(found) => Result::Tested(chi_square(found)),
        StepAnswer::PatternReset(refined) => Result::PatternReset(format!(
            "{} carries the pattern of its reagents, not of its ore: only the element budget can be compared",
            refined.name()
        )),
        StepAnswer::TooFewElements { shared, needed } => Result::NotAssessable(v1::NotAssessable {
            reasons: vec![format!("{shared} rare earths measured on both sides, {needed} are needed")],
        }),
    }
}

/// The answer to a blend.
#[must_use]
pub fn blend(answer: &BlendAnswer) -> v1::origin_step_response::Result {
    use v1::origin_step_response::Result;
    match answer {
        BlendAnswer::Tested { as_declared, best_shares, at_best } => Result::Blend(v1::BlendEvidence {
            as_declared: Some(chi_square(as_declared)),
            best_shares: best_shares.clone(),
            at_best: at_best.as_ref().map(chi_square),
        }),
        BlendAnswer::NotResolvable { inputs, elements } => Result::NotAssessable(v1::NotAssessable {
            reasons: vec![format!(
                "{inputs} inputs with masses and {elements} rare earths measured in all of them: at least one \
                 input, at most 13, no more inputs than elements, and every mass above zero are needed"
            )],
        }),
    }
}

fn chi_square(found: &ChiSquare) -> v1::StepEvidence {
    let words = if found.p < STEP_LEVEL {
        "differs from what was declared"
    } else {
        "consistent with what was declared"
    };
    v1::StepEvidence {
        chi_square: found.value,
        degrees: count(found.degrees),
        p_value: found.p,
        words: words.to_owned(),
    }
}

fn count(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

/// The elements that every spot observed and that mineral and method leave; all that these leave when too few
/// are common for a p-value.
#[must_use]
pub fn left_by(library: &Library, lot: &Lot) -> ElementSet {
    let mask = library.substance().mineral().map_or(ElementSet::NONE, |mineral| mineral.disturbed());
    let mask = lot.disturbed.iter().fold(mask, ElementSet::with);
    let left: ElementSet = ElementSet::ALL.iter().filter(|element| !mask.has(*element)).collect();
    let observed = lot.reports.iter().filter_map(|report| report.pattern().ok()).map(|it| it.observed());
    let common = observed.fold(left, ElementSet::and);
    if common.len() >= MIN_ELEMENTS { common } else { left }
}
