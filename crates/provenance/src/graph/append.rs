//! Appending: each call checks everything before it changes anything.

use alloc::vec::Vec;
use core::ops::Range;

use super::{
    Content12, ContentRow, EdgeRow, Graph, Leaf, LotRow, NONE, OriginRow, Revision, StepClass, StepRow, Void,
};
use crate::types::{
    Composition, ContentKind, Element, LotIndex, Mixing, NewLot, Origin, SourceKind, StepIndex, StepKind,
    Taken,
};

/// What an append created.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Appended {
    /// The step.
    pub step: StepIndex,
    /// Its lots, consecutive; empty for a step that only takes.
    pub lots: Range<u32>,
}

impl Appended {
    /// The first lot created; for a step without outputs, the index that the next lot will get.
    #[must_use]
    pub fn first_lot(&self) -> LotIndex {
        LotIndex(self.lots.start)
    }
}

/// Why the graph refused an append; nothing was changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AppendError {
    /// Leaves come in ledger order.
    #[error("leaf {leaf} is older than leaf {newest}, the newest in the graph")]
    OutOfOrder {
        /// The leaf that was offered.
        leaf: u64,
        /// The newest leaf that the graph holds.
        newest: u64,
    },
    /// No lot has that index.
    #[error("lot {} does not exist", lot.0)]
    UnknownLot {
        /// The index that was offered.
        lot: LotIndex,
    },
    /// No step has that index.
    #[error("step {} does not exist", step.0)]
    UnknownStep {
        /// The index that was offered.
        step: StepIndex,
    },
    /// The lot's step was voided.
    #[error("lot {} was withdrawn", lot.0)]
    Withdrawn {
        /// The withdrawn lot.
        lot: LotIndex,
    },
    /// More would be taken than is left.
    #[error("lot {} has {remaining_mg} mg left, {wanted_mg} mg were to be taken", lot.0)]
    OverConsumption {
        /// The lot.
        lot: LotIndex,
        /// What it has left, in dry milligrams.
        remaining_mg: u64,
        /// What was to be taken in all, in dry milligrams.
        wanted_mg: u128,
    },
    /// A lot cannot weigh less than what was taken from it.
    #[error("lot {} cannot weigh {dry_mg} mg: {taken_mg} mg were taken from it", lot.0)]
    LighterThanTaken {
        /// The lot.
        lot: LotIndex,
        /// The mass that was offered, in dry milligrams.
        dry_mg: u64,
        /// What was taken, in dry milligrams.
        taken_mg: u64,
    },
    /// A composition names an element twice.
    #[error("element {} is stated twice", element.0)]
    RepeatedElement {
        /// The element.
        element: Element,
    },
    /// Atomic numbers run from 1 to 118.
    #[error("{} is not the atomic number of an element", element.0)]
    NoSuchElement {
        /// The number that was offered.
        element: Element,
    },
    /// Lots come from other lots, or from a source.
    #[error("a step without inputs cannot make lots: only a source can")]
    FromNothing,
    /// The step is needed by a later one.
    #[error("lot {} was taken by step {}, which still stands", lot.0, by.0)]
    StillUsed {
        /// The lot that would vanish.
        lot: LotIndex,
        /// The step that needs it.
        by: StepIndex,
    },
    /// A graph holds places in the log as `u32`.
    #[error(
        "leaf {leaf} is beyond the last that a graph holds, {}; records from there on need a new ledger",
        Leaf::LAST
    )]
    LeafBeyond {
        /// The leaf that was offered.
        leaf: u64,
    },
    /// `u32` indexes are used up.
    #[error("the graph is full: more than {} rows of one kind", NONE - 1)]
    Full,
}

