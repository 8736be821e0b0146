//! A toy ledger: a block names its height, its predecessor and a payload; the disk is a shared map that
//! outlives the engine.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use ed25519_dalek::SigningKey;
use ore_consensus::{
    Application, Candidate, Certificate, DecidedBlock, Driver, Engine, EngineConfig, EngineError,
    EngineState, Fatal, InvalidBlock, Misbehaviour, ProposedBlock, Standing, Transport, ValidatorEntry,
};
use ore_record::rules::Rules;
use sha2::{Digest, Sha256};
use tokio::sync::watch;
use tokio::task::JoinHandle;

pub(crate) const ORIGIN: &str = "ledger.example/tantalum";
/// Longest that a test waits for a condition.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// What survives a crash.
#[derive(Default)]
pub(crate) struct Disk {
    pub(crate) blocks: Mutex<BTreeMap<u64, (Bytes, Certificate)>>,
    pub(crate) proposals: Mutex<Vec<(u64, u32, [u8; 32])>>,
    pub(crate) checks: Mutex<Vec<(u64, Standing)>>,
    pub(crate) evidence: Mutex<Vec<Misbehaviour>>,
    /// The disk is full.
    pub(crate) full: AtomicBool,
}

impl Disk {
    pub(crate) fn tip(&self) -> u64 {
        self.blocks.lock().unwrap().last_key_value().map_or(0, |(height, _)| *height)
    }

    pub(crate) fn ids(&self) -> Vec<[u8; 32]> {
        self.blocks.lock().unwrap().values().map(|(block, _)| id_of(block)).collect()
    }
}

pub(crate) struct Toy {
    pub(crate) disk: Arc<Disk>,
    pub(crate) validators: Arc<dyn Fn(u64) -> Vec<ValidatorEntry> + Send + Sync>,
    /// Bytes of each block.
    pub(crate) size: usize,
    /// Height up to which there is work.
    pub(crate) work_until: watch::Receiver<u64>,
    /// Distinguishes blocks built by different processes.
    pub(crate) salt: u64,
    /// Every new proposal of this height is out of turn for this member.
    pub(crate) ignores: Option<u64>,
}

pub(crate) fn id_of(block: &[u8]) -> [u8; 32] {
    Sha256::digest(block).into()
}

#[async_trait::async_trait]
impl Application for Toy {
    fn last_committed(&self) -> Option<u64> {
        Some(self.disk.tip()).filter(|tip| *tip > 0)
    }

    fn validators(&self, height: u64) -> Vec<ValidatorEntry> {
        (self.validators)(height)
    }

    fn rules(&self, _height: u64) -> Rules {
        Rules::NEWEST
    }

    async fn wait_for_work(&mut self, height: u64) {
        if self.work_until.wait_for(|until| *until >= height).await.is_err() {
            std::future::pending::<()>().await;
        }
    }

    async fn propose(&mut self, height: u64, round: u32) -> Result<ProposedBlock, Fatal> {
        let mut block = format!("{height} {round} {} ", self.salt).into_bytes();
        block.resize(block.len().max(self.size), b'.');
        let id = id_of(&block);
        self.disk.proposals.lock().unwrap().push((height, round, id));
        Ok(ProposedBlock { block: block.into(), id })
    }

    async fn check(&mut self, candidate: Candidate) -> Result<[u8; 32], InvalidBlock> {
        self.disk.checks.lock().unwrap().push((candidate.height, candidate.standing));
        // Whoever proposes a block again need not have been among those whose turn it was when it was first proposed.
        assert!(!candidate.turns.is_empty());
        if self.ignores == Some(candidate.height) && candidate.standing == Standing::Fresh {
            return Err(InvalidBlock::out_of_turn("somebody"));
        }
        if candidate.block.starts_with(format!("{} ", candidate.height).as_bytes()) {
            Ok(id_of(&candidate.block))
        } else {
            Err(InvalidBlock::new("names another height"))
        }
    }

