//! Tampering: for every kind of stored byte, fsck names what is wrong. Nothing passes.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use bytes::Bytes;
use ed25519_dalek::Signer as _;
use ore_checkpoint::{Checkpoint, KeyName, NoteSigner, Policy, SignedCheckpoint};
use ore_merkle::{TreeSize, tiles};
use ore_record::{SignedRecord, v1, v1::record::Event};
use ore_store::{
    BlockId, Fault, FsckOptions, RealDisk, Store, StoredBlock,
    disk::Access,
    frame, fsck, header,
    log::{Start, open_segments, walk_log},
    silent,
    view::View,
};
use tempfile::{TempDir, tempdir};

use crate::ledger::{ORIGIN, World, check_certificate, make, options};

const BLOCKS: u64 = 40;

/// A clean ledger with checkpoint, promise and exported tiles, and an older copy of it.
struct Scene {
    dir: TempDir,
    old: TempDir,
    policy: Policy,
    remembered: Checkpoint,
    genesis: [u8; 32],
}

fn name() -> KeyName {
    KeyName::new(ORIGIN).expect("a name")
}

fn publish(dir: &Path) -> Checkpoint {
    let (mut store, recovered) = Store::open(dir, &options(), &silent).expect("opens");
    let body = store.promise(&name(), store.reader().size()).expect("promises");
    let line = NoteSigner::new(name(), &[8; 32]).sign(&body.to_text());
    let signed = SignedCheckpoint::new(body.clone(), vec![line]).expect("a note");
    store.publish_checkpoint(signed.to_string().as_bytes()).expect("publishes");
    store.close(&recovered.graph).expect("closes");
    body
}

fn export_tiles(dir: &Path) {
    let (store, recovered) = Store::open(dir, &options(), &silent).expect("opens");
    let reader = store.reader();
    let size = TreeSize::new(reader.size().get());
    let write = |path: String, bytes: Vec<u8>| {
        let path = dir.join("export").join(path);
        fs::create_dir_all(path.parent().expect("has a folder")).expect("creates");
        fs::write(path, bytes).expect("writes");
    };
    for tile in tiles::tiles_at(size) {
        write(tile.to_string(), reader.tile(tile).expect("held"));
    }
    for bundle in tiles::bundles_at(size) {
        write(bundle.to_string(), reader.bundle(bundle).expect("readable").expect("held").to_vec());
    }
    store.close(&recovered.graph).expect("closes");
}

impl Scene {
    fn new() -> Self {
        let (dir, old) = (tempdir().expect("a folder"), tempdir().expect("a folder"));
        make(dir.path(), 20);
        publish(dir.path());
        copy(dir.path(), old.path());
        let mut world = World::new();
        let (mut store, recovered) = Store::open(dir.path(), &options(), &silent).expect("opens");
        world.resume(recovered, &store);
        for n in 21..=BLOCKS {
            let block = world.story_block(n);
            store.append(block).expect("appends");
        }
        store.close(&world.graph).expect("closes");
        let remembered = publish(dir.path());
        export_tiles(dir.path());
        let key = NoteSigner::new(name(), &[8; 32]).verifier_key().clone();
        // A lone log: its own signature suffices.
        let policy =
            Policy::k_of_n([key], [], 0).or_else(|_| Policy::parse(&policy_text())).expect("a policy");
        let genesis = BlockId::of(&World::new().genesis().header).0;
        Self { dir, old, policy, remembered, genesis }
    }

    fn check(&self, dir: &Path) -> Option<ore_store::Damage> {
        let options = FsckOptions {
            certificates: Some(&check_certificate),
            policy: Some(&self.policy),
            remembered: Some(self.remembered.clone()),
            genesis: Some(self.genesis),
            tiles: Some(dir.join("export")),
            ..FsckOptions::default()
        };
        fsck(dir, &options, &silent).expect("readable").damage
    }
}

fn policy_text() -> Vec<u8> {
    let key = NoteSigner::new(name(), &[8; 32]).verifier_key().clone();
    format!("log {key}\nquorum none\n").into_bytes()
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("creates");
    for entry in fs::read_dir(from).expect("readable") {
        let entry = entry.expect("readable");
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).expect("copies");
        }
    }
}

