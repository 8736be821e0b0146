//! Trace forward: every descendant that holds a lot's metal, as a recall needs it.

use alloc::vec::Vec;

use crate::ask::{QuestionError, Visited, contained_or_refuse, in_one_go};
use crate::graph::{EdgeRow, Graph, NONE};
use crate::share::{Parts, WHOLE};
use crate::types::{Element, LotIndex, Mixing, Picograms, StepIndex};
use crate::walk::{Scratch, StepSum, value_of};
use crate::wide::{Fraction, U256};

/// Which descendants count.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Threshold {
    /// All that hold any.
    #[default]
    Any,
    /// Those whose element comes from the recalled lots to at least this share.
    Share(Parts),
    /// Those that were made with at least this mass of the recalled lots' element.
    Mass(Picograms),
}

/// How much a recall may cost, and which descendants it lists.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ForwardLimits {
    /// Most steps to visit.
    pub steps: u32,
    /// Most descendants to list.
    pub hits: u32,
    /// Which descendants to list.
    pub threshold: Threshold,
}

impl Default for ForwardLimits {
    /// A million steps, a hundred thousand descendants that hold any.
    fn default() -> Self {
        Self { steps: 1_000_000, hits: 100_000, threshold: Threshold::Any }
    }
}

/// A descendant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RecallHit {
    /// The lot.
    pub lot: LotIndex,
    /// The step that made it.
    pub step: StepIndex,
    /// How much of its element comes from the recalled lots.
    pub share: Parts,
    /// The recalled lots' metal in it when it was made, to the nearest picogram.
    pub contained: Picograms,
    /// The same in what is left of it.
    pub remaining: Picograms,
}

/// The descendants of the recalled lots.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Recall {
    /// Oldest first; the recalled lots themselves are not listed.
    pub hits: Vec<RecallHit>,
    /// What was looked at.
    pub visited: Visited,
    /// Whether assay uncertainties, stockpiles or missing contents lie on the way: shares are
    /// the values under good mixing then, and single descendants may hold more or less.
    pub uncertain: bool,
    /// Whether a limit left descendants out.
    pub truncated: bool,
}

/// Every descendant of the given lots that holds their metal, as known in a ledger of `as_of` leaves.
///
/// A recalled lot that descends from another counts as wholly recalled.
///
/// # Errors
/// A lot does not stand in that ledger, or states no content of the element.
pub fn trace_forward(
    graph: &Graph,
    scratch: &mut Scratch,
    lots: &[LotIndex],
    element: Element,
    as_of: u64,
    limits: &ForwardLimits,
) -> Result<Recall, QuestionError> {
    let mut found = Recalling::new(graph, scratch, lots, element, as_of, limits)?;
    Ok(in_one_go(|units| found.go_on(graph, scratch, units)))
}

/// A recall that is under way: between two slices the graph may grow. Until it has ended or is given up the scratch
/// serves no other question.
#[derive(Debug)]
pub struct Recalling {
    element: Element,
    as_of: u64,
    limits: ForwardLimits,
    recalled: u32,
    /// Parts that were met of steps that do not stand in that ledger, or once more of the same step: work, but no part
    /// of the answer.
    skipped: u64,
    /// The step that was met last.
    newest: u32,
    /// Lots that were met and weighed: after the walk.
    weighed: usize,
    recall: Recall,
}

impl Recalling {
    /// Nothing walked yet.
    ///
    /// # Errors
    /// A lot does not stand in that ledger, or states no content of the element.
    pub fn new(
        graph: &Graph,
        scratch: &mut Scratch,
        lots: &[LotIndex],
        element: Element,
        as_of: u64,
        limits: &ForwardLimits,
    ) -> Result<Self, QuestionError> {
        for lot in lots {
            contained_or_refuse(graph, *lot, element, as_of)?;
        }
        scratch.begin(graph);
        scratch.opened.clear();
        scratch.made.clear();
        // A recalled lot is whole, whatever it was made from.
        scratch.opened.push(WHOLE);
        for lot in lots {
            if scratch.seen.insert(lot.0) {
                scratch.met[lot.0 as usize] = 0;
                graph.each_use(lot.0, |part| {
                    scratch.pending.insert(part);
                });
            }
        }
        let recalled = scratch.seen.len();
        Ok(Self {
            element,
            as_of,
            limits: *limits,
            recalled,
            skipped: 0,
            newest: NONE,
            weighed: 0,
            recall: Recall::default(),
        })
    }

