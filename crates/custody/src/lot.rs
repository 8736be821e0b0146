//! A lot: what was said when it came into being, and where it stands now.
//!
//! `remaining + taken + disposed + used + shortfall = created`, always, in dry milligrams.

use alloc::{boxed::Box, sync::Arc};

use ore_record::v1::{CustodyModel, LotStatus, MaterialClass};

pub use ore_record::content::ElementContent;

use crate::text::Text;

/// Place of an entity in its array, or of a record in the log; [`NONE`] when there is none.
pub type Place = u32;

/// No place.
pub const NONE: Place = u32::MAX;

/// Contents in order of atomic number, each element once; empty when nothing is known.
/// What was looked for and not found stands with 0 ppb.
pub type Composition = Arc<[ElementContent]>;

/// Two letters of ISO 3166-1, or `ZZ` for unknown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Country(pub [u8; 2]);

impl Country {
    /// Nobody knows.
    pub const UNKNOWN: Self = Self(*b"ZZ");

    /// The two letters.
    #[must_use]
    pub fn as_str(&self) -> &str {
        core::str::from_utf8(&self.0).unwrap_or("ZZ")
    }
}

/// What never changes about a lot. The fields of its [`Description`] are read as if they were its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Passport {
    /// `<member>/<lot number>`.
    pub id: Text,
    /// Dry mass when it came into being, milligrams.
    pub created_mg: u64,
    /// Event time of its creation.
    pub created_ms: u64,
    /// Leaf of the record that created it.
    pub created_at: Place,
    /// The void lot whose id it took over in a correction, or [`NONE`].
    pub replaces: Place,
    /// What it is and where it is from; lots of one making share it.
    pub description: Arc<Description>,
}

/// What many lots have in common from their beginning.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Description {
    /// The member that created it.
    pub author: Place,
    /// Facility where it came into being.
    pub facility: Place,
    /// Formula of the pure compound that it is, or empty. Bounds later assays (rule M10).
    pub compound: Box<str>,
    /// Material class.
    pub material: MaterialClass,
    /// Chain-of-custody model.
    pub model: CustodyModel,
    /// One serialised piece.
    pub item: bool,
}

impl core::ops::Deref for Passport {
    type Target = Description;

    fn deref(&self) -> &Description {
        &self.description
    }
}

/// What changes. Small and copied freely: a change and its undo are this and an ordinal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standing {
    /// Still there, dry milligrams.
    pub remaining_mg: u64,
    /// Consumed by transformations.
    pub taken_mg: u64,
    /// Left the system.
    pub disposed_mg: u64,
    /// Fell in use.
    pub used_mg: u64,
    /// Missing at receipts, summed.
    pub shortfall_mg: u64,
    /// Found too much at receipts, summed; never added to what remains.
    pub surplus_mg: u64,
    /// Leaf of the newest record that touched it.
    pub head: Place,
    /// The member that has it.
    pub custodian: Place,
    /// The member that owns it.
    pub owner: Place,
    /// Where it is, as far as records say.
    pub facility: Place,
    /// Leaf of the open Ship, or [`NONE`].
    pub offer: Place,
    /// Who put it on hold, or [`NONE`].
    pub held_by: Place,
    /// Who called it back, or [`NONE`].
    pub recalled_by: Place,
    /// Its creation was withdrawn.
    pub void: bool,
}

/// One lot, unpacked from where the state keeps it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lot {
    /// What never changes.
    pub passport: Passport,
    /// What changes.
    pub standing: Standing,
    /// The composition in force.
    pub composition: Composition,
}

impl Lot {
    /// `<member>/<lot number>`.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.passport.id
    }

    /// Dry milligrams that remain.
    #[must_use]
    pub const fn remaining_mg(&self) -> u64 {
        self.standing.remaining_mg
    }

    /// Where it stands.
    #[must_use]
    pub const fn status(&self) -> LotStatus {
        self.standing.status()
    }

    /// Content of one element, parts per billion.
    #[must_use]
    pub fn ppb(&self, element: u8) -> Option<u32> {
        self.composition.iter().find(|content| content.element == element).map(|content| content.ppb)
    }
}

impl Standing {
    /// Where the lot stands: the strongest statement wins.
    #[must_use]
    pub const fn status(&self) -> LotStatus {
        if self.void {
            LotStatus::Void
        } else if self.recalled_by != NONE {
            LotStatus::Recalled
        } else if self.held_by != NONE {
            LotStatus::Held
        } else if self.offer != NONE {
            LotStatus::Offered
        } else if self.remaining_mg > 0 {
            LotStatus::Active
        } else if self.disposed_mg > 0 {
            LotStatus::Disposed
        } else {
            LotStatus::Consumed
        }
    }
}
