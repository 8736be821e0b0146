//! Form of what the roster holds: members, facilities, attestations, profiles, sets of validators.

use alloc::{format, vec::Vec};

use ore_record::{
    LotId, MemberId,
    v1::{
        Attestation, AttestationKind, Facility, FacilityKind, MaterialClass, Member, Profile, Role, Validator,
    },
};

use crate::{
    codes,
    desk::Desk,
    rejection::{About, Verdict},
    rules::values::{self, bad},
};

pub(crate) fn member(member: &Member) -> Verdict<MemberId> {
    let id = MemberId::parse(&member.id).map_err(|wrong| {
        bad(format!("{wrong}"), "choose a short name in lower case, for example kivu-tin")
    })?;
    values::required_text("the legal name", &member.legal_name, 256)?;
    values::country("the member's country", &member.country)?;
    values::count("identifiers", member.identifiers.len(), 16)?;
    for identifier in &member.identifiers {
        values::required_text("an identifier's scheme", &identifier.scheme, 32)?;
        values::required_text("an identifier", &identifier.value, 128)?;
    }
    roles(&member.roles)?;
    Ok(id)
}

pub(crate) fn roles(roles: &[i32]) -> Verdict<()> {
    values::count("roles", roles.len(), 16)?;
    if roles.is_empty() {
        return Err(bad("the member has no role", "state at least one role"));
    }
    for (at, role) in roles.iter().enumerate() {
        values::stated::<Role>("role", *role)?;
        if roles[..at].contains(role) {
            return Err(bad("a role is stated twice", "state each role once"));
        }
    }
    Ok(())
}

pub(crate) fn facility(desk: &Desk<'_>, facility: &Facility) -> Verdict<()> {
    let id = LotId::parse(&facility.id).map_err(|wrong| {
        bad(
            format!("facility: {wrong}"),
            "name it after your member id and a slash, for example kivu-tin/mine-1",
        )
    })?;
    if id.member() != desk.author_id() {
        return Err(not_own("facility", &facility.id, desk.author_id()));
    }
    values::required_text("the facility's name", &facility.name, 128)?;
    let kind: FacilityKind = values::stated("the kind of facility", facility.kind)?;
    values::coordinates(facility.latitude_e7, facility.longitude_e7)?;
    values::country("the facility's country", &facility.country)?;
    values::text("the facility's reference", &facility.reference, 256)?;
    values::count("materials", facility.materials.len(), 16)?;
    for material in &facility.materials {
        values::stated::<MaterialClass>("material class", *material)?;
    }
    values::text("the deposit type", &facility.deposit_type, 64)?;
    values::texts("minerals", &facility.minerals, 32, 64)?;
    let mine_only = !facility.deposit_type.is_empty() || !facility.minerals.is_empty() || facility.artisanal;
    if kind != FacilityKind::Mine && mine_only {
        return Err(bad("deposit type, minerals and artisanal are stated for mines only", "leave them out")
            .named(&facility.id));
    }
    Ok(())
}

fn not_own(what: &str, id: &str, author: &str) -> alloc::boxed::Box<crate::Rejection> {
    crate::rejection::refuse(
        crate::Rule::A4,
        crate::Reason::NotAuthor,
        format!("{what} {id} bears another member's name"),
        format!("name it {author}/<number>"),
    )
    .named(id)
}

pub(crate) fn attestation(desk: &Desk<'_>, attestation: &Attestation) -> Verdict<()> {
    let id = LotId::parse(&attestation.id).map_err(|wrong| {
        bad(
            format!("attestation: {wrong}"),
            "name it after your member id and a slash, with the number of the document",
        )
    })?;
    if id.member() != desk.author_id() {
        return Err(not_own("attestation", &attestation.id, desk.author_id()));
    }
    values::stated::<AttestationKind>("the kind of attestation", attestation.kind)?;
    values::text("the scheme", &attestation.scheme, 64)?;
    values::text("the scope", &attestation.scope, 256)?;
    values::texts("minerals", &attestation.minerals, 32, 64)?;
    let subject = attestation.subject.as_str();
    let state = desk.state;
    let known = state.roster_index_of_member(subject).is_some()
        || state.roster_index_of_facility(subject).is_some()
        || state.lot_ordinal(subject).is_some();
    if !known {
        return Err(bad(
            format!("subject {:?} is no member, facility or lot", crate::rejection::shorten(subject)),
            "name what the attestation is about by its id in this ledger",
        )
        .named(subject));
    }
    if attestation.valid_from_ms >= attestation.valid_until_ms {
        return Err(bad(
            "the attestation ends before it begins",
            "state from when and until when it is valid",
        ));
    }
    Ok(())
}

