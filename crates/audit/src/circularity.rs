//! Circularity of one element in a period, for all countries together or each by itself.
//!
//! Two readings of ISO 14021 decide what counts as recycled, and the answer names the one that was used.
//! Common: the class that the recycler declared. Strict: scrap that goes back to the facility where it arose
//! is run-around whatever was declared, because it is reclaimed in the process that generated it.

use alloc::{collections::BTreeMap, vec::Vec};

use ore_provenance::{Element, Limits, LotIndex, Parts, Scratch, attribute, proportion};
use ore_record::v1::{CommissionKind, MaterialClass, OutputRole, RecyclingClass};

use crate::{
    journal::{Fact, StepFact, Word},
    ratio::ratio_e18,
    view::{Budget, View},
};

/// Which scrap counts as recycled content.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reading {
    /// As declared.
    Common,
    /// Scrap reclaimed where it arose is run-around.
    Strict,
}

impl Reading {
    /// As an answer names it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Common => "ISO 14021, common reading: the class that the recycler declared",
            Self::Strict => "ISO 14021, strict reading: scrap reclaimed where it arose is run-around",
        }
    }
}

/// What is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CircularityOf {
    /// Atomic number; 0: whole dry mass.
    pub element: Element,
    /// From this event time, inclusive.
    pub from_ms: u64,
    /// To this event time, exclusive.
    pub to_ms: u64,
    /// Strict or common.
    pub reading: Reading,
    /// Whether to find the generations of the period's products: one attribution per product.
    pub generations: bool,
}

/// Masses of one element, picograms.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Flows {
    /// Extracted.
    pub mined_pg: u128,
    /// Brought in with unknown origin.
    pub unknown_pg: u128,
    /// Scrap that arose before use: collected, or taken into recycling.
    pub scrap_pre_pg: u128,
    /// Scrap after use.
    pub scrap_post_pg: u128,
    /// Scrap that ran around: not recycled content.
    pub run_around_pg: u128,
    /// Taken into recycling steps, run-around left out.
    pub intake_pg: u128,
    /// Came out of those steps in products and by-products.
    pub recovered_pg: u128,
    /// Came out of those steps in residues.
    pub residues_pg: u128,
    /// In the targets, components and finished products that were made.
    pub products_pg: u128,
    /// Taken into the steps that made those.
    pub charge_pg: u128,
    /// Of that charge, the lots that recycling steps made.
    pub recycled_charge_pg: u128,
    /// Of the intake, pieces that were products themselves: the loop that closes.
    pub returned_pg: u128,
}

impl Flows {
    /// Recovered for each unit taken into recycling, in 10^-18.
    #[must_use]
    pub fn recovery_of_intake(&self) -> Option<u64> {
        ratio_e18(self.recovered_pg, self.intake_pg)
    }

    /// Returned products for each unit of products made, in 10^-18.
    #[must_use]
    pub fn return_rate(&self) -> Option<u64> {
        ratio_e18(self.returned_pg, self.products_pg)
    }

    /// Recovered for each unit of products made, in 10^-18.
    #[must_use]
    pub fn loop_ratio(&self) -> Option<u64> {
        ratio_e18(self.recovered_pg, self.products_pg)
    }

    /// Recycled part of what products were made of, in 10^-18.
    #[must_use]
    pub fn recycled_input(&self) -> Option<u64> {
        ratio_e18(self.recycled_charge_pg, self.charge_pg)
    }

    /// Recovered for each unit of new metal (mined or of unknown origin) and recovered together, in 10^-18.
    #[must_use]
    pub fn secondary_share(&self) -> Option<u64> {
        ratio_e18(self.recovered_pg, self.recovered_pg + self.mined_pg + self.unknown_pg)
    }

    fn add(&mut self, other: &Self) {
        self.mined_pg += other.mined_pg;
        self.unknown_pg += other.unknown_pg;
        self.scrap_pre_pg += other.scrap_pre_pg;
        self.scrap_post_pg += other.scrap_post_pg;
        self.run_around_pg += other.run_around_pg;
        self.intake_pg += other.intake_pg;
        self.recovered_pg += other.recovered_pg;
        self.residues_pg += other.residues_pg;
        self.products_pg += other.products_pg;
        self.charge_pg += other.charge_pg;
        self.recycled_charge_pg += other.recycled_charge_pg;
        self.returned_pg += other.returned_pg;
    }
}

