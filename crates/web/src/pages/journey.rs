//! The journey: facilities on a map and the legs between them, as wide as the metal of this lot that took them.
//!
//! Outlines ship with the program (`data/countries.txt` names their source): no map server is asked.

use std::{collections::BTreeMap, fmt::Write, sync::LazyLock};

use maud::{Markup, PreEscaped, html};
use ore_record::v1::Facility;
use ore_wire::v1;

use super::parts::{Opened, ancestors, facility_kind, facility_link, lot_head, open, symbol};
use crate::{
    Refused, Source,
    graph::escape,
    layout::Frame,
    locale::{fill, mass, percent, thousands},
};

const WIDTH: f64 = 1320.0;
/// Facilities are asked for in pages of this size, at most so many pages.
const PAGE: u32 = 1_000;
const PAGES: usize = 5;

static COUNTRIES: LazyLock<Vec<Vec<(f64, f64)>>> =
    LazyLock::new(|| outlines(include_str!("../../data/countries.txt")));

/// Rings of longitude and latitude; what cannot be read is left out.
fn outlines(text: &str) -> Vec<Vec<(f64, f64)>> {
    let point = |pair: &str| {
        let (x, y) = pair.split_once(',')?;
        Some((x.parse::<f64>().ok()? / 10.0, y.parse::<f64>().ok()? / 10.0))
    };
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    lines.map(|line| line.split(' ').filter_map(point).collect()).collect()
}

/// One leg: from where a lot was made to where it was taken up.
#[derive(Debug, Default)]
struct Leg {
    share_e18: u64,
    lots: Vec<String>,
}

pub(crate) async fn page(source: &dyn Source, frame: &Frame<'_>, id: &str) -> Result<Markup, Refused> {
    let t = frame.words();
    let (lot, element) = match open(source, frame, id, "journey").await? {
        Opened::At(lot, element) => (lot, element),
        Opened::Without(page) => return Ok(page),
    };
    let trace = ancestors(source, frame, id, element, 0).await?;
    let facilities = facilities(source).await?;
    let legs = legs(&lot, &trace);
    let name = symbol(element);
    let mut rows: Vec<(&(String, String), &Leg)> = legs.iter().collect();
    rows.sort_by(|a, b| b.1.share_e18.cmp(&a.1.share_e18).then(a.0.cmp(b.0)));
    let known = |id: &str| facilities.get(id);
    Ok(frame.page(&format!("{id} · {}", t.view_journey), &[], html! {
        (lot_head(frame, &lot, "journey"))
        section.card aria-labelledby="map" {
            h2 #map { (fill(t.journey_title, &[&name])) }
            div.wide tabindex="0" role="region" aria-label=(fill(t.journey_title, &[&name])) { (map(frame, &rows, &facilities, &name)) }
            p.faint { (t.journey_source) }
        }
        section.card aria-labelledby="legs" {
            h2 #legs { (t.legs) }
            div.scroll tabindex="0" role="region" aria-label=(t.legs) { table {
                thead { tr { th scope="col" { (t.from) } th scope="col" { (t.to) } th.n scope="col" { (t.distance) } th.n scope="col" { (t.share) } th scope="col" { (t.nav_lots) } } }
                tbody { @for ((from, to), leg) in rows.iter().take(200) { tr {
                    th scope="row" { (facility_link(frame, from)) @if let Some(it) = known(from) { " " small { (facility_kind(t, it.kind())) " · " (it.country) } } }
                    td { (facility_link(frame, to)) @if let Some(it) = known(to) { " " small { (facility_kind(t, it.kind())) " · " (it.country) } } }
                    td.n { @match (known(from), known(to)) { (Some(a), Some(b)) => { (thousands(kilometres(a, b))) " km" } _ => { (t.no_data) } } }
                    td.n { (percent(leg.share_e18)) }
                    td { (leg.lots.iter().take(3).map(String::as_str).collect::<Vec<_>>().join(", ")) @if leg.lots.len() > 3 { " + " (leg.lots.len() - 3) } }
                } } }
            } }
            p.faint { (fill(t.legs_lead, &[&mass(lot.created_dry_mg)])) }
        }
    }))
}

