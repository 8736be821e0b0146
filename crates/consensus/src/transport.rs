//! How engine frames travel: channels that a transport is plugged into.
//!
//! The engine side holds a [`Transport`], the network side the matching [`TransportPeer`]. A frame
//! is opaque bytes with a kind; peers are named by the member id that the transport has
//! authenticated. Both channels are bounded: an outbound frame that does not fit is dropped (the
//! engine rebroadcasts), inbound senders wait.

use bytes::Bytes;
use tokio::sync::mpsc;

use crate::limits;

/// Outbound frames in flight. A frame is at most 2 MiB, and only one in several is a block body.
const OUTBOUND_FRAMES: usize = 256;
/// Inbound frames in flight over all peers.
const INBOUND_FRAMES: usize = 256;

/// What a frame carries, so that a transport can order, bound and count them without decoding.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum FrameKind {
    /// A vote or a proposal: small and urgent.
    Consensus,
    /// Certificates of votes and repeated votes, when rounds do not end by themselves.
    Liveness,
    /// The body of a proposed block.
    Body,
    /// How far a node is.
    Status,
}

impl FrameKind {
    /// Largest frame of this kind that is looked at, bytes.
    #[must_use]
    pub const fn limit_bytes(self) -> usize {
        match self {
            Self::Consensus => limits::CONSENSUS_FRAME_BYTES,
            Self::Liveness => limits::LIVENESS_FRAME_BYTES,
            Self::Body => limits::BODY_FRAME_BYTES,
            Self::Status => limits::STATUS_FRAME_BYTES,
        }
    }
}

/// From the engine to the network.
#[derive(Clone, Debug)]
pub enum Outbound {
    /// To every connected peer.
    Broadcast {
        /// What it carries.
        kind: FrameKind,
        /// The frame.
        bytes: Bytes,
    },
    /// To one peer, such as our status when it connects.
    Send {
        /// Member id.
        peer: String,
        /// What it carries.
        kind: FrameKind,
        /// The frame.
        bytes: Bytes,
    },
    /// A catch-up request; answered by [`Inbound::Response`] with the same id, also when it failed.
    Request {
        /// Member id.
        peer: String,
        /// Ours, unique in this process.
        id: u64,
        /// At most [`limits::REQUEST_BYTES`].
        bytes: Bytes,
    },
    /// Nobody waits for the answer to this request of ours any more.
    CancelRequest {
        /// As in [`Outbound::Request`].
        id: u64,
    },
    /// The answer to [`Inbound::Request`].
    Response {
        /// Member id.
        peer: String,
        /// As in the request.
        id: u64,
        /// `None`: there will be no answer.
        bytes: Option<Bytes>,
    },
}

/// From the network to the engine.
#[derive(Clone, Debug)]
pub enum Inbound {
    /// A peer is there, authenticated as this member.
    Connected {
        /// Member id.
        peer: String,
    },
    /// It is gone.
    Disconnected {
        /// Member id.
        peer: String,
    },
    /// A frame from it.
    Frame {
        /// Member id.
        peer: String,
        /// What it claims to carry.
        kind: FrameKind,
        /// The frame.
        bytes: Bytes,
    },
    /// A catch-up request from it.
    Request {
        /// Member id.
        peer: String,
        /// The transport's, unique per peer.
        id: u64,
        /// The request.
        bytes: Bytes,
    },
    /// The answer to a request of ours, `None` when there is none.
    Response {
        /// As in [`Outbound::Request`].
        id: u64,
        /// At most [`limits::RESPONSE_BYTES`].
        bytes: Option<Bytes>,
    },
}

/// The engine's end.
#[derive(Debug)]
pub struct Transport {
    pub(crate) outbound: mpsc::Sender<Outbound>,
    pub(crate) inbound: mpsc::Receiver<Inbound>,
}

/// The network's end.
#[derive(Debug)]
pub struct TransportPeer {
    /// Frames to send.
    pub outbound: mpsc::Receiver<Outbound>,
    /// Where received frames go.
    pub inbound: mpsc::Sender<Inbound>,
}

impl Transport {
    /// Two matching ends.
    #[must_use]
    pub fn channel() -> (Self, TransportPeer) {
        let (outbound, outbound_receiver) = mpsc::channel(OUTBOUND_FRAMES);
        let (inbound_sender, inbound) = mpsc::channel(INBOUND_FRAMES);
        (Self { outbound, inbound }, TransportPeer { outbound: outbound_receiver, inbound: inbound_sender })
    }

    /// For a node without peers: nothing arrives and nothing leaves.
    #[must_use]
    pub fn lone() -> Self {
        Self::channel().0
    }
}
