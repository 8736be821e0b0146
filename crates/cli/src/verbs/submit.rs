//! `oreledger submit`: many records from a file; good lines go in, bad lines are named, a rerun continues.

use std::{
    collections::HashMap,
    fs::File,
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    time::Duration,
};

use clap::Args;
use futures::StreamExt;
use indicatif::{ProgressBar, ProgressStyle};
use ore_client::Ledger;
use ore_exchange::{Draft, LineError};
use ore_record::{RecordId, v1::Record};
use prost::Message;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::sign::{Wait, now_ms};
use crate::{
    context::Context,
    failure::{Failure, Outcome},
    output,
    post::{
        Desk, Fate, Trouble, Work,
        engine::failure,
        item::{IdField, Item},
        journal::{Journal, StatementHash},
    },
};

/// Lines that are read before they are handed in.
const CHUNK: usize = 4_096;
/// Receipts that are fetched and verified at once.
const RECEIPTS_AT_ONCE: usize = 16;
/// Longest line that is read as JSON with labels.
const MAX_LINE_BYTES: usize = 1 << 20;

#[derive(Args, Debug)]
#[command(after_help = "\
Each line of FILE.jsonl is one record in protobuf's JSON mapping, in people's words where that is shorter:
  {\"label\":\"o1\",\"ship\":{\"lots\":[{\"lot\":\"mine-a/7\",\"mass\":\"25 kg\"}],\"receiver\":\"refiner-a\",...}}
  {\"author\":\"refiner-a\",\"accept\":{\"offer\":\"@o1\",\"lots\":[...],\"facility\":\"refiner-a/plant\"}}
FILE.csv and FILE.xlsx follow one template per event: `oreledger template EVENT --csv|--xlsx`.
Origin, author, nonce, key, heads and open offers are filled in; \"@label\" stands for the id of a line before.
FILE.oreledger-state remembers what is in: run the same command again to continue.")]
pub(crate) struct Submit {
    /// JSON Lines (.jsonl), CSV (.csv) or a workbook (.xlsx)
    #[arg(required_unless_present = "templates")]
    file: Option<PathBuf>,
    /// Stage to wait for
    #[arg(long, value_enum, default_value_t = Wait::Integrated)]
    wait: Wait,
    /// Only read and check the lines
    #[arg(long)]
    dry_run: bool,
    /// Print the CSV templates
    #[arg(long)]
    templates: bool,
}

/// How it went.
#[derive(Default)]
struct Tally {
    accepted: u64,
    before: u64,
    refused: u64,
    new: Vec<RecordId>,
    /// Of a workbook: sheet and row or cell of each record; its place is the number in this list, from 1.
    names: Vec<String>,
}

impl Tally {
    /// Where a record is in the file, for people.
    fn place(&self, place: u64) -> String {
        let name = usize::try_from(place).ok().and_then(|at| self.names.get(at.checked_sub(1)?));
        name.cloned().unwrap_or_else(|| format!("line {place}"))
    }
}

pub(crate) async fn run(context: &Context, verb: &Submit) -> Outcome {
    if verb.templates {
        let texts: Vec<String> =
            ore_exchange::csv::templates().into_iter().map(|template| template.text).collect();
        return output::data(&texts.join("\n"));
    }
    let Some(path) = &verb.file else { return Ok(()) };
    let mut tally = Tally::default();
    let (lines, mut drafts) = if path.extension().is_some_and(|extension| extension == "xlsx") {
        let (names, lines) = workbook(path)?;
        tally.names = names;
        (tally.names.len() as u64, lines)
    } else {
        (count_lines(path)?, drafts(path)?)
    };
    let bar = progress_bar(lines);
    if verb.dry_run {
        for draft in drafts {
            match draft?.item {
                Ok(_) => tally.accepted += 1,
                Err((place, error)) => refuse(context, &bar, &mut tally, place, &trouble(&error))?,
            }
        }
        bar.finish_and_clear();
        output::note(format!(
            "{} lines can be read, {} cannot; nothing was sent",
            tally.accepted, tally.refused
        ));
        return end(path, &tally);
    }
    let ledger = context.connect().await?;
    let mut keyring = context.keyring();
    let mut journal = Journal::open(&state_file(path))?;
    let mut desk = Desk::new(&ledger, &mut keyring, verb.wait.stage());
    let mut seen: HashMap<StatementHash, u64> = HashMap::new();
    loop {
        let mut work = Vec::new();
        let mut read = 0;
        for draft in drafts.by_ref().take(CHUNK) {
            read += 1;
            let draft = draft?;
            bar.set_position(draft.place);
            match draft.item {
                Err((place, error)) => refuse(context, &bar, &mut tally, place, &trouble(&error))?,
                Ok(mut item) => match seen.insert(draft.hash, draft.place) {
                    Some(first) => {
                        seen.insert(draft.hash, first);
                        let next = "delete it; if it happened twice, say so in its `note`";
                        let same = Trouble::new(
                            "DUPLICATE",
                            format_args!("the same as {}", tally.place(first)),
                            next,
                        );
                        refuse(context, &bar, &mut tally, draft.place, &same)?;
                    }
                    None => {
                        fill_author(context, &mut item)?;
                        work.push(Work { place: draft.place, hash: draft.hash, item });
                    }
                },
            }
        }
        if read == 0 {
            break;
        }
        let mut printed = Ok(());
        desk.post(work, &mut journal, &mut |work, fate| {
            let one = settle(context, &bar, &mut tally, work.place, fate);
            if printed.is_ok() {
                printed = one;
            }
        })
        .await?;
        printed?;
    }
    bar.finish_and_clear();
    if verb.wait == Wait::Published {
        check_receipts(&ledger, &tally.new).await?;
    }
    summary(verb, &tally);
    end(path, &tally)
}

/// The file that remembers what is in.
fn state_file(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".oreledger-state");
    PathBuf::from(name)
}

fn fill_author(context: &Context, item: &mut Item) -> Outcome {
    if item.record.author.is_empty() {
        context.acting()?.clone_into(&mut item.record.author);
    }
    if item.record.event_time_ms == 0 {
        item.record.event_time_ms = now_ms();
    }
    Ok(())
}

fn settle(context: &Context, bar: &ProgressBar, tally: &mut Tally, place: u64, fate: Fate) -> Outcome {
    match fate {
        Fate::Accepted(accepted) => {
            // Handed in by a run whose answer was lost, it was there already.
            if accepted.already_there {
                tally.before += 1;
            } else {
                tally.accepted += 1;
            }
            tally.new.push(accepted.id);
            let id = accepted.id.to_string();
            let line = if context.json {
                json!({ "line": place, "record": id, "leaf_index": accepted.leaf_index }).to_string()
            } else {
                let shown = if tally.names.is_empty() { place.to_string() } else { tally.place(place) };
                format!("{shown}\t{id}\t{}", accepted.leaf_index)
            };
            bar.suspend(|| output::data(&line))
        }
        Fate::DoneBefore(id) => {
            tally.before += 1;
            if context.json {
                bar.suspend(|| {
                    output::data(
                        &json!({ "line": place, "record": id.to_string(), "before": true }).to_string(),
                    )
                })
            } else {
                Ok(())
            }
        }
        Fate::Refused(trouble) => refuse(context, bar, tally, place, &trouble),
    }
}

fn refuse(context: &Context, bar: &ProgressBar, tally: &mut Tally, place: u64, trouble: &Trouble) -> Outcome {
    tally.refused += 1;
    let field = if trouble.field.is_empty() { String::new() } else { format!(", {}", trouble.field) };
    let next = if trouble.next_step.is_empty() {
        "correct the line there, then run the command again"
    } else {
        &trouble.next_step
    };
    bar.suspend(|| {
        eprintln!("{}{field}: {} [{}]\n  next: {next}", tally.place(place), trouble.message, trouble.reason);
        if !context.json {
            return Ok(());
        }
        output::data(
            &json!({
                "line": place, "place": tally.place(place), "refused": trouble.reason, "field": trouble.field, "message": trouble.message,
                "next_step": next,
            })
            .to_string(),
        )
    })
}

fn trouble(error: &LineError) -> Trouble {
    let column = error.column.map(|column| format!("column {column}"));
    let place: Vec<String> =
        column.into_iter().chain((!error.field.is_empty()).then(|| error.field.clone())).collect();
    Trouble { field: place.join(", "), ..Trouble::new("UNREADABLE", &error.reason, &error.hint) }
}

/// Receipts of everything that this run put in, each verified.
pub(crate) async fn check_receipts(ledger: &Ledger, records: &[RecordId]) -> Outcome {
    let mut receipts =
        futures::stream::iter(records.iter().map(|id| ledger.receipt(*id, Duration::from_secs(30))))
            .buffer_unordered(RECEIPTS_AT_ONCE);
    while let Some(receipt) = receipts.next().await {
        receipt.map_err(failure)?;
    }
    Ok(())
}

fn summary(verb: &Submit, tally: &Tally) {
    let stage = match verb.wait {
        Wait::Sequenced => "sequenced",
        Wait::Integrated => "durable in the ledger",
        Wait::Published => "published, receipts verified",
    };
    let before = if tally.before == 0 { String::new() } else { format!(", {} were in before", tally.before) };
    output::note(format!("{} records {stage}{before}, {} lines refused", tally.accepted, tally.refused));
}

fn end(path: &Path, tally: &Tally) -> Outcome {
    if tally.refused == 0 {
        return Ok(());
    }
    Err(Failure::refused(
        format_args!("{} lines of {} are not in the ledger", tally.refused, path.display()),
        "correct them and run the command again; the lines that are in are not sent twice",
    ))
}

/// A line as it was read.
struct Line {
    place: u64,
    hash: StatementHash,
    item: Result<Item, (u64, LineError)>,
}

type Lines = Box<dyn Iterator<Item = Result<Line, Failure>>>;

fn count_lines(path: &Path) -> Result<u64, Failure> {
    let file = File::open(path).map_err(|e| Failure::file("read", path, &e))?;
    let mut reader = BufReader::with_capacity(1 << 20, file);
    let mut lines = 0;
    loop {
        let buffer = reader.fill_buf().map_err(|e| Failure::file("read", path, &e))?;
        if buffer.is_empty() {
            return Ok(lines);
        }
        lines += buffer.iter().filter(|byte| **byte == b'\n').count() as u64;
        let used = buffer.len();
        reader.consume(used);
    }
}

fn drafts(path: &Path) -> Result<Lines, Failure> {
    let file = File::open(path).map_err(|e| Failure::file("read", path, &e))?;
    let reader = BufReader::new(file);
    let shown = path.to_owned();
    match path.extension().and_then(|extension| extension.to_str()) {
        Some("csv") => Ok(Box::new(
            ore_exchange::csv::read(reader)
                .map(move |draft| draft.map(of_csv).map_err(|e| Failure::file("read", &shown, &e))),
        )),
        Some("jsonl" | "ndjson" | "json") => {
            let mut numbered = Numbered { reader, number: 0 };
            Ok(Box::new(std::iter::from_fn(move || numbered.next_line(&shown))))
        }
        _ => Err(Failure::usage(
            format_args!("{} is neither .jsonl, .csv nor .xlsx", path.display()),
            "name the file by what is in it",
        )),
    }
}

/// A workbook: where each record stands, and the records.
fn workbook(path: &Path) -> Result<(Vec<String>, Lines), Failure> {
    let bytes = std::fs::read(path).map_err(|e| Failure::file("read", path, &e))?;
    let drafts = ore_sheets::read(&bytes).map_err(|error| {
        let cause = std::error::Error::source(&error).map_or_else(String::new, |cause| format!(": {cause}"));
        Failure::usage(
            format_args!("{}: {error}{cause}", path.display()),
            "save it as .xlsx again, or each sheet as .csv; `oreledger template EVENT --xlsx` makes one to fill in",
        )
    })?;
    let names = drafts.iter().map(ore_sheets::SheetDraft::place).collect();
    let lines = drafts.into_iter().zip(1u64..).map(|(it, place)| {
        // The cell is in the place's name already.
        let mut line = of_csv(it.draft);
        line.place = place;
        line.item = line.item.map_err(|(_, error)| (place, LineError { column: None, ..error }));
        Ok(line)
    });
    Ok((names, Box::new(lines)))
}

fn of_csv(draft: Draft) -> Line {
    let hash = |record: &Record| Sha256::digest(record.encode_to_vec()).into();
    match draft.record {
        Ok(record) => {
            Line { place: draft.line, hash: hash(&record), item: Ok(Item { record, ..Item::default() }) }
        }
        Err(error) => Line { place: draft.line, hash: [0; 32], item: Err((draft.line, error)) },
    }
}

/// JSON Lines with their numbers; what is too long is skipped to its end.
struct Numbered {
    reader: BufReader<File>,
    number: u64,
}

impl Numbered {
    fn next_line(&mut self, path: &Path) -> Option<Result<Line, Failure>> {
        loop {
            let mut bytes = Vec::new();
            let limit = MAX_LINE_BYTES as u64 + 1;
            let read = std::io::Read::take(&mut self.reader, limit).read_until(b'\n', &mut bytes);
            match read {
                Err(error) => return Some(Err(Failure::file("read", path, &error))),
                Ok(0) => return None,
                Ok(_) => self.number += 1,
            }
            if bytes.len() > MAX_LINE_BYTES && !bytes.ends_with(b"\n") {
                if let Err(error) = skip_line(&mut self.reader) {
                    return Some(Err(Failure::file("read", path, &error)));
                }
                return Some(Ok(self.bad(
                    "the line is longer than 1 MiB",
                    "a record has at most 65,535 bytes; put documents in by digest",
                )));
            }
            let Ok(text) = str::from_utf8(&bytes) else {
                return Some(Ok(self.bad("the line is not UTF-8", "save the file as UTF-8")));
            };
            let text = text.trim();
            if text.is_empty() {
                continue;
            }
            let hash = Sha256::digest(text.as_bytes()).into();
            let item = read_item(text).map_err(|error| (self.number, error));
            return Some(Ok(Line { place: self.number, hash, item }));
        }
    }

    fn bad(&self, reason: &str, hint: &str) -> Line {
        let error = LineError {
            column: None,
            field: String::new(),
            reason: reason.to_owned(),
            hint: hint.to_owned(),
        };
        Line { place: self.number, hash: [0; 32], item: Err((self.number, error)) }
    }
}

fn skip_line(reader: &mut impl BufRead) -> std::io::Result<()> {
    loop {
        let buffer = reader.fill_buf()?;
        let end = buffer.iter().position(|byte| *byte == b'\n');
        let (used, done) = (end.map_or(buffer.len(), |at| at + 1), end.is_some() || buffer.is_empty());
        reader.consume(used);
        if done {
            return Ok(());
        }
    }
}

/// A line: a record, perhaps with a label and with "@label" in place of ids.
fn read_item(text: &str) -> Result<Item, LineError> {
    let labelled =
        (text.contains("\"label\"") || text.contains("\"@")).then(|| serde_json::from_str::<Value>(text));
    let Some(Ok(Value::Object(mut fields))) = labelled else {
        return ore_exchange::json::record_from_str(text).map(|record| Item { record, ..Item::default() });
    };
    let label = match fields.remove("label") {
        Some(Value::String(label)) => label,
        _ => String::new(),
    };
    let mut links = Vec::new();
    take_links(&mut fields, &mut links);
    for value in fields.values_mut() {
        if let Value::Object(event) = value {
            take_links(event, &mut links);
        }
    }
    let record = ore_exchange::json::record_from_json(&Value::Object(fields))?;
    Ok(Item { record, label, links, ..Item::default() })
}

fn take_links(fields: &mut serde_json::Map<String, Value>, links: &mut Vec<(IdField, String)>) {
    fields.retain(|name, value| {
        let label = value.as_str().and_then(|text| text.strip_prefix('@'));
        match (IdField::named(name), label) {
            (Some(field), Some(label)) => {
                links.push((field, label.to_owned()));
                false
            }
            _ => true,
        }
    });
}

/// A bar on stderr that vanishes when stderr is no terminal.
pub(crate) fn progress_bar(steps: u64) -> ProgressBar {
    let style = ProgressStyle::with_template("{bar:30} {pos}/{len} {per_sec} {eta}");
    ProgressBar::new(steps).with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
}
