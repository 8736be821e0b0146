//! The custody timeline: who had the lot and who owned it as two lanes over time, gaps hatched, and the records behind.

use std::fmt::Write;

use maud::{Markup, PreEscaped, html};
use ore_wire::v1::{self, CustodyGapKind};

use super::parts::{facility_link, lot_head, member_link, record_link};
use crate::{
    Refused, Source,
    graph::escape,
    layout::Frame,
    locale::{cut, day, duration, fill, moment},
    told::told,
    words::Words,
};

/// Moments that are drawn; more are in the table.
const DRAWN: usize = 40;
const ROWS: usize = 300;
const WIDTH: f64 = 1320.0;
const LEFT: f64 = 110.0;

pub(crate) async fn page(source: &dyn Source, frame: &Frame<'_>, id: &str) -> Result<Markup, Refused> {
    let t = frame.words();
    let lot = source.lot(id).await?.lot.unwrap_or_default();
    let as_of = Some(v1::AsOf { tree_size: frame.at(), date_ms: 0 });
    let chain =
        source.custody(v1::ChainOfCustodyRequest { lot: id.to_owned(), as_of, ..Default::default() }).await?;
    Ok(frame.page(&format!("{id} · {}", t.view_custody), &[], html! {
        (lot_head(frame, &lot, "custody"))
        @if let Some(basis) = &chain.basis { @if basis.cut_short != 0 { p.note.warn { (t.cut_short) " " (told(frame.language, &basis.note)) } } }
        section.card aria-labelledby="timeline" {
            h2 #timeline { (t.custody_title) }
            @if chain.moments.is_empty() { p.note { (t.no_data) } } @else {
                div.wide tabindex="0" role="region" aria-label=(t.custody_title) { (timeline(frame, &chain)) }
                p.faint { (t.custody_desc) }
            }
        }
        (gaps(frame, &chain))
        (moments(frame, &chain))
    }))
}

/// The node names events in English; a name that is not known here stays as it is.
fn event_word<'a>(t: &'static Words, event: &'a str) -> &'a str {
    match event {
        "commission" => t.event_commission,
        "transform" => t.event_transform,
        "ship" => t.event_ship,
        "accept" => t.event_accept,
        "offer ended" => t.event_offer_ended,
        "assay" => t.event_assay,
        "seal" => t.event_seal,
        "use" => t.event_use,
        "dispose" => t.event_dispose,
        "hold" => t.event_hold,
        "release" => t.event_release,
        "recall" => t.event_recall,
        "footprint" => t.event_footprint,
        "withdraw" => t.event_withdraw,
        "credit deposit" => t.event_credit_deposit,
        "credit claim" => t.event_credit_claim,
        "record" => t.record,
        other => other,
    }
}

