//! The origin check: what the trace pattern of a lot says of the origin that was claimed for it.
//!
//! What a question rests on is taken from the auditor's index under the ledger's locks and copied; distributions
//! are fitted and scored without them, off the reactor, a bounded number at once. Every question is written to the
//! node's log of queries before its answer leaves.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, PoisonError},
    time::{SystemTime, UNIX_EPOCH},
};

use bytes::Bytes;
use ore_audit::{Fact, View};
use ore_findings::{library_of, origin_case};
use ore_fingerprint::{
    check::{Lot, Policy},
    ledger,
};
use ore_record::{
    RecordId,
    v1::{Assay, MaterialClass, PublishLibrary, ReferencePart},
};
use ore_wire::{
    fingerprint::{
        self as wire,
        answer::{self, Fitted, Map, Question, Side},
    },
    status,
    v1::{self, fingerprint_service_server::FingerprintService},
};
use prost::Message;
use sha2::{Digest, Sha256};
use tonic::{Request, Response, Status};

use super::{
    Api,
    audit::{Asked, ask},
};
use crate::{
    access::{Caller, Sight},
    query_log::QueryLog,
};

/// Fitted libraries that are kept: the newest asked for.
const KEPT: usize = 4;
/// Versions in one list.
const LISTED: usize = 1_000;
/// Sides of one step: thirteen inputs of a blend.
const MOST_BEFORE: usize = 13;
/// Queries in one answer.
const PAGE_DEFAULT: u32 = 100;
const PAGE_MOST: u32 = 1_000;
/// Milligrams in a kilogram.
const MG: f64 = 1e6;

/// What the service keeps between questions.
#[derive(Debug)]
pub struct FingerprintDesk {
    /// Who asked what.
    pub queries: QueryLog,
    fitted: Mutex<VecDeque<(Vec<u8>, Arc<Fitted>)>>,
}

impl FingerprintDesk {
    /// A desk with this log.
    #[must_use]
    pub const fn new(queries: QueryLog) -> Self {
        Self { queries, fitted: Mutex::new(VecDeque::new()) }
    }

    fn kept(&self, record: &[u8]) -> Option<Arc<Fitted>> {
        let fitted = self.fitted.lock().unwrap_or_else(PoisonError::into_inner);
        fitted.iter().find(|(id, _)| id == record).map(|(_, fitted)| Arc::clone(fitted))
    }

    fn keep(&self, record: &[u8], library: &Arc<Fitted>) {
        let mut fitted = self.fitted.lock().unwrap_or_else(PoisonError::into_inner);
        if fitted.iter().any(|(id, _)| id == record) {
            return;
        }
        if fitted.len() >= KEPT {
            fitted.pop_front();
        }
        fitted.push_back((record.to_vec(), Arc::clone(library)));
    }
}

/// The service.
pub struct Fingerprint(pub Arc<Api>);

#[tonic::async_trait]
impl FingerprintService for Fingerprint {
    async fn check(
        &self,
        request: Request<v1::OriginCheckRequest>,
    ) -> Result<Response<v1::OriginCheckResponse>, Status> {
        let caller = Caller::of(&request);
        self.0.timed(check(&self.0, &caller, request.into_inner())).await.map(Response::new)
    }

    async fn attribute(
        &self,
        request: Request<v1::OriginAttributeRequest>,
    ) -> Result<Response<v1::OriginAttributeResponse>, Status> {
        let caller = Caller::of(&request);
        self.0.timed(attribute(&self.0, &caller, request.into_inner())).await.map(Response::new)
    }

    async fn step(
        &self,
        request: Request<v1::OriginStepRequest>,
    ) -> Result<Response<v1::OriginStepResponse>, Status> {
        let caller = Caller::of(&request);
        self.0.timed(step(&self.0, &caller, request.into_inner())).await.map(Response::new)
    }

    async fn list_libraries(
        &self,
        request: Request<v1::ListLibrariesRequest>,
    ) -> Result<Response<v1::ListLibrariesResponse>, Status> {
        self.0.timed(list_libraries(&self.0, request.into_inner())).await.map(Response::new)
    }

    async fn get_library(
        &self,
        request: Request<v1::GetLibraryRequest>,
    ) -> Result<Response<v1::GetLibraryResponse>, Status> {
        self.0.timed(get_library(&self.0, request.into_inner())).await.map(Response::new)
    }

