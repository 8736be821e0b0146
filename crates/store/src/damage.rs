//! Damage: one closed list of what can be wrong with stored bytes, each with its place.
//!
//! Opening the store and `fsck` name things in the same words.

use std::fmt;

/// Where something is.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Place {
    /// Height of the block, when known.
    pub height: Option<u64>,
    /// Leaf index of the entry, when it is about one.
    pub leaf: Option<u64>,
    /// File name below the ledger's folder, or empty.
    pub file: String,
    /// Byte in that file, when known.
    pub offset: Option<u64>,
}

impl Place {
    /// A place in a file.
    pub fn in_file(file: impl Into<String>, offset: u64) -> Self {
        Self { file: file.into(), offset: Some(offset), ..Self::default() }
    }

    /// The same place, at a height.
    #[must_use]
    pub fn at_height(mut self, height: u64) -> Self {
        self.height = Some(height);
        self
    }

    /// The same place, at a leaf.
    #[must_use]
    pub fn at_leaf(mut self, leaf: u64) -> Self {
        self.leaf = Some(leaf);
        self
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut between = "";
        if let Some(height) = self.height {
            write!(f, "height {height}")?;
            between = ", ";
        }
        if let Some(leaf) = self.leaf {
            write!(f, "{between}leaf {leaf}")?;
            between = ", ";
        }
        if !self.file.is_empty() {
            write!(f, "{between}{}", self.file)?;
        }
        if let Some(offset) = self.offset {
            write!(f, " at byte {offset}")?;
        }
        Ok(())
    }
}

/// Which check found it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Fault {
    /// A segment's name, header or place among the others.
    Segment,
    /// A frame's length, kind, checksum, padding or place.
    Frame,
    /// Bytes that belong to nothing.
    TrailingBytes,
    /// A block's header does not decode, or is not canonical.
    Header,
    /// Height, previous header or origin break the chain.
    HeaderChain,
    /// A block's time runs backwards.
    BlockTime,
    /// An entry that is no canonical record.
    Entry,
    /// A record's signature.
    Signature,
    /// A record that the rules refuse at its place.
    Rule,
    /// A block's seal, or the lack of one.
    Seal,
    /// The tree's size or root in a header.
    TreeRoot,
    /// The state root in a header or seal.
    StateRoot,
    /// The hash of the next validator set.
    ValidatorSet,
    /// A block's certificate.
    Certificate,
    /// A header names a member as its proposer whose turn it was not.
    Proposer,
    /// The published checkpoint.
    Checkpoint,
    /// The promise file.
    Promise,
    /// The stored leaf hashes.
    LeafHashes,
    /// The stored record ids.
    RecordIds,
    /// The stored entry lengths.
    EntryLengths,
    /// The stored block index.
    BlockIndex,
    /// The state in sled.
    View,
    /// The stored provenance graph.
    Graph,
    /// An exported tile or bundle.
    Tile,
    /// The log ends before something that vouches for more.
    RolledBack,
    /// A remembered checkpoint that this log does not extend.
    Remembered,
}

impl Fault {
    /// In words.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Segment => "segment",
            Self::Frame => "frame",
            Self::TrailingBytes => "trailing bytes",
            Self::Header => "header",
            Self::HeaderChain => "header chain",
            Self::BlockTime => "block time",
            Self::Entry => "entry",
            Self::Signature => "record signature",
            Self::Rule => "custody rule",
            Self::Seal => "block seal",
            Self::TreeRoot => "tree root",
            Self::StateRoot => "state root",
            Self::ValidatorSet => "validator set",
            Self::Certificate => "certificate",
            Self::Proposer => "proposer",
            Self::Checkpoint => "checkpoint",
            Self::Promise => "promise",
            Self::LeafHashes => "leaf hashes",
            Self::RecordIds => "record ids",
            Self::EntryLengths => "entry lengths",
            Self::BlockIndex => "block index",
            Self::View => "view in sled",
            Self::Graph => "provenance graph",
            Self::Tile => "tile",
            Self::RolledBack => "rolled back",
            Self::Remembered => "remembered checkpoint",
        }
    }
}

/// One wrong thing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{} is wrong at {place}: expected {expected}, found {found}", fault.name())]
pub struct Damage {
    /// Which check found it.
    pub fault: Fault,
    /// Where.
    pub place: Place,
    /// What should be there.
    pub expected: Box<str>,
    /// What is there.
    pub found: Box<str>,
}

impl Damage {
    /// Names one wrong thing.
    pub fn new(fault: Fault, place: Place, expected: impl Into<String>, found: impl Into<String>) -> Self {
        Self { fault, place, expected: expected.into().into(), found: found.into().into() }
    }
}
