//! The journal: what each record states, in ledger order, with look-ups by lot, place and name.
//!
//! It is built from records alone and only grows: a reader that is behind takes up the next leaves. Records
//! that a ledger admitted are never refused here; what names an unknown lot is kept as changing nothing.

mod facts;
mod posts;
mod read;
mod take;
mod timelines;
mod words;

use alloc::{boxed::Box, vec::Vec};

use hashbrown::HashMap;

use posts::Posts;
use timelines::Timelines;

pub use facts::{
    AcceptFact, AcceptedFact, CommissionFact, Document, Entry, Fact, InputFact, LotFact, OutputFact,
    ShipFact, ShippedFact, StatusKind, StepFact,
};
pub use words::{Word, Words};

/// More than four thousand million leaves or bytes of names: this journal's numbers are used up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the journal is full")]
pub struct JournalFull;

/// Everything that records state, in the form that questions read.
#[derive(Clone, Debug, Default)]
pub struct Journal {
    words: Words,
    entries: Vec<Entry>,
    lots: Vec<LotFact>,
    timelines: Timelines,
    /// The newest lot of each id, by word.
    lot_of: HashMap<Word, u32>,
    /// Leaves by facility: its registration, what was done there, what is attested about it. Anybody may write
    /// anything on a tag, also the name of somebody's facility, so those stand apart.
    done: Posts,
    /// Leaves by any other name: a tag, a serial, a seal, an attestation, its subject, a member, a library.
    posts: Posts,
    /// One bit per lot: some record about it states an earlier time than one before it.
    disordered: Vec<u64>,
    /// Leaves that publish a version of a reference library, in order.
    libraries: Vec<u32>,
    /// Registered facilities, in order.
    facilities: Vec<Word>,
    /// What each facility ever did, by the numbers of `Process`, extraction beside them.
    processes: HashMap<Word, Vec<i32>>,
    /// Leaves of attestations about a subject.
    attested: HashMap<Word, Vec<u32>>,
    /// Leaves that suspend, reinstate or revoke an attestation; under its name stands all that relies on it too.
    changed: HashMap<Word, Vec<u32>>,
    /// Event time of the record that is being taken up.
    now_ms: u64,
    /// Leaves that were withdrawn, in the order of their withdrawals.
    withdrawals: Vec<u32>,
    /// Where each lot is now, as far as records say.
    places: Vec<Word>,
    documents: Vec<Document>,
    /// Leaves of profiles in force, with the leaf from which each is.
    profiles: Vec<(u32, u32)>,
    pending: Vec<Pending>,
    /// Leaves and times of block seals.
    seals: Vec<(u32, u64)>,
}

/// Beside the numbers of `Process`: extraction is no transformation.
pub(crate) const EXTRACTION: i32 = 0;

/// A profile that waits for approvals.
#[derive(Clone, Debug)]
struct Pending {
    leaf: u32,
    approvals: Vec<Word>,
}

impl Journal {
    /// Nothing yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Leaves taken up; the next one to append.
    #[must_use]
    pub fn len(&self) -> u64 {
        self.entries.len() as u64
    }

    /// Whether no leaf was taken up.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Names.
    #[must_use]
    pub const fn words(&self) -> &Words {
        &self.words
    }

    /// The text of a word.
    #[must_use]
    pub fn text(&self, word: Word) -> &str {
        self.words.text(word)
    }

    fn does(&mut self, facility: Word, process: i32) {
        let known = self.processes.entry(facility).or_default();
        if !known.contains(&process) {
            known.push(process);
        }
    }

    fn touch(&mut self, lot: u32, leaf: u32) {
        let Some(last) = self.timelines.of(lot).last().copied().filter(|last| *last != leaf) else { return };
        self.timelines.push(lot, leaf);
        let before = self.entries.get(last as usize).map_or(0, |entry| entry.event_ms);
        if self.now_ms < before {
            let word = lot as usize / 64;
            if self.disordered.len() <= word {
                self.disordered.resize(word + 1, 0);
            }
            self.disordered[word] |= 1 << (lot % 64);
        }
    }

    fn words_of(&mut self, texts: &[alloc::string::String]) -> Result<Box<[Word]>, JournalFull> {
        texts.iter().map(|text| self.words.of(text)).collect()
    }
}
