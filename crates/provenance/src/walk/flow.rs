//! What flows to the sources: a weight, or a weight between two bounds.

use crate::graph::{Content12, EdgeRow};
use crate::share::WHOLE;
use crate::wide::{Divider, Ratio, mul_div_ceil, mul_div_floor};

/// Contained mass of one taken part, in picograms.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct PartMass {
    pub(crate) value: u128,
    pub(crate) lower: u128,
    pub(crate) upper: u128,
}

impl PartMass {
    #[inline]
    pub(crate) fn of(content: Option<Content12>, edge: &EdgeRow) -> Self {
        let Some(content) = content else {
            return Self::default();
        };
        let dry_mg = u128::from(edge.dry_mg);
        let (value, lower, upper) = content.content().bounds();
        let [value, lower, upper] = [value, lower, upper].map(|ppb| dry_mg * u128::from(ppb));
        Self { value, lower, upper }
    }
}

/// Contained mass of one taken part, in picograms, and whether its assay leaves bounds open.
#[inline]
pub(crate) fn value_of(content: Option<Content12>, edge: &EdgeRow) -> (u128, bool) {
    let Some(content) = content else { return (0, false) };
    let (value, lower, upper) = content.content().bounds();
    (u128::from(edge.dry_mg) * u128::from(value), lower != upper && edge.dry_mg > 0)
}

/// By what the parts of a step are weighed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Scale {
    /// By what they hold of the element.
    #[default]
    Content,
    /// By dry mass, because none states the element: bounds are 0 and 1.
    DryMass,
    /// Alike, because none has mass either.
    Alike,
}

/// Sums over a step's parts. Each part is below 2^96 and there are fewer than 2^32: no overflow.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct StepSum {
    pub(crate) value: u128,
    lower: u128,
    upper: u128,
    /// Parts of the outputs may differ from the whole.
    keeps_layers: bool,
    scale: Scale,
    /// Divides by `value`; set when all parts are in.
    divider: Divider,
}

impl StepSum {
    pub(crate) fn of(keeps_layers: bool) -> Self {
        Self { keeps_layers, ..Self::default() }
    }

    #[inline]
    pub(crate) fn add(&mut self, part: &PartMass) {
        self.value += part.value;
        self.lower += part.lower;
        self.upper += part.upper;
    }

    /// To be called when all parts are in.
    #[inline]
    pub(crate) fn close(&mut self) {
        self.divider = Divider::new(self.value);
    }

    /// A part as many weights take their share of it. To be called when the sum is closed.
    #[inline]
    pub(crate) fn ratio(&self, part: &PartMass) -> Option<Ratio> {
        Ratio::of(part.value, &self.divider)
    }

    /// What one part hands down of a weight, rounded down. To be called when the sum is closed.
    #[inline]
    pub(crate) fn share(&self, weight: u128, part: &PartMass) -> u128 {
        self.divider.floor(weight, part.value)
    }

    /// From now on parts are weighed by dry mass, because no input states the element, or alike where nothing has mass.
    pub(crate) fn fall_back_to_dry_mass(&mut self, edges: &[EdgeRow]) {
        (self.scale, self.value) = match edges.iter().map(|edge| u128::from(edge.dry_mg)).sum() {
            0 => (Scale::Alike, edges.len() as u128),
            dry_mg => (Scale::DryMass, dry_mg),
        };
    }

    /// A part as it is weighed here.
    #[inline]
    pub(crate) fn part(&self, content: Option<Content12>, edge: &EdgeRow) -> PartMass {
        let value = match self.scale {
            Scale::Content => return PartMass::of(content, edge),
            Scale::DryMass => edge.dry_mg.into(),
            Scale::Alike => 1,
        };
        PartMass { value, lower: 0, upper: self.value }
    }
}

/// A weight on its way to the sources.
pub(crate) trait Flow: Copy {
    /// Whether bounds are carried.
    const RANGED: bool;

    /// Adds another weight that waits at the same step.
    fn merge(&mut self, other: Self);

    /// What one of several parts hands down; `ratio` is the part's in the sum, where many weights take theirs.
    fn share_of(self, part: &PartMass, sum: &StepSum, ratio: Option<&Ratio>) -> Self;

    /// What a step's only part hands down.
    fn whole_of(self, part: &PartMass, sum: &StepSum) -> Self;

