//! Lots: all of them page by page, those that a member holds, or those that a search finds.

use maud::{Markup, html};
use ore_wire::v1;

use super::parts::{facility_link, lot_link, material, member_link, status_badge, symbol};
use crate::{
    Refused, Source,
    layout::Frame,
    locale::{fill, grade, mass, thousands},
};

/// Lots on a page.
const PAGE: u32 = 50;
/// Lots that a search shows.
const FOUND: usize = 100;

pub(crate) async fn page(source: &dyn Source, frame: &Frame<'_>) -> Result<Markup, Refused> {
    let t = frame.words();
    let query = &frame.asked.query;
    let (lots, next, said) = match query.get("q").map(str::trim).filter(|text| !text.is_empty()) {
        Some(text) => {
            let (lots, all) = source.search(text, FOUND).await?;
            let count = thousands(lots.len() as u64);
            let said = if all { t.search_found } else { t.search_more };
            (lots, String::new(), fill(said, &[&count, text]))
        }
        None => {
            let custodian = query.get("custodian").unwrap_or_default().to_owned();
            let page_token = query.get("page").unwrap_or_default().to_owned();
            let said = match custodian.as_str() {
                "" => fill(t.lots_all, &[&thousands(frame.info.lots)]),
                member => fill(t.lots_held, &[member]),
            };
            let answer = source.lots(v1::ListLotsRequest { page_size: PAGE, page_token, custodian }).await?;
            (answer.lots, answer.next_page_token, said)
        }
    };
    Ok(frame.page(
        t.nav_lots,
        &[],
        html! {
            h1 { (t.nav_lots) }
            p.lead { (said) }
            @if lots.is_empty() { p.note { (t.search_nothing) } } @else {
                div.card.scroll role="region" aria-label=(t.nav_lots) tabindex="0" { (table(frame, &lots)) }
            }
            @if !next.is_empty() {
                p { a.button rel="next" href={ "/lots" (query.with(&[("page", &next)])) } { (t.more) } }
            }
        },
    ))
}

fn table(frame: &Frame<'_>, lots: &[v1::Lot]) -> Markup {
    let t = frame.words();
    html! {
        table {
            thead { tr {
                th scope="col" { (t.lot) }
                th scope="col" { (t.material) }
                th.n scope="col" { (t.remaining) }
                th.n scope="col" { (t.created) }
                th scope="col" { (t.content) }
                th scope="col" { (t.custodian) }
                th scope="col" { (t.facility) }
                th scope="col" { (t.status) }
            } }
            tbody {
                @for lot in lots {
                    tr {
                        th scope="row" { (lot_link(frame, &lot.lot)) @if !lot.serial.is_empty() { " " small { (lot.serial) } } }
                        td { @if lot.form.is_empty() { (material(t, lot.material())) } @else { (lot.form) } }
                        td.n { (mass(lot.remaining_dry_mg)) }
                        td.n { (mass(lot.created_dry_mg)) }
                        td.w { @for content in largest(lot) { (symbol(content.element)) " " (grade(content.ppb)) " " } }
                        td { (member_link(frame, &lot.custodian)) }
                        td { (facility_link(frame, &lot.facility)) }
                        td { (status_badge(t, lot.status())) }
                    }
                }
            }
        }
    }
}

/// The two elements that make up most.
fn largest(lot: &v1::Lot) -> impl Iterator<Item = &v1::ElementContent> {
    let mut contents: Vec<_> = lot.composition.iter().collect();
    contents.sort_by_key(|content| std::cmp::Reverse(content.ppb));
    contents.into_iter().take(2)
}
