//! Pictures as SVG text: the spider plot, assays side by side, and the map of origins.
//!
//! Pictures illustrate; no number in them is evidence, and each caption says so. The same input gives the
//! same bytes. Text from outside is escaped.

mod assays;
mod frame;
mod map;
mod portrait;
mod spider;
mod svg;

pub use assays::AssaysPlot;
pub use map::{MapKind, MapPlot};
pub use portrait::{MOST_EMBEDDED, map_of};
pub use spider::SpiderPlot;
