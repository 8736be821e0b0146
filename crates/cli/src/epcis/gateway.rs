//! The capture gateway: EPCIS 2.0's capture interface on a member's own machine, where its key is.
//!
//! A member's system posts plain EPCIS documents here and knows nothing of keys or records; this process signs
//! with the member's key and hands in to a node. So no node ever holds a member's key, and no system of the
//! member needs to learn to sign. The query interface is here too, passed on from the node. It listens on this
//! machine only, and takes no request that a page in a browser could send by itself: another host name, or a kind of
//! content that needs no leave, is refused.

use std::{path::Path, sync::Arc, time::Duration};

use axum::{
    Router,
    body::{Body, Bytes},
    extract::{DefaultBodyLimit, Path as Segment, Request, State, rejection::BytesRejection},
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, Uri, header},
    middleware::{self, Next},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use futures::StreamExt;
use ore_client::{Ledger, MAX_CHECKED_RECORDS};
use serde_json::Value;
use tokio::{
    io::AsyncWriteExt,
    sync::mpsc::{Receiver, Sender},
};

use super::{
    intake::{Behaviour, Intake, Tally},
    jobs::{self, Jobs, Waiting},
    problem::Exception,
    queries::{self, Queries},
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
    queries: Queries,
    queue: Sender<Waiting>,
}

impl Gateway {
    /// Of a home folder, with the jobs that an earlier run left unfinished; they are to be worked on first.
    pub(crate) fn new(
        ledger: Arc<Ledger>,
        home: &Path,
        queue: Sender<Waiting>,
    ) -> Result<(Arc<Self>, Vec<Waiting>), Failure> {
        let (jobs, unfinished) = Jobs::open(&home.join("captures"))?;
        let queries = Queries::at(&home.join("queries"));
        Ok((Arc::new(Self { ledger, jobs, queries, queue }), unfinished))
    }
}

/// The routes.
pub(crate) fn routes(gateway: Arc<Gateway>) -> Router {
    Router::new()
        .route("/epcis/capture", post(capture).get(list).options(options))
        .route("/epcis/capture/{id}", get(one))
        .route("/epcis/events", get(events))
        .route(
            "/epcis/queries",
            post(keep_query).get(queries).layer(DefaultBodyLimit::max(queries::MOST_BYTES)),
        )
        .route("/epcis/queries/{name}", get(query).delete(forget_query))
        .route("/epcis/queries/{name}/events", get(query_events))
        .fallback(no_such_path)
        .method_not_allowed_fallback(no_such_method)
        .layer(middleware::from_fn(from_here))
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
    intake.names.forget();
    Ok(())
}

/// The kind of content that a request says it has; empty if none.
fn kind_of(headers: &HeaderMap) -> &str {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    kind.unwrap_or_default().split(';').next().unwrap_or_default().trim()
}

async fn capture(State(gateway): State<Arc<Gateway>>, headers: HeaderMap, body: Body) -> Response {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let kind = kind_of(&headers);
    if !matches!(kind, "application/json" | "application/ld+json" | "application/xml" | "text/xml") {
        let hint = "send application/ld+json, application/json or application/xml";
        return Exception::UnsupportedMediaType.answer(hint);
    }
    let behaviour = match text("gs1-capture-error-behaviour") {
        None | Some("rollback") => Behaviour::Rollback,
        Some("proceed") => Behaviour::Proceed,
        Some(_) => {
            return Exception::Validation.answer("GS1-Capture-Error-Behaviour is rollback or proceed");
        }
    };
    // A place first: no more documents come in at once than may wait.
    let Ok(place) = gateway.queue.clone().try_reserve_owned() else {
        let status = StatusCode::SERVICE_UNAVAILABLE;
        let detail = "documents wait already; send it again later";
        let mut answer = Exception::Implementation.answer_as(status, detail);
        answer.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("10"));
        return answer;
    };
    let job = Begun::new(&gateway.jobs, behaviour);
    if let Err(refused) = spool(&job, body).await {
        return refused;
    }
    let id = job.id.clone();
    job.kept();
    place.send(Waiting { id: id.clone(), behaviour });
    let (location, behaviour) = (format!("/epcis/capture/{id}"), jobs::word(behaviour).to_owned());
    let headers =
        [(header::LOCATION, location), (HeaderName::from_static("gs1-capture-error-behaviour"), behaviour)];
    (StatusCode::ACCEPTED, limits(), headers).into_response()
}

/// What is taken at once, and which versions of the standards are spoken.
fn limits() -> [(HeaderName, String); 4] {
    [
        (HeaderName::from_static("gs1-epcis-version"), "2.0.0".to_owned()),
        (HeaderName::from_static("gs1-cbv-version"), "2.0.0".to_owned()),
        (HeaderName::from_static("gs1-epcis-capture-limit"), MAX_CHECKED_RECORDS.to_string()),
        (HeaderName::from_static("gs1-epcis-capture-file-size-limit"), MOST_BYTES.to_string()),
    ]
}

/// Discovery, as the standard's interface description has it.
async fn options() -> Response {
    (StatusCode::NO_CONTENT, limits(), [(header::ALLOW, "OPTIONS, POST, GET")]).into_response()
}

/// A job whose document comes in; whoever goes away before it is whole leaves nothing behind.
struct Begun<'a> {
    jobs: &'a Jobs,
    id: String,
    behaviour: Behaviour,
    kept: bool,
}

