//! Digital Product Passports: where the metal of one lot came from, computed from the ledger.
//!
//! `materialProvenance` has one row for each element, country and route, whose mass fractions sum to
//! exactly the elements' fractions of the lot, in units of 10^-12. What is uncertain has a tolerance on
//! its mass: the outer bounds of the shares and of the assay together. Nobody's statement is improved on:
//! an unknown origin is country "ZZ", and an element that no assay names is not in the passport.

use ore_record::{
    RecordId, content, elements,
    v1::{ClaimedShare, Facility, MaterialClass, Member, NewLot, OriginKind, Route},
};
use serde_json::{Value, json};

use crate::{
    names,
    number::{apportion, decimal, kilograms},
    place::Place,
    shape::{self, measure},
    status,
    time::date,
};

pub use crate::shape::{Issue, Link};

/// One whole, as shares count.
const WHOLE: u64 = 1_000_000_000_000_000_000;
/// Units of a mass fraction in one part per billion: fractions have twelve decimals.
const FRACTIONS_IN_PPB: u64 = 1_000;
/// Parts per billion in one whole.
const PPB: u64 = 1_000_000_000;
/// ISO 14021:2016, the standard of recycled content.
const ISO_14021: &str = "https://www.iso.org/standard/66652.html";

/// One element of the lot: how much of it there is, and where it came from.
#[derive(Clone, Debug)]
pub struct Element {
    /// Atomic number.
    pub number: u32,
    /// Parts per billion of dry mass.
    pub ppb: u32,
    /// Expanded uncertainty (k = 2) of it.
    pub uncertainty_ppb: u32,
    /// Shares by origin, summing to 10^18, from a verified bundle.
    pub shares: Vec<ClaimedShare>,
}

/// What a passport states, all of it from the ledger.
#[derive(Clone, Debug)]
pub struct Facts<'a> {
    /// Who issues it, where and for how long.
    pub issue: Issue<'a>,
    /// Origin of the ledger.
    pub origin: &'a str,
    /// Entries of the log that it was computed from.
    pub tree_size: u64,
    /// The lot, as the record that made it states it.
    pub lot: &'a NewLot,
    /// Dry mass now, milligrams.
    pub mass_mg: u64,
    /// Who made it.
    pub maker: &'a Member,
    /// Who owns it now.
    pub owner: &'a Member,
    /// Where it was made.
    pub facility: &'a Facility,
    /// When, by the maker's account; milliseconds since 1970.
    pub made_ms: u64,
    /// The record that made it.
    pub made_by: RecordId,
    /// Its leaf in the log.
    pub made_at: u64,
    /// In order of importance.
    pub elements: Vec<Element>,
    /// Receipt, bundle, events.
    pub evidence: Vec<Link>,
    /// Whether each mine and collection point has a row of its own.
    pub by_source: bool,
}

/// Where a lot's credential is. One for each making record: a corrected lot has another.
#[must_use]
pub fn id(place: &Place, lot: &str, made_by: &RecordId) -> String {
    format!("{}/passport#{made_by}", place.lot(lot))
}

/// The unsigned passport.
#[must_use]
pub fn passport(facts: &Facts<'_>) -> Value {
    let place = facts.issue.place;
    let what = if facts.lot.form.is_empty() { material(facts.lot) } else { facts.lot.form.clone() };
    let number = facts.lot.lot.split_once('/').map_or(facts.lot.lot.as_str(), |(_, number)| number);
    let name = format!("Digital Product Passport - {what} {number}");
    let mut subject = product(facts, &what, number);
    subject["materialProvenance"] = facts.elements.iter().flat_map(|element| rows(facts, element)).collect();
    subject["performanceClaim"] =
        facts.elements.iter().map(|element| recycled_claim(facts, element)).collect();
    subject["relatedDocument"] = facts.evidence.iter().map(Link::json).collect();
    let id = id(place, &facts.lot.lot, &facts.made_by);
    let mut passport = shape::credential(&facts.issue, "DigitalProductPassport", id, name, subject);
    passport["credentialStatus"] = status::entry(place, facts.made_at);
    passport
}

