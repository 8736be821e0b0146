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
    /// Per origin: its list of arrived weights.
    arrived: Vec<u32>,
    origins: Vec<u32>,
}

impl<F> Default for Pool<F> {
    fn default() -> Self {
        Self { rows: Vec::new(), free: NONE, arrived: Vec::new(), origins: Vec::new() }
    }
}

impl<F: Flow> Pool<F> {
    pub(super) fn fit_origins(&mut self, origins: usize) {
        if self.arrived.len() < origins {
            self.arrived.resize(origins, NONE);
        }
    }

    #[inline]
    pub(super) fn get(&self, index: u32) -> Option<Waiting<F>> {
        self.rows.get(index as usize).copied()
    }

    /// Adds a weight to a list; the list's new head and how many rows were looked at. `finger` is where the last
    /// weight of the same origin went into this list; weights that come in order are put at a cost of one pass.
    #[inline]
    pub(super) fn put(&mut self, head: u32, finger: &mut u32, passed: Passed, flow: F) -> (u32, u64) {
        if F::RANGED {
            self.put_ranged(head, passed, flow)
        } else {
            self.put_in_order(head, finger, passed, flow)
        }
    }

    /// Lists without bounds are kept in order, one row for each way passed.
    #[inline]
    fn put_in_order(&mut self, head: u32, finger: &mut u32, passed: Passed, flow: F) -> (u32, u64) {
        let ahead = self.rows.get(*finger as usize).is_some_and(|row| row.passed <= passed);
        let (mut before, mut next) = if ahead { (NONE, *finger) } else { (NONE, head) };
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

    /// Frees a list.
    #[inline]
    pub(super) fn release(&mut self, head: u32) {
        let mut last = head;
        while let Some(row) = self.rows.get_mut(last as usize) {
            if row.next == NONE {
                row.next = self.free;
                self.free = head;
                return;
            }
            last = row.next;
        }
    }

    /// Moves a list to an origin; how many rows were looked at.
    #[inline]
    pub(super) fn arrive(&mut self, head: u32, origin: u32) -> u64 {
        let (mut next, mut work, mut finger) = (head, 0, NONE);
        while let Some(row) = self.get(next) {
            next = row.next;
            let list = self.arrived[origin as usize];
            if list == NONE {
                self.origins.push(origin);
            }
            let (list, looked_at) = self.put(list, &mut finger, row.passed, row.flow.mixed());
            self.arrived[origin as usize] = list;
            work += 1 + looked_at;
        }
        self.release(head);
        work
    }

    /// Takes all arrivals out and forgets every row.
    pub(super) fn drain_arrivals(&mut self) -> Vec<Arrival<F>> {
        let mut arrivals = Vec::with_capacity(self.origins.len());
        for origin in core::mem::take(&mut self.origins) {
            let mut next = core::mem::replace(&mut self.arrived[origin as usize], NONE);
            while let Some(row) = self.get(next) {
                arrivals.push(Arrival { origin, passed: row.passed, flow: row.flow });
                next = row.next;
            }
        }
        self.rows.clear();
        self.free = NONE;
        arrivals
    }
}
