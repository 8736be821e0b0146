//! Fuzz target `names_and_masses`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| ore_tests::fuzz::run("names_and_masses", bytes));
