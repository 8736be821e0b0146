//! Plain HTTP on the members' port: C2SP tlog-tiles for other people's tools, JSON for everybody.
//!
//! Tiles are slices of what is stored; anything that is not there is 404. Full tiles never change and say so.

use std::sync::Arc;

use axum::{
    Extension, Router,
    extract::{Path, Query, Request, State},
    http::{StatusCode, header},
    response::{IntoResponse, Response},
    routing::{MethodRouter, get, post},
};
use ore_merkle::TileResource;
use ore_wire::v1;
use prost_reflect::{DescriptorPool, DynamicMessage, ReflectMessage, SerializeOptions};
use serde::Deserialize;
use tonic::{Code, Status};

use crate::{
    access::Caller,
    pages,
    services::{Api, bundle, consortium, log, lot, provenance},
};

/// Kept by caches for a year: a full tile is what it is for ever.
const FOR_EVER: &str = "public, max-age=31536000, immutable";
/// Kept by nobody: a partial tile or a checkpoint is soon replaced.
const SOON_OLD: &str = "no-cache";

/// Where share links begin; what follows is their token.
pub const SHARE_PATH: &str = "/share/";

/// A route, and what answers it.
type Route = (&'static str, fn() -> MethodRouter<Arc<Api>>);

/// Every route that is not gRPC. Who may ask is in [`crate::access::CALLS`]; a test compares the two.
const ROUTES: [Route; 25] = [
    ("/checkpoint", || get(checkpoint)),
    ("/add-checkpoint", || post(add_checkpoint)),
    ("/tile/{*name}", || get(tile)),
    ("/tile/entries/{*name}", || get(entries)),
    ("/v1/info", || get(info)),
    ("/v1/trust", || get(crate::http_desk::trust)),
    ("/v1/draft", || post(crate::http_desk::draft)),
    ("/v1/submit", || post(crate::http_desk::submit)),
    ("/v1/lots", || get(lots)),
    ("/v1/lots/{member}/{number}", || get(one_lot)),
    ("/v1/lots/{member}/{number}/history", || get(history)),
    ("/v1/lots/{member}/{number}/trace", || get(trace)),
    ("/v1/lots/{member}/{number}/attribute", || get(attribute)),
    ("/v1/audit/{question}", || post(crate::http_audit::ask)),
    ("/v1/fingerprint/{question}", || post(crate::http_fingerprint::ask)),
    ("/v1/records/{id}/receipt", || get(receipt)),
    ("/epcis/capture", || axum::routing::any(crate::http_epcis::no_capture)),
    ("/epcis/events", || get(crate::http_epcis::events)),
    ("/v1/lots/{member}/{number}/passport", || get(crate::http_untp::passport_view)),
    ("/untp/facilities/{member}/{name}", || get(crate::http_untp::facility_view)),
    ("/untp/status/{list}", || get(crate::http_untp::status_list)),
    ("/.well-known/did.json", || get(crate::http_untp::node_did)),
    ("/id/{member}/did.json", || get(crate::http_untp::member_did)),
    ("/share/{token}", || get(share)),
    ("/share/{token}/bundle", || get(share_bundle)),
];

/// Routes of the members' port that are not gRPC.
pub fn routes(api: Arc<Api>) -> Router {
    let add = |router: Router<Arc<Api>>, (path, handler): Route| router.route(path, handler());
    let router = ROUTES.into_iter().fold(Router::new(), add);
    let page = |router: Router<Arc<Api>>, path: &&str| match *path {
        "/session" => router.route(path, get(pages::page).post(pages::session)),
        path => router.route(path, get(pages::page)),
    };
    ore_web::ROUTES.iter().fold(router, page).with_state(api)
}

/// Their paths, as the router writes them.
pub fn paths() -> impl Iterator<Item = &'static str> {
    ROUTES.iter().map(|(path, _)| *path).chain(ore_web::ROUTES.iter().copied())
}

