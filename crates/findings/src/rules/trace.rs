//! O15 and O16: what a trace pattern says of the origin that was claimed for a lot.
//!
//! The claim, the assay and the library are records, so every reader comes to the same case and to the same
//! ratio. What cannot be assessed is a finding of its own, with its reasons: silence must not read as a pass.

use alloc::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    format,
    string::{String, ToString},
    sync::Arc,
    vec::Vec,
};

use ore_audit::{Entry, Fact, View, Word};
use ore_fingerprint::{
    ledger::{self, Case},
    library::{FitError, Library},
};
use ore_record::v1::{Assay, MaterialClass, Process, PublishLibrary, ReferencePart};

use crate::{Finding, Judge, Rule};

/// Lots looked at on the way up and down from a lot, for patterns that were shown before its claim.
const MOST_RELATIVES: usize = 1_000;

/// A claim about a lot, and all that the ledger knows around it.
#[derive(Clone, Copy, Debug)]
pub struct OriginCase<'a> {
    /// Leaf of the claim.
    pub claim: u32,
    /// Name of the claimed origin.
    pub origin: &'a str,
    /// Leaf that publishes the library's version.
    pub library: u32,
    /// Leaf of the assay.
    pub at: u32,
    /// The assay.
    pub assay: &'a Assay,
    /// Different origins of libraries that were claimed for the lot.
    pub claims: usize,
    /// Leaf that first showed a trace pattern of the lot, or of what it was made from or into by physical steps.
    pub first_shown: u32,
    /// What the lot is.
    pub material: MaterialClass,
}

impl<'a> OriginCase<'a> {
    /// As the fingerprint takes it.
    #[must_use]
    pub const fn case(&self) -> Case<'a> {
        Case {
            origin: self.origin,
            claims: self.claims,
            committed_first: self.claim < self.first_shown,
            material: self.material,
            assay: self.assay,
        }
    }
}

/// The case of a lot and one of its assays; of its newest that shows a pattern when none is named. `None`
/// without such an assay, or without a claim.
#[must_use]
pub fn origin_case<'a>(view: &View<'a>, lot: u32, at: Option<u32>) -> Option<OriginCase<'a>> {
    let (at, assay) = view.timeline(lot).rev().find_map(|(leaf, entry)| match &entry.fact {
        Fact::Assay { lot: of, assay, .. } if *of == lot && ledger::shows_pattern(assay) => {
            (at.is_none() || at == Some(leaf)).then_some((leaf, &**assay))
        }
        _ => None,
    })?;
    let claimed: Vec<(u32, Word, u32)> = view
        .timeline(lot)
        .filter_map(|(leaf, entry)| match &entry.fact {
            Fact::Origin { lot: of, origin, library } if *of == lot => Some((leaf, *origin, *library)),
            _ => None,
        })
        .collect();
    // A name that no library has fits nothing: a slip of the pen is no second try.
    let known: Vec<&(u32, Word, u32)> =
        claimed.iter().filter(|(_, origin, library)| holds(view, *library, *origin)).collect();
    let (claim, origin, library) = *known.first().copied().or(claimed.last())?;
    let claims = known.iter().map(|(_, origin, _)| *origin).collect::<BTreeSet<_>>().len();
    Some(OriginCase {
        claim,
        origin: view.journal.text(origin),
        library,
        at,
        assay,
        claims,
        first_shown: first_shown(view, lot).min(at),
        material: view.journal.lot(lot).map_or(MaterialClass::Unspecified, |lot| lot.material),
    })
}

/// A published version with its parts.
#[must_use]
pub fn library_of<'a>(view: &View<'a>, leaf: u32) -> Option<(&'a PublishLibrary, Vec<&'a ReferencePart>)> {
    let Fact::Library { library, parts } = &view.entry(leaf)?.fact else { return None };
    let journal = view.journal;
    let part = |leaf: &u32| match &journal.entry(*leaf)?.fact {
        Fact::Reference(part) => Some(&**part),
        _ => None,
    };
    Some((&**library, parts.iter().filter_map(part).collect()))
}

