//! Roots and proofs from stored nodes, wherever they are stored.
//!
//! Only nodes of complete subtrees are ever stored: the node (level, index) covers the leaves
//! `index << level .. (index + 1) << level` and never changes once it exists. The nodes on the
//! right border are recomputed from these. The caller passes the lookup as a function, so that the
//! same code serves memory, tiles and a database. At most 64 + 64 lookups for any answer. The caller
//! vouches for the size: a proof of the last leaf needs left siblings only and never looks it up.

use alloc::vec::Vec;

use crate::hash::{NodeHash, RootHash, empty_root, hash_children};
use crate::people::thousands;
use crate::position::{LeafIndex, TreeSize};
use crate::proof::{ConsistencyProof, InclusionProof};

/// Why a root or a proof could not be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProveError {
    /// The tree has no such leaf.
    #[error("leaf {index} is beyond a tree of {} leaves", thousands(size.get().into()))]
    IndexBeyondTree {
        /// The leaf asked about.
        index: LeafIndex,
        /// The size of the tree.
        size: TreeSize,
    },
    /// A tree cannot shrink.
    #[error("tree of {} leaves is smaller than the earlier one of {}", thousands(second.get().into()), thousands(first.get().into()))]
    SizesOutOfOrder {
        /// Leaves in the earlier tree.
        first: TreeSize,
        /// Leaves in the later tree.
        second: TreeSize,
    },
    /// The lookup does not have a node that a tree of this size must have.
    #[error("node {index} of level {level} is not stored")]
    MissingNode {
        /// 0 for leaves.
        level: u8,
        /// Position within the level.
        index: u64,
    },
}

/// The root of the tree of the first `size` leaves.
///
/// # Errors
///
/// [`ProveError::MissingNode`] when the lookup lacks a node.
pub fn root_at(
    size: TreeSize,
    mut node: impl FnMut(u8, u64) -> Option<NodeHash>,
) -> Result<RootHash, ProveError> {
    if size == TreeSize::EMPTY {
        return Ok(empty_root());
    }
    Ok(range_hash(0, size.get(), &mut node)?.into())
}

/// Evidence that leaf `index` is in the tree of the first `size` leaves.
///
/// # Errors
///
/// [`ProveError::IndexBeyondTree`] or [`ProveError::MissingNode`].
pub fn prove_inclusion(
    index: LeafIndex,
    size: TreeSize,
    mut node: impl FnMut(u8, u64) -> Option<NodeHash>,
) -> Result<InclusionProof, ProveError> {
    if !size.contains(index) {
        return Err(ProveError::IndexBeyondTree { index, size });
    }
    let mut path = Vec::new();
    push_path(index.get(), 0, size.get(), &mut path, &mut node)?;
    Ok(InclusionProof::from_levels(path))
}

/// Evidence that the tree of `second` leaves extends the tree of `first` leaves.
///
/// Empty when the sizes are equal or `first` is 0: nothing needs proving then.
///
/// # Errors
///
/// [`ProveError::SizesOutOfOrder`] or [`ProveError::MissingNode`].
pub fn prove_consistency(
    first: TreeSize,
    second: TreeSize,
    mut node: impl FnMut(u8, u64) -> Option<NodeHash>,
) -> Result<ConsistencyProof, ProveError> {
    if first > second {
        return Err(ProveError::SizesOutOfOrder { first, second });
    }
    let mut path = Vec::new();
    if first != TreeSize::EMPTY && first != second {
        let first = first.get();
        // The largest complete subtree that ends where the first tree ends. When it is the whole
        // first tree the verifier has its root already.
        let level = first.trailing_zeros() as u8;
        if !first.is_power_of_two() {
            path.push(stored(level, (first >> level) - 1, &mut node)?);
        }
        push_path(first - 1, level, second.get(), &mut path, &mut node)?;
    }
    Ok(ConsistencyProof::from_levels(path))
}

/// The siblings from `from_level` up on the way from leaf `index` to the root.
fn push_path(
    index: u64,
    from_level: u8,
    size: u64,
    path: &mut Vec<NodeHash>,
    node: &mut impl FnMut(u8, u64) -> Option<NodeHash>,
) -> Result<(), ProveError> {
    let last = size - 1;
    for level in from_level..64 {
        let (own, border) = (index >> level, last >> level);
        if border == 0 {
            break;
        }
        if own & 1 == 1 {
            path.push(stored(level, own - 1, node)?);
        } else if own < border {
            let begin = (own + 1) << level;
            // The sibling reaches the end of the tree and may be incomplete, or is wholly inside.
            let end = if own + 1 == border { size } else { begin + (1 << level) };
            path.push(range_hash(begin, end, node)?);
        }
        // Otherwise this level has no sibling: the node is promoted unchanged.
    }
    Ok(())
}

/// Hash of the leaves `begin .. end`, where `begin` is a multiple of a power of two not smaller
/// than `end - begin`: the complete subtrees in it, folded from the right.
fn range_hash(
    begin: u64,
    end: u64,
    node: &mut impl FnMut(u8, u64) -> Option<NodeHash>,
) -> Result<NodeHash, ProveError> {
    let (mut cut, mut width) = (end, end - begin);
    let mut folded: Option<NodeHash> = None;
    while width != 0 {
        let level = width.trailing_zeros() as u8;
        cut -= 1 << level;
        width -= 1 << level;
        let left = stored(level, cut >> level, node)?;
        folded = Some(match folded {
            Some(right) => hash_children(&left, &right),
            None => left,
        });
    }
    Ok(folded.expect("a range has a leaf: both callers pass begin < end"))
}

fn stored(
    level: u8,
    index: u64,
    node: &mut impl FnMut(u8, u64) -> Option<NodeHash>,
) -> Result<NodeHash, ProveError> {
    node(level, index).ok_or(ProveError::MissingNode { level, index })
}
