//! Handing records in, one by one or as a stream.

use std::time::Duration;

use bytes::Bytes;
use ore_record::{RecordId, SignedRecord};
use ore_wire::v1::{self, Rejection, Stage, submit_result::Outcome};
use tokio::sync::mpsc;
use tokio_stream::{StreamExt, wrappers::ReceiverStream};
use tonic::Streaming;

use crate::{ClientError, Ledger};

/// Most records in one message of a stream (`SubmitStreamRequest`).
pub const MAX_MESSAGE_RECORDS: usize = 1_000;
/// Most bytes of records in one message of a stream.
pub const MAX_MESSAGE_BYTES: usize = 2 << 20;
/// Most records of one check (`Check` in `submission.proto`).
pub const MAX_CHECKED_RECORDS: usize = 100_000;
/// Messages of a check that may wait to be sent.
const CHECK_AHEAD: usize = 4;

/// A record that the ledger holds. Evidence of it is [`Ledger::receipt`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Accepted {
    /// Its id, computed here from what was signed.
    pub id: RecordId,
    /// Leaf in the log, by the node's word.
    pub leaf_index: u64,
    /// Height of its block, by the node's word.
    pub height: u64,
    /// It was there before.
    pub already_there: bool,
}

/// What became of one record of a stream.
#[derive(Clone, Debug)]
pub enum Answer {
    /// It is in the ledger.
    Accepted(Accepted),
    /// The rules refuse it.
    Rejected(Box<Rejection>),
    /// It is no record.
    Malformed {
        /// Path of the field.
        field: String,
        /// What is wrong.
        message: String,
    },
    /// The node could not take it now.
    NotTaken {
        /// Why.
        message: String,
        /// Send it again after this.
        after: Duration,
    },
}

/// Records that are being judged and not handed in: [`Ledger::check`].
pub struct Check<'a> {
    ledger: &'a Ledger,
    /// Where messages go; a few wait when the node reads more slowly.
    sender: mpsc::Sender<v1::CheckRequest>,
    answers: Streaming<v1::CheckResponse>,
    /// The answer of a node that had seen enough before all was sent.
    early: Option<v1::CheckResponse>,
    ids: Vec<RecordId>,
}

/// What came of a check. The node's word, as of one moment.
#[derive(Clone, Debug)]
pub struct Checked {
    /// Records that were judged, from the first on: all of them, or up to the one after which too many were refused, or
    /// as many as there was time for.
    pub judged: u64,
    /// Those that would be refused, by their place among all that were sent.
    pub refused: Vec<(u64, Answer)>,
    /// Those of the judged that are in the ledger already, by their place. A node of an earlier version names none.
    pub already_there: Vec<u64>,
}

impl Check<'_> {
    /// Sends records; those of later calls may build on them. A node that has refused enough listens no more, and what
    /// it found is told by [`Check::end`].
    ///
    /// # Errors
    /// [`ClientError`]: there is more than the node judges together, or the stream broke.
    pub async fn add(&mut self, records: &[SignedRecord]) -> Result<(), ClientError> {
        self.ids.extend(records.iter().map(SignedRecord::id));
        for entries in messages(records) {
            if self.early.is_none() && self.sender.send(v1::CheckRequest { entries }).await.is_err() {
                self.early = Some(self.answer().await?);
            }
        }
        Ok(())
    }

    /// The one answer of the stream.
    async fn answer(&mut self) -> Result<v1::CheckResponse, ClientError> {
        let answer = self.answers.message().await.map_err(|status| self.ledger.status(&status))?;
        answer.ok_or_else(|| ClientError::Unreachable {
            url: self.ledger.url().to_owned(),
            reason: "the stream ended without an answer".into(),
        })
    }

    /// Waits for the judgement.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn end(mut self) -> Result<Checked, ClientError> {
        // Nobody sends any more: the stream ends.
        self.sender = mpsc::channel(1).0;
        let answer = match self.early.take() {
            Some(answer) => answer,
            None => self.answer().await?,
        };
        let refused = answer.refused.into_iter().map(|result| {
            let place = result.sequence;
            let id = usize::try_from(place).ok().and_then(|place| self.ids.get(place));
            let id =
                id.ok_or_else(|| ClientError::verification("answer", "it is about a record not sent"))?;
            Ok((place, read(*id, result)?))
        });
        let refused = refused.collect::<Result<_, ClientError>>()?;
        Ok(Checked { judged: answer.judged, refused, already_there: answer.already_there })
    }
}

