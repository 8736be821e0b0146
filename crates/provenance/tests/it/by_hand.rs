//! Traces and recalls once more, by the plainest algorithm: ordered maps, big numbers, every rule written out.
//!
//! The answers must be equal to the last row: nodes, parts, counts, and what each limit leaves out.

use std::collections::{BTreeMap, BTreeSet};

use num_bigint::BigUint;
use ore_provenance::{
    ForwardLimits, Graph, LotIndex, Mixing, Part, Parts, Picograms, Recall, RecallHit, Scratch, StepIndex,
    Threshold, Trace, TraceEdge, TraceLimits, TraceNode, Visited, trace_back, trace_forward,
};
use proptest::prelude::*;

use crate::as_known_at::{apply, histories};
use crate::world::{Dice, NOW, TANTALUM};

fn whole() -> BigUint {
    BigUint::from(10_u8).pow(36)
}

/// To 18 decimals; a weight lies at most 10^8 units of the last of 36 below the true one.
fn nearest(weight: &BigUint) -> Parts {
    let unit = BigUint::from(10_u8).pow(18);
    let units = (weight + (&unit >> 1) + BigUint::from(100_000_000_u32)) / unit;
    Parts::new(u64::try_from(units).unwrap_or(u64::MAX)).unwrap_or(Parts::ONE)
}

fn part_of(mass: u128, weight: &BigUint) -> Picograms {
    let exact = (BigUint::from(mass) * weight + (whole() >> 1)) / whole();
    Picograms(u128::try_from(exact).unwrap())
}

/// A step's parts with what each weighs in the division: contained mass, or dry mass, or one each.
fn weighed(graph: &Graph, step: StepIndex) -> Vec<(Part, u128)> {
    let parts: Vec<Part> = graph.inputs(step).collect();
    let mut masses: Vec<u128> = parts.iter().map(|part| graph.contained_in_part(part, TANTALUM).0).collect();
    if masses.iter().all(|mass| *mass == 0) {
        masses = parts.iter().map(|part| part.dry_mg.into()).collect();
    }
    if masses.iter().all(|mass| *mass == 0) {
        masses = vec![1; parts.len()];
    }
    parts.into_iter().zip(masses).collect()
}

fn back(graph: &Graph, lot: LotIndex, as_of: u64, limits: &TraceLimits) -> Trace {
    let maker = |lot: LotIndex| {
        (0..graph.steps())
            .map(StepIndex)
            .find(|step| graph.step(*step).unwrap().outputs.contains(&lot.0))
            .unwrap()
    };
    let mut arrived: BTreeMap<LotIndex, (BigUint, u32)> = BTreeMap::from([(lot, (whole(), 0))]);
    let mut open = BTreeSet::from([maker(lot)]);
    let (mut edges, mut truncated) = (Vec::new(), false);
    while let Some(step) = open.pop_last() {
        let of_step: Vec<_> = arrived.iter().filter(|(lot, _)| maker(**lot) == step).collect();
        let weight: BigUint = of_step.iter().map(|(_, (weight, _))| weight).sum();
        let depth = of_step.iter().map(|(_, (_, depth))| *depth).min().unwrap();
        let parts = weighed(graph, step);
        if parts.is_empty() {
            continue;
        }
        if depth >= limits.depth || arrived.len() + parts.len() > limits.nodes as usize {
            truncated = true;
            continue;
        }
        let total: BigUint = parts.iter().map(|(_, mass)| BigUint::from(*mass)).sum();
        for (part, mass) in parts {
            let share = &weight * BigUint::from(mass) / &total;
            if share == BigUint::ZERO {
                continue;
            }
            edges.push(TraceEdge {
                from: part.lot,
                into: step,
                dry_mg: part.dry_mg,
                contained: graph.contained_in_part(&part, TANTALUM),
                share: nearest(&share),
            });
            let here = arrived.entry(part.lot).or_insert((BigUint::ZERO, u32::MAX));
            here.0 += share;
            here.1 = here.1.min(depth + 1);
            open.insert(maker(part.lot));
        }
    }
    let node = |(lot, (weight, depth)): (&LotIndex, &(BigUint, u32))| {
        // An ancestor stands wherever the asked lot does.
        let contained = graph.contained(*lot, TANTALUM, as_of).unwrap().value;
        let dry_mg = graph.lot(*lot, as_of).unwrap().dry_mg;
        TraceNode { lot: *lot, step: maker(*lot), depth: *depth, dry_mg, contained, share: nearest(weight) }
    };
    Trace { nodes: arrived.iter().rev().map(node).collect(), edges, truncated }
}

