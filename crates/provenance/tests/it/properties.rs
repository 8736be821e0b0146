//! What holds in every supply chain; at least a thousand random ones for each statement.

use std::collections::BTreeMap;

use num_rational::BigRational;
use ore_provenance::{
    ForwardLimits, Limits, LotIndex, Method, Mixing, NewLot, Origin, Parts, Scratch, SourceId, StepKind,
    Taken, TraceLimits, attribute, trace_back, trace_forward,
};
use proptest::prelude::*;

use crate::oracle::{parts, unit, whole};
use crate::world::{Call, Dice, NIOBIUM, NOW, TAME, TANTALUM, Wildness, ask, build, chains, exact};

const WILD: Wildness = Wildness { uncertain: true, layers: true, out_of_nothing: true };
const ELEMENTS: [ore_provenance::Element; 2] = [TANTALUM, NIOBIUM];

fn units(shares: impl Iterator<Item = Parts>) -> u128 {
    shares.map(|share| u128::from(share.units())).sum()
}

/// Shares by source alone, whatever the route.
fn by_source(
    graph: &ore_provenance::Graph,
    scratch: &mut Scratch,
    lot: u32,
) -> Option<BTreeMap<SourceId, BigRational>> {
    let answer = ask(graph, scratch, lot, TANTALUM)?;
    let mut shares = BTreeMap::new();
    for it in answer.origins {
        *shares.entry(it.origin.source).or_insert_with(|| whole(0)) += parts(it.share.value);
    }
    Some(shares)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn shares_sum_to_exactly_one_however_they_are_grouped(calls in chains(40, WILD)) {
        let graph = build(&calls);
        let mut scratch = Scratch::default();
        for lot in 0..graph.lots() {
            for element in ELEMENTS {
                let Some(answer) = ask(&graph, &mut scratch, lot, element) else { continue };
                let one = u128::from(Parts::ONE.units());
                prop_assert!(answer.complete && answer.unresolved == Parts::ZERO);
                prop_assert_eq!(units(answer.origins.iter().map(|it| it.share.value)), one);
                prop_assert_eq!(units(answer.by_country.iter().map(|it| it.1.value)), one);
                prop_assert_eq!(units(answer.by_route.iter().map(|it| it.1.value)), one);
                prop_assert_eq!(units(answer.by_generation.iter().map(|it| it.1.value)), one);
            }
        }
    }

    #[test]
    fn a_walk_cut_short_still_sums_to_one_and_says_so(
        calls in chains(40, WILD),
        steps in 0u32..10,
        work in 0u64..30,
    ) {
        let graph = build(&calls);
        let mut scratch = Scratch::default();
        for lot in 0..graph.lots() {
            let limits = Limits { work, ..Limits::default() };
            let cut = attribute(&graph, &mut scratch, LotIndex(lot), TANTALUM, NOW, &limits);
            if let Ok(cut) = cut {
                let all = units(cut.origins.iter().map(|it| it.share.value).chain([cut.unresolved]));
                prop_assert_eq!(all, u128::from(Parts::ONE.units()));
                // The first weight is work as well, and nothing begins once all is used.
                prop_assert!(work > 0 || cut.origins.is_empty());
                prop_assert_eq!(cut.complete, cut.unresolved == Parts::ZERO && !cut.methods.contains(&Method::CutShort));
                let full = ask(&graph, &mut scratch, lot, TANTALUM).unwrap();
                prop_assert!(!cut.complete || cut == full);
            }
            let limits = Limits { steps, ..Limits::default() };
            let Ok(cut) = attribute(&graph, &mut scratch, LotIndex(lot), TANTALUM, NOW, &limits) else { continue };
            let all = units(cut.origins.iter().map(|it| it.share.value).chain([cut.unresolved]));
            prop_assert_eq!(all, u128::from(Parts::ONE.units()));
            prop_assert!(cut.visited.steps <= steps);
            let full = ask(&graph, &mut scratch, lot, TANTALUM).unwrap();
            prop_assert!(full.complete);
            prop_assert_eq!(cut.complete, full.visited.steps <= steps);
            if cut.complete {
                prop_assert_eq!(&cut, &full);
            }
            if full.methods.iter().all(|it| *it == Method::WellMixed) {
                for it in &cut.origins {
                    let full = full.origins.iter().find(|full| full.origin == it.origin).unwrap().share.value;
                    prop_assert!(it.share.lower <= full.plus(Parts::new(1).unwrap()));
                    prop_assert!(full <= it.share.upper.plus(Parts::new(1).unwrap()));
                }
            }
        }
    }

    #[test]
    fn the_mass_of_each_origin_is_conserved(calls in chains(40, TAME)) {
        let graph = build(&calls);
        let mut scratch = Scratch::default();
        let (mut sourced, mut found) = (BTreeMap::new(), BTreeMap::new());
        let mut grown = whole(0);
        let mut add = |to: &mut BTreeMap<SourceId, BigRational>, shares: &BTreeMap<SourceId, BigRational>, mass: u128| {
            grown += whole(mass);
            for (source, share) in shares {
                *to.entry(*source).or_insert_with(|| whole(0)) += share * whole(mass);
            }
        };
        let mut first = 0u32;
        for call in &calls {
            match call {
                Call::Source { origin, .. } => {
                    let mass = graph.contained(LotIndex(first), TANTALUM, NOW).unwrap().value.0;
                    add(&mut sourced, &BTreeMap::from([(origin.source, whole(1))]), mass);
                }
                Call::Step { outputs, .. } => {
                    // What a step loses has the shares of its outputs; what leaves has those of its parts.
                    let step = ore_provenance::StepIndex(calls_index(&calls, call));
                    let mass = graph.step_mass(step, TANTALUM, NOW).unwrap();
                    let pooled = (first..first + outputs.len() as u32)
                        .find_map(|lot| by_source(&graph, &mut scratch, lot));
                    match pooled {
                        Some(shares) => add(&mut found, &shares, mass.taken.0 - mass.made.0),
                        None => {
                            for part in graph.inputs(step) {
                                let mass = graph.contained_in_part(&part, TANTALUM).0;
                                if mass > 0 {
                                    let shares = by_source(&graph, &mut scratch, part.lot.0).unwrap();
                                    add(&mut found, &shares, mass);
                                }
                            }
                        }
                    }
                }
            }
            for lot in first..first + call.lots() {
                let left = graph.remaining(LotIndex(lot), TANTALUM, NOW).unwrap().value.0;
                if left > 0 {
                    add(&mut found, &by_source(&graph, &mut scratch, lot).unwrap(), left);
                }
            }
            first += call.lots();
        }
        // Each share is off by at most a unit of its last decimal.
        let tolerance = grown * unit() * whole(2);
        for (source, mass) in sourced {
            let found = found.remove(&source).unwrap_or_else(|| whole(0));
            let off = if found > mass { found - mass } else { mass - found };
            prop_assert!(off <= tolerance, "source {source:?} is off by {off}");
        }
        prop_assert!(found.into_values().all(|mass| mass <= tolerance));
    }

    #[test]
    fn renaming_sources_renames_the_answer_and_nothing_else(calls in chains(40, WILD), shift in 1u32..1_000) {
        let renamed: Vec<Call> = calls.iter().cloned().map(|mut call| {
            if let Call::Source { origin, .. } = &mut call {
                origin.source.0 += shift;
            }
            call
        }).collect();
        let (before, after) = (build(&calls), build(&renamed));
        let mut scratch = Scratch::default();
        for lot in 0..before.lots() {
            let (left, right) = (ask(&before, &mut scratch, lot, TANTALUM), ask(&after, &mut scratch, lot, TANTALUM));
            let Some(mut left) = left else { prop_assert!(right.is_none()); continue };
            left.origins.iter_mut().for_each(|it| it.origin.source.0 += shift);
            prop_assert_eq!(Some(left), right);
        }
    }

    #[test]
    fn reversing_the_names_of_sources_moves_at_most_the_unit_that_breaks_a_tie(calls in chains(30, TAME)) {
        let reversed: Vec<Call> = calls.iter().cloned().map(|mut call| {
            if let Call::Source { origin, .. } = &mut call {
                origin.source.0 = 1_000 - origin.source.0;
            }
            call
        }).collect();
        let (before, after) = (build(&calls), build(&reversed));
        let mut scratch = Scratch::default();
        for lot in 0..before.lots() {
            let Some(left) = ask(&before, &mut scratch, lot, TANTALUM) else { continue };
            let right = ask(&after, &mut scratch, lot, TANTALUM).unwrap();
            prop_assert_eq!(left.origins.len(), right.origins.len());
            for it in left.origins {
                let origin = Origin { source: SourceId(1_000 - it.origin.source.0), ..it.origin };
                let same = right.origins.iter().find(|other| other.origin == origin).unwrap();
                prop_assert!(same.share.value.units().abs_diff(it.share.value.units()) <= 1);
            }
        }
    }

    #[test]
    fn splitting_a_lot_and_merging_it_again_changes_nothing(
        calls in chains(40, TAME), pick in any::<u64>(), cuts in proptest::collection::vec(any::<u64>(), 1..6),
    ) {
        let mut graph = build(&calls);
        let mut scratch = Scratch::default();
        let lot = LotIndex((pick % u64::from(graph.lots())) as u32);
        let left = graph.lot(lot, NOW).unwrap().remaining_mg();
        let Some(before) = ask(&graph, &mut scratch, lot.0, TANTALUM) else { return Ok(()) };
        prop_assume!(left > 0);

        let composition = graph.composition(lot, NOW);
        let mut cuts: Vec<u64> = cuts.iter().map(|cut| cut % (left + 1)).collect();
        cuts.extend([0, left]);
        cuts.sort_unstable();
        let pieces: Vec<NewLot<'_>> =
            cuts.windows(2).map(|pair| NewLot { dry_mg: pair[1] - pair[0], composition: &composition }).collect();
        let whole = Taken { lot, dry_mg: left };
        let split = graph.append_step(1_000, StepKind::Split, Mixing::Homogenised, &[whole], &pieces).unwrap();
        let parts: Vec<Taken> = split.lots.clone().zip(&pieces)
            .map(|(lot, piece)| Taken { lot: LotIndex(lot), dry_mg: piece.dry_mg }).collect();
        let all = [NewLot { dry_mg: left, composition: &composition }];
        let merged = graph.append_step(1_001, StepKind::Transform, Mixing::Homogenised, &parts, &all).unwrap();

        let after = ask(&graph, &mut scratch, merged.first_lot().0, TANTALUM).unwrap();
        prop_assert_eq!(&before.origins, &after.origins);
        let contained = graph.contained(merged.first_lot(), TANTALUM, NOW).unwrap();
        let ppb = crate::oracle::ppb(&composition, TANTALUM);
        prop_assert_eq!(contained.value.0, u128::from(left) * ppb);
    }

    #[test]
    fn independent_records_commute(calls in chains(40, TAME), seed in any::<u64>()) {
        let (reordered, new_name) = reorder(&calls, seed);
        let (before, after) = (build(&calls), build(&reordered));
        let mut scratch = Scratch::default();
        for lot in 0..before.lots() {
            for element in ELEMENTS {
                let left = ask(&before, &mut scratch, lot, element);
                let right = ask(&after, &mut scratch, new_name[&lot], element);
                prop_assert_eq!(left.as_ref().map(|it| &it.origins), right.as_ref().map(|it| &it.origins));
                prop_assert_eq!(left.map(|it| it.visited), right.map(|it| it.visited));
            }
        }
    }

    #[test]
    fn an_outputs_shares_lie_in_the_convex_hull_of_its_inputs(calls in chains(40, TAME)) {
        let graph = build(&calls);
        let mut scratch = Scratch::default();
        for index in 0..graph.steps() {
            let step = ore_provenance::StepIndex(index);
            let inputs: Vec<_> = graph.inputs(step)
                .filter(|part| graph.contained_in_part(part, TANTALUM).0 > 0)
                .map(|part| by_source(&graph, &mut scratch, part.lot.0).unwrap())
                .collect();
            if inputs.is_empty() {
                continue;
            }
            for lot in graph.step(step).unwrap().outputs {
                let Some(shares) = by_source(&graph, &mut scratch, lot) else { continue };
                for (source, share) in shares {
                    let of = |shares: &BTreeMap<SourceId, BigRational>| shares.get(&source).cloned().unwrap_or_else(|| whole(0));
                    // Roundings of up to 36 origins' last units add up on both sides.
                    let slack = unit() * whole(40);
                    let least = inputs.iter().map(of).min().unwrap() - &slack;
                    let most = inputs.iter().map(of).max().unwrap() + &slack;
                    prop_assert!(least <= share && share <= most);
                }
            }
        }
    }

    /// Precisely: the share of lot D that passed through lot S, seen walking back from D, is the share
    /// of S in D, seen walking forward from S, in all eighteen decimals; and no path is seen by one alone.
    #[test]
    fn forward_and_backward_agree_to_the_last_digit(
        calls in chains(40, Wildness { out_of_nothing: true, ..TAME }), pick in any::<u64>(),
    ) {
        let graph = build(&calls);
        let mut scratch = Scratch::default();
        let start = LotIndex((pick % u64::from(graph.lots())) as u32);
        let limits = ForwardLimits { threshold: ore_provenance::Threshold::Share(Parts::ZERO), ..ForwardLimits::default() };
        let Ok(recall) = trace_forward(&graph, &mut scratch, &[start], TANTALUM, NOW, &limits) else { return Ok(()) };
        prop_assert!(!recall.truncated);
        for lot in start.0 + 1..graph.lots() {
            let Ok(trace) = trace_back(&graph, &mut scratch, LotIndex(lot), TANTALUM, NOW, &TraceLimits::default()) else { continue };
            let back = trace.nodes.iter().find(|node| node.lot == start).map(|node| node.share);
            let hit = recall.hits.iter().find(|hit| hit.lot.0 == lot);
            // A share too small for eighteen decimals may be listed by one and not by the other.
            let seen = |share: Option<Parts>| share.filter(|share| *share > Parts::ZERO);
            prop_assert_eq!(seen(back), seen(hit.map(|hit| hit.share)), "lot {} from {:?}", lot, start);
            if let Some(hit) = hit {
                let made = graph.contained(LotIndex(lot), TANTALUM, NOW).unwrap().value;
                let off = whole(hit.contained.0) - parts(hit.share) * whole(made.0);
                let most = whole(made.0) * unit() + whole(1);
                prop_assert!(off <= most && -off <= most);
            }
        }
    }

    #[test]
    fn the_value_lies_in_its_interval_and_certainty_has_none(calls in chains(40, WILD)) {
        let graph = build(&calls);
        let mut scratch = Scratch::default();
        for lot in 0..graph.lots() {
            let Some(answer) = ask(&graph, &mut scratch, lot, TANTALUM) else { continue };
            let grouped = answer.by_country.iter().map(|it| it.1)
                .chain(answer.by_route.iter().map(|it| it.1))
                .chain(answer.by_generation.iter().map(|it| it.1))
                .chain([answer.recycled, answer.verified]);
            let certain = answer.methods.iter().all(|it| *it == Method::WellMixed);
            for share in answer.origins.iter().map(|it| it.share).chain(grouped) {
                prop_assert!(share.lower <= share.value && share.value <= share.upper);
                prop_assert!(!certain || share.is_exact());
            }
        }
    }
}

