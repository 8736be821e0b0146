//! M3 and M6: what was counted against the books, and counts that are too good.

use alloc::{format, vec::Vec};

use ore_audit::{
    Budget, Entry, Fact, Word,
    balance::{BalanceOf, Counted, counted},
};
use ore_provenance::Element;
use ore_record::v1::Stocktake;

use crate::{Finding, Judge, Rule};

/// M3 and M6 of a stocktake.
pub(crate) fn stocktake(judge: &mut Judge<'_>, leaf: u32, entry: &Entry, facility: Word, it: &Stocktake) {
    let mut budget = judge.budget;
    for line in &it.lines {
        let Ok(element) = u8::try_from(line.element) else { continue };
        let of = BalanceOf {
            facility,
            material: line.material(),
            element: Element(element),
            from_ms: 0,
            to_ms: u64::MAX,
        };
        let Some(counted) = counted_at(judge, &of, leaf, &mut budget) else { continue };
        let limit = i64::from(judge.terms.thresholds.stocktake_tolerance_ppm);
        let beyond = match counted.of_throughput() {
            Some(ppm) => ppm.0.saturating_abs() > limit,
            // Stock where the books never saw any.
            None => counted.variance_pg() != 0,
        };
        if beyond {
            let message = format!(
                "{} mg were counted, the books say {} mg",
                counted.counted_pg / 1_000_000_000,
                counted.book_pg / 1_000_000_000
            );
            let clears = "the missing records, or a corrected count";
            let found = Finding::new(Rule::M3, leaf, entry.author, message, clears)
                .at(facility)
                .number("variance", counted.variance_pg() / 1_000_000_000, "mg")
                .number("of closing stock", counted.of_closing().map_or(0, |ppm| i128::from(ppm.0)), "ppm")
                .number("of throughput", counted.of_throughput().map_or(0, |ppm| i128::from(ppm.0)), "ppm")
                .beyond("of throughput", i128::from(limit), "ppm");
            judge.flag(found);
        } else if counted.variance_pg() == 0 && counted.book_pg != 0 {
            perfect(judge, leaf, entry, &of, &mut budget);
        }
    }
    judge.budget = budget;
    digits(judge, leaf, entry, facility);
}

/// What one stocktake counted; all of a facility for one material and element are worked out together.
fn counted_at(judge: &mut Judge<'_>, of: &BalanceOf, leaf: u32, budget: &mut Budget) -> Option<Counted> {
    // Once there is too little for one, the rest would begin in vain.
    if budget.is_short() {
        return None;
    }
    let key = (of.facility, of.material as i32, of.element.0);
    if !judge.memory.counted.contains_key(&key) {
        let view = judge.view;
        let all = counted(&view, of, stocktakes(judge, of.facility, budget)?, budget)?;
        judge.memory.counted.insert(key, all);
    }
    let all = judge.memory.counted.get(&key)?;
    let place = all.binary_search_by_key(&leaf, |counted| counted.leaf).ok()?;
    all.get(place).copied()
}

/// Leaves of a facility's stocktakes, looked for once.
fn stocktakes<'a>(judge: &'a mut Judge<'_>, facility: Word, budget: &mut Budget) -> Option<&'a [u32]> {
    let view = judge.view;
    if !judge.memory.stocktakes.contains_key(&facility) {
        if !budget.spend(view.journal.done_at(facility).len() as u64) {
            return None;
        }
        let takes = view.done_at(facility).filter(|(_, it)| matches!(it.fact, Fact::Stocktake { .. }));
        judge.memory.stocktakes.insert(facility, takes.map(|(at, _)| at).collect());
    }
    judge.memory.stocktakes.get(&facility).map(Vec::as_slice)
}

