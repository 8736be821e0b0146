//! Every submitted record is in within some heights after everything is healed.

use crate::story::Report;

/// Turns until each member has proposed, three times over, should its turn fall to the next.
fn heights(report: &Report) -> u64 {
    3 * report.plan.members as u64
}

pub(crate) fn holds(report: &Report) -> Result<(), String> {
    if !report.known.open.is_empty() {
        return Err(format!("{} records are still not in", report.known.open.len()));
    }
    if !report.settled {
        return Err("the members do not come to the same height".into());
    }
    for ack in report.acks() {
        let Some(from) = ack.asked_at else { continue };
        if ack.place.height > from + heights(report) {
            let (id, height) = (ack.place.id, ack.place.height);
            return Err(format!(
                "record {id} was handed in at height {from} and is in only at height {height}"
            ));
        }
    }
    Ok(())
}
