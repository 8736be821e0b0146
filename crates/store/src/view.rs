//! The view: custody state and indexes in sled, always made from the log, never believed against it.
//!
//! One table, keys big-endian: `0x00` what it stands at, `0x01 ‖ key` custody state (keys and values are
//! custody's own, opaque here; sixteen neighbours share one sled value, see [`crate::group`]), `0x02 ‖ member ‖ 0x00 ‖ height` records by author, `0x03 ‖ n ‖ key` the
//! further pieces of values that are too long for one sled value.
//!
//! sled's flush ends in `sync_file_range`, which writes no metadata: after a power cut acknowledged data
//! may be missing. So durability is a `flush` and an fdatasync on our own handle of its file.

use std::{
    borrow::Cow,
    panic::{self, AssertUnwindSafe},
    path::{Path, PathBuf},
    sync::Arc,
};

use crate::{
    batch::{Applied, Batch},
    disk::{Access, Disk, DiskFile},
    error::StoreError,
    group::{self, Group, Members},
};

/// Folder of sled, below the ledger's.
pub const VIEW_DIR: &str = "view";
const KEY_APPLIED: &[u8] = &[0x00];
/// Prefix of custody state.
pub const PREFIX_STATE: u8 = 0x01;
/// Prefix of records by author.
pub const PREFIX_AUTHOR: u8 = 0x02;
const PREFIX_PIECE: u8 = 0x03;
/// sled puts longer values into files that it never syncs; a piece stays far below.
const PIECE_BYTES: usize = 32 << 10;

/// Why sled could not be used. The log is not affected; the view can be made again.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("view in sled: {why}")]
pub struct ViewFault {
    /// What sled said, or did.
    pub why: String,
}

impl ViewFault {
    fn new(why: impl std::fmt::Display) -> Self {
        Self { why: why.to_string() }
    }
}

/// sled, opened.
#[derive(Debug)]
pub struct View {
    db: sled::Db,
    file: Arc<dyn DiskFile>,
    path: PathBuf,
}

/// Keys of custody state, without the view's prefix.
#[derive(Clone, Copy, Debug, Default)]
pub struct StateRange<'a> {
    /// The first.
    pub from: &'a [u8],
    /// The first beyond; all when there is none.
    pub to: Option<&'a [u8]>,
}

/// Runs something of sled's, whose answer to bytes that it does not like is sometimes a panic.
fn caught<T>(work: impl FnOnce() -> Result<T, sled::Error>) -> Result<T, ViewFault> {
    match panic::catch_unwind(AssertUnwindSafe(work)) {
        Ok(result) => result.map_err(ViewFault::new),
        Err(_) => Err(ViewFault::new("sled panicked")),
    }
}

/// sled lets go of its lock a moment after it was dropped. No other process can hold it: the ledger's own lock is
/// taken first. Waits a second at most.
fn open_unlocked(config: &sled::Config) -> Result<sled::Db, ViewFault> {
    let mut tries = 0;
    loop {
        match caught(|| config.open()) {
            Err(fault) if fault.why.contains("could not acquire lock") && tries < 100 => {
                tries += 1;
                std::thread::sleep(std::time::Duration::from_millis(10));
            }
            opened => return opened,
        }
    }
}

impl View {
    /// Opens or creates it.
    ///
    /// # Errors
    /// [`ViewFault`] when sled does not like what it finds.
    pub fn open(disk: &dyn Disk, ledger: &Path, cache_bytes: u64) -> Result<Self, ViewFault> {
        let path = ledger.join(VIEW_DIR);
        let config = sled::Config::new()
            .path(&path)
            .cache_capacity(cache_bytes)
            // Flushed by us, together with the fdatasync that makes it mean something.
            .flush_every_ms(None);
        let db = open_unlocked(&config)?;
        let file = disk.open(&path.join("db"), Access::Read).map_err(ViewFault::new)?;
        // sled syncs no folder: a file is only as durable as its name.
        disk.sync_dir(&path).and_then(|()| disk.sync_dir(ledger)).map_err(ViewFault::new)?;
        Ok(Self { db, file, path })
    }

    /// What it stands at; `None` when nothing was applied yet.
    ///
    /// # Errors
    /// [`ViewFault`].
    pub fn applied(&self) -> Result<Option<Applied>, ViewFault> {
        let value = caught(|| self.db.get(KEY_APPLIED))?;
        match value {
            None => Ok(None),
            Some(value) => {
                Applied::decode(&value).map(Some).ok_or_else(|| ViewFault::new("its height is unreadable"))
            }
        }
    }

