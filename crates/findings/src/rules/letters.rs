//! Two letters of a country as text.

use core::{fmt, ops::Deref};

/// Two letters of a country as text, without a place on the heap.
pub(crate) struct Letters {
    text: [u8; 4],
    length: usize,
}

/// The letters of a country.
pub(crate) fn letters(country: [u8; 2]) -> Letters {
    let mut letters = Letters { text: [0; 4], length: 0 };
    for letter in country {
        letters.length += char::from(letter).encode_utf8(&mut letters.text[letters.length..]).len();
    }
    letters
}

impl Deref for Letters {
    type Target = str;

    fn deref(&self) -> &str {
        core::str::from_utf8(&self.text[..self.length]).unwrap_or_default()
    }
}

impl fmt::Display for Letters {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self)
    }
}
