//! The engine's network actor over a [`Transport`](crate::Transport), and what is known about the peers.
//!
//! Received frames are decoded here and handed to the engine's actors directly: a broadcast port between
//! them would drop messages under lag. What one peer can make us do is bounded per second.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use malachite::app::consensus::{LivenessMsg, SignedConsensusMsg};
use malachite::app::engine::network::{Msg, NetworkEvent, Status, Subscriber};
use malachite::app::net::Multiaddr;
use malachite::app::streaming::{StreamContent, StreamId, StreamMessage};
use malachite::app::types::PeerId;
use malachite_sync::{InboundRequestId, OutboundFailureReason, OutboundRequestId};
use ractor::{Actor, ActorProcessingErr, ActorRef};
use sha2::{Digest, Sha256};
use tokio::sync::{Notify, mpsc};
use tokio::time::Instant;

use super::codec;
use super::log::Voice;
use super::vocabulary::{BlockId, Height, Ledger, ValidatorSet};
use crate::limits;
use crate::transport::{FrameKind, Inbound, Outbound};

/// Inbound catch-up requests that wait for an answer, over all peers.
const WAITING_REQUESTS: usize = 256;

/// The peers, shared by the engine's network actor, the receiving loop and the driver.
pub(crate) struct Peers {
    state: Mutex<State>,
    outbound: mpsc::Sender<Outbound>,
    voice: Arc<Voice>,
    /// A peer came, went or moved on.
    pub(crate) changed: Notify,
}

#[derive(Default)]
struct State {
    subscribers: Vec<Box<dyn Subscriber<NetworkEvent<Ledger>>>>,
    peers: BTreeMap<String, Peer>,
    status: Option<Bytes>,
    /// Bodies that leave together with the proposal that names them.
    staged: BTreeMap<BlockId, Bytes>,
    asked: HashMap<u64, (OutboundRequestId, PeerId)>,
    next_request: u64,
    waiting: HashMap<InboundRequestId, (String, u64)>,
    dropped_frames: u64,
}

struct Peer {
    id: PeerId,
    /// Newest height that it says is durable there.
    tip: u64,
    /// Newest height at which it voted or proposed.
    active: u64,
    window: Window,
}

/// What a peer sent in the running second.
struct Window {
    since: Instant,
    frames: u32,
    bytes: u64,
}

impl Window {
    fn new() -> Self {
        Self { since: Instant::now(), frames: 0, bytes: 0 }
    }

    fn admits(&mut self, bytes: usize) -> bool {
        if self.since.elapsed() >= Duration::from_secs(1) {
            *self = Self::new();
        }
        self.frames += 1;
        self.bytes += bytes as u64;
        self.frames <= limits::FRAMES_PER_SECOND && self.bytes <= limits::FRAME_BYTES_PER_SECOND
    }
}

/// The engine's name for a member: its SHA-256 as a multihash (code 0x12, 32 bytes).
fn peer_id(member: &str) -> Option<PeerId> {
    let mut bytes = vec![0x12, 0x20];
    bytes.extend_from_slice(&Sha256::digest(member.as_bytes()));
    PeerId::from_bytes(&bytes).ok()
}

