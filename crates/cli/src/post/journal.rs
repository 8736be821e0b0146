//! What became of each statement, in a file beside the input, so that a rerun continues.
//!
//! One JSON object a line. A signed record is written down before it is handed in: if the answer is
//! lost, the same bytes are handed in again, and the ledger says that it has them. So nothing enters twice.

use std::{
    collections::HashMap,
    fs::{File, OpenOptions},
    io::{BufRead, BufReader, Write},
    path::{Path, PathBuf},
};

use base64ct::{Base64, Encoding};
use ore_record::{RecordId, SignedRecord};
use serde_json::{Value, json};

use crate::failure::Failure;

/// Identifies a statement: SHA-256 of what the person wrote.
pub(crate) type StatementHash = [u8; 32];

/// What the journal knows of one statement.
#[derive(Clone, Debug)]
pub(crate) enum Standing {
    /// Signed, and perhaps handed in.
    Signed(Box<SignedRecord>),
    /// In the ledger.
    Done(RecordId),
    /// Refused; it is signed anew next time.
    Refused,
    /// It was in the ledger and is withdrawn; stated again it corrects that record.
    TakenBack(RecordId),
}

/// The file, and what it said when it was opened.
pub(crate) struct Journal {
    path: Option<PathBuf>,
    file: Option<File>,
    standings: HashMap<StatementHash, Standing>,
    /// Lots that were taken back, by the record that made them last.
    void: HashMap<String, RecordId>,
    pending: String,
}

impl Journal {
    /// Keeps nothing: for a single statement.
    pub(crate) fn none() -> Self {
        Self {
            path: None,
            file: None,
            standings: HashMap::new(),
            void: HashMap::new(),
            pending: String::new(),
        }
    }

    /// Opens or creates the file. A torn last line is what a crash leaves; it is dropped.
    pub(crate) fn open(path: &Path) -> Result<Self, Failure> {
        let (mut standings, mut void) = (HashMap::new(), HashMap::new());
        // Entries of statements whose fate is not known: few, at the end; the others need not be read.
        let mut signed: HashMap<StatementHash, String> = HashMap::new();
        let mut whole = 0;
        if let Ok(file) = File::open(path) {
            let mut reader = BufReader::new(file);
            let mut line = String::new();
            while reader.read_line(&mut line).map_err(|e| Failure::file("read", path, &e))? > 0 {
                let Some((hash, noted)) = line.ends_with('\n').then(|| read_line(&line)).flatten() else {
                    break;
                };
                signed.remove(&hash);
                match noted {
                    Noted::Signed(entry) => {
                        standings.remove(&hash);
                        signed.insert(hash, entry);
                    }
                    Noted::Done(id) => drop(standings.insert(hash, Standing::Done(id))),
                    Noted::Refused => drop(standings.insert(hash, Standing::Refused)),
                    Noted::TakenBack(id, lots) => {
                        void.extend(lots.into_iter().map(|lot| (lot, id)));
                        standings.insert(hash, Standing::TakenBack(id));
                    }
                }
                whole += line.len() as u64;
                line.clear();
            }
        }
        for (hash, entry) in signed {
            // What cannot be read is signed anew.
            let entry = Base64::decode_vec(&entry).ok().and_then(|entry| SignedRecord::decode(&entry).ok());
            standings.extend(entry.map(|record| (hash, Standing::Signed(Box::new(record)))));
        }
        let file = OpenOptions::new().create(true).read(true).write(true).truncate(false).open(path);
        let mut file = file.map_err(|e| Failure::file("open", path, &e))?;
        let failed = |e: std::io::Error| Failure::file("write", path, &e);
        file.set_len(whole).map_err(failed)?;
        std::io::Seek::seek(&mut file, std::io::SeekFrom::End(0)).map_err(failed)?;
        Ok(Self { path: Some(path.to_owned()), file: Some(file), standings, void, pending: String::new() })
    }

    /// What is known of a statement.
    pub(crate) fn standing(&self, hash: &StatementHash) -> Option<&Standing> {
        self.standings.get(hash)
    }

