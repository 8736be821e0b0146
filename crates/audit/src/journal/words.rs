//! Names as numbers: each text is kept once.

use alloc::{string::String, vec::Vec};
use core::hash::BuildHasher;

use hashbrown::{DefaultHashBuilder, HashTable};

use super::JournalFull;

/// A text that the journal knows, by number. The empty text is number 0.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Word(pub u32);

impl Word {
    /// The empty text.
    pub const EMPTY: Self = Self(0);

    /// Whether it is the empty text.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }
}

/// Every text once, in order of first appearance.
#[derive(Clone, Debug)]
pub struct Words {
    text: String,
    /// Where each word ends in `text`.
    ends: Vec<u32>,
    table: HashTable<u32>,
    hasher: DefaultHashBuilder,
}

impl Default for Words {
    fn default() -> Self {
        // Word 0 is the empty text, and is never looked up in the table.
        let ends = Vec::from([0]);
        Self { text: String::new(), ends, table: HashTable::new(), hasher: DefaultHashBuilder::default() }
    }
}

impl Words {
    /// The text of a word; empty for one that is not of this journal.
    #[must_use]
    pub fn text(&self, word: Word) -> &str {
        text_of(&self.text, &self.ends, word.0)
    }

    /// The word of a text that was seen.
    #[must_use]
    pub fn find(&self, text: &str) -> Option<Word> {
        if text.is_empty() {
            return Some(Word::EMPTY);
        }
        let hash = self.hasher.hash_one(text);
        let found = self.table.find(hash, |at| text_of(&self.text, &self.ends, *at) == text);
        found.map(|at| Word(*at))
    }

    /// The word of a text, new or known.
    ///
    /// # Errors
    /// [`JournalFull`] beyond 4 GiB of text.
    pub fn of(&mut self, text: &str) -> Result<Word, JournalFull> {
        if let Some(word) = self.find(text) {
            return Ok(word);
        }
        let end = u32::try_from(self.text.len() + text.len()).map_err(|_| JournalFull)?;
        let number = u32::try_from(self.ends.len()).map_err(|_| JournalFull)?;
        self.text.push_str(text);
        self.ends.push(end);
        let Self { text: all, ends, table, hasher } = self;
        let hash = |at: &u32| hasher.hash_one(text_of(all, ends, *at));
        table.insert_unique(hasher.hash_one(text), number, hash);
        Ok(Word(number))
    }

    /// How many there are, the empty one included.
    #[must_use]
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Never: the empty text is always there.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }
}

fn text_of<'a>(text: &'a str, ends: &[u32], at: u32) -> &'a str {
    let at = at as usize;
    let start = at.checked_sub(1).and_then(|before| ends.get(before)).copied().unwrap_or(0);
    let end = ends.get(at).copied().unwrap_or(start);
    text.get(start as usize..end as usize).unwrap_or("")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_has_one_word_and_a_word_has_its_text() {
        let mut words = Words::default();
        let (a, b) = (words.of("mine-a").expect("room"), words.of("").expect("room"));
        assert_eq!((words.of("mine-a"), b), (Ok(a), Word::EMPTY));
        assert_eq!((words.text(a), words.text(b), words.text(Word(9))), ("mine-a", "", ""));
        assert_eq!(words.find("nobody"), None);
    }
}
