//! O: permits, countries, lists. What is asked of a mine is in `mines`.

use alloc::{format, string::String, vec::Vec};

use ore_audit::{AcceptFact, CommissionFact, Entry, Fact, ShipFact, ShippedFact, StepFact, View, Word};
use ore_record::v1::{Attestation, AttestationKind, CommissionKind, Facility, Process};

use super::{
    assay::{days, is_mineral},
    letters::letters,
    mines,
};
use crate::{
    Finding, Judge, Rule, Standing, Terms,
    permits::{covers_mineral, minerals_of, named, standing},
    places::Evidence,
};

/// A6: the list `country-boxes` holds `CC:south,west,north,east` in degrees.
pub(crate) fn facility(judge: &mut Judge<'_>, leaf: u32, entry: &Entry, it: &Facility) {
    member(judge, leaf, entry, &[]);
    if (it.latitude_e7, it.longitude_e7) == (0, 0) {
        return;
    }
    let Some(bounds) = judge.terms.keyed("country-boxes", &it.country, entry.event_ms) else { return };
    let bounds: Vec<i64> = bounds.split(',').filter_map(degrees_e7).collect();
    let &[south, west, north, east] = bounds.as_slice() else { return };
    let (latitude, longitude) = (i64::from(it.latitude_e7), i64::from(it.longitude_e7));
    // A country across the 180th meridian has its west east of its east.
    let between = if west <= east {
        (west..=east).contains(&longitude)
    } else {
        longitude >= west || longitude <= east
    };
    if (south..=north).contains(&latitude) && between {
        return;
    }
    let message = format!("{} lies outside {}", it.id, it.country);
    let word = judge.view.journal.words().find(&it.id).unwrap_or_default();
    let found =
        Finding::new(Rule::A6, leaf, entry.author, message, "a registration with the right place or country")
            .at(word)
            .number("latitude", i128::from(latitude), "1e-7 degree")
            .number("longitude", i128::from(longitude), "1e-7 degree");
    judge.flag(found);
}

fn degrees_e7(text: &str) -> Option<i64> {
    let (text, negative) = match text.trim().strip_prefix('-') {
        Some(rest) => (rest, true),
        None => (text.trim(), false),
    };
    let (whole, part) = text.split_once('.').unwrap_or((text, ""));
    let part: i64 = format!("{part:0<7}").get(..7)?.parse().ok()?;
    let value = whole.parse::<i64>().ok()?.checked_mul(10_000_000)?.checked_add(part)?;
    Some(if negative { -value } else { value })
}

/// O14, for the author and those it names.
fn member(judge: &mut Judge<'_>, leaf: u32, entry: &Entry, others: &[Word]) {
    on_list(judge, leaf, entry, entry.author);
    for who in others.iter().copied().filter(|who| !who.is_empty()) {
        on_list(judge, leaf, entry, who);
    }
}

#[inline]
fn on_list(judge: &mut Judge<'_>, leaf: u32, entry: &Entry, who: Word) {
    let (view, terms) = (&judge.view, &judge.terms);
    if !judge.memory.sanctioned.get_or(who, || sanctioned(view, terms, who)).is_empty() {
        sanction(judge, leaf, entry, who);
    }
}

#[cold]
fn sanction(judge: &mut Judge<'_>, leaf: u32, entry: &Entry, who: Word) {
    let (view, terms) = (&judge.view, &judge.terms);
    let names = judge.memory.sanctioned.get_or(who, || sanctioned(view, terms, who));
    let on = |name: &&String| terms.listed("sanctions", name, entry.event_ms) == Some(true);
    let Some(name) = names.iter().find(on).cloned() else { return };
    let message = format!("{} is on the sanctions list ({name})", judge.text(who));
    let clears = "a list without it at that date, or a different owner";
    let found = Finding::new(Rule::O14, leaf, who, message, clears);
    judge.flag(judge.view.journal.lots_touched(leaf).fold(found, Finding::lot));
}

/// Names of a member that some sanctions list holds, at whatever date: none, as a rule.
fn sanctioned(view: &View<'_>, terms: &Terms, who: Word) -> Vec<String> {
    let mut names = Vec::from([String::from(view.journal.text(who))]);
    if let Some(stated) = view.member(who) {
        names.extend(stated.identifiers.iter().map(|it| format!("{}:{}", it.scheme, it.value)));
    }
    names.retain(|name| terms.ever_listed("sanctions", name));
    names
}

/// O2, O3, O5, O7, O8, O11, O12, O14 of a lot from outside.
pub(crate) fn commission<'a>(judge: &mut Judge<'a>, leaf: u32, entry: &'a Entry, it: &CommissionFact) {
    member(judge, leaf, entry, &[]);
    if it.kind == CommissionKind::Extracted {
        mines::extracted(judge, leaf, entry, it.lot);
    }
}