async fn checkpoint(State(api): State<Arc<Api>>) -> Response {
    let published = api.ledger.published.borrow().clone();
    if published.checkpoint.is_none() {
        return StatusCode::NOT_FOUND.into_response();
    }
    let headers = [(header::CONTENT_TYPE, "text/plain; charset=utf-8"), (header::CACHE_CONTROL, SOON_OLD)];
    (headers, published.note.to_string()).into_response()
}

/// C2SP tlog-witness, for ledgers that this node was told to watch.
async fn add_checkpoint(State(api): State<Arc<Api>>, body: axum::body::Bytes) -> Response {
    let Some(witness) = api.witness.clone() else { return StatusCode::NOT_FOUND.into_response() };
    let answer = tokio::task::spawn_blocking(move || witness.add_checkpoint(&body)).await;
    let answer = answer.unwrap_or(crate::witness::Answer::NotKept);
    let status = StatusCode::from_u16(answer.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let (kind, body) = answer.body();
    (status, [(header::CONTENT_TYPE, kind)], body).into_response()
}

async fn tile(State(api): State<Arc<Api>>, Path(name): Path<String>) -> Response {
    match format!("tile/{name}").parse::<TileResource>() {
        Ok(resource @ TileResource::Tile(_)) => resource_of(&api, resource),
        // Entries are records: they have a route of their own.
        Ok(TileResource::Entries(_)) | Err(_) => StatusCode::NOT_FOUND.into_response(),
    }
}

async fn entries(State(api): State<Arc<Api>>, Path(name): Path<String>) -> Response {
    match format!("tile/entries/{name}").parse::<TileResource>() {
        Ok(resource @ TileResource::Entries(_)) => resource_of(&api, resource),
        Ok(TileResource::Tile(_)) | Err(_) => StatusCode::NOT_FOUND.into_response(),
    }
}

fn resource_of(api: &Api, resource: TileResource) -> Response {
    let reader = &api.ledger.reader;
    let (bytes, full) = match resource {
        TileResource::Tile(tile) => (Ok(reader.tile(tile).map(Into::into)), tile.is_full()),
        TileResource::Entries(bundle) => (reader.bundle(bundle), bundle.is_full()),
    };
    let caching = if full { FOR_EVER } else { SOON_OLD };
    match bytes {
        Ok(Some(bytes)) => {
            let headers =
                [(header::CONTENT_TYPE, "application/octet-stream"), (header::CACHE_CONTROL, caching)];
            (headers, bytes).into_response()
        }
        Ok(None) => StatusCode::NOT_FOUND.into_response(),
        Err(error) => {
            tracing::error!(error = %crate::sequencer::chain(&error), "the log cannot be read");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

async fn info(State(api): State<Arc<Api>>) -> Response {
    answer("oreledger.v1.GetInfoResponse", consortium::get_info(&api).await)
}

/// A page, as a query string asks for it.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct PageQuery {
    page_size: u32,
    page_token: String,
    custodian: String,
}

async fn lots(
    State(api): State<Arc<Api>>,
    Extension(caller): Extension<Caller>,
    Query(query): Query<PageQuery>,
) -> Response {
    let PageQuery { page_size, page_token, custodian } = query;
    let request = v1::ListLotsRequest { page_size, page_token, custodian };
    answer("oreledger.v1.ListLotsResponse", lot::list_lots(&api, &caller, request).await)
}

async fn one_lot(
    State(api): State<Arc<Api>>,
    Extension(caller): Extension<Caller>,
    Path((member, number)): Path<(String, String)>,
) -> Response {
    answer("oreledger.v1.GetLotResponse", lot::get_lot(&api, &caller, &format!("{member}/{number}")).await)
}

async fn history(
    State(api): State<Arc<Api>>,
    Extension(caller): Extension<Caller>,
    Path((member, number)): Path<(String, String)>,
    Query(query): Query<PageQuery>,
) -> Response {
    let PageQuery { page_size, page_token, .. } = query;
    let request = v1::HistoryRequest { lot: format!("{member}/{number}"), page_size, page_token };
    answer("oreledger.v1.HistoryResponse", lot::history(&api, &caller, request).await)
}

/// A question, as a query string asks it. The element is an atomic number.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct ProvenanceQuery {
    element: u32,
    as_of_tree_size: u64,
    as_of_date_ms: u64,
    depth: u32,
    lots: u32,
}

async fn trace(
    State(api): State<Arc<Api>>,
    Path((member, number)): Path<(String, String)>,
    Query(query): Query<ProvenanceQuery>,
) -> Response {
    let request = v1::TraceBackRequest {
        lot: format!("{member}/{number}"),
        element: query.element,
        as_of_tree_size: query.as_of_tree_size,
        as_of_date_ms: query.as_of_date_ms,
        limits: Some(v1::Limits { depth: query.depth, lots: query.lots, time_ms: 0 }),
    };
    let whole = provenance::trace_back(&api, request).await.map(|parts| {
        parts.into_iter().fold(v1::TraceBackResponse::default(), |mut whole, part| {
            whole.lots.extend(part.lots);
            whole.steps.extend(part.steps);
            whole.sources.extend(part.sources);
            whole.summary = part.summary.or(whole.summary);
            whole
        })
    });
    answer("oreledger.v1.TraceBackResponse", whole)
}

async fn attribute(
    State(api): State<Arc<Api>>,
    Extension(caller): Extension<Caller>,
    Path((member, number)): Path<(String, String)>,
    Query(query): Query<ProvenanceQuery>,
) -> Response {
    let request = v1::AttributeRequest {
        lot: format!("{member}/{number}"),
        element: query.element,
        as_of_tree_size: query.as_of_tree_size,
        as_of_date_ms: query.as_of_date_ms,
        limits: Some(v1::Limits { depth: query.depth, lots: query.lots, time_ms: 0 }),
    };
    answer("oreledger.v1.AttributeResponse", provenance::attribute(&api, &caller, request).await)
}

async fn receipt(State(api): State<Arc<Api>>, Path(id): Path<String>) -> Response {
    let Some(id) = ore_record::RecordId::from_hex(&id) else {
        return problem(&Status::invalid_argument("a record id has 64 hexadecimal digits"));
    };
    match log::receipt(&api, id.as_bytes()).await {
        Ok(receipt) => ([(header::CONTENT_TYPE, "text/plain; charset=utf-8")], receipt.proof).into_response(),
        Err(status) => problem(&status),
    }
}

/// Which element of a shared lot; none: the one that makes up most of it.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct ShareQuery {
    element: u32,
}

/// The shared lot, and the element asked for.
async fn shared(api: &Api, caller: &Caller, query: &ShareQuery) -> Result<(String, u32), Status> {
    let Caller::Share { share, .. } = caller else { return Err(Status::not_found("no share link")) };
    if query.element != 0 {
        return Ok((share.lot.clone(), query.element));
    }
    let custody = api.ledger.custody.read().await;
    let most =
        custody.lot(&share.lot).and_then(|lot| lot.composition.iter().copied().max_by_key(|it| it.ppb));
    let most = most.map(|content| content.element.into());
    most.map(|element| (share.lot.clone(), element)).ok_or_else(|| {
        ore_wire::status::malformed("element", "the lot states no composition: name an element")
    })
}

/// What an outsider sees of a shared lot: where its metal comes from, as of the size that the link names.
async fn share(
    State(api): State<Arc<Api>>,
    Extension(caller): Extension<Caller>,
    request: Request,
) -> Response {
    if pages::wants_page(request.headers()) {
        // Without a choice, the page is about the element that makes up most of the lot.
        let element = shared(&api, &caller, &ShareQuery::default()).await.map_or(0, |(_, element)| element);
        return pages::share(api, caller, request, element).await;
    }
    let Ok(Query(query)) = Query::<ShareQuery>::try_from_uri(request.uri()) else {
        return problem(&Status::invalid_argument(
            "a share link takes one parameter: element, an atomic number",
        ));
    };
    let attribution = async {
        let (lot, element) = shared(&api, &caller, &query).await?;
        let request = v1::AttributeRequest { lot, element, ..v1::AttributeRequest::default() };
        provenance::attribute(&api, &caller, request).await
    };
    answer("oreledger.v1.AttributeResponse", attribution.await)
}

/// The proof of it, for `oreledger verify`.
async fn share_bundle(
    State(api): State<Arc<Api>>,
    Extension(caller): Extension<Caller>,
    Query(query): Query<ShareQuery>,
) -> Response {
    let bundle = async {
        let (lot, element) = shared(&api, &caller, &query).await?;
        bundle::get_bundle(&api, &caller, v1::GetBundleRequest { lot, element }).await
    };
    match bundle.await {
        Ok(answer) => {
            let headers = [
                (header::CONTENT_TYPE, "application/octet-stream"),
                (header::CONTENT_DISPOSITION, "attachment; filename=\"shared.orebundle\""),
                (header::CACHE_CONTROL, "no-store"),
            ];
            (headers, answer.bundle).into_response()
        }
        Err(status) => problem(&status),
    }
}

/// An answer in protobuf's JSON mapping, or problem details.
pub(crate) fn answer(name: &str, answer: Result<impl prost::Message, Status>) -> Response {
    match answer.and_then(|message| json(name, &message)) {
        Ok(json) => ([(header::CONTENT_TYPE, "application/json")], json).into_response(),
        Err(status) => problem(&status),
    }
}

fn json(name: &str, message: &impl prost::Message) -> Result<Vec<u8>, Status> {
    let internal = |error: &dyn std::fmt::Display| Status::internal(format!("write {name}: {error}"));
    let descriptor = pool().get_message_by_name(name).ok_or_else(|| internal(&"unknown message"))?;
    let bytes = message.encode_to_vec();
    let message = DynamicMessage::decode(descriptor, bytes.as_slice()).map_err(|error| internal(&error))?;
    debug_assert_eq!(message.descriptor().full_name(), name, "decoded as what it is");
    let mut json = Vec::new();
    let mut serializer = serde_json::Serializer::new(&mut json);
    let options = SerializeOptions::new().skip_default_fields(true);
    message.serialize_with_options(&mut serializer, &options).map_err(|error| internal(&error))?;
    Ok(json)
}

pub(crate) fn pool() -> &'static DescriptorPool {
    static POOL: std::sync::LazyLock<DescriptorPool> = std::sync::LazyLock::new(|| {
        DescriptorPool::decode(ore_wire::DESCRIPTORS).expect("descriptors are made by our own build")
    });
    &POOL
}

/// RFC 9457 problem details.
pub(crate) fn problem(status: &Status) -> Response {
    let code = match status.code() {
        Code::InvalidArgument => StatusCode::BAD_REQUEST,
        Code::NotFound => StatusCode::NOT_FOUND,
        Code::Unauthenticated => StatusCode::UNAUTHORIZED,
        Code::PermissionDenied => StatusCode::FORBIDDEN,
        Code::FailedPrecondition => StatusCode::CONFLICT,
        Code::ResourceExhausted => StatusCode::TOO_MANY_REQUESTS,
        Code::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
        Code::DeadlineExceeded => StatusCode::GATEWAY_TIMEOUT,
        _ => StatusCode::INTERNAL_SERVER_ERROR,
    };
    let body = serde_json::json!({
        "type": "about:blank",
        "title": code.canonical_reason().unwrap_or("error"),
        "status": code.as_u16(),
        "detail": status.message(),
    });
    (code, [(header::CONTENT_TYPE, "application/problem+json")], body.to_string()).into_response()
}
