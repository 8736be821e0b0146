//! Suspicion and evidence: a member that vouches for a tree that is not ours.

use ore_checkpoint::{Checkpoint, SignedCheckpoint};
use ore_verify::Evidence;

use super::{Effect, Fault, FaultKind, Gathering, Lines, Log, MAX_ACCUSED};

impl Gathering {
    /// A member vouches for a tree that is not ours: shown at once if it vouched for ours too or a quorum did,
    /// kept until one does otherwise.
    pub(super) fn accuse(
        &mut self,
        member: &str,
        body: &Checkpoint,
        lines: &Lines,
        log: &impl Log,
        effects: &mut Vec<Effect>,
    ) {
        let size = body.size().get();
        if self.accused.len() >= MAX_ACCUSED || !self.accused.insert((member.to_owned(), size)) {
            return;
        }
        let Ok(note) = self.panel.of(member, lines).under(body) else { return };
        if let Some(open) = self.open.get(&size)
            && let Ok(other) = self.panel.of(member, &open.lines).under(&open.checkpoint)
        {
            self.show(FaultKind::TwoRoots, Evidence::TwoRoots { first: other, second: note }, effects);
            return;
        }
        self.suspects.push(note);
        self.hold_to_account(log, effects);
    }

    /// Turns suspicions into evidence as far as the published checkpoint reaches.
    pub(super) fn hold_to_account(&mut self, log: &impl Log, effects: &mut Vec<Effect>) {
        let Some(quorum) = self.published.clone() else { return };
        let reach = quorum.unverified().size();
        let (judged, later): (Vec<_>, Vec<_>) = std::mem::take(&mut self.suspects)
            .into_iter()
            .partition(|note: &SignedCheckpoint| note.unverified().size() <= reach);
        self.suspects = later;
        for note in judged {
            let size = note.unverified().size();
            // Both are there: a published size is one of our own log.
            let (Some(root), Some(proof)) = (log.root_at(size.get()), log.prove_consistency(size, reach))
            else {
                continue;
            };
            let evidence = Evidence::AgainstQuorum { note, quorum: quorum.clone(), root, proof };
            self.show(FaultKind::AgainstQuorum, evidence, effects);
        }
    }

    /// Nothing is called evidence that our own verifier does not accept; it says who is at fault.
    pub(super) fn show(&self, kind: FaultKind, evidence: Evidence, effects: &mut Vec<Effect>) {
        let Ok(proven) = evidence.verify(self.panel.policy()) else { return };
        for member in self.panel.owners(&proven.keys) {
            let evidence = Some(Box::new(evidence.clone()));
            effects.push(Effect::Fault(Fault { member: member.to_owned(), kind, evidence }));
        }
    }
}
