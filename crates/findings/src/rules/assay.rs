//! M: masses, contents, capacities. Recoveries are in `recovery`.

use alloc::{format, vec::Vec};

use ore_audit::{AcceptFact, Entry, Fact, ShipFact, StepFact, Word, ratio_ppm};
use ore_provenance::{Element, LotIndex};
use ore_record::v1::{MaterialClass, OutputRole};

use crate::{Finding, Judge, Rule, Terms, permits};

/// Come with air and reagents; the rules of custody do not weigh them either.
const fn is_weighed(element: u8) -> bool {
    !matches!(element, 1 | 6..=9 | 15..=17)
}

/// An input's element that no output names counts from this fraction of what was taken: 1 %.
const WORTH_NAMING_PPM: u128 = 10_000;
const PG_PER_MG: u128 = 1_000_000_000;

/// M2 and M4: what went in against what came out.
pub(crate) fn step(judge: &mut Judge<'_>, leaf: u32, entry: &Entry, it: &StepFact) {
    let mut each = core::mem::take(&mut judge.memory.elements);
    elements(judge, leaf, it, &mut each);
    for sums in &each {
        if sums.made <= sums.taken && sums.taken <= sums.made + sums.lost {
            continue;
        }
        let tolerance = judge.terms.balance_ppm(it.process);
        let allowed = sums.taken / 1_000_000 * u128::from(tolerance);
        let symbol = symbol(sums.element);
        let (rule, open, message, clears) = if sums.made > sums.taken + allowed {
            let open = sums.made - sums.taken;
            let message = format!("{} mg {symbol} more came out than went in", open / PG_PER_MG);
            (Rule::M4, open, message, "an assay or weighing that shows where it came from, or a correction")
        } else if sums.taken > sums.made + sums.lost + allowed {
            let open = sums.taken - sums.made - sums.lost;
            let message =
                format!("{} mg {symbol} are in no output, residue or declared loss", open / PG_PER_MG);
            (Rule::M2, open, message, "a residue lot or a declared loss for it, or a correction")
        } else {
            continue;
        };
        let found = Finding::new(rule, leaf, entry.author, message, clears)
            .at(it.facility)
            .number("in", mg(sums.taken), "mg")
            .number("out", mg(sums.made), "mg")
            .number("declared loss", mg(sums.lost), "mg")
            .number("open", mg(open), "mg")
            .beyond("tolerance", i128::from(tolerance), "ppm");
        let found = it.inputs.iter().map(|input| input.lot).fold(found, Finding::lot);
        let found = it.outputs.iter().map(|output| output.lot).fold(found, Finding::lot);
        let makers = it.inputs.iter().filter_map(|input| judge.view.journal.lot(input.lot));
        let makers: Vec<u32> = makers.map(|lot| lot.made_at).collect();
        judge.flag(found.rests_on(makers));
    }
    judge.memory.elements = each;
}

/// One element of a step, picograms.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Sums {
    element: u8,
    taken: u128,
    made: u128,
    lost: u128,
    /// Whether an output names it.
    named: bool,
}

/// The row of an element; a step has a handful.
fn row(sums: &mut Vec<Sums>, element: Element) -> &mut Sums {
    let place = sums.iter().position(|row| row.element == element.0).unwrap_or_else(|| {
        sums.push(Sums { element: element.0, ..Sums::default() });
        sums.len() - 1
    });
    &mut sums[place]
}

/// One pass over a step, elements in order: one is balanced when every composition is known and it is worth naming.
fn elements(judge: &Judge<'_>, leaf: u32, it: &StepFact, sums: &mut Vec<Sums>) {
    sums.clear();
    let view = judge.view;
    let mut total = 0;
    let Some(step) = view.step_of(leaf) else { return };
    for part in view.graph.inputs(step) {
        total += u128::from(part.dry_mg) * PG_PER_MG;
        let mut known = false;
        view.graph.contents_of_part(&part, |element, amount| {
            known = true;
            row(sums, element).taken += amount.0;
        });
        if !known {
            return sums.clear();
        }
    }
    for output in &it.outputs {
        let lot = LotIndex(output.lot);
        let at = u64::from(leaf) + 1;
        let mut known = false;
        view.graph.contents_made(lot, at, |element, amount| {
            known = true;
            let row = row(sums, element);
            row.made += amount.0;
            row.named = true;
        });
        if !known {
            return sums.clear();
        }
    }
    let worth_naming = |taken: u128| taken >= total / 1_000_000 * WORTH_NAMING_PPM;
    sums.retain(|row| is_weighed(row.element) && (row.named || worth_naming(row.taken)));
    sums.sort_unstable_by_key(|row| row.element);
    for row in sums {
        let lost = it.losses.iter().filter(|loss| loss.0 == row.element);
        row.lost = lost.map(|loss| u128::from(loss.1) * PG_PER_MG).sum();
    }
}

/// M7: dry mass received against dispatched.
pub(crate) fn accept(judge: &mut Judge<'_>, leaf: u32, entry: &Entry, it: &AcceptFact, ship: &ShipFact) {
    let limit = judge.terms.thresholds.transfer_tolerance_ppm;
    for accepted in &it.lots {
        let Some(sent) = ship.lots.iter().find(|shipped| shipped.lot == accepted.lot) else { continue };
        // As a quotient in whole parts per million would be, without dividing.
        let apart = u128::from(accepted.dry_mg.abs_diff(sent.dry_mg));
        if apart * 1_000_000 < (u128::from(limit) + 1) * u128::from(sent.dry_mg) {
            continue;
        }
        let difference = i128::from(accepted.dry_mg) - i128::from(sent.dry_mg);
        let Some(ppm) = ratio_ppm(difference, sent.dry_mg.into()) else { continue };
        let message = format!("{} differs by {difference} mg dry from what was sent", judge.id(accepted.lot));
        let clears = "a weighing both parties accept, or a moisture that explains the difference";
        let found = Finding::new(Rule::M7, leaf, entry.author, message, clears)
            .lot(accepted.lot)
            .at(it.facility)
            .number("sent", i128::from(sent.dry_mg), "mg")
            .number("received", i128::from(accepted.dry_mg), "mg")
            .number("difference", i128::from(ppm.0), "ppm")
            .beyond("tolerance", i128::from(limit), "ppm")
            .rests_on([it.offer]);
        judge.flag(found);
    }
}

