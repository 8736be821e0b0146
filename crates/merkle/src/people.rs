//! Counts as people read them, in refusals and reports; nothing that is hashed or signed is written so.

use alloc::string::{String, ToString};

/// A whole number, its digits in groups of three: 1,234,567.
#[must_use]
pub fn thousands(number: u128) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::thousands;

    #[test]
    fn digits_stand_in_groups_of_three() {
        let said = [0, 999, 1_000, 65_535, 268_435_457, u128::from(u64::MAX)].map(thousands);
        assert_eq!(said, ["0", "999", "1,000", "65,535", "268,435,457", "18,446,744,073,709,551,615"]);
    }
}
