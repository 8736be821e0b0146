//! Assembles the engine from its parts and holds the handle to it.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use malachite::app::config::{ConsensusConfig, NodeConfig, ValueSyncConfig};
use malachite::app::engine::node::NodeRef;
use malachite::app::types::core::LinearTimeouts;
use malachite::{ConsensusContext, EngineBuilder, RequestContext, SyncContext};
use ractor::Actor;
use tokio::sync::{mpsc, watch};

use super::codec::SyncCodec;
use super::driver::{Driver, Parts};
use super::log::{Log, LogActor, Voice};
use super::peers::{NetworkActor, Peers};
use super::signing::{MemberSigner, MemberVerifier};
use super::vocabulary::{Address, Ledger};
use crate::application::{Application, Fatal};
use crate::device::LogDevice;
use crate::limits;
use crate::progress::{EngineState, Progress, Stall, stalled};
use crate::transport::Transport;
use crate::wal_file::{WalError, WalFile};

/// How the engine is to run.
#[derive(Clone, Debug)]
pub struct EngineConfig {
    /// The ledger's origin; part of everything that is signed.
    pub origin: String,
    /// This member's id.
    pub member: String,
    /// Seed of this member's Ed25519 consensus key. Whoever has it can vote in this member's name.
    pub seed: [u8; 32],
    /// Folder of the write-ahead log. To delete it, or to run from an older copy of it, risks a double vote.
    pub wal_dir: PathBuf,
    /// How long to wait for others.
    pub timeouts: Timeouts,
    /// How long to wait at start until more than two thirds of the power are connected.
    pub ready_wait: Duration,
    /// How often peers are told how far this node is; what a lagging node waits at most before it notices.
    pub status_interval: Duration,
    /// How long a stop may take before the engine's actors are killed.
    pub stop_wait: Duration,
    /// What stands under the write-ahead log; `None`: the disk that its folder is on.
    pub device: Option<Arc<dyn LogDevice>>,
}

impl EngineConfig {
    /// With timeouts for members on one continent.
    #[must_use]
    pub fn new(
        origin: impl Into<String>,
        member: impl Into<String>,
        seed: [u8; 32],
        wal_dir: impl Into<PathBuf>,
    ) -> Self {
        Self {
            origin: origin.into(),
            member: member.into(),
            seed,
            wal_dir: wal_dir.into(),
            timeouts: Timeouts::default(),
            ready_wait: Duration::from_secs(3),
            status_interval: Duration::from_millis(500),
            stop_wait: Duration::from_secs(5),
            device: None,
        }
    }

    /// The public half of the consensus key.
    #[must_use]
    pub fn public_key(&self) -> [u8; 32] {
        MemberSigner::new(Arc::from(""), &self.seed).public_key()
    }
}

/// How long a round waits for others; each grows by its half with every further round, up to 60 s.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timeouts {
    /// For the proposer's block. A dead proposer costs this much; a slower disk or line than this costs rounds.
    pub propose: Duration,
    /// For the last third of the prevotes.
    pub prevote: Duration,
    /// For the last third of the precommits.
    pub precommit: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            propose: Duration::from_secs(1),
            prevote: Duration::from_millis(500),
            precommit: Duration::from_millis(500),
        }
    }
}

impl Timeouts {
    pub(super) fn shared(self) -> LinearTimeouts {
        LinearTimeouts {
            propose: self.propose,
            propose_delta: self.propose / 2,
            prevote: self.prevote,
            prevote_delta: self.prevote / 2,
            precommit: self.precommit,
            precommit_delta: self.precommit / 2,
            rebroadcast: self.propose + self.prevote + self.precommit,
            max_timeout: Duration::from_secs(60),
        }
    }

    /// For a member that decides alone: there is nobody else whose turn could come, so a slow disk must not
    /// cost it a round.
    pub(super) fn alone() -> LinearTimeouts {
        let day = Duration::from_secs(24 * 3600);
        LinearTimeouts { propose: day, max_timeout: day, rebroadcast: day, ..LinearTimeouts::default() }
    }
}

