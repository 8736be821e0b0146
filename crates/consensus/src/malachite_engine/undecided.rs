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
}

impl Undecided {
    /// Whether one more block fits.
    pub(crate) fn has_room(&self) -> bool {
        self.blocks.len() < limits::UNDECIDED_BLOCKS
    }

    /// The block and whether it was found valid.
    pub(crate) fn block(&self, id: BlockId) -> Option<(Bytes, bool)> {
        self.blocks.get(&id).cloned()
    }

    pub(crate) fn ours(&self, round: u32) -> Option<BlockId> {
        self.ours.get(&round).copied()
    }

    /// Remembers a block; one that was valid once stays valid.
    pub(crate) fn insert(&mut self, body: &Body, valid: bool, member: &str) {
        let known = self.blocks.entry(body.id).or_insert_with(|| (body.block.clone(), valid));
        if valid && !known.1 {
            *known = (body.block.clone(), true);
        }
        self.proposed.insert((body.round, body.id), (body.proposer.clone(), body.valid_round));
        if &*body.proposer.0 == member && body.valid_round.is_none() {
            self.ours.entry(body.round).or_insert(body.id);
        }
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
