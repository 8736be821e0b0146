//! Pages as a browser gets them: over the demo's ledger as it was recorded, over invented lots, and over hostile ones.

mod big;
mod contrast;
mod origin;
mod page;
mod pages;
mod recorded;
mod rights;
