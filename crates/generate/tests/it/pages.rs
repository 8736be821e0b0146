//! Books from pages are those from records, whatever came or was withdrawn since, and however far pages are written.

use std::collections::{BTreeSet, HashSet};

use ore_audit::{
    Budget, Fact, View, Word,
    balance::{Balance, BalanceOf, Books, Line, Pages, balance},
};
use ore_generate::{Memory, Said, Sink};
use ore_provenance::{Element, LotIndex};
use ore_record::{
    draft,
    v1::{self, MaterialClass, Stocktake},
};

use crate::world::{World, mass};

const TA: Element = Element(73);
const NB: Element = Element(41);

/// One question at one ledger size.
#[derive(Clone, Copy)]
struct Asked {
    of: BalanceOf,
    drill: usize,
    as_of: u64,
}

/// The books of one question in slices, from pages. Between two slices somebody may go on, withdraw a record whose
/// amounts are in the sum already, or write further pages.
fn from_pages(pages: &mut Pages, world: &mut World, asked: &Asked, units: u64) -> Balance {
    let mut books = Books::new(asked.of, asked.drill);
    let ended = (0..100_000).any(|_| {
        let view = View { as_of: asked.as_of, ..world.view() };
        let done = books.go_on_with(pages, &view, &mut Budget::new(units));
        if !done && world.dice.between(0, 15) == 0 {
            world.go_on();
            world.withdraw();
        }
        if !done && world.dice.between(0, 3) == 0 {
            let _ = pages.take_up(&world.view(), &mut Budget::new(units));
        }
        done
    });
    assert!(ended, "a question in slices has no end");
    books.close(true)
}

/// Units that a whole question takes.
fn paid(pages: &Pages, view: &View<'_>, of: BalanceOf) -> u64 {
    let mut budget = Budget::new(1 << 40);
    assert!(Books::new(of, 0).go_on_with(pages, view, &mut budget));
    (1 << 40) - budget.left()
}

/// A question that the dice make up.
fn any_question(world: &mut World, facility: Word) -> Asked {
    let mut one_of = |most: u64| world.dice.between(0, most);
    let materials = [MaterialClass::Unspecified, MaterialClass::Ore, MaterialClass::FinishedProduct];
    let (material, element) =
        (materials[one_of(2) as usize], [Element(0), TA, NB, Element(50)][one_of(3) as usize]);
    let (drill, part) = ([0, 0, 3, 1_000][one_of(3) as usize], one_of(5));
    let (begun, lasted) = (1_600_000_000_000, world.now_ms - 1_600_000_000_000);
    let mut moment = |otherwise| match world.dice.between(0, 2) {
        0 => begun + world.dice.between(0, lasted),
        _ => otherwise,
    };
    let (from_ms, to_ms) = (moment(0), moment(u64::MAX));
    let size = world.memory.size();
    let as_of = if part == 0 { world.dice.between(0, size) } else { size };
    let of = BalanceOf { facility, material, element, from_ms: from_ms.min(to_ms), to_ms };
    Asked { of, drill, as_of }
}

