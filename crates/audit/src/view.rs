//! A view: the journal and the lot graph as known at a ledger size and as of a business date.
//!
//! As known at: records that came later, withdrawals too, do not count. As of: what happened later does not
//! count. A graph for a business date is made by `Graph::dated`; [`View::happened`] says what it keeps.

use ore_provenance::{Element, Graph, LotIndex, Part, Picograms, StepIndex};

use crate::journal::{Entry, Fact, Journal, LotFact, StepFact, Word};

/// What a question looks at.
#[derive(Clone, Copy)]
pub struct View<'a> {
    /// What records state.
    pub journal: &'a Journal,
    /// Masses; of the business date when there is one.
    pub graph: &'a Graph,
    /// Leaves below this count.
    pub as_of: u64,
    /// Events up to this time count, milliseconds since 1970; `u64::MAX`: all.
    pub date_ms: u64,
}

/// How much of what: element 0 stands for the whole dry mass.
pub type Amount = Picograms;

/// Picograms in a milligram.
const PG_PER_MG: u128 = 1_000_000_000;

/// A bound on the work of a question. Spent units are entries, parts or lots looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Budget {
    left: u64,
    short: bool,
}

impl Budget {
    /// So many units.
    #[must_use]
    pub const fn new(units: u64) -> Self {
        Self { left: units, short: false }
    }

    /// Takes units off; false when they are not there, and from then on the answer is incomplete.
    pub fn spend(&mut self, units: u64) -> bool {
        match self.left.checked_sub(units) {
            Some(left) => {
                self.left = left;
                true
            }
            None => {
                self.short = true;
                false
            }
        }
    }

    /// Takes off what was done already, or all that is left: who asks for more then hears that there is none.
    pub fn charge(&mut self, units: u64) {
        self.left = self.left.saturating_sub(units);
    }

    /// What is left.
    #[must_use]
    pub const fn left(&self) -> u64 {
        self.left
    }

    /// Whether something was left out for want of units.
    #[must_use]
    pub const fn is_short(&self) -> bool {
        self.short
    }
}

