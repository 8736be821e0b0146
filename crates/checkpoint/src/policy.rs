//! Policies: which logs, which witnesses, and how many of them make a checkpoint worth believing.
//!
//! C2SP tlog-policy. A group counts as having cosigned when at least k of its members have; each name
//! is a member of at most one group, so no witness counts twice. A policy without logs is valid to
//! parse, but [`Policy::check`] then believes nothing. Files are read and printed in `parse`.

mod draft;
mod parse;

use alloc::borrow::ToOwned;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use crate::checkpoint::{Checkpoint, SignedCheckpoint};
use crate::cosignature::UnixSeconds;
use crate::key::{BadKey, KeyName, KeyType, SignatureStatement, VerifierKey};
use crate::note::{AmbiguousKey, NoteFailure, VerifiedNote, VerifierSet};
use draft::Draft;

/// Largest policy file we read, in bytes.
pub const MAX_POLICY_BYTES: usize = 256 << 10;
/// Most logs, most witnesses and most groups. The specification asks for at least 32 of each.
pub const MAX_DEFINITIONS: usize = 256;

/// Name of a witness or group within one policy: opaque bytes without spaces.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PolicyName(Vec<u8>);

/// A log that is believed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogDefinition {
    key: VerifierKey,
    url: Option<Vec<u8>>,
}

/// A witness whose cosignatures count.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WitnessDefinition {
    name: PolicyName,
    key: VerifierKey,
    url: Option<Vec<u8>>,
}

/// `threshold` of `members` count as one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupDefinition {
    name: PolicyName,
    threshold: usize,
    members: Vec<PolicyName>,
}

/// A rule for believing checkpoints. Names are unique and defined before they are used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    logs: Vec<LogDefinition>,
    witnesses: Vec<WitnessDefinition>,
    groups: Vec<GroupDefinition>,
    /// `None` for `quorum none`.
    quorum: Option<PolicyName>,
}

/// A mistake in a policy file.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("policy line {line}")]
pub struct PolicyError {
    /// Counted from 1; one past the last line when something is missing altogether.
    pub line: usize,
    /// What is wrong.
    #[source]
    pub kind: PolicyErrorKind,
}

