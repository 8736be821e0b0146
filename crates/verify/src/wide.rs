//! 256-bit unsigned arithmetic, just enough to weigh shares without rounding twice.

/// An unsigned 256-bit integer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Wide {
    high: u128,
    low: u128,
}

impl Wide {
    /// The full product of two 128-bit integers.
    pub(crate) const fn product(a: u128, b: u128) -> Self {
        const HALF: u128 = u64::MAX as u128;
        let (a1, a0, b1, b0) = (a >> 64, a & HALF, b >> 64, b & HALF);
        let low = a0 * b0;
        let cross = a1 * b0 + (low >> 64);
        let other = a0 * b1 + (cross & HALF);
        Self { high: a1 * b1 + (cross >> 64) + (other >> 64), low: (other << 64) | (low & HALF) }
    }

    /// Sum, or nothing when it does not fit.
    pub(crate) const fn checked_add(self, other: Self) -> Option<Self> {
        let (low, carry) = self.low.overflowing_add(other.low);
        let Some(high) = self.high.checked_add(other.high) else { return None };
        let Some(high) = high.checked_add(carry as u128) else { return None };
        Some(Self { high, low })
    }

    /// Quotient rounded down, or nothing when the divisor is zero or the quotient has over 128 bits.
    pub(crate) const fn checked_div(self, divisor: u128) -> Option<u128> {
        if divisor == 0 || self.high >= divisor {
            return None;
        }
        let (mut remainder, mut quotient) = (self.high, 0u128);
        let mut bit = 128;
        while bit > 0 {
            bit -= 1;
            let overflow = remainder >> 127 == 1;
            remainder = remainder << 1 | (self.low >> bit & 1);
            quotient <<= 1;
            if overflow || remainder >= divisor {
                remainder = remainder.wrapping_sub(divisor);
                quotient |= 1;
            }
        }
        Some(quotient)
    }
}

#[cfg(test)]
mod tests {
    use super::Wide;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn dividing_a_product_gives_the_factor_back(a: u128, b in 1u128..) {
            prop_assert_eq!(Wide::product(a, b).checked_div(b), Some(a));
        }

        #[test]
        fn small_numbers_agree_with_the_machine(a: u64, b: u64, c: u64, d in 1u128..) {
            let sum = Wide::product(a.into(), b.into()).checked_add(Wide::product(c.into(), 1)).expect("fits");
            let value = u128::from(a) * u128::from(b);
            if let Some(value) = value.checked_add(c.into()) {
                prop_assert_eq!(sum.checked_div(d), Some(value / d));
            }
        }
    }

    #[test]
    fn nothing_is_divided_by_zero_and_no_quotient_is_cut() {
        assert_eq!(Wide::product(1, 1).checked_div(0), None);
        assert_eq!(Wide::product(u128::MAX, u128::MAX).checked_div(2), None);
    }
}
