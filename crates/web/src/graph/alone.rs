//! The graph of ancestors as a file of its own: the picture of the lot's page with heading and legend, for a report.
//!
//! Its colours are the style sheet's, put in as values, because not every program that shows SVG knows variables; light
//! and dark follow the reader's system. No script, no font and nothing else from outside.

use std::collections::BTreeMap;

use maud::{PreEscaped, html};
use ore_wire::v1::{AttributeResponse, TraceBackResponse};

use super::{
    Look, Origins,
    draw::{drawn, n},
    of_trace, place_name,
};
use crate::{
    Language,
    assets::asset,
    locale::{fill, mass, percent, thousands},
};

const MARGIN: f64 = 28.0;
const HEAD: f64 = 78.0;
/// One entry of the legend.
const ENTRY: f64 = 300.0;
const LINE: f64 = 22.0;

/// Where the metal of a lot came from; `symbol` is the element's.
#[must_use]
pub fn provenance_picture(
    language: Language,
    lot: &str,
    symbol: &str,
    trace: &TraceBackResponse,
    answer: &AttributeResponse,
) -> String {
    let t = language.words();
    let origins = Origins::of(answer);
    let flow = of_trace(t, lot, trace, &origins, false, &|_| String::new());
    let title = fill(t.graph_title, &[symbol, lot]);
    let description = fill(t.graph_desc, &[&thousands(flow.lots as u64), symbol, &mass(answer.contained_mg)]);
    let look = Look { id: "graph", title: &title, description: &description, width: 1340.0, scale: 330.0 };
    let (graph, (width, height)) = drawn(&flow, &look);
    let across = ((width / ENTRY) as usize).max(1);
    let verified = answer.verified.as_ref().map_or(0, |share| share.value_e18);
    let under = format!(
        "{} {symbol} · {} {} · {} {}",
        mass(answer.contained_mg),
        t.verified_origin,
        percent(verified),
        t.tree_size,
        thousands(answer.tree_size),
    );
    let legend = LINE * origins.0.len().div_ceil(across) as f64;
    let whole = ((width + 2.0 * MARGIN).ceil(), (HEAD + height + 30.0 + legend + MARGIN).ceil());
    let place = |at: usize| {
        let (column, row) = (at % across, at / across);
        (MARGIN + ENTRY * column as f64, HEAD + height + 34.0 + LINE * row as f64)
    };
    let picture = html! {
        svg xmlns="http://www.w3.org/2000/svg" role="img" aria-label=(title) lang=(language.tag())
            viewBox={ "0 0 " (n(whole.0)) " " (n(whole.1)) } width=(n(whole.0)) height=(n(whole.1)) {
            style { (PreEscaped(style())) }
            rect.paper width="100%" height="100%" {}
            text.heading x=(n(MARGIN)) y="36" { (title) }
            text.soft x=(n(MARGIN)) y="58" { (under) }
            svg x=(n(MARGIN)) y=(n(HEAD)) width=(n(width)) height=(n(height)) { (graph) }
            @for (at, origin) in origins.0.iter().enumerate() {
                @let (x, y) = place(at);
                rect class={ "o" (origin.colour) } x=(n(x)) y=(n(y - 10.0)) width="11" height="11" rx="2" {}
                text x=(n(x + 17.0)) y=(n(y)) { (place_name(t, origin.kind, &origin.name)) " (" (origin.country) ") " (percent(origin.share_e18)) }
            }
        }
    };
    format!("{}\n", picture.into_string())
}