#[test]
fn books_from_pages_are_those_from_records() {
    let (mut withdrawn, mut counted, mut lines) = (HashSet::new(), 0, BTreeSet::new());
    let (mut cheaper, mut wide) = (0, 0);
    for seed in 1..25 {
        let mut world = World::new(seed);
        let mut pages = Pages::new();
        for round in 0..8 {
            (0..60).for_each(|_| world.go_on());
            (0..3).for_each(|_| world.withdraw());
            for who in 0..4 {
                world.stocktake(who);
                let facility = world.place(who);
                for question in 0..6 {
                    // Now nothing of what came and was withdrawn, now a little, now all of it.
                    let units = [0, 2, u64::MAX][question % 3];
                    let _ = pages.take_up(&world.view(), &mut Budget::new(units));
                    let asked = any_question(&mut world, facility);
                    let view = View { as_of: asked.as_of, ..world.view() };
                    let told = balance(&view, &asked.of, asked.drill, &mut Budget::new(u64::MAX));
                    let kept = from_pages(&mut pages, &mut world, &asked, 1 + seed);
                    assert_eq!(kept, told, "seed {seed}, round {round}, question {question}: {:?}", asked.of);
                    counted += told.counted.len();
                    lines.extend(told.lines.keys().copied());
                    wide += told.lines.values().filter(|sum| i64::try_from(**sum).is_err()).count();
                    let view = View { as_of: asked.as_of, ..world.view() };
                    let read = paid(&Pages::new(), &view, asked.of);
                    cheaper += usize::from(paid(&pages, &view, asked.of) < read);
                }
            }
        }
        let journal = &world.memory.journal;
        let kind = |leaf: &u32| journal.entry(*leaf).map(|entry| std::mem::discriminant(&entry.fact));
        withdrawn.extend(journal.withdrawals().iter().filter_map(kind));
    }
    assert_eq!(lines.len(), Line::ALL.len(), "{lines:?}");
    assert!(withdrawn.len() >= 6, "{} kinds of records were withdrawn", withdrawn.len());
    assert!(
        counted > 500 && cheaper > 1_000 && wide > 1_000,
        "{counted} stocktakes, {cheaper} questions for less than their records, {wide} wide sums"
    );
}

#[test]
fn every_facility_and_element_is_ready_before_anybody_asks() {
    let mut world = World::new(3);
    (0..3_000).for_each(|_| world.go_on());
    let mut pages = Pages::new();
    // However small the slices, they come to an end.
    let slices = (0..100_000).position(|_| pages.take_up(&world.view(), &mut Budget::new(7)));
    assert!(slices.is_some_and(|slices| slices > 300) && pages.taken_up() == world.memory.size());
    for who in 0..4 {
        for element in [Element(0), TA, NB] {
            let of = whole(world.place(who), element);
            let records = world.memory.journal.done_at(of.facility).len() as u64;
            let cost = |pages: &Pages| paid(pages, &world.view(), of);
            let (first, bare) = (cost(&pages), cost(&Pages::new()));
            assert!(records > 300 && bare == records, "{bare} units without pages, {records} records");
            // A page, its sums and records that are asked for, and the records after the last page.
            assert!(first < records, "{first} units for {records} records");
            assert_eq!(cost(&pages), first, "the first question found what the second does");
        }
    }
}

#[test]
fn a_business_date_is_answered_from_records() {
    let mut world = World::new(5);
    (0..600).for_each(|_| world.go_on());
    let mut pages = Pages::new();
    assert!(pages.take_up(&world.view(), &mut Budget::new(u64::MAX)));
    let date_ms = world.now_ms / 2 + 800_000_000_000;
    let happened = |leaf| View::happened(&world.memory.journal, leaf, date_ms);
    let graph = world.memory.graph.dated(world.memory.size(), happened);
    let view = View { graph: &graph, date_ms, ..world.view() };
    let of = whole(world.place(1), TA);
    let mut books = Books::new(of, 0);
    assert!(books.go_on_with(&pages, &view, &mut Budget::new(u64::MAX)));
    let dated = books.close(true);
    assert_eq!(dated, balance(&view, &of, 0, &mut Budget::new(u64::MAX)));
    let all = balance(&world.view(), &of, 0, &mut Budget::new(u64::MAX));
    assert!(!dated.lines.is_empty() && dated.lines != all.lines, "half of it had happened");
}

