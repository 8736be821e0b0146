//! A small ledger in memory: real records, real rules, real trees, no disk and no network.
//!
//! Tests say what members state; the ledger signs it with their keys, asks custody, and keeps what
//! a node would keep. A refusal comes back as custody gave it.

use ore_checkpoint::{
    Checkpoint, Cosigner, KeyName, NoteSigner, Policy, SignedCheckpoint, TlogProof, UnixSeconds,
};
use ore_custody::{Custody, Position, Rejection};
use ore_merkle::{LeafIndex, Levels, NodeHash, TreeSize, hash_leaf};
use ore_provenance::{Attribution, Element, Graph, Limits, LotIndex, Scratch, SourceKind};
use ore_record::{
    RecordId, SignedRecord, draft,
    keys::SecretKey,
    v1::{
        self, AdmitMember, ClaimedShare, CommissionKind, CustodyModel, Facility, FacilityKind,
        KeyRegistration, LotState, Member, OriginKind, ProvenanceClaim, RegisterFacility, Role, RosterState,
        Route, record::Event,
    },
};
use ore_store::graph_feed;
use ore_verify::{
    TrustRoot,
    build::{BundleSource, build},
};
use prost::Message;

/// The ledger of the tests.
pub const ORIGIN: &str = "test.oreledger.example/ta";
/// 2026-01-01T00:00:00Z, when the first block was made; each record comes a minute after the one before.
pub const START_MS: u64 = 1_767_225_600_000;
const MINUTE_MS: u64 = 60_000;

const LOG_SEED: [u8; 32] = [0x11; 32];
const COSIGNER_SEED: [u8; 32] = [0x22; 32];

/// What a reader of this ledger trusts.
///
/// # Panics
/// Never: the keys are fixed.
#[must_use]
pub fn trust_root() -> TrustRoot {
    let (log, cosigner) = (log_key(), cosigner());
    let policy = Policy::k_of_n([log.verifier_key().clone()], [cosigner.verifier_key().clone()], 1)
        .expect("fixed keys");
    TrustRoot { origin: ORIGIN.into(), genesis: [0; 32], policy }
}

fn log_key() -> NoteSigner {
    NoteSigner::new(KeyName::new(ORIGIN).expect("a good name"), &LOG_SEED)
}

fn cosigner() -> Cosigner {
    Cosigner::new(KeyName::new("mine.test.oreledger.example").expect("a good name"), &COSIGNER_SEED)
}

/// A ledger in memory.
pub struct Ledger {
    custody: Custody,
    graph: Graph,
    tree: Levels,
    entries: Vec<Vec<u8>>,
    height: u64,
    nonce: u64,
}

/// A member's key: made from its name, so that tests need no files.
///
/// # Panics
/// When the name has more than 32 bytes.
#[must_use]
pub fn key_of(member: &str) -> SecretKey {
    let mut seed = [0x33; 32];
    seed[..member.len()].copy_from_slice(member.as_bytes());
    SecretKey::from_seed(&seed)
}

impl Ledger {
    /// A ledger whose genesis admits these members and registers these facilities (owner, name, kind, country).
    ///
    /// # Panics
    /// When the genesis is refused.
    #[must_use]
    pub fn found(members: &[(&str, &[Role])], facilities: &[(&str, &str, FacilityKind, &str)]) -> Self {
        let mut ledger = Self {
            custody: Custody::new(ORIGIN),
            graph: Graph::new(),
            tree: Levels::new(),
            entries: Vec::new(),
            height: 0,
            nonce: 0,
        };
        let first = members.first().expect("a ledger has a founder").0;
        ledger.must(first, v1::SetProfile { profile: Some(profile()) });
        for (member, roles) in members {
            ledger.must(member, admission(member, roles));
        }
        for (owner, name, kind, country) in facilities {
            ledger.must(owner, registration(owner, name, *kind, country));
        }
        ledger.seal();
        ledger
    }

    /// What custody knows.
    #[must_use]
    pub const fn custody(&self) -> &Custody {
        &self.custody
    }

    /// The lots and the steps between them.
    #[must_use]
    pub const fn graph(&self) -> &Graph {
        &self.graph
    }

    /// All leaves.
    #[must_use]
    pub fn entries(&self) -> &[Vec<u8>] {
        &self.entries
    }

