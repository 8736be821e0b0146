//! One fuzz target for each decoder of bytes from outside.
//!
//! A target must not panic on any bytes, and where it accepts them it must print the same bytes
//! again. `tests/fuzz` runs them under a coverage-guided fuzzer; `bounded` runs each for a fixed
//! number of seeded mutations, so that every run of the tests does some of it.

use std::panic::{AssertUnwindSafe, catch_unwind};

use ore_checkpoint::{AddCheckpointRequest, Note, Policy, SignedCheckpoint, TlogProof, VerifierKey};
use ore_consensus::Certificate;
use ore_merkle::tiles::{BundleRef, TileResource, parse_tile};
use ore_provenance::Graph;
use ore_record::{LotId, MemberId, SignedRecord, canonical, keys::PublicKey, mass, v1};

/// A decoder under its name.
pub struct Target {
    /// As `tests/fuzz` names it.
    pub name: &'static str,
    /// Reads the bytes; panics only when the decoder is wrong.
    pub run: fn(&[u8]),
    /// Good inputs to start from.
    pub seeds: fn() -> Vec<Vec<u8>>,
}

/// Every decoder of bytes that come from outside.
pub const TARGETS: &[Target] = &[
    Target { name: "entry", run: entry, seeds: entries },
    Target { name: "bundle", run: bundle, seeds: bundles },
    Target { name: "receipt", run: receipt, seeds: receipts },
    Target { name: "note", run: note, seeds: notes },
    Target { name: "policy", run: policy, seeds: policies },
    Target { name: "add_checkpoint", run: add_checkpoint, seeds: add_checkpoints },
    Target { name: "tile", run: tile, seeds: tiles },
    Target { name: "certificate", run: certificate, seeds: certificates },
    Target { name: "json_line", run: json_line, seeds: json_lines },
    Target { name: "csv", run: csv, seeds: csvs },
    Target { name: "names_and_masses", run: names_and_masses, seeds: texts },
    Target { name: "graph_snapshot", run: graph_snapshot, seeds: snapshots },
];

fn entry(bytes: &[u8]) {
    if let Ok(signed) = SignedRecord::decode(bytes) {
        assert_eq!(signed.entry(), bytes, "an entry that is accepted encodes to itself");
        let _ = signed.strict();
        let _ = signed.verify();
    }
    let _ = PublicKey::check(bytes);
}

fn bundle(bytes: &[u8]) {
    let _ = ore_verify::verify_bundle(bytes, &crate::ledger::trust_root());
    if let Ok(block) = canonical::decode::<v1::Block>(bytes) {
        assert!(!block.header.is_empty() || !block.entries.is_empty() || bytes.is_empty());
    }
}

fn receipt(bytes: &[u8]) {
    let _ = ore_verify::verify_receipt(bytes, None, &crate::ledger::trust_root());
    if let Ok(proof) = TlogProof::parse(bytes) {
        assert_eq!(proof.to_string().as_bytes(), bytes, "a receipt that is accepted prints as itself");
    }
}

fn note(bytes: &[u8]) {
    if let Ok(note) = Note::parse(bytes) {
        assert_eq!(note.to_string().as_bytes(), bytes, "a note that is accepted prints as itself");
    }
    let _ = SignedCheckpoint::parse(bytes);
    if let Ok(text) = str::from_utf8(bytes) {
        let _ = text.parse::<VerifierKey>();
    }
}

fn policy(bytes: &[u8]) {
    if let Ok(policy) = Policy::parse(bytes) {
        assert_eq!(Policy::parse(&policy.to_bytes()), Ok(policy), "a policy means what it prints");
    }
}

fn add_checkpoint(bytes: &[u8]) {
    let _ = AddCheckpointRequest::parse(bytes);
    let _ = ore_checkpoint::witness::parse_cosignatures(bytes);
    let _ = ore_checkpoint::witness::parse_conflict_size(bytes);
}

fn tile(bytes: &[u8]) {
    let (path, content) = bytes.split_at(bytes.len().min(40));
    let Ok(path) = str::from_utf8(path) else { return };
    match path.trim_end_matches('\0').parse::<TileResource>() {
        Ok(TileResource::Tile(tile)) => {
            assert_eq!(tile.to_string(), path.trim_end_matches('\0'));
            let _ = parse_tile(tile, content);
        }
        Ok(TileResource::Entries(bundle)) => {
            let _ = BundleRef::parse(bundle, content);
        }
        Err(_) => {}
    }
}

fn certificate(bytes: &[u8]) {
    if let Ok(certificate) = Certificate::decode(bytes) {
        assert_eq!(certificate.encode(), bytes, "a certificate that is accepted encodes to itself");
        let _ = certificate.verify("example.org/ta", &[]);
    }
}

fn json_line(bytes: &[u8]) {
    if let Ok(text) = str::from_utf8(bytes) {
        let _ = ore_exchange::json::record_from_str(text);
    }
}

fn csv(bytes: &[u8]) {
    let _ = ore_exchange::csv::read(bytes).take(1000).count();
    let _ = ore_exchange::json::read(bytes).take(1000).count();
}

fn names_and_masses(bytes: &[u8]) {
    let Ok(text) = str::from_utf8(bytes) else { return };
    let _ = (MemberId::parse(text), LotId::parse(text));
    if let Ok(mass) = mass::parse(text) {
        assert!(mass::check(&mass).is_ok(), "a mass that is read is a good one");
    }
    let _ = ore_record::oxides::Compound::parse(text);
}

