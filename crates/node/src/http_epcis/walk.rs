//! The records that a query looks at, in its order, until a page is full.
//!
//! The first page fixes the size of the log that all pages are about. In the order of the log a page looks at a bounded
//! number of records and says where to go on; an order by the time of events needs all of their times first, so the
//! records of such a query are bounded, and so are those of one that must know how many events there are.

use std::{fmt, ops::Range};

use bytes::Bytes;
use ore_epcis::{
    Directory, Instant, export,
    json::Object,
    query::{Order, OrderBy, Query},
};
use ore_record::SignedRecord;
use ore_store::Reader;
use tonic::Status;

use crate::services::{Api, unreadable};

/// Entries that are read at once.
const READ_AHEAD: usize = 256;
/// Entries that one page looks at; then it ends, full or not, and says where to go on.
const MOST_LOOKED_AT: u64 = 16_384;
/// Bytes of the entries on one page, after which it ends.
const PAGE_BYTES: usize = 4 << 20;
/// Most entries that are put in order, or counted.
const MOST_ORDERED: u64 = 65_536;

/// Where a page begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Token {
    /// Entries before it, in the query's order.
    at: u64,
    /// Entries in the log when the first page was made.
    size: u64,
    /// Events that may still come.
    left: u64,
}

impl fmt::Display for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.at, self.size, self.left)
    }
}

impl Token {
    /// As a page before wrote it.
    pub(super) fn read(text: &str) -> Option<Self> {
        let mut parts = text.split('.').map(|part| part.parse().ok());
        let token = Self { at: parts.next()??, size: parts.next()??, left: parts.next()?? };
        parts.next().is_none().then_some(token)
    }
}

/// Why a query has no answer.
pub(super) enum NoAnswer {
    /// The node cannot give it.
    Status(Status),
    /// More events than the caller wants.
    TooLarge(u64),
    /// More entries than are put in order or counted.
    TooComplex {
        /// How many there are.
        entries: u64,
        /// How many at most.
        most: u64,
    },
}

impl From<Status> for NoAnswer {
    fn from(status: Status) -> Self {
        Self::Status(status)
    }
}

/// A page of events, and where the next one begins.
pub(super) async fn page(
    api: &Api,
    query: &Query,
    token: Option<Token>,
) -> Result<(Vec<Object>, Option<Token>), NoAnswer> {
    // Reading and writing events is work: on the caller's account, and in its turn.
    let _computing = api.turn().await?;
    let now = api.ledger.tree_size();
    let first = Token { at: 0, size: now, left: query.event_count_limit.unwrap_or(u64::MAX) };
    let start = token.unwrap_or(first);
    let leaves = taken(api, query, start.size.min(now))?;
    let entries = leaves.end - leaves.start;
    let by_time = query.order.filter(|order| order.by == OrderBy::EventTime);
    let counted = query.max_event_count.filter(|_| token.is_none());
    if (by_time.is_some() || counted.is_some()) && entries > MOST_ORDERED {
        return Err(NoAnswer::TooComplex { entries, most: MOST_ORDERED });
    }
    let mut walk = Walk::new(api, query, leaves);
    if let Some(most) = counted {
        walk.count(most).await?;
    }
    if let Some(order) = by_time {
        walk.sort(order).await?;
    }
    walk.events(start).await.map_err(NoAnswer::Status)
}

/// Leaves below `size` of blocks whose time is within the bounds of `recordTime`.
fn taken(api: &Api, query: &Query, size: u64) -> Result<Range<u64>, Status> {
    let (from, until) = query.record_time();
    let begin = from.map_or(Ok(0), |time| first_leaf_since(&api.ledger.reader, time))?;
    let end = until.map_or(Ok(size), |time| first_leaf_since(&api.ledger.reader, time))?.min(size);
    Ok(begin.min(end)..end)
}

