//! Trace forward: every descendant that holds a lot's metal, as a recall needs it.

use alloc::vec::Vec;

use crate::ask::{QuestionError, Visited, contained_or_refuse, in_one_go};
use crate::graph::{EdgeRow, Graph};
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
    /// Steps that were met and do not stand in that ledger: work, but no part of the answer.
    skipped: u64,
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
        // A recalled lot is whole, whatever it was made from.
        scratch.opened.push(Opened::of(WHOLE));
        for lot in lots {
            if scratch.seen.insert(lot.0) {
                scratch.met[lot.0 as usize] = 0;
                wake_users(graph, scratch, lot.0);
            }
        }
        let recalled = scratch.seen.len();
        Ok(Self { element, as_of, limits: *limits, recalled, skipped: 0, recall: Recall::default() })
    }

    /// Goes on for about so many units of work (steps, taken parts, lots); the answer once every descendant was
    /// met or the limits are reached.
    pub fn go_on(&mut self, graph: &Graph, scratch: &mut Scratch, units: u64) -> Option<Recall> {
        scratch.fit(graph);
        let pause = self.done(scratch).saturating_add(units.max(1));
        // Where nothing came later, lots are what they are.
        let present = graph.newest_leaf().is_none_or(|newest| newest < self.as_of);
        let mut walk = Forward { graph, scratch, present, at: self };
        while let Some(step) = walk.scratch.pending.pop_smallest() {
            if walk.at.done(walk.scratch) >= pause {
                walk.scratch.pending.insert(step);
                return None;
            }
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
    }
}

/// The weight of recalled metal in what a step made, and what follows from it for each of its lots.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Opened {
    share: Parts,
    fraction: Fraction,
}

impl Opened {
    #[inline]
    fn of(weight: u128) -> Self {
        Self { share: Parts::nearest(weight), fraction: Fraction::of(weight) }
    }
}

/// Lets every step that took from a lot wait.
#[inline]
fn wake_users(graph: &Graph, scratch: &mut Scratch, lot: u32) {
    let mut edge = graph.lots[lot as usize].newest_use;
    while let Some(row) = graph.edges.get(edge as usize) {
        scratch.pending.insert(row.step);
        edge = row.older_use;
    }
}

struct Forward<'a> {
    graph: &'a Graph,
    scratch: &'a mut Scratch,
    present: bool,
    at: &'a mut Recalling,
}

impl Forward<'_> {
    /// Weighs a step and reports what it made.
    #[inline]
    fn open(&mut self, step: u32) {
        let Some(slot) = self.pooled(step) else { return };
        let opened = self.scratch.opened[slot as usize];
        for lot in self.graph.lot_range(step as usize) {
            if self.scratch.seen.insert(lot) {
                self.scratch.met[lot as usize] = slot;
                // Woken first: their rows lie far away, and come while this lot is weighed.
                wake_users(self.graph, self.scratch, lot);
                self.report(step, lot, &opened);
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
        self.scratch.opened.push(Opened::of(weight));
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
            self.scratch.opened[self.scratch.met[lot as usize] as usize].fraction.weight()
        } else {
            0
        }
    }

    #[inline]
    fn report(&mut self, step: u32, lot: u32, opened: &Opened) {
        let (index, share, fraction) = (LotIndex(lot), opened.share, &opened.fraction);
        let Recalling { element, as_of, limits, recall, .. } = &mut *self.at;
        let (composition, dry_mg, taken_mg) = if self.present {
            let row = &self.graph.lots[lot as usize];
            (row.composition, row.dry_mg, row.taken_mg)
        } else {
            let (composition, dry_mg) = self.graph.revision(index, *as_of);
            (composition, dry_mg, self.graph.taken_mg(index, *as_of))
        };
        let ppb = self.graph.content(composition, *element).map_or(0, |row| row.content().bounds().0);
        let made = Picograms::contained(dry_mg, ppb);
        let contained = Picograms(fraction.of_mass(made.0));
        let counts = match limits.threshold {
            Threshold::Any => contained.0 > 0,
            Threshold::Share(least) => share >= least && made.0 > 0,
            Threshold::Mass(least) => contained >= least,
        };
        if !counts {
            return;
        }
        // At most `u32::MAX` lots exist.
        if recall.hits.len() as u64 >= u64::from(limits.hits) {
            recall.truncated = true;
            return;
        }
        let remaining = match dry_mg.saturating_sub(taken_mg) {
            0 => Picograms(0),
            all if all == dry_mg => contained,
            left => Picograms(fraction.of_mass(Picograms::contained(left, ppb).0)),
        };
        recall.hits.push(RecallHit { lot: index, step: StepIndex(step), share, contained, remaining });
    }
}