/// Tenths of a gigabyte are no profile: 64 lists, 10,000 values in all (an entry is smaller anyway).
pub(crate) fn profile(desk: &Desk<'_>, profile: &Profile) -> Verdict<()> {
    let next = desk.state.profile().map_or(0, |profile| profile.version).saturating_add(1);
    if profile.version != next {
        return Err(crate::rejection::refuse(
            crate::Rule::A6,
            crate::Reason::Governance,
            format!("the profile has version {}, the next one is {next}", profile.version),
            format!("number it {next}; if another version came first, look at it before you replace it"),
        ));
    }
    values::text("the profile's name", &profile.name, 128)?;
    if profile.metal_gain_limit_ppm > 1_000_000 {
        return Err(bad(
            format!("the limit of metal gain is {} ppm, above the whole", profile.metal_gain_limit_ppm),
            "state at most 1000000 ppm",
        ));
    }
    const DAY_MS: u64 = 24 * 60 * 60 * 1000;
    if profile.clock_tolerance_ms > DAY_MS {
        return Err(bad(
            "the clock tolerance is more than a day",
            "state at most 86400000 ms; five minutes are usual",
        ));
    }
    if !profile.hs_table.is_empty() && profile.hs_table != codes::HS_TABLE {
        return Err(bad(
            format!(
                "this version knows the table {} only, not {:?}",
                codes::HS_TABLE,
                crate::rejection::shorten(&profile.hs_table)
            ),
            format!("state {}", codes::HS_TABLE),
        ));
    }
    values::count("tolerances", profile.balance_tolerance_ppm.len(), 32)?;
    values::count("approvals", profile.approvals_needed as usize, 1024)?;
    values::count("lists", profile.lists.len(), 64)?;
    for list in &profile.lists {
        values::required_text("a list's name", &list.name, 64)?;
        values::text("a list's source", &list.source, 256)?;
        values::texts("values of a list", &list.values, 10_000, 128)?;
    }
    Ok(())
}

/// None is stated, or the next one; in genesis any that follows the first. What a version says is no matter here: whoever
/// does not know it must be able to see that it was voted in.
pub(crate) fn rules_version(desk: &Desk<'_>, stated: u32) -> Verdict<()> {
    let present = desk.state.rules_version_at(u64::MAX);
    if stated == 0 || stated == present.saturating_add(1) || desk.genesis() && stated > present {
        return Ok(());
    }
    Err(crate::rejection::refuse(
        crate::Rule::A6,
        crate::Reason::Governance,
        format!("version {stated} of the rules does not follow version {present}"),
        format!("state version {}, or none to keep the rules as they are", present.saturating_add(1)),
    ))
}

pub(crate) fn validators(desk: &Desk<'_>, validators: &[Validator]) -> Verdict<()> {
    values::count("validators", validators.len(), 64)?;
    if validators.is_empty() {
        return Err(bad("a ledger has at least one validator", "name the members that order blocks"));
    }
    let mut keys: Vec<&[u8]> = Vec::with_capacity(4 * validators.len());
    for (at, validator) in validators.iter().enumerate() {
        desk.member(&validator.member, "validator")?;
        if validators[..at].iter().any(|other| other.member == validator.member) {
            return Err(bad(
                format!("member {} is a validator twice: one organisation has one vote", validator.member),
                "name each member once",
            )
            .named(&validator.member));
        }
        values::text("the peer address", &validator.peer_address, 255)?;
        for key in [&validator.consensus_key, &validator.log_key, &validator.cosigner_key] {
            values::digest("a validator's key", key, false)?;
            keys.push(key);
        }
        // A ledger's only node needs no links, and older sets have none.
        if !validator.tls_key.is_empty() {
            values::digest("a validator's key", &validator.tls_key, false)?;
            keys.push(&validator.tls_key);
        }
    }
    keys.sort_unstable();
    if keys.windows(2).any(|pair| pair[0] == pair[1]) {
        return Err(bad(
            "two validator keys are the same",
            "make a key of its own for each purpose and node",
        ));
    }
    Ok(())
}
