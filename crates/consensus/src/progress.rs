//! Where the engine is, for the operator and the watchdog.

use std::time::{Duration, Instant};

use tokio::sync::watch;

/// Where the engine is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Progress {
    /// Height in progress, or about to begin.
    pub height: u64,
    /// Round of that height, from 0; anything above 0 cost a timeout.
    pub round: u32,
    /// Newest durable height, 0 before the first.
    pub committed: u64,
    /// Flushes of the write-ahead log to the device since the engine started.
    pub log_syncs: u64,
    /// What it is doing.
    pub state: EngineState,
    /// Since when height and state are what they are.
    pub since: Instant,
}

/// What the engine is doing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EngineState {
    /// Waits for validators to connect, or until waiting is pointless.
    Starting,
    /// Nothing to decide.
    Idle,
    /// A height is being decided.
    Deciding,
    /// Shut down as asked.
    Stopped,
    /// Cannot go on; signs nothing more.
    Failed(String),
}

/// Why the watchdog barked; for the operator.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Stall {
    /// A height takes longer than it may.
    #[error("height {height} has not been decided for {waited_seconds} s (round {round})")]
    NoProgress {
        /// Which height.
        height: u64,
        /// Its round by now.
        round: u32,
        /// How long it has been in progress.
        waited_seconds: u64,
    },
    /// The engine ended.
    #[error("ordering engine failed: {0}")]
    Failed(String),
}

/// Resolves when a height does not end within `limit`, or the engine failed; never after a clean stop.
pub(crate) async fn stalled(mut progress: watch::Receiver<Progress>, limit: Duration) -> Stall {
    // Each turn waits for a change or for the limit.
    loop {
        let now = progress.borrow_and_update().clone();
        match now.state {
            EngineState::Failed(reason) => return Stall::Failed(reason),
            EngineState::Stopped => return std::future::pending().await,
            EngineState::Idle => {
                if progress.changed().await.is_err() {
                    return Stall::Failed("the driver is gone".into());
                }
            }
            EngineState::Starting | EngineState::Deciding => {
                let left = limit.saturating_sub(tokio::time::Instant::from_std(now.since).elapsed());
                match tokio::time::timeout(left, progress.changed()).await {
                    Ok(Ok(())) => {}
                    Ok(Err(_)) => return Stall::Failed("the driver is gone".into()),
                    Err(_) => {
                        return Stall::NoProgress {
                            height: now.height,
                            round: now.round,
                            waited_seconds: tokio::time::Instant::from_std(now.since).elapsed().as_secs(),
                        };
                    }
                }
            }
        }
    }
}
