//! Positions: which block holds a leaf, where it lies, and the tree over all leaves; in memory, and in flat
//! files that save the next start from reading the whole log.
//!
//! The files are written after the log and never synced: each block's row carries a CRC over its rows in
//! all of them, and what does not match is made again from the log.

use std::{
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use bytes::Bytes;
use ore_merkle::{LeafHash, hash_leaf};
use ore_record::RecordId;

use crate::{
    disk::{Access, Disk, DiskFile},
    error::StoreError,
    frame::{FRAME_HEADER_BYTES, StoredBlock},
    log::{FrameAt, Segment},
    tree::LeafRows,
};

/// Folder of the flat files, below the ledger's.
pub const INDEX_DIR: &str = "index";
/// Leaf hashes, 32 bytes each, in order.
pub const LEAF_HASHES: &str = "leaf-hashes";
/// Record ids, 32 bytes each, in order.
pub const RECORD_IDS: &str = "record-ids";
/// Lengths of entries, u16 each, in order.
pub const ENTRY_LENGTHS: &str = "entry-lengths";
/// One row per block.
pub const BLOCKS: &str = "blocks";
/// Bytes of a block's row.
pub const BLOCK_ROW_BYTES: usize = 48;

/// Where one block lies and which leaves it holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BlockSlot {
    /// Leaf index of its first entry.
    pub first_leaf: u64,
    /// How many entries, the seal included.
    pub entries: u32,
    /// Where its entries begin in the body.
    pub entries_at: u32,
    /// Where its frame lies.
    pub frame: FrameAt,
}

/// What the index keeps of one block.
#[derive(Clone, Debug)]
pub struct BlockRows {
    /// Its place.
    pub slot: BlockSlot,
    /// Hash of each entry.
    pub leaf_hashes: Vec<LeafHash>,
    /// Id of each record, the seal's included.
    pub ids: Vec<RecordId>,
    /// Length of each entry in bytes.
    pub lengths: Vec<u16>,
}

impl BlockRows {
    /// Computes the rows of a block from its bytes.
    #[must_use]
    pub fn of(first_leaf: u64, frame: FrameAt, block: &StoredBlock) -> Self {
        let leaf_hashes = block.entries.iter().map(|entry| hash_leaf(entry)).collect();
        let ids = block.entries.iter().map(|entry| record_id(entry)).collect();
        Self::with_hashes(first_leaf, frame, block, leaf_hashes, ids)
    }

    /// As [`BlockRows::of`], when the hashes are known.
    #[must_use]
    pub fn with_hashes(
        first_leaf: u64,
        frame: FrameAt,
        block: &StoredBlock,
        leaf_hashes: Vec<LeafHash>,
        ids: Vec<RecordId>,
    ) -> Self {
        // Frames are shorter than 4 GiB, entries than 64 KiB: parse_body and encode both see to it.
        let lengths = block.entries.iter().map(|entry| entry.len() as u16).collect();
        let slot = BlockSlot {
            first_leaf,
            entries: block.entries.len() as u32,
            entries_at: block.entries_at as u32,
            frame,
        };
        Self { slot, leaf_hashes, ids, lengths }
    }
}

/// The id of the record in an entry, found by its envelope alone: field 1 comes first, canonically. An entry
/// that is no envelope gets the id of no bytes; the rules never let one in.
#[must_use]
pub fn record_id(entry: &[u8]) -> RecordId {
    RecordId::of(record_bytes(entry).unwrap_or_default())
}

fn record_bytes(entry: &[u8]) -> Option<&[u8]> {
    // Field 1, length-delimited; the length is a varint of at most three bytes, as entries are below 64 KiB.
    let mut rest = entry.strip_prefix(&[0x0a])?;
    let mut length = 0_usize;
    for shift in [0, 7, 14] {
        let byte = *rest.first()?;
        rest = &rest[1..];
        length |= usize::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            return rest.get(..length);
        }
    }
    None
}

