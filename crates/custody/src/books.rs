//! What is open: offers, proposals, withdrawn records, credits. Ordered maps, so that every walk is the same everywhere.

use alloc::{boxed::Box, collections::BTreeMap, vec::Vec};

use ore_record::v1::{ShipPurpose, TransferKind};

use crate::lot::{Composition, Place};

/// An offer that waits for its receiver's answer, by the leaf of its Ship.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Offer {
    /// The offerer.
    pub author: Place,
    /// The named receiver.
    pub receiver: Place,
    /// What passes.
    pub transfer: TransferKind,
    /// Why.
    pub purpose: ShipPurpose,
    /// Event time of the dispatch.
    pub dispatched_ms: u64,
    /// After this block time it binds nobody.
    pub expires_ms: u64,
    /// Ordinals of the lots, in the order of the Ship.
    pub lots: Box<[u32]>,
}

/// A governance record that waits for approvals, by its leaf.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proposal {
    /// Places of the members that approve, its author first.
    pub approvals: Vec<Place>,
}

/// What became of a withdrawn record, by its leaf.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fate {
    /// Leaf of the Withdraw.
    pub withdrawn_at: Place,
    /// Leaf of the record that corrects it, or [`crate::lot::NONE`].
    pub corrected_at: Place,
}

/// What a record overwrote and its text does not tell, by its leaf: needed when it is withdrawn.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Prior {
    /// An assay replaced this composition.
    Composition(Composition),
    /// A use left less than these dry milligrams.
    Remaining(u64),
}

/// A credit account: one a scheme, facility, element and period.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct AccountKey {
    /// Scheme, as written in the deposit.
    pub scheme: Box<str>,
    /// Facility.
    pub facility: Place,
    /// Atomic number.
    pub element: u8,
    /// Year and month, for example 202611.
    pub period: u32,
}

/// What one lot earned or claims under one scheme for one element.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct LineKey {
    /// Ordinal of the lot.
    pub lot: u32,
    /// Atomic number.
    pub element: u8,
    /// Scheme.
    pub scheme: Box<str>,
}

/// See [`LineKey`]. Milligrams of the element.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Line {
    /// Deposited on the strength of this lot, before conversion; a lot earns once.
    pub earned_mg: u64,
    /// Claimed for this lot.
    pub claimed_mg: u64,
}

/// Everything that is open.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Books {
    /// Open offers by leaf.
    pub offers: BTreeMap<Place, Offer>,
    /// Pending proposals by leaf.
    pub proposals: BTreeMap<Place, Proposal>,
    /// Withdrawn records by leaf.
    pub fates: BTreeMap<Place, Fate>,
    /// Overwritten values by leaf.
    pub priors: BTreeMap<Place, Prior>,
    /// Credit balances, milligrams.
    pub accounts: BTreeMap<AccountKey, u64>,
    /// Credits per lot.
    pub lines: BTreeMap<LineKey, Line>,
}
