//! The worked cases again, through the public interface: records of a story are given to a running node over
//! gRPC, and its answers are held against the exact ones.

mod told_here;

use std::collections::BTreeMap;

use bytes::Bytes;
use ore_node::{Config, Consortium, Node, NodeKeys, Shutdown, config::Read, genesis};
use ore_record::{SignedRecord, draft, elements, v1 as record};
use ore_tests::ledger::{Ledger, ORIGIN, START_MS, key_of};
use ore_wire::v1::{
    self, audit_service_client::AuditServiceClient, lot_service_client::LotServiceClient,
    provenance_service_client::ProvenanceServiceClient, submission_service_client::SubmissionServiceClient,
};
use serde_json::Value;
use tonic::transport::Channel;

use crate::cases::{Teller, cases, close_units, milligrams, text};

const TA: u32 = 73;
const ONE: u64 = 1_000_000_000_000_000_000;

/// A node that holds a ledger's records.
struct Public {
    _dir: tempfile::TempDir,
    node: Node,
    shutdown: Shutdown,
    channel: Channel,
}

impl Public {
    /// Founds a node's ledger with the first block of `ledger` and submits the rest, record by record.
    async fn of(ledger: &mut Ledger) -> Self {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let keys = NodeKeys::generate().expect("randomness");
        let records: Vec<SignedRecord> =
            ledger.entries().iter().map(|entry| SignedRecord::decode(entry).expect("our own")).collect();
        let sealed = records.iter().position(SignedRecord::is_seal).expect("founding ends with a seal");
        let mut founding = records[..sealed].to_vec();
        let founder = founding[0].record().author.clone();
        let validators = vec![keys.validator(&founder, "127.0.0.1:1")];
        let mut change = ledger.draft(&founder, record::ChangeValidators { validators, rules: 0 });
        change.event_time_ms = START_MS;
        founding.push(SignedRecord::sign(change, &key_of(&founder)).expect("short"));
        let time_ms = START_MS + sealed as u64 * 60_000;
        let genesis = genesis::build(ORIGIN, time_ms, founding).expect("founding records are in order");
        let consortium = Consortium::of_genesis(ORIGIN, genesis.id, &genesis.validators).expect("good keys");
        let any = "127.0.0.1:0".parse().expect("an address");
        genesis::install(dir.path(), &genesis, &consortium, &keys, &founder, any, any).expect("writable");
        let config = Config::load(&dir.path().join("node.toml")).expect("written by install");
        let shutdown = Shutdown::new();
        let node = Node::start(Config { read: Read::Everybody, ..config }, shutdown.clone())
            .await
            .expect("it starts");
        let channel = Channel::from_shared(format!("http://{}", node.member_addr())).expect("a URI");
        let channel = channel.connect().await.expect("the node listens");
        let public = Self { _dir: dir, node, shutdown, channel };
        let rest = records[sealed..].iter().filter(|record| !record.is_seal());
        let entries: Vec<Bytes> = rest.map(|record| record.entry().into()).collect();
        let mut submission = SubmissionServiceClient::new(public.channel.clone());
        let request = v1::SubmitStreamRequest { entries, wait: v1::Stage::Integrated.into() };
        let answers = submission.submit_stream(tokio_stream_of(request)).await;
        let mut answers = answers.expect("a stream").into_inner();
        while let Some(answer) = answers.message().await.expect("an answer") {
            for result in answer.results {
                let accepted = matches!(result.outcome, Some(v1::submit_result::Outcome::Accepted(_)));
                assert!(accepted, "{:?}", result.outcome);
            }
        }
        public
    }

    async fn stop(self) {
        drop(self.channel);
        self.shutdown.stop();
        self.node.wait().await.expect("it stops in order");
    }

    fn audit(&self) -> AuditServiceClient<Channel> {
        AuditServiceClient::new(self.channel.clone())
    }

    async fn attribute(&self, lot: &str, element: u32) -> v1::AttributeResponse {
        let request = v1::AttributeRequest { lot: lot.to_owned(), element, ..Default::default() };
        let mut provenance = ProvenanceServiceClient::new(self.channel.clone());
        provenance.attribute(request).await.unwrap_or_else(|no| panic!("{lot}: {no}")).into_inner()
    }

    async fn rules(&self, lot: &str) -> Vec<String> {
        let request = v1::FindingsRequest { lot: lot.to_owned(), ..Default::default() };
        let mut parts = self.audit().findings(request).await.expect("a stream").into_inner();
        let mut rules = Vec::new();
        while let Some(part) = parts.message().await.expect("a part") {
            rules.extend(part.findings.into_iter().map(|it| it.rule));
        }
        rules
    }
}

fn tokio_stream_of<T: Send + 'static>(item: T) -> impl futures::Stream<Item = T> + Send + 'static {
    futures::stream::iter([item])
}

/// What a case expects of shares, against the node's answers. How many expectations were held.
async fn held(public: &Public, teller: &Teller, expect: &Value) -> usize {
    let mut held = 0;
    for (kind, lots) in expect.as_object().expect("expectations") {
        let known = ["shares", "geo", "country", "recycled", "generation", "verified_ratio", "remaining"];
        if !known.contains(&kind.as_str()) {
            continue;
        }
        for (lot, contents) in lots.as_object().expect("lots") {
            for (symbol, expected) in contents.as_object().expect("elements") {
                let element = elements::atomic_number(symbol).expect("an element");
                held_one(public, kind, &teller.id(lot), element, expected).await;
                held += 1;
            }
        }
    }
    held
}

