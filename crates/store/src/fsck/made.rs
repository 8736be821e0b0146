//! What is made from the log: flat files, view, graph; each compared with what the replay gives.

use std::sync::Arc;

use ore_custody::RecordIndex;
use ore_provenance::Graph;

use super::{Check, Fsck};
use crate::{
    batch::{Applied, Batch},
    checked::CheckedBlock,
    damage::{Damage, Fault, Place},
    disk::{Access, DiskFile},
    error::StoreError,
    graph_files::{GRAPH_FEED, GraphFiles},
    positions::{BLOCK_ROW_BYTES, BLOCKS, ENTRY_LENGTHS, INDEX_DIR, LEAF_HASHES, RECORD_IDS, expected_bytes},
    replay::Replayed,
    take_up::load_custody,
    view::{PREFIX_AUTHOR, VIEW_DIR, View},
};

pub(super) struct Made {
    /// Blocks first: rows of whole blocks beyond the log mean that the log was rolled back.
    flat: Vec<(&'static str, Option<Arc<dyn DiskFile>>)>,
    ids: Vec<[u8; 32]>,
    view: Option<View>,
    applied: Option<Applied>,
    author_rows: u64,
    graph: Graph,
    graph_blocks: u64,
    graph_trailing: u64,
}

fn fault_of(name: &str) -> Fault {
    match name {
        LEAF_HASHES => Fault::LeafHashes,
        RECORD_IDS => Fault::RecordIds,
        ENTRY_LENGTHS => Fault::EntryLengths,
        _ => Fault::BlockIndex,
    }
}

impl Made {
    pub(super) fn open(fsck: &mut Fsck<'_>) -> Result<Self, StoreError> {
        let disk = &*fsck.options.disk;
        let dir = fsck.dir;
        let flat = [BLOCKS, LEAF_HASHES, RECORD_IDS, ENTRY_LENGTHS]
            .map(|name| (name, disk.open(&dir.join(INDEX_DIR).join(name), Access::Read).ok()));
        let (view, applied) = match dir.join(VIEW_DIR).exists() {
            true => {
                let view = View::open(disk, dir, 64 << 20).map_err(|fault| view_damage(fault.to_string()))?;
                let applied = redo(fsck, &view)?;
                (Some(view), applied)
            }
            false => (None, None),
        };
        let (mut graph, mut graph_blocks, mut graph_trailing) = (Graph::new(), 0, 0);
        if dir.join(INDEX_DIR).join(GRAPH_FEED).exists() {
            let (files, stored) = GraphFiles::open(disk, dir)?;
            (graph, graph_blocks, graph_trailing) = (stored, files.blocks(), files.trailing_bytes());
        }
        let ids = Vec::new();
        Ok(Self {
            flat: flat.into(),
            ids,
            view,
            applied,
            author_rows: 0,
            graph,
            graph_blocks,
            graph_trailing,
        })
    }

    pub(super) fn block(
        &mut self,
        fsck: &mut Fsck<'_>,
        checked: &CheckedBlock,
        replayed: Replayed,
    ) -> Result<(), StoreError> {
        let height = checked.block.height;
        if self.applied.is_some() {
            self.ids.extend(replayed.rows.ids.iter().map(|id| *id.as_bytes()));
        }
        for (name, at, expected) in expected_bytes(&replayed.rows, height) {
            self.compare_rows(fsck, height, replayed.rows.slot.first_leaf, name, at, &expected)?;
        }
        fsck.count(Check::FlatRows, 1);
        if self.applied.is_some_and(|applied| height <= applied.height) {
            self.compare_authors(fsck, height, replayed)?;
        }
        if self.applied.is_some_and(|applied| applied.height == height) {
            self.compare_state(fsck, checked)?;
        }
        if self.graph_blocks == height + 1 {
            self.compare_graph(fsck)?;
        }
        Ok(())
    }

