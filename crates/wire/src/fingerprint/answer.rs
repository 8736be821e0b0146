//! Whole answers: a library and a lot in, an answer with cautions and pictures out.
//!
//! A node and a laboratory's desk without one use the same code, so that they cannot differ.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, PoisonError},
};

use ore_fingerprint::{
    attribution::attribute as resembles,
    blend::{self, Part},
    calibration::Calibration,
    check::{Claim, Lot, Outcome, Policy, check},
    contrast::Space,
    element::{Element, ElementSet},
    ledger,
    library::{FitError, Library},
    material::{Refined, Substance},
    pattern::{Logs, Pattern, Reading},
    plot::{SpiderPlot, map_of},
    steps::{StepKind, test_step},
    synthetic::{self, SHIPPED, SHIPPED_SEED},
};

use ore_record::v1::{ReferenceAnalysis, ReferencePart};

use super::{blend as blended, cautions, left_by, not_assessable, result, shares, step as tested};
use crate::v1;

/// Relative standard deviation of a mass that states none: half a percent, a weighbridge's.
const ASSUMED_MASS_RSD: f64 = 0.005;

/// Name of the library that the program ships.
pub const SYNTHETIC: &str = "synthetic";

/// The mineral that the synthetic library plays.
pub const SYNTHETIC_MATRIX: &str = "scheelite";

/// Calibrations that a library keeps: one for each set of elements that methods leave.
const KEPT_CALIBRATIONS: usize = 8;

/// A fitted library with its name, and the calibrations that were asked for so far.
#[derive(Debug)]
pub struct Fitted {
    /// Its distributions.
    pub library: Library,
    /// For answers.
    pub name: v1::LibraryName,
    calibrations: Mutex<VecDeque<Arc<Calibration>>>,
}

impl Fitted {
    /// The synthetic library that the program ships.
    ///
    /// # Panics
    /// Never: a test fits it.
    #[must_use]
    pub fn synthetic() -> Self {
        let (references, background) = synthetic::library(SHIPPED_SEED, SHIPPED);
        let library = Library::fit(Substance::named(SYNTHETIC_MATRIX), &references, &background)
            .expect("the shipped library fits: a test does it");
        Self::new(library, synthetic_name())
    }

    /// Of published parts.
    ///
    /// # Errors
    /// [`FitError`].
    pub fn published<'a>(
        name: v1::LibraryName,
        parts: impl Iterator<Item = &'a ReferencePart>,
    ) -> Result<Self, FitError> {
        Ok(Self::new(ledger::library(&name.matrix, parts)?, name))
    }

    /// Of distributions that were fitted.
    #[must_use]
    pub const fn new(library: Library, name: v1::LibraryName) -> Self {
        Self { library, name, calibrations: Mutex::new(VecDeque::new()) }
    }

    /// The calibration for what a lot's method leaves. Fitted once: it takes a fit per reference sample.
    #[must_use]
    pub fn calibration(&self, lot: &Lot) -> Arc<Calibration> {
        let observed = left_by(&self.library, lot);
        let kept = || self.calibrations.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = kept().iter().find(|it| it.observed() == observed) {
            return Arc::clone(known);
        }
        let space = Space::for_substance(self.library.substance());
        let fitted = Arc::new(Calibration::fit(&self.library, space, observed));
        let mut kept = kept();
        if kept.len() >= KEPT_CALIBRATIONS {
            kept.pop_front();
        }
        kept.push_back(Arc::clone(&fitted));
        fitted
    }
}

/// Name of the library that the program ships.
#[must_use]
pub fn synthetic_name() -> v1::LibraryName {
    v1::LibraryName {
        library: SYNTHETIC.to_owned(),
        version: 1,
        matrix: SYNTHETIC_MATRIX.to_owned(),
        synthetic: true,
        ..v1::LibraryName::default()
    }
}