async fn held_one(public: &Public, kind: &str, lot: &str, element: u32, expected: &Value) {
    let what = format!("{kind} of {element} in {lot}");
    if kind == "remaining" {
        let mut lots = LotServiceClient::new(public.channel.clone());
        let answer =
            lots.get_lot(v1::GetLotRequest { lot: lot.to_owned() }).await.expect("there").into_inner();
        assert_eq!(answer.lot.expect("there").remaining_dry_mg, milligrams(text(expected)), "{what}");
        return;
    }
    let answer = public.attribute(lot, element).await;
    let units = |share: &Option<v1::Share>| u128::from(share.as_ref().map_or(0, |share| share.value_e18));
    match kind {
        "recycled" => close_units(&what, units(&answer.recycled), text(expected)),
        "verified_ratio" => close_units(&what, units(&answer.verified), text(expected)),
        _ => {
            let mut found: BTreeMap<String, u128> = BTreeMap::new();
            for share in &answer.origins {
                *found.entry(name_of(kind, share)).or_default() += units(&share.share);
            }
            let expected = expected.as_object().expect("parts");
            assert_eq!(found.len(), expected.len(), "{what}: {found:?}");
            for (name, share) in expected {
                let units = found.get(name).unwrap_or_else(|| panic!("{what}: no {name} in {found:?}"));
                close_units(&format!("{what} from {name}"), *units, text(share));
            }
        }
    }
}

fn name_of(kind: &str, share: &v1::OriginShare) -> String {
    let origin = share.origin.clone().unwrap_or_default();
    let source = match origin.kind() {
        record::OriginKind::DeclaredUnknown => "unknown".to_owned(),
        record::OriginKind::ScrapCollection => "recycled_source:EoL".to_owned(),
        _ => format!("mine:{}", origin.source.trim_start_matches("works/mine-")),
    };
    let route = match origin.route() {
        record::Route::PreConsumer => "pre",
        record::Route::PostConsumer => "post",
        _ => "primary",
    };
    match kind {
        "shares" => format!("{source}|{}|{route}", origin.country),
        "geo" => format!("{source}|{}", origin.country),
        "country" => origin.country,
        _ => origin.generation.to_string(),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn stories_of_lots_are_answered_exactly_over_grpc() {
    let cases = cases();
    let mut count = 0;
    for id in ["P01", "P03", "P04", "P05", "P06", "P07", "P10", "P13", "P15", "P16", "P17", "P18"] {
        let mut teller = Teller::new(&cases[id]);
        teller.tell(&cases[id]);
        let public = Public::of(&mut teller.ledger).await;
        let here = held(&public, &teller, &cases[id]["expect"]).await;
        assert!(here > 0, "{id} expects something");
        count += here;
        if id == "P03" {
            recall(&public, &cases["P12"]["expect"]).await;
        }
        if id == "P06" {
            loops(&public, &mut teller).await;
        }
        public.stop().await;
    }
    assert!(count >= 39, "{count} expectations");
}

/// P02 and P11.
#[tokio::test(flavor = "multi_thread")]
async fn wet_ore_and_corrections_are_answered_exactly_over_grpc() {
    let cases = cases();
    let mut teller = crate::cases::wet_blend(&cases["P02"]);
    let public = Public::of(&mut teller.ledger).await;
    assert_eq!(held(&public, &teller, &cases["P02"]["expect"]).await, 1);
    public.stop().await;

    let (mut teller, size_before) = crate::cases::corrected(&cases["P11"]);
    let public = Public::of(&mut teller.ledger).await;
    let after = &cases["P11"]["versions"][1];
    assert_eq!(held(&public, &teller, &after["expect"]).await, 1);
    assert!(size_before > 0);
    public.stop().await;
}

/// P12.
async fn recall(public: &Public, expect: &Value) {
    let request = v1::TraceForwardRequest {
        lot: "works/A".to_owned(),
        element: TA,
        minimum_share_e18: ONE / 100 * 65,
        ..Default::default()
    };
    let mut provenance = ProvenanceServiceClient::new(public.channel.clone());
    let mut parts = provenance.trace_forward(request).await.expect("a stream").into_inner();
    let mut found = BTreeMap::new();
    while let Some(part) = parts.message().await.expect("a part") {
        for it in part.descendants {
            found.insert(it.lot.expect("a lot").lot, u128::from(it.share.expect("a share").value_e18));
        }
    }
    for (lot, share) in expect["hits"].as_object().expect("hits") {
        close_units(lot, found[&format!("works/{lot}")], text(share));
    }
    assert!(!found.contains_key("works/Y"), "Y holds 60 % only");
}

/// P24, from the ledger of P06: the first turn of the loop, then what the second target was made of.
async fn loops(public: &Public, teller: &mut Teller) {
    let records: Vec<SignedRecord> =
        teller.ledger.entries().iter().map(|entry| SignedRecord::decode(entry).expect("our own")).collect();
    let time_of = |lot: &str| {
        let made =
            records.iter().find(|record| draft::new_lots(record.record()).iter().any(|new| new.lot == lot));
        made.expect("told").record().event_time_ms
    };
    let (start, second) = (START_MS, time_of("works/T2"));
    let ask = async |from_ms, to_ms| {
        let period = Some(v1::Period { from_ms, to_ms });
        let request = v1::CircularityRequest { element: TA, period, ..Default::default() };
        public.audit().circularity(request).await.expect("an answer").into_inner().total.expect("a row")
    };
    let e18 = |ratio: Option<v1::Ratio>| u128::from(ratio.filter(|ratio| ratio.known).expect("known").e18);
    let first = ask(start, second).await;
    close_units("return rate", e18(first.return_rate), "0.7");
    close_units("recovery yield", e18(first.recovery), "0.9");
    close_units("loop ratio", e18(first.r#loop), "0.63");
    let charge = ask(second, second + 1).await;
    close_units("recycled input", e18(charge.recycled_input), "0.504");
}
