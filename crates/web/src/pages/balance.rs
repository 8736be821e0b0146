//! The mass-balance sheet: a facility's books as a T-account, stock counts against both denominators, and the records.

use maud::{Markup, html};
use ore_wire::v1::{self, BalanceLine};

use super::parts::{facility_kind, lot_link, member_link, record_link, symbol};
use crate::{
    Refused, Source,
    layout::Frame,
    locale::{day, fill, moment, ppm, signed_mass, thousands},
    told::told,
    words::Words,
};

/// Movements on the page.
const MOVEMENTS: u32 = 200;

/// Facilities, each with a way to its books.
pub(crate) async fn list(source: &dyn Source, frame: &Frame<'_>) -> Result<Markup, Refused> {
    let t = frame.words();
    let page_token = frame.asked.query.get("page").unwrap_or_default().to_owned();
    let answer = source
        .facilities(v1::ListFacilitiesRequest { page_size: 200, page_token, ..Default::default() })
        .await?;
    Ok(frame.page(t.nav_balance, &[], html! {
        h1 { (t.nav_balance) }
        p.lead { (t.balance_choose) }
        div.card.scroll role="region" aria-label=(t.facility) tabindex="0" { table {
            thead { tr { th scope="col" { (t.facility) } th scope="col" { (t.name) } th scope="col" { (t.kind) } th scope="col" { (t.country) } th scope="col" { (t.member) } } }
            tbody { @for facility in &answer.facilities { tr {
                th scope="row" { (super::parts::facility_link(frame, &facility.id)) }
                td { (facility.name) }
                td { (facility_kind(t, facility.kind())) }
                td { (facility.country) }
                td { (member_link(frame, facility.id.split('/').next().unwrap_or_default())) }
            } } }
        } }
        @if !answer.next_page_token.is_empty() {
            p { a.button rel="next" href={ "/facilities" (frame.asked.query.with(&[("page", &answer.next_page_token)])) } { (t.more) } }
        }
    }))
}

pub(crate) async fn page(source: &dyn Source, frame: &Frame<'_>, id: &str) -> Result<Markup, Refused> {
    let t = frame.words();
    let query = &frame.asked.query;
    let element = query
        .get("element")
        .and_then(|text| ore_record::elements::atomic_number(text).or_else(|| text.parse().ok()))
        .unwrap_or(0);
    let year = query.number("year").filter(|year| (1971..=2500).contains(year));
    let asked = v1::MassBalanceRequest {
        facility: id.to_owned(),
        element,
        period: year.map(|year| v1::Period { from_ms: year_ms(year), to_ms: year_ms(year + 1) }),
        as_of: Some(v1::AsOf { tree_size: frame.at(), date_ms: 0 }),
        movements: MOVEMENTS,
        ..Default::default()
    };
    let answer = source.mass_balance(asked).await?;
    let of = if element == 0 { t.dry_mass.to_owned() } else { symbol(element) };
    Ok(frame.page(&fill(t.balance_of, &[id]), &[], html! {
        p.faint.screen { a href=(frame.href("/facilities")) { (t.nav_balance) } " › " (member_link(frame, id.split('/').next().unwrap_or_default())) }
        h1 { (id) }
        p.lead { (fill(t.balance_lead, &[&of])) @if let Some(year) = year { " · " (year) } }
        (tools(frame, id, element, year))
        @if let Some(basis) = &answer.basis { @if basis.cut_short != 0 { p.note.warn { (t.cut_short) " " (told(frame.language, &basis.note)) } } }
        (account(frame, &answer))
        (counts(frame, &answer))
        (movements(frame, &answer))
        p { a href=(frame.href(&format!("/findings?facility={}", crate::query::encode(id, false)))) { (fill(t.findings_facility, &[id])) } }
    }))
}

/// The first millisecond of a year, UTC.
fn year_ms(year: u64) -> u64 {
    let before = year - 1;
    let days = before * 365 + before / 4 - before / 100 + before / 400;
    (days - 719_162) * 86_400_000
}

fn tools(frame: &Frame<'_>, id: &str, element: u32, year: Option<u64>) -> Markup {
    let t = frame.words();
    html! {
        form.tools method="get" action={ "/facilities/" (crate::query::encode(id, true)) } {
            @if frame.at() > 0 { input type="hidden" name="at" value=(frame.at()); }
            label { (t.element)
                input name="element" size="4" maxlength="3" placeholder=(t.all) value=(if element == 0 { String::new() } else { symbol(element) });
            }
            label { (t.year) input name="year" type="number" min="1971" max="2500" placeholder=(t.all) value=[year]; }
            button type="submit" { (t.as_of_go) }
        }
    }
}

