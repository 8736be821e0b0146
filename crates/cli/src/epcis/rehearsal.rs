//! A rehearsal: what a whole document becomes, judged by the ledger before anything of it is handed in.
//!
//! The records are signed as they would be handed in and sent to be judged together, at one moment. What builds on a
//! refused record is told so, for it is not at fault itself.

use std::{
    collections::{BTreeSet, HashMap},
    fs::File,
    io::BufReader,
    path::Path,
};

use ore_client::{Answer, Check, Checked, ClientError, Ledger, MAX_CHECKED_RECORDS};
use ore_epcis::{Clause, Document, Importer, Refusal, Survey};
use ore_record::{
    RecordId, SignedRecord, draft,
    v1::{self, record::Event},
};
use ore_wire::v1::RejectionReason;

use super::{
    intake::{Intake, News, Outcome, Tally, changed, read_chunk, refused, told},
    resolve::MOST_REHEARSED,
};
use crate::{
    failure::Failure,
    output,
    post::{Desk, Fate, Made, Rehearsed, Trouble, engine::failure},
};

/// Refusals after which a node judges no more (`CheckResponse` in `submission.proto`).
const MOST_REFUSED: usize = 1_000;

/// A document on its way to be judged.
pub(super) struct Rehearsal<'a> {
    check: Check<'a>,
    sent: Vec<Sent>,
    /// Records of the document, by their place among those that were sent.
    places: HashMap<RecordId, usize>,
    /// Where the rest of the document begins that is not sent to be judged, and why.
    ended: Option<(u64, End)>,
    /// Records that were not sent.
    unsent: u64,
    /// Why the node listens no more, when it said so before all was sent.
    broken: Option<ClientError>,
}

/// Why the rest of a document is not judged before it is handed in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    /// There is more than a node judges together.
    TooMuch,
    /// More lots are named than are remembered here.
    TooManyLots,
    /// A withdrawal of a record that is not in the document: what the newest record of its lots is then, is not known.
    Unknown,
    /// The node judges so many refused ones and no more.
    Refused,
    /// The time was over that the node gives to judging.
    Time,
}

impl End {
    fn why(self) -> String {
        match self {
            Self::TooMuch => {
                format!("from here on, because a node judges {} records together", many(MAX_CHECKED_RECORDS))
            }
            Self::TooManyLots => {
                let most = many(MOST_REHEARSED);
                format!("from here on, because {most} lots are named before, and no more are remembered")
            }
            Self::Unknown => {
                "from here on, because it builds on a withdrawal: what is the newest record of the lot \
                              then is known once that is in"
                    .to_owned()
            }
            Self::Refused => {
                "from here on, because so many before are refused: correct those first".to_owned()
            }
            Self::Time => {
                "from here on, because the time was over that the node gives to judging one document"
                    .to_owned()
            }
        }
    }
}

/// As people write it.
fn many(number: usize) -> String {
    output::thousands(number as u64)
}

/// Why a record of an earlier run is not judged.
const SIGNED_ANEW: &str =
    "an earlier run signed it, its lots have moved on, and it is signed anew when it goes in";

/// What the ledger said of what was sent.
#[derive(Default)]
struct Judged {
    /// Records that it would take.
    taken: u64,
    /// Events with records that are in the ledger already, and those.
    before: Vec<(u64, RecordId)>,
    /// Records of which it is not known.
    unjudged: u64,
    /// Where those begin of which it is not known because judging ended.
    ended: Option<(u64, End)>,
    /// Events with records that an earlier run signed, to be signed anew.
    anew: Vec<u64>,
    /// The refusals, by the place of the event in the document.
    troubles: Vec<(u64, Trouble)>,
}

struct Sent {
    /// The event's place in the document.
    event: u64,
    id: RecordId,
    /// Records of the document that it builds on, by their place among those that were sent.
    after: Vec<usize>,
    /// An earlier run signed it: it may name heads that have moved on, and is signed anew when it is handed in.
    kept: bool,
}

