//! Gathering: from every validator's own signature to a checkpoint with a quorum. No leader, nobody believed.
//!
//! Decisions only: what was received goes in, [`Effect`]s come out; who sends, signs and writes is
//! [`crate::publisher`]. A node vouches for sizes at which a block of its own log ends and for nothing else.
//!
//! **How sizes coincide.** Each turn a validator signs the *roundest* height since its last turn: the one with
//! the most zeros at the end in binary. Every stretch of heights that a node walks in one turn contains at most
//! one of the heights that are rounder than the stretch is long, and the roundest is chosen, so all nodes sign
//! it, however fast or slow each is and whatever one of them says. It also signs the largest size that another
//! validator has signed, and the newest block when the ledger is at rest, so a quiet ledger ends with its last
//! block published. Sizes only grow: each is promised and synced before it is signed.
//!
//! **When the validators change**, the set that goes signs the size at which its part of the log ends, and nothing
//! after it; with that checkpoint the next panel takes over ([`Gathering::hand_over`]). Whoever comes later and still
//! asks by an earlier set is first given the checkpoints that ended the terms between.

mod account;
mod fault;
mod held;
pub mod message;
pub mod panel;
mod signing;
mod standing;

use std::collections::{BTreeMap, BTreeSet};

use ore_checkpoint::{Checkpoint, SignatureLine, SignedCheckpoint};
use ore_merkle::{RootHash, TreeSize};
use ore_verify::Evidence;

use fault::fault;
pub use fault::{Contradiction, Effect, Fault, FaultKind};
pub use held::Log;
use held::{Early, Open};
pub use message::{BadMessage, MAX_MESSAGE_BYTES, Message};
pub use panel::{Forged, Lines, Panel};
use standing::Standing;
pub use standing::Waiting;

/// Most sizes for which lines are gathered at once.
pub const MAX_OPEN: usize = 64;
/// Most sizes that others ask about and that wait for this node's turn.
const MAX_WANTED: usize = 8;
/// Most accusations that wait for a quorum to hold against them, and most sizes by which an accusation is
/// known to be made already.
const MAX_ACCUSED: usize = 256;
/// Answers that one member gets between two ticks.
const MAX_ANSWERS: u32 = 4;

/// Everything that one node knows about checkpoints under way.
#[derive(Debug)]
pub struct Gathering {
    me: String,
    origin: String,
    panel: Panel,
    standing: Standing,
    /// Sizes of our own log with the lines under them, from the newest published on.
    open: BTreeMap<u64, Open>,
    early: Early,
    /// The newest note with a member's own line: what it is reminded of when it starts again.
    newest_of: BTreeMap<String, SignedCheckpoint>,
    published: Option<SignedCheckpoint>,
    /// Newest size that this node has promised.
    promised: u64,
    /// Smallest size that this node may sign: a quorum, or this node itself, has signed it before.
    floor: u64,
    wanted: BTreeSet<u64>,
    accused: BTreeSet<(String, u64)>,
    suspects: Vec<SignedCheckpoint>,
    answered: BTreeMap<String, u32>,
    /// Whether a checkpoint waits for lines of outside witnesses that its policy can do without.
    patient: bool,
    /// The newest size that waits for them.
    held: Option<u64>,
    /// The checkpoints that ended earlier terms, oldest first.
    ends: Vec<SignedCheckpoint>,
    /// Validators of terms to come, or of the ledger's newest: they may speak before their term.
    company: BTreeSet<String>,
}

impl Gathering {
    /// Starts with what the promise file says. A validator signs once enough others have told it what it signed.
    #[must_use]
    pub fn new(origin: &str, me: &str, panel: Panel, promised: u64) -> Self {
        let standing = match panel.has(me) {
            false => Standing::Observing,
            true if panel.answers_needed() == 0 => Standing::Signing,
            true => Standing::Asking(BTreeSet::new()),
        };
        Self {
            me: me.to_owned(),
            origin: origin.to_owned(),
            panel,
            standing,
            open: BTreeMap::new(),
            early: Early::default(),
            newest_of: BTreeMap::new(),
            published: None,
            promised,
            floor: 0,
            wanted: BTreeSet::new(),
            accused: BTreeSet::new(),
            suspects: Vec::new(),
            answered: BTreeMap::new(),
            patient: false,
            held: None,
            ends: Vec::new(),
            company: BTreeSet::new(),
        }
    }

