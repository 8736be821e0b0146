//! The pool: verified records that wait for a block, in the order of their arrival.
//!
//! Signatures are checked by several threads at once; [`Pool::put`] restores the order of arrival, so
//! that a record may follow one it builds on in the same stream. A batch is never split over two blocks,
//! so it is answered at once. The bound is in [`crate::admission`]: what waits holds permits.
//!
//! One of several nodes holds what the others passed on as well. Whoever's block a record gets into, it is
//! [settled](Pool::settle) here, and a batch is answered when all of its records are. What builds on a record that is
//! still on its way from another node is [held](Pool::hold) for a while.

mod held;

use std::{
    collections::{BTreeMap, HashMap, VecDeque},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use ore_record::{RecordId, VerifiedRecord};
use tokio::{
    sync::{Notify, oneshot},
    time::Instant,
};

use crate::{
    admission::Room,
    outcome::{NotTaken, Outcome, Place},
};

use held::Held;
pub use held::{Missing, Patience};

/// One record of a batch, as far as it came without the rules.
#[derive(Debug)]
pub enum Checked {
    /// Its signature verifies under the key that it names.
    Verified {
        /// The record.
        record: Arc<VerifiedRecord>,
        /// The entry's bytes as they were sent.
        entry: Bytes,
    },
    /// Refused without a look at the ledger.
    Malformed {
        /// Path of the field.
        field: &'static str,
        /// What is wrong with it.
        message: String,
    },
    /// Its outcome is known, and it waits for the rest of its batch.
    Settled(Outcome),
}

/// Where the answers go, and the room that the batch takes until then.
#[derive(Debug)]
pub struct Reply {
    /// One outcome a record, in order.
    pub sender: oneshot::Sender<Vec<Outcome>>,
    /// Given back when the batch is answered.
    pub room: Room,
}

impl Reply {
    /// Answers; a caller that has gone away is nobody's problem.
    pub fn answer(self, outcomes: Vec<Outcome>) {
        drop(self.room);
        let _ = self.sender.send(outcomes);
    }
}

/// Records that arrived together and are answered together.
#[derive(Debug)]
pub struct Batch {
    /// At most [`crate::admission::MAX_BATCH_RECORDS`].
    pub records: Vec<Checked>,
    /// Bytes of all entries.
    pub bytes: usize,
    /// Where the answers go.
    pub reply: Reply,
    /// Whether another node passed it on: then nobody waits for the answers.
    pub passed_on: bool,
    /// When it came.
    pub since: Instant,
    /// Blocks with room that were decided while it waited.
    pub passed_over: u32,
    /// Places of records that lack a parent, while it is held.
    pub missing: BTreeMap<usize, Missing>,
    /// Until when it may be held; set when it first is.
    pub held_until: Option<Instant>,
}

impl Batch {
    /// Just verified.
    #[must_use]
    pub fn new(records: Vec<Checked>, bytes: usize, reply: Reply, passed_on: bool) -> Self {
        let (since, missing) = (Instant::now(), BTreeMap::new());
        Self { records, bytes, reply, passed_on, since, passed_over: 0, missing, held_until: None }
    }

    /// Whether nothing in it waits for a block.
    fn is_settled(&self) -> bool {
        !self.records.iter().any(|record| matches!(record, Checked::Verified { .. }))
    }

    /// Settles what is in a block.
    fn settle(&mut self, included: &HashMap<RecordId, Place>, forget: &mut Vec<Bytes>) {
        for record in &mut self.records {
            let Checked::Verified { record: verified, entry } = record else { continue };
            if let Some(place) = included.get(&verified.id()) {
                forget.push(entry.clone());
                *record = Checked::Settled(Outcome::Accepted(*place));
            }
        }
    }

    /// Answers if nothing in it waits for a block any more; otherwise gives it back.
    fn answer_if_settled(self) -> Option<Self> {
        if !self.is_settled() {
            return Some(self);
        }
        let outcomes = self.records.into_iter().map(|record| match record {
            Checked::Settled(outcome) => outcome,
            Checked::Malformed { field, message } => Outcome::Malformed { field, message },
            Checked::Verified { .. } => Outcome::NotTaken(NotTaken::Stopping),
        });
        self.reply.answer(outcomes.collect());
        None
    }

    /// Answers that none of it was taken.
    pub fn refuse(self, why: NotTaken) {
        let outcomes = vec![Outcome::NotTaken(why); self.records.len()];
        self.reply.answer(outcomes);
    }
}

/// The pool.
#[derive(Debug, Default)]
pub struct Pool {
    inner: Mutex<Inner>,
    arrived: Notify,
    /// Whether blocks of others are checked against what waits here.
    shared: AtomicBool,
}

#[derive(Debug, Default)]
struct Inner {
    ready: VecDeque<Batch>,
    /// Verified ahead of their turn, by ticket.
    early: BTreeMap<u64, Vec<Batch>>,
    next_ticket: u64,
    /// What waits for parents; of one of several nodes only.
    held: Held,
    /// Verified records by the bytes of their entries; kept by one of several nodes only.
    known: HashMap<Bytes, Arc<VerifiedRecord>>,
}

impl Inner {
    /// These entries wait no more.
    fn forget(&mut self, entries: &[Bytes]) {
        for entry in entries {
            self.known.remove(entry);
        }
    }
}

impl Pool {
    /// Adds what was verified under a ticket. Tickets are given in the order of arrival, each is put once.
    pub fn put(&self, ticket: u64, batches: Vec<Batch>) {
        let mut inner = self.lock();
        if self.is_shared() {
            let verified =
                batches.iter().flat_map(|batch| &batch.records).filter_map(|record| match record {
                    Checked::Verified { record, entry } => Some((entry.clone(), Arc::clone(record))),
                    Checked::Malformed { .. } | Checked::Settled(_) => None,
                });
            inner.known.extend(verified);
        }
        inner.early.insert(ticket, batches);
        let mut any = false;
        loop {
            let next = inner.next_ticket;
            let Some(batches) = inner.early.remove(&next) else { break };
            inner.ready.extend(batches);
            inner.next_ticket += 1;
            any = true;
        }
        drop(inner);
        if any {
            self.arrived.notify_one();
        }
    }

    /// Takes whole batches from the front, as many as fit; the first always fits.
    #[must_use]
    pub fn take(&self, max_records: usize, max_bytes: usize) -> Vec<Batch> {
        let mut inner = self.lock();
        let (mut records, mut bytes, mut count) = (0, 0, 0);
        for batch in &inner.ready {
            records += batch.records.len();
            bytes += batch.bytes;
            if count > 0 && (records > max_records || bytes > max_bytes) {
                break;
            }
            count += 1;
        }
        inner.ready.drain(..count).collect()
    }

    /// Puts batches back to the front, in their order: another block was decided.
    /// Those whose records are all settled are answered instead.
    pub fn put_back(&self, batches: Vec<Batch>) {
        let waiting: Vec<_> = batches.into_iter().filter_map(Batch::answer_if_settled).collect();
        let mut inner = self.lock();
        for batch in waiting.into_iter().rev() {
            inner.ready.push_front(batch);
        }
        drop(inner);
        self.arrived.notify_one();
    }

    /// From now on this node is one of several.
    pub fn share(&self) {
        self.shared.store(true, Ordering::Relaxed);
    }

    /// Whether this node is one of several.
    #[must_use]
    pub fn is_shared(&self) -> bool {
        self.shared.load(Ordering::Relaxed)
    }

    /// Which of these entries were verified here and wait; in their order.
    #[must_use]
    pub fn known(&self, entries: &[Bytes]) -> Vec<Option<Arc<VerifiedRecord>>> {
        let inner = self.lock();
        entries.iter().map(|entry| inner.known.get(entry).cloned()).collect()
    }

    /// These records wait no more.
    pub fn forget<'a>(&self, records: impl IntoIterator<Item = &'a Checked>) {
        let mut inner = self.lock();
        for record in records {
            if let Checked::Verified { entry, .. } = record {
                inner.known.remove(entry);
            }
        }
    }

    /// A block was decided, whoever proposed it: what is in it is settled, what waits on was passed over if the block
    /// had room. Batches that are settled as a whole are answered.
    pub fn settle(&self, included: &HashMap<RecordId, Place>, had_room: bool) {
        let mut inner = self.lock();
        let Inner { ready, held, .. } = &mut *inner;
        let (mut settled, mut gone) = (Vec::new(), Vec::new());
        for batch in ready.iter_mut() {
            batch.settle(included, &mut gone);
            batch.passed_over += u32::from(had_room);
        }
        let released =
            held.release(|batch| batch.settle(included, &mut gone), |parent| included.contains_key(parent));
        let any = !released.is_empty();
        ready.extend(released);
        for _ in 0..ready.len() {
            let Some(batch) = ready.pop_front() else { break };
            match batch.is_settled() {
                true => settled.push(batch),
                false => ready.push_back(batch),
            }
        }
        inner.forget(&gone);
        drop(inner);
        for batch in settled {
            batch.answer_if_settled();
        }
        if any {
            self.arrived.notify_one();
        }
    }

    /// Holds batches whose unsettled records all lack a parent, within the bounds of [`Patience`]. Says how many
    /// records were refused for want of room or time.
    pub fn hold(&self, batches: Vec<Batch>) -> usize {
        if batches.is_empty() {
            return 0;
        }
        let mut inner = self.lock();
        let (now, lacking) = (Instant::now(), lacking(&batches));
        let before = inner.held.records();
        let (mut back, mut gone) = (Vec::new(), Vec::new());
        for batch in batches {
            back.extend(inner.held.keep(batch, now, &mut gone));
        }
        let held = inner.held.records() - before;
        inner.forget(&gone);
        drop(inner);
        self.answer_refused(back);
        lacking - held
    }

    /// Refuses what has waited for a parent long enough. Says how many records.
    pub fn refuse_overdue(&self) -> usize {
        let mut inner = self.lock();
        let before = inner.held.records();
        let mut gone = Vec::new();
        let overdue = inner.held.expire(Instant::now(), &mut gone);
        let refused = before - inner.held.records();
        inner.forget(&gone);
        drop(inner);
        self.answer_refused(overdue);
        refused
    }

    /// When [`Pool::refuse_overdue`] has something to do, if ever.
    #[must_use]
    pub fn next_deadline(&self) -> Option<Instant> {
        self.lock().held.next_deadline()
    }

    /// Records that wait for a parent.
    #[must_use]
    pub fn held(&self) -> usize {
        self.lock().held.records()
    }

    /// With other bounds on what is held.
    pub fn set_patience(&self, patience: Patience) {
        self.lock().held.set_patience(patience);
    }

    /// Answers batches whose last records were refused.
    fn answer_refused(&self, batches: Vec<Batch>) {
        let waiting: Vec<_> = batches.into_iter().filter_map(Batch::answer_if_settled).collect();
        // Whoever still waits for a block does so as before.
        if !waiting.is_empty() {
            self.put_back(waiting);
        }
    }

    /// How often the batch that waits longest was passed over.
    #[must_use]
    pub fn passed_over(&self) -> u32 {
        self.lock().ready.front().map_or(0, |batch| batch.passed_over)
    }

    /// Entries that came to this node at least so long ago and still wait, at most so many bytes of them.
    #[must_use]
    pub fn waiting_here(&self, at_least: Duration, most_bytes: usize) -> Vec<Bytes> {
        let inner = self.lock();
        let now = Instant::now();
        let old = |batch: &&Batch| !batch.passed_on && now.duration_since(batch.since) >= at_least;
        let records = inner.ready.iter().filter(old).flat_map(|batch| &batch.records);
        let mut bytes = 0;
        records
            .filter_map(|record| match record {
                Checked::Verified { entry, .. } => Some(entry.clone()),
                Checked::Malformed { .. } | Checked::Settled(_) => None,
            })
            .take_while(|entry| {
                bytes += entry.len();
                bytes <= most_bytes
            })
            .collect()
    }

    /// Waits until something is there. Safe to cancel.
    pub async fn wait(&self) {
        // Each turn ends with something there, or waits for the next arrival.
        loop {
            let arrived = self.arrived.notified();
            if !self.lock().ready.is_empty() {
                return;
            }
            arrived.await;
        }
    }

    /// Records that wait.
    #[must_use]
    pub fn len(&self) -> usize {
        self.lock().ready.iter().map(|batch| batch.records.len()).sum()
    }

    /// Whether nothing waits.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.lock().ready.is_empty()
    }

    /// The lists stay consistent whatever a panicking thread did: each step is one push or pop.
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Records that lack a parent.
fn lacking(batches: &[Batch]) -> usize {
    batches.iter().map(|batch| batch.missing.len()).sum()
}
