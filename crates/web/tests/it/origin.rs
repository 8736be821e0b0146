//! The origin check on its page: what the node answered, with its strength, and nothing that looks like a pass.

use ore_record::{
    SignedRecord,
    keys::SecretKey,
    v1::{ClaimOrigin, Record, record::Event},
};
use ore_web::Viewer;
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
    let claim = ClaimOrigin { lot: LOT.to_owned(), origin: "somewhere".to_owned(), ..Default::default() };
    let record =
        Record { author: "mine".to_owned(), event: Some(Event::ClaimOrigin(claim)), ..Default::default() };
    let entry = SignedRecord::sign(record, &SecretKey::from_seed(&[1; 32])).expect("short").entry();
    let entries = vec![v1::HistoryEntry { entry: entry.into(), ..Default::default() }];
    let asked = v1::HistoryRequest { lot: LOT.to_owned(), page_size: 1_000, ..Default::default() };
    demo.put("history", &asked, &v1::HistoryResponse { entries, ..Default::default() });
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
    let reasons = vec![
        "the claim was not committed before the assay was revealed".to_owned(),
        "mineral \"<b>tin</b>\" is not known".to_owned(),
    ];
    let answer = OriginCheckResponse {
        result: Some(Outcome::NotAssessable(NotAssessable { reasons })),
        ..Default::default()
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

#[test]
fn nothing_is_asked_about_a_lot_that_nobody_claimed_or_measured() {
    // A question that was not recorded would be told on the page.
    let html = text(&get(&Recorded::demo(), "/lots/mine-operator-au/CON-2301/assays", Viewer::Everybody));
    assert!(!html.contains("origin-check") && !html.contains("not recorded"), "{html}");
}
