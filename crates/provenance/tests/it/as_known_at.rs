//! The same question at different ledger sizes; taking back; carrying over.

use ore_provenance::{
    AppendError, ForwardLimits, Graph, Limits, LotIndex, Mixing, NewLot, Parts, QuestionError, Scratch,
    StepKind, Taken, TraceLimits, attribute, trace_back, trace_forward,
};
use proptest::prelude::*;

use crate::world::{Call, NOW, TANTALUM, Wildness, ask, build, chains, exact, origin};

const WILD: Wildness = Wildness { uncertain: true, layers: true, out_of_nothing: true };
const PURE: u32 = 1_000_000_000;

pub(crate) fn source(graph: &mut Graph, leaf: u64, source: u32, dry_mg: u64) -> LotIndex {
    let (origin, kind) = origin(source);
    graph.append_source(leaf, origin, kind, dry_mg, &[(TANTALUM, exact(PURE))]).unwrap().first_lot()
}

pub(crate) fn blend(graph: &mut Graph, leaf: u64, inputs: &[(LotIndex, u64)]) -> LotIndex {
    let composition = [(TANTALUM, exact(PURE))];
    let dry_mg = inputs.iter().map(|(_, dry_mg)| dry_mg).sum();
    let inputs: Vec<Taken> =
        inputs.iter().map(|(lot, dry_mg)| Taken { lot: *lot, dry_mg: *dry_mg }).collect();
    let output = NewLot { dry_mg, composition: &composition };
    graph.append_step(leaf, StepKind::Transform, Mixing::Homogenised, &inputs, &[output]).unwrap().first_lot()
}

fn first_share(graph: &Graph, lot: LotIndex, as_of: u64) -> Result<u64, QuestionError> {
    attribute(graph, &mut Scratch::default(), lot, TANTALUM, as_of, &Limits::default())
        .map(|answer| answer.origins[0].share.value.units())
}

#[test]
fn a_later_assay_changes_what_is_taken_afterwards_and_nothing_before() {
    let mut graph = Graph::new();
    let (a, b) = (source(&mut graph, 0, 0, 200), source(&mut graph, 1, 1, 200));
    let before = blend(&mut graph, 2, &[(a, 100), (b, 100)]);
    graph.set_composition(3, a, &[(TANTALUM, exact(PURE / 3))]).unwrap();
    let after = blend(&mut graph, 4, &[(a, 100), (b, 100)]);
    assert_eq!(first_share(&graph, before, NOW), Ok(Parts::ONE.units() / 2));
    assert_eq!(first_share(&graph, after, NOW), Ok(249_999_999_812_500_000), "333333333 of 1333333333");
    assert_eq!(graph.composition(a, 3), [(TANTALUM, exact(PURE))]);
    assert_eq!(graph.composition(a, 4), [(TANTALUM, exact(PURE / 3))]);
}

#[test]
fn a_withdrawn_record_is_gone_from_then_on_and_still_seen_before() {
    let mut graph = Graph::new();
    let (a, b) = (source(&mut graph, 0, 0, 400), source(&mut graph, 1, 1, 600));
    let wrong = blend(&mut graph, 2, &[(a, 400), (b, 600)]);
    assert_eq!(
        graph.void_lot(3, a),
        Err(AppendError::StillUsed { lot: a, by: ore_provenance::StepIndex(2) }),
        "dependents first"
    );
    graph.void_lot(3, wrong).unwrap();
    graph.void_lot(4, a).unwrap();
    let right = source(&mut graph, 5, 0, 300);
    let corrected = blend(&mut graph, 6, &[(right, 300), (b, 600)]);

    assert_eq!(first_share(&graph, wrong, 3), Ok(400_000_000_000_000_000));
    assert_eq!(first_share(&graph, wrong, 4), Err(QuestionError::NoSuchLot { lot: wrong, as_of: 4 }));
    assert_eq!(first_share(&graph, corrected, NOW), Ok(333_333_333_333_333_333));
    assert_eq!(first_share(&graph, corrected, 6), Err(QuestionError::NoSuchLot { lot: corrected, as_of: 6 }));
    assert_eq!(graph.lot(b, 3).unwrap().remaining_mg(), 0);
    assert_eq!(graph.lot(b, 4).unwrap().remaining_mg(), 600, "the withdrawn step gave it back");
    assert_eq!(graph.lot(b, NOW).unwrap().remaining_mg(), 0);
    let users: Vec<u32> = graph.uses(b, NOW).map(|part| part.by.0).collect();
    assert_eq!(users, [4]);
}

