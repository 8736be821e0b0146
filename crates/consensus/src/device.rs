//! The device under the write-ahead log, for simulations under virtual time.
//!
//! A node flushes to a real device on a thread beside its reactor. Under virtual time that thread would be the
//! one thing whose duration no seed decides; a simulation says instead how long a flush takes, and hears what
//! is durable then, so that it can take everything else away in a power cut.

use std::fmt;
use std::path::Path;
use std::time::Duration;

/// Stands for the device; the log is still written to its file.
pub trait LogDevice: Send + Sync + fmt::Debug {
    /// How long the flush that begins now takes.
    fn flush_takes(&self) -> Duration;

    /// The first `bytes` bytes of `file` have reached the medium.
    fn flushed(&self, file: &Path, bytes: u64);
}
