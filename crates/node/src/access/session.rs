//! Sessions of browsers: a token opens one, so that nobody has to paste a token every ten minutes.
//!
//! A session is as good as the key that opened it: the roster is asked about that key each time, so a revoked key
//! ends its sessions within a second. Sessions live in memory: after a restart people sign in again.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use ore_wire::token::Token;

/// Name of the cookie.
pub(crate) const COOKIE: &str = "oreledger_session";
/// Seconds until a session ends by itself: a working day.
pub(crate) const SECONDS: u64 = 12 * 3_600;
/// Sessions at once, and of one member; beyond, the oldest ends.
const MOST: usize = 4_096;
const MOST_OF_ONE: usize = 32;

struct Session {
    token: Arc<Token>,
    ends_s: u64,
}

/// Who is signed in.
#[derive(Default)]
pub(super) struct Sessions(Mutex<HashMap<[u8; 32], Session>>);

impl Sessions {
    fn lock(&self) -> MutexGuard<'_, HashMap<[u8; 32], Session>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Opens a session for whoever showed this token; what is returned is its secret name. `None`: no randomness.
    pub(super) fn open(&self, token: Arc<Token>, now_s: u64) -> Option<String> {
        let mut name = [0; 32];
        getrandom::fill(&mut name).ok()?;
        let mut sessions = self.lock();
        sessions.retain(|_, session| session.ends_s > now_s);
        let own = sessions.values().filter(|session| session.token.issuer == token.issuer).count();
        let (crowded, everybody) = (own >= MOST_OF_ONE, sessions.len() >= MOST);
        if crowded || everybody {
            let rivals = sessions.iter().filter(|(_, it)| everybody || it.token.issuer == token.issuer);
            let oldest = rivals.min_by_key(|(_, it)| it.ends_s).map(|(name, _)| *name);
            oldest.map(|name| sessions.remove(&name));
        }
        sessions.insert(name, Session { token, ends_s: now_s + SECONDS });
        Some(ore_record::RecordId::from_bytes(name).to_string())
    }

    /// The token that opened this session.
    pub(super) fn token(&self, name: &str, now_s: u64) -> Option<Arc<Token>> {
        let name = ore_record::RecordId::from_hex(name)?;
        let sessions = self.lock();
        let session = sessions.get(name.as_bytes()).filter(|session| session.ends_s > now_s)?;
        Some(Arc::clone(&session.token))
    }

    /// Ends a session.
    pub(crate) fn end(&self, name: &str) {
        if let Some(name) = ore_record::RecordId::from_hex(name) {
            self.lock().remove(name.as_bytes());
        }
    }
}

/// The session that a Cookie header names.
pub(crate) fn named(cookies: &str) -> Option<&str> {
    cookie(cookies, COOKIE)
}

/// One cookie of a header.
pub(crate) fn cookie<'a>(cookies: &'a str, name: &str) -> Option<&'a str> {
    cookies.split(';').take(64).find_map(|pair| pair.trim().strip_prefix(name)?.strip_prefix('='))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token(issuer: &str) -> Arc<Token> {
        let key = ore_record::keys::SecretKey::from_seed(&[1; 32]);
        Arc::new(Token::of_member(issuer, &key, "ledger.example/ta", 1_000))
    }

    #[test]
    fn a_session_ends_by_itself_and_when_it_is_ended() {
        let sessions = Sessions::default();
        let name = sessions.open(token("refiner"), 1_000).expect("randomness");
        assert_eq!(sessions.token(&name, 1_001).map(|token| token.issuer.clone()), Some("refiner".into()));
        assert!(sessions.token(&name, 1_000 + SECONDS).is_none());
        sessions.end(&name);
        assert!(sessions.token(&name, 1_001).is_none());
        assert!(sessions.token("not a name", 1_001).is_none());
    }

    #[test]
    fn one_member_cannot_crowd_out_the_others() {
        let sessions = Sessions::default();
        let other = sessions.open(token("smelter"), 999).expect("randomness");
        let first = sessions.open(token("refiner"), 1_000).expect("randomness");
        for _ in 0..MOST_OF_ONE {
            sessions.open(token("refiner"), 1_001).expect("randomness");
        }
        assert!(sessions.token(&first, 1_002).is_none(), "its oldest ended");
        assert!(sessions.token(&other, 1_002).is_some());
    }

    #[test]
    fn a_cookie_is_found_among_others() {
        assert_eq!(cookie("a=1; lang=ja;b=2", "lang"), Some("ja"));
        assert_eq!(cookie("xlang=ja", "lang"), None);
        assert_eq!(cookie("lang", "lang"), None);
    }
}