async fn facilities(source: &dyn Source) -> Result<BTreeMap<String, Facility>, Refused> {
    let mut all = BTreeMap::new();
    let mut page_token = String::new();
    for _ in 0..PAGES {
        let asked = v1::ListFacilitiesRequest { page_size: PAGE, page_token, ..Default::default() };
        let answer = source.facilities(asked).await?;
        all.extend(answer.facilities.into_iter().map(|facility| (facility.id.clone(), facility)));
        page_token = answer.next_page_token;
        if page_token.is_empty() {
            break;
        }
    }
    Ok(all)
}

/// Every leg on the way, by its ends.
fn legs(root: &v1::Lot, trace: &v1::TraceBackResponse) -> BTreeMap<(String, String), Leg> {
    let mut made_at: BTreeMap<&str, &str> = BTreeMap::new();
    for source in &trace.sources {
        made_at.insert(&source.lot, source.origin.as_ref().map_or("", |origin| origin.source.as_str()));
    }
    for step in &trace.steps {
        for output in &step.outputs {
            made_at.insert(&output.lot, &step.facility);
        }
    }
    let mut legs: BTreeMap<(String, String), Leg> = BTreeMap::new();
    let mut add = |lot: &str, to: &str, share_e18: u64| {
        let Some(from) = made_at.get(lot).filter(|from| !from.is_empty() && !to.is_empty() && **from != to)
        else {
            return;
        };
        let leg = legs.entry(((*from).to_owned(), to.to_owned())).or_default();
        leg.share_e18 = leg.share_e18.saturating_add(share_e18);
        leg.lots.push(lot.to_owned());
    };
    for step in &trace.steps {
        for input in &step.inputs {
            add(&input.lot, &step.facility, input.share_e18);
        }
    }
    add(&root.lot, &root.facility, 1_000_000_000_000_000_000);
    legs
}

fn degrees(facility: &Facility) -> (f64, f64) {
    (f64::from(facility.longitude_e7) / 1e7, f64::from(facility.latitude_e7) / 1e7)
}

/// Great-circle distance on a sphere of 6,371 km.
fn kilometres(a: &Facility, b: &Facility) -> u64 {
    let ((x1, y1), (x2, y2)) = (degrees(a), degrees(b));
    let (x1, y1, x2, y2) = (x1.to_radians(), y1.to_radians(), x2.to_radians(), y2.to_radians());
    let half = ((y2 - y1) / 2.0).sin().powi(2) + y1.cos() * y2.cos() * ((x2 - x1) / 2.0).sin().powi(2);
    (2.0 * 6_371.0 * half.sqrt().min(1.0).asin()).round() as u64
}

/// From degrees to pixels; one scale for both.
struct View {
    west: f64,
    north: f64,
    scale: f64,
    height: f64,
}

impl View {
    fn of(points: &[(f64, f64)]) -> Self {
        let fold = |of: fn(&(f64, f64)) -> f64, with: fn(f64, f64) -> f64, start| {
            points.iter().map(of).fold(start, with)
        };
        let (mut west, mut east) =
            (fold(|p| p.0, f64::min, 180.0) - 12.0, fold(|p| p.0, f64::max, -180.0) + 12.0);
        let (mut south, mut north) =
            (fold(|p| p.1, f64::min, 90.0) - 9.0, fold(|p| p.1, f64::max, -90.0) + 11.0);
        // Not closer than a continent, and about twice as wide as high.
        let wider = (70.0 - (east - west)).max((north - south) * 2.0 - (east - west)).max(0.0) / 2.0;
        (west, east) = ((west - wider).max(-180.0), (east + wider).min(180.0));
        let higher = ((east - west) / 2.6 - (north - south)).max(0.0) / 2.0;
        (south, north) = ((south - higher).max(-58.0), (north + higher).min(84.0));
        let scale = WIDTH / (east - west);
        Self { west, north, scale, height: (north - south) * scale }
    }

