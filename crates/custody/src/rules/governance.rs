//! Governance: members, roles, keys, facilities, attestations, profile, validators.
//!
//! Admission, roles, profile and validators take the approval of several members: the record waits
//! as a proposal, each `Approve` adds a member, and the last one needed puts it in force. In genesis
//! nothing waits: the trust root names the genesis block as a whole.

use alloc::{boxed::Box, format, vec, vec::Vec};

use ore_record::{
    MemberId,
    keys::PublicKey,
    v1::{
        self, AddKey, AdmitMember, Approve, Attest, AttestationState, ChangeAttestation, ChangeRoles,
        ChangeValidators, KeyRegistration, KeyState, RegisterFacility, RevokeKey, SetProfile, record::Event,
    },
};

use crate::{
    books::Proposal,
    change::Write,
    desk::{Desk, brief},
    lot::Place,
    rejection::{About, Reason, Rule, Verdict, refuse},
    roster::{self, Member, RosterEntry, ValidatorSet},
    rules::{roster_form as form, values},
};

/// Proposals of one member that wait at one time.
const MOST_PROPOSALS: usize = 16;
/// Keys of one member, revoked ones included.
const MOST_KEYS: usize = 64;
/// Changes of one attestation.
const MOST_CHANGES: usize = 256;
/// A set of validators orders blocks from so many heights after its record is in force.
const VALIDATORS_DELAY: u64 = 2;

/// Checks a proposal now, and puts it in force if its author alone suffices.
pub(crate) fn propose(desk: &mut Desk<'_>, event: &Event) -> Verdict<()> {
    let in_force = enact(desk, event)?;
    if desk.genesis() || enough(desk, event, &[desk.author]) {
        desk.writes.extend(in_force);
        return Ok(());
    }
    let waiting = desk.state.books.proposals.values();
    if waiting.filter(|proposal| proposal.approvals.first() == Some(&desk.author)).count() >= MOST_PROPOSALS {
        return Err(refuse(
            Rule::A4,
            Reason::Governance,
            format!("{} proposals of {} wait already", MOST_PROPOSALS, desk.author_id()),
            "withdraw one of them first",
        ));
    }
    desk.writes.push(Write::Proposal(desk.leaf, Some(Proposal { approvals: vec![desk.author] })));
    Ok(())
}

/// Adds the author to a proposal's approvals; the last one needed puts it in force.
pub(crate) fn approve(desk: &mut Desk<'_>, event: &Approve) -> Verdict<()> {
    let (leaf, record) = desk.earlier(&event.proposal, "the proposal")?;
    let Some(proposal) = desk.state.books.proposals.get(&leaf) else {
        return Err(refuse(
            Rule::A4,
            Reason::Governance,
            format!("record {} does not wait for approvals", brief(&record.id())),
            "nothing, if it is in force; otherwise name the proposal's id",
        )
        .record(record.id()));
    };
    if proposal.approvals.contains(&desk.author) {
        return Err(refuse(
            Rule::A4,
            Reason::Governance,
            format!("{} has approved record {} already", desk.author_id(), brief(&record.id())),
            "ask another member to approve it",
        )
        .record(record.id()));
    }
    let mut approvals = proposal.approvals.clone();
    approvals.push(desk.author);
    if enough(desk, record.event(), &approvals) {
        // What it rests on may have changed since it was proposed, so it is checked again.
        let in_force = enact(desk, record.event()).map_err(|mut refusal| {
            refusal.message = format!("the proposal cannot come into force any more: {}", refusal.message);
            refusal.next_step = "have its author withdraw it and propose it anew".into();
            refusal
        })?;
        desk.writes.extend(in_force);
        desk.writes.push(Write::Proposal(leaf, None));
    } else {
        desk.writes.push(Write::Proposal(leaf, Some(Proposal { approvals })));
    }
    Ok(())
}

/// As many members as the profile says, two at least once there are two; for validators also more
/// than two thirds of those that now order blocks.
fn enough(desk: &Desk<'_>, event: &Event, approvals: &[Place]) -> bool {
    let members = desk.state.member_count as usize;
    let wanted = desk.state.profile().map_or(0, |profile| profile.approvals_needed as usize);
    if approvals.len() < wanted.max(2).min(members) {
        return false;
    }
    let (Event::ChangeValidators(_), Some(present)) = (event, desk.state.validators_at(desk.at.height))
    else {
        return true;
    };
    let set = &present.set.validators;
    let agree = set.iter().filter(|validator| {
        desk.state.roster_index_of_member(&validator.member).is_some_and(|place| approvals.contains(&place))
    });
    3 * agree.count() > 2 * set.len()
}

