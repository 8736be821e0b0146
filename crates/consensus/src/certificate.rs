//! Certificates: evidence that more than two thirds of the voting power committed to one block.
//!
//! No type of the ordering engine appears here: this file, [`crate::precommit_bytes`], SHA-256 and
//! Ed25519 (strict, RFC 8032 with canonical points) are all that a verifier needs. A certificate
//! is believed only against a validator set that was learned elsewhere: from genesis, or from the
//! next-set hash in the header before.

use std::collections::BTreeSet;

use ed25519_dalek::{Signature, VerifyingKey};
use prost::Message as _;

use crate::limits;
use crate::signed_bytes::precommit_bytes;

/// One member of the set that decides a height.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ValidatorEntry {
    /// Member id, at most [`limits::NAME_BYTES`] bytes; unique within a set.
    pub member: String,
    /// Ed25519 consensus key.
    pub public_key: [u8; 32],
    /// Votes that this member has; 1 for all in this ledger (one organisation, one vote).
    pub power: u64,
}

/// More than two thirds of the voting power, each with a signature over [`precommit_bytes`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Certificate {
    /// Height that was decided.
    pub height: u64,
    /// Round of that height in which it was decided, from 0.
    pub round: u32,
    /// SHA-256 of the block's header.
    pub block_id: [u8; 32],
    /// Sorted by member, each member once.
    pub signatures: Vec<CommitSignature>,
}

/// One member's precommit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommitSignature {
    /// Who signed.
    pub member: String,
    /// The key it signed with; must be the validator set's.
    pub public_key: [u8; 32],
    /// Ed25519 over [`precommit_bytes`].
    pub signature: [u8; 64],
}

/// Why a certificate proves nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CertificateFault {
    /// The bytes are no certificate.
    #[error("certificate bytes do not decode: {0}")]
    Malformed(&'static str),
    /// The bytes decode, but are not the one encoding of what they say.
    #[error("certificate bytes are not in canonical encoding")]
    NotCanonical,
    /// It is about something else.
    #[error("certificate is for height {found}, not {wanted}")]
    OtherHeight {
        /// Height asked for.
        wanted: u64,
        /// Height named in the certificate.
        found: u64,
    },
    /// It is about another block.
    #[error("certificate at height {height} names another block")]
    OtherBlock {
        /// Height of both.
        height: u64,
    },
    /// Somebody outside the set signed.
    #[error("{member} signed but is no validator at height {height}")]
    UnknownSigner {
        /// Who.
        member: String,
        /// Where.
        height: u64,
    },
    /// The key in the certificate is not the set's.
    #[error("{member} signed with a key that is not its consensus key at height {height}")]
    OtherKey {
        /// Who.
        member: String,
        /// Where.
        height: u64,
    },
    /// One signature counted twice.
    #[error("{member} is counted twice at height {height}")]
    DuplicateSigner {
        /// Who.
        member: String,
        /// Where.
        height: u64,
    },
    /// A signature does not verify.
    #[error("the signature of {member} at height {height} does not verify")]
    BadSignature {
        /// Whose.
        member: String,
        /// Where.
        height: u64,
    },
    /// Too few signed.
    #[error("{signed} of {total} votes signed height {height}, more than two thirds are needed")]
    BelowQuorum {
        /// Power that signed.
        signed: u64,
        /// Power of the whole set.
        total: u64,
        /// Where.
        height: u64,
    },
    /// The set itself cannot be used.
    #[error("the validator set for height {height} is empty or names a member twice")]
    UnusableSet {
        /// Where.
        height: u64,
    },
}

impl Certificate {
    /// Checks that more than two thirds of `validators` committed to this block on the ledger `origin`.
    ///
    /// # Errors
    /// The first [`CertificateFault`] found. One signature that does not verify spoils the whole
    /// certificate, so that two honest holders never disagree about the same bytes.
    pub fn verify(&self, origin: &str, validators: &[ValidatorEntry]) -> Result<(), CertificateFault> {
        let height = self.height;
        let names: BTreeSet<&str> = validators.iter().map(|v| v.member.as_str()).collect();
        if names.is_empty() || names.len() != validators.len() {
            return Err(CertificateFault::UnusableSet { height });
        }
        let mut seen = BTreeSet::new();
        let mut signed = 0_u64;
        for entry in &self.signatures {
            let member = || entry.member.clone();
            let Some(validator) = validators.iter().find(|v| v.member == entry.member) else {
                return Err(CertificateFault::UnknownSigner { member: member(), height });
            };
            if validator.public_key != entry.public_key {
                return Err(CertificateFault::OtherKey { member: member(), height });
            }
            if !seen.insert(entry.member.as_str()) {
                return Err(CertificateFault::DuplicateSigner { member: member(), height });
            }
            let bytes = precommit_bytes(origin, height, self.round, &self.block_id, &entry.member);
            if !verifies(&entry.public_key, &bytes, &entry.signature) {
                return Err(CertificateFault::BadSignature { member: member(), height });
            }
            signed = signed.saturating_add(validator.power);
        }
        let total = validators.iter().fold(0_u64, |sum, v| sum.saturating_add(v.power));
        // More than two thirds, in integers wide enough not to overflow.
        if u128::from(signed) * 3 > u128::from(total) * 2 {
            Ok(())
        } else {
            Err(CertificateFault::BelowQuorum { signed, total, height })
        }
    }

