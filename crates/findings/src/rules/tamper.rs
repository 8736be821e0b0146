//! G: the same mark claimed by two members, and seals in two places (T3).

use alloc::format;

use ore_audit::{CommissionFact, Entry, Fact, Word};
use ore_record::v1::SealAction;

use crate::{Finding, Judge, Rule, permits};

const CLEARS: &str = "one of the two members withdraws its statement, or the issuer of the mark explains";

/// G1 for tag and serial of a new lot.
pub(crate) fn marked(judge: &mut Judge<'_>, leaf: u32, entry: &Entry, lot: u32) {
    let Some(fact) = judge.view.journal.lot(lot) else { return };
    for tag in &fact.tags {
        claimed_before(judge, leaf, entry, lot, *tag, "tag");
    }
    claimed_before(judge, leaf, entry, lot, fact.serial, "serial number");
}

/// G1 for the certificates of a new lot.
pub(crate) fn certified(judge: &mut Judge<'_>, leaf: u32, entry: &Entry, it: &CommissionFact) {
    for attestation in &it.attestations {
        certificate(judge, leaf, entry, it.lot, *attestation);
    }
}

fn claimed_before(judge: &mut Judge<'_>, leaf: u32, entry: &Entry, lot: u32, mark: Word, what: &str) {
    let view = judge.view;
    if mark.is_empty() {
        return;
    }
    let bears = |made: u32| {
        view.journal.lot(made).is_some_and(|fact| {
            fact.serial == mark && what == "serial number" || what == "tag" && fact.tags.contains(&mark)
        })
    };
    let other = view.posted_before(mark, leaf).find(|(_, other)| {
        let lots = match &other.fact {
            Fact::Commission(it) => bears(it.lot),
            Fact::Step(it) => it.outputs.iter().any(|output| bears(output.lot)),
            _ => false,
        };
        lots && other.author != entry.author
    });
    if let Some((other, by)) = other {
        let message = format!(
            "{} gives {what} {} to {}; {} gave it to a lot before",
            judge.text(entry.author),
            judge.text(mark),
            judge.id(lot),
            judge.text(by.author)
        );
        judge.flag(Finding::new(Rule::G1, leaf, entry.author, message, CLEARS).lot(lot).rests_on([other]));
    }
}

/// A certificate about one lot that another member's lot relies on.
fn certificate(judge: &mut Judge<'_>, leaf: u32, entry: &Entry, lot: u32, attestation: Word) {
    let view = judge.view;
    let Some((issued, _, stated)) = permits::named(&view, attestation) else { return };
    let Some(subject) = view.journal.words().find(&stated.subject) else { return };
    let about_lot = view.journal.ordinal(&stated.subject);
    let other = match about_lot.and_then(|about| view.journal.lot(about)) {
        Some(about) => view.journal.entry(about.made_at).map(|made| made.author),
        None => None,
    };
    if let Some(other) = other.filter(|other| *other != entry.author) {
        let message = format!(
            "{} claims certificate {} for {}; it is about {} of {}",
            judge.text(entry.author),
            judge.text(attestation),
            judge.id(lot),
            judge.text(subject),
            judge.text(other)
        );
        judge.flag(Finding::new(Rule::G1, leaf, entry.author, message, CLEARS).lot(lot).rests_on([issued]));
    }
}

/// T3 and G1 for seals: one seal on two lots, not broken or void between.
pub(crate) fn seals(judge: &mut Judge<'_>, leaf: u32, entry: &Entry) {
    match &entry.fact {
        Fact::SealEvent { lot, seal, action: SealAction::Applied } => {
            seal_twice(judge, leaf, entry, *lot, *seal);
        }
        Fact::Ship(it) => {
            for shipped in &it.lots {
                for seal in &shipped.seals {
                    seal_twice(judge, leaf, entry, shipped.lot, *seal);
                }
            }
        }
        _ => {}
    }
}

fn seal_twice(judge: &mut Judge<'_>, leaf: u32, entry: &Entry, lot: u32, seal: Word) {
    let view = judge.view;
    let (mut holder, mut since) = (None, 0);
    for (at, other) in view.posted(seal).take_while(|(at, _)| *at < leaf) {
        match &other.fact {
            Fact::SealEvent { lot, action: SealAction::Applied | SealAction::Checked, .. } => {
                (holder, since) = (Some((*lot, other.author)), at);
            }
            Fact::SealEvent { action: SealAction::Broken | SealAction::Voided, .. } => holder = None,
            Fact::Ship(it) => {
                if let Some(shipped) = it.lots.iter().find(|shipped| shipped.seals.contains(&seal)) {
                    (holder, since) = (Some((shipped.lot, other.author)), at);
                }
            }
            _ => {}
        }
    }
    let Some((on, by)) = holder.filter(|(on, _)| *on != lot && !descends(judge, lot, *on)) else { return };
    let rule = if by == entry.author { Rule::T3 } else { Rule::G1 };
    let message =
        format!("seal {} is put on {} while it is on {}", judge.text(seal), judge.id(lot), judge.id(on));
    let clears = "a record that the seal was broken or void before, or a correction of one of the two";
    judge.flag(Finding::new(rule, leaf, entry.author, message, clears).lot(lot).lot(on).rests_on([since]));
}

/// A lot made of the sealed one may carry its seal on.
fn descends(judge: &Judge<'_>, lot: u32, of: u32) -> bool {
    judge.view.maker(lot).is_some_and(|(_, _, step)| step.inputs.iter().any(|input| input.lot == of))
}
