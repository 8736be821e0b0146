//! Checkpoints: origin, tree size, root; and the note that carries them.
//!
//! C2SP tlog-checkpoint. Extension lines are parsed, kept and printed, because other logs may use
//! them and cosignatures cover them; our own log makes none, and [`Checkpoint::require_strict`]
//! refuses them: no monitor can audit such a line.

use alloc::borrow::ToOwned;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use ore_merkle::{RootHash, TreeSize, empty_root};

use crate::key::{KeyName, VerifierKey};
use crate::note::{MalformedNote, Note, NoteFailure, SignatureLine, VerifierSet};
use crate::text;

/// What a log states about its tree. Printing a parsed checkpoint gives the same bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    origin: String,
    size: TreeSize,
    root: RootHash,
    extensions: Vec<String>,
}

/// A note whose text is a checkpoint: well formed, not yet believed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedCheckpoint {
    note: Note,
    checkpoint: Checkpoint,
}

/// Bytes that are no checkpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadCheckpoint {
    /// The note around it is malformed.
    #[error("checkpoint note")]
    Note(#[source] MalformedNote),
    /// Fewer than three lines, or the last without its newline.
    #[error("a checkpoint has an origin line, a size line and a root line")]
    MissingLine,
    /// The origin line is empty.
    #[error("a checkpoint's origin is not empty")]
    EmptyOrigin,
    /// The size is not a plain decimal of 64 bits.
    #[error("a checkpoint's size is a decimal without leading zeros")]
    Size,
    /// The root is not 32 bytes of padded base64.
    #[error("a checkpoint's root is 32 bytes of base64")]
    Root,
    /// Extension lines may not be empty.
    #[error("a checkpoint has no empty line")]
    EmptyExtension,
    /// Our log makes no extension lines.
    #[error("this log's checkpoints have no extension lines")]
    ExtensionRefused,
    /// Our log's origin is a key name.
    #[error("this log's origin has no spaces and no '+'")]
    OriginForm,
    /// The root of no leaves is SHA-256 of nothing.
    #[error("the root of an empty tree is the hash of nothing")]
    EmptyTreeRoot,
}

impl Checkpoint {
    /// A checkpoint of our own log: no extension lines, and an origin that is also the name of the
    /// log's key.
    pub fn new(origin: &KeyName, size: TreeSize, root: RootHash) -> Self {
        Self { origin: origin.as_str().to_owned(), size, root, extensions: Vec::new() }
    }

    /// Reads a note text, final newline included. Extension lines are allowed.
    ///
    /// # Errors
    ///
    /// [`BadCheckpoint`].
    pub fn parse(text: &str) -> Result<Self, BadCheckpoint> {
        let body = text.strip_suffix('\n').ok_or(BadCheckpoint::MissingLine)?;
        let mut lines = body.split('\n');
        let mut line = || lines.next().ok_or(BadCheckpoint::MissingLine);
        let (origin, size, root) = (line()?, line()?, line()?);
        if origin.is_empty() {
            return Err(BadCheckpoint::EmptyOrigin);
        }
        let size = text::decimal(size).ok_or(BadCheckpoint::Size)?;
        let root = text::hash_from_base64(root).ok_or(BadCheckpoint::Root)?;
        let extensions: Vec<String> = lines.map(ToOwned::to_owned).collect();
        if extensions.iter().any(String::is_empty) {
            return Err(BadCheckpoint::EmptyExtension);
        }
        let (size, root) = (TreeSize::new(size), RootHash::from_bytes(root));
        Ok(Self { origin: origin.to_owned(), size, root, extensions })
    }

    /// Checks what our own log promises beyond the format.
    ///
    /// # Errors
    ///
    /// [`BadCheckpoint::ExtensionRefused`], [`BadCheckpoint::OriginForm`] or
    /// [`BadCheckpoint::EmptyTreeRoot`].
    pub fn require_strict(&self) -> Result<(), BadCheckpoint> {
        if !self.extensions.is_empty() {
            return Err(BadCheckpoint::ExtensionRefused);
        }
        if KeyName::new(&self.origin).is_err() {
            return Err(BadCheckpoint::OriginForm);
        }
        if self.size == TreeSize::EMPTY && self.root != empty_root() {
            return Err(BadCheckpoint::EmptyTreeRoot);
        }
        Ok(())
    }

    /// Which log.
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// Leaves in the tree.
    pub const fn size(&self) -> TreeSize {
        self.size
    }

    /// Root of the tree.
    pub const fn root(&self) -> &RootHash {
        &self.root
    }

    /// Lines after the root, without newlines; opaque.
    pub fn extensions(&self) -> &[String] {
        &self.extensions
    }

    /// The note text that is signed, final newline included.
    pub fn to_text(&self) -> String {
        format!("{self}")
    }
}

impl fmt::Display for Checkpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let root = text::base64(self.root.as_bytes());
        writeln!(f, "{}\n{}\n{root}", self.origin, self.size)?;
        self.extensions.iter().try_for_each(|line| writeln!(f, "{line}"))
    }
}

impl SignedCheckpoint {
    /// Puts signatures and cosignatures under a checkpoint.
    ///
    /// # Errors
    ///
    /// [`MalformedNote`] when there are none or too many.
    pub fn new(checkpoint: Checkpoint, signatures: Vec<SignatureLine>) -> Result<Self, MalformedNote> {
        Ok(Self { note: Note::new(&checkpoint.to_text(), signatures)?, checkpoint })
    }

    /// Reads a signed checkpoint.
    ///
    /// # Errors
    ///
    /// [`BadCheckpoint`].
    pub fn parse(bytes: &[u8]) -> Result<Self, BadCheckpoint> {
        let note = Note::parse(bytes).map_err(BadCheckpoint::Note)?;
        let checkpoint = Checkpoint::parse(note.unverified_text())?;
        Ok(Self { note, checkpoint })
    }

    /// What it says, not to be believed before a key or a policy has been asked.
    pub const fn unverified(&self) -> &Checkpoint {
        &self.checkpoint
    }

    /// The note around it.
    pub const fn note(&self) -> &Note {
        &self.note
    }

    /// Adds a signature or cosignature unless the very same line is there.
    ///
    /// # Errors
    ///
    /// [`MalformedNote::TooManySignatures`].
    pub fn add(&mut self, line: SignatureLine) -> Result<(), MalformedNote> {
        self.note.add(line)
    }

    /// Checks one key's signature or cosignature, and returns the checkpoint it vouches for. For a
    /// quorum of keys, ask a [`crate::Policy`].
    ///
    /// # Errors
    ///
    /// [`NoteFailure`].
    pub fn verify_key(&self, key: &VerifierKey) -> Result<&Checkpoint, NoteFailure> {
        let alone = VerifierSet::new(Vec::from([key.clone()])).expect("one key cannot be ambiguous");
        self.note.verify(&alone)?;
        Ok(&self.checkpoint)
    }
}

/// The note, byte for byte as it was read.
impl fmt::Display for SignedCheckpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.note.fmt(f)
    }
}
