//! Admission: from bytes that somebody sent to records whose signatures verify.
//!
//! Off the reactor, on threads of its own, in batches of whatever waits: a batch of signatures costs a
//! third of as many single ones. Bounded by records and by bytes from the first byte to the answer; who
//! comes when it is full is told to come again.
//!
//! The rules are asked by the sequencer, which knows the records before this one; a dry run here would
//! refuse records that build on others still on their way.

use std::{
    collections::VecDeque,
    sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError},
    time::{Duration, Instant},
};

use bytes::Bytes;
use ore_record::{BadSignature, MAX_ENTRY_BYTES, SignedRecord, VerifiedRecord, batch};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot};

use crate::{
    health::Health,
    metrics::Metrics,
    outcome::{NotTaken, Outcome},
    pool::{Batch, Checked, Pool, Reply},
};

/// Most records in a batch that is answered at once.
pub const MAX_BATCH_RECORDS: usize = 1_000;
/// Most bytes in a batch: half a block, so that two always fit into one.
pub const MAX_BATCH_BYTES: usize = 1 << 20;
/// Records verified together: beyond some hundreds a batch gains nothing more.
const VERIFY_TOGETHER: usize = 512;

/// What was sent and waits for its signatures to be checked.
struct Submission {
    entries: Vec<Bytes>,
    bytes: usize,
    reply: Reply,
    passed_on: bool,
}

/// The way into the ledger.
pub struct Admission {
    queue: Mutex<Queue>,
    arrived: Condvar,
    records: Arc<Semaphore>,
    /// In KiB, because a semaphore counts to 2^32.
    kibibytes: Arc<Semaphore>,
    pool: Arc<Pool>,
    health: Arc<Health>,
    metrics: Arc<Metrics>,
    batch_records: usize,
    /// Where verified records of this node's members go, so that the next proposer has them.
    pass_on: OnceLock<mpsc::Sender<Vec<Bytes>>>,
}

#[derive(Default)]
struct Queue {
    waiting: VecDeque<Submission>,
    next_ticket: u64,
    closed: bool,
}

/// The answer to one batch, to be awaited.
pub type Answer = oneshot::Receiver<Vec<Outcome>>;

/// Room for a batch; given back when it is answered.
#[derive(Debug)]
pub struct Room {
    _whole: [OwnedSemaphorePermit; 2],
    _share: Option<OwnedSemaphorePermit>,
}

impl Room {
    const fn new(whole: [OwnedSemaphorePermit; 2]) -> Self {
        Self { _whole: whole, _share: None }
    }

    /// With the caller's own part of the queue, which is given back at the same time.
    #[must_use]
    pub fn within(self, share: Option<OwnedSemaphorePermit>) -> Self {
        Self { _share: share, ..self }
    }
}

/// Room that one other node's records may take.
#[derive(Clone, Debug)]
pub struct Allowance {
    records: Arc<Semaphore>,
    kibibytes: Arc<Semaphore>,
}

impl Allowance {
    /// So many records and bytes until their outcome is known.
    #[must_use]
    pub fn new(records: usize, bytes: usize) -> Self {
        let kibibytes = Arc::new(Semaphore::new(bytes / 1024));
        Self { records: Arc::new(Semaphore::new(records)), kibibytes }
    }

    /// Takes room at once, if there is any.
    #[must_use]
    pub fn try_room(&self, records: usize, bytes: usize) -> Option<Room> {
        let (records, kibibytes) = amounts(records, bytes);
        let records = Arc::clone(&self.records).try_acquire_many_owned(records).ok()?;
        Some(Room::new([records, Arc::clone(&self.kibibytes).try_acquire_many_owned(kibibytes).ok()?]))
    }
}

impl Admission {
    /// An empty queue before `pool`, with room for so many records and bytes until they are answered.
    #[must_use]
    pub fn new(
        pool: Arc<Pool>,
        health: Arc<Health>,
        metrics: Arc<Metrics>,
        records: usize,
        bytes: usize,
        block_records: usize,
    ) -> Self {
        Self {
            queue: Mutex::default(),
            arrived: Condvar::new(),
            records: Arc::new(Semaphore::new(records)),
            kibibytes: Arc::new(Semaphore::new(bytes / 1024)),
            pool,
            health,
            metrics,
            batch_records: block_records.min(MAX_BATCH_RECORDS).min(records),
            pass_on: OnceLock::new(),
        }
    }

