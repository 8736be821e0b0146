//! Who speaks, on which ledger, when, and whether it was said before (A1, A2, A3).

use alloc::format;

use ore_record::{RecordId, v1::record::Event};

use crate::{
    desk::Desk,
    rejection::{About, Reason, Rule, Verdict, refuse, shorten},
    rules::values,
};

/// Event times may be this far ahead of the block when no profile says otherwise: five minutes.
const CLOCK_TOLERANCE_MS: u64 = 5 * 60 * 1000;

/// A record names the ledger that it is meant for, so that it cannot be replayed on another (A1).
pub(crate) fn check_ledger(desk: &Desk<'_>) -> Verdict<()> {
    if desk.record.origin == desk.state.origin() {
        return Ok(());
    }
    Err(refuse(
        Rule::A1,
        Reason::WrongLedger,
        format!(
            "the record is meant for ledger {:?}, this is {:?}",
            shorten(&desk.record.origin),
            desk.state.origin()
        ),
        "sign it for this ledger, or send it to the other",
    ))
}

/// The same record again is not appended again (A2); whoever asks gives its author the receipt.
pub(crate) fn check_duplicate(desk: &Desk<'_>, id: &RecordId) -> Verdict<()> {
    let Some(leaf) = desk.state.leaf_of(id) else { return Ok(()) };
    Err(refuse(
        Rule::A2,
        Reason::AlreadyExists,
        format!("the record is in the ledger already, at leaf {leaf}"),
        "nothing: its receipt stands",
    )
    .record(*id))
}

/// Fields that every record has.
pub(crate) fn check_envelope(desk: &Desk<'_>) -> Verdict<()> {
    let record = desk.record;
    if record.nonce.len() != 16 {
        return Err(values::bad(
            format!("the nonce has {} bytes, not 16", record.nonce.len()),
            "draw 16 random bytes",
        ));
    }
    if record.utc_offset_minutes.unsigned_abs() > 840 {
        return Err(values::bad(
            format!("the UTC offset is {} minutes, at most 840 either way", record.utc_offset_minutes),
            "state the local offset in minutes",
        ));
    }
    values::digest("the private root", &record.private_root, true)?;
    values::digest("the id of the corrected record", &record.corrects, true)?;
    values::text("the note", &record.note, 1000)?;
    values::count("documents", record.documents.len(), 64)?;
    for document in &record.documents {
        values::digest("a document's SHA-256", &document.sha256, false)?;
        values::required_text("a document's media type", &document.media_type, 127)?;
        values::text("a document's kind", &document.kind, 64)?;
        values::text("a document's issuer", &document.issuer, 128)?;
    }
    Ok(())
}

/// The author is a member and its key may sign at this leaf (A1).
pub(crate) fn check_author(desk: &mut Desk<'_>) -> Verdict<()> {
    let record = desk.record;
    let Some(place) = desk.state.roster_index_of_member(&record.author) else {
        return if is_founding(desk) { Ok(()) } else { Err(no_member(desk)) };
    };
    let member = desk.state.member_at(place).expect("the table of members points to members");
    if !member.may_sign(&record.author_key, u64::from(desk.leaf)) {
        let revoked = member.state.keys.iter().any(|key| key.public_key == record.author_key);
        let what = if revoked { "was revoked" } else { "is not registered" };
        return Err(refuse(
            Rule::A1,
            Reason::KeyNotValid,
            format!("the key that signed {what} for {}", record.author),
            "sign with a valid key, or register this one with a record that a valid key signs",
        )
        .named(&record.author));
    }
    desk.author = place;
    desk.roles = member.roles;
    Ok(())
}

/// In genesis a member may bring itself in, and the first record of all may set the profile: nobody
/// is there yet who could, and the genesis block as a whole is what the trust root names.
fn is_founding(desk: &Desk<'_>) -> bool {
    if !desk.genesis() {
        return false;
    }
    match &desk.record.event {
        Some(Event::AdmitMember(event)) => {
            event.member.as_ref().is_some_and(|member| member.id == desk.record.author)
                && event.key.as_ref().is_some_and(|key| key.public_key == desk.record.author_key)
        }
        Some(Event::SetProfile(_)) => desk.state.member_count == 0,
        _ => false,
    }
}

#[cold]
fn no_member(desk: &Desk<'_>) -> alloc::boxed::Box<crate::Rejection> {
    refuse(
        Rule::A1,
        Reason::UnknownMember,
        format!("author {:?} is no member of this ledger", shorten(&desk.record.author)),
        "have the member admitted first, or check its id",
    )
    .named(&desk.record.author)
}

/// Not later than the block's time and the tolerance (A3). Block time comes from the ordering engine.
pub(crate) fn check_time(desk: &Desk<'_>) -> Verdict<()> {
    let tolerance = match desk.state.profile() {
        Some(profile) if profile.clock_tolerance_ms != 0 => profile.clock_tolerance_ms,
        _ => CLOCK_TOLERANCE_MS,
    };
    let latest = desk.now_ms().saturating_add(tolerance);
    if desk.record.event_time_ms <= latest {
        return Ok(());
    }
    let ahead_s = (desk.record.event_time_ms - desk.now_ms()).div_ceil(1000);
    Err(refuse(
        Rule::A3,
        Reason::EventTimeInFuture,
        format!(
            "the event is {ahead_s} s after the block's time, at most {} s are allowed",
            tolerance / 1000
        ),
        "check the clock, or submit the record when it has happened",
    ))
}
