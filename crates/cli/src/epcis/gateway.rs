//! The capture gateway: EPCIS 2.0's capture interface on a member's own machine, where its key is.
//!
//! A member's system posts plain EPCIS documents here and knows nothing of keys or records; this process signs
//! with the member's key and hands in to a node. So no node ever holds a member's key, and no system of the
//! member needs to learn to sign. It listens on this machine only, and takes no request that a page in a
//! browser could send by itself: another host name, or a kind of content that needs no leave, is refused.

use std::{
    collections::VecDeque,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

use axum::{
    Router,
    body::Body,
    extract::{Path as Segment, State},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use futures::StreamExt;
use ore_epcis::Instant;
use serde_json::{Value, json};
use tokio::{
    io::AsyncWriteExt,
    sync::mpsc::{Receiver, Sender},
};

use super::intake::{Behaviour, Intake, News, Outcome};
use crate::{failure::Failure, verbs::sign::now_ms};

/// Largest document, in bytes.
pub(crate) const MOST_BYTES: u64 = 1 << 30;
/// Documents that wait.
pub(crate) const MOST_WAITING: usize = 16;
/// Jobs that are remembered.
const MOST_JOBS: usize = 1_000;
/// Errors that a job names.
const MOST_ERRORS: usize = 100;

/// A document on its way in.
#[derive(Clone, Debug)]
struct Job {
    id: String,
    created_ms: u64,
    finished_ms: Option<u64>,
    success: bool,
    behaviour: Behaviour,
    errors: Vec<Value>,
    not_stated: Vec<String>,
    counts: Value,
}

impl Job {
    fn json(&self) -> Value {
        let time = |ms: u64| Instant::from_ms(i64::try_from(ms).unwrap_or(i64::MAX)).utc();
        let mut job = json!({
            "captureID": self.id,
            "createdAt": time(self.created_ms),
            "running": self.finished_ms.is_none(),
            "success": self.success,
            "captureErrorBehaviour": behaviour_word(self.behaviour),
            "errors": self.errors,
            "notStated": self.not_stated,
        });
        if let Some(finished) = self.finished_ms {
            job["finishedAt"] = time(finished).into();
        }
        if let (Some(job), Some(counts)) = (job.as_object_mut(), self.counts.as_object()) {
            job.extend(counts.clone());
        }
        job
    }
}

const fn behaviour_word(behaviour: Behaviour) -> &'static str {
    match behaviour {
        Behaviour::Rollback => "rollback",
        Behaviour::Proceed => "proceed",
    }
}

/// What the interface and the worker share.
pub(crate) struct Gateway {
    folder: PathBuf,
    jobs: Mutex<VecDeque<Job>>,
    queue: Sender<(String, PathBuf, Behaviour)>,
}

impl Gateway {
    pub(crate) fn new(
        folder: &Path,
        queue: Sender<(String, PathBuf, Behaviour)>,
    ) -> Result<Arc<Self>, Failure> {
        std::fs::create_dir_all(folder).map_err(|e| Failure::file("create", folder, &e))?;
        Ok(Arc::new(Self { folder: folder.to_owned(), jobs: Mutex::default(), queue }))
    }

    fn job<T>(&self, id: &str, with: impl FnOnce(&mut Job) -> T) -> Option<T> {
        let mut jobs = self.jobs.lock().unwrap_or_else(PoisonError::into_inner);
        jobs.iter_mut().find(|job| job.id == id).map(with)
    }

    fn open(&self, behaviour: Behaviour) -> String {
        let mut jobs = self.jobs.lock().unwrap_or_else(PoisonError::into_inner);
        let mut created_ms = now_ms();
        // The time is the name; two in one millisecond differ by one.
        while jobs.iter().any(|job| job.id == format!("c{created_ms}")) {
            created_ms += 1;
        }
        let id = format!("c{created_ms}");
        if jobs.len() == MOST_JOBS {
            jobs.pop_front();
        }
        jobs.push_back(Job {
            id: id.clone(),
            created_ms,
            finished_ms: None,
            success: true,
            behaviour,
            errors: Vec::new(),
            not_stated: Vec::new(),
            counts: json!({}),
        });
        id
    }

    fn forget(&self, id: &str) {
        let mut jobs = self.jobs.lock().unwrap_or_else(PoisonError::into_inner);
        jobs.retain(|job| job.id != id);
    }

    fn note(&self, id: &str, news: News) {
        let place = news.event.map_or_else(String::new, |event| format!("/epcisBody/eventList/{event}"));
        self.job(id, |job| match news.outcome {
            Outcome::Recorded { .. } => {}
            Outcome::Lacks(what) => {
                if job.not_stated.len() < MOST_ERRORS {
                    job.not_stated.push(format!("{place}: {what}"));
                }
            }
            Outcome::Refused { field, reason, clause, next } => {
                job.success = false;
                if job.errors.len() < MOST_ERRORS {
                    job.errors.push(json!({
                        "type": "epcisException:ValidationException",
                        "title": if clause.is_empty() { "refused by the ledger" } else { clause.as_str() },
                        "status": 400,
                        "detail": format!("{field}: {reason}; {next}"),
                        "instance": place,
                    }));
                }
            }
        });
    }
}

/// The routes.
pub(crate) fn routes(gateway: Arc<Gateway>) -> Router {
    Router::new()
        .route("/epcis/capture", post(capture).get(list))
        .route("/epcis/capture/{id}", get(one))
        .with_state(gateway)
}

/// Takes documents in, one after the other, as they were posted.
pub(crate) async fn work(
    gateway: Arc<Gateway>,
    mut queue: Receiver<(String, PathBuf, Behaviour)>,
    mut intake: Intake<'_>,
) -> Result<(), Failure> {
    while let Some((id, path, behaviour)) = queue.recv().await {
        let told = Arc::clone(&gateway);
        let taken = intake.take(&path, behaviour, false, &mut |news| told.note(&id, news)).await;
        let (tally, trouble) = match taken {
            Ok(tally) => (tally, None),
            Err(failure) => (Default::default(), Some(failure)),
        };
        gateway.job(&id, |job| {
            job.finished_ms = Some(now_ms());
            job.success &= trouble.is_none() && tally.refused == 0;
            job.counts = json!({
                "events": tally.events, "recorded": tally.recorded, "recordedBefore": tally.before,
                "refused": tally.refused,
            });
            if let Some(trouble) = &trouble {
                let what = "epcisException:ImplementationException";
                let error =
                    json!({ "type": what, "title": trouble.message, "status": 500, "detail": trouble.hint });
                job.errors.push(error);
            }
        });
        // The intake has kept it under its digest.
        let _ = std::fs::remove_file(&path);
        // The roster may have grown, and a refused statement may be right by now.
        intake.names.directory.forget_lots();
    }
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
    let id = gateway.open(behaviour);
    let path = gateway.folder.join(format!("{id}.document"));
    if let Err((status, what, detail)) = spool(&path, body).await {
        gateway.forget(&id);
        let _ = tokio::fs::remove_file(&path).await;
        return problem(status, what, &detail);
    }
    if gateway.queue.try_send((id.clone(), path.clone(), behaviour)).is_err() {
        gateway.forget(&id);
        let _ = tokio::fs::remove_file(&path).await;
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
        (
            header::HeaderName::from_static("gs1-capture-error-behaviour"),
            behaviour_word(behaviour).to_owned(),
        ),
        (header::HeaderName::from_static("gs1-epcis-capture-file-size-limit"), MOST_BYTES.to_string()),
    ];
    (StatusCode::ACCEPTED, headers).into_response()
}

/// Writes a body to a file as it comes.
async fn spool(path: &Path, body: Body) -> Result<(), (StatusCode, &'static str, String)> {
    let disk = |e: std::io::Error| {
        (StatusCode::INTERNAL_SERVER_ERROR, "ImplementationException", format!("keep the document: {e}"))
    };
    let mut file = tokio::fs::File::create(path).await.map_err(disk)?;
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
    file.flush().await.map_err(disk)
}

async fn list(State(gateway): State<Arc<Gateway>>, headers: HeaderMap) -> Response {
    if let Some(refused) = from_elsewhere(&headers) {
        return refused;
    }
    let jobs = gateway.jobs.lock().unwrap_or_else(PoisonError::into_inner);
    let newest: Vec<Value> = jobs.iter().rev().take(MOST_ERRORS).map(Job::json).collect();
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
    match gateway.job(&id, |job| job.json()) {
        Some(job) => ([(header::CONTENT_TYPE, "application/json")], job.to_string()).into_response(),
        None => problem(StatusCode::NOT_FOUND, "NoSuchResourceException", "there is no such capture job"),
    }
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
