//! What everybody in this process reads: the state after the newest block, the log, the newest checkpoint.
//!
//! While a block is under way the sequencer holds the custody lock, so that nobody reads what is not yet
//! decided and durable. The graph is read as of a tree size instead, so questions never see a block under way.

use std::{
    collections::BTreeMap,
    sync::{Arc, PoisonError, RwLock as StdRwLock, RwLockReadGuard},
};

use bytes::Bytes;
use ore_checkpoint::SignedCheckpoint;
use ore_custody::Custody;
use ore_provenance::Graph;
use ore_store::Reader;
use ore_wire::v1;
use tokio::sync::{RwLock, broadcast, watch};

use crate::{
    audit_index::AuditIndex,
    faults::Faults,
    health::Health,
    metrics::Metrics,
    neighbours::validators_known,
    terms::{Term, terms_of},
};

/// Blocks that a slow reader of the live feed may lag behind.
pub const WATCH_BLOCKS: usize = 1_024;

/// The newest durable block.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Newest {
    /// Its height.
    pub height: u64,
    /// Entries in the log with it.
    pub tree_size: u64,
    /// Its time, milliseconds since 1970.
    pub time_ms: u64,
}

/// The newest checkpoint that satisfies the policy.
#[derive(Clone, Debug, Default)]
pub struct Published {
    /// Entries that it covers; 0: none yet.
    pub tree_size: u64,
    /// The note as it is served.
    pub note: Arc<str>,
    /// The note, parsed.
    pub checkpoint: Option<Arc<SignedCheckpoint>>,
}

/// Who has cosigned what, as far as this node has seen.
#[derive(Clone, Debug, Default)]
pub struct Cosigners {
    /// Validators of the policy, with the largest size that each has cosigned; 0: none.
    pub newest: std::collections::BTreeMap<String, u64>,
    /// Why this node cosigns nothing now; empty: it does.
    pub waits: String,
}

/// The read side.
pub struct Ledger {
    /// Name of the ledger.
    pub origin: String,
    /// Id of the genesis block.
    pub genesis: [u8; 32],
    /// Member that runs this node.
    pub member: String,
    /// Custody after the newest block; see the module's promise.
    pub custody: Arc<RwLock<Custody>>,
    graph: StdRwLock<Graph>,
    /// What auditors ask, beside the graph.
    pub audit: AuditIndex,
    /// The log.
    pub reader: Reader,
    /// The newest block.
    pub newest: watch::Sender<Newest>,
    /// The newest checkpoint.
    pub published: watch::Sender<Published>,
    /// Validators in force and about to be.
    pub validators: watch::Sender<Arc<Vec<ore_record::v1::Validator>>>,
    /// Who vouches for which part of the log.
    pub terms: watch::Sender<Arc<Vec<Term>>>,
    /// Validators of the term whose checkpoints are published now: they are needed until they have handed over.
    pub vouching: watch::Sender<Arc<Vec<ore_record::v1::Validator>>>,
    /// What shows each change of the validators that is over, by the first height of the new set.
    pub handovers: watch::Sender<Arc<BTreeMap<u64, Bytes>>>,
    /// Blocks as they become durable.
    pub blocks: broadcast::Sender<v1::WatchResponse>,
    /// The node's condition.
    pub health: Arc<Health>,
    /// Counts.
    pub metrics: Arc<Metrics>,
    /// Who misbehaved, with the evidence.
    pub faults: Arc<Faults>,
    /// Who has cosigned what.
    pub cosigners: watch::Sender<Cosigners>,
}

impl Ledger {
    /// The read side of a recovered ledger.
    #[must_use]
    pub fn new(
        origin: String,
        genesis: [u8; 32],
        member: String,
        custody: Custody,
        graph: Graph,
        reader: Reader,
        newest: Newest,
    ) -> Self {
        let validators = validators_known(&custody, newest.height + 1);
        let terms = terms_of(&custody);
        Self {
            origin,
            genesis,
            member,
            validators: watch::Sender::new(Arc::new(validators)),
            terms: watch::Sender::new(Arc::new(terms)),
            vouching: watch::Sender::default(),
            handovers: watch::Sender::default(),
            custody: Arc::new(RwLock::new(custody)),
            graph: StdRwLock::new(graph),
            audit: AuditIndex::default(),
            reader,
            newest: watch::Sender::new(newest),
            published: watch::Sender::new(Published::default()),
            blocks: broadcast::Sender::new(WATCH_BLOCKS),
            health: Arc::default(),
            metrics: Arc::default(),
            faults: Arc::default(),
            cosigners: watch::Sender::default(),
        }
    }

    /// The graph, to ask as of a tree size that is durable.
    pub fn graph(&self) -> RwLockReadGuard<'_, Graph> {
        self.graph.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// The graph, for the sequencer alone.
    pub(crate) fn graph_mut(&self) -> std::sync::RwLockWriteGuard<'_, Graph> {
        self.graph.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// Entries that are durable.
    #[must_use]
    pub fn tree_size(&self) -> u64 {
        self.newest.borrow().tree_size
    }
}