    /// Most records that one batch may hold.
    #[must_use]
    pub const fn batch_records(&self) -> usize {
        self.batch_records
    }

    /// Takes room at once, or says that there is none.
    ///
    /// # Errors
    /// [`NotTaken`].
    pub fn try_room(&self, records: usize, bytes: usize) -> Result<Room, NotTaken> {
        self.health.accepting()?;
        let (records, kibibytes) = amounts(records, bytes);
        let taken = Arc::clone(&self.records).try_acquire_many_owned(records).and_then(|records| {
            Ok([records, Arc::clone(&self.kibibytes).try_acquire_many_owned(kibibytes)?])
        });
        taken.map(Room::new).map_err(|_| {
            self.metrics.queue_full.add(1);
            NotTaken::QueueFull
        })
    }

    /// Waits for room: the sender of a stream is slowed down instead of refused.
    ///
    /// # Errors
    /// [`NotTaken`] when the node takes nothing at all.
    pub async fn room(&self, records: usize, bytes: usize) -> Result<Room, NotTaken> {
        self.health.accepting()?;
        let (records, kibibytes) = amounts(records, bytes);
        let records = Arc::clone(&self.records).acquire_many_owned(records).await;
        let kibibytes = Arc::clone(&self.kibibytes).acquire_many_owned(kibibytes).await;
        match (records, kibibytes) {
            (Ok(records), Ok(kibibytes)) => Ok(Room::new([records, kibibytes])),
            _ => Err(NotTaken::Stopping),
        }
    }

    /// Queues a batch. Its bounds are the caller's to keep: [`Admission::batch_records`], [`MAX_BATCH_BYTES`].
    ///
    /// # Errors
    /// [`NotTaken::Stopping`] once the queue is closed.
    pub fn submit(&self, entries: Vec<Bytes>, room: Room) -> Result<Answer, NotTaken> {
        self.queue(entries, room, false)
    }

    /// Queues records that another node passed on. Nobody waits for what becomes of them.
    ///
    /// # Errors
    /// [`NotTaken::Stopping`] once the queue is closed.
    pub fn submit_passed_on(&self, entries: Vec<Bytes>, room: Room) -> Result<(), NotTaken> {
        self.queue(entries, room, true).map(drop)
    }

    fn queue(&self, entries: Vec<Bytes>, room: Room, passed_on: bool) -> Result<Answer, NotTaken> {
        let (sender, answer) = oneshot::channel();
        let bytes = entries.iter().map(Bytes::len).sum();
        let mut queue = self.lock();
        if queue.closed {
            return Err(NotTaken::Stopping);
        }
        let reply = Reply { sender, room };
        queue.waiting.push_back(Submission { entries, bytes, reply, passed_on });
        drop(queue);
        self.arrived.notify_one();
        Ok(answer)
    }

    /// From now on, verified records of this node's members go there as well. Once.
    pub fn pass_on_to(&self, sender: mpsc::Sender<Vec<Bytes>>) {
        // A second call would be a defect in the assembly, and changes nothing.
        let _ = self.pass_on.set(sender);
    }

    /// Puts a verified group in the pool and passes on what came from this node's members.
    fn verified(&self, ticket: u64, group: Vec<Submission>) {
        let records: usize = group.iter().map(|submission| submission.entries.len()).sum();
        let begin = Instant::now();
        let batches = verify(group);
        self.metrics.verify.observe(begin.elapsed());
        tell_records(&batches);
        let mut fresh = Vec::new();
        if self.pass_on.get().is_some() {
            for batch in batches.iter().filter(|batch| !batch.passed_on) {
                fresh.extend(batch.records.iter().filter_map(|record| match record {
                    Checked::Verified { entry, .. } => Some(entry.clone()),
                    Checked::Malformed { .. } | Checked::Settled(_) => None,
                }));
            }
        }
        // In the pool first: nobody's block may settle what does not wait here yet.
        self.pool.put(ticket, batches);
        self.metrics.verified.add(records as u64);
        if let Some(sender) = self.pass_on.get().filter(|_| !fresh.is_empty()) {
            // What does not fit is passed on later, if it still waits then.
            let _ = sender.try_send(fresh);
        }
    }

    /// One verifying thread's work, until the queue is closed and empty.
    pub fn verify_until_closed(&self) {
        while let Some((ticket, group)) = self.next_group() {
            self.verified(ticket, group);
        }
    }

