//! The books of the ledger: what happened to which lot, where and when, and what follows for an auditor.
//!
//! The [`Journal`] takes records in ledger order and keeps of each what a question about facilities, periods
//! and hands needs; the lot graph of `ore-provenance` knows the masses. A [`View`] is both as known at a
//! ledger size and as of a business date. [`balance`], [`circularity`], [`credits`], [`accounts`],
//! [`chain`] and [`footprint`] are the questions. Nothing here reads a clock, a file or a socket.
#![no_std]

extern crate alloc;

pub mod accounts;
pub mod balance;
pub mod chain;
pub mod circularity;
pub mod credits;
pub mod dependence;
pub mod footprint;
mod journal;
mod ratio;
mod view;

pub use journal::{
    AcceptFact, AcceptedFact, CommissionFact, Document, Entry, Fact, InputFact, Journal, JournalFull,
    LotFact, OutputFact, ShipFact, ShippedFact, StatusKind, StepFact, Word, Words,
};
pub use ratio::{Ppm, ratio_e18, ratio_ppm};
pub use view::{Amount, Budget, View};
