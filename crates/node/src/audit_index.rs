//! The auditor's index: the journal of records beside the graph, built when the first auditor asks.
//!
//! It costs the way in nothing: a question first takes up the leaves that came since the last one, and with them the
//! pages of every facility's books. Nothing of it is stored; the log is the truth.

use std::{
    collections::BTreeSet,
    sync::{
        Arc, Mutex, PoisonError, RwLock, RwLockReadGuard, TryLockError,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use ore_audit::{Budget, Journal, View, balance::Pages};
use ore_provenance::{Dating, Graph};
use ore_record::{RecordId, SignedRecord, v1};
use prost::Message;

use crate::ledger::Ledger;

/// Leaves taken up at once, under one hold of the locks: a few tens of milliseconds.
const LEAVES_AT_ONCE: u64 = 8_192;

/// Leaves, and amounts of what they moved, that are entered in pages under one hold of the locks, beside those of the
/// last page: a few milliseconds.
const ENTERED_AT_ONCE: u64 = 8_192;

/// Rows of the graph copied under one hold of its lock: a few milliseconds.
const ROWS_AT_ONCE: usize = 100_000;

/// Why the index cannot answer.
#[derive(Debug, thiserror::Error)]
pub enum IndexError {
    /// The log cannot be read.
    #[error("leaf {leaf} cannot be read for the auditor's index")]
    Unreadable {
        /// Which.
        leaf: u64,
    },
    /// It is still being built; the next question goes on.
    #[error("the auditor's index has taken up {taken} of {wanted} entries")]
    Behind {
        /// Leaves so far.
        taken: u64,
        /// Leaves that the question needs.
        wanted: u64,
    },
    /// No more numbers.
    #[error(transparent)]
    Full(#[from] ore_audit::JournalFull),
}

/// The index.
#[derive(Debug, Default)]
pub struct AuditIndex {
    journal: RwLock<Journal>,
    dated: Mutex<Option<Dated>>,
    /// Only who holds `writing` waits for it, so it may be taken before the others and after them.
    pages: RwLock<Pages>,
    /// Who writes pages holds it; nobody waits for it.
    writing: Mutex<()>,
    signatures: Mutex<Signatures>,
}

#[derive(Debug)]
struct Dated {
    date_ms: u64,
    size: u64,
    graph: Arc<Graph>,
}

/// Signatures that were put to the strict rule: one bit a leaf, and those that failed.
#[derive(Debug, Default)]
struct Signatures {
    checked: Vec<u64>,
    crafted: BTreeSet<u32>,
}

impl AuditIndex {
    /// The journal as far as it was built. Take the custody lock first, if both are needed.
    pub fn journal(&self) -> RwLockReadGuard<'_, Journal> {
        self.journal.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// The pages of every facility's books, as far as they were written; `None` while another question writes some.
    /// Never waits.
    pub fn pages(&self) -> Option<RwLockReadGuard<'_, Pages>> {
        match self.pages.try_read() {
            Ok(pages) => Some(pages),
            Err(TryLockError::Poisoned(poisoned)) => Some(poisoned.into_inner()),
            Err(TryLockError::WouldBlock) => None,
        }
    }

    /// Builds the journal up to `wanted` leaves, and the pages beside it. For a thread that may block and holds no lock.
    ///
    /// # Errors
    /// [`IndexError`]; what was taken up stays.
    pub fn catch_up(&self, ledger: &Ledger, wanted: u64, patience: Duration) -> Result<(), IndexError> {
        let begun = Instant::now();
        // Ends: each turn takes up leaves, or gives up.
        loop {
            let taken = self.journal().len();
            if taken < wanted && begun.elapsed() > patience {
                return Err(IndexError::Behind { taken, wanted });
            }
            self.write_pages(ledger, begun, patience);
            if taken >= wanted {
                return Ok(());
            }
            self.take_up(ledger, wanted)?;
        }
    }

    /// Enters what the journal has taken up in pages, unless somebody else is at it: a question works out what is on
    /// no page.
    fn write_pages(&self, ledger: &Ledger, begun: Instant, patience: Duration) {
        let Ok(_turn) = self.writing.try_lock() else { return };
        // Ends: each turn takes up leaves, or patience does.
        while begun.elapsed() <= patience && !self.all_on_pages() {
            // A balance may be reading them: waited for before the other locks are held.
            let mut pages = self.pages.write().unwrap_or_else(PoisonError::into_inner);
            let journal = self.journal();
            let graph = ledger.graph();
            let view = View { journal: &journal, graph: &graph, as_of: journal.len(), date_ms: u64::MAX };
            let _ = pages.take_up(&view, &mut Budget::new(ENTERED_AT_ONCE));
        }
    }

    /// Whether nothing is to be written.
    fn all_on_pages(&self) -> bool {
        let taken = self.journal().len();
        self.pages().is_some_and(|pages| pages.taken_up() >= taken)
    }

    fn take_up(&self, ledger: &Ledger, wanted: u64) -> Result<(), IndexError> {
        let custody = ledger.custody.blocking_read();
        let mut journal = self.journal.write().unwrap_or_else(PoisonError::into_inner);
        let leaf_of = |id: &[u8]| custody.leaf_of(&RecordId::try_from(id).ok()?);
        let end = wanted.min(journal.len() + LEAVES_AT_ONCE);
        while journal.len() < end {
            let leaf = journal.len();
            let bytes = ledger.reader.entry(leaf).ok().flatten();
            // The log was checked when it was written and when it was opened: decoding is enough.
            let signed = bytes.and_then(|bytes| v1::SignedRecord::decode(bytes).ok());
            let record = signed.and_then(|signed| v1::Record::decode(signed.record.as_slice()).ok());
            journal.append(&record.ok_or(IndexError::Unreadable { leaf })?, &leaf_of)?;
        }
        Ok(())
    }

    /// The graph as of a business date for a size that the journal has taken up; the newest one asked for is kept.
    /// Copied in slices, between which appends go on; nothing once the caller has left. For a thread that may block
    /// and holds no lock.
    #[must_use]
    pub fn dated(&self, ledger: &Ledger, size: u64, date_ms: u64, gone: &AtomicBool) -> Option<Arc<Graph>> {
        let mut kept = self.dated.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(dated) = kept.as_ref().filter(|dated| dated.date_ms == date_ms && dated.size >= size) {
            return Some(Arc::clone(&dated.graph));
        }
        let size = self.journal().len();
        let mut dating = Dating::new(&ledger.graph(), size);
        // Ends: each turn copies rows.
        loop {
            if gone.load(Ordering::Relaxed) {
                return None;
            }
            let journal = self.journal();
            let happened = |leaf| View::happened(&journal, leaf, date_ms);
            if dating.go_on(&ledger.graph(), happened, ROWS_AT_ONCE) {
                break;
            }
            drop(journal);
            std::thread::yield_now();
        }
        let graph = Arc::new(dating.finish());
        *kept = Some(Dated { date_ms, size, graph: Arc::clone(&graph) });
        Some(graph)
    }

    /// Whether the strict rule accepts the signature of a leaf too; `None` when it cannot be read.
    #[must_use]
    pub fn strict(&self, ledger: &Ledger, leaf: u32) -> Option<bool> {
        let (word, bit) = (leaf as usize / 64, 1 << (leaf % 64));
        {
            let known = self.signatures.lock().unwrap_or_else(PoisonError::into_inner);
            if known.checked.get(word).is_some_and(|bits| bits & bit != 0) {
                return Some(!known.crafted.contains(&leaf));
            }
        }
        let entry = ledger.reader.entry(leaf.into()).ok().flatten()?;
        let strict = SignedRecord::decode(&entry).ok()?.strict();
        let mut known = self.signatures.lock().unwrap_or_else(PoisonError::into_inner);
        if known.checked.len() <= word {
            known.checked.resize(word + 1, 0);
        }
        known.checked[word] |= bit;
        if !strict {
            known.crafted.insert(leaf);
        }
        Some(strict)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_question_waits_for_pages_that_another_one_writes() {
        let index = AuditIndex::default();
        assert!(index.pages().is_some() && index.all_on_pages(), "nothing to write, and nobody writes");
        let writing = index.pages.write().expect("no panic");
        // Would not return if it waited: this thread holds them.
        assert!(index.pages().is_none());
        drop(writing);
        let reading = index.pages();
        assert!(index.pages().is_some() && reading.is_some(), "many may read");
    }
}
