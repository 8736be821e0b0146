//! Lines of a document, each of bounded length.

use std::io::{self, BufRead};

use crate::{LineError, MAX_LINE_BYTES};

/// A line with its number from 1, or why it cannot be read.
pub(crate) struct Line {
    pub(crate) number: u64,
    pub(crate) text: Result<String, LineError>,
}

/// Reads lines, holding at most [`MAX_LINE_BYTES`] of each.
pub(crate) struct Lines<R> {
    reader: R,
    number: u64,
}

impl<R: BufRead> Lines<R> {
    pub(crate) const fn new(reader: R) -> Self {
        Self { reader, number: 0 }
    }

    /// The next line without its end; none at the end of the document.
    pub(crate) fn next_line(&mut self) -> io::Result<Option<Line>> {
        let mut bytes = Vec::new();
        let mut length = 0usize;
        loop {
            let chunk = match self.reader.fill_buf() {
                Ok(chunk) => chunk,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            };
            if chunk.is_empty() {
                if length == 0 {
                    return Ok(None);
                }
                break;
            }
            let end = chunk.iter().position(|byte| *byte == b'\n');
            let used = end.map_or(chunk.len(), |end| end + 1);
            length = length.saturating_add(used);
            if length <= MAX_LINE_BYTES {
                bytes.extend_from_slice(&chunk[..used]);
            }
            self.reader.consume(used);
            if end.is_some() {
                break;
            }
        }
        self.number += 1;
        Ok(Some(Line { number: self.number, text: self.check(bytes, length) }))
    }

    fn check(&self, bytes: Vec<u8>, length: usize) -> Result<String, LineError> {
        if length > MAX_LINE_BYTES {
            return Err(LineError::new(
                "",
                format!("the line has {length} bytes, the limit is {MAX_LINE_BYTES}"),
                "one record per line; documents go in by their SHA-256 digest",
            ));
        }
        let mut text = String::from_utf8(bytes).map_err(|error| {
            LineError::new("", "the line is not UTF-8 text", "save the document with encoding UTF-8")
                .at(error.utf8_error().valid_up_to() + 1)
        })?;
        text.truncate(text.trim_end_matches(['\r', '\n']).len());
        // Spreadsheets start a document with a byte order mark.
        if self.number == 1 && text.starts_with('\u{feff}') {
            text.drain(..'\u{feff}'.len_utf8());
        }
        Ok(text)
    }
}