/// What is wrong in a policy.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PolicyErrorKind {
    /// Longer than [`MAX_POLICY_BYTES`].
    #[error("a policy has at most {MAX_POLICY_BYTES} bytes")]
    TooLong,
    /// Only tab and newline are allowed among control characters.
    #[error("a policy has no control character but tab and newline")]
    ControlCharacter,
    /// The last line lacks its newline.
    #[error("each line of a policy ends in a newline")]
    UnterminatedLine,
    /// Not one of log, witness, group, quorum.
    #[error("a policy line starts with log, witness, group or quorum")]
    UnknownKeyword,
    /// Too few or too many items for its keyword.
    #[error("expected: {0}")]
    Usage(&'static str),
    /// More than [`MAX_DEFINITIONS`] of one kind.
    #[error("a policy has at most {MAX_DEFINITIONS} of each kind of line")]
    TooManyDefinitions,
    /// The key is unusable.
    #[error("verifier key")]
    Key(#[source] BadKey),
    /// A log has a type 0x01 key, a witness a type 0x04 key.
    #[error("a {role} key has type {want:?}, this one has {got:?}")]
    KeyType {
        /// "log" or "witness".
        role: &'static str,
        /// The type it must have.
        want: KeyType,
        /// The type it has.
        got: KeyType,
    },
    /// The same public key twice, under whatever name.
    #[error("this public key is listed before")]
    DuplicateKey,
    /// Two different keys that a signature line could not tell apart.
    #[error("keys that cannot be told apart")]
    Ambiguous(#[source] AmbiguousKey),
    /// Empty, or with bytes that cannot stand in a line.
    #[error("a name has no spaces and no control characters")]
    BadName,
    /// `none` is predefined.
    #[error("the name none is reserved")]
    ReservedName,
    /// Witnesses and groups share one namespace.
    #[error("the name {0} is defined before")]
    DuplicateName(PolicyName),
    /// Names are defined on earlier lines.
    #[error("the name {0} is not defined on an earlier line")]
    UndefinedName(PolicyName),
    /// A name is a member of at most one group, once.
    #[error("the name {0} is a group member already")]
    RepeatedMember(PolicyName),
    /// k must be 1 to n.
    #[error("a group threshold is all, any or a decimal from 1 to the number of members")]
    Threshold,
    /// Exactly one quorum line.
    #[error("a policy has one quorum line, this is another")]
    SecondQuorum,
    /// Exactly one quorum line.
    #[error("a policy has one quorum line, this one has none")]
    NoQuorum,
}

/// Why a checkpoint is not believed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PolicyFailure {
    /// No listed log has this origin.
    #[error("no log of the policy has the origin {origin}")]
    UnknownOrigin {
        /// The checkpoint's origin.
        origin: String,
    },
    /// A signature under a listed key is bad, or there is none at all.
    #[error("checkpoint signatures")]
    Note(#[source] NoteFailure),
    /// Two listed keys cannot be told apart.
    #[error("policy keys")]
    Ambiguous(#[source] AmbiguousKey),
    /// Witnesses signed, the log did not.
    #[error("no signature by a listed key of log {origin}")]
    NoLogSignature {
        /// The checkpoint's origin.
        origin: String,
    },
    /// Too few cosignatures.
    #[error("cosignatures by {cosigned} of {listed} witnesses do not satisfy quorum {quorum}")]
    NoQuorum {
        /// Witnesses whose cosignatures hold.
        cosigned: usize,
        /// Witnesses the policy lists.
        listed: usize,
        /// The name on the quorum line.
        quorum: PolicyName,
    },
}

/// A checkpoint that a policy believes: the only way from signed bytes to a root that may be relied on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerifiedCheckpoint {
    checkpoint: Checkpoint,
    log_keys: Vec<VerifierKey>,
    cosigned: Vec<Cosigned>,
}

/// One witness's valid cosignature.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cosigned {
    /// The witness, as the policy names it.
    pub witness: PolicyName,
    /// When it saw the checkpoint, as it says.
    pub time: UnixSeconds,
}

/// Votes that more than two thirds of `members` take: floor(2n / 3) + 1. 3 of 4, 5 of 7, 7 of 10.
pub const fn byzantine_quorum(members: usize) -> usize {
    // n - floor((n - 1) / 3) is the same without overflow, and 1 for no members.
    if members == 0 { 1 } else { members - (members - 1) / 3 }
}

impl Policy {
    /// A policy in which `threshold` of the witnesses suffice; their key names are their names.
    ///
    /// # Errors
    ///
    /// [`PolicyErrorKind`], for instance for a key of the wrong type or listed twice.
    pub fn k_of_n(
        logs: impl IntoIterator<Item = VerifierKey>,
        witnesses: impl IntoIterator<Item = VerifierKey>,
        threshold: usize,
    ) -> Result<Self, PolicyErrorKind> {
        let mut draft = Draft::default();
        for key in logs {
            draft.add_log(key, None)?;
        }
        let mut members = Vec::new();
        for key in witnesses {
            let name = PolicyName::new(key.name().as_str().as_bytes())?;
            members.push(name.clone());
            draft.add_witness(name, key, None)?;
        }
        let mut group = PolicyName::from_static("quorum");
        while members.contains(&group) {
            // A witness may be called anything; at most one round per witness.
            group.0.push(b'_');
        }
        draft.add_group(group.clone(), threshold, members)?;
        draft.set_quorum(group)?;
        draft.finish()
    }

    /// The logs that are believed.
    pub fn logs(&self) -> &[LogDefinition] {
        &self.logs
    }

    /// The witnesses that count.
    pub fn witnesses(&self) -> &[WitnessDefinition] {
        &self.witnesses
    }

    /// The groups, each after its members.
    pub fn groups(&self) -> &[GroupDefinition] {
        &self.groups
    }

    /// The name that must have cosigned; `None` when no cosignature is asked for.
    pub const fn quorum(&self) -> Option<&PolicyName> {
        self.quorum.as_ref()
    }

    /// Believes a checkpoint, or says why not.
    ///
    /// # Errors
    ///
    /// [`PolicyFailure`]. A bad signature under a listed key fails the whole checkpoint.
    pub fn check(&self, signed: &SignedCheckpoint) -> Result<VerifiedCheckpoint, PolicyFailure> {
        let origin = signed.unverified().origin();
        let logs = self.logs.iter().map(|log| &log.key).filter(|key| key.name().as_str() == origin);
        let witnesses = self.witnesses.iter().map(|witness| &witness.key);
        let keys: Vec<VerifierKey> = logs.clone().chain(witnesses).cloned().collect();
        if logs.count() == 0 {
            return Err(PolicyFailure::UnknownOrigin { origin: origin.to_owned() });
        }
        let trusted = VerifierSet::new(keys).map_err(PolicyFailure::Ambiguous)?;
        let note = signed.note().verify(&trusted).map_err(PolicyFailure::Note)?;
        let log_keys = log_signatures(&note);
        if log_keys.is_empty() {
            return Err(PolicyFailure::NoLogSignature { origin: origin.to_owned() });
        }
        let cosigned = self.cosignatures(&note);
        self.require_quorum(&cosigned)?;
        Ok(VerifiedCheckpoint { checkpoint: signed.unverified().clone(), log_keys, cosigned })
    }

    /// Whether these witnesses satisfy the quorum. Names that are no witnesses of this policy count
    /// for nothing.
    pub fn is_satisfied_by<'a>(&self, witnessed: impl IntoIterator<Item = &'a PolicyName>) -> bool {
        let Some(quorum) = &self.quorum else { return true };
        let mut holding: Vec<&PolicyName> = witnessed
            .into_iter()
            .filter(|name| self.witnesses.iter().any(|witness| witness.name == **name))
            .collect();
        // Groups stand after their members, so one pass decides all of them.
        for group in &self.groups {
            let count = group.members.iter().filter(|member| holding.contains(member)).count();
            if count >= group.threshold {
                holding.push(&group.name);
            }
        }
        holding.contains(&quorum)
    }

    fn cosignatures(&self, note: &VerifiedNote) -> Vec<Cosigned> {
        let time_of = |witness: &WitnessDefinition| {
            note.verified().iter().find_map(|(key, statement)| match statement {
                SignatureStatement::CosignedAt(time) if *key == witness.key => Some(*time),
                _ => None,
            })
        };
        let cosigned = |witness: &WitnessDefinition| {
            time_of(witness).map(|time| Cosigned { witness: witness.name.clone(), time })
        };
        self.witnesses.iter().filter_map(cosigned).collect()
    }

    fn require_quorum(&self, cosigned: &[Cosigned]) -> Result<(), PolicyFailure> {
        let Some(quorum) = &self.quorum else { return Ok(()) };
        if self.is_satisfied_by(cosigned.iter().map(|one| &one.witness)) {
            return Ok(());
        }
        let (cosigned, listed) = (cosigned.len(), self.witnesses.len());
        Err(PolicyFailure::NoQuorum { cosigned, listed, quorum: quorum.clone() })
    }
}

