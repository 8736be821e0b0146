//! `oreledger fingerprint`: what trace-element patterns say of a claimed origin.
//!
//! Each question is asked of files on this desk, or of a node about records. Both print the same answer. What is
//! not assessable ends with exit code 1, so that no script takes it for a pass.

mod files;
mod print;

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use ore_fingerprint::check::Policy;
use ore_wire::{
    fingerprint::answer::{self, Map, Question, Side},
    v1,
};

use crate::{
    context::Context,
    failure::{Failure, Outcome},
    output,
};

#[derive(Subcommand, Debug)]
pub(crate) enum Fingerprint {
    /// Is a trace pattern consistent with the claimed origin
    Check(Check),
    /// Which origins of a library a trace pattern resembles
    Attribute(Attribute),
    /// Whether the patterns before and after a step of processing are those of one material
    Step(Step),
    /// Reference libraries: what they hold, and how a table of one looks
    #[command(subcommand)]
    Library(Library),
}

/// An assay on this desk.
#[derive(Args, Debug)]
pub(crate) struct Desk {
    /// Assay as CSV, one row per spot; `library columns` says which columns
    #[arg(long, value_name = "FILE")]
    assay: PathBuf,
    /// Reference library as CSV [default: the synthetic one that the program ships]
    #[arg(long, value_name = "FILE")]
    library: Option<PathBuf>,
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
    #[command(flatten)]
    desk: Desk,
    /// The claimed origin, as in the library
    #[arg(long, value_name = "NAME")]
    origin: String,
    /// The claim was committed before the assay was revealed; without it nothing is assessed
    #[arg(long)]
    committed_first: bool,
    /// Take an assumed spread between laboratories when the library cannot measure it
    #[arg(long)]
    accept_assumed_laboratories: bool,
    /// Write the pattern over the claimed origin's envelope (SVG)
    #[arg(long, value_name = "FILE")]
    svg: Option<PathBuf>,
    #[command(flatten)]
    drawn: Drawn,
}

#[derive(Args, Debug)]
pub(crate) struct Attribute {
    #[command(flatten)]
    desk: Desk,
    #[command(flatten)]
    drawn: Drawn,
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
    /// Assay before the step as CSV; of a blend one per input, with its dry mass: FILE=2000kg
    #[arg(long, value_name = "FILE", required = true)]
    before: Vec<String>,
    /// Assay after the step as CSV; of a blend with its dry mass
    #[arg(long, value_name = "FILE")]
    after: String,
    /// Reference library as CSV, for different samples [default: the synthetic one]
    #[arg(long, value_name = "FILE")]
    library: Option<PathBuf>,
}

#[derive(Subcommand, Debug)]
pub(crate) enum Library {
    /// What a library holds, and whether it can be fitted
    Show(Show),
    /// Print the synthetic library that the program ships as CSV: a pattern for one's own
    Example,
    /// Print the columns of assay and library tables
    Columns,
}

#[derive(Args, Debug)]
pub(crate) struct Show {
    /// Library as CSV [default: the synthetic one]
    #[arg(long, value_name = "FILE")]
    file: Option<PathBuf>,
}

pub(crate) async fn run(context: &Context, verb: &Fingerprint) -> Outcome {
    match verb {
        Fingerprint::Check(verb) => check(context, verb),
        Fingerprint::Attribute(verb) => attribute(context, verb),
        Fingerprint::Step(verb) => step(context, verb),
        Fingerprint::Library(Library::Show(verb)) => show(context, verb),
        Fingerprint::Library(Library::Example) => output::data(&files::example()),
        Fingerprint::Library(Library::Columns) => output::data(&files::columns()),
    }
}

fn check(context: &Context, verb: &Check) -> Outcome {
    let lot = files::assay(&verb.desk.assay)?;
    let fitted = files::library(verb.desk.library.as_deref())?;
    let commitment =
        if verb.committed_first { v1::CommitmentBasis::Stated } else { v1::CommitmentBasis::None };
    let pictures = verb.svg.is_some() || verb.drawn.map.is_some();
    let answer = answer::check_lot(
        &fitted,
        &Question {
            lot: &lot,
            origin: &verb.origin,
            commitment,
            claims: 1,
            policy: Policy { accept_assumed_campaign_covariance: verb.accept_assumed_laboratories },
            pictures: Map::asked(pictures, verb.drawn.embedding),
        },
    );
    checked(context, verb, answer)
}

/// Writes pictures, prints the answer, and ends with the code of what it says.
fn checked(context: &Context, verb: &Check, mut answer: v1::OriginCheckResponse) -> Outcome {
    let (spider, map) = (std::mem::take(&mut answer.spider_svg), std::mem::take(&mut answer.map_svg));
    files::picture(verb.svg.as_deref(), &spider, "the library does not know the claimed origin")?;
    files::picture(verb.drawn.map.as_deref(), &map, "the library has no axes")?;
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

fn attribute(context: &Context, verb: &Attribute) -> Outcome {
    let lot = files::assay(&verb.desk.assay)?;
    let fitted = files::library(verb.desk.library.as_deref())?;
    let map = Map::asked(verb.drawn.map.is_some(), verb.drawn.embedding);
    let mut answer = answer::attribute_lot(&fitted, &lot, map);
    files::picture(
        verb.drawn.map.as_deref(),
        &std::mem::take(&mut answer.map_svg),
        "there is nothing to place",
    )?;
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

fn step(context: &Context, verb: &Step) -> Outcome {
    let side = |text: &String| -> Result<Side, Failure> {
        let (file, mass_kg) = files::with_mass(text)?;
        Ok(Side { lot: files::assay(&file)?, mass_kg, mass_rsd: 0.0 })
    };
    let before = verb.before.iter().map(side).collect::<Result<Vec<_>, _>>()?;
    let after = side(&verb.after)?;
    let fitted = match verb.kind {
        Kind::DifferentSamples => Some(files::library(verb.library.as_deref())?),
        _ => None,
    };
    let answer =
        answer::step_lots(verb.kind.proto(), &before, &after, fitted.as_ref().map(|fitted| &fitted.library));
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

fn show(context: &Context, verb: &Show) -> Outcome {
    let answer = files::contents(verb.file.as_deref())?;
    if context.json {
        return print::json("oreledger.v1.GetLibraryResponse", &answer);
    }
    output::data(&print::library(&answer))
}
