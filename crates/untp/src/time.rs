//! Times as credentials write them: RFC 3339 in UTC.

/// Date and time.
pub(crate) fn rfc3339(ms: u64) -> String {
    ore_exchange::write_time(ms, 0)
}

/// The day.
pub(crate) fn date(ms: u64) -> String {
    rfc3339(ms).chars().take(10).collect()
}