impl Peers {
    pub(crate) fn new(outbound: mpsc::Sender<Outbound>, voice: Arc<Voice>) -> Self {
        Self { state: Mutex::default(), outbound, voice, changed: Notify::new() }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Power of the members of `set` that are connected, and of `member` itself.
    pub(crate) fn connected_power(&self, set: &ValidatorSet, member: &str) -> u64 {
        let state = self.state();
        let here = |name: &str| name == member || state.peers.contains_key(name);
        set.members.iter().filter(|v| here(&v.address.0)).map(|v| v.power).sum()
    }

    /// Whether anybody is connected.
    pub(crate) fn has_company(&self) -> bool {
        !self.state().peers.is_empty()
    }

    /// Whether `height` is under way elsewhere: a validator voted there, or more than a third of the power
    /// says that it is over. One member's word about its tip is not enough to keep all others awake.
    pub(crate) fn is_under_way(&self, height: u64, set: &ValidatorSet) -> bool {
        let state = self.state();
        let validators =
            || set.members.iter().filter_map(|v| state.peers.get(&*v.address.0).map(|peer| (peer, v.power)));
        let over: u64 = validators().filter(|(peer, _)| peer.tip >= height).map(|(_, power)| power).sum();
        let total: u64 = set.members.iter().map(|v| v.power).sum();
        over * 3 > total || validators().any(|(peer, _)| peer.active == height || peer.active == height + 1)
    }

    /// Keeps a body of ours until the proposal that names it is durable and leaves.
    pub(crate) fn stage_body(&self, id: BlockId, frame: Bytes) {
        let mut state = self.state();
        // One per round of a height; the rest of the height is gone when the next is proposed.
        if state.staged.len() >= limits::UNDECIDED_BLOCKS {
            state.staged.clear();
        }
        state.staged.insert(id, frame);
    }

    /// Sends to everybody, unless this member must not be heard at this height.
    pub(crate) fn broadcast(&self, kind: FrameKind, bytes: Bytes) {
        if self.voice.is_heard() || kind == FrameKind::Status {
            self.send(Outbound::Broadcast { kind, bytes });
        }
    }

    /// Never waits: a transport that lags loses frames, which the engine repeats, and is told how many.
    fn send(&self, outbound: Outbound) {
        if self.outbound.try_send(outbound).is_err_and(|e| matches!(e, mpsc::error::TrySendError::Full(_))) {
            let mut state = self.state();
            state.dropped_frames += 1;
            tracing::debug!(dropped_frames = state.dropped_frames, "transport lags, frame dropped");
        }
    }

    /// Tells the others that a height has begun here. Without this word the proposer, if it has no work of its own,
    /// would learn of it only from the vote that follows our propose timeout.
    pub(crate) fn announce(&self, tip: u64, oldest: u64, begun: u64) {
        if self.voice.is_heard() {
            let status = codec::encode_status(Height(tip), Height(oldest), Height(begun));
            self.broadcast(FrameKind::Status, status);
        }
    }

    fn publish(&self, message: &SignedConsensusMsg<Ledger>) {
        if let SignedConsensusMsg::Proposal(proposal) = message {
            let body = self.state().staged.remove(&proposal.message.value);
            if let Some(body) = body {
                self.broadcast(FrameKind::Body, body);
            }
        }
        self.broadcast(FrameKind::Consensus, codec::encode_consensus(message));
    }

    fn deliver(state: &State, event: NetworkEvent<Ledger>) {
        for subscriber in &state.subscribers {
            subscriber.send(event.clone());
        }
    }

    fn subscribe(&self, subscriber: Box<dyn Subscriber<NetworkEvent<Ledger>>>) {
        let mut state = self.state();
        // The engine waits for an address to listen on before it starts.
        subscriber.send(NetworkEvent::Listening(Multiaddr::empty()));
        for peer in state.peers.values() {
            subscriber.send(NetworkEvent::PeerConnected(peer.id));
        }
        state.subscribers.push(subscriber);
    }

    fn ask(&self, peer: PeerId, request: Bytes) -> OutboundRequestId {
        let (outbound, id) = {
            let mut state = self.state();
            let number = state.next_request;
            state.next_request += 1;
            let id = OutboundRequestId::new(number);
            let name = state.peers.iter().find(|(_, p)| p.id == peer).map(|(name, _)| name.clone());
            if name.is_some() {
                state.asked.insert(number, (id.clone(), peer));
            }
            (name.map(|peer| Outbound::Request { peer, id: number, bytes: request }), id)
        };
        // If it cannot be sent, the engine's own timeout ends it.
        if let Some(outbound) = outbound {
            self.send(outbound);
        }
        id
    }

    fn cancel(&self, id: &OutboundRequestId) {
        let number = {
            let mut state = self.state();
            let number = state.asked.iter().find(|(_, (asked, _))| asked == id).map(|(number, _)| *number);
            number.inspect(|number| {
                state.asked.remove(number);
            })
        };
        if let Some(id) = number {
            self.send(Outbound::CancelRequest { id });
        }
    }

    fn answer(&self, id: &InboundRequestId, bytes: Option<Bytes>) {
        let asker = self.state().waiting.remove(id);
        if let Some((peer, id)) = asker {
            self.send(Outbound::Response { peer, id, bytes });
        }
    }

    fn receive(&self, inbound: Inbound) {
        match inbound {
            Inbound::Connected { peer } => self.connected(peer),
            Inbound::Disconnected { peer } => self.disconnected(&peer),
            Inbound::Frame { peer, kind, bytes } => self.frame(&peer, kind, bytes),
            Inbound::Request { peer, id, bytes } => self.requested(peer, id, bytes),
            Inbound::Response { id, bytes } => self.answered(id, bytes),
        }
    }

    fn connected(&self, peer: String) {
        let Some(id) = peer_id(&peer).filter(|_| peer.len() <= limits::NAME_BYTES) else {
            return;
        };
        let status = {
            let mut state = self.state();
            let fresh = Peer { id, tip: 0, active: 0, window: Window::new() };
            state.peers.insert(peer.clone(), fresh);
            Self::deliver(&state, NetworkEvent::PeerConnected(id));
            state.status.clone()
        };
        if let Some(bytes) = status {
            self.send(Outbound::Send { peer, kind: FrameKind::Status, bytes });
        }
        self.changed.notify_one();
    }

    fn disconnected(&self, peer: &str) {
        let mut state = self.state();
        if let Some(gone) = state.peers.remove(peer) {
            state.waiting.retain(|_, (asker, _)| asker != peer);
            state.asked.retain(|_, (_, asked)| *asked != gone.id);
            Self::deliver(&state, NetworkEvent::PeerDisconnected(gone.id));
        }
        self.changed.notify_one();
    }

    fn frame(&self, peer: &str, kind: FrameKind, bytes: Bytes) {
        let mut state = self.state();
        let Some(from) = state.peers.get_mut(peer) else {
            return;
        };
        if !from.window.admits(bytes.len()) {
            tracing::debug!(peer, "peer sends more than its quota, frame dropped");
            return;
        }
        match event_of(from, kind, bytes) {
            Ok(event) => Self::deliver(&state, event),
            Err(fault) => tracing::warn!(peer, ?kind, %fault, "frame from peer refused"),
        }
        drop(state);
        self.changed.notify_one();
    }

    fn requested(&self, peer: String, id: u64, bytes: Bytes) {
        let decoded = codec::decode_request(bytes);
        let mut state = self.state();
        let from = state.peers.get_mut(&peer).and_then(|p| p.window.admits(0).then_some(p.id));
        let (Some(from), Ok(request), true) = (from, decoded, state.waiting.len() < WAITING_REQUESTS) else {
            drop(state);
            self.send(Outbound::Response { peer, id, bytes: None });
            return;
        };
        let name = InboundRequestId::new(format!("{peer}/{id}"));
        state.waiting.insert(name.clone(), (peer, id));
        Self::deliver(&state, NetworkEvent::SyncRequest(name, from, request));
    }

    fn answered(&self, id: u64, bytes: Option<Bytes>) {
        let mut state = self.state();
        let Some((request, peer)) = state.asked.remove(&id) else {
            return;
        };
        let event = match bytes {
            None => NetworkEvent::SyncRequestFailed(request, peer, OutboundFailureReason::Io),
            // An answer that does not decode counts against the peer.
            Some(bytes) => NetworkEvent::SyncResponse(request, peer, codec::decode_response(bytes).ok()),
        };
        Self::deliver(&state, event);
    }
}

/// Decodes a frame and notes what it says about its sender.
fn event_of(peer: &mut Peer, kind: FrameKind, bytes: Bytes) -> Result<NetworkEvent<Ledger>, codec::BadFrame> {
    Ok(match kind {
        FrameKind::Consensus => match codec::decode_consensus(bytes)? {
            SignedConsensusMsg::Vote(vote) => {
                peer.active = peer.active.max(vote.message.height.0);
                NetworkEvent::Vote(peer.id, vote)
            }
            SignedConsensusMsg::Proposal(proposal) => {
                peer.active = peer.active.max(proposal.message.height.0);
                NetworkEvent::Proposal(peer.id, proposal)
            }
        },
        FrameKind::Liveness => match codec::decode_liveness(bytes)? {
            LivenessMsg::Vote(vote) => NetworkEvent::Vote(peer.id, vote),
            LivenessMsg::PolkaCertificate(polka) => NetworkEvent::PolkaCertificate(peer.id, polka),
            LivenessMsg::SkipRoundCertificate(round) => NetworkEvent::RoundCertificate(peer.id, round),
        },
        FrameKind::Body => {
            let body = codec::decode_body(bytes)?;
            peer.active = peer.active.max(body.height.0);
            let stream = StreamId::new(Bytes::new());
            let part = StreamMessage::new(stream, 0, StreamContent::Data(body));
            NetworkEvent::ProposalPart(peer.id, None, part)
        }
        FrameKind::Status => {
            let (tip, oldest, begun) = codec::decode_status(bytes)?;
            peer.tip = tip.0;
            peer.active = peer.active.max(begun.0);
            NetworkEvent::Status(peer.id, Status::new(tip, oldest))
        }
    })
}

/// Takes what the transport receives, for as long as it is polled.
pub(crate) async fn receive(peers: Arc<Peers>, mut inbound: mpsc::Receiver<Inbound>) {
    while let Some(received) = inbound.recv().await {
        peers.receive(received);
    }
    // The transport is gone, or there never was one: a lone node goes on.
    std::future::pending::<()>().await;
}

/// The actor that the engine talks to.
pub(crate) struct NetworkActor;

#[ractor::async_trait]
impl Actor for NetworkActor {
    type Msg = Msg<Ledger>;
    type State = Arc<Peers>;
    type Arguments = Arc<Peers>;

