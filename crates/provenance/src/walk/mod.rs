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

pub(crate) use flow::{Exact, Flow, PartMass, Ranged, StepSum, value_of};
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
    /// Slot of each lot that a walk to the descendants has met; means nothing for the others.
    pub(crate) met: Vec<u32>,
    pub(crate) waiting: Vec<Waiting>,
    pub(crate) arrivals: Vec<Arrived>,
    /// Weights in the steps that a walk to the descendants has opened.
    pub(crate) opened: Vec<u128>,
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

/// From so many weights on a part's ratio is worth working out.
const FEW: usize = 3;

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
        self.pending.reserve(graph.steps.len());
        if self.slot.len() < graph.steps.len() {
            self.slot.resize(graph.steps.len() + graph.steps.len() / 4, NONE);
        }
        self.seen.reserve(graph.lots.len());
        if self.met.len() < graph.lots.len() {
            self.met.resize(graph.lots.len() + graph.lots.len() / 4, NONE);
        }
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
        let mut pool = core::mem::take(&mut scratch.exact);
        let walking = Self::from(graph, scratch, &mut pool, (lot, Exact::whole()), element, limits);
        scratch.exact = pool;
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
        let mut pool = core::mem::take(&mut scratch.ranged);
        let walking = Self::from(graph, scratch, &mut pool, (lot, Ranged::whole(taken)), element, limits);
        scratch.ranged = pool;
        walking
    }

    fn from<F: Flow>(
        graph: &Graph,
        scratch: &mut Scratch,
        pool: &mut Pool<F>,
        (lot, flow): (u32, F),
        element: Element,
        limits: &Limits,
    ) -> Self {
        pool.clear();
        let mut walking = Self { element, limits: *limits, steps: 0, work: 0, parts: 0, methods: 0 };
        scratch.seen.insert(lot);
        let mut walk = Walk { graph, scratch, pool, at: &mut walking };
        walk.wait(lot, core::iter::once((Passed { route: None, generations: 0 }, flow)));
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
        let mut pool = core::mem::take(&mut scratch.exact);
        let walked = self.go_on(graph, scratch, &mut pool, units, blocked);
        scratch.exact = pool;
        walked
    }

    /// The same with intervals.
    pub(crate) fn go_on_ranged(
        &mut self,
        graph: &Graph,
        scratch: &mut Scratch,
        units: u64,
    ) -> Option<Walked<Ranged>> {
        let mut pool = core::mem::take(&mut scratch.ranged);
        let walked = self.go_on(graph, scratch, &mut pool, units, |_| false);
        scratch.ranged = pool;
        walked
    }

    /// What was done so far.
    pub(crate) const fn done(&self) -> u64 {
        self.steps as u64 + self.work + self.parts
    }

    fn go_on<F: Flow>(
        &mut self,
        graph: &Graph,
        scratch: &mut Scratch,
        pool: &mut Pool<F>,
        units: u64,
        mut blocked: impl FnMut(u32) -> bool,
    ) -> Option<Walked<F>> {
        scratch.fit(graph);
        pool.fit_origins(graph.origins.len());
        let pause = self.done().saturating_add(units.max(1));
        let mut complete = true;
        let mut walk = Walk { graph, scratch, pool, at: self };
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
                walk.pool.release(walk.scratch.slot[step as usize], |_, _| {});
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
        Some(Walked { arrivals: pool.drain_arrivals(), unresolved, visited, methods, complete })
    }
}

struct Walk<'a, F> {
    graph: &'a Graph,
    scratch: &'a mut Scratch,
    pool: &'a mut Pool<F>,
    at: &'a mut Walking,
}

