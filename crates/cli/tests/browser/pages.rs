//! Every page loads without a complaint, asks nobody but the node, is accessible, and is reached by keyboard.

use std::collections::BTreeSet;

use serde_json::json;

use crate::{
    chromium::{Browser, browser},
    demo::{Demo, served},
};

/// Where people begin.
const DOORS: [&str; 8] = [
    "/",
    "/lots",
    "/findings",
    "/facilities",
    "/circularity",
    "/enter",
    "/verify",
    "/lots/target-maker-jp/TGT-301",
];
/// Most pages that are looked at: one of each kind that the doors link to.
const MOST: usize = 40;
/// Where axe-core is, when CI has fetched it.
const AXE: &str = "ORELEDGER_AXE";
/// Widths of a desk and of a phone, in CSS pixels.
const WIDTHS: [u32; 2] = [1440, 390];

#[test]
fn every_page_is_quiet_accessible_and_reached_by_keyboard() {
    let Some(mut browser) = browser() else { return };
    let demo = Demo::start();
    let axe = axe();
    demo.sign_in(&mut browser, "secretariat");
    let paths = paths(&demo, &mut browser);
    assert!(paths.len() >= 10, "the doors lead to the pages: {paths:?}");
    for path in &paths {
        demo.open(&mut browser, path);
        // What is looked at stands still: the live feed asks again every few seconds.
        browser.value("(() => { for (let timer = 0; timer < 1000; timer++) clearInterval(timer); })()");
        let main = browser.text("main");
        assert!(main.len() > 40, "{path} says something: {main:?}");
        if let Some(axe) = &axe {
            accessible(&mut browser, axe, path);
        }
        by_keyboard(&mut browser, path);
        in_every_dress(&mut browser, &demo, path);
        assert!(browser.complaints.is_empty(), "{path}: {:?}", browser.complaints);
    }
    let strangers = browser.strangers(&demo.url);
    assert!(strangers.is_empty(), "no request leaves the node: {strangers:?}");
}

/// Light and dark, English and Japanese, on a desk and on a phone: no page is wider than its window, each is in its
/// language, and with `ORELEDGER_PICTURES` each is kept as a picture to be looked at.
fn in_every_dress(browser: &mut Browser, demo: &Demo, path: &str) {
    for language in ["ja", "en"] {
        demo.open(browser, &format!("{path}{}lang={language}", if path.contains('?') { '&' } else { '?' }));
        browser.value("(() => { for (let timer = 0; timer < 1000; timer++) clearInterval(timer); })()");
        let shown = browser.value("document.documentElement.lang");
        assert_eq!(shown, language, "{path}");
        for width in WIDTHS {
            browser.size(width, 900);
            let wide = browser.value("document.scrollingElement.scrollWidth").as_u64();
            assert_eq!(wide, Some(width.into()), "{path} in {language} is wider than its window of {width}");
            for scheme in ["light", "dark"] {
                browser.scheme(scheme);
                let name = if path == "/" { "ledger" } else { path.trim_matches('/') };
                let name = name.replace(['/', '?', '='], "-");
                browser.keep_picture(&format!("{name}.{language}.{width}.{scheme}"));
            }
        }
        browser.size(1440, 900);
        browser.scheme("light");
    }
}

/// The doors, and one page of each kind that they lead to.
fn paths(demo: &Demo, browser: &mut Browser) -> Vec<String> {
    let mut paths: Vec<String> =
        DOORS.iter().filter(|door| served(&route(door))).map(|door| (*door).to_owned()).collect();
    let mut kinds: BTreeSet<String> = paths.iter().map(|path| kind(path)).collect();
    for door in paths.clone() {
        demo.open(browser, &door);
        let links = browser
            .value("[...document.querySelectorAll('a[href^=\"/\"]')].map((a) => a.getAttribute('href'))");
        for link in links.as_array().expect("a list").iter().filter_map(|link| link.as_str()) {
            let path = link.split(['?', '#']).next().unwrap_or_default();
            if served(&route(path)) && paths.len() < MOST && kinds.insert(kind(path)) {
                paths.push(path.to_owned());
            }
        }
    }
    paths
}

