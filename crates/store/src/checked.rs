//! Checked blocks: what bytes alone can tell about a block, on as many threads as there are workers.
//!
//! One thread reads frames, workers decode, hash and verify signatures in batches, and the caller gets the
//! blocks back in order. All queues are bounded, so memory does not grow with the ledger.

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        mpsc::{Receiver, SyncSender, sync_channel},
    },
    thread::Scope,
};

use ore_merkle::{LeafHash, hash_leaf};
use ore_record::{BadEntry, BadSignature, RecordId, SignedRecord, VerifiedRecord, batch, v1};

use crate::{
    damage::Place,
    error::StoreError,
    frame::StoredBlock,
    header::{self, BlockId},
    log::{FrameAt, LogEnd, Segment, Start, walk_log},
};

/// Workers that verify signatures.
pub const WORKERS: usize = 2;
/// A job is blocks of at least so many entries: enough for a batch to pay, little enough to keep workers even.
const JOB_ENTRIES: usize = 1024;
/// Or so many bytes.
const JOB_BYTES: usize = 1 << 20;
/// Jobs under way.
const JOBS: usize = 8;

/// One entry.
#[derive(Debug)]
pub struct CheckedEntry {
    /// Id of its record, zero when it is none.
    pub id: RecordId,
    /// Its hash.
    pub leaf_hash: LeafHash,
    /// What it turned out to be.
    pub content: EntryContent,
}

/// What an entry turned out to be.
#[derive(Debug)]
pub enum EntryContent {
    /// A record whose signature verifies; `strict` when stricter verifiers were asked and refuse it (rule S1).
    Record(Box<VerifiedRecord>, Option<bool>),
    /// A block's seal.
    Seal(Box<SignedRecord>),
    /// No canonical record.
    Bad(BadEntry),
    /// A record whose signature does not verify.
    Forged(BadSignature),
}

/// A block with all that its bytes alone can tell.
#[derive(Debug)]
pub struct CheckedBlock {
    /// As stored.
    pub block: StoredBlock,
    /// Where.
    pub frame: FrameAt,
    /// Its segment.
    pub segment: Arc<Segment>,
    /// Its id.
    pub id: BlockId,
    /// Its header, when it is one.
    pub header: Result<v1::BlockHeader, String>,
    /// Its entries.
    pub entries: Vec<CheckedEntry>,
}

impl CheckedBlock {
    /// The place of this block.
    #[must_use]
    pub fn place(&self) -> Place {
        Place::in_file(&self.segment.name, self.frame.offset).at_height(self.block.height)
    }

    /// The place of one of its entries, given the first leaf of the block.
    #[must_use]
    pub fn entry_place(&self, first_leaf: u64, place: usize) -> Place {
        let before: u64 = self.block.entries[..place].iter().map(|entry| 2 + entry.len() as u64).sum();
        let body = self.frame.offset + crate::frame::FRAME_HEADER_BYTES as u64;
        let offset = body + self.block.entries_at as u64 + before;
        Place::in_file(&self.segment.name, offset)
            .at_height(self.block.height)
            .at_leaf(first_leaf + place as u64)
    }
}

/// What the reader met.
#[derive(Debug)]
pub enum Met {
    /// Good frames, in order, decoded and verified.
    Blocks(Vec<CheckedBlock>),
    /// The end of the log, or what stands in the way.
    End(LogEnd),
    /// The disk refused to read.
    Unreadable(StoreError),
}

type Job = (Vec<(StoredBlock, FrameAt, Arc<Segment>)>, SyncSender<Met>);