    async fn list_queries(
        &self,
        request: Request<v1::ListQueriesRequest>,
    ) -> Result<Response<v1::ListQueriesResponse>, Status> {
        let caller = Caller::of(&request);
        self.0.timed(list_queries(&self.0, &caller, request.into_inner())).await.map(Response::new)
    }
}

/// A library as records state it, copied from the index.
struct Published {
    name: v1::LibraryName,
    parts: Vec<ReferencePart>,
}

/// Which library a question names, or what kept it.
enum Named {
    Kept(Arc<Fitted>),
    Published(Published),
}

impl Named {
    /// Of the record at a leaf; the shipped one without a record.
    fn at(api: &Api, asked: &Asked<'_>, leaf: Option<u32>) -> Result<Self, Status> {
        let Some(leaf) = leaf else {
            if let Some(kept) = api.fingerprint.kept(&[]) {
                return Ok(Self::Kept(kept));
            }
            let fitted = Arc::new(Fitted::synthetic());
            api.fingerprint.keep(&[], &fitted);
            return Ok(Self::Kept(fitted));
        };
        let record = asked.record_id(leaf);
        if let Some(kept) = api.fingerprint.kept(&record) {
            return Ok(Self::Kept(kept));
        }
        let Some((library, parts)) = library_of(&asked.view, leaf) else { return Err(no_library()) };
        Ok(Self::Published(Published {
            name: name_of(library, record),
            parts: parts.into_iter().cloned().collect(),
        }))
    }

    /// Fits what was not kept. For a thread that may block.
    fn fitted(self, api: &Api) -> Result<Arc<Fitted>, (v1::LibraryName, String)> {
        match self {
            Self::Kept(fitted) => Ok(fitted),
            Self::Published(Published { name, parts }) => {
                let fitted = Fitted::published(name.clone(), parts.iter())
                    .map_err(|error| (name.clone(), format!("the library cannot be used: {error}")))?;
                let fitted = Arc::new(fitted);
                api.fingerprint.keep(&name.record, &fitted);
                Ok(fitted)
            }
        }
    }
}

fn no_library() -> Status {
    Status::not_found("no record of this id publishes a library")
}

fn name_of(library: &PublishLibrary, record: Bytes) -> v1::LibraryName {
    v1::LibraryName {
        library: library.library.clone(),
        version: library.version,
        record,
        matrix: library.matrix.clone(),
        synthetic: library.synthetic,
    }
}

/// The leaf of a record that publishes a library; none for the shipped one.
fn leaf_of(asked: &Asked<'_>, record: &[u8]) -> Result<Option<u32>, Status> {
    if record.is_empty() {
        return Ok(None);
    }
    let id = RecordId::try_from(record)
        .map_err(|_| status::malformed("library", "a record id of 32 bytes, or nothing"))?;
    let leaf = asked.custody.leaf_of(&id).filter(|leaf| *leaf < asked.view.as_of);
    leaf.and_then(|leaf| u32::try_from(leaf).ok()).map(Some).ok_or_else(no_library)
}

/// The newest assay of a lot that shows a pattern, and what the lot is.
fn newest_pattern(view: &View<'_>, lot: u32) -> Option<(u32, Assay, MaterialClass)> {
    let material = view.lot(lot).map_or(MaterialClass::Unspecified, |lot| lot.material);
    view.timeline(lot).rev().find_map(|(leaf, entry)| match &entry.fact {
        Fact::Assay { lot: of, assay, .. } if *of == lot && ledger::shows_pattern(assay) => {
            Some((leaf, (**assay).clone(), material))
        }
        _ => None,
    })
}

/// What a check rests on.
struct Gathered {
    basis: v1::Basis,
    library: Option<Named>,
    records: Vec<Bytes>,
    lot: Option<Lot>,
    origin: String,
    claims: usize,
    commitment: v1::CommitmentBasis,
    /// Why there is nothing to judge.
    missing: Vec<String>,
}

