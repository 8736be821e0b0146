//! Documents in and out: JSON Lines and CSV.
//!
//! A document is read line by line; each line gives a draft record or says what is wrong with it, where,
//! and what to write instead. A bad line never loses a good one. Drafts are unsigned: whoever submits them
//! fills in ledger, author, nonce and heads ([`ore_record::draft`]) and signs.

pub mod csv;
mod error;
pub mod json;
mod lines;
mod people;
mod templates;
mod time;
pub mod trace_table;
pub mod words;

pub use error::LineError;
pub use time::{Rfc3339, parse_time, write_time, zone_offset};

use ore_record::v1;

/// Longest line that is read, in bytes. A record of the largest size fits in either format;
/// what is longer is skipped to its end without being held.
pub const MAX_LINE_BYTES: usize = 1 << 20;

/// What a line, or in CSV a group of rows, gave.
#[derive(Clone, Debug, PartialEq)]
pub struct Draft {
    /// Line in the document, from 1: where the record starts, or where it is wrong.
    pub line: u64,
    /// The record, or what is wrong.
    pub record: Result<v1::Record, LineError>,
}