#[test]
fn pages_have_no_more_sums_than_movements_whatever_lots_are_said_to_hold() {
    // Every lot holds a hundred elements and comes and goes: of two materials, sixteen records are too few for a page,
    // and of nine not even the longest page has as many movements as sums.
    for (materials, least, most_of_a_record) in [(2, 10, 28 * 9 / 8 + 2), (9, 0, 1)] {
        let mut world = World::new(1);
        let mut pages = Pages::new();
        for _ in 0..3_000 {
            world.rich(materials);
            let _ = pages.take_up(&world.view(), &mut Budget::new(u64::MAX));
        }
        let records: usize = (0..4).map(|who| world.memory.journal.done_at(world.place(who)).len()).sum();
        // Room for one sum more lies ahead of each element's sums.
        let (least, most) = (least * records, most_of_a_record * records + 4 * 101 * 28);
        assert!((least..most).contains(&pages.bytes()), "{} bytes, {records} records", pages.bytes());
        for who in 0..4 {
            for element in [Element(0), Element(1), Element(100), Element(101)] {
                let of = whole(world.place(who), element);
                let mut books = Books::new(of, 0);
                assert!(books.go_on_with(&pages, &world.view(), &mut Budget::new(u64::MAX)));
                assert_eq!(books.close(true), balance(&world.view(), &of, 0, &mut Budget::new(u64::MAX)));
            }
        }
    }
}

#[test]
fn records_that_move_no_stock_come_on_pages_too() {
    let mut world = World::new(1);
    for _ in 0..15 {
        let (lot, kind) = (Some(world.new_lot(0, 1_000, 500_000_000)), v1::CommissionKind::Extracted.into());
        world.say(0, v1::Commission { kind, lot, ..v1::Commission::default() });
    }
    let id = world.lots[0].id.clone();
    let (lot, scheme, facility) = (Some(draft::lot(&id)), "ISO 22095".to_owned(), world.who[0].1.clone());
    let terms =
        v1::CreditDeposit { scheme, facility, element: 73, lot, mg: 1, ..v1::CreditDeposit::default() };
    let attestation = v1::Attestation { subject: terms.facility.clone(), ..v1::Attestation::default() };
    let event = |number: usize| -> v1::record::Event {
        let v1::CreditDeposit { scheme, facility, element, lot, mg, period, .. } = terms.clone();
        match number % 3 {
            0 => terms.clone().into(),
            1 => v1::CreditClaim { scheme, facility, element, lot, mg, period }.into(),
            _ => v1::Attest { attestation: Some(attestation.clone()) }.into(),
        }
    };
    let mut pages = Pages::new();
    for number in 0..600 {
        world.say(0, event(number));
        assert!(pages.take_up(&world.view(), &mut Budget::new(u64::MAX)));
    }
    let of = whole(world.place(0), TA);
    assert_eq!(paid(&Pages::new(), &world.view(), of), 616, "with the registration and the lots");
    assert!(paid(&pages, &world.view(), of) < 64, "{} units", paid(&pages, &world.view(), of));
}

#[test]
fn what_many_elements_take_to_write_down_and_to_withdraw_is_charged_and_bounded() {
    const UNITS: u64 = 1 << 40;
    let spent = |pages: &mut Pages, world: &World| {
        let mut budget = Budget::new(UNITS);
        assert!(pages.take_up(&world.view(), &mut budget));
        UNITS - budget.left()
    };
    let mut world = World::new(1);
    for _ in 0..600 {
        world.rich(1);
    }
    let mut pages = Pages::new();
    let (leaves, records) = (world.memory.size(), 2 * 600);
    let written = spent(&mut pages, &world);
    // Each facility's last page is not complete; shorter ones were tried before some.
    assert!((leaves + 101 * (records - 4 * 64)..leaves + 101 * 3 * records).contains(&written), "{written}");
    // The newest records are on no page; this one moved a hundred elements and its mass.
    world.take_back(0, 100);
    assert_eq!(spent(&mut pages, &world), 2 + 101, "the withdrawal, its leaf and the amounts of its record");

    // Records of which each moves thirty thousand amounts: a page of them is given up at the third.
    let mut world = World::new(1);
    let source = world.new_lot(0, 1 << 30, 1);
    let (id, kind) = (source.lot.clone(), v1::CommissionKind::Extracted.into());
    world.say(0, v1::Commission { kind, lot: Some(source), ..v1::Commission::default() });
    for _ in 0..30 {
        let mut output = || v1::TransformOutput { lot: Some(world.rich_lot(0, 1)), role: 0 };
        let outputs = (0..300).map(|_| output()).collect();
        let input =
            v1::TransformInput { lot: Some(draft::lot(&id)), mass: Some(mass(300)), composition: None };
        let facility = world.who[0].1.clone();
        world.say(0, v1::Transform { facility, inputs: vec![input], outputs, ..v1::Transform::default() });
    }
    let mut pages = Pages::new();
    let (full, written) = (3 * 300 * 101, spent(&mut pages, &world));
    assert!(
        (2 * full..2 * full + 1_000).contains(&written),
        "{written} units for two pages of at most {full}"
    );
    let of = whole(world.place(0), Element(100));
    let mut books = Books::new(of, 0);
    assert!(books.go_on_with(&pages, &world.view(), &mut Budget::new(u64::MAX)));
    assert_eq!(books.close(true), balance(&world.view(), &of, 0, &mut Budget::new(u64::MAX)));
}

