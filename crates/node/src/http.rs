//! Plain HTTP on the members' port: C2SP tlog-tiles for other people's tools, JSON for everybody.
//!
//! Tiles are slices of what is stored; anything that is not there is 404. Full tiles never change and say so.

use std::sync::Arc;

use axum::{
    Router,
    extract::{Path, Query, State},
    http::{StatusCode, header},
    response::{IntoResponse, Response},
    routing::get,
};
use ore_merkle::TileResource;
use ore_wire::v1;
use prost_reflect::{DescriptorPool, DynamicMessage, ReflectMessage, SerializeOptions};
use serde::Deserialize;
use tonic::{Code, Status};

use crate::services::{Api, consortium, log, lot, provenance};

/// Kept by caches for a year: a full tile is what it is for ever.
const FOR_EVER: &str = "public, max-age=31536000, immutable";
/// Kept by nobody: a partial tile or a checkpoint is soon replaced.
const SOON_OLD: &str = "no-cache";

/// Routes of the members' port that are not gRPC.
pub fn routes(api: Arc<Api>) -> Router {
    Router::new()
        .route("/checkpoint", get(checkpoint))
        .route("/tile/{*name}", get(tile))
        .route("/v1/info", get(info))
        .route("/v1/lots", get(lots))
        .route("/v1/lots/{member}/{number}", get(one_lot))
        .route("/v1/lots/{member}/{number}/history", get(history))
        .route("/v1/lots/{member}/{number}/trace", get(trace))
        .route("/v1/lots/{member}/{number}/attribute", get(attribute))
        .route("/v1/records/{id}/receipt", get(receipt))
        .with_state(api)
}

async fn checkpoint(State(api): State<Arc<Api>>) -> Response {
    let published = api.ledger.published.borrow().clone();
    if published.checkpoint.is_none() {
        return StatusCode::NOT_FOUND.into_response();
    }
    let headers = [(header::CONTENT_TYPE, "text/plain; charset=utf-8"), (header::CACHE_CONTROL, SOON_OLD)];
    (headers, published.note.to_string()).into_response()
}

async fn tile(State(api): State<Arc<Api>>, Path(name): Path<String>) -> Response {
    let Ok(resource) = format!("tile/{name}").parse::<TileResource>() else {
        return StatusCode::NOT_FOUND.into_response();
    };
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

async fn lots(State(api): State<Arc<Api>>, Query(query): Query<PageQuery>) -> Response {
    let PageQuery { page_size, page_token, custodian } = query;
    let request = v1::ListLotsRequest { page_size, page_token, custodian };
    answer("oreledger.v1.ListLotsResponse", lot::list_lots(&api, request).await)
}

async fn one_lot(State(api): State<Arc<Api>>, Path((member, number)): Path<(String, String)>) -> Response {
    answer("oreledger.v1.GetLotResponse", lot::get_lot(&api, &format!("{member}/{number}")).await)
}

async fn history(
    State(api): State<Arc<Api>>,
    Path((member, number)): Path<(String, String)>,
    Query(query): Query<PageQuery>,
) -> Response {
    let PageQuery { page_size, page_token, .. } = query;
    let request = v1::HistoryRequest { lot: format!("{member}/{number}"), page_size, page_token };
    answer("oreledger.v1.HistoryResponse", lot::history(&api, request).await)
}

/// A question, as a query string asks it. The element is an atomic number.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct ProvenanceQuery {
    element: u32,
    as_of_tree_size: u64,
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
    Path((member, number)): Path<(String, String)>,
    Query(query): Query<ProvenanceQuery>,
) -> Response {
    let request = v1::AttributeRequest {
        lot: format!("{member}/{number}"),
        element: query.element,
        as_of_tree_size: query.as_of_tree_size,
        limits: Some(v1::Limits { depth: query.depth, lots: query.lots, time_ms: 0 }),
    };
    answer("oreledger.v1.AttributeResponse", provenance::attribute(&api, request).await)
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

/// An answer in protobuf's JSON mapping, or problem details.
fn answer(name: &str, answer: Result<impl prost::Message, Status>) -> Response {
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

fn pool() -> &'static DescriptorPool {
    static POOL: std::sync::LazyLock<DescriptorPool> = std::sync::LazyLock::new(|| {
        DescriptorPool::decode(ore_wire::DESCRIPTORS).expect("descriptors are made by our own build")
    });
    &POOL
}

/// RFC 9457 problem details.
fn problem(status: &Status) -> Response {
    let code = match status.code() {
        Code::InvalidArgument => StatusCode::BAD_REQUEST,
        Code::NotFound => StatusCode::NOT_FOUND,
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
