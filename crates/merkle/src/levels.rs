//! The whole append-only tree in memory: any root, any proof, any tile, in microseconds.
//!
//! One flat array per level, complete subtrees only, so about 64 bytes per leaf; what was true of a
//! tree of some size stays readable after it has grown. Truncation is for undoing a block that did
//! not commit, never for a published one.

use alloc::vec::Vec;

use crate::hash::{LeafHash, NodeHash, RootHash};
use crate::nodes::{self, ProveError};
use crate::position::{LeafIndex, TreeSize};
use crate::proof::{ConsistencyProof, InclusionProof};
use crate::tiles::TileId;
use crate::{hash_children, tiles};

/// Every complete node of a growing tree.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Levels {
    /// `nodes[level][index]`; `nodes[0]` are the leaves.
    nodes: Vec<Vec<NodeHash>>,
}

impl Levels {
    /// The empty tree.
    pub const fn new() -> Self {
        Self { nodes: Vec::new() }
    }

    /// Leaves so far.
    pub fn size(&self) -> TreeSize {
        TreeSize::new(self.nodes.first().map_or(0, Vec::len) as u64)
    }

    /// Appends a leaf and says where it went.
    pub fn append(&mut self, leaf: LeafHash) -> LeafIndex {
        let index = self.size().next_index();
        let mut node = NodeHash::from(leaf);
        for level in 0.. {
            if self.nodes.len() == level {
                self.nodes.push(Vec::new());
            }
            let row = &mut self.nodes[level];
            row.push(node);
            // An odd row waits for its partner; an even one has just completed a parent.
            let [.., left, right] = row.as_slice() else { break };
            if row.len() % 2 == 1 {
                break;
            }
            node = hash_children(left, right);
        }
        index
    }

    /// Leaf hash at `index`, if there is one.
    pub fn leaf(&self, index: LeafIndex) -> Option<LeafHash> {
        let node = self.node(0, index.get())?;
        Some(LeafHash::from_bytes(node.to_bytes()))
    }

    /// The node (`level`, `index`), if its subtree is complete.
    pub fn node(&self, level: u8, index: u64) -> Option<NodeHash> {
        self.nodes.get(usize::from(level))?.get(usize::try_from(index).ok()?).copied()
    }

    /// Bytes that the levels occupy, with what is reserved.
    pub fn bytes_in_use(&self) -> usize {
        self.nodes.iter().map(|row| row.capacity() * size_of::<NodeHash>()).sum()
    }

    /// Root of the tree as it is.
    pub fn root(&self) -> RootHash {
        self.root_at(self.size()).expect("every node of the present size is held")
    }

    /// Root of the first `size` leaves; `None` when there are fewer.
    pub fn root_at(&self, size: TreeSize) -> Option<RootHash> {
        (size <= self.size()).then_some(())?;
        nodes::root_at(size, |level, index| self.node(level, index)).ok()
    }

    /// Evidence that leaf `index` is among the first `size` leaves.
    ///
    /// # Errors
    ///
    /// [`ProveError`] when `index` is not below `size` or the tree is smaller than `size`.
    pub fn prove_inclusion(&self, index: LeafIndex, size: TreeSize) -> Result<InclusionProof, ProveError> {
        self.must_reach(size)?;
        nodes::prove_inclusion(index, size, |level, index| self.node(level, index))
    }

    /// Evidence that the first `second` leaves begin with the first `first` leaves.
    ///
    /// # Errors
    ///
    /// [`ProveError`] when the sizes are out of order or the tree is smaller than `second`.
    pub fn prove_consistency(
        &self,
        first: TreeSize,
        second: TreeSize,
    ) -> Result<ConsistencyProof, ProveError> {
        self.must_reach(second)?;
        nodes::prove_consistency(first, second, |level, index| self.node(level, index))
    }

    /// A proof of the last leaf looks up left siblings only, so a missing leaf would go unnoticed.
    fn must_reach(&self, size: TreeSize) -> Result<(), ProveError> {
        if size > self.size() {
            return Err(ProveError::MissingNode { level: 0, index: size.get() - 1 });
        }
        Ok(())
    }

    /// The hashes of one tile: a slice, since a tile's row is a row of this tree. `None` when the
    /// tree does not have all of them yet.
    pub fn tile(&self, tile: TileId) -> Option<&[NodeHash]> {
        let row = self.nodes.get(usize::from(tile.level()) * tiles::TILE_HEIGHT as usize)?;
        let begin = usize::try_from(tile.index()).ok()?.checked_mul(tiles::TILE_WIDTH as usize)?;
        row.get(begin..begin.checked_add(usize::from(tile.width()))?)
    }

    /// Forgets all leaves from `size` on. No effect when there are no more than `size`.
    pub fn truncate(&mut self, size: TreeSize) {
        for (level, row) in self.nodes.iter_mut().enumerate() {
            let keep = size.get().unbounded_shr(level as u32);
            row.truncate(usize::try_from(keep).unwrap_or(usize::MAX));
        }
        while self.nodes.last().is_some_and(Vec::is_empty) {
            self.nodes.pop();
        }
    }
}

impl Extend<LeafHash> for Levels {
    fn extend<I: IntoIterator<Item = LeafHash>>(&mut self, leaves: I) {
        for leaf in leaves {
            self.append(leaf);
        }
    }
}

impl FromIterator<LeafHash> for Levels {
    fn from_iter<I: IntoIterator<Item = LeafHash>>(leaves: I) -> Self {
        let mut levels = Self::new();
        levels.extend(leaves);
        levels
    }
}
