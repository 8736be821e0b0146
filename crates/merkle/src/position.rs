//! Where a leaf stands, and how many leaves there are: two numbers that must not be confused.

use core::fmt;

/// Zero-based position of an entry in the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct LeafIndex(u64);

/// Number of leaves in a tree; the first leaf makes it 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct TreeSize(u64);

impl LeafIndex {
    /// Wraps a zero-based position.
    pub const fn new(index: u64) -> Self {
        Self(index)
    }

    /// The zero-based position.
    pub const fn get(self) -> u64 {
        self.0
    }
}

impl TreeSize {
    /// The tree of no leaves.
    pub const EMPTY: Self = Self(0);

    /// Wraps a number of leaves.
    pub const fn new(leaves: u64) -> Self {
        Self(leaves)
    }

    /// The number of leaves.
    pub const fn get(self) -> u64 {
        self.0
    }

    /// Whether a tree of this size has a leaf at `index`.
    pub const fn contains(self, index: LeafIndex) -> bool {
        index.0 < self.0
    }

    /// The index the next appended leaf will have.
    pub const fn next_index(self) -> LeafIndex {
        LeafIndex(self.0)
    }
}

impl From<u64> for LeafIndex {
    fn from(index: u64) -> Self {
        Self(index)
    }
}

impl From<u64> for TreeSize {
    fn from(leaves: u64) -> Self {
        Self(leaves)
    }
}

impl From<LeafIndex> for u64 {
    fn from(index: LeafIndex) -> Self {
        index.0
    }
}

impl From<TreeSize> for u64 {
    fn from(size: TreeSize) -> Self {
        size.0
    }
}

impl fmt::Display for LeafIndex {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Display for TreeSize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
