//! In a calm world nobody waits for a timeout: whoever has a record is mostly not the proposer, and tells it.

use ore_consensus::Certificate;

use crate::{
    plan::{Act, Plan},
    story::{Report, live},
};

/// The round in which each block after genesis was decided.
fn rounds(report: &Report) -> Vec<u32> {
    let blocks = report.honest[0].blocks.iter().skip(1);
    blocks
        .map(|block| Certificate::decode(&block.certificate).expect("a certificate of ours").round)
        .collect()
}

#[test]
fn a_record_at_any_node_makes_the_proposer_begin_at_once() {
    let report = live(&Plan::calm(11));
    let rounds = rounds(&report);
    assert!(rounds.len() > 10, "something was decided");
    assert!(rounds.iter().all(|round| *round == 0), "rounds that cost a timeout: {rounds:?}");
}

#[test]
fn a_dead_member_costs_two_of_its_turns_and_then_nothing() {
    let mut plan = Plan::calm(11);
    plan.records = 60;
    plan.heal_ms = 20_000;
    plan.acts = vec![(10, Act::Kill(2))];
    let report = live(&plan);
    let rounds = rounds(&report);
    let late: Vec<_> =
        rounds.iter().enumerate().filter(|(_, round)| **round > 0).map(|(n, _)| n + 1).collect();
    assert!(rounds.len() > 30, "enough heights to see it: {}", rounds.len());
    assert!((1..=3).contains(&late.len()), "heights that cost a timeout: {late:?} of {}", rounds.len());
    assert!(late.iter().all(|height| *height <= 16), "and none later: {late:?}");
}
