//! Provenance: which part of this metal came from where, and where it went.
//!
//! The engine answers; here its ordinals get their names, long answers are cut into parts, and every limit that
//! cut one short is said. Computation runs off the reactor, a few questions at once.

mod words;

use std::{cell::RefCell, pin::Pin, sync::Arc};

use futures::{Stream, StreamExt, stream};
use ore_custody::Custody;
use ore_provenance::{
    Attributing, Attribution, Element, ForwardLimits, Graph, LotIndex, Method, Origin, Parts, QuestionError,
    Recalling, Route, Scratch, Share, SourceKind, Threshold, TraceLimits, TracingBack,
};
use ore_wire::{
    status,
    v1::{self, provenance_service_server::ProvenanceService},
};
use tonic::{Request, Response, Status};

use super::{Answering, Api, Computing, audit::Caller as Waiting, no_lot};
use crate::access::Caller;
use words::{Backward, Look, forward_parts};

/// Lots, steps or sources in one part of an answer.
const PART_ITEMS: usize = 500;
/// Units of the engine's work in a millisecond, measured and rounded down.
pub(super) const WORK_PER_MS: u64 = 10_000;

/// The service.
pub struct Provenance(pub Arc<Api>);

/// A streamed answer.
pub(super) type Parted<T> = Pin<Box<dyn Stream<Item = Result<T, Status>> + Send>>;

#[tonic::async_trait]
impl ProvenanceService for Provenance {
    type TraceBackStream = Parted<v1::TraceBackResponse>;
    type TraceForwardStream = Parted<v1::TraceForwardResponse>;

    async fn trace_back(
        &self,
        request: Request<v1::TraceBackRequest>,
    ) -> Result<Response<Self::TraceBackStream>, Status> {
        let parts = self.0.timed(trace_back(&self.0, request.into_inner())).await?;
        Ok(Response::new(stream::iter(parts).map(Ok).boxed()))
    }

    async fn trace_forward(
        &self,
        request: Request<v1::TraceForwardRequest>,
    ) -> Result<Response<Self::TraceForwardStream>, Status> {
        let parts = self.0.timed(trace_forward(&self.0, request.into_inner())).await?;
        Ok(Response::new(stream::iter(parts).map(Ok).boxed()))
    }

    async fn attribute(
        &self,
        request: Request<v1::AttributeRequest>,
    ) -> Result<Response<v1::AttributeResponse>, Status> {
        let caller = Caller::of(&request);
        self.0.timed(attribute(&self.0, &caller, request.into_inner())).await.map(Response::new)
    }
}

/// A question, its names resolved.
struct Question {
    /// 0: no business date.
    date_ms: u64,
    lot: LotIndex,
    element: Element,
    as_of: u64,
    depth: u32,
    lots: u32,
    work: u64,
}

impl Question {
    async fn read(
        api: &Arc<Api>,
        lot: &str,
        element: u32,
        as_of: u64,
        date_ms: u64,
        limits: Option<v1::Limits>,
    ) -> Result<Self, Status> {
        if date_ms != 0 {
            ready(api).await?;
        }
        let custody = api.ledger.custody.read().await;
        let found = custody.lot(lot).ok_or_else(|| no_lot(lot))?;
        let ordinal = custody.lot_ordinal(lot).unwrap_or_default();
        let element = match element {
            0 => found.composition.iter().max_by_key(|content| content.ppb).map(|content| content.element),
            stated => u8::try_from(stated).ok().filter(|number| (1..=118).contains(number)),
        };
        let element = element.ok_or_else(|| {
            status::malformed(
                "element",
                "an atomic number from 1 to 118; the lot itself states no composition",
            )
        })?;
        let newest = if date_ms == 0 {
            custody.leaves()
        } else {
            custody.leaves().min(api.ledger.audit.journal().len())
        };
        let as_of = match as_of {
            0 => newest,
            size if size <= newest => size,
            _ => {
                let message = format!("the ledger has {newest} entries so far");
                return Err(status::malformed("as_of_tree_size", &message));
            }
        };
        let limits = limits.unwrap_or_default();
        let lower = |asked: u32, ours: u32| if asked == 0 { ours } else { asked.min(ours) };
        let ours_ms = u32::try_from(api.query_time.as_millis()).unwrap_or(u32::MAX);
        Ok(Self {
            date_ms,
            lot: LotIndex(ordinal),
            element: Element(element),
            as_of,
            depth: lower(limits.depth, u32::MAX),
            lots: lower(limits.lots, api.query_lots),
            work: u64::from(lower(limits.time_ms, ours_ms)) * WORK_PER_MS,
        })
    }
}

thread_local! {
    /// Grows to the size of the graph once per thread of the blocking pool that answers questions.
    static SCRATCH: RefCell<Scratch> = RefCell::default();
}

