//! Who may ask what: every call of the members' port, held against everybody who could make it.
//!
//! The calls come from the service descriptors and from the router, so a new one without a row fails here.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::SocketAddr,
    time::Duration,
};

use bytes::Bytes;
use http::uri::PathAndQuery;
use ore_node::{
    Config,
    access::CALLS,
    config::Read,
    http::{SHARE_PATH, paths},
    sequencer::now_ms,
};
use ore_record::{draft::lot_ref, keys::SecretKey, v1};
use ore_wire::{
    token::{Share, Token},
    v1 as wire,
};
use prost::Message;
use prost_reflect::DescriptorPool;
use tonic::Code;

use crate::{
    audit::get_as,
    world::{ORIGIN, Running, World, add_key, admit, commission, dry, key, revoke, sign, start, until},
};

/// Everybody who could ask, in the order of a row's cells.
const IDENTITIES: [&str; 12] = [
    "nobody",
    "garbage token",
    "expired token",
    "token for another ledger",
    "token of a key that is nobody's",
    "token of a revoked key",
    "token of one member signed by another",
    "member in the trade",
    "auditor",
    "carrier",
    "share link for this lot",
    "share link for another lot",
];

/// `U`nauthenticated, `D`enied, `.` answered; a cell for each of [`IDENTITIES`].
const PUBLIC: &str = "............";
const SIGNED: &str = ".UUUUUU.....";
const MEMBER: &str = "UUUUUUU...DD";
const LOT: &str = "UUUUUUU..DDD";
const LOT_OR_SHARE: &str = "UUUUUUU..D.D";
const SIGHT: &str = "UUUUUUU..DDD";
const SHARE: &str = "UUUUUUUDDD..";
/// A page that shows something to everybody; a share link has a page of its own.
const PAGE: &str = ".UUUUUU...DD";

