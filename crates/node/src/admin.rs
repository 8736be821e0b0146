//! The admin port: is it alive, is it ready, what does it count. Never a record.

use std::sync::Arc;

use axum::{Router, extract::State, http::StatusCode, http::header, response::IntoResponse, routing::get};

use crate::{
    health::Condition,
    ledger::Ledger,
    limits::Limits,
    metrics::{self, Now},
    pool::Pool,
    port::Open,
};

/// What the admin port shows.
pub struct Admin {
    /// The read side.
    pub ledger: Arc<Ledger>,
    /// What waits.
    pub pool: Arc<Pool>,
    /// What callers take.
    pub limits: Arc<Limits>,
    /// Connections of members.
    pub open: Arc<Open>,
    /// Links to other nodes, if it has any.
    pub links: Option<ore_peer::Links>,
}

/// Routes of the admin port.
pub fn routes(admin: Arc<Admin>) -> Router {
    Router::new()
        .route("/healthz", get(async || "ok\n"))
        .route("/readyz", get(ready))
        .route("/metrics", get(counts))
        .with_state(admin)
}

async fn ready(State(admin): State<Arc<Admin>>) -> impl IntoResponse {
    let health = &admin.ledger.health;
    match health.condition() {
        Condition::Serving => (StatusCode::OK, "ready\n".to_owned()),
        condition => {
            let text = format!("{}: {}\n", name(condition), health.note());
            (StatusCode::SERVICE_UNAVAILABLE, text)
        }
    }
}

async fn counts(State(admin): State<Arc<Admin>>) -> impl IntoResponse {
    let ledger = &admin.ledger;
    let height = ledger.newest.borrow().height;
    let now = Now {
        waiting: admin.pool.len(),
        held: admin.pool.held(),
        condition: name(ledger.health.condition()),
        height,
        calls: admin.limits.in_progress(),
        connections: admin.open.count(),
        turned_away: admin.open.turned_away.get(),
    };
    let mut text = ledger.metrics.text(&now);
    ledger.faults.write_metric(&mut text);
    if let Some(links) = &admin.links {
        metrics::write_links(&mut text, links, height);
    }
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], text)
}

const fn name(condition: Condition) -> &'static str {
    match condition {
        Condition::Serving => "serving",
        Condition::DiskFull => "disk_full",
        Condition::Stalled => "stalled",
        Condition::Unpublished => "unpublished",
        Condition::Stopping => "stopping",
    }
}
