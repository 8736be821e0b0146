//! Axes on which origins differ most, for pictures and for types of deposit.
//!
//! Linear discriminants with the library's pooled scatter (Fisher 1936, doi:10.1111/j.1469-1809.1936.tb02137.x;
//! Rao 1948). Scores have unit scatter within origins.

use alloc::{collections::BTreeMap, string::String, vec::Vec};

use crate::{
    contrast::Space,
    element::{ELEMENTS, ElementSet},
    library::Library,
    linalg::{Cholesky, Contrasts, Row, ZERO, ZERO_ROW, add_outer, eigen, minus},
    pattern::Logs,
    special::ln_sum_exp,
};

/// Linear discriminant axes of a library.
#[derive(Clone, Debug)]
pub struct Axes {
    contrasts: Contrasts,
    factor: Cholesky,
    centre: Row,
    vectors: Vec<Row>,
    spread: Vec<f64>,
}

impl Axes {
    /// As many axes as there are contrasts or origins less one. None when the scatter is not positive definite.
    pub fn fit(library: &Library, space: Space) -> Option<Self> {
        let contrasts = space.contrasts(ElementSet::ALL);
        let size = contrasts.len();
        let factor = Cholesky::of(&contrasts.project(library.pooled(), 1e-9), size)?;
        let means: Vec<(Row, f64)> = (0..library.origins().len())
            .filter_map(|k| library.origin(k))
            .map(|origin| (contrasts.apply(&origin.student.mean), origin.analyses as f64))
            .collect();
        let total: f64 = means.iter().map(|(_, n)| n).sum();
        let mut centre = ZERO_ROW;
        for (mean, n) in &means {
            centre.iter_mut().zip(mean).for_each(|(sum, x)| *sum += x * n / total);
        }
        let mut between = ZERO;
        for (mean, n) in &means {
            add_outer(&mut between, &factor.whiten(&minus(mean, &centre)), n / total);
        }
        let count = size.min(means.len().saturating_sub(1));
        let (spread, vectors) = eigen(&between).into_iter().take(count).unzip();
        Some(Self { contrasts, factor, centre, vectors, spread })
    }

    /// Number of axes.
    pub fn len(&self) -> usize {
        self.vectors.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.vectors.is_empty()
    }

    /// Share of the variance between origins on an axis.
    pub fn share(&self, axis: usize) -> f64 {
        self.spread.get(axis).copied().unwrap_or(0.0) / self.spread.iter().sum::<f64>()
    }

    /// Scores of fourteen logarithms, the most telling axis first; places after the last axis are zero.
    pub fn scores(&self, logs: &Row) -> Row {
        let white = self.factor.whiten(&minus(&self.contrasts.apply(logs), &self.centre));
        let mut out = ZERO_ROW;
        for (score, vector) in out.iter_mut().zip(&self.vectors) {
            *score = white.iter().zip(vector).map(|(x, v)| x * v).sum();
        }
        out
    }
}

/// Types of deposit by linear discriminant with the pooled scatter of origins and a flat prior.
///
/// One pattern does not name a type: several shapes occur within one type. Quote the leave-deposit-out rate
/// with every answer.
#[derive(Clone, Debug)]
pub struct Types {
    contrasts: Contrasts,
    factor: Cholesky,
    names: Vec<String>,
    means: Vec<Row>,
}

impl Types {
    /// `type_of` names the type of an origin by its position; origins without a type are passed over.
    /// None with fewer than two types.
    pub fn fit(library: &Library, space: Space, type_of: impl Fn(usize) -> Option<String>) -> Option<Self> {
        let contrasts = space.contrasts(ElementSet::ALL);
        let factor = Cholesky::of(&contrasts.project(library.pooled(), 1e-9), contrasts.len())?;
        let mut sums: BTreeMap<String, (Row, f64)> = BTreeMap::new();
        for k in 0..library.origins().len() {
            let (Some(name), Some(origin)) = (type_of(k), library.origin(k)) else { continue };
            let (sum, count) = sums.entry(name).or_insert((ZERO_ROW, 0.0));
            sum.iter_mut().zip(&origin.student.mean).for_each(|(total, x)| *total += x);
            *count += 1.0;
        }
        if sums.len() < 2 {
            return None;
        }
        let means = sums.values().map(|(sum, count)| contrasts.apply(&sum.map(|x| x / count))).collect();
        Some(Self { contrasts, factor, names: sums.into_keys().collect(), means })
    }

    /// Names of the types, in order.
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// Share of each type for fourteen logarithms (the mean of a lot), flat prior.
    pub fn shares(&self, logs: &Row) -> Vec<f64> {
        let point = self.contrasts.apply(logs);
        let scores: Vec<f64> =
            self.means.iter().map(|mean| -0.5 * self.factor.distance(&minus(&point, mean))).collect();
        let total = ln_sum_exp(scores.iter().copied());
        scores.iter().map(|score| libm::exp(score - total)).collect()
    }

    /// Share of origins whose own mean is given the right type by the other origins: balanced over types,
    /// so that chance is one over their number.
    pub fn leave_deposit_out(
        library: &Library,
        space: Space,
        type_of: impl Fn(usize) -> Option<String>,
    ) -> Option<f64> {
        let mut tallies: BTreeMap<String, (f64, f64)> = BTreeMap::new();
        for k in 0..library.origins().len() {
            let (Some(own), Some(origin)) = (type_of(k), library.origin(k)) else { continue };
            let Some(rest) = Self::fit(library, space, |j| if j == k { None } else { type_of(j) }) else {
                continue;
            };
            let shares = rest.shares(&origin.student.mean);
            let best = (0..shares.len()).max_by(|a, b| shares[*a].total_cmp(&shares[*b]))?;
            let (right, all) = tallies.entry(own.clone()).or_default();
            *right += if rest.names[best] == own { 1.0 } else { 0.0 };
            *all += 1.0;
        }
        let rates = tallies.values().map(|(right, all)| right / all).sum::<f64>();
        (!tallies.is_empty()).then(|| rates / tallies.len() as f64)
    }
}

/// Fourteen logarithms of a lot: the mean of its complete patterns. None when there is none.
pub fn lot_mean(lot: &[Logs]) -> Option<Row> {
    let complete: Vec<&Row> = lot.iter().filter_map(Logs::complete).collect();
    let count = complete.len() as f64;
    (!complete.is_empty()).then(|| {
        let mut mean = [0.0; ELEMENTS];
        for row in complete {
            mean.iter_mut().zip(row).for_each(|(sum, x)| *sum += x / count);
        }
        mean
    })
}
