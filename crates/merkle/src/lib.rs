//! The RFC 6962 Merkle tree: roots, inclusion, consistency, tiles.
