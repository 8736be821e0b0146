//! The lot: where its metal came from, as a graph of ancestors, a Sankey of shares, and tables of the same.

use maud::{Markup, html};
use ore_wire::v1;

use super::parts::{
    self, attribution, element_of, facility_link, lot_head, lot_link, lot_path, member_link, model,
    record_link, share_bar, share_text, symbol,
};
use crate::{
    Refused, Source, events,
    graph::{self, Look, Origins, place_name},
    layout::Frame,
    locale::{fill, grade, mass, moment, percent, thousands},
    told::told,
};

/// Depths that can be chosen; 0: everything.
const DEPTHS: [u32; 5] = [2, 4, 8, 16, 0];
/// Records of the history on the page, and lots in the table under the graph.
const RECORDS: u32 = 100;
const ROWS: usize = 100;

/// What the page shows, once everything is asked.
struct Shown {
    lot: v1::Lot,
    element: u32,
    answer: v1::AttributeResponse,
    trace: Result<v1::TraceBackResponse, Refused>,
    history: v1::HistoryResponse,
}

pub(crate) async fn page(source: &dyn Source, frame: &Frame<'_>, id: &str) -> Result<Markup, Refused> {
    let lot = source.lot(id).await?.lot.unwrap_or_default();
    let t = frame.words();
    let history =
        source.history(v1::HistoryRequest { lot: id.to_owned(), page_size: RECORDS, ..Default::default() });
    let history = history.await?;
    let Some(element) = element_of(frame, Some(&lot)) else {
        return Ok(frame.page(
            &lot.lot,
            &[],
            html! {
                (lot_head(frame, &lot, ""))
                (facts(frame, &lot))
                p.note { (t.no_composition) }
                (records(frame, &history))
            },
        ));
    };
    let answer = attribution(source, frame, id, element).await?;
    let depth = frame.asked.query.number("depth").map_or(0, |depth| u32::try_from(depth).unwrap_or(0));
    // Somebody who sees this lot alone still sees its shares.
    let trace = parts::ancestors(source, frame, id, element, depth).await;
    let shown = Shown { lot, element, answer, trace, history };
    Ok(frame.page(&shown.lot.lot, &[], body(frame, &shown)))
}

fn body(frame: &Frame<'_>, shown: &Shown) -> Markup {
    let t = frame.words();
    let (lot, answer) = (&shown.lot, &shown.answer);
    let origins = Origins::of(answer);
    let name = symbol(shown.element);
    html! {
        (lot_head(frame, lot, ""))
        (facts(frame, lot))
        (tools(frame, lot, shown.element))
        @match &shown.trace {
            Ok(trace) => (ancestors(frame, shown, trace, &origins, &name)),
            Err(refused) => p.note { (told(frame.language, &refused.to_string())) },
        }
        div.split {
            section.card aria-labelledby="shares" {
                h2 #shares { (fill(t.shares_of, &[&name])) }
                (shares(frame, answer, &origins))
            }
            section.card aria-labelledby="sankey" {
                h2 #sankey { (t.sankey) }
                @let flow = graph::sankey(t, &lot.lot, answer, &origins);
                @let description = fill(t.sankey_desc, &[&name, &lot.lot]);
                figure.wide {
                    (graph::draw(&flow, &Look { id: "sankey-svg", title: t.sankey, description: &description, width: 400.0, scale: 250.0 }))
                    figcaption { (description) }
                }
            }
        }
        (records(frame, &shown.history))
    }
}

fn facts(frame: &Frame<'_>, lot: &v1::Lot) -> Markup {
    let t = frame.words();
    html! {
        section.card aria-label=(t.facts) {
            dl.facts {
                div.big { dt { (t.remaining) } dd { (mass(lot.remaining_dry_mg)) } }
                div.big { dt { (t.created) } dd { (mass(lot.created_dry_mg)) } }
                @for content in &lot.composition {
                    div { dt { (symbol(content.element)) " " @if content.measured { (t.measured) } @else { (t.declared) } }
                        dd { (grade(content.ppb)) @if content.uncertainty_ppb > 0 { small { " ± " (grade(content.uncertainty_ppb)) } } } }
                }
                div { dt { (t.custodian) } dd { (member_link(frame, &lot.custodian)) } }
                div { dt { (t.owner) } dd { (member_link(frame, &lot.owner)) } }
                div { dt { (t.facility) } dd { (facility_link(frame, &lot.facility)) } }
                div { dt { (t.custody_model) } dd { (model(t, lot.model())) } }
                @if !lot.origin_country.is_empty() { div { dt { (t.origin_country) } dd { (lot.origin_country) } } }
                @if !lot.transformation_country.is_empty() { div { dt { (t.transformation_country) } dd { (lot.transformation_country) } } }
            }
            // Asked there and not here: a question about a claim is written down.
            p.faint { a href=(frame.href(&lot_path(&lot.lot, "assays"))) { (t.origin_more) } }
        }
    }
}

