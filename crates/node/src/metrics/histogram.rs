//! A histogram of times, as Prometheus reads it: counts below fixed bounds, and a sum.

use std::{
    fmt::Write,
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

/// Upper bounds in microseconds: from a batch of a few signatures to a stall.
const BOUNDS_US: [u64; 12] =
    [100, 250, 1_000, 2_500, 5_000, 10_000, 25_000, 100_000, 250_000, 1_000_000, 5_000_000, 20_000_000];

/// Times, counted.
#[derive(Debug, Default)]
pub struct Histogram {
    buckets: [AtomicU64; BOUNDS_US.len() + 1],
    sum_us: AtomicU64,
}

impl Histogram {
    /// Counts one.
    pub fn observe(&self, time: Duration) {
        let us = u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
        let bucket = BOUNDS_US.iter().position(|bound| us <= *bound).unwrap_or(BOUNDS_US.len());
        self.buckets[bucket].fetch_add(1, Ordering::Relaxed);
        self.sum_us.fetch_add(us, Ordering::Relaxed);
    }

    /// All of it, in microseconds.
    #[must_use]
    pub fn sum_us(&self) -> u64 {
        self.sum_us.load(Ordering::Relaxed)
    }

    /// Writes it in seconds, as Prometheus' conventions want.
    pub(super) fn write(&self, text: &mut String, name: &str, help: &str) {
        // Writing to a String cannot fail.
        let _ = write!(text, "# HELP ledger_{name} {help}\n# TYPE ledger_{name} histogram\n");
        let mut count = 0;
        for (bucket, bound) in self.buckets.iter().zip(BOUNDS_US.map(Some).into_iter().chain([None])) {
            count += bucket.load(Ordering::Relaxed);
            let bound = bound.map_or_else(|| "+Inf".to_owned(), |us| (us as f64 / 1e6).to_string());
            let _ = writeln!(text, "ledger_{name}_bucket{{le=\"{bound}\"}} {count}");
        }
        let sum = self.sum_us() as f64 / 1e6;
        let _ = write!(text, "ledger_{name}_sum {sum}\nledger_{name}_count {count}\n");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_time_is_counted_below_every_bound_that_it_keeps() {
        let histogram = Histogram::default();
        for ms in [1, 30, 60_000] {
            histogram.observe(Duration::from_millis(ms));
        }
        let mut text = String::new();
        histogram.write(&mut text, "commit_seconds", "Time.");
        for line in [
            "ledger_commit_seconds_bucket{le=\"0.00025\"} 0",
            "ledger_commit_seconds_bucket{le=\"0.001\"} 1",
            "ledger_commit_seconds_bucket{le=\"0.1\"} 2",
            "ledger_commit_seconds_bucket{le=\"20\"} 2",
            "ledger_commit_seconds_bucket{le=\"+Inf\"} 3",
            "ledger_commit_seconds_sum 60.031",
            "ledger_commit_seconds_count 3",
        ] {
            assert!(text.contains(&format!("{line}\n")), "{line} is not in\n{text}");
        }
    }
}
