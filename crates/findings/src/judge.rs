//! The judge: puts every rule to a record.

use alloc::{collections::BTreeMap, string::String, vec::Vec};

use hashbrown::HashMap;

use ore_audit::{Budget, Fact, View, Word, balance::Counted};
use ore_provenance::{Attribution, Element, Limits, LotIndex, Scratch, attribute};

use crate::{
    finding::Finding,
    rules::{assay, claims, origin, signature, stock, tamper, time, trace},
    terms::Terms,
};

/// Steps on the way to a lot's sources that a rule looks through.
const MOST_STEPS: u32 = 100_000;

/// What a judge worked out and the next one of the same view need not: a long question is answered in slices.
#[derive(Debug, Default)]
pub struct Memory {
    /// Schemes that every source of a lot carries (rule C3).
    pub(crate) characteristics: HashMap<u32, claims::Carried>,
    /// Records at which a facility passes the capacity of a year, or the cap of a permit's leaf (rule M12).
    pub(crate) crossings: BTreeMap<(Word, u32, bool), Option<(u32, u128)>>,
    /// Campaigns of a facility by process and element, in ledger order (rule M5).
    pub(crate) campaigns: HashMap<(Word, i32, u8), Vec<assay::Campaign>>,
    /// What each campaign of a facility recovered: leaf, element and parts per million, in ledger order.
    pub(crate) recovered: HashMap<Word, Vec<(u32, u8, i64)>>,
    /// Stocktakes of a facility, and what they counted by material and element (rules M3 and M6).
    pub(crate) stocktakes: HashMap<Word, Vec<u32>>,
    pub(crate) counted: HashMap<(Word, i32, u8), Vec<Counted>>,
    /// Metres between two facilities whose places are stated (rule T2).
    pub(crate) metres: HashMap<(Word, Word), Option<u64>>,
    /// Names of a member that a sanctions list holds (rule O14).
    pub(crate) sanctioned: HashMap<Word, Vec<String>>,
    /// Sums sent under a permit, by the record that made each (rule O4).
    pub(crate) carried: HashMap<Word, Vec<(u32, u128)>>,
    /// Room for the elements of one step (rules M2 and M4).
    pub(crate) elements: Vec<assay::Sums>,
    /// Reference libraries by the leaf that publishes them (rules O15 and O16).
    pub(crate) libraries: trace::Fitted,
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
                Fact::Commission(it) => {
                    origin::commission(self, leaf, entry, it);
                    assay::output(self, leaf, entry);
                    claims::corrected(self, leaf, entry);
                    tamper::made(self, leaf, entry);
                }
                Fact::Step(it) => {
                    assay::step(self, leaf, entry, it);
                    assay::output(self, leaf, entry);
                    origin::step(self, leaf, entry, it);
                    time::step(self, leaf, entry, it);
                    claims::step(self, leaf, entry, it);
                    claims::corrected(self, leaf, entry);
                    tamper::made(self, leaf, entry);
                }
                Fact::Ship(it) => {
                    origin::ship(self, leaf, entry, it);
                    time::ship(self, leaf, entry, it);
                    tamper::seals(self, leaf, entry);
                }
                Fact::Accept(it) => {
                    assay::accept(self, leaf, entry, it);
                    origin::accept(self, leaf, entry, it);
                    time::accept(self, leaf, entry, it);
                }
                Fact::Assay { lot, assay, reveals } => {
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
            if !matches!(entry.fact, Fact::Seal) {
                let plain = (self.strict)(leaf);
                signature::strict(self, leaf, entry, plain);
            }
        }
        Some(core::mem::take(&mut self.found))
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

    /// Text of a word.
    pub(crate) fn text(&self, word: Word) -> &'a str {
        self.view.journal.text(word)
    }

    /// Id of a lot.
    pub(crate) fn id(&self, lot: u32) -> &'a str {
        self.view.journal.lot_id(lot)
    }
}
