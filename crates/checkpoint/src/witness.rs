//! Asking a witness to cosign: the body of `add-checkpoint` and its answers.
//!
//! C2SP tlog-witness. Bytes only; who posts them, how long it waits and what happens when no witness
//! answers is decided elsewhere.

use alloc::vec::Vec;
use core::fmt;
use core::str;

use ore_merkle::{ConsistencyError, ConsistencyProof, RootHash, TreeSize, verify_consistency};

use crate::checkpoint::{BadCheckpoint, SignedCheckpoint};
use crate::note::{MAX_NOTE_BYTES, MalformedNote, SignatureLine, parse_signature_lines};
use crate::proof_file::{BadHashLines, parse_hash_lines, write_hash_lines};
use crate::text;

/// Most consistency lines a client may send.
pub const MAX_CONSISTENCY_LINES: usize = 63;

/// A request to cosign a checkpoint: well formed, not yet believed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AddCheckpointRequest {
    old_size: TreeSize,
    proof: ConsistencyProof,
    checkpoint: SignedCheckpoint,
}

/// Bytes that are no `add-checkpoint` request; HTTP status 400.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadAddCheckpoint {
    /// Larger than a note and 64 lines.
    #[error("an add-checkpoint request has at most {MAX_REQUEST_BYTES} bytes")]
    TooLong,
    /// Requests are UTF-8.
    #[error("an add-checkpoint request is valid UTF-8")]
    NotUtf8,
    /// No blank line before the checkpoint.
    #[error("an add-checkpoint request has a blank line before the checkpoint")]
    NoCheckpoint,
    /// The first line is not `old` and a decimal.
    #[error("an add-checkpoint request starts with old and a decimal without leading zeros")]
    OldSize,
    /// A proof line is not one hash.
    #[error("consistency line {0} is not 32 bytes of base64")]
    ProofLine(usize),
    /// More than [`MAX_CONSISTENCY_LINES`].
    #[error("an add-checkpoint request has at most {MAX_CONSISTENCY_LINES} consistency lines")]
    ProofTooLong,
    /// The checkpoint is malformed.
    #[error("submitted checkpoint")]
    Checkpoint(#[source] BadCheckpoint),
    /// The old size may not exceed the new one.
    #[error("old size {old} exceeds the checkpoint's size {new}")]
    OldSizeBeyondCheckpoint {
        /// Size the client believes the witness has seen.
        old: TreeSize,
        /// Size of the checkpoint.
        new: TreeSize,
    },
}

/// Largest request we read, in bytes.
pub const MAX_REQUEST_BYTES: usize = MAX_NOTE_BYTES + 4096;

/// Why the submitted checkpoint does not extend what the witness has seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RequestInconsistent {
    /// HTTP status 409, answered with the witness's own size.
    #[error("the witness last cosigned size {latest}, the request starts from {old}")]
    OldSizeMismatch {
        /// What the witness has cosigned.
        latest: TreeSize,
        /// What the client believes.
        old: TreeSize,
    },
    /// A proof from size 0 proves nothing and must be empty; HTTP status 422.
    #[error("a consistency proof from size 0 must be empty")]
    ProofFromEmpty,
    /// Two roots for one size: evidence of a fork; HTTP status 409.
    #[error("the log shows root {submitted} for a size at which it showed {latest}")]
    Fork {
        /// Root the witness has cosigned.
        latest: RootHash,
        /// Root submitted for the same size.
        submitted: RootHash,
    },
    /// The proof fails; HTTP status 422.
    #[error("consistency proof")]
    Proof(#[source] ConsistencyError),
}

/// A witness's answer that is no list of signature lines or no size.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadCosignatureResponse {
    /// Not UTF-8, or too long.
    #[error("a witness answers in at most 1,048,576 bytes of UTF-8")]
    NotText,
    /// Not signature lines.
    #[error("cosignature lines")]
    Lines(#[source] MalformedNote),
    /// Not a decimal and a newline.
    #[error("a conflict is answered with a decimal size and a newline")]
    Size,
}

impl AddCheckpointRequest {
    /// Asks for a cosignature by a witness that last cosigned `old_size`.
    ///
    /// # Errors
    ///
    /// [`BadAddCheckpoint::OldSizeBeyondCheckpoint`] or [`BadAddCheckpoint::ProofTooLong`].
    pub fn new(
        old_size: TreeSize,
        proof: ConsistencyProof,
        checkpoint: SignedCheckpoint,
    ) -> Result<Self, BadAddCheckpoint> {
        let new = checkpoint.unverified().size();
        if old_size > new {
            return Err(BadAddCheckpoint::OldSizeBeyondCheckpoint { old: old_size, new });
        }
        if proof.hashes().len() > MAX_CONSISTENCY_LINES {
            return Err(BadAddCheckpoint::ProofTooLong);
        }
        Ok(Self { old_size, proof, checkpoint })
    }

