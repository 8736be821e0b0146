//! What is signed around an origin check: libraries, claims, trace patterns. And who asked.

use std::{
    io::Write,
    path::{Path, PathBuf},
};

use bytes::Bytes;
use clap::Args;
use ore_fingerprint::{check::Lot, ledger, pattern::Reading};
use ore_record::{
    RecordId, assay as exchange,
    v1::{self as record, ClaimOrigin, LotRef, PublishLibrary, Record, TraceSpot},
};
use ore_wire::{fingerprint::assay as as_assay, v1};

use super::{files, print};
use crate::{
    context::Context,
    failure::{Failure, Outcome},
    output,
    post::{Desk, Fate, Work, engine::failure, item::Item, journal::Journal},
    verbs::{
        audit::hex_of,
        sign::{self, Statement},
    },
};

/// Analyses in one part: some 50 kB of a record's 64.
const ANALYSES: usize = 120;
/// Parts of one version.
const PARTS: usize = 256;

#[derive(Args, Debug)]
pub(crate) struct Claim {
    /// Lot
    lot: String,
    /// The origin, as in the library
    #[arg(long, value_name = "NAME")]
    origin: String,
    /// Record of the library's version; `library list` shows them
    #[arg(long, value_name = "RECORD")]
    library: String,
    #[command(flatten)]
    statement: Statement,
}

pub(super) async fn claim(context: &Context, verb: &Claim) -> Outcome {
    let library = id(&verb.library)?.as_bytes().to_vec();
    let event = ClaimOrigin { lot: verb.lot.clone(), origin: verb.origin.clone(), library };
    let record = sign::blank(context, &verb.statement, event.into())?;
    sign::sign(context, &verb.statement, record).await
}

fn id(text: &str) -> Result<RecordId, Failure> {
    RecordId::from_hex(text).ok_or_else(|| {
        Failure::usage(
            format_args!("{text:?} is no record"),
            "write its 64 hexadecimal digits; `oreledger fingerprint library list` shows those of libraries",
        )
    })
}

/// The record of a version, or nothing for the shipped library.
pub(super) fn library(text: Option<&str>) -> Result<Bytes, Failure> {
    text.map_or_else(|| Ok(Bytes::new()), |text| Ok(Bytes::copy_from_slice(id(text)?.as_bytes())))
}

#[derive(Args, Debug)]
pub(crate) struct Assay {
    /// Lot
    lot: String,
    /// The table, one row per spot
    #[arg(long, value_name = "FILE")]
    table: PathBuf,
    /// Number of the sample
    #[arg(long, default_value = "")]
    sample: String,
    /// Session of the laboratory
    #[arg(long, default_value = "")]
    session: String,
    /// What was measured of reference materials
    #[arg(long, default_value = "")]
    reference_material: String,
    /// Who took the sample
    #[arg(long, default_value = "")]
    sampled_by: String,
    /// Only commit to the result; write what opens it to this new file
    #[arg(long, value_name = "FILE", conflicts_with_all = ["reveal", "secret"])]
    commit: Option<PathBuf>,
    /// Reveal the result that this record committed to
    #[arg(long, value_name = "RECORD", requires = "secret")]
    reveal: Option<String>,
    /// The file that `--commit` wrote
    #[arg(long, value_name = "FILE", requires = "reveal")]
    secret: Option<PathBuf>,
    #[command(flatten)]
    statement: Statement,
}

pub(super) async fn assay(context: &Context, verb: &Assay) -> Outcome {
    let stated = stated(verb)?;
    let event = match (&verb.commit, &verb.reveal, &verb.secret) {
        (Some(file), ..) => {
            let mut salt = [0; 32];
            getrandom::fill(&mut salt).map_err(|error| {
                Failure::usage(format_args!("draw random bytes: {error}"), "run the command again")
            })?;
            if !verb.statement.dry_run {
                keep(file, &salt)?;
            }
            exchange::commit(&stated, &salt)
        }
        (None, Some(committed), Some(file)) => exchange::reveal(stated, &kept(file)?, id(committed)?),
        _ => stated,
    };
    let record = sign::blank(context, &verb.statement, event.into())?;
    sign::sign(context, &verb.statement, record).await
}

/// The assay of a table, in whole parts per trillion.
fn stated(verb: &Assay) -> Result<record::Assay, Failure> {
    let lot = files::assay(&verb.table)?;
    let mut spots = Vec::new();
    for report in &lot.reports {
        let pattern = report.pattern().map_err(|error| {
            Failure::usage(format_args!("spot {:?}: {error}", report.spot), "correct the table")
        })?;
        if report.readings.iter().any(|(_, reading)| matches!(reading, Reading::Below(None))) {
            output::note(format!("spot {:?}: a limit of detection is not reported", report.spot));
        }
        let spot = report.spot.chars().take(32).collect();
        spots.push(TraceSpot { spot, pattern: ledger::trace_values(&pattern) });
    }
    let Lot { substance: _, campaign, disturbed, .. } = &lot;
    Ok(record::Assay {
        lot: Some(LotRef { lot: verb.lot.clone(), head: Vec::new() }),
        sample: verb.sample.clone(),
        session: verb.session.clone(),
        matrix: as_assay(&lot).matrix,
        campaign: campaign.clone(),
        spots,
        disturbed: ledger::numbers(*disturbed),
        reference_material: verb.reference_material.clone(),
        sampled_by: verb.sampled_by.clone(),
        ..record::Assay::default()
    })
}

