//! Pages on the members' port: `ore-web` makes them, this file answers its questions and keeps the sessions.
//!
//! Each question of a page is held against the row of the call that it stands for, with the caller of the page: what
//! somebody may not ask by gRPC stands on no page either.

use std::sync::Arc;

use async_trait::async_trait;
use axum::{
    Extension,
    body::Bytes,
    extract::{Request, State},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use ore_web::{Answer, Asked, Language, Page, Refused, Source, Viewer, query::Query};
use ore_wire::v1::{self, consortium_service_server::ConsortiumService, log_service_server::LogService};
use tonic::{Code, Status};

use crate::{
    access::{Access, Caller, cookie, may},
    http::SHARE_PATH,
    port::Peer,
    services::{Api, audit, consortium, fingerprint, log, lot, provenance},
};

/// Cookie that remembers the language.
const LANGUAGE: &str = "oreledger_language";
/// Entries that a page reads at once.
const MOST_ENTRIES: u64 = 512;

/// A page, for whoever asks.
pub(crate) async fn page(
    State(api): State<Arc<Api>>,
    Extension(caller): Extension<Caller>,
    request: Request,
) -> Response {
    let asked = asked(&caller, &request);
    let source = Asking { api, caller };
    into_response(ore_web::answer(&source, &asked).await)
}

/// The passport that a share link opens; `element` unless the address names another.
pub(crate) async fn share(api: Arc<Api>, caller: Caller, request: Request, element: u32) -> Response {
    let mut asked = asked(&caller, &request);
    if asked.query.get("element").is_none() {
        let with = asked.query.with(&[("element", &element.to_string())]);
        asked.query = Query::read(with.trim_start_matches('?'));
    }
    let source = Asking { api, caller };
    into_response(ore_web::answer(&source, &asked).await)
}

/// Whether an answer is meant for a person: a browser says that it takes HTML.
pub(crate) fn wants_page(headers: &HeaderMap) -> bool {
    let accept = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok());
    accept.is_some_and(|accept| accept.contains("text/html"))
}

/// A refusal by the access layer, as a page.
pub(crate) fn refusal(request: &Request, status: &Status) -> Response {
    let nobody = Caller::Nobody { reads: false };
    let asked = asked(&nobody, request);
    into_response(ore_web::refusal(&asked, &refused(status)))
}

/// Whether the browser's connection is encrypted: by this port, or by a proxy that says so.
fn encrypted(peer: Option<&Peer>, headers: &HeaderMap) -> bool {
    let forwarded = headers.get("x-forwarded-proto").is_some_and(|proto| proto.as_bytes() == b"https");
    forwarded || peer.is_some_and(|peer| peer.tls)
}

/// What the browser says, as far as pages need it.
fn asked(caller: &Caller, request: &Request) -> Asked {
    let (uri, headers) = (request.uri(), request.headers());
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let path = uri.path().to_owned();
    let viewer = match caller {
        Caller::Nobody { reads: false } => Viewer::Stranger,
        Caller::Nobody { reads: true } => Viewer::Everybody,
        Caller::Member { id, .. } => Viewer::Member(id.to_string()),
        Caller::Share { share, .. } => {
            let token = path.strip_prefix(SHARE_PATH).and_then(|rest| rest.split('/').next());
            let link = format!("{SHARE_PATH}{}", token.unwrap_or_default());
            Viewer::Guest { lot: share.lot.clone(), tree_size: share.tree_size, link }
        }
    };
    let host = text(header::HOST);
    let scheme = if encrypted(request.extensions().get(), headers) { "https" } else { "http" };
    Asked {
        path,
        query: Query::read(uri.query().unwrap_or_default()),
        chosen: cookie(text(header::COOKIE), LANGUAGE).and_then(Language::of_tag),
        accepted: text(header::ACCEPT_LANGUAGE).to_owned(),
        viewer,
        here: if host.is_empty() { String::new() } else { format!("{scheme}://{host}") },
    }
}

fn into_response(page: Page) -> Response {
    let status = StatusCode::from_u16(page.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = (status, page.body.into_owned()).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(page.kind));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(page.caching));
    for (name, value) in ore_web::HEADERS {
        headers.insert(name, HeaderValue::from_static(value));
    }
    if let Some(language) = page.choose {
        let tag = language.tag();
        let cookie = format!("{LANGUAGE}={tag}; Path=/; Max-Age=31536000; SameSite=Lax; HttpOnly");
        headers.extend(HeaderValue::try_from(cookie).map(|cookie| (header::SET_COOKIE, cookie)));
    }
    if status == StatusCode::UNAUTHORIZED {
        headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    }
    response
}

