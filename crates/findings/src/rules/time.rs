//! T: order, speed, places, delays, seals.

use alloc::format;

use ore_audit::{AcceptFact, Entry, Fact, ShipFact, StepFact, Word, chain::places};
use ore_record::v1::SealState;

use crate::{Finding, Judge, Rule, Terms, great_circle::metres_between};

/// Entries of a lot's timeline that are compared with a new one.
const NEIGHBOURS: usize = 64;

/// T1, T3 and T4 of a transformation.
pub(crate) fn step(judge: &mut Judge<'_>, leaf: u32, entry: &Entry, it: &StepFact) {
    let view = judge.view;
    for input in &it.inputs {
        if let Some(made) = view.journal.lot(input.lot).map(|lot| lot.made_at)
            && let Some(maker) = view.entry(made)
        {
            order(judge, leaf, entry, (made, maker), input.lot, "is taken before it was made");
        }
        at_place(judge, leaf, entry, input.lot, it.facility, it.started_ms);
    }
}

/// T3, T4 and T5 of an offer.
pub(crate) fn ship(judge: &mut Judge<'_>, leaf: u32, entry: &Entry, it: &ShipFact) {
    for shipped in &it.lots {
        at_place(judge, leaf, entry, shipped.lot, it.from, 0);
    }
    let view = judge.view;
    let now = judge.now_ms;
    let answer = it.answer.and_then(|(at, taken)| view.entry(at).map(|entry| (at, entry, taken)));
    let (since, limit, until, what) = match answer {
        None => (judge.terms.thresholds.offer_days, "days for an answer", now, "has waited for an answer"),
        Some((_, answer, true)) if it.leaves() => {
            (judge.terms.thresholds.transit_days, "days on the way", answer.event_ms, "was on the way")
        }
        Some(_) => return,
    };
    let (took, most) = (until.saturating_sub(entry.event_ms), Terms::days_ms(since));
    if took <= most {
        return;
    }
    let days = took / Terms::days_ms(1);
    let message = format!("an offer to {} {what} for {days} days", judge.text(it.receiver));
    let clears = "an acceptance, a refusal or a cancellation; for a long journey, an explanation";
    let found = Finding::new(Rule::T5, leaf, entry.author, message, clears)
        .at(it.from)
        .number("days", i128::from(days), "d")
        .beyond(limit, i128::from(since), "d")
        .rests_on(answer.map(|(at, ..)| at));
    let found = it.lots.iter().fold(found, |found, shipped| found.lot(shipped.lot));
    judge.flag(found);
}

/// T1, T2 and T7 of a receipt.
pub(crate) fn accept(
    judge: &mut Judge<'_>,
    leaf: u32,
    entry: &Entry,
    it: &AcceptFact,
    (offer, ship): (&Entry, &ShipFact),
) {
    if let Some(first) = it.lots.first() {
        order(judge, leaf, entry, (it.offer, offer), first.lot, "is received before it was sent");
    }
    speed(judge, leaf, entry, it, offer, ship);
    for accepted in it.lots.iter().filter(|accepted| accepted.seals != SealState::Intact) {
        let sealed = ship.lots.iter().find(|shipped| shipped.lot == accepted.lot);
        let sealed = sealed.is_some_and(|shipped| !shipped.seals.is_empty());
        let what = match accepted.seals {
            SealState::Broken => "broken",
            SealState::Different => "different",
            SealState::Absent if sealed => "absent",
            SealState::Unspecified if sealed => "not looked at",
            _ => continue,
        };
        let message = format!("seals of {} are {what} at receipt", judge.id(accepted.lot));
        let clears = "a record of who opened the seals and why, or a new weighing and assay after receipt";
        let found = Finding::new(Rule::T7, leaf, entry.author, message, clears).lot(accepted.lot);
        judge.flag(found.at(it.facility).rests_on([it.offer]));
    }
}

/// T1: of two authors, for one author's records are refused.
#[inline]
fn order(judge: &mut Judge<'_>, leaf: u32, entry: &Entry, before: (u32, &Entry), lot: u32, what: &str) {
    let early = before.1.event_ms.saturating_sub(entry.event_ms);
    if before.1.author != entry.author && early > judge.terms.clock_tolerance_ms {
        too_early(judge, leaf, entry, (before.0, early), lot, what);
    }
}

#[cold]
fn too_early(
    judge: &mut Judge<'_>,
    leaf: u32,
    entry: &Entry,
    (before, early): (u32, u64),
    lot: u32,
    what: &str,
) {
    let message = format!("{} {what}", judge.id(lot));
    let clears = "a correction of the time by the author whose clock was wrong";
    let found = Finding::new(Rule::T1, leaf, entry.author, message, clears)
        .lot(lot)
        .number("earlier by", i128::from(early), "ms")
        .beyond("clocks may differ by", i128::from(judge.terms.clock_tolerance_ms), "ms")
        .rests_on([before]);
    judge.flag(found);
}

/// T2. A place is known to a kilometre at best.
#[inline]
fn speed(judge: &mut Judge<'_>, leaf: u32, entry: &Entry, it: &AcceptFact, offer: &Entry, ship: &ShipFact) {
    let Some(metres) = metres(judge, ship.from, it.facility) else { return };
    let Some(took) = entry.event_ms.checked_sub(offer.event_ms) else { return };
    let most = judge.terms.speed_kmh(ship.mode);
    // km/h: metres * 3,600,000 ms/h / 1,000 m/km.
    if u128::from(metres.saturating_sub(1_000)) * 3_600 > u128::from(most) * u128::from(took) {
        too_fast(judge, leaf, entry, it, ship, (metres, took, most));
    }
}

