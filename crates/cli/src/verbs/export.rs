//! `oreledger export`: every record of the log as JSON Lines, the ledger as tables, a lot's history as EPCIS, the log as tiles.

use std::{
    fs::File,
    io::{BufWriter, Write},
    path::{Path, PathBuf},
};

use clap::Args;
use ore_record::SignedRecord;

use crate::{
    context::Context,
    epcis::outgoing,
    failure::{Failure, Outcome},
    output::{self, thousands},
    post::engine::failure,
    tiles,
};

#[derive(Args, Debug)]
#[command(after_help = "\
--epcis LOT writes what happened to a lot and to all that it was made of as one EPCIS 2.0
document, each signature verified; an import of it, here or elsewhere, gives the same records.
--tiles DIR writes checkpoint, tiles and policy as C2SP tlog-tiles has them, for tools that
nobody here wrote; run it again to bring the folder up to date.")]
pub(crate) struct Export {
    /// File to write, JSON Lines [with --epcis: JSON; default: stdout]
    #[arg(required_unless_present_any = ["parquet", "epcis", "tiles"])]
    file: Option<PathBuf>,
    /// Folder to write tables to instead, as Parquet: lots, events, edges, assays, shares, findings
    #[arg(long, value_name = "DIR", conflicts_with_all = ["file", "epcis", "tiles"])]
    parquet: Option<PathBuf>,
    /// Lot whose history is written as an EPCIS document
    #[arg(long, value_name = "LOT", conflicts_with = "tiles")]
    epcis: Option<String>,
    /// Folder that becomes a log for other people's tools
    #[arg(long, value_name = "DIR", conflicts_with = "file")]
    tiles: Option<PathBuf>,
}

pub(crate) async fn run(context: &Context, verb: &Export) -> Outcome {
    if let Some(dir) = &verb.parquet {
        return super::tables::parquet(context, dir).await;
    }
    match (&verb.epcis, &verb.tiles, &verb.file) {
        (Some(lot), _, file) => outgoing::run(context, lot, file.as_deref()).await,
        (_, Some(folder), _) => tiles::run(context, folder).await,
        (_, _, Some(file)) => json_lines(context, file).await,
        (None, None, None) => Err(Failure::usage("nothing says where to", "name a file")),
    }
}

async fn json_lines(context: &Context, path: &Path) -> Outcome {
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