/// What is expected of each call. The node has a table of its own: this one says what it must come to.
#[rustfmt::skip]
const EXPECTED: [(&str, &str); 85] = [
    ("/oreledger.v1.SubmissionService/Submit", SIGNED),
    ("/oreledger.v1.SubmissionService/SubmitStream", SIGNED),
    ("/oreledger.v1.SubmissionService/Check", MEMBER),
    ("/oreledger.v1.LotService/GetLot", LOT),
    // Lots that the caller may not see are left out: a test of its own.
    ("/oreledger.v1.LotService/GetLots", MEMBER),
    ("/oreledger.v1.LotService/GetHeads", MEMBER),
    // Answered with its own lots alone: a test of its own.
    ("/oreledger.v1.LotService/ListLots", MEMBER),
    ("/oreledger.v1.LotService/History", LOT),
    ("/oreledger.v1.ProvenanceService/TraceBack", SIGHT),
    ("/oreledger.v1.ProvenanceService/TraceForward", SIGHT),
    ("/oreledger.v1.ProvenanceService/Attribute", LOT_OR_SHARE),
    ("/oreledger.v1.AuditService/Findings", SIGHT),
    ("/oreledger.v1.AuditService/WatchFindings", SIGHT),
    ("/oreledger.v1.AuditService/MassBalance", SIGHT),
    ("/oreledger.v1.AuditService/Circularity", SIGHT),
    ("/oreledger.v1.AuditService/Dependence", SIGHT),
    ("/oreledger.v1.AuditService/Credits", SIGHT),
    ("/oreledger.v1.AuditService/MetalAccounts", SIGHT),
    ("/oreledger.v1.AuditService/ChainOfCustody", SIGHT),
    ("/oreledger.v1.AuditService/LotFootprint", SIGHT),
    ("/oreledger.v1.FingerprintService/Check", LOT),
    ("/oreledger.v1.FingerprintService/Attribute", LOT),
    ("/oreledger.v1.FingerprintService/Step", LOT),
    ("/oreledger.v1.FingerprintService/ListLibraries", MEMBER),
    ("/oreledger.v1.FingerprintService/GetLibrary", MEMBER),
    ("/oreledger.v1.FingerprintService/ListQueries", SIGHT),
    ("/oreledger.v1.LogService/GetCheckpoint", PUBLIC),
    ("/oreledger.v1.LogService/GetConsistencyProof", PUBLIC),
    ("/oreledger.v1.LogService/GetReceipt", MEMBER),
    ("/oreledger.v1.LogService/ReadEntries", SIGHT),
    ("/oreledger.v1.LogService/Watch", SIGHT),
    ("/oreledger.v1.LogService/GetBundle", LOT_OR_SHARE),
    ("/oreledger.v1.ConsortiumService/GetInfo", PUBLIC),
    ("/oreledger.v1.ConsortiumService/ListMembers", MEMBER),
    ("/oreledger.v1.ConsortiumService/ListFacilities", MEMBER),
    ("/oreledger.v1.ConsortiumService/ListAttestations", MEMBER),
    ("/oreledger.v1.ConsortiumService/GetProfile", MEMBER),
    ("/oreledger.v1.ConsortiumService/GetValidators", MEMBER),
    ("/oreledger.v1.ConsortiumService/ListPeers", MEMBER),
    ("/oreledger.v1.ConsortiumService/GetEvidence", MEMBER),
    ("/oreledger.v1.ConsortiumService/ListHandovers", PUBLIC),
    ("/grpc.health.v1.Health/Check", PUBLIC),
    ("/grpc.health.v1.Health/Watch", PUBLIC),
    ("/grpc.reflection.v1.ServerReflection/ServerReflectionInfo", PUBLIC),
    ("/checkpoint", PUBLIC),
    ("/add-checkpoint", PUBLIC),
    ("/tile/{*name}", PUBLIC),
    ("/tile/entries/{*name}", SIGHT),
    ("/v1/info", PUBLIC),
    ("/v1/trust", PUBLIC),
    ("/v1/draft", MEMBER),
    ("/v1/submit", SIGNED),
    ("/v1/lots", MEMBER),
    ("/v1/lots/{member}/{number}", LOT),
    ("/v1/lots/{member}/{number}/history", LOT),
    ("/v1/lots/{member}/{number}/trace", SIGHT),
    ("/v1/lots/{member}/{number}/attribute", LOT_OR_SHARE),
    ("/v1/audit/{question}", SIGHT),
    // Which lot is asked about stands in the body; the service looks.
    ("/v1/fingerprint/{question}", MEMBER),
    ("/v1/records/{id}/receipt", MEMBER),
    ("/epcis/capture", PUBLIC),
    ("/epcis/events", SIGHT),
    ("/v1/lots/{member}/{number}/passport", LOT_OR_SHARE),
    ("/untp/facilities/{member}/{name}", MEMBER),
    ("/untp/status/{list}", PUBLIC),
    ("/.well-known/did.json", PUBLIC),
    ("/id/{member}/did.json", PUBLIC),
    ("/share/{token}", SHARE),
    ("/share/{token}/bundle", SHARE),
    // Pages: what is public stands on them for everybody, and a token that does not hold is refused there too.
    ("/", PAGE),
    ("/assets/{*name}", PUBLIC),
    ("/session", PAGE),
    ("/verify", PAGE),
    ("/enter", PAGE),
    ("/enter/{form}", PAGE),
    ("/ledger", PAGE),
    ("/ledger/feed", SIGHT),
    ("/lots", MEMBER),
    ("/lots/{member}/{number}", LOT),
    ("/lots/{member}/{number}/{view}", SIGHT),
    ("/records/{id}", MEMBER),
    ("/facilities", MEMBER),
    ("/facilities/{owner}/{name}", SIGHT),
    ("/findings", SIGHT),
    ("/circularity", SIGHT),
];

/// Every gRPC method that the node's descriptors and the two standard services name.
fn methods() -> BTreeSet<String> {
    let sets = [
        ore_wire::DESCRIPTORS,
        tonic_health::pb::FILE_DESCRIPTOR_SET,
        tonic_reflection::pb::v1::FILE_DESCRIPTOR_SET,
    ];
    let pools = sets.map(|set| DescriptorPool::decode(set).expect("descriptors"));
    let methods = pools.iter().flat_map(DescriptorPool::services).flat_map(|service| {
        let name = service.full_name().to_owned();
        service.methods().map(move |method| format!("/{name}/{}", method.name())).collect::<Vec<_>>()
    });
    methods.collect()
}

