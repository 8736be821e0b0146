//! Adding up: one pass over a facility's pages and records, and a second one for the stocktakes among them.

use alloc::vec::Vec;

use ore_record::v1::MaterialClass;

use super::{
    Balance, BalanceOf, Counted, Line, Movement, Pages, declared, movements,
    pages::{Lying, Next, Page, Place, Sum, What},
};

use crate::{
    journal::{Entry, Fact},
    view::{Budget, View},
};

/// Books that are being added up.
#[derive(Debug)]
pub struct Books {
    of: BalanceOf,
    drill: usize,
    sheet: Balance,
    /// By line, in the order of `Line::ALL`; what was met at all.
    sums: [Option<i128>; Line::ALL.len()],
    stock: i128,
    /// Where in the facility's records the first pass is.
    place: Place,
    takes: Vec<Take>,
    count: Option<Count>,
}

impl Books {
    /// Closed books of a facility, to be opened by [`Books::go_on`].
    #[must_use]
    pub fn new(of: BalanceOf, drill: usize) -> Self {
        let (sheet, sums) = (Balance::default(), [None; Line::ALL.len()]);
        let (takes, place) = (Vec::new(), Place::default());
        Self { of, drill, sheet, sums, stock: 0, place, takes, count: None }
    }

    /// Goes on until all is added up (true) or the budget ends, record by record. The view may have grown since the
    /// last time, but must be of the same size and date.
    pub fn go_on(&mut self, view: &View<'_>, budget: &mut Budget) -> bool {
        self.go_on_with(&Pages::new(), view, budget)
    }

    /// The same with the sums of pages, as far as any are written, which may be taken on meanwhile as the ledger is.
    pub fn go_on_with(&mut self, pages: &Pages, view: &View<'_>, budget: &mut Budget) -> bool {
        let of = self.of;
        let lying = pages.lying(view, &of);
        loop {
            let before = self.place;
            let mut place = before;
            match lying.next(view, &of, &mut place, |page, _, _| self.whole(page)) {
                None => break,
                Some(_) if !budget.spend(1) => return false,
                Some(Next::Page(whole)) => {
                    budget.charge((whole.sums.len() + whole.asked.len()) as u64);
                    self.page(whole.page, whole.sums);
                    for leaf in whole.asked {
                        self.record(view, *leaf, view.entry(*leaf));
                    }
                }
                Some(Next::Record(leaf, entry)) => self.record(view, leaf, entry),
            }
            self.place = place;
        }
        self.count().go_on(view, &of, &lying, budget)
    }

    /// Whether all on a page is before the period, in it or after it. As long as movements are listed, their records
    /// are read: a sum does not name them.
    fn whole(&self, page: &Page) -> bool {
        let (from_ms, to_ms) = (self.of.from_ms, self.of.to_ms);
        let within = page.first_ms >= from_ms && page.last_ms < to_ms;
        let listed = self.sheet.movements.len() >= self.drill;
        within && listed || page.last_ms < from_ms || page.first_ms >= to_ms
    }

    /// The second pass, once the first has met every stocktake.
    fn count(&mut self) -> &mut Count {
        let takes = &mut self.takes;
        self.count.get_or_insert_with(|| Count::new(core::mem::take(takes)))
    }

    /// Enters a record, if it counts. Event times need not be in ledger order: the opening is everything before,
    /// whenever it was written down.
    fn record(&mut self, view: &View<'_>, leaf: u32, entry: Option<&Entry>) {
        let Some(entry) = entry else { return };
        let of = self.of;
        let within = (of.from_ms..of.to_ms).contains(&entry.event_ms);
        if matches!(entry.fact, Fact::Stocktake { .. }) {
            self.takes.extend(Take::of(&of, leaf, entry).filter(|_| within));
            return;
        }
        if entry.event_ms >= of.to_ms {
            return;
        }
        movements(view, &of, leaf, entry, &mut |movement| {
            self.stock += movement.amount_pg;
            if within {
                self.enter(movement);
            }
        });
        if within {
            self.sheet.declared_loss_pg += declared(&of, entry);
        }
    }

