//! Exact products and quotients beyond 128 bits.
//!
//! A share times a contained mass needs up to 214 bits. Nothing here rounds but
//! the last division, and that one says which way.

/// An unsigned number of 256 bits: `high · 2^128 + low`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct U256 {
    high: u128,
    low: u128,
}

const HALF: u32 = 64;
const BASE: u128 = 1 << HALF;
const MASK: u128 = BASE - 1;

impl U256 {
    /// `a · b`, exactly.
    #[inline]
    pub(crate) fn product(a: u128, b: u128) -> Self {
        let (a1, a0, b1, b0) = (a >> HALF, a & MASK, b >> HALF, b & MASK);
        let low = a0 * b0;
        // Each partial product is below 2^128 - 2^65, so two carries of 64 bits still fit.
        let middle = a1 * b0 + (low >> HALF);
        let other = a0 * b1 + (middle & MASK);
        let high = a1 * b1 + (middle >> HALF) + (other >> HALF);
        Self { high, low: (other << HALF) | (low & MASK) }
    }

    /// Sum; saturates at 2^256 - 1, which no caller's bound lets it reach.
    #[inline]
    pub(crate) fn plus(self, other: Self) -> Self {
        let (low, carry) = self.low.overflowing_add(other.low);
        let high = self.high.checked_add(other.high).and_then(|high| high.checked_add(u128::from(carry)));
        match high {
            Some(high) => Self { high, low },
            None => Self { high: u128::MAX, low: u128::MAX },
        }
    }

    /// Quotient and whether a remainder was left; saturates at 2^128 - 1 when the quotient does not
    /// fit (a divisor of zero included).
    #[inline]
    pub(crate) fn divide(self, divisor: u128) -> (u128, bool) {
        if self.high >= divisor {
            return (u128::MAX, true);
        }
        if self.high == 0 {
            let quotient = self.low / divisor;
            return (quotient, self.low != quotient * divisor);
        }
        let (quotient, remainder) =
            if divisor < BASE { self.divide_short(divisor) } else { self.divide_long(divisor) };
        (quotient, remainder != 0)
    }

    /// Schoolbook division by one 64-bit digit; needs `high < divisor < 2^64`.
    #[inline]
    fn divide_short(self, divisor: u128) -> (u128, u128) {
        // Remainders by multiplication: a 128-bit division costs ten times as much.
        let first = (self.high << HALF) | (self.low >> HALF);
        let q1 = first / divisor;
        let second = ((first - q1 * divisor) << HALF) | (self.low & MASK);
        let q0 = second / divisor;
        ((q1 << HALF) | q0, second - q0 * divisor)
    }

    /// Knuth's algorithm D (TAOCP 4.3.1) for two 64-bit digits; needs `high < divisor`.
    fn divide_long(self, divisor: u128) -> (u128, u128) {
        let shift = divisor.leading_zeros();
        let divisor = divisor << shift;
        let (d1, d0) = (divisor >> HALF, divisor & MASK);
        let top = if shift == 0 { self.high } else { (self.high << shift) | (self.low >> (128 - shift)) };
        let low = self.low << shift;

        let (q1, rest) = quotient_digit(top, low >> HALF, divisor, d1, d0);
        let (q0, rest) = quotient_digit(rest, low & MASK, divisor, d1, d0);
        ((q1 << HALF) | q0, rest >> shift)
    }
}

/// One digit of Knuth's division: `(top · 2^64 + next) / divisor`, and what remains.
#[inline]
fn quotient_digit(top: u128, next: u128, divisor: u128, d1: u128, d0: u128) -> (u128, u128) {
    let mut digit = top / d1;
    let mut rest = top - digit * d1;
    // At most two rounds: the estimate exceeds the digit by at most 2.
    while digit >= BASE || digit * d0 > ((rest << HALF) | next) {
        digit -= 1;
        rest += d1;
        if rest >= BASE {
            break;
        }
    }
    // Exact modulo 2^128, and the true value is below the divisor.
    let rest = (top << HALF).wrapping_add(next).wrapping_sub(digit.wrapping_mul(divisor));
    (digit, rest)
}

/// A divisor used many times: below 2^64 its reciprocal turns each division into multiplications.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Divider {
    divisor: u128,
    /// The divisor shifted until its top bit is set, the shift, and the reciprocal; for divisors below 2^64.
    short: Option<(u64, u32, u64)>,
}

