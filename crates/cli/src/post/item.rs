//! One statement that waits to be signed: a record with blanks.
//!
//! Blanks are what the tool knows better than a person: origin, key, nonce, heads of lots, and the
//! id of a record that stands earlier in the same file and has no id yet.

use ore_record::{
    draft,
    v1::{Record, Withdraw, record::Event},
};

/// A record with blanks, and the names by which other items refer to it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Item {
    pub(crate) record: Record,
    /// A name for this record, so that later items can point at it before it has an id.
    pub(crate) label: String,
    /// Ids to fill in from labels.
    pub(crate) links: Vec<(IdField, String)>,
    /// Lots that it touches without naming them, as far as they are known.
    pub(crate) moves: Vec<String>,
    /// Its author signed it elsewhere: it goes in as it is, or not at all.
    pub(crate) signed_elsewhere: bool,
}

/// A field that holds the id of an earlier record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum IdField {
    /// `corrects` of the record.
    Corrects,
    /// `offer` of Accept, Decline, CancelShipment.
    Offer,
    /// `record` of Withdraw or Erased.
    Record,
    /// `proposal` of Approve.
    Proposal,
}

impl IdField {
    /// The names in JSON and CSV, which are those of the proto.
    pub(crate) fn named(name: &str) -> Option<Self> {
        match name {
            "corrects" => Some(Self::Corrects),
            "offer" => Some(Self::Offer),
            "record" => Some(Self::Record),
            "proposal" => Some(Self::Proposal),
            _ => None,
        }
    }

    /// Sets the field; false when the record has none of that name.
    pub(crate) fn set(self, record: &mut Record, id: &[u8; 32]) -> bool {
        let id = id.to_vec();
        match (self, &mut record.event) {
            (Self::Corrects, _) => record.corrects = id,
            (Self::Offer, Some(Event::Accept(accept))) => accept.offer = id,
            (Self::Offer, Some(Event::Decline(decline))) => decline.offer = id,
            (Self::Offer, Some(Event::CancelShipment(cancel))) => cancel.offer = id,
            (Self::Record, Some(Event::Withdraw(Withdraw { record, .. }))) => *record = id,
            (Self::Record, Some(Event::Erased(erased))) => erased.record = id,
            (Self::Proposal, Some(Event::Approve(approve))) => approve.proposal = id,
            _ => return false,
        }
        true
    }
}

/// Whether a record may move heads of lots that it does not name: after it nothing is chained blindly.
pub(crate) fn moves_unnamed_heads(event: &Event) -> bool {
    matches!(event, Event::Withdraw(_))
}

/// Whether an item builds on heads of lots.
pub(crate) fn names_lots(item: &mut Item) -> bool {
    !draft::heads_mut(&mut item.record).is_empty()
}

/// Whether this item needs the id of the open offer on its first lot, because it states none.
pub(crate) fn wants_open_offer(item: &Item) -> bool {
    let stated = match &item.record.event {
        Some(Event::Accept(it)) => !it.offer.is_empty(),
        Some(Event::Decline(it)) => !it.offer.is_empty(),
        Some(Event::CancelShipment(it)) => !it.offer.is_empty(),
        _ => true,
    };
    !stated && item.links.iter().all(|(field, _)| *field != IdField::Offer)
}
