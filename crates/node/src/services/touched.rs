//! Which lots a record names, and which head it knew for each: the links of a lot's hash chain.

use ore_record::v1::{Record, record::Event};

/// Calls `visit` with each lot that the record names and the head it knew; a lot that it creates has none.
pub fn touched<'a>(record: &'a Record, mut visit: impl FnMut(&'a str, Option<&'a [u8]>)) {
    let Some(event) = &record.event else { return };
    let mut known = |lot: &'a Option<ore_record::v1::LotRef>| {
        if let Some(lot) = lot {
            visit(&lot.lot, Some(&lot.head));
        }
    };
    match event {
        Event::Transform(transform) => {
            transform.inputs.iter().for_each(|input| known(&input.lot));
            for lot in transform.outputs.iter().filter_map(|output| output.lot.as_ref()) {
                visit(&lot.lot, None);
            }
        }
        Event::Commission(commission) => {
            if let Some(lot) = &commission.lot {
                visit(&lot.lot, None);
            }
        }
        Event::Ship(ship) => ship.lots.iter().for_each(|shipped| known(&shipped.lot)),
        Event::Accept(accept) => accept.lots.iter().for_each(|accepted| known(&accepted.lot)),
        Event::Decline(decline) => decline.lots.iter().for_each(|lot| visit(&lot.lot, Some(&lot.head))),
        Event::CancelShipment(cancel) => cancel.lots.iter().for_each(|lot| visit(&lot.lot, Some(&lot.head))),
        Event::Assay(assay) => known(&assay.lot),
        Event::Seal(seal) => known(&seal.lot),
        Event::Use(used) => known(&used.item),
        Event::Hold(hold) => known(&hold.lot),
        Event::Release(release) => known(&release.lot),
        Event::Recall(recall) => known(&recall.lot),
        Event::Dispose(dispose) => known(&dispose.lot),
        Event::Footprint(footprint) => known(&footprint.lot),
        Event::CreditDeposit(credit) => known(&credit.lot),
        Event::CreditClaim(credit) => known(&credit.lot),
        _ => {}
    }
}

/// The link before this record in a lot's chain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Before {
    /// This record created the lot.
    Created,
    /// The head that its author knew.
    Head(Vec<u8>),
    /// The record that it withdraws; the chain goes on there.
    Withdrawn(Vec<u8>),
    /// The record does not name the lot.
    Unknown,
}

/// Finds the link before `record` in the chain of `lot`.
#[must_use]
pub fn before(record: &Record, lot: &str) -> Before {
    if let Some(Event::Withdraw(withdraw)) = &record.event {
        return Before::Withdrawn(withdraw.record.clone());
    }
    let mut found = Before::Unknown;
    touched(record, |id, head| {
        if id == lot {
            found = head.map_or(Before::Created, |head| Before::Head(head.to_vec()));
        }
    });
    found
}

/// The statement by which a record creates a lot.
#[must_use]
pub fn created<'a>(record: &'a Record, lot: &str) -> Option<&'a ore_record::v1::NewLot> {
    match record.event.as_ref()? {
        Event::Commission(commission) => commission.lot.as_ref().filter(|new| new.lot == lot),
        Event::Transform(transform) => {
            transform.outputs.iter().filter_map(|output| output.lot.as_ref()).find(|new| new.lot == lot)
        }
        _ => None,
    }
}
