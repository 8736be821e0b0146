//! A random ledger: anybody may do anything that the rules allow, and books are kept by hand beside it.

use std::collections::BTreeMap;

use num_bigint::BigUint;
use ore_audit::{View, Word, credits};
use ore_generate::{Dice, Memory, Said, Sink, cast, profile};
use ore_record::{
    draft,
    v1::{self, MaterialClass, OutputRole, ShipPurpose, TransferKind, record::Event},
};

pub(crate) const PG_PER_MG: u128 = 1_000_000_000;

/// What the random ledger knows of a lot.
#[derive(Clone)]
pub(crate) struct Lot {
    pub(crate) id: String,
    pub(crate) owner: usize,
    pub(crate) custodian: usize,
    pub(crate) left_mg: u64,
    pub(crate) ppb: u32,
    /// An offer that waits: its record, receiver, transfer and purpose.
    pub(crate) offer: Option<([u8; 32], usize, TransferKind, ShipPurpose)>,
    /// Owner and custodian after each record that touches it.
    pub(crate) history: Vec<(usize, usize)>,
    /// Receipts of it in other hands.
    pub(crate) journeys: usize,
}

/// A ledger that somebody makes up record by record, with books kept by hand.
pub(crate) struct World {
    pub(crate) memory: Memory,
    pub(crate) dice: Dice,
    /// Members with a place each.
    pub(crate) who: Vec<(String, String)>,
    pub(crate) lots: Vec<Lot>,
    pub(crate) now_ms: u64,
    /// Delivered and returned by customer and toller, picograms.
    pub(crate) accounts: BTreeMap<(usize, usize), [u128; 2]>,
    /// Declared lost of somebody's metal in somebody else's hands, with or without an account, picograms.
    pub(crate) losses: BTreeMap<(usize, usize), u128>,
    /// Earned and claimed by facility and period, milligrams.
    pub(crate) credits: BTreeMap<(String, u32), (u128, u128)>,
    /// Tantalum that went into transformations by facility and period, picograms.
    pub(crate) inputs: BTreeMap<(String, u32), u128>,
}

impl World {
    pub(crate) fn new(seed: u64) -> Self {
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

    pub(crate) fn say(&mut self, author: usize, event: impl Into<Event>) -> [u8; 32] {
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

    /// Withdraws a record of a member.
    pub(crate) fn take_back(&mut self, author: usize, leaf: u32) {
        let record = Memory::id(leaf.into()).to_vec();
        let reason = v1::WithdrawReason::IncorrectData.into();
        self.say(author, v1::Withdraw { record, reason, ..v1::Withdraw::default() });
    }

    fn period(&self) -> u32 {
        credits::year_and_month(self.now_ms)
    }

    pub(crate) fn view(&self) -> View<'_> {
        let as_of = self.memory.size();
        View { journal: &self.memory.journal, graph: &self.memory.graph, as_of, date_ms: u64::MAX }
    }

    pub(crate) fn word(&self, member: usize) -> Word {
        self.memory.journal.words().find(&self.who[member].0).expect("admitted")
    }

    pub(crate) fn new_lot(&mut self, owner: usize, dry_mg: u64, ppb: u32) -> v1::NewLot {
        let id = format!("{}/{}", self.who[owner].0, self.lots.len());
        let content = v1::Content {
            element: 73,
            ppb,
            kind: v1::ContentKind::Measured.into(),
            // Every third assay says how far it may be off.
            uncertainty_ppb: if self.lots.len().is_multiple_of(3) { ppb / 50 } else { 0 },
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

    pub(crate) fn step(&mut self) {
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
        // From a few grains to tonnes: products of picograms need more than 128 bits.
        let most = if self.dice.between(0, 1) == 0 { 1_000 } else { (dry / 10).max(1) };
        let lost_mg = if self.dice.between(0, 2) == 0 { self.dice.between(1, most) } else { 0 };
        let losses = (lost_mg > 0).then_some(v1::Loss { element: 73, mg: lost_mg, ..v1::Loss::default() });
        for (at, _, contained) in &parts {
            let lot = &mut self.lots[*at];
            lot.history.push((lot.owner, lot.custodian));
            if lot.owner != by {
                let lost = BigUint::from(u128::from(lost_mg) * PG_PER_MG) * *contained / taken.max(1);
                let lost = u128::try_from(lost).expect("a part of the loss");
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
                lot.journeys += 1;
            }
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
            co2e_g: self.dice.between(0, 1 << 50),
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

pub(crate) fn mass(dry_mg: u64) -> v1::Mass {
    v1::Mass { dry_mg, basis: v1::MassBasis::Dry.into(), unit: "MGM".to_owned(), ..v1::Mass::default() }
}

/// So many records, from a seed.
pub(crate) fn world(seed: u64, records: u32) -> World {
    let mut world = World::new(seed);
    (0..records).for_each(|_| world.step());
    world
}
