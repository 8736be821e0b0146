//! Several organisations' nodes, as their members and operators meet them.

mod cluster;
mod growth;
mod on_the_way;
mod out_of_turn;
mod rules;
mod together;
#[allow(dead_code, reason = "shared with the tests of one node, which need more of it")]
#[path = "../it/world.rs"]
mod world;
