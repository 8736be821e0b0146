//! Logs: constant messages with named fields, to standard error.

use std::io::{IsTerminal, stderr};

use tracing_subscriber::{EnvFilter, filter::ParseError, fmt};

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

/// Starts logging: `level` is `info`, `debug`, or directives such as `ore_node=debug,warn`.
///
/// # Errors
/// [`TelemetryError`].
pub fn start(level: &str, json: bool) -> Result<(), TelemetryError> {
    let filter = EnvFilter::try_new(format!("{ENGINE},{level}"))
        .map_err(|source| TelemetryError::Level { level: level.to_owned(), source })?;
    let builder = fmt()
        .with_env_filter(filter)
        .with_writer(stderr)
        .with_ansi(stderr().is_terminal())
        .with_target(false);
    let started = if json { builder.json().try_init() } else { builder.try_init() };
    started.map_err(|_| TelemetryError::Twice)
}