    fn compare_rows(
        &self,
        fsck: &Fsck<'_>,
        height: u64,
        first_leaf: u64,
        name: &'static str,
        at: u64,
        expected: &[u8],
    ) -> Result<(), Damage> {
        let file = self.flat.iter().find(|(other, _)| *other == name).and_then(|(_, file)| file.as_ref());
        let mut found = vec![0; expected.len()];
        let place = Place::in_file(format!("{INDEX_DIR}/{name}"), at).at_height(height);
        let short = file.is_none_or(|file| file.read_at(&mut found, at).is_err());
        if short {
            // Rows are not synced: after a crash the newest may be missing, and the next start makes them again.
            return match fsck.options.after_crash {
                true => Ok(()),
                false => Err(Damage::new(fault_of(name), place, "rows of this block", "the end of the file")),
            };
        }
        match found.iter().zip(expected).position(|(a, b)| a != b) {
            None => Ok(()),
            Some(byte) => {
                let row = match name {
                    BLOCKS => BLOCK_ROW_BYTES,
                    ENTRY_LENGTHS => 2,
                    _ => 32,
                };
                let start = byte / row * row;
                let end = (start + row).min(expected.len());
                let leaf = first_leaf + if name == BLOCKS { 0 } else { (byte / row) as u64 };
                let place = Place { offset: Some(at + byte as u64), ..place }.at_leaf(leaf);
                let hex = crate::replay::hex;
                Err(Damage::new(fault_of(name), place, hex(&expected[start..end]), hex(&found[start..end])))
            }
        }
    }

    fn compare_authors(
        &mut self,
        fsck: &mut Fsck<'_>,
        height: u64,
        replayed: Replayed,
    ) -> Result<(), Damage> {
        let Some(view) = &self.view else { return Ok(()) };
        let (writes, _) = replayed.consequences.into_writes(height);
        for (key, value) in writes.into_iter().filter(|(key, _)| key.first() == Some(&PREFIX_AUTHOR)) {
            let found = view.get(&key).map_err(|fault| view_damage(fault.to_string()))?;
            if found != value {
                let place = Place { file: VIEW_DIR.into(), height: Some(height), ..Place::default() };
                let author = String::from_utf8_lossy(&key[1..key.len() - 9]).into_owned();
                let expected = format!("the records of {author} in this block");
                let found = if found.is_some() { "others" } else { "none" };
                return Err(Damage::new(Fault::View, place, expected, found));
            }
            self.author_rows += 1;
            fsck.count(Check::AuthorRows, 1);
        }
        Ok(())
    }

    /// The stored state must be the replayed one, lot by lot and entry by entry.
    fn compare_state(&mut self, fsck: &mut Fsck<'_>, checked: &CheckedBlock) -> Result<(), Damage> {
        let (Some(view), Some(applied)) = (&self.view, &self.applied) else { return Ok(()) };
        let height = checked.block.height;
        let wrong = |expected: String, found: String| {
            let place = Place { file: VIEW_DIR.into(), height: Some(height), ..Place::default() };
            Err(Damage::new(Fault::View, place, expected, found))
        };
        if applied.block_id != checked.id || applied.tree_size != fsck.replay.frontier.size().get() {
            return wrong(format!("block {}", checked.id), format!("block {}", applied.block_id));
        }
        let records = RecordIndex::from_ids(std::mem::take(&mut self.ids)).map_err(|error| error.to_string());
        let stored = records.and_then(|records| load_custody(view, &fsck.replay.origin, records));
        let mut stored = match stored {
            Ok(stored) => stored,
            Err(why) => return wrong("a state that loads".into(), why),
        };
        let custody = &mut fsck.replay.custody;
        if let Some(n) = custody.first_lot_that_differs(&stored) {
            let lot = custody.lot_by_ordinal(n).map_or_else(|| "no lot".into(), |lot| lot.id().to_owned());
            return wrong(format!("lot {n} as replayed ({lot})"), "another".into());
        }
        if let Some(n) = first_difference(custody.roster().iter(), stored.roster().iter()) {
            return wrong(format!("roster entry {n} as replayed"), "another".into());
        }
        if custody.books() != stored.books() {
            return wrong("offers, proposals and credits as replayed".into(), "others".into());
        }
        if custody.state_root() != stored.state_root() || applied.state_root != stored.state_root() {
            return wrong("the state root of this block".into(), "another".into());
        }
        let entities = (stored.lots().len() + stored.roster().len()) as u64;
        fsck.count(Check::ViewState, entities);
        Ok(())
    }

    fn compare_graph(&self, fsck: &mut Fsck<'_>) -> Result<(), Damage> {
        if fsck.replay.graph.export() != self.graph.export() {
            let place = Place { file: format!("{INDEX_DIR}/{GRAPH_FEED}"), ..Place::default() }
                .at_height(self.graph_blocks - 1);
            return Err(Damage::new(Fault::Graph, place, "the graph as replayed", "another"));
        }
        fsck.count(Check::Graph, u64::from(self.graph.lots()));
        Ok(())
    }