impl Divider {
    #[inline]
    pub(crate) fn new(divisor: u128) -> Self {
        let short = u64::try_from(divisor).ok().filter(|it| *it > 0).map(|divisor| {
            let shift = divisor.leading_zeros();
            let top = divisor << shift;
            // ⌊(2^128 - 1) / top⌋ - 2^64, which is below 2^64.
            let reciprocal = (u128::MAX - (u128::from(top) << HALF)) / u128::from(top);
            (top, shift, reciprocal as u64)
        });
        Self { divisor, short }
    }

    /// `⌊a · b / divisor⌋`; saturates instead of overflowing.
    #[inline]
    pub(crate) fn floor(&self, a: u128, b: u128) -> u128 {
        let (Some((top, shift, reciprocal)), Ok(b)) = (self.short, u64::try_from(b)) else {
            return U256::product(a, b).divide(self.divisor).0;
        };
        let low = (a & MASK) * u128::from(b);
        let high = (a >> HALF) * u128::from(b) + (low >> HALF);
        if high >> HALF >= self.divisor {
            return u128::MAX;
        }
        // The highest digit is below the divisor, so the shifted product keeps to three digits.
        let digits = [(high >> HALF) as u64, high as u64, low as u64];
        let shifted = |upper: u64, lower: u64| {
            ((u128::from(upper) << HALF | u128::from(lower)) << shift >> HALF) as u64
        };
        let [u2, u1, u0] = [shifted(digits[0], digits[1]), shifted(digits[1], digits[2]), digits[2] << shift];
        let (q1, rest) = divide_two_by_one(u2, u1, top, reciprocal);
        let (q0, _) = divide_two_by_one(rest, u0, top, reciprocal);
        (u128::from(q1) << HALF) | u128::from(q0)
    }
}

/// A part of a sum, of which many weights take their share.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ratio {
    part: u64,
    sum: u64,
    /// `⌊2^127 · part / sum⌋`.
    units: u128,
}

impl Ratio {
    /// Nothing where the part is more than the sum, or the sum not below 2^63: see [`Divider`] then.
    #[inline]
    pub(crate) fn of(part: u128, divider: &Divider) -> Option<Self> {
        let sum =
            u64::try_from(divider.divisor).ok().filter(|sum| *sum < 1 << 63 && part <= u128::from(*sum))?;
        Some(Self { part: part as u64, sum, units: divider.floor(1 << 127, part) })
    }

    /// `⌊weight · part / sum⌋`, for weights below 2^127.
    #[inline]
    pub(crate) fn floor(&self, weight: u128) -> u128 {
        // The units are less than 1 too few, so the product by 2^127 is less than the weight too small: the quotient
        // is right or one too few, and what remains tells, of which 64 bits are enough.
        let product = U256::product(weight, self.units);
        let quotient = (product.high << 1) | (product.low >> 127);
        let rest =
            (weight as u64).wrapping_mul(self.part).wrapping_sub((quotient as u64).wrapping_mul(self.sum));
        quotient + u128::from(rest >= self.sum)
    }
}

/// 10^18 with its top bit set, the shift that does it, and its reciprocal; see [`Divider`].
const E18: (u64, u32, u64) = (1_000_000_000_000_000_000 << 4, 4, 0x2725_dd1d_243a_ba0e);
/// ⌊2^240 / 10^36⌋.
const RECIPROCAL_E36: u128 = 0x0154_4849_32d2_e725_a5bb_ca17_a3ab_a173;

/// `⌊number / 10^18⌋`, without a division.
#[inline]
pub(crate) fn per_e18(number: u128) -> u128 {
    let (top, shift, reciprocal) = E18;
    if number >> (128 - shift) != 0 || (number << shift) >> HALF >= u128::from(top) {
        return number / 1_000_000_000_000_000_000;
    }
    let shifted = number << shift;
    u128::from(divide_two_by_one((shifted >> HALF) as u64, shifted as u64, top, reciprocal).0)
}

