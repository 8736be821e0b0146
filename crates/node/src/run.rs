//! A node from start to stop. The only file that spawns; everything it starts, it ends.
//!
//! Threads: the reactor's for calls, one or more that check signatures, and one for ordering, on which the engine and
//! the sequencer live together so that a message between them costs no change of thread.

mod failure;
mod identity;
mod running;
mod serving;
mod watching;

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex},
    thread,
};

use ore_consensus::{Driver, Engine, EngineConfig, Transport};
use ore_peer::{Links, SideFrame};
use tokio::{
    net::TcpListener,
    sync::{mpsc, oneshot, watch},
    task::JoinHandle,
};
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;

use crate::{
    access::Access,
    admin::{self, Admin},
    admission::Admission,
    config::Config,
    consortium::Consortium,
    deciders::Deciders,
    gossip::{self, Listener},
    keys::NodeKeys,
    ledger::{Ledger, Newest},
    limits::{Fair, Limits},
    neighbours::{self, Joined},
    pool::Pool,
    port::{Open, Port},
    publisher::Publisher,
    query_log::QueryLog,
    recovery::{self, Opened},
    sequencer::{Clock, Sequencer, Settings},
    services::{Api, fingerprint::FingerprintDesk},
    tls,
    trial::Trials,
};

pub use failure::NodeError;
use identity::{check_keys, log_signer, witness};
use running::{Neighbours, Ordering, Running};
use serving::member_router;

/// Asks a node to stop; clones ask the same node.
#[derive(Clone, Debug)]
pub struct Shutdown(Arc<watch::Sender<bool>>);

impl Default for Shutdown {
    fn default() -> Self {
        Self(Arc::new(watch::Sender::new(false)))
    }
}

impl Shutdown {
    /// Nobody has asked yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Asks.
    pub fn stop(&self) {
        self.0.send_replace(true);
    }

    /// Waits until somebody asks.
    pub async fn asked(&self) {
        // The sender is in self, so it cannot be gone.
        let _ = self.0.subscribe().wait_for(|asked| *asked).await;
    }

    /// Asks when the process is told to end: SIGINT (Ctrl-C) or SIGTERM.
    ///
    /// # Errors
    /// When the signals cannot be watched.
    pub fn on_signals() -> std::io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        let shutdown = Self::new();
        let (mut interrupt, mut terminate) =
            (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
        let asking = shutdown.clone();
        tokio::spawn(async move {
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
            }
            asking.stop();
        });
        Ok(shutdown)
    }
}

/// A running node.
pub struct Node {
    member_addr: SocketAddr,
    admin_addr: SocketAddr,
    peer_addr: Option<SocketAddr>,
    links: Option<Links>,
    ledger: Arc<Ledger>,
    admission: Arc<Admission>,
    supervisor: JoinHandle<Result<(), NodeError>>,
}

/// Starts a node and waits for its end.
///
/// # Errors
/// [`NodeError`].
pub async fn run(config: Config, shutdown: Shutdown) -> Result<(), NodeError> {
    Node::start(config, shutdown).await?.wait().await
}