fn graph_snapshot(bytes: &[u8]) {
    if let Ok(graph) = Graph::import(bytes) {
        assert_eq!(graph.export(), bytes, "a snapshot that is accepted exports as itself");
    }
}

// ---------------------------------------------------------------- seeds

fn entries() -> Vec<Vec<u8>> {
    crate::ledger::story().entries().to_vec()
}

fn bundles() -> Vec<Vec<u8>> {
    vec![crate::ledger::story().bundle_file("maker/T2", 73)]
}

fn receipts() -> Vec<Vec<u8>> {
    vec![crate::ledger::story().receipt_file(3).into_bytes()]
}

fn notes() -> Vec<Vec<u8>> {
    vec![crate::ledger::story().checkpoint().into_bytes()]
}

fn policies() -> Vec<Vec<u8>> {
    vec![crate::ledger::trust_root().policy.to_bytes()]
}

fn add_checkpoints() -> Vec<Vec<u8>> {
    let checkpoint = crate::ledger::story().checkpoint();
    vec![format!("old 0\n\n{checkpoint}").into_bytes(), b"20852163\n".to_vec()]
}

fn tiles() -> Vec<Vec<u8>> {
    let names = ["tile/0/x001/234/067", "tile/0/000.p/3", "tile/entries/000.p/2", "tile/63/000"];
    let padded = |name: &str| {
        let mut bytes = name.as_bytes().to_vec();
        bytes.resize(40, 0);
        bytes.extend([0, 3, 1, 2, 3, 0, 1, 9].repeat(12));
        bytes
    };
    names.into_iter().map(padded).collect()
}

fn certificates() -> Vec<Vec<u8>> {
    let signature = |member: &str| ore_consensus::CommitSignature {
        member: member.into(),
        public_key: [7; 32],
        signature: [9; 64],
    };
    let signatures = vec![signature("mine"), signature("refiner")];
    vec![Certificate { height: 5, round: 1, block_id: [3; 32], signatures }.encode()]
}

fn json_lines() -> Vec<Vec<u8>> {
    let story = crate::ledger::story();
    let json = |entry: &Vec<u8>| {
        let record = SignedRecord::decode(entry).expect("the story's entries decode");
        ore_exchange::json::record_to_json(record.record()).into_bytes()
    };
    story.entries().iter().map(json).collect()
}

fn csvs() -> Vec<Vec<u8>> {
    ore_exchange::csv::templates().iter().map(|template| template.text.as_bytes().to_vec()).collect()
}

fn texts() -> Vec<Vec<u8>> {
    ["refiner/LOT-1", "12.5 kg", "K2TaF7", "5000.125 TNE"].map(|text| text.as_bytes().to_vec()).to_vec()
}

fn snapshots() -> Vec<Vec<u8>> {
    vec![crate::ledger::story().graph().export()]
}

// ---------------------------------------------------------------- a bounded run

/// Runs a target on `rounds` mutations of its seeds. The same `seed` gives the same inputs.
///
/// # Panics
/// When the target does, after printing the input in hexadecimal.
pub fn bounded(target: &Target, rounds: u32, seed: u64) {
    let seeds = (target.seeds)();
    seeds.iter().for_each(|good| attempt(target, good));
    let mut random = Random(seed | 1);
    for _ in 0..rounds {
        let mut bytes = seeds[random.below(seeds.len())].clone();
        for _ in 0..=random.below(4) {
            mutate(&mut bytes, &seeds, &mut random);
        }
        attempt(target, &bytes);
    }
}

fn attempt(target: &Target, bytes: &[u8]) {
    if let Err(panic) = catch_unwind(AssertUnwindSafe(|| (target.run)(bytes))) {
        let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        eprintln!("target {} fails on {hex}", target.name);
        std::panic::resume_unwind(panic);
    }
}

fn mutate(bytes: &mut Vec<u8>, seeds: &[Vec<u8>], random: &mut Random) {
    const EDGES: [u8; 8] = [0, 1, 0x7f, 0x80, 0xff, b'\n', b'"', b','];
    let at = random.below(bytes.len() + 1);
    match random.below(7) {
        0 if at < bytes.len() => bytes[at] ^= 1 << random.below(8),
        1 if at < bytes.len() => bytes[at] = EDGES[random.below(EDGES.len())],
        2 => bytes.insert(at, EDGES[random.below(EDGES.len())]),
        3 => bytes.truncate(at),
        4 if at < bytes.len() => {
            let to = at + random.below(bytes.len() - at) + 1;
            bytes.drain(at..to);
        }
        5 => {
            let other = &seeds[random.below(seeds.len())];
            let from = random.below(other.len() + 1);
            let to = (from + random.below(64)).min(other.len());
            bytes.splice(at..at, other[from..to].iter().copied());
        }
        _ => {
            let copy: Vec<u8> = bytes[..at].iter().copied().take(32).collect();
            bytes.extend(copy);
        }
    }
    bytes.truncate(1 << 17);
}

/// xorshift64: enough to reach odd inputs, and the same on every machine.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % (bound.max(1) as u64)).expect("below a usize")
    }
}

/// Runs one target by name.
///
/// # Panics
/// When there is no such target, or it fails.
pub fn run(name: &str, bytes: &[u8]) {
    let target = TARGETS.iter().find(|target| target.name == name).expect("a target of this name");
    (target.run)(bytes);
}