/// The first leaf of the first block that is not before a time. Times of blocks never fall.
fn first_leaf_since(reader: &Reader, time: Instant) -> Result<u64, Status> {
    let time_ms = time.since_1970_ms().unwrap_or(0);
    let newest = reader.newest().map_or(0, |(header, _)| header.height);
    // Heights below `low` are before it, those from `high` on are not.
    let (mut low, mut high) = (0, newest + 1);
    while low < high {
        let middle = low + (high - low) / 2;
        let header = reader.header(middle).map_err(|error| unreadable(&error))?;
        if header.is_some_and(|header| header.time_ms < time_ms) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    Ok(low.checked_sub(1).and_then(|before| reader.end_of_block(before)).map_or(0, |size| size.get()))
}

/// A query under way.
struct Walk<'a> {
    api: &'a Api,
    query: &'a Query,
    directory: Directory,
    leaves: Range<u64>,
    /// Leaves in another order than that of the log.
    sorted: Option<Vec<u64>>,
    backwards: bool,
    /// The block whose time was read last: its first leaf, the one after its last, and its time.
    block: (Range<u64>, i64),
}

impl<'a> Walk<'a> {
    fn new(api: &'a Api, query: &'a Query, leaves: Range<u64>) -> Self {
        let directory = Directory::new(&api.ledger.origin);
        let backwards = query.order.is_some_and(|order| order.by == OrderBy::RecordTime && order.descending);
        Self { api, query, directory, leaves, sorted: None, backwards, block: (0..0, 0) }
    }

    /// Leaves from a position on, in the query's order.
    fn from(&self, at: u64) -> Vec<u64> {
        let entries = self.leaves.end - self.leaves.start;
        let positions = at.min(entries)..at.saturating_add(READ_AHEAD as u64).min(entries);
        positions
            .map(|at| match &self.sorted {
                Some(sorted) => sorted[at as usize],
                None if self.backwards => self.leaves.end - 1 - at,
                None => self.leaves.start + at,
            })
            .collect()
    }

    /// Entries of leaves: neighbours are read together.
    fn read(&self, leaves: &[u64]) -> Result<Vec<(u64, Bytes)>, Status> {
        let reader = &self.api.ledger.reader;
        if self.sorted.is_some() {
            let one = |leaf: &u64| reader.entry(*leaf).map(|entry| Some((*leaf, entry?))).transpose();
            return leaves
                .iter()
                .filter_map(one)
                .collect::<Result<_, _>>()
                .map_err(|error| unreadable(&error));
        }
        let (Some(low), Some(high)) = (leaves.iter().min(), leaves.iter().max()) else {
            return Ok(Vec::new());
        };
        let entries = reader.entries(*low..*high + 1).map_err(|error| unreadable(&error))?;
        let mut read: Vec<(u64, Bytes)> = (*low..).zip(entries).collect();
        if self.backwards {
            read.reverse();
        }
        Ok(read)
    }

