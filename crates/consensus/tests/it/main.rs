//! Engines with a toy ledger: what holds whatever is in the blocks.

mod certificates;
mod ledger;
mod lone;
mod several;
mod speed;
