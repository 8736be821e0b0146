//! The lot graph: compact append-only arrays in ledger order.
//!
//! A step's inputs are always older than its outputs, so the order of the arrays
//! is a topological order and the graph has no cycle. What a step took carries
//! the composition that was in force then: a later assay does not rewrite it.
//! Withdrawn steps stay in the arrays, with the leaf from which they no longer count.

mod append;
mod dated;
mod read;
mod snapshot;
mod undo;

use alloc::vec::Vec;

use hashbrown::HashMap;

pub use append::{AppendError, Appended};
pub use dated::Dating;
pub use read::{ContainedMass, Held, LotFacts, Part, StepFacts, StepMass};
pub use snapshot::SnapshotError;
pub use undo::{Mark, MarkBeyondEnd};

use crate::types::{
    Content, ContentKind, Element, Mixing, Origin, RecyclingClass, Route, SourceKind, StepKind,
};

/// "No entry" in a `u32` link.
pub(crate) const NONE: u32 = u32::MAX;

/// Place of a record in the log, in half as many bytes: appending refuses what does not fit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Leaf(u32);

impl Leaf {
    /// The last one that has room.
    const LAST: u64 = u32::MAX as u64;

    fn new(leaf: u64) -> Option<Self> {
        u32::try_from(leaf).ok().map(Self)
    }

    #[inline]
    pub(crate) const fn get(self) -> u64 {
        self.0 as u64
    }

    /// Whether a log of this many entries holds it.
    #[inline]
    pub(crate) const fn is_before(self, tree_size: u64) -> bool {
        self.get() < tree_size
    }
}

