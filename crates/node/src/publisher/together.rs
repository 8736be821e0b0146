//! Turns the wheel of [`crate::gather`] and does what it says.

use std::{
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use futures::{StreamExt, future::BoxFuture, stream::FuturesUnordered};
use ore_checkpoint::{SignatureLine, SignedCheckpoint};
use ore_store::Reader;
use tokio::{
    sync::mpsc::{self, error::TrySendError},
    time::Instant,
};

use super::{PublishError, Publisher, RETRY, handing_over::TermsSoFar};
use crate::{
    gather::{Contradiction, Effect, Fault, Gathering, Log, MAX_MESSAGE_BYTES, Message, Panel, Waiting},
    health::Condition,
    ledger::{Cosigners, Ledger},
    sequencer::{chain, lock},
    terms::View,
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

/// What is gathered, and with whom.
pub(super) struct Together {
    gathering: Mutex<Gathering>,
    /// Which of the ledger's terms the panel belongs to.
    term: AtomicUsize,
    inbox: mpsc::Sender<(String, Vec<u8>)>,
    received: Mutex<Option<Received>>,
    outbound: Mutex<Option<Arc<Outbound>>>,
    outside: Vec<Outside>,
    grace: Duration,
}

impl Together {
    pub(super) fn new(so_far: TermsSoFar, ledger: &Ledger, promised: u64, outside: Vec<Outside>) -> Self {
        let TermsSoFar { term, panel, ends } = so_far;
        let gathering = Gathering::new(&ledger.origin, &ledger.member, panel, promised).after(ends);
        let (inbox, received) = mpsc::channel(INBOX);
        Self {
            gathering: Mutex::new(gathering),
            term: AtomicUsize::new(term),
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

    /// Whether the validators of the present term vouch for a note.
    pub(super) fn believes(&self, note: &SignedCheckpoint) -> bool {
        self.gathering().panel().policy().check(note).is_ok()
    }

    pub(super) fn term(&self) -> usize {
        self.term.load(Ordering::Acquire)
    }

    /// The next term begins.
    pub(super) fn next_term(&self, panel: Panel) {
        let mut gathering = self.gathering();
        gathering.hand_over(panel);
        self.term.fetch_add(1, Ordering::Release);
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
    /// Joins the transport. Without one a publisher has nobody to talk to.
    pub fn connect(&self, outbound: Outbound) -> Inbox {
        let together = &self.together;
        *together.outbound.lock().unwrap_or_else(PoisonError::into_inner) = Some(Arc::new(outbound));
        Inbox(together.inbox.clone())
    }

    /// Why this node signs nothing now; `None` when it does.
    #[must_use]
    pub fn waits_for(&self) -> Option<Waiting> {
        self.together.gathering().waits_for(&self.view())
    }

    /// The log as far as the present term goes.
    pub(super) fn view(&self) -> View<'_> {
        let terms = || self.ledger.terms.borrow().clone();
        View::of(&self.ledger.reader, self.together.term(), terms)
    }

    pub(super) fn resume_together(&self, signed: &SignedCheckpoint) {
        // Published before: it is not published again, and a contradiction shows with the first message.
        let _ = self.together.gathering().resume(signed, &self.view());
        self.hand_over_where_due();
    }

    /// Publishes whatever is durable, until the node is stopping.
    ///
    /// # Errors
    /// Only what must stop the node: a contradiction.
    pub async fn run(self: Arc<Self>) -> Result<(), PublishError> {
        let together = &self.together;
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
        let mut term = together.term();
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
                    effects = self.grown();
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
            if together.term() != term {
                // What came early for the term that has begun.
                term = together.term();
                let effects = self.grown();
                self.perform(effects).await?;
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
        let together = &self.together;
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
        gathering.release(&self.view())
    }

    fn witnessed(&self, (place, note, line): Asked, rounds: &mut Rounds) -> Vec<Effect> {
        let together = &self.together;
        let size = note.unverified().size().get();
        match line {
            Ok(line) => {
                rounds.end(place, Some(size));
                together.gathering().witnessed(&note, line, &self.view())
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
        let together = &self.together;
        let (mut gathering, log) = (together.gathering(), &self.view());
        let mut effects = gathering.receive(&first.0, &first.1, log);
        for _ in 1..AT_ONCE {
            let Ok((from, message)) = received.try_recv() else { break };
            effects.extend(gathering.receive(&from, &message, log));
        }
        effects
    }

    /// When there is something to sign, and it may be signed.
    fn next(&self, wheel: &Wheel) -> Option<Instant> {
        let (gathering, log) = (self.together.gathering(), &self.view());
        let at = if gathering.wanted_now(log).is_some() {
            wheel.last_turn + WANTED_PAUSE.min(self.interval)
        } else if !gathering.to_sign(log, false).is_empty() {
            // Blocks that follow each other fast share a checkpoint; one by itself need not wait for others.
            let by_itself = wheel.last_turn.max(wheel.last_growth) + self.interval / 5;
            by_itself.min(wheel.last_turn + self.interval)
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
            let (together, log) = (&publisher.together, &publisher.view());
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
        let publisher = Arc::clone(self);
        let written = tokio::task::spawn_blocking(move || publisher.publish(note));
        // A panic there is ours and has been printed.
        written.await.unwrap_or(Ok(()))
    }

    /// Keeps a checkpoint with a quorum and shows it to everybody; at the end of a term, hands over.
    fn publish(&self, note: SignedCheckpoint) -> Result<(), PublishError> {
        let size = note.unverified().size().get();
        let checked = self.together.gathering().panel().policy().check(&note).map(drop);
        checked.map_err(|why| PublishError::Policy { size, why: why.to_string() })?;
        if let Err(error) = lock(&self.store).publish_checkpoint(note.to_string().as_bytes()) {
            // The note is no less true: everybody may have it, and the next one is written again.
            tracing::error!(error = %chain(&error), "the published checkpoint cannot be kept");
        }
        self.announce(note);
        self.hand_over_where_due();
        Ok(())
    }

    /// What an only validator has not yet published when it stops.
    ///
    /// # Errors
    /// [`PublishError`].
    pub fn publish_the_rest(&self) -> Result<(), PublishError> {
        let alone = self.together.gathering().panel().members() == [self.ledger.member.as_str()];
        let size = self.view().size();
        if !alone || size <= self.ledger.published.borrow().tree_size {
            return Ok(());
        }
        let signed = self.sign(size)?;
        let effects = self.together.gathering().signed(&signed, &self.view());
        for effect in effects {
            if let Effect::Publish(note) = effect {
                self.publish(note)?;
            }
        }
        Ok(())
    }

    /// The log has grown, or a term has ended.
    fn grown(&self) -> Vec<Effect> {
        let company = self.company();
        let mut gathering = self.together.gathering();
        gathering.expect(company);
        gathering.grown(&self.view())
    }

    fn show_cosigners(&self) {
        let together = &self.together;
        let gathering = together.gathering();
        let waits = gathering.waits_for(&self.view()).map_or_else(String::new, |why| why.to_string());
        let newest = gathering.newest_sizes();
        drop(gathering);
        self.ledger.cosigners.send_if_modified(|shown| {
            let changed = shown.newest != newest || shown.waits != waits;
            *shown = Cosigners { newest, waits };
            changed
        });
    }

    fn send(&self, to: Option<String>, message: &Message) {
        let together = &self.together;
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
