//! The few SVG shapes that the plots are made of.

use alloc::{format, string::String};
use core::fmt::Write as _;

/// Colours by role: readable in print and with colour-blind eyes (after Okabe & Ito 2008).
pub(super) mod colour {
    pub(crate) const INK: &str = "#1f2933";
    pub(crate) const FAINT: &str = "#6b7785";
    pub(crate) const GRID: &str = "#e4e8ed";
    pub(crate) const WIDE_BAND: &str = "#dbe9f4";
    pub(crate) const NARROW_BAND: &str = "#a9cbe6";
    pub(crate) const REFERENCE: &str = "#0072b2";
    pub(crate) const QUERY: &str = "#d55e00";
    pub(crate) const OTHERS: [&str; 3] = ["#009e73", "#cc79a7", "#b8860b"];
    pub(crate) const CROWD: &str = "#b6bec8";
    /// Assays side by side.
    pub(crate) const SERIES: [&str; 8] =
        [REFERENCE, QUERY, OTHERS[0], OTHERS[1], OTHERS[2], "#56b4e9", "#7b5ea7", "#6b7785"];
}

/// A picture under construction.
pub(super) struct Canvas {
    body: String,
    width: u32,
    height: u32,
    title: String,
}

impl Canvas {
    pub(super) fn new(width: u32, height: u32, title: &str) -> Self {
        Self { body: String::new(), width, height, title: escape(title) }
    }

    pub(super) fn line(&mut self, from: (f64, f64), to: (f64, f64), style: &str) {
        let _ = writeln!(
            self.body,
            r#"<line x1="{:.2}" y1="{:.2}" x2="{:.2}" y2="{:.2}" {style}/>"#,
            from.0, from.1, to.0, to.1
        );
    }

    pub(super) fn polyline(&mut self, points: &[(f64, f64)], style: &str) {
        let _ = writeln!(self.body, r#"<polyline points="{}" fill="none" {style}/>"#, list(points));
    }

    pub(super) fn polygon(&mut self, points: &[(f64, f64)], style: &str) {
        let _ = writeln!(self.body, r#"<polygon points="{}" {style}/>"#, list(points));
    }

    pub(super) fn circle(&mut self, centre: (f64, f64), radius: f64, style: &str) {
        let _ = writeln!(
            self.body,
            r#"<circle cx="{:.2}" cy="{:.2}" r="{radius}" {style}/>"#,
            centre.0, centre.1
        );
    }

    pub(super) fn rectangle(&mut self, at: (f64, f64), size: (f64, f64), style: &str) {
        let _ = writeln!(
            self.body,
            r#"<rect x="{:.2}" y="{:.2}" width="{:.2}" height="{:.2}" {style}/>"#,
            at.0, at.1, size.0, size.1
        );
    }

    pub(super) fn text(&mut self, at: (f64, f64), style: &str, text: &str) {
        let _ =
            writeln!(self.body, r#"<text x="{:.2}" y="{:.2}" {style}>{}</text>"#, at.0, at.1, escape(text));
    }

    /// A five-pointed star, upright.
    pub(super) fn star(&mut self, centre: (f64, f64), radius: f64, style: &str) {
        let points: [(f64, f64); 10] = core::array::from_fn(|i| {
            let angle = core::f64::consts::PI * (i as f64 / 5.0 - 0.5);
            let r = if i % 2 == 0 { radius } else { radius * 0.42 };
            (centre.0 + r * libm::cos(angle), centre.1 + r * libm::sin(angle))
        });
        self.polygon(&points, style);
    }

    pub(super) fn finish(self, description: &str) -> String {
        let Self { body, width, height, title } = self;
        format!(
            r#"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" role="img" font-family="system-ui, 'Segoe UI', 'DejaVu Sans', sans-serif">
<title>{title}</title>
<desc>{}</desc>
<rect width="{width}" height="{height}" fill="white"/>
{body}</svg>
"#,
            escape(description)
        )
    }
}

fn list(points: &[(f64, f64)]) -> String {
    let mut out = String::new();
    for (i, (x, y)) in points.iter().enumerate() {
        let _ = write!(out, "{}{x:.2},{y:.2}", if i == 0 { "" } else { " " });
    }
    out
}

/// Text that cannot close a tag or start one; control characters become spaces.
pub(super) fn escape(text: &str) -> String {
    let mut out = String::new();
    for c in text.chars() {
        match c {
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            '"' => out.push_str("&quot;"),
            c if c.is_control() => out.push(' '),
            c => out.push(c),
        }
    }
    out
}

/// At most `limit` characters, the last an ellipsis when some were cut.
pub(super) fn short(text: &str, limit: usize) -> String {
    if text.chars().count() <= limit {
        return String::from(text);
    }
    let mut out: String = text.chars().take(limit.saturating_sub(1)).collect();
    out.push('…');
    out
}