    /// Size of the log.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.entries.len() as u64
    }

    /// A member's statement, with the newest heads, signed with its key and put to custody.
    ///
    /// # Errors
    /// What custody refuses.
    ///
    /// # Panics
    /// When the graph disagrees with what custody admitted.
    pub fn say(&mut self, author: &str, event: impl Into<Event>) -> Result<RecordId, Box<Rejection>> {
        let record = self.draft(author, event);
        self.put(SignedRecord::sign(record, &key_of(author)).expect("a test's record is short"))
    }

    /// As [`Ledger::say`], for what is sure to be admitted.
    ///
    /// # Panics
    /// When custody refuses.
    pub fn must(&mut self, author: &str, event: impl Into<Event>) -> RecordId {
        let refused = |rejection: Box<Rejection>| panic!("{author} was refused: {rejection:?}");
        self.say(author, event).unwrap_or_else(refused)
    }

    /// A record with everything filled in but the key.
    #[must_use]
    pub fn draft(&mut self, author: &str, event: impl Into<Event>) -> v1::Record {
        self.nonce += 1;
        let mut nonce = [0; 16];
        nonce[..8].copy_from_slice(&self.nonce.to_be_bytes());
        let mut record = draft::record(event, self.now_ms());
        draft::complete(&mut record, ORIGIN, author, nonce);
        for reference in draft::heads_mut(&mut record) {
            if reference.head.is_empty() {
                let head = self.custody.head(&reference.lot);
                reference.head = head.map_or_else(|| vec![0; 32], |head| head.as_bytes().to_vec());
            }
        }
        record
    }

    /// Puts a signed record to custody.
    ///
    /// # Errors
    /// What custody refuses.
    ///
    /// # Panics
    /// When the signature is bad, or the graph disagrees with what custody admitted.
    pub fn put(&mut self, signed: SignedRecord) -> Result<RecordId, Box<Rejection>> {
        let (id, entry) = (signed.id(), signed.entry());
        let verified = signed.verify().expect("a test signs well");
        let at = Position { leaf_index: self.size(), height: self.height, block_time_ms: self.now_ms() };
        let entries = &self.entries;
        let read = |leaf: u64| SignedRecord::decode(entries.get(usize::try_from(leaf).ok()?)?).ok();
        let change = self.custody.decide(&verified, &at, &read).map_err(Box::new)?;
        graph_feed::feed(&mut self.graph, at.leaf_index, change.effects(), &mut Vec::new())
            .expect("the graph admits what custody admits");
        let _ = self.custody.commit(change);
        self.append(entry);
        Ok(id)
    }

    /// Ends the block.
    ///
    /// # Panics
    /// Never: a seal is well formed.
    pub fn seal(&mut self) {
        let seal = v1::BlockSeal {
            height: self.height,
            previous_header: vec![0; 32],
            time_ms: self.now_ms(),
            state_root: self.custody.state_root().to_vec(),
            records: 0,
        };
        let record = v1::Record {
            origin: ORIGIN.into(),
            event: Some(Event::BlockSeal(seal)),
            ..v1::Record::default()
        };
        let sealed = SignedRecord::from_parts(record.encode_to_vec(), Vec::new()).expect("a good seal");
        let _ = self.custody.seal(sealed.id(), self.size());
        self.append(sealed.entry());
        self.height += 1;
    }

    fn append(&mut self, entry: Vec<u8>) {
        self.tree.append(hash_leaf(&entry));
        self.entries.push(entry);
    }

    fn now_ms(&self) -> u64 {
        START_MS + self.size() * MINUTE_MS
    }

    /// The signed and cosigned checkpoint of the log as it stands.
    ///
    /// # Panics
    /// Never: the keys are fixed.
    #[must_use]
    pub fn checkpoint(&self) -> String {
        self.signed_checkpoint().to_string()
    }

    fn signed_checkpoint(&self) -> SignedCheckpoint {
        let (log, cosigner) = (log_key(), cosigner());
        let name = KeyName::new(ORIGIN).expect("a good name");
        let checkpoint = Checkpoint::new(&name, TreeSize::new(self.size()), self.tree.root());
        let signatures = vec![
            log.sign(&checkpoint.to_text()),
            cosigner.cosign(&checkpoint, UnixSeconds::new(self.now_ms() / 1000).expect("a year of this age")),
        ];
        SignedCheckpoint::new(checkpoint, signatures).expect("two good lines")
    }

    /// The receipt of an entry, with the entry in it.
    ///
    /// # Panics
    /// When there is no such leaf.
    #[must_use]
    pub fn receipt_file(&self, leaf: u64) -> String {
        let path = self
            .tree
            .prove_inclusion(LeafIndex::new(leaf), TreeSize::new(self.size()))
            .expect("the leaf is there");
        let entry = self.entries[usize::try_from(leaf).expect("small")].clone();
        TlogProof::new(LeafIndex::new(leaf), path, self.signed_checkpoint(), Some(entry))
            .expect("short")
            .to_string()
    }

    /// The engine's answer for a lot and an element (atomic number), as of a size of the log.
    ///
    /// # Panics
    /// When there is no such lot.
    #[must_use]
    pub fn attribution(&self, lot: &str, element: u8, as_of: u64) -> Attribution {
        let ordinal = self.custody.lot_ordinal(lot).expect("the lot is there");
        ore_provenance::attribute(
            &self.graph,
            &mut Scratch::default(),
            LotIndex(ordinal),
            Element(element),
            as_of,
            &Limits::default(),
        )
        .expect("an answer")
    }

    /// The engine's answer as a claim.
    #[must_use]
    pub fn claim(&self, lot: &str, element: u8) -> ProvenanceClaim {
        let answer = self.attribution(lot, element, self.size());
        let share = |origin: &ore_provenance::OriginShare| ClaimedShare {
            kind: match origin.kind {
                SourceKind::Mine => OriginKind::Mine,
                SourceKind::DeclaredUnknown => OriginKind::DeclaredUnknown,
                SourceKind::ScrapCollection => OriginKind::ScrapCollection,
            } as i32,
            source: self.facility_name(origin.origin.source.0),
            country: String::from_utf8_lossy(&origin.origin.country).into_owned(),
            route: match origin.origin.route {
                ore_provenance::Route::Primary => Route::Primary,
                ore_provenance::Route::PreConsumer => Route::PreConsumer,
                ore_provenance::Route::PostConsumer => Route::PostConsumer,
            } as i32,
            generation: origin.origin.generation.into(),
            value: units(origin.share.value),
            lower: units(origin.share.lower),
            upper: units(origin.share.upper),
        };
        ProvenanceClaim {
            origin: ORIGIN.into(),
            lot: lot.into(),
            element: element.into(),
            tree_size: self.size(),
            shares: answer.origins.iter().map(share).collect(),
        }
    }

    /// Id of the facility at a place of the roster.
    ///
    /// # Panics
    /// When there is none.
    #[must_use]
    pub fn facility_name(&self, place: u32) -> String {
        self.custody.facility_at(place).expect("origins name facilities").id.clone()
    }

    /// The bundle that proves where the element in a lot came from. The log must end with a seal.
    ///
    /// # Panics
    /// When it cannot be made.
    #[must_use]
    pub fn bundle_file(&self, lot: &str, element: u8) -> Vec<u8> {
        self.bundle_of(self.claim(lot, element)).encode_to_vec()
    }

    /// The bundle for any claim, a false one too.
    ///
    /// # Panics
    /// When it cannot be made.
    #[must_use]
    pub fn bundle_of(&self, claim: ProvenanceClaim) -> v1::Bundle {
        build(self, claim, self.checkpoint(), |text| log_key().sign(text)).expect("a bundle")
    }
}

