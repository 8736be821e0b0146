//! The pool: verified records that wait for a block, in the order of their arrival.
//!
//! Signatures are checked by several threads at once; [`Pool::put`] restores the order of arrival, so
//! that a record may follow one it builds on in the same stream. A batch is never split over two blocks,
//! so it is answered at once. The bound is in [`crate::admission`]: what waits holds permits.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::{Mutex, MutexGuard, PoisonError},
};

use bytes::Bytes;
use ore_record::VerifiedRecord;
use tokio::sync::{Notify, oneshot};

use crate::{
    admission::Room,
    outcome::{NotTaken, Outcome},
};

/// One record of a batch, as far as it came without the rules.
#[derive(Debug)]
pub enum Checked {
    /// Its signature verifies under the key that it names.
    Verified {
        /// The record.
        record: Box<VerifiedRecord>,
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
}

impl Batch {
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
}

#[derive(Debug, Default)]
struct Inner {
    ready: VecDeque<Batch>,
    /// Verified ahead of their turn, by ticket.
    early: BTreeMap<u64, Vec<Batch>>,
    next_ticket: u64,
}

impl Pool {
    /// Adds what was verified under a ticket. Tickets are given in the order of arrival, each is put once.
    pub fn put(&self, ticket: u64, batches: Vec<Batch>) {
        let mut inner = self.lock();
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
    pub fn put_back(&self, batches: Vec<Batch>) {
        let mut inner = self.lock();
        for batch in batches.into_iter().rev() {
            inner.ready.push_front(batch);
        }
        drop(inner);
        self.arrived.notify_one();
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
