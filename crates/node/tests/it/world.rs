//! A ledger of a mine and a refiner, with one node on loopback.

use std::{
    net::SocketAddr,
    path::Path,
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use bytes::Bytes;
use ore_node::{Config, Consortium, Node, NodeKeys, Shutdown, config::Read, genesis, sequencer::now_ms};
use ore_record::{
    MemberId, RecordId, SignedRecord,
    keys::SecretKey,
    v1::{self, record::Event},
};
use ore_wire::v1 as wire;
use tempfile::TempDir;
use tonic::transport::Channel;

pub(crate) const ORIGIN: &str = "ledger.example/tantalum";

/// A new ledger's directory.
pub(crate) struct World {
    pub(crate) dir: TempDir,
    pub(crate) consortium: Consortium,
}

/// A running node, and how to stop it.
pub(crate) struct Running {
    pub(crate) node: Node,
    pub(crate) shutdown: Shutdown,
    pub(crate) channel: Channel,
}

pub(crate) fn key(member: &str) -> SecretKey {
    let mut seed = [member.len() as u8; 32];
    seed[..member.len()].copy_from_slice(member.as_bytes());
    SecretKey::from_seed(&seed)
}

/// Signs an event that happened now.
pub(crate) fn sign(author: &str, event: Event) -> SignedRecord {
    static NONCE: AtomicU64 = AtomicU64::new(0);
    let mut nonce = now_ms().to_be_bytes().to_vec();
    nonce.extend_from_slice(&NONCE.fetch_add(1, Ordering::Relaxed).to_be_bytes());
    let record = v1::Record {
        origin: ORIGIN.into(),
        author: author.into(),
        nonce,
        event_time_ms: now_ms(),
        event: Some(event),
        ..v1::Record::default()
    };
    SignedRecord::sign(record, &key(author)).expect("a short record with an event")
}

/// Records of a genesis block in which a mine and a refiner are members, and these are validators.
pub(crate) fn founding_records(validators: v1::ChangeValidators) -> Vec<SignedRecord> {
    let mut records = Vec::new();
    let more = validators.validators.iter().map(|validator| (validator.member.as_str(), v1::Role::Refiner));
    let more = more.filter(|(id, _)| *id != "mine" && *id != "refiner");
    for (id, role) in [("mine", v1::Role::Miner), ("refiner", v1::Role::Refiner)].into_iter().chain(more) {
        let member_id = MemberId::parse(id).expect("a slug");
        let registration = v1::KeyRegistration {
            public_key: key(id).public().as_bytes().to_vec(),
            possession: key(id).prove_possession(ORIGIN, &member_id).to_vec(),
        };
        let member = v1::Member {
            id: id.into(),
            legal_name: format!("{id} Ltd"),
            country: "AU".into(),
            roles: vec![role.into()],
            ..v1::Member::default()
        };
        let admit = v1::AdmitMember { member: Some(member), key: Some(registration) };
        records.push(sign(id, Event::AdmitMember(admit)));
    }
    let profile = v1::Profile {
        version: 1,
        name: "test".into(),
        approvals_needed: 2,
        clock_tolerance_ms: 300_000,
        offer_lifetime_ms: 1_000_000_000,
        metal_gain_limit_ppm: 50_000,
        balance_tolerance_ppm: vec![20_000],
        ..v1::Profile::default()
    };
    records.push(sign("mine", Event::SetProfile(v1::SetProfile { profile: Some(profile) })));
    for (author, kind) in [("mine", v1::FacilityKind::Mine), ("refiner", v1::FacilityKind::Refinery)] {
        let facility = v1::Facility {
            id: format!("{author}/site"),
            name: "Site".into(),
            kind: kind.into(),
            country: "AU".into(),
            ..v1::Facility::default()
        };
        let register = v1::RegisterFacility { facility: Some(facility) };
        records.push(sign(author, Event::RegisterFacility(register)));
    }
    records.push(sign("mine", Event::ChangeValidators(validators)));
    records
}

impl World {
    pub(crate) fn new() -> Self {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let keys = NodeKeys::generate().expect("randomness");
        let records = founding_records(v1::ChangeValidators {
            validators: vec![keys.validator("mine", "127.0.0.1:1")],
            rules: 0,
        });
        let genesis = genesis::build(ORIGIN, now_ms(), records).expect("founding records are in order");
        let consortium = Consortium::of_genesis(ORIGIN, genesis.id, &genesis.validators).expect("good keys");
        let any = "127.0.0.1:0".parse().expect("an address");
        genesis::install(dir.path(), &genesis, &consortium, &keys, "mine", any, any).expect("writable");
        Self { dir, consortium }
    }

    pub(crate) fn config(&self) -> Config {
        config_of(self.dir.path())
    }

    pub(crate) async fn start(&self) -> Running {
        start(self.config()).await
    }
}

/// Open for reading: who may read is the subject of `access.rs` alone.
pub(crate) fn config_of(dir: &Path) -> Config {
    let config = Config::load(&dir.join("node.toml")).expect("written by install");
    Config { read: Read::Everybody, ..config }
}

pub(crate) async fn start(config: Config) -> Running {
    start_with(config, async |address| channel(&format!("http://{address}")).await).await
}

/// Starts a node that is connected to in another way than usual.
pub(crate) async fn start_with(config: Config, connect: impl AsyncFnOnce(SocketAddr) -> Channel) -> Running {
    let shutdown = Shutdown::new();
    let node = Node::start(config, shutdown.clone()).await.unwrap_or_else(|error| {
        panic!("node does not start: {}", ore_node::sequencer::chain(&error));
    });
    let channel = connect(node.member_addr()).await;
    Running { node, shutdown, channel }
}

pub(crate) async fn channel(address: &str) -> Channel {
    Channel::from_shared(address.to_owned()).expect("a URI").connect().await.expect("the node listens")
}

impl Running {
    /// Stops in order, within ten seconds.
    pub(crate) async fn stop(self) {
        drop(self.channel);
        self.shutdown.stop();
        self.node.wait().await.unwrap_or_else(|error| panic!("{}", ore_node::sequencer::chain(&error)));
    }

    pub(crate) fn submission(&self) -> wire::submission_service_client::SubmissionServiceClient<Channel> {
        wire::submission_service_client::SubmissionServiceClient::new(self.channel.clone())
    }

    pub(crate) fn lots(&self) -> wire::lot_service_client::LotServiceClient<Channel> {
        wire::lot_service_client::LotServiceClient::new(self.channel.clone())
    }

    pub(crate) fn log(&self) -> wire::log_service_client::LogServiceClient<Channel> {
        wire::log_service_client::LogServiceClient::new(self.channel.clone())
            .max_decoding_message_size(ore_wire::MAX_RESPONSE_BYTES)
    }

    /// Entries that are durable.
    pub(crate) async fn node_size(&self) -> u64 {
        let mut consortium =
            wire::consortium_service_client::ConsortiumServiceClient::new(self.channel.clone());
        consortium.get_info(wire::GetInfoRequest {}).await.expect("an answer").into_inner().durable_size
    }

    pub(crate) async fn submit(&self, record: &SignedRecord) -> Result<wire::SubmitResponse, tonic::Status> {
        self.submit_bytes(record.entry()).await
    }

    pub(crate) async fn submit_bytes(&self, entry: Vec<u8>) -> Result<wire::SubmitResponse, tonic::Status> {
        let request =
            wire::SubmitRequest { entry: entry.into(), wait: wire::Stage::Integrated.into(), promise: false };
        self.submission().submit(request).await.map(tonic::Response::into_inner)
    }

    /// Submits and waits until a checkpoint covers it.
    pub(crate) async fn publish(&self, record: &SignedRecord) -> wire::Place {
        let request = wire::SubmitRequest {
            entry: record.entry().into(),
            wait: wire::Stage::Published.into(),
            promise: false,
        };
        let answer = self.submission().submit(request).await.expect("accepted").into_inner();
        answer.place.expect("an accepted record has a place")
    }

    /// All records in one stream, in messages of `chunk`.
    pub(crate) async fn stream(&self, entries: Vec<Bytes>, chunk: usize) -> Vec<wire::SubmitResult> {
        let messages: Vec<_> = entries
            .chunks(chunk)
            .map(|entries| wire::SubmitStreamRequest { entries: entries.to_vec(), wait: 0 })
            .collect();
        let answers = self.submission().submit_stream(tokio_stream::iter(messages)).await;
        let mut answers = answers.expect("a stream").into_inner();
        let mut results = Vec::new();
        while let Some(answer) = answers.message().await.expect("an answer") {
            results.extend(answer.results);
        }
        results
    }
}

impl Running {
    /// Has records judged, in messages of `chunk`.
    pub(crate) async fn check(
        &self,
        entries: Vec<Bytes>,
        chunk: usize,
    ) -> Result<wire::CheckResponse, tonic::Status> {
        let messages: Vec<_> =
            entries.chunks(chunk).map(|entries| wire::CheckRequest { entries: entries.to_vec() }).collect();
        let mut answers = self.submission().check(tokio_stream::iter(messages)).await?.into_inner();
        let answer = answers.message().await?.expect("one answer");
        assert!(answers.message().await?.is_none(), "and no more");
        Ok(answer)
    }
}

fn registration(member: &str, secret: &SecretKey) -> v1::KeyRegistration {
    let id = MemberId::parse(member).expect("a slug");
    v1::KeyRegistration {
        public_key: secret.public().as_bytes().to_vec(),
        possession: secret.prove_possession(ORIGIN, &id).to_vec(),
    }
}

/// The mine proposes a member, the refiner approves.
pub(crate) async fn admit(node: &Running, id: &str, role: v1::Role) {
    let member = v1::Member {
        id: id.into(),
        legal_name: format!("{id} Ltd"),
        country: "AU".into(),
        roles: vec![role.into()],
        ..v1::Member::default()
    };
    let admit = v1::AdmitMember { member: Some(member), key: Some(registration(id, &key(id))) };
    let proposal = sign("mine", Event::AdmitMember(admit));
    node.publish(&proposal).await;
    let approve = v1::Approve { proposal: proposal.id().as_bytes().to_vec() };
    node.publish(&sign("refiner", Event::Approve(approve))).await;
}

/// A member adds a key.
pub(crate) async fn add_key(node: &Running, member: &str, secret: &SecretKey) {
    let add = v1::AddKey { key: Some(registration(member, secret)) };
    node.publish(&sign(member, Event::AddKey(add))).await;
}

/// A member revokes a key.
pub(crate) async fn revoke(node: &Running, member: &str, secret: &SecretKey) {
    let public_key = secret.public().as_bytes().to_vec();
    let revoke = v1::RevokeKey { public_key, reason: "lost".into() };
    node.publish(&sign(member, Event::RevokeKey(revoke))).await;
}

pub(crate) fn dry(mg: u64) -> v1::Mass {
    v1::Mass { dry_mg: mg, basis: v1::MassBasis::Dry.into(), unit: "KGM".into(), ..v1::Mass::default() }
}

fn tantalum(ppb: u32) -> v1::Composition {
    let content =
        v1::Content { element: 73, ppb, kind: v1::ContentKind::Declared.into(), ..Default::default() };
    v1::Composition { contents: vec![content], ..v1::Composition::default() }
}

fn new_lot(id: String, mg: u64, author: &str) -> v1::NewLot {
    let mined = author == "mine";
    v1::NewLot {
        lot: id,
        material: v1::MaterialClass::Concentrate.into(),
        form: "tantalite concentrate".into(),
        mass: Some(dry(mg)),
        composition: Some(tantalum(300_000_000)),
        tags: if mined { vec!["TAG-1".into()] } else { vec![] },
        facility: format!("{author}/site"),
        model: v1::CustodyModel::Segregated.into(),
        origin_country: if mined { "AU".into() } else { String::new() },
        ..v1::NewLot::default()
    }
}

/// A lot from the mine.
pub(crate) fn commission(number: u64, mg: u64) -> SignedRecord {
    let event = v1::Commission {
        kind: v1::CommissionKind::Extracted.into(),
        lot: Some(new_lot(format!("mine/M{number}"), mg, "mine")),
        ..v1::Commission::default()
    };
    sign("mine", Event::Commission(event))
}

/// Takes from lots, each named with its head, and makes one.
pub(crate) fn blend(number: u64, inputs: &[(&str, RecordId, u64)]) -> SignedRecord {
    let total = inputs.iter().map(|(.., mg)| mg).sum();
    let output = v1::NewLot {
        tags: vec![],
        origin_country: String::new(),
        ..new_lot(format!("mine/B{number}"), total, "mine")
    };
    let inputs = inputs.iter().map(|(lot, head, mg)| v1::TransformInput {
        lot: Some(ore_record::draft::lot_ref(lot, *head)),
        mass: Some(dry(*mg)),
        composition: None,
    });
    let event = v1::Transform {
        process: v1::Process::Blending.into(),
        facility: "mine/site".into(),
        inputs: inputs.collect(),
        outputs: vec![v1::TransformOutput { lot: Some(output), role: v1::OutputRole::Product.into() }],
        ..v1::Transform::default()
    };
    sign("mine", Event::Transform(event))
}

/// A part of a lot is lost.
pub(crate) fn lose(lot: &str, head: RecordId, mg: u64) -> SignedRecord {
    let event = v1::Dispose {
        lot: Some(ore_record::draft::lot_ref(lot, head)),
        mass: Some(dry(mg)),
        kind: v1::DisposeKind::Lost.into(),
        reason: "spilled".into(),
    };
    sign("mine", Event::Dispose(event))
}

/// Waits for a condition, not for time; gives up after twenty seconds.
pub(crate) async fn until<T>(what: &str, mut condition: impl AsyncFnMut() -> Option<T>) -> T {
    for _ in 0..1_000 {
        if let Some(value) = condition().await {
            return value;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("{what} did not come true within twenty seconds");
}
