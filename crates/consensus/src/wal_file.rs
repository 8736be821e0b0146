//! The write-ahead log as a file: what this member said at one height, before anybody hears it.
//!
//! One file, overwritten from its start at each height, so that its size and blocks on the device do not
//! change and `fdatasync` has no metadata to write. A frame is
//!
//! ```text
//! u32 length | u32 CRC-32 | u64 height | u32 sequence | body       (big-endian)
//! ```
//!
//! The CRC covers everything but itself and continues from the frame before, so a frame left over from an
//! earlier height, or from a tail that was torn and then written anew, never joins the chain. Reading
//! stops at the first frame that does not. No type of the ordering engine appears here.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use bytes::Bytes;

use crate::device::LogDevice;

/// Written as zeros when the file is made; larger heights grow it once.
const INITIAL_BYTES: u64 = 1024 * 1024;
/// Most that one height may write: 64 blocks of 2 MiB, and as much for votes.
const MAX_BYTES: u64 = 256 * 1024 * 1024;
const HEADER_BYTES: usize = 20;
/// Largest body: a block of 2 MiB with its envelope.
const MAX_BODY_BYTES: usize = 4 * 1024 * 1024;
const FILE_NAME: &str = "height.wal";

/// The write-ahead log could not be used; for the operator.
#[derive(Debug, thiserror::Error)]
pub enum WalError {
    /// The operating system said no.
    #[error("{doing} the write-ahead log {}", path.display())]
    Io {
        /// What was being done.
        doing: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// Why not.
        #[source]
        source: io::Error,
    },
    /// Another process, or another engine in this one, signs with it.
    #[error("the write-ahead log {} is in use: two nodes must never sign with one key", path.display())]
    InUse {
        /// The file.
        path: PathBuf,
    },
    /// One height would not end.
    #[error("height {height} filled the write-ahead log ({MAX_BYTES} bytes)")]
    Full {
        /// Which.
        height: u64,
    },
}

/// The open log; holds an exclusive lock on the file.
#[derive(Debug)]
pub(crate) struct WalFile {
    file: File,
    path: PathBuf,
    /// Height of the frames on disk.
    height: Option<u64>,
    end: u64,
    chain: u32,
    sequence: u32,
    /// A statement of our own was written since the last sync.
    owed: bool,
    /// What was found at open, until the height changes.
    found: Vec<Bytes>,
    syncs: u64,
}

impl WalFile {
    /// Opens or creates the log in `folder` and reads what the last process left.
    pub(crate) fn open(folder: &Path) -> Result<Self, WalError> {
        let path = folder.join(FILE_NAME);
        let fail = |doing, path: &Path| {
            let path = path.to_owned();
            move |source| WalError::Io { doing, path, source }
        };
        std::fs::create_dir_all(folder).map_err(fail("create the folder of", folder))?;
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(&path)
            .map_err(fail("open", &path))?;
        if rustix::fs::flock(&file, rustix::fs::FlockOperation::NonBlockingLockExclusive).is_err() {
            return Err(WalError::InUse { path });
        }
        let length = file.metadata().map_err(fail("measure", &path))?.len();
        let mut bytes = vec![0; length.min(MAX_BYTES) as usize];
        file.read_exact_at(&mut bytes, 0).map_err(fail("read", &path))?;
        let scan = scan(&Bytes::from(bytes));
        let mut log = Self {
            file,
            path,
            height: scan.height,
            end: scan.end,
            chain: scan.chain,
            sequence: scan.bodies.len() as u32,
            owed: false,
            found: scan.bodies,
            syncs: 0,
        };
        if length < INITIAL_BYTES {
            log.preallocate(length, folder)?;
        }
        Ok(log)
    }

    /// Height of what is on disk.
    pub(crate) fn height(&self) -> Option<u64> {
        self.height
    }

    /// What was found at open for this height, oldest first.
    pub(crate) fn found(&self, height: u64) -> Vec<Bytes> {
        if self.height == Some(height) { self.found.clone() } else { Vec::new() }
    }

    /// Writes for `height` begin. Frames of an earlier height are given up; those of the same height stay.
    ///
    /// A height below what is on disk writes nothing: see [`WalFile::append`].
    pub(crate) fn begin(&mut self, height: u64) {
        if self.height.is_some_and(|on_disk| on_disk >= height) {
            return;
        }
        self.height = Some(height);
        self.end = 0;
        self.chain = 0;
        self.sequence = 0;
        self.found = Vec::new();
        self.owed = false;
    }

    /// Appends one entry, not yet durable. Ignored for a height other than the one that began, which is how
    /// late messages of the last height, and a node restored from an old copy, leave no trace.
    ///
    /// With `ours`, the entry is a statement that this member signed, and the next [`WalFile::sync`] must reach
    /// the device. What others said only explains ours: alone, it may be lost, for they will say it again.
    pub(crate) fn append(&mut self, height: u64, body: &[u8], ours: bool) -> Result<(), WalError> {
        if self.height != Some(height) {
            return Ok(());
        }
        if body.len() > MAX_BODY_BYTES || self.end + (HEADER_BYTES + body.len()) as u64 > MAX_BYTES {
            return Err(WalError::Full { height });
        }
        let (frame, chain) = frame(self.chain, height, self.sequence, body);
        self.write("append to", &frame, self.end)?;
        self.end += frame.len() as u64;
        self.chain = chain;
        self.sequence += 1;
        self.owed |= ours;
        Ok(())
    }