/// The answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Circularity {
    /// All countries.
    pub total: Flows,
    /// By country of the facility.
    pub countries: BTreeMap<[u8; 2], Flows>,
    /// Picograms of the period's products by recycling passes.
    pub generations: BTreeMap<u16, u128>,
    /// Picograms of products whose generations were not found.
    pub generations_unresolved_pg: u128,
    /// Which reading.
    pub reading: Reading,
    /// Whether everything was looked at.
    pub complete: bool,
}

/// Circularity of an element in a period.
#[must_use]
pub fn circularity(
    view: &View<'_>,
    scratch: &mut Scratch,
    of: &CircularityOf,
    budget: &mut Budget,
) -> Circularity {
    let mut rounds = Rounds::new(*of);
    let done = rounds.go_on(view, scratch, budget);
    rounds.close(view, done)
}

/// Flows that are being added up.
#[derive(Debug)]
pub struct Rounds {
    of: CircularityOf,
    countries: BTreeMap<[u8; 2], Flows>,
    /// Countries of facilities.
    known: BTreeMap<Word, [u8; 2]>,
    products: Vec<u32>,
    /// Records that were looked at, and products whose generations were found.
    next: u32,
    next_product: usize,
    generations: BTreeMap<u16, u128>,
    unresolved_pg: u128,
    /// Whether an attribution was cut short.
    short: bool,
}

impl Rounds {
    /// Nothing added up yet.
    #[must_use]
    pub const fn new(of: CircularityOf) -> Self {
        Self {
            of,
            countries: BTreeMap::new(),
            known: BTreeMap::new(),
            products: Vec::new(),
            next: 0,
            next_product: 0,
            generations: BTreeMap::new(),
            unresolved_pg: 0,
            short: false,
        }
    }

    /// Goes on until all is added up (true) or the budget ends. The view may have grown since the last time, but
    /// must be of the same size and date.
    pub fn go_on(&mut self, view: &View<'_>, scratch: &mut Scratch, budget: &mut Budget) -> bool {
        while self.next < view.end() {
            if !budget.spend(1) {
                return false;
            }
            let leaf = self.next;
            self.next += 1;
            if let Some(entry) = view.entry(leaf)
                && (self.of.from_ms..self.of.to_ms).contains(&entry.event_ms)
            {
                self.enter(view, leaf, &entry.fact);
            }
        }
        !self.of.generations || self.find_generations(view, scratch, budget)
    }

    fn enter(&mut self, view: &View<'_>, leaf: u32, fact: &Fact) {
        let facility = match fact {
            Fact::Commission(it) => view.journal.lot(it.lot).map_or(Word::EMPTY, |lot| lot.facility),
            Fact::Step(it) => it.facility,
            _ => return,
        };
        let country = *self.known.entry(facility).or_insert_with(|| view.country(facility));
        let flows = self.countries.entry(country).or_default();
        match fact {
            Fact::Commission(it) => {
                let mass = view.made(leaf, it.lot, self.of.element).0;
                let scrap = it.kind == CommissionKind::CollectedScrap;
                let sum = match it.scrap_class {
                    _ if it.kind == CommissionKind::Extracted => &mut flows.mined_pg,
                    RecyclingClass::PreConsumer if scrap => &mut flows.scrap_pre_pg,
                    _ if scrap => &mut flows.scrap_post_pg,
                    _ => &mut flows.unknown_pg,
                };
                *sum += mass;
            }
            Fact::Step(it) => step(view, &self.of, leaf, it, flows, &mut self.products),
            _ => {}
        }
    }

    fn find_generations(&mut self, view: &View<'_>, scratch: &mut Scratch, budget: &mut Budget) -> bool {
        while let Some(lot) = self.products.get(self.next_product).copied() {
            if !budget.spend(1) {
                return false;
            }
            self.next_product += 1;
            let element = self.of.element;
            let mass = view.created(lot, element);
            let limits = Limits { steps: 100_000, work: Limits::default().work };
            let found = attribute(view.graph, scratch, LotIndex(lot), element, view.as_of, &limits);
            if let Ok(found) = &found {
                budget.charge(found.visited.parts.max(found.visited.steps.into()));
            }
            match found {
                Ok(found) if found.complete => {
                    for (generation, share) in &found.by_generation {
                        let share: Parts = share.value;
                        *self.generations.entry(*generation).or_default() += share.of(mass).0;
                    }
                }
                Ok(_) => {
                    self.short = true;
                    self.unresolved_pg += mass.0;
                }
                // The piece holds none of the element.
                Err(_) => self.unresolved_pg += mass.0,
            }
        }
        true
    }