fn log_signatures(note: &VerifiedNote) -> Vec<VerifierKey> {
    let signed = |(key, statement): &(VerifierKey, SignatureStatement)| {
        (*statement == SignatureStatement::Signed).then(|| key.clone())
    };
    note.verified().iter().filter_map(signed).collect()
}

impl VerifiedCheckpoint {
    /// The checkpoint, believed.
    pub const fn checkpoint(&self) -> &Checkpoint {
        &self.checkpoint
    }

    /// The log keys that signed it, at least one.
    pub fn log_keys(&self) -> &[VerifierKey] {
        &self.log_keys
    }

    /// The valid cosignatures of the policy's witnesses, in the policy's order.
    pub fn cosigned(&self) -> &[Cosigned] {
        &self.cosigned
    }
}

impl PolicyName {
    /// Takes a name of any visible bytes, as the format allows.
    ///
    /// # Errors
    ///
    /// [`PolicyErrorKind::BadName`] or [`PolicyErrorKind::ReservedName`].
    pub fn new(name: &[u8]) -> Result<Self, PolicyErrorKind> {
        if name.is_empty() || name.iter().any(|byte| *byte <= b' ' || *byte == 0x7f) {
            return Err(PolicyErrorKind::BadName);
        }
        if name == b"none" {
            return Err(PolicyErrorKind::ReservedName);
        }
        Ok(Self(name.to_vec()))
    }

    fn from_static(name: &'static str) -> Self {
        Self(name.as_bytes().to_vec())
    }

    /// The bytes of the name.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl From<&KeyName> for PolicyName {
    fn from(name: &KeyName) -> Self {
        Self(name.as_str().as_bytes().to_vec())
    }
}

/// Bytes that are not UTF-8 show as replacement characters; compare names by [`PolicyName::as_bytes`].
impl fmt::Display for PolicyName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&String::from_utf8_lossy(&self.0))
    }
}

impl fmt::Debug for PolicyName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PolicyName({self})")
    }
}

impl LogDefinition {
    /// The log's key; its name is the origin.
    pub const fn key(&self) -> &VerifierKey {
        &self.key
    }

    /// Where it may be reached, as written; its meaning is the application's.
    pub fn url(&self) -> Option<&[u8]> {
        self.url.as_deref()
    }
}

impl WitnessDefinition {
    /// The name used within the policy.
    pub const fn name(&self) -> &PolicyName {
        &self.name
    }

    /// The witness's key.
    pub const fn key(&self) -> &VerifierKey {
        &self.key
    }

    /// Where it may be reached, as written; by recommendation its submission prefix.
    pub fn url(&self) -> Option<&[u8]> {
        self.url.as_deref()
    }
}

impl GroupDefinition {
    /// The name used within the policy.
    pub const fn name(&self) -> &PolicyName {
        &self.name
    }

    /// How many members suffice; 1 to their number.
    pub const fn threshold(&self) -> usize {
        self.threshold
    }

    /// Witnesses and earlier groups.
    pub fn members(&self) -> &[PolicyName] {
        &self.members
    }
}
