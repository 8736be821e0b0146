//! The capture gateway: EPCIS 2.0's capture interface on a member's own machine, where its key is.
//!
//! A member's system posts plain EPCIS documents here and knows nothing of keys or records; this process signs
//! with the member's key and hands in to a node. So no node ever holds a member's key, and no system of the
//! member needs to learn to sign. The query interface is here too, passed on from the node. It listens on this machine only, and takes no request that a page in a
//! browser could send by itself: another host name, or a kind of content that needs no leave, is refused.

use std::{path::Path, sync::Arc, time::Duration};

use axum::{
    Router,
    body::Body,
    extract::{Path as Segment, State},
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, Uri, header},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use futures::StreamExt;
use ore_client::Ledger;
use serde_json::{Value, json};
use tokio::{
    io::AsyncWriteExt,
    sync::mpsc::{Receiver, Sender},
};

use super::{
    intake::{Behaviour, Intake, Tally},
    jobs::{self, Jobs, Waiting},
};
use crate::failure::{Failure, Kind};

/// Largest document, in bytes.
pub(crate) const MOST_BYTES: u64 = 1 << 30;
/// Documents that wait.
pub(crate) const MOST_WAITING: usize = 16;
/// How long a job waits before it asks a node again that could not be reached.
const NODE_AGAIN: Duration = Duration::from_secs(2);

/// What the interface and the worker share.
pub(crate) struct Gateway {
    ledger: Arc<Ledger>,
    jobs: Jobs,
    queue: Sender<Waiting>,
}

impl Gateway {
    /// With the jobs that an earlier run left unfinished; they are to be worked on first.
    pub(crate) fn new(
        ledger: Arc<Ledger>,
        folder: &Path,
        queue: Sender<Waiting>,
    ) -> Result<(Arc<Self>, Vec<Waiting>), Failure> {
        let (jobs, unfinished) = Jobs::open(folder)?;
        Ok((Arc::new(Self { ledger, jobs, queue }), unfinished))
    }
}

/// The routes.
pub(crate) fn routes(gateway: Arc<Gateway>) -> Router {
    Router::new()
        .route("/epcis/capture", post(capture).get(list))
        .route("/epcis/capture/{id}", get(one))
        .route("/epcis/events", get(events))
        .with_state(gateway)
}

/// Takes documents in, one after the other, as they were posted.
pub(crate) async fn work(
    gateway: Arc<Gateway>,
    unfinished: Vec<Waiting>,
    mut queue: Receiver<Waiting>,
    mut intake: Intake<'_>,
) -> Result<(), Failure> {
    for job in unfinished {
        one_job(&gateway, &job, &mut intake).await?;
    }
    while let Some(job) = queue.recv().await {
        one_job(&gateway, &job, &mut intake).await?;
    }
    Ok(())
}

/// A node that cannot be reached ends no job: it runs on when the node is back.
async fn one_job(gateway: &Arc<Gateway>, job: &Waiting, intake: &mut Intake<'_>) -> Result<(), Failure> {
    let jobs = &gateway.jobs;
    let path = jobs.document(&job.id, job.behaviour);
    let (tally, trouble) = loop {
        jobs.again(&job.id);
        let told = Arc::clone(gateway);
        match intake.take(&path, job.behaviour, false, &mut |news| told.jobs.note(&job.id, news)).await {
            Ok(tally) => break (tally, None),
            Err(failure) if failure.kind == Kind::Unreachable => tokio::time::sleep(NODE_AGAIN).await,
            Err(failure) => break (Tally::default(), Some(failure)),
        }
    };
    jobs.end(&job.id, &tally, trouble.as_ref())?;
    // The roster may have grown, and a refused statement may be right by now.
    intake.names.directory.forget_lots();
    Ok(())
}

async fn capture(State(gateway): State<Arc<Gateway>>, headers: HeaderMap, body: Body) -> Response {
    if let Some(refused) = from_elsewhere(&headers) {
        return refused;
    }
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let kind = text("content-type").unwrap_or_default().split(';').next().unwrap_or_default().trim();
    if !matches!(kind, "application/json" | "application/ld+json" | "application/xml" | "text/xml") {
        let hint = "send application/ld+json, application/json or application/xml";
        return problem(StatusCode::UNSUPPORTED_MEDIA_TYPE, "UnsupportedMediaTypeException", hint);
    }
    let behaviour = match text("gs1-capture-error-behaviour") {
        None | Some("rollback") => Behaviour::Rollback,
        Some("proceed") => Behaviour::Proceed,
        Some(_) => {
            let hint = "GS1-Capture-Error-Behaviour is rollback or proceed";
            return problem(StatusCode::BAD_REQUEST, "ValidationException", hint);
        }
    };
    let jobs = &gateway.jobs;
    let id = jobs.begin(behaviour);
    if let Err((status, what, detail)) = spool(&jobs.part(&id), &jobs.document(&id, behaviour), body).await {
        jobs.forget(&id);
        return problem(status, what, &detail);
    }
    if gateway.queue.try_send(Waiting { id: id.clone(), behaviour }).is_err() {
        jobs.forget(&id);
        let mut answer = problem(
            StatusCode::TOO_MANY_REQUESTS,
            "CaptureLimitExceededException",
            "documents wait already; send it again later",
        );
        answer.headers_mut().insert(header::RETRY_AFTER, header::HeaderValue::from_static("10"));
        return answer;
    }
    let headers = [
        (header::LOCATION, format!("/epcis/capture/{id}")),
        (header::HeaderName::from_static("gs1-epcis-version"), "2.0.0".to_owned()),
        (header::HeaderName::from_static("gs1-capture-error-behaviour"), jobs::word(behaviour).to_owned()),
        (header::HeaderName::from_static("gs1-epcis-capture-file-size-limit"), MOST_BYTES.to_string()),
    ];
    (StatusCode::ACCEPTED, headers).into_response()
}