/// What a governance record changes when it comes into force.
fn enact(desk: &Desk<'_>, event: &Event) -> Verdict<Vec<Write>> {
    match event {
        Event::AdmitMember(event) => admit(desk, event),
        Event::ChangeRoles(event) => change_roles(desk, event),
        Event::SetProfile(event) => set_profile(desk, event),
        Event::ChangeValidators(event) => change_validators(desk, event),
        _ => Ok(Vec::new()),
    }
}

fn next_place(desk: &Desk<'_>) -> Place {
    desk.state.roster.len() as Place
}

fn admit(desk: &Desk<'_>, event: &AdmitMember) -> Verdict<Vec<Write>> {
    let Some(member) = &event.member else {
        return Err(values::bad("no member is named", "state the member"));
    };
    let id = form::member(member)?;
    if desk.state.roster_index_of_member(&member.id).is_some() {
        return Err(refuse(
            Rule::A2,
            Reason::AlreadyExists,
            format!("member {id} is in the ledger already"),
            "choose another id; ids are unique for ever",
        )
        .named(&member.id));
    }
    let key = check_key(desk, event.key.as_ref(), &id)?;
    let state = v1::MemberState { member: Some(member.clone()), keys: vec![key] };
    Ok(vec![Write::Roster(next_place(desk), Some(RosterEntry::Member(Box::new(Member::new(state)))))])
}

/// A key may be registered: a sound point, whose holder asked for it, and nobody's yet (A1).
fn check_key(
    desk: &Desk<'_>,
    registration: Option<&KeyRegistration>,
    member: &MemberId,
) -> Verdict<KeyState> {
    let bad_key = |message| {
        refuse(
            Rule::A1,
            Reason::KeyNotValid,
            message,
            "make a key with the key command, which also makes the proof of possession",
        )
        .named(member.as_str())
    };
    let Some(registration) = registration else {
        return Err(bad_key(format!("no key is registered for {member}")));
    };
    let key = PublicKey::check(&registration.public_key)
        .map_err(|bad| bad_key(format!("key of {member}: {bad}")))?;
    key.check_possession(desk.state.origin(), member, &registration.possession)
        .map_err(|bad| bad_key(format!("key of {member}: {bad}")))?;
    let holder = desk
        .state
        .members()
        .find(|other| other.state.keys.iter().any(|held| held.public_key == registration.public_key));
    if let Some(holder) = holder {
        return Err(bad_key(format!("key of {member}: it was registered before, by {}", holder.id())));
    }
    Ok(KeyState { public_key: registration.public_key.clone(), from_leaf: desk.leaf.into(), revoked_leaf: 0 })
}

fn change_roles(desk: &Desk<'_>, event: &ChangeRoles) -> Verdict<Vec<Write>> {
    form::roles(&event.roles)?;
    let place = desk.member(&event.member, "member")?;
    let mut state = member_at(desk, place).state.clone();
    if let Some(member) = &mut state.member {
        member.roles.clone_from(&event.roles);
    }
    Ok(vec![Write::Roster(place, Some(RosterEntry::Member(Box::new(Member::new(state)))))])
}

fn member_at<'a>(desk: &Desk<'a>, place: Place) -> &'a Member {
    desk.state.member_at(place).expect("the place came from the table of members")
}

fn set_profile(desk: &Desk<'_>, event: &SetProfile) -> Verdict<Vec<Write>> {
    let Some(profile) = &event.profile else {
        return Err(values::bad("no profile is stated", "state the profile"));
    };
    form::profile(desk, profile)?;
    let place = if desk.state.profile().is_some() { desk.state.profile_at } else { next_place(desk) };
    Ok(vec![Write::Roster(place, Some(RosterEntry::Profile(Box::new(profile.clone()))))])
}

fn change_validators(desk: &Desk<'_>, event: &ChangeValidators) -> Verdict<Vec<Write>> {
    form::validators(desk, &event.validators)?;
    form::rules_version(desk, event.rules)?;
    // Genesis is not voted on: its set decides the first block.
    let delay = if desk.genesis() { 1 } else { VALIDATORS_DELAY };
    let from_height = desk.at.height.saturating_add(delay);
    let entry = RosterEntry::Validators(Box::new(ValidatorSet { from_height, set: event.clone() }));
    Ok(vec![Write::Roster(next_place(desk), Some(entry))])
}

pub(crate) fn add_key(desk: &mut Desk<'_>, event: &AddKey) -> Verdict<()> {
    let mut state = member_at(desk, desk.author).state.clone();
    values::count("keys of one member", state.keys.len() + 1, MOST_KEYS)?;
    let id =
        MemberId::parse(desk.author_id()).map_err(|bad| values::bad(format!("{bad}"), "check the author"))?;
    state.keys.push(check_key(desk, event.key.as_ref(), &id)?);
    put_member(desk, state);
    Ok(())
}

