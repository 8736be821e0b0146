//! Consistency proofs: evidence that a tree extends an earlier one without touching it.
//!
//! RFC 9162 §2.1.4.2; comments carry its step numbers. A proof from the empty tree means nothing
//! and is refused: every tree extends the empty one, and the caller who starts from nothing knows it.

use crate::hash::{NodeHash, RootHash, hash_children};
use crate::position::TreeSize;
use crate::proof::ConsistencyProof;

/// Why the later tree is not shown to extend the earlier one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ConsistencyError {
    /// A tree cannot shrink.
    #[error("tree of {second} leaves is smaller than the earlier one of {first}")]
    SizesOutOfOrder {
        /// Leaves in the earlier tree.
        first: TreeSize,
        /// Leaves in the later tree.
        second: TreeSize,
    },
    /// Every tree extends the empty tree; a proof of it would prove nothing.
    #[error("a consistency proof from the empty tree proves nothing")]
    FromEmptyTree,
    /// Two trees of one size need no proof, only equal roots.
    #[error("a consistency proof between trees of one size must be empty")]
    ProofBetweenEqualSizes,
    /// Step 1, or the path ended below the root (step 7).
    #[error("consistency proof ends before the root")]
    TooFewHashes,
    /// Step 6.a: hashes are left over after the root was reached.
    #[error("consistency proof has more hashes than the path to the root")]
    TooManyHashes,
    /// Step 7: the earlier tree is not the one the proof starts from.
    #[error("consistency proof leads to earlier root {computed}, expected {expected}")]
    FirstRootMismatch {
        /// The earlier root the proof leads to.
        computed: RootHash,
        /// The earlier root that was given.
        expected: RootHash,
    },
    /// Step 7: the later tree is not the one the proof leads to. Also two roots for one size.
    #[error("consistency proof leads to later root {computed}, expected {expected}")]
    SecondRootMismatch {
        /// The later root the proof leads to.
        computed: RootHash,
        /// The later root that was given.
        expected: RootHash,
    },
}

/// Checks that the tree (`second`, `second_root`) extends the tree (`first`, `first_root`).
///
/// # Errors
///
/// The first step of RFC 9162 §2.1.4.2 that fails. `first` of 0 is always refused.
pub fn verify_consistency(
    first: TreeSize,
    first_root: &RootHash,
    second: TreeSize,
    second_root: &RootHash,
    proof: &ConsistencyProof,
) -> Result<(), ConsistencyError> {
    if first > second {
        return Err(ConsistencyError::SizesOutOfOrder { first, second });
    }
    if first == TreeSize::EMPTY {
        return Err(ConsistencyError::FromEmptyTree);
    }
    if first == second {
        return same_size(first_root, second_root, proof);
    }
    // 1. An empty path fails.
    let Some((&head, tail)) = proof.hashes().split_first() else {
        return Err(ConsistencyError::TooFewHashes);
    };
    // 2. When first is a power of two, its root is itself the first node of the path.
    let (seed, rest) = if first.get().is_power_of_two() {
        (NodeHash::from_bytes(first_root.to_bytes()), proof.hashes())
    } else {
        (head, tail)
    };
    let (fr, sr) = climb(first.get() - 1, second.get() - 1, seed, rest)?;
    // 7. Both roots must be the ones given.
    if fr != *first_root {
        return Err(ConsistencyError::FirstRootMismatch { computed: fr, expected: *first_root });
    }
    if sr != *second_root {
        return Err(ConsistencyError::SecondRootMismatch { computed: sr, expected: *second_root });
    }
    Ok(())
}

fn same_size(first: &RootHash, second: &RootHash, proof: &ConsistencyProof) -> Result<(), ConsistencyError> {
    if !proof.hashes().is_empty() {
        return Err(ConsistencyError::ProofBetweenEqualSizes);
    }
    if first != second {
        return Err(ConsistencyError::SecondRootMismatch { computed: *first, expected: *second });
    }
    Ok(())
}

/// Steps 3 to 6: the two roots that the path leads to.
fn climb(
    last_of_first: u64,
    last_of_second: u64,
    seed: NodeHash,
    path: &[NodeHash],
) -> Result<(RootHash, RootHash), ConsistencyError> {
    // 3. fn is the last leaf of the first tree, sn that of the second.
    // 4. Skip the levels below the seed.
    let skip = last_of_first.trailing_ones();
    let (mut fnode, mut snode) = (last_of_first.unbounded_shr(skip), last_of_second.unbounded_shr(skip));
    // 5. Both start from the seed.
    let (mut fr, mut sr) = (seed, seed);
    // 6. For each further hash of the path:
    for c in path {
        // 6.a. The root was reached already.
        if snode == 0 {
            return Err(ConsistencyError::TooManyHashes);
        }
        if fnode & 1 == 1 || fnode == snode {
            // 6.b.i. A left sibling belongs to both trees.
            fr = hash_children(c, &fr);
            sr = hash_children(c, &sr);
            // 6.b.ii. On the right border, skip the levels that have no sibling.
            while fnode & 1 == 0 && fnode != 0 {
                fnode >>= 1;
                snode >>= 1;
            }
        } else {
            // 6.b, otherwise. A right sibling is new in the second tree.
            sr = hash_children(&sr, c);
        }
        // 6.c. One level up.
        fnode >>= 1;
        snode >>= 1;
    }
    // 7. ... and the path must end at the root.
    if snode != 0 {
        return Err(ConsistencyError::TooFewHashes);
    }
    Ok((fr.into(), sr.into()))
}
