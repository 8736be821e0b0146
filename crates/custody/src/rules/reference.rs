//! The origin check's records: analyses of known origin, versions of libraries, claims of an origin.
//!
//! They touch no lot and change no state: what is refused here can be decided from the record and from earlier
//! ones that it names. None of them is ever withdrawn, so that whoever tries several claims is seen to.

use alloc::{collections::BTreeSet, format};

use ore_record::v1::{ClaimOrigin, PublishLibrary, ReferencePart, TraceValue, record::Event};

use crate::{
    desk::{Desk, brief, unknown_lot},
    rejection::{About, Reason, Rule, Verdict, refuse},
    rules::values,
};

/// Most parts of one version: 256 records of at most 64 KiB are read when it is judged.
const MOST_PARTS: usize = 256;
/// Most analyses of one part.
const MOST_ANALYSES: usize = 400;

/// Analytes within their bounds (A6). `what` names the pattern for people.
pub(crate) fn pattern(pattern: &[TraceValue]) -> Verdict<()> {
    values::count("analytes", pattern.len(), 80)?;
    for value in pattern {
        values::element(value.element)?;
        if value.isotope > 400 {
            return Err(values::bad(
                format!("there is no isotope with mass number {}", value.isotope),
                "use the mass number, or 0 for the element",
            ));
        }
        if !value.below_detection && value.ppt > 1_000_000_000_000 {
            return Err(values::bad(format!("{} ppt are more than the whole", value.ppt), "check the unit"));
        }
    }
    Ok(())
}

/// Analyses that say where they come from (A6), in a library of the author's own (A4).
pub(crate) fn part(desk: &Desk<'_>, event: &ReferencePart) -> Verdict<()> {
    own_library(desk, &event.library)?;
    values::required_text("the matrix", &event.matrix, 64)?;
    values::required_text("the origin", &event.origin, 96)?;
    values::required_text("laboratory and method", &event.campaign, 128)?;
    values::required_text("where the analyses come from", &event.provenance, 256)?;
    values::count("analyses", event.analyses.len(), MOST_ANALYSES)?;
    if event.analyses.is_empty() {
        return Err(values::bad("the part holds no analysis", "state the analyses of the origin"));
    }
    for analysis in &event.analyses {
        values::required_text("the sample of an analysis", &analysis.sample, 64)?;
        values::text("the spot of an analysis", &analysis.spot, 64)?;
        pattern(&analysis.pattern)?;
        if let Some(empty) = analysis.pattern.iter().find(|value| !value.below_detection && value.ppt == 0) {
            return Err(values::bad(
                format!("sample {:?} states nothing of element {}", analysis.sample, empty.element),
                "leave the element out, or state it as below its limit of detection",
            ));
        }
    }
    Ok(())
}

/// A version follows the one before it (A2), and each part is of the same library, author and matrix (A4).
pub(crate) fn publish(desk: &Desk<'_>, event: &PublishLibrary) -> Verdict<()> {
    own_library(desk, &event.library)?;
    values::required_text("the matrix", &event.matrix, 64)?;
    values::count("parts", event.parts.len(), MOST_PARTS)?;
    if event.parts.is_empty() {
        return Err(values::bad("the version holds no part", "name the records that hold the analyses"));
    }
    follows(desk, event)?;
    let mut seen = BTreeSet::new();
    for id in &event.parts {
        let (leaf, record) = desk.earlier(id, "a part of the library")?;
        let Event::ReferencePart(part) = record.event() else {
            return Err(refuse(
                Rule::A1,
                Reason::UnknownRecord,
                format!("record {} holds no reference analyses", brief(&record.id())),
                "name records of reference analyses",
            )
            .record(record.id()));
        };
        if part.library != event.library || part.matrix != event.matrix {
            return Err(values::bad(
                format!(
                    "part {} is of library {} and matrix {:?}, the version of {} and {:?}",
                    brief(&record.id()),
                    part.library,
                    part.matrix,
                    event.library,
                    event.matrix
                ),
                "state the analyses again for this library",
            )
            .record(record.id()));
        }
        if part.synthetic && !event.synthetic {
            return Err(values::bad(
                format!("part {} is synthetic, and the version does not say so", brief(&record.id())),
                "mark the version as synthetic, or leave the part out",
            )
            .record(record.id()));
        }
        if !seen.insert(leaf) {
            return Err(values::bad(
                format!("part {} is named twice", brief(&record.id())),
                "name each part once",
            )
            .record(record.id()));
        }
    }
    Ok(())
}

fn follows(desk: &Desk<'_>, event: &PublishLibrary) -> Verdict<()> {
    let wrong = |message| {
        refuse(Rule::A2, Reason::AlreadyExists, message, "name the newest version, and count one up")
            .named(&event.library)
    };
    if event.previous.is_empty() {
        return match event.version {
            1 => Ok(()),
            version => Err(wrong(format!("version {version} names no version before it"))),
        };
    }
    let (_, record) = desk.earlier(&event.previous, "the version before")?;
    match record.event() {
        Event::PublishLibrary(before) if before.library == event.library => {
            if before.version.checked_add(1) == Some(event.version) {
                return Ok(());
            }
            Err(wrong(format!("version {} does not follow version {}", event.version, before.version)))
        }
        _ => Err(refuse(
            Rule::A1,
            Reason::UnknownRecord,
            format!("record {} is no version of library {}", brief(&record.id()), event.library),
            "name the newest version of the same library",
        )
        .record(record.id())),
    }
}

fn own_library(desk: &Desk<'_>, library: &str) -> Verdict<()> {
    values::required_text("the library", library, 96)?;
    let own =
        library.split_once('/').filter(|(author, name)| *author == desk.author_id() && !name.is_empty());
    if own.is_some() {
        return Ok(());
    }
    Err(refuse(
        Rule::A4,
        Reason::NotAuthor,
        format!("library {library:?} is not {}'s", desk.author_id()),
        format!("name it {}/<name>", desk.author_id()),
    )
    .named(library))
}

/// By who has or owns the lot (A4), by a version of a library in this ledger (A1).
pub(crate) fn claim(desk: &Desk<'_>, event: &ClaimOrigin) -> Verdict<()> {
    values::required_text("the claimed origin", &event.origin, 96)?;
    let Some(ordinal) = desk.state.lot_ordinal(&event.lot) else { return Err(unknown_lot(&event.lot)) };
    let lot = desk.state.lots.at(ordinal);
    if lot.standing.custodian != desk.author && lot.standing.owner != desk.author {
        return Err(refuse(
            Rule::A4,
            Reason::NotCustodian,
            format!("{} neither has nor owns lot {}", desk.author_id(), lot.id()),
            "have its custodian or owner claim its origin",
        )
        .lot(lot.id()));
    }
    if lot.standing.void {
        return Err(refuse(
            Rule::A4,
            Reason::LotNotActive,
            format!("lot {} is void: the record that created it was withdrawn", lot.id()),
            "name the lot that took its place",
        )
        .lot(lot.id()));
    }
    let (_, record) = desk.earlier(&event.library, "the library")?;
    if !matches!(record.event(), Event::PublishLibrary(_)) {
        return Err(refuse(
            Rule::A1,
            Reason::UnknownRecord,
            format!("record {} publishes no library", brief(&record.id())),
            "name a version of a library by its record",
        )
        .record(record.id()));
    }
    Ok(())
}
