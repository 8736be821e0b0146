//! Functions of mathematics that are not in `libm`: Gaussian and chi-square tails, softmax sums, and a
//! seeded generator of random numbers.
//!
//! All of it gives the same bits on every platform, because `libm` is compiled, not linked.

use libm::{erfc, exp, fabs, lgamma, log, sqrt};

/// `ln(2π)`.
pub(crate) const LN_TWO_PI: f64 = 1.837_877_066_409_345_5;

/// `ln Φ(z)`, the logarithm of the standard normal distribution function.
pub(crate) fn ln_normal_below(z: f64) -> f64 {
    if z > -30.0 {
        return log(0.5 * erfc(-z * core::f64::consts::FRAC_1_SQRT_2));
    }
    // Mills' ratio, Abramowitz & Stegun 26.2.12: erfc would underflow.
    let z2 = z * z;
    -0.5 * z2 - 0.5 * LN_TWO_PI - log(-z) + log(1.0 - 1.0 / z2 + 3.0 / (z2 * z2))
}

/// Probability that a chi-square variable with `degrees` degrees of freedom exceeds `value`.
///
/// The regularised upper incomplete gamma function Q(degrees/2, value/2): its series below the mean and
/// Lentz' continued fraction above (DLMF 8.7.1, 8.9.2; Press et al., Numerical Recipes, 6.2).
pub fn chi_square_above(value: f64, degrees: usize) -> f64 {
    if degrees == 0 || value.is_nan() {
        return f64::NAN;
    }
    if value <= 0.0 {
        return 1.0;
    }
    if value.is_infinite() {
        return 0.0;
    }
    let (a, x) = (degrees as f64 / 2.0, value / 2.0);
    let front = exp(a * log(x) - x - lgamma(a));
    if x < a + 1.0 { 1.0 - front * lower_series(a, x) } else { front * upper_fraction(a, x) }
}

/// Σ x^n / (a (a+1) ... (a+n)); at most 10,000 terms, which suffice for every x < a + 1 met here.
fn lower_series(a: f64, x: f64) -> f64 {
    let mut term = 1.0 / a;
    let mut sum = term;
    for n in 1..10_000_u32 {
        term *= x / (a + f64::from(n));
        sum += term;
        if fabs(term) < fabs(sum) * 1e-16 {
            break;
        }
    }
    sum
}

/// Lentz' evaluation of the continued fraction of the upper incomplete gamma function.
fn upper_fraction(a: f64, x: f64) -> f64 {
    let tiny = 1e-300;
    let mut b = x + 1.0 - a;
    let mut c = 1.0 / tiny;
    let mut d = 1.0 / b;
    let mut h = d;
    for i in 1..10_000_u32 {
        let i = f64::from(i);
        let an = -i * (i - a);
        b += 2.0;
        d = an * d + b;
        d = 1.0 / if fabs(d) < tiny { tiny } else { d };
        c = b + an / c;
        c = if fabs(c) < tiny { tiny } else { c };
        h *= d * c;
        if fabs(d * c - 1.0) < 1e-16 {
            break;
        }
    }
    h
}

/// `ln Σ exp(v)`, without overflow; minus infinity when there is nothing to sum.
pub fn ln_sum_exp(values: impl Iterator<Item = f64> + Clone) -> f64 {
    let top = values.clone().fold(f64::NEG_INFINITY, f64::max);
    if top == f64::NEG_INFINITY {
        return top;
    }
    top + log(values.map(|value| exp(value - top)).sum())
}

/// `ln mean exp(v)` of `count` values.
pub fn ln_mean_exp(values: impl Iterator<Item = f64> + Clone) -> f64 {
    let count = values.clone().count();
    ln_sum_exp(values) - log(count as f64)
}

/// Seeded random numbers: SplitMix64 (Steele, Lea & Flood 2014, doi:10.1145/2660193.2660195).
///
/// For pictures, synthetic data and simulations. Never for keys.
#[derive(Clone, Debug)]
pub struct Seeded(u64);

impl Seeded {
    /// The same seed gives the same numbers for ever.
    pub const fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The next 64 bits.
    pub fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// Uniform in `[0, 1)`, with 53 bits.
    pub fn uniform(&mut self) -> f64 {
        (self.bits() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// Uniform in `0..bound`; zero when the bound is zero. The bias of at most bound / 2^64 does not matter here.
    pub fn below(&mut self, bound: usize) -> usize {
        ((u128::from(self.bits()) * bound as u128) >> 64) as usize
    }

    /// Standard normal (Box and Muller 1958, doi:10.1214/aoms/1177706645).
    pub fn normal(&mut self) -> f64 {
        let radius = sqrt(-2.0 * log(1.0 - self.uniform()));
        radius * libm::cos(2.0 * core::f64::consts::PI * self.uniform())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chi_square_tails_are_those_of_the_tables() {
        // Abramowitz & Stegun, table 26.8, and scipy.stats.chi2.sf.
        for (value, degrees, expected) in [
            (3.841_458_820_694_124, 1, 0.05),
            (22.362_032_494_826_94, 13, 0.05),
            (27.688_249_610_457_05, 13, 0.01),
            (5.0, 13, 0.975_193_133_324_013_5),
            (200.0, 13, 1.366_592_207_117_586_5e-35),
        ] {
            let found = chi_square_above(value, degrees);
            assert!(fabs(found / expected - 1.0) < 1e-6, "{value} with {degrees}: {found} {expected}");
        }
        assert_eq!(chi_square_above(0.0, 3), 1.0);
        assert!(chi_square_above(1.0, 0).is_nan());
    }

    #[test]
    fn the_far_tail_of_the_normal_joins_the_near_one() {
        let (near, far) = (ln_normal_below(-29.999_999), ln_normal_below(-30.000_001));
        assert!(fabs(near - far) < 1e-3, "{near} {far}");
        assert!(fabs(ln_normal_below(0.0) - log(0.5)) < 1e-15);
    }

    #[test]
    fn sums_of_exponentials_neither_overflow_nor_invent() {
        assert_eq!(ln_sum_exp(core::iter::empty()), f64::NEG_INFINITY);
        assert!(fabs(ln_sum_exp([1000.0, 1000.0].into_iter()) - 1000.0 - log(2.0)) < 1e-12);
    }
}
