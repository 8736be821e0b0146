//! The provenance graph on the disk: a snapshot now and then, and the feed of the blocks since.
//!
//! Each frame of the feed is `length u32 | crc32 u32 | height u64 | bytes`, big-endian. The feed is synced before the
//! view counts a block as applied, so it is never behind the view; when it is damaged both are made again.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use ore_provenance::Graph;

use crate::{
    disk::{self, Access, Disk, DiskFile},
    error::StoreError,
    graph_feed,
    positions::INDEX_DIR,
};

/// The feed, below the index folder.
pub const GRAPH_FEED: &str = "graph-feed";
/// The snapshot, below the index folder.
pub const GRAPH_SNAPSHOT: &str = "graph-snapshot";
const SNAPSHOT_MAGIC: &[u8; 16] = b"oreledger/graph1";
/// Magic words, blocks and their checksum.
const SNAPSHOT_HEAD: usize = 16 + 8 + 4;
const FRAME_BYTES: usize = 16;
/// Bytes of the feed that are read at once.
const PIECE: usize = (1 << 20) - 1;

/// Snapshot and feed, for appending.
#[derive(Debug)]
pub struct GraphFiles {
    dir: PathBuf,
    feed: Arc<dyn DiskFile>,
    end: u64,
    /// Next height to be appended.
    next: u64,
    snapshot_bytes: u64,
}

impl GraphFiles {
    /// Opens them and gives the graph with the number of blocks in it; an empty one when nothing can be used.
    ///
    /// # Errors
    /// When the files cannot be opened or created.
    pub fn open(disk: &dyn Disk, ledger: &Path) -> Result<(Self, Graph), StoreError> {
        let dir = ledger.join(INDEX_DIR);
        let path = dir.join(GRAPH_FEED);
        let feed = disk
            .open(&path, Access::Write)
            .or_else(|_| disk.open(&path, Access::Create))
            .map_err(|e| StoreError::io("open", &path, e))?;
        // The feed is only as durable as its name.
        disk.sync_dir(&dir).map_err(|e| StoreError::io("sync", &dir, e))?;
        let mut files = Self { dir, feed, end: 0, next: 0, snapshot_bytes: 0 };
        let mut graph = Graph::new();
        if let Some((next, bytes, snapshot)) = files.read_snapshot(disk) {
            (files.next, files.snapshot_bytes, graph) = (next, bytes, snapshot);
        }
        files.read_feed(&mut graph);
        Ok((files, graph))
    }

    /// Read piece by piece: it is two thirds as large as the graph.
    fn read_snapshot(&self, disk: &dyn Disk) -> Option<(u64, u64, Graph)> {
        let file = disk.open(&self.dir.join(GRAPH_SNAPSHOT), Access::Read).ok()?;
        let size = file.size().ok()?;
        let mut head = [0; SNAPSHOT_HEAD];
        file.read_at(&mut head, 0).ok()?;
        let (blocks, crc) = head.strip_prefix(SNAPSHOT_MAGIC)?.split_at(8);
        if crc32fast::hash(blocks).to_be_bytes() != crc {
            return None;
        }
        let blocks = u64::from_be_bytes(blocks.try_into().ok()?);
        let mut at = SNAPSHOT_HEAD as u64;
        let graph = Graph::import_from(size.checked_sub(at)?, &mut |into| {
            let read = file.read_at(into, at).is_ok();
            at += into.len() as u64;
            read
        });
        Some((blocks, size, graph.ok()?))
    }

    /// Read piece by piece too: it may be as long as the snapshot.
    fn read_feed(&mut self, graph: &mut Graph) {
        let size = self.feed.size().unwrap_or(0);
        let (mut window, mut from, mut read) = (Vec::new(), 0, 0);
        loop {
            let rest: &[u8] = &window[from..];
            if rest.len() < frame_bytes(rest) {
                let more = (size - read).min(PIECE.max(rest.len()) as u64);
                window.drain(..from);
                from = 0;
                let kept = window.len();
                window.resize(kept + more as usize, 0);
                if more == 0 || self.feed.read_at(&mut window[kept..], read).is_err() {
                    return;
                }
                read += more;
                continue;
            }
            let Some((height, payload, frame)) = read_frame(rest) else { return };
            // Older than the snapshot: it was not cut off yet.
            if height >= self.next {
                if height > self.next || graph_feed::replay(graph, payload).is_err() {
                    return;
                }
                self.next += 1;
            }
            self.end += frame as u64;
            from += frame;
        }
    }

    /// Blocks in the graph; the next to append has this height.
    #[must_use]
    pub const fn blocks(&self) -> u64 {
        self.next
    }

    /// Bytes after the last frame that could be used.
    #[must_use]
    pub fn trailing_bytes(&self) -> u64 {
        self.feed.size().unwrap_or(0).saturating_sub(self.end)
    }

    /// Appends the feed of one block; not synced. What is already there is skipped.
    ///
    /// # Errors
    /// When the disk refuses; the same block can be appended again.
    pub fn append(&mut self, height: u64, payload: &[u8]) -> Result<(), StoreError> {
        if height < self.next {
            return Ok(());
        }
        let mut frame = Vec::with_capacity(FRAME_BYTES + payload.len());
        frame.extend_from_slice(&(payload.len() as u32).to_be_bytes());
        frame.extend_from_slice(&frame_crc(height, payload).to_be_bytes());
        frame.extend_from_slice(&height.to_be_bytes());
        frame.extend_from_slice(payload);
        self.feed.write_at(&frame, self.end).map_err(|e| self.fail("append to", e))?;
        self.end += frame.len() as u64;
        self.next = height + 1;
        Ok(())
    }

