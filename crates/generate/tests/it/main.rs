//! Stories as a whole.

mod answers;
mod both_ways;
mod postings;
mod random;
mod rules;
mod world;