/// `⌊(a · b + 10^36 / 2) / 10^36⌋`: a part of a mass, to the nearest unit, halves up. Needs `b` at most 10^36.
#[inline]
pub(crate) fn nearest_per_e36(a: u128, b: u128) -> u128 {
    const E36: u128 = 1_000_000_000_000_000_000 * 1_000_000_000_000_000_000;
    let number = U256::product(a, b).plus(U256 { high: 0, low: E36 / 2 });
    if number.high >> 112 != 0 {
        return number.divide(E36).0;
    }
    // Barrett's reduction in base 2 (Menezes et al., Handbook of Applied Cryptography, 14.42): at most two too few.
    let estimate = U256::product((number.high << 9) | (number.low >> 119), RECIPROCAL_E36);
    let mut quotient = (estimate.high << 7) | (estimate.low >> 121);
    let mut rest = number.low.wrapping_sub(quotient.wrapping_mul(E36));
    while rest >= E36 {
        rest -= E36;
        quotient += 1;
    }
    quotient
}

/// A weight as a fraction of one whole in units of 2^-128, for many masses: what of each, to the nearest picogram.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Fraction {
    weight: u128,
    /// Less than 2^9 units below the true fraction; none for a weight of one whole.
    units: Option<u128>,
}

impl Fraction {
    /// Needs `weight` at most 10^36.
    #[inline]
    pub(crate) fn of(weight: u128) -> Self {
        const E36: u128 = 1_000_000_000_000_000_000 * 1_000_000_000_000_000_000;
        // The reciprocal is less than 1 too small, so the product is by less than the weight, which is below 2^120:
        // that is 2^8 units of 2^-128, and rounding down makes it one more.
        let product = U256::product(weight, RECIPROCAL_E36);
        let units = (weight < E36).then_some((product.high << 16) | (product.low >> 112));
        Self { weight, units }
    }

    /// `⌊(mass · weight + 10^36 / 2) / 10^36⌋`.
    #[inline]
    pub(crate) fn of_mass(&self, mass: u128) -> u128 {
        let Some(units) = self.units else { return mass };
        let Ok(small) = u64::try_from(mass) else { return nearest_per_e36(mass, self.weight) };
        let low = (units & MASK) * u128::from(small);
        let high = (units >> HALF) * u128::from(small) + (low >> HALF);
        // Whole picograms, and 64 bits of the rest: less than 2^64 · 2^9 units of 2^-128 too small, which is 2^9 of
        // 2^-64, and one for rounding down.
        let (whole, rest) = (high >> HALF, high as u64);
        const MIDDLE: u64 = 1 << 63;
        if rest >= MIDDLE {
            whole + 1
        } else if rest < MIDDLE - (1 << 10) {
            whole
        } else {
            nearest_per_e36(mass, self.weight)
        }
    }
}

/// Möller and Granlund, "Improved division by invariant integers" (2011), algorithm 4.
#[inline]
fn divide_two_by_one(u1: u64, u0: u64, top: u64, reciprocal: u64) -> (u64, u64) {
    let estimate =
        (u128::from(reciprocal) * u128::from(u1)).wrapping_add((u128::from(u1) << HALF) | u128::from(u0));
    let mut quotient = ((estimate >> HALF) as u64).wrapping_add(1);
    let mut rest = u0.wrapping_sub(quotient.wrapping_mul(top));
    // As likely as not: a mask costs less than a branch that cannot be foreseen.
    let over = u64::from(rest > estimate as u64).wrapping_neg();
    quotient = quotient.wrapping_add(over);
    rest = rest.wrapping_add(over & top);
    if rest >= top {
        quotient = quotient.wrapping_add(1);
        rest -= top;
    }
    (quotient, rest)
}

/// `⌊a · b / divisor⌋`; saturates instead of overflowing.
#[inline]
pub(crate) fn mul_div_floor(a: u128, b: u128, divisor: u128) -> u128 {
    U256::product(a, b).divide(divisor).0
}

/// The part of a value that `some` is of `all`, rounded down; the product is exact, whatever the masses. Zero of
/// nothing.
#[must_use]
pub fn proportion(value: u128, some: u128, all: u128) -> u128 {
    if all == 0 { 0 } else { mul_div_floor(value, some, all) }
}

/// `⌈a · b / divisor⌉`; saturates instead of overflowing.
#[inline]
pub(crate) fn mul_div_ceil(a: u128, b: u128, divisor: u128) -> u128 {
    let (quotient, more) = U256::product(a, b).divide(divisor);
    quotient.saturating_add(u128::from(more))
}

