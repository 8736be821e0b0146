//! Terms: which validators vouch for which part of the log.
//!
//! A set of validators decides from a height on, and vouches for the log up to the end of the last block before the
//! next set decides. What ends a term is a checkpoint of exactly that size by the set that goes: it is the one that
//! shows the set that comes, so an outsider can follow from genesis; see `ore_verify::handover`.

use ore_custody::Custody;
use ore_merkle::{ConsistencyProof, RootHash, TreeSize};
use ore_record::v1::ChangeValidators;
use ore_store::Reader;

use crate::gather::Log;

/// A set of validators that decides, did or will.
#[derive(Clone, Debug, PartialEq)]
pub struct Term {
    /// First height that it decides.
    pub from_height: u64,
    /// Place in the roster.
    pub place: u32,
    /// The set.
    pub set: ChangeValidators,
}

/// All terms, oldest first. A set that another replaced before it ever decided has none.
#[must_use]
pub fn terms_of(custody: &Custody) -> Vec<Term> {
    let mut terms: Vec<Term> = Vec::new();
    for (place, set) in custody.placed_validator_sets() {
        if terms.last().is_some_and(|last| last.from_height == set.from_height) {
            terms.pop();
        }
        terms.push(Term { from_height: set.from_height, place, set: set.set.clone() });
    }
    terms
}

/// The log as the validators of one term see it: what comes after their last block is not theirs to vouch for.
#[derive(Debug)]
pub struct View<'a> {
    log: &'a Reader,
    size: u64,
    end: Option<u64>,
}

impl<'a> View<'a> {
    /// The log now, and no longer than the term. `terms` is asked after the log was measured: a set is known two
    /// blocks before it decides, so no end is missed.
    pub fn of(log: &'a Reader, term: usize, terms: impl FnOnce() -> std::sync::Arc<Vec<Term>>) -> Self {
        let size = log.size().get();
        let end = end_of(log, &terms(), term).filter(|end| *end <= size);
        Self { log, size: end.unwrap_or(size), end }
    }
}

/// Entries in the log at the end of a term; `None` while it lasts.
#[must_use]
pub fn end_of(log: &Reader, terms: &[Term], term: usize) -> Option<u64> {
    let last = terms.get(term + 1)?.from_height.checked_sub(1)?;
    log.end_of_block(last).map(TreeSize::get)
}

impl Log for View<'_> {
    fn size(&self) -> u64 {
        self.size
    }

    fn root_at(&self, size: u64) -> Option<RootHash> {
        if size <= self.size { Log::root_at(self.log, size) } else { None }
    }

    fn block_ending_at(&self, size: u64) -> Option<u64> {
        if size <= self.size { Log::block_ending_at(self.log, size) } else { None }
    }

    fn end_of_block(&self, height: u64) -> Option<u64> {
        Log::end_of_block(self.log, height).filter(|end| *end <= self.size)
    }

    fn prove_consistency(&self, first: TreeSize, second: TreeSize) -> Option<ConsistencyProof> {
        Log::prove_consistency(self.log, first, second)
    }

    fn end(&self) -> Option<u64> {
        self.end
    }
}