    /// As [`Certificate::verify`], and that it is this block at this height which was committed to.
    ///
    /// # Errors
    /// As [`Certificate::verify`], and [`CertificateFault::OtherHeight`] or [`CertificateFault::OtherBlock`].
    pub fn verify_block(
        &self,
        origin: &str,
        validators: &[ValidatorEntry],
        height: u64,
        block_id: &[u8; 32],
    ) -> Result<(), CertificateFault> {
        if self.height != height {
            return Err(CertificateFault::OtherHeight { wanted: height, found: self.height });
        }
        if self.block_id != *block_id {
            return Err(CertificateFault::OtherBlock { height });
        }
        self.verify(origin, validators)
    }

    /// The one encoding of this certificate: a protobuf message with its fields in order, nothing else.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        self.to_message().encode_to_vec()
    }

    /// Reads what [`Certificate::encode`] wrote.
    ///
    /// # Errors
    /// [`CertificateFault::Malformed`] or [`CertificateFault::NotCanonical`]: unknown fields, another
    /// order, unsorted or repeated signers are refused, so that equal certificates have equal bytes.
    pub fn decode(bytes: &[u8]) -> Result<Self, CertificateFault> {
        if bytes.len() > limits::LIVENESS_FRAME_BYTES {
            return Err(CertificateFault::Malformed("too long"));
        }
        let message =
            CertificateMessage::decode(bytes).map_err(|_| CertificateFault::Malformed("not protobuf"))?;
        let certificate = Self::from_message(message)?;
        let sorted = certificate.signatures.windows(2).all(|pair| pair[0].member < pair[1].member);
        if !sorted || certificate.encode() != bytes {
            return Err(CertificateFault::NotCanonical);
        }
        Ok(certificate)
    }

    fn to_message(&self) -> CertificateMessage {
        CertificateMessage {
            height: self.height,
            round: self.round,
            block_id: self.block_id.to_vec(),
            signatures: self
                .signatures
                .iter()
                .map(|s| CommitSignatureMessage {
                    member: s.member.clone(),
                    public_key: s.public_key.to_vec(),
                    signature: s.signature.to_vec(),
                })
                .collect(),
        }
    }

    fn from_message(message: CertificateMessage) -> Result<Self, CertificateFault> {
        if message.signatures.len() > limits::MEMBERS {
            return Err(CertificateFault::Malformed("too many signatures"));
        }
        let signatures = message
            .signatures
            .into_iter()
            .map(|s| {
                if s.member.is_empty() || s.member.len() > limits::NAME_BYTES {
                    return Err(CertificateFault::Malformed("member id empty or too long"));
                }
                Ok(CommitSignature {
                    member: s.member,
                    public_key: s
                        .public_key
                        .try_into()
                        .map_err(|_| CertificateFault::Malformed("public key is not 32 bytes"))?,
                    signature: s
                        .signature
                        .try_into()
                        .map_err(|_| CertificateFault::Malformed("signature is not 64 bytes"))?,
                })
            })
            .collect::<Result<Vec<_>, _>>()?;
        Ok(Self {
            height: message.height,
            round: message.round,
            block_id: message
                .block_id
                .try_into()
                .map_err(|_| CertificateFault::Malformed("block id is not 32 bytes"))?,
            signatures,
        })
    }
}

/// Strict verification: refuses small-order keys, mixed points and scalars out of range, and never answers
/// by batch.
pub(crate) fn verifies(public_key: &[u8; 32], message: &[u8], signature: &[u8; 64]) -> bool {
    VerifyingKey::from_bytes(public_key)
        .is_ok_and(|key| key.verify_strict(message, &Signature::from_bytes(signature)).is_ok())
}

#[derive(Clone, PartialEq, prost::Message)]
struct CertificateMessage {
    #[prost(uint64, tag = "1")]
    height: u64,
    #[prost(uint32, tag = "2")]
    round: u32,
    #[prost(bytes = "vec", tag = "3")]
    block_id: Vec<u8>,
    #[prost(message, repeated, tag = "4")]
    signatures: Vec<CommitSignatureMessage>,
}

#[derive(Clone, PartialEq, prost::Message)]
struct CommitSignatureMessage {
    #[prost(string, tag = "1")]
    member: String,
    #[prost(bytes = "vec", tag = "2")]
    public_key: Vec<u8>,
    #[prost(bytes = "vec", tag = "3")]
    signature: Vec<u8>,
}
