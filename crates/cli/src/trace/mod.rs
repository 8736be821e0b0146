//! An answer about origin, for reading: as a tree and as tables. The picture is the one of the lot's page.

pub(crate) mod flow;
pub(crate) mod shares;
pub(crate) mod tree;
