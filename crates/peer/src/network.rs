//! The network's end of a node: it listens, dials, and carries.
//!
//! One task accepts, one carries what the engine and the node say, one dials each known address, one
//! serves each connection. All of them end with the [`Network`]: they are in its own set.

use std::{
    collections::BTreeSet,
    net::SocketAddr,
    pin::Pin,
    sync::{Arc, atomic::Ordering},
    task::{Context, Poll},
    time::{Duration, Instant},
};

use futures::{Stream, StreamExt};
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    service::TowerToHyperService,
};
use ore_consensus::{FrameKind, Outbound, TransportPeer};
use rustls::{ServerConfig, pki_types::ServerName};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{Semaphore, mpsc, oneshot, watch},
    task::JoinSet,
};
use tokio_rustls::{TlsAcceptor, TlsConnector, server::TlsStream};
use tokio_util::sync::CancellationToken;
use tonic::{
    Request, Response, Status, Streaming,
    transport::{Channel, Endpoint},
};

use crate::{
    directory::Directory,
    lanes::Message,
    limits::{FRAME_BYTES, HANDSHAKES, Quota},
    link::{self, Greeting, HELLO_WAIT, LinkFault, Sinks, outgoing},
    links::{Caller, Links, Place, add},
    side::{SideFrame, SidePeer},
    tls::{TlsIdentity, key_of},
    v1::{
        Frame, Kind, peer_service_client::PeerServiceClient, peer_service_server::PeerService,
        peer_service_server::PeerServiceServer,
    },
};

/// Longest time for TCP and TLS together.
const CONNECT_WAIT: Duration = Duration::from_secs(5);
/// A connection on which nothing comes is asked for a sign of life this often, and has as long to give it.
const KEEP_ALIVE: Duration = Duration::from_secs(5);
/// Flow control: what may be on its way in one link. Votes wait behind it, so it is small.
const WINDOW_BYTES: u32 = 1 << 20;

/// How a node takes part.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Who it is.
    pub greeting: Greeting,
    /// Its TLS key.
    pub identity: TlsIdentity,
    /// What one peer may send within a second.
    pub quota: Quota,
    /// First wait after a failed attempt to connect; doubled with each further one.
    pub backoff: Duration,
    /// Longest wait between two attempts.
    pub longest_backoff: Duration,
}

impl Settings {
    /// With the usual quota and waits of 100 ms to 5 s.
    #[must_use]
    pub fn new(greeting: Greeting, identity: TlsIdentity) -> Self {
        Self {
            greeting,
            identity,
            quota: Quota::default(),
            backoff: Duration::from_millis(100),
            longest_backoff: Duration::from_secs(5),
        }
    }
}

/// The network's end of a node, not yet running.
#[derive(Debug)]
pub struct Network {
    settings: Settings,
    directory: watch::Receiver<Arc<Directory>>,
    links: Links,
    engine: TransportPeer,
    side: SidePeer,
}

/// What every task of the network shares.
struct Shared {
    settings: Settings,
    directory: watch::Receiver<Arc<Directory>>,
    links: Links,
    sinks: Sinks,
    stop: CancellationToken,
}

impl Network {
    /// Between the engine's and the node's ends and whoever `directory` names, at any time.
    #[must_use]
    pub fn new(
        settings: Settings,
        directory: watch::Receiver<Arc<Directory>>,
        engine: TransportPeer,
        side: SidePeer,
    ) -> Self {
        Self { settings, directory, links: Links::default(), engine, side }
    }

    /// The links, to look at.
    #[must_use]
    pub fn links(&self) -> Links {
        self.links.clone()
    }

