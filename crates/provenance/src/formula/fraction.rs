//! Exact fractions of 128-bit numbers, reduced, that refuse rather than overflow.

use core::cmp::Ordering;
use core::fmt;

use crate::share::Parts;
use crate::wide::U256;

/// A reduced fraction. The denominator is never zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Fraction {
    numerator: i128,
    denominator: u128,
}

/// Why a fraction could not be computed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ArithmeticError {
    /// The exact result needs more than 128 bits.
    #[error("the exact result does not fit into 128 bits")]
    Overflow,
    /// Something was to be divided by nothing.
    #[error("division by zero")]
    DivisionByZero,
}

use ArithmeticError::{DivisionByZero, Overflow};

impl Fraction {
    /// Nothing.
    pub const ZERO: Self = Self { numerator: 0, denominator: 1 };
    /// The whole.
    pub const ONE: Self = Self { numerator: 1, denominator: 1 };

    /// `numerator / denominator`, reduced.
    ///
    /// # Errors
    /// The denominator is zero.
    pub fn new(numerator: i128, denominator: u128) -> Result<Self, ArithmeticError> {
        if denominator == 0 {
            return Err(DivisionByZero);
        }
        let common = greatest_common_divisor(numerator.unsigned_abs(), denominator);
        let magnitude = numerator.unsigned_abs() / common;
        // The magnitude only shrank, so the sign fits as it did before.
        let numerator =
            if numerator < 0 { 0i128.wrapping_sub_unsigned(magnitude) } else { magnitude.cast_signed() };
        Ok(Self { numerator, denominator: denominator / common })
    }

    /// A whole number.
    #[must_use]
    pub fn whole(number: u64) -> Self {
        Self { numerator: i128::from(number), denominator: 1 }
    }

    /// Numerator of the reduced fraction.
    #[must_use]
    pub fn numerator(&self) -> i128 {
        self.numerator
    }

    /// Denominator of the reduced fraction.
    #[must_use]
    pub fn denominator(&self) -> u128 {
        self.denominator
    }

    /// Whether it is below zero.
    #[must_use]
    pub fn is_negative(&self) -> bool {
        self.numerator < 0
    }

    /// Sum.
    ///
    /// # Errors
    /// Overflow.
    pub fn plus(self, other: Self) -> Result<Self, ArithmeticError> {
        let common = greatest_common_divisor(self.denominator, other.denominator);
        let (left, right) = (other.denominator / common, self.denominator / common);
        let left = self.numerator.checked_mul(signed(left)?).ok_or(Overflow)?;
        let right = other.numerator.checked_mul(signed(right)?).ok_or(Overflow)?;
        let denominator = (self.denominator / common).checked_mul(other.denominator).ok_or(Overflow)?;
        Self::new(left.checked_add(right).ok_or(Overflow)?, denominator)
    }

    /// Difference.
    ///
    /// # Errors
    /// Overflow.
    pub fn minus(self, other: Self) -> Result<Self, ArithmeticError> {
        let numerator = other.numerator.checked_neg().ok_or(Overflow)?;
        self.plus(Self { numerator, ..other })
    }

    /// Product.
    ///
    /// # Errors
    /// Overflow.
    pub fn times(self, other: Self) -> Result<Self, ArithmeticError> {
        // Reduced crosswise first, so that only results that cannot be written overflow.
        let left = Self::new(self.numerator, other.denominator)?;
        let right = Self::new(other.numerator, self.denominator)?;
        Ok(Self {
            numerator: left.numerator.checked_mul(right.numerator).ok_or(Overflow)?,
            denominator: left.denominator.checked_mul(right.denominator).ok_or(Overflow)?,
        })
    }

    /// Quotient.
    ///
    /// # Errors
    /// Overflow, or a divisor of zero.
    pub fn over(self, other: Self) -> Result<Self, ArithmeticError> {
        let magnitude = signed(other.denominator)?;
        let numerator = if other.is_negative() { -magnitude } else { magnitude };
        self.times(Self::new(numerator, other.numerator.unsigned_abs())?)
    }

