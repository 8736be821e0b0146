//! `oreledger node`: runs one node until it is told to stop.

use std::path::PathBuf;

use clap::Args;

use crate::{
    failure::{Failure, Outcome},
    output,
};

#[derive(Args, Debug)]
pub(crate) struct Node {
    /// Configuration; `oreledger init` writes one
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
    /// What to log: error, warn, info, debug, or directives such as ore_node=debug
    #[arg(long, default_value = "info", value_name = "LEVEL", env = "ORELEDGER_LOG", hide_env_values = true)]
    log: String,
    /// Log one JSON object a line
    #[arg(long)]
    log_json: bool,
    /// Stop when standard input ends, for a program that starts nodes and must not be outlived by them
    #[arg(long)]
    while_stdin_is_open: bool,
}

/// What the node says when it cannot go on.
pub(crate) fn broken(error: &dyn std::error::Error) -> Failure {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let next = error.to_string();
        if !text.contains(&next) {
            text.push_str(&format!(": {next}"));
        }
        cause = error.source();
    }
    let hint = if text.contains("in use") {
        "another program has this address or this folder; stop it, or choose another port"
    } else {
        "correct what is named; `oreledger fsck DIR` checks the stored ledger"
    };
    Failure::refused(text, hint)
}

pub(crate) async fn run(verb: &Node) -> Outcome {
    ore_node::telemetry::start(&verb.log, verb.log_json)
        .map_err(|error| Failure::usage(error, "use a level such as info"))?;
    let config = ore_node::Config::load(&verb.config).map_err(|errors| {
        Failure::usage(errors, "correct the fields; node-config/README.md explains each")
    })?;
    let shutdown = ore_node::Shutdown::on_signals().map_err(|error| broken(&error))?;
    if verb.while_stdin_is_open {
        let asking = shutdown.clone();
        // Waits for as long as the process runs; nobody waits for it.
        std::thread::spawn(move || {
            let _ = std::io::copy(&mut std::io::stdin().lock(), &mut std::io::sink());
            asking.stop();
        });
    }
    let node = ore_node::Node::start(config, shutdown).await.map_err(|error| broken(&error))?;
    output::note(format!("serving at http://{}; Ctrl-C stops it", node.member_addr()));
    node.wait().await.map_err(|error| broken(&error))
}
