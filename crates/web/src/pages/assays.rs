//! Assays of a lot against each other and against its maker's declaration, and rare earths over chondrite.

use std::{collections::BTreeMap, fmt::Write};

use maud::{Markup, PreEscaped, html};
use ore_fingerprint::element::{Element, Normaliser};
use ore_record::{
    SignedRecord,
    v1::{Assay, AssayStage, Composition, ContentKind, record::Event},
};
use ore_wire::v1;

use super::parts::{lot_head, member_link, record_link, symbol};
use crate::{
    Refused, Source,
    layout::Frame,
    locale::{day, grade},
    words::Words,
};

/// Assays side by side.
const MOST: usize = 8;

/// Measures of the rare-earth plot.
const WIDTH: f64 = 760.0;
const HEIGHT: f64 = 330.0;
const LEFT: f64 = 60.0;
const TOP: f64 = 20.0;
const BOTTOM: f64 = 290.0;

/// One column: who measured, when, what came out.
struct Column {
    author: String,
    time_ms: u64,
    stage: AssayStage,
    method: String,
    declared: bool,
    record: Vec<u8>,
    /// By element: parts per billion of the element, uncertainty, and whether it is a limit of detection.
    contents: BTreeMap<u32, (u32, u32, bool)>,
    pattern: Vec<ore_record::v1::TraceValue>,
}

