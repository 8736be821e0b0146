//! Leaves of the state: what a block's state root commits to.
//!
//! The head tree has one leaf a lot, in order of creation; the roster tree one a member, facility,
//! attestation, profile or validator set, in order of entry. Both are RFC 6962 trees updated in
//! place. The leaf's bytes are the canonical encoding of `LotState` or `RosterState`.

use sha2::{Digest, Sha256};

/// State root = SHA-256(0x01 || root of the head tree || root of the roster tree).
#[must_use]
pub fn state_root(head_root: &[u8; 32], roster_root: &[u8; 32]) -> [u8; 32] {
    let mut hash = Sha256::new();
    hash.update([1]);
    hash.update(head_root);
    hash.update(roster_root);
    hash.finalize().into()
}

/// Domain of a block header's hash, which is the block's id and what validators vote on.
pub const HEADER_CONTEXT: &[u8] = b"\0oreledger/header/v1\0";

/// SHA-256 of the header context and the canonical header.
#[must_use]
pub fn block_id(header: &[u8]) -> [u8; 32] {
    let mut hash = Sha256::new();
    hash.update(HEADER_CONTEXT);
    hash.update(header);
    hash.finalize().into()
}
