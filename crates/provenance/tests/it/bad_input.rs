//! Nothing from outside makes the graph panic or contradict itself.

use ore_provenance::{
    AppendError, Content, ContentKind, Element, ForwardLimits, Graph, Limits, LotIndex, Mixing, NewLot,
    Parts, Scratch, SnapshotError, StepIndex, StepKind, Taken, TraceLimits, attribute, dependence,
    trace_back, trace_forward,
};
use proptest::prelude::*;

use crate::world::{NOW, TANTALUM, Wildness, build, chains, exact, origin};

const WILD: Wildness = Wildness { uncertain: true, layers: true, out_of_nothing: true };

/// Masses near every boundary of 64 bits.
fn masses() -> impl Strategy<Value = u64> {
    prop_oneof![any::<u64>(), (0u32..64).prop_map(|shift| u64::MAX >> shift), Just(0), Just(1)]
}

fn contents() -> impl Strategy<Value = Content> {
    let kinds = prop_oneof![
        Just(ContentKind::Measured),
        Just(ContentKind::Declared),
        Just(ContentKind::BelowDetection)
    ];
    let numbers = || prop_oneof![any::<u32>(), Just(0), Just(u32::MAX), 0u32..=1_000_000_000];
    (numbers(), numbers(), kinds).prop_map(|(ppb, uncertainty_ppb_k2, kind)| Content {
        ppb,
        uncertainty_ppb_k2,
        kind,
    })
}

fn kinds() -> impl Strategy<Value = (StepKind, Mixing)> {
    use ore_provenance::RecyclingClass::{InternalRunAround, PostConsumer, PreConsumer};
    let kind = prop_oneof![
        Just(StepKind::Transform),
        Just(StepKind::Split),
        Just(StepKind::Leave),
        Just(StepKind::Recycle(InternalRunAround)),
        Just(StepKind::Recycle(PreConsumer)),
        Just(StepKind::Recycle(PostConsumer)),
    ];
    let mixing =
        prop_oneof![Just(Mixing::Homogenised), Just(Mixing::NotHomogenised), Just(Mixing::Segregated)];
    (kind, mixing)
}

type Offer = (Option<(StepKind, Mixing)>, Vec<(u32, u64)>, Vec<(u64, Content)>, u32);

fn offers() -> impl Strategy<Value = Offer> {
    (
        proptest::option::weighted(0.7, kinds()),
        proptest::collection::vec((0u32..20, masses()), 0..6),
        proptest::collection::vec((masses(), contents()), 1..4),
        any::<u32>(),
    )
}

fn ask_everything(graph: &Graph) {
    let mut scratch = Scratch::default();
    for lot in 0..=graph.lots() {
        let lot = LotIndex(lot);
        for as_of in [0, 3, NOW] {
            if let Ok(answer) = attribute(graph, &mut scratch, lot, TANTALUM, as_of, &Limits::default()) {
                let sum: u64 = answer.origins.iter().map(|it| it.share.value.units()).sum();
                assert_eq!(sum + answer.unresolved.units(), Parts::ONE.units());
            }
            let _ =
                trace_back(graph, &mut scratch, lot, TANTALUM, as_of, &TraceLimits { depth: 3, nodes: 9 });
            let _ = trace_forward(
                graph,
                &mut scratch,
                &[lot, LotIndex(0)],
                TANTALUM,
                as_of,
                &ForwardLimits::default(),
            );
            let _ = dependence(graph, &mut scratch, lot, TANTALUM, as_of, &Limits::default(), |step| {
                Some(step.0 % 3)
            });
            let _ =
                (graph.lot(lot, as_of), graph.remaining(lot, TANTALUM, as_of), graph.composition(lot, as_of));
            let _ = graph.step_mass(StepIndex(lot.0), TANTALUM, as_of).map(|mass| mass.loss_pg());
        }
    }
}