impl<'a> View<'a> {
    /// The entry of a leaf, if it counts.
    #[inline]
    #[must_use]
    pub fn entry(&self, leaf: u32) -> Option<&'a Entry> {
        let entry = self.journal.entry(leaf)?;
        let counts = u64::from(leaf) < self.as_of
            && entry.event_ms <= self.date_ms
            && entry.withdrawn_at.is_none_or(|withdrawn| self.withdrawn_later(withdrawn));
        counts.then_some(entry)
    }

    /// Whether a withdrawal does not count itself.
    fn withdrawn_later(&self, withdrawn: u32) -> bool {
        u64::from(withdrawn) >= self.as_of
            || self.journal.entry(withdrawn).is_some_and(|entry| entry.event_ms > self.date_ms)
    }

    /// Whether what a leaf states had happened by the business date.
    #[must_use]
    pub fn happened(journal: &Journal, leaf: u64, date_ms: u64) -> bool {
        let entry = u32::try_from(leaf).ok().and_then(|leaf| journal.entry(leaf));
        entry.is_some_and(|entry| entry.event_ms <= date_ms)
    }

    /// Every entry that counts, oldest first.
    pub fn entries(&self) -> impl Iterator<Item = (u32, &'a Entry)> + use<'a> {
        let (view, end) = (*self, self.end());
        (0..end).filter_map(move |leaf| view.entry(leaf).map(|entry| (leaf, entry)))
    }

    /// The first leaf beyond this view.
    pub(crate) fn end(&self) -> u32 {
        u32::try_from(self.as_of.min(self.journal.len())).unwrap_or(u32::MAX)
    }

    /// Entries posted under a name that is no facility's, oldest first.
    pub fn posted(&self, word: Word) -> impl DoubleEndedIterator<Item = (u32, &'a Entry)> + use<'a> {
        let view = *self;
        let leaves = view.journal.posted(word).iter();
        leaves.filter_map(move |leaf| view.entry(*leaf).map(|entry| (*leaf, entry)))
    }

    /// Entries of a facility, oldest first: its registration, what was done there, and what is attested about it.
    pub fn done_at(&self, facility: Word) -> impl DoubleEndedIterator<Item = (u32, &'a Entry)> + use<'a> {
        self.before(self.journal.done_at(facility), self.end())
    }

    /// The leaf at some place among those of a facility, its entry if that counts, and a step to the next place;
    /// `None` at the end of this view. For questions that go on later, when the journal may have grown.
    #[inline]
    #[must_use]
    pub fn next_done_at(&self, facility: Word, place: &mut usize) -> Option<(u32, Option<&'a Entry>)> {
        let leaf = *self.journal.done_at(facility).get(*place)?;
        if u64::from(leaf) >= self.as_of {
            return None;
        }
        *place += 1;
        Some((leaf, self.entry(leaf)))
    }

    /// Entries of a facility as far as a leaf, that one excluded, found by bisection.
    #[inline]
    pub fn done_at_before(
        &self,
        facility: Word,
        leaf: u32,
    ) -> impl DoubleEndedIterator<Item = (u32, &'a Entry)> + use<'a> {
        self.before(self.journal.done_at(facility), leaf)
    }

    /// The same of entries posted under a name.
    #[inline]
    pub fn posted_before(
        &self,
        word: Word,
        leaf: u32,
    ) -> impl DoubleEndedIterator<Item = (u32, &'a Entry)> + use<'a> {
        self.before(self.journal.posted(word), leaf)
    }

    #[inline]
    fn before(
        &self,
        leaves: &'a [u32],
        leaf: u32,
    ) -> impl DoubleEndedIterator<Item = (u32, &'a Entry)> + use<'a> {
        let view = *self;
        let end = leaves.partition_point(|at| *at < leaf);
        leaves[..end].iter().filter_map(move |leaf| view.entry(*leaf).map(|entry| (*leaf, entry)))
    }

    /// A lot that stands.
    #[must_use]
    pub fn lot(&self, ordinal: u32) -> Option<&'a LotFact> {
        let lot = self.journal.lot(ordinal)?;
        self.entry(lot.made_at).map(|_| lot)
    }

    /// The lot of an id that stands in this view.
    #[must_use]
    pub fn lot_named(&self, id: &str) -> Option<u32> {
        let mut at = self.journal.ordinal(id);
        while let Some(ordinal) = at {
            if self.lot(ordinal).is_some() {
                return Some(ordinal);
            }
            at = self.journal.lot(ordinal)?.replaces;
        }
        None
    }

    /// Entries that touch a lot, oldest first.
    pub fn timeline(&self, ordinal: u32) -> impl DoubleEndedIterator<Item = (u32, &'a Entry)> + use<'a> {
        let view = *self;
        let leaves = view.journal.timeline(ordinal).iter();
        leaves.filter_map(move |leaf| view.entry(*leaf).map(|entry| (*leaf, entry)))
    }

    /// The same as far as a leaf, that one excluded, found by bisection.
    #[inline]
    pub fn timeline_before(
        &self,
        ordinal: u32,
        leaf: u32,
    ) -> impl DoubleEndedIterator<Item = (u32, &'a Entry)> + use<'a> {
        self.before(self.journal.timeline(ordinal), leaf)
    }

    /// The step that made a lot.
    #[must_use]
    pub fn maker(&self, ordinal: u32) -> Option<(u32, &'a Entry, &'a StepFact)> {
        let leaf = self.lot(ordinal)?.made_at;
        let entry = self.entry(leaf)?;
        match &entry.fact {
            Fact::Step(step) => Some((leaf, entry, step)),
            _ => None,
        }
    }

    /// The facility of a word.
    #[must_use]
    pub fn facility(&self, word: Word) -> Option<&'a ore_record::v1::Facility> {
        if word.is_empty() {
            return None;
        }
        self.journal.done_at(word).iter().find_map(|leaf| match &self.journal.entry(*leaf)?.fact {
            Fact::Facility(facility) if u64::from(*leaf) < self.as_of => Some(&**facility),
            Fact::Facility(_) => None,
            _ => None,
        })
    }

    /// Country of a facility; `ZZ` when nobody knows.
    #[must_use]
    pub fn country(&self, facility: Word) -> [u8; 2] {
        let country =
            self.facility(facility).and_then(|facility| facility.country.as_bytes().try_into().ok());
        country.unwrap_or(*b"ZZ")
    }

    /// A member's statement.
    #[must_use]
    pub fn member(&self, word: Word) -> Option<&'a ore_record::v1::Member> {
        if word.is_empty() {
            return None;
        }
        self.journal.posted(word).iter().find_map(|leaf| match &self.journal.entry(*leaf)?.fact {
            Fact::Member(member) if u64::from(*leaf) < self.as_of => Some(&**member),
            _ => None,
        })
    }

    /// The profile in force.
    #[must_use]
    pub fn profile(&self) -> Option<&'a ore_record::v1::Profile> {
        match &self.journal.entry(self.journal.profile_at(self.as_of)?)?.fact {
            Fact::Profile(profile) => Some(profile),
            _ => None,
        }
    }

    /// The present of this view: the business date, or the time of its newest block.
    #[must_use]
    pub fn now_ms(&self) -> u64 {
        self.date_ms.min(self.journal.block_time_ms(self.as_of))
    }

    /// What a lot held of an element before a leaf, of what remained then.
    #[must_use]
    pub fn remaining_before(&self, lot: u32, element: Element, leaf: u64) -> Amount {
        let at = leaf.min(self.as_of);
        if element.0 == 0 {
            return self.graph.lot(LotIndex(lot), at).map_or(Picograms(0), |lot| gross(lot.remaining_mg()));
        }
        self.graph.remaining(LotIndex(lot), element, at).map_or(Picograms(0), |mass| mass.value)
    }

    /// What a lot held of an element when it came into being.
    #[must_use]
    pub fn created(&self, lot: u32, element: Element) -> Amount {
        let Some(made_at) = self.journal.lot(lot).map(|lot| u64::from(lot.made_at)) else {
            return Picograms(0);
        };
        let at = (made_at + 1).min(self.as_of);
        if element.0 == 0 {
            return self.graph.lot(LotIndex(lot), at).map_or(Picograms(0), |lot| gross(lot.dry_mg));
        }
        self.graph.contained(LotIndex(lot), element, at).map_or(Picograms(0), |mass| mass.value)
    }

    /// What a record that counts made of an element, in a lot of its own: the same without asking who made it.
    #[inline]
    #[must_use]
    pub fn made(&self, leaf: u32, lot: u32, element: Element) -> Amount {
        let made = self.graph.made(LotIndex(lot), element, (u64::from(leaf) + 1).min(self.as_of));
        made.map_or(Picograms(0), |(dry_mg, mass)| if element.0 == 0 { gross(dry_mg) } else { mass })
    }

    /// What a step took of each input: in the order of its record, with the composition pinned then.
    pub fn taken(&self, leaf: u32, element: Element) -> impl Iterator<Item = (u32, Amount)> + use<'a> {
        let graph = self.graph;
        self.parts_taken(leaf).map(move |part| {
            let amount =
                if element.0 == 0 { gross(part.dry_mg) } else { graph.contained_in_part(&part, element) };
            (part.lot.0, amount)
        })
    }

    /// The same as parts, of whatever element.
    pub(crate) fn parts_taken(&self, leaf: u32) -> impl Iterator<Item = Part> + use<'a> {
        let graph = self.graph;
        self.step_of(leaf).into_iter().flat_map(move |step| graph.inputs(step))
    }

    /// The step that a leaf's record appended: that of what it made, or by bisection where it made nothing.
    #[must_use]
    pub fn step_of(&self, leaf: u32) -> Option<StepIndex> {
        let made = match &self.journal.entry(leaf)?.fact {
            Fact::Step(step) => step.outputs.first().map(|output| output.lot),
            _ => None,
        };
        let of_lot = made.and_then(|lot| self.graph.maker_of(LotIndex(lot)));
        of_lot.or_else(|| self.graph.step_at(leaf.into()))
    }

    /// The element that makes up most of a lot at its creation.
    #[must_use]
    pub fn main_element(&self, lot: u32) -> Option<Element> {
        let made_at = self.journal.lot(lot)?.made_at;
        let mut largest = (0, 0);
        self.graph.each_content(
            LotIndex(lot),
            (u64::from(made_at) + 1).min(self.as_of),
            |element, content| {
                largest = largest.max((content.bounds().0, element.0));
            },
        );
        (largest.0 > 0).then_some(Element(largest.1))
    }
}

/// Dry milligrams as an amount.
pub(crate) fn gross(dry_mg: u64) -> Amount {
    Picograms(u128::from(dry_mg) * PG_PER_MG)
}
