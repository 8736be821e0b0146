//! The sequencer: the single writer. It gives records their leaves, and acknowledges nothing that is not durable.
//!
//! A block holds whatever waits when the one before is on the disk: grouped by arrival, not by timer.
//! It is built while the state is locked, so nobody reads what is not decided; signatures of the next
//! block are checked meanwhile. A refused record takes no leaf, and its author is told.

mod answering;
mod durable;

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use async_trait::async_trait;
use bytes::Bytes;
use ore_consensus::{
    Application, Candidate, Certificate, DecidedBlock, Fatal, InvalidBlock, Misbehaviour, ProposedBlock,
    Standing, ValidatorEntry,
};
use ore_custody::Custody;
use ore_record::{RecordId, VerifiedRecord, rules::Rules};
use ore_store::Store;
use tokio::{sync::OwnedRwLockWriteGuard, time::Instant};

use crate::{
    block::{self, BLOCK_RESERVE_BYTES, BlockParts, MAX_BLOCK_BYTES},
    deciders::Deciders,
    draft::{self, Draft, NotAdded, Sealed, Tip},
    faults,
    ledger::Ledger,
    outcome::{Outcome, Place},
    pool::{Batch, Checked, Missing, Pool},
};

/// How far a fresh block's time may be ahead of our clock: as A3 allows an event's.
const CLOCK_AHEAD: Duration = Duration::from_secs(300);
/// So few waiting records are judged before a height begins, lest it end in an empty block.
const FEW: usize = 256;
/// After so many blocks with room that left a record out, this node judges it.
const PASSED_OVER: u32 = 2;
/// How often a node without a vote judges what its members wait for.
const OBSERVER_PAUSE: Duration = Duration::from_millis(250);
/// How long readers wait for a block under way before it is taken back and applied again later.
const LONGEST_HOLD: Duration = Duration::from_millis(100);

/// Where a node takes the time of its blocks from.
#[derive(Clone)]
pub struct Clock(Arc<dyn Fn() -> u64 + Send + Sync>);

impl Clock {
    /// The operating system's.
    #[must_use]
    pub fn system() -> Self {
        Self(Arc::new(now_ms))
    }

    /// Another one, in milliseconds since 1970; for simulations.
    #[must_use]
    pub fn of(now_ms: impl Fn() -> u64 + Send + Sync + 'static) -> Self {
        Self(Arc::new(now_ms))
    }

    /// Milliseconds since 1970.
    #[must_use]
    pub fn now_ms(&self) -> u64 {
        (self.0)()
    }
}

impl std::fmt::Debug for Clock {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Clock({} ms)", self.now_ms())
    }
}

/// What the sequencer is told once.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Member that runs this node.
    pub member: String,
    /// Most records in a block.
    pub block_records: usize,
    /// An empty block after this long without records.
    pub heartbeat: Duration,
    /// Times of blocks.
    pub clock: Clock,
    /// Newest rules that this node follows.
    pub newest_rules: Rules,
}

/// The single writer.
pub struct Sequencer {
    settings: Settings,
    ledger: Arc<Ledger>,
    store: Arc<Mutex<Store>>,
    pool: Arc<Pool>,
    tip: Tip,
    deciders: Deciders,
    /// Of the next height.
    rules: Rules,
    underway: Option<Underway>,
    last_block: Instant,
    /// Places of the validator sets that were told last.
    told_validators: [Option<u32>; 2],
    /// Tree size after a height: a resubmission asks for the same few again and again.
    known_size: (u64, u64),
}

/// A block that is applied and not yet durable.
struct Underway {
    state: OwnedRwLockWriteGuard<Custody>,
    sealed: Sealed,
    bytes: Bytes,
    waiting: Vec<Waiting>,
    since: Instant,
}

/// Who waits for this block, and what becomes of their records if it is decided.
struct Waiting {
    batch: Batch,
    verdicts: Vec<Verdict>,
}

enum Verdict {
    /// Its leaf in this block.
    Leaf(u64, RecordId),
    /// A leaf of this block that it got a moment ago.
    Again(u64, RecordId),
    /// Anything that does not depend on this block.
    Known(Outcome),
    /// It builds on a record that may still be on its way.
    Lacks(Box<Missing>),
}

impl Sequencer {
    /// Takes over a recovered ledger, whose newest block is `tip`.
    pub fn new(
        settings: Settings,
        ledger: Arc<Ledger>,
        store: Arc<Mutex<Store>>,
        pool: Arc<Pool>,
        tip: Tip,
        (deciders, rules): (Deciders, Rules),
    ) -> Self {
        let last_block = Instant::now();
        let known_size = (u64::MAX, 0);
        Self {
            settings,
            ledger,
            store,
            pool,
            tip,
            deciders,
            rules,
            underway: None,
            last_block,
            told_validators: [None; 2],
            known_size,
        }
    }

