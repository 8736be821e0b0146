//! Metrics: one struct, each with its unit, written in Prometheus' text format.

mod histogram;

use std::{
    fmt::Write,
    sync::atomic::{AtomicU64, Ordering},
};

pub use histogram::Histogram;

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
    /// Records that other nodes passed on and for which there was no room.
    pub passed_on_dropped: Number,
    /// Blocks made durable.
    pub blocks: Number,
    /// Blocks that a quorum decided and this node took though they name a proposer whose turn it was not.
    pub out_of_turn: Number,
    /// Entries that are durable.
    pub integrated_entries: Number,
    /// Entries under the newest checkpoint.
    pub published_entries: Number,
    /// Version of the rules by which the next block is judged.
    pub rules: Number,
    /// Time to check the signatures of a batch.
    pub verify: Histogram,
    /// Time to apply the records of a block of our own.
    pub apply: Histogram,
    /// Time to make a block durable.
    pub commit: Histogram,
    /// Time from durable to published.
    pub publication: Histogram,
    /// Times that an outside witness did not cosign.
    pub witness_failures: Number,
    /// Checkpoints published without an outside witness's line, its grace being over.
    pub unwitnessed: Number,
    /// Provenance questions begun.
    pub questions: Number,
    /// Those that ended, answered or not.
    pub questions_ended: Number,
    /// Those whose caller had left by then.
    pub questions_left: Number,
    /// Calls refused by the access layer.
    pub refused_calls: Refused,
}

/// What is measured at the moment of asking.
#[derive(Clone, Copy, Debug)]
pub struct Now<'a> {
    /// Records that wait for a block.
    pub waiting: usize,
    /// Records that wait for a parent.
    pub held: usize,
    /// The node's condition.
    pub condition: &'a str,
    /// Height of the newest durable block.
    pub height: u64,
    /// Calls in progress, heavy ones counted by their weight.
    pub calls: u32,
    /// Connections of members that are open.
    pub connections: usize,
    /// Connections that were turned away.
    pub turned_away: u64,
}

impl Metrics {
    /// The text that Prometheus reads.
    #[must_use]
    pub fn text(&self, now: &Now<'_>) -> String {
        let mut text = String::with_capacity(8_192);
        self.records(&mut text);
        self.calls(&mut text, now);
        self.verify.write(&mut text, "verify_seconds", "Time to check the signatures of a batch.");
        self.apply.write(&mut text, "apply_seconds", "Time to apply the records of an own block.");
        self.commit.write(&mut text, "commit_seconds", "Time to make a block durable.");
        self.publication.write(&mut text, "publication_seconds", "Time from durable to published.");
        let Now { condition, height, waiting, held, .. } = now;
        let g = "gauge";
        line(&mut text, "height", g, "Height of the newest durable block.", *height);
        line(&mut text, "integrated_entries", g, "Entries that are durable.", self.integrated_entries.get());
        let published = self.published_entries.get();
        line(&mut text, "published_entries", g, "Entries under the newest checkpoint.", published);
        line(&mut text, "rules_version", g, "Rules by which the next block is judged.", self.rules.get());
        let (failures, without) = (self.witness_failures.get(), self.unwitnessed.get());
        let help = "Times that an outside witness did not cosign.";
        line(&mut text, "witness_failures_total", "counter", help, failures);
        let help = "Checkpoints published without an outside witness, its grace being over.";
        line(&mut text, "unwitnessed_checkpoints_total", "counter", help, without);
        line(&mut text, "waiting_records", g, "Records that wait for a block.", *waiting as u64);
        line(&mut text, "held_records", g, "Records that wait for a parent still on its way.", *held as u64);
        head(&mut text, "condition", g, "The node's condition.");
        let _ = writeln!(text, "ledger_condition{{state=\"{condition}\"}} 1");
        text
    }