/// Found by the property below: two takings of more than half of what 64 bits can say, of which one was withdrawn.
#[test]
fn a_snapshot_sums_only_what_stands() {
    let mut graph = Graph::new();
    let (most, whole) = (u64::MAX / 4 * 3, [(TANTALUM, Content::exact(1_000_000_000))]);
    let (from, kind) = origin(0);
    graph.append_source(0, from, kind, most, &whole).unwrap();
    let all = [Taken { lot: LotIndex(0), dry_mg: most }];
    let made = [NewLot { dry_mg: most, composition: &whole }];
    graph.append_step(1, StepKind::Transform, Mixing::Homogenised, &all, &made).unwrap();
    graph.void_lot(2, LotIndex(1)).unwrap();
    graph.append_step(3, StepKind::Transform, Mixing::Homogenised, &all, &made).unwrap();
    let again = Graph::import(&graph.export()).unwrap();
    assert_eq!((again.export(), again.lot(LotIndex(0), NOW)), (graph.export(), graph.lot(LotIndex(0), NOW)));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn any_masses_and_contents_up_to_the_largest_are_computed_or_refused(offers in proptest::collection::vec(offers(), 1..15)) {
        let mut graph = Graph::new();
        for (leaf, (step, inputs, outputs, number)) in offers.into_iter().enumerate() {
            let compositions: Vec<[(Element, Content); 1]> =
                outputs.iter().map(|(_, content)| [(TANTALUM, *content)]).collect();
            let leaf = leaf as u64;
            match step {
                None => {
                    let (origin, kind) = origin(number % 12);
                    graph.append_source(leaf, origin, kind, outputs[0].0, &compositions[0]).unwrap();
                }
                Some((kind, mixing)) => {
                    let inputs: Vec<Taken> =
                        inputs.iter().map(|(lot, dry_mg)| Taken { lot: LotIndex(*lot), dry_mg: *dry_mg }).collect();
                    let outputs: Vec<NewLot<'_>> = outputs.iter().zip(&compositions)
                        .map(|((dry_mg, _), composition)| NewLot { dry_mg: *dry_mg, composition }).collect();
                    let before = graph.mark();
                    if graph.append_step(leaf, kind, mixing, &inputs, &outputs).is_err() {
                        prop_assert_eq!(graph.mark(), before);
                    }
                }
            }
            if number.is_multiple_of(5) {
                let _ = graph.set_mass(leaf, LotIndex(number % 7), u64::from(number));
            }
            if number.is_multiple_of(7) {
                let _ = graph.void_lot(leaf, LotIndex(number % 5));
            }
        }
        ask_everything(&graph);
        prop_assert_eq!(Graph::import(&graph.export()).unwrap().export(), graph.export());
    }

    #[test]
    fn arbitrary_bytes_are_no_graph(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        prop_assert!(Graph::import(&bytes).is_err());
    }

    #[test]
    fn one_changed_byte_is_found_by_the_digest(calls in chains(12, WILD), at in any::<usize>(), flip in 1u8..) {
        let mut bytes = build(&calls).export();
        let at = at % bytes.len();
        bytes[at] ^= flip;
        let found = Graph::import(&bytes);
        // Magic words, version and counts come first, and are told for themselves.
        let head = b"oreledger/lot-graph".len() + 4 + 7 * 4;
        if at >= head {
            prop_assert_eq!(found.err(), Some(SnapshotError::Digest));
        } else {
            prop_assert!(found.is_err());
        }
    }

    /// Bytes that cannot be read say nothing about the file.
    #[test]
    fn what_cannot_be_read_is_said_to_be_unreadable(calls in chains(12, WILD), least in 0u64..2) {
        let bytes = build(&calls).export();
        let mut rest = &bytes[..];
        let mut reads = 0;
        let found = Graph::import_from(bytes.len() as u64, &mut |into| {
            let Some((head, tail)) = rest.split_at_checked(into.len()).filter(|_| reads < least) else {
                return false;
            };
            into.copy_from_slice(head);
            (rest, reads) = (tail, reads + 1);
            true
        });
        prop_assert_eq!(found.err(), Some(SnapshotError::Unreadable));
    }

    /// The digest is no defence against a faulty writer: rows are checked one by one.
    #[test]
    fn changed_bytes_under_a_fitting_digest_give_a_sound_graph_or_none(
        calls in chains(12, WILD), changes in proptest::collection::vec((any::<usize>(), any::<u8>()), 1..4),
    ) {
        let mut bytes = build(&calls).export();
        let body = bytes.len() - 32;
        for (at, byte) in changes {
            let at = at % body;
            bytes[at] = byte;
        }
        seal(&mut bytes);
        if let Ok(graph) = Graph::import(&bytes) {
            ask_everything(&graph);
            prop_assert_eq!(graph.export(), bytes);
        }
    }

    #[test]
    fn a_shorter_or_longer_file_is_no_graph(calls in chains(12, WILD), cut in any::<usize>(), more in 1usize..40) {
        let bytes = build(&calls).export();
        prop_assert!(Graph::import(&bytes[..cut % bytes.len()]).is_err());
        let longer = [&bytes[..], &vec![0; more]].concat();
        prop_assert!(Graph::import(&longer).is_err());
    }
}

fn seal(bytes: &mut [u8]) {
    use sha2::Digest;
    let body = bytes.len() - 32;
    let digest = sha2::Sha256::digest(&bytes[..body]);
    bytes[body..].copy_from_slice(&digest);
}