    /// Runs until `stop`. Without a listener this node only dials.
    ///
    /// # Errors
    /// When the own certificate cannot be used: a defect.
    pub async fn run(
        self,
        listener: Option<TcpListener>,
        stop: CancellationToken,
    ) -> Result<(), rustls::Error> {
        let Self { settings, directory, links, engine, side } = self;
        let tls = settings.identity.server(directory.clone())?;
        let sinks = Sinks { engine: engine.inbound, side: side.inbound, quota: settings.quota };
        let shared = Arc::new(Shared { settings, directory, links, sinks, stop: stop.clone() });
        let mut tasks = JoinSet::new();
        if let Some(listener) = listener {
            tasks.spawn(accept(Arc::clone(&shared), listener, tls));
        }
        tasks.spawn(dial_everybody(Arc::clone(&shared)));
        tokio::select! {
            () = carry(&shared.links, engine.outbound, side.outbound, &shared.sinks) => {}
            () = stop.cancelled() => {}
        }
        // Whatever hangs is cut off with its socket.
        stop.cancel();
        tasks.shutdown().await;
        Ok(())
    }
}

/// Takes what leaves and queues it for whom it is meant. Never waits for a peer.
async fn carry(
    links: &Links,
    mut engine: mpsc::Receiver<Outbound>,
    mut side: mpsc::Receiver<(Option<String>, SideFrame)>,
    sinks: &Sinks,
) {
    let mut side_open = true;
    // Ends with the engine.
    loop {
        tokio::select! {
            biased;
            frame = engine.recv() => match frame {
                Some(frame) => carry_frame(links, frame, sinks),
                None => return,
            },
            aside = side.recv(), if side_open => match aside {
                Some((to, frame)) => carry_aside(links, to, frame),
                None => side_open = false,
            },
        }
    }
}

fn carry_frame(links: &Links, frame: Outbound, sinks: &Sinks) {
    match frame {
        Outbound::Broadcast { kind, bytes } => links.broadcast(wire_kind(kind), &bytes),
        Outbound::Send { peer, kind, bytes } => {
            links.send(&peer, Message { kind: wire_kind(kind), id: 0, bytes });
        }
        Outbound::Request { peer, id, bytes } => {
            if !links.ask(&peer, id, bytes) {
                // Without room the engine's own timeout ends it.
                let _ = sinks.engine.try_send(ore_consensus::Inbound::Response { id, bytes: None });
            }
        }
        Outbound::CancelRequest { id } => links.forget(id),
        Outbound::Response { id, bytes, .. } => links.answer(id, bytes),
    }
}

fn carry_aside(links: &Links, to: Option<String>, frame: SideFrame) {
    let (kind, bytes) = match frame {
        SideFrame::Cosignature(bytes) => (Kind::Cosignature, bytes),
        SideFrame::Records(bytes) => (Kind::Records, bytes),
        SideFrame::Evidence(bytes) => (Kind::Evidence, bytes),
    };
    match to {
        Some(member) => {
            links.send(&member, Message { kind, id: 0, bytes });
        }
        None => links.broadcast(kind, &bytes),
    }
}

const fn wire_kind(kind: FrameKind) -> Kind {
    match kind {
        FrameKind::Consensus => Kind::Consensus,
        FrameKind::Liveness => Kind::Liveness,
        FrameKind::Body => Kind::Body,
        FrameKind::Status => Kind::Status,
    }
}

// ---------------------------------------------------------------- listening

async fn accept(shared: Arc<Shared>, listener: TcpListener, tls: Arc<ServerConfig>) {
    let acceptor = TlsAcceptor::from(tls);
    let handshakes = Arc::new(Semaphore::new(HANDSHAKES));
    let mut connections = JoinSet::new();
    // Until the network stops, which drops this with all connections.
    loop {
        let Ok(permit) = Arc::clone(&handshakes).acquire_owned().await else { return };
        let (stream, address) = match listener.accept().await {
            Ok(accepted) => accepted,
            Err(error) => {
                // No file handles left, say: the others go on meanwhile.
                tracing::error!(%error, "cannot accept links");
                tokio::time::sleep(shared.settings.backoff).await;
                continue;
            }
        };
        let (shared, acceptor) = (Arc::clone(&shared), acceptor.clone());
        connections.spawn(async move {
            let shaken = tokio::time::timeout(CONNECT_WAIT, acceptor.accept(stream)).await;
            drop(permit);
            match shaken {
                Ok(Ok(stream)) => serve(&shared, stream, address).await,
                Ok(Err(error)) => refuse(&shared, address, &error),
                Err(_) => refuse(&shared, address, &"no handshake in time"),
            }
        });
        while connections.try_join_next().is_some() {}
    }
}