    fn records(&self, text: &mut String) {
        let mut count = |name, help, value: &Number| line(text, name, "counter", help, value.get());
        count("verified_records_total", "Records whose signatures were checked.", &self.verified);
        count("sequenced_records_total", "Records that got a leaf.", &self.sequenced);
        count("rejected_records_total", "Records that the rules refused.", &self.rejected);
        count("malformed_records_total", "Submissions that are no records.", &self.malformed);
        count("queue_full_total", "Submissions refused for lack of room.", &self.queue_full);
        let help = "Records that other nodes passed on beyond their allowance.";
        count("passed_on_dropped_records_total", help, &self.passed_on_dropped);
        count("blocks_total", "Blocks made durable by this process.", &self.blocks);
        let help = "Decided blocks that name a proposer whose turn it was not.";
        count("out_of_turn_blocks_total", help, &self.out_of_turn);
        count("questions_total", "Provenance questions begun.", &self.questions);
        count("questions_ended_total", "Provenance questions ended.", &self.questions_ended);
        let help = "Provenance questions whose caller had left when they ended.";
        count("questions_left_total", help, &self.questions_left);
    }

    fn calls(&self, text: &mut String, now: &Now<'_>) {
        head(text, "refused_calls_total", "counter", "Calls that no service saw, by reason.");
        let Refused { unknown, denied, too_much } = &self.refused_calls;
        for (reason, number) in [("unknown", unknown), ("denied", denied), ("too_much", too_much)] {
            // Writing to a String cannot fail.
            let _ = writeln!(text, "ledger_refused_calls_total{{reason=\"{reason}\"}} {}", number.get());
        }
        line(text, "calls", "gauge", "Calls in progress, by weight.", now.calls.into());
        line(text, "connections", "gauge", "Connections of members.", now.connections as u64);
        let help = "Connections of members closed because there were too many.";
        line(text, "connections_refused_total", "counter", help, now.turned_away);
    }
}

fn head(text: &mut String, name: &str, kind: &str, help: &str) {
    // Writing to a String cannot fail.
    let _ = write!(text, "# HELP ledger_{name} {help}\n# TYPE ledger_{name} {kind}\n");
}

fn line(text: &mut String, name: &str, kind: &str, help: &str, value: u64) {
    head(text, name, kind, help);
    let _ = writeln!(text, "ledger_{name} {value}");
}

/// Links to other nodes: lag is the heights that one is behind, by its own word.
pub fn write_links(text: &mut String, links: &ore_peer::Links, height: u64) {
    type Value = fn(&ore_peer::LinkReport) -> u64;
    let each: [(&str, &str, &str, Value); 9] = [
        ("peer_connected", "gauge", "Whether a link to the node is up.", |it| it.connected.into()),
        ("peer_height", "gauge", "Newest height that the node says is durable there.", |it| it.tip),
        ("peer_rules_version", "gauge", "Newest rules that the node says it knows.", |it| {
            it.newest_rules.into()
        }),
        ("peer_received_bytes_total", "counter", "Bytes received from the node.", |it| it.bytes_in),
        ("peer_sent_bytes_total", "counter", "Bytes sent to the node.", |it| it.bytes_out),
        ("peer_dropped_received_total", "counter", "Messages that there was no room for.", |it| {
            it.dropped_in
        }),
        ("peer_dropped_sent_total", "counter", "Messages not read in time.", |it| it.dropped_out),
        ("peer_throttled_total", "counter", "Times that the node exceeded its quota.", |it| it.throttled),
        ("peer_faults_total", "counter", "Links that ended by the node's fault.", |it| it.faults),
    ];
    let reports = links.report();
    for (name, kind, help, value) in each {
        head(text, name, kind, help);
        for report in &reports {
            let _ = writeln!(text, "ledger_{name}{{member=\"{}\"}} {}", report.member, value(report));
        }
    }
    head(text, "peer_lag_heights", "gauge", "Heights that the node is behind this one.");
    for report in &reports {
        let lag = height.saturating_sub(report.tip);
        let _ = writeln!(text, "ledger_peer_lag_heights{{member=\"{}\"}} {lag}", report.member);
    }
    line(text, "peer_refused_total", "counter", "Strangers that were refused.", links.refused());
}
