//! Statements about the origin check, on synthetic origins and against numbers by other hands.

#[path = "../../examples/acceptance/data.rs"]
mod data;
#[path = "../../examples/acceptance/rows.rs"]
mod rows;
#[path = "../../examples/synthetic_tables.rs"]
#[allow(dead_code, reason = "the example's main and its file names")]
mod synthetic_tables;

mod bad_input;
mod benchmark;
mod evidence;
mod pictures;
mod processing;
mod world;
