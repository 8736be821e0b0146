//! CSV for people with spreadsheets: one template per event, see [`templates`].
//!
//! The first cell of a header names the event; below it stand the rows. In a template of several
//! rows per record the first cell is the same for all rows of a record, which follow each other. A
//! document may hold several headers. Each row stands on one line; separators are commas, semicolons or
//! tabs, whichever the header has. A wrong row makes its own record fail, and no other.

mod group;
mod header;

use std::{
    collections::{HashSet, VecDeque},
    io::{self, BufRead},
};

use crate::{
    Draft, LineError,
    error::quote,
    lines::{Line, Lines},
    templates::{TEMPLATES, Template},
};
use group::Group;
use header::{Header, cells, is_header, no_header, separator_of, template};

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
