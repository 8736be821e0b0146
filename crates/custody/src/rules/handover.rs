//! Two-party hand-over: an offer reserves lots for a named receiver, who takes or refuses them all.
//!
//! Until acceptance the offerer stays custodian. The receiver's weighing never edits the offer: what
//! is missing becomes a shortfall of the lot, what is too much a surplus that adds nothing.

use alloc::{format, vec::Vec};

use ore_record::{
    RecordId,
    v1::{
        Accept, CancelShipment, Decline, LotRef, SealState, Ship, ShipPurpose, TransferKind, TransportMode,
    },
};

use crate::{
    books::Offer,
    change::Write,
    desk::{Desk, Touched, brief},
    effect::{Effect, MassChange},
    lot::{NONE, Place},
    rejection::{About, Reason, Rule, Verdict, refuse},
    rules::{
        commission,
        quantities::{self, weight},
        transform, values,
    },
};

const MOST_LOTS: usize = 400;

/// Lifetime of an offer where neither it nor the profile states one: 30 days.
const OFFER_LIFETIME_MS: u64 = 30 * 24 * 60 * 60 * 1000;

/// A weighing at dispatch may be short of the book by what scales and drying explain; more means
/// that a part is being sent, and a lot travels whole.
const DISPATCH_SHORT_PPM: u128 = 50_000;

pub(crate) fn ship(desk: &mut Desk<'_>, event: &Ship) -> Verdict<()> {
    let transfer: TransferKind = values::stated("what is transferred", event.transfer)?;
    let purpose: ShipPurpose = values::stated("the purpose of the shipment", event.purpose)?;
    values::known::<TransportMode>("transport mode", event.mode)?;
    values::text("incoterm", &event.incoterm, 8)?;
    values::count("lots", event.lots.len(), MOST_LOTS)?;
    if event.lots.is_empty() {
        return Err(values::bad("the shipment has no lot", "name what is shipped"));
    }
    let receiver = desk.member(&event.receiver, "receiver")?;
    if !event.carrier.is_empty() {
        desk.member(&event.carrier, "carrier")?;
    }
    values::texts("permits", &event.permits, 32, 96)?;
    for permit in &event.permits {
        commission::known_attestation(desk, permit)?;
    }
    if transfer != TransferKind::Ownership {
        desk.facility(&event.from_facility)?;
    }
    if !event.to_facility.is_empty() {
        desk.facility(&event.to_facility)?;
    }
    let expires_ms = expiry(desk, event)?;
    let mut ordinals = Vec::with_capacity(event.lots.len());
    for shipped in &event.lots {
        values::texts("seals", &shipped.seals, 64, 64)?;
        let mut touched = desk.touch(shipped.lot.as_ref())?;
        dispatch(desk, &touched, transfer, purpose)?;
        weigh_dispatch(&touched, quantities::dry_mg(shipped.mass.as_ref(), "a lot at dispatch")?)?;
        transform::check_time(desk, &touched.lot)?;
        touched.next.offer = desk.leaf;
        desk.put(&touched);
        ordinals.push(touched.ordinal);
    }
    refuse_repeats(desk, &ordinals)?;
    let offer = Offer {
        author: desk.author,
        receiver,
        transfer,
        purpose,
        dispatched_ms: desk.record.event_time_ms,
        expires_ms,
        lots: ordinals.into(),
    };
    desk.writes.push(Write::Offer(desk.leaf, Some(offer)));
    Ok(())
}

fn expiry(desk: &Desk<'_>, event: &Ship) -> Verdict<u64> {
    if event.expires_ms == 0 {
        let lifetime = match desk.profile()?.offer_lifetime_ms {
            0 => OFFER_LIFETIME_MS,
            stated => stated,
        };
        return Ok(desk.now_ms().saturating_add(lifetime));
    }
    if event.expires_ms <= desk.now_ms() {
        return Err(refuse(
            Rule::A4,
            Reason::OfferClosed,
            "the offer expires before the block that would make it",
            "state a later time, or leave it to the profile",
        ));
    }
    Ok(event.expires_ms)
}