/// What is asked about a lot.
#[derive(Clone, Debug)]
pub struct Question<'a> {
    /// The lot as assayed.
    pub lot: &'a Lot,
    /// Name of the claimed origin.
    pub origin: &'a str,
    /// On what the order of claim and assay rests.
    pub commitment: v1::CommitmentBasis,
    /// Different origins that were claimed for the lot; 1 for an assay that is not in the ledger.
    pub claims: usize,
    /// What the asker accepts.
    pub policy: Policy,
    /// Whether to draw, and how the map is made.
    pub pictures: Option<Map>,
}

/// How a map is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Map {
    /// Discriminant axes.
    Discriminant,
    /// A seeded embedding.
    Embedding,
}

impl Map {
    /// As a request states it.
    #[must_use]
    pub const fn asked(pictures: bool, embedding: bool) -> Option<Self> {
        match (pictures, embedding) {
            (false, _) => None,
            (true, false) => Some(Self::Discriminant),
            (true, true) => Some(Self::Embedding),
        }
    }
}

/// Is the lot consistent with the claimed origin?
#[must_use]
pub fn check_lot(fitted: &Fitted, question: &Question<'_>) -> v1::OriginCheckResponse {
    let Fitted { library, name, .. } = fitted;
    let lot = question.lot;
    let committed = matches!(question.commitment, v1::CommitmentBasis::Ledger | v1::CommitmentBasis::Stated);
    let claim = Claim { origin: question.origin.to_owned(), committed_before_assay: committed };
    let mut outcome = check(library, &fitted.calibration(lot), lot, &claim, question.policy);
    if question.claims > 1 {
        outcome = ledger::several(outcome, question.claims);
    }
    let (spider_svg, map_svg) = match question.pictures {
        None => (String::new(), String::new()),
        Some(map) => pictures(library, lot, question.origin, &outcome, map),
    };
    let mut cautions = cautions(lot, name);
    if question.commitment == v1::CommitmentBasis::Stated {
        cautions.push("that the claim came first was stated by the asker, and not checked".to_owned());
    }
    v1::OriginCheckResponse {
        origin: question.origin.to_owned(),
        library: Some(name.clone()),
        commitment: question.commitment.into(),
        claims: question.claims as u32,
        result: Some(result(library, &outcome, lot)),
        cautions,
        spider_svg,
        map_svg,
        ..v1::OriginCheckResponse::default()
    }
}

/// What can be drawn although it may not be assessable: a picture is no evidence.
fn pictures(library: &Library, lot: &Lot, origin: &str, outcome: &Outcome, map: Map) -> (String, String) {
    let patterns: Vec<Pattern> = lot.reports.iter().filter_map(|report| report.pattern().ok()).collect();
    let logs: Vec<Logs> = patterns.iter().map(Pattern::logs).collect();
    let claimed = library.find(origin);
    let top: Vec<usize> = match outcome {
        Outcome::Assessed(found) => found.attribution.top.iter().map(|(place, _)| *place).collect(),
        Outcome::NotAssessable(_) => Vec::new(),
    };
    let spider = match claimed {
        Some(origin) if !patterns.is_empty() => SpiderPlot { library, origin, lot: &patterns }.svg(),
        _ => String::new(),
    };
    let space = Space::for_substance(library.substance());
    let map = map_of(library, space, &logs, claimed, &top, map == Map::Embedding);
    (spider, map.unwrap_or_default())
}

