//! The sentences themselves, by their subject, in two tables. The more special stands above the more general.

mod faults;
mod findings;
mod origin;

use super::Row;

/// What is said by itself.
pub(super) const SENTENCES: &[&[Row]] = &[findings::SENTENCES, faults::SENTENCES, origin::SENTENCES];

/// What is said inside a sentence only, where a word or two say little by themselves.
pub(super) const FRAGMENTS: &[&[Row]] = &[findings::FRAGMENTS, origin::FRAGMENTS];
