//! Fuzz target `graph_snapshot`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| ore_tests::fuzz::run("graph_snapshot", bytes));
