//! `oreledger fingerprint`: what trace-element patterns say of a claimed origin.
//!
//! Each question is asked of files on this desk, without a node, or of a node about records. Both print the same
//! answer. What is not assessable ends with exit code 1, so that no script takes it for a pass.

mod files;
mod print;
mod records;

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand, ValueEnum};
use ore_fingerprint::check::Policy;
use ore_wire::{
    fingerprint::{
        answer::{self, Fitted, Map, Question, Side},
        assay,
    },
    v1,
};

use crate::{
    context::Context,
    failure::{Failure, Outcome},
    output,
    post::engine::failure,
    verbs::audit::When,
};

#[derive(Subcommand, Debug)]
pub(crate) enum Fingerprint {
    /// Is a trace pattern consistent with the claimed origin
    Check(Check),
    /// Which origins of a library a trace pattern resembles
    Attribute(Attribute),
    /// Whether the patterns before and after a step of processing are those of one material
    Step(Step),
    /// Reference libraries: what they hold, and how one is published
    #[command(subcommand)]
    Library(Library),
    /// State the origin of a lot, before its trace pattern is shown; never taken back
    Claim(records::Claim),
    /// State a lot's trace pattern from a table, at once or committed first and revealed later
    Assay(records::Assay),
    /// Who asked what of the node's origin check
    Queries(records::Queries),
}

/// Pictures.
#[derive(Args, Debug)]
pub(crate) struct Drawn {
    /// Write the map of the lot among the origins (SVG)
    #[arg(long, value_name = "FILE")]
    map: Option<PathBuf>,
    /// The map is a seeded embedding instead of discriminant axes
    #[arg(long, requires = "map")]
    embedding: bool,
}

#[derive(Args, Debug)]
pub(crate) struct Check {
    /// Lot of the ledger: judged by its claim, its newest trace pattern and the library that the claim names
    #[arg(required_unless_present = "assay", conflicts_with = "assay")]
    lot: Option<String>,
    /// Or an assay as CSV, judged here without a node; `library columns` says which columns
    #[arg(long, value_name = "FILE", requires = "origin")]
    assay: Option<PathBuf>,
    /// Reference library of that assay as CSV [default: the synthetic one that the program ships]
    #[arg(long, value_name = "FILE", requires = "assay")]
    library: Option<PathBuf>,
    /// The claimed origin of that assay, as in the library
    #[arg(long, value_name = "NAME", requires = "assay")]
    origin: Option<String>,
    /// The claim was committed before the assay was revealed; without it nothing is assessed
    #[arg(long, requires = "assay")]
    committed_first: bool,
    /// Take an assumed spread between laboratories when the library cannot measure it
    #[arg(long)]
    accept_assumed_laboratories: bool,
    /// Write the pattern over the claimed origin's envelope (SVG)
    #[arg(long, value_name = "FILE")]
    svg: Option<PathBuf>,
    #[command(flatten)]
    drawn: Drawn,
    #[command(flatten)]
    when: When,
}

#[derive(Args, Debug)]
pub(crate) struct Attribute {
    /// Lot of the ledger, by its newest trace pattern
    #[arg(required_unless_present = "assay", conflicts_with = "assay")]
    lot: Option<String>,
    /// Or an assay as CSV, without a node
    #[arg(long, value_name = "FILE")]
    assay: Option<PathBuf>,
    /// Library: the record of a published version for a lot, a CSV file for an assay [default: the synthetic one]
    #[arg(long, value_name = "RECORD|FILE")]
    library: Option<String>,
    #[command(flatten)]
    drawn: Drawn,
    #[command(flatten)]
    when: When,
}

/// What happened between two assays.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Kind {
    /// One lot was split, sorted or beneficiated
    SameMaterial,
    /// Two samples of one origin
    DifferentSamples,
    /// Leaching, roasting or flotation
    SmoothPartition,
    /// Refining: the pattern is reset
    Refining,
    /// Several inputs, with their masses
    Blend,
}

impl Kind {
    const fn proto(self) -> v1::OriginStepKind {
        match self {
            Self::SameMaterial => v1::OriginStepKind::SameMaterial,
            Self::DifferentSamples => v1::OriginStepKind::DifferentSamples,
            Self::SmoothPartition => v1::OriginStepKind::SmoothPartition,
            Self::Refining => v1::OriginStepKind::Refining,
            Self::Blend => v1::OriginStepKind::Blend,
        }
    }
}

#[derive(Args, Debug)]
pub(crate) struct Step {
    /// What happened
    #[arg(long, value_enum)]
    kind: Kind,
    /// Before the step: a lot, or an assay in a file that ends in .csv; of a blend one per input, with its dry mass: FILE.csv=2000kg
    #[arg(long, value_name = "LOT|FILE", required = true)]
    before: Vec<String>,
    /// After the step; of a blend with its dry mass
    #[arg(long, value_name = "LOT|FILE")]
    after: String,
    /// Library for different samples: the record of a published version, or a CSV file [default: the synthetic one]
    #[arg(long, value_name = "RECORD|FILE")]
    library: Option<String>,
    #[command(flatten)]
    when: When,
}

