//! What one caller may take: calls at once, calls and bytes a second, computation, room in the queue.
//!
//! Whoever takes more is slowed down or told when to come back; nobody else notices. A member is one caller
//! wherever it comes from; callers without a token are told apart by address, and share half of the node.

mod fair;
mod held;
mod meter;

use std::{
    collections::HashMap,
    net::{IpAddr, Ipv6Addr},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use ore_wire::status;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tonic::Status;

pub use fair::{Fair, Turn};
pub(crate) use held::Held;
use meter::Meter;

/// Callers that are remembered; beyond, those who take nothing now are forgotten.
const MOST_ACCOUNTS: usize = 16_384;
/// How far a caller may run ahead of its rates.
const BURST: Duration = Duration::from_secs(1);
/// Bytes that a submission costs its sender which is no record, or not its author's: its check costs the node more
/// than its transport.
pub const BAD_RECORD_BYTES: u64 = 64 << 10;
/// Bytes of records that take as much of the queue as one record.
const RECORD_BYTES: usize = 2 << 10;
/// A caller's part of the queue: one in eight records that may wait.
const QUEUE_SHARE: usize = 8;
/// Whoever waits for calls of its own to end asks again after this.
const RETRY: Duration = Duration::from_millis(100);

/// What one caller may take. From the configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Allowance {
    /// Calls at once, of everybody together.
    pub total_calls: u32,
    /// Calls at once.
    pub calls: u32,
    /// Calls a second.
    pub calls_s: u32,
    /// Bytes a second, both ways.
    pub bytes_s: u64,
    /// Milliseconds of computation a second.
    pub query_ms: u32,
    /// Records that may wait to be sequenced, of everybody together.
    pub pool_records: usize,
}

/// Who pays for a call.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Payer {
    /// A member.
    Member(Arc<str>),
    /// Whoever is at an address; of IPv6, on a network of 64 bits, which is what one customer is given.
    Address(IpAddr),
}

impl Payer {
    /// Somebody who shows no token.
    #[must_use]
    pub fn address(address: IpAddr) -> Self {
        match address {
            IpAddr::V6(address) if address.to_ipv4_mapped().is_none() => {
                let network = u128::from(address) >> 64 << 64;
                Self::Address(Ipv6Addr::from(network).into())
            }
            address => Self::Address(address.to_canonical()),
        }
    }
}

/// Everybody's accounts.
pub struct Limits {
    allowance: Allowance,
    accounts: Mutex<HashMap<Payer, Arc<Account>>>,
    used: Mutex<Used>,
    next: AtomicU64,
}

#[derive(Default)]
struct Used {
    all: u32,
    without_token: u32,
}

/// What one caller has taken lately.
pub struct Account {
    /// Which account; no two are alike while the node runs.
    pub id: u64,
    member: bool,
    allowance: Allowance,
    taken: Mutex<Taken>,
    queue: Arc<Semaphore>,
    trial: Arc<Semaphore>,
}

struct Taken {
    units: u32,
    calls: Meter,
    bytes: Meter,
    computation: Meter,
}

/// A call in progress; its place is free again when this is dropped.
pub struct Ticket {
    limits: Arc<Limits>,
    /// Whose.
    pub account: Arc<Account>,
    units: u32,
}

impl Limits {
    /// Nobody has asked yet.
    #[must_use]
    pub fn new(allowance: Allowance) -> Self {
        Self { allowance, accounts: Mutex::default(), used: Mutex::default(), next: AtomicU64::new(0) }
    }

    /// The account of a caller.
    pub fn account(&self, payer: Payer) -> Arc<Account> {
        let mut accounts = lock(&self.accounts);
        if let Some(account) = accounts.get(&payer) {
            return Arc::clone(account);
        }
        if accounts.len() >= MOST_ACCOUNTS {
            let now = Instant::now();
            accounts.retain(|_, account| Arc::strong_count(account) > 1 || !account.is_settled(now));
        }
        let member = matches!(payer, Payer::Member(_));
        let id = self.next.fetch_add(1, Ordering::Relaxed);
        let account = Arc::new(Account::new(id, member, self.allowance));
        // So many callers at work at once: the newest are not remembered, the total still binds them.
        if accounts.len() < MOST_ACCOUNTS {
            accounts.insert(payer, Arc::clone(&account));
        }
        account
    }

