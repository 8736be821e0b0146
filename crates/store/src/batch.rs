//! Batches: the writes of some blocks, merged, and written down whole before sled sees the first of them.
//!
//! sled applies single inserts, so a crash in the middle leaves a mixture of two heights. The batch file is a
//! redo log: it is durable before sled is touched, and applying it again, however much of it sled already
//! has, ends in exactly the state at its height. A batch file that is torn was never begun to be applied.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use crate::{
    disk::{self, Access, Disk},
    error::StoreError,
    header::BlockId,
};

/// Name of the batch file, below the ledger's folder.
pub const BATCH_FILE: &str = "view-batch";
const MAGIC: &[u8; 16] = b"oreledger/batch1";

/// One state entity or index row: key, and value or removal.
pub type Write = (Vec<u8>, Option<Vec<u8>>);

/// The point of the log that a view stands at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Applied {
    /// Height of the newest block in it.
    pub height: u64,
    /// Leaves up to and with that block.
    pub tree_size: u64,
    /// State root after that block.
    pub state_root: [u8; 32],
    /// That block's id.
    pub block_id: BlockId,
}

/// Bytes of an encoded [`Applied`].
pub const APPLIED_BYTES: usize = 80;

impl Applied {
    /// Fixed layout, big-endian.
    #[must_use]
    pub fn encode(&self) -> [u8; APPLIED_BYTES] {
        let mut bytes = [0; APPLIED_BYTES];
        bytes[0..8].copy_from_slice(&self.height.to_be_bytes());
        bytes[8..16].copy_from_slice(&self.tree_size.to_be_bytes());
        bytes[16..48].copy_from_slice(&self.state_root);
        bytes[48..80].copy_from_slice(&self.block_id.0);
        bytes
    }

    /// Reads [`Applied::encode`].
    #[must_use]
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        let bytes: &[u8; APPLIED_BYTES] = bytes.try_into().ok()?;
        Some(Self {
            height: u64::from_be_bytes(bytes[0..8].try_into().ok()?),
            tree_size: u64::from_be_bytes(bytes[8..16].try_into().ok()?),
            state_root: bytes[16..48].try_into().ok()?,
            block_id: BlockId(bytes[48..80].try_into().ok()?),
        })
    }
}

/// Merged writes up to one height. The last write of a key wins.
#[derive(Clone, Debug, Default)]
pub struct Batch {
    /// What the view stands at once this is applied; `None` before the first block.
    pub applied: Option<Applied>,
    /// Sorted, so that sled's pages are visited in order.
    pub writes: BTreeMap<Vec<u8>, Option<Vec<u8>>>,
    bytes: usize,
}

impl Batch {
    /// Adds one block's writes.
    pub fn merge(&mut self, applied: Applied, writes: Vec<Write>) {
        self.applied = Some(applied);
        for (key, value) in writes {
            self.bytes += key.len() + value.as_ref().map_or(0, Vec::len);
            self.writes.insert(key, value);
        }
    }

    /// Upper bound of the memory that it holds, in bytes of keys and values.
    #[must_use]
    pub const fn bytes(&self) -> usize {
        self.bytes
    }

    fn encode(&self, applied: &Applied) -> Vec<u8> {
        let mut out = Vec::with_capacity(self.bytes + 16 * self.writes.len() + 128);
        out.extend_from_slice(MAGIC);
        out.extend_from_slice(&applied.encode());
        out.extend_from_slice(&(self.writes.len() as u64).to_be_bytes());
        for (key, value) in &self.writes {
            out.extend_from_slice(&(key.len() as u32).to_be_bytes());
            out.extend_from_slice(key);
            // Length plus one; zero: the key is removed.
            let length = value.as_ref().map_or(0, |value| value.len() as u32 + 1);
            out.extend_from_slice(&length.to_be_bytes());
            out.extend_from_slice(value.as_deref().unwrap_or_default());
        }
        let crc = crc32fast::hash(&out);
        out.extend_from_slice(&crc.to_be_bytes());
        out
    }

    fn decode(bytes: &[u8]) -> Option<Self> {
        let (content, crc) = bytes.split_at_checked(bytes.len().checked_sub(4)?)?;
        if crc32fast::hash(content).to_be_bytes() != crc {
            return None;
        }
        let mut rest = content.strip_prefix(MAGIC)?;
        let applied = Applied::decode(take(&mut rest, APPLIED_BYTES)?)?;
        let count = u64::from_be_bytes(take(&mut rest, 8)?.try_into().ok()?);
        let mut batch = Self::default();
        let mut writes = Vec::new();
        for _ in 0..count {
            let key = take_prefixed(&mut rest, 0)?.to_vec();
            let length = u32::from_be_bytes(take(&mut rest, 4)?.try_into().ok()?);
            let value = match length {
                0 => None,
                length => Some(take(&mut rest, length as usize - 1)?.to_vec()),
            };
            writes.push((key, value));
        }
        batch.merge(applied, writes);
        rest.is_empty().then_some(batch)
    }

    /// Writes it down durably; after this, applying it may begin.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn write_down(&self, disk: &dyn Disk, ledger: &Path) -> Result<(), StoreError> {
        let Some(applied) = &self.applied else { return Ok(()) };
        let path = batch_path(ledger);
        disk::replace(disk, &path, &self.encode(applied)).map_err(|e| StoreError::io("write", path, e))
    }

    /// Reads what was written down last. `None` when there is none, or it is torn.
    ///
    /// # Errors
    /// When an existing file cannot be read.
    pub fn read_back(disk: &dyn Disk, ledger: &Path) -> Result<Option<Self>, StoreError> {
        let path = batch_path(ledger);
        let file = match disk.open(&path, Access::Read) {
            Ok(file) => file,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(StoreError::io("open", path, error)),
        };
        let read = || {
            let mut bytes = vec![0; usize::try_from(file.size()?).unwrap_or(usize::MAX)];
            file.read_at(&mut bytes, 0)?;
            Ok(bytes)
        };
        Ok(Self::decode(&read().map_err(|e| StoreError::io("read", path, e))?))
    }
}

/// Where the batch file is.
#[must_use]
pub fn batch_path(ledger: &Path) -> PathBuf {
    ledger.join(BATCH_FILE)
}

fn take<'a>(rest: &mut &'a [u8], bytes: usize) -> Option<&'a [u8]> {
    let (head, tail) = rest.split_at_checked(bytes)?;
    *rest = tail;
    Some(head)
}

fn take_prefixed<'a>(rest: &mut &'a [u8], less: u32) -> Option<&'a [u8]> {
    let length = u32::from_be_bytes(take(rest, 4)?.try_into().ok()?).checked_sub(less)?;
    take(rest, length as usize)
}
