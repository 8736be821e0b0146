//! Weights without bounds that wait: for each step one run of rows, a row for each way that was passed, in order.
//!
//! What waits at a step and what comes to it have mostly passed alike, so rows are added side by side; where they
//! have not, the two are merged. Runs have room for a power of two rows, and those that were freed are used again.

use alloc::vec::Vec;

use super::{Arrival, Carrier, Exact, Flow, Passed};
use crate::graph::NONE;

/// A weight; the first row of a run also says how long the run is and how long it may grow.
#[derive(Clone, Copy, Debug, Default)]
struct Row {
    flow: Exact,
    passed: Passed,
    /// Of a run that was freed: the next free one.
    length: u32,
    room: u32,
}

/// Rooms are powers of two below 2^32.
const ROOMS: usize = 32;

#[derive(Debug)]
pub(crate) struct Ways {
    rows: Vec<Row>,
    /// By the power of two that is their room: the first free run.
    free: [u32; ROOMS],
    /// Per origin: the run of those that arrived.
    arrived: Vec<u32>,
    origins: Vec<u32>,
    /// Room for the weights of a step that is open.
    front: Vec<(Passed, Exact)>,
}

impl Default for Ways {
    fn default() -> Self {
        Self {
            rows: Vec::new(),
            free: [NONE; ROOMS],
            arrived: Vec::new(),
            origins: Vec::new(),
            front: Vec::new(),
        }
    }
}

impl Carrier for Ways {
    type Flow = Exact;

    fn fit_origins(&mut self, origins: usize) {
        if self.arrived.len() < origins {
            self.arrived.resize(origins, NONE);
        }
    }

    #[inline]
    fn put(&mut self, head: u32, front: &[(Passed, Exact)], part: impl Fn(Exact) -> Exact) -> (u32, u64) {
        let work = front.len() as u64;
        let length = self.length(head);
        if front.is_empty() {
            return (head, 0);
        }
        if length == 0 {
            return (self.begin(front, part), work);
        }
        let run = &mut self.rows[head as usize..][..length];
        let mut alike = 0;
        for (row, (passed, flow)) in run.iter_mut().zip(front) {
            if row.passed != *passed {
                break;
            }
            row.flow.merge(part(*flow));
            alike += 1;
        }
        let rest = &front[alike..];
        if rest.is_empty() {
            return (head, work + alike as u64);
        }
        (self.merge(head, alike, rest, part), work + length as u64)
    }

    #[inline]
    fn release(&mut self, head: u32, front: &mut Vec<(Passed, Exact)>) {
        front.extend(self.run(head).iter().map(|row| (row.passed, row.flow)));
        self.give_back(head);
    }

    #[inline]
    fn arrive(&mut self, head: u32, origin: u32) -> u64 {
        let length = self.length(head) as u64;
        let before = self.arrived[origin as usize];
        if before == NONE {
            self.origins.push(origin);
            self.arrived[origin as usize] = head;
            return length;
        }
        let mut front = self.take_front();
        self.release(head, &mut front);
        let (head, work) = self.put(before, &front, |flow| flow);
        self.arrived[origin as usize] = head;
        self.front = front;
        work
    }

    fn take_front(&mut self) -> Vec<(Passed, Exact)> {
        let mut front = core::mem::take(&mut self.front);
        front.clear();
        front
    }

    fn give_front(&mut self, front: Vec<(Passed, Exact)>) {
        self.front = front;
    }

    fn drain_arrivals(&mut self) -> Vec<Arrival<Exact>> {
        let mut arrivals = Vec::with_capacity(self.origins.len());
        for origin in &self.origins {
            let head = self.arrived[*origin as usize];
            arrivals.extend(self.run(head).iter().map(|row| Arrival {
                origin: *origin,
                passed: row.passed,
                flow: row.flow,
            }));
        }
        self.clear();
        arrivals
    }

    fn clear(&mut self) {
        for origin in self.origins.drain(..) {
            self.arrived[origin as usize] = NONE;
        }
        self.rows.clear();
        self.free = [NONE; ROOMS];
    }
}

impl Ways {
    /// What waits there; nothing at [`NONE`].
    #[inline]
    fn run(&self, head: u32) -> &[Row] {
        self.rows
            .get(head as usize..)
            .and_then(|rows| rows.get(..rows.first()?.length as usize))
            .unwrap_or(&[])
    }