/// The author may offer this lot (A4): it has what it transfers, and nothing stands in the way.
fn dispatch(desk: &Desk<'_>, touched: &Touched, transfer: TransferKind, purpose: ShipPurpose) -> Verdict<()> {
    if transfer != TransferKind::Ownership {
        desk.must_hold(touched, "ship")?;
    }
    if transfer != TransferKind::Custody && touched.lot.standing.owner != desk.author {
        let owner = desk.state.member_id(touched.lot.standing.owner);
        return Err(refuse(
            Rule::A4,
            Reason::NotCustodian,
            format!("lot {} is owned by {owner}, and only its owner may pass ownership on", touched.lot.id()),
            format!("transfer custody only, or let {owner} transfer the ownership"),
        )
        .lot(touched.lot.id()));
    }
    // What was called back travels home and nowhere else.
    let going_home = matches!(purpose, ShipPurpose::Return | ShipPurpose::Recall);
    if touched.next.recalled_by != NONE && going_home && touched.next.offer == NONE {
        return Ok(());
    }
    desk.must_be_free(touched, "ship")
}

/// A lot travels whole, and never more than it (M1).
fn weigh_dispatch(touched: &Touched, dry_mg: u64) -> Verdict<()> {
    let book_mg = touched.lot.remaining_mg();
    if dry_mg > book_mg {
        return Err(transform::not_enough(&touched.lot, dry_mg, "shipped"));
    }
    if u128::from(book_mg - dry_mg) * 1_000_000 > u128::from(book_mg) * DISPATCH_SHORT_PPM {
        return Err(refuse(
            Rule::M1,
            Reason::BadQuantity,
            format!(
                "lot {} holds {} dry and {} are shipped: a lot travels whole",
                touched.lot.id(),
                weight(book_mg),
                weight(dry_mg)
            ),
            "split the lot first and ship the part, or record what is gone",
        )
        .lot(touched.lot.id()));
    }
    Ok(())
}

fn refuse_repeats(desk: &Desk<'_>, ordinals: &[u32]) -> Verdict<()> {
    let mut sorted = ordinals.to_vec();
    sorted.sort_unstable();
    match sorted.windows(2).find(|pair| pair[0] == pair[1]) {
        None => Ok(()),
        Some(pair) => {
            let id = desk.state.lots.id(pair[0]);
            Err(values::bad(format!("lot {id} is named twice"), "name each lot once").lot(&id))
        }
    }
}

/// The open offer that an answer names.
fn open_offer<'a>(desk: &Desk<'a>, id: &[u8]) -> Verdict<(Place, &'a Offer)> {
    let (leaf, record) = desk.earlier(id, "offer")?;
    let id = record.id();
    match desk.state.books.offers.get(&leaf) {
        Some(offer) => Ok((leaf, offer)),
        None if matches!(record.event(), ore_record::v1::record::Event::Ship(_)) => Err(refuse(
            Rule::A4,
            Reason::OfferClosed,
            format!("offer {} is closed: it was answered, cancelled, or has expired", brief(&id)),
            "look at the lots' newest records; a new shipment may be needed",
        )
        .record(id)),
        None => Err(refuse(
            Rule::A1,
            Reason::UnknownRecord,
            format!("record {} is not a shipment", brief(&id)),
            "name the Ship record that is answered",
        )
        .record(id)),
    }
}

/// An answer names every lot of the offer, each once.
fn touch_all<'a, 'r>(
    desk: &mut Desk<'a>,
    offer: &Offer,
    refs: impl ExactSizeIterator<Item = Option<&'r LotRef>>,
) -> Verdict<Vec<Touched>> {
    if refs.len() > MOST_LOTS {
        values::count("lots", refs.len(), MOST_LOTS)?;
    }
    let lots: Vec<Touched> = refs.map(|reference| desk.touch(reference)).collect::<Verdict<_>>()?;
    let mut named: Vec<u32> = lots.iter().map(|touched| touched.ordinal).collect();
    refuse_repeats(desk, &named)?;
    let mut offered = offer.lots.to_vec();
    named.sort_unstable();
    offered.sort_unstable();
    if named == offered {
        return Ok(lots);
    }
    let odd = named.iter().find(|lot| offered.binary_search(lot).is_err());
    let missing = offered.iter().find(|lot| named.binary_search(lot).is_err());
    let (lot, what) = match (odd, missing) {
        (Some(odd), _) => (Some(*odd), "is not part of the offer"),
        (_, Some(missing)) => (Some(*missing), "is part of the offer and not named"),
        (None, None) => (None, "is named twice"),
    };
    let id = lot.map(|ordinal| desk.state.lots.id(ordinal));
    let id = id.as_deref().unwrap_or_default();
    Err(values::bad(
        format!("lot {id} {what}: an answer is for all lots of an offer"),
        "name exactly the lots of the shipment",
    )
    .lot(id))
}

