//! Stories as a whole.

mod answers;
mod both_ways;
mod pages;
mod random;
mod rules;
mod world;
