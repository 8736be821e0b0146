//! JSON as EPCIS needs it: numbers keep their digits, no name stands twice, and every size has a bound.
//!
//! RFC 8259. Numbers stay text, because a weight that went through a binary fraction is another weight.
//! The reader pulls from a stream and holds one value at a time, so a document may be larger than memory.

use std::{
    fmt::Write as _,
    io::{BufRead, ErrorKind},
};

/// Deepest nesting that is read.
const MOST_DEPTH: usize = 32;

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
        let value = reader.value()?;
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

/// Pulls values from a stream.
pub(crate) struct Reader<R> {
    source: R,
    line: u64,
    depth: usize,
    /// Bytes that one value may have, and those that the present one may still have.
    limit: usize,
    left: usize,
}

impl<R: BufRead> Reader<R> {
    /// A reader whose values have at most `limit` bytes each.
    pub(crate) const fn new(source: R, limit: usize) -> Self {
        Self { source, line: 1, depth: 0, limit, left: limit }
    }

    pub(crate) fn bad(&self, reason: impl Into<String>) -> BadJson {
        BadJson { line: self.line, reason: reason.into() }
    }

    fn peek(&mut self) -> Result<Option<u8>, BadJson> {
        loop {
            match self.source.fill_buf() {
                Ok(bytes) => return Ok(bytes.first().copied()),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(self.bad(format!("cannot be read: {error}"))),
            }
        }
    }

    fn take(&mut self) {
        self.source.consume(1);
        self.left = self.left.saturating_sub(1);
    }

    fn next(&mut self) -> Result<u8, BadJson> {
        let byte = self.peek()?.ok_or_else(|| self.bad("the document ends in the middle"))?;
        self.take();
        if byte == b'\n' {
            self.line += 1;
        }
        if self.left == 0 {
            return Err(self.bad(format!("one value has more than {} bytes", self.limit)));
        }
        Ok(byte)
    }

    /// The next byte that is no white space, not taken.
    pub(crate) fn look(&mut self) -> Result<Option<u8>, BadJson> {
        while let Some(byte) = self.peek()? {
            match byte {
                b'\n' => self.line += 1,
                b' ' | b'\t' | b'\r' => {}
                _ => return Ok(Some(byte)),
            }
            self.source.consume(1);
        }
        Ok(None)
    }

    /// Takes this punctuation mark.
    pub(crate) fn mark(&mut self, mark: u8) -> Result<(), BadJson> {
        match self.look()? {
            Some(byte) if byte == mark => {
                self.left = self.limit;
                self.source.consume(1);
                Ok(())
            }
            Some(byte) => {
                let found = char::from(byte).escape_default();
                Err(self.bad(format!("expected {:?}, found \"{found}\"", char::from(mark))))
            }
            None => Err(self.bad("the document ends in the middle")),
        }
    }

    /// After an item: whether another follows; else takes the closing mark.
    pub(crate) fn more(&mut self, close: u8) -> Result<bool, BadJson> {
        if self.look()? == Some(b',') {
            self.mark(b',')?;
            return Ok(true);
        }
        self.mark(close).map(|()| false)
    }

    /// Takes the name of a member and its colon.
    pub(crate) fn name(&mut self) -> Result<String, BadJson> {
        if self.look()? != Some(b'"') {
            return Err(self.bad("expected a name in quotes"));
        }
        self.take();
        let name = self.text()?;
        if self.look()? != Some(b':') {
            return Err(self.bad("expected a colon after a name"));
        }
        self.take();
        Ok(name)
    }

    /// Nothing but white space follows.
    pub(crate) fn end(&mut self) -> Result<(), BadJson> {
        match self.look()? {
            None => Ok(()),
            Some(_) => Err(self.bad("more text follows after the end")),
        }
    }

    /// A whole value, within the limit.
    pub(crate) fn whole(&mut self) -> Result<Value, BadJson> {
        self.left = self.limit;
        self.value()
    }

    fn value(&mut self) -> Result<Value, BadJson> {
        match self.look()? {
            Some(b'{') => self.nested(Self::object),
            Some(b'[') => self.nested(Self::list),
            Some(b'"') => {
                self.take();
                self.text().map(Value::Text)
            }
            Some(b't') => self.word("true", Value::Bool(true)),
            Some(b'f') => self.word("false", Value::Bool(false)),
            Some(b'n') => self.word("null", Value::Null),
            Some(b'-' | b'0'..=b'9') => self.number(),
            Some(byte) => {
                let found = char::from(byte).escape_default().to_string();
                Err(self.bad(format!("no value begins with \"{found}\"")))
            }
            None => Err(self.bad("the document ends in the middle")),
        }
    }

    fn nested(&mut self, inside: fn(&mut Self) -> Result<Value, BadJson>) -> Result<Value, BadJson> {
        if self.depth == MOST_DEPTH {
            return Err(self.bad(format!("values are nested more than {MOST_DEPTH} deep")));
        }
        self.depth += 1;
        self.next()?;
        let value = inside(self);
        self.depth -= 1;
        value
    }

