//! The store: one writer, any number of readers, an index thread.

use std::{
    fs::File,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

use ore_checkpoint::{Checkpoint, KeyName};
use ore_custody::Custody;
use ore_merkle::{LeafHash, RootHash, TreeSize};
use ore_provenance::Graph;
use ore_record::v1;

use crate::{
    batch::Applied,
    block::CommittedBlock,
    disk::{self, Disk, RealDisk},
    error::StoreError,
    frame::StoredBlock,
    header::{self, BlockId},
    indexer::{IndexOptions, IndexThread, IndexedBlock, ViewStatus},
    log::{LogOptions, LogWriter},
    positions::BlockRows,
    promise::{CHECKPOINT_FILE, Promise, read_small},
    reader::Reader,
};

/// What is being done that takes long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Reading the log to make the index again.
    Index,
    /// Applying blocks that the view does not have.
    CatchUp,
    /// Making the view again from the first block.
    Rebuild,
    /// Checking.
    Fsck,
}

/// Files about a change of the validators, below the ledger's folder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChangeFile {
    /// The new set under the last state of the old one: taken before that state passes.
    Turnover,
    /// The same with the seal of that state under a checkpoint of the old set: what is shown to others.
    Handover,
}

impl ChangeFile {
    /// All kinds.
    pub(crate) const ALL: [Self; 2] = [Self::Turnover, Self::Handover];

    /// What it is called below the ledger's folder.
    pub(crate) fn name(self, height: u64) -> String {
        match self {
            Self::Turnover => format!("turnover-{height}"),
            Self::Handover => format!("handover-{height}"),
        }
    }
}

/// Progress of something that takes long: the phase, entries done, entries in all when known.
pub type Progress<'a> = &'a (dyn Fn(Phase, u64, Option<u64>) + Sync);

/// Shows no progress.
pub fn silent(_: Phase, _: u64, _: Option<u64>) {}

/// How a ledger is stored.
#[derive(Clone, Debug)]
pub struct StoreOptions {
    /// The ledger's origin; every header must name it.
    pub origin: String,
    /// Segments of the log.
    pub log: LogOptions,
    /// The index thread.
    pub index: IndexOptions,
    /// The disk; another one only in tests.
    pub disk: Arc<dyn Disk>,
}

impl StoreOptions {
    /// With the defaults of each part.
    #[must_use]
    pub fn new(origin: &str) -> Self {
        Self {
            origin: origin.to_owned(),
            log: LogOptions::default(),
            index: IndexOptions::default(),
            disk: Arc::new(RealDisk),
        }
    }
}

/// What a start gives back.
pub struct Recovered {
    /// Custody after the newest block.
    pub custody: Custody,
    /// The graph after the newest block.
    pub graph: Graph,
    /// Header and id of the newest block; `None` in an empty ledger.
    pub newest: Option<(v1::BlockHeader, BlockId)>,
    /// Height of the next block.
    pub next_height: u64,
    /// Blocks that the view did not have and that were applied from the log.
    pub replayed_blocks: u64,
    /// Why the view was made again from the first block, if it was.
    pub rebuilt: Option<String>,
    /// Bytes of a torn tail that were cut off.
    pub torn_bytes: u64,
}

/// One node's ledger.
#[derive(Debug)]
pub struct Store {
    pub(crate) dir: PathBuf,
    pub(crate) disk: Arc<dyn Disk>,
    pub(crate) origin: String,
    pub(crate) writer: LogWriter,
    pub(crate) reader: Reader,
    pub(crate) index: IndexThread,
    pub(crate) status: Arc<Mutex<ViewStatus>>,
    pub(crate) promise: Promise,
    pub(crate) lock: File,
}

impl Store {
    /// A handle for reading.
    #[must_use]
    pub fn reader(&self) -> Reader {
        self.reader.clone()
    }

    /// Where the ledger is.
    #[must_use]
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Size and root of the tree with these leaves after the present ones: what a header of the next block says.
    #[must_use]
    pub fn tree_with(&self, leaves: &[LeafHash]) -> (TreeSize, RootHash) {
        self.reader.get().tree.with(leaves)
    }

    /// Appends a decided block; it is durable when this returns: one fdatasync. The newest block may be given again,
    /// which changes nothing.
    ///
    /// # Errors
    /// [`StoreError::NotNext`] and [`StoreError::DoesNotFit`] when it does not continue the log, the disk's otherwise;
    /// see [`LogWriter::append`] for what may be done then.
    pub fn append(&mut self, block: CommittedBlock) -> Result<(), StoreError> {
        let id = BlockId::of(&block.header);
        let header = match self.fit(&block, id)? {
            Some(header) => header,
            None => return Ok(()),
        };
        let first_leaf = self.reader.size().get();
        let CommittedBlock { height, header: bytes, entries, certificate, consequences, leaf_hashes, ids } =
            block;
        let (frame, segment) = self.writer.append(height, &bytes, &certificate, &entries)?;
        let entries_at = 12 + bytes.len() + certificate.len();
        let stored = StoredBlock { height, header: bytes, certificate, entries, entries_at };
        let rows = BlockRows::with_hashes(first_leaf, frame, &stored, leaf_hashes, ids);
        let applied = Applied {
            height,
            tree_size: header.tree_size,
            state_root: header.state_root.as_slice().try_into().unwrap_or_default(),
            block_id: id,
        };
        {
            let mut readable = self.reader.0.write().unwrap_or_else(PoisonError::into_inner);
            readable.tree.extend(rows.leaf_hashes.iter().copied());
            readable.positions.push(rows.slot, &rows.lengths, &segment);
            readable.header = Some(header);
            readable.block_id = id;
        }
        let (writes, feed) = consequences.into_writes(height);
        // The block is durable: whatever becomes of the index is repaired by the next start.
        let _ = self.index.block(IndexedBlock { applied, rows, writes, feed });
        Ok(())
    }

