//! Does a pattern look like a pattern at all: asked before any question of origin.

use alloc::vec::Vec;

use crate::{element::Element, pattern::Logs};

/// An element may differ from the mean of its neighbours by this much in ln units (README, formula 10).
pub const GREATEST_STEP: f64 = 0.35;

/// Elements with two neighbours of even atomic number, where chemistry leaves no room for a step.
const SMOOTH: [(Element, Element, Element); 3] = [
    (Element::GD, Element::TB, Element::DY),
    (Element::DY, Element::HO, Element::ER),
    (Element::ER, Element::TM, Element::YB),
];

/// One element out of line with its neighbours.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Step {
    /// The element.
    pub element: Element,
    /// ln(element) minus the mean of its neighbours, chondrite-normalised.
    pub ln_step: f64,
}

/// Elements that make the pattern implausible: `|ln E - mean(ln left, ln right)| > 0.35` for Tb, Ho and Tm.
/// Columns in the wrong order or unit errors in single elements are found so.
pub fn implausible_steps(logs: &Logs) -> Vec<Step> {
    SMOOTH
        .iter()
        .filter_map(|(left, element, right)| {
            let ln_step = logs.get(*element)? - (logs.get(*left)? + logs.get(*right)?) / 2.0;
            (f64::abs(ln_step) > GREATEST_STEP).then_some(Step { element: *element, ln_step })
        })
        .collect()
}
