//! Prints microseconds a record: judging and committing two-input transformations in a ledger of many
//! lots, and the state root of each block. `cargo run --release -p ore-custody --example custody_rate [lots]`
//!
//! Times are of this thread on the processor where the system tells (`/proc`), else of the clock.
use std::time::Duration;

use ore_custody::{Custody, Position};
use ore_record::{
    MemberId, RecordId, SignedRecord, VerifiedRecord,
    keys::SecretKey,
    v1::{record::Event, *},
};

const ORIGIN: &str = "rate.example/ledger";
const BLOCK: usize = 1000;

fn main() {
    let lots: usize = std::env::args().nth(1).and_then(|text| text.parse().ok()).unwrap_or(1_000_000);
    let mut bench = Bench::new();
    bench.genesis();
    let (mut commission, mut roots) = (Duration::ZERO, Duration::ZERO);
    while bench.custody.lots().len() < lots {
        let (took, root) = bench.block(|bench, at| bench.commission(at));
        commission += took;
        roots += root;
    }
    report("commission, decide + commit", commission, lots);
    report("commission, state root of 1,000-record blocks", roots, lots);

    let (mut transform, mut roots, mut made) = (Duration::ZERO, Duration::ZERO, 0);
    for _ in 0..20 {
        let (took, root) = bench.block(|bench, at| bench.transform(at, lots));
        transform += took;
        roots += root;
        made += BLOCK;
    }
    report("transform, two inputs, decide + commit", transform, made);
    report("transform, state root of 1,000-record blocks", roots, made);

    probe();
    drop(bench);
    load(lots);
}

/// What the machine gives at this moment: one inner node of a tree, its inputs in the cache.
fn probe() {
    let mut node = ore_merkle::NodeHash::from_bytes([1; 32]);
    let begin = busy();
    for _ in 0..1_000_000 {
        node = ore_merkle::hash_children(&node, &node);
    }
    println!("probe, one inner node hashed: {:.3} µs ({node})", (busy() - begin).as_secs_f64());
}

/// How long a node takes to take up a stored state.
fn load(lots: usize) {
    let mut bench = Bench::new();
    bench.keep = true;
    bench.genesis();
    while bench.custody.lots().len() < lots {
        bench.block(|bench, at| bench.commission(at));
    }
    let ids: Vec<[u8; 32]> = (0..bench.custody.leaves())
        .map(|leaf| *bench.custody.id_at(leaf).expect("below leaves").as_bytes())
        .collect();
    let begin = busy();
    let mut loaded = Custody::load(ORIGIN, std::mem::take(&mut bench.pairs), ids).expect("as written");
    let took = busy() - begin;
    let begin = busy();
    assert_eq!(loaded.state_root(), bench.custody.state_root());
    let hashed = busy() - begin;
    println!(
        "load {lots} lots: {:.2} s, their state root: {:.2} s",
        took.as_secs_f64(),
        hashed.as_secs_f64()
    );
}

/// Time of this thread on the processor.
fn busy() -> Duration {
    let spent = std::fs::read_to_string("/proc/thread-self/schedstat").ok();
    let nanoseconds = spent.and_then(|text| text.split_whitespace().next()?.parse().ok());
    nanoseconds.map_or_else(
        || std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default(),
        Duration::from_nanos,
    )
}

fn report(what: &str, took: Duration, records: usize) {
    println!("{what}: {:.2} µs a record", took.as_secs_f64() * 1e6 / records as f64);
}

struct Bench {
    custody: Custody,
    pairs: std::collections::HashMap<Vec<u8>, Vec<u8>>,
    /// Whether to keep what a store would get: then judging is not what is measured.
    keep: bool,
    undos: Vec<ore_custody::Undo>,
    key: SecretKey,
    height: u64,
    random: u64,
    /// Lots that one block has used already.
    used: std::collections::HashSet<usize>,
}

impl Bench {
    fn new() -> Self {
        Self {
            custody: Custody::new(ORIGIN),
            pairs: std::collections::HashMap::new(),
            keep: false,
            undos: Vec::new(),
            key: SecretKey::from_seed(&[1; 32]),
            height: 0,
            random: 1,
            used: std::collections::HashSet::new(),
        }
    }

    fn draw(&mut self) -> usize {
        // xorshift: reproducible, and no neighbour is drawn after its neighbour.
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        self.random as usize
    }

    fn sign(&mut self, event: Event) -> VerifiedRecord {
        let nonce = (self.draw() as u128).to_be_bytes().to_vec();
        let record = Record {
            origin: ORIGIN.into(),
            author: "mine".into(),
            nonce,
            event_time_ms: 1,
            event: Some(event),
            ..Record::default()
        };
        SignedRecord::sign(record, &self.key).expect("a record").verify().expect("just signed")
    }

