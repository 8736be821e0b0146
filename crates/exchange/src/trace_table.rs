//! Trace-element tables as laboratories keep them: one row per spot, one column per element.
//!
//! An assay and a reference library have the same columns; a library's rows also say which origin they are of and
//! where they come from. Units are stated in a column or in the heads of the elements, never guessed. A table is
//! read whole or refused with the row and column that is wrong.

use std::collections::BTreeMap;

use ore_fingerprint::{
    element::{Element, ElementSet},
    library::Reference,
    material::Substance,
    pattern::{Reading, Report, Scale},
};

use crate::error::{LineError, nearest, quote};

/// Longest table, in bytes.
pub const MAX_TABLE_BYTES: usize = 16 << 20;
/// Most rows of a table: those of the largest library.
pub const MAX_ROWS: usize = 10_000;
/// Most columns of a table.
const MAX_COLUMNS: usize = 200;

/// Columns that are no elements, with what they hold.
const COLUMNS: [(&str, &str); 12] = [
    ("matrix", "a mineral for its grains, `bulk <mineral>`, or a refined product"),
    ("campaign", "laboratory and method in one"),
    ("laboratory", "who measured"),
    ("method", "how it was measured"),
    ("unit", "ppm, ppb, wt% or a chondrite such as `CI McDonough & Sun 1995`"),
    ("sample", "the sample that the spot belongs to"),
    ("spot", "spot or grain"),
    ("sigma", "1 or 2: how many standard deviations stand behind ±"),
    ("disturbed", "symbols of elements that the method disturbs"),
    ("origin", "of a library: deposit or mine"),
    ("background", "of a library: yes, if the origin is never offered as a claim"),
    ("provenance", "of a library: publication, report or session"),
];

/// Heads of the same columns in other people's tables.
const OTHER_HEADS: [(&str, &str); 6] = [
    ("mineral", "matrix"),
    ("deposit", "origin"),
    ("grain", "spot"),
    ("units", "unit"),
    ("source", "provenance"),
    ("lab", "laboratory"),
];

/// What is wrong with a table, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadTable {
    /// Line of the document, from 1.
    pub line: u64,
    /// What is wrong there.
    pub error: LineError,
}

impl std::fmt::Display for BadTable {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "line {}: {}", self.line, self.error)
    }
}

impl std::error::Error for BadTable {}

/// One row: a spot with everything that is said of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// Line of the document, from 1.
    pub line: u64,
    /// As written.
    pub matrix: String,
    /// Laboratory and method.
    pub campaign: String,
    /// Deposit or mine; empty in an assay.
    pub origin: String,
    /// The sample, or empty.
    pub sample: String,
    /// Never offered as a claim.
    pub background: bool,
    /// Where the analysis comes from.
    pub provenance: String,
    /// Elements that the method disturbs.
    pub disturbed: ElementSet,
    /// The numbers.
    pub report: Report,
}

/// A lot's assay from a table: every row is a spot of it.
#[derive(Clone, Debug, PartialEq)]
pub struct AssayTable {
    /// What was analysed.
    pub substance: Substance,
    /// Laboratory and method.
    pub campaign: String,
    /// Elements that the method disturbs.
    pub disturbed: ElementSet,
    /// The spots.
    pub reports: Vec<Report>,
}

/// A library from a table.
#[derive(Clone, Debug, PartialEq)]
pub struct LibraryTable {
    /// As written in every row.
    pub matrix: String,
    /// Analyses with where each comes from, in the order of the table.
    pub rows: Vec<Row>,
}

impl LibraryTable {
    /// Analyses of origins that may be claimed, and those of the background.
    ///
    /// # Errors
    /// The first row whose numbers are none.
    pub fn references(&self) -> Result<(Vec<Reference>, Vec<Reference>), BadTable> {
        let (mut claimed, mut background) = (Vec::new(), Vec::new());
        for row in &self.rows {
            let pattern = row
                .report
                .pattern()
                .map_err(|error| bad(row.line, "", error.to_string(), "correct the row, or leave it out"))?;
            let reference = Reference {
                origin: row.origin.clone(),
                sample: row.sample.clone(),
                campaign: row.campaign.clone(),
                pattern,
            };
            if row.background { &mut background } else { &mut claimed }.push(reference);
        }
        Ok((claimed, background))
    }
}

