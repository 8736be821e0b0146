//! The trail of a bundle: from the lot's newest record back to every origin, without a gap.
//!
//! Each record names, for each lot that it touches, the record before it; so the lot's head
//! vouches for its whole past. The walk follows those hashes and asks for exactly the records
//! that they name: one that is missing is named, and one that nothing asks for is refused.

use alloc::{
    collections::{BTreeMap, BTreeSet},
    string::{String, ToString},
    vec::Vec,
};

use ore_record::{
    RecordId, SignedRecord,
    v1::{LotRef, Transform, record::Event},
};

/// What a record did to a lot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Touch {
    /// Brought it into being.
    Created,
    /// Touched it after this record.
    After(RecordId),
}

/// Why a trail does not lead from the lot to its origins.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TrailFault {
    /// A record that a hash names is not in the bundle.
    #[error("record {record} of lot {lot} is missing from the bundle")]
    MissingRecord {
        /// The lot whose past has a gap.
        lot: String,
        /// The record that was named.
        record: RecordId,
    },
    /// The record is there but says nothing about the lot.
    #[error("record {record} does not mention lot {lot}")]
    NotAboutLot {
        /// The lot.
        lot: String,
        /// The record.
        record: RecordId,
    },
    /// A record stands after one that names it.
    #[error("record {record} of lot {lot} is not earlier in the log than the record that follows it")]
    OutOfOrder {
        /// The lot.
        lot: String,
        /// The record.
        record: RecordId,
    },
    /// A record that the trail does not need.
    #[error("record {record} at leaf {leaf} is not on the trail")]
    NotOnTrail {
        /// The record.
        record: RecordId,
        /// Its position.
        leaf: u64,
    },
}

/// The records of a bundle by id, each with its leaf index.
pub(crate) type Records = BTreeMap<RecordId, (u64, SignedRecord)>;

/// Every lot of the trail with the records that touched it, newest first, per point at which it was taken.
pub(crate) struct Trail {
    /// For a lot as it stood at a head: its past, newest record first.
    pub(crate) pasts: BTreeMap<(String, RecordId), Vec<RecordId>>,
    /// All lots: the target and its ancestors.
    pub(crate) lots: BTreeSet<String>,
}

/// Walks from the target's head to every origin.
///
/// # Errors
/// [`TrailFault`], naming the lot and the record.
pub(crate) fn walk(target: &str, head: RecordId, records: &Records) -> Result<Trail, TrailFault> {
    let mut trail = Trail { pasts: BTreeMap::new(), lots: BTreeSet::new() };
    let mut needed = BTreeSet::new();
    // Each (lot, head) is walked once, and there are no more of them than references in the bundle.
    let mut waiting = alloc::vec![(target.to_string(), head)];
    while let Some((lot, head)) = waiting.pop() {
        if trail.pasts.contains_key(&(lot.clone(), head)) {
            continue;
        }
        let past = past_of(&lot, head, records)?;
        needed.extend(past.iter().copied());
        let creator = past.last().expect("a past holds at least its head");
        waiting.extend(inputs_of(records[creator].1.event()));
        trail.lots.insert(lot.clone());
        trail.pasts.insert((lot, head), past);
    }
    match records.iter().find(|(id, _)| !needed.contains(id)) {
        Some((record, (leaf, _))) => Err(TrailFault::NotOnTrail { record: *record, leaf: *leaf }),
        None => Ok(trail),
    }
}

/// Inputs of a transformation as (lot, head). Custody accepted them, so a head has 32 bytes; one
/// that has not is no record's id and will be reported as missing.
pub(crate) fn inputs_of(event: &Event) -> Vec<(String, RecordId)> {
    let Event::Transform(transform) = event else { return Vec::new() };
    let lots = transform.inputs.iter().filter_map(|input| input.lot.as_ref());
    lots.map(|lot| (lot.lot.clone(), head_of(lot))).collect()
}

fn head_of(lot: &LotRef) -> RecordId {
    RecordId::try_from(lot.head.as_slice()).unwrap_or(RecordId::from_bytes([0; 32]))
}

fn past_of(lot: &str, head: RecordId, records: &Records) -> Result<Vec<RecordId>, TrailFault> {
    let (mut past, mut next, mut before) = (Vec::new(), head, u64::MAX);
    // Leaf indexes fall strictly, so the loop ends after at most as many steps as there are records.
    loop {
        let Some((leaf, signed)) = records.get(&next) else {
            return Err(TrailFault::MissingRecord { lot: lot.to_string(), record: next });
        };
        if *leaf >= before {
            return Err(TrailFault::OutOfOrder { lot: lot.to_string(), record: next });
        }
        before = *leaf;
        past.push(next);
        match touch(signed.event(), lot) {
            Some(Touch::Created) => return Ok(past),
            Some(Touch::After(previous)) => next = previous,
            None => return Err(TrailFault::NotAboutLot { lot: lot.to_string(), record: next }),
        }
    }
}

/// What an event did to a lot, or nothing.
pub(crate) fn touch(event: &Event, lot: &str) -> Option<Touch> {
    let one = |reference: &Option<LotRef>| {
        reference.as_ref().filter(|reference| reference.lot == lot).map(|r| Touch::After(head_of(r)))
    };
    let many = |references: &[LotRef]| {
        references.iter().find(|reference| reference.lot == lot).map(|r| Touch::After(head_of(r)))
    };
    match event {
        Event::Commission(event) => event.lot.as_ref().filter(|new| new.lot == lot).map(|_| Touch::Created),
        Event::Transform(event) => touched_by_transform(event, lot),
        Event::Ship(event) => event.lots.iter().find_map(|shipped| one(&shipped.lot)),
        Event::Accept(event) => event.lots.iter().find_map(|accepted| one(&accepted.lot)),
        Event::Decline(event) => many(&event.lots),
        Event::CancelShipment(event) => many(&event.lots),
        Event::Assay(event) => one(&event.lot),
        Event::Seal(event) => one(&event.lot),
        Event::Use(event) => one(&event.item),
        Event::Hold(event) => one(&event.lot),
        Event::Release(event) => one(&event.lot),
        Event::Recall(event) => one(&event.lot),
        Event::Dispose(event) => one(&event.lot),
        Event::Footprint(event) => one(&event.lot),
        Event::CreditDeposit(event) => one(&event.lot),
        Event::CreditClaim(event) => one(&event.lot),
        // A withdrawal is only accepted while the withdrawn record is the newest of every lot it touched.
        Event::Withdraw(event) => RecordId::try_from(event.record.as_slice()).ok().map(Touch::After),
        _ => None,
    }
}

fn touched_by_transform(event: &Transform, lot: &str) -> Option<Touch> {
    let created = event.outputs.iter().filter_map(|output| output.lot.as_ref()).any(|new| new.lot == lot);
    if created {
        return Some(Touch::Created);
    }
    let inputs = event.inputs.iter().filter_map(|input| input.lot.as_ref());
    inputs.into_iter().find(|input| input.lot == lot).map(|input| Touch::After(head_of(input)))
}
