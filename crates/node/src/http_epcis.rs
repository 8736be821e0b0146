//! EPCIS 2.0 on the members' port: what the ledger knows, as events, page by page.
//!
//! There is no capture here, because a node holds no member's key and signs for nobody: a member's system
//! captures at the gateway on its own machine (`oreledger capture`), which signs there and hands in here.

use std::sync::Arc;

use axum::{
    extract::{Query as Parameters, State},
    http::{HeaderMap, HeaderValue, StatusCode, Uri, header},
    response::{IntoResponse, Response},
};
use ore_epcis::{
    Clause, Directory, Instant, Refusal, export,
    json::{Object, Value},
    query::{self, Query},
};
use ore_record::{RecordId, SignedRecord};
use tonic::Status;

use crate::{
    http::problem,
    services::{Api, unreadable},
};

/// Entries that are read at once.
const READ_AHEAD: u64 = 256;
/// Entries that one page looks at; then it ends, full or not, and says where to go on.
const MOST_LOOKED_AT: u64 = 16_384;

/// `GET /epcis/events`: the simple event query in the order of the log.
pub(crate) async fn events(
    State(api): State<Arc<Api>>,
    uri: Uri,
    Parameters(parameters): Parameters<Vec<(String, String)>>,
) -> Response {
    let pairs = parameters.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    let query = match Query::read(pairs) {
        Ok(query) => query,
        Err(refusal) => return bad_query(&refusal),
    };
    let from = match query.next_page_token.as_deref().map(str::parse) {
        None => 0,
        Some(Ok(leaf)) => leaf,
        Some(Err(_)) => {
            let reason = "is no token that a page before gave";
            return bad_query(&Refusal::new(
                "nextPageToken",
                Clause::Query,
                reason,
                "follow the Link header",
            ));
        }
    };
    match page(&api, &query, from).await {
        Ok((events, next)) => written(events, next, &uri, &parameters),
        Err(status) => problem(&status),
    }
}

/// Events from a leaf on, and the leaf at which the next page begins.
async fn page(api: &Api, query: &Query, from: u64) -> Result<(Vec<Object>, Option<u64>), Status> {
    let size = api.ledger.tree_size();
    let end = size.min(from.saturating_add(MOST_LOOKED_AT));
    let directory = Directory::new(&api.ledger.origin);
    let (mut events, mut at) = (Vec::new(), from);
    while at < end {
        let part =
            api.ledger.reader.entries(at..end.min(at + READ_AHEAD)).map_err(|error| unreadable(&error))?;
        if part.is_empty() {
            break;
        }
        for entry in part {
            let leaf = at;
            at += 1;
            let Some(event) = event(api, &entry, leaf, &directory).await? else { continue };
            if query.matches(&event) {
                events.push(event);
                if events.len() == query.per_page {
                    return Ok((events, (at < size).then_some(at)));
                }
            }
        }
        // A long log leaves room for others between two parts.
        tokio::task::yield_now().await;
    }
    Ok((events, (at < size).then_some(at)))
}

/// One entry as an event with the time at which the ledger took it; none if it is about no lot.
async fn event(api: &Api, entry: &[u8], leaf: u64, directory: &Directory) -> Result<Option<Object>, Status> {
    let Ok(record) = SignedRecord::decode(entry) else { return Ok(None) };
    if record.is_seal() {
        return Ok(None);
    }
    let withdrawn = match export::withdrawn_id(record.record()) {
        Some(id) => withdrawn(api, &id).await?,
        None => None,
    };
    let withdrawn = withdrawn.as_ref().map(SignedRecord::record);
    let Some(mut event) = export::record(&record, withdrawn, directory) else { return Ok(None) };
    let reader = &api.ledger.reader;
    let header = reader.height_of(leaf).map(|height| reader.header(height)).transpose();
    let header = header.map_err(|error| unreadable(&error))?.flatten();
    if let Some(time) = header.and_then(|header| i64::try_from(header.time_ms).ok()) {
        event.set("recordTime", Instant::from_ms(time).utc());
    }
    Ok(Some(event))
}

async fn withdrawn(api: &Api, id: &RecordId) -> Result<Option<SignedRecord>, Status> {
    let Some(leaf) = api.ledger.custody.read().await.leaf_of(id) else { return Ok(None) };
    let entry = api.ledger.reader.entry(leaf).map_err(|error| unreadable(&error))?;
    Ok(entry.and_then(|entry| SignedRecord::decode(&entry).ok()))
}

fn written(events: Vec<Object>, next: Option<u64>, uri: &Uri, parameters: &[(String, String)]) -> Response {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    let now = Instant::from_ms(now.map_or(0, |now| i64::try_from(now.as_millis()).unwrap_or(i64::MAX)));
    let mut headers = HeaderMap::new();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/ld+json"));
    headers.insert("gs1-epcis-version", HeaderValue::from_static("2.0.0"));
    headers.insert("gs1-cbv-version", HeaderValue::from_static("2.0.0"));
    if let Some(next) = next {
        let others = parameters.iter().filter(|(name, _)| name != "nextPageToken");
        let mut link = format!("<{}?", uri.path());
        for (name, value) in others {
            link.push_str(&format!("{}={}&", escaped(name), escaped(value)));
        }
        link.push_str(&format!("nextPageToken={next}>; rel=\"next\""));
        headers.extend(HeaderValue::from_str(&link).ok().map(|link| (header::LINK, link)));
    }
    (headers, query::answer(events, now).write()).into_response()
}

/// RFC 3986: what may not stand in a query, escaped.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

/// `/epcis/capture`: not here, and where.
pub(crate) async fn no_capture() -> Response {
    let detail = "a node holds no member's key and signs for nobody: run `oreledger capture` on the machine \
                  that has the key, and post to http://127.0.0.1:8723/epcis/capture there";
    problem_details(StatusCode::METHOD_NOT_ALLOWED, "ImplementationException", "no capture here", detail, "")
}

fn bad_query(refusal: &Refusal) -> Response {
    let (detail, instance) =
        (format!("{refusal}; {}", refusal.hint), format!("epcis:events?{}", escaped(&refusal.path)));
    let title = "a query parameter is wrong";
    problem_details(StatusCode::BAD_REQUEST, "QueryParameterException", title, &detail, &instance)
}

/// Problem details in the standard's words.
fn problem_details(status: StatusCode, what: &str, title: &str, detail: &str, instance: &str) -> Response {
    let mut body = Object::new()
        .with("type", format!("epcisException:{what}"))
        .with("title", title)
        .with("status", Value::Number(status.as_u16().to_string()))
        .with("detail", detail);
    if !instance.is_empty() {
        body.set("instance", instance);
    }
    let headers = [(header::CONTENT_TYPE, "application/problem+json")];
    (status, headers, Value::from(body).write()).into_response()
}
