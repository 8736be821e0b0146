//! A document completed as far as its own events tell (`ore_epcis::gaps`), for a person to fill in the rest.

use std::{
    fs::File,
    io::{BufReader, BufWriter, ErrorKind, Write},
    path::Path,
};

use ore_epcis::{
    Document, Event, Importer, Instant, MINERALS, Survey, export, gaps,
    json::{Object, Value},
    survey,
};

use super::{
    intake::{Intake, changed, place_of},
    resolve::MOST_REHEARSED,
};
use crate::{failure::Failure, output, verbs::sign::now_ms};

/// Events that are read together.
const CHUNK: usize = 512;

/// What was drafted.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Drafted {
    /// Events of the document.
    pub(crate) events: u64,
    /// Events that are not in it.
    pub(crate) added: u64,
    /// Events of the document in which something is to be filled in.
    pub(crate) amended: u64,
}

impl Intake<'_> {
    /// Writes the document with what is missing in it to a new file; nothing is handed in. `ask` hears what is to be
    /// filled in, with the event's place in the document as it was, or none where it is the document itself.
    ///
    /// # Errors
    /// No ledger, no room; a file that is there already; a document that cannot be read, or not in JSON. Nothing is
    /// left of the new file then.
    pub(crate) async fn draft(
        &mut self,
        path: &Path,
        out: &Path,
        ask: &mut dyn FnMut(Option<u64>, &str),
    ) -> Result<Drafted, Failure> {
        let surveyed = survey(open(path)?).map_err(|refusal| {
            Failure::refused(format_args!("{}: {refusal}", path.display()), &refusal.hint)
        })?;
        let head = head(&surveyed).ok_or_else(|| {
            Failure::refused(
                format_args!("{} is no document in JSON in which mct is free", path.display()),
                format_args!("send it in JSON, and give the prefix mct to {MINERALS}"),
            )
        })?;
        let file = File::create_new(out).map_err(|error| match error.kind() {
            ErrorKind::AlreadyExists => Failure::usage(
                format_args!("{} is there already, and a draft is written to a new file", out.display()),
                "name another file, or move that one away",
            ),
            _ => Failure::file("write", out, &error),
        })?;
        // What is wrong with an event is told with the event; a bare one has no document around it.
        for fault in surveyed.faults.iter().filter(|it| !surveyed.head.bare && place_of(it).is_none()) {
            ask(None, &format!("{fault}; {}", fault.hint));
        }
        let drafted = self.draft_events(path, &surveyed, head, (out, file), ask).await;
        if drafted.is_err() {
            let _ = std::fs::remove_file(out);
        }
        drafted
    }

    async fn draft_events(
        &mut self,
        path: &Path,
        surveyed: &Survey,
        head: String,
        (out, file): (&Path, File),
        ask: &mut dyn FnMut(Option<u64>, &str),
    ) -> Result<Drafted, Failure> {
        let failed = |e: std::io::Error| Failure::file("write", out, &e);
        let mut file = BufWriter::new(file);
        file.write_all(head.as_bytes()).map_err(failed)?;
        let mut source = Document::open(open(path)?).map_err(|refusal| changed(path, &refusal))?;
        let mut importer = Importer::new(&self.acting, None);
        let mut drafting = gaps::Drafting::default();
        let mut drafted = Drafted::default();
        self.names.remember_all();
        let mut first = true;
        loop {
            let mut chunk = Vec::new();
            while chunk.len() < CHUNK
                && let Some(value) = source.next_event().map_err(|refusal| changed(path, &refusal))?
            {
                let event = Event::read(&value, &surveyed.context).map_err(|mut faults| faults.remove(0));
                chunk.push((value, event));
            }
            if chunk.is_empty() {
                break;
            }
            if self.names.are_too_many(drafting.remembered()) {
                return Err(Failure::refused(
                    format_args!(
                        "{} is about more than {} lots",
                        path.display(),
                        output::thousands(MOST_REHEARSED as u64)
                    ),
                    "draft it in parts",
                ));
            }
            let events = chunk.iter().filter_map(|(_, event)| event.as_ref().ok());
            self.names.learn(self.ledger, events).await?;
            for (value, event) in chunk {
                let place = drafted.events;
                drafted.events += 1;
                let completed = match (&event, &value) {
                    (Ok(event), Value::Object(original)) => {
                        let mapped = importer.map(event, &self.names.directory);
                        drafting.complete(event, original, &mapped, &mut self.names.directory)
                    }
                    (Err(fault), Value::Object(original)) => gaps::faulty(original, fault),
                    _ => {
                        ask(Some(place), "is no object, and not in the draft");
                        continue;
                    }
                };
                completed.asked.iter().for_each(|asked| ask(Some(place), asked));
                drafted.added += completed.events.len() as u64 - 1;
                drafted.amended += u64::from(completed.amended);
                for event in completed.events {
                    let comma = if first { "" } else { "," };
                    first = false;
                    write!(file, "{comma}\n{}", Value::from(event).write_pretty()).map_err(failed)?;
                }
            }
        }
        self.names.forget();
        writeln!(file, "\n{}", export::TAIL).and_then(|()| file.flush()).map_err(failed)?;
        Ok(drafted)
    }
}

fn open(path: &Path) -> Result<BufReader<File>, Failure> {
    File::open(path).map(BufReader::new).map_err(|e| Failure::file("read", path, &e))
}

/// The document up to its events, with the prefix of the minerals extension. What was a bare event, or an answer to a
/// query, becomes a document, for that is what is imported.
fn head(surveyed: &Survey) -> Option<String> {
    let fields = &surveyed.head.fields;
    let context = fields.get("@context")?;
    let context = match surveyed.context.split("mct:x") {
        Some((MINERALS, _)) => context.clone(),
        Some(_) => return None,
        None => {
            let mut all = context.as_list().map_or_else(|| vec![context.clone()], <[Value]>::to_vec);
            all.push(Object::new().with("mct", MINERALS).into());
            Value::List(all)
        }
    };
    let mut head = if surveyed.head.bare { Object::new() } else { fields.clone() };
    head.set("@context", context);
    if surveyed.head.bare || fields.text("type") == Some("EPCISQueryDocument") {
        head.set("type", "EPCISDocument");
        head.set("schemaVersion", "2.0");
        head.set("creationDate", Instant::from_ms(i64::try_from(now_ms()).unwrap_or(i64::MAX)).utc());
    }
    head.remove("epcisBody");
    let mut text = Value::Object(head).write();
    text.pop();
    Some(text + export::EVENTS)
}
