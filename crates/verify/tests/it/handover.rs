//! One validator becomes four, then seven, one of them another's successor; receipts of all times verify with the
//! trust root of genesis.

use ore_checkpoint::{Checkpoint, Cosigner, KeyName, NoteSigner, SignedCheckpoint, TlogProof, UnixSeconds};
use ore_merkle::{LeafIndex, Levels, TreeSize, hash_leaf};
use ore_record::{
    SignedRecord,
    keys::SecretKey,
    state::state_root,
    v1::{self, RosterState, record::Event, roster_state::Entity},
};
use ore_verify::{
    Handover, TrustRoot, follow,
    handover::{Broken, policy_of},
    verify_receipt,
};
use prost::Message;

const ORIGIN: &str = "ledger.example/tantalum";
const HEAD_ROOT: [u8; 32] = [4; 32];

fn seed(member: u8, purpose: u8) -> [u8; 32] {
    let mut seed = [purpose; 32];
    seed[0] = member;
    seed
}

fn set(members: &[u8]) -> v1::ChangeValidators {
    let key = |member, purpose| SecretKey::from_seed(&seed(member, purpose)).public().as_bytes().to_vec();
    let validators = members.iter().map(|member| v1::Validator {
        member: format!("member-{member}"),
        consensus_key: key(*member, 1),
        log_key: key(*member, 2),
        cosigner_key: key(*member, 3),
        ..v1::Validator::default()
    });
    v1::ChangeValidators { validators: validators.collect() }
}

/// A ledger whose entries are seals and records, and whose roster is sets of validators.
#[derive(Default)]
struct World {
    log: Levels,
    entries: Vec<Vec<u8>>,
    roster: Levels,
    leaves: Vec<Vec<u8>>,
}

impl World {
    fn append(&mut self, entry: Vec<u8>) -> u64 {
        self.log.extend([hash_leaf(&entry)]);
        self.entries.push(entry);
        self.entries.len() as u64 - 1
    }

    fn record(&mut self) -> u64 {
        let record = v1::Record {
            origin: ORIGIN.into(),
            author: "member-1".into(),
            nonce: self.entries.len().to_be_bytes().to_vec(),
            event: Some(Event::Approve(v1::Approve { proposal: vec![1; 32] })),
            ..v1::Record::default()
        };
        let signed = SignedRecord::sign(record, &SecretKey::from_seed(&[9; 32])).expect("a short record");
        self.append(signed.entry())
    }

    /// The set enters the roster, and a seal commits to it. Gives the leaf of the seal.
    fn change(&mut self, members: &[u8]) -> u64 {
        let leaf = RosterState { entity: Some(Entity::Validators(set(members))) }.encode_to_vec();
        self.roster.extend([hash_leaf(&leaf)]);
        self.leaves.push(leaf);
        let seal = v1::BlockSeal {
            height: self.entries.len() as u64,
            previous_header: vec![0; 32],
            time_ms: 1,
            state_root: state_root(&HEAD_ROOT, self.roster.root().as_bytes()).to_vec(),
            records: 1,
        };
        let record = v1::Record {
            origin: ORIGIN.into(),
            event: Some(Event::BlockSeal(seal)),
            ..v1::Record::default()
        };
        let seal = SignedRecord::from_parts(record.encode_to_vec(), Vec::new()).expect("a seal");
        self.append(seal.entry())
    }

    /// A receipt under a checkpoint of the present size that these members signed.
    fn receipt(&self, leaf: u64, signers: &[u8]) -> TlogProof {
        let origin = KeyName::new(ORIGIN).expect("a name");
        let body = Checkpoint::new(&origin, self.log.size(), self.log.root());
        let lines = signers.iter().flat_map(|member| {
            let name = KeyName::new(&format!("{ORIGIN}/member-{member}")).expect("a name");
            let time = UnixSeconds::new(1_800_000_000).expect("in range");
            [
                NoteSigner::new(origin.clone(), &seed(*member, 2)).sign(&body.to_text()),
                Cosigner::new(name, &seed(*member, 3)).cosign(&body, time),
            ]
        });
        let note = SignedCheckpoint::new(body.clone(), lines.collect()).expect("some lines");
        let index = LeafIndex::new(leaf);
        let path = self.log.prove_inclusion(index, self.log.size()).expect("in the log");
        TlogProof::new(index, path, note, Some(self.entries[leaf as usize].clone())).expect("a proof")
    }

