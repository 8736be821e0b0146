//! Who may ask what: the one place that decides, for gRPC and HTTP alike.
//!
//! Every call of the members' port has a row in [`CALLS`]; a call without a row does not exist for anybody. Who
//! asks is told by a token that a member's key signed, held against the roster as it stands now. A lot is
//! held against its own rule, [`Caller::may_see`], by the service that knows which lot was asked for.

mod caller;
mod calls;
mod roster;

use std::sync::Arc;

use axum::{
    extract::{MatchedPath, Request, State},
    http::{StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use ore_wire::{
    status,
    token::{BadToken, Token},
};
use tonic::Status;

pub(crate) use caller::concerns;
pub use caller::{Caller, Sight};
pub use calls::{CALLS, Call, Needs, call};

use crate::{config::Read, http, ledger::Ledger, sequencer::now_ms};
use roster::Standings;

/// Decides; cheap enough to be asked on every call.
pub struct Access {
    ledger: Arc<Ledger>,
    read: Read,
    standings: Standings,
}

impl Access {
    /// Decides by the roster of this ledger.
    #[must_use]
    pub fn new(ledger: Arc<Ledger>, read: Read) -> Self {
        Self { ledger, read, standings: Standings::default() }
    }

    /// Who asks, if that suffices for the call.
    async fn admit(&self, call: &Call, shown: Option<String>) -> Result<Caller, Status> {
        let caller = match shown {
            Some(text) => self.believe(&text).await?,
            None => Caller::Nobody { reads: self.read == Read::Everybody },
        };
        permit(call, &caller)?;
        Ok(caller)
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
}

fn bad_token(error: BadToken) -> Status {
    let reason = match error {
        BadToken::Expired => "TOKEN_EXPIRED",
        BadToken::Audience => "TOKEN_AUDIENCE",
        _ => "TOKEN",
    };
    status::unknown(reason, &error.to_string())
}

/// What a caller shows: a share link in its path, or a bearer token (RFC 6750).
fn credential(call: &Call, request: &Request) -> Result<Option<String>, Status> {
    if call.needs == Needs::Nothing {
        return Ok(None);
    }
    if let Some(rest) = request.uri().path().strip_prefix(http::SHARE_PATH)
        && call.needs == Needs::Share
    {
        return Ok(rest.split('/').next().map(str::to_owned));
    }
    let mut headers = request.headers().get_all(header::AUTHORIZATION).into_iter();
    let (Some(value), None) = (headers.next(), headers.next()) else {
        let none = request.headers().get(header::AUTHORIZATION).is_none();
        return if none { Ok(None) } else { Err(status::unknown("TOKEN", "more than one authorization")) };
    };
    let (scheme, token) = value.to_str().ok().and_then(|text| text.split_once(' ')).unwrap_or_default();
    if !scheme.eq_ignore_ascii_case("bearer") {
        return Err(status::unknown("TOKEN", "the authorization is no bearer token"));
    }
    Ok(Some(token.trim().to_owned()))
}

/// Whether this caller may make this call at all.
fn permit(call: &Call, caller: &Caller) -> Result<(), Status> {
    let narrow = || {
        let text = "the roles of this member show it its own lots, not the whole ledger";
        Err(status::denied("ROLE", text))
    };
    match (call.needs, caller) {
        (Needs::Nothing | Needs::Signature, _)
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
    let admitted = match credential(call, &request) {
        Ok(shown) => access.admit(call, shown).await,
        Err(status) => Err(status),
    };
    match admitted {
        Ok(caller) => {
            request.extensions_mut().insert(caller);
            next.run(request).await
        }
        Err(status) => refuse(&request, &status),
    }
}

fn is_grpc(request: &Request) -> bool {
    let kind = request.headers().get(header::CONTENT_TYPE);
    kind.is_some_and(|kind| kind.as_bytes().starts_with(b"application/grpc"))
}

/// A refusal, in the words of whoever asks.
fn refuse(request: &Request, status: &Status) -> Response {
    if is_grpc(request) {
        return status.clone().into_http();
    }
    let mut response = http::problem(status);
    if response.status() == StatusCode::UNAUTHORIZED {
        let challenge = header::HeaderValue::from_static("Bearer");
        response.headers_mut().insert(header::WWW_AUTHENTICATE, challenge);
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
