//! What stands beside the log: the published checkpoint, the promise, a remembered checkpoint, exported tiles.

use std::{
    fs,
    path::{Path, PathBuf},
};

use ore_checkpoint::{Checkpoint, SignedCheckpoint};
use ore_merkle::{TileResource, tiles};

use super::{Check, Fsck};
use crate::{
    damage::{Damage, Fault, Place},
    error::StoreError,
    promise::{CHECKPOINT_FILE, PROMISE_FILE, Promise, read_small},
    reader::{Readable, Reader},
};

/// The small files, read before the log so that the roots at their sizes are noted on the way.
pub(super) struct Papers {
    checkpoint: Option<SignedCheckpoint>,
    promise: Option<Checkpoint>,
}

impl Papers {
    pub(super) fn read(fsck: &mut Fsck<'_>) -> Result<Self, StoreError> {
        let disk = &*fsck.options.disk;
        let promise = Promise::open(disk, fsck.dir)?.body().cloned();
        let checkpoint = match read_small(disk, &fsck.dir.join(CHECKPOINT_FILE))? {
            None => None,
            Some(bytes) => Some(SignedCheckpoint::parse(&bytes).map_err(|bad| {
                let place = Place::in_file(CHECKPOINT_FILE, 0);
                Damage::new(Fault::Checkpoint, place, "a signed checkpoint", bad.to_string())
            })?),
        };
        let bodies = [
            promise.as_ref(),
            checkpoint.as_ref().map(SignedCheckpoint::unverified),
            fsck.options.remembered.as_ref(),
        ];
        for body in bodies.into_iter().flatten() {
            fsck.replay.watched.insert(body.size().get(), None);
        }
        Ok(Self { checkpoint, promise })
    }

    pub(super) fn check(&self, fsck: &mut Fsck<'_>) -> Result<(), StoreError> {
        if let Some(body) = &self.promise {
            check_body(fsck, Fault::Promise, PROMISE_FILE, body)?;
            fsck.count(Check::Promise, 1);
        }
        if let Some(signed) = &self.checkpoint {
            let body = signed.unverified();
            check_body(fsck, Fault::Checkpoint, CHECKPOINT_FILE, body)?;
            check_signatures(fsck, signed)?;
            fsck.count(Check::Checkpoint, 1);
            let promised = self.promise.as_ref().map_or(0, |promise| promise.size().get());
            if fsck.options.signs && promised < body.size().get() {
                let expected = format!("a promise of at least {} entries, as was published", body.size());
                let found = match promised {
                    0 => "none".to_owned(),
                    size => format!("one of {size}"),
                };
                let place = Place::in_file(PROMISE_FILE, 0);
                return Err(Damage::new(Fault::Promise, place, expected, found).into());
            }
        }
        self.check_remembered(fsck)
    }

    fn check_remembered(&self, fsck: &mut Fsck<'_>) -> Result<(), StoreError> {
        let Some(body) = &fsck.options.remembered else { return Ok(()) };
        check_body(fsck, Fault::Remembered, "", body)?;
        let published = self.checkpoint.as_ref().map_or(0, |signed| signed.unverified().size().get());
        if published < body.size().get() {
            let place = Place::in_file(CHECKPOINT_FILE, 0);
            let expected = format!("one of at least {} entries, as is remembered", body.size());
            return Err(Damage::new(Fault::Checkpoint, place, expected, format!("one of {published}")).into());
        }
        fsck.count(Check::Remembered, 1);
        Ok(())
    }
}

fn check_signatures(fsck: &mut Fsck<'_>, signed: &SignedCheckpoint) -> Result<(), StoreError> {
    let Some(policy) = fsck.options.policy else {
        fsck.left_out.push("signatures of the published checkpoint: no policy was given");
        return Ok(());
    };
    match policy.check(signed) {
        Ok(_) => Ok(()),
        Err(why) => {
            let place = Place::in_file(CHECKPOINT_FILE, 0);
            let expected = "the signatures that the policy asks for";
            Err(Damage::new(Fault::Checkpoint, place, expected, why.to_string()).into())
        }
    }
}

