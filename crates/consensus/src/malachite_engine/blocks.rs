//! The driver's answers about blocks: proposing, judging, committing, serving them.

use bytes::Bytes;
use malachite::Reply;
use malachite::app::consensus::{MisbehaviorEvidence, SignedConsensusMsg};
use malachite::app::engine::host::{Next, SyncedValueOutcome};
use malachite::app::types::core::{
    CommitCertificate, ExtendedCommitCertificate, ExtendedCommitSignature, Round,
};
use malachite::app::types::sync::RawDecidedValue;
use malachite::app::types::{LocallyProposedValue, ProposedValue};

use super::codec;
use super::driver::{Begin, Core, Gate, Until};
use super::engine::EngineError;
use super::vocabulary::{Address, BlockId, Body, Height, Ledger, Signature, Validator};
use crate::application::{Application, Candidate, DecidedBlock, Fatal, Misbehaviour, Standing};
use crate::certificate::{Certificate, CommitSignature};
use crate::limits;
use crate::progress::EngineState;
use crate::transport::FrameKind;

impl<A: Application> Core<A> {
    pub(super) async fn propose(
        &mut self,
        height: Height,
        round: Round,
    ) -> Result<LocallyProposedValue<Ledger>, EngineError> {
        let number = round.as_u32().unwrap_or(0);
        if let Some(id) = self.undecided.ours(number) {
            if let Some((block, _)) = self.undecided.block(id) {
                let body = self.body_of_ours(height, number, None, id, block);
                self.stage(&body);
            }
            return Ok(LocallyProposedValue::new(height, round, id));
        }
        let proposed = self.app.propose(height.0, number).await?;
        if proposed.block.len() > limits::BLOCK_BYTES {
            return Err(Fatal::new("proposed a block of more than 2 MiB").into());
        }
        let id = BlockId(proposed.id);
        let body = self.body_of_ours(height, number, None, id, proposed.block);
        self.log.append_body(&body)?;
        self.undecided.insert(&body, true, &self.config.member);
        self.stage(&body);
        Ok(LocallyProposedValue::new(height, round, id))
    }

    fn body_of_ours(
        &self,
        height: Height,
        round: u32,
        valid_round: Option<u32>,
        id: BlockId,
        block: Bytes,
    ) -> Body {
        let proposer = Address::new(&self.config.member);
        let signature = Signature([0; 64]);
        let body = Body { height, round, valid_round, proposer, id, block, signature };
        // Nobody else ever sees the bodies of a member that decides alone.
        if self.voice.is_heard() { self.signer.sign_body(body) } else { body }
    }

    /// Readies a body of ours to leave with its proposal.
    fn stage(&self, body: &Body) {
        if self.voice.is_heard() {
            self.peers.stage_body(body.id, codec::encode_body(body));
        }
    }

    /// We propose again a block that was nearly decided in an earlier round; others may not have its body.
    pub(super) fn restream(
        &mut self,
        height: Height,
        round: Round,
        valid_round: Round,
        address: &Address,
        id: BlockId,
    ) {
        let ours = *address.0 == *self.config.member && height == self.height;
        let (Some(round), Some((block, _)), true) = (round.as_u32(), self.undecided.block(id), ours) else {
            return;
        };
        let body = self.body_of_ours(height, round, valid_round.as_u32(), id, block);
        self.peers.broadcast(FrameKind::Body, codec::encode_body(&body));
    }

