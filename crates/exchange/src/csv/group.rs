//! Rows of one record, put together as the JSON form, which then says what is wrong with them.

use ore_record::v1::{self, record::Event};
use serde_json::{Map, Value as Json};

use super::{
    MAX_ROWS,
    header::{Cell, Header, same_name},
};
use crate::{
    LineError,
    error::quote,
    json,
    templates::{Column, Kind},
};

/// The rows of one record, put together as its JSON form.
pub(super) struct Group {
    pub(super) label: String,
    pub(super) first_line: u64,
    pub(super) header: Option<Header>,
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
    pub(super) fn new(first_line: u64, label: String) -> Self {
        let json = Json::Object(Map::new());
        Self { label, first_line, header: None, rows: 0, json, sources: Vec::new(), failed: None }
    }

    /// The first thing that is wrong counts.
    pub(super) fn fail(&mut self, line: u64, error: LineError) {
        self.failed.get_or_insert((line, error));
    }

    pub(super) fn add(&mut self, header: &Header, line: u64, row: &[String]) -> Result<(), LineError> {
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

    pub(super) fn record(&self, header: &Header) -> Result<v1::Record, (u64, LineError)> {
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