/// Reads an assay. The rows are spots of one lot, so matrix, laboratory and method are the same in all.
///
/// # Errors
/// [`BadTable`]: the first thing that is wrong, with its line.
pub fn read_assay(text: &str) -> Result<AssayTable, BadTable> {
    let rows = read(text)?;
    let first = rows.first().ok_or_else(|| bad(1, "", "the table has no row", "write one row per spot"))?;
    let mut table = AssayTable {
        substance: Substance::named(&first.matrix),
        campaign: first.campaign.clone(),
        disturbed: ElementSet::NONE,
        reports: Vec::with_capacity(rows.len()),
    };
    if first.matrix.is_empty() {
        return Err(bad(first.line, "matrix", "it is not stated what was analysed", "add a column `matrix`"));
    }
    for row in &rows {
        for (column, here, there) in
            [("matrix", &row.matrix, &first.matrix), ("campaign", &row.campaign, &first.campaign)]
        {
            if here != there {
                let reason = format!("{} differs from {} in the first row", quote(here), quote(there));
                return Err(bad(
                    row.line,
                    column,
                    reason,
                    "one table is one lot by one laboratory and method",
                ));
            }
        }
        table.disturbed = row.disturbed.iter().fold(table.disturbed, ElementSet::with);
    }
    table.reports = rows.into_iter().map(|row| row.report).collect();
    Ok(table)
}

/// Reads a library. Each row names origin, sample, laboratory and where it comes from.
///
/// # Errors
/// [`BadTable`].
pub fn read_library(text: &str) -> Result<LibraryTable, BadTable> {
    let rows = read(text)?;
    let first =
        rows.first().ok_or_else(|| bad(1, "", "the table has no row", "write one row per analysis"))?;
    let matrix = first.matrix.clone();
    for row in &rows {
        let stated = [
            ("matrix", &row.matrix),
            ("origin", &row.origin),
            ("sample", &row.sample),
            ("campaign", &row.campaign),
            ("provenance", &row.provenance),
        ];
        if let Some((column, _)) = stated.iter().find(|(_, value)| value.is_empty()) {
            let hint = format!("a reference analysis states its {column}");
            return Err(bad(row.line, column, "it is empty or there is no such column", &hint));
        }
        if row.matrix != matrix {
            let reason = format!("{} differs from {} in the first row", quote(&row.matrix), quote(&matrix));
            return Err(bad(row.line, "matrix", reason, "one library is of one mineral or fraction"));
        }
    }
    Ok(LibraryTable { matrix, rows })
}

fn bad(line: u64, field: &str, reason: impl Into<String>, hint: &str) -> BadTable {
    BadTable { line, error: LineError::new(field, reason, hint) }
}

/// Where the columns are.
#[derive(Debug, Default)]
struct Header {
    named: BTreeMap<&'static str, usize>,
    /// Column, element, and the unit in its head.
    elements: Vec<(usize, Element, Option<String>)>,
}

fn read(text: &str) -> Result<Vec<Row>, BadTable> {
    if text.len() > MAX_TABLE_BYTES {
        return Err(bad(1, "", format!("{} bytes, at most 16 MiB are read", text.len()), "split the table"));
    }
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let first = text.lines().find(|line| !is_remark(line)).unwrap_or_default();
    let separator =
        [b',', b';', b'\t'].into_iter().max_by_key(|it| first.bytes().filter(|b| b == it).count());
    let mut reader = csv::ReaderBuilder::new()
        .delimiter(separator.unwrap_or(b','))
        .comment(Some(b'#'))
        .flexible(true)
        .has_headers(false)
        .trim(csv::Trim::All)
        .from_reader(text.as_bytes());
    let mut records = reader.records();
    let malformed = |error: &csv::Error| {
        let line = error.position().map_or(0, csv::Position::line);
        bad(line, "", format!("not readable as a table: {error}"), "save it as CSV in UTF-8")
    };
    let head = match records.next() {
        Some(Ok(head)) => head,
        Some(Err(error)) => return Err(malformed(&error)),
        None => return Err(bad(1, "", "the table is empty", "the first row names the columns")),
    };
    let line = head.position().map_or(1, csv::Position::line);
    let header = Header::read(&head, line)?;
    let mut rows = Vec::new();
    for record in records {
        let record = record.map_err(|error| malformed(&error))?;
        if record.iter().all(str::is_empty) {
            continue;
        }
        if rows.len() >= MAX_ROWS {
            return Err(bad(line, "", format!("more than {MAX_ROWS} rows"), "split the table"));
        }
        if record.len() > head.len() {
            let line = record.position().map_or(line, csv::Position::line);
            let reason = format!("{} cells under {} heads", record.len(), head.len());
            let hint = "write decimals with a point, and put cells with a comma in quotation marks";
            return Err(bad(line, "", reason, hint));
        }
        rows.push(header.row(&record)?);
    }
    Ok(rows)
}

fn is_remark(line: &str) -> bool {
    line.trim().is_empty() || line.starts_with('#')
}

