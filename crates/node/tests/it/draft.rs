//! Blocks that are applied to the state and taken back.

use ore_custody::Custody;
use ore_merkle::{NodeHash, RootHash};
use ore_node::{
    block,
    draft::{self, Draft, Scrutiny, Sealed, Tip},
    genesis::MAX_GENESIS_BYTES,
    sequencer::now_ms,
};
use ore_provenance::Graph;
use ore_record::SignedRecord;

use crate::world::{ORIGIN, World, commission};

fn no_log(_: u64) -> Option<SignedRecord> {
    None
}

/// A state with its graph, and what the next block follows.
struct Stand {
    custody: Custody,
    graph: Graph,
    tip: Tip,
}

impl Stand {
    fn founded() -> Self {
        let world = World::new();
        let bytes = std::fs::read(world.dir.path().join("genesis.block")).expect("written by install");
        let parts = block::decode(&bytes.into(), MAX_GENESIS_BYTES).expect("a block");
        let (mut custody, mut graph, tip) = (Custody::new(ORIGIN), Graph::new(), Tip::nothing());
        let scrutiny = Scrutiny::default();
        let sealed = draft::apply(&parts, &tip, ORIGIN, &mut custody, &mut graph, &no_log, scrutiny);
        let tip = sealed.expect("it stands").tip();
        Self { custody, graph, tip }
    }

    fn block_of(&mut self, records: &[SignedRecord]) -> Sealed {
        let mut draft = Draft::begin(&self.tip, &self.graph, now_ms());
        for record in records {
            let (verified, entry) = (record.clone().verify().expect("signed"), record.entry().into());
            draft.add(&mut self.custody, &mut self.graph, &no_log, &verified, entry).expect("let in");
        }
        draft.seal(&mut self.custody, &self.tip, ORIGIN, "mine")
    }

    /// What proofs of the first lots are made of.
    fn proven(&self) -> (Option<RootHash>, Vec<Option<NodeHash>>) {
        let leaves = (0..8).map(|leaf| self.custody.head_node(0, leaf)).collect();
        (self.custody.hashed_head_root(), leaves)
    }
}

#[test]
fn what_stands_is_proven_while_a_block_that_nobody_decided_is_taken_back() {
    let mut stand = Stand::founded();
    stand.tip = stand.block_of(&[commission(0, 1_000), commission(1, 1_000)]).tip();
    let before = stand.proven();
    assert_eq!(before.1.iter().flatten().count(), 2, "both lots have a leaf");

    stand.block_of(&[commission(2, 1_000)]).undo(&mut stand.custody, &mut stand.graph);
    assert_eq!(stand.proven(), before);
    let (_, on_its_way) = stand.block_of(&[commission(2, 1_000)]).into_committed(Vec::new().into());
    on_its_way.undo(&mut stand.custody, &mut stand.graph);
    assert_eq!(stand.proven(), before, "the disk was full");
}
