//! Promises of inclusion: a node answers for the place that it told a member.
//!
//! A signed note by the node's log key. Its second line is the origin, where a checkpoint has a decimal
//! size, so one can never pass for the other. A promise is broken by a quorum's checkpoint that has another
//! entry at that place, or that at the deadline had not grown so far: either is shown without the node.
//!
//! ```text
//! oreledger promise v1
//! <origin>
//! leaf <index> <base64 leaf hash>
//! record <64 hexadecimal digits>
//! size <entries in the log with its block>
//! deadline <seconds since 1970>
//! ```

use alloc::{format, string::String, vec::Vec};
use core::fmt;

use base64ct::{Base64, Encoding};
use ore_checkpoint::{
    AmbiguousKey, MalformedNote, Note, NoteFailure, Policy, SignatureLine, VerifierKey, VerifierSet,
};
use ore_merkle::{LeafHash, hash_leaf};
use ore_record::RecordId;

/// First line of a promise.
pub const PROMISE_HEADER: &str = "oreledger promise v1";

/// What is promised.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InclusionPromise {
    /// The ledger.
    pub origin: String,
    /// The entry's leaf.
    pub leaf: u64,
    /// Hash of that leaf.
    pub hash: LeafHash,
    /// The record in it.
    pub record: RecordId,
    /// Entries in the log with the block that holds it.
    pub tree_size: u64,
    /// When a quorum's checkpoint covers it at the latest; seconds since 1970.
    pub deadline: u64,
}

/// A promise with its signature; parsed, not yet believed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedPromise {
    note: Note,
    promise: InclusionPromise,
}

/// Why nobody answers for a promise.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadPromise {
    /// No note.
    #[error("it is no signed note: {0}")]
    Note(MalformedNote),
    /// Not the lines of a promise.
    #[error("its lines are not those of a promise")]
    Form,
    /// It is about another ledger, record or entry.
    #[error("it is about another {0}")]
    Another(&'static str),
    /// The log keys of the policy cannot be told apart.
    #[error("log keys of the policy: {0}")]
    Ambiguous(AmbiguousKey),
    /// No log key of the policy signed it.
    #[error("no log key of the policy signed it: {0}")]
    Unsigned(NoteFailure),
}

impl InclusionPromise {
    /// The text that is signed.
    #[must_use]
    pub fn to_text(&self) -> String {
        format!(
            "{PROMISE_HEADER}\n{}\nleaf {} {}\nrecord {}\nsize {}\ndeadline {}\n",
            self.origin,
            self.leaf,
            Base64::encode_string(self.hash.as_bytes()),
            self.record,
            self.tree_size,
            self.deadline,
        )
    }

    fn parse(text: &str) -> Option<Self> {
        let mut lines = text.lines();
        if lines.next() != Some(PROMISE_HEADER) {
            return None;
        }
        let origin = String::from(lines.next()?);
        let mut field = |name: &str| lines.next()?.strip_prefix(name)?.strip_prefix(' ');
        let (leaf, hash) = field("leaf")?.split_once(' ')?;
        let hash = Base64::decode_vec(hash).ok()?.try_into().ok().map(LeafHash::from_bytes)?;
        let promise = Self {
            origin,
            leaf: leaf.parse().ok()?,
            hash,
            record: RecordId::from_hex(field("record")?)?,
            tree_size: field("size")?.parse().ok()?,
            deadline: field("deadline")?.parse().ok()?,
        };
        // One promise has one spelling.
        (promise.to_text() == text).then_some(promise)
    }
}

impl SignedPromise {
    /// Puts the node's signature under a promise.
    ///
    /// # Errors
    /// [`BadPromise::Form`] when it could not be read back.
    pub fn sign(
        promise: InclusionPromise,
        sign: impl FnOnce(&str) -> SignatureLine,
    ) -> Result<Self, BadPromise> {
        let text = promise.to_text();
        let note = Note::new(&text, Vec::from([sign(&text)])).map_err(BadPromise::Note)?;
        if InclusionPromise::parse(&text).as_ref() != Some(&promise) {
            return Err(BadPromise::Form);
        }
        Ok(Self { note, promise })
    }

    /// Reads a promise.
    ///
    /// # Errors
    /// [`BadPromise`].
    pub fn parse(bytes: &[u8]) -> Result<Self, BadPromise> {
        let note = Note::parse(bytes).map_err(BadPromise::Note)?;
        let promise = InclusionPromise::parse(note.unverified_text()).ok_or(BadPromise::Form)?;
        Ok(Self { note, promise })
    }

    /// Who answers for it.
    ///
    /// # Errors
    /// [`BadPromise`] when no log key of the policy signed it, or it is about another ledger.
    pub fn verify(&self, policy: &Policy) -> Result<(InclusionPromise, VerifierKey), BadPromise> {
        let keys = policy.logs().iter().map(|log| log.key().clone()).collect();
        let trusted = VerifierSet::new(keys).map_err(BadPromise::Ambiguous)?;
        let verified = self.note.verify(&trusted).map_err(BadPromise::Unsigned)?;
        let (key, _) = verified.verified().first().ok_or(BadPromise::Form)?;
        if key.name().as_str() != self.promise.origin {
            return Err(BadPromise::Another("ledger"));
        }
        Ok((self.promise.clone(), key.clone()))
    }

    /// As [`Self::verify`], for the entry that was handed in.
    ///
    /// # Errors
    /// [`BadPromise::Another`] too.
    pub fn verify_for(&self, policy: &Policy, entry: &[u8]) -> Result<InclusionPromise, BadPromise> {
        let (promise, _) = self.verify(policy)?;
        if promise.hash != hash_leaf(entry) {
            return Err(BadPromise::Another("entry"));
        }
        Ok(promise)
    }

    /// What it says, before anybody was found to answer for it.
    #[must_use]
    pub const fn unverified(&self) -> &InclusionPromise {
        &self.promise
    }
}

/// The note, byte for byte as it was read.
impl fmt::Display for SignedPromise {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.note.fmt(f)
    }
}