fn refuse(shared: &Shared, address: SocketAddr, fault: &dyn std::fmt::Display) {
    shared.links.count_refusal();
    tracing::warn!(%address, %fault, "link refused");
}

/// Serves one authenticated connection, on which one link runs.
async fn serve(shared: &Arc<Shared>, stream: TlsStream<TcpStream>, address: SocketAddr) {
    let key = stream.get_ref().1.peer_certificates().and_then(|chain| chain.first()).and_then(key_of);
    let member = key.and_then(|key| shared.directory.borrow().member_of(&key).map(str::to_owned));
    let Some(member) = member else {
        return refuse(shared, address, &"its key was taken off the directory");
    };
    let _ = stream.get_ref().0.set_nodelay(true);
    let (sessions, mut session) = mpsc::channel(1);
    let service = Reception { shared: Arc::clone(shared), member: member.clone(), sessions };
    let service = PeerServiceServer::new(service)
        .max_decoding_message_size(FRAME_BYTES)
        .max_encoding_message_size(FRAME_BYTES);
    let connection = hyper::server::conn::http2::Builder::new(TokioExecutor::new())
        .timer(TokioTimer::new())
        .keep_alive_interval(KEEP_ALIVE)
        .keep_alive_timeout(KEEP_ALIVE)
        .initial_stream_window_size(WINDOW_BYTES)
        .initial_connection_window_size(2 * WINDOW_BYTES)
        .max_concurrent_streams(2)
        .max_header_list_size(8 << 10)
        .serve_connection(TokioIo::new(stream), TowerToHyperService::new(service));
    tokio::pin!(connection);
    let (place, inbound) = tokio::select! {
        _ = connection.as_mut() => return,
        greeted = tokio::time::timeout(2 * HELLO_WAIT, session.recv()) => match greeted {
            Ok(Some(session)) => session,
            _ => return refuse(shared, address, &LinkFault::NoHello),
        },
    };
    let gone = place.cancelled.clone();
    let running = link::run(&place, &shared.links, &shared.sinks, inbound);
    ended(&place, &with_connection(connection, gone, running).await);
}

/// Runs a link on its connection. When the connection goes first, the link still tells its end.
async fn with_connection<T>(
    connection: impl Future,
    gone: CancellationToken,
    link: impl Future<Output = T>,
) -> T {
    tokio::pin!(link);
    tokio::select! {
        _ = connection => gone.cancel(),
        ended = link.as_mut() => return ended,
    }
    link.await
}

fn ended(place: &Place, fault: &LinkFault) {
    let member = &place.member;
    if fault.is_theirs() {
        add(&place.counts.faults, 1);
        tracing::warn!(member, %fault, "link ended by the peer's fault");
    } else {
        tracing::info!(member, %fault, "link ended");
    }
}

/// The service on one connection.
struct Reception {
    shared: Arc<Shared>,
    member: String,
    sessions: mpsc::Sender<(Place, Streaming<Frame>)>,
}

#[tonic::async_trait]
impl PeerService for Reception {
    type ExchangeStream = Pin<Box<dyn Stream<Item = Result<Frame, Status>> + Send>>;