/// O13 and O14 of a transformation.
pub(crate) fn step(judge: &mut Judge<'_>, leaf: u32, entry: &Entry, it: &StepFact) {
    member(judge, leaf, entry, &[]);
    let view = judge.view;
    if matches!(it.process, Process::Smelting | Process::Refining | Process::Reduction)
        && judge.place(it.facility).unlisted
        && let Some(stated) = view.facility(it.facility)
    {
        let on = |name: &str| judge.terms.listed("conformant-smelters", name, entry.event_ms);
        if on(&stated.id) == Some(false)
            && (stated.reference.is_empty() || on(&stated.reference) == Some(false))
        {
            let message = format!("{} is not on the conformant list at that date", stated.id);
            let clears = "a list that names it at that date";
            let found = Finding::new(Rule::O13, leaf, entry.author, message, clears).at(it.facility);
            judge.flag(it.outputs.iter().map(|output| output.lot).fold(found, Finding::lot));
        }
    }
}

/// O7: the declared country against those with a share above zero.
pub(crate) fn declared(judge: &mut Judge<'_>, leaf: u32, entry: &Entry, lot: u32) {
    let view = judge.view;
    let Some(stated) = view.journal.lot(lot).map(|lot| lot.origin_country).filter(|it| *it != [0; 2]) else {
        return;
    };
    let Some(element) = view.main_element(lot) else { return };
    let Some(found) = judge.shares(lot, element, view.as_of) else { return };
    let other: Vec<_> = found
        .by_country
        .iter()
        .filter(|(country, share)| *country != stated && share.value.units() > 0)
        .collect();
    if other.is_empty() {
        return;
    }
    let names: Vec<String> = other.iter().map(|(country, _)| String::from(&*letters(*country))).collect();
    let message =
        format!("{} declares {}, computed too: {}", judge.id(lot), letters(stated), names.join(", "));
    let clears = "a declaration of every country, or inputs of known origin";
    let mut flagged = Finding::new(Rule::O7, leaf, entry.author, message, clears).lot(lot);
    for (_, share) in other {
        flagged = flagged.number("share of another country", i128::from(share.value.units()), "1e-18");
    }
    judge.flag(flagged);
}

/// O4, O6, O14 of an offer.
pub(crate) fn ship(judge: &mut Judge<'_>, leaf: u32, entry: &Entry, it: &ShipFact) {
    member(judge, leaf, entry, &[it.receiver, it.carrier]);
    let view = judge.view;
    let from = judge.place(it.from);
    let mineral =
        |shipped: &ShippedFact| view.journal.lot(shipped.lot).is_some_and(|lot| is_mineral(lot.material));
    let required = |judge: &Judge<'_>, evidence: Evidence| {
        from.requires(&judge.terms, evidence, entry.event_ms) && it.lots.iter().any(mineral)
    };
    let transport = permits(&view, it, AttestationKind::TransportPermit);
    if !transport.is_empty() || required(judge, Evidence::TransportPermit) {
        transported(judge, leaf, entry, it, &transport);
    }
    let export = permits(&view, it, AttestationKind::ExportPermit);
    let abroad = |judge: &mut Judge<'_>| !it.to.is_empty() && judge.place(it.to).country != from.country;
    if !export.is_empty() || required(judge, Evidence::ExportCertificate) && abroad(judge) {
        exported(judge, leaf, entry, it, &export);
    }
}

/// Those of a kind that an offer names.
fn permits<'a>(view: &View<'a>, it: &ShipFact, kind: AttestationKind) -> Vec<(u32, Word, &'a Attestation)> {
    if it.permits.is_empty() {
        return Vec::new();
    }
    let named = it.permits.iter().filter_map(|permit| named(view, *permit));
    named.filter(|(.., permit)| permit.kind() == kind).collect()
}

fn transported(
    judge: &mut Judge<'_>,
    leaf: u32,
    entry: &Entry,
    it: &ShipFact,
    permits: &[(u32, Word, &Attestation)],
) {
    let view = judge.view;
    let arrival = it.answer.and_then(|(at, taken)| view.entry(at).filter(|_| taken));
    let until = arrival.map_or_else(|| judge.now_ms.max(entry.event_ms), |arrival| arrival.event_ms);
    let minerals: Vec<&str> = it.lots.iter().flat_map(|shipped| minerals_of(&view, shipped.lot)).collect();
    let mut problem = (String::from("there is none"), Vec::new(), None);
    for (at, _, permit) in permits {
        let (sent, arrived) = (standing(&view, permit, entry.event_ms), standing(&view, permit, until));
        let (why, number) = if sent != Standing::Valid {
            (format!("is {} at dispatch", sent.word()), None)
        } else if arrived != Standing::Valid {
            (format!("is {} before the journey ends", arrived.word()), None)
        } else if !covers_mineral(permit, &minerals) {
            (String::from("is for another mineral"), None)
        } else if let Some(carried) = carried(judge, permit, leaf) {
            (String::from("is used up"), Some((carried, permit.quantity_cap_mg)))
        } else {
            return;
        };
        let changes = [sent.change(), arrived.change()].into_iter().flatten();
        let rests = core::iter::once(*at).chain(changes).collect();
        problem = (format!("{} {why}", permit.id), rests, number);
    }
    let message = format!("no transport permit covers the journey: {}", problem.0);
    let clears = "a permit for the mineral, the quantity and the whole journey";
    let mut found =
        Finding::new(Rule::O4, leaf, entry.author, message, clears).at(it.from).rests_on(problem.1);
    if let Some((carried, cap)) = problem.2 {
        found = found.number("carried under the permit", carried.cast_signed(), "mg").beyond(
            "quantity of the permit",
            i128::from(cap),
            "mg",
        );
    }
    judge.flag(it.lots.iter().fold(found, |found, shipped| found.lot(shipped.lot)));
}

