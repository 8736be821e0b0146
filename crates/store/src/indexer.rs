//! The index thread: everything that is made from the log, behind one bounded queue.
//!
//! Rows and the graph's feed are written as blocks come. Writes to sled are gathered, so that a key written in
//! many blocks is written once, and applied as one batch when it is large or old enough. A failure here never
//! stops the log: the view then stands still, and the next start catches up from the log.

use std::{
    path::PathBuf,
    sync::{
        Arc, Mutex, PoisonError,
        mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel},
    },
    thread::JoinHandle,
    time::{Duration, Instant},
};

use crate::{
    batch::{Applied, Batch, Write, batch_path},
    disk::Disk,
    error::StoreError,
    graph_files::GraphFiles,
    positions::{BlockRows, FlatFiles},
    view::View,
};

/// When the view is written.
#[derive(Clone, Copy, Debug)]
pub struct IndexOptions {
    /// A batch of this many bytes of keys and values is applied. Default 32 MiB.
    pub batch_bytes: usize,
    /// A batch of this many blocks is applied. Default 4,096.
    pub batch_blocks: u64,
    /// A batch whose oldest block has waited this long is applied. Default 10 s.
    pub batch_age: Duration,
    /// Blocks that may wait in the queue; then appending waits. Default 256.
    pub queue_blocks: usize,
    /// sled's page cache in bytes. Default 8 MiB: it is read at start and written after, hardly read again.
    pub cache_bytes: u64,
}

impl Default for IndexOptions {
    fn default() -> Self {
        Self {
            batch_bytes: 32 << 20,
            batch_blocks: 4096,
            batch_age: Duration::from_secs(10),
            queue_blocks: 256,
            cache_bytes: 8 << 20,
        }
    }
}

/// A block as the index thread sees it.
#[derive(Debug)]
pub(crate) struct IndexedBlock {
    pub(crate) applied: Applied,
    pub(crate) rows: BlockRows,
    pub(crate) writes: Vec<Write>,
    pub(crate) feed: Vec<u8>,
}

/// How far the view is, and what keeps it from going on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ViewStatus {
    /// Blocks in the view.
    pub blocks: u64,
    /// Why it stands still, if it does. The log goes on; the next start catches up.
    pub fault: Option<String>,
    /// The graph's feed has outgrown its snapshot: save the graph when convenient.
    pub graph_snapshot_due: bool,
}

/// Everything made from the log, and the batch under way.
#[derive(Debug)]
pub(crate) struct Indexer {
    pub(crate) disk: Arc<dyn Disk>,
    pub(crate) ledger: PathBuf,
    pub(crate) options: IndexOptions,
    pub(crate) flat: FlatFiles,
    pub(crate) graph: GraphFiles,
    pub(crate) view: Option<View>,
    pub(crate) status: Arc<Mutex<ViewStatus>>,
    pub(crate) batch: Batch,
    pub(crate) batch_blocks: u64,
    pub(crate) batch_since: Option<Instant>,
}

impl Indexer {
    /// Takes one block; applies the batch when it is due.
    pub(crate) fn take(&mut self, block: IndexedBlock) {
        self.take_rows(&[&block.rows], block.applied.height);
        self.take_writes(block);
        if self.due(Instant::now()) {
            self.apply();
        }
    }

    fn take_rows(&mut self, rows: &[&BlockRows], first_height: u64) {
        if let Err(error) = self.flat.append(first_height, rows) {
            self.note(&error);
        }
    }

    fn take_writes(&mut self, block: IndexedBlock) {
        if self.view.is_none() {
            return;
        }
        if let Err(error) = self.graph.append(block.applied.height, &block.feed) {
            return self.give_up(&error);
        }
        self.batch.merge(block.applied, block.writes);
        self.batch_blocks += 1;
        self.batch_since.get_or_insert_with(Instant::now);
    }

    fn due(&self, now: Instant) -> bool {
        self.batch.bytes() >= self.options.batch_bytes
            || self.batch_blocks >= self.options.batch_blocks
            || self.batch_since.is_some_and(|since| now.duration_since(since) >= self.options.batch_age)
    }

