//! The judge: puts every rule to a record.

use alloc::{collections::BTreeMap, string::String, vec::Vec};

use hashbrown::HashMap;

use ore_audit::{
    AcceptFact, Budget, CommissionFact, Entry, Fact, Journal, StepFact, View, Word, balance::Counted,
};
use ore_provenance::{Attribution, Element, Limits, LotIndex, Scratch, attribute};
use ore_record::v1::CustodyModel;

use crate::{
    by_word::ByWord,
    finding::Finding,
    places::Place,
    rules::{assay, claims, origin, recovery, signature, stock, tamper, time, trace},
    terms::Terms,
};

/// Steps on the way to a lot's sources that a rule looks through.
const MOST_STEPS: u32 = 100_000;

/// What a judge worked out and the next one of the same view need not: a long question is answered in slices.
#[derive(Debug, Default)]
pub struct Memory {
    /// What the rules ask of places.
    places: ByWord<Place>,
    /// Schemes that every source of a lot carries (rule C3).
    pub(crate) characteristics: HashMap<u32, claims::Carried>,
    /// Records at which a facility passes the capacity of a year, or the cap of a permit's leaf (rule M12).
    pub(crate) crossings: BTreeMap<(Word, u32, bool), Option<(u32, u128)>>,
    /// Campaigns of a facility (rule M5).
    pub(crate) recoveries: ByWord<recovery::Recoveries>,
    /// Stocktakes of a facility, and what they counted by material and element (rules M3 and M6).
    pub(crate) stocktakes: HashMap<Word, Vec<u32>>,
    pub(crate) counted: HashMap<(Word, i32, u8), Vec<Counted>>,
    /// Metres between two facilities whose places are stated (rule T2).
    pub(crate) metres: HashMap<(Word, Word), Option<u64>>,
    /// Names of a member that a sanctions list holds (rule O14).
    pub(crate) sanctioned: ByWord<Vec<String>>,
    /// Sums sent under a permit, by the record that made each (rule O4).
    pub(crate) carried: HashMap<Word, Vec<(u32, u128)>>,
    /// Room for the weighings of one stocktake (rule M6).
    pub(crate) masses: Vec<u64>,
    /// Room for the elements of one step (rules M2 and M4).
    pub(crate) elements: Vec<assay::Sums>,
    /// Reference libraries by the leaf that publishes them (rules O15 and O16).
    pub(crate) libraries: trace::Fitted,
}

/// What some lot that a record makes states, so that the rules that ask about it are left out for most records.
#[derive(Default)]
struct States {
    /// A country of origin (rule O7).
    country: bool,
    /// A model that all of its metal must fit (rules C2 and C3).
    model: bool,
    /// The id of a withdrawn lot (rule C8).
    replaced: bool,
    /// A tag or a serial number (rule G1).
    mark: bool,
}

impl States {
    fn of(journal: &Journal, made: impl Iterator<Item = u32>) -> Self {
        let mut states = Self::default();
        for lot in made.filter_map(|lot| journal.lot(lot)) {
            states.country |= lot.origin_country != [0; 2];
            states.model |= matches!(lot.model, CustodyModel::IdentityPreserved | CustodyModel::Segregated);
            states.replaced |= lot.replaces.is_some();
            states.mark |= !lot.serial.is_empty() || !lot.tags.is_empty();
        }
        states
    }
}

/// A view, the profile's terms, and what was worked out so far. One judge answers one question.
pub struct Judge<'a> {
    pub(crate) view: View<'a>,
    /// The view's present.
    pub(crate) now_ms: u64,
    pub(crate) terms: Terms,
    pub(crate) scratch: &'a mut Scratch,
    /// Whether the strict rule accepts the signature of a leaf too; `None` when it cannot be read.
    strict: &'a dyn Fn(u32) -> Option<bool>,
    pub(crate) budget: Budget,
    found: Vec<Finding>,
    pub(crate) memory: Memory,
}

impl<'a> Judge<'a> {
    /// A judge of a view, with a bound on its work.
    #[must_use]
    pub fn new(
        view: View<'a>,
        scratch: &'a mut Scratch,
        strict: &'a dyn Fn(u32) -> Option<bool>,
        budget: Budget,
        memory: Memory,
    ) -> Self {
        let (now_ms, terms) = (view.now_ms(), Terms::of(view.profile()));
        Self { view, now_ms, terms, scratch, strict, budget, found: Vec::new(), memory }
    }

    /// The terms that it goes by.
    #[must_use]
    pub const fn terms(&self) -> &Terms {
        &self.terms
    }

    /// What the next judge of the same view can go on with.
    #[must_use]
    pub fn into_memory(self) -> Memory {
        self.memory
    }

    /// Whether something was left out for want of budget.
    #[must_use]
    pub const fn is_short(&self) -> bool {
        self.budget.is_short()
    }