/// Why the engine does not run; for the operator.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// A setting makes no sense.
    #[error("{0}")]
    Config(&'static str),
    /// The write-ahead log.
    #[error(transparent)]
    Wal(#[from] WalError),
    /// An entry of the write-ahead log whose checksum holds cannot be read by this version.
    #[error("the write-ahead log holds an entry that this version cannot read")]
    WalEntry,
    /// The validator set of a height cannot be used.
    #[error("the validator set of height {height} is empty, too large, or names a member twice")]
    UnusableSet {
        /// Which height.
        height: u64,
    },
    /// This member's key is not the one that the set has for it.
    #[error("{member} holds another consensus key than the validator set of height {height} has for it")]
    OtherKey {
        /// This member.
        member: String,
        /// Which height.
        height: u64,
    },
    /// The engine's actors did not start.
    #[error("start the ordering engine: {0}")]
    Start(String),
    /// The engine stopped by itself.
    #[error("the ordering engine stopped: {0}")]
    Stopped(String),
    /// The application cannot go on.
    #[error("the ledger cannot go on: {0}")]
    Application(#[from] Fatal),
}

/// Handle to a running engine; clones refer to the same.
#[derive(Clone, Debug)]
pub struct Engine {
    stop: watch::Sender<bool>,
    progress: watch::Receiver<Progress>,
    stop_wait: Duration,
}

impl Engine {
    /// Starts the engine's actors on the current tokio runtime. Nothing happens until the returned
    /// [`Driver`] runs; the caller spawns that.
    ///
    /// # Errors
    /// [`EngineError`]: bad settings, a write-ahead log that is in use or cannot be read, a key that is not
    /// the validator set's.
    pub async fn start<A: Application>(
        config: EngineConfig,
        app: A,
        transport: Transport,
    ) -> Result<(Self, Driver<A>), EngineError> {
        check(&config)?;
        let file = WalFile::open(&config.wal_dir)?;
        Self::start_on(file, config, app, transport).await
    }

    async fn start_on<A: Application>(
        file: WalFile,
        config: EngineConfig,
        app: A,
        transport: Transport,
    ) -> Result<(Self, Driver<A>), EngineError> {
        let voice = Arc::new(Voice::default());
        let log = Log::new(&config.member, file, Arc::clone(&voice), config.device.clone());
        let peers = Arc::new(Peers::new(transport.outbound, Arc::clone(&voice)));
        let signer = MemberSigner::new(Arc::from(config.origin.as_str()), &config.seed);
        let verifier = signer.verifier();
        let (actors, messages) = spawn(&config, &log, &peers, &signer, &verifier).await?;

        let (stop, stopped) = watch::channel(false);
        let committed = app.last_committed().unwrap_or(0);
        let (progress_sender, progress) = watch::channel(Progress {
            height: committed + 1,
            round: 0,
            committed,
            log_syncs: 0,
            state: EngineState::Starting,
            since: tokio::time::Instant::now().into_std(),
        });
        let stop_wait = config.stop_wait;
        let driver = Driver::new(Parts {
            config,
            app,
            log,
            voice,
            peers,
            signer,
            verifier,
            actors,
            messages,
            inbound: transport.inbound,
            stopped,
            progress: progress_sender,
        });
        Ok((Self { stop, progress, stop_wait }, driver))
    }

    /// Asks the driver to end and waits until it has, a little longer than `stop_wait` at most.
    pub async fn shutdown(&self) {
        let _ = self.stop.send(true);
        let mut progress = self.progress.clone();
        let ended =
            progress.wait_for(|now| matches!(now.state, EngineState::Stopped | EngineState::Failed(_)));
        // Too late, or the driver was dropped: nothing more can be done from here.
        let _ = tokio::time::timeout(self.stop_wait * 2, ended).await;
    }

    /// Where the engine is, now and whenever it changes.
    #[must_use]
    pub fn progress(&self) -> watch::Receiver<Progress> {
        self.progress.clone()
    }

    /// The watchdog: resolves when a height is not decided within `limit`, or the engine has failed. The engine
    /// hangs on purpose when its write-ahead log fails; this is how that is seen.
    pub async fn stalled(&self, limit: Duration) -> Stall {
        stalled(self.progress.clone(), limit).await
    }
}

fn check(config: &EngineConfig) -> Result<(), EngineError> {
    if config.origin.is_empty() || config.origin.len() > limits::NAME_BYTES {
        return Err(EngineError::Config("the origin is empty or longer than 255 bytes"));
    }
    if config.member.is_empty() || config.member.len() > limits::NAME_BYTES {
        return Err(EngineError::Config("the member id is empty or longer than 255 bytes"));
    }
    if config.status_interval.is_zero() || config.timeouts.propose.is_zero() {
        return Err(EngineError::Config("timeouts and the status interval must not be zero"));
    }
    Ok(())
}

/// The engine's actors; dropping this kills them, so that an engine never outlives its driver.
pub(super) struct Actors {
    node: NodeRef,
    handle: Option<tokio::task::JoinHandle<()>>,
}

impl Actors {
    /// Stops in order, kills after `wait`.
    pub(super) async fn stop(mut self, wait: Duration) {
        self.node.get_cell().stop_children_and_wait(None, Some(wait)).await;
        self.node.stop(None);
        if let Some(handle) = self.handle.take() {
            // Dropping `self` kills what is left.
            let _ = tokio::time::timeout(wait, handle).await;
        }
    }
}

impl Drop for Actors {
    fn drop(&mut self) {
        self.node.kill();
    }
}

pub(super) type Messages = mpsc::Receiver<malachite::AppMsg<Ledger>>;

async fn spawn(
    config: &EngineConfig,
    log: &Log,
    peers: &Arc<Peers>,
    signer: &MemberSigner,
    verifier: &MemberVerifier,
) -> Result<(Actors, Messages), EngineError> {
    let failed = |e: &dyn std::fmt::Display| EngineError::Start(e.to_string());
    let (network, _) = Actor::spawn(None, NetworkActor, Arc::clone(peers)).await.map_err(|e| failed(&e))?;
    let (wal, _) = Actor::spawn(None, LogActor, log.clone()).await.map_err(|e| failed(&e))?;
    // Bodies are published by the driver itself, so nobody listens to the engine's channel for them.
    let (unused, _) = mpsc::channel(1);
    let identity = Address::new(&config.member);
    let consensus =
        ConsensusContext::new_validator(identity, Box::new(verifier.clone()), Box::new(signer.clone()));
    let (channels, handle) = EngineBuilder::new(Ledger, Settings::new(config))
        .with_custom_wal(wal)
        .with_custom_network(network, unused)
        .with_default_sync(SyncContext::new(SyncCodec))
        .with_default_consensus(consensus)
        .with_default_request(RequestContext::new(1))
        .build()
        .await
        .map_err(|e| failed(&e))?;
    Ok((Actors { node: handle.actor, handle: Some(handle.handle) }, channels.consensus))
}

/// The engine's own settings, of which most concern parts that never start.
struct Settings {
    moniker: String,
    consensus: ConsensusConfig,
    sync: ValueSyncConfig,
}

impl Settings {
    fn new(config: &EngineConfig) -> Self {
        let sync = ValueSyncConfig {
            status_update_interval: config.status_interval,
            request_timeout: Duration::from_secs(5),
            parallel_requests: 4,
            batch_size: 16,
            // Its default of 10 MiB per response is a block less than `limits::RESPONSE_BYTES`.
            ..ValueSyncConfig::default()
        };
        Self { moniker: config.member.clone(), consensus: ConsensusConfig::default(), sync }
    }
}

impl NodeConfig for Settings {
    fn moniker(&self) -> &str {
        &self.moniker
    }

    fn consensus(&self) -> &ConsensusConfig {
        &self.consensus
    }

    fn consensus_mut(&mut self) -> &mut ConsensusConfig {
        &mut self.consensus
    }

    fn value_sync(&self) -> &ValueSyncConfig {
        &self.sync
    }

    fn value_sync_mut(&mut self) -> &mut ValueSyncConfig {
        &mut self.sync
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use bytes::Bytes;
    use ore_record::rules::Rules;

    use super::{Engine, EngineConfig, EngineError};
    use crate::application::{Application, Candidate, DecidedBlock, Fatal, InvalidBlock, ProposedBlock};
    use crate::certificate::{Certificate, ValidatorEntry};
    use crate::progress::Stall;
    use crate::transport::Transport;
    use crate::wal_file::WalFile;

    /// One of two members, with a block for every round.
    struct OneOfTwo(Vec<ValidatorEntry>);

    #[async_trait::async_trait]
    impl Application for OneOfTwo {
        fn last_committed(&self) -> Option<u64> {
            None
        }

        fn validators(&self, _: u64) -> Vec<ValidatorEntry> {
            self.0.clone()
        }

        fn rules(&self, _: u64) -> Rules {
            Rules::V1
        }

        async fn wait_for_work(&mut self, _: u64) {}

        async fn propose(&mut self, _: u64, _: u32) -> Result<ProposedBlock, Fatal> {
            Ok(ProposedBlock { block: Bytes::from_static(b"block"), id: [1; 32] })
        }

        async fn check(&mut self, _: Candidate) -> Result<[u8; 32], InvalidBlock> {
            Ok([1; 32])
        }

        async fn commit(&mut self, _: DecidedBlock) -> Result<(), Fatal> {
            Err(Fatal::new("one of two decided"))
        }

        async fn decided(&mut self, _: u64) -> Option<(Bytes, Certificate)> {
            None
        }
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_log_that_fails_ends_the_engine_and_the_watchdog_says_why() {
        let folder = tempfile::tempdir().unwrap();
        let mut config = EngineConfig::new("o", "a", [1; 32], folder.path());
        config.ready_wait = Duration::ZERO;
        config.timeouts.propose = Duration::from_millis(50);
        let ours = ValidatorEntry { member: "a".into(), public_key: config.public_key(), power: 1 };
        let other = ValidatorEntry { member: "b".into(), ..ours.clone() };
        drop(WalFile::open(folder.path()).unwrap());
        let file = WalFile::read_only(folder.path());
        let app = OneOfTwo(vec![ours, other]);
        let (engine, driver) = Engine::start_on(file, config, app, Transport::lone()).await.unwrap();
        let running = tokio::spawn(driver.run());
        let stall = engine.stalled(Duration::from_secs(30)).await;
        let Stall::Failed(reason) = stall else { panic!("{stall}") };
        assert!(reason.contains("append to the write-ahead log"), "{reason}");
        let error = running.await.unwrap().err();
        assert!(matches!(error, Some(EngineError::Wal(_) | EngineError::Stopped(_))), "{error:?}");
    }
}
