//! Every stored block after genesis has a certificate, and every published checkpoint its cosignatures, that our
//! verifiers accept with nothing but the trust root; and checkpoints say what the log says.

use ore_checkpoint::SignedCheckpoint;
use ore_consensus::Certificate;
use ore_merkle::{Levels, hash_leaf};
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
        let mut tree = Levels::new();
        tree.extend(holding.blocks.iter().flat_map(|block| &block.entries).map(|entry| hash_leaf(entry)));
        for note in &holding.journal.notes {
            let wrong = |why: String| format!("checkpoint of {}: {why}\n{note}", holding.member);
            let signed =
                SignedCheckpoint::parse(note.as_bytes()).map_err(|error| wrong(error.to_string()))?;
            report.policy.check(&signed).map_err(|error| wrong(error.to_string()))?;
            let body = signed.unverified();
            if tree.root_at(body.size()).as_ref() != Some(body.root()) {
                return Err(wrong("its log has another root at this size".into()));
            }
        }
    }
    Ok(())
}
