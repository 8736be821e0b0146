//! Blocks of the height in progress that somebody wants decided.

use std::collections::BTreeMap;

use bytes::Bytes;
use malachite::app::types::ProposedValue;
use malachite::app::types::core::{Round, Validity};

use super::vocabulary::{Address, BlockId, Body, Height, Ledger};
use crate::limits;

/// What is known at one height.
#[derive(Debug, Default)]
pub(crate) struct Undecided {
    blocks: BTreeMap<BlockId, (Bytes, bool)>,
    /// Who proposed what in which round, and the earlier round it was valid in.
    proposed: BTreeMap<(u32, BlockId), (Address, Option<u32>)>,
    /// What this member proposed in which round: asked again, the answer is the same.
    ours: BTreeMap<u32, BlockId>,
    /// How many bodies came in which round.
    taken: BTreeMap<u32, usize>,
}

impl Undecided {
    /// Whether one more body fits. Honest proposers send one per round.
    pub(crate) fn has_room(&self, round: u32) -> bool {
        self.taken.get(&round).is_none_or(|taken| *taken < limits::BODIES_PER_ROUND)
            && self.taken.values().sum::<usize>() < limits::UNDECIDED_BLOCKS
    }

    /// The verdict on a body, if it was given. The same id with other bytes is another body, unless one of
    /// that id is already known to be valid.
    pub(crate) fn verdict(&self, body: &Body) -> Option<bool> {
        let (block, valid) = self.blocks.get(&body.id)?;
        if *valid { Some(true) } else { (*block == body.block).then_some(false) }
    }

    /// The block and whether it was found valid.
    pub(crate) fn block(&self, id: BlockId) -> Option<(Bytes, bool)> {
        self.blocks.get(&id).cloned()
    }

    pub(crate) fn ours(&self, round: u32) -> Option<BlockId> {
        self.ours.get(&round).copied()
    }

    /// Remembers a body and its verdict; an id that was valid once stays valid.
    pub(crate) fn insert(&mut self, body: &Body, valid: bool, member: &str) {
        if self.verdict(body).is_none() {
            *self.taken.entry(body.round).or_default() += 1;
        }
        let known = self.blocks.entry(body.id).or_insert_with(|| (body.block.clone(), valid));
        if valid && !known.1 {
            *known = (body.block.clone(), true);
        }
        self.proposed.insert((body.round, body.id), (body.proposer.clone(), body.valid_round));
        if &*body.proposer.0 == member && body.valid_round.is_none() {
            self.ours.entry(body.round).or_insert(body.id);
        }
    }

    /// A body that is not remembered takes its room all the same.
    pub(crate) fn turn_away(&mut self, round: u32) {
        *self.taken.entry(round).or_default() += 1;
    }

    /// Everything proposed in `round`, as the engine wants it.
    pub(crate) fn in_round(&self, height: Height, round: u32) -> Vec<ProposedValue<Ledger>> {
        self.proposed
            .keys()
            .filter(|(r, _)| *r == round)
            .filter_map(|(_, id)| self.as_proposed(height, round, *id))
            .collect()
    }

    pub(crate) fn as_proposed(
        &self,
        height: Height,
        round: u32,
        id: BlockId,
    ) -> Option<ProposedValue<Ledger>> {
        let (proposer, valid_round) = self.proposed.get(&(round, id))?;
        let (_, valid) = self.blocks.get(&id)?;
        Some(ProposedValue {
            height,
            round: Round::new(round),
            valid_round: Round::from(*valid_round),
            proposer: proposer.clone(),
            value: id,
            validity: Validity::from_bool(*valid),
        })
    }
}

/// Bodies for a height that has not begun here, because a peer is a little faster. One per proposer and
/// round, so that no member can push out another's.
#[derive(Debug, Default)]
pub(crate) struct Early {
    bodies: BTreeMap<(Height, u32, Address), Body>,
}

impl Early {
    /// Keeps a body if there is room, the nearest heights first.
    pub(crate) fn insert(&mut self, body: Body) {
        self.bodies.insert((body.height, body.round, body.proposer.clone()), body);
        if self.bodies.len() > limits::EARLY_BODIES {
            self.bodies.pop_last();
        }
    }

    /// Takes what belongs to this height and forgets what is older.
    pub(crate) fn take(&mut self, height: Height) -> Vec<Body> {
        let mut taken = Vec::new();
        self.bodies.retain(|(at, _, _), body| {
            if *at == height {
                taken.push(body.clone());
            }
            *at > height
        });
        taken
    }
}

#[cfg(test)]
mod tests {
    use super::{Early, Undecided};
    use crate::limits;
    use crate::malachite_engine::vocabulary::{Address, BlockId, Body, Height, Signature};

    fn body(height: u64, round: u32, proposer: &str, block: &'static str) -> Body {
        Body {
            height: Height(height),
            round,
            valid_round: None,
            proposer: Address::new(proposer),
            id: BlockId([7; 32]),
            block: block.into(),
            signature: Signature([0; 64]),
        }
    }

    #[test]
    fn a_false_body_does_not_stand_in_the_way_of_the_true_one() {
        let mut undecided = Undecided::default();
        undecided.insert(&body(1, 0, "mine", "false"), false, "smelter");
        assert_eq!(undecided.verdict(&body(1, 0, "mine", "false")), Some(false));
        let true_one = body(1, 1, "mine", "true");
        assert_eq!(undecided.verdict(&true_one), None);
        undecided.insert(&true_one, true, "smelter");
        assert_eq!(undecided.block(BlockId([7; 32])), Some(("true".into(), true)));
        undecided.insert(&body(1, 2, "mine", "false"), false, "smelter");
        assert_eq!(undecided.block(BlockId([7; 32])), Some(("true".into(), true)));
    }

    #[test]
    fn one_proposer_cannot_fill_a_height() {
        let mut undecided = Undecided::default();
        for n in 0..limits::BODIES_PER_ROUND as u8 {
            assert!(undecided.has_room(3));
            undecided.insert(&Body { id: BlockId([n; 32]), ..body(1, 3, "mine", "") }, false, "");
        }
        assert!(!undecided.has_room(3));
        assert!(undecided.has_room(4));
    }

    #[test]
    fn our_own_block_of_a_round_is_remembered_and_nobody_elses() {
        let mut undecided = Undecided::default();
        undecided.insert(&body(1, 0, "mine", "a"), true, "smelter");
        assert_eq!(undecided.ours(0), None);
        undecided.insert(&body(1, 1, "smelter", "a"), true, "smelter");
        assert_eq!(undecided.ours(1), Some(BlockId([7; 32])));
    }

    #[test]
    fn early_bodies_are_few_and_leave_with_their_height() {
        let mut early = Early::default();
        for round in 0..20 {
            early.insert(body(5, round, "mine", ""));
        }
        early.insert(body(4, 0, "buyer", ""));
        assert_eq!(early.take(Height(4)).len(), 1);
        assert_eq!(early.take(Height(5)).len(), limits::EARLY_BODIES - 1);
        assert_eq!(early.take(Height(5)).len(), 0);
    }
}
