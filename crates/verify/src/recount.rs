//! The shares once more, from the records alone.
//!
//! A second implementation, written apart from the engine that gave the answer: forward in the
//! order of the log, where the engine goes backward. Well mixed: every output of a transformation
//! carries the mean of its inputs' shares, weighted by the contained mass that was taken from each.
//! Values are scaled by 10^27 and the answer is held against the claim to [`TOLERANCE`].

use alloc::{
    collections::{BTreeMap, BTreeSet},
    string::{String, ToString},
    vec::Vec,
};

use ore_merkle::thousands;
use ore_record::{
    RecordId,
    content::{self, BadContent},
    v1::{
        ClaimedShare, Commission, CommissionKind, Composition, OriginKind, Process, RecyclingClass, Route,
        Transform, TransformInput, record::Event,
    },
};

use crate::{
    trail::{Records, Trail},
    wide::Wide,
};

/// One whole, as this module counts.
const WHOLE: u128 = 1_000_000_000_000_000_000_000_000_000;
/// One whole, as a claim counts.
pub const CLAIM_WHOLE: u64 = 1_000_000_000_000_000_000;
/// How far claim and recount may differ, in units of 10^-18 of the whole: the engine rounds each
/// step to 10^-18, so a million steps may differ by 10^-12.
pub const TOLERANCE: u64 = 1_000_000;
const CLAIM_UNIT: u128 = WHOLE / CLAIM_WHOLE as u128;

/// An origin, as a claim names it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Origin {
    pub(crate) kind: i32,
    pub(crate) source: String,
    pub(crate) country: String,
    pub(crate) route: i32,
    pub(crate) generation: u32,
}

type Shares = BTreeMap<Origin, u128>;

/// Why the records do not give the shares that are claimed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ShareFault {
    /// A composition on the trail cannot be read.
    #[error("composition in record {record}: {cause}")]
    Composition {
        /// The record.
        record: RecordId,
        /// What is wrong.
        cause: BadContent,
    },
    /// The element is not in the lot's past.
    #[error("no input of record {record} contains the element, so lot {lot} has no share to state")]
    NoContent {
        /// The lot.
        lot: String,
        /// The record that made it.
        record: RecordId,
    },
    /// Shares of a claim must be those of one whole.
    #[error("the claimed shares sum to {} x 10^-18, not to one", thousands(*sum))]
    NotOne {
        /// Their sum.
        sum: u128,
    },
    /// Value outside its interval.
    #[error("the claimed share of {origin} is outside its own interval")]
    OutsideInterval {
        /// The origin.
        origin: String,
    },
    /// The same origin twice.
    #[error("the claim names {origin} twice")]
    Twice {
        /// The origin.
        origin: String,
    },
    /// Claim and recount differ.
    #[error(
        "the claim says {} x 10^-18 from {origin}, the records give {} x 10^-18",
        thousands((*claimed).into()),
        thousands((*recounted).into())
    )]
    Differs {
        /// The origin.
        origin: String,
        /// As claimed.
        claimed: u64,
        /// As recounted.
        recounted: u64,
    },
}

/// Recounts the shares of `element` in the target as it stands at `head`.
pub(crate) fn recount(
    target: &str,
    head: RecordId,
    element: u32,
    trail: &Trail,
    records: &Records,
) -> Result<Shares, ShareFault> {
    let mut order: Vec<(u64, &str, RecordId)> = Vec::new();
    let mut seen = BTreeSet::new();
    for ((lot, _), past) in &trail.pasts {
        let creator = *past.last().expect("a past holds at least its head");
        if seen.insert((lot.as_str(), creator)) {
            order.push((records[&creator].0, lot, creator));
        }
    }
    order.sort_unstable();
    let mut known: BTreeMap<(&str, RecordId), Shares> = BTreeMap::new();
    for (_, lot, creator) in order {
        let shares = match records[&creator].1.event() {
            Event::Commission(commission) => origin_of(commission),
            Event::Transform(transform) => pooled(lot, creator, transform, element, trail, records, &known)?,
            _ => unreachable!("only commissions and transformations create lots"),
        };
        known.insert((lot, creator), shares);
    }
    let past = &trail.pasts[&(target.to_string(), head)];
    let creator = *past.last().expect("a past holds at least its head");
    Ok(known.remove(&(target, creator)).unwrap_or_default())
}