pub(crate) async fn page(source: &dyn Source, frame: &Frame<'_>, id: &str) -> Result<Markup, Refused> {
    let t = frame.words();
    let lot = source.lot(id).await?.lot.unwrap_or_default();
    let asked = v1::HistoryRequest { lot: id.to_owned(), page_size: 1_000, ..Default::default() };
    let history = source.history(asked).await?;
    let seen = history.entries.iter().filter(|entry| frame.at() == 0 || entry.leaf_index < frame.at());
    let columns: Vec<Column> = seen.filter_map(|entry| column(entry, id)).collect();
    let shown = &columns[columns.len().saturating_sub(MOST)..];
    let mut elements: Vec<u32> = shown.iter().flat_map(|column| column.contents.keys().copied()).collect();
    elements.sort_unstable();
    elements.dedup();
    let measured = shown.iter().filter(|column| !column.declared).count();
    Ok(frame.page(&format!("{id} · {}", t.view_assays), &[], html! {
        (lot_head(frame, &lot, "assays"))
        @if measured == 0 { p.note { (t.assays_none) } }
        @if !elements.is_empty() {
            section.card aria-labelledby="compare" {
                h2 #compare { (t.assays_title) }
                div.scroll tabindex="0" role="region" aria-label=(t.assays_title) { (table(frame, shown, &elements)) }
                p.faint { (t.assays_lead) }
            }
        }
        @if let Some(plot) = rare_earths(t, shown) {
            section.card aria-labelledby="rare" { h2 #rare { (t.rare_earths) } div.wide { (plot) } p.faint { (Normaliser::McDonoughSun1995.name()) } }
        }
    }))
}

fn column(entry: &v1::HistoryEntry, lot: &str) -> Option<Column> {
    let signed = SignedRecord::decode(&entry.entry).ok()?;
    let record = signed.record();
    let (composition, assay) = match record.event.as_ref()? {
        Event::Assay(it) => (it.composition.clone().unwrap_or_default(), Some(it)),
        Event::Commission(it) => (it.lot.as_ref()?.composition.clone()?, None),
        Event::Transform(it) => {
            let output = it.outputs.iter().filter_map(|it| it.lot.as_ref()).find(|made| made.lot == lot)?;
            (output.composition.clone()?, None)
        }
        _ => return None,
    };
    let pattern = assay.map_or_else(Vec::new, |it: &Assay| it.pattern.clone());
    let contents = contents(&composition);
    if contents.is_empty() && pattern.is_empty() {
        return None;
    }
    Some(Column {
        author: if composition.laboratory.is_empty() {
            record.author.clone()
        } else {
            composition.laboratory.clone()
        },
        time_ms: record.event_time_ms,
        stage: composition.stage(),
        method: composition.method.clone(),
        declared: assay.is_none(),
        record: entry.record_id.to_vec(),
        contents,
        pattern,
    })
}

/// Oxides are converted to their element, so that columns can be compared.
fn contents(composition: &Composition) -> BTreeMap<u32, (u32, u32, bool)> {
    let row = |content: &ore_record::v1::Content| {
        let of = ore_record::content::element_of(content).ok()?;
        let limit = content.kind() == ContentKind::BelowDetection;
        let ppb = if limit { of.uncertainty_ppb } else { of.ppb };
        Some((content.element, (ppb, of.uncertainty_ppb, limit)))
    };
    composition.contents.iter().take(40).filter_map(row).collect()
}

fn stage(t: &'static Words, stage: AssayStage) -> &'static str {
    match stage {
        AssayStage::Unspecified => t.not_stated,
        AssayStage::Producer => t.assay_producer,
        AssayStage::Provisional => t.assay_provisional,
        AssayStage::Seller => t.assay_seller,
        AssayStage::Buyer => t.assay_buyer,
        AssayStage::Umpire => t.assay_umpire,
        AssayStage::Final => t.assay_final,
    }
}

fn table(frame: &Frame<'_>, columns: &[Column], elements: &[u32]) -> Markup {
    let t = frame.words();
    html! {
        table {
            thead {
                tr { th scope="col" { (t.element) } @for column in columns { th.n scope="col" { (member_link(frame, &column.author)) br; (day(column.time_ms)) } } }
                tr { th scope="row" { (t.stage) } @for column in columns { td.n { @if column.declared { span.badge { (t.declared) } } @else { span.badge.good { (stage(t, column.stage)) } } } } }
            }
            tbody {
                @for element in elements {
                    tr { th scope="row" { (symbol(*element)) }
                        @for column in columns { td.n {
                            @match column.contents.get(element) {
                                None => span.faint { "–" },
                                Some((ppb, _, true)) => { "< " (grade(*ppb)) }
                                Some((ppb, uncertainty, false)) => {
                                    (grade(*ppb)) @if *uncertainty > 0 { small { " ± " (grade(*uncertainty)) } }
                                    @if disagrees(columns, *element, *ppb, *uncertainty) { " " span.badge.warn { (t.disagrees) } }
                                }
                            }
                        } }
                    }
                }
                tr { th scope="row" { (t.method) } @for column in columns { td.n { (column.method) } } }
                tr { th scope="row" { (t.record) } @for column in columns { td.n { (record_link(frame, &column.record)) } } }
            }
        }
    }
}

/// Whether another column states something else, beyond both uncertainties together.
fn disagrees(columns: &[Column], element: u32, ppb: u32, uncertainty: u32) -> bool {
    columns.iter().filter_map(|column| column.contents.get(&element)).filter(|(.., limit)| !limit).any(
        |(other, beside, _)| {
            let both = f64::from(uncertainty).hypot(f64::from(*beside));
            both > 0.0 && f64::from(ppb.abs_diff(*other)) > both
        },
    )
}

/// Rare earths of each pattern over chondrite, logarithmic; nothing when no assay has any.
fn rare_earths(t: &'static Words, columns: &[Column]) -> Option<Markup> {
    let lines: Vec<(usize, Vec<(f64, f64)>)> = columns
        .iter()
        .enumerate()
        .map(|(at, column)| (at, points(column)))
        .filter(|(_, points)| points.len() >= 2)
        .collect();
    let all = lines.iter().flat_map(|(_, points)| points.iter().map(|(_, log)| *log));
    let (low, high) = all.fold((f64::MAX, f64::MIN), |(low, high), log| (low.min(log), high.max(log)));
    if low > high {
        return None;
    }
    let (low, high) = (low.floor(), high.ceil().max(low.floor() + 1.0));
    let x = |number: f64| LEFT + 20.0 + (number - 57.0) / 14.0 * (WIDTH - LEFT - 40.0);
    let y = |log: f64| BOTTOM - (log - low) / (high - low) * (BOTTOM - TOP);
    let mut body = String::new();
    for decade in low as i32..=high as i32 {
        let at = y(f64::from(decade));
        let _ = write!(
            body,
            r#"<line class="rule" x1="{LEFT}" x2="{WIDTH}" y1="{at:.1}" y2="{at:.1}"/><text class="soft" text-anchor="end" x="{}" y="{:.1}">10<tspan dy="-5" font-size="9">{decade}</tspan></text>"#,
            LEFT - 6.0,
            at + 4.0
        );
    }
    for element in Element::all() {
        let at = x(f64::from(element.atomic_number()));
        let _ = write!(
            body,
            r#"<text class="soft" text-anchor="middle" x="{at:.1}" y="{}">{}</text>"#,
            BOTTOM + 20.0,
            element.symbol()
        );
    }
    for (column, points) in &lines {
        let path: Vec<String> =
            points.iter().map(|(number, log)| format!("{:.1} {:.1}", x(*number), y(*log))).collect();
        let _ = write!(body, r#"<path class="trace s{}" d="M{}"/>"#, column % 8, path.join("L"));
        for (number, log) in points {
            let _ = write!(
                body,
                r#"<circle class="o{}" cx="{:.1}" cy="{:.1}" r="3.5"/>"#,
                column % 8,
                x(*number),
                y(*log)
            );
        }
    }
    Some(html! {
        svg role="img" viewBox={ "0 0 " (WIDTH) " " (HEIGHT) } width=(WIDTH) height=(HEIGHT) aria-labelledby="rare-title rare-desc" {
            title #rare-title { (t.rare_earths) }
            desc #rare-desc { (t.rare_earths_desc) }
            (PreEscaped(body))
        }
        p.legend { @for (column, _) in &lines { span { i class={ "swatch o" (column % 8) } {} (columns[*column].author) " " (day(columns[*column].time_ms)) } } }
    })
}

/// Atomic number and the logarithm of the value over chondrite.
fn points(column: &Column) -> Vec<(f64, f64)> {
    let chondrite = Normaliser::McDonoughSun1995.ppm();
    let value = |element: Element| {
        let number = u32::from(element.atomic_number());
        let found = column
            .pattern
            .iter()
            .find(|it| it.element == number && it.isotope == 0 && !it.below_detection)?;
        let ppm = found.ppt as f64 / 1e6;
        (ppm > 0.0).then(|| (f64::from(number), (ppm / chondrite[element.index()]).log10()))
    };
    Element::all().filter_map(value).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn column(ppb: u32, uncertainty: u32) -> Column {
        Column {
            author: String::new(),
            time_ms: 0,
            stage: AssayStage::Seller,
            method: String::new(),
            declared: false,
            record: Vec::new(),
            contents: BTreeMap::from([(73, (ppb, uncertainty, false))]),
            pattern: Vec::new(),
        }
    }

    #[test]
    fn rare_earths_are_drawn_over_chondrite() {
        let trace = |element, ppm: f64| ore_record::v1::TraceValue {
            element,
            ppt: (ppm * 1e6) as u64,
            ..Default::default()
        };
        // Ten times chondrite at lanthanum, a hundred times at lutetium; cerium was not found.
        let missing = ore_record::v1::TraceValue { below_detection: true, ..trace(58, 6.13) };
        let with = Column { pattern: vec![trace(57, 2.37), missing, trace(71, 2.46)], ..column(1, 1) };
        let drawn = points(&with);
        assert_eq!(drawn.len(), 2);
        assert!((drawn[0].1 - 1.0).abs() < 1e-6 && (drawn[1].1 - 2.0).abs() < 1e-6, "{drawn:?}");
        let html = rare_earths(&crate::words::EN, &[with]).expect("a plot").into_string();
        assert!(html.contains("class=\"trace s0\"") && html.matches("<circle").count() == 2, "{html}");
        assert!(rare_earths(&crate::words::EN, &[column(1, 1)]).is_none(), "no pattern, no plot");
    }

    #[test]
    fn assays_disagree_beyond_their_uncertainties_together() {
        // 3 and 4 make 5.
        assert!(!disagrees(&[column(100, 3), column(105, 4)], 73, 100, 3));
        assert!(disagrees(&[column(100, 3), column(106, 4)], 73, 100, 3));
        // Without a stated uncertainty nothing can be said.
        assert!(!disagrees(&[column(100, 0), column(900, 0)], 73, 100, 0));
    }
}