    /// Reads a request body.
    ///
    /// # Errors
    ///
    /// [`BadAddCheckpoint`].
    pub fn parse(bytes: &[u8]) -> Result<Self, BadAddCheckpoint> {
        if bytes.len() > MAX_REQUEST_BYTES {
            return Err(BadAddCheckpoint::TooLong);
        }
        let body = str::from_utf8(bytes).map_err(|_| BadAddCheckpoint::NotUtf8)?;
        let (head, note) = body.split_once("\n\n").ok_or(BadAddCheckpoint::NoCheckpoint)?;
        let mut lines = head.split('\n');
        let old = lines.next().and_then(|line| line.strip_prefix("old ")).and_then(text::decimal);
        let old = TreeSize::new(old.ok_or(BadAddCheckpoint::OldSize)?);
        let hashes = parse_hash_lines(lines).map_err(|bad| match bad {
            BadHashLines::Line(position) => BadAddCheckpoint::ProofLine(position),
            BadHashLines::TooMany => BadAddCheckpoint::ProofTooLong,
        })?;
        let proof = ConsistencyProof::new(hashes).map_err(|_| BadAddCheckpoint::ProofTooLong)?;
        let checkpoint = SignedCheckpoint::parse(note.as_bytes()).map_err(BadAddCheckpoint::Checkpoint)?;
        Self::new(old, proof, checkpoint)
    }

    /// Size the client believes the witness has cosigned.
    pub const fn old_size(&self) -> TreeSize {
        self.old_size
    }

    /// Proof from the old size to the checkpoint's.
    pub const fn proof(&self) -> &ConsistencyProof {
        &self.proof
    }

    /// The checkpoint, not yet believed: check the log's signature first.
    pub const fn checkpoint(&self) -> &SignedCheckpoint {
        &self.checkpoint
    }

    /// Whether the checkpoint extends `latest`, the size and root last cosigned for this log
    /// (size 0 if none ever was). The log's signature is the caller's to check before.
    ///
    /// # Errors
    ///
    /// [`RequestInconsistent`].
    pub fn check_consistency(&self, latest: (TreeSize, &RootHash)) -> Result<(), RequestInconsistent> {
        let (size, root) = latest;
        if self.old_size != size {
            return Err(RequestInconsistent::OldSizeMismatch { latest: size, old: self.old_size });
        }
        let new = self.checkpoint.unverified();
        if size == TreeSize::EMPTY {
            let empty = self.proof.hashes().is_empty();
            return if empty { Ok(()) } else { Err(RequestInconsistent::ProofFromEmpty) };
        }
        if size == new.size() && root != new.root() {
            return Err(RequestInconsistent::Fork { latest: *root, submitted: *new.root() });
        }
        verify_consistency(size, root, new.size(), new.root(), &self.proof)
            .map_err(RequestInconsistent::Proof)
    }
}

/// The request body, byte for byte as it was read.
impl fmt::Display for AddCheckpointRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "old {}", self.old_size)?;
        write_hash_lines(f, self.proof.hashes())?;
        write!(f, "\n{}", self.checkpoint)
    }
}

/// Reads the body of a witness's 200 answer. The lines still need to be verified against its key.
///
/// # Errors
///
/// [`BadCosignatureResponse`].
pub fn parse_cosignatures(body: &[u8]) -> Result<Vec<SignatureLine>, BadCosignatureResponse> {
    if body.len() > MAX_NOTE_BYTES {
        return Err(BadCosignatureResponse::NotText);
    }
    let text = str::from_utf8(body).map_err(|_| BadCosignatureResponse::NotText)?;
    parse_signature_lines(text).map_err(BadCosignatureResponse::Lines)
}

/// Reads the body of a witness's 409 answer: the size it last cosigned.
///
/// # Errors
///
/// [`BadCosignatureResponse::Size`].
pub fn parse_conflict_size(body: &[u8]) -> Result<TreeSize, BadCosignatureResponse> {
    let text = str::from_utf8(body).map_err(|_| BadCosignatureResponse::Size)?;
    let size = text.strip_suffix('\n').and_then(text::decimal).ok_or(BadCosignatureResponse::Size)?;
    Ok(TreeSize::new(size))
}
