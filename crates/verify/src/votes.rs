//! Two votes: what a consensus key signed, and whether two such statements exclude each other.
//!
//! The layout is that of the ordering engine's signed bytes: a context, the origin, then for a vote
//! `kind, height, round, 0x00 | 0x01 id, member`, for a proposal `height, round, 0x00 | 0x01 round, id, member`.
//! Integers are big-endian, texts carry their length in two bytes. It is read here once more, so that
//! evidence is checked without the engine.

use alloc::{string::String, vec::Vec};
use core::fmt;

use ore_record::keys::PublicKey;

/// Opens the bytes of a prevote or precommit.
pub const VOTE_CONTEXT: &[u8] = b"\0oreledger/vote/v1\0";
/// Opens the bytes of a proposal.
pub const PROPOSAL_CONTEXT: &[u8] = b"\0oreledger/proposal/v1\0";

/// Bytes that a consensus key signed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Statement {
    /// What was signed.
    pub message: Vec<u8>,
    /// Ed25519 over it.
    pub signature: [u8; 64],
}

/// Where a member may speak once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ballot {
    /// The ledger.
    pub origin: String,
    /// The member, as it calls itself.
    pub member: String,
    /// 1 prevote, 2 precommit, 3 proposal.
    kind: u8,
    height: u64,
    round: u32,
    /// What it says: the block, and for a proposal the round of the earlier quorum.
    says: Vec<u8>,
}

impl Statement {
    /// Whether this key signed it.
    #[must_use]
    pub fn is_by(&self, public_key: &[u8; 32]) -> bool {
        PublicKey::check(public_key).is_ok_and(|key| key.signed_raw(&self.message, &self.signature))
    }

    /// Reads what was signed; `None` for anything but one whole vote or proposal.
    #[must_use]
    pub fn ballot(&self) -> Option<Ballot> {
        let mut rest = Reader(&self.message);
        let proposal = rest.skip(PROPOSAL_CONTEXT);
        if !proposal && !rest.skip(VOTE_CONTEXT) {
            return None;
        }
        let origin = rest.text()?;
        let kind = if proposal { 3 } else { rest.array::<1>()?[0] };
        let height = u64::from_be_bytes(rest.array()?);
        let round = u32::from_be_bytes(rest.array()?);
        let from = rest.0;
        match (proposal, rest.array::<1>()?) {
            (false, [0]) => {}
            (false, [1]) => drop(rest.array::<32>()?),
            (true, [0]) => drop(rest.array::<32>()?),
            (true, [1]) => drop((rest.array::<4>()?, rest.array::<32>()?)),
            _ => return None,
        }
        let says = from[..from.len() - rest.0.len()].to_vec();
        let member = rest.text()?;
        let whole = rest.0.is_empty() && (1..=3).contains(&kind) && (proposal == (kind == 3));
        whole.then_some(Ballot { origin, member, kind, height, round, says })
    }
}

/// The ballot on which both statements were made, if they say different things there.
#[must_use]
pub fn same_ballot(first: &Statement, second: &Statement) -> Option<Ballot> {
    let (one, two) = (first.ballot()?, second.ballot()?);
    let same = one.origin == two.origin
        && one.member == two.member
        && one.kind == two.kind
        && one.height == two.height
        && one.round == two.round;
    (same && one.says != two.says).then_some(one)
}

impl fmt::Display for Ballot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = match self.kind {
            1 => "prevotes",
            2 => "precommits",
            _ => "proposals",
        };
        write!(f, "two {kind} of {} at height {}, round {}", self.member, self.height, self.round)
    }
}

struct Reader<'a>(&'a [u8]);

impl Reader<'_> {
    fn skip(&mut self, prefix: &[u8]) -> bool {
        let rest = self.0.strip_prefix(prefix);
        self.0 = rest.unwrap_or(self.0);
        rest.is_some()
    }

    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (array, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(*array)
    }

    fn text(&mut self) -> Option<String> {
        let length = usize::from(u16::from_be_bytes(self.array()?));
        let (text, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        core::str::from_utf8(text).ok().map(String::from)
    }
}
