//! How far apart laboratories are: the covariance Λ of campaign means within deposits.
//!
//! Measured on real data, accuracy falls by more than half when a query comes from another laboratory than
//! the references. Λ widens the distributions by what laboratories are known to differ.

use crate::{
    element::ELEMENTS,
    library::{Analysis, Extra, Library},
    linalg::{Row, Square, ZERO, ZERO_ROW, add_outer, minus, scaled},
};
use alloc::{collections::BTreeMap, vec::Vec};

/// A campaign's mean counts when it rests on this many complete analyses; the benchmark's protocol.
pub const CAMPAIGN_MIN: usize = 8;

/// Share that Λ is shrunk towards its diagonal (README, formula 2).
const SHRINKAGE: f64 = 0.1;

/// Standard deviations between laboratories, in ln units, when the library cannot tell: 0.3, but 0.9 for
/// La, 0.5 for Pr and 0.4 for Ce and Eu (README, formula 2).
const ASSUMED: Row = [0.9, 0.4, 0.5, 0.3, 0.3, 0.4, 0.3, 0.3, 0.3, 0.3, 0.3, 0.3, 0.3, 0.3];

/// Covariance between laboratories and what it rests on.
#[derive(Clone, Debug, PartialEq)]
pub struct CampaignCovariance {
    /// Added to the scale matrix of an origin that the query's laboratory did not measure.
    pub matrix: Square,
    /// Origins measured by two or more laboratories that it was estimated from; zero: assumed.
    pub origins: usize,
}

impl Library {
    /// Λ from origins that were measured by two or more laboratories, one origin left out.
    ///
    /// With fewer than three degrees of freedom the assumed diagonal is returned, and `origins` is zero.
    pub fn campaign_covariance(&self, left_out: Option<usize>) -> CampaignCovariance {
        let mut means: BTreeMap<(usize, usize), (Row, usize)> = BTreeMap::new();
        for Analysis { origin, campaign, logs, .. } in &self.analyses {
            let (sum, count) = means.entry((*origin, *campaign)).or_insert((ZERO_ROW, 0));
            sum.iter_mut().zip(logs).for_each(|(total, x)| *total += x);
            *count += 1;
        }
        let mut by_origin: BTreeMap<usize, Vec<Row>> = BTreeMap::new();
        for ((origin, _), (sum, count)) in means.into_iter().filter(|(_, (_, count))| *count >= CAMPAIGN_MIN)
        {
            if Some(origin) != left_out {
                by_origin.entry(origin).or_default().push(sum.map(|x| x / count as f64));
            }
        }
        let several: Vec<&Vec<Row>> = by_origin.values().filter(|rows| rows.len() >= 2).collect();
        let degrees: usize = several.iter().map(|rows| rows.len() - 1).sum();
        if degrees < 3 {
            return CampaignCovariance { matrix: assumed(), origins: 0 };
        }
        CampaignCovariance { matrix: shrunk(&within(&several, degrees)), origins: several.len() }
    }

    /// What to add per origin for a lot of this laboratory and method: Λ where the origin was not measured
    /// by it, nothing where it was.
    pub fn extra_for(&self, campaign: &str) -> Extra {
        let all = self.campaign_covariance(None);
        let per_origin = (0..self.origins().len())
            .map(|k| (!self.was_measured_by(k, campaign)).then(|| self.campaign_covariance(Some(k)).matrix))
            .collect();
        Extra::new(per_origin, Some(all.matrix))
    }
}

fn assumed() -> Square {
    let mut matrix = ZERO;
    for (i, deviation) in ASSUMED.iter().enumerate() {
        matrix[i][i] = deviation * deviation;
    }
    matrix
}

fn within(groups: &[&Vec<Row>], degrees: usize) -> Square {
    let mut scatter = ZERO;
    for rows in groups {
        let mut mean = ZERO_ROW;
        for row in rows.iter() {
            mean.iter_mut().zip(row).for_each(|(total, x)| *total += x / rows.len() as f64);
        }
        rows.iter().for_each(|row| add_outer(&mut scatter, &minus(row, &mean), 1.0));
    }
    scaled(&scatter, 1.0 / degrees as f64)
}

fn shrunk(matrix: &Square) -> Square {
    let mut out = scaled(matrix, 1.0 - SHRINKAGE);
    for i in 0..ELEMENTS {
        out[i][i] = matrix[i][i];
    }
    out
}