/// A path without the names in it: pages of one kind are made by one function.
fn kind(path: &str) -> String {
    let parts: Vec<&str> = path.split('/').skip(1).collect();
    match parts[..] {
        ["lots", _, _] => "lot".into(),
        ["lots", _, _, view] => format!("lot/{view}"),
        ["records", _] => "record".into(),
        ["facilities", _, _] => "facility".into(),
        _ => path.to_owned(),
    }
}

/// The route that answers a path.
fn route(path: &str) -> String {
    let parts: Vec<&str> = path.split('/').skip(1).collect();
    match parts[..] {
        ["lots", _, _] => "/lots/{member}/{number}".into(),
        ["lots", _, _, _] => "/lots/{member}/{number}/{view}".into(),
        ["records", _] => "/records/{id}".into(),
        ["facilities", _, _] => "/facilities/{owner}/{name}".into(),
        ["enter", _] => "/enter/{form}".into(),
        _ => path.to_owned(),
    }
}

pub(crate) fn axe() -> Option<String> {
    let Some(path) = std::env::var_os(AXE) else {
        let required = std::env::var("ORELEDGER_BROWSER").is_ok_and(|word| word == "required");
        assert!(!required, "ORELEDGER_BROWSER=required, but {AXE} does not name axe-core's file");
        eprintln!("LEFT OUT: accessibility was not checked by axe-core, for {AXE} does not name its file");
        return None;
    };
    Some(std::fs::read_to_string(path).expect("axe-core's file is there"))
}

/// No serious finding, in light and in dark.
pub(crate) fn accessible(browser: &mut Browser, axe: &str, path: &str) {
    for scheme in ["light", "dark"] {
        browser.scheme(scheme);
        // Through the protocol, because the page's own policy lets no such script in.
        browser.call("Runtime.evaluate", json!({ "expression": axe }));
        let found = browser.value(
            "axe.run(document, { resultTypes: ['violations'] }).then(({ violations }) => violations \
             .filter((it) => ['serious', 'critical'].includes(it.impact)) \
             .flatMap((it) => it.nodes.slice(0, 3).map((node) => `${it.id}: ${node.html.slice(0, 200)} ${node.any[0]?.message ?? it.help}`)))",
        );
        let found = found.as_array().expect("a list").clone();
        assert!(found.is_empty(), "{path}, {scheme}: {found:#?}");
    }
    browser.scheme("light");
}

/// Most presses of Tab on one page; longer pages are walked as far as this.
const PRESSES: usize = 150;
/// Presses beyond the number of things: a time has a stop for each of its parts.
const PARTS: usize = 30;

/// Tab goes through everything that can be pressed or filled in, in the order of the page, and shows where it is.
fn by_keyboard(browser: &mut Browser, path: &str) {
    let wanted = browser.value(
        "(() => { document.activeElement?.blur(); window.scrollTo(0, 0); \
         window.reached = new Set(); \
         window.wanted = [...document.querySelectorAll('a[href], button, input, select, textarea, summary')] \
           .filter((it) => !it.disabled && it.type !== 'hidden' && it.checkVisibility() && it.tabIndex >= 0); \
         return window.wanted.length; })()",
    );
    let wanted = wanted.as_u64().expect("a number") as usize;
    for _ in 0..(wanted + PARTS).min(PRESSES) {
        browser.press("Tab");
        browser.value("window.reached.add(document.activeElement), true");
    }
    let reached = browser.value("window.reached.size").as_u64().expect("a number") as usize;
    assert!(reached >= wanted.min(10), "{path}: {reached} of {wanted} things are reached by keyboard");
    let missed = browser.value(&format!(
        "window.wanted.slice(0, {}).filter((it) => !window.reached.has(it) && it.type !== 'radio').map((it) => it.outerHTML.slice(0, 120))",
        PRESSES - PARTS
    ));
    assert!(missed.as_array().is_some_and(Vec::is_empty), "{path}: not reached by keyboard: {missed:#}");
    let invisible = browser.value("[...window.reached].filter((it) => it !== document.body && it.matches('svg *') === false && getComputedStyle(it).outlineStyle === 'none' && it.matches(':focus-visible')).map((it) => it.outerHTML.slice(0, 120))");
    assert!(invisible.as_array().is_some_and(Vec::is_empty), "{path}: focus cannot be seen: {invisible:#}");
}
