//! Pages: sums of what a facility's records moved, of every element, kept ready before anybody asks.
//!
//! A page is some consecutive records of a facility; a question whose period holds all of them, or none, takes the
//! page's sums, and reads the records of the few pages that a period begins or ends in. What a record moved never
//! changes: masses and contents are those of its moment. What may change is asked of the ledger each time:
//! stocktakes, returns, and records that were withdrawn, which counted before and do not after.
//!
//! A page has sixteen records, or twice as many as often as it has more sums than movements of lots: so sums take
//! no more than 28 bytes a movement, however many elements a lot is said to hold, beside an eighth of spare room and
//! that of one sum for each facility and element. A page that would be too large stays blank, and its records are read.

use alloc::{collections::BTreeMap, vec::Vec};

use hashbrown::HashMap;
use ore_provenance::Element;
use ore_record::v1::MaterialClass;

use super::{BalanceOf, Line, moves};
use crate::{
    journal::{Entry, Fact, Word},
    view::{Budget, View},
};

/// Records of the shortest page: a period's end costs the reading of as many, twice.
const FEWEST: usize = 16;
/// Records of the longest page.
const MOST: usize = 1_024;
/// Amounts of the longest page: one with more stays blank, and what comes after the record that made it so is not
/// looked at. That one may have as many again (eight hundred lots of a hundred elements): some milliseconds of work.
const MOST_AMOUNTS: usize = 65_536;

/// Pages of every facility, in ledger order.
#[derive(Debug, Default)]
pub struct Pages {
    books: HashMap<Word, Book>,
    sums: HashMap<(Word, Element), Vec<Sum>>,
    /// Leaves, and withdrawals of the ledger, that were taken up.
    taken_up: u32,
    withdrawals: usize,
}

/// Pages of one facility.
#[derive(Debug)]
struct Book {
    pages: Vec<Page>,
    /// Leaves on pages to ask the ledger about, in order.
    asked: Vec<u32>,
    /// Records of the facility at which a page is tried next.
    next: usize,
}

/// One page.
#[derive(Clone, Copy, Debug)]
pub(super) struct Page {
    /// Event times of what is in its sums.
    pub(super) first_ms: u64,
    pub(super) last_ms: u64,
    /// Records of the facility as far as its end.
    end: u32,
    /// Whether the ledger is to be asked about some of them.
    asks: bool,
    /// Without sums: its records are to be read.
    blank: bool,
}

/// What the records of a page moved of one element, by line and material.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sum {
    /// An `i128` of picograms, in the bytes of this machine: aligned to four, a sum has 28.
    amount_pg: [u8; 16],
    page: u32,
    /// Movements; none are left when all records of it were withdrawn.
    moved: u32,
    pub(super) what: What,
    material: u16,
}

/// What a sum is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum What {
    Moved(Line),
    /// Declared losses, which move no stock.
    Lost,
}

/// Element, what, and material in 16 bits: no two of its numbers are the same in them.
type Key = (Element, What, u16);

impl Sum {
    /// Whether the question is about it.
    pub(super) fn is_of(&self, of: &BalanceOf) -> bool {
        let all = self.what == What::Lost || of.material == MaterialClass::Unspecified;
        self.moved > 0 && (all || self.material == of.material as u16)
    }

    pub(super) const fn amount_pg(&self) -> i128 {
        i128::from_ne_bytes(self.amount_pg)
    }
}

/// A page that is being written.
#[derive(Default)]
struct Draft {
    /// Movements and their sum.
    sums: BTreeMap<Key, (u32, i128)>,
    times: Option<(u64, u64)>,
    asked: Vec<u32>,
    moved: usize,
    amounts: usize,
}

impl Draft {
    /// Of so many records, or of those with as many amounts as a page may have.
    fn of(view: &View<'_>, facility: Word, records: &[u32]) -> Self {
        let mut draft = Self::default();
        for leaf in records {
            let Some(entry) = view.journal.entry(*leaf) else { continue };
            let changes = matches!(entry.fact, Fact::Stocktake { .. } | Fact::Returned { .. });
            if changes || entry.withdrawn_at.is_some() {
                draft.asked.push(*leaf);
                continue;
            }
            let mut moves = false;
            let (moved, amounts) = each_amount(view, facility, *leaf, entry, |key, amount| {
                moves = true;
                let (moved, sum) = draft.sums.entry(key).or_default();
                (*moved, *sum) = (*moved + 1, *sum + amount);
            });
            draft.moved += moved;
            draft.amounts += amounts;
            if draft.is_full() {
                break;
            }
            if moves {
                let (first, last) = draft.times.unwrap_or((entry.event_ms, entry.event_ms));
                draft.times = Some((first.min(entry.event_ms), last.max(entry.event_ms)));
            }
        }
        draft
    }

