//! Who asked what of the origin check: a log that an auditor reads, so that fishing for a fitting claim shows.
//!
//! A question is written down before it is answered; what cannot be written is not answered. What counts as
//! evidence is a signed record anyway (the claim, before the assay), and every member keeps those; this log is about
//! questions beside it, on this node. It is not part of the ledger: a question would cost a block, and a member
//! with a node of its own could still ask it unseen. The newest questions may be lost in a power cut.

use std::{
    collections::VecDeque,
    fs::{self, File, OpenOptions},
    io::{self, BufRead, BufReader, Write},
    path::{Path, PathBuf},
    sync::{Mutex, MutexGuard, PoisonError},
};

use ore_wire::v1::OriginQuery;
use serde::{Deserialize, Serialize};

/// Name of the log in the data directory.
pub const FILE: &str = "queries.jsonl";
/// Name of the one before it, kept when the log has grown to its bound.
const OLDER: &str = "queries.older.jsonl";
/// Bytes of one file; two are kept.
const MOST_BYTES: u64 = 16 << 20;
/// Queries that are held in memory and can be listed.
const MOST_HELD: usize = 20_000;
/// Longest line that is read back.
const MOST_LINE: usize = 4_096;

/// One line of the file.
#[derive(Debug, Deserialize, Serialize)]
struct Line {
    time_ms: u64,
    member: String,
    question: String,
    #[serde(default)]
    lot: String,
    #[serde(default)]
    library: String,
    #[serde(default)]
    origin: String,
    outcome: String,
    /// Of the question, hexadecimal.
    sha256: String,
}

/// The log.
#[derive(Debug)]
pub struct QueryLog {
    folder: PathBuf,
    inner: Mutex<Inner>,
}

#[derive(Debug)]
struct Inner {
    file: File,
    bytes: u64,
    held: VecDeque<OriginQuery>,
    dropped: u64,
}

impl QueryLog {
    /// Opens the log of a data directory, or begins it. A line that a crash cut off is passed over.
    ///
    /// # Errors
    /// What the disk says.
    pub fn open(folder: &Path) -> io::Result<Self> {
        let mut held = VecDeque::new();
        let mut dropped = 0;
        for name in [OLDER, FILE] {
            let file = match File::open(folder.join(name)) {
                Ok(file) => file,
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                Err(error) => return Err(error),
            };
            for line in BufReader::new(file).split(b'\n') {
                let line = line?;
                if line.len() > MOST_LINE {
                    continue;
                }
                if let Ok(line) = serde_json::from_slice::<Line>(&line) {
                    hold(&mut held, &mut dropped, line.into());
                }
            }
        }
        let mut file = append(folder)?;
        let bytes = file.metadata()?.len();
        // A line that was cut off must not swallow the next one.
        if bytes > 0 {
            file.write_all(b"\n")?;
        }
        Ok(Self { folder: folder.to_owned(), inner: Mutex::new(Inner { file, bytes, held, dropped }) })
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Writes a question down.
    ///
    /// # Errors
    /// What the disk says; the question is not in the log then, and must not be answered.
    pub fn write(&self, query: OriginQuery) -> io::Result<()> {
        let mut line = serde_json::to_vec(&Line::from(&query)).map_err(io::Error::other)?;
        line.push(b'\n');
        let mut inner = self.inner();
        if inner.bytes >= MOST_BYTES {
            fs::rename(self.folder.join(FILE), self.folder.join(OLDER))?;
            inner.file = append(&self.folder)?;
            inner.bytes = 0;
        }
        inner.file.write_all(&line)?;
        inner.bytes += line.len() as u64;
        let Inner { held, dropped, .. } = &mut *inner;
        hold(held, dropped, query);
        Ok(())
    }

    /// The newest queries that `wanted` takes, newest first, at most `most`; how many are held, and how many were
    /// dropped since the node started.
    #[must_use]
    pub fn newest(&self, most: usize, wanted: impl Fn(&OriginQuery) -> bool) -> (Vec<OriginQuery>, u64, u64) {
        let inner = self.inner();
        let found = inner.held.iter().rev().filter(|query| wanted(query)).take(most).cloned().collect();
        (found, inner.held.len() as u64, inner.dropped)
    }
}

fn append(folder: &Path) -> io::Result<File> {
    OpenOptions::new().create(true).append(true).open(folder.join(FILE))
}

fn hold(held: &mut VecDeque<OriginQuery>, dropped: &mut u64, query: OriginQuery) {
    if held.len() >= MOST_HELD {
        held.pop_front();
        *dropped += 1;
    }
    held.push_back(query);
}

impl From<Line> for OriginQuery {
    fn from(line: Line) -> Self {
        let sha256 = (0..line.sha256.len() / 2)
            .filter_map(|at| u8::from_str_radix(line.sha256.get(2 * at..2 * at + 2)?, 16).ok())
            .collect::<Vec<u8>>();
        Self {
            time_ms: line.time_ms,
            member: line.member,
            question: line.question,
            lot: line.lot,
            library: line.library,
            origin: line.origin,
            outcome: line.outcome,
            question_sha256: sha256.into(),
        }
    }
}

impl From<&OriginQuery> for Line {
    fn from(query: &OriginQuery) -> Self {
        Self {
            time_ms: query.time_ms,
            member: query.member.clone(),
            question: query.question.clone(),
            lot: query.lot.clone(),
            library: query.library.clone(),
            origin: query.origin.clone(),
            outcome: query.outcome.clone(),
            sha256: query.question_sha256.iter().map(|byte| format!("{byte:02x}")).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn query(number: u64) -> OriginQuery {
        OriginQuery {
            time_ms: number,
            member: "lab".into(),
            question: "check".into(),
            lot: format!("mine/L{number}"),
            outcome: "assessed".into(),
            question_sha256: vec![number as u8; 32].into(),
            ..OriginQuery::default()
        }
    }

    #[test]
    fn what_was_written_is_there_after_a_start_and_a_torn_line_costs_itself_only() {
        let folder = tempfile::tempdir().expect("a folder");
        let log = QueryLog::open(folder.path()).expect("a new log");
        log.write(query(1)).expect("written");
        log.write(query(2)).expect("written");
        drop(log);
        let path = folder.path().join(FILE);
        let mut bytes = fs::read(&path).expect("readable");
        bytes.extend_from_slice(b"{\"time_ms\":3,\"mem");
        fs::write(&path, bytes).expect("writable");
        let log = QueryLog::open(folder.path()).expect("the log again");
        log.write(query(4)).expect("written");
        drop(log);
        let log = QueryLog::open(folder.path()).expect("and again");
        let (found, held, dropped) = log.newest(10, |_| true);
        assert_eq!(found, [query(4), query(2), query(1)]);
        assert_eq!((held, dropped), (3, 0));
        assert_eq!(log.newest(10, |it| it.lot == "mine/L2").0, [query(2)]);
    }

    #[test]
    fn a_full_log_keeps_the_newest_and_says_how_many_it_dropped() {
        let folder = tempfile::tempdir().expect("a folder");
        let log = QueryLog::open(folder.path()).expect("a new log");
        for number in 0..MOST_HELD as u64 + 5 {
            log.write(query(number)).expect("written");
        }
        let (found, held, dropped) = log.newest(1, |_| true);
        assert_eq!(found[0].time_ms, MOST_HELD as u64 + 4);
        assert_eq!((held, dropped), (MOST_HELD as u64, 5));
    }
}
