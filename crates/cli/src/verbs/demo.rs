//! `oreledger demo`: a real consortium, a story in it, and the proof of where a target's metal came from.

mod agree;
pub(crate) mod fleet;

use std::{
    fmt::Write,
    net::SocketAddr,
    path::{Path, PathBuf},
    time::Instant,
};

use clap::Args;
use ore_client::{Identity, Ledger, Memory};
use ore_node::{Config, Node, NodeError, Shutdown};
use ore_record::{RecordId, SignedRecord};
use ore_verify::{TrustRoot, verify_bundle};

use self::fleet::{Fleet, NODES_FOLDER};
use super::{node::broken, submit, trace, verify};
use crate::{
    context::{self, KEYS_FOLDER, TRUST_FILE, URL_FILE},
    failure::{Failure, Outcome},
    keyfile::PassphraseSource,
    output::{self, bold, thousands},
    post::{Desk, Fate, engine::failure, journal::Journal, keyring::Keyring},
    story::{
        self, SUBJECT,
        cast::{self, READER},
        play,
    },
    trace::{flow::Flow, shares, tree},
};

/// Port of the demo when none is asked for and it is free.
const DEFAULT_PORT: u16 = 8720;
/// In the demo folder: what was handed in.
const JOURNAL: &str = "story.oreledger-state";
/// In the demo folder: the log's records as JSON Lines.
const STORY_FILE: &str = "story.jsonl";

#[derive(Args, Debug)]
pub(crate) struct Demo {
    /// Folder of the demo ledger; made if it is not there, continued if it is
    #[arg(long, default_value = "demo-ledger", value_name = "DIR")]
    dir: PathBuf,
    /// Port on 127.0.0.1 [default: 8720, or a free one if that is taken]
    #[arg(long, value_name = "PORT")]
    port: Option<u16>,
    /// Nodes of a new demo ledger, each a process and an organisation of its own: 4, or 1
    #[arg(long, default_value = "4", value_parser = ["1", "4"], value_name = "N")]
    nodes: String,
    /// Stop after the show instead of serving on
    #[arg(long, visible_alias = "exit")]
    once: bool,
}

pub(crate) async fn run(verb: &Demo) -> Outcome {
    // A tone for operators would drown the story: only errors of the node are shown.
    ore_node::telemetry::start("error", false, None).map_err(|error| broken(&error))?;
    let new = !verb.dir.join(TRUST_FILE).exists();
    let listen = SocketAddr::from(([127, 0, 0, 1], verb.port.unwrap_or(DEFAULT_PORT)));
    if new {
        play::make(&verb.dir, verb.nodes == "4", listen)?;
    }
    let shutdown = Shutdown::on_signals().map_err(|error| broken(&error))?;
    let mut house = House::start(verb, listen, &shutdown).await?;
    let url = house.url();
    let url_file = verb.dir.join(URL_FILE);
    std::fs::write(&url_file, format!("{url}\n")).map_err(|e| Failure::file("write", &url_file, &e))?;
    introduce(&verb.dir, &house, new)?;
    let shown = tokio::select! {
        shown = show(&verb.dir, &mut house) => Some(shown),
        () = shutdown.asked() => None,
    };
    match &shown {
        Some(Ok(())) if !verb.once => {
            output::data(&what_next(&verb.dir, &house))?;
            output::note("serving until Ctrl-C");
            shutdown.asked().await;
        }
        _ => {}
    }
    shutdown.stop();
    let stopped = house.stop().await;
    match shown {
        Some(shown) => {
            shown?;
            stopped?;
            if !verb.once {
                output::note("stopped; `oreledger demo` with the same folder continues");
            }
            Ok(())
        }
        None => {
            stopped?;
            output::note("stopped before the story was told; run it again to continue");
            Ok(())
        }
    }
}

/// Who serves the demo: one node in this process, or four processes.
enum House {
    One(Box<Node>),
    Several(Fleet),
}

impl House {
    async fn start(verb: &Demo, listen: SocketAddr, shutdown: &Shutdown) -> Result<Self, Failure> {
        if verb.dir.join(NODES_FOLDER).exists() {
            return Fleet::start(&verb.dir, verb.port, DEFAULT_PORT).await.map(Self::Several);
        }
        let mut config = Config::load(&verb.dir.join("node.toml"))
            .map_err(|errors| Failure::usage(errors, "remove the folder to start over"))?;
        config.listen = listen;
        config.admin_listen = SocketAddr::from(([127, 0, 0, 1], 0));
        Ok(Self::One(Box::new(start(config, verb.port, shutdown).await?)))
    }

