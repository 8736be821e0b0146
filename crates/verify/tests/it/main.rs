//! The offline verifier against trees that it did not build.

mod handover;
mod multiproof;
mod world;
