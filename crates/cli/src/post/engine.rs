//! The engine: windows of statements are completed, signed, written down, handed in, and answered for.

use std::{
    collections::{HashMap, VecDeque},
    time::Duration,
};

use ore_client::{Accepted, Answer, ClientError, Ledger};
use ore_record::{RecordId, SignedRecord, draft};
use ore_wire::{
    status::reason_name,
    v1::{Rejection, RejectionReason, Stage},
};

use super::{
    item::{IdField, Item, moves_unnamed_heads, names_lots, wants_open_offer},
    journal::{Journal, Standing, StatementHash},
    keyring::Keyring,
    known::Known,
};
use crate::{failure::Failure, keyfile};

/// Statements that are handed in together.
const WINDOW: usize = 512;
/// Times that a statement is signed again because its lot moved on meanwhile.
const MOST_TRIES: u32 = 4;
/// Times that a busy node is asked again before giving up.
const MOST_WAITS: u32 = 200;

/// A statement to hand in.
#[derive(Clone, Debug)]
pub(crate) struct Work {
    /// Where it stands in the input: a line number, or a place in the story.
    pub(crate) place: u64,
    /// Identifies it in the journal.
    pub(crate) hash: StatementHash,
    pub(crate) item: Item,
}

/// What became of a statement.
#[derive(Clone, Debug)]
pub(crate) enum Fate {
    /// It is in the ledger.
    Accepted(Accepted),
    /// It was there before this run.
    DoneBefore(RecordId),
    /// Its author has to act.
    Refused(Trouble),
}

/// What would be handed in of a statement.
#[derive(Clone, Debug)]
pub(crate) enum Rehearsed {
    /// This record.
    Signed(SignedRecord),
    /// This record, which an earlier run signed; should heads have moved on, it is signed anew.
    Kept(SignedRecord),
    /// It names lots whose newest record cannot be known before a withdrawal is in.
    Unsure,
    /// Nothing: it is in.
    DoneBefore,
    /// Nothing: its author has to act.
    Refused(Trouble),
}

/// Why a statement is not in the ledger.
#[derive(Clone, Debug)]
pub(crate) struct Trouble {
    /// Closed name of the reason: `STALE_HEAD`, `MALFORMED`, ...
    pub(crate) reason: String,
    /// The field, where it is one.
    pub(crate) field: String,
    /// What is wrong, with the numbers.
    pub(crate) message: String,
    /// What to do.
    pub(crate) next_step: String,
}

impl Trouble {
    pub(crate) fn new(reason: &str, message: impl ToString, next_step: impl ToString) -> Self {
        Self {
            reason: reason.to_owned(),
            field: String::new(),
            message: message.to_string(),
            next_step: next_step.to_string(),
        }
    }

    pub(crate) fn of(rejection: &Rejection) -> Self {
        let newest = match RecordId::try_from(rejection.newest_head.as_ref()) {
            Ok(head) => format!(" (newest: {head})"),
            Err(_) => String::new(),
        };
        Self::new(
            reason_name(rejection.reason()),
            format!("rule {}: {}{newest}", rejection.rule, rejection.message),
            &rejection.next_step,
        )
    }
}

/// A statement on its way.
struct OnItsWay {
    work: Work,
    tries: u32,
    /// The tool filled in heads or ids, so the tool may fill them in again.
    filled: bool,
    record: SignedRecord,
}

/// Everything that handing in takes.
pub(crate) struct Desk<'a> {
    ledger: &'a Ledger,
    keyring: &'a mut Keyring,
    wait: Stage,
    made: Made,
}

/// What statements before have made: theirs are the heads, offers and ids that the next ones name.
#[derive(Default)]
pub(crate) struct Made {
    known: Known,
    labels: HashMap<String, RecordId>,
    /// In a rehearsal: a withdrawal has moved heads that cannot be known.
    unsure: bool,
}

impl<'a> Desk<'a> {
    pub(crate) fn new(ledger: &'a Ledger, keyring: &'a mut Keyring, wait: Stage) -> Self {
        Self { ledger, keyring, wait, made: Made::default() }
    }

    /// Goes on where another desk stopped, which a rehearsal does: nothing of what it made is in the ledger.
    pub(crate) fn going_on(self, made: Made) -> Self {
        Self { made, ..self }
    }

    /// What was made so far.
    pub(crate) fn made(self) -> Made {
        self.made
    }

