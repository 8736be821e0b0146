//! Submission: one record, or a stream of them.
//!
//! Entries travel as the bytes that were signed. A stream is answered in the order of its records; its sender
//! is slowed down, never refused, when the node has no room.

use std::{collections::VecDeque, sync::Arc};

use bytes::Bytes;
use futures::{Stream, stream};
use ore_merkle::{LeafHash, hash_leaf};
use ore_verify::{InclusionPromise, SignedPromise};
use ore_wire::{
    status,
    v1::{self, submission_service_server::SubmissionService},
};
use tokio::sync::watch;
use tonic::{Request, Response, Status, Streaming};

use super::{Api, check};
use crate::{
    admission::{Answer, MAX_BATCH_BYTES, too_long},
    health::Condition,
    limits::{self, Account, BAD_RECORD_BYTES},
    outcome::{NotTaken, Outcome, Place},
    sequencer::now_ms,
};

/// Records of one stream that may wait for their answer.
const STREAM_IN_FLIGHT: usize = 65_536;
/// Records in one message of a stream.
const MESSAGE_RECORDS: usize = 1_000;
/// Bytes of records in one message of a stream.
const MESSAGE_BYTES: usize = 2 << 20;

/// When a promised record is published at the latest, in seconds: an hour is long for a halted ledger, and
/// short for a member who waits for evidence.
const PROMISE_SECONDS: u64 = 3_600;

/// The service.
pub struct Submission(pub Arc<Api>);

type Results = std::pin::Pin<Box<dyn Stream<Item = Result<v1::SubmitStreamResponse, Status>> + Send>>;

#[tonic::async_trait]
impl SubmissionService for Submission {
    async fn submit(
        &self,
        request: Request<v1::SubmitRequest>,
    ) -> Result<Response<v1::SubmitResponse>, Status> {
        let api = &self.0;
        let request = request.into_inner();
        let wait = request.wait();
        let hash = request.promise.then(|| hash_leaf(&request.entry));
        let outcome = api.timed(submit_one(api, request.entry)).await?;
        let (place, already_there) = match outcome {
            Outcome::Accepted(place) => (place, false),
            Outcome::AlreadyThere(place) => (place, true),
            Outcome::Rejected(rejection) => return Err(status::rejected(&(&*rejection).into())),
            Outcome::Malformed { field, message } => return Err(status::malformed(field, &message)),
            Outcome::NotTaken(why) => return Err(not_taken(why)),
        };
        if wait == v1::Stage::Published {
            api.timed(published(api, place.tree_size)).await?;
        }
        let promise = hash.map(|hash| promise(api, hash, &place)).transpose()?.unwrap_or_default();
        Ok(Response::new(v1::SubmitResponse { place: Some(place.into()), already_there, promise }))
    }

    type SubmitStreamStream = Results;

    async fn submit_stream(
        &self,
        request: Request<Streaming<v1::SubmitStreamRequest>>,
    ) -> Result<Response<Results>, Status> {
        let feed = Feed {
            api: Arc::clone(&self.0),
            inbound: request.into_inner(),
            waiting: VecDeque::new(),
            in_flight: 0,
            next_sequence: 0,
            wait: None,
            ended: false,
            failure: None,
            account: limits::account(),
            condition: self.0.ledger.health.watch(),
        };
        let results = stream::unfold(feed, |mut feed| async move {
            let item = feed.next().await?;
            Some((item, feed))
        });
        Ok(Response::new(Box::pin(results)))
    }

    type CheckStream = check::Answer;

    async fn check(
        &self,
        request: Request<Streaming<v1::CheckRequest>>,
    ) -> Result<Response<check::Answer>, Status> {
        Ok(check::answer(Arc::clone(&self.0), request.into_inner()))
    }
}

/// Whether a message of a stream has more than it may.
pub(super) const fn too_many(records: usize, bytes: usize) -> bool {
    records > MESSAGE_RECORDS || bytes > MESSAGE_BYTES
}

async fn submit_one(api: &Api, entry: Bytes) -> Result<Outcome, Status> {
    if too_long(&entry) {
        return Ok(malformed_length(entry.len()));
    }
    let account = limits::account();
    let share = account.as_ref().map(|account| account.try_queue(1, entry.len()).ok_or(NotTaken::QueueFull));
    let share = share.transpose().map_err(not_taken)?;
    let answer = api
        .admission
        .try_room(1, entry.len())
        .and_then(|room| api.admission.submit(vec![entry], room.within(share)))
        .map_err(not_taken)?;
    let outcomes = answer.await.unwrap_or_default();
    pay_for_bad(account.as_deref(), &outcomes);
    outcomes.into_iter().next().ok_or_else(|| not_taken(NotTaken::Stopping))
}

