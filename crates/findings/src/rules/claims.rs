//! C: chain-of-custody models, recycled content, attestations, passports, assay exchange, blends.

use alloc::{collections::BTreeMap, collections::BTreeSet, format, string::String, vec::Vec};

use ore_audit::{CommissionFact, Entry, Fact, StepFact, Word};
use ore_provenance::Element;
use ore_record::v1::{
    Assay, AssayStage, Attestation, AttestationKind, CommissionKind, CreditDeposit, CustodyModel,
    MaterialClass, Process, Role,
};

use super::assay::symbol;
use crate::{
    Finding, Judge, Rule, Standing,
    permits::{about, named, standing},
};

/// What is known about the schemes behind a lot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Carried {
    /// Schemes that every source carries.
    pub(crate) all: BTreeSet<Word>,
    /// Whether any source carries one.
    pub(crate) some: bool,
}

/// C2 and C3 of a lot that a transformation made.
pub(crate) fn model(judge: &mut Judge<'_>, leaf: u32, entry: &Entry, it: &StepFact, lot: u32) {
    match judge.view.journal.lot(lot).map(|lot| lot.model) {
        Some(CustodyModel::IdentityPreserved) => one_source(judge, leaf, entry, lot),
        Some(CustodyModel::Segregated) => segregated(judge, leaf, entry, it, lot),
        _ => {}
    }
}

/// C2.
fn one_source(judge: &mut Judge<'_>, leaf: u32, entry: &Entry, lot: u32) {
    let view = judge.view;
    let Some(element) = view.main_element(lot) else { return };
    let Some(found) = judge.shares(lot, element, view.as_of) else { return };
    let sources: BTreeSet<_> = found.origins.iter().map(|origin| origin.origin.source).collect();
    if sources.len() < 2 {
        return;
    }
    let message = format!("{} is identity preserved and has {} sources", judge.id(lot), sources.len());
    let clears = "a weaker model for the lot, or a correction of its inputs";
    let found = Finding::new(Rule::C2, leaf, entry.author, message, clears)
        .lot(lot)
        .number("sources", sources.len() as i128, "count")
        .beyond("sources", 1, "count");
    judge.flag(found);
}

/// C3: a characteristic is the scheme of a certificate about the lot, its mine, or named when it was mined.
fn segregated(judge: &mut Judge<'_>, leaf: u32, entry: &Entry, it: &StepFact, lot: u32) {
    let inputs = it.inputs.iter().map(|input| Some((input.lot, characteristics(judge, input.lot)?)));
    let Some(carried) = inputs.collect::<Option<Vec<(u32, Carried)>>>() else { return };
    if !carried.iter().any(|(_, carried)| carried.some) {
        return;
    }
    let schemes: Vec<&BTreeSet<Word>> = carried.iter().map(|(_, carried)| &carried.all).collect();
    let common = schemes.first().is_some_and(|first| {
        first.iter().any(|scheme| schemes.iter().all(|schemes| schemes.contains(scheme)))
    });
    if common {
        return;
    }
    let without: Vec<&str> =
        carried.iter().filter(|(_, carried)| carried.all.is_empty()).map(|(lot, _)| judge.id(*lot)).collect();
    let message = format!(
        "{} is segregated; no characteristic holds for all inputs ({})",
        judge.id(lot),
        without.join(", ")
    );
    let clears = "a certificate for the input that lacks it, or a weaker model";
    let mut found = Finding::new(Rule::C3, leaf, entry.author, message, clears).lot(lot);
    for (input, carried) in &carried {
        if carried.all.is_empty() {
            found = found.lot(*input);
        }
    }
    judge.flag(found);
}

