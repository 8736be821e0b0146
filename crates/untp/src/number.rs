//! Decimals as JSON numbers, without a digit lost on the way.
//!
//! A JSON number is text, but the library that writes it goes through binary fractions. Every decimal of
//! at most fifteen significant digits comes out of that as it went in (IEEE 754, §5.12.2), so that is the
//! limit that is kept here; arithmetic is done in integers before.

use serde_json::{Number, Value};

/// Most significant digits that survive a binary64.
const DIGITS: u32 = 15;

/// `units` x 10^-`places` as a JSON number; digits beyond the fifteenth are rounded off, half up.
pub(crate) fn decimal(units: u128, places: u32) -> Value {
    let (mut units, mut places) = (units, places);
    while places > 0 && (units.is_multiple_of(10) || units >= 10u128.pow(DIGITS)) {
        // Rounding once, at the last digit that goes: a second rounding could carry the first one's error.
        let over = units.checked_ilog10().unwrap_or(0) + 1;
        let drop = if over > DIGITS { (over - DIGITS).min(places) } else { 1 };
        let by = 10u128.pow(drop);
        units = (units + by / 2) / by;
        places -= drop;
    }
    if places == 0 {
        return u64::try_from(units).map_or(Value::Null, Value::from);
    }
    let one = 10u128.pow(places);
    let text = format!("{}.{:0width$}", units / one, units % one, width = places as usize);
    let number: Option<f64> = text.parse().ok();
    number.and_then(Number::from_f64).map_or(Value::Null, Value::Number)
}

/// Milligrams in kilograms.
pub(crate) fn kilograms(mg: u64) -> Value {
    decimal(mg.into(), 6)
}

/// Divides `total` among `weights` by largest remainder, so that the parts sum to exactly `total`. Weights
/// of nothing get nothing; ties go to the first.
pub(crate) fn apportion(total: u64, weights: &[u64]) -> Vec<u64> {
    let sum: u128 = weights.iter().copied().map(u128::from).sum();
    if sum == 0 {
        return vec![0; weights.len()];
    }
    // total < 2^64 and a weight <= sum < 2^64 * len: shares are below 2^64 each.
    let exact = |weight: u64| {
        (u128::from(total) * u128::from(weight) / sum, u128::from(total) * u128::from(weight) % sum)
    };
    let mut parts: Vec<u64> = weights.iter().map(|weight| exact(*weight).0 as u64).collect();
    let mut left = total - parts.iter().sum::<u64>();
    let mut order: Vec<usize> = (0..weights.len()).collect();
    order.sort_by_key(|at| (core::cmp::Reverse(exact(weights[*at]).1), *at));
    for at in order {
        if left == 0 {
            break;
        }
        parts[at] += 1;
        left -= 1;
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimals_come_out_as_they_went_in() {
        assert_eq!(decimal(348_335_877_863, 12).to_string(), "0.348335877863");
        assert_eq!(decimal(1_000_000_000_000, 12).to_string(), "1");
        assert_eq!(decimal(0, 12).to_string(), "0");
        assert_eq!(kilograms(44_982_000).to_string(), "44.982");
        assert_eq!(kilograms(123_456_789_012_345).to_string(), "123456789.012345");
        // One digit more than fits: rounded, once.
        assert_eq!(kilograms(1_234_567_890_123_456).to_string(), "1234567890.12346");
        assert_eq!(decimal(1, 18).to_string(), "1e-18");
    }

    #[test]
    fn parts_sum_to_the_whole() {
        assert_eq!(apportion(10, &[1, 1, 1]), [4, 3, 3]);
        assert_eq!(apportion(1_000, &[2, 1]), [667, 333]);
        assert_eq!(apportion(5, &[0, 0]), [0, 0]);
        let weights = [u64::MAX, u64::MAX, 1];
        assert_eq!(
            apportion(u64::MAX, &weights).iter().map(|part| u128::from(*part)).sum::<u128>(),
            u64::MAX.into()
        );
    }
}
