//! Members that hold logs of one size hold one log: the same tree root, state root and block.

use std::collections::BTreeMap;

use ore_merkle::{Levels, hash_leaf};
use ore_record::v1::BlockHeader;
use prost::Message;

use crate::story::Report;

pub(crate) fn holds(report: &Report) -> Result<(), String> {
    let mut by_size: BTreeMap<u64, (Vec<u8>, Vec<u8>, &str)> = BTreeMap::new();
    let mut by_height: BTreeMap<u64, ([u8; 32], &str)> = BTreeMap::new();
    for holding in &report.honest {
        let member = holding.member.as_str();
        let mut tree = Levels::new();
        for block in &holding.blocks {
            let header = BlockHeader::decode(&block.header[..]).map_err(|error| error.to_string())?;
            tree.extend(block.entries.iter().map(|entry| hash_leaf(entry)));
            if tree.root().as_bytes() != &header.tree_root[..] || tree.size().get() != header.tree_size {
                return Err(format!("{member}: the entries of height {} give another root", header.height));
            }
            let ours = (header.tree_root, header.state_root, member);
            let first = by_size.entry(header.tree_size).or_insert_with(|| ours.clone());
            if (&first.0, &first.1) != (&ours.0, &ours.1) {
                return Err(format!("{member} and {} disagree at size {}", first.2, header.tree_size));
            }
        }
    }
    // Also what a former life made durable, and what a dishonest member did: it too stores what is certified.
    let honest = report.honest.iter().map(|holding| (holding.member.as_str(), &holding.journal));
    for (member, journal) in honest.chain(report.liars.iter().map(|journal| ("the liar", journal))) {
        for (height, id) in &journal.committed {
            let first = by_height.entry(*height).or_insert((*id, member));
            if first.0 != *id {
                return Err(format!("{member} and {} stored different blocks at height {height}", first.1));
            }
        }
    }
    Ok(())
}
