//! Which known origins does a lot resemble: three names with shares, or an abstention.

use alloc::vec::Vec;

use libm::exp;

use crate::{library::Scores, special::ln_sum_exp};

/// Shares of a flat prior over all components, tempered.
#[derive(Clone, Debug, PartialEq)]
pub struct Attribution {
    /// The three most probable origins, position and share.
    pub top: Vec<(usize, f64)>,
    /// Share of the background components together.
    pub background: f64,
    /// The single most probable component is a background origin: the lot resembles none of the library's.
    pub abstains: bool,
}

/// Softmax of log densities divided by a temperature, over origins and background components alike
/// (README, formula 6).
pub fn attribute(scores: &Scores, temperature: f64) -> Attribution {
    let all = || scores.origins.iter().chain(&scores.background).map(|score| score / temperature);
    let total = ln_sum_exp(all());
    let share = |score: f64| exp(score / temperature - total);
    let ranking = scores.ranking();
    let top: Vec<(usize, f64)> = ranking.iter().take(3).map(|k| (*k, share(scores.origins[*k]))).collect();
    let background: f64 = scores.background.iter().map(|score| share(*score)).sum();
    let strongest = scores.background.iter().map(|score| share(*score)).fold(0.0, f64::max);
    let abstains = top.first().is_none_or(|(_, best)| strongest >= *best);
    Attribution { top, background, abstains }
}

/// Share of grains that come from one origin and not from the background, by expectation-maximisation
/// over per-grain log densities (at most 500 rounds). None without grains.
///
/// For grain-level data only: from a bulk assay a blend of less than about half cannot be seen.
pub fn grain_share(of_origin: &[f64], of_background: &[f64]) -> Option<f64> {
    if of_origin.is_empty() || of_origin.len() != of_background.len() {
        return None;
    }
    let mut share = 0.5;
    for _ in 0..500 {
        let own: f64 = of_origin
            .iter()
            .zip(of_background)
            .map(|(own, other)| share / (share + (1.0 - share) * exp((other - own).min(700.0))))
            .sum();
        let next = own / of_origin.len() as f64;
        if f64::abs(next - share) < 1e-9 {
            return Some(next);
        }
        share = next;
    }
    Some(share)
}