/// Schemes of the sources of a lot, worked out once for each lot of a question; nothing when the budget ends before.
fn characteristics(judge: &mut Judge<'_>, lot: u32) -> Option<Carried> {
    let view = judge.view;
    let mut open = Vec::from([lot]);
    while let Some(at) = open.last().copied() {
        if judge.memory.characteristics.contains_key(&at) {
            open.pop();
            continue;
        }
        let carried = match view.maker(at) {
            None => source(judge, at),
            Some((_, _, step)) => {
                let waits = |input: &u32| !judge.memory.characteristics.contains_key(input);
                let missing: Vec<u32> = step.inputs.iter().map(|input| input.lot).filter(waits).collect();
                if !missing.is_empty() {
                    if !judge.budget.spend(missing.len() as u64) {
                        return None;
                    }
                    open.extend(missing);
                    continue;
                }
                let mut inputs =
                    step.inputs.iter().filter_map(|input| judge.memory.characteristics.get(&input.lot));
                let first = inputs.next().cloned().unwrap_or(Carried { all: BTreeSet::new(), some: false });
                inputs.fold(first, |mut carried, other| {
                    carried.all.retain(|scheme| other.all.contains(scheme));
                    carried.some |= other.some;
                    carried
                })
            }
        };
        judge.memory.characteristics.insert(at, carried);
        open.pop();
    }
    judge.memory.characteristics.get(&lot).cloned()
}

fn source(judge: &Judge<'_>, lot: u32) -> Carried {
    let view = judge.view;
    let mut all = BTreeSet::new();
    let nothing = Carried { all: BTreeSet::new(), some: false };
    let Some(fact) = view.lot(lot) else { return nothing };
    let Some(entry) = view.entry(fact.made_at) else { return nothing };
    let Fact::Commission(made) = &entry.fact else { return nothing };
    if made.kind == CommissionKind::DeclaredUnknown {
        return nothing;
    }
    let certificate = AttestationKind::Certificate;
    let named = made.attestations.iter().filter_map(|id| named(&view, *id));
    let stated = about(&view, fact.id, certificate).chain(about(&view, fact.facility, certificate));
    for (.., it) in stated.chain(named) {
        let held = it.kind() == certificate && standing(&view, it, entry.event_ms) == Standing::Valid;
        if held && it.scheme != "tags" {
            all.extend(view.journal.words().find(&it.scheme));
        }
    }
    Carried { some: !all.is_empty(), all }
}

/// C11: trace patterns of unrefined blends.
pub(crate) fn blend(judge: &mut Judge<'_>, leaf: u32, entry: &Entry, it: &StepFact) {
    if !matches!(it.process, Process::Blending | Process::Crushing | Process::Splitting) {
        return;
    }
    let mut parts: Vec<(u32, u128, Pattern, u32)> = Vec::new();
    for input in &it.inputs {
        let Some((at, pattern)) = pattern(judge, input.lot) else { return };
        parts.push((input.lot, u128::from(input.dry_mg), pattern, at));
    }
    let total: u128 = parts.iter().map(|part| part.1).sum();
    let limit = u128::from(judge.terms.thresholds.pattern_tolerance_ppm);
    if total == 0 {
        return;
    }
    for output in &it.outputs {
        let Some((at, measured)) = pattern(judge, output.lot) else { continue };
        let (mut outside, mut compared, mut worst) = (0_i128, 0_i128, (0, 0, 0_u128));
        for (analyte, found) in &measured {
            let mix: Option<u128> =
                parts.iter().map(|part| part.2.get(analyte).map(|ppt| u128::from(*ppt) * part.1)).sum();
            let Some(mix) = mix.map(|mix| mix / total).filter(|mix| *mix > 0) else { continue };
            compared += 1;
            let off = mix.abs_diff(u128::from(*found)).saturating_mul(1_000_000) / mix;
            if off > limit {
                outside += 1;
                if off > worst.2 {
                    worst = (analyte.0, analyte.1, off);
                }
            }
        }
        if outside < 2 && (outside == 0 || compared > 2) {
            continue;
        }
        let element = u8::try_from(worst.0).unwrap_or(0);
        let message = format!(
            "{} of {} trace elements of {} differ from the mix of its inputs, most {}",
            outside,
            compared,
            judge.id(output.lot),
            symbol(element)
        );
        let clears = "a new assay of blend and inputs, or the input that is missing in the record";
        let found = Finding::new(Rule::C11, leaf, entry.author, message, clears)
            .lot(output.lot)
            .number("elements outside", outside, "count")
            .number("largest difference", worst.2.cast_signed(), "ppm")
            .beyond("difference from the mix", limit.cast_signed(), "ppm")
            .rests_on(parts.iter().map(|part| part.3).chain([at]));
        judge.flag(found);
    }
}