    async fn commit(&mut self, decided: DecidedBlock) -> Result<(), Fatal> {
        assert_eq!(id_of(&decided.block), decided.id);
        assert_eq!(decided.height, self.disk.tip() + 1, "heights come in order, each once");
        if self.disk.full.load(Ordering::SeqCst) {
            return Err(Fatal::new("no space left on device"));
        }
        let validators = (self.validators)(decided.height);
        decided
            .certificate
            .verify_block(ORIGIN, &validators, decided.height, &decided.id)
            .map_err(|fault| Fatal::new(fault.to_string()))?;
        self.disk.blocks.lock().unwrap().insert(decided.height, (decided.block, decided.certificate));
        Ok(())
    }

    async fn decided(&mut self, height: u64) -> Option<(Bytes, Certificate)> {
        self.disk.blocks.lock().unwrap().get(&height).cloned()
    }

    fn misbehaviour(&mut self, evidence: Misbehaviour) {
        self.disk.evidence.lock().unwrap().push(evidence);
    }
}

pub(crate) fn seed(member: &str) -> [u8; 32] {
    Sha256::digest(member.as_bytes()).into()
}

pub(crate) fn entry(member: &str) -> ValidatorEntry {
    ValidatorEntry {
        member: member.to_owned(),
        public_key: SigningKey::from_bytes(&seed(member)).verifying_key().to_bytes(),
        power: 1,
    }
}

/// One member's process.
pub(crate) struct Node {
    pub(crate) engine: Engine,
    pub(crate) driver: JoinHandle<Result<Toy, EngineError>>,
}

pub(crate) struct Setup {
    pub(crate) members: Vec<String>,
    /// Up to this height the first member decides alone.
    pub(crate) alone_until: u64,
    pub(crate) size: usize,
    pub(crate) work_until: watch::Receiver<u64>,
    pub(crate) salt: u64,
    pub(crate) ignores: Option<u64>,
}

impl Setup {
    pub(crate) fn toy(&self, disk: &Arc<Disk>) -> Toy {
        let entries: Vec<_> = self.members.iter().map(|member| entry(member)).collect();
        let alone_until = self.alone_until;
        let set = move |height| if height <= alone_until { entries[..1].to_vec() } else { entries.clone() };
        Toy {
            disk: Arc::clone(disk),
            validators: Arc::new(set),
            size: self.size,
            work_until: self.work_until.clone(),
            salt: self.salt,
            ignores: self.ignores,
        }
    }
}

pub(crate) async fn start(
    member: &str,
    folder: &Path,
    toy: Toy,
    transport: Transport,
) -> Result<(Engine, Driver<Toy>), EngineError> {
    let config = EngineConfig::new(ORIGIN, member, seed(member), folder);
    Engine::start(config, toy, transport).await
}

/// Starts, waiting for a former self to let go of the log.
pub(crate) async fn spawn(
    member: &str,
    folder: &Path,
    setup: &Setup,
    disk: &Arc<Disk>,
    mut transport: impl FnMut() -> Transport,
) -> Node {
    let started = async {
        loop {
            match start(member, folder, setup.toy(disk), transport()).await {
                Ok(started) => return started,
                Err(EngineError::Wal(ore_consensus::WalError::InUse { .. })) => {
                    tokio::time::sleep(Duration::from_millis(5)).await;
                }
                Err(other) => panic!("{other}"),
            }
        }
    };
    let (engine, driver) = tokio::time::timeout(PATIENCE, started).await.expect("the log is let go");
    Node { engine, driver: tokio::spawn(driver.run()) }
}

/// Waits until this node has `height`, or says why it never will.
pub(crate) async fn reaches(node: &Node, height: u64) {
    let mut progress = node.engine.progress();
    let there = progress.wait_for(|now| {
        assert!(!matches!(now.state, EngineState::Failed(_)), "{now:?}");
        now.committed >= height
    });
    let outcome = tokio::time::timeout(PATIENCE, there).await;
    assert!(matches!(outcome, Ok(Ok(_))), "height {height}: {:?}", *node.engine.progress().borrow());
}

/// As a crash would: the driver's task ends between two instructions.
pub(crate) async fn kill(node: Node) {
    node.driver.abort();
    assert!(node.driver.await.is_err());
}
