//! What one record moves at a facility: parts of lots, whatever element is asked about.

use ore_provenance::{Element, Graph, Held, LotIndex};
use ore_record::v1::OutputRole;

use super::Line;
use crate::{
    journal::{Entry, Fact, Word},
    view::{View, gross},
};

/// A movement of all that some mass holds, or of what it holds more than another.
#[derive(Clone, Copy, Debug)]
pub(super) struct Moved {
    pub(super) lot: u32,
    pub(super) line: Line,
    whole: Option<Held>,
    less: Option<Held>,
}

impl Moved {
    /// What it adds to the stock, picograms; `None` when it moves nothing of the element.
    #[inline]
    pub(super) fn amount_pg(&self, graph: &Graph, element: Element) -> Option<i128> {
        self.entered(element, amount(graph, &self.whole, element), amount(graph, &self.less, element))
    }

    /// Every element that it moves, with what it adds to the stock; element 0 first. How many were looked at, also
    /// those of which nothing is moved.
    pub(super) fn amounts(&self, graph: &Graph, mut each: impl FnMut(Element, i128)) -> usize {
        let mut looked_at = 0;
        let mut entered = |element, whole, less| {
            looked_at += 1;
            if let Some(amount_pg) = self.entered(element, whole, less) {
                each(element, amount_pg);
            }
        };
        if let (Some(held), None) = (&self.whole, &self.less) {
            entered(Element(0), gross(held.dry_mg).0, 0);
            graph.contents_held(held, |element, mass| entered(element, mass.0, 0));
            return looked_at;
        }
        let mut met = 0_u128;
        let mut one = |element: Element| {
            // Atomic numbers go to 118.
            let bit = 1_u128.checked_shl(element.0.into()).unwrap_or(0);
            if met & bit == 0 {
                met |= bit;
                entered(element, amount(graph, &self.whole, element), amount(graph, &self.less, element));
            }
        };
        one(Element(0));
        for held in [&self.whole, &self.less].into_iter().flatten() {
            graph.contents_held(held, |element, _| one(element));
        }
        looked_at
    }

    /// With the sign of its line. A new assay changes what is known of a lot, never its dry mass.
    #[inline]
    fn entered(&self, element: Element, whole: u128, less: u128) -> Option<i128> {
        // Milligrams times parts per billion: less than 2^96.
        let signed = |amount: u128| i128::try_from(amount).unwrap_or(i128::MAX);
        let amount = signed(whole) - signed(less);
        match self.line {
            Line::Revaluation => (amount != 0 && element.0 != 0).then_some(amount),
            line if line.lowers() => (amount > 0).then_some(-amount),
            _ => (amount > 0).then_some(amount),
        }
    }
}

/// What some mass holds of an element, picograms; of element 0 all of it.
#[inline]
fn amount(graph: &Graph, held: &Option<Held>, element: Element) -> u128 {
    match held {
        Some(held) if element.0 == 0 => gross(held.dry_mg).0,
        Some(held) => graph.contained_in(held, element).0,
        None => 0,
    }
}

/// Every movement of a record at a facility, of lots that are wanted.
#[inline]
pub(super) fn of_record(
    view: &View<'_>,
    facility: Word,
    leaf: u32,
    entry: &Entry,
    wanted: &impl Fn(u32) -> bool,
    each: &mut impl FnMut(Moved),
) {
    let (graph, before) = (view.graph, u64::from(leaf).min(view.as_of));
    let after = (u64::from(leaf) + 1).min(view.as_of);
    let made = |lot: u32| graph.held_when_made(LotIndex(lot), after);
    let came_here = |lot: u32| view.journal.lot(lot).is_some_and(|lot| lot.facility == facility);
    let left = |lot: u32, as_of: u64| graph.held_still(LotIndex(lot), as_of);
    let mut put = |lot: u32, line: Line, whole: Option<Held>, less: Option<Held>| {
        each(Moved { lot, line, whole, less });
    };
    match &entry.fact {
        Fact::Commission(it) if came_here(it.lot) && wanted(it.lot) => {
            put(it.lot, Line::Source, made(it.lot), None);
        }
        Fact::Step(it) if it.facility == facility => {
            for part in view.parts_taken(leaf).filter(|part| wanted(part.lot.0)) {
                put(part.lot.0, Line::Input, Some(part.held()), None);
            }
            for output in it.outputs.iter().filter(|output| wanted(output.lot)) {
                let residue = output.role == OutputRole::Residue;
                let line = if residue { Line::Residue } else { Line::Output };
                put(output.lot, line, made(output.lot), None);
            }
        }
        Fact::Ship(it) if it.from == facility => {
            for shipped in it.lots.iter().filter(|shipped| wanted(shipped.lot)) {
                put(shipped.lot, Line::Shipment, left(shipped.lot, before), None);
            }
        }
        Fact::Accept(it) if it.facility == facility => {
            for accepted in it.lots.iter().filter(|accepted| wanted(accepted.lot)) {
                put(accepted.lot, Line::Receipt, left(accepted.lot, after), None);
            }
        }
        Fact::Returned { offer } => {
            if let Some(Fact::Ship(ship)) = view.entry(*offer).map(|entry| &entry.fact)
                && ship.from == facility
            {
                for shipped in ship.lots.iter().filter(|shipped| wanted(shipped.lot)) {
                    put(shipped.lot, Line::Return, left(shipped.lot, before), None);
                }
            }
        }
        Fact::Use { lot, facility: at, .. } if *at == facility && wanted(*lot) => {
            put(*lot, Line::Use, left(*lot, before), left(*lot, after));
        }
        Fact::Dispose { lot, facility: at, .. } if *at == facility && wanted(*lot) => {
            put(*lot, Line::Disposal, left(*lot, before), left(*lot, after));
        }
        Fact::Assay { lot, facility: at, .. } if *at == facility && wanted(*lot) => {
            put(*lot, Line::Revaluation, left(*lot, after), left(*lot, before));
        }
        _ => {}
    }
}

/// Declared losses to no lot of every element, picograms; those of element 0 are all together.
pub(super) fn each_loss(entry: &Entry, mut each: impl FnMut(Element, i128)) {
    let Fact::Step(step) = &entry.fact else { return };
    for (element, mg) in &step.losses {
        let lost = i128::from(*mg) * 1_000_000_000;
        if lost > 0 {
            each(Element(0), lost);
            if *element != 0 {
                each(Element(*element), lost);
            }
        }
    }
}
