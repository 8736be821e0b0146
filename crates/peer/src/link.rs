//! One link from its greeting to its end.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use futures::{Stream, StreamExt, stream};
use ore_consensus::{FrameKind, Inbound};
use tokio::sync::mpsc;
use tonic::{Status, Streaming};

use crate::{
    assembly::{Assembly, BadPart},
    lanes::Message,
    limits::{OLDEST_VERSION, Quota, REQUESTS_WAITING, VERSION},
    links::{Links, Place, add},
    quota::Bucket,
    side::SideFrame,
    v1::{Frame, Hello, Kind, frame},
};

/// How long the other end may take to greet.
pub(crate) const HELLO_WAIT: Duration = Duration::from_secs(5);
/// How long a link waits for the end of the one that it replaces.
const TURN_WAIT: Duration = Duration::from_secs(5);

/// Why a link did not come about, or ended.
#[derive(Debug, thiserror::Error)]
pub enum LinkFault {
    /// It did not greet in time, or greeted with something else.
    #[error("no greeting")]
    NoHello,
    /// No version is common.
    #[error(
        "speaks versions {oldest} to {newest} of the peer protocol, this program {OLDEST_VERSION} to {VERSION}"
    )]
    OtherVersion {
        /// Its oldest.
        oldest: u32,
        /// Its newest.
        newest: u32,
    },
    /// It is a node of another ledger.
    #[error("is a node of the ledger {origin:?} with genesis {genesis}, not of this one")]
    OtherLedger {
        /// Its origin.
        origin: String,
        /// Its genesis, in hexadecimal.
        genesis: String,
    },
    /// It says that it is somebody else than its key says.
    #[error("calls itself {0:?}, which is not the name that its key is bound to")]
    OtherName(String),
    /// A part that may not be.
    #[error(transparent)]
    BadPart(#[from] BadPart),
    /// The stream ended; when the other end refused, with its reason.
    #[error("{0}")]
    Ended(String),
    /// Another link to the same node is kept, or replaced this one, or it is no longer welcome, or we stop.
    #[error("ended by this node")]
    EndedHere,
}

impl LinkFault {
    /// Whether the other end did what it may not.
    pub(crate) const fn is_theirs(&self) -> bool {
        matches!(
            self,
            Self::OtherVersion { .. } | Self::OtherLedger { .. } | Self::OtherName(_) | Self::BadPart(_)
        )
    }
}

/// What a node says of itself.
#[derive(Clone, Debug)]
pub struct Greeting {
    /// Name of the node.
    pub member: String,
    /// Name of the ledger.
    pub origin: String,
    /// Id of its genesis block.
    pub genesis: [u8; 32],
    /// Newest version of the ledger's rules that it knows.
    pub newest_rules: u32,
}

impl Greeting {
    pub(crate) fn hello(&self) -> Frame {
        let hello = Hello {
            version: VERSION,
            oldest_version: OLDEST_VERSION,
            origin: self.origin.clone(),
            genesis: self.genesis.to_vec().into(),
            member: self.member.clone(),
            software: concat!("oreledger ", env!("CARGO_PKG_VERSION")).to_owned(),
            newest_rules: self.newest_rules,
        };
        Frame { of: Some(frame::Of::Hello(hello)) }
    }

    /// Checks the first frame from whoever holds the key of `bound`; gives the newest version of the rules known there.
    pub(crate) fn check(&self, first: Option<Frame>, bound: &str) -> Result<u32, LinkFault> {
        let Some(Frame { of: Some(frame::Of::Hello(hello)) }) = first else {
            return Err(LinkFault::NoHello);
        };
        if hello.oldest_version > VERSION || hello.version < OLDEST_VERSION {
            let (oldest, newest) = (hello.oldest_version, hello.version);
            return Err(LinkFault::OtherVersion { oldest, newest });
        }
        if hello.origin != self.origin || hello.genesis[..] != self.genesis {
            let genesis = hello.genesis.iter().take(32).map(|byte| format!("{byte:02x}")).collect();
            let origin = hello.origin.chars().take(255).collect();
            return Err(LinkFault::OtherLedger { origin, genesis });
        }
        if hello.member != bound {
            return Err(LinkFault::OtherName(hello.member.chars().take(255).collect()));
        }
        Ok(hello.newest_rules.max(1))
    }
}

/// Where received messages go.
#[derive(Clone, Debug)]
pub(crate) struct Sinks {
    pub(crate) engine: mpsc::Sender<Inbound>,
    pub(crate) side: mpsc::Sender<(String, SideFrame)>,
    pub(crate) quota: Quota,
}

/// Everything that leaves on a link: the greeting, then whatever waits in its lanes.
pub(crate) fn outgoing(hello: Frame, place: &Place) -> impl Stream<Item = Frame> + Send + use<> {
    let (lanes, counts) = (Arc::clone(&place.lanes), Arc::clone(&place.counts));
    let parts = stream::unfold((lanes, counts), |(lanes, counts)| async move {
        let part = lanes.next().await;
        add(&counts.bytes_out, part.bytes.len() as u64);
        add(&counts.parts_out, 1);
        Some((Frame { of: Some(frame::Of::Part(part)) }, (lanes, counts)))
    });
    // A stream without an end would keep the connection open when nobody reads what comes back.
    stream::once(async move { hello }).chain(parts.take_until(place.cancelled.clone().cancelled_owned()))
}

