//! The loop between the engine's questions and the application's answers.
//!
//! Rules that keep it safe and moving:
//! - a body is in the write-ahead log before the engine hears of it, and the log is flushed before any vote
//!   or proposal about it leaves;
//! - asked twice for the block of one height and round, the answer is the same, also across a restart;
//! - `Decided` is answered once the block is durable, `Finalized` with the next height; no height is ever
//!   restarted by itself;
//! - between two heights it idles, with no timeout running, until there is work here or elsewhere.

use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use malachite::app::consensus::MisbehaviorEvidence;
use malachite::app::consensus::SignedConsensusMsg;
use malachite::app::consensus::VoteExtensionError;
use malachite::app::engine::host::{HeightParams, Next, SyncedValueOutcome};
use malachite::app::types::core::{
    CommitCertificate, ExtendedCommitCertificate, ExtendedCommitSignature, Round,
};
use malachite::app::types::sync::RawDecidedValue;
use malachite::app::types::{LocallyProposedValue, ProposedValue};
use malachite::{AppMsg, Reply};
use tokio::sync::{mpsc, watch};

use super::codec;
use super::engine::{Actors, EngineConfig, EngineError, Messages, Timeouts};
use super::log::{Log, Voice};
use super::peers::{Peers, receive};
use super::signing::{MemberSigner, MemberVerifier};
use super::undecided::{Early, Undecided};
use super::vocabulary::{Address, BlockId, Body, Height, Ledger, Signature, Validator, ValidatorSet};
use crate::application::{Application, Candidate, DecidedBlock, Fatal, Misbehaviour, Standing};
use crate::certificate::{Certificate, CommitSignature};
use crate::limits;
use crate::progress::{EngineState, Progress};
use crate::transport::{FrameKind, Inbound};

/// Runs the application against the engine. Dropping it, or the future of [`Driver::run`], kills the engine
/// where it stands, as a crash would.
pub struct Driver<A> {
    core: Core<A>,
    messages: Messages,
    inbound: mpsc::Receiver<Inbound>,
    stopped: watch::Receiver<bool>,
    actors: Actors,
}

/// What [`Engine::start`](super::Engine::start) made.
pub(super) struct Parts<A> {
    pub(super) config: EngineConfig,
    pub(super) app: A,
    pub(super) log: Log,
    pub(super) voice: Arc<Voice>,
    pub(super) peers: Arc<Peers>,
    pub(super) signer: MemberSigner,
    pub(super) verifier: MemberVerifier,
    pub(super) actors: Actors,
    pub(super) messages: Messages,
    pub(super) inbound: mpsc::Receiver<Inbound>,
    pub(super) stopped: watch::Receiver<bool>,
    pub(super) progress: watch::Sender<Progress>,
}

struct Core<A> {
    config: EngineConfig,
    app: A,
    log: Log,
    voice: Arc<Voice>,
    peers: Arc<Peers>,
    signer: MemberSigner,
    verifier: MemberVerifier,
    progress: watch::Sender<Progress>,
    /// The height that the engine decides, or is about to.
    height: Height,
    set: ValidatorSet,
    undecided: Undecided,
    early: Early,
    gate: Option<Gate>,
}

/// The engine waits for the word to begin a height.
struct Gate {
    reply: Begin,
    until: Until,
}

enum Begin {
    First(Reply<(Height, HeightParams<Ledger>)>),
    Next(Reply<Next<Ledger>>),
}

#[derive(Clone, Copy)]
enum Until {
    /// There is work here, or a validator has begun.
    Work,
    /// More than two thirds of the power are connected, or it is this late.
    Connected(tokio::time::Instant),
}

impl<A: Application> Driver<A> {
    pub(super) fn new(parts: Parts<A>) -> Self {
        let height = Height(parts.app.last_committed().map_or(1, |newest| newest + 1));
        let core = Core {
            config: parts.config,
            app: parts.app,
            log: parts.log,
            voice: parts.voice,
            peers: parts.peers,
            signer: parts.signer,
            verifier: parts.verifier,
            progress: parts.progress,
            height,
            set: ValidatorSet(Arc::from([])),
            undecided: Undecided::default(),
            early: Early::default(),
            gate: None,
        };
        Self {
            core,
            messages: parts.messages,
            inbound: parts.inbound,
            stopped: parts.stopped,
            actors: parts.actors,
        }
    }

