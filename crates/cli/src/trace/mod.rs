//! An answer about origin, for reading: as a tree, as tables, as a picture.

pub(crate) mod flow;
pub(crate) mod shares;
pub(crate) mod svg;
pub(crate) mod tree;
