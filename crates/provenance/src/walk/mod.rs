//! The walk to the sources: one pass over steps in descending ledger order.
//!
//! A weight starts as one whole at the asked lot and is handed to the inputs of the
//! step that made it, in proportion to contained mass. All outputs of a step share
//! alike, so weights wait at steps, not at lots. A step is opened once, when
//! everything younger has been opened: no recursion, no second visit. Weights are
//! kept apart by the route that a recycling further down has decided and by the
//! number of recyclings passed.

mod flow;
mod lists;
mod open;
mod passed;
mod ways;

use alloc::{sync::Arc, vec::Vec};
use core::sync::atomic::{AtomicBool, Ordering};

pub(crate) use flow::{Exact, Flow, Ranged, StepSum, value_of};
use lists::Lists;
use open::Walk;
pub(crate) use passed::Passed;
use ways::Ways;

use crate::ask::{Limits, Method, Visited};
use crate::bits::BitTower;
use crate::graph::{Graph, NONE};
use crate::trace::{Arrived, Made, Waiting};
use crate::types::Element;

/// Working memory of questions. Keep one per worker: it grows to the graph's size once, and a
/// question leaves it clean at a cost of what it visited.
#[derive(Debug, Default)]
pub struct Scratch {
    pub(crate) pending: BitTower,
    /// Per step: first weight that waits there; means nothing unless the step is pending.
    pub(crate) slot: Vec<u32>,
    pub(crate) seen: SeenLots,
    exact: Ways,
    ranged: Lists,
    /// Slot of each lot that a walk to the descendants has met; means nothing for the others.
    pub(crate) met: Vec<u32>,
    pub(crate) waiting: Vec<Waiting>,
    pub(crate) arrivals: Vec<Arrived>,
    /// Weights in the steps that a walk to the descendants has opened.
    pub(crate) opened: Vec<u128>,
    /// Lots that it has met.
    pub(crate) made: Vec<Made>,
    /// A question began and has not ended.
    under_way: bool,
    stop: Option<Arc<AtomicBool>>,
}

/// Which lots a question met.
#[derive(Debug, Default)]
pub(crate) struct SeenLots {
    words: Vec<u64>,
    touched: Vec<u32>,
    count: u32,
}

impl SeenLots {
    fn reserve(&mut self, lots: usize) {
        let words = lots.div_ceil(64);
        if self.words.len() < words {
            self.words.resize(words + words / 4, 0);
        }
    }

    #[inline]
    pub(crate) fn contains(&self, lot: u32) -> bool {
        self.words.get(lot as usize / 64).is_some_and(|word| word >> (lot % 64) & 1 == 1)
    }

    #[inline]
    pub(crate) const fn len(&self) -> u32 {
        self.count
    }

    #[inline]
    pub(crate) fn insert(&mut self, lot: u32) -> bool {
        let (index, bit) = (lot / 64, 1u64 << (lot % 64));
        let word = &mut self.words[index as usize];
        if *word & bit != 0 {
            return false;
        }
        if *word == 0 {
            self.touched.push(index);
        }
        *word |= bit;
        self.count += 1;
        true
    }

    /// Forgets all lots and tells how many there were.
    pub(crate) fn clear(&mut self) -> u32 {
        for index in self.touched.drain(..) {
            self.words[index as usize] = 0;
        }
        core::mem::take(&mut self.count)
    }
}

/// A walk asks once in so many steps whether anybody still wants its answer.
const STEPS_UNASKED: u32 = 1_024;

impl Scratch {
    /// Lets another thread end walks: once the flag is set they stop as if a limit had been reached, and say so.
    /// `None`: nobody ends them.
    pub fn stop_when(&mut self, flag: Option<Arc<AtomicBool>>) {
        self.stop = flag;
    }

