//! At the end of a term: the checkpoint that ends it, the file that shows the next validators, the next panel.

use std::{collections::BTreeSet, sync::Arc};

use ore_checkpoint::{SignedCheckpoint, TlogProof};
use ore_merkle::{LeafIndex, TreeSize};
use ore_store::{ChangeFile, Store};
use ore_verify::{Handover, Turnover};

use super::Publisher;
use crate::{
    consortium::{Consortium, ConsortiumError},
    gather::Panel,
    ledger::Ledger,
    sequencer::{chain, lock},
    terms::{Term, end_of},
};

/// Where a node stands among the terms of its ledger when it starts.
pub(super) struct TermsSoFar {
    /// The present one.
    pub(super) term: usize,
    /// Its validators.
    pub(super) panel: Panel,
    /// The checkpoints that ended the ones before, as far as they are kept here.
    pub(super) ends: Vec<SignedCheckpoint>,
}

impl TermsSoFar {
    /// From the trust root's validators on, as far as checkpoints were published here or handovers are kept. Whoever
    /// has none of either begins at the trust root and is handed the rest by the others.
    pub(super) fn find(
        ledger: &Ledger,
        store: &Store,
        consortium: &Consortium,
    ) -> Result<Self, ConsortiumError> {
        let terms = ledger.terms.borrow().clone();
        let mut panel = Panel::new(consortium)?;
        let is_root = |term: &Term| {
            Panel::of_set(&ledger.origin, &term.set).is_ok_and(|other| other.has_keys_of(&panel))
        };
        let mut term = terms.iter().position(is_root).unwrap_or(0);
        let published = store.checkpoint().ok().flatten();
        let published = published.and_then(|note| SignedCheckpoint::parse(&note).ok());
        let size = published.map_or(0, |note| note.unverified().size().get());
        let mut ends = Vec::new();
        // Each turn ends a term.
        while let Some(end) = end_of(&ledger.reader, &terms, term) {
            let next = &terms[term + 1];
            let kept = kept_handover(store, next.from_height)
                .filter(|(_, handover)| vouches(&panel, handover.seal.checkpoint(), ledger, end));
            // A backup holds handovers and no checkpoint. The one that ends a term is published once more.
            let ended = end < size || (kept.is_some() && end != size);
            if !ended {
                break;
            }
            term += 1;
            if let Some((bytes, handover)) = kept {
                ends.push(handover.seal.checkpoint().clone());
                show(ledger, next.from_height, bytes);
            }
            panel = Panel::of_set(&ledger.origin, &next.set)?;
        }
        let vouching = terms.get(term).map(|term| term.set.validators.clone()).unwrap_or_default();
        ledger.vouching.send_replace(vouching.into());
        Ok(Self { term, panel, ends })
    }
}

fn kept_handover(store: &Store, from_height: u64) -> Option<(Vec<u8>, Handover)> {
    let bytes = store.kept_change(ChangeFile::Handover, from_height).ok()??;
    let handover = Handover::parse(&bytes).ok()?;
    Some((bytes, handover))
}

/// Whether a quorum of these validators has signed the end of their term, as this log has it.
fn vouches(panel: &Panel, note: &SignedCheckpoint, ledger: &Ledger, end: u64) -> bool {
    let (body, size) = (note.unverified(), TreeSize::new(end));
    let ours = body.size() == size && ledger.reader.root_at(size).as_ref() == Some(body.root());
    ours && panel.verify(note, None).is_ok_and(|lines| panel.is_quorum(&lines))
}

fn show(ledger: &Ledger, from_height: u64, file: Vec<u8>) {
    ledger.handovers.send_modify(|shown| {
        Arc::make_mut(shown).insert(from_height, file.into());
    });
}

impl Publisher {
    /// Members that may speak about checkpoints though they are not of the present term.
    pub(super) fn company(&self) -> BTreeSet<String> {
        let terms = self.ledger.terms.borrow();
        let later = terms.iter().skip(self.together.term() + 1);
        later.flat_map(|term| &term.set.validators).map(|validator| validator.member.clone()).collect()
    }

    /// Ends the present term if what is published reaches its end, and any after it of which the same is true.
    pub(super) fn hand_over_where_due(&self) {
        // Each turn ends a term.
        loop {
            let (terms, term) = (self.ledger.terms.borrow().clone(), self.together.term());
            let published = self.ledger.published.borrow().clone();
            let Some(note) = published.checkpoint else { return };
            let end = end_of(&self.ledger.reader, &terms, term);
            let (Some(end), Some(next)) = (end, terms.get(term + 1)) else { return };
            if published.tree_size != end {
                return;
            }
            if let Err(error) = self.keep_handover(next, (*note).clone(), end) {
                tracing::error!(%error, height = next.from_height, "this node cannot show the new validators to others");
            }
            match Panel::of_set(&self.ledger.origin, &next.set) {
                Ok(panel) => self.together.next_term(panel),
                Err(error) => {
                    tracing::error!(error = %chain(&error), "the new validators' keys make no policy");
                    return;
                }
            }
            self.ledger.vouching.send_replace(next.set.validators.clone().into());
            tracing::info!(
                height = next.from_height,
                size = end,
                validators = next.set.validators.len(),
                "the validators have handed over"
            );
        }
    }

    fn keep_handover(&self, next: &Term, note: SignedCheckpoint, end: u64) -> Result<(), String> {
        let store = lock(&self.store);
        let kept =
            store.kept_change(ChangeFile::Turnover, next.from_height).map_err(|error| chain(&error))?;
        let kept = kept.ok_or("the state in which they were voted in was not kept")?;
        let turnover = Turnover::parse(&kept).map_err(|error| error.to_string())?;
        let (seal, size) = (end - 1, TreeSize::new(end));
        let reader = &self.ledger.reader;
        let entry = reader.entry(seal).map_err(|error| chain(&error))?.ok_or("the seal is not in the log")?;
        let path = reader.prove_inclusion(seal, size).map_err(|error| error.to_string())?;
        let seal = TlogProof::new(LeafIndex::new(seal), path, note, Some(entry.to_vec()));
        let handover = Handover::new(turnover, seal.map_err(|error| error.to_string())?);
        let bytes = handover.to_string().into_bytes();
        store.keep_change(ChangeFile::Handover, next.from_height, &bytes).map_err(|error| chain(&error))?;
        show(&self.ledger, next.from_height, bytes);
        Ok(())
    }
}
