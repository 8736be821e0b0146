//! CSV for people with spreadsheets: one template per event, see [`templates`].
//!
//! The first cell of a header names the event; below it stand the rows. In a template of several
//! rows per record the first cell is the same for all rows of a record, which follow each other. A
//! document may hold several headers. Each row stands on one line; separators are commas, semicolons or
//! tabs, whichever the header has. A wrong row makes its own record fail, and no other.

use std::{
    collections::{HashSet, VecDeque},
    io::{self, BufRead},
};

use ore_record::v1::{self, record::Event};
use serde_json::{Map, Value as Json};

use crate::{
    Draft, LineError,
    error::{nearest, quote},
    json,
    lines::{Line, Lines},
    templates::{Column, Kind, TEMPLATES, Template},
};

/// Most rows of one record: 400 inputs, 400 outputs and 40 losses, and some room.
pub const MAX_ROWS: usize = 1_000;

/// A template as people get it: a header and example rows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TemplateText {
    /// First cell of the header.
    pub event: &'static str,
    /// Header and example, ready to save as a file.
    pub text: String,
}

/// All templates, each with an example.
#[must_use]
pub fn templates() -> Vec<TemplateText> {
    let text = |template: &Template| {
        let names = template.columns.iter().map(|column| column.name);
        let header: Vec<&str> = [template.event]
            .into_iter()
            .chain(names)
            .chain(template.example_contents.iter().copied())
            .collect();
        format!("{}\n{}\n", header.join(","), template.example)
    };
    TEMPLATES.iter().map(|template| TemplateText { event: template.event, text: text(template) }).collect()
}

/// Reads the drafts of a document. Empty rows are skipped.
///
/// # Errors
/// Each item is an error only if the document itself cannot be read further.
pub fn read(reader: impl BufRead) -> impl Iterator<Item = io::Result<Draft>> {
    let mut lines = Lines::new(reader);
    let mut rows = Rows::default();
    let mut ended = false;
    std::iter::from_fn(move || {
        loop {
            if let Some(draft) = rows.ready.pop_front() {
                return Some(Ok(draft));
            }
            if ended {
                return None;
            }
            match lines.next_line() {
                Ok(Some(line)) => rows.take(line),
                Ok(None) => {
                    rows.finish_group();
                    ended = true;
                }
                Err(error) => {
                    ended = true;
                    return Some(Err(error));
                }
            }
        }
    })
}

/// Where reading stands: the header in force, the rows of an unfinished record, drafts to hand out.
#[derive(Default)]
struct Rows {
    header: Option<Result<Header, u64>>,
    group: Option<Group>,
    /// First cells of the records that are finished, to notice rows that were sorted apart.
    seen: HashSet<String>,
    ready: VecDeque<Draft>,
    /// A line that could not be read: it may have been a row of the record before or after it, and a
    /// record with a row missing must not pass for a whole one.
    unreadable: Option<u64>,
}

impl Rows {
    fn take(&mut self, line: Line) {
        let number = line.number;
        let cells = line.text.and_then(|text| self.cells_of(&text));
        let done = match cells {
            Ok(None) => return,
            Ok(Some((cells, separator))) if is_header(&cells) => self.take_header(number, &cells, separator),
            Ok(Some((cells, _))) => self.take_row(number, cells),
            Err(error) => {
                self.unreadable = Some(number);
                Err(error)
            }
        };
        if let Err(error) = done {
            match &mut self.group {
                Some(group) => group.fail(number, error),
                None => self.ready.push_back(Draft { line: number, record: Err(error) }),
            }
        }
    }