impl<F: Flow> Walk<'_, F> {
    /// Hands the weights that wait at a step to its inputs, or to its origin.
    #[inline]
    fn open(&mut self, step: u32) {
        let row = self.graph.steps[step as usize];
        let head = self.scratch.slot[step as usize];
        if !F::RANGED && self.hand_over(step, &row, head) {
            return;
        }
        let mut front = core::mem::take(&mut self.pool.front);
        front.clear();
        self.pool.release(head, |passed, flow| front.push((passed, flow)));
        self.hand_down(step, &row, &mut front);
        self.pool.front = front;
    }

    /// Where a step took one part only, and nothing waits yet where that was made, all weights go on as they are.
    #[inline]
    fn hand_over(&mut self, step: u32, row: &StepRow, head: u32) -> bool {
        let [edge] = &self.graph.edges[self.graph.edge_range(step as usize)] else { return false };
        let maker = self.graph.maker[edge.lot as usize];
        if row.class.recycled_as().is_some() || !self.scratch.pending.insert(maker) {
            return false;
        }
        self.scratch.slot[maker as usize] = head;
        self.scratch.seen.insert(edge.lot);
        self.at.parts += 1;
        self.at.work += 1;
        true
    }

    #[inline]
    fn hand_down(&mut self, step: u32, row: &StepRow, front: &mut [(Passed, F)]) {
        if row.class == StepClass::Source {
            self.at.work += self.pool.arrive(front, row.origin);
            return;
        }
        for (passed, _) in &mut *front {
            *passed = passed.after(row.class);
        }
        let mut parts = core::mem::take(&mut self.scratch.parts);
        let sum = self.weigh(step, row, &mut parts);
        for part in &parts {
            if part.upper == 0 && parts.len() > 1 {
                continue;
            }
            self.scratch.seen.insert(part.lot);
            let alone = parts.len() == 1;
            let ratio = if front.len() < FEW || alone { None } else { sum.ratio(part) };
            self.wait(
                part.lot,
                front.iter().map(|(passed, flow)| {
                    (
                        *passed,
                        if alone {
                            flow.whole_of(part, &sum)
                        } else {
                            flow.share_of(part, &sum, ratio.as_ref())
                        },
                    )
                }),
            );
        }
        self.scratch.parts = parts;
    }

    /// Reads what a step took and notes which methods that needs.
    #[inline]
    fn weigh(&mut self, step: u32, row: &StepRow, parts: &mut Vec<PartMass>) -> StepSum {
        parts.clear();
        let edges = &self.graph.edges[self.graph.edge_range(step as usize)];
        self.at.parts += edges.len() as u64;
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
            let mass = PartMass::of(self.graph.content(edge.composition, self.at.element), edge);
            uncertain |= mass.lower != mass.upper;
            sum.add(&mass);
            parts.push(mass);
        }
        if parts.len() > 1 {
            self.at.methods |= Method::WellMixed.bit();
            if sum.value == 0 {
                sum.fall_back_to_dry_mass(parts, edges);
                self.at.methods |= Method::DryMassFallback.bit();
            } else if uncertain {
                self.at.methods |= Method::AssayInterval.bit();
            }
            sum.close();
            match row.mixing {
                Mixing::Homogenised => {}
                Mixing::NotHomogenised => self.at.methods |= Method::StockpileBounds.bit(),
                Mixing::Segregated => self.at.methods |= Method::SegregatedBounds.bit(),
            }
        }
        sum
    }

    /// Lets weights wait at the step that made a lot.
    #[inline]
    fn wait(&mut self, lot: u32, weights: impl Iterator<Item = (Passed, F)>) {
        let step = self.graph.maker[lot as usize];
        let mixes = F::RANGED && !keeps_layers(&self.graph.steps[step as usize]);
        let weights = weights.map(|(passed, flow)| (passed, if mixes { flow.mixed() } else { flow }));
        let slot = &mut self.scratch.slot[step as usize];
        let head = if self.scratch.pending.insert(step) { NONE } else { *slot };
        let (head, looked_at) = self.pool.put(head, weights);
        *slot = head;
        self.at.work += looked_at;
    }

    /// Empties what still waits; the sum of its weights.
    fn give_up(&mut self) -> u128 {
        let mut unresolved = 0u128;
        while let Some(step) = self.scratch.pending.pop_largest() {
            self.pool.release(self.scratch.slot[step as usize], |_, flow| {
                unresolved = unresolved.saturating_add(flow.value());
            });
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