    /// What can only be said at the end of the log: nothing stands for more than there is.
    pub(super) fn finish(&self, fsck: &mut Fsck<'_>) -> Result<(), StoreError> {
        let blocks = fsck.replay.counts.blocks;
        let leaves = fsck.replay.counts.entries;
        for (name, file) in &self.flat {
            let row = match *name {
                BLOCKS => blocks * BLOCK_ROW_BYTES as u64,
                ENTRY_LENGTHS => leaves * 2,
                _ => leaves * 32,
            };
            let size = file.as_ref().and_then(|file| file.size().ok()).unwrap_or(0);
            if size > row {
                let place = Place::in_file(format!("{INDEX_DIR}/{name}"), row);
                let whole = *name == BLOCKS && (size - row) % BLOCK_ROW_BYTES as u64 == 0;
                let fault = if whole { Fault::RolledBack } else { fault_of(name) };
                let expected = format!("{row} bytes, as the log has {blocks} blocks");
                return Err(Damage::new(fault, place, expected, format!("{size} bytes")).into());
            }
        }
        self.finish_view(fsck, blocks)?;
        let graph = |expected: String, found: String| {
            let place = Place { file: format!("{INDEX_DIR}/{GRAPH_FEED}"), ..Place::default() };
            Err(StoreError::from(Damage::new(Fault::Graph, place, expected, found)))
        };
        let applied = self.applied.map_or(0, |applied| applied.height + 1);
        if self.graph_blocks > blocks || self.graph_blocks < applied {
            let found = format!("{}", self.graph_blocks);
            return graph(format!("a graph of {applied} to {blocks} blocks"), found);
        }
        if self.graph_trailing > 0 && !fsck.options.after_crash {
            return graph("whole frames".into(), format!("{} bytes after the last", self.graph_trailing));
        }
        Ok(())
    }

    fn finish_view(&self, fsck: &mut Fsck<'_>, blocks: u64) -> Result<(), StoreError> {
        let Some(view) = &self.view else {
            fsck.left_out.push("view: there is none; the next start makes it");
            return Ok(());
        };
        let applied = self.applied.map_or(0, |applied| applied.height + 1);
        if applied > blocks {
            let place = Place { file: VIEW_DIR.into(), ..Place::default() }.at_height(applied - 1);
            let expected = format!("a log of {applied} blocks, as the view says");
            let damage = Damage::new(Fault::RolledBack, place, expected, format!("{blocks} blocks"));
            return Err(damage.into());
        }
        fsck.view_lag_blocks = blocks - applied;
        let mut authors = 0;
        for row in view.pairs(vec![PREFIX_AUTHOR]) {
            row.map_err(|fault| view_damage(fault.to_string()))?;
            authors += 1;
        }
        // Newer rows may be there after a crash in the middle of a batch; redo has settled that before.
        if authors != self.author_rows {
            let found = format!("{authors} rows by author where {} belong", self.author_rows);
            return Err(view_damage(found).into());
        }
        if let Some(stray) = view.stray().map_err(|fault| view_damage(fault.to_string()))? {
            return Err(
                view_damage(format!("a key that no version wrote: {}", crate::replay::hex(&stray))).into()
            );
        }
        Ok(())
    }
}

fn first_difference<T: PartialEq>(
    mut replayed: impl ExactSizeIterator<Item = T>,
    mut stored: impl ExactSizeIterator<Item = T>,
) -> Option<usize> {
    let (many, others) = (replayed.len(), stored.len());
    let differs = replayed.by_ref().zip(stored.by_ref()).position(|(a, b)| a != b);
    differs.or_else(|| (many != others).then_some(many.min(others)))
}

fn view_damage(found: String) -> Damage {
    let place = Place { file: VIEW_DIR.into(), ..Place::default() };
    Damage::new(Fault::View, place, "the state as replayed", found)
}

/// As a start would: a batch that a crash interrupted is applied once more before the view is believed.
fn redo(fsck: &Fsck<'_>, view: &View) -> Result<Option<Applied>, StoreError> {
    let fail = |fault: crate::view::ViewFault| view_damage(fault.to_string());
    let applied = view.applied().map_err(fail)?;
    let Some(batch) = Batch::read_back(&*fsck.options.disk, fsck.dir)? else { return Ok(applied) };
    let newer = batch.applied.filter(|to| applied.is_none_or(|applied| applied.height <= to.height));
    if newer.is_some() {
        view.apply(&batch).map_err(fail)?;
    }
    Ok(newer.or(applied))
}
