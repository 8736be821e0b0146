//! The question as people ask it: is this lot consistent with the claimed origin?
//!
//! "Not assessable" is an answer of its own, with every reason at once. It is never a pass, and no reason is
//! ever turned into a number.

use alloc::{string::String, vec::Vec};

use crate::{
    attribution::{Attribution, attribute},
    calibration::{Calibration, PValue},
    contrast::Space,
    element::ElementSet,
    evidence::{BACKGROUND_WEIGHT, Ratio, ratio},
    library::{Extra, Library},
    material::{Refined, Substance},
    pattern::{BadPattern, Logs, Pattern, Report, Scale},
    quality::{Step, implausible_steps},
};

/// Fewer observed elements carry no shape (README, "What it does not claim").
pub const MIN_ELEMENTS: usize = 6;

/// Fewer reference samples describe no origin.
pub const MIN_REFERENCE_SAMPLES: usize = 3;

/// Grains of one lot vary; one spot says nothing of the lot.
pub const MIN_SPOTS: usize = 2;

/// More spots than this are refused, not sampled.
pub const MAX_SPOTS: usize = 10_000;

/// When more than this share of spots is implausible, the fault is the table's and not the grain's.
pub const GREATEST_IMPLAUSIBLE_SHARE: f64 = 0.25;

/// ln 100: a mean level further from the whole library looks like a wrong unit (ppb for ppm is ln 1000).
const GREATEST_LEVEL_GAP: f64 = 4.605_170_185_988_092;

/// A lot as assayed.
#[derive(Clone, Debug, PartialEq)]
pub struct Lot {
    /// What was analysed.
    pub substance: Substance,
    /// Laboratory and method, written as in the library.
    pub campaign: String,
    /// Elements that the method disturbs, besides those of the mineral itself.
    pub disturbed: ElementSet,
    /// The analyses.
    pub reports: Vec<Report>,
}

/// A claimed origin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claim {
    /// Name of the origin, as in the library.
    pub origin: String,
    /// The claim was committed before the assay was revealed. Without it 68 % of foreign lots find some
    /// origin with a ratio above 10.
    pub committed_before_assay: bool,
}

/// What the asker accepts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Policy {
    /// Take the assumed covariance between laboratories when the library cannot measure it.
    pub accept_assumed_campaign_covariance: bool,
}

/// The answer.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    /// Evidence with its strength.
    Assessed(Assessment),
    /// No evidence, and all reasons why. Not a pass.
    NotAssessable(Vec<Reason>),
}

/// Why a lot cannot be assessed.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum Reason {
    /// Whoever sees the assay first can choose the claim that fits.
    #[error("the claim was not committed before the assay was revealed")]
    ClaimNotCommittedFirst,
    /// Whoever claims several origins finds one that fits.
    #[error("{found} different origins were claimed for the lot")]
    SeveralClaims {
        /// Origins of the library that were claimed.
        found: usize,
    },
    /// The mineral's name means nothing to us.
    #[error("mineral {named:?} is not known")]
    UnknownMineral {
        /// As reported.
        named: String,
    },
    /// Chemistry erased the pattern of the ore.
    #[error("{} carries the pattern of its reagents, not of its ore", .0.name())]
    PatternReset(Refined),
    /// The library is of another mineral or fraction.
    #[error("the lot is {lot}, the library is of {library}")]
    OtherMaterial {
        /// What was assayed.
        lot: Substance,
        /// What the library holds.
        library: Substance,
    },
    /// The library does not know the claimed origin.
    #[error("origin {origin:?} is not in the library")]
    UnknownOrigin {
        /// As claimed.
        origin: String,
    },
    /// Too few samples of the claimed origin.
    #[error("the claimed origin has {found} reference samples, {needed} are needed")]
    FewReferenceSamples {
        /// In the library.
        found: usize,
        /// At least.
        needed: usize,
    },
    /// The origin was measured by other laboratories only, and the library cannot say how these differ.
    #[error(
        "the origin was not measured by {campaign:?}, and the library cannot say how laboratories differ"
    )]
    OtherLaboratory {
        /// Laboratory and method of the lot.
        campaign: String,
    },
    /// Nothing was assayed.
    #[error("the lot has no analysis")]
    NoAnalysis,
    /// More spots than are looked at.
    #[error("{found} spots, at most {MAX_SPOTS} are assessed")]
    TooManySpots {
        /// Given.
        found: usize,
    },
    /// Values divided by different chondrites, or only some divided.
    #[error("the spots are normalised differently; report all in one unit or to one chondrite")]
    MixedNormalisers,
    /// A spot's numbers cannot be read.
    #[error("spot {spot:?}: {source}")]
    BadReport {
        /// Which.
        spot: String,
        /// What is wrong with it.
        source: BadPattern,
    },
    /// After masks, too few elements are left in every spot.
    #[error(
        "{observed} rare earths observed, {needed} are needed (disturbed by the method: {disturbed} of them)"
    )]
    TooFewElements {
        /// In the best spot.
        observed: usize,
        /// At least.
        needed: usize,
        /// Values of that spot that were set aside because the method or mineral disturbs them.
        disturbed: usize,
    },
    /// Too many spots with steps that chemistry does not make.
    #[error("{spots} of {of} spots have implausible patterns: columns or units may be mixed up")]
    ImplausiblePattern {
        /// Implausible ones.
        spots: usize,
        /// All that were looked at.
        of: usize,
    },
    /// The level is far from everything in the library.
    #[error("concentrations are {factor:.0e} times those of the library: wrong unit?")]
    ImplausibleLevel {
        /// Mean ratio to the library.
        factor: f64,
    },
    /// One spot does not describe a lot of grains.
    #[error("{found} usable spot, {MIN_SPOTS} are needed to speak of a lot")]
    OneSpotOnly {
        /// Usable spots.
        found: usize,
    },
}

