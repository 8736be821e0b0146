//! What a record changes, as new values of named entities; what it replaced undoes it.
//!
//! Applying a [`Write`] gives the write that takes it back, so there is one code path for both ways.

use alloc::{boxed::Box, vec::Vec};

use ore_record::RecordId;

use crate::{
    books::{AccountKey, Fate, Line, LineKey, Offer, Prior, Proposal},
    effect::Effect,
    lot::{Composition, Lot, Place, Standing},
    lots::SharedLens,
    roster::RosterEntry,
};

/// One entity gets one value. `None` removes it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Write {
    /// The next lot in order.
    NewLot(Box<Lot>),
    /// Takes the last lot back; only ever an undo.
    DropLot,
    Standing(u32, Standing),
    Composition(u32, Composition),
    /// The next place adds an entry; `None` takes the last one back.
    Roster(Place, Option<RosterEntry>),
    Offer(Place, Option<Offer>),
    Proposal(Place, Option<Proposal>),
    Fate(Place, Option<Fate>),
    Prior(Place, Option<Prior>),
    Account(Box<AccountKey>, Option<u64>),
    Line(Box<LineKey>, Option<Line>),
}

/// What follows from a record that the rules let in. Made by `decide`, used up by `commit`.
#[derive(Clone, Debug, PartialEq)]
#[must_use = "a change does nothing until it is committed"]
pub struct Change {
    pub(crate) leaf: u32,
    pub(crate) id: RecordId,
    /// Lots before this change: the ordinal of the first one that it creates.
    pub(crate) first_lot: u32,
    pub(crate) writes: Vec<Write>,
    pub(crate) effects: Vec<Effect>,
}

impl Change {
    /// What the record means for the graph of lots, in order.
    #[must_use]
    pub fn effects(&self) -> &[Effect] {
        &self.effects
    }

    /// Leaf that the record takes.
    #[must_use]
    pub fn leaf(&self) -> u64 {
        self.leaf.into()
    }

    /// The record's id.
    #[must_use]
    pub const fn id(&self) -> RecordId {
        self.id
    }

    /// The entities that change, as keys and values for a store that need not know them. In order:
    /// a later pair of the same key replaces an earlier one; `None` removes the key.
    pub fn writes(&self) -> impl Iterator<Item = (Vec<u8>, Option<Vec<u8>>)> + '_ {
        let mut next_lot = self.first_lot;
        self.writes.iter().flat_map(move |write| crate::persist::pairs(write, &mut next_lot)).flatten()
    }
}

/// Takes one committed change back. Undos are used in reverse order of their commits.
#[derive(Clone, Debug, PartialEq)]
#[must_use = "keep it until the block is decided"]
pub struct Undo {
    pub(crate) leaf: u32,
    pub(crate) writes: Vec<Write>,
    pub(crate) shared: SharedLens,
}