impl<'a> Rehearsal<'a> {
    pub(super) async fn begin(ledger: &'a Ledger) -> Result<Self, ClientError> {
        let check = ledger.check().await?;
        Ok(Self { check, sent: Vec::new(), places: HashMap::new(), ended: None, unsent: 0, broken: None })
    }

    /// Sends what statements become; those that have nothing to send are left to the caller.
    pub(super) async fn add(&mut self, rehearsed: &[(u64, Rehearsed)]) {
        let mut records: Vec<SignedRecord> = Vec::new();
        for (event, one) in rehearsed {
            let (record, kept) = match one {
                Rehearsed::Signed(record) => (record, false),
                Rehearsed::Kept(record) => (record, true),
                Rehearsed::Unsure => {
                    self.ended.get_or_insert((*event, End::Unknown));
                    self.unsent += 1;
                    continue;
                }
                Rehearsed::DoneBefore | Rehearsed::Refused(_) => continue,
            };
            if self.sent.len() == MAX_CHECKED_RECORDS {
                self.ended.get_or_insert((*event, End::TooMuch));
            }
            if self.ended.is_some() {
                self.unsent += 1;
                continue;
            }
            let after = named(record).iter().filter_map(|id| self.places.get(id).copied()).collect();
            self.places.insert(record.id(), self.sent.len());
            self.sent.push(Sent { event: *event, id: record.id(), after, kept });
            records.push(record.clone());
        }
        self.broken = self.check.add(&records).await.err();
    }

    /// Whether the document is more than can be judged as a whole.
    fn too_much(&self) -> Option<End> {
        self.ended.map(|(_, end)| end).filter(|end| matches!(end, End::TooMuch | End::TooManyLots))
    }

    /// What came of it.
    async fn end(self) -> Result<Judged, ClientError> {
        if let Some(error) = self.broken {
            return Err(error);
        }
        let checked = self.check.end().await?;
        let mut judged = judged(&self.sent, checked);
        judged.unjudged += self.unsent;
        judged.ended = judged.ended.or(self.ended);
        Ok(judged)
    }
}

/// What was said of the records that were sent.
fn judged(all: &[Sent], checked: Checked) -> Judged {
    let answered = usize::try_from(checked.judged).unwrap_or(usize::MAX).min(all.len());
    let end = if checked.refused.len() < MOST_REFUSED { End::Time } else { End::Refused };
    let mut judged = Judged {
        unjudged: (all.len() - answered) as u64,
        ended: all.get(answered).map(|it| (it.event, end)),
        ..Judged::default()
    };
    // Of each that is refused, whether that is told: what would be signed anew is not.
    let mut refused: HashMap<usize, bool> = HashMap::new();
    for (place, answer) in checked.refused {
        let place = usize::try_from(place).unwrap_or(usize::MAX);
        let Some(sent) = all.get(place) else { continue };
        let before = sent.after.iter().find(|before| refused.contains_key(before));
        let follows = before.filter(|_| moved(&answer));
        let told = match follows {
            Some(before) => refused[before],
            None => !(sent.kept && moved(&answer)),
        };
        refused.insert(place, told);
        if !told {
            judged.unjudged += 1;
            judged.anew.push(sent.event);
            continue;
        }
        judged.troubles.push((
            sent.event,
            match follows {
                Some(before) => {
                    let event = all[*before].event;
                    let message = format!("it builds on event {event} of this document, which is refused");
                    Trouble::new("BUILDS_ON_REFUSED", message, format!("correct event {event} first"))
                }
                None => trouble(answer),
            },
        ));
    }
    // Each once, and none that is refused: a node's word is not relied on.
    let there = checked.already_there.into_iter().filter_map(|place| usize::try_from(place).ok());
    let there: BTreeSet<usize> =
        there.filter(|place| *place < answered && !refused.contains_key(place)).collect();
    judged.taken = answered.saturating_sub(refused.len() + there.len()) as u64;
    judged.before = there.into_iter().map(|place| (all[place].event, all[place].id)).collect();
    judged
}

/// A document is more than can be judged as a whole.
fn too_large(reason: String, tally: &mut Tally) -> News {
    tally.refused += 1;
    refused(None, &Refusal::new("", Clause::Capture, reason, "send it in parts, or with proceed"))
}

