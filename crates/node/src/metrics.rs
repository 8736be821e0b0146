//! Metrics: one struct, each with its unit, written in Prometheus' text format.

use std::{
    fmt::Write,
    sync::atomic::{AtomicU64, Ordering},
};

/// A number that is counted up, or set.
#[derive(Debug, Default)]
pub struct Number(AtomicU64);

impl Number {
    /// Counts up.
    pub fn add(&self, more: u64) {
        self.0.fetch_add(more, Ordering::Relaxed);
    }

    /// Sets.
    pub fn set(&self, value: u64) {
        self.0.store(value, Ordering::Relaxed);
    }

    /// Reads.
    #[must_use]
    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// Calls that were refused before any service saw them, by reason.
#[derive(Debug, Default)]
pub struct Refused {
    /// Nobody is known to ask.
    pub unknown: Number,
    /// Who asks may not.
    pub denied: Number,
    /// Who asks takes more than its share.
    pub too_much: Number,
}

impl Refused {
    /// Counts one.
    pub fn count(&self, code: tonic::Code) {
        match code {
            tonic::Code::Unauthenticated => self.unknown.add(1),
            tonic::Code::PermissionDenied => self.denied.add(1),
            _ => self.too_much.add(1),
        }
    }
}

/// Everything that this node counts. Stages: verified, sequenced, integrated, published.
#[derive(Debug, Default)]
pub struct Metrics {
    /// Records whose signatures were checked.
    pub verified: Number,
    /// Records that got a leaf.
    pub sequenced: Number,
    /// Records that the rules refused.
    pub rejected: Number,
    /// Records that are no records, or whose signature does not verify.
    pub malformed: Number,
    /// Submissions refused because the queue was full.
    pub queue_full: Number,
    /// Blocks made durable.
    pub blocks: Number,
    /// Entries that are durable.
    pub integrated_entries: Number,
    /// Entries under the newest checkpoint.
    pub published_entries: Number,
    /// Time spent applying records, microseconds.
    pub apply_us: Number,
    /// Time spent making blocks durable, microseconds.
    pub append_us: Number,
    /// Provenance questions answered.
    pub questions: Number,
    /// Calls refused by the access layer.
    pub refused_calls: Refused,
}

impl Metrics {
    /// The text that Prometheus reads.
    #[must_use]
    pub fn text(&self, waiting: usize, condition: &str) -> String {
        let mut text = String::with_capacity(2048);
        let mut line = |name: &str, kind: &str, help: &str, value: u64| {
            // Writing to a String cannot fail.
            let _ = write!(
                text,
                "# HELP ledger_{name} {help}\n# TYPE ledger_{name} {kind}\nledger_{name} {value}\n"
            );
        };
        let c = "counter";
        line("verified_records_total", c, "Records whose signatures were checked.", self.verified.get());
        line("sequenced_records_total", c, "Records that got a leaf.", self.sequenced.get());
        line("rejected_records_total", c, "Records that the rules refused.", self.rejected.get());
        line("malformed_records_total", c, "Submissions that are no records.", self.malformed.get());
        line("queue_full_total", c, "Submissions refused for lack of room.", self.queue_full.get());
        line("blocks_total", c, "Blocks made durable by this process.", self.blocks.get());
        line("apply_microseconds_total", c, "Time spent applying records.", self.apply_us.get());
        line("append_microseconds_total", c, "Time spent making blocks durable.", self.append_us.get());
        line("questions_total", c, "Provenance questions answered.", self.questions.get());
        line("integrated_entries", "gauge", "Entries that are durable.", self.integrated_entries.get());
        line(
            "published_entries",
            "gauge",
            "Entries under the newest checkpoint.",
            self.published_entries.get(),
        );
        line("waiting_records", "gauge", "Records that wait for a block.", waiting as u64);
        let _ = write!(
            text,
            "# HELP ledger_condition The node's condition.\n# TYPE ledger_condition gauge\nledger_condition{{state=\"{condition}\"}} 1\n"
        );
        text
    }
}