    /// Takes a place for one call, which weighs as much as `units` ordinary ones.
    ///
    /// # Errors
    /// `RESOURCE_EXHAUSTED` with the time after which to ask again.
    pub fn enter(self: &Arc<Self>, account: &Arc<Account>, units: u32) -> Result<Ticket, Status> {
        account.pay_for_calls(1)?;
        let busy =
            |who: &str| Err(status::overloaded(&format!("{who} has too many calls in progress"), RETRY));
        let mut taken = lock(&account.taken);
        let mut used = lock(&self.used);
        if taken.units + units > self.allowance.calls.max(units) {
            return busy("this caller");
        }
        let total = self.allowance.total_calls;
        let crowd = !account.member && used.without_token + units > (total / 2).max(units);
        if crowd || used.all + units > total.max(units) {
            return busy("this node");
        }
        taken.units += units;
        used.all += units;
        if !account.member {
            used.without_token += units;
        }
        Ok(Ticket { limits: Arc::clone(self), account: Arc::clone(account), units })
    }

    /// Calls in progress, heavy ones counted by their weight.
    #[must_use]
    pub fn in_progress(&self) -> u32 {
        lock(&self.used).all
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        lock(&self.account.taken).units -= self.units;
        let mut used = lock(&self.limits.used);
        used.all -= self.units;
        if !self.account.member {
            used.without_token -= self.units;
        }
    }
}

impl Account {
    fn new(id: u64, member: bool, allowance: Allowance) -> Self {
        let now = Instant::now();
        let meter = Meter::new(now);
        let taken = Taken { units: 0, calls: meter, bytes: meter, computation: meter };
        let queue = (allowance.pool_records / QUEUE_SHARE).clamp(1, Semaphore::MAX_PERMITS);
        Self {
            id,
            member,
            allowance,
            taken: Mutex::new(taken),
            queue: Arc::new(Semaphore::new(queue)),
            trial: Arc::new(Semaphore::new(1)),
        }
    }

    /// For what nobody in particular asked for.
    #[cfg(test)]
    pub(crate) fn of_the_node(allowance: Allowance) -> Arc<Self> {
        Arc::new(Self::new(u64::MAX, true, allowance))
    }

    fn is_settled(&self, now: Instant) -> bool {
        let taken = lock(&self.taken);
        [taken.calls, taken.bytes, taken.computation]
            .iter()
            .all(|meter| meter.wait(now, Duration::ZERO).is_zero())
    }

    /// Pays for calls; more than one where a call is dear.
    ///
    /// # Errors
    /// `RESOURCE_EXHAUSTED`.
    pub fn pay_for_calls(&self, calls: u32) -> Result<(), Status> {
        let (now, mut taken) = (Instant::now(), lock(&self.taken));
        let wait = taken.calls.wait(now, BURST);
        if !wait.is_zero() {
            return Err(status::overloaded("this caller makes more calls a second than it may", wait));
        }
        taken.calls.spend(now, Duration::from_secs(calls.into()) / self.allowance.calls_s);
        Ok(())
    }

    /// Notes bytes that passed. Whoever owes too much waits, by [`Account::bytes_wait`].
    pub fn pay_for_bytes(&self, bytes: u64) {
        let nanos = u128::from(bytes) * 1_000_000_000 / u128::from(self.allowance.bytes_s);
        let cost = Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX));
        lock(&self.taken).bytes.spend(Instant::now(), cost);
    }

    /// How long to wait before the next bytes pass.
    #[must_use]
    pub fn bytes_wait(&self) -> Duration {
        lock(&self.taken).bytes.wait(Instant::now(), BURST)
    }

    /// Notes time spent computing.
    pub fn pay_for_computation(&self, time: Duration) {
        let cost = time.saturating_mul(1000) / self.allowance.query_ms;
        lock(&self.taken).computation.spend(Instant::now(), cost);
    }

    /// Whether this caller may have something computed.
    ///
    /// # Errors
    /// `RESOURCE_EXHAUSTED`.
    pub fn may_compute(&self) -> Result<(), Status> {
        let wait = lock(&self.taken).computation.wait(Instant::now(), BURST);
        if wait.is_zero() {
            return Ok(());
        }
        Err(status::overloaded("this caller has had as much computed as it may for now", wait))
    }

    /// Room of this caller in the queue, at once.
    #[must_use]
    pub fn try_queue(&self, records: usize, bytes: usize) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.queue).try_acquire_many_owned(self.queue_units(records, bytes)).ok()
    }

    /// This caller's place for a trial, if it has none under way.
    #[must_use]
    pub fn try_trial(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.trial).try_acquire_owned().ok()
    }

    /// Room of this caller in the queue, once there is some.
    pub async fn queue(&self, records: usize, bytes: usize) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.queue).acquire_many_owned(self.queue_units(records, bytes)).await.ok()
    }

    fn queue_units(&self, records: usize, bytes: usize) -> u32 {
        // A batch that is larger than the whole share takes all of it.
        let most = (self.allowance.pool_records / QUEUE_SHARE).max(1);
        u32::try_from(records.max(bytes.div_ceil(RECORD_BYTES)).min(most)).unwrap_or(u32::MAX)
    }
}