/// Whether a refusal says that something before is not as the record takes it to be.
fn moved(answer: &Answer) -> bool {
    let Answer::Rejected(rejection) = answer else { return false };
    matches!(
        rejection.reason(),
        RejectionReason::StaleHead
            | RejectionReason::UnknownLot
            | RejectionReason::UnknownRecord
            | RejectionReason::OfferClosed
    )
}

fn trouble(answer: Answer) -> Trouble {
    match answer {
        Answer::Rejected(rejection) => Trouble::of(&rejection),
        Answer::Malformed { field, message } => {
            Trouble { field, ..Trouble::new("MALFORMED", message, "correct the field") }
        }
        Answer::NotTaken { message, .. } => Trouble::new("NOT_TAKEN", message, "run the command again later"),
        Answer::Accepted(_) => Trouble::new("NOT_JUDGED", "the node gave no judgement", "try another node"),
    }
}

/// Ids of the records that a record builds on.
fn named(record: &SignedRecord) -> Vec<RecordId> {
    let mut copy = record.record().clone();
    let mut ids: Vec<Vec<u8>> = draft::heads_mut(&mut copy).into_iter().map(|lot| lot.head.clone()).collect();
    ids.push(copy.corrects);
    match record.event() {
        Event::Accept(it) => ids.push(it.offer.clone()),
        Event::Decline(it) => ids.push(it.offer.clone()),
        Event::CancelShipment(it) => ids.push(it.offer.clone()),
        Event::Withdraw(it) => ids.push(it.record.clone()),
        _ => {}
    }
    ids.iter().filter_map(|id| RecordId::try_from(id.as_slice()).ok()).collect()
}