    fn genesis(&mut self) {
        let id = MemberId::parse("mine").expect("a slug");
        let key = KeyRegistration {
            public_key: self.key.public().as_bytes().to_vec(),
            possession: self.key.prove_possession(ORIGIN, &id).to_vec(),
        };
        let member = Member {
            id: "mine".into(),
            legal_name: "Mine".into(),
            country: "AU".into(),
            identifiers: Vec::new(),
            roles: vec![Role::Miner.into()],
        };
        let facility = Facility {
            id: "mine/pit".into(),
            name: "Pit".into(),
            kind: FacilityKind::Mine.into(),
            country: "AU".into(),
            ..Facility::default()
        };
        for event in [
            Event::AdmitMember(AdmitMember { member: Some(member), key: Some(key) }),
            Event::SetProfile(SetProfile {
                profile: Some(Profile { version: 1, name: "p".into(), ..Profile::default() }),
            }),
            Event::RegisterFacility(RegisterFacility { facility: Some(facility) }),
        ] {
            let record = self.sign(event);
            self.judge(&record);
        }
        self.height = 1;
    }

    fn judge(&mut self, record: &VerifiedRecord) {
        let at = Position { leaf_index: self.custody.leaves(), height: self.height, block_time_ms: 1 };
        let nothing = |_: u64| None;
        let change = self.custody.decide(record, &at, &nothing).expect("valid");
        if self.keep {
            // What a store would get.
            self.pairs.extend(change.writes().filter_map(|(key, value)| Some((key, value?))));
        }
        let undo = self.custody.commit(change);
        self.undos.push(undo);
    }

    /// Signing comes first and is not timed: it is the members' work.
    fn block(&mut self, make: impl Fn(&mut Self, usize) -> Event) -> (Duration, Duration) {
        self.used.clear();
        let start = self.custody.leaves() as usize;
        let records: Vec<VerifiedRecord> = (0..BLOCK)
            .map(|at| {
                let event = make(self, start + at);
                self.sign(event)
            })
            .collect();
        let begin = busy();
        records.iter().for_each(|record| self.judge(record));
        let took = busy() - begin;
        let begin = busy();
        let root = self.custody.state_root();
        let hashed = busy() - begin;
        let seal = RecordId::from_bytes(root);
        drop(self.custody.seal(seal, self.custody.leaves()));
        self.undos.clear();
        (took, hashed)
    }

    fn new_lot(name: String, dry_mg: u64) -> NewLot {
        let content = |element, ppb| Content {
            element,
            ppb,
            kind: ContentKind::Measured.into(),
            uncertainty_ppb: ppb / 100,
            ..Content::default()
        };
        NewLot {
            lot: name,
            material: MaterialClass::Concentrate.into(),
            form: "tantalite".into(),
            mass: Some(dry(dry_mg)),
            composition: Some(Composition {
                contents: vec![content(41, 50_000_000), content(73, 300_000_000)],
                method: "XRF".into(),
                ..Composition::default()
            }),
            tags: vec!["TAG".into()],
            facility: "mine/pit".into(),
            model: CustodyModel::ControlledBlending.into(),
            origin_country: "AU".into(),
            transformation_country: "AU".into(),
            hs_code: "261590".into(),
            ..NewLot::default()
        }
    }

    fn commission(&mut self, at: usize) -> Event {
        Event::Commission(Commission {
            kind: CommissionKind::Extracted.into(),
            lot: Some(Self::new_lot(format!("mine/LOT-{at:08}"), 1_000_000_000)),
            ..Commission::default()
        })
    }

    fn transform(&mut self, at: usize, lots: usize) -> Event {
        let inputs = [0, 1].map(|_| {
            let ordinal = loop {
                let drawn = self.draw() % lots;
                if self.used.insert(drawn) {
                    break drawn;
                }
            };
            let id = self.custody.lot_by_ordinal(ordinal as u32).expect("drawn among them").id().to_owned();
            let head = self.custody.head(&id).expect("a lot").as_bytes().to_vec();
            TransformInput { lot: Some(LotRef { lot: id, head }), mass: Some(dry(1000)), composition: None }
        });
        let output = |suffix: &str, role: OutputRole| TransformOutput {
            lot: Some(Self::new_lot(format!("mine/OUT-{at:08}{suffix}"), 900)),
            role: role.into(),
        };
        Event::Transform(Transform {
            process: Process::Concentrating.into(),
            facility: "mine/pit".into(),
            inputs: inputs.to_vec(),
            outputs: vec![output("", OutputRole::Product), output("-R", OutputRole::Residue)],
            ..Transform::default()
        })
    }
}

fn dry(dry_mg: u64) -> Mass {
    Mass { dry_mg, basis: MassBasis::Dry.into(), unit: "KGM".into(), ..Mass::default() }
}