fn units(parts: ore_provenance::Parts) -> u64 {
    parts.units()
}

impl BundleSource for Ledger {
    fn leaf_of(&self, record: &RecordId) -> Option<u64> {
        self.custody.leaf_of(record)
    }

    fn entry(&self, leaf: u64) -> Option<Vec<u8>> {
        self.entries.get(usize::try_from(leaf).ok()?).cloned()
    }

    fn log_node(&self, level: u8, index: u64) -> Option<NodeHash> {
        self.tree.node(level, index)
    }

    fn lot(&self, lot: &str) -> Option<(u64, LotState)> {
        let ordinal = self.custody.lot_ordinal(lot)?;
        Some((ordinal.into(), self.custody.lot_state(ordinal)?))
    }

    fn member(&self, member: &str) -> Option<(u64, RosterState)> {
        let place = self.custody.roster_index_of_member(member)?;
        Some((place.into(), self.custody.roster_state(place)?))
    }

    fn head_tree(&self) -> (u64, [u8; 32]) {
        (self.custody.head_size().get(), self.custody.hashed_head_root().expect("sealed").to_bytes())
    }

    fn head_node(&self, level: u8, index: u64) -> Option<NodeHash> {
        self.custody.head_node(level, index)
    }

    fn roster_tree(&self) -> (u64, [u8; 32]) {
        let tree = self.custody.roster_tree();
        (tree.size().get(), tree.hashed_root().expect("sealed").to_bytes())
    }

