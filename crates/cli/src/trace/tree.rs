//! Ancestors as a tree in text: what each lot was made of, and which part of the metal came that way.

use std::collections::HashSet;

use super::flow::Flow;
use crate::{
    output::{dim, kilograms, percent},
    trace::shares::origin_name,
    words::word,
};

/// Longest tree that is printed, in lines; the rest is counted.
const MOST_LINES: usize = 2_000;

struct Line {
    branch: String,
    lot: String,
    what: String,
    taken: String,
    share: String,
}

/// Limits of what is shown.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Shown {
    /// Steps from the root.
    pub(crate) depth: usize,
    /// Branches with less of the metal than this are counted, not shown; 0 to 1.
    pub(crate) least: f64,
}

/// The tree, aligned.
pub(crate) fn render(flow: &Flow<'_>, shown: Shown) -> String {
    let mut lines = Vec::new();
    let mut seen = HashSet::new();
    let root_mg = flow.lot(flow.root).map_or(0, |lot| lot.created_mg);
    walk(
        flow,
        flow.root,
        root_mg,
        1.0,
        &Place { stem: String::new(), knot: "", depth: 0 },
        shown,
        &mut seen,
        &mut lines,
    );
    let width = |part: fn(&Line) -> usize| lines.iter().map(part).max().unwrap_or(0);
    let left = width(|line| line.branch.chars().count() + line.lot.chars().count());
    let taken = width(|line| line.taken.chars().count());
    let share = width(|line| line.share.chars().count());
    let mut text = String::new();
    for line in lines {
        let gap = left - line.branch.chars().count() - line.lot.chars().count();
        let row = format!(
            "{}{}{}  {:>taken$}  {:>share$}  {}",
            dim(&line.branch),
            line.lot,
            " ".repeat(gap),
            line.taken,
            line.share,
            line.what
        );
        text.push_str(row.trim_end());
        text.push('\n');
    }
    text
}

struct Place {
    stem: String,
    knot: &'static str,
    depth: usize,
}

#[allow(clippy::too_many_arguments, reason = "one walk, its place and its limits")]
fn walk<'a>(
    flow: &Flow<'a>,
    lot: &'a str,
    mg: u64,
    share: f64,
    place: &Place,
    shown: Shown,
    seen: &mut HashSet<&'a str>,
    lines: &mut Vec<Line>,
) {
    if lines.len() >= MOST_LINES {
        return;
    }
    let inputs = flow.inputs(lot);
    let again = !seen.insert(lot) && !inputs.is_empty();
    lines.push(Line {
        branch: format!("{}{}", place.stem, place.knot),
        lot: lot.to_owned(),
        what: describe(flow, lot, again),
        taken: kilograms(mg),
        share: percent_of(share),
    });
    if again {
        return;
    }
    let stem = match place.knot {
        "" => String::new(),
        "├─ " => format!("{}│  ", place.stem),
        _ => format!("{}   ", place.stem),
    };
    let (large, small): (Vec<_>, Vec<_>) =
        inputs.into_iter().partition(|input| place.depth < shown.depth && share * input.part >= shown.least);
    let last = large.len() + usize::from(!small.is_empty());
    for (at, input) in large.iter().enumerate() {
        let knot = if at + 1 == last { "└─ " } else { "├─ " };
        let next = Place { stem: stem.clone(), knot, depth: place.depth + 1 };
        walk(flow, input.lot, input.mg, share * input.part, &next, shown, seen, lines);
    }
    if !small.is_empty() {
        let rest: f64 = small.iter().map(|input| share * input.part).sum();
        lines.push(Line {
            branch: format!("{stem}└─ "),
            lot: format!("… {} more", small.len()),
            what: String::new(),
            taken: kilograms(small.iter().map(|input| input.mg).sum()),
            share: percent_of(rest),
        });
    }
}

/// A part of one as a percentage; the exact shares are in the tables.
fn percent_of(part: f64) -> String {
    percent((part.clamp(0.0, 1.0) * 1e18) as u64)
}

fn describe(flow: &Flow<'_>, lot: &str, again: bool) -> String {
    let form = flow.form(lot);
    if again {
        return format!("{form}, as shown above");
    }
    if let Some(origin) = flow.origin(lot) {
        return format!("{form} ◆ {} {}", origin_name(origin), origin.country);
    }
    match flow.step(lot) {
        Some(step) => format!("{form} ← {}", word(step.process().as_str_name(), "PROCESS_")),
        None => form.to_owned(),
    }
}