    /// Without its sign.
    ///
    /// # Errors
    /// Overflow.
    pub fn magnitude(self) -> Result<Self, ArithmeticError> {
        Ok(Self { numerator: self.numerator.checked_abs().ok_or(Overflow)?, ..self })
    }

    /// Sum of many.
    ///
    /// # Errors
    /// Overflow.
    pub fn sum(terms: impl IntoIterator<Item = Self>) -> Result<Self, ArithmeticError> {
        terms.into_iter().try_fold(Self::ZERO, Self::plus)
    }
}

impl From<Parts> for Fraction {
    fn from(parts: Parts) -> Self {
        Self::new(i128::from(parts.units()), u128::from(Parts::ONE.units())).unwrap_or(Self::ZERO)
    }
}

impl PartialOrd for Fraction {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Fraction {
    /// By value; the products have up to 256 bits.
    fn cmp(&self, other: &Self) -> Ordering {
        let left = U256::product(self.numerator.unsigned_abs(), other.denominator);
        let right = U256::product(other.numerator.unsigned_abs(), self.denominator);
        match (self.is_negative(), other.is_negative()) {
            (false, false) => left.cmp(&right),
            (true, true) => right.cmp(&left),
            (true, false) => Ordering::Less,
            (false, true) => Ordering::Greater,
        }
    }
}

impl fmt::Display for Fraction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.denominator {
            1 => write!(f, "{}", self.numerator),
            denominator => write!(f, "{}/{denominator}", self.numerator),
        }
    }
}

fn signed(number: u128) -> Result<i128, ArithmeticError> {
    i128::try_from(number).map_err(|_| Overflow)
}

/// Of two numbers that are not both zero; Euclid, at most 185 rounds for 128 bits.
fn greatest_common_divisor(mut a: u128, mut b: u128) -> u128 {
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a
}

#[cfg(test)]
mod tests {
    use num_rational::BigRational;
    use proptest::prelude::*;

    use super::*;

    fn big(fraction: Fraction) -> BigRational {
        BigRational::new(fraction.numerator.into(), fraction.denominator.into())
    }

    fn fractions() -> impl Strategy<Value = Fraction> {
        (any::<i128>(), any::<u128>(), 0u32..127, 0u32..127).prop_map(
            |(numerator, denominator, left, right)| {
                Fraction::new(numerator >> left, (denominator >> right).max(1)).unwrap()
            },
        )
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(5_000))]
        #[test]
        fn arithmetic_equals_a_library_for_big_fractions_or_refuses(a in fractions(), b in fractions()) {
            prop_assert_eq!(a.cmp(&b), big(a).cmp(&big(b)));
            if let Ok(sum) = a.plus(b) { prop_assert_eq!(big(sum), big(a) + big(b)); }
            if let Ok(difference) = a.minus(b) { prop_assert_eq!(big(difference), big(a) - big(b)); }
            if let Ok(product) = a.times(b) { prop_assert_eq!(big(product), big(a) * big(b)); }
            match a.over(b) {
                Ok(quotient) => prop_assert_eq!(big(quotient), big(a) / big(b)),
                Err(DivisionByZero) => prop_assert_eq!(b.numerator(), 0),
                Err(Overflow) => {}
            }
        }
    }

    #[test]
    fn the_smallest_numerator_is_reduced_without_overflow() {
        let smallest = Fraction::new(i128::MIN, 1 << 127).unwrap();
        assert_eq!((smallest.numerator(), smallest.denominator()), (-1, 1));
        assert_eq!(Fraction::new(i128::MIN, 1).unwrap().numerator(), i128::MIN);
        assert_eq!(Fraction::new(i128::MIN, 1).unwrap().magnitude(), Err(Overflow));
        assert_eq!(Fraction::new(1, 0), Err(DivisionByZero));
    }
}