    /// Makes everything appended durable if it holds a statement of ours that is not; else does nothing.
    pub(crate) fn sync(&mut self) -> Result<(), WalError> {
        if !self.owed {
            return Ok(());
        }
        rustix::fs::fdatasync(&self.file).map_err(|e| self.error("sync", e.into()))?;
        self.syncs += 1;
        self.owed = false;
        Ok(())
    }

    /// Whether a statement of ours waits for the next sync.
    pub(crate) fn owes(&self) -> bool {
        self.owed
    }

    /// As [`WalFile::sync`], by a simulated device.
    pub(crate) fn flushed_by(&mut self, device: &dyn LogDevice) {
        device.flushed(&self.path, self.end);
        self.syncs += 1;
        self.owed = false;
    }

    /// How often the device was asked to make something durable.
    pub(crate) fn syncs(&self) -> u64 {
        self.syncs
    }

    /// A log that cannot be written.
    #[cfg(test)]
    pub(crate) fn read_only(folder: &Path) -> Self {
        let mut log = Self::open(folder).unwrap();
        log.file = File::open(&log.path).unwrap();
        log
    }

    fn preallocate(&mut self, from: u64, folder: &Path) -> Result<(), WalError> {
        let zeros = vec![0; (INITIAL_BYTES - from) as usize];
        self.write("extend", &zeros, from)?;
        self.file.sync_all().map_err(|e| self.error("sync", e))?;
        let synced = File::open(folder).and_then(|folder| folder.sync_all());
        synced.map_err(|source| WalError::Io { doing: "sync the folder of", path: folder.to_owned(), source })
    }

    fn write(&self, doing: &'static str, bytes: &[u8], at: u64) -> Result<(), WalError> {
        self.file.write_all_at(bytes, at).map_err(|e| self.error(doing, e))
    }

    fn error(&self, doing: &'static str, source: io::Error) -> WalError {
        WalError::Io { doing, path: self.path.clone(), source }
    }
}

struct Scan {
    height: Option<u64>,
    bodies: Vec<Bytes>,
    end: u64,
    chain: u32,
}

/// Follows the chain from the start as far as it holds.
fn scan(bytes: &Bytes) -> Scan {
    let mut scan = Scan { height: None, bodies: Vec::new(), end: 0, chain: 0 };
    // Ends: each turn consumes at least a header.
    while let Some((height, body, chain)) = next_frame(bytes, &scan) {
        scan.end += (HEADER_BYTES + body.len()) as u64;
        scan.height = Some(height);
        scan.chain = chain;
        scan.bodies.push(body);
    }
    scan
}

fn next_frame(bytes: &Bytes, scan: &Scan) -> Option<(u64, Bytes, u32)> {
    let start = scan.end as usize;
    let header = bytes.get(start..start + HEADER_BYTES)?;
    let length = u32::from_be_bytes(header[0..4].try_into().ok()?) as usize;
    let crc = u32::from_be_bytes(header[4..8].try_into().ok()?);
    let height = u64::from_be_bytes(header[8..16].try_into().ok()?);
    let sequence = u32::from_be_bytes(header[16..20].try_into().ok()?);
    let follows = sequence as usize == scan.bodies.len() && scan.height.is_none_or(|h| h == height);
    if !follows || length > MAX_BODY_BYTES {
        return None;
    }
    let body = start + HEADER_BYTES..start + HEADER_BYTES + length;
    let covered = checksum(scan.chain, &header[0..4], &header[8..20], bytes.get(body.clone())?);
    (crc == covered).then(|| (height, bytes.slice(body), crc))
}

fn frame(chain: u32, height: u64, sequence: u32, body: &[u8]) -> (Vec<u8>, u32) {
    let length = (body.len() as u32).to_be_bytes();
    let mut place = [0; 12];
    place[..8].copy_from_slice(&height.to_be_bytes());
    place[8..].copy_from_slice(&sequence.to_be_bytes());
    let crc = checksum(chain, &length, &place, body);
    let mut frame = Vec::with_capacity(HEADER_BYTES + body.len());
    frame.extend_from_slice(&length);
    frame.extend_from_slice(&crc.to_be_bytes());
    frame.extend_from_slice(&place);
    frame.extend_from_slice(body);
    (frame, crc)
}

/// Starts from the frame before, and from a value that zeros do not produce.
fn checksum(chain: u32, length: &[u8], place: &[u8], body: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(b"oreledger wal v1");
    hasher.update(&chain.to_be_bytes());
    hasher.update(length);
    hasher.update(place);
    hasher.update(body);
    hasher.finalize()
}

