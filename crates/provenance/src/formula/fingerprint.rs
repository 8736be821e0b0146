//! Fingerprints: an unrefined blend must look like the mass-weighted mix of its parts.

use super::{Exact, Fraction};

/// One trace element in two materials and in their blend, in any one unit of concentration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Trace {
    /// In the first material.
    pub first: Fraction,
    /// In the second material.
    pub second: Fraction,
    /// As measured in the blend.
    pub blend: Fraction,
}

/// Concentration of a mix; each part is its mass and its concentration.
///
/// # Errors
/// No mass, or a result that does not fit.
pub fn predicted(parts: &[(Fraction, Fraction)]) -> Exact<Fraction> {
    let total = Fraction::sum(parts.iter().map(|(mass, _)| *mass))?;
    parts
        .iter()
        .try_fold(Fraction::ZERO, |sum, (mass, concentration)| sum.plus(mass.times(*concentration)?))?
        .over(total)
}

/// The first material's share that explains the measurements best (least squares over all elements):
/// `Σ (m - b)(a - b) / Σ (a - b)²`. Below 0 or above 1 the blend is not a mix of the two.
///
/// # Errors
/// The two materials do not differ in any element, or a result that does not fit.
pub fn implied_share(traces: &[Trace]) -> Exact<Fraction> {
    let (mut covariance, mut variance) = (Fraction::ZERO, Fraction::ZERO);
    for trace in traces {
        let difference = trace.first.minus(trace.second)?;
        covariance = covariance.plus(trace.blend.minus(trace.second)?.times(difference)?)?;
        variance = variance.plus(difference.times(difference)?)?;
    }
    covariance.over(variance)
}

/// Whether the declared share and the implied one are further apart than the tolerance.
///
/// # Errors
/// A result that does not fit.
pub fn mismatch(declared: Fraction, implied: Fraction, tolerance: Fraction) -> Exact<bool> {
    Ok(declared.minus(implied)?.magnitude()? > tolerance)
}