    /// Goes on for about so many units of work (steps, taken parts, lots); the answer once every descendant was
    /// met or the limits are reached.
    pub fn go_on(&mut self, graph: &Graph, scratch: &mut Scratch, units: u64) -> Option<Recall> {
        scratch.fit(graph);
        let pause = self.done(scratch).saturating_add(units.max(1));
        let mut walk = Forward { graph, scratch, at: self };
        // Parts are numbered in the order of the steps that took them.
        while let Some(part) = walk.scratch.pending.pop_smallest() {
            if walk.at.done(walk.scratch) >= pause {
                walk.scratch.pending.insert(part);
                return None;
            }
            let step = graph.edges[part as usize].step;
            if walk.at.newest == step {
                // It took from several of those met, and was opened for the first of them.
                walk.at.skipped += 1;
                continue;
            }
            walk.at.newest = step;
            if !graph.stands(StepIndex(step), walk.at.as_of) {
                walk.at.skipped += 1;
                continue;
            }
            let steps = walk.at.recall.visited.steps;
            if steps >= walk.at.limits.steps || walk.scratch.stops(steps) {
                walk.at.recall.truncated = true;
                break;
            }
            walk.at.recall.visited.steps += 1;
            walk.open(step);
        }
        scratch.pending.clear();
        // In a pass of its own: rows of lots lie far apart, and here none waits for another.
        let most = usize::try_from(pause.saturating_sub(self.done(scratch))).unwrap_or(usize::MAX).max(1);
        if !self.weigh(graph, scratch, most) {
            return None;
        }
        let mut recall = core::mem::take(&mut self.recall);
        recall.visited.lots = scratch.end();
        Some(recall)
    }

    fn done(&self, scratch: &Scratch) -> u64 {
        let visited = &self.recall.visited;
        self.skipped
            + u64::from(visited.steps)
            + visited.parts
            + u64::from(scratch.seen.len() - self.recalled)
            + self.weighed as u64
    }

    /// Weighs some more of the lots that were met; true once all are.
    fn weigh(&mut self, graph: &Graph, scratch: &Scratch, most: usize) -> bool {
        let Self { element, as_of, limits, weighed, recall, .. } = self;
        if *weighed == 0 && limits.threshold == Threshold::Any {
            recall.hits.reserve_exact(scratch.made.len().min(limits.hits as usize));
        }
        // Where nothing came later, lots are what they are.
        let present = graph.newest_leaf().is_none_or(|newest| newest < *as_of);
        let rest = &scratch.made[*weighed..];
        let here = &rest[..rest.len().min(most)];
        let (mut slot, mut opened) = (NONE, Opened::of(0));
        for made in here {
            let lot = LotIndex(made.lot);
            // Lots of a step stand together, and what took one part only is worth what that was.
            if slot != made.slot {
                slot = made.slot;
                opened = Opened::of(scratch.opened[slot as usize]);
            }
            let (composition, dry_mg, taken_mg) = if present {
                let row = &graph.lots[made.lot as usize];
                (row.composition, row.dry_mg, row.taken_mg)
            } else {
                let (composition, dry_mg) = graph.revision(lot, *as_of);
                (composition, dry_mg, graph.taken_mg(lot, *as_of))
            };
            let ppb = graph.content(composition, *element).map_or(0, |row| row.content().bounds().0);
            let Some(hit) = opened.hit(made, (dry_mg, taken_mg, ppb), limits.threshold) else { continue };
            if recall.hits.len() < limits.hits as usize {
                recall.hits.push(hit);
            } else {
                recall.truncated = true;
            }
        }
        *weighed += here.len();
        here.len() == rest.len()
    }
}

/// A lot that was met, the step that made it, and where what was worked out for it is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Made {
    lot: u32,
    step: u32,
    slot: u32,
}

/// What follows for a lot from the weight of recalled metal in it.
#[derive(Clone, Copy, Debug)]
struct Opened {
    share: Parts,
    fraction: Fraction,
}

impl Opened {
    #[inline]
    fn of(weight: u128) -> Self {
        Self { share: Parts::nearest(weight), fraction: Fraction::of(weight) }
    }