    fn handover(&self, seal: u64, signers: &[u8]) -> Handover {
        let (size, index) = (self.leaves.len() as u64, self.leaves.len() as u64 - 1);
        let path = self.roster.prove_inclusion(LeafIndex::new(index), TreeSize::new(size)).expect("in it");
        let leaf = self.leaves[index as usize].clone();
        Handover { seal: self.receipt(seal, signers), head_root: HEAD_ROOT, index, size, leaf, path }
    }
}

fn trust() -> TrustRoot {
    let policy = policy_of(ORIGIN, &set(&[1])).expect("good keys");
    TrustRoot { origin: ORIGIN.into(), genesis: [7; 32], policy }
}

/// From one to four to seven, of whom the first is none: receipts of each time, and the two handovers.
fn grown() -> ([String; 3], [Handover; 2]) {
    let mut world = World::default();
    world.change(&[1]);
    let first = world.record();
    let of_one = world.receipt(first, &[1]);
    let seal = world.change(&[1, 2, 3, 4]);
    let to_four = world.handover(seal, &[1]);
    let second = world.record();
    let of_four = world.receipt(second, &[2, 3, 4]);
    let seal = world.change(&[2, 3, 4, 5, 6, 7, 8]);
    let to_seven = world.handover(seal, &[2, 3, 4]);
    let third = world.record();
    let of_seven = world.receipt(third, &[2, 4, 5, 7, 8]);
    ([of_one, of_four, of_seven].map(|receipt| receipt.to_string()), [to_four, to_seven])
}

fn verifies(receipt: &str, roots: &[TrustRoot]) -> bool {
    roots.iter().rev().any(|root| verify_receipt(receipt.as_bytes(), None, root).is_ok())
}

#[test]
fn receipts_of_all_times_verify_with_the_trust_root_of_genesis() {
    let ([of_one, of_four, of_seven], handovers) = grown();
    let files = handovers.each_ref().map(ToString::to_string);
    let read = files.map(|file| Handover::parse(file.as_bytes()).expect("our own file"));
    assert_eq!(read, handovers);
    let roots = follow(&trust(), &read).expect("each set vouches for the next");
    assert_eq!(roots.iter().map(|root| root.policy.witnesses().len()).collect::<Vec<_>>(), [1, 4, 7]);
    assert!(verifies(&of_one, &[trust()]), "an old receipt needs no handover");
    assert!(!verifies(&of_four, &roots[..1]) && verifies(&of_four, &roots[..2]));
    assert!(!verifies(&of_seven, &roots[..2]) && verifies(&of_seven, &roots));
    assert!(verifies(&of_one, &roots) && verifies(&of_four, &roots));
}

#[test]
fn a_set_that_the_one_before_does_not_vouch_for_is_not_followed() {
    let (_, [to_four, to_seven]) = grown();
    let first_fault = |chain: &[Handover]| follow(&trust(), chain).map(drop).expect_err("broken");
    // A link left out, the order turned round, the same link twice.
    let skipped = first_fault(std::slice::from_ref(&to_seven));
    assert!(matches!((skipped.number, skipped.fault), (1, Broken::NotBelieved(_))));
    assert_eq!(first_fault(&[to_seven.clone(), to_four.clone()]).number, 1);
    let twice = first_fault(&[to_four.clone(), to_four.clone()]);
    assert_eq!(twice.number, 2);
    // Two of four are no quorum of the set before.
    let mut world = World::default();
    world.change(&[1]);
    let seal = world.change(&[1, 2, 3, 4]);
    let to_four = world.handover(seal, &[1]);
    let seal = world.change(&[5]);
    let coup = world.handover(seal, &[2, 3, 5]);
    let fault = first_fault(&[to_four.clone(), coup]);
    assert!(matches!((fault.number, fault.fault), (2, Broken::NotBelieved(_))));
    // A set that somebody made up, under a seal that commits to another; an old set under a new seal.
    let made_up = RosterState { entity: Some(Entity::Validators(set(&[5]))) }.encode_to_vec();
    let forged = Handover { leaf: made_up, ..to_four.clone() };
    assert!(matches!(first_fault(&[forged]).fault, Broken::OtherRoster | Broken::Path(_)));
    let other_root = Handover { head_root: [5; 32], ..to_four.clone() };
    assert_eq!(first_fault(&[other_root]).fault, Broken::OtherRoster);
    // A record is no seal, whoever vouches for it.
    let record = world.record();
    let no_seal = Handover { seal: world.receipt(record, &[1]), ..to_four };
    assert_eq!(first_fault(&[no_seal]).fault, Broken::NoSeal);
}

