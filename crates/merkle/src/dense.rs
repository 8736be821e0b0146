//! A Merkle tree over an array whose leaves are updated in place, for the present state of things.
//!
//! At every moment [`DenseTree::root`] is the RFC 6962 root over the leaves as they then are. Levels
//! are flat arrays in which a node without a right sibling is carried upwards unchanged, which gives
//! the same root as the recursive definition. Changes are collected and hashed together, so a block
//! that touches neighbouring leaves pays for their common ancestors once. 64 bytes per leaf.

use alloc::{vec, vec::Vec};
use core::mem;

use crate::hash::{LeafHash, NodeHash, RootHash, empty_root, hash_children};
use crate::people::thousands;
use crate::position::{LeafIndex, TreeSize};
use crate::proof::InclusionProof;

/// Why the tree cannot answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DenseTreeError {
    /// There is no such leaf.
    #[error("leaf {index} is beyond a tree of {} leaves", thousands(size.get().into()))]
    IndexBeyondTree {
        /// The leaf asked about.
        index: LeafIndex,
        /// Leaves there are.
        size: TreeSize,
    },
    /// Leaves changed since the last [`DenseTree::root`]; a proof now would mix two states.
    #[error("leaves changed since the root was last computed")]
    NotHashed,
}

/// A tree over leaves that change.
#[derive(Clone, Debug, Default)]
pub struct DenseTree {
    /// `levels[0]` are the leaves; level l + 1 has half of level l, rounded up. The last has one.
    levels: Vec<Vec<NodeHash>>,
    /// Leaves whose path is stale, possibly repeated; never more than twice the leaves plus a block.
    dirty: Vec<usize>,
}

/// Below this many marks, repeats are not worth sorting out.
const DIRTY_SLACK: usize = 4096;

impl DenseTree {
    /// A tree of no leaves.
    pub const fn new() -> Self {
        Self { levels: Vec::new(), dirty: Vec::new() }
    }

    /// Leaves there are.
    pub fn size(&self) -> TreeSize {
        TreeSize::new(self.len() as u64)
    }

    /// Leaf at `index`, if there is one.
    pub fn leaf(&self, index: LeafIndex) -> Option<LeafHash> {
        let node = self.levels.first()?.get(usize::try_from(index.get()).ok()?)?;
        Some(LeafHash::from_bytes(node.to_bytes()))
    }

    /// Node of a complete subtree, as of the last [`Self::root`]: what a proof for many leaves is made of.
    pub fn node(&self, level: u8, index: u64) -> Option<NodeHash> {
        let complete = index.checked_add(1)?.checked_mul(1u64.checked_shl(level.into())?)?;
        if self.is_dirty() || complete > self.len() as u64 {
            return None;
        }
        self.levels.get(usize::from(level))?.get(usize::try_from(index).ok()?).copied()
    }

    /// Adds a leaf at the end and says where it went.
    pub fn push(&mut self, leaf: LeafHash) -> LeafIndex {
        let at = self.len();
        if self.levels.is_empty() {
            self.levels.push(Vec::new());
        }
        self.levels[0].push(leaf.into());
        self.mark(at);
        LeafIndex::new(at as u64)
    }

    /// Replaces a leaf and returns the one it replaced, which undoes the change when set again.
    ///
    /// # Errors
    ///
    /// [`DenseTreeError::IndexBeyondTree`].
    pub fn set(&mut self, index: LeafIndex, leaf: LeafHash) -> Result<LeafHash, DenseTreeError> {
        let at = self.checked(index)?;
        let old = mem::replace(&mut self.levels[0][at], leaf.into());
        self.mark(at);
        Ok(LeafHash::from_bytes(old.to_bytes()))
    }

    /// Removes all leaves from `size` on. No effect when there are no more than `size`.
    pub fn truncate(&mut self, size: TreeSize) {
        let keep = usize::try_from(size.get()).unwrap_or(usize::MAX);
        if keep >= self.len() {
            return;
        }
        self.dirty.retain(|&at| at < keep);
        if keep == 0 {
            self.levels.clear();
            return;
        }
        let mut width = keep;
        for level in &mut self.levels {
            level.truncate(width);
            width = width.div_ceil(2);
        }
        self.drop_levels_above_root();
        // Exactly the ancestors of the new last leaf covered removed leaves.
        self.mark(keep - 1);
    }

    /// Bytes that the levels occupy, with what is reserved.
    pub fn bytes_in_use(&self) -> usize {
        self.levels.iter().map(|level| level.capacity() * size_of::<NodeHash>()).sum()
    }

    /// Whether leaves changed since the last [`Self::root`].
    pub fn is_dirty(&self) -> bool {
        !self.dirty.is_empty()
    }

    /// Rehashes what changed and returns the root. Costs one hash per stale inner node: about
    /// log2(size) for one leaf, less than two per leaf when most of the tree changed.
    pub fn root(&mut self) -> RootHash {
        self.rehash();
        self.levels.last().map_or_else(empty_root, |top| top[0].into())
    }

    /// The root as of the last [`Self::root`].
    ///
    /// # Errors
    ///
    /// [`DenseTreeError::NotHashed`] when leaves changed since.
    pub fn hashed_root(&self) -> Result<RootHash, DenseTreeError> {
        if self.is_dirty() {
            return Err(DenseTreeError::NotHashed);
        }
        Ok(self.levels.last().map_or_else(empty_root, |top| top[0].into()))
    }

