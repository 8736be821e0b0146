//! Dependence: what a lot's element hangs on, by facility, refiner, member or country.

use maud::{Markup, html};
use ore_wire::v1::{self, DependenceKind};

use super::parts::{Opened, facility_link, lot_head, lot_path, open, share_bar, symbol};
use crate::{
    Refused, Source,
    layout::Frame,
    locale::{fill, percent},
    told::told,
};

/// Nodes on the page.
const ROWS: usize = 60;

pub(crate) async fn page(source: &dyn Source, frame: &Frame<'_>, id: &str) -> Result<Markup, Refused> {
    let t = frame.words();
    let (lot, element) = match open(source, frame, id, "dependence").await? {
        Opened::At(lot, element) => (lot, element),
        Opened::Without(page) => return Ok(page),
    };
    let kinds = [
        ("facility", DependenceKind::Facility, t.facility),
        ("refiner", DependenceKind::Refiner, t.kind_refiner),
        ("member", DependenceKind::Member, t.member),
        ("country", DependenceKind::Country, t.country),
    ];
    let asked_kind = frame.asked.query.get("kind").unwrap_or("facility");
    let (name, kind, title) = *kinds.iter().find(|(name, ..)| *name == asked_kind).unwrap_or(&kinds[0]);
    let asked = v1::DependenceRequest {
        lot: id.to_owned(),
        element,
        kind: kind.into(),
        as_of: Some(v1::AsOf { tree_size: frame.at(), date_ms: 0 }),
        ..Default::default()
    };
    let answer = source.dependence(asked).await?;
    let of = symbol(element);
    Ok(frame.page(&format!("{id} · {}", t.view_dependence), &[], html! {
        (lot_head(frame, &lot, "dependence"))
        form.tools method="get" action=(lot_path(id, "dependence")) {
            @if frame.at() > 0 { input type="hidden" name="at" value=(frame.at()); }
            input type="hidden" name="element" value=(of);
            label { (t.dependence_by)
                select name="kind" data-submit { @for (value, _, word) in kinds { option value=(value) selected[value == name] { (word) } } }
            }
            button type="submit" { (t.as_of_go) }
        }
        @if let Some(basis) = &answer.basis { @if basis.cut_short != 0 { p.note.warn { (t.cut_short) " " (told(frame.language, &basis.note)) } } }
        section.card aria-label=(t.facts) {
            dl.facts {
                div.big { dt { (t.herfindahl_origin) } dd { (index(answer.origin_herfindahl_e18)) } }
                div.big { dt { (t.herfindahl_nodes) } dd { (index(answer.node_herfindahl_e18)) } }
                div.big { dt { (t.dominating) } dd { (answer.nodes.iter().filter(|node| node.dominates).count()) } }
            }
            p.faint { (t.herfindahl_lead) }
        }
        section.card aria-labelledby="nodes" {
            h2 #nodes { (fill(t.dependence_title, &[&of])) }
            div.scroll tabindex="0" role="region" aria-label=(fill(t.dependence_title, &[&of])) { table {
                thead { tr { th scope="col" { (title) } th scope="col" { (t.country) } th scope="col" { span.hidden { (t.through) } } th.n scope="col" { (t.through) } th.n scope="col" { (t.without) } th scope="col" { (t.alternatives) } } }
                tbody { @for node in answer.nodes.iter().take(ROWS) { tr {
                    th scope="row" { @if node.node.contains('/') { (facility_link(frame, &node.node)) } @else { (node.node) } }
                    td { (node.country) }
                    td { (share_bar(if node.dominates { 3 } else { 0 }, node.through_e18, 0, 0)) }
                    td.n { (percent(node.through_e18)) @if node.dominates { " " span.badge.bad { (t.dominates) } } }
                    td.n { (percent(node.without_e18)) }
                    td.long { @if node.alternatives.is_empty() { span.faint { (t.none) } } @else { (node.alternatives.join(", ")) } }
                } } }
            } }
            @if answer.nodes.len() > ROWS { p.faint { (fill(t.rows_of, &[&ROWS.to_string(), &answer.nodes.len().to_string()])) } }
        }
    }))
}

/// A Herfindahl index from 0 to 1, two decimals.
fn index(e18: u64) -> String {
    let hundredths = (u128::from(e18) * 100 + 500_000_000_000_000_000) / 1_000_000_000_000_000_000;
    format!("{}.{:02}", hundredths / 100, hundredths % 100)
}
