//! One of several validators: turns the wheel of [`crate::gather`] and does what it says.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures::{StreamExt, future::BoxFuture, stream::FuturesUnordered};
use ore_checkpoint::{SignatureLine, SignedCheckpoint};
use ore_store::Reader;
use tokio::{
    sync::mpsc::{self, error::TrySendError},
    time::Instant,
};

use super::{PublishError, Publisher, RETRY};
use crate::{
    gather::{Contradiction, Effect, Fault, Gathering, MAX_MESSAGE_BYTES, Message, Waiting},
    health::Condition,
    ledger::Cosigners,
    sequencer::{chain, lock},
    witness::ask::{NotWitnessed, Outside},
};

/// Messages that wait to be looked at; more are dropped, and whatever matters is said again.
const INBOX: usize = 256;
/// Messages that are looked at in one go.
const AT_ONCE: usize = 64;
/// Least time between two turns that another validator asks for: a bound on the fsyncs that it can cause.
const WANTED_PAUSE: Duration = Duration::from_millis(10);
/// How often a node that has started asks what it signed before.
const ASK: Duration = Duration::from_millis(200);

/// Hands a message to the transport: to one node, or to all that are connected. It may be lost.
pub type Outbound = Box<dyn Fn(Option<String>, Vec<u8>) + Send + Sync>;

/// Where the transport puts messages of other nodes, whom it has authenticated.
#[derive(Clone, Debug)]
pub struct Inbox(mpsc::Sender<(String, Vec<u8>)>);

impl Inbox {
    /// Puts a message; whether there was room.
    pub fn put(&self, from: &str, message: &[u8]) -> bool {
        message.len() <= MAX_MESSAGE_BYTES
            && !matches!(self.0.try_send((from.to_owned(), message.to_vec())), Err(TrySendError::Full(_)))
    }
}

type Received = mpsc::Receiver<(String, Vec<u8>)>;

/// What a publisher has more when it is one of several.
pub(super) struct Together {
    gathering: Mutex<Gathering>,
    inbox: mpsc::Sender<(String, Vec<u8>)>,
    received: Mutex<Option<Received>>,
    outbound: Mutex<Option<Arc<Outbound>>>,
    outside: Vec<Outside>,
    grace: Duration,
}

impl Together {
    pub(super) fn new(gathering: Gathering, outside: Vec<Outside>) -> Self {
        let (inbox, received) = mpsc::channel(INBOX);
        Self {
            gathering: Mutex::new(gathering),
            inbox,
            received: Mutex::new(Some(received)),
            outbound: Mutex::new(None),
            outside,
            grace: Duration::ZERO,
        }
    }

    pub(super) fn with_grace(mut self, grace: Duration) -> Self {
        let gathering = self.gathering.into_inner().unwrap_or_else(PoisonError::into_inner);
        self.gathering = Mutex::new(gathering.with_patience(!grace.is_zero() && !self.outside.is_empty()));
        self.grace = grace;
        self
    }

    fn gathering(&self) -> MutexGuard<'_, Gathering> {
        self.gathering.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What became of asking a witness: which, about what.
type Asked = (usize, SignedCheckpoint, Result<SignatureLine, NotWitnessed>);

/// Outside witnesses, each asked about one checkpoint at a time.
struct Rounds {
    outside: Vec<Round>,
    asked: FuturesUnordered<BoxFuture<'static, Asked>>,
}

struct Round {
    witness: Outside,
    /// The size that it has cosigned, as far as we know.
    has: u64,
    busy: bool,
    not_before: Instant,
}

impl Rounds {
    fn new(outside: &[Outside]) -> Self {
        let now = Instant::now();
        let round =
            |witness: &Outside| Round { witness: witness.clone(), has: 0, busy: false, not_before: now };
        Self { outside: outside.iter().map(round).collect(), asked: FuturesUnordered::new() }
    }

    /// Asks those that are idle and have not cosigned it yet.
    fn begin(&mut self, note: Option<&SignedCheckpoint>, log: &Reader) {
        let Some(note) = note else { return };
        let now = Instant::now();
        for (place, round) in self.outside.iter_mut().enumerate() {
            if round.busy || round.has >= note.unverified().size().get() || now < round.not_before {
                continue;
            }
            round.busy = true;
            let (witness, has, note, log) = (round.witness.clone(), round.has, note.clone(), log.clone());
            self.asked.push(Box::pin(async move {
                let line = witness.ask(&note, has, &log).await;
                (place, note, line)
            }));
        }
    }

