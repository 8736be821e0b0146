//! Trace bench.
fn main() {}
