//! Recall: everything that contains something of a lot, how many kilograms of it, and who holds it.

use std::collections::BTreeMap;

use maud::{Markup, html};
use ore_wire::v1;

use super::parts::{
    Opened, facility_link, lot_head, lot_link, member_link, open, share_text, status_badge, symbol,
};
use crate::{
    Refused, Source,
    graph::{self, Edge, Flow, Look, Node},
    layout::Frame,
    locale::{fill, mass, percent, thousands},
    told::told,
};

/// Rows of the table, and holders in the picture.
const ROWS: usize = 200;
const HOLDERS: usize = 14;

pub(crate) async fn page(source: &dyn Source, frame: &Frame<'_>, id: &str) -> Result<Markup, Refused> {
    let t = frame.words();
    let (lot, element) = match open(source, frame, id, "recall").await? {
        Opened::At(lot, element) => (lot, element),
        Opened::Without(page) => return Ok(page),
    };
    let asked = v1::TraceForwardRequest {
        lot: id.to_owned(),
        element,
        as_of_tree_size: frame.at(),
        ..Default::default()
    };
    let answer = source.trace_forward(asked).await?;
    let summary = answer.summary.clone().unwrap_or_default();
    let name = symbol(element);
    // What remains of the lot itself counts too.
    let rest: Vec<&v1::Descendant> = answer.descendants.iter().filter(|it| it.lot.is_some()).collect();
    let remaining: u64 = rest.iter().map(|it| it.remaining_mg).sum();
    let mut holders: BTreeMap<&str, (u64, usize)> = BTreeMap::new();
    for descendant in rest.iter().filter(|it| it.remaining_mg > 0) {
        let holder = descendant.lot.as_ref().map_or("", |lot| lot.custodian.as_str());
        let held = holders.entry(holder).or_default();
        held.0 += descendant.remaining_mg;
        held.1 += 1;
    }
    let mut holders: Vec<(&str, (u64, usize))> = holders.into_iter().collect();
    holders.sort_by(|a, b| b.1.0.cmp(&a.1.0).then(a.0.cmp(b.0)));
    Ok(frame.page(&fill(t.recall_title, &[id]), &[], html! {
        (lot_head(frame, &lot, "recall"))
        p.lead { (fill(t.recall_lead, &[&name, id])) }
        section.card aria-label=(t.facts) {
            dl.facts {
                div.big { dt { (t.recall_lots) } dd { (thousands(rest.len() as u64)) } }
                div.big { dt { (t.recall_remaining) } dd { (mass(remaining)) } }
                div.big { dt { (t.recall_holders) } dd { (thousands(holders.len() as u64)) } }
            }
            @if summary.cut_short != 0 { p.note.warn { (t.cut_short) " " (told(frame.language, &summary.note)) } }
        }
        @if !holders.is_empty() {
            section.card aria-labelledby="holders" {
                h2 #holders { (t.recall_who) }
                div.wide { (picture(frame, id, &rest, &holders, remaining)) }
                table {
                    thead { tr { th scope="col" { (t.custodian) } th.n scope="col" { (t.nav_lots) } th.n scope="col" { (name) } th.n scope="col" { (t.share) } } }
                    tbody { @for (holder, (mg, lots)) in &holders {
                        tr { th scope="row" { (member_link(frame, holder)) } td.n { (lots) } td.n { (mass(*mg)) }
                            td.n { (percent(part(*mg, remaining))) } }
                    } }
                }
            }
        }
        section.card aria-labelledby="tree" {
            h2 #tree { (t.recall_table) }
            @if rest.is_empty() { p.note { (t.recall_none) } } @else {
            div.scroll tabindex="0" role="region" aria-label=(t.recall_table) { table {
                thead { tr { th scope="col" { (t.lot) } th scope="col" { (t.material) } th scope="col" { (t.custodian) } th scope="col" { (t.facility) }
                    th scope="col" { (t.status) } th.n scope="col" { (t.recall_share) } th.n scope="col" { (t.recall_left) } } }
                tbody { @for descendant in rest.iter().take(ROWS) {
                    @if let Some(lot) = &descendant.lot { tr {
                        th scope="row" { (lot_link(frame, &lot.lot)) }
                        td { (lot.form) }
                        td { (member_link(frame, &lot.custodian)) }
                        td { (facility_link(frame, &lot.facility)) }
                        td { (status_badge(t, lot.status())) }
                        td.n { @if let Some(share) = &descendant.share { (share_text(share.value_e18, share.lower_e18, share.upper_e18)) } }
                        td.n { (mass(descendant.remaining_mg)) }
                    } }
                } }
            } }
            }
            @if rest.len() > ROWS { p.faint { (fill(t.rows_of, &[&thousands(ROWS as u64), &thousands(rest.len() as u64)])) } }
        }
    }))
}

