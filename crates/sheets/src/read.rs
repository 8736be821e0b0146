//! Workbooks in: every sheet through the importer of CSV.
//!
//! Cells are read one after the other, so a cell far out costs a line feed for each empty row and no more.
//! A number counts as the fifteen digits that spreadsheet programs show of it. A date cell has no offset from
//! UTC and is handed on without one, which the importer refuses by name: when something happened is a statement
//! that nobody may complete.

use std::io::{self, Cursor, Read};

use calamine::{Data, DataRef, Reader, Xlsx, XlsxError};
use ore_exchange::{Draft, LineError, MAX_LINE_BYTES};

use crate::letters;

/// Largest workbook, in bytes.
pub const MAX_BYTES: usize = 32 << 20;
/// Most bytes that a workbook on one's own machine unpacks to.
const MAX_UNPACKED: u64 = 1 << 30;
/// Sheets of a workbook.
const MAX_SHEETS: usize = 256;
/// Columns that are read: the widest template has far fewer.
const MAX_COLUMNS: u32 = 512;
/// Longest text of one sheet, in bytes.
const MAX_SHEET_BYTES: usize = 512 << 20;

/// A record of a workbook, or what is wrong and where.
#[derive(Clone, Debug, PartialEq)]
pub struct SheetDraft {
    /// Name of the sheet.
    pub sheet: String,
    /// Row of the sheet, and the record or the mistake.
    pub draft: Draft,
}

impl SheetDraft {
    /// Where a mistake is, as a spreadsheet program names it: `sheet "ship", cell C5`.
    #[must_use]
    pub fn place(&self) -> String {
        let Draft { line, record } = &self.draft;
        let cell = record.as_ref().err().and_then(|error| error.column);
        match cell {
            Some(column) => format!("sheet {:?}, cell {}{line}", self.sheet, letters(column)),
            None => format!("sheet {:?}, row {line}", self.sheet),
        }
    }
}