/// Is the newest pattern of a lot, or a given one, consistent with the claimed origin?
///
/// # Errors
/// `INVALID_ARGUMENT`, `NOT_FOUND`, `PERMISSION_DENIED`.
pub(crate) async fn check(
    api: &Arc<Api>,
    caller: &Caller,
    request: v1::OriginCheckRequest,
) -> Result<v1::OriginCheckResponse, Status> {
    may_ask(api, caller, &request.lot, request.assay.is_some()).await?;
    let query = Query::of("check", caller, &request.lot, &request.encode_to_vec());
    let asked_for = request.clone();
    let gathered = ask(api, request.as_of, None, move |api, asked, _| {
        if asked_for.lot.is_empty() {
            given(api, &asked, &asked_for)
        } else {
            of_lot(api, &asked, &asked_for)
        }
    })
    .await?;
    let policy = Policy { accept_assumed_campaign_covariance: request.accept_assumed_laboratories };
    let pictures = Map::asked(request.pictures, request.embedding);
    let mut answer = compute(api, move |api| {
        let Gathered { library, lot, origin, claims, commitment, missing, .. } = gathered;
        let refused = |reasons: Vec<String>, library: Option<v1::LibraryName>| v1::OriginCheckResponse {
            origin: origin.clone(),
            library,
            claims: claims as u32,
            commitment: commitment.into(),
            result: Some(v1::origin_check_response::Result::NotAssessable(v1::NotAssessable { reasons })),
            ..v1::OriginCheckResponse::default()
        };
        let mut answer = match (library.map(|library| library.fitted(api)), lot) {
            (Some(Ok(fitted)), Some(lot)) => {
                let question = Question { lot: &lot, origin: &origin, commitment, claims, policy, pictures };
                answer::check_lot(&fitted, &question)
            }
            (Some(Err((name, why))), _) => refused(vec![why], Some(name)),
            (library, _) => {
                let name = library.and_then(Result::ok).map(|fitted| fitted.name.clone());
                refused(missing, name)
            }
        };
        answer.basis = Some(gathered.basis);
        answer.records = gathered.records;
        Ok(answer)
    })
    .await?;
    answer.lot = request.lot;
    let assessed = matches!(answer.result, Some(v1::origin_check_response::Result::Assessed(_)));
    query.written(api, answer.library.as_ref(), &answer.origin, assessed)?;
    Ok(answer)
}

/// From the claim, the assay and the library that the claim names.
fn of_lot(api: &Api, asked: &Asked<'_>, request: &v1::OriginCheckRequest) -> Result<Gathered, Status> {
    if !request.library.is_empty() || !request.origin.is_empty() {
        let why = "the claim's record names library and origin; leave them out with a lot";
        return Err(status::malformed("library", why));
    }
    let lot = asked.lot(&request.lot)?;
    let mut gathered = Gathered {
        basis: asked.basis(true),
        library: None,
        records: Vec::new(),
        lot: None,
        origin: String::new(),
        claims: 0,
        commitment: v1::CommitmentBasis::None,
        missing: Vec::new(),
    };
    let Some(found) = origin_case(&asked.view, lot, None) else {
        let claimed = asked.view.timeline(lot).any(|(_, entry)| matches!(entry.fact, Fact::Origin { .. }));
        if !claimed {
            gathered.missing.push("no record claims an origin for the lot".to_owned());
        }
        if newest_pattern(&asked.view, lot).is_none() {
            gathered.missing.push("no assay of the lot shows a trace pattern".to_owned());
        }
        return Ok(gathered);
    };
    let case = found.case();
    gathered.library = Some(Named::at(api, asked, Some(found.library))?);
    gathered.records = [found.claim, found.at, found.library].map(|leaf| asked.record_id(leaf)).to_vec();
    gathered.lot = Some(ledger::lot(case.assay, case.material));
    gathered.origin = case.origin.to_owned();
    gathered.claims = case.claims;
    if case.committed_first {
        gathered.commitment = v1::CommitmentBasis::Ledger;
    }
    Ok(gathered)
}

/// From an assay that was given.
fn given(api: &Api, asked: &Asked<'_>, request: &v1::OriginCheckRequest) -> Result<Gathered, Status> {
    let lot = given_lot(request.assay.as_ref())?;
    if request.origin.is_empty() || request.origin.len() > 96 {
        return Err(status::malformed("origin", "the claimed origin, at most 96 bytes"));
    }
    let leaf = leaf_of(asked, &request.library)?;
    Ok(Gathered {
        basis: asked.basis(true),
        library: Some(Named::at(api, asked, leaf)?),
        records: Vec::new(),
        lot: Some(lot),
        origin: request.origin.clone(),
        claims: 1,
        commitment: if request.committed_first {
            v1::CommitmentBasis::Stated
        } else {
            v1::CommitmentBasis::None
        },
        missing: Vec::new(),
    })
}

fn given_lot(assay: Option<&v1::TraceAssay>) -> Result<Lot, Status> {
    let assay = assay.ok_or_else(|| status::malformed("assay", "name a lot, or give an assay"))?;
    wire::lot(assay).map_err(|bad| status::malformed("assay", &bad.to_string()))
}

