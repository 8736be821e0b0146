//! Custody rules: may this record enter, and what follows from it.
//!
//! [`Custody::decide`] judges a verified record against the state and gives a [`Change`] or a
//! [`Rejection`]; [`Custody::commit`] applies the change; [`Custody::undo`] takes it back exactly.
//! Same state, same record, same position: same answer, on every node and in every test. Nothing here
//! reads a clock, a file or a socket, and no rule uses floating point.
#![no_std]

extern crate alloc;

pub mod books;
pub mod codes;
pub mod effect;
pub mod load;
pub mod lot;
pub mod rejection;
pub mod roster;
pub mod state_tree;
pub mod text;

mod change;
mod codec;
mod decide;
mod desk;
mod lots;
mod names;
mod persist;
mod roles;
mod rules;
mod state;

pub use change::{Change, Undo};
pub use desk::{Position, Records};
pub use effect::{Effect, MassChange, Source, SourceKind, Step, StepInput, StepLoss, StepOutput};
pub use lot::{Composition, Country, Description, ElementContent, Lot, NONE, Passport, Place, Standing};
pub use names::RecordIndex;
pub use persist::LoadError;
pub use rejection::{Reason, Rejection, Rule, Subject};
pub use roster::{Member, RosterEntry, ValidatorSet};
pub use state::Custody;
pub use state_tree::{BadHeadProof, HeadProof, verify_head};
