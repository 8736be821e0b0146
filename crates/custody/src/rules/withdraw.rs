//! An earlier record is declared wrong; nothing is erased, and nothing that rests on it may stand.
//!
//! What rests on a record are the records that came after it on any lot that it touched: they name
//! it, or a later one, as the lot's head. When they are withdrawn first, newest first, this one can be.

use alloc::{format, string::String, vec::Vec};

use ore_record::{
    RecordId, SignedRecord, content, draft,
    v1::{self, Erased, Withdraw, WithdrawReason, record::Event},
};

use crate::{
    books::{Fate, Prior},
    change::Write,
    desk::{Desk, brief},
    effect::{Effect, MassChange},
    lot::{NONE, Place, Standing},
    rejection::{About, MAX_DEPENDENTS, Reason, Rule, Verdict, refuse},
    rules::{credits, values},
};

/// A lot that a record touches: its id, and the head that the record names; none where it creates the lot.
type Touch<'r> = (&'r str, Option<&'r [u8]>);

/// Records looked at on the way back from a lot's head. A longer chain has dependents for certain.
const MOST_STEPS: usize = 4096;

/// Sets what the record corrects: a withdrawn record of the same author, once.
pub(crate) fn check_corrects(desk: &mut Desk<'_>) -> Verdict<()> {
    let record = desk.record;
    if record.corrects.is_empty() {
        return Ok(());
    }
    let (leaf, corrected) = desk.earlier(&record.corrects, "the corrected record")?;
    must_be_author(desk, &corrected, "correct")?;
    let Some(fate) = desk.state.books.fates.get(&leaf) else {
        return Err(refuse(
            Rule::A4,
            Reason::Governance,
            format!("record {} stands: only a withdrawn record is corrected", brief(&corrected.id())),
            "withdraw it first, then submit the correcting record",
        )
        .record(corrected.id()));
    };
    if fate.corrected_at != NONE {
        return Err(refuse(
            Rule::A2,
            Reason::AlreadyExists,
            format!("record {} was corrected before, at leaf {}", brief(&corrected.id()), fate.corrected_at),
            "correct the correction: withdraw it and name it",
        )
        .record(corrected.id()));
    }
    desk.corrects = leaf;
    desk.writes.push(Write::Fate(leaf, Some(Fate { corrected_at: desk.leaf, ..*fate })));
    Ok(())
}

fn must_be_author(desk: &Desk<'_>, record: &SignedRecord, to: &str) -> Verdict<()> {
    let author = &record.record().author;
    if author == desk.author_id() {
        return Ok(());
    }
    Err(refuse(
        Rule::A4,
        Reason::NotAuthor,
        format!("record {} is {author}'s, and only its author may {to} it", brief(&record.id())),
        format!("ask {author}"),
    )
    .record(record.id()))
}

pub(crate) fn judge(desk: &mut Desk<'_>, event: &Withdraw) -> Verdict<()> {
    values::stated::<WithdrawReason>("the reason", event.reason)?;
    values::text("the explanation", &event.explanation, 1000)?;
    let (leaf, record) = desk.earlier(&event.record, "the withdrawn record")?;
    must_be_author(desk, &record, "withdraw")?;
    if let Some(fate) = desk.state.books.fates.get(&leaf) {
        return Err(refuse(
            Rule::A2,
            Reason::AlreadyExists,
            format!("record {} is withdrawn already, at leaf {}", brief(&record.id()), fate.withdrawn_at),
            "nothing: it is withdrawn",
        )
        .record(record.id()));
    }
    check_kind(desk, leaf, &record)?;
    let touched = touches(record.record());
    check_dependents(desk, leaf, &record, &touched)?;
    reverse(desk, leaf, &record)?;
    desk.writes.push(Write::Fate(leaf, Some(Fate { withdrawn_at: desk.leaf, corrected_at: NONE })));
    Ok(())
}