#[test]
fn a_stocktake_counts_what_was_written_down_before_it_in_the_same_millisecond_and_nothing_after() {
    let mut world = World::new(1);
    let now_ms = world.now_ms;
    let say = |world: &mut World, event: v1::record::Event| {
        world.memory.put(Said {
            author: world.who[0].0.clone(),
            event_time_ms: now_ms,
            event,
            documents: Vec::new(),
            corrects: Vec::new(),
            crafted: false,
        });
    };
    let stocktake = || Stocktake {
        facility: world.who[0].1.clone(),
        period_start_ms: now_ms,
        lines: vec![v1::StockLine { element: 73, mg: 1, ..v1::StockLine::default() }],
    };
    // Some pages hold a stocktake and some none.
    let counts: Vec<Stocktake> = (0..5).map(|_| stocktake()).collect();
    for (number, count) in counts.into_iter().enumerate() {
        for _ in 0..20 + number {
            let lot = Some(world.new_lot(0, 1_000, 500_000_000));
            let kind = v1::CommissionKind::Extracted.into();
            say(&mut world, v1::Commission { kind, lot, ..v1::Commission::default() }.into());
        }
        say(&mut world, count.into());
    }
    let mut pages = Pages::new();
    assert!(pages.take_up(&world.view(), &mut Budget::new(u64::MAX)));
    let of = whole(world.place(0), TA);
    let mut books = Books::new(of, 0);
    assert!(books.go_on_with(&pages, &world.view(), &mut Budget::new(u64::MAX)));
    let booked: Vec<i128> = books.close(true).counted.iter().map(|count| count.book_pg).collect();
    assert_eq!(booked, [20, 41, 63, 86, 110].map(|lots| lots * 500_000_000_000));
}

#[test]
fn a_tag_with_the_name_of_a_facility_brings_nothing_there() {
    let mut world = World::new(1);
    let mut lot = world.new_lot(0, 1_000, 500_000_000);
    lot.tags = vec![world.who[1].1.clone()];
    let kind = v1::CommissionKind::Extracted.into();
    world.say(0, v1::Commission { kind, lot: Some(lot), ..v1::Commission::default() });
    let sheet =
        |who: usize| balance(&world.view(), &whole(world.place(who), TA), 10, &mut Budget::new(u64::MAX));
    assert_eq!(sheet(0).closing_pg, 500_000_000_000);
    assert_eq!(sheet(1), Balance { complete: true, ..Balance::default() });
}

/// What befalls a lot of member 0 before it is disposed of: places are those of members.
#[derive(Clone, Copy, Debug)]
enum Fate {
    /// Used at a place, or at none that is stated.
    Use(Option<usize>),
    /// Offered from a place, and declined.
    Decline(usize),
    /// Its newest use is withdrawn.
    TakeBack,
}