impl<'a> Begun<'a> {
    fn new(jobs: &'a Jobs, behaviour: Behaviour) -> Self {
        Self { jobs, id: jobs.begin(behaviour), behaviour, kept: false }
    }

    fn kept(mut self) {
        self.kept = true;
    }
}

impl Drop for Begun<'_> {
    fn drop(&mut self) {
        if !self.kept {
            self.jobs.forget(&self.id);
        }
    }
}

/// Writes a body to a file as it comes; durable, under its name, when it returns.
async fn spool(job: &Begun<'_>, body: Body) -> Result<(), Response> {
    let disk = |e: std::io::Error| Exception::Implementation.answer(&format!("keep the document: {e}"));
    let part = job.jobs.part(&job.id);
    let mut file = tokio::fs::File::create(&part).await.map_err(disk)?;
    let mut bytes = body.into_data_stream();
    let mut length = 0_u64;
    while let Some(piece) = bytes.next().await {
        let piece = piece.map_err(|error| Exception::Validation.answer(&error.to_string()))?;
        length += piece.len() as u64;
        if length > MOST_BYTES {
            let detail = format!("a document has at most {MOST_BYTES} bytes; send it in parts");
            return Err((limits(), Exception::CaptureLimit.answer(&detail)).into_response());
        }
        file.write_all(&piece).await.map_err(disk)?;
    }
    file.flush().await.map_err(disk)?;
    file.sync_data().await.map_err(disk)?;
    // At once, so that nobody goes away between this and the job's place in the queue.
    std::fs::rename(&part, job.jobs.document(&job.id, job.behaviour)).map_err(disk)
}

async fn list(State(gateway): State<Arc<Gateway>>) -> Response {
    let names = gateway.jobs.names();
    let newest: Vec<Value> =
        names.iter().filter_map(|id| gateway.jobs.look(id)).take(jobs::MOST_LISTED).collect();
    ([(header::CONTENT_TYPE, "application/json")], Value::from(newest).to_string()).into_response()
}

async fn one(State(gateway): State<Arc<Gateway>>, Segment(id): Segment<String>) -> Response {
    match gateway.jobs.look(&id) {
        Some(job) => ([(header::CONTENT_TYPE, "application/json")], job.to_string()).into_response(),
        None => Exception::NoSuchResource.answer("there is no such capture job"),
    }
}

/// The query interface is the node's: its answer is passed on as it comes, asked for in the member's name.
async fn events(State(gateway): State<Arc<Gateway>>, uri: Uri) -> Response {
    passed_on(&gateway, uri.path_and_query().map_or("/epcis/events", |asked| asked.as_str())).await
}

async fn passed_on(gateway: &Gateway, asked: &str) -> Response {
    let page = match gateway.ledger.page(asked).await {
        Ok(page) => page,
        Err(error) => {
            return Exception::Implementation.answer_as(StatusCode::BAD_GATEWAY, &error.to_string());
        }
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

/// A query, kept by its name.
async fn keep_query(
    State(gateway): State<Arc<Gateway>>,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Response {
    if kind_of(&headers) != "application/json" {
        return Exception::UnsupportedMediaType.answer("send application/json");
    }
    let body = match body {
        Ok(body) => body,
        Err(refused) => return Exception::QueryValidation.answer(&refused.body_text()),
    };
    match gateway.queries.keep(&body) {
        Ok(name) => {
            (StatusCode::CREATED, [(header::LOCATION, format!("/epcis/queries/{name}"))]).into_response()
        }
        Err((what, why)) => what.answer(&why),
    }
}

async fn queries(State(gateway): State<Arc<Gateway>>) -> Response {
    let all = gateway.queries.names();
    let all: Vec<Value> = all.iter().filter_map(|name| gateway.queries.look(name).ok()).collect();
    ([(header::CONTENT_TYPE, "application/json")], Value::from(all).to_string()).into_response()
}

async fn query(State(gateway): State<Arc<Gateway>>, Segment(name): Segment<String>) -> Response {
    match gateway.queries.look(&name) {
        Ok(query) => ([(header::CONTENT_TYPE, "application/json")], query.to_string()).into_response(),
        Err((what, why)) => what.answer(&why),
    }
}

async fn forget_query(State(gateway): State<Arc<Gateway>>, Segment(name): Segment<String>) -> Response {
    match gateway.queries.forget(&name) {
        Ok(()) => StatusCode::NO_CONTENT.into_response(),
        Err((what, why)) => what.answer(&why),
    }
}

async fn query_events(
    State(gateway): State<Arc<Gateway>>,
    Segment(name): Segment<String>,
    uri: Uri,
) -> Response {
    match gateway.queries.address(&name, uri.query().unwrap_or_default()) {
        Ok(asked) => passed_on(&gateway, &asked).await,
        Err((what, why)) => what.answer(&why),
    }
}

/// A name that leads here from elsewhere is no name of this machine.
async fn from_here(request: Request, next: Next) -> Response {
    let host = request.headers().get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    let name = host.rsplit_once(':').map_or(host, |(name, _)| name);
    if matches!(name, "localhost" | "127.0.0.1" | "[::1]") {
        return next.run(request).await;
    }
    Exception::Security.answer("this gateway answers to this machine only")
}

async fn no_such_path() -> Response {
    Exception::NoSuchResource.answer("here are /epcis/capture, /epcis/events and /epcis/queries")
}

async fn no_such_method() -> Response {
    Exception::Implementation
        .answer_as(StatusCode::METHOD_NOT_ALLOWED, "the path takes other methods: see Allow")
}
