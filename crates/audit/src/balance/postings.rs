//! Postings: what each record moved at a facility, kept ready in rows between questions.
//!
//! What a record moved never changes: masses and contents are those of its moment. So rows are worked out once, and
//! taken on as the ledger grows. What may change is asked of the ledger each time: stocktakes, returns, and
//! records that were withdrawn, which counted before and do not after. A row has 24 bytes, and 16 more where its
//! amount needs more than 64 bits (9.2 t of an element); a [`Shelf`] bounds them all.

use alloc::vec::Vec;

use hashbrown::HashSet;
use ore_provenance::Element;
use ore_record::v1::MaterialClass;

use super::{BalanceOf, Line, declared, movements};
use crate::{
    journal::{Fact, Word},
    view::{Budget, View},
};

/// Movements of one element at one facility, in ledger order.
#[derive(Clone, Debug)]
pub struct Postings {
    facility: Word,
    element: Element,
    /// Leaves posted under the facility, and withdrawals of the ledger, that were taken up.
    taken_up: usize,
    withdrawals: usize,
    rows: Vec<Row>,
    /// Amounts beyond 64 bits.
    wide: Vec<i128>,
    /// Leaves to ask the ledger about, in order.
    asked: Vec<u32>,
}

/// One movement.
#[derive(Clone, Copy, Debug)]
pub(super) struct Row {
    pub(super) event_ms: u64,
    /// Picograms, or a place in `wide`.
    amount: i64,
    pub(super) leaf: u32,
    pub(super) what: What,
    wide: bool,
    /// Of the lot; no two of its numbers are the same in 16 bits.
    material: u16,
}

/// What a row stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum What {
    Moved(Line),
    /// A declared loss, which moves no stock.
    Lost,
    /// Its record was withdrawn.
    Asked,
}

/// Where a reader of postings is.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Place {
    row: usize,
    asked: usize,
}

/// What comes next in ledger order.
pub(super) enum Next<'a> {
    Rows(&'a [Row]),
    Record(u32),
}

impl Row {
    /// Whether the question is about it.
    #[inline]
    pub(super) fn is_of(&self, of: &BalanceOf) -> bool {
        match self.what {
            What::Moved(_) => {
                of.material == MaterialClass::Unspecified || self.material == of.material as u16
            }
            What::Lost => true,
            What::Asked => false,
        }
    }
}

impl Postings {
    /// Nothing taken up yet.
    #[must_use]
    pub fn new(facility: Word, element: Element) -> Self {
        let (rows, wide, asked) = (Vec::new(), Vec::new(), Vec::new());
        Self { facility, element, taken_up: 0, withdrawals: 0, rows, wide, asked }
    }

    /// Bytes of memory that they take.
    #[must_use]
    pub fn bytes(&self) -> usize {
        let Self { rows, wide, asked, .. } = self;
        rows.capacity() * size_of::<Row>()
            + wide.capacity() * size_of::<i128>()
            + asked.capacity() * size_of::<u32>()
    }

    /// Room for some more, but not for as many again.
    fn shrink(&mut self) {
        fn to_fit<T>(list: &mut Vec<T>) {
            list.shrink_to(list.len() + list.len() / 16);
        }
        to_fit(&mut self.rows);
        to_fit(&mut self.wide);
        to_fit(&mut self.asked);
    }

    /// Whether they answer a question.
    pub(super) fn are_of(&self, of: &BalanceOf) -> bool {
        (self.facility, self.element) == (of.facility, of.element)
    }

