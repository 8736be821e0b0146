//! The newest checkpoint that this client has seen, kept between runs.
//!
//! One text file with the signed note. It is replaced as a whole (write, fsync, rename), so that a
//! crash leaves the old one or the new one.

use std::{
    fs, io,
    io::Write,
    path::{Path, PathBuf},
    sync::Mutex,
};

use ore_checkpoint::SignedCheckpoint;
use ore_merkle::{RootHash, TreeSize};

/// Where the newest checkpoint is kept.
#[derive(Debug)]
pub struct Memory {
    path: Option<PathBuf>,
    newest: Mutex<Option<Remembered>>,
}

/// The newest checkpoint seen.
#[derive(Clone, Debug)]
pub struct Remembered {
    /// Its size.
    pub size: TreeSize,
    /// Its root.
    pub root: RootHash,
    /// The signed note, as it was shown.
    pub note: String,
}

/// Why the remembered checkpoint is of no use.
#[derive(Debug, thiserror::Error)]
pub enum MemoryError {
    /// The file cannot be read or written.
    #[error("{doing} the remembered checkpoint {}: {source}", path.display())]
    File {
        /// "read" or "write".
        doing: &'static str,
        /// Which file.
        path: PathBuf,
        /// Why not.
        #[source]
        source: io::Error,
    },
    /// The file holds something else.
    #[error("{} holds no checkpoint of {origin:?}: {why}", path.display())]
    Garbled {
        /// Which file.
        path: PathBuf,
        /// The ledger.
        origin: String,
        /// What is wrong.
        why: String,
    },
}

impl Memory {
    /// Remembers only as long as the process lives.
    #[must_use]
    pub const fn forgetful() -> Self {
        Self { path: None, newest: Mutex::new(None) }
    }

    /// Opens the file; a file that is not there yet is an empty memory.
    ///
    /// # Errors
    /// [`MemoryError`], also when the file is of another ledger.
    pub fn open(path: &Path, origin: &str) -> Result<Self, MemoryError> {
        let bytes = match fs::read(path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Ok(Self { path: Some(path.to_owned()), newest: Mutex::new(None) });
            }
            Err(source) => return Err(MemoryError::File { doing: "read", path: path.to_owned(), source }),
        };
        let garbled =
            |why: String| MemoryError::Garbled { path: path.to_owned(), origin: origin.to_owned(), why };
        let signed = SignedCheckpoint::parse(&bytes).map_err(|error| garbled(error.to_string()))?;
        let checkpoint = signed.unverified();
        if checkpoint.origin() != origin {
            return Err(garbled(format!("it is of {:?}", checkpoint.origin())));
        }
        let (size, root) = (checkpoint.size(), *checkpoint.root());
        let newest = Remembered { size, root, note: signed.to_string() };
        Ok(Self { path: Some(path.to_owned()), newest: Mutex::new(Some(newest)) })
    }

    /// The newest checkpoint seen.
    #[must_use]
    pub fn newest(&self) -> Option<Remembered> {
        self.newest.lock().unwrap_or_else(std::sync::PoisonError::into_inner).clone()
    }

    /// Keeps evidence beside the remembered checkpoint, named by its digest. Where nothing is remembered between
    /// runs, nothing is kept either.
    ///
    /// # Errors
    /// [`MemoryError::File`].
    pub(crate) fn keep_evidence(&self, bytes: &[u8]) -> Result<Option<PathBuf>, MemoryError> {
        let Some(path) = &self.path else { return Ok(None) };
        let digest = ore_merkle::hash_leaf(bytes);
        let hex: String = digest.as_bytes()[..8].iter().map(|byte| format!("{byte:02x}")).collect();
        let path = path.with_extension(format!("{hex}.evidence"));
        let failed =
            |source| MemoryError::File { doing: "write evidence beside", path: path.clone(), source };
        replace(&path, bytes).map_err(failed)?;
        Ok(Some(path))
    }

    /// Keeps a checkpoint that was verified and found consistent, unless a newer one is known.
    pub(crate) fn keep(&self, signed: &str, size: TreeSize, root: RootHash) -> Result<(), MemoryError> {
        let mut newest = self.newest.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if newest.as_ref().is_some_and(|known| known.size >= size) {
            return Ok(());
        }
        if let Some(path) = &self.path {
            replace(path, signed.as_bytes()).map_err(|source| MemoryError::File {
                doing: "write",
                path: path.clone(),
                source,
            })?;
        }
        *newest = Some(Remembered { size, root, note: signed.to_owned() });
        Ok(())
    }
}

fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    // Several commands may run at once: each writes its own temporary file.
    let temporary = path.with_extension(format!("new-{}", std::process::id()));
    let mut file = fs::File::create(&temporary)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(&temporary, path)?;
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => fs::File::open(folder)?.sync_all(),
        _ => Ok(()),
    }
}
