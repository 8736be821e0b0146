//! Every block names a member whose turn it was at its height, in the round in which it was decided or before.

use ore_consensus::{
    Certificate,
    turns::{self, Heard},
};
use ore_record::v1::BlockHeader;
use prost::Message;

use crate::story::Report;

pub(crate) fn holds(report: &Report) -> Result<(), String> {
    let mut set = report.validators.clone();
    set.sort();
    for holding in &report.honest {
        let mut heard = Heard::default();
        for (height, block) in holding.blocks.iter().enumerate().skip(1) {
            let wrong = |why: String| format!("{} at height {height}: {why}", holding.member);
            let header = BlockHeader::decode(&block.header[..]).map_err(|error| wrong(error.to_string()))?;
            let certificate =
                Certificate::decode(&block.certificate).map_err(|error| wrong(error.to_string()))?;
            heard.enter(block.term);
            let proposers = heard.proposers();
            let turns = turns::up_to(block.rules, &set, height as u64, &proposers, certificate.round);
            let named = header.proposer;
            if !turns.contains(&named.as_str()) {
                return Err(wrong(format!("names {named} in round {}", certificate.round)));
            }
            heard.name(named, set.len());
        }
    }
    Ok(())
}
