//! The reference library: analyses with known origin, and one distribution per origin.
//!
//! Background analyses are other known origins of the same material: they answer "or from somewhere else"
//! and are never offered as claims. Origins and samples stand in the order of their names, so that the
//! same analyses in any order give the same library.

use alloc::{
    borrow::ToOwned,
    collections::{BTreeMap, BTreeSet},
    string::String,
    vec::Vec,
};

use crate::{
    contrast::Space,
    element::{ELEMENTS, Element, ElementSet},
    linalg::{Row, Square, ZERO, ZERO_ROW, add_outer, minus, plus, scaled},
    material::Substance,
    pattern::{Logs, Pattern},
    special::ln_mean_exp,
    student::{Prepared, Student},
};

/// Weight of the pooled scatter in each origin's own, in degrees of freedom; chosen by leave-one-sample-out
/// on the benchmark (README, formula 2).
pub const PRIOR_DEGREES: f64 = 10.0;

/// A background origin needs this many complete analyses to be a component (README, formula 5).
pub const BACKGROUND_MIN: usize = 8;

/// One analysis of known origin.
#[derive(Clone, Debug, PartialEq)]
pub struct Reference {
    /// Name of the deposit or mine.
    pub origin: String,
    /// The sample that the spot belongs to; the unit that is held out.
    pub sample: String,
    /// Laboratory and method (in published data: the paper).
    pub campaign: String,
    /// Concentrations.
    pub pattern: Pattern,
}

/// Scatter within origins below this (a relative deviation of 1e-6) is rounding, not measurement.
const LEAST_VARIANCE: f64 = 1e-12;

/// Why there is no library.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FitError {
    /// No comparison without at least two origins.
    #[error("a library needs two origins with complete patterns, found {found}")]
    TooFewOrigins {
        /// Origins with a complete analysis.
        found: usize,
    },
    /// More than a library may hold.
    #[error("{found} analyses, at most 10,000 make a library")]
    TooLarge {
        /// Given, counted up to the part that passed the limit.
        found: usize,
    },
    /// Nothing varies.
    #[error("the analyses of the library do not vary within origins")]
    NoScatter,
}

/// A complete analysis, its names replaced by positions.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Analysis {
    pub(crate) origin: usize,
    pub(crate) sample: usize,
    pub(crate) campaign: usize,
    pub(crate) logs: Row,
}

/// One origin's distribution and what it rests on.
#[derive(Clone, Debug, PartialEq)]
pub struct Origin {
    /// The predictive distribution.
    pub student: Student,
    /// Complete analyses.
    pub analyses: usize,
    /// Distinct samples.
    pub samples: usize,
}

/// Distributions of a set of origins with one pooled scatter; an origin without analyses is None.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Population {
    pub(crate) origins: Vec<Option<Origin>>,
    pub(crate) pooled: Square,
}

impl Population {
    /// README, formula 2: `W = Σ S_k / (N - K)`.
    pub(crate) fn fit<'a>(analyses: impl Iterator<Item = &'a Analysis> + Clone, count: usize) -> Self {
        let mut numbers = alloc::vec![0_usize; count];
        let mut means = alloc::vec![ZERO_ROW; count];
        let mut samples = alloc::vec![BTreeSet::new(); count];
        for analysis in analyses.clone() {
            numbers[analysis.origin] += 1;
            samples[analysis.origin].insert(analysis.sample);
            means[analysis.origin].iter_mut().zip(&analysis.logs).for_each(|(mean, x)| *mean += x);
        }
        for (mean, number) in means.iter_mut().zip(&numbers) {
            mean.iter_mut().for_each(|x| *x /= (*number).max(1) as f64);
        }
        let mut scatters = alloc::vec![ZERO; count];
        for analysis in analyses {
            let k = analysis.origin;
            add_outer(&mut scatters[k], &minus(&analysis.logs, &means[k]), 1.0);
        }
        let total: usize = numbers.iter().sum();
        let present = numbers.iter().filter(|n| **n > 0).count();
        let sum = scatters.iter().fold(ZERO, |sum, scatter| plus(&sum, scatter, 1.0));
        let pooled = scaled(&sum, 1.0 / (total.saturating_sub(present)).max(1) as f64);
        let origins = (0..count)
            .map(|k| {
                (numbers[k] > 0).then(|| Origin {
                    student: predictive(&means[k], &scatters[k], &pooled, numbers[k] as f64),
                    analyses: numbers[k],
                    samples: samples[k].len(),
                })
            })
            .collect();
        Self { origins, pooled }
    }
}

/// `Σ_k = (1 + 1/n)(S + ν0 W)/(n - 1 + ν0)`, `ν_k = n - 1 + ν0`.
fn predictive(mean: &Row, scatter: &Square, pooled: &Square, n: f64) -> Student {
    let degrees = n - 1.0 + PRIOR_DEGREES;
    let scale = scaled(&plus(scatter, pooled, PRIOR_DEGREES), (1.0 + 1.0 / n) / degrees);
    Student { mean: *mean, scale, degrees }
}