#[derive(Subcommand, Debug)]
pub(crate) enum Library {
    /// Published versions of reference libraries
    List,
    /// What a library holds, and whether it can be fitted
    Show(Show),
    /// Sign a table's analyses and publish them as a version of a library
    Publish(records::Publish),
    /// Print the synthetic library that the program ships as CSV: a pattern for one's own
    Example,
    /// Print the columns of assay and library tables
    Columns,
}

#[derive(Args, Debug)]
pub(crate) struct Show {
    /// Record of a published version [default: the synthetic library, without a node]
    record: Option<String>,
    /// Or a library as CSV, without a node
    #[arg(long, value_name = "FILE", conflicts_with = "record")]
    file: Option<PathBuf>,
}

pub(crate) async fn run(context: &Context, verb: &Fingerprint) -> Outcome {
    match verb {
        Fingerprint::Check(verb) => check(context, verb).await,
        Fingerprint::Attribute(verb) => attribute(context, verb).await,
        Fingerprint::Step(verb) => step(context, verb).await,
        Fingerprint::Library(Library::List) => list(context).await,
        Fingerprint::Library(Library::Show(verb)) => show(context, verb).await,
        Fingerprint::Library(Library::Publish(verb)) => records::publish(context, verb).await,
        Fingerprint::Library(Library::Example) => output::data(&files::example()),
        Fingerprint::Library(Library::Columns) => output::data(&files::columns()),
        Fingerprint::Claim(verb) => records::claim(context, verb).await,
        Fingerprint::Assay(verb) => records::assay(context, verb).await,
        Fingerprint::Queries(verb) => records::queries(context, verb).await,
    }
}

async fn check(context: &Context, verb: &Check) -> Outcome {
    let pictures = verb.svg.is_some() || verb.drawn.map.is_some();
    let answer = match (&verb.lot, &verb.assay) {
        (Some(lot), _) => {
            let request = v1::OriginCheckRequest {
                lot: lot.clone(),
                accept_assumed_laboratories: verb.accept_assumed_laboratories,
                pictures,
                embedding: verb.drawn.embedding,
                as_of: Some((&verb.when).into()),
                ..v1::OriginCheckRequest::default()
            };
            context.connect().await?.origin_check(request).await.map_err(failure)?
        }
        (None, Some(file)) => check_here(verb, file, Map::asked(pictures, verb.drawn.embedding))?,
        (None, None) => {
            return Err(Failure::usage("nothing is named to check", "name a lot, or --assay FILE"));
        }
    };
    checked(context, verb, answer)
}

fn check_here(verb: &Check, file: &Path, pictures: Option<Map>) -> Result<v1::OriginCheckResponse, Failure> {
    let lot = files::assay(file)?;
    let fitted = files::library(verb.library.as_deref())?;
    let commitment =
        if verb.committed_first { v1::CommitmentBasis::Stated } else { v1::CommitmentBasis::None };
    let question = Question {
        lot: &lot,
        origin: verb.origin.as_deref().unwrap_or_default(),
        commitment,
        claims: 1,
        policy: Policy { accept_assumed_campaign_covariance: verb.accept_assumed_laboratories },
        pictures,
    };
    Ok(answer::check_lot(&fitted, &question))
}

/// Writes pictures, prints the answer, and ends with the code of what it says.
fn checked(context: &Context, verb: &Check, mut answer: v1::OriginCheckResponse) -> Outcome {
    let (spider, map) = (std::mem::take(&mut answer.spider_svg), std::mem::take(&mut answer.map_svg));
    files::picture(
        verb.svg.as_deref(),
        &spider,
        "there is no claimed origin in the library to draw against",
    )?;
    files::picture(verb.drawn.map.as_deref(), &map, "there is nothing to place")?;
    if context.json {
        print::json("oreledger.v1.OriginCheckResponse", &answer)?;
    } else {
        output::data(&print::check(&answer))?;
    }
    match answer.result {
        Some(v1::origin_check_response::Result::Assessed(_)) => Ok(()),
        _ => Err(not_assessable()),
    }
}

/// Said on stderr; the reasons stand in the data.
fn not_assessable() -> Failure {
    Failure::refused(
        "not assessable: there is no evidence for the claim and none against it",
        "each reason says what is missing; do not read this as a pass",
    )
}