    /// The same weight at a lot that is well mixed, where it does not matter how much was taken.
    fn mixed(self) -> Self;

    /// The weight itself.
    fn value(&self) -> u128;
}

/// A weight without bounds.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Exact(u128);

impl Exact {
    pub(crate) fn whole() -> Self {
        Self(WHOLE)
    }

    #[cfg(test)]
    pub(crate) fn of(weight: u128) -> Self {
        Self(weight)
    }
}

impl Flow for Exact {
    const RANGED: bool = false;

    #[inline]
    fn merge(&mut self, other: Self) {
        self.0 += other.0;
    }

    #[inline]
    fn share_of(self, part: &PartMass, sum: &StepSum, ratio: Option<&Ratio>) -> Self {
        Self(match ratio {
            Some(ratio) => ratio.floor(self.0),
            None => sum.share(self.0, part),
        })
    }

    #[inline]
    fn whole_of(self, _: &PartMass, _: &StepSum) -> Self {
        self
    }

    #[inline]
    fn mixed(self) -> Self {
        self
    }

    #[inline]
    fn value(&self) -> u128 {
        self.0
    }
}

/// Taken from a well-mixed lot: how much does not matter.
const ANY_AMOUNT: u128 = u128::MAX;

/// A weight between bounds, and the least contained mass that was taken from the lot where it waits.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ranged {
    value: u128,
    pub(crate) lower: u128,
    pub(crate) upper: u128,
    taken: u128,
}

impl Ranged {
    pub(crate) fn whole(taken: u128) -> Self {
        Self { value: WHOLE, lower: WHOLE, upper: WHOLE, taken }
    }

    /// Whether merging loses nothing.
    #[inline]
    pub(super) fn merges_without_loss(&self, other: &Self) -> bool {
        self.taken == other.taken
    }

    /// Assay bounds: own least against the others' most, and the other way round.
    fn through_mixing(self, part: &PartMass, sum: &StepSum) -> (u128, u128) {
        let others_most = sum.upper - part.upper;
        let others_least = sum.lower - part.lower;
        let lower = if others_most == 0 {
            self.lower
        } else {
            mul_div_floor(self.lower, part.lower, part.lower + others_most)
        };
        let upper = if others_least == 0 {
            self.upper
        } else {
            mul_div_ceil(self.upper, part.upper, part.upper + others_least)
        };
        (lower, upper)
    }

    /// Layer bounds: what was taken may hold all others first, or this part first.
    fn through_layers(self, part: &PartMass, sum: &StepSum) -> (u128, u128, u128) {
        let taken = self.taken.min(sum.value);
        let others_most = sum.upper - part.upper;
        let surely_own = taken.saturating_sub(others_most);
        let lower = if others_most == 0 {
            self.lower
        } else if taken == 0 {
            0
        } else {
            mul_div_floor(self.lower, surely_own, taken)
        };
        let upper =
            if part.upper >= taken { self.upper } else { mul_div_ceil(self.upper, part.upper, taken) };
        (lower, upper, surely_own.min(part.lower))
    }
}

impl Flow for Ranged {
    const RANGED: bool = true;

    #[inline]
    fn merge(&mut self, other: Self) {
        self.value += other.value;
        self.lower += other.lower;
        // No share exceeds the whole.
        self.upper = (self.upper + other.upper).min(WHOLE);
        // The smaller amount leaves the wider bounds open.
        self.taken = self.taken.min(other.taken);
    }

    #[inline]
    fn share_of(self, part: &PartMass, sum: &StepSum, _: Option<&Ratio>) -> Self {
        let value = sum.share(self.value, part);
        let (lower, upper, taken) = if sum.scale != Scale::Content {
            (0, self.upper, 0)
        } else if sum.keeps_layers {
            self.through_layers(part, sum)
        } else {
            let (lower, upper) = self.through_mixing(part, sum);
            (lower, upper, part.lower)
        };
        Self { value, lower, upper, taken }
    }

    #[inline]
    fn whole_of(self, part: &PartMass, sum: &StepSum) -> Self {
        let taken = if sum.keeps_layers { self.taken.min(part.lower) } else { part.lower };
        Self { taken, ..self }
    }

    #[inline]
    fn mixed(self) -> Self {
        Self { taken: ANY_AMOUNT, ..self }
    }

    #[inline]
    fn value(&self) -> u128 {
        self.value
    }
}
