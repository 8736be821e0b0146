//! Reading: what a lot or a step looked like at a given ledger size.
//!
//! `as_of` is a tree size: leaves below it count. `u64::MAX` asks for the present.

use alloc::vec::Vec;
use core::ops::Range;

use super::{EdgeRow, Graph, NONE};
use crate::types::{Content, Element, LotIndex, Mixing, Origin, Picograms, SourceKind, StepIndex, StepKind};

/// A lot as of a ledger size.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LotFacts {
    /// The lot.
    pub lot: LotIndex,
    /// The step that made it.
    pub step: StepIndex,
    /// The leaf of that step's record.
    pub leaf: u64,
    /// Dry mass in milligrams, at creation or as corrected.
    pub dry_mg: u64,
    /// Dry milligrams that later steps took.
    pub taken_mg: u64,
}

impl LotFacts {
    /// Dry milligrams left.
    #[must_use]
    pub fn remaining_mg(&self) -> u64 {
        self.dry_mg.saturating_sub(self.taken_mg)
    }
}

/// A step as of a ledger size.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StepFacts {
    /// The step.
    pub step: StepIndex,
    /// The leaf of its record.
    pub leaf: u64,
    /// What it does; `None` for a source.
    pub kind: Option<StepKind>,
    /// Its origin and the kind of place, for a source.
    pub origin: Option<(Origin, SourceKind)>,
    /// How it mixes.
    pub mixing: Mixing,
    /// Its lots.
    pub outputs: Range<u32>,
}

/// A part that a step took from a lot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Part {
    /// The lot it was taken from.
    pub lot: LotIndex,
    /// The step that took it.
    pub by: StepIndex,
    /// Dry milligrams.
    pub dry_mg: u64,
    composition: u32,
}

/// Dry mass of one composition: a part, or all or the rest of a lot at some moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Held {
    /// Dry milligrams.
    pub dry_mg: u64,
    composition: u32,
}

impl Part {
    /// What it is made of.
    #[must_use]
    pub const fn held(&self) -> Held {
        Held { dry_mg: self.dry_mg, composition: self.composition }
    }
}

/// One element's mass before and after a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StepMass {
    /// Taken from the inputs, with the compositions in force then.
    pub taken: Picograms,
    /// In the outputs, residues included, with their compositions at creation or as assayed since.
    pub made: Picograms,
}

impl StepMass {
    /// What the inputs held and the outputs do not, in picograms; negative when outputs hold more.
    /// `None` when a mass exceeds 2^127 picograms.
    #[must_use]
    pub fn loss_pg(&self) -> Option<i128> {
        i128::try_from(self.taken.0).ok()?.checked_sub(i128::try_from(self.made.0).ok()?)
    }
}

impl Graph {
    /// Whether a step's record is in a ledger of `as_of` leaves and not withdrawn there.
    #[inline]
    #[must_use]
    pub fn stands(&self, step: StepIndex, as_of: u64) -> bool {
        self.steps.get(step.0 as usize).is_some_and(|row| {
            row.leaf.is_before(as_of)
                && (!row.void || self.voided.get(&step.0).is_some_and(|leaf| !leaf.is_before(as_of)))
        })
    }

    /// A lot, if it exists and stands in a ledger of `as_of` leaves.
    #[must_use]
    pub fn lot(&self, lot: LotIndex, as_of: u64) -> Option<LotFacts> {
        let step = StepIndex(*self.maker.get(lot.0 as usize)?);
        if !self.stands(step, as_of) {
            return None;
        }
        let (_, dry_mg) = self.revision(lot, as_of);
        let leaf = self.steps[step.0 as usize].leaf.get();
        Some(LotFacts { lot, step, leaf, dry_mg, taken_mg: self.taken_mg(lot, as_of) })
    }

    /// A lot's composition as of a ledger size, by atomic number; empty when there is no such lot.
    #[must_use]
    pub fn composition(&self, lot: LotIndex, as_of: u64) -> Vec<(Element, Content)> {
        let mut found = Vec::new();
        self.each_content(lot, as_of, |element, content| found.push((element, content)));
        found
    }

    /// The same, one after the other.
    pub fn each_content(&self, lot: LotIndex, as_of: u64, mut each: impl FnMut(Element, Content)) {
        if lot.0 >= self.lots() {
            return;
        }
        let (start, _) = self.revision(lot, as_of);
        for row in &self.contents[start as usize..] {
            if row.element != 0 {
                each(Element(row.element), row.content.content());
            }
            if row.last {
                break;
            }
        }
    }