    /// Applies what waits. `None`: everything was refused and answered, or nothing waits.
    async fn build(&mut self, even_empty: bool) -> Option<&Underway> {
        // Each turn takes what waits; it ends with a block, or with nothing left to take.
        loop {
            if self.pool.is_empty() && !even_empty {
                return None;
            }
            // The last wait before the block is under way: whoever stops waiting here has taken nothing from the pool.
            let state = Arc::clone(&self.ledger.custody).write_owned().await;
            let mut batches =
                self.pool.take(self.settings.block_records, MAX_BLOCK_BYTES - BLOCK_RESERVE_BYTES);
            if batches.is_empty() && !even_empty {
                return None;
            }
            let started = Instant::now();
            let (state, draft, waiting) = self.apply_batches(state, &mut batches);
            if draft.records() == 0 && !even_empty {
                let mut state = state;
                draft.undo(&mut state, &mut self.ledger.graph_mut());
                drop(state);
                self.answer(waiting, 0, 0);
                continue;
            }
            let mut state = state;
            let sealed = draft.seal(&mut state, &self.tip, &self.ledger.origin, &self.settings.member);
            let bytes = sealed.encode().into();
            self.ledger.metrics.apply.observe(started.elapsed());
            self.underway = Some(Underway { state, sealed, bytes, waiting, since: Instant::now() });
            return self.underway.as_ref();
        }
    }

    /// Applies batches to the state. A record on which rules and graph disagree is our defect: it is refused,
    /// loudly, and the others are applied again without it.
    fn apply_batches(
        &mut self,
        mut state: OwnedRwLockWriteGuard<Custody>,
        batches: &mut Vec<Batch>,
    ) -> (OwnedRwLockWriteGuard<Custody>, Draft, Vec<Waiting>) {
        let time_ms = self.settings.clock.now_ms().max(self.tip.time_ms);
        let ledger = Arc::clone(&self.ledger);
        let mut graph = ledger.graph_mut();
        // Every further turn has one record fewer.
        loop {
            let mut draft = Draft::begin(&self.tip, &graph, time_ms);
            let mut verdicts = Vec::with_capacity(batches.len());
            let mut disputed = None;
            'batches: for (number, batch) in batches.iter().enumerate() {
                let mut answers = Vec::with_capacity(batch.records.len());
                for (place, checked) in batch.records.iter().enumerate() {
                    match self.verdict(&mut state, &mut graph, &mut draft, checked) {
                        Ok(verdict) => answers.push(verdict),
                        Err(error) => {
                            tracing::error!(%error, "rules and graph disagree, record refused");
                            disputed = Some((number, place));
                            break 'batches;
                        }
                    }
                }
                verdicts.push(answers);
            }
            let Some((number, place)) = disputed else {
                let waiting = batches.drain(..).zip(verdicts);
                let waiting = waiting.map(|(batch, verdicts)| Waiting { batch, verdicts });
                return (state, draft, waiting.collect());
            };
            draft.undo(&mut state, &mut graph);
            let message = "the provenance graph cannot take this record; please report it".to_owned();
            batches[number].records[place] = Checked::Malformed { field: "entry", message };
        }
    }

    fn verdict(
        &mut self,
        custody: &mut Custody,
        graph: &mut ore_provenance::Graph,
        draft: &mut Draft,
        checked: &Checked,
    ) -> Result<Verdict, ore_store::graph_feed::FeedError> {
        let (record, entry) = match checked {
            Checked::Verified { record, entry } => (record, entry),
            Checked::Malformed { field, message } => {
                self.ledger.metrics.malformed.add(1);
                return Ok(Verdict::Known(Outcome::Malformed { field, message: message.clone() }));
            }
            Checked::Settled(outcome) => return Ok(Verdict::Known(outcome.clone())),
        };
        tracing::debug!(record = %record.id(), "record taken up");
        if let Some(leaf) = custody.leaf_of(&record.id()) {
            return Ok(self.already_there(leaf, record, draft.first_leaf()));
        }
        match draft.add(custody, graph, &self.ledger.reader, record, entry.clone()) {
            Ok(leaf) => Ok(Verdict::Leaf(leaf, record.id())),
            Err(NotAdded::Rejected(rejection)) => {
                // A lone node knows what was handed in before; only another's may still be on its way.
                let rejection = match self.pool.is_shared() {
                    true => match Missing::of(record, rejection, custody) {
                        Ok(missing) => return Ok(Verdict::Lacks(missing.into())),
                        Err(rejection) => rejection,
                    },
                    false => rejection,
                };
                self.ledger.metrics.rejected.add(1);
                tracing::debug!(record = %record.id(), rule = %rejection.rule, "record refused");
                Ok(Verdict::Known(Outcome::Rejected(rejection)))
            }
            Err(NotAdded::Graph(error)) => Err(error),
        }
    }

    fn already_there(&mut self, leaf: u64, record: &VerifiedRecord, first_leaf: u64) -> Verdict {
        let id = record.id();
        if leaf >= first_leaf {
            return Verdict::Again(leaf, id);
        }
        let height = self.ledger.reader.height_of(leaf).unwrap_or_default();
        if self.known_size.0 != height {
            let header = self.ledger.reader.header(height).ok().flatten();
            self.known_size = (height, header.map_or(0, |header| header.tree_size));
        }
        let place = Place { id, leaf_index: leaf, tree_size: self.known_size.1, height };
        Verdict::Known(Outcome::AlreadyThere(place))
    }

    /// Takes the block under way back; those who wait for it wait for another.
    fn set_back(&mut self) {
        if let Some(Underway { mut state, sealed, waiting, .. }) = self.underway.take() {
            sealed.undo(&mut state, &mut self.ledger.graph_mut());
            drop(state);
            self.pool.put_back(waiting.into_iter().map(|waiting| waiting.batch).collect());
        }
    }

    /// Applies somebody's block and keeps it under way.
    async fn apply_block(&mut self, parts: &BlockParts, bytes: Bytes) -> Result<(), draft::BlockFault> {
        let mut state = Arc::clone(&self.ledger.custody).write_owned().await;
        let mut entropy = [0; 32];
        if getrandom::fill(&mut entropy).is_err() {
            return Err(draft::BlockFault::DoesNotFollow("no randomness from the operating system".into()));
        }
        // What waits here was verified here, from the same bytes.
        let known = if self.pool.is_shared() { self.pool.known(&parts.entries) } else { Vec::new() };
        let scrutiny = draft::Scrutiny { entropy, known };
        let (tip, origin, log) = (&self.tip, &self.ledger.origin, &self.ledger.reader);
        let sealed =
            draft::apply(parts, tip, origin, &mut state, &mut self.ledger.graph_mut(), log, scrutiny)?;
        let (waiting, since) = (Vec::new(), Instant::now());
        self.underway = Some(Underway { state, sealed, bytes, waiting, since });
        Ok(())
    }

    fn decides(&self) -> bool {
        self.deciders.include(&self.settings.member)
    }
}