    async fn exchange(
        &self,
        request: Request<Streaming<Frame>>,
    ) -> Result<Response<Self::ExchangeStream>, Status> {
        let shared = &self.shared;
        let mut inbound = request.into_inner();
        let first = tokio::time::timeout(HELLO_WAIT, inbound.message())
            .await
            .map_err(|_| Status::deadline_exceeded("no greeting"))??;
        let greeting = &shared.settings.greeting;
        let newest_rules = greeting.check(first, &self.member).map_err(|fault| {
            shared.links.count_refusal();
            add(&shared.links.counts(&self.member).faults, 1);
            tracing::warn!(member = %self.member, %fault, "link refused");
            let us: String = greeting.genesis.iter().map(|byte| format!("{byte:02x}")).collect();
            Status::failed_precondition(format!(
                "you: {fault}; this is a node of {:?} with genesis {us}",
                greeting.origin
            ))
        })?;
        let place = shared
            .links
            .enter(&greeting.member, &self.member, Caller::Them)
            .ok_or_else(|| Status::already_exists("another link between us is kept"))?;
        place.counts.newest_rules.store(newest_rules, Ordering::Relaxed);
        let frames = outgoing(greeting.hello(), &place).map(Ok);
        self.sessions
            .try_send((place, inbound))
            .map_err(|_| Status::already_exists("one link on a connection"))?;
        Ok(Response::new(Box::pin(frames)))
    }
}

// ---------------------------------------------------------------- dialling

/// Keeps one task for each address in the directory, and ends links of those who left it.
async fn dial_everybody(shared: Arc<Shared>) {
    let mut directory = shared.directory.clone();
    let mut dialling = JoinSet::new();
    let mut names = BTreeSet::new();
    // Until the network stops, or the directory's owner is gone.
    loop {
        let now = Arc::clone(&directory.borrow_and_update());
        shared.links.retain(|member| now.get(member).is_some());
        for entry in now.iter() {
            let ours = entry.member == shared.settings.greeting.member;
            if !ours && !entry.address.is_empty() && names.insert(entry.member.clone()) {
                dialling.spawn(dial(Arc::clone(&shared), entry.member.clone()));
            }
        }
        tokio::select! {
            changed = directory.changed() => if changed.is_err() {
                return shared.stop.cancelled().await;
            },
            Some(Ok(gone)) = dialling.join_next() => {
                names.remove(&gone);
            }
        }
    }
}

/// Connects to one node whenever it is not connected; ends with its name when it left the directory.
async fn dial(shared: Arc<Shared>, member: String) -> String {
    let mut changes = shared.links.changes();
    let (shortest, longest) = (shared.settings.backoff, shared.settings.longest_backoff);
    let mut backoff = shortest;
    if shared.settings.greeting.member > member {
        // The lesser name dials first, so that two links seldom come about at once.
        tokio::time::sleep(shortest * 2).await;
    }
    // Each turn is one attempt, or one link.
    loop {
        changes.borrow_and_update();
        let Some(address) = shared.directory.borrow().get(&member).map(|entry| entry.address.clone()) else {
            return member;
        };
        if shared.links.is_connected(&member) {
            let mut directory = shared.directory.clone();
            tokio::select! {
                _ = changes.changed() => {}
                _ = directory.changed() => {}
            }
            continue;
        }
        let begun = Instant::now();
        match attempt(Arc::clone(&shared), member.clone(), address.clone()).await {
            Ok(()) => {}
            Err(fault) => tracing::debug!(member, address, %fault, "no link"),
        }
        // A link that lasted is tried again at once, one that did not is waited for.
        if begun.elapsed() > longest {
            backoff = shortest;
        }
        tokio::time::sleep(jittered(backoff)).await;
        backoff = (backoff * 2).min(longest);
    }
}

/// Frames that leave. A type with a name: of a bare boxed stream the compiler cannot see that a call with it may
/// change threads.
struct Leaving(Pin<Box<dyn Stream<Item = Frame> + Send>>);

impl Stream for Leaving {
    type Item = Frame;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Frame>> {
        self.0.as_mut().poll_next(context)
    }
}

/// Between half and the whole of it, so that nodes do not dial in step.
fn jittered(wait: Duration) -> Duration {
    let mut byte = [0xff];
    // Without randomness they dial in step, which is no harm.
    let _ = getrandom::fill(&mut byte);
    wait / 2 + wait.mul_f64(f64::from(byte[0]) / 510.0)
}