    /// Applies the batch: feed synced, batch written down, sled written and synced, in this order.
    pub(crate) fn apply(&mut self) {
        let Some(view) = &self.view else { return };
        let Some(applied) = self.batch.applied else { return };
        let written = self.graph.sync().and_then(|()| self.batch.write_down(&*self.disk, &self.ledger));
        match written {
            Ok(()) => {}
            // Space may return: the batch is kept and tried again, up to four times its usual size.
            Err(error @ StoreError::Full { .. }) if self.batch.bytes() < 4 * self.options.batch_bytes => {
                self.batch_since = Some(Instant::now());
                self.batch_blocks = 0;
                return self.note(&error);
            }
            Err(error) => return self.give_up(&error),
        }
        if let Err(fault) = view.apply(&self.batch) {
            return self.give_up(&fault);
        }
        // Only to save space: applying it again would change nothing.
        let _ = self.disk.remove(&batch_path(&self.ledger));
        self.batch = Batch::default();
        self.batch_blocks = 0;
        self.batch_since = None;
        let due = self.graph.snapshot_due();
        let mut status = self.status.lock().unwrap_or_else(PoisonError::into_inner);
        *status = ViewStatus { blocks: applied.height + 1, fault: None, graph_snapshot_due: due };
    }

    /// Stops writing the view; the log is not affected.
    fn give_up(&mut self, why: &dyn std::error::Error) {
        self.view = None;
        self.batch = Batch::default();
        self.batch_blocks = 0;
        self.batch_since = None;
        self.note(why);
    }

    fn note(&self, why: &dyn std::error::Error) {
        let mut text = why.to_string();
        let mut cause = why.source();
        while let Some(next) = cause {
            text.push_str(": ");
            text.push_str(&next.to_string());
            cause = next.source();
        }
        tracing::error!(fault = %text, "the view stands still");
        self.status.lock().unwrap_or_else(PoisonError::into_inner).fault = Some(text);
    }

    fn save_graph(&mut self, blocks: u64, export: &[u8]) -> Result<(), StoreError> {
        if self.view.is_none() {
            return Ok(());
        }
        self.graph.save(&*self.disk, blocks, export)?;
        self.status.lock().unwrap_or_else(PoisonError::into_inner).graph_snapshot_due = false;
        Ok(())
    }
}

/// What the index thread is asked to do.
#[derive(Debug)]
enum Work {
    Block(Box<IndexedBlock>),
    SaveGraph { blocks: u64, export: Vec<u8>, done: SyncSender<Result<(), StoreError>> },
    Flush(SyncSender<Result<(), StoreError>>),
}

/// The thread and its queue. Dropped, it finishes what is queued.
#[derive(Debug)]
pub(crate) struct IndexThread {
    queue: Option<SyncSender<Work>>,
    thread: Option<JoinHandle<()>>,
}

impl IndexThread {
    pub(crate) fn start(indexer: Indexer) -> std::io::Result<Self> {
        let (queue, work) = sync_channel(indexer.options.queue_blocks.max(1));
        let thread =
            std::thread::Builder::new().name("ore-index".into()).spawn(move || run(indexer, &work))?;
        Ok(Self { queue: Some(queue), thread: Some(thread) })
    }

    /// Queues a block; waits while the queue is full.
    pub(crate) fn block(&self, block: IndexedBlock) -> Result<(), StoreError> {
        self.send(Work::Block(Box::new(block)))
    }

    /// Waits until everything queued is durable in the view.
    pub(crate) fn flush(&self) -> Result<(), StoreError> {
        let (done, wait) = sync_channel(1);
        self.send(Work::Flush(done))?;
        wait.recv().map_err(|_| StoreError::IndexGone)?
    }

    pub(crate) fn save_graph(&self, blocks: u64, export: Vec<u8>) -> Result<(), StoreError> {
        let (done, wait) = sync_channel(1);
        self.send(Work::SaveGraph { blocks, export, done })?;
        wait.recv().map_err(|_| StoreError::IndexGone)?
    }

    fn send(&self, work: Work) -> Result<(), StoreError> {
        let queue = self.queue.as_ref().ok_or(StoreError::IndexGone)?;
        queue.send(work).map_err(|_| StoreError::IndexGone)
    }
}

impl Drop for IndexThread {
    fn drop(&mut self) {
        self.queue = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn run(mut indexer: Indexer, work: &Receiver<Work>) {
    loop {
        match work.recv_timeout(indexer.options.batch_age) {
            Ok(Work::Block(block)) => indexer.take(*block),
            Ok(Work::SaveGraph { blocks, export, done }) => {
                let _ = done.send(indexer.save_graph(blocks, &export));
            }
            Ok(Work::Flush(done)) => {
                indexer.apply();
                let fault = indexer.status.lock().unwrap_or_else(PoisonError::into_inner).fault.clone();
                let _ = done.send(match fault {
                    None => Ok(()),
                    Some(why) => Err(StoreError::View { why }),
                });
            }
            Err(RecvTimeoutError::Timeout) => {
                if indexer.due(Instant::now()) {
                    indexer.apply();
                }
            }
            Err(RecvTimeoutError::Disconnected) => return indexer.apply(),
        }
    }
}
