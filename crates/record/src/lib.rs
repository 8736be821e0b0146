//! Records: what a member signs, byte for byte, and how anybody checks it.
//!
//! Nothing here reads a clock, a file or a socket. Start with [`signed`]: the one way
//! from bytes to a [`VerifiedRecord`].
//!
//! ```
//! use ore_record::{SignedRecord, draft, keys::SecretKey, v1};
//!
//! let hold = v1::Hold { lot: Some(draft::lot("mine-a/L-1")), reason: "assay in dispute".into() };
//! let mut record = draft::record(hold, 1_790_000_000_000);
//! draft::complete(&mut record, "ledger.example/tantalum", "mine-a", [7; 16]);
//! let signed = SignedRecord::sign(record, &SecretKey::from_seed(&[1; 32]))?;
//!
//! let received = SignedRecord::decode(&signed.entry())?;
//! assert_eq!(received.id(), signed.id());
//! assert!(received.verify().is_ok());
//! # Ok::<(), ore_record::BadEntry>(())
//! ```
#![no_std]

extern crate alloc;

pub mod assay;
pub mod batch;
pub mod canonical;
pub mod content;
mod decimal;
pub mod draft;
pub mod elements;
mod envelope;
pub mod ids;
pub mod keys;
pub mod mass;
pub mod oxides;
pub mod private;
pub mod ratio;
pub mod rules;
pub mod signature;
pub mod signed;
pub mod state;
pub mod units;

/// Types generated from `record.proto` and `bundle.proto` in `proto/oreledger/v1`; the comments there are their documentation.
#[allow(missing_docs, unreachable_pub, clippy::all)]
pub mod v1 {
    include!(concat!(env!("OUT_DIR"), "/oreledger.v1.rs"));
}

/// Descriptors of the record protos, for reflection and for protobuf's JSON mapping.
pub const RECORD_DESCRIPTORS: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/record.fds"));

pub use decimal::BadDecimal;
pub use ids::{LotId, MemberId, RecordId};
pub use signed::{BadEntry, BadSignature, SignedRecord, VerifiedRecord};

/// Longest entry of the log, in bytes (C2SP tlog-tiles: a 16-bit length prefix).
pub const MAX_ENTRY_BYTES: usize = 65_535;