fn edit(path: PathBuf, change: impl FnOnce(&mut Vec<u8>)) {
    let mut bytes = fs::read(&path).expect("readable");
    change(&mut bytes);
    fs::write(path, bytes).expect("writes");
}

fn segments(dir: &Path) -> Vec<PathBuf> {
    let mut paths: Vec<_> =
        fs::read_dir(dir.join("log")).expect("readable").map(|e| e.expect("readable").path()).collect();
    paths.sort();
    paths
}

/// Rewrites the frames of the segment that holds `height`, checksums made to fit: what only hashes can find.
fn forge(dir: &Path, height: u64, change: impl FnOnce(&mut Vec<StoredBlock>, usize)) {
    let log = dir.join("log");
    let all = open_segments(&RealDisk, &log, Access::Read).expect("readable");
    let mut found: Vec<(StoredBlock, Arc<_>)> = Vec::new();
    walk_log(&all, Start::GENESIS, |_, block, segment| {
        found.push((block, Arc::clone(segment)));
        true
    })
    .expect("readable");
    let segment = Arc::clone(&found[height as usize].1);
    let mut blocks: Vec<StoredBlock> = found
        .into_iter()
        .filter(|(_, other)| other.first_height == segment.first_height)
        .map(|(block, _)| block)
        .collect();
    let at = blocks.iter().position(|block| block.height == height).expect("there");
    change(&mut blocks, at);
    let mut bytes = fs::read(&segment.path).expect("readable")[..32].to_vec();
    let mut out = Vec::new();
    for block in blocks {
        frame::encode(&mut out, block.height, &block.header, &block.certificate, &block.entries)
            .expect("short enough");
        bytes.extend_from_slice(&out);
    }
    fs::write(&segment.path, bytes).expect("writes");
}

fn forge_header(dir: &Path, height: u64, change: impl FnOnce(&mut v1::BlockHeader)) {
    forge(dir, height, |blocks, at| {
        let mut decoded = header::decode(&blocks[at].header).expect("canonical");
        change(&mut decoded);
        blocks[at].header = header::encode(&decoded).into();
    });
}

fn forge_seal(dir: &Path, height: u64, change: impl FnOnce(&mut v1::Record)) {
    forge(dir, height, |blocks, at| {
        let entry = blocks[at].entries.last_mut().expect("a seal");
        let mut record = SignedRecord::decode(entry).expect("canonical").record().clone();
        change(&mut record);
        let seal = SignedRecord::from_parts(prost::Message::encode_to_vec(&record), vec![]).expect("a seal");
        *entry = seal.entry().into();
    });
}

fn flip(bytes: &Bytes, at: usize) -> Bytes {
    let mut bytes = bytes.to_vec();
    bytes[at] ^= 1;
    bytes.into()
}

fn with_view(dir: &Path, change: impl FnOnce(&View)) {
    let view = View::open(&RealDisk, dir, 1 << 20).expect("opens");
    change(&view);
}

/// The raw key of the first pair whose key begins with `prefix`, with its raw value.
fn first_pair(view: &View, prefix: &[u8]) -> (Vec<u8>, Vec<u8>) {
    let (rest, value) = view.pairs(prefix.to_vec()).next().expect("a pair").expect("readable");
    let mut raw = vec![0];
    raw.extend_from_slice(&value);
    ([prefix, &rest].concat(), raw)
}

