//! Fuzz target `note`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| ore_tests::fuzz::run("note", bytes));
