//! What plots of patterns share: the axes, a lot's lines and their marks.

use alloc::{format, string::String, vec::Vec};

use libm::{ceil, exp, floor, log};

use super::svg::{Canvas, colour};
use crate::{
    element::{Element, Normaliser},
    pattern::{Pattern, Reading},
};

pub(super) const WIDTH: u32 = 760;
pub(super) const LEFT: f64 = 76.0;
pub(super) const RIGHT: f64 = 736.0;
const TOP: f64 = 56.0;
pub(super) const BOTTOM: f64 = 396.0;

/// More spots than this are not drawn one by one; the mean is of all.
const MAX_THIN_LINES: usize = 60;

/// Vertical axis in decades.
pub(super) struct Axis {
    low: f64,
    high: f64,
}

impl Axis {
    /// Holds what was measured, limits of detection, and what else is drawn, in ln units.
    pub(super) fn of<'a>(
        patterns: impl Iterator<Item = &'a Pattern>,
        beside: impl Iterator<Item = f64>,
    ) -> Self {
        let measured = patterns.flat_map(|pattern| {
            Element::all().filter_map(move |element| match pattern.reading(element) {
                Reading::Value { amount, .. } | Reading::Below(Some(amount)) => {
                    Some(ln_normalised(element, amount))
                }
                Reading::Absent | Reading::Below(None) => None,
            })
        });
        let (low, high) = beside
            .chain(measured)
            .fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), x| (low.min(x), high.max(x)));
        if !(low.is_finite() && high.is_finite()) {
            return Self { low: -1.0, high: 3.0 };
        }
        let decade = |ln: f64| ln * core::f64::consts::LOG10_E;
        // Fourteen decades are the most that a pattern in ppm can honestly span; one and a quarter always
        // hold a label.
        let low = (decade(low) - 0.15).clamp(-7.0, 7.0);
        Self { low, high: (decade(high) + 0.15).clamp(low + 1.25, low + 14.0) }
    }

    pub(super) fn y(&self, ln: f64) -> f64 {
        let share = (ln * core::f64::consts::LOG10_E - self.low) / (self.high - self.low);
        BOTTOM - share.clamp(0.0, 1.0) * (BOTTOM - TOP)
    }
}

/// Promethium keeps its place on the axis.
pub(super) fn x(atomic_number: u8) -> f64 {
    LEFT + 22.0 + f64::from(atomic_number - 57) / 14.0 * (RIGHT - LEFT - 44.0)
}

fn ln_normalised(element: Element, ppm: f64) -> f64 {
    log(ppm / Normaliser::McDonoughSun1995.ppm()[element.index()])
}

/// A lot in one colour: each spot thin, the mean thick, limits of detection as open triangles.
pub(super) fn lot(canvas: &mut Canvas, axis: &Axis, patterns: &[Pattern], ink: &str) {
    spots(canvas, axis, patterns, ink);
    mean(canvas, axis, patterns, ink);
    limits(canvas, axis, patterns, ink);
}

/// Whether some spots, and not all, observed an element: then its mean is drawn hollow.
pub(super) fn has_hollow_points(patterns: &[Pattern]) -> bool {
    Element::all().any(|element| {
        let seen = patterns.iter().filter(|pattern| pattern.ppm(element).is_some()).count();
        seen > 0 && seen < patterns.len()
    })
}

/// Each spot thin, broken where an element is missing.
fn spots(canvas: &mut Canvas, axis: &Axis, patterns: &[Pattern], ink: &str) {
    let style = format!(r#"stroke="{ink}" stroke-width="1" stroke-opacity="0.55""#);
    for pattern in patterns.iter().take(MAX_THIN_LINES) {
        let values: Vec<Option<f64>> = Element::all()
            .map(|element| pattern.ppm(element).map(|ppm| ln_normalised(element, ppm)))
            .collect();
        broken_line(canvas, axis, &values, &style);
    }
}

/// Geometric mean of the spots that observed the element.
fn mean(canvas: &mut Canvas, axis: &Axis, patterns: &[Pattern], ink: &str) {
    let values: Vec<Option<f64>> = Element::all()
        .map(|element| {
            let seen: Vec<f64> = patterns.iter().filter_map(|pattern| pattern.ppm(element)).collect();
            let sum: f64 = seen.iter().map(|ppm| ln_normalised(element, *ppm)).sum();
            (!seen.is_empty()).then(|| sum / seen.len() as f64)
        })
        .collect();
    let style = format!(r#"stroke="{ink}" stroke-width="3" stroke-linejoin="round""#);
    broken_line(canvas, axis, &values, &style);
    let full = format!(r#"fill="{ink}""#);
    let hollow = format!(r#"fill="white" stroke="{ink}" stroke-width="2""#);
    for (element, value) in Element::all().zip(&values) {
        if let Some(value) = value {
            // A mean of some spots only is no mean of the lot: what lies below detection is left out.
            let in_all = patterns.iter().all(|pattern| pattern.ppm(element).is_some());
            let at = (x(element.atomic_number()), axis.y(*value));
            canvas.circle(at, 3.4, if in_all { &full } else { &hollow });
        }
    }
}

/// Open triangles pointing down at the limit of detection.
fn limits(canvas: &mut Canvas, axis: &Axis, patterns: &[Pattern], ink: &str) {
    for pattern in patterns.iter().take(MAX_THIN_LINES) {
        for element in Element::all() {
            if let Reading::Below(Some(limit)) = pattern.reading(element) {
                let at = (x(element.atomic_number()), axis.y(ln_normalised(element, limit)));
                triangle(canvas, at, ink);
            }
        }
    }
}

pub(super) fn triangle(canvas: &mut Canvas, (x, y): (f64, f64), ink: &str) {
    let style = format!(r#"fill="white" stroke="{ink}" stroke-width="1.4""#);
    canvas.polygon(&[(x - 5.0, y - 4.0), (x + 5.0, y - 4.0), (x, y + 5.0)], &style);
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

/// Axes, their labels and the title.
pub(super) fn frame(canvas: &mut Canvas, axis: &Axis, title: &str) {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_decade_is_as_tall_as_any_other() {
        let axis = Axis { low: -1.0, high: 3.0 };
        let at = |value: f64| axis.y(log(value));
        assert!((at(1.0) - at(10.0) - (at(10.0) - at(100.0))).abs() < 1e-9);
        assert_eq!(decade_label(-2), "0.01");
        assert_eq!(decade_label(3), "1000");
    }
}