    fn url(&self) -> String {
        match self {
            Self::One(node) => format!("http://{}", node.member_addr()),
            Self::Several(fleet) => fleet.url().to_owned(),
        }
    }

    /// Folder of the stored ledger whose bytes can be checked.
    fn stored(&self, dir: &Path) -> PathBuf {
        match self {
            Self::One(_) => dir.to_owned(),
            Self::Several(fleet) => {
                fleet.nodes().next().map_or(dir.to_owned(), |(_, _, home)| home.to_owned())
            }
        }
    }

    async fn stop(self) -> Outcome {
        match self {
            Self::One(node) => node.wait().await.map_err(|error| broken(&error)),
            Self::Several(fleet) => fleet.stop().await,
        }
    }
}

/// Starts the node; the default port gives way when another program has it.
async fn start(config: Config, asked: Option<u16>, shutdown: &Shutdown) -> Result<Node, Failure> {
    let started = Node::start(config.clone(), shutdown.clone()).await;
    let started = match started {
        Err(NodeError::Bind { .. }) if asked.is_none() => {
            let listen = SocketAddr::from(([127, 0, 0, 1], 0));
            Node::start(Config { listen, ..config }, shutdown.clone()).await
        }
        started => started,
    };
    started.map_err(|error| broken(&error))
}

fn introduce(dir: &Path, house: &House, new: bool) -> Outcome {
    let made = if new { "new" } else { "continued" };
    let by = match house {
        House::One(_) => "ordered by one validator".to_owned(),
        House::Several(fleet) => format!(
            "ordered by the nodes of {} organisations,\n         each a process with its own keys and disk; three of four must agree",
            fleet.len()
        ),
    };
    let url = house.url();
    section(&format!(
        "{}\n\n\
         The mine sites are real places (globalstrategic/facilities @ d05e07d29f2f, MIT licence).\n\
         Every organisation and every event is invented: an illustration, no statement about any company.\n\n\
         ledger   {} ({made}), at {url}, {by}\n\
         pages    {url}/lots/{SUBJECT} in a browser; no sign-in, for everything here is made up\n\
         keys     {}: random, not encrypted, for play only\n",
        bold("Oreledger demo: tantalum from rock to the third generation of recycled targets"),
        dir.display(),
        dir.join(KEYS_FOLDER).display(),
    ))
}

/// A part of the show, with a blank line after it.
fn section(text: &str) -> Outcome {
    output::data(&format!("{}\n\n", text.trim_end()))
}

async fn show(dir: &Path, house: &mut House) -> Outcome {
    let trust = context::trust_root(&dir.join(TRUST_FILE))?;
    let memory =
        Memory::open(&dir.join("newest.checkpoint"), &trust.origin).map_err(|e| failure(e.into()))?;
    let reader = Identity::Member { id: READER.into(), key: Box::new(play::key_of(dir, READER)?) };
    let ledger = Ledger::connect_as(&house.url(), trust.clone(), memory, reader).await.map_err(failure)?;
    if let House::Several(_) = house {
        agree::settled(&ledger).await?;
    }
    tell(dir, &ledger, house).await?;
    audit(dir, &ledger).await?;
    provenance(dir, &ledger).await?;
    if let House::Several(fleet) = house {
        agree::show(dir, fleet, &trust).await?;
    }
    prove(dir, &ledger, &trust).await
}

