//! Books from postings that were kept are those from records, whatever came or was withdrawn since.

use ore_audit::{
    Budget, Fact, View,
    balance::{BalanceOf, Books, Shelf, balance},
};
use ore_provenance::Element;
use ore_record::v1::{MaterialClass, Stocktake};

use crate::world::{World, world};

const TA: Element = Element(73);

/// The books of one question in slices of a few rows, with postings off the shelf and back on to it. Between two
/// slices somebody may go on, or withdraw a record whose rows are in the sum already.
fn from_shelf(
    shelf: &mut Shelf,
    world: &mut World,
    (of, drill, as_of): (&BalanceOf, usize, u64),
    units: u64,
) -> ore_audit::balance::Balance {
    let mut books = Books::new(*of, drill).with(shelf.take(of.facility, of.element));
    let ended = (0..100_000).any(|_| {
        let done = books.go_on(&View { as_of, ..world.view() }, &mut Budget::new(units));
        if !done && world.dice.between(0, 15) == 0 {
            world.step();
            world.withdraw();
        }
        done
    });
    assert!(ended, "a question in slices has no end");
    shelf.put(books.take_postings().expect("they were given"), 100_000);
    books.close(true)
}

#[test]
fn books_from_postings_are_those_from_records() {
    let (mut withdrawn, mut counted, mut returned, mut listed) = (0, 0, 0, 0);
    for seed in 1..25 {
        let mut world = world(seed, 60);
        let mut shelf = Shelf::default();
        for round in 0..6 {
            (0..20).for_each(|_| world.step());
            world.withdraw();
            (0..4).for_each(|who| world.stocktake(who));
            for who in 0..4 {
                let facility = world.memory.journal.words().find(&world.who[who].1).expect("registered");
                for question in 0..6 {
                    let view = world.view();
                    let as_of = if question < 4 { view.as_of } else { view.as_of * 2 / 3 };
                    let view = View { as_of, ..view };
                    let materials = [MaterialClass::Unspecified, MaterialClass::Ore];
                    let third = (world.now_ms - 1_600_000_000_000) / 3;
                    let of = BalanceOf {
                        facility,
                        material: materials[question % 2],
                        element: if question % 3 == 0 { Element(0) } else { TA },
                        from_ms: if question % 2 == 0 { 0 } else { 1_600_000_000_000 + third },
                        to_ms: if question < 3 { u64::MAX } else { world.now_ms - third },
                    };
                    let drill = [0, 3, 1_000][(question + round) % 3];
                    let told = balance(&view, &of, drill, &mut Budget::new(u64::MAX));
                    let kept = from_shelf(&mut shelf, &mut world, (&of, drill, as_of), 1 + seed);
                    assert_eq!(kept, told, "seed {seed}, round {round}, question {question}");
                    counted += told.counted.len();
                    listed += told.movements.len();
                    returned += usize::from(told.lines.contains_key(&ore_audit::balance::Line::Return));
                }
            }
        }
        withdrawn += world.memory.journal.withdrawals().len();
    }
    assert!(
        withdrawn > 50 && counted > 1_000 && returned > 100 && listed > 10_000,
        "{withdrawn} withdrawn, {counted} stocktakes, {returned} with returns, {listed} movements"
    );
}

#[test]
fn a_shelf_keeps_what_was_asked_about_last_and_no_more_bytes_than_it_may() {
    let world = world(7, 400);
    let mut shelf = Shelf::default();
    let place = |who: usize| world.memory.journal.words().find(&world.who[who].1).expect("registered");
    let of = |who: usize| BalanceOf {
        facility: place(who),
        material: MaterialClass::Unspecified,
        element: TA,
        from_ms: 0,
        to_ms: u64::MAX,
    };
    // What a question cost, and the bytes that its postings take on the shelf.
    let mut cost = |who: usize, most_bytes: usize| {
        let mut books = Books::new(of(who), 0).with(shelf.take(place(who), TA));
        let mut budget = Budget::new(1 << 20);
        assert!(books.go_on(&world.view(), &mut budget));
        shelf.put(books.take_postings().expect("they were given"), most_bytes);
        let kept = shelf.take(place(who), TA);
        let bytes = kept.bytes();
        shelf.put(kept, most_bytes);
        ((1 << 20) - budget.left(), bytes)
    };
    // The third has the most rows.
    let (first, _) = cost(2, usize::MAX);
    let (again, most) = cost(2, usize::MAX);
    assert!(again < first && most > 200 * 24, "{first} units at first, {again} with {most} bytes");
    let (_, of_0) = cost(0, usize::MAX);
    let (second, of_1) = cost(1, usize::MAX);
    // Room for the newest two only: the first goes.
    let room = of_0 + of_1;
    assert!(room < most, "{of_0} and {of_1} beside {most} bytes");
    assert!(cost(1, room).0 < second, "it was on the shelf");
    assert_eq!(cost(2, usize::MAX).0, first, "it was worked out anew");
    // Many amounts here pass 64 bits, and lie beside their rows.
    let view = world.view();
    let movements = balance(&view, &of(2), usize::MAX, &mut Budget::new(u64::MAX)).movements;
    let wide = movements.iter().filter(|it| i64::try_from(it.amount_pg).is_err()).count();
    assert!(wide > 50 && most >= movements.len() * 24 + wide * 16, "{most} bytes, {wide} wide");
}

impl World {
    /// Withdraws some transformation that nothing rests on, if there is one.
    fn withdraw(&mut self) {
        let before = self.dice.between(0, self.memory.size()) as u32;
        let view = self.view();
        let free = |leaf: &u32| match view.entry(*leaf).map(|entry| &entry.fact) {
            Some(Fact::Step(step)) => {
                step.outputs.iter().all(|output| view.journal.timeline(output.lot).len() == 1)
            }
            _ => false,
        };
        let Some(leaf) = (0..before).rev().find(free) else { return };
        let lots: Vec<u32> = match view.entry(leaf).map(|entry| &entry.fact) {
            Some(Fact::Step(step)) => step.outputs.iter().map(|output| output.lot).collect(),
            _ => Vec::new(),
        };
        let owner = self.lots[lots[0] as usize].owner;
        self.take_back(owner, leaf);
        lots.iter().for_each(|lot| self.lots[*lot as usize].left_mg = 0);
    }

    fn stocktake(&mut self, who: usize) {
        let line = ore_record::v1::StockLine {
            element: [0, 73][self.dice.between(0, 1) as usize],
            mg: self.dice.between(0, 1 << 40),
            ..ore_record::v1::StockLine::default()
        };
        let facility = self.who[who].1.clone();
        let period_start_ms = self.now_ms - self.dice.between(0, 30 * 86_400_000);
        self.say(who, Stocktake { facility, period_start_ms, lines: vec![line] });
    }
}
