//! The graph as of a business date: what had happened by then, whenever it was written down.

use alloc::vec::Vec;

use super::{Graph, Leaf, LotRow, NONE, StepRow, Void};
use crate::types::StepIndex;

impl Graph {
    /// The step that a leaf's record appended first, by bisection.
    #[must_use]
    pub fn step_at(&self, leaf: u64) -> Option<StepIndex> {
        let at = self.steps.partition_point(|row| row.leaf.is_before(leaf));
        self.steps.get(at).filter(|row| row.leaf.get() == leaf).map(|_| StepIndex(at as u32))
    }

    /// A graph in which only the leaves below `as_of` count that `happened` accepts. Lots keep their numbers; those
    /// that had not come into being stand at no ledger size. A withdrawal counts when its own record had happened.
    ///
    /// Copies the graph: proportional to its size. For reading only: an append would not see what was left out.
    #[must_use]
    pub fn dated(&self, as_of: u64, happened: impl Fn(u64) -> bool) -> Self {
        let mut dating = Dating::new(self, as_of);
        // One go: all rows there are.
        dating.go_on(self, &happened, usize::MAX);
        dating.finish()
    }
}

/// A graph as of a business date that is being copied: between two slices the other may grow.
#[derive(Debug)]
pub struct Dating {
    copy: Graph,
    /// How far the graph reached at the size asked about.
    steps: usize,
    lots: usize,
    edges: usize,
    contents: usize,
    origins: usize,
    revisions: usize,
    /// Withdrawals that were looked at, of how many.
    voids: (usize, usize),
    /// Per revision that was copied: whether it had happened.
    happened: Vec<bool>,
}

impl Dating {
    /// Nothing copied yet; leaves below `as_of` will count.
    #[must_use]
    pub fn new(graph: &Graph, as_of: u64) -> Self {
        let steps = graph.steps.partition_point(|row| row.leaf.is_before(as_of));
        let (lots, edges) = graph.steps.get(steps).map_or((graph.lots.len(), graph.edges.len()), |row| {
            (row.first_lot as usize, row.first_edge as usize)
        });
        let revisions = graph.revisions.partition_point(|row| row.leaf.is_before(as_of));
        // Room at once: growing would copy what was copied, under somebody's lock.
        let copy = Graph {
            steps: Vec::with_capacity(steps),
            edges: Vec::with_capacity(edges),
            contents: Vec::with_capacity(graph.contents.len()),
            revisions: Vec::with_capacity(revisions),
            maker: Vec::with_capacity(lots),
            lots: Vec::with_capacity(lots),
            revised: Vec::with_capacity(lots),
            ..Graph::new()
        };
        Self {
            copy,
            steps,
            lots,
            edges,
            contents: graph.contents.len(),
            origins: graph.origins.len(),
            revisions,
            voids: (0, graph.voids.partition_point(|row| row.leaf.is_before(as_of))),
            happened: Vec::with_capacity(revisions),
        }
    }

    /// Copies at most so many rows more; whether all are there. `happened` must answer for a leaf what it answered
    /// before.
    pub fn go_on(&mut self, graph: &Graph, happened: impl Fn(u64) -> bool, rows: usize) -> bool {
        let mut left = rows;
        let copy = &mut self.copy;
        for row in more(&graph.steps, copy.steps.len(), self.steps, &mut left) {
            copy.steps.push(StepRow { void: !happened(row.leaf.get()), ..*row });
        }
        copy.edges.extend_from_slice(more(&graph.edges, copy.edges.len(), self.edges, &mut left));
        copy.contents.extend_from_slice(more(&graph.contents, copy.contents.len(), self.contents, &mut left));
        copy.origins.extend_from_slice(more(&graph.origins, copy.origins.len(), self.origins, &mut left));
        for row in more(&graph.revisions, copy.revisions.len(), self.revisions, &mut left) {
            copy.revisions.push(*row);
            self.happened.push(happened(row.leaf.get()));
        }
        let voids = more(&graph.voids, self.voids.0, self.voids.1, &mut left);
        self.voids.0 += voids.len();
        copy.voids.extend(voids.iter().filter(|void| happened(void.leaf.get())));
        copy.maker.extend_from_slice(more(&graph.maker, copy.maker.len(), self.lots, &mut left));
        for lot in copy.lots.len()..self.lots.min(copy.lots.len().saturating_add(left)) {
            let (row, revised) = lot_before(graph, lot, self.edges, self.revisions);
            copy.lots.push(row);
            copy.revised.push(revised);
            left -= 1;
        }
        left > 0
    }

    /// The graph as of the date, once all rows are there. Needs the other one no more.
    #[must_use]
    pub fn finish(self) -> Graph {
        let Self { mut copy, happened, .. } = self;
        for (step, row) in copy.steps.iter().enumerate() {
            if row.void {
                copy.voided.insert(step as u32, Leaf::default());
            }
        }
        for Void { leaf, step } in &copy.voids {
            let row = &mut copy.steps[*step as usize];
            if !row.void {
                row.void = true;
                copy.voided.insert(*step, *leaf);
            }
        }
        for at in 0..copy.edges.len() {
            let edge = copy.edges[at];
            if edge.older_use != NONE {
                copy.share(edge.lot);
            }
            if !copy.steps[edge.step as usize].void {
                let taken = &mut copy.lots[edge.lot as usize].taken_mg;
                *taken = taken.saturating_add(edge.dry_mg);
            }
        }
        for lot in 0..copy.lots() {
            if copy.revised[lot as usize] != NONE {
                copy.revise(lot, &happened);
            }
        }
        copy
    }
}

/// The rows after the first `have`, up to `end` and at most as many as are `left`.
fn more<'a, T>(rows: &'a [T], have: usize, end: usize, left: &mut usize) -> &'a [T] {
    let end = end.min(rows.len());
    let some = &rows[have.min(end)..end];
    let some = &some[..some.len().min(*left)];
    *left -= some.len();
    some
}

/// A lot's row and newest revision when there were so many parts and revisions; what was taken is left out.
fn lot_before(graph: &Graph, lot: usize, edges: usize, revisions: usize) -> (LotRow, u32) {
    let mut row = LotRow { taken_mg: 0, ..graph.lots[lot] };
    while row.newest_use != NONE && row.newest_use as usize >= edges {
        row.newest_use = graph.edges[row.newest_use as usize].older_use;
    }
    let mut revised = graph.revised[lot];
    while revised != NONE && revised as usize >= revisions {
        let later = &graph.revisions[revised as usize];
        (row.composition, row.dry_mg) = (later.composition_before, later.dry_mg_before);
        revised = later.older;
    }
    (row, revised)
}

impl Graph {
    /// Plays a lot's revisions again, without those that had not happened.
    fn revise(&mut self, lot: u32, happened: &[bool]) {
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
            if happened[*at] {
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
