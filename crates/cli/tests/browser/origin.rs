//! The origin check on its page: strength in words beside both pictures; what cannot be assessed looks like no pass;
//! who may not see the lot sees nothing of it.

use std::{fs, path::Path};

use serde_json::Value as Json;

use crate::{
    chromium::{Browser, browser},
    demo::Demo,
    pages::{accessible, axe},
};

/// An origin of the library that the program ships.
const ORIGIN: &str = "Synthetic origin 03";
const MINE: &str = "mine-operator-au";
const LABORATORY: &str = "lab-gb";

#[test]
fn a_claim_has_its_strength_its_pictures_and_its_cautions_and_no_claim_is_no_pass() {
    let Some(mut browser) = browser() else { return };
    let demo = Demo::start();
    let library = published(&demo);
    for (lot, first) in [("SCH-1", true), ("SCH-2", false)] {
        commission(&demo, lot);
        let claim = || {
            said(
                &demo,
                MINE,
                &["fingerprint", "claim", &named(lot), "--origin", ORIGIN, "--library", &library],
            )
        };
        let table = demo.file("assay.csv");
        let assay = || {
            said(
                &demo,
                LABORATORY,
                &["fingerprint", "assay", &named(lot), "--table", text_of(&table), "--sample", "S-1"],
            )
        };
        if first {
            claim();
            assay();
        } else {
            // A claim after the pattern was shown fits anything.
            assay();
            claim();
        }
    }
    demo.sign_in(&mut browser, "secretariat");
    demo.open(&mut browser, "/lots/mine-operator-au/SCH-1/assays?lang=en");
    let strength = browser.text(".evidence");
    assert!(strength.contains("moderate support for the claim") && strength.contains(ORIGIN), "{strength}");
    let page = browser.text("main");
    for word in [
        "no probability that the claim is true",
        "SYNTHETIC",
        "Distances in this picture are not evidence",
        "log of queries",
    ] {
        assert!(page.contains(word), "{word}: {page}");
    }
    let pictures =
        "[...document.querySelectorAll('.origin svg')].map((it) => it.querySelector('title').textContent)";
    let drawn = browser.value(pictures);
    assert_eq!(drawn.as_array().map(Vec::len), Some(3), "spider, map and assays: {drawn}");
    let axe = axe();
    for (path, name) in [
        ("/lots/mine-operator-au/SCH-1/assays?map=embedding", "origin-assessed"),
        ("/lots/mine-operator-au/SCH-2/assays", "origin-not-assessable"),
    ] {
        demo.open(&mut browser, path);
        if let Some(axe) = &axe {
            accessible(&mut browser, axe, path);
        }
        browser.keep_picture(name);
    }
    assert_eq!(browser.value("document.querySelectorAll('.evidence.unassessed').length"), 1);
    let reasons = browser.text(".evidence.unassessed");
    assert!(reasons.contains("Not assessable") && reasons.contains("This is no pass"), "{reasons}");
    assert!(reasons.contains("not committed before the assay"), "{reasons}");
    assert_eq!(
        browser.value("document.querySelectorAll('#origin-check ~ * .good, .evidence .good').length"),
        0
    );
    // The lot's own page asks nothing and leads there.
    demo.open(&mut browser, "/lots/mine-operator-au/SCH-1?lang=ja");
    assert_eq!(browser.value("document.querySelectorAll('.evidence').length"), 0);
    browser.keep_picture("origin-link");
    demo.open(&mut browser, "/lots/mine-operator-au/SCH-1/assays?lang=ja");
    assert!(browser.text(".evidence").contains("主張を中程度に支持"), "{}", browser.text("main"));
    let listed = demo.run(&["fingerprint", "queries", "--as", "secretariat"]);
    assert!(listed.contains("mine-operator-au/SCH-1"), "each question stands in the node's log: {listed}");
    assert!(browser.complaints.is_empty(), "{:?}", browser.complaints);
    a_share_link_shows_nothing_of_it(&mut browser, &demo);
}

fn a_share_link_shows_nothing_of_it(browser: &mut Browser, demo: &Demo) {
    let link = demo.run(&["share", "mine-operator-au/SCH-1", "--as", MINE]);
    let link = link.lines().find_map(|line| line.split_whitespace().find(|word| word.starts_with("http")));
    let link = link.expect("a share link");
    browser.call("Network.clearBrowserCookies", serde_json::json!({}));
    browser.open(link);
    let page = browser.text("body");
    assert!(page.contains("mine-operator-au/SCH-1"), "{page}");
    assert_eq!(browser.value("document.querySelectorAll('.evidence, .origin').length"), 0, "{page}");
}

fn named(lot: &str) -> String {
    format!("{MINE}/{lot}")
}

fn text_of(path: &Path) -> &str {
    path.to_str().expect("text")
}

/// Runs a statement of a member, signed without asking.
fn said(demo: &Demo, member: &str, args: &[&str]) -> String {
    let mut all = args.to_vec();
    all.extend(["--as", member, "-y", "--json"]);
    demo.run(&all)
}

/// The shipped library as a member's own, and a table with six of its analyses; the library's record.
fn published(demo: &Demo) -> String {
    let example = demo.run(&["fingerprint", "library", "example"]);
    let library = demo.file("library.csv");
    fs::write(&library, &example).expect("room");
    let elements = example.lines().next().and_then(|head| head.split_once("unit,")).expect("a head").1;
    let mut table = format!("matrix,campaign,unit,spot,{elements}\n");
    let own = example.lines().filter(|line| line.contains(&format!(",{ORIGIN},no,")));
    for (spot, line) in own.take(6).enumerate() {
        let campaign = line.split('"').nth(1).expect("quoted");
        let values = line.split_once(",ppm,").expect("a unit").1;
        table.push_str(&format!("scheelite,\"{campaign}\",ppm,{spot},{values}\n"));
    }
    fs::write(demo.file("assay.csv"), table).expect("room");
    let told = said(
        demo,
        LABORATORY,
        &["fingerprint", "library", "publish", "--name", "scheelite", "--synthetic", text_of(&library)],
    );
    let json: Json = serde_json::from_str(&told[told.find('{').expect("JSON")..]).expect("JSON");
    json["record"].as_str().expect("a record").to_owned()
}

fn commission(demo: &Demo, lot: &str) {
    let tag = format!("MT-{lot}");
    let what = [
        "--mass",
        "400 kg",
        "--material",
        "concentrate",
        "--form",
        "scheelite concentrate",
        "--content",
        "W=52 %",
    ];
    let lot = named(lot);
    let mut args = vec!["lot", "commission", lot.as_str()];
    args.extend(what);
    args.extend(["--tag", tag.as_str(), "--origin", "AU", "--facility", "mine-operator-au/pilgangoora"]);
    said(demo, MINE, &args);
}