/// One member cannot take back what two have done, and status and governance have their own records.
fn check_kind(desk: &Desk<'_>, leaf: Place, record: &SignedRecord) -> Verdict<()> {
    let id = brief(&record.id());
    let (what, next_step) = match record.event() {
        event if draft::can_be_withdrawn(event) => return Ok(()),
        Event::AdmitMember(_) | Event::ChangeRoles(_) | Event::SetProfile(_) | Event::ChangeValidators(_)
            if desk.state.books.proposals.contains_key(&leaf) =>
        {
            return Ok(());
        }
        Event::Ship(_) if desk.state.books.offers.contains_key(&leaf) => {
            ("an open offer, which is cancelled, not withdrawn", "submit a CancelShipment for it")
        }
        Event::Ship(_) | Event::Accept(_) | Event::Decline(_) | Event::CancelShipment(_) => (
            "part of a hand-over between two members, which one of them cannot take back",
            "return the lot: ship it back with the purpose return",
        ),
        Event::Hold(_) | Event::Recall(_) => {
            ("a hold or a recall, which is released", "submit a Release for the lot")
        }
        Event::Release(_) => ("a release", "put the lot on hold, or recall it, again"),
        Event::ReferencePart(_) | Event::PublishLibrary(_) => (
            "part of a reference library, which others may have claimed by",
            "publish a next version of the library without it",
        ),
        Event::ClaimOrigin(_) => (
            "a claim of an origin, which stays seen",
            "claim another origin: the check says that there were several",
        ),
        Event::Withdraw(_) => ("a withdrawal, which is final", "submit the statement again, with `corrects`"),
        _ => ("a record that is in force", "change it by a further record of its kind"),
    };
    Err(refuse(Rule::A4, Reason::NotAuthor, format!("record {id} is {what}"), next_step).record(record.id()))
}

