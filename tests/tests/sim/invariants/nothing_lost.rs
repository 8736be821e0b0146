//! What was acknowledged stands at its leaf, with every honest member.

use crate::story::Report;

pub(crate) fn holds(report: &Report) -> Result<(), String> {
    for holding in &report.honest {
        let entries: Vec<_> = holding.blocks.iter().flat_map(|block| &block.entries).collect();
        for ack in report.acks() {
            let place = ack.place;
            // Members that were not healed may be behind, and are then not asked.
            if !report.settled && entries.len() as u64 <= place.leaf_index {
                continue;
            }
            if entries.get(place.leaf_index as usize).is_none_or(|entry| **entry != ack.entry) {
                return Err(format!(
                    "record {} was acknowledged by process {} at leaf {} and {} has something else there",
                    place.id, ack.by, place.leaf_index, holding.member
                ));
            }
        }
    }
    if report.settled {
        Ok(())
    } else {
        // Somebody must have all of it.
        let longest =
            report.honest.iter().map(|h| h.blocks.iter().map(|b| b.entries.len()).sum::<usize>()).max();
        let newest = report.acks().iter().map(|ack| ack.place.leaf_index).max();
        match newest {
            Some(leaf) if longest.is_none_or(|longest| longest as u64 <= leaf) => {
                Err(format!("leaf {leaf} was acknowledged and nobody has it"))
            }
            _ => Ok(()),
        }
    }
}