impl Ledger {
    /// Has records judged as if they were handed in one after the other, and hands none in.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn check(&self) -> Result<Check<'_>, ClientError> {
        let (sender, messages) = mpsc::channel(CHECK_AHEAD);
        let answer = self.submission_service().check(ReceiverStream::new(messages)).await;
        Ok(Check { ledger: self, sender, answers: self.answer(answer)?, early: None, ids: Vec::new() })
    }

    /// Hands one record in and waits for a stage.
    ///
    /// # Errors
    /// [`ClientError::Rejected`] with rule, numbers and next step; [`ClientError::Later`] when the node is busy.
    pub async fn submit(&self, record: &SignedRecord, wait: Stage) -> Result<Accepted, ClientError> {
        let request = v1::SubmitRequest { entry: record.entry().into(), wait: wait.into(), promise: false };
        let answer =
            self.submission_service().submit(request).await.map_err(|status| self.status(&status))?;
        let answer = answer.into_inner();
        accepted(record.id(), answer.place, answer.already_there)
    }

    /// Hands many records in, in order, and returns what became of each, in the same order.
    ///
    /// # Errors
    /// [`ClientError`] when the stream breaks; some records may be in the ledger then, and handing
    /// the same ones in again returns their places.
    pub async fn submit_many(
        &self,
        records: &[SignedRecord],
        wait: Stage,
    ) -> Result<Vec<Answer>, ClientError> {
        if records.is_empty() {
            return Ok(Vec::new());
        }
        let message = move |entries| v1::SubmitStreamRequest { entries, wait: wait.into() };
        let messages = tokio_stream::iter(messages(records).into_iter().map(message));
        let answer = self.submission_service().submit_stream(messages).await;
        let mut results = answer.map_err(|status| self.status(&status))?.into_inner();
        let mut answers = Vec::with_capacity(records.len());
        while answers.len() < records.len() {
            let Some(part) = results.next().await else {
                let why = format!("the stream ended after {} of {} answers", answers.len(), records.len());
                return Err(ClientError::Unreachable { url: self.url().to_owned(), reason: why });
            };
            for result in part.map_err(|status| self.status(&status))?.results {
                let sequence = answers.len();
                let record = records.get(sequence).filter(|_| result.sequence == sequence as u64);
                let record =
                    record.ok_or_else(|| ClientError::verification("answer", "answers are out of order"))?;
                answers.push(read(record.id(), result)?);
            }
        }
        Ok(answers)
    }
}

/// Records in as few messages as the limits allow.
fn messages(records: &[SignedRecord]) -> Vec<Vec<Bytes>> {
    let mut messages: Vec<Vec<Bytes>> = Vec::new();
    let mut bytes = 0;
    for record in records {
        let entry = record.entry();
        let room = messages.last().is_some_and(|message| message.len() < MAX_MESSAGE_RECORDS)
            && bytes + entry.len() <= MAX_MESSAGE_BYTES;
        if !room {
            messages.push(Vec::new());
            bytes = 0;
        }
        bytes += entry.len();
        messages.last_mut().expect("pushed when there was none").push(entry.into());
    }
    messages
}

fn read(id: RecordId, result: v1::SubmitResult) -> Result<Answer, ClientError> {
    Ok(match result.outcome {
        Some(Outcome::Accepted(place)) => Answer::Accepted(accepted(id, Some(place), false)?),
        Some(Outcome::AlreadyThere(place)) => Answer::Accepted(accepted(id, Some(place), true)?),
        Some(Outcome::Rejected(rejection)) => Answer::Rejected(Box::new(rejection)),
        Some(Outcome::Malformed(malformed)) => {
            Answer::Malformed { field: malformed.field, message: malformed.message }
        }
        Some(Outcome::NotTaken(busy)) => Answer::NotTaken {
            message: busy.message,
            after: Duration::from_millis(busy.retry_after_ms.into()),
        },
        None => return Err(ClientError::verification("answer", "it has no outcome that this program knows")),
    })
}

pub(crate) fn accepted(
    id: RecordId,
    place: Option<v1::Place>,
    already_there: bool,
) -> Result<Accepted, ClientError> {
    let place = place.unwrap_or_default();
    if place.record_id.as_ref() != id.as_bytes() {
        return Err(ClientError::verification("answer", "it names another record than the one handed in"));
    }
    Ok(Accepted { id, leaf_index: place.leaf_index, height: place.height, already_there })
}
