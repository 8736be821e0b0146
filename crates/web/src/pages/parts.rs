//! Pieces that several pages are made of: facts, tabs of a lot, bars of shares, words of the protos.

use maud::{Markup, html};
use ore_record::{
    elements,
    v1::{CustodyModel, FacilityKind, LotStatus, MaterialClass},
};
use ore_wire::v1::{
    AttributeRequest, AttributeResponse, ElementContent, Lot, TraceBackRequest, TraceBackResponse,
};

use crate::{
    Answer, Refused, Source,
    layout::Frame,
    locale::{fill, percent, thousands},
    query::encode,
    words::Words,
};

/// The address of a lot's page, or of one of its views.
pub(crate) fn lot_path(lot: &str, view: &str) -> String {
    let slash = if view.is_empty() { "" } else { "/" };
    format!("/lots/{}{slash}{view}", encode(lot, true))
}

/// A link to a lot.
pub(crate) fn lot_link(frame: &Frame<'_>, lot: &str) -> Markup {
    html! { a href=(frame.href(&lot_path(lot, ""))) { (lot) } }
}

/// A link to a member's lots.
pub(crate) fn member_link(frame: &Frame<'_>, member: &str) -> Markup {
    html! {
        @if member.is_empty() { (frame.words().none) }
        @else { a href=(frame.href(&format!("/lots?custodian={}", encode(member, false)))) { (member) } }
    }
}

/// A link to a facility's books.
pub(crate) fn facility_link(frame: &Frame<'_>, facility: &str) -> Markup {
    html! {
        @if facility.is_empty() { (frame.words().on_the_way) }
        @else { a href=(frame.href(&format!("/facilities/{}", encode(facility, true)))) { (facility) } }
    }
}

/// A link to a record, by its id.
pub(crate) fn record_link(frame: &Frame<'_>, id: &[u8]) -> Markup {
    html! { a.mono href=(frame.href(&format!("/records/{}", crate::locale::hex(id)))) { (crate::locale::short(id)) } }
}

/// The element that makes up most of a lot.
pub(crate) fn main_element(composition: &[ElementContent]) -> Option<u32> {
    composition.iter().max_by_key(|content| content.ppb).map(|content| content.element)
}

/// The symbol of an element, or its number where there is none.
pub(crate) fn symbol(element: u32) -> String {
    elements::symbol(element).map_or_else(|| element.to_string(), str::to_owned)
}

/// The element that a page is about: asked for by symbol or number, or the lot's main one.
pub(crate) fn element_of(frame: &Frame<'_>, lot: Option<&Lot>) -> Option<u32> {
    let asked = frame.asked.query.get("element");
    let asked = asked.and_then(|text| elements::atomic_number(text).or_else(|| text.parse().ok()));
    asked.filter(|number| (1..=118).contains(number)).or_else(|| main_element(&lot?.composition))
}

/// What a page about an element of a lot begins with.
pub(crate) enum Opened {
    /// The lot, and the element that the page is about.
    At(Box<Lot>, u32),
    /// The whole page: nothing is stated of the lot's composition, so there is no element to follow.
    Without(Markup),
}

/// Opens a page about an element of a lot; `view` is its tab.
pub(crate) async fn open(
    source: &dyn Source,
    frame: &Frame<'_>,
    id: &str,
    view: &str,
) -> Result<Opened, Refused> {
    let lot = source.lot(id).await?.lot.unwrap_or_default();
    Ok(match element_of(frame, Some(&lot)) {
        Some(element) => Opened::At(Box::new(lot), element),
        None => {
            let body = html! { (lot_head(frame, &lot, view)) p.note { (frame.words().no_composition) } };
            Opened::Without(frame.page(id, &[], body))
        }
    })
}

/// Shares by origin of an element of a lot, as of the entry that is looked at.
pub(crate) async fn attribution(
    source: &dyn Source,
    frame: &Frame<'_>,
    id: &str,
    element: u32,
) -> Answer<AttributeResponse> {
    let asked =
        AttributeRequest { lot: id.to_owned(), element, as_of_tree_size: frame.at(), ..Default::default() };
    source.attribute(asked).await
}

/// Ancestors of a lot by an element, as of the entry that is looked at; `depth` in steps, 0 for all.
pub(crate) async fn ancestors(
    source: &dyn Source,
    frame: &Frame<'_>,
    id: &str,
    element: u32,
    depth: u32,
) -> Answer<TraceBackResponse> {
    let limits = (depth > 0).then(|| ore_wire::v1::Limits { depth, ..Default::default() });
    let asked = TraceBackRequest {
        lot: id.to_owned(),
        element,
        as_of_tree_size: frame.at(),
        limits,
        ..Default::default()
    };
    source.trace_back(asked).await
}

