//! A dishonest member: a real node whose words are changed on their way out.
//!
//! It has its own key and nothing else, as a member that turned against the others would.

use std::{collections::BTreeMap, sync::Arc};

use bytes::Bytes;
use ore_consensus::{
    FrameKind, Inbound,
    danger_forge::{Ballot, BodyOnWire, Forger, Said, Statement, read},
};
use ore_merkle::{LeafHash, RootHash, hash_leaf};
use ore_node::block;
use ore_record::{SignedRecord, v1::record::Event};
use prost::Message;

use crate::{
    dice::Dice,
    net::Letter,
    plan::Vice,
    world::{self, ORIGIN, START_MS, World},
};

/// Frames that are remembered for saying them again.
const REMEMBERED: usize = 64;

/// Size and root of the liar's tree with these leaves more.
pub(crate) type TreeWith = Arc<dyn Fn(&[LeafHash]) -> (u64, RootHash) + Send + Sync>;

/// How the dishonest member speaks.
pub(crate) struct Tongue {
    member: usize,
    name: String,
    /// Somebody else.
    another: String,
    vice: Vice,
    forger: Forger,
    dice: Dice,
    /// Of the running process; false blocks need a tree that adds up.
    pub(crate) tree: Option<TreeWith>,
    /// What a block of its own became, by height, round and true id.
    lies: BTreeMap<(u64, u32, [u8; 32]), BodyOnWire>,
    heard: Vec<(FrameKind, Bytes)>,
    told: u64,
}

impl Tongue {
    pub(crate) fn new(world: &World, member: usize, vice: Vice, seed: u64) -> Self {
        Self {
            member,
            name: world.members[member].clone(),
            another: world.members[(member + 1) % world.members.len()].clone(),
            vice,
            forger: Forger::new(ORIGIN, &world.keys[member].consensus),
            dice: Dice::new(seed ^ 0x7011),
            tree: None,
            lies: BTreeMap::new(),
            heard: Vec::new(),
            told: 0,
        }
    }

    pub(crate) const fn member(&self) -> usize {
        self.member
    }

    /// Frames of others, which may be said again.
    pub(crate) fn overhear(&mut self, letters: Vec<Letter>) -> Vec<Letter> {
        if self.vice == Vice::Replays
            && let Some(Letter { inbound: Inbound::Frame { kind, bytes, .. }, .. }) = letters.first()
        {
            self.remember(*kind, bytes.clone());
        }
        letters
    }

    fn remember(&mut self, kind: FrameKind, bytes: Bytes) {
        if self.heard.len() < REMEMBERED {
            self.heard.push((kind, bytes));
        } else {
            let place = self.dice.below(REMEMBERED as u64) as usize;
            self.heard[place] = (kind, bytes);
        }
    }

    /// What leaves instead of what the node said.
    pub(crate) fn speak(&mut self, letters: Vec<Letter>) -> Vec<Letter> {
        match self.vice {
            Vice::Twins => letters,
            Vice::DoubleVotes => self.change(letters, Self::other_vote),
            Vice::TwoBodies => self.change(letters, Self::other_block),
            Vice::Withholds => {
                let body =
                    |letter: &Letter| matches!(letter.inbound, Inbound::Frame { kind: FrameKind::Body, .. });
                letters.into_iter().filter(|letter| !body(letter) || self.dice.chance(350)).collect()
            }
            Vice::Garbage => self.garbage(letters),
            Vice::Replays => self.replays(letters),
            Vice::FalseSignature
            | Vice::FalseRecord
            | Vice::FalseTree
            | Vice::FalseState
            | Vice::FalseProposer => self.lie(letters),
        }
    }