type Case = (&'static str, &'static str, &'static [Fault], Box<dyn Fn(&Path, &Scene)>);

fn case(
    what: &'static str,
    how: &'static str,
    faults: &'static [Fault],
    tamper: impl Fn(&Path, &Scene) + 'static,
) -> Case {
    (what, how, faults, Box::new(tamper))
}

fn run(cases: Vec<Case>) {
    let scene = Scene::new();
    assert_eq!(scene.check(scene.dir.path()), None, "the untouched ledger is clean");
    let mut passed = Vec::new();
    for (what, how, faults, tamper) in cases {
        let dir = tempdir().expect("a folder");
        copy(scene.dir.path(), dir.path());
        tamper(dir.path(), &scene);
        match scene.check(dir.path()) {
            None => passed.push(format!("{what} {how}: passed")),
            Some(damage) => {
                println!("{what:22} {how:34} {damage}");
                if !faults.contains(&damage.fault) {
                    passed.push(format!("{what} {how}: expected {faults:?}, {damage}"));
                }
            }
        }
    }
    assert!(passed.is_empty(), "{passed:#?}");
}

#[test]
fn bytes_of_the_log() {
    use Fault::{Frame, RolledBack, Segment, TrailingBytes};
    let at = |offset: usize| move |dir: &Path, _: &Scene| edit(segments(dir)[0].clone(), |b| b[offset] ^= 1);
    let mut cases = vec![
        case("segment magic", "flip", &[Segment], at(3)),
        case("segment first height", "flip", &[Segment], at(23)),
        case("segment CRC", "flip", &[Segment], at(25)),
        case("segment padding", "flip", &[Segment], at(30)),
        case("frame length", "flip high", &[Frame], at(32)),
        case("frame length", "flip low", &[Frame], at(35)),
        case("frame CRC", "flip", &[Frame], at(36)),
        case("frame height", "flip", &[Frame], at(47)),
        case("frame kind", "flip", &[Frame], at(48)),
        case("frame zero bytes", "flip", &[Frame], at(50)),
        case("body lengths", "flip", &[Frame], at(59)),
        case("header bytes", "flip", &[Frame], at(80)),
        case("entry bytes", "flip", &[Frame], at(400)),
        case("segment", "drop the first", &[Segment], |dir, _| {
            fs::remove_file(&segments(dir)[0]).expect("removes");
        }),
        case("segment", "drop one in the middle", &[Segment], |dir, _| {
            fs::remove_file(&segments(dir)[1]).expect("removes");
        }),
        case("segment", "drop the last", &[RolledBack], |dir, _| {
            fs::remove_file(segments(dir).last().expect("one")).expect("removes");
        }),
        case("segment", "swap two", &[Segment], |dir, _| {
            let paths = segments(dir);
            fs::rename(&paths[0], dir.join("x")).expect("renames");
            fs::rename(&paths[1], &paths[0]).expect("renames");
            fs::rename(dir.join("x"), &paths[1]).expect("renames");
        }),
        case("segment", "a stranger beside them", &[Segment], |dir, _| {
            fs::write(dir.join("log/notes.txt"), b"x").expect("writes");
        }),
        case("ended segment", "append a byte", &[TrailingBytes], |dir, _| {
            edit(segments(dir)[0].clone(), |bytes| bytes.push(1));
        }),
        case("ended segment", "append zeros", &[TrailingBytes], |dir, _| {
            edit(segments(dir)[0].clone(), |bytes| bytes.extend([0; 64]));
        }),
        case("last segment", "append rubbish", &[TrailingBytes], |dir, _| {
            edit(segments(dir).pop().expect("one"), |bytes| bytes.extend([7; 100]));
        }),
        case("last segment", "append a copied frame", &[Frame, TrailingBytes], |dir, _| {
            let path = segments(dir).pop().expect("one");
            edit(path, |bytes| {
                let frame = bytes[32..].to_vec();
                while bytes.last() == Some(&0) {
                    bytes.pop();
                }
                bytes.resize(bytes.len().next_multiple_of(8), 0);
                bytes.extend(frame);
            });
        }),
        case("block", "drop the newest", &[RolledBack], |dir, _| {
            forge(dir, BLOCKS, |blocks, at| drop(blocks.remove(at)));
        }),
        case("block", "drop one", &[Frame], |dir, _| forge(dir, 5, |blocks, at| drop(blocks.remove(at)))),
        case("block", "swap two", &[Frame], |dir, _| forge(dir, 5, |blocks, at| blocks.swap(at, at + 1))),
    ];
    cases.push(case("log", "roll back, all else stays", &[RolledBack], |dir, scene| {
        fs::remove_dir_all(dir.join("log")).expect("removes");
        copy(&scene.old.path().join("log"), &dir.join("log"));
    }));
    cases.push(case("log, index, view", "roll back, promise stays", &[RolledBack], |dir, scene| {
        for folder in ["log", "index", "view", "export"] {
            fs::remove_dir_all(dir.join(folder)).expect("removes");
            if folder != "export" {
                copy(&scene.old.path().join(folder), &dir.join(folder));
            }
        }
        fs::create_dir_all(dir.join("export/tile")).expect("creates");
    }));
    cases.push(case("the whole folder", "roll back", &[RolledBack], |dir, scene| {
        fs::remove_dir_all(dir).expect("removes");
        copy(scene.old.path(), dir);
        fs::create_dir_all(dir.join("export/tile")).expect("creates");
    }));
    run(cases);
}

#[test]
fn forged_blocks_whose_checksums_fit() {
    use Fault::{
        Certificate, Entry, Header, HeaderChain, Proposer, Rule, Seal, Signature, StateRoot, TreeRoot,
        ValidatorSet,
    };
    let forge_block = |change: fn(&mut StoredBlock)| {
        move |dir: &Path, _: &Scene| forge(dir, 5, |blocks, at| change(&mut blocks[at]))
    };
    let head = |change: fn(&mut v1::BlockHeader)| move |dir: &Path, _: &Scene| forge_header(dir, 5, change);
    run(vec![
        case(
            "record",
            "flip",
            &[Entry, Signature],
            forge_block(|block| {
                let at = block.entries[0].len() / 2;
                block.entries[0] = flip(&block.entries[0], at);
            }),
        ),
        case(
            "record signature",
            "flip",
            &[Signature],
            forge_block(|block| {
                let at = block.entries[0].len() - 10;
                block.entries[0] = flip(&block.entries[0], at);
            }),
        ),
        case(
            "record",
            "append a byte",
            &[Entry],
            forge_block(|block| {
                block.entries[0] = [&block.entries[0][..], &[0]].concat().into();
            }),
        ),
        case("record", "drop", &[Seal, StateRoot, Rule], forge_block(|block| drop(block.entries.remove(0)))),
        case(
            "record",
            "swap two",
            &[TreeRoot, StateRoot, Rule],
            forge_block(|block| block.entries.swap(0, 1)),
        ),
        case(
            "record",
            "append one again",
            &[Rule],
            forge_block(|block| {
                let again = block.entries[0].clone();
                block.entries.insert(1, again);
            }),
        ),
        case("seal", "drop", &[Seal], forge_block(|block| drop(block.entries.pop()))),
        case(
            "seal",
            "twice",
            &[Seal],
            forge_block(|block| {
                let seal = block.entries.last().expect("a seal").clone();
                block.entries.push(seal);
            }),
        ),
        case("seal", "before a record", &[Seal], forge_block(|block| block.entries.rotate_right(1))),
        case("seal state root", "flip", &[StateRoot], |dir, _| {
            forge_seal(dir, 5, |record| {
                if let Some(Event::BlockSeal(seal)) = &mut record.event {
                    seal.state_root[0] ^= 1;
                }
            });
        }),
        case("seal count", "change", &[Seal], |dir, _| {
            forge_seal(dir, 5, |record| {
                if let Some(Event::BlockSeal(seal)) = &mut record.event {
                    seal.records += 1;
                }
            });
        }),
        case("seal note", "add", &[TreeRoot], |dir, _| forge_seal(dir, 5, |record| record.note = "x".into())),
        case(
            "header",
            "append a byte",
            &[Header],
            forge_block(|block| {
                block.header = [&block.header[..], &[0]].concat().into();
            }),
        ),
        case("header origin", "change", &[HeaderChain], head(|h| h.origin.push('x'))),
        case("header height", "change", &[HeaderChain], head(|h| h.height += 1)),
        case("header previous", "flip", &[HeaderChain], head(|h| h.previous_header[0] ^= 1)),
        case("header time", "change", &[Seal, Fault::BlockTime], head(|h| h.time_ms -= 1_000_000)),
        case("header tree size", "change", &[TreeRoot], head(|h| h.tree_size += 1)),
        case("header tree root", "flip", &[TreeRoot], head(|h| h.tree_root[0] ^= 1)),
        case("header state root", "flip", &[StateRoot], head(|h| h.state_root[0] ^= 1)),
        case("header next validators", "flip", &[ValidatorSet], head(|h| h.next_validators[0] ^= 1)),
        case("header proposer", "change", &[Certificate], head(|h| h.proposer = "refiner".into())),
        case(
            "header proposer",
            "change, and have a quorum vouch for it",
            &[Proposer],
            forge_block(|block| {
                let mut header = header::decode(&block.header).expect("canonical");
                header.proposer = "refiner".into();
                block.header = header::encode(&header).into();
                let id = BlockId::of(&block.header).0;
                block.certificate = World::new().consensus.sign(&id).to_bytes().to_vec().into();
            }),
        ),
        case("genesis header", "change", &[HeaderChain], |dir, _| {
            forge_header(dir, 0, |h| h.proposer = "refiner".into());
        }),
        case(
            "certificate",
            "flip",
            &[Certificate],
            forge_block(|block| {
                block.certificate = flip(&block.certificate, 3);
            }),
        ),
        case("certificate", "drop", &[Certificate], forge_block(|block| block.certificate = Bytes::new())),
        case(
            "certificate",
            "append",
            &[Certificate],
            forge_block(|block| {
                block.certificate = [&block.certificate[..], &[0]].concat().into();
            }),
        ),
        case("certificate", "swap two", &[Certificate], |dir, _| {
            forge(dir, 5, |blocks, at| {
                let other = blocks[at + 1].certificate.clone();
                blocks[at + 1].certificate = std::mem::replace(&mut blocks[at].certificate, other);
            });
        }),
        case("certificate", "of genesis, added", &[Certificate], |dir, _| {
            forge(dir, 0, |blocks, at| blocks[at].certificate = Bytes::from_static(b"x"));
        }),
    ]);
}

#[test]
fn what_is_made_from_the_log() {
    use Fault::{BlockIndex, EntryLengths, Graph, LeafHashes, RecordIds, RolledBack, Tile, View as InView};
    let mut cases = Vec::new();
    for (name, row, fault, longer) in [
        ("leaf-hashes", 32, &[LeafHashes][..], &[LeafHashes][..]),
        ("record-ids", 32, &[RecordIds], &[RecordIds]),
        ("entry-lengths", 2, &[EntryLengths], &[EntryLengths]),
        ("blocks", 48, &[BlockIndex], &[BlockIndex, RolledBack]),
    ] {
        let path = move |dir: &Path| dir.join("index").join(name);
        cases.push(case(name, "flip", fault, move |dir, _| edit(path(dir), |b| b[row * 3 + 1] ^= 1)));
        cases.push(case(name, "drop the last row", fault, move |dir, _| {
            edit(path(dir), |b| b.truncate(b.len() - row));
        }));
        cases.push(case(name, "drop a row", fault, move |dir, _| edit(path(dir), |b| drop(b.drain(..row)))));
        cases.push(case(name, "append a row", longer, move |dir, _| {
            edit(path(dir), |b| b.extend(vec![0; row]))
        }));
        cases.push(case(name, "append a byte", fault, move |dir, _| edit(path(dir), |b| b.push(0))));
        cases.push(case(name, "remove", fault, move |dir, _| fs::remove_file(path(dir)).expect("removes")));
        cases.push(case(name, "roll back", fault, move |dir, scene| {
            fs::copy(path(scene.old.path()), path(dir)).map(drop).expect("copies");
        }));
        if name != "entry-lengths" {
            cases.push(case(name, "swap two rows", fault, move |dir, _| {
                edit(path(dir), |b| {
                    let (left, right) = b.split_at_mut(row);
                    left.swap_with_slice(&mut right[..row]);
                });
            }));
        }
    }
    cases.extend([
        case("state value in sled", "flip", &[InView], |dir, _| {
            with_view(dir, |view| {
                let (key, mut value) = first_pair(view, &[1, b'S']);
                let at = value.len() / 2;
                value[at] ^= 1;
                view.danger_put(&key, Some(&value)).expect("writes");
            });
        }),
        case("state value in sled", "drop", &[InView], |dir, _| {
            with_view(dir, |view| {
                let (key, _) = first_pair(view, &[1, b'S']);
                view.danger_put(&key, None).expect("writes");
            });
        }),
        case("lot in sled", "drop", &[InView], |dir, _| {
            with_view(dir, |view| {
                let (key, _) = first_pair(view, &[1, b'L']);
                view.danger_put(&key, None).expect("writes");
            });
        }),
        case("state value in sled", "append bytes", &[InView], |dir, _| {
            with_view(dir, |view| {
                let (key, mut value) = first_pair(view, &[1, b'L']);
                value.push(0);
                view.danger_put(&key, Some(&value)).expect("writes");
            });
        }),
        case("state value in sled", "swap two", &[InView], |dir, _| {
            with_view(dir, |view| {
                let (one, first) = first_pair(view, &[1, b'S', 0, 0, 0, 0]);
                let (two, second) = first_pair(view, &[1, b'S', 0, 0, 0, 16]);
                view.danger_put(&one, Some(&second)).expect("writes");
                view.danger_put(&two, Some(&first)).expect("writes");
            });
        }),
        case("state key in sled", "append one", &[InView], |dir, _| {
            with_view(dir, |view| {
                view.danger_put(&[1, b'S', 0, 0, 255, 240], Some(&[0; 99])).expect("writes")
            });
        }),
        case("unknown key in sled", "append one", &[InView], |dir, _| {
            with_view(dir, |view| view.danger_put(&[9, 9], Some(b"x")).expect("writes"));
        }),
        case("author index in sled", "flip", &[InView], |dir, _| {
            with_view(dir, |view| {
                let (key, mut value) = first_pair(view, &[2]);
                *value.last_mut().expect("not empty") ^= 1;
                view.danger_put(&key, Some(&value)).expect("writes");
            });
        }),
        case("author index in sled", "drop", &[InView], |dir, _| {
            with_view(dir, |view| view.danger_put(&first_pair(view, &[2]).0, None).expect("writes"));
        }),
        case("author index in sled", "append one", &[InView], |dir, _| {
            with_view(dir, |view| view.danger_put(b"\x02zzz\x0000000000", Some(&[0, 1])).expect("writes"));
        }),
        case("height in sled", "flip", &[InView], |dir, _| {
            with_view(dir, |view| {
                let mut applied = view.applied().expect("readable").expect("there");
                applied.height -= 1;
                view.danger_put(&[0], Some(&applied.encode())).expect("writes");
            });
        }),
        case("height in sled", "beyond the log", &[RolledBack, Graph, InView], |dir, _| {
            with_view(dir, |view| {
                let mut applied = view.applied().expect("readable").expect("there");
                applied.height += 1;
                view.danger_put(&[0], Some(&applied.encode())).expect("writes");
            });
        }),
        case("graph snapshot", "flip", &[Graph], |dir, _| {
            edit(dir.join("index/graph-snapshot"), |b| {
                let at = b.len() / 2;
                b[at] ^= 1;
            });
        }),
        case("graph snapshot", "append a byte", &[Graph], |dir, _| {
            edit(dir.join("index/graph-snapshot"), |b| b.push(0));
        }),
        case("graph snapshot", "remove", &[Graph], |dir, _| {
            fs::remove_file(dir.join("index/graph-snapshot")).expect("removes");
        }),
        case("graph snapshot", "roll back", &[Graph], |dir, scene| {
            let path = "index/graph-snapshot";
            fs::copy(scene.old.path().join(path), dir.join(path)).map(drop).expect("copies");
        }),
        case("graph feed", "append rubbish", &[Graph], |dir, _| {
            edit(dir.join("index/graph-feed"), |b| b.extend([9; 30]));
        }),
        case("hash tile", "flip", &[Tile], |dir, _| edit(partial(dir, "tile/0"), |b| b[40] ^= 1)),
        case("hash tile", "append a hash", &[Tile], |dir, _| {
            edit(partial(dir, "tile/0"), |b| b.extend([0; 32]))
        }),
        case("hash tile", "drop a hash", &[Tile], |dir, _| {
            edit(partial(dir, "tile/0"), |b| b.truncate(b.len() - 32));
        }),
        case("entries bundle", "flip", &[Tile], |dir, _| edit(partial(dir, "tile/entries"), |b| b[40] ^= 1)),
        case("entries bundle", "append", &[Tile], |dir, _| edit(partial(dir, "tile/entries"), |b| b.push(0))),
        case("tile", "a stranger among them", &[Tile], |dir, _| {
            fs::write(dir.join("export/tile/0/notes"), b"x").expect("writes");
        }),
        case("tile", "one beyond the log", &[Tile], |dir, _| {
            fs::write(dir.join("export/tile/0/009"), [0; 256 * 32]).expect("writes");
        }),
    ]);
    run(cases);
}

/// Some file below a folder of the export: an old partial tile, or a full one.
fn partial(dir: &Path, below: &str) -> PathBuf {
    let mut folders = vec![dir.join("export").join(below)];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).expect("readable") {
            let path = entry.expect("readable").path();
            if path.is_file() {
                return path;
            }
            folders.push(path);
        }
    }
    panic!("no tile below {below}")
}

