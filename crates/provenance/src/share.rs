//! Shares: scaled integers that sum to exactly one.
//!
//! Inside a walk a weight has 36 decimals and is always rounded down, so the result
//! does not depend on the order in which parts are met. An answer has 18 decimals:
//! weights are rounded to 27 first, which removes what rounding down took, and
//! then apportioned by largest remainder, ties going to the smaller key.

use alloc::vec::Vec;
use core::{cmp::Reverse, fmt};

/// One whole, in weights: 10^36. Divisible by 2^36 and 5^36, so the fractions of everyday blends are exact.
pub(crate) const WHOLE: u128 = 1_000_000_000_000_000_000_000_000_000_000_000_000;
/// Weight of one unit of the last place of an answer.
const PER_PART: u128 = 1_000_000_000_000_000_000;
/// Weight of one unit of the 27th decimal.
const PER_FINE: u128 = 1_000_000_000;
/// Each taken part rounds down by less than 1, and a walk meets at most 10^8 of them per weight.
const ROUNDED_DOWN: u128 = 100_000_000;

/// A fraction of one in units of 10^-18.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Parts(u64);

impl Parts {
    /// Nothing.
    pub const ZERO: Self = Self(0);
    /// The whole: 10^18 units.
    pub const ONE: Self = Self(1_000_000_000_000_000_000);

    /// A fraction from its number of 10^-18 units; `None` above one.
    #[must_use]
    pub fn new(units: u64) -> Option<Self> {
        (units <= Self::ONE.0).then_some(Self(units))
    }

    /// Number of 10^-18 units, 0 to 10^18.
    #[must_use]
    pub fn units(self) -> u64 {
        self.0
    }

    /// Sum, at most one.
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0).min(Self::ONE.0))
    }

    /// Difference, at least zero.
    #[must_use]
    pub fn minus(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }

    /// This fraction of a mass, rounded down.
    #[must_use]
    pub fn of(self, mass: crate::types::Picograms) -> crate::types::Picograms {
        crate::types::Picograms(crate::wide::mul_div_floor(
            mass.0,
            u128::from(self.0),
            u128::from(Self::ONE.0),
        ))
    }

    /// To the nearest unit. A walk's weight lies at most a hair below the true one, so halves go up.
    pub(crate) fn nearest(weight: u128) -> Self {
        Self::capped(crate::wide::per_e18(weight.saturating_add(PER_PART / 2 + ROUNDED_DOWN)))
    }

    pub(crate) fn down(weight: u128) -> Self {
        Self::capped(weight / PER_PART)
    }

    pub(crate) fn up(weight: u128) -> Self {
        Self::capped(weight.div_ceil(PER_PART))
    }

    fn capped(units: u128) -> Self {
        Self(u64::try_from(units).map_or(Self::ONE.0, |units| units.min(Self::ONE.0)))
    }
}

impl fmt::Display for Parts {
    /// All eighteen decimals.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{:018}", self.0 / Self::ONE.0, self.0 % Self::ONE.0)
    }
}

/// A share with the interval in which the true one lies; `lower ≤ value ≤ upper`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Share {
    /// Under the methods that the answer names.
    pub value: Parts,
    /// No less than this.
    pub lower: Parts,
    /// No more than this.
    pub upper: Parts,
}

impl Share {
    /// A share without interval.
    #[must_use]
    pub fn exactly(value: Parts) -> Self {
        Self { value, lower: value, upper: value }
    }

    /// Whether nothing is uncertain about it.
    #[must_use]
    pub fn is_exact(&self) -> bool {
        self.lower == self.upper
    }

    /// Sum of shares of different origins.
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        Self {
            value: self.value.plus(other.value),
            lower: self.lower.plus(other.lower),
            upper: self.upper.plus(other.upper),
        }
    }

    /// What is not this share.
    #[must_use]
    pub fn complement(self) -> Self {
        Self {
            value: Parts::ONE.minus(self.value),
            lower: Parts::ONE.minus(self.upper),
            upper: Parts::ONE.minus(self.lower),
        }
    }
}

/// Rounds weights that sum to one whole (but for rounding down) to parts that sum to exactly one.
///
/// The order of `weights` breaks ties: earlier wins.
pub(crate) fn apportion(weights: impl ExactSizeIterator<Item = u128>) -> Vec<Parts> {
    let mut parts = Vec::with_capacity(weights.len());
    let mut remainders = Vec::with_capacity(weights.len());
    let mut missing = Parts::ONE.0;
    for (index, weight) in weights.enumerate() {
        let weight = weight.saturating_add(PER_FINE / 2 + ROUNDED_DOWN);
        let units = crate::wide::per_e18(weight);
        // Less than 10^18, and rounded to the 27th decimal.
        let remainder = weight.wrapping_sub(units.wrapping_mul(PER_PART)) as u64 / PER_FINE as u64;
        let whole = Parts::capped(units).0.min(missing);
        missing -= whole;
        parts.push(Parts(whole));
        remainders.push((Reverse(remainder), index));
    }
    // With n weights that sum to one at most n units are missing.
    let missing = usize::try_from(missing).unwrap_or(usize::MAX).min(remainders.len());
    if let Some(last) = missing.checked_sub(1) {
        let (larger, last, _) = remainders.select_nth_unstable(last);
        for (_, index) in larger.iter().chain([&*last]) {
            parts[*index].0 += 1;
        }
    }
    parts
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn thirds_sum_to_one_and_the_first_gets_the_last_unit() {
        let parts = apportion([WHOLE / 3, WHOLE / 3, WHOLE / 3].into_iter());
        assert_eq!(
            parts,
            [Parts(333_333_333_333_333_334), Parts(333_333_333_333_333_333), Parts(333_333_333_333_333_333)]
        );
    }

    #[test]
    fn a_weight_a_hair_below_a_half_still_rounds_up() {
        assert_eq!(Parts::nearest(PER_PART / 2 - 1_000), Parts(1));
        assert_eq!(Parts::nearest(PER_PART / 2 - 1_000_000_000), Parts(0));
    }

    proptest! {
        #[test]
        fn parts_sum_to_one_and_stay_within_a_unit_of_their_weights(
            cuts in proptest::collection::vec(0..=WHOLE, 0..40),
            lost in 0u128..1_000,
        ) {
            let mut cuts = cuts;
            cuts.extend([0, WHOLE]);
            cuts.sort_unstable();
            let mut weights: Vec<u128> = cuts.windows(2).map(|pair| pair[1] - pair[0]).collect();
            weights[0] = weights[0].saturating_sub(lost);
            let parts = apportion(weights.iter().copied());
            prop_assert_eq!(parts.iter().map(|part| u128::from(part.0)).sum::<u128>(), PER_PART);
            for (part, weight) in parts.iter().zip(&weights) {
                prop_assert!((u128::from(part.0) * PER_PART).abs_diff(*weight) <= PER_PART + PER_FINE);
            }
        }
    }
}
