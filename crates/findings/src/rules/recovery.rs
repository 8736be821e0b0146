//! M5: what a facility recovers, against the band of its own campaigns.

use alloc::{format, vec::Vec};

use ore_audit::{Budget, Entry, Fact, StepFact, View, Word, ratio_ppm};
use ore_record::v1::{OutputRole, Process};

use super::assay::symbol;
use crate::{Finding, Judge, Rule};

/// Campaigns of one facility, process and element that make a band: the newest of twelve months.
const BAND_CAMPAIGNS: usize = 256;
const YEAR_MS: u64 = 365 * 86_400_000;
/// Campaigns whose extremes are kept together.
const TOGETHER: usize = 32;

/// Campaigns of a facility, as far as they were looked at.
#[derive(Debug, Default)]
pub(crate) struct Recoveries {
    /// Records of the facility that were looked at.
    next: usize,
    bands: Vec<Band>,
}

/// Campaigns of one process and element, in ledger order.
#[derive(Debug)]
struct Band {
    process: Process,
    element: u8,
    campaigns: Vec<Campaign>,
    /// The lowest and the highest recovery of each [`TOGETHER`] campaigns.
    extremes: Vec<(i64, i64)>,
}

/// A recovery, for the band of later ones.
#[derive(Clone, Copy, Debug)]
struct Campaign {
    leaf: u32,
    event_ms: u64,
    ppm: i64,
}

/// M5: recovery against the facility's own campaigns of the last twelve months.
pub(crate) fn step(judge: &mut Judge<'_>, leaf: u32, entry: &Entry, it: &StepFact) {
    if !recovers(it.process) {
        return;
    }
    let of_facility = judge.memory.recoveries.get_or(it.facility, Recoveries::default);
    if !of_facility.gather(&judge.view, it.facility, leaf, &mut judge.budget) {
        return;
    }
    // Unknown where nothing was recovered.
    let Some((band, place)) = of_facility.find(it.process, leaf) else { return };
    let ppm = band.campaigns[place].ppm;
    let window = place.saturating_sub(BAND_CAMPAIGNS)..place;
    let floor = i64::from(judge.terms.thresholds.recovery_band_floor_ppm);
    if band.all_within(window.clone(), ppm, floor) {
        return;
    }
    let from = entry.event_ms.saturating_sub(YEAR_MS);
    let of_year = |campaign: &&Campaign| (from..=entry.event_ms).contains(&campaign.event_ms);
    let window = band.campaigns[window].iter().filter(of_year);
    if within_floor(window.clone().map(|campaign| campaign.ppm), ppm, floor) {
        return;
    }
    let window: Vec<Campaign> = window.copied().collect();
    if window.len() < judge.terms.thresholds.recovery_campaigns as usize {
        return;
    }
    let mut recoveries: Vec<i64> = window.iter().map(|campaign| campaign.ppm).collect();
    let middle = median(&mut recoveries);
    let mut deviations: Vec<i64> = recoveries.iter().map(|other| (other - middle).saturating_abs()).collect();
    let half = median(&mut deviations).saturating_mul(3).max(floor);
    if (ppm - middle).saturating_abs() <= half {
        return;
    }
    let message =
        format!("recovery of {} is {}, its own band is {} ± {} ppm", symbol(band.element), ppm, middle, half);
    let clears = "an explanation with weighings and assays, or a correction";
    let found = Finding::new(Rule::M5, leaf, entry.author, message, clears)
        .at(it.facility)
        .number("recovery", i128::from(ppm), "ppm")
        .number("median of the band", i128::from(middle), "ppm")
        .beyond("half-width", i128::from(half), "ppm")
        .rests_on(window.iter().rev().take(16).map(|campaign| campaign.leaf));
    judge.flag(it.outputs.iter().map(|output| output.lot).fold(found, Finding::lot));
}

const fn recovers(process: Process) -> bool {
    matches!(
        process,
        Process::Concentrating
            | Process::Smelting
            | Process::Refining
            | Process::Reduction
            | Process::Recycling
    )
}

impl Recoveries {
    /// Looks at the facility's records up to a leaf, that one included; false when the budget ends before.
    fn gather(&mut self, view: &View<'_>, facility: Word, to: u32, budget: &mut Budget) -> bool {
        let posted = view.journal.done_at(facility).get(self.next..).unwrap_or(&[]);
        for leaf in posted.iter().copied().take_while(|leaf| *leaf <= to) {
            if let Some((entry, step)) = campaign_of(view, leaf) {
                if !budget.spend(1) {
                    return false;
                }
                if let Some((element, ppm)) = recovered(view, leaf, step) {
                    let campaign = Campaign { leaf, event_ms: entry.event_ms, ppm };
                    self.band(step.process, element).push(campaign);
                }
            }
            self.next += 1;
        }
        true
    }

