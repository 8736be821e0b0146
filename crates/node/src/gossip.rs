//! Records on their way to the next proposer: what a node's members submit, every validator hears of.
//!
//! Passed on once their signatures verify, in the order of arrival, and again while they wait; a lost message costs
//! time and no record. The other end verifies them itself, takes no more from one node than its allowance, and
//! knows what it has already.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::Arc,
    time::Duration,
};

use bytes::Bytes;
use ore_peer::{SideFrame, v1::Records};
use prost::Message;
use tokio::sync::mpsc;

use crate::{
    admission::{Admission, Allowance, MAX_BATCH_BYTES, too_long},
    ledger::Ledger,
    pool::Pool,
};

/// Groups of verified records that wait to be passed on.
pub const FRESH: usize = 256;
/// What still waits is passed on again this often.
const AGAIN: Duration = Duration::from_secs(1);
/// Most bytes of entries in a message; with their framing below the limit of the link.
const MESSAGE_BYTES: usize = 512 << 10;
/// Most bytes that are passed on again at once.
const AGAIN_BYTES: usize = 4 * MESSAGE_BYTES;

/// Passes records on for as long as it is polled.
pub async fn pass_on(
    mut fresh: mpsc::Receiver<Vec<Bytes>>,
    outbound: mpsc::Sender<(Option<String>, SideFrame)>,
    ledger: Arc<Ledger>,
    pool: Arc<Pool>,
) {
    let mut again = tokio::time::interval(AGAIN);
    again.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    // Until the node stops.
    loop {
        tokio::select! {
            biased;
            first = fresh.recv() => {
                let Some(mut entries) = first else { return };
                while let Ok(more) = fresh.try_recv() {
                    entries.extend(more);
                }
                send(&outbound, &ledger, entries);
            }
            _ = again.tick() => send(&outbound, &ledger, pool.waiting_here(AGAIN, AGAIN_BYTES)),
        }
    }
}

fn send(outbound: &mpsc::Sender<(Option<String>, SideFrame)>, ledger: &Ledger, entries: Vec<Bytes>) {
    let validators = Arc::clone(&ledger.validators.borrow());
    let others: Vec<_> =
        validators.iter().map(|validator| &validator.member).filter(|name| **name != ledger.member).collect();
    let mut entries = VecDeque::from(entries);
    // Each turn takes one entry at least.
    while !entries.is_empty() {
        let (mut bytes, mut count) = (0, 0);
        for entry in &entries {
            bytes += entry.len();
            if count > 0 && bytes > MESSAGE_BYTES {
                break;
            }
            count += 1;
        }
        let message = Bytes::from(Records { entries: entries.drain(..count).collect() }.encode_to_vec());
        for other in &others {
            // Without room it is lost, and said again.
            let _ = outbound.try_send((Some((*other).clone()), SideFrame::Records(message.clone())));
        }
    }
}

/// What other nodes pass on.
pub struct Listener {
    admission: Arc<Admission>,
    pool: Arc<Pool>,
    ledger: Arc<Ledger>,
    /// Room for the records of one other node, by its name.
    allowances: BTreeMap<String, Allowance>,
    records: usize,
    bytes: usize,
}

impl Listener {
    /// With so much room for the records of all others together.
    #[must_use]
    pub fn new(
        admission: Arc<Admission>,
        pool: Arc<Pool>,
        ledger: Arc<Ledger>,
        records: usize,
        bytes: usize,
    ) -> Self {
        Self { admission, pool, ledger, allowances: BTreeMap::new(), records, bytes }
    }

    /// Takes records from `from`: those that are new here, as far as its allowance goes.
    pub fn take(&mut self, from: &str, message: Bytes) {
        let validators = Arc::clone(&self.ledger.validators.borrow());
        if !validators.iter().any(|validator| validator.member == self.ledger.member) {
            // A node that proposes nothing has no use for them.
            return;
        }
        let Ok(Records { mut entries }) = Records::decode(message) else {
            tracing::warn!(from, "what was passed on is no list of records");
            return;
        };
        entries.retain(|entry| !too_long(entry));
        let known = self.pool.known(&entries);
        let mut fresh: VecDeque<Bytes> = entries
            .into_iter()
            .zip(known)
            .filter_map(|(entry, known)| known.is_none().then_some(entry))
            .collect();
        let others = validators.len().max(2) - 1;
        let (records, bytes) = (self.records / others, self.bytes / others);
        let allowance =
            self.allowances.entry(from.to_owned()).or_insert_with(|| Allowance::new(records, bytes));
        // Each turn takes one entry at least.
        while !fresh.is_empty() {
            let (mut bytes, mut count) = (0, 0);
            for entry in fresh.iter().take(self.admission.batch_records()) {
                bytes += entry.len();
                if count > 0 && bytes > MAX_BATCH_BYTES {
                    break;
                }
                count += 1;
            }
            let entries: Vec<Bytes> = fresh.drain(..count).collect();
            let bytes = entries.iter().map(Bytes::len).sum();
            let Some(room) = allowance.try_room(entries.len(), bytes) else {
                self.ledger.metrics.passed_on_dropped.add(entries.len() as u64);
                return;
            };
            if self.admission.submit_passed_on(entries, room).is_err() {
                return;
            }
        }
    }
}
