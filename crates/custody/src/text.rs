//! Short text that lies where it is kept: ten million ids are not ten million allocations.

use alloc::boxed::Box;
use core::fmt;

/// Longest text that needs no allocation, in bytes.
const INLINE: usize = 22;

#[derive(Clone)]
enum Form {
    Inline { length: u8, bytes: [u8; INLINE] },
    Boxed(Box<str>),
}

/// Text of any length in 24 bytes, of which up to 22 hold the text itself.
#[derive(Clone)]
pub struct Text(Form);

const _: () = assert!(size_of::<Text>() == 24);

impl Text {
    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match &self.0 {
            // It was made of a str, so this never falls back.
            Form::Inline { .. } => core::str::from_utf8(self.as_bytes()).unwrap_or_default(),
            Form::Boxed(text) => text,
        }
    }

    /// Its bytes; cheaper than the text.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        match &self.0 {
            Form::Inline { length, bytes } => &bytes[..usize::from(*length)],
            Form::Boxed(text) => text.as_bytes(),
        }
    }

    /// Two texts, one after the other.
    #[must_use]
    pub fn of_parts(first: &str, second: &str) -> Self {
        let length = first.len() + second.len();
        if length > INLINE {
            return Self(Form::Boxed([first, second].concat().into()));
        }
        let mut bytes = [0; INLINE];
        bytes[..first.len()].copy_from_slice(first.as_bytes());
        bytes[first.len()..length].copy_from_slice(second.as_bytes());
        Self(Form::Inline { length: length as u8, bytes })
    }
}

impl From<&str> for Text {
    fn from(text: &str) -> Self {
        Self::of_parts(text, "")
    }
}

impl core::ops::Deref for Text {
    type Target = str;

    fn deref(&self) -> &str {
        self.as_str()
    }
}

impl fmt::Display for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self)
    }
}

impl AsRef<[u8]> for Text {
    fn as_ref(&self) -> &[u8] {
        self.as_bytes()
    }
}

impl PartialEq for Text {
    fn eq(&self, other: &Self) -> bool {
        self.as_bytes() == other.as_bytes()
    }
}

impl Eq for Text {}

impl fmt::Debug for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_str(), f)
    }
}

#[cfg(test)]
mod tests {
    use alloc::string::String;

    use super::{INLINE, Text};

    #[test]
    fn text_of_any_length_comes_back_and_is_equal_to_itself_only() {
        for length in 0..3 * INLINE {
            let said: String = "é123456789".chars().cycle().take(length).collect();
            let text = Text::from(said.as_str());
            assert_eq!((text.as_str(), text.as_bytes()), (said.as_str(), said.as_bytes()));
            assert_eq!(text, text.clone());
            assert_ne!(text, Text::from(alloc::format!("{said}x").as_str()));
            let (first, second) = said.split_at(said.floor_char_boundary(length / 3));
            assert_eq!(Text::of_parts(first, second), text);
        }
    }
}
