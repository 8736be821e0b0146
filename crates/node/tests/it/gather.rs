//! Checkpoints by a quorum: several validators in one process, joined by queues that lose, delay and lie.

use std::collections::VecDeque;

use ore_checkpoint::{Checkpoint, Cosigner, KeyName, NoteSigner, Policy, SignedCheckpoint, UnixSeconds};
use ore_merkle::{ConsistencyProof, Levels, RootHash, TreeSize, hash_leaf};
use ore_node::{
    Consortium, TrustedValidator,
    consortium::cosigner_name,
    gather::{Effect, Fault, FaultKind, Gathering, Log, MAX_OPEN, Message, Panel, Waiting},
};
use ore_record::keys::SecretKey;

use crate::world::ORIGIN;

/// A log without a disk: one block per step.
#[derive(Clone, Default)]
pub(crate) struct PlainLog {
    levels: Levels,
    ends: Vec<u64>,
}

impl PlainLog {
    /// One more block of `entries` entries; `branch` makes logs that differ.
    pub(crate) fn grow(&mut self, entries: u64, branch: u8) {
        let height = self.ends.len() as u64;
        for entry in 0..entries {
            let leaf = [&height.to_be_bytes()[..], &entry.to_be_bytes(), &[branch]].concat();
            self.levels.extend([hash_leaf(&leaf)]);
        }
        self.ends.push(self.levels.size().get());
    }

    fn of_blocks(blocks: u64) -> Self {
        let mut log = Self::default();
        (0..blocks).for_each(|height| log.grow(1 + height % 3, 0));
        log
    }
}

impl Log for PlainLog {
    fn size(&self) -> u64 {
        self.levels.size().get()
    }

    fn root_at(&self, size: u64) -> Option<RootHash> {
        self.levels.root_at(TreeSize::new(size))
    }

    fn block_ending_at(&self, size: u64) -> Option<u64> {
        self.ends.iter().position(|end| *end == size).map(|height| height as u64)
    }

    fn end_of_block(&self, height: u64) -> Option<u64> {
        self.ends.get(height as usize).copied()
    }

    fn prove_consistency(&self, first: TreeSize, second: TreeSize) -> Option<ConsistencyProof> {
        self.levels.prove_consistency(first, second).ok()
    }
}

fn seed(member: usize, purpose: u8) -> [u8; 32] {
    let mut seed = [purpose; 32];
    seed[0] = member as u8;
    seed
}

fn name(member: usize) -> String {
    format!("member-{}", char::from(b'a' + member as u8))
}

pub(crate) fn consortium(members: usize) -> Consortium {
    let public = |member, purpose| *SecretKey::from_seed(&seed(member, purpose)).public().as_bytes();
    let validators = (0..members).map(|member| TrustedValidator {
        member: name(member),
        consensus_key: public(member, 1),
        log_key: public(member, 2),
        cosigner_key: public(member, 3),
        tls_key: None,
        peer_address: String::new(),
    });
    Consortium::new(ORIGIN, [7; 32], validators.collect()).expect("good keys")
}

/// What a member signs, honest or not.
fn note(member: usize, size: u64, root: RootHash, time: u64) -> SignedCheckpoint {
    let origin = KeyName::new(ORIGIN).expect("a name");
    let body = Checkpoint::new(&origin, TreeSize::new(size), root);
    let cosigner = KeyName::new(&cosigner_name(ORIGIN, &name(member))).expect("a name");
    let time = UnixSeconds::new(time).expect("in range");
    let lines = vec![
        NoteSigner::new(origin, &seed(member, 2)).sign(&body.to_text()),
        Cosigner::new(cosigner, &seed(member, 3)).cosign(&body, time),
    ];
    SignedCheckpoint::new(body, lines).expect("two lines")
}

struct Member {
    gathering: Gathering,
    log: PlainLog,
    /// Every body that was signed, in order.
    signed: Vec<(u64, RootHash)>,
    published: Vec<SignedCheckpoint>,
    faults: Vec<Fault>,
    contradictions: usize,
    up: bool,
}