impl Node {
    /// Opens the ledger, starts ordering, listens. Must run in a tokio runtime with several threads.
    ///
    /// # Errors
    /// [`NodeError`].
    pub async fn start(config: Config, shutdown: Shutdown) -> Result<Self, NodeError> {
        let consortium = Consortium::load(&config.consortium)?;
        let keys = NodeKeys::load(&config.keys)?;
        check_keys(&config.member, &consortium, &keys)?;
        let Listeners { member, member_addr, admin, admin_addr, peer, peer_addr, tls } =
            Listeners::bind(&config).await?;
        let Opened { store, custody, graph, tip, rules } = open(&config, &consortium).await?;

        let deciders = Deciders::of(&custody, &store.reader(), tip.next_height())
            .map_err(|error| NodeError::Open { path: config.data.clone(), source: error.into() })?;
        let newest = Newest {
            height: tip.height.unwrap_or_default(),
            tree_size: tip.frontier.size().get(),
            time_ms: tip.time_ms,
        };
        let (origin, genesis) = (consortium.origin.clone(), consortium.genesis);
        let (name, reader) = (config.member.clone(), store.reader());
        let ledger = Arc::new(Ledger::new(origin, genesis, name, custody, graph, reader, newest));
        ledger.metrics.integrated_entries.set(newest.tree_size);
        ledger.metrics.rules.set(rules.version().into());
        let evidence = config.data.join("evidence");
        ledger.faults.open(&evidence).map_err(|source| NodeError::Evidence { path: evidence, source })?;
        let store = Arc::new(Mutex::new(store));
        let pool = Arc::new(Pool::default());
        pool.set_patience(config.patience);
        let admission = Arc::new(Admission::new(
            Arc::clone(&pool),
            Arc::clone(&ledger.health),
            Arc::clone(&ledger.metrics),
            config.pool_records,
            config.pool_bytes,
            config.block_records,
        ));
        let interval = config.checkpoint_interval;
        let publisher = Publisher::new(
            Arc::clone(&ledger),
            Arc::clone(&store),
            &consortium,
            &config.member,
            &keys,
            interval,
        )?;
        let publisher = Arc::new(publisher.with_witness_grace(config.witness_grace));
        publisher.resume();
        let settings = Settings {
            member: config.member.clone(),
            block_records: config.block_records,
            heartbeat: config.heartbeat,
            clock: Clock::system(),
            newest_rules: config.newest_rules,
        };
        let (its_ledger, its_store, its_pool) = (Arc::clone(&ledger), Arc::clone(&store), Arc::clone(&pool));
        let sequencer = Sequencer::new(settings, its_ledger, its_store, its_pool, tip, (deciders, rules));
        let mut engine_config =
            EngineConfig::new(&consortium.origin, &config.member, keys.consensus, config.data.join("wal"));
        engine_config.stop_wait = config.stop / 2;
        let (transport, neighbours) = link(
            &config,
            neighbours::join(&config, &consortium, &keys, &ledger)?,
            peer,
            &publisher,
            &admission,
            &pool,
            &ledger,
        );
        let (engine, ordering) = start_ordering(engine_config, sequencer, transport).await?;
        let verifiers = start_verifiers(&admission)?;
        let api = Arc::new(Api {
            ledger: Arc::clone(&ledger),
            trust: consortium.to_text(),
            admission: Arc::clone(&admission),
            request_timeout: config.request_timeout,
            query_time: config.query_time,
            query_lots: config.query_lots,
            tls: config.tls.is_some(),
            log_key: log_signer(&consortium, &keys)?,
            witness: witness(&config, &consortium, &keys, &ledger)?,
            fingerprint: FingerprintDesk::new(queries(&config)?),
            questions: Fair::new(cores().div_ceil(2)),
            trials: Trials::default(),
            links: neighbours.links.clone(),
            newest_rules: config.newest_rules,
        });
        let (health_reporter, health_service) = tonic_health::server::health_reporter();
        let limits = Arc::new(Limits::new(config.allowance));
        let open = Arc::<Open>::default();
        let access =
            Access::new(Arc::clone(&ledger), config.read, config.request_timeout, Arc::clone(&limits));
        let router = member_router(&api, health_service, Arc::new(access))?;
        let admin_router = admin::routes(Arc::new(Admin {
            ledger: Arc::clone(&ledger),
            pool,
            links: neighbours.links.clone(),
            limits: Arc::clone(&limits),
            open: Arc::clone(&open),
        }));
        let ending = Shutdown::new();
        let servers = vec![
            tokio::spawn(Port::new(member, tls, Arc::clone(&open)).serve(router, ending.clone())),
            tokio::spawn(Port::new(admin, None, Arc::default()).serve(admin_router, ending.clone())),
        ];
        let helpers = vec![
            tokio::spawn(watching::report_health(ledger.health.clone(), health_reporter)),
            tokio::spawn(watching::watch_for_stalls(engine.clone(), ledger.health.clone(), config.stall)),
            tokio::spawn(watching::watch_publication(Arc::clone(&ledger), config.publish)),
        ];
        let publishing = tokio::spawn(Arc::clone(&publisher).run());
        tracing::info!(%member_addr, %admin_addr, height = newest.height, "node is up");
        let links = neighbours.links.clone();
        let running = Running {
            ledger: Arc::clone(&ledger),
            admission: Arc::clone(&admission),
            store,
            engine,
            ordering,
            publisher,
            publishing,
            servers,
            helpers,
            verifiers,
            neighbours,
            ending,
            pool_records: config.pool_records,
            stop: config.stop,
        };
        let supervisor = tokio::spawn(running.supervise(shutdown));
        Ok(Self { member_addr, admin_addr, peer_addr, links, ledger, admission, supervisor })
    }

