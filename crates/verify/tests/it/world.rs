//! A ledger of seals and records whose validators change: chains of handovers, good ones and broken ones.

use ore_checkpoint::{Checkpoint, Cosigner, KeyName, NoteSigner, SignedCheckpoint, TlogProof, UnixSeconds};
use ore_merkle::{LeafIndex, Levels, TreeSize, hash_leaf};
use ore_record::{
    SignedRecord,
    keys::SecretKey,
    state::state_root,
    v1::{self, RosterState, record::Event, roster_state::Entity},
};
use ore_verify::{Handover, TrustRoot, handover::policy_of};
use prost::Message;

pub(crate) const ORIGIN: &str = "ledger.example/tantalum";
const HEAD_ROOT: [u8; 32] = [4; 32];

fn seed(member: u8, purpose: u8) -> [u8; 32] {
    let mut seed = [purpose; 32];
    seed[0] = member;
    seed
}

pub(crate) fn set(members: &[u8]) -> v1::ChangeValidators {
    let key = |member, purpose| SecretKey::from_seed(&seed(member, purpose)).public().as_bytes().to_vec();
    let validators = members.iter().map(|member| v1::Validator {
        member: format!("member-{member}"),
        consensus_key: key(*member, 1),
        log_key: key(*member, 2),
        cosigner_key: key(*member, 3),
        ..v1::Validator::default()
    });
    v1::ChangeValidators { validators: validators.collect(), rules: 0 }
}

/// A ledger whose entries are seals and records, and whose roster is sets of validators.
#[derive(Default)]
pub(crate) struct World {
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

    pub(crate) fn record(&mut self) -> u64 {
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
    pub(crate) fn change(&mut self, members: &[u8]) -> u64 {
        self.enter(set(members));
        self.seal()
    }

    /// The set enters the roster.
    pub(crate) fn enter(&mut self, set: v1::ChangeValidators) {
        self.enter_leaf(RosterState { entity: Some(Entity::Validators(set)) }.encode_to_vec());
    }

    /// Whatever these bytes are, they are a leaf of the roster.
    pub(crate) fn enter_leaf(&mut self, leaf: Vec<u8>) {
        self.roster.extend([hash_leaf(&leaf)]);
        self.leaves.push(leaf);
    }

    /// A seal that commits to the roster as it stands. Gives its leaf.
    pub(crate) fn seal(&mut self) -> u64 {
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
    pub(crate) fn receipt(&self, leaf: u64, signers: &[u8]) -> TlogProof {
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

    /// To the newest set.
    pub(crate) fn handover(&self, seal: u64, signers: &[u8]) -> Handover {
        self.handover_to(self.leaves.len() as u64 - 1, seal, signers)
    }

    pub(crate) fn handover_to(&self, index: u64, seal: u64, signers: &[u8]) -> Handover {
        let size = self.leaves.len() as u64;
        let path = self.roster.prove_inclusion(LeafIndex::new(index), TreeSize::new(size)).expect("in it");
        let leaf = self.leaves[index as usize].clone();
        Handover { seal: self.receipt(seal, signers), head_root: HEAD_ROOT, index, size, leaf, path }
    }
}

pub(crate) fn trust() -> TrustRoot {
    let policy = policy_of(ORIGIN, &set(&[1])).expect("good keys");
    TrustRoot { origin: ORIGIN.into(), genesis: [7; 32], policy }
}

/// From one to four to seven, of whom the first is none: receipts of each time, and the two handovers.
pub(crate) fn grown() -> ([String; 3], [Handover; 2]) {
    let (receipts, handovers, _) = grown_in();
    (receipts, handovers)
}

/// Back to the four: their set is still a leaf of the roster under a later seal, which the seven vouch for. Whoever
/// kept the four's keys would sign what comes next.
pub(crate) fn rolled_back() -> Vec<Handover> {
    let (_, [to_four, to_seven], mut world) = grown_in();
    let seal = world.seal();
    let back = world.handover_to(1, seal, &[2, 4, 5, 7, 8]);
    vec![to_four, to_seven, back]
}

/// Two sets under one seal: the second is newer, its seal is not.
pub(crate) fn one_seal() -> Vec<Handover> {
    let mut world = World::default();
    world.change(&[1]);
    world.enter(set(&[1, 2, 3, 4]));
    let seal = world.change(&[2, 3, 4, 5, 6, 7, 8]);
    vec![world.handover_to(1, seal, &[1]), world.handover_to(2, seal, &[2, 3, 4])]
}

fn grown_in() -> ([String; 3], [Handover; 2], World) {
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
    ([of_one, of_four, of_seven].map(|receipt| receipt.to_string()), [to_four, to_seven], world)
}