    fn roster_node(&self, level: u8, index: u64) -> Option<NodeHash> {
        self.custody.roster_tree().node(level, index)
    }
}

fn profile() -> v1::Profile {
    v1::Profile {
        version: 1,
        name: "test".into(),
        approvals_needed: 2,
        clock_tolerance_ms: 300_000,
        offer_lifetime_ms: 30 * 86_400_000,
        metal_gain_limit_ppm: 0,
        balance_tolerance_ppm: vec![20_000],
        hs_table: "HS2022".into(),
        lists: Vec::new(),
        thresholds: None,
    }
}

fn admission(member: &str, roles: &[Role]) -> AdmitMember {
    let key = key_of(member);
    let id = ore_record::MemberId::parse(member).expect("a good slug");
    AdmitMember {
        member: Some(Member {
            id: member.into(),
            legal_name: format!("{member} of the test"),
            country: "CH".into(),
            identifiers: Vec::new(),
            roles: roles.iter().map(|role| *role as i32).collect(),
        }),
        key: Some(KeyRegistration {
            public_key: key.public().as_bytes().to_vec(),
            possession: key.prove_possession(ORIGIN, &id).to_vec(),
        }),
    }
}

fn registration(owner: &str, name: &str, kind: FacilityKind, country: &str) -> RegisterFacility {
    RegisterFacility {
        facility: Some(Facility {
            id: format!("{owner}/{name}"),
            name: name.into(),
            kind: kind.into(),
            country: country.into(),
            ..Facility::default()
        }),
    }
}

// ---------------------------------------------------------------- what people say

/// A lot of dry mass with contents such as `[("Ta", "32.5 %")]`, at a facility, controlled blending.
///
/// # Panics
/// When mass or contents cannot be read.
#[must_use]
pub fn new_lot(lot: &str, facility: &str, mass: &str, contents: &[(&str, &str)]) -> v1::NewLot {
    v1::NewLot {
        lot: lot.into(),
        material: v1::MaterialClass::Intermediate.into(),
        form: "material".into(),
        mass: Some(ore_record::mass::parse(mass).expect("a mass")),
        composition: Some(
            draft::composition(contents, "XRF", "", v1::AssayStage::Producer).expect("contents"),
        ),
        facility: facility.into(),
        model: CustodyModel::ControlledBlending.into(),
        ..v1::NewLot::default()
    }
}

/// A mined lot with a tag; the country is the mine's.
#[must_use]
pub fn mined(
    lot: &str,
    facility: &str,
    country: &str,
    mass: &str,
    contents: &[(&str, &str)],
) -> v1::Commission {
    let tags = vec![format!("TAG-{}", lot.replace('/', "-"))];
    let lot = v1::NewLot {
        material: v1::MaterialClass::Concentrate.into(),
        origin_country: country.into(),
        tags,
        ..new_lot(lot, facility, mass, contents)
    };
    v1::Commission { kind: CommissionKind::Extracted.into(), lot: Some(lot), ..v1::Commission::default() }
}

/// Inputs (lot, mass) become outputs at a facility.
///
/// # Panics
/// When a mass cannot be read.
#[must_use]
pub fn transform(
    process: v1::Process,
    facility: &str,
    inputs: &[(&str, &str)],
    outputs: Vec<v1::NewLot>,
) -> v1::Transform {
    let input = |(lot, mass): &(&str, &str)| v1::TransformInput {
        lot: Some(draft::lot(lot)),
        mass: Some(ore_record::mass::parse(mass).expect("a mass")),
        composition: None,
    };
    let output = |lot| v1::TransformOutput { lot: Some(lot), role: v1::OutputRole::Product.into() };
    v1::Transform {
        process: process.into(),
        facility: facility.into(),
        inputs: inputs.iter().map(input).collect(),
        outputs: outputs.into_iter().map(output).collect(),
        ..v1::Transform::default()
    }
}

