//! Ratios of masses as whole numbers.

/// Parts per million.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ppm(pub i64);

/// `part / whole` in units of 10^-18, rounded down; nothing when the whole is nothing. Above one it is not capped.
#[must_use]
pub fn ratio_e18(part: u128, whole: u128) -> Option<u64> {
    scaled(part, whole, 1_000_000_000_000_000_000).and_then(|units| u64::try_from(units).ok())
}

/// `part / whole` in parts per million, towards zero; nothing when the whole is nothing.
#[must_use]
pub fn ratio_ppm(part: i128, whole: u128) -> Option<Ppm> {
    let magnitude = scaled(part.unsigned_abs(), whole, 1_000_000)?;
    let magnitude = i64::try_from(magnitude).unwrap_or(i64::MAX);
    Some(Ppm(if part < 0 { -magnitude } else { magnitude }))
}

/// `part * scale / whole`, by long division so that nothing overflows; `None` for no whole or more than 128 bits.
fn scaled(part: u128, whole: u128, scale: u128) -> Option<u128> {
    if whole == 0 {
        return None;
    }
    // As a rule the product fits, and often into 64 bits, where a division costs a tenth.
    if let Some(product) = part.checked_mul(scale) {
        return Some(match (u64::try_from(product), u64::try_from(whole)) {
            (Ok(product), Ok(whole)) => (product / whole).into(),
            _ => product / whole,
        });
    }
    let (mut result, mut rest) = (part / whole, part % whole);
    let mut scale = scale;
    // Ten at a time: a remainder is below `whole`, which is below 2^124 for every mass of a ledger.
    while scale > 1 {
        rest = rest.checked_mul(10)?;
        result = result.checked_mul(10)?.checked_add(rest / whole)?;
        rest %= whole;
        scale /= 10;
    }
    Some(result)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_product_beyond_128_bits_is_divided_digit_by_digit() {
        let whole = u128::MAX / 16;
        assert_eq!(ratio_e18(whole / 2, whole), Some(499_999_999_999_999_999));
        assert_eq!(ratio_e18(whole, whole), Some(1_000_000_000_000_000_000));
        assert_eq!(ratio_ppm((whole / 4).cast_signed(), whole), Some(Ppm(249_999)));
        assert_eq!(ratio_ppm(-i128::MAX, whole), Some(Ppm(-8_000_000)));
    }

    #[test]
    fn ratios_are_exact_to_the_last_unit() {
        assert_eq!(ratio_e18(1, 3), Some(333_333_333_333_333_333));
        assert_eq!(ratio_e18(63, 100), Some(630_000_000_000_000_000));
        assert_eq!(ratio_ppm(-60, 1_300), Some(Ppm(-46_153)));
        assert_eq!((ratio_e18(1, 0), ratio_ppm(0, 7)), (None, Some(Ppm(0))));
    }
}
