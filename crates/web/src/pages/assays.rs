//! Assays of a lot against each other and against its maker's declaration, rare earths over chondrite, and what they
//! say of the claimed origin.

use std::collections::BTreeMap;

use maud::{Markup, html};
use ore_fingerprint::{ledger, pattern::Pattern, plot::AssaysPlot};
use ore_record::{
    SignedRecord,
    v1::{AssayStage, Composition, ContentKind, MaterialClass, record::Event},
};
use ore_wire::v1;

use super::{
    origin::{self, picture},
    parts::{lot_head, member_link, record_link, symbol},
};
use crate::{
    Refused, Source,
    layout::Frame,
    locale::{day, grade},
    words::Words,
};

/// Assays side by side.
const MOST: usize = 8;

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
    /// Spots of its trace pattern, those that can be read.
    patterns: Vec<Pattern>,
}

pub(crate) async fn page(source: &dyn Source, frame: &Frame<'_>, id: &str) -> Result<Markup, Refused> {
    let t = frame.words();
    let lot = source.lot(id).await?.lot.unwrap_or_default();
    let asked = v1::HistoryRequest { lot: id.to_owned(), page_size: 1_000, ..Default::default() };
    let history = source.history(asked).await?;
    let checked = origin::check(source, frame, id).await;
    let seen = history.entries.iter().filter(|entry| frame.at() == 0 || entry.leaf_index < frame.at());
    let columns: Vec<Column> = seen.filter_map(|entry| column(entry, id, lot.material())).collect();
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
        (origin::whole(frame, id, &checked))
        @if let Some(plot) = rare_earths(shown) {
            section.card.origin aria-labelledby="rare" {
                h2 #rare { (t.rare_earths) }
                figure { div.wide tabindex="0" role="region" aria-label=(t.rare_earths) { (plot) }
                    figcaption { (t.rare_earths_desc) } }
            }
        }
    }))
}

fn column(entry: &v1::HistoryEntry, lot: &str, material: MaterialClass) -> Option<Column> {
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
    let reports = assay.map_or_else(Vec::new, |it| ledger::lot(it, material).reports);
    let patterns: Vec<Pattern> = reports.iter().filter_map(|report| report.pattern().ok()).collect();
    let contents = contents(&composition);
    if contents.is_empty() && patterns.is_empty() {
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
        patterns,
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
                tr { th scope="row" { (t.stage) } @for column in columns { td.n { @if column.declared { span.badge { (t.declared) } } @else { span.badge.(if column.stage == AssayStage::Unspecified { "none" } else { "good" }) { (stage(t, column.stage)) } } } } }
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

/// Rare earths of each assay over chondrite; nothing when no assay has any.
fn rare_earths(columns: &[Column]) -> Option<Markup> {
    let named =
        |column: &Column| (format!("{} {}", column.author, day(column.time_ms)), column.patterns.clone());
    let assays: Vec<(String, Vec<Pattern>)> = columns.iter().map(named).collect();
    picture(&AssaysPlot { assays: &assays }.svg()?)
}

#[cfg(test)]
mod tests {
    use ore_record::v1::Assay;

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
            patterns: Vec::new(),
        }
    }

    #[test]
    fn rare_earths_are_drawn_with_every_spot_and_limit() {
        let trace = |element, ppt| ore_record::v1::TraceValue { element, ppt, ..Default::default() };
        let missing = ore_record::v1::TraceValue { below_detection: true, ..trace(58, 1_000) };
        let assay = Assay {
            pattern: vec![trace(57, 2_370_000), missing, trace(59, 928_000), trace(60, 4_570_000)],
            matrix: "scheelite".to_owned(),
            ..Assay::default()
        };
        let reports = ledger::lot(&assay, MaterialClass::Concentrate).reports;
        let patterns: Vec<Pattern> = reports.iter().filter_map(|report| report.pattern().ok()).collect();
        assert_eq!(patterns.len(), 1);
        let html = rare_earths(&[Column { patterns, ..column(1, 1) }]).expect("a plot").into_string();
        // Praseodymium and neodymium are joined; cerium, below detection, is a triangle and breaks the line.
        assert!(html.contains("<polyline") && html.matches("<circle").count() == 3, "{html}");
        assert_eq!(html.matches("<polygon").count(), 1, "{html}");
        assert!(rare_earths(&[column(1, 1)]).is_none(), "no pattern, no plot");
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