/// One of a lot and an assay; the lot is one that the caller may see.
async fn may_ask(api: &Api, caller: &Caller, lot: &str, given: bool) -> Result<(), Status> {
    if lot.is_empty() != given {
        return Err(status::malformed("lot", "name a lot or give an assay, one of the two"));
    }
    if lot.is_empty() {
        return Ok(());
    }
    caller.may_see(&*api.ledger.custody.read().await, lot)
}

/// Computes off the reactor, a bounded number at once, without any lock of the ledger.
async fn compute<T: Send + 'static>(
    api: &Arc<Api>,
    work: impl FnOnce(&Api) -> Result<T, Status> + Send + 'static,
) -> Result<T, Status> {
    let turn = api.turn().await?;
    let api = Arc::clone(api);
    let done = tokio::task::spawn_blocking(move || {
        let _turn = turn;
        work(&api)
    });
    done.await.map_err(|_| Status::internal("the computation failed; the operator's log has more"))?
}

/// Which origins does a pattern resemble?
///
/// # Errors
/// As [`check`].
pub(crate) async fn attribute(
    api: &Arc<Api>,
    caller: &Caller,
    request: v1::OriginAttributeRequest,
) -> Result<v1::OriginAttributeResponse, Status> {
    use v1::origin_attribute_response::Result as Answer;
    may_ask(api, caller, &request.lot, request.assay.is_some()).await?;
    let query = Query::of("attribute", caller, &request.lot, &request.encode_to_vec());
    let asked_for = request.clone();
    let (basis, library, lot) = ask(api, request.as_of, None, move |api, asked, _| {
        let lot = if asked_for.lot.is_empty() {
            Some(given_lot(asked_for.assay.as_ref())?)
        } else {
            let lot = asked.lot(&asked_for.lot)?;
            newest_pattern(&asked.view, lot).map(|(_, assay, material)| ledger::lot(&assay, material))
        };
        let library = Named::at(api, &asked, leaf_of(&asked, &asked_for.library)?)?;
        Ok((asked.basis(true), library, lot))
    })
    .await?;
    let map = Map::asked(request.pictures, request.embedding);
    let mut answer = compute(api, move |api| {
        let refused = |why: String, name| v1::OriginAttributeResponse {
            library: Some(name),
            result: Some(Answer::NotAssessable(v1::NotAssessable { reasons: vec![why] })),
            ..v1::OriginAttributeResponse::default()
        };
        Ok(match (library.fitted(api), lot) {
            (Ok(fitted), Some(lot)) => answer::attribute_lot(&fitted, &lot, map),
            (Ok(fitted), None) => {
                refused("no assay of the lot shows a trace pattern".to_owned(), fitted.name.clone())
            }
            (Err((name, why)), _) => refused(why, name),
        })
    })
    .await?;
    answer.basis = Some(basis);
    answer.lot = request.lot;
    let assessed = matches!(answer.result, Some(Answer::Resembles(_)));
    query.written(api, answer.library.as_ref(), "", assessed)?;
    Ok(answer)
}

/// Are the patterns before and after a step those of one material?
///
/// # Errors
/// As [`check`].
pub(crate) async fn step(
    api: &Arc<Api>,
    caller: &Caller,
    request: v1::OriginStepRequest,
) -> Result<v1::OriginStepResponse, Status> {
    use v1::origin_step_response::Result as Answer;
    if request.before.len() > MOST_BEFORE {
        return Err(status::malformed("before", "at most 13 assays before a step"));
    }
    let after =
        request.after.clone().ok_or_else(|| status::malformed("after", "give the assay after the step"))?;
    for part in request.before.iter().chain([&after]) {
        may_ask(api, caller, &part.lot, part.assay.is_some()).await?;
    }
    let query = Query::of("step", caller, &after.lot, &request.encode_to_vec());
    let kind = request.kind();
    let asked_for = request.clone();
    let (basis, sides, library) = ask(api, request.as_of, None, move |api, asked, _| {
        let sides: Result<Vec<Result<Side, String>>, Status> =
            asked_for.before.iter().chain([&after]).map(|part| side(&asked, part)).collect();
        let library = match kind {
            v1::OriginStepKind::DifferentSamples => {
                Some(Named::at(api, &asked, leaf_of(&asked, &asked_for.library)?)?)
            }
            _ => None,
        };
        Ok((asked.basis(true), sides?, library))
    })
    .await?;
    let mut answer = compute(api, move |api| {
        let refused = |why: String| v1::OriginStepResponse {
            kind: kind.into(),
            result: Some(Answer::NotAssessable(v1::NotAssessable { reasons: vec![why] })),
            ..v1::OriginStepResponse::default()
        };
        let mut sides = match sides.into_iter().collect::<Result<Vec<Side>, String>>() {
            Ok(sides) => sides,
            Err(why) => return Ok(refused(why)),
        };
        let fitted = match library.map(|library| library.fitted(api)).transpose() {
            Ok(fitted) => fitted,
            Err((_, why)) => return Ok(refused(why)),
        };
        let Some(after) = sides.pop() else { return Ok(refused("no assay is given".to_owned())) };
        Ok(answer::step_lots(kind, &sides, &after, fitted.as_ref().map(|fitted| &fitted.library)))
    })
    .await?;
    answer.basis = Some(basis);
    let assessed = matches!(answer.result, Some(Answer::Tested(_) | Answer::Blend(_)));
    query.written(api, None, "", assessed)?;
    Ok(answer)
}