    /// Runs until [`Engine::shutdown`](super::Engine::shutdown); gives the application back then.
    ///
    /// # Errors
    /// [`EngineError`]: the application or the write-ahead log failed. Nothing is signed after that.
    pub async fn run(mut self) -> Result<A, EngineError> {
        let wait = self.core.config.stop_wait;
        let receiving = receive(Arc::clone(&self.core.peers), self.inbound);
        let result = tokio::select! {
            result = self.core.serve(&mut self.messages, &mut self.stopped) => result,
            () = receiving => Ok(()),
        };
        self.actors.stop(wait).await;
        match result {
            Ok(()) => {
                self.core.report(EngineState::Stopped);
                Ok(self.core.app)
            }
            Err(error) => {
                self.core.report(EngineState::Failed(error.to_string()));
                Err(error)
            }
        }
    }
}

impl<A: Application> Core<A> {
    async fn serve(
        &mut self,
        messages: &mut Messages,
        stopped: &mut watch::Receiver<bool>,
    ) -> Result<(), EngineError> {
        self.enter(self.height).await?;
        // Ends when asked to, or when the engine or the application fails.
        loop {
            self.open_gate_if_due();
            let until = self.gate.as_ref().map(|gate| gate.until);
            let deadline = match until {
                Some(Until::Connected(deadline)) => Some(deadline),
                _ => None,
            };
            tokio::select! {
                biased;
                () = asked_to_stop(stopped) => return Ok(()),
                message = messages.recv() => match message {
                    Some(message) => self.answer(message).await?,
                    None => return Err(self.why_it_stopped()),
                },
                () = self.app.wait_for_work(self.height.0), if matches!(until, Some(Until::Work)) => {
                    self.open_gate();
                }
                () = self.peers.changed.notified(), if until.is_some() => {}
                () = late(deadline), if deadline.is_some() => self.open_gate(),
            }
        }
    }

    fn why_it_stopped(&self) -> EngineError {
        let reason = self.log.failure();
        EngineError::Stopped(reason.unwrap_or_else(|| "its actors ended, see the log".into()))
    }

    fn report(&self, state: EngineState) {
        let (height, committed) = (self.height.0, self.app.last_committed().unwrap_or(0));
        let log_syncs = self.log.syncs();
        self.progress.send_modify(|now| {
            if now.state != state || now.height != height {
                now.since = Instant::now();
                now.round = 0;
            }
            now.height = height;
            now.committed = committed;
            now.log_syncs = log_syncs;
            now.state = state;
        });
    }

    /// Prepares for a height: its set, whether we are heard, and what the log knows about it.
    async fn enter(&mut self, height: Height) -> Result<(), EngineError> {
        self.height = height;
        self.set = ValidatorSet::new(self.app.validators(height.0))
            .ok_or(EngineError::UnusableSet { height: height.0 })?;
        let member = self.config.member.clone();
        if let Some(us) = self.set.get(&member)
            && us.public_key.0 != self.signer.public_key()
        {
            return Err(EngineError::OtherKey { member, height: height.0 });
        }
        let restored = self.log.height().is_some_and(|logged| logged > height.0);
        if restored {
            tracing::warn!(
                height = height.0,
                logged = self.log.height(),
                "older than its own write-ahead log: silent until caught up"
            );
        }
        let votes = self.set.get(&member).is_some();
        self.voice.set(votes && !restored && !self.set.is_only(&member));
        self.undecided = Undecided::default();
        if self.voice.is_heard() {
            for body in self.log.bodies(height.0).map_err(|_| EngineError::WalEntry)? {
                self.judge(&body, Standing::Voted).await;
            }
        }
        Ok(())
    }