fn calls_index(calls: &[Call], call: &Call) -> u32 {
    calls.iter().position(|it| std::ptr::eq(it, call)).unwrap() as u32
}

/// The same calls in another order that respects who needs whom, and the lots' new positions.
fn reorder(calls: &[Call], seed: u64) -> (Vec<Call>, BTreeMap<u32, u32>) {
    let mut dice = Dice(seed);
    let mut first = Vec::new();
    let mut lots = 0;
    for call in calls {
        first.push(lots);
        lots += call.lots();
    }
    let mut waiting: Vec<usize> = (0..calls.len()).collect();
    let (mut done, mut new_name) = (Vec::new(), BTreeMap::new());
    while !waiting.is_empty() {
        let ready: Vec<usize> = (0..waiting.len())
            .filter(|slot| match &calls[waiting[*slot]] {
                Call::Source { .. } => true,
                Call::Step { inputs, .. } => inputs.iter().all(|(lot, _)| new_name.contains_key(lot)),
            })
            .collect();
        let index = waiting.remove(ready[dice.roll(ready.len() as u64) as usize]);
        let mut call = calls[index].clone();
        if let Call::Step { inputs, .. } = &mut call {
            inputs.iter_mut().for_each(|(lot, _)| *lot = new_name[lot]);
        }
        for lot in 0..call.lots() {
            new_name.insert(first[index] + lot, new_name.len() as u32);
        }
        done.push(call);
    }
    (done, new_name)
}