    /// Says something else to about half of the others.
    fn change(&mut self, letters: Vec<Letter>, to: fn(&mut Self, Said) -> Option<Bytes>) -> Vec<Letter> {
        let mut changed = None;
        let mut spoken = Vec::new();
        for letter in letters {
            let Inbound::Frame { kind, bytes, peer } = &letter.inbound else {
                spoken.push(letter);
                continue;
            };
            if changed.is_none() {
                changed = Some(to(self, read(*kind, bytes)));
            }
            match changed.as_ref().and_then(Clone::clone) {
                Some(bytes) if self.dice.chance(500) => {
                    self.told += 1;
                    let inbound = Inbound::Frame { peer: peer.clone(), kind: *kind, bytes };
                    // Now and then both.
                    let to = letter.to;
                    if self.dice.chance(300) {
                        spoken.push(letter);
                    }
                    spoken.push(Letter { to, inbound });
                }
                _ => spoken.push(letter),
            }
        }
        spoken
    }

    fn other_vote(&mut self, said: Said) -> Option<Bytes> {
        let Said::Statement(mut statement) = said else { return None };
        if statement.ballot == Ballot::Proposal || statement.member != self.name {
            return None;
        }
        statement.id = match statement.id {
            Some(_) if self.dice.chance(500) => None,
            _ => Some([self.dice.roll() as u8; 32]),
        };
        Some(self.forger.statement(&statement))
    }

    /// A second block of the same round, valid when the first holds no records, and a proposal for it.
    fn other_block(&mut self, said: Said) -> Option<Bytes> {
        match said {
            Said::Body(body) if body.proposer == self.name => {
                let other = self.rebuilt(&body, |header, _| header.time_ms += 1)?;
                self.lies.insert((body.height, body.round, body.id), other.clone());
                Some(self.forger.body(&other))
            }
            said => self.statement_about_a_lie(said),
        }
    }

    fn statement_about_a_lie(&self, said: Said) -> Option<Bytes> {
        let Said::Statement(statement) = said else { return None };
        let lie = self.lies.get(&(statement.height, statement.round, statement.id?))?;
        let told = Statement { id: Some(lie.id), ..statement };
        (told.member == self.name).then(|| self.forger.statement(&told))
    }

    fn garbage(&mut self, mut letters: Vec<Letter>) -> Vec<Letter> {
        for letter in &mut letters {
            if !self.dice.chance(400) {
                continue;
            }
            self.told += 1;
            match &mut letter.inbound {
                Inbound::Frame { bytes, kind, .. } => {
                    *bytes = spoilt(&mut self.dice, bytes);
                    let kinds =
                        [FrameKind::Consensus, FrameKind::Liveness, FrameKind::Body, FrameKind::Status];
                    if self.dice.chance(200) {
                        *kind = *self.dice.pick(&kinds);
                    }
                }
                Inbound::Request { bytes, .. } => *bytes = spoilt(&mut self.dice, bytes),
                Inbound::Response { bytes, .. } => {
                    *bytes = bytes.as_ref().map(|bytes| spoilt(&mut self.dice, bytes));
                }
                Inbound::Connected { .. } | Inbound::Disconnected { .. } => {}
            }
        }
        letters
    }

    fn replays(&mut self, mut letters: Vec<Letter>) -> Vec<Letter> {
        if let Some(Letter { to, inbound: Inbound::Frame { peer, kind, bytes } }) = letters.first() {
            let (to, peer) = (*to, peer.clone());
            self.remember(*kind, bytes.clone());
            for _ in 0..3 {
                let (kind, bytes) = self.dice.pick(&self.heard).clone();
                self.told += 1;
                letters.push(Letter { to, inbound: Inbound::Frame { peer: peer.clone(), kind, bytes } });
            }
        }
        letters
    }

    /// All of its blocks become false ones, with votes for them.
    fn lie(&mut self, letters: Vec<Letter>) -> Vec<Letter> {
        let mut told = Vec::new();
        for Letter { to, inbound } in letters {
            let Inbound::Frame { peer, kind, bytes } = inbound else {
                told.push(Letter { to, inbound });
                continue;
            };
            let bytes = match read(kind, &bytes) {
                Said::Body(body) if body.proposer == self.name => self.false_body(&body).unwrap_or(bytes),
                said => self.statement_about_a_lie(said).unwrap_or(bytes),
            };
            told.push(Letter { to, inbound: Inbound::Frame { peer, kind, bytes } });
        }
        told
    }

