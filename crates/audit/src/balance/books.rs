//! Adding up: one pass over a facility's records, and a second one for the stocktakes among them.

use alloc::vec::Vec;

use ore_record::v1::MaterialClass;

use super::{
    Balance, BalanceOf, Counted, Line, Movement, Postings, declared, movements,
    postings::{Next, Place, Row, What},
};

use crate::{
    journal::{Entry, Fact},
    view::{Budget, View},
};

/// Rows under one look at the budget.
const ROWS_AT_ONCE: usize = 4_096;

/// As many as the budget allows, so that a small one goes on too; one when nothing is left, which says so.
fn rows_within(budget: &Budget) -> usize {
    usize::try_from(budget.left()).unwrap_or(usize::MAX).clamp(1, ROWS_AT_ONCE)
}

/// Books that are being added up.
#[derive(Debug)]
pub struct Books {
    of: BalanceOf,
    drill: usize,
    sheet: Balance,
    /// By line, in the order of `Line::ALL`; what was met at all.
    sums: [Option<i128>; Line::ALL.len()],
    stock: i128,
    /// Records of the facility that were looked at.
    next: usize,
    takes: Vec<Take>,
    count: Option<Count>,
    /// Movements that lie ready, and where in them the first pass is.
    postings: Option<Postings>,
    place: Place,
    /// The record whose rows were entered with their lots already.
    told: Option<u32>,
}

impl Books {
    /// Closed books of a facility, to be opened by [`Books::go_on`].
    #[must_use]
    pub fn new(of: BalanceOf, drill: usize) -> Self {
        let (sheet, sums) = (Balance::default(), [None; Line::ALL.len()]);
        let (takes, place) = (Vec::new(), Place::default());
        Self {
            of,
            drill,
            sheet,
            sums,
            stock: 0,
            next: 0,
            takes,
            count: None,
            postings: None,
            place,
            told: None,
        }
    }

    /// The same with postings of the facility and element, which are taken on before they are added up. Those of
    /// another one are of no use, nor are any for a view with a business date.
    #[must_use]
    pub fn with(self, postings: Postings) -> Self {
        let postings = Some(postings).filter(|postings| postings.are_of(&self.of));
        Self { postings, ..self }
    }

    /// The postings, to be kept for the next question.
    pub const fn take_postings(&mut self) -> Option<Postings> {
        self.postings.take()
    }

    /// Goes on until all is added up (true) or the budget ends. The view may have grown since the last time, but
    /// must be of the same size and date.
    pub fn go_on(&mut self, view: &View<'_>, budget: &mut Budget) -> bool {
        let Some(mut postings) = self.postings.take().filter(|_| view.date_ms == u64::MAX) else {
            return self.add_records(view, budget);
        };
        let done = postings.take_up(view, budget) && self.add_postings(view, &postings, budget);
        self.postings = Some(postings);
        done
    }

    fn add_records(&mut self, view: &View<'_>, budget: &mut Budget) -> bool {
        while let Some((leaf, entry)) = view.next_posted(self.of.facility, &mut self.next) {
            if !budget.spend(1) {
                self.next -= 1;
                return false;
            }
            if let Some(entry) = entry {
                self.record(view, leaf, entry);
            }
        }
        let of = self.of;
        self.count().add_records(view, &of, budget)
    }

    fn add_postings(&mut self, view: &View<'_>, postings: &Postings, budget: &mut Budget) -> bool {
        loop {
            let before = self.place;
            match postings.next(&mut self.place, view.as_of, rows_within(budget)) {
                None => break,
                Some(Next::Rows(rows)) if budget.spend(rows.len() as u64) => self.rows(view, postings, rows),
                Some(Next::Record(leaf)) if budget.spend(1) => {
                    if let Some(entry) = view.entry(leaf) {
                        self.record(view, leaf, entry);
                    }
                }
                Some(_) => {
                    self.place = before;
                    return false;
                }
            }
        }
        let of = self.of;
        self.count().add_postings(view, &of, postings, budget)
    }

    /// The second pass, once the first has met every stocktake.
    fn count(&mut self) -> &mut Count {
        let takes = &mut self.takes;
        self.count.get_or_insert_with(|| Count::new(core::mem::take(takes)))
    }

    /// Enters a record. Event times need not be in ledger order: the opening is everything before, whenever it was
    /// written down.
    fn record(&mut self, view: &View<'_>, leaf: u32, entry: &Entry) {
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

    /// Enters rows. As long as movements are listed, their records are asked: a row does not name its lot.
    fn rows(&mut self, view: &View<'_>, postings: &Postings, rows: &[Row]) {
        let of = self.of;
        let (mut before, mut sums, mut met) = (0, [0; Line::ALL.len()], [false; Line::ALL.len()]);
        for row in rows.iter().filter(|row| row.event_ms < of.to_ms && row.is_of(&of)) {
            if self.told == Some(row.leaf) {
                continue;
            }
            let within = row.event_ms >= of.from_ms;
            if within
                && self.sheet.movements.len() < self.drill
                && let Some(entry) = view.entry(row.leaf)
            {
                self.told = Some(row.leaf);
                self.record(view, row.leaf, entry);
                continue;
            }
            let amount = postings.amount(row);
            match row.what {
                What::Moved(line) if within => {
                    sums[line as usize] += amount;
                    met[line as usize] = true;
                }
                What::Moved(_) => before += amount,
                What::Lost if within => self.sheet.declared_loss_pg += amount,
                What::Lost | What::Asked => {}
            }
        }
        self.stock += before;
        for line in Line::ALL.into_iter().filter(|line| met[*line as usize]) {
            let sum = sums[line as usize];
            self.stock += sum;
            *self.sums[line as usize].get_or_insert(0) += if line.lowers() { -sum } else { sum };
            self.sheet.more_movements = true;
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
    /// Records of the facility that were looked at, or where in its postings the pass is.
    next: usize,
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
            next: 0,
            place: Place::default(),
        }
    }

    /// Enters the facility's records until all are met (true) or the budget ends; at once when no stocktake waits.
    fn add_records(&mut self, view: &View<'_>, of: &BalanceOf, budget: &mut Budget) -> bool {
        while !self.takes.is_empty()
            && let Some((leaf, moved)) = view.next_posted(of.facility, &mut self.next)
        {
            if !budget.spend(1) {
                self.next -= 1;
                return false;
            }
            if let Some(moved) = moved {
                self.record(view, of, leaf, moved);
            }
        }
        true
    }

    /// The same from postings.
    fn add_postings(
        &mut self,
        view: &View<'_>,
        of: &BalanceOf,
        postings: &Postings,
        budget: &mut Budget,
    ) -> bool {
        while !self.takes.is_empty() {
            let before = self.place;
            match postings.next(&mut self.place, view.as_of, rows_within(budget)) {
                None => break,
                Some(Next::Rows(rows)) if budget.spend(rows.len() as u64) => {
                    for row in rows.iter().filter(|row| row.is_of(of)) {
                        if let What::Moved(line) = row.what {
                            self.enter((row.event_ms, row.leaf), line, postings.amount(row));
                        }
                    }
                }
                Some(Next::Record(leaf)) if budget.spend(1) => {
                    if let Some(entry) = view.entry(leaf) {
                        self.record(view, of, leaf, entry);
                    }
                }
                Some(_) => {
                    self.place = before;
                    return false;
                }
            }
        }
        true
    }

    fn record(&mut self, view: &View<'_>, of: &BalanceOf, leaf: u32, entry: &Entry) {
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
    count.add_records(view, of, budget).then(|| count.close())
}
