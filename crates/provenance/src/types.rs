//! The words of provenance: lots, elements, contents, origins, masses.
//!
//! These are small values for arithmetic; what a member signs is described
//! elsewhere and translated by the caller.

use core::fmt;

/// Ordinal of a lot: lots are numbered from 0 in the order in which they were created.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LotIndex(pub u32);

/// Ordinal of a step: sources and steps share one numbering, in ledger order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StepIndex(pub u32);

/// A chemical element by atomic number, 1 to 118.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Element(pub u8);

/// A source's name as the caller interned it: a mine's facility, a collection point, a declared unknown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SourceId(pub u32);

/// Contained mass of one element in picograms: one milligram of dry mass at one part per billion.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Picograms(pub u128);

impl Picograms {
    /// The mass of an element in `dry_mg` milligrams at `ppb` parts per billion, exactly.
    #[inline]
    #[must_use]
    pub fn contained(dry_mg: u64, ppb: u32) -> Self {
        Self(u128::from(dry_mg) * u128::from(ppb))
    }

    /// Whole milligrams, rounded down.
    #[must_use]
    pub fn whole_milligrams(self) -> u128 {
        self.0 / 1_000_000_000
    }
}

impl fmt::Display for Picograms {
    /// Kilograms with all fifteen decimals.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const PER_KILOGRAM: u128 = 1_000_000_000_000_000;
        write!(f, "{}.{:015} kg", self.0 / PER_KILOGRAM, self.0 % PER_KILOGRAM)
    }
}

/// How a content is known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ContentKind {
    /// An assay found it.
    #[default]
    Measured,
    /// A party states it without an assay.
    Declared,
    /// Looked for and not found: `ppb` is the detection limit, the value counts as 0 and the bounds as 0 to `ppb`.
    BelowDetection,
}

/// One element's fraction of dry mass.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Content {
    /// Parts per billion of dry mass; the detection limit when the kind is `BelowDetection`.
    pub ppb: u32,
    /// Half-width of the interval at k = 2, in parts per billion of dry mass (absolute, not relative).
    pub uncertainty_ppb_k2: u32,
    /// Measured, declared or below detection.
    pub kind: ContentKind,
}

impl Content {
    /// A measured content without stated uncertainty.
    #[must_use]
    pub fn exact(ppb: u32) -> Self {
        Self { ppb, uncertainty_ppb_k2: 0, kind: ContentKind::Measured }
    }

    /// Value, lower and upper bound in parts per billion.
    #[inline]
    #[must_use]
    pub fn bounds(self) -> (u32, u32, u32) {
        match self.kind {
            ContentKind::BelowDetection => (0, 0, self.ppb),
            ContentKind::Measured | ContentKind::Declared => {
                let lower = self.ppb.saturating_sub(self.uncertainty_ppb_k2);
                // No more than the whole; a value above the whole (refused elsewhere) is left alone.
                let upper = self.ppb.saturating_add(self.uncertainty_ppb_k2).min(1_000_000_000.max(self.ppb));
                (self.ppb, lower, upper)
            }
        }
    }
}

/// How an element's content in dry mass is stated: pairs in any order, each element once.
pub type Composition<'a> = &'a [(Element, Content)];

/// What kind of place a source is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SourceKind {
    /// A mine.
    Mine,
    /// The owner declares that the origin is not known.
    DeclaredUnknown,
    /// Scrap collected without ledger history.
    ScrapCollection,
}

/// How the metal last came into circulation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Route {
    /// From ore, never recycled.
    Primary,
    /// Recycled from manufacturing scrap that left its process.
    PreConsumer,
    /// Recycled after use.
    PostConsumer,
}

/// What kind of recycling a member declares.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RecyclingClass {
    /// Scrap that goes back into the process that made it: not recycled content (ISO 14021).
    InternalRunAround,
    /// Scrap of another process, before use.
    PreConsumer,
    /// Scrap after use.
    PostConsumer,
}

/// Where metal came from: the key of every share.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Origin {
    /// Which source.
    pub source: SourceId,
    /// ISO 3166-1 alpha-2; `ZZ` where nobody knows.
    pub country: [u8; 2],
    /// Primary, or the class of the newest recycling on the way.
    pub route: Route,
    /// Recycling passes since the source.
    pub generation: u16,
}

/// What a step does with shares.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum StepKind {
    /// Inputs become outputs by a process.
    Transform,
    /// One lot is divided: shares are copied, nothing is mixed that was not.
    Split,
    /// Scrap becomes metal again.
    Recycle(RecyclingClass),
    /// Mass leaves: used up, disposed of, exported. Has no outputs.
    Leave,
}

/// Whether a step's inputs can be told apart in its outputs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Mixing {
    /// Well mixed: every output holds the same shares.
    Homogenised,
    /// A stockpile: any part may come from any layer.
    NotHomogenised,
    /// Kept apart from other classes of material; sources inside the class are not told apart.
    Segregated,
}

/// A part of a lot that a step takes; it carries the lot's composition in force.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Taken {
    /// The lot.
    pub lot: LotIndex,
    /// Dry milligrams taken.
    pub dry_mg: u64,
}

/// A lot that a step creates.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NewLot<'a> {
    /// Dry milligrams.
    pub dry_mg: u64,
    /// Composition at creation.
    pub composition: Composition<'a>,
}
