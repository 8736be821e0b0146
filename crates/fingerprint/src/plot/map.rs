//! The map of origins: reference analyses in the plane, the lot as a star.

use alloc::{format, string::String, vec::Vec};

use super::svg::{Canvas, colour, short};
use crate::library::Library;

const WIDTH: u32 = 760;
const HEIGHT: u32 = 560;
const LEFT: f64 = 24.0;
const RIGHT: f64 = 540.0;
const TOP: f64 = 56.0;
const BOTTOM: f64 = 492.0;

/// How the places were made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MapKind {
    /// The first two discriminant axes.
    Discriminant,
    /// A seeded embedding.
    Embedding {
        /// Its seed, for the caption.
        seed: u64,
    },
}

/// A map of a library's analyses.
#[derive(Clone, Copy, Debug)]
pub struct MapPlot<'a> {
    /// Names of the origins.
    pub library: &'a Library,
    /// One place per analysis, in the order of [`Library::labelled`].
    pub places: &'a [[f64; 2]],
    /// The lot's place.
    pub query: Option<[f64; 2]>,
    /// The claimed origin.
    pub claimed: Option<usize>,
    /// Origins the lot resembles, at most three are coloured.
    pub resembles: &'a [usize],
    /// How the places were made.
    pub kind: MapKind,
}

/// From the data's plane to the picture's.
struct View {
    scale: (f64, f64),
    shift: (f64, f64),
}

impl View {
    /// Holds all finite places with a margin.
    fn of<'a>(places: impl Iterator<Item = &'a [f64; 2]> + Clone) -> Self {
        let range = |axis: usize| {
            let (low, high) = places
                .clone()
                .map(|place| place[axis])
                .filter(|x| x.is_finite())
                .fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), x| (low.min(x), high.max(x)));
            if high > low { (low, high) } else { (-1.0, 1.0) }
        };
        let ((x0, x1), (y0, y1)) = (range(0), range(1));
        let scale = ((RIGHT - LEFT - 36.0) / (x1 - x0), (BOTTOM - TOP - 36.0) / (y1 - y0));
        Self { scale, shift: (LEFT + 18.0 - x0 * scale.0, BOTTOM - 18.0 + y0 * scale.1) }
    }

    fn at(&self, place: &[f64; 2]) -> Option<(f64, f64)> {
        let (x, y) = (place[0] * self.scale.0 + self.shift.0, self.shift.1 - place[1] * self.scale.1);
        (x.is_finite() && y.is_finite()).then_some((x, y))
    }
}

impl MapPlot<'_> {
    /// The picture as SVG.
    pub fn svg(&self) -> String {
        let title = match self.kind {
            MapKind::Discriminant => "The lot among reference origins: discriminant axes",
            MapKind::Embedding { .. } => "The lot among reference origins: embedding",
        };
        let mut canvas = Canvas::new(WIDTH, HEIGHT, title);
        let heading = format!(r#"font-size="17" font-weight="600" fill="{}""#, colour::INK);
        canvas.text((LEFT, 30.0), &heading, title);
        let outline = format!(r#"fill="none" stroke="{}" stroke-width="1""#, colour::GRID);
        canvas.rectangle((LEFT, TOP), (RIGHT - LEFT, BOTTOM - TOP), &outline);
        let view = View::of(self.places.iter().chain(self.query.as_ref()));
        self.points(&mut canvas, &view);
        if let Some(at) = self.query.and_then(|place| view.at(&place)) {
            star(&mut canvas, at, 13.0);
        }
        self.legend(&mut canvas);
        let first = self.caption();
        let second = "Distances in this picture are not evidence.";
        let style = format!(r#"font-size="12" fill="{}""#, colour::INK);
        canvas.text((LEFT, 520.0), &style, &first);
        canvas.text((LEFT, 539.0), &format!(r#"{style} font-style="italic""#), second);
        canvas.finish(&format!("{first} {second}"))
    }

    fn caption(&self) -> String {
        let (analyses, origins) = (self.places.len(), self.library.origins().len());
        match self.kind {
            MapKind::Discriminant => {
                format!("First two discriminant axes; {analyses} analyses of {origins} origins.")
            }
            MapKind::Embedding { seed } => {
                format!(
                    "Seeded embedding (seed {seed}) of discriminant scores; {analyses} analyses of {origins} origins."
                )
            }
        }
    }

    /// Origins with a colour of their own: the claimed one first, then those it resembles.
    fn coloured(&self) -> Vec<(usize, &'static str)> {
        let mut chosen: Vec<(usize, &'static str)> = Vec::new();
        if let Some(claimed) = self.claimed {
            chosen.push((claimed, colour::REFERENCE));
        }
        let others = self.resembles.iter().filter(|origin| Some(**origin) != self.claimed);
        chosen.extend(others.copied().zip(colour::OTHERS));
        chosen
    }

    fn points(&self, canvas: &mut Canvas, view: &View) {
        let coloured = self.coloured();
        let fill_of = |origin: usize| coloured.iter().find(|(k, _)| *k == origin).map(|(_, fill)| *fill);
        let crowd = format!(r#"fill="{}" fill-opacity="0.55""#, colour::CROWD);
        let labelled = || self.library.labelled().zip(self.places);
        for ((origin, _), place) in labelled() {
            if let (None, Some(at)) = (fill_of(origin), view.at(place)) {
                canvas.circle(at, 2.2, &crowd);
            }
        }
        for ((origin, _), place) in labelled() {
            if let (Some(fill), Some(at)) = (fill_of(origin), view.at(place)) {
                canvas.circle(at, 3.2, &format!(r#"fill="{fill}" fill-opacity="0.75""#));
            }
        }
    }

    fn legend(&self, canvas: &mut Canvas) {
        let style = format!(r#"font-size="12" fill="{}""#, colour::INK);
        let x = RIGHT + 22.0;
        let mut y = TOP + 16.0;
        star(canvas, (x, y - 4.0), 9.0);
        canvas.text((x + 16.0, y), &style, "the lot");
        for (origin, fill) in self.coloured() {
            y += 24.0;
            canvas.circle((x, y - 4.0), 5.0, &format!(r#"fill="{fill}""#));
            let name = self.library.origins().get(origin).map_or("", String::as_str);
            canvas.text((x + 16.0, y), &style, &short(name, 25));
            if Some(origin) == self.claimed {
                y += 15.0;
                canvas.text((x + 16.0, y), &format!(r#"font-size="11" fill="{}""#, colour::FAINT), "claimed");
            }
        }
        y += 24.0;
        canvas.circle((x, y - 4.0), 4.0, &format!(r#"fill="{}""#, colour::CROWD));
        canvas.text((x + 16.0, y), &style, "other origins");
    }
}

fn star(canvas: &mut Canvas, at: (f64, f64), radius: f64) {
    let style = format!(r#"fill="{}" stroke="white" stroke-width="1.5""#, colour::QUERY);
    canvas.star(at, radius, &style);
}
