//! Rows into Parquet files, one file a partition, in row groups of bounded size.

use std::{collections::BTreeMap, io, sync::Arc};

use parquet::{
    basic::Compression,
    column::writer::ColumnWriter,
    data_type::{ByteArray, FixedLenByteArray},
    errors::ParquetError,
    file::{
        properties::WriterProperties,
        writer::{SerializedFileWriter, SerializedRowGroupWriter},
    },
    schema::{parser::parse_message_type, types::TypePtr},
};

use crate::{
    Counts,
    schema::{Column, Kind, TABLES, Table},
};

/// Rows of a row group: memory is held for so many rows of each open file.
const GROUP: usize = 65_536;
/// Open files of one table; values beyond go to the partition that Hive keeps for what has no value.
const MOST_PARTITIONS: usize = 256;
/// Hive's name for it.
const NO_VALUE: &str = "__HIVE_DEFAULT_PARTITION__";

/// Where files are made.
pub trait Shelf {
    /// What is written to.
    type File: io::Write + Send;

    /// Makes a file at a path below the export's folder, `lots/year=2026/part-0.parquet`, and its folders.
    ///
    /// # Errors
    /// When it cannot be made.
    fn make(&mut self, path: &str) -> io::Result<Self::File>;

    /// Is told that a file is complete.
    ///
    /// # Errors
    /// When it cannot be made durable.
    fn done(&mut self, file: Self::File) -> io::Result<()>;
}

/// Why an export ends early.
#[derive(Debug, thiserror::Error)]
pub enum TableError {
    /// A file could not be made or written.
    #[error("write {path}")]
    File {
        /// Below the export's folder.
        path: String,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The format's own writer.
    #[error("write Parquet to {path}")]
    Parquet {
        /// Below the export's folder.
        path: String,
        /// Why.
        #[source]
        source: ParquetError,
    },
    /// A mass or a count beyond the signed 64 bits that every reader of Parquet has.
    #[error("{column} of table {table} is {value}, more than a signed 64-bit column holds")]
    TooLarge {
        /// The table.
        table: &'static str,
        /// The column.
        column: &'static str,
        /// What was to be written.
        value: u64,
    },
}

/// One cell.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Cell<'a> {
    Null,
    Text(&'a str),
    Integer(i64),
    /// Checked against the column's range.
    Unsigned(u64),
    Flag(bool),
}

impl<'a> Cell<'a> {
    /// Text, or null when there is none.
    pub(crate) const fn words(text: &'a str) -> Self {
        if text.is_empty() { Self::Null } else { Self::Text(text) }
    }
}

/// Values of one column, as the format's writer takes them.
enum Values {
    Text(Vec<ByteArray>),
    Integer(Vec<i64>),
    Flag(Vec<bool>),
    Share(Vec<FixedLenByteArray>),
}

impl Values {
    fn of(kind: Kind) -> Self {
        match kind {
            Kind::Text => Self::Text(Vec::new()),
            Kind::Integer | Kind::Time => Self::Integer(Vec::new()),
            Kind::Flag => Self::Flag(Vec::new()),
            Kind::Share => Self::Share(Vec::new()),
        }
    }
}

/// A file under way.
struct Sheet<F: io::Write + Send> {
    path: String,
    columns: &'static [Column],
    writer: SerializedFileWriter<F>,
    rows: usize,
    values: Vec<Values>,
    levels: Vec<Vec<i16>>,
}

impl<F: io::Write + Send> Sheet<F> {
    fn new(path: String, table: &Table, file: F) -> Result<Self, TableError> {
        let properties = WriterProperties::builder().set_compression(Compression::SNAPPY).build();
        let writer = SerializedFileWriter::new(file, message(table), Arc::new(properties));
        let writer = writer.map_err(|source| TableError::Parquet { path: path.clone(), source })?;
        let values = table.columns.iter().map(|column| Values::of(column.kind)).collect();
        let levels = table.columns.iter().map(|_| Vec::new()).collect();
        Ok(Self { path, columns: table.columns, writer, rows: 0, values, levels })
    }

    fn put(&mut self, table: &'static str, cells: &[Cell<'_>]) -> Result<(), TableError> {
        assert_eq!(cells.len(), self.columns.len(), "a row of {table} has a cell for each column");
        // Nothing half taken: a row that does not fit is refused before any column has it.
        for (cell, column) in cells.iter().zip(self.columns) {
            if let Cell::Unsigned(value) = *cell
                && i64::try_from(value).is_err()
            {
                return Err(TableError::TooLarge { table, column: column.name, value });
            }
        }
        for (at, (cell, column)) in cells.iter().zip(self.columns).enumerate() {
            if column.optional {
                self.levels[at].push(i16::from(!matches!(cell, Cell::Null)));
            }
            match (&mut self.values[at], *cell) {
                (_, Cell::Null) if column.optional => {}
                (Values::Text(values), Cell::Text(text)) => values.push(text.into()),
                (Values::Text(values), Cell::Null) => values.push("".into()),
                (Values::Integer(values), Cell::Integer(number)) => values.push(number),
                (Values::Integer(values), Cell::Unsigned(number)) => values.push(number as i64),
                (Values::Flag(values), Cell::Flag(flag)) => values.push(flag),
                (Values::Share(values), Cell::Unsigned(units)) => values.push(decimal(units)),
                (_, cell) => panic!("{table}.{} is no {cell:?}", column.name),
            }
        }
        self.rows += 1;
        if self.rows == GROUP { self.flush() } else { Ok(()) }
    }

