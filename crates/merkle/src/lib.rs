//! The RFC 6962 / RFC 9162 Merkle tree over SHA-256: evidence as bytes and arithmetic.
//!
//! A leaf, an inner node and a root have distinct types, an inclusion proof and a consistency
//! proof have distinct types, and a verification returns a named error rather than `false`.
//! Nothing here reads a clock, a file or a socket; where nodes live on disk, the caller passes a
//! lookup function. Reading order: [`hash`], [`proof`], [`nodes`], [`frontier`], [`levels`],
//! [`dense`], [`groups`], [`tiles`], [`subtree`]; [`people`] stands apart.
//!
//! ```
//! use ore_merkle::{LeafIndex, Levels, hash_leaf, verify_inclusion};
//!
//! let mut tree = Levels::new();
//! for entry in [b"mined", b"moved", b"mixed"] {
//!     tree.append(hash_leaf(entry));
//! }
//! let (second, size, root) = (LeafIndex::new(1), tree.size(), tree.root());
//! let proof = tree.prove_inclusion(second, size)?;
//! verify_inclusion(&hash_leaf(b"moved"), second, size, &proof, &root)?;
//! assert!(verify_inclusion(&hash_leaf(b"stole"), second, size, &proof, &root).is_err());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
#![no_std]

extern crate alloc;

pub mod consistency;
pub mod dense;
pub mod frontier;
pub mod groups;
pub mod hash;
pub mod inclusion;
pub mod levels;
pub mod nodes;
pub mod people;
pub mod position;
pub mod proof;
pub mod subtree;
pub mod tiles;

pub use consistency::{ConsistencyError, verify_consistency};
pub use dense::{DenseTree, DenseTreeError, JoinedTrees};
pub use frontier::{BadFrontier, Frontier};
pub use hash::{LeafHash, NodeHash, RootHash, WrongHashLength, empty_root, hash_children, hash_leaf};
pub use inclusion::{InclusionError, root_from_inclusion, verify_inclusion};
pub use levels::Levels;
pub use nodes::{ProveError, prove_consistency, prove_inclusion, root_at};
pub use people::thousands;
pub use position::{LeafIndex, TreeSize};
pub use proof::{BadProofBytes, ConsistencyProof, InclusionProof, MAX_PROOF_HASHES};
pub use subtree::{Subtree, SubtreeError, verify_subtree_consistency, verify_subtree_inclusion};
pub use tiles::{BundleError, BundleId, BundleRef, TileError, TileId, TilePathError, TileResource};