/// Reads and checks blocks from `start` on; the caller's thread takes them in order from the receiver. The last
/// thing it gets is no [`Met::Blocks`]. `strict` asks stricter verifiers too, at about 25 µs a record.
pub fn read_checked<'scope>(
    scope: &'scope Scope<'scope, '_>,
    segments: Vec<Arc<Segment>>,
    start: Start,
    strict: bool,
) -> Receiver<Receiver<Met>> {
    let (jobs, work) = sync_channel::<Job>(JOBS);
    let (ordered, out) = sync_channel::<Receiver<Met>>(JOBS);
    let work = Arc::new(Mutex::new(work));
    for _ in 0..WORKERS {
        let work = Arc::clone(&work);
        scope.spawn(move || {
            loop {
                let next = work.lock().unwrap_or_else(PoisonError::into_inner).recv();
                let Ok((blocks, answer)) = next else { return };
                // The receiver is gone when the caller has seen enough.
                let _ = answer.send(Met::Blocks(check(blocks, strict)));
            }
        });
    }
    scope.spawn(move || {
        let mut reader = Reader { jobs, ordered, job: Vec::new(), entries: 0, bytes: 0 };
        let end = walk_log(&segments, start, |frame, block, segment| reader.visit(frame, block, segment));
        let _ = reader.hand_over();
        let (answer, receive) = sync_channel(1);
        let _ = answer.send(end.map_or_else(Met::Unreadable, Met::End));
        let _ = reader.ordered.send(receive);
    });
    out
}

struct Reader {
    jobs: SyncSender<Job>,
    ordered: SyncSender<Receiver<Met>>,
    job: Vec<(StoredBlock, FrameAt, Arc<Segment>)>,
    entries: usize,
    bytes: usize,
}

impl Reader {
    /// Says whether somebody still listens.
    fn visit(&mut self, frame: FrameAt, block: StoredBlock, segment: &Arc<Segment>) -> bool {
        self.entries += block.entries.len();
        self.bytes += frame.body_bytes as usize;
        self.job.push((block, frame, Arc::clone(segment)));
        let full = self.entries >= JOB_ENTRIES || self.bytes >= JOB_BYTES;
        !full || self.hand_over().is_some()
    }

    fn hand_over(&mut self) -> Option<()> {
        (self.entries, self.bytes) = (0, 0);
        let job = std::mem::take(&mut self.job);
        if job.is_empty() {
            return Some(());
        }
        let (answer, receive) = sync_channel(1);
        self.ordered.send(receive).ok()?;
        self.jobs.send((job, answer)).ok()
    }
}

fn check(blocks: Vec<(StoredBlock, FrameAt, Arc<Segment>)>, strict: bool) -> Vec<CheckedBlock> {
    let mut records = Vec::new();
    // Per block and entry: what it is, or that the next verified record belongs there.
    let mut shapes = Vec::new();
    for (block, ..) in &blocks {
        let shape = block.entries.iter().map(|entry| match SignedRecord::decode(entry) {
            Ok(record) if record.is_seal() => {
                (record.id(), hash_leaf(entry), Some(EntryContent::Seal(Box::new(record))))
            }
            Ok(record) => {
                let id = record.id();
                records.push(record);
                (id, hash_leaf(entry), None)
            }
            Err(bad) => (RecordId::from_bytes([0; 32]), hash_leaf(entry), Some(EntryContent::Bad(bad))),
        });
        shapes.push(shape.collect::<Vec<_>>());
    }
    let mut verified = batch::verify(records, entropy()).into_iter();
    blocks
        .into_iter()
        .zip(shapes)
        .map(|((block, frame, segment), shape)| {
            let entries = shape
                .into_iter()
                .map(|(id, leaf_hash, content)| {
                    let content = content.unwrap_or_else(|| match verified.next() {
                        Some(Ok(record)) => {
                            let strict = strict.then(|| record.signed().strict());
                            EntryContent::Record(Box::new(record), strict)
                        }
                        Some(Err(bad)) => EntryContent::Forged(bad),
                        None => unreachable!("batch::verify answers once per record"),
                    });
                    CheckedEntry { id, leaf_hash, content }
                })
                .collect();
            let header = header::decode(&block.header).map_err(|bad| bad.to_string());
            CheckedBlock { id: BlockId::of(&block.header), header, block, frame, segment, entries }
        })
        .collect()
}

/// Seeds the coefficients of the batch equation: nobody who wrote the records may foresee them.
fn entropy() -> [u8; 32] {
    let mut bytes = [0; 32];
    // Without the system's randomness nothing can be verified soundly; that is no state to go on in.
    getrandom::fill(&mut bytes).expect("the operating system gives random bytes");
    bytes
}
