//! What is known by name: words are numbered without gaps, so a name is found by its number, without a hash.
//!
//! A question asks about a few names among millions, some of them the newest: only the pages of numbers that were
//! asked about take room.

use alloc::{boxed::Box, vec::Vec};

use ore_audit::Word;

/// Numbers on a page.
const PAGE: usize = 1 << 10;

/// One thing for each word that was asked about.
#[derive(Debug)]
pub(crate) struct ByWord<T> {
    /// By word: where in `known` it is, one more.
    pages: Vec<Option<Box<[u32; PAGE]>>>,
    known: Vec<T>,
}

impl<T> Default for ByWord<T> {
    fn default() -> Self {
        Self { pages: Vec::new(), known: Vec::new() }
    }
}

impl<T> ByWord<T> {
    /// What is known of a word, found out the first time.
    #[inline]
    pub(crate) fn get_or(&mut self, word: Word, find_out: impl FnOnce() -> T) -> &mut T {
        let number = word.0 as usize;
        let page = self.pages.get(number / PAGE).and_then(Option::as_ref);
        let place = match page.map_or(0, |page| page[number % PAGE]) {
            0 => self.put(number, find_out()),
            at => at as usize - 1,
        };
        &mut self.known[place]
    }

    #[cold]
    fn put(&mut self, number: usize, known: T) -> usize {
        if self.pages.len() <= number / PAGE {
            self.pages.resize_with(number / PAGE + 1, || None);
        }
        let page = self.pages[number / PAGE].get_or_insert_with(|| Box::new([0; PAGE]));
        self.known.push(known);
        // Not more than there are words, whose numbers fit.
        page[number % PAGE] = self.known.len() as u32;
        self.known.len() - 1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_is_asked_about_once_and_keeps_its_own() {
        let mut asked = 0;
        let mut lengths = ByWord::default();
        for word in [7, 0, 7, 9_000_000, 1_024, 0, 7, 9_000_000] {
            let known = *lengths.get_or(Word(word), || {
                asked += 1;
                word * 2
            });
            assert_eq!(known, word * 2);
        }
        assert_eq!(asked, 4);
        let pages = lengths.pages.iter().filter(|page| page.is_some()).count();
        assert_eq!((pages, lengths.pages.len()), (3, 9_000_000 / PAGE + 1), "three pages for four words");
    }
}