    /// Where members connect.
    #[must_use]
    pub const fn member_addr(&self) -> SocketAddr {
        self.member_addr
    }

    /// Where health and metrics are.
    #[must_use]
    pub const fn admin_addr(&self) -> SocketAddr {
        self.admin_addr
    }

    /// Where other nodes connect, if they may.
    #[must_use]
    pub const fn peer_addr(&self) -> Option<SocketAddr> {
        self.peer_addr
    }

    /// Links to other nodes, if it has any.
    #[must_use]
    pub const fn links(&self) -> Option<&Links> {
        self.links.as_ref()
    }

    /// The read side, for programs that run a node inside themselves.
    #[must_use]
    pub const fn ledger(&self) -> &Arc<Ledger> {
        &self.ledger
    }

    /// The way in, for programs that run a node inside themselves.
    #[must_use]
    pub const fn admission(&self) -> &Arc<Admission> {
        &self.admission
    }

    /// Waits for the end: after a stop was asked for, or because the node cannot go on.
    ///
    /// # Errors
    /// [`NodeError`].
    pub async fn wait(self) -> Result<(), NodeError> {
        self.supervisor.await.unwrap_or(Err(NodeError::EngineGone))
    }

    /// Ends everything at once, as a crash would; for tests of recovery. What was acknowledged is on the disk.
    pub async fn danger_drop(self) {
        self.supervisor.abort();
        let _ = self.supervisor.await;
    }
}

/// Starts the links, if this node has any.
fn link(
    config: &Config,
    joined: Option<Joined>,
    listener: Option<TcpListener>,
    publisher: &Publisher,
    admission: &Arc<Admission>,
    pool: &Arc<Pool>,
    ledger: &Arc<Ledger>,
) -> (Transport, Neighbours) {
    let Some(Joined { transport, network, side, links, doorkeeper }) = joined else {
        return (Transport::lone(), Neighbours::default());
    };
    pool.share();
    let (fresh, verified) = mpsc::channel(gossip::FRESH);
    admission.pass_on_to(fresh);
    let passing_on = gossip::pass_on(verified, side.outbound.clone(), Arc::clone(ledger), Arc::clone(pool));
    let (records, bytes) = (config.pool_records, config.pool_bytes);
    let passed_on =
        Listener::new(Arc::clone(admission), Arc::clone(pool), Arc::clone(ledger), records, bytes);
    let outbound = side.outbound;
    let checkpoints = publisher.connect(Box::new(move |to, message| {
        // It may be lost; whatever matters is said again.
        let _ = outbound.try_send((to, SideFrame::Cosignature(message.into())));
    }));
    let stop = CancellationToken::new();
    let running = network.run(listener, stop.clone());
    let tasks = vec![
        tokio::spawn(async move {
            if let Err(error) = running.await {
                tracing::error!(%error, "links cannot be set up");
            }
        }),
        tokio::spawn(doorkeeper.run()),
        tokio::spawn(neighbours::listen_aside(side.inbound, checkpoints, passed_on)),
        tokio::spawn(passing_on),
    ];
    (transport, Neighbours { links: Some(links), tasks, _stop: Some(stop.drop_guard()) })
}

