//! Calls whose answers are verified before they are returned.
//!
//! What carries a proof is checked here: receipts, checkpoints and their consistency with the newest
//! one remembered, bundles, the signatures of records that are read. What carries none (a lot as it
//! stands, heads, a trace, shares) is the node's word, and the methods say so; a bundle proves it.

mod audit;
mod error;
mod fingerprint;
mod handovers;
mod identity;
mod ledger;
mod memory;
mod page;
mod peers;
mod promises;
mod receipts;
mod submission;

pub use error::ClientError;
pub use identity::Identity;
pub use ledger::{HistoryItem, Ledger};
pub use memory::{Memory, MemoryError, Remembered};
pub use page::Page;
pub use promises::{Verdict, promise_file};
pub use receipts::{CheckedReceipt, VerifiedBundle};
pub use submission::{
    Accepted, Answer, Check, Checked, MAX_CHECKED_RECORDS, MAX_MESSAGE_BYTES, MAX_MESSAGE_RECORDS,
};
