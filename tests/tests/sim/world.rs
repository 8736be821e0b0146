//! The organisations of a simulated consortium, their keys and what they state.

use std::path::PathBuf;

use ore_consensus::ValidatorEntry;
use ore_node::{Config, Consortium, NodeKeys, genesis};
use ore_record::{
    MemberId, RecordId, SignedRecord,
    keys::SecretKey,
    rules::Rules,
    v1::{self, record::Event},
};
use tempfile::TempDir;

pub(crate) const ORIGIN: &str = "sim.example/tantalum";
/// When the genesis block was made: 2026-01-01T00:00:00Z, in milliseconds since 1970.
pub(crate) const START_MS: u64 = 1_767_225_600_000;
/// Names of the members, of which a world takes as many as it needs.
const NAMES: [&str; 7] = ["alloyer", "buyer", "mine", "refiner", "smelter", "trader", "wire-mill"];

/// A consortium before its first block.
pub(crate) struct World {
    pub(crate) members: Vec<String>,
    pub(crate) keys: Vec<NodeKeys>,
    pub(crate) genesis: genesis::Genesis,
    pub(crate) consortium: Consortium,
    dir: TempDir,
}

fn key(member: &str) -> SecretKey {
    let mut seed = [0x33; 32];
    seed[..member.len()].copy_from_slice(member.as_bytes());
    SecretKey::from_seed(&seed)
}

/// Signs an event that happened at a time.
fn sign(author: &str, nonce: u64, time_ms: u64, event: Event) -> SignedRecord {
    let mut bytes = vec![0; 8];
    bytes.extend_from_slice(&nonce.to_be_bytes());
    let record = v1::Record {
        origin: ORIGIN.into(),
        author: author.into(),
        nonce: bytes,
        event_time_ms: time_ms,
        event: Some(event),
        ..v1::Record::default()
    };
    SignedRecord::sign(record, &key(author)).expect("a short record with an event")
}

fn founders(members: &[String], keys: &[NodeKeys], rules: Rules) -> Vec<SignedRecord> {
    let mut records = Vec::new();
    let mut say = |author: &str, event| {
        let nonce = records.len() as u64;
        records.push(sign(author, nonce, START_MS, event));
    };
    for member in members {
        let id = MemberId::parse(member).expect("a slug");
        let registration = v1::KeyRegistration {
            public_key: key(member).public().as_bytes().to_vec(),
            possession: key(member).prove_possession(ORIGIN, &id).to_vec(),
        };
        let about = v1::Member {
            id: member.clone(),
            legal_name: format!("{member} Ltd"),
            country: "AU".into(),
            roles: vec![v1::Role::Miner.into()],
            ..v1::Member::default()
        };
        let admit = v1::AdmitMember { member: Some(about), key: Some(registration) };
        say(member, Event::AdmitMember(admit));
    }
    let profile = v1::Profile {
        version: 1,
        name: "simulation".into(),
        approvals_needed: 2,
        clock_tolerance_ms: 300_000,
        offer_lifetime_ms: 1_000_000_000,
        metal_gain_limit_ppm: 50_000,
        balance_tolerance_ppm: vec![20_000],
        ..v1::Profile::default()
    };
    say(&members[0], Event::SetProfile(v1::SetProfile { profile: Some(profile) }));
    for member in members {
        let facility = v1::Facility {
            id: format!("{member}/site"),
            name: "Site".into(),
            kind: v1::FacilityKind::Mine.into(),
            country: "AU".into(),
            ..v1::Facility::default()
        };
        say(member, Event::RegisterFacility(v1::RegisterFacility { facility: Some(facility) }));
    }
    say(&members[0], Event::ChangeValidators(all_of(members, keys, rules)));
    records
}

/// All members decide, by these rules.
fn all_of(members: &[String], keys: &[NodeKeys], rules: Rules) -> v1::ChangeValidators {
    let validator = |(member, keys): (&String, &NodeKeys)| keys.validator(member, "127.0.0.1:1");
    let validators = members.iter().zip(keys).map(validator).collect();
    // The first version is never stated.
    let rules = if rules == Rules::V1 { 0 } else { rules.version() };
    v1::ChangeValidators { validators, rules }
}