#[test]
fn a_lot_is_disposed_of_where_records_that_stand_say_that_it_is() {
    use Fate::{Decline, TakeBack, Use};
    let stories: [(&[Fate], usize); 9] = [
        (&[Use(Some(1))], 1),
        (&[Use(Some(1)), Use(None)], 1),
        (&[Use(Some(1)), TakeBack], 0),
        (&[Use(Some(1)), Use(Some(2)), TakeBack], 1),
        (&[Use(Some(1)), Use(Some(2)), TakeBack, TakeBack], 0),
        (&[Decline(2), Use(Some(1)), TakeBack], 2),
        (&[Decline(2), Use(None), TakeBack], 2),
        (&[Use(Some(1)), Decline(2), TakeBack], 2),
        (&[Use(None), Decline(2), TakeBack], 2),
    ];
    for (fates, place) in stories {
        let mut world = World::new(1);
        let lot = world.new_lot(0, 1_000, 500_000_000);
        let (id, kind) = (lot.lot.clone(), v1::CommissionKind::Extracted.into());
        let lot_ref = || Some(draft::lot(&id));
        world.say(0, v1::Commission { kind, lot: Some(lot), ..v1::Commission::default() });
        let mut uses = Vec::new();
        for fate in fates {
            match fate {
                Use(at) => {
                    let facility = at.map_or(String::new(), |who| world.who[who].1.clone());
                    let (item, net_mass) = (lot_ref(), Some(mass(1_000)));
                    uses.push(world.say(0, v1::Use { item, net_mass, facility }));
                }
                Decline(from) => {
                    let shipped = v1::ShippedLot { lot: lot_ref(), ..v1::ShippedLot::default() };
                    let ship = v1::Ship {
                        lots: vec![shipped],
                        receiver: world.who[3].0.clone(),
                        transfer: v1::TransferKind::Custody.into(),
                        from_facility: world.who[*from].1.clone(),
                        ..v1::Ship::default()
                    };
                    let offer = world.say(0, ship).to_vec();
                    let lots = lot_ref().into_iter().collect();
                    world.say(3, v1::Decline { offer, lots, ..v1::Decline::default() });
                }
                TakeBack => world.take_back(0, Memory::leaf(&uses.pop().expect("used"))),
            }
        }
        world.say(0, v1::Dispose { lot: lot_ref(), mass: Some(mass(1_000)), ..v1::Dispose::default() });
        let gone = |who: usize| {
            let sheet = balance(&world.view(), &whole(world.place(who), TA), 0, &mut Budget::new(u64::MAX));
            sheet.lines.get(&Line::Disposal).copied().unwrap_or(0)
        };
        let told: Vec<i128> = (0..4).map(gone).collect();
        let expected: Vec<i128> = (0..4).map(|who| if who == place { 500_000_000_000 } else { 0 }).collect();
        assert_eq!(told, expected, "after {fates:?}");
    }
}

fn whole(facility: Word, element: Element) -> BalanceOf {
    BalanceOf { facility, material: MaterialClass::Unspecified, element, from_ms: 0, to_ms: u64::MAX }
}

impl World {
    fn place(&self, who: usize) -> Word {
        self.memory.journal.words().find(&self.who[who].1).expect("registered")
    }

    /// What anybody does, and things that happen to stock: a late assay, use, disposal.
    fn go_on(&mut self) {
        let lot = self.dice.between(0, 5 * self.lots.len() as u64) as usize;
        let Some(lot) = Some(lot).filter(|lot| *lot < self.lots.len() && self.lots[*lot].left_mg > 0) else {
            // Records are written down late now and then.
            let now_ms = self.now_ms;
            if self.dice.between(0, 9) == 0 {
                self.now_ms -= self.dice.between(0, (now_ms - 1_600_000_000_000) / 4);
            }
            self.step();
            self.now_ms = self.now_ms.max(now_ms);
            return;
        };
        let (by, reference) = (self.lots[lot].custodian, Some(draft::lot(&self.lots[lot].id)));
        let left_mg = self.lots[lot].left_mg;
        match self.dice.between(0, 2) {
            0 => {
                let ppb = self.dice.between(1, 900_000_000) as u32;
                let contents = vec![content(73, ppb), content(41, ppb / 1_000)];
                let stage = v1::AssayStage::Final.into();
                let composition = Some(v1::Composition { contents, stage, ..v1::Composition::default() });
                self.say(by, v1::Assay { lot: reference, composition, ..v1::Assay::default() });
            }
            1 => {
                self.lots[lot].left_mg = self.dice.between(0, left_mg);
                // Wherever it is used: there it is afterwards.
                let facility = self.who[self.dice.between(0, 3) as usize].1.clone();
                let net_mass = Some(mass(self.lots[lot].left_mg));
                self.say(by, v1::Use { item: reference, net_mass, facility });
            }
            _ => {
                let gone = self.dice.between(1, left_mg);
                self.lots[lot].left_mg -= gone;
                self.say(
                    by,
                    v1::Dispose { lot: reference, mass: Some(mass(gone)), ..v1::Dispose::default() },
                );
            }
        }
    }