impl Drop for Sequencer {
    /// What nobody has decided leaves the state with it: a node that stops stores the graph as it is then.
    fn drop(&mut self) {
        self.set_back();
    }
}

#[async_trait]
impl Application for Sequencer {
    fn last_committed(&self) -> Option<u64> {
        self.tip.height
    }

    fn validators(&self, _height: u64) -> Vec<ValidatorEntry> {
        self.deciders.validators().to_vec()
    }

    fn proposers(&self, _height: u64) -> Vec<String> {
        self.deciders.proposers()
    }

    fn rules(&self, _height: u64) -> Rules {
        self.rules
    }

    async fn wait_for_work(&mut self, _height: u64) {
        let decides = self.decides();
        let alone = decides && self.deciders.validators().len() == 1;
        // Each turn waits for records or for the heartbeat.
        loop {
            self.refuse_overdue();
            let due = self.last_block + self.settings.heartbeat;
            if due <= Instant::now() {
                return;
            }
            let until = self.pool.next_deadline().map_or(due, |deadline| deadline.min(due));
            if tokio::time::timeout_at(until, self.pool.wait()).await.is_err() {
                continue;
            }
            // A node that decides alone builds its block here, so that refused records make no empty blocks.
            if alone {
                if self.build(false).await.is_some() {
                    return;
                }
                continue;
            }
            // One of several judges a few records first, for the same reason; many are hardly all refused.
            if self.pool.len() <= FEW {
                self.sift().await;
            }
            if decides && !self.pool.is_empty() {
                return;
            }
            if !decides {
                // It proposes nothing: what waits was passed on, and comes back in a validator's block.
                tokio::time::sleep(OBSERVER_PAUSE).await;
            }
        }
    }

    /// Readers are not kept waiting for a quorum that may not come: the block under way is taken back, and applied
    /// again when it is decided.
    async fn while_deciding(&mut self, _height: u64) {
        let hold = self.underway.as_ref().map(|underway| underway.since + LONGEST_HOLD);
        match hold.into_iter().chain(self.pool.next_deadline()).min() {
            Some(until) => tokio::time::sleep_until(until).await,
            None => std::future::pending().await,
        }
        self.refuse_overdue();
        if hold.is_some_and(|until| until <= Instant::now()) {
            self.set_back();
        }
    }