    async fn pre_start(
        &self,
        _: ActorRef<Self::Msg>,
        peers: Arc<Peers>,
    ) -> Result<Self::State, ActorProcessingErr> {
        Ok(peers)
    }

    async fn handle(
        &self,
        _: ActorRef<Self::Msg>,
        message: Self::Msg,
        peers: &mut Self::State,
    ) -> Result<(), ActorProcessingErr> {
        match message {
            Msg::Subscribe(subscriber) => peers.subscribe(subscriber),
            Msg::PublishConsensusMsg(message) => peers.publish(&message),
            Msg::PublishLivenessMsg(message) => {
                peers.broadcast(FrameKind::Liveness, codec::encode_liveness(&message));
            }
            Msg::BroadcastStatus(Status { tip_height: Height(tip), history_min_height }) => {
                let status = codec::encode_status(Height(tip), history_min_height, Height(0));
                peers.state().status = Some(status.clone());
                peers.broadcast(FrameKind::Status, status);
            }
            Msg::OutgoingRequest(peer, request, reply) => {
                let _ = reply.send(peers.ask(peer, codec::encode_request(&request)));
            }
            Msg::CancelRequest(id) => peers.cancel(&id),
            Msg::OutgoingResponse(id, response) => {
                let bytes = codec::encode_response(&response);
                peers.answer(&id, Some(bytes).filter(|bytes| bytes.len() <= limits::RESPONSE_BYTES));
            }
            Msg::CancelInboundRequest(id) => peers.answer(&id, None),
            Msg::DumpState(reply) => {
                let _ = reply.send(None);
            }
            // Bodies go out by `publish`; the rest belongs to the engine's own network, which never runs.
            Msg::PublishProposalPart(_)
            | Msg::UpdatePersistentPeers(..)
            | Msg::UpdateValidatorSet(_)
            | Msg::ValidatorProofVerified { .. }
            | Msg::NewEvent(_) => {}
        }
        Ok(())
    }
}
