//! Logs: constant messages with named fields, to standard error.

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

/// Starts logging: `level` is `info`, `debug`, or directives such as `ore_node=debug,warn`.
///
/// # Errors
/// [`TelemetryError`].
pub fn start(level: &str, json: bool) -> Result<(), TelemetryError> {
    let filter = EnvFilter::try_new(level)
        .map_err(|source| TelemetryError::Level { level: level.to_owned(), source })?;
    let builder = fmt().with_env_filter(filter).with_writer(std::io::stderr).with_target(false);
    let started = if json { builder.json().try_init() } else { builder.try_init() };
    started.map_err(|_| TelemetryError::Twice)
}
