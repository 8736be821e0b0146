//! What becomes of a submitted record, as its submitter is told.

use std::time::Duration;

use bytes::Bytes;
use ore_custody::Rejection;
use ore_record::RecordId;
use ore_wire::v1;

/// Where a record stands in the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// The record.
    pub id: RecordId,
    /// Its leaf.
    pub leaf_index: u64,
    /// Entries in the log with its block.
    pub tree_size: u64,
    /// Height of its block.
    pub height: u64,
}

impl From<Place> for v1::Place {
    fn from(place: Place) -> Self {
        Self {
            record_id: Bytes::copy_from_slice(place.id.as_bytes()),
            leaf_index: place.leaf_index,
            tree_size: place.tree_size,
            height: place.height,
        }
    }
}

/// What became of one record.
#[derive(Clone, Debug)]
pub enum Outcome {
    /// It is in the ledger, durably.
    Accepted(Place),
    /// It was in the ledger before.
    AlreadyThere(Place),
    /// The rules refuse it.
    Rejected(Box<Rejection>),
    /// It is no record, or not its author's.
    Malformed {
        /// Path of the field.
        field: &'static str,
        /// What is wrong with it.
        message: String,
    },
    /// The node could not take it; the record is not at fault.
    NotTaken(NotTaken),
}

/// Why a node does not take records now.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotTaken {
    /// The queue is full.
    #[error("the queue of this node is full; the record is not at fault, send it again")]
    QueueFull,
    /// No space is left on its disk.
    #[error(
        "the disk of this node is full; nothing acknowledged is lost, send the record again when its operator has freed space"
    )]
    DiskFull,
    /// It is being shut down.
    #[error("this node is shutting down; send the record to another, or again later")]
    Stopping,
}

impl NotTaken {
    /// When it is worth trying again.
    #[must_use]
    pub const fn retry_after(self) -> Duration {
        match self {
            Self::QueueFull => Duration::from_millis(100),
            Self::DiskFull => Duration::from_secs(5),
            Self::Stopping => Duration::from_secs(2),
        }
    }
}