    fn false_body(&mut self, body: &BodyOnWire) -> Option<Bytes> {
        let place = (body.height, body.round, body.id);
        if !self.lies.contains_key(&place) {
            let vice = self.vice;
            let number = body.height * 100 + u64::from(body.round);
            let (name, another) = (self.name.clone(), self.another.clone());
            let other = self.rebuilt(body, |header, entries| match vice {
                Vice::FalseTree => header.tree_root[0] ^= 1,
                Vice::FalseState => header.state_root[0] ^= 1,
                Vice::FalseProposer => header.proposer.clone_from(&another),
                Vice::FalseSignature => {
                    let (_, record) = world::commission(&name, 900_000 + number, START_MS);
                    let mut signature = record.signature().to_vec();
                    signature[5] ^= 1;
                    let bytes = record.bytes().to_vec();
                    let false_one = SignedRecord::from_parts(bytes, signature).expect("of the right length");
                    entries.push(false_one.entry().into());
                }
                _ => {
                    let nobody = ore_record::RecordId::from_bytes([9; 32]);
                    let lot = format!("{name}/NEVER-MADE");
                    entries.push(world::lose(&name, &lot, nobody, 900_000 + number, START_MS).entry().into());
                }
            })?;
            self.told += 1;
            self.lies.insert(place, other);
        }
        self.lies.get(&place).map(|other| self.forger.body(other))
    }

    /// The block with another header or other records, its seal and its tree made to fit.
    fn rebuilt(
        &self,
        body: &BodyOnWire,
        change: impl FnOnce(&mut ore_record::v1::BlockHeader, &mut Vec<Bytes>),
    ) -> Option<BodyOnWire> {
        let parts = block::decode(&body.block, block::MAX_BLOCK_BYTES).ok()?;
        let (mut header, mut entries) = (parts.header, parts.entries);
        let seal = SignedRecord::decode(&entries.pop()?).ok()?;
        let tree_root = header.tree_root.clone();
        change(&mut header, &mut entries);
        let false_tree = header.tree_root != tree_root;
        let mut record = seal.record().clone();
        let Some(Event::BlockSeal(seal)) = record.event.as_mut() else { return None };
        seal.time_ms = header.time_ms;
        seal.state_root.clone_from(&header.state_root);
        seal.records = entries.len() as u32;
        entries.push(SignedRecord::from_parts(record.encode_to_vec(), Vec::new()).ok()?.entry().into());
        if !false_tree {
            let leaves: Vec<_> = entries.iter().map(|entry| hash_leaf(entry)).collect();
            let (size, root) = self.tree.as_ref()?(&leaves);
            header.tree_size = size;
            header.tree_root = root.as_bytes().to_vec();
        }
        let header = header.encode_to_vec();
        let id = ore_record::state::block_id(&header);
        Some(BodyOnWire { id, block: block::encode(&header, &entries).into(), ..body.clone() })
    }
}

/// The same bytes with some flipped, cut short, or others altogether.
fn spoilt(dice: &mut Dice, bytes: &Bytes) -> Bytes {
    let mut spoilt = bytes.to_vec();
    match dice.below(3) {
        0 => spoilt = (0..dice.below(200)).map(|_| dice.roll() as u8).collect(),
        1 => spoilt.truncate(dice.below(spoilt.len() as u64 + 1) as usize),
        _ => {
            for _ in 0..dice.between(1, 4) {
                if !spoilt.is_empty() {
                    let place = dice.below(spoilt.len() as u64) as usize;
                    spoilt[place] ^= dice.between(1, 255) as u8;
                }
            }
        }
    }
    spoilt.into()
}
