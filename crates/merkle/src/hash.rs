//! The three kinds of hash in a tree, and the only two ways to make one from content.
//!
//! RFC 9162 §2.1.1: a leaf is SHA-256(0x00 || entry), an inner node SHA-256(0x01 || left || right),
//! the root of no leaves SHA-256(""). The prefixes keep a leaf from ever posing as a node; the
//! types keep us from mixing them up.

use core::fmt;

use sha2::{Digest, Sha256};

/// Bytes in every hash of the tree.
pub const HASH_BYTES: usize = 32;

/// A slice that should have held one SHA-256 hash has another length.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a tree hash has 32 bytes, this one has {got}")]
pub struct WrongHashLength {
    /// How many bytes were given.
    pub got: usize,
}

macro_rules! hash_type {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name([u8; HASH_BYTES]);

        impl $name {
            /// Takes 32 bytes that already are such a hash, for instance read from storage.
            pub const fn from_bytes(bytes: [u8; HASH_BYTES]) -> Self {
                Self(bytes)
            }

            /// Takes a slice that should be such a hash.
            ///
            /// # Errors
            ///
            /// [`WrongHashLength`] unless there are exactly 32 bytes.
            pub fn from_slice(bytes: &[u8]) -> Result<Self, WrongHashLength> {
                let exact = bytes.try_into().map_err(|_| WrongHashLength { got: bytes.len() })?;
                Ok(Self(exact))
            }

            /// The 32 bytes.
            pub const fn as_bytes(&self) -> &[u8; HASH_BYTES] {
                &self.0
            }

            /// The 32 bytes, owned.
            pub const fn to_bytes(self) -> [u8; HASH_BYTES] {
                self.0
            }
        }

        /// Lower-case hexadecimal, 64 characters. Checkpoints and proof files use base64 instead.
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self)
            }
        }

        impl AsRef<[u8]> for $name {
            fn as_ref(&self) -> &[u8] {
                &self.0
            }
        }
    };
}

hash_type! {
    /// Hash of one entry, [`hash_leaf`].
    LeafHash
}
hash_type! {
    /// Hash of a subtree: a leaf seen as a node of level 0, or [`hash_children`] above it.
    NodeHash
}
hash_type! {
    /// Hash of the whole tree at one size; what a checkpoint commits to.
    RootHash
}

/// A leaf is the subtree of one entry. There is no way back.
impl From<LeafHash> for NodeHash {
    fn from(leaf: LeafHash) -> Self {
        Self(leaf.0)
    }
}

/// The topmost node is the root. There is no way back.
impl From<NodeHash> for RootHash {
    fn from(node: NodeHash) -> Self {
        Self(node.0)
    }
}

/// Hash of one entry: SHA-256(0x00 || entry).
pub fn hash_leaf(entry: &[u8]) -> LeafHash {
    LeafHash(Sha256::new().chain_update([0x00]).chain_update(entry).finalize().into())
}

/// Hash of two neighbouring subtrees: SHA-256(0x01 || left || right).
pub fn hash_children(left: &NodeHash, right: &NodeHash) -> NodeHash {
    // One buffer: the two compression calls of 65 bytes dominate every other cost in this crate.
    let mut both = [0x01; 1 + 2 * HASH_BYTES];
    both[1..1 + HASH_BYTES].copy_from_slice(&left.0);
    both[1 + HASH_BYTES..].copy_from_slice(&right.0);
    NodeHash(Sha256::digest(both).into())
}

/// Root of the tree of no leaves: SHA-256 of nothing.
pub fn empty_root() -> RootHash {
    RootHash(Sha256::digest([]).into())
}
