//! Who takes part: members, facilities, attestations, the profile and the sets of validators.
//!
//! All of them stand in one array in order of entry; a place in it never changes, so a lot names its
//! custodian by a number. Each entry is one leaf of the roster tree.

use alloc::{boxed::Box, vec::Vec};

use ore_record::v1::{self, AttestationState, Role, roster_state::Entity};
use prost::Message;

/// A member, with its roles as a set.
#[derive(Clone, Debug, PartialEq)]
pub struct Member {
    /// Who it is, and its keys with the leaves at which they may sign.
    pub state: v1::MemberState,
    /// Its roles.
    pub roles: Roles,
}

/// The set of validators from a height on.
#[derive(Clone, Debug, PartialEq)]
pub struct ValidatorSet {
    /// First height that this set decides.
    pub from_height: u64,
    /// The validators, as their record lists them.
    pub set: v1::ChangeValidators,
}

/// One entry of the roster.
#[derive(Clone, Debug, PartialEq)]
pub enum RosterEntry {
    /// A member.
    Member(Box<Member>),
    /// A place where lots can be.
    Facility(Box<v1::Facility>),
    /// A permit, certificate or accreditation, with its changes.
    Attestation(Box<v1::AttestationStanding>),
    /// The profile in force; a new version takes the same place.
    Profile(Box<v1::Profile>),
    /// A set of validators; each change is an entry of its own.
    Validators(Box<ValidatorSet>),
}

/// A set of roles.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Roles(u16);

impl Roles {
    /// Of a list; what is no role is left out.
    #[must_use]
    pub fn of(roles: &[i32]) -> Self {
        Self(roles.iter().filter_map(|role| Role::try_from(*role).ok()).fold(0, |set, role| set | bit(role)))
    }

    /// Whether one of `roles` is in the set.
    #[must_use]
    pub fn any(self, roles: &[Role]) -> bool {
        roles.iter().any(|role| self.0 & bit(*role) != 0)
    }
}

const fn bit(role: Role) -> u16 {
    match role {
        Role::Unspecified => 0,
        role => 1 << role as u16,
    }
}

impl Member {
    /// With its roles read from its statement.
    #[must_use]
    pub fn new(state: v1::MemberState) -> Self {
        let roles = Roles::of(state.member.as_ref().map_or(&[], |member| &member.roles));
        Self { state, roles }
    }

    /// Its slug.
    #[must_use]
    pub fn id(&self) -> &str {
        self.state.member.as_ref().map_or("", |member| &member.id)
    }

    /// Whether `key` may sign for it at `leaf`.
    #[must_use]
    pub fn may_sign(&self, key: &[u8], leaf: u64) -> bool {
        self.state.keys.iter().any(|state| {
            state.public_key == key
                && state.from_leaf <= leaf
                && (state.revoked_leaf == 0 || leaf < state.revoked_leaf)
        })
    }

    /// Keys that have not been revoked.
    pub fn keys(&self) -> impl Iterator<Item = &v1::KeyState> {
        self.state.keys.iter().filter(|key| key.revoked_leaf == 0)
    }
}

/// What an attestation is and who issued it.
pub(crate) fn attestation(standing: &v1::AttestationStanding) -> &v1::Attestation {
    const NONE: &v1::Attestation = &v1::Attestation {
        id: alloc::string::String::new(),
        kind: 0,
        subject: alloc::string::String::new(),
        scheme: alloc::string::String::new(),
        scope: alloc::string::String::new(),
        minerals: Vec::new(),
        quantity_cap_mg: 0,
        valid_from_ms: 0,
        valid_until_ms: 0,
    };
    standing.attestation.as_ref().unwrap_or(NONE)
}

/// What its issuer said last: reinstated stands for "never changed" too.
pub(crate) fn attestation_state(standing: &v1::AttestationStanding) -> AttestationState {
    standing.changes.last().map_or(AttestationState::Reinstated, v1::AttestationChange::state)
}

impl RosterEntry {
    /// The message whose canonical encoding is the leaf.
    #[must_use]
    pub fn state(&self) -> v1::RosterState {
        let entity = match self {
            Self::Member(member) => Entity::Member(member.state.clone()),
            Self::Facility(facility) => Entity::Facility((**facility).clone()),
            Self::Attestation(standing) => Entity::Attestation((**standing).clone()),
            Self::Profile(profile) => Entity::Profile((**profile).clone()),
            Self::Validators(validators) => Entity::Validators(validators.set.clone()),
        };
        v1::RosterState { entity: Some(entity) }
    }

    /// The leaf's bytes.
    #[must_use]
    pub fn leaf(&self) -> Vec<u8> {
        self.state().encode_to_vec()
    }

    /// The name it is found by, with the table it is in; the profile and the validators have none.
    pub(crate) fn name(&self) -> Option<(NameKind, &str)> {
        match self {
            Self::Member(member) => Some((NameKind::Member, member.id())),
            Self::Facility(facility) => Some((NameKind::Facility, &facility.id)),
            Self::Attestation(standing) => Some((NameKind::Attestation, &attestation(standing).id)),
            Self::Profile(_) | Self::Validators(_) => None,
        }
    }
}

/// A member, a facility and an attestation may bear the same name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NameKind {
    Member = 0,
    Facility = 1,
    Attestation = 2,
}
