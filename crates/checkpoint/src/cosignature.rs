//! Cosignatures: a validator or witness states when it saw which tree.
//!
//! C2SP tlog-cosignature, type 0x04 (`cosignature/v1`, Ed25519). Type 0x06 (ML-DSA-44) is neither
//! made nor verified here: such a line counts as one by an unknown key and is ignored.

use alloc::format;
use alloc::vec::Vec;
use core::fmt;

use ed25519_dalek::{Signer, SigningKey};

use crate::checkpoint::Checkpoint;
use crate::key::{KeyName, KeyType, VerifierKey};
use crate::note::SignatureLine;

/// POSIX time in seconds, at most 2^63 - 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UnixSeconds(u64);

impl UnixSeconds {
    /// Takes a time; `None` beyond 2^63 - 1, which the format forbids.
    pub const fn new(seconds: u64) -> Option<Self> {
        if seconds > i64::MAX as u64 { None } else { Some(Self(seconds)) }
    }

    /// Seconds since the Epoch.
    pub const fn get(self) -> u64 {
        self.0
    }
}

impl fmt::Display for UnixSeconds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The key of a validator or witness. One key, one name, one statement: the signed message does
/// not contain the name, so a key shared with anything else would speak for that too.
pub struct Cosigner {
    key: SigningKey,
    verifier: VerifierKey,
}

impl Cosigner {
    /// A cosigner from the 32-byte seed of an Ed25519 key.
    pub fn new(name: KeyName, seed: &[u8; 32]) -> Self {
        let key = SigningKey::from_bytes(seed);
        let verifier = VerifierKey::of(name, KeyType::CosignatureV1, key.verifying_key());
        Self { key, verifier }
    }

    /// The public half.
    pub const fn verifier_key(&self) -> &VerifierKey {
        &self.verifier
    }

    /// States that `checkpoint` was, at `time`, the largest consistent tree this cosigner had seen.
    /// Whoever calls this has checked that, and remembers it before the line leaves the house.
    pub fn cosign(&self, checkpoint: &Checkpoint, time: UnixSeconds) -> SignatureLine {
        let signature = self.key.sign(&cosigned_message(time, &checkpoint.to_text()));
        let mut timestamped = Vec::with_capacity(72);
        timestamped.extend_from_slice(&time.get().to_be_bytes());
        timestamped.extend_from_slice(&signature.to_bytes());
        SignatureLine::made(&self.verifier, timestamped)
    }
}

/// Says whose key it is and nothing else.
impl fmt::Debug for Cosigner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Cosigner({})", self.verifier)
    }
}

/// The bytes a cosigner signs: header line, time line, then the whole note text.
pub(crate) fn cosigned_message(time: UnixSeconds, note_text: &str) -> Vec<u8> {
    format!("cosignature/v1\ntime {time}\n{note_text}").into_bytes()
}