    /// Hands statements in, in order, and tells what became of each.
    ///
    /// # Errors
    /// Only what stops the whole: no ledger, no key file, no room for the journal.
    pub(crate) async fn post(
        &mut self,
        work: Vec<Work>,
        journal: &mut Journal,
        tell: &mut dyn FnMut(&Work, Fate),
    ) -> Result<(), Failure> {
        let mut queue: VecDeque<(Work, u32)> = VecDeque::new();
        for work in work {
            match journal.standing(&work.hash) {
                Some(Standing::Done(id)) => {
                    if !work.item.label.is_empty() {
                        self.made.labels.insert(work.item.label.clone(), *id);
                    }
                    tell(&work, Fate::DoneBefore(*id));
                }
                _ => queue.push_back((work, 0)),
            }
        }
        while !queue.is_empty() {
            let window = self.fill_window(&mut queue, journal, tell).await?;
            journal.flush()?;
            let records: Vec<SignedRecord> = window.iter().map(|one| one.record.clone()).collect();
            let answers = self.hand_in(&records).await?;
            let mut again = Vec::new();
            for (one, answer) in window.into_iter().zip(answers) {
                if let Some(retry) = self.settle(one, answer, journal, tell) {
                    again.push(retry);
                }
            }
            journal.flush()?;
            again.into_iter().rev().for_each(|retry| queue.push_front(retry));
        }
        Ok(())
    }

    /// Completes and signs statements that are not in yet, as [`Desk::post`] would, without writing down or handing in
    /// any. Later calls build on them, so that what is signed is what would be handed in.
    ///
    /// # Errors
    /// As [`Desk::post`].
    pub(crate) async fn rehearse(
        &mut self,
        mut work: Vec<Work>,
        journal: &Journal,
    ) -> Result<Vec<(u64, Rehearsed)>, Failure> {
        let open =
            work.iter_mut().filter(|work| !matches!(journal.standing(&work.hash), Some(Standing::Done(_))));
        self.made.known.learn(self.ledger, open.map(|work| &mut work.item)).await.map_err(failure)?;
        let mut rehearsed = Vec::with_capacity(work.len());
        for mut work in work {
            let one = match journal.standing(&work.hash) {
                Some(Standing::Done(id)) => {
                    if !work.item.label.is_empty() {
                        self.made.labels.insert(work.item.label.clone(), *id);
                    }
                    Rehearsed::DoneBefore
                }
                Some(Standing::Signed(record)) if work.item.signed_elsewhere => {
                    Rehearsed::Signed((**record).clone())
                }
                Some(Standing::Signed(record)) => Rehearsed::Kept((**record).clone()),
                _ if self.made.unsure && names_lots(&mut work.item) => Rehearsed::Unsure,
                _ => match self.complete(&work)? {
                    Ok((record, _)) => Rehearsed::Signed(record),
                    Err(trouble) => Rehearsed::Refused(trouble),
                },
            };
            if let Rehearsed::Signed(record) | Rehearsed::Kept(record) = &one {
                self.note_made(&work, record);
                self.made.unsure |= moves_unnamed_heads(record.event()) && work.item.moves.is_empty();
            }
            rehearsed.push((work.place, one));
        }
        Ok(rehearsed)
    }

    /// Takes statements off the queue, completes and signs them.
    async fn fill_window(
        &mut self,
        queue: &mut VecDeque<(Work, u32)>,
        journal: &mut Journal,
        tell: &mut dyn FnMut(&Work, Fate),
    ) -> Result<Vec<OnItsWay>, Failure> {
        let next = queue.iter_mut().take(WINDOW).map(|(work, _)| &mut work.item);
        self.made.known.learn(self.ledger, next).await.map_err(failure)?;
        let (mut window, mut unsure) = (Vec::new(), false);
        // What is refused here counts too: of statements beyond these nothing was learnt.
        for _ in 0..WINDOW {
            // What names lots waits for what may have moved their heads.
            if unsure && queue.front_mut().is_some_and(|(next, _)| names_lots(&mut next.item)) {
                break;
            }
            let Some((work, tries)) = queue.pop_front() else { break };
            if tries == 0
                && let Some(Standing::Signed(record)) = journal.standing(&work.hash)
            {
                let record = (**record).clone();
                unsure |= moves_unnamed_heads(record.event());
                self.note_made(&work, &record);
                let filled = !work.item.signed_elsewhere;
                window.push(OnItsWay { work, tries, filled, record });
                continue;
            }
            match self.complete(&work)? {
                Ok((record, filled)) => {
                    journal.signed(&work.hash, &record);
                    self.note_made(&work, &record);
                    unsure |= moves_unnamed_heads(record.event());
                    window.push(OnItsWay { work, tries, filled, record });
                }
                Err(trouble) => tell(&work, Fate::Refused(trouble)),
            }
        }
        Ok(window)
    }

    fn note_made(&mut self, work: &Work, record: &SignedRecord) {
        self.made.known.made(record.id(), &mut record.record().clone(), &work.item.moves);
        if !work.item.label.is_empty() {
            self.made.labels.insert(work.item.label.clone(), record.id());
        }
    }

