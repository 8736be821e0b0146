//! Callers that hand records in as fast as they are answered, and what they were told.
//!
//! Whatever was acknowledged is held against every later answer: the same record always has the same
//! leaf, and a leaf holds one record.

use std::{
    collections::{HashMap, VecDeque},
    path::PathBuf,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use ore_client::{Ledger, Memory};
use ore_record::{RecordId, SignedRecord};
use ore_wire::v1::{self, submission_service_client::SubmissionServiceClient, submit_result::Outcome};
use tokio::{
    sync::{mpsc::Sender, watch},
    task::JoinSet,
};
use tokio_stream::wrappers::ReceiverStream;
use tonic::transport::Channel;

use crate::world::{ORIGIN, World, lot_of};

/// Records in one message of a stream.
const MESSAGE_RECORDS: usize = 8;
/// Messages of a stream that wait for their answers.
const MESSAGES_UNDER_WAY: usize = 2;
/// Callers that send one record after the other.
const SINGLE_CALLERS: usize = 3;
/// Callers that send streams.
const STREAM_CALLERS: usize = 2;
/// Longest wait for a checkpoint that covers a record.
const PATIENCE: Duration = Duration::from_secs(30);

/// What the callers know together.
#[derive(Default)]
struct Known {
    leaves: HashMap<RecordId, u64>,
    records: HashMap<u64, SignedRecord>,
    /// Sent, and never answered: the node may have them or not.
    open: VecDeque<SignedRecord>,
    /// Answered with "not now".
    put_off: u64,
}

/// Everything that was sent to one ledger, over all lives of its node.
pub(crate) struct Load {
    world: Arc<World>,
    known: Mutex<Known>,
    acknowledged: watch::Sender<u64>,
    paused: AtomicBool,
}

impl Load {
    pub(crate) fn new(world: Arc<World>) -> Arc<Self> {
        Arc::new(Self {
            world,
            known: Mutex::default(),
            acknowledged: watch::Sender::new(0),
            paused: AtomicBool::new(false),
        })
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Records acknowledged so far.
    pub(crate) fn acknowledged(&self) -> u64 {
        *self.acknowledged.borrow()
    }

    /// Answers "not now" so far.
    pub(crate) fn put_off(&self) -> u64 {
        self.known().put_off
    }

    /// One acknowledged record, the newest.
    pub(crate) fn newest(&self) -> (u64, SignedRecord) {
        let known = self.known();
        let leaf = *known.records.keys().max().expect("something was acknowledged");
        (leaf, known.records[&leaf].clone())
    }

    /// Every acknowledged record with its leaf, in the order of leaves.
    pub(crate) fn all(&self) -> Vec<(u64, SignedRecord)> {
        let mut all: Vec<_> =
            self.known().records.iter().map(|(leaf, record)| (*leaf, record.clone())).collect();
        all.sort_by_key(|(leaf, _)| *leaf);
        all
    }

    /// Waits until so many more records are acknowledged than were at `from`.
    pub(crate) async fn wait_for(&self, from: u64, more: u64) {
        let mut acknowledged = self.acknowledged.subscribe();
        let enough = acknowledged.wait_for(|now| *now >= from + more);
        let waited = tokio::time::timeout(Duration::from_secs(60), enough).await;
        assert!(waited.is_ok(), "{more} more acknowledgements did not come within a minute");
    }

    /// Holds an acknowledgement against all before it.
    fn note(&self, record: &SignedRecord, place: &v1::Place) {
        let (id, leaf) = (record.id(), place.leaf_index);
        assert_eq!(place.record_id.as_ref(), id.as_bytes(), "the answer names another record");
        let mut known = self.known();
        if let Some(before) = known.leaves.insert(id, leaf) {
            assert_eq!(before, leaf, "record {id} was acknowledged at two leaves");
            return;
        }
        if let Some(other) = known.records.insert(leaf, record.clone()) {
            panic!("leaf {leaf} was acknowledged for {} and for {id}", other.id());
        }
        drop(known);
        self.acknowledged.send_modify(|count| *count += 1);
    }

    /// Registers the mine's site, which all lots need.
    pub(crate) async fn begin(&self, url: &str) {
        let site = self.world.site();
        let mut client = SubmissionServiceClient::new(channel(url).await.expect("it listens"));
        let answer = client.submit(request(&site)).await.expect("a new facility").into_inner();
        self.note(&site, &answer.place.expect("a place"));
    }

    /// Hands every acknowledged record in once more: each must be there already, at its leaf.
    pub(crate) async fn ask_again(&self, url: &str) {
        let mut client = SubmissionServiceClient::new(channel(url).await.expect("it listens"));
        let all = self.all();
        let messages: Vec<_> =
            all.chunks(500).map(|part| message(part.iter().map(|(_, record)| record))).collect();
        let answers = client.submit_stream(tokio_stream::iter(messages)).await.expect("a stream");
        let mut answers = answers.into_inner();
        let mut places = Vec::with_capacity(all.len());
        while let Some(answer) = answers.message().await.expect("an answer") {
            places.extend(answer.results.into_iter().map(|result| result.outcome));
        }
        assert_eq!(places.len(), all.len());
        for ((leaf, record), outcome) in all.iter().zip(places) {
            let Some(Outcome::AlreadyThere(place)) = outcome else {
                panic!("record {} was acknowledged at leaf {leaf} and is gone: {outcome:?}", record.id());
            };
            assert_eq!(place.leaf_index, *leaf, "record {} has moved", record.id());
        }
    }

    /// Asks the callers to end after their next answers, and waits for them.
    pub(crate) async fn pause(&self, callers: JoinSet<()>) {
        self.paused.store(true, Ordering::Relaxed);
        end(callers).await;
    }

    /// Gives up what was answered while the power went, at a leaf of `unsure` or later, and what was not
    /// answered: whether the medium has it is open. Returns how many of the former it does not have.
    pub(crate) async fn settle(&self, url: &str, unsure: u64) -> usize {
        let ledger = self.connect(url).await;
        let mut gone = Vec::new();
        for (leaf, record) in self.all().into_iter().filter(|(leaf, _)| *leaf >= unsure) {
            match ledger.receipt(record.id(), PATIENCE).await {
                Ok(receipt) => {
                    assert_eq!(receipt.report.leaf_index, leaf, "record {} has moved", record.id())
                }
                Err(ore_client::ClientError::NotFound(_)) => gone.push((leaf, record.id())),
                // Any other answer says nothing about the medium.
                Err(error) => panic!("whether record {} is there: {error}", record.id()),
            }
        }
        let mut known = self.known();
        known.open.clear();
        for (leaf, id) in &gone {
            known.leaves.remove(id);
            known.records.remove(leaf);
        }
        gone.len()
    }

    /// Starts the callers; each ends when its connection does.
    pub(crate) async fn start(self: &Arc<Self>, url: &str) -> JoinSet<()> {
        self.paused.store(false, Ordering::Relaxed);
        let mut callers = JoinSet::new();
        // A node that is killed at once answers nobody.
        let Ok(channel) = channel(url).await else { return callers };
        for _ in 0..SINGLE_CALLERS {
            callers.spawn(Arc::clone(self).call_one_by_one(SubmissionServiceClient::new(channel.clone())));
        }
        for _ in 0..STREAM_CALLERS {
            callers.spawn(Arc::clone(self).call_in_streams(SubmissionServiceClient::new(channel.clone())));
        }
        callers
    }

    /// Something nobody answered before, else a new record.
    fn next(&self) -> SignedRecord {
        let open = self.known().open.pop_front();
        open.unwrap_or_else(|| self.world.commission())
    }

    async fn call_one_by_one(self: Arc<Self>, mut client: SubmissionServiceClient<Channel>) {
        while !self.paused.load(Ordering::Relaxed) {
            let record = self.next();
            match client.submit(request(&record)).await {
                Ok(answer) => self.note(&record, &answer.into_inner().place.expect("a place")),
                Err(status) => {
                    self.known().open.push_back(record);
                    if !self.goes_on_after(&status).await {
                        return;
                    }
                    continue;
                }
            }
            // A record that names the one before it, now and then.
            let lot = lot_of(&record);
            if record.id().as_bytes()[0] < 64 && !lot.is_empty() {
                let loss = self.world.lose(&lot, record.id());
                match client.submit(request(&loss)).await {
                    Ok(answer) => self.note(&loss, &answer.into_inner().place.expect("a place")),
                    Err(status) if self.goes_on_after(&status).await => self.known().open.push_back(loss),
                    Err(_) => return self.known().open.push_back(loss),
                }
            }
        }
    }

    /// Whether a refusal is about now and not about the connection.
    async fn goes_on_after(&self, status: &tonic::Status) -> bool {
        match ore_wire::status::refusal(status) {
            ore_wire::status::Refusal::Later { message, .. } => {
                self.known().put_off += 1;
                if message.contains("shutting down") {
                    return false;
                }
                // Sooner than the node asks, to press it harder.
                tokio::time::sleep(Duration::from_millis(20)).await;
                true
            }
            refusal @ (ore_wire::status::Refusal::Rejected(_) | ore_wire::status::Refusal::Malformed(_)) => {
                panic!("a good record was refused: {refusal:?}")
            }
            _ => false,
        }
    }

    async fn call_in_streams(self: Arc<Self>, mut client: SubmissionServiceClient<Channel>) {
        let (sender, receiver) = tokio::sync::mpsc::channel(MESSAGES_UNDER_WAY);
        let mut waiting: VecDeque<SignedRecord> = VecDeque::new();
        self.fill(&sender, &mut waiting).await;
        if let Ok(answers) = client.submit_stream(ReceiverStream::new(receiver)).await {
            let mut answers = answers.into_inner();
            'life: while !self.paused.load(Ordering::Relaxed)
                && let Ok(Some(answer)) = answers.message().await
            {
                for result in answer.results {
                    let record = waiting.pop_front().expect("an answer for each record");
                    if !self.take(record, result.outcome.expect("an outcome")).await {
                        break 'life;
                    }
                }
                self.fill(&sender, &mut waiting).await;
            }
        }
        self.known().open.extend(waiting);
    }

    /// Sends messages until enough wait for their answers; the channel has room for all of them.
    async fn fill(&self, sender: &Sender<v1::SubmitStreamRequest>, waiting: &mut VecDeque<SignedRecord>) {
        while waiting.len() + MESSAGE_RECORDS <= MESSAGE_RECORDS * MESSAGES_UNDER_WAY {
            let records: Vec<_> = (0..MESSAGE_RECORDS).map(|_| self.next()).collect();
            // When the stream has ended, its end is seen by whoever reads it.
            let _ = sender.send(message(records.iter())).await;
            waiting.extend(records);
        }
    }

    /// Whether to go on after this answer.
    async fn take(&self, record: SignedRecord, outcome: Outcome) -> bool {
        match outcome {
            Outcome::Accepted(place) | Outcome::AlreadyThere(place) => self.note(&record, &place),
            Outcome::NotTaken(why) => {
                self.known().open.push_back(record);
                self.known().put_off += 1;
                if why.message.contains("shutting down") {
                    return false;
                }
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            refused => panic!("a good record was refused: {refused:?}"),
        }
        true
    }

    /// Everything that was acknowledged, proved from outside: the whole log hashes to a checkpoint that
    /// extends all that were seen before, each record stands at its leaf and nowhere else, and each has a
    /// receipt that verifies.
    pub(crate) async fn prove(self: &Arc<Self>, url: &str) {
        let ledger = Arc::new(self.connect(url).await);
        let mut entries: Vec<Vec<u8>> = Vec::new();
        // The checkpoint follows the blocks at a distance: the newest receipt waits for it.
        let (_, newest) = self.newest();
        ledger.receipt(newest.id(), PATIENCE).await.expect("a receipt");
        ledger
            .whole_log(|_, entry| entries.push(entry.to_vec()))
            .await
            .expect("a log that hashes to its checkpoint");
        let all = self.all();
        let mut seen: HashMap<RecordId, u64> = HashMap::new();
        for (leaf, entry) in entries.iter().enumerate() {
            let record = SignedRecord::decode(entry).expect("the log holds records");
            if let Some(before) = seen.insert(record.id(), leaf as u64) {
                panic!("record {} stands at leaf {before} and at leaf {leaf}", record.id());
            }
        }
        for (leaf, record) in &all {
            let entry = entries.get(*leaf as usize).expect("the log is long enough");
            assert_eq!(*entry, record.entry(), "leaf {leaf} holds another record than was acknowledged");
        }
        let mut fetching = JoinSet::new();
        for part in all.chunks(all.len().div_ceil(4)) {
            let (ledger, part) = (Arc::clone(&ledger), part.to_vec());
            fetching.spawn(async move {
                for (leaf, record) in part {
                    let receipt =
                        ledger.receipt(record.id(), PATIENCE).await.expect("a receipt that verifies");
                    assert_eq!(receipt.report.leaf_index, leaf, "the receipt is for another leaf");
                }
            });
        }
        while let Some(done) = fetching.join_next().await {
            done.expect("every receipt verifies");
        }
    }

    /// Reads without writing: the receipt of the first record.
    pub(crate) async fn read_something(&self, url: &str) {
        let ledger = self.connect(url).await;
        let (leaf, record) = self.all().swap_remove(0);
        let receipt = ledger.receipt(record.id(), PATIENCE).await.expect("a receipt that verifies");
        assert_eq!(receipt.report.leaf_index, leaf, "the receipt is for another leaf");
    }

    /// Remembers the newest checkpoint; it must extend every one remembered before, over all lives of the node.
    pub(crate) async fn remember(&self, url: &str) {
        let ledger = self.connect(url).await;
        match ledger.checkpoint().await {
            Ok(_) | Err(ore_client::ClientError::Unreachable { .. }) => {}
            // Before the first one.
            Err(ore_client::ClientError::NotFound(_) | ore_client::ClientError::Later { .. }) => {}
            Err(error) => panic!("checkpoint: {error}"),
        }
    }

    async fn connect(&self, url: &str) -> Ledger {
        let memory: PathBuf = self.world.beside("newest.checkpoint");
        let memory = Memory::open(&memory, ORIGIN).expect("what was remembered");
        Ledger::connect_as(url, self.world.trust(), memory, self.world.identity())
            .await
            .expect("the node answers")
    }
}

/// Waits for the callers; what one of them found wrong fails the test.
pub(crate) async fn end(mut callers: JoinSet<()>) {
    while let Some(ended) = callers.join_next().await {
        if let Err(error) = ended {
            std::panic::resume_unwind(error.into_panic());
        }
    }
}

async fn channel(url: &str) -> Result<Channel, tonic::transport::Error> {
    Channel::from_shared(url.to_owned()).expect("an address").connect().await
}

fn request(record: &SignedRecord) -> v1::SubmitRequest {
    v1::SubmitRequest { entry: record.entry().into(), wait: 0, promise: false }
}

fn message<'a>(records: impl Iterator<Item = &'a SignedRecord>) -> v1::SubmitStreamRequest {
    v1::SubmitStreamRequest { entries: records.map(|record| record.entry().into()).collect(), wait: 0 }
}
