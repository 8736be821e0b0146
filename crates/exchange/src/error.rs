//! What is wrong with a line, for the person who wrote it.

use std::fmt;

/// Why a line gives no record: where, why, and what to write instead.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LineError {
    /// Column: in CSV the number of the cell, in JSON the character where reading stopped. From 1.
    pub column: Option<usize>,
    /// Field path in the record, as `transform.inputs[1].mass`, or in CSV the name of the column. May be empty.
    pub field: String,
    /// What is wrong, lower case, without a full stop.
    pub reason: String,
    /// The next step. May be empty.
    pub hint: String,
}

impl LineError {
    pub(crate) fn new(field: &str, reason: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { column: None, field: field.into(), reason: reason.into(), hint: hint.into() }
    }

    pub(crate) fn at(mut self, column: usize) -> Self {
        self.column = Some(column);
        self
    }
}

impl fmt::Display for LineError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(column) = self.column {
            write!(f, "column {column}: ")?;
        }
        if !self.field.is_empty() {
            write!(f, "{}: ", self.field)?;
        }
        f.write_str(&self.reason)?;
        if !self.hint.is_empty() {
            write!(f, " (hint: {})", self.hint)?;
        }
        Ok(())
    }
}

impl std::error::Error for LineError {}

/// At most 80 characters of a text, quoted, for a message.
pub(crate) fn quote(text: &str) -> String {
    let mut short: String = text.chars().take(80).collect();
    if short.len() < text.len() {
        short.push('…');
    }
    format!("{short:?}")
}

/// The known name that is nearest to a text, if one is near, for "did you mean".
pub(crate) fn nearest<'a>(text: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let text: Vec<char> = text.to_lowercase().chars().take(40).collect();
    known
        .map(|name| (distance(&text, &name.to_lowercase().chars().collect::<Vec<_>>()), name))
        .filter(|(distance, name)| *distance <= 2.max(name.len() / 3))
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, name)| name)
}

/// Edits between two short texts (Levenshtein).
fn distance(a: &[char], b: &[char]) -> usize {
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, from) in a.iter().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, to) in b.iter().enumerate() {
            let substitute = diagonal + usize::from(from != to);
            diagonal = row[j + 1];
            row[j + 1] = substitute.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[b.len()]
}
