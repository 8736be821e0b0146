//! What a node watches about itself while it runs: health, stalls, and whether it publishes in time.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use ore_consensus::{Engine, Stall};
use tonic_health::ServingStatus;

use crate::{
    health::{Condition, Health},
    ledger::{Ledger, Newest, Published},
};

/// Tells the standard health service what the node's own condition is.
pub(super) async fn report_health(health: Arc<Health>, reporter: tonic_health::server::HealthReporter) {
    const READS: [&str; 6] = [
        "oreledger.v1.LotService",
        "oreledger.v1.ProvenanceService",
        "oreledger.v1.AuditService",
        "oreledger.v1.FingerprintService",
        "oreledger.v1.LogService",
        "oreledger.v1.ConsortiumService",
    ];
    let mut changes = health.watch();
    // Until the node is gone.
    loop {
        changes.mark_unchanged();
        let condition = health.condition();
        let serving = |serves| if serves { ServingStatus::Serving } else { ServingStatus::NotServing };
        let (writes, reads) = (condition == Condition::Serving, condition != Condition::Stopping);
        for name in READS {
            reporter.set_service_status(name, serving(reads)).await;
        }
        reporter.set_service_status("oreledger.v1.SubmissionService", serving(writes)).await;
        reporter.set_service_status("", serving(writes)).await;
        if changes.changed().await.is_err() {
            return;
        }
    }
}

/// Says when what is durable is not published in time, and measures how long it takes.
pub(super) async fn watch_publication(ledger: Arc<Ledger>, promised: Duration) {
    let (mut newest, mut published) = (ledger.newest.subscribe(), ledger.published.subscribe());
    // One turn a time that something is durable and not published yet.
    loop {
        let behind = |newest: &Newest| newest.tree_size > ledger.published.borrow().tree_size;
        let Ok(size) = newest.wait_for(behind).await.map(|newest| newest.tree_size) else { return };
        let begin = Instant::now();
        let covered = |published: &Published| published.tree_size >= size;
        if tokio::time::timeout(promised, published.wait_for(covered)).await.is_err() {
            tracing::warn!(size, "not published within the promised time");
            ledger.health.set_unpublished(true);
            if published.wait_for(covered).await.is_err() {
                return;
            }
            tracing::info!(size, "published again");
            ledger.health.set_unpublished(false);
        }
        ledger.metrics.publication.observe(begin.elapsed());
    }
}

/// Says when a height does not advance; the sequencer takes it back with the next block.
pub(super) async fn watch_for_stalls(engine: Engine, health: Arc<Health>, limit: Duration) {
    // One report a stall, then a pause of the same length.
    loop {
        let stall = engine.stalled(limit).await;
        let full = health.condition() == Condition::DiskFull;
        match &stall {
            Stall::NoProgress { .. } if full => {}
            stall => {
                tracing::error!(%stall, "ledger does not advance");
                health.set(Condition::Stalled, &stall.to_string());
            }
        }
        if matches!(stall, Stall::Failed(_)) {
            return;
        }
        tokio::time::sleep(limit).await;
    }
}
