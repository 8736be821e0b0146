//! The log as a folder of C2SP tlog-tiles: checkpoint, tiles, entries and policy, for tools nobody here wrote.
//!
//! Full tiles never change: one that is there already is compared, not written. The checkpoint comes last,
//! when all entries together hash to its root; so what a tool reads under it is whole at every moment.

use std::path::{Path, PathBuf};

use ore_checkpoint::SignedCheckpoint;
use ore_merkle::{
    BundleId, NodeHash, TileId, TileResource, hash_children, hash_leaf,
    tiles::{print_tile, push_entry},
};

use crate::{
    context::Context,
    failure::{Failure, Outcome},
    output::{self, thousands},
    post::engine::failure,
};

/// Hashes in a full tile, and entries in a full bundle.
const WIDTH: usize = 256;

pub(crate) async fn run(context: &Context, folder: &Path) -> Outcome {
    let ledger = context.connect().await?;
    let mut writer = Writer::new(folder);
    let mut trouble = None;
    let signed = ledger
        .whole_log(|_, entry| {
            if trouble.is_none() {
                trouble = writer.entry(entry).err();
            }
        })
        .await
        .map_err(failure)?;
    if let Some(trouble) = trouble {
        return Err(trouble);
    }
    writer.partial()?;
    finish(folder, &context.trust_file(), &signed)?;
    output::note("verified: all entries together hash to the cosigned root");
    output::data(&format!(
        "{} entries, {} files new, {} there before, in {}\n",
        thousands(signed.unverified().size().get()),
        thousands(writer.written),
        thousands(writer.kept),
        folder.display()
    ))
}

/// Checkpoint and policy, after everything that they speak of.
fn finish(folder: &Path, trust: &Path, signed: &SignedCheckpoint) -> Result<(), Failure> {
    let text = std::fs::read_to_string(trust).map_err(|e| Failure::file("read", trust, &e))?;
    replace(&folder.join("consortium.toml"), text.as_bytes())?;
    replace(&folder.join("policy"), policy(&text).as_bytes())?;
    replace(&folder.join("checkpoint"), signed.note().to_string().as_bytes())
}

/// The C2SP policy inside a trust root: the text between the marks of its `policy` entry.
fn policy(trust: &str) -> String {
    let lines = trust.lines().skip_while(|line| !line.starts_with("policy"));
    let inside = lines.skip(1).take_while(|line| !line.starts_with("\"\"\"") && !line.starts_with("'''"));
    inside.fold(String::new(), |text, line| text + line + "\n")
}

struct Writer {
    folder: PathBuf,
    /// Hashes of the unfinished tile of each level, and how many tiles are finished there.
    levels: Vec<(Vec<NodeHash>, u64)>,
    bundle: Vec<u8>,
    in_bundle: u16,
    bundles: u64,
    written: u64,
    kept: u64,
}

impl Writer {
    fn new(folder: &Path) -> Self {
        Self {
            folder: folder.to_owned(),
            levels: Vec::new(),
            bundle: Vec::new(),
            in_bundle: 0,
            bundles: 0,
            written: 0,
            kept: 0,
        }
    }

    fn entry(&mut self, entry: &[u8]) -> Result<(), Failure> {
        let odd = |error: &dyn std::fmt::Display| {
            Failure::verification(format_args!("an entry: {error}"), "run `oreledger fsck` on the node")
        };
        push_entry(&mut self.bundle, entry).map_err(|error| odd(&error))?;
        self.in_bundle += 1;
        if usize::from(self.in_bundle) == WIDTH {
            self.end_bundle()?;
        }
        self.hash(0, hash_leaf(entry).into())
    }

    fn end_bundle(&mut self) -> Result<(), Failure> {
        let id = BundleId::new(self.bundles, self.in_bundle).map_err(|error| internal(&error))?;
        let bytes = std::mem::take(&mut self.bundle);
        self.file(TileResource::Entries(id), &bytes, id.is_full())?;
        self.bundles += u64::from(id.is_full());
        self.in_bundle = 0;
        Ok(())
    }

    /// Adds a hash to a level; a full tile is written, and its root goes one level up.
    fn hash(&mut self, level: usize, hash: NodeHash) -> Result<(), Failure> {
        if self.levels.len() == level {
            self.levels.push((Vec::with_capacity(WIDTH), 0));
        }
        self.levels[level].0.push(hash);
        if self.levels[level].0.len() < WIDTH {
            return Ok(());
        }
        let index = self.levels[level].1;
        self.levels[level].1 += 1;
        let mut hashes = std::mem::take(&mut self.levels[level].0);
        self.tile(level, index, &hashes)?;
        while hashes.len() > 1 {
            hashes = hashes.chunks_exact(2).map(|pair| hash_children(&pair[0], &pair[1])).collect();
        }
        self.hash(level + 1, hashes[0])
    }

    fn tile(&mut self, level: usize, index: u64, hashes: &[NodeHash]) -> Result<(), Failure> {
        let level = u8::try_from(level).map_err(|error| internal(&error))?;
        let width = u16::try_from(hashes.len()).map_err(|error| internal(&error))?;
        let id = TileId::new(level, index, width).map_err(|error| internal(&error))?;
        self.file(TileResource::Tile(id), &print_tile(hashes), id.is_full())
    }

    /// What is not full yet.
    fn partial(&mut self) -> Result<(), Failure> {
        if self.in_bundle > 0 {
            self.end_bundle()?;
        }
        for level in 0..self.levels.len() {
            let (hashes, index) = self.levels[level].clone();
            if !hashes.is_empty() {
                self.tile(level, index, &hashes)?;
            }
        }
        Ok(())
    }

    fn file(&mut self, resource: TileResource, bytes: &[u8], full: bool) -> Result<(), Failure> {
        let path = self.folder.join(resource.to_string());
        match std::fs::read(&path) {
            Ok(old) if old == bytes => {
                self.kept += 1;
                return Ok(());
            }
            Ok(_) if full => {
                return Err(Failure::verification(
                    format_args!("{} is another tile than the node shows now", path.display()),
                    "the log has two histories: keep the folder, and compare checkpoints with other members",
                ));
            }
            _ => {}
        }
        self.written += 1;
        replace(&path, bytes)
    }
}

fn internal(error: &dyn std::fmt::Display) -> Failure {
    Failure::verification(format_args!("a tile: {error}"), "the log is larger than tiles can be")
}

/// Writes a file whole or not at all.
fn replace(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).map_err(|e| Failure::file("create", folder, &e))?;
    }
    let mut part = path.as_os_str().to_owned();
    part.push(".new");
    let part = PathBuf::from(part);
    let written = std::fs::write(&part, bytes).and_then(|()| std::fs::rename(&part, path));
    written.map_err(|e| Failure::file("write", path, &e))
}

#[cfg(test)]
mod tests {
    use super::policy;

    #[test]
    fn the_policy_is_what_stands_between_the_marks() {
        let trust =
            "# a tlog-policy:\norigin = \"x\"\n\npolicy = \"\"\"\nlog a\nquorum b\n\"\"\"\n[[validator]]\n";
        assert_eq!(policy(trust), "log a\nquorum b\n");
    }
}