    fn flush(&mut self) -> Result<(), TableError> {
        if self.rows == 0 {
            return Ok(());
        }
        let written = self.writer.next_row_group().and_then(|mut group| {
            for ((column, values), levels) in self.columns.iter().zip(&mut self.values).zip(&mut self.levels)
            {
                write_column(&mut group, values, column.optional.then_some(levels))?;
            }
            group.close().map(|_| ())
        });
        self.rows = 0;
        written.map_err(|source| TableError::Parquet { path: self.path.clone(), source })
    }

    fn end(mut self) -> Result<(String, F), TableError> {
        self.flush()?;
        let path = self.path;
        match self.writer.into_inner() {
            Ok(file) => Ok((path, file)),
            Err(source) => Err(TableError::Parquet { path, source }),
        }
    }
}

fn write_column<F: io::Write + Send>(
    group: &mut SerializedRowGroupWriter<'_, F>,
    values: &mut Values,
    levels: Option<&mut Vec<i16>>,
) -> Result<(), ParquetError> {
    let mut column = group.next_column()?.expect("the schema has as many columns as the table");
    let given = levels.as_ref().map(|levels| levels.as_slice());
    match (column.untyped(), &mut *values) {
        (ColumnWriter::ByteArrayColumnWriter(to), Values::Text(values)) => {
            to.write_batch(values, given, None)?;
            values.clear();
        }
        (ColumnWriter::Int64ColumnWriter(to), Values::Integer(values)) => {
            to.write_batch(values, given, None)?;
            values.clear();
        }
        (ColumnWriter::BoolColumnWriter(to), Values::Flag(values)) => {
            to.write_batch(values, given, None)?;
            values.clear();
        }
        (ColumnWriter::FixedLenByteArrayColumnWriter(to), Values::Share(values)) => {
            to.write_batch(values, given, None)?;
            values.clear();
        }
        _ => unreachable!("the schema is made from the same columns"),
    }
    if let Some(levels) = levels {
        levels.clear();
    }
    column.close()
}

/// DECIMAL(19, 18) in nine bytes, two's complement, the highest first.
fn decimal(units: u64) -> FixedLenByteArray {
    let mut bytes = vec![0u8];
    bytes.extend_from_slice(&units.to_be_bytes());
    ByteArray::from(bytes).into()
}

/// The table's schema in Parquet's words.
fn message(table: &Table) -> TypePtr {
    let mut text = format!("message {} {{\n", table.name);
    for column in table.columns {
        let repetition = if column.optional { "OPTIONAL" } else { "REQUIRED" };
        let name = column.name;
        text.push_str(&match column.kind {
            Kind::Text => format!("{repetition} BYTE_ARRAY {name} (STRING);\n"),
            Kind::Integer => format!("{repetition} INT64 {name};\n"),
            Kind::Flag => format!("{repetition} BOOLEAN {name};\n"),
            Kind::Time => format!("{repetition} INT64 {name} (TIMESTAMP(MILLIS,true));\n"),
            Kind::Share => format!("{repetition} FIXED_LEN_BYTE_ARRAY (9) {name} (DECIMAL(19,18));\n"),
        });
    }
    text.push('}');
    Arc::new(parse_message_type(&text).expect("a schema of ours parses; a test makes every one"))
}

/// All files of an export.
pub(crate) struct Sheets<S: Shelf> {
    shelf: S,
    open: BTreeMap<(&'static str, String), Sheet<S::File>>,
    counts: Counts,
}

impl<S: Shelf> Sheets<S> {
    pub(crate) fn new(shelf: S) -> Self {
        Self { shelf, open: BTreeMap::new(), counts: TABLES.iter().map(|table| (table.name, 0)).collect() }
    }

    /// Writes a row.
    pub(crate) fn put(
        &mut self,
        table: &Table,
        partition: &str,
        cells: &[Cell<'_>],
    ) -> Result<(), TableError> {
        let mut key = (table.name, folder(partition));
        if !self.open.contains_key(&key) {
            let open = self.open.keys().filter(|(name, _)| *name == table.name).count();
            if open >= MOST_PARTITIONS {
                key.1 = NO_VALUE.to_owned();
            }
        }
        if !self.open.contains_key(&key) {
            let path = format!("{}/{}={}/part-0.parquet", table.name, table.partition, key.1);
            let file =
                self.shelf.make(&path).map_err(|source| TableError::File { path: path.clone(), source })?;
            self.open.insert(key.clone(), Sheet::new(path, table, file)?);
        }
        let sheet = self.open.get_mut(&key).expect("opened above");
        sheet.put(table.name, cells)?;
        if let Some((_, count)) = self.counts.iter_mut().find(|(name, _)| *name == table.name) {
            *count += 1;
        }
        Ok(())
    }

    /// Ends every file; a table without a row has one empty file, so that a query finds its columns.
    pub(crate) fn end(mut self) -> Result<Counts, TableError> {
        for table in TABLES {
            if self.open.keys().all(|(name, _)| *name != table.name) {
                let path = format!("{}/{}={NO_VALUE}/part-0.parquet", table.name, table.partition);
                let file = self
                    .shelf
                    .make(&path)
                    .map_err(|source| TableError::File { path: path.clone(), source })?;
                self.open.insert((table.name, NO_VALUE.to_owned()), Sheet::new(path, table, file)?);
            }
        }
        for sheet in std::mem::take(&mut self.open).into_values() {
            let (path, file) = sheet.end()?;
            self.shelf.done(file).map_err(|source| TableError::File { path, source })?;
        }
        Ok(self.counts)
    }
}

/// A value as the name of a folder: letters, digits and what harms no path.
fn folder(value: &str) -> String {
    let safe = |c: char| if c.is_ascii_alphanumeric() || matches!(c, '-' | '_') { c } else { '_' };
    if value.is_empty() { NO_VALUE.to_owned() } else { value.chars().take(64).map(safe).collect() }
}