fn gap_word(t: &'static Words, kind: CustodyGapKind) -> &'static str {
    match kind {
        CustodyGapKind::Unspecified => t.not_stated,
        CustodyGapKind::Moved => t.gap_moved,
        CustodyGapKind::OnTheWay => t.gap_on_the_way,
        CustodyGapKind::Unanswered => t.gap_unanswered,
        CustodyGapKind::Backwards => t.gap_backwards,
    }
}

/// Where each moment stands: by its time, but never so close to the one before that they cannot be told apart.
fn places(times: &[u64]) -> Vec<f64> {
    let (first, last) = (times.first().copied().unwrap_or(0), times.last().copied().unwrap_or(0));
    let span = last.saturating_sub(first).max(1) as f64;
    let room = WIDTH - LEFT - 130.0;
    let least = (room / times.len().max(1) as f64).min(26.0);
    let mut places: Vec<f64> = Vec::with_capacity(times.len());
    for (at, time) in times.iter().enumerate() {
        let by_time = LEFT + time.saturating_sub(first) as f64 / span * room;
        // Later ones need room too.
        let most = LEFT + room - (times.len() - 1 - at) as f64 * least;
        let after = places.last().map_or(LEFT, |before| before + least);
        places.push(by_time.min(most).max(after));
    }
    places
}

fn timeline(frame: &Frame<'_>, chain: &v1::ChainOfCustodyResponse) -> Markup {
    let t = frame.words();
    // The newest matter most.
    let skip = chain.moments.len().saturating_sub(DRAWN);
    let moments = &chain.moments[skip..];
    let times: Vec<u64> = moments.iter().map(|moment| moment.event_time_ms).collect();
    let mut sorted = times.clone();
    sorted.sort_unstable();
    let xs = places(&sorted);
    let end = xs.last().copied().unwrap_or(LEFT) + 110.0;
    let mut members: Vec<&str> = Vec::new();
    let mut lanes = String::new();
    let custodians: Vec<&str> = moments.iter().map(|moment| moment.custodian.as_str()).collect();
    let owners: Vec<&str> = moments.iter().map(|moment| moment.owner.as_str()).collect();
    lane(&mut lanes, &mut members, &xs, end, 46.0, &custodians);
    lane(&mut lanes, &mut members, &xs, end, 108.0, &owners);
    let x_of = |ms: u64| {
        let at = sorted.partition_point(|time| *time < ms).min(xs.len().saturating_sub(1));
        xs.get(at).copied().unwrap_or(LEFT)
    };
    let mut over = String::new();
    for gap in &chain.gaps {
        let (from, to) = (x_of(gap.from_ms.min(gap.to_ms)), x_of(gap.to_ms.max(gap.from_ms)));
        let _ = write!(
            over,
            r#"<g><title>{}: {}</title><rect class="hatch" x="{from:.1}" y="40" width="{:.1}" height="112" fill="url(#hatch)"/></g>"#,
            escape(gap_word(t, gap.kind())),
            escape(&gap.detail),
            (to - from).max(6.0),
        );
    }
    let mut marks = String::new();
    let mut label_end = f64::MIN;
    for (moment, x) in moments.iter().zip(&xs) {
        let title =
            format!("{} {} {}", day(moment.event_time_ms), event_word(t, &moment.event), moment.author);
        let href = frame.href(&format!("/records/{}", crate::locale::hex(&moment.record_id)));
        let _ = write!(
            marks,
            r#"<a href="{}"><title>{1}</title><line class="inkline" x1="{2:.1}" x2="{2:.1}" y1="36" y2="158"/><circle class="ink ring" cx="{2:.1}" cy="164" r="5"/>"#,
            escape(&href),
            escape(&title),
            x,
        );
        if *x > label_end {
            let _ = write!(
                marks,
                r#"<text class="small" x="{0:.1}" y="184">{1}</text><text class="soft small" x="{0:.1}" y="197">{2}</text>"#,
                x - 4.0,
                escape(event_word(t, &moment.event)),
                day(moment.event_time_ms),
            );
            label_end = x + 70.0;
        }
        marks.push_str("</a>");
    }
    html! {
        svg role="group" viewBox={ "0 0 " (WIDTH) " 206" } width=(WIDTH) height="206" aria-labelledby="timeline-title timeline-desc" {
            title #timeline-title { (t.custody_title) }
            desc #timeline-desc { (t.custody_desc) }
            (PreEscaped(r#"<defs><pattern id="hatch" width="7" height="7" patternUnits="userSpaceOnUse" patternTransform="rotate(45)"><line class="hatchline" x1="0" x2="0" y1="0" y2="7"/></pattern></defs>"#))
            text.head x="0" y="70" { (t.custodian) }
            text.head x="0" y="132" { (t.owner) }
            (PreEscaped(lanes)) (PreEscaped(over)) (PreEscaped(marks))
        }
    }
}

/// A lane: a bar for as long as the same member stands in it.
fn lane<'a>(out: &mut String, members: &mut Vec<&'a str>, xs: &[f64], end: f64, y: f64, held: &[&'a str]) {
    let mut at = 0;
    while at < held.len() {
        let member = held[at];
        let mut next = at + 1;
        while next < held.len() && held[next] == member {
            next += 1;
        }
        let from = xs[at];
        let to = xs.get(next).copied().unwrap_or(end);
        let colour = members.iter().position(|known| *known == member).unwrap_or_else(|| {
            members.push(member);
            members.len() - 1
        });
        let letters = ((to - from - 10.0) / 6.6).max(0.0) as usize;
        let _ = write!(
            out,
            r#"<g><title>{0}</title><rect class="lane o{1}" x="{from:.1}" y="{y}" width="{2:.1}" height="38" rx="3"/>"#,
            escape(member),
            colour % 8,
            to - from,
        );
        if letters >= 3 {
            let _ = write!(
                out,
                r#"<text x="{:.1}" y="{}">{}</text>"#,
                from + 6.0,
                y + 24.0,
                escape(&cut(member, letters))
            );
        }
        out.push_str("</g>");
        at = next;
    }
}

fn gaps(frame: &Frame<'_>, chain: &v1::ChainOfCustodyResponse) -> Markup {
    let t = frame.words();
    html! {
        section.card aria-labelledby="gaps" {
            h2 #gaps { (t.gaps) }
            @if chain.gaps.is_empty() { p { (t.gaps_none) } } @else {
                div.scroll tabindex="0" role="region" aria-label=(t.gaps) { table {
                    thead { tr { th scope="col" { (t.kind) } th scope="col" { (t.from) } th scope="col" { (t.to) } th.n scope="col" { (t.duration) } th scope="col" { (t.what) } th scope="col" { (t.record) } } }
                    tbody { @for gap in chain.gaps.iter().take(ROWS) { tr {
                        th scope="row" { span.badge.(if gap.kind() == CustodyGapKind::OnTheWay { "none" } else { "warn" }) { (gap_word(t, gap.kind())) } }
                        td.w { (moment(gap.from_ms)) }
                        td.w { @if gap.to_ms > 0 { (moment(gap.to_ms)) } }
                        td.n { (duration(gap.to_ms.saturating_sub(gap.from_ms), frame.language)) }
                        td { (gap.detail) }
                        td.w { @if !gap.after.is_empty() { (record_link(frame, &gap.after)) } " " @if !gap.before.is_empty() { (record_link(frame, &gap.before)) } }
                    } } }
                } }
            }
        }
    }
}

fn moments(frame: &Frame<'_>, chain: &v1::ChainOfCustodyResponse) -> Markup {
    let t = frame.words();
    html! {
        section.card aria-labelledby="moments" {
            h2 #moments { (t.records) }
            div.scroll tabindex="0" role="region" aria-label=(t.records) { table {
                thead { tr { th scope="col" { (t.when) } th scope="col" { (t.event) } th scope="col" { (t.author) } th scope="col" { (t.custodian) } th scope="col" { (t.owner) } th scope="col" { (t.facility) } th scope="col" { (t.record) } } }
                tbody { @for moment_of in chain.moments.iter().take(ROWS) { tr {
                    td.w { (moment(moment_of.event_time_ms)) }
                    th scope="row" { (event_word(t, &moment_of.event)) }
                    td { (member_link(frame, &moment_of.author)) }
                    td { (member_link(frame, &moment_of.custodian)) }
                    td { (member_link(frame, &moment_of.owner)) }
                    td { (facility_link(frame, &moment_of.facility)) }
                    td.w { (record_link(frame, &moment_of.record_id)) }
                } } }
            } }
            @if chain.moments.len() > ROWS { p.faint { (fill(t.rows_first, &[&ROWS.to_string()])) } }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_keep_their_order_and_stay_apart_and_inside() {
        // A year of rest between two busy minutes.
        let times = [0, 1, 2, 3, 31_536_000_000, 31_536_000_001];
        let xs = places(&times);
        assert!(xs.windows(2).all(|pair| pair[1] - pair[0] >= 25.9), "{xs:?}");
        assert!(xs.iter().all(|x| (LEFT..=WIDTH).contains(x)), "{xs:?}");
        assert_eq!(places(&[]), Vec::<f64>::new());
        assert_eq!(places(&[5]).len(), 1);
    }
}
