//! The ledger: nodes, height, lag, the checkpoint with its cosignatures, and what was recorded last.

use maud::{Markup, html};
use ore_record::{RecordId, v1::Validator};
use ore_wire::v1;

use super::parts::{member_link, record_link};
use crate::{
    Refused, Source, events,
    layout::Frame,
    locale::{cut, fill, moment, thousands},
    told::told,
};

/// Entries in the feed.
const FEED: u64 = 60;

pub(crate) async fn page(source: &dyn Source, frame: &Frame<'_>) -> Result<Markup, Refused> {
    let t = frame.words();
    let checkpoint = source.checkpoint().await;
    let nodes = if frame.reads() { Some(nodes(source, frame).await?) } else { None };
    let feed = if frame.reads() { Some(feed(source, frame).await) } else { None };
    let info = &frame.info;
    let lag = info.durable_size.saturating_sub(info.published_size);
    Ok(frame.page(t.nav_ledger, &["feed.js"], html! {
        h1 { (info.origin) }
        p.lead { (t.ledger_lead) }
        section.card aria-label=(t.facts) {
            dl.facts {
                div.big { dt { (t.height) } dd { (thousands(info.height)) } }
                div.big { dt { (t.entries_durable) } dd { (thousands(info.durable_size)) } }
                div.big { dt { (t.entries_published) } dd { (thousands(info.published_size)) } }
                div.big { dt { (t.lag) } dd { (fill(t.lag_entries, &[&thousands(lag)])) } }
                div.big { dt { (t.nav_lots) } dd { (thousands(info.lots)) } }
                div { dt { (t.health) } dd { (health(frame)) @if !info.health_note.is_empty() { br; small { (told(frame.language, &info.health_note)) } } } }
                div { dt { (t.node) } dd { (info.member) } }
                div { dt { (t.genesis) } dd.mono { (crate::locale::short(&info.genesis_id)) "…" } }
            }
        }
        @if let Some(nodes) = nodes { (nodes) }
        @match &checkpoint {
            Ok(checkpoint) => (note(frame, checkpoint)),
            Err(Refused::NotFound(_)) => p.note { (t.no_checkpoint) },
            Err(refused) => p.note { (told(frame.language, &refused.to_string())) },
        }
        @match feed {
            Some(Ok(feed)) => section.card aria-labelledby="feed-title" {
                h2 #feed-title { (t.feed) }
                div #feed aria-live="off" { (feed) }
            },
            Some(Err(refused)) => p.note { (told(frame.language, &refused.to_string())) },
            None => p.note { (t.error_next_sign_in) " " a href="/session" { (t.sign_in) } },
        }
    }))
}

fn health(frame: &Frame<'_>) -> Markup {
    let t = frame.words();
    let (class, text) = match frame.info.health() {
        v1::Health::Serving => ("good", t.health_serving),
        v1::Health::DiskFull => ("bad", t.health_disk),
        v1::Health::Stalled => ("bad", t.health_stalled),
        v1::Health::Stopping => ("warn", t.health_stopping),
        v1::Health::Unpublished => ("warn", t.health_unpublished),
        v1::Health::Unspecified => ("", t.not_stated),
    };
    html! { span class={ "badge " (class) } { (text) } }
}

