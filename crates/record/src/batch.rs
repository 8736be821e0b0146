//! Many signatures at once, with exactly the answers of one at a time (ZIP-215).
//!
//! A batch that fails is bisected, so that one bad signature costs a few more checks and
//! never its neighbours' place.

use alloc::vec::Vec;

use ed25519_zebra::{Signature, VerificationKeyBytes, batch};
use rand_core::{Infallible, TryCryptoRng, TryRng};
use sha2::{Digest, Sha512};

use crate::{BadSignature, SignedRecord, VerifiedRecord};

/// Verifies records together. `entropy` must be fresh random bytes that no submitter can guess:
/// it seeds the coefficients of the batch equation.
///
/// The answers come in the order of the records.
#[must_use]
pub fn verify(records: Vec<SignedRecord>, entropy: [u8; 32]) -> Vec<Result<VerifiedRecord, BadSignature>> {
    let mut good = alloc::vec![false; records.len()];
    let items: Vec<Option<batch::Item>> = records.iter().map(item).collect();
    mark(&items, &mut good, &mut Coefficients::new(entropy));
    records
        .into_iter()
        .zip(good)
        .map(|(record, good)| if good { Ok(VerifiedRecord(record)) } else { record.verify() })
        .collect()
}

fn item(record: &SignedRecord) -> Option<batch::Item> {
    let key: [u8; 32] = record.record().author_key.as_slice().try_into().ok()?;
    let signature = Signature::try_from(record.signature()).ok()?;
    Some((VerificationKeyBytes::from(key), signature, &record.signed_bytes()).into())
}

/// Marks what verifies; halves of a failed batch are tried again, down to single records, which
/// are left to the single check. Depth is the logarithm of the number of records.
fn mark(items: &[Option<batch::Item>], good: &mut [bool], coefficients: &mut Coefficients) {
    if items.is_empty() {
        return;
    }
    if items.iter().all(Option::is_some) {
        let mut verifier = batch::Verifier::new();
        items.iter().flatten().for_each(|item| verifier.queue(item.clone()));
        if verifier.verify(&mut *coefficients).is_ok() {
            good.fill(true);
            return;
        }
    }
    if items.len() > 1 {
        let (left, right) = items.split_at(items.len() / 2);
        let (good_left, good_right) = good.split_at_mut(items.len() / 2);
        mark(left, good_left, coefficients);
        mark(right, good_right, coefficients);
    }
}

/// SHA-512 in counter mode over fresh entropy.
struct Coefficients {
    seed: [u8; 32],
    counter: u64,
    block: [u8; 64],
    used: usize,
}

impl Coefficients {
    const fn new(seed: [u8; 32]) -> Self {
        Self { seed, counter: 0, block: [0; 64], used: 64 }
    }
}

impl TryRng for Coefficients {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        let mut bytes = [0; 4];
        self.try_fill_bytes(&mut bytes)?;
        Ok(u32::from_le_bytes(bytes))
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        let mut bytes = [0; 8];
        self.try_fill_bytes(&mut bytes)?;
        Ok(u64::from_le_bytes(bytes))
    }

    fn try_fill_bytes(&mut self, out: &mut [u8]) -> Result<(), Infallible> {
        for byte in out {
            if self.used == self.block.len() {
                let mut hash = Sha512::new();
                hash.update(b"\0oreledger/batch/v1\0");
                hash.update(self.seed);
                hash.update(self.counter.to_le_bytes());
                self.block = hash.finalize().into();
                self.counter += 1;
                self.used = 0;
            }
            *byte = self.block[self.used];
            self.used += 1;
        }
        Ok(())
    }
}

impl TryCryptoRng for Coefficients {}
