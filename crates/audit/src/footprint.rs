//! Environmental burden of a lot, carried through every transformation on its way.
//!
//! A step's own burden is what is stated for the lots it made; it and the burden of what it took are divided
//! among its outputs by dry mass, or by value with the prices that the profile names. Residues carry none: what
//! a plant throws away burdens what it sells.

use alloc::{
    collections::{BTreeMap, BTreeSet},
    vec::Vec,
};

use ore_provenance::{Element, LotIndex, proportion};
use ore_record::v1::{self, OutputRole};

use crate::{
    journal::Fact,
    view::{Budget, View},
};

/// How a step's burden is divided among its outputs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Allocation {
    /// By dry mass.
    Mass,
    /// By the value of the contained metal: price of each element, in any unit for each milligram.
    Value(BTreeMap<u8, u64>),
}

impl Allocation {
    /// As an answer names it.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Mass => "divided among outputs by dry mass",
            Self::Value(_) => "divided among outputs by value of contained metal, at the profile's prices",
        }
    }
}

/// What is added up. Millionths of the unit named, so that divisions lose nothing that anybody measures.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Burden {
    /// Grams of CO2 equivalent.
    pub co2e_g: u128,
    /// Kilojoules.
    pub energy_kj: u128,
    /// Litres.
    pub water_l: u128,
    /// Milligrams.
    pub acid_waste_mg: u128,
    /// Milligrams.
    pub radioactive_waste_mg: u128,
    /// Milligrams.
    pub thorium_mg: u128,
    /// Milligrams.
    pub uranium_mg: u128,
}

/// Units of a [`Burden`] in one of its named units.
pub const MICRO: u128 = 1_000_000;

impl Burden {
    fn of(stated: &v1::Footprint) -> Self {
        let micro = |value: u64| u128::from(value) * MICRO;
        Self {
            co2e_g: micro(stated.co2e_g),
            energy_kj: micro(stated.energy_kj),
            water_l: micro(stated.water_l),
            acid_waste_mg: micro(stated.acid_waste_mg),
            radioactive_waste_mg: micro(stated.radioactive_waste_mg),
            thorium_mg: micro(stated.thorium_mg),
            uranium_mg: micro(stated.uranium_mg),
        }
    }

    fn map(self, with: Self, each: impl Fn(u128, u128) -> u128) -> Self {
        Self {
            co2e_g: each(self.co2e_g, with.co2e_g),
            energy_kj: each(self.energy_kj, with.energy_kj),
            water_l: each(self.water_l, with.water_l),
            acid_waste_mg: each(self.acid_waste_mg, with.acid_waste_mg),
            radioactive_waste_mg: each(self.radioactive_waste_mg, with.radioactive_waste_mg),
            thorium_mg: each(self.thorium_mg, with.thorium_mg),
            uranium_mg: each(self.uranium_mg, with.uranium_mg),
        }
    }

    fn plus(self, other: Self) -> Self {
        self.map(other, u128::saturating_add)
    }

    /// A part of it, rounded down; all of it where nothing weighs.
    #[must_use]
    pub fn part(self, some: u128, all: u128) -> Self {
        if all == 0 {
            return self;
        }
        self.map(Self::default(), |value, _| proportion(value, some, all))
    }
}

/// The answer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Carried {
    /// Burden of the whole lot at its creation.
    pub burden: Burden,
    /// Records that state it, oldest first.
    pub records: Vec<u32>,
    /// Lots on the way, the asked one included.
    pub lots: u32,
    /// Of those, lots of steps or sources for which nobody states a footprint.
    pub silent: u32,
    /// Whether every ancestor was looked at; without that no burden is stated.
    pub complete: bool,
}

/// The burden of a lot.
#[must_use]
pub fn footprint(view: &View<'_>, lot: u32, allocation: &Allocation, budget: &mut Budget) -> Carried {
    let mut burdens = Burdens::new(lot, allocation.clone());
    let done = burdens.go_on(view, budget);
    burdens.close(done)
}

/// Burdens that are being carried along.
#[derive(Debug)]
pub struct Burdens {
    lot: u32,
    allocation: Allocation,
    way: Ancestors,
    /// Lots on the way in ledger order, once all are known.
    lots: Vec<u32>,
    next: usize,
    burdens: BTreeMap<u32, Burden>,
    carried: Carried,
}

impl Burdens {
    /// Nothing carried yet.
    #[must_use]
    pub fn new(lot: u32, allocation: Allocation) -> Self {
        let (way, carried) = (Ancestors::of(lot), Carried::default());
        Self { lot, allocation, way, lots: Vec::new(), next: 0, burdens: BTreeMap::new(), carried }
    }

