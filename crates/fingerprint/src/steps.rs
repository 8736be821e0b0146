//! Is a step of processing consistent: the same material before and after.
//!
//! Four questions with different freedom: a split or physical beneficiation keeps ratios; different samples
//! of one origin differ as samples do; a chemical step may tilt the pattern smoothly; refining erases it.

use alloc::{boxed::Box, vec::Vec};

use crate::{
    contrast::Space,
    element::{ELEMENTS, Element, ElementSet},
    lambdas,
    library::{Analysis, Library},
    linalg::{Cholesky, Row, Square, ZERO, ZERO_ROW, add_outer, minus, plus, scaled},
    material::Refined,
    pattern::Pattern,
    special::chi_square_above,
};

/// Relative standard uncertainty of a reading that states none: five percent, the usual claim of
/// LA-ICP-MS; whoever knows better states it with the assay.
pub const ASSUMED_RSD: f64 = 0.05;

/// What happened between two assays.
#[derive(Clone, Debug, PartialEq)]
pub enum StepKind {
    /// One lot was split, sorted or beneficiated: ratios stay, only measurement errs.
    SameMaterial,
    /// Two samples of one origin, each the mean of some spots.
    DifferentSamples {
        /// Spread between samples and within them, from a library.
        scatter: Box<SampleScatter>,
        /// Spots averaged before the step and after it.
        spots: (usize, usize),
    },
    /// Leaching, roasting or flotation whose partition is smooth in the ionic radius.
    SmoothPartition,
    /// Past it the pattern is of the reagents.
    Refining(Refined),
}

/// The answer to a step.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum StepAnswer {
    /// A chi-square test was made.
    Tested(ChiSquare),
    /// Refining resets the pattern: only the element budget can be compared.
    PatternReset(Refined),
    /// Too few elements were measured on both sides.
    TooFewElements {
        /// Elements with a value on both sides.
        shared: usize,
        /// Elements that the test needs.
        needed: usize,
    },
}

/// A chi-square statistic with its tail.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ChiSquare {
    /// The statistic.
    pub value: f64,
    /// Degrees of freedom.
    pub degrees: usize,
    /// Probability of a larger one if the step is as declared.
    pub p: f64,
}

impl ChiSquare {
    pub(crate) fn new(value: f64, degrees: usize) -> Self {
        Self { value, degrees, p: chi_square_above(value, degrees) }
    }
}

/// Tests one step (README, formula 11).
pub fn test_step(before: &Pattern, after: &Pattern, kind: &StepKind) -> StepAnswer {
    let shared = before.observed().and(after.observed());
    match kind {
        StepKind::Refining(refined) => StepAnswer::PatternReset(*refined),
        StepKind::SameMaterial => same(before, after, shared, &ZERO),
        StepKind::DifferentSamples { scatter, spots } => {
            let (n, m) = (spots.0.max(1) as f64, spots.1.max(1) as f64);
            // Either side is a sample of its own: 2 B + W/n + W/m.
            let between = scaled(&scatter.between, 2.0);
            same(before, after, shared, &plus(&between, &scatter.within, 1.0 / n + 1.0 / m))
        }
        StepKind::SmoothPartition => smooth(before, after, shared),
    }
}

fn ln_change(before: &Pattern, after: &Pattern, element: Element) -> f64 {
    match (before.ppm(element), after.ppm(element)) {
        (Some(before), Some(after)) => libm::log(after / before),
        _ => 0.0,
    }
}

fn variance(before: &Pattern, after: &Pattern, element: Element) -> f64 {
    let square = |pattern: &Pattern| {
        let rsd = pattern.rsd(element).unwrap_or(ASSUMED_RSD);
        rsd * rsd
    };
    square(before) + square(after)
}

/// `δᵀ (V (C + extra) Vᵀ)⁻¹ δ` with D - 1 degrees of freedom.
fn same(before: &Pattern, after: &Pattern, shared: ElementSet, extra: &Square) -> StepAnswer {
    if shared.len() < 2 {
        return StepAnswer::TooFewElements { shared: shared.len(), needed: 2 };
    }
    let contrasts = Space::Shape.contrasts(shared);
    let mut change = ZERO_ROW;
    let mut covariance = *extra;
    for element in shared.iter() {
        change[element.index()] = ln_change(before, after, element);
        covariance[element.index()][element.index()] += variance(before, after, element);
    }
    let delta = contrasts.apply(&change);
    match Cholesky::of(&contrasts.project(&covariance, 1e-12), contrasts.len()) {
        Some(factor) => StepAnswer::Tested(ChiSquare::new(factor.distance(&delta), contrasts.len())),
        None => StepAnswer::TooFewElements { shared: shared.len(), needed: 2 },
    }
}