/// Hands in records that may build on each other, and waits for what becomes of all of them.
///
/// # Errors
/// `INVALID_ARGUMENT` for an entry that is too long to be looked at, `RESOURCE_EXHAUSTED`, `UNAVAILABLE`.
pub(crate) async fn submit_some(api: &Api, entries: Vec<Bytes>) -> Result<Vec<v1::SubmitResult>, Status> {
    if let Some(at) = entries.iter().position(too_long) {
        return Err(status::malformed(&format!("entries[{at}]"), "an entry has at most 65,535 bytes"));
    }
    let mut outcomes = Vec::with_capacity(entries.len());
    let most = api.admission.batch_records().min(MAX_BATCH_BYTES / ore_record::MAX_ENTRY_BYTES);
    // Each batch waits for the one before it, so a caller holds the room of one only.
    for batch in entries.chunks(most.max(1)) {
        let bytes = batch.iter().map(Bytes::len).sum();
        let account = limits::account();
        let share = match &account {
            Some(account) => account.queue(batch.len(), bytes).await,
            None => None,
        };
        let room = api.admission.room(batch.len(), bytes).await.map_err(not_taken)?;
        let answer = api.admission.submit(batch.to_vec(), room.within(share)).map_err(not_taken)?;
        let answered = answer.await.map_err(|_| not_taken(NotTaken::Stopping))?;
        pay_for_bad(account.as_deref(), &answered);
        outcomes.extend(answered);
    }
    // A receipt can be asked for as soon as a checkpoint covers the records; they are in the ledger either way.
    if let Some(size) = outcomes.iter().filter_map(tree_size).max() {
        let _ = api.timed(published(api, size)).await;
    }
    let result =
        |(outcome, sequence): (Outcome, u64)| v1::SubmitResult { sequence, outcome: Some(outcome.into()) };
    Ok(outcomes.into_iter().zip(0..).map(result).collect())
}

/// Whoever hands in what is no record, or not its author's, pays for the check.
fn pay_for_bad(account: Option<&Account>, outcomes: &[Outcome]) {
    let bad = outcomes.iter().filter(|outcome| matches!(outcome, Outcome::Malformed { .. })).count();
    if let Some(account) = account.filter(|_| bad > 0) {
        account.pay_for_bytes(bad as u64 * BAD_RECORD_BYTES);
    }
}

/// The node answers for the place that it tells: by the deadline a quorum's checkpoint covers it.
fn promise(api: &Api, hash: LeafHash, place: &Place) -> Result<String, Status> {
    let promise = InclusionPromise {
        origin: api.ledger.origin.clone(),
        leaf: place.leaf_index,
        hash,
        record: place.id,
        tree_size: place.tree_size,
        deadline: now_ms() / 1_000 + PROMISE_SECONDS,
    };
    let signed = SignedPromise::sign(promise, |text| api.log_key.sign(text));
    signed.map(|signed| signed.to_string()).map_err(|error| Status::internal(format!("promise: {error}")))
}

fn not_taken(why: NotTaken) -> Status {
    match why {
        NotTaken::QueueFull => status::overloaded(&why.to_string(), why.retry_after()),
        NotTaken::DiskFull | NotTaken::Stopping => status::unavailable(&why.to_string(), why.retry_after()),
    }
}

fn malformed_length(bytes: usize) -> Outcome {
    let error = ore_record::BadEntry::TooLong(bytes);
    Outcome::Malformed { field: "entry", message: error.to_string() }
}

/// Waits until a checkpoint covers this many entries.
async fn published(api: &Api, tree_size: u64) -> Result<(), Status> {
    let mut published = api.ledger.published.subscribe();
    let done = published.wait_for(|published| published.tree_size >= tree_size).await;
    done.map(drop).map_err(|_| not_taken(NotTaken::Stopping))
}

/// One stream: what was read and waits, in order.
struct Feed {
    api: Arc<Api>,
    inbound: Streaming<v1::SubmitStreamRequest>,
    waiting: VecDeque<Waiting>,
    in_flight: usize,
    next_sequence: u64,
    wait: Option<v1::Stage>,
    ended: bool,
    failure: Option<Status>,
    /// Who pays; taken here because the stream is read after the call has returned.
    account: Option<Arc<Account>>,
    condition: watch::Receiver<Condition>,
}

/// A batch on its way.
struct Waiting {
    first: u64,
    count: usize,
    answer: Result<Answer, NotTaken>,
    /// Places in the batch, and lengths, of entries that are too long to be looked at.
    too_long: Vec<(usize, usize)>,
}

/// What a stream waits for.
enum Event {
    Answered(Vec<Outcome>),
    Read(Result<Option<v1::SubmitStreamRequest>, Status>),
}

impl Feed {
    /// The next message to the caller; `None` at the end.
    async fn next(&mut self) -> Option<Result<v1::SubmitStreamResponse, Status>> {
        // Each turn reads a message, or answers a batch and returns.
        loop {
            let Self { inbound, waiting, condition, .. } = self;
            let room = self.in_flight < STREAM_IN_FLIGHT;
            let event = tokio::select! {
                biased;
                outcomes = front(waiting), if !waiting.is_empty() => Event::Answered(outcomes),
                message = inbound.message(), if !self.ended && room => Event::Read(message),
                () = stopping(condition), if !self.ended => Event::Read(Err(not_taken(NotTaken::Stopping))),
                // Nothing waits and nothing more comes.
                else => return self.failure.take().map(Err),
            };
            match event {
                Event::Answered(outcomes) => return Some(self.respond(outcomes).await),
                Event::Read(Ok(Some(message))) => self.take(message).await,
                Event::Read(Ok(None)) => self.ended = true,
                Event::Read(Err(status)) => self.fail(status),
            }
        }
    }

