//! Opening a ledger: find the end of the log, then bring everything that is made from it up to that end.

use std::{
    fs::{self, File},
    path::Path,
    sync::{Arc, Mutex, RwLock},
};

use ore_custody::{Custody, LoadError, RecordIndex};
use ore_merkle::{Frontier, TreeSize};
use ore_provenance::Graph;
use ore_record::v1;
use rustix::fs::FlockOperation;

use crate::{
    batch::{Applied, Batch},
    checked::{Met, read_checked},
    damage::{Damage, Fault, Place},
    disk::{Access, Disk},
    error::StoreError,
    graph_files::GraphFiles,
    header::{self, BlockId},
    indexer::{IndexThread, IndexedBlock, Indexer, ViewStatus},
    log::{self, FrameAt, LOG_DIR, LogEnd, LogWriter, Segment, Start, walk_log},
    positions::{BlockRows, BlockSlot, FlatFiles, LoadedRows, Positions},
    promise::Promise,
    reader::{Readable, Reader},
    replay::Replay,
    store::{ChangeFile, Phase, Progress, Recovered, Store, StoreOptions},
    take_up::load_custody,
    tree::{self, LogTree},
    view::{View, set_aside},
};

impl Store {
    /// Opens the ledger in `dir`, or creates an empty one. A torn tail is cut off; the index and the view are
    /// completed from the log, or made again when they disagree with it.
    ///
    /// # Errors
    /// [`StoreError::Damaged`] names the first thing in the log that is wrong, which is never repaired silently;
    /// [`StoreError::Locked`]; the disk's.
    pub fn open(
        dir: &Path,
        options: &StoreOptions,
        progress: Progress<'_>,
    ) -> Result<(Self, Recovered), StoreError> {
        let disk = Arc::clone(&options.disk);
        let log_dir = dir.join(LOG_DIR);
        disk.create_dir(&log_dir).map_err(|e| StoreError::io("create", &log_dir, e))?;
        disk.sync_dir(dir).map_err(|e| StoreError::io("sync", dir, e))?;
        let lock = lock(dir)?;
        let mut log = OpenedLog::open(&disk, dir, options, progress)?;
        // Long readings that need nothing of each other.
        let ids = std::mem::take(&mut log.rows.ids);
        let (tree, made) = std::thread::scope(|scope| {
            let graph = scope.spawn(|| GraphFiles::open(&*disk, dir));
            let records = scope.spawn(|| RecordIndex::from_ids(ids));
            (log.tree(progress), graph.join().and_then(|graph| Ok((graph, records.join()?))))
        });
        let tree = tree?;
        let (graph, mut records) = made.unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        let graph = graph?;
        if !log.rows.ids.is_empty() {
            // The stored rows were wrong, and were made again from the log.
            records = RecordIndex::from_ids(std::mem::take(&mut log.rows.ids));
        }
        let tip = log.tip(&options.origin)?;
        check_tree(&log, &tree, tip.as_ref())?;
        let promise = Promise::open(&*disk, dir)?;

        let OpenedLog { segments, flat, rows, writer, torn_bytes } = log;
        let LoadedRows { slots, lengths, .. } = rows;
        let positions = Positions::new(slots, lengths, segments.clone());
        let status = Arc::new(Mutex::new(ViewStatus::default()));
        let ledger =
            Ledger { dir, disk: &disk, options, segments, tree: &tree, positions: &positions, progress };
        let (indexer, replay, rebuilt, replayed_blocks) =
            ledger.bring_up(flat, graph, records, Arc::clone(&status))?;
        let index = IndexThread::start(indexer).map_err(|e| StoreError::io("start a thread for", dir, e))?;
        let newest = tip;
        let readable = Readable {
            positions,
            tree,
            header: newest.as_ref().map(|(header, _)| header.clone()),
            block_id: newest.as_ref().map_or(BlockId::default(), |(_, id)| *id),
        };
        let recovered = Recovered {
            next_height: replay.next_height(),
            custody: replay.custody,
            graph: replay.graph,
            newest,
            replayed_blocks,
            rebuilt,
            torn_bytes,
        };
        let store = Self {
            dir: dir.to_owned(),
            disk,
            origin: options.origin.clone(),
            writer,
            reader: Reader(Arc::new(RwLock::new(readable))),
            index,
            status,
            promise,
            lock,
        };
        Ok((store, recovered))
    }
}

