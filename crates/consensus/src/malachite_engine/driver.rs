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

use malachite::app::consensus::VoteExtensionError;
use malachite::app::engine::host::{HeightParams, Next};
use malachite::app::types::ProposedValue;
use malachite::app::types::core::Round;
use malachite::{AppMsg, Reply};
use tokio::sync::{mpsc, watch};

use super::engine::{Actors, EngineConfig, EngineError, Messages, Timeouts};
use super::log::{Log, Voice};
use super::peers::{Peers, receive};
use super::signing::{MemberSigner, MemberVerifier};
use super::undecided::{Early, Undecided};
use super::vocabulary::{Height, Ledger, ValidatorSet};
use crate::application::{Application, Standing};
use crate::progress::{EngineState, Progress};
use crate::transport::Inbound;

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

pub(super) struct Core<A> {
    pub(super) config: EngineConfig,
    pub(super) app: A,
    pub(super) log: Log,
    pub(super) voice: Arc<Voice>,
    pub(super) peers: Arc<Peers>,
    pub(super) signer: MemberSigner,
    pub(super) verifier: MemberVerifier,
    pub(super) progress: watch::Sender<Progress>,
    /// The height that the engine decides, or is about to.
    pub(super) height: Height,
    pub(super) round: u32,
    pub(super) set: ValidatorSet,
    pub(super) undecided: Undecided,
    pub(super) early: Early,
    pub(super) gate: Option<Gate>,
}

/// The engine waits for the word to begin a height.
pub(super) struct Gate {
    pub(super) reply: Begin,
    pub(super) until: Until,
}

pub(super) enum Begin {
    First(Reply<(Height, HeightParams<Ledger>)>),
    Next(Reply<Next<Ledger>>),
}

#[derive(Clone, Copy)]
pub(super) enum Until {
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
            round: 0,
            set: ValidatorSet::nobody(),
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
            biased;
            result = self.core.serve(&mut self.messages, &mut self.stopped) => result,
            () = receiving => Ok(()),
        };
        self.actors.stop(wait).await;
        let state = match &result {
            Ok(()) => EngineState::Stopped,
            Err(error) => EngineState::Failed(error.to_string()),
        };
        // Whoever hears of the end may start anew at once: the log is let go first.
        let now = self.core.now(state);
        let Core { app, log, progress, .. } = self.core;
        drop(log);
        progress.send_replace(now);
        result.map(|()| app)
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
            let (app, height) = (&mut self.app, self.height.0);
            let meanwhile = async move {
                match until {
                    Some(Until::Work) => app.wait_for_work(height).await,
                    Some(Until::Connected(_)) => std::future::pending().await,
                    None => app.while_deciding(height).await,
                }
            };
            tokio::select! {
                biased;
                () = asked_to_stop(stopped) => return Ok(()),
                message = messages.recv() => match message {
                    Some(message) => self.answer(message).await?,
                    None => return Err(self.why_it_stopped()),
                },
                () = meanwhile => if until.is_some() {
                    self.open_gate();
                    let tip = self.app.last_committed().unwrap_or(0);
                    self.peers.announce(tip, self.app.oldest_decided(), self.height.0);
                },
                () = self.peers.changed.notified(), if until.is_some() => {}
                () = late(deadline), if deadline.is_some() => self.open_gate(),
            }
        }
    }

    fn why_it_stopped(&self) -> EngineError {
        let reason = self.log.failure();
        EngineError::Stopped(reason.unwrap_or_else(|| "its actors ended, see the log".into()))
    }

    pub(super) fn report(&self, state: EngineState) {
        self.progress.send_replace(self.now(state));
    }

    fn now(&self, state: EngineState) -> Progress {
        let before = self.progress.borrow();
        let same = before.state == state && before.height == self.height.0;
        Progress {
            height: self.height.0,
            round: self.round,
            committed: self.app.last_committed().unwrap_or(0),
            log_syncs: self.log.syncs(),
            since: if same { before.since } else { tokio::time::Instant::now().into_std() },
            state,
        }
    }

    /// Prepares for a height: its set, whether we are heard, and what the log knows about it.
    pub(super) async fn enter(&mut self, height: Height) -> Result<(), EngineError> {
        self.height = height;
        self.round = 0;
        let (validators, proposers) = (self.app.validators(height.0), self.app.proposers(height.0));
        self.set = ValidatorSet::new(self.app.rules(height.0), validators, height, &proposers)
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
                if let Some(valid) = self.judge(&body, Standing::Voted).await {
                    self.undecided.insert(&body, valid, &self.config.member);
                }
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
            Some(Until::Work) => {
                self.peers.is_under_way(self.height.0, &self.set) || self.is_asked_after_a_restart()
            }
            Some(Until::Connected(_)) => {
                let connected = self.peers.connected_power(&self.set, &self.config.member);
                let total: u64 = self.set.members.iter().map(|v| v.power).sum();
                connected * 3 > total * 2
            }
        };
        if due {
            self.open_gate();
        }
    }

    /// The engine serves nobody before its first height has begun. A member that decides alone and was restarted has
    /// nothing to begin it for but an observer that wants what is there already: the height begins, with an empty block
    /// if need be.
    fn is_asked_after_a_restart(&self) -> bool {
        let first = matches!(&self.gate, Some(Gate { reply: Begin::First(_), .. }));
        let alone = self.set.is_only(&self.config.member);
        first && alone && self.app.last_committed().unwrap_or(0) > 0 && self.peers.has_company()
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
        self.round = round;
        self.report(EngineState::Deciding);
        for body in self.early.take(height) {
            // A body that cannot be logged is as if it had not come; the failure shows at the next vote.
            let _ = self.received(body).await;
        }
        self.undecided.in_round(height, round)
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
