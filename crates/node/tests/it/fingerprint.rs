//! The origin check of a running node: evidence from records, a reason for everything else, and who asked.

use ore_wire::v1::{
    self, fingerprint_service_client::FingerprintServiceClient, origin_check_response::Result as Checked,
};
use tonic::{Code, transport::Channel};

use crate::auditor::{Story, story};

impl Story {
    fn fingerprint(&self) -> FingerprintServiceClient<Channel> {
        FingerprintServiceClient::new(self.node.channel.clone())
            .max_decoding_message_size(ore_wire::MAX_RESPONSE_BYTES)
    }

    async fn check(&self, lot: &str) -> v1::OriginCheckResponse {
        let request = v1::OriginCheckRequest { lot: lot.to_owned(), ..Default::default() };
        self.fingerprint().check(request).await.expect("an answer").into_inner()
    }

    /// The lot that a rule flags.
    async fn flagged(&self, rule: &str) -> v1::Finding {
        let request = v1::FindingsRequest { all: true, rules: vec![rule.to_owned()], ..Default::default() };
        let (mut found, _) = self.findings(request).await;
        assert_eq!(found.len(), 1, "{rule}");
        found.remove(0)
    }

    fn post(&self, question: &str, body: &str) -> (bool, String) {
        use std::io::{Read, Write};
        let mut connection =
            std::net::TcpStream::connect(self.node.node.member_addr()).expect("the node listens");
        let head = format!("POST /v1/fingerprint/{question} HTTP/1.1\r\nHost: node\r\nConnection: close\r\n");
        write!(connection, "{head}Content-Length: {}\r\n\r\n{body}", body.len()).expect("sent");
        let mut answer = String::new();
        connection.read_to_string(&mut answer).expect("an answer");
        let (head, body) = answer.split_once("\r\n\r\n").expect("headers end");
        (head.contains(" 200 "), body.to_owned())
    }
}

/// Number of a lot that the story made, and the lot so many after it.
fn neighbour(lot: &str, offset: i64) -> String {
    let (owner, number) = lot.rsplit_once("/V-").expect("a lot of the violations");
    format!("{owner}/V-{}", number.parse::<i64>().expect("a number") + offset)
}

