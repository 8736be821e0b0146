//! Whose signatures count: the keys of the policy, and the member behind each.

use std::collections::BTreeSet;

use ore_checkpoint::{
    BadSignature, Checkpoint, MalformedNote, Policy, PolicyName, SignatureLine, SignedCheckpoint, VerifierKey,
};

use ore_record::v1::ChangeValidators;

use crate::consortium::{Consortium, ConsortiumError};

/// The keys of a policy, in its order: the log's first, then the witnesses'.
#[derive(Clone, Debug)]
pub struct Panel {
    policy: Policy,
    keys: Vec<Known>,
    members: Vec<String>,
}

#[derive(Clone, Debug)]
struct Known {
    key: VerifierKey,
    /// The witness's name in the policy; `None` for a key of the log.
    witness: Option<PolicyName>,
    /// The validator whose key it is; `None` for an outside witness.
    owner: Option<String>,
}

/// A line under a key of the panel that does not verify. Whoever sent it is at fault, not the key's owner.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a line in the name of {name}: {why}")]
pub struct Forged {
    /// Whose line it claims to be.
    pub name: String,
    /// What is wrong with it.
    pub why: BadSignature,
}

/// Lines by keys of a panel, each in its key's place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lines(Vec<Option<SignatureLine>>);

impl Panel {
    /// The panel of a trust root.
    ///
    /// # Errors
    /// [`ConsortiumError`] when the policy cannot be used.
    pub fn new(consortium: &Consortium) -> Result<Self, ConsortiumError> {
        let policy = consortium.policy()?;
        let owner = |key: &VerifierKey| {
            let bytes = key.public_key();
            let mut validators = consortium.validators.iter();
            let owner = validators.find(|one| one.log_key == *bytes || one.cosigner_key == *bytes);
            owner.map(|validator| validator.member.clone())
        };
        let logs = policy.logs().iter().map(|log| (log.key(), None));
        let witnesses = policy.witnesses().iter().map(|one| (one.key(), Some(one.name().clone())));
        let known =
            |(key, witness): (&VerifierKey, _)| Known { key: key.clone(), witness, owner: owner(key) };
        let keys = logs.chain(witnesses).map(known).collect();
        let members = consortium.validators.iter().map(|validator| validator.member.clone()).collect();
        Ok(Self { policy, keys, members })
    }

    /// The panel of a set that a ledger voted for: more than two thirds of it, as outsiders count who follow its
    /// handovers.
    ///
    /// # Errors
    /// [`ConsortiumError`] when its keys make no policy.
    pub fn of_set(origin: &str, set: &ChangeValidators) -> Result<Self, ConsortiumError> {
        Self::new(&Consortium::of_genesis(origin, [0; 32], set)?)
    }

    /// Whether both have the same keys.
    #[must_use]
    pub fn has_keys_of(&self, other: &Self) -> bool {
        let keys = |panel: &Self| {
            let keys = panel.keys.iter().filter(|known| known.owner.is_some());
            keys.map(|known| *known.key.public_key()).collect::<BTreeSet<_>>()
        };
        keys(self) == keys(other)
    }

    /// The policy.
    #[must_use]
    pub const fn policy(&self) -> &Policy {
        &self.policy
    }

    /// The validators.
    #[must_use]
    pub fn members(&self) -> &[String] {
        &self.members
    }

    /// Whether this member is a validator.
    #[must_use]
    pub fn has(&self, member: &str) -> bool {
        self.members.iter().any(|one| one == member)
    }

    /// Other validators that must have answered before a node that starts may sign: all but those that may be
    /// down or hostile.
    #[must_use]
    pub fn answers_needed(&self) -> usize {
        let others = self.members.len().saturating_sub(1);
        others - others / 3
    }

    /// No lines yet.
    #[must_use]
    pub fn no_lines(&self) -> Lines {
        Lines(vec![None; self.keys.len()])
    }

    /// The lines of a note that verify under keys of the panel; the first of each key. Lines by other keys say
    /// nothing here. Lines that `known` holds already are not verified again.
    ///
    /// # Errors
    /// [`Forged`], which condemns the whole note.
    pub fn verify(&self, note: &SignedCheckpoint, known: Option<&Lines>) -> Result<Lines, Forged> {
        let mut lines = self.no_lines();
        for line in note.note().signatures() {
            let Some(place) = self.keys.iter().position(|known| known.key.claims(line)) else { continue };
            if lines.0[place].is_some() {
                continue;
            }
            if known.and_then(|known| known.0.get(place)?.as_ref()) != Some(line) {
                let key = &self.keys[place].key;
                key.verify(note.note().unverified_text(), line.signature())
                    .map_err(|why| Forged { name: line.name().to_string(), why })?;
            }
            lines.0[place] = Some(line.clone());
        }
        Ok(lines)
    }

    /// The validators whose keys signed, each once, in the panel's order.
    #[must_use]
    pub fn signers(&self, lines: &Lines) -> Vec<&str> {
        let mut signers = Vec::new();
        for (known, line) in self.keys.iter().zip(&lines.0) {
            if let (Some(owner), Some(_)) = (&known.owner, line)
                && !signers.contains(&owner.as_str())
            {
                signers.push(owner);
            }
        }
        signers
    }

    /// The validators whose keys these are, each once.
    #[must_use]
    pub fn owners(&self, keys: &[[u8; 32]]) -> Vec<&str> {
        let mut owners = Vec::new();
        for known in self.keys.iter().filter(|known| keys.contains(known.key.public_key())) {
            if let Some(owner) = known.owner.as_deref()
                && !owners.contains(&owner)
            {
                owners.push(owner);
            }
        }
        owners
    }

    /// The lines of one validator alone.
    #[must_use]
    pub fn of(&self, member: &str, lines: &Lines) -> Lines {
        let only = self.keys.iter().zip(&lines.0).map(|(known, line)| {
            let theirs = known.owner.as_deref() == Some(member);
            line.as_ref().filter(|_| theirs).cloned()
        });
        Lines(only.collect())
    }

    /// Whether the policy names witnesses that are no validators, and one of their lines is missing.
    #[must_use]
    pub fn lacks_outside(&self, lines: &Lines) -> bool {
        let outside = |known: &Known| known.witness.is_some() && known.owner.is_none();
        self.keys.iter().zip(&lines.0).any(|(known, line)| outside(known) && line.is_none())
    }

    /// Whether these lines make a checkpoint worth believing.
    #[must_use]
    pub fn is_quorum(&self, lines: &Lines) -> bool {
        let held =
            || self.keys.iter().zip(&lines.0).filter(|(_, line)| line.is_some()).map(|(known, _)| known);
        held().any(|known| known.witness.is_none())
            && self.policy.is_satisfied_by(held().filter_map(|known| known.witness.as_ref()))
    }
}

impl Lines {
    /// Takes over lines whose place is empty; whether there were any.
    pub fn merge(&mut self, more: &Self) -> bool {
        let mut grew = false;
        for (place, line) in self.0.iter_mut().zip(&more.0) {
            if place.is_none() && line.is_some() {
                place.clone_from(line);
                grew = true;
            }
        }
        grew
    }

    /// How many.
    #[must_use]
    pub fn count(&self) -> usize {
        self.0.iter().flatten().count()
    }

    /// The note with these lines.
    ///
    /// # Errors
    /// [`MalformedNote`] when there are none or too many.
    pub fn under(&self, checkpoint: &Checkpoint) -> Result<SignedCheckpoint, MalformedNote> {
        SignedCheckpoint::new(checkpoint.clone(), self.0.iter().flatten().cloned().collect())
    }
}