/// Weighted least squares of ln(after/before) on f0, f1, f2 without Ce and Eu; the rest has n - 3 degrees.
fn smooth(before: &Pattern, after: &Pattern, shared: ElementSet) -> StepAnswer {
    let used: Vec<Element> = shared.without(Element::CE).without(Element::EU).iter().collect();
    let basis = lambdas::basis();
    let (mut normal, mut right, mut total) = (ZERO, ZERO_ROW, 0.0);
    for element in &used {
        let weight = 1.0 / variance(before, after, *element).max(1e-12);
        let change = ln_change(before, after, *element);
        // Ten to the j brings the polynomials of ångströms to one size.
        let row: Row = core::array::from_fn(|j| match j {
            0..=2 => basis[j][element.index()] * [1.0, 10.0, 100.0][j],
            _ => 0.0,
        });
        add_outer(&mut normal, &row, weight);
        right.iter_mut().zip(&row).for_each(|(sum, f)| *sum += weight * f * change);
        total += weight * change * change;
    }
    match Cholesky::of(&normal, 3).filter(|_| used.len() > 3) {
        Some(factor) => {
            let rest = (total - factor.distance(&right)).max(0.0);
            StepAnswer::Tested(ChiSquare::new(rest, used.len() - 3))
        }
        None => StepAnswer::TooFewElements { shared: used.len(), needed: 4 },
    }
}

/// How samples of one origin differ, and spots of one sample.
#[derive(Clone, Debug, PartialEq)]
pub struct SampleScatter {
    /// Covariance of true sample means within origins.
    pub between: Square,
    /// Covariance of spots within samples.
    pub within: Square,
}

impl Library {
    /// Pooled covariances of samples within origins (less what spots explain, never below zero on the
    /// diagonal) and of spots within samples.
    pub fn sample_scatter(&self) -> SampleScatter {
        let samples = self.samples().len();
        let origins = self.origins().len();
        let (by_sample, of_sample) = means(&self.analyses, samples, |analysis| analysis.sample);
        let mut within = ZERO;
        let mut home = alloc::vec![0_usize; samples];
        for analysis in &self.analyses {
            home[analysis.sample] = analysis.origin;
            add_outer(&mut within, &minus(&analysis.logs, &by_sample[analysis.sample]), 1.0);
        }
        let within = scaled(&within, 1.0 / self.analyses.len().saturating_sub(samples).max(1) as f64);
        let mut centre = alloc::vec![(ZERO_ROW, 0.0); origins];
        for (mean, origin) in by_sample.iter().zip(&home) {
            let (sum, count) = &mut centre[*origin];
            sum.iter_mut().zip(mean).for_each(|(total, x)| *total += x);
            *count += 1.0;
        }
        let mut between = ZERO;
        for (mean, origin) in by_sample.iter().zip(&home) {
            let (sum, count) = &centre[*origin];
            add_outer(&mut between, &minus(mean, &sum.map(|x| x / count)), 1.0);
        }
        let between = scaled(&between, 1.0 / samples.saturating_sub(origins).max(1) as f64);
        let inverse: f64 = of_sample.iter().map(|n| 1.0 / n.max(1.0)).sum::<f64>() / samples.max(1) as f64;
        SampleScatter { between: less(&between, &within, inverse), within }
    }
}

/// `between - share · within`; when that is not a covariance, only what stays positive on the diagonal.
fn less(between: &Square, within: &Square, share: f64) -> Square {
    let rest = plus(between, within, -share);
    if Cholesky::of(&rest, ELEMENTS).is_some() {
        return rest;
    }
    let mut diagonal = ZERO;
    for i in 0..ELEMENTS {
        diagonal[i][i] = rest[i][i].max(0.0);
    }
    diagonal
}

fn means(analyses: &[Analysis], groups: usize, group: fn(&Analysis) -> usize) -> (Vec<Row>, Vec<f64>) {
    let mut sums = alloc::vec![ZERO_ROW; groups];
    let mut counts = alloc::vec![0.0_f64; groups];
    for analysis in analyses {
        sums[group(analysis)].iter_mut().zip(&analysis.logs).for_each(|(total, x)| *total += x);
        counts[group(analysis)] += 1.0;
    }
    for (sum, count) in sums.iter_mut().zip(&counts) {
        sum.iter_mut().for_each(|x| *x /= count.max(1.0));
    }
    (sums, counts)
}