#[test]
fn every_call_has_a_row_and_every_row_a_call() {
    let routed = paths().map(str::to_owned);
    let calls: BTreeSet<String> = methods().into_iter().chain(routed).collect();
    let rows: BTreeSet<String> = CALLS.iter().map(|call| call.name.to_owned()).collect();
    assert_eq!(rows.len(), CALLS.len(), "a call has one row");
    assert_eq!(calls, rows, "crates/node/src/access/calls.rs and the services differ");
    let expected: BTreeSet<String> = EXPECTED.iter().map(|(name, _)| (*name).to_owned()).collect();
    assert_eq!(expected, rows, "say here what the new call must answer to whom");
}

/// A node that is for members only, with one lot of the mine, and a key that is revoked.
struct Guarded {
    node: Running,
    record: Vec<u8>,
    tree_size: u64,
    tokens: Vec<Option<String>>,
}

const LOT_NAME: &str = "mine/M1";
const AUDITOR: &str = "auditor-1";
const CARRIER: &str = "carrier-one";

fn token(member: &str, key: &SecretKey) -> String {
    Token::of_member(member, key, ORIGIN, now_ms() / 1000).sign(key)
}

fn share(lot: &str, tree_size: u64) -> String {
    let share = Share { lot: lot.into(), tree_size };
    Token::of_share("mine", &key("mine"), ORIGIN, share, now_ms() / 1000, 3_600).sign(&key("mine"))
}

impl Guarded {
    async fn start(world: &World) -> Self {
        let node = start(Config { read: Read::Members, ..world.config() }).await;
        for (member, role) in [(AUDITOR, v1::Role::Auditor), (CARRIER, v1::Role::Carrier)] {
            admit(&node, member, role).await;
        }
        let old = SecretKey::from_seed(&[99; 32]);
        add_key(&node, "mine", &old).await;
        revoke(&node, "mine", &old).await;
        let first = commission(1, 1_000);
        let record = first.id().as_bytes().to_vec();
        node.publish(&first).await;
        let tree_size = node.publish(&commission(2, 1_000)).await.tree_size;
        let now_s = now_ms() / 1000;
        let mine = key("mine");
        let past = Token::of_member("mine", &mine, ORIGIN, now_s - 700).sign(&mine);
        let other = Token::of_member("mine", &mine, "other.example/ta", now_s).sign(&mine);
        let stranger = SecretKey::from_seed(&[98; 32]);
        let tokens = vec![
            None,
            Some("garbage".to_owned()),
            Some(past),
            Some(other),
            Some(token("mine", &stranger)),
            Some(token("mine", &old)),
            Some(token("refiner", &mine)),
            Some(token("mine", &mine)),
            Some(token(AUDITOR, &key(AUDITOR))),
            Some(token(CARRIER, &key(CARRIER))),
            Some(share(LOT_NAME, tree_size)),
            Some(share("mine/M2", tree_size)),
        ];
        Self { node, record, tree_size, tokens }
    }

