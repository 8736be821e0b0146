//! What several crates' tests share: a small ledger in memory, and the fuzz targets.

pub mod fuzz;
pub mod ledger;