    /// Remembers how earlier terms ended.
    #[must_use]
    pub fn after(mut self, ends: Vec<SignedCheckpoint>) -> Self {
        self.ends = ends;
        self
    }

    /// Says who else may speak: validators of terms to come.
    pub fn expect(&mut self, company: BTreeSet<String>) {
        self.company = company;
    }

    /// The term of this panel has ended with what was published last, and the next panel takes over. A node that is
    /// new to the panel asks the others what it signed before, as one does that has started.
    pub fn hand_over(&mut self, panel: Panel) {
        self.ends.extend(self.published.clone());
        self.standing = match (panel.has(&self.me), &self.standing) {
            (false, _) => Standing::Observing,
            (true, Standing::Signing) => Standing::Signing,
            (true, _) if panel.answers_needed() == 0 => Standing::Signing,
            (true, _) => Standing::Asking(BTreeSet::new()),
        };
        self.panel = panel;
        self.open.clear();
        self.wanted.clear();
        self.held = None;
    }

    /// Size of the newest checkpoint with a quorum.
    #[must_use]
    pub fn published_size(&self) -> u64 {
        self.published.as_ref().map_or(0, |note| note.unverified().size().get())
    }

    /// Sizes for which lines are being gathered; at most [`MAX_OPEN`].
    #[must_use]
    pub fn open_sizes(&self) -> usize {
        self.open.len()
    }

    /// Each validator, with the largest size that it has cosigned; 0: none.
    #[must_use]
    pub fn newest_sizes(&self) -> BTreeMap<String, u64> {
        let size = |member| self.newest_of.get(member).map_or(0, |note| note.unverified().size().get());
        self.panel.members().iter().map(|member| (member.clone(), size(member))).collect()
    }

    /// The panel.
    #[must_use]
    pub const fn panel(&self) -> &Panel {
        &self.panel
    }

    /// Takes up a note that was published before the last stop.
    pub fn resume(&mut self, note: &SignedCheckpoint, log: &impl Log) -> Vec<Effect> {
        let mut effects = Vec::new();
        if let Ok(lines) = self.panel.verify(note, None) {
            self.consider(note, &lines, log, &mut effects);
        }
        effects
    }

    /// A message of another node, whom the transport has authenticated.
    pub fn receive(&mut self, from: &str, bytes: &[u8], log: &impl Log) -> Vec<Effect> {
        let mut effects = Vec::new();
        match Message::decode(bytes) {
            // A question may come from anybody who is connected: observers need checkpoints too.
            Ok(Message::Ask(published)) => self.answer(from, published, &mut effects),
            Ok(_) if !self.panel.has(from) && !self.company.contains(from) => {
                effects.push(fault(from, FaultKind::NotValidator))
            }
            Ok(Message::Note(note)) => self.note(from, &note, log, &mut effects),
            Ok(Message::Answer(notes)) => {
                notes.iter().for_each(|note| self.note(from, note, log, &mut effects));
                self.count_answer(from);
            }
            Err(_) => effects.push(fault(from, FaultKind::Malformed)),
        }
        effects
    }

    /// The log has grown: what came early may be judged now.
    pub fn grown(&mut self, log: &impl Log) -> Vec<Effect> {
        let mut effects = Vec::new();
        for note in self.early.take_up_to(log.size()) {
            if let Ok(lines) = self.panel.verify(&note, None) {
                self.consider(&note, &lines, log, &mut effects);
            }
        }
        effects
    }

    /// Once in a while: what is still missing is asked for again, because messages may be lost.
    pub fn tick(&mut self) -> Vec<Effect> {
        self.answered.clear();
        let published = self.published_size();
        let mut effects = Vec::new();
        let behind = self.floor > published || self.promised > published || !self.early.is_empty();
        if behind || matches!(self.standing, Standing::Asking(_)) {
            effects.push(Effect::Send(None, Message::Ask(published)));
        }
        let ours = self.newest_of.get(&self.me).filter(|note| note.unverified().size().get() > published);
        effects.extend(ours.map(|note| Effect::Send(None, Message::Note(note.clone()))));
        effects
    }