/// M6: the two stocktakes before were exact too.
fn perfect(judge: &mut Judge<'_>, leaf: u32, entry: &Entry, of: &BalanceOf, budget: &mut Budget) {
    let Some(all) = stocktakes(judge, of.facility, budget) else { return };
    let before = all.partition_point(|at| *at < leaf);
    let newest: Vec<u32> = all[..before].iter().rev().take(8).copied().collect();
    let mut exact = Vec::new();
    for at in newest {
        match counted_at(judge, of, at, budget) {
            Some(counted) if counted.variance_pg() == 0 && counted.book_pg != 0 => exact.push(at),
            Some(_) => break,
            None => {}
        }
        if exact.len() == 2 {
            break;
        }
    }
    if exact.len() < 2 {
        return;
    }
    let message = format!("three stocktakes at {} in a row agree to the milligram", judge.text(of.facility));
    let clears = "the counting sheets, signed by somebody who was there";
    let found = Finding::new(Rule::M6, leaf, entry.author, message, clears)
        .at(of.facility)
        .number("variance", 0, "mg")
        .beyond("periods", 3, "count")
        .rests_on(exact);
    judge.flag(found);
}

/// M6: last digits of the newest weighings.
fn digits(judge: &mut Judge<'_>, leaf: u32, entry: &Entry, facility: Word) {
    let mut masses = core::mem::take(&mut judge.memory.masses);
    if weighings(judge, leaf, facility, &mut masses) {
        uniform(judge, leaf, entry, facility, &masses);
    }
    judge.memory.masses = masses;
}

/// What a facility weighed before a record, as far back as it takes; false when it is too little.
fn weighings(judge: &mut Judge<'_>, leaf: u32, facility: Word, masses: &mut Vec<u64>) -> bool {
    let view = judge.view;
    let wanted = judge.terms.thresholds.digit_weighings as usize;
    masses.clear();
    for (_, other) in view.done_at_before(facility, leaf).rev() {
        if !judge.budget.spend(1) {
            return false;
        }
        match &other.fact {
            Fact::Step(it) => masses.extend(
                it.outputs.iter().filter_map(|output| view.journal.lot(output.lot)).map(|lot| lot.dry_mg),
            ),
            Fact::Commission(it) => masses.extend(view.journal.lot(it.lot).map(|lot| lot.dry_mg)),
            Fact::Accept(it) => masses.extend(it.lots.iter().map(|accepted| accepted.dry_mg)),
            _ => {}
        }
        if masses.len() >= wanted {
            break;
        }
    }
    masses.retain(|mass| *mass > 0);
    masses.len() >= wanted
}

/// Chi-squared with 9 degrees of freedom passes 45 once in a million honest samples.
fn uniform(judge: &mut Judge<'_>, leaf: u32, entry: &Entry, facility: Word, masses: &[u64]) {
    const MOST: u128 = 45;
    let unit = finest(masses);
    let mut counts = [0_u64; 10];
    let in_units = |mass: &u64| if unit == 1 { *mass } else { mass / unit };
    masses.iter().for_each(|mass| counts[(in_units(mass) % 10) as usize] += 1);
    let all = masses.len() as u128;
    let squares: u128 = counts.iter().map(|count| u128::from(*count).pow(2)).sum();
    let chi = (10 * squares / all).saturating_sub(all);
    if chi <= MOST {
        return;
    }
    let message = format!("last digits of {all} weighings at {} are far from uniform", judge.text(facility));
    let clears = "the scale's own print-outs";
    let found = Finding::new(Rule::M6, leaf, entry.author, message, clears)
        .at(facility)
        .number("chi-squared, 9 degrees of freedom", chi.cast_signed(), "1")
        .beyond("chi-squared, 9 degrees of freedom", MOST.cast_signed(), "1");
    judge.flag(found);
}

/// The finest digit that a facility's scales show: the largest power of ten that divides every mass.
fn finest(masses: &[u64]) -> u64 {
    let mut unit: u64 = 1;
    while let Some(next) = unit.checked_mul(10)
        && masses.iter().all(|mass| mass % next == 0)
    {
        unit = next;
    }
    unit
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scales_show_what_every_mass_is_a_multiple_of() {
        assert_eq!(finest(&[1_200, 3_400, 500]), 100);
        assert_eq!(finest(&[7, 1_000]), 1);
        // The largest power of ten in 64 bits has none above it.
        assert_eq!(finest(&[10_000_000_000_000_000_000]), 10_000_000_000_000_000_000);
    }
}