/// Analyses of known origin for one substance, and their distributions.
#[derive(Clone, Debug)]
pub struct Library {
    substance: Substance,
    origin_names: Vec<String>,
    sample_names: Vec<String>,
    campaign_names: Vec<String>,
    pub(crate) analyses: Vec<Analysis>,
    pub(crate) population: Population,
    pub(crate) background: Population,
    background_names: Vec<String>,
}

impl Library {
    /// Fits one distribution per origin from its complete analyses; incomplete ones are passed over.
    ///
    /// # Errors
    /// [`FitError`] when there is nothing to compare.
    pub fn fit(
        substance: Substance,
        references: &[Reference],
        background: &[Reference],
    ) -> Result<Self, FitError> {
        let (mut analyses, mut names) = number(references);
        // The order of the input must not reach the order of the sums.
        analyses.sort_by(|a, b| (a.origin, a.sample).cmp(&(b.origin, b.sample)).then_with(|| by_logs(a, b)));
        let found = names.origins.len();
        if found < 2 {
            return Err(FitError::TooFewOrigins { found });
        }
        let population = Population::fit(analyses.iter(), found);
        let flat = |i: usize| population.pooled[i][i].is_nan() || population.pooled[i][i] < LEAST_VARIANCE;
        if (0..ELEMENTS).any(flat) {
            return Err(FitError::NoScatter);
        }
        let (mut others, other_names) = number(&large_enough(background));
        others.sort_by(|a, b| (a.origin, a.sample).cmp(&(b.origin, b.sample)).then_with(|| by_logs(a, b)));
        Ok(Self {
            substance,
            origin_names: core::mem::take(&mut names.origins),
            sample_names: names.samples,
            campaign_names: names.campaigns,
            analyses,
            population,
            background: Population::fit(others.iter(), other_names.origins.len()),
            background_names: other_names.origins,
        })
    }

    /// What the library is a library of.
    pub fn substance(&self) -> &Substance {
        &self.substance
    }

    /// Names of the origins that may be claimed, in order; positions in this slice name an origin elsewhere.
    pub fn origins(&self) -> &[String] {
        &self.origin_names
    }

    /// Names of the background origins, in order.
    pub fn background_origins(&self) -> &[String] {
        &self.background_names
    }

    /// Names of the reference samples, in order.
    pub fn samples(&self) -> &[String] {
        &self.sample_names
    }

    /// Position of an origin.
    pub fn find(&self, origin: &str) -> Option<usize> {
        self.origin_names.binary_search_by(|name| name.as_str().cmp(origin)).ok()
    }

    /// The distribution of an origin and what it rests on.
    pub fn origin(&self, position: usize) -> Option<&Origin> {
        self.population.origins.get(position)?.as_ref()
    }

    /// Complete logarithms of an origin's analyses, for envelopes and pictures.
    pub fn logs_of(&self, origin: usize) -> impl Iterator<Item = &Row> {
        self.analyses.iter().filter(move |analysis| analysis.origin == origin).map(|analysis| &analysis.logs)
    }

    /// Origin and complete logarithms of every analysis.
    pub fn labelled(&self) -> impl Iterator<Item = (usize, &Row)> {
        self.analyses.iter().map(|analysis| (analysis.origin, &analysis.logs))
    }

    /// Pooled scatter within origins, W of formula 2.
    pub fn pooled(&self) -> &Square {
        &self.population.pooled
    }

    /// Mean ln(ppm/chondrite) of one element over all origins, each counted once.
    pub fn mean_log(&self, element: Element) -> f64 {
        let means =
            self.population.origins.iter().flatten().map(|origin| origin.student.mean[element.index()]);
        means.clone().sum::<f64>() / means.count().max(1) as f64
    }

    /// Whether the origin has an analysis by this laboratory and method.
    pub fn was_measured_by(&self, origin: usize, campaign: &str) -> bool {
        let Ok(campaign) = self.campaign_names.binary_search_by(|name| name.as_str().cmp(campaign)) else {
            return false;
        };
        self.analyses.iter().any(|analysis| analysis.origin == origin && analysis.campaign == campaign)
    }

    /// Distributions with one sample left out: an honest judge of that sample.
    pub(crate) fn without_sample(&self, sample: usize) -> Population {
        let rest = self.analyses.iter().filter(|analysis| analysis.sample != sample);
        Population::fit(rest, self.origin_names.len())
    }

    /// Log densities of a lot under each origin and each background component.
    pub fn score(&self, lot: &[Logs], space: Space, extra: &Extra) -> Scores {
        self.score_under(&self.population, lot, space, extra)
    }

    pub(crate) fn score_under(&self, of: &Population, lot: &[Logs], space: Space, extra: &Extra) -> Scores {
        let origins = of
            .origins
            .iter()
            .enumerate()
            .map(|(k, origin)| {
                let student = origin.as_ref().map(|origin| &origin.student);
                mean_ln_density(student, lot, space, extra.of(k))
            })
            .collect();
        let background = self
            .background
            .origins
            .iter()
            .flatten()
            .map(|origin| mean_ln_density(Some(&origin.student), lot, space, extra.of_background()))
            .collect();
        Scores { origins, background }
    }
}

