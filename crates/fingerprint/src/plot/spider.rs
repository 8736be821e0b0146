//! The spider plot: a lot's pattern over the envelope of the claimed origin.

use alloc::{format, string::String, vec::Vec};

use libm::{ceil, exp, floor, log};

use super::svg::{Canvas, colour, short};
use crate::{
    element::{ELEMENTS, Element, Normaliser},
    library::Library,
    pattern::{Pattern, Reading},
};

const WIDTH: u32 = 760;
const HEIGHT: u32 = 540;
const LEFT: f64 = 76.0;
const RIGHT: f64 = 736.0;
const TOP: f64 = 56.0;
const BOTTOM: f64 = 396.0;

/// More spots than this are not drawn one by one; the mean is of all.
const MAX_THIN_LINES: usize = 60;

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

/// Vertical axis in decades.
struct Axis {
    low: f64,
    high: f64,
}

impl Axis {
    fn y(&self, ln: f64) -> f64 {
        let share = (ln * core::f64::consts::LOG10_E - self.low) / (self.high - self.low);
        BOTTOM - share.clamp(0.0, 1.0) * (BOTTOM - TOP)
    }
}

/// Promethium keeps its place on the axis.
fn x(atomic_number: u8) -> f64 {
    LEFT + 22.0 + f64::from(atomic_number - 57) / 14.0 * (RIGHT - LEFT - 44.0)
}

fn ln_normalised(element: Element, ppm: f64) -> f64 {
    log(ppm / Normaliser::McDonoughSun1995.ppm()[element.index()])
}