fn product(facts: &Facts<'_>, what: &str, number: &str) -> Value {
    let place = facts.issue.place;
    let lot = facts.lot;
    let mut product = json!({
        "type": ["Product"],
        "id": place.lot(&lot.lot),
        "name": what,
        "idScheme": {
            "type": ["IdentifierScheme"],
            "id": format!("{}/v1/lots", place.base()),
            "name": format!("Lots of the ledger {}", facts.origin),
        },
        "productCategory": [category_of(lot)],
        "relatedParty": [
            shape::party_role(place, "manufacturer", facts.maker),
            shape::party_role(place, "owner", facts.owner),
        ],
        "producedAtFacility": shape::facility(place, facts.facility),
        "productionDate": date(facts.made_ms),
        "countryOfProduction": shape::country(made_in(facts)),
        "dimensions": { "weight": measure(kilograms(facts.mass_mg), "KGM", None, None) },
        "characteristics": {
            "ledger": facts.origin,
            "lot": lot.lot,
            "record": facts.made_by.to_string(),
            "leafIndex": facts.made_at,
            "treeSize": facts.tree_size,
            "chainOfCustodyModel": words(lot.model().as_str_name(), "CUSTODY_MODEL_"),
        },
    });
    if lot.serial.is_empty() {
        product["idGranularity"] = "batch".into();
        product["batchNumber"] = number.into();
    } else {
        product["idGranularity"] = "item".into();
        product["itemNumber"] = lot.serial.as_str().into();
    }
    product
}

/// The country of the last substantial transformation, where it is stated, else where the facility is.
fn made_in<'a>(facts: &'a Facts<'_>) -> &'a str {
    let stated = &facts.lot.transformation_country;
    if stated.is_empty() { &facts.facility.country } else { stated }
}

pub(crate) fn category_of(lot: &NewLot) -> Value {
    shape::category(&lot.hs_code, &material(lot), &lot.form)
}

fn material(lot: &NewLot) -> String {
    words(MaterialClass::try_from(lot.material).unwrap_or_default().as_str_name(), "MATERIAL_CLASS_")
}

/// The name of an enum's value in words: "MATERIAL_CLASS_SPUTTERING_TARGET" is "sputtering target".
pub(crate) fn words(name: &str, prefix: &str) -> String {
    name.strip_prefix(prefix).unwrap_or(name).to_ascii_lowercase().replace('_', " ")
}

/// A share with its bounds, of one row.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Band {
    value: u64,
    lower: u64,
    upper: u64,
}

/// What tells one row from another: country, route, where the metal was first seen, and perhaps the source.
type Key<'a> = (&'a str, Route, OriginKind, &'a str);

