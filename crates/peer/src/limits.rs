//! Bounds of a link, and which lane a message takes.

use ore_consensus::limits as engine;

use crate::v1::Kind;

/// The version that this program speaks.
pub const VERSION: u32 = 1;
/// The oldest version that it still speaks.
pub const OLDEST_VERSION: u32 = 1;
/// Most bytes of a message in one part: what an urgent message waits behind.
pub const PART_BYTES: usize = 64 << 10;
/// Longest frame: a part and its envelope.
pub const FRAME_BYTES: usize = 80 << 10;
/// Longest cosigned checkpoint.
pub const COSIGNATURE_BYTES: usize = 64 << 10;
/// Longest evidence.
pub const EVIDENCE_BYTES: usize = 256 << 10;
/// Longest message of records: half a block.
pub const RECORDS_BYTES: usize = 1 << 20;
/// Catch-up requests of one peer that wait for an answer; more are answered with none at once.
pub const REQUESTS_WAITING: usize = 8;
/// Connections of strangers whose handshake is under way, over all; more wait in the kernel.
pub const HANDSHAKES: usize = 64;

/// The three lanes; an earlier one goes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Lane {
    /// Votes, proposals, certificates, status, cosignatures.
    Urgent,
    /// Bodies of blocks that are being decided.
    Body,
    /// Catch-up, records, evidence.
    Bulk,
}

/// Lane and longest message of a kind; `None` for what is no message.
#[must_use]
pub const fn lane_of(kind: Kind) -> Option<(Lane, usize)> {
    Some(match kind {
        Kind::Unspecified => return None,
        Kind::Consensus => (Lane::Urgent, engine::CONSENSUS_FRAME_BYTES),
        Kind::Liveness => (Lane::Urgent, engine::LIVENESS_FRAME_BYTES),
        Kind::Status => (Lane::Urgent, engine::STATUS_FRAME_BYTES),
        Kind::Request => (Lane::Urgent, engine::REQUEST_BYTES),
        Kind::NoResponse => (Lane::Urgent, 0),
        Kind::Cosignature => (Lane::Urgent, COSIGNATURE_BYTES),
        Kind::Body => (Lane::Body, engine::BODY_FRAME_BYTES),
        Kind::Response => (Lane::Bulk, engine::RESPONSE_BYTES),
        Kind::Records => (Lane::Bulk, RECORDS_BYTES),
        Kind::Evidence => (Lane::Bulk, EVIDENCE_BYTES),
    })
}

impl Lane {
    /// Messages and bytes that may wait for one peer in this lane.
    #[must_use]
    pub const fn bound(self) -> (usize, usize) {
        match self {
            Self::Urgent => (4_096, 8 << 20),
            Self::Body => (8, 4 * engine::BODY_FRAME_BYTES),
            Self::Bulk => (1_024, 2 * engine::RESPONSE_BYTES),
        }
    }
}

/// What one peer may send within a second; above it, it is read more slowly.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quota {
    /// Whole messages.
    pub messages: u32,
    /// Parts.
    pub parts: u32,
    /// Bytes.
    pub bytes: u32,
}

impl Default for Quota {
    /// 7 members at 100 blocks/s send each other some 200 votes a second; the engine drops what is above
    /// [`engine::FRAMES_PER_SECOND`], so we stay below. 64 MiB/s are 32 full blocks.
    fn default() -> Self {
        Self { messages: 3_000, parts: 6_000, bytes: 64 << 20 }
    }
}
