//! A question in slices, while the graph grows, gets the answer of one that went through; one that is given up
//! leaves nothing behind.

use ore_provenance::{
    Attributing, Dating, DependenceWalks, ForwardLimits, Graph, Limits, LotIndex, Recalling, Scratch,
    StepIndex, TraceLimits, TracingBack, attribute, dependence, trace_back, trace_forward,
};
use proptest::prelude::*;

use crate::{
    as_known_at::{Change, apply, blend, histories, source},
    world::TANTALUM,
};

/// A graph that has grown to some size and grows on, a change between two slices.
struct Growing<'a> {
    graph: Graph,
    leaf: u64,
    coming: &'a [Change],
}

impl Growing<'_> {
    fn until<T>(&mut self, mut go_on: impl FnMut(&Graph) -> Option<T>) -> T {
        for _ in 0..100_000 {
            if let Some(answer) = go_on(&self.graph) {
                return answer;
            }
            if let Some((change, rest)) = self.coming.split_first() {
                apply(&mut self.graph, self.leaf, change);
                (self.leaf, self.coming) = (self.leaf + 1, rest);
            }
        }
        panic!("a question in slices has no end");
    }
}

/// Facilities, as it were: a node for two steps in three.
fn node_of(step: StepIndex) -> Option<u32> {
    (!step.0.is_multiple_of(3)).then_some(step.0 % 7)
}

#[test]
fn what_a_slice_meets_counts_even_where_it_adds_nothing_to_the_answer() {
    let mut graph = Graph::new();
    let sources: Vec<(LotIndex, u64)> =
        (0..1_000).map(|leaf| (source(&mut graph, leaf, 0, 1_000), 1)).collect();
    let made = blend(&mut graph, 1_000, &sources);
    let scratch = &mut Scratch::default();
    // One step with a thousand parts, then a thousand sources, then a thousand masses.
    let mut found =
        TracingBack::new(&graph, scratch, made, TANTALUM, 1_001, &TraceLimits::default()).unwrap();
    let slices = (1..1_000).find(|_| found.go_on(&graph, scratch, 100).is_some());
    assert!(slices.is_some_and(|slices| slices > 20), "{slices:?} slices");

    // A thousand steps that took from a lot, all of them later than the size asked about.
    let lot = sources[0].0;
    for leaf in 1_001..2_000 {
        blend(&mut graph, leaf, &[(lot, 1)]);
    }
    let mut found =
        Recalling::new(&graph, scratch, &[lot], TANTALUM, 1_000, &ForwardLimits::default()).unwrap();
    let slices = (1..1_000).find(|_| found.go_on(&graph, scratch, 100).is_some());
    assert!(slices.is_some_and(|slices| slices > 9), "{slices:?} slices");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn slices_add_up_to_the_whole(changes in histories(), at in any::<usize>(), units in 1_u64..12) {
        let at = at % (changes.len() + 1);
        let mut graph = Graph::new();
        for (leaf, change) in changes[..at].iter().enumerate() {
            apply(&mut graph, leaf as u64, change);
        }
        let as_of = at as u64;
        let (limits, back, forward) = (Limits::default(), TraceLimits::default(), ForwardLimits::default());
        let scratch = &mut Scratch::default();
        for lot in (0..graph.lots()).map(LotIndex) {
            let shares = attribute(&graph, scratch, lot, TANTALUM, as_of, &limits);
            let Ok(shares) = shares else { continue };
            let trace = trace_back(&graph, scratch, lot, TANTALUM, as_of, &back).unwrap();
            let recall = trace_forward(&graph, scratch, &[lot], TANTALUM, as_of, &forward).unwrap();
            let hangs = dependence(&graph, scratch, lot, TANTALUM, as_of, &limits, node_of).unwrap();
            let mut growing = Growing { graph: graph.clone(), leaf: as_of, coming: &changes[at..] };

            let mut found = Attributing::new(&graph, scratch, lot, TANTALUM, as_of, &limits).unwrap();
            prop_assert_eq!(growing.until(|graph| found.go_on(graph, scratch, units)), shares);
            let mut found = TracingBack::new(&graph, scratch, lot, TANTALUM, as_of, &back).unwrap();
            prop_assert_eq!(growing.until(|graph| found.go_on(graph, scratch, units)), trace);
            let mut found = Recalling::new(&graph, scratch, &[lot], TANTALUM, as_of, &forward).unwrap();
            prop_assert_eq!(&growing.until(|graph| found.go_on(graph, scratch, units)), &recall);
            let mut walks = DependenceWalks::new(&graph, lot, TANTALUM, as_of, &limits).unwrap();
            growing.until(|graph| walks.next(graph, scratch, units, node_of).is_none().then_some(()));
            prop_assert_eq!(walks.answer(), hangs);

            // Given up in the middle of whatever: the next lot's answers are checked above.
            let mut left = Attributing::new(&graph, scratch, lot, TANTALUM, as_of, &limits).unwrap();
            left.go_on(&graph, scratch, units);
            let mut found = Recalling::new(&growing.graph, scratch, &[lot], TANTALUM, as_of, &forward).unwrap();
            prop_assert_eq!(growing.until(|graph| found.go_on(graph, scratch, u64::MAX)), recall);
            let mut left = TracingBack::new(&growing.graph, scratch, lot, TANTALUM, as_of, &back).unwrap();
            left.go_on(&growing.graph, scratch, units);
            let mut left = Recalling::new(&growing.graph, scratch, &[lot], TANTALUM, as_of, &forward).unwrap();
            left.go_on(&growing.graph, scratch, units);
        }
    }

    #[test]
    fn a_dated_copy_in_slices_is_that_of_one_who_saw_what_had_happened_only(
        changes in histories(),
        at in any::<usize>(),
        rows in 1_usize..9,
        late in prop_oneof![Just(0), any::<u64>()],
    ) {
        let at = at % (changes.len() + 1);
        let mut graph = Graph::new();
        for (leaf, change) in changes[..at].iter().enumerate() {
            apply(&mut graph, leaf as u64, change);
        }
        // Some assays, weighings and withdrawals had not happened by that date; what lots rest on had.
        let happened = |leaf: u64| {
            !matches!(changes[leaf as usize], Change::Assay(..) | Change::Weigh(..) | Change::Void(_))
                || late >> (leaf % 64) & 1 == 0
        };
        let at_once = graph.dated(at as u64, happened);
        let mut dating = Dating::new(&graph, at as u64);
        let mut growing = Growing { graph, leaf: at as u64, coming: &changes[at..] };
        growing.until(|graph| dating.go_on(graph, happened, rows).then_some(()));
        let dated = dating.finish();
        let facts = |graph: &Graph| -> Vec<_> {
            let lots = (0..at_once.lots()).map(LotIndex);
            lots.map(|lot| {
                let sizes = [0, at as u64 / 2, at as u64];
                sizes.map(|as_of| (graph.lot(lot, as_of), graph.composition(lot, as_of), graph.uses(lot, as_of).count()))
            })
            .collect()
        };
        prop_assert_eq!(dated.lots(), at_once.lots());
        prop_assert_eq!(facts(&dated), facts(&at_once));
        // Where all had happened, it is the graph itself.
        if late == 0 {
            prop_assert_eq!(facts(&dated), facts(&growing.graph));
        }
    }
}
