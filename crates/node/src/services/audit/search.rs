//! Lots by what stands on their labels: number, member, serial number, tag.

use std::sync::Arc;

use ore_wire::v1;
use tonic::Status;

use super::ask;
use crate::{
    access::Caller,
    services::{
        Api,
        lot::{describe, with_statement},
    },
};

/// Longest text that is looked for, in bytes: the longest lot name.
const LONGEST: usize = 96;

/// Lots that the caller may see and of which one label contains the text, newest first, and whether that is all.
///
/// # Errors
/// `UNAVAILABLE` while the index is built.
pub(crate) async fn search(
    api: &Arc<Api>,
    caller: &Caller,
    text: &str,
    most: usize,
) -> Result<(Vec<v1::Lot>, bool), Status> {
    let wanted: String = text.trim().chars().take(LONGEST).collect::<String>().to_lowercase();
    let caller = caller.clone();
    ask(api, None, None, move |api, mut asked, _| {
        let (journal, custody) = (asked.view.journal, asked.custody);
        let mut found = Vec::new();
        for ordinal in (0..journal.lots()).rev() {
            if !asked.budget.spend(1) {
                return Ok((found, false));
            }
            let Some(fact) = journal.lot(ordinal) else { continue };
            let labels = [fact.id, fact.serial].into_iter().chain(fact.tags.iter().copied());
            let mut labels = labels.map(|word| journal.text(word));
            if !labels.any(|label| label.to_lowercase().contains(&wanted)) {
                continue;
            }
            let id = journal.text(fact.id);
            let Some(lot) = custody.lot(id).filter(|_| caller.may_see(custody, id).is_ok()) else { continue };
            // A lot whose record was withdrawn has left its name to another.
            if lot.passport.created_at != fact.made_at {
                continue;
            }
            if found.len() == most {
                return Ok((found, false));
            }
            found.push(with_statement(&api.ledger.reader, &lot, describe(custody, &lot)));
        }
        Ok((found, true))
    })
    .await
}
