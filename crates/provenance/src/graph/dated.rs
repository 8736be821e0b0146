//! The graph as of a business date: what had happened by then, whenever it was written down.

use alloc::vec::Vec;

use super::{Graph, NONE};
use crate::types::StepIndex;

impl Graph {
    /// The step that a leaf's record appended first, by bisection.
    #[must_use]
    pub fn step_at(&self, leaf: u64) -> Option<StepIndex> {
        let at = self.steps.partition_point(|row| row.leaf < leaf);
        self.steps.get(at).filter(|row| row.leaf == leaf).map(|_| StepIndex(at as u32))
    }

    /// A graph in which only the leaves count that `happened` accepts. Lots keep their numbers; those that had
    /// not come into being stand at no ledger size. A withdrawal counts when its own record had happened.
    ///
    /// Copies the graph: proportional to its size. For reading only: an append would not see what was left out.
    #[must_use]
    pub fn dated(&self, happened: impl Fn(u64) -> bool) -> Self {
        let mut dated = self.clone();
        for step in 0..dated.steps.len() {
            let row = dated.steps[step];
            let counts = happened(row.leaf);
            let withdrawn = row.void.then(|| self.voided.get(&(step as u32)).copied()).flatten();
            match (counts, withdrawn) {
                // The withdrawal lay in the future of that date.
                (true, Some(leaf)) if !happened(leaf) => {
                    dated.voided.remove(&(step as u32));
                    dated.set_void(step, false);
                }
                (false, None) => {
                    dated.voided.insert(step as u32, 0);
                    dated.set_void(step, true);
                }
                (false, Some(_)) => {
                    dated.voided.insert(step as u32, 0);
                }
                _ => {}
            }
        }
        for lot in 0..dated.lots() {
            if dated.revised[lot as usize] != NONE {
                dated.revise(lot, &happened);
            }
        }
        dated
    }

    /// Plays a lot's revisions again, without those that had not happened.
    fn revise(&mut self, lot: u32, happened: &impl Fn(u64) -> bool) {
        let mut chain = Vec::new();
        let mut newest = self.revised[lot as usize];
        while let Some(revision) = self.revisions.get(newest as usize) {
            chain.push(newest as usize);
            newest = revision.older;
        }
        let row = self.lots[lot as usize];
        // What each revision left behind is what the next one found.
        let mut after: Vec<(u32, u64)> = Vec::with_capacity(chain.len());
        let mut found = (row.composition, row.dry_mg);
        for at in &chain {
            after.push(found);
            found = (self.revisions[*at].composition_before, self.revisions[*at].dry_mg_before);
        }
        let (mut composition, mut dry_mg) = found;
        for (at, after) in chain.iter().zip(&after).rev() {
            let revision = self.revisions[*at];
            let (was, weighed) = (revision.composition_before, revision.dry_mg_before);
            self.revisions[*at].composition_before = composition;
            self.revisions[*at].dry_mg_before = dry_mg;
            if happened(revision.leaf) {
                if after.0 != was {
                    composition = after.0;
                }
                dry_mg = dry_mg.saturating_add(after.1).saturating_sub(weighed);
            }
        }
        let row = &mut self.lots[lot as usize];
        (row.composition, row.dry_mg) = (composition, dry_mg);
    }
}