    #[inline]
    fn length(&self, head: u32) -> usize {
        self.rows.get(head as usize).map_or(0, |first| first.length as usize)
    }

    /// A new run with what comes.
    #[inline]
    fn begin(&mut self, front: &[(Passed, Exact)], part: impl Fn(Exact) -> Exact) -> u32 {
        let head = self.take_run(front.len());
        let run = &mut self.rows[head as usize..][..front.len()];
        for (row, (passed, flow)) in run.iter_mut().zip(front) {
            (row.passed, row.flow) = (*passed, part(*flow));
        }
        run[0].length = front.len() as u32;
        head
    }

    /// Adds what comes to a run whose first rows, so many, are done; where the run is now.
    fn merge(
        &mut self,
        head: u32,
        alike: usize,
        rest: &[(Passed, Exact)],
        part: impl Fn(Exact) -> Exact,
    ) -> u32 {
        let length = self.length(head);
        let total = length + self.unlike(&self.rows[head as usize..][alike..length], rest);
        let head = self.with_room(head, length, total);
        let run = &mut self.rows[head as usize..][..total];
        // From the end, so that no row is written over before it was read.
        let (mut old, mut new, mut to) = (length, rest.len(), total);
        while let Some((passed, flow)) = rest[..new].last() {
            to -= 1;
            let before = run[..old].last().filter(|_| old > alike).copied();
            match before {
                Some(row) if row.passed > *passed => {
                    (run[to].passed, run[to].flow) = (row.passed, row.flow);
                    old -= 1;
                }
                Some(row) if row.passed == *passed => {
                    let mut sum = row.flow;
                    sum.merge(part(*flow));
                    (run[to].passed, run[to].flow) = (*passed, sum);
                    (old, new) = (old - 1, new - 1);
                }
                _ => {
                    (run[to].passed, run[to].flow) = (*passed, part(*flow));
                    new -= 1;
                }
            }
        }
        run[0].length = total as u32;
        head
    }

    /// How many of those that come have passed like none that waits; both are in order.
    #[inline]
    fn unlike(&self, run: &[Row], front: &[(Passed, Exact)]) -> usize {
        let mut at = 0;
        let mut alike = 0;
        for (passed, _) in front {
            while run.get(at).is_some_and(|row| row.passed < *passed) {
                at += 1;
            }
            alike += usize::from(run.get(at).is_some_and(|row| row.passed == *passed));
        }
        front.len() - alike
    }

    /// The run, in a place where it may grow to so many rows.
    #[inline]
    fn with_room(&mut self, head: u32, length: usize, total: usize) -> u32 {
        if total <= self.rows[head as usize].room as usize {
            return head;
        }
        let larger = self.take_run(total);
        for at in 0..length {
            let row = self.rows[head as usize + at];
            let to = &mut self.rows[larger as usize + at];
            (to.passed, to.flow) = (row.passed, row.flow);
        }
        self.give_back(head);
        larger
    }

    #[inline]
    fn take_run(&mut self, rows: usize) -> u32 {
        let room = rows.next_power_of_two();
        let free = &mut self.free[room.trailing_zeros() as usize];
        let head = *free;
        if let Some(first) = self.rows.get(head as usize) {
            *free = first.length;
            return head;
        }
        // Less than two rows per unit of work, which the work limit keeps below `u32::MAX`. Runs that were freed serve
        // those of their own room only.
        let head = self.rows.len();
        self.rows.resize(head + room, Row::default());
        self.rows[head].room = room as u32;
        head as u32
    }

    #[inline]
    fn give_back(&mut self, head: u32) {
        if let Some(first) = self.rows.get_mut(head as usize) {
            let free = &mut self.free[first.room.trailing_zeros() as usize];
            first.length = core::mem::replace(free, head);
        }
    }
}

#[cfg(test)]
mod tests {
    use alloc::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;
    use crate::graph::StepClass;

    /// What is done to the runs of a few steps and origins.
    #[derive(Clone, Debug)]
    enum Act {
        Put { step: usize, ways: Vec<(u32, u32)>, of: u128 },
        Release { step: usize },
        Arrive { step: usize, origin: u32 },
    }

