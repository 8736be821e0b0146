//! No honest member signs two statements for one height, round and kind, over all its lives; and nobody accuses
//! one that did not.

use crate::story::Report;

pub(crate) fn holds(report: &Report) -> Result<(), String> {
    let honest = report.honest_names();
    for ((member, height, round, ballot), said) in &report.book {
        if said.len() > 1 && honest.contains(&member.as_str()) {
            return Err(format!("{member} signed {} times: {ballot:?} {height}/{round}", said.len()));
        }
    }
    for holding in &report.honest {
        if let Some(wronged) = holding.journal.accused.iter().find(|name| honest.contains(&name.as_str())) {
            return Err(format!("{} has evidence against {wronged}", holding.member));
        }
    }
    Ok(())
}
