//! Trace back: every ancestor, with what each step took from it.

use alloc::{vec, vec::Vec};

use crate::ask::{QuestionError, contained_or_refuse};
use crate::graph::{Graph, StepClass};
use crate::share::{Parts, WHOLE};
use crate::types::{Element, LotIndex, Picograms, StepIndex};
use crate::walk::{PartMass, Scratch, StepSum};
use crate::wide::mul_div_floor;

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
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trace {
    /// Lots, newest first; the asked one leads.
    pub nodes: Vec<TraceNode>,
    /// Parts, grouped by step, newest step first.
    pub edges: Vec<TraceEdge>,
    /// Whether a limit left ancestors out.
    pub truncated: bool,
}

/// A step that waits, with the weight that reached it.
#[derive(Clone, Copy)]
struct Waiting {
    weight: u128,
    depth: u32,
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
    contained_or_refuse(graph, lot, element, as_of)?;
    scratch.fit(graph);
    let mut met = vec![(lot, Waiting { weight: WHOLE, depth: 0 })];
    let mut waiting = Vec::new();
    wait(graph, scratch, &mut waiting, lot.0, Waiting { weight: WHOLE, depth: 0 });
    scratch.seen.insert(lot.0);
    let (mut edges, mut truncated, mut lots) = (Vec::new(), false, 1u32);

    while let Some(step) = scratch.pending.pop_largest() {
        let range = graph.edge_range(step as usize);
        let here = waiting[scratch.slot[step as usize] as usize];
        if graph.steps[step as usize].class == StepClass::Source || range.is_empty() {
            continue;
        }
        let new = u32::try_from(range.len()).unwrap_or(u32::MAX);
        if here.depth >= limits.depth || lots.saturating_add(new) > limits.nodes {
            truncated = true;
            continue;
        }
        for (edge, weight, mass) in divide(graph, step, element, here.weight) {
            if weight == 0 {
                continue;
            }
            let row = graph.edges[edge];
            lots += u32::from(scratch.seen.insert(row.lot));
            let next = Waiting { weight, depth: here.depth + 1 };
            wait(graph, scratch, &mut waiting, row.lot, next);
            met.push((LotIndex(row.lot), next));
            edges.push(TraceEdge {
                from: LotIndex(row.lot),
                into: StepIndex(step),
                dry_mg: row.dry_mg,
                contained: Picograms(mass),
                share: Parts::nearest(weight),
            });
        }
    }
    scratch.seen.clear();
    Ok(Trace { nodes: nodes(graph, met, element, as_of), edges, truncated })
}

/// A step's parts with the weight that goes to each and its contained mass, in the record's order.
fn divide(graph: &Graph, step: u32, element: Element, weight: u128) -> Vec<(usize, u128, u128)> {
    let range = graph.edge_range(step as usize);
    let rows = &graph.edges[range.clone()];
    let mut sum = StepSum::default();
    let mut parts: Vec<PartMass> = rows
        .iter()
        .map(|edge| {
            let part = PartMass::of(graph.content(edge.composition, element), edge);
            sum.add(&part);
            part
        })
        .collect();
    let masses: Vec<u128> = parts.iter().map(|part| part.value).collect();
    if sum.value == 0 {
        sum.fall_back_to_dry_mass(&mut parts, rows);
    }
    range
        .zip(parts)
        .zip(masses)
        .map(|((edge, part), mass)| (edge, mul_div_floor(weight, part.value, sum.value), mass))
        .collect()
}

fn wait(graph: &Graph, scratch: &mut Scratch, waiting: &mut Vec<Waiting>, lot: u32, more: Waiting) {
    let step = graph.maker[lot as usize];
    let slot = &mut scratch.slot[step as usize];
    if scratch.pending.insert(step) {
        // One entry per step that the node limit lets in.
        *slot = waiting.len() as u32;
        waiting.push(more);
    } else {
        let here = &mut waiting[*slot as usize];
        here.weight += more.weight;
        here.depth = here.depth.min(more.depth);
    }
}

fn nodes(graph: &Graph, mut met: Vec<(LotIndex, Waiting)>, element: Element, as_of: u64) -> Vec<TraceNode> {
    met.sort_unstable_by_key(|(lot, _)| core::cmp::Reverse(*lot));
    met.chunk_by(|left, right| left.0 == right.0)
        .map(|same| {
            let lot = same[0].0;
            let (composition, dry_mg) = graph.revision(lot, as_of);
            TraceNode {
                lot,
                step: StepIndex(graph.maker[lot.0 as usize]),
                depth: same.iter().map(|(_, waiting)| waiting.depth).min().unwrap_or_default(),
                dry_mg,
                contained: graph.at(composition, dry_mg, element).value,
                share: Parts::nearest(same.iter().map(|(_, waiting)| waiting.weight).sum()),
            }
        })
        .collect()
}