    fn acts() -> impl Strategy<Value = Vec<Act>> {
        let step = 0..6_usize;
        let ways = proptest::collection::btree_map(0..40_u32, 0..1_000_u32, 1..30);
        let ways = prop_oneof![ways, proptest::collection::btree_map(0..4_u32, 0..9_u32, 1..4)];
        let act = prop_oneof![
            4 => (step.clone(), ways, 1..9_u128)
                .prop_map(|(step, ways, of)| Act::Put { step, ways: ways.into_iter().collect(), of }),
            1 => step.clone().prop_map(|step| Act::Release { step }),
            1 => (step, 0..3_u32).prop_map(|(step, origin)| Act::Arrive { step, origin }),
        ];
        proptest::collection::vec(act, 0..80)
    }

    /// In the order of their numbers.
    fn way(number: u32) -> Passed {
        let class = if number % 2 == 1 { StepClass::RecyclePre } else { StepClass::RecyclePost };
        (0..number.div_ceil(2)).fold(Passed::default(), |way, _| way.after(class))
    }

    fn flow(weight: impl Into<u128>) -> Exact {
        Exact::of(weight.into())
    }

    proptest! {
        #[test]
        fn runs_hold_what_a_map_by_way_holds(acts in acts()) {
            let mut ways = Ways::default();
            ways.fit_origins(3);
            let mut heads = [NONE; 6];
            let mut maps: [BTreeMap<Passed, u128>; 6] = Default::default();
            let mut arrived: [BTreeMap<Passed, u128>; 3] = Default::default();
            for act in acts {
                match act {
                    Act::Put { step, ways: new, of } => {
                        let front: Vec<_> = new.iter().map(|(number, weight)| (way(*number), flow(*weight))).collect();
                        let (head, work) = ways.put(heads[step], &front, |part| flow(part.value() * of));
                        prop_assert!(work >= front.len() as u64);
                        heads[step] = head;
                        for (number, weight) in new {
                            *maps[step].entry(way(number)).or_default() += u128::from(weight) * of;
                        }
                    }
                    Act::Release { step } => {
                        let mut front = Vec::new();
                        ways.release(core::mem::replace(&mut heads[step], NONE), &mut front);
                        let held: Vec<_> = front.iter().map(|(way, flow)| (*way, flow.value())).collect();
                        prop_assert_eq!(held, core::mem::take(&mut maps[step]).into_iter().collect::<Vec<_>>());
                    }
                    Act::Arrive { step, origin } if heads[step] != NONE => {
                        ways.arrive(core::mem::replace(&mut heads[step], NONE), origin);
                        for (way, weight) in core::mem::take(&mut maps[step]) {
                            *arrived[origin as usize].entry(way).or_default() += weight;
                        }
                    }
                    Act::Arrive { .. } => {}
                }
            }
            // Whatever still waits is as it was left.
            for (head, map) in heads.into_iter().zip(maps) {
                let mut front = Vec::new();
                ways.release(head, &mut front);
                let held: Vec<_> = front.iter().map(|(way, flow)| (*way, flow.value())).collect();
                prop_assert_eq!(held, map.into_iter().collect::<Vec<_>>());
            }
            let mut came: Vec<_> = ways
                .drain_arrivals()
                .iter()
                .map(|arrival| (arrival.origin, arrival.passed, arrival.flow.value()))
                .collect();
            came.sort_unstable();
            let expected = (0..).zip(arrived).flat_map(|(origin, map)| map.into_iter().map(move |(way, weight)| (origin, way, weight)));
            prop_assert_eq!(came, expected.collect::<Vec<_>>());
            prop_assert!(ways.rows.is_empty() && ways.drain_arrivals().is_empty());
        }
    }

    #[test]
    fn rows_that_were_freed_are_used_again() {
        let mut ways = Ways::default();
        let front: Vec<_> = (0..5).map(|number| (way(number), flow(1_u32))).collect();
        let mut most = 0;
        for turn in 0..1_000 {
            let (head, _) = ways.put(NONE, &front[..1 + turn % 5], |flow| flow);
            let (head, _) = ways.put(head, &front, |flow| flow);
            ways.release(head, &mut Vec::new());
            most = most.max(ways.rows.len());
        }
        assert!(most <= 24, "{most} rows for five weights");
    }
}