/// A lot goes whole from one member to another, and arrives with the mass it left with.
///
/// # Panics
/// When custody refuses.
pub fn hand_over(ledger: &mut Ledger, lot: &str, from: (&str, &str), to: (&str, &str)) {
    let held = ledger.custody().lot(lot).expect("the lot is there");
    let mass = ore_record::mass::parse(&format!("{} MGM", held.remaining_mg())).expect("a mass");
    let offer = ledger.must(
        from.0,
        v1::Ship {
            lots: vec![v1::ShippedLot {
                lot: Some(draft::lot(lot)),
                mass: Some(mass.clone()),
                seals: Vec::new(),
            }],
            receiver: to.0.into(),
            transfer: v1::TransferKind::CustodyAndOwnership.into(),
            purpose: v1::ShipPurpose::Sale.into(),
            mode: v1::TransportMode::Road.into(),
            from_facility: from.1.into(),
            to_facility: to.1.into(),
            ..v1::Ship::default()
        },
    );
    ledger.must(
        to.0,
        v1::Accept {
            offer: offer.as_bytes().to_vec(),
            lots: vec![v1::AcceptedLot {
                lot: Some(draft::lot(lot)),
                mass: Some(mass),
                seals: v1::SealState::Intact.into(),
            }],
            facility: to.1.into(),
        },
    );
}

/// Two mines, a refiner, a maker: ore is blended, refined, made into a target, used, returned and
/// recycled into a second target. The log ends with a seal.
#[must_use]
pub fn story() -> Ledger {
    let mut ledger = Ledger::found(
        &[
            ("mine-a", &[Role::Miner]),
            ("mine-b", &[Role::Miner]),
            ("refiner", &[Role::Refiner]),
            ("maker", &[Role::Manufacturer, Role::Recycler]),
        ],
        &[
            ("mine-a", "pit", FacilityKind::Mine, "RW"),
            ("mine-b", "pit", FacilityKind::Mine, "BR"),
            ("refiner", "works", FacilityKind::Refinery, "EE"),
            ("maker", "plant", FacilityKind::TargetPlant, "JP"),
        ],
    );
    ledger
        .must("mine-a", mined("mine-a/A1", "mine-a/pit", "RW", "4000 kg", &[("Ta", "30 %"), ("Nb", "10 %")]));
    ledger
        .must("mine-b", mined("mine-b/B1", "mine-b/pit", "BR", "2000 kg", &[("Ta", "20 %"), ("Nb", "20 %")]));
    hand_over(&mut ledger, "mine-a/A1", ("mine-a", "mine-a/pit"), ("refiner", "refiner/works"));
    hand_over(&mut ledger, "mine-b/B1", ("mine-b", "mine-b/pit"), ("refiner", "refiner/works"));
    ledger.seal();
    let refining = transform(
        v1::Process::Refining,
        "refiner/works",
        &[("mine-a/A1", "1000 kg"), ("mine-b/B1", "500 kg")],
        vec![
            new_lot("refiner/P1", "refiner/works", "380 kg", &[("Ta", "99.9 %")]),
            new_lot("refiner/N1", "refiner/works", "190 kg", &[("Nb", "99.5 %")]),
        ],
    );
    ledger.must("refiner", refining);
    hand_over(&mut ledger, "refiner/P1", ("refiner", "refiner/works"), ("maker", "maker/plant"));
    ledger.must("maker", sintering("maker/T1", &[("refiner/P1", "12 kg")], "10 kg", "SN-1"));
    ledger.seal();
    ledger.must(
        "maker",
        v1::Use {
            item: Some(draft::lot("maker/T1")),
            net_mass: Some(ore_record::mass::parse("7 kg").expect("a mass")),
            facility: "maker/plant".into(),
        },
    );
    let recycling = v1::Transform {
        recycling_class: v1::RecyclingClass::PostConsumer.into(),
        ..transform(
            v1::Process::Recycling,
            "maker/plant",
            &[("maker/T1", "7 kg")],
            vec![new_lot("maker/R1", "maker/plant", "6.3 kg", &[("Ta", "99.9 %")])],
        )
    };
    ledger.must("maker", recycling);
    ledger.must(
        "maker",
        sintering("maker/T2", &[("maker/R1", "6.3 kg"), ("refiner/P1", "6 kg")], "10 kg", "SN-2"),
    );
    ledger.seal();
    ledger
}

fn sintering(lot: &str, inputs: &[(&str, &str)], mass: &str, serial: &str) -> v1::Transform {
    let target = v1::NewLot {
        material: v1::MaterialClass::SputteringTarget.into(),
        serial: serial.into(),
        ..new_lot(lot, "maker/plant", mass, &[("Ta", "99.9 %")])
    };
    transform(v1::Process::Sintering, "maker/plant", inputs, vec![target])
}
