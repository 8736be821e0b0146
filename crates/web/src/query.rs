//! What stands behind the question mark of an address: names and values, decoded, each once.

use std::fmt::Write;

/// Most pairs that are read, and longest value in bytes; what is beyond is as if it were not there.
const MOST_PAIRS: usize = 32;
const LONGEST: usize = 4_096;

/// Names and values of an address or of a form.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Query(Vec<(String, String)>);

impl Query {
    /// Reads `application/x-www-form-urlencoded` text.
    #[must_use]
    pub fn read(text: &str) -> Self {
        let pairs = text.split('&').filter(|pair| !pair.is_empty()).take(MOST_PAIRS);
        Self(
            pairs
                .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
                .filter(|(name, value)| name.len() + value.len() <= LONGEST)
                .map(|(name, value)| (decode(name, true), decode(value, true)))
                .collect(),
        )
    }

    /// The first value of this name; empty counts as absent.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        let found = self.0.iter().find(|(known, value)| known == name && !value.is_empty());
        found.map(|(_, value)| value.as_str())
    }

    /// As a number; anything else counts as absent.
    #[must_use]
    pub fn number(&self, name: &str) -> Option<u64> {
        self.get(name)?.trim().parse().ok()
    }

    /// Every pair, in order.
    pub fn pairs(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// The same with one name set to a value, as it stands in an address; an empty value takes the name out.
    #[must_use]
    pub fn with(&self, changes: &[(&str, &str)]) -> String {
        let kept = self.pairs().filter(|(name, _)| changes.iter().all(|(changed, _)| changed != name));
        let mut text = String::new();
        for (name, value) in kept.chain(changes.iter().copied()).filter(|(_, value)| !value.is_empty()) {
            let _ = write!(
                text,
                "{}{}={}",
                if text.is_empty() { '?' } else { '&' },
                encode(name, false),
                encode(value, false)
            );
        }
        text
    }
}

/// Decodes percent signs; bytes that are no UTF-8 become replacement characters.
#[must_use]
pub fn decode(text: &str, plus: bool) -> String {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        // Digits alone: a sign before one would be read as part of a number.
        let escaped = bytes.get(at + 1..at + 3).filter(|pair| pair.iter().all(u8::is_ascii_hexdigit));
        let escaped = escaped.and_then(|pair| std::str::from_utf8(pair).ok());
        match (byte, escaped.and_then(|pair| u8::from_str_radix(pair, 16).ok())) {
            (b'%', Some(value)) => {
                out.push(value);
                at += 3;
                continue;
            }
            (b'+', _) if plus => out.push(b' '),
            _ => out.push(byte),
        }
        at += 1;
    }
    String::from_utf8_lossy(&out).into_owned()
}

/// Encodes what may not stand in an address; `slash` says whether a slash may.
#[must_use]
pub fn encode(text: &str, slash: bool) -> String {
    let mut out = String::new();
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) || (slash && byte == b'/') {
            out.push(char::from(byte));
        } else {
            let _ = write!(out, "%{byte:02X}");
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_encoded_decodes_to_itself() {
        for text in ["refiner/L 1+2%", "スクラップ", "a&b=c"] {
            assert_eq!(decode(&encode(text, false), true), text);
            let query = Query::read(&Query::default().with(&[("q", text)])[1..]);
            assert_eq!(query.get("q"), Some(text));
        }
    }

    #[test]
    fn broken_escapes_stay_as_they_are() {
        assert_eq!(decode("%", true), "%");
        assert_eq!(decode("%4", true), "%4");
        assert_eq!(decode("%zz%41", true), "%zzA");
        assert_eq!(decode("%+1", true), "% 1");
    }

    #[test]
    fn a_changed_value_replaces_the_old_one() {
        let query = Query::read("element=73&at=10");
        assert_eq!(query.with(&[("at", "")]), "?element=73");
        assert_eq!(query.with(&[("element", "41")]), "?at=10&element=41");
    }
}
