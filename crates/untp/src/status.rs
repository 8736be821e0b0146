//! Bitstring status lists (W3C Bitstring Status List 1.0): which passports are stale.
//!
//! A passport's index is the leaf of the record that made its lot, so nobody has to keep a register: the
//! bit is set when that record was withdrawn, which is what rule C8 calls a passport on facts that were
//! later corrected. The lot that replaces the withdrawn one was made by another record and has another
//! bit, so a new passport is not stale. Whoever reads the ledger can make the list again and compare.

use std::io::{Read, Write};

use base64ct::{Base64UrlUnpadded, Encoding};
use flate2::{Compression, read::GzDecoder, write::GzEncoder};
use serde_json::{Value, json};

use crate::{CREDENTIALS_CONTEXT, place::Place, time::rfc3339};

/// Bits of one list: the least that the specification allows (16 KiB), so that no one passport stands out.
pub const BITS: u64 = 131_072;
const BYTES: usize = (BITS / 8) as usize;

/// The list and the bit of a leaf.
#[must_use]
pub const fn position(leaf: u64) -> (u64, u64) {
    (leaf / BITS, leaf % BITS)
}

/// Entry of a credential that stands and falls with the record at `leaf`.
#[must_use]
pub fn entry(place: &Place, leaf: u64) -> Value {
    let (list, bit) = position(leaf);
    let url = place.status_list(list);
    json!({
        "type": "BitstringStatusListEntry",
        "id": format!("{url}#{bit}"),
        "statusPurpose": "revocation",
        "statusListIndex": bit,
        "statusListCredential": url,
    })
}

/// The unsigned status list credential of one list, as of `tree_size` entries of the log.
#[must_use]
pub fn credential(place: &Place, list: u64, withdrawn: impl Iterator<Item = u64>, now_ms: u64) -> Value {
    let mut bits = vec![0u8; BYTES];
    for leaf in withdrawn {
        let (of, bit) = position(leaf);
        if of == list {
            // The leftmost bit of a byte is its first (§2.2).
            bits[(bit / 8) as usize] |= 0x80 >> (bit % 8);
        }
    }
    let url = place.status_list(list);
    let did = place.node_did();
    json!({
        "@context": [CREDENTIALS_CONTEXT],
        "id": url,
        "type": ["VerifiableCredential", "BitstringStatusListCredential"],
        "issuer": did,
        "validFrom": rfc3339(now_ms),
        // Ten minutes: whoever reads it later asks again.
        "validUntil": rfc3339(now_ms.saturating_add(600_000)),
        "credentialSubject": {
            "id": format!("{url}#list"),
            "type": "BitstringStatusList",
            "statusPurpose": "revocation",
            "encodedList": encode(&bits),
            "ttl": 300_000,
        },
    })
}

/// Multibase base64url of the gzipped bits.
fn encode(bits: &[u8]) -> String {
    let mut gzip = GzEncoder::new(Vec::new(), Compression::best());
    gzip.write_all(bits).expect("writing to memory does not fail");
    let bytes = gzip.finish().expect("writing to memory does not fail");
    format!("u{}", Base64UrlUnpadded::encode_string(&bytes))
}

/// A status list that cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a bitstring status list of at least 131,072 bits")]
pub struct BadList;

/// Whether a bit of a status list credential is set.
///
/// # Errors
/// [`BadList`], also when the bit is beyond its end.
pub fn is_set(credential: &Value, bit: u64) -> Result<bool, BadList> {
    // A list of ours has 16 KiB; other issuers' may have 64 times as many bits.
    const MOST: u64 = 1 << 20;
    let subject = &credential["credentialSubject"];
    let encoded = subject["encodedList"].as_str().and_then(|text| text.strip_prefix('u')).ok_or(BadList)?;
    let bytes = Base64UrlUnpadded::decode_vec(encoded).map_err(|_| BadList)?;
    let mut bits = Vec::new();
    GzDecoder::new(bytes.as_slice()).take(MOST).read_to_end(&mut bits).map_err(|_| BadList)?;
    if bits.len() < BYTES {
        return Err(BadList);
    }
    let byte = usize::try_from(bit / 8).ok().and_then(|at| bits.get(at)).ok_or(BadList)?;
    Ok(byte & (0x80 >> (bit % 8)) != 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bit_of_a_withdrawn_record_is_set_and_no_other() {
        let place = Place::parse("https://ledger.example.com").expect("an address");
        let list = credential(&place, 1, [5, BITS + 9, 3 * BITS].into_iter(), 1_795_391_738_782);
        assert_eq!(list["id"], "https://ledger.example.com/untp/status/1");
        let set: Vec<u64> = (0..BITS).filter(|bit| is_set(&list, *bit) == Ok(true)).take(3).collect();
        assert_eq!(set, [9]);
        assert_eq!(is_set(&list, BITS), Err(BadList));
        assert_eq!(is_set(&json!({}), 0), Err(BadList));
    }
}
