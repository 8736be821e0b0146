//! Everything that names a type of the Malachite engine. Nothing of it leaves this folder.
//!
//! Read in this order: `vocabulary` (our words in its grammar), `signing`, `frames` and `codec` (bytes),
//! `log` and `peers` (its two actors that are ours), `undecided`, `driver` (its questions, our
//! application's answers; those about blocks in `blocks`), `engine` (assembly).

mod blocks;
mod codec;
#[doc(hidden)]
pub mod danger_forge;
mod driver;
mod engine;
mod frames;
mod log;
mod peers;
mod signing;
mod undecided;
mod vocabulary;

pub use codec::tip_of_status;
pub use driver::Driver;
pub use engine::{Engine, EngineConfig, EngineError, Timeouts};
pub use signing::signed_statements;

#[cfg(test)]
mod codec_tests;
