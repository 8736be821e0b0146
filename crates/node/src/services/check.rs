//! Records that are judged and not appended: a stream of them, one answer.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use bytes::Bytes;
use futures::stream;
use ore_record::VerifiedRecord;
use ore_wire::{status, v1};
use tonic::{Response, Status, Streaming};

use super::{Api, submission::too_many};
use crate::{
    admission,
    limits::{self, BAD_RECORD_BYTES},
    outcome::Outcome,
    sequencer::now_ms,
    trial::{self, Found},
};

/// So many times as long as a call may take, records of one trial may take to come.
const GATHERED_FOR: u32 = 4;

/// An answer that comes when the last record has come.
pub(super) type Answer =
    std::pin::Pin<Box<dyn futures::Stream<Item = Result<v1::CheckResponse, Status>> + Send>>;

/// Answers at once with a stream, so that a sender may take longer than a call may.
pub(super) fn answer(api: Arc<Api>, inbound: Streaming<v1::CheckRequest>) -> Response<Answer> {
    let account = limits::account();
    let checked = async move {
        match account {
            Some(account) => limits::on_account(account, check(&api, inbound)).await,
            None => check(&api, inbound).await,
        }
    };
    Response::new(Box::pin(stream::once(checked)))
}

async fn check(api: &Api, mut inbound: Streaming<v1::CheckRequest>) -> Result<v1::CheckResponse, Status> {
    let account = limits::account();
    if let Some(account) = &account {
        account.may_compute()?;
    }
    let busy = || status::overloaded("as many trials as there may be are under way", Duration::from_secs(1));
    let _place = api.trials.place().ok_or_else(busy)?;
    let _own = account.as_ref().map(|account| account.try_trial().ok_or_else(busy)).transpose()?;
    let (mut records, mut bytes) = (Vec::new(), 0);
    let mut refused = Vec::new();
    let mut sent = 0;
    let until = Instant::now() + api.request_timeout * GATHERED_FOR;
    // Ends with the stream, or at a bound: each message has a record at least.
    while let Some(message) = api.timed(inbound.message()).await? {
        if Instant::now() > until {
            return Err(Status::deadline_exceeded(
                "the records did not come in the time that there is for them",
            ));
        }
        let of_message: usize = message.entries.iter().map(Bytes::len).sum();
        if message.entries.is_empty() || too_many(message.entries.len(), of_message) {
            return Err(status::malformed("entries", "1 to 1,000 records and at most 2 MiB in a message"));
        }
        bytes += of_message;
        if sent + message.entries.len() > trial::MOST_RECORDS || bytes > trial::MOST_BYTES {
            let most = format!("at most {} records and {} bytes", trial::MOST_RECORDS, trial::MOST_BYTES);
            let message = format!("{most} are judged together; send fewer at once");
            return Err(status::malformed("entries", &message));
        }
        let verified = tokio::task::spawn_blocking(move || admission::verified(&message.entries)).await;
        for one in verified.map_err(|_| Status::internal("signatures could not be checked"))? {
            match one {
                Ok(record) => records.push((sent, record)),
                Err(fault) => {
                    if let Some(account) = &account {
                        account.pay_for_bytes(BAD_RECORD_BYTES);
                    }
                    refused.push((sent, Outcome::Malformed { field: fault.field, message: fault.message }));
                }
            }
            sent += 1;
        }
        if refused.len() >= trial::MOST_REFUSED {
            break;
        }
    }
    let (found, tree_size) = judged(api, records).await?;
    let mut already_there = found.already_there;
    let rejected = found.refused.into_iter().map(|(place, why)| (place, Outcome::Rejected(why)));
    let (judged, refused) = told(sent, found.unjudged, refused.into_iter().chain(rejected).collect());
    already_there.retain(|place| *place < judged);
    let result = |(place, outcome): (usize, Outcome)| v1::SubmitResult {
        sequence: place as u64,
        outcome: Some(outcome.into()),
    };
    let refused = refused.into_iter().map(result).collect();
    let already_there = already_there.into_iter().map(|place| place as u64).collect();
    Ok(v1::CheckResponse { judged: judged as u64, refused, tree_size, already_there })
}

/// How many are told of, from the first on, and which of them are refused: up to the first that there was no time for,
/// or to the one after which too many are refused.
fn told<T>(sent: usize, unjudged: Option<usize>, mut refused: Vec<(usize, T)>) -> (usize, Vec<(usize, T)>) {
    refused.sort_by_key(|(place, _)| *place);
    let in_time = unjudged.unwrap_or(sent);
    let judged = refused.get(trial::MOST_REFUSED - 1).map_or(in_time, |(last, _)| in_time.min(last + 1));
    // Signatures were checked of all.
    refused.retain(|(place, _)| *place < judged);
    (judged, refused)
}

/// The trial, on the caller's account and in its turn; and the size of the log that it was held on top of.
async fn judged(api: &Api, records: Vec<(usize, VerifiedRecord)>) -> Result<(Found, u64), Status> {
    // The rest first: whoever waits for it has no place at computing, and whoever waits for that has not the state.
    let turn = api.timed(async { Ok(api.trials.turn().await) }).await?;
    let computing = api.turn().await?;
    let custody = api.timed(async { Ok(Arc::clone(&api.ledger.custody).write_owned().await) }).await?;
    let begun = turn.begin();
    let ledger = Arc::clone(&api.ledger);
    let trial = tokio::task::spawn_blocking(move || {
        // Whatever ends this, and whether or not the caller is there: the state is given back, then its rest begins.
        let (_computing, _begun) = (computing, begun);
        let mut custody = custody;
        let newest = *ledger.newest.borrow();
        let time_ms = now_ms().max(newest.time_ms);
        let found = trial::judge(&mut custody, newest.height + 1, time_ms, &ledger.reader, &records);
        (found, custody.leaves())
    });
    trial.await.map_err(|_| Status::internal("the records could not be judged; please report it"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_there_was_no_time_for_is_not_told_of() {
        let refused = |places: &[usize]| places.iter().map(|place| (*place, ())).collect::<Vec<_>>();
        assert_eq!(told(10, None, refused(&[7, 2])), (10, refused(&[2, 7])));
        assert_eq!(told(10, Some(6), refused(&[7, 2])), (6, refused(&[2])), "a signature of a later one");
        assert_eq!(told(10, Some(0), refused(&[7])), (0, refused(&[])));
        let many: Vec<usize> = (5..5 + trial::MOST_REFUSED + 3).collect();
        let (judged, told_of) = told(5_000, None, refused(&many));
        assert_eq!((judged, told_of.len()), (5 + trial::MOST_REFUSED, trial::MOST_REFUSED));
        assert_eq!(told(5_000, Some(50), refused(&many)).0, 50);
    }
}