    /// Puts every rule to a record, and returns what they find. Nothing for a leaf that does not count, and
    /// `None` once the budget is spent.
    pub fn judge(&mut self, leaf: u32) -> Option<Vec<Finding>> {
        if !self.budget.spend(1) {
            return None;
        }
        if let Some(entry) = self.view.entry(leaf) {
            match &entry.fact {
                Fact::Facility(it) => origin::facility(self, leaf, entry, it),
                Fact::Commission(it) => self.commission(leaf, entry, it),
                Fact::Step(it) => self.step(leaf, entry, it),
                Fact::Ship(it) => {
                    origin::ship(self, leaf, entry, it);
                    time::ship(self, leaf, entry, it);
                    tamper::seals(self, leaf, entry);
                }
                Fact::Accept(it) => self.accept(leaf, entry, it),
                Fact::Assay { lot, assay, reveals, .. } => {
                    claims::exchange(self, leaf, entry, *lot, assay, *reveals);
                    if ore_fingerprint::ledger::shows_pattern(assay) {
                        trace::shown(self, leaf, entry, *lot);
                    }
                }
                Fact::SealEvent { .. } => tamper::seals(self, leaf, entry),
                Fact::Use { lot, facility, .. } => time::at_place(self, leaf, entry, *lot, *facility, 0),
                Fact::Stocktake { facility, stocktake } => {
                    stock::stocktake(self, leaf, entry, *facility, stocktake);
                }
                Fact::Deposit { lot, deposit } => claims::deposit(self, leaf, entry, *lot, deposit),
                Fact::Attest(it) => claims::attested(self, leaf, entry, it),
                _ => {}
            }
            if !matches!(entry.fact, Fact::Seal) && (self.strict)(leaf) == Some(false) {
                signature::crafted(self, leaf, entry);
            }
        }
        Some(core::mem::take(&mut self.found))
    }

    fn commission(&mut self, leaf: u32, entry: &'a Entry, it: &CommissionFact) {
        let states = States::of(self.view.journal, core::iter::once(it.lot));
        origin::commission(self, leaf, entry, it);
        assay::output(self, leaf, entry);
        claims::relied_on(self, leaf, entry, it);
        if states.replaced {
            claims::corrected(self, leaf, entry, it.lot);
        }
        if states.mark {
            tamper::marked(self, leaf, entry, it.lot);
        }
        tamper::certified(self, leaf, entry, it);
    }

    fn step(&mut self, leaf: u32, entry: &Entry, it: &StepFact) {
        let made = || it.outputs.iter().map(|output| output.lot);
        let states = States::of(self.view.journal, made());
        assay::step(self, leaf, entry, it);
        recovery::step(self, leaf, entry, it);
        assay::output(self, leaf, entry);
        origin::step(self, leaf, entry, it);
        if states.country {
            made().for_each(|lot| origin::declared(self, leaf, entry, lot));
        }
        time::step(self, leaf, entry, it);
        if states.model {
            made().for_each(|lot| claims::model(self, leaf, entry, it, lot));
        }
        claims::blend(self, leaf, entry, it);
        if states.replaced {
            made().for_each(|lot| claims::corrected(self, leaf, entry, lot));
        }
        if states.mark {
            made().for_each(|lot| tamper::marked(self, leaf, entry, lot));
        }
    }

    fn accept(&mut self, leaf: u32, entry: &Entry, it: &AcceptFact) {
        let offer = self.view.entry(it.offer).and_then(|offer| match &offer.fact {
            Fact::Ship(ship) => Some((offer, &**ship)),
            _ => None,
        });
        if let Some((_, ship)) = offer {
            assay::accept(self, leaf, entry, it, ship);
        }
        origin::accept(self, leaf, entry, it);
        if let Some(offer) = offer {
            time::accept(self, leaf, entry, it, offer);
        }
    }

    pub(crate) fn flag(&mut self, finding: Finding) {
        self.found.push(finding);
    }

    /// Where an element of a lot came from; `None` when it has none, or when the walk does not reach every source
    /// within the budget or [`MOST_STEPS`]: what half a walk found is no ground for a finding.
    pub(crate) fn shares(&mut self, lot: u32, element: Element, as_of: u64) -> Option<Attribution> {
        let limits = Limits { steps: MOST_STEPS, work: self.budget.left() };
        let found = attribute(self.view.graph, self.scratch, LotIndex(lot), element, as_of, &limits).ok()?;
        let parts = if found.complete { found.visited.parts } else { u64::MAX };
        self.budget.spend(parts).then_some(found)
    }

    /// What the rules ask of a place.
    #[inline]
    pub(crate) fn place(&mut self, facility: Word) -> Place {
        let (view, terms) = (&self.view, &self.terms);
        *self.memory.places.get_or(facility, || Place::of(view, terms, facility))
    }

    /// Text of a word.
    pub(crate) fn text(&self, word: Word) -> &'a str {
        self.view.journal.text(word)
    }

    /// Id of a lot.
    pub(crate) fn id(&self, lot: u32) -> &'a str {
        self.view.journal.lot_id(lot)
    }
}