fn must_be_receiver(desk: &Desk<'_>, offer: &Offer, to: &str) -> Verdict<()> {
    if offer.receiver == desk.author {
        return Ok(());
    }
    let receiver = desk.state.member_id(offer.receiver);
    Err(refuse(
        Rule::A4,
        Reason::NotReceiver,
        format!("the offer is made to {receiver}, and only {receiver} may {to} it"),
        format!("let {receiver} answer, or ask for an offer to {}", desk.author_id()),
    ))
}

pub(crate) fn accept(desk: &mut Desk<'_>, event: &Accept) -> Verdict<()> {
    let (leaf, offer) = open_offer(desk, &event.offer)?;
    must_be_receiver(desk, offer, "accept")?;
    if desk.now_ms() > offer.expires_ms {
        return Err(refuse(
            Rule::A4,
            Reason::OfferClosed,
            format!(
                "the offer expired {} s before this block",
                (desk.now_ms() - offer.expires_ms).div_ceil(1000)
            ),
            format!("ask {} for a new shipment", desk.state.member_id(offer.author)),
        ));
    }
    check_arrival(desk, leaf, offer)?;
    let custody = offer.transfer != TransferKind::Ownership;
    let facility = if custody { desk.facility(&event.facility)? } else { NONE };
    let mut lots = touch_all(desk, offer, event.lots.iter().map(|lot| lot.lot.as_ref()))?;
    for (touched, accepted) in lots.iter_mut().zip(&event.lots) {
        values::known::<SealState>("seal state", accepted.seals)?;
        let received_mg = quantities::dry_mg(accepted.mass.as_ref(), "a lot at receipt")?;
        touched.next.offer = NONE;
        if offer.transfer != TransferKind::Custody {
            touched.next.owner = desk.author;
        }
        if custody {
            touched.next.custodian = desk.author;
            touched.next.facility = facility;
            receive(desk, touched, received_mg);
        }
        desk.put(touched);
    }
    desk.writes.push(Write::Offer(leaf, None));
    Ok(())
}

/// No receipt before dispatch. Across members clocks differ, so there it is a finding (T1).
fn check_arrival(desk: &Desk<'_>, leaf: Place, offer: &Offer) -> Verdict<()> {
    let event_ms = desk.record.event_time_ms;
    if offer.author != desk.author || event_ms >= offer.dispatched_ms {
        return Ok(());
    }
    let id = desk.state.records.id_at(leaf).unwrap_or(RecordId::from_bytes([0; 32]));
    Err(refuse(
        Rule::T1,
        Reason::TimeOrder,
        format!(
            "the lots were dispatched {} s after this receipt, both by {}",
            (offer.dispatched_ms - event_ms).div_ceil(1000),
            desk.author_id()
        ),
        "correct the event time",
    )
    .record(id))
}

/// What remains is never more than what was there and never more than what came.
fn receive(desk: &mut Desk<'_>, touched: &mut Touched, received_mg: u64) {
    let book_mg = touched.next.remaining_mg;
    if received_mg >= book_mg {
        touched.next.surplus_mg = touched.next.surplus_mg.saturating_add(received_mg - book_mg);
        return;
    }
    touched.next.remaining_mg = received_mg;
    touched.next.shortfall_mg += book_mg - received_mg;
    desk.effects.push(Effect::Mass {
        lot: touched.ordinal,
        remaining_mg: received_mg,
        why: MassChange::Shortfall,
    });
}

pub(crate) fn decline(desk: &mut Desk<'_>, event: &Decline) -> Verdict<()> {
    values::text("the reason", &event.reason, 256)?;
    let (leaf, offer) = open_offer(desk, &event.offer)?;
    must_be_receiver(desk, offer, "decline")?;
    close(desk, leaf, offer, &event.lots)
}

pub(crate) fn cancel(desk: &mut Desk<'_>, event: &CancelShipment) -> Verdict<()> {
    values::text("the reason", &event.reason, 256)?;
    let (leaf, offer) = open_offer(desk, &event.offer)?;
    if offer.author != desk.author {
        let author = desk.state.member_id(offer.author);
        return Err(refuse(
            Rule::A4,
            Reason::NotAuthor,
            format!("the offer was made by {author}, and only {author} may cancel it"),
            "decline it, if it was made to you",
        ));
    }
    close(desk, leaf, offer, &event.lots)
}

/// The lots are free again, with whom they were.
fn close(desk: &mut Desk<'_>, leaf: Place, offer: &Offer, refs: &[LotRef]) -> Verdict<()> {
    let mut lots = touch_all(desk, offer, refs.iter().map(Some))?;
    for touched in &mut lots {
        touched.next.offer = NONE;
        desk.put(touched);
    }
    desk.writes.push(Write::Offer(leaf, None));
    Ok(())
}