    /// Applies a batch that is written down: single inserts, then the height, then flush and fdatasync.
    ///
    /// # Errors
    /// [`ViewFault`]; the batch can be applied again from its start.
    pub fn apply(&self, batch: &Batch) -> Result<(), ViewFault> {
        let Some(applied) = &batch.applied else { return Ok(()) };
        let mut group: Option<(Vec<u8>, Group)> = None;
        for (key, value) in &batch.writes {
            if key.first() != Some(&PREFIX_STATE) {
                self.put(key, value.as_deref())?;
                continue;
            }
            let (shared, slot) = group::split(key);
            if group.as_ref().is_none_or(|(open, _)| *open != shared) {
                self.put_group(group.take())?;
                let stored = self.get(&shared)?.unwrap_or_default();
                let members = Group::decode(&stored).ok_or_else(|| ViewFault::new("a garbled group"))?;
                group = Some((shared, members));
            }
            if let Some((_, members)) = &mut group {
                members.set(slot, value.as_deref());
            }
        }
        self.put_group(group)?;
        caught(|| self.db.insert(KEY_APPLIED, &applied.encode()[..]))?;
        self.make_durable()
    }

    fn put_group(&self, group: Option<(Vec<u8>, Group)>) -> Result<(), ViewFault> {
        let Some((key, members)) = group else { return Ok(()) };
        let value = members.encode();
        self.put(&key, (!value.is_empty()).then_some(&value[..]))
    }

    /// Custody state: every key in `range` (groups are not divided) and its value, in order, without a copy of
    /// either. A bad page ends it with an error, and so does the visitor.
    ///
    /// # Errors
    /// [`ViewFault`], or the visitor's.
    pub fn visit_state<E: From<ViewFault>>(
        &self,
        range: StateRange<'_>,
        mut visit: impl FnMut(&[u8], &[u8]) -> Result<(), E>,
    ) -> Result<(), E> {
        let prefixed = |key: &[u8]| [&[PREFIX_STATE], key].concat();
        let to = range.to.map_or_else(|| vec![PREFIX_STATE + 1], prefixed);
        let mut pairs = caught(|| Ok(self.db.range(prefixed(range.from)..to)))?;
        let mut members = Members::default();
        let mut key = Vec::new();
        while let Some(pair) = caught(|| pairs.next().transpose())? {
            let (shared, stored) = pair;
            let value = match stored.split_first() {
                Some((0, value)) => Cow::Borrowed(value),
                _ => Cow::Owned(self.whole(&shared, &stored)?),
            };
            key.clear();
            key.extend_from_slice(&shared[1..]);
            members.start();
            let mut rest = &value[..];
            let garbled = || ViewFault::new("a garbled group");
            while let Some(slot) = members.next(&mut rest).ok_or_else(garbled)? {
                group::whole_key(&mut key, slot);
                visit(&key, &members.value)?;
            }
        }
        Ok(())
    }

    /// The last key of custody state in a range.
    ///
    /// # Errors
    /// [`ViewFault`].
    pub fn last_state_key(&self, range: StateRange<'_>) -> Result<Option<Vec<u8>>, ViewFault> {
        let prefixed = |key: &[u8]| [&[PREFIX_STATE], key].concat();
        let to = range.to.map_or_else(|| vec![PREFIX_STATE + 1], prefixed);
        let last = caught(|| self.db.range(prefixed(range.from)..to).next_back().transpose())?;
        Ok(last.map(|(shared, _)| shared[1..].to_vec()))
    }

    fn make_durable(&self) -> Result<(), ViewFault> {
        caught(|| self.db.flush())?;
        self.file.sync_data().map_err(|error| ViewFault::new(format!("fdatasync of its file: {error}")))
    }

    /// Values begin with the number of further pieces.
    fn put(&self, key: &[u8], value: Option<&[u8]>) -> Result<(), ViewFault> {
        let before = match value {
            None => caught(|| self.db.remove(key))?,
            Some(value) => {
                let pieces: Vec<&[u8]> = value.chunks(PIECE_BYTES).collect();
                let further = pieces.len().saturating_sub(1);
                for (n, piece) in pieces.iter().enumerate().skip(1) {
                    caught(|| self.db.insert(piece_key(n as u8, key), *piece))?;
                }
                let first = pieces.first().copied().unwrap_or_default();
                let mut stored = Vec::with_capacity(1 + first.len());
                stored.push(u8::try_from(further).map_err(|_| ViewFault::new("a value above 8 MiB"))?);
                stored.extend_from_slice(first);
                caught(|| self.db.insert(key, stored))?
            }
        };
        let had = before.and_then(|before| before.first().copied()).unwrap_or(0);
        let has = value.map_or(0, |value| value.len().div_ceil(PIECE_BYTES).saturating_sub(1) as u8);
        for n in has + 1..=had {
            caught(|| self.db.remove(piece_key(n, key)))?;
        }
        Ok(())
    }

