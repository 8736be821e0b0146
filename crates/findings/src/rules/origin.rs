//! O: mines, permits, countries, lists.

use alloc::{format, string::String, vec::Vec};

use ore_audit::{AcceptFact, CommissionFact, Entry, Fact, ShipFact, StepFact, View, Word};
use ore_record::v1::{
    Attestation, AttestationKind, CommissionKind, Facility, FacilityKind, MaterialClass, Process, SealAction,
};

use super::{
    assay::{days, is_mineral},
    letters::letters,
};
use crate::{
    Finding, Judge, Rule, Standing, Terms,
    permits::{about, covers_mineral, minerals_of, named, scope_excludes, standing},
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
    let view = judge.view;
    let named = others.iter().copied().filter(|who| !who.is_empty());
    for who in core::iter::once(entry.author).chain(named) {
        let terms = &judge.terms;
        let names = judge.memory.sanctioned.entry(who).or_insert_with(|| sanctioned(&view, terms, who));
        let on = |name: &&String| terms.listed("sanctions", name, entry.event_ms) == Some(true);
        let Some(name) = names.iter().find(on).cloned() else { continue };
        let message = format!("{} is on the sanctions list ({name})", judge.text(who));
        let clears = "a list without it at that date, or a different owner";
        let mut found = Finding::new(Rule::O14, leaf, who, message, clears);
        found = view.journal.lots_touched(leaf).fold(found, Finding::lot);
        judge.flag(found);
    }
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
pub(crate) fn commission(judge: &mut Judge<'_>, leaf: u32, entry: &Entry, it: &CommissionFact) {
    member(judge, leaf, entry, &[]);
    if it.kind != CommissionKind::Extracted {
        return;
    }
    let view = judge.view;
    let Some(lot) = view.journal.lot(it.lot) else { return };
    let country = view.country(lot.facility);
    let attested = view.journal.attested(lot.facility).len() + view.journal.attested(entry.author).len();
    if !judge.budget.spend(attested as u64) {
        return;
    }
    tags(judge, leaf, entry, it.lot, lot.facility, country);
    extraction(judge, leaf, entry, it.lot, lot.facility, country);
    status(judge, leaf, entry, it.lot, lot.facility, country);
    if lot.origin_country != [0; 2] && lot.origin_country != country {
        let declared = letters(lot.origin_country);
        let message =
            format!("{} declares {declared}, its mine is in {}", judge.id(it.lot), letters(country));
        let clears = "a correction of the declared country";
        judge.flag(Finding::new(Rule::O7, leaf, entry.author, message, clears).lot(it.lot).at(lot.facility));
    }
    high_risk(judge, leaf, entry, it.lot, lot.facility, country);
    produced(judge, leaf, entry, it.lot, lot.facility, country);
}

/// O2: the scheme `tags` issues a range `first..last` of tags to a site.
fn tags(judge: &mut Judge<'_>, leaf: u32, entry: &Entry, lot: u32, site: Word, country: [u8; 2]) {
    let view = judge.view;
    let Some(fact) = view.journal.lot(lot) else { return };
    let kind = AttestationKind::Certificate;
    let ranges: Vec<_> =
        about(&view, site, kind).into_iter().filter(|(.., it)| it.scheme == "tags").collect();
    let asked = !ranges.is_empty() || judge.terms.required("tag-issue", &letters(country), entry.event_ms);
    // The first dispatch of the lot, once a tag asks for it.
    let mut shipped = None;
    for tag in &fact.tags {
        let within = |it: &Attestation| {
            let text = view.journal.text(*tag);
            it.scope
                .split_once("..")
                .is_some_and(|(first, last)| text.len() == first.len() && first <= text && text <= last)
        };
        let issued = ranges
            .iter()
            .any(|(.., it)| within(it) && standing(&view, it, entry.event_ms) == Standing::Valid);
        let mut other = None;
        let mut what = if asked && !issued { Some("was not issued to this site") } else { None };
        for (at, earlier) in view.posted(*tag) {
            // Somebody may have used one tag a hundred thousand times.
            if !judge.budget.spend(1) {
                return;
            }
            match &earlier.fact {
                Fact::SealEvent { action: SealAction::Voided, .. } if earlier.event_ms <= entry.event_ms => {
                    (what, other) = (Some("was void"), Some(at));
                }
                Fact::Commission(made) if at < leaf && earlier.author == entry.author => {
                    let before = view.journal.lot(made.lot).is_some_and(|it| it.tags.contains(tag));
                    if before && Some(made.lot) != fact.replaces {
                        (what, other) = (Some("was used before"), Some(at));
                    }
                }
                Fact::SealEvent { action: SealAction::Applied, lot: on, .. } if *on == lot => {
                    if shipped.is_none() && !judge.budget.spend(view.journal.timeline(lot).len() as u64) {
                        return;
                    }
                    let of_lot = || view.timeline(lot).find(|(_, entry)| matches!(entry.fact, Fact::Ship(_)));
                    if let Some((dispatch, ship)) = *shipped.get_or_insert_with(of_lot)
                        && earlier.event_ms > ship.event_ms
                    {
                        (what, other) = (Some("was applied after dispatch"), Some(dispatch));
                    }
                }
                _ => {}
            }
        }
        if let Some(what) = what {
            let message = format!("tag {} of {} {what}", judge.text(*tag), judge.id(lot));
            let clears = "a statement by the issuer of the tag, or a correction of the tag";
            let found = Finding::new(Rule::O2, leaf, entry.author, message, clears).lot(lot).at(site);
            judge.flag(found.rests_on(other).rests_on(ranges.iter().map(|range| range.0).take(4)));
        }
    }
}

/// O3.
fn extraction(judge: &mut Judge<'_>, leaf: u32, entry: &Entry, lot: u32, site: Word, country: [u8; 2]) {
    let view = judge.view;
    let kind = AttestationKind::ExtractionPermit;
    let mut permits = about(&view, site, kind);
    permits.extend(about(&view, entry.author, kind));
    let country = letters(country);
    if permits.is_empty() && !judge.terms.required("extraction-permit", &country, entry.event_ms) {
        return;
    }
    let minerals = minerals_of(&view, lot);
    let mut problem = (String::from("there is none"), None);
    for (at, _, permit) in &permits {
        let held = standing(&view, permit, entry.event_ms);
        let why = if held != Standing::Valid {
            held.word()
        } else if !covers_mineral(permit, &minerals) {
            "for another mineral"
        } else if scope_excludes(&view, &permit.scope, &[entry.author, site]) {
            "for another holder or site"
        } else {
            return;
        };
        problem = (format!("{} is {why}", permit.id), Some((*at, held.change())));
    }
    let message = format!("no extraction permit covers {}: {}", judge.id(lot), problem.0);
    let clears = "a permit for this holder, site, mineral and date, or its reinstatement";
    let found = Finding::new(Rule::O3, leaf, entry.author, message, clears).lot(lot).at(site);
    let rests = problem.1.into_iter().flat_map(|(at, change)| [Some(at), change]).flatten();
    judge.flag(found.rests_on(rests));
}

/// O5: the newest status by the day of extraction; red does not allow export.
fn status(judge: &mut Judge<'_>, leaf: u32, entry: &Entry, lot: u32, site: Word, country: [u8; 2]) {
    let view = judge.view;
    let stated = about(&view, site, AttestationKind::SiteStatus);
    let newest = stated
        .iter()
        .filter(|(.., it)| it.valid_from_ms <= entry.event_ms)
        .max_by_key(|(at, _, it)| (it.valid_from_ms, *at));
    let (what, rests) = match newest {
        None if judge.terms.required("site-status", &letters(country), entry.event_ms) => {
            (String::from("nobody stated a status"), [None, None])
        }
        None => return,
        Some((at, _, it)) => {
            let held = standing(&view, it, entry.event_ms);
            let scope = it.scope.to_ascii_lowercase();
            let blocked = ["red", "suspended", "blocked"].contains(&scope.as_str());
            if held == Standing::Valid && !blocked {
                return;
            }
            let word = if blocked { scope.as_str() } else { held.word() };
            (format!("its status {} is {word}", it.id), [Some(*at), held.change()])
        }
    };
    let message = format!("{} comes from a mine that may not export: {what}", judge.id(lot));
    let clears = "a status that allows export on the day of extraction";
    let found = Finding::new(Rule::O5, leaf, entry.author, message, clears).lot(lot).at(site);
    judge.flag(found.rests_on(rests.into_iter().flatten()));
}

/// O11 and O8.
fn high_risk(judge: &mut Judge<'_>, leaf: u32, entry: &Entry, lot: u32, site: Word, country: [u8; 2]) {
    let country = letters(country);
    if judge.terms.listed("cahra", &country, entry.event_ms) != Some(true) {
        return;
    }
    let message = format!("{} was mined in {country}, a listed area", judge.id(lot));
    let clears = "nothing: it asks for enhanced due diligence, which the file should show";
    judge.flag(Finding::new(Rule::O11, leaf, entry.author, message, clears).lot(lot).at(site));

    let view = judge.view;
    let paid = |leaf: u32| {
        view.journal.documents(leaf).any(|document| {
            let kind = judge.text(document.kind).to_ascii_lowercase();
            ["tax", "fee", "royalt"].iter().any(|word| kind.contains(word))
        })
    };
    let recorded = view.timeline(lot).any(|(at, _)| paid(at));
    if !recorded {
        let message = format!("no tax, fee or royalty is recorded for {}", judge.id(lot));
        let clears = "a record about the lot that names the receipt as a document";
        judge.flag(Finding::new(Rule::O8, leaf, entry.author, message, clears).lot(lot).at(site));
    }
}

/// O12: the list `producers:<mineral>` names the countries that produce it.
fn produced(judge: &mut Judge<'_>, leaf: u32, entry: &Entry, lot: u32, site: Word, country: [u8; 2]) {
    let country = letters(country);
    for mineral in minerals_of(&judge.view, lot) {
        if judge.terms.listed_in("producers:", mineral, &country, entry.event_ms) == Some(false) {
            let message = format!("{} claims {mineral} from {country}, which produces none", judge.id(lot));
            let clears = "evidence of production there, or a correction of mineral or country";
            judge.flag(Finding::new(Rule::O12, leaf, entry.author, message, clears).lot(lot).at(site));
            return;
        }
    }
}

/// O7, O13, O14 of a transformation.
pub(crate) fn step(judge: &mut Judge<'_>, leaf: u32, entry: &Entry, it: &StepFact) {
    member(judge, leaf, entry, &[]);
    let view = judge.view;
    if matches!(it.process, Process::Smelting | Process::Refining | Process::Reduction)
        && let Some(stated) = view.facility(it.facility)
        && matches!(stated.kind(), FacilityKind::Smelter | FacilityKind::Refinery)
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
    for output in &it.outputs {
        declared(judge, leaf, entry, output.lot);
    }
}

/// O7: the declared country against those with a share above zero.
fn declared(judge: &mut Judge<'_>, leaf: u32, entry: &Entry, lot: u32) {
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
    let from = letters(view.country(it.from));
    let permits: Vec<_> = it.permits.iter().filter_map(|permit| named(&view, *permit)).collect();
    let of = |kind: AttestationKind| {
        permits.iter().filter(move |(.., it)| it.kind() == kind).copied().collect::<Vec<_>>()
    };
    let transport = of(AttestationKind::TransportPermit);
    let mineral = it
        .lots
        .iter()
        .any(|shipped| view.journal.lot(shipped.lot).is_some_and(|lot| is_mineral(lot.material)));
    let asked = mineral && judge.terms.required("transport-permit", &from, entry.event_ms);
    if asked || !transport.is_empty() {
        transported(judge, leaf, entry, it, &transport);
    }
    let export = of(AttestationKind::ExportPermit);
    let abroad = !it.to.is_empty() && view.country(it.to) != view.country(it.from);
    let asked = mineral && abroad && judge.terms.required("export-certificate", &from, entry.event_ms);
    if asked || !export.is_empty() {
        exported(judge, leaf, entry, it, &export);
    }
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
    let country = letters(view.country(it.facility));
    if judge.terms.listed("cahra", &country, entry.event_ms) != Some(true) {
        return;
    }
    let minerals = it.lots.iter().filter(|accepted| {
        view.journal
            .lot(accepted.lot)
            .is_some_and(|lot| matches!(lot.material, MaterialClass::Ore | MaterialClass::Concentrate))
    });
    let lots: Vec<u32> = minerals.map(|accepted| accepted.lot).collect();
    if lots.is_empty() {
        return;
    }
    let message = format!("mineral passes through {country}, a listed area");
    let clears = "nothing: it asks for enhanced due diligence, which the file should show";
    let found = Finding::new(Rule::O11, leaf, entry.author, message, clears).at(it.facility);
    judge.flag(lots.into_iter().fold(found, Finding::lot));
}