struct World {
    members: Vec<Member>,
    queue: VecDeque<(usize, usize, Vec<u8>)>,
    policy: Policy,
    /// Whether a message from one to another arrives.
    link: Box<dyn Fn(usize, usize) -> bool>,
    sent: usize,
}

impl World {
    fn new(members: usize, blocks: u64) -> Self {
        let consortium = consortium(members);
        let member = |number: usize| Member {
            gathering: Gathering::new(ORIGIN, &name(number), Panel::new(&consortium).expect("a policy"), 0),
            log: PlainLog::of_blocks(blocks),
            signed: Vec::new(),
            published: Vec::new(),
            faults: Vec::new(),
            contradictions: 0,
            up: true,
        };
        Self {
            members: (0..members).map(member).collect(),
            queue: VecDeque::new(),
            policy: consortium.policy().expect("a policy"),
            link: Box::new(|_, _| true),
            sent: 0,
        }
    }

    fn perform(&mut self, who: usize, effects: Vec<Effect>) {
        for effect in effects {
            match effect {
                Effect::Send(to, message) => {
                    for other in 0..self.members.len() {
                        if other != who && to.as_ref().is_none_or(|to| *to == name(other)) {
                            self.sent += 1;
                            self.queue.push_back((who, other, message.encode()));
                        }
                    }
                }
                Effect::Publish(note) => {
                    self.policy.check(&note).expect("what is published carries a quorum");
                    self.members[who].published.push(note);
                }
                Effect::Fault(fault) => self.members[who].faults.push(fault),
                Effect::Contradiction(_) => self.members[who].contradictions += 1,
            }
        }
    }

    fn deliver(&mut self) {
        while let Some((from, to, bytes)) = self.queue.pop_front() {
            if (self.link)(from, to) && self.members[to].up && self.members[from].up {
                let member = &mut self.members[to];
                let effects = member.gathering.receive(&name(from), &bytes, &member.log);
                self.perform(to, effects);
            }
        }
    }

    fn turn(&mut self, who: usize, at_rest: bool) {
        if !self.members[who].up {
            return;
        }
        for size in self.members[who].gathering.to_sign(&self.members[who].log, at_rest) {
            let member = &mut self.members[who];
            let root = member.log.root_at(size).expect("a node signs its own log");
            assert!(member.log.block_ending_at(size).is_some(), "only ends of blocks are signed");
            if let Some((last, known)) = member.signed.last() {
                assert!(size > *last || (size == *last && root == *known), "sizes only grow");
            }
            member.signed.push((size, root));
            let effects = member.gathering.signed(&note(who, size, root, 1_800_000_000), &member.log);
            self.perform(who, effects);
        }
    }

    fn tick(&mut self, who: usize) {
        if self.members[who].up {
            let effects = self.members[who].gathering.tick();
            self.perform(who, effects);
        }
    }

    /// Until nothing is said any more; bounded.
    fn settle(&mut self) {
        for _ in 0..40 {
            for who in 0..self.members.len() {
                self.turn(who, true);
            }
            self.deliver();
        }
    }

    /// All ask and are answered, as at a start.
    fn start(&mut self) {
        (0..self.members.len()).for_each(|who| self.tick(who));
        self.deliver();
        self.settle();
    }

    fn grow(&mut self, blocks: u64) {
        for who in 0..self.members.len() {
            for _ in 0..blocks {
                self.members[who].log.grow(2, 0);
            }
            self.look(who);
        }
    }

    fn look(&mut self, who: usize) {
        let member = &mut self.members[who];
        let effects = member.gathering.grown(&member.log);
        self.perform(who, effects);
    }

    fn published(&self, who: usize) -> u64 {
        self.members[who].gathering.published_size()
    }

    fn faults(&self, who: usize, kind: FaultKind) -> Vec<&Fault> {
        self.members[who].faults.iter().filter(|fault| fault.kind == kind).collect()
    }
}