    /// A body from a peer. What its proposer did not sign is not looked at.
    pub(super) async fn received(
        &mut self,
        body: Body,
    ) -> Result<Option<ProposedValue<Ledger>>, EngineError> {
        let early = body.height > self.height || (self.gate.is_some() && body.height == self.height);
        let too_early = body.height.0 > self.height.0 + 1;
        let signed =
            |v: &Validator| v.address == body.proposer && self.verifier.verify_body(&body, &v.public_key);
        if body.height < self.height || too_early || !self.set.get(&body.proposer.0).is_some_and(signed) {
            return Ok(None);
        }
        if early {
            self.early.insert(body);
            return Ok(None);
        }
        if self.set.proposer(body.round).address != body.proposer {
            return Ok(None);
        }
        let known = self.undecided.verdict(&body).is_some();
        if !known {
            let too_far = body.round > self.round.saturating_add(limits::ROUNDS_AHEAD);
            if too_far || !self.undecided.has_room(body.round) {
                tracing::warn!(height = self.height.0, "too many proposed blocks, one more ignored");
                return Ok(None);
            }
        }
        let Some(valid) = self.judge(&body, Standing::Fresh).await else {
            self.undecided.turn_away(body.round);
            return Ok(None);
        };
        if !known {
            self.log.append_body(&body)?;
        }
        self.undecided.insert(&body, valid, &self.config.member);
        Ok(self.undecided.as_proposed(self.height, body.round, body.id))
    }

    /// Has the application check a body, unless it already did; the verdict holds in every round. `None`: this proposal
    /// of it is out of turn, which says nothing about the block.
    pub(super) async fn judge(&mut self, body: &Body, standing: Standing) -> Option<bool> {
        if let Some(valid) = self.undecided.verdict(body) {
            return Some(valid);
        }
        let turns = match body.valid_round {
            // Its first proposer is one of those whose turn it was until a quorum was ready to decide it.
            Some(round) => self.set.proposers_up_to(round.min(body.round)),
            None => vec![body.proposer.to_string()],
        };
        let candidate = Candidate {
            height: body.height.0,
            round: body.round,
            proposer: body.proposer.to_string(),
            turns,
            block: body.block.clone(),
            standing,
        };
        match self.app.check(candidate).await {
            Ok(id) if id == body.id.0 => Some(true),
            Ok(_) => {
                tracing::warn!(proposer = %body.proposer, "block has another id than announced");
                Some(false)
            }
            Err(fault) if fault.out_of_turn => {
                tracing::warn!(proposer = %body.proposer, height = body.height.0, %fault, "ignored");
                None
            }
            Err(fault) => {
                tracing::warn!(proposer = %body.proposer, height = body.height.0, %fault, "voting no");
                Some(false)
            }
        }
    }

    pub(super) async fn decided(
        &mut self,
        certificate: CommitCertificate<Ledger>,
    ) -> Result<(), EngineError> {
        let height = certificate.height;
        let Some((block, true)) =
            self.undecided.block(certificate.value_id).filter(|_| height == self.height)
        else {
            let id = certificate.value_id;
            return Err(EngineError::Stopped(format!("height {height} decided on {id}, not valid here")));
        };
        let decided = DecidedBlock {
            height: height.0,
            round: certificate.round.as_u32().unwrap_or(0),
            id: certificate.value_id.0,
            block,
            certificate: self.certificate(&certificate),
        };
        self.app.commit(decided).await?;
        self.report(EngineState::Deciding);
        Ok(())
    }

    fn certificate(&self, certificate: &CommitCertificate<Ledger>) -> Certificate {
        let mut signatures: Vec<_> = certificate
            .commit_signatures
            .iter()
            .filter_map(|commit| {
                Some(CommitSignature {
                    member: commit.address.to_string(),
                    // The engine verified each signature with this key of this set.
                    public_key: self.set.get(&commit.address.0)?.public_key.0,
                    signature: commit.signature.0,
                })
            })
            .collect();
        signatures.sort_by(|a, b| a.member.cmp(&b.member));
        signatures.dedup_by(|a, b| a.member == b.member);
        Certificate {
            height: certificate.height.0,
            round: certificate.round.as_u32().unwrap_or(0),
            block_id: certificate.value_id.0,
            signatures,
        }
    }

    pub(super) async fn finalized(
        &mut self,
        height: Height,
        evidence: MisbehaviorEvidence<Ledger>,
        reply: Reply<Next<Ledger>>,
    ) -> Result<(), EngineError> {
        if self.app.last_committed() != Some(height.0) {
            let reason = format!("height {height} is decided but not in the ledger");
            return Err(EngineError::Stopped(reason));
        }
        self.report_misbehaviour(evidence);
        self.enter(Height(height.0 + 1)).await?;
        self.gate = Some(Gate { reply: Begin::Next(reply), until: Until::Work });
        self.report(EngineState::Idle);
        Ok(())
    }

