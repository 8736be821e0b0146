//! Findings: what the ledger let in and an auditor should look at.
//!
//! A rule is judged on one record with everything that is known around it, so a finding names the record that
//! set it off; a lot, a facility, a period or new leaves are only choices of records. [`Judge`] holds a view and
//! the profile's terms; each family of rules has a file. Nothing is refused or erased here, and nothing reads a
//! clock: findings appear and disappear as evidence arrives.
#![no_std]

extern crate alloc;

mod by_word;
mod finding;
mod great_circle;
mod judge;
mod permits;
mod places;
mod rules;
mod scope;
mod terms;

pub use finding::{Finding, Number, Rule, Severity};
pub use great_circle::metres_between;
pub use judge::{Judge, Memory};
pub use permits::{Standing, standing};
pub use rules::trace::{OriginCase, library_of, origin_case};
pub use scope::{Leaves, Scope, leaves_of};
pub use terms::Terms;