#[cfg(test)]
mod tests {
    use super::{FILE_NAME, WalFile};

    fn written(folder: &std::path::Path) -> Vec<Vec<u8>> {
        let bodies: Vec<Vec<u8>> = (0..6_u8).map(|n| vec![n; usize::from(n) * 7]).collect();
        let mut log = WalFile::open(folder).unwrap();
        log.begin(4);
        for body in &bodies {
            log.append(4, body, true).unwrap();
        }
        log.sync().unwrap();
        bodies
    }

    /// The whole frames in the first `length` bytes.
    fn whole(bodies: &[Vec<u8>], length: u64) -> usize {
        let mut end = 0;
        bodies
            .iter()
            .take_while(|body| {
                end += (super::HEADER_BYTES + body.len()) as u64;
                end <= length
            })
            .count()
    }

    #[test]
    fn a_tail_torn_at_any_byte_leaves_the_whole_entries_before_it() {
        let folder = tempfile::tempdir().unwrap();
        let bodies = written(folder.path());
        let path = folder.path().join(FILE_NAME);
        let bytes = std::fs::read(&path).unwrap();
        let end: usize = bodies.iter().map(|body| super::HEADER_BYTES + body.len()).sum();
        for length in 0..=end {
            let cut = tempfile::tempdir().unwrap();
            std::fs::write(cut.path().join(FILE_NAME), &bytes[..length]).unwrap();
            let log = WalFile::open(cut.path()).unwrap();
            let expected = whole(&bodies, length as u64);
            let found = log.found(4);
            assert_eq!(found.len(), expected, "cut at {length}");
            assert!(found.iter().zip(&bodies).all(|(a, b)| a == b));
        }
    }

    #[test]
    fn a_flipped_byte_ends_the_log_before_its_entry() {
        let folder = tempfile::tempdir().unwrap();
        let bodies = written(folder.path());
        let path = folder.path().join(FILE_NAME);
        let bytes = std::fs::read(&path).unwrap();
        let end: usize = bodies.iter().map(|body| super::HEADER_BYTES + body.len()).sum();
        for at in 0..end {
            let mut damaged = bytes.clone();
            damaged[at] ^= 0x40;
            let other = tempfile::tempdir().unwrap();
            std::fs::write(other.path().join(FILE_NAME), damaged).unwrap();
            let log = WalFile::open(other.path()).unwrap();
            assert!(log.found(4).len() <= whole(&bodies, at as u64), "flipped {at}");
        }
    }

    #[test]
    fn after_a_torn_tail_old_entries_never_follow_new_ones() {
        let folder = tempfile::tempdir().unwrap();
        let bodies = written(folder.path());
        let path = folder.path().join(FILE_NAME);
        let mut bytes = std::fs::read(&path).unwrap();
        // Entry 3 is torn, entries 4 and 5 reached the disk before it.
        let third: usize = bodies[..3].iter().map(|body| super::HEADER_BYTES + body.len()).sum();
        bytes[third + super::HEADER_BYTES] ^= 1;
        std::fs::write(&path, &bytes).unwrap();
        let mut log = WalFile::open(folder.path()).unwrap();
        assert_eq!(log.found(4).len(), 3);
        log.begin(4);
        // As long as what it replaces, so that the old entry 4 starts right behind it.
        log.append(4, &[9; 21], true).unwrap();
        drop(log);
        let found = WalFile::open(folder.path()).unwrap().found(4);
        assert_eq!(found.len(), 4);
        assert_eq!(found[3], vec![9; 21]);
    }

    #[test]
    fn the_next_height_starts_empty_and_a_lower_one_writes_nothing() {
        let folder = tempfile::tempdir().unwrap();
        written(folder.path());
        let mut log = WalFile::open(folder.path()).unwrap();
        log.begin(3);
        log.append(3, b"restored from an old copy", true).unwrap();
        assert_eq!((log.height(), log.found(4).len()), (Some(4), 6));
        log.begin(5);
        log.append(4, b"late", true).unwrap();
        log.append(5, b"new", true).unwrap();
        log.sync().unwrap();
        drop(log);
        let log = WalFile::open(folder.path()).unwrap();
        assert_eq!((log.height(), log.found(5)), (Some(5), vec![b"new".as_slice().into()]));
    }

    #[test]
    fn nothing_new_needs_no_sync_and_the_file_cannot_be_opened_twice() {
        let folder = tempfile::tempdir().unwrap();
        let mut log = WalFile::open(folder.path()).unwrap();
        log.begin(1);
        log.sync().unwrap();
        log.append(1, b"another's vote", false).unwrap();
        log.sync().unwrap();
        assert_eq!(log.syncs(), 0);
        log.append(1, b"vote", true).unwrap();
        log.sync().unwrap();
        log.sync().unwrap();
        assert_eq!(log.syncs(), 1);
        assert!(matches!(WalFile::open(folder.path()), Err(super::WalError::InUse { .. })));
    }
}
