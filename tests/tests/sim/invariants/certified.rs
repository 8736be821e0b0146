//! Every stored block after genesis has a certificate that our verifier accepts, with nothing but the set.

use ore_consensus::Certificate;
use ore_record::state::block_id;

use crate::{story::Report, world::ORIGIN};

pub(crate) fn holds(report: &Report) -> Result<(), String> {
    for holding in &report.honest {
        for (height, block) in holding.blocks.iter().enumerate().skip(1) {
            let height = height as u64;
            Certificate::decode(&block.certificate)
                .and_then(|certificate| {
                    let id = block_id(&block.header);
                    certificate.verify_block(ORIGIN, &report.validators, height, &id)
                })
                .map_err(|fault| format!("{} at height {height}: {fault}", holding.member))?;
        }
    }
    Ok(())
}