/// Why a spot was set aside while others were assessed.
#[derive(Clone, Debug, PartialEq)]
pub enum SetAside {
    /// Steps between neighbours that chemistry does not make.
    Implausible(Vec<Step>),
    /// Too few elements.
    FewElements(usize),
}

/// How laboratories were allowed for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CampaignAllowance {
    /// The claimed origin was measured by the lot's laboratory and method.
    SameLaboratory,
    /// Widened by Λ, measured on so many origins.
    Measured {
        /// Origins with two or more laboratories.
        origins: usize,
    },
    /// Widened by an assumed Λ, because the asker accepted it.
    Assumed,
}

/// Evidence about one claim. Not a probability that the claim is true.
#[derive(Clone, Debug, PartialEq)]
pub struct Assessment {
    /// Position of the claimed origin in the library.
    pub origin: usize,
    /// What was compared.
    pub space: Space,
    /// More or less probable than from elsewhere in this library; publish [`Ratio::published`].
    pub ratio: Ratio,
    /// The same through the library's recalibration, when it is large enough for one.
    pub recalibrated: Option<Ratio>,
    /// How odd for the claimed origin. Read beside the ratio, which says whether odder than elsewhere.
    pub p_value: LotPValue,
    /// Which known origins the lot resembles.
    pub attribution: Attribution,
    /// How laboratories were allowed for.
    pub campaign: CampaignAllowance,
    /// Elements left out because mineral or method disturb them.
    pub disturbed: ElementSet,
    /// Spots assessed.
    pub spots: usize,
    /// Spots set aside, by name.
    pub set_aside: Vec<(String, SetAside)>,
    /// A bulk assay: blending of less than about half cannot be seen in it.
    pub blending_not_testable: bool,
}

/// A lot's p-value, or why there is none.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum LotPValue {
    /// From unseen samples of the origin, or too few of them.
    Conformal(PValue),
    /// The calibration is of other laboratories.
    OtherLaboratory,
    /// No spot observed the elements that the calibration observed.
    OtherElements,
}

struct Usable {
    names: Vec<String>,
    logs: Vec<Logs>,
    set_aside: Vec<(String, SetAside)>,
    disturbed: ElementSet,
}

/// Assesses one claim. The calibration must be of the same library.
pub fn check(
    library: &Library,
    calibration: &Calibration,
    lot: &Lot,
    claim: &Claim,
    policy: Policy,
) -> Outcome {
    let mut reasons = Vec::new();
    if !claim.committed_before_assay {
        reasons.push(Reason::ClaimNotCommittedFirst);
    }
    reasons.extend(about_substance(&lot.substance, library.substance()));
    let origin = library.find(&claim.origin);
    match origin {
        None => reasons.push(Reason::UnknownOrigin { origin: claim.origin.clone() }),
        Some(origin) => reasons.extend(about_reference(library, origin, lot, policy)),
    }
    let usable = usable_spots(library, lot, &mut reasons);
    match (origin, usable) {
        (Some(origin), Some(usable)) if reasons.is_empty() => {
            Outcome::Assessed(assess(library, calibration, lot, origin, usable))
        }
        _ => Outcome::NotAssessable(reasons),
    }
}