    /// The answer; `done` says whether everything was looked at.
    #[must_use]
    pub fn close(self, view: &View<'_>, done: bool) -> Circularity {
        let left = self.products.iter().skip(self.next_product).filter(|_| self.of.generations);
        let left_pg: u128 = left.map(|lot| view.created(*lot, self.of.element).0).sum();
        let mut total = Flows::default();
        self.countries.values().for_each(|flows| total.add(flows));
        Circularity {
            total,
            countries: self.countries,
            generations: self.generations,
            generations_unresolved_pg: self.unresolved_pg + left_pg,
            reading: self.of.reading,
            complete: done && !self.short,
        }
    }
}

/// How a recycling step counts under a reading; `None` for a step that is no recycling.
#[must_use]
pub fn class_of(view: &View<'_>, step: &StepFact, lot: u32, reading: Reading) -> Option<RecyclingClass> {
    let declared = match step.recycling_class {
        RecyclingClass::Unspecified => return None,
        declared => declared,
    };
    let arose = view.journal.lot(lot).map(|lot| lot.facility);
    // A piece that was used elsewhere and came back was a product: it is not reclaimed in the process that made it.
    let product = view.journal.lot(lot).is_some_and(|lot| is_product(lot.material));
    if reading == Reading::Strict && arose == Some(step.facility) && !product {
        return Some(RecyclingClass::Internal);
    }
    Some(declared)
}

const fn is_product(material: MaterialClass) -> bool {
    matches!(
        material,
        MaterialClass::SputteringTarget | MaterialClass::Component | MaterialClass::FinishedProduct
    )
}

fn step(
    view: &View<'_>,
    of: &CircularityOf,
    leaf: u32,
    it: &StepFact,
    flows: &mut Flows,
    products: &mut Vec<u32>,
) {
    let material = |lot: u32| view.journal.lot(lot).map_or(MaterialClass::Unspecified, |lot| lot.material);
    let made = |lot: u32| view.made(leaf, lot, of.element).0;
    let (mut intake, mut total) = (0, 0);
    for (lot, amount) in view.taken(leaf, of.element) {
        let Some(class) = class_of(view, it, lot, of.reading) else { continue };
        let amount = amount.0;
        total += amount;
        // Collected scrap was counted when it was collected.
        let collected = view.maker(lot).is_none();
        match class {
            RecyclingClass::PreConsumer if !collected => flows.scrap_pre_pg += amount,
            RecyclingClass::PostConsumer if !collected => flows.scrap_post_pg += amount,
            RecyclingClass::Internal => flows.run_around_pg += amount,
            _ => {}
        }
        if class != RecyclingClass::Internal {
            intake += amount;
            if is_product(material(lot)) {
                flows.returned_pg += amount;
            }
        }
    }
    flows.intake_pg += intake;
    if total > 0 {
        let (mut out, mut residues) = (0, 0);
        for output in &it.outputs {
            let sum = if output.role == OutputRole::Residue { &mut residues } else { &mut out };
            *sum += made(output.lot);
        }
        // A charge of external and run-around scrap together: outputs in proportion.
        flows.recovered_pg += proportion(out, intake, total);
        flows.residues_pg += proportion(residues, intake, total);
    }
    let made_products: Vec<u32> =
        it.outputs.iter().map(|output| output.lot).filter(|lot| is_product(material(*lot))).collect();
    if made_products.is_empty() || it.recycling_class != RecyclingClass::Unspecified {
        return;
    }
    // Assembling targets into devices makes no new product of the metal: only the first making counts.
    let fresh = it.inputs.iter().all(|input| !is_product(material(input.lot)));
    if !fresh {
        return;
    }
    for (lot, amount) in view.taken(leaf, of.element) {
        flows.charge_pg += amount.0;
        let recycled = view.maker(lot).is_some_and(|(_, _, maker)| {
            maker.inputs.iter().any(|input| {
                class_of(view, maker, input.lot, of.reading)
                    .is_some_and(|class| class != RecyclingClass::Internal)
            })
        });
        if recycled {
            flows.recycled_charge_pg += amount.0;
        }
    }
    for lot in made_products {
        flows.products_pg += made(lot);
        products.push(lot);
    }
}
