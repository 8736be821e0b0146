//! The auditor's questions: names become ordinals, answers become protos, and every limit that cut one is said.
//!
//! Long answers are computed in slices, so that no slice holds the ledger's locks while a caller reads slowly,
//! and a caller that goes away ends the work.

mod books;
mod findings;
mod lots;
mod search;
mod slices;

use std::{
    cell::RefCell,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use futures::StreamExt;
use ore_audit::{Budget, Journal, View, Word};
use ore_custody::Custody;
use ore_provenance::{Element, Graph, Scratch};
use ore_wire::{
    status,
    v1::{self, audit_service_server::AuditService},
};
use tonic::{Request, Response, Status};

pub(crate) use books::{circularity, credits, mass_balance, metal_accounts};
pub(crate) use findings::all as findings;
pub(crate) use lots::{chain_of_custody, dependence, footprint};
pub(crate) use search::search;
pub(super) use slices::{Caller, WALK_UNITS};

use super::{Answering, Api, no_lot};
use crate::{audit_index::IndexError, services::provenance::Parted};

/// Units of a [`Budget`] in a millisecond: an entry, a part or a lot looked at. Measured and rounded down.
const UNITS_PER_MS: u64 = 2_000;
/// How much longer than a question may compute the index may be built.
pub(super) const INDEX_PATIENCE: u32 = 10;

/// The service.
pub struct Audit(pub Arc<Api>);

#[tonic::async_trait]
impl AuditService for Audit {
    type FindingsStream = Parted<v1::FindingsResponse>;
    type WatchFindingsStream = Parted<v1::FindingsResponse>;

    async fn findings(
        &self,
        request: Request<v1::FindingsRequest>,
    ) -> Result<Response<Self::FindingsStream>, Status> {
        let parts = findings::all(Arc::clone(&self.0), request.into_inner()).await?;
        Ok(Response::new(parts.boxed()))
    }

    async fn watch_findings(
        &self,
        request: Request<v1::WatchFindingsRequest>,
    ) -> Result<Response<Self::WatchFindingsStream>, Status> {
        let parts = findings::watch(Arc::clone(&self.0), request.into_inner())?;
        Ok(Response::new(parts.boxed()))
    }

    async fn mass_balance(
        &self,
        request: Request<v1::MassBalanceRequest>,
    ) -> Result<Response<v1::MassBalanceResponse>, Status> {
        self.0.timed(books::mass_balance(&self.0, request.into_inner())).await.map(Response::new)
    }

    async fn circularity(
        &self,
        request: Request<v1::CircularityRequest>,
    ) -> Result<Response<v1::CircularityResponse>, Status> {
        self.0.timed(books::circularity(&self.0, request.into_inner())).await.map(Response::new)
    }

    async fn dependence(
        &self,
        request: Request<v1::DependenceRequest>,
    ) -> Result<Response<v1::DependenceResponse>, Status> {
        self.0.timed(lots::dependence(&self.0, request.into_inner())).await.map(Response::new)
    }

    async fn credits(
        &self,
        request: Request<v1::CreditsRequest>,
    ) -> Result<Response<v1::CreditsResponse>, Status> {
        self.0.timed(books::credits(&self.0, request.into_inner())).await.map(Response::new)
    }

    async fn metal_accounts(
        &self,
        request: Request<v1::MetalAccountsRequest>,
    ) -> Result<Response<v1::MetalAccountsResponse>, Status> {
        self.0.timed(books::metal_accounts(&self.0, request.into_inner())).await.map(Response::new)
    }

    async fn chain_of_custody(
        &self,
        request: Request<v1::ChainOfCustodyRequest>,
    ) -> Result<Response<v1::ChainOfCustodyResponse>, Status> {
        self.0.timed(lots::chain_of_custody(&self.0, request.into_inner())).await.map(Response::new)
    }

    async fn lot_footprint(
        &self,
        request: Request<v1::LotFootprintRequest>,
    ) -> Result<Response<v1::LotFootprintResponse>, Status> {
        self.0.timed(lots::footprint(&self.0, request.into_inner())).await.map(Response::new)
    }
}

/// A question with its view, inside a computing thread.
pub(super) struct Asked<'a> {
    pub(super) view: View<'a>,
    pub(super) custody: &'a Custody,
    budget: Budget,
    /// Milliseconds of work.
    time_ms: u64,
}

thread_local! {
    static SCRATCH: RefCell<Scratch> = RefCell::default();
}

