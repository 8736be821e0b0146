//! What a library says of samples that it has not seen: leave-one-sample-out scores, and what follows
//! from them (p-values, temperature, recalibration).

use alloc::vec::Vec;

use libm::{exp, log};

use crate::{
    contrast::Space,
    element::ElementSet,
    evidence::{BACKGROUND_WEIGHT, Recalibration, Trial, ratio},
    library::{Extra, Library, Scores},
    pattern::Logs,
    special::ln_sum_exp,
};

/// A p-value needs this many reference samples (README, formula 7).
pub const MIN_SAMPLES: usize = 3;

/// With fewer scores than this a p-value cannot reach 0.05: (0 + 1)/(19 + 1).
pub const MIN_SCORES: usize = 19;

/// Temperature when the library is too small to choose one: the benchmark's (README, formula 6).
pub const DEFAULT_TEMPERATURE: f64 = 2.66;

/// How odd a pattern is for an origin.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum PValue {
    /// Share of the origin's own unseen spots that are at least as odd.
    Value {
        /// Between 1/(scores + 1) and 1.
        p: f64,
        /// Calibration scores that it rests on.
        scores: usize,
    },
    /// Too few samples or scores to say.
    InsufficientReference {
        /// Reference samples of the origin.
        samples: usize,
        /// Scores from models without the scored sample.
        scores: usize,
    },
}

/// The judgement of one reference sample by a model that has not seen it.
#[derive(Clone, Debug)]
pub struct LeftOut {
    /// Position of its origin.
    pub origin: usize,
    /// Position of the sample in [`Library::samples`].
    pub sample: usize,
    /// Mean scores of its spots; the own origin may be absent when it was its only sample.
    pub scores: Scores,
}

/// Leave-one-sample-out scores of a whole library in one space.
#[derive(Clone, Debug)]
pub struct Calibration {
    space: Space,
    observed: ElementSet,
    /// Sorted `-ℓ` of unseen spots per origin, and the number of samples they come from.
    nonconformity: Vec<(Vec<f64>, usize)>,
    left_out: Vec<LeftOut>,
    temperature: f64,
    recalibration: Option<Recalibration>,
}

impl Calibration {
    /// Fits the library once per sample and scores it on the elements that queries will have observed
    /// ([`ElementSet::ALL`], or less what the method disturbs).
    pub fn fit(library: &Library, space: Space, observed: ElementSet) -> Self {
        let mut nonconformity = alloc::vec![(Vec::new(), 0_usize); library.origins().len()];
        let mut left_out = Vec::new();
        for sample in 0..library.samples().len() {
            let spots = spots_of(library, sample, observed);
            let Some((origin, _)) = spots.first() else { continue };
            let model = library.without_sample(sample);
            let lot: Vec<Logs> = spots.iter().map(|(_, logs)| *logs).collect();
            let scores = library.score_under(&model, &lot, space, &Extra::NONE);
            if let Some(own) = model.origins[*origin].as_ref()
                && let Some(ready) = own.student.prepare(space, observed, None)
            {
                let (odd, samples) = &mut nonconformity[*origin];
                odd.extend(lot.iter().map(|logs| -ready.ln_density(logs)));
                *samples += 1;
            }
            left_out.push(LeftOut { origin: *origin, sample, scores });
        }
        nonconformity.iter_mut().for_each(|(odd, _)| odd.sort_by(f64::total_cmp));
        let temperature = best_temperature(&left_out);
        let recalibration = Recalibration::fit(&trials_of(&left_out, BACKGROUND_WEIGHT));
        Self { space, observed, nonconformity, left_out, temperature, recalibration }
    }

    /// No calibration at all: p-values say that the reference is insufficient, and nothing is recalibrated.
    pub fn none(library: &Library, space: Space) -> Self {
        Self {
            space,
            observed: ElementSet::ALL,
            nonconformity: alloc::vec![(Vec::new(), 0); library.origins().len()],
            left_out: Vec::new(),
            temperature: DEFAULT_TEMPERATURE,
            recalibration: None,
        }
    }

    /// The space that the scores were made in.
    pub fn space(&self) -> Space {
        self.space
    }

    /// The elements that the scores were made from.
    pub fn observed(&self) -> ElementSet {
        self.observed
    }

    /// The samples, each judged without itself.
    pub fn left_out(&self) -> &[LeftOut] {
        &self.left_out
    }