#[test]
fn ten_thousand_recyclings_in_a_row_are_walked_without_recursion() {
    let mut calls = vec![source_of(1_000_000)];
    for lot in 0..10_000 {
        calls.push(Call::Step {
            kind: StepKind::Recycle(ore_provenance::RecyclingClass::PostConsumer),
            mixing: Mixing::Homogenised,
            inputs: vec![(lot, 1_000_000)],
            outputs: vec![(1_000_000, vec![(TANTALUM, exact(1_000_000_000))])],
        });
    }
    let answer = ask(&build(&calls), &mut Scratch::default(), 10_000, TANTALUM).unwrap();
    assert_eq!(answer.by_generation, [(10_000, ore_provenance::Share::exactly(Parts::ONE))]);
    assert_eq!(answer.visited.lots, 10_001);
}

#[test]
fn a_walk_that_nobody_wants_any_more_ends_and_says_so() {
    let mut calls = vec![source_of(1_000)];
    for lot in 0..3_000 {
        calls.push(Call::Step {
            kind: StepKind::Transform,
            mixing: Mixing::Homogenised,
            inputs: vec![(lot, 1_000)],
            outputs: vec![(1_000, vec![(TANTALUM, exact(1_000_000_000))])],
        });
    }
    let graph = build(&calls);
    let (mut scratch, gone) = (Scratch::default(), std::sync::Arc::new(true.into()));
    let (first, last) = (LotIndex(0), LotIndex(3_000));
    let mut answers = |stopped: bool| {
        scratch.stop_when(stopped.then(|| std::sync::Arc::clone(&gone)));
        let shares = attribute(&graph, &mut scratch, last, TANTALUM, NOW, &Limits::default()).unwrap();
        let back = trace_back(&graph, &mut scratch, last, TANTALUM, NOW, &TraceLimits::default()).unwrap();
        let limits = ForwardLimits::default();
        let forward = trace_forward(&graph, &mut scratch, &[first], TANTALUM, NOW, &limits).unwrap();
        (
            (shares.complete, shares.unresolved),
            (back.truncated, back.nodes.len()),
            (forward.truncated, forward.hits.len()),
        )
    };
    assert_eq!(answers(true), ((false, Parts::ONE), (true, 1), (true, 0)));
    assert_eq!(
        answers(false),
        ((true, Parts::ZERO), (false, 3_001), (false, 3_000)),
        "and leaves nothing behind"
    );
}

pub(crate) fn source_of(dry_mg: u64) -> Call {
    let (origin, kind) = crate::world::origin(0);
    Call::Source { origin, kind, dry_mg, contents: vec![(TANTALUM, exact(1_000_000_000))] }
}
