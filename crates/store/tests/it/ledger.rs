//! A small ledger: a mine and a refiner, whose records are signed and decided as on a node.

use std::{collections::HashMap, path::Path};

use bytes::Bytes;
use ed25519_dalek::{Signer, SigningKey, Verifier, VerifyingKey};
use ore_custody::{Custody, Position};
use ore_merkle::{Frontier, hash_leaf};
use ore_provenance::Graph;
use ore_record::{
    MemberId, RecordId, SignedRecord, VerifiedRecord, batch,
    keys::SecretKey,
    rules::Rules,
    v1::{self, record::Event},
};
use ore_store::{
    BlockId, CommittedBlock, Consequences, FsckOptions, Recovered, Store, StoreOptions,
    fsck::{CertificateQuestion, Uncertified},
    header, next_validators, silent,
};

pub const ORIGIN: &str = "ledger.example/tantalum";
const START_MS: u64 = 1_760_000_000_000;

/// The sequencer's side of a ledger: it decides records and makes blocks, and knows nothing of the disk.
pub struct World {
    pub custody: Custody,
    pub graph: Graph,
    pub frontier: Frontier,
    pub header: Option<v1::BlockHeader>,
    pub block_id: BlockId,
    pub consensus: SigningKey,
    /// Entries so far, for rules that read earlier records; left empty when `forgetful`.
    pub entries: Vec<Bytes>,
    pub forgetful: bool,
    /// Version of the rules that genesis states.
    pub rules: u32,
    mine: SecretKey,
    refiner: SecretKey,
    nonce: u64,
}

impl World {
    pub fn new() -> Self {
        Self {
            custody: Custody::new(ORIGIN),
            graph: Graph::new(),
            frontier: Frontier::new(),
            header: None,
            block_id: BlockId([0; 32]),
            consensus: SigningKey::from_bytes(&[7; 32]),
            entries: Vec::new(),
            forgetful: false,
            rules: 0,
            mine: SecretKey::from_seed(&[1; 32]),
            refiner: SecretKey::from_seed(&[2; 32]),
            nonce: 0,
        }
    }

    /// Continues after what a store gave back.
    pub fn resume(&mut self, recovered: Recovered, store: &Store) {
        self.frontier = Frontier::new();
        self.entries.clear();
        let reader = store.reader();
        for leaf in 0..reader.size().get() {
            let entry = reader.entry(leaf).expect("readable").expect("below the size");
            self.frontier.append(hash_leaf(&entry));
            self.entries.push(entry);
        }
        self.custody = recovered.custody;
        self.graph = recovered.graph;
        (self.header, self.block_id) = match recovered.newest {
            Some((header, id)) => (Some(header), id),
            None => (None, BlockId([0; 32])),
        };
    }

    pub fn height(&self) -> u64 {
        self.header.as_ref().map_or(0, |header| header.height + 1)
    }

    fn time_ms(&self) -> u64 {
        START_MS + 1000 * self.height()
    }

    fn sign(&mut self, author: &str, event: Event) -> SignedRecord {
        self.nonce += 1;
        let key = if author == "mine" { &self.mine } else { &self.refiner };
        let mut nonce = vec![0; 8];
        nonce.extend_from_slice(&self.nonce.to_be_bytes());
        let record = v1::Record {
            origin: ORIGIN.into(),
            author: author.into(),
            nonce,
            event_time_ms: self.time_ms(),
            event: Some(event),
            ..v1::Record::default()
        };
        SignedRecord::sign(record, key).expect("a short record with an event")
    }

