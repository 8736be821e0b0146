//! How flows look: bars with names, bands of metal by origin, headings of stages. SVG without styles of its own:
//! the page's style sheet colours it, so that light, dark and print are right.

use std::fmt::Write;

use maud::{Markup, PreEscaped, html};

use super::{
    Flow,
    layout::{Layout, Measures, layout},
};

/// Nodes up to which every node has its name beside it.
const NAMED: usize = 160;
/// Bands up to which each is divided by origin; beyond, it has the colour of its largest part: a page has to stay small.
const DIVIDED: usize = 900;
const BAR: f64 = 11.0;
const LEFT: f64 = 14.0;
const TOP: f64 = 40.0;

/// What a picture is for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Look<'a> {
    /// Unique in the page.
    pub(crate) id: &'a str,
    pub(crate) title: &'a str,
    pub(crate) description: &'a str,
    /// Pixels that the picture would like to have.
    pub(crate) width: f64,
    /// Pixels of the whole, where all of the metal is in one bar.
    pub(crate) scale: f64,
}

/// Draws a flow.
pub(crate) fn draw(flow: &Flow, look: &Look<'_>) -> Markup {
    drawn(flow, look).0
}

/// Draws a flow, and says how wide and how high it became.
pub(super) fn drawn(flow: &Flow, look: &Look<'_>) -> (Markup, (f64, f64)) {
    let named = flow.nodes.len() <= NAMED;
    let measures = Measures {
        scale: look.scale,
        least: 2.0,
        gap: if named { 31.0 } else { 5.0 },
        passing_gap: if named { 9.0 } else { 3.0 },
    };
    let placed = layout(flow, &measures);
    let columns = flow.columns().max(1);
    // The last column's names stand right of its bar's left edge: room for about fourteen letters.
    let tail = 104.0;
    let step = if columns > 1 {
        ((look.width - LEFT - tail) / (columns - 1) as f64).max(if named { 72.0 } else { 56.0 })
    } else {
        0.0
    };
    let (width, height) = (LEFT + step * (columns - 1) as f64 + tail, TOP + placed.height + 6.0);
    let parts: usize = flow.edges.iter().map(|edge| edge.colours.len()).sum();
    let pen = Pen { flow, placed: &placed, step, scale: look.scale, named, divided: parts <= DIVIDED };
    let mut body = String::new();
    pen.stages(&mut body);
    pen.bands(&mut body);
    pen.bars(&mut body);
    let (title, description) = (format!("{}-title", look.id), format!("{}-desc", look.id));
    let picture = html! {
        svg xmlns="http://www.w3.org/2000/svg" role="group" viewBox={ "0 0 " (n(width)) " " (n(height)) }
            width=(n(width)) height=(n(height)) aria-labelledby={ (title) " " (description) } {
            title id=(title) { (look.title) }
            desc id=(description) { (look.description) }
            (PreEscaped(body))
        }
    };
    (picture, (width, height))
}

struct Pen<'a> {
    flow: &'a Flow,
    placed: &'a Layout,
    step: f64,
    scale: f64,
    named: bool,
    divided: bool,
}