    /// Whether a walk that took so many steps is to end.
    #[inline]
    pub(crate) fn stops(&self, steps: u32) -> bool {
        steps.is_multiple_of(STEPS_UNASKED)
            && self.stop.as_ref().is_some_and(|flag| flag.load(Ordering::Relaxed))
    }

    /// A question begins. What one left that was given up is cleared away.
    pub(crate) fn begin(&mut self, graph: &Graph) {
        if core::mem::replace(&mut self.under_way, true) {
            self.pending.clear();
            self.seen.clear();
        }
        self.fit(graph);
    }

    /// A question ends; how many lots it met.
    pub(crate) fn end(&mut self) -> u32 {
        self.under_way = false;
        self.seen.clear()
    }

    /// Makes room for a graph's steps and lots; what a question has left there stays.
    pub(crate) fn fit(&mut self, graph: &Graph) {
        // Steps wait, or taken parts.
        self.pending.reserve(graph.steps.len().max(graph.edges.len()));
        if self.slot.len() < graph.steps.len() {
            self.slot.resize(graph.steps.len() + graph.steps.len() / 4, NONE);
        }
        self.seen.reserve(graph.lots.len());
        if self.met.len() < graph.lots.len() {
            self.met.resize(graph.lots.len() + graph.lots.len() / 4, NONE);
        }
    }
}

/// Weight that arrived at a source.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Arrival<F> {
    /// Row of the graph's origins.
    pub(crate) origin: u32,
    pub(crate) passed: Passed,
    pub(crate) flow: F,
}

/// Where weights wait, and where they arrive.
pub(crate) trait Carrier: Default {
    /// What waits.
    type Flow: Flow;

    /// Makes room for so many origins.
    fn fit_origins(&mut self, origins: usize);

    /// Lets a part of each weight wait with those at `head` ([`NONE`]: nothing waits yet); where they wait now, and
    /// how many multiplications and rows looked at that took.
    fn put(
        &mut self,
        head: u32,
        front: &[(Passed, Self::Flow)],
        part: impl Fn(Self::Flow) -> Self::Flow,
    ) -> (u32, u64);

    /// Nothing waits there any more: what did is added to `front`.
    fn release(&mut self, head: u32, front: &mut Vec<(Passed, Self::Flow)>);

    /// What waits there has arrived at an origin; how much work that was.
    fn arrive(&mut self, head: u32, origin: u32) -> u64;

    /// An empty list to use for a while, and back again.
    fn take_front(&mut self) -> Vec<(Passed, Self::Flow)>;
    fn give_front(&mut self, front: Vec<(Passed, Self::Flow)>);

    /// Takes all arrivals out and forgets everything else.
    fn drain_arrivals(&mut self) -> Vec<Arrival<Self::Flow>>;

    /// Forgets what a walk left that was given up.
    fn clear(&mut self);
}

/// The end of a walk.
#[derive(Debug)]
pub(crate) struct Walked<F> {
    pub(crate) arrivals: Vec<Arrival<F>>,
    /// What a limit left waiting.
    pub(crate) unresolved: u128,
    pub(crate) visited: Visited,
    pub(crate) methods: u8,
    pub(crate) complete: bool,
}

impl<F> Walked<F> {
    /// Whether a method was met that opens intervals.
    pub(crate) fn is_uncertain(&self) -> bool {
        let opens = Method::AssayInterval.bit()
            | Method::StockpileBounds.bit()
            | Method::SegregatedBounds.bit()
            | Method::DryMassFallback.bit();
        self.methods & opens != 0
    }
}

/// A walk that is under way. Its weights wait in the scratch, so that must not serve another question before it
/// has ended; between two slices the graph may grow.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Walking {
    element: Element,
    limits: Limits,
    steps: u32,
    work: u64,
    parts: u64,
    methods: u8,
}