    /// The cells of a line and what separates them; none if it is empty.
    fn cells_of(&self, text: &str) -> Result<Option<(Vec<String>, u8)>, LineError> {
        if text.trim_matches([' ', ',', ';', '\t']).is_empty() {
            return Ok(None);
        }
        let first = text.split([',', ';', '\t']).next().unwrap_or_default().trim_matches([' ', '"']);
        let separator = match &self.header {
            // Only a line that may be a header can change the separator.
            Some(Ok(header)) if template(first).is_none() => header.separator,
            Some(Ok(header)) if cells(text, header.separator).is_ok_and(|cells| !is_header(&cells)) => {
                let other = separator_of(text);
                if cells(text, other).is_ok_and(|cells| is_header(&cells)) { other } else { header.separator }
            }
            _ => separator_of(text),
        };
        Ok(Some((cells(text, separator)?, separator)))
    }

    fn take_header(&mut self, number: u64, cells: &[String], separator: u8) -> Result<(), LineError> {
        self.finish_group();
        self.seen.clear();
        self.unreadable = None;
        let header = Header::read(cells, separator);
        self.header = Some(header.clone().map_err(|_| number));
        header.map(drop)
    }

    fn take_row(&mut self, number: u64, cells: Vec<String>) -> Result<(), LineError> {
        let header = match &self.header {
            Some(Ok(header)) => header.clone(),
            Some(Err(at)) => {
                return Err(LineError::new(
                    "",
                    format!("not read, because the header in line {at} is wrong"),
                    "",
                ));
            }
            None => return Err(no_header(&cells[0])),
        };
        if !header.template.grouped {
            let mut group = Group::new(number, cells[0].clone());
            let added = group.add(&header, number, &cells);
            let record = added.and_then(|()| group.record(&header).map_err(|(_, error)| error));
            self.ready.push_back(Draft { line: number, record });
            return Ok(());
        }
        self.take_row_of_group(&header, number, &cells)
    }

    fn take_row_of_group(&mut self, header: &Header, number: u64, cells: &[String]) -> Result<(), LineError> {
        self.finish_group_unless(&cells[0]);
        if cells[0].is_empty() {
            let hint = "rows of one record have the same text there";
            return Err(LineError::new(header.template.event, "the first cell is empty", hint).at(1));
        }
        let unreadable = self.unreadable.take();
        if let Some(group) = &mut self.group {
            return group.add(header, number, cells);
        }
        let mut group = Group::new(number, cells[0].clone());
        group.header = Some(header.clone());
        if let Some(line) = unreadable {
            let reason = format!("line {line} above cannot be read and may belong to this record");
            group.fail(number, LineError::new("", reason, "mend that line first"));
        }
        let group = self.group.insert(group);
        if self.seen.contains(&cells[0]) {
            let reason = format!("{} has been used above, and other rows stand between", quote(&cells[0]));
            let hint = "keep the rows of one record together";
            return Err(LineError::new(header.template.event, reason, hint).at(1));
        }
        group.add(header, number, cells)
    }

    fn finish_group_unless(&mut self, label: &str) {
        if self.group.as_ref().is_some_and(|group| group.label != label) {
            self.finish_group();
        }
    }

    fn finish_group(&mut self) {
        let Some(group) = self.group.take() else { return };
        self.seen.insert(group.label.clone());
        let header = group.header.clone().expect("a group starts with a row under a header");
        self.ready.push_back(match group.record(&header) {
            Ok(record) => Draft { line: group.first_line, record: Ok(record) },
            Err((line, error)) => Draft { line, record: Err(error) },
        });
    }
}

fn no_header(first: &str) -> LineError {
    let names: Vec<&str> = TEMPLATES.iter().map(|template| template.event).collect();
    let hint = match nearest(first, names.iter().copied()) {
        Some(near) => {
            format!("did you mean {near:?}? The second cell of a header is one of that template's columns")
        }
        None => format!("start with a header whose first cell is one of: {}", names.join(", ")),
    };
    LineError::new("", "no header stands above this row", hint)
}

/// A header starts with a template's name, followed by one of its columns.
fn is_header(cells: &[String]) -> bool {
    let template = cells.first().and_then(|name| template(name));
    template.is_some_and(|template| cells.get(1).is_some_and(|second| template.column(second).is_some()))
}

