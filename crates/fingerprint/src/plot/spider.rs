//! The spider plot: a lot's pattern over the envelope of the claimed origin.

use alloc::{format, string::String, vec::Vec};

use libm::floor;

use super::{
    frame::{self, Axis, BOTTOM, LEFT, WIDTH, x},
    svg::{Canvas, colour, short},
};
use crate::{
    element::{ELEMENTS, Element, Normaliser},
    library::Library,
    pattern::Pattern,
};

const HEIGHT: u32 = 540;

/// A lot against one origin of a library.
#[derive(Clone, Copy, Debug)]
pub struct SpiderPlot<'a> {
    /// Where the envelope comes from.
    pub library: &'a Library,
    /// Position of the claimed origin.
    pub origin: usize,
    /// The lot's spots.
    pub lot: &'a [Pattern],
}

impl SpiderPlot<'_> {
    /// The picture as SVG.
    pub fn svg(&self) -> String {
        let name = self.library.origins().get(self.origin).map_or("unknown origin", String::as_str);
        let envelope = self.envelope();
        let axis = Axis::of(self.lot.iter(), envelope.iter().flatten().copied());
        let title = format!("Rare earths of the lot against {}", short(name, 48));
        let mut canvas = Canvas::new(WIDTH, HEIGHT, &title);
        frame::frame(&mut canvas, &axis, &title);
        bands(&mut canvas, &axis, &envelope);
        frame::lot(&mut canvas, &axis, self.lot, colour::QUERY);
        legend(&mut canvas);
        let captions = self.captions(name);
        let style = format!(r#"font-size="12" fill="{}""#, colour::INK);
        canvas.text((LEFT, 482.0), &style, &captions[0]);
        canvas.text((LEFT, 501.0), &style, &captions[1]);
        canvas.text((LEFT, 520.0), &format!(r#"{style} font-style="italic""#), &captions[2]);
        canvas.finish(&captions.join(" "))
    }

    fn captions(&self, name: &str) -> [String; 3] {
        let (analyses, samples) =
            self.library.origin(self.origin).map_or((0, 0), |origin| (origin.analyses, origin.samples));
        let hollow =
            if !frame::has_hollow_points(self.lot) { "" } else { " Hollow point: mean of some spots only." };
        [
            format!("Normalised to {}.{hollow}", Normaliser::McDonoughSun1995.name()),
            format!(
                "{}: n = {analyses} analyses of {samples} samples. Lot: n = {}.",
                short(name, 48),
                self.lot.len()
            ),
            String::from("Inside every envelope does not mean consistent: elements vary together."),
        ]
    }

    /// 5, 25, 50, 75 and 95 % of each element, in ln units. Empty without reference.
    fn envelope(&self) -> Vec<[f64; 5]> {
        let rows: Vec<_> = self.library.logs_of(self.origin).collect();
        if rows.is_empty() {
            return Vec::new();
        }
        (0..ELEMENTS)
            .map(|i| {
                let mut values: Vec<f64> = rows.iter().map(|row| row[i]).collect();
                values.sort_by(f64::total_cmp);
                [0.05, 0.25, 0.5, 0.75, 0.95].map(|share| quantile(&values, share))
            })
            .collect()
    }
}

/// Linear between order statistics (type 7 of Hyndman & Fan 1996, doi:10.2307/2684934).
fn quantile(sorted: &[f64], share: f64) -> f64 {
    let place = share * (sorted.len() - 1) as f64;
    let low = floor(place);
    let next = sorted[(low as usize + 1).min(sorted.len() - 1)];
    sorted[low as usize] + (place - low) * (next - sorted[low as usize])
}

fn bands(canvas: &mut Canvas, axis: &Axis, envelope: &[[f64; 5]]) {
    if envelope.is_empty() {
        return;
    }
    let line = |place: usize| -> Vec<(f64, f64)> {
        Element::all().zip(envelope).map(|(e, row)| (x(e.atomic_number()), axis.y(row[place]))).collect()
    };
    for (low, high, fill) in [(0, 4, colour::WIDE_BAND), (1, 3, colour::NARROW_BAND)] {
        let mut outline = line(low);
        outline.extend(line(high).into_iter().rev());
        canvas.polygon(&outline, &format!(r#"fill="{fill}""#));
    }
    canvas.polyline(&line(2), &format!(r#"stroke="{}" stroke-width="1.6""#, colour::REFERENCE));
}

fn legend(canvas: &mut Canvas) {
    let y = BOTTOM + 52.0;
    let style = format!(r#"font-size="12" fill="{}""#, colour::INK);
    let mut at = LEFT;
    for (fill, text, advance) in [(colour::WIDE_BAND, "5-95 %", 84.0), (colour::NARROW_BAND, "25-75 %", 90.0)]
    {
        canvas.rectangle((at, y - 10.0), (22.0, 12.0), &format!(r#"fill="{fill}""#));
        canvas.text((at + 28.0, y), &style, text);
        at += advance;
    }
    let reference = format!(r#"stroke="{}" stroke-width="1.6""#, colour::REFERENCE);
    canvas.line((at, y - 4.0), (at + 22.0, y - 4.0), &reference);
    canvas.text((at + 28.0, y), &style, "median");
    at += 86.0;
    canvas.line(
        (at, y - 4.0),
        (at + 22.0, y - 4.0),
        &format!(r#"stroke="{}" stroke-width="3""#, colour::QUERY),
    );
    canvas.text((at + 28.0, y), &style, "lot, mean");
    at += 98.0;
    let thin = format!(r#"stroke="{}" stroke-width="1" stroke-opacity="0.55""#, colour::QUERY);
    canvas.line((at, y - 4.0), (at + 22.0, y - 4.0), &thin);
    canvas.text((at + 28.0, y), &style, "lot, spots");
    at += 102.0;
    frame::triangle(canvas, (at + 8.0, y - 4.0), colour::QUERY);
    canvas.text((at + 20.0, y), &style, "below detection, at the limit");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_lie_between_order_statistics() {
        assert_eq!(quantile(&[1.0], 0.95), 1.0);
        assert_eq!(quantile(&[0.0, 1.0, 2.0, 3.0, 4.0], 0.25), 1.0);
        assert!((quantile(&[0.0, 1.0], 0.95) - 0.95).abs() < 1e-12);
    }
}