#[test]
fn a_snapshot_of_another_version_says_which() {
    let mut bytes = Graph::new().export();
    bytes[19] = 2;
    assert_eq!(Graph::import(&bytes).unwrap_err(), SnapshotError::Version { found: 2 });
    assert_eq!(Graph::import(b"").unwrap_err(), SnapshotError::NotASnapshot);
}

#[test]
fn a_leaf_that_a_graph_has_no_room_for_is_refused_and_changes_nothing() {
    let (last, beyond) = (u64::from(u32::MAX), u64::from(u32::MAX) + 1);
    let mut graph = Graph::new();
    let ((from, kind), pure) = (origin(0), [(TANTALUM, exact(1_000_000_000))]);
    let lot = graph.append_source(last - 1, from, kind, 100, &pure).unwrap().first_lot();
    let half = [Taken { lot, dry_mg: 50 }];
    graph.append_step(last, StepKind::Leave, Mixing::Homogenised, &half, &[]).unwrap();
    let before = graph.export();
    let step = graph.append_step(beyond, StepKind::Leave, Mixing::Homogenised, &half, &[]).map(drop);
    let refused = [
        graph.append_source(beyond, from, kind, 1, &pure).map(drop),
        step,
        graph.set_mass(beyond, lot, 60),
        graph.set_composition(beyond, lot, &pure),
        graph.void_step(beyond, StepIndex(1)),
    ];
    assert_eq!(refused, [Err(AppendError::LeafBeyond { leaf: beyond }); 5]);
    let said = "leaf 4294967296 is beyond the last that a graph holds, 4294967295; records from there on need a new ledger";
    assert_eq!(refused[0].unwrap_err().to_string(), said);
    assert_eq!(graph.export(), before);

    // Nor is it read out of a file.
    let again = Graph::import(&before).unwrap();
    assert_eq!(
        (again.newest_leaf(), again.remaining(lot, TANTALUM, NOW)),
        (Some(last), graph.remaining(lot, TANTALUM, NOW))
    );
    let stored = last.to_le_bytes();
    let at = before.windows(8).position(|bytes| bytes == stored).expect("the leaf of the second step");
    let mut forged = before;
    forged[at..at + 8].copy_from_slice(&beyond.to_le_bytes());
    seal(&mut forged);
    let row = SnapshotError::Row { section: "steps", row: 1 };
    assert_eq!(Graph::import(&forged).map(drop), Err(row));
}

#[test]
fn refusals_name_the_lot_and_the_numbers() {
    let mut graph = Graph::new();
    let (origin, kind) = origin(0);
    let pure = [(TANTALUM, exact(1_000_000_000))];
    let lot = graph.append_source(5, origin, kind, 100, &pure).unwrap().first_lot();
    let take = |graph: &mut Graph, leaf, parts: &[u64]| {
        let inputs: Vec<Taken> = parts.iter().map(|dry_mg| Taken { lot, dry_mg: *dry_mg }).collect();
        graph.append_step(leaf, StepKind::Leave, Mixing::Homogenised, &inputs, &[])
    };
    assert_eq!(take(&mut graph, 4, &[1]), Err(AppendError::OutOfOrder { leaf: 4, newest: 5 }));
    let refused = take(&mut graph, 6, &[70, 40]).unwrap_err();
    assert_eq!(refused, AppendError::OverConsumption { lot, remaining_mg: 100, wanted_mg: 110 });
    assert_eq!(refused.to_string(), "lot 0 has 100 mg left, 110 mg were to be taken");
    let twice = [pure[0], pure[0]];
    assert_eq!(
        graph.append_source(6, origin, kind, 1, &twice).unwrap_err(),
        AppendError::RepeatedElement { element: TANTALUM }
    );
    assert_eq!(
        graph.append_source(6, origin, kind, 1, &[(Element(119), exact(1))]).unwrap_err().to_string(),
        "119 is not the atomic number of an element"
    );
    let output = NewLot { dry_mg: 1, composition: &pure };
    assert_eq!(
        graph.append_step(6, StepKind::Transform, Mixing::Homogenised, &[], &[output]).unwrap_err(),
        AppendError::FromNothing
    );
    let gone = take(&mut graph, 6, &[100]).unwrap();
    assert!(gone.lots.is_empty());
    graph.void_step(7, gone.step).unwrap();
    graph.void_lot(8, lot).unwrap();
    assert_eq!(take(&mut graph, 9, &[1]), Err(AppendError::Withdrawn { lot }));
    assert_eq!(graph.void_step(9, StepIndex(9)), Err(AppendError::UnknownStep { step: StepIndex(9) }));
}
