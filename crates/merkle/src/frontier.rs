//! The frontier: all that a single writer must keep to append and to know the root.
//!
//! One hash for every complete subtree along the right border, largest first; at most 64. An append
//! costs one or two hashes on average, and names the nodes it completes so that they can be stored.

use alloc::vec::Vec;

use crate::hash::{HASH_BYTES, LeafHash, NodeHash, RootHash, empty_root, hash_children};
use crate::position::{LeafIndex, TreeSize};

/// The right border of a tree.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Frontier {
    size: u64,
    /// One per set bit of `size`, largest subtree first.
    peaks: Vec<NodeHash>,
}

/// Bytes that are no frontier.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadFrontier {
    /// Too short to hold the tree size.
    #[error("a frontier begins with an 8-byte tree size, these are {got} bytes")]
    NoSize {
        /// Bytes given.
        got: usize,
    },
    /// More leaves than can be counted to; refusing them keeps an append free of overflow.
    #[error("a frontier of {size} leaves is beyond 2^63")]
    TooLarge {
        /// Leaves, as the bytes say.
        size: u64,
    },
    /// The number of hashes must be the number of set bits in the size.
    #[error("a frontier of {size} leaves takes {want} bytes, these are {got}")]
    WrongLength {
        /// Leaves, as the bytes say.
        size: u64,
        /// Bytes that size needs.
        want: usize,
        /// Bytes given.
        got: usize,
    },
}

impl Frontier {
    /// The frontier of the empty tree.
    pub const fn new() -> Self {
        Self { size: 0, peaks: Vec::new() }
    }

    /// Leaves so far.
    pub const fn size(&self) -> TreeSize {
        TreeSize::new(self.size)
    }

    /// Appends a leaf and says where it went.
    pub fn append(&mut self, leaf: LeafHash) -> LeafIndex {
        self.append_visiting(leaf, |_, _, _| {})
    }

    /// Appends a leaf and hands each node it completes to `visit(level, index, hash)`, the leaf
    /// itself (level 0) first. These are exactly the nodes that never change again.
    pub fn append_visiting(&mut self, leaf: LeafHash, mut visit: impl FnMut(u8, u64, NodeHash)) -> LeafIndex {
        let index = self.size;
        let mut node = NodeHash::from(leaf);
        visit(0, index, node);
        // Each trailing one of the size is a peak that the new leaf turns into a larger one.
        for level in 0..index.trailing_ones() {
            let left = self.peaks.pop().expect("one peak per set bit of the size");
            node = hash_children(&left, &node);
            visit(level as u8 + 1, index >> (level + 1), node);
        }
        self.peaks.push(node);
        self.size = index + 1;
        LeafIndex::new(index)
    }

    /// Root of the tree so far. At most 63 hashes.
    pub fn root(&self) -> RootHash {
        let mut peaks = self.peaks.iter().rev();
        let Some(&smallest) = peaks.next() else { return empty_root() };
        peaks.fold(smallest, |right, left| hash_children(left, &right)).into()
    }

    /// Tree size (8 bytes, big-endian), then the hashes, largest subtree first.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(8 + self.peaks.len() * HASH_BYTES);
        bytes.extend_from_slice(&self.size.to_be_bytes());
        self.peaks.iter().for_each(|peak| bytes.extend_from_slice(peak.as_bytes()));
        bytes
    }

    /// Reads [`Self::to_bytes`] back.
    ///
    /// # Errors
    ///
    /// [`BadFrontier`] when the length does not fit the size.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, BadFrontier> {
        let (size, hashes) = bytes.split_first_chunk().ok_or(BadFrontier::NoSize { got: bytes.len() })?;
        let size = u64::from_be_bytes(*size);
        if size >= 1 << 63 {
            return Err(BadFrontier::TooLarge { size });
        }
        let want = size.count_ones() as usize * HASH_BYTES;
        if hashes.len() != want {
            return Err(BadFrontier::WrongLength { size, want: want + 8, got: bytes.len() });
        }
        let peaks = hashes.as_chunks::<HASH_BYTES>().0.iter().copied().map(NodeHash::from_bytes).collect();
        Ok(Self { size, peaks })
    }
}