    /// A descendant of so many dry milligrams, of which so many were taken, at a content; nothing where it does not
    /// count.
    #[inline]
    fn hit(
        &self,
        made: &Made,
        (dry_mg, taken_mg, ppb): (u64, u64, u32),
        threshold: Threshold,
    ) -> Option<RecallHit> {
        let Self { share, fraction } = *self;
        let held = Picograms::contained(dry_mg, ppb);
        let contained = Picograms(fraction.of_mass(held.0));
        let counts = match threshold {
            Threshold::Any => contained.0 > 0,
            Threshold::Share(least) => share >= least && held.0 > 0,
            Threshold::Mass(least) => contained >= least,
        };
        let remaining = match dry_mg.saturating_sub(taken_mg) {
            0 => Picograms(0),
            all if all == dry_mg => contained,
            left => Picograms(fraction.of_mass(Picograms::contained(left, ppb).0)),
        };
        let (lot, step) = (LotIndex(made.lot), StepIndex(made.step));
        counts.then_some(RecallHit { lot, step, share, contained, remaining })
    }
}

struct Forward<'a> {
    graph: &'a Graph,
    scratch: &'a mut Scratch,
    at: &'a mut Recalling,
}

impl Forward<'_> {
    /// Weighs a step and notes what it made.
    #[inline]
    fn open(&mut self, step: u32) {
        let Some(slot) = self.pooled(step) else { return };
        for lot in self.graph.lot_range(step as usize) {
            if self.scratch.seen.insert(lot) {
                self.scratch.met[lot as usize] = slot;
                // Whoever took from it did so later.
                self.graph.each_use(lot, |part| {
                    self.scratch.pending.insert_ahead(part);
                });
                self.scratch.made.push(Made { lot, step, slot });
            }
        }
    }

    /// Where the weight of recalled metal in a step's outputs is kept; nowhere when there is none. What took one
    /// part holds as much as that.
    #[inline]
    fn pooled(&mut self, step: u32) -> Option<u32> {
        let rows = &self.graph.edges[self.graph.edge_range(step as usize)];
        self.at.recall.visited.parts += rows.len() as u64;
        if let [only] = rows {
            let met = self.scratch.seen.contains(only.lot);
            return met.then(|| self.scratch.met[only.lot as usize]);
        }
        let weight = self.mean(step, rows);
        if weight == 0 {
            return None;
        }
        self.scratch.opened.push(weight);
        // Bounded by the number of steps.
        Some((self.scratch.opened.len() - 1) as u32)
    }

    /// The mean over a step's parts, rounded down once.
    #[inline]
    fn mean(&mut self, step: u32, rows: &[EdgeRow]) -> u128 {
        let (mut sum, mut recalled) = (0_u128, U256::default());
        let (mut least, mut most) = (WHOLE, 0);
        for edge in rows {
            let (value, uncertain) = value_of(self.graph.content(edge.composition, self.at.element), edge);
            self.at.recall.uncertain |= uncertain;
            sum += value;
            let weight = self.weight_of(edge.lot);
            (least, most) = (least.min(weight), most.max(weight));
            if weight > 0 {
                recalled = recalled.plus(U256::product(weight, value));
            }
        }
        self.at.recall.uncertain |= self.graph.steps[step as usize].mixing != Mixing::Homogenised;
        if sum == 0 {
            return self.mean_by_dry_mass(rows);
        }
        // The mean of equal weights is that weight.
        if least == most { most } else { recalled.divide(sum).0 }
    }

    /// The same where no part states the element.
    fn mean_by_dry_mass(&mut self, rows: &[EdgeRow]) -> u128 {
        self.at.recall.uncertain = true;
        let mut sum = StepSum::default();
        sum.fall_back_to_dry_mass(rows);
        let recalled = rows.iter().fold(U256::default(), |recalled, edge| {
            recalled.plus(U256::product(self.weight_of(edge.lot), sum.part(None, edge).value))
        });
        recalled.divide(sum.value).0
    }

    #[inline]
    fn weight_of(&self, lot: u32) -> u128 {
        if self.scratch.seen.contains(lot) {
            self.scratch.opened[self.scratch.met[lot as usize] as usize]
        } else {
            0
        }
    }
}
