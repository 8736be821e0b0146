//! One document's way in: surveyed, kept by its digest, then event by event mapped, signed and handed in.

use std::{
    collections::HashMap,
    fs::File,
    io::BufReader,
    path::{Path, PathBuf},
};

use ore_client::Ledger;
use ore_epcis::{Clause, Document, Draft, Event, Importer, Refusal, Survey, survey};
use ore_record::{RecordId, SignedRecord, draft};
use sha2::{Digest, Sha256};

use super::{
    originals::{DOCUMENTS, digest, keep},
    problem::Exception,
    resolve::Names,
    rollback::{Appended, Unfinished},
};
use crate::{
    context::Context,
    failure::Failure,
    post::{
        Desk, Fate, Trouble, Work,
        item::{IdField, Item},
        journal::{Journal, Standing, StatementHash},
        keyring::Keyring,
    },
    verbs::sign::now_ms,
};

/// Events that are mapped and handed in together.
const CHUNK: usize = 512;
/// Lots that the events of a chunk name, about: one event may name thousands.
const CHUNK_LOTS: usize = 16_384;
/// In a home folder: what of EPCIS documents is in.
pub(crate) const STATE_FILE: &str = "epcis.oreledger-state";

/// What becomes of a document some of whose events are wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Behaviour {
    /// Nothing is handed in unless the ledger, asked about all of it at once, would refuse none of it. What others
    /// hand in meanwhile can still make it refuse one: then what went in before is taken back.
    Rollback,
    /// Whatever is right goes in.
    Proceed,
}

/// What became of an event.
#[derive(Clone, Debug)]
pub(crate) struct News {
    /// Place in the document, from 0; none for the document itself.
    pub(crate) event: Option<u64>,
    pub(crate) outcome: Outcome,
}

#[derive(Clone, Debug)]
pub(crate) enum Outcome {
    /// In the ledger; whether it was there before.
    Recorded { id: String, before: bool },
    /// Not a record, and why.
    Refused { what: Exception, field: String, reason: String, clause: String, next: String },
    /// From this event on the ledger was not asked what it would say, and why.
    Unjudged { reason: String },
    /// What the document does not say.
    Lacks(String),
    /// It went in, and does not count any more, because another event was refused.
    TakenBack { id: String },
    /// It went in, another event was refused, and it cannot be taken back: it stands.
    Left { id: String, reason: String, next: String },
}

/// How it went.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Tally {
    pub(crate) events: u64,
    /// Records that the ledger would have taken, asked before any was handed in.
    pub(crate) judged: u64,
    /// Records of which it was not asked, or said nothing that holds.
    pub(crate) unjudged: u64,
    pub(crate) recorded: u64,
    pub(crate) before: u64,
    pub(crate) refused: u64,
    pub(crate) lacks: u64,
    /// Records that went in and were taken back; they are not among the recorded.
    pub(crate) taken_back: u64,
    /// Of the recorded, those that could not be taken back.
    pub(crate) left: u64,
}

/// A desk for documents.
pub(crate) struct Intake<'a> {
    pub(crate) ledger: &'a Ledger,
    pub(crate) names: Names,
    pub(crate) acting: String,
    pub(crate) home: PathBuf,
    pub(crate) journal: Journal,
    pub(crate) stage: ore_wire::v1::Stage,
    pub(super) keyring: Keyring,
    /// Whether a member's key is at hand.
    keys: HashMap<String, bool>,
}

impl<'a> Intake<'a> {
    pub(crate) async fn open(
        context: &Context,
        ledger: &'a Ledger,
        products: Option<&Path>,
        stage: ore_wire::v1::Stage,
    ) -> Result<Self, Failure> {
        Ok(Self {
            ledger,
            names: Names::load(ledger, products).await?,
            acting: context.acting()?.to_owned(),
            home: context.home.clone(),
            journal: Journal::open(&context.home.join(STATE_FILE))?,
            stage,
            keyring: context.keyring(),
            keys: HashMap::new(),
        })
    }