tokio::task_local! {
    static ACCOUNT: Arc<Account>;
}

/// Runs a call on somebody's account.
pub(crate) async fn on_account<T>(account: Arc<Account>, call: impl Future<Output = T>) -> T {
    ACCOUNT.scope(account, call).await
}

/// The account of the call at hand; none outside of a call.
#[must_use]
pub fn account() -> Option<Arc<Account>> {
    ACCOUNT.try_with(Arc::clone).ok()
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALLOWANCE: Allowance = Allowance {
        total_calls: 16,
        calls: 4,
        calls_s: 1_000,
        bytes_s: 1_000_000,
        query_ms: 100,
        pool_records: 80,
    };

    fn member(limits: &Limits, name: &str) -> Arc<Account> {
        limits.account(Payer::Member(name.into()))
    }

    #[test]
    fn a_caller_has_its_own_places_and_gets_them_back() {
        let limits = Arc::new(Limits::new(ALLOWANCE));
        let greedy = member(&limits, "greedy");
        let held: Vec<_> = (0..4).map(|_| limits.enter(&greedy, 1).expect("a place")).collect();
        assert!(limits.enter(&greedy, 1).is_err());
        assert!(limits.enter(&member(&limits, "other"), 1).is_ok());
        drop(held);
        assert_eq!(limits.in_progress(), 0);
        assert!(limits.enter(&greedy, 4).is_ok());
    }

    #[test]
    fn callers_without_a_token_leave_half_of_the_node_to_members() {
        let limits = Arc::new(Limits::new(ALLOWANCE));
        let crowd: Vec<_> =
            (0..20_u8).map(|last| limits.account(Payer::address([10, 0, 0, last].into()))).collect();
        let held: Vec<_> = crowd.iter().filter_map(|account| limits.enter(account, 1).ok()).collect();
        assert_eq!(held.len(), 8);
        assert!(limits.enter(&member(&limits, "refiner"), 4).is_ok());
    }

    #[test]
    fn rates_and_computation_are_refused_with_a_time_and_come_back() {
        let limits = Arc::new(Limits::new(ALLOWANCE));
        let account = member(&limits, "flood");
        let passed = (0..3_000).filter(|_| account.pay_for_calls(1).is_ok()).count();
        assert!((1_000..1_900).contains(&passed), "{passed} calls in one burst of 1,000 a second");
        let refused = account.pay_for_calls(1).expect_err("over the rate");
        let status::Refusal::Later { after, .. } = status::refusal(&refused) else { panic!("{refused:?}") };
        assert!(after <= Duration::from_millis(2), "{after:?}");
        account.may_compute().expect("nothing was computed");
        account.pay_for_computation(Duration::from_millis(150));
        assert!(account.may_compute().is_err(), "150 ms at 100 ms a second, one second ahead");
        account.pay_for_bytes(3_000_000);
        assert!(account.bytes_wait() > Duration::from_millis(1_500));
    }

    #[test]
    fn an_ipv6_network_is_one_caller() {
        let payer = |text: &str| Payer::address(text.parse().expect("an address"));
        assert_eq!(payer("2001:db8::1"), payer("2001:db8::ffff:1"));
        assert_ne!(payer("2001:db8::1"), payer("2001:db8:0:1::1"));
        assert_eq!(payer("::ffff:10.0.0.1"), payer("10.0.0.1"));
    }

    #[test]
    fn a_callers_part_of_the_queue_is_counted_in_records_and_bytes() {
        let limits = Limits::new(ALLOWANCE);
        let account = member(&limits, "flood");
        let held = account.try_queue(6, 0).expect("ten fit");
        assert!(account.try_queue(5, 0).is_none());
        assert!(account.try_queue(1, 5 * RECORD_BYTES).is_none());
        drop(held);
        assert!(account.try_queue(1_000, 0).is_some(), "a batch takes all of it at most");
    }
}