#[test]
fn a_quiet_ledger_ends_with_its_last_block_published_by_everybody() {
    for members in [2, 4, 7] {
        let mut world = World::new(members, 9);
        world.start();
        world.grow(5);
        world.settle();
        for who in 0..members {
            assert_eq!(world.published(who), world.members[who].log.size(), "member {who} of {members}");
            let newest = world.members[who].published.last().expect("published");
            let believed = world.policy.check(newest).expect("a quorum");
            assert_eq!(believed.cosigned().len(), members, "late lines are merged into the published note");
            assert_eq!(believed.log_keys().len(), members);
        }
        let sent = world.sent;
        world.settle();
        (0..members).for_each(|who| world.tick(who));
        world.deliver();
        assert_eq!(world.sent, sent, "with everything published nobody has anything to say");
    }
}

#[test]
fn without_a_quorum_nothing_is_published_and_with_one_more_it_is() {
    let mut world = World::new(4, 3);
    world.start();
    let before = world.published(0);
    (world.members[2].up, world.members[3].up) = (false, false);
    world.grow(3);
    world.settle();
    assert_eq!([world.published(0), world.published(1)], [before, before], "two of four are no quorum");
    world.members[2].up = true;
    world.settle();
    // What was said while it was away is said again.
    (0..3).for_each(|who| world.tick(who));
    world.settle();
    let size = world.members[0].log.size();
    assert_eq!([world.published(0), world.published(1), world.published(2)], [size; 3]);
    assert_eq!(
        world.policy.check(world.members[0].published.last().expect("one")).map(|n| n.cosigned().len()),
        Ok(3)
    );
}

#[test]
fn nodes_that_see_blocks_at_different_times_still_sign_the_same_sizes() {
    let mut world = World::new(4, 1);
    world.start();
    // Each walks at its own pace, takes its turn at its own time, and never rests.
    for step in 0..400_usize {
        for who in 0..4 {
            if (step + who) % (who + 1) == 0 {
                for _ in 0..=who {
                    world.members[who].log.grow(2, 0);
                }
                world.look(who);
            }
            if step % (3 + 2 * who) == 0 {
                world.turn(who, false);
            }
        }
        if step % 5 == 0 {
            world.deliver();
        }
    }
    for who in 0..4 {
        let sizes: Vec<u64> =
            world.members[who].published.iter().map(|note| note.unverified().size().get()).collect();
        let behind = world.members[who].log.size() - world.published(who);
        assert!(sizes.len() > 20, "member {who} published {} times", sizes.len());
        assert!(behind < 200, "member {who} is {behind} entries behind of {}", world.members[who].log.size());
    }
}

#[test]
fn a_node_that_lags_waits_and_publishes_what_the_others_vouched_for_once_it_has_it() {
    let mut world = World::new(4, 4);
    world.start();
    let behind = world.members[3].log.clone();
    world.grow(6);
    world.members[3].log = behind.clone();
    world.settle();
    let size = world.members[0].log.size();
    assert_eq!(world.published(0), size);
    assert_eq!(world.published(3), behind.size(), "it publishes nothing that it does not have");
    assert_eq!(world.members[3].signed.last().map(|(size, _)| *size), Some(behind.size()));
    world.members[3].log = world.members[0].log.clone();
    world.look(3);
    world.settle();
    assert_eq!(world.published(3), size);
    let everybody = world.policy.check(world.members[0].published.last().expect("one")).expect("a quorum");
    assert_eq!(everybody.cosigned().len(), 4, "its late line is merged by the others");
}

#[test]
fn lost_messages_are_made_up_for() {
    let mut world = World::new(4, 2);
    world.start();
    world.link = Box::new(|_, _| false);
    world.grow(2);
    world.settle();
    assert!(world.published(0) < world.members[0].log.size());
    world.link = Box::new(|_, _| true);
    world.settle();
    assert!(world.published(0) < world.members[0].log.size(), "all has been said, and nobody heard it");
    (0..4).for_each(|who| world.tick(who));
    world.deliver();
    world.settle();
    (0..4).for_each(|who| assert_eq!(world.published(who), world.members[who].log.size()));
}

