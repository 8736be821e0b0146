//! Stories that cross crates.
