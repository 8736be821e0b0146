//! How long a ledger that is already there takes to open, and what it then holds in memory.
//!
//! `cargo run --release -p ore-store --example cold_start -- FOLDER ORIGIN [times]`
//!
//! `append_rate` makes a folder to try it on. Page cache as it is found: the first time reads the disk, the next do not.

use std::{fs, path::PathBuf, time::Instant};

use ore_store::{Recovered, Store, StoreOptions, silent};

fn main() {
    let mut arguments = std::env::args().skip(1);
    let usage = "usage: cold_start FOLDER ORIGIN [times]";
    let folder = PathBuf::from(arguments.next().expect(usage));
    let origin = arguments.next().expect(usage);
    let times: u32 = arguments.next().and_then(|text| text.parse().ok()).unwrap_or(3);
    for _ in 0..times {
        let started = Instant::now();
        let (store, recovered) =
            Store::open(&folder, &StoreOptions::new(&origin), &silent).expect("a sound ledger");
        println!(
            "{:?}: {} entries, {} blocks replayed, rebuilt: {:?}, resident {} MiB (most: {} MiB)",
            started.elapsed(),
            store.reader().size().get(),
            recovered.replayed_blocks,
            recovered.rebuilt,
            status("VmRSS:") >> 10,
            status("VmHWM:") >> 10,
        );
        breakdown(&store, &recovered);
    }
}

/// What the structures say of themselves; sled and what the allocator holds back are the rest.
fn breakdown(store: &Store, recovered: &Recovered) {
    let reader = store.reader().bytes_by_kind();
    let parts =
        recovered.custody.bytes_by_kind().into_iter().chain(recovered.graph.bytes_by_kind()).chain(reader);
    let lots = recovered.custody.lots().len().max(1) as f64;
    let mut sum = 0;
    for (name, bytes) in parts {
        sum += bytes;
        println!("  {name:40} {:>6} MiB {:>7.1} bytes per lot", bytes >> 20, bytes as f64 / lots);
    }
    println!("  {:40} {:>6} MiB {:>7.1} bytes per lot", "all of these", sum >> 20, sum as f64 / lots);
    println!("  {:40} {:>7.1} bytes per lot", "resident", (status("VmRSS:") << 10) as f64 / lots);
}

/// A line of what the system says of this process, KiB; 0 where it says nothing.
fn status(line: &str) -> u64 {
    let text = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let found = text.lines().find_map(|text| text.strip_prefix(line));
    found.and_then(|rest| rest.split_whitespace().next()?.parse().ok()).unwrap_or(0)
}