/// What people call a status.
pub(crate) fn status_word(t: &'static Words, status: LotStatus) -> &'static str {
    match status {
        LotStatus::Unspecified => t.not_stated,
        LotStatus::Active => t.status_active,
        LotStatus::Offered => t.status_offered,
        LotStatus::Held => t.status_held,
        LotStatus::Recalled => t.status_recalled,
        LotStatus::Consumed => t.status_consumed,
        LotStatus::Disposed => t.status_disposed,
        LotStatus::Void => t.status_void,
    }
}

pub(crate) fn status_badge(t: &'static Words, status: LotStatus) -> Markup {
    let class = match status {
        LotStatus::Active => "good",
        LotStatus::Offered | LotStatus::Held => "warn",
        LotStatus::Recalled | LotStatus::Void => "bad",
        LotStatus::Unspecified | LotStatus::Consumed | LotStatus::Disposed => "none",
    };
    html! { span class={ "badge " (class) } { (status_word(t, status)) } }
}

pub(crate) fn material(t: &'static Words, material: MaterialClass) -> &'static str {
    match material {
        MaterialClass::Unspecified => t.not_stated,
        MaterialClass::Ore => t.material_ore,
        MaterialClass::Concentrate => t.material_concentrate,
        MaterialClass::Intermediate => t.material_intermediate,
        MaterialClass::Metal => t.material_metal,
        MaterialClass::SputteringTarget => t.material_target,
        MaterialClass::Component => t.material_component,
        MaterialClass::FinishedProduct => t.material_product,
        MaterialClass::Scrap => t.material_scrap,
        MaterialClass::Residue => t.material_residue,
    }
}

pub(crate) fn model(t: &'static Words, model: CustodyModel) -> &'static str {
    match model {
        CustodyModel::Unspecified => t.not_stated,
        CustodyModel::IdentityPreserved => t.model_identity,
        CustodyModel::Segregated => t.model_segregated,
        CustodyModel::ControlledBlending => t.model_blending,
        CustodyModel::MassBalance => t.model_balance,
        CustodyModel::BookAndClaim => t.model_book,
    }
}

/// What stands above every page about one lot: its name, what it is, and the views.
pub(crate) fn lot_head(frame: &Frame<'_>, lot: &Lot, view: &str) -> Markup {
    let t = frame.words();
    let views = [
        ("", t.view_provenance),
        ("passport", t.view_passport),
        ("custody", t.view_custody),
        ("journey", t.view_journey),
        ("recall", t.view_recall),
        ("loop", t.view_loop),
        ("dependence", t.view_dependence),
        ("assays", t.view_assays),
    ];
    let element = frame.asked.query.get("element").map(|it| format!("?element={}", encode(it, false)));
    html! {
        p.faint.screen { a href=(frame.href("/lots")) { (t.nav_lots) } " › " (member_link(frame, lot.lot.split('/').next().unwrap_or_default())) }
        h1 { (lot.lot) " " (status_badge(t, lot.status())) }
        p.lead { @if lot.form.is_empty() { (material(t, lot.material())) } @else { (lot.form) " · " (material(t, lot.material())) }
            @if !lot.serial.is_empty() { " · " (t.serial) " " (lot.serial) } }
        @if frame.at() > 0 { p.note { (fill(t.standing_newest, &[&thousands(frame.at())])) } }
        nav aria-label=(t.views) {
            ul.tabs {
                @for (name, title) in views {
                    li { a href=(frame.href(&format!("{}{}", lot_path(&lot.lot, name), element.as_deref().unwrap_or(""))))
                        aria-current=[(name == view).then_some("page")] { (title) } }
                }
            }
        }
    }
}

/// A bar with its interval: the value solid, what it may be at least and at most as a band around its end.
pub(crate) fn share_bar(colour: usize, value: u64, lower: u64, upper: u64) -> Markup {
    let x = |e18: u64| format!("{:.1}", (e18 as f64 / 1e16).clamp(0.0, 100.0) * 1.6);
    let width = |from: u64, to: u64| {
        format!("{:.1}", ((to.saturating_sub(from)) as f64 / 1e16 * 1.6).clamp(0.0, 160.0))
    };
    html! {
        svg.bar width="160" height="14" viewBox="0 0 160 14" aria-hidden="true" {
            rect.track width="160" height="14" rx="2" {}
            rect class={ "o" (colour) } width=(x(value)) height="14" rx="2" {}
            @if upper > lower {
                rect.band x=(x(lower)) width=(width(lower, upper)) y="3" height="8" {}
                line.inkline x1=(x(lower)) x2=(x(lower)) y1="1" y2="13" {}
                line.inkline x1=(x(upper)) x2=(x(upper)) y1="1" y2="13" {}
            }
        }
    }
}

/// A share in words, with its interval where there is one.
pub(crate) fn share_text(value: u64, lower: u64, upper: u64) -> String {
    if lower == upper {
        percent(value)
    } else {
        format!("{} ({} – {})", percent(value), percent(lower), percent(upper))
    }
}

/// What people call a kind of facility.
pub(crate) fn facility_kind(t: &'static Words, kind: FacilityKind) -> &'static str {
    match kind {
        FacilityKind::Unspecified => t.not_stated,
        FacilityKind::Mine => t.kind_mine,
        FacilityKind::Concentrator => t.kind_concentrator,
        FacilityKind::Smelter => t.kind_smelter,
        FacilityKind::Refinery => t.kind_refinery,
        FacilityKind::PowderPlant => t.kind_powder,
        FacilityKind::TargetPlant => t.kind_target,
        FacilityKind::Fab => t.kind_fab,
        FacilityKind::Recycler => t.kind_recycler,
        FacilityKind::Laboratory => t.kind_laboratory,
        FacilityKind::Warehouse => t.kind_warehouse,
        FacilityKind::Port => t.kind_port,
    }
}