/// One attempt to connect; when it succeeds, the whole life of the link.
async fn attempt(shared: Arc<Shared>, member: String, address: String) -> Result<(), LinkFault> {
    let failed = |error: &dyn std::fmt::Display| LinkFault::Ended(error.to_string());
    let tls = shared.settings.identity.client(shared.directory.clone(), &member).map_err(|e| failed(&e))?;
    let name = ServerName::try_from("node.invalid").map_err(|e| failed(&e))?;
    let connecting = async {
        let stream = TcpStream::connect(address.clone()).await?;
        stream.set_nodelay(true)?;
        TlsConnector::from(tls).connect(name, stream).await
    };
    let connected = tokio::time::timeout(CONNECT_WAIT, connecting).await;
    let stream = connected.map_err(|_| failed(&"no connection in time"))?.inspect_err(|error| {
        // Somebody answers, and is not who it should be: that is worth a line.
        if error.kind() == std::io::ErrorKind::InvalidData {
            tracing::warn!(member, address, fault = %error, "link refused");
        }
    });
    let stream = stream.map_err(|e| failed(&e))?;
    // The one connection that this channel ever has: when it is gone, the channel is.
    let mut only = Some(TokioIo::new(stream));
    let connector = tower::service_fn(move |_: http::Uri| {
        let gone = || std::io::Error::from(std::io::ErrorKind::NotConnected);
        std::future::ready(only.take().ok_or_else(gone))
    });
    let channel = Endpoint::from_static("http://node.invalid")
        .http2_keep_alive_interval(KEEP_ALIVE)
        .keep_alive_timeout(KEEP_ALIVE)
        .keep_alive_while_idle(true)
        .initial_stream_window_size(WINDOW_BYTES)
        .initial_connection_window_size(2 * WINDOW_BYTES)
        .connect_with_connector(connector)
        .await
        .map_err(|e| failed(&e))?;
    link_up(&shared, &member, channel).await
}

async fn link_up(shared: &Shared, member: &str, channel: Channel) -> Result<(), LinkFault> {
    let mut client = PeerServiceClient::new(channel)
        .max_decoding_message_size(FRAME_BYTES)
        .max_encoding_message_size(FRAME_BYTES);
    let greeting = &shared.settings.greeting;
    // Nothing but the greeting leaves before the other end has been heard.
    let (after, parts) = oneshot::channel();
    let hello = greeting.hello();
    let parts = futures::stream::once(parts).flat_map(|parts: Result<Leaving, _>| {
        parts.unwrap_or_else(|_| Leaving(Box::pin(futures::stream::empty())))
    });
    let outbound = Leaving(Box::pin(futures::stream::once(async move { hello }).chain(parts)));
    let greeted = async {
        let mut inbound = client.exchange(outbound).await?.into_inner();
        let hello = inbound.message().await?;
        Ok::<_, Status>((inbound, hello))
    };
    let (inbound, hello) = tokio::time::timeout(HELLO_WAIT, greeted)
        .await
        .map_err(|_| LinkFault::NoHello)?
        .map_err(|status| refused(member, &status))?;
    let newest_rules = greeting.check(hello, member).inspect_err(|fault| {
        add(&shared.links.counts(member).faults, 1);
        tracing::warn!(member, %fault, "link refused");
    })?;
    let place = shared.links.enter(&greeting.member, member, Caller::Us).ok_or(LinkFault::EndedHere)?;
    place.counts.newest_rules.store(newest_rules, Ordering::Relaxed);
    // The greeting has gone already: what follows are parts.
    let parts = outgoing(greeting.hello(), &place).skip(1);
    after.send(Leaving(Box::pin(parts))).map_err(|_| LinkFault::EndedHere)?;
    let running = link::run(&place, &shared.links, &shared.sinks, inbound);
    ended(&place, &running.await);
    Ok(())
}

/// The other end does not want this link: of another ledger, say, which its operator should know here too.
fn refused(member: &str, status: &Status) -> LinkFault {
    let why = link::reason(status);
    if status.code() == tonic::Code::FailedPrecondition {
        tracing::warn!(member, why, "refused by the peer");
    }
    LinkFault::Ended(why)
}