    pub fn genesis(&mut self) -> CommittedBlock {
        let mut records = vec![];
        for (id, roles) in
            [("mine", vec![v1::Role::Miner as i32]), ("refiner", vec![v1::Role::Refiner as i32])]
        {
            let key = if id == "mine" { self.mine.clone() } else { self.refiner.clone() };
            let member = MemberId::parse(id).expect("a slug");
            let registration = v1::KeyRegistration {
                public_key: key.public().as_bytes().to_vec(),
                possession: key.prove_possession(ORIGIN, &member).to_vec(),
            };
            let member = v1::Member {
                id: id.into(),
                legal_name: format!("{id} Ltd"),
                country: "AU".into(),
                roles,
                ..v1::Member::default()
            };
            let admit = v1::AdmitMember { member: Some(member), key: Some(registration) };
            records.push(self.sign(id, Event::AdmitMember(admit)));
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
        records.push(self.sign("mine", Event::SetProfile(v1::SetProfile { profile: Some(profile) })));
        for (author, kind) in [("mine", v1::FacilityKind::Mine), ("refiner", v1::FacilityKind::Refinery)] {
            let facility = v1::Facility {
                id: format!("{author}/site"),
                name: "Site".into(),
                kind: kind.into(),
                country: "AU".into(),
                ..v1::Facility::default()
            };
            let register = v1::RegisterFacility { facility: Some(facility) };
            records.push(self.sign(author, Event::RegisterFacility(register)));
        }
        let validator = v1::Validator {
            member: "mine".into(),
            consensus_key: self.consensus.verifying_key().to_bytes().to_vec(),
            log_key: SigningKey::from_bytes(&[8; 32]).verifying_key().to_bytes().to_vec(),
            cosigner_key: SigningKey::from_bytes(&[9; 32]).verifying_key().to_bytes().to_vec(),
            tls_key: Vec::new(),
            peer_address: "localhost:7000".into(),
        };
        let change = v1::ChangeValidators { validators: vec![validator], rules: self.rules };
        records.push(self.sign("mine", Event::ChangeValidators(change)));
        self.block(records)
    }

    pub fn head(&self, lot: &str) -> Option<v1::LotRef> {
        let head = self.custody.head(lot)?;
        Some(v1::LotRef { lot: lot.into(), head: head.as_bytes().to_vec() })
    }

    fn new_lot(&self, id: String, mg: u64, material: v1::MaterialClass, author: &str) -> v1::NewLot {
        v1::NewLot {
            lot: id,
            material: material.into(),
            form: "tantalite concentrate".into(),
            mass: Some(dry(mg)),
            composition: Some(tantalum(300_000_000)),
            tags: if author == "mine" { vec!["TAG-1".into()] } else { vec![] },
            facility: format!("{author}/site"),
            model: v1::CustodyModel::Segregated.into(),
            origin_country: if author == "mine" { "AU".into() } else { String::new() },
            ..v1::NewLot::default()
        }
    }

    pub fn commission(&mut self, number: u64, mg: u64) -> SignedRecord {
        let lot = self.new_lot(format!("mine/M{number}"), mg, v1::MaterialClass::Concentrate, "mine");
        let event = v1::Commission {
            kind: v1::CommissionKind::Extracted.into(),
            lot: Some(lot),
            ..v1::Commission::default()
        };
        self.sign("mine", Event::Commission(event))
    }

    pub fn ship(&mut self, lot: &str) -> SignedRecord {
        let mg = self.custody.lot(lot).expect("a known lot").remaining_mg();
        let shipped =
            v1::ShippedLot { lot: self.head(lot), mass: Some(dry(mg)), ..v1::ShippedLot::default() };
        let event = v1::Ship {
            lots: vec![shipped],
            receiver: "refiner".into(),
            transfer: v1::TransferKind::CustodyAndOwnership.into(),
            purpose: v1::ShipPurpose::Sale.into(),
            mode: v1::TransportMode::Sea.into(),
            from_facility: "mine/site".into(),
            to_facility: "refiner/site".into(),
            ..v1::Ship::default()
        };
        self.sign("mine", Event::Ship(event))
    }

    /// Some of the lot is missing on arrival.
    pub fn accept(&mut self, lot: &str, offer: RecordId, missing_mg: u64) -> SignedRecord {
        let mg = self.custody.lot(lot).expect("a known lot").remaining_mg() - missing_mg;
        let accepted =
            v1::AcceptedLot { lot: self.head(lot), mass: Some(dry(mg)), seals: v1::SealState::Intact.into() };
        let event = v1::Accept {
            offer: offer.as_bytes().to_vec(),
            lots: vec![accepted],
            facility: "refiner/site".into(),
        };
        self.sign("refiner", Event::Accept(event))
    }

    /// Takes milligrams of lots and makes one.
    pub fn transform(&mut self, author: &str, number: u64, inputs: &[(&str, u64)]) -> SignedRecord {
        self.transform_with_heads(author, number, inputs, &HashMap::new())
    }

    /// As `transform`, for lots whose heads will have moved by then.
    pub fn transform_with_heads(
        &mut self,
        author: &str,
        number: u64,
        inputs: &[(&str, u64)],
        heads: &HashMap<String, RecordId>,
    ) -> SignedRecord {
        let reference = |lot: &str| match heads.get(lot) {
            Some(head) => Some(v1::LotRef { lot: lot.into(), head: head.as_bytes().to_vec() }),
            None => self.head(lot),
        };
        let total = inputs.iter().map(|(_, mg)| mg).sum();
        let output =
            self.new_lot(format!("{author}/R{number}"), total, v1::MaterialClass::Concentrate, author);
        let output = v1::NewLot { tags: vec![], origin_country: String::new(), ..output };
        let inputs = inputs
            .iter()
            .map(|(lot, mg)| v1::TransformInput {
                lot: reference(lot),
                mass: Some(dry(*mg)),
                composition: None,
            })
            .collect();
        let event = v1::Transform {
            process: v1::Process::Blending.into(),
            facility: format!("{author}/site"),
            inputs,
            outputs: vec![v1::TransformOutput { lot: Some(output), role: v1::OutputRole::Product.into() }],
            ..v1::Transform::default()
        };
        self.sign(author, Event::Transform(event))
    }

    pub fn dispose(&mut self, author: &str, lot: &str, mg: u64) -> SignedRecord {
        let event = v1::Dispose {
            lot: self.head(lot),
            mass: Some(dry(mg)),
            kind: v1::DisposeKind::Lost.into(),
            reason: "spilled".into(),
        };
        self.sign(author, Event::Dispose(event))
    }

    pub fn withdraw(&mut self, author: &str, record: RecordId) -> SignedRecord {
        let event = v1::Withdraw {
            record: record.as_bytes().to_vec(),
            reason: v1::WithdrawReason::DidNotOccur.into(),
            explanation: "typing mistake".into(),
        };
        self.sign(author, Event::Withdraw(event))
    }

    /// Decides records and makes the block that holds them; records that refer to lots of the same block are made
    /// by the caller, one block later.
    pub fn block(&mut self, records: Vec<SignedRecord>) -> CommittedBlock {
        let verified = batch::verify(records, [3; 32]).into_iter();
        self.block_verified(verified.map(|record| record.expect("signed a moment ago")).collect())
    }

    pub fn block_verified(&mut self, records: Vec<VerifiedRecord>) -> CommittedBlock {
        let height = self.height();
        let time_ms = self.time_ms();
        let mut consequences = Consequences::default();
        let mut entries = Vec::new();
        let count = records.len() as u32;
        let (mut leaf_hashes, mut ids) = (Vec::new(), Vec::new());
        for (place, verified) in records.into_iter().enumerate() {
            let leaf_index = self.frontier.size().get();
            let at = Position { leaf_index, height, block_time_ms: time_ms };
            let known = &self.entries;
            let earlier = |leaf: u64| SignedRecord::decode(known.get(leaf as usize)?).ok();
            let change = match self.custody.decide(&verified, &at, &earlier) {
                Ok(change) => change,
                Err(no) => panic!("{:?}: {} ({})", no.rule, no.message, no.next_step),
            };
            let author = verified.record().author.clone();
            consequences
                .take(&mut self.graph, place as u32, &author, &change)
                .expect("the graph agrees with custody");
            let _ = self.custody.commit(change);
            let entry = verified.signed().entry();
            let hash = hash_leaf(&entry);
            self.frontier.append(hash);
            leaf_hashes.push(hash);
            ids.push(verified.id());
            entries.push(Bytes::from(entry));
        }
        let state_root = self.custody.state_root().to_vec();
        let seal = v1::Record {
            origin: ORIGIN.into(),
            event: Some(Event::BlockSeal(v1::BlockSeal {
                height,
                previous_header: self.block_id.0.to_vec(),
                time_ms,
                state_root: state_root.clone(),
                records: count,
            })),
            ..v1::Record::default()
        };
        let seal = SignedRecord::from_parts(prost::Message::encode_to_vec(&seal), vec![]).expect("a seal");
        let _ = self.custody.seal(seal.id(), self.frontier.size().get());
        let entry = Bytes::from(seal.entry());
        let hash = hash_leaf(&entry);
        self.frontier.append(hash);
        leaf_hashes.push(hash);
        ids.push(seal.id());
        entries.push(entry);
        if !self.forgetful {
            self.entries.extend(entries.iter().cloned());
        }
        let header = v1::BlockHeader {
            origin: ORIGIN.into(),
            height,
            previous_header: self.block_id.0.to_vec(),
            time_ms,
            tree_size: self.frontier.size().get(),
            tree_root: self.frontier.root().to_bytes().to_vec(),
            state_root,
            next_validators: next_validators(&self.custody, height).to_vec(),
            proposer: "mine".into(),
        };
        let bytes = Bytes::from(header::encode(&header));
        self.block_id = BlockId::of(&bytes);
        self.header = Some(header);
        let certificate = if height == 0 { Bytes::new() } else { self.certificate() };
        CommittedBlock { height, header: bytes, entries, certificate, consequences, leaf_hashes, ids }
    }

    fn certificate(&self) -> Bytes {
        Bytes::copy_from_slice(&self.consensus.sign(&self.block_id.0).to_bytes())
    }

    /// One block of the story: new ore every time, and in turn a shipment, its receipt, a blend, a disposal.
    pub fn story_block(&mut self, n: u64) -> CommittedBlock {
        let lot = |n: u64| format!("mine/M{n}");
        let mut records = vec![self.commission(n, 1_000_000 + n)];
        match n % 6 {
            2 => records.push(self.ship(&lot(n - 1))),
            3 => {
                let offer = self.custody.head(&lot(n - 2)).expect("shipped in the block before");
                records.push(self.accept(&lot(n - 2), offer, 10));
            }
            4 => records.push(self.transform("refiner", n, &[(&lot(n - 3), 500_000)])),
            5 => {
                records.push(self.transform("mine", n, &[(&lot(n - 1), 1000), (&lot(n - 2), 2000)]));
                records.push(self.dispose("refiner", &format!("refiner/R{}", n - 1), 5));
            }
            _ => {}
        }
        self.block(records)
    }
}

fn dry(mg: u64) -> v1::Mass {
    v1::Mass { dry_mg: mg, basis: v1::MassBasis::Dry.into(), unit: "MGM".into(), ..v1::Mass::default() }
}

fn tantalum(ppb: u32) -> v1::Composition {
    let content = v1::Content {
        element: 73,
        ppb,
        kind: v1::ContentKind::Measured.into(),
        uncertainty_ppb: 1_000_000,
        ..v1::Content::default()
    };
    v1::Composition { contents: vec![content], method: "XRF".into(), ..v1::Composition::default() }
}

/// The test's certificates: one signature of the validator over the block id; it is always its turn.
pub fn check_certificate(question: &CertificateQuestion<'_>) -> Result<(), Uncertified> {
    let no = |why: String| Err(Uncertified::Certificate(why));
    let [(member, key)] = question.validators[..] else { return no("not one validator".into()) };
    let Ok(signature) = question.certificate.try_into() else { return no("not 64 bytes".into()) };
    let key = VerifyingKey::from_bytes(&key).expect("a validator's key");
    if let Err(why) = key.verify(&question.block_id, &ed25519_dalek::Signature::from_bytes(signature)) {
        return no(why.to_string());
    }
    assert_eq!((question.term, question.rules), (1, Rules::V1), "genesis names set and rules");
    match question.proposer == member {
        true => Ok(()),
        false => Err(Uncertified::OutOfTurn(vec![member.to_owned()])),
    }
}

pub fn options() -> StoreOptions {
    let mut options = StoreOptions::new(ORIGIN);
    options.log.segment_bytes = 16 << 10;
    options.log.preallocate_bytes = 4 << 10;
    options
}

pub fn fsck_options<'a>() -> FsckOptions<'a> {
    FsckOptions { certificates: Some(&check_certificate), ..FsckOptions::default() }
}

/// A ledger of genesis and `blocks` story blocks in `dir`, closed.
pub fn make(dir: &Path, blocks: u64) -> World {
    let (mut store, _) = Store::open(dir, &options(), &silent).expect("opens");
    let mut world = World::new();
    store.append(world.genesis()).expect("appends");
    for n in 1..=blocks {
        let block = world.story_block(n);
        store.append(block).expect("appends");
    }
    store.close(&world.graph).expect("closes");
    world
}
