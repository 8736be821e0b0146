//! O: what is asked of a mine, when a lot comes from it: tags, permits, status, country.

use alloc::{format, string::String, vec::Vec};

use ore_audit::{Entry, Fact, LotFact, Word};
use ore_record::v1::{Attestation, AttestationKind, SealAction};

use super::letters::letters;
use crate::{
    Finding, Judge, Rule, Standing,
    permits::{among, covers_mineral, minerals_of, scope_excludes, standing},
    places::{Evidence, Place},
};

/// A lot that was mined, with what several rules ask about it.
#[derive(Clone, Copy)]
struct Mined<'a> {
    leaf: u32,
    entry: &'a Entry,
    lot: u32,
    fact: &'a LotFact,
    site: Word,
    place: Place,
    /// Leaves of attestations about the site, and about the miner.
    of_site: &'a [u32],
    of_miner: &'a [u32],
}

impl Mined<'_> {
    fn requires(&self, judge: &Judge<'_>, evidence: Evidence) -> bool {
        self.place.requires(&judge.terms, evidence, self.entry.event_ms)
    }

    fn found(&self, rule: Rule, message: String, clears: &'static str) -> Finding {
        Finding::new(rule, self.leaf, self.entry.author, message, clears).lot(self.lot).at(self.site)
    }
}

/// O2, O3, O5, O7, O8, O11 and O12 of a lot that was mined.
pub(crate) fn extracted<'a>(judge: &mut Judge<'a>, leaf: u32, entry: &'a Entry, lot: u32) {
    let journal = judge.view.journal;
    let Some(fact) = journal.lot(lot) else { return };
    let (of_site, of_miner) = (journal.attested(fact.facility), journal.attested(entry.author));
    if !judge.budget.spend((of_site.len() + of_miner.len()) as u64) {
        return;
    }
    let (site, place) = (fact.facility, judge.place(fact.facility));
    let mined = Mined { leaf, entry, lot, fact, site, place, of_site, of_miner };
    tags(judge, &mined);
    extraction(judge, &mined);
    status(judge, &mined);
    if fact.origin_country != [0; 2] && fact.origin_country != place.country {
        let declared = letters(fact.origin_country);
        let message =
            format!("{} declares {declared}, its mine is in {}", judge.id(lot), letters(place.country));
        judge.flag(mined.found(Rule::O7, message, "a correction of the declared country"));
    }
    high_risk(judge, &mined);
    produced(judge, &mined);
}

/// O2: the scheme `tags` issues a range `first..last` of tags to a site.
fn tags(judge: &mut Judge<'_>, mined: &Mined<'_>) {
    let (view, Mined { leaf, entry, lot, fact, .. }) = (judge.view, *mined);
    if fact.tags.is_empty() {
        return;
    }
    let ranges = among(&view, mined.of_site, AttestationKind::Certificate);
    let ranges: Vec<_> = ranges.filter(|(.., it)| it.scheme == "tags").collect();
    let asked = !ranges.is_empty() || mined.requires(judge, Evidence::TagIssue);
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
            let found = mined.found(Rule::O2, message, clears);
            judge.flag(found.rests_on(other).rests_on(ranges.iter().map(|range| range.0).take(4)));
        }
    }
}

/// O3.
fn extraction(judge: &mut Judge<'_>, mined: &Mined<'_>) {
    let (view, Mined { entry, lot, site, .. }) = (judge.view, *mined);
    let kind = AttestationKind::ExtractionPermit;
    let mut permits = among(&view, mined.of_site, kind).chain(among(&view, mined.of_miner, kind)).peekable();
    if permits.peek().is_none() && !mined.requires(judge, Evidence::ExtractionPermit) {
        return;
    }
    let minerals = minerals_of(&view, lot);
    let mut problem = (String::from("there is none"), None);
    for (at, _, permit) in permits {
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
        problem = (format!("{} is {why}", permit.id), Some((at, held.change())));
    }
    let message = format!("no extraction permit covers {}: {}", judge.id(lot), problem.0);
    let clears = "a permit for this holder, site, mineral and date, or its reinstatement";
    let rests = problem.1.into_iter().flat_map(|(at, change)| [Some(at), change]).flatten();
    judge.flag(mined.found(Rule::O3, message, clears).rests_on(rests));
}

/// O5: the newest status by the day of extraction; red does not allow export.
fn status(judge: &mut Judge<'_>, mined: &Mined<'_>) {
    let (view, entry) = (judge.view, mined.entry);
    let newest = among(&view, mined.of_site, AttestationKind::SiteStatus)
        .filter(|(.., it)| it.valid_from_ms <= entry.event_ms)
        .max_by_key(|(at, _, it)| (it.valid_from_ms, *at));
    let (what, rests) = match newest {
        None if mined.requires(judge, Evidence::SiteStatus) => {
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
            (format!("its status {} is {word}", it.id), [Some(at), held.change()])
        }
    };
    let message = format!("{} comes from a mine that may not export: {what}", judge.id(mined.lot));
    let clears = "a status that allows export on the day of extraction";
    judge.flag(mined.found(Rule::O5, message, clears).rests_on(rests.into_iter().flatten()));
}

/// O11 and O8.
fn high_risk(judge: &mut Judge<'_>, mined: &Mined<'_>) {
    if !mined.place.at_risk(&judge.terms, mined.entry.event_ms) {
        return;
    }
    let (view, lot) = (judge.view, mined.lot);
    let message = format!("{} was mined in {}, a listed area", judge.id(lot), letters(mined.place.country));
    let clears = "nothing: it asks for enhanced due diligence, which the file should show";
    judge.flag(mined.found(Rule::O11, message, clears));

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
        judge.flag(mined.found(Rule::O8, message, clears));
    }
}

/// O12: the list `producers:<mineral>` names the countries that produce it.
fn produced(judge: &mut Judge<'_>, mined: &Mined<'_>) {
    if !mined.place.unproduced {
        return;
    }
    let country = letters(mined.place.country);
    for mineral in minerals_of(&judge.view, mined.lot) {
        let produces = judge.terms.listed_in("producers:", mineral, &country, mined.entry.event_ms);
        if produces == Some(false) {
            let id = judge.id(mined.lot);
            let message = format!("{id} claims {mineral} from {country}, which produces none");
            let clears = "evidence of production there, or a correction of mineral or country";
            judge.flag(mined.found(Rule::O12, message, clears));
            return;
        }
    }
}
