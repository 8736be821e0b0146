//! Undo: speculative blocks are taken back by truncation.

use super::Graph;

/// How far the graph had grown; see [`Graph::mark`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mark {
    lots: usize,
    steps: usize,
    edges: usize,
    contents: usize,
    origins: usize,
    revisions: usize,
    voids: usize,
}

/// The mark is longer than the graph: it was taken from another one, or undone already.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the mark lies beyond the graph's end")]
pub struct MarkBeyondEnd;

impl Graph {
    /// Remembers the present state, to come back to with [`Graph::undo_to`].
    #[must_use]
    pub fn mark(&self) -> Mark {
        Mark {
            lots: self.lots.len(),
            steps: self.steps.len(),
            edges: self.edges.len(),
            contents: self.contents.len(),
            origins: self.origins.len(),
            revisions: self.revisions.len(),
            voids: self.voids.len(),
        }
    }

    /// Takes back everything since `mark`, at a cost of what is taken back.
    ///
    /// A mark is good as long as the graph has not been undone to an earlier one since.
    ///
    /// # Errors
    /// The mark lies beyond the graph's end.
    pub fn undo_to(&mut self, mark: &Mark) -> Result<(), MarkBeyondEnd> {
        let now = self.mark();
        let beyond = mark.lots > now.lots
            || mark.steps > now.steps
            || mark.edges > now.edges
            || mark.contents > now.contents
            || mark.origins > now.origins
            || mark.revisions > now.revisions
            || mark.voids > now.voids;
        if beyond {
            return Err(MarkBeyondEnd);
        }
        // Voids first: they give back masses of edges that may be about to go.
        for void in self.voids.split_off(mark.voids).into_iter().rev() {
            self.voided.remove(&void.step);
            self.set_void(void.step as usize, false);
        }
        for revision in self.revisions.split_off(mark.revisions).into_iter().rev() {
            self.revised[revision.lot as usize] = revision.older;
            let row = &mut self.lots[revision.lot as usize];
            row.composition = revision.composition_before;
            row.dry_mg = revision.dry_mg_before;
        }
        for edge in self.edges[mark.edges..].iter().rev() {
            let row = &mut self.lots[edge.lot as usize];
            row.newest_use = edge.older_use;
            row.taken_mg = row.taken_mg.saturating_sub(edge.dry_mg);
        }
        for row in self.origins.split_off(mark.origins) {
            self.origin_index.remove(&row);
        }
        self.edges.truncate(mark.edges);
        self.steps.truncate(mark.steps);
        self.lots.truncate(mark.lots);
        self.maker.truncate(mark.lots);
        self.revised.truncate(mark.lots);
        self.contents.truncate(mark.contents);
        Ok(())
    }
}