    /// Divides log densities before a posterior is made of them.
    pub fn temperature(&self) -> f64 {
        self.temperature
    }

    /// The line for likelihood ratios, when the library is large enough for one.
    pub fn recalibration(&self) -> Option<&Recalibration> {
        self.recalibration.as_ref()
    }

    /// Ratios of all left-out samples against all claims; samples that were their origin's only one are
    /// not counted.
    pub fn trials(&self, background_weight: f64) -> Vec<Trial> {
        trials_of(&self.left_out, background_weight)
    }

    /// `(1 + #{s_cal >= s}) / (n + 1)` for one spot's log density under an origin. The spot must have
    /// observed the elements of [`Self::observed`].
    pub fn p_value(&self, origin: usize, ln_density: f64) -> PValue {
        let Some((odd, samples)) = self.nonconformity.get(origin) else {
            return PValue::InsufficientReference { samples: 0, scores: 0 };
        };
        let (samples, scores) = (*samples, odd.len());
        if samples < MIN_SAMPLES || scores < MIN_SCORES {
            return PValue::InsufficientReference { samples, scores };
        }
        let as_odd = scores - odd.partition_point(|score| *score < -ln_density);
        PValue::Value { p: (1 + as_odd) as f64 / (scores + 1) as f64, scores }
    }

    /// A p-value for a lot: twice the mean of its spots' p-values, at most 1. Valid however the spots of a
    /// sample depend on each other (Vovk & Wang 2020, doi:10.1093/biomet/asaa027).
    pub fn lot_p_value(&self, origin: usize, ln_densities: &[f64]) -> PValue {
        let each: Vec<PValue> = ln_densities.iter().map(|score| self.p_value(origin, *score)).collect();
        let mut sum = 0.0;
        for value in &each {
            match value {
                PValue::Value { p, .. } => sum += p,
                PValue::InsufficientReference { .. } => return *value,
            }
        }
        match each.as_slice() {
            [] => PValue::InsufficientReference { samples: 0, scores: 0 },
            [one] => *one,
            [PValue::Value { scores, .. }, ..] => {
                PValue::Value { p: f64::min(1.0, 2.0 * sum / each.len() as f64), scores: *scores }
            }
            [other, ..] => *other,
        }
    }
}

fn spots_of(library: &Library, sample: usize, observed: ElementSet) -> Vec<(usize, Logs)> {
    let of_sample = library.analyses.iter().filter(|analysis| analysis.sample == sample);
    of_sample
        .map(|analysis| (analysis.origin, Logs { values: analysis.logs, observed, ..Logs::default() }))
        .collect()
}

fn trials_of(left_out: &[LeftOut], background_weight: f64) -> Vec<Trial> {
    let mut trials = Vec::new();
    for LeftOut { origin, scores, .. } in left_out {
        if scores.origins[*origin] == f64::NEG_INFINITY {
            continue;
        }
        for claimed in 0..scores.origins.len() {
            if scores.origins[claimed] > f64::NEG_INFINITY {
                let ln_ratio = ratio(scores, claimed, background_weight).ln();
                trials.push(Trial { ln_ratio, honest: claimed == *origin });
            }
        }
    }
    trials
}

/// The temperature with the smallest log loss over left-out samples: golden-section search of ln T between
/// 1/4 and 64, forty steps (to 1e-8).
fn best_temperature(left_out: &[LeftOut]) -> f64 {
    let known: Vec<&LeftOut> = left_out.iter().filter(|l| l.scores.origins[l.origin].is_finite()).collect();
    if known.len() < Recalibration::MIN_TRIALS {
        return DEFAULT_TEMPERATURE;
    }
    let loss = |ln_t: f64| -> f64 {
        let t = exp(ln_t);
        let one = |l: &&LeftOut| {
            ln_sum_exp(l.scores.origins.iter().map(|score| score / t)) - l.scores.origins[l.origin] / t
        };
        known.iter().map(one).sum()
    };
    let golden = 0.618_033_988_749_894_9;
    let (mut low, mut high) = (log(0.25), log(64.0));
    for _ in 0..40 {
        let (left, right) = (high - golden * (high - low), low + golden * (high - low));
        if loss(left) < loss(right) {
            high = right;
        } else {
            low = left;
        }
    }
    exp((low + high) / 2.0)
}
