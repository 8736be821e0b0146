//! Backup, restore, and the first difference between two ledgers.
//!
//! A backup is a copy of the segments, and of the small files that show changes of the validators; everything else is
//! made again. Ended segments never change, and the last one is
//! copied up to its newest whole frame, so a backup may be taken while the node runs.

use std::path::{Path, PathBuf};

use bytes::Bytes;

use crate::{
    disk::{self, Access, Disk},
    error::StoreError,
    frame::{FRAME_ALIGNMENT, FRAME_HEADER_BYTES},
    log::{self, LOG_DIR, LogEnd, Start, walk_log},
    promise::PROMISE_FILE,
    store::{ChangeFile, Progress, Recovered, Store, StoreOptions},
    view::VIEW_DIR,
};

/// Copied at a time.
const COPY_BYTES: u64 = 4 << 20;

/// What a backup holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Backup {
    /// Segments in it.
    pub segments: u64,
    /// Of which these were copied now; the others were there, whole.
    pub copied: u64,
    /// Blocks in it.
    pub blocks: u64,
    /// Files that show changes of the validators.
    pub changes: u64,
}

/// Copies the log of the ledger in `from` to `to`, a folder that becomes a ledger when it is opened. Ended segments that
/// are already there with the same length are not copied again. Handovers go with it: the checkpoints in them are in no
/// segment. The promise is not copied: two nodes must never sign
/// with one key.
///
/// # Errors
/// [`StoreError::Damaged`] when the log is damaged before its tail; the disk's.
pub fn backup(disk: &dyn Disk, from: &Path, to: &Path) -> Result<Backup, StoreError> {
    let (whole, target) = (from, to);
    let (from, to) = (from.join(LOG_DIR), to.join(LOG_DIR));
    disk.create_dir(&to).map_err(|e| StoreError::io("create", &to, e))?;
    let segments = log::open_segments(disk, &from, Access::Read)?;
    let mut done = Backup { segments: segments.len() as u64, ..Backup::default() };
    // The end of the last segment, by its frames: a frame being written now is not part of the backup.
    let mut end = log::SEGMENT_HEADER_BYTES;
    if let Some(last) = segments.last() {
        let start = Start {
            segment: segments.len() - 1,
            offset: log::SEGMENT_HEADER_BYTES,
            height: last.first_height,
        };
        done.blocks = last.first_height;
        let walked = walk_log(&segments, start, |frame, _, _| {
            let bytes = FRAME_HEADER_BYTES as u64 + u64::from(frame.body_bytes);
            end = frame.offset + bytes.next_multiple_of(FRAME_ALIGNMENT);
            done.blocks += 1;
            true
        })?;
        if let LogEnd::Damaged(damage) | LogEnd::End { tail: Some((damage, true)), .. } = walked {
            return Err(damage.into());
        }
    }
    for (n, segment) in segments.iter().enumerate() {
        let target = to.join(log::segment_name(segment.first_height));
        let size = segment.file.size().map_err(|e| StoreError::io("measure", &segment.path, e))?;
        let last = n + 1 == segments.len();
        let length = if last { end } else { size };
        let there = std::fs::metadata(&target).is_ok_and(|there| there.len() == length);
        if !there || last {
            copy(disk, segment, &target, length)?;
            done.copied += 1;
        }
    }
    disk.sync_dir(&to).map_err(|e| StoreError::io("sync", &to, e))?;
    done.changes = copy_changes(disk, whole, target)?;
    Ok(done)
}

/// Whether a file shows a change of the validators.
fn is_change(name: &str) -> bool {
    let height = name.rsplit('-').next().and_then(|height| height.parse().ok());
    height.is_some_and(|height| ChangeFile::ALL.iter().any(|kind| kind.name(height) == name))
}

fn copy_changes(disk: &dyn Disk, from: &Path, to: &Path) -> Result<u64, StoreError> {
    let fail = |path: &Path| {
        let path = path.to_owned();
        move |e| StoreError::io("copy", path, e)
    };
    let mut copied = 0;
    for entry in std::fs::read_dir(from).map_err(fail(from))? {
        let name = entry.map_err(fail(from))?.file_name();
        let (source, target) = (from.join(&name), to.join(&name));
        if name.to_str().is_some_and(is_change) {
            let bytes = std::fs::read(&source).map_err(fail(&source))?;
            disk::replace(disk, &target, &bytes).map_err(fail(&target))?;
            copied += 1;
        }
    }
    Ok(copied)
}

fn copy(disk: &dyn Disk, from: &log::Segment, to: &Path, length: u64) -> Result<(), StoreError> {
    let fail = |e| StoreError::io("copy a segment to", to, e);
    let beside = to.with_extension("new");
    let target = disk.open(&beside, Access::Create).map_err(fail)?;
    let mut at = 0;
    while at < length {
        let mut bytes = vec![0; COPY_BYTES.min(length - at) as usize];
        from.file.read_at(&mut bytes, at).map_err(|e| StoreError::io("read", &from.path, e))?;
        target.write_at(&bytes, at).map_err(fail)?;
        at += bytes.len() as u64;
    }
    target.sync_data().map_err(fail)?;
    disk.rename(&beside, to).map_err(fail)
}

