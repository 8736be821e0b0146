//! Members' keys: made, checked at registration, used to sign.
//!
//! A registered key is canonical, of large order and torsion free, and its holder has shown
//! possession; so only the holder itself could craft a signature on which verifiers disagree.

use alloc::vec::Vec;

use curve25519_dalek::edwards::CompressedEdwardsY;
use ed25519_dalek::{Signer, SigningKey, VerifyingKey};

use crate::ids::{MemberId, RECORD_CONTEXT};

/// Context of a proof of possession.
pub const POSSESSION_CONTEXT: &[u8] = b"\0oreledger/possession/v1\0";

/// A member's public key that passed the checks of registration.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct PublicKey([u8; 32]);

/// Why a key cannot be registered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadKey {
    /// Not 32 bytes.
    #[error("a key has 32 bytes, this has {0}")]
    Length(usize),
    /// Not a point of the curve.
    #[error("the key is not a point of the curve")]
    NotAPoint,
    /// A second encoding of a point.
    #[error("the key is not the canonical encoding of its point")]
    NotCanonical,
    /// One of the eight points of small order.
    #[error("the key is a point of small order")]
    SmallOrder,
    /// Has a component of small order.
    #[error("the key has a component of small order")]
    NotTorsionFree,
    /// The proof of possession does not verify.
    #[error("the proof of possession does not verify for this member, ledger and key")]
    NoPossession,
}

impl PublicKey {
    /// Checks a key: canonical, not of small order, torsion free.
    ///
    /// # Errors
    /// [`BadKey`], naming the first check that fails.
    pub fn check(bytes: &[u8]) -> Result<Self, BadKey> {
        let bytes: [u8; 32] = bytes.try_into().map_err(|_| BadKey::Length(bytes.len()))?;
        let point = CompressedEdwardsY(bytes).decompress().ok_or(BadKey::NotAPoint)?;
        if point.compress().0 != bytes {
            return Err(BadKey::NotCanonical);
        }
        if point.is_small_order() {
            return Err(BadKey::SmallOrder);
        }
        if !point.is_torsion_free() {
            return Err(BadKey::NotTorsionFree);
        }
        Ok(Self(bytes))
    }

    /// The 32 bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// Checks the holder's proof of possession, strictly.
    ///
    /// # Errors
    /// [`BadKey::NoPossession`].
    pub fn check_possession(&self, origin: &str, member: &MemberId, proof: &[u8]) -> Result<(), BadKey> {
        let proof: [u8; 64] = proof.try_into().map_err(|_| BadKey::NoPossession)?;
        let signed = self.signed_raw(&possession_bytes(origin, member, &self.0), &proof);
        if signed { Ok(()) } else { Err(BadKey::NoPossession) }
    }

    /// Whether this key signed bytes that carry their context, by the strict rule. Records have another:
    /// [`crate::SignedRecord::verify`].
    #[must_use]
    pub fn signed_raw(&self, context_and_bytes: &[u8], signature: &[u8; 64]) -> bool {
        let signature = ed25519_dalek::Signature::from_bytes(signature);
        VerifyingKey::from_bytes(&self.0)
            .is_ok_and(|key| key.verify_strict(context_and_bytes, &signature).is_ok())
    }
}

fn possession_bytes(origin: &str, member: &MemberId, key: &[u8; 32]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(128);
    bytes.extend_from_slice(POSSESSION_CONTEXT);
    bytes.extend_from_slice(origin.as_bytes());
    bytes.push(0);
    bytes.extend_from_slice(member.as_str().as_bytes());
    bytes.push(0);
    bytes.extend_from_slice(key);
    bytes
}

/// A member's secret key. It stays on the desk where it was made.
#[derive(Clone)]
pub struct SecretKey(SigningKey);

impl SecretKey {
    /// From 32 bytes of entropy (RFC 8032 secret seed).
    #[must_use]
    pub fn from_seed(seed: &[u8; 32]) -> Self {
        Self(SigningKey::from_bytes(seed))
    }

    /// The RFC 8032 seed, for storage under encryption.
    #[must_use]
    pub fn seed(&self) -> [u8; 32] {
        self.0.to_bytes()
    }

    /// The public key. A key made from a seed always passes [`PublicKey::check`].
    #[must_use]
    pub fn public(&self) -> PublicKey {
        PublicKey(self.0.verifying_key().to_bytes())
    }

    /// Signs a record's canonical bytes.
    #[must_use]
    pub fn sign_record(&self, record: &[u8]) -> [u8; 64] {
        let mut bytes = Vec::with_capacity(RECORD_CONTEXT.len() + record.len());
        bytes.extend_from_slice(RECORD_CONTEXT);
        bytes.extend_from_slice(record);
        self.sign_raw(&bytes)
    }

    /// Signs bytes that already carry their context. Records go through [`SecretKey::sign_record`];
    /// this is for what has a context of its own, such as a login token.
    #[must_use]
    pub fn sign_raw(&self, context_and_bytes: &[u8]) -> [u8; 64] {
        self.0.sign(context_and_bytes).to_bytes()
    }

    /// Proves possession of this key to a ledger, for one member.
    #[must_use]
    pub fn prove_possession(&self, origin: &str, member: &MemberId) -> [u8; 64] {
        self.0.sign(&possession_bytes(origin, member, self.public().as_bytes())).to_bytes()
    }
}