/// Dry milligrams sent under a permit up to a record, that one included, when they pass its quantity. What was
/// sent under each is added up once for a question.
fn carried(judge: &mut Judge<'_>, permit: &Attestation, leaf: u32) -> Option<u128> {
    let view = judge.view;
    if permit.quantity_cap_mg == 0 {
        return None;
    }
    let word = view.journal.words().find(&permit.id)?;
    let sent = judge.memory.carried.entry(word).or_insert_with(|| {
        let mut sum = 0;
        let under = view.posted(word).filter_map(|(leaf, entry)| match &entry.fact {
            Fact::Ship(ship) if ship.permits.contains(&word) => Some((leaf, ship)),
            _ => None,
        });
        let sums = under.map(|(leaf, ship)| {
            sum += ship.lots.iter().map(|shipped| u128::from(shipped.dry_mg)).sum::<u128>();
            (leaf, sum)
        });
        sums.collect()
    });
    let last = sent.partition_point(|(at, _)| *at <= leaf).checked_sub(1)?;
    sent.get(last).map(|(_, sum)| *sum).filter(|sum| *sum > u128::from(permit.quantity_cap_mg))
}

fn exported(
    judge: &mut Judge<'_>,
    leaf: u32,
    entry: &Entry,
    it: &ShipFact,
    permits: &[(u32, Word, &Attestation)],
) {
    let view = judge.view;
    let most = judge.terms.thresholds.export_certificate_days;
    let total: u128 = it.lots.iter().map(|shipped| u128::from(shipped.dry_mg)).sum();
    let mut problem = (String::from("there is none"), None);
    for (at, _, permit) in permits {
        let held = standing(&view, permit, entry.event_ms);
        let validity = permit.valid_until_ms.saturating_sub(permit.valid_from_ms);
        let subject = view.journal.ordinal(&permit.subject);
        let covers = match subject {
            Some(_) => it.lots.iter().all(|shipped| judge.id(shipped.lot) == permit.subject),
            // About the exporter, or about the place that it leaves from.
            None => permit.subject == judge.text(entry.author) || permit.subject == judge.text(it.from),
        };
        let why = if permit.valid_until_ms == 0 || validity > Terms::days_ms(most) {
            format!("is valid for {} days", days(validity))
        } else if held != Standing::Valid {
            format!("is {} at dispatch", held.word())
        } else if !covers {
            format!("is about {}", permit.subject)
        } else if permit.quantity_cap_mg > 0 && total > u128::from(permit.quantity_cap_mg) {
            format!("is for {} mg", permit.quantity_cap_mg)
        } else {
            return;
        };
        problem = (format!("{} {why}", permit.id), Some(*at));
    }
    let message = format!("no export certificate fits the shipment: {}", problem.0);
    let clears = "a certificate of at most the stated days for this exporter, lot and mass";
    let found = Finding::new(Rule::O6, leaf, entry.author, message, clears)
        .at(it.from)
        .number("shipped", total.cast_signed(), "mg")
        .beyond("validity", i128::from(most), "d")
        .rests_on(problem.1);
    judge.flag(it.lots.iter().fold(found, |found, shipped| found.lot(shipped.lot)));
}

/// O11 in transit, and O14 of the receiver.
pub(crate) fn accept(judge: &mut Judge<'_>, leaf: u32, entry: &Entry, it: &AcceptFact) {
    member(judge, leaf, entry, &[]);
    let view = judge.view;
    let place = judge.place(it.facility);
    if !place.at_risk(&judge.terms, entry.event_ms) {
        return;
    }
    let minerals = it
        .lots
        .iter()
        .filter(|accepted| view.journal.lot(accepted.lot).is_some_and(|lot| is_mineral(lot.material)));
    let lots: Vec<u32> = minerals.map(|accepted| accepted.lot).collect();
    if lots.is_empty() {
        return;
    }
    let message = format!("mineral passes through {}, a listed area", letters(place.country));
    let clears = "nothing: it asks for enhanced due diligence, which the file should show";
    let found = Finding::new(Rule::O11, leaf, entry.author, message, clears).at(it.facility);
    judge.flag(lots.into_iter().fold(found, Finding::lot));
}
