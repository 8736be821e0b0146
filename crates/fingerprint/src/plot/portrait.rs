//! The map of a lot among the origins of a library, from its logarithms alone.

use alloc::{string::String, vec::Vec};

use super::{MapKind, MapPlot};
use crate::{
    contrast::Space,
    discriminant::{Axes, lot_mean},
    embedding::{Embedding, Settings},
    library::Library,
    linalg::Row,
    pattern::Logs,
};

/// More analyses are shown on discriminant axes: an embedding costs the square of their number.
pub const MOST_EMBEDDED: usize = 3_000;

/// Discriminant axes, or the seeded embedding of their scores where the library is small enough. The lot's star is
/// left out when none of its spots is complete. None when the library has no axes.
pub fn map_of(
    library: &Library,
    space: Space,
    lot: &[Logs],
    claimed: Option<usize>,
    resembles: &[usize],
    embedding: bool,
) -> Option<String> {
    let axes = Axes::fit(library, space)?;
    let scores: Vec<Row> = library.labelled().map(|(_, logs)| axes.scores(logs)).collect();
    let query = lot_mean(lot).map(|mean| axes.scores(&mean));
    let settings = Settings::default();
    let embedded = (embedding && scores.len() <= MOST_EMBEDDED)
        .then(|| Embedding::fit(&scores, settings).ok())
        .flatten();
    let plot =
        |places: &[[f64; 2]], query, kind| MapPlot { library, places, query, claimed, resembles, kind }.svg();
    Some(match embedded {
        Some(map) => {
            let star = query.and_then(|query| map.place(&query));
            plot(map.places(), star, MapKind::Embedding { seed: settings.seed })
        }
        None => {
            let flat: Vec<[f64; 2]> = scores.iter().map(|score| [score[0], score[1]]).collect();
            plot(&flat, query.map(|query| [query[0], query[1]]), MapKind::Discriminant)
        }
    })
}
