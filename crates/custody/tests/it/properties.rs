//! Over random histories: mass is conserved, undo is exact, a stored state comes back, order of
//! independent records does not matter.

use std::collections::BTreeMap;

use ore_custody::{Custody, Undo};
use proptest::prelude::*;

use crate::world::{ORIGIN, World};

const HOLDERS: [&str; 4] = ["mine", "trader", "refiner", "maker"];

/// One choice of a random history; what it means depends on what is there.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Choice {
    what: u8,
    which: u16,
    who: u8,
    part: u16,
}

pub(crate) fn choices(most: usize) -> impl Strategy<Value = Vec<Choice>> {
    let choice = (any::<u8>(), any::<u16>(), any::<u8>(), 1..1000_u16)
        .prop_map(|(what, which, who, part)| Choice { what, which, who, part });
    prop::collection::vec(choice, 1..most)
}

/// Puts a choice into words about a lot that exists. Not every line will be accepted, and need not be.
pub(crate) fn words(world: &World, choice: Choice, number: usize) -> String {
    let lots: Vec<_> = world.custody.lots().collect();
    let Choice { what, which, who, part } = choice;
    if number == 1 || number == 2 {
        // A piece at a maker's, so that something can be used.
        return if number == 1 {
            "c1: recycler collects Q1 50kg Ta 30% Nb 5%".into()
        } else {
            "c2: recycler transforms Q1 20kg into Q2 10kg Ta 30% serial S1 by machining".into()
        };
    }
    if lots.is_empty() || what % 16 < 3 {
        return format!("c{number}: mine commissions N{number} {part}kg Ta 30% Nb 5%");
    }
    let lot = &lots[usize::from(which) % lots.len()];
    let id = lot.id().to_owned();
    let custodian = world.custody.member_id(lot.standing.custodian).to_owned();
    let remaining_g = lot.remaining_mg() / 1000;
    let some = (remaining_g * u64::from(part) / 1000).max(1);
    let other = HOLDERS[usize::from(who) % HOLDERS.len()];
    match what % 16 {
        3 | 4 => format!(
            "c{number}: {custodian} transforms {id} {some}g into N{number} {some}g Ta 30% Nb 5% by splitting"
        ),
        5 => {
            let second = &lots[usize::from(which.rotate_left(5)) % lots.len()];
            format!(
                "c{number}: {custodian} transforms {id} {some}g + {} 10g into N{number} {some}g Ta 30% serial S{number} + M{number} 10g Ta 1% residue losing Nb 1g by machining",
                second.id()
            )
        }
        6 | 7 => format!("c{number}: {custodian} ships {id} to {other}"),
        8 | 9 => match world.custody.offer_of(lot) {
            Some(offer) => {
                let receiver = world.custody.member_id(offer.receiver);
                format!("c{number}: {receiver} receives {id} {some}g")
            }
            None => format!("c{number}: {custodian} disposes {id} {some}g"),
        },
        10 => match world.custody.offer_of(lot) {
            Some(offer) => format!("c{number}: {} declines {id}", world.custody.member_id(offer.receiver)),
            None => format!("c{number}: {custodian} seals {id} SEAL-{number}"),
        },
        11 => {
            let from = usize::from(which) % lots.len();
            let item =
                lots[from..].iter().chain(&lots).find(|lot| lot.passport.item && lot.remaining_mg() > 0);
            let lot = item.unwrap_or(lot);
            let rest = (lot.remaining_mg() / 2000).max(1);
            let user = world.custody.member_id(lot.standing.custodian);
            format!("c{number}: {user} uses {} down to {rest}g", lot.id())
        }
        12 => format!("c{number}: lab assays {id} Ta 29% stage final"),
        13 => {
            let earlier = number.saturating_sub(1 + usize::from(which) % 8);
            let author = world.author(&format!("c{earlier}")).unwrap_or(other);
            format!("c{number}: {author} withdraws c{earlier}")
        }
        14 => format!("after {} days", part % 40),
        _ => format!("c{number}: authority {} {id}", if part % 2 == 0 { "holds" } else { "releases" }),
    }
}

/// Tells a random history; gives the undos of what was accepted with the root before each.
pub(crate) fn tell(world: &mut World, choices: &[Choice]) -> Vec<(Undo, [u8; 32])> {
    let mut undos = Vec::new();
    for (number, choice) in choices.iter().enumerate() {
        let line = words(world, *choice, number);
        if let Some((undo, root)) = world.attempt(&line) {
            undos.push((undo, root));
        }
    }
    undos
}

