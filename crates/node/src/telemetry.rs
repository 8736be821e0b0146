//! Logs: constant messages with named fields, to standard error; and whoever else listens to them.

use std::io::{IsTerminal, stderr};

use tracing_subscriber::{
    EnvFilter, Layer as _,
    filter::{LevelFilter, ParseError, Targets},
    fmt,
    layer::SubscriberExt as _,
    util::SubscriberInitExt as _,
};

use crate::traces::Listener;

/// Why logging could not be set up.
#[derive(Debug, thiserror::Error)]
pub enum TelemetryError {
    /// The level is none.
    #[error("log level {level:?}: {source}")]
    Level {
        /// As given.
        level: String,
        /// What is wrong with it.
        source: ParseError,
    },
    /// Somebody set it up before.
    #[error("logging is set up already")]
    Twice,
}

/// The ordering engine tells of every actor it starts and stops; what an operator must know of it, the node says.
const ENGINE: &str = "arc_malachitebft=error,ractor=error";

/// Starts logging: `level` is `info`, `debug`, or directives such as `ore_node=debug,warn`. Traces hear the way of each
/// record, whatever is logged.
///
/// # Errors
/// [`TelemetryError`].
pub fn start(level: &str, json: bool, traces: Option<Listener>) -> Result<(), TelemetryError> {
    let filter = EnvFilter::try_new(format!("{ENGINE},{level}"))
        .map_err(|source| TelemetryError::Level { level: level.to_owned(), source })?;
    let lines = fmt::layer().with_writer(stderr).with_ansi(stderr().is_terminal()).with_target(false);
    let lines = if json { lines.json().boxed() } else { lines.boxed() };
    let ours = Targets::new().with_target("ore_node", LevelFilter::DEBUG);
    let traces = traces.map(|listener| listener.with_filter(ours));
    let all = tracing_subscriber::registry().with(lines.with_filter(filter)).with(traces);
    all.try_init().map_err(|_| TelemetryError::Twice)
}
