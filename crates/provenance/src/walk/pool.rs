//! Waiting weights: short linked lists in one reusable array.

use alloc::vec::Vec;

use super::{Arrival, Flow, Passed};
use crate::graph::NONE;

/// Lists longer than this merge bounded weights at the cost of wider bounds.
const LONGEST_LOSSLESS: u64 = 64;

#[derive(Clone, Copy, Debug)]
pub(super) struct Waiting<F> {
    pub(super) flow: F,
    pub(super) passed: Passed,
    pub(super) next: u32,
}

/// Lists of weights; freed rows are used again, so the array stays as small as the walk's front.
#[derive(Debug)]
pub(super) struct Pool<F> {
    rows: Vec<Waiting<F>>,
    free: u32,
    /// Per origin: the weights that arrived, by the way they passed.
    arrived: Vec<Vec<(Passed, F)>>,
    origins: Vec<u32>,
    /// Room for the weights of the step that is open.
    pub(super) front: Vec<(Passed, F)>,
}

impl<F> Default for Pool<F> {
    fn default() -> Self {
        Self { rows: Vec::new(), free: NONE, arrived: Vec::new(), origins: Vec::new(), front: Vec::new() }
    }
}

impl<F: Flow> Pool<F> {
    pub(super) fn fit_origins(&mut self, origins: usize) {
        if self.arrived.len() < origins {
            self.arrived.resize_with(origins, Vec::new);
        }
    }

    /// Adds weights to a list; the list's new head, and how many multiplications and rows looked at that took.
    #[inline]
    pub(super) fn put(&mut self, head: u32, weights: impl Iterator<Item = (Passed, F)>) -> (u32, u64) {
        let (mut head, mut work, mut finger) = (head, 0, NONE);
        for (passed, flow) in weights {
            let (to, looked_at) = if F::RANGED {
                self.put_ranged(head, passed, flow)
            } else {
                self.put_in_order(head, &mut finger, passed, flow)
            };
            head = to;
            work += 1 + looked_at;
        }
        (head, work)
    }

    /// Lists without bounds are kept in order, one row for each way passed. `finger` is where the last weight went:
    /// weights that come in order are put at a cost of one pass.
    #[inline]
    fn put_in_order(&mut self, head: u32, finger: &mut u32, passed: Passed, flow: F) -> (u32, u64) {
        let (mut before, mut next) = (NONE, head);
        if let Some(last) = self.rows.get(*finger as usize)
            && last.passed < passed
        {
            (before, next) = (*finger, last.next);
        }
        let mut looked_at = 0u64;
        while let Some(row) = self.rows.get_mut(next as usize) {
            looked_at += 1;
            if row.passed == passed {
                row.flow.merge(flow);
                *finger = next;
                return (head, looked_at);
            }
            if row.passed > passed {
                break;
            }
            (before, next) = (next, row.next);
        }
        let here = self.take_row(Waiting { flow, passed, next });
        *finger = here;
        match self.rows.get_mut(before as usize) {
            Some(row) => {
                row.next = here;
                (head, looked_at)
            }
            None => (here, looked_at),
        }
    }

    #[inline]
    fn put_ranged(&mut self, head: u32, passed: Passed, flow: F) -> (u32, u64) {
        let (mut next, mut looked_at, mut alike) = (head, 0u64, NONE);
        while let Some(row) = self.rows.get_mut(next as usize) {
            looked_at += 1;
            if row.passed == passed {
                if row.flow.merges_without_loss(&flow) {
                    row.flow.merge(flow);
                    return (head, looked_at);
                }
                alike = next;
            }
            next = row.next;
        }
        if looked_at >= LONGEST_LOSSLESS
            && let Some(row) = self.rows.get_mut(alike as usize)
        {
            row.flow.merge(flow);
            return (head, looked_at);
        }
        (self.take_row(Waiting { flow, passed, next: head }), looked_at)
    }

    #[inline]
    fn take_row(&mut self, row: Waiting<F>) -> u32 {
        let index = self.free;
        if let Some(free) = self.rows.get_mut(index as usize) {
            self.free = free.next;
            *free = row;
            return index;
        }
        self.rows.push(row);
        // One row per waiting weight, which the work limit keeps far below `u32::MAX`.
        (self.rows.len() - 1) as u32
    }

    /// Frees a list, with a look at each of its weights.
    #[inline]
    pub(super) fn release(&mut self, head: u32, mut each: impl FnMut(Passed, F)) {
        let mut last = head;
        while let Some(row) = self.rows.get_mut(last as usize) {
            each(row.passed, row.flow);
            if row.next == NONE {
                row.next = self.free;
                self.free = head;
                return;
            }
            last = row.next;
        }
    }

    /// Adds weights to an origin; how many.
    #[inline]
    pub(super) fn arrive(&mut self, weights: &[(Passed, F)], origin: u32) -> u64 {
        let list = &mut self.arrived[origin as usize];
        if list.is_empty() {
            self.origins.push(origin);
        }
        let mut at = 0;
        for (passed, flow) in weights {
            // Weights wait in order, but for what a recycling put out of it, and for those with bounds.
            if at == 0 || list[at - 1].0 >= *passed {
                at = list.partition_point(|row| row.0 < *passed);
            }
            while list.get(at).is_some_and(|row| row.0 < *passed) {
                at += 1;
            }
            match list.get_mut(at) {
                Some(row) if row.0 == *passed => row.1.merge(flow.mixed()),
                _ => list.insert(at, (*passed, flow.mixed())),
            }
        }
        weights.len() as u64
    }

    /// Takes all arrivals out and forgets every row.
    pub(super) fn drain_arrivals(&mut self) -> Vec<Arrival<F>> {
        let mut arrivals = Vec::with_capacity(self.origins.len());
        for origin in self.origins.drain(..) {
            let list = self.arrived[origin as usize].drain(..);
            arrivals.extend(list.map(|(passed, flow)| Arrival { origin, passed, flow }));
        }
        self.clear();
        arrivals
    }

    /// Forgets what a walk left that was given up.
    pub(super) fn clear(&mut self) {
        for origin in self.origins.drain(..) {
            self.arrived[origin as usize].clear();
        }
        self.rows.clear();
        self.free = NONE;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::walk::Exact;

    #[test]
    fn weights_that_passed_alike_arrive_as_one_in_whatever_order() {
        let mut pool: Pool<Exact> = Pool::default();
        pool.fit_origins(1);
        let front =
            [0, 2, 1, 0, 2, 2, 1].map(|generations| (Passed { route: None, generations }, Exact::whole()));
        assert_eq!(pool.arrive(&front, 0), 7);
        let arrived: Vec<u16> =
            pool.drain_arrivals().iter().map(|arrival| arrival.passed.generations).collect();
        assert_eq!(arrived, [0, 1, 2]);
    }
}