/// Hands the story in, chapter by chapter.
async fn tell(dir: &Path, ledger: &Ledger, house: &mut House) -> Outcome {
    let mut keyring = Keyring::new(&dir.join(KEYS_FOLDER), None, PassphraseSource::default());
    let mut journal = Journal::open(&dir.join(JOURNAL))?;
    let mut desk = Desk::new(ledger, &mut keyring, ore_wire::v1::Stage::Published);
    let (begin, mut new, mut before) = (Instant::now(), Vec::new(), 0);
    output::data(&bold("The story"))?;
    for (number, (title, work)) in play::work(play::chapters(dir)?).into_iter().enumerate() {
        let (chapter, begin) = (work.len(), Instant::now());
        if let (House::Several(fleet), false) = (&mut *house, new.is_empty()) {
            accident(fleet, number).await?;
        }
        let mut refused = None;
        let mut fresh = 0;
        desk.post(work, &mut journal, &mut |work, fate| match fate {
            Fate::Accepted(accepted) => {
                new.push(accepted.id);
                fresh += 1;
            }
            Fate::DoneBefore(_) => before += 1,
            Fate::Refused(trouble) => {
                refused.get_or_insert_with(|| {
                    Failure::refused(
                        format_args!(
                            "step {} of the story by {}: {}",
                            work.place, work.item.record.author, trouble.message
                        ),
                        &trouble.next_step,
                    )
                });
            }
        })
        .await?;
        if let Some(refused) = refused {
            return Err(refused);
        }
        let took = if fresh == 0 {
            "there already".to_owned()
        } else {
            format!("{:.2} s", begin.elapsed().as_secs_f64())
        };
        output::data(&format!("  {chapter:>4}  {title:<34}  {took:>13}"))?;
    }
    let begin_receipts = Instant::now();
    submit::check_receipts(ledger, &new).await?;
    if new.is_empty() {
        return section(&format!(
            "  all {before} records were in the ledger already; nothing was handed in again\n"
        ));
    }
    let again = if before == 0 { String::new() } else { format!(" ({before} more were there already)") };
    section(&format!(
        "  {} records by {} organisations in {:.2} s{again}; {} receipts verified in {:.2} s\n",
        new.len(),
        cast::everybody().count(),
        (begin_receipts - begin).as_secs_f64(),
        new.len(),
        begin_receipts.elapsed().as_secs_f64(),
    ))
}

/// The chapter before which a node is killed, and the one before which it starts again.
const KILLED_BEFORE: usize = 2;
const BACK_BEFORE: usize = 4;

/// One node of four falls out while records flow, and comes back.
async fn accident(fleet: &mut Fleet, chapter: usize) -> Outcome {
    if chapter == KILLED_BEFORE
        && let Some(member) = fleet.kill_last()
    {
        output::data(&format!(
            "        the node of {member} is killed, as by a power cut; three of four go on"
        ))?;
    }
    if chapter == BACK_BEFORE {
        fleet.start_last().await?;
        output::data("        it starts again and catches up, trusting nobody's word")?;
    }
    Ok(())
}

/// Reads the whole log back, hashes it to the checkpoint's root, and leaves it as JSON Lines.
async fn audit(dir: &Path, ledger: &Ledger) -> Outcome {
    let mut lines = String::new();
    let mut seals = 0;
    let mut bad = 0;
    let signed = ledger
        .whole_log(|leaf, entry| match SignedRecord::decode(entry) {
            Ok(record) if record.is_seal() => seals += 1,
            Ok(record) => {
                bad += u64::from(record.clone().verify().is_err());
                let json = ore_exchange::json::record_to_json(record.record());
                let _ = writeln!(lines, "{{\"leaf\":{leaf},\"id\":\"{}\",\"record\":{json}}}", record.id());
            }
            Err(_) => bad += 1,
        })
        .await
        .map_err(failure)?;
    if bad > 0 {
        return Err(Failure::verification(
            format_args!("{bad} entries do not verify"),
            "keep the folder as evidence",
        ));
    }
    let path = dir.join(STORY_FILE);
    std::fs::write(&path, lines).map_err(|e| Failure::file("write", &path, &e))?;
    let checkpoint = signed.unverified();
    section(&format!(
        "{}\n  {} entries ({seals} of them seals of blocks), every signature verified, all hashed to the cosigned root\n  {}\n  read it: {}\n",
        bold("The log"),
        thousands(checkpoint.size().get()),
        RecordId::from_bytes(*checkpoint.root().as_bytes()),
        path.display(),
    ))
}

/// The target of the last generation: tree and shares, and a picture.
async fn provenance(dir: &Path, ledger: &Ledger) -> Outcome {
    let traced = trace::ask(ledger, SUBJECT, None, (0, 0)).await?;
    let flow = Flow::new(SUBJECT, &traced.graph);
    let picture = dir.join("provenance.svg");
    let shown = tree::Shown { depth: 64, least: 0.03 };
    section(&format!(
        "{}\n{}\n{}  picture: {}\n",
        bold(&format!("Where the tantalum in {SUBJECT} came from")),
        tree::render(&flow, shown),
        shares::tables(traced.symbol, &traced.answer),
        picture.display(),
    ))?;
    let drawn = traced.picture(SUBJECT);
    std::fs::write(&picture, drawn).map_err(|e| Failure::file("write", &picture, &e))
}

