//! The `oreledger` command.
//!
//! Data on stdout, everything else on stderr. Exit codes: 0 ok, 1 refused or not found, 2 usage,
//! 3 verification failed, 4 unreachable. Every error ends with a hint.

mod context;
mod epcis;
mod failure;
mod keyfile;
mod output;
mod post;
mod story;
mod tiles;
mod trace;
mod verbs;

use std::process::ExitCode;

use clap::{Parser, Subcommand, error::ErrorKind};

use context::Context;
use failure::{Failure, Outcome};
use ore_exchange::words;
use verbs::{
    audit, backup, ballot, bench, bundle, capture, claims, credential, demo, events, export, findings,
    fingerprint, found, fsck, governance, handovers, import, init, key, lot, node, passport, peers, receipt,
    share, submit, template, trace as tracing_verb, verify,
};

/// A ledger of metals: who had what, what became of it, and where it came from, with proof
#[derive(Parser, Debug)]
#[command(
    name = "oreledger",
    version,
    max_term_width = 110,
    arg_required_else_help = true,
    disable_help_subcommand = true,
    after_help = "\
Start with `oreledger demo`. Data goes to stdout, everything else to stderr.
Exit codes: 0 ok, 1 refused or not found, 2 usage, 3 verification failed, 4 unreachable."
)]
struct Cli {
    #[command(flatten)]
    context: Context,
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand, Debug)]
enum Verb {
    /// A ledger on this machine with a story in it: watch it grow, trace a target, check the proof
    Demo(demo::Demo),
    /// Make a new ledger: keys, trust root, genesis block
    Init(init::Init),
    /// Make a ledger of several organisations, each with its own keys
    #[command(subcommand)]
    Found(found::Found),
    /// Run a node
    Node(node::Node),
    /// Make, show and export keys
    #[command(subcommand)]
    Key(key::Key),

    /// Propose, prove, list members
    #[command(subcommand)]
    Member(governance::Member),
    /// Register, list facilities
    #[command(subcommand)]
    Facility(governance::Facility),
    /// Issue, change, list attestations
    #[command(subcommand)]
    Attest(governance::Attest),
    /// Show or propose the consortium's thresholds
    #[command(subcommand)]
    Profile(governance::Profile),
    /// Approve a proposal
    Approve(ballot::Approve),
    /// Propose who orders blocks, or by which rules
    ChangeValidators(ballot::Change),

    /// Commission, show, list lots
    #[command(subcommand)]
    Lot(lot::LotVerb),
    /// State that lots became other lots
    Transform(events::Transform),
    /// Offer lots to a receiver
    Ship(events::Ship),
    /// Take the lots of an offer
    Accept(events::Accept),
    /// Refuse the lots of an offer
    Decline(events::LotsBecause),
    /// Take back an offer that is not answered yet
    Cancel(events::LotsBecause),
    /// State what was measured in a lot
    Assay(events::Assay),
    /// State an item's net mass after use
    Use(events::Use),
    /// State a physical inventory
    Stocktake(events::Stocktake),
    /// State that a lot, or a part of it, left the system
    Dispose(events::Dispose),
    /// Put a lot on hold
    Hold(events::LotBecause),
    /// End a hold or a recall
    Release(events::LotBecause),
    /// Call a lot back
    Recall(events::Recall),
    /// Declare an own record wrong; nothing is erased
    Withdraw(events::Withdraw),
    /// State what is beside custody: seals, footprints, credits, erasures
    #[command(subcommand)]
    Declare(claims::Declare),
    /// Hand in many records from a file
    Submit(submit::Submit),
    /// Take in a passport or conformity credential of somebody else (UNTP)
    Credential(credential::Credential),
    /// An empty form for an event: a workbook or CSV, with units, codes and an example
    Template(template::Template),
    /// Hand in what another system's documents say: GS1 EPCIS
    Import(import::Import),
    /// Take EPCIS documents from other systems on this machine, sign and hand in
    Capture(capture::Capture),

    /// Where a lot's metal came from, or where it went
    Trace(tracing_verb::Trace),
    /// What the rules flag: for a lot and its ancestors, a facility, or everything
    Findings(findings::Findings),
    /// The books of a facility: opening, movements, closing, stocktakes
    Balance(audit::Balance),
    /// What of an element went round: scrap, recovery, loops, by country
    Circularity(audit::Circularity),
    /// What a lot's metal hangs on: facilities, refiners, members, countries
    Dependence(audit::Dependence),
    /// Claim credits by scheme, facility, element and period
    Credits(audit::Credits),
    /// Metal accounts of tolling: delivered, returned, owed
    Accounts(audit::Accounts),
    /// Who had a lot, who owned it, where it was, and where the account has gaps
    Chain(audit::Chain),
    /// Environmental burden of a lot, carried through every step
    Footprint(audit::Footprint),
    /// What trace-element patterns say of a claimed origin: evidence, never a verdict
    #[command(subcommand)]
    Fingerprint(fingerprint::Fingerprint),
    /// Fetch and verify the evidence that a record is in the ledger
    Receipt(receipt::Receipt),
    /// Fetch and verify everything that a lot's origin rests on
    Bundle(bundle::Bundle),
    /// Make a lot's product passport (UNTP): shares from verified bundles, signed by a member
    Passport(passport::Passport),
    /// Make a token to read with, from a member's key
    Token(share::Make),
    /// Make a link by which an outsider sees one lot and its proof
    Share(share::Share),
    /// What a node has seen of the other members' nodes: cosignatures, faults, evidence
    Peers(peers::Peers),
    /// Fetch and follow the changes of the validators since the trust root
    Handovers(handovers::Handovers),
    /// Check bundles, receipts and evidence offline
    Verify(verify::Verify),
    /// Check a stored ledger from its bytes
    Fsck(fsck::Fsck),
    /// Copy a ledger's log, also of a running node
    Backup(backup::Backup),
    /// Records out, verified: JSON Lines, Parquet tables, EPCIS, tiles for other tools
    Export(export::Export),
    /// Put load on a running ledger and measure
    Bench(bench::Bench),
}

fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return unread(&error),
    };
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            return Failure::usage(format_args!("start threads: {error}"), "free some memory").report();
        }
    };
    match runtime.block_on(run(&cli)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.report(),
    }
}

/// Help and version are data; a wrong command line is a failure with a hint.
fn unread(error: &clap::Error) -> ExitCode {
    match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => {
            let _ = error.print();
            ExitCode::SUCCESS
        }
        _ => {
            let _ = error.print();
            eprintln!("hint: `oreledger --help` lists the verbs, `oreledger VERB --help` tells about one");
            ExitCode::from(failure::Kind::Usage.code())
        }
    }
}

async fn run(cli: &Cli) -> Outcome {
    let context = &cli.context;
    match &cli.verb {
        Verb::Demo(verb) => demo::run(verb).await,
        Verb::Init(verb) => init::run(context, verb),
        Verb::Found(verb) => found::run(context, verb),
        Verb::Node(verb) => node::run(verb).await,
        Verb::Key(verb) => key::run(context, verb),
        Verb::Member(verb) => governance::member(context, verb).await,
        Verb::Facility(verb) => governance::facility(context, verb).await,
        Verb::Attest(verb) => governance::attest(context, verb).await,
        Verb::Profile(verb) => governance::profile(context, verb).await,
        Verb::Approve(verb) => ballot::approve(context, verb).await,
        Verb::ChangeValidators(verb) => ballot::change_validators(context, verb).await,
        Verb::Lot(verb) => lot::run(context, verb).await,
        Verb::Transform(verb) => events::transform(context, verb).await,
        Verb::Ship(verb) => events::ship(context, verb).await,
        Verb::Accept(verb) => events::accept(context, verb).await,
        Verb::Decline(verb) => events::answer_offer(context, "decline", verb).await,
        Verb::Cancel(verb) => events::answer_offer(context, "cancel_shipment", verb).await,
        Verb::Assay(verb) => events::assay(context, verb).await,
        Verb::Use(verb) => events::use_item(context, verb).await,
        Verb::Stocktake(verb) => events::stocktake(context, verb).await,
        Verb::Dispose(verb) => events::dispose(context, verb).await,
        Verb::Hold(verb) => events::change_status(context, "hold", verb).await,
        Verb::Release(verb) => events::change_status(context, "release", verb).await,
        Verb::Recall(verb) => events::recall(context, verb).await,
        Verb::Withdraw(verb) => events::withdraw(context, verb).await,
        Verb::Declare(verb) => claims::run(context, verb).await,
        Verb::Submit(verb) => submit::run(context, verb).await,
        Verb::Credential(verb) => credential::run(context, verb).await,
        Verb::Template(verb) => template::run(verb),
        Verb::Import(verb) => import::run(context, verb).await,
        Verb::Capture(verb) => capture::run(context, verb).await,
        Verb::Trace(verb) => tracing_verb::run(context, verb).await,
        Verb::Findings(verb) => findings::run(context, verb).await,
        Verb::Balance(verb) => audit::balance(context, verb).await,
        Verb::Circularity(verb) => audit::circularity(context, verb).await,
        Verb::Dependence(verb) => audit::dependence(context, verb).await,
        Verb::Credits(verb) => audit::credits(context, verb).await,
        Verb::Accounts(verb) => audit::accounts(context, verb).await,
        Verb::Chain(verb) => audit::chain(context, verb).await,
        Verb::Footprint(verb) => audit::footprint(context, verb).await,
        Verb::Fingerprint(verb) => fingerprint::run(context, verb).await,
        Verb::Receipt(verb) => receipt::run(context, verb).await,
        Verb::Bundle(verb) => bundle::run(context, verb).await,
        Verb::Passport(verb) => passport::run(context, verb).await,
        Verb::Token(verb) => share::token(context, verb),
        Verb::Share(verb) => share::share(context, verb).await,
        Verb::Peers(verb) => peers::run(context, verb).await,
        Verb::Handovers(verb) => handovers::run(context, verb).await,
        Verb::Verify(verb) => verify::run(context, verb),
        Verb::Fsck(verb) => fsck::run(context, verb),
        Verb::Backup(verb) => backup::run(context, verb),
        Verb::Export(verb) => export::run(context, verb).await,
        Verb::Bench(verb) => bench::run(context, verb).await,
    }
}
