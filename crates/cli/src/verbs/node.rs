//! `oreledger node`: runs one node until it is told to stop.

use std::path::PathBuf;

use clap::Args;
use ore_node::traces::{Collector, Exporter, Listener, Sample};

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
    /// Send traces of records to this OTLP collector, such as http://127.0.0.1:4318 (HTTP, JSON, no TLS)
    #[arg(long, value_name = "URL", env = "ORELEDGER_OTLP", hide_env_values = true)]
    otlp: Option<String>,
    /// Trace one of so many records, the same ones on every node
    #[arg(long, default_value_t = 100, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    otlp_one_in: u32,
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
    let config = ore_node::Config::load(&verb.config).map_err(|errors| {
        Failure::usage(errors, "correct the fields; node-config/README.md explains each")
    })?;
    let (listener, exporter) = traces(verb, &config.member)?.unzip();
    ore_node::telemetry::start(&verb.log, verb.log_json, listener)
        .map_err(|error| Failure::usage(error, "use a level such as info"))?;
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
    let exporting = async {
        match exporter {
            Some(exporter) => exporter.run().await,
            None => std::future::pending().await,
        }
    };
    tokio::pin!(exporting);
    let ended = node.wait();
    tokio::pin!(ended);
    // Traces never end a node; when they end, which is not before the log does, the node goes on.
    let ended = tokio::select! {
        ended = &mut ended => ended,
        () = &mut exporting => ended.await,
    };
    ended.map_err(|error| broken(&error))
}

fn traces(verb: &Node, member: &str) -> Result<Option<(Listener, Exporter)>, Failure> {
    let Some(url) = &verb.otlp else { return Ok(None) };
    let collector = Collector::parse(url, Sample(verb.otlp_one_in)).ok_or_else(|| {
        Failure::usage(
            format_args!("{url:?} is no http:// address"),
            "name the collector's OTLP/HTTP port, such as http://127.0.0.1:4318; a collector behind TLS needs a forwarder",
        )
    })?;
    Ok(Some(ore_node::traces::to(collector, member)))
}
