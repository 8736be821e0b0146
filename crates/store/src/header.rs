//! Block headers: decoding, and the id that validators vote on.

use ore_record::{
    canonical::{self, NotCanonical},
    v1,
};
use prost::Message as _;
use sha2::{Digest, Sha256};

/// Context of a block's id.
pub const HEADER_CONTEXT: &[u8] = b"\0oreledger/header/v1\0";

/// SHA-256 over the context and the canonical header.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct BlockId(pub [u8; 32]);

impl BlockId {
    /// The id of a header's canonical bytes.
    #[must_use]
    pub fn of(header: &[u8]) -> Self {
        Self(Sha256::new().chain_update(HEADER_CONTEXT).chain_update(header).finalize().into())
    }
}

impl std::fmt::Display for BlockId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// Reads a header that must be canonical.
///
/// # Errors
/// [`NotCanonical`].
pub fn decode(bytes: &[u8]) -> Result<v1::BlockHeader, NotCanonical> {
    canonical::decode(bytes)
}

/// The bytes of a header.
#[must_use]
pub fn encode(header: &v1::BlockHeader) -> Vec<u8> {
    header.encode_to_vec()
}
