//! Who may ask what: the one place that decides, for gRPC and HTTP alike.
//!
//! Every call of the members' port has a row in [`CALLS`]; a call without a row does not exist for anybody. Who
//! asks is told by a token that a member's key signed, held against the roster as it stands now. A lot is
//! held against its own rule, [`Caller::may_see`], by the service that knows which lot was asked for.

mod caller;
mod calls;
mod roster;
mod session;

use std::{
    net::{IpAddr, Ipv4Addr},
    sync::Arc,
    time::Duration,
};

use axum::{
    extract::{MatchedPath, Request, State},
    http::{StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use ore_wire::{
    status::{self, Refusal},
    token::{BadToken, Token},
};
use tonic::Status;

pub(crate) use caller::concerns;
pub use caller::{Caller, Sight};
pub use calls::{CALLS, Call, Needs, call};
pub(crate) use session::cookie;

use crate::{
    config::Read,
    http,
    ledger::Ledger,
    limits::{self, Held, Limits, Payer, Ticket},
    pages,
    port::Peer,
    sequencer::now_ms,
};
use roster::Standings;
use session::Sessions;

/// How much longer a call may take than the node's own work on it: time for its body to arrive.
const GRACE: Duration = Duration::from_secs(5);
/// Calls that a token costs its bearer's address when it does not hold: its check costs the node that much.
const BAD_TOKEN_CALLS: u32 = 10;

/// Decides; cheap enough to be asked on every call.
pub struct Access {
    ledger: Arc<Ledger>,
    read: Read,
    request_timeout: Duration,
    limits: Arc<Limits>,
    standings: Standings,
    sessions: Sessions,
}

impl Access {
    /// Decides by the roster of this ledger; `request_timeout` bounds a call, its request's body included.
    #[must_use]
    pub fn new(ledger: Arc<Ledger>, read: Read, request_timeout: Duration, limits: Arc<Limits>) -> Self {
        let (standings, sessions) = (Standings::default(), Sessions::default());
        Self { ledger, read, request_timeout, limits, standings, sessions }
    }

    /// Who asks, if that suffices for the call, with a place for it.
    async fn admit(&self, call: &Call, shown: Shown, peer: Option<Peer>) -> Result<(Caller, Ticket), Status> {
        let address = peer.map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |peer| peer.address);
        let stranger = || self.limits.account(Payer::address(address));
        let caller = match (shown, peer.and_then(|peer| peer.key)) {
            (Shown::Token(text), _) => {
                // Whoever shows bad tokens all the time is refused before they are looked at.
                if self.standings.known(&text).is_none() {
                    stranger().pay_for_calls(1)?;
                }
                let believed = self.believe(&text).await;
                believed.inspect_err(|_| drop(stranger().pay_for_calls(BAD_TOKEN_CALLS)))?
            }
            (Shown::Session(name), _) => match self.signed_in(&name).await {
                Some(caller) => caller,
                // A session that is over is none: whoever comes with it is shown the way in again.
                None => Caller::Nobody { reads: self.read == Read::Everybody },
            },
            (Shown::Nothing, Some(key)) => self.recognise(key).await?,
            (Shown::Nothing, None) => Caller::Nobody { reads: self.read == Read::Everybody },
        };
        permit(call, &caller)?;
        let account = match &caller {
            Caller::Member { id, .. } => self.limits.account(Payer::Member(Arc::clone(id))),
            Caller::Nobody { .. } | Caller::Share { .. } => stranger(),
        };
        let ticket = self.limits.enter(&account, call.weight)?;
        Ok((caller, ticket))
    }

    /// Reads a token and asks the roster about its key. A token that does not hold is refused, never ignored.
    async fn believe(&self, text: &str) -> Result<Caller, Status> {
        let now_s = now_ms() / 1000;
        let token = match self.standings.known(text) {
            Some(token) => token.check(&self.ledger.origin, now_s).map(|()| token),
            None => Token::read(text, &self.ledger.origin, now_s).map(Arc::new),
        };
        let token = token.map_err(bad_token)?;
        let sight = self.standings.of(&self.ledger, &token).await;
        let sight = sight.ok_or_else(|| {
            let issuer: String = token.issuer.chars().take(64).collect();
            status::unknown("KEY", &format!("the token's key is not, or no longer, a key of member {issuer}"))
        })?;
        self.standings.remember(text, &token);
        Ok(match &token.share {
            None => Caller::Member { id: token.issuer.as_str().into(), sight },
            Some(share) => Caller::Share { issuer: token.issuer.as_str().into(), share: share.clone() },
        })
    }

    /// The member who opened a session, if the key that opened it still holds.
    async fn signed_in(&self, name: &str) -> Option<Caller> {
        let token = self.sessions.token(name, now_ms() / 1000)?;
        let sight = self.standings.of(&self.ledger, &token).await?;
        Some(Caller::Member { id: token.issuer.as_str().into(), sight })
    }

    /// Opens a session for the bearer of a member's token; what is returned is the cookie to be set.
    ///
    /// # Errors
    /// `UNAUTHENTICATED` when the token does not hold, `PERMISSION_DENIED` for a share link's.
    pub(crate) async fn sign_in(&self, text: &str) -> Result<String, Status> {
        match self.believe(text).await? {
            Caller::Member { .. } => {}
            _ => return Err(status::denied("SHARE", "a share link opens its own page, not a session")),
        }
        let token = self.standings.known(text).ok_or_else(|| bad_token(BadToken::Malformed))?;
        let name = self.sessions.open(token, now_ms() / 1000);
        let name = name.ok_or_else(|| Status::internal("the system gives no randomness"))?;
        let (cookie, seconds) = (session::COOKIE, session::SECONDS);
        Ok(format!("{cookie}={name}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Strict"))
    }

    /// Ends the session that these cookies name; what is returned is the cookie to be set.
    pub(crate) fn sign_out(&self, cookies: &str) -> String {
        if let Some(name) = session::named(cookies) {
            self.sessions.end(name);
        }
        format!("{}=; Path=/; Max-Age=0; HttpOnly; SameSite=Strict", session::COOKIE)
    }

    /// The member whose key a client certificate holds.
    async fn recognise(&self, key: [u8; 32]) -> Result<Caller, Status> {
        let found = self.standings.holder(&self.ledger, key).await;
        let (id, sight) = found.ok_or_else(|| {
            status::unknown("KEY", "the key of the client certificate is not, or no longer, a member's")
        })?;
        Ok(Caller::Member { id, sight })
    }
}

fn bad_token(error: BadToken) -> Status {
    let reason = match error {
        BadToken::Expired => "TOKEN_EXPIRED",
        BadToken::Audience => "TOKEN_AUDIENCE",
        _ => "TOKEN",
    };
    status::unknown(reason, &error.to_string())
}

/// What a caller shows, beside its certificate.
enum Shown {
    Nothing,
    Token(String),
    /// The cookie of a browser.
    Session(String),
}

/// Reads what is shown: a share link in the path, or a bearer token (RFC 6750).
fn credential(call: &Call, request: &Request) -> Result<Shown, Status> {
    if call.needs == Needs::Nothing {
        return Ok(Shown::Nothing);
    }
    if let Some(rest) = request.uri().path().strip_prefix(http::SHARE_PATH)
        && call.needs == Needs::Share
    {
        return Ok(Shown::Token(rest.split('/').next().unwrap_or_default().to_owned()));
    }
    let mut headers = request.headers().get_all(header::AUTHORIZATION).into_iter();
    let value = match (headers.next(), headers.next()) {
        (None, _) => return Ok(session_of(request)),
        (Some(value), None) => value,
        (Some(_), Some(_)) => return Err(status::unknown("TOKEN", "more than one authorization")),
    };
    let (scheme, token) = value.to_str().ok().and_then(|text| text.split_once(' ')).unwrap_or_default();
    if !scheme.eq_ignore_ascii_case("bearer") {
        return Err(status::unknown("TOKEN", "the authorization is no bearer token"));
    }
    Ok(Shown::Token(token.trim().to_owned()))
}

/// The session of a browser. Its cookie is never sent by pages of other sites (SameSite=Strict), so what a page of
/// ours reads by script is read as its member too.
fn session_of(request: &Request) -> Shown {
    let cookies = request.headers().get(header::COOKIE).and_then(|value| value.to_str().ok());
    let name = cookies.and_then(session::named);
    name.map_or(Shown::Nothing, |name| Shown::Session(name.to_owned()))
}

/// Whether this caller may make the call of this name: for what is made of answers of several calls.
///
/// # Errors
/// `UNAUTHENTICATED`, `PERMISSION_DENIED`; a call without a row is denied to everybody.
pub(crate) fn may(caller: &Caller, name: &str) -> Result<(), Status> {
    let call = call(name).ok_or_else(|| status::denied("CALL", "there is no such call"))?;
    permit(call, caller)
}

/// Whether this caller may make this call at all.
fn permit(call: &Call, caller: &Caller) -> Result<(), Status> {
    let narrow = || {
        let text = "the roles of this member show it its own lots, not the whole ledger";
        Err(status::denied("ROLE", text))
    };
    match (call.needs, caller) {
        (Needs::Nothing | Needs::Signature | Needs::Page, _)
        | (_, Caller::Nobody { reads: true })
        | (Needs::Share | Needs::LotOrShare, Caller::Share { .. })
        | (Needs::Member | Needs::Lot | Needs::LotOrShare, Caller::Member { .. })
        | (Needs::Sight, Caller::Member { sight: Sight::Everything, .. }) => Ok(()),
        (Needs::Sight, Caller::Member { sight: Sight::Own, .. }) => narrow(),
        (Needs::Share, Caller::Member { .. }) => {
            Err(status::denied("SHARE", "this address takes a share link, not a member's token"))
        }
        (_, Caller::Share { .. }) => {
            Err(status::denied("SHARE", "a share link shows one lot and its proof, nothing else"))
        }
        (_, Caller::Nobody { reads: false }) => Err(status::unknown(
            "NO_TOKEN",
            "this ledger is for its members: the call needs a member's token",
        )),
    }
}

/// The layer around every route of the members' port.
pub async fn check(State(access): State<Arc<Access>>, mut request: Request, next: Next) -> Response {
    let matched = request.extensions().get::<MatchedPath>().map(MatchedPath::as_str);
    let Some(call) = call(request.uri().path()).or_else(|| matched.and_then(call)) else {
        return no_such_call(&request);
    };
    let peer = request.extensions().get::<Peer>().copied();
    // A certificate is not looked at where nothing is needed, as a token is not.
    let peer = peer.map(|peer| Peer { key: peer.key.filter(|_| call.needs != Needs::Nothing), ..peer });
    let admitted = match credential(call, &request) {
        Ok(shown) => access.admit(call, shown, peer).await,
        Err(status) => Err(status),
    };
    let (caller, ticket) = match admitted {
        Ok(admitted) => admitted,
        Err(status) => {
            access.ledger.metrics.refused_calls.count(status.code());
            return refuse(&request, &status);
        }
    };
    request.extensions_mut().insert(caller);
    if call.needs == Needs::Page {
        request.extensions_mut().insert(Arc::clone(&access));
    }
    let account = Arc::clone(&ticket.account);
    let (grpc, limit) = (is_grpc(&request), access.request_timeout + GRACE);
    let request = request.map(|body| Held::request(body, Arc::clone(&account)));
    // A body that never comes ends here; a stream's answer is there at once, and lasts.
    match tokio::time::timeout(limit, limits::on_account(account, next.run(request))).await {
        Ok(response) => response.map(|body| Held::response(body, ticket)),
        Err(_) => answer_in(grpc, &Status::deadline_exceeded("the request did not come to its end in time")),
    }
}

fn is_grpc(request: &Request) -> bool {
    let kind = request.headers().get(header::CONTENT_TYPE);
    kind.is_some_and(|kind| kind.as_bytes().starts_with(b"application/grpc"))
}

/// A refusal, in the words of whoever asks.
fn refuse(request: &Request, status: &Status) -> Response {
    if !is_grpc(request) && pages::wants_page(request.headers()) {
        return pages::refusal(request, status);
    }
    answer_in(is_grpc(request), status)
}

fn answer_in(grpc: bool, status: &Status) -> Response {
    if grpc {
        return status.clone().into_http();
    }
    let mut response = http::problem(status);
    if response.status() == StatusCode::UNAUTHORIZED {
        let challenge = header::HeaderValue::from_static("Bearer");
        response.headers_mut().insert(header::WWW_AUTHENTICATE, challenge);
    }
    if let Refusal::Later { after, .. } = status::refusal(status) {
        // Whole seconds, rounded up: RFC 9110 §10.2.3.
        let seconds = after.as_millis().div_ceil(1000).max(1) as u64;
        response.headers_mut().insert(header::RETRY_AFTER, seconds.into());
    }
    response
}

/// A call that is not listed is told so in gRPC's way, everything else in HTTP's.
fn no_such_call(request: &Request) -> Response {
    if is_grpc(request) {
        return Status::unimplemented("no such method").into_http();
    }
    StatusCode::NOT_FOUND.into_response()
}
