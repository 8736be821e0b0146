//! Receipts: the `.tlog-proof` file, which convinces offline whoever holds the policy.
//!
//! C2SP tlog-proof. Index, inclusion path and a cosigned checkpoint; an optional line of extra data
//! that nothing authenticates. [`TlogProof::verify`] runs the checks in the order of the formats and
//! lists what was done, or names the one that failed.

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;
use core::str;

use ore_merkle::{
    InclusionError, InclusionProof, LeafHash, LeafIndex, MAX_PROOF_HASHES, NodeHash, RootHash, TreeSize,
    hash_leaf, thousands, verify_inclusion,
};

use crate::checkpoint::{BadCheckpoint, SignedCheckpoint};
use crate::note::MAX_NOTE_BYTES;
use crate::policy::{Policy, PolicyFailure, VerifiedCheckpoint};
use crate::text;

/// First line of every proof file.
pub const PROOF_HEADER: &str = "c2sp.org/tlog-proof@v1";
/// Largest extra data we read or write, in bytes.
pub const MAX_EXTRA_BYTES: usize = 1 << 20;
/// Largest proof file we read: extra data in base64 and its neighbours, the hashes, the note.
pub const MAX_PROOF_FILE_BYTES: usize = MAX_EXTRA_BYTES / 3 * 4 + 4096 + MAX_NOTE_BYTES;

/// A proof file: well formed, not yet believed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlogProof {
    extra: Option<Vec<u8>>,
    index: LeafIndex,
    path: InclusionProof,
    checkpoint: SignedCheckpoint,
}

/// Bytes that are no proof file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadProofFile {
    /// Longer than [`MAX_PROOF_FILE_BYTES`], or its extra data than [`MAX_EXTRA_BYTES`].
    #[error("a proof file has at most {MAX_PROOF_FILE_BYTES} bytes and {MAX_EXTRA_BYTES} of extra data")]
    TooLong,
    /// Proof files are UTF-8.
    #[error("a proof file is valid UTF-8")]
    NotUtf8,
    /// No blank line before the checkpoint.
    #[error("a proof file has a blank line before the checkpoint")]
    NoCheckpoint,
    /// Another first line.
    #[error("a proof file starts with the line {PROOF_HEADER}")]
    Header,
    /// The extra line is not base64.
    #[error("the extra line holds padded standard base64")]
    Extra,
    /// The index line is missing or no plain decimal.
    #[error("the index line holds a decimal without leading zeros")]
    Index,
    /// A path line is not one hash.
    #[error("path line {0} is not 32 bytes of base64")]
    PathLine(usize),
    /// More hashes than any tree needs.
    #[error("a proof file has at most {MAX_PROOF_HASHES} path lines")]
    PathTooLong,
    /// The checkpoint is malformed.
    #[error("proof checkpoint")]
    Checkpoint(#[source] BadCheckpoint),
}

/// One check that was made and passed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ProofCheck {
    /// The checkpoint is signed by a listed key of the log it names.
    LogSignature {
        /// The log.
        origin: String,
    },
    /// The policy's quorum of witnesses cosigned it.
    Quorum {
        /// Witnesses whose cosignatures hold.
        cosigned: usize,
        /// Witnesses the policy lists.
        listed: usize,
    },
    /// The leaf hash was computed from the entry itself.
    LeafHash {
        /// The hash.
        leaf: LeafHash,
    },
    /// The leaf is in the tree.
    Inclusion {
        /// Where.
        index: LeafIndex,
        /// In a tree of how many leaves.
        size: TreeSize,
        /// With which root.
        root: RootHash,
    },
}

/// The first check that did not pass.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProofFailure {
    /// The checkpoint is not believed.
    #[error("checkpoint does not satisfy the policy")]
    Policy(#[source] PolicyFailure),
    /// The leaf is not shown to be in its tree.
    #[error("leaf is not shown to be in the log")]
    Inclusion(#[source] InclusionError),
}

/// A receipt that convinces: what it proves and which checks it passed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerifiedProof {
    index: LeafIndex,
    checkpoint: VerifiedCheckpoint,
    checks: Vec<ProofCheck>,
}

impl TlogProof {
    /// Puts a receipt together.
    ///
    /// # Errors
    ///
    /// [`BadProofFile::TooLong`] when there is too much extra data.
    pub fn new(
        index: LeafIndex,
        path: InclusionProof,
        checkpoint: SignedCheckpoint,
        extra: Option<Vec<u8>>,
    ) -> Result<Self, BadProofFile> {
        if extra.as_ref().is_some_and(|extra| extra.len() > MAX_EXTRA_BYTES) {
            return Err(BadProofFile::TooLong);
        }
        Ok(Self { extra, index, path, checkpoint })
    }

