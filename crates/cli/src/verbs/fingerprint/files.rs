//! Tables on this desk: assays, libraries, pictures.

use std::path::{Path, PathBuf};

use ore_exchange::trace_table::{self, BadTable, LibraryTable};
use ore_fingerprint::{
    check::Lot,
    ledger::trace_values,
    library::Library,
    material::Substance,
    synthetic::{self, SHIPPED, SHIPPED_SEED},
};
use ore_record::v1::{ReferenceAnalysis, ReferencePart};
use ore_wire::{
    fingerprint::answer::{self, Fitted, SYNTHETIC_MATRIX},
    v1,
};

use crate::{
    failure::{Failure, Outcome},
    output,
};

/// Bytes of a table that are read; one more shows that it is longer.
const MOST_BYTES: u64 = trace_table::MAX_TABLE_BYTES as u64 + 1;

fn read(path: &Path) -> Result<String, Failure> {
    use std::io::Read;
    let failed = |error: &std::io::Error| Failure::file("read", path, error);
    let file = std::fs::File::open(path).map_err(|error| failed(&error))?;
    let mut text = String::new();
    file.take(MOST_BYTES).read_to_string(&mut text).map_err(|error| failed(&error))?;
    Ok(text)
}

fn wrong(path: &Path, bad: &BadTable) -> Failure {
    let field = if bad.error.field.is_empty() { String::new() } else { format!("{}: ", bad.error.field) };
    let column = bad.error.column.map_or_else(String::new, |column| format!(", column {column}"));
    let hint = if bad.error.hint.is_empty() {
        "`oreledger fingerprint library columns` says what a table holds"
    } else {
        &bad.error.hint
    };
    Failure::usage(
        format_args!("{}, line {}{column}: {field}{}", path.display(), bad.line, bad.error.reason),
        hint,
    )
}

/// An assay as CSV.
pub(super) fn assay(path: &Path) -> Result<Lot, Failure> {
    let table = trace_table::read_assay(&read(path)?).map_err(|bad| wrong(path, &bad))?;
    let trace_table::AssayTable { substance, campaign, disturbed, reports } = table;
    Ok(Lot { substance, campaign, disturbed, reports })
}

/// A library as CSV.
pub(super) fn table(path: &Path) -> Result<LibraryTable, Failure> {
    trace_table::read_library(&read(path)?).map_err(|bad| wrong(path, &bad))
}

/// A library as CSV, fitted; the synthetic one without a file.
pub(super) fn library(path: Option<&Path>) -> Result<Fitted, Failure> {
    let Some(path) = path else { return Ok(Fitted::synthetic()) };
    let table = table(path)?;
    let (claimed, background) = table.references().map_err(|bad| wrong(path, &bad))?;
    let library = Library::fit(Substance::named(&table.matrix), &claimed, &background).map_err(|error| {
        Failure::usage(
            format_args!("{}: {error}", path.display()),
            "only rows with all fourteen rare earths, La to Lu, make a distribution",
        )
    })?;
    let name = v1::LibraryName {
        library: path.display().to_string(),
        matrix: table.matrix,
        ..v1::LibraryName::default()
    };
    Ok(Fitted::new(library, name))
}

/// A file, and behind its last `=` a dry mass in kilograms; 0 without one.
pub(super) fn with_mass(text: &str) -> Result<(PathBuf, f64), Failure> {
    let Some((file, mass)) = text.rsplit_once('=') else { return Ok((PathBuf::from(text), 0.0)) };
    let number = mass.trim().trim_end_matches("kg").trim().parse::<f64>();
    match number {
        Ok(mass) if mass > 0.0 && mass.is_finite() => Ok((PathBuf::from(file), mass)),
        _ => Err(Failure::usage(
            format_args!("{mass:?} is no mass"),
            "write the dry mass in kilograms behind the file: input.csv=2000kg",
        )),
    }
}

/// Writes a picture where one was asked for.
pub(super) fn picture(path: Option<&Path>, svg: &str, missing: &str) -> Outcome {
    let Some(path) = path else { return Ok(()) };
    if svg.is_empty() {
        output::note(format!("no picture for {}: {missing}", path.display()));
        return Ok(());
    }
    std::fs::write(path, svg).map_err(|error| Failure::file("write", path, &error))?;
    output::note(format!("picture written to {}", path.display()));
    Ok(())
}

/// The synthetic library as CSV.
pub(super) fn example() -> String {
    let (claimed, background) = synthetic::library(SHIPPED_SEED, SHIPPED);
    trace_table::write_library(
        SYNTHETIC_MATRIX,
        "synthetic, of no place on earth",
        [(&claimed, false), (&background, true)],
    )
}

/// The columns of both tables.
pub(super) fn columns() -> String {
    let rows: Vec<Vec<String>> = trace_table::columns()
        .iter()
        .map(|(name, what)| vec![(*name).to_owned(), (*what).to_owned()])
        .chain([vec![
            "La … Lu".to_owned(),
            "12.3, 12.3 ± 0.4, <0.05 (below detection), bdl, or nothing; a head may name its unit: `La ppm`"
                .to_owned(),
        ]])
        .collect();
    output::table(&rows, &[])
}

/// A library's parts, of at most `most` analyses each, as records state them.
pub(super) fn parts(table: &LibraryTable, library: &str, synthetic: bool, most: usize) -> Vec<ReferencePart> {
    let mut parts: Vec<ReferencePart> = Vec::new();
    for row in &table.rows {
        let Ok(pattern) = row.report.pattern() else { continue };
        let analysis = ReferenceAnalysis {
            sample: row.sample.clone(),
            spot: if row.report.spot.len() <= 64 { row.report.spot.clone() } else { String::new() },
            pattern: trace_values(&pattern),
        };
        let same = |part: &&mut ReferencePart| {
            part.origin == row.origin
                && part.background == row.background
                && part.campaign == row.campaign
                && part.provenance == row.provenance
                && part.analyses.len() < most
        };
        match parts.iter_mut().rev().find(same) {
            Some(part) => part.analyses.push(analysis),
            None => parts.push(ReferencePart {
                library: library.to_owned(),
                matrix: table.matrix.clone(),
                origin: row.origin.clone(),
                background: row.background,
                campaign: row.campaign.clone(),
                provenance: row.provenance.clone(),
                analyses: vec![analysis],
                synthetic,
            }),
        }
    }
    parts
}

/// What a library holds.
pub(super) fn contents(path: Option<&Path>) -> Result<v1::GetLibraryResponse, Failure> {
    let (parts, name, unusable) = match path {
        None => (answer::synthetic_parts(), Fitted::synthetic().name, String::new()),
        Some(path) => {
            let table = table(path)?;
            let (claimed, background) = table.references().map_err(|bad| wrong(path, &bad))?;
            let fit = Library::fit(Substance::named(&table.matrix), &claimed, &background);
            let name = v1::LibraryName {
                library: path.display().to_string(),
                matrix: table.matrix.clone(),
                ..v1::LibraryName::default()
            };
            let unusable = fit.err().map_or_else(String::new, |error| error.to_string());
            (parts(&table, "", false, usize::MAX), name, unusable)
        }
    };
    let (summary, parts) = answer::parts_of(parts.iter().map(|part| (part, Vec::new())));
    let summary = Some(v1::LibrarySummary { name: Some(name), ..summary });
    Ok(v1::GetLibraryResponse { basis: None, summary, parts, unusable })
}
