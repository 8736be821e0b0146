//! Stories as a whole.

mod answers;
mod borrowed_names;
mod both_ways;
mod pages;
mod random;
mod rules;
mod world;
