//! Which records a question is about.

use alloc::vec::Vec;

use ore_audit::{Budget, Entry, Fact, View, Word, footprint::Ancestors};

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
    let mut leaves = Leaves::of(scope);
    leaves.go_on(view, budget);
    leaves.close()
}

/// Leaves of a scope that are being looked for.
#[derive(Debug)]
pub struct Leaves {
    scope: Scope,
    found: Vec<u32>,
    /// The way to a lot, its lots once all are met, and how many of them were looked at.
    way: Option<Ancestors>,
    lots: Vec<u32>,
    next: usize,
}

impl Leaves {
    /// None found yet.
    #[must_use]
    pub fn of(scope: Scope) -> Self {
        let way = match scope {
            Scope::Lot(lot) => Some(Ancestors::of(lot)),
            _ => None,
        };
        Self { scope, found: Vec::new(), way, lots: Vec::new(), next: 0 }
    }

    /// Goes on until all are found (true) or the budget ends. The view may have grown since the last time, but must
    /// be of the same size and date.
    pub fn go_on(&mut self, view: &View<'_>, budget: &mut Budget) -> bool {
        match self.scope {
            Scope::Lot(_) => self.of_lots(view, budget),
            Scope::Facility { facility, from_ms, to_ms } => {
                while let Some((leaf, entry)) = view.next_done_at(facility, &mut self.next) {
                    if !budget.spend(1) {
                        self.next -= 1;
                        return false;
                    }
                    let within = |entry: &Entry| (from_ms..to_ms).contains(&entry.event_ms);
                    self.found.extend(entry.filter(|entry| within(entry)).map(|_| leaf));
                }
                true
            }
            Scope::From(first) => {
                self.found = (first..u32::try_from(view.as_of).unwrap_or(u32::MAX)).collect();
                true
            }
        }
    }

    fn of_lots(&mut self, view: &View<'_>, budget: &mut Budget) -> bool {
        if let Some(way) = &mut self.way {
            if !way.go_on(view, budget) {
                return false;
            }
            self.lots = way.lots();
            self.way = None;
        }
        let (journal, lots) = (view.journal, &self.lots);
        while let Some(lot) = lots.get(self.next) {
            if !budget.spend(1) {
                return false;
            }
            self.next += 1;
            // A lot's own history; what others did with the rest of an ancestor is not about this lot.
            let ours = |leaf: &u32| match view.entry(*leaf).map(|entry| &entry.fact) {
                Some(Fact::Step(step)) => {
                    step.outputs.iter().any(|output| lots.binary_search(&output.lot).is_ok())
                }
                Some(_) => true,
                None => false,
            };
            let timeline = journal.timeline(*lot);
            budget.charge(timeline.len() as u64);
            self.found.extend(timeline.iter().copied().filter(ours));
            if let Some(fact) = journal.lot(*lot) {
                // Its facility's registration, and what is attested about the lot.
                let attested = journal.attested(fact.id);
                budget.charge(attested.len() as u64);
                let about = journal.done_at(fact.facility).first().into_iter().chain(attested);
                self.found.extend(about.copied().filter(|leaf| view.entry(*leaf).is_some()));
            }
        }
        true
    }

    /// Those found, in ledger order.
    #[must_use]
    pub fn close(mut self) -> Vec<u32> {
        self.found.sort_unstable();
        self.found.dedup();
        self.found
    }
}
