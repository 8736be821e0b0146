//! Every block names a member whose turn it was at its height, in the round in which it was decided or before.

use ore_consensus::{Certificate, turns};
use ore_record::v1::BlockHeader;
use prost::Message;

use crate::story::Report;

pub(crate) fn holds(report: &Report) -> Result<(), String> {
    let mut set = report.validators.clone();
    set.sort();
    for holding in &report.honest {
        let mut proposers = Vec::new();
        for (height, block) in holding.blocks.iter().enumerate().skip(1) {
            let wrong = |why: String| format!("{} at height {height}: {why}", holding.member);
            let header = BlockHeader::decode(&block.header[..]).map_err(|error| wrong(error.to_string()))?;
            let certificate =
                Certificate::decode(&block.certificate).map_err(|error| wrong(error.to_string()))?;
            let turns = turns::up_to(report.plan.rules(), &set, height as u64, &proposers, certificate.round);
            let named = header.proposer;
            if !turns.contains(&named.as_str()) {
                return Err(wrong(format!("names {named} in round {}", certificate.round)));
            }
            proposers.push(named);
        }
    }
    Ok(())
}
