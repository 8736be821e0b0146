//! How fast one node takes signed records: in process, over a stream, and one at a time.
//!
//! `cargo run --release -p ore-node --example node_rate [records] [one by one]`. Everything shares this machine's cores; each figure is to
//! be read beside the fdatasync of the same run.
#![allow(dead_code)]

#[path = "../tests/it/world.rs"]
mod world;

use std::{
    collections::BTreeMap,
    io::Write,
    time::{Duration, Instant},
};

use bytes::Bytes;
use ore_node::outcome::Outcome;
use ore_record::{RecordId, SignedRecord};
use ore_wire::v1;

use crate::world::{Running, World, blend, commission};

/// Signed records that each take from two lots, after the lots that they take from.
fn records(lots: u64, blends: u64) -> (Vec<Bytes>, Vec<Bytes>) {
    let mut heads: Vec<RecordId> = Vec::new();
    let mut commissions = Vec::new();
    for number in 0..lots {
        let record = commission(number, 1_000_000_000);
        heads.push(record.id());
        commissions.push(record.entry().into());
    }
    let mut made = Vec::new();
    for number in 0..blends {
        let (one, other) = ((number * 2 % lots) as usize, ((number * 2 + 1) % lots) as usize);
        let (first, second) = (format!("mine/M{one}"), format!("mine/M{other}"));
        let record = blend(number, &[(&first, heads[one], 1_000), (&second, heads[other], 1_000)]);
        (heads[one], heads[other]) = (record.id(), record.id());
        made.push(record.entry().into());
    }
    (commissions, made)
}

fn fdatasync() -> Duration {
    let mut file = tempfile::tempfile().expect("a file");
    let times = (0..200)
        .map(|_| {
            file.write_all(&[7; 4096]).expect("written");
            let started = Instant::now();
            file.sync_data().expect("synced");
            started.elapsed()
        })
        .collect();
    median(times)
}

/// Processor time by thread name so far, in milliseconds; on a busy machine it says more than elapsed time does.
fn processor_ms() -> BTreeMap<String, u64> {
    let mut by_name = BTreeMap::new();
    let Ok(tasks) = std::fs::read_dir("/proc/self/task") else { return by_name };
    for task in tasks.flatten() {
        let text = std::fs::read_to_string(task.path().join("stat")).unwrap_or_default();
        let Some((head, tail)) = text.rsplit_once(')') else { continue };
        let name = head.split_once('(').map_or("", |(_, name)| name).to_owned();
        // Fields 14 and 15, in ticks of 10 ms.
        let ticks: u64 = tail.split_whitespace().skip(11).take(2).filter_map(|n| n.parse::<u64>().ok()).sum();
        *by_name.entry(name).or_default() += ticks * 10;
    }
    by_name
}

fn report_processor(before: &BTreeMap<String, u64>, records: usize) {
    for (name, after) in processor_ms() {
        let used = after - before.get(&name).copied().unwrap_or(0);
        if used > 0 {
            println!(
                "  {name:<20} {:>7.2} us a record of processor time",
                used as f64 * 1000.0 / records as f64
            );
        }
    }
}

fn report(what: &str, records: usize, elapsed: Duration) {
    println!("{what:<32} {:>9.0} records/s", records as f64 / elapsed.as_secs_f64());
}

async fn in_process(node: &Running, entries: &[Bytes]) -> Duration {
    let admission = node.node.admission();
    let started = Instant::now();
    let mut answers = Vec::new();
    for batch in entries.chunks(500) {
        let bytes = batch.iter().map(Bytes::len).sum();
        let room = admission.room(batch.len(), bytes).await.expect("serving");
        answers.push(admission.submit(batch.to_vec(), room).expect("serving"));
    }
    for answer in answers {
        let outcomes = answer.await.expect("answered");
        let refused = outcomes.iter().find(|outcome| !matches!(outcome, Outcome::Accepted(_)));
        assert!(refused.is_none(), "{refused:?}");
    }
    started.elapsed()
}

async fn one_at_a_time(node: &Running, entries: &[Bytes]) -> Vec<Duration> {
    let mut client = node.submission();
    let mut times = Vec::new();
    for entry in entries {
        let request = v1::SubmitRequest { entry: entry.clone(), wait: 0, promise: false };
        let started = Instant::now();
        client.submit(request).await.expect("accepted");
        times.push(started.elapsed());
    }
    times.sort_unstable();
    times
}

/// What no ledger can do without when one record follows the other: to disk, there and back, one signature.
struct Floor {
    fdatasync: Duration,
    round_trip: Duration,
    verify: Duration,
}

