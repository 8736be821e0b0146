//! How long a ledger that is already there takes to open, and what it then holds in memory.
//!
//! `cargo run --release -p ore-store --example cold_start -- FOLDER ORIGIN [times]`
//!
//! `append_rate` makes a folder to try it on. Page cache as it is found: the first time reads the disk, the next do not.

use std::{fs, path::PathBuf, time::Instant};

use ore_store::{Store, StoreOptions, silent};

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
    }
}

/// A line of what the system says of this process, KiB; 0 where it says nothing.
fn status(line: &str) -> u64 {
    let text = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let found = text.lines().find_map(|text| text.strip_prefix(line));
    found.and_then(|rest| rest.split_whitespace().next()?.parse().ok()).unwrap_or(0)
}