/// A file that is no workbook.
#[derive(Debug, thiserror::Error)]
pub enum SheetError {
    /// Too large.
    #[error("a workbook has at most {MAX_BYTES} bytes, this has {0}: split it, or save its sheets as CSV")]
    TooLarge(usize),
    /// A small file that holds a large one.
    #[error("the workbook unpacks to more than {0} bytes: split it, or save its sheets as CSV")]
    Unpacked(u64),
    /// Too many sheets.
    #[error("a workbook has at most {MAX_SHEETS} sheets, this has {0}")]
    TooManySheets(usize),
    /// A sheet that is too long or too wide.
    #[error("sheet {sheet:?} {what}")]
    Shape {
        /// Its name.
        sheet: String,
        /// What is too much.
        what: &'static str,
    },
    /// Not a workbook.
    #[error("not an XLSX workbook that can be read")]
    Unreadable(#[source] XlsxError),
    /// No sheet with records.
    #[error("no sheet to read: those whose names begin with # are for people")]
    Nothing,
}

/// Reads the drafts of a workbook, sheet by sheet. Sheets whose name begins with `#` are for people.
///
/// # Errors
/// [`SheetError`]; a wrong row is no error, but a draft that says what is wrong.
pub fn read(bytes: &[u8]) -> Result<Vec<SheetDraft>, SheetError> {
    read_within(bytes, MAX_UNPACKED)
}

/// The same for a workbook of somebody else, which may unpack to so many bytes and no more.
///
/// # Errors
/// [`SheetError`].
pub fn read_within(bytes: &[u8], most_unpacked: u64) -> Result<Vec<SheetDraft>, SheetError> {
    if bytes.len() > MAX_BYTES {
        return Err(SheetError::TooLarge(bytes.len()));
    }
    weigh(bytes, most_unpacked)?;
    let mut book: Xlsx<_> = Xlsx::new(Cursor::new(bytes)).map_err(SheetError::Unreadable)?;
    let names = book.sheet_names();
    if names.len() > MAX_SHEETS {
        return Err(SheetError::TooManySheets(names.len()));
    }
    let mut drafts = Vec::new();
    let mut read = false;
    for name in names.into_iter().filter(|name| !name.starts_with('#')) {
        let text = text_of(&mut book, &name)?;
        read = true;
        for draft in ore_exchange::csv::read(text.as_slice()) {
            let draft = draft.unwrap_or_else(|error| Draft { line: 1, record: Err(unread(&error)) });
            drafts.push(SheetDraft { sheet: name.clone(), draft });
        }
    }
    if read { Ok(drafts) } else { Err(SheetError::Nothing) }
}

/// Unpacks everything into nothing: what an archive says of its own size is nobody's word.
fn weigh(bytes: &[u8], most: u64) -> Result<(), SheetError> {
    let broken = |error: zip::result::ZipError| SheetError::Unreadable(XlsxError::Zip(error));
    let mut archive = zip::ZipArchive::new(Cursor::new(bytes)).map_err(broken)?;
    let mut left = most;
    for at in 0..archive.len() {
        let file = archive.by_index(at).map_err(broken)?;
        let read = io::copy(&mut file.take(left.saturating_add(1)), &mut io::sink());
        let read = read.map_err(|error| SheetError::Unreadable(XlsxError::Io(error)))?;
        left = left.checked_sub(read).ok_or(SheetError::Unpacked(most))?;
    }
    Ok(())
}

fn unread(error: &std::io::Error) -> LineError {
    LineError { column: None, field: String::new(), reason: error.to_string(), hint: String::new() }
}

/// A sheet as CSV, a line for each row, so that line numbers are row numbers.
fn text_of(book: &mut Xlsx<Cursor<&[u8]>>, name: &str) -> Result<Vec<u8>, SheetError> {
    let shape = |what| SheetError::Shape { sheet: name.to_owned(), what };
    let mut cells = match book.worksheet_cells_reader(name) {
        Ok(cells) => cells,
        // A chart, or a sheet of another kind.
        Err(XlsxError::NotAWorksheet(_)) => return Ok(Vec::new()),
        Err(error) => return Err(SheetError::Unreadable(error)),
    };
    let mut text = Vec::new();
    let mut row: Vec<String> = Vec::new();
    let mut number = 0;
    while let Some(cell) = cells.next_cell().map_err(SheetError::Unreadable)? {
        let (at, column) = cell.get_position();
        let value = shown(cell.get_value());
        if value.is_empty() {
            continue;
        }
        if column >= MAX_COLUMNS {
            return Err(shape("has something beyond column 512"));
        }
        if at < number {
            return Err(shape("has rows out of order"));
        }
        while number < at {
            put_row(&mut text, &mut row);
            number += 1;
        }
        let column = column as usize;
        if row.len() <= column {
            row.resize(column + 1, String::new());
        }
        row[column] = value;
        if text.len() > MAX_SHEET_BYTES {
            return Err(shape("is longer than 512 MiB"));
        }
    }
    put_row(&mut text, &mut row);
    Ok(text)
}

/// Writes a row as one line of CSV, and empties it.
fn put_row(text: &mut Vec<u8>, row: &mut Vec<String>) {
    for (at, cell) in row.drain(..).enumerate() {
        if at > 0 {
            text.push(b',');
        }
        if cell.contains([',', '"', ';', '\t']) {
            text.push(b'"');
            text.extend_from_slice(cell.replace('"', "\"\"").as_bytes());
            text.push(b'"');
        } else {
            text.extend_from_slice(cell.as_bytes());
        }
    }
    text.push(b'\n');
}

/// A cell as its owner sees it, on one line.
fn shown(value: &DataRef<'_>) -> String {
    let text = match value {
        DataRef::Empty => return String::new(),
        DataRef::Int(number) => return number.to_string(),
        DataRef::Float(number) => return digits(*number),
        DataRef::Bool(flag) => return if *flag { "yes" } else { "no" }.to_owned(),
        DataRef::DateTime(time) => {
            let (year, month, day, hour, minute, second, ms) = time.to_ymd_hms_milli();
            let part = if ms == 0 { String::new() } else { format!(".{ms:03}") };
            return format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}{part}");
        }
        DataRef::Error(error) => return error.to_string(),
        other => Data::from(other.clone()).to_string(),
    };
    let mut text: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    // One line of the importer; the rest could not become a record anyway.
    if text.len() > MAX_LINE_BYTES {
        let end = (0..=MAX_LINE_BYTES).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
        text.truncate(end);
    }
    text.trim().to_owned()
}

/// A number with fifteen significant digits, all written out.
fn digits(number: f64) -> String {
    if !number.is_finite() {
        return number.to_string();
    }
    let rounded: f64 = format!("{number:.14e}").parse().unwrap_or(number);
    format!("{rounded}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_what_the_spreadsheet_shows() {
        assert_eq!(digits(0.1 + 0.2), "0.3");
        assert_eq!(digits(5_200.0), "5200");
        assert_eq!(digits(1.9), "1.9");
        assert_eq!(digits(1e15), "1000000000000000");
        assert_eq!(digits(0.000_001), "0.000001");
        assert_eq!(digits(-1.5), "-1.5");
    }
}