impl Floor {
    /// Medians, taken where and as the records go: the same disk, the same connection, a call that does nothing.
    async fn probe(node: &Running, entries: &[Bytes]) -> Self {
        let mut client = tonic_health::pb::health_client::HealthClient::new(node.channel.clone());
        let mut trips = Vec::new();
        for _ in 0..500 {
            let request = tonic_health::pb::HealthCheckRequest { service: String::new() };
            let started = Instant::now();
            client.check(request).await.expect("served");
            trips.push(started.elapsed());
        }
        let mut checks = Vec::new();
        for entry in entries.iter().take(200) {
            let record = SignedRecord::decode(entry).expect("a record");
            let started = Instant::now();
            record.verify().expect("a good signature");
            checks.push(started.elapsed());
        }
        Self { fdatasync: fdatasync(), round_trip: median(trips), verify: median(checks) }
    }

    fn sum(&self) -> Duration {
        self.fdatasync + self.round_trip + self.verify
    }
}

impl std::fmt::Display for Floor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { fdatasync, round_trip, verify } = self;
        write!(f, "{fdatasync:.0?} + {round_trip:.0?} + {verify:.0?} = {:.0?}", self.sum())
    }
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}

/// Records that build on each other must not overtake each other, so each caller has two lots of its own to take from.
async fn many_at_a_time(node: &Running, first: u64, records: u64, callers: u64) -> Duration {
    let mut lots = Vec::new();
    let mut work: Vec<Vec<Bytes>> = Vec::new();
    for caller in 0..callers {
        let [one, other] = [0, 1].map(|n| commission(first + caller * 2 + n, 1_000_000_000));
        lots.extend([one.entry().into(), other.entry().into()]);
        let [name, second] = [0, 1].map(|n| format!("mine/M{}", first + caller * 2 + n));
        let mut heads = [one.id(), other.id()];
        let records = (0..records / callers).map(|n| {
            let inputs = [(name.as_str(), heads[0], 1_000), (second.as_str(), heads[1], 1_000)];
            let record = blend(first + caller * records + n, &inputs);
            heads = [record.id(), record.id()];
            record.entry().into()
        });
        work.push(records.collect());
    }
    in_process(node, &lots).await;
    let started = Instant::now();
    let tasks: Vec<_> = work
        .into_iter()
        .map(|entries| {
            let mut client = node.submission();
            tokio::spawn(async move {
                for entry in entries {
                    client
                        .submit(v1::SubmitRequest { entry, wait: 0, promise: false })
                        .await
                        .expect("accepted");
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.expect("a caller");
    }
    started.elapsed()
}

#[tokio::main]
async fn main() {
    let count = std::env::args().nth(1).and_then(|text| text.parse().ok()).unwrap_or(100_000_u64);
    let world = World::new();
    // The subject is the node, and not how much of it one caller may have.
    let mut config = world.config();
    config.allowance.calls_s = 1_000_000;
    config.allowance.bytes_s = 1 << 36;
    let node = world::start(config).await;
    let one_by_one = std::env::args().nth(2).and_then(|text| text.parse().ok()).unwrap_or(2_000_u64);
    let (lots, blends) = records(4_000, count * 2 + one_by_one);
    println!("{} byte records, two inputs each; fdatasync {:?}", blends[0].len(), fdatasync());
    in_process(&node, &lots).await;
    let (first, rest) = blends.split_at(count as usize);
    let (second, third) = rest.split_at(count as usize);
    let before = processor_ms();
    let elapsed = in_process(&node, first).await;
    report_processor(&before, first.len());
    report("in process, batches of 500", first.len(), elapsed);
    let metrics = &node.node.ledger().metrics;
    println!(
        "  blocks {}, apply {} us, append {} us, whole {} us",
        metrics.blocks.get(),
        metrics.apply.sum_us(),
        metrics.commit.sum_us(),
        elapsed.as_micros()
    );
    let before = processor_ms();
    let started = Instant::now();
    let results = node.stream(second.to_vec(), 500).await;
    assert_eq!(results.len(), second.len());
    report("gRPC stream, 500 a message", second.len(), started.elapsed());
    report_processor(&before, second.len());
    let before = processor_ms();
    let floor = Floor::probe(&node, third).await;
    let times = one_at_a_time(&node, third).await;
    let later = Floor::probe(&node, third).await;
    report_processor(&before, third.len());
    let median = times[times.len() / 2];
    println!("{:<32} {median:>9.0?} median, {:?} p99", "unary, one in flight", times[times.len() * 99 / 100]);
    println!("  fdatasync + round trip + verify: before {floor}; after {later}");
    let sum = (floor.sum() + later.sum()) / 2;
    println!("  {:.2} times their sum", median.as_secs_f64() / sum.as_secs_f64());
    let unary = count.min(50_000) / 64 * 64;
    let before = processor_ms();
    let elapsed = many_at_a_time(&node, 1 << 40, unary, 64).await;
    report_processor(&before, unary as usize);
    report("unary, 64 in flight", unary as usize, elapsed);
    println!("fdatasync {:?}", fdatasync());
    node.stop().await;
}