/// Refused while a later record stands on a lot that this one touched; the refusal lists them.
fn check_dependents(
    desk: &Desk<'_>,
    leaf: Place,
    record: &SignedRecord,
    touched: &[Touch<'_>],
) -> Verdict<()> {
    let mut standing: Vec<(RecordId, String)> = Vec::new();
    let mut first_lot = "";
    for (lot, _) in touched {
        let before = standing.len();
        later_records(desk, lot, leaf, &mut standing);
        if before == 0 && !standing.is_empty() {
            first_lot = lot;
        }
        if standing.len() >= MAX_DEPENDENTS {
            break;
        }
    }
    if standing.is_empty() {
        return Ok(());
    }
    let names: Vec<&str> = standing.iter().map(|(_, text)| text.as_str()).collect();
    let more = if standing.len() >= MAX_DEPENDENTS { ", and perhaps more" } else { "" };
    let mut refusal = refuse(
        Rule::A4,
        Reason::DependentsStand,
        format!(
            "{} later record{} on record {}: {}{more}",
            standing.len(),
            if standing.len() == 1 { " rests" } else { "s rest" },
            brief(&record.id()),
            names.join(", ")
        ),
        "have them withdrawn first, newest first; a hand-over is undone by returning the lot",
    )
    .lot(first_lot);
    refusal.dependents = standing.into_iter().map(|(id, _)| id).collect();
    Err(refusal)
}

/// Walks back from the lot's head to `leaf`, past withdrawn records and their withdrawals.
fn later_records(desk: &Desk<'_>, lot: &str, leaf: Place, found: &mut Vec<(RecordId, String)>) {
    let Some(ordinal) = desk.state.lot_ordinal(lot) else { return };
    let Some(standing) = desk.state.lots.standing(ordinal) else { return };
    let mut past = Past::of(&standing);
    let mut at = standing.head;
    for _ in 0..MOST_STEPS {
        if at == leaf || found.len() >= MAX_DEPENDENTS {
            return;
        }
        let Some(record) = desk.log.record(at.into()) else { return };
        let before = if let Event::Withdraw(event) = record.event() {
            let Some(withdrawn) = find(desk, &event.record) else { return };
            head_before(desk, &withdrawn, lot)
        } else {
            if past.stands(desk, at, record.event()) && !found.iter().any(|(id, _)| *id == record.id()) {
                let text =
                    format!("{} {} by {}", kind(record.event()), brief(&record.id()), record.record().author);
                found.push((record.id(), text));
            }
            head_before(desk, &record, lot)
        };
        match before {
            Some(before) => at = before,
            None => return,
        }
    }
}

/// What came to nothing does not stand in the way: offers that nobody took, holds and recalls that ended.
struct Past {
    accepted: Vec<RecordId>,
    held: bool,
    recalled: bool,
}

impl Past {
    const fn of(standing: &Standing) -> Self {
        Self { accepted: Vec::new(), held: standing.held_by != NONE, recalled: standing.recalled_by != NONE }
    }

    /// Asked from the newest record to the oldest.
    fn stands(&mut self, desk: &Desk<'_>, at: Place, event: &Event) -> bool {
        match event {
            Event::Accept(event) => {
                self.accepted.extend(RecordId::try_from(event.offer.as_slice()));
                true
            }
            Event::Ship(_) => {
                let taken = desk.state.records.id_at(at).is_some_and(|id| self.accepted.contains(&id));
                let offer = desk.state.books.offers.get(&at);
                taken || offer.is_some_and(|offer| desk.now_ms() <= offer.expires_ms)
            }
            Event::Decline(_) | Event::CancelShipment(_) | Event::Release(_) => false,
            // At most one of each is in force: the newest.
            Event::Hold(_) => core::mem::take(&mut self.held),
            Event::Recall(_) => core::mem::take(&mut self.recalled),
            _ => true,
        }
    }
}

fn find(desk: &Desk<'_>, id: &[u8]) -> Option<SignedRecord> {
    desk.log.record(desk.state.records.leaf_of(id.try_into().ok()?)?.into())
}

/// The head of the lot that a record built on.
fn head_before(desk: &Desk<'_>, record: &SignedRecord, lot: &str) -> Option<Place> {
    let touched = touches(record.record());
    let head = touched.iter().find(|(id, _)| *id == lot)?.1?;
    desk.state.records.leaf_of(head.try_into().ok()?)
}

/// Every lot that a record names or creates.
fn touches(record: &v1::Record) -> Vec<Touch<'_>> {
    fn named(reference: Option<&v1::LotRef>) -> Option<Touch<'_>> {
        reference.map(|reference| (reference.lot.as_str(), Some(reference.head.as_slice())))
    }
    fn created(lot: Option<&v1::NewLot>) -> Option<Touch<'_>> {
        lot.map(|lot| (lot.lot.as_str(), None))
    }
    let Some(event) = &record.event else { return Vec::new() };
    match event {
        Event::Commission(event) => created(event.lot.as_ref()).into_iter().collect(),
        Event::Transform(event) => {
            let inputs = event.inputs.iter().filter_map(|input| named(input.lot.as_ref()));
            inputs.chain(event.outputs.iter().filter_map(|output| created(output.lot.as_ref()))).collect()
        }
        Event::Ship(event) => event.lots.iter().filter_map(|lot| named(lot.lot.as_ref())).collect(),
        Event::Accept(event) => event.lots.iter().filter_map(|lot| named(lot.lot.as_ref())).collect(),
        Event::Decline(event) => event.lots.iter().filter_map(|lot| named(Some(lot))).collect(),
        Event::CancelShipment(event) => event.lots.iter().filter_map(|lot| named(Some(lot))).collect(),
        Event::Assay(event) => named(event.lot.as_ref()).into_iter().collect(),
        Event::Seal(event) => named(event.lot.as_ref()).into_iter().collect(),
        Event::Use(event) => named(event.item.as_ref()).into_iter().collect(),
        Event::Hold(event) => named(event.lot.as_ref()).into_iter().collect(),
        Event::Release(event) => named(event.lot.as_ref()).into_iter().collect(),
        Event::Recall(event) => named(event.lot.as_ref()).into_iter().collect(),
        Event::Dispose(event) => named(event.lot.as_ref()).into_iter().collect(),
        Event::Footprint(event) => named(event.lot.as_ref()).into_iter().collect(),
        Event::CreditDeposit(event) => named(event.lot.as_ref()).into_iter().collect(),
        Event::CreditClaim(event) => named(event.lot.as_ref()).into_iter().collect(),
        _ => Vec::new(),
    }
}