    fn band(&mut self, process: Process, element: u8) -> &mut Band {
        let same = |band: &Band| band.process == process && band.element == element;
        let place = self.bands.iter().position(same).unwrap_or_else(|| {
            self.bands.push(Band { process, element, campaigns: Vec::new(), extremes: Vec::new() });
            self.bands.len() - 1
        });
        &mut self.bands[place]
    }

    /// The band of a record's campaign, and its place there.
    fn find(&self, process: Process, leaf: u32) -> Option<(&Band, usize)> {
        self.bands.iter().filter(|band| band.process == process).find_map(|band| {
            let newest = band.campaigns.last().filter(|campaign| campaign.leaf == leaf);
            let place = match newest {
                Some(_) => band.campaigns.len() - 1,
                None => band.campaigns.binary_search_by_key(&leaf, |campaign| campaign.leaf).ok()?,
            };
            Some((band, place))
        })
    }
}

impl Band {
    fn push(&mut self, campaign: Campaign) {
        let ppm = campaign.ppm;
        match self.extremes.last_mut().filter(|_| !self.campaigns.len().is_multiple_of(TOGETHER)) {
            Some((lowest, highest)) => (*lowest, *highest) = (ppm.min(*lowest), ppm.max(*highest)),
            None => self.extremes.push((ppm, ppm)),
        }
        self.campaigns.push(campaign);
    }

    /// Whether every campaign of a window, and some around it, is within the floor of a recovery: then so is the
    /// median of however many of them. False tells nothing.
    fn all_within(&self, window: core::ops::Range<usize>, ppm: i64, floor: i64) -> bool {
        let around = window.start / TOGETHER..window.end.div_ceil(TOGETHER);
        let (least, most) = (ppm.saturating_sub(floor), ppm.saturating_add(floor));
        self.extremes[around].iter().all(|(lowest, highest)| *lowest >= least && *highest <= most)
    }
}

fn campaign_of<'a>(view: &View<'a>, leaf: u32) -> Option<(&'a Entry, &'a StepFact)> {
    let entry = view.entry(leaf)?;
    match &entry.fact {
        Fact::Step(step) if recovers(step.process) => Some((entry, step)),
        _ => None,
    }
}

/// The element that makes up most of the first product, and how much of it came out in products.
fn recovered(view: &View<'_>, leaf: u32, it: &StepFact) -> Option<(u8, i64)> {
    let products = it.outputs.iter().filter(|output| output.role != OutputRole::Residue);
    let element = view.main_element(products.clone().next()?.lot)?;
    let parts = view.graph.inputs(view.step_of(leaf)?);
    let taken: u128 = parts.map(|part| view.graph.contained_in_part(&part, element).0).sum();
    let made: u128 = products.map(|output| view.made(leaf, output.lot, element).0).sum();
    ratio_ppm(i128::try_from(made).ok()?, taken).map(|ppm| (element.0, ppm.0))
}

/// Whether a recovery is within the floor of the median, which no band is narrower than: told by counting, since
/// the median lies between two values when neither too many are below nor too many above.
fn within_floor(recoveries: impl Iterator<Item = i64>, ppm: i64, floor: i64) -> bool {
    let (least, most) = (ppm.saturating_sub(floor), ppm.saturating_add(floor));
    let (mut all, mut below, mut above) = (0_usize, 0_usize, 0_usize);
    for other in recoveries {
        all += 1;
        below += usize::from(other < least);
        above += usize::from(other > most);
    }
    // The median is the value at place `all / 2` in order.
    below <= all / 2 && all - above > all / 2
}

fn median(values: &mut [i64]) -> i64 {
    let middle = values.len() / 2;
    if values.is_empty() { 0 } else { *values.select_nth_unstable(middle).1 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn extremes_pass_no_window_in_which_a_campaign_is_far_off() {
        let (process, element) = (Process::Refining, 73);
        let mut band = Band { process, element, campaigns: Vec::new(), extremes: Vec::new() };
        let (mut passed, mut looked_at) = (0, 0);
        for leaf in 0..2_000_u32 {
            // Calm for long, then one far off, above or below.
            let ppm = match leaf % 700 {
                300 => 990_000,
                600 => 910_000,
                other => 950_000 + i64::from(other * other % 7_001),
            };
            band.push(Campaign { leaf, event_ms: 0, ppm });
            let window = band.campaigns.len().saturating_sub(BAND_CAMPAIGNS)..band.campaigns.len();
            let near = |other: &Campaign| (other.ppm - ppm).abs() <= 10_000;
            let all_near = band.campaigns[window.clone()].iter().all(near);
            if band.all_within(window, ppm, 10_000) {
                assert!(all_near, "leaf {leaf}");
                passed += 1;
            } else {
                looked_at += usize::from(!all_near);
            }
        }
        assert!(passed > 500 && looked_at > 500, "{passed} passed, {looked_at} were looked at");
    }
}