fn origin_of(commission: &Commission) -> Shares {
    let lot = commission.lot.clone().unwrap_or_default();
    let (kind, route) = match commission.kind() {
        CommissionKind::Extracted => (OriginKind::Mine, Route::Primary),
        CommissionKind::CollectedScrap => {
            (OriginKind::ScrapCollection, scrap_route(commission.scrap_class()))
        }
        CommissionKind::DeclaredUnknown | CommissionKind::Unspecified => {
            (OriginKind::DeclaredUnknown, Route::Primary)
        }
    };
    let country = if lot.origin_country.is_empty() || kind == OriginKind::DeclaredUnknown {
        "ZZ".to_string()
    } else {
        lot.origin_country
    };
    let origin =
        Origin { kind: kind as i32, source: lot.facility, country, route: route as i32, generation: 0 };
    BTreeMap::from([(origin, WHOLE)])
}

const fn scrap_route(class: RecyclingClass) -> Route {
    match class {
        RecyclingClass::PreConsumer | RecyclingClass::Internal => Route::PreConsumer,
        RecyclingClass::PostConsumer | RecyclingClass::Unspecified => Route::PostConsumer,
    }
}

fn pooled(
    lot: &str,
    record: RecordId,
    transform: &Transform,
    element: u32,
    trail: &Trail,
    records: &Records,
    known: &BTreeMap<(&str, RecordId), Shares>,
) -> Result<Shares, ShareFault> {
    let mut weighed: Vec<(u128, &Shares)> = Vec::new();
    for input in &transform.inputs {
        let Some((weight, creator, name)) = weigh(record, input, element, trail, records)? else { continue };
        if weight > 0
            && let Some(shares) = known.get(&(name, creator))
        {
            weighed.push((weight, shares));
        }
    }
    // At most 400 inputs of 2^64 mg x 10^9 ppb: the sum has at most 103 bits.
    let total: u128 = weighed.iter().map(|(weight, _)| weight).sum();
    let mut sums: BTreeMap<Origin, Wide> = BTreeMap::new();
    for (weight, shares) in &weighed {
        for (origin, share) in *shares {
            let sum = sums.entry(recycled(origin, transform)).or_default();
            *sum = sum.checked_add(Wide::product(*weight, *share)).expect("103 + 90 bits fit in 256");
        }
    }
    if total == 0 {
        return Err(ShareFault::NoContent { lot: lot.to_string(), record });
    }
    let share = |sum: Wide| sum.checked_div(total).expect("a mean of shares is at most one whole");
    Ok(sums.into_iter().map(|(origin, sum)| (origin, share(sum))).collect())
}

/// Recycling sets the route and counts a generation; run-around scrap is not recycled (ISO 14021).
fn recycled(origin: &Origin, transform: &Transform) -> Origin {
    let mut origin = origin.clone();
    if transform.process() == Process::Recycling {
        match transform.recycling_class() {
            RecyclingClass::PreConsumer => origin.route = Route::PreConsumer as i32,
            RecyclingClass::PostConsumer => origin.route = Route::PostConsumer as i32,
            RecyclingClass::Internal | RecyclingClass::Unspecified => return origin,
        }
        origin.generation += 1;
    }
    origin
}

/// Contained mass of the element in what was taken, in milligrams x ppb, with the lot's creator.
/// Nothing for an input that names no lot, which no node accepts.
fn weigh<'t>(
    record: RecordId,
    input: &'t TransformInput,
    element: u32,
    trail: &Trail,
    records: &'t Records,
) -> Result<Option<(u128, RecordId, &'t str)>, ShareFault> {
    let lot = input.lot.as_ref().map_or("", |lot| lot.lot.as_str());
    let head = input.lot.as_ref().and_then(|lot| RecordId::try_from(lot.head.as_slice()).ok());
    let key = (lot.to_string(), head.unwrap_or(RecordId::from_bytes([0; 32])));
    let Some(past) = trail.pasts.get(&key) else { return Ok(None) };
    let creator = *past.last().expect("a past holds at least its head");
    let ppb = match &input.composition {
        Some(composition) => ppb_of(record, composition, element)?,
        None => composition_at(lot, past, element, records)?,
    };
    let taken = input.mass.as_ref().map_or(0, |mass| mass.dry_mg);
    Ok(Some((u128::from(taken) * u128::from(ppb), creator, lot)))
}

