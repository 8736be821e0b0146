//! Every page of the demo's ledger, in both languages, held against what each page must keep.

use std::collections::{BTreeMap, BTreeSet};

use ore_web::{ROUTES, Viewer};

use crate::{
    page::{get, tags, text},
    recorded::Recorded,
};

const LOT: &str = "/lots/target-maker-jp/TGT-301";

/// Addresses of every page, in the order of `ROUTES`.
fn addresses() -> Vec<String> {
    let mut all: Vec<String> = [
        "/",
        "/session",
        "/verify",
        "/enter",
        "/ledger",
        "/lots",
        "/lots?q=TGT",
        "/lots?custodian=fab-tw",
        LOT,
    ]
    .map(str::to_owned)
    .to_vec();
    for view in ["passport", "recall", "custody", "journey", "loop", "dependence", "assays"] {
        all.push(format!("{LOT}/{view}"));
    }
    all.push("/lots/trader-ae/UNK-2301/recall".to_owned());
    all.push("/lots/mine-operator-au/CON-2301/assays".to_owned());
    for address in ["/facilities", "/facilities/refiner-jp/plant?element=Ta", "/findings", "/circularity"] {
        all.push(address.to_owned());
    }
    all
}

fn each(mut check: impl FnMut(&str, &str)) {
    let demo = Recorded::demo();
    for address in addresses() {
        for language in ["en", "ja"] {
            let joined = format!("{address}{}lang={language}", if address.contains('?') { '&' } else { '?' });
            let page = get(&demo, &joined, Viewer::Everybody);
            let html = text(&page);
            assert_eq!(page.status, 200, "{joined}: {html}");
            assert!(html.contains(&format!("<html lang=\"{language}\">")), "{joined}");
            check(&joined, &html);
        }
    }
}

#[test]
fn no_page_carries_script_or_style_of_its_own_or_names_another_place() {
    each(|address, html| {
        for tag in tags(html) {
            let inline = tag.attributes.iter().find(|(name, _)| name == "style" || name.starts_with("on"));
            assert!(inline.is_none(), "{address}: {tag:?}");
            assert_ne!(tag.name, "style", "{address}");
            if tag.name == "script" {
                assert!(tag.get("src").is_some_and(|src| src.starts_with("/assets/")), "{address}: {tag:?}");
            }
            for name in ["src", "href", "action"] {
                let ours = tag.get(name).is_none_or(|place| place.starts_with(['/', '#']));
                assert!(ours, "{address}: {tag:?}");
            }
        }
        assert!(!html.contains("<script>"), "{address}");
    });
}

#[test]
fn who_does_not_see_is_told_the_same() {
    each(|address, html| {
        let tags = tags(html);
        let mut ids = BTreeSet::new();
        for tag in &tags {
            if let Some(id) = tag.get("id") {
                assert!(ids.insert(id.to_owned()), "{address}: id {id} twice");
            }
        }
        let labels: BTreeSet<&str> =
            tags.iter().filter(|tag| tag.name == "label").filter_map(|tag| tag.get("for")).collect();
        for tag in &tags {
            for list in [tag.get("aria-labelledby"), tag.get("for")].into_iter().flatten() {
                assert!(
                    list.split(' ').all(|id| ids.contains(id)),
                    "{address}: {tag:?} names what is not there"
                );
            }
            if tag.name == "input" && tag.get("type") != Some("hidden") {
                let named =
                    tag.get("aria-label").is_some() || tag.get("id").is_some_and(|id| labels.contains(id));
                assert!(named || html.contains("<label>"), "{address}: {tag:?} has no label");
            }
            if tag.name == "svg" {
                let told = tag.get("aria-hidden") == Some("true")
                    || tag.get("aria-labelledby").is_some()
                    || tag.get("role") == Some("img");
                assert!(told, "{address}: {tag:?}");
            }
            if tag.name == "th" {
                assert!(tag.get("scope").is_some(), "{address}: {tag:?}");
            }
            if tag.name == "img" {
                assert!(tag.get("alt").is_some(), "{address}: {tag:?}");
            }
        }
        for landmark in ["<header", "<main", "<footer", "class=\"skip\""] {
            assert!(html.contains(landmark), "{address}: no {landmark}");
        }
        assert_eq!(html.matches("<h1").count(), 1, "{address}: one heading of the first rank");
    });
}

