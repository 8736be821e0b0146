//! Taking back what a refused document brought in: the newest first, each by the record that undoes its kind.
//!
//! The log only grows, so what went in stays readable, and beside it stands that it does not count. A hand-over
//! that the other side has answered is nobody's alone to take back: such records stay, and are named.

use std::{
    collections::HashSet,
    fs::OpenOptions,
    io::Write,
    path::{Path, PathBuf},
};

use ore_record::{
    RecordId, draft,
    v1::{CancelShipment, LotRef, Record, Release, Withdraw, WithdrawReason, record::Event},
};
use sha2::{Digest, Sha256};

use crate::{
    failure::Failure,
    post::{
        Work,
        item::Item,
        journal::{Journal, Standing, StatementHash},
    },
};

/// What stands in a record that takes another back.
const REASON: &str = "taken back: another event of the same EPCIS document was refused";

/// A record that a document brought in, and how it is undone.
#[derive(Clone, Debug)]
pub(super) struct Appended {
    /// The event's place in the document, from 0.
    pub(super) place: u64,
    pub(super) hash: StatementHash,
    pub(super) id: RecordId,
    author: String,
    undo: Undo,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Undo {
    /// With the lots that it made.
    Withdraw(Vec<String>),
    /// An offer, by its lots.
    Cancel(Vec<String>),
    /// A hold or a recall, by its lot.
    Release(String),
    /// Only by a further step of both sides, or by nothing.
    Nothing,
}

impl Appended {
    pub(super) fn new(work: &Work, id: RecordId) -> Self {
        let record = &work.item.record;
        let lot = |lot: &Option<LotRef>| lot.as_ref().map_or_else(String::new, |lot| lot.lot.clone());
        let undo = match &record.event {
            Some(Event::Ship(ship)) => Undo::Cancel(ship.lots.iter().map(|it| lot(&it.lot)).collect()),
            Some(Event::Hold(hold)) => Undo::Release(lot(&hold.lot)),
            Some(Event::Recall(recall)) => Undo::Release(lot(&recall.lot)),
            Some(event) if draft::can_be_withdrawn(event) => {
                Undo::Withdraw(draft::new_lots(record).iter().map(|lot| lot.lot.clone()).collect())
            }
            _ => Undo::Nothing,
        };
        Self { place: work.place, hash: work.hash, id, author: record.author.clone(), undo }
    }

    /// The statement that takes it back; none when there is none.
    pub(super) fn counter(&self, now_ms: u64) -> Option<Work> {
        let record = self.id.as_bytes().to_vec();
        let event = match &self.undo {
            Undo::Withdraw(_) => Event::Withdraw(Withdraw {
                record,
                reason: WithdrawReason::IncorrectData.into(),
                explanation: REASON.to_owned(),
            }),
            Undo::Cancel(lots) => Event::CancelShipment(CancelShipment {
                offer: record,
                lots: lots.iter().map(|lot| draft::lot(lot)).collect(),
                reason: REASON.to_owned(),
            }),
            Undo::Release(lot) => {
                Event::Release(Release { lot: Some(draft::lot(lot)), reason: REASON.to_owned() })
            }
            Undo::Nothing => return None,
        };
        let record = Record {
            author: self.author.clone(),
            event_time_ms: now_ms,
            event: Some(event),
            ..Record::default()
        };
        let hash = Sha256::new().chain_update(b"taken back").chain_update(self.id.as_bytes()).finalize();
        Some(Work { place: self.place, hash: hash.into(), item: Item { record, ..Item::default() } })
    }

    /// Notes that it does not count any more, so that the same or another event may state it again.
    pub(super) fn undone(&self, journal: &mut Journal) {
        match &self.undo {
            Undo::Withdraw(lots) => journal.taken_back(&self.hash, self.id, lots),
            Undo::Cancel(_) | Undo::Release(_) | Undo::Nothing => journal.ended(&self.hash),
        }
    }
}

/// What a rollback would have to take back, in a file beside the kept document while the document is on its way
/// in: an interrupted run is continued by the next one, and that one takes back what both brought in.
pub(super) struct Unfinished {
    path: PathBuf,
    /// Statements that an interrupted run was about to hand in.
    pub(super) resumed: HashSet<StatementHash>,
}

impl Unfinished {
    /// Of the document with this digest.
    pub(super) fn open(folder: &Path, digest: &[u8]) -> Result<Self, Failure> {
        let digest = RecordId::try_from(digest).map_or_else(|_| String::new(), |digest| digest.to_string());
        let path = folder.join(format!("{digest}.appended"));
        let resumed = match std::fs::read_to_string(&path) {
            // A torn last line was never handed in: the note is durable before.
            Ok(text) => text.lines().filter_map(RecordId::from_hex).map(|hash| *hash.as_bytes()).collect(),
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => HashSet::new(),
            Err(e) => return Err(Failure::file("read", &path, &e)),
        };
        Ok(Self { path, resumed })
    }