pub(crate) fn lock(dir: &Path) -> Result<File, StoreError> {
    let path = dir.join("lock");
    let file = fs::OpenOptions::new().create(true).truncate(false).write(true).open(&path);
    let file = file.map_err(|e| StoreError::io("open", &path, e))?;
    match rustix::fs::flock(&file, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => Ok(file),
        Err(rustix::io::Errno::WOULDBLOCK) => Err(StoreError::Locked { path: dir.to_owned() }),
        Err(error) => Err(StoreError::io("lock", path, error.into())),
    }
}

/// The log, its end found, and the flat files brought up to it.
struct OpenedLog {
    segments: Vec<Arc<Segment>>,
    flat: FlatFiles,
    rows: LoadedRows,
    writer: LogWriter,
    torn_bytes: u64,
}

impl OpenedLog {
    fn open(
        disk: &Arc<dyn Disk>,
        dir: &Path,
        options: &StoreOptions,
        progress: Progress<'_>,
    ) -> Result<Self, StoreError> {
        let log_dir = dir.join(LOG_DIR);
        let segments = log::open_segments(&**disk, &log_dir, Access::Write)?;
        let (mut flat, mut rows) = FlatFiles::open(&**disk, dir)?;
        let start = after(&segments, &rows.slots)?;
        let mut fresh = Vec::new();
        let mut leaf = rows.leaf_hashes.len() as u64;
        let end = walk_log(&segments, start, |frame, block, _| {
            let of = BlockRows::of(leaf, frame, &block);
            leaf += of.lengths.len() as u64;
            fresh.push(of);
            progress(Phase::Index, leaf, None);
            true
        })?;
        let (offset, torn) = match end {
            LogEnd::Damaged(damage) | LogEnd::End { tail: Some((damage, true)), .. } => {
                return Err(damage.into());
            }
            LogEnd::End { offset, tail } => (offset, tail.is_some()),
            LogEnd::Stopped => unreachable!("the visitor never stops"),
        };
        let active = segments.last().cloned();
        let size = active.as_ref().and_then(|segment| segment.file.size().ok()).unwrap_or(offset);
        let torn_bytes = if torn { size.saturating_sub(offset) } else { 0 };
        if torn {
            tracing::warn!(bytes = torn_bytes, offset, "torn tail of the log cut off");
        }
        flat.trim()?;
        flat.append(rows.slots.len() as u64, &fresh.iter().collect::<Vec<_>>())?;
        fresh.iter().for_each(|of| rows.push(of));
        let last = rows.slots.last().map(|slot| slot.frame);
        let writer = LogWriter::resume(Arc::clone(disk), log_dir, options.log, active, offset, last)?;
        Ok(Self { segments, flat, rows, writer, torn_bytes })
    }

    /// The tree over all leaves, whose hashes it takes; made again from the log when the stored hashes do not give the
    /// newest root.
    fn tree(&mut self, progress: Progress<'_>) -> Result<LogTree, StoreError> {
        let tree = self.tree_of_rows();
        let Some(newest) = self.newest_header()? else { return Ok(tree) };
        if header::decode(&newest).is_ok_and(|header| header.tree_root == tree.root().as_bytes()) {
            return Ok(tree);
        }
        tracing::warn!("the stored leaf hashes do not give the newest root; reading the whole log");
        self.flat.clear()?;
        let mut rows = LoadedRows::default();
        let mut all = Vec::new();
        walk_log(&self.segments, Start::GENESIS, |frame, block, _| {
            let of = BlockRows::of(rows.leaf_hashes.len() as u64, frame, &block);
            rows.push(&of);
            all.push(of);
            progress(Phase::Index, rows.leaf_hashes.len() as u64, None);
            true
        })?;
        self.flat.append(0, &all.iter().collect::<Vec<_>>())?;
        self.rows = rows;
        Ok(self.tree_of_rows())
    }

    /// What is read now stays in the file.
    fn tree_of_rows(&mut self) -> LogTree {
        let mut tree = LogTree::new(self.flat.leaf_rows());
        tree.extend(std::mem::take(&mut self.rows.leaf_hashes));
        tree
    }

    fn newest_header(&self) -> Result<Option<bytes::Bytes>, StoreError> {
        let Some(slot) = self.rows.slots.last() else { return Ok(None) };
        let segment = segment_of(&self.segments, slot.frame)?;
        Ok(Some(log::read_block(segment, slot.frame, self.rows.slots.len() as u64 - 1)?.header))
    }