#[cold]
fn too_fast(
    judge: &mut Judge<'_>,
    leaf: u32,
    entry: &Entry,
    it: &AcceptFact,
    ship: &ShipFact,
    (metres, took, most): (u64, u64, u32),
) {
    let message = format!(
        "{} km from {} to {} in {} minutes",
        metres / 1_000,
        judge.text(ship.from),
        judge.text(it.facility),
        took / 60_000
    );
    let clears = "a correction of times, places or means of transport";
    let found = Finding::new(Rule::T2, leaf, entry.author, message, clears)
        .at(it.facility)
        .number("distance", i128::from(metres), "m")
        .number("time", i128::from(took), "ms")
        .beyond("speed", i128::from(most), "km/h")
        .rests_on([it.offer]);
    let found = it.lots.iter().fold(found, |found, accepted| found.lot(accepted.lot));
    judge.flag(found);
}

/// Pairs of places whose distance is remembered.
const MOST_PAIRS: usize = 1 << 16;

/// Between two facilities that state their places; worked out once for a question.
fn metres(judge: &mut Judge<'_>, from: Word, to: Word) -> Option<u64> {
    if judge.memory.metres.len() >= MOST_PAIRS {
        judge.memory.metres.clear();
    }
    let key = (from, to);
    if let Some(known) = judge.memory.metres.get(&key) {
        return *known;
    }
    let places = judge.place(from).at.zip(judge.place(to).at);
    let metres = places.map(|(from, to)| metres_between(from, to));
    judge.memory.metres.insert(key, metres);
    metres
}

/// T3 and T4: a record says that a lot is at a place; what does the lot's timeline say?
pub(crate) fn at_place(
    judge: &mut Judge<'_>,
    leaf: u32,
    entry: &Entry,
    lot: u32,
    place: Word,
    started_ms: u64,
) {
    let view = judge.view;
    if place.is_empty() {
        return;
    }
    let Some(made) = view.journal.lot(lot) else { return };
    let before = view.timeline_before(lot, leaf).rev().take(NEIGHBOURS);
    let start = if started_ms == 0 { entry.event_ms } else { started_ms };
    let in_order = view.journal.in_order(lot);
    let mut last = None;
    for (at, other) in before {
        // Where it came into being stands beside it: the record that made it may have made many.
        let (begins, ends) =
            if at == made.made_at { (None, Some(made.facility)) } else { places(&view, lot, &other.fact) };
        if last.is_none() {
            last = ends.map(|ends| (at, ends));
        }
        if other.event_ms < start {
            // Over by then. Where times are in order, what came before that was too.
            if in_order && last.is_some() {
                break;
            }
            continue;
        }
        // The other record holds the lot at its own place from its start to its event.
        let (from, until) = match &other.fact {
            Fact::Step(step) if begins.is_some() && step.started_ms != 0 => (step.started_ms, other.event_ms),
            // Only ownership passed.
            Fact::Accept(accept) if accept.facility.is_empty() => continue,
            // On the way from dispatch to receipt, the ends excluded.
            Fact::Accept(accept) => match view.entry(accept.offer) {
                Some(offer) => (offer.event_ms.saturating_add(1), other.event_ms.saturating_sub(1)),
                None => continue,
            },
            _ => (other.event_ms, other.event_ms),
        };
        let journey = matches!(other.fact, Fact::Accept(_));
        let there = if journey { None } else { begins };
        let elsewhere = if journey { true } else { there.is_some_and(|there| there != place) };
        let meets = from <= until && start <= until && from <= entry.event_ms;
        // The last instant before leaving and the first after arriving touch; only campaigns and journeys overlap.
        let apart = from == until && start == entry.event_ms && from != start;
        if elsewhere && meets && !apart && !matches!(other.fact, Fact::Ship(_)) {
            return in_two_places(judge, leaf, entry, (lot, place), at, (there, from, until));
        }
    }
    if let Some((at, was)) = last.filter(|(_, was)| !was.is_empty() && *was != place) {
        moved(judge, leaf, entry, (lot, place), at, was);
    }
}

/// T3.
#[cold]
fn in_two_places(
    judge: &mut Judge<'_>,
    leaf: u32,
    entry: &Entry,
    (lot, place): (u32, Word),
    other: u32,
    (there, from, until): (Option<Word>, u64, u64),
) {
    let message = format!(
        "{} is at {} while another record has it {}",
        judge.id(lot),
        judge.text(place),
        there.map_or("on the way", |there| judge.text(there))
    );
    let clears = "a correction of the time or place of one of the two records";
    let found = Finding::new(Rule::T3, leaf, entry.author, message, clears)
        .lot(lot)
        .at(place)
        .number("from", i128::from(from), "ms")
        .number("until", i128::from(until), "ms")
        .rests_on([other]);
    judge.flag(found);
}

/// T4.
#[cold]
fn moved(judge: &mut Judge<'_>, leaf: u32, entry: &Entry, (lot, place): (u32, Word), before: u32, was: Word) {
    let message =
        format!("{} was at {} and appears at {}", judge.id(lot), judge.text(was), judge.text(place));
    let clears = "the missing shipment and receipt, or a correction of the place";
    let found = Finding::new(Rule::T4, leaf, entry.author, message, clears).lot(lot).at(place);
    judge.flag(found.rests_on([before]));
}
