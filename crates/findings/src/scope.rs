//! Which records a question is about.

use alloc::vec::Vec;

use ore_audit::{Budget, View, Word, footprint::ancestors};

/// What findings are asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// A lot and everything that its metal came through.
    Lot(u32),
    /// A facility in a period of event times, the end excluded.
    Facility {
        /// The facility.
        facility: Word,
        /// From, inclusive.
        from_ms: u64,
        /// To, exclusive.
        to_ms: u64,
    },
    /// Records from this leaf on.
    From(u32),
}

/// The leaves of a scope, in ledger order. The budget bounds the walk.
#[must_use]
pub fn leaves_of(view: &View<'_>, scope: Scope, budget: &mut Budget) -> Vec<u32> {
    match scope {
        Scope::Lot(lot) => {
            let lots = ancestors(view, lot, budget);
            let mut leaves: Vec<u32> = Vec::new();
            let journal = view.journal;
            for lot in &lots {
                if !budget.spend(1) {
                    break;
                }
                // A lot's own history; what others did with the rest of an ancestor is not about this lot.
                let later = |leaf: &u32| match view.entry(*leaf).map(|entry| &entry.fact) {
                    Some(ore_audit::Fact::Step(step)) => {
                        step.outputs.iter().any(|output| lots.binary_search(&output.lot).is_ok())
                    }
                    Some(_) => true,
                    None => false,
                };
                leaves.extend(journal.timeline(*lot).iter().copied().filter(later));
                if let Some(fact) = journal.lot(*lot) {
                    // Its facility's registration, and what is attested about the lot.
                    leaves.extend(journal.posted(fact.facility).first());
                    leaves.extend(journal.posted(fact.id).iter());
                }
            }
            leaves.sort_unstable();
            leaves.dedup();
            leaves
        }
        Scope::Facility { facility, from_ms, to_ms } => view
            .posted(facility)
            .filter(|(_, entry)| (from_ms..to_ms).contains(&entry.event_ms))
            .map(|(leaf, _)| leaf)
            .collect(),
        Scope::From(first) => {
            let end = u32::try_from(view.as_of).unwrap_or(u32::MAX);
            (first..end).collect()
        }
    }
}