impl Walking {
    /// A walk without intervals, from a lot.
    pub(crate) fn exact(
        graph: &Graph,
        scratch: &mut Scratch,
        lot: u32,
        element: Element,
        limits: &Limits,
    ) -> Self {
        scratch.begin(graph);
        let mut carrier = core::mem::take(&mut scratch.exact);
        let walking = Self::from(graph, scratch, &mut carrier, (lot, Exact::whole()), element, limits);
        scratch.exact = carrier;
        walking
    }

    /// A walk with intervals; `taken` is the least contained mass of the asked lot.
    pub(crate) fn ranged(
        graph: &Graph,
        scratch: &mut Scratch,
        (lot, taken): (u32, u128),
        element: Element,
        limits: &Limits,
    ) -> Self {
        scratch.begin(graph);
        let mut carrier = core::mem::take(&mut scratch.ranged);
        let walking = Self::from(graph, scratch, &mut carrier, (lot, Ranged::whole(taken)), element, limits);
        scratch.ranged = carrier;
        walking
    }

    fn from<C: Carrier>(
        graph: &Graph,
        scratch: &mut Scratch,
        carrier: &mut C,
        (lot, flow): (u32, C::Flow),
        element: Element,
        limits: &Limits,
    ) -> Self {
        carrier.clear();
        let mut walking = Self { element, limits: *limits, steps: 0, work: 0, parts: 0, methods: 0 };
        scratch.seen.insert(lot);
        scratch.pending.begin_at(graph.maker[lot as usize]);
        let mut walk = Walk { graph, scratch, carrier, at: &mut walking };
        walk.wait(lot, &[(Passed::default(), flow)], |flow| flow);
        walking
    }

    /// Goes on for about so many units of work; the end of the walk, or nothing when there is more to do.
    pub(crate) fn go_on_exact(
        &mut self,
        graph: &Graph,
        scratch: &mut Scratch,
        units: u64,
        blocked: impl FnMut(u32) -> bool,
    ) -> Option<Walked<Exact>> {
        let mut carrier = core::mem::take(&mut scratch.exact);
        let walked = self.go_on(graph, scratch, &mut carrier, units, blocked);
        scratch.exact = carrier;
        walked
    }

    /// The same with intervals.
    pub(crate) fn go_on_ranged(
        &mut self,
        graph: &Graph,
        scratch: &mut Scratch,
        units: u64,
    ) -> Option<Walked<Ranged>> {
        let mut carrier = core::mem::take(&mut scratch.ranged);
        let walked = self.go_on(graph, scratch, &mut carrier, units, |_| false);
        scratch.ranged = carrier;
        walked
    }

    /// What was done so far.
    pub(crate) const fn done(&self) -> u64 {
        self.steps as u64 + self.work + self.parts
    }

    fn go_on<C: Carrier>(
        &mut self,
        graph: &Graph,
        scratch: &mut Scratch,
        carrier: &mut C,
        units: u64,
        mut blocked: impl FnMut(u32) -> bool,
    ) -> Option<Walked<C::Flow>> {
        scratch.fit(graph);
        carrier.fit_origins(graph.origins.len());
        let pause = self.done().saturating_add(units.max(1));
        let mut complete = true;
        let mut walk = Walk { graph, scratch, carrier, at: self };
        while let Some(step) = walk.scratch.pending.pop_largest() {
            let at = &walk.at;
            if at.steps >= at.limits.steps || at.work >= at.limits.work || walk.scratch.stops(at.steps) {
                walk.scratch.pending.insert(step);
                complete = false;
                break;
            }
            if at.done() >= pause {
                walk.scratch.pending.insert(step);
                return None;
            }
            walk.at.steps += 1;
            if blocked(step) {
                walk.drop_what_waits(step);
            } else {
                walk.open(step);
            }
        }
        let unresolved = walk.give_up();
        if !complete {
            self.methods |= Method::CutShort.bit();
        }
        let visited = Visited { lots: scratch.end(), steps: self.steps, parts: self.parts };
        let methods = self.methods;
        Some(Walked { arrivals: carrier.drain_arrivals(), unresolved, visited, methods, complete })
    }
}