    fn end(&mut self, place: usize, cosigned: Option<u64>) {
        let round = &mut self.outside[place];
        round.busy = false;
        match cosigned {
            Some(size) => round.has = round.has.max(size),
            None => round.not_before = Instant::now() + RETRY,
        }
    }
}

/// When what happens next.
struct Wheel {
    last_turn: Instant,
    last_growth: Instant,
    tick: Instant,
    retry: Instant,
    /// Since when a checkpoint waits for outside witnesses.
    held_since: Option<Instant>,
}

impl Publisher {
    /// Joins the transport. `None` for a ledger's only validator, who has nobody to talk to.
    pub fn connect(&self, outbound: Outbound) -> Option<Inbox> {
        let together = self.together.as_ref()?;
        *together.outbound.lock().unwrap_or_else(PoisonError::into_inner) = Some(Arc::new(outbound));
        Some(Inbox(together.inbox.clone()))
    }

    /// Why this node signs nothing now; `None` when it does, or when it decides alone.
    #[must_use]
    pub fn waits_for(&self) -> Option<Waiting> {
        self.together.as_ref()?.gathering().waits_for(&self.ledger.reader)
    }

    pub(super) fn resume_together(&self, signed: &SignedCheckpoint) {
        if let Some(together) = &self.together {
            // Published before: it is not published again, and a contradiction shows with the first message.
            let _ = together.gathering().resume(signed, &self.ledger.reader);
        }
    }

    pub(super) async fn run_together(self: Arc<Self>) -> Result<(), PublishError> {
        let Some(together) = &self.together else { return Ok(()) };
        let Some(mut received) = together.received.lock().unwrap_or_else(PoisonError::into_inner).take()
        else {
            return Ok(());
        };
        let mut newest = self.ledger.newest.subscribe();
        newest.mark_changed();
        let mut condition = self.ledger.health.watch();
        let now = Instant::now();
        let mut wheel = Wheel {
            last_turn: now - self.interval,
            last_growth: now,
            tick: now,
            retry: now,
            held_since: None,
        };
        let mut rounds = Rounds::new(&together.outside);
        // Each turn waits for a block, a message or the time, and does what follows from it.
        loop {
            let mut next = self.next(&wheel).map_or(wheel.tick, |turn| turn.min(wheel.tick));
            if let Some(since) = wheel.held_since {
                next = next.min(since + together.grace);
            }
            rounds.begin(together.gathering().to_witness().as_ref(), &self.ledger.reader);
            let mut effects = Vec::new();
            tokio::select! {
                changed = newest.changed() => {
                    if changed.is_err() {
                        return Ok(());
                    }
                    newest.mark_unchanged();
                    wheel.last_growth = Instant::now();
                    effects = together.gathering().grown(&self.ledger.reader);
                }
                Some((from, message)) = received.recv() => {
                    effects = self.read((from, message), &mut received);
                }
                Some(witnessed) = rounds.asked.next() => effects = self.witnessed(witnessed, &mut rounds),
                () = tokio::time::sleep_until(next) => {}
                _ = condition.wait_for(|now| *now == Condition::Stopping) => return Ok(()),
            }
            self.perform(effects).await?;
            let now = Instant::now();
            let effects = self.let_go(&mut wheel, now);
            self.perform(effects).await?;
            if self.next(&wheel).is_some_and(|turn| turn <= now) {
                wheel.last_turn = now;
                let at_rest = now >= wheel.last_growth + self.interval;
                match self.turn(at_rest).await {
                    Ok(effects) => self.perform(effects).await?,
                    Err(error) if error.is_contradiction() => return Err(error),
                    Err(error) => {
                        tracing::error!(error = %chain(&error), "no cosignature, trying again");
                        wheel.retry = now + RETRY;
                    }
                }
            }
            if Instant::now() >= wheel.tick {
                let asking = matches!(self.waits_for(), Some(Waiting::Answers { .. }));
                wheel.tick = Instant::now() + if asking { ASK } else { RETRY };
                let effects = together.gathering().tick();
                self.perform(effects).await?;
            }
        }
    }

    /// Publishes without the outside witnesses what has waited for them long enough.
    fn let_go(&self, wheel: &mut Wheel, now: Instant) -> Vec<Effect> {
        let Some(together) = &self.together else { return Vec::new() };
        let mut gathering = together.gathering();
        if gathering.held().is_none() {
            wheel.held_since = None;
            return Vec::new();
        }
        if now < *wheel.held_since.get_or_insert(now) + together.grace {
            return Vec::new();
        }
        wheel.held_since = None;
        self.ledger.metrics.unwitnessed.add(1);
        gathering.release(&self.ledger.reader)
    }

    fn witnessed(&self, (place, note, line): Asked, rounds: &mut Rounds) -> Vec<Effect> {
        let Some(together) = &self.together else { return Vec::new() };
        let size = note.unverified().size().get();
        match line {
            Ok(line) => {
                rounds.end(place, Some(size));
                together.gathering().witnessed(&note, line, &self.ledger.reader)
            }
            Err(error) => {
                rounds.end(place, None);
                self.ledger.metrics.witness_failures.add(1);
                tracing::warn!(%error, "no line of an outside witness");
                Vec::new()
            }
        }
    }