/// Computes off the reactor, a bounded number at once, under one hold of the locks. Once the caller has left,
/// walks end.
pub(super) async fn ask<T: Send + 'static>(
    api: &Arc<Api>,
    as_of: Option<v1::AsOf>,
    limits: Option<v1::Limits>,
    work: impl FnOnce(&Api, Asked<'_>, &mut Scratch) -> Result<T, Status> + Send + 'static,
) -> Result<T, Status> {
    computing(api, move |api, gone, scratch| {
        let subject = Subject::of(api, as_of.as_ref(), limits.as_ref(), gone)?;
        if gone.load(Ordering::Relaxed) {
            return Err(left());
        }
        subject.look(api, |asked| work(api, asked, scratch))
    })
    .await
}

/// The same in slices, for questions that may take long: `begin` makes the question, `go_on` works at it until it
/// is done (true) or its budget spent, `close` answers. Between slices appends go on; when the caller has left,
/// the work ends.
pub(super) async fn ask_long<Q, T: Send + 'static>(
    api: &Arc<Api>,
    as_of: Option<v1::AsOf>,
    limits: Option<v1::Limits>,
    begin: impl FnOnce(&Asked<'_>, &mut Scratch) -> Result<Q, Status> + Send + 'static,
    go_on: impl Fn(&mut Q, &View<'_>, &mut Scratch, &mut Budget) -> bool + Send + 'static,
    close: impl FnOnce(&Asked<'_>, Q, bool) -> Result<T, Status> + Send + 'static,
) -> Result<T, Status> {
    computing(api, move |api, gone, scratch| {
        let subject = Subject::of(api, as_of.as_ref(), limits.as_ref(), gone)?;
        let units = subject.units();
        let mut question = Some(subject.look(api, |asked| begin(&asked, scratch))?);
        let mut close = Some(close);
        let worked = slices::work(units, gone, |budget, last| {
            subject.look(api, |asked| {
                let open = question.as_mut()?;
                let done = go_on(open, &asked.view, scratch, budget);
                if done || last { Some(close.take()?(&asked, question.take()?, done)) } else { None }
            })
        });
        worked.unwrap_or_else(|slices::Gone| Err(left()))
    })
    .await
}

/// A thread for a computation, in its turn. Dropping the future sets the flag that the work looks at.
async fn computing<T: Send + 'static>(
    api: &Arc<Api>,
    work: impl FnOnce(&Api, &AtomicBool, &mut Scratch) -> Result<T, Status> + Send + 'static,
) -> Result<T, Status> {
    let turn = api.turn().await?;
    let caller = Caller::default();
    let (api, gone) = (Arc::clone(api), caller.gone());
    let done = tokio::task::spawn_blocking(move || {
        let _turn = turn;
        let _answering = Answering::new(&api, &gone);
        SCRATCH.with_borrow_mut(|scratch| {
            scratch.stop_when(Some(Arc::clone(&gone)));
            let answer = work(&api, &gone, scratch);
            scratch.stop_when(None);
            answer
        })
    });
    done.await.map_err(|_| Status::internal("the computation failed; the operator's log has more"))?
}

/// Nobody reads this.
fn left() -> Status {
    Status::cancelled("the caller has left")
}

/// What a question is about: size, date, and how much work it may be.
struct Subject {
    size: u64,
    date_ms: u64,
    time_ms: u64,
    /// As of the business date, if there is one.
    dated: Option<Arc<Graph>>,
}

impl Subject {
    /// To be asked for without a lock: an index may have to be built and a graph to be copied.
    fn of(
        api: &Api,
        as_of: Option<&v1::AsOf>,
        limits: Option<&v1::Limits>,
        gone: &AtomicBool,
    ) -> Result<Self, Status> {
        let size = tree_size(api, as_of)?;
        let patience = api.query_time * INDEX_PATIENCE;
        api.ledger.audit.catch_up(&api.ledger, size, patience).map_err(|error| behind(&error))?;
        let ours = u64::try_from(api.query_time.as_millis()).unwrap_or(u64::MAX);
        let time_ms = match limits.map_or(0, |limits| limits.time_ms) {
            0 => ours,
            asked => u64::from(asked).min(ours),
        };
        let date_ms = as_of.map_or(0, |as_of| as_of.date_ms);
        let dated = match date_ms {
            0 => None,
            date_ms => Some(api.ledger.audit.dated(&api.ledger, size, date_ms, gone).ok_or_else(left)?),
        };
        Ok(Self { size, date_ms, time_ms, dated })
    }

    const fn units(&self) -> u64 {
        self.time_ms.saturating_mul(UNITS_PER_MS)
    }

    /// Works under the locks of the ledger. Always in this order: custody, journal, graph.
    fn look<T>(&self, api: &Api, work: impl FnOnce(Asked<'_>) -> T) -> T {
        let custody = api.ledger.custody.blocking_read();
        let journal = api.ledger.audit.journal();
        let (as_of, budget, time_ms) = (self.size, Budget::new(self.units()), self.time_ms);
        if let Some(dated) = &self.dated {
            let view = View { journal: &journal, graph: dated, as_of, date_ms: self.date_ms };
            return work(Asked { view, custody: &custody, budget, time_ms });
        }
        let graph = api.ledger.graph();
        let view = View { journal: &journal, graph: &graph, as_of, date_ms: u64::MAX };
        work(Asked { view, custody: &custody, budget, time_ms })
    }
}

/// The size that a question is about.
fn tree_size(api: &Api, as_of: Option<&v1::AsOf>) -> Result<u64, Status> {
    let newest = api.ledger.tree_size();
    match as_of.map_or(0, |as_of| as_of.tree_size) {
        0 => Ok(newest),
        size if size <= newest => Ok(size),
        _ => {
            let message = format!("the ledger has {newest} entries so far");
            Err(status::malformed("as_of.tree_size", &message))
        }
    }
}

pub(super) fn behind(error: &IndexError) -> Status {
    match error {
        IndexError::Behind { .. } => status::unavailable(&error.to_string(), Duration::from_secs(1)),
        _ => {
            tracing::error!(%error, "the auditor's index cannot be built");
            Status::internal("the log of this node cannot be read; its operator has been told")
        }
    }
}

impl Asked<'_> {
    pub(super) fn lot(&self, id: &str) -> Result<u32, Status> {
        self.view.lot_named(id).ok_or_else(|| no_lot(id))
    }

    fn facility(&self, id: &str) -> Result<Word, Status> {
        let word = self.journal().words().find(id).filter(|word| !word.is_empty());
        let known = word.filter(|word| self.view.facility(*word).is_some());
        known.ok_or_else(|| {
            let shown: String = id.chars().take(96).collect();
            Status::not_found(format!("no facility {shown} is registered"))
        })
    }

    const fn journal(&self) -> &Journal {
        self.view.journal
    }

    pub(super) fn text(&self, word: Word) -> String {
        self.journal().text(word).to_owned()
    }

    fn lot_id(&self, ordinal: u32) -> String {
        self.journal().lot_id(ordinal).to_owned()
    }

    pub(super) fn record_id(&self, leaf: u32) -> Bytes {
        let id = self.custody.id_at(leaf.into());
        id.map(|id| Bytes::copy_from_slice(id.as_bytes())).unwrap_or_default()
    }

    pub(super) fn basis(&self, complete: bool) -> v1::Basis {
        let cut = if complete { v1::CutShort::Unspecified } else { v1::CutShort::Time };
        v1::Basis {
            tree_size: self.view.as_of,
            date_ms: if self.view.date_ms == u64::MAX { 0 } else { self.view.date_ms },
            cut_short: cut.into(),
            note: if complete { String::new() } else { "a limit of work cut this answer short".to_owned() },
        }
    }

    /// The element asked for, or the one that makes up most of a lot.
    fn element_of(&self, lot: u32, element: u32) -> Result<Element, Status> {
        if element != 0 {
            return self::element(element);
        }
        let main = self.view.main_element(lot);
        main.ok_or_else(|| status::malformed("element", "state one: nobody says what is in the lot"))
    }
}

fn element(element: u32) -> Result<Element, Status> {
    let number = u8::try_from(element).ok().filter(|number| *number <= 118);
    number.map(Element).ok_or_else(|| status::malformed("element", "an atomic number from 1 to 118, or 0"))
}

/// A period's ends; no end is the end of time.
fn period(period: Option<v1::Period>) -> Result<(u64, u64), Status> {
    let period = period.unwrap_or_default();
    let to_ms = if period.to_ms == 0 { u64::MAX } else { period.to_ms };
    if period.from_ms > to_ms {
        return Err(status::malformed("period", "it begins after it ends"));
    }
    Ok((period.from_ms, to_ms))
}

/// Picograms as whole milligrams, towards zero.
fn mg_of(picograms: i128) -> i64 {
    let mg = picograms / 1_000_000_000;
    i64::try_from(mg).unwrap_or(if mg < 0 { i64::MIN } else { i64::MAX })
}

fn mg(picograms: u128) -> u64 {
    u64::try_from(picograms / 1_000_000_000).unwrap_or(u64::MAX)
}

fn ratio(e18: Option<u64>) -> Option<v1::Ratio> {
    Some(v1::Ratio { known: e18.is_some(), e18: e18.unwrap_or(0) })
}