    /// Enters a whole page.
    fn page(&mut self, page: &Page, sums: &[Sum]) {
        let of = self.of;
        if page.first_ms >= of.to_ms {
            return;
        }
        let within = page.first_ms >= of.from_ms;
        for sum in sums.iter().filter(|sum| sum.is_of(&of)) {
            let amount = sum.amount_pg();
            match sum.what {
                What::Moved(line) => {
                    self.stock += amount;
                    if within {
                        *self.sums[line as usize].get_or_insert(0) +=
                            if line.lowers() { -amount } else { amount };
                        self.sheet.more_movements = true;
                    }
                }
                What::Lost if within => self.sheet.declared_loss_pg += amount,
                What::Lost => {}
            }
        }
    }

    #[inline]
    fn enter(&mut self, movement: Movement) {
        let amount = if movement.line.lowers() { -movement.amount_pg } else { movement.amount_pg };
        *self.sums[movement.line as usize].get_or_insert(0) += amount;
        if self.sheet.movements.len() < self.drill {
            self.sheet.movements.push(movement);
        } else {
            self.sheet.more_movements = true;
        }
    }

    /// The sheet; `done` says whether every record was looked at.
    #[must_use]
    pub fn close(self, done: bool) -> Balance {
        let mut sheet = self.sheet;
        let lines = Line::ALL.into_iter().filter_map(|line| Some((line, self.sums[line as usize]?)));
        sheet.lines = lines.collect();
        let moved: i128 = sheet.lines.iter().map(|(line, sum)| if line.lowers() { -sum } else { *sum }).sum();
        sheet.closing_pg = self.stock;
        sheet.opening_pg = self.stock - moved;
        if let Some(count) = self.count.filter(|_| done) {
            sheet.counted = count.close();
        }
        sheet.complete = done;
        sheet
    }
}

/// A stocktake that waits for the books of its moment. What happened at the same moment but was written down
/// later is not in the count.
#[derive(Debug)]
struct Take {
    leaf: u32,
    counted_pg: i128,
    /// Its moment: event time and leaf.
    moment: (u64, u32),
    /// Until when all movements belong to its opening stock.
    opening: (u64, u32),
}

impl Take {
    /// A stocktake that states the material and element asked for.
    fn of(of: &BalanceOf, leaf: u32, entry: &Entry) -> Option<Self> {
        let asked = |line: &&ore_record::v1::StockLine| {
            line.element == u32::from(of.element.0)
                && (of.material == MaterialClass::Unspecified || line.material() == of.material)
        };
        let Fact::Stocktake { stocktake, .. } = &entry.fact else { return None };
        let mut lines = stocktake.lines.iter().filter(asked).peekable();
        lines.peek()?;
        let counted_pg = lines.map(|line| i128::from(line.mg) * 1_000_000_000).sum();
        let moment = (entry.event_ms, leaf);
        Some(Self { leaf, counted_pg, moment, opening: moment.min((stocktake.period_start_ms, 0)) })
    }
}

/// The books of many moments in one pass: a movement is entered where it first counts, and sums run on from there.
#[derive(Debug)]
struct Count {
    /// By moment.
    takes: Vec<Take>,
    /// By opening: that, and the place of its stocktake in `takes`.
    openings: Vec<((u64, u32), usize)>,
    book: Vec<i128>,
    came: Vec<i128>,
    opened: Vec<i128>,
    /// Where in the facility's records the pass is.
    place: Place,
}

impl Count {
    fn new(mut takes: Vec<Take>) -> Self {
        takes.sort_unstable_by_key(|take| take.moment);
        let places = takes.iter().enumerate();
        let mut openings: Vec<((u64, u32), usize)> =
            places.map(|(place, take)| (take.opening, place)).collect();
        openings.sort_unstable();
        let sums = alloc::vec![0; takes.len() + 1];
        Self {
            takes,
            openings,
            book: sums.clone(),
            came: sums.clone(),
            opened: sums,
            place: Place::default(),
        }
    }