/// Parts per trillion by element and isotope.
type Pattern = BTreeMap<(u32, u32), u64>;

/// The newest trace pattern of a lot: parts per trillion by element and isotope, detected ones only.
fn pattern(judge: &Judge<'_>, lot: u32) -> Option<(u32, Pattern)> {
    judge.view.timeline(lot).rev().find_map(|(at, entry)| match &entry.fact {
        Fact::Assay { lot: of, assay, .. } if *of == lot && !assay.pattern.is_empty() => {
            let detected = assay.pattern.iter().filter(|value| !value.below_detection);
            Some((at, detected.map(|value| ((value.element, value.isotope), value.ppt)).collect()))
        }
        _ => None,
    })
}

/// C6, and C7 for a claim that stands by itself.
pub(crate) fn attested(judge: &mut Judge<'_>, leaf: u32, entry: &Entry, it: &Attestation) {
    let scheme = it.scheme.to_ascii_lowercase();
    if !(scheme.contains("14021") || scheme == "recycled-content") {
        return;
    }
    let view = judge.view;
    let Some(lot) = view.lot_named(&it.subject) else { return };
    let mut words = it.scope.split_whitespace();
    let element = words.next().and_then(ore_record::elements::atomic_number);
    let claimed = words.next().and_then(percent_e18);
    let (Some(element), Some(claimed)) = (element.and_then(|it| u8::try_from(it).ok()), claimed) else {
        return;
    };
    let Some(found) = judge.shares(lot, Element(element), view.as_of) else { return };
    let computed = u128::from(found.recycled.value.units());
    let tolerance = u128::from(judge.terms.thresholds.recycled_tolerance_ppm) * 1_000_000_000_000;
    if claimed <= computed + tolerance {
        return;
    }
    let message = format!("{} claims {} recycled content, the records show less", it.subject, it.scope);
    let clears = "records of the recycled material, or a lower claim";
    let found = Finding::new(Rule::C6, leaf, entry.author, message, clears)
        .lot(lot)
        .number("claimed", claimed.cast_signed(), "1e-18")
        .number("computed, run-around left out", computed.cast_signed(), "1e-18")
        .beyond("tolerance", i128::from(judge.terms.thresholds.recycled_tolerance_ppm), "ppm");
    judge.flag(found);
}

/// `35`, `35.5` or `35%` as 10^-18.
fn percent_e18(text: &str) -> Option<u128> {
    let text = text.trim_end_matches('%');
    let (whole, part) = text.split_once('.').unwrap_or((text, ""));
    let part: u128 = format!("{part:0<16}").get(..16)?.parse().ok()?;
    whole.parse::<u128>().ok()?.checked_mul(10_000_000_000_000_000)?.checked_add(part)
}

/// C7 of a credit.
pub(crate) fn deposit(judge: &mut Judge<'_>, leaf: u32, entry: &Entry, lot: u32, it: &CreditDeposit) {
    let id = judge.view.journal.words().find(&it.attestation);
    backed(judge, leaf, entry, lot, id.unwrap_or(Word::EMPTY), Some(&it.scheme));
}

