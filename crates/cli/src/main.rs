//! The `oreledger` command.
fn main() {}