/// Which origins does the lot resemble?
#[must_use]
pub fn attribute_lot(fitted: &Fitted, lot: &Lot, map: Option<Map>) -> v1::OriginAttributeResponse {
    use v1::origin_attribute_response::Result;
    let Fitted { library, name, .. } = fitted;
    let mut cautions = cautions(lot, name);
    cautions.push("whoever has seen this answer can no longer commit a claim for the lot".to_owned());
    let calibration = fitted.calibration(lot);
    // Every reason but those about a claim, which nobody makes here.
    let usable = ore_fingerprint::check::usable(library, lot);
    let (result, map_svg) = match usable {
        Err(reasons) => (Result::NotAssessable(not_assessable(&reasons)), String::new()),
        Ok(logs) => {
            let space = Space::for_substance(library.substance());
            let scores = library.score(&logs, space, &library.extra_for(&lot.campaign));
            let found = resembles(&scores, calibration.temperature());
            let top: Vec<usize> = found.top.iter().map(|(place, _)| *place).collect();
            let svg = map.and_then(|map| map_of(library, space, &logs, None, &top, map == Map::Embedding));
            (Result::Resembles(shares(library, &found)), svg.unwrap_or_default())
        }
    };
    v1::OriginAttributeResponse {
        library: Some(name.clone()),
        result: Some(result),
        cautions,
        map_svg,
        ..v1::OriginAttributeResponse::default()
    }
}

/// One side of a step.
#[derive(Clone, Debug)]
pub struct Side {
    /// As assayed.
    pub lot: Lot,
    /// Dry mass in kilograms, of a blend.
    pub mass_kg: f64,
    /// One standard deviation divided by the mass; 0: assumed.
    pub mass_rsd: f64,
}

/// Are both sides of a step of one material? The library is asked for only where samples differ.
#[must_use]
pub fn step_lots(
    kind: v1::OriginStepKind,
    before: &[Side],
    after: &Side,
    library: Option<&Library>,
) -> v1::OriginStepResponse {
    use v1::{OriginStepKind as Kind, origin_step_response::Result};
    let answer = |result| v1::OriginStepResponse {
        kind: kind.into(),
        result: Some(result),
        cautions: vec![
            "readings without a stated uncertainty count as 5 %".to_owned(),
            "consistent means not shown to differ; it is no proof of one material".to_owned(),
        ],
        ..v1::OriginStepResponse::default()
    };
    let refused = |reason: String| answer(Result::NotAssessable(v1::NotAssessable { reasons: vec![reason] }));
    let reset = before.iter().chain([after]).find_map(|side| match &side.lot.substance {
        Substance::Refined(refined) => Some(*refined),
        _ => None,
    });
    if let Some(refined) = reset.or((kind == Kind::Refining).then_some(Refined::Salt)) {
        let reset = StepKind::Refining(refined);
        return answer(tested(&test_step(&Pattern::default(), &Pattern::default(), &reset)));
    }
    let mut parts = Vec::with_capacity(before.len() + 1);
    for side in before.iter().chain([after]) {
        match mean(&side.lot) {
            Ok(pattern) => parts.push(Part {
                pattern,
                mass_kg: side.mass_kg,
                mass_rsd: if side.mass_rsd > 0.0 { side.mass_rsd } else { ASSUMED_MASS_RSD },
            }),
            Err(reason) => return refused(reason),
        }
    }
    let Some((out, ins)) = parts.split_last() else { return refused("no assay is given".to_owned()) };
    let kind = match kind {
        Kind::Blend => return answer(blended(&blend::test_blend(ins, out))),
        Kind::SameMaterial => StepKind::SameMaterial,
        Kind::SmoothPartition => StepKind::SmoothPartition,
        Kind::DifferentSamples => match library {
            Some(library) => StepKind::DifferentSamples {
                scatter: Box::new(library.sample_scatter()),
                spots: (spots(before), after.lot.reports.len()),
            },
            None => {
                return refused("different samples need a library that says how samples differ".to_owned());
            }
        },
        Kind::Refining | Kind::Unspecified => {
            return refused("it is not stated what happened between the assays".to_owned());
        }
    };
    match ins {
        [one] => answer(tested(&test_step(&one.pattern, &out.pattern, &kind))),
        _ => refused(format!("{} assays before the step, a step of this kind has one", ins.len())),
    }
}

fn spots(before: &[Side]) -> usize {
    before.first().map_or(1, |side| side.lot.reports.len())
}

