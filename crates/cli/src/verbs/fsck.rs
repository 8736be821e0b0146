//! `oreledger fsck`: a stored ledger, everything recomputed from bytes.

use std::{
    path::PathBuf,
    sync::{Mutex, PoisonError},
};

use clap::Args;
use ore_checkpoint::SignedCheckpoint;
use ore_consensus::{
    ValidatorEntry,
    past::{Past, PastBlock, PastFault},
};
use ore_store::{
    FsckOptions, FsckReport,
    fsck::{CertificateQuestion, Uncertified},
};
use serde_json::json;

use super::submit::progress_bar;
use crate::{
    context::{self, Context, TRUST_FILE},
    failure::{Failure, Outcome},
    output::{self, table, thousands},
};

#[derive(Args, Debug)]
pub(crate) struct Fsck {
    /// Folder of a node (with node.toml), or its data folder
    dir: PathBuf,
    /// A checkpoint that you remember: the ledger must extend it
    #[arg(long, value_name = "FILE")]
    remembered: Option<PathBuf>,
    /// The node crashed and was not started since: a torn tail is no damage
    #[arg(long)]
    after_crash: bool,
    /// Also name signatures that only the cofactored rule accepts (slower)
    #[arg(long)]
    strict: bool,
}

pub(crate) fn run(context: &Context, verb: &Fsck) -> Outcome {
    let data = if verb.dir.join("data").is_dir() { verb.dir.join("data") } else { verb.dir.clone() };
    if !data.is_dir() {
        return Err(Failure::usage(
            format_args!("there is no ledger at {}", data.display()),
            "name the folder of a node",
        ));
    }
    let beside = verb.dir.join(TRUST_FILE);
    let trust = if beside.exists() { context::trust_root(&beside)? } else { context.trust_root()? };
    let remembered = match &verb.remembered {
        None => None,
        Some(path) => {
            let bytes = std::fs::read(path).map_err(|e| Failure::file("read", path, &e))?;
            let signed = SignedCheckpoint::parse(&bytes).map_err(|error| {
                Failure::usage(format_args!("{}: {error}", path.display()), "name a checkpoint file")
            })?;
            let believed = trust.policy.check(&signed).map_err(|error| {
                Failure::verification(
                    format_args!("{}: {error}", path.display()),
                    "remember a checkpoint that verifies",
                )
            })?;
            Some(believed.checkpoint().clone())
        }
    };
    let past = Mutex::new(Past::of(&trust.origin));
    let certificates = |question: &CertificateQuestion<'_>| {
        certified(question, &mut past.lock().unwrap_or_else(PoisonError::into_inner))
    };
    let options = FsckOptions {
        origin: Some(trust.origin.clone()),
        genesis: Some(trust.genesis),
        certificates: Some(&certificates),
        policy: Some(&trust.policy),
        remembered,
        after_crash: verb.after_crash,
        strict: verb.strict,
        ..FsckOptions::default()
    };
    let bar = progress_bar(0);
    let report = ore_store::fsck(&data, &options, &|_, done, all| {
        bar.set_length(all.unwrap_or(done));
        bar.set_position(done);
    });
    bar.finish_and_clear();
    let report = report.map_err(|error| super::node::broken(&error))?;
    present(context, &data, &report)
}

/// Answers for the store, which knows no consensus.
fn certified(question: &CertificateQuestion<'_>, past: &mut Past) -> Result<(), Uncertified> {
    let validators = question.validators.iter();
    let entry = |(member, key): &(&str, [u8; 32])| ValidatorEntry {
        member: (*member).to_owned(),
        public_key: *key,
        power: 1,
    };
    let block = PastBlock {
        height: question.height,
        id: question.block_id,
        proposer: question.proposer,
        certificate: question.certificate,
        validators: validators.map(entry).collect(),
        term: question.term,
        rules: question.rules,
    };
    past.next(block).map_err(|fault| match fault {
        PastFault::Certificate(fault) => Uncertified::Certificate(fault.to_string()),
        PastFault::OutOfTurn(turns) => Uncertified::OutOfTurn(turns),
    })
}

fn present(context: &Context, data: &std::path::Path, report: &FsckReport) -> Outcome {
    if context.json {
        output::json(&json!({
            "dir": data.display().to_string(),
            "clean": report.is_clean(),
            "checks": report.checks.iter().map(|(name, count)| json!({ "check": name, "count": count })).collect::<Vec<_>>(),
            "left_out": report.left_out,
            "entries": report.tree.0,
            "root": report.tree.1.to_string(),
            "damage": report.damage.as_ref().map(ToString::to_string),
        }))?;
    } else {
        let rows: Vec<Vec<String>> = report
            .checks
            .iter()
            .map(|(name, count)| vec![format!("  {}", thousands(*count)), (*name).to_owned()])
            .collect();
        let verdict = if report.is_clean() { "CLEAN" } else { "DAMAGED" };
        let mut text = format!(
            "{}: {verdict}, {} entries, root {}\n",
            data.display(),
            thousands(report.tree.0),
            report.tree.1
        );
        text.push_str(&table(&rows, &[0]));
        for left_out in &report.left_out {
            text.push_str(&format!("  left out: {left_out}\n"));
        }
        output::data(&text)?;
    }
    match &report.damage {
        None => Ok(()),
        Some(damage) => Err(Failure::verification(
            damage,
            "keep this folder as evidence; restore from a backup or from another node, then run fsck again",
        )),
    }
}
