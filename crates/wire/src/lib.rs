//! Service protos and their translation to and from the domain.
//!
//! The only crate below the programs that knows the services of `proto/oreledger/v1`. Records travel
//! through it as the bytes that were signed; nothing here encodes one again.

pub mod fingerprint;
mod rules;
pub mod status;
pub mod token;

/// Types and services generated from the service protos; the comments there are their documentation.
/// What `record.proto` defines is in [`ore_record::v1`].
#[allow(missing_docs, unreachable_pub, clippy::all)]
pub mod v1 {
    include!(concat!(env!("OUT_DIR"), "/oreledger.v1.rs"));
}

/// Descriptors of every proto that a member may see, for reflection and for protobuf's JSON mapping.
pub const DESCRIPTORS: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/services.fds"));

/// Longest message that a node reads or sends, in bytes: 16 MiB, and 64 MiB of a bundle with its envelope.
pub const MAX_REQUEST_BYTES: usize = 16 << 20;
/// Longest answer that a client has to expect (a bundle), in bytes.
pub const MAX_RESPONSE_BYTES: usize = (64 << 20) + 1024;
