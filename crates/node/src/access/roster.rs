//! What the roster says about a token's key, remembered for a second.
//!
//! The state is locked while a block is under way, so asking it on every call would put reading and writing in
//! one queue. A revoked key therefore opens nothing after at most [`FRESH`].

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use ore_wire::token::Token;

use super::Sight;
use crate::ledger::Ledger;

/// How long an answer of the roster is good.
const FRESH: Duration = Duration::from_secs(1);
/// Tokens, and keys, that are remembered; beyond, all are forgotten and read again.
const MOST: usize = 4_096;

type Key = (Box<str>, [u8; 32]);
type Holder = (Instant, Arc<str>, Sight);

/// What was found lately.
#[derive(Default)]
pub(super) struct Standings {
    tokens: Mutex<HashMap<Box<str>, Arc<Token>>>,
    keys: Mutex<HashMap<Key, (Instant, Sight)>>,
    holders: Mutex<HashMap<[u8; 32], Holder>>,
}

impl Standings {
    /// A token whose signature was checked before.
    pub(super) fn known(&self, text: &str) -> Option<Arc<Token>> {
        lock(&self.tokens).get(text).cloned()
    }

    /// Keeps a token whose signature, and whose key, hold.
    pub(super) fn remember(&self, text: &str, token: &Arc<Token>) {
        let mut tokens = lock(&self.tokens);
        if !tokens.contains_key(text) {
            make_room(&mut tokens);
            tokens.insert(text.into(), Arc::clone(token));
        }
    }

    /// How much the issuer sees, if the key is its own, and not revoked.
    pub(super) async fn of(&self, ledger: &Ledger, token: &Token) -> Option<Sight> {
        let key = (token.issuer.as_str().into(), token.key);
        if let Some((at, sight)) = lock(&self.keys).get(&key)
            && at.elapsed() < FRESH
        {
            return Some(*sight);
        }
        let custody = ledger.custody.read().await;
        let member = custody.member(&token.issuer);
        let sight = member.filter(|member| member.may_sign(&token.key, custody.leaves())).map(Sight::of);
        drop(custody);
        let mut keys = lock(&self.keys);
        match sight {
            Some(sight) => {
                make_room(&mut keys);
                keys.insert(key, (Instant::now(), sight));
            }
            None => drop(keys.remove(&key)),
        }
        sight
    }
}

/// Whose key this is, for certificates: they name nobody that counts.
impl Standings {
    /// The member that the key belongs to, if it is not revoked, and how much that member sees.
    pub(super) async fn holder(&self, ledger: &Ledger, key: [u8; 32]) -> Option<(Arc<str>, Sight)> {
        if let Some((at, id, sight)) = lock(&self.holders).get(&key)
            && at.elapsed() < FRESH
        {
            return Some((Arc::clone(id), *sight));
        }
        let custody = ledger.custody.read().await;
        let leaves = custody.leaves();
        let member = custody.members().find(|member| member.may_sign(&key, leaves));
        let found = member.map(|member| (Arc::<str>::from(member.id()), Sight::of(member)));
        drop(custody);
        let mut holders = lock(&self.holders);
        match &found {
            Some((id, sight)) => {
                make_room(&mut holders);
                holders.insert(key, (Instant::now(), Arc::clone(id), *sight));
            }
            None => drop(holders.remove(&key)),
        }
        found
    }
}

fn make_room<K, V>(map: &mut HashMap<K, V>) {
    if map.len() >= MOST {
        map.clear();
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
