//! Assays of one lot side by side: the same axes as the spider plot, without any reference.

use alloc::{format, string::String, vec::Vec};

use super::{
    frame::{self, Axis, BOTTOM, LEFT, WIDTH},
    svg::{Canvas, colour, short},
};
use crate::{element::Normaliser, pattern::Pattern};

/// Height above the legend, and of one line of it.
const HEIGHT: f64 = 470.0;
const LINE: f64 = 20.0;

/// Assays of one lot, each with a name for the legend and its spots. The first eight are drawn.
#[derive(Clone, Copy, Debug)]
pub struct AssaysPlot<'a> {
    /// Who measured and when, and what was measured.
    pub assays: &'a [(String, Vec<Pattern>)],
}

impl AssaysPlot<'_> {
    /// The picture as SVG. None when no assay has a spot with two rare earths, for there is no line to draw.
    #[must_use]
    pub fn svg(&self) -> Option<String> {
        let drawn: Vec<&(String, Vec<Pattern>)> = self
            .assays
            .iter()
            .filter(|(_, patterns)| patterns.iter().any(|pattern| pattern.observed().len() >= 2))
            .take(colour::SERIES.len())
            .collect();
        if drawn.is_empty() {
            return None;
        }
        let axis = Axis::of(drawn.iter().flat_map(|(_, patterns)| patterns), core::iter::empty());
        let title = "Rare earths of the lot, assay by assay";
        let height = HEIGHT + LINE * drawn.len() as f64;
        let mut canvas = Canvas::new(WIDTH, height as u32, title);
        frame::frame(&mut canvas, &axis, title);
        let style = format!(r#"font-size="12" fill="{}""#, colour::INK);
        let mut y = BOTTOM + 52.0;
        for ((name, patterns), ink) in drawn.iter().zip(colour::SERIES) {
            frame::lot(&mut canvas, &axis, patterns, ink);
            canvas.line(
                (LEFT, y - 4.0),
                (LEFT + 22.0, y - 4.0),
                &format!(r#"stroke="{ink}" stroke-width="3""#),
            );
            let spots = patterns.len();
            canvas.text((LEFT + 28.0, y), &style, &format!("{}, n = {spots}", short(name, 72)));
            y += LINE;
        }
        let caption = format!("Normalised to {}.", Normaliser::McDonoughSun1995.name());
        canvas.text((LEFT, y + 4.0), &style, &caption);
        Some(canvas.finish(&caption))
    }
}