const fn kind(event: &Event) -> &'static str {
    match event {
        Event::Commission(_) => "Commission",
        Event::Transform(_) => "Transform",
        Event::Ship(_) => "Ship",
        Event::Accept(_) => "Accept",
        Event::Decline(_) => "Decline",
        Event::CancelShipment(_) => "CancelShipment",
        Event::Assay(_) => "Assay",
        Event::Seal(_) => "Seal",
        Event::Use(_) => "Use",
        Event::Hold(_) => "Hold",
        Event::Release(_) => "Release",
        Event::Recall(_) => "Recall",
        Event::Dispose(_) => "Dispose",
        Event::Footprint(_) => "Footprint",
        Event::CreditDeposit(_) => "CreditDeposit",
        Event::CreditClaim(_) => "CreditClaim",
        _ => "record",
    }
}

/// Puts back what the record changed. Nothing later stands on its lots, so this is exact.
fn reverse(desk: &mut Desk<'_>, leaf: Place, record: &SignedRecord) -> Verdict<()> {
    match record.event() {
        Event::Commission(event) => {
            let lots: Vec<u32> =
                event.lot.iter().filter_map(|lot| desk.state.lot_ordinal(&lot.lot)).collect();
            void(desk, leaf, lots);
        }
        Event::Transform(event) => reverse_transform(desk, leaf, event),
        Event::Assay(event) => {
            if let Some(ordinal) = put_back(desk, event.lot.as_ref(), |_| {}) {
                reverse_assay(desk, leaf, event, ordinal);
            }
        }
        Event::Use(event) => reverse_use(desk, leaf, event),
        Event::Dispose(event) => {
            let dry_mg = event.mass.as_ref().map_or(0, |mass| mass.dry_mg);
            let ordinal = put_back(desk, event.lot.as_ref(), |standing| {
                standing.remaining_mg = standing.remaining_mg.saturating_add(dry_mg);
                standing.disposed_mg = standing.disposed_mg.saturating_sub(dry_mg);
            });
            restored(desk, ordinal);
        }
        Event::Seal(event) => drop(put_back(desk, event.lot.as_ref(), |_| {})),
        Event::Footprint(event) => drop(put_back(desk, event.lot.as_ref(), |_| {})),
        Event::CreditDeposit(event) => {
            credits::reverse_deposit(desk, event, record.id())?;
            put_back(desk, event.lot.as_ref(), |_| {});
        }
        Event::CreditClaim(event) => {
            credits::reverse_claim(desk, event);
            put_back(desk, event.lot.as_ref(), |_| {});
        }
        // A proposal that was never in force; a stocktake changes nothing.
        _ if desk.state.books.proposals.contains_key(&leaf) => desk.writes.push(Write::Proposal(leaf, None)),
        _ => {}
    }
    Ok(())
}

/// Gives a lot its changed standing, with the withdrawal as its head.
fn put_back(
    desk: &mut Desk<'_>,
    reference: Option<&v1::LotRef>,
    change: impl FnOnce(&mut Standing),
) -> Option<u32> {
    let ordinal = desk.state.lot_ordinal(&reference?.lot)?;
    let mut standing = standing_again(desk, ordinal);
    change(&mut standing);
    desk.writes.push(Write::Standing(ordinal, standing));
    Some(ordinal)
}

