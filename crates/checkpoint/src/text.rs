//! The small change of these formats: strict base64, strict decimals.
//!
//! One value has one spelling, so that printing what was parsed gives the signed bytes back.

use alloc::string::String;
use alloc::vec::Vec;

use base64ct::{Base64, Encoding};

pub(crate) fn base64(bytes: &[u8]) -> String {
    Base64::encode_string(bytes)
}

/// Standard base64 with padding; `None` for any other spelling of the same bytes.
pub(crate) fn from_base64(text: &str) -> Option<Vec<u8>> {
    let bytes = Base64::decode_vec(text).ok()?;
    (base64(&bytes) == text).then_some(bytes)
}

/// Exactly 32 bytes of base64.
pub(crate) fn hash_from_base64(text: &str) -> Option<[u8; 32]> {
    from_base64(text)?.try_into().ok()
}

/// ASCII digits without sign or leading zero, fitting 64 bits.
pub(crate) fn decimal(text: &str) -> Option<u64> {
    let plain = !text.is_empty() && text.bytes().all(|digit| digit.is_ascii_digit());
    (plain && (text == "0" || !text.starts_with('0'))).then(|| text.parse().ok())?
}