async fn nodes(source: &dyn Source, frame: &Frame<'_>) -> Result<Markup, Refused> {
    let t = frame.words();
    let validators = source.validators().await?.validators;
    let peers = source.peers().await?;
    let cosigned = |member: &str| peers.peers.iter().find(|peer| peer.member == member);
    let row = |validator: &Validator| {
        let peer = cosigned(&validator.member);
        let size = peer.map_or(0, |peer| peer.cosigned_size);
        let behind = frame.info.durable_size.saturating_sub(size);
        let faults: u64 = peer.map_or(0, |peer| peer.faults.iter().map(|fault| fault.count).sum());
        html! {
            tr {
                th scope="row" { (member_link(frame, &validator.member)) @if validator.member == frame.info.member { " " span.badge { (t.this_node) } } }
                td.n { @if size == 0 { (t.no_data) } @else { (thousands(size)) } }
                td.n { @if size == 0 { (t.no_data) } @else { (fill(t.lag_entries, &[&thousands(behind)])) } }
                td { @if faults == 0 { (t.none) } @else { span.badge.bad { (thousands(faults)) } } }
            }
        }
    };
    Ok(html! {
        section.card aria-labelledby="nodes" {
            h2 #nodes { (t.nodes) }
            @if !peers.not_cosigning.is_empty() { p.note.warn { (t.not_cosigning) " " (peers.not_cosigning) } }
            div.scroll tabindex="0" role="region" aria-label=(t.nodes) {
                table {
                    thead { tr { th scope="col" { (t.member) } th.n scope="col" { (t.cosigned) } th.n scope="col" { (t.lag) } th scope="col" { (t.faults) } } }
                    tbody { @for validator in &validators { (row(validator)) } }
                }
            }
        }
    })
}

/// The checkpoint as it is signed: body, then a line for each signature.
fn note(frame: &Frame<'_>, checkpoint: &v1::GetCheckpointResponse) -> Markup {
    let t = frame.words();
    let (body, lines) = checkpoint.checkpoint.split_once("\n\n").unwrap_or((&checkpoint.checkpoint, ""));
    let root = body.lines().nth(2).unwrap_or_default();
    html! {
        section.card aria-labelledby="checkpoint" {
            h2 #checkpoint { (t.checkpoint) }
            dl.facts {
                div { dt { (t.tree_size) } dd { (thousands(checkpoint.tree_size)) } }
                div { dt { (t.root_hash) } dd.mono { (root) } }
            }
            div.scroll tabindex="0" role="region" aria-label=(t.signatures) {
                table {
                    thead { tr { th scope="col" { (t.signed_by) } th scope="col" { (t.signature) } } }
                    tbody {
                        @for line in lines.lines() {
                            @let (name, signature) = line.trim_start_matches("— ").rsplit_once(' ').unwrap_or((line, ""));
                            tr { th scope="row" { (name) } td.mono.w { (cut(signature, 28)) } }
                        }
                    }
                }
            }
            p.faint { (t.checkpoint_how) " " a href="/checkpoint" { "/checkpoint" } }
        }
    }
}

/// The last entries, newest first: a fragment that a script can ask for again.
pub(crate) async fn feed(source: &dyn Source, frame: &Frame<'_>) -> Result<Markup, Refused> {
    let t = frame.words();
    let end = if frame.at() == 0 { frame.info.durable_size } else { frame.at() };
    let start = end.saturating_sub(FEED);
    let entries = source.entries(start, end - start).await?;
    let told: Vec<_> = (start..).zip(entries.iter().map(|entry| events::tell(t, entry))).collect();
    Ok(html! {
        div.scroll tabindex="0" role="region" aria-label=(t.feed) {
            table data-size=(end) {
                thead { tr {
                    th.n scope="col" { (t.entry) } th scope="col" { (t.when) } th scope="col" { (t.author) }
                    th scope="col" { (t.event) } th scope="col" { (t.what) } th scope="col" { (t.record) }
                } }
                tbody {
                    @for (leaf, told) in told.iter().rev() {
                        tr.quiet[told.is_seal] {
                            td.n { (thousands(*leaf)) }
                            td.w { @if told.time_ms > 0 { (moment(told.time_ms)) } }
                            td { @if !told.author.is_empty() { (member_link(frame, &told.author)) } }
                            th.w scope="row" { (told.event) }
                            td { (told.text) }
                            td.w { @if RecordId::try_from(told.id.as_slice()).is_ok() && !told.is_seal { (record_link(frame, &told.id)) } }
                        }
                    }
                }
            }
        }
    })
}