/// C7: an attestation that a claim relies on.
fn backed(judge: &mut Judge<'_>, leaf: u32, entry: &Entry, lot: u32, id: Word, scheme: Option<&str>) {
    let view = judge.view;
    let (why, rests) = match named(&view, id) {
        None => (String::from("no attestation is named"), Vec::new()),
        Some((at, issuer, it)) => {
            if it.kind() != AttestationKind::Certificate {
                return;
            }
            let held = standing(&view, it, entry.event_ms);
            let authority =
                view.member(issuer).is_some_and(|member| member.roles.contains(&(Role::Authority as i32)));
            let accredited = about(&view, issuer, AttestationKind::Accreditation).any(|(.., by)| {
                by.scheme == it.scheme && standing(&view, by, entry.event_ms) == Standing::Valid
            });
            let rests: Vec<u32> = [Some(at), held.change()].into_iter().flatten().collect();
            if held != Standing::Valid {
                (format!("{} is {}", it.id, held.word()), rests)
            } else if scheme.is_some_and(|scheme| scheme != it.scheme) {
                (format!("{} is of scheme {}", it.id, it.scheme), rests)
            } else if !authority && !accredited {
                (format!("{} is not accredited for {}", judge.text(issuer), it.scheme), rests)
            } else {
                return;
            }
        }
    };
    let message = format!("the claim for {} is not backed: {why}", judge.id(lot));
    let clears = "an attestation that held at that date, by an issuer accredited for its scheme";
    judge.flag(Finding::new(Rule::C7, leaf, entry.author, message, clears).lot(lot).rests_on(rests));
}

/// C7 for the attestations of a new lot.
pub(crate) fn relied_on(judge: &mut Judge<'_>, leaf: u32, entry: &Entry, it: &CommissionFact) {
    for attestation in &it.attestations {
        backed(judge, leaf, entry, it.lot, *attestation, None);
    }
}

/// C8 for a lot that replaces a withdrawn one: what a passport said before the correction, and what the records say
/// now.
pub(crate) fn corrected(judge: &mut Judge<'_>, leaf: u32, entry: &Entry, lot: u32) {
    let view = judge.view;
    let Some(fact) = view.journal.lot(lot) else { return };
    let Some(old) = fact.replaces.and_then(|old| Some((old, view.journal.lot(old)?))) else { return };
    let Some(withdrawn) = view.journal.entry(old.1.made_at).and_then(|entry| entry.withdrawn_at) else {
        return;
    };
    let stated = view.journal.attested(fact.id).iter().copied();
    let passports: Vec<u32> = stated.filter(|at| *at < withdrawn && view.entry(*at).is_some()).collect();
    let finished = matches!(
        fact.material,
        MaterialClass::SputteringTarget | MaterialClass::Component | MaterialClass::FinishedProduct
    );
    if passports.is_empty() && !finished {
        return;
    }
    let Some(element) = view.main_element(lot) else { return };
    let mut shares = |lot: u32, as_of: u64| {
        let found = judge.shares(lot, element, as_of)?;
        let shares = found.origins.iter().map(|origin| (origin.origin, origin.share.value.units()));
        Some((shares.collect::<BTreeMap<_, _>>(), found.contained.value.0 / 1_000_000_000))
    };
    let (Some(then), Some(now)) = (shares(old.0, withdrawn.into()), shares(lot, view.as_of)) else { return };
    let origins: BTreeSet<_> = then.0.keys().chain(now.0.keys()).collect();
    let difference = |origin| {
        let of = |shares: &BTreeMap<_, u64>| shares.get(origin).copied().unwrap_or(0);
        of(&then.0).abs_diff(of(&now.0))
    };
    let largest = origins.into_iter().map(difference).max().unwrap_or(0);
    if largest == 0 && then.1 == now.1 {
        return;
    }
    let message = format!("what was said of {} before its correction no longer holds", judge.id(lot));
    let found = Finding::new(Rule::C8, leaf, entry.author, message, "a new passport on the corrected facts")
        .lot(lot)
        .number("largest change of a share", i128::from(largest), "1e-18")
        .number("content then", then.1.cast_signed(), "mg")
        .number("content now", now.1.cast_signed(), "mg")
        .rests_on(passports)
        .rests_on([old.1.made_at, withdrawn]);
    judge.flag(found);
}

