//! Callers of four nodes: each record goes to any of them, and to another when no answer comes.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use ore_record::{RecordId, SignedRecord};
use ore_wire::{
    status::Refusal,
    v1::{SubmitRequest, submission_service_client::SubmissionServiceClient},
};
use tokio::task::JoinSet;
use tonic::transport::{Channel, Endpoint};

use crate::{four::Four, process::NodeProcess};

const CALLERS: u64 = 12;
/// How long an answer may take before another node is asked.
const PATIENCE: Duration = Duration::from_secs(3);

/// What the callers know together.
pub(crate) struct Callers {
    four: Arc<Four>,
    doors: Mutex<Vec<Option<Channel>>>,
    /// Every acknowledged record by its leaf.
    acks: Mutex<HashMap<u64, SignedRecord>>,
    leaves: Mutex<HashMap<RecordId, u64>>,
    pub(crate) retries: AtomicU64,
    paused: AtomicBool,
    turn: AtomicU64,
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Callers {
    pub(crate) fn new(four: &Arc<Four>) -> Arc<Self> {
        Arc::new(Self {
            four: Arc::clone(four),
            doors: Mutex::new(vec![None; 4]),
            acks: Mutex::default(),
            leaves: Mutex::default(),
            retries: AtomicU64::new(0),
            paused: AtomicBool::new(false),
            turn: AtomicU64::new(0),
        })
    }

    /// Tells where a node serves now.
    pub(crate) fn learn(&self, n: usize, node: &NodeProcess) {
        let endpoint = Endpoint::from_shared(node.url()).expect("an address").connect_timeout(PATIENCE);
        locked(&self.doors)[n] = Some(endpoint.connect_lazy());
    }

    pub(crate) fn acknowledged(&self) -> usize {
        locked(&self.acks).len()
    }

    pub(crate) fn acks(&self) -> HashMap<u64, SignedRecord> {
        locked(&self.acks).clone()
    }

    pub(crate) fn start(self: &Arc<Self>) -> JoinSet<()> {
        let mut callers = JoinSet::new();
        for _ in 0..CALLERS {
            callers.spawn(Arc::clone(self).call());
        }
        callers
    }

    /// Each caller ends with the answer to the record that it has in hand.
    pub(crate) async fn end(&self, mut callers: JoinSet<()>) {
        self.paused.store(true, Ordering::Relaxed);
        while let Some(ended) = callers.join_next().await {
            if let Err(error) = ended {
                std::panic::resume_unwind(error.into_panic());
            }
        }
    }

    async fn call(self: Arc<Self>) {
        while !self.paused.load(Ordering::Relaxed) {
            let record = self.four.commission();
            self.until_answered(&record).await;
        }
    }

    /// A minute at most after the last fault; a good record is never refused.
    pub(crate) async fn until_answered(&self, record: &SignedRecord) {
        // Ends with an answer; the test's own limit ends it otherwise.
        loop {
            let turn = self.turn.fetch_add(1, Ordering::Relaxed);
            let door = locked(&self.doors)[turn as usize % 4].clone();
            if let Some(door) = door {
                let request = SubmitRequest { entry: record.entry().into(), wait: 0, promise: false };
                let mut client = SubmissionServiceClient::new(door);
                match tokio::time::timeout(PATIENCE, client.submit(request)).await {
                    Ok(Ok(answer)) => {
                        let place = answer.into_inner().place.expect("a place");
                        return self.note(record, place.leaf_index);
                    }
                    Ok(Err(status)) => {
                        let refusal = ore_wire::status::refusal(&status);
                        let is_final = matches!(refusal, Refusal::Rejected(_) | Refusal::Malformed(_));
                        assert!(!is_final, "a good record was refused: {refusal:?}");
                    }
                    Err(_) => {}
                }
            }
            self.retries.fetch_add(1, Ordering::Relaxed);
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    fn note(&self, record: &SignedRecord, leaf: u64) {
        let id = record.id();
        if let Some(before) = locked(&self.leaves).insert(id, leaf) {
            assert_eq!(before, leaf, "record {id} was acknowledged at two leaves");
        }
        if let Some(other) = locked(&self.acks).insert(leaf, record.clone()) {
            assert_eq!(other.id(), id, "leaf {leaf} was acknowledged for two records");
        }
    }
}
