//! Headers: which template it is, and what each column means.

use crate::{
    LineError,
    error::nearest,
    templates::{Column, TEMPLATES, Template},
};

pub(super) fn no_header(first: &str) -> LineError {
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
pub(super) fn is_header(cells: &[String]) -> bool {
    let template = cells.first().and_then(|name| template(name));
    template.is_some_and(|template| cells.get(1).is_some_and(|second| template.column(second).is_some()))
}

pub(super) fn separator_of(text: &str) -> u8 {
    let count = |byte: u8| text.bytes().filter(|other| *other == byte).count();
    [b',', b';', b'\t'].into_iter().max_by_key(|byte| (count(*byte), u8::MAX - *byte)).unwrap_or(b',')
}

/// The cells of one row, trimmed.
pub(super) fn cells(text: &str, separator: u8) -> Result<Vec<String>, LineError> {
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

pub(super) fn same_name(a: &str, b: &str) -> bool {
    let plain = |text: &str| text.to_lowercase().replace(['_', '-'], " ");
    plain(a) == plain(b)
}

pub(super) fn template(name: &str) -> Option<&'static Template> {
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
pub(super) struct Header {
    pub(super) template: &'static Template,
    pub(super) separator: u8,
    /// What each cell after the first is.
    pub(super) cells: Vec<Cell>,
}

#[derive(Clone)]
pub(super) enum Cell {
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
    pub(super) fn name(&self) -> String {
        match self {
            Self::Column(column) => column.name.into(),
            Self::Content { name, unit } => format!("{name} {unit}"),
            Self::Nothing => String::new(),
        }
    }
}

impl Header {
    pub(super) fn read(names: &[String], separator: u8) -> Result<Self, LineError> {
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
    pub(super) fn text<'a>(&self, row: &'a [String], name: &str) -> Option<(usize, &'a str)> {
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
