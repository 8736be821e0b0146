//! The two kinds of proof: lists of hashes, nothing else.
//!
//! A proof carries no "left" or "right": the leaf index and the tree size decide the side, so a
//! proof cannot contradict itself. Both kinds look alike and prove different things, hence two types.

use alloc::vec::Vec;

use crate::hash::{HASH_BYTES, NodeHash};

/// Most hashes any proof can hold: a consistency proof in a tree of 2^64 - 1 leaves has at most
/// one seed and 64 levels.
pub const MAX_PROOF_HASHES: usize = 65;

/// Bytes or a list that cannot be a proof.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadProofBytes {
    /// Not a whole number of hashes.
    #[error("a proof is a whole number of 32-byte hashes, these are {got} bytes")]
    Ragged {
        /// Bytes given.
        got: usize,
    },
    /// More hashes than any tree needs.
    #[error("a proof has at most {MAX_PROOF_HASHES} hashes, this one has {got}")]
    TooLong {
        /// Hashes given.
        got: usize,
    },
}

macro_rules! proof_type {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, Default)]
        pub struct $name(Vec<NodeHash>);

        impl $name {
            /// Takes the hashes in proof order, lowest level first.
            ///
            /// # Errors
            ///
            /// [`BadProofBytes::TooLong`] above [`MAX_PROOF_HASHES`].
            pub fn new(hashes: Vec<NodeHash>) -> Result<Self, BadProofBytes> {
                if hashes.len() > MAX_PROOF_HASHES {
                    return Err(BadProofBytes::TooLong { got: hashes.len() });
                }
                Ok(Self(hashes))
            }

            /// For the provers of this crate, whose loops run over the 64 levels of a tree.
            pub(crate) fn from_levels(hashes: Vec<NodeHash>) -> Self {
                debug_assert!(hashes.len() <= MAX_PROOF_HASHES);
                Self(hashes)
            }

            /// Reads the concatenation of the hashes.
            ///
            /// # Errors
            ///
            /// [`BadProofBytes`] when the length is ragged or beyond any tree.
            pub fn from_bytes(bytes: &[u8]) -> Result<Self, BadProofBytes> {
                let (hashes, rest) = bytes.as_chunks::<HASH_BYTES>();
                if !rest.is_empty() {
                    return Err(BadProofBytes::Ragged { got: bytes.len() });
                }
                if hashes.len() > MAX_PROOF_HASHES {
                    return Err(BadProofBytes::TooLong { got: hashes.len() });
                }
                Ok(Self(hashes.iter().copied().map(NodeHash::from_bytes).collect()))
            }

            /// The concatenation of the hashes.
            pub fn to_bytes(&self) -> Vec<u8> {
                self.0.iter().flat_map(|hash| *hash.as_bytes()).collect()
            }

            /// The hashes in proof order.
            pub fn hashes(&self) -> &[NodeHash] {
                &self.0
            }
        }
    };
}

proof_type! {
    /// Evidence that one leaf is in a tree (RFC 9162 §2.1.3).
    InclusionProof
}
proof_type! {
    /// Evidence that a tree extends an earlier one without touching it (RFC 9162 §2.1.4).
    ConsistencyProof
}
