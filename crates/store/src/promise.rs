//! The promise: the newest body that this node has signed, kept outside every database.
//!
//! Written and synced before a signature leaves the house; read before the next one is made. A node whose
//! log is shorter than its promise was restored from an old copy and signs nothing until it has caught up.

use std::path::{Path, PathBuf};

use ore_checkpoint::{Checkpoint, KeyName};
use ore_merkle::{RootHash, TreeSize};

use crate::{
    damage::{Damage, Fault, Place},
    disk::{self, Access, Disk},
    error::StoreError,
};

/// Name of the promise file, below the ledger's folder.
pub const PROMISE_FILE: &str = "promise";
/// Name of the published checkpoint, below the ledger's folder.
pub const CHECKPOINT_FILE: &str = "checkpoint";
/// Longest promise or checkpoint that is read, in bytes.
const MAX_BYTES: u64 = 1 << 20;

/// Reads a small file; `None` when there is none.
///
/// # Errors
/// When it cannot be read, or is longer than 1 MiB.
pub(crate) fn read_small(disk: &dyn Disk, path: &Path) -> Result<Option<Vec<u8>>, StoreError> {
    let fail = |e| StoreError::io("read", path, e);
    let file = match disk.open(path, Access::Read) {
        Ok(file) => file,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(fail(error)),
    };
    let size = file.size().map_err(fail)?;
    if size > MAX_BYTES {
        return Err(fail(std::io::Error::other("longer than 1 MiB")));
    }
    let mut bytes = vec![0; size as usize];
    file.read_at(&mut bytes, 0).map_err(fail)?;
    Ok(Some(bytes))
}

/// The newest body this node has signed.
#[derive(Debug)]
pub struct Promise {
    path: PathBuf,
    body: Option<Checkpoint>,
    /// A write failed after it may have reached the disk: read it again before the next.
    unsure: bool,
}

impl Promise {
    /// Reads the file.
    ///
    /// # Errors
    /// [`StoreError::Damaged`] when it is no checkpoint body: a node that does not know what it has signed
    /// signs nothing.
    pub fn open(disk: &dyn Disk, ledger: &Path) -> Result<Self, StoreError> {
        let path = ledger.join(PROMISE_FILE);
        let body = read_body(disk, &path)?;
        Ok(Self { path, body, unsure: false })
    }

    /// The newest body signed, if any.
    #[must_use]
    pub const fn body(&self) -> Option<&Checkpoint> {
        self.body.as_ref()
    }

    /// Notes that `origin` will be signed at `size`, durably, and gives the body to sign. The same body may be
    /// promised again. `root_at` gives the root of the log at a size, or nothing when it is shorter or cannot be read.
    ///
    /// # Errors
    /// [`StoreError::BehindPromise`] when the log is shorter than the promise, [`StoreError::Contradiction`]
    /// for a smaller body, for another root at the same size, or when the log does not extend the promise;
    /// and the disk's, after which nothing may be signed.
    pub fn advance(
        &mut self,
        disk: &dyn Disk,
        origin: &KeyName,
        size: TreeSize,
        root_at: impl Fn(TreeSize) -> Option<RootHash>,
    ) -> Result<Checkpoint, StoreError> {
        if self.unsure {
            self.body = read_body(disk, &self.path)?;
            self.unsure = false;
        }
        let root = root_at(size).ok_or(StoreError::Contradiction {
            why: format!("a body of {size} entries was asked for and the log is shorter, or its leaf hashes cannot be read"),
        })?;
        let wanted = Checkpoint::new(origin, size, root);
        if let Some(body) = &self.body {
            check_successor(body, &wanted, self.path.parent().unwrap_or(&self.path), root_at)?;
            if *body == wanted {
                return Ok(wanted);
            }
        }
        if let Err(error) = disk::replace(disk, &self.path, wanted.to_text().as_bytes()) {
            self.unsure = true;
            return Err(StoreError::io("note the promise in", &self.path, error));
        }
        self.body = Some(wanted.clone());
        Ok(wanted)
    }
}

fn check_successor(
    body: &Checkpoint,
    wanted: &Checkpoint,
    path: &Path,
    root_at: impl Fn(TreeSize) -> Option<RootHash>,
) -> Result<(), StoreError> {
    let contradiction = |why: String| Err(StoreError::Contradiction { why });
    if body.origin() != wanted.origin() {
        return contradiction(format!("the promise is for {}, not {}", body.origin(), wanted.origin()));
    }
    let Some(root) = root_at(body.size()) else {
        let (promised, held) = (body.size().get(), wanted.size().get());
        if promised > held {
            return Err(StoreError::BehindPromise { promised, held });
        }
        // The log has them: that they cannot be read is another fault than an old copy.
        let why = std::io::Error::other(format!("no root of the first {promised} entries"));
        return Err(StoreError::io("read the stored leaf hashes below", path, why));
    };
    if root != *body.root() {
        return contradiction(format!(
            "root {} was signed for {} entries, and the log now gives {root}",
            body.root(),
            body.size()
        ));
    }
    if wanted.size() < body.size() {
        return contradiction(format!("{} entries after {} were signed", wanted.size(), body.size()));
    }
    Ok(())
}

fn read_body(disk: &dyn Disk, path: &Path) -> Result<Option<Checkpoint>, StoreError> {
    let Some(bytes) = read_small(disk, path)? else { return Ok(None) };
    let body = std::str::from_utf8(&bytes).ok().and_then(|text| Checkpoint::parse(text).ok());
    match body.filter(|body| body.require_strict().is_ok() && body.to_text().as_bytes() == bytes) {
        Some(body) => Ok(Some(body)),
        None => Err(Damage::new(
            Fault::Promise,
            Place::in_file(PROMISE_FILE, 0),
            "the body of a checkpoint",
            "something else",
        )
        .into()),
    }
}

#[cfg(test)]
mod tests {
    use ore_checkpoint::KeyName;
    use ore_merkle::{RootHash, TreeSize};

    use super::Promise;
    use crate::{disk::RealDisk, error::StoreError};

    #[test]
    fn hashes_that_cannot_be_read_are_not_an_old_copy() {
        let ledger = tempfile::tempdir().expect("a folder");
        let origin = KeyName::new("ledger.example/tantalum").expect("a name");
        let root = |size: TreeSize| RootHash::from_bytes([size.get() as u8; 32]);
        let mut promise = Promise::open(&RealDisk, ledger.path()).expect("nothing promised yet");
        promise.advance(&RealDisk, &origin, TreeSize::new(10), |size| Some(root(size))).expect("promises");
        let newest_only = |newest: u64| move |size: TreeSize| (size.get() == newest).then(|| root(size));
        let unread = promise.advance(&RealDisk, &origin, TreeSize::new(20), newest_only(20));
        assert!(matches!(unread, Err(StoreError::Io { .. })), "{unread:?}");
        let behind = promise.advance(&RealDisk, &origin, TreeSize::new(5), newest_only(5));
        assert!(matches!(behind, Err(StoreError::BehindPromise { promised: 10, held: 5 })), "{behind:?}");
        promise.advance(&RealDisk, &origin, TreeSize::new(20), |size| Some(root(size))).expect("reads again");
    }
}