    /// Withdraws some record that nothing rests on, if there is one.
    fn withdraw(&mut self) {
        let before = self.dice.between(0, self.memory.size()) as u32;
        let view = self.view();
        let newest = |lot: u32, leaf: u32| view.journal.timeline(lot).last() == Some(&leaf);
        let free = |leaf: &u32| match view.entry(*leaf).map(|entry| &entry.fact) {
            Some(Fact::Step(step)) => step.outputs.iter().all(|output| newest(output.lot, *leaf)),
            Some(Fact::Commission(it)) => newest(it.lot, *leaf),
            Some(Fact::Assay { lot, .. } | Fact::Use { lot, .. } | Fact::Dispose { lot, .. }) => {
                newest(*lot, *leaf)
            }
            Some(Fact::Stocktake { .. }) => true,
            _ => false,
        };
        let Some(leaf) = (0..before).rev().find(free) else { return };
        let lots: Vec<u32> = match view.entry(leaf).map(|entry| &entry.fact) {
            Some(Fact::Step(step)) => step.outputs.iter().map(|output| output.lot).collect(),
            Some(Fact::Commission(it)) => vec![it.lot],
            _ => Vec::new(),
        };
        self.take_back(0, leaf);
        lots.iter().for_each(|lot| self.lots[*lot as usize].left_mg = 0);
        let facts = |lot: usize| self.memory.graph.lot(LotIndex(lot as u32), u64::MAX);
        assert!(
            (0..self.lots.len())
                .all(|lot| { self.lots[lot].left_mg <= facts(lot).map_or(0, |facts| facts.remaining_mg()) })
        );
    }

    fn stocktake(&mut self, who: usize) {
        let line = v1::StockLine {
            element: [0, 73][self.dice.between(0, 1) as usize],
            mg: self.dice.between(0, 1 << 40),
            ..v1::StockLine::default()
        };
        let facility = self.who[who].1.clone();
        let period_start_ms = self.now_ms - self.dice.between(0, 30 * 86_400_000);
        self.say(who, Stocktake { facility, period_start_ms, lines: vec![line] });
    }

    /// A lot of a hundred elements.
    fn rich_lot(&mut self, who: usize, dry_mg: u64) -> v1::NewLot {
        let contents = (1..=100).map(|element| content(element, 1_000 * element)).collect();
        let composition = Some(v1::Composition { contents, ..v1::Composition::default() });
        v1::NewLot { composition, ..self.new_lot(who, dry_mg, 1) }
    }

    /// Lots of a hundred elements, which come and go.
    fn rich(&mut self, materials: u64) {
        let who = self.dice.between(0, 3) as usize;
        let mut lot = self.rich_lot(who, 1 << 30);
        lot.material = self.dice.between(1, materials) as i32;
        let kind = v1::CommissionKind::Extracted.into();
        let id = lot.lot.clone();
        self.say(who, v1::Commission { kind, lot: Some(lot), ..v1::Commission::default() });
        let gone = Some(mass(1 << 20));
        self.say(who, v1::Dispose { lot: Some(draft::lot(&id)), mass: gone, ..v1::Dispose::default() });
    }
}

fn content(element: u32, ppb: u32) -> v1::Content {
    v1::Content { element, ppb, kind: v1::ContentKind::Measured.into(), ..v1::Content::default() }
}
