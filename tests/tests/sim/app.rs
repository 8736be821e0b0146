//! The node's own sequencer, watched: what it commits is noted, a slow disk takes virtual time, and a planted
//! bug sits where a real one would.

use std::{
    path::Path,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use ore_consensus::{
    Application, Candidate, Certificate, DecidedBlock, Fatal, InvalidBlock, LogDevice, Misbehaviour,
    ProposedBlock, ValidatorEntry,
};
use ore_node::{block, sequencer::Sequencer};
use ore_record::rules::Rules;

use crate::plan::Planted;

/// The disk of one process, as slow as the simulation wants.
#[derive(Debug, Default)]
pub(crate) struct SlowDisk {
    takes_ms: AtomicU64,
    /// What a power cut leaves of the write-ahead log.
    durable: Mutex<Vec<u8>>,
}

impl SlowDisk {
    pub(crate) fn set(&self, takes_ms: u64) {
        self.takes_ms.store(takes_ms, Ordering::Relaxed);
    }

    fn takes(&self) -> Duration {
        Duration::from_micros(200 + 1000 * self.takes_ms.load(Ordering::Relaxed))
    }

    /// Takes away from the log what was never flushed.
    pub(crate) fn cut_power(&self, wal: &Path) {
        let Ok(length) = std::fs::metadata(wal).map(|about| about.len() as usize) else { return };
        let mut left = self.durable.lock().expect("nothing panics there").clone();
        left.resize(length.max(left.len()), 0);
        std::fs::write(wal, left).expect("the log can be written");
    }
}

impl LogDevice for SlowDisk {
    fn flush_takes(&self) -> Duration {
        self.takes()
    }

    fn flushed(&self, file: &Path, bytes: u64) {
        let mut all = vec![0; bytes as usize];
        let log = std::fs::File::open(file).expect("the log can be read");
        std::os::unix::fs::FileExt::read_exact_at(&log, &mut all, 0).expect("as long as it says");
        *self.durable.lock().expect("nothing panics there") = all;
    }
}

/// What one process did, over all its lives.
#[derive(Debug, Default)]
pub(crate) struct Journal {
    /// Height and id of each block that it made durable.
    pub(crate) committed: Vec<(u64, [u8; 32])>,
    /// Members that its engine caught signing twice.
    pub(crate) accused: Vec<String>,
    /// Why it ended by itself.
    pub(crate) failures: Vec<String>,
    /// Checkpoints that it published, the same text once.
    pub(crate) notes: Vec<Arc<str>>,
    /// Blocks that it voted against.
    pub(crate) refused: u64,
}

/// The sequencer behind the engine's trait, with eyes on it.
pub(crate) struct Watched {
    pub(crate) inner: Sequencer,
    pub(crate) journal: Arc<Mutex<Journal>>,
    pub(crate) disk: Arc<SlowDisk>,
    /// In this process; nothing in most.
    pub(crate) planted: Planted,
}

impl Watched {
    fn journal(&self) -> std::sync::MutexGuard<'_, Journal> {
        self.journal.lock().expect("nothing panics there")
    }
}

#[async_trait::async_trait]
impl Application for Watched {
    fn last_committed(&self) -> Option<u64> {
        self.inner.last_committed()
    }

    fn validators(&self, height: u64) -> Vec<ValidatorEntry> {
        self.inner.validators(height)
    }

    fn proposers(&self, height: u64) -> Vec<String> {
        self.inner.proposers(height)
    }

    fn rules(&self, height: u64) -> Rules {
        self.inner.rules(height)
    }

    async fn wait_for_work(&mut self, height: u64) {
        self.inner.wait_for_work(height).await;
    }

    async fn while_deciding(&mut self, height: u64) {
        self.inner.while_deciding(height).await;
    }

    async fn propose(&mut self, height: u64, round: u32) -> Result<ProposedBlock, Fatal> {
        self.inner.propose(height, round).await
    }

    async fn check(&mut self, candidate: Candidate) -> Result<[u8; 32], InvalidBlock> {
        if self.planted == Planted::UncheckedBlocks
            && let Ok(parts) = block::decode(&candidate.block, block::MAX_BLOCK_BYTES)
        {
            return Ok(parts.id);
        }
        let checked = self.inner.check(candidate).await;
        self.journal().refused += u64::from(checked.is_err());
        checked
    }

    async fn commit(&mut self, mut decided: DecidedBlock) -> Result<(), Fatal> {
        tokio::time::sleep(self.disk.takes()).await;
        if self.planted == Planted::SwappedSignatures {
            let signatures = &mut decided.certificate.signatures;
            let first = signatures[0].signature;
            signatures[0].signature = std::mem::replace(&mut signatures[1].signature, first);
        }
        if self.planted == Planted::OtherBlock && decided.height >= 3 {
            // Its own instead of another's.
            let own = self.inner.propose(decided.height, decided.round).await?;
            decided = DecidedBlock { id: own.id, block: own.block, ..decided };
        }
        let (height, id) = (decided.height, decided.id);
        self.inner.commit(decided).await?;
        self.journal().committed.push((height, id));
        Ok(())
    }

    async fn decided(&mut self, height: u64) -> Option<(Bytes, Certificate)> {
        self.inner.decided(height).await
    }

    fn misbehaviour(&mut self, evidence: Misbehaviour) {
        self.journal().accused.push(evidence.member.clone());
        self.inner.misbehaviour(evidence);
    }
}