fn assert_mass_is_conserved(custody: &Custody) {
    for lot in custody.lots().filter(|lot| !lot.standing.void) {
        let s = &lot.standing;
        let sum = s.remaining_mg + s.taken_mg + s.disposed_mg + s.used_mg + s.shortfall_mg;
        assert_eq!(sum, lot.passport.created_mg, "{}", lot.id());
    }
}

/// Lot by lot, each unpacked.
fn first_that_differs(one: &Custody, other: &Custody) -> Option<u32> {
    let most = one.lots().len().max(other.lots().len()) as u32;
    (0..most).find(|ordinal| one.lot_by_ordinal(*ordinal) != other.lot_by_ordinal(*ordinal))
}

/// Everything that can be looked up.
fn looked_up(custody: &mut Custody) -> ([u8; 32], String) {
    let root = custody.state_root();
    let names: Vec<_> = custody.lots().map(|lot| custody.lot_ordinal(lot.id())).collect();
    let text = format!(
        "{:?} {:?} {:?} {names:?}",
        custody.lots().collect::<Vec<_>>(),
        custody.roster(),
        custody.books()
    );
    (root, text)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn mass_is_conserved_undo_is_exact_and_the_store_brings_it_back(choices in choices(60)) {
        let mut world = World::new();
        let start = looked_up(&mut world.custody);
        let undos = tell(&mut world, &choices);
        assert_mass_is_conserved(&world.custody);

        let end = looked_up(&mut world.custody);
        let ids = world.log.iter().map(|record| *record.id().as_bytes()).collect();
        let mut loaded = Custody::load(ORIGIN, world.pairs.iter(), ids).expect("what was written");
        prop_assert_eq!(looked_up(&mut loaded), end);

        for (undo, root) in undos.into_iter().rev() {
            world.custody.undo(undo);
            prop_assert_eq!(world.custody.state_root(), root);
            let differs = world.custody.first_lot_that_differs(&loaded);
            prop_assert_eq!(differs, first_that_differs(&world.custody, &loaded));
            prop_assert_eq!(loaded.first_lot_that_differs(&world.custody), differs);
        }
        prop_assert_eq!(looked_up(&mut world.custody), start);
        for record in world.log.iter().skip(world.custody.leaves() as usize) {
            prop_assert_eq!(world.custody.leaf_of(&record.id()), None);
        }
    }

    #[test]
    fn the_order_of_independent_records_does_not_matter(masses in prop::collection::vec(1..1000_u32, 2..12), order in any::<u64>()) {
        let mut first = World::new();
        let mut records = Vec::new();
        for (at, mass) in masses.iter().enumerate() {
            let (author, verb) = if at % 2 == 0 { ("mine", "commissions") } else { ("trader", "declares") };
            let (_, record) = first.draft(&format!("{author} {verb} N{at} {mass}kg Ta 30%")).expect("a record");
            records.push(record);
        }
        let mut second = World::new();
        for record in &records {
            first.submit(record.clone()).map(|_| ()).expect("independent");
        }
        let mut shuffled = records.clone();
        let half = order as usize % shuffled.len();
        shuffled.rotate_left(half);
        shuffled.reverse();
        for record in shuffled {
            second.submit(record).map(|_| ()).expect("independent");
        }
        let states = |world: &World| -> BTreeMap<String, _> {
            (0..world.custody.lots().len() as u32)
                .filter_map(|ordinal| world.custody.lot_state(ordinal))
                .map(|state| (state.lot.clone(), state))
                .collect()
        };
        prop_assert_eq!(states(&first), states(&second));
    }
}

/// The random histories would prove little if most of their lines were refused.
#[test]
fn random_histories_reach_every_kind_of_record() {
    let mut random = 1_u64;
    let mut draw = || {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        random
    };
    let mut accepted: BTreeMap<String, usize> = BTreeMap::new();
    for _ in 0..30 {
        let mut world = World::new();
        for number in 0..60 {
            let bits = draw();
            let choice = Choice {
                what: bits as u8,
                which: (bits >> 8) as u16,
                who: (bits >> 24) as u8,
                part: (bits >> 32) as u16 % 999 + 1,
            };
            let line = words(&world, choice, number);
            if world.attempt(&line).is_some() {
                let verb = line.split_whitespace().nth(2).unwrap_or_default().to_owned();
                *accepted.entry(verb).or_default() += 1;
            }
        }
    }
    for verb in [
        "commissions",
        "transforms",
        "ships",
        "receives",
        "declines",
        "uses",
        "assays",
        "withdraws",
        "holds",
        "releases",
        "disposes",
    ] {
        assert!(accepted.get(verb).is_some_and(|times| *times >= 3), "{verb}: {accepted:?}");
    }
}