    fn params(&self) -> HeightParams<Ledger> {
        let alone = self.set.is_only(&self.config.member);
        let timeouts = if alone { Timeouts::alone() } else { self.config.timeouts.shared() };
        HeightParams::new(self.set.clone(), timeouts, None)
    }

    fn open_gate_if_due(&mut self) {
        let due = match self.gate.as_ref().map(|gate| gate.until) {
            None => false,
            Some(Until::Work) => self.peers.is_under_way(self.height.0, &self.set),
            Some(Until::Connected(_)) => {
                let connected = self.peers.connected_power(&self.set, &self.config.member);
                let total: u64 = self.set.0.iter().map(|v| v.power).sum();
                connected * 3 > total * 2
            }
        };
        if due {
            self.open_gate();
        }
    }

    /// Lets the engine begin the height.
    fn open_gate(&mut self) {
        let params = self.params();
        // A reply that nobody waits for means that the engine is gone, which the next message shows.
        match self.gate.take().map(|gate| gate.reply) {
            Some(Begin::First(reply)) => drop(reply.send((self.height, params))),
            Some(Begin::Next(reply)) => drop(reply.send(Next::Start(self.height, params))),
            None => return,
        }
        self.report(EngineState::Deciding);
    }

    async fn answer(&mut self, message: AppMsg<Ledger>) -> Result<(), EngineError> {
        match message {
            AppMsg::ConsensusReady { reply } => self.ready(reply),
            AppMsg::StartedRound { height, round, reply_value, .. } => {
                let values = self.started_round(height, round).await;
                let _ = reply_value.send(values);
            }
            AppMsg::GetValue { height, round, reply, .. } => {
                let value = self.propose(height, round).await?;
                let _ = reply.send(value);
            }
            AppMsg::ReceivedProposalPart { part, reply, .. } => {
                let value = match part.content.into_data() {
                    Some(body) => self.received(body).await?,
                    None => None,
                };
                let _ = reply.send(value);
            }
            AppMsg::RestreamProposal { height, round, valid_round, address, value_id } => {
                self.restream(height, round, valid_round, &address, value_id);
            }
            AppMsg::Decided { certificate, reply, .. } => {
                self.decided(certificate).await?;
                let _ = reply.send(());
            }
            AppMsg::Finalized { certificate, evidence, reply, .. } => {
                self.finalized(certificate.height, evidence, reply).await?;
            }
            AppMsg::GetDecidedValues { range, reply } => {
                let values = self.serve_decided(range.start().0, range.end().0).await;
                let _ = reply.send(values);
            }
            AppMsg::ProcessSyncedValue { height, round, proposer, value_bytes, reply } => {
                let outcome = self.synced(height, round, proposer, value_bytes).await?;
                let _ = reply.send(outcome);
            }
            AppMsg::GetHistoryMinHeight { reply } => {
                let _ = reply.send(Height(self.app.oldest_decided()));
            }
            // Votes are not extended here: the policy is off at every height.
            AppMsg::ExtendVote { reply, .. } => drop(reply.send(None)),
            AppMsg::VerifyVoteExtensions { extensions, reply, .. } => {
                let refused = |(member, ())| (member, Err(VoteExtensionError::InvalidVoteExtension));
                let _ = reply.send(extensions.into_iter().map(refused).collect());
            }
        }
        Ok(())
    }

    fn ready(&mut self, reply: Reply<(Height, HeightParams<Ledger>)>) {
        let until = if self.set.is_only(&self.config.member) {
            self.report(EngineState::Idle);
            Until::Work
        } else {
            Until::Connected(tokio::time::Instant::now() + self.config.ready_wait)
        };
        self.gate = Some(Gate { reply: Begin::First(reply), until });
    }

    async fn started_round(&mut self, height: Height, round: Round) -> Vec<ProposedValue<Ledger>> {
        let Some(round) = round.as_u32().filter(|_| height == self.height) else {
            return Vec::new();
        };
        self.report(EngineState::Deciding);
        self.progress.send_modify(|now| now.round = round);
        for body in self.early.take(height) {
            // A body that cannot be logged is as if it had not come; the failure shows at the next vote.
            let _ = self.received(body).await;
        }
        self.undecided.in_round(height, round)
    }

