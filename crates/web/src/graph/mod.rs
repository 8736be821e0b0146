//! Flows of metal as pictures: what flows where ([`Flow`]), where things stand ([`layout`]), how they look ([`draw`]).
//!
//! Everything here is for eyes, in floating point; the numbers that count come from the ledger in exact integers.

mod alone;
mod draw;
mod fold;
mod layout;
mod origins;
mod trace;

pub use alone::provenance_picture;
pub(crate) use draw::{Look, draw, escape};
pub(crate) use origins::{Origins, place_name};
pub(crate) use trace::{of_trace, sankey};

/// Most nodes that are drawn one by one; above, lots of one place and column are drawn as one.
pub(crate) const MOST_NODES: usize = 500;

/// One bar of a picture.
#[derive(Clone, Debug, Default)]
pub(crate) struct Node {
    /// Its own name.
    pub(crate) label: String,
    /// A second line, softer.
    pub(crate) below: String,
    /// What pointing at it tells.
    pub(crate) title: String,
    /// The page about it, or empty.
    pub(crate) href: String,
    /// Heading of the column that it asks for.
    pub(crate) stage: &'static str,
    /// From left to right.
    pub(crate) column: usize,
    /// Part of the whole that passes here, 0 to 1.
    pub(crate) share: f64,
}

/// Metal from one node to another, always to a later column.
#[derive(Clone, Debug)]
pub(crate) struct Edge {
    pub(crate) from: usize,
    pub(crate) to: usize,
    /// Part of the whole, 0 to 1.
    pub(crate) share: f64,
    /// Parts of it by colour; they sum to 1.
    pub(crate) colours: Vec<(usize, f64)>,
}

/// What flows where.
#[derive(Clone, Debug, Default)]
pub(crate) struct Flow {
    pub(crate) nodes: Vec<Node>,
    pub(crate) edges: Vec<Edge>,
    /// Lots that the nodes stand for.
    pub(crate) lots: usize,
    /// Whether lots were drawn together because there are too many.
    pub(crate) folded: bool,
}

impl Flow {
    /// Number of columns.
    pub(crate) fn columns(&self) -> usize {
        self.nodes.iter().map(|node| node.column + 1).max().unwrap_or(0)
    }
}