/// From a leaf or a height to bytes of the log. About 50 bytes per block and 2 per leaf.
#[derive(Clone, Debug, Default)]
pub struct Positions {
    slots: Vec<BlockSlot>,
    lengths: Vec<u16>,
    segments: Vec<Arc<Segment>>,
}

impl Positions {
    /// Of blocks whose slots and lengths are known.
    #[must_use]
    pub fn new(slots: Vec<BlockSlot>, lengths: Vec<u16>, segments: Vec<Arc<Segment>>) -> Self {
        Self { slots, lengths, segments }
    }

    /// Adds the next block.
    pub fn push(&mut self, slot: BlockSlot, lengths: &[u16], segment: &Arc<Segment>) {
        if self.segments.last().is_none_or(|last| last.first_height < segment.first_height) {
            self.segments.push(Arc::clone(segment));
        }
        self.slots.push(slot);
        self.lengths.extend_from_slice(lengths);
    }

    /// Bytes of slots and lengths, with what is reserved.
    #[must_use]
    pub fn bytes_in_use(&self) -> usize {
        self.slots.capacity() * size_of::<BlockSlot>() + self.lengths.capacity() * size_of::<u16>()
    }

    /// How many blocks.
    #[must_use]
    pub fn blocks(&self) -> u64 {
        self.slots.len() as u64
    }

    /// How many leaves.
    #[must_use]
    pub fn leaves(&self) -> u64 {
        self.lengths.len() as u64
    }

    /// Where the block of a height lies.
    #[must_use]
    pub fn block(&self, height: u64) -> Option<(BlockSlot, Arc<Segment>)> {
        let slot = *self.slots.get(usize::try_from(height).ok()?)?;
        let at =
            self.segments.binary_search_by_key(&slot.frame.segment, |segment| segment.first_height).ok()?;
        Some((slot, Arc::clone(&self.segments[at])))
    }

    /// Height of the block that holds a leaf.
    #[must_use]
    pub fn height_of(&self, leaf: u64) -> Option<u64> {
        if leaf >= self.leaves() {
            return None;
        }
        let after = self.slots.partition_point(|slot| slot.first_leaf <= leaf);
        Some(after as u64 - 1)
    }

    /// The segment, byte and length of one entry.
    #[must_use]
    pub fn entry(&self, leaf: u64) -> Option<(Arc<Segment>, u64, u16)> {
        let (slot, segment) = self.block(self.height_of(leaf)?)?;
        let first = usize::try_from(slot.first_leaf).ok()?;
        let leaf = usize::try_from(leaf).ok()?;
        let before: u64 = self.lengths[first..leaf].iter().map(|length| 2 + u64::from(*length)).sum();
        let body = slot.frame.offset + FRAME_HEADER_BYTES as u64;
        Some((segment, body + u64::from(slot.entries_at) + before + 2, self.lengths[leaf]))
    }

    /// Reads one entry.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn read_entry(&self, leaf: u64) -> Result<Option<Bytes>, StoreError> {
        self.entry(leaf).map(|(segment, at, length)| read_bytes(&segment, at, length.into())).transpose()
    }

    /// Where the entries of `leaves` lie, as pieces that are read whole: `u16 length ‖ bytes`, repeated.
    #[must_use]
    pub fn pieces(&self, leaves: std::ops::Range<u64>) -> Vec<(Arc<Segment>, u64, usize)> {
        let mut pieces = Vec::new();
        let mut leaf = leaves.start;
        while leaf < leaves.end {
            let Some((segment, at, _)) = self.entry(leaf) else { break };
            let Some((slot, _)) = self.height_of(leaf).and_then(|height| self.block(height)) else { break };
            let end = leaves.end.min(slot.first_leaf + u64::from(slot.entries));
            let lengths = &self.lengths[leaf as usize..end as usize];
            pieces.push((segment, at - 2, lengths.iter().map(|length| 2 + usize::from(*length)).sum()));
            leaf = end;
        }
        pieces
    }
}

