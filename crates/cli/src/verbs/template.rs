//! `oreledger template`: an empty form for an event, as a workbook or as CSV.

use std::{
    io::{IsTerminal, Write},
    path::PathBuf,
};

use clap::Args;

use crate::{
    failure::{Failure, Outcome},
    output,
};

#[derive(Args, Debug)]
#[command(after_help = "\
A workbook has a sheet to fill in for each event, its example beside it, and a sheet of codes; `oreledger submit`
takes it as it is. Sheets whose name begins with # are for people and are not read.")]
pub(crate) struct Template {
    /// Event, such as commission or "cancel shipment" [default: all]
    event: Option<String>,
    /// A workbook, for spreadsheet programs
    #[arg(long, required_unless_present = "csv", conflicts_with = "csv")]
    xlsx: bool,
    /// Text with commas: header and example
    #[arg(long)]
    csv: bool,
    /// File to write [default: the event's name with .xlsx; CSV goes to standard output]
    #[arg(long, short, value_name = "FILE")]
    out: Option<PathBuf>,
}

pub(crate) fn run(verb: &Template) -> Outcome {
    // People write the event as the templates do, or as the verbs do.
    let event = verb.event.as_deref().map(|event| event.replace(['-', '_'], " ").to_lowercase());
    let events: Vec<&str> = event.as_deref().into_iter().collect();
    let workbook = ore_sheets::workbook(&events).map_err(|error| {
        Failure::usage(error, "choose one of them, or leave the event out for a workbook with all")
    })?;
    if verb.csv {
        let templates = ore_exchange::csv::templates();
        let wanted = templates.into_iter().filter(|it| events.is_empty() || events.contains(&it.event));
        let text = wanted.map(|it| it.text).collect::<Vec<_>>().join("\n");
        return match &verb.out {
            Some(path) => std::fs::write(path, text).map_err(|e| Failure::file("write", path, &e)),
            None => output::data(&text),
        };
    }
    if verb.out.as_deref().is_some_and(|path| path.as_os_str() == "-") {
        if std::io::stdout().is_terminal() {
            return Err(Failure::usage(
                "a workbook is no text for a terminal",
                "name a file with --out FILE.xlsx",
            ));
        }
        let written = std::io::stdout().write_all(&workbook);
        return written
            .map_err(|e| Failure::usage(format_args!("write: {e}"), "check where the output goes"));
    }
    let name = event.as_deref().unwrap_or("oreledger").replace(' ', "-");
    let path = verb.out.clone().unwrap_or_else(|| PathBuf::from(format!("{name}.xlsx")));
    std::fs::write(&path, workbook).map_err(|e| Failure::file("write", &path, &e))?;
    output::note(format!("fill in its first sheet, then: oreledger submit {} --as MEMBER", path.display()));
    output::data(&path.display().to_string())
}
