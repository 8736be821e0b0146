//! Fuzz target `json_line`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| ore_tests::fuzz::run("json_line", bytes));
