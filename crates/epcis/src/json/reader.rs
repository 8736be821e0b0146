//! Pulls values from a stream, each of bounded size and depth.

use std::{
    collections::HashSet,
    io::{BufRead, ErrorKind},
};

use super::{BadJson, Object, Value};

/// Deepest nesting that is read.
const MOST_DEPTH: usize = 32;

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
        let mut names = HashSet::new();
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
            object.push(name, value);
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
