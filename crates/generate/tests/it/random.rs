//! Random ledgers: anybody may do anything that the rules allow. What holds of custody, metal accounts, credits and
//! burdens whatever happened, and that a question asked in slices while the ledger grows gets the same answer.

use std::collections::BTreeMap;

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
use ore_generate::{Dice, Memory, Said, Sink, cast, profile};
use ore_provenance::{Element, Limits, Scratch};
use ore_record::{
    draft,
    v1::{self, MaterialClass, OutputRole, ShipPurpose, TransferKind, record::Event},
};

const TA: Element = Element(73);
const PG_PER_MG: u128 = 1_000_000_000;

/// What the random ledger knows of a lot.
#[derive(Clone)]
struct Lot {
    id: String,
    owner: usize,
    custodian: usize,
    left_mg: u64,
    ppb: u32,
    /// An offer that waits: its record, receiver, transfer and purpose.
    offer: Option<([u8; 32], usize, TransferKind, ShipPurpose)>,
    /// Owner and custodian after each record that touches it.
    history: Vec<(usize, usize)>,
    journeys: usize,
}

/// A ledger that somebody makes up record by record, with books kept by hand.
struct World {
    memory: Memory,
    dice: Dice,
    /// Members with a place each.
    who: Vec<(String, String)>,
    lots: Vec<Lot>,
    now_ms: u64,
    /// Delivered and returned by customer and toller, picograms.
    accounts: BTreeMap<(usize, usize), [u128; 2]>,
    /// Declared lost of somebody's metal in somebody else's hands, with or without an account, picograms.
    losses: BTreeMap<(usize, usize), u128>,
    /// Earned and claimed by facility and period, milligrams.
    credits: BTreeMap<(String, u32), (u128, u128)>,
    /// Tantalum that went into transformations by facility and period, picograms.
    inputs: BTreeMap<(String, u32), u128>,
}

impl World {
    fn new(seed: u64) -> Self {
        let cast = cast();
        let place = |it: &ore_generate::FacilityOf| (it.owner.clone(), it.facility.id.clone());
        let who = cast.facilities.iter().step_by(5).take(4).map(place).collect();
        let memory = Memory::new(&cast, profile());
        let now_ms = 1_600_000_000_000;
        let (accounts, losses) = (BTreeMap::new(), BTreeMap::new());
        let (credits, inputs) = (BTreeMap::new(), BTreeMap::new());
        Self {
            memory,
            dice: Dice::new(seed),
            who,
            lots: Vec::new(),
            now_ms,
            accounts,
            losses,
            credits,
            inputs,
        }
    }

    fn say(&mut self, author: usize, event: impl Into<Event>) -> [u8; 32] {
        self.now_ms += self.dice.between(1, 3 * 86_400_000);
        self.memory.put(Said {
            author: self.who[author].0.clone(),
            event_time_ms: self.now_ms,
            event: event.into(),
            documents: Vec::new(),
            corrects: Vec::new(),
            crafted: false,
        })
    }

    fn period(&self) -> u32 {
        credits::year_and_month(self.now_ms)
    }

