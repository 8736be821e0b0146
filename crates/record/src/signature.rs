//! Ed25519 under the three rules that matter here: ZIP-215, ZIP-215 in a batch, and strict.
//!
//! ZIP-215 decides what a ledger accepts, because its answer does not depend on how signatures are
//! batched. Strict is what OpenSSL, Go and WebCrypto do at best; a signature that only ZIP-215 accepts
//! was crafted by the key's own holder (rule S1). Records and tests use these same functions.

use alloc::vec::Vec;

use ed25519_zebra::{Signature, VerificationKey, VerificationKeyBytes, batch};
use rand_core::{Infallible, TryCryptoRng, TryRng};
use sha2::{Digest, Sha512};

/// Why a signature is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// Not 32 bytes, or no point of the curve.
    #[error("the key is malformed")]
    Key,
    /// Not 64 bytes, out of range, or not of this message and key.
    #[error("the signature does not verify")]
    Signature,
}

/// Checks one signature by ZIP-215.
///
/// # Errors
/// [`Refused`].
pub fn zip215(key: &[u8], message: &[u8], signature: &[u8]) -> Result<(), Refused> {
    let key = VerificationKey::try_from(key).map_err(|_| Refused::Key)?;
    let signature = Signature::try_from(signature).map_err(|_| Refused::Signature)?;
    key.verify(&signature, message).map_err(|_| Refused::Signature)
}

/// Checks one signature strictly: without cofactor, no small-order key or commitment, canonical encodings.
///
/// # Errors
/// [`Refused`].
pub fn strict(key: &[u8], message: &[u8], signature: &[u8]) -> Result<(), Refused> {
    let key: &[u8; 32] = key.try_into().map_err(|_| Refused::Key)?;
    let key = ed25519_dalek::VerifyingKey::from_bytes(key).map_err(|_| Refused::Key)?;
    let signature: &[u8; 64] = signature.try_into().map_err(|_| Refused::Signature)?;
    key.verify_strict(message, &ed25519_dalek::Signature::from_bytes(signature))
        .map_err(|_| Refused::Signature)
}

/// One signature waiting for a batch; the message is hashed already.
#[derive(Clone, Debug)]
pub struct Pending(batch::Item);

impl Pending {
    /// Prepares a signature; none if the key or the signature has the wrong length.
    #[must_use]
    pub fn new(key: &[u8], message: &[u8], signature: &[u8]) -> Option<Self> {
        let key = VerificationKeyBytes::try_from(key).ok()?;
        let signature = Signature::try_from(signature).ok()?;
        Some(Self((key, signature, message).into()))
    }
}

/// Checks many at once, by ZIP-215, with exactly the answers of [`zip215`], in order.
///
/// `entropy` must be fresh random bytes that no submitter can guess: it seeds the coefficients of
/// the batch equation.
#[must_use]
pub fn many(pending: &[Option<Pending>], entropy: [u8; 32]) -> Vec<bool> {
    let mut good = alloc::vec![false; pending.len()];
    let whole: Vec<(usize, &Pending)> =
        pending.iter().enumerate().filter_map(|(at, item)| Some((at, item.as_ref()?))).collect();
    mark(&whole, &mut good, &mut Coefficients::new(entropy));
    good
}

/// Up to here, single checks cost no more than a batch and its halves.
const SMALLEST_BATCH: usize = 4;

/// Marks what verifies. A batch that fails is halved, so that one bad signature costs a few more
/// checks and never its neighbours' place. Depth is the logarithm of the number of signatures.
fn mark(items: &[(usize, &Pending)], good: &mut [bool], coefficients: &mut Coefficients) {
    if items.len() < SMALLEST_BATCH {
        for (at, item) in items {
            good[*at] = item.0.clone().verify_single().is_ok();
        }
        return;
    }
    let mut verifier = batch::Verifier::new();
    for (_, item) in items {
        verifier.queue(item.0.clone());
    }
    if verifier.verify(&mut *coefficients).is_ok() {
        items.iter().for_each(|(at, _)| good[*at] = true);
        return;
    }
    let (left, right) = items.split_at(items.len() / 2);
    mark(left, good, coefficients);
    mark(right, good, coefficients);
}

/// Random coefficients: SHA-512 in counter mode over fresh entropy.
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

    fn refill(&mut self) {
        let mut hash = Sha512::new();
        hash.update(b"\0oreledger/batch/v1\0");
        hash.update(self.seed);
        hash.update(self.counter.to_le_bytes());
        self.block = hash.finalize().into();
        self.counter += 1;
        self.used = 0;
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
                self.refill();
            }
            *byte = self.block[self.used];
            self.used += 1;
        }
        Ok(())
    }
}

impl TryCryptoRng for Coefficients {}
