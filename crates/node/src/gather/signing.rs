//! Which sizes this node signs: how sizes coincide is told in the parent.

use std::collections::BTreeSet;

use ore_checkpoint::SignedCheckpoint;

use super::{Effect, Gathering, Log, Message};

impl Gathering {
    /// The sizes to sign now, in ascending order, at most three. `at_rest`: no block has come for a while.
    #[must_use]
    pub fn to_sign(&self, log: &impl Log, at_rest: bool) -> Vec<u64> {
        if self.waits_for(log).is_some() {
            return Vec::new();
        }
        let durable = log.size();
        let mut sizes: BTreeSet<u64> = self.wanted_now(log).into_iter().collect();
        sizes.extend(at_rest.then_some(durable));
        sizes.extend(log.end());
        // Nobody else's signature is needed: every size will do.
        sizes.extend((self.panel.members().len() == 1).then_some(durable));
        sizes.extend(self.roundest(log));
        sizes.retain(|size| self.may_sign(*size));
        sizes.into_iter().collect()
    }

    /// The largest size that another validator has signed and this node has not, though it could.
    #[must_use]
    pub fn wanted_now(&self, log: &impl Log) -> Option<u64> {
        let can = self.waits_for(log).is_none();
        self.wanted.range(..=log.size()).next_back().copied().filter(|size| can && self.may_sign(*size))
    }

    fn may_sign(&self, size: u64) -> bool {
        let least = self.promised.max(self.floor).max(self.published_size());
        size >= least && !self.open.get(&size).is_some_and(|open| open.ours)
    }

    /// End of the roundest block after the promised size.
    fn roundest(&self, log: &impl Log) -> Option<u64> {
        let before = log.block_ending_at(self.promised).unwrap_or_default();
        let mut height = log.block_ending_at(log.size())?;
        if self.promised > 0 && height <= before {
            return None;
        }
        // Each turn clears the lowest bit that is set: at most 64.
        while height & height.saturating_sub(1) > before {
            height &= height - 1;
        }
        log.end_of_block(height)
    }

    /// This node has signed: the lines go to everybody.
    pub fn signed(&mut self, lines: &SignedCheckpoint, log: &impl Log) -> Vec<Effect> {
        let checkpoint = lines.unverified();
        let size = checkpoint.size().get();
        self.promised = self.promised.max(size);
        self.wanted = self.wanted.split_off(&(size + 1));
        let mut effects = vec![Effect::Send(None, Message::Note(lines.clone()))];
        if let Ok(verified) = self.panel.verify(lines, None) {
            let me = self.me.clone();
            self.remember(&me, checkpoint, &verified);
            self.open_at(size, checkpoint).ours = true;
            self.add(size, checkpoint, &verified, log, &mut effects);
        }
        effects
    }
}
