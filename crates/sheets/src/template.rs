//! Workbooks to fill in: a sheet for each event, and beside it its example and its codes.
//!
//! Sheets whose name begins with `#` are for people and are not read, so an example is never handed in by
//! accident. Every column has a note that says what it means; where only certain words may stand, there is a
//! list to choose from.

use rust_xlsxwriter::{
    DataValidation, DataValidationErrorStyle, Format, Note, Workbook, Worksheet, XlsxError,
};

use crate::{codes::explain, letters};

/// Rows that get a list to choose from.
const LISTED_ROWS: u32 = 5_000;
/// Columns are as wide as their names, within these bounds, in characters.
const WIDTH: std::ops::RangeInclusive<usize> = 8..=28;

/// Why there is no template.
#[derive(Debug, thiserror::Error)]
pub enum BadTemplate {
    /// No event of this name.
    #[error("there is no template for {asked:?}; there are: {known}")]
    Unknown {
        /// What was asked for.
        asked: String,
        /// What there is.
        known: String,
    },
    /// The format's writer.
    #[error("write the workbook")]
    Write(#[source] XlsxError),
}

impl From<XlsxError> for BadTemplate {
    fn from(error: XlsxError) -> Self {
        Self::Write(error)
    }
}

/// A workbook for these events, or for all when none is named.
///
/// # Errors
/// [`BadTemplate`].
pub fn workbook(events: &[&str]) -> Result<Vec<u8>, BadTemplate> {
    let templates = ore_exchange::csv::templates();
    if let Some(asked) = events.iter().find(|asked| templates.iter().all(|known| known.event != **asked)) {
        let known: Vec<&str> = templates.iter().map(|template| template.event).collect();
        return Err(BadTemplate::Unknown { asked: (*asked).to_owned(), known: known.join(", ") });
    }
    let mut book = Workbook::new();
    let bold = Format::new().set_bold();
    let mut explained = Vec::new();
    for template in templates.iter().filter(|it| events.is_empty() || events.contains(&it.event)) {
        let mut lines = template.text.lines();
        let header: Vec<&str> = lines.next().unwrap_or_default().split(',').collect();
        let sheet = book.add_worksheet().set_name(template.event)?;
        head(sheet, template.event, &header, &bold)?;
        let example = book.add_worksheet().set_name(format!("#example {}", template.event))?;
        head(example, template.event, &header, &bold)?;
        for (row, line) in (1u32..).zip(lines) {
            for (column, cell) in (0u16..).zip(line.split(',')).filter(|(_, cell)| !cell.is_empty()) {
                example.write_string(row, column, cell)?;
            }
        }
        explained.extend(header.iter().skip(1).map(|column| (template.event, *column)));
    }
    codes(book.add_worksheet().set_name("#codes")?, &explained, &bold)?;
    Ok(book.save_to_buffer()?)
}

/// The header of a sheet, with notes and lists.
fn head(sheet: &mut Worksheet, event: &str, header: &[&str], bold: &Format) -> Result<(), BadTemplate> {
    sheet.set_freeze_panes(1, 1)?;
    for (column, name) in (0u16..).zip(header) {
        sheet.write_string_with_format(0, column, *name, bold)?;
        let width = (name.chars().count() + 2).clamp(*WIDTH.start(), *WIDTH.end());
        sheet.set_column_width(column, width as f64)?;
        // Text, so that the program turns no lot number into a date and no time into a number.
        sheet.set_column_format(column, &Format::new().set_num_format("@"))?;
        let Some(explained) = explain(event, name) else {
            let what = "a word of your own for the record; rows of one record have the same";
            sheet.insert_note(0, column, &Note::new(what).set_author("Oreledger"))?;
            continue;
        };
        let codes = explained.codes.join(", ");
        let text = if codes.is_empty() {
            explained.meaning.to_owned()
        } else {
            format!("{}: {codes}", explained.meaning)
        };
        sheet.insert_note(0, column, &Note::new(text).set_author("Oreledger"))?;
        if !explained.codes.is_empty() {
            let list = DataValidation::new()
                .allow_list_strings(explained.codes)?
                .set_error_style(DataValidationErrorStyle::Warning);
            sheet.add_data_validation(1, column, LISTED_ROWS, column, &list)?;
        }
    }
    Ok(())
}

/// Every column with its place, its meaning and its words.
fn codes(sheet: &mut Worksheet, explained: &[(&str, &str)], bold: &Format) -> Result<(), BadTemplate> {
    for (column, (name, width)) in
        (0u16..).zip([("event", 18), ("column", 24), ("meaning", 70), ("words", 100)])
    {
        sheet.write_string_with_format(0, column, name, bold)?;
        sheet.set_column_width(column, f64::from(width))?;
    }
    sheet.set_freeze_panes(1, 0)?;
    let mut at = 0;
    for (row, (event, column)) in (1u32..).zip(explained) {
        at = if row > 1 && explained[row as usize - 2].0 == *event { at + 1 } else { 2 };
        sheet.write_string(row, 0, *event)?;
        sheet.write_string(row, 1, format!("{} {column}", letters(at)))?;
        if let Some(explained) = explain(event, column) {
            sheet.write_string(row, 2, explained.meaning)?;
            sheet.write_string(row, 3, explained.codes.join(", "))?;
        }
    }
    Ok(())
}