/// The element's fraction in a lot at the newest record of its past: the newest assay that sets the
/// composition and was not withdrawn, else what the lot was created with.
fn composition_at(lot: &str, past: &[RecordId], element: u32, records: &Records) -> Result<u32, ShareFault> {
    let mut withdrawn: BTreeSet<RecordId> = BTreeSet::new();
    for id in past {
        match records[id].1.event() {
            _ if withdrawn.contains(id) => {}
            Event::Withdraw(event) => {
                withdrawn.extend(RecordId::try_from(event.record.as_slice()).ok());
            }
            Event::Assay(assay) if content::sets_composition(assay) => {
                return assay.composition.as_ref().map_or(Ok(0), |c| ppb_of(*id, c, element));
            }
            Event::Commission(event) => return new_lot_ppb(*id, event.lot.as_ref(), element),
            Event::Transform(event) => {
                let new = event.outputs.iter().filter_map(|output| output.lot.as_ref());
                let mut new = new.into_iter().filter(|new| new.lot == lot).peekable();
                if new.peek().is_some() {
                    return new_lot_ppb(*id, new.next(), element);
                }
            }
            _ => {}
        }
    }
    Ok(0)
}

fn new_lot_ppb(
    record: RecordId,
    lot: Option<&ore_record::v1::NewLot>,
    element: u32,
) -> Result<u32, ShareFault> {
    lot.and_then(|lot| lot.composition.as_ref()).map_or(Ok(0), |c| ppb_of(record, c, element))
}

fn ppb_of(record: RecordId, composition: &Composition, element: u32) -> Result<u32, ShareFault> {
    let content = composition.contents.iter().find(|content| content.element == element);
    content.map_or(Ok(0), |content| {
        content::element_of(content)
            .map(|content| content.ppb)
            .map_err(|cause| ShareFault::Composition { record, cause })
    })
}

/// Holds a claim against the recount.
pub(crate) fn compare(claimed: &[ClaimedShare], recounted: &Shares) -> Result<(), ShareFault> {
    let sum: u128 = claimed.iter().map(|share| u128::from(share.value)).sum();
    if sum != u128::from(CLAIM_WHOLE) {
        return Err(ShareFault::NotOne { sum });
    }
    let mut rest: BTreeMap<&Origin, u64> = BTreeMap::new();
    for (origin, share) in recounted {
        rest.insert(origin, u64::try_from(share / CLAIM_UNIT).unwrap_or(u64::MAX));
    }
    let mut seen = BTreeSet::new();
    for share in claimed {
        let origin = Origin {
            kind: share.kind,
            source: share.source.clone(),
            country: share.country.clone(),
            route: share.route,
            generation: share.generation,
        };
        if !(share.lower <= share.value && share.value <= share.upper && share.upper <= CLAIM_WHOLE) {
            return Err(ShareFault::OutsideInterval { origin: describe(&origin) });
        }
        let value = rest.remove(&origin).unwrap_or(0);
        if value.abs_diff(share.value) > TOLERANCE {
            let (claimed, recounted) = (share.value, value);
            return Err(ShareFault::Differs { origin: describe(&origin), claimed, recounted });
        }
        if !seen.insert(origin.clone()) {
            return Err(ShareFault::Twice { origin: describe(&origin) });
        }
    }
    match rest.into_iter().find(|(_, value)| *value > TOLERANCE) {
        Some((origin, recounted)) => {
            Err(ShareFault::Differs { origin: describe(origin), claimed: 0, recounted })
        }
        None => Ok(()),
    }
}

/// An origin in words.
pub(crate) fn describe(origin: &Origin) -> String {
    let kind = match OriginKind::try_from(origin.kind) {
        Ok(OriginKind::Mine) => "mine",
        Ok(OriginKind::ScrapCollection) => "scrap collection",
        _ => "unknown origin",
    };
    let route = match Route::try_from(origin.route) {
        Ok(Route::PreConsumer) => "pre-consumer",
        Ok(Route::PostConsumer) => "post-consumer",
        _ => "primary",
    };
    alloc::format!("{kind} {} ({}, {route}, generation {})", origin.source, origin.country, origin.generation)
}