fn separator_of(text: &str) -> u8 {
    let count = |byte: u8| text.bytes().filter(|other| *other == byte).count();
    [b',', b';', b'\t'].into_iter().max_by_key(|byte| (count(*byte), u8::MAX - *byte)).unwrap_or(b',')
}

/// The cells of one row, trimmed.
fn cells(text: &str, separator: u8) -> Result<Vec<String>, LineError> {
    if text.bytes().filter(|byte| *byte == b'"').count() % 2 != 0 {
        return Err(LineError::new(
            "",
            "a quotation mark is not closed in this line",
            "a row stands on one line",
        ));
    }
    let mut reader = ::csv::ReaderBuilder::new()
        .has_headers(false)
        .delimiter(separator)
        .flexible(true)
        .trim(::csv::Trim::All)
        .buffer_capacity(text.len() + 1)
        .from_reader(text.as_bytes());
    let row = reader.records().next().transpose().ok().flatten();
    let row = row.ok_or_else(|| LineError::new("", "the row cannot be read", "check the quotation marks"))?;
    Ok(row.iter().map(str::to_owned).collect())
}

fn same_name(a: &str, b: &str) -> bool {
    let plain = |text: &str| text.to_lowercase().replace(['_', '-'], " ");
    plain(a) == plain(b)
}

fn template(name: &str) -> Option<&'static Template> {
    TEMPLATES.iter().find(|template| same_name(template.event, name))
}

impl Template {
    fn column(&self, name: &str) -> Option<&'static Column>
    where
        Self: 'static,
    {
        self.columns.iter().find(|column| same_name(column.name, name))
    }
}

#[derive(Clone)]
struct Header {
    template: &'static Template,
    separator: u8,
    /// What each cell after the first is.
    cells: Vec<Cell>,
}

#[derive(Clone)]
enum Cell {
    Column(&'static Column),
    /// Content of an element or oxide, with the unit of the column.
    Content {
        name: String,
        unit: &'static str,
    },
    /// A column without a name.
    Nothing,
}

impl Cell {
    fn name(&self) -> String {
        match self {
            Self::Column(column) => column.name.into(),
            Self::Content { name, unit } => format!("{name} {unit}"),
            Self::Nothing => String::new(),
        }
    }
}

impl Header {
    fn read(names: &[String], separator: u8) -> Result<Self, LineError> {
        let template = template(&names[0]).ok_or_else(|| no_header(&names[0]))?;
        let mut cells = Vec::new();
        for (at, name) in names.iter().enumerate().skip(1) {
            let cell = Self::cell(template, name).map_err(|error| error.at(at + 1))?;
            let repeated = cells.iter().any(|other: &Cell| !name.is_empty() && other.name() == cell.name());
            if repeated {
                return Err(LineError::new(name, "two columns have this name", "remove one").at(at + 1));
            }
            cells.push(cell);
        }
        let missing = template.columns.iter().filter(|column| column.required).find(|column| {
            !cells.iter().any(|cell| matches!(cell, Cell::Column(known) if known.name == column.name))
        });
        match missing {
            Some(column) => {
                let reason = format!("the column {:?} is missing", column.name);
                Err(LineError::new(column.name, reason, format!("template {:?} needs it", template.event)))
            }
            None => Ok(Self { template, separator, cells }),
        }
    }

    fn cell(template: &'static Template, name: &str) -> Result<Cell, LineError> {
        if name.is_empty() {
            return Ok(Cell::Nothing);
        }
        if let Some(column) = template.column(name) {
            return Ok(Cell::Column(column));
        }
        if let Some((content, unit)) = content_column(name) {
            if template.composition.is_empty() {
                let hint = "contents go into commission, transform or assay";
                return Err(LineError::new(name, format!("{:?} states no contents", template.event), hint));
            }
            return Ok(Cell::Content { name: content.into(), unit });
        }
        let names = template.columns.iter().map(|column| column.name);
        let hint = match nearest(name, names.clone()) {
            Some(near) => format!("did you mean {near:?}?"),
            None => {
                format!("known here: {}, and contents such as \"Ta %\"", names.collect::<Vec<_>>().join(", "))
            }
        };
        let name: String = name.chars().take(60).collect();
        Err(LineError::new(&name, format!("template {:?} has no column of this name", template.event), hint))
    }

