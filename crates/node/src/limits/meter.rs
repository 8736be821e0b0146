//! A meter of some rate: what was taken, as the time until it is paid off.

use std::time::{Duration, Instant};

/// Paid off at some time; whoever is further ahead than a burst waits.
#[derive(Clone, Copy, Debug)]
pub(super) struct Meter {
    paid_at: Instant,
}

impl Meter {
    /// Nothing was taken.
    pub(super) const fn new(now: Instant) -> Self {
        Self { paid_at: now }
    }

    /// How long to wait until no more than `burst` is owed.
    pub(super) fn wait(&self, now: Instant, burst: Duration) -> Duration {
        self.paid_at.saturating_duration_since(now + burst)
    }

    /// Takes what is paid off in `cost`.
    pub(super) fn spend(&mut self, now: Instant, cost: Duration) {
        // A day bounds what one call can owe.
        self.paid_at = self.paid_at.max(now) + cost.min(Duration::from_secs(86_400));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_owed_is_paid_off_by_time_and_rest_earns_nothing() {
        let start = Instant::now();
        let (mut meter, second) = (Meter::new(start), Duration::from_secs(1));
        meter.spend(start, 3 * second);
        assert_eq!(meter.wait(start, second), 2 * second);
        assert_eq!(meter.wait(start + 2 * second, second), Duration::ZERO);
        let later = start + 100 * second;
        meter.spend(later, 2 * second);
        assert_eq!(meter.wait(later, second), second, "a long rest is no credit");
    }
}