    fn answer(&mut self, to: &str, published: u64, effects: &mut Vec<Effect>) {
        if !self.answered.contains_key(to) && self.answered.len() >= MAX_ACCUSED {
            return;
        }
        let answers = self.answered.entry(to.to_owned()).or_default();
        if *answers >= MAX_ANSWERS {
            return;
        }
        *answers += 1;
        let newer = |note: &&SignedCheckpoint| note.unverified().size().get() > published;
        let mut notes: Vec<SignedCheckpoint> = Vec::new();
        notes.extend(self.ends.iter().find(newer).cloned());
        notes.extend(self.newest_of.get(to).cloned());
        notes.extend(self.published.iter().find(newer).cloned());
        notes.extend(self.newest_of.get(&self.me).filter(newer).cloned());
        notes.dedup();
        effects.push(Effect::Send(Some(to.to_owned()), Message::Answer(notes)));
    }

    fn note(&mut self, from: &str, note: &SignedCheckpoint, log: &impl Log, effects: &mut Vec<Effect>) {
        let body = note.unverified();
        if body.origin() != self.origin {
            effects.push(fault(from, FaultKind::Malformed));
            return;
        }
        // What is past and true is not verified once more: a replay costs a look at the tree.
        let size = body.size().get();
        let past = size < self.published_size().min(self.promised);
        if past && log.root_at(size).as_ref() == Some(body.root()) {
            return;
        }
        let known = self.open.get(&size).filter(|open| open.checkpoint == *body).map(|open| &open.lines);
        match self.panel.verify(note, known) {
            // Of a part of the log that this node does not have, or has not been handed: judged when it has.
            Ok(lines) if lines.count() == 0 && size > log.size() => {
                let _ = self.early.keep(from, note.clone());
            }
            Ok(lines) if lines.count() == 0 => effects.push(fault(from, FaultKind::NotValidator)),
            Ok(lines) => {
                self.consider(note, &lines, log, effects);
                if size > log.size()
                    && let Some(first) = self.early.keep(from, note.clone())
                {
                    let evidence = Evidence::TwoRoots { first, second: note.clone() };
                    self.show(FaultKind::TwoRoots, evidence, effects);
                }
            }
            Err(_) => effects.push(fault(from, FaultKind::Forged)),
        }
    }

    /// A note whose lines were verified.
    fn consider(
        &mut self,
        note: &SignedCheckpoint,
        lines: &Lines,
        log: &impl Log,
        effects: &mut Vec<Effect>,
    ) {
        let body = note.unverified();
        let size = body.size().get();
        let signers: Vec<String> = self.panel.signers(lines).into_iter().map(str::to_owned).collect();
        let quorum = self.panel.is_quorum(lines);
        for signer in &signers {
            self.remember(signer, body, lines);
        }
        let mine = signers.contains(&self.me);
        if quorum || mine {
            self.floor = self.floor.max(size);
        }
        match log.root_at(size) {
            // Longer than our log: kept until the log has grown, by whoever received it.
            None => {}
            Some(root) if root == *body.root() => {
                self.add(size, body, lines, log, effects);
                if let Some(open) = self.open.get_mut(&size) {
                    open.ours |= mine;
                }
            }
            Some(root) if quorum || mine => {
                let ours = checkpoint_like(body, size, root);
                let theirs = note.clone();
                effects.push(Effect::Contradiction(Box::new(Contradiction { ours, theirs })));
            }
            Some(_) => {
                for signer in &signers {
                    self.accuse(signer, body, lines, log, effects);
                }
            }
        }
    }

    fn remember(&mut self, member: &str, body: &Checkpoint, lines: &Lines) {
        let newer = |known: &SignedCheckpoint| known.unverified().size() < body.size();
        if self.newest_of.get(member).is_none_or(newer)
            && let Ok(note) = self.panel.of(member, lines).under(body)
        {
            self.newest_of.insert(member.to_owned(), note);
        }
    }

