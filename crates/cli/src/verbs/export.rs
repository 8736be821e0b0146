//! `oreledger export`: every record of the log as JSON Lines, or the ledger as tables, verified against the checkpoint.

use std::{
    fs::File,
    io::{BufWriter, Write},
    path::PathBuf,
};

use clap::Args;
use ore_record::SignedRecord;

use crate::{
    context::Context,
    failure::{Failure, Outcome},
    output::{self, thousands},
    post::engine::failure,
};

#[derive(Args, Debug)]
pub(crate) struct Export {
    /// File to write, JSON Lines
    #[arg(required_unless_present_any = ["parquet"])]
    file: Option<PathBuf>,
    /// Folder to write tables to instead, as Parquet: lots, events, edges, assays, shares, findings
    #[arg(long, value_name = "DIR", conflicts_with = "file")]
    parquet: Option<PathBuf>,
}

pub(crate) async fn run(context: &Context, verb: &Export) -> Outcome {
    if let Some(dir) = &verb.parquet {
        return super::tables::parquet(context, dir).await;
    }
    let Some(path) = &verb.file else { return Ok(()) };
    let ledger = context.connect().await?;
    let failed = |e: std::io::Error| Failure::file("write", path, &e);
    let mut file = BufWriter::new(File::create(path).map_err(failed)?);
    let mut records = 0;
    let mut trouble = None;
    let signed = ledger
        .whole_log(|leaf, entry| {
            let Ok(record) = SignedRecord::decode(entry) else {
                trouble = Some(Failure::verification(
                    format_args!("the entry at leaf {leaf} is no record"),
                    "run `oreledger fsck` on the node",
                ));
                return;
            };
            if record.is_seal() {
                return;
            }
            records += 1;
            let json = ore_exchange::json::record_to_json(record.record());
            if let Err(e) = writeln!(file, "{{\"leaf\":{leaf},\"id\":\"{}\",\"record\":{json}}}", record.id())
            {
                trouble = Some(failed(e));
            }
        })
        .await
        .map_err(failure)?;
    if let Some(trouble) = trouble {
        return Err(trouble);
    }
    file.into_inner().map_err(|e| failed(e.into_error()))?.sync_all().map_err(failed)?;
    output::note("verified: all entries together hash to the cosigned root");
    output::data(&format!(
        "{} records of a log of {} entries\n",
        thousands(records),
        thousands(signed.unverified().size().get())
    ))
}