/// The logarithms of a lot that may be compared with a library, when no origin is claimed.
///
/// # Errors
/// Every reason why there are none.
pub fn usable(library: &Library, lot: &Lot) -> Result<Vec<Logs>, Vec<Reason>> {
    let mut reasons: Vec<Reason> = about_substance(&lot.substance, library.substance()).into_iter().collect();
    match usable_spots(library, lot, &mut reasons) {
        Some(usable) if reasons.is_empty() => Ok(usable.logs),
        _ => Err(reasons),
    }
}

impl Space {
    /// Concentrations for grains of one mineral, shape where dilution differs (README, formula 1).
    pub fn for_substance(substance: &Substance) -> Self {
        match substance {
            Substance::Grains(_) => Self::Log,
            Substance::Bulk(_) | Substance::Refined(_) | Substance::Unknown(_) => Self::Shape,
        }
    }
}

fn about_substance(lot: &Substance, library: &Substance) -> Option<Reason> {
    match lot {
        Substance::Unknown(named) => Some(Reason::UnknownMineral { named: named.clone() }),
        Substance::Refined(refined) => Some(Reason::PatternReset(*refined)),
        same if same == library => None,
        _ => Some(Reason::OtherMaterial { lot: lot.clone(), library: library.clone() }),
    }
}

fn about_reference(library: &Library, origin: usize, lot: &Lot, policy: Policy) -> Vec<Reason> {
    let mut reasons = Vec::new();
    let found = library.origin(origin).map_or(0, |origin| origin.samples);
    if found < MIN_REFERENCE_SAMPLES {
        reasons.push(Reason::FewReferenceSamples { found, needed: MIN_REFERENCE_SAMPLES });
    }
    let foreign = !library.was_measured_by(origin, &lot.campaign);
    let assumed = library.campaign_covariance(Some(origin)).origins == 0;
    if foreign && assumed && !policy.accept_assumed_campaign_covariance {
        reasons.push(Reason::OtherLaboratory { campaign: lot.campaign.clone() });
    }
    reasons
}

/// Patterns that may be scored; whatever forbids that is pushed to the reasons.
fn usable_spots(library: &Library, lot: &Lot, reasons: &mut Vec<Reason>) -> Option<Usable> {
    if lot.reports.is_empty() {
        reasons.push(Reason::NoAnalysis);
        return None;
    }
    if lot.reports.len() > MAX_SPOTS {
        reasons.push(Reason::TooManySpots { found: lot.reports.len() });
        return None;
    }
    if mixed(&lot.reports) {
        reasons.push(Reason::MixedNormalisers);
        return None;
    }
    let mask = lot.substance.mineral().map_or(ElementSet::NONE, |mineral| mineral.disturbed());
    let disturbed = lot.disturbed.iter().fold(mask, ElementSet::with);
    let mut patterns = Vec::new();
    for report in &lot.reports {
        match report.pattern() {
            Ok(pattern) => patterns.push((report.spot.clone(), pattern)),
            Err(source) => reasons.push(Reason::BadReport { spot: report.spot.clone(), source }),
        }
    }
    if patterns.len() < lot.reports.len() {
        return None;
    }
    let usable = sort_out(patterns, disturbed, reasons)?;
    about_level(library, lot, &usable.logs, reasons);
    let single = usable.logs.len() < MIN_SPOTS && matches!(lot.substance, Substance::Grains(_));
    if single {
        reasons.push(Reason::OneSpotOnly { found: usable.logs.len() });
    }
    Some(usable)
}

fn mixed(reports: &[Report]) -> bool {
    let normaliser = |report: &Report| match report.scale {
        Scale::Normalised(normaliser) => Some(normaliser),
        Scale::MassFraction { .. } => None,
    };
    let mut all = reports.iter().map(normaliser);
    let first = all.next().flatten();
    all.any(|other| other != first)
}