    /// Makes what was appended durable.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn sync(&self) -> Result<(), StoreError> {
        self.feed.sync_data().map_err(|e| self.fail("sync", e))
    }

    /// Cuts off what cannot be used.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn trim(&self) -> Result<(), StoreError> {
        self.feed.set_len(self.end).map_err(|e| self.fail("trim", e))
    }

    /// Forgets everything, to be made again from the log.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn clear(&mut self, disk: &dyn Disk) -> Result<(), StoreError> {
        (self.end, self.next, self.snapshot_bytes) = (0, 0, 0);
        let snapshot = self.dir.join(GRAPH_SNAPSHOT);
        if snapshot.exists() {
            disk.remove(&snapshot).map_err(|e| StoreError::io("remove", snapshot, e))?;
        }
        self.trim()
    }

    /// Whether the feed has grown so far that a snapshot is worth its writing: as long as the last snapshot and
    /// at least 16 MiB, so that all snapshots together cost a constant per record.
    #[must_use]
    pub fn snapshot_due(&self) -> bool {
        self.end > self.snapshot_bytes.max(16 << 20)
    }

    /// Replaces the snapshot by `export`, a graph of the first `blocks` blocks, and cuts the feed when it holds
    /// nothing newer.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn save(&mut self, disk: &dyn Disk, blocks: u64, export: &[u8]) -> Result<(), StoreError> {
        let crc = crc32fast::hash(&blocks.to_be_bytes()).to_be_bytes();
        let head = [&SNAPSHOT_MAGIC[..], &blocks.to_be_bytes(), &crc].concat();
        let path = self.dir.join(GRAPH_SNAPSHOT);
        disk::replace_by(disk, &path, &[&head, export]).map_err(|e| StoreError::io("write", path, e))?;
        self.snapshot_bytes = (head.len() + export.len()) as u64;
        if blocks >= self.next {
            (self.end, self.next) = (0, blocks);
            self.trim()?;
        }
        Ok(())
    }

    fn fail(&self, doing: &'static str, error: std::io::Error) -> StoreError {
        StoreError::io(doing, self.dir.join(GRAPH_FEED), error)
    }
}

fn frame_crc(height: u64, payload: &[u8]) -> u32 {
    let mut crc = crc32fast::Hasher::new();
    crc.update(&(payload.len() as u32).to_be_bytes());
    crc.update(&height.to_be_bytes());
    crc.update(payload);
    crc.finalize()
}

/// How long the frame is that begins here; its head, while that is not there.
fn frame_bytes(bytes: &[u8]) -> usize {
    let payload = bytes.first_chunk().map_or(0, |length| u32::from_be_bytes(*length) as usize);
    FRAME_BYTES.saturating_add(payload)
}

fn read_frame(bytes: &[u8]) -> Option<(u64, &[u8], usize)> {
    let length = u32::from_be_bytes(bytes.get(0..4)?.try_into().ok()?) as usize;
    let crc = u32::from_be_bytes(bytes.get(4..8)?.try_into().ok()?);
    let height = u64::from_be_bytes(bytes.get(8..16)?.try_into().ok()?);
    let payload = bytes.get(FRAME_BYTES..FRAME_BYTES.checked_add(length)?)?;
    (frame_crc(height, payload) == crc).then_some((height, payload, FRAME_BYTES + length))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::{FRAME_BYTES, GRAPH_FEED, GraphFiles, INDEX_DIR, PIECE};
    use crate::disk::{Disk, RealDisk};

    #[test]
    fn a_feed_longer_than_a_piece_is_read_to_its_last_good_frame() {
        let ledger = std::env::temp_dir().join(format!("ore-store-feed-{}", std::process::id()));
        RealDisk.create_dir(&ledger.join(INDEX_DIR)).expect("creates");
        let (mut files, _) = GraphFiles::open(&RealDisk, &ledger).expect("opens");
        // Blocks of which the graph learns nothing; a piece ends within one of them.
        assert_ne!(PIECE % FRAME_BYTES, 0);
        let blocks = (2 * PIECE / FRAME_BYTES + 77) as u64;
        for height in 0..blocks {
            files.append(height, &[]).expect("writes");
        }
        let whole = files.end;
        for odd in [&[][..], &[9; 5], &[9; 30]] {
            files.feed.set_len(whole).expect("cuts");
            files.feed.write_at(odd, whole).expect("writes");
            let (again, _) = GraphFiles::open(&RealDisk, &ledger).expect("opens");
            assert_eq!((again.blocks(), again.end), (blocks, whole));
            assert_eq!(again.trailing_bytes(), odd.len() as u64);
        }
        // One byte in the middle: what comes after it is not believed.
        let path = ledger.join(INDEX_DIR).join(GRAPH_FEED);
        let mut bytes = fs::read(&path).expect("reads");
        bytes[PIECE + 1] ^= 1;
        fs::write(&path, bytes).expect("writes");
        let (again, _) = GraphFiles::open(&RealDisk, &ledger).expect("opens");
        assert_eq!(again.end, ((PIECE + 1) / FRAME_BYTES * FRAME_BYTES) as u64);
        fs::remove_dir_all(ledger).expect("removes its own folder");
    }
}