    /// Evidence that leaf `index` is in the tree whose root [`Self::root`] last returned.
    ///
    /// # Errors
    ///
    /// [`DenseTreeError::IndexBeyondTree`], or [`DenseTreeError::NotHashed`] when leaves changed since.
    pub fn inclusion_proof(&self, index: LeafIndex) -> Result<InclusionProof, DenseTreeError> {
        let mut at = self.checked(index)?;
        if self.is_dirty() {
            return Err(DenseTreeError::NotHashed);
        }
        let mut path = Vec::new();
        for level in &self.levels {
            // At the right border a node may have no sibling: it was carried upwards unchanged.
            path.extend(level.get(at ^ 1).copied());
            at /= 2;
        }
        Ok(InclusionProof::from_levels(path))
    }

    fn len(&self) -> usize {
        self.levels.first().map_or(0, Vec::len)
    }

    fn checked(&self, index: LeafIndex) -> Result<usize, DenseTreeError> {
        usize::try_from(index.get())
            .ok()
            .filter(|&at| at < self.len())
            .ok_or(DenseTreeError::IndexBeyondTree { index, size: self.size() })
    }

    fn mark(&mut self, at: usize) {
        if self.dirty.len() >= 2 * self.len() + DIRTY_SLACK {
            self.dirty.sort_unstable();
            self.dirty.dedup();
        }
        self.dirty.push(at);
    }

    /// Recomputes the ancestors of all dirty leaves, level by level from below.
    fn rehash(&mut self) {
        if self.dirty.is_empty() {
            return;
        }
        let mut stale = mem::take(&mut self.dirty);
        stale.sort_unstable();
        for level in 0.. {
            let width = self.levels[level].len();
            if width <= 1 {
                break;
            }
            if self.levels.len() == level + 1 {
                self.levels.push(Vec::new());
            }
            // In sorted order, so children of one parent are neighbours.
            stale.iter_mut().for_each(|at| *at /= 2);
            stale.dedup();
            let (below, above) = self.levels.split_at_mut(level + 1);
            rehash_level(&below[level], &mut above[0], &stale);
        }
        self.drop_levels_above_root();
        // Keeps the allocation for the next block.
        stale.clear();
        self.dirty = stale;
    }

    fn drop_levels_above_root(&mut self) {
        if let Some(top) = self.levels.iter().position(|level| level.len() == 1) {
            self.levels.truncate(top + 1);
        }
    }
}

/// Of many leaves at once; nothing is stale then.
impl FromIterator<LeafHash> for DenseTree {
    fn from_iter<I: IntoIterator<Item = LeafHash>>(leaves: I) -> Self {
        let leaves: Vec<NodeHash> = leaves.into_iter().map(NodeHash::from).collect();
        if leaves.is_empty() {
            return Self::new();
        }
        let mut tree = Self { levels: vec![leaves], dirty: Vec::new() };
        tree.grow_from(0);
        tree
    }
}

impl DenseTree {
    /// Hashes all levels above one that is complete.
    fn grow_from(&mut self, level: usize) {
        self.levels.truncate(level + 1);
        while let Some(children) = self.levels.last().filter(|level| level.len() > 1) {
            let parents = children.chunks(2).map(|pair| match pair {
                [left, right] => hash_children(left, right),
                alone => alone[0],
            });
            let parents = parents.collect();
            self.levels.push(parents);
        }
    }
}

/// Puts trees side by side that were hashed apart: each of exactly 2^height leaves, but for the last, which may have
/// fewer.
#[derive(Clone, Debug, Default)]
pub struct JoinedTrees {
    /// Levels 0 to height, complete.
    tree: DenseTree,
}

impl JoinedTrees {
    /// Of trees of 2^`height` leaves.
    pub fn new(height: u8) -> Self {
        let levels = vec![Vec::new(); usize::from(height) + 1];
        Self { tree: DenseTree { levels, dirty: Vec::new() } }
    }

    /// Makes room for so many leaves in all, so that what is there need not move.
    pub fn reserve(&mut self, leaves: usize) {
        for (level, nodes) in self.tree.levels.iter_mut().enumerate() {
            nodes.reserve_exact((leaves >> level).saturating_sub(nodes.len()));
        }
    }

    /// Adds the next tree; an empty one changes nothing.
    ///
    /// # Errors
    ///
    /// The tree, when it has more leaves, or the one before had fewer.
    pub fn push(&mut self, mut next: DenseTree) -> Result<(), DenseTree> {
        next.rehash();
        let Some(root) = next.levels.last().map(|top| top[0]) else { return Ok(()) };
        let levels = &mut self.tree.levels;
        let leaves = 1_usize.checked_shl(levels.len() as u32 - 1).unwrap_or(usize::MAX);
        if next.len() > leaves || !levels[0].len().is_multiple_of(leaves) {
            return Err(next);
        }
        for (level, nodes) in levels.iter_mut().enumerate() {
            match next.levels.get(level) {
                Some(part) => nodes.extend_from_slice(part),
                // Fewer leaves: the root has no sibling and is carried upwards.
                None => nodes.push(root),
            }
        }
        Ok(())
    }

    /// The tree over all leaves.
    pub fn finish(self) -> DenseTree {
        let mut tree = self.tree;
        if tree.len() == 0 {
            return DenseTree::new();
        }
        tree.grow_from(tree.levels.len() - 1);
        tree.drop_levels_above_root();
        tree
    }
}

/// Recomputes the nodes at `stale` in the level above `children`. New nodes are always among them.
fn rehash_level(children: &[NodeHash], parents: &mut Vec<NodeHash>, stale: &[usize]) {
    parents.resize(children.len().div_ceil(2), NodeHash::from_bytes([0; 32]));
    for &at in stale {
        parents[at] = match &children[2 * at..] {
            [left, right, ..] => hash_children(left, right),
            [alone] => *alone,
            [] => unreachable!("a stale parent has a child: its index is half of one"),
        };
    }
}