    fn open_at(&mut self, size: u64, checkpoint: &Checkpoint) -> &mut Open {
        let no_lines = self.panel.no_lines();
        self.open.entry(size).or_insert_with(|| Open::new(checkpoint.clone(), no_lines))
    }

    /// Lines under a checkpoint that our own log bears out.
    fn add(
        &mut self,
        size: u64,
        body: &Checkpoint,
        lines: &Lines,
        log: &impl Log,
        effects: &mut Vec<Effect>,
    ) {
        let published = self.published_size();
        if size < published || log.block_ending_at(size).is_none() {
            return;
        }
        let open = self.open_at(size, body);
        if !open.lines.merge(lines) {
            return;
        }
        let (ours, gathered) = (open.ours, open.lines.clone());
        if !ours && size > self.promised {
            self.wanted.insert(size);
            while self.wanted.len() > MAX_WANTED {
                self.wanted.pop_first();
            }
        }
        let waits = self.patient && size > published && self.panel.lacks_outside(&gathered);
        let quorum = self.panel.is_quorum(&gathered);
        if quorum && waits {
            self.held = self.held.max(Some(size));
        } else if quorum && let Ok(note) = gathered.under(body) {
            self.publish(note, log, effects);
        }
        self.bound_open();
    }

    fn publish(&mut self, note: SignedCheckpoint, log: &impl Log, effects: &mut Vec<Effect>) {
        let size = note.unverified().size().get();
        self.open = self.open.split_off(&size);
        self.floor = self.floor.max(size);
        self.held = self.held.filter(|held| *held > size);
        self.published = Some(note.clone());
        effects.push(Effect::Publish(note));
        self.hold_to_account(log, effects);
    }

    /// Lets checkpoints wait for outside witnesses until [`Self::release`].
    #[must_use]
    pub fn with_patience(mut self, patient: bool) -> Self {
        self.patient = patient;
        self
    }

    /// The newest size that only waits for outside witnesses.
    #[must_use]
    pub const fn held(&self) -> Option<u64> {
        self.held
    }

    /// Publishes what waits for outside witnesses, without them.
    pub fn release(&mut self, log: &impl Log) -> Vec<Effect> {
        let mut effects = Vec::new();
        if let Some(open) = self.held.take().and_then(|size| self.open.get(&size))
            && let Ok(note) = open.lines.under(&open.checkpoint)
        {
            self.publish(note, log, &mut effects);
        }
        effects
    }

    /// What outside witnesses are asked to cosign: the newest that this node has signed.
    #[must_use]
    pub fn to_witness(&self) -> Option<SignedCheckpoint> {
        self.newest_of.get(&self.me).filter(|_| !matches!(self.standing, Standing::Asking(_))).cloned()
    }

    /// A line of an outside witness; it goes to everybody.
    pub fn witnessed(&mut self, note: &SignedCheckpoint, line: SignatureLine, log: &impl Log) -> Vec<Effect> {
        let mut effects = Vec::new();
        let mut note = note.clone();
        if note.add(line).is_ok()
            && let Ok(lines) = self.panel.verify(&note, None)
        {
            effects.push(Effect::Send(None, Message::Note(note.clone())));
            self.consider(&note, &lines, log, &mut effects);
        }
        effects
    }

    /// Drops what has the least support, the oldest of those first; never the published one.
    fn bound_open(&mut self) {
        let published = self.published_size();
        while self.open.len() > MAX_OPEN {
            let droppable = self.open.iter().filter(|(size, open)| **size != published && !open.ours);
            let least =
                droppable.min_by_key(|(size, open)| (open.lines.count(), **size)).map(|(size, _)| *size);
            // Where all are ours, the oldest has the least hope.
            let Some(size) = least.or_else(|| self.open.keys().find(|size| **size != published).copied())
            else {
                return;
            };
            self.open.remove(&size);
        }
    }
}

fn checkpoint_like(body: &Checkpoint, size: u64, root: RootHash) -> Checkpoint {
    let origin = ore_checkpoint::KeyName::new(body.origin()).expect("checked by Message::decode");
    Checkpoint::new(&origin, TreeSize::new(size), root)
}