/// Geometric mean of the spots per element, over the elements that all spots observed and nothing disturbs.
fn mean(lot: &Lot) -> Result<Pattern, String> {
    if lot.reports.is_empty() {
        return Err("an assay has no analysis".to_owned());
    }
    let read = |report: &ore_fingerprint::pattern::Report| {
        report.pattern().map_err(|error| format!("spot {:?}: {error}", report.spot))
    };
    let patterns: Vec<Pattern> = lot.reports.iter().map(read).collect::<Result<_, _>>()?;
    let mask = lot.substance.mineral().map_or(ElementSet::NONE, |mineral| mineral.disturbed());
    let mask = lot.disturbed.iter().fold(mask, ElementSet::with);
    let count = patterns.len() as f64;
    let of = |element: Element| {
        let values: Option<Vec<f64>> = patterns.iter().map(|pattern| pattern.ppm(element)).collect();
        let ln: f64 = values?.iter().map(|ppm| ppm.ln()).sum();
        let rsd: Option<Vec<f64>> = patterns.iter().map(|pattern| pattern.rsd(element)).collect();
        // Independent readings; a session's common error is in the assumed five percent.
        let rsd = rsd.map(|rsd| (rsd.iter().map(|it| it * it).sum::<f64>()).sqrt() / count);
        Some(Reading::Value { amount: (ln / count).exp(), rsd })
    };
    let elements = Element::all().filter(|element| !mask.has(*element));
    Ok(elements.fold(Pattern::default(), |pattern, element| match of(element) {
        Some(reading) => pattern.with(element, reading),
        None => pattern,
    }))
}

/// What a library holds, for lists; `parts` in any order.
#[must_use]
pub fn parts_of<'a>(
    parts: impl Iterator<Item = (&'a ReferencePart, Vec<u8>)>,
) -> (v1::LibrarySummary, Vec<v1::LibraryPart>) {
    let mut summary = v1::LibrarySummary::default();
    let (mut claimed, mut background) =
        (std::collections::BTreeSet::new(), std::collections::BTreeSet::new());
    let mut listed = Vec::new();
    for (part, record) in parts {
        let side = if part.background { &mut background } else { &mut claimed };
        side.insert(part.origin.clone());
        summary.analyses += part.analyses.len() as u32;
        let samples: std::collections::BTreeSet<&str> =
            part.analyses.iter().map(|analysis| analysis.sample.as_str()).collect();
        listed.push(v1::LibraryPart {
            origin: part.origin.clone(),
            background: part.background,
            campaign: part.campaign.clone(),
            provenance: part.provenance.clone(),
            analyses: part.analyses.len() as u32,
            samples: samples.len() as u32,
            record: record.into(),
        });
    }
    summary.origins = claimed.len() as u32;
    summary.background_origins = background.len() as u32;
    listed.sort_by(|a, b| (&a.origin, &a.campaign).cmp(&(&b.origin, &b.campaign)));
    (summary, listed)
}

/// The shipped library as parts, as a member would publish it.
#[must_use]
pub fn synthetic_parts() -> Vec<ReferencePart> {
    let (references, background) = synthetic::library(SHIPPED_SEED, SHIPPED);
    let mut parts = Vec::new();
    for (side, background) in [(&references, false), (&background, true)] {
        for group in side.chunk_by(|a, b| a.origin == b.origin && a.campaign == b.campaign) {
            parts.push(ReferencePart {
                library: SYNTHETIC.to_owned(),
                matrix: SYNTHETIC_MATRIX.to_owned(),
                origin: group[0].origin.clone(),
                background,
                campaign: group[0].campaign.clone(),
                provenance: "synthetic, of no place on earth".to_owned(),
                analyses: group.iter().map(analysis).collect(),
                synthetic: true,
            });
        }
    }
    parts
}

fn analysis(reference: &ore_fingerprint::library::Reference) -> ReferenceAnalysis {
    ReferenceAnalysis {
        sample: reference.sample.clone(),
        spot: String::new(),
        pattern: ledger::trace_values(&reference.pattern),
    }
}
