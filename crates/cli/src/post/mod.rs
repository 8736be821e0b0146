//! From statements to places in the ledger: blanks filled, signed here, handed in in order, remembered.
//!
//! Every record goes this way: the lines of `submit`, the single statement of a verb, and the demo's
//! story. A window of records is signed and handed in at once; records in it may build on each other.

pub(crate) mod engine;
pub(crate) mod item;
pub(crate) mod journal;
pub(crate) mod keyring;
mod known;

pub(crate) use engine::{Desk, Fate, Made, Rehearsed, Trouble, Work};