/// Reads bytes of a segment.
///
/// # Errors
/// When the file cannot be read.
pub fn read_bytes(segment: &Segment, at: u64, length: usize) -> Result<Bytes, StoreError> {
    let mut bytes = vec![0; length];
    segment
        .file
        .read_at(&mut bytes, at)
        .map_err(|e| StoreError::io("read entries from", &segment.path, e))?;
    Ok(Bytes::from(bytes))
}

/// Everything the flat files hold, as far as it can be trusted.
#[derive(Debug, Default)]
pub struct LoadedRows {
    /// One per block, from height 0.
    pub slots: Vec<BlockSlot>,
    /// One per leaf.
    pub leaf_hashes: Vec<LeafHash>,
    /// One per leaf.
    pub ids: Vec<[u8; 32]>,
    /// One per leaf.
    pub lengths: Vec<u16>,
}

impl LoadedRows {
    /// Adds one block.
    pub fn push(&mut self, rows: &BlockRows) {
        self.slots.push(rows.slot);
        self.leaf_hashes.extend_from_slice(&rows.leaf_hashes);
        self.ids.extend(rows.ids.iter().map(|id| *id.as_bytes()));
        self.lengths.extend_from_slice(&rows.lengths);
    }
}

fn encode_row(slot: &BlockSlot, rows_crc: u32) -> [u8; BLOCK_ROW_BYTES] {
    let mut row = [0; BLOCK_ROW_BYTES];
    row[0..8].copy_from_slice(&slot.first_leaf.to_be_bytes());
    row[8..12].copy_from_slice(&slot.entries.to_be_bytes());
    row[12..16].copy_from_slice(&slot.entries_at.to_be_bytes());
    row[16..24].copy_from_slice(&slot.frame.segment.to_be_bytes());
    row[24..32].copy_from_slice(&slot.frame.offset.to_be_bytes());
    row[32..36].copy_from_slice(&slot.frame.body_bytes.to_be_bytes());
    row[36..40].copy_from_slice(&rows_crc.to_be_bytes());
    let crc = crc32fast::hash(&row[..40]);
    row[40..44].copy_from_slice(&crc.to_be_bytes());
    row
}

fn decode_row(row: &[u8]) -> Option<(BlockSlot, u32)> {
    let u32_at = |at: usize| Some(u32::from_be_bytes(row.get(at..at + 4)?.try_into().ok()?));
    let u64_at = |at: usize| Some(u64::from_be_bytes(row.get(at..at + 8)?.try_into().ok()?));
    if crc32fast::hash(row.get(..40)?) != u32_at(40)? || u32_at(44)? != 0 {
        return None;
    }
    let frame = FrameAt { segment: u64_at(16)?, offset: u64_at(24)?, body_bytes: u32_at(32)? };
    let slot = BlockSlot { first_leaf: u64_at(0)?, entries: u32_at(8)?, entries_at: u32_at(12)?, frame };
    Some((slot, u32_at(36)?))
}

/// Bytes of one block in the flat files.
struct EncodedRows {
    hashes: Vec<u8>,
    ids: Vec<u8>,
    lengths: Vec<u8>,
    row: [u8; BLOCK_ROW_BYTES],
}

fn encode_rows(rows: &BlockRows) -> EncodedRows {
    let hashes = rows.leaf_hashes.iter().flat_map(|hash| *hash.as_bytes()).collect::<Vec<_>>();
    let ids = rows.ids.iter().flat_map(|id| *id.as_bytes()).collect::<Vec<_>>();
    let lengths = rows.lengths.iter().flat_map(|length| length.to_be_bytes()).collect::<Vec<_>>();
    let crc = rows_crc(&hashes, &ids, &lengths);
    EncodedRows { row: encode_row(&rows.slot, crc), hashes, ids, lengths }
}

