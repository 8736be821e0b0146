//! A document completed as far as its own events tell (`ore_epcis::gaps`), for a person to fill in the rest.

use std::{
    fs::File,
    io::{BufReader, BufWriter, Write},
    path::Path,
};

use ore_epcis::{
    Document, Event, Importer, MINERALS, Refusal, Survey, export, gaps,
    json::{Object, Value},
    survey,
};

use super::intake::{Intake, changed};
use crate::failure::Failure;

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
    /// Writes the document with what is missing in it; nothing is handed in. `ask` hears what is to be filled in, with
    /// the event's place in the document as it was.
    ///
    /// # Errors
    /// No ledger, no file, no room; a document that cannot be read, or not in JSON.
    pub(crate) async fn draft(
        &mut self,
        path: &Path,
        out: &Path,
        ask: &mut dyn FnMut(u64, &str),
    ) -> Result<Drafted, Failure> {
        let read = || File::open(path).map(BufReader::new).map_err(|e| Failure::file("read", path, &e));
        let unreadable =
            |refusal: Refusal| Failure::refused(format_args!("{}: {refusal}", path.display()), &refusal.hint);
        let surveyed = survey(read()?).map_err(unreadable)?;
        let head = head(&surveyed).ok_or_else(|| {
            Failure::refused(
                format_args!("{} is no document in JSON in which mct is free", path.display()),
                format_args!("send it in JSON, and give the prefix mct to {MINERALS}"),
            )
        })?;
        let failed = |e: std::io::Error| Failure::file("write", out, &e);
        let mut file = BufWriter::new(File::create(out).map_err(failed)?);
        file.write_all(head.as_bytes()).map_err(failed)?;
        let mut source = Document::open(read()?).map_err(|refusal| changed(path, &refusal))?;
        let mut importer = Importer::new(&self.acting, None);
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
            let events = chunk.iter().filter_map(|(_, event)| event.as_ref().ok());
            self.names.learn(self.ledger, events).await?;
            for (value, event) in chunk {
                let place = drafted.events;
                drafted.events += 1;
                let completed = match (&event, &value) {
                    (Ok(event), Value::Object(original)) => {
                        let mapped = importer.map(event, &self.names.directory);
                        gaps::complete(event, original, &mapped, &mut self.names.directory)
                    }
                    (Err(fault), Value::Object(original)) => gaps::faulty(original, fault),
                    _ => continue,
                };
                completed.asked.iter().for_each(|asked| ask(place, asked));
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

/// The document up to its events, with the prefix of the minerals extension.
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
    let mut head = fields.clone();
    head.set("@context", context);
    head.remove("epcisBody");
    let mut text = Value::Object(head).write();
    text.pop();
    Some(text + export::EVENTS)
}
