//! One proof for many leaves of one RFC 6962 tree.
//!
//! The walk starts at the root and splits each range of leaves at the largest power of two below
//! its width (RFC 9162 §2.1.1). A range that holds none of the proven leaves contributes one hash,
//! taken from the proof in the order of the walk; so the positions decide the sides and a proof is
//! a list of hashes, nothing else. Depth is at most 64.

use alloc::vec::Vec;

use ore_merkle::{NodeHash, RootHash, TreeSize, hash_children, thousands};

/// Why a multiproof proves nothing, or could not be made.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MultiproofError {
    /// There is nothing to prove.
    #[error("the proof names no leaves")]
    NoLeaves,
    /// Leaves must come in ascending order, each once.
    #[error("leaf {0} is out of order or named twice")]
    OutOfOrder(u64),
    /// The tree has no such leaf.
    #[error("leaf {leaf} is beyond a tree of {} leaves", thousands((*size).into()))]
    BeyondTree {
        /// The leaf named.
        leaf: u64,
        /// The size of the tree.
        size: u64,
    },
    /// A hash is missing.
    #[error("the proof ends too early: subtree of leaves {from} to {to} is missing")]
    TooShort {
        /// First leaf of the subtree.
        from: u64,
        /// Last leaf of the subtree.
        to: u64,
    },
    /// Hashes are left over.
    #[error("the proof has {} hashes too many", thousands(*.0 as u128))]
    TooLong(usize),
    /// The source lacks a node that the tree must have.
    #[error("node {index} of level {level} is not stored")]
    MissingNode {
        /// 0 for leaves.
        level: u8,
        /// Position within the level.
        index: u64,
    },
}

fn check_order(leaves: impl Iterator<Item = u64>, size: u64) -> Result<(), MultiproofError> {
    let mut last = None;
    for leaf in leaves {
        if leaf >= size {
            return Err(MultiproofError::BeyondTree { leaf, size });
        }
        if last.is_some_and(|last| last >= leaf) {
            return Err(MultiproofError::OutOfOrder(leaf));
        }
        last = Some(leaf);
    }
    if last.is_none() { Err(MultiproofError::NoLeaves) } else { Ok(()) }
}

/// Largest power of two below `width` (RFC 9162: k < n <= 2k). `width` is at least 2.
const fn split(width: u64) -> u64 {
    1 << (63 - (width - 1).leading_zeros())
}

/// The root that these leaves and this proof lead to. Compare it with a root that is trusted.
///
/// # Errors
/// [`MultiproofError`] when the leaves are out of order or the proof has the wrong length.
pub fn root_from(
    size: TreeSize,
    leaves: &[(u64, NodeHash)],
    proof: &[NodeHash],
) -> Result<RootHash, MultiproofError> {
    check_order(leaves.iter().map(|(index, _)| *index), size.get())?;
    let mut rest = proof.iter();
    let root = fold(0, size.get(), leaves, &mut rest)?;
    match rest.len() {
        0 => Ok(root.into()),
        extra => Err(MultiproofError::TooLong(extra)),
    }
}

fn fold<'p>(
    from: u64,
    to: u64,
    leaves: &[(u64, NodeHash)],
    proof: &mut impl Iterator<Item = &'p NodeHash>,
) -> Result<NodeHash, MultiproofError> {
    if leaves.is_empty() {
        return proof.next().copied().ok_or(MultiproofError::TooShort { from, to: to - 1 });
    }
    if to - from == 1 {
        return Ok(leaves[0].1);
    }
    let middle = from + split(to - from);
    let (left, right) = leaves.split_at(leaves.partition_point(|(index, _)| *index < middle));
    let left = fold(from, middle, left, proof)?;
    let right = fold(middle, to, right, proof)?;
    Ok(hash_children(&left, &right))
}

/// The proof for leaves in ascending order, from a lookup of complete subtrees' nodes (level, index).
///
/// # Errors
/// [`MultiproofError`] when the leaves are out of order or a node is not stored.
pub fn prove(
    size: TreeSize,
    leaves: &[u64],
    mut node: impl FnMut(u8, u64) -> Option<NodeHash>,
) -> Result<Vec<NodeHash>, MultiproofError> {
    check_order(leaves.iter().copied(), size.get())?;
    let mut proof = Vec::new();
    collect(0, size.get(), leaves, &mut proof, &mut node)?;
    Ok(proof)
}

fn collect(
    from: u64,
    to: u64,
    leaves: &[u64],
    proof: &mut Vec<NodeHash>,
    node: &mut impl FnMut(u8, u64) -> Option<NodeHash>,
) -> Result<(), MultiproofError> {
    if leaves.is_empty() {
        proof.push(range(from, to, node)?);
        return Ok(());
    }
    if to - from == 1 {
        return Ok(());
    }
    let middle = from + split(to - from);
    let (left, right) = leaves.split_at(leaves.partition_point(|index| *index < middle));
    collect(from, middle, left, proof, node)?;
    collect(middle, to, right, proof, node)
}

/// Hash of a range that the walk produces: complete, or ragged at the right border of the tree.
fn range(
    from: u64,
    to: u64,
    node: &mut impl FnMut(u8, u64) -> Option<NodeHash>,
) -> Result<NodeHash, MultiproofError> {
    let width = to - from;
    if width.is_power_of_two() {
        let level = width.trailing_zeros() as u8;
        let index = from >> level;
        return node(level, index).ok_or(MultiproofError::MissingNode { level, index });
    }
    let middle = from + split(width);
    Ok(hash_children(&range(from, middle, node)?, &range(middle, to, node)?))
}