/// Every address that a node listens on, before anything is opened: an address in use costs nothing else.
struct Listeners {
    member: TcpListener,
    member_addr: SocketAddr,
    admin: TcpListener,
    admin_addr: SocketAddr,
    peer: Option<TcpListener>,
    peer_addr: Option<SocketAddr>,
    tls: Option<TlsAcceptor>,
}

impl Listeners {
    async fn bind(config: &Config) -> Result<Self, NodeError> {
        let (member, member_addr) = bind(config.listen).await?;
        let (admin, admin_addr) = bind(config.admin_listen).await?;
        let (peer, peer_addr) = match config.peer_listen {
            Some(address) => {
                bind(address).await.map(|(listener, address)| (Some(listener), Some(address)))?
            }
            None => (None, None),
        };
        let tls = config.tls.as_ref().map(tls::acceptor).transpose()?;
        if tls.is_none() && !member_addr.ip().is_loopback() {
            tracing::warn!(%member_addr, "members connect without TLS: whoever is on the way reads what they read");
        }
        Ok(Self { member, member_addr, admin, admin_addr, peer, peer_addr, tls })
    }
}

async fn bind(address: SocketAddr) -> Result<(TcpListener, SocketAddr), NodeError> {
    let failed = |source| NodeError::Bind { address, source };
    let listener = TcpListener::bind(address).await.map_err(failed)?;
    let address = listener.local_addr().map_err(failed)?;
    Ok((listener, address))
}

async fn open(config: &Config, consortium: &Consortium) -> Result<Opened, NodeError> {
    let (config, consortium) = (config.clone(), consortium.clone());
    let path = config.data.clone();
    let opened = tokio::task::spawn_blocking(move || recovery::open(&config, &consortium)).await;
    match opened {
        Ok(opened) => opened.map_err(|source| NodeError::Open { path, source }),
        Err(_) => Err(NodeError::EngineGone),
    }
}

/// Engine and sequencer on a thread and a reactor of their own.
async fn start_ordering(
    config: EngineConfig,
    sequencer: Sequencer,
    transport: Transport,
) -> Result<(Engine, Ordering), NodeError> {
    let (started, start) = oneshot::channel();
    let (ended, end) = oneshot::channel();
    let work = move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let Ok(runtime) = runtime else { return };
        runtime.block_on(async move {
            match Engine::start(config, sequencer, transport).await {
                Ok((engine, driver)) => {
                    let _ = started.send(Ok(engine));
                    let _ = ended.send(Driver::run(driver).await);
                }
                Err(error) => {
                    let _ = started.send(Err(error));
                }
            }
        });
    };
    let thread = thread::Builder::new().name("ordering".into()).spawn(work);
    thread.map_err(|source| NodeError::Thread { what: "ordering", source })?;
    match start.await {
        Ok(Ok(engine)) => Ok((engine, end)),
        Ok(Err(error)) => Err(NodeError::Engine(error)),
        Err(_) => Err(NodeError::EngineGone),
    }
}

fn queries(config: &Config) -> Result<QueryLog, NodeError> {
    QueryLog::open(&config.data).map_err(|source| NodeError::Queries { path: config.data.clone(), source })
}

fn start_verifiers(admission: &Arc<Admission>) -> Result<Vec<thread::JoinHandle<()>>, NodeError> {
    // One core is left to the sequencer.
    let count = cores().saturating_sub(1).clamp(1, 8);
    (0..count)
        .map(|number| {
            let admission = Arc::clone(admission);
            let thread = thread::Builder::new().name(format!("verify-{number}"));
            thread
                .spawn(move || admission.verify_until_closed())
                .map_err(|source| NodeError::Thread { what: "checking signatures", source })
        })
        .collect()
}

fn cores() -> usize {
    thread::available_parallelism().map_or(1, usize::from)
}