/// M12: a year's output against capacity, and a permit's cap against what was mined under it.
pub(crate) fn output(judge: &mut Judge<'_>, leaf: u32, entry: &Entry) {
    let view = judge.view;
    let facility = match &entry.fact {
        Fact::Step(it) => it.facility,
        Fact::Commission(it) => match view.journal.lot(it.lot) {
            Some(lot) => lot.facility,
            None => return,
        },
        _ => return,
    };
    let Some(capacity) = judge.place(facility).capacity_mg_per_year else { return };
    if capacity > 0 {
        let year_of = |entry: &Entry| ore_audit::credits::year_and_month(entry.event_ms) / 100;
        let year = year_of(entry);
        let key = (facility, year, false);
        if let Some((at, sum)) = crossing(judge, key, capacity, |it| year_of(it) == year)
            && at == leaf
        {
            let message = format!("output of {} passes its capacity in {year}", judge.text(facility));
            let clears = "a licence for more, or corrections that lower the output";
            let found = Finding::new(Rule::M12, leaf, entry.author, message, clears)
                .at(facility)
                .number("output of the year", mg(sum * PG_PER_MG), "mg")
                .beyond("capacity of a year", i128::from(capacity), "mg");
            judge.flag(found);
        }
    }
    if let Fact::Commission(it) = &entry.fact {
        caps(judge, leaf, entry, facility, it.lot);
    }
}

fn made_mg(judge: &Judge<'_>, entry: &Entry) -> u128 {
    let journal = judge.view.journal;
    let mass = |lot: u32| u128::from(journal.lot(lot).map_or(0, |lot| lot.dry_mg));
    match &entry.fact {
        Fact::Commission(it) => mass(it.lot),
        Fact::Step(it) => {
            let products = it.outputs.iter().filter(|output| output.role != OutputRole::Residue);
            products.map(|output| mass(output.lot)).sum()
        }
        _ => 0,
    }
}

/// The record at which what a facility made passes a limit, and the sum in all; once for a question, and nothing
/// when the budget ends before.
fn crossing(
    judge: &mut Judge<'_>,
    key: (Word, u32, bool),
    limit: u64,
    counts: impl Fn(&Entry) -> bool,
) -> Option<(u32, u128)> {
    if let Some(known) = judge.memory.crossings.get(&key) {
        return *known;
    }
    let (mut sum, mut passed) = (0, None);
    for (leaf, entry) in judge.view.done_at(key.0) {
        if !matches!(entry.fact, Fact::Step(_) | Fact::Commission(_)) {
            continue;
        }
        if !judge.budget.spend(1) {
            return None;
        }
        if counts(entry) {
            sum += made_mg(judge, entry);
            if passed.is_none() && sum > u128::from(limit) {
                passed = Some(leaf);
            }
        }
    }
    let found = passed.map(|leaf| (leaf, sum));
    judge.memory.crossings.insert(key, found);
    found
}

/// Quantity caps of extraction permits: flagged where the sum passes the cap.
fn caps(judge: &mut Judge<'_>, leaf: u32, entry: &Entry, facility: Word, lot: u32) {
    let view = judge.view;
    for (permit, _, stated) in
        permits::about(&view, facility, ore_record::v1::AttestationKind::ExtractionPermit)
    {
        let during = |at: u64| {
            at >= stated.valid_from_ms && (stated.valid_until_ms == 0 || at < stated.valid_until_ms)
        };
        if stated.quantity_cap_mg == 0 || !during(entry.event_ms) {
            continue;
        }
        let mined = |entry: &Entry| matches!(entry.fact, Fact::Commission(_)) && during(entry.event_ms);
        let Some((at, sum)) = crossing(judge, (facility, permit, true), stated.quantity_cap_mg, mined) else {
            continue;
        };
        if at == leaf {
            let message = format!("{} was mined beyond the quantity of permit {}", judge.id(lot), stated.id);
            let clears = "a permit for more, or corrections that lower the quantity";
            let found = Finding::new(Rule::M12, leaf, entry.author, message, clears)
                .lot(lot)
                .at(facility)
                .number("mined under the permit", mg(sum * PG_PER_MG), "mg")
                .beyond("quantity of the permit", i128::from(stated.quantity_cap_mg), "mg")
                .rests_on([permit]);
            judge.flag(found);
        }
    }
}

fn mg(picograms: u128) -> i128 {
    i128::try_from(picograms / PG_PER_MG).unwrap_or(i128::MAX)
}

pub(crate) fn symbol(element: u8) -> &'static str {
    ore_record::elements::symbol(element.into()).unwrap_or("?")
}

/// Whether a class is what mines and traders of minerals handle.
pub(crate) const fn is_mineral(material: MaterialClass) -> bool {
    matches!(material, MaterialClass::Ore | MaterialClass::Concentrate)
}

/// Days between two times.
pub(crate) fn days(ms: u64) -> i128 {
    i128::from(ms / Terms::days_ms(1))
}
