//! Subtrees: one aligned range of leaves with its own root, shown to be part of a larger tree.
//!
//! As defined in draft-ietf-plants-merkle-tree-certs ("Subtrees"): `start .. end` is a subtree when
//! `start` is a multiple of the smallest power of two that is at least `end - start`. Comments carry
//! the steps of its verification procedures. We make no subtree proofs; other logs' tools do.

use crate::hash::{LeafHash, NodeHash, RootHash, empty_root, hash_children};
use crate::inclusion::{InclusionError, verify_inclusion};
use crate::position::{LeafIndex, TreeSize};
use crate::proof::{ConsistencyProof, InclusionProof};

/// An aligned range of leaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Subtree {
    start: u64,
    end: u64,
}

/// Why a subtree, or a proof about one, is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SubtreeError {
    /// The range runs backwards.
    #[error("subtree {start}..{end} ends before it starts")]
    Backwards {
        /// First leaf.
        start: u64,
        /// One past the last leaf.
        end: u64,
    },
    /// `start` is no multiple of the smallest power of two that holds the range.
    #[error("subtree {start}..{end} is not aligned to its size")]
    Misaligned {
        /// First leaf.
        start: u64,
        /// One past the last leaf.
        end: u64,
    },
    /// The leaf lies left of the subtree.
    #[error("leaf {index} lies before subtree {start}")]
    LeafBeforeSubtree {
        /// The leaf asked about.
        index: u64,
        /// First leaf of the subtree.
        start: u64,
    },
    /// The inclusion proof within the subtree fails.
    #[error("inclusion within the subtree")]
    Inclusion(#[source] InclusionError),
    /// The subtree reaches beyond the tree.
    #[error("subtree ends at {end}, beyond a tree of {size} leaves")]
    BeyondTree {
        /// One past the last leaf of the subtree.
        end: u64,
        /// Leaves in the tree.
        size: TreeSize,
    },
    /// An empty subtree needs no proof.
    #[error("a proof about an empty subtree must be empty")]
    ProofOfEmptySubtree,
    /// The proof ends below the root.
    #[error("subtree proof ends before the root")]
    TooFewHashes,
    /// Hashes are left over after the root was reached.
    #[error("subtree proof has more hashes than the path to the root")]
    TooManyHashes,
    /// The proof is about another subtree.
    #[error("subtree proof leads to subtree hash {computed}, expected {expected}")]
    SubtreeMismatch {
        /// The hash the proof leads to.
        computed: RootHash,
        /// The hash that was given.
        expected: RootHash,
    },
    /// The proof is about another tree.
    #[error("subtree proof leads to root {computed}, expected {expected}")]
    RootMismatch {
        /// The root the proof leads to.
        computed: RootHash,
        /// The root that was given.
        expected: RootHash,
    },
}

impl Subtree {
    /// Takes the leaves `start .. end`. An empty range is a subtree too.
    ///
    /// # Errors
    ///
    /// [`SubtreeError::Backwards`] or [`SubtreeError::Misaligned`].
    pub const fn new(start: u64, end: u64) -> Result<Self, SubtreeError> {
        if end < start {
            return Err(SubtreeError::Backwards { start, end });
        }
        // No power of two of 64 bits holds more than 2^63 leaves; only a range from 0 is then aligned.
        let aligned = match (end - start).checked_next_power_of_two() {
            Some(power) => start.is_multiple_of(power),
            None => start == 0,
        };
        if aligned { Ok(Self { start, end }) } else { Err(SubtreeError::Misaligned { start, end }) }
    }

    /// First leaf.
    pub const fn start(self) -> u64 {
        self.start
    }

    /// One past the last leaf.
    pub const fn end(self) -> u64 {
        self.end
    }
}

/// Checks that `leaf` is at `index` of the log, inside `subtree` with this `root`.
///
/// # Errors
///
/// [`SubtreeError::LeafBeforeSubtree`] or [`SubtreeError::Inclusion`].
pub fn verify_subtree_inclusion(
    leaf: &LeafHash,
    index: LeafIndex,
    subtree: Subtree,
    proof: &InclusionProof,
    root: &RootHash,
) -> Result<(), SubtreeError> {
    // A subtree is a tree of its own whose leaves count from `start`.
    let Subtree { start, end } = subtree;
    let within = index
        .get()
        .checked_sub(start)
        .ok_or(SubtreeError::LeafBeforeSubtree { index: index.get(), start })?;
    verify_inclusion(leaf, LeafIndex::new(within), TreeSize::new(end - start), proof, root)
        .map_err(SubtreeError::Inclusion)
}

