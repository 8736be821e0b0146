//! What an auditor asks of a running node: a made-up supply chain with each rule broken once, over gRPC.

use std::collections::BTreeSet;

use bytes::Bytes;
use ore_generate::{Label, Signed, cast, founding_records, generate, profile, violate};
use ore_node::{Consortium, NodeKeys, genesis};
use ore_record::{SignedRecord, v1 as record};
use ore_wire::v1::{
    self, audit_service_client::AuditServiceClient, provenance_service_client::ProvenanceServiceClient,
};
use tonic::transport::Channel;

use crate::world::{ORIGIN, Running, config_of, start};

const SEED: u64 = 11;
const START_MS: u64 = 1_577_836_800_000;

pub(crate) struct Story {
    _dir: tempfile::TempDir,
    pub(crate) node: Running,
    labels: Vec<Label>,
    pub(crate) known: Vec<ore_generate::Known>,
    /// Records of the story that were held back, in order.
    pub(crate) coming: Vec<Bytes>,
}

/// A node whose ledger holds a story of some hundred lots, and every violation.
pub(crate) async fn story(lots: u64, broken: bool) -> Story {
    story_so_far(lots, broken, 0).await
}

/// The same without its last records.
pub(crate) async fn story_so_far(lots: u64, broken: bool, held_back: usize) -> Story {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let keys = NodeKeys::generate().expect("randomness");
    let validators =
        record::ChangeValidators { validators: vec![keys.validator("authority", "127.0.0.1:1")], rules: 0 };
    let records = founding_records(ORIGIN, &cast(), profile(), validators);
    let genesis = genesis::build(ORIGIN, START_MS, records).expect("founding records are in order");
    let consortium = Consortium::of_genesis(ORIGIN, genesis.id, &genesis.validators).expect("good keys");
    let any = "127.0.0.1:0".parse().expect("an address");
    genesis::install(dir.path(), &genesis, &consortium, &keys, "authority", any, any).expect("writable");

    let mut entries: Vec<Bytes> = Vec::new();
    let mut sink = Signed::new(ORIGIN, |signed: SignedRecord, _| entries.push(signed.entry().into()));
    let (answers, now_ms) = generate(&mut sink, SEED, lots);
    let labels = if broken { violate(&mut sink, SEED, now_ms) } else { Vec::new() };
    drop(sink);
    let coming = entries.split_off(entries.len().saturating_sub(held_back));
    let node = start(config_of(dir.path())).await;
    let results = node.stream(entries, 500).await;
    for result in &results {
        let accepted = matches!(result.outcome, Some(v1::submit_result::Outcome::Accepted(_)));
        assert!(accepted, "{:?}", result.outcome);
    }
    Story { _dir: dir, node, labels, known: answers.known, coming }
}

pub(crate) fn audit(channel: &Channel) -> AuditServiceClient<Channel> {
    AuditServiceClient::new(channel.clone()).max_decoding_message_size(ore_wire::MAX_RESPONSE_BYTES)
}

impl Story {
    fn audit(&self) -> AuditServiceClient<Channel> {
        audit(&self.node.channel)
    }