    /// Notes a signed record; durable after [`Journal::flush`].
    pub(crate) fn signed(&mut self, hash: &StatementHash, record: &SignedRecord) {
        let base64 = Base64::encode_string(&record.entry());
        self.note(&json!({ "statement": RecordId::from_bytes(*hash).to_string(), "signed": base64 }));
    }

    /// Takes over a record that its author signed elsewhere: it is handed in as it is. What is known already stays.
    pub(crate) fn carried(&mut self, hash: &StatementHash, record: SignedRecord) {
        self.standings.entry(*hash).or_insert_with(|| Standing::Signed(Box::new(record)));
    }

    /// Notes that a statement is in the ledger.
    pub(crate) fn accepted(&mut self, hash: &StatementHash, id: RecordId) {
        self.note(&json!({ "statement": RecordId::from_bytes(*hash).to_string(), "record": id.to_string() }));
        self.standings.insert(*hash, Standing::Done(id));
    }

    /// Notes that a statement was refused: it is signed anew next time.
    pub(crate) fn refused(&mut self, hash: &StatementHash) {
        self.note(&json!({ "statement": RecordId::from_bytes(*hash).to_string(), "refused": true }));
    }

    /// Notes that a statement that was in the ledger was withdrawn, and the lots that are void with it.
    pub(crate) fn taken_back(&mut self, hash: &StatementHash, id: RecordId, lots: &[String]) {
        let statement = RecordId::from_bytes(*hash).to_string();
        self.note(&json!({ "statement": statement, "taken_back": id.to_string(), "lots": lots }));
        self.standings.insert(*hash, Standing::TakenBack(id));
        self.void.extend(lots.iter().map(|lot| (lot.clone(), id)));
    }

    /// Notes that what a statement did in the ledger was ended by another: it may be stated again as it was.
    pub(crate) fn ended(&mut self, hash: &StatementHash) {
        self.refused(hash);
        self.standings.insert(*hash, Standing::Refused);
    }

    /// The withdrawn record that made this lot; whoever makes the lot anew corrects it.
    pub(crate) fn void(&self, lot: &str) -> Option<RecordId> {
        self.void.get(lot).copied()
    }

    fn note(&mut self, line: &Value) {
        if self.file.is_some() {
            self.pending.push_str(&line.to_string());
            self.pending.push('\n');
        }
    }

    /// Makes the notes durable.
    pub(crate) fn flush(&mut self) -> Result<(), Failure> {
        let (Some(file), Some(path)) = (&mut self.file, &self.path) else { return Ok(()) };
        if self.pending.is_empty() {
            return Ok(());
        }
        file.write_all(self.pending.as_bytes())
            .and_then(|()| file.sync_data())
            .map_err(|e| Failure::file("write", path, &e))?;
        self.pending.clear();
        Ok(())
    }
}

/// What a line says of its statement.
enum Noted {
    /// Base64 of the entry.
    Signed(String),
    Done(RecordId),
    Refused,
    TakenBack(RecordId, Vec<String>),
}

fn read_line(line: &str) -> Option<(StatementHash, Noted)> {
    let value: Value = serde_json::from_str(line).ok()?;
    let hash = *RecordId::from_hex(value.get("statement")?.as_str()?)?.as_bytes();
    if let Some(id) = value.get("record") {
        return Some((hash, Noted::Done(RecordId::from_hex(id.as_str()?)?)));
    }
    if let Some(id) = value.get("taken_back") {
        let lots = value.get("lots").and_then(Value::as_array).into_iter().flatten();
        let lots = lots.filter_map(|lot| lot.as_str().map(str::to_owned)).collect();
        return Some((hash, Noted::TakenBack(RecordId::from_hex(id.as_str()?)?, lots)));
    }
    if value.get("refused").is_some() {
        return Some((hash, Noted::Refused));
    }
    Some((hash, Noted::Signed(value.get("signed")?.as_str()?.to_owned())))
}
