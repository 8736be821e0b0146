//! Every rule finds its violation, and none finds anything in a clean story.

use std::collections::BTreeMap;

use ore_audit::{Budget, View};
use ore_findings::{Finding, Judge, Memory as Known, Rule};
use ore_generate::{Label, Memory, cast, generate, profile, violate};
use ore_provenance::Scratch;
use ore_record::v1;

use crate::world::{World, world};

const SEED: u64 = 20_260_101;

fn findings(memory: &Memory) -> Vec<Finding> {
    let view =
        View { journal: &memory.journal, graph: &memory.graph, as_of: memory.size(), date_ms: u64::MAX };
    let strict = |leaf: u32| Some(!memory.crafted.contains(&leaf));
    let mut scratch = Scratch::default();
    let mut judge = Judge::new(view, &mut scratch, &strict, Budget::new(u64::MAX), Known::default());
    (0..memory.size() as u32).flat_map(|leaf| judge.judge(leaf).expect("budget enough")).collect()
}

#[test]
fn a_clean_story_has_no_findings() {
    let mut memory = Memory::new(&cast(), profile());
    let (answers, _) = generate(&mut memory, SEED, 4_000);
    assert!(answers.lots >= 4_000);
    let found = findings(&memory);
    let shown: Vec<_> = found.iter().take(5).map(|it| (it.rule.id(), &it.message, &it.numbers)).collect();
    assert!(found.is_empty(), "{} invented, for example {shown:#?}", found.len());
}

#[test]
fn every_rule_finds_its_violation_and_nothing_else() {
    let mut memory = Memory::new(&cast(), profile());
    let (_, now_ms) = generate(&mut memory, SEED, 1_000);
    let labels = violate(&mut memory, SEED, now_ms);
    let injected: BTreeMap<(&str, u32), &Label> =
        labels.iter().map(|label| ((label.rule, Memory::leaf(&label.record)), label)).collect();
    let found = findings(&memory);
    println!("rule  injected  found  invented");
    let mut wrong = Vec::new();
    for rule in Rule::ALL {
        let put = injected.keys().filter(|(id, _)| *id == rule.id()).count();
        let of: Vec<&Finding> = found.iter().filter(|it| it.rule == *rule).collect();
        let hit = |it: &&&Finding| injected.contains_key(&(rule.id(), it.leaf));
        let (hits, invented) = (of.iter().filter(hit).count(), of.iter().filter(|it| !hit(it)).count());
        println!("{:4}  {put:8}  {hits:5}  {invented:8}", rule.id());
        if put == 0 || hits != put || invented > 0 {
            let messages: Vec<_> = of.iter().map(|it| (it.leaf, it.message.clone())).collect();
            wrong.push((rule.id(), put, hits, messages));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    for it in &found {
        assert!(it.records.contains(&it.leaf) && !it.message.is_empty() && !it.clears.is_empty());
    }
}

/// The record before has used most of the budget up: what was begun then is no answer later.
#[test]
fn findings_are_the_same_when_budgets_end_in_the_middle_of_a_rule() {
    let mut memory = Memory::new(&cast(), profile());
    let (_, now_ms) = generate(&mut memory, SEED, 1_000);
    violate(&mut memory, SEED, now_ms);
    let view =
        View { journal: &memory.journal, graph: &memory.graph, as_of: memory.size(), date_ms: u64::MAX };
    let strict = |leaf: u32| Some(!memory.crafted.contains(&leaf));
    let (mut scratch, mut known, mut short) = (Scratch::default(), Known::default(), 0);
    let (mut found, mut leaf, mut units) = (Vec::new(), 0, 1);
    while u64::from(leaf) < memory.size() {
        let mut judge = Judge::new(view, &mut scratch, &strict, Budget::new(units), known);
        let of_record = judge.judge(leaf);
        let again = judge.is_short();
        known = judge.into_memory();
        if again {
            (short, units) = (short + 1, units * 2);
            continue;
        }
        found.extend(of_record.expect("budget enough"));
        (leaf, units) = (leaf + 1, 1);
    }
    assert_eq!(found, findings(&memory));
    assert!(short > 500, "{short} budgets ended");
}

/// Places, members, distances and campaigns are looked up once for a question: in whatever order its records come,
/// each gets what it would get if it were the only one.
#[test]
fn what_a_judge_remembers_changes_no_finding() {
    let mut of_recovery = 0;
    for seed in 1..6 {
        let mut memory = if seed < 5 {
            world(seed, 500).memory
        } else {
            let mut memory = Memory::new(&cast(), profile());
            generate(&mut memory, seed, 800);
            memory
        };
        let now_ms = memory.journal.entry(memory.size() as u32 - 1).expect("told").event_ms;
        violate(&mut memory, seed, now_ms);
        let view =
            View { journal: &memory.journal, graph: &memory.graph, as_of: memory.size(), date_ms: u64::MAX };
        let strict = |leaf: u32| Some(!memory.crafted.contains(&leaf));
        let mut scratch = Scratch::default();
        let mut judge = |leaf: u32, known: Known| {
            let mut judge = Judge::new(view, &mut scratch, &strict, Budget::new(u64::MAX), known);
            (judge.judge(leaf).expect("budget enough"), judge.into_memory())
        };
        let alone: Vec<Vec<Finding>> =
            (0..memory.size() as u32).map(|leaf| judge(leaf, Known::default()).0).collect();
        let mut known = Known::default();
        for leaf in (0..memory.size() as u32).rev().chain(0..memory.size() as u32) {
            let found;
            (found, known) = judge(leaf, known);
            assert_eq!(found, alone[leaf as usize], "seed {seed}, leaf {leaf}");
        }
        assert_eq!(alone.concat(), findings(&memory), "seed {seed}, in ledger order");
        of_recovery += alone.concat().iter().filter(|it| it.rule == Rule::M5).count();
    }
    assert!(of_recovery > 20, "{of_recovery} recoveries out of their band");
}

/// What a rule looks through is charged for, and only when it does look.
#[test]
fn a_record_is_charged_for_what_its_rules_look_through() {
    let mut world = World::new(3);
    let lot = v1::NewLot { tags: vec!["T-1".to_owned()], ..world.new_lot(0, 1_000, 500_000_000) };
    let reference = Some(ore_record::draft::lot(&lot.lot));
    let kind = v1::CommissionKind::Extracted.into();
    let mined = world.memory.size() as u32;
    world.say(0, v1::Commission { kind, lot: Some(lot), ..v1::Commission::default() });
    for _ in 0..300 {
        let (lot, action) = (reference.clone(), v1::SealAction::Applied.into());
        world.say(0, v1::SealEvent { lot, seal: "T-1".to_owned(), action });
    }
    let assayed = world.memory.size() as u32;
    world.say(0, v1::Assay { lot: reference, ..v1::Assay::default() });
    let view = world.view();
    let cost = |leaf: u32| {
        let mut scratch = Scratch::default();
        (1..2_000).find(|units| {
            let strict = |_: u32| Some(true);
            let mut judge = Judge::new(view, &mut scratch, &strict, Budget::new(*units), Known::default());
            judge.judge(leaf);
            !judge.is_short()
        })
    };
    // Its tag was posted 301 times, and whether the lot was ever sent is looked for in its timeline, once.
    let timeline = view.journal.timeline(0).len() as u64;
    let cost_of_mined = cost(mined).expect("budget enough");
    assert!((301 + timeline..301 + 2 * timeline).contains(&cost_of_mined), "{cost_of_mined} of {timeline}");
    assert_eq!(cost(assayed), Some(1), "an assay of no exchange");
}
