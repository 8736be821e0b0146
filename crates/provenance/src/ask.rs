//! What every question shares: its bounds, its methods, its refusals.

use crate::graph::{ContainedMass, Graph};
use crate::types::{Element, LotIndex};

/// How much a question may cost; an answer that was cut short says so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Most steps to visit.
    pub steps: u32,
    /// Most multiplications of a weight by a taken part.
    pub work: u64,
}

impl Default for Limits {
    /// A million steps and twenty million multiplications: a few seconds at worst.
    fn default() -> Self {
        Self { steps: 1_000_000, work: 20_000_000 }
    }
}

/// How an answer was reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Method {
    /// Steps mix well: every output holds the inputs' shares weighted by contained mass.
    WellMixed,
    /// Assay uncertainties (k = 2) opened intervals.
    AssayInterval,
    /// A stockpile that nobody declared homogenised opened intervals.
    StockpileBounds,
    /// Segregated material: the set is certain, single sources are bounded.
    SegregatedBounds,
    /// No input of some step states the element: its inputs were weighed by dry mass, with bounds 0 and 1.
    DryMassFallback,
    /// A limit cut the walk short: what was not traced is stated as unresolved.
    CutShort,
}

impl Method {
    pub(crate) const ALL: [Self; 6] = [
        Self::WellMixed,
        Self::AssayInterval,
        Self::StockpileBounds,
        Self::SegregatedBounds,
        Self::DryMassFallback,
        Self::CutShort,
    ];

    pub(crate) fn bit(self) -> u8 {
        1 << self as u8
    }
}

/// What a question looked at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Visited {
    /// Distinct lots, the asked one included.
    pub lots: u32,
    /// Steps, sources included.
    pub steps: u32,
    /// Taken parts.
    pub parts: u64,
}

/// Why a question has no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum QuestionError {
    /// No such lot in a ledger of that size, or withdrawn there.
    #[error("lot {} does not stand in a ledger of {as_of} entries", lot.0)]
    NoSuchLot {
        /// The lot that was asked about.
        lot: LotIndex,
        /// The ledger size that was asked about.
        as_of: u64,
    },
    /// The lot holds none of the element.
    #[error("lot {} states no content of element {}", lot.0, element.0)]
    NoContent {
        /// The lot that was asked about.
        lot: LotIndex,
        /// The element that was asked about.
        element: Element,
    },
}

/// The asked lot's contained mass, or why the question has no answer.
pub(crate) fn contained_or_refuse(
    graph: &Graph,
    lot: LotIndex,
    element: Element,
    as_of: u64,
) -> Result<ContainedMass, QuestionError> {
    let contained = graph.contained(lot, element, as_of).ok_or(QuestionError::NoSuchLot { lot, as_of })?;
    if contained.upper.0 == 0 {
        return Err(QuestionError::NoContent { lot, element });
    }
    Ok(contained)
}

/// A question without slices. Ends: a walk visits each step once, and no question takes more than a few walks.
pub(crate) fn in_one_go<T>(mut go_on: impl FnMut(u64) -> Option<T>) -> T {
    loop {
        if let Some(answer) = go_on(u64::MAX) {
            return answer;
        }
    }
}