/// Checks that `subtree` with hash `subtree_root` is part of the tree (`size`, `root`).
///
/// # Errors
///
/// The first step that fails.
pub fn verify_subtree_consistency(
    subtree: Subtree,
    subtree_root: &RootHash,
    size: TreeSize,
    root: &RootHash,
    proof: &ConsistencyProof,
) -> Result<(), SubtreeError> {
    let Subtree { start, end } = subtree;
    // 1. The subtree must lie within the tree.
    if end > size.get() {
        return Err(SubtreeError::BeyondTree { end, size });
    }
    // 2. An empty subtree is part of every tree; its hash is that of nothing.
    if start == end {
        return empty_subtree(subtree_root, proof);
    }
    let (fr, sr) = climb(subtree, size, subtree_root, proof)?;
    // 8. Both hashes must be the ones given.
    if fr != *subtree_root {
        return Err(SubtreeError::SubtreeMismatch { computed: fr, expected: *subtree_root });
    }
    if sr != *root {
        return Err(SubtreeError::RootMismatch { computed: sr, expected: *root });
    }
    Ok(())
}

fn empty_subtree(subtree_root: &RootHash, proof: &ConsistencyProof) -> Result<(), SubtreeError> {
    if !proof.hashes().is_empty() {
        return Err(SubtreeError::ProofOfEmptySubtree);
    }
    if *subtree_root != empty_root() {
        return Err(SubtreeError::SubtreeMismatch { computed: empty_root(), expected: *subtree_root });
    }
    Ok(())
}

/// Steps 3 to 7: the subtree's hash and the root that the proof leads to.
fn climb(
    subtree: Subtree,
    size: TreeSize,
    subtree_root: &RootHash,
    proof: &ConsistencyProof,
) -> Result<(RootHash, RootHash), SubtreeError> {
    // fn is the first leaf of the subtree, sn its last, tn the last of the tree.
    let (mut fnode, mut snode, mut tnode) = (subtree.start, subtree.end - 1, size.get() - 1);
    // 3./4. Skip the levels in which the subtree has no sibling outside itself. At most 64 rounds:
    // fn and sn meet at 0.
    let at_border = snode == tnode;
    while fnode != snode && (at_border || snode & 1 == 1) {
        (fnode, snode, tnode) = (fnode >> 1, snode >> 1, tnode >> 1);
    }
    // 5./6. Start from the subtree itself if it is a node, else from its last complete part.
    let (seed, rest) = if fnode == snode {
        (NodeHash::from_bytes(subtree_root.to_bytes()), proof.hashes())
    } else {
        let (head, tail) = proof.hashes().split_first().ok_or(SubtreeError::TooFewHashes)?;
        (*head, tail)
    };
    let (mut fr, mut sr) = (seed, seed);
    // 7. For each further hash:
    for c in rest {
        // 7.a. The root was reached already.
        if tnode == 0 {
            return Err(SubtreeError::TooManyHashes);
        }
        if snode & 1 == 1 || snode == tnode {
            // 7.b. A left sibling; it belongs to the subtree while the subtree is wider than a node.
            if fnode < snode {
                fr = hash_children(c, &fr);
            }
            sr = hash_children(c, &sr);
            // On the right border, skip the levels that have no sibling.
            while snode & 1 == 0 && snode != 0 {
                (fnode, snode, tnode) = (fnode >> 1, snode >> 1, tnode >> 1);
            }
        } else {
            // 7.b, otherwise. A right sibling lies outside the subtree.
            sr = hash_children(&sr, c);
        }
        // 7.c. One level up.
        (fnode, snode, tnode) = (fnode >> 1, snode >> 1, tnode >> 1);
    }
    // 8. ... and the path must end at the root.
    if tnode != 0 {
        return Err(SubtreeError::TooFewHashes);
    }
    Ok((fr.into(), sr.into()))
}