    fn view(&self) -> View<'_> {
        let as_of = self.memory.size();
        View { journal: &self.memory.journal, graph: &self.memory.graph, as_of, date_ms: u64::MAX }
    }

    fn word(&self, member: usize) -> Word {
        self.memory.journal.words().find(&self.who[member].0).expect("admitted")
    }

    fn new_lot(&mut self, owner: usize, dry_mg: u64, ppb: u32) -> v1::NewLot {
        let id = format!("{}/{}", self.who[owner].0, self.lots.len());
        let content = v1::Content {
            element: 73,
            ppb,
            kind: v1::ContentKind::Measured.into(),
            ..v1::Content::default()
        };
        let materials = [MaterialClass::Ore, MaterialClass::Concentrate, MaterialClass::FinishedProduct];
        let material = materials[self.dice.between(0, 2) as usize];
        let history = vec![(owner, owner)];
        let lot = Lot {
            id: id.clone(),
            owner,
            custodian: owner,
            left_mg: dry_mg,
            ppb,
            offer: None,
            history,
            journeys: 0,
        };
        self.lots.push(lot);
        v1::NewLot {
            lot: id,
            material: material.into(),
            mass: Some(mass(dry_mg)),
            composition: Some(v1::Composition { contents: vec![content], ..v1::Composition::default() }),
            facility: self.who[owner].1.clone(),
            ..v1::NewLot::default()
        }
    }

    /// A lot that its custodian may use, if the dice find one.
    fn some(&mut self) -> Option<usize> {
        let most = self.lots.len().checked_sub(1)? as u64;
        let at = self.dice.between(0, most) as usize;
        (self.lots[at].left_mg > 0 && self.lots[at].offer.is_none()).then_some(at)
    }

    fn step(&mut self) {
        match self.dice.between(0, 9) {
            0 | 1 => self.mine(),
            2..=4 => self.transform(),
            5 => self.ship(),
            6 | 7 => self.answer(),
            8 => self.burden(),
            _ => self.credit(),
        }
    }

    fn mine(&mut self) {
        let who = self.dice.between(0, 3) as usize;
        let (dry_mg, ppb) = (self.dice.between(1, 1 << 40), self.dice.between(1, 900_000_000) as u32);
        let lot = self.new_lot(who, dry_mg, ppb);
        let kind = v1::CommissionKind::Extracted.into();
        self.say(who, v1::Commission { kind, lot: Some(lot), ..v1::Commission::default() });
    }

    fn transform(&mut self) {
        let Some(first) = self.some() else { return };
        let by = self.lots[first].custodian;
        let mut inputs = vec![first];
        for _ in 0..self.dice.between(0, 2) {
            let other = self.some().filter(|lot| self.lots[*lot].custodian == by && !inputs.contains(lot));
            inputs.extend(other);
        }
        let (mut dry, mut taken, mut parts) = (0_u64, 0_u128, Vec::new());
        for at in &inputs {
            let mg = self.dice.between(1, self.lots[*at].left_mg);
            self.lots[*at].left_mg -= mg;
            dry += mg;
            let contained = u128::from(mg) * u128::from(self.lots[*at].ppb);
            taken += contained;
            parts.push((*at, mg, contained));
        }
        let outputs = self.dice.between(1, 3);
        let (mut left, mut made) = (dry, Vec::new());
        for number in 0..outputs {
            let mg = self.dice.between(0, left);
            left -= mg;
            let ppb = u32::try_from(taken / u128::from(dry)).unwrap_or(u32::MAX);
            let role = if number > 0 && self.dice.between(0, 2) == 0 {
                OutputRole::Residue
            } else {
                OutputRole::Product
            };
            made.push(v1::TransformOutput { lot: Some(self.new_lot(by, mg, ppb)), role: role.into() });
        }
        let lost_mg = if self.dice.between(0, 2) == 0 { self.dice.between(1, 1_000) } else { 0 };
        let losses = (lost_mg > 0).then_some(v1::Loss { element: 73, mg: lost_mg, ..v1::Loss::default() });
        for (at, _, contained) in &parts {
            let lot = &mut self.lots[*at];
            lot.history.push((lot.owner, lot.custodian));
            if lot.owner != by {
                let lost = u128::from(lost_mg) * PG_PER_MG * contained / taken.max(1);
                *self.losses.entry((lot.owner, by)).or_default() += lost;
            }
        }
        let input = |(at, mg, _): &(usize, u64, u128)| v1::TransformInput {
            lot: Some(draft::lot(&self.lots[*at].id)),
            mass: Some(mass(*mg)),
            composition: None,
        };
        let event = v1::Transform {
            process: v1::Process::Refining.into(),
            facility: self.who[by].1.clone(),
            inputs: parts.iter().map(input).collect(),
            outputs: made,
            losses: losses.into_iter().collect(),
            ..v1::Transform::default()
        };
        self.say(by, event);
        *self.inputs.entry((self.who[by].1.clone(), self.period())).or_default() += taken;
    }

    fn ship(&mut self) {
        let Some(at) = self.some() else { return };
        let by = self.lots[at].custodian;
        let to = (by + self.dice.between(1, 3) as usize) % 4;
        let transfer = [TransferKind::Custody, TransferKind::Ownership, TransferKind::CustodyAndOwnership]
            [self.dice.between(0, 2) as usize];
        let purpose =
            [ShipPurpose::Sale, ShipPurpose::Tolling, ShipPurpose::Return][self.dice.between(0, 2) as usize];
        let shipped = v1::ShippedLot {
            lot: Some(draft::lot(&self.lots[at].id)),
            mass: Some(mass(self.lots[at].left_mg)),
            seals: Vec::new(),
        };
        let event = v1::Ship {
            lots: vec![shipped],
            receiver: self.who[to].0.clone(),
            transfer: transfer.into(),
            purpose: purpose.into(),
            from_facility: self.who[by].1.clone(),
            to_facility: self.who[to].1.clone(),
            ..v1::Ship::default()
        };
        let offer = self.say(by, event);
        let lot = &mut self.lots[at];
        lot.offer = Some((offer, to, transfer, purpose));
        lot.history.push((lot.owner, lot.custodian));
    }

    fn answer(&mut self) {
        let waiting: Vec<usize> = (0..self.lots.len()).filter(|at| self.lots[*at].offer.is_some()).collect();
        let Some(at) = waiting.first().copied() else { return };
        let (offer, to, transfer, purpose) = self.lots[at].offer.take().expect("it waits");
        let (from, reference) = (self.lots[at].custodian, draft::lot(&self.lots[at].id));
        if self.dice.between(0, 4) == 0 {
            let event =
                v1::Decline { offer: offer.to_vec(), lots: vec![reference], ..v1::Decline::default() };
            self.say(to, event);
        } else {
            let lost = self.dice.between(0, self.lots[at].left_mg / 100);
            self.lots[at].left_mg -= lost;
            let accepted = v1::AcceptedLot {
                lot: Some(reference),
                mass: Some(mass(self.lots[at].left_mg)),
                ..v1::AcceptedLot::default()
            };
            let facility = self.who[to].1.clone();
            self.say(to, v1::Accept { offer: offer.to_vec(), lots: vec![accepted], facility });
            let lot = &mut self.lots[at];
            let contained = u128::from(lot.left_mg) * u128::from(lot.ppb);
            if transfer != TransferKind::Custody {
                lot.owner = to;
            }
            if transfer != TransferKind::Ownership {
                lot.custodian = to;
            }
            lot.journeys += 1;
            if purpose == ShipPurpose::Tolling && transfer == TransferKind::Custody {
                self.accounts.entry((from, to)).or_default()[0] += contained;
            } else if let Some(account) =
                self.accounts.get_mut(&(to, from)).filter(|_| purpose == ShipPurpose::Return)
            {
                account[1] += contained;
            }
        }
        let lot = &mut self.lots[at];
        lot.history.push((lot.owner, lot.custodian));
    }

    fn burden(&mut self) {
        let Some(at) = self.some() else { return };
        let stated = v1::Footprint {
            lot: Some(draft::lot(&self.lots[at].id)),
            co2e_g: self.dice.between(0, 1 << 30),
            water_l: self.dice.between(0, 1 << 20),
            ..v1::Footprint::default()
        };
        self.say(self.lots[at].custodian, stated);
        let lot = &mut self.lots[at];
        lot.history.push((lot.owner, lot.custodian));
    }

    fn credit(&mut self) {
        let Some(at) = self.some() else { return };
        let by = self.lots[at].custodian;
        let (facility, period, mg) = (self.who[by].1.clone(), self.period(), self.dice.between(1, 1 << 30));
        let lot = Some(draft::lot(&self.lots[at].id));
        let account = self.credits.entry((facility.clone(), period)).or_default();
        let open = account.0 - account.1;
        let scheme = "ISO 22095".to_owned();
        let event: Event = if open > u128::from(mg) {
            account.1 += u128::from(mg);
            v1::CreditClaim { scheme, facility, element: 73, lot, mg, period }.into()
        } else {
            let conversion_ppm = self.dice.between(1, 1_000_000) as u32;
            account.0 += u128::from(mg) * u128::from(conversion_ppm) / 1_000_000;
            let attestation = String::new();
            v1::CreditDeposit { scheme, facility, element: 73, lot, mg, conversion_ppm, period, attestation }
                .into()
        };
        self.say(by, event);
        let lot = &mut self.lots[at];
        lot.history.push((lot.owner, lot.custodian));
    }
}

fn mass(dry_mg: u64) -> v1::Mass {
    v1::Mass { dry_mg, basis: v1::MassBasis::Dry.into(), unit: "MGM".to_owned(), ..v1::Mass::default() }
}

fn world(seed: u64, records: u32) -> World {
    let mut world = World::new(seed);
    (0..records).for_each(|_| world.step());
    world
}

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
            in_slices(&mut world, 2_000 + units, |view, budget| hanging.go_on(view, &mut scratch, budget));
            assert_eq!(Ok(hanging.close(&View { as_of, ..world.view() }, true)), at_once);
        }
    }
}