    /// Number of the cell, from 1, and text of a column in a row.
    fn text<'a>(&self, row: &'a [String], name: &str) -> Option<(usize, &'a str)> {
        let at =
            self.cells.iter().position(|cell| matches!(cell, Cell::Column(column) if column.name == name))?;
        let text = row.get(at + 1).map(String::as_str).filter(|text| !text.is_empty())?;
        Some((at + 2, text))
    }
}

/// "Ta2O5 %" as its name and unit.
fn content_column(name: &str) -> Option<(&str, &'static str)> {
    let units = ["%", "ppm", "ppb"];
    let (content, unit) = units.iter().find_map(|unit| Some((name.strip_suffix(unit)?.trim(), *unit)))?;
    let known = ore_record::elements::atomic_number(content).is_some()
        || ore_record::oxides::oxide(content).is_some();
    known.then_some((content, unit))
}

/// The rows of one record, put together as its JSON form.
struct Group {
    label: String,
    first_line: u64,
    header: Option<Header>,
    rows: usize,
    json: Json,
    /// Where each part of the JSON came from: its path, line, cell number and column name.
    sources: Vec<Source>,
    failed: Option<(u64, LineError)>,
}

struct Source {
    path: String,
    line: u64,
    cell: usize,
    column: String,
}

impl Group {
    fn new(first_line: u64, label: String) -> Self {
        let json = Json::Object(Map::new());
        Self { label, first_line, header: None, rows: 0, json, sources: Vec::new(), failed: None }
    }

    /// The first thing that is wrong counts.
    fn fail(&mut self, line: u64, error: LineError) {
        self.failed.get_or_insert((line, error));
    }

    fn add(&mut self, header: &Header, line: u64, row: &[String]) -> Result<(), LineError> {
        self.rows += 1;
        if self.rows > MAX_ROWS {
            return Err(LineError::new(
                "",
                format!("the record has more than {MAX_ROWS} rows"),
                "split the campaign",
            ));
        }
        if let Some(extra) = row.iter().skip(header.cells.len() + 1).position(|text| !text.is_empty()) {
            let at = header.cells.len() + 2 + extra;
            return Err(LineError::new(
                "",
                "the row has more cells than the header",
                "quote texts with a separator",
            )
            .at(at));
        }
        let role = self.role(header, row)?;
        let item = self.rows - 1;
        for (at, cell) in header.cells.iter().enumerate() {
            let text = row.get(at + 1).map_or("", String::as_str);
            let place = Place { line, cell: at + 2, item };
            match cell {
                Cell::Column(column) if text.is_empty() => check_required(column, role, at + 2)?,
                Cell::Column(column) => self.put_column(header, row, column, role, text, &place)?,
                Cell::Content { .. } | Cell::Nothing if text.is_empty() => {}
                Cell::Content { name, unit } => {
                    let base = path_for(header.template.composition, role)
                        .ok_or_else(|| not_in_role(&cell.name(), role, at + 2))?;
                    let path = format!("{base}.contents.{name}");
                    self.put(&path, with_unit(text, unit).into(), &cell.name(), &place)?;
                }
                Cell::Nothing => {
                    return Err(
                        LineError::new("", "the column has no name in the header", "name it").at(at + 2)
                    );
                }
            }
        }
        Ok(())
    }

