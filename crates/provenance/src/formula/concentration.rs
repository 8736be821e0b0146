//! Concentration: how much hangs on few.

use super::{Exact, Fraction};

/// Herfindahl-Hirschman index: the sum of squared shares, 1 when all comes from one.
///
/// # Errors
/// A result that does not fit; shares with 18 decimals need up to 36, and many of them may not sum
/// within 128 bits. See [`herfindahl_of_parts`].
pub fn herfindahl(shares: impl IntoIterator<Item = Fraction>) -> Exact<Fraction> {
    shares.into_iter().try_fold(Fraction::ZERO, |sum, share| sum.plus(share.times(share)?))
}

/// The same of an answer's shares. At most 10^36 after scaling, so it always fits.
///
/// # Errors
/// More than one whole in all.
pub fn herfindahl_of_parts(shares: impl IntoIterator<Item = crate::Parts>) -> Exact<Fraction> {
    let sum = shares.into_iter().try_fold(0i128, |sum, share| {
        let units = i128::from(share.units());
        sum.checked_add(units * units).ok_or(super::ArithmeticError::Overflow)
    })?;
    Fraction::new(sum, crate::share::WHOLE)
}

/// Position of the largest share; the first of equals.
pub fn largest(shares: impl IntoIterator<Item = Fraction>) -> Option<usize> {
    let mut best: Option<(usize, Fraction)> = None;
    for (index, share) in shares.into_iter().enumerate() {
        if best.is_none_or(|(_, most)| share > most) {
            best = Some((index, share));
        }
    }
    best.map(|(index, _)| index)
}
