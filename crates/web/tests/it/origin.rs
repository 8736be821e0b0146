//! The origin check on its page: what the node answered, with its strength, and nothing that looks like a pass.

use std::sync::atomic::Ordering;

use ore_web::{Refused, Viewer};
use ore_wire::v1::{
    self, NotAssessable, OriginCheckRequest, OriginCheckResponse, OriginEvidence,
    origin_check_response::Result as Outcome,
};

use crate::{
    page::{get, text},
    recorded::Recorded,
};

const LOT: &str = "mine/L-1";
const PAGE: &str = "/lots/mine/L-1/assays";

/// A lot whose origin was claimed, and what the node says of it.
fn claimed(answer: OriginCheckResponse) -> Recorded {
    let mut demo = Recorded::demo();
    let lot = v1::Lot { lot: LOT.to_owned(), ..Default::default() };
    demo.put(
        "get_lot",
        &v1::GetLotRequest { lot: LOT.to_owned() },
        &v1::GetLotResponse { lot: Some(lot), ..Default::default() },
    );
    // A claim is in no lot's history, so the history says nothing of it.
    for page_size in [100, 1_000] {
        let asked = v1::HistoryRequest { lot: LOT.to_owned(), page_size, ..Default::default() };
        demo.put("history", &asked, &v1::HistoryResponse::default());
    }
    let as_of = Some(v1::AsOf::default());
    demo.put(
        "check",
        &OriginCheckRequest { lot: LOT.to_owned(), pictures: true, as_of, ..Default::default() },
        &answer,
    );
    demo
}

fn shown(answer: OriginCheckResponse, language: &str) -> String {
    text(&get(&claimed(answer), &format!("{PAGE}?lang={language}"), Viewer::Everybody))
}

fn evidence(ratio: f64, words: &str) -> OriginCheckResponse {
    let found = OriginEvidence {
        likelihood_ratio: ratio,
        log10_likelihood_ratio: ratio.log10(),
        words: words.to_owned(),
        no_p_value: "the calibration is of other laboratories".to_owned(),
        ..Default::default()
    };
    OriginCheckResponse {
        origin: "somewhere".to_owned(),
        result: Some(Outcome::Assessed(found)),
        ..Default::default()
    }
}

#[test]
fn support_has_its_strength_and_no_colour_of_success() {
    let html = shown(evidence(43.2, "moderate support for the claim"), "en");
    assert!(html.contains("class=\"evidence\"") && html.contains("moderate support for the claim"), "{html}");
    assert!(html.contains("43.2 times as probable if the origin is somewhere"), "{html}");
    assert!(
        html.contains("no data: the calibration is of other laboratories"),
        "a p-value that is absent is no zero"
    );
    assert!(!html.contains("badge good") && !html.contains("note good"), "{html}");
    let html = shown(evidence(0.05, "moderate support for another origin"), "ja");
    assert!(
        html.contains("class=\"evidence against\"") && html.contains("別の原産地を中程度に支持"),
        "{html}"
    );
}

#[test]
fn what_cannot_be_assessed_has_its_reasons_and_is_no_pass() {
    let answer = OriginCheckResponse {
        origin: "somewhere".to_owned(),
        ..unassessable(&[
            "the claim was not committed before the assay was revealed",
            "mineral \"<b>tin</b>\" is not known",
        ])
    };
    let html = shown(answer.clone(), "en");
    assert!(html.contains("class=\"evidence unassessed\"") && html.contains("This is no pass."), "{html}");
    assert!(
        html.contains("not committed before the assay") && html.contains("&lt;b&gt;tin&lt;/b&gt;"),
        "{html}"
    );
    assert!(!html.contains("support") && !html.contains("Likelihood"), "{html}");
    let html = shown(answer, "ja");
    assert!(html.contains("評価不能") && html.contains("合格ではありません"), "{html}");
}

#[test]
fn a_picture_is_shown_with_its_caution_and_anything_else_is_not() {
    let drawn =
        "<svg width=\"1\" height=\"1\"><title>a map</title><circle cx=\"1\" cy=\"1\" r=\"1\"/></svg>\n";
    let good = OriginCheckResponse { map_svg: drawn.to_owned(), ..evidence(1.0, "no support either way") };
    let html = shown(good, "en");
    assert!(
        html.contains("<title>a map</title>") && html.contains("Distances in this picture are not evidence."),
        "{html}"
    );
    let bad = OriginCheckResponse {
        map_svg: "<svg width=\"1\"><script>alert(1)</script></svg>".to_owned(),
        spider_svg: "<svg width=\"1\" onload=\"alert(1)\"></svg>".to_owned(),
        ..evidence(1.0, "no support either way")
    };
    let html = shown(bad, "en");
    assert!(!html.contains("alert(1)") && !html.contains("class=\"card origin\""), "{html}");
}

fn unassessable(reasons: &[&str]) -> OriginCheckResponse {
    let reasons = reasons.iter().map(|reason| (*reason).to_owned()).collect();
    OriginCheckResponse {
        result: Some(Outcome::NotAssessable(NotAssessable { reasons })),
        ..Default::default()
    }
}

#[test]
fn a_claim_alone_and_a_pattern_alone_are_shown_and_neither_is_not() {
    let (no_claim, no_pattern) =
        ("no record claims an origin for the lot", "no assay of the lot shows a trace pattern");
    for missing in [no_claim, no_pattern] {
        let html = shown(unassessable(&[missing]), "en");
        assert!(html.contains("unassessed") && html.contains(missing), "{html}");
    }
    let html = shown(unassessable(&[no_claim, no_pattern]), "en");
    assert!(!html.contains("origin-check") && !html.contains(no_claim), "{html}");
}

#[test]
fn a_refusal_is_shown_and_never_vanishes() {
    let mut demo = claimed(OriginCheckResponse::default());
    let refused = "this caller has had as much computed as it may for now";
    demo.refused = Some(Refused::Later(refused.to_owned()));
    for (language, said) in [("en", refused), ("ja", "計算量が上限に達しました")] {
        let html = text(&get(&demo, &format!("{PAGE}?lang={language}"), Viewer::Everybody));
        assert!(html.contains("id=\"origin-check\"") && html.contains(said), "{html}");
    }
}

#[test]
fn the_lots_own_page_leads_to_the_check_and_asks_nothing() {
    let demo = claimed(evidence(43.2, "moderate support for the claim"));
    let html = text(&get(&demo, "/lots/mine/L-1?lang=en", Viewer::Everybody));
    assert!(html.contains("href=\"/lots/mine/L-1/assays\">Assays and origin check"), "{html}");
    assert!(!html.contains("not recorded") && !html.contains("moderate support"), "{html}");
    assert_eq!(demo.checks.load(Ordering::Relaxed), 0, "each question is written down");
    get(&demo, PAGE, Viewer::Everybody);
    assert_eq!(demo.checks.load(Ordering::Relaxed), 1);
}
