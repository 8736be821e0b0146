//! The desk at which one record is judged: what it says, who says it, and what will follow.
//!
//! Rules read the state and push writes and effects; nothing changes before the commit.

use alloc::{borrow::ToOwned, boxed::Box, format, string::String, vec::Vec};

use ore_record::{
    RecordId, SignedRecord,
    v1::{self, LotRef, Role},
};

use crate::{
    change::Write,
    effect::Effect,
    lot::{Lot, NONE, Place, Standing},
    rejection::{About, Reason, Rule, Verdict, refuse},
    roles,
    roster::Roles,
    state::Custody,
};

/// Where a record would stand in the ledger.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Position {
    /// The leaf it takes: the next one, [`Custody::leaves`].
    pub leaf_index: u64,
    /// Height of its block; 0 is genesis.
    pub height: u64,
    /// Time of its block, from the ordering engine.
    pub block_time_ms: u64,
}

/// Earlier records of the log, those of the same block included.
pub trait Records {
    /// The record or seal at a leaf.
    fn record(&self, leaf_index: u64) -> Option<SignedRecord>;
}

impl<F: Fn(u64) -> Option<SignedRecord>> Records for F {
    fn record(&self, leaf_index: u64) -> Option<SignedRecord> {
        self(leaf_index)
    }
}

/// One record on the desk.
pub(crate) struct Desk<'a> {
    pub(crate) state: &'a Custody,
    pub(crate) record: &'a v1::Record,
    pub(crate) at: Position,
    pub(crate) leaf: u32,
    pub(crate) log: &'a dyn Records,
    /// Place of the author; [`NONE`] only for a founder in genesis.
    pub(crate) author: Place,
    pub(crate) roles: Roles,
    /// Leaf of the withdrawn record that this one replaces, or [`NONE`].
    pub(crate) corrects: Place,
    pub(crate) writes: Vec<Write>,
    pub(crate) effects: Vec<Effect>,
    pub(crate) new_lots: u32,
    lapsed: Vec<Place>,
}

/// A lot that the record names, with the standing it will have.
pub(crate) struct Touched {
    pub(crate) ordinal: u32,
    pub(crate) lot: Lot,
    /// Change this, then hand it to [`Desk::put`].
    pub(crate) next: Standing,
}

impl<'a> Desk<'a> {
    pub(crate) fn new(
        state: &'a Custody,
        record: &'a v1::Record,
        at: Position,
        leaf: u32,
        log: &'a dyn Records,
    ) -> Self {
        Self {
            state,
            record,
            at,
            leaf,
            log,
            author: NONE,
            roles: Roles::default(),
            corrects: NONE,
            writes: Vec::with_capacity(8),
            effects: Vec::new(),
            new_lots: 0,
            lapsed: Vec::new(),
        }
    }

    pub(crate) const fn now_ms(&self) -> u64 {
        self.at.block_time_ms
    }

    pub(crate) const fn genesis(&self) -> bool {
        self.at.height == 0
    }

