//! Trace back: every ancestor, with what each step took from it.

use alloc::vec::Vec;

use crate::ask::{QuestionError, contained_or_refuse, in_one_go};
use crate::graph::{Graph, NONE, StepClass};
use crate::share::{Parts, WHOLE};
use crate::types::{Element, LotIndex, Picograms, StepIndex};
use crate::walk::{Scratch, StepSum};

/// How far and how wide a trace may go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TraceLimits {
    /// Most steps between the asked lot and an ancestor.
    pub depth: u32,
    /// Most lots in the answer, the asked one included.
    pub nodes: u32,
}

impl Default for TraceLimits {
    /// Any depth, ten thousand lots.
    fn default() -> Self {
        Self { depth: u32::MAX, nodes: 10_000 }
    }
}

/// A lot in a trace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TraceNode {
    /// The lot.
    pub lot: LotIndex,
    /// The step that made it.
    pub step: StepIndex,
    /// Fewest steps between it and the asked lot.
    pub depth: u32,
    /// Its dry mass in milligrams, as known at the ledger size asked for.
    pub dry_mg: u64,
    /// What it held of the element.
    pub contained: Picograms,
    /// How much of the asked lot's element passed through it.
    pub share: Parts,
}

/// A part taken from a lot, in a trace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TraceEdge {
    /// The lot it was taken from.
    pub from: LotIndex,
    /// The step that took it.
    pub into: StepIndex,
    /// Dry milligrams taken.
    pub dry_mg: u64,
    /// What the part held of the element.
    pub contained: Picograms,
    /// How much of the asked lot's element came this way.
    pub share: Parts,
}

/// The ancestors of a lot.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Trace {
    /// Lots, newest first; the asked one leads.
    pub nodes: Vec<TraceNode>,
    /// Parts, grouped by step, newest step first.
    pub edges: Vec<TraceEdge>,
    /// Whether a limit left ancestors out.
    pub truncated: bool,
}

/// A step that waits: the weight that reached it, the fewest steps to it, and the newest arrival at one of its lots.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Waiting {
    weight: u128,
    depth: u32,
    arrival: u32,
}

/// A weight that reached a lot, and the arrival before it at the same step.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Arrived {
    weight: u128,
    lot: u32,
    depth: u32,
    before: u32,
}

/// The ancestors of a lot that contributed to its content of an element, newest first.
///
/// # Errors
/// The lot does not stand in a ledger of `as_of` leaves, or states no content of the element.
pub fn trace_back(
    graph: &Graph,
    scratch: &mut Scratch,
    lot: LotIndex,
    element: Element,
    as_of: u64,
    limits: &TraceLimits,
) -> Result<Trace, QuestionError> {
    let mut found = TracingBack::new(graph, scratch, lot, element, as_of, limits)?;
    Ok(in_one_go(|units| found.go_on(graph, scratch, units)))
}

/// A trace that is under way: between two slices the graph may grow. Until it has ended or is given up the scratch
/// serves no other question.
#[derive(Debug)]
pub struct TracingBack {
    element: Element,
    as_of: u64,
    limits: TraceLimits,
    lots: u32,
    steps: u32,
    stopped: bool,
    /// Lots whose masses are filled in: after the walk.
    filled: usize,
    trace: Trace,
}

impl TracingBack {
    /// Nothing walked yet.
    ///
    /// # Errors
    /// The lot does not stand in a ledger of `as_of` leaves, or states no content of the element.
    pub fn new(
        graph: &Graph,
        scratch: &mut Scratch,
        lot: LotIndex,
        element: Element,
        as_of: u64,
        limits: &TraceLimits,
    ) -> Result<Self, QuestionError> {
        contained_or_refuse(graph, lot, element, as_of)?;
        scratch.begin(graph);
        scratch.waiting.clear();
        scratch.arrivals.clear();
        let mut tracing = Self {
            element,
            as_of,
            limits: *limits,
            lots: 1,
            steps: 0,
            stopped: false,
            filled: 0,
            trace: Trace::default(),
        };
        scratch.pending.begin_at(graph.maker[lot.0 as usize]);
        Back { graph, scratch, met: Vec::new(), at: &mut tracing }.arrive(lot.0, WHOLE, 0);
        Ok(tracing)
    }

    /// Goes on for about so many units of work (steps, taken parts, lots); the answer once every ancestor was met
    /// or the limits are reached.
    pub fn go_on(&mut self, graph: &Graph, scratch: &mut Scratch, units: u64) -> Option<Trace> {
        scratch.fit(graph);
        let pause = self.done().saturating_add(units.max(1));
        let mut back = Back { graph, scratch, met: Vec::new(), at: self };
        while let Some(step) = back.scratch.pending.pop_largest() {
            if back.at.done() >= pause {
                back.scratch.pending.insert(step);
                return None;
            }
            back.visit(step);
        }
        // In a pass of its own: rows of lots lie far apart, and here none waits for another.
        let (element, as_of) = (self.element, self.as_of);
        let most = usize::try_from(pause.saturating_sub(self.done())).unwrap_or(usize::MAX).max(1);
        let rest = &mut self.trace.nodes[self.filled..];
        let here = most.min(rest.len());
        for node in &mut rest[..here] {
            let (composition, dry_mg) = graph.revision(node.lot, as_of);
            node.dry_mg = dry_mg;
            node.contained = graph.at(composition, dry_mg, element).value;
        }
        self.filled += here;
        if self.filled < self.trace.nodes.len() {
            return None;
        }
        scratch.end();
        Some(core::mem::take(&mut self.trace))
    }