#[test]
fn two_roots_by_one_member_are_evidence_that_our_verifier_accepts() {
    let mut world = World::new(4, 4);
    world.start();
    let size = world.members[0].log.size();
    let fork = {
        let mut log = PlainLog::of_blocks(2);
        log.grow(size - log.size(), 9);
        log
    };
    let root = fork.root_at(size).expect("as long");
    // It vouched for our tree before: two roots. Another size of the same fork: against the quorum.
    let lie = note(3, size, root, 1);
    let earlier = note(3, size - 1, fork.root_at(size - 1).expect("shorter"), 1);
    for bytes in [lie.to_string(), earlier.to_string(), lie.to_string()] {
        let member = &mut world.members[0];
        let effects = member.gathering.receive(&name(3), bytes.as_bytes(), &member.log);
        world.perform(0, effects);
    }
    let kinds = [(FaultKind::TwoRoots, "two-roots"), (FaultKind::AgainstQuorum, "against-quorum")];
    for (kind, file_kind) in kinds {
        let faults = world.faults(0, kind);
        assert_eq!(faults.len(), 1, "{kind:?}: a replay is not counted twice");
        assert_eq!(faults[0].member, name(3));
        // Elsewhere, with nothing but the file and the policy.
        let file = faults[0].evidence.as_ref().expect("evidence").to_string();
        let evidence = ore_verify::Evidence::parse(file.as_bytes()).expect("our own file");
        let proven = evidence.verify(&world.policy).expect("it convinces");
        assert_eq!(proven.kind, file_kind);
        let cosigner = SecretKey::from_seed(&seed(3, 3));
        assert!(proven.keys.iter().any(|key| key == cosigner.public().as_bytes()));
        assert!(proven.keys.iter().all(|key| key != SecretKey::from_seed(&seed(0, 3)).public().as_bytes()));
    }
    assert_eq!(world.members[0].contradictions, 0);
}

#[test]
fn two_roots_for_a_size_that_we_do_not_have_yet_are_evidence_too() {
    let mut world = World::new(4, 4);
    world.start();
    let size = world.members[0].log.size() + 5;
    for root in [[1; 32], [2; 32]] {
        let lie = note(2, size, RootHash::from_bytes(root), 1).to_string();
        let member = &mut world.members[0];
        let effects = member.gathering.receive(&name(2), lie.as_bytes(), &member.log);
        world.perform(0, effects);
    }
    assert_eq!(world.faults(0, FaultKind::TwoRoots).len(), 1);
}

#[test]
fn evidence_that_was_tampered_with_convinces_nobody() {
    let log = PlainLog::of_blocks(4);
    let (size, policy) = (log.size(), consortium(4).policy().expect("a policy"));
    let (first, second) =
        (note(1, size, RootHash::from_bytes([1; 32]), 1), note(2, size, RootHash::from_bytes([2; 32]), 1));
    let evidence = ore_verify::Evidence::TwoRoots { first: first.clone(), second };
    assert_eq!(evidence.verify(&policy), Err(ore_verify::NotProven::NoKey), "two members, one root each");
    let same = ore_verify::Evidence::TwoRoots { first: first.clone(), second: first.clone() };
    assert_eq!(same.verify(&policy), Err(ore_verify::NotProven::NoContradiction));
    // One line in each note, so that no other line can still carry the proof.
    let only = |root: u8| {
        let whole = note(1, size, RootHash::from_bytes([root; 32]), 1);
        let line = whole.note().signatures()[1].clone();
        SignedCheckpoint::new(whole.unverified().clone(), vec![line]).expect("one line")
    };
    let good = ore_verify::Evidence::TwoRoots { first: only(1), second: only(2) };
    let file = good.to_string();
    assert!(good.verify(&policy).is_ok());
    for at in 0..file.len() {
        let mut bytes = file.clone().into_bytes();
        bytes[at] ^= 1;
        let convinces =
            ore_verify::Evidence::parse(&bytes).is_ok_and(|evidence| evidence.verify(&policy).is_ok());
        assert!(!convinces, "byte {at} flipped");
    }
}

