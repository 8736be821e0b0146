//! JSON as EPCIS needs it: numbers keep their digits, no name stands twice, and every size has a bound.
//!
//! RFC 8259. Numbers stay text, because a weight that went through a binary fraction is another weight.
//! The reader pulls from a stream and holds one value at a time, so a document may be larger than memory.

mod reader;

use std::fmt::Write as _;

pub(crate) use reader::{Reader, is_number};

/// A JSON value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// `null`.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A number, digit for digit as it was written.
    Number(String),
    /// Text.
    Text(String),
    /// A list.
    List(Vec<Value>),
    /// An object.
    Object(Object),
}

/// Names and values in the order in which they were written; no name twice.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Object(Vec<(String, Value)>);

impl Object {
    /// Nothing yet.
    #[must_use]
    pub const fn new() -> Self {
        Self(Vec::new())
    }

    /// The value of a name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.0.iter().find(|(known, _)| known == name).map(|(_, value)| value)
    }

    /// The text of a name, if it is text.
    #[must_use]
    pub fn text(&self, name: &str) -> Option<&str> {
        self.get(name).and_then(Value::as_text)
    }

    /// Sets a name that is not there yet; an empty text is left out.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.set(name, value);
        self
    }

    /// Sets a name. What stands there already is replaced.
    pub fn set(&mut self, name: &str, value: impl Into<Value>) {
        let value = value.into();
        match self.0.iter_mut().find(|(known, _)| known == name) {
            Some((_, old)) => *old = value,
            None => self.0.push((name.to_owned(), value)),
        }
    }

    /// Adds a name that is known to be new.
    fn push(&mut self, name: String, value: Value) {
        self.0.push((name, value));
    }

    /// Takes a name away.
    pub fn remove(&mut self, name: &str) -> Option<Value> {
        let at = self.0.iter().position(|(known, _)| known == name)?;
        Some(self.0.remove(at).1)
    }

    /// Names and values in order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Value)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value))
    }

    /// Whether there is nothing in it.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl Value {
    /// The text, if it is one.
    #[must_use]
    pub fn as_text(&self) -> Option<&str> {
        if let Self::Text(text) = self { Some(text) } else { None }
    }

    /// The object, if it is one.
    #[must_use]
    pub const fn as_object(&self) -> Option<&Object> {
        if let Self::Object(object) = self { Some(object) } else { None }
    }

    /// The items, if it is a list.
    #[must_use]
    pub fn as_list(&self) -> Option<&[Value]> {
        if let Self::List(items) = self { Some(items) } else { None }
    }

    /// What kind of value it is, for messages.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Bool(_) => "true or false",
            Self::Number(_) => "a number",
            Self::Text(_) => "text",
            Self::List(_) => "a list",
            Self::Object(_) => "an object",
        }
    }

    /// Reads one value from a text.
    ///
    /// # Errors
    /// [`BadJson`] with the line where reading stopped.
    pub fn parse(text: &str) -> Result<Self, BadJson> {
        let mut reader = Reader::new(text.as_bytes(), text.len() + 1);
        let value = reader.whole()?;
        reader.end()?;
        Ok(value)
    }

    /// Writes it without spaces.
    #[must_use]
    pub fn write(&self) -> String {
        let mut text = String::new();
        self.write_to(&mut text, None);
        text
    }

    /// Writes it for people, two spaces a level.
    #[must_use]
    pub fn write_pretty(&self) -> String {
        let mut text = String::new();
        self.write_to(&mut text, Some(0));
        text
    }

    fn write_to(&self, out: &mut String, level: Option<usize>) {
        let deeper = level.map(|level| level + 1);
        let line = |out: &mut String, level: Option<usize>| {
            if let Some(level) = level {
                out.push('\n');
                out.extend(std::iter::repeat_n(' ', 2 * level));
            }
        };
        match self {
            Self::Null => out.push_str("null"),
            Self::Bool(value) => out.push_str(if *value { "true" } else { "false" }),
            Self::Number(digits) => out.push_str(digits),
            Self::Text(text) => write_text(out, text),
            Self::List(items) => {
                out.push('[');
                for (at, item) in items.iter().enumerate() {
                    out.push_str(if at == 0 { "" } else { "," });
                    line(out, deeper);
                    item.write_to(out, deeper);
                }
                if !items.is_empty() {
                    line(out, level);
                }
                out.push(']');
            }
            Self::Object(object) => {
                out.push('{');
                for (at, (name, value)) in object.iter().enumerate() {
                    out.push_str(if at == 0 { "" } else { "," });
                    line(out, deeper);
                    write_text(out, name);
                    out.push_str(if level.is_some() { ": " } else { ":" });
                    value.write_to(out, deeper);
                }
                if !object.is_empty() {
                    line(out, level);
                }
                out.push('}');
            }
        }
    }
}

fn write_text(out: &mut String, text: &str) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if u32::from(c) < 0x20 => {
                let _ = write!(out, "\\u{:04x}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out.push('"');
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<Object> for Value {
    fn from(object: Object) -> Self {
        Self::Object(object)
    }
}

impl From<Vec<Value>> for Value {
    fn from(items: Vec<Value>) -> Self {
        Self::List(items)
    }
}

/// Why a text is no JSON that is read here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadJson {
    /// Line where reading stopped, from 1.
    pub line: u64,
    /// What is wrong.
    pub reason: String,
}

impl std::fmt::Display for BadJson {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "line {}: {}", self.line, self.reason)
    }
}

impl std::error::Error for BadJson {}

#[cfg(test)]
mod tests {
    use super::{Value, is_number};

    #[test]
    fn numbers_keep_their_digits_and_names_their_order() {
        let text = r#"{"b":6179.6200320,"a":[1e3,-0.5,true,null],"c":"é\n"}"#;
        assert_eq!(Value::parse(text).expect("is JSON").write(), text);
    }

    #[test]
    fn what_is_no_json_is_refused_with_its_line() {
        let bad = [
            ("{\"a\":1,\n\"a\":2}", 2, "stands twice"),
            ("{\"a\":01}", 1, "no number"),
            ("{\"a\":1", 1, "ends in the middle"),
            ("{\"a\":1} x", 1, "more text"),
            ("[\"\\ud800\"]", 1, "surrogate"),
            ("[\"a\u{1}\"]", 1, "control character"),
            ("[1 2]", 1, "expected a comma"),
            ("", 1, "ends in the middle"),
        ];
        for (text, line, reason) in bad {
            let error = Value::parse(text).expect_err(text);
            assert_eq!(error.line, line, "{text}");
            assert!(error.reason.contains(reason), "{text}: {error}");
        }
        let deep = "[".repeat(100_000);
        assert!(Value::parse(&deep).is_err_and(|error| error.reason.contains("deep")));
    }

    #[test]
    fn a_surrogate_pair_is_one_character() {
        assert_eq!(Value::parse(r#""\ud83d\ude00""#), Ok(Value::Text("😀".into())));
    }

    #[test]
    fn numbers_are_those_of_the_rfc() {
        for text in ["0", "-0", "10", "1.50", "1e5", "1E-5", "0.1e+2"] {
            assert!(is_number(text), "{text}");
        }
        for text in ["", "-", "01", "1.", ".5", "+1", "1e", "1e+", "NaN"] {
            assert!(!is_number(text), "{text}");
        }
    }
}
