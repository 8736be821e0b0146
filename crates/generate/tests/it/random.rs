//! Random ledgers: anybody may do anything that the rules allow. What holds of custody, metal accounts, credits and
//! burdens whatever happened, and that a question asked in slices while the ledger grows gets the same answer.

use ore_audit::{
    Budget, View, Word,
    accounts::{self, Parties, metal_accounts},
    balance::{self, BalanceOf, balance},
    chain::{GapKind, chain},
    circularity::{CircularityOf, Reading, Rounds, circularity},
    credits::{self, CreditsOf, credits},
    dependence::{Hanging, NodeKind, dependence},
    footprint::{Allocation, Burden, Burdens, footprint},
};
use ore_findings::{Leaves, Scope, leaves_of};
use ore_provenance::{Element, Limits, LotIndex, Method, Scratch, attribute};
use ore_record::{
    draft,
    v1::{self, MaterialClass, OutputRole},
};

use crate::world::{PG_PER_MG, World, mass, world};

const TA: Element = Element(73);

const SEEDS: std::ops::Range<u64> = 1..120;

#[test]
fn a_chain_of_custody_is_what_happened_record_by_record() {
    let (mut moments, mut journeys) = (0, 0);
    for seed in SEEDS {
        let world = world(seed, 120);
        for (ordinal, lot) in world.lots.iter().enumerate() {
            let found = chain(&world.view(), ordinal as u32, usize::MAX);
            assert!(found.complete);
            let hands: Vec<(Word, Word)> = found.moments.iter().map(|it| (it.owner, it.custodian)).collect();
            let told: Vec<_> = lot.history.iter().map(|it| (world.word(it.0), world.word(it.1))).collect();
            assert_eq!(hands, told, "{} of seed {seed}", lot.id);
            let gaps =
                |wanted: fn(&GapKind) -> bool| found.gaps.iter().filter(|gap| wanted(&gap.kind)).count();
            assert_eq!(gaps(|kind| matches!(kind, GapKind::OnTheWay { .. })), lot.journeys);
            assert_eq!(
                gaps(|kind| matches!(kind, GapKind::Unanswered { .. })),
                usize::from(lot.offer.is_some())
            );
            assert_eq!(gaps(|kind| matches!(kind, GapKind::Backwards)), 0);
            moments += hands.len();
            journeys += lot.journeys;
        }
    }
    assert!(moments > 5_000 && journeys > 300, "{moments} moments, {journeys} journeys");
}

#[test]
fn metal_accounts_are_what_was_delivered_returned_held_and_lost() {
    let (mut seen, mut returned, mut held, mut lost) = (0, 0, 0, 0);
    for seed in SEEDS {
        let world = world(seed, 150);
        let (accounts, complete) = metal_accounts(&world.view(), TA, Word::EMPTY, &mut Budget::new(u64::MAX));
        assert!(complete);
        assert_eq!(accounts.len(), world.accounts.len());
        for ((customer, toller), told) in &world.accounts {
            let account =
                &accounts[&Parties { customer: world.word(*customer), toller: world.word(*toller) }];
            assert_eq!([account.delivered_pg, account.returned_pg], *told, "seed {seed}");
            let declared = world.losses.get(&(*customer, *toller)).copied().unwrap_or(0);
            assert_eq!(account.declared_loss_pg, declared, "seed {seed}");
            let theirs = world.lots.iter().filter(|lot| (lot.owner, lot.custodian) == (*customer, *toller));
            let left: u128 = theirs.map(|lot| u128::from(lot.left_mg) * u128::from(lot.ppb)).sum();
            assert_eq!(account.held_pg, left, "seed {seed}");
            seen += 1;
            returned += usize::from(told[1] > 0);
            held += usize::from(left > 0);
            lost += usize::from(declared > 0);
        }
        // Asked for one member: its accounts and no others.
        let (own, _) = metal_accounts(&world.view(), TA, world.word(1), &mut Budget::new(u64::MAX));
        let theirs =
            accounts.iter().filter(|(it, _)| it.customer == world.word(1) || it.toller == world.word(1));
        assert!(own.iter().eq(theirs));
    }
    assert!(seen > 100 && returned > 5 && held > 50 && lost > 5, "{seen} {returned} {held} {lost}");
}