    fn tip(&self, origin: &str) -> Result<Option<(v1::BlockHeader, BlockId)>, StoreError> {
        let Some(bytes) = self.newest_header()? else { return Ok(None) };
        let height = self.rows.slots.len() as u64 - 1;
        let place = Place { height: Some(height), ..Place::default() };
        let header = header::decode(&bytes).map_err(|bad| {
            Damage::new(Fault::Header, place.clone(), "a canonical header", bad.to_string())
        })?;
        if header.origin != origin {
            return Err(
                Damage::new(Fault::HeaderChain, place, format!("origin {origin}"), header.origin).into()
            );
        }
        Ok(Some((header, BlockId::of(&bytes))))
    }
}

fn check_tree(
    log: &OpenedLog,
    tree: &LogTree,
    tip: Option<&(v1::BlockHeader, BlockId)>,
) -> Result<(), StoreError> {
    let Some((header, _)) = tip else { return Ok(()) };
    let (size, root) = (tree.size().get(), tree.root());
    if header.tree_size == size && header.tree_root == root.as_bytes() {
        return Ok(());
    }
    let place = Place { height: Some(log.rows.slots.len() as u64 - 1), ..Place::default() };
    let found = format!("{size} {root}");
    let expected = format!("{} {}", header.tree_size, crate::replay::hex(&header.tree_root));
    Err(Damage::new(Fault::TreeRoot, place, expected, found).into())
}

fn segment_of(segments: &[Arc<Segment>], frame: FrameAt) -> Result<&Arc<Segment>, StoreError> {
    segments.iter().find(|segment| segment.first_height == frame.segment).ok_or_else(|| {
        let name = format!("{LOG_DIR}/{}", log::segment_name(frame.segment));
        let place = Place::in_file(name, 0).at_height(frame.segment);
        Damage::new(Fault::RolledBack, place, "the segment that the index knows", "none").into()
    })
}

/// Where the log goes on after the blocks that the index knows. The newest of them must be there: it was
/// acknowledged, so a bad frame in its place is damage and no torn tail.
fn after(segments: &[Arc<Segment>], slots: &[BlockSlot]) -> Result<Start, StoreError> {
    let Some(slot) = slots.last() else { return Ok(Start::GENESIS) };
    let height = slots.len() as u64 - 1;
    let segment = segment_of(segments, slot.frame)?;
    log::read_block(segment, slot.frame, height).map_err(|error| match error {
        StoreError::Io { source, .. } if source.kind() == std::io::ErrorKind::UnexpectedEof => {
            let place = Place::in_file(&segment.name, slot.frame.offset).at_height(height);
            Damage::new(
                Fault::RolledBack,
                place,
                "the newest block that the index knows",
                "the end of the file",
            )
            .into()
        }
        other => other,
    })?;
    let frame = crate::frame::FRAME_HEADER_BYTES as u64 + u64::from(slot.frame.body_bytes);
    let offset = slot.frame.offset + frame.next_multiple_of(crate::frame::FRAME_ALIGNMENT);
    let at = segments.iter().position(|other| other.first_height == slot.frame.segment).unwrap_or(0);
    Ok(Start { segment: at, offset, height: height + 1 })
}

/// What is needed to bring custody, graph and view up to the end of the log.
struct Ledger<'a> {
    dir: &'a Path,
    disk: &'a Arc<dyn Disk>,
    options: &'a StoreOptions,
    segments: Vec<Arc<Segment>>,
    tree: &'a LogTree,
    positions: &'a Positions,
    progress: Progress<'a>,
}

type BroughtUp = (Indexer, Replay, Option<String>, u64);