    fn read(
        &self,
        first: (String, Vec<u8>),
        received: &mut mpsc::Receiver<(String, Vec<u8>)>,
    ) -> Vec<Effect> {
        let Some(together) = &self.together else { return Vec::new() };
        let mut gathering = together.gathering();
        let mut effects = gathering.receive(&first.0, &first.1, &self.ledger.reader);
        for _ in 1..AT_ONCE {
            let Ok((from, message)) = received.try_recv() else { break };
            effects.extend(gathering.receive(&from, &message, &self.ledger.reader));
        }
        effects
    }

    /// When there is something to sign, and it may be signed.
    fn next(&self, wheel: &Wheel) -> Option<Instant> {
        let gathering = self.together.as_ref()?.gathering();
        let log = &self.ledger.reader;
        let at = if gathering.wanted_now(log).is_some() {
            wheel.last_turn + WANTED_PAUSE.min(self.interval)
        } else if !gathering.to_sign(log, false).is_empty() {
            wheel.last_turn + self.interval
        } else if !gathering.to_sign(log, true).is_empty() {
            wheel.last_turn.max(wheel.last_growth) + self.interval
        } else {
            return None;
        };
        Some(at.max(wheel.retry))
    }

    /// Signs what is to be signed, each size promised before.
    async fn turn(self: &Arc<Self>, at_rest: bool) -> Result<Vec<Effect>, PublishError> {
        let publisher = Arc::clone(self);
        let signing = tokio::task::spawn_blocking(move || {
            let Some(together) = &publisher.together else { return Ok(Vec::new()) };
            let log = &publisher.ledger.reader;
            let sizes = together.gathering().to_sign(log, at_rest);
            let mut effects = Vec::new();
            for size in sizes {
                let signed = publisher.sign(size)?;
                effects.extend(together.gathering().signed(&signed, log));
            }
            Ok(effects)
        });
        // A panic there is ours and has been printed; the next turn tries again.
        signing.await.unwrap_or(Ok(Vec::new()))
    }

    async fn perform(self: &Arc<Self>, effects: Vec<Effect>) -> Result<(), PublishError> {
        let mut newest = None;
        for effect in effects {
            match effect {
                Effect::Send(to, message) => self.send(to, &message),
                Effect::Publish(note) => newest = Some(note),
                Effect::Fault(fault) => self.fault(&fault),
                Effect::Contradiction(found) => return Err(self.contradiction(&found)),
            }
        }
        self.show_cosigners();
        // Of several only the last counts: each is newer, or has more lines.
        let Some(note) = newest else { return Ok(()) };
        self.policy.check(&note).map_err(|why| PublishError::Policy {
            size: note.unverified().size().get(),
            why: why.to_string(),
        })?;
        let publisher = Arc::clone(self);
        let bytes = note.to_string();
        let written =
            tokio::task::spawn_blocking(move || lock(&publisher.store).publish_checkpoint(bytes.as_bytes()));
        if let Ok(Err(error)) = written.await {
            // The note is no less true: everybody may have it, and the next one is written again.
            tracing::error!(error = %chain(&error), "the published checkpoint cannot be kept");
        }
        self.announce(note);
        Ok(())
    }

    fn show_cosigners(&self) {
        let Some(together) = &self.together else { return };
        let gathering = together.gathering();
        let waits = gathering.waits_for(&self.ledger.reader).map_or_else(String::new, |why| why.to_string());
        let newest = gathering.newest_sizes();
        drop(gathering);
        self.ledger.cosigners.send_if_modified(|shown| {
            let changed = shown.newest != newest || shown.waits != waits;
            *shown = Cosigners { newest, waits };
            changed
        });
    }

    fn send(&self, to: Option<String>, message: &Message) {
        let Some(together) = &self.together else { return };
        let outbound = together.outbound.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some(outbound) = outbound {
            outbound(to, message.encode());
        }
    }

    fn fault(&self, fault: &Fault) {
        let evidence = fault.evidence.as_ref().map(|evidence| evidence.to_string().into_bytes());
        self.ledger.faults.record(&fault.member, fault.kind.label(), evidence.as_deref());
    }

    fn contradiction(&self, found: &Contradiction) -> PublishError {
        let theirs = found.theirs.to_string();
        let kept = format!("{}\n{theirs}", found.ours);
        self.ledger.faults.record(&self.ledger.member, "fork", Some(kept.as_bytes()));
        PublishError::Fork { size: found.ours.size().get(), ours: found.ours.root().to_string(), theirs }
    }
}
