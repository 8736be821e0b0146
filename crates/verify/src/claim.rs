//! The claim of a bundle, and the note by which a node stands by it.
//!
//! The shares are counted again by whoever verifies; the intervals around them are the engine's
//! statement. The note makes a node answer for both: a false interval is signed evidence. Its second
//! line is the origin, where a checkpoint has a decimal size, so one can never pass for the other.

use alloc::{format, string::String};

use base64ct::{Base64, Encoding};
use ore_checkpoint::{AmbiguousKey, MalformedNote, Note, NoteFailure, Policy, SignatureLine, VerifierSet};
use ore_record::v1::ProvenanceClaim;
use prost::Message;
use sha2::{Digest, Sha256};

/// First line of a claim's note.
pub const CLAIM_HEADER: &str = "oreledger claim v1";

/// Why nobody stands by a claim.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ClaimFault {
    /// Malformed note.
    #[error("the claim's note is malformed: {0}")]
    Malformed(MalformedNote),
    /// The note is about another claim.
    #[error("the claim's note is about another claim")]
    AnotherClaim,
    /// The trust root's log keys cannot be told apart.
    #[error("the log keys of the policy cannot be told apart: {0}")]
    Ambiguous(AmbiguousKey),
    /// No log key of the policy signed it.
    #[error("no log key of the policy signed the claim: {0}")]
    Unsigned(NoteFailure),
}

/// The text that is signed for a claim.
#[must_use]
pub fn claim_text(claim: &ProvenanceClaim) -> String {
    let digest = Sha256::digest(claim.encode_to_vec());
    format!("{CLAIM_HEADER}\n{}\n{}\n", claim.origin, Base64::encode_string(&digest))
}

/// The note for a claim, with the node's signature on it.
///
/// # Errors
/// [`MalformedNote`] when the origin cannot stand in a note.
pub fn claim_note(
    claim: &ProvenanceClaim,
    sign: impl FnOnce(&str) -> SignatureLine,
) -> Result<String, MalformedNote> {
    let text = claim_text(claim);
    let line = sign(&text);
    Ok(format!("{}", Note::new(&text, alloc::vec![line])?))
}

/// Checks that a node of the ledger stands by the claim.
///
/// # Errors
/// [`ClaimFault`].
pub fn check_claim(claim: &ProvenanceClaim, note: &str, policy: &Policy) -> Result<usize, ClaimFault> {
    let note = Note::parse(note.as_bytes()).map_err(ClaimFault::Malformed)?;
    if note.unverified_text() != claim_text(claim) {
        return Err(ClaimFault::AnotherClaim);
    }
    let keys = policy.logs().iter().map(|log| log.key().clone()).collect();
    let trusted = VerifierSet::new(keys).map_err(ClaimFault::Ambiguous)?;
    let verified = note.verify(&trusted).map_err(ClaimFault::Unsigned)?;
    Ok(verified.verified().len())
}