fn forward(graph: &Graph, lots: &[LotIndex], as_of: u64, limits: &ForwardLimits) -> Recall {
    let recalled: BTreeSet<LotIndex> = lots.iter().copied().collect();
    let mut weight: BTreeMap<LotIndex, BigUint> = recalled.iter().map(|lot| (*lot, whole())).collect();
    let mut recall =
        Recall { hits: Vec::new(), visited: Visited::default(), uncertain: false, truncated: false };
    for step in (0..graph.steps()).map(StepIndex).filter(|step| graph.stands(*step, as_of)) {
        let parts = weighed(graph, step);
        if !parts.iter().any(|(part, _)| weight.contains_key(&part.lot)) {
            continue;
        }
        if recall.visited.steps >= limits.steps {
            recall.truncated = true;
            break;
        }
        recall.visited.steps += 1;
        recall.visited.parts += parts.len() as u64;
        let facts = graph.step(step).unwrap();
        if parts.len() > 1 {
            let named = |part: &Part| {
                let mut uncertain = None;
                let lot = graph.composition(part.lot, facts.leaf);
                if let Some((_, content)) = lot.iter().find(|(element, _)| *element == TANTALUM) {
                    let (_, lower, upper) = content.bounds();
                    uncertain = Some(lower != upper);
                }
                uncertain
            };
            let unstated = parts.iter().all(|(part, _)| graph.contained_in_part(part, TANTALUM).0 == 0);
            recall.uncertain |= unstated
                || facts.mixing != Mixing::Homogenised
                || parts.iter().any(|(part, _)| part.dry_mg > 0 && named(part) == Some(true));
        }
        let total: BigUint = parts.iter().map(|(_, mass)| BigUint::from(*mass)).sum();
        let own: BigUint = parts
            .iter()
            .map(|(part, mass)| weight.get(&part.lot).cloned().unwrap_or_default() * BigUint::from(*mass))
            .sum();
        let pooled = own / total;
        if pooled == BigUint::ZERO {
            continue;
        }
        for lot in facts.outputs.map(LotIndex).filter(|lot| !recalled.contains(lot)) {
            weight.insert(lot, pooled.clone());
            let made = graph.contained(lot, TANTALUM, as_of).unwrap().value.0;
            let left = graph.remaining(lot, TANTALUM, as_of).unwrap().value.0;
            let hit = RecallHit {
                lot,
                step,
                share: nearest(&pooled),
                contained: part_of(made, &pooled),
                remaining: part_of(left, &pooled),
            };
            let counts = match limits.threshold {
                Threshold::Any => hit.contained.0 > 0,
                Threshold::Share(least) => hit.share >= least && made > 0,
                Threshold::Mass(least) => hit.contained >= least,
            };
            if counts && recall.hits.len() < limits.hits as usize {
                recall.hits.push(hit);
            } else {
                recall.truncated |= counts;
            }
        }
    }
    recall.visited.lots = weight.len() as u32;
    recall
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn traces_are_those_that_were_drawn_by_hand(changes in histories(), seed in any::<u64>()) {
        let mut graph = Graph::new();
        for (leaf, change) in changes.iter().enumerate() {
            apply(&mut graph, leaf as u64, change);
        }
        let (mut scratch, mut dice) = (Scratch::default(), Dice(seed));
        for lot in (0..graph.lots()).map(LotIndex) {
            let as_of = if dice.roll(2) == 0 { NOW } else { dice.roll(changes.len() as u64 + 1) };
            let mut limits = TraceLimits::default();
            if dice.roll(3) == 0 {
                limits = TraceLimits { depth: dice.roll(5) as u32, nodes: dice.roll(12) as u32 };
            }
            let Ok(trace) = trace_back(&graph, &mut scratch, lot, TANTALUM, as_of, &limits) else { continue };
            prop_assert_eq!(trace, back(&graph, lot, as_of, &limits));
        }
    }

    #[test]
    fn recalls_are_those_that_were_drawn_by_hand(changes in histories(), seed in any::<u64>()) {
        let mut graph = Graph::new();
        for (leaf, change) in changes.iter().enumerate() {
            apply(&mut graph, leaf as u64, change);
        }
        let (mut scratch, mut dice) = (Scratch::default(), Dice(seed));
        for first in (0..graph.lots()).map(LotIndex) {
            let as_of = if dice.roll(2) == 0 { NOW } else { dice.roll(changes.len() as u64 + 1) };
            let mut lots = vec![first];
            for _ in 0..dice.roll(3) {
                lots.push(LotIndex(dice.roll(graph.lots().into()) as u32));
            }
            let threshold = match dice.roll(3) {
                0 => Threshold::Any,
                1 => Threshold::Share(Parts::new(dice.roll(Parts::ONE.units())).unwrap()),
                _ => Threshold::Mass(Picograms(1 << dice.roll(60))),
            };
            let mut limits = ForwardLimits { threshold, ..ForwardLimits::default() };
            if dice.roll(3) == 0 {
                limits = ForwardLimits { steps: dice.roll(8) as u32, hits: dice.roll(5) as u32, threshold };
            }
            let Ok(recall) = trace_forward(&graph, &mut scratch, &lots, TANTALUM, as_of, &limits) else { continue };
            prop_assert_eq!(recall, forward(&graph, &lots, as_of, &limits));
        }
    }
}