/// Opens a session with a token, or ends one.
pub(crate) async fn session(
    Extension(access): Extension<Arc<Access>>,
    peer: Option<Extension<Peer>>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    if !from_here(&headers) {
        return (StatusCode::FORBIDDEN, "this form was sent by a page of another site\n").into_response();
    }
    let form = Query::read(std::str::from_utf8(&body).unwrap_or_default());
    let cookies = headers.get(header::COOKIE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if form.get("end").is_some() {
        let cookie = access.sign_out(cookies);
        return see("/", Some(cookie));
    }
    // People paste what the terminal broke into lines.
    let token: String = form.get("token").unwrap_or_default().split_whitespace().collect();
    match access.sign_in(&token).await {
        Ok(cookie) => {
            // Over TLS the cookie is never sent without it.
            let secure = if encrypted(peer.as_deref(), &headers) { "; Secure" } else { "" };
            see("/", Some(format!("{cookie}{secure}")))
        }
        Err(status) => {
            see(&format!("/session{}", Query::default().with(&[("refused", status.message())])), None)
        }
    }
}

/// Whether a browser sent this form from one of our own pages; what is no browser says nothing about it.
fn from_here(headers: &HeaderMap) -> bool {
    let text = |name: &str| headers.get(name).map(|value| value.to_str().unwrap_or("?"));
    let site = text("sec-fetch-site").is_none_or(|site| site == "same-origin" || site == "none");
    let origin = text("origin").is_none_or(|origin| {
        let host = origin.split_once("://").map(|(_, host)| host);
        host.is_some() && host == text("host")
    });
    site && origin
}

fn see(place: &str, cookie: Option<String>) -> Response {
    let mut response = StatusCode::SEE_OTHER.into_response();
    let headers = response.headers_mut();
    headers.extend(HeaderValue::try_from(place).map(|place| (header::LOCATION, place)));
    let cookie = cookie.and_then(|cookie| HeaderValue::try_from(cookie).ok());
    headers.extend(cookie.map(|cookie| (header::SET_COOKIE, cookie)));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

fn refused(status: &Status) -> Refused {
    let message = status.message().to_owned();
    match status.code() {
        Code::Unauthenticated => Refused::SignIn(message),
        Code::PermissionDenied => Refused::Denied(message),
        Code::NotFound => Refused::NotFound(message),
        Code::InvalidArgument | Code::OutOfRange => Refused::Bad(message),
        Code::Unavailable | Code::ResourceExhausted | Code::DeadlineExceeded => Refused::Later(message),
        _ => Refused::Broken(message),
    }
}

/// The node's services, asked by one caller.
struct Asking {
    api: Arc<Api>,
    caller: Caller,
}

impl Asking {
    /// Whether this caller may ask this call.
    fn may(&self, call: &str) -> Answer<()> {
        may(&self.caller, call).map_err(|status| refused(&status))
    }
}

/// A method that asks one call of one service.
macro_rules! ask {
    ($self:ident, $call:literal, $answer:expr) => {{
        $self.may(concat!("/oreledger.v1.", $call))?;
        $answer.await.map_err(|status| refused(&status))
    }};
}

/// Parts of an answer as one.
fn whole<T, U>(parts: Vec<T>, whole: U, mut add: impl FnMut(U, T) -> U) -> U {
    parts.into_iter().fold(whole, &mut add)
}

#[async_trait]
impl Source for Asking {
    async fn info(&self) -> Answer<v1::GetInfoResponse> {
        ask!(self, "ConsortiumService/GetInfo", consortium::get_info(&self.api))
    }

    async fn checkpoint(&self) -> Answer<v1::GetCheckpointResponse> {
        let log = log::Log(Arc::clone(&self.api));
        let request = tonic::Request::new(v1::GetCheckpointRequest {});
        ask!(self, "LogService/GetCheckpoint", log.get_checkpoint(request)).map(tonic::Response::into_inner)
    }

    async fn validators(&self) -> Answer<v1::GetValidatorsResponse> {
        let consortium = consortium::Consortium(Arc::clone(&self.api));
        let request = tonic::Request::new(v1::GetValidatorsRequest {});
        ask!(self, "ConsortiumService/GetValidators", consortium.get_validators(request))
            .map(tonic::Response::into_inner)
    }

    async fn peers(&self) -> Answer<v1::ListPeersResponse> {
        let consortium = consortium::Consortium(Arc::clone(&self.api));
        let request = tonic::Request::new(v1::ListPeersRequest {});
        ask!(self, "ConsortiumService/ListPeers", consortium.list_peers(request))
            .map(tonic::Response::into_inner)
    }

    async fn members(&self, asked: v1::ListMembersRequest) -> Answer<v1::ListMembersResponse> {
        let consortium = consortium::Consortium(Arc::clone(&self.api));
        ask!(self, "ConsortiumService/ListMembers", consortium.list_members(tonic::Request::new(asked)))
            .map(tonic::Response::into_inner)
    }

    async fn facilities(&self, asked: v1::ListFacilitiesRequest) -> Answer<v1::ListFacilitiesResponse> {
        let consortium = consortium::Consortium(Arc::clone(&self.api));
        ask!(self, "ConsortiumService/ListFacilities", consortium.list_facilities(tonic::Request::new(asked)))
            .map(tonic::Response::into_inner)
    }

    async fn attestations(&self, asked: v1::ListAttestationsRequest) -> Answer<v1::ListAttestationsResponse> {
        let consortium = consortium::Consortium(Arc::clone(&self.api));
        let request = tonic::Request::new(asked);
        ask!(self, "ConsortiumService/ListAttestations", consortium.list_attestations(request))
            .map(tonic::Response::into_inner)
    }

    async fn lot(&self, lot: &str) -> Answer<v1::GetLotResponse> {
        ask!(self, "LotService/GetLot", lot::get_lot(&self.api, &self.caller, lot))
    }

    async fn lots(&self, asked: v1::ListLotsRequest) -> Answer<v1::ListLotsResponse> {
        ask!(self, "LotService/ListLots", lot::list_lots(&self.api, &self.caller, asked))
    }

    async fn search(&self, text: &str, most: usize) -> Answer<(Vec<v1::Lot>, bool)> {
        // Each lot is held against what the caller may see.
        ask!(self, "LotService/ListLots", audit::search(&self.api, &self.caller, text, most))
    }

    async fn history(&self, asked: v1::HistoryRequest) -> Answer<v1::HistoryResponse> {
        ask!(self, "LotService/History", lot::history(&self.api, &self.caller, asked))
    }

    async fn trace_back(&self, asked: v1::TraceBackRequest) -> Answer<v1::TraceBackResponse> {
        let parts = ask!(self, "ProvenanceService/TraceBack", provenance::trace_back(&self.api, asked))?;
        Ok(whole(parts, v1::TraceBackResponse::default(), |mut whole, part| {
            whole.lots.extend(part.lots);
            whole.steps.extend(part.steps);
            whole.sources.extend(part.sources);
            whole.summary = part.summary.or(whole.summary);
            whole
        }))
    }

    async fn trace_forward(&self, asked: v1::TraceForwardRequest) -> Answer<v1::TraceForwardResponse> {
        let parts =
            ask!(self, "ProvenanceService/TraceForward", provenance::trace_forward(&self.api, asked))?;
        Ok(whole(parts, v1::TraceForwardResponse::default(), |mut whole, part| {
            whole.descendants.extend(part.descendants);
            whole.summary = part.summary.or(whole.summary);
            whole
        }))
    }

    async fn attribute(&self, asked: v1::AttributeRequest) -> Answer<v1::AttributeResponse> {
        ask!(self, "ProvenanceService/Attribute", provenance::attribute(&self.api, &self.caller, asked))
    }

    async fn findings(&self, asked: v1::FindingsRequest) -> Answer<v1::FindingsResponse> {
        ask!(self, "AuditService/Findings", crate::http_audit::findings(&self.api, asked))
    }

    async fn mass_balance(&self, asked: v1::MassBalanceRequest) -> Answer<v1::MassBalanceResponse> {
        ask!(self, "AuditService/MassBalance", audit::mass_balance(&self.api, asked))
    }

    async fn circularity(&self, asked: v1::CircularityRequest) -> Answer<v1::CircularityResponse> {
        ask!(self, "AuditService/Circularity", audit::circularity(&self.api, asked))
    }

    async fn dependence(&self, asked: v1::DependenceRequest) -> Answer<v1::DependenceResponse> {
        ask!(self, "AuditService/Dependence", audit::dependence(&self.api, asked))
    }

    async fn custody(&self, asked: v1::ChainOfCustodyRequest) -> Answer<v1::ChainOfCustodyResponse> {
        ask!(self, "AuditService/ChainOfCustody", audit::chain_of_custody(&self.api, asked))
    }

    async fn origin_check(&self, asked: v1::OriginCheckRequest) -> Answer<v1::OriginCheckResponse> {
        ask!(self, "FingerprintService/Check", fingerprint::check(&self.api, &self.caller, asked))
    }

    async fn entries(&self, start: u64, count: u64) -> Answer<Vec<Vec<u8>>> {
        self.may("/oreledger.v1.LogService/ReadEntries")?;
        let end = start.saturating_add(count.min(MOST_ENTRIES));
        let read = self.api.ledger.reader.entries(start..end);
        read.map(|entries| entries.into_iter().map(Vec::from).collect())
            .map_err(|error| refused(&crate::services::unreadable(&error)))
    }

    async fn receipt(&self, record: &[u8; 32]) -> Answer<v1::Receipt> {
        ask!(self, "LogService/GetReceipt", log::receipt(&self.api, record))
    }
}