    /// Goes on until the lot is reached (true) or the budget ends. The view may have grown since the last time,
    /// but must be of the same size and date.
    pub fn go_on(&mut self, view: &View<'_>, budget: &mut Budget) -> bool {
        if !self.way.go_on(view, budget) {
            return false;
        }
        if self.lots.is_empty() {
            self.lots = self.way.lots();
        }
        // Ordinals are in ledger order, so what a step took is there before the step.
        while let Some(at) = self.lots.get(self.next).copied() {
            if !budget.spend(1) {
                return false;
            }
            // Whoever made it is looked at whole.
            budget.charge(
                view.maker(at).map_or(0, |(_, _, step)| step.outputs.len() + step.inputs.len()) as u64
            );
            let burden = made(view, at, &self.allocation, &self.burdens, &mut self.carried);
            self.burdens.insert(at, burden);
            self.next += 1;
        }
        true
    }

    /// The answer; `done` says whether every ancestor was looked at.
    #[must_use]
    pub fn close(mut self, done: bool) -> Carried {
        let mut carried = self.carried;
        carried.complete = done;
        carried.lots = self.way.met.len() as u32;
        carried.records.sort_unstable();
        carried.records.dedup();
        carried.burden = self.burdens.remove(&self.lot).unwrap_or_default();
        carried
    }
}

/// A lot and every lot that metal of it came through, being looked for.
#[derive(Debug)]
pub struct Ancestors {
    met: BTreeSet<u32>,
    open: Vec<u32>,
}

impl Ancestors {
    /// Of a lot, itself included.
    #[must_use]
    pub fn of(lot: u32) -> Self {
        Self { met: BTreeSet::from([lot]), open: Vec::from([lot]) }
    }

    /// Goes on until all are met (true) or the budget ends.
    pub fn go_on(&mut self, view: &View<'_>, budget: &mut Budget) -> bool {
        while let Some(at) = self.open.pop() {
            let Some((_, _, step)) = view.maker(at) else { continue };
            if !budget.spend(step.inputs.len() as u64 + 1) {
                self.open.push(at);
                return false;
            }
            let met = &mut self.met;
            self.open.extend(step.inputs.iter().map(|input| input.lot).filter(|input| met.insert(*input)));
        }
        true
    }

    /// Those met so far, in ledger order.
    #[must_use]
    pub fn lots(&self) -> Vec<u32> {
        self.met.iter().copied().collect()
    }
}

fn made(
    view: &View<'_>,
    lot: u32,
    allocation: &Allocation,
    burdens: &BTreeMap<u32, Burden>,
    carried: &mut Carried,
) -> Burden {
    let Some((leaf, _, step)) = view.maker(lot) else {
        let (own, spoke) = stated(view, lot, carried);
        carried.silent += u32::from(!spoke);
        return own;
    };
    let (mut total, mut spoke) = (Burden::default(), false);
    for output in &step.outputs {
        let (own, here) = stated(view, output.lot, carried);
        total = total.plus(own);
        spoke |= here;
    }
    carried.silent += u32::from(!spoke);
    for (input, taken) in view.taken(leaf, Element(0)) {
        let whole = view.created(input, Element(0)).0;
        if let Some(burden) = burdens.get(&input) {
            total = total.plus(burden.part(taken.0, whole));
        }
    }
    let weight = |lot: u32| weight(view, lot, allocation);
    let products = step.outputs.iter().filter(|output| output.role != OutputRole::Residue);
    let all: u128 = products.clone().map(|output| weight(output.lot)).sum();
    let here = products.filter(|output| output.lot == lot).map(|output| weight(output.lot)).sum();
    // A residue carries nothing; nothing to divide by means one output has it all.
    if all == 0 && step.outputs.len() == 1 {
        total
    } else if all == 0 {
        Burden::default()
    } else {
        total.part(here, all)
    }
}

fn stated(view: &View<'_>, lot: u32, carried: &mut Carried) -> (Burden, bool) {
    let (mut sum, mut spoke) = (Burden::default(), false);
    for (leaf, entry) in view.timeline(lot) {
        if let Fact::Footprint { footprint, lot: of } = &entry.fact
            && *of == lot
        {
            sum = sum.plus(Burden::of(footprint));
            spoke = true;
            carried.records.push(leaf);
        }
    }
    (sum, spoke)
}

fn weight(view: &View<'_>, lot: u32, allocation: &Allocation) -> u128 {
    match allocation {
        Allocation::Mass => view.created(lot, Element(0)).0,
        Allocation::Value(prices) => prices
            .iter()
            .map(|(element, price)| {
                (view.created(lot, Element(*element)).0 / 1_000_000_000) * u128::from(*price)
            })
            .sum(),
    }
}

/// Contained milligrams of a lot, for a figure per kilogram.
#[must_use]
pub fn contained_mg(view: &View<'_>, lot: u32, element: Element) -> u128 {
    match view.graph.lot(LotIndex(lot), view.as_of) {
        Some(_) => view.created(lot, element).0 / 1_000_000_000,
        None => 0,
    }
}
