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
use crate::walk::{Flow, Scratch, Walking};

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
    let mut walks = DependenceWalks::new(graph, lot, element, as_of, limits)?;
    // Ends: each turn is one of finitely many walks.
    while walks.next(graph, scratch, u64::MAX, &node_of).is_some() {}
    Ok(walks.answer())
}

/// A dependence that is being found, walk by walk: between two slices the graph may grow. Until all has ended or is
/// given up the scratch serves no other question.
#[derive(Debug)]
pub struct DependenceWalks {
    lot: LotIndex,
    element: Element,
    left: Limits,
    /// The walk that is under way.
    walk: Option<Walking>,
    /// How many steps of nodes it has passed.
    passed: usize,
    /// Steps of nodes, newest first: the order of every walk.
    known: Vec<(u32, u32)>,
    /// Nodes that wait for their walk, in order.
    waiting: Option<Vec<u32>>,
    found: Dependence,
}

impl DependenceWalks {
    /// No walk yet.
    ///
    /// # Errors
    /// The lot does not stand in a ledger of `as_of` leaves, or states no content of the element.
    pub fn new(
        graph: &Graph,
        lot: LotIndex,
        element: Element,
        as_of: u64,
        limits: &Limits,
    ) -> Result<Self, QuestionError> {
        contained_or_refuse(graph, lot, element, as_of)?;
        let found = Dependence { nodes: Vec::new(), complete: true };
        Ok(Self {
            lot,
            element,
            left: *limits,
            walk: None,
            passed: 0,
            known: Vec::new(),
            waiting: None,
            found,
        })
    }

    /// Goes on for about so many units of work, at most to the end of a walk, and tells how many were done; `None`
    /// when nothing is left to walk. `node_of` must answer for a step what it answered before.
    pub fn next(
        &mut self,
        graph: &Graph,
        scratch: &mut Scratch,
        units: u64,
        node_of: impl Fn(StepIndex) -> Option<u32>,
    ) -> Option<u64> {
        let Self { lot, element, left, walk, passed, known, waiting, found } = self;
        let without = match waiting {
            None => None,
            Some(nodes) if found.complete => Some(*nodes.last()?),
            Some(_) => return None,
        };
        let mut under_way = walk.take().unwrap_or_else(|| {
            *passed = 0;
            Walking::exact(graph, scratch, lot.0, *element, left)
        });
        let before = under_way.done();
        let ended = under_way.go_on_exact(graph, scratch, units, |step| match without {
            None => {
                known.extend(node_of(StepIndex(step)).map(|node| (step, node)));
                false
            }
            // A walk without a node meets some of the steps of the first, in the same order.
            Some(node) => {
                while known.get(*passed).is_some_and(|(other, _)| *other > step) {
                    *passed += 1;
                }
                known.get(*passed) == Some(&(step, node))
            }
        });
        let done = Some(under_way.done() - before);
        let Some(walked) = ended else {
            *walk = Some(under_way);
            return done;
        };
        let more = spend(left, walked.visited.steps, walked.visited.parts);
        found.complete = walked.complete && more;
        match waiting {
            None => {
                let nodes: BTreeSet<u32> = known.iter().map(|(_, node)| *node).collect();
                *waiting = Some(nodes.into_iter().rev().collect());
            }
            Some(nodes) if walked.complete => {
                let without = walked.arrivals.iter().map(|arrival| arrival.flow.value()).sum();
                let without = Parts::nearest(without);
                let node = nodes.pop().unwrap_or_default();
                found.nodes.push(NodeDependence { node, through: Parts::ONE.minus(without), without });
            }
            Some(_) => {}
        }
        done
    }

    /// Nodes that were walked without so far, by number.
    #[must_use]
    pub fn nodes(&self) -> &[NodeDependence] {
        &self.found.nodes
    }

    /// What was found so far.
    #[must_use]
    pub fn answer(self) -> Dependence {
        let all = self.waiting.is_some_and(|waiting| waiting.is_empty());
        Dependence { complete: self.found.complete && all, ..self.found }
    }
}

/// Takes a walk off the budget; false when nothing is left.
fn spend(left: &mut Limits, steps: u32, work: u64) -> bool {
    left.steps = left.steps.saturating_sub(steps);
    left.work = left.work.saturating_sub(work);
    left.steps > 0 && left.work > 0
}
