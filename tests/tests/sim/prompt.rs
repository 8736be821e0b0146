//! In a calm world nobody waits for a timeout: whoever has a record is mostly not the proposer, and tells it.

use ore_consensus::Certificate;

use crate::{plan::Plan, story::live};

#[test]
fn a_record_at_any_node_makes_the_proposer_begin_at_once() {
    let report = live(&Plan::calm(11));
    let rounds = report.honest[0]
        .blocks
        .iter()
        .skip(1)
        .map(|block| Certificate::decode(&block.certificate).expect("a certificate of ours").round);
    let rounds: Vec<u32> = rounds.collect();
    assert!(rounds.len() > 10, "something was decided");
    assert!(rounds.iter().all(|round| *round == 0), "rounds that cost a timeout: {rounds:?}");
}