/// A business date needs to know when each record's event was: the auditor's index does.
async fn ready(api: &Arc<Api>) -> Result<(), Status> {
    let (api, size) = (Arc::clone(api), api.ledger.tree_size());
    let built = tokio::task::spawn_blocking(move || {
        api.ledger.audit.catch_up(&api.ledger, size, api.query_time * super::audit::INDEX_PATIENCE)
    });
    let built = built.await.map_err(|_| Status::internal("the index of this node cannot be built"))?;
    built.map_err(|error| super::audit::behind(&error))
}

/// Computes off the reactor, in a turn that was taken before.
async fn compute<T: Send + 'static>(
    api: &Arc<Api>,
    turn: Computing,
    (date_ms, size): (u64, u64),
    work: impl FnOnce(&Look<'_>, &mut Scratch) -> Result<T, Status> + Send + 'static,
) -> Result<T, Status> {
    let left = Waiting::default();
    let (api, gone) = (Arc::clone(api), left.gone());
    let done = tokio::task::spawn_blocking(move || {
        let _turn = turn;
        let _answering = Answering::new(&api, &gone);
        let dated = match date_ms {
            0 => None,
            date_ms => {
                let dated = api.ledger.audit.dated(&api.ledger, size, date_ms, &gone);
                Some(dated.ok_or_else(|| Status::cancelled("the caller has left"))?)
            }
        };
        SCRATCH.with_borrow_mut(|scratch| {
            scratch.stop_when(Some(Arc::clone(&gone)));
            let answer = work(&Look { api: &api, dated, gone: &gone }, scratch);
            scratch.stop_when(None);
            answer
        })
    });
    done.await.map_err(|_| Status::internal("the computation failed; the operator's log has more"))?
}

fn no_answer(error: QuestionError) -> Status {
    match error {
        QuestionError::NoSuchLot { .. } => Status::not_found(error.to_string()),
        QuestionError::NoContent { .. } => {
            status::malformed("element", "the lot states no content of this element")
        }
    }
}

/// Shares of one element of a lot.
///
/// # Errors
/// `NOT_FOUND`, `INVALID_ARGUMENT`, `PERMISSION_DENIED`.
pub async fn attribute(
    api: &Arc<Api>,
    caller: &Caller,
    request: v1::AttributeRequest,
) -> Result<v1::AttributeResponse, Status> {
    caller.may_see(&*api.ledger.custody.read().await, &request.lot)?;
    let as_of = caller.as_of(request.as_of_tree_size)?;
    if request.element == 0 {
        return Err(status::malformed("element", "an atomic number from 1 to 118"));
    }
    let turn = api.turn().await?;
    let question =
        Question::read(api, &request.lot, request.element, as_of, request.as_of_date_ms, request.limits)
            .await?;
    compute(api, turn, (question.date_ms, question.as_of), move |look, scratch| {
        let limits = ore_provenance::Limits { steps: question.lots, work: question.work };
        let Question { lot, element, as_of, .. } = question;
        let begin = |graph: &Graph, scratch: &mut Scratch| {
            Attributing::new(graph, scratch, lot, element, as_of, &limits)
        };
        let answer = look.walk(scratch, begin, Attributing::go_on)?;
        Ok(attribution(&look.custody(), &answer, as_of))
    })
    .await
}

/// An attribution in the proto's words.
#[must_use]
pub fn attribution(custody: &Custody, answer: &Attribution, tree_size: u64) -> v1::AttributeResponse {
    let contained = answer.contained.value;
    let mut origins: Vec<v1::OriginShare> = answer
        .origins
        .iter()
        .map(|origin| v1::OriginShare {
            origin: Some(origin_of(custody, &origin.origin, origin.kind)),
            share: Some(share_of(&origin.share)),
            mg: milligrams(origin.share.value.of(contained)),
        })
        .collect();
    // Largest first; equal ones stay in the engine's order, which is the same on every node.
    origins.sort_by_key(|origin| std::cmp::Reverse(origin.share.as_ref().map(|share| share.value_e18)));
    let country = |(country, share): &([u8; 2], Share)| v1::CountryShare {
        country: letters(*country),
        share: Some(share_of(share)),
    };
    let route = |(route, share): &(Route, Share)| v1::RouteShare {
        route: route_of(*route).into(),
        share: Some(share_of(share)),
    };
    let generation = |(generation, share): &(u16, Share)| v1::GenerationShare {
        generation: (*generation).into(),
        share: Some(share_of(share)),
    };
    v1::AttributeResponse {
        tree_size,
        contained_mg: milligrams(contained),
        origins,
        countries: answer.by_country.iter().map(country).collect(),
        routes: answer.by_route.iter().map(route).collect(),
        generations: answer.by_generation.iter().map(generation).collect(),
        verified: Some(share_of(&answer.verified)),
        methods: answer.methods.iter().map(|method| method_name(*method).to_owned()).collect(),
        ancestors: answer.visited.lots,
        cut_short: if answer.complete { v1::CutShort::Unspecified } else { v1::CutShort::Time }.into(),
        unresolved_e18: answer.unresolved.units(),
        recycled: Some(share_of(&answer.recycled)),
    }
}