#[test]
fn a_weighing_changes_the_mass_that_is_left_but_never_below_what_was_taken() {
    let mut graph = Graph::new();
    let a = source(&mut graph, 0, 0, 100);
    blend(&mut graph, 1, &[(a, 60)]);
    graph.set_mass(2, a, 99).unwrap();
    assert_eq!(graph.lot(a, 2).unwrap().dry_mg, 100);
    assert_eq!(graph.lot(a, NOW).unwrap().remaining_mg(), 39);
    assert_eq!(
        graph.set_mass(3, a, 59),
        Err(AppendError::LighterThanTaken { lot: a, dry_mg: 59, taken_mg: 60 })
    );
}

#[derive(Clone, Debug)]
pub(crate) enum Change {
    Call(Call),
    Assay(u32, u32),
    Weigh(u32, u32),
    Void(u32),
}

/// Applies a change; refusals leave no trace, which the caller checks.
pub(crate) fn apply(graph: &mut Graph, leaf: u64, change: &Change) {
    match change {
        Change::Call(Call::Step { kind, mixing, inputs, outputs }) => {
            let inputs: Vec<Taken> =
                inputs.iter().map(|(lot, dry_mg)| Taken { lot: LotIndex(*lot), dry_mg: *dry_mg }).collect();
            let outputs: Vec<NewLot<'_>> =
                outputs.iter().map(|(dry_mg, composition)| NewLot { dry_mg: *dry_mg, composition }).collect();
            let before = graph.mark();
            if graph.append_step(leaf, *kind, *mixing, &inputs, &outputs).is_err() {
                assert_eq!(graph.mark(), before);
                for _ in outputs {
                    source(graph, leaf, 0, 1);
                }
            }
        }
        Change::Call(call) => call.append(graph, leaf),
        Change::Assay(lot, ppb) if graph.lots() > 0 => {
            let lot = LotIndex(lot % graph.lots());
            let _ = graph.set_composition(leaf, lot, &[(TANTALUM, exact(ppb % PURE))]);
        }
        Change::Weigh(lot, more) if graph.lots() > 0 => {
            let lot = LotIndex(lot % graph.lots());
            let taken = graph.lot(lot, NOW).map_or(0, |facts| facts.taken_mg);
            let _ = graph.set_mass(leaf, lot, taken.saturating_add((*more % 1_000).into()));
        }
        Change::Void(lot) if graph.lots() > 0 => {
            let _ = graph.void_lot(leaf, LotIndex(lot % graph.lots()));
        }
        Change::Assay(..) | Change::Weigh(..) | Change::Void(_) => {}
    }
}

pub(crate) fn histories() -> impl Strategy<Value = Vec<Change>> {
    (chains(30, WILD), proptest::collection::vec((0usize..60, 0u8..3, any::<u32>(), any::<u32>()), 0..12))
        .prop_map(|(calls, extras)| {
            let mut changes: Vec<Change> = calls.into_iter().map(Change::Call).collect();
            for (at, what, lot, number) in extras {
                let change = match what {
                    0 => Change::Assay(lot, number),
                    1 => Change::Weigh(lot, number),
                    _ => Change::Void(lot),
                };
                changes.insert(at.min(changes.len()), change);
            }
            changes
        })
}

type Answers = Vec<
    Option<(
        Vec<ore_provenance::OriginShare>,
        ore_provenance::LotFacts,
        Option<ore_provenance::ContainedMass>,
        ore_provenance::Trace,
        ore_provenance::Recall,
    )>,
>;

