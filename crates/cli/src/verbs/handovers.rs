//! `oreledger handovers`: the file that leads from the trust root to the validators of today.

use std::path::PathBuf;

use clap::Args;

use crate::{
    context::Context,
    failure::{Failure, Outcome},
    output,
    post::engine::failure,
};

#[derive(Args, Debug)]
pub(crate) struct Handovers {
    /// File to write [default: standard output]
    #[arg(long, short, value_name = "FILE")]
    out: Option<PathBuf>,
}

pub(crate) async fn run(context: &Context, verb: &Handovers) -> Outcome {
    let ledger = context.connect().await?;
    let handovers = ledger.handovers().await.map_err(failure)?;
    let roots = ledger.roots();
    let sizes: Vec<String> = roots.iter().map(|root| root.policy.witnesses().len().to_string()).collect();
    output::note(format!(
        "verified: {} of the validators since the trust root; cosigners: {}",
        match handovers.len() {
            0 => "no change".to_owned(),
            1 => "one change".to_owned(),
            many => format!("{many} changes"),
        },
        sizes.join(", then "),
    ));
    let text: String = handovers.iter().map(ToString::to_string).collect();
    match &verb.out {
        None => output::data(&text),
        Some(path) => {
            std::fs::write(path, &text).map_err(|e| Failure::file("write", path, &e))?;
            output::note(format!("wrote {}; `oreledger verify --handovers` takes it", path.display()));
            Ok(())
        }
    }
}