    fn object(&mut self) -> Result<Value, BadJson> {
        let mut object = Object::new();
        let mut names = std::collections::HashSet::new();
        if self.look()? == Some(b'}') {
            self.next()?;
            return Ok(Value::Object(object));
        }
        loop {
            let name = self.name()?;
            if !names.insert(name.clone()) {
                let shown: String = name.chars().take(60).collect();
                return Err(self.bad(format!("the name {shown:?} stands twice in one object")));
            }
            let value = self.value()?;
            object.0.push((name, value));
            if !self.another(b'}')? {
                return Ok(Value::Object(object));
            }
        }
    }

    fn list(&mut self) -> Result<Value, BadJson> {
        let mut items = Vec::new();
        if self.look()? == Some(b']') {
            self.next()?;
            return Ok(Value::List(items));
        }
        loop {
            items.push(self.value()?);
            if !self.another(b']')? {
                return Ok(Value::List(items));
            }
        }
    }

    /// As [`Reader::more`], within one value.
    fn another(&mut self, close: u8) -> Result<bool, BadJson> {
        self.look()?;
        match self.next()? {
            b',' => Ok(true),
            byte if byte == close => Ok(false),
            byte => Err(self.bad(format!(
                "expected a comma or {:?}, found \"{}\"",
                char::from(close),
                char::from(byte).escape_default()
            ))),
        }
    }

    fn word(&mut self, word: &str, value: Value) -> Result<Value, BadJson> {
        for expected in word.bytes() {
            if self.next()? != expected {
                return Err(self.bad(format!("expected {word}")));
            }
        }
        Ok(value)
    }

    fn number(&mut self) -> Result<Value, BadJson> {
        let mut text = String::new();
        while let Some(byte @ (b'0'..=b'9' | b'-' | b'+' | b'.' | b'e' | b'E')) = self.peek()? {
            text.push(char::from(byte));
            self.next()?;
        }
        if is_number(&text) { Ok(Value::Number(text)) } else { Err(self.bad(format!("{text} is no number"))) }
    }

    /// The rest of a text whose opening quote was taken.
    fn text(&mut self) -> Result<String, BadJson> {
        let mut bytes = Vec::new();
        loop {
            match self.next()? {
                b'"' => break,
                b'\\' => self.escape(&mut bytes)?,
                byte if byte < 0x20 => {
                    return Err(self.bad("a control character in a text; write it as an escape"));
                }
                byte => bytes.push(byte),
            }
        }
        String::from_utf8(bytes).map_err(|_| self.bad("a text is not UTF-8"))
    }

    fn escape(&mut self, bytes: &mut Vec<u8>) -> Result<(), BadJson> {
        let c = match self.next()? {
            b'"' => '"',
            b'\\' => '\\',
            b'/' => '/',
            b'b' => '\u{8}',
            b'f' => '\u{c}',
            b'n' => '\n',
            b'r' => '\r',
            b't' => '\t',
            b'u' => self.unicode()?,
            _ => return Err(self.bad("an unknown escape in a text")),
        };
        bytes.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
        Ok(())
    }

    fn unicode(&mut self) -> Result<char, BadJson> {
        let high = self.four_digits()?;
        if !(0xD800..0xDC00).contains(&high) {
            return char::from_u32(high).ok_or_else(|| self.bad("half a surrogate pair in a text"));
        }
        let (slash, u) = (self.next()?, self.next()?);
        let low = if (slash, u) == (b'\\', b'u') { self.four_digits()? } else { 0 };
        let pair =
            (0xDC00..0xE000).contains(&low).then(|| 0x10000 + ((high - 0xD800) << 10) + (low - 0xDC00));
        pair.and_then(char::from_u32).ok_or_else(|| self.bad("half a surrogate pair in a text"))
    }

    fn four_digits(&mut self) -> Result<u32, BadJson> {
        let mut code = 0;
        for _ in 0..4 {
            let digit = char::from(self.next()?).to_digit(16);
            code = code * 16 + digit.ok_or_else(|| self.bad("an escape without four hexadecimal digits"))?;
        }
        Ok(code)
    }
}

/// RFC 8259 §6.
pub(crate) fn is_number(text: &str) -> bool {
    let rest = text.strip_prefix('-').unwrap_or(text);
    let digits = |text: &str| text.bytes().take_while(u8::is_ascii_digit).count();
    let whole = digits(rest);
    if whole == 0 || (whole > 1 && rest.starts_with('0')) {
        return false;
    }
    let mut rest = &rest[whole..];
    if let Some(fraction) = rest.strip_prefix('.') {
        let length = digits(fraction);
        if length == 0 {
            return false;
        }
        rest = &fraction[length..];
    }
    match rest.strip_prefix(['e', 'E']) {
        None => rest.is_empty(),
        Some(exponent) => {
            let exponent = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
            !exponent.is_empty() && digits(exponent) == exponent.len()
        }
    }
}

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
