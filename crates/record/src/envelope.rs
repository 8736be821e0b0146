//! The envelope of an entry, read and written without copies: two length-prefixed fields.
//!
//! It is the canonical encoding of the proto `SignedRecord`; a test compares it with the general
//! encoder on every length around the steps of a varint.

use alloc::vec::Vec;

/// Field 1, length-delimited.
const RECORD_TAG: u8 = 0x0a;
/// Field 2, length-delimited.
const SIGNATURE_TAG: u8 = 0x12;

/// Record and signature of a canonical envelope. None for anything else, canonical or not:
/// the general decoder then has the last word.
pub(crate) fn open(entry: &[u8]) -> Option<(&[u8], &[u8])> {
    let (record, rest) = field(entry, RECORD_TAG)?;
    if rest.is_empty() {
        return Some((record, &[]));
    }
    let (signature, rest) = field(rest, SIGNATURE_TAG)?;
    rest.is_empty().then_some((record, signature))
}

/// A non-empty field with its minimal length prefix, and what follows.
fn field(bytes: &[u8], tag: u8) -> Option<(&[u8], &[u8])> {
    let rest = bytes.strip_prefix(&[tag])?;
    let (length, rest) = match *rest {
        [a, ..] if a < 0x80 => (usize::from(a), &rest[1..]),
        [a, b, ..] if b < 0x80 => (usize::from(a & 0x7f) | usize::from(b) << 7, &rest[2..]),
        // An entry has at most 65,535 bytes, so a length has at most three.
        [a, b, c, ..] if c < 0x80 => {
            (usize::from(a & 0x7f) | usize::from(b & 0x7f) << 7 | usize::from(c) << 14, &rest[3..])
        }
        _ => return None,
    };
    let prefix_bytes = bytes.len() - 1 - rest.len();
    if length == 0 || prefix_bytes != varint_length(length) {
        return None;
    }
    rest.split_at_checked(length)
}

/// Writes the envelope; an empty field is left out.
pub(crate) fn seal(record: &[u8], signature: &[u8]) -> Vec<u8> {
    let mut entry = Vec::with_capacity(length(record.len(), signature.len()));
    for (tag, field) in [(RECORD_TAG, record), (SIGNATURE_TAG, signature)] {
        if !field.is_empty() {
            entry.push(tag);
            prost::encoding::encode_varint(field.len() as u64, &mut entry);
            entry.extend_from_slice(field);
        }
    }
    entry
}

/// Bytes of the envelope with everything in it.
pub(crate) fn length(record: usize, signature: usize) -> usize {
    let field = |length: usize| if length == 0 { 0 } else { 1 + varint_length(length) + length };
    field(record) + field(signature)
}

fn varint_length(value: usize) -> usize {
    prost::encoding::encoded_len_varint(value as u64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::v1;
    use alloc::vec;
    use prost::Message;

    #[test]
    fn the_envelope_is_the_general_encoding() {
        for record in [0, 1, 127, 128, 129, 300, 16_383, 16_384, 65_000] {
            for signature in [0, 1, 64, 127, 128, 200] {
                let (record, signature) = (vec![7; record], vec![9; signature]);
                let general =
                    v1::SignedRecord { record: record.clone(), signature: signature.clone() }.encode_to_vec();
                assert_eq!(seal(&record, &signature), general);
                assert_eq!(length(record.len(), signature.len()), general.len());
                if !record.is_empty() {
                    assert_eq!(open(&general), Some((record.as_slice(), signature.as_slice())));
                }
            }
        }
    }

    #[test]
    fn a_longer_length_prefix_and_trailing_bytes_are_not_canonical() {
        assert_eq!(open(&[RECORD_TAG, 1, 5]), Some((&[5][..], &[][..])));
        assert_eq!(open(&[RECORD_TAG, 0x81, 0, 5]), None);
        assert_eq!(open(&[RECORD_TAG, 1, 5, 0]), None);
        assert_eq!(open(&[RECORD_TAG, 1, 5, SIGNATURE_TAG, 0]), None);
        assert_eq!(open(&[SIGNATURE_TAG, 1, 5, RECORD_TAG, 1, 5]), None);
        assert_eq!(open(&[RECORD_TAG, 2, 5]), None);
        assert_eq!(open(&[]), None);
    }
}