#[test]
fn tags_close_in_their_order() {
    const EMPTY: &[&str] = &["meta", "link", "input", "br", "img"];
    each(|address, html| {
        let mut open: Vec<&str> = Vec::new();
        let mut rest = html;
        while let Some(at) = rest.find('<') {
            rest = &rest[at + 1..];
            let inside = &rest[..rest.find('>').expect("a tag ends")];
            let name = inside.trim_start_matches('/').split([' ', '/']).next().unwrap_or_default();
            if inside.starts_with('/') {
                assert_eq!(open.pop(), Some(name), "{address}");
            } else if !inside.starts_with('!') && !inside.ends_with('/') && !EMPTY.contains(&name) {
                open.push(name);
            }
        }
        assert!(open.is_empty(), "{address}: {open:?}");
    });
}

#[test]
fn links_lead_to_pages() {
    let patterns: Vec<Vec<&str>> = ROUTES.iter().map(|route| route.split('/').collect()).collect();
    let elsewhere = ["/checkpoint", "/v1/"];
    let known = |path: &str| {
        let parts: Vec<&str> = path.split('/').collect();
        let fits = |route: &Vec<&str>| {
            let wild = route.last().is_some_and(|last| last.starts_with("{*"));
            (route.len() == parts.len() || (wild && parts.len() >= route.len()))
                && route.iter().zip(&parts).all(|(route, part)| route.starts_with('{') || route == part)
        };
        patterns.iter().any(fits) || elsewhere.iter().any(|place| path.starts_with(place))
    };
    each(|address, html| {
        for tag in tags(html) {
            let Some(place) = tag.get("href").filter(|place| place.starts_with('/')) else { continue };
            let path = place.split(['?', '#']).next().unwrap_or_default();
            assert!(known(path), "{address}: {place} is no page");
        }
    });
}

#[test]
fn the_lot_page_shows_each_origin_with_its_share_and_its_colour() {
    let html = text(&get(&Recorded::demo(), LOT, Viewer::Everybody));
    for (place, share) in [
        ("mine-operator-au/pilgangoora", "38.64 %"),
        ("scrap-collector-kr/yard", "19.08 %"),
        ("unknown origin", "3.04 %"),
    ] {
        assert!(html.contains(place) && html.contains(share), "{place} {share}");
    }
    let colours: BTreeMap<usize, usize> =
        (0..9).map(|colour| (colour, html.matches(&format!("\"flow o{colour}\"")).count())).collect();
    assert!((0..5).chain([8]).all(|colour| colours[&colour] > 0), "{colours:?}");
    assert_eq!(colours[&7], 0, "no sixth place of origin");
}

#[test]
fn the_passport_has_a_code_that_opens_it_and_is_not_greener_than_its_evidence() {
    let html = text(&get(&Recorded::demo(), &format!("{LOT}/passport"), Viewer::Everybody));
    assert!(html.contains("https://node.example/lots/target-maker-jp/TGT-301/passport"));
    assert!(html.contains("QR code that opens https://node.example"));
    // The demo's permits are for another mineral, and its profile has no list of sanctions.
    assert!(html.contains("30 findings, 7 of them severe"));
    assert!(html.contains("O14: sanctions"));
    assert!(html.contains("96.96 %"));
}

#[test]
fn an_earlier_moment_is_kept_by_every_link() {
    let demo = Recorded::demo();
    let html = text(&get(&demo, "/lots?at=200", Viewer::Everybody));
    assert!(html.contains("Shown as of entry 200 of "));
    let lots = tags(&html).into_iter().filter_map(|tag| tag.get("href").map(str::to_owned));
    let lots: Vec<String> = lots.filter(|place| place.starts_with("/lots/")).collect();
    assert!(!lots.is_empty() && lots.iter().all(|place| place.ends_with("?at=200")), "{lots:?}");
}

#[test]
fn what_does_not_exist_is_said_in_a_page() {
    let demo = Recorded::demo();
    for address in
        ["/nothing", "/lots/a/b/nothing", "/records/xyz", "/assets/../secret", "/assets/nothing.js"]
    {
        let page = get(&demo, address, Viewer::Everybody);
        assert!(matches!(page.status, 400 | 404), "{address}: {}", page.status);
        assert!(text(&page).contains("<h1>"), "{address}");
    }
}

#[test]
fn what_never_was_is_said_to_be_so_at_an_earlier_moment_too() {
    let mut demo = Recorded::demo();
    demo.missing = Some("mine/TYPO".to_owned());
    for (language, said, later) in [
        ("en", "no record creates lot &quot;mine/TYPO&quot;", "it may have come later"),
        ("ja", "ロット &quot;mine/TYPO&quot; を生成した記録はありません", "その後に記録された可能性"),
    ] {
        let page = get(&demo, &format!("/lots/mine/TYPO?at=5&lang={language}"), Viewer::Everybody);
        assert_eq!(page.status, 404);
        let html = text(&page);
        assert!(html.contains(said) && html.contains(later), "{html}");
    }
}