/// Files for verifiers in other languages: a good chain, receipts of its times, and chains that break at a known link.
fn files() -> Vec<(&'static str, String)> {
    let (receipts, [to_four, to_seven]) = grown();
    let mut world = World::default();
    world.change(&[1]);
    let seal = world.change(&[1, 2, 3, 4]);
    let first = world.handover(seal, &[1]);
    let seal = world.change(&[5]);
    let coup = world.handover(seal, &[2, 3, 5]);
    let record = world.record();
    let made_up = RosterState { entity: Some(Entity::Validators(set(&[5]))) }.encode_to_vec();
    let other_set = Handover { leaf: made_up, ..to_four.clone() };
    let other_root = Handover { head_root: [5; 32], ..to_four.clone() };
    let no_seal = Handover { seal: world.receipt(record, &[1]), ..to_four.clone() };
    let chain = |handovers: &[&Handover]| handovers.iter().map(ToString::to_string).collect::<String>();
    let trust = trust();
    let policy = String::from_utf8(trust.policy.to_bytes()).expect("names of this test are text");
    let genesis = "07".repeat(32);
    let root = format!("origin = \"{ORIGIN}\"\ngenesis = \"{genesis}\"\npolicy = \"\"\"\n{policy}\"\"\"\n");
    let [of_one, of_four, of_seven] = receipts;
    vec![
        ("consortium.toml", root),
        ("of-one.tlog-proof", of_one),
        ("of-four.tlog-proof", of_four),
        ("of-seven.tlog-proof", of_seven),
        ("grown.handovers", chain(&[&to_four, &to_seven])),
        ("skipped.handovers", chain(&[&to_seven])),
        ("turned-round.handovers", chain(&[&to_seven, &to_four])),
        ("twice.handovers", chain(&[&to_four, &to_four])),
        ("coup.handovers", chain(&[&first, &coup])),
        ("another-set.handovers", chain(&[&other_set])),
        ("another-head-root.handovers", chain(&[&other_root])),
        ("no-seal.handovers", chain(&[&no_seal])),
    ]
}

/// `ORELEDGER_WRITE_VECTORS=1` writes them anew.
#[test]
fn the_published_files_are_these() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/vectors/handovers");
    for (name, text) in files() {
        let path = folder.join(name);
        if std::env::var_os("ORELEDGER_WRITE_VECTORS").is_some() {
            std::fs::write(&path, &text).expect("room on the disk");
        }
        assert_eq!(std::fs::read_to_string(&path).expect("the vector is there"), text, "{name}");
    }
}

#[test]
fn a_flipped_bit_is_never_followed_to_another_set() {
    let (_, [to_four, _]) = grown();
    let file = to_four.to_string();
    let honest = follow(&trust(), std::slice::from_ref(&to_four)).expect("good");
    for at in 0..file.len() {
        let mut bytes = file.clone().into_bytes();
        bytes[at] ^= 1;
        if let Ok(bent) = Handover::parse(&bytes) {
            // A signature that does not count may be bent; what is believed stays the same.
            let followed = follow(&trust(), &[bent]);
            assert!(followed.is_err() || followed.as_ref() == Ok(&honest), "byte {at}");
        }
    }
}
