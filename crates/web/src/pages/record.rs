//! One record: what it says, who signed it, where it stands.

use maud::{Markup, html};
use ore_record::{
    SignedRecord,
    v1::{Mass, Record, record::Event},
};

use super::parts::{facility_link, lot_link, member_link};
use crate::{
    Refused, Source, events,
    layout::Frame,
    locale::{fill, hex, mass, moment, thousands},
};

pub(crate) async fn page(source: &dyn Source, frame: &Frame<'_>, id: &str) -> Result<Markup, Refused> {
    let t = frame.words();
    let bad = || Refused::Bad(t.bad_record_id.to_owned());
    let id = ore_record::RecordId::from_hex(id).ok_or_else(bad)?;
    let receipt = source.receipt(id.as_bytes()).await?;
    let told = events::tell(t, &receipt.entry);
    let place = receipt.place.clone().unwrap_or_default();
    let signed = SignedRecord::decode(&receipt.entry).map_err(|error| Refused::Broken(error.to_string()))?;
    let record = signed.record();
    Ok(frame.page(told.event, &[], html! {
        p.faint { (t.record) }
        h1 { (told.event) }
        p.lead { (told.text) }
        section.card aria-label=(t.facts) {
            dl.facts {
                div { dt { (t.author) } dd { (member_link(frame, &record.author)) } }
                div { dt { (t.when) } dd { (moment(record.event_time_ms)) } }
                div { dt { (t.entry) } dd { (thousands(place.leaf_index)) } }
                div { dt { (t.block) } dd { (thousands(place.height)) } }
                div { dt { (t.block_time) } dd { (moment(receipt.block_time_ms)) } }
            }
        }
        @if !told.lots.is_empty() {
            section.card aria-labelledby="lots" {
                h2 #lots { (t.nav_lots) }
                ul.plain { @for lot in &told.lots { li { (lot_link(frame, lot)) } } }
            }
        }
        @if let Some(detail) = detail(frame, record) { (detail) }
        @if !record.documents.is_empty() {
            section.card aria-labelledby="documents" {
                h2 #documents { (t.documents) }
                ul.plain { @for document in &record.documents {
                    li { (document.kind) " · " (document.issuer) " · " (document.media_type) " · SHA-256 " span.mono { (hex(&document.sha256)) } }
                } }
            }
        }
        section.card aria-labelledby="evidence" {
            h2 #evidence { (t.evidence) }
            dl.facts.long {
                div { dt { (t.record_id) } dd.mono { (id.to_string()) } }
                div { dt { (t.key) } dd.mono { (hex(&record.author_key)) } }
                div { dt { (t.signature) } dd.mono { (hex(signed.signature())) } }
                @if !record.corrects.is_empty() { div { dt { (t.corrects) } dd { a.mono href=(frame.href(&format!("/records/{}", hex(&record.corrects)))) { (hex(&record.corrects)) } } } }
            }
            p { a.button href={ "/v1/records/" (id.to_string()) "/receipt" } download={ (id.to_string()) ".tlog-proof" } { (t.receipt) } }
            p.faint { (fill(t.receipt_how, &[&thousands(frame.info.published_size)])) }
        }
    }))
}

/// Masses of what a transformation took and made, and of what travelled.
fn detail(frame: &Frame<'_>, record: &Record) -> Option<Markup> {
    let t = frame.words();
    let dry = |of: Option<&Mass>| of.map_or_else(String::new, |of| mass(of.dry_mg));
    match record.event.as_ref()? {
        Event::Transform(it) => Some(html! {
            section.card aria-labelledby="detail" {
                h2 #detail { (events::process(t, it.process())) " · " (facility_link(frame, &it.facility)) }
                table {
                    thead { tr { th scope="col" { (t.lot) } th scope="col" { (t.direction) } th.n scope="col" { (t.mass) } } }
                    tbody {
                        @for input in &it.inputs {
                            tr { td { @if let Some(lot) = &input.lot { (lot_link(frame, &lot.lot)) } } td { (t.taken) } td.n { (dry(input.mass.as_ref())) } }
                        }
                        @for output in &it.outputs {
                            @if let Some(lot) = &output.lot { tr { td { (lot_link(frame, &lot.lot)) } td { (t.produced) } td.n { (dry(lot.mass.as_ref())) } } }
                        }
                        @for loss in &it.losses {
                            tr { td { (super::parts::symbol(loss.element)) " · " (loss.reason) } td { (t.declared_loss) } td.n { (mass(loss.mg)) } }
                        }
                    }
                }
            }
        }),
        Event::Ship(it) => Some(html! {
            section.card aria-labelledby="detail" {
                h2 #detail { (t.event_ship) }
                dl.facts {
                    div { dt { (t.from) } dd { (facility_link(frame, &it.from_facility)) } }
                    div { dt { (t.to) } dd { (member_link(frame, &it.receiver)) " " (it.to_facility) } }
                    @if !it.carrier.is_empty() { div { dt { (t.carrier) } dd { (member_link(frame, &it.carrier)) } } }
                    @if !it.permits.is_empty() { div { dt { (t.permits) } dd { (it.permits.join(", ")) } } }
                    @for lot in &it.lots { div { dt { (lot.lot.as_ref().map_or("", |lot| lot.lot.as_str())) } dd { (dry(lot.mass.as_ref())) @if !lot.seals.is_empty() { " · " (lot.seals.join(", ")) } } } }
                }
            }
        }),
        _ => None,
    }
}
