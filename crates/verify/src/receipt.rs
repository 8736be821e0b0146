//! A receipt: one record is in the ledger, at this place, under a checkpoint that the policy believes.
//!
//! The file is a C2SP `.tlog-proof`; its extra data holds the entry, so that the file stands by itself.

use alloc::{string::String, vec::Vec};

use ore_checkpoint::{BadProofFile, ProofCheck, ProofFailure, TlogProof};
use ore_record::{BadEntry, BadSignature, RecordId, SignedRecord};

use crate::TrustRoot;

/// A receipt that convinces.
#[derive(Clone, Debug, PartialEq)]
pub struct ReceiptReport {
    /// The record.
    pub record: SignedRecord,
    /// Its place in the log.
    pub leaf_index: u64,
    /// Size of the log that the receipt speaks of.
    pub tree_size: u64,
    /// Whether stricter verifiers accept its signature too (rule S1). True for a seal.
    pub strict: bool,
    /// The checks of the proof file.
    pub checks: Vec<ProofCheck>,
}

/// Why a receipt does not convince.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReceiptFault {
    /// The file is malformed.
    #[error("the receipt is no tlog-proof file: {0}")]
    File(BadProofFile),
    /// The file has no entry in it and none was given.
    #[error("the receipt holds no entry; give the record's file too")]
    NoEntry,
    /// The entry is malformed.
    #[error("the entry: {0}")]
    Entry(BadEntry),
    /// The record is meant for another ledger.
    #[error("the record is for ledger {found:?}, the trust root is for {trusted:?}")]
    Origin {
        /// In the record.
        found: String,
        /// In the trust root.
        trusted: String,
    },
    /// The author's signature is bad.
    #[error("record {record}: {cause}")]
    Signature {
        /// The record.
        record: RecordId,
        /// What is wrong.
        cause: BadSignature,
    },
    /// The proof does not hold.
    #[error("{0}")]
    Proof(ProofFailure),
}

impl ReceiptFault {
    /// What lies beneath, for a caller that prints the whole chain.
    #[must_use]
    pub fn cause(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            Self::Proof(failure) => core::error::Error::source(failure),
            _ => None,
        }
    }
}

/// Checks a receipt. `entry` is needed only when the file does not hold it.
///
/// # Errors
/// [`ReceiptFault`], naming the first check that fails.
pub fn verify_receipt(
    file: &[u8],
    entry: Option<&[u8]>,
    trust: &TrustRoot,
) -> Result<ReceiptReport, ReceiptFault> {
    let proof = TlogProof::parse(file).map_err(ReceiptFault::File)?;
    let entry = entry.or(proof.unauthenticated_extra()).ok_or(ReceiptFault::NoEntry)?;
    let record = SignedRecord::decode(entry).map_err(ReceiptFault::Entry)?;
    if record.record().origin != trust.origin {
        let (found, trusted) = (record.record().origin.clone(), trust.origin.clone());
        return Err(ReceiptFault::Origin { found, trusted });
    }
    let strict = record.is_seal() || record.strict();
    if !record.is_seal() {
        let id = record.id();
        record.clone().verify().map_err(|cause| ReceiptFault::Signature { record: id, cause })?;
    }
    let verified = proof.verify(entry, &trust.policy).map_err(ReceiptFault::Proof)?;
    Ok(ReceiptReport {
        record,
        leaf_index: verified.index().get(),
        tree_size: verified.checkpoint().checkpoint().size().get(),
        strict,
        checks: verified.checks().to_vec(),
    })
}
