//! A node from start to stop. The only file that spawns; everything it starts, it ends.
//!
//! Threads: the reactor's for calls, one or more that check signatures, and one for ordering, on which the engine and
//! the sequencer live together so that a message between them costs no change of thread.

use std::{
    net::SocketAddr,
    path::PathBuf,
    sync::{Arc, Mutex},
    thread,
    time::{Duration, Instant},
};

use axum::{Router, http::StatusCode, middleware};
use ore_checkpoint::{Cosigner, KeyName, NoteSigner};
use ore_consensus::{Driver, Engine, EngineConfig, EngineError, Stall, Transport};
use ore_peer::{Links, SideFrame};
use ore_store::StoreError;
use ore_wire::v1::{
    audit_service_server::AuditServiceServer, consortium_service_server::ConsortiumServiceServer,
    fingerprint_service_server::FingerprintServiceServer, log_service_server::LogServiceServer,
    lot_service_server::LotServiceServer, provenance_service_server::ProvenanceServiceServer,
    submission_service_server::SubmissionServiceServer,
};
use tokio::{
    net::TcpListener,
    sync::{mpsc, oneshot, watch},
    task::JoinHandle,
};
use tokio_util::sync::{CancellationToken, DropGuard};
use tonic::service::Routes;
use tonic_health::ServingStatus;

use crate::{
    access::{self, Access},
    admin::{self, Admin},
    admission::Admission,
    config::Config,
    consortium::{Consortium, ConsortiumError, cosigner_name},
    gossip::{self, Listener},
    health::{Condition, Health},
    http,
    keys::{KeyError, NodeKeys},
    ledger::{Ledger, Newest, Published},
    limits::{Fair, Limits},
    neighbours::{self, Joined},
    pool::Pool,
    port::{Open, Port},
    publisher::{PublishError, Publisher},
    query_log::QueryLog,
    recovery::{self, OpenError, Opened},
    sequencer::{Clock, Sequencer, Settings, validators_of},
    services::{
        Api, audit, consortium,
        fingerprint::{self, FingerprintDesk},
        log, lot, provenance, submission,
    },
    tls::{self, TlsError},
    witness::{Witness, WitnessError},
};

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