/// One side, or why a lot has none.
fn side(asked: &Asked<'_>, part: &v1::StepPart) -> Result<Result<Side, String>, Status> {
    let stated = |number: f64| number.is_finite() && number >= 0.0;
    if !stated(part.mass_kg) || !stated(part.mass_relative_deviation) {
        return Err(status::malformed(
            "mass_kg",
            "a mass in kilograms and its relative deviation, not below zero",
        ));
    }
    let (mass_rsd, mut mass_kg) = (part.mass_relative_deviation, part.mass_kg);
    if part.lot.is_empty() {
        return Ok(Ok(Side { lot: given_lot(part.assay.as_ref())?, mass_kg, mass_rsd }));
    }
    let lot = asked.lot(&part.lot)?;
    if mass_kg == 0.0 {
        mass_kg = asked.view.lot(lot).map_or(0.0, |lot| lot.dry_mg as f64 / MG);
    }
    let Some((_, assay, material)) = newest_pattern(&asked.view, lot) else {
        return Ok(Err(format!("no assay of {} shows a trace pattern", part.lot)));
    };
    Ok(Ok(Side { lot: ledger::lot(&assay, material), mass_kg, mass_rsd }))
}

/// Published versions, the shipped one first.
///
/// # Errors
/// `INVALID_ARGUMENT`.
pub(crate) async fn list_libraries(
    api: &Arc<Api>,
    request: v1::ListLibrariesRequest,
) -> Result<v1::ListLibrariesResponse, Status> {
    ask(api, request.as_of, None, |_, asked, _| {
        let journal = asked.view.journal;
        let known = journal.libraries().iter().filter(|leaf| asked.view.entry(**leaf).is_some());
        let leaves: Vec<u32> = known.copied().collect();
        let newest = leaves.len().saturating_sub(LISTED);
        let mut libraries = vec![shipped_summary()];
        libraries.extend(leaves[newest..].iter().filter_map(|leaf| summary(&asked, *leaf)));
        Ok(v1::ListLibrariesResponse { basis: Some(asked.basis(newest == 0)), libraries })
    })
    .await
}

fn shipped_summary() -> v1::LibrarySummary {
    let parts = answer::synthetic_parts();
    let (summary, _) = answer::parts_of(parts.iter().map(|part| (part, Vec::new())));
    v1::LibrarySummary { name: Some(answer::synthetic_name()), ..summary }
}

fn summary(asked: &Asked<'_>, leaf: u32) -> Option<v1::LibrarySummary> {
    let (library, parts) = library_of(&asked.view, leaf)?;
    let entry = asked.view.entry(leaf)?;
    let (counted, _) = answer::parts_of(parts.into_iter().map(|part| (part, Vec::new())));
    let word = asked.view.journal.words().find(&library.library);
    let same = word.into_iter().flat_map(|word| asked.view.posted(word)).filter(|(_, entry)| {
        matches!(&entry.fact, Fact::Library { library: other, .. } if other.version == library.version && other.library == library.library)
    });
    Some(v1::LibrarySummary {
        name: Some(name_of(library, asked.record_id(leaf))),
        author: asked.text(entry.author),
        leaf_index: leaf.into(),
        event_time_ms: entry.event_ms,
        forked: same.count() > 1,
        ..counted
    })
}