    async fn propose(
        &mut self,
        height: Height,
        round: Round,
    ) -> Result<LocallyProposedValue<Ledger>, EngineError> {
        let number = round.as_u32().unwrap_or(0);
        if let Some(id) = self.undecided.ours(number) {
            self.stage(height, number, None, id);
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
        self.peers.stage_body(id, codec::encode_body(&body));
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

    /// Readies a known block of ours to leave with its proposal.
    fn stage(&mut self, height: Height, round: u32, valid_round: Option<u32>, id: BlockId) {
        if let Some((block, _)) = self.undecided.block(id) {
            let body = self.body_of_ours(height, round, valid_round, id, block);
            self.peers.stage_body(id, codec::encode_body(&body));
        }
    }

    /// We propose again a block that was nearly decided in an earlier round; others may not have its body.
    fn restream(&mut self, height: Height, round: Round, valid_round: Round, address: &Address, id: BlockId) {
        let ours = *address.0 == *self.config.member && height == self.height;
        let (Some(round), Some((block, _)), true) = (round.as_u32(), self.undecided.block(id), ours) else {
            return;
        };
        let body = self.body_of_ours(height, round, valid_round.as_u32(), id, block);
        self.peers.broadcast(FrameKind::Body, codec::encode_body(&body));
    }

    /// A body from a peer. What its proposer did not sign is not looked at.
    async fn received(&mut self, body: Body) -> Result<Option<ProposedValue<Ledger>>, EngineError> {
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
        if self.set.proposer(self.height, body.round).address != body.proposer {
            return Ok(None);
        }
        if self.undecided.block(body.id).is_none() {
            if !self.undecided.has_room() {
                tracing::warn!(height = self.height.0, "too many proposed blocks, one more ignored");
                return Ok(None);
            }
            self.log.append_body(&body)?;
        }
        self.judge(&body, Standing::Fresh).await;
        Ok(self.undecided.as_proposed(self.height, body.round, body.id))
    }

    /// Has the application check a body, unless it already did, and remembers the verdict.
    async fn judge(&mut self, body: &Body, standing: Standing) {
        let valid = match self.undecided.block(body.id) {
            Some((block, valid)) => valid && block == body.block,
            None => {
                let candidate = Candidate {
                    height: body.height.0,
                    round: body.round,
                    proposer: body.proposer.to_string(),
                    block: body.block.clone(),
                    standing,
                };
                match self.app.check(candidate).await {
                    Ok(id) if id == body.id.0 => true,
                    Ok(_) => {
                        tracing::warn!(proposer = %body.proposer, "block has another id than announced");
                        false
                    }
                    Err(fault) => {
                        tracing::warn!(proposer = %body.proposer, height = body.height.0, %fault, "voting no");
                        false
                    }
                }
            }
        };
        self.undecided.insert(body, valid, &self.config.member);
    }

    async fn decided(&mut self, certificate: CommitCertificate<Ledger>) -> Result<(), EngineError> {
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

    async fn finalized(
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

    async fn serve_decided(&mut self, first: u64, last: u64) -> Vec<RawDecidedValue<Ledger>> {
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
    async fn synced(
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
        if self.undecided.block(id).is_none() {
            self.log.append_body(&body)?;
        }
        self.undecided.insert(&body, true, "");
        let value = self.undecided.as_proposed(height, number, id);
        Ok(value.map_or(SyncedValueOutcome::LocalTransientError, SyncedValueOutcome::Verdict))
    }
}

/// Also when the last handle is gone: nobody could ask any more.
async fn asked_to_stop(stopped: &mut watch::Receiver<bool>) {
    drop(stopped.wait_for(|stop| *stop).await);
}

async fn late(deadline: Option<tokio::time::Instant>) {
    if let Some(deadline) = deadline {
        tokio::time::sleep_until(deadline).await;
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