#[test]
fn checkpoint_and_promise() {
    use Fault::{Checkpoint, Promise};
    let path = |name: &'static str| move |dir: &Path| dir.join(name);
    let (promise, checkpoint) = (path("promise"), path("checkpoint"));
    run(vec![
        case("promise root", "change", &[Promise], move |dir, _| {
            edit(promise(dir), |b| {
                let at = b.len() - 20;
                b[at] = if b[at] == b'A' { b'B' } else { b'A' };
            });
        }),
        case("promise", "append", &[Promise], move |dir, _| edit(promise(dir), |b| b.push(b'\n'))),
        case("promise", "cut", &[Promise], move |dir, _| edit(promise(dir), |b| b.truncate(b.len() - 2))),
        case("promise", "remove", &[Promise], move |dir, _| fs::remove_file(promise(dir)).expect("removes")),
        case("promise", "roll back", &[Promise], move |dir, scene| {
            fs::copy(promise(scene.old.path()), promise(dir)).map(drop).expect("copies");
        }),
        case("checkpoint root", "change", &[Checkpoint], move |dir, _| {
            edit(checkpoint(dir), |b| {
                let line = b.iter().enumerate().filter(|(_, c)| **c == b'\n').nth(1).expect("three lines").0;
                b[line + 5] = if b[line + 5] == b'A' { b'B' } else { b'A' };
            });
        }),
        case("checkpoint signature", "change", &[Checkpoint], move |dir, _| {
            edit(checkpoint(dir), |b| {
                let at = b.len() - 30;
                b[at] = if b[at] == b'A' { b'B' } else { b'A' };
            });
        }),
        case("checkpoint", "append", &[Checkpoint], move |dir, _| edit(checkpoint(dir), |b| b.extend(b"x"))),
        case("checkpoint", "cut", &[Checkpoint], move |dir, _| edit(checkpoint(dir), |b| b.truncate(30))),
        case("checkpoint", "remove", &[Checkpoint], move |dir, _| {
            fs::remove_file(checkpoint(dir)).expect("removes");
        }),
        case("checkpoint", "roll back", &[Checkpoint], move |dir, scene| {
            fs::copy(checkpoint(scene.old.path()), checkpoint(dir)).map(drop).expect("copies");
        }),
    ]);
}