    /// A request that the node would answer to somebody who may ask.
    fn grpc_request(&self, method: &str) -> Vec<u8> {
        let lot = LOT_NAME.to_owned();
        let part = || wire::StepPart { lot: LOT_NAME.to_owned(), ..Default::default() };
        match method {
            "/oreledger.v1.FingerprintService/Check" => {
                return wire::OriginCheckRequest { lot, ..Default::default() }.encode_to_vec();
            }
            "/oreledger.v1.FingerprintService/Attribute" => {
                return wire::OriginAttributeRequest { lot, ..Default::default() }.encode_to_vec();
            }
            "/oreledger.v1.FingerprintService/Step" => {
                let (before, after) = (vec![part()], Some(part()));
                return wire::OriginStepRequest { before, after, ..Default::default() }.encode_to_vec();
            }
            _ => {}
        }
        match method
            .strip_prefix("/oreledger.v1.")
            .and_then(|name| name.split('/').nth(1))
            .unwrap_or_default()
        {
            "GetLot" => wire::GetLotRequest { lot }.encode_to_vec(),
            "History" => wire::HistoryRequest { lot, ..Default::default() }.encode_to_vec(),
            "TraceBack" => wire::TraceBackRequest { lot, ..Default::default() }.encode_to_vec(),
            "TraceForward" => wire::TraceForwardRequest { lot, ..Default::default() }.encode_to_vec(),
            "Attribute" => wire::AttributeRequest { lot, element: 73, ..Default::default() }.encode_to_vec(),
            "GetBundle" => wire::GetBundleRequest { lot, element: 73 }.encode_to_vec(),
            "GetConsistencyProof" => {
                wire::GetConsistencyProofRequest { old_size: 1, new_size: self.tree_size }.encode_to_vec()
            }
            "GetReceipt" => wire::GetReceiptRequest { record_id: self.record.clone().into() }.encode_to_vec(),
            "Dependence" => {
                wire::DependenceRequest { lot, element: 73, ..Default::default() }.encode_to_vec()
            }
            "ChainOfCustody" => wire::ChainOfCustodyRequest { lot, ..Default::default() }.encode_to_vec(),
            "LotFootprint" => {
                wire::LotFootprintRequest { lot, element: 73, ..Default::default() }.encode_to_vec()
            }
            "Circularity" => wire::CircularityRequest { element: 73, ..Default::default() }.encode_to_vec(),
            "MetalAccounts" => {
                wire::MetalAccountsRequest { element: 73, ..Default::default() }.encode_to_vec()
            }
            "ReadEntries" => wire::ReadEntriesRequest { start: 0, count: 1 }.encode_to_vec(),
            // The past is answered at once.
            "Watch" => wire::WatchRequest { from_height: 1 }.encode_to_vec(),
            _ => Vec::new(),
        }
    }

    /// What a call answers, as a cell of the table.
    async fn grpc(&self, method: &str, token: Option<&str>) -> char {
        let mut request = tonic::Request::new(Bytes::from(self.grpc_request(method)));
        if let Some(token) = token {
            let value = format!("Bearer {token}").parse().expect("ASCII");
            request.metadata_mut().insert("authorization", value);
        }
        let mut client = tonic::client::Grpc::new(self.node.channel.clone());
        client.ready().await.expect("the node listens");
        let path: PathAndQuery = method.parse().expect("a path");
        let code = match client.server_streaming(request, path, raw::Codec).await {
            // A refusal is an answer without a message; what is streamed afterwards was admitted.
            Ok(_) => Code::Ok,
            Err(status) => status.code(),
        };
        match code {
            Code::Unauthenticated => 'U',
            Code::PermissionDenied => 'D',
            // Admitted; what a call makes of an empty request is not the subject here.
            Code::Ok | Code::InvalidArgument | Code::NotFound => '.',
            code => panic!("{method}: {code:?}"),
        }
    }

    fn http(&self, route: &str, token: Option<&str>) -> char {
        let hex: String = self.record.iter().map(|byte| format!("{byte:02x}")).collect();
        let path = route
            .replace("/assets/{*name}", "/assets/style.css")
            .replace("entries/{*name}", &format!("entries/000.p/{}", self.tree_size))
            .replace("{*name}", &format!("0/000.p/{}", self.tree_size))
            .replace("{member}/{number}/attribute", "mine/M1/attribute?element=73")
            .replace("{member}/{number}", LOT_NAME)
            .replace("{member}/{name}", "mine/site")
            .replace("{member}", "mine")
            .replace("{list}", "0")
            .replace("{id}", &hex)
            .replace("{form}", "commission")
            .replace("{view}", "recall")
            .replace("{owner}/{name}", "mine/site");
        let (path, bearer) = match route.starts_with(SHARE_PATH) {
            true => (path.replace("{token}", token.unwrap_or("none")), None),
            false => (path, token),
        };
        let (status, headers, body) = get_as(self.address(), &path, bearer);
        match status {
            // What takes POST alone is admitted, and says so.
            200 | 405 => '.',
            401 => {
                assert!(headers.contains("www-authenticate: bearer"), "{headers}");
                'U'
            }
            403 => 'D',
            status => panic!("{path}: {status} {}", String::from_utf8_lossy(&body)),
        }
    }