/// Never over a file that is there: it may open another commitment.
fn keep(path: &Path, salt: &[u8; 32]) -> Outcome {
    let failed = |error: &std::io::Error| Failure::file("write", path, error);
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path).map_err(|error| failed(&error))?;
    file.write_all(format!("{}\n", hex_of(salt)).as_bytes()).map_err(|error| failed(&error))?;
    file.sync_all().map_err(|error| failed(&error))?;
    output::note(format!(
        "what opens the commitment is in {}; keep it, and the table as it is",
        path.display()
    ));
    Ok(())
}

fn kept(path: &Path) -> Result<[u8; 32], Failure> {
    let text = std::fs::read_to_string(path).map_err(|error| Failure::file("read", path, &error))?;
    RecordId::from_hex(text.trim()).map(|salt| *salt.as_bytes()).ok_or_else(|| {
        Failure::usage(
            format_args!("{} holds no secret of a commitment", path.display()),
            "name the file that --commit wrote",
        )
    })
}

#[derive(Args, Debug)]
pub(crate) struct Publish {
    /// Library as CSV
    file: PathBuf,
    /// Name of the library, behind one's own: MEMBER/NAME
    #[arg(long, value_name = "NAME")]
    name: String,
    /// Record of the version before this one
    #[arg(long, value_name = "RECORD", requires = "version")]
    previous: Option<String>,
    /// Number of this version
    #[arg(long, value_name = "NUMBER", default_value_t = 1)]
    version: u32,
    /// The analyses are made up
    #[arg(long)]
    synthetic: bool,
    #[command(flatten)]
    statement: Statement,
}

pub(super) async fn publish(context: &Context, verb: &Publish) -> Outcome {
    let library = format!("{}/{}", context.acting()?, verb.name);
    let table = files::table(&verb.file)?;
    // A library that cannot be fitted is told here, before anything is signed.
    files::library(Some(&verb.file))?;
    let parts = files::parts(&table, &library, verb.synthetic, ANALYSES);
    if parts.len() > PARTS {
        return Err(Failure::usage(
            format_args!("{} parts, at most {PARTS} make a version", parts.len()),
            "leave origins out, or make two libraries",
        ));
    }
    let (matrix, count) = (table.matrix, parts.len());
    let previous = verb
        .previous
        .as_deref()
        .map_or_else(|| Ok(Vec::new()), |text| id(text).map(|id| id.as_bytes().to_vec()))?;
    output::note(format!(
        "{count} records with {} analyses are signed first, then version {} of {library}",
        table.rows.len(),
        verb.version
    ));
    let event = |parts| PublishLibrary {
        library: library.clone(),
        version: verb.version,
        previous: previous.clone(),
        matrix: matrix.clone(),
        parts,
        synthetic: verb.synthetic,
    };
    if verb.statement.dry_run {
        let record = sign::blank(context, &verb.statement, event(vec![vec![0; 32]; count]).into())?;
        return sign::sign(context, &verb.statement, record).await;
    }
    if !verb.statement.yes {
        return Err(Failure::usage(
            "a library is many records, which are not agreed to one by one",
            "read what they say with --dry-run, then say --yes",
        ));
    }
    let mut drafts = Vec::with_capacity(count);
    for part in parts {
        drafts.push(sign::blank(context, &verb.statement, part.into())?);
    }
    let ids = hand_in(context, &verb.statement, drafts).await?;
    let record = sign::blank(context, &verb.statement, event(ids).into())?;
    sign::sign(context, &verb.statement, record).await
}

/// Signs and hands in, and gives the ids in order.
async fn hand_in(context: &Context, how: &Statement, drafts: Vec<Record>) -> Result<Vec<Vec<u8>>, Failure> {
    let ledger = context.connect().await?;
    let mut keyring = context.keyring();
    let mut ids = vec![Vec::new(); drafts.len()];
    let mut refused = None;
    let work = drafts.into_iter().enumerate().map(|(place, record)| Work {
        place: place as u64,
        hash: [0; 32],
        item: Item { record, ..Item::default() },
    });
    let mut tell = |work: &Work, fate| match fate {
        Fate::Accepted(accepted) => ids[work.place as usize] = accepted.id.as_bytes().to_vec(),
        Fate::DoneBefore(id) => ids[work.place as usize] = id.as_bytes().to_vec(),
        Fate::Refused(trouble) => refused = Some(trouble),
    };
    Desk::new(&ledger, &mut keyring, how.wait_for())
        .post(work.collect(), &mut Journal::none(), &mut tell)
        .await?;
    match refused {
        None => Ok(ids),
        Some(trouble) => Err(Failure::refused(
            format_args!("the ledger refuses a part ({}): {}", trouble.reason, trouble.message),
            trouble.next_step,
        )),
    }
}

#[derive(Args, Debug)]
pub(crate) struct Queries {
    /// Only about this lot
    #[arg(long, value_name = "LOT", default_value = "", hide_default_value = true)]
    lot: String,
    /// Only by this member
    #[arg(long, value_name = "MEMBER", default_value = "", hide_default_value = true)]
    by: String,
    /// At most so many, the newest first
    #[arg(long, value_name = "NUMBER", default_value_t = 100)]
    most: u32,
}

pub(super) async fn queries(context: &Context, verb: &Queries) -> Outcome {
    let request =
        v1::ListQueriesRequest { lot: verb.lot.clone(), member: verb.by.clone(), page_size: verb.most };
    let answer = context.connect().await?.list_queries(request).await.map_err(failure)?;
    if context.json {
        return print::json("oreledger.v1.ListQueriesResponse", &answer);
    }
    output::note(format!("{} queries are held, {} were dropped", answer.held, answer.dropped));
    output::data(&print::queries(&answer))
}
