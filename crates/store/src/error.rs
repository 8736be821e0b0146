//! What can go wrong with the disk, said to the operator who must act.

use std::{io, path::PathBuf};

use ore_record::rules::UnknownRules;

use crate::damage::Damage;

/// Why the store could not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The disk refused an operation.
    #[error("{doing} {}", path.display())]
    Io {
        /// What was being done, as a verb.
        doing: &'static str,
        /// With which file.
        path: PathBuf,
        /// Why not.
        #[source]
        source: io::Error,
    },
    /// No space is left. Nothing was acknowledged; appending resumes by itself when there is space.
    #[error("no space left to {doing} {}; free some and try again", path.display())]
    Full {
        /// What was being done, as a verb.
        doing: &'static str,
        /// With which file.
        path: PathBuf,
    },
    /// Stored bytes are not what was written.
    #[error("{0}")]
    Damaged(Box<Damage>),
    /// The log goes on by rules that this program does not know.
    #[error(transparent)]
    NewerRules(#[from] UnknownRules),
    /// An earlier write failed in a way that leaves the medium's content unknown.
    #[error("the log stopped after a failed {after}; open the store again to see what is on the disk")]
    Stopped {
        /// What failed.
        after: &'static str,
    },
    /// A block is not the next one.
    #[error("block of height {found} cannot follow: the next height is {expected}")]
    NotNext {
        /// Height that fits.
        expected: u64,
        /// Height that came.
        found: u64,
    },
    /// A block contradicts the log that it should extend.
    #[error("block of height {height} does not fit this log: {why}")]
    DoesNotFit {
        /// Its height.
        height: u64,
        /// What does not agree.
        why: String,
    },
    /// Another process has the ledger open.
    #[error("the ledger in {} is open in another process", path.display())]
    Locked {
        /// Its folder.
        path: PathBuf,
    },
    /// The log is shorter than this node has vouched for.
    #[error(
        "this node has signed for a log of {promised} entries and holds {held}: it signs nothing until it has caught up"
    )]
    BehindPromise {
        /// Size of the promise.
        promised: u64,
        /// Size of the log.
        held: u64,
    },
    /// A signature was asked for that would contradict an earlier one.
    #[error("refused to sign: {why}; keep both bodies, they are evidence")]
    Contradiction {
        /// Which two statements.
        why: String,
    },
    /// The view stands still; the log goes on, and the next start catches up.
    #[error("the view stands still: {why}")]
    View {
        /// Why.
        why: String,
    },
    /// The graph of lots holds what the log does not: a block that nobody has decided. A defect of whoever saves it.
    #[error("the graph of lots holds leaf {leaf}, and the log {entries} entries")]
    GraphAhead {
        /// Newest leaf of the graph.
        leaf: u64,
        /// Entries of the log.
        entries: u64,
    },
    /// The index thread has ended.
    #[error("the index thread has ended")]
    IndexGone,
}

impl StoreError {
    /// Says what was being done when the disk answered `source`.
    pub fn io(doing: &'static str, path: impl Into<PathBuf>, source: io::Error) -> Self {
        if crate::disk::is_full(&source) {
            Self::Full { doing, path: path.into() }
        } else {
            Self::Io { doing, path: path.into(), source }
        }
    }
}

impl From<Damage> for StoreError {
    fn from(damage: Damage) -> Self {
        Self::Damaged(Box::new(damage))
    }
}
