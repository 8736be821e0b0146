//! What is known by name: words are numbered without gaps, so a name is found by its number, without a hash.

use alloc::vec::Vec;

use ore_audit::Word;

/// One thing for each word that was asked about.
#[derive(Debug)]
pub(crate) struct ByWord<T> {
    /// Where in `known` it is, one more; by word.
    at: Vec<u32>,
    known: Vec<T>,
}

impl<T> Default for ByWord<T> {
    fn default() -> Self {
        Self { at: Vec::new(), known: Vec::new() }
    }
}

impl<T> ByWord<T> {
    /// What is known of a word, found out the first time.
    #[inline]
    pub(crate) fn get_or(&mut self, word: Word, find_out: impl FnOnce() -> T) -> &mut T {
        let place = match self.at.get(word.0 as usize) {
            Some(at) if *at != 0 => *at as usize - 1,
            _ => self.put(word, find_out()),
        };
        &mut self.known[place]
    }

    #[cold]
    fn put(&mut self, word: Word, known: T) -> usize {
        let number = word.0 as usize;
        if self.at.len() <= number {
            self.at.resize(number + 1, 0);
        }
        self.known.push(known);
        // Not more than there are words, whose numbers fit.
        self.at[number] = self.known.len() as u32;
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
        for word in [7, 0, 7, 900, 0, 7] {
            let known = *lengths.get_or(Word(word), || {
                asked += 1;
                word * 2
            });
            assert_eq!(known, word * 2);
        }
        assert_eq!(asked, 3);
    }
}
