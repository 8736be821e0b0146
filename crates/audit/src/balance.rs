//! Mass balance of a facility: opening, receipts, inputs, outputs, losses, shipments, closing, per period.
//!
//! The books are the ledger's own: what a lot held when it left and when it arrived, after the receiver's
//! weighing. So `opening + receipts + mined + outputs + residues + adjustments = inputs + shipments + gone + closing`,
//! exactly. A declared loss is shown beside it: it explains inputs that are in no output, and moves no stock.

use alloc::{collections::BTreeMap, vec::Vec};

use ore_provenance::Element;
use ore_record::v1::MaterialClass;

mod books;
mod moves;
mod pages;

pub use books::{Books, counted};
pub use pages::Pages;

use crate::{
    journal::{Entry, Word},
    ratio::{Ppm, ratio_ppm},
    view::{Budget, View},
};

/// What is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BalanceOf {
    /// The facility.
    pub facility: Word,
    /// Only this class of material; `Unspecified`: all together.
    pub material: MaterialClass,
    /// Atomic number; 0: the whole dry mass.
    pub element: Element,
    /// From this event time, inclusive, milliseconds since 1970.
    pub from_ms: u64,
    /// To this event time, exclusive.
    pub to_ms: u64,
}

/// A line of the books.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Line {
    /// Came from another place.
    Receipt,
    /// Mined, collected, or brought in with unknown origin.
    Source,
    /// Came out of a transformation here, product or by-product.
    Output,
    /// Residue of a transformation here.
    Residue,
    /// An offer that was declined or cancelled came back.
    Return,
    /// A new assay changed what stock contains.
    Revaluation,
    /// Went into a transformation here.
    Input,
    /// Left for another place.
    Shipment,
    /// Worn away in use.
    Use,
    /// Destroyed, dumped, lost, stolen or exported.
    Disposal,
}

impl Line {
    /// All, in the order of a balance sheet.
    pub const ALL: [Self; 10] = [
        Self::Receipt,
        Self::Source,
        Self::Output,
        Self::Residue,
        Self::Return,
        Self::Revaluation,
        Self::Input,
        Self::Shipment,
        Self::Use,
        Self::Disposal,
    ];

    /// Whether it lowers the stock.
    #[must_use]
    pub const fn lowers(self) -> bool {
        matches!(self, Self::Input | Self::Shipment | Self::Use | Self::Disposal)
    }
}

/// One movement: what the drill-down shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Movement {
    /// Leaf of the record.
    pub leaf: u32,
    /// Ordinal.
    pub lot: u32,
    /// Where it stands.
    pub line: Line,
    /// What it adds to the stock, picograms; negative when it lowers it.
    pub amount_pg: i128,
}

/// A stocktake against the books of its moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Counted {
    /// Leaf of the stocktake.
    pub leaf: u32,
    /// What was counted, picograms.
    pub counted_pg: i128,
    /// What the books said, picograms.
    pub book_pg: i128,
    /// Opening stock and everything that came in since the stocktake's period began, picograms.
    pub throughput_pg: i128,
}

impl Counted {
    /// Counted less book.
    #[must_use]
    pub const fn variance_pg(&self) -> i128 {
        self.counted_pg.saturating_sub(self.book_pg)
    }

    /// The variance as a part of the closing book stock.
    #[must_use]
    pub fn of_closing(&self) -> Option<Ppm> {
        ratio_ppm(self.variance_pg(), u128::try_from(self.book_pg).ok()?)
    }

    /// The variance as a part of the throughput.
    #[must_use]
    pub fn of_throughput(&self) -> Option<Ppm> {
        ratio_ppm(self.variance_pg(), u128::try_from(self.throughput_pg).ok()?)
    }
}

/// The books of a period.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Balance {
    /// Stock at the beginning, picograms.
    pub opening_pg: i128,
    /// By line, picograms, as positive numbers except revaluations.
    pub lines: BTreeMap<Line, i128>,
    /// Declared losses to no lot, picograms; part of `Input` already.
    pub declared_loss_pg: i128,
    /// Stock at the end, picograms.
    pub closing_pg: i128,
    /// Stocktakes of the period, oldest first.
    pub counted: Vec<Counted>,
    /// Movements of the period, oldest record first, at most as many as were asked for.
    pub movements: Vec<Movement>,
    /// Whether movements were left out of the list (never out of the sums).
    pub more_movements: bool,
    /// Whether every record was looked at.
    pub complete: bool,
}

impl Balance {
    /// Inputs that are in no output, residue or declared loss: what the balance of metal leaves open.
    #[must_use]
    pub fn unaccounted_pg(&self) -> i128 {
        let line = |line| self.lines.get(&line).copied().unwrap_or(0);
        line(Line::Input) - line(Line::Output) - line(Line::Residue) - self.declared_loss_pg
    }

    /// Opening stock and everything that came in.
    #[must_use]
    pub fn throughput_pg(&self) -> i128 {
        let came = Line::ALL.iter().filter(|line| !line.lowers() && **line != Line::Revaluation);
        came.fold(self.opening_pg, |sum, line| sum + self.lines.get(line).copied().unwrap_or(0))
    }
}

/// The books of a facility, with at most `drill` movements.
#[must_use]
pub fn balance(view: &View<'_>, of: &BalanceOf, drill: usize, budget: &mut Budget) -> Balance {
    let mut books = Books::new(*of, drill);
    let done = books.go_on(view, budget);
    books.close(done)
}

/// What one record moves at a facility.
#[inline]
pub fn movements(view: &View<'_>, of: &BalanceOf, leaf: u32, entry: &Entry, each: &mut impl FnMut(Movement)) {
    let wanted = |lot: u32| {
        of.material == MaterialClass::Unspecified
            || view.journal.lot(lot).is_some_and(|lot| lot.material == of.material)
    };
    moves::of_record(view, of.facility, leaf, entry, &wanted, &mut |moved| {
        if let Some(amount_pg) = moved.amount_pg(view.graph, of.element) {
            each(Movement { leaf, lot: moved.lot, line: moved.line, amount_pg });
        }
    });
}

/// Declared losses to no lot, picograms.
fn declared(of: &BalanceOf, entry: &Entry) -> i128 {
    let mut sum = 0;
    moves::each_loss(entry, |element, lost| sum += if element == of.element { lost } else { 0 });
    sum
}
