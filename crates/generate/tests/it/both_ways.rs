//! Forward and backward say the same, in all eighteen decimals; and what holds in any story.

use ore_generate::{Memory, cast, generate, profile};
use ore_provenance::{
    Element, ForwardLimits, Limits, LotIndex, Scratch, TraceLimits, attribute, trace_back, trace_forward,
};

const TA: Element = Element(73);

/// Shares of every `stride`th lot in its descendants, against what traces of those descendants say. How many.
fn agree(memory: &Memory, stride: usize, most: usize) -> usize {
    let (graph, as_of) = (&memory.graph, memory.size());
    let mut scratch = Scratch::default();
    let mut compared = 0;
    for lot in (0..graph.lots()).step_by(stride).map(LotIndex) {
        let limits = ForwardLimits::default();
        let Ok(recall) = trace_forward(graph, &mut scratch, &[lot], TA, as_of, &limits) else { continue };
        let every = (recall.hits.len() / most).max(1);
        for hit in recall.hits.iter().step_by(every).filter(|hit| hit.lot != lot) {
            let trace = trace_back(
                graph,
                &mut scratch,
                hit.lot,
                TA,
                as_of,
                &TraceLimits { depth: u32::MAX, nodes: u32::MAX },
            );
            let trace = trace.expect("it holds tantalum");
            let back = trace.nodes.iter().find(|node| node.lot == lot).expect("an ancestor");
            assert_eq!(back.share, hit.share, "{lot:?} in {:?}", hit.lot);
            compared += 1;
        }
    }
    compared
}

#[test]
fn what_is_found_forward_is_found_backward_to_the_last_digit() {
    for seed in 1..4 {
        let mut memory = Memory::new(&cast(), profile());
        generate(&mut memory, seed, 3_000);
        assert!(agree(&memory, 37, 8) > 200);
    }
}

#[test]
fn shares_sum_to_one_and_lie_in_their_intervals_in_any_story() {
    for seed in 1..6 {
        let mut memory = Memory::new(&cast(), profile());
        generate(&mut memory, seed, 800);
        let mut scratch = Scratch::default();
        for lot in (0..memory.graph.lots()).step_by(7).map(LotIndex) {
            let found = attribute(&memory.graph, &mut scratch, lot, TA, memory.size(), &Limits::default());
            let Ok(found) = found else { continue };
            let sum: u64 = found.origins.iter().map(|origin| origin.share.value.units()).sum();
            assert_eq!(sum, 1_000_000_000_000_000_000);
            for origin in &found.origins {
                let share = origin.share;
                assert!(share.lower <= share.value && share.value <= share.upper);
            }
        }
    }
}

#[test]
fn a_business_date_is_the_ledger_of_that_day() {
    // In a clean story events come in ledger order, so a date and the size of that day must agree exactly.
    let mut memory = Memory::new(&cast(), profile());
    generate(&mut memory, 3, 2_000);
    let mut scratch = Scratch::default();
    let entries = memory.size() as u32;
    for size in [entries / 3, entries / 2, entries] {
        let date_ms = memory.journal.entry(size - 1).expect("there").event_ms;
        let dated = memory
            .graph
            .dated(memory.size(), |leaf| ore_audit::View::happened(&memory.journal, leaf, date_ms));
        let mut same = 0;
        for lot in (0..memory.graph.lots()).step_by(13).map(LotIndex) {
            // Seals share their time with the record before: one leaf more or less changes no lot.
            let (then, day) = (memory.graph.lot(lot, size.into()), dated.lot(lot, memory.size()));
            assert_eq!(then, day);
            let ask = |graph: &ore_provenance::Graph, as_of: u64, scratch: &mut Scratch| {
                attribute(graph, scratch, lot, TA, as_of, &Limits::default())
                    .ok()
                    .map(|it| (it.origins, it.contained))
            };
            let then = ask(&memory.graph, size.into(), &mut scratch);
            assert_eq!(then, ask(&dated, memory.size(), &mut scratch));
            same += usize::from(then.is_some());
        }
        assert!(same > 20);
    }
}