/// Shares by row, largest first. Bounds are added, then narrowed because shares sum to one.
fn bands<'a>(element: &'a Element, by_source: bool) -> Vec<(Key<'a>, Band)> {
    let mut rows: Vec<(Key<'a>, Band)> = Vec::new();
    for share in &element.shares {
        let source = if by_source { share.source.as_str() } else { "" };
        let key = (share.country.as_str(), share.route(), share.kind(), source);
        let at = rows.iter().position(|(known, _)| *known == key).unwrap_or_else(|| {
            rows.push((key, Band::default()));
            rows.len() - 1
        });
        let band = &mut rows[at].1;
        band.value = band.value.saturating_add(share.value);
        band.lower = band.lower.saturating_add(share.lower);
        band.upper = band.upper.saturating_add(share.upper).min(WHOLE);
    }
    let all = |of: fn(&Band) -> u64| rows.iter().map(|(_, band)| u128::from(of(band))).sum::<u128>();
    let (lowers, uppers) = (all(|band| band.lower), all(|band| band.upper));
    for (_, band) in &mut rows {
        let others_least = lowers - u128::from(band.lower);
        let others_most = uppers - u128::from(band.upper);
        let least = u128::from(WHOLE).saturating_sub(others_most).min(band.value.into()) as u64;
        let most = u128::from(WHOLE).saturating_sub(others_least).max(band.value.into()) as u64;
        band.lower = band.lower.max(least).min(band.value);
        band.upper = band.upper.min(most).max(band.value);
    }
    rows.sort_by_key(|(key, band)| (key.1 as i32, core::cmp::Reverse(band.value), key.0, key.3));
    rows
}

fn rows(facts: &Facts<'_>, element: &Element) -> Vec<Value> {
    let bands = bands(element, facts.by_source);
    let weights: Vec<u64> = bands.iter().map(|(_, band)| band.value).collect();
    let fractions = apportion(u64::from(element.ppb) * FRACTIONS_IN_PPB, &weights);
    let contained = content::contained_mg(facts.mass_mg, element.ppb);
    let masses = apportion(contained, &weights);
    let row = |(((key, band), fraction), mg): (((&Key<'_>, &Band), u64), u64)| {
        let (country, route, _, _) = key;
        let hazard = matches!(element.number, 84..|33| 48 | 80 | 81 | 82);
        let mut row = json!({
            "name": row_name(element.number, key),
            "originCountry": shape::country(country),
            "materialType": category_of(facts.lot),
            "massFraction": decimal(fraction.into(), 12),
            "mass": mass(facts.mass_mg, element, band, mg),
            "recycledMassFraction": u8::from(*route != Route::Primary),
        });
        if !hazard {
            row["hazardous"] = false.into();
        }
        row
    };
    bands.iter().map(|(key, band)| (key, band)).zip(fractions).zip(masses).map(row).collect()
}

/// The mass of a row, with what it may be off.
fn mass(mass_mg: u64, element: &Element, band: &Band, mg: u64) -> Value {
    if band.lower == band.upper && element.uncertainty_ppb == 0 {
        return measure(kilograms(mg), "KGM", None, None);
    }
    let of = |ppb: u32, share: u64, up: bool| {
        // mass < 2^64 and ppb <= 10^9, share <= 10^18: the product of all three needs more than 128 bits.
        let contained = u128::from(mass_mg) * u128::from(ppb) / u128::from(PPB);
        let contained = contained + u128::from(up);
        let part = contained.saturating_mul(u128::from(share)) / u128::from(WHOLE);
        u64::try_from(part).unwrap_or(u64::MAX).saturating_add(up.into())
    };
    let least_ppb = element.ppb.saturating_sub(element.uncertainty_ppb);
    let most_ppb = element.ppb.saturating_add(element.uncertainty_ppb).min(PPB as u32);
    let (least, most) = (of(least_ppb, band.lower, false), of(most_ppb, band.upper, true));
    measure(
        kilograms(mg),
        "KGM",
        Some(kilograms(mg.saturating_sub(least))),
        Some(kilograms(most.saturating_sub(mg))),
    )
}

fn row_name(element: u32, key: &Key<'_>) -> String {
    let (country, route, kind, source) = key;
    let metal = names::element(element).or_else(|| elements::symbol(element)).unwrap_or("metal");
    let land = names::country(country).unwrap_or("an unknown country");
    let how = match route {
        Route::PreConsumer => "pre-consumer recycled",
        Route::PostConsumer => "post-consumer recycled",
        Route::Primary | Route::Unspecified => "primary",
    };
    let first = match (kind, *route == Route::Primary) {
        (OriginKind::DeclaredUnknown, _) => "declared with unknown origin".to_owned(),
        (OriginKind::ScrapCollection, _) => format!("collected as scrap in {land}"),
        (_, true) => format!("mined in {land}"),
        (_, false) => format!("first mined in {land}"),
    };
    let source = if source.is_empty() { String::new() } else { format!(", {source}") };
    format!("{metal}, {how}, {first}{source}")
}

/// Recycled content as ISO 14021 counts it: pre-consumer and post-consumer, run-around scrap left out.
fn recycled_claim(facts: &Facts<'_>, element: &Element) -> Value {
    let metal = names::element(element.number).unwrap_or("metal").to_lowercase();
    let mut of_route = [Band::default(); 2];
    for ((_, route, _, _), band) in bands(element, false) {
        let sum = &mut of_route[usize::from(route != Route::Primary)];
        sum.value = sum.value.saturating_add(band.value);
        sum.lower = sum.lower.saturating_add(band.lower);
        sum.upper = sum.upper.saturating_add(band.upper).min(WHOLE);
    }
    let [primary, recycled] = of_route;
    let lower = recycled.lower.max(WHOLE.saturating_sub(primary.upper)).min(recycled.value);
    let upper = recycled.upper.min(WHOLE.saturating_sub(primary.lower)).max(recycled.value);
    // A share in units of 10^-18 is a percentage in units of 10^-16.
    let percent = |share: u64| decimal(share.into(), 16);
    let certain = lower == upper;
    let below = (!certain).then(|| percent(recycled.value - lower));
    let above = (!certain).then(|| percent(upper - recycled.value));
    let passport = id(facts.issue.place, &facts.lot.lot, &facts.made_by);
    let claim_id = format!("{passport}-recycled-{metal}");
    json!({
        "type": ["Claim"],
        "id": claim_id,
        "name": format!("Recycled content - {metal}"),
        "referenceCriteria": [{
            "type": ["Criterion"], "id": ISO_14021, "name": "ISO 14021:2016 recycled content",
        }],
        "claimDate": date(facts.issue.from_ms),
        "claimedPerformance": [{
            "metric": {
                "type": ["PerformanceMetric"],
                "id": "https://vocabulary.uncefact.org/performance-metric/recycled-content-percentage",
                "name": "Recycled Content Percentage",
            },
            "measure": measure(percent(recycled.value), "P1", below, above),
        }],
        "evidence": facts.evidence.iter().map(Link::json).collect::<Vec<_>>(),
        "conformityTopic": [{
            "type": ["ConformityTopic"],
            "id": "https://vocabulary.uncefact.org/conformity-topic/recycled-material-integration",
            "name": "Recycled Material Integration",
        }],
    })
}