/// Element and depth, by a form that works without scripts.
fn tools(frame: &Frame<'_>, lot: &v1::Lot, element: u32) -> Markup {
    let t = frame.words();
    let query = &frame.asked.query;
    let depth = query.number("depth").unwrap_or(0);
    let parts = query.get("parts").is_some();
    let mut elements: Vec<u32> = lot.composition.iter().map(|content| content.element).collect();
    if !elements.contains(&element) {
        elements.push(element);
    }
    html! {
        form.tools method="get" action=(lot_path(&lot.lot, "")) {
            @if frame.at() > 0 { input type="hidden" name="at" value=(frame.at()); }
            label { (t.element)
                select name="element" data-submit {
                    @for number in elements { option value=(symbol(number)) selected[number == element] { (symbol(number)) } }
                }
            }
            label { (t.depth)
                select name="depth" data-submit {
                    @for choice in DEPTHS {
                        option value=(choice) selected[u64::from(choice) == depth] {
                            @if choice == 0 { (t.depth_all) } @else { (fill(t.depth_steps, &[&choice.to_string()])) }
                        }
                    }
                }
            }
            label { (t.parts)
                select name="parts" data-submit {
                    option value="" selected[!parts] { (t.parts_merged) }
                    option value="1" selected[parts] { (t.parts_each) }
                }
            }
            button type="submit" { (t.as_of_go) }
        }
    }
}

fn ancestors(
    frame: &Frame<'_>,
    shown: &Shown,
    trace: &v1::TraceBackResponse,
    origins: &Origins,
    name: &str,
) -> Markup {
    let t = frame.words();
    let lot = &shown.lot.lot;
    let parts = frame.asked.query.get("parts").is_some();
    let flow = graph::of_trace(t, lot, trace, origins, parts, &|lot| frame.href(&lot_path(lot, "")));
    let summary = trace.summary.clone().unwrap_or_default();
    let title = fill(t.graph_title, &[name, lot]);
    let description =
        fill(t.graph_desc, &[&thousands(u64::from(summary.lots)), name, &mass(shown.answer.contained_mg)]);
    html! {
        section.card aria-labelledby="graph" {
            h2 #graph { (title) }
            @if flow.folded { p.note { (fill(t.graph_folded, &[&thousands(flow.lots as u64)])) } }
            @if summary.cut_short != 0 { p.note.warn { (t.cut_short) " " (told(frame.language, &summary.note)) } }
            @else if !summary.note.is_empty() { p.faint { (told(frame.language, &summary.note)) } }
            div.wide tabindex="0" role="region" aria-label=(title) {
                (graph::draw(&flow, &Look { id: "graph-svg", title: &title, description: &description, width: 1340.0, scale: 330.0 }))
            }
            p.legend {
                @for place in &origins.0 {
                    span { i class={ "swatch o" (place.colour) } {} (place_name(t, place.kind, &place.name)) " " b { (percent(place.share_e18)) } }
                }
            }
            p.faint { (description) }
            details {
                summary { (t.graph_table) }
                div.scroll tabindex="0" role="region" aria-label=(t.graph_table) { (lots_table(frame, trace)) }
            }
        }
    }
}

