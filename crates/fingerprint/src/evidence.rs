//! The likelihood ratio: how much more probable are these data if the claim is true than if the lot came
//! from elsewhere in this reference population.
//!
//! Bounded on both sides by construction: libraries of this size carry no evidence beyond 1:20 and 100:1.

use alloc::vec::Vec;

use libm::{exp, log};

use crate::{
    library::Scores,
    special::{ln_mean_exp, ln_sum_exp},
};

/// Weight of the background among the alternatives (README, formula 5).
pub const BACKGROUND_WEIGHT: f64 = 0.2;

/// Share of "anything may happen" in the claim's own distribution: no ratio falls below it.
pub const EPSILON: f64 = 0.05;

/// No library of tens of origins supports more than this.
pub const GREATEST_RATIO: f64 = 100.0;

/// A likelihood ratio; at least [`EPSILON`].
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd)]
pub struct Ratio {
    ln: f64,
}

impl Ratio {
    /// From the claim's log density and that of the alternatives.
    pub fn new(claim: f64, alternatives: f64) -> Self {
        if claim == f64::NEG_INFINITY {
            return Self { ln: log(EPSILON) };
        }
        let terms = [log(1.0 - EPSILON) + claim - alternatives, log(EPSILON)];
        Self { ln: ln_sum_exp(terms.into_iter()) }
    }

    /// Natural logarithm, not clipped above.
    pub fn ln(self) -> f64 {
        self.ln
    }

    /// Decimal logarithm, not clipped above.
    pub fn log10(self) -> f64 {
        self.ln * core::f64::consts::LOG10_E
    }

    /// The ratio to publish: at most [`GREATEST_RATIO`].
    pub fn published(self) -> f64 {
        exp(self.ln).clamp(EPSILON, GREATEST_RATIO)
    }

    /// Words for [`Self::published`], after the ENFSI Guideline for Evaluative Reporting in Forensic Science (2015).
    pub fn words(self) -> &'static str {
        match self.published() {
            ratio if ratio >= 10.0 => "moderate support for the claim",
            ratio if ratio > 2.0 => "weak support for the claim",
            ratio if ratio >= 0.5 => "no support either way",
            ratio if ratio > 0.1 => "weak support for another origin",
            _ => "moderate support for another origin",
        }
    }
}

/// Log density of "somewhere else": the other origins, and the background with a weight.
/// Minus infinity cannot happen for scores of a fitted library.
pub fn ln_alternatives(scores: &Scores, claimed: usize, background_weight: f64) -> f64 {
    let others: Vec<f64> = scores
        .origins
        .iter()
        .enumerate()
        .filter(|(k, score)| *k != claimed && **score > f64::NEG_INFINITY)
        .map(|(_, score)| *score)
        .collect();
    let elsewhere = ln_mean_exp(others.into_iter());
    if scores.background.is_empty() || background_weight <= 0.0 {
        return elsewhere;
    }
    let terms = [log(1.0 - background_weight) + elsewhere, log(background_weight) + scores.ln_background()];
    ln_sum_exp(terms.into_iter())
}

/// The ratio for one claim.
pub fn ratio(scores: &Scores, claimed: usize, background_weight: f64) -> Ratio {
    let claim = scores.origins.get(claimed).copied().unwrap_or(f64::NEG_INFINITY);
    Ratio::new(claim, ln_alternatives(scores, claimed, background_weight))
}

/// One judged trial: a claim with its ratio, and whether it was true.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Trial {
    /// Natural logarithm of the ratio.
    pub ln_ratio: f64,
    /// Whether the claim was true.
    pub honest: bool,
}

/// A straight line through log ratios that makes them mean what they say.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Recalibration {
    /// Added to the slope times the natural log ratio.
    pub offset: f64,
    /// Below one: the model was too sure.
    pub slope: f64,
    /// Honest trials that it rests on.
    pub honest_trials: usize,
}

impl Recalibration {
    /// Fewer honest leave-one-sample-out trials than this give no line (README, formula 5).
    pub const MIN_TRIALS: usize = 100;

