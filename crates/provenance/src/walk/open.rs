//! One step of the walk: what waits there goes to what the step took, or to its origin.

use super::flow::PartMass;
use super::{Carrier, Flow, Passed, Scratch, StepSum, Walking};
use crate::ask::Method;
use crate::graph::{EdgeRow, Graph, NONE, StepClass, StepRow};
use crate::types::Mixing;

/// From so many weights on a part's ratio is worth working out.
const FEW: usize = 3;

pub(super) struct Walk<'a, C> {
    pub(super) graph: &'a Graph,
    pub(super) scratch: &'a mut Scratch,
    pub(super) carrier: &'a mut C,
    pub(super) at: &'a mut Walking,
}

impl<C: Carrier> Walk<'_, C> {
    /// Hands the weights that wait at a step to its inputs, or to its origin.
    #[inline]
    pub(super) fn open(&mut self, step: u32) {
        let row = self.graph.steps[step as usize];
        let head = self.scratch.slot[step as usize];
        if row.class == StepClass::Source {
            self.at.work += self.carrier.arrive(head, row.origin);
            return;
        }
        if !C::Flow::RANGED && self.hand_over(step, &row, head) {
            return;
        }
        let mut front = self.carrier.take_front();
        self.carrier.release(head, &mut front);
        self.hand_down(step, &row, &mut front);
        self.carrier.give_front(front);
    }

    /// Where a step took one part only, and nothing waits yet where that was made, all weights go on as they are.
    #[inline]
    fn hand_over(&mut self, step: u32, row: &StepRow, head: u32) -> bool {
        let [edge] = &self.graph.edges[self.graph.edge_range(step as usize)] else { return false };
        let maker = self.graph.maker[edge.lot as usize];
        if row.class.recycled_as().is_some() || !self.scratch.pending.insert_ahead(maker) {
            return false;
        }
        self.scratch.slot[maker as usize] = head;
        self.scratch.seen.insert(edge.lot);
        self.at.parts += 1;
        self.at.work += 1;
        true
    }

    #[inline]
    fn hand_down(&mut self, step: u32, row: &StepRow, front: &mut [(Passed, C::Flow)]) {
        if row.class.recycled_as().is_some() {
            for (passed, _) in &mut *front {
                *passed = passed.after(row.class);
            }
        }
        let edges = &self.graph.edges[self.graph.edge_range(step as usize)];
        self.at.parts += edges.len() as u64;
        let mut sum = StepSum::of(keeps_layers(row));
        if edges.is_empty() {
            return;
        }
        if let [edge] = edges {
            // A single input hands down everything, whatever its content.
            let part = if C::Flow::RANGED { self.part(&sum, edge) } else { PartMass::default() };
            self.scratch.seen.insert(edge.lot);
            self.wait(edge.lot, front, |flow| flow.whole_of(&part, &sum));
            return;
        }
        self.weigh(edges, row.mixing, &mut sum);
        for edge in edges {
            let part = self.part(&sum, edge);
            if part.upper == 0 {
                continue;
            }
            self.scratch.seen.insert(edge.lot);
            match if front.len() < FEW { None } else { sum.ratio(&part) } {
                Some(ratio) => self.wait(edge.lot, front, |flow| flow.share_of(&part, &sum, Some(&ratio))),
                None => self.wait(edge.lot, front, |flow| flow.share_of(&part, &sum, None)),
            }
        }
    }

    #[inline]
    fn part(&self, sum: &StepSum, edge: &EdgeRow) -> PartMass {
        sum.part(self.graph.content(edge.composition, self.at.element), edge)
    }

    /// Adds up what a step took and notes which methods that needs.
    #[inline]
    fn weigh(&mut self, edges: &[EdgeRow], mixing: Mixing, sum: &mut StepSum) {
        let mut uncertain = false;
        for edge in edges {
            let part = self.part(sum, edge);
            uncertain |= part.lower != part.upper;
            sum.add(&part);
        }
        self.at.methods |= Method::WellMixed.bit();
        if sum.value == 0 {
            sum.fall_back_to_dry_mass(edges);
            self.at.methods |= Method::DryMassFallback.bit();
        } else if uncertain {
            self.at.methods |= Method::AssayInterval.bit();
        }
        sum.close();
        match mixing {
            Mixing::Homogenised => {}
            Mixing::NotHomogenised => self.at.methods |= Method::StockpileBounds.bit(),
            Mixing::Segregated => self.at.methods |= Method::SegregatedBounds.bit(),
        }
    }

    /// Lets a part of each weight wait at the step that made a lot.
    #[inline]
    pub(super) fn wait(&mut self, lot: u32, front: &[(Passed, C::Flow)], part: impl Fn(C::Flow) -> C::Flow) {
        let step = self.graph.maker[lot as usize];
        let slot = &mut self.scratch.slot[step as usize];
        let head = if self.scratch.pending.insert_ahead(step) { NONE } else { *slot };
        let mixes = C::Flow::RANGED && !keeps_layers(&self.graph.steps[step as usize]);
        let (head, work) =
            self.carrier.put(head, front, |flow| if mixes { part(flow).mixed() } else { part(flow) });
        *slot = head;
        self.at.work += work;
    }

    /// Forgets the weights that wait at a step.
    pub(super) fn drop_what_waits(&mut self, step: u32) {
        let mut front = self.carrier.take_front();
        self.carrier.release(self.scratch.slot[step as usize], &mut front);
        self.carrier.give_front(front);
    }

    /// Empties what still waits; the sum of its weights.
    pub(super) fn give_up(&mut self) -> u128 {
        let (mut front, mut unresolved) = (self.carrier.take_front(), 0u128);
        while let Some(step) = self.scratch.pending.pop_largest() {
            front.clear();
            self.carrier.release(self.scratch.slot[step as usize], &mut front);
            unresolved = front.iter().fold(unresolved, |sum, (_, flow)| sum.saturating_add(flow.value()));
        }
        self.carrier.give_front(front);
        unresolved
    }
}

/// Whether parts of a step's outputs may differ from the whole.
#[inline]
fn keeps_layers(row: &StepRow) -> bool {
    row.class == StepClass::Split || row.mixing != Mixing::Homogenised
}