    fn report_misbehaviour(&mut self, evidence: MisbehaviorEvidence<Ledger>) {
        for (member, pairs) in evidence.votes {
            for (first, second) in pairs {
                let height = first.message.height;
                let pair = (SignedConsensusMsg::Vote(first), SignedConsensusMsg::Vote(second));
                self.app.misbehaviour(misbehaviour(&member, height, &pair));
            }
        }
        for (member, pairs) in &evidence.proposals {
            for (first, second) in pairs {
                let height = first.message.height;
                let pair = (
                    SignedConsensusMsg::Proposal(first.clone()),
                    SignedConsensusMsg::Proposal(second.clone()),
                );
                self.app.misbehaviour(misbehaviour(member, height, &pair));
            }
        }
    }

    pub(super) async fn serve_decided(&mut self, first: u64, last: u64) -> Vec<RawDecidedValue<Ledger>> {
        let mut values = Vec::new();
        let mut bytes = 0;
        // At most as many as a response may hold, in number and in bytes.
        for height in (first..=last).take(limits::BLOCKS_PER_RESPONSE) {
            let Some((block, certificate)) = self.app.decided(height).await else {
                break;
            };
            bytes += block.len() + limits::LIVENESS_FRAME_BYTES;
            if bytes > limits::RESPONSE_BYTES {
                break;
            }
            values.push(RawDecidedValue::new(block, extended(&certificate)));
        }
        values
    }

    /// A block that came with a certificate; the engine has verified that and compares the id.
    pub(super) async fn synced(
        &mut self,
        height: Height,
        round: Round,
        proposer: Address,
        block: Bytes,
    ) -> Result<SyncedValueOutcome<Ledger>, EngineError> {
        let Some(number) = round.as_u32().filter(|_| height == self.height) else {
            return Ok(SyncedValueOutcome::LocalTransientError);
        };
        if block.len() > limits::BLOCK_BYTES {
            return Ok(SyncedValueOutcome::PeerFault);
        }
        let candidate = Candidate {
            height: height.0,
            round: number,
            proposer: proposer.to_string(),
            turns: self.set.proposers_up_to(number),
            block: block.clone(),
            standing: Standing::Decided,
        };
        let id = match self.app.check(candidate).await {
            Ok(id) => BlockId(id),
            Err(fault) => {
                tracing::warn!(height = height.0, %fault, "block from catch-up is not valid here");
                return Ok(SyncedValueOutcome::PeerFault);
            }
        };
        let signature = Signature([0; 64]);
        let body = Body { height, round: number, valid_round: None, proposer, id, block, signature };
        if self.undecided.verdict(&body).is_none() {
            self.log.append_body(&body)?;
        }
        self.undecided.insert(&body, true, "");
        let value = self.undecided.as_proposed(height, number, id);
        Ok(value.map_or(SyncedValueOutcome::LocalTransientError, SyncedValueOutcome::Verdict))
    }
}

fn misbehaviour(
    member: &Address,
    height: Height,
    (first, second): &(SignedConsensusMsg<Ledger>, SignedConsensusMsg<Ledger>),
) -> Misbehaviour {
    Misbehaviour {
        member: member.to_string(),
        height: height.0,
        first: codec::encode_consensus(first),
        second: codec::encode_consensus(second),
    }
}

fn extended(certificate: &Certificate) -> ExtendedCommitCertificate<Ledger> {
    ExtendedCommitCertificate {
        height: Height(certificate.height),
        round: Round::new(certificate.round),
        value_id: BlockId(certificate.block_id),
        commit_signatures: certificate
            .signatures
            .iter()
            .map(|s| ExtendedCommitSignature::new(Address::new(&s.member), Signature(s.signature), None))
            .collect(),
    }
}
