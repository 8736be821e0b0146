//! What went round: the scrap loop of a lot by generation, and the circularity of an element over the whole ledger.

use maud::{Markup, html};
use ore_record::v1::{Process, RecyclingClass};
use ore_wire::v1;

use super::parts::{
    Opened, ancestors, attribution, element_of, facility_link, lot_head, lot_link, open, record_link,
    share_bar, share_text, symbol,
};
use crate::{
    Refused, Source,
    layout::Frame,
    locale::{day, fill, mass, percent},
    told::told,
    words::Words,
};

fn pass(t: &'static Words, generation: u32) -> String {
    match generation {
        0 => t.pass_none.to_owned(),
        1 => t.pass_one.to_owned(),
        more => fill(t.pass_many, &[&more.to_string()]),
    }
}

fn class(t: &'static Words, class: RecyclingClass) -> &'static str {
    match class {
        RecyclingClass::Unspecified => t.not_stated,
        RecyclingClass::Internal => t.class_internal,
        RecyclingClass::PreConsumer => t.class_pre,
        RecyclingClass::PostConsumer => t.class_post,
    }
}

/// The loop of one lot.
pub(crate) async fn of_lot(source: &dyn Source, frame: &Frame<'_>, id: &str) -> Result<Markup, Refused> {
    let t = frame.words();
    let (lot, element) = match open(source, frame, id, "loop").await? {
        Opened::At(lot, element) => (lot, element),
        Opened::Without(page) => return Ok(page),
    };
    let answer = attribution(source, frame, id, element).await?;
    let trace = ancestors(source, frame, id, element, 0).await?;
    let mut steps: Vec<&v1::GraphStep> =
        trace.steps.iter().filter(|step| step.process() == Process::Recycling).collect();
    steps.sort_by_key(|step| step.event_time_ms);
    let mut generations: Vec<&v1::GenerationShare> = answer.generations.iter().collect();
    generations.sort_by_key(|row| row.generation);
    let name = symbol(element);
    Ok(frame.page(&format!("{id} · {}", t.view_loop), &[], html! {
        (lot_head(frame, &lot, "loop"))
        div.grid {
            section.card aria-labelledby="generations" {
                h2 #generations { (fill(t.loop_title, &[&name])) }
                table {
                    thead { tr { th scope="col" { (t.generation) } th scope="col" { span.hidden { (t.share) } } th.n scope="col" { (t.share) } th.n scope="col" { (t.mass) } } }
                    tbody { @for row in &generations {
                        @let share = row.share.unwrap_or_default();
                        tr {
                            th scope="row" { (pass(t, row.generation)) }
                            td { (share_bar(row.generation as usize % 8, share.value_e18, share.lower_e18, share.upper_e18)) }
                            td.n { (share_text(share.value_e18, share.lower_e18, share.upper_e18)) }
                            td.n { (mass((u128::from(answer.contained_mg) * u128::from(share.value_e18) / 1_000_000_000_000_000_000) as u64)) }
                        }
                    } }
                }
                p.faint { (t.loop_lead) }
            }
            section.card aria-labelledby="routes" {
                h2 #routes { (t.routes) }
                table {
                    thead { tr { th scope="col" { (t.route) } th scope="col" { span.hidden { (t.share) } } th.n scope="col" { (t.share) } } }
                    tbody { @for row in &answer.routes {
                        @let share = row.share.unwrap_or_default();
                        tr { th scope="row" { (route(t, row.route())) } td { (share_bar(2, share.value_e18, share.lower_e18, share.upper_e18)) } td.n { (share_text(share.value_e18, share.lower_e18, share.upper_e18)) } }
                    } }
                }
                dl.facts { @if let Some(recycled) = &answer.recycled { div.big { dt { (t.recycled_content) } dd { (percent(recycled.value_e18)) } } } }
                p.faint { (t.recycled_lead) }
            }
        }
        section.card aria-labelledby="steps" {
            h2 #steps { (t.recycling_steps) }
            @if steps.is_empty() { p.note { (t.recycling_none) } } @else {
                div.scroll tabindex="0" role="region" aria-label=(t.recycling_steps) { table {
                    thead { tr { th scope="col" { (t.when) } th scope="col" { (t.facility) } th scope="col" { (t.class) } th scope="col" { (t.taken) } th scope="col" { (t.produced) } th.n scope="col" { (t.mass) } th scope="col" { (t.record) } } }
                    tbody { @for step in &steps { tr {
                        td.w { (day(step.event_time_ms)) }
                        td { (facility_link(frame, &step.facility)) }
                        td { span.badge.(if step.recycling_class() == RecyclingClass::Internal { "none" } else { "good" }) { (class(t, step.recycling_class())) } }
                        td { @for (at, input) in step.inputs.iter().take(6).enumerate() { @if at > 0 { ", " } (lot_link(frame, &input.lot)) } }
                        td { @for (at, output) in step.outputs.iter().take(6).enumerate() { @if at > 0 { ", " } (lot_link(frame, &output.lot)) } }
                        td.n { (mass(step.inputs.iter().map(|input| input.mg).sum())) }
                        td.w { (record_link(frame, &step.record_id)) }
                    } } }
                } }
            }
        }
        p { a href=(frame.href(&format!("/circularity?element={name}"))) { (fill(t.circularity_title, &[&name])) } }
    }))
}

fn route(t: &'static Words, route: ore_record::v1::Route) -> &'static str {
    use ore_record::v1::Route;
    match route {
        Route::Unspecified => t.not_stated,
        Route::Primary => t.route_primary,
        Route::PreConsumer => t.class_pre,
        Route::PostConsumer => t.class_post,
    }
}

/// The whole ledger.
pub(crate) async fn page(source: &dyn Source, frame: &Frame<'_>) -> Result<Markup, Refused> {
    let t = frame.words();
    // What the ledger is mostly about: the main element of its newest product.
    let element = match element_of(frame, None) {
        Some(element) => element,
        None => newest_element(source).await,
    };
    let strict = frame.asked.query.get("reading") == Some("strict");
    let reading = if strict { v1::RecyclingReading::Strict } else { v1::RecyclingReading::Common };
    let asked = v1::CircularityRequest {
        element,
        reading: reading.into(),
        as_of: Some(v1::AsOf { tree_size: frame.at(), date_ms: 0 }),
        generations: true,
        ..Default::default()
    };
    let answer = source.circularity(asked).await?;
    let name = symbol(element);
    let total = answer.total.unwrap_or_default();
    let whole: u64 = answer
        .generations
        .iter()
        .map(|row| row.mg)
        .sum::<u64>()
        .saturating_add(answer.generations_unresolved_mg);
    let share = |mg: u64| {
        (u128::from(mg) * 1_000_000_000_000_000_000).checked_div(u128::from(whole)).unwrap_or(0) as u64
    };
    Ok(frame.page(&fill(t.circularity_title, &[&name]), &[], html! {
        h1 { (fill(t.circularity_title, &[&name])) }
        p.lead { (t.circularity_lead) " " (told(frame.language, &answer.reading)) }
        form.tools method="get" action="/circularity" {
            @if frame.at() > 0 { input type="hidden" name="at" value=(frame.at()); }
            label { (t.element) input name="element" size="4" maxlength="3" value=(name); }
            label { (t.reading) select name="reading" data-submit { option value="" selected[!strict] { (t.reading_common) } option value="strict" selected[strict] { (t.reading_strict) } } }
            button type="submit" { (t.as_of_go) }
        }
        @if let Some(basis) = &answer.basis { @if basis.cut_short != 0 { p.note.warn { (t.cut_short) " " (told(frame.language, &basis.note)) } } }
        section.card aria-label=(t.facts) {
            dl.facts {
                (ratio(t, t.ratio_recycled_input, total.recycled_input))
                (ratio(t, t.ratio_secondary, total.secondary))
                (ratio(t, t.ratio_recovery, total.recovery))
                (ratio(t, t.ratio_return, total.return_rate))
                (ratio(t, t.ratio_loop, total.r#loop))
            }
        }
        div.grid {
            section.card aria-labelledby="generations" {
                h2 #generations { (t.generations_products) }
                @if whole == 0 { p.note { (t.no_data) } } @else { table {
                    thead { tr { th scope="col" { (t.generation) } th scope="col" { span.hidden { (t.share) } } th.n scope="col" { (t.share) } th.n scope="col" { (t.mass) } } }
                    tbody {
                        @for row in &answer.generations { tr { th scope="row" { (pass(t, row.generation)) } td { (share_bar(row.generation as usize % 8, share(row.mg), 0, 0)) } td.n { (percent(share(row.mg))) } td.n { (mass(row.mg)) } } }
                        @if answer.generations_unresolved_mg > 0 { tr { th scope="row" { (t.unresolved) } td {} td.n { (percent(share(answer.generations_unresolved_mg))) } td.n { (mass(answer.generations_unresolved_mg)) } } }
                    }
                } }
            }
            section.card aria-labelledby="masses" {
                h2 #masses { (t.masses) }
                table { tbody {
                    @for (word, mg) in [(t.mined, total.mined_mg), (t.of_unknown, total.unknown_mg), (t.class_pre, total.scrap_pre_consumer_mg), (t.class_post, total.scrap_post_consumer_mg), (t.class_internal, total.run_around_mg), (t.intake, total.intake_mg), (t.recovered, total.recovered_mg), (t.returned, total.returned_mg), (t.products, total.products_mg)] {
                        tr { th scope="row" { (word) } td.n { (mass(mg)) } }
                    }
                } }
            }
        }
        section.card aria-labelledby="countries" {
            h2 #countries { (t.by_country) }
            div.scroll tabindex="0" role="region" aria-label=(t.by_country) { table {
                thead { tr { th scope="col" { (t.country) } th.n scope="col" { (t.mined) } th.n scope="col" { (t.intake) } th.n scope="col" { (t.recovered) } th.n scope="col" { (t.products) } th.n scope="col" { (t.ratio_recovery) } th.n scope="col" { (t.ratio_recycled_input) } } }
                tbody { @for row in &answer.countries { tr {
                    th scope="row" { (row.country) } td.n { (mass(row.mined_mg)) } td.n { (mass(row.intake_mg)) } td.n { (mass(row.recovered_mg)) } td.n { (mass(row.products_mg)) }
                    td.n { (ratio_text(t, row.recovery)) } td.n { (ratio_text(t, row.recycled_input)) }
                } } }
            } }
        }
    }))
}

async fn newest_element(source: &dyn Source) -> u32 {
    const TANTALUM: u32 = 73;
    let asked = v1::ListLotsRequest { page_size: 200, ..Default::default() };
    let lots = source.lots(asked).await.map(|answer| answer.lots).unwrap_or_default();
    lots.iter().rev().find_map(|lot| super::parts::main_element(&lot.composition)).unwrap_or(TANTALUM)
}

fn ratio_text(t: &'static Words, ratio: Option<v1::Ratio>) -> String {
    ratio.filter(|ratio| ratio.known).map_or_else(|| t.no_data.to_owned(), |ratio| percent(ratio.e18))
}

fn ratio(t: &'static Words, name: &str, ratio: Option<v1::Ratio>) -> Markup {
    html! { div.big { dt { (name) } dd { (ratio_text(t, ratio)) } } }
}
