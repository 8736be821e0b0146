//! Spreadsheets in XLSX: templates out, records in.
//!
//! A sheet is turned into the CSV that its owner could have saved it as, and goes through the same importer
//! (`ore_exchange::csv`); so a workbook and its CSV can never mean two things. Every mistake is named by
//! sheet, row and column as the spreadsheet program shows them.

mod codes;
mod read;
mod template;

pub use codes::{Explained, explain};
pub use read::{MAX_BYTES, SheetDraft, SheetError, read, read_within};
pub use template::{BadTemplate, workbook};

/// The letters by which spreadsheet programs name a column, counted from 1: 1 is A, 27 is AA.
#[must_use]
pub fn letters(mut column: usize) -> String {
    let mut letters = Vec::new();
    while column > 0 {
        column -= 1;
        letters.push(b'A' + (column % 26) as u8);
        column /= 26;
    }
    letters.reverse();
    String::from_utf8(letters).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::letters;

    #[test]
    fn columns_are_named_as_spreadsheets_do() {
        assert_eq!([1, 26, 27, 52, 703, 16_384].map(letters), ["A", "Z", "AA", "AZ", "AAA", "XFD"]);
    }
}