    /// Whether a block continues the log. `None`: it is the newest block, once more.
    fn fit(&self, block: &CommittedBlock, id: BlockId) -> Result<Option<v1::BlockHeader>, StoreError> {
        let height = block.height;
        let why = |why: String| StoreError::DoesNotFit { height, why };
        let header = header::decode(&block.header).map_err(|bad| why(format!("its header is {bad}")))?;
        let (expected, previous, again) = {
            let readable = self.reader.get();
            let newest = readable.header.as_ref();
            let expected = newest.map_or(0, |newest| newest.height + 1);
            let again = newest.is_some_and(|newest| newest.height == height) && readable.block_id == id;
            (expected, readable.block_id, again)
        };
        if again {
            return Ok(None);
        }
        if height != expected {
            return Err(StoreError::NotNext { expected, found: height });
        }
        if header.height != height || header.origin != self.origin {
            return Err(why(format!("its header is of height {} of {}", header.height, header.origin)));
        }
        if header.previous_header != previous.0 {
            return Err(why(format!("it does not follow block {previous}")));
        }
        if block.leaf_hashes.len() != block.entries.len() || block.ids.len() != block.entries.len() {
            return Err(why("it has other numbers of entries, hashes and ids".into()));
        }
        let (size, root) = self.tree_with(&block.leaf_hashes);
        if header.tree_size != size.get() || header.tree_root != root.as_bytes() {
            return Err(why(format!("its entries give tree {size} {root}, its header says otherwise")));
        }
        Ok(Some(header))
    }

    /// Notes durably that the log will be signed at `size`, and gives the body to sign.
    ///
    /// # Errors
    /// [`Promise::advance`].
    pub fn promise(&mut self, origin: &KeyName, size: TreeSize) -> Result<Checkpoint, StoreError> {
        let reader = &self.reader;
        self.promise.advance(&*self.disk, origin, size, |size| reader.root_at(size))
    }

    /// The newest body that this node has signed.
    #[must_use]
    pub const fn promised(&self) -> Option<&Checkpoint> {
        self.promise.body()
    }

    /// Whether the log is shorter than this node has signed for: then it is an old copy, and signs nothing until it
    /// has caught up.
    #[must_use]
    pub fn behind_promise(&self) -> bool {
        self.promised().is_some_and(|body| body.size() > self.reader.size())
    }

    /// Replaces the published checkpoint.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn publish_checkpoint(&self, note: &[u8]) -> Result<(), StoreError> {
        let path = self.dir.join(CHECKPOINT_FILE);
        disk::replace(&*self.disk, &path, note).map_err(|e| StoreError::io("publish", path, e))
    }

    /// The published checkpoint.
    ///
    /// # Errors
    /// When the disk cannot be read.
    pub fn checkpoint(&self) -> Result<Option<Vec<u8>>, StoreError> {
        read_small(&*self.disk, &self.dir.join(CHECKPOINT_FILE))
    }

    /// Keeps what shows a change of the validators; both kinds are named by the first height of the new set.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn keep_change(&self, kind: ChangeFile, height: u64, bytes: &[u8]) -> Result<(), StoreError> {
        let path = self.dir.join(kind.name(height));
        disk::replace(&*self.disk, &path, bytes).map_err(|e| StoreError::io("keep", path, e))
    }

    /// What was kept; `None` when nothing was.
    ///
    /// # Errors
    /// When the disk cannot be read.
    pub fn kept_change(&self, kind: ChangeFile, height: u64) -> Result<Option<Vec<u8>>, StoreError> {
        read_small(&*self.disk, &self.dir.join(kind.name(height)))
    }

    /// How far the view is.
    #[must_use]
    pub fn view_status(&self) -> ViewStatus {
        self.status.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Waits until all blocks so far are durable in the view, so that the next start has nothing to catch up.
    ///
    /// # Errors
    /// [`StoreError::View`] when the view stands still.
    pub fn flush(&self) -> Result<(), StoreError> {
        self.index.flush()
    }

    /// Saves the graph as it is after the newest block, so that the next start need not replay its feed.
    ///
    /// # Errors
    /// When the disk refuses, and [`StoreError::GraphAhead`]. The feed still holds everything.
    pub fn save_graph(&self, graph: &Graph) -> Result<(), StoreError> {
        let readable = self.reader.get();
        let (blocks, entries) = (readable.positions.blocks(), readable.positions.leaves());
        if let Some(leaf) = graph.newest_leaf().filter(|leaf| *leaf >= entries) {
            return Err(StoreError::GraphAhead { leaf, entries });
        }
        self.index.save_graph(blocks, graph.export())
    }

    /// Flushes, saves the graph, and closes.
    ///
    /// # Errors
    /// As [`Store::flush`] and [`Store::save_graph`]; nothing acknowledged is lost by an error here.
    pub fn close(self, graph: &Graph) -> Result<(), StoreError> {
        self.flush()?;
        self.save_graph(graph)?;
        drop(self.index);
        drop(self.lock);
        Ok(())
    }
}
