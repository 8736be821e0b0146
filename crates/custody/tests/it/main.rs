//! Custody stories in the trade's words, one test for each rule, and properties over random histories.
mod hostile;
mod properties;
mod references;
mod rules;
mod state;
mod stories;
mod world;