    /// What the row is in its record; "" in templates without roles.
    fn role(&self, header: &Header, row: &[String]) -> Result<&'static str, LineError> {
        let Some(column) = header.template.columns.iter().find(|column| column.kind == Kind::Role) else {
            return Ok("");
        };
        let (cell, text) = header.text(row, column.name).unwrap_or((2, ""));
        column.paths.iter().map(|(role, _)| *role).find(|role| same_name(role, text)).ok_or_else(|| {
            let roles: Vec<&str> = column.paths.iter().map(|(role, _)| *role).collect();
            LineError::new(
                column.name,
                format!("{} is no role", quote(text)),
                format!("one of: {}", roles.join(", ")),
            )
            .at(cell)
        })
    }

    fn put_column(
        &mut self,
        header: &Header,
        row: &[String],
        column: &'static Column,
        role: &str,
        text: &str,
        place: &Place,
    ) -> Result<(), LineError> {
        if column.kind == Kind::PartOfMass {
            return Ok(());
        }
        let path = path_for(column.paths, role).ok_or_else(|| not_in_role(column.name, role, place.cell))?;
        if path.is_empty() {
            return Ok(());
        }
        let value = match column.kind {
            Kind::List => text
                .split([';', '|'])
                .map(str::trim)
                .filter(|part| !part.is_empty())
                .map(Json::from)
                .collect::<Vec<_>>()
                .into(),
            Kind::Mass => mass(header, row, column, path, text, place.cell)?,
            Kind::Flag => match text.to_lowercase().as_str() {
                "yes" | "true" | "1" => true.into(),
                "no" | "false" | "0" => false.into(),
                _ => {
                    return Err(LineError::new(
                        column.name,
                        format!("{} is neither yes nor no", quote(text)),
                        "",
                    )
                    .at(place.cell));
                }
            },
            Kind::Text | Kind::Role | Kind::PartOfMass => text.into(),
        };
        self.put(path, value, column.name, place)
    }

    /// Puts a value at its path; what is said for the whole record may be repeated, but not differ.
    fn put(&mut self, path: &str, value: Json, column: &str, place: &Place) -> Result<(), LineError> {
        let mut slot = &mut self.json;
        let mut shown = String::new();
        for segment in path.split('.') {
            let (name, is_item) = segment.strip_suffix("[]").map_or((segment, false), |name| (name, true));
            if !shown.is_empty() {
                shown.push('.');
            }
            shown.push_str(name);
            slot = child(slot, name);
            if is_item {
                // Items are numbered by row, so that cells of a row meet; gaps are closed at the end.
                slot = child(slot, &format!("{:04}", place.item));
                shown.push_str(&format!("[{:04}]", place.item));
            }
        }
        if !slot.is_null() && *slot != value {
            let reason = format!("differs from the row of line {} for the same record", self.first_line);
            return Err(LineError::new(column, reason, "say it once, in the first row").at(place.cell));
        }
        *slot = value;
        self.sources.push(Source { path: shown, line: place.line, cell: place.cell, column: column.into() });
        Ok(())
    }

    fn record(&self, header: &Header) -> Result<v1::Record, (u64, LineError)> {
        if let Some(failed) = &self.failed {
            return Err(failed.clone());
        }
        let mut json = self.json.clone();
        let mut closed = Vec::new();
        close_gaps(&mut json, "", "", &mut closed);
        let mut record = json::record_from_json(&json).map_err(|error| self.explain(error, &closed))?;
        if header.template.grouped && record.event_time_ms == 0 {
            let error =
                LineError::new("time", "the record has no time", "state it in the record's first row");
            return Err((self.first_line, error));
        }
        inherit_facility(&mut record);
        Ok(record)
    }

    /// Turns a path of the JSON form into line, cell and column.
    fn explain(&self, error: LineError, closed: &[(String, String)]) -> (u64, LineError) {
        let mut path = error.field.clone();
        // From "inputs[0]" back to the row's number in "inputs[0003]".
        for (from, to) in closed {
            if let Some(rest) = path.strip_prefix(from.as_str()) {
                path = format!("{to}{rest}");
            }
        }
        let source = self
            .sources
            .iter()
            .filter(|source| path.starts_with(&source.path))
            .max_by_key(|source| source.path.len());
        match source {
            Some(source) => {
                let column = Some(source.cell);
                (source.line, LineError { field: source.column.clone(), column, ..error })
            }
            None => (self.first_line, error),
        }
    }
}

