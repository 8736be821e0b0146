//! The services: one file each. They translate and bound; what they answer comes from the ledger.

pub mod audit;
pub mod bundle;
mod check;
pub mod consortium;
pub mod fingerprint;
pub mod log;
pub mod lot;
pub mod provenance;
pub mod submission;
pub mod touched;

use std::{
    future::Future,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use ore_checkpoint::NoteSigner;
use ore_peer::Links;
use ore_record::rules::Rules;
use ore_store::StoreError;
use ore_wire::status;
use tonic::Status;

use crate::witness::Witness;
use crate::{
    admission::Admission,
    ledger::Ledger,
    limits::{self, Account, Fair, Turn},
    trial::Trials,
};

/// Items on a page when the caller names no number, and most on any page.
const PAGE_DEFAULT: u32 = 100;
const PAGE_MOST: u32 = 1_000;

/// What every service works with.
pub struct Api {
    /// The read side.
    pub ledger: Arc<Ledger>,
    /// The trust root as a file, for whoever verifies in a browser.
    pub trust: String,
    /// The way in.
    pub admission: Arc<Admission>,
    /// Longest time for one call, streams aside.
    pub request_timeout: Duration,
    /// Longest computation for one provenance question.
    pub query_time: Duration,
    /// Most lots in one provenance answer.
    pub query_lots: u32,
    /// Whether the members' port speaks TLS.
    pub tls: bool,
    /// The node's log key, by which it stands by the claim of a bundle.
    pub log_key: NoteSigner,
    /// This node as a witness for other ledgers.
    pub witness: Option<Arc<Witness>>,
    /// What the origin check keeps between questions.
    pub fingerprint: fingerprint::FingerprintDesk,
    /// Provenance questions computed at once.
    pub questions: Arc<Fair>,
    /// Room for trials.
    pub trials: Trials,
    /// Links to other nodes, if this one has any.
    pub links: Option<Links>,
    /// Newest rules that this program knows.
    pub newest_rules: Rules,
}

impl Api {
    /// A turn at computing for whoever makes the call at hand. Taken before the state is locked, so that nobody
    /// who waits for a turn holds up writing.
    ///
    /// # Errors
    /// `RESOURCE_EXHAUSTED` when the caller has had as much computed as it may.
    pub(crate) async fn turn(&self) -> Result<Computing, Status> {
        let account = limits::account();
        if let Some(account) = &account {
            account.may_compute()?;
        }
        let turn = self.questions.turn(account.as_ref().map_or(u64::MAX, |account| account.id)).await;
        Ok(Computing { account, begin: Instant::now(), _turn: turn })
    }

    /// Ends a call that takes too long; what it was doing is dropped.
    pub(crate) async fn timed<T>(&self, call: impl Future<Output = Result<T, Status>>) -> Result<T, Status> {
        tokio::time::timeout(self.request_timeout, call).await.unwrap_or_else(|_| {
            let seconds = self.request_timeout.as_secs();
            Err(Status::deadline_exceeded(format!("no answer within {seconds} s, the limit of this node")))
        })
    }
}

/// Computation on somebody's account, until this is dropped.
pub(crate) struct Computing {
    account: Option<Arc<Account>>,
    begin: Instant,
    _turn: Turn,
}

impl Drop for Computing {
    fn drop(&mut self) {
        if let Some(account) = &self.account {
            account.pay_for_computation(self.begin.elapsed());
        }
    }
}

/// A question that is being computed: counted when it begins and when it ends.
pub(crate) struct Answering {
    api: Arc<Api>,
    gone: Arc<AtomicBool>,
}

impl Answering {
    /// Begins; the flag says that the caller has left.
    pub(crate) fn new(api: &Arc<Api>, gone: &Arc<AtomicBool>) -> Self {
        api.ledger.metrics.questions.add(1);
        Self { api: Arc::clone(api), gone: Arc::clone(gone) }
    }
}

impl Drop for Answering {
    fn drop(&mut self) {
        let metrics = &self.api.ledger.metrics;
        metrics.questions_left.add(u64::from(self.gone.load(Ordering::Relaxed)));
        metrics.questions_ended.add(1);
    }
}

/// A page of an ordered list: its size, and where it begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Page {
    size: usize,
    start: usize,
}

impl Page {
    fn read(size: u32, token: &str) -> Result<Self, Status> {
        if size > PAGE_MOST {
            return Err(status::malformed("page_size", "at most 1,000"));
        }
        let start = match token {
            "" => 0,
            token => token
                .parse()
                .map_err(|_| status::malformed("page_token", "not a token that this node gave out"))?,
        };
        Ok(Self { size: if size == 0 { PAGE_DEFAULT } else { size } as usize, start })
    }

    /// Takes this page of `items`, and the token of the next.
    fn of<T>(self, items: impl Iterator<Item = T>) -> (Vec<T>, String) {
        let mut items = items.skip(self.start);
        let page: Vec<T> = items.by_ref().take(self.size).collect();
        let next = if items.next().is_some() { (self.start + self.size).to_string() } else { String::new() };
        (page, next)
    }
}

/// The operator's disk is at fault, not the caller.
pub(crate) fn unreadable(error: &StoreError) -> Status {
    tracing::error!(error = %crate::sequencer::chain(error), "the log cannot be read");
    Status::internal("the log of this node cannot be read; its operator has been told")
}

pub(crate) fn no_lot(lot: &str) -> Status {
    let shown: String = lot.chars().take(96).collect();
    Status::not_found(format!("no record creates lot {shown}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_cover_a_list_without_gap_or_overlap() {
        let (mut seen, mut token) = (Vec::new(), String::new());
        for _ in 0..10 {
            let (items, next) = Page::read(3, &token).expect("our own token").of(0..8);
            seen.extend(items);
            token = next;
            if token.is_empty() {
                break;
            }
        }
        assert_eq!(seen, (0..8).collect::<Vec<_>>());
    }

    #[test]
    fn a_page_beyond_the_limit_or_a_forged_token_is_refused_by_field() {
        assert!(Page::read(1_001, "").is_err());
        assert!(Page::read(1, "x").is_err());
    }
}
