//! Frames read by anybody and statements signed with any key: for simulations of networks and of dishonest
//! members, and for nothing else. A node signs through its engine, which never says two things.

use std::sync::Arc;

use super::codec;
use super::signing::{MemberSigner, MemberVerifier, bytes_of_proposal, bytes_of_vote};
use super::vocabulary::{Address, BlockId, Body, Height, Ledger, Proposal, PublicKey, Signature, Vote};
use crate::certificate::verifies;
use crate::transport::FrameKind;
use bytes::Bytes;
use malachite::app::consensus::{LivenessMsg, SignedConsensusMsg};
use malachite::app::types::core::{NilOrVal, Round, SignedMessage, VoteType};

/// Which of the two votes of a round.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Ballot {
    /// A member's wish that this block be decided in this round.
    Proposal,
    /// The first vote.
    Prevote,
    /// The second vote.
    Precommit,
}

/// What one member said, of which it may say only one for a height, round and ballot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Statement {
    /// Who.
    pub member: String,
    /// At which height.
    pub height: u64,
    /// In which round.
    pub round: u32,
    /// Of which kind.
    pub ballot: Ballot,
    /// For which block; `None`: for no block.
    pub id: Option<[u8; 32]>,
    /// Round of the earlier quorum that a proposal refers to.
    pub pol_round: Option<u32>,
    /// The signature.
    pub signature: [u8; 64],
}

/// The body of a proposed block on its way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BodyOnWire {
    /// Height of the block.
    pub height: u64,
    /// Round in which it is proposed.
    pub round: u32,
    /// Earlier round in which it was nearly decided.
    pub valid_round: Option<u32>,
    /// Who proposes it.
    pub proposer: String,
    /// Its id.
    pub id: [u8; 32],
    /// Header and records.
    pub block: Bytes,
}

/// What a frame says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Said {
    /// A vote or a proposal.
    Statement(Statement),
    /// A block.
    Body(BodyOnWire),
    /// That its sender has begun this height.
    Begun(u64),
    /// Anything else: certificates of votes, how far a node is, what cannot be read.
    Else,
}

fn of_vote(vote: &SignedMessage<Ledger, Vote>) -> Said {
    let Vote { kind, height, round, value, member } = &vote.message;
    Said::Statement(Statement {
        member: member.to_string(),
        height: height.0,
        round: round.as_u32().unwrap_or(0),
        ballot: match kind {
            VoteType::Prevote => Ballot::Prevote,
            VoteType::Precommit => Ballot::Precommit,
        },
        id: match value {
            NilOrVal::Nil => None,
            NilOrVal::Val(id) => Some(id.0),
        },
        pol_round: None,
        signature: vote.signature.0,
    })
}

/// Reads a frame as its receiver would.
#[must_use]
pub fn read(kind: FrameKind, bytes: &Bytes) -> Said {
    match kind {
        FrameKind::Consensus => match codec::decode_consensus(bytes.clone()) {
            Ok(SignedConsensusMsg::Vote(vote)) => of_vote(&vote),
            Ok(SignedConsensusMsg::Proposal(proposal)) => Said::Statement(Statement {
                member: proposal.message.member.to_string(),
                height: proposal.message.height.0,
                round: proposal.message.round.as_u32().unwrap_or(0),
                ballot: Ballot::Proposal,
                id: Some(proposal.message.value.0),
                pol_round: proposal.message.pol_round.as_u32(),
                signature: proposal.signature.0,
            }),
            Err(_) => Said::Else,
        },
        FrameKind::Liveness => match codec::decode_liveness(bytes.clone()) {
            Ok(LivenessMsg::Vote(vote)) => of_vote(&vote),
            _ => Said::Else,
        },
        FrameKind::Body => match codec::decode_body(bytes.clone()) {
            Ok(body) => Said::Body(BodyOnWire {
                height: body.height.0,
                round: body.round,
                valid_round: body.valid_round,
                proposer: body.proposer.to_string(),
                id: body.id.0,
                block: body.block,
            }),
            Err(_) => Said::Else,
        },
        FrameKind::Status => match codec::decode_status(bytes.clone()) {
            Ok((.., begun)) if begun.0 > 0 => Said::Begun(begun.0),
            _ => Said::Else,
        },
    }
}

impl Statement {
    /// Whether `public_key` signed it on the ledger `origin`.
    #[must_use]
    pub fn is_signed(&self, origin: &str, public_key: &[u8; 32]) -> bool {
        let bytes = match self.ballot {
            Ballot::Proposal => bytes_of_proposal(origin, &self.proposal()),
            Ballot::Prevote | Ballot::Precommit => bytes_of_vote(origin, &self.vote()),
        };
        bytes.is_some_and(|bytes| verifies(public_key, &bytes, &self.signature))
    }

    fn vote(&self) -> Vote {
        Vote {
            kind: if self.ballot == Ballot::Precommit { VoteType::Precommit } else { VoteType::Prevote },
            height: Height(self.height),
            round: Round::new(self.round),
            value: self.id.map_or(NilOrVal::Nil, |id| NilOrVal::Val(BlockId(id))),
            member: Address::new(&self.member),
        }
    }

    fn proposal(&self) -> Proposal {
        Proposal {
            height: Height(self.height),
            round: Round::new(self.round),
            value: BlockId(self.id.unwrap_or_default()),
            pol_round: Round::from(self.pol_round),
            member: Address::new(&self.member),
        }
    }
}

/// Signs whatever it is given with one member's key.
#[derive(Clone)]
pub struct Forger {
    signer: MemberSigner,
    verifier: MemberVerifier,
}

impl Forger {
    /// With the seed of a consensus key on the ledger `origin`.
    #[must_use]
    pub fn new(origin: &str, seed: &[u8; 32]) -> Self {
        let origin: Arc<str> = Arc::from(origin);
        let signer = MemberSigner::new(origin, seed);
        let verifier = signer.verifier();
        Self { signer, verifier }
    }

    /// The frame of a statement, signed anew.
    #[must_use]
    pub fn statement(&self, statement: &Statement) -> Bytes {
        let origin = &self.verifier.origin;
        let message = if statement.ballot == Ballot::Proposal {
            let proposal = statement.proposal();
            let signature = self.signer.sign(&bytes_of_proposal(origin, &proposal).unwrap_or_default());
            SignedConsensusMsg::Proposal(SignedMessage::new(proposal, signature))
        } else {
            let vote = statement.vote();
            let signature = self.signer.sign(&bytes_of_vote(origin, &vote).unwrap_or_default());
            SignedConsensusMsg::Vote(SignedMessage::new(vote, signature))
        };
        codec::encode_consensus(&message)
    }

    /// The frame of a body, signed anew.
    #[must_use]
    pub fn body(&self, body: &BodyOnWire) -> Bytes {
        let unsigned = Body {
            height: Height(body.height),
            round: body.round,
            valid_round: body.valid_round,
            proposer: Address::new(&body.proposer),
            id: BlockId(body.id),
            block: body.block.clone(),
            signature: Signature([0; 64]),
        };
        let signed = self.signer.sign_body(unsigned);
        debug_assert!(self.verifier.verify_body(&signed, &PublicKey(self.signer.public_key())));
        codec::encode_body(&signed)
    }
}