#[test]
fn credits_are_earned_and_spent_once_and_never_overdrawn() {
    let all =
        || CreditsOf { facility: Word::EMPTY, scheme: String::new(), element: 0, lifetime_months: u32::MAX };
    let (mut accounts_seen, mut claims) = (0, 0);
    for seed in SEEDS {
        let world = world(seed, 150);
        let (accounts, complete) = credits(&world.view(), all(), &mut Budget::new(u64::MAX));
        assert!(complete);
        assert_eq!(accounts.len(), world.credits.len());
        for (key, account) in &accounts {
            let period = (key.facility.clone(), key.period);
            let told = world.credits[&period];
            assert_eq!((account.earned_mg, account.claimed_mg), told);
            assert_eq!(account.balance_mg() + account.claimed_mg + account.lapsed_mg, account.earned_mg);
            let lines: i128 = account.lines.iter().map(|line| line.mg).sum();
            assert_eq!(lines, told.0 as i128 - told.1 as i128);
            assert!(account.lines.is_sorted_by_key(|line| line.leaf));
            let inputs = world.inputs.get(&period).copied().unwrap_or(0);
            assert_eq!(account.input_mg, inputs / PG_PER_MG, "seed {seed}");
            accounts_seen += 1;
            claims += usize::from(told.1 > 0);
        }
        // One facility's accounts are those of all that are its own.
        let facility = world.memory.journal.words().find(&world.who[0].1).expect("registered");
        let (own, _) = credits(&world.view(), CreditsOf { facility, ..all() }, &mut Budget::new(u64::MAX));
        assert!(own.iter().eq(accounts.iter().filter(|(key, _)| key.facility == world.who[0].1)));
    }
    assert!(accounts_seen > 300 && claims > 30, "{accounts_seen} accounts, {claims} with claims");
}

#[test]
fn a_furnace_charge_of_forty_tonnes_is_divided_to_the_picogram() {
    let mut world = World::new(1);
    let (mg, ppb) = (20_000_000_000, 900_000_000);
    let mut kinds = [v1::CommissionKind::Extracted, v1::CommissionKind::CollectedScrap].into_iter();
    let lots = [0, 1].map(|owner| {
        let event = v1::Commission {
            kind: kinds.next().expect("one each").into(),
            lot: Some(v1::NewLot {
                material: MaterialClass::Concentrate.into(),
                ..world.new_lot(owner, mg, ppb)
            }),
            ..v1::Commission::default()
        };
        world.say(owner, event);
        world.lots[owner].id.clone()
    });
    let output = v1::TransformOutput {
        lot: Some(world.new_lot(0, 2 * mg, ppb)),
        role: v1::OutputRole::Product.into(),
    };
    let input = |lot: &String| v1::TransformInput {
        lot: Some(draft::lot(lot)),
        mass: Some(mass(mg)),
        composition: None,
    };
    let event = v1::Transform {
        process: v1::Process::Recycling.into(),
        recycling_class: v1::RecyclingClass::PostConsumer.into(),
        facility: world.who[0].1.clone(),
        inputs: lots.iter().map(input).collect(),
        outputs: vec![output],
        ..v1::Transform::default()
    };
    world.say(0, event);
    let of = CircularityOf {
        element: TA,
        from_ms: 0,
        to_ms: u64::MAX,
        reading: Reading::Strict,
        generations: false,
    };
    let found = circularity(&world.view(), &mut Scratch::default(), &of, &mut Budget::new(u64::MAX));
    let half = u128::from(mg) * u128::from(ppb);
    // What arose where it is melted again is run-around, the rest is recovered.
    assert_eq!((found.total.run_around_pg, found.total.intake_pg), (half, half));
    assert_eq!(found.total.recovered_pg, half);
}

#[test]
fn no_burden_is_lost_or_made_on_the_way() {
    let (mut steps, mut carried) = (0, 0);
    for seed in SEEDS {
        let world = world(seed, 150);
        let view = world.view();
        let of = |lot: u32| footprint(&view, lot, &Allocation::Mass, &mut Budget::new(u64::MAX)).burden;
        let stated = |lot: u32| -> u128 {
            let on_lot = view.timeline(lot).filter_map(|(_, entry)| match &entry.fact {
                ore_audit::Fact::Footprint { lot: of, footprint } if *of == lot => {
                    Some(u128::from(footprint.co2e_g))
                }
                _ => None,
            });
            on_lot.sum::<u128>() * 1_000_000
        };
        for (leaf, entry) in view.entries() {
            let ore_audit::Fact::Step(step) = &entry.fact else { continue };
            let came: u128 = view
                .taken(leaf, Element(0))
                .map(|(lot, taken)| of(lot).part(taken.0, view.created(lot, Element(0)).0).co2e_g)
                .sum();
            let own: u128 = step.outputs.iter().map(|output| stated(output.lot)).sum();
            let made: Vec<Burden> = step.outputs.iter().map(|output| of(output.lot)).collect();
            for (output, burden) in
                step.outputs.iter().zip(&made).filter(|it| it.0.role == OutputRole::Residue)
            {
                assert_eq!(*burden, Burden::default(), "residue {}", output.lot);
            }
            let products = step.outputs.iter().filter(|output| output.role != OutputRole::Residue);
            let weighs = products.map(|output| view.created(output.lot, Element(0)).0).sum::<u128>() > 0;
            if !weighs && step.outputs.len() > 1 {
                continue;
            }
            let out: u128 = made.iter().map(|burden| burden.co2e_g).sum();
            // Divisions round down by less than one unit for each output.
            assert!(
                out <= came + own && came + own - out < step.outputs.len() as u128,
                "seed {seed}, leaf {leaf}"
            );
            steps += 1;
            carried += usize::from(came > 0);
        }
    }
    assert!(steps > 1_000 && carried > 200, "{steps} steps, {carried} with a burden from before");
}

