//! `oreledger import`: documents of other systems; what is right goes in, what is wrong is named, a rerun continues.

use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::json;

use super::sign::Wait;
use crate::{
    context::Context,
    epcis::intake::{Behaviour, Intake, News, Outcome as Became, STATE_FILE, Tally},
    failure::{Failure, Outcome},
    output,
};

#[derive(Args, Debug)]
#[command(after_help = "\
EPCIS 2.0 in JSON or XML, EPCIS 1.2 in XML; crates/epcis/README.md has the table of records.
Each event is signed with the key of the member at whose facility it took place, if it is here.
What a document does not say is told, never invented: its lots are declared, not measured.
The original is kept in DIR/documents under its digest, which every record carries.
DIR/epcis.oreledger-state remembers what is in: the same event enters once, in any document.
FILE.csv of --products: gtin,material,model,form,compound,hs_code,process")]
pub(crate) struct Import {
    /// EPCIS documents
    #[arg(long, required = true, num_args = 1.., value_name = "FILE")]
    epcis: Vec<PathBuf>,
    /// What is known of product classes, CSV
    #[arg(long, value_name = "FILE")]
    products: Option<PathBuf>,
    /// Nothing of a document unless the ledger, asked about all of it at once, would refuse none
    #[arg(long)]
    rollback: bool,
    /// Write the document with drafts of what is missing in it, to be filled in; nothing is handed in
    #[arg(long, value_name = "FILE", conflicts_with_all = ["rollback", "dry_run"])]
    draft: Option<PathBuf>,
    /// Only read, check, map and ask the ledger what it would refuse
    #[arg(long)]
    dry_run: bool,
    /// Stage to wait for
    #[arg(long, value_enum, default_value_t = Wait::Integrated)]
    wait: Wait,
}

pub(crate) async fn run(context: &Context, verb: &Import) -> Outcome {
    let ledger = context.connect().await?;
    let mut intake = Intake::open(context, &ledger, verb.products.as_deref(), verb.wait.stage()).await?;
    if let Some(out) = &verb.draft {
        return draft(&mut intake, &verb.epcis, out).await;
    }
    let behaviour = if verb.rollback { Behaviour::Rollback } else { Behaviour::Proceed };
    let mut all = Tally::default();
    for path in &verb.epcis {
        let mut printed = Ok(());
        let shown = path.display().to_string();
        let tally = intake
            .take(path, behaviour, verb.dry_run, &mut |news| {
                let one = print(context, &shown, &news);
                if printed.is_ok() {
                    printed = one;
                }
            })
            .await?;
        printed?;
        all.events += tally.events;
        all.judged += tally.judged;
        all.unjudged += tally.unjudged;
        all.recorded += tally.recorded;
        all.before += tally.before;
        all.refused += tally.refused;
        all.lacks += tally.lacks;
        all.taken_back += tally.taken_back;
        all.left += tally.left;
    }
    let (records, where_they_are, before, sent) = match verb.dry_run {
        true => (all.judged, "would go in", "are already in the ledger", "; nothing was handed in"),
        false => (all.recorded, "in the ledger", "were in before", ""),
    };
    let unjudged = match all.unjudged {
        0 => String::new(),
        unjudged => format!(", {} not judged", output::thousands(unjudged)),
    };
    output::note(format!(
        "{} events: {} records {where_they_are}, {} {before}, {} refused{unjudged}, {} things not stated{sent}",
        output::thousands(all.events),
        output::thousands(records),
        output::thousands(all.before),
        output::thousands(all.refused),
        output::thousands(all.lacks),
    ));
    if all.taken_back + all.left > 0 {
        output::note(format!(
            "rollback: {} records were taken back, {} stay in the ledger and are named above",
            output::thousands(all.taken_back),
            output::thousands(all.left),
        ));
    }
    if all.refused > 0 {
        let refused = output::thousands(all.refused);
        let again = "correct what is named above and run the command again";
        return Err(match verb.dry_run {
            true => Failure::refused(format!("{refused} would be refused"), again),
            false if verb.rollback => Failure::refused(
                format!("{refused} refused, so nothing counts of a document with one of them"),
                again,
            ),
            false => Failure::refused(
                format!("{refused} refused, and not in the ledger"),
                format!("{again}; {STATE_FILE} knows what is in"),
            ),
        });
    }
    if all.unjudged > 0 {
        return Err(Failure::refused(
            format_args!(
                "of {} records it is not known whether they would go in",
                output::thousands(all.unjudged)
            ),
            "rehearse the document in parts, or import it: what is refused then is named",
        ));
    }
    Ok(())
}

/// What must have happened between the events of a document, as far as they tell.
async fn draft(intake: &mut Intake<'_>, documents: &[PathBuf], out: &Path) -> Outcome {
    let [path] = documents else {
        return Err(Failure::usage("a draft is of one document", "name one file with --epcis"));
    };
    let mut asked = Vec::new();
    let drafted = intake
        .draft(path, out, &mut |event, what| {
            asked.push(match event {
                Some(event) => format!("event {event}: {what}"),
                None => format!("the document: {what}"),
            })
        })
        .await?;
    asked.iter().try_for_each(|line| output::data(line))?;
    output::note(format!(
        "{}: the {} events of {}, {} of them to be corrected, and {} drafted between them; fill in what mct:missing \
         says of each, take mct:missing away, and import the file",
        out.display(),
        output::thousands(drafted.events),
        path.display(),
        output::thousands(drafted.amended),
        output::thousands(drafted.added),
    ));
    Ok(())
}

fn print(context: &Context, path: &str, news: &News) -> Outcome {
    let place = news.event.map_or_else(String::new, |event| format!(", event {event}"));
    match &news.outcome {
        Became::Recorded { id, before } if context.json => output::data(
            &json!({ "file": path, "event": news.event, "record": id, "before": before }).to_string(),
        ),
        Became::Recorded { before: true, .. } => Ok(()),
        Became::Recorded { id, .. } => output::data(&format!("{path}{place}\t{id}")),
        Became::Unjudged { reason } => {
            eprintln!("{path}{place}: not judged: {reason}");
            if !context.json {
                return Ok(());
            }
            output::data(&json!({ "file": path, "event": news.event, "not_judged": reason }).to_string())
        }
        Became::Lacks(what) => {
            eprintln!("{path}{place}: not stated: {what}");
            if !context.json {
                return Ok(());
            }
            output::data(&json!({ "file": path, "event": news.event, "not_stated": what }).to_string())
        }
        Became::TakenBack { id } if context.json => {
            output::data(&json!({ "file": path, "event": news.event, "taken_back": id }).to_string())
        }
        Became::TakenBack { id } => {
            eprintln!("{path}{place}: taken back: {id}");
            Ok(())
        }
        Became::Left { id, reason, next } => {
            eprintln!("{path}{place}: stays in the ledger: {id}: {reason}\n  next: {next}");
            if !context.json {
                return Ok(());
            }
            let left =
                json!({ "file": path, "event": news.event, "left": id, "why": reason, "next_step": next });
            output::data(&left.to_string())
        }
        Became::Refused { field, reason, clause, next, .. } => {
            let field = if field.is_empty() { String::new() } else { format!(", {field}") };
            let by = if clause.is_empty() { String::new() } else { format!(" ({clause})") };
            eprintln!("{path}{place}{field}: {reason}{by}\n  next: {next}");
            if !context.json {
                return Ok(());
            }
            output::data(
                &json!({
                    "file": path, "event": news.event, "refused": reason, "clause": clause, "next_step": next,
                })
                .to_string(),
            )
        }
    }
}
