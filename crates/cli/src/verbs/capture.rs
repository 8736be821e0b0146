//! `oreledger capture`: EPCIS 2.0's capture interface on this machine; what is posted is signed here.

use std::{net::SocketAddr, path::PathBuf, sync::Arc};

use clap::Args;

use super::sign::Wait;
use crate::{
    context::Context,
    epcis::{
        gateway::{self, Gateway, MOST_WAITING},
        intake::Intake,
    },
    failure::{Failure, Outcome},
    output,
};

#[derive(Args, Debug)]
#[command(after_help = "\
POST /epcis/capture takes a document; GS1-Capture-Error-Behaviour: rollback (default), proceed.
GET /epcis/capture/ID tells what became of it; GET /epcis/events passes a query on to the node.
POST /epcis/queries keeps a query by its name; GET /epcis/queries/NAME/events asks it.
The key never leaves this machine and no node holds it: that is why capture is here.
Rollback hands nothing in unless the ledger, asked about all of a document at one moment, would
refuse none of it; at most 100,000 records. Only what others hand in between that moment and the
end can still make it refuse one: then what went in is taken back (withdrawn, cancelled,
released), the log keeps both, and what cannot be, such as a receipt, is named by the job.
Jobs are kept in DIR/captures: after a restart those that were not finished are finished.")]
pub(crate) struct Capture {
    /// Address of this machine to listen at
    #[arg(long, default_value = "127.0.0.1:8723", value_name = "ADDRESS")]
    listen: SocketAddr,
    /// What is known of product classes, CSV
    #[arg(long, value_name = "FILE")]
    products: Option<PathBuf>,
    /// Stage to wait for
    #[arg(long, value_enum, default_value_t = Wait::Integrated)]
    wait: Wait,
}

pub(crate) async fn run(context: &Context, verb: &Capture) -> Outcome {
    if !verb.listen.ip().is_loopback() {
        return Err(Failure::usage(
            format_args!(
                "{} is reached from other machines, and whoever reaches it states in your name",
                verb.listen
            ),
            "listen at 127.0.0.1, and put a proxy of your own with its own guard before it if you must",
        ));
    }
    let ledger = Arc::new(context.connect().await?);
    let intake = Intake::open(context, &ledger, verb.products.as_deref(), verb.wait.stage()).await?;
    let (sender, queue) = tokio::sync::mpsc::channel(MOST_WAITING);
    let (shared, unfinished) = Gateway::new(Arc::clone(&ledger), &context.home, sender)?;
    let failed = |e: std::io::Error| {
        Failure::usage(format_args!("listen at {}: {e}", verb.listen), "choose another port")
    };
    let listener = tokio::net::TcpListener::bind(verb.listen).await.map_err(failed)?;
    let address = listener.local_addr().map_err(failed)?;
    output::note(format!(
        "capturing at http://{address}/epcis/capture for {}; Ctrl-C ends it",
        context.acting()?
    ));
    // A task of its own: whoever asks how a job goes is not kept waiting by the job.
    let routes = gateway::routes(Arc::clone(&shared));
    let served = tokio::spawn(async move { axum::serve(listener, routes).await });
    tokio::select! {
        served = served => served.unwrap_or_else(|gone| Err(std::io::Error::other(gone))).map_err(failed),
        worked = gateway::work(shared, unfinished, queue, intake) => worked,
        _ = tokio::signal::ctrl_c() => Ok(()),
    }
}