    /// Notes what will be handed in next; durable when it returns. What is in already is another document's, or noted.
    pub(super) fn note(&self, work: &[Work], journal: &Journal) -> Result<(), Failure> {
        let failed = |e: std::io::Error| Failure::file("write", &self.path, &e);
        let open = work.iter().filter(|it| !matches!(journal.standing(&it.hash), Some(Standing::Done(_))));
        let lines: String = open.map(|it| format!("{}\n", RecordId::from_bytes(it.hash))).collect();
        if let Some(folder) = self.path.parent() {
            std::fs::create_dir_all(folder).map_err(failed)?;
        }
        let mut file = OpenOptions::new().create(true).append(true).open(&self.path).map_err(failed)?;
        file.write_all(lines.as_bytes()).and_then(|()| file.sync_data()).map_err(failed)
    }

    /// It is settled: everything is in, or what was in has been taken back or named.
    pub(super) fn settled(&self) {
        let _ = std::fs::remove_file(&self.path);
    }
}

#[cfg(test)]
mod tests {
    use ore_record::{
        RecordId, draft,
        v1::{Accept, Assay, Hold, Record, Ship, ShippedLot, record::Event},
    };

    use super::{Appended, Unfinished};
    use crate::post::{Work, item::Item, journal::Journal};

    fn counter(event: Event) -> Option<Event> {
        let record = Record { author: "mine-a".to_owned(), event: Some(event), ..Record::default() };
        let work = Work { place: 3, hash: [1; 32], item: Item { record, ..Item::default() } };
        let counter = Appended::new(&work, RecordId::from_bytes([2; 32])).counter(5)?;
        assert_eq!((counter.item.record.author.as_str(), counter.item.record.event_time_ms), ("mine-a", 5));
        counter.item.record.event
    }

    #[test]
    fn what_an_interrupted_run_brought_in_is_known_to_the_next_one() {
        let folder = tempfile::tempdir().expect("a folder");
        let open = || Unfinished::open(&folder.path().join("documents"), &[9; 32]).expect("opens");
        let work = |hash| Work { place: 0, hash, item: Item::default() };
        let first = open();
        assert!(first.resumed.is_empty());
        let mut journal = Journal::none();
        journal.accepted(&[4; 32], RecordId::from_bytes([9; 32]));
        first.note(&[work([1; 32]), work([2; 32])], &journal).expect("noted");
        // What another document brought in is not this one's to take back.
        first.note(&[work([3; 32]), work([4; 32])], &journal).expect("noted");
        let next = open();
        assert_eq!(next.resumed, [[1; 32], [2; 32], [3; 32]].into());
        next.settled();
        assert!(open().resumed.is_empty());
    }

    #[test]
    fn each_kind_is_undone_by_the_record_that_undoes_it_and_a_receipt_by_none() {
        let lot = || Some(draft::lot("mine-a/1"));
        let assay = counter(Event::Assay(Assay { lot: lot(), ..Assay::default() }));
        assert!(matches!(assay, Some(Event::Withdraw(it)) if it.record == [2; 32]));
        let shipped = ShippedLot { lot: lot(), ..ShippedLot::default() };
        let ship = counter(Event::Ship(Ship { lots: vec![shipped], ..Ship::default() }));
        assert!(matches!(ship, Some(Event::CancelShipment(it)) if it.offer == [2; 32] && it.lots.len() == 1));
        let hold = counter(Event::Hold(Hold { lot: lot(), ..Hold::default() }));
        assert!(matches!(hold, Some(Event::Release(it)) if it.lot == lot()));
        assert_eq!(counter(Event::Accept(Accept::default())), None);
    }
}