impl Graph {
    /// Appends a lot that comes from outside: mined, collected, or of declared unknown origin.
    ///
    /// # Errors
    /// An out-of-order leaf, a repeated element, a full graph.
    pub fn append_source(
        &mut self,
        leaf: u64,
        origin: Origin,
        kind: SourceKind,
        dry_mg: u64,
        composition: Composition<'_>,
    ) -> Result<Appended, AppendError> {
        let leaf = self.check_leaf(leaf)?;
        check_composition(composition)?;
        self.check_room(1, 0, composition.len().max(1))?;
        let row = OriginRow { origin, kind };
        let origins = self.origins.len() as u32;
        let origin = *self.origin_index.entry(row).or_insert(origins);
        if origin == origins {
            self.origins.push(row);
        }
        let lots = NewLot { dry_mg, composition };
        Ok(self.push_step(leaf, StepClass::Source, Mixing::Homogenised, origin, &[], &[lots]))
    }

    /// Appends a step. Inputs carry their compositions in force; a lot may be named more than once.
    /// What inputs hold and outputs do not is the step's loss: nobody states it here.
    ///
    /// # Errors
    /// An unknown or withdrawn input, more taken than is left, an out-of-order leaf, a repeated
    /// element, a full graph. Nothing has changed then.
    pub fn append_step(
        &mut self,
        leaf: u64,
        kind: StepKind,
        mixing: Mixing,
        inputs: &[Taken],
        outputs: &[NewLot<'_>],
    ) -> Result<Appended, AppendError> {
        let leaf = self.check_leaf(leaf)?;
        if inputs.is_empty() && !outputs.is_empty() {
            return Err(AppendError::FromNothing);
        }
        self.check_inputs(inputs)?;
        let mut contents = 0usize;
        for output in outputs {
            check_composition(output.composition)?;
            contents = contents.saturating_add(output.composition.len().max(1));
        }
        self.check_room(outputs.len(), inputs.len(), contents)?;
        Ok(self.push_step(leaf, kind.into(), mixing, NONE, inputs, outputs))
    }

    /// A new assay or a corrected one: parts taken from now on carry this composition.
    ///
    /// # Errors
    /// An unknown or withdrawn lot, an out-of-order leaf, a repeated element, a full graph.
    pub fn set_composition(
        &mut self,
        leaf: u64,
        lot: LotIndex,
        composition: Composition<'_>,
    ) -> Result<(), AppendError> {
        let leaf = self.check_leaf(leaf)?;
        self.check_lot(lot)?;
        check_composition(composition)?;
        self.check_room(0, 0, composition.len().max(1))?;
        let start = self.push_composition(composition, &[]);
        self.push_revision(leaf, lot, start, self.lots[lot.0 as usize].dry_mg);
        Ok(())
    }

    /// A new dry mass, say the receiver's weighing.
    ///
    /// # Errors
    /// An unknown or withdrawn lot, an out-of-order leaf, a mass below what was taken, a full graph.
    pub fn set_mass(&mut self, leaf: u64, lot: LotIndex, dry_mg: u64) -> Result<(), AppendError> {
        let leaf = self.check_leaf(leaf)?;
        self.check_lot(lot)?;
        self.check_room(0, 0, 0)?;
        let LotRow { taken_mg, composition, .. } = self.lots[lot.0 as usize];
        if dry_mg < taken_mg {
            return Err(AppendError::LighterThanTaken { lot, dry_mg, taken_mg });
        }
        self.push_revision(leaf, lot, composition, dry_mg);
        Ok(())
    }

    /// Withdraws the step that made a lot: all its lots vanish from `leaf` onwards and what it took
    /// is back. Answers as of an earlier size still see it. Voiding twice changes nothing.
    ///
    /// # Errors
    /// An unknown lot, an out-of-order leaf, or a standing step that took from one of its lots.
    pub fn void_lot(&mut self, leaf: u64, lot: LotIndex) -> Result<(), AppendError> {
        let step = self.maker.get(lot.0 as usize).ok_or(AppendError::UnknownLot { lot })?;
        self.void_step(leaf, StepIndex(*step))
    }

    /// Withdraws a step; see [`Graph::void_lot`].
    ///
    /// # Errors
    /// An unknown step, an out-of-order leaf, or a standing step that took from one of its lots.
    pub fn void_step(&mut self, leaf: u64, step: StepIndex) -> Result<(), AppendError> {
        let leaf = self.check_leaf(leaf)?;
        let index = step.0 as usize;
        let row = self.steps.get(index).ok_or(AppendError::UnknownStep { step })?;
        if row.void {
            return Ok(());
        }
        for lot in self.lot_range(index) {
            if let Some(by) = self.standing_user(lot) {
                return Err(AppendError::StillUsed { lot: LotIndex(lot), by });
            }
        }
        self.voids.push(Void { leaf, step: step.0 });
        self.voided.insert(step.0, leaf);
        self.set_void(index, true);
        Ok(())
    }

    /// Marks a step void or not, and gives back or takes again what it took.
    pub(super) fn set_void(&mut self, step: usize, void: bool) {
        self.steps[step].void = void;
        for edge in self.edge_range(step) {
            let EdgeRow { lot, dry_mg, .. } = self.edges[edge];
            let taken = &mut self.lots[lot as usize].taken_mg;
            *taken = if void { taken.saturating_sub(dry_mg) } else { taken.saturating_add(dry_mg) };
        }
    }

    fn standing_user(&self, lot: u32) -> Option<StepIndex> {
        let mut edge = self.lots[lot as usize].newest_use;
        while edge != NONE {
            let row = self.edges[edge as usize];
            if !self.steps[row.step as usize].void {
                return Some(StepIndex(row.step));
            }
            edge = row.older_use;
        }
        None
    }

    /// The newest leaf that changed the graph.
    #[must_use]
    pub fn newest_leaf(&self) -> Option<u64> {
        let step = self.steps.last().map(|row| row.leaf);
        let revision = self.revisions.last().map(|row| row.leaf);
        let void = self.voids.last().map(|row| row.leaf);
        step.max(revision).max(void).map(Leaf::get)
    }

    fn check_leaf(&self, leaf: u64) -> Result<Leaf, AppendError> {
        match self.newest_leaf() {
            Some(newest) if leaf < newest => Err(AppendError::OutOfOrder { leaf, newest }),
            _ => Leaf::new(leaf).ok_or(AppendError::LeafBeyond { leaf }),
        }
    }

    fn check_lot(&self, lot: LotIndex) -> Result<(), AppendError> {
        let step = self.maker.get(lot.0 as usize).ok_or(AppendError::UnknownLot { lot })?;
        if self.steps[*step as usize].void {
            return Err(AppendError::Withdrawn { lot });
        }
        Ok(())
    }

    fn check_inputs(&self, inputs: &[Taken]) -> Result<(), AppendError> {
        for taken in inputs {
            self.check_lot(taken.lot)?;
        }
        // A lot may be named twice; its parts are weighed together.
        let mut wanted: Vec<(LotIndex, u128)> =
            inputs.iter().map(|taken| (taken.lot, u128::from(taken.dry_mg))).collect();
        wanted.sort_unstable();
        for parts in wanted.chunk_by(|left, right| left.0 == right.0) {
            let (lot, wanted_mg) = (parts[0].0, parts.iter().map(|part| part.1).sum::<u128>());
            let row = self.lots[lot.0 as usize];
            let remaining_mg = row.dry_mg.saturating_sub(row.taken_mg);
            if wanted_mg > u128::from(remaining_mg) {
                return Err(AppendError::OverConsumption { lot, remaining_mg, wanted_mg });
            }
        }
        Ok(())
    }

    /// Leaves room for one more step and one more revision beside what is asked for.
    pub(super) fn check_room(&self, lots: usize, edges: usize, contents: usize) -> Result<(), AppendError> {
        let full = |used: usize, wanted: usize| used.saturating_add(wanted) >= NONE as usize;
        if full(self.lots.len(), lots)
            || full(self.edges.len(), edges)
            || full(self.contents.len(), contents)
            || full(self.steps.len(), 1)
            || full(self.revisions.len(), 1)
        {
            return Err(AppendError::Full);
        }
        Ok(())
    }

    fn push_step(
        &mut self,
        leaf: Leaf,
        class: StepClass,
        mixing: Mixing,
        origin: u32,
        inputs: &[Taken],
        outputs: &[NewLot<'_>],
    ) -> Appended {
        let step = self.steps.len() as u32;
        let (first_lot, first_edge) = (self.lots.len() as u32, self.edges.len() as u32);
        self.steps.push(StepRow { leaf, first_lot, first_edge, origin, class, mixing, void: false });
        for taken in inputs {
            let edge = self.edges.len() as u32;
            let lot = &mut self.lots[taken.lot.0 as usize];
            self.edges.push(EdgeRow {
                dry_mg: taken.dry_mg,
                lot: taken.lot.0,
                composition: lot.composition,
                older_use: lot.newest_use,
                step,
            });
            lot.taken_mg = lot.taken_mg.saturating_add(taken.dry_mg);
            if core::mem::replace(&mut lot.newest_use, edge) != NONE {
                self.share(taken.lot.0);
            }
        }
        for output in outputs {
            let composition = self.push_composition(output.composition, inputs);
            self.maker.push(step);
            self.revised.push(NONE);
            self.lots.push(LotRow { dry_mg: output.dry_mg, taken_mg: 0, composition, newest_use: NONE });
        }
        Appended { step: StepIndex(step), lots: first_lot..self.lots.len() as u32 }
    }

    /// Stores a composition, or finds it again in the newest lot or among the first inputs.
    fn push_composition(&mut self, composition: Composition<'_>, inputs: &[Taken]) -> u32 {
        let newest = self.lots.last().map(|lot| lot.composition);
        let known = inputs.iter().take(4).map(|taken| self.lots[taken.lot.0 as usize].composition);
        if let Some(start) = newest.into_iter().chain(known).find(|start| self.holds(*start, composition)) {
            return start;
        }
        let start = self.contents.len() as u32;
        for (element, content) in composition {
            let content =
                Content12 { ppb: content.ppb, uncertainty: content.uncertainty_ppb_k2, kind: content.kind };
            self.contents.push(ContentRow { content, element: element.0, last: false });
        }
        if composition.is_empty() {
            // Element 0 does not exist: a row that no question can match.
            let content = Content12 { ppb: 0, uncertainty: 0, kind: ContentKind::Declared };
            self.contents.push(ContentRow { content, element: 0, last: false });
        }
        self.contents[start as usize..].sort_unstable_by_key(|row| row.element);
        if let Some(row) = self.contents.last_mut() {
            row.last = true;
        }
        start
    }

    /// Whether the stored composition at `start` says the same, in whatever order.
    fn holds(&self, start: u32, composition: Composition<'_>) -> bool {
        let stored = self.contents[start as usize..].iter();
        let Some(length) = stored.clone().position(|row| row.last).map(|last| last + 1) else {
            return false;
        };
        length == composition.len()
            && composition.iter().all(|(element, content)| {
                self.content(start, *element).is_some_and(|row| row.content() == *content)
            })
    }

    fn push_revision(&mut self, leaf: Leaf, lot: LotIndex, composition: u32, dry_mg: u64) {
        let newest = self.revisions.len() as u32;
        let older = core::mem::replace(&mut self.revised[lot.0 as usize], newest);
        let row = &mut self.lots[lot.0 as usize];
        self.revisions.push(Revision {
            leaf,
            lot: lot.0,
            composition_before: row.composition,
            dry_mg_before: row.dry_mg,
            older,
        });
        row.composition = composition;
        row.dry_mg = dry_mg;
    }
}

/// Oganesson; IUPAC names no heavier element.
pub(super) const HEAVIEST: u8 = 118;

fn check_composition(composition: Composition<'_>) -> Result<(), AppendError> {
    let mut seen = [false; 256];
    for (element, _) in composition {
        if element.0 == 0 || element.0 > HEAVIEST {
            return Err(AppendError::NoSuchElement { element: *element });
        }
        let seen = &mut seen[element.0 as usize];
        if *seen {
            return Err(AppendError::RepeatedElement { element: *element });
        }
        *seen = true;
    }
    Ok(())
}
