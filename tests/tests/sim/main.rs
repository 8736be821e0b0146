//! Whole nodes under virtual time: engine, custody, store, sequencer, admission, with a network, disks and a
//! member that cannot be trusted. One invariant per file in `invariants`.
//!
//! A failure prints the command that replays its seed. `ORELEDGER_SIM_SEEDS` runs so many seeds,
//! `ORELEDGER_SIM_FIRST` says from where, `ORELEDGER_SIM_SEED` runs one and tells what happens in it.

mod app;
mod clients;
mod cluster;
mod dice;
mod held;
mod invariants;
mod net;
mod plan;
mod planted;
mod prompt;
mod seeds;
mod story;
mod tongue;
mod world;