    fn done(&self) -> u64 {
        u64::from(self.steps) + self.trace.edges.len() as u64 + self.filled as u64
    }
}

struct Back<'a> {
    graph: &'a Graph,
    scratch: &'a mut Scratch,
    /// Arrivals at the lots of one step.
    met: Vec<Arrived>,
    at: &'a mut TracingBack,
}

impl Back<'_> {
    /// Lists the lots of a step and goes on to what it took, unless a limit forbids.
    #[inline]
    fn visit(&mut self, step: u32) {
        let here = self.scratch.waiting[self.scratch.slot[step as usize] as usize];
        self.list(step, here.arrival);
        let at = &mut *self.at;
        at.stopped |= self.scratch.stops(at.steps);
        // Each step is visited once.
        at.steps += 1;
        let parts = self.graph.edge_range(step as usize).len();
        if self.graph.steps[step as usize].class == StepClass::Source || parts == 0 {
            return;
        }
        let new = u32::try_from(parts).unwrap_or(u32::MAX);
        if at.stopped || here.depth >= at.limits.depth || at.lots.saturating_add(new) > at.limits.nodes {
            at.trace.truncated = true;
            return;
        }
        let met_first = self.open(step, &here);
        self.at.lots += met_first;
    }

    /// Lets a weight wait at the step that made a lot.
    #[inline]
    fn arrive(&mut self, lot: u32, weight: u128, depth: u32) -> bool {
        let step = self.graph.maker[lot as usize];
        let slot = &mut self.scratch.slot[step as usize];
        // One arrival per taken part, of which there are fewer than 2^32.
        let arrival = self.scratch.arrivals.len() as u32;
        let before = if self.scratch.pending.insert_ahead(step) {
            *slot = self.scratch.waiting.len() as u32;
            self.scratch.waiting.push(Waiting { weight, depth, arrival });
            NONE
        } else {
            let here = &mut self.scratch.waiting[*slot as usize];
            here.weight += weight;
            here.depth = here.depth.min(depth);
            core::mem::replace(&mut here.arrival, arrival)
        };
        self.scratch.arrivals.push(Arrived { weight, lot, depth, before });
        self.scratch.seen.insert(lot)
    }

    /// Lists the lots of a step that were met. Steps come newest first and each made a run of lots, so lots do too.
    #[inline]
    fn list(&mut self, step: u32, newest: u32) {
        if let Some(only) = self.scratch.arrivals.get(newest as usize).filter(|only| only.before == NONE) {
            let (lot, depth, share) = (LotIndex(only.lot), only.depth, Parts::nearest(only.weight));
            let (dry_mg, contained) = (0, Picograms(0));
            self.at.trace.nodes.push(TraceNode {
                lot,
                step: StepIndex(step),
                depth,
                dry_mg,
                contained,
                share,
            });
            return;
        }
        self.met.clear();
        let mut next = newest;
        while let Some(arrival) = self.scratch.arrivals.get(next as usize) {
            self.met.push(*arrival);
            next = arrival.before;
        }
        self.met.sort_unstable_by_key(|arrival| core::cmp::Reverse(arrival.lot));
        for same in self.met.chunk_by(|left, right| left.lot == right.lot) {
            let lot = LotIndex(same[0].lot);
            self.at.trace.nodes.push(TraceNode {
                lot,
                step: StepIndex(step),
                depth: same.iter().map(|arrival| arrival.depth).min().unwrap_or_default(),
                dry_mg: 0,
                contained: Picograms(0),
                share: Parts::nearest(same.iter().map(|arrival| arrival.weight).sum()),
            });
        }
    }

    /// Hands what waits at a step to its parts, in the record's order; how many lots were met first here.
    #[inline]
    fn open(&mut self, step: u32, here: &Waiting) -> u32 {
        let rows = &self.graph.edges[self.graph.edge_range(step as usize)];
        let mut sum = StepSum::default();
        for row in rows {
            sum.add(&sum.part(self.graph.content(row.composition, self.at.element), row));
        }
        let stated = sum.value > 0;
        if !stated {
            sum.fall_back_to_dry_mass(rows);
        }
        if rows.len() > 1 {
            sum.close();
        }
        let mut first_met = 0;
        for row in rows {
            let part = sum.part(self.graph.content(row.composition, self.at.element), row);
            let weight = if rows.len() == 1 { here.weight } else { sum.share(here.weight, &part) };
            if weight == 0 {
                continue;
            }
            first_met += u32::from(self.arrive(row.lot, weight, here.depth + 1));
            self.at.trace.edges.push(TraceEdge {
                from: LotIndex(row.lot),
                into: StepIndex(step),
                dry_mg: row.dry_mg,
                contained: Picograms(if stated { part.value } else { 0 }),
                share: Parts::nearest(weight),
            });
        }
        first_met
    }
}