    /// Enters the facility's pages and records until all are met (true) or the budget ends; at once when no stocktake
    /// waits.
    fn go_on(&mut self, view: &View<'_>, of: &BalanceOf, lying: &Lying<'_>, budget: &mut Budget) -> bool {
        while !self.takes.is_empty() {
            let mut place = self.place;
            let whole = |page: &Page, first, last| self.whole((page.first_ms, first), (page.last_ms, last));
            match lying.next(view, of, &mut place, whole) {
                None => break,
                Some(_) if !budget.spend(1) => return false,
                Some(Next::Page(whole)) => {
                    budget.charge((whole.sums.len() + whole.asked.len()) as u64);
                    for sum in whole.sums.iter().filter(|sum| sum.is_of(of)) {
                        if let What::Moved(line) = sum.what {
                            self.enter((whole.page.first_ms, whole.first), line, sum.amount_pg());
                        }
                    }
                    for leaf in whole.asked {
                        self.record(view, of, *leaf, view.entry(*leaf));
                    }
                }
                Some(Next::Record(leaf, entry)) => self.record(view, of, leaf, entry),
            }
            self.place = place;
        }
        true
    }

    /// Whether no stocktake was, or begins to count, between two moments.
    fn whole(&self, first: (u64, u32), last: (u64, u32)) -> bool {
        let takes = |at: (u64, u32)| self.takes.partition_point(|take| take.moment <= at);
        let openings = |at: (u64, u32)| self.openings.partition_point(|opening| opening.0 <= at);
        takes(first) == takes(last) && openings(first) == openings(last)
    }

    fn record(&mut self, view: &View<'_>, of: &BalanceOf, leaf: u32, entry: Option<&Entry>) {
        let Some(entry) = entry else { return };
        let at = (entry.event_ms, leaf);
        if self.takes.last().is_some_and(|last| last.moment > at) {
            movements(view, of, leaf, entry, &mut |moved| self.enter(at, moved.line, moved.amount_pg));
        }
    }

    /// Enters a movement where it first counts.
    fn enter(&mut self, at: (u64, u32), line: Line, amount_pg: i128) {
        let from = self.takes.partition_point(|take| take.moment <= at);
        if from == self.takes.len() {
            return;
        }
        self.book[from] += amount_pg;
        if !line.lowers() && line != Line::Revaluation {
            self.came[from] += amount_pg;
        } else {
            let open = self.openings.partition_point(|opening| opening.0 <= at);
            self.opened[open] += amount_pg;
        }
    }

    /// In ledger order.
    fn close(mut self) -> Vec<Counted> {
        for sums in [&mut self.book, &mut self.came, &mut self.opened] {
            let mut sum = 0;
            for each in sums {
                sum += *each;
                *each = sum;
            }
        }
        for (place, (_, take)) in self.openings.iter().enumerate() {
            self.came[*take] += self.opened[place];
        }
        let takes = self.takes.iter().zip(self.book.iter().zip(&self.came));
        let mut counted: Vec<Counted> = takes
            .map(|(take, (book_pg, throughput_pg))| Counted {
                leaf: take.leaf,
                counted_pg: take.counted_pg,
                book_pg: *book_pg,
                throughput_pg: *throughput_pg,
            })
            .collect();
        counted.sort_unstable_by_key(|counted| counted.leaf);
        counted
    }
}

/// What stocktakes of a facility, named by their leaves, counted against the books of their moments, in ledger order:
/// those that state the material and element asked for, whenever they were. One pass over the facility's records,
/// however many there are; `None` when the budget ends before.
#[must_use]
pub fn counted(
    view: &View<'_>,
    of: &BalanceOf,
    stocktakes: &[u32],
    budget: &mut Budget,
) -> Option<Vec<Counted>> {
    if !budget.spend(stocktakes.len() as u64) {
        return None;
    }
    let stated = |leaf: &u32| view.entry(*leaf).and_then(|entry| Take::of(of, *leaf, entry));
    let mut count = Count::new(stocktakes.iter().filter_map(stated).collect());
    let lying = Pages::new();
    count.go_on(view, of, &lying.lying(view, of), budget).then(|| count.close())
}
