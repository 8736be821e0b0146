//! How fast a ledger grows on this machine, beside what the machine can do at all.
//!
//! `cargo run --release -p ore-store --example append_rate -- [records] [folder] [keep]`
//!
//! Signed transformations of two inputs, in blocks of 1,000: batch verification, custody rules, state root, tree,
//! one fdatasync per block, index queue. Signing is not measured. Then fsck and a cold start.
//! With `keep` the ledger stays in the folder, for `cold_start`.

#[path = "../tests/it/ledger.rs"]
#[allow(dead_code, unreachable_pub, reason = "a module of the tests")]
mod ledger;

use std::{
    fs,
    io::Write as _,
    os::unix::fs::FileExt,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use ledger::{ORIGIN, World, fsck_options};
use ore_record::SignedRecord;
use ore_store::{Store, StoreOptions, fsck, silent};
use sha2::{Digest, Sha256};

const BLOCK: u64 = 1000;
/// Base lots that every transformation draws from.
const BASES: u64 = 64;
/// The other input is what was made so many records before.
const LAG: u64 = 2 * BLOCK;

fn main() {
    let mut arguments = std::env::args().skip(1);
    let records: u64 = arguments.next().and_then(|text| text.parse().ok()).unwrap_or(100_000);
    let folder = arguments.next().map_or_else(std::env::temp_dir, PathBuf::from);
    let dir = folder.join(format!("append-rate-{}", std::process::id()));
    fs::create_dir_all(&dir).expect("a folder to write in");

    let before = probe(&dir);
    let grown = grow(&dir, records);
    let after = probe(&dir);
    row("fdatasync of 4 KiB, median", format!("{:?} before, {:?} after", before.sync, after.sync));
    row("SHA-256, one core", format!("{} MB/s before, {} MB/s after", before.sha_mb_s, after.sha_mb_s));
    row("records appended, durable", format!("{records} in blocks of {BLOCK}"));
    row("rate, end to end", format!("{:.0} records/s", records as f64 / grown.total().as_secs_f64()));
    row("  processor time, all threads, no signing", share(grown.cpu, records));
    row("  verify signatures (2 threads)", share(grown.verify, records));
    row("  decide, commit, graph, seal", share(grown.decide, records));
    row("  append (tree, log, fdatasync, queue)", share(grown.append, records));
    row("record, mean", format!("{:.0} bytes", grown.bytes as f64 / records as f64));
    row("flush and close", format!("{:?}", grown.close));

    let disk = size_of(&dir);
    for part in ["log", "index", "view"] {
        row(&format!("disk: {part}"), per_record(size_of(&dir.join(part)), records));
    }
    row("disk: all", per_record(disk, records));
    row("disk, as a multiple of the records", format!("{:.2}", disk as f64 / grown.bytes as f64));

    let started = Instant::now();
    let (store, recovered) = Store::open(&dir, &options(), &silent).expect("opens");
    row("cold start (page cache warm)", format!("{:?}", started.elapsed()));
    assert_eq!((recovered.replayed_blocks, recovered.rebuilt), (0, None));
    proofs(&store);
    drop(store);

    let (started, cpu) = (Instant::now(), cpu_time());
    let report = fsck(&dir, &fsck_options(), &silent).expect("readable");
    let rate = report.counts.entries as f64 / started.elapsed().as_secs_f64();
    assert_eq!(report.damage, None);
    row("fsck of everything", format!("{rate:.0} entries/s"));
    row("  processor time, all threads", share(cpu_time() - cpu, records));

    if arguments.next().as_deref() == Some("keep") {
        row("kept", format!("{} {ORIGIN}", dir.display()));
    } else {
        fs::remove_dir_all(dir).expect("removes its own folder");
    }
}

fn options() -> StoreOptions {
    StoreOptions::new(ORIGIN)
}

fn row(name: &str, value: String) {
    println!("{name:42} {value}");
}

fn share(time: Duration, records: u64) -> String {
    format!("{:.2} us per record", time.as_secs_f64() * 1e6 / records as f64)
}

fn per_record(bytes: u64, records: u64) -> String {
    format!("{} bytes, {:.0} per record", bytes, bytes as f64 / records as f64)
}

#[derive(Default)]
struct Grown {
    verify: Duration,
    decide: Duration,
    append: Duration,
    close: Duration,
    cpu: Duration,
    bytes: u64,
}

impl Grown {
    fn total(&self) -> Duration {
        self.verify + self.decide + self.append
    }
}

fn grow(dir: &Path, records: u64) -> Grown {
    let (mut store, _) = Store::open(dir, &options(), &silent).expect("opens");
    let mut world = World::new();
    world.forgetful = true;
    store.append(world.genesis()).expect("appends");
    let bases: Vec<_> =
        (0..BASES + LAG).map(|n| world.commission(n, if n < BASES { 1 << 44 } else { 1000 })).collect();
    for chunk in bases.chunks(BLOCK as usize) {
        let block = world.block(chunk.to_vec());
        store.append(block).expect("appends");
    }
    let mut grown = Grown::default();
    let mut made = 0;
    while made < records {
        let count = BLOCK.min(records - made);
        let signed = sign(&mut world, made, count);
        grown.bytes += signed.iter().map(|record| record.entry().len() as u64).sum::<u64>();
        made += count;
        let cpu = cpu_time();
        let started = Instant::now();
        let verified = verify(signed);
        grown.verify += started.elapsed();
        let started = Instant::now();
        let block = world.block_verified(verified);
        grown.decide += started.elapsed();
        let started = Instant::now();
        store.append(block).expect("appends");
        grown.append += started.elapsed();
        grown.cpu += cpu_time() - cpu;
    }
    let started = Instant::now();
    store.close(&world.graph).expect("closes");
    grown.close = started.elapsed();
    grown
}

/// Signs a block's records; each is the only one of its block that touches its inputs, but for the base lots, whose
/// head is followed here as it will move.
fn sign(world: &mut World, from: u64, count: u64) -> Vec<SignedRecord> {
    let mut heads = std::collections::HashMap::new();
    (from..from + count)
        .map(|n| {
            let older = match n.checked_sub(LAG) {
                Some(made) => format!("mine/R{made}"),
                None => format!("mine/M{}", BASES + n),
            };
            let base = format!("mine/M{}", n % BASES);
            let mg = world.custody.lot(&older).expect("made two blocks before").remaining_mg();
            let record = world.transform_with_heads("mine", n, &[(&older, mg), (&base, 1000)], &heads);
            heads.insert(base, record.id());
            record
        })
        .collect()
}

fn verify(records: Vec<SignedRecord>) -> Vec<ore_record::VerifiedRecord> {
    let mut left = records;
    let right = left.split_off(left.len() / 2);
    let check = |records| ore_record::batch::verify(records, [5; 32]);
    let (left, right) = std::thread::scope(|scope| {
        let right = scope.spawn(move || check(right));
        (check(left), right.join().expect("does not panic"))
    });
    left.into_iter().chain(right).map(|record| record.expect("signed here")).collect()
}

/// Of all threads of this process: on a machine that does other work too, this says more than the clock.
fn cpu_time() -> Duration {
    let stat = fs::read_to_string("/proc/self/stat").unwrap_or_default();
    // After the name in parentheses: user and system time are fields 14 and 15, in hundredths of a second.
    let fields = stat.rsplit(')').next().unwrap_or_default().split_whitespace();
    let ticks: u64 = fields.skip(11).take(2).filter_map(|field| field.parse::<u64>().ok()).sum();
    Duration::from_millis(10 * ticks)
}

struct Probe {
    sync: Duration,
    sha_mb_s: u64,
}

fn probe(dir: &Path) -> Probe {
    let path = dir.join("probe");
    let mut file = fs::File::create(&path).expect("creates");
    file.write_all(&vec![0; 1 << 20]).expect("writes");
    file.sync_all().expect("syncs");
    let mut times: Vec<_> = (0..101_u64)
        .map(|n| {
            file.write_all_at(&[n as u8; 4096], (n % 256) * 4096).expect("writes");
            let started = Instant::now();
            file.sync_data().expect("syncs");
            started.elapsed()
        })
        .collect();
    times.sort();
    fs::remove_file(path).expect("removes");
    let data = vec![7; 64 << 20];
    let started = Instant::now();
    let hash = Sha256::digest(&data);
    let sha_mb_s = (64.0 * 1.048_576 / started.elapsed().as_secs_f64()) as u64;
    assert_eq!(hash.len(), 32);
    Probe { sync: times[times.len() / 2], sha_mb_s }
}

fn proofs(store: &Store) {
    let reader = store.reader();
    let size = reader.size();
    let rounds = 100_000_u64;
    let started = Instant::now();
    for n in 0..rounds {
        let leaf = n.wrapping_mul(0x9E37_79B9_7F4A_7C15) % size.get();
        std::hint::black_box(reader.prove_inclusion(leaf, size).expect("below the size"));
    }
    let each = started.elapsed().as_secs_f64() * 1e6 / rounds as f64;
    row("inclusion proof", format!("{each:.2} us at {size} leaves"));
    let started = Instant::now();
    for n in 0..rounds {
        let leaf = n.wrapping_mul(0x9E37_79B9_7F4A_7C15) % size.get();
        std::hint::black_box(reader.entry(leaf).expect("readable"));
    }
    let each = started.elapsed().as_secs_f64() * 1e6 / rounds as f64;
    row("entry by leaf", format!("{each:.2} us"));
}

fn size_of(path: &Path) -> u64 {
    let Ok(entries) = fs::read_dir(path) else { return 0 };
    entries
        .flatten()
        .map(|entry| match entry.metadata() {
            Ok(data) if data.is_dir() => size_of(&entry.path()),
            // Blocks in use, not length: what was reserved counts too.
            Ok(data) => std::os::unix::fs::MetadataExt::blocks(&data) * 512,
            Err(_) => 0,
        })
        .sum()
}