    /// The events from a position on, until the page is full.
    async fn events(&mut self, start: Token) -> Result<(Vec<Object>, Option<Token>), Status> {
        let entries = self.leaves.end - self.leaves.start;
        let end = entries.min(start.at.saturating_add(MOST_LOOKED_AT));
        let (mut events, mut bytes, mut next) = (Vec::new(), 0, start);
        'page: while next.at < end && next.left > 0 {
            let part = self.read(&self.from(next.at))?;
            if part.is_empty() {
                break;
            }
            for (leaf, entry) in part {
                next.at += 1;
                let Some(event) = self.event(&entry, leaf).await? else { continue };
                if !self.query.matches(&event) {
                    continue;
                }
                events.push(event);
                bytes += entry.len();
                next.left -= 1;
                if events.len() == self.query.per_page || bytes > PAGE_BYTES || next.left == 0 {
                    break 'page;
                }
            }
            // A long log leaves room for others between two parts.
            tokio::task::yield_now().await;
        }
        Ok((events, (next.at < entries && next.left > 0).then_some(next)))
    }

    /// Refuses when more events answer the query than so many.
    async fn count(&mut self, most: u64) -> Result<(), NoAnswer> {
        let (mut at, mut found) = (0, 0);
        loop {
            let part = self.read(&self.from(at))?;
            if part.is_empty() {
                return Ok(());
            }
            for (leaf, entry) in part {
                at += 1;
                let event = self.event(&entry, leaf).await?;
                found += u64::from(event.is_some_and(|event| self.query.matches(&event)));
                if found > most {
                    return Err(NoAnswer::TooLarge(most));
                }
            }
            tokio::task::yield_now().await;
        }
    }

    /// Puts the leaves in the order of their events' times; of one time, in the order of the log.
    async fn sort(&mut self, order: Order) -> Result<(), Status> {
        let mut times: Vec<(u64, u64)> = Vec::new();
        let mut at = 0;
        loop {
            let part = self.read(&self.from(at))?;
            if part.is_empty() {
                break;
            }
            for (leaf, entry) in part {
                at += 1;
                let Ok(record) = SignedRecord::decode(&entry) else {
                    times.push((0, leaf));
                    continue;
                };
                // An error declaration bears the time of the event that it is about.
                let withdrawn = self.withdrawn(&record).await?;
                let of = withdrawn.as_ref().unwrap_or(&record);
                times.push((of.record().event_time_ms, leaf));
            }
            tokio::task::yield_now().await;
        }
        match order.descending {
            true => times.sort_unstable_by_key(|(time, leaf)| (std::cmp::Reverse(*time), *leaf)),
            false => times.sort_unstable(),
        }
        self.sorted = Some(times.into_iter().map(|(_, leaf)| leaf).collect());
        Ok(())
    }

    /// One entry as an event with the time at which the ledger took it; none if it is about no lot.
    async fn event(&mut self, entry: &[u8], leaf: u64) -> Result<Option<Object>, Status> {
        let Ok(record) = SignedRecord::decode(entry) else { return Ok(None) };
        if record.is_seal() {
            return Ok(None);
        }
        let withdrawn = self.withdrawn(&record).await?;
        let withdrawn = withdrawn.as_ref().map(SignedRecord::record);
        let Some(mut event) = export::record(&record, withdrawn, &self.directory) else { return Ok(None) };
        if let Some(time) = self.block_time(leaf)? {
            event.set("recordTime", time.utc());
        }
        Ok(Some(event))
    }

    /// When the block of a leaf was made; a block is read once for its neighbours too.
    fn block_time(&mut self, leaf: u64) -> Result<Option<Instant>, Status> {
        let reader = &self.api.ledger.reader;
        if !self.block.0.contains(&leaf) {
            let Some(height) = reader.height_of(leaf) else { return Ok(None) };
            let Some(header) = reader.header(height).map_err(|error| unreadable(&error))? else {
                return Ok(None);
            };
            let before = height.checked_sub(1).and_then(|before| reader.end_of_block(before));
            let leaves = before.map_or(0, |size| size.get())..header.tree_size;
            self.block = (leaves, i64::try_from(header.time_ms).unwrap_or(i64::MAX));
        }
        Ok(Some(Instant::from_ms(self.block.1)))
    }

    /// The record that a record withdraws.
    async fn withdrawn(&self, record: &SignedRecord) -> Result<Option<SignedRecord>, Status> {
        let Some(id) = export::withdrawn_id(record.record()) else { return Ok(None) };
        let Some(leaf) = self.api.ledger.custody.read().await.leaf_of(&id) else { return Ok(None) };
        let entry = self.api.ledger.reader.entry(leaf).map_err(|error| unreadable(&error))?;
        Ok(entry.and_then(|entry| SignedRecord::decode(&entry).ok()))
    }
}

#[cfg(test)]
mod tests {
    use super::Token;

    #[test]
    fn a_token_is_read_as_it_was_written_and_nothing_else_is_one() {
        let token = Token { at: 17, size: 300, left: u64::MAX };
        assert_eq!(Token::read(&token.to_string()), Some(token));
        for text in ["", "17", "17.300", "17.300.5.1", "17.300.-1", "a.b.c"] {
            assert_eq!(Token::read(text), None, "{text}");
        }
    }
}