#[test]
fn a_minority_on_another_history_changes_nothing_and_a_quorum_on_one_stops_the_node() {
    let mut world = World::new(4, 4);
    world.start();
    let size = world.members[0].log.size();
    let root = RootHash::from_bytes([5; 32]);
    let lines: Vec<_> =
        (1..4).flat_map(|member| note(member, size, root, 1).note().signatures().to_vec()).collect();
    let body = note(1, size, root, 1).unverified().clone();
    let two = SignedCheckpoint::new(body.clone(), lines[..4].to_vec()).expect("four lines");
    let three = SignedCheckpoint::new(body, lines).expect("six lines");
    let member = &mut world.members[0];
    let effects = member.gathering.receive(&name(1), two.to_string().as_bytes(), &member.log);
    world.perform(0, effects);
    assert_eq!(world.members[0].contradictions, 0);
    assert_eq!(world.faults(0, FaultKind::TwoRoots).len(), 2);
    let member = &mut world.members[0];
    let effects = member.gathering.receive(&name(1), three.to_string().as_bytes(), &member.log);
    world.perform(0, effects);
    assert_eq!(world.members[0].contradictions, 1);
}

#[test]
fn garbage_forgeries_and_strangers_are_counted_and_change_nothing() {
    let mut world = World::new(4, 4);
    world.start();
    let size = world.members[0].log.size();
    let root = world.members[0].log.root_at(size).expect("ours");
    let good = note(1, size, root, 1).to_string();
    let other_ledger = good.replace(ORIGIN, "ledger.example/other");
    let forged = {
        // Member 1's name and key id over a signature of another body.
        let body = note(1, size + 2, RootHash::from_bytes([3; 32]), 1).unverified().clone();
        SignedCheckpoint::new(body, note(1, size, root, 1).note().signatures().to_vec()).expect("lines")
    };
    let cases: [(&str, Vec<u8>, FaultKind); 7] = [
        ("member-b", b"".to_vec(), FaultKind::Malformed),
        ("member-b", vec![0xff; 1 << 16], FaultKind::Malformed),
        ("member-b", b"ask many".to_vec(), FaultKind::Malformed),
        ("member-b", b"answer \x00\x00\xff\xff".to_vec(), FaultKind::Malformed),
        ("member-b", other_ledger.into_bytes(), FaultKind::Malformed),
        ("member-b", forged.to_string().into_bytes(), FaultKind::Forged),
        ("stranger", good.into_bytes(), FaultKind::NotValidator),
    ];
    for (from, bytes, kind) in cases {
        let member = &mut world.members[0];
        let effects = member.gathering.receive(from, &bytes, &member.log);
        let [Effect::Fault(fault)] = &effects[..] else { panic!("{from}: {effects:?}") };
        assert_eq!((fault.member.as_str(), fault.kind, fault.evidence.is_none()), (from, kind, true));
    }
    assert_eq!(world.published(0), size);
}

#[test]
fn a_flood_of_sizes_by_one_member_is_bounded_and_does_not_stop_the_others() {
    let mut world = World::new(4, 300);
    world.start();
    world.grow(300);
    let log = world.members[0].log.clone();
    let from = world.published(0);
    for size in log.ends.iter().filter(|end| **end > from) {
        let lie = note(3, *size, log.root_at(*size).expect("ours"), 1).to_string();
        for who in 0..3 {
            let member = &mut world.members[who];
            let effects = member.gathering.receive(&name(3), lie.as_bytes(), &member.log);
            world.perform(who, effects);
        }
        assert!(world.members[0].gathering.open_sizes() <= MAX_OPEN);
    }
    world.members[3].up = false;
    let signed = world.members[0].signed.len();
    world.settle();
    assert!(world.members[0].signed.len() - signed <= 12, "what was asked for is not all signed");
    (0..3).for_each(|who| assert_eq!(world.published(who), log.size()));
}

