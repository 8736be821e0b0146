//! `oreledger bundle`: everything that a lot's origin rests on, in one file that verifies offline.

use std::path::PathBuf;

use clap::Args;
use serde_json::json;

use crate::{
    context::Context,
    failure::{Failure, Outcome},
    output,
    post::engine::failure,
    verbs::trace,
};

#[derive(Args, Debug)]
pub(crate) struct Bundle {
    /// Lot
    lot: String,
    /// Element [default: the one that makes up most of the lot]
    #[arg(long, short, value_name = "SYMBOL")]
    element: Option<String>,
    /// File to write [default: the lot's number with .orebundle]
    #[arg(long, short, value_name = "FILE")]
    out: Option<PathBuf>,
}

/// A share link shows no graph to choose the element from.
fn name_element(failure: Failure) -> Failure {
    let hint = format!("name the element with --element SYMBOL; or {}", failure.hint);
    Failure { hint, ..failure }
}

pub(crate) async fn run(context: &Context, verb: &Bundle) -> Outcome {
    let ledger = context.connect().await?;
    let element = match &verb.element {
        Some(symbol) => trace::element(symbol)?,
        None => trace::ask(&ledger, &verb.lot, None, (0, 0)).await.map_err(name_element)?.element,
    };
    let bundle = ledger.bundle(&verb.lot, element).await.map_err(failure)?;
    let path = verb.out.clone().unwrap_or_else(|| {
        let number = verb.lot.rsplit('/').next().unwrap_or("lot");
        PathBuf::from(format!("{number}.orebundle"))
    });
    std::fs::write(&path, &bundle.bytes).map_err(|e| Failure::file("write", &path, &e))?;
    output::note(format!(
        "verified, {} checks; check it anywhere with `oreledger verify {} --trust {}`",
        bundle.report.checks.len(),
        path.display(),
        context.trust_file().display(),
    ));
    if context.json {
        return output::json(&json!({ "file": path.display().to_string(), "bytes": bundle.bytes.len() }));
    }
    output::data(&path.display().to_string())
}