/// The proof: fetched, checked offline, and one byte of it flipped.
async fn prove(dir: &Path, ledger: &Ledger, trust: &TrustRoot) -> Outcome {
    let bundle = ledger.bundle(SUBJECT, story::teller::TA).await.map_err(failure)?;
    let path = dir.join("TGT-301.orebundle");
    std::fs::write(&path, &bundle.bytes).map_err(|e| Failure::file("write", &path, &e))?;
    let read = std::fs::read(&path).map_err(|e| Failure::file("read", &path, &e))?;
    let begin = Instant::now();
    let report = verify_bundle(&read, trust)
        .map_err(|fault| Failure::verification(fault, "report this as a defect"))?;
    section(&format!(
        "{}\n{}  {} bytes, checked offline in {:.0} ms\n",
        bold("The proof, verified without the ledger"),
        verify::bundle_text(&path.display().to_string(), &report),
        thousands(read.len() as u64),
        begin.elapsed().as_secs_f64() * 1000.0,
    ))?;
    let (at, flipped) = flip(&read);
    let path = dir.join("TGT-301.flipped.orebundle");
    std::fs::write(&path, &flipped).map_err(|e| Failure::file("write", &path, &e))?;
    match verify_bundle(&flipped, trust) {
        Ok(_) => Err(Failure::verification(
            format_args!("a bundle with byte {at} flipped verifies"),
            "report this as a defect",
        )),
        Err(fault) => section(&format!(
            "{}\n{}",
            bold(&format!("The same with one bit of byte {} flipped", thousands(at as u64))),
            verify::fault_text(&path.display().to_string(), &fault),
        )),
    }
}

/// Flips one bit in the middle of the file.
fn flip(bytes: &[u8]) -> (usize, Vec<u8>) {
    let mut flipped = bytes.to_vec();
    let at = bytes.len() / 2;
    if let Some(byte) = flipped.get_mut(at) {
        *byte ^= 1;
    }
    (at, flipped)
}

/// Commands that work as they stand, from this folder, in another terminal.
fn what_next(dir: &Path, house: &House) -> String {
    let (program, url) = (program(), house.url());
    let stored = quoted(&house.stored(dir).display().to_string());
    let dir = quoted(&dir.display().to_string());
    let home = format!("--home {dir}");
    format!(
        "{}\n\
         \n  # look at it: graph, passport, custody, mass balances, findings, the ledger itself\n  {url}/lots/{SUBJECT}\
         \n\n  # the same answer, for programs, and as a picture\n  {program} trace {SUBJECT} {home} --json\n  {program} trace {SUBJECT} {home} --svg > provenance.svg\
         \n\n  # who holds what was made of the lot of unknown origin\n  {program} trace trader-ae/UNK-2301 --forward {home}\
         \n\n  # the niobium that came with it\n  {program} trace alloy-maker-de/NBM-2301 {home}\
         \n\n  # one lot: as it stands, and the records that touched it\n  {program} lot show {SUBJECT} {home}\n  {program} lot history {SUBJECT} {home}\
         \n\n  # the proof again, and the flipped one, without the ledger\n  {program} verify {dir}/TGT-301.orebundle --trust {dir}/{TRUST_FILE}\n  {program} verify {dir}/TGT-301.flipped.orebundle --trust {dir}/{TRUST_FILE}\
         \n\n  # sign something yourself: the fab sputters 5 kg away; then try to make metal of nothing\n  {program} use {SUBJECT} --net-mass \"40 kg\" --facility fab-tw/fab --as fab-tw --yes {home}\n  {program} use {SUBJECT} --net-mass \"60 kg\" --facility fab-tw/fab --as fab-tw --yes {home}\
         \n\n  # the log as other people's tools read it (C2SP tlog-tiles)\n  curl {url}/checkpoint\
         \n\n  # after Ctrl-C: check the stored ledger from its bytes\n  {program} fsck {stored}\n",
        bold("What to try next, in another terminal"),
    )
}

/// How this program was called, for copying: relative to the current folder where that is shorter.
fn program() -> String {
    let Ok(path) = std::env::current_exe() else { return "oreledger".to_owned() };
    let here = std::env::current_dir().unwrap_or_default();
    let shown = path.strip_prefix(&here).unwrap_or(&path).display().to_string();
    quoted(&if shown.contains('/') { shown } else { format!("./{shown}") })
}

/// Quoted for a shell where it has to be.
fn quoted(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-".contains(c);
    if text.chars().all(plain) { text.to_owned() } else { format!("'{}'", text.replace('\'', "'\\''")) }
}
