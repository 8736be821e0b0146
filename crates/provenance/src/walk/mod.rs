//! The walk to the sources: one pass over steps in descending ledger order.
//!
//! A weight starts as one whole at the asked lot and is handed to the inputs of the
//! step that made it, in proportion to contained mass. All outputs of a step share
//! alike, so weights wait at steps, not at lots. A step is opened once, when
//! everything younger has been opened: no recursion, no second visit. Weights are
//! kept apart by the route that a recycling further down has decided and by the
//! number of recyclings passed.

mod flow;
mod pool;

use alloc::{sync::Arc, vec::Vec};
use core::sync::atomic::{AtomicBool, Ordering};

pub(crate) use flow::{Exact, Flow, PartMass, Ranged, StepSum};
use pool::Pool;

use crate::ask::{Limits, Method, Visited};
use crate::bits::BitTower;
use crate::graph::{Graph, NONE, StepClass, StepRow};
use crate::trace::{Arrived, Waiting};
use crate::types::{Element, Mixing, Route};

/// Working memory of questions. Keep one per worker: it grows to the graph's size once, and a
/// question leaves it clean at a cost of what it visited.
#[derive(Debug, Default)]
pub struct Scratch {
    pub(crate) pending: BitTower,
    /// Per step: first weight that waits there; means nothing unless the step is pending.
    pub(crate) slot: Vec<u32>,
    pub(crate) seen: SeenLots,
    exact: Pool<Exact>,
    ranged: Pool<Ranged>,
    pub(crate) parts: Vec<PartMass>,
    pub(crate) waiting: Vec<Waiting>,
    pub(crate) arrivals: Vec<Arrived>,
    /// Steps that a walk to the descendants has opened, with the weight in each.
    pub(crate) opened: Vec<(u32, u128)>,
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

    pub(crate) fn fit(&mut self, graph: &Graph) {
        self.pending.reserve(graph.steps.len());
        if self.slot.len() < graph.steps.len() {
            self.slot.resize(graph.steps.len() + graph.steps.len() / 4, NONE);
        }
        self.seen.reserve(graph.lots.len());
    }
}

/// What decides an origin's route and generation on the way down.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Passed {
    /// Set by the recycling nearest to the asked lot.
    pub(crate) route: Option<Route>,
    pub(crate) generations: u16,
}

/// Weight that arrived at a source.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Arrival<F> {
    /// Row of the graph's origins.
    pub(crate) origin: u32,
    pub(crate) passed: Passed,
    pub(crate) flow: F,
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

/// Walks without intervals.
pub(crate) fn walk_exact(
    graph: &Graph,
    scratch: &mut Scratch,
    lot: u32,
    element: Element,
    limits: &Limits,
    blocked: impl FnMut(u32) -> bool,
) -> Walked<Exact> {
    let mut pool = core::mem::take(&mut scratch.exact);
    let walked = walk(graph, scratch, &mut pool, (lot, Exact::whole()), element, limits, blocked);
    scratch.exact = pool;
    walked
}

/// Walks with intervals; `taken` is the least contained mass of the asked lot.
pub(crate) fn walk_ranged(
    graph: &Graph,
    scratch: &mut Scratch,
    lot: u32,
    taken: u128,
    element: Element,
    limits: &Limits,
) -> Walked<Ranged> {
    let mut pool = core::mem::take(&mut scratch.ranged);
    let start = (lot, Ranged::whole(taken));
    let walked = walk(graph, scratch, &mut pool, start, element, limits, |_| false);
    scratch.ranged = pool;
    walked
}

fn walk<F: Flow>(
    graph: &Graph,
    scratch: &mut Scratch,
    pool: &mut Pool<F>,
    (lot, flow): (u32, F),
    element: Element,
    limits: &Limits,
    mut blocked: impl FnMut(u32) -> bool,
) -> Walked<F> {
    scratch.fit(graph);
    pool.fit_origins(graph.origins.len());
    let mut walk = Walk { graph, scratch, pool, element, work: 0, parts: 0, methods: 0 };
    walk.scratch.seen.insert(lot);
    let mut finger = NONE;
    walk.push(lot, &mut finger, Passed { route: None, generations: 0 }, flow);

    let mut steps = 0u32;
    let mut complete = true;
    while let Some(step) = walk.scratch.pending.pop_largest() {
        if steps >= limits.steps || walk.work >= limits.work || walk.scratch.stops(steps) {
            walk.scratch.pending.insert(step);
            complete = false;
            break;
        }
        steps += 1;
        if blocked(step) {
            walk.pool.release(walk.scratch.slot[step as usize]);
        } else {
            walk.open(step);
        }
    }
    let unresolved = walk.give_up();
    if !complete {
        walk.methods |= Method::CutShort.bit();
    }
    let (methods, parts) = (walk.methods, walk.parts);
    let visited = Visited { lots: scratch.seen.clear(), steps, parts };
    Walked { arrivals: pool.drain_arrivals(), unresolved, visited, methods, complete }
}