    /// The step that made a lot, whether or not it stands.
    #[must_use]
    pub fn maker_of(&self, lot: LotIndex) -> Option<StepIndex> {
        self.maker.get(lot.0 as usize).map(|step| StepIndex(*step))
    }

    /// A step, whether or not it stands.
    #[must_use]
    pub fn step(&self, step: StepIndex) -> Option<StepFacts> {
        let row = self.steps.get(step.0 as usize)?;
        let origin = self.origins.get(row.origin as usize).map(|row| (row.origin, row.kind));
        Some(StepFacts {
            step,
            leaf: row.leaf.get(),
            kind: row.class.kind(),
            origin,
            mixing: row.mixing,
            outputs: self.lot_range(step.0 as usize),
        })
    }

    /// What a step took, in the order of its record.
    pub fn inputs(&self, step: StepIndex) -> impl Iterator<Item = Part> + '_ {
        let index = step.0 as usize;
        let range = if index < self.steps.len() { self.edge_range(index) } else { 0..0 };
        self.edges[range].iter().map(part)
    }

    /// Who took from a lot, newest first, withdrawn steps left out.
    pub fn uses(&self, lot: LotIndex, as_of: u64) -> impl Iterator<Item = Part> + '_ {
        let mut edge = self.lots.get(lot.0 as usize).map_or(NONE, |row| row.newest_use);
        core::iter::from_fn(move || {
            let row = self.edges.get(edge as usize)?;
            edge = row.older_use;
            Some(part(row))
        })
        .filter(move |part| self.stands(part.by, as_of))
    }

    /// What a part held of an element, with the composition in force when it was taken.
    #[must_use]
    pub fn contained_in_part(&self, part: &Part, element: Element) -> Picograms {
        self.at(part.composition, part.dry_mg, element).value
    }

    /// Every element that a part's pinned composition names, with its mass, by atomic number.
    pub fn contents_of_part(&self, part: &Part, each: impl FnMut(Element, Picograms)) {
        self.contents_held(&part.held(), each);
    }

    /// Every element that a lot's composition names as of a ledger size, with its mass, by atomic number; where the
    /// caller knows that its step stands.
    pub fn contents_made(&self, lot: LotIndex, as_of: u64, each: impl FnMut(Element, Picograms)) {
        if let Some(held) = self.held_when_made(lot, as_of) {
            self.contents_held(&held, each);
        }
    }

    /// All of a lot as of a ledger size, where the caller knows that its step stands.
    #[must_use]
    pub fn held_when_made(&self, lot: LotIndex, as_of: u64) -> Option<Held> {
        if lot.0 >= self.lots() {
            return None;
        }
        let (composition, dry_mg) = self.revision(lot, as_of);
        Some(Held { dry_mg, composition })
    }

    /// What is left of a lot, if it stands in a ledger of `as_of` leaves.
    #[must_use]
    pub fn held_still(&self, lot: LotIndex, as_of: u64) -> Option<Held> {
        if !self.stands(StepIndex(*self.maker.get(lot.0 as usize)?), as_of) {
            return None;
        }
        let (composition, dry_mg) = self.revision(lot, as_of);
        Some(Held { dry_mg: dry_mg.saturating_sub(self.taken_mg(lot, as_of)), composition })
    }

    /// What such a mass holds of an element.
    #[must_use]
    pub fn contained_in(&self, held: &Held, element: Element) -> Picograms {
        self.at(held.composition, held.dry_mg, element).value
    }

    /// Every element that its composition names, with its mass, by atomic number.
    pub fn contents_held(&self, held: &Held, mut each: impl FnMut(Element, Picograms)) {
        for row in &self.contents[held.composition as usize..] {
            if row.element != 0 {
                let ppb = row.content.content().bounds().0;
                each(Element(row.element), Picograms::contained(held.dry_mg, ppb));
            }
            if row.last {
                break;
            }
        }
    }

    /// What a lot held of an element when made (or as corrected and assayed since, up to `as_of`).
    #[must_use]
    pub fn contained(&self, lot: LotIndex, element: Element, as_of: u64) -> Option<ContainedMass> {
        if !self.stands(StepIndex(*self.maker.get(lot.0 as usize)?), as_of) {
            return None;
        }
        let (start, dry_mg) = self.revision(lot, as_of);
        Some(self.at(start, dry_mg, element))
    }

    /// Dry milligrams of a lot and what it held of an element, where the caller knows that its step stands.
    #[must_use]
    pub fn made(&self, lot: LotIndex, element: Element, as_of: u64) -> Option<(u64, Picograms)> {
        if lot.0 >= self.lots() {
            return None;
        }
        let (start, dry_mg) = self.revision(lot, as_of);
        Some((dry_mg, self.at(start, dry_mg, element).value))
    }

    /// What is left of an element in a lot.
    #[must_use]
    pub fn remaining(&self, lot: LotIndex, element: Element, as_of: u64) -> Option<ContainedMass> {
        if !self.stands(StepIndex(*self.maker.get(lot.0 as usize)?), as_of) {
            return None;
        }
        let (start, dry_mg) = self.revision(lot, as_of);
        Some(self.at(start, dry_mg.saturating_sub(self.taken_mg(lot, as_of)), element))
    }

    /// One element's mass before and after a step; `None` for an unknown step.
    #[must_use]
    pub fn step_mass(&self, step: StepIndex, element: Element, as_of: u64) -> Option<StepMass> {
        let index = step.0 as usize;
        self.steps.get(index)?;
        let sum = |parts: &mut dyn Iterator<Item = Picograms>| {
            Picograms(parts.fold(0u128, |sum, part| sum.saturating_add(part.0)))
        };
        let taken = sum(&mut self.inputs(step).map(|part| self.contained_in_part(&part, element)));
        let made = sum(&mut self.lot_range(index).map(|lot| {
            let (start, dry_mg) = self.revision(LotIndex(lot), as_of);
            self.at(start, dry_mg, element).value
        }));
        Some(StepMass { taken, made })
    }

    #[inline]
    pub(crate) fn at(&self, composition: u32, dry_mg: u64, element: Element) -> ContainedMass {
        let (value, lower, upper) =
            self.content(composition, element).map_or((0, 0, 0), |row| row.content().bounds());
        ContainedMass {
            value: Picograms::contained(dry_mg, value),
            lower: Picograms::contained(dry_mg, lower),
            upper: Picograms::contained(dry_mg, upper),
        }
    }

    #[inline]
    pub(crate) fn taken_mg(&self, lot: LotIndex, as_of: u64) -> u64 {
        let row = &self.lots[lot.0 as usize];
        if self.newest_leaf().is_none_or(|newest| newest < as_of)
            || row.taken_mg == 0 && self.voids.is_empty()
        {
            return row.taken_mg;
        }
        if self.voids.last().is_some_and(|newest| !newest.leaf.is_before(as_of)) {
            // What was withdrawn since still stood then.
            return self.uses(lot, as_of).fold(0, |sum, part| sum.saturating_add(part.dry_mg));
        }
        // Off what stands now goes what was taken since: uses are chained newest first.
        let (mut taken, mut edge) = (row.taken_mg, row.newest_use);
        while let Some(part) = self.edges.get(edge as usize) {
            let by = &self.steps[part.step as usize];
            if by.leaf.is_before(as_of) {
                break;
            }
            if !by.void {
                taken = taken.saturating_sub(part.dry_mg);
            }
            edge = part.older_use;
        }
        taken
    }

    /// Composition and dry mass of a lot as of a ledger size.
    #[inline]
    pub(crate) fn revision(&self, lot: LotIndex, as_of: u64) -> (u32, u64) {
        let row = self.lots[lot.0 as usize];
        let (mut composition, mut dry_mg) = (row.composition, row.dry_mg);
        if self.revisions.last().is_none_or(|newest| newest.leaf.is_before(as_of)) {
            return (composition, dry_mg);
        }
        let mut newest = self.revised[lot.0 as usize];
        while let Some(revision) = self.revisions.get(newest as usize) {
            if revision.leaf.is_before(as_of) {
                break;
            }
            (composition, dry_mg) = (revision.composition_before, revision.dry_mg_before);
            newest = revision.older;
        }
        (composition, dry_mg)
    }
}

fn part(row: &EdgeRow) -> Part {
    Part { lot: LotIndex(row.lot), by: StepIndex(row.step), dry_mg: row.dry_mg, composition: row.composition }
}

/// Contained mass with the bounds that its assay leaves open.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ContainedMass {
    /// As stated.
    pub value: Picograms,
    /// At the lower end of the assay's interval.
    pub lower: Picograms,
    /// At the upper end.
    pub upper: Picograms,
}
