//! Stories that cross crates, in one binary.

mod bundles;
mod cases;
mod fuzz;
mod public;
mod receipts;