    fn fail(&mut self, status: Status) {
        self.ended = true;
        self.failure = Some(status);
    }

    async fn take(&mut self, message: v1::SubmitStreamRequest) {
        self.wait.get_or_insert(message.wait());
        let bytes: usize = message.entries.iter().map(Bytes::len).sum();
        if too_many(message.entries.len(), bytes) {
            self.fail(status::malformed("entries", "at most 1,000 records and 2 MiB in a message"));
            return;
        }
        let most = self.api.admission.batch_records();
        let mut entries = Vec::with_capacity(message.entries.len().min(most));
        let (mut bytes, mut long) = (0, Vec::new());
        for mut entry in message.entries {
            if !entries.is_empty() && (entries.len() >= most || bytes + entry.len() > MAX_BATCH_BYTES) {
                self.queue(std::mem::take(&mut entries), bytes, std::mem::take(&mut long)).await;
                bytes = 0;
            }
            if too_long(&entry) {
                long.push((entries.len(), entry.len()));
                entry = Bytes::new();
            }
            bytes += entry.len();
            entries.push(entry);
        }
        if !entries.is_empty() {
            self.queue(entries, bytes, long).await;
        }
    }

    async fn queue(&mut self, entries: Vec<Bytes>, bytes: usize, too_long: Vec<(usize, usize)>) {
        let count = entries.len();
        // Its own room first: a caller that fills it waits for itself, and holds nothing that others need.
        let share = match &self.account {
            Some(account) => account.queue(count, bytes).await,
            None => None,
        };
        let admission = &self.api.admission;
        let answer = match admission.room(count, bytes).await {
            Ok(room) => admission.submit(entries, room.within(share)),
            Err(why) => Err(why),
        };
        self.waiting.push_back(Waiting { first: self.next_sequence, count, answer, too_long });
        self.next_sequence += count as u64;
        self.in_flight += count;
    }

    async fn respond(&mut self, outcomes: Vec<Outcome>) -> Result<v1::SubmitStreamResponse, Status> {
        let Some(batch) = self.waiting.pop_front() else {
            return Err(Status::internal("an answer without a question"));
        };
        self.in_flight -= batch.count;
        pay_for_bad(self.account.as_deref(), &outcomes);
        let mut outcomes = outcomes;
        for (place, length) in batch.too_long {
            if let Some(outcome) = outcomes.get_mut(place) {
                *outcome = malformed_length(length);
            }
        }
        if self.wait == Some(v1::Stage::Published)
            && let Some(size) = outcomes.iter().filter_map(tree_size).max()
        {
            published(&self.api, size).await?;
        }
        let results = outcomes
            .into_iter()
            .zip(batch.first..)
            .map(|(outcome, sequence)| v1::SubmitResult { sequence, outcome: Some(outcome.into()) });
        Ok(v1::SubmitStreamResponse { results: results.collect() })
    }
}

/// Waits for the oldest batch; safe to cancel, because the batch stays in its place until it is answered.
async fn front(waiting: &mut VecDeque<Waiting>) -> Vec<Outcome> {
    let Some(batch) = waiting.front_mut() else { return std::future::pending().await };
    let not_taken = |why| vec![Outcome::NotTaken(why); batch.count];
    match &mut batch.answer {
        Ok(answer) => answer.await.unwrap_or_else(|_| not_taken(NotTaken::Stopping)),
        Err(why) => not_taken(*why),
    }
}

async fn stopping(condition: &mut watch::Receiver<Condition>) {
    // An error means that the node is gone: as good as stopping.
    let _ = condition.wait_for(|now| *now == Condition::Stopping).await;
}

const fn tree_size(outcome: &Outcome) -> Option<u64> {
    match outcome {
        Outcome::Accepted(Place { tree_size, .. }) | Outcome::AlreadyThere(Place { tree_size, .. }) => {
            Some(*tree_size)
        }
        _ => None,
    }
}

impl From<Outcome> for v1::submit_result::Outcome {
    fn from(outcome: Outcome) -> Self {
        match outcome {
            Outcome::Accepted(place) => Self::Accepted(place.into()),
            Outcome::AlreadyThere(place) => Self::AlreadyThere(place.into()),
            Outcome::Rejected(rejection) => Self::Rejected((&*rejection).into()),
            Outcome::Malformed { field, message } => {
                Self::Malformed(v1::Malformed { field: field.to_owned(), message })
            }
            Outcome::NotTaken(why) => Self::NotTaken(v1::NotTaken {
                message: why.to_string(),
                retry_after_ms: why.retry_after().as_millis() as u32,
            }),
        }
    }
}