/// Covariance added to the distributions, per origin (the campaign covariance of formula 2).
#[derive(Clone, Debug, Default)]
pub struct Extra {
    per_origin: Vec<Option<Square>>,
    background: Option<Square>,
}

impl Extra {
    /// Nothing is added: query and references come from the same laboratories.
    pub const NONE: Self = Self { per_origin: Vec::new(), background: None };

    /// One matrix (or none) per origin, and one for the background.
    pub fn new(per_origin: Vec<Option<Square>>, background: Option<Square>) -> Self {
        Self { per_origin, background }
    }

    pub(crate) fn of(&self, origin: usize) -> Option<&Square> {
        self.per_origin.get(origin)?.as_ref()
    }

    pub(crate) fn of_background(&self) -> Option<&Square> {
        self.background.as_ref()
    }
}

/// Mean log density of a lot's spots: spots of one sample are averaged, never multiplied (formula 4).
#[derive(Clone, Debug, PartialEq)]
pub struct Scores {
    /// Per origin, in the library's order; minus infinity where there is no distribution.
    pub origins: Vec<f64>,
    /// Per background component.
    pub background: Vec<f64>,
}

impl Scores {
    /// Logarithm of the mean density over background components; minus infinity when there is none.
    pub fn ln_background(&self) -> f64 {
        if self.background.is_empty() {
            return f64::NEG_INFINITY;
        }
        ln_mean_exp(self.background.iter().copied())
    }

    /// Positions of the origins, the most probable first; ties by name.
    pub fn ranking(&self) -> Vec<usize> {
        let mut order: Vec<usize> = (0..self.origins.len()).collect();
        order.sort_by(|a, b| self.origins[*b].total_cmp(&self.origins[*a]).then(a.cmp(b)));
        order
    }
}

/// Mean over the spots; minus infinity without a distribution or without a spot that can be scored.
fn mean_ln_density(student: Option<&Student>, lot: &[Logs], space: Space, extra: Option<&Square>) -> f64 {
    let Some(student) = student else { return f64::NEG_INFINITY };
    let mut ready: BTreeMap<ElementSet, Option<Prepared>> = BTreeMap::new();
    let (mut sum, mut count) = (0.0, 0_u32);
    for logs in lot {
        let prepared =
            ready.entry(logs.observed).or_insert_with(|| student.prepare(space, logs.observed, extra));
        if let Some(prepared) = prepared {
            sum += prepared.ln_density(logs);
            count += 1;
        }
    }
    if count == 0 { f64::NEG_INFINITY } else { sum / f64::from(count) }
}

#[derive(Debug, Default)]
struct Names {
    origins: Vec<String>,
    samples: Vec<String>,
    campaigns: Vec<String>,
}

/// Complete analyses with positions for names; a sample is named within its origin.
fn number(references: &[Reference]) -> (Vec<Analysis>, Names) {
    let complete = || references.iter().filter_map(|r| Some((r, *r.pattern.logs().complete()?)));
    let sorted = |name: fn(&Reference) -> String| {
        let set: BTreeSet<String> = complete().map(|(reference, _)| name(reference)).collect();
        set.into_iter().collect::<Vec<_>>()
    };
    let sample_name = |r: &Reference| alloc::format!("{}\u{1f}{}", r.origin, r.sample);
    let names = Names {
        origins: sorted(|r| r.origin.clone()),
        samples: sorted(sample_name),
        campaigns: sorted(|r| r.campaign.clone()),
    };
    let place = |list: &[String], name: &str| list.partition_point(|known| known.as_str() < name);
    let analyses = complete()
        .map(|(reference, logs)| Analysis {
            origin: place(&names.origins, &reference.origin),
            sample: place(&names.samples, &sample_name(reference)),
            campaign: place(&names.campaigns, &reference.campaign),
            logs,
        })
        .collect();
    let samples = names.samples.iter().map(|name| name.replace('\u{1f}', " / ")).collect();
    (analyses, Names { samples, ..names })
}

fn by_logs(a: &Analysis, b: &Analysis) -> core::cmp::Ordering {
    a.logs
        .iter()
        .zip(&b.logs)
        .map(|(x, y)| x.total_cmp(y))
        .find(|order| order.is_ne())
        .unwrap_or(a.campaign.cmp(&b.campaign))
}

fn large_enough(background: &[Reference]) -> Vec<Reference> {
    let mut complete: BTreeMap<&str, usize> = BTreeMap::new();
    for reference in background.iter().filter(|r| r.pattern.observed() == ElementSet::ALL) {
        *complete.entry(&reference.origin).or_default() += 1;
    }
    background
        .iter()
        .filter(|r| complete.get(r.origin.as_str()).is_some_and(|count| *count >= BACKGROUND_MIN))
        .map(ToOwned::to_owned)
        .collect()
}