    /// Reads one value.
    ///
    /// # Errors
    /// [`ViewFault`].
    pub fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, ViewFault> {
        match caught(|| self.db.get(key))? {
            None => Ok(None),
            Some(stored) => self.whole(key, &stored).map(Some),
        }
    }

    fn whole(&self, key: &[u8], stored: &[u8]) -> Result<Vec<u8>, ViewFault> {
        let (further, first) = stored.split_first().ok_or_else(|| ViewFault::new("an empty value"))?;
        let mut value = first.to_vec();
        for n in 1..=*further {
            let piece = caught(|| self.db.get(piece_key(n, key)))?;
            value.extend_from_slice(&piece.ok_or_else(|| ViewFault::new("a piece of a value is missing"))?);
        }
        Ok(value)
    }

    /// All pairs whose key begins with `prefix`, in key order, the prefix cut off. A bad page ends it with an
    /// error.
    pub fn pairs(&self, prefix: Vec<u8>) -> impl Iterator<Item = Result<(Vec<u8>, Vec<u8>), ViewFault>> + '_ {
        let skip = prefix.len();
        let mut scan = self.db.scan_prefix(prefix);
        let mut ended = false;
        std::iter::from_fn(move || {
            if ended {
                return None;
            }
            let next = panic::catch_unwind(AssertUnwindSafe(|| scan.next()));
            let item = match next {
                Ok(None) => return None,
                Ok(Some(Ok((key, stored)))) => {
                    self.whole(&key, &stored).map(|value| (key[skip..].to_vec(), value))
                }
                Ok(Some(Err(error))) => Err(ViewFault::new(error)),
                Err(_) => Err(ViewFault::new("sled panicked")),
            };
            ended = item.is_err();
            Some(item)
        })
    }

    /// The first key that no version of this store wrote, if there is one: another prefix, or a piece of a value
    /// that does not have so many.
    ///
    /// # Errors
    /// [`ViewFault`].
    pub fn stray(&self) -> Result<Option<Vec<u8>>, ViewFault> {
        for key in self.db.iter().keys() {
            let key = key.map_err(ViewFault::new)?;
            let known = match key.first() {
                Some(0x00) => key[..] == *KEY_APPLIED,
                Some(&PREFIX_STATE | &PREFIX_AUTHOR) => true,
                Some(&PREFIX_PIECE) if key.len() > 2 => {
                    let owner = caught(|| self.db.get(&key[2..]))?;
                    owner.is_some_and(|value| value.first().is_some_and(|pieces| *pieces >= key[1]))
                }
                _ => false,
            };
            if !known {
                return Ok(Some(key.to_vec()));
            }
        }
        Ok(None)
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Bytes on the disk, by sled's account.
    ///
    /// # Errors
    /// [`ViewFault`].
    pub fn size_on_disk(&self) -> Result<u64, ViewFault> {
        caught(|| self.db.size_on_disk())
    }

    /// Writes a pair past all rules; for tests that tamper.
    #[doc(hidden)]
    pub fn danger_put(&self, key: &[u8], value: Option<&[u8]>) -> Result<(), ViewFault> {
        match value {
            Some(value) => caught(|| self.db.insert(key, value)).map(drop)?,
            None => caught(|| self.db.remove(key)).map(drop)?,
        }
        self.make_durable()
    }
}

fn piece_key(n: u8, key: &[u8]) -> Vec<u8> {
    let mut piece = Vec::with_capacity(2 + key.len());
    piece.extend_from_slice(&[PREFIX_PIECE, n]);
    piece.extend_from_slice(key);
    piece
}

/// Puts a broken view out of the way as `view.bad-<n>`, for somebody to look at.
///
/// # Errors
/// When the disk refuses.
pub fn set_aside(disk: &dyn Disk, ledger: &Path) -> Result<Option<PathBuf>, StoreError> {
    let from = ledger.join(VIEW_DIR);
    if !from.exists() {
        return Ok(None);
    }
    // Bounded: nobody keeps a thousand broken views.
    let free = (1..1000).map(|n| ledger.join(format!("{VIEW_DIR}.bad-{n}"))).find(|path| !path.exists());
    let to = free.unwrap_or_else(|| ledger.join(format!("{VIEW_DIR}.bad-0")));
    disk.rename(&from, &to).map_err(|e| StoreError::io("set the view aside as", &to, e))?;
    disk.sync_dir(ledger).map_err(|e| StoreError::io("sync", ledger, e))?;
    Ok(Some(to))
}