/// Claims of the story stand for lots that were mined one after the other: honest, foreign, late.
async fn honest(story: &Story, foreign: &str) -> String {
    for offset in 1..20 {
        let lot = neighbour(foreign, -offset);
        let request = v1::OriginCheckRequest { lot: lot.clone(), ..Default::default() };
        let Ok(answer) = story.fingerprint().check(request).await else { continue };
        if matches!(answer.into_inner().result, Some(Checked::Assessed(_))) {
            return lot;
        }
    }
    panic!("no honest lot before {foreign}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lot_is_judged_by_its_claim_its_assay_and_the_library_that_the_claim_names() {
    let story = story(60, true).await;
    let against = story.flagged("O15").await;
    let answer = story.check(&against.lots[0]).await;
    let Some(Checked::Assessed(found)) = &answer.result else { panic!("{answer:?}") };
    assert_eq!(found.words, "moderate support for another origin");
    assert!(found.likelihood_ratio <= 0.1, "{found:?}");
    assert_eq!(answer.commitment(), v1::CommitmentBasis::Ledger);
    assert_eq!((answer.claims, answer.origin.as_str()), (1, "Synthetic origin 03"));
    let library = answer.library.clone().expect("the library");
    assert_eq!(
        (library.library.as_str(), library.version, library.synthetic),
        ("laboratory/synthetic", 1, true)
    );
    assert!(answer.cautions[0].contains("SYNTHETIC"), "{:?}", answer.cautions);
    // The finding and the check rest on the same records, and the finding's number is the check's.
    let mut records = answer.records.clone();
    let mut flagged = against.records.clone();
    records.sort();
    flagged.sort();
    assert_eq!(records, flagged);
    let milli = against.numbers.iter().find(|it| it.name == "likelihood ratio").expect("the ratio").value;
    assert_eq!(milli, (found.likelihood_ratio * 1000.0).round() as i64);
    assert_eq!(found.resembles.as_ref().expect("origins").top[0].origin, "Synthetic origin 08");

    let honest = honest(&story, &against.lots[0]).await;
    let answer = story.check(&honest).await;
    let Some(Checked::Assessed(found)) = answer.result else { panic!("{answer:?}") };
    assert!(found.likelihood_ratio > 2.0 && found.words.ends_with("support for the claim"), "{found:?}");

    // What came too late, and what nobody claimed, have their reasons and no number.
    let late = story.flagged("O16").await;
    assert!(late.message.contains("not committed before the assay was revealed"), "{}", late.message);
    let answer = story.check(&late.lots[0]).await;
    let Some(Checked::NotAssessable(why)) = answer.result else { panic!("{answer:?}") };
    assert_eq!(why.reasons, ["the claim was not committed before the assay was revealed"]);
    let unclaimed = story.flagged("M4").await.lots[0].clone();
    let answer = story.check(&unclaimed).await;
    let Some(Checked::NotAssessable(why)) = answer.result else { panic!("{answer:?}") };
    assert_eq!(
        why.reasons,
        ["no record claims an origin for the lot", "no assay of the lot shows a trace pattern"]
    );

    // As it was known before the assay, there is nothing to judge.
    let before = v1::AsOf { tree_size: against.leaf_index, date_ms: 0 };
    let request =
        v1::OriginCheckRequest { lot: against.lots[0].clone(), as_of: Some(before), ..Default::default() };
    let then = story.fingerprint().check(request).await.expect("an answer").into_inner();
    let Some(Checked::NotAssessable(why)) = then.result else { panic!("{then:?}") };
    assert_eq!(why.reasons, ["no assay of the lot shows a trace pattern"]);

    // Two lots of different origins are not one material; refining ends the question.
    let part = |lot: &str| v1::StepPart { lot: lot.to_owned(), ..Default::default() };
    let step = |kind: v1::OriginStepKind| v1::OriginStepRequest {
        kind: kind.into(),
        before: vec![part(&honest)],
        after: Some(part(&against.lots[0])),
        ..Default::default()
    };
    let answer = story.fingerprint().step(step(v1::OriginStepKind::SameMaterial)).await.expect("an answer");
    let Some(v1::origin_step_response::Result::Tested(found)) = answer.into_inner().result else {
        panic!("not tested")
    };
    assert_eq!(found.words, "differs from what was declared");
    let answer = story.fingerprint().step(step(v1::OriginStepKind::Refining)).await.expect("an answer");
    let Some(v1::origin_step_response::Result::PatternReset(why)) = answer.into_inner().result else {
        panic!("not reset")
    };
    assert!(why.contains("pattern of its reagents"), "{why}");

    // What compared nothing is not written down.
    let queries = v1::ListQueriesRequest { lot: unclaimed, ..Default::default() };
    let log = story.fingerprint().list_queries(queries).await.expect("the log").into_inner();
    assert!(log.queries.is_empty(), "{log:?}");
    // Who asked what: everything else above, newest first.
    let queries = v1::ListQueriesRequest { lot: honest.clone(), ..Default::default() };
    let log = story.fingerprint().list_queries(queries).await.expect("the log").into_inner();
    assert_eq!(log.dropped, 0);
    assert!(log.queries.len() >= 2 && log.queries.iter().all(|it| it.lot == honest), "{log:?}");
    assert_eq!(log.queries[0].question, "check");
    assert_eq!(log.queries[0].origin, "Synthetic origin 03");
    assert_eq!(log.queries[0].outcome, "assessed");
    assert_eq!(log.queries[0].question_sha256.len(), 32);
    story.node.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn libraries_are_listed_and_shown_without_their_patterns_in_grpc_and_json() {
    let story = story(60, true).await;
    let listed = story.fingerprint().list_libraries(v1::ListLibrariesRequest::default()).await;
    let listed = listed.expect("a list").into_inner().libraries;
    let name = |at: usize| listed[at].name.clone().expect("a name");
    assert_eq!((listed.len(), name(0).library.as_str()), (2, "synthetic"));
    assert_eq!(name(1).library, "laboratory/synthetic");
    assert_eq!((listed[1].origins, listed[1].background_origins, listed[1].analyses), (12, 10, 640));
    assert_eq!((listed[1].author.as_str(), listed[1].forked), ("laboratory", false));
    let request = v1::GetLibraryRequest { library: name(1).record };
    let shown = story.fingerprint().get_library(request).await.expect("the library").into_inner();
    assert!(shown.unusable.is_empty(), "{}", shown.unusable);
    assert!(
        shown.parts.iter().all(|part| part.provenance.starts_with("synthetic") && part.record.len() == 32)
    );
    assert_eq!(shown.parts.iter().map(|part| part.analyses).sum::<u32>(), 640);

    let (good, body) = story.post("list-libraries", "");
    assert!(good && body.contains("laboratory/synthetic"), "{body}");
    let lot = story.flagged("O15").await.lots[0].clone();
    let (good, body) = story.post("check", &format!(r#"{{"lot": "{lot}", "pictures": true}}"#));
    assert!(good && body.contains("moderate support for another origin"), "{body}");
    assert!(body.contains("Distances in this picture are not evidence."), "{body}");
    let (good, body) = story.post("attribute", &format!(r#"{{"lot": "{lot}"}}"#));
    assert!(good && body.contains("Synthetic origin 08"), "{body}");
    let (good, body) = story.post("list-queries", "{}");
    assert!(good && body.contains("attribute"), "{body}");
    assert!(!story.post("verdict", "{}").0, "there is no such question");
    assert!(!story.post("check", r#"{"lots": "x"}"#).0, "an unknown field is refused");
    story.node.stop().await;
}

fn report(unit: &str, elements: usize) -> v1::TraceReport {
    let symbols = ["La", "Ce", "Pr", "Nd", "Sm", "Eu", "Gd", "Tb", "Dy", "Ho", "Er", "Tm", "Yb", "Lu"];
    let amounts = [3.0, 8.0, 1.2, 6.0, 2.1, 0.7, 3.0, 0.5, 3.6, 0.8, 2.4, 0.36, 2.4, 0.36];
    let readings = symbols.iter().zip(amounts).take(elements).map(|(element, amount)| v1::TraceReading {
        element: (*element).to_owned(),
        amount,
        ..Default::default()
    });
    v1::TraceReport { spot: "s".to_owned(), unit: unit.to_owned(), readings: readings.collect() }
}

fn given(reports: Vec<v1::TraceReport>, matrix: &str) -> v1::OriginCheckRequest {
    v1::OriginCheckRequest {
        assay: Some(v1::TraceAssay {
            matrix: matrix.to_owned(),
            campaign: "Synthetic laboratory 1, LA-ICP-MS".to_owned(),
            disturbed: Vec::new(),
            reports,
        }),
        origin: "Synthetic origin 03".to_owned(),
        committed_first: true,
        ..Default::default()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_questions_are_refused_by_field_and_bad_assays_have_their_reasons() {
    let story = story(10, false).await;
    let refused = async |request: v1::OriginCheckRequest, field: &str| {
        let status = story.fingerprint().check(request).await.expect_err(field);
        assert_eq!(status.code(), Code::InvalidArgument, "{status}");
        assert!(status.message().contains(field), "{field}: {status}");
    };
    refused(v1::OriginCheckRequest::default(), "lot").await;
    let both =
        v1::OriginCheckRequest { lot: "vminer/V-1".into(), ..given(vec![report("ppm", 14)], "scheelite") };
    refused(both, "lot").await;
    refused(given(vec![report("ppm", 14); 1_001], "scheelite"), "1001 spots, at most 1000").await;
    refused(given(vec![report("counts", 14)], "scheelite"), "unit \"counts\" is not known").await;
    let short =
        v1::OriginCheckRequest { library: vec![1; 5].into(), ..given(vec![report("ppm", 14)], "scheelite") };
    refused(short, "library").await;
    let nowhere =
        v1::OriginCheckRequest { library: vec![1; 32].into(), ..given(vec![report("ppm", 14)], "scheelite") };
    let status = story.fingerprint().check(nowhere).await.expect_err("no such library");
    assert_eq!(status.code(), Code::NotFound);
    let unknown = v1::OriginCheckRequest { lot: "nobody/L".into(), ..Default::default() };
    assert_eq!(story.fingerprint().check(unknown).await.expect_err("no such lot").code(), Code::NotFound);

    let reasons = async |request: v1::OriginCheckRequest| {
        let answer = story.fingerprint().check(request).await.expect("an answer").into_inner();
        match answer.result {
            Some(Checked::NotAssessable(why)) => why.reasons.join("; "),
            other => panic!("{other:?}"),
        }
    };
    let two = |unit: &str, elements| vec![report(unit, elements), report(unit, elements)];
    assert!(
        reasons(given(two("ppm", 5), "scheelite")).await.contains("5 rare earths observed, 6 are needed")
    );
    assert!(reasons(given(two("ppm", 14), "kryptonite")).await.contains("\"kryptonite\" is not known"));
    assert!(reasons(given(two("ppm", 14), "APT")).await.contains("pattern of its reagents"));
    assert!(reasons(given(two("wt%", 14), "scheelite")).await.contains("wrong unit?"));
    assert!(reasons(given(vec![report("ppm", 14)], "scheelite")).await.contains("1 usable spot"));
    let mixed = vec![report("ppm", 14), report("CI McDonough & Sun 1995", 14)];
    assert!(reasons(given(mixed, "scheelite")).await.contains("normalised differently"));
    let masked = v1::OriginCheckRequest {
        assay: Some(v1::TraceAssay {
            disturbed: ["La", "Ce", "Pr", "Nd", "Sm", "Eu", "Gd", "Tb", "Dy"].map(str::to_owned).to_vec(),
            ..given(two("ppm", 14), "scheelite").assay.expect("an assay")
        }),
        ..given(Vec::new(), "scheelite")
    };
    assert!(reasons(masked).await.contains("disturbed by the method: 9"));
    let not_first = v1::OriginCheckRequest { committed_first: false, ..given(two("ppm", 14), "scheelite") };
    assert!(reasons(not_first).await.contains("not committed before the assay"));
    let tin = story.fingerprint().check(given(two("ppm", 14), "cassiterite")).await.expect("an answer");
    let Some(Checked::NotAssessable(why)) = tin.into_inner().result else { panic!("another mineral") };
    assert!(why.reasons[0].contains("the library is of scheelite grains"), "{why:?}");
    story.node.stop().await;
}
