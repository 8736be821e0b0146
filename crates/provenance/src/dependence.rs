//! Dependence: what of a lot's element hangs on one facility, refiner or country.
//!
//! A node is whatever the caller maps steps to. Its share is found by walking without
//! it: metal that passes a node twice is not counted twice, and a node without which
//! nothing arrives (a single point of failure) comes out as exactly one.

use alloc::{collections::BTreeSet, vec::Vec};

use crate::ask::{Limits, QuestionError, contained_or_refuse};
use crate::graph::Graph;
use crate::share::Parts;
use crate::types::{Element, LotIndex, StepIndex};
use crate::walk::{Flow, Scratch, walk_exact};

/// What depends on one node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NodeDependence {
    /// The caller's number for it.
    pub node: u32,
    /// How much of the lot's element passed through it.
    pub through: Parts,
    /// How much arrives without it.
    pub without: Parts,
}

/// What depends on which node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dependence {
    /// By node number.
    pub nodes: Vec<NodeDependence>,
    /// Whether every node was examined within the limits.
    pub complete: bool,
}

impl Dependence {
    /// Nodes without which nothing arrives.
    pub fn single_points_of_failure(&self) -> impl Iterator<Item = u32> + '_ {
        self.nodes.iter().filter(|node| node.through == Parts::ONE).map(|node| node.node)
    }
}

/// For each node on the way to a lot: how much of its element passed there, how much arrives without it.
///
/// `limits` bounds all walks together: one for the list of nodes and one more per node. `node_of` is asked once
/// for each step.
///
/// # Errors
/// The lot does not stand in a ledger of `as_of` leaves, or states no content of the element.
pub fn dependence(
    graph: &Graph,
    scratch: &mut Scratch,
    lot: LotIndex,
    element: Element,
    as_of: u64,
    limits: &Limits,
    node_of: impl Fn(StepIndex) -> Option<u32>,
) -> Result<Dependence, QuestionError> {
    contained_or_refuse(graph, lot, element, as_of)?;
    // Steps of nodes, newest first: the order of every walk.
    let mut known: Vec<(u32, u32)> = Vec::new();
    let mut left = *limits;
    let first = walk_exact(graph, scratch, lot.0, element, &left, |step| {
        known.extend(node_of(StepIndex(step)).map(|node| (step, node)));
        false
    });
    let candidates: BTreeSet<u32> = known.iter().map(|(_, node)| *node).collect();
    let mut complete = spend(&mut left, first.visited.steps, first.visited.parts) && first.complete;

    let mut nodes = Vec::with_capacity(candidates.len());
    for node in candidates {
        if !complete {
            break;
        }
        // A walk without a node meets some of the steps of the first, in the same order: one cursor goes along.
        let mut ahead = known.iter().peekable();
        let walked = walk_exact(graph, scratch, lot.0, element, &left, |step| {
            while ahead.next_if(|(other, _)| *other > step).is_some() {}
            ahead.peek().is_some_and(|(other, of)| (*other, *of) == (step, node))
        });
        if !walked.complete {
            complete = false;
            break;
        }
        complete = spend(&mut left, walked.visited.steps, walked.visited.parts);
        let without = Parts::nearest(walked.arrivals.iter().map(|arrival| arrival.flow.value()).sum());
        nodes.push(NodeDependence { node, through: Parts::ONE.minus(without), without });
    }
    Ok(Dependence { nodes, complete })
}

/// Takes a walk off the budget; false when nothing is left.
fn spend(left: &mut Limits, steps: u32, work: u64) -> bool {
    left.steps = left.steps.saturating_sub(steps);
    left.work = left.work.saturating_sub(work);
    left.steps > 0 && left.work > 0
}