/// What a version holds.
///
/// # Errors
/// `NOT_FOUND`, `INVALID_ARGUMENT`.
pub(crate) async fn get_library(
    api: &Arc<Api>,
    request: v1::GetLibraryRequest,
) -> Result<v1::GetLibraryResponse, Status> {
    let (mut answer, named) = ask(api, None, None, move |api, asked, _| {
        let leaf = leaf_of(&asked, &request.library)?;
        let basis = Some(asked.basis(true));
        let Some(leaf) = leaf else {
            let parts = answer::synthetic_parts();
            let (_, parts) = answer::parts_of(parts.iter().map(|part| (part, Vec::new())));
            let summary = Some(shipped_summary());
            return Ok((v1::GetLibraryResponse { basis, summary, parts, unusable: String::new() }, None));
        };
        let summary = summary(&asked, leaf).ok_or_else(no_library)?;
        let Some(Fact::Library { parts: leaves, .. }) = asked.view.entry(leaf).map(|entry| &entry.fact)
        else {
            return Err(no_library());
        };
        let journal = asked.view.journal;
        let parts = leaves.iter().filter_map(|leaf| match &journal.entry(*leaf)?.fact {
            Fact::Reference(part) => Some((&**part, asked.record_id(*leaf).to_vec())),
            _ => None,
        });
        let (_, parts) = answer::parts_of(parts);
        let answer = v1::GetLibraryResponse { basis, summary: Some(summary), parts, unusable: String::new() };
        Ok((answer, Some(Named::at(api, &asked, Some(leaf))?)))
    })
    .await?;
    if let Some(named) = named {
        let fit = compute(api, move |api| Ok(named.fitted(api).err())).await?;
        answer.unusable = fit.map_or_else(String::new, |(_, why)| why);
    }
    Ok(answer)
}

/// Who asked what, for whoever sees the whole ledger.
///
/// # Errors
/// `PERMISSION_DENIED`, `INVALID_ARGUMENT`.
pub(crate) async fn list_queries(
    api: &Arc<Api>,
    caller: &Caller,
    request: v1::ListQueriesRequest,
) -> Result<v1::ListQueriesResponse, Status> {
    let sees =
        matches!(caller, Caller::Nobody { reads: true } | Caller::Member { sight: Sight::Everything, .. });
    if !sees {
        return Err(status::denied(
            "ROLE",
            "the log of queries is for members whose roles show the whole ledger",
        ));
    }
    let most = match request.page_size {
        0 => PAGE_DEFAULT,
        size if size <= PAGE_MOST => size,
        _ => return Err(status::malformed("page_size", "at most 1,000")),
    };
    let wanted = |query: &v1::OriginQuery| {
        (request.lot.is_empty() || query.lot == request.lot)
            && (request.member.is_empty() || query.member == request.member)
    };
    let (queries, held, dropped) = api.fingerprint.queries.newest(most as usize, wanted);
    Ok(v1::ListQueriesResponse { queries, held, dropped })
}

/// A question on its way into the log.
struct Query(v1::OriginQuery);

impl Query {
    fn of(question: &str, caller: &Caller, lot: &str, request: &[u8]) -> Self {
        let member = match caller {
            Caller::Member { id, .. } => id.to_string(),
            Caller::Share { issuer, .. } => format!("share link of {issuer}"),
            Caller::Nobody { .. } => "nobody".to_owned(),
        };
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        Self(v1::OriginQuery {
            time_ms: now.map_or(0, |since| u64::try_from(since.as_millis()).unwrap_or(u64::MAX)),
            member,
            question: question.to_owned(),
            lot: short(lot),
            question_sha256: Bytes::copy_from_slice(&Sha256::digest(request)),
            ..v1::OriginQuery::default()
        })
    }

    /// Before the answer leaves.
    fn written(
        self,
        api: &Api,
        library: Option<&v1::LibraryName>,
        origin: &str,
        assessed: bool,
    ) -> Result<(), Status> {
        let library = library.map_or_else(String::new, |name| format!("{} {}", name.library, name.version));
        let outcome = if assessed { "assessed" } else { "not assessable" }.to_owned();
        let query = v1::OriginQuery { library, origin: short(origin), outcome, ..self.0 };
        api.fingerprint.queries.write(query).map_err(|error| {
            tracing::error!(%error, "the log of queries cannot be written");
            Status::internal(
                "the question could not be written down, so it is not answered; the operator has been told",
            )
        })
    }
}

/// Text from outside in a line of the log.
fn short(text: &str) -> String {
    text.chars().take(96).collect()
}
