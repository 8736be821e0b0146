//! Stories as a whole.

mod answers;
mod rules;
