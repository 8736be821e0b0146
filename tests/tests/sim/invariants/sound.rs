//! What is stored obeys the rules when everything is computed again from its bytes, no honest node ends by
//! itself, and no program gets an answer that contradicts the rules.

use crate::story::Report;

pub(crate) fn holds(report: &Report) -> Result<(), String> {
    for holding in &report.honest {
        if let Some(damage) = &holding.damage {
            return Err(format!("fsck of {}: {damage}", holding.member));
        }
        if let Some(failure) = holding.journal.failures.first() {
            return Err(format!("{} stopped: {failure}", holding.member));
        }
    }
    report.known.wrong.first().map_or(Ok(()), |wrong| Err(wrong.clone()))
}