    /// Takes a document in.
    ///
    /// # Errors
    /// What stops the whole: no ledger, no file, no room. What is wrong with the document is told.
    pub(crate) async fn take(
        &mut self,
        path: &Path,
        behaviour: Behaviour,
        dry_run: bool,
        tell: &mut dyn FnMut(News),
    ) -> Result<Tally, Failure> {
        let mut tally = Tally::default();
        let read = || File::open(path).map(BufReader::new).map_err(|e| Failure::file("read", path, &e));
        let surveyed = match survey(read()?) {
            Ok(surveyed) => surveyed,
            Err(refusal) => {
                tell(refused(None, &refusal));
                return Ok(Tally { refused: 1, ..tally });
            }
        };
        tally.events = surveyed.events;
        for fault in &surveyed.faults {
            tell(refused(place_of(fault), fault));
        }
        let head_is_wrong = surveyed.faults.iter().any(|fault| place_of(fault).is_none());
        tally.refused = surveyed.bad_events.len() as u64 + u64::from(head_is_wrong);
        if head_is_wrong || (behaviour == Behaviour::Rollback && tally.refused > 0) {
            return Ok(tally);
        }
        let document = digest(path, &surveyed)?;
        let rollback = behaviour == Behaviour::Rollback;
        let unfinished = Unfinished::open(&self.home.join(DOCUMENTS), &document.sha256)?;
        // What an interrupted run began is ended: the ledger would have taken all of it then.
        if dry_run || (rollback && unfinished.resumed.is_empty()) {
            self.names.remember_all();
            let mut found = tally;
            // What is not stated, and what is in, is told when the rest goes in.
            let mut tell = |news: News| {
                if dry_run || !matches!(news.outcome, Outcome::Lacks(_) | Outcome::Recorded { .. }) {
                    tell(news);
                }
            };
            let rehearsed = self.rehearse(path, &surveyed, &document, rollback, &mut found, &mut tell).await;
            // Nothing of what was mapped is there.
            self.names.forget();
            rehearsed?;
            if dry_run {
                return Ok(found);
            }
            if found.refused > 0 {
                return Ok(Tally { refused: found.refused, ..tally });
            }
        }
        keep(&self.home, path, &document)?;
        let mut importer = Importer::new(&self.acting, Some(document));
        let mut source = Document::open(read()?).map_err(|refusal| changed(path, &refusal))?;
        let mut next = 0;
        let mut appended = Vec::new();
        loop {
            let (chunk, from) = read_chunk(path, &mut source, &mut next, &surveyed)?;
            if chunk.is_empty() {
                if from == next {
                    unfinished.settled();
                    return Ok(tally);
                }
                continue;
            }
            let work = self.chunk_work(chunk, &mut importer, &mut tally, tell).await?;
            if rollback {
                unfinished.note(&work, &self.journal)?;
            }
            let mut desk = Desk::new(self.ledger, &mut self.keyring, self.stage);
            desk.post(work, &mut self.journal, &mut |work, fate| {
                let resumed = unfinished.resumed.contains(&work.hash);
                if rollback && let Some(id) = brought_in(&fate, resumed) {
                    appended.push(Appended::new(work, id));
                }
                let news = told(work.place, fate, &mut tally);
                if rollback && resumed && matches!(news.outcome, Outcome::Recorded { before: true, .. }) {
                    // It is this document's, of the run before.
                    tally.before -= 1;
                    tally.recorded += 1;
                }
                tell(news);
            })
            .await?;
            if rollback && tally.refused > 0 {
                self.take_back(appended, &mut tally, tell).await?;
                unfinished.settled();
                return Ok(tally);
            }
        }
    }

    /// Takes back what this document brought in, the newest first, and says what stays.
    async fn take_back(
        &mut self,
        mut appended: Vec<Appended>,
        tally: &mut Tally,
        tell: &mut dyn FnMut(News),
    ) -> Result<(), Failure> {
        appended.reverse();
        let now = now_ms();
        for part in appended.chunks(CHUNK) {
            let mut undone = HashMap::new();
            let mut work = Vec::new();
            for one in part {
                if let Some(counter) = one.counter(now) {
                    undone.insert(counter.hash, one);
                    work.push(counter);
                    continue;
                }
                let reason = "it is one side of a hand-over, or ends another statement";
                let next = "undo it by a further step: a lot that was received is shipped back";
                left(one, reason.to_owned(), next.to_owned(), tally, tell);
            }
            let mut standing = Vec::new();
            let mut back = Vec::new();
            let mut desk = Desk::new(self.ledger, &mut self.keyring, self.stage);
            desk.post(work, &mut self.journal, &mut |work, fate| {
                let Some(one) = undone.get(&work.hash) else { return };
                match fate {
                    Fate::Accepted(_) | Fate::DoneBefore(_) => back.push(*one),
                    Fate::Refused(trouble) => standing.push((*one, trouble)),
                }
            })
            .await?;
            for one in back {
                one.undone(&mut self.journal);
                tally.taken_back += 1;
                tally.recorded = tally.recorded.saturating_sub(1);
                tell(News { event: Some(one.place), outcome: Outcome::TakenBack { id: one.id.to_string() } });
            }
            self.journal.flush()?;
            for (one, trouble) in standing {
                left(one, trouble.message, trouble.next_step, tally, tell);
            }
        }
        Ok(())
    }