impl Header {
    fn read(head: &csv::StringRecord, line: u64) -> Result<Self, BadTable> {
        if head.len() > MAX_COLUMNS {
            return Err(bad(
                line,
                "",
                format!("{} columns, at most {MAX_COLUMNS}", head.len()),
                "leave some out",
            ));
        }
        let mut header = Self::default();
        for (place, name) in head.iter().enumerate() {
            let lower = name.to_lowercase();
            let lower =
                OTHER_HEADS.iter().find(|(other, _)| *other == lower).map_or(lower.as_str(), |it| it.1);
            if let Some((known, _)) = COLUMNS.iter().find(|(known, _)| *known == lower) {
                if header.named.insert(known, place).is_some() {
                    return Err(bad(line, known, "the column stands there twice", "keep one of them"));
                }
            } else if let Some((element, unit)) = element_of(name) {
                if header.elements.iter().any(|(_, other, _)| *other == element) {
                    let reason = format!("{element} stands there twice");
                    return Err(bad(line, element.symbol(), reason, "keep one column per element"));
                }
                header.elements.push((place, element, unit));
            } else if let Some(meant) = nearest(lower, COLUMNS.iter().map(|(known, _)| *known))
                && lower.len() > 3
            {
                let hint = format!("did you mean {meant}?");
                return Err(bad(line, name, "no such column", &hint));
            }
            // Other elements and remarks are passed over.
        }
        if header.elements.is_empty() {
            return Err(bad(
                line,
                "",
                "no column is a rare earth",
                "name columns by symbols, such as La or `La ppm`",
            ));
        }
        Ok(header)
    }

    fn cell<'r>(&self, record: &'r csv::StringRecord, column: &str) -> &'r str {
        self.named.get(column).and_then(|place| record.get(*place)).unwrap_or_default()
    }

    fn row(&self, record: &csv::StringRecord) -> Result<Row, BadTable> {
        let line = record.position().map_or(0, csv::Position::line);
        let text = |column: &str| self.cell(record, column).to_owned();
        let spot = match (text("spot"), text("sample")) {
            (spot, sample) if spot.is_empty() && sample.is_empty() => format!("line {line}"),
            (spot, sample) if spot.is_empty() => format!("{sample}, line {line}"),
            (spot, _) => spot,
        };
        let unit = self.unit(record, line)?;
        let scale = Scale::from_unit(&unit).map_err(|error| {
            bad(line, "unit", error.to_string(), "state the unit as the laboratory reported it")
        })?;
        let sigma = self.sigma(record, line)?;
        let mut readings = Vec::new();
        for (place, element, _) in &self.elements {
            let cell = record.get(*place).unwrap_or_default();
            let reading =
                reading(cell, sigma).map_err(|error| BadTable { line, error: error.at(place + 1) })?;
            readings.push((element.symbol().to_owned(), reading));
        }
        Ok(Row {
            line,
            matrix: text("matrix"),
            campaign: self.campaign(record),
            origin: text("origin"),
            sample: text("sample"),
            background: self.background(record, line)?,
            provenance: text("provenance"),
            disturbed: self.disturbed(record, line)?,
            report: Report { spot, scale, readings },
        })
    }

    fn unit(&self, record: &csv::StringRecord, line: u64) -> Result<String, BadTable> {
        let column = self.cell(record, "unit");
        let mut heads = self.elements.iter().map(|(_, _, unit)| unit.as_deref());
        let first = heads.next().flatten();
        if heads.any(|unit| unit != first) {
            let hint = "state one unit in the column `unit`, or the same behind every symbol";
            return Err(bad(line, "unit", "the heads of the elements name different units", hint));
        }
        match (column, first) {
            ("", Some(head)) => Ok(head.to_owned()),
            ("", None) => Err(bad(
                line,
                "unit",
                "no unit is stated, and none is guessed",
                "add a column `unit` with ppm, ppb, wt% or a chondrite such as `CI McDonough & Sun 1995`",
            )),
            (column, Some(head)) if column != head => {
                let reason = format!("the column says {} and the heads say {}", quote(column), quote(head));
                Err(bad(line, "unit", reason, "keep one of them"))
            }
            (column, _) => Ok(column.to_owned()),
        }
    }

    fn sigma(&self, record: &csv::StringRecord, line: u64) -> Result<Option<f64>, BadTable> {
        match self.cell(record, "sigma") {
            "" => Ok(None),
            "1" | "1s" => Ok(Some(1.0)),
            "2" | "2s" => Ok(Some(2.0)),
            other => Err(bad(line, "sigma", format!("{} is neither 1 nor 2", quote(other)), "write 1 or 2")),
        }
    }

    fn campaign(&self, record: &csv::StringRecord) -> String {
        let (laboratory, method) = (self.cell(record, "laboratory"), self.cell(record, "method"));
        match (self.cell(record, "campaign"), laboratory, method) {
            ("", laboratory, "") => laboratory.to_owned(),
            ("", "", method) => method.to_owned(),
            ("", laboratory, method) => format!("{laboratory}, {method}"),
            (campaign, ..) => campaign.to_owned(),
        }
    }

    fn background(&self, record: &csv::StringRecord, line: u64) -> Result<bool, BadTable> {
        match self.cell(record, "background").to_lowercase().as_str() {
            "" | "no" | "0" | "false" => Ok(false),
            "yes" | "1" | "true" => Ok(true),
            other => Err(bad(
                line,
                "background",
                format!("{} is neither yes nor no", quote(other)),
                "write yes or no",
            )),
        }
    }

    fn disturbed(&self, record: &csv::StringRecord, line: u64) -> Result<ElementSet, BadTable> {
        let symbols = self.cell(record, "disturbed").split([' ', ';', '|', ',']).filter(|it| !it.is_empty());
        symbols
            .map(|symbol| {
                Element::named(symbol).ok_or_else(|| {
                    let reason = format!("{} is no rare earth from La to Lu", quote(symbol));
                    bad(line, "disturbed", reason, "write symbols with blanks between them")
                })
            })
            .collect::<Result<Vec<_>, _>>()
            .map(|elements| elements.into_iter().collect())
    }
}