    /// Logistic regression with class-balanced weights, by Newton's method (at most 100 steps).
    /// None with too few trials or without both kinds.
    pub fn fit(trials: &[Trial]) -> Option<Self> {
        let honest_trials = trials.iter().filter(|trial| trial.honest).count();
        let foreign = trials.len() - honest_trials;
        if honest_trials < Self::MIN_TRIALS || foreign == 0 {
            return None;
        }
        // From the flattest line, with bounded steps: far out the curvature vanishes and a step would fly off.
        let (mut offset, mut slope) = (0.0, 0.0);
        for _ in 0..100 {
            let (step_offset, step_slope) = newton(trials, offset, slope, honest_trials, foreign)?;
            offset -= step_offset.clamp(-1.0, 1.0);
            slope -= step_slope.clamp(-0.2, 0.2);
            if step_offset.abs() + step_slope.abs() < 1e-10 {
                break;
            }
        }
        (offset.is_finite() && slope.is_finite()).then_some(Self { offset, slope, honest_trials })
    }

    /// The recalibrated ratio.
    #[must_use]
    pub fn apply(&self, ratio: Ratio) -> Ratio {
        Ratio { ln: (self.offset + self.slope * ratio.ln).max(log(EPSILON)) }
    }
}

/// One step: gradient by Hessian of the weighted loss, with a thousandth of ridge towards (0, 1).
fn newton(trials: &[Trial], offset: f64, slope: f64, honest: usize, foreign: usize) -> Option<(f64, f64)> {
    let (mut g0, mut g1, mut h00, mut h01, mut h11) = (1e-3 * offset, 1e-3 * (slope - 1.0), 1e-3, 0.0, 1e-3);
    for trial in trials {
        let weight = 0.5 / if trial.honest { honest as f64 } else { foreign as f64 };
        let p = 1.0 / (1.0 + exp(-(offset + slope * trial.ln_ratio)));
        let error = weight * (p - if trial.honest { 1.0 } else { 0.0 });
        let curvature = weight * p * (1.0 - p);
        g0 += error;
        g1 += error * trial.ln_ratio;
        h00 += curvature;
        h01 += curvature * trial.ln_ratio;
        h11 += curvature * trial.ln_ratio * trial.ln_ratio;
    }
    let determinant = h00 * h11 - h01 * h01;
    (determinant > 0.0).then(|| ((h11 * g0 - h01 * g1) / determinant, (h00 * g1 - h01 * g0) / determinant))
}

/// Cost of log-likelihood ratios in bits: 0 is perfect, 1 says nothing, more misleads
/// (Brümmer & du Preez 2006, doi:10.1016/j.csl.2005.08.001).
pub fn cllr(trials: &[Trial]) -> f64 {
    let mean = |honest: bool| {
        let side = trials.iter().filter(|trial| trial.honest == honest);
        let sign = if honest { -1.0 } else { 1.0 };
        let cost = |trial: &Trial| ln_sum_exp([0.0, sign * trial.ln_ratio].into_iter());
        side.clone().map(cost).sum::<f64>() / side.count() as f64
    };
    0.5 * (mean(true) + mean(false)) * core::f64::consts::LOG2_E
}

/// Rate at which honest claims are refused as often as false ones are accepted.
pub fn equal_error_rate(trials: &[Trial]) -> f64 {
    let mut sorted: Vec<&Trial> = trials.iter().collect();
    sorted.sort_by(|a, b| a.ln_ratio.total_cmp(&b.ln_ratio));
    let honest = trials.iter().filter(|trial| trial.honest).count() as f64;
    let foreign = trials.len() as f64 - honest;
    let (mut refused, mut accepted) = (0.0, foreign);
    let mut best = (f64::INFINITY, f64::NAN);
    for trial in sorted {
        if trial.honest {
            refused += 1.0;
        } else {
            accepted -= 1.0;
        }
        let (miss, alarm) = (refused / honest, accepted / foreign);
        let gap = f64::abs(miss - alarm);
        if gap < best.0 {
            best = (gap, (miss + alarm) / 2.0);
        }
    }
    best.1
}