fn rows_crc(hashes: &[u8], ids: &[u8], lengths: &[u8]) -> u32 {
    let mut crc = crc32fast::Hasher::new();
    crc.update(hashes);
    crc.update(ids);
    crc.update(lengths);
    crc.finalize()
}

/// The expected bytes of the four files for one block, for fsck: (name, offset, bytes).
#[must_use]
pub fn expected_bytes(rows: &BlockRows, height: u64) -> [(&'static str, u64, Vec<u8>); 4] {
    let encoded = encode_rows(rows);
    let leaf = rows.slot.first_leaf;
    [
        (LEAF_HASHES, leaf * 32, encoded.hashes),
        (RECORD_IDS, leaf * 32, encoded.ids),
        (ENTRY_LENGTHS, leaf * 2, encoded.lengths),
        (BLOCKS, height * BLOCK_ROW_BYTES as u64, encoded.row.to_vec()),
    ]
}

/// The flat files, for appending.
#[derive(Debug)]
pub struct FlatFiles {
    dir: PathBuf,
    hashes: Arc<dyn DiskFile>,
    ids: Arc<dyn DiskFile>,
    lengths: Arc<dyn DiskFile>,
    blocks: Arc<dyn DiskFile>,
    height: u64,
    leaf: u64,
    /// Leaves whose rows are written, for who reads them beside the thread that writes.
    written: Arc<AtomicU64>,
}

impl FlatFiles {
    /// Opens them and reads what can be trusted: all rows up to the first block that does not add up.
    ///
    /// # Errors
    /// When they cannot be opened or created.
    pub fn open(disk: &dyn Disk, ledger: &Path) -> Result<(Self, LoadedRows), StoreError> {
        let dir = ledger.join(INDEX_DIR);
        disk.create_dir(&dir).map_err(|e| StoreError::io("create", &dir, e))?;
        let open = |name: &str| {
            let path = dir.join(name);
            disk.open(&path, Access::Write)
                .or_else(|_| disk.open(&path, Access::Create))
                .map_err(|e| StoreError::io("open", path, e))
        };
        let (hashes, ids) = (open(LEAF_HASHES)?, open(RECORD_IDS)?);
        let (lengths, blocks) = (open(ENTRY_LENGTHS)?, open(BLOCKS)?);
        disk.sync_dir(&dir).map_err(|e| StoreError::io("sync", &dir, e))?;
        let written = Arc::default();
        let mut files = Self { dir, hashes, ids, lengths, blocks, height: 0, leaf: 0, written };
        let loaded = files.load().unwrap_or_default();
        files.height = loaded.slots.len() as u64;
        files.leaf = loaded.leaf_hashes.len() as u64;
        files.written.store(files.leaf, Ordering::Release);
        Ok((files, loaded))
    }

    fn load(&self) -> std::io::Result<LoadedRows> {
        let all = |file: &Arc<dyn DiskFile>| -> std::io::Result<Vec<u8>> {
            let mut bytes = vec![0; usize::try_from(file.size()?).unwrap_or(usize::MAX)];
            file.read_at(&mut bytes, 0)?;
            Ok(bytes)
        };
        // Whole hashes are read to where they stay.
        let hashes32 = |file: &Arc<dyn DiskFile>| -> std::io::Result<Vec<[u8; 32]>> {
            let mut hashes = vec![[0; 32]; usize::try_from(file.size()? / 32).unwrap_or(usize::MAX)];
            file.read_at(hashes.as_flattened_mut(), 0)?;
            Ok(hashes)
        };
        let (leaf_hashes, ids) = std::thread::scope(|scope| {
            let ids = scope.spawn(|| hashes32(&self.ids));
            (hashes32(&self.hashes), ids.join())
        });
        let ids = ids.unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        let (mut leaf_hashes, mut ids) = (leaf_hashes?, ids?);
        let (lengths, blocks) = (all(&self.lengths)?, all(&self.blocks)?);
        let (mut slots, mut leaf) = (Vec::new(), 0_usize);
        for row in blocks.chunks_exact(BLOCK_ROW_BYTES) {
            let Some((slot, crc)) = decode_row(row) else { break };
            let end = leaf.saturating_add(slot.entries as usize);
            let rows = (
                leaf_hashes.get(leaf..end),
                ids.get(leaf..end),
                lengths.get(leaf * 2..end.saturating_mul(2)),
            );
            let (Some(hashes), Some(ids), Some(lengths)) = rows else { break };
            let found = rows_crc(hashes.as_flattened(), ids.as_flattened(), lengths);
            if slot.first_leaf != leaf as u64 || found != crc {
                break;
            }
            slots.push(slot);
            leaf = end;
        }
        leaf_hashes.truncate(leaf);
        ids.truncate(leaf);
        Ok(LoadedRows {
            slots,
            leaf_hashes: leaf_hashes.into_iter().map(LeafHash::from_bytes).collect(),
            ids,
            lengths: lengths[..leaf * 2].chunks_exact(2).map(|c| u16::from_be_bytes([c[0], c[1]])).collect(),
        })
    }

    /// The leaf hashes, to be read beside the thread that writes them.
    pub(crate) fn leaf_rows(&self) -> LeafRows {
        LeafRows { file: Arc::clone(&self.hashes), written: Arc::clone(&self.written) }
    }

    /// Blocks whose rows are written.
    #[must_use]
    pub const fn blocks(&self) -> u64 {
        self.height
    }

    /// Writes the rows of the next blocks; those already there are skipped. Not synced: see the module.
    ///
    /// # Errors
    /// When the disk refuses; the same blocks can be written again.
    pub fn append(&mut self, first_height: u64, blocks: &[&BlockRows]) -> Result<(), StoreError> {
        let skip = usize::try_from(self.height.saturating_sub(first_height)).unwrap_or(usize::MAX);
        if first_height > self.height {
            // Rows before these failed to be written; the next start makes all of them.
            return Ok(());
        }
        let Some(blocks) = blocks.get(skip..).filter(|blocks| !blocks.is_empty()) else { return Ok(()) };
        let (mut hashes, mut ids, mut lengths, mut rows) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        let mut leaves = 0;
        for block in blocks {
            let encoded = encode_rows(block);
            hashes.extend_from_slice(&encoded.hashes);
            ids.extend_from_slice(&encoded.ids);
            lengths.extend_from_slice(&encoded.lengths);
            rows.extend_from_slice(&encoded.row);
            leaves += u64::from(block.slot.entries);
        }
        let write = || {
            self.hashes.write_at(&hashes, self.leaf * 32)?;
            self.ids.write_at(&ids, self.leaf * 32)?;
            self.lengths.write_at(&lengths, self.leaf * 2)?;
            // Last, so that a row never stands for hashes that are not written.
            self.blocks.write_at(&rows, self.height * BLOCK_ROW_BYTES as u64)
        };
        write().map_err(|e| StoreError::io("append to the index in", &self.dir, e))?;
        self.height += blocks.len() as u64;
        self.leaf += leaves;
        self.written.store(self.leaf, Ordering::Release);
        Ok(())
    }

    /// Cuts off whatever lies beyond the rows that are trusted.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn trim(&self) -> Result<(), StoreError> {
        let trim = || {
            self.hashes.set_len(self.leaf * 32)?;
            self.ids.set_len(self.leaf * 32)?;
            self.lengths.set_len(self.leaf * 2)?;
            self.blocks.set_len(self.height * BLOCK_ROW_BYTES as u64)
        };
        trim().map_err(|e| StoreError::io("trim the index in", &self.dir, e))
    }

    /// Forgets everything, to be made again from the log.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn clear(&mut self) -> Result<(), StoreError> {
        (self.height, self.leaf) = (0, 0);
        self.written.store(0, Ordering::Release);
        self.trim()
    }
}