    /// Fills in every blank and signs.
    fn complete(&mut self, work: &Work) -> Result<Result<(SignedRecord, bool), Trouble>, Failure> {
        let mut record = work.item.record.clone();
        let mut filled = false;
        for (field, label) in &work.item.links {
            let Some(id) = self.made.labels.get(label) else {
                let next = "give the line that it refers to this label, and put it first";
                return Ok(Err(Trouble::new(
                    "UNKNOWN_LABEL",
                    format_args!("no line before has the label {label:?}"),
                    next,
                )));
            };
            if !field.set(&mut record, id.as_bytes()) {
                let next = "leave the field out";
                return Ok(Err(Trouble::new(
                    "MALFORMED",
                    format_args!("this event has no field for {label:?}"),
                    next,
                )));
            }
            filled = true;
        }
        if wants_open_offer(&work.item) {
            let lot = draft::heads_mut(&mut record).first().map(|lot| lot.lot.clone()).unwrap_or_default();
            match self.made.known.offer(&lot) {
                Some(id) => filled |= IdField::Offer.set(&mut record, id.as_bytes()),
                None => {
                    let next = "name the Ship record in `offer`, or check the lot with `oreledger lot show`";
                    return Ok(Err(Trouble::new("OFFER_CLOSED", "there is no open offer on the lot", next)));
                }
            }
        }
        filled |= self.made.known.fill_heads(&mut record);
        let author = record.author.clone();
        let origin = &self.ledger.trust().origin;
        draft::complete(&mut record, origin, &author, keyfile::random());
        let key = self.keyring.of(&author)?;
        Ok(SignedRecord::sign(record, key).map(|record| (record, filled)).map_err(|error| {
            Trouble::new(
                "MALFORMED",
                error,
                "put documents in by digest; split a long campaign into several records",
            )
        }))
    }

    /// Hands a window in; while the node is busy, waits as it asks.
    async fn hand_in(&self, records: &[SignedRecord]) -> Result<Vec<Answer>, Failure> {
        for _ in 0..MOST_WAITS {
            let answers = match self.ledger.submit_many(records, self.wait).await {
                Ok(answers) => answers,
                Err(ClientError::Later { after, .. }) => {
                    tokio::time::sleep(after).await;
                    continue;
                }
                Err(error) => return Err(failure(error)),
            };
            let busy = answers.iter().find_map(|answer| match answer {
                Answer::NotTaken { after, .. } => Some(*after),
                _ => None,
            });
            let Some(after) = busy else { return Ok(answers) };
            // The same bytes again: those that are in are answered with their place.
            tokio::time::sleep(after.max(Duration::from_millis(20))).await;
        }
        Err(Failure::unreachable(
            "the node stays busy",
            "run the command again later; it continues where it stopped",
        ))
    }

    /// Notes an answer; gives the statement back when it is to be tried again.
    fn settle(
        &mut self,
        one: OnItsWay,
        answer: Answer,
        journal: &mut Journal,
        tell: &mut dyn FnMut(&Work, Fate),
    ) -> Option<(Work, u32)> {
        let OnItsWay { work, tries, filled, record } = one;
        let trouble = match answer {
            Answer::Accepted(accepted) => {
                journal.accepted(&work.hash, accepted.id);
                if moves_unnamed_heads(record.event()) {
                    self.made.known.forget_heads();
                }
                tell(&work, Fate::Accepted(accepted));
                return None;
            }
            Answer::Rejected(rejection) => {
                self.made.known.unmade(&mut record.record().clone());
                let moved = matches!(
                    rejection.reason(),
                    RejectionReason::StaleHead
                        | RejectionReason::UnknownRecord
                        | RejectionReason::OfferClosed
                );
                if moved && filled && tries + 1 < MOST_TRIES {
                    return Some((work, tries + 1));
                }
                Trouble::of(&rejection)
            }
            Answer::Malformed { field, message } => {
                self.made.known.unmade(&mut record.record().clone());
                Trouble { field, ..Trouble::new("MALFORMED", message, "correct the field") }
            }
            Answer::NotTaken { message, .. } => {
                Trouble::new("NOT_TAKEN", message, "run the command again later")
            }
        };
        journal.refused(&work.hash);
        tell(&work, Fate::Refused(trouble));
        None
    }
}

/// How a client's error ends a command.
pub(crate) fn failure(error: ClientError) -> Failure {
    use crate::failure::Kind;
    let kind = match &error {
        ClientError::Unreachable { .. } | ClientError::Later { .. } => Kind::Unreachable,
        ClientError::Verification { .. } => Kind::Verification,
        ClientError::Address { .. } | ClientError::Memory(_) => Kind::Usage,
        ClientError::Rejected(_)
        | ClientError::Malformed(_)
        | ClientError::NotFound(_)
        | ClientError::Unknown(_)
        | ClientError::Denied(_)
        | ClientError::Node { .. } => Kind::Refused,
    };
    Failure::new(kind, &error, error.next_step())
}