/// Goes on with small budgets, with another record in the ledger between two of them.
fn in_slices(world: &mut World, units: u64, mut go_on: impl FnMut(&View<'_>, &mut Budget) -> bool) {
    let as_of = world.memory.size();
    for _ in 0..100_000 {
        let view = View { as_of, ..world.view() };
        if go_on(&view, &mut Budget::new(units)) {
            return;
        }
        world.step();
    }
    panic!("a question in slices has no end");
}

#[test]
fn a_question_in_slices_gets_the_answer_of_one_that_went_through_while_the_ledger_grows() {
    let mut uncertain = 0;
    for seed in 1..25 {
        let (whole, records) = (&mut Budget::new(u64::MAX), 100);
        let mut scratch = Scratch::default();
        let units = 5 + seed % 11;
        let mut world = world(seed, records);
        let journal = &world.memory.journal;
        let facility = journal.words().find(&world.who[(seed % 4) as usize].1).expect("registered");
        let (from_ms, to_ms) = (1_600_000_000_000, 1_606_000_000_000);

        let of = BalanceOf { facility, material: MaterialClass::Unspecified, element: TA, from_ms, to_ms };
        let at_once = balance(&world.view(), &of, 50, whole);
        let mut books = balance::Books::new(of, 50);
        in_slices(&mut world, units, |view, budget| books.go_on(view, budget));
        assert_eq!(books.close(true), at_once);

        let of = CircularityOf { element: TA, from_ms, to_ms, reading: Reading::Strict, generations: true };
        let at_once = circularity(&world.view(), &mut scratch, &of, whole);
        let (mut rounds, as_of) = (Rounds::new(of), world.memory.size());
        in_slices(&mut world, units, |view, budget| rounds.go_on(view, &mut scratch, budget));
        assert_eq!(rounds.close(&View { as_of, ..world.view() }, true), at_once);

        let at_once = metal_accounts(&world.view(), TA, Word::EMPTY, whole).0;
        let mut statement = accounts::Statement::new(TA, Word::EMPTY);
        in_slices(&mut world, units, |view, budget| statement.go_on(view, budget));
        assert_eq!(statement.accounts, at_once);

        let of =
            CreditsOf { facility: Word::EMPTY, scheme: String::new(), element: 73, lifetime_months: 1 << 20 };
        let at_once = credits(&world.view(), of.clone(), whole).0;
        let mut statement = credits::Statement::new(of);
        in_slices(&mut world, units, |view, budget| statement.go_on(view, budget));
        assert_eq!(statement.close(&world.view()), at_once);

        let lot = (world.lots.len() - 1) as u32;
        let at_once = footprint(&world.view(), lot, &Allocation::Mass, whole);
        let mut burdens = Burdens::new(lot, Allocation::Mass);
        in_slices(&mut world, units, |view, budget| burdens.go_on(view, budget));
        assert_eq!(burdens.close(true), at_once);
        assert_eq!(
            Burdens::new(lot, Allocation::Mass).close(false).burden,
            Burden::default(),
            "cut: none stated"
        );

        for scope in [Scope::Lot(lot), Scope::Facility { facility, from_ms, to_ms }] {
            let at_once = leaves_of(&world.view(), scope, whole);
            let mut leaves = Leaves::of(scope);
            in_slices(&mut world, units, |view, budget| leaves.go_on(view, budget));
            assert_eq!(leaves.close(), at_once);
        }

        let limits = Limits::default();
        for lot in (0..lot).rev().take(5) {
            let at_once =
                dependence(&world.view(), &mut scratch, lot, TA, NodeKind::Facility, &limits, whole);
            let as_of = world.memory.size();
            let begun = Hanging::new(&world.view(), &mut scratch, lot, TA, NodeKind::Facility, &limits);
            let Ok(mut hanging) = begun else {
                assert_eq!(at_once.err(), begun.err());
                continue;
            };
            let at_once = at_once.expect("it began");
            assert!(at_once.complete && !at_once.nodes.is_empty(), "lot {lot} of seed {seed}: {at_once:?}");
            let shares =
                attribute(&world.memory.graph, &mut Scratch::default(), LotIndex(lot), TA, as_of, &limits);
            uncertain += usize::from(shares.expect("it began").methods.contains(&Method::AssayInterval));
            in_slices(&mut world, 2_000 + units, |view, budget| hanging.go_on(view, &mut scratch, budget));
            assert_eq!(hanging.close(&View { as_of, ..world.view() }, true), at_once);
        }
    }
    assert!(uncertain > 10, "{uncertain} lots with intervals");
}
