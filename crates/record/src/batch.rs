//! Many records at once, with exactly the answers of one at a time (ZIP-215).

use alloc::vec::Vec;

use crate::{
    BadSignature, SignedRecord, VerifiedRecord,
    signature::{self, Pending},
};

/// Verifies records together. `entropy` must be fresh random bytes that no submitter can guess:
/// it seeds the coefficients of the batch equation.
///
/// The answers come in the order of the records.
#[must_use]
pub fn verify(records: Vec<SignedRecord>, entropy: [u8; 32]) -> Vec<Result<VerifiedRecord, BadSignature>> {
    let pending: Vec<Option<Pending>> = records.iter().map(pending).collect();
    let good = signature::many(&pending, entropy);
    // What the batch refuses is checked once more by itself, for the reason.
    records
        .into_iter()
        .zip(good)
        .map(|(record, good)| if good { Ok(VerifiedRecord(record)) } else { record.verify() })
        .collect()
}

fn pending(record: &SignedRecord) -> Option<Pending> {
    // A seal is nobody's signature, whatever its bytes are.
    if record.is_seal() {
        return None;
    }
    Pending::new(&record.record().author_key, record.context_and_bytes(), record.signature())
}