    pub(crate) async fn findings(
        &self,
        request: v1::FindingsRequest,
    ) -> (Vec<v1::Finding>, v1::FindingsSummary) {
        let (mut findings, mut from_leaf) = (Vec::new(), request.from_leaf);
        loop {
            let request = v1::FindingsRequest { from_leaf, ..request.clone() };
            let mut parts = self.audit().findings(request).await.expect("a stream").into_inner();
            let mut summary = None;
            while let Some(part) = parts.message().await.expect("a part") {
                findings.extend(part.findings);
                summary = part.summary;
            }
            let summary = summary.expect("the last part says how it ends");
            if summary.next_leaf <= from_leaf {
                return (findings, summary);
            }
            from_leaf = summary.next_leaf;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_injected_violation_is_found_over_grpc_and_none_is_invented() {
    let story = story(300, true).await;
    let all = v1::FindingsRequest { all: true, ..Default::default() };
    let (found, summary) = story.findings(all.clone()).await;
    assert!(summary.not_judged.is_empty(), "{:?}", summary.not_judged);
    let injected: BTreeSet<(String, Vec<u8>)> =
        story.labels.iter().map(|label| (label.rule.to_owned(), label.record.to_vec())).collect();
    let hit: BTreeSet<(String, Vec<u8>)> =
        found.iter().map(|it| (it.rule.clone(), it.records[0].to_vec())).collect();
    let missed: Vec<&str> = injected.difference(&hit).map(|label| label.0.as_str()).collect();
    let invented: Vec<_> =
        found.iter().filter(|it| !injected.contains(&(it.rule.clone(), it.records[0].to_vec()))).collect();
    assert!(missed.is_empty() && invented.is_empty(), "missed {missed:?}, invented {invented:#?}");
    assert_eq!(injected.len(), ore_findings::Rule::ALL.len());
    let severe = found.iter().filter(|it| it.severity() == v1::FindingSeverity::Severe).count();
    assert_eq!((summary.findings as usize, summary.severe as usize > 0), (found.len(), severe > 0));

    // By rule, by lot, by facility and period.
    let one = v1::FindingsRequest { rules: vec!["M4".into()], ..all.clone() };
    let (only, _) = story.findings(one).await;
    assert!(only.len() == 1 && only[0].rule == "M4" && only[0].threshold.is_some());
    let lot = only[0].lots.last().expect("its output").clone();
    let (of_lot, _) = story.findings(v1::FindingsRequest { lot, ..Default::default() }).await;
    assert_eq!(of_lot.iter().map(|it| it.rule.as_str()).collect::<Vec<_>>(), ["M4"]);
    let at = only[0].event_time_ms;
    let facility = v1::FindingsRequest {
        facility: "vrefiner/works".into(),
        period: Some(v1::Period { from_ms: at, to_ms: at + 1 }),
        ..Default::default()
    };
    let (there, _) = story.findings(facility).await;
    assert_eq!(there.len(), 1);
    // As known before it was written down, and as of the day before.
    let before = v1::AsOf { tree_size: only[0].leaf_index, date_ms: 0 };
    let (then, _) = story
        .findings(v1::FindingsRequest { as_of: Some(before), rules: vec!["M4".into()], ..all.clone() })
        .await;
    assert!(then.is_empty());
    let before = v1::AsOf { tree_size: 0, date_ms: at - 1 };
    let (then, _) =
        story.findings(v1::FindingsRequest { as_of: Some(before), rules: vec!["M4".into()], ..all }).await;
    assert!(then.is_empty());
    story.node.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_watch_delivers_what_comes_after_it_began() {
    let story = story(100, true).await;
    let request = v1::WatchFindingsRequest { from_tree_size: 1, rules: Vec::new() };
    let mut parts = story.audit().watch_findings(request).await.expect("a stream").into_inner();
    let mut found = BTreeSet::new();
    let size = story.node.node_size().await;
    loop {
        let part = parts.message().await.expect("a part").expect("no end");
        found.extend(part.findings.iter().map(|it| it.rule.clone()));
        if part.summary.expect("every part").next_leaf >= size {
            break;
        }
    }
    // What a whole question finds, a watch finds: all records were known when the watch met them.
    assert_eq!(found.len(), ore_findings::Rule::ALL.len());
    drop(parts);
    story.node.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_question_is_answered_and_says_what_it_stands_on() {
    let story = story(600, false).await;
    let mut audit = story.audit();
    let (found, _) = story.findings(v1::FindingsRequest { all: true, ..Default::default() }).await;
    assert!(found.is_empty(), "{:#?}", found.first());

    let request = v1::MassBalanceRequest {
        facility: "refiner-1/works".into(),
        element: 73,
        movements: 10_000,
        ..Default::default()
    };
    let sheet = audit.mass_balance(request).await.expect("an answer").into_inner();
    let moved: i64 = sheet.movements.iter().map(|it| it.mg).sum();
    assert!(
        !sheet.more_movements
            && sheet.opening_mg == 0
            && (sheet.closing_mg - moved).abs() <= sheet.movements.len() as i64
    );
    assert!(sheet.counts.is_empty(), "stocktakes of the story count whole mass");
    // The first question had every facility's pages written, and their sums are those of the listed movements.
    let ledger = story.node.node.ledger();
    let pages = ledger.audit.pages().map(|pages| (pages.taken_up(), pages.bytes()));
    let (taken_up, bytes) = pages.expect("nobody writes");
    assert_eq!(taken_up, ledger.audit.journal().len());
    assert!(bytes > 4_096, "pages of a thousand records");
    let request =
        v1::MassBalanceRequest { facility: "refiner-1/works".into(), element: 73, ..Default::default() };
    let summed = audit.mass_balance(request).await.expect("an answer").into_inner();
    assert!(summed.more_movements && summed.movements.is_empty());
    assert_eq!((summed.lines, summed.closing_mg), (sheet.lines, sheet.closing_mg));
    let request = v1::MassBalanceRequest {
        facility: "refiner-1/works".into(),
        material: record::MaterialClass::Concentrate.into(),
        ..Default::default()
    };
    let sheet = audit.mass_balance(request).await.expect("an answer").into_inner();
    assert!(!sheet.counts.is_empty() && sheet.counts.iter().all(|it| it.of_throughput_ppm.abs() <= 1_000));

    let request = v1::CircularityRequest {
        element: 73,
        reading: v1::RecyclingReading::Strict.into(),
        generations: true,
        ..Default::default()
    };
    let loops = audit.circularity(request).await.expect("an answer").into_inner();
    assert!(loops.reading.contains("strict") && loops.countries.len() >= 5);
    let recovery = loops.total.and_then(|total| total.recovery).expect("there was recycling");
    assert!(recovery.known && (950_000_000_000_000_000..970_000_000_000_000_000).contains(&recovery.e18));

    let lot = story.known.last().expect("devices were made").lot.clone();
    for kind in [
        v1::DependenceKind::Facility,
        v1::DependenceKind::Refiner,
        v1::DependenceKind::Member,
        v1::DependenceKind::Country,
    ] {
        let request = v1::DependenceRequest { lot: lot.clone(), kind: kind.into(), ..Default::default() };
        let hangs = audit.dependence(request).await.expect("an answer").into_inner();
        assert!(!hangs.nodes.is_empty() && hangs.origin_herfindahl_e18 > 0);
        for node in &hangs.nodes {
            assert_eq!(node.through_e18 + node.without_e18, 1_000_000_000_000_000_000, "{}", node.node);
            assert_eq!(node.dominates, node.without_e18 == 0);
        }
        if kind == v1::DependenceKind::Country {
            assert!(hangs.nodes.iter().any(|node| node.node == "JP" && node.dominates));
        }
    }
    let request = v1::ChainOfCustodyRequest { lot: lot.clone(), ..Default::default() };
    let chain = audit.chain_of_custody(request).await.expect("an answer").into_inner();
    assert_eq!(chain.moments[0].event, "transform");
    let request = v1::LotFootprintRequest { lot: lot.clone(), ..Default::default() };
    let burden = audit.lot_footprint(request).await.expect("an answer").into_inner();
    assert!(burden.silent > 0 && burden.allocation.contains("dry mass"));
    let accounts = audit.metal_accounts(v1::MetalAccountsRequest { element: 73, ..Default::default() }).await;
    assert!(accounts.expect("an answer").into_inner().accounts.is_empty());
    let credits = audit.credits(v1::CreditsRequest::default()).await.expect("an answer").into_inner();
    assert!(credits.accounts.is_empty() && credits.basis.is_some_and(|basis| basis.tree_size > 600));

    // A business date before anything happened, and one in the middle of the story.
    let mut provenance = ProvenanceServiceClient::new(story.node.channel.clone());
    let ask = |date_ms: u64| v1::AttributeRequest {
        lot: lot.clone(),
        element: 73,
        as_of_date_ms: date_ms,
        ..Default::default()
    };
    let early = provenance.attribute(ask(START_MS + 1)).await.expect_err("nothing was made by then");
    assert_eq!(early.code(), tonic::Code::NotFound);
    let late = provenance.attribute(ask(u64::MAX / 2)).await.expect("an answer").into_inner();
    let now = provenance.attribute(ask(0)).await.expect("an answer").into_inner();
    assert_eq!(late.origins, now.origins);
    story.node.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_questions_are_answered_in_json() {
    use std::io::{Read, Write};
    let story = story(60, true).await;
    let address = story.node.node.member_addr();
    let post = |question: &str, body: &str| {
        let mut connection = std::net::TcpStream::connect(address).expect("the node listens");
        let head = format!("POST /v1/audit/{question} HTTP/1.1\r\nHost: node\r\nConnection: close\r\n");
        write!(connection, "{head}Content-Length: {}\r\n\r\n{body}", body.len()).expect("sent");
        let mut answer = String::new();
        connection.read_to_string(&mut answer).expect("an answer");
        let (head, body) = answer.split_once("\r\n\r\n").expect("headers end");
        (head.contains(" 200 "), body.to_owned())
    };
    let (good, body) = post("findings", r#"{"all": true, "rules": ["M12", "S1"]}"#);
    assert!(good && body.contains("M12") && body.contains("cofactored"), "{body}");
    let (good, body) = post("mass-balance", r#"{"facility": "vrefiner/works", "element": 73}"#);
    assert!(good && body.contains("closingMg"), "{body}");
    assert!(
        post("circularity", r#"{"element": 73, "reading": "RECYCLING_READING_STRICT"}"#).1.contains("strict")
    );
    assert!(!post("circularity", r#"{"elements": 73}"#).0, "an unknown field is refused");
    assert!(!post("horoscope", "").0);
    story.node.stop().await;
}
