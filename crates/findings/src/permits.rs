//! Permits and certificates at the date of an event: validity, suspensions, scope, minerals, quantities.

use alloc::{string::String, vec::Vec};

use ore_audit::{Fact, View, Word};
use ore_record::v1::{Attestation, AttestationKind, AttestationState};

/// Whether an attestation held at some time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It held.
    Valid,
    /// Not yet.
    NotYet,
    /// No longer.
    Expired,
    /// Suspended by the record at this leaf.
    Suspended(u32),
    /// Revoked by the record at this leaf.
    Revoked(u32),
}

impl Standing {
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Valid => "valid",
            Self::NotYet => "not yet valid",
            Self::Expired => "expired",
            Self::Suspended(_) => "suspended",
            Self::Revoked(_) => "revoked",
        }
    }

    pub(crate) const fn change(self) -> Option<u32> {
        match self {
            Self::Suspended(leaf) | Self::Revoked(leaf) => Some(leaf),
            _ => None,
        }
    }
}

/// The attestation of an id, its leaf and its issuer.
pub(crate) fn named<'a>(view: &View<'a>, id: Word) -> Option<(u32, Word, &'a Attestation)> {
    let text = view.journal.text(id);
    view.posted(id).find_map(|(leaf, entry)| match &entry.fact {
        Fact::Attest(attestation) if attestation.id == text => Some((leaf, entry.author, &**attestation)),
        _ => None,
    })
}

/// Attestations of a kind about a subject, oldest first.
pub(crate) fn about<'a>(
    view: &View<'a>,
    subject: Word,
    kind: AttestationKind,
) -> impl Iterator<Item = (u32, Word, &'a Attestation)> + use<'a> {
    among(view, view.journal.attested(subject), kind)
}

/// The same where its attestations were looked up before.
pub(crate) fn among<'a>(
    view: &View<'a>,
    attested: &'a [u32],
    kind: AttestationKind,
) -> impl Iterator<Item = (u32, Word, &'a Attestation)> + use<'a> {
    let view = *view;
    attested.iter().filter_map(move |leaf| {
        let entry = view.entry(*leaf)?;
        match &entry.fact {
            Fact::Attest(it) if it.kind() == kind => Some((*leaf, entry.author, &**it)),
            _ => None,
        }
    })
}

/// Whether an attestation held at a time, with every suspension, reinstatement and revocation before it.
#[must_use]
pub fn standing(view: &View<'_>, attestation: &Attestation, at_ms: u64) -> Standing {
    if at_ms < attestation.valid_from_ms {
        return Standing::NotYet;
    }
    if attestation.valid_until_ms != 0 && at_ms >= attestation.valid_until_ms {
        return Standing::Expired;
    }
    let Some(id) = view.journal.words().find(&attestation.id) else { return Standing::Valid };
    let changes = view.journal.changes(id).iter().filter_map(|leaf| {
        let entry = view.entry(*leaf).filter(|entry| entry.event_ms <= at_ms)?;
        match entry.fact {
            Fact::ChangeAttestation { state, .. } => Some((entry.event_ms, *leaf, state)),
            _ => None,
        }
    });
    match changes.max_by_key(|(at, leaf, _)| (*at, *leaf)) {
        Some((_, leaf, AttestationState::Suspended)) => Standing::Suspended(leaf),
        Some((_, leaf, AttestationState::Revoked)) => Standing::Revoked(leaf),
        _ => Standing::Valid,
    }
}

/// Names under which a lot's mineral may stand in a permit: what the mine produces, and the element's symbol.
pub(crate) fn minerals_of<'a>(view: &View<'a>, lot: u32) -> Vec<&'a str> {
    let mut names = Vec::new();
    let Some(fact) = view.journal.lot(lot) else { return names };
    if let Some(facility) = view.facility(fact.facility) {
        names.extend(facility.minerals.iter().map(String::as_str));
    }
    let symbol = view.main_element(lot).and_then(|element| ore_record::elements::symbol(element.0.into()));
    names.extend(symbol);
    names
}

/// Whether a permit's minerals cover a lot's; a permit that names none covers all.
pub(crate) fn covers_mineral(permit: &Attestation, minerals: &[&str]) -> bool {
    permit.minerals.is_empty() || permit.minerals.iter().any(|named| minerals.contains(&named.as_str()))
}

/// Whether a permit's scope names another member or place than those given. Free text names nobody.
pub(crate) fn scope_excludes(view: &View<'_>, scope: &str, ours: &[Word]) -> bool {
    let Some(word) = view.journal.words().find(scope).filter(|word| !word.is_empty()) else { return false };
    let somebody = view.member(word).is_some() || view.facility(word).is_some();
    somebody && !ours.contains(&word)
}
