//! Ancestors as a picture: stages as columns, band width = metal of the asked lot that passed, colour = origin.
//!
//! Plain SVG without scripts or outside fonts; light and dark follow the reader's system.

use std::{
    collections::{BTreeMap, HashMap},
    fmt::Write,
};

use ore_record::v1::OriginKind;
use ore_wire::v1::AttributeResponse;

use super::{flow::Flow, shares::origin_name};
use crate::output::{kilograms, percent, thousands};

const COLUMN: f64 = 132.0;
const BAR: f64 = 12.0;
const HEIGHT: f64 = 560.0;
const LEFT: f64 = 32.0;
const TOP: f64 = 118.0;
/// Least gap between two bars of a column; room for a label of two lines.
const GAP: f64 = 34.0;

/// Colours that stay apart for colour-blind readers (Okabe and Ito); grey is for unknown.
const COLOURS: [&str; 8] =
    ["#0072b2", "#e69f00", "#009e73", "#d55e00", "#cc79a7", "#56b4e9", "#b8a400", "#7b5ea7"];
const UNKNOWN: &str = "#8a8a8a";

struct Bar {
    x: f64,
    y: f64,
    height: f64,
    column: usize,
}

/// Draws the picture.
pub(crate) fn render(symbol: &str, flow: &Flow<'_>, answer: &AttributeResponse) -> String {
    let through = flow.through();
    let columns = columns(flow);
    let count = columns.values().max().map_or(1, |last| last + 1);
    let (bars, bottom) = place(flow, &columns, &through, count);
    let colours = colours(flow);
    let width = LEFT * 2.0 + COLUMN * (count - 1) as f64 + BAR + 120.0;
    let legend_rows = colours.len().div_ceil(legend_columns(width));
    let height = bottom + 70.0 + 22.0 * legend_rows as f64;
    let mut svg = String::new();
    head(&mut svg, width, height, symbol, flow, answer);
    stages(&mut svg, flow, &columns, count, bottom);
    bands(&mut svg, flow, &bars, &through, &colours);
    labels(&mut svg, flow, &bars, &through);
    legend(&mut svg, flow, &colours, bottom + 46.0, width);
    svg.push_str("</svg>\n");
    svg
}

/// Column of each lot: one right of the rightmost thing that it was made of.
fn columns<'a>(flow: &Flow<'a>) -> HashMap<&'a str, usize> {
    let mut columns: HashMap<&str, usize> = HashMap::new();
    for lot in flow.order() {
        let column = flow.inputs(lot).iter().map(|input| columns[input.lot] + 1).max().unwrap_or(0);
        columns.insert(lot, column);
    }
    // Scrap that was collected stands before its first user, not beside the mines.
    let mut first_user: HashMap<&str, usize> = HashMap::new();
    for lot in flow.order() {
        for input in flow.inputs(lot) {
            let user = first_user.entry(input.lot).or_insert(usize::MAX);
            *user = (*user).min(columns[lot]);
        }
    }
    for (lot, user) in first_user {
        if flow.origin(lot).is_some() && stage(flow, lot) == "scrap" {
            columns.insert(lot, user.saturating_sub(1));
        }
    }
    columns
}

fn place<'a>(
    flow: &Flow<'a>,
    columns: &HashMap<&'a str, usize>,
    through: &BTreeMap<&'a str, f64>,
    count: usize,
) -> (HashMap<&'a str, Bar>, f64) {
    let mut by_column: Vec<Vec<&str>> = vec![Vec::new(); count];
    for lot in flow.order() {
        by_column[columns[lot]].push(lot);
    }
    let scale = HEIGHT * 0.62;
    let mut bars: HashMap<&str, Bar> = HashMap::new();
    let mut bottom: f64 = TOP;
    // From the root leftwards: each lot stands near what it went into.
    let mut wish: HashMap<&str, f64> = HashMap::new();
    for (column, lots) in by_column.iter_mut().enumerate().rev() {
        lots.sort_by(|a, b| {
            wish.get(a).unwrap_or(&0.0).total_cmp(wish.get(b).unwrap_or(&0.0)).then(a.cmp(b))
        });
        let total: f64 =
            lots.iter().map(|lot| (through[*lot] * scale).max(1.5)).sum::<f64>() + GAP * lots.len() as f64;
        let mut y = TOP + ((HEIGHT - total) / 2.0).max(0.0);
        for lot in lots.iter() {
            let height = (through[*lot] * scale).max(1.5);
            bars.insert(lot, Bar { x: LEFT + COLUMN * column as f64, y, height, column });
            let mut offset = 0.0;
            for input in flow.inputs(lot) {
                let target = y + offset;
                offset += height * input.part;
                wish.entry(input.lot).and_modify(|w| *w = (*w + target) / 2.0).or_insert(target);
            }
            y += height + GAP;
        }
        bottom = bottom.max(y);
    }
    (bars, bottom.max(TOP + HEIGHT * 0.5))
}