/// Makes everything again from the segments alone: after a restore, or when the operator distrusts what was made.
/// The old view, index and batch are set aside or removed; log, promise and checkpoint stay.
///
/// # Errors
/// As [`Store::open`].
pub fn rebuild(
    dir: &Path,
    options: &StoreOptions,
    progress: Progress<'_>,
) -> Result<(Store, Recovered), StoreError> {
    let disk = &*options.disk;
    {
        let _lock = crate::open::lock(dir)?;
        crate::view::set_aside(disk, dir)?;
        for path in made(dir) {
            if path.exists() {
                disk.remove(&path).map_err(|e| StoreError::io("remove", path, e))?;
            }
        }
    }
    Store::open(dir, options, progress)
}

fn made(dir: &Path) -> Vec<PathBuf> {
    use crate::{graph_files as graph, positions as flat};
    let index = dir.join(flat::INDEX_DIR);
    let names = [
        flat::LEAF_HASHES,
        flat::RECORD_IDS,
        flat::ENTRY_LENGTHS,
        flat::BLOCKS,
        graph::GRAPH_FEED,
        graph::GRAPH_SNAPSHOT,
    ];
    let mut paths: Vec<PathBuf> = names.iter().map(|name| index.join(name)).collect();
    paths.push(crate::batch::batch_path(dir));
    debug_assert!(!paths.contains(&dir.join(PROMISE_FILE)) && !paths.contains(&dir.join(VIEW_DIR)), "kept");
    paths
}

/// Where two ledgers part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Difference {
    /// They hold the same blocks; certificates may name other quorums.
    None {
        /// How many blocks.
        blocks: u64,
    },
    /// One continues where the other ends.
    Longer {
        /// Blocks that both hold.
        common: u64,
        /// Whether it is the first that goes on.
        first: bool,
    },
    /// Headers or entries differ.
    At {
        /// Height of the first block that differs.
        height: u64,
        /// Leaf of the first entry that differs, or is only in one; none when only the headers differ.
        leaf: Option<u64>,
    },
}

/// Finds the first difference between the logs of two ledgers, which may be in use.
///
/// # Errors
/// [`StoreError::Damaged`] when one is damaged before its tail; the disk's.
pub fn first_difference(disk: &dyn Disk, a: &Path, b: &Path) -> Result<Difference, StoreError> {
    let mut a = Blocks::open(disk, a)?;
    let mut b = Blocks::open(disk, b)?;
    let (mut height, mut leaf) = (0, 0);
    loop {
        match (a.next()?, b.next()?) {
            (None, None) => return Ok(Difference::None { blocks: height }),
            (Some(_), None) => return Ok(Difference::Longer { common: height, first: true }),
            (None, Some(_)) => return Ok(Difference::Longer { common: height, first: false }),
            (Some((header_a, entries_a)), Some((header_b, entries_b))) => {
                if entries_a != entries_b {
                    let same = entries_a.iter().zip(&entries_b).take_while(|(a, b)| a == b).count();
                    return Ok(Difference::At { height, leaf: Some(leaf + same as u64) });
                }
                if header_a != header_b {
                    return Ok(Difference::At { height, leaf: None });
                }
                leaf += entries_a.len() as u64;
                height += 1;
            }
        }
    }
}

/// The blocks of a log, one at a time.
struct Blocks {
    segments: Vec<std::sync::Arc<log::Segment>>,
    at: usize,
    walk: Option<log::Walk>,
    height: u64,
}

impl Blocks {
    fn open(disk: &dyn Disk, dir: &Path) -> Result<Self, StoreError> {
        let segments = log::open_segments(disk, &dir.join(LOG_DIR), Access::Read)?;
        Ok(Self { segments, at: 0, walk: None, height: 0 })
    }

    fn next(&mut self) -> Result<Option<(Bytes, Vec<Bytes>)>, StoreError> {
        // Each turn gives a block or ends a segment.
        loop {
            let Some(segment) = self.segments.get(self.at) else { return Ok(None) };
            let walk = match &mut self.walk {
                Some(walk) => walk,
                None => self.walk.insert(log::Walk::new(
                    std::sync::Arc::clone(segment),
                    log::SEGMENT_HEADER_BYTES,
                    self.height,
                )?),
            };
            let last = self.at + 1 == self.segments.len();
            match walk.step()? {
                log::Step::Block(_, block) => {
                    self.height += 1;
                    return Ok(Some((block.header, block.entries)));
                }
                log::Step::Bad(damage) if !last || walk.frame_follows()? => return Err(damage.into()),
                log::Step::End(_) | log::Step::Bad(_) => {
                    self.walk = None;
                    self.at += 1;
                }
            }
        }
    }
}
