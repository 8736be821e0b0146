//! Canonical encoding: the one byte string that stands for a message.
//!
//! Fields in number order, no unknown fields, no explicitly encoded defaults, no maps.
//! The check is decode, encode, compare; what is kept and served is always the bytes that came in.

use prost::Message;

/// Why bytes are not the canonical encoding of a message.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotCanonical {
    /// The bytes are no protobuf message of this type.
    #[error("not a protobuf message of this type: {0}")]
    Malformed(prost::DecodeError),
    /// They decode, but encode again to other bytes.
    #[error(
        "not the canonical encoding (first difference at byte {at}): fields out of order, unknown, repeated, or defaults written out"
    )]
    Differs {
        /// Offset of the first byte that differs from the canonical encoding.
        at: usize,
    },
}

/// Decodes bytes that must be canonical.
///
/// # Errors
/// [`NotCanonical`] when they do not decode, or encode again to anything else.
pub fn decode<M: Message + Default>(bytes: &[u8]) -> Result<M, NotCanonical> {
    let message = M::decode(bytes).map_err(NotCanonical::Malformed)?;
    let again = message.encode_to_vec();
    if again != bytes {
        let at = again.iter().zip(bytes).take_while(|(a, b)| a == b).count();
        return Err(NotCanonical::Differs { at });
    }
    Ok(message)
}
