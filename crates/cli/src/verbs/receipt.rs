//! `oreledger receipt`: the evidence that a record is in the ledger.

use std::{path::PathBuf, time::Duration};

use clap::Args;
use ore_record::RecordId;

use crate::{
    context::Context,
    failure::{Failure, Outcome},
    output,
    post::engine::failure,
};

#[derive(Args, Debug)]
pub(crate) struct Receipt {
    /// Record id, 64 hexadecimal digits
    record: String,
    /// File to write [default: standard output]
    #[arg(long, short, value_name = "FILE")]
    out: Option<PathBuf>,
}

/// Reads a record id.
pub(crate) fn record_id(text: &str) -> Result<RecordId, Failure> {
    RecordId::from_hex(text).ok_or_else(|| {
        Failure::usage(
            format_args!("{text:?} is no record id"),
            "a record id has 64 hexadecimal digits; `oreledger lot history` shows them",
        )
    })
}

pub(crate) async fn run(context: &Context, verb: &Receipt) -> Outcome {
    let id = record_id(&verb.record)?;
    let ledger = context.connect().await?;
    let receipt = ledger.receipt(id, Duration::from_secs(30)).await.map_err(failure)?;
    output::note(format!(
        "verified: record {} is leaf {} of a log of {} entries, block {} at {}",
        output::short(id),
        receipt.report.leaf_index,
        receipt.report.tree_size,
        receipt.height,
        ore_exchange::write_time(receipt.block_time_ms, 0),
    ));
    match &verb.out {
        None => output::data(&receipt.file),
        Some(path) => {
            std::fs::write(path, &receipt.file).map_err(|e| Failure::file("write", path, &e))?;
            output::note(format!("wrote {}; check it anywhere with `oreledger verify`", path.display()));
            Ok(())
        }
    }
}
