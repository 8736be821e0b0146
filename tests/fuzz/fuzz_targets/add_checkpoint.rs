//! Fuzz target `add_checkpoint`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| ore_tests::fuzz::run("add_checkpoint", bytes));