    /// Takes up what came since the last time, as far as the view goes; false when the budget ends before. For a
    /// view without a business date: that has other masses.
    pub(super) fn take_up(&mut self, view: &View<'_>, budget: &mut Budget) -> bool {
        self.set_aside(view);
        let of = BalanceOf {
            facility: self.facility,
            material: MaterialClass::Unspecified,
            element: self.element,
            from_ms: 0,
            to_ms: u64::MAX,
        };
        // Those withdrawn as well: whether they count depends on the size that is asked about.
        while let Some((leaf, counted)) = view.next_posted(self.facility, &mut self.taken_up) {
            if !budget.spend(1) {
                self.taken_up -= 1;
                return false;
            }
            let Some(entry) = view.journal.entry(leaf) else { continue };
            let changes = matches!(entry.fact, Fact::Stocktake { .. } | Fact::Returned { .. });
            if changes || counted.is_none() || entry.withdrawn_at.is_some() {
                self.asked.push(leaf);
                continue;
            }
            let Self { rows, wide, .. } = self;
            let mut row = |what: What, material: u16, amount: i128| {
                let event_ms = entry.event_ms;
                let (amount, is_wide) = match i64::try_from(amount) {
                    Ok(amount) => (amount, false),
                    Err(_) => {
                        wide.push(amount);
                        ((wide.len() - 1) as i64, true)
                    }
                };
                rows.push(Row { event_ms, amount, leaf, what, wide: is_wide, material });
            };
            movements(view, &of, leaf, entry, &mut |moved| {
                let material = view.journal.lot(moved.lot).map_or(0, |lot| lot.material as u16);
                row(What::Moved(moved.line), material, moved.amount_pg);
            });
            match declared(&of, entry) {
                0 => {}
                lost => row(What::Lost, 0, lost),
            }
        }
        true
    }

    /// Rows of records that were withdrawn since are left to the ledger, as far as the view knows. What came later
    /// still stands in it, and a reader of these rows may be half way through.
    fn set_aside(&mut self, view: &View<'_>) {
        let all = view.journal.withdrawals();
        let known = all.partition_point(|record| {
            let at = view.journal.entry(*record).and_then(|entry| entry.withdrawn_at);
            at.is_some_and(|at| u64::from(at) < view.as_of)
        });
        let Some(new) = all.get(self.withdrawals..known).filter(|new| !new.is_empty()) else { return };
        let new: HashSet<u32> = new.iter().copied().collect();
        self.withdrawals = known;
        for row in self.rows.iter_mut().filter(|row| new.contains(&row.leaf)) {
            row.what = What::Asked;
            self.asked.push(row.leaf);
        }
        self.asked.sort_unstable();
        self.asked.dedup();
    }

    /// The next rows, at most so many, or the next record to ask the ledger about; nothing beyond the size.
    pub(super) fn next(&self, place: &mut Place, as_of: u64, most: usize) -> Option<Next<'_>> {
        let within = |leaf: &u32| u64::from(*leaf) < as_of;
        let asked = self.asked.get(place.asked).copied().filter(within);
        let rest = &self.rows[place.row..];
        let rest = &rest[..rest.len().min(most)];
        let before = |row: &Row| within(&row.leaf) && asked.is_none_or(|asked| row.leaf <= asked);
        // All of them, as a rule.
        let rows = match rest.last() {
            Some(last) if before(last) => rest,
            _ => &rest[..rest.partition_point(before)],
        };
        place.row += rows.len();
        if !rows.is_empty() {
            return Some(Next::Rows(rows));
        }
        place.asked += 1;
        asked.map(Next::Record)
    }

    /// What a row adds to the stock, or the declared loss, picograms.
    #[inline]
    pub(super) fn amount(&self, row: &Row) -> i128 {
        if row.wide { self.wide[row.amount as usize] } else { row.amount.into() }
    }
}

/// Postings of what was asked about, the newest last.
#[derive(Debug, Default)]
pub struct Shelf {
    kept: Vec<Postings>,
}

impl Shelf {
    /// Takes postings down, those that there are or new ones.
    pub fn take(&mut self, facility: Word, element: Element) -> Postings {
        let known = self.kept.iter().position(|it| (it.facility, it.element) == (facility, element));
        known.map_or_else(|| Postings::new(facility, element), |at| self.kept.remove(at))
    }

    /// Puts them back. What was asked about longest ago goes until no more than so many bytes are taken.
    pub fn put(&mut self, mut postings: Postings, most_bytes: usize) {
        postings.shrink();
        // Two questions at once made them twice.
        self.kept.retain(|it| (it.facility, it.element) != (postings.facility, postings.element));
        self.kept.push(postings);
        while !self.kept.is_empty() && self.kept.iter().map(Postings::bytes).sum::<usize>() > most_bytes {
            self.kept.remove(0);
        }
    }
}
