//! A made-up supply chain, mine to device: seeded, layered, with known answers and labelled violations.
//!
//! [`generate`] tells a story in records to a [`Sink`]: a ledger that signs them, or [`Memory`], which keeps
//! only graph and journal and reaches ten million lots. The clean story breaks no rule. [`violate`] breaks each
//! rule once, in lots of its own, and says which record did.

mod cast;
mod chain;
mod dice;
mod memory;
mod signed;
mod teller;
mod violations;

pub use cast::{Cast, FacilityOf, MemberOf, cast, profile};
pub use chain::{Answers, Known, generate};
pub use dice::Dice;
pub use memory::Memory;
pub use signed::{Signed, founding_records, key_of};
pub use teller::{Label, Said, Sink, Teller};
pub use violations::violate;
