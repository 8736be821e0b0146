//! A single statement: shown in plain words, signed here, handed in.

use std::{
    io::{self, BufRead, IsTerminal, Write},
    time::{SystemTime, UNIX_EPOCH},
};

use clap::Args;
use ore_exchange::LineError;
use ore_record::{
    RecordId,
    v1::{Record, record::Event},
};
use ore_wire::v1::Stage;
use serde_json::{Value, json};

use crate::{
    context::Context,
    failure::{Failure, Outcome},
    output,
    post::{Desk, Fate, Work, item::Item, journal::Journal},
    words,
};

/// Options of every statement.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Options of every statement")]
pub(crate) struct Statement {
    /// Sign without asking
    #[arg(long, short = 'y')]
    pub(crate) yes: bool,
    /// Only show what would be signed
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// When it happened, such as 2026-11-22T17:30:00+02:00 [default: now]
    #[arg(long, value_name = "TIME")]
    at: Option<String>,
    /// A remark for people
    #[arg(long, value_name = "TEXT")]
    note: Option<String>,
    /// The withdrawn record that this one replaces
    #[arg(long, value_name = "RECORD")]
    corrects: Option<String>,
    /// Stage to wait for
    #[arg(long, value_enum, default_value_t = Wait::Published)]
    wait: Wait,
}

impl Statement {
    /// The stage to wait for.
    pub(crate) const fn wait_for(&self) -> Stage {
        self.wait.stage()
    }
}

/// How far a record must have come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Wait {
    /// It has its place in the order
    Sequenced,
    /// It is on durable storage
    Integrated,
    /// A quorum has signed a checkpoint over it, and the receipt is verified here
    Published,
}

impl Wait {
    pub(crate) const fn stage(self) -> Stage {
        match self {
            Self::Sequenced => Stage::Sequenced,
            Self::Integrated => Stage::Integrated,
            Self::Published => Stage::Published,
        }
    }
}

/// Milliseconds since 1970.
pub(crate) fn now_ms() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis() as u64)
}

/// A statement from the command line that cannot be read.
pub(crate) fn unreadable(error: &LineError) -> Failure {
    let field = if error.field.is_empty() { String::new() } else { format!("{}: ", error.field) };
    let hint = if error.hint.is_empty() { "see --help" } else { &error.hint };
    Failure::usage(format_args!("{field}{}", error.reason), hint)
}

/// Reads an event in people's words, signs it and hands it in.
pub(crate) async fn state(context: &Context, how: &Statement, event: &str, fields: Value) -> Outcome {
    let mut line = json!({ event: fields, "author": context.acting()? });
    match &how.at {
        Some(time) => line["event_time"] = json!(time),
        None => line["event_time_ms"] = json!(now_ms()),
    }
    if let Some(note) = &how.note {
        line["note"] = json!(note);
    }
    if let Some(corrects) = &how.corrects {
        line["corrects"] = json!(corrects);
    }
    let record = ore_exchange::json::record_from_json(&line).map_err(|error| unreadable(&error))?;
    sign(context, how, record).await
}

/// A record with an event, as these options date and remark it.
pub(crate) fn blank(context: &Context, how: &Statement, event: Event) -> Result<Record, Failure> {
    let (event_time_ms, utc_offset_minutes) = match &how.at {
        Some(time) => ore_exchange::parse_time(time).map_err(|error| unreadable(&error))?,
        None => (now_ms(), 0),
    };
    let corrects = match &how.corrects {
        None => Vec::new(),
        Some(id) => RecordId::from_hex(id)
            .ok_or_else(|| {
                Failure::usage(format_args!("{id:?} is no record"), "write its 64 hexadecimal digits")
            })?
            .as_bytes()
            .to_vec(),
    };
    Ok(Record {
        author: context.acting()?.to_owned(),
        event_time_ms,
        utc_offset_minutes,
        note: how.note.clone().unwrap_or_default(),
        corrects,
        event: Some(event),
        ..Record::default()
    })
}

/// Shows, asks, signs, hands in.
pub(crate) async fn sign(context: &Context, how: &Statement, record: Record) -> Outcome {
    let said = words::describe(&record).join("\n  ");
    if how.dry_run {
        return output::data(&format!("would sign as {}:\n  {said}", record.author));
    }
    output::note(format!("to be signed as {}:\n  {said}", record.author));
    if !how.yes {
        ask()?;
    }
    let ledger = context.connect().await?;
    let mut keyring = context.keyring();
    let item = Item { record, ..Item::default() };
    let mut fate = None;
    let work = vec![Work { place: 0, hash: [0; 32], item }];
    Desk::new(&ledger, &mut keyring, how.wait.stage())
        .post(work, &mut Journal::none(), &mut |_, what| fate = Some(what))
        .await?;
    match fate {
        Some(Fate::Accepted(accepted)) => {
            if how.wait == Wait::Published {
                let patience = std::time::Duration::from_secs(30);
                ledger.receipt(accepted.id, patience).await.map_err(crate::post::engine::failure)?;
                output::note("in the ledger; its receipt verifies");
            } else {
                output::note("in the ledger");
            }
            if context.json {
                return output::json(&json!({
                    "record": accepted.id.to_string(),
                    "leaf_index": accepted.leaf_index,
                    "height": accepted.height,
                }));
            }
            output::data(&accepted.id.to_string())
        }
        Some(Fate::Refused(trouble)) => {
            let field = if trouble.field.is_empty() { String::new() } else { format!("{}: ", trouble.field) };
            Err(Failure::refused(
                format_args!("the ledger refuses this ({}): {field}{}", trouble.reason, trouble.message),
                trouble.next_step,
            ))
        }
        Some(Fate::DoneBefore(_)) | None => {
            Err(Failure::refused("nothing was handed in", "run the command again"))
        }
    }
}

fn ask() -> Outcome {
    if !io::stdin().is_terminal() {
        return Err(Failure::usage(
            "nobody is there to agree to this",
            "read it with --dry-run, then say --yes",
        ));
    }
    eprint!("sign this? [y/N] ");
    let failed = |e: io::Error| Failure::usage(format_args!("read the answer: {e}"), "say --yes instead");
    io::stderr().flush().map_err(failed)?;
    let mut answer = String::new();
    io::stdin().lock().read_line(&mut answer).map_err(failed)?;
    match answer.trim().to_ascii_lowercase().as_str() {
        "y" | "yes" => Ok(()),
        _ => Err(Failure::refused("not signed", "nothing was sent")),
    }
}