    fn at(&self, (x, y): (f64, f64)) -> (f64, f64) {
        ((x - self.west) * self.scale, (self.north - y) * self.scale)
    }

    fn sees(&self, ring: &[(f64, f64)]) -> bool {
        let inside = |point: &(f64, f64)| {
            let (x, y) = self.at(*point);
            (-60.0..=WIDTH + 60.0).contains(&x) && (-60.0..=self.height + 60.0).contains(&y)
        };
        ring.iter().any(inside)
    }
}

fn map(
    frame: &Frame<'_>,
    rows: &[(&(String, String), &Leg)],
    facilities: &BTreeMap<String, Facility>,
    name: &str,
) -> Markup {
    let t = frame.words();
    let mut here: BTreeMap<&str, (&Facility, u64)> = BTreeMap::new();
    for ((from, to), leg) in rows {
        for id in [from, to] {
            if let Some(facility) = facilities.get(id) {
                here.entry(id).or_insert((facility, 0)).1 += leg.share_e18 / 2;
            }
        }
    }
    if here.is_empty() {
        return html! { p.note { (t.journey_none) } };
    }
    let points: Vec<(f64, f64)> = here.values().map(|(facility, _)| degrees(facility)).collect();
    let view = View::of(&points);
    let mut land = String::new();
    for ring in COUNTRIES.iter().filter(|ring| view.sees(ring)) {
        for (at, point) in ring.iter().enumerate() {
            let (x, y) = view.at(*point);
            let _ = write!(land, "{}{x:.0} {y:.0}", if at == 0 { 'M' } else { 'L' });
        }
        land.push('Z');
    }
    let mut body = String::new();
    for ((from, to), leg) in rows {
        let (Some((a, _)), Some((b, _))) = (here.get(from.as_str()), here.get(to.as_str())) else { continue };
        let ((x1, y1), (x2, y2)) = (view.at(degrees(a)), view.at(degrees(b)));
        let length = (x2 - x1).hypot(y2 - y1);
        // Bent to the left of its direction, so that there and back are two lines.
        let (cx, cy) =
            ((x1 + x2) / 2.0 + (y2 - y1) * 0.16, (y1 + y2) / 2.0 - (x2 - x1) * 0.16 - length * 0.04);
        let width = 1.2 + leg.share_e18 as f64 / 1e18 * 9.0;
        let _ = write!(
            body,
            r#"<g class="leg"><title>{}</title><path d="M{x1:.1} {y1:.1}Q{cx:.1} {cy:.1} {x2:.1} {y2:.1}" stroke-width="{width:.1}"/></g>"#,
            escape(&format!("{from} → {to}: {}", percent(leg.share_e18))),
        );
        // An arrow head in the middle of the bend.
        let (mx, my) = ((x1 + 2.0 * cx + x2) / 4.0, (y1 + 2.0 * cy + y2) / 4.0);
        let angle = (y2 - y1).atan2(x2 - x1).to_degrees();
        let size = (4.0 + width * 0.7).min(9.0);
        let _ = write!(
            body,
            r#"<path class="arrow" transform="translate({mx:.1} {my:.1}) rotate({angle:.0})" d="M{:.1} {:.1}L{size:.1} 0L{:.1} {size:.1}Z"/>"#,
            -size * 0.7,
            -size,
            -size * 0.7,
        );
    }
    dots(frame, &mut body, &view, &here);
    let title = fill(t.journey_title, &[name]);
    html! {
        svg.map role="group" viewBox=(format!("0 0 {WIDTH} {:.0}", view.height)) width=(WIDTH) height=(format!("{:.0}", view.height)) aria-labelledby="map-title map-desc" {
            title #map-title { (title) }
            desc #map-desc { (fill(t.journey_desc, &[&here.len().to_string(), &rows.len().to_string()])) }
            rect.sea width="100%" height="100%" {}
            (PreEscaped(format!(r#"<path class="land" d="{land}"/>"#)))
            (PreEscaped(body))
        }
    }
}

/// A dot for each facility, and its name where no other name stands.
fn dots(frame: &Frame<'_>, out: &mut String, view: &View, here: &BTreeMap<&str, (&Facility, u64)>) {
    let t = frame.words();
    let mut taken: Vec<(f64, f64, f64, f64)> = Vec::new();
    let mut order: Vec<(&&str, &(&Facility, u64))> = here.iter().collect();
    order.sort_by_key(|(_, (_, share))| std::cmp::Reverse(*share));
    for (id, _) in &order {
        let (x, y) = view.at(degrees(here[**id].0));
        taken.push((x - 7.0, y - 7.0, x + 7.0, y + 7.0));
    }
    for (id, (facility, _)) in order {
        let (x, y) = view.at(degrees(facility));
        // What is written beside the dot stands in its name too, so that who says it by voice reaches it.
        let title =
            format!("{id}: {} ({}, {})", facility.name, facility_kind(t, facility.kind()), facility.country);
        let href = frame.href(&format!("/facilities/{}", crate::query::encode(id, true)));
        let _ = write!(
            out,
            r#"<a href="{}"><title>{1}</title><circle class="site ring" cx="{x:.1}" cy="{y:.1}" r="6"/>"#,
            escape(&href),
            escape(&title),
        );
        let wide = id.chars().count() as f64 * 6.7;
        let places = [
            (x + 9.0, y + 4.0),
            (x - 9.0 - wide, y + 4.0),
            (x - wide / 2.0, y - 11.0),
            (x - wide / 2.0, y + 20.0),
            (x + 9.0, y - 10.0),
            (x + 9.0, y + 18.0),
            (x - 9.0 - wide, y - 10.0),
            (x - 9.0 - wide, y + 18.0),
        ];
        let free = places.into_iter().find(|(left, base)| {
            let own = (*left, base - 11.0, left + wide, base + 3.0);
            own.0 >= 2.0
                && own.2 <= WIDTH - 2.0
                && taken.iter().all(|it| own.2 < it.0 || it.2 < own.0 || own.3 < it.1 || it.3 < own.1)
        });
        if let Some((left, base)) = free {
            taken.push((left, base - 11.0, left + wide, base + 3.0));
            let _ = write!(out, r#"<text class="halo" x="{left:.1}" y="{base:.1}">{}</text>"#, escape(id));
        }
        out.push_str("</a>");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(latitude: i32, longitude: i32) -> Facility {
        Facility {
            latitude_e7: latitude * 10_000_000,
            longitude_e7: longitude * 10_000_000,
            ..Facility::default()
        }
    }

    #[test]
    fn outlines_are_whole_rings_on_the_globe() {
        assert!(COUNTRIES.len() > 200);
        for ring in COUNTRIES.iter() {
            assert!(ring.len() >= 4);
            assert!(ring.iter().all(|(x, y)| (-360.0..=360.0).contains(x) && (-90.0..=90.0).contains(y)));
        }
    }

    #[test]
    fn distances_are_those_of_the_globe() {
        // A quarter of the equator, and from pole to pole.
        assert_eq!(kilometres(&place(0, 0), &place(0, 90)), 10_008);
        assert_eq!(kilometres(&place(90, 0), &place(-90, 0)), 20_015);
    }

    #[test]
    fn every_place_is_inside_the_picture() {
        let points = [(-60.2, -0.7), (139.7, 35.7), (115.9, -21.0)];
        let view = View::of(&points);
        for point in points {
            let (x, y) = view.at(point);
            assert!((0.0..=WIDTH).contains(&x) && (0.0..=view.height).contains(&y), "{point:?} at {x} {y}");
        }
    }
}
