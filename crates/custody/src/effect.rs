//! What a record means for the graph of lots: everything that provenance needs, in small types.
//!
//! Lots are named by their ordinal, facilities by their place ([`crate::Custody::facility_at`]).

use alloc::{boxed::Box, vec::Vec};

use ore_record::v1::{Mixing, OutputRole, Process, RecyclingClass};

use crate::lot::{Composition, Country, Place};

/// Where metal enters the ledger.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SourceKind {
    /// Extracted at a mine.
    Mine,
    /// Collected as scrap without history here, before use.
    PreConsumerScrap,
    /// Collected as scrap without history here, after use.
    PostConsumerScrap,
    /// Nobody could show where it came from. Its route counts as primary, its country is `ZZ`.
    DeclaredUnknown,
}

/// A lot without parents.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// Ordinal of the new lot.
    pub lot: u32,
    /// What kind of source.
    pub kind: SourceKind,
    /// The mine, collection point or place of declaration.
    pub facility: Place,
    /// Country of the mine; for scrap the declared one, else `ZZ`; for an unknown source always `ZZ`.
    pub country: Country,
    /// Its composition; empty when nothing is known.
    pub composition: Composition,
    /// Dry milligrams.
    pub dry_mg: u64,
}

/// One input of a step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StepInput {
    /// Ordinal of the lot.
    pub lot: u32,
    /// Dry milligrams taken.
    pub dry_mg: u64,
    /// Assay of the taken part, when there is one; else the lot's composition held.
    pub composition: Option<Composition>,
}

/// One output of a step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StepOutput {
    /// Ordinal of the new lot.
    pub lot: u32,
    /// Product, by-product or residue.
    pub role: OutputRole,
    /// Dry milligrams.
    pub dry_mg: u64,
    /// Its composition; empty when nothing is known.
    pub composition: Composition,
}

/// Metal of one element that went to no lot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StepLoss {
    /// Atomic number.
    pub element: u8,
    /// Milligrams of the element.
    pub mg: u64,
}

/// Inputs became outputs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// What was done.
    pub process: Process,
    /// Class, when the process is recycling.
    pub recycling_class: RecyclingClass,
    /// How the inputs met.
    pub mixing: Mixing,
    /// Where.
    pub facility: Place,
    /// What went in.
    pub inputs: Vec<StepInput>,
    /// What came out.
    pub outputs: Vec<StepOutput>,
    /// What was lost.
    pub losses: Vec<StepLoss>,
}

/// Why the mass of a lot changed without a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MassChange {
    /// Less arrived than was sent.
    Shortfall,
    /// An item was used.
    Used,
    /// A part or the whole left the system.
    Disposed,
    /// A record that had taken mass away was withdrawn.
    Restored,
}

/// One consequence of a record for the graph.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// A lot came into being without parents.
    Source(Box<Source>),
    /// Lots became lots.
    Step(Box<Step>),
    /// A lot's composition is now this.
    Composition {
        /// Ordinal.
        lot: u32,
        /// In force from here on; what was taken earlier keeps what held then.
        composition: Composition,
    },
    /// A lot's remaining mass changed without a step.
    Mass {
        /// Ordinal.
        lot: u32,
        /// Dry milligrams that now remain.
        remaining_mg: u64,
        /// Why.
        why: MassChange,
    },
    /// Creation of these lots was withdrawn: they never were.
    Void {
        /// Ordinals.
        lots: Vec<u32>,
        /// Leaf of the withdrawn record.
        withdrawn: u64,
    },
    /// A step was withdrawn: its outputs are void (an [`Effect::Void`] says so too) and its inputs have their mass again.
    TakenBack {
        /// Leaf of the withdrawn record.
        withdrawn: u64,
        /// Ordinal and dry milligrams returned, per input.
        inputs: Vec<(u32, u64)>,
        /// Ordinals.
        outputs: Vec<u32>,
    },
    /// A lot was called back.
    Recalled {
        /// Ordinal.
        lot: u32,
        /// Its descendants too.
        descendants: bool,
    },
    /// A recall or a hold ended.
    Released {
        /// Ordinal.
        lot: u32,
    },
}