/// The lot graph. 32 bytes per lot, 20 per step, 24 per taken part and 16 per stated content.
#[derive(Clone, Debug, Default)]
pub struct Graph {
    pub(crate) lots: Vec<LotRow>,
    /// A bit for each lot that more than one part was taken from; it may stay when such a part is undone.
    shared: Vec<u64>,
    /// The step that made each lot; apart from `lots` because walks read little else.
    pub(crate) maker: Vec<u32>,
    pub(crate) steps: Vec<StepRow>,
    pub(crate) edges: Vec<EdgeRow>,
    pub(crate) contents: Vec<ContentRow>,
    pub(crate) origins: Vec<OriginRow>,
    origin_index: HashMap<OriginRow, u32>,
    revisions: Vec<Revision>,
    /// The newest revision of each lot. An array: most lots are weighed again where they arrive.
    revised: Vec<u32>,
    voids: Vec<Void>,
    /// The leaf from which a voided step no longer counts.
    voided: HashMap<u32, Leaf>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct LotRow {
    pub(crate) dry_mg: u64,
    pub(crate) taken_mg: u64,
    /// Where the composition in force starts in `contents`.
    pub(crate) composition: u32,
    /// Newest part taken from this lot, an index of `edges`.
    pub(crate) newest_use: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct StepRow {
    pub(crate) leaf: Leaf,
    pub(crate) first_lot: u32,
    pub(crate) first_edge: u32,
    /// For a source: which row of `origins`.
    pub(crate) origin: u32,
    pub(crate) class: StepClass,
    pub(crate) mixing: Mixing,
    pub(crate) void: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum StepClass {
    Source,
    Transform,
    Split,
    RunAround,
    RecyclePre,
    RecyclePost,
    Leave,
}

impl From<StepKind> for StepClass {
    fn from(kind: StepKind) -> Self {
        match kind {
            StepKind::Transform => Self::Transform,
            StepKind::Split => Self::Split,
            StepKind::Recycle(RecyclingClass::InternalRunAround) => Self::RunAround,
            StepKind::Recycle(RecyclingClass::PreConsumer) => Self::RecyclePre,
            StepKind::Recycle(RecyclingClass::PostConsumer) => Self::RecyclePost,
            StepKind::Leave => Self::Leave,
        }
    }
}

impl StepClass {
    pub(crate) fn kind(self) -> Option<StepKind> {
        match self {
            Self::Source => None,
            Self::Transform => Some(StepKind::Transform),
            Self::Split => Some(StepKind::Split),
            Self::RunAround => Some(StepKind::Recycle(RecyclingClass::InternalRunAround)),
            Self::RecyclePre => Some(StepKind::Recycle(RecyclingClass::PreConsumer)),
            Self::RecyclePost => Some(StepKind::Recycle(RecyclingClass::PostConsumer)),
            Self::Leave => Some(StepKind::Leave),
        }
    }

    /// The route that everything passing this step gets, if it decides one.
    #[inline]
    pub(crate) fn recycled_as(self) -> Option<Route> {
        match self {
            Self::RecyclePre => Some(Route::PreConsumer),
            Self::RecyclePost => Some(Route::PostConsumer),
            _ => None,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct EdgeRow {
    pub(crate) dry_mg: u64,
    pub(crate) lot: u32,
    /// The composition in force when it was taken, pinned.
    pub(crate) composition: u32,
    /// Next older part taken from the same lot.
    pub(crate) older_use: u32,
    /// The step that took it.
    pub(crate) step: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ContentRow {
    pub(crate) content: Content12,
    pub(crate) element: u8,
    pub(crate) last: bool,
}

/// A [`Content`] with its kind in one byte beside two words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Content12 {
    pub(crate) ppb: u32,
    pub(crate) uncertainty: u32,
    pub(crate) kind: ContentKind,
}

impl Content12 {
    #[inline]
    pub(crate) fn content(self) -> Content {
        Content { ppb: self.ppb, uncertainty_ppb_k2: self.uncertainty, kind: self.kind }
    }
}

/// An origin and what kind of place its source is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct OriginRow {
    pub(crate) origin: Origin,
    pub(crate) kind: SourceKind,
}

/// A lot's mass and composition before a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Revision {
    leaf: Leaf,
    lot: u32,
    composition_before: u32,
    /// The lot's revision before this one.
    older: u32,
    dry_mg_before: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Void {
    leaf: Leaf,
    step: u32,
}

impl Graph {
    /// An empty graph.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Number of lots ever created, voided ones included; the next lot's index.
    #[must_use]
    pub fn lots(&self) -> u32 {
        // Appending refuses to pass `u32::MAX - 1`.
        self.lots.len() as u32
    }

    /// Number of steps, sources included.
    #[must_use]
    pub fn steps(&self) -> u32 {
        self.steps.len() as u32
    }

    /// Bytes that the arrays occupy (their length, not their capacity; hash tables are left out).
    #[must_use]
    pub fn bytes_in_use(&self) -> usize {
        self.bytes_by_kind().iter().map(|(_, bytes)| bytes).sum()
    }

    /// The same, array by array.
    #[must_use]
    pub fn bytes_by_kind(&self) -> [(&'static str, usize); 8] {
        [
            ("lots", size_of_val(&self.lots[..])),
            ("makers of lots", size_of_val(&self.maker[..])),
            ("newest revisions of lots", size_of_val(&self.revised[..])),
            ("steps", size_of_val(&self.steps[..])),
            ("taken parts", size_of_val(&self.edges[..])),
            ("contents", size_of_val(&self.contents[..])),
            ("revisions", size_of_val(&self.revisions[..])),
            ("origins and withdrawals", size_of_val(&self.origins[..]) + size_of_val(&self.voids[..])),
        ]
    }

    /// Notes that a part was taken from a lot after another.
    fn share(&mut self, lot: u32) {
        let word = lot as usize / 64;
        if self.shared.len() <= word {
            self.shared.resize(word + 1, 0);
        }
        self.shared[word] |= 1 << (lot % 64);
    }

    /// Each part that was taken from a lot, newest first, by its place in `edges`; of a lot with one part without
    /// looking there, which is far away.
    #[inline]
    pub(crate) fn each_use(&self, lot: u32, mut each: impl FnMut(u32)) {
        let mut edge = self.lots[lot as usize].newest_use;
        if edge == NONE {
            return;
        }
        each(edge);
        let shared = self.shared.get(lot as usize / 64).is_some_and(|word| word >> (lot % 64) & 1 == 1);
        while shared && self.edges[edge as usize].older_use != NONE {
            edge = self.edges[edge as usize].older_use;
            each(edge);
        }
    }

    #[inline]
    pub(crate) fn edge_range(&self, step: usize) -> core::ops::Range<usize> {
        let start = self.steps[step].first_edge as usize;
        let end = self.steps.get(step + 1).map_or(self.edges.len(), |next| next.first_edge as usize);
        start..end
    }

    #[inline]
    pub(crate) fn lot_range(&self, step: usize) -> core::ops::Range<u32> {
        let end = self.steps.get(step + 1).map_or(self.lots(), |next| next.first_lot);
        self.steps[step].first_lot..end
    }

    /// The content of an element in the composition that starts at `start`.
    #[inline]
    pub(crate) fn content(&self, start: u32, element: Element) -> Option<Content12> {
        for row in self.contents.get(start as usize..)? {
            if row.element == element.0 {
                return Some(row.content);
            }
            if row.last {
                return None;
            }
        }
        None
    }
}
