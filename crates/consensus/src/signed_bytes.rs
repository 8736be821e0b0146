//! What a consensus signature covers, byte by byte.
//!
//! Each layout opens with a context that no other signature in the ledger uses, then the
//! ledger's origin, so that a vote for one ledger is no vote for another. All integers are
//! big-endian. Nothing is optional by omission: an absent value is a byte that says so. An
//! offline verifier needs this file, SHA-256 and Ed25519, and nothing of the ordering engine.

use sha2::{Digest, Sha256};

/// Opens the bytes of a prevote or precommit.
pub const VOTE_CONTEXT: &[u8] = b"\0oreledger/vote/v1\0";
/// Opens the bytes of a proposal.
pub const PROPOSAL_CONTEXT: &[u8] = b"\0oreledger/proposal/v1\0";
/// Opens the bytes of a block body on its way from its proposer.
pub const BODY_CONTEXT: &[u8] = b"\0oreledger/body/v1\0";

/// Byte that marks a prevote.
pub(crate) const PREVOTE: u8 = 1;
/// Byte that marks a precommit.
pub(crate) const PRECOMMIT: u8 = 2;

/// What a precommit for a block covers; a [`Certificate`](crate::Certificate) is a set of these.
///
/// `VOTE_CONTEXT || u16 length of origin || origin || 0x02 || u64 height || u32 round || 0x01 ||
/// 32-byte block id || u16 length of member || member`
#[must_use]
pub fn precommit_bytes(origin: &str, height: u64, round: u32, block_id: &[u8; 32], member: &str) -> Vec<u8> {
    vote_bytes(origin, PRECOMMIT, height, round, Some(block_id), member)
}

/// As [`precommit_bytes`], for either kind of vote; a vote for no block has 0x00 and no id.
pub(crate) fn vote_bytes(
    origin: &str,
    kind: u8,
    height: u64,
    round: u32,
    block_id: Option<&[u8; 32]>,
    member: &str,
) -> Vec<u8> {
    let mut out = opening(VOTE_CONTEXT, origin);
    out.push(kind);
    out.extend_from_slice(&height.to_be_bytes());
    out.extend_from_slice(&round.to_be_bytes());
    match block_id {
        None => out.push(0),
        Some(id) => {
            out.push(1);
            out.extend_from_slice(id);
        }
    }
    text(&mut out, member);
    out
}

/// `PROPOSAL_CONTEXT || origin || u64 height || u32 round || round of the earlier quorum of prevotes
/// (0x00, or 0x01 and u32) || block id || member`
pub(crate) fn proposal_bytes(
    origin: &str,
    height: u64,
    round: u32,
    pol_round: Option<u32>,
    block_id: &[u8; 32],
    member: &str,
) -> Vec<u8> {
    let mut out = opening(PROPOSAL_CONTEXT, origin);
    out.extend_from_slice(&height.to_be_bytes());
    out.extend_from_slice(&round.to_be_bytes());
    optional_round(&mut out, pol_round);
    out.extend_from_slice(block_id);
    text(&mut out, member);
    out
}

/// `BODY_CONTEXT || origin || u64 height || u32 round || valid round (0x00, or 0x01 and u32) || block id ||
/// SHA-256 of the body || member`
///
/// Without this signature any peer could make every other member check blocks that nobody proposed.
pub(crate) fn body_bytes(
    origin: &str,
    height: u64,
    round: u32,
    valid_round: Option<u32>,
    block_id: &[u8; 32],
    body: &[u8],
    member: &str,
) -> Vec<u8> {
    let mut out = opening(BODY_CONTEXT, origin);
    out.extend_from_slice(&height.to_be_bytes());
    out.extend_from_slice(&round.to_be_bytes());
    optional_round(&mut out, valid_round);
    out.extend_from_slice(block_id);
    out.extend_from_slice(&Sha256::digest(body));
    text(&mut out, member);
    out
}

fn opening(context: &[u8], origin: &str) -> Vec<u8> {
    let mut out = Vec::with_capacity(context.len() + origin.len() + 128);
    out.extend_from_slice(context);
    text(&mut out, origin);
    out
}

fn optional_round(out: &mut Vec<u8>, round: Option<u32>) {
    match round {
        None => out.push(0),
        Some(round) => {
            out.push(1);
            out.extend_from_slice(&round.to_be_bytes());
        }
    }
}

/// Names are cut to what their length field can say, which the limits in [`crate::limits`] never reach.
fn text(out: &mut Vec<u8>, text: &str) {
    let bytes = &text.as_bytes()[..text.len().min(usize::from(u16::MAX))];
    out.extend_from_slice(&(bytes.len() as u16).to_be_bytes());
    out.extend_from_slice(bytes);
}
