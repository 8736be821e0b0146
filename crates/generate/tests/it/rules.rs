//! Every rule finds its violation, and none finds anything in a clean story.

use std::collections::BTreeMap;

use ore_audit::{Budget, View};
use ore_findings::{Finding, Judge, Memory as Known, Rule};
use ore_generate::{Label, Memory, cast, generate, profile, violate};
use ore_provenance::Scratch;

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