/// A flipped bit in sled's own file is noticed, or it lies in bytes that mean nothing any more.
#[test]
fn raw_bytes_of_sled() {
    let scene = Scene::new();
    let size = fs::metadata(scene.dir.path().join("view/db")).expect("there").len() as usize;
    let used = {
        let bytes = fs::read(scene.dir.path().join("view/db")).expect("readable");
        bytes.iter().rposition(|byte| *byte != 0).expect("not empty")
    };
    let (mut named, mut harmless) = (0, 0);
    // A prime step, so that all offsets within sled's records come up.
    for at in (0..used.min(size)).step_by((used / 37) | 1) {
        let dir = tempdir().expect("a folder");
        copy(scene.dir.path(), dir.path());
        edit(dir.path().join("view/db"), |bytes| bytes[at] ^= 0x10);
        match scene.check(dir.path()) {
            Some(damage) => {
                assert!(matches!(damage.fault, Fault::View | Fault::Graph), "{damage}");
                named += 1;
            }
            // Clean: the whole state was compared, so the flip changed nothing; and so does a start.
            None => harmless += 1,
        }
        let (store, recovered) = Store::open(dir.path(), &options(), &silent).expect("opens");
        assert_eq!(recovered.next_height, BLOCKS + 1);
        drop(store);
    }
    println!("{named} flips in sled's file named, {harmless} in bytes without meaning");
    assert!(named > 0);
}