/// The rules of the page's style sheet that pictures need, with the values of light, and of dark for who asks for it.
fn style() -> String {
    let sheet =
        asset("style.css").and_then(|asset| std::str::from_utf8(asset.bytes).ok()).unwrap_or_default();
    let (light, dark) = sheet.split_once("@media (prefers-color-scheme: dark)").unwrap_or((sheet, ""));
    let (light, dark) = (values(light), values(dark));
    let wanted = |line: &&str| {
        // Bars of tables, maps and what answers to a pointer are no part of this picture.
        (line.starts_with("svg .") || line.starts_with("svg text") || line.starts_with(".o"))
            && !line.starts_with(".origin")
    };
    let mut rules: String = sheet.lines().filter(wanted).map(|line| format!("{line}\n")).collect();
    rules
        .push_str("svg .paper { fill: var(--card); }\nsvg .heading { font-size: 20px; font-weight: 600; }\n");
    let mut both = light.clone();
    both.extend(dark);
    format!(
        "svg {{ font-family: \"Inter\", \"Segoe UI\", \"Helvetica Neue\", \"Noto Sans CJK JP\", Arial, sans-serif; }}\n{}@media (prefers-color-scheme: dark) {{\n{}}}\n",
        with(&rules, &light),
        with(&rules, &both),
    )
}

/// `--name: value` of the first block.
fn values(block: &str) -> BTreeMap<String, String> {
    let block = block.split_once('{').map_or("", |(_, rest)| rest);
    let block = block.split_once('}').map_or(block, |(block, _)| block);
    let value = |line: &str| {
        let (name, value) = line.split_once("--")?.1.split_once(": ")?;
        Some((name.to_owned(), value.trim().to_owned()))
    };
    block.split(';').filter_map(value).collect()
}

fn with(rules: &str, values: &BTreeMap<String, String>) -> String {
    values
        .iter()
        .fold(rules.to_owned(), |rules, (name, value)| rules.replace(&format!("var(--{name})"), value))
}

#[cfg(test)]
mod tests {
    use ore_wire::v1::{GraphAmount, GraphLot, GraphSource, GraphStep, Lot, Origin, OriginShare, Share};

    use super::*;

    #[test]
    fn a_picture_stands_alone_and_hostile_names_stay_text() {
        const ONE: u64 = 1_000_000_000_000_000_000;
        let hostile = "m/</text><script>x";
        let lot = |name: &str| GraphLot {
            lot: Some(Lot { lot: name.to_owned(), ..Lot::default() }),
            share_e18: ONE,
            ..GraphLot::default()
        };
        let origin =
            Origin { source: hostile.to_owned(), country: "AU".to_owned(), kind: 1, ..Origin::default() };
        let part = |name: &str| GraphAmount {
            lot: name.to_owned(),
            mg: 5,
            share_e18: ONE,
            ..GraphAmount::default()
        };
        let trace = TraceBackResponse {
            lots: vec![lot("t/1"), lot(hostile)],
            steps: vec![GraphStep {
                inputs: vec![part(hostile)],
                outputs: vec![part("t/1")],
                ..GraphStep::default()
            }],
            sources: vec![GraphSource {
                lot: hostile.to_owned(),
                origin: Some(origin.clone()),
                ..GraphSource::default()
            }],
            ..TraceBackResponse::default()
        };
        let share = Share { value_e18: ONE, lower_e18: ONE, upper_e18: ONE };
        let answer = AttributeResponse {
            origins: vec![OriginShare { origin: Some(origin), share: Some(share), mg: 5 }],
            contained_mg: 5,
            ..AttributeResponse::default()
        };
        for language in [Language::English, Language::Japanese] {
            let svg = provenance_picture(language, "t/1", "Ta", &trace, &answer);
            assert!(svg.starts_with("<svg ") && svg.ends_with("</svg>\n"), "{svg}");
            assert!(!svg.contains("<script") && !svg.contains("var(--"), "{svg}");
            assert!(
                !svg.contains("http://") || svg.matches("http").count() == svg.matches("www.w3.org").count()
            );
            assert!(svg.contains("prefers-color-scheme: dark") && svg.contains("100 %"));
            assert_eq!(svg.matches("class=\"flow o0\"").count(), 1, "one band: {svg}");
        }
    }
}
