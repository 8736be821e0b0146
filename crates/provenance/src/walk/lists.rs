//! Weights between bounds that wait: short linked lists in one reusable array, several rows for a way that was
//! passed, because weights that were taken in different amounts cannot be added without widening their bounds.

use alloc::vec::Vec;

use super::{Arrival, Carrier, Flow, Passed, Ranged};
use crate::graph::NONE;

/// Lists longer than this merge bounded weights at the cost of wider bounds.
const LONGEST_LOSSLESS: u64 = 64;

#[derive(Clone, Copy, Debug)]
struct Row {
    flow: Ranged,
    passed: Passed,
    next: u32,
}

/// Lists of weights; freed rows are used again, so the array stays as small as the walk's front.
#[derive(Debug)]
pub(crate) struct Lists {
    rows: Vec<Row>,
    free: u32,
    /// Per origin: the weights that arrived, by the way they passed.
    arrived: Vec<Vec<(Passed, Ranged)>>,
    origins: Vec<u32>,
    /// Room for the weights of a step that is open.
    front: Vec<(Passed, Ranged)>,
}

impl Default for Lists {
    fn default() -> Self {
        Self { rows: Vec::new(), free: NONE, arrived: Vec::new(), origins: Vec::new(), front: Vec::new() }
    }
}

impl Carrier for Lists {
    type Flow = Ranged;

    fn fit_origins(&mut self, origins: usize) {
        if self.arrived.len() < origins {
            self.arrived.resize_with(origins, Vec::new);
        }
    }

    #[inline]
    fn put(
        &mut self,
        mut head: u32,
        front: &[(Passed, Ranged)],
        part: impl Fn(Ranged) -> Ranged,
    ) -> (u32, u64) {
        let mut work = 0;
        for (passed, flow) in front {
            let (to, looked_at) = self.put_one(head, *passed, part(*flow));
            head = to;
            work += 1 + looked_at;
        }
        (head, work)
    }

    #[inline]
    fn release(&mut self, head: u32, front: &mut Vec<(Passed, Ranged)>) {
        let mut last = head;
        while let Some(row) = self.rows.get_mut(last as usize) {
            front.push((row.passed, row.flow));
            if row.next == NONE {
                row.next = self.free;
                self.free = head;
                return;
            }
            last = row.next;
        }
    }

    #[inline]
    fn arrive(&mut self, head: u32, origin: u32) -> u64 {
        let mut front = self.take_front();
        self.release(head, &mut front);
        let list = &mut self.arrived[origin as usize];
        if list.is_empty() {
            self.origins.push(origin);
        }
        for (passed, flow) in &front {
            match list.binary_search_by_key(passed, |row| row.0) {
                Ok(at) => list[at].1.merge(flow.mixed()),
                Err(at) => list.insert(at, (*passed, flow.mixed())),
            }
        }
        let arrived = front.len() as u64;
        self.front = front;
        arrived
    }

    fn take_front(&mut self) -> Vec<(Passed, Ranged)> {
        let mut front = core::mem::take(&mut self.front);
        front.clear();
        front
    }

    fn give_front(&mut self, front: Vec<(Passed, Ranged)>) {
        self.front = front;
    }

    fn drain_arrivals(&mut self) -> Vec<Arrival<Ranged>> {
        let mut arrivals = Vec::with_capacity(self.origins.len());
        for origin in self.origins.drain(..) {
            let list = self.arrived[origin as usize].drain(..);
            arrivals.extend(list.map(|(passed, flow)| Arrival { origin, passed, flow }));
        }
        self.clear();
        arrivals
    }

    fn clear(&mut self) {
        for origin in self.origins.drain(..) {
            self.arrived[origin as usize].clear();
        }
        self.rows.clear();
        self.free = NONE;
    }
}

impl Lists {
    /// Adds a weight to a list; the list's new head, and how many rows were looked at.
    #[inline]
    fn put_one(&mut self, head: u32, passed: Passed, flow: Ranged) -> (u32, u64) {
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
        (self.take_row(Row { flow, passed, next: head }), looked_at)
    }

    #[inline]
    fn take_row(&mut self, row: Row) -> u32 {
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
}