fn line_word(t: &'static Words, line: BalanceLine) -> &'static str {
    match line {
        BalanceLine::Unspecified => t.not_stated,
        BalanceLine::Receipt => t.line_receipt,
        BalanceLine::Source => t.line_source,
        BalanceLine::Output => t.line_output,
        BalanceLine::Residue => t.line_residue,
        BalanceLine::Return => t.line_return,
        BalanceLine::Revaluation => t.line_revaluation,
        BalanceLine::Input => t.line_input,
        BalanceLine::Shipment => t.line_shipment,
        BalanceLine::Use => t.line_use,
        BalanceLine::Disposal => t.line_disposal,
    }
}

const fn lowers(line: BalanceLine) -> bool {
    matches!(line, BalanceLine::Input | BalanceLine::Shipment | BalanceLine::Use | BalanceLine::Disposal)
}

/// The T-account: what was there and came in at the left, what went out and is left at the right; both sides agree.
fn account(frame: &Frame<'_>, answer: &v1::MassBalanceResponse) -> Markup {
    let t = frame.words();
    let mut left = vec![(t.opening, answer.opening_mg, true)];
    let mut right = Vec::new();
    for sum in &answer.lines {
        let line = sum.line();
        // A negative line belongs to the other side.
        match (lowers(line), sum.mg < 0) {
            (false, false) => left.push((line_word(t, line), sum.mg, false)),
            (true, true) => left.push((line_word(t, line), -sum.mg, false)),
            (true, false) => right.push((line_word(t, line), sum.mg, false)),
            (false, true) => right.push((line_word(t, line), -sum.mg, false)),
        }
    }
    right.push((t.closing, answer.closing_mg, true));
    let total =
        |side: &[(&str, i64, bool)]| side.iter().map(|(_, mg, _)| *mg).fold(0_i64, i64::saturating_add);
    let (debit, credit) = (total(&left), total(&right));
    let widest = left.iter().chain(&right).map(|(_, mg, _)| mg.unsigned_abs()).max().unwrap_or(1).max(1);
    let side = |title: &str, rows: &[(&'static str, i64, bool)], total: i64| {
        html! {
            table.account {
                caption { (title) }
                tbody { @for (name, mg, stock) in rows {
                    tr class=(if *stock { "stock" } else { "" }) {
                        th scope="row" { (name) }
                        td.barcell aria-hidden="true" { (bar(mg.unsigned_abs(), widest, *stock)) }
                        td.n { (signed_mass(*mg)) }
                    }
                } }
                tfoot { tr { th scope="row" { (t.total) } td.barcell {} td.n { (signed_mass(total)) } } }
            }
        }
    };
    html! {
        section.card aria-labelledby="account" {
            h2 #account { (t.account) }
            div.tee { (side(t.account_in, &left, debit)) (side(t.account_out, &right, credit)) }
            dl.facts {
                div { dt { (t.throughput) } dd { (signed_mass(answer.throughput_mg)) } }
                div { dt { (t.declared_loss) } dd { (signed_mass(answer.declared_loss_mg)) } }
                div { dt { (t.unaccounted) } dd { (signed_mass(answer.unaccounted_mg)) " · " (ppm(answer.unaccounted_ppm)) " " (t.of_inputs) } }
                @let rounding = debit.saturating_sub(credit);
                @if rounding != 0 { div { dt { (t.sides_differ) } dd { (signed_mass(rounding)) } } }
            }
        }
    }
}

fn bar(mg: u64, widest: u64, stock: bool) -> Markup {
    let width = format!("{:.1}", mg as f64 / widest as f64 * 120.0);
    html! { svg.bar aria-hidden="true" width="120" height="10" viewBox="0 0 120 10" { rect class=(if stock { "o8" } else { "o0" }) width=(width) height="10" rx="2" {} } }
}

fn counts(frame: &Frame<'_>, answer: &v1::MassBalanceResponse) -> Markup {
    let t = frame.words();
    html! {
        section.card aria-labelledby="counts" {
            h2 #counts { (t.counts) }
            @if answer.counts.is_empty() { p.note { (t.counts_none) } } @else {
                div.scroll tabindex="0" role="region" aria-label=(t.counts) { table {
                    thead { tr { th scope="col" { (t.when) } th.n scope="col" { (t.counted) } th.n scope="col" { (t.book) } th.n scope="col" { (t.variance) }
                        th.n scope="col" { (t.of_closing) } th.n scope="col" { (t.of_throughput) } th scope="col" { (t.record) } } }
                    tbody { @for count in &answer.counts { tr {
                        th scope="row" { (day(count.event_time_ms)) }
                        td.n { (signed_mass(count.counted_mg)) } td.n { (signed_mass(count.book_mg)) } td.n { b { (signed_mass(count.variance_mg)) } }
                        td.n { @if count.book_mg == 0 { (t.no_data) } @else { (ppm(count.of_closing_ppm)) } }
                        td.n { @if count.throughput_mg == 0 { (t.no_data) } @else { (ppm(count.of_throughput_ppm)) } }
                        td.w { (record_link(frame, &count.record_id)) }
                    } } }
                } }
            }
        }
    }
}

fn movements(frame: &Frame<'_>, answer: &v1::MassBalanceResponse) -> Markup {
    let t = frame.words();
    html! {
        section.card aria-labelledby="movements" {
            h2 #movements { (t.movements) }
            @if answer.movements.is_empty() { p.note { (t.movements_none) } } @else {
                div.scroll tabindex="0" role="region" aria-label=(t.movements) { table {
                    thead { tr { th scope="col" { (t.when) } th scope="col" { (t.lot) } th scope="col" { (t.line) } th.n scope="col" { (t.mass) } th scope="col" { (t.record) } } }
                    tbody { @for movement in &answer.movements { tr {
                        td.w { (moment(movement.event_time_ms)) }
                        th scope="row" { (lot_link(frame, &movement.lot)) }
                        td { (line_word(t, movement.line())) }
                        td.n { @if movement.mg > 0 { "+" } (signed_mass(movement.mg)) }
                        td.w { (record_link(frame, &movement.record_id)) }
                    } } }
                } }
            }
            @if answer.more_movements { p.faint { (fill(t.rows_first, &[&thousands(u64::from(MOVEMENTS))])) } }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn years_begin_when_they_begin() {
        for (year, text) in
            [(1971, "1971-01-01"), (2000, "2000-01-01"), (2024, "2024-01-01"), (2100, "2100-01-01")]
        {
            assert_eq!(moment(year_ms(year)), format!("{text} 00:00 UTC"));
        }
    }
}