#[cfg(test)]
mod tests {
    use num_bigint::BigUint;
    use proptest::prelude::*;

    use super::*;

    fn skewed() -> impl Strategy<Value = u128> {
        (any::<u128>(), 0u32..128, any::<bool>())
            .prop_map(|(bits, shift, ones)| if ones { u128::MAX >> shift } else { bits >> shift })
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(20_000))]
        #[test]
        fn quotients_equal_those_of_a_library_for_big_numbers(a in skewed(), b in skewed(), d in skewed()) {
            prop_assume!(d > 0);
            let exact = BigUint::from(a) * BigUint::from(b);
            let floor = &exact / BigUint::from(d);
            let ceil = (&exact + BigUint::from(d - 1)) / BigUint::from(d);
            let limit = BigUint::from(u128::MAX);
            prop_assert_eq!(Divider::new(d).floor(a, b), mul_div_floor(a, b, d));
            if let Some(ratio) = Ratio::of(b, &Divider::new(d)) {
                prop_assert_eq!(ratio.floor(a >> 1), mul_div_floor(a >> 1, b, d));
            }
            let sum = u128::from(d as u64 >> 1 | 1);
            let part = b % (sum + 1);
            let ratio = Ratio::of(part, &Divider::new(sum)).expect("a part of a small sum");
            prop_assert_eq!(ratio.floor(a >> 1), mul_div_floor(a >> 1, part, sum));
            prop_assert_eq!(BigUint::from(mul_div_floor(a, b, d)), floor.min(limit.clone()));
            prop_assert_eq!(BigUint::from(mul_div_ceil(a, b, d)), ceil.min(limit));
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(20_000))]
        #[test]
        fn reciprocals_of_powers_of_ten_give_what_division_gives(a in skewed(), b in skewed()) {
            let (e18, e36) = (BigUint::from(10_u8).pow(18), BigUint::from(10_u8).pow(36));
            prop_assert_eq!(BigUint::from(per_e18(a)), BigUint::from(a) / &e18);
            let b = b % (10_u128.pow(36) + 1);
            let exact = (BigUint::from(a) * BigUint::from(b) + (&e36 >> 1)) / &e36;
            prop_assert_eq!(&BigUint::from(nearest_per_e36(a, b)), &exact);
            prop_assert_eq!(&BigUint::from(Fraction::of(b).of_mass(a)), &exact);
            let small = a as u64;
            let exact = (BigUint::from(small) * BigUint::from(b) + (&e36 >> 1)) / &e36;
            prop_assert_eq!(BigUint::from(Fraction::of(b).of_mass(small.into())), exact);
        }
    }

    #[test]
    fn whole_masses_and_multiples_are_exact() {
        let whole = 10_u128.pow(36);
        for mass in [0, 1, u128::from(u64::MAX), u128::MAX >> 32, u128::MAX] {
            assert_eq!(nearest_per_e36(mass, whole), mass);
            assert_eq!(nearest_per_e36(mass, 0), 0);
        }
        for units in [0, 1, 999, u128::from(u64::MAX)] {
            assert_eq!(per_e18(units * 10_u128.pow(18)), units);
            assert_eq!(per_e18((units + 1) * 10_u128.pow(18) - 1), units);
        }
    }

    #[test]
    fn halves_of_a_picogram_go_up_however_close() {
        let whole = 10_u128.pow(36);
        for mass in [1_u128, 3, 999_999_999, u128::from(u64::MAX)] {
            // Just below, at, and just above the weights that make half a picogram of it.
            for weight in (0..4).flat_map(|odd| {
                let half = (whole / 2 * (2 * odd + 1)).checked_div(mass).unwrap_or(0).min(whole);
                [half.saturating_sub(1), half, (half + 1).min(whole)]
            }) {
                assert_eq!(
                    Fraction::of(weight).of_mass(mass),
                    nearest_per_e36(mass, weight),
                    "{mass} {weight}"
                );
            }
        }
    }

    #[test]
    fn sums_carry_into_the_high_half() {
        let all = U256::product(u128::MAX, 1);
        assert_eq!(all.plus(U256::product(1, 1)), U256 { high: 1, low: 0 });
        let most = U256 { high: u128::MAX, low: u128::MAX };
        assert_eq!(most.plus(most), most);
    }
}