    async fn propose(&mut self, height: u64, _round: u32) -> Result<ProposedBlock, Fatal> {
        if height != self.tip.next_height() {
            return Err(Fatal::new(format!("asked for height {height} after {:?}", self.tip.height)));
        }
        let ours = self.underway.as_ref().is_some_and(|underway| !underway.waiting.is_empty());
        if !ours {
            self.set_back();
            self.build(true).await;
        }
        match &self.underway {
            Some(underway) => Ok(ProposedBlock { block: underway.bytes.clone(), id: underway.sealed.id }),
            None => Err(Fatal::new("a block that may be empty could not be built")),
        }
    }

    async fn check(&mut self, candidate: Candidate) -> Result<[u8; 32], InvalidBlock> {
        let fresh = candidate.standing == Standing::Fresh && candidate.proposer != self.settings.member;
        let seen = candidate.clone();
        let checked = self.check_block(candidate).await;
        if let (Err(invalid), true) = (&checked, fresh) {
            let report = faults::invalid_block(&seen, &invalid.reason);
            self.ledger.faults.record(&seen.proposer, "invalid_block", Some(report.as_bytes()));
        }
        checked
    }

    async fn commit(&mut self, decided: DecidedBlock) -> Result<(), Fatal> {
        if self.underway.as_ref().is_none_or(|underway| underway.sealed.id != decided.id) {
            self.set_back();
            let fatal = |error: draft::BlockFault| Fatal::new(format!("apply a decided block: {error}"));
            let parts = block::decode(&decided.block, MAX_BLOCK_BYTES).map_err(|bad| fatal(bad.into()))?;
            self.apply_block(&parts, decided.block.clone()).await.map_err(fatal)?;
        }
        let underway =
            self.underway.take().ok_or_else(|| Fatal::new("the decided block is not under way"))?;
        if underway.sealed.id != decided.id {
            return Err(Fatal::new("the decided block has another id than its bytes give"));
        }
        // Judged by the turns of its height, told once it is kept.
        let out_of_turn = self.out_of_turn(&decided, &underway.sealed.proposer);
        self.make_durable(underway, &decided.certificate.encode().into()).await?;
        if let Some(it) = out_of_turn {
            self.say_out_of_turn(&decided, &it);
        }
        if self.pool.is_shared() && self.pool.passed_over() >= PASSED_OVER {
            self.sift().await;
        }
        Ok(())
    }

    fn misbehaviour(&mut self, evidence: Misbehaviour) {
        let validator = self.deciders.validators().iter().find(|one| one.member == evidence.member);
        let statements = ore_consensus::signed_statements(&self.ledger.origin, &evidence);
        let file = faults::two_votes(validator.map(|one| one.public_key), statements);
        tracing::error!(member = %evidence.member, height = evidence.height, "a member voted twice");
        self.ledger.faults.record(&evidence.member, "double_vote", file.as_deref().map(str::as_bytes));
    }

    async fn decided(&mut self, height: u64) -> Option<(Bytes, Certificate)> {
        let stored = self.ledger.reader.block(height).ok()??;
        let certificate = Certificate::decode(&stored.certificate).ok()?;
        Some((block::encode(&stored.header, &stored.entries).into(), certificate))
    }
}

impl Sequencer {
    async fn check_block(&mut self, candidate: Candidate) -> Result<[u8; 32], InvalidBlock> {
        let invalid = |error: draft::BlockFault| InvalidBlock::new(error.to_string());
        let parts = block::decode(&candidate.block, MAX_BLOCK_BYTES).map_err(|bad| invalid(bad.into()))?;
        // What this node voted for before it was restarted was held against its turns then; what a quorum decided is
        // taken, and said once it is kept where its proposer was out of turn.
        if candidate.standing == Standing::Fresh && !candidate.turns.contains(&parts.header.proposer) {
            return Err(InvalidBlock::out_of_turn(&parts.header.proposer));
        }
        if self.underway.as_ref().is_some_and(|underway| underway.sealed.id == parts.id) {
            return if self.underway.as_ref().is_some_and(|underway| underway.bytes == candidate.block) {
                Ok(parts.id)
            } else {
                Err(InvalidBlock::new("other bytes under a known header"))
            };
        }
        let ahead = parts.header.time_ms.saturating_sub(self.settings.clock.now_ms());
        if candidate.standing == Standing::Fresh && u128::from(ahead) > CLOCK_AHEAD.as_millis() {
            return Err(InvalidBlock::new(format!("its time is {ahead} ms ahead of this node's clock")));
        }
        self.set_back();
        self.apply_block(&parts, candidate.block).await.map_err(invalid)?;
        Ok(parts.id)
    }
}

/// The store, whatever a thread that panicked did: it checks what it is given against what it holds.
pub fn lock(store: &Mutex<Store>) -> MutexGuard<'_, Store> {
    store.lock().unwrap_or_else(PoisonError::into_inner)
}

/// An error with all its causes, for one line.
#[must_use]
pub fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}

/// Milliseconds since 1970; 0 for a clock before that.
#[must_use]
pub fn now_ms() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis() as u64)
}
