//! What comes out of gathering: messages, checkpoints, and what members did wrong.

use ore_checkpoint::{Checkpoint, SignedCheckpoint};
use ore_verify::Evidence;

use super::Message;

/// What is to be done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// To one member, or to all.
    Send(Option<String>, Message),
    /// A checkpoint with a quorum. Either newer than any before, or the newest with more lines.
    Publish(SignedCheckpoint),
    /// A member misbehaved.
    Fault(Fault),
    /// Our own log, or our own key, contradicts what a quorum or we ourselves have signed: sign nothing more.
    Contradiction(Box<Contradiction>),
}

/// What a member did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Who: by its signature where there is evidence, otherwise by its connection.
    pub member: String,
    /// What.
    pub kind: FaultKind,
    /// Signed bytes that show it to others, where there are any.
    pub evidence: Option<Box<Evidence>>,
}

/// Kinds of faults around checkpoints. Closed: each is a label of a metric.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum FaultKind {
    /// Two roots for one size.
    TwoRoots,
    /// A tree that the quorum's tree does not continue.
    AgainstQuorum,
    /// A line in somebody's name that does not verify.
    Forged,
    /// Bytes that are no message, or of another ledger.
    Malformed,
    /// Speaks without being a validator.
    NotValidator,
}

impl FaultKind {
    /// Its label.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::TwoRoots => "two_roots",
            Self::AgainstQuorum => "against_quorum",
            Self::Forged => "forged_signature",
            Self::Malformed => "malformed_checkpoint",
            Self::NotValidator => "not_validator",
        }
    }
}

/// Two checkpoints of one size, one of which is ours.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Contradiction {
    /// What our own log gives.
    pub ours: Checkpoint,
    /// What was shown, with the signatures that make it count.
    pub theirs: SignedCheckpoint,
}

/// A fault that only the connection shows.
pub(super) fn fault(member: &str, kind: FaultKind) -> Effect {
    Effect::Fault(Fault { member: member.to_owned(), kind, evidence: None })
}
