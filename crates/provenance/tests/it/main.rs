//! Statements about provenance: worked cases, random graphs, a slow oracle, bad bytes.

mod as_known_at;
mod bad_input;
mod by_hand;
mod cases;
mod formula_cases;
mod intervals;
mod oracle;
mod properties;
mod slices;
mod world;
