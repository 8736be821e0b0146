//! The one trait between the ordering engine and the ledger.
//!
//! The engine decides the order, the application decides what a valid block is. Nothing here names
//! an engine type, so that another engine can take its place behind the same trait.

use async_trait::async_trait;
use bytes::Bytes;
use ore_record::rules::Rules;

use crate::certificate::{Certificate, ValidatorEntry};

/// What the ledger does for the ordering engine.
///
/// All calls come from one task, one at a time. **The application keeps nothing about undecided
/// blocks on disk**: the write-ahead log makes a body durable before any signature about it leaves
/// the process, and hands it to [`check`](Application::check) again after a restart.
#[async_trait]
pub trait Application: Send + 'static {
    /// Height of the newest durable block, `None` before the first. The next height is one more, or 1.
    fn last_committed(&self) -> Option<u64>;

    /// Oldest height that [`decided`](Application::decided) can serve.
    fn oldest_decided(&self) -> u64 {
        1
    }

    /// The set that decides `height`; asked for the height after the newest durable block, at start and
    /// after each commit. The same on every node: it follows from committed blocks alone.
    fn validators(&self, height: u64) -> Vec<ValidatorEntry>;

    /// Whom the committed headers before `height` name as their proposers, oldest first, as far as the set of `height`
    /// decided them: the newest [`headers_that_matter`](crate::turns::headers_that_matter), or all if there are fewer.
    /// Asked when [`validators`](Application::validators) is, and like it the same on every node.
    ///
    /// Without names nobody's turn is put last.
    fn proposers(&self, _height: u64) -> Vec<String> {
        Vec::new()
    }

    /// The rules that are in force at `height`. Asked when [`validators`](Application::validators) is, and like it the
    /// same on every node: an application that does not know them has failed in [`commit`](Application::commit).
    fn rules(&self, height: u64) -> Rules;

    /// Resolves when records wait for a block, or when a rare heartbeat is due.
    ///
    /// **All idling happens here**, between two heights, when no timeout runs. Must be safe to cancel: it is
    /// dropped and called again whenever a message arrives. A height also begins when another
    /// validator has begun it, so this need not resolve on nodes that have nothing to propose.
    async fn wait_for_work(&mut self, height: u64);

    /// Polled while a height is being decided and nothing else is asked; for whatever must not be held until then.
    ///
    /// Must be safe to cancel, and is polled again when it resolves.
    async fn while_deciding(&mut self, _height: u64) {
        std::future::pending().await
    }

    /// Builds a block now, well within the propose timeout; an empty one when nothing waits.
    ///
    /// Called once per height and round. After a crash the same block is proposed from the write-ahead
    /// log without asking again; in a one-member set, where nothing is signed outside the process before
    /// [`commit`](Application::commit) is durable, it is asked again instead.
    ///
    /// # Errors
    /// [`Fatal`] stops the engine.
    async fn propose(&mut self, height: u64, round: u32) -> Result<ProposedBlock, Fatal>;

    /// Applies and verifies a block that somebody wants decided, and computes its id from its bytes.
    ///
    /// # Errors
    /// [`InvalidBlock`]: this node votes against the block. Out of turn: it does not look at this proposal of the
    /// block, which another proposal may well bring to be decided.
    async fn check(&mut self, candidate: Candidate) -> Result<[u8; 32], InvalidBlock>;

    /// The block of this height is decided. **Durable when this returns.**
    ///
    /// Exactly one per height, in order, and always one that [`propose`](Application::propose) returned or
    /// [`check`](Application::check) accepted in this process.
    ///
    /// # Errors
    /// [`Fatal`] stops the engine; the same block comes again after a restart.
    async fn commit(&mut self, decided: DecidedBlock) -> Result<(), Fatal>;

    /// A durable block with its certificate, for peers that catch up; `None` if not stored.
    async fn decided(&mut self, height: u64) -> Option<(Bytes, Certificate)>;

    /// Evidence that a member signed two statements of which it may sign one.
    fn misbehaviour(&mut self, evidence: Misbehaviour) {
        tracing::warn!(member = %evidence.member, height = evidence.height, "member signed twice");
    }
}

/// A block that this node wants decided.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProposedBlock {
    /// Header and records, at most [`crate::limits::BLOCK_BYTES`]. One body per id: an id that two bodies
    /// share would let nodes store different bytes under one certificate.
    pub block: Bytes,
    /// SHA-256 of the header.
    pub id: [u8; 32],
}

/// A block to be checked.
#[derive(Clone, Debug)]
pub struct Candidate {
    /// Height it wants.
    pub height: u64,
    /// Round in which it was proposed.
    pub round: u32,
    /// Member that proposed it in this round.
    pub proposer: String,
    /// Members of which the block names one as its proposer: whose turn it was in this round or, when it is proposed
    /// again or already decided, in an earlier one.
    pub turns: Vec<String>,
    /// Header and records.
    pub block: Bytes,
    /// Where it comes from.
    pub standing: Standing,
}

/// How much is already known about a block that is being checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// New from its proposer: its time must also agree with our clock.
    Fresh,
    /// Read back from our own write-ahead log, where it was valid before: its time is not compared with the
    /// clock again, for we may have voted for it.
    Voted,
    /// Came by catch-up with a certificate that verified: its time is not compared with the clock.
    Decided,
}

/// A block that is decided.
#[derive(Clone, Debug)]
pub struct DecidedBlock {
    /// Its height.
    pub height: u64,
    /// Round in which it was decided.
    pub round: u32,
    /// SHA-256 of its header.
    pub id: [u8; 32],
    /// Header and records.
    pub block: Bytes,
    /// More than two thirds of the set of this height. Nodes may hold different subsets of signatures, so
    /// it must not enter anything that nodes compare.
    pub certificate: Certificate,
}

/// Two signed statements by one member that exclude each other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Misbehaviour {
    /// Who.
    pub member: String,
    /// Height of both statements.
    pub height: u64,
    /// The first statement with its signature, encoded as on the wire.
    pub first: Bytes,
    /// The second.
    pub second: Bytes,
}

/// Why this node votes against a block. For the consortium: the proposer is at fault, or this node is.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("block is not valid: {reason}")]
pub struct InvalidBlock {
    /// What is wrong with it.
    pub reason: String,
    /// Its content may be good: it is this proposal of it that nobody should have made.
    pub out_of_turn: bool,
}

impl InvalidBlock {
    /// Says why, whoever proposes the block and whenever.
    #[must_use]
    pub fn new(reason: impl Into<String>) -> Self {
        Self { reason: reason.into(), out_of_turn: false }
    }

    /// It names a member whose turn it was not, in this round or an earlier one that counts.
    #[must_use]
    pub fn out_of_turn(named: &str) -> Self {
        let reason = format!("it names {named} as its proposer, whose turn it was not");
        Self { reason, out_of_turn: true }
    }
}

/// The application cannot go on; for the operator. The engine stops and signs nothing more.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub struct Fatal {
    /// What happened.
    pub reason: String,
}

impl Fatal {
    /// Says why.
    #[must_use]
    pub fn new(reason: impl Into<String>) -> Self {
        Self { reason: reason.into() }
    }
}