/// C9: judged where the second party's assay is revealed.
pub(crate) fn exchange(
    judge: &mut Judge<'_>,
    leaf: u32,
    entry: &Entry,
    lot: u32,
    it: &Assay,
    reveals: Option<u32>,
) {
    let view = judge.view;
    let stage = |assay: &Assay| assay.composition.as_ref().map(|composition| composition.stage());
    let other_stage = match stage(it) {
        Some(AssayStage::Seller) => AssayStage::Buyer,
        Some(AssayStage::Buyer) => AssayStage::Seller,
        _ => return,
    };
    // Its timeline is looked through for the other party's assay, and for an umpire's.
    if !judge.budget.spend(2 * view.journal.timeline(lot).len() as u64) {
        return;
    }
    let of_stage = |wanted: AssayStage| {
        view.timeline(lot).filter_map(move |(at, entry)| match &entry.fact {
            Fact::Assay { lot: of, assay, reveals, .. } if *of == lot && stage(assay) == Some(wanted) => {
                Some((at, &**assay, *reveals))
            }
            _ => None,
        })
    };
    let Some((other_at, other, other_reveals)) =
        of_stage(other_stage).take_while(|(at, ..)| *at < leaf).last()
    else {
        return;
    };
    // Blind: each had committed before the other opened.
    let committed = reveals.unwrap_or(leaf);
    if other_reveals.is_some() != reveals.is_some() || (reveals.is_some() && committed > other_at) {
        let message = format!("assays of {} were not exchanged blind", judge.id(lot));
        let clears = "a new exchange in which both commit before either opens, or an umpire's assay";
        let found = Finding::new(Rule::C9, leaf, entry.author, message, clears).lot(lot);
        judge.flag(found.rests_on([other_at, committed]).rests_on(other_reveals));
        return;
    }
    if of_stage(AssayStage::Umpire).next().is_some() {
        return;
    }
    let contents = |assay: &Assay| -> BTreeMap<u8, u32> {
        let contents = assay.composition.iter().flat_map(|composition| &composition.contents);
        contents
            .filter_map(|content| ore_record::content::element_of(content).ok())
            .map(|content| (content.element, content.ppb))
            .collect()
    };
    let (ours, theirs) = (contents(it), contents(other));
    for (element, ppb) in &ours {
        let Some(against) = theirs.get(element) else { continue };
        let listed = judge.terms.keyed("splitting-limits", symbol(*element), entry.event_ms);
        let limit =
            listed.and_then(|limit| limit.parse().ok()).unwrap_or(judge.terms.thresholds.splitting_limit_ppb);
        let apart = ppb.abs_diff(*against);
        if apart <= limit {
            continue;
        }
        let message = format!(
            "assays of {} in {} are further apart than the splitting limit",
            symbol(*element),
            judge.id(lot)
        );
        let clears = "an umpire's assay, or a settlement between the parties";
        let found = Finding::new(Rule::C9, leaf, entry.author, message, clears)
            .lot(lot)
            .number("this assay", i128::from(*ppb), "ppb")
            .number("the other", i128::from(*against), "ppb")
            .beyond("splitting limit", i128::from(limit), "ppb")
            .rests_on([other_at]);
        judge.flag(found);
        return;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_percentage_is_read_to_its_last_digit_or_not_at_all() {
        assert_eq!(percent_e18("35"), Some(350_000_000_000_000_000));
        assert_eq!(percent_e18("35.5%"), Some(355_000_000_000_000_000));
        assert_eq!(percent_e18("0.0000000000000001"), Some(1));
        assert_eq!((percent_e18("a lot"), percent_e18("1.é"), percent_e18("-3")), (None, None, None));
        // One more than 128 bits hold, in the part behind the point.
        assert_eq!(percent_e18("34028236692093846346337.4607431768211455"), Some(u128::MAX));
        assert_eq!(percent_e18("34028236692093846346337.4607431768211456"), None);
        assert_eq!(percent_e18("34028236692093846346338"), None);
    }
}