    pub(crate) fn author_id(&self) -> &'a str {
        &self.record.author
    }

    /// The profile in force. Lots cannot be judged without one.
    pub(crate) fn profile(&self) -> Verdict<&'a v1::Profile> {
        self.state.profile().ok_or_else(|| {
            refuse(
                Rule::A6,
                Reason::Governance,
                "no profile is in force, so there are no limits to judge by",
                "set the consortium's profile first",
            )
        })
    }

    /// Finds a lot and holds the named head against its newest record (rule A1).
    pub(crate) fn touch(&mut self, reference: Option<&LotRef>) -> Verdict<Touched> {
        let state = self.state;
        let Some(reference) = reference else {
            return Err(refuse(
                Rule::A1,
                Reason::UnknownLot,
                "no lot is named",
                "name the lot and its newest record",
            ));
        };
        let Some(ordinal) = state.lot_ordinal(&reference.lot) else {
            return Err(unknown_lot(&reference.lot));
        };
        let lot = state.lots.at(ordinal);
        self.check_head(&lot, reference)?;
        if lot.standing.void {
            return Err(refuse(
                Rule::A4,
                Reason::LotNotActive,
                format!("lot {} is void: the record that created it was withdrawn", lot.id()),
                "name the lot that took its place, or declare it again with a correcting record",
            )
            .lot(lot.id()));
        }
        let mut next = lot.standing;
        next.head = self.leaf;
        if next.offer != NONE && self.lapse(next.offer, ordinal) {
            next.offer = NONE;
        }
        Ok(Touched { ordinal, lot, next })
    }

    fn check_head(&self, lot: &Lot, reference: &LotRef) -> Verdict<()> {
        let head = self.state.records.id_at(lot.standing.head);
        if head.as_ref().is_some_and(|head| head.as_bytes()[..] == reference.head[..]) {
            return Ok(());
        }
        let named = RecordId::try_from(reference.head.as_slice());
        let message = match (&named, head) {
            (Ok(named), Some(head)) => format!(
                "lot {} has moved on: its newest record is {}, this record names {}",
                lot.id(),
                brief(&head),
                brief(named)
            ),
            _ => format!("lot {}: the head has {} bytes, a record id has 32", lot.id(), reference.head.len()),
        };
        let mut refusal = refuse(
            Rule::A1,
            Reason::StaleHead,
            message,
            "look at the newest record of the lot, then name it as the head and sign again",
        )
        .lot(lot.id());
        refusal.newest_head = head;
        Err(refusal)
    }

    /// An expired offer ends when one of its lots is touched: the others are free again too.
    /// Their heads stay. Says whether the offer no longer reserves anything.
    pub(crate) fn lapse(&mut self, leaf: Place, touched: u32) -> bool {
        let Some(offer) = self.state.books.offers.get(&leaf) else { return true };
        if self.lapsed.contains(&leaf) {
            return true;
        }
        if self.at.block_time_ms <= offer.expires_ms || self.keeps_expired_offers() {
            return false;
        }
        self.lapsed.push(leaf);
        self.writes.push(Write::Offer(leaf, None));
        for &ordinal in offer.lots.iter().filter(|ordinal| **ordinal != touched) {
            let Some(mut standing) = self.state.standing(ordinal) else { continue };
            if standing.offer == leaf {
                standing.offer = NONE;
                self.writes.push(Write::Standing(ordinal, standing));
            }
        }
        true
    }

    /// An answer to an expired offer is judged by the hand-over rules, which need to see it.
    fn keeps_expired_offers(&self) -> bool {
        use v1::record::Event;
        matches!(self.record.event, Some(Event::Accept(_) | Event::Decline(_) | Event::CancelShipment(_)))
    }

    pub(crate) fn put(&mut self, touched: &Touched) {
        self.writes.push(Write::Standing(touched.ordinal, touched.next));
    }

    /// The author has the lot (rule A4).
    pub(crate) fn must_hold(&self, touched: &Touched, to: &str) -> Verdict<()> {
        if touched.lot.standing.custodian == self.author {
            return Ok(());
        }
        let custodian = self.state.member_id(touched.lot.standing.custodian);
        Err(refuse(
            Rule::A4,
            Reason::NotCustodian,
            format!(
                "lot {} is in the custody of {custodian}, and only its custodian may {to} it",
                touched.lot.id()
            ),
            format!("ask {custodian} to do it, or to ship the lot to {} first", self.author_id()),
        )
        .lot(touched.lot.id()))
    }

    /// No hold, recall or offer stands in the way.
    pub(crate) fn must_be_free(&self, touched: &Touched, to: &str) -> Verdict<()> {
        let (id, standing) = (touched.lot.id(), &touched.next);
        let by = |place: Place| self.state.member_id(place);
        let (reason, message, next_step): (_, String, String) = if standing.recalled_by != NONE {
            let by = by(standing.recalled_by);
            (
                Reason::LotNotActive,
                format!("lot {id} was called back by {by}: it cannot be used to {to}"),
                format!(
                    "ship it with the purpose return or recall, dispose of it, or ask {by} to release it"
                ),
            )
        } else if standing.held_by != NONE {
            let by = by(standing.held_by);
            (
                Reason::LotNotActive,
                format!("lot {id} was put on hold by {by}: it cannot be used to {to}"),
                format!("ask {by} to release it"),
            )
        } else if standing.offer != NONE {
            let receiver = self.state.offer_of(&touched.lot).map_or("", |offer| by(offer.receiver));
            (
                Reason::LotReserved,
                format!("lot {id} is reserved: it is offered to {receiver}, who has not answered"),
                "cancel the shipment first, or wait for the answer".to_owned(),
            )
        } else {
            return Ok(());
        };
        Err(refuse(Rule::A4, reason, message, next_step).lot(id))
    }

    pub(crate) fn must_have_role(&self, needed: &[Role]) -> Verdict<()> {
        if needed.is_empty() || self.roles.any(needed) {
            return Ok(());
        }
        let names: Vec<&str> = needed.iter().map(|role| roles::name(*role)).collect();
        Err(refuse(
            Rule::A4,
            Reason::RoleNotAllowed,
            format!(
                "{} has no role that allows this; it takes one of: {}",
                self.author_id(),
                names.join(", ")
            ),
            "let a member with that role state it, or ask the consortium to change the roles",
        ))
    }

    /// The place of a member that the record names.
    pub(crate) fn member(&self, id: &str, what: &str) -> Verdict<Place> {
        self.state.roster_index_of_member(id).ok_or_else(|| {
            refuse(
                Rule::A1,
                Reason::UnknownMember,
                format!("{what} {:?} is no member of this ledger", crate::rejection::shorten(id)),
                "check the spelling, or have the member admitted first",
            )
            .named(id)
        })
    }

    /// The place of a facility that the record names.
    pub(crate) fn facility(&self, id: &str) -> Verdict<Place> {
        self.state.roster_index_of_facility(id).ok_or_else(|| {
            refuse(
                Rule::A4,
                Reason::UnknownFacility,
                format!("facility {:?} is not registered", crate::rejection::shorten(id)),
                "check the spelling, or register the facility first",
            )
            .named(id)
        })
    }

    /// The place of a facility that must be the author's own.
    pub(crate) fn own_facility(&self, id: &str) -> Verdict<Place> {
        let place = self.facility(id)?;
        if id.split_once('/').is_some_and(|(owner, _)| owner == self.author_id()) {
            return Ok(place);
        }
        Err(refuse(
            Rule::A4,
            Reason::UnknownFacility,
            format!("facility {id} is not one of {}'s", self.author_id()),
            "name a facility of your own",
        )
        .named(id))
    }

    /// An earlier record that this one names.
    pub(crate) fn earlier(&self, id: &[u8], what: &str) -> Verdict<(u32, SignedRecord)> {
        let unknown = |message: String| {
            refuse(Rule::A1, Reason::UnknownRecord, message, "name a record of this ledger by its id")
        };
        let id = RecordId::try_from(id).map_err(|bad| unknown(format!("{what}: {bad}")))?;
        let found = self
            .state
            .records
            .leaf_of(id.as_bytes())
            .and_then(|leaf| Some((leaf, self.log.record(leaf.into())?)));
        found.ok_or_else(|| unknown(format!("{what} {} is not in this ledger", brief(&id))).record(id))
    }
}

pub(crate) fn unknown_lot(id: &str) -> Box<crate::Rejection> {
    refuse(
        Rule::A1,
        Reason::UnknownLot,
        format!("no record creates lot {:?}", crate::rejection::shorten(id)),
        "check the spelling, or submit the record that creates it first",
    )
    .lot(id)
}

/// The first eight digits: enough to tell records apart in a sentence.
pub(crate) fn brief(id: &RecordId) -> String {
    let mut text = format!("{id}");
    text.truncate(8);
    text
}
