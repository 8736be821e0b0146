//! The ledger as tables: Parquet files in folders by partition, for DuckDB, pandas, Spark and their like.
//!
//! Records in, bytes out; where files are made is the caller's to say ([`Shelf`]). Masses are whole
//! milligrams, shares exact decimals of eighteen places, times milliseconds in UTC: there is no floating
//! point in any column. Rows are written as they come, so memory is bounded by the lots, not the records.

mod answers;
mod ledger;
mod schema;
mod sheet;

pub use answers::{FindingRow, ShareRow};
pub use ledger::Step;
pub use schema::{Column, Kind, TABLES, Table};
pub use sheet::{Shelf, TableError};

use sheet::Sheets;

/// Writes every table of an export.
pub struct Export<S: Shelf> {
    sheets: Sheets<S>,
    books: ledger::Books,
}

/// Rows in each table, in the order of [`TABLES`].
pub type Counts = Vec<(&'static str, u64)>;

impl<S: Shelf> Export<S> {
    /// Begins an export. `withdrawn` names the records that were withdrawn, so that no row of theirs is taken
    /// for a fact.
    pub fn begin(shelf: S, withdrawn: std::collections::BTreeSet<ore_record::RecordId>) -> Self {
        Self { sheets: Sheets::new(shelf), books: ledger::Books::new(withdrawn) }
    }

    /// Takes the next record of the log.
    ///
    /// # Errors
    /// [`TableError`].
    pub fn record(&mut self, step: &Step<'_>) -> Result<(), TableError> {
        self.books.take(step, &mut self.sheets)
    }

    /// Takes a share of a lot's element.
    ///
    /// # Errors
    /// [`TableError`].
    pub fn share(&mut self, row: &ShareRow<'_>) -> Result<(), TableError> {
        row.put(&mut self.sheets)
    }

    /// Takes a finding.
    ///
    /// # Errors
    /// [`TableError`].
    pub fn finding(&mut self, row: &FindingRow<'_>) -> Result<(), TableError> {
        row.put(&mut self.sheets)
    }

    /// Ends every file.
    ///
    /// # Errors
    /// [`TableError`].
    pub fn end(self) -> Result<Counts, TableError> {
        self.sheets.end()
    }
}