impl Ledger<'_> {
    fn bring_up(
        &self,
        flat: FlatFiles,
        (graph_files, graph): (GraphFiles, Graph),
        records: Result<RecordIndex, LoadError>,
        status: Arc<Mutex<ViewStatus>>,
    ) -> Result<BroughtUp, StoreError> {
        let mut indexer = self.indexer(flat, graph_files, status);
        let mut why = match self.take_up_view(&mut indexer, graph, records) {
            Ok(mut replay) => {
                let from = replay.next_height();
                match self.catch_up(&mut indexer, &mut replay, Phase::CatchUp) {
                    Ok(()) => return Ok((indexer, replay, None, self.positions.blocks() - from)),
                    // The view may have been wrong in a way that no state root shows: make it again and see.
                    Err(StoreError::Damaged(damage)) if from > 0 => damage.to_string(),
                    Err(error) => return Err(error),
                }
            }
            Err(why) => why,
        };
        tracing::warn!(%why, "the view is set aside and made again from the log");
        indexer.view = None;
        indexer.batch = Batch::default();
        if let Some(aside) = set_aside(&**self.disk, self.dir)? {
            why = format!("{why} (kept as {})", aside.display());
        }
        let _ = self.disk.remove(&crate::batch::batch_path(self.dir));
        indexer.graph.clear(&**self.disk)?;
        match View::open(&**self.disk, self.dir, self.options.index.cache_bytes) {
            Ok(view) => indexer.view = Some(view),
            Err(fault) => return Err(StoreError::View { why: fault.why }),
        }
        let mut replay = Replay::from_nothing(&self.options.origin);
        replay.positions = self.positions.clone();
        self.catch_up(&mut indexer, &mut replay, Phase::Rebuild)?;
        indexer.apply();
        Ok((indexer, replay, Some(why), self.positions.blocks()))
    }

    /// A graph of so many blocks holds nothing of a later one: such a snapshot was taken while a block was under way.
    fn check_graph(&self, graph: &Graph, blocks: u64) -> Result<(), String> {
        let entries = match blocks.checked_sub(1) {
            Some(newest) => self.header(newest)?.0.tree_size,
            None => 0,
        };
        match graph.newest_leaf().filter(|leaf| *leaf >= entries) {
            Some(leaf) => Err(format!("the graph of {blocks} blocks holds leaf {leaf}, which came later")),
            None => Ok(()),
        }
    }

    fn indexer(&self, flat: FlatFiles, graph: GraphFiles, status: Arc<Mutex<ViewStatus>>) -> Indexer {
        Indexer {
            disk: Arc::clone(self.disk),
            ledger: self.dir.to_owned(),
            options: self.options.index,
            flat,
            graph,
            view: None,
            status,
            batch: Batch::default(),
            batch_blocks: 0,
            batch_since: None,
        }
    }

    /// Takes up what the view holds, if it agrees with the log; says why not otherwise.
    fn take_up_view(
        &self,
        indexer: &mut Indexer,
        graph: Graph,
        records: Result<RecordIndex, LoadError>,
    ) -> Result<Replay, String> {
        let view = View::open(&**self.disk, self.dir, self.options.index.cache_bytes)
            .map_err(|fault| fault.to_string())?;
        let applied = self.redo(&view)?;
        let mut replay = Replay::from_nothing(&self.options.origin);
        replay.positions = self.positions.clone();
        if indexer.graph.blocks() > self.positions.blocks() {
            return Err(format!("the graph holds {} blocks, more than the log", indexer.graph.blocks()));
        }
        self.check_graph(&graph, indexer.graph.blocks())?;
        indexer.graph.trim().map_err(|error| error.to_string())?;
        replay.graph = graph;
        replay.graph_blocks = indexer.graph.blocks();
        let Some(applied) = applied else {
            indexer.view = Some(view);
            return Ok(replay);
        };
        let (header, id) = self.header(applied.height)?;
        if id != applied.block_id || header.tree_size != applied.tree_size {
            return Err(format!("the view stands at another block of height {}", applied.height));
        }
        if indexer.graph.blocks() <= applied.height {
            return Err(format!("the graph ends before height {}", applied.height));
        }
        let mut custody = self.load(&view, &applied, records)?;
        if custody.state_root() != *header.state_root {
            return Err(format!("its state root is not that of the header of height {}", applied.height));
        }
        replay.frontier = self
            .frontier_at(applied.tree_size)
            .ok_or("the tree is shorter than the view, or its stored leaf hashes cannot be read")?;
        replay.custody = custody;
        replay.header = Some(header);
        replay.block_id = id;
        indexer.view = Some(view);
        indexer.status.lock().unwrap_or_else(std::sync::PoisonError::into_inner).blocks = applied.height + 1;
        Ok(replay)
    }

    /// Applies the batch that a crash may have interrupted, once more.
    fn redo(&self, view: &View) -> Result<Option<Applied>, String> {
        let applied = view.applied().map_err(|fault| fault.to_string())?;
        let batch = Batch::read_back(&**self.disk, self.dir).map_err(|error| error.to_string())?;
        let Some((batch, to)) = batch.and_then(|batch| batch.applied.map(|to| (batch, to))) else {
            return Ok(applied);
        };
        if applied.is_some_and(|applied| applied.height > to.height) {
            return Ok(applied);
        }
        let (_, id) = self.header(to.height)?;
        if id != to.block_id {
            return Err(format!("a batch for another block of height {}", to.height));
        }
        view.apply(&batch).map_err(|fault| fault.to_string())?;
        Ok(Some(to))
    }

    fn header(&self, height: u64) -> Result<(v1::BlockHeader, BlockId), String> {
        let (slot, segment) = self
            .positions
            .block(height)
            .ok_or_else(|| format!("it stands at height {height}, beyond the end of the log"))?;
        let block = log::read_block(&segment, slot.frame, height).map_err(|error| error.to_string())?;
        let header = header::decode(&block.header).map_err(|bad| bad.to_string())?;
        Ok((header, BlockId::of(&block.header)))
    }

    fn load(
        &self,
        view: &View,
        applied: &Applied,
        records: Result<RecordIndex, LoadError>,
    ) -> Result<Custody, String> {
        let mut records = records.map_err(|error| error.to_string())?;
        let leaves = usize::try_from(applied.tree_size).map_err(|_| "too many leaves")?;
        if records.len() < leaves {
            return Err("the view holds more leaves than the log".into());
        }
        records.truncate(leaves);
        load_custody(view, &self.options.origin, records)
    }

    fn frontier_at(&self, size: u64) -> Option<Frontier> {
        let taken = self.tree.take([tree::border(TreeSize::new(size))]).read();
        self.tree.frontier(&self.tree.believe(taken), size)
    }

    /// Applies the blocks that `replay` does not have.
    fn catch_up(&self, indexer: &mut Indexer, replay: &mut Replay, phase: Phase) -> Result<(), StoreError> {
        let height = replay.next_height();
        let Some((slot, segment)) = self.positions.block(height) else { return Ok(()) };
        let at =
            self.segments.iter().position(|other| other.first_height == segment.first_height).unwrap_or(0);
        let start = Start { segment: at, offset: slot.frame.offset, height };
        let all = self.positions.leaves();
        std::thread::scope(|scope| {
            for met in read_checked(scope, self.segments.clone(), start, false) {
                match met.recv().map_err(|_| StoreError::IndexGone)? {
                    Met::Blocks(blocks) => {
                        for block in blocks {
                            self.replay_one(indexer, replay, &block)?;
                        }
                        (self.progress)(phase, replay.frontier.size().get(), Some(all));
                    }
                    Met::End(LogEnd::Damaged(damage)) => return Err(damage.into()),
                    Met::End(_) => return Ok(()),
                    Met::Unreadable(error) => return Err(error),
                }
            }
            Ok(())
        })
    }

    /// What shows the next validators, for a ledger that lost it or never saw the change happen.
    fn keep_turnover(&self, replay: &mut Replay, height: u64) -> Result<(), StoreError> {
        let Some(turnover) = crate::replay::turnover(&mut replay.custody, height) else { return Ok(()) };
        let path = self.dir.join(ChangeFile::Turnover.name(height + 1));
        if path.exists() {
            return Ok(());
        }
        crate::disk::replace(&**self.disk, &path, turnover.to_string().as_bytes())
            .map_err(|e| StoreError::io("keep", path, e))
    }

    fn replay_one(
        &self,
        indexer: &mut Indexer,
        replay: &mut Replay,
        block: &crate::checked::CheckedBlock,
    ) -> Result<(), StoreError> {
        let replayed = replay.block(block)?;
        let header = replay.header.as_ref().expect("replay.block sets the header");
        let applied = Applied {
            height: header.height,
            tree_size: header.tree_size,
            state_root: header.state_root.as_slice().try_into().unwrap_or_default(),
            block_id: replay.block_id,
        };
        let height = applied.height;
        self.keep_turnover(replay, height)?;
        let (writes, feed) = replayed.consequences.into_writes(height);
        indexer.take(IndexedBlock { applied, rows: replayed.rows, writes, feed });
        match indexer.view {
            Some(_) => Ok(()),
            None => {
                let status = indexer.status.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
                Err(StoreError::View { why: status.fault.clone().unwrap_or_default() })
            }
        }
    }
}