    /// Reads a proof file.
    ///
    /// # Errors
    ///
    /// [`BadProofFile`].
    pub fn parse(bytes: &[u8]) -> Result<Self, BadProofFile> {
        if bytes.len() > MAX_PROOF_FILE_BYTES {
            return Err(BadProofFile::TooLong);
        }
        let file = str::from_utf8(bytes).map_err(|_| BadProofFile::NotUtf8)?;
        let (head, note) = file.split_once("\n\n").ok_or(BadProofFile::NoCheckpoint)?;
        let mut lines = head.split('\n').peekable();
        if lines.next() != Some(PROOF_HEADER) {
            return Err(BadProofFile::Header);
        }
        let extra = match lines.next_if(|line| line.starts_with("extra ")) {
            Some(line) => Some(text::from_base64(&line["extra ".len()..]).ok_or(BadProofFile::Extra)?),
            None => None,
        };
        let index = lines.next().and_then(|line| line.strip_prefix("index ")).and_then(text::decimal);
        let index = LeafIndex::new(index.ok_or(BadProofFile::Index)?);
        let path = parse_hash_lines(lines).map_err(|bad| match bad {
            BadHashLines::Line(position) => BadProofFile::PathLine(position),
            BadHashLines::TooMany => BadProofFile::PathTooLong,
        })?;
        let path = InclusionProof::new(path).map_err(|_| BadProofFile::PathTooLong)?;
        let checkpoint = SignedCheckpoint::parse(note.as_bytes()).map_err(BadProofFile::Checkpoint)?;
        Self::new(index, path, checkpoint, extra)
    }

    /// Data of the application's own. Nothing authenticates it.
    pub fn unauthenticated_extra(&self) -> Option<&[u8]> {
        self.extra.as_deref()
    }

    /// Where the entry is said to be.
    pub const fn index(&self) -> LeafIndex {
        self.index
    }

    /// The path from the leaf to the root.
    pub const fn path(&self) -> &InclusionProof {
        &self.path
    }

    /// The checkpoint, not yet believed.
    pub const fn checkpoint(&self) -> &SignedCheckpoint {
        &self.checkpoint
    }

    /// Checks the receipt for an entry of which the reader has the bytes.
    ///
    /// # Errors
    ///
    /// [`ProofFailure`], naming the first check that fails.
    pub fn verify(&self, entry: &[u8], policy: &Policy) -> Result<VerifiedProof, ProofFailure> {
        let leaf = hash_leaf(entry);
        let mut verified = self.verify_leaf(leaf, policy)?;
        // Listed just before the inclusion that relies on it.
        verified.checks.insert(verified.checks.len() - 1, ProofCheck::LeafHash { leaf });
        Ok(verified)
    }

    /// Checks the receipt for a leaf hash that the reader trusts already.
    ///
    /// # Errors
    ///
    /// [`ProofFailure`], naming the first check that fails.
    pub fn verify_leaf(&self, leaf: LeafHash, policy: &Policy) -> Result<VerifiedProof, ProofFailure> {
        let believed = policy.check(&self.checkpoint).map_err(ProofFailure::Policy)?;
        let (size, root) = (believed.checkpoint().size(), *believed.checkpoint().root());
        verify_inclusion(&leaf, self.index, size, &self.path, &root).map_err(ProofFailure::Inclusion)?;
        let checks = Vec::from([
            ProofCheck::LogSignature { origin: believed.checkpoint().origin().into() },
            ProofCheck::Quorum { cosigned: believed.cosigned().len(), listed: policy.witnesses().len() },
            ProofCheck::Inclusion { index: self.index, size, root },
        ]);
        Ok(VerifiedProof { index: self.index, checkpoint: believed, checks })
    }
}

/// The file, byte for byte as it was read.
impl fmt::Display for TlogProof {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{PROOF_HEADER}")?;
        if let Some(extra) = &self.extra {
            writeln!(f, "extra {}", text::base64(extra))?;
        }
        writeln!(f, "index {}", self.index)?;
        write_hash_lines(f, self.path.hashes())?;
        write!(f, "\n{}", self.checkpoint)
    }
}

impl VerifiedProof {
    /// Where the entry is.
    pub const fn index(&self) -> LeafIndex {
        self.index
    }

    /// The checkpoint it was proven against.
    pub const fn checkpoint(&self) -> &VerifiedCheckpoint {
        &self.checkpoint
    }

    /// What was checked, in order.
    pub fn checks(&self) -> &[ProofCheck] {
        &self.checks
    }
}

/// One line per check, for people.
impl fmt::Display for ProofCheck {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::LogSignature { origin } => write!(f, "checkpoint is signed by log {origin}"),
            Self::Quorum { cosigned, listed } => {
                write!(f, "quorum is satisfied: {cosigned} of {listed} witnesses cosigned")
            }
            Self::LeafHash { leaf } => write!(f, "entry has leaf hash {leaf}"),
            Self::Inclusion { index, size, root } => {
                let size = thousands(size.get().into());
                write!(f, "leaf {index} is in the tree of {size} leaves with root {root}")
            }
        }
    }
}

pub(crate) enum BadHashLines {
    Line(usize),
    TooMany,
}

/// Reads one base64 hash per line, at most [`MAX_PROOF_HASHES`] of them.
pub(crate) fn parse_hash_lines<'a>(
    lines: impl Iterator<Item = &'a str>,
) -> Result<Vec<NodeHash>, BadHashLines> {
    let mut hashes = Vec::new();
    for (position, line) in lines.enumerate() {
        if position == MAX_PROOF_HASHES {
            return Err(BadHashLines::TooMany);
        }
        let hash = text::hash_from_base64(line).ok_or(BadHashLines::Line(position + 1))?;
        hashes.push(NodeHash::from_bytes(hash));
    }
    Ok(hashes)
}

pub(crate) fn write_hash_lines(f: &mut fmt::Formatter<'_>, hashes: &[NodeHash]) -> fmt::Result {
    hashes.iter().try_for_each(|hash| writeln!(f, "{}", text::base64(hash.as_bytes())))
}
