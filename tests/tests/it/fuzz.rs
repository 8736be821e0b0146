//! No bytes from outside make a decoder panic: a bounded, seeded run of every target.

use ore_tests::fuzz::{TARGETS, bounded};

/// Mutations per target in one run of the tests; a fuzzer goes on from there.
const ROUNDS: u32 = 3_000;

#[test]
fn no_decoder_panics_on_mutated_input() {
    for target in TARGETS {
        bounded(target, ROUNDS, 0x0de1_ed6e);
    }
}

#[test]
fn every_target_is_offered_to_the_fuzzer() {
    let manifest =
        std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/fuzz/Cargo.toml")).expect("there");
    for target in TARGETS {
        let line = format!("name = \"{}\"", target.name);
        assert!(manifest.contains(&line), "tests/fuzz/Cargo.toml has no {line}");
    }
}