fn sort_out(
    patterns: Vec<(String, Pattern)>,
    disturbed: ElementSet,
    reasons: &mut Vec<Reason>,
) -> Option<Usable> {
    let of = patterns.len();
    let mut usable = Usable { names: Vec::new(), logs: Vec::new(), set_aside: Vec::new(), disturbed };
    let (mut implausible, mut most, mut most_disturbed) = (0, 0, 0);
    for (name, pattern) in patterns {
        let logs = pattern.without(disturbed).logs();
        let steps = implausible_steps(&logs);
        if logs.observed().len() < MIN_ELEMENTS {
            if logs.observed().len() >= most {
                most = logs.observed().len();
                most_disturbed = pattern.observed().and(disturbed).len();
            }
            usable.set_aside.push((name, SetAside::FewElements(logs.observed().len())));
        } else if !steps.is_empty() {
            implausible += 1;
            usable.set_aside.push((name, SetAside::Implausible(steps)));
        } else {
            usable.names.push(name);
            usable.logs.push(logs);
        }
    }
    if implausible as f64 > GREATEST_IMPLAUSIBLE_SHARE * of as f64 {
        reasons.push(Reason::ImplausiblePattern { spots: implausible, of });
        return None;
    }
    if usable.logs.is_empty() {
        let reason =
            Reason::TooFewElements { observed: most, needed: MIN_ELEMENTS, disturbed: most_disturbed };
        reasons.push(reason);
        return None;
    }
    Some(usable)
}

/// Only grains: a bulk sample may be diluted by anything.
fn about_level(library: &Library, lot: &Lot, spots: &[Logs], reasons: &mut Vec<Reason>) {
    if !matches!(lot.substance, Substance::Grains(_)) || lot.substance != *library.substance() {
        return;
    }
    let mut gap = 0.0;
    for logs in spots {
        let own: f64 = logs.observed().iter().filter_map(|element| logs.get(element)).sum();
        let reference: f64 = logs.observed().iter().map(|element| library.mean_log(element)).sum();
        gap += (own - reference) / (logs.observed().len().max(1) * spots.len()) as f64;
    }
    if f64::abs(gap) > GREATEST_LEVEL_GAP {
        reasons.push(Reason::ImplausibleLevel { factor: libm::exp(gap) });
    }
}

fn assess(
    library: &Library,
    calibration: &Calibration,
    lot: &Lot,
    origin: usize,
    usable: Usable,
) -> Assessment {
    let space = Space::for_substance(&lot.substance);
    let (campaign, extra) = if library.was_measured_by(origin, &lot.campaign) {
        (CampaignAllowance::SameLaboratory, library.extra_for(&lot.campaign))
    } else {
        match library.campaign_covariance(Some(origin)).origins {
            0 => (CampaignAllowance::Assumed, library.extra_for(&lot.campaign)),
            origins => (CampaignAllowance::Measured { origins }, library.extra_for(&lot.campaign)),
        }
    };
    let scores = library.score(&usable.logs, space, &extra);
    let ratio = ratio(&scores, origin, BACKGROUND_WEIGHT);
    Assessment {
        origin,
        space,
        ratio,
        recalibrated: calibration
            .recalibration()
            .filter(|_| calibration.space() == space)
            .map(|line| line.apply(ratio)),
        p_value: lot_p_value(library, calibration, origin, space, campaign, &usable.logs),
        attribution: attribute(&scores, calibration.temperature()),
        campaign,
        disturbed: usable.disturbed,
        spots: usable.names.len(),
        set_aside: usable.set_aside,
        blending_not_testable: matches!(lot.substance, Substance::Bulk(_)),
    }
}

fn lot_p_value(
    library: &Library,
    calibration: &Calibration,
    origin: usize,
    space: Space,
    campaign: CampaignAllowance,
    spots: &[Logs],
) -> LotPValue {
    if campaign != CampaignAllowance::SameLaboratory {
        return LotPValue::OtherLaboratory;
    }
    // What a spot observed beside the calibration's elements is left out of the p-value.
    let elements = calibration.observed();
    let holds = |logs: &&Logs| logs.observed().and(elements) == elements && calibration.space() == space;
    let score = |logs: &Logs| {
        let logs = logs.only(elements);
        library.score(core::slice::from_ref(&logs), space, &Extra::NONE).origins[origin]
    };
    let scores: Vec<f64> = spots.iter().filter(holds).map(score).collect();
    if scores.is_empty() {
        return LotPValue::OtherElements;
    }
    LotPValue::Conformal(calibration.lot_p_value(origin, &scores))
}
