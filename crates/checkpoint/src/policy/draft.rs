//! A policy in the making: each definition is checked against those before it.

use alloc::vec::Vec;

use super::{
    GroupDefinition, LogDefinition, MAX_DEFINITIONS, Policy, PolicyErrorKind, PolicyName, WitnessDefinition,
};
use crate::key::{KeyType, VerifierKey};
use crate::note::AmbiguousKey;

/// The definitions so far.
#[derive(Default)]
pub(super) struct Draft {
    logs: Vec<LogDefinition>,
    witnesses: Vec<WitnessDefinition>,
    groups: Vec<GroupDefinition>,
    quorum: Option<Option<PolicyName>>,
}

impl Draft {
    pub(super) fn add_log(&mut self, key: VerifierKey, url: Option<Vec<u8>>) -> Result<(), PolicyErrorKind> {
        room(self.logs.len())?;
        require_type("log", KeyType::Note, &key)?;
        if self.logs.iter().any(|log| log.key.public_key() == key.public_key()) {
            return Err(PolicyErrorKind::DuplicateKey);
        }
        self.require_distinct(&key)?;
        self.logs.push(LogDefinition { key, url });
        Ok(())
    }

    pub(super) fn add_witness(
        &mut self,
        name: PolicyName,
        key: VerifierKey,
        url: Option<Vec<u8>>,
    ) -> Result<(), PolicyErrorKind> {
        room(self.witnesses.len())?;
        require_type("witness", KeyType::CosignatureV1, &key)?;
        if self.witnesses.iter().any(|witness| witness.key.public_key() == key.public_key()) {
            return Err(PolicyErrorKind::DuplicateKey);
        }
        self.require_distinct(&key)?;
        self.require_new(&name)?;
        self.witnesses.push(WitnessDefinition { name, key, url });
        Ok(())
    }

    pub(super) fn add_group(
        &mut self,
        name: PolicyName,
        threshold: usize,
        members: Vec<PolicyName>,
    ) -> Result<(), PolicyErrorKind> {
        room(self.groups.len())?;
        self.require_new(&name)?;
        if threshold == 0 || threshold > members.len() {
            return Err(PolicyErrorKind::Threshold);
        }
        for (position, member) in members.iter().enumerate() {
            self.require_defined(member)?;
            let mut earlier = self.groups.iter().flat_map(|group| &group.members);
            if members[..position].contains(member) || earlier.any(|other| other == member) {
                return Err(PolicyErrorKind::RepeatedMember(member.clone()));
            }
        }
        self.groups.push(GroupDefinition { name, threshold, members });
        Ok(())
    }

    pub(super) fn set_quorum(&mut self, name: PolicyName) -> Result<(), PolicyErrorKind> {
        self.require_defined(&name)?;
        self.set_quorum_to(Some(name))
    }

    pub(super) fn set_no_quorum(&mut self) -> Result<(), PolicyErrorKind> {
        self.set_quorum_to(None)
    }

    pub(super) fn finish(self) -> Result<Policy, PolicyErrorKind> {
        let quorum = self.quorum.ok_or(PolicyErrorKind::NoQuorum)?;
        Ok(Policy { logs: self.logs, witnesses: self.witnesses, groups: self.groups, quorum })
    }

    fn set_quorum_to(&mut self, quorum: Option<PolicyName>) -> Result<(), PolicyErrorKind> {
        if self.quorum.is_some() {
            return Err(PolicyErrorKind::SecondQuorum);
        }
        self.quorum = Some(quorum);
        Ok(())
    }

    /// Name and id must tell all keys apart, or [`Policy::check`] could never succeed.
    fn require_distinct(&self, key: &VerifierKey) -> Result<(), PolicyErrorKind> {
        let logs = self.logs.iter().map(|log| &log.key);
        let mut keys = logs.chain(self.witnesses.iter().map(|witness| &witness.key));
        if keys.any(|other| other.name() == key.name() && other.id() == key.id()) {
            let ambiguous = AmbiguousKey { name: key.name().clone(), id: key.id() };
            return Err(PolicyErrorKind::Ambiguous(ambiguous));
        }
        Ok(())
    }

    fn is_defined(&self, name: &PolicyName) -> bool {
        self.witnesses.iter().any(|witness| witness.name == *name)
            || self.groups.iter().any(|group| group.name == *name)
    }

    fn require_new(&self, name: &PolicyName) -> Result<(), PolicyErrorKind> {
        if self.is_defined(name) {
            return Err(PolicyErrorKind::DuplicateName(name.clone()));
        }
        Ok(())
    }

    fn require_defined(&self, name: &PolicyName) -> Result<(), PolicyErrorKind> {
        if !self.is_defined(name) {
            return Err(PolicyErrorKind::UndefinedName(name.clone()));
        }
        Ok(())
    }
}

fn room(taken: usize) -> Result<(), PolicyErrorKind> {
    if taken >= MAX_DEFINITIONS {
        return Err(PolicyErrorKind::TooManyDefinitions);
    }
    Ok(())
}

fn require_type(role: &'static str, want: KeyType, key: &VerifierKey) -> Result<(), PolicyErrorKind> {
    if key.key_type() != want {
        return Err(PolicyErrorKind::KeyType { role, want, got: key.key_type() });
    }
    Ok(())
}