fn answers(graph: &Graph, as_of: u64) -> Answers {
    let mut scratch = Scratch::default();
    (0..graph.lots())
        .map(|lot| {
            let lot = LotIndex(lot);
            let answer = attribute(graph, &mut scratch, lot, TANTALUM, as_of, &Limits::default()).ok()?;
            let limits = TraceLimits::default();
            let trace = trace_back(graph, &mut scratch, lot, TANTALUM, as_of, &limits).ok()?;
            let limits = ForwardLimits::default();
            let recall = trace_forward(graph, &mut scratch, &[lot], TANTALUM, as_of, &limits).ok()?;
            Some((
                answer.origins,
                graph.lot(lot, as_of)?,
                graph.remaining(lot, TANTALUM, as_of),
                trace,
                recall,
            ))
        })
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn an_answer_as_of_a_size_is_the_answer_given_at_that_size(changes in histories(), at in any::<usize>()) {
        let at = at % (changes.len() + 1);
        let mut graph = Graph::new();
        let mut then = Answers::new();
        for (leaf, change) in changes.iter().enumerate() {
            if leaf == at {
                then = answers(&graph, NOW);
            }
            apply(&mut graph, leaf as u64, change);
        }
        if at == changes.len() {
            then = answers(&graph, NOW);
        }
        let mut since = answers(&graph, at as u64);
        prop_assert!(since[then.len()..].iter().all(Option::is_none));
        since.truncate(then.len());
        prop_assert_eq!(then, since);
    }

    #[test]
    fn undoing_a_block_leaves_the_graph_as_it_was(changes in histories(), at in any::<usize>()) {
        let at = at % (changes.len() + 1);
        let mut graph = Graph::new();
        for (leaf, change) in changes[..at].iter().enumerate() {
            apply(&mut graph, leaf as u64, change);
        }
        let (mark, before, then) = (graph.mark(), graph.export(), answers(&graph, NOW));
        for (leaf, change) in changes.iter().enumerate().skip(at) {
            apply(&mut graph, leaf as u64, change);
        }
        let (after, later) = (graph.export(), graph.mark());
        graph.undo_to(&mark).unwrap();
        prop_assert_eq!(&graph.export(), &before);
        prop_assert_eq!(answers(&graph, NOW), then);
        if later != mark {
            prop_assert!(graph.undo_to(&later).is_err());
        }
        for (leaf, change) in changes.iter().enumerate().skip(at) {
            apply(&mut graph, leaf as u64, change);
        }
        prop_assert_eq!(graph.export(), after, "the same block again gives the same graph");
    }

    #[test]
    fn a_graph_carried_over_as_bytes_gives_the_same_answers_and_grows_alike(changes in histories(), at in any::<usize>()) {
        let at = at % (changes.len() + 1);
        let mut graph = Graph::new();
        for (leaf, change) in changes[..at].iter().enumerate() {
            apply(&mut graph, leaf as u64, change);
        }
        let mut copy = Graph::import(&graph.export()).unwrap();
        prop_assert_eq!(answers(&copy, NOW), answers(&graph, NOW));
        for (leaf, change) in changes.iter().enumerate().skip(at) {
            apply(&mut graph, leaf as u64, change);
            apply(&mut copy, leaf as u64, change);
        }
        prop_assert_eq!(copy.export(), graph.export());
        for size in [0, at as u64, NOW] {
            prop_assert_eq!(answers(&copy, size), answers(&graph, size));
        }
    }
}

#[test]
fn a_scratch_serves_graphs_of_any_size_one_after_another() {
    let small = build(&crate::world::calls(&[(0, 1, 2, 3), (9, 4, 5, 6), (9, 7, 8, 9)], WILD));
    let large = build(&crate::world::calls(&[(9, 77, 5, 6); 300], WILD));
    let mut scratch = Scratch::default();
    for graph in [&small, &large, &small, &large] {
        for lot in 0..graph.lots() {
            assert_eq!(
                ask(graph, &mut scratch, lot, TANTALUM),
                ask(graph, &mut Scratch::default(), lot, TANTALUM)
            );
        }
    }
}
