//! The rules, a file for each family.

pub(crate) mod assay;
pub(crate) mod claims;
mod letters;
pub(crate) mod origin;
pub(crate) mod signature;
pub(crate) mod stock;
pub(crate) mod tamper;
pub(crate) mod time;
pub(crate) mod trace;