/// Writes a body to a file as it comes; durable, under its name, when it returns.
async fn spool(part: &Path, path: &Path, body: Body) -> Result<(), (StatusCode, &'static str, String)> {
    let disk = |e: std::io::Error| {
        (StatusCode::INTERNAL_SERVER_ERROR, "ImplementationException", format!("keep the document: {e}"))
    };
    let mut file = tokio::fs::File::create(part).await.map_err(disk)?;
    let mut parts = body.into_data_stream();
    let mut length = 0_u64;
    while let Some(part) = parts.next().await {
        let part =
            part.map_err(|error| (StatusCode::BAD_REQUEST, "ValidationException", error.to_string()))?;
        length += part.len() as u64;
        if length > MOST_BYTES {
            let detail = format!("a document has at most {MOST_BYTES} bytes; send it in parts");
            return Err((StatusCode::PAYLOAD_TOO_LARGE, "CaptureLimitExceededException", detail));
        }
        file.write_all(&part).await.map_err(disk)?;
    }
    file.flush().await.map_err(disk)?;
    file.sync_data().await.map_err(disk)?;
    tokio::fs::rename(part, path).await.map_err(disk)
}

async fn list(State(gateway): State<Arc<Gateway>>, headers: HeaderMap) -> Response {
    if let Some(refused) = from_elsewhere(&headers) {
        return refused;
    }
    let names = gateway.jobs.names();
    let newest: Vec<Value> =
        names.iter().filter_map(|id| gateway.jobs.look(id)).take(jobs::MOST_LISTED).collect();
    ([(header::CONTENT_TYPE, "application/json")], Value::from(newest).to_string()).into_response()
}

async fn one(
    State(gateway): State<Arc<Gateway>>,
    headers: HeaderMap,
    Segment(id): Segment<String>,
) -> Response {
    if let Some(refused) = from_elsewhere(&headers) {
        return refused;
    }
    match gateway.jobs.look(&id) {
        Some(job) => ([(header::CONTENT_TYPE, "application/json")], job.to_string()).into_response(),
        None => problem(StatusCode::NOT_FOUND, "NoSuchResourceException", "there is no such capture job"),
    }
}

/// The query interface is the node's: its answer is passed on as it comes, asked for in the member's name.
async fn events(State(gateway): State<Arc<Gateway>>, headers: HeaderMap, uri: Uri) -> Response {
    if let Some(refused) = from_elsewhere(&headers) {
        return refused;
    }
    let asked = uri.path_and_query().map_or("/epcis/events", |asked| asked.as_str());
    let page = match gateway.ledger.page(asked).await {
        Ok(page) => page,
        Err(error) => return problem(StatusCode::BAD_GATEWAY, "ImplementationException", &error.to_string()),
    };
    let mut answer = Response::new(Body::from(page.body));
    *answer.status_mut() = StatusCode::from_u16(page.status).unwrap_or(StatusCode::BAD_GATEWAY);
    for (name, value) in page.headers {
        let passed =
            matches!(name.as_str(), "content-type" | "link" | "retry-after") || name.starts_with("gs1-");
        if let (true, Ok(name), Ok(value)) =
            (passed, HeaderName::try_from(name), HeaderValue::try_from(value))
        {
            answer.headers_mut().insert(name, value);
        }
    }
    answer
}

/// A name that leads here from elsewhere is no name of this machine.
fn from_elsewhere(headers: &HeaderMap) -> Option<Response> {
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    let name = host.rsplit_once(':').map_or(host, |(name, _)| name);
    let here = matches!(name, "localhost" | "127.0.0.1" | "[::1]");
    (!here).then(|| {
        problem(StatusCode::FORBIDDEN, "SecurityException", "this gateway answers to this machine only")
    })
}

/// RFC 9457, in the standard's words.
fn problem(status: StatusCode, what: &str, detail: &str) -> Response {
    let body = json!({
        "type": format!("epcisException:{what}"),
        "title": status.canonical_reason().unwrap_or("error"),
        "status": status.as_u16(),
        "detail": detail,
    });
    (status, [(header::CONTENT_TYPE, "application/problem+json")], body.to_string()).into_response()
}