const fn method_name(method: Method) -> &'static str {
    match method {
        Method::WellMixed => "well mixed",
        Method::AssayInterval => "bounds from assay uncertainty (k = 2)",
        Method::StockpileBounds => "bounds from a stockpile that was not homogenised",
        Method::SegregatedBounds => "bounds within segregated material",
        Method::DryMassFallback => "weighed by dry mass where no input states the element",
        Method::CutShort => "cut short by a limit",
    }
}

fn share_of(share: &Share) -> v1::Share {
    v1::Share {
        value_e18: share.value.units(),
        lower_e18: share.lower.units(),
        upper_e18: share.upper.units(),
    }
}

fn milligrams(mass: ore_provenance::Picograms) -> u64 {
    u64::try_from(mass.whole_milligrams()).unwrap_or(u64::MAX)
}

fn letters(country: [u8; 2]) -> String {
    country.iter().map(|letter| char::from(*letter)).collect()
}

/// A route in the proto's words.
#[must_use]
pub const fn route_of(route: Route) -> ore_record::v1::Route {
    match route {
        Route::Primary => ore_record::v1::Route::Primary,
        Route::PreConsumer => ore_record::v1::Route::PreConsumer,
        Route::PostConsumer => ore_record::v1::Route::PostConsumer,
    }
}

/// A kind of origin in the proto's words.
#[must_use]
pub const fn kind_of(kind: SourceKind) -> ore_record::v1::OriginKind {
    match kind {
        SourceKind::Mine => ore_record::v1::OriginKind::Mine,
        SourceKind::DeclaredUnknown => ore_record::v1::OriginKind::DeclaredUnknown,
        SourceKind::ScrapCollection => ore_record::v1::OriginKind::ScrapCollection,
    }
}

/// An origin in the proto's words. A source is a facility, by its place in the roster.
#[must_use]
pub fn origin_of(custody: &Custody, origin: &Origin, kind: SourceKind) -> v1::Origin {
    let facility = custody.facility_at(origin.source.0).map(|facility| facility.id.clone());
    v1::Origin {
        kind: kind_of(kind).into(),
        source: facility.unwrap_or_default(),
        country: letters(origin.country),
        route: route_of(origin.route).into(),
        generation: origin.generation.into(),
    }
}

/// The ancestors of a lot, in parts.
///
/// # Errors
/// `NOT_FOUND`, `INVALID_ARGUMENT`.
pub async fn trace_back(
    api: &Arc<Api>,
    request: v1::TraceBackRequest,
) -> Result<Vec<v1::TraceBackResponse>, Status> {
    let turn = api.turn().await?;
    let question = Question::read(
        api,
        &request.lot,
        request.element,
        request.as_of_tree_size,
        request.as_of_date_ms,
        request.limits,
    )
    .await?;
    compute(api, turn, (question.date_ms, question.as_of), move |look, scratch| {
        let limits = TraceLimits { depth: question.depth, nodes: question.lots };
        let Question { lot, element, as_of, .. } = question;
        let begin = |graph: &Graph, scratch: &mut Scratch| {
            TracingBack::new(graph, scratch, lot, element, as_of, &limits)
        };
        let trace = look.walk(scratch, begin, TracingBack::go_on)?;
        Backward { look, question: &question }.parts(&trace)
    })
    .await
}

/// The descendants of a lot, in parts.
///
/// # Errors
/// `NOT_FOUND`, `INVALID_ARGUMENT`.
pub async fn trace_forward(
    api: &Arc<Api>,
    request: v1::TraceForwardRequest,
) -> Result<Vec<v1::TraceForwardResponse>, Status> {
    let minimum = Parts::new(request.minimum_share_e18)
        .ok_or_else(|| status::malformed("minimum_share_e18", "at most 10^18"))?;
    let threshold = match (request.minimum_mg, request.minimum_share_e18) {
        (0, 0) => Threshold::Any,
        (0, _) => Threshold::Share(minimum),
        (mg, 0) => Threshold::Mass(ore_provenance::Picograms(u128::from(mg) * 1_000_000_000)),
        _ => return Err(status::malformed("minimum_mg", "state a least mass or a least share, not both")),
    };
    let turn = api.turn().await?;
    let question = Question::read(
        api,
        &request.lot,
        request.element,
        request.as_of_tree_size,
        request.as_of_date_ms,
        request.limits,
    )
    .await?;
    compute(api, turn, (question.date_ms, question.as_of), move |look, scratch| {
        let limits = ForwardLimits { steps: question.lots, hits: question.lots, threshold };
        let Question { lot, element, as_of, .. } = question;
        let begin = |graph: &Graph, scratch: &mut Scratch| {
            Recalling::new(graph, scratch, &[lot], element, as_of, &limits)
        };
        let recall = look.walk(scratch, begin, Recalling::go_on)?;
        forward_parts(look, &question, &recall)
    })
    .await
}