    const fn is_full(&self) -> bool {
        self.amounts > MOST_AMOUNTS
    }
}

/// What a record moves and declares lost at a facility, of every element. The number of movements of lots, and of
/// amounts that were looked at.
fn each_amount(
    view: &View<'_>,
    facility: Word,
    leaf: u32,
    entry: &Entry,
    mut each: impl FnMut(Key, i128),
) -> (usize, usize) {
    let (mut count, mut amounts) = (0, 0);
    moves::of_record(view, facility, leaf, entry, &|_| true, &mut |moved| {
        count += 1;
        let material = view.journal.lot(moved.lot).map_or(0, |lot| lot.material as u16);
        amounts += moved.amounts(view.graph, |element, amount| {
            each((element, What::Moved(moved.line), material), amount);
        });
    });
    moves::each_loss(entry, |element, lost| {
        (count, amounts) = (count + 1, amounts + 1);
        each((element, What::Lost, 0), lost);
    });
    (count, amounts)
}

impl Pages {
    /// No page yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Leaves taken up.
    #[must_use]
    pub const fn taken_up(&self) -> u64 {
        self.taken_up as u64
    }

    /// Bytes of memory that they take, hash tables left out.
    #[must_use]
    pub fn bytes(&self) -> usize {
        let books = self
            .books
            .values()
            .map(|book| book.pages.capacity() * size_of::<Page>() + book.asked.capacity() * size_of::<u32>());
        let sums = self.sums.values().map(|sums| sums.capacity() * size_of::<Sum>());
        books.chain(sums).sum()
    }

    /// Takes up the leaves that came since the last time, as far as the view goes; false when the budget ends
    /// before. The view has no business date, and its graph every leaf of its journal below its size.
    pub fn take_up(&mut self, view: &View<'_>, budget: &mut Budget) -> bool {
        while let Some(record) = view.journal.withdrawals().get(self.withdrawals) {
            if !budget.spend(1) {
                return false;
            }
            self.withdrawals += 1;
            budget.charge(self.set_aside(view, *record) as u64);
        }
        while self.taken_up < view.end() {
            if !budget.spend(1) {
                return false;
            }
            budget.charge(self.write(view, self.taken_up) as u64);
            self.taken_up += 1;
        }
        true
    }

    /// Writes the page that a leaf completes, if there is one. Amounts that were looked at.
    fn write(&mut self, view: &View<'_>, leaf: u32) -> usize {
        let facility = view.journal.place_of(leaf);
        if view.journal.done_at(facility).len() < FEWEST {
            return 0;
        }
        let fresh = || Book { pages: Vec::new(), asked: Vec::new(), next: FEWEST };
        let book = self.books.entry(facility).or_insert_with(fresh);
        let start = book.pages.last().map_or(0, |page| page.end as usize);
        let records = view.journal.done_at(facility).get(start..book.next);
        let Some(records) = records.filter(|records| records.last() <= Some(&leaf)) else { return 0 };
        let draft = Draft::of(view, facility, records);
        let dense = draft.sums.len() <= draft.moved && !draft.is_full();
        if !dense && records.len() < MOST && !draft.is_full() {
            book.next = start + 2 * records.len();
            return draft.amounts;
        }
        // Times of nothing do not matter.
        let (first_ms, last_ms) = draft.times.unwrap_or((0, 0));
        let (page, asks) = (book.pages.len() as u32, !draft.asked.is_empty());
        let end = book.next as u32;
        push(&mut book.pages, Page { first_ms, last_ms, end, asks, blank: !dense });
        book.asked.extend(draft.asked);
        book.next += FEWEST;
        for ((element, what, material), (moved, amount)) in draft.sums.into_iter().filter(|_| dense) {
            let sum = Sum { amount_pg: amount.to_ne_bytes(), page, moved, what, material };
            push(self.sums.entry((facility, element)).or_default(), sum);
        }
        draft.amounts
    }

    /// Takes a record that was withdrawn off its page: from now on the ledger is asked about it. Amounts that were
    /// looked at.
    fn set_aside(&mut self, view: &View<'_>, record: u32) -> usize {
        let facility = view.journal.place_of(record);
        let (Some(book), Ok(at)) =
            (self.books.get_mut(&facility), view.journal.done_at(facility).binary_search(&record))
        else {
            return 0;
        };
        let number = book.pages.partition_point(|page| page.end as usize <= at);
        let (Some(page), Err(at)) = (book.pages.get_mut(number), book.asked.binary_search(&record)) else {
            return 0;
        };
        page.asks = true;
        book.asked.insert(at, record);
        let (Some(entry), false) = (view.journal.entry(record), page.blank) else { return 0 };
        let (_, amounts) = each_amount(view, facility, record, entry, |(element, what, material), amount| {
            let Some(sums) = self.sums.get_mut(&(facility, element)) else { return };
            let first = sums.partition_point(|sum| (sum.page as usize) < number);
            let mut on_page = sums[first..].iter_mut().take_while(|sum| sum.page as usize == number);
            if let Some(sum) = on_page.find(|sum| (sum.what, sum.material) == (what, material)) {
                sum.moved = sum.moved.saturating_sub(1);
                sum.amount_pg = (sum.amount_pg() - amount).to_ne_bytes();
            }
        });
        amounts
    }