    fn address(&self) -> SocketAddr {
        self.node.node.member_addr()
    }
}

/// Messages as bytes.
mod raw {
    use bytes::{Buf, BufMut, Bytes};
    use tonic::{
        Status,
        codec::{DecodeBuf, Decoder, EncodeBuf, Encoder},
    };

    #[derive(Clone, Copy, Default)]
    pub(super) struct Codec;

    impl tonic::codec::Codec for Codec {
        type Encode = Bytes;
        type Decode = Bytes;
        type Encoder = Self;
        type Decoder = Self;

        fn encoder(&mut self) -> Self {
            Self
        }

        fn decoder(&mut self) -> Self {
            Self
        }
    }

    impl Encoder for Codec {
        type Item = Bytes;
        type Error = Status;

        fn encode(&mut self, item: Bytes, to: &mut EncodeBuf<'_>) -> Result<(), Status> {
            to.put(item);
            Ok(())
        }
    }

    impl Decoder for Codec {
        type Item = Bytes;
        type Error = Status;

        fn decode(&mut self, from: &mut DecodeBuf<'_>) -> Result<Option<Bytes>, Status> {
            let length = from.remaining();
            Ok(Some(from.copy_to_bytes(length)))
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_call_answers_every_identity_as_the_table_says() {
    let world = World::new();
    let guarded = Guarded::start(&world).await;
    let grpc = methods();
    let mut found: BTreeMap<&str, String> = BTreeMap::new();
    for (name, _) in EXPECTED {
        let mut row = String::new();
        for token in &guarded.tokens {
            let cell = match grpc.contains(name) {
                true => guarded.grpc(name, token.as_deref()).await,
                false => guarded.http(name, token.as_deref()),
            };
            row.push(cell);
        }
        found.insert(name, row);
    }
    let mut wrong = Vec::new();
    for (name, expected) in EXPECTED {
        assert_eq!(expected.len(), IDENTITIES.len());
        for ((identity, expected), cell) in IDENTITIES.iter().zip(expected.chars()).zip(found[name].chars()) {
            if expected != cell {
                wrong.push(format!("{name} to {identity}: {cell}, must be {expected}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{} cells differ:\n{}", wrong.len(), wrong.join("\n"));
    guarded.node.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_listed_does_not_exist_for_anybody() {
    let world = World::new();
    let guarded = Guarded::start(&world).await;
    let auditor = guarded.tokens[8].as_deref();
    for path in ["/v1/nothing", "/tile", "/v1/lots/mine", "/share/"] {
        let (status, ..) = get_as(guarded.address(), path, auditor);
        assert_eq!(status, 404, "{path}");
    }
    let mut client = tonic::client::Grpc::new(guarded.node.channel.clone());
    client.ready().await.expect("the node listens");
    let path = PathAndQuery::from_static("/oreledger.v1.LotService/NoSuchCall");
    let none = client.unary(tonic::Request::new(Bytes::new()), path, raw::Codec).await;
    assert_eq!(none.expect_err("no such call").code(), Code::Unimplemented);
    guarded.node.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_carrier_sees_the_lots_that_concern_it_and_no_others() {
    let world = World::new();
    let guarded = Guarded::start(&world).await;
    let listed = |token: &Option<String>| {
        let (status, _, body) = get_as(guarded.address(), "/v1/lots", token.as_deref());
        assert_eq!(status, 200);
        String::from_utf8(body).expect("JSON").matches("\"lot\":").count()
    };
    assert_eq!((listed(&guarded.tokens[7]), listed(&guarded.tokens[9])), (2, 0));
    let head = commission(3, 10);
    guarded.node.publish(&head).await;
    let offer = v1::Ship {
        lots: vec![v1::ShippedLot {
            lot: Some(lot_ref("mine/M3", head.id())),
            mass: Some(dry(10)),
            ..Default::default()
        }],
        receiver: CARRIER.into(),
        transfer: v1::TransferKind::Custody.into(),
        purpose: v1::ShipPurpose::Tolling.into(),
        from_facility: "mine/site".into(),
        ..v1::Ship::default()
    };
    guarded.node.publish(&sign("mine", v1::record::Event::Ship(offer))).await;
    assert_eq!(listed(&guarded.tokens[9]), 1, "it was offered one");
    let seen = |path: &str| get_as(guarded.address(), path, guarded.tokens[9].as_deref()).0;
    assert_eq!(
        (seen("/v1/lots/mine/M3"), seen("/v1/lots/mine/M1"), seen("/v1/lots/mine/none")),
        (200, 403, 403)
    );
    // Among many lots, those that it may not see are left out as if they were not there.
    let lots = ["mine/M1", "mine/M3", "mine/none"].map(str::to_owned).to_vec();
    let mut request = tonic::Request::new(wire::GetLotsRequest { lots });
    let bearer = format!("Bearer {}", guarded.tokens[9].as_deref().expect("a token"));
    request.metadata_mut().insert("authorization", bearer.parse().expect("ASCII"));
    let named = guarded.node.lots().get_lots(request).await.expect("an answer").into_inner().lots;
    assert_eq!(named.iter().map(|lot| lot.lot.as_str()).collect::<Vec<_>>(), ["mine/M3"]);
    guarded.node.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_share_link_shows_one_lot_as_of_one_size_and_its_proof_verifies() {
    let world = World::new();
    let guarded = Guarded::start(&world).await;
    let link = guarded.tokens[10].clone().expect("a link");
    let (status, _, body) = get_as(guarded.address(), &format!("{SHARE_PATH}{link}"), None);
    let text = String::from_utf8(body).expect("JSON");
    assert!(status == 200 && text.contains(&format!("\"treeSize\":\"{}\"", guarded.tree_size)), "{text}");
    let (status, _, bundle) =
        get_as(guarded.address(), &format!("{SHARE_PATH}{link}/bundle?element=73"), None);
    assert_eq!(status, 200);
    let report = ore_verify::verify_bundle(&bundle, &crate::audit::trust(&world)).expect("verifies");
    assert_eq!(report.claim.lot, LOT_NAME);
    let other = format!("/v1/lots/mine/M1/attribute?element=73&as_of_tree_size={}", guarded.tree_size - 1);
    assert_eq!(get_as(guarded.address(), &other, Some(&link)).0, 403, "another size than the link names");

    // A link that somebody gives who has nothing to do with the lot.
    let share = Share { lot: LOT_NAME.into(), tree_size: guarded.tree_size };
    let refiner = key("refiner");
    let foreign = Token::of_share("refiner", &refiner, ORIGIN, share, now_ms() / 1000, 3_600).sign(&refiner);
    assert_eq!(get_as(guarded.address(), &format!("{SHARE_PATH}{foreign}"), None).0, 403);
    guarded.node.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_is_revoked_opens_nothing_within_a_second() {
    let world = World::new();
    let guarded = Guarded::start(&world).await;
    let spare = SecretKey::from_seed(&[55; 32]);
    add_key(&guarded.node, "mine", &spare).await;
    let spare_token = token("mine", &spare);
    let asks = || get_as(guarded.address(), "/v1/lots", Some(&spare_token)).0;
    assert_eq!(asks(), 200);
    revoke(&guarded.node, "mine", &spare).await;
    let revoked = std::time::Instant::now();
    until("the key is refused", async || {
        let asked = revoked.elapsed();
        let refused = asks() == 401;
        assert!(refused || asked < Duration::from_secs(1), "answered, although asked after {asked:?}");
        refused.then_some(())
    })
    .await;
    guarded.node.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_open_ledger_is_read_by_everybody_but_a_bad_token_is_never_ignored() {
    let world = World::new();
    let node = start(Config { read: Read::Everybody, ..world.config() }).await;
    let address = node.node.member_addr();
    assert_eq!(get_as(address, "/v1/lots", None).0, 200);
    assert_eq!(get_as(address, "/v1/lots", Some("garbage")).0, 401);
    node.stop().await;
}