impl SpiderPlot<'_> {
    /// The picture as SVG.
    pub fn svg(&self) -> String {
        let name = self.library.origins().get(self.origin).map_or("unknown origin", String::as_str);
        let envelope = self.envelope();
        let axis = self.axis(&envelope);
        let title = format!("Rare earths of the lot against {}", short(name, 48));
        let mut canvas = Canvas::new(WIDTH, HEIGHT, &title);
        frame(&mut canvas, &axis, &title);
        bands(&mut canvas, &axis, &envelope);
        self.spots(&mut canvas, &axis);
        self.mean(&mut canvas, &axis);
        self.limits(&mut canvas, &axis);
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
        let hollow = if !self.has_hollow_points() { "" } else { " Hollow point: mean of some spots only." };
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

    /// Whether some spots, and not all, observed an element.
    fn has_hollow_points(&self) -> bool {
        Element::all().any(|element| {
            let seen = self.lot.iter().filter(|pattern| pattern.ppm(element).is_some()).count();
            seen > 0 && seen < self.lot.len()
        })
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

    fn axis(&self, envelope: &[[f64; 5]]) -> Axis {
        let of_lot = self.lot.iter().flat_map(|pattern| {
            Element::all().filter_map(move |element| match pattern.reading(element) {
                Reading::Value { amount, .. } | Reading::Below(Some(amount)) => {
                    Some(ln_normalised(element, amount))
                }
                Reading::Absent | Reading::Below(None) => None,
            })
        });
        let all = envelope.iter().flatten().copied().chain(of_lot);
        let (low, high) =
            all.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), x| (low.min(x), high.max(x)));
        if !(low.is_finite() && high.is_finite()) {
            return Axis { low: -1.0, high: 3.0 };
        }
        let decade = |ln: f64| ln * core::f64::consts::LOG10_E;
        // Fourteen decades are the most that a pattern in ppm can honestly span; one and a quarter always
        // hold a label.
        let low = (decade(low) - 0.15).clamp(-7.0, 7.0);
        Axis { low, high: (decade(high) + 0.15).clamp(low + 1.25, low + 14.0) }
    }

    /// Each spot thin, broken where an element is missing.
    fn spots(&self, canvas: &mut Canvas, axis: &Axis) {
        let style = format!(r#"stroke="{}" stroke-width="1" stroke-opacity="0.55""#, colour::QUERY);
        for pattern in self.lot.iter().take(MAX_THIN_LINES) {
            let values: Vec<Option<f64>> = Element::all()
                .map(|element| pattern.ppm(element).map(|ppm| ln_normalised(element, ppm)))
                .collect();
            broken_line(canvas, axis, &values, &style);
        }
    }

    /// Geometric mean of the spots that observed the element.
    fn mean(&self, canvas: &mut Canvas, axis: &Axis) {
        let values: Vec<Option<f64>> = Element::all()
            .map(|element| {
                let seen: Vec<f64> = self.lot.iter().filter_map(|pattern| pattern.ppm(element)).collect();
                let sum: f64 = seen.iter().map(|ppm| ln_normalised(element, *ppm)).sum();
                (!seen.is_empty()).then(|| sum / seen.len() as f64)
            })
            .collect();
        let style = format!(r#"stroke="{}" stroke-width="3" stroke-linejoin="round""#, colour::QUERY);
        broken_line(canvas, axis, &values, &style);
        let full = format!(r#"fill="{}""#, colour::QUERY);
        let hollow = format!(r#"fill="white" stroke="{}" stroke-width="2""#, colour::QUERY);
        for (element, value) in Element::all().zip(&values) {
            if let Some(value) = value {
                // A mean of some spots only is no mean of the lot: what lies below detection is left out.
                let in_all = self.lot.iter().all(|pattern| pattern.ppm(element).is_some());
                let at = (x(element.atomic_number()), axis.y(*value));
                canvas.circle(at, 3.4, if in_all { &full } else { &hollow });
            }
        }
    }

    /// Open triangles pointing down at the limit of detection.
    fn limits(&self, canvas: &mut Canvas, axis: &Axis) {
        for pattern in self.lot.iter().take(MAX_THIN_LINES) {
            for element in Element::all() {
                if let Reading::Below(Some(limit)) = pattern.reading(element) {
                    triangle(canvas, (x(element.atomic_number()), axis.y(ln_normalised(element, limit))));
                }
            }
        }
    }
}

fn triangle(canvas: &mut Canvas, (x, y): (f64, f64)) {
    let style = format!(r#"fill="white" stroke="{}" stroke-width="1.4""#, colour::QUERY);
    canvas.polygon(&[(x - 5.0, y - 4.0), (x + 5.0, y - 4.0), (x, y + 5.0)], &style);
}

/// Linear between order statistics (type 7 of Hyndman & Fan 1996, doi:10.2307/2684934).
fn quantile(sorted: &[f64], share: f64) -> f64 {
    let place = share * (sorted.len() - 1) as f64;
    let low = floor(place);
    let next = sorted[(low as usize + 1).min(sorted.len() - 1)];
    sorted[low as usize] + (place - low) * (next - sorted[low as usize])
}

fn broken_line(canvas: &mut Canvas, axis: &Axis, values: &[Option<f64>], style: &str) {
    let mut piece: Vec<(f64, f64)> = Vec::new();
    for (element, value) in Element::all().zip(values) {
        match value {
            Some(value) => piece.push((x(element.atomic_number()), axis.y(*value))),
            None => {
                draw_piece(canvas, &piece, style);
                piece.clear();
            }
        }
    }
    draw_piece(canvas, &piece, style);
}

fn draw_piece(canvas: &mut Canvas, piece: &[(f64, f64)], style: &str) {
    if piece.len() > 1 {
        canvas.polyline(piece, style);
    }
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

fn frame(canvas: &mut Canvas, axis: &Axis, title: &str) {
    let (ink, faint, grid) = (colour::INK, colour::FAINT, colour::GRID);
    canvas.text((LEFT, 30.0), &format!(r#"font-size="17" font-weight="600" fill="{ink}""#), title);
    let (low, high) = (ceil(axis.low) as i32, floor(axis.high) as i32);
    // At most eight labels, however many decades.
    let every = ((high - low) / 8 + 1).max(1);
    for decade in low..=high {
        let y = axis.y(f64::from(decade) * core::f64::consts::LN_10);
        canvas.line((LEFT, y), (RIGHT, y), &format!(r#"stroke="{grid}" stroke-width="1""#));
        if (decade - low) % every == 0 {
            let style = format!(r#"font-size="12" fill="{ink}" text-anchor="end""#);
            canvas.text((LEFT - 10.0, y + 4.0), &style, &decade_label(decade));
        }
    }
    for decade in low - 1..=high {
        for minor in 2..10 {
            let ln = f64::from(decade) * core::f64::consts::LN_10 + log(f64::from(minor));
            let y = axis.y(ln);
            if y > TOP && y < BOTTOM {
                canvas.line((LEFT - 4.0, y), (LEFT, y), &format!(r#"stroke="{faint}" stroke-width="0.8""#));
            }
        }
    }
    let absent = format!(r#"font-size="11" fill="{faint}" text-anchor="middle""#);
    canvas.text((x(61), BOTTOM + 21.0), &absent, "(Pm)");
    for element in Element::all() {
        let style = format!(r#"font-size="13" fill="{ink}" text-anchor="middle""#);
        canvas.text((x(element.atomic_number()), BOTTOM + 21.0), &style, element.symbol());
        let at = x(element.atomic_number());
        canvas.line((at, BOTTOM), (at, BOTTOM + 5.0), &format!(r#"stroke="{faint}" stroke-width="1""#));
    }
    let outline = format!(r#"fill="none" stroke="{faint}" stroke-width="1""#);
    canvas.rectangle((LEFT, TOP), (RIGHT - LEFT, BOTTOM - TOP), &outline);
    let label = format!(
        r#"font-size="13" fill="{ink}" text-anchor="middle" transform="rotate(-90 22 {:.0})""#,
        (TOP + BOTTOM) / 2.0
    );
    canvas.text((22.0, (TOP + BOTTOM) / 2.0), &label, "lot / chondrite");
}

fn decade_label(decade: i32) -> String {
    match decade {
        0..=4 => format!("{:.0}", exp(f64::from(decade) * core::f64::consts::LN_10)),
        -3..=-1 => format!(
            "{:.*}",
            decade.unsigned_abs() as usize,
            exp(f64::from(decade) * core::f64::consts::LN_10)
        ),
        _ => format!("1e{decade}"),
    }
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
    triangle(canvas, (at + 8.0, y - 4.0));
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

    #[test]
    fn a_decade_is_as_tall_as_any_other() {
        let axis = Axis { low: -1.0, high: 3.0 };
        let at = |value: f64| axis.y(log(value));
        assert!((at(1.0) - at(10.0) - (at(10.0) - at(100.0))).abs() < 1e-9);
        assert_eq!(decade_label(-2), "0.01");
        assert_eq!(decade_label(3), "1000");
    }
}