    /// The statements of a chunk's events, ready to be signed.
    pub(super) async fn chunk_work(
        &mut self,
        chunk: Chunk,
        importer: &mut Importer,
        tally: &mut Tally,
        tell: &mut dyn FnMut(News),
    ) -> Result<Vec<Work>, Failure> {
        let events = chunk.iter().filter_map(|(_, event)| event.as_ref().ok());
        self.names.learn(self.ledger, events).await?;
        let mut work = Vec::new();
        for (place, event) in chunk {
            let drafts = match event.and_then(|event| self.drafts(importer, &event)) {
                Ok(drafts) => drafts,
                Err(refusal) => {
                    tally.refused += 1;
                    tell(refused(Some(place), &refusal));
                    continue;
                }
            };
            for draft in drafts {
                self.lacks(place, &draft, tally, tell);
                match self.work(place, draft) {
                    Ok(one) => work.push(one),
                    Err(news) => {
                        tally.refused += 1;
                        tell(news);
                    }
                }
            }
        }
        Ok(work)
    }

    fn drafts(&mut self, importer: &mut Importer, event: &Event) -> Result<Vec<Draft>, Refusal> {
        let drafts = importer.map(event, &self.names.directory)?;
        // What it states counts for the events after it.
        drafts.iter().for_each(|draft| self.names.directory.follow(&draft.record));
        Ok(drafts)
    }

    fn lacks(&self, place: u64, draft: &Draft, tally: &mut Tally, tell: &mut dyn FnMut(News)) {
        for lack in &draft.lacks {
            tally.lacks += 1;
            tell(News { event: Some(place), outcome: Outcome::Lacks(lack.clone()) });
        }
    }

    /// A draft as work for the desk: under its label, which is the same in every document.
    fn work(&mut self, place: u64, draft: Draft) -> Result<Work, News> {
        let hash: StatementHash = Sha256::digest(draft.label.as_bytes()).into();
        let signed_elsewhere = draft.signed.is_some();
        let mut item = Item {
            record: draft.record,
            label: draft.label,
            links: Vec::new(),
            moves: draft.moves,
            signed_elsewhere,
        };
        // The same statement is signed to the same bytes where no head is in them.
        item.record.nonce = hash[..16].to_vec();
        self.state_again(&hash, &mut item, place)?;
        for (field, label) in [(IdField::Record, draft.withdraws), (IdField::Corrects, draft.corrects)] {
            let Some(label) = label else { continue };
            match self.journal.standing(&Sha256::digest(label.as_bytes()).into()) {
                Some(Standing::Done(id)) => {
                    field.set(&mut item.record, id.as_bytes());
                }
                _ => item.links.push((field, label)),
            }
        }
        match draft.signed {
            Some(entry) => {
                let signed = SignedRecord::decode(&entry).map_err(|error| {
                    let trouble = Trouble::new("MALFORMED", error, "export the document again");
                    told(place, Fate::Refused(trouble), &mut Tally::default())
                })?;
                self.journal.carried(&hash, signed);
            }
            None => self.has_key(place, &item.record.author)?,
        }
        Ok(Work { place, hash, item })
    }

    /// What was taken back is stated again as a correction of what was withdrawn: the same event, or another one
    /// that makes the same lot.
    fn state_again(&self, hash: &StatementHash, item: &mut Item, place: u64) -> Result<(), News> {
        let withdrawn = match self.journal.standing(hash) {
            Some(Standing::Done(_) | Standing::Signed(_)) => None,
            Some(Standing::TakenBack(id)) => Some(*id),
            Some(Standing::Refused) | None => {
                draft::new_lots(&item.record).iter().find_map(|lot| self.journal.void(&lot.lot))
            }
        };
        let Some(id) = withdrawn else { return Ok(()) };
        if item.signed_elsewhere {
            let next = format!("its author states it anew and corrects {id}");
            let trouble =
                Trouble::new("TAKEN_BACK", "the record as its author signed it was withdrawn", next);
            return Err(told(place, Fate::Refused(trouble), &mut Tally::default()));
        }
        if item.record.corrects.is_empty() {
            item.record.corrects = id.as_bytes().to_vec();
        }
        Ok(())
    }