fn part(mg: u64, whole: u64) -> u64 {
    (u128::from(mg) * 1_000_000_000_000_000_000).checked_div(u128::from(whole)).unwrap_or(0) as u64
}

/// The lot, the lots that hold something of it now, and who holds those.
fn picture(
    frame: &Frame<'_>,
    id: &str,
    rest: &[&v1::Descendant],
    holders: &[(&str, (u64, usize))],
    remaining: u64,
) -> Markup {
    let t = frame.words();
    let whole = remaining.max(1) as f64;
    let number = |lot: &str| lot.split_once('/').map_or(lot, |(_, number)| number).to_owned();
    let mut flow = Flow { lots: rest.len(), ..Flow::default() };
    flow.nodes.push(Node {
        label: number(id),
        below: mass(remaining),
        title: id.to_owned(),
        stage: t.lot,
        share: 1.0,
        ..Node::default()
    });
    let shown: Vec<&(&str, (u64, usize))> = holders.iter().take(HOLDERS).collect();
    for (colour, (holder, (mg, _))) in shown.iter().enumerate() {
        let at = flow.nodes.len();
        let share = *mg as f64 / whole;
        flow.nodes.push(Node {
            label: (*holder).to_owned(),
            below: mass(*mg),
            title: format!("{holder}: {}", mass(*mg)),
            href: frame.href(&format!("/lots?custodian={}", crate::query::encode(holder, false))),
            stage: t.custodian,
            column: 2,
            share,
        });
        let mut lots: Vec<&v1::Descendant> = rest
            .iter()
            .copied()
            .filter(|it| it.remaining_mg > 0 && it.lot.as_ref().is_some_and(|lot| lot.custodian == *holder))
            .collect();
        lots.sort_by_key(|it| std::cmp::Reverse(it.remaining_mg));
        let (few, many) = lots.split_at(lots.len().min(6));
        let mut groups: Vec<(String, String, u64)> = few
            .iter()
            .filter_map(|it| {
                Some((number(&it.lot.as_ref()?.lot), it.lot.as_ref()?.lot.clone(), it.remaining_mg))
            })
            .collect();
        if !many.is_empty() {
            let sum = many.iter().map(|it| it.remaining_mg).sum();
            groups.push((fill(t.lots_counted, &[&many.len().to_string()]), String::new(), sum));
        }
        for (label, lot, mg) in groups {
            let here = flow.nodes.len();
            let share = mg as f64 / whole;
            let href =
                if lot.is_empty() { String::new() } else { frame.href(&super::parts::lot_path(&lot, "")) };
            let title = format!("{lot} {}", mass(mg));
            flow.nodes.push(Node {
                label,
                below: mass(mg),
                title,
                href,
                stage: t.recall_where,
                column: 1,
                share,
            });
            let colours = vec![(colour % 8, 1.0)];
            flow.edges.push(Edge { from: 0, to: here, share, colours: colours.clone() });
            flow.edges.push(Edge { from: here, to: at, share, colours });
        }
    }
    let title = t.recall_who;
    let description = fill(t.recall_desc, &[id, &mass(remaining)]);
    graph::draw(
        &flow,
        &Look { id: "recall-svg", title, description: &description, width: 1340.0, scale: 240.0 },
    )
}
