//! Inclusion proofs: evidence that one leaf is in a tree of a given size.
//!
//! RFC 9162 §2.1.3.2; comments carry its step numbers. Nothing here reads a clock, a file or a
//! socket: this file and the RFC are all a reviewer needs.

use crate::hash::{LeafHash, NodeHash, RootHash, hash_children};
use crate::people::thousands;
use crate::position::{LeafIndex, TreeSize};
use crate::proof::InclusionProof;

/// Why a leaf is not shown to be in the tree.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InclusionError {
    /// Step 1: the tree has no such leaf.
    #[error("leaf {index} is beyond a tree of {} leaves", thousands(size.get().into()))]
    IndexBeyondTree {
        /// The leaf asked about.
        index: LeafIndex,
        /// The size of the tree.
        size: TreeSize,
    },
    /// Step 4.a: hashes are left over after the root was reached.
    #[error("inclusion proof has more hashes than the path from leaf to root")]
    TooManyHashes,
    /// Step 5: the hashes ran out below the root.
    #[error("inclusion proof ends before the root")]
    TooFewHashes,
    /// Step 5: another tree.
    #[error("inclusion proof leads to root {computed}, expected {expected}")]
    RootMismatch {
        /// The root that leaf and proof lead to.
        computed: RootHash,
        /// The root that was given.
        expected: RootHash,
    },
}

/// Checks that `leaf` is at `index` in the tree of `size` leaves with this `root`.
///
/// # Errors
///
/// The first step of RFC 9162 §2.1.3.2 that fails.
pub fn verify_inclusion(
    leaf: &LeafHash,
    index: LeafIndex,
    size: TreeSize,
    proof: &InclusionProof,
    root: &RootHash,
) -> Result<(), InclusionError> {
    let computed = root_from_inclusion(leaf, index, size, proof)?;
    // 5. ... and compare r with root_hash.
    if computed != *root {
        return Err(InclusionError::RootMismatch { computed, expected: *root });
    }
    Ok(())
}

/// The root that `leaf` and `proof` lead to, for callers that compare it elsewhere.
///
/// # Errors
///
/// As [`verify_inclusion`], except for [`InclusionError::RootMismatch`].
pub fn root_from_inclusion(
    leaf: &LeafHash,
    index: LeafIndex,
    size: TreeSize,
    proof: &InclusionProof,
) -> Result<RootHash, InclusionError> {
    // 1. leaf_index must be below tree_size.
    if !size.contains(index) {
        return Err(InclusionError::IndexBeyondTree { index, size });
    }
    // 2. fn is the leaf, sn the last leaf.
    let (mut fnode, mut snode) = (index.get(), size.get() - 1);
    // 3. Start from the leaf.
    let mut r = NodeHash::from(*leaf);
    // 4. For each hash of the path:
    for p in proof.hashes() {
        // 4.a. The root was reached already.
        if snode == 0 {
            return Err(InclusionError::TooManyHashes);
        }
        if fnode & 1 == 1 || fnode == snode {
            // 4.b.i. The sibling is on the left.
            r = hash_children(p, &r);
            // 4.b.ii. On the right border, skip the levels that have no sibling.
            while fnode & 1 == 0 && fnode != 0 {
                fnode >>= 1;
                snode >>= 1;
            }
        } else {
            // 4.b, otherwise. The sibling is on the right.
            r = hash_children(&r, p);
        }
        // 4.c. One level up.
        fnode >>= 1;
        snode >>= 1;
    }
    // 5. The path must end at the root.
    if snode != 0 {
        return Err(InclusionError::TooFewHashes);
    }
    Ok(r.into())
}