/// `La`, `La ppm`, `La_ppm`, `La (ppm)`.
fn element_of(head: &str) -> Option<(Element, Option<String>)> {
    let (symbol, unit) = head.split_once([' ', '_', '(']).unwrap_or((head, ""));
    let unit = unit.trim_matches(|c: char| c == ')' || c == '(' || c.is_whitespace());
    Some((Element::named(symbol)?, (!unit.is_empty()).then(|| unit.to_owned())))
}

/// `12.3`, `12.3 ± 0.4`, `<0.05`, `bdl`, or nothing.
fn reading(cell: &str, sigma: Option<f64>) -> Result<Reading, LineError> {
    let number = |text: &str| {
        let parsed: Result<f64, _> = text.trim().parse();
        let hint = if text.contains(',') {
            "write decimals with a point"
        } else {
            "write a number, `<limit`, bdl or nothing"
        };
        parsed.map_err(|_| LineError::new("", format!("{} is no number", quote(text)), hint))
    };
    let lower = cell.to_lowercase();
    if cell.is_empty() || matches!(lower.as_str(), "-" | "na" | "n/a" | "nan" | "n.m.") {
        return Ok(Reading::Absent);
    }
    if matches!(lower.as_str(), "bdl" | "<lod" | "<dl" | "b.d.l." | "n.d.") {
        return Ok(Reading::Below(None));
    }
    if let Some(limit) = cell.strip_prefix('<') {
        return number(limit).map(|limit| Reading::Below(Some(limit)));
    }
    let Some((amount, uncertainty)) = cell.split_once('±').or_else(|| cell.split_once("+-")) else {
        return Ok(Reading::Value { amount: number(cell)?, rsd: None });
    };
    let (amount, uncertainty) = (number(amount)?, number(uncertainty)?);
    let Some(sigma) = sigma else {
        return Err(LineError::new(
            "",
            "an uncertainty stands there, and not of how many standard deviations",
            "add a column `sigma` with 1 or 2",
        ));
    };
    Ok(Reading::Value { amount, rsd: Some(uncertainty / sigma / amount) })
}

/// A table with these analyses, which [`read_library`] reads back.
#[must_use]
pub fn write_library(matrix: &str, provenance: &str, sides: [(&[Reference], bool); 2]) -> String {
    let mut writer = csv::Writer::from_writer(Vec::new());
    let named = ["matrix", "origin", "background", "sample", "campaign", "provenance", "unit"];
    let heads = named.into_iter().chain(Element::all().map(Element::symbol));
    let mut write = |cells: Vec<String>| writer.write_record(cells).is_ok();
    let mut whole = write(heads.map(str::to_owned).collect());
    for (side, background) in sides {
        for reference in side {
            let background = if background { "yes" } else { "no" };
            let named = [
                matrix,
                &reference.origin,
                background,
                &reference.sample,
                &reference.campaign,
                provenance,
                "ppm",
            ];
            let cells = Element::all().map(|element| match reference.pattern.reading(element) {
                Reading::Absent => String::new(),
                Reading::Below(None) => "bdl".to_owned(),
                Reading::Below(Some(limit)) => format!("<{limit}"),
                Reading::Value { amount, .. } => format!("{amount}"),
            });
            whole &= write(named.into_iter().map(str::to_owned).chain(cells).collect());
        }
    }
    debug_assert!(whole, "memory takes every row");
    String::from_utf8(writer.into_inner().unwrap_or_default()).unwrap_or_default()
}

/// What each column holds, for help texts.
#[must_use]
pub const fn columns() -> &'static [(&'static str, &'static str)] {
    &COLUMNS
}