    /// Verifies what waits now, on the caller's thread; for programs that run a node's parts on one thread.
    pub fn verify_waiting(&self) {
        // Ends when nothing waits; nobody else adds while the caller's only thread is here.
        while !self.lock().waiting.is_empty() {
            if let Some((ticket, group)) = self.next_group() {
                self.verified(ticket, group);
            }
        }
    }

    /// Waits until everything that was taken has been answered.
    pub async fn drained(&self, records: usize) {
        // Whoever holds all the room knows that nobody else does.
        let _ = self.records.acquire_many(records as u32).await;
    }

    /// Closes the queue: what waits is still verified, nothing more comes in.
    pub fn close(&self) {
        self.lock().closed = true;
        self.records.close();
        self.arrived.notify_all();
    }

    fn next_group(&self) -> Option<(u64, Vec<Submission>)> {
        let mut queue = self.lock();
        while queue.waiting.is_empty() {
            if queue.closed {
                return None;
            }
            queue = self.arrived.wait(queue).unwrap_or_else(PoisonError::into_inner);
        }
        let mut records = 0;
        let mut count = 0;
        for submission in &queue.waiting {
            records += submission.entries.len();
            if count > 0 && records > VERIFY_TOGETHER {
                break;
            }
            count += 1;
        }
        let ticket = queue.next_ticket;
        queue.next_ticket += 1;
        Some((ticket, queue.waiting.drain(..count).collect()))
    }

    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Tells each record that is one, here and wherever it is passed on to: its id leads through the logs of all nodes.
fn tell_records(batches: &[Batch]) {
    if !tracing::enabled!(tracing::Level::DEBUG) {
        return;
    }
    for batch in batches {
        for checked in &batch.records {
            if let Checked::Verified { record, .. } = checked {
                tracing::debug!(record = %record.id(), passed_on = batch.passed_on, "record verified");
            }
        }
    }
}

fn amounts(records: usize, bytes: usize) -> (u32, u32) {
    // Batches are far below 2^32 of either.
    (records as u32, bytes.div_ceil(1024) as u32)
}

/// What is wrong with an entry before the rules are asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Path of the field.
    pub field: &'static str,
    /// What is wrong with it.
    pub message: String,
}

/// Decodes entries and verifies their signatures together; one answer for each, in their order.
pub fn verified<'a>(entries: impl IntoIterator<Item = &'a Bytes>) -> Vec<Result<VerifiedRecord, Fault>> {
    let mut decoded = Vec::new();
    // Per record: nothing when it decodes, else what is wrong.
    let mut faults = Vec::new();
    for entry in entries {
        match SignedRecord::decode(entry) {
            Ok(record) => {
                decoded.push(record);
                faults.push(None);
            }
            Err(error) => faults.push(Some(Fault { field: "entry", message: error.to_string() })),
        }
    }
    let mut entropy = [0; 32];
    let answers = match getrandom::fill(&mut entropy) {
        Ok(()) => batch::verify(decoded, entropy),
        // Without entropy a batch could be fooled; one at a time it cannot.
        Err(_) => decoded.into_iter().map(SignedRecord::verify).collect(),
    };
    let mut answers = answers.into_iter();
    let mut next = || answers.next().expect("one answer for each record that decodes");
    let forged = |error: BadSignature| Fault { field: "entry.signature", message: error.to_string() };
    faults.into_iter().map(|fault| fault.map_or_else(|| next().map_err(forged), Err)).collect()
}

/// Each submission of a group becomes a batch with its records in their order.
fn verify(group: Vec<Submission>) -> Vec<Batch> {
    let mut checked = verified(group.iter().flat_map(|submission| &submission.entries)).into_iter();
    group
        .into_iter()
        .map(|Submission { entries, bytes, reply, passed_on }| {
            let records = entries
                .into_iter()
                .zip(checked.by_ref())
                .map(|(entry, checked)| match checked {
                    Ok(record) => Checked::Verified { record: Arc::new(record), entry },
                    Err(Fault { field, message }) => Checked::Malformed { field, message },
                })
                .collect();
            Batch::new(records, bytes, reply, passed_on)
        })
        .collect()
}

/// Whether an entry is too long to be looked at, before anything is queued.
#[must_use]
pub const fn too_long(entry: &Bytes) -> bool {
    entry.len() > MAX_ENTRY_BYTES
}

/// How long a caller that was refused for lack of room should wait.
#[must_use]
pub const fn retry_hint() -> Duration {
    NotTaken::QueueFull.retry_after()
}