struct Walk<'a, F> {
    graph: &'a Graph,
    scratch: &'a mut Scratch,
    pool: &'a mut Pool<F>,
    element: Element,
    work: u64,
    parts: u64,
    methods: u8,
}

impl<F: Flow> Walk<'_, F> {
    /// Hands the weights that wait at a step to its inputs, or to its origin.
    #[inline]
    fn open(&mut self, step: u32) {
        let row = self.graph.steps[step as usize];
        let head = self.scratch.slot[step as usize];
        if row.class == StepClass::Source {
            self.work += self.pool.arrive(head, row.origin);
            return;
        }
        let mut parts = core::mem::take(&mut self.scratch.parts);
        let sum = self.weigh(step, &row, &mut parts);
        for part in &parts {
            if part.upper == 0 && parts.len() > 1 {
                continue;
            }
            self.scratch.seen.insert(part.lot);
            let (mut next, mut finger) = (head, NONE);
            while let Some(waiting) = self.pool.get(next) {
                self.work += 1;
                next = waiting.next;
                let passed = waiting.passed.after(row.class);
                let flow = if parts.len() == 1 {
                    waiting.flow.whole_of(part, &sum)
                } else {
                    waiting.flow.share_of(part, &sum)
                };
                self.push(part.lot, &mut finger, passed, flow);
            }
        }
        self.pool.release(head);
        self.scratch.parts = parts;
    }

    /// Reads what a step took and notes which methods that needs.
    #[inline]
    fn weigh(&mut self, step: u32, row: &StepRow, parts: &mut Vec<PartMass>) -> StepSum {
        parts.clear();
        let edges = &self.graph.edges[self.graph.edge_range(step as usize)];
        self.parts += edges.len() as u64;
        let keeps_layers = keeps_layers(row);
        let mut sum = StepSum::of(keeps_layers);
        if !F::RANGED
            && let [edge] = edges
        {
            // A single input hands down everything, whatever its content.
            parts.push(PartMass { lot: edge.lot, upper: 1, ..PartMass::default() });
            return sum;
        }
        let mut uncertain = false;
        for edge in edges {
            let mass = PartMass::of(self.graph.content(edge.composition, self.element), edge);
            uncertain |= mass.lower != mass.upper;
            sum.add(&mass);
            parts.push(mass);
        }
        if parts.len() > 1 {
            self.methods |= Method::WellMixed.bit();
            if sum.value == 0 {
                sum.fall_back_to_dry_mass(parts, edges);
                self.methods |= Method::DryMassFallback.bit();
            } else if uncertain {
                self.methods |= Method::AssayInterval.bit();
            }
            sum.close();
            match row.mixing {
                Mixing::Homogenised => {}
                Mixing::NotHomogenised => self.methods |= Method::StockpileBounds.bit(),
                Mixing::Segregated => self.methods |= Method::SegregatedBounds.bit(),
            }
        }
        sum
    }

    /// Lets a weight wait at the step that made a lot.
    #[inline]
    fn push(&mut self, lot: u32, finger: &mut u32, passed: Passed, flow: F) {
        let step = self.graph.maker[lot as usize];
        let flow =
            if F::RANGED && !keeps_layers(&self.graph.steps[step as usize]) { flow.mixed() } else { flow };
        let slot = &mut self.scratch.slot[step as usize];
        let head = if self.scratch.pending.insert(step) { NONE } else { *slot };
        let (head, looked_at) = self.pool.put(head, finger, passed, flow);
        *slot = head;
        self.work += looked_at;
    }

    /// Empties what still waits; the sum of its weights.
    fn give_up(&mut self) -> u128 {
        let mut unresolved = 0u128;
        while let Some(step) = self.scratch.pending.pop_largest() {
            let head = self.scratch.slot[step as usize];
            let mut next = head;
            while let Some(waiting) = self.pool.get(next) {
                unresolved = unresolved.saturating_add(waiting.flow.value());
                next = waiting.next;
            }
            self.pool.release(head);
        }
        unresolved
    }
}

impl Passed {
    #[inline]
    fn after(self, class: StepClass) -> Self {
        match class.recycled_as() {
            None => self,
            Some(route) => {
                Self { route: self.route.or(Some(route)), generations: self.generations.saturating_add(1) }
            }
        }
    }
}

/// Whether parts of a step's outputs may differ from the whole.
#[inline]
fn keeps_layers(row: &StepRow) -> bool {
    row.class == StepClass::Split || row.mixing != Mixing::Homogenised
}
