//! Findings: what the rules flag and a person should look at, as a board; for everything, a lot, or a facility.

use std::collections::BTreeMap;

use maud::{Markup, html};
use ore_wire::v1;

use super::parts::{facility_link, lot_link, record_link};
use crate::{
    Refused, Source,
    layout::Frame,
    locale::{fill, ppm, signed_mass, thousands},
    told::told,
};

/// Findings of one rule that are shown before the rest is folded away.
const OPEN: usize = 6;
/// Findings on the page.
const MOST: usize = 400;

pub(crate) async fn page(source: &dyn Source, frame: &Frame<'_>) -> Result<Markup, Refused> {
    let t = frame.words();
    let query = &frame.asked.query;
    let (lot, facility) = (query.get("lot").unwrap_or_default(), query.get("facility").unwrap_or_default());
    let rules: Vec<String> = query
        .get("rule")
        .map(|rule| rule.split(',').take(64).map(str::to_owned).collect())
        .unwrap_or_default();
    let asked = v1::FindingsRequest {
        lot: lot.to_owned(),
        facility: facility.to_owned(),
        all: lot.is_empty() && facility.is_empty(),
        as_of: Some(v1::AsOf { tree_size: frame.at(), date_ms: 0 }),
        rules,
        ..Default::default()
    };
    let answer = source.findings(asked).await?;
    let summary = answer.summary.clone().unwrap_or_default();
    let mut by_rule: BTreeMap<(bool, String), Vec<&v1::Finding>> = BTreeMap::new();
    for finding in answer.findings.iter().take(MOST) {
        let severe = finding.severity() == v1::FindingSeverity::Severe;
        by_rule.entry((!severe, finding.rule.clone())).or_default().push(finding);
    }
    let of = match (lot, facility) {
        ("", "") => t.findings_all.to_owned(),
        ("", facility) => fill(t.findings_facility, &[facility]),
        (lot, _) => fill(t.findings_lot, &[lot]),
    };
    Ok(frame.page(t.nav_findings, &[], html! {
        h1 { (t.nav_findings) }
        p.lead { (of) }
        form.tools method="get" action="/findings" {
            @if frame.at() > 0 { input type="hidden" name="at" value=(frame.at()); }
            label { (t.lot) input name="lot" value=(lot) maxlength="96"; }
            label { (t.facility) input name="facility" value=(facility) maxlength="96"; }
            label { (t.rule) input name="rule" value=(query.get("rule").unwrap_or_default()) maxlength="96" size="8"; }
            button type="submit" { (t.as_of_go) }
        }
        section.card aria-label=(t.facts) {
            dl.facts {
                div.big { dt { (t.severe) } dd { span.badge.(if summary.severe > 0 { "bad" } else { "none" }) { (thousands(summary.severe)) } } }
                div.big { dt { (t.plain) } dd { span.badge.(if summary.findings > summary.severe { "warn" } else { "none" }) { (thousands(summary.findings.saturating_sub(summary.severe))) } } }
                div.big { dt { (t.records_judged) } dd { (thousands(summary.records)) } }
                div.big { dt { (t.profile_version) } dd { (summary.profile_version) } }
            }
            @if !summary.not_judged.is_empty() {
                p.note { b { (t.check_not_judged) ": " } (not_judged(&summary)) }
            }
            @if let Some(basis) = &summary.basis { @if basis.cut_short != 0 { p.note.warn { (t.cut_short) " " (told(frame.language, &basis.note)) } } }
        }
        @if answer.findings.is_empty() { p.note { (t.findings_none) } }
        div.board {
            @for ((plain, rule), findings) in &by_rule { (column(frame, rule, !plain, findings)) }
        }
        @if answer.findings.len() > MOST { p.note { (fill(t.rows_of, &[&thousands(MOST as u64), &thousands(answer.findings.len() as u64)])) } }
        p.faint { (t.findings_word) }
    }))
}

/// Rules that could not be judged, each with the list that it lacks; a list for each of something ends in a colon.
pub(super) fn not_judged(summary: &v1::FindingsSummary) -> String {
    let names: Vec<&str> = summary.not_judged.iter().map(|name| name.trim_end_matches(':')).collect();
    names.join(", ")
}

fn column(frame: &Frame<'_>, rule: &str, severe: bool, findings: &[&v1::Finding]) -> Markup {
    let t = frame.words();
    let (open, rest) = findings.split_at(findings.len().min(OPEN));
    html! {
        section.card aria-labelledby={ "rule-" (rule) } {
            h2 id={ "rule-" (rule) } {
                span class={ "badge " (if severe { "bad" } else { "warn" }) } { (rule) } " "
                (told(frame.language, findings.first().map_or("", |finding| finding.title.as_str()))) " "
                small { "× " (thousands(findings.len() as u64)) }
            }
            @if let Some(first) = findings.first() { p.faint { b { (t.clears) ": " } (told(frame.language, &first.clears)) } }
            ul.cards { @for finding in open { (card(frame, finding)) } }
            @if !rest.is_empty() {
                details { summary { (fill(t.more_findings, &[&thousands(rest.len() as u64)])) }
                    ul.cards { @for finding in rest { (card(frame, finding)) } } }
            }
        }
    }
}

fn card(frame: &Frame<'_>, finding: &v1::Finding) -> Markup {
    let t = frame.words();
    html! {
        li {
            p { (told(frame.language, &finding.message)) }
            p.faint {
                @for (at, lot) in finding.lots.iter().take(4).enumerate() { @if at > 0 { ", " } (lot_link(frame, lot)) }
                @if !finding.facility.is_empty() { " · " (facility_link(frame, &finding.facility)) }
                @if !finding.records.is_empty() { " · " (t.record) " " @for record in finding.records.iter().take(3) { (record_link(frame, record)) " " } }
            }
            @if !finding.numbers.is_empty() {
                p.faint.numbers {
                    @for number in finding.numbers.iter().take(6) { span { (told(frame.language, &number.name)) " " b { (quantity(number)) } } }
                    @if let Some(threshold) = &finding.threshold { span { (t.threshold) " " b { (quantity(threshold)) } } }
                }
            }
        }
    }
}

/// A number with its unit, as people write it.
fn quantity(number: &v1::Quantity) -> String {
    match number.unit.as_str() {
        "mg" => signed_mass(number.value),
        "ppm" => ppm(number.value),
        "1e-18" => crate::locale::percent(number.value.unsigned_abs()),
        "ms" if number.value > 100_000_000_000 => crate::locale::day(number.value.unsigned_abs()),
        "ms" => format!("{:.1} h", number.value as f64 / 3_600_000.0),
        "1/1000" => format!("{:.3}", number.value as f64 / 1_000.0),
        // A count is a number.
        "count" | "1" => signed(number.value),
        unit => format!("{} {unit}", signed(number.value)),
    }
}

fn signed(value: i64) -> String {
    format!("{}{}", if value < 0 { "−" } else { "" }, thousands(value.unsigned_abs()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_count_has_no_unit_and_a_ratio_in_thousandths_is_a_ratio() {
        let of = |value, unit: &str| {
            quantity(&v1::Quantity { value, unit: unit.to_owned(), ..Default::default() })
        };
        assert_eq!([of(3, "count"), of(52, "1/1000"), of(-1_000, "km")], ["3", "0.052", "−1,000 km"]);
    }
}
