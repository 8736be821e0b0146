//! The disk as the store sees it: few operations, each of which may fail.
//!
//! Everything that must not be lost goes through [`Disk`], so that a test can fail each operation
//! before and after it took effect, or lose whatever was never synced. sled writes its own files; for
//! those the store holds a second handle here, whose [`DiskFile::sync_data`] makes them durable.

use std::{
    fmt,
    fs::{self, File, OpenOptions},
    io,
    os::unix::fs::FileExt,
    path::Path,
    sync::Arc,
};

use rustix::fs::FallocateFlags;

/// How a file is opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// To read an existing file.
    Read,
    /// To read and write an existing file.
    Write,
    /// To read and write a file that is created, or emptied when it exists.
    Create,
}

/// An open file.
pub trait DiskFile: Send + Sync + fmt::Debug {
    /// Fills `into` from `offset`.
    ///
    /// # Errors
    /// The system's, or `UnexpectedEof` when the file ends before.
    fn read_at(&self, into: &mut [u8], offset: u64) -> io::Result<()>;
    /// Writes all of `bytes` at `offset`.
    ///
    /// # Errors
    /// The system's; a part may have been written.
    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<()>;
    /// Returns when everything written is on the medium (`fdatasync`).
    ///
    /// # Errors
    /// The system's; nothing may be concluded about what was written before.
    fn sync_data(&self) -> io::Result<()>;
    /// Cuts or extends the file.
    ///
    /// # Errors
    /// The system's.
    fn set_len(&self, bytes: u64) -> io::Result<()>;
    /// Reserves space, so that later writes there cannot run out of it; the file grows to hold it and reads as zeros.
    ///
    /// # Errors
    /// The system's; `Unsupported` where the file system cannot.
    fn allocate(&self, offset: u64, bytes: u64) -> io::Result<()>;
    /// Length in bytes.
    ///
    /// # Errors
    /// The system's.
    fn size(&self) -> io::Result<u64>;
}

/// A file system.
pub trait Disk: Send + Sync + fmt::Debug {
    /// Opens a file.
    ///
    /// # Errors
    /// The system's.
    fn open(&self, path: &Path, access: Access) -> io::Result<Arc<dyn DiskFile>>;
    /// Renames a file or folder over whatever has that name.
    ///
    /// # Errors
    /// The system's.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;
    /// Removes a file.
    ///
    /// # Errors
    /// The system's.
    fn remove(&self, path: &Path) -> io::Result<()>;
    /// Creates a folder with its parents; not an error when it exists.
    ///
    /// # Errors
    /// The system's.
    fn create_dir(&self, path: &Path) -> io::Result<()>;
    /// Returns when the folder's names are on the medium.
    ///
    /// # Errors
    /// The system's.
    fn sync_dir(&self, path: &Path) -> io::Result<()>;
}

/// The operating system's disk.
#[derive(Clone, Copy, Debug, Default)]
pub struct RealDisk;

impl Disk for RealDisk {
    fn open(&self, path: &Path, access: Access) -> io::Result<Arc<dyn DiskFile>> {
        let mut options = OpenOptions::new();
        options.read(true);
        match access {
            Access::Read => {}
            Access::Write => {
                options.write(true);
            }
            Access::Create => {
                options.write(true).create(true).truncate(true);
            }
        }
        Ok(Arc::new(RealFile(options.open(path)?)))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        fs::rename(from, to)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        fs::remove_file(path)
    }

    fn create_dir(&self, path: &Path) -> io::Result<()> {
        fs::create_dir_all(path)
    }

    fn sync_dir(&self, path: &Path) -> io::Result<()> {
        File::open(path)?.sync_all()
    }
}

#[derive(Debug)]
struct RealFile(File);

impl DiskFile for RealFile {
    fn read_at(&self, into: &mut [u8], offset: u64) -> io::Result<()> {
        self.0.read_exact_at(into, offset)
    }

    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        self.0.write_all_at(bytes, offset)
    }

    fn sync_data(&self) -> io::Result<()> {
        self.0.sync_data()
    }

    fn set_len(&self, bytes: u64) -> io::Result<()> {
        self.0.set_len(bytes)
    }

    fn allocate(&self, offset: u64, bytes: u64) -> io::Result<()> {
        rustix::fs::fallocate(&self.0, FallocateFlags::empty(), offset, bytes).map_err(io::Error::from)
    }

    fn size(&self) -> io::Result<u64> {
        Ok(self.0.metadata()?.len())
    }
}

/// Replaces a small file so that a crash leaves the old content or the new, never a mixture:
/// write beside it, fdatasync, rename, fsync of the folder.
///
/// # Errors
/// The first operation that failed. Before the rename the old content stands; a failure of the last
/// step leaves it open which of the two a power cut would show.
pub fn replace(disk: &dyn Disk, path: &Path, bytes: &[u8]) -> io::Result<()> {
    replace_by(disk, path, &[bytes])
}

/// The same, by several pieces, one after the other.
///
/// # Errors
/// As [`replace`].
pub fn replace_by(disk: &dyn Disk, path: &Path, pieces: &[&[u8]]) -> io::Result<()> {
    let beside = path.with_extension("new");
    let file = disk.open(&beside, Access::Create)?;
    let mut at = 0;
    for piece in pieces {
        file.write_at(piece, at)?;
        at += piece.len() as u64;
    }
    file.sync_data()?;
    disk.rename(&beside, path)?;
    disk.sync_dir(path.parent().unwrap_or(Path::new(".")))
}

/// Whether an error means that no space is left.
#[must_use]
pub fn is_full(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)
}
