//! What a story knows of itself, and what the engine says of it.

use std::collections::BTreeSet;

use ore_audit::{
    Budget, Fact, View, Word,
    balance::{self, BalanceOf, Line},
    circularity::{CircularityOf, Reading, circularity},
    dependence::{NodeKind, dependence},
};
use ore_generate::{Memory, cast, generate, profile, violate};
use ore_provenance::{Element, Limits, LotIndex, Scratch, TraceLimits, attribute, trace_back};
use ore_record::v1::{MaterialClass, Process};

const TA: Element = Element(73);

fn story(lots: u64) -> (Memory, ore_generate::Answers) {
    let mut memory = Memory::new(&cast(), profile());
    let (answers, _) = generate(&mut memory, 7, lots);
    (memory, answers)
}

fn view(memory: &Memory) -> View<'_> {
    View { journal: &memory.journal, graph: &memory.graph, as_of: memory.size(), date_ms: u64::MAX }
}

#[test]
fn shares_by_country_are_those_that_the_story_carried_forward() {
    let (memory, answers) = story(3_000);
    let mut scratch = Scratch::default();
    assert!(answers.known.len() >= 50);
    for known in &answers.known {
        let lot = LotIndex(memory.journal.ordinal(&known.lot).expect("told"));
        let found = attribute(&memory.graph, &mut scratch, lot, TA, memory.size(), &Limits::default())
            .expect("an answer");
        assert!(found.complete);
        let countries: Vec<_> =
            found.by_country.iter().filter(|(_, share)| share.value.units() > 0).collect();
        assert_eq!(countries.len(), known.shares.len(), "{}", known.lot);
        for (country, share) in &known.shares {
            let of = countries.iter().find(|row| row.0 == country.as_bytes()).expect("the same countries").1;
            let told = *share as f64 / (1_u64 << 60) as f64;
            let computed = of.value.units() as f64 / 1e18;
            // Weights here are whole micrograms and receipts move a thousandth of a mass: 10^-9 is generous.
            assert!((told - computed).abs() < 1e-9, "{} {country}: {told} {computed}", known.lot);
        }
    }
}

#[test]
fn loops_add_up_to_what_the_story_melted() {
    let (memory, answers) = story(3_000);
    let of = CircularityOf {
        element: TA,
        from_ms: 0,
        to_ms: u64::MAX,
        reading: Reading::Common,
        generations: true,
    };
    let view = view(&memory);
    let mut scratch = Scratch::default();
    let found = circularity(&view, &mut scratch, &of, &mut Budget::new(u64::MAX));
    assert!(found.complete);
    assert_eq!(found.total.mined_pg, answers.mined_ta_pg);
    assert_eq!(found.total.intake_pg, answers.post_consumer_ta_pg);
    assert_eq!(found.total.recovered_pg, answers.recovered_ta_pg);
    assert_eq!(found.total.returned_pg, answers.post_consumer_ta_pg);
    let products: u128 = found.generations.values().sum();
    // Each share is rounded down by less than a picogram-part.
    assert!(found.total.products_pg - products < 1_000_000 && found.generations.len() > 2);
    let strict = CircularityOf { reading: Reading::Strict, ..of };
    let strict = circularity(&view, &mut scratch, &strict, &mut Budget::new(u64::MAX));
    assert_eq!(strict.total.recovered_pg, found.total.recovered_pg, "used pieces came from elsewhere");
    assert_ne!(strict.reading.name(), found.reading.name());
    let short = circularity(&view, &mut scratch, &of, &mut Budget::new(100));
    assert!(!short.complete);
}

#[test]
fn books_close_over_any_period() {
    let (memory, _) = story(2_000);
    let view = view(&memory);
    let facility = memory.journal.words().find("refiner-1/works").expect("told");
    let day = 86_400_000;
    for (from_day, to_day) in [(0, 20_000), (18_262, 18_300), (18_290, 18_400)] {
        for element in [Element(0), TA, Element(41)] {
            let of = BalanceOf {
                facility,
                material: MaterialClass::Unspecified,
                element,
                from_ms: from_day * day,
                to_ms: to_day * day,
            };
            let sheet = balance::balance(&view, &of, usize::MAX, &mut Budget::new(u64::MAX));
            assert!(sheet.complete);
            let moved: i128 = sheet.movements.iter().map(|it| it.amount_pg).sum();
            assert_eq!(sheet.opening_pg + moved, sheet.closing_pg);
            let lines: i128 =
                sheet.lines.iter().map(|(line, sum)| if line.lowers() { -sum } else { *sum }).sum();
            assert_eq!(lines, moved);
            if element == TA && from_day == 0 {
                let input = sheet.lines[&Line::Input];
                // Losses are declared in whole milligrams: half a milligram a campaign stays open at most.
                assert!(sheet.unaccounted_pg() >= 0 && sheet.unaccounted_pg() < input / 1_000_000);
            }
        }
    }
}

