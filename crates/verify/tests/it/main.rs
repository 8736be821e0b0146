//! The offline verifier against trees that it did not build.

mod multiproof;