impl Pen<'_> {
    fn x(&self, column: usize) -> f64 {
        LEFT + self.step * column as f64
    }

    /// A heading where the stage changes, and a rule for each column.
    fn stages(&self, out: &mut String) {
        let mut last = "";
        for column in 0..self.flow.columns() {
            let x = self.x(column);
            let bottom = TOP + self.placed.height;
            let _ = write!(
                out,
                r#"<line class="rule" stroke-dasharray="1 5" x1="{0}" x2="{0}" y1="{1}" y2="{2}"/>"#,
                n(x + BAR / 2.0),
                n(TOP - 12.0),
                n(bottom)
            );
            let mut stages: Vec<(&str, f64)> = Vec::new();
            for node in self.flow.nodes.iter().filter(|node| node.column == column) {
                match stages.iter_mut().find(|(stage, _)| *stage == node.stage) {
                    Some((_, share)) => *share += node.share,
                    None => stages.push((node.stage, node.share)),
                }
            }
            let most = stages.into_iter().max_by(|a, b| a.1.total_cmp(&b.1)).map_or("", |(stage, _)| stage);
            if most != last {
                let _ = write!(out, r#"<text class="head" x="{}" y="16">{}</text>"#, n(x), escape(most));
            }
            last = most;
        }
    }

    fn bands(&self, out: &mut String) {
        let (flow, placed) = (self.flow, self.placed);
        // Next free height at the right and the left side of each bar, filled in the order of the other ends.
        let ports = |slot_of: &dyn Fn(usize) -> (usize, usize)| -> Vec<f64> {
            let mut order: Vec<usize> = (0..flow.edges.len()).collect();
            order.sort_by(|a, b| placed.slots[slot_of(*a).1].y.total_cmp(&placed.slots[slot_of(*b).1].y));
            let mut used = vec![0.0; flow.nodes.len()];
            let mut port = vec![0.0; flow.edges.len()];
            for edge in order {
                let node = slot_of(edge).0;
                port[edge] = used[node];
                used[node] += flow.edges[edge].share * self.scale;
            }
            port
        };
        let out_ports = ports(&|edge| (flow.edges[edge].from, placed.ways[edge][1]));
        let in_ports = ports(&|edge| (flow.edges[edge].to, placed.ways[edge][placed.ways[edge].len() - 2]));
        for (at, (edge, way)) in flow.edges.iter().zip(&placed.ways).enumerate() {
            let mut points = Vec::with_capacity(way.len());
            for (place, slot) in way.iter().enumerate() {
                let slot = &placed.slots[*slot];
                let (x, y) = (self.x(slot.column), TOP + slot.y);
                points.push(match place {
                    0 => (x + BAR, y + out_ports[at]),
                    _ if place + 1 == way.len() => (x, y + in_ports[at]),
                    _ => (x + BAR / 2.0, y),
                });
            }
            let width = edge.share * self.scale;
            if self.divided {
                let mut above = 0.0;
                for (colour, part) in &edge.colours {
                    band(out, *colour, &points, above, width * part, 1);
                    above += width * part;
                }
            } else {
                let most = edge.colours.iter().max_by(|a, b| a.1.total_cmp(&b.1));
                band(out, most.map_or(super::origins::GREY, |(colour, _)| *colour), &points, 0.0, width, 0);
            }
        }
    }

    fn bars(&self, out: &mut String) {
        for (node, slot) in self.flow.nodes.iter().zip(&self.placed.slots) {
            let (x, y) = (self.x(node.column), TOP + slot.y);
            let bar = format!(
                r#"<rect class="ink ring" x="{}" y="{}" width="{}" height="{}" rx="1.5"/>"#,
                n(x),
                n(y),
                n(BAR),
                n(slot.height)
            );
            let below = y + slot.height;
            let most = ((self.step / 6.4) as usize).clamp(9, 26);
            let names = if self.named {
                format!(
                    r#"<text class="halo" x="{0}" y="{1}">{2}</text><text class="soft small halo" x="{0}" y="{3}">{4}</text>"#,
                    n(x),
                    n(below + 12.0),
                    escape(&crate::locale::cut(&node.label, most)),
                    n(below + 24.0),
                    escape(&crate::locale::cut(&node.below, most + 2)),
                )
            } else {
                String::new()
            };
            let title = escape(&node.title);
            let _ = if node.href.is_empty() {
                write!(out, "<g><title>{title}</title>{bar}{names}</g>")
            } else {
                let href = escape(&node.href);
                // The title names the link, and says what is written below it and more.
                write!(out, r#"<a href="{href}"><title>{title}</title>{bar}{names}</a>"#)
            };
        }
    }
}

/// A band of one colour through points, `above` pixels below their upper edge.
fn band(out: &mut String, colour: usize, points: &[(f64, f64)], above: f64, width: f64, places: usize) {
    // What is drawn without decimals has to be a pixel wide to be seen.
    let width = width.max(if places == 0 { 1.0 } else { 0.5 });
    let _ = write!(out, r#"<path class="flow o{colour}" d=""#);
    curve(out, points.iter().map(|(x, y)| (*x, y + above)), 'M', places);
    curve(out, points.iter().rev().map(|(x, y)| (*x, y + above + width)), 'L', places);
    out.push_str("Z\"/>");
}

fn curve(out: &mut String, mut points: impl Iterator<Item = (f64, f64)>, first: char, places: usize) {
    let n = |value: f64| if places == 0 { format!("{value:.0}") } else { n(value) };
    let Some((mut x, mut y)) = points.next() else { return };
    let _ = write!(out, "{first}{} {}", n(x), n(y));
    for (next_x, next_y) in points {
        let middle = n((x + next_x) / 2.0);
        let _ = write!(out, "C{middle} {} {middle} {1} {2} {1}", n(y), n(next_y), n(next_x));
        (x, y) = (next_x, next_y);
    }
}

/// A coordinate with one decimal at most.
pub(super) fn n(value: f64) -> String {
    let text = format!("{value:.1}");
    text.strip_suffix(".0").map_or(text.clone(), str::to_owned)
}

/// Text that cannot close a tag or an attribute.
pub(crate) fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c if c.is_control() => out.push(' '),
            c => out.push(c),
        }
    }
    out
}
