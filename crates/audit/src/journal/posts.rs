//! Leaves by name: words are numbered without gaps, so a name's are found by its number.

use alloc::vec::Vec;

use super::Word;

/// Leaves posted under names, oldest first.
#[derive(Clone, Debug, Default)]
pub(super) struct Posts {
    /// By word, where in `lists` its leaves are, one more.
    of: Vec<u32>,
    lists: Vec<Vec<u32>>,
}

impl Posts {
    /// Posts a leaf under a name, once; under no name nothing.
    pub(super) fn post(&mut self, word: Word, leaf: u32) {
        if word.is_empty() {
            return;
        }
        let at = word.0 as usize;
        if self.of.len() <= at {
            self.of.resize(at + 1, 0);
        }
        if self.of[at] == 0 {
            self.lists.push(Vec::new());
            // Not more than there are words, whose numbers fit.
            self.of[at] = self.lists.len() as u32;
        }
        let leaves = &mut self.lists[self.of[at] as usize - 1];
        if leaves.last() != Some(&leaf) {
            leaves.push(leaf);
        }
    }

    /// What is posted under a name.
    #[inline]
    pub(super) fn under(&self, word: Word) -> &[u32] {
        let at = self.of.get(word.0 as usize).and_then(|at| (*at as usize).checked_sub(1));
        at.and_then(|at| self.lists.get(at)).map_or(&[], Vec::as_slice)
    }
}