/// Why a node did not start, or ended. For the operator.
#[derive(Debug, thiserror::Error)]
pub enum NodeError {
    /// The trust root.
    #[error(transparent)]
    Consortium(#[from] ConsortiumError),
    /// The node's keys.
    #[error(transparent)]
    Keys(#[from] KeyError),
    /// The keys are not those that the trust root names for the member.
    #[error("the {what} key of {member} is not the one that the trust root names for it")]
    OtherKey {
        /// Which key.
        what: &'static str,
        /// Whose.
        member: String,
    },
    /// The TLS key cannot be used.
    #[error("links to other nodes")]
    Links(#[from] ore_peer::IdentityError),
    /// The ledger.
    #[error("open the ledger in {}", path.display())]
    Open {
        /// Where.
        path: PathBuf,
        /// Why not.
        #[source]
        source: OpenError,
    },
    /// What this node has cosigned for other ledgers, or which they are.
    #[error("witness for other ledgers")]
    Witness(#[from] WitnessError),
    /// The log of queries.
    #[error("open the log of queries in {}", path.display())]
    Queries {
        /// Where.
        path: PathBuf,
        /// Why not.
        #[source]
        source: std::io::Error,
    },
    /// The folder of evidence.
    #[error("open the evidence in {}", path.display())]
    Evidence {
        /// Where.
        path: PathBuf,
        /// Why not.
        #[source]
        source: std::io::Error,
    },
    /// An address cannot be listened on.
    #[error("listen on {address}")]
    Bind {
        /// Which.
        address: SocketAddr,
        /// Why not.
        #[source]
        source: std::io::Error,
    },
    /// The certificate of the members' port.
    #[error("TLS on the members' port")]
    Tls(#[from] TlsError),
    /// A thread cannot be started.
    #[error("start a thread for {what}")]
    Thread {
        /// What for.
        what: &'static str,
        /// Why not.
        #[source]
        source: std::io::Error,
    },
    /// The ordering engine does not start, or failed.
    #[error("ordering engine")]
    Engine(#[source] EngineError),
    /// The engine ended without a word: it panicked.
    #[error("the ordering thread ended unexpectedly")]
    EngineGone,
    /// Two bodies for one size: both are in the message, for keeping.
    #[error("checkpoints")]
    Publish(#[source] PublishError),
    /// Reflection cannot be set up: a defect of ours.
    #[error("reflection: {0}")]
    Reflection(String),
    /// The ledger could not be closed in order; nothing acknowledged is lost.
    #[error("close the ledger")]
    Close(#[source] StoreError),
    /// Stopping took longer than it may; nothing acknowledged is lost.
    #[error("the node did not stop within {0:?} and was cut off; nothing acknowledged is lost")]
    StopTimeout(Duration),
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
        let (member_listener, member_addr) = bind(config.listen).await?;
        let (admin_listener, admin_addr) = bind(config.admin_listen).await?;
        let (peer_listener, peer_addr) = match config.peer_listen {
            Some(address) => {
                bind(address).await.map(|(listener, address)| (Some(listener), Some(address)))?
            }
            None => (None, None),
        };
        let tls = config.tls.as_ref().map(tls::acceptor).transpose()?;
        if tls.is_none() && !member_addr.ip().is_loopback() {
            tracing::warn!(%member_addr, "members connect without TLS: whoever is on the way reads what they read");
        }
        let Opened { store, custody, graph, tip } = open(&config, &consortium).await?;

        let validators = validators_of(&custody, tip.next_height());
        let newest = Newest {
            height: tip.height.unwrap_or_default(),
            tree_size: tip.frontier.size().get(),
            time_ms: tip.time_ms,
        };
        let (origin, genesis) = (consortium.origin.clone(), consortium.genesis);
        let member = config.member.clone();
        let reader = store.reader();
        let ledger = Arc::new(Ledger::new(origin, genesis, member, custody, graph, reader, newest));
        ledger.metrics.integrated_entries.set(newest.tree_size);
        let evidence = config.data.join("evidence");
        ledger.faults.open(&evidence).map_err(|source| NodeError::Evidence { path: evidence, source })?;
        let store = Arc::new(Mutex::new(store));
        let pool = Arc::new(Pool::default());
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
        };
        let (ledger_of_sequencer, store_of_sequencer) = (Arc::clone(&ledger), Arc::clone(&store));
        let pool_of_sequencer = Arc::clone(&pool);
        let sequencer = Sequencer::new(
            settings,
            ledger_of_sequencer,
            store_of_sequencer,
            pool_of_sequencer,
            tip,
            validators,
        );
        let mut engine_config =
            EngineConfig::new(&consortium.origin, &config.member, keys.consensus, config.data.join("wal"));
        engine_config.stop_wait = config.stop / 2;
        let (transport, neighbours) = link(
            &config,
            neighbours::join(&config, &consortium, &keys, &ledger)?,
            peer_listener,
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
            tokio::spawn(Port::new(member_listener, tls, Arc::clone(&open)).serve(router, ending.clone())),
            tokio::spawn(Port::new(admin_listener, None, Arc::default()).serve(admin_router, ending.clone())),
        ];
        let helpers = vec![
            tokio::spawn(report_health(ledger.health.clone(), health_reporter)),
            tokio::spawn(watch_for_stalls(engine.clone(), ledger.health.clone(), config.stall)),
            tokio::spawn(watch_publication(Arc::clone(&ledger), config.publish)),
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

/// What a node is made of while it runs.
struct Running {
    ledger: Arc<Ledger>,
    admission: Arc<Admission>,
    store: Arc<Mutex<ore_store::Store>>,
    engine: Engine,
    ordering: Ordering,
    publisher: Arc<Publisher>,
    publishing: JoinHandle<Result<(), PublishError>>,
    servers: Vec<JoinHandle<()>>,
    helpers: Vec<JoinHandle<()>>,
    verifiers: Vec<thread::JoinHandle<()>>,
    neighbours: Neighbours,
    ending: Shutdown,
    pool_records: usize,
    stop: Duration,
}

/// The links while they run; they end when this is dropped.
#[derive(Default)]
struct Neighbours {
    links: Option<Links>,
    tasks: Vec<JoinHandle<()>>,
    _stop: Option<DropGuard>,
}

impl Drop for Neighbours {
    fn drop(&mut self) {
        self.tasks.iter().for_each(JoinHandle::abort);
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

type Ordering = oneshot::Receiver<Result<Sequencer, EngineError>>;

impl Running {
    async fn supervise(mut self, shutdown: Shutdown) -> Result<(), NodeError> {
        let failure = tokio::select! {
            () = shutdown.asked() => None,
            ended = &mut self.ordering => Some(match ended {
                Ok(Err(error)) => NodeError::Engine(error),
                Ok(Ok(_)) | Err(_) => NodeError::EngineGone,
            }),
            published = &mut self.publishing => match published {
                Ok(Err(error)) => Some(NodeError::Publish(error)),
                Ok(Ok(())) | Err(_) => Some(NodeError::EngineGone),
            },
        };
        if let Some(failure) = &failure {
            tracing::error!(error = %crate::sequencer::chain(failure), "node cannot go on");
        }
        let limit = self.stop;
        let stopped = tokio::time::timeout(limit, self.stop(failure.is_none()));
        let stopped = stopped.await.unwrap_or(Err(NodeError::StopTimeout(limit)));
        failure.map_or(stopped, Err)
    }

    /// Refuse, drain, publish, stop serving, stop ordering, close.
    async fn stop(self, in_order: bool) -> Result<(), NodeError> {
        tracing::info!("node is stopping");
        self.ledger.health.set(Condition::Stopping, "the node is shutting down");
        if in_order {
            // What was taken is answered: all room has been given back. Bounded by the caller.
            let _ = tokio::time::timeout(self.stop / 3, self.admission.drained(self.pool_records)).await;
        }
        self.admission.close();
        self.engine.shutdown().await;
        if in_order {
            // The engine's end gives the sequencer back, and with it the state.
            let _ = self.ordering.await;
            let publisher = Arc::clone(&self.publisher);
            let _ = tokio::task::spawn_blocking(move || publisher.publish_the_rest()).await;
        }
        drop(self.neighbours);
        self.ending.stop();
        for mut server in self.servers {
            // A caller that does not hang up is cut off.
            if tokio::time::timeout(self.stop / 4, &mut server).await.is_err() {
                server.abort();
            }
        }
        self.helpers.iter().for_each(JoinHandle::abort);
        if !self.publishing.is_finished() {
            // It ends by itself when the node is stopping, with whatever it is signing.
            let _ = self.publishing.await;
        }
        drop(self.publisher);
        let (store, ledger, verifiers) = (self.store, self.ledger, self.verifiers);
        let closed = tokio::task::spawn_blocking(move || {
            for verifier in verifiers {
                let _ = verifier.join();
            }
            match Arc::try_unwrap(store).map(Mutex::into_inner) {
                Ok(Ok(store)) => match store.close(&ledger.graph()) {
                    // After a full disk, say: the log has everything, and the next start makes the view again.
                    Err(StoreError::View { why }) => {
                        tracing::warn!(%why, "the view lags behind the log; the next start catches up");
                        Ok(())
                    }
                    closed => closed.map_err(NodeError::Close),
                },
                // Somebody still holds it, or panicked holding it: the log has everything.
                _ => {
                    tracing::warn!("the store is still in use and was not closed in order");
                    Ok(())
                }
            }
        });
        let closed = closed.await.unwrap_or(Ok(()));
        tracing::info!("node stopped");
        closed
    }
}

fn check_keys(member: &str, consortium: &Consortium, keys: &NodeKeys) -> Result<(), NodeError> {
    let Some(trusted) = consortium.validators.iter().find(|validator| validator.member == member) else {
        tracing::warn!(member, "the trust root does not name this member among the validators");
        return Ok(());
    };
    let ours = keys.validator(member, "");
    let Ok(ours_tls) = <[u8; 32]>::try_from(ours.tls_key.as_slice()) else { return Ok(()) };
    let pairs = [
        ("consensus", &ours.consensus_key, &trusted.consensus_key),
        ("log", &ours.log_key, &trusted.log_key),
        ("cosigner", &ours.cosigner_key, &trusted.cosigner_key),
        ("tls", &ours.tls_key, trusted.tls_key.as_ref().unwrap_or(&ours_tls)),
    ];
    match pairs.iter().find(|(_, ours, trusted)| ours[..] != trusted[..]) {
        Some((what, ..)) => Err(NodeError::OtherKey { what, member: member.to_owned() }),
        None => Ok(()),
    }
}

/// This node as a witness for other ledgers, if it is told to be one.
fn witness(
    config: &Config,
    consortium: &Consortium,
    keys: &NodeKeys,
    ledger: &Arc<Ledger>,
) -> Result<Option<Arc<Witness>>, NodeError> {
    let Some(policy) = &config.witness_logs else { return Ok(None) };
    let name = cosigner_name(&consortium.origin, &config.member);
    let name = KeyName::new(&name).map_err(|error| ConsortiumError::Policy(error.to_string()))?;
    let cosigner = Cosigner::new(name, &keys.cosigner);
    let (folder, faults) = (config.data.join("witness"), Arc::clone(&ledger.faults));
    let witness = Witness::open(policy, &folder, &consortium.origin, cosigner, faults)?;
    Ok(Some(Arc::new(witness)))
}

fn log_signer(consortium: &Consortium, keys: &NodeKeys) -> Result<NoteSigner, NodeError> {
    let name =
        KeyName::new(&consortium.origin).map_err(|error| ConsortiumError::Policy(error.to_string()))?;
    Ok(NoteSigner::new(name, &keys.log))
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

/// gRPC, tiles and JSON on one port.
fn member_router<H>(
    api: &Arc<Api>,
    health: tonic_health::pb::health_server::HealthServer<H>,
    access: Arc<Access>,
) -> Result<Router, NodeError>
where
    H: tonic_health::pb::health_server::Health,
{
    let reflection = tonic_reflection::server::Builder::configure()
        .register_encoded_file_descriptor_set(ore_wire::DESCRIPTORS)
        .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
        .build_v1()
        .map_err(|error| NodeError::Reflection(error.to_string()))?;
    let (most_in, most_out) = (ore_wire::MAX_REQUEST_BYTES, ore_wire::MAX_RESPONSE_BYTES);
    let submission = SubmissionServiceServer::new(submission::Submission(Arc::clone(api)));
    let lots = LotServiceServer::new(lot::Lots(Arc::clone(api)));
    let provenance = ProvenanceServiceServer::new(provenance::Provenance(Arc::clone(api)));
    let audit = AuditServiceServer::new(audit::Audit(Arc::clone(api)));
    let origin = FingerprintServiceServer::new(fingerprint::Fingerprint(Arc::clone(api)));
    let log = LogServiceServer::new(log::Log(Arc::clone(api)));
    let consortium = ConsortiumServiceServer::new(consortium::Consortium(Arc::clone(api)));
    let routes =
        Routes::new(submission.max_decoding_message_size(most_in).max_encoding_message_size(most_out))
            .add_service(lots.max_decoding_message_size(most_in).max_encoding_message_size(most_out))
            .add_service(provenance.max_decoding_message_size(most_in).max_encoding_message_size(most_out))
            .add_service(audit.max_decoding_message_size(most_in).max_encoding_message_size(most_out))
            .add_service(origin.max_decoding_message_size(most_in).max_encoding_message_size(most_out))
            .add_service(log.max_decoding_message_size(most_in).max_encoding_message_size(most_out))
            .add_service(consortium.max_decoding_message_size(most_in).max_encoding_message_size(most_out))
            .add_service(health)
            .add_service(reflection);
    let router = routes.prepare().into_axum_router().merge(http::routes(Arc::clone(api)));
    // The access layer answers what no route does: who is refused learns nothing about what exists.
    let router = router.fallback(async || StatusCode::NOT_FOUND);
    Ok(router.layer(middleware::from_fn_with_state(access, access::check)))
}

/// Tells the standard health service what the node's own condition is.
async fn report_health(health: Arc<Health>, reporter: tonic_health::server::HealthReporter) {
    const READS: [&str; 6] = [
        "oreledger.v1.LotService",
        "oreledger.v1.ProvenanceService",
        "oreledger.v1.AuditService",
        "oreledger.v1.FingerprintService",
        "oreledger.v1.LogService",
        "oreledger.v1.ConsortiumService",
    ];
    let mut changes = health.watch();
    // Until the node is gone.
    loop {
        changes.mark_unchanged();
        let condition = health.condition();
        let serving = |serves| if serves { ServingStatus::Serving } else { ServingStatus::NotServing };
        let (writes, reads) = (condition == Condition::Serving, condition != Condition::Stopping);
        for name in READS {
            reporter.set_service_status(name, serving(reads)).await;
        }
        reporter.set_service_status("oreledger.v1.SubmissionService", serving(writes)).await;
        reporter.set_service_status("", serving(writes)).await;
        if changes.changed().await.is_err() {
            return;
        }
    }
}

/// Says when what is durable is not published in time, and measures how long it takes.
async fn watch_publication(ledger: Arc<Ledger>, promised: Duration) {
    let (mut newest, mut published) = (ledger.newest.subscribe(), ledger.published.subscribe());
    // One turn a time that something is durable and not published yet.
    loop {
        let behind = |newest: &Newest| newest.tree_size > ledger.published.borrow().tree_size;
        let Ok(size) = newest.wait_for(behind).await.map(|newest| newest.tree_size) else { return };
        let begin = Instant::now();
        let covered = |published: &Published| published.tree_size >= size;
        if tokio::time::timeout(promised, published.wait_for(covered)).await.is_err() {
            tracing::warn!(size, "not published within the promised time");
            ledger.health.set_unpublished(true);
            if published.wait_for(covered).await.is_err() {
                return;
            }
            tracing::info!(size, "published again");
            ledger.health.set_unpublished(false);
        }
        ledger.metrics.publication.observe(begin.elapsed());
    }
}

/// Says when a height does not advance; the sequencer takes it back with the next block.
async fn watch_for_stalls(engine: Engine, health: Arc<Health>, limit: Duration) {
    // One report a stall, then a pause of the same length.
    loop {
        let stall = engine.stalled(limit).await;
        let full = health.condition() == Condition::DiskFull;
        match &stall {
            Stall::NoProgress { .. } if full => {}
            stall => {
                tracing::error!(%stall, "ledger does not advance");
                health.set(Condition::Stalled, &stall.to_string());
            }
        }
        if matches!(stall, Stall::Failed(_)) {
            return;
        }
        tokio::time::sleep(limit).await;
    }
}