fn lots_table(frame: &Frame<'_>, trace: &v1::TraceBackResponse) -> Markup {
    let t = frame.words();
    let mut lots: Vec<&v1::GraphLot> = trace.lots.iter().collect();
    lots.sort_by(|a, b| a.depth.cmp(&b.depth).then(b.share_e18.cmp(&a.share_e18)));
    html! {
        table {
            thead { tr {
                th scope="col" { (t.lot) } th scope="col" { (t.material) } th.n scope="col" { (t.depth) }
                th.n scope="col" { (t.created) } th.n scope="col" { (t.share) } th scope="col" { (t.custodian) }
            } }
            tbody {
                @for node in lots.iter().take(ROWS) {
                    @if let Some(lot) = &node.lot {
                        tr {
                            th scope="row" { (lot_link(frame, &lot.lot)) }
                            td { (lot.form) }
                            td.n { (node.depth) }
                            td.n { (mass(node.created_mg)) }
                            td.n { (percent(node.share_e18)) }
                            td { (member_link(frame, &lot.custodian)) }
                        }
                    }
                }
            }
        }
        @if lots.len() > ROWS { p.faint { (fill(t.rows_of, &[&thousands(ROWS as u64), &thousands(lots.len() as u64)])) } }
    }
}

/// Shares by place, with intervals; by country; what is verified and recycled.
pub(super) fn shares(frame: &Frame<'_>, answer: &v1::AttributeResponse, origins: &Origins) -> Markup {
    let t = frame.words();
    html! {
        div.scroll tabindex="0" role="region" aria-label=(t.share) {
        table {
            thead { tr {
                th scope="col" { (t.origin) } th scope="col" { (t.country) } th scope="col" { span.screen aria-hidden="true" { } }
                th.n scope="col" { (t.share) } th.n scope="col" { (t.mass) }
            } }
            tbody {
                @for place in &origins.0 {
                    tr {
                        th scope="row" { i class={ "swatch o" (place.colour) } {} (place_name(t, place.kind, &place.name)) }
                        td { (place.country) }
                        td { (share_bar(place.colour, place.share_e18, place.lower_e18, place.upper_e18)) }
                        td.n { (share_text(place.share_e18, place.lower_e18, place.upper_e18)) }
                        td.n { (mass(place.mg)) }
                    }
                }
                @if answer.unresolved_e18 > 0 {
                    tr { th scope="row" { (t.unresolved) } td {} td {} td.n { (percent(answer.unresolved_e18)) } td {} }
                }
            }
            tfoot { tr { th scope="row" colspan="4" { (t.contained) } td.n { (mass(answer.contained_mg)) } } }
        }
        }
        dl.facts {
            @if let Some(verified) = &answer.verified {
                div { dt { (t.verified_origin) } dd { (share_text(verified.value_e18, verified.lower_e18, verified.upper_e18)) } }
            }
            @if let Some(recycled) = &answer.recycled {
                div { dt { (t.recycled_content) } dd { (share_text(recycled.value_e18, recycled.lower_e18, recycled.upper_e18)) } }
            }
            div { dt { (t.ancestors) } dd { (thousands(u64::from(answer.ancestors))) } }
            div { dt { (t.methods) } dd { (answer.methods.iter().map(|method| told(frame.language, method)).collect::<Vec<_>>().join(", ")) } }
        }
    }
}

fn records(frame: &Frame<'_>, history: &v1::HistoryResponse) -> Markup {
    let t = frame.words();
    html! {
        section.card aria-labelledby="records" {
            h2 #records { (t.records) }
            @if !history.cut_short.is_empty() { p.note.warn { (told(frame.language, &history.cut_short)) } }
            div.scroll tabindex="0" role="region" aria-label=(t.records) {
                table {
                    thead { tr {
                        th scope="col" { (t.when) } th scope="col" { (t.author) } th scope="col" { (t.event) }
                        th scope="col" { (t.what) } th.n scope="col" { (t.entry) } th scope="col" { (t.record) }
                    } }
                    tbody {
                        @for entry in &history.entries {
                            @let told = events::tell(t, &entry.entry);
                            tr {
                                td.w { (moment(told.time_ms)) }
                                td { (member_link(frame, &told.author)) }
                                th.w scope="row" { (told.event) }
                                td { (told.text) }
                                td.n { (thousands(entry.leaf_index)) }
                                td.w { (record_link(frame, &entry.record_id)) }
                            }
                        }
                    }
                }
            }
            @if !history.next_page_token.is_empty() { p.faint { (fill(t.rows_first, &[&thousands(history.entries.len() as u64)])) } }
        }
    }
}