/// What a stocktake counted, by the definition: everything before its moment, summed up for it alone.
fn counted_by_hand(view: &View<'_>, of: &BalanceOf, leaf: u32) -> Option<balance::Counted> {
    let entry = view.entry(leaf)?;
    let Fact::Stocktake { stocktake, .. } = &entry.fact else { return None };
    let lines: Vec<_> = stocktake
        .lines
        .iter()
        .filter(|line| line.element == u32::from(of.element.0))
        .filter(|line| of.material == MaterialClass::Unspecified || line.material() == of.material)
        .collect();
    lines.first()?;
    let counted_pg = lines.iter().map(|line| i128::from(line.mg) * 1_000_000_000).sum();
    let mut counted = balance::Counted { leaf, counted_pg, book_pg: 0, throughput_pg: 0 };
    for (at, moved) in view.done_at(of.facility) {
        if (moved.event_ms, at) >= (entry.event_ms, leaf) {
            continue;
        }
        balance::movements(view, of, at, moved, &mut |movement| {
            counted.book_pg += movement.amount_pg;
            let came = !movement.line.lowers() && movement.line != Line::Revaluation;
            if came || moved.event_ms < stocktake.period_start_ms {
                counted.throughput_pg += movement.amount_pg;
            }
        });
    }
    Some(counted)
}

#[test]
fn all_stocktakes_at_once_are_each_by_itself() {
    let mut memory = Memory::new(&cast(), profile());
    let (_, now_ms) = generate(&mut memory, 11, 2_500);
    violate(&mut memory, 11, now_ms);
    let view = view(&memory);
    let mut compared = 0;
    for facility in memory.journal.facilities() {
        let takes: Vec<u32> = view
            .done_at(*facility)
            .filter(|(_, entry)| matches!(entry.fact, Fact::Stocktake { .. }))
            .map(|(leaf, _)| leaf)
            .collect();
        for material in [MaterialClass::Unspecified, MaterialClass::Concentrate, MaterialClass::Ore] {
            for element in [Element(0), TA, Element(41)] {
                let of = BalanceOf { facility: *facility, material, element, from_ms: 0, to_ms: u64::MAX };
                let mut budget = Budget::new(u64::MAX);
                let together = balance::counted(&view, &of, &takes, &mut budget).expect("budget enough");
                let apart: Vec<_> =
                    takes.iter().filter_map(|leaf| counted_by_hand(&view, &of, *leaf)).collect();
                assert_eq!(together, apart, "{}", memory.journal.text(*facility));
                compared += apart.len();
            }
        }
    }
    assert!(compared >= 10, "{compared} stocktakes compared");
}

#[test]
fn a_lot_hangs_on_every_place_that_refined_some_of_its_metal() {
    let (memory, answers) = story(3_000);
    let view = view(&memory);
    let (mut scratch, mut refined, mut others) = (Scratch::default(), 0, 0);
    for known in answers.known.iter().step_by(7) {
        let lot = memory.journal.ordinal(&known.lot).expect("told");
        let all = TraceLimits { depth: u32::MAX, nodes: u32::MAX };
        let trace = trace_back(&memory.graph, &mut scratch, LotIndex(lot), TA, memory.size(), &all);
        let mut by_hand = BTreeSet::new();
        for node in &trace.expect("it holds tantalum").nodes {
            match view.maker(node.lot.0) {
                Some((.., step))
                    if matches!(step.process, Process::Smelting | Process::Refining | Process::Reduction) =>
                {
                    by_hand.insert(step.facility);
                }
                _ => others += 1,
            }
        }
        let (limits, budget) = (Limits::default(), &mut Budget::new(u64::MAX));
        let found = dependence(&view, &mut scratch, lot, TA, NodeKind::Refiner, &limits, budget);
        let found = found.expect("it holds tantalum");
        assert!(found.complete);
        refined += found.nodes.len();
        let nodes: BTreeSet<Word> = found.nodes.iter().map(|node| node.word).collect();
        assert_eq!(nodes, by_hand, "{}", known.lot);
    }
    assert!(refined > 20 && others > 1_000, "{refined} refiners among {others} other steps");
}

#[test]
fn a_story_is_the_same_from_the_same_seed() {
    let (one, two) = (story(500).0, story(500).0);
    assert_eq!(one.size(), two.size());
    assert_eq!(one.graph.lots(), two.graph.lots());
    let lot = LotIndex(one.graph.lots() - 1);
    assert_eq!(one.graph.lot(lot, u64::MAX), two.graph.lot(lot, u64::MAX));
}