fn holds(view: &View<'_>, library: u32, origin: Word) -> bool {
    let name = view.journal.text(origin);
    let parts = library_of(view, library).map(|(_, parts)| parts).unwrap_or_default();
    parts.iter().any(|part| !part.background && part.origin == name)
}

/// Withdrawn assays count: whoever read them has read them.
fn first_shown(view: &View<'_>, lot: u32) -> u32 {
    let mut seen = BTreeSet::from([lot]);
    let mut open = VecDeque::from([lot]);
    let mut first = u32::MAX;
    while let Some(lot) = open.pop_front() {
        for leaf in view.journal.timeline(lot) {
            let Some(entry) = view.journal.entry(*leaf) else { continue };
            match &entry.fact {
                Fact::Assay { lot: of, assay, .. } if *of == lot && ledger::shows_pattern(assay) => {
                    first = first.min(*leaf);
                }
                Fact::Step(step) if keeps_pattern(step.process) => {
                    let inputs = step.inputs.iter().map(|input| input.lot);
                    for other in inputs.chain(step.outputs.iter().map(|output| output.lot)) {
                        if seen.len() < MOST_RELATIVES && seen.insert(other) {
                            open.push_back(other);
                        }
                    }
                }
                _ => {}
            }
        }
    }
    first
}

/// Physical steps: what they leave has the pattern of what went in.
const fn keeps_pattern(process: Process) -> bool {
    matches!(process, Process::Crushing | Process::Concentrating | Process::Blending | Process::Splitting)
}

/// Libraries that a question has fitted, by the leaf that publishes them.
pub(crate) type Fitted = BTreeMap<u32, Result<Arc<Library>, String>>;

/// O15, O16: judged where a pattern is shown.
pub(crate) fn shown(judge: &mut Judge<'_>, leaf: u32, entry: &Entry, lot: u32) {
    let Some(case) = origin_case(&judge.view, lot, Some(leaf)) else { return };
    let claims = i128::try_from(case.claims).unwrap_or(i128::MAX);
    let why = match fitted(judge, case.library) {
        Ok(library) => match ledger::strength(&library, &case.case()) {
            Ok(strength) => {
                let limit = judge.terms.thresholds.origin_ratio_milli;
                if strength.ratio_milli > limit {
                    return;
                }
                let message = format!(
                    "the trace pattern of {} speaks against {:?}: {}",
                    judge.id(lot),
                    case.origin,
                    strength.words
                );
                let clears = "an assay of a sample that a third party took, or a correction of what the lot is made of";
                let found = Finding::new(Rule::O15, leaf, entry.author, message, clears)
                    .lot(lot)
                    .number("likelihood ratio", strength.ratio_milli, "1/1000")
                    .number("origins claimed", claims, "count")
                    .beyond("likelihood ratio", limit, "1/1000")
                    .rests_on([case.claim, case.library]);
                judge.flag(found);
                return;
            }
            Err(reasons) => reasons.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "),
        },
        Err(why) => why,
    };
    let message = format!("{:?} as the origin of {} is not assessable: {why}", case.origin, judge.id(lot));
    let clears = "what the reason names; until then the claim is neither supported nor contradicted";
    let found = Finding::new(Rule::O16, leaf, entry.author, message, clears)
        .lot(lot)
        .number("origins claimed", claims, "count")
        .rests_on([case.claim, case.library]);
    judge.flag(found);
}

fn fitted(judge: &mut Judge<'_>, leaf: u32) -> Result<Arc<Library>, String> {
    if let Some(known) = judge.memory.libraries.get(&leaf) {
        return known.clone();
    }
    let fit = match library_of(&judge.view, leaf) {
        None => Err(String::from("the library cannot be read")),
        Some((library, parts)) => {
            let analyses: usize = parts.iter().map(|part| part.analyses.len()).sum();
            // Some three microseconds an analysis.
            judge.budget.spend(10 * analyses as u64);
            let fit: Result<Library, FitError> = ledger::library(&library.matrix, parts.into_iter());
            fit.map(Arc::new).map_err(|error| error.to_string())
        }
    };
    judge.memory.libraries.insert(leaf, fit.clone());
    fit
}