/// Where the lot stands, with the withdrawal as its head and without an offer that has expired.
fn standing_again(desk: &mut Desk<'_>, ordinal: u32) -> Standing {
    let mut standing = desk.state.lots.at(ordinal).standing;
    standing.head = desk.leaf;
    if standing.offer != NONE && desk.lapse(standing.offer, ordinal) {
        standing.offer = NONE;
    }
    standing
}

/// Tells the graph that a lot has mass again.
fn restored(desk: &mut Desk<'_>, ordinal: Option<u32>) {
    let newest = desk.writes.iter().rev().find_map(|write| match write {
        Write::Standing(at, standing) if Some(*at) == ordinal => Some(standing.remaining_mg),
        _ => None,
    });
    if let (Some(lot), Some(remaining_mg)) = (ordinal, newest) {
        desk.effects.push(Effect::Mass { lot, remaining_mg, why: MassChange::Restored });
    }
}

fn void(desk: &mut Desk<'_>, withdrawn: Place, lots: Vec<u32>) {
    for &ordinal in &lots {
        let mut standing = standing_again(desk, ordinal);
        standing.remaining_mg = 0;
        standing.void = true;
        desk.writes.push(Write::Standing(ordinal, standing));
    }
    desk.effects.push(Effect::Void { lots, withdrawn: withdrawn.into() });
}

fn reverse_transform(desk: &mut Desk<'_>, leaf: Place, event: &v1::Transform) {
    let mut inputs = Vec::with_capacity(event.inputs.len());
    for input in &event.inputs {
        let dry_mg = input.mass.as_ref().map_or(0, |mass| mass.dry_mg);
        let ordinal = put_back(desk, input.lot.as_ref(), |standing| {
            standing.remaining_mg = standing.remaining_mg.saturating_add(dry_mg);
            standing.taken_mg = standing.taken_mg.saturating_sub(dry_mg);
        });
        inputs.extend(ordinal.map(|ordinal| (ordinal, dry_mg)));
    }
    let made = event.outputs.iter().filter_map(|output| output.lot.as_ref());
    let outputs: Vec<u32> = made.filter_map(|lot| desk.state.lot_ordinal(&lot.lot)).collect();
    desk.effects.push(Effect::TakenBack { withdrawn: leaf.into(), inputs, outputs: outputs.clone() });
    void(desk, leaf, outputs);
}

fn reverse_assay(desk: &mut Desk<'_>, leaf: Place, event: &v1::Assay, ordinal: u32) {
    if !content::sets_composition(event) {
        return;
    }
    if let Some(Prior::Composition(before)) = desk.state.books.priors.get(&leaf) {
        desk.writes.push(Write::Composition(ordinal, before.clone()));
        desk.writes.push(Write::Prior(leaf, None));
        desk.effects.push(Effect::Composition { lot: ordinal, composition: before.clone() });
    }
}

fn reverse_use(desk: &mut Desk<'_>, leaf: Place, event: &v1::Use) {
    let Some(Prior::Remaining(before_mg)) = desk.state.books.priors.get(&leaf) else { return };
    let before_mg = *before_mg;
    let ordinal = put_back(desk, event.item.as_ref(), |standing| {
        standing.used_mg = standing.used_mg.saturating_sub(before_mg.saturating_sub(standing.remaining_mg));
        standing.remaining_mg = before_mg;
    });
    desk.writes.push(Write::Prior(leaf, None));
    restored(desk, ordinal);
}

/// The private part of one's own record has been destroyed. The record itself stands.
pub(crate) fn erased(desk: &mut Desk<'_>, event: &Erased) -> Verdict<()> {
    values::text("the reason", &event.reason, 256)?;
    let (_, record) = desk.earlier(&event.record, "the record")?;
    must_be_author(desk, &record, "declare the private part erased of")?;
    if record.record().private_root.is_empty() {
        return Err(values::bad(
            format!("record {} has no private part", brief(&record.id())),
            "name the record whose private part was destroyed",
        )
        .record(record.id()));
    }
    Ok(())
}