/// Memory where there is a file system in it, for the disk's own time is no part of a simulation.
fn folder() -> TempDir {
    let memory = std::path::Path::new("/dev/shm");
    let made = if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() };
    made.or_else(|_| tempfile::tempdir()).expect("a temporary directory")
}

impl World {
    pub(crate) fn new(count: usize, rules: Rules) -> Self {
        let members: Vec<String> = NAMES[..count].iter().map(ToString::to_string).collect();
        let seeds = |n: usize| {
            let seed = |purpose: u8| [purpose * 16 + n as u8 + 1; 32];
            NodeKeys { consensus: seed(1), log: seed(2), cosigner: seed(3), tls: seed(4) }
        };
        let keys: Vec<_> = (0..count).map(seeds).collect();
        let genesis = genesis::build(ORIGIN, START_MS, founders(&members, &keys, rules)).expect("in order");
        let consortium = Consortium::of_genesis(ORIGIN, genesis.id, &genesis.validators).expect("good keys");
        Self { members, keys, genesis, consortium, dir: folder() }
    }

    /// The folder of one process.
    pub(crate) fn place(&self, process: usize) -> PathBuf {
        self.dir.path().join(format!("node-{process}"))
    }

    /// Gives a process that runs as `member` its folder and configuration.
    pub(crate) fn install(&self, process: usize, member: usize) -> Config {
        let any = "127.0.0.1:0".parse().expect("an address");
        let (dir, name) = (self.place(process), &self.members[member]);
        genesis::install(&dir, &self.genesis, &self.consortium, &self.keys[member], name, any, any)
            .expect("a writable folder")
    }

    /// What the first member proposes when the rules are to be others.
    pub(crate) fn change_of(&self, rules: Rules) -> Event {
        Event::ChangeValidators(all_of(&self.members, &self.keys, rules))
    }

    pub(crate) fn validators(&self) -> Vec<ValidatorEntry> {
        let entry = |trusted: &ore_node::TrustedValidator| ValidatorEntry {
            member: trusted.member.clone(),
            public_key: trusted.consensus_key,
            power: 1,
        };
        self.consortium.validators.iter().map(entry).collect()
    }
}

fn dry(mg: u64) -> v1::Mass {
    v1::Mass { dry_mg: mg, basis: v1::MassBasis::Dry.into(), unit: "KGM".into(), ..v1::Mass::default() }
}

/// A new lot of ore.
pub(crate) fn commission(member: &str, number: u64, time_ms: u64) -> (String, SignedRecord) {
    let lot = format!("{member}/L{number}");
    let content = v1::Content {
        element: 73,
        ppb: 300_000_000,
        kind: v1::ContentKind::Declared.into(),
        ..v1::Content::default()
    };
    let new = v1::NewLot {
        lot: lot.clone(),
        material: v1::MaterialClass::Concentrate.into(),
        form: "tantalite concentrate".into(),
        mass: Some(dry(5_000_000)),
        composition: Some(v1::Composition { contents: vec![content], ..v1::Composition::default() }),
        tags: vec![format!("TAG-{number}")],
        facility: format!("{member}/site"),
        model: v1::CustodyModel::Segregated.into(),
        origin_country: "AU".into(),
        ..v1::NewLot::default()
    };
    let event = v1::Commission {
        kind: v1::CommissionKind::Extracted.into(),
        lot: Some(new),
        ..v1::Commission::default()
    };
    (lot, sign(member, 1_000 + number, time_ms, Event::Commission(event)))
}

/// One of the records of a vote, by their number.
pub(crate) fn ballot(member: &str, number: u64, time_ms: u64, event: Event) -> SignedRecord {
    sign(member, 500_000 + number, time_ms, event)
}

/// A part of a lot is lost. Two such records that name one head exclude each other.
pub(crate) fn lose(member: &str, lot: &str, head: RecordId, number: u64, time_ms: u64) -> SignedRecord {
    let event = v1::Dispose {
        lot: Some(ore_record::draft::lot_ref(lot, head)),
        mass: Some(dry(1_000)),
        kind: v1::DisposeKind::Lost.into(),
        reason: "spilled".into(),
    };
    sign(member, 1_000_000 + number, time_ms, Event::Dispose(event))
}