/// A body must be about this log and give its root at that size.
fn check_body(fsck: &Fsck<'_>, fault: Fault, file: &str, body: &Checkpoint) -> Result<(), Damage> {
    let place = Place { file: file.to_owned(), ..Place::default() };
    if body.origin() != fsck.replay.origin {
        let expected = format!("origin {}", fsck.replay.origin);
        return Err(Damage::new(fault, place, expected, body.origin().to_owned()));
    }
    let (size, root) = fsck.replay.tree();
    if body.size().get() > size {
        let expected = format!("a log of at least {} entries, as the {} says", body.size(), fault.name());
        let place =
            Place { height: fsck.replay.header.as_ref().map(|h| h.height), leaf: Some(size), ..place };
        return Err(Damage::new(Fault::RolledBack, place, expected, format!("{size} entries")));
    }
    let watched = fsck.replay.watched.get(&body.size().get()).copied().flatten();
    let root = watched.unwrap_or(if body.size().get() == 0 { ore_merkle::empty_root() } else { root });
    if root != *body.root() {
        let expected = format!("root {root} at {} entries", body.size());
        return Err(Damage::new(fault, place, expected, format!("root {}", body.root())));
    }
    Ok(())
}

/// Compares each exported file with what the log gives.
pub(super) fn check_tiles(fsck: &mut Fsck<'_>) -> Result<(), StoreError> {
    let (Some(root), Some(tree)) = (fsck.options.tiles.clone(), fsck.tree.take()) else { return Ok(()) };
    let readable = Readable {
        positions: std::mem::take(&mut fsck.replay.positions),
        tree,
        header: None,
        block_id: fsck.replay.block_id,
    };
    let reader = Reader(std::sync::Arc::new(std::sync::RwLock::new(readable)));
    let mut folders = vec![root.join("tile")];
    while let Some(folder) = folders.pop() {
        for path in sorted(&folder)? {
            if path.is_dir() {
                folders.push(path);
            } else {
                check_tile(&reader, &root, &path)?;
                fsck.count(Check::Tiles, 1);
            }
        }
    }
    Ok(())
}

fn sorted(folder: &Path) -> Result<Vec<PathBuf>, StoreError> {
    let fail = |e| StoreError::io("list", folder, e);
    let mut paths = Vec::new();
    for entry in fs::read_dir(folder).map_err(fail)? {
        paths.push(entry.map_err(fail)?.path());
    }
    paths.sort();
    Ok(paths)
}

fn check_tile(reader: &Reader, root: &Path, path: &Path) -> Result<(), StoreError> {
    let name = path.strip_prefix(root).unwrap_or(path).to_string_lossy().into_owned();
    let wrong = |expected: &str, found: &str, at: u64| {
        StoreError::from(Damage::new(Fault::Tile, Place::in_file(&name, at), expected, found))
    };
    let resource: TileResource = name.parse().map_err(|_| wrong("the name of a tile", "another name", 0))?;
    let expected = match resource {
        TileResource::Tile(tile) => reader.tile(tile),
        TileResource::Entries(bundle) => reader.bundle(bundle)?.map(|bytes| bytes.to_vec()),
    };
    let expected = expected.ok_or_else(|| wrong("nothing: the log has no such tile yet", "a file", 0))?;
    debug_assert!(expected.len() <= tiles::MAX_BUNDLE_BYTES, "a bundle is bounded");
    let found = fs::read(path).map_err(|e| StoreError::io("read", path, e))?;
    if found == expected {
        return Ok(());
    }
    let at = found.iter().zip(&expected).take_while(|(a, b)| a == b).count() as u64;
    let (expected, found) =
        (format!("{} bytes of the log", expected.len()), format!("{} others", found.len()));
    Err(wrong(&expected, &found, at))
}