async fn attribute(context: &Context, verb: &Attribute) -> Outcome {
    let map = verb.drawn.map.as_deref();
    let mut answer = match (&verb.lot, &verb.assay) {
        (Some(lot), _) => {
            let request = v1::OriginAttributeRequest {
                lot: lot.clone(),
                library: records::library(verb.library.as_deref())?,
                pictures: map.is_some(),
                embedding: verb.drawn.embedding,
                as_of: Some((&verb.when).into()),
                ..v1::OriginAttributeRequest::default()
            };
            context.connect().await?.origin_attribute(request).await.map_err(failure)?
        }
        (None, Some(file)) => {
            let fitted = files::library(verb.library.as_deref().map(Path::new))?;
            let map = Map::asked(map.is_some(), verb.drawn.embedding);
            answer::attribute_lot(&fitted, &files::assay(file)?, map)
        }
        (None, None) => return Err(Failure::usage("nothing is named", "name a lot, or --assay FILE")),
    };
    files::picture(map, &std::mem::take(&mut answer.map_svg), "there is nothing to place")?;
    if context.json {
        print::json("oreledger.v1.OriginAttributeResponse", &answer)?;
    } else {
        output::data(&print::attribute(&answer))?;
    }
    match answer.result {
        Some(v1::origin_attribute_response::Result::Resembles(_)) => Ok(()),
        _ => Err(not_assessable()),
    }
}

/// What a side of a step names.
enum Named {
    Lot(String, f64),
    File(Side),
}

fn named(text: &str) -> Result<Named, Failure> {
    let (name, mass_kg) = files::with_mass(text)?;
    if name.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("csv")) {
        return Ok(Named::File(Side { lot: files::assay(&name)?, mass_kg, mass_rsd: 0.0 }));
    }
    Ok(Named::Lot(name.to_string_lossy().into_owned(), mass_kg))
}

async fn step(context: &Context, verb: &Step) -> Outcome {
    let before = verb.before.iter().map(|text| named(text)).collect::<Result<Vec<_>, _>>()?;
    let after = named(&verb.after)?;
    let here = before.iter().chain([&after]).all(|side| matches!(side, Named::File(_)));
    let answer =
        if here { step_here(verb, before, after)? } else { step_there(context, verb, before, after).await? };
    if context.json {
        print::json("oreledger.v1.OriginStepResponse", &answer)?;
    } else {
        output::data(&print::step(&answer))?;
    }
    match answer.result {
        Some(v1::origin_step_response::Result::NotAssessable(_)) | None => Err(not_assessable()),
        Some(v1::origin_step_response::Result::PatternReset(_)) => Err(Failure::refused(
            "the pattern was reset by chemistry: nothing of the ore is left to compare",
            "compare the element budget with `oreledger trace`",
        )),
        Some(_) => Ok(()),
    }
}

fn step_here(verb: &Step, before: Vec<Named>, after: Named) -> Result<v1::OriginStepResponse, Failure> {
    let mut sides: Vec<Side> = Vec::new();
    for side in before.into_iter().chain([after]) {
        if let Named::File(side) = side {
            sides.push(side);
        }
    }
    let fitted: Option<Fitted> = match verb.kind {
        Kind::DifferentSamples => Some(files::library(verb.library.as_deref().map(Path::new))?),
        _ => None,
    };
    let (after, before) = sides
        .split_last()
        .ok_or_else(|| Failure::usage("no assay is named", "name assays with --before and --after"))?;
    Ok(answer::step_lots(verb.kind.proto(), before, after, fitted.as_ref().map(|fitted| &fitted.library)))
}

async fn step_there(
    context: &Context,
    verb: &Step,
    before: Vec<Named>,
    after: Named,
) -> Result<v1::OriginStepResponse, Failure> {
    let part = |side: Named| match side {
        Named::Lot(lot, mass_kg) => v1::StepPart { lot, mass_kg, ..v1::StepPart::default() },
        Named::File(side) => {
            v1::StepPart { assay: Some(assay(&side.lot)), mass_kg: side.mass_kg, ..v1::StepPart::default() }
        }
    };
    let request = v1::OriginStepRequest {
        kind: verb.kind.proto().into(),
        before: before.into_iter().map(part).collect(),
        after: Some(part(after)),
        library: records::library(verb.library.as_deref())?,
        as_of: Some((&verb.when).into()),
    };
    context.connect().await?.origin_step(request).await.map_err(failure)
}

async fn list(context: &Context) -> Outcome {
    let ledger = context.connect().await?;
    let answer = ledger.list_libraries(v1::ListLibrariesRequest::default()).await.map_err(failure)?;
    if context.json {
        return print::json("oreledger.v1.ListLibrariesResponse", &answer);
    }
    output::data(&print::libraries(&answer))
}

async fn show(context: &Context, verb: &Show) -> Outcome {
    let answer = match &verb.record {
        None => files::contents(verb.file.as_deref())?,
        Some(record) => {
            let request = v1::GetLibraryRequest { library: records::library(Some(record))? };
            context.connect().await?.get_library(request).await.map_err(failure)?
        }
    };
    if context.json {
        return print::json("oreledger.v1.GetLibraryResponse", &answer);
    }
    output::data(&print::library(&answer))
}