#[test]
fn a_node_restored_from_an_old_copy_signs_nothing_until_it_has_caught_up() {
    let mut world = World::new(4, 4);
    world.start();
    let old = world.members[0].log.clone();
    world.grow(7);
    world.settle();
    let size = world.members[0].log.size();
    // Old log; once with the promise file of today, once with one as old as the log, once with none.
    for promised in [size, old.size(), 0] {
        let panel = Panel::new(&consortium(4)).expect("a policy");
        world.members[0].gathering = Gathering::new(ORIGIN, &name(0), panel, promised);
        world.members[0].log = old.clone();
        let signed = world.members[0].signed.len();
        let waits = world.members[0].gathering.waits_for(&old);
        assert_eq!(waits, Some(Waiting::Answers { of: 2, have: 0 }));
        world.turn(0, true);
        assert_eq!(world.members[0].signed.len(), signed, "nobody has told it yet what it signed");
        world.tick(0);
        world.deliver();
        let waits = world.members[0].gathering.waits_for(&old);
        assert_eq!(waits, Some(Waiting::CatchUp { durable: old.size(), needed: size }), "{promised}");
        world.settle();
        assert_eq!(world.members[0].signed.len(), signed, "it is behind what it signed before");
        // It catches up on the way, block by block, and signs none of the sizes in between.
        world.members[0].log.grow(2, 0);
        world.look(0);
        world.settle();
        assert_eq!(world.members[0].signed.len(), signed);
        world.members[0].log = world.members[1].log.clone();
        world.look(0);
        assert_eq!(world.members[0].gathering.waits_for(&world.members[0].log), None);
    }
    world.grow(1);
    world.settle();
    assert_eq!(world.members[0].signed.last().map(|(size, _)| *size), Some(world.members[0].log.size()));
}

#[test]
fn a_restored_node_on_another_history_finds_its_own_signature_and_stops() {
    let mut world = World::new(4, 4);
    world.start();
    let mut fork = PlainLog::of_blocks(3);
    while fork.size() <= world.members[0].log.size() {
        fork.grow(1, 8);
    }
    world.members[0].gathering =
        Gathering::new(ORIGIN, &name(0), Panel::new(&consortium(4)).expect("a policy"), 0);
    world.members[0].log = fork;
    let signed = world.members[0].signed.len();
    world.tick(0);
    world.deliver();
    assert!(world.members[0].contradictions > 0);
    assert_eq!(world.members[0].signed.len(), signed);
}

#[test]
fn a_smaller_size_than_was_promised_is_not_signed_for_anybody() {
    let mut world = World::new(4, 6);
    world.start();
    let size = world.members[0].log.size();
    let smaller = world.members[0].log.ends[3];
    let root = world.members[0].log.root_at(smaller).expect("shorter");
    let member = &mut world.members[0];
    member.gathering.receive(&name(1), note(1, smaller, root, 1).to_string().as_bytes(), &member.log);
    assert_eq!(member.gathering.to_sign(&member.log, true), Vec::<u64>::new());
    assert_eq!(member.signed.last().map(|(size, _)| *size), Some(size));
}

#[test]
fn an_observer_signs_nothing_and_publishes_what_a_quorum_vouches_for() {
    let mut world = World::new(4, 6);
    world.start();
    let mut observer = Gathering::new(ORIGIN, "observer", Panel::new(&consortium(4)).expect("a policy"), 0);
    let log = world.members[0].log.clone();
    assert_eq!(observer.waits_for(&log), Some(Waiting::NotValidator));
    let effects = world.members[1].gathering.receive("observer", b"ask 0", &log);
    let [Effect::Send(Some(to), answer @ Message::Answer(_))] = &effects[..] else { panic!("{effects:?}") };
    assert_eq!(to, "observer");
    let effects = observer.receive(&name(1), &answer.encode(), &log);
    assert!(effects.iter().any(|effect| matches!(effect, Effect::Publish(_))), "{effects:?}");
    assert_eq!(observer.to_sign(&log, true), Vec::<u64>::new());
    assert_eq!(observer.published_size(), log.size());
}