    fn has_key(&mut self, place: u64, author: &str) -> Result<(), News> {
        let keyring = &mut self.keyring;
        let has = *self.keys.entry(author.to_owned()).or_insert_with(|| keyring.of(author).is_ok());
        if has {
            return Ok(());
        }
        Err(News {
            event: Some(place),
            outcome: Outcome::Refused {
                what: Exception::Security,
                field: "bizLocation".to_owned(),
                reason: format!("it took place at a facility of {author}, and only {author} can sign it"),
                clause: ore_epcis::Clause::Where.text().to_owned(),
                next: format!("let {author} import it, or put its key beside the others"),
            },
        })
    }
}

pub(super) type Chunk = Vec<(u64, Result<Event, Refusal>)>;

/// The next events that are right, with their places; and the place where the chunk began.
pub(super) fn read_chunk(
    path: &Path,
    source: &mut Document<BufReader<File>>,
    next: &mut u64,
    surveyed: &Survey,
) -> Result<(Chunk, u64), Failure> {
    let from = *next;
    let (mut chunk, mut lots) = (Vec::new(), 0);
    while *next - from < CHUNK as u64 && lots < CHUNK_LOTS {
        let Some(value) = source.next_event().map_err(|refusal| changed(path, &refusal))? else { break };
        let place = *next;
        *next += 1;
        if surveyed.bad_events.binary_search(&place).is_ok() {
            continue;
        }
        // What the schema does not ask for: check digits, a type that has a record.
        let event = Event::read(&value, &surveyed.context).map_err(|mut faults| faults.remove(0));
        lots += event.as_ref().map_or(0, |event| event.lots().count());
        chunk.push((place, event));
    }
    Ok((chunk, from))
}

pub(super) fn changed(path: &Path, refusal: &Refusal) -> Failure {
    Failure::usage(
        format_args!("{} changed while it was read: {refusal}", path.display()),
        "run the command again",
    )
}

/// The event that a fault is in.
pub(super) fn place_of(fault: &Refusal) -> Option<u64> {
    let rest = fault.path.strip_prefix("epcisBody.eventList[")?;
    rest.split(']').next()?.parse().ok()
}

pub(super) fn refused(event: Option<u64>, refusal: &Refusal) -> News {
    let next = if refusal.hint.is_empty() { "correct it and send it again" } else { &refusal.hint };
    News {
        event,
        outcome: Outcome::Refused {
            what: match refusal.clause {
                Clause::Capture => Exception::CaptureLimit,
                _ => Exception::Validation,
            },
            field: refusal.path.clone(),
            reason: refusal.reason.clone(),
            clause: refusal.clause.text().to_owned(),
            next: next.to_owned(),
        },
    }
}

/// The record, if this run brought it in, or the interrupted one that this run continues.
fn brought_in(fate: &Fate, resumed: bool) -> Option<RecordId> {
    match fate {
        Fate::Accepted(accepted) if !accepted.already_there || resumed => Some(accepted.id),
        Fate::DoneBefore(id) if resumed => Some(*id),
        _ => None,
    }
}

fn left(one: &Appended, reason: String, next: String, tally: &mut Tally, tell: &mut dyn FnMut(News)) {
    tally.left += 1;
    let outcome = Outcome::Left { id: one.id.to_string(), reason, next };
    tell(News { event: Some(one.place), outcome });
}

pub(super) fn told(place: u64, fate: Fate, tally: &mut Tally) -> News {
    let outcome = match fate {
        Fate::Accepted(accepted) => {
            let before = accepted.already_there;
            *if before { &mut tally.before } else { &mut tally.recorded } += 1;
            Outcome::Recorded { id: accepted.id.to_string(), before }
        }
        Fate::DoneBefore(id) => {
            tally.before += 1;
            Outcome::Recorded { id: id.to_string(), before: true }
        }
        Fate::Refused(trouble) => {
            tally.refused += 1;
            Outcome::Refused {
                what: Exception::Validation,
                field: trouble.field,
                reason: format!("{} [{}]", trouble.message, trouble.reason),
                clause: String::new(),
                next: trouble.next_step,
            }
        }
    };
    News { event: Some(place), outcome }
}