/// Records already in the ledger keep their validity; the key signs nothing after this record.
pub(crate) fn revoke_key(desk: &mut Desk<'_>, event: &RevokeKey) -> Verdict<()> {
    values::text("the reason", &event.reason, 256)?;
    let member = member_at(desk, desk.author);
    let valid = member.keys().count();
    let mut state = member.state.clone();
    let key = state.keys.iter_mut().find(|key| key.public_key == event.public_key && key.revoked_leaf == 0);
    let Some(key) = key else {
        return Err(refuse(
            Rule::A1,
            Reason::KeyNotValid,
            format!("this is no valid key of {}", desk.author_id()),
            "name one of your own keys that is not revoked yet",
        )
        .named(desk.author_id()));
    };
    if valid == 1 {
        return Err(refuse(
            Rule::A1,
            Reason::KeyNotValid,
            format!("this is the only valid key of {}: nobody could sign for it any more", desk.author_id()),
            "add a new key first, then revoke this one",
        )
        .named(desk.author_id()));
    }
    key.revoked_leaf = u64::from(desk.leaf) + 1;
    put_member(desk, state);
    Ok(())
}

fn put_member(desk: &mut Desk<'_>, state: v1::MemberState) {
    let entry = RosterEntry::Member(Box::new(Member::new(state)));
    desk.writes.push(Write::Roster(desk.author, Some(entry)));
}

pub(crate) fn register_facility(desk: &mut Desk<'_>, event: &RegisterFacility) -> Verdict<()> {
    let Some(facility) = &event.facility else {
        return Err(values::bad("no facility is stated", "state the facility"));
    };
    form::facility(desk, facility)?;
    if desk.state.roster_index_of_facility(&facility.id).is_some() {
        return Err(exists("facility", &facility.id));
    }
    let entry = RosterEntry::Facility(Box::new(facility.clone()));
    desk.writes.push(Write::Roster(next_place(desk), Some(entry)));
    Ok(())
}

fn exists(what: &str, id: &str) -> Box<crate::Rejection> {
    refuse(
        Rule::A2,
        Reason::AlreadyExists,
        format!("{what} {id} is in the ledger already"),
        "give it an id that was not used before",
    )
    .named(id)
}

pub(crate) fn attest(desk: &mut Desk<'_>, event: &Attest) -> Verdict<()> {
    let Some(attestation) = &event.attestation else {
        return Err(values::bad("no attestation is stated", "state the attestation"));
    };
    form::attestation(desk, attestation)?;
    if desk.state.roster_index_of_attestation(&attestation.id).is_some() {
        return Err(exists("attestation", &attestation.id));
    }
    let standing = v1::AttestationStanding { attestation: Some(attestation.clone()), changes: Vec::new() };
    let entry = RosterEntry::Attestation(Box::new(standing));
    desk.writes.push(Write::Roster(next_place(desk), Some(entry)));
    Ok(())
}

/// Its issuer suspends, reinstates or revokes it. Revoked is final.
pub(crate) fn change_attestation(desk: &mut Desk<'_>, event: &ChangeAttestation) -> Verdict<()> {
    values::text("the reason", &event.reason, 256)?;
    let state: AttestationState = values::stated("the new state", event.state)?;
    let place = super::commission::known_attestation(desk, &event.attestation)?;
    let Some(RosterEntry::Attestation(standing)) = desk.state.roster().get(place as usize) else {
        return Ok(());
    };
    if event.attestation.split_once('/').is_none_or(|(issuer, _)| issuer != desk.author_id()) {
        return Err(refuse(
            Rule::A4,
            Reason::NotAuthor,
            format!("attestation {} was issued by another member", event.attestation),
            "ask its issuer",
        )
        .named(&event.attestation));
    }
    let present = roster::attestation_state(standing);
    if present == AttestationState::Revoked || present == state {
        let present = match present {
            AttestationState::Revoked => "revoked, which is final",
            AttestationState::Suspended => "suspended already",
            _ => "in force already",
        };
        return Err(refuse(
            Rule::A4,
            Reason::Governance,
            format!("attestation {} is {present}", event.attestation),
            "issue a new attestation if one is needed",
        )
        .named(&event.attestation));
    }
    values::count("changes of one attestation", standing.changes.len() + 1, MOST_CHANGES)?;
    let mut standing = standing.clone();
    standing.changes.push(v1::AttestationChange { leaf_index: desk.leaf.into(), state: state.into() });
    desk.writes.push(Write::Roster(place, Some(RosterEntry::Attestation(standing))));
    Ok(())
}