    /// What lies ready for a question: nothing for a view with a business date, which has other masses, or while a
    /// withdrawal that the view knows was not taken up.
    pub(super) fn lying<'a>(&'a self, view: &View<'a>, of: &BalanceOf) -> Lying<'a> {
        let posts = view.journal.done_at(of.facility);
        let next = view.journal.withdrawals().get(self.withdrawals);
        let unknown = next.and_then(|record| view.journal.entry(*record)?.withdrawn_at);
        let known = unknown.is_none_or(|at| u64::from(at) >= view.as_of) && view.date_ms == u64::MAX;
        let Some(book) = self.books.get(&of.facility).filter(|_| known) else {
            return Lying { pages: &[], asked: &[], sums: &[], posts };
        };
        let within =
            |page: &Page| posts.get(page.end as usize - 1).is_some_and(|leaf| u64::from(*leaf) < view.as_of);
        let pages = &book.pages[..book.pages.partition_point(within)];
        let sums = self.sums.get(&(of.facility, of.element)).map_or(&[][..], Vec::as_slice);
        Lying { pages, asked: &book.asked, sums, posts }
    }
}

/// Room for an eighth more at most, and one.
fn push<T>(list: &mut Vec<T>, item: T) {
    if list.len() == list.capacity() {
        list.reserve_exact(list.len() / 8 + 1);
    }
    list.push(item);
}

/// What lies ready for one question.
pub(super) struct Lying<'a> {
    pages: &'a [Page],
    asked: &'a [u32],
    sums: &'a [Sum],
    posts: &'a [u32],
}

/// Where a reader of a facility's books is: records that were met, and pages and sums that it is beyond.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Place {
    records: usize,
    page: usize,
    sum: usize,
}

/// A page that a question takes as one.
pub(super) struct Whole<'a> {
    pub(super) page: &'a Page,
    /// Its first leaf.
    pub(super) first: u32,
    pub(super) sums: &'a [Sum],
    /// Leaves to ask the ledger about.
    pub(super) asked: &'a [u32],
}

/// What comes next in ledger order.
pub(super) enum Next<'a> {
    Page(Whole<'a>),
    /// A record, if it counts.
    Record(u32, Option<&'a Entry>),
}

impl<'a> Lying<'a> {
    /// The next page if it is whole to the question, or the next record; nothing beyond the size. `whole` is asked
    /// with the first and the last leaf of a page.
    pub(super) fn next(
        &self,
        view: &View<'a>,
        of: &BalanceOf,
        place: &mut Place,
        whole: impl FnOnce(&Page, u32, u32) -> bool,
    ) -> Option<Next<'a>> {
        let start = |page: usize| page.checked_sub(1).map_or(0, |before| self.pages[before].end as usize);
        while place.page < self.pages.len() && start(place.page) < place.records {
            place.page += 1;
        }
        if let Some(page) = self.pages.get(place.page)
            && start(place.page) == place.records
            && !page.blank
            && let Some([first, .., last]) = self.posts.get(place.records..page.end as usize)
            && whole(page, *first, *last)
        {
            let sums = self.sums_of(place);
            let asked = if page.asks { self.asked_within(*first, *last) } else { &[] };
            place.records = page.end as usize;
            place.page += 1;
            return Some(Next::Page(Whole { page, first: *first, sums, asked }));
        }
        let (leaf, entry) = view.next_done_at(of.facility, &mut place.records)?;
        Some(Next::Record(leaf, entry))
    }

    fn sums_of(&self, place: &mut Place) -> &'a [Sum] {
        let on = |sum: &Sum| (sum.page as usize).cmp(&place.page);
        let rest = &self.sums[place.sum..];
        let skipped = rest.iter().take_while(|sum| on(sum).is_lt()).count();
        let rest = &rest[skipped..];
        let count = rest.iter().take_while(|sum| on(sum).is_eq()).count();
        place.sum += skipped + count;
        &rest[..count]
    }

    fn asked_within(&self, first: u32, last: u32) -> &'a [u32] {
        let from = self.asked.partition_point(|leaf| *leaf < first);
        let to = self.asked.partition_point(|leaf| *leaf <= last);
        &self.asked[from..to]
    }
}