/// A colour per source facility, mines first.
fn colours<'a>(flow: &Flow<'a>) -> Vec<(String, &'static str, Vec<&'a str>)> {
    let mut sources: BTreeMap<(bool, String), Vec<&str>> = BTreeMap::new();
    for lot in flow.order() {
        if let Some(origin) = flow.origin(lot) {
            let unknown = origin.kind() == OriginKind::DeclaredUnknown;
            let name = format!(
                "{} ({})",
                origin_name(origin),
                if origin.country.is_empty() { "ZZ" } else { &origin.country }
            );
            sources.entry((unknown, name)).or_default().push(lot);
        }
    }
    let mut next = 0;
    sources
        .into_iter()
        .map(|((unknown, name), lots)| {
            let colour = if unknown { UNKNOWN } else { COLOURS[next % COLOURS.len()] };
            next += usize::from(!unknown);
            (name, colour, lots)
        })
        .collect()
}

fn head(
    svg: &mut String,
    width: f64,
    height: f64,
    symbol: &str,
    flow: &Flow<'_>,
    answer: &AttributeResponse,
) {
    let root = escape(flow.root);
    let verified = answer.verified.as_ref().map_or(0, |share| share.value_e18);
    let _ = write!(
        svg,
        r##"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0} {height:.0}" width="{width:.0}" height="{height:.0}" role="img" aria-labelledby="t d">
<title id="t">Where the {symbol} in {root} came from</title>
<desc id="d">{ancestors} ancestors in columns by stage; the width of a band is the {symbol} of this lot that passed that way, its colour the origin.</desc>
<style>
svg{{font-family:"Inter","Segoe UI","Helvetica Neue",Arial,sans-serif}}
.h{{font-size:22px;font-weight:600;fill:#1b1f24}}.s{{font-size:14px;fill:#57606a}}.c{{font-size:12px;fill:#57606a;letter-spacing:.06em;text-transform:uppercase}}
.bg{{fill:#ffffff}}.l{{font-size:12px;fill:#1b1f24}}.m{{font-size:10.5px;fill:#3d444d}}.l,.m{{paint-order:stroke;stroke:#ffffff;stroke-width:3px;stroke-opacity:.85;stroke-linejoin:round}}.b{{fill:#1b1f24}}.g{{stroke:#d0d7de;stroke-dasharray:2 5}}.f{{fill-opacity:.72}}
@media (prefers-color-scheme:dark){{.bg{{fill:#14171b}}.l,.m{{stroke:#14171b}}.h,.l{{fill:#e9edf2}}.s,.c,.m{{fill:#a2abb6}}.b{{fill:#e9edf2}}.g{{stroke:#3a424c}}.f{{fill-opacity:.85}}}}
</style>
<rect class="bg" width="100%" height="100%"/>
<text class="h" x="{LEFT}" y="40">Where the {symbol} in {root} came from</text>
<text class="s" x="{LEFT}" y="64">{mass} of {symbol} · {verified} of verified origin · {ancestors} ancestors · log of {size} entries</text>
"##,
        ancestors = answer.ancestors,
        mass = kilograms(answer.contained_mg),
        verified = percent(verified),
        size = thousands(answer.tree_size),
    );
}

/// A dotted line and a heading per column: what most of its lots are.
fn stages(svg: &mut String, flow: &Flow<'_>, columns: &HashMap<&str, usize>, count: usize, bottom: f64) {
    let mut last = String::new();
    for column in 0..count {
        let mut kinds: BTreeMap<String, usize> = BTreeMap::new();
        for (lot, _) in columns.iter().filter(|(_, at)| **at == column) {
            *kinds.entry(stage(flow, lot)).or_default() += 1;
        }
        let kind = kinds.into_iter().max_by_key(|(_, lots)| *lots).map_or_else(String::new, |(kind, _)| kind);
        let x = LEFT + COLUMN * column as f64 + BAR / 2.0;
        let _ = writeln!(
            svg,
            r#"<line class="g" x1="{x:.1}" y1="{:.1}" x2="{x:.1}" y2="{bottom:.1}"/>"#,
            TOP - 14.0
        );
        if kind != last {
            let _ = writeln!(
                svg,
                r#"<text class="c" x="{:.1}" y="{:.1}">{}</text>"#,
                x - BAR / 2.0,
                TOP - 22.0,
                escape(&kind)
            );
        }
        last = kind;
    }
}

fn stage(flow: &Flow<'_>, lot: &str) -> String {
    use ore_record::v1::MaterialClass;
    let lot = flow.lot(lot).and_then(|node| node.lot.as_ref());
    match lot.map(|lot| lot.material()) {
        Some(MaterialClass::Ore) => "mine".to_owned(),
        Some(MaterialClass::Concentrate) => "concentrate".to_owned(),
        Some(MaterialClass::Intermediate) => {
            if lot.is_some_and(|lot| lot.form.contains("powder")) {
                "powder".to_owned()
            } else {
                "refined".to_owned()
            }
        }
        Some(MaterialClass::Metal) => "ingot".to_owned(),
        Some(MaterialClass::SputteringTarget) => "target".to_owned(),
        Some(MaterialClass::Scrap) => "scrap".to_owned(),
        Some(MaterialClass::Residue) => "residue".to_owned(),
        _ => "product".to_owned(),
    }
}

/// Each edge as one band per origin, stacked.
fn bands(
    svg: &mut String,
    flow: &Flow<'_>,
    bars: &HashMap<&str, Bar>,
    through: &BTreeMap<&str, f64>,
    colours: &[(String, &'static str, Vec<&str>)],
) {
    let sources = flow.sources_of();
    // Next free height on the right side of each bar.
    let mut used: HashMap<&str, f64> = HashMap::new();
    let mut order = flow.order();
    order.sort_by(|a, b| bars[a].column.cmp(&bars[b].column).then(bars[a].y.total_cmp(&bars[b].y)));
    for lot in order {
        let (to, mut into) = (&bars[lot], 0.0);
        let mut inputs = flow.inputs(lot);
        inputs.sort_by(|a, b| bars[a.lot].y.total_cmp(&bars[b.lot].y));
        for input in inputs {
            let from = &bars[input.lot];
            let out = used.entry(input.lot).or_insert(0.0);
            let share_out = through[lot] * input.part / through[input.lot];
            let (width_in, width_out) = (to.height * input.part, from.height * share_out);
            let (mut y_in, mut y_out) = (to.y + into, from.y + *out);
            for (_, colour, lots) in colours {
                let part: f64 = lots.iter().filter_map(|source| sources[input.lot].get(source)).sum();
                if part <= 0.0 {
                    continue;
                }
                band(svg, colour, (from.x + BAR, y_out, width_out * part), (to.x, y_in, width_in * part));
                y_in += width_in * part;
                y_out += width_out * part;
            }
            into += width_in;
            *out += width_out;
        }
    }
}

fn band(svg: &mut String, colour: &str, (x1, y1, w1): (f64, f64, f64), (x2, y2, w2): (f64, f64, f64)) {
    let middle = (x1 + x2) / 2.0;
    let (e1, e2) = (y1 + w1.max(0.35), y2 + w2.max(0.35));
    let _ = writeln!(
        svg,
        r#"<path class="f" fill="{colour}" d="M{x1:.1} {y1:.2}C{middle:.1} {y1:.2} {middle:.1} {y2:.2} {x2:.1} {y2:.2}L{x2:.1} {e2:.2}C{middle:.1} {e2:.2} {middle:.1} {e1:.2} {x1:.1} {e1:.2}Z"/>"#
    );
}

fn labels(svg: &mut String, flow: &Flow<'_>, bars: &HashMap<&str, Bar>, through: &BTreeMap<&str, f64>) {
    let mut order = flow.order();
    order.sort_by(|a, b| bars[a].column.cmp(&bars[b].column).then(bars[a].y.total_cmp(&bars[b].y)));
    for lot in order {
        let bar = &bars[lot];
        let (member, number) = lot.split_once('/').unwrap_or(("", lot));
        let share = percent((through[lot].clamp(0.0, 1.0) * 1e18) as u64);
        let _ = writeln!(
            svg,
            r#"<g><title>{}: {} ({share})</title><rect class="b" x="{:.1}" y="{:.2}" width="{BAR}" height="{:.2}" rx="1.5"/><text class="l" x="{:.1}" y="{:.1}">{} <tspan class="m">{share}</tspan></text><text class="m" x="{:.1}" y="{:.1}">{}</text></g>"#,
            escape(lot),
            escape(&flow.form(lot)),
            bar.x,
            bar.y,
            bar.height,
            bar.x,
            bar.y + bar.height + 13.0,
            escape(number),
            bar.x,
            bar.y + bar.height + 25.0,
            escape(member),
        );
    }
}

fn legend_columns(width: f64) -> usize {
    ((width / 420.0) as usize).max(1)
}

fn legend(
    svg: &mut String,
    flow: &Flow<'_>,
    colours: &[(String, &'static str, Vec<&str>)],
    top: f64,
    width: f64,
) {
    let sources = flow.sources_of();
    let columns = legend_columns(width);
    for (at, (name, colour, lots)) in colours.iter().enumerate() {
        let share: f64 = lots.iter().filter_map(|source| sources[flow.root].get(source)).sum();
        let (x, y) = (LEFT + (at % columns) as f64 * 420.0, top + (at / columns) as f64 * 22.0);
        let _ = writeln!(
            svg,
            r#"<rect fill="{colour}" x="{x:.1}" y="{:.1}" width="14" height="14" rx="2"/><text class="l" x="{:.1}" y="{:.1}">{} · {}</text>"#,
            y - 11.0,
            x + 22.0,
            y,
            escape(name),
            percent((share.clamp(0.0, 1.0) * 1e18) as u64),
        );
    }
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
