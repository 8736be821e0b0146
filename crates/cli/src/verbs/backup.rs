//! `oreledger backup`: copies a ledger's log; the copy becomes a ledger when a node opens it.

use std::path::PathBuf;

use clap::Args;
use ore_store::{RealDisk, backup::backup};
use serde_json::json;

use super::node::broken;
use crate::{
    context::Context,
    failure::{Failure, Outcome},
    output::{self, thousands},
};

#[derive(Args, Debug)]
pub(crate) struct Backup {
    /// Folder of a node (with node.toml), or its data folder; it may be running
    dir: PathBuf,
    /// Folder of the copy; what is there already and whole is not copied again
    to: PathBuf,
}

pub(crate) fn run(context: &Context, verb: &Backup) -> Outcome {
    let data = if verb.dir.join("data").is_dir() { verb.dir.join("data") } else { verb.dir.clone() };
    if !data.is_dir() {
        return Err(Failure::usage(
            format_args!("there is no ledger at {}", data.display()),
            "name the folder of a node",
        ));
    }
    std::fs::create_dir_all(&verb.to).map_err(|e| Failure::file("create", &verb.to, &e))?;
    let done = backup(&RealDisk, &data, &verb.to).map_err(|error| broken(&error))?;
    output::note("the promise is not copied: never run two nodes with one key");
    if context.json {
        return output::json(
            &json!({ "segments": done.segments, "copied": done.copied, "blocks": done.blocks }),
        );
    }
    output::data(&format!(
        "{} blocks in {} segments, {} copied now\n",
        thousands(done.blocks),
        done.segments,
        done.copied
    ))
}