/// Runs a link that both ends have greeted, until it ends. Tells the engine when it begins and when it ends.
pub(crate) async fn run(place: &Place, links: &Links, sinks: &Sinks, inbound: Streaming<Frame>) -> LinkFault {
    let Ok(_turn) = tokio::time::timeout(TURN_WAIT, place.turn.lock()).await else {
        return LinkFault::EndedHere;
    };
    let peer = || place.member.clone();
    if sinks.engine.send(Inbound::Connected { peer: peer() }).await.is_err() {
        return LinkFault::EndedHere;
    }
    tracing::info!(member = %place.member, "linked");
    let fault = tokio::select! {
        fault = receive(place, links, sinks, inbound) => fault,
        () = place.cancelled.cancelled() => LinkFault::EndedHere,
    };
    let _ = sinks.engine.send(Inbound::Disconnected { peer: peer() }).await;
    fault
}

async fn receive(place: &Place, links: &Links, sinks: &Sinks, mut inbound: Streaming<Frame>) -> LinkFault {
    let mut assembly = Assembly::default();
    let mut bucket = Bucket::new(sinks.quota, Instant::now());
    // Until the stream ends, or says what it may not.
    loop {
        let part = match inbound.message().await {
            Ok(Some(Frame { of: Some(frame::Of::Part(part)) })) => part,
            Ok(Some(Frame { of: Some(frame::Of::Hello(_)) })) => return LinkFault::NoHello,
            // A newer program may have more to say.
            Ok(Some(Frame { of: None })) => continue,
            Ok(None) => return LinkFault::Ended("the other end closed the link".into()),
            Err(status) => return LinkFault::Ended(reason(&status)),
        };
        let bytes = part.bytes.len();
        add(&place.counts.bytes_in, bytes as u64);
        let mut wait = bucket.take_part(Instant::now(), bytes);
        // Only what was asked for is gathered.
        let unasked = part.kind == Kind::Response as i32 && !links.awaits(place.generation, part.id);
        if !unasked {
            match assembly.take(part) {
                Ok(Some(message)) => {
                    wait = wait.max(bucket.take_message());
                    add(&place.counts.messages_in, 1);
                    deliver(place, links, sinks, message).await;
                }
                Ok(None) => {}
                Err(fault) => return fault.into(),
            }
        }
        if !wait.is_zero() {
            add(&place.counts.throttled, 1);
            tokio::time::sleep(wait).await;
        }
    }
}

async fn deliver(place: &Place, links: &Links, sinks: &Sinks, message: Message) {
    let peer = || place.member.clone();
    let Message { kind, id, bytes } = message;
    let frame = |kind, bytes| Inbound::Frame { peer: peer(), kind, bytes };
    let inbound = match kind {
        Kind::Consensus => frame(FrameKind::Consensus, bytes),
        Kind::Liveness => frame(FrameKind::Liveness, bytes),
        Kind::Body => frame(FrameKind::Body, bytes),
        Kind::Status => {
            if let Some(tip) = ore_consensus::tip_of_status(&bytes) {
                place.counts.tip.store(tip, std::sync::atomic::Ordering::Relaxed);
            }
            frame(FrameKind::Status, bytes)
        }
        Kind::Request => match links.asked_by(place, id, REQUESTS_WAITING) {
            Some(id) => Inbound::Request { peer: peer(), id, bytes },
            None => {
                place.lanes.push(Message { kind: Kind::NoResponse, id, bytes: bytes::Bytes::new() });
                return;
            }
        },
        Kind::Response | Kind::NoResponse => {
            if !links.is_answer(place.generation, id) {
                return;
            }
            Inbound::Response { id, bytes: (kind == Kind::Response).then_some(bytes) }
        }
        Kind::Cosignature => return aside(place, sinks, SideFrame::Cosignature(bytes)),
        Kind::Records => return aside(place, sinks, SideFrame::Records(bytes)),
        Kind::Evidence => return aside(place, sinks, SideFrame::Evidence(bytes)),
        Kind::Unspecified => return,
    };
    // The engine is waited for: then this peer's own sending waits too, and nobody else's.
    let _ = sinks.engine.send(inbound).await;
}

/// Side frames must not hold up votes: without room they are dropped.
fn aside(place: &Place, sinks: &Sinks, frame: SideFrame) {
    if sinks.side.try_send((place.member.clone(), frame)).is_err() {
        add(&place.counts.dropped_in, 1);
    }
}

/// What a status says, shortened: it comes from outside.
pub(crate) fn reason(status: &Status) -> String {
    let message: String = status.message().chars().take(300).collect();
    let code = status.code();
    if message.is_empty() { code.to_string() } else { format!("{code}: {message}") }
}