struct Place {
    line: u64,
    cell: usize,
    item: usize,
}

fn check_required(column: &Column, role: &str, cell: usize) -> Result<(), LineError> {
    let needed = column.required && column.kind != Kind::Role && path_for(column.paths, role).is_some();
    if needed {
        Err(LineError::new(column.name, "the cell is empty, but needed", "").at(cell))
    } else {
        Ok(())
    }
}

fn path_for(paths: &[(&'static str, &'static str)], role: &str) -> Option<&'static str> {
    paths.iter().find(|(of, _)| of.is_empty() || *of == role).map(|(_, path)| *path)
}

fn not_in_role(column: &str, role: &str, cell: usize) -> LineError {
    LineError::new(column, format!("a row with role {role:?} has no such value"), "leave the cell empty")
        .at(cell)
}

/// Number, unit and moisture as the JSON form has them.
fn mass(
    header: &Header,
    row: &[String],
    column: &Column,
    path: &str,
    text: &str,
    cell: usize,
) -> Result<Json, LineError> {
    let Some((_, unit)) = header.text(row, "unit") else {
        let hint = "KGM, TNE, GRM, MGM, DT, APZ or LBR in the column \"unit\"";
        return Err(LineError::new(column.name, "the mass has no unit", hint).at(cell));
    };
    if path.ends_with("mg") {
        return Ok(format!("{text} {unit}").into());
    }
    let mut mass = Map::new();
    mass.insert("value".into(), text.into());
    mass.insert("unit".into(), unit.into());
    if let Some((_, moisture)) = header.text(row, "moisture") {
        mass.insert("moisture".into(), with_unit(moisture, "%").into());
    }
    Ok(mass.into())
}

/// Adds the column's unit to each number of a cell: "1.9 ± 0.1" to "1.9 % ± 0.1 %".
fn with_unit(text: &str, unit: &str) -> String {
    if ["%", "ppm", "ppb"].iter().any(|unit| text.ends_with(unit)) {
        return text.into();
    }
    match text.split_once('±').or_else(|| text.split_once("+/-")) {
        Some((value, uncertainty)) => format!("{} {unit} ± {} {unit}", value.trim(), uncertainty.trim()),
        None => format!("{text} {unit}"),
    }
}

/// The member of an object, made if it is not there.
fn child<'a>(json: &'a mut Json, name: &str) -> &'a mut Json {
    if !json.is_object() {
        *json = Json::Object(Map::new());
    }
    json.as_object_mut().expect("made an object above").entry(name).or_insert(Json::Null)
}

/// Objects with row numbers for names become lists; `closed` tells where each item came from.
fn close_gaps(json: &mut Json, now: &str, was: &str, closed: &mut Vec<(String, String)>) {
    let Json::Object(fields) = json else { return };
    let is_list = !fields.is_empty() && fields.keys().all(|key| key.len() == 4 && key.parse::<u16>().is_ok());
    if is_list {
        let items = std::mem::take(fields);
        let mut list = Vec::new();
        for (at, (row, mut item)) in items.into_iter().enumerate() {
            let (now, was) = (format!("{now}[{at}]"), format!("{was}[{row}]"));
            close_gaps(&mut item, &now, &was, closed);
            closed.push((now, was));
            list.push(item);
        }
        *json = list.into();
        return;
    }
    for (name, value) in fields.iter_mut() {
        let dot = if now.is_empty() { "" } else { "." };
        close_gaps(value, &format!("{now}{dot}{name}"), &format!("{was}{dot}{name}"), closed);
    }
}

/// Lots come into being where the step happened; a spreadsheet says that once.
fn inherit_facility(record: &mut v1::Record) {
    let Some(Event::Transform(step)) = &mut record.event else { return };
    for lot in step.outputs.iter_mut().filter_map(|output| output.lot.as_mut()) {
        if lot.facility.is_empty() {
            lot.facility.clone_from(&step.facility);
        }
    }
}
