//! The protobuf messages on the wire and in the write-ahead log.
//!
//! Private to this crate: between nodes they travel as opaque bytes. A field, once used, keeps its
//! number and meaning.

use prost::bytes::Bytes;

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct VoteMessage {
    /// 1 prevote, 2 precommit.
    #[prost(uint32, tag = "1")]
    pub(super) kind: u32,
    #[prost(uint64, tag = "2")]
    pub(super) height: u64,
    #[prost(uint32, tag = "3")]
    pub(super) round: u32,
    /// Absent: a vote for no block.
    #[prost(bytes = "vec", optional, tag = "4")]
    pub(super) id: Option<Vec<u8>>,
    #[prost(string, tag = "5")]
    pub(super) member: String,
    #[prost(bytes = "vec", tag = "6")]
    pub(super) signature: Vec<u8>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct ProposalMessage {
    #[prost(uint64, tag = "1")]
    pub(super) height: u64,
    #[prost(uint32, tag = "2")]
    pub(super) round: u32,
    #[prost(bytes = "vec", tag = "3")]
    pub(super) id: Vec<u8>,
    #[prost(uint32, optional, tag = "4")]
    pub(super) pol_round: Option<u32>,
    #[prost(string, tag = "5")]
    pub(super) member: String,
    #[prost(bytes = "vec", tag = "6")]
    pub(super) signature: Vec<u8>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct ConsensusFrame {
    #[prost(oneof = "consensus_frame::Of", tags = "1, 2")]
    pub(super) of: Option<consensus_frame::Of>,
}

pub(super) mod consensus_frame {
    #[derive(Clone, PartialEq, prost::Oneof)]
    pub(in super::super) enum Of {
        #[prost(message, tag = "1")]
        Vote(super::VoteMessage),
        #[prost(message, tag = "2")]
        Proposal(super::ProposalMessage),
    }
}

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct PolkaMessage {
    #[prost(uint64, tag = "1")]
    pub(super) height: u64,
    #[prost(uint32, tag = "2")]
    pub(super) round: u32,
    #[prost(bytes = "vec", tag = "3")]
    pub(super) id: Vec<u8>,
    #[prost(message, repeated, tag = "4")]
    pub(super) signatures: Vec<MemberSignature>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct MemberSignature {
    #[prost(string, tag = "1")]
    pub(super) member: String,
    #[prost(bytes = "vec", tag = "2")]
    pub(super) signature: Vec<u8>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct RoundMessage {
    #[prost(uint64, tag = "1")]
    pub(super) height: u64,
    #[prost(uint32, tag = "2")]
    pub(super) round: u32,
    /// 1 skip, 2 precommit.
    #[prost(uint32, tag = "3")]
    pub(super) kind: u32,
    #[prost(message, repeated, tag = "4")]
    pub(super) votes: Vec<RoundVote>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct RoundVote {
    /// 1 prevote, 2 precommit.
    #[prost(uint32, tag = "1")]
    pub(super) kind: u32,
    #[prost(bytes = "vec", optional, tag = "2")]
    pub(super) id: Option<Vec<u8>>,
    #[prost(string, tag = "3")]
    pub(super) member: String,
    #[prost(bytes = "vec", tag = "4")]
    pub(super) signature: Vec<u8>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct LivenessFrame {
    #[prost(oneof = "liveness_frame::Of", tags = "1, 2, 3")]
    pub(super) of: Option<liveness_frame::Of>,
}

pub(super) mod liveness_frame {
    #[derive(Clone, PartialEq, prost::Oneof)]
    pub(in super::super) enum Of {
        #[prost(message, tag = "1")]
        Vote(super::VoteMessage),
        #[prost(message, tag = "2")]
        Polka(super::PolkaMessage),
        #[prost(message, tag = "3")]
        Round(super::RoundMessage),
    }
}

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct BodyFrame {
    #[prost(uint64, tag = "1")]
    pub(super) height: u64,
    #[prost(uint32, tag = "2")]
    pub(super) round: u32,
    #[prost(uint32, optional, tag = "3")]
    pub(super) valid_round: Option<u32>,
    #[prost(string, tag = "4")]
    pub(super) proposer: String,
    #[prost(bytes = "vec", tag = "5")]
    pub(super) id: Vec<u8>,
    #[prost(bytes = "vec", tag = "6")]
    pub(super) signature: Vec<u8>,
    /// Shares the received frame's memory.
    #[prost(bytes = "bytes", tag = "7")]
    pub(super) block: Bytes,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct StatusFrame {
    #[prost(uint64, tag = "1")]
    pub(super) tip: u64,
    #[prost(uint64, tag = "2")]
    pub(super) oldest: u64,
    /// Height that the sender has begun by itself; 0: none.
    #[prost(uint64, tag = "3")]
    pub(super) begun: u64,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct RequestFrame {
    #[prost(uint64, tag = "1")]
    pub(super) first: u64,
    #[prost(uint64, tag = "2")]
    pub(super) last: u64,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct ResponseFrame {
    #[prost(uint64, tag = "1")]
    pub(super) start: u64,
    #[prost(message, repeated, tag = "2")]
    pub(super) blocks: Vec<DecidedMessage>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct DecidedMessage {
    #[prost(uint64, tag = "1")]
    pub(super) height: u64,
    #[prost(uint32, tag = "2")]
    pub(super) round: u32,
    #[prost(bytes = "vec", tag = "3")]
    pub(super) id: Vec<u8>,
    #[prost(message, repeated, tag = "4")]
    pub(super) signatures: Vec<MemberSignature>,
    #[prost(bytes = "bytes", tag = "5")]
    pub(super) block: Bytes,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct TimeoutMessage {
    /// 1 propose, 2 prevote, 3 precommit, 4 rebroadcast.
    #[prost(uint32, tag = "1")]
    pub(super) kind: u32,
    #[prost(uint32, tag = "2")]
    pub(super) round: u32,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct ProposedMessage {
    #[prost(uint64, tag = "1")]
    pub(super) height: u64,
    #[prost(uint32, tag = "2")]
    pub(super) round: u32,
    #[prost(uint32, optional, tag = "3")]
    pub(super) valid_round: Option<u32>,
    #[prost(string, tag = "4")]
    pub(super) proposer: String,
    #[prost(bytes = "vec", tag = "5")]
    pub(super) id: Vec<u8>,
    #[prost(bool, tag = "6")]
    pub(super) valid: bool,
}

/// One entry of the write-ahead log.
#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct WalEntry {
    #[prost(oneof = "wal_entry::Of", tags = "1, 2, 3, 4, 5, 6")]
    pub(super) of: Option<wal_entry::Of>,
}

pub(super) mod wal_entry {
    #[derive(Clone, PartialEq, prost::Oneof)]
    pub(in super::super) enum Of {
        #[prost(message, tag = "1")]
        Vote(super::VoteMessage),
        #[prost(message, tag = "2")]
        Proposal(super::ProposalMessage),
        #[prost(message, tag = "3")]
        Timeout(super::TimeoutMessage),
        #[prost(message, tag = "4")]
        Proposed(super::ProposedMessage),
        #[prost(message, tag = "5")]
        Polka(super::PolkaMessage),
        #[prost(message, tag = "6")]
        Body(super::BodyFrame),
    }
}
