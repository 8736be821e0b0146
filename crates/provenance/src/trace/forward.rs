//! Trace forward: every descendant that holds a lot's metal, as a recall needs it.

use alloc::vec::Vec;

use crate::ask::{QuestionError, Visited, contained_or_refuse};
use crate::graph::Graph;
use crate::share::{Parts, WHOLE};
use crate::types::{Element, LotIndex, Mixing, Picograms, StepIndex};
use crate::walk::{PartMass, Scratch, StepSum};
use crate::wide::{U256, nearest_per_e36};

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
#[derive(Clone, Debug, PartialEq, Eq)]
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
    for lot in lots {
        contained_or_refuse(graph, *lot, element, as_of)?;
    }
    scratch.fit(graph);
    scratch.opened.clear();
    let mut recalled: Vec<u32> = lots.iter().map(|lot| lot.0).collect();
    recalled.sort_unstable();
    recalled.dedup();
    let recall = Recall { hits: Vec::new(), visited: Visited::default(), uncertain: false, truncated: false };
    let mut walk = Forward { graph, scratch, element, as_of, limits, recalled, recall };
    walk.run();
    Ok(walk.recall)
}

struct Forward<'a> {
    graph: &'a Graph,
    scratch: &'a mut Scratch,
    element: Element,
    as_of: u64,
    limits: &'a ForwardLimits,
    recalled: Vec<u32>,
    recall: Recall,
}

impl Forward<'_> {
    fn run(&mut self) {
        for index in 0..self.recalled.len() {
            self.wake_users(self.recalled[index]);
        }
        // Fewer than 2^32 lots exist.
        self.recall.visited.lots = self.recalled.len() as u32;
        while let Some(step) = self.scratch.pending.pop_smallest() {
            if !self.graph.stands(StepIndex(step), self.as_of) {
                continue;
            }
            let steps = self.recall.visited.steps;
            if steps >= self.limits.steps || self.scratch.stops(steps) {
                self.recall.truncated = true;
                self.scratch.pending.clear();
                return;
            }
            self.recall.visited.steps += 1;
            let weight = self.pooled(step);
            // Bounded by the number of steps. A slot counts where the row that it names is the step's own, so
            // slots need no clearing.
            self.scratch.slot[step as usize] = self.scratch.opened.len() as u32;
            self.scratch.opened.push((step, weight));
            if weight > 0 {
                let share = Parts::nearest(weight);
                for lot in self.graph.lot_range(step as usize) {
                    if !self.is_recalled(lot) {
                        self.recall.visited.lots += 1;
                        self.report(step, lot, weight, share);
                        self.wake_users(lot);
                    }
                }
            }
        }
    }

    #[inline]
    fn is_recalled(&self, lot: u32) -> bool {
        match self.recalled.as_slice() {
            [only] => *only == lot,
            several => several.binary_search(&lot).is_ok(),
        }
    }

    /// Lets every step that took from a lot wait.
    #[inline]
    fn wake_users(&mut self, lot: u32) {
        let mut edge = self.graph.lots[lot as usize].newest_use;
        while let Some(row) = self.graph.edges.get(edge as usize) {
            self.scratch.pending.insert(row.step);
            edge = row.older_use;
        }
    }

    /// The weight of recalled metal in a step's outputs: the mean over its parts, rounded down once.
    #[inline]
    fn pooled(&mut self, step: u32) -> u128 {
        let rows = &self.graph.edges[self.graph.edge_range(step as usize)];
        self.recall.visited.parts += rows.len() as u64;
        if let [only] = rows {
            return self.weight_of(only.lot);
        }
        let (mut sum, mut recalled) = (StepSum::default(), U256::default());
        let (mut least, mut most) = (WHOLE, 0);
        for edge in rows {
            let part = PartMass::of(self.graph.content(edge.composition, self.element), edge);
            self.recall.uncertain |= part.lower != part.upper;
            sum.add(&part);
            let weight = self.weight_of(edge.lot);
            (least, most) = (least.min(weight), most.max(weight));
            if weight > 0 {
                recalled = recalled.plus(U256::product(weight, part.value));
            }
        }
        self.recall.uncertain |= self.graph.steps[step as usize].mixing != Mixing::Homogenised;
        if sum.value == 0 {
            return self.pooled_by_dry_mass(step);
        }
        // The mean of equal weights is that weight.
        if least == most { most } else { recalled.divide(sum.value).0 }
    }

    /// The same where no part states the element.
    fn pooled_by_dry_mass(&mut self, step: u32) -> u128 {
        self.recall.uncertain = true;
        let rows = &self.graph.edges[self.graph.edge_range(step as usize)];
        let mut parts: Vec<PartMass> =
            rows.iter().map(|edge| PartMass { lot: edge.lot, ..PartMass::default() }).collect();
        let mut sum = StepSum::default();
        sum.fall_back_to_dry_mass(&mut parts, rows);
        let recalled = parts.iter().fold(U256::default(), |recalled, part| {
            recalled.plus(U256::product(self.weight_of(part.lot), part.value))
        });
        recalled.divide(sum.value).0
    }

    #[inline]
    fn weight_of(&self, lot: u32) -> u128 {
        if self.is_recalled(lot) {
            return WHOLE;
        }
        let step = self.graph.maker[lot as usize];
        match self.scratch.opened.get(self.scratch.slot[step as usize] as usize) {
            Some((opened, weight)) if *opened == step => *weight,
            _ => 0,
        }
    }

    #[inline]
    fn report(&mut self, step: u32, lot: u32, weight: u128, share: Parts) {
        let index = LotIndex(lot);
        let (composition, dry_mg) = self.graph.revision(index, self.as_of);
        let made = self.graph.at(composition, dry_mg, self.element).value;
        let contained = part_of(made, weight);
        let counts = match self.limits.threshold {
            Threshold::Any => contained.0 > 0,
            Threshold::Share(least) => share >= least && made.0 > 0,
            Threshold::Mass(least) => contained >= least,
        };
        if !counts {
            return;
        }
        // At most `u32::MAX` lots exist.
        if self.recall.hits.len() as u64 >= u64::from(self.limits.hits) {
            self.recall.truncated = true;
            return;
        }
        let remaining = match dry_mg.saturating_sub(self.graph.taken_mg(index, self.as_of)) {
            0 => Picograms(0),
            all if all == dry_mg => contained,
            left => part_of(self.graph.at(composition, left, self.element).value, weight),
        };
        self.recall.hits.push(RecallHit { lot: index, step: StepIndex(step), share, contained, remaining });
    }
}

/// A weight of a mass, to the nearest picogram.
#[inline]
fn part_of(mass: Picograms, weight: u128) -> Picograms {
    if weight == WHOLE { mass } else { Picograms(nearest_per_e36(mass.0, weight)) }
}
