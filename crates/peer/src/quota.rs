//! What one peer may send within a second. Above it, it is read more slowly: nothing is lost, the peer's
//! own sending waits, and nobody else's does.

use std::time::{Duration, Instant};

use crate::limits::Quota;

/// Fills up at its quota, holds one second's worth.
#[derive(Debug)]
pub(crate) struct Bucket {
    quota: Quota,
    since: Instant,
    messages: f64,
    parts: f64,
    bytes: f64,
}

impl Bucket {
    pub(crate) fn new(quota: Quota, now: Instant) -> Self {
        let (messages, parts, bytes) = (quota.messages.into(), quota.parts.into(), quota.bytes.into());
        Self { quota, since: now, messages, parts, bytes }
    }

    /// Takes a part of so many bytes; says how long to wait before the next is read.
    pub(crate) fn take_part(&mut self, now: Instant, bytes: usize) -> Duration {
        self.fill(now);
        self.parts -= 1.0;
        self.bytes -= bytes as f64;
        self.debt()
    }

    /// Takes a whole message.
    pub(crate) fn take_message(&mut self) -> Duration {
        self.messages -= 1.0;
        self.debt()
    }

    fn fill(&mut self, now: Instant) {
        let passed = now.saturating_duration_since(self.since).as_secs_f64();
        self.since = now;
        let fill = |have: &mut f64, quota: u32| *have = (*have + passed * f64::from(quota)).min(quota.into());
        fill(&mut self.messages, self.quota.messages);
        fill(&mut self.parts, self.quota.parts);
        fill(&mut self.bytes, self.quota.bytes);
    }

    fn debt(&self) -> Duration {
        let owed = |have: f64, quota: u32| (-have / f64::from(quota.max(1))).max(0.0);
        let seconds = owed(self.messages, self.quota.messages)
            .max(owed(self.parts, self.quota.parts))
            .max(owed(self.bytes, self.quota.bytes));
        Duration::from_secs_f64(seconds)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_is_free_and_what_is_above_it_is_waited_for() {
        let begin = Instant::now();
        let mut bucket = Bucket::new(Quota { messages: 10, parts: 100, bytes: 1_000 }, begin);
        assert_eq!(bucket.take_part(begin, 1_000), Duration::ZERO);
        assert_eq!(bucket.take_part(begin, 500), Duration::from_millis(500));
        assert_eq!(bucket.take_part(begin + Duration::from_millis(500), 0), Duration::ZERO);
        (0..10).for_each(|_| assert_eq!(bucket.take_message(), Duration::ZERO));
        assert_eq!(bucket.take_message(), Duration::from_millis(100));
    }
}