impl Intake<'_> {
    /// Has all of a document judged without handing any of it in. `whole`: what cannot be judged together is refused;
    /// else it is told what was not judged.
    pub(super) async fn rehearse(
        &mut self,
        path: &Path,
        surveyed: &Survey,
        document: &v1::Document,
        whole: bool,
        tally: &mut Tally,
        tell: &mut dyn FnMut(News),
    ) -> Result<(), Failure> {
        let file = File::open(path).map_err(|e| Failure::file("read", path, &e))?;
        let mut source = Document::open(BufReader::new(file)).map_err(|refusal| changed(path, &refusal))?;
        let mut importer = Importer::new(&self.acting, Some(document.clone()));
        let mut rehearsal = Rehearsal::begin(self.ledger).await.map_err(failure)?;
        let mut made = Made::default();
        let mut next = 0;
        // Events before this one are mapped.
        let mut mapped;
        loop {
            mapped = next;
            let (chunk, from) = read_chunk(path, &mut source, &mut next, surveyed)?;
            if chunk.is_empty() {
                if from == next {
                    break;
                }
                continue;
            }
            if self.names.are_too_many(0) {
                rehearsal.ended.get_or_insert((from, End::TooManyLots));
                break;
            }
            let work = self.chunk_work(chunk, &mut importer, tally, tell).await?;
            let mut desk = Desk::new(self.ledger, &mut self.keyring, self.stage).going_on(made);
            let rehearsed = desk.rehearse(work, &self.journal).await?;
            made = desk.made();
            rehearsal.add(&rehearsed).await;
            for (place, one) in rehearsed {
                match one {
                    Rehearsed::Refused(trouble) => tell(told(place, Fate::Refused(trouble), tally)),
                    Rehearsed::DoneBefore => tally.before += 1,
                    Rehearsed::Signed(_) | Rehearsed::Kept(_) | Rehearsed::Unsure => {}
                }
            }
            if rehearsal.broken.is_some() || whole && rehearsal.too_much().is_some() {
                mapped = next;
                break;
            }
        }
        // What the loop left; each event is a record, as far as is known.
        let wrong = surveyed.bad_events.iter().filter(|event| **event >= mapped).count() as u64;
        rehearsal.unsent += surveyed.events.saturating_sub(mapped + wrong);
        let all = rehearsal.sent.len() as u64 + rehearsal.unsent;
        let judged = match rehearsal.too_much().filter(|_| whole) {
            Some(End::TooManyLots) => {
                Err(format!("a document is about at most {} lots, to go in as a whole", many(MOST_REHEARSED)))
            }
            Some(_) => {
                let most = many(MAX_CHECKED_RECORDS);
                Err(format!("a document becomes at most {most} records, to go in as a whole"))
            }
            None => match rehearsal.end().await {
                Ok(judged) => Ok(judged),
                // More bytes than are judged together.
                Err(error @ ClientError::Malformed(_)) => Err(error.to_string()),
                Err(error) => return Err(failure(error)),
            },
        };
        let judged = match judged {
            Ok(judged) => judged,
            Err(reason) if whole => {
                tell(too_large(reason, tally));
                return Ok(());
            }
            Err(reason) => {
                tally.unjudged = all;
                tell(News { event: None, outcome: Outcome::Unjudged { reason } });
                return Ok(());
            }
        };
        tally.judged = judged.taken;
        tally.before += judged.before.len() as u64;
        for (place, id) in judged.before {
            let outcome = Outcome::Recorded { id: id.to_string(), before: true };
            tell(News { event: Some(place), outcome });
        }
        tally.unjudged = judged.unjudged;
        for (place, trouble) in judged.troubles {
            tell(told(place, Fate::Refused(trouble), tally));
        }
        if let (true, Some((place, End::Time))) = (whole, judged.ended) {
            let reason =
                format!("the time that the node gives to judging one document was over at event {place}");
            tell(too_large(reason, tally));
        }
        // With rollback, what cannot be known before is answered for when it is handed in.
        let anew = judged.anew.iter().filter(|_| !whole).map(|place| (*place, SIGNED_ANEW.to_owned()));
        let ended = judged.ended.filter(|(_, end)| !whole || *end == End::Refused);
        for (place, reason) in anew.chain(ended.map(|(place, end)| (place, end.why()))) {
            tell(News { event: Some(place), outcome: Outcome::Unjudged { reason } });
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn checked(judged: u64, refused: &[u64]) -> Checked {
        let answer = || Answer::Malformed { field: "x".to_owned(), message: "y".to_owned() };
        let refused = refused.iter().map(|place| (*place, answer())).collect();
        Checked { judged, refused, already_there: Vec::new() }
    }

    fn sent(event: u64) -> Sent {
        Sent { event, id: RecordId::from_bytes([event as u8; 32]), after: Vec::new(), kept: false }
    }

    #[test]
    fn what_is_in_the_ledger_already_would_not_go_in() {
        let ten: Vec<Sent> = (100..110).map(sent).collect();
        // Of the last two nothing can be known: one is refused, one was not judged.
        let checked = Checked { already_there: vec![1, 1, 4, 3, 9, u64::MAX], ..checked(9, &[3]) };
        let judged = judged(&ten, checked);
        assert_eq!(judged.before, [(101, ten[1].id), (104, ten[4].id)]);
        assert_eq!((judged.taken, judged.unjudged, judged.troubles.len()), (6, 1, 1));
    }

    #[test]
    fn what_was_not_judged_in_time_is_not_counted_as_what_would_go_in() {
        let ten: Vec<Sent> = (100..110).map(sent).collect();
        let whole = judged(&ten, checked(10, &[3]));
        assert_eq!((whole.taken, whole.unjudged, whole.ended), (9, 0, None));
        assert_eq!(whole.troubles.iter().map(|(event, _)| *event).collect::<Vec<_>>(), [103]);
        let part = judged(&ten, checked(6, &[3]));
        assert_eq!((part.taken, part.unjudged, part.ended), (5, 4, Some((106, End::Time))));
        let many: Vec<Sent> = (0..2_000).map(sent).collect();
        let refused: Vec<u64> = (0..1_000).collect();
        let part = judged(&many, checked(1_000, &refused));
        assert_eq!((part.taken, part.unjudged, part.ended), (0, 1_000, Some((1_000, End::Refused))));
    }
}
