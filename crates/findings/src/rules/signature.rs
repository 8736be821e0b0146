//! S: signatures.

use alloc::format;

use ore_audit::Entry;

use crate::{Finding, Judge, Rule};

/// S1: the ledger's rule (ZIP-215) multiplies by the cofactor; the strict one does not. Only its own author can
/// make a signature on which they differ.
#[cold]
pub(crate) fn crafted(judge: &mut Judge<'_>, leaf: u32, entry: &Entry) {
    let message = format!("{} crafted a signature that strict software refuses", judge.text(entry.author));
    let clears = "the author withdraws the record, states it again with an ordinary signature, and explains";
    judge.flag(Finding::new(Rule::S1, leaf, entry.author, message, clears));
}
