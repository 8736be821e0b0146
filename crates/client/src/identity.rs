//! Who asks: a member with its key, or whoever holds a token.

use std::{
    fmt,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use ore_record::keys::SecretKey;
use ore_wire::token::{MEMBER_SECONDS, Token};
use tonic::{Request, Status, metadata::MetadataValue, service::Interceptor};

/// A token is made anew when less than this is left of it, so that none expires on its way.
const RENEW_SECONDS: u64 = MEMBER_SECONDS / 2;

/// By what right a client asks.
#[derive(Clone, Default)]
pub enum Identity {
    /// By none: what is public, and what an open ledger shows.
    #[default]
    Nobody,
    /// By a token that somebody made, such as a share link's.
    Token(String),
    /// As a member: tokens are made with its key, one every few minutes. The key stays here.
    Member {
        /// Its id.
        id: String,
        /// Its key.
        key: Box<SecretKey>,
    },
}

impl fmt::Debug for Identity {
    /// Neither keys nor tokens are shown.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Nobody => f.write_str("Nobody"),
            Self::Token(_) => f.write_str("Token(..)"),
            Self::Member { id, .. } => write!(f, "Member({id})"),
        }
    }
}

type Bearer = (MetadataValue<tonic::metadata::Ascii>, u64);

/// Puts the token on every call.
#[derive(Clone, Debug)]
pub(crate) struct Badge {
    identity: Identity,
    origin: Arc<str>,
    made: Arc<Mutex<Option<Bearer>>>,
}

impl Badge {
    pub(crate) fn new(identity: Identity, origin: &str) -> Self {
        Self { identity, origin: origin.into(), made: Arc::default() }
    }

    fn bearer(&self) -> Result<Option<MetadataValue<tonic::metadata::Ascii>>, Status> {
        if matches!(self.identity, Identity::Nobody) {
            return Ok(None);
        }
        let now_s = now_s();
        let mut made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((bearer, until)) = made.as_ref()
            && now_s < *until
        {
            return Ok(Some(bearer.clone()));
        }
        let (text, until) = match &self.identity {
            Identity::Nobody => return Ok(None),
            Identity::Token(text) => (text.clone(), u64::MAX),
            Identity::Member { id, key } => {
                let token = Token::of_member(id, key, &self.origin, now_s);
                (token.sign(key), token.expires_s.saturating_sub(RENEW_SECONDS))
            }
        };
        let bearer = format!("Bearer {text}").parse();
        let bearer: MetadataValue<_> =
            bearer.map_err(|_| Status::unauthenticated("the token holds characters that no token has"))?;
        *made = Some((bearer.clone(), until));
        Ok(Some(bearer))
    }
}

impl Interceptor for Badge {
    fn call(&mut self, mut request: Request<()>) -> Result<Request<()>, Status> {
        if let Some(bearer) = self.bearer()? {
            request.metadata_mut().insert("authorization", bearer);
        }
        Ok(request)
    }
}

/// Seconds since 1970 by this machine's clock.
fn now_s() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO).as_secs()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn call(badge: &mut Badge) -> Option<String> {
        let request = badge.call(Request::new(())).expect("a request");
        let value = request.metadata().get("authorization")?;
        Some(value.to_str().expect("ASCII").to_owned())
    }

    #[test]
    fn a_member_asks_with_one_token_for_minutes_and_nobody_with_none() {
        let key = Box::new(SecretKey::from_seed(&[3; 32]));
        let identity = Identity::Member { id: "refiner-a".into(), key };
        assert_eq!(format!("{identity:?}"), "Member(refiner-a)");
        let mut badge = Badge::new(identity, "ledger.example/ta");
        let first = call(&mut badge).expect("a token");
        assert_eq!(call(&mut badge), Some(first.clone()));
        let text = first.strip_prefix("Bearer ").expect("a bearer token");
        let token = Token::read(text, "ledger.example/ta", now_s()).expect("a valid token");
        assert_eq!(token.issuer, "refiner-a");
        assert_eq!(call(&mut Badge::new(Identity::Nobody, "ledger.example/ta")), None);
    }
}
