//! Every question at 10^4, 10^5 and 10^6 lots, beside the unavoidable part of its work over plain arrays.
//!
//! For shares, traces and recalls that is a pass that answers the same question: shares by source, route and
//! generation, a list of ancestors or descendants. Below it stands a pass that carries one weight a lot and adds up
//! one number, the least that any walk over the same lots could be.
//!
//! `cargo bench -p ore-generate` prints both and their ratio. `ORE_BENCH_LOTS` names other sizes, comma separated;
//! `ORE_BENCH_ASK` some of the questions (shares, recall, dependence, balance, slices, findings), comma separated;
//! `ORE_BENCH_DUMP` a folder for the graph of the largest, which `tests/bench/postgres_graph.sh` reads before it asks.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
    fs,
    hint::black_box,
    path::PathBuf,
    time::{Duration, Instant},
};

use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use ore_audit::{
    Budget, Fact, Journal, View,
    balance::{Balance, BalanceOf, Books, Pages, balance},
    dependence::{NodeKind, dependence},
};
use ore_findings::{Judge, Memory as Known};
use ore_generate::{Memory, cast, generate, profile};
use ore_provenance::{
    Attributing, Attribution, Dating, Element, ForwardLimits, Limits, LotIndex, OriginShare, Parts,
    QuestionError, Recalling, Route, Scratch, TraceLimits, TracingBack, attribute, trace_back, trace_forward,
};
use ore_record::v1::MaterialClass;

use plain::{MetLot, Plain, WHOLE};

mod plain;

const TA: Element = Element(73);

/// Fastest of some runs, after one that warms up: what the work costs when nothing else uses the processor.
fn fastest<T>(runs: u32, mut run: impl FnMut() -> T) -> Duration {
    black_box(run());
    (0..runs)
        .map(|_| {
            let start = Instant::now();
            black_box(run());
            start.elapsed()
        })
        .min()
        .unwrap_or_default()
}

/// A lot whose walk meets about so many others, in either direction.
fn near(lots: u32, wanted: u32, mut walk: impl FnMut(u32) -> u32) -> (u32, u32) {
    let mut best = (0, 0_u32);
    for sample in 0..400 {
        let lot = (u64::from(lots) * sample / 400) as u32;
        let met = walk(lot);
        if met.abs_diff(wanted) < best.1.abs_diff(wanted) {
            best = (lot, met);
        }
    }
    best
}

struct Table(String);

impl Table {
    fn row(&mut self, lots: u64, what: &str, size: u64, ours: Duration, limit: Duration) {
        let ratio = ours.as_secs_f64() / limit.as_secs_f64().max(1e-9);
        let row = format!(
            "{lots:>9}  {what:<14}{size:>9}  ours {:>12.3} us   limit {:>12.3} us   {ratio:>6.1} x",
            ours.as_secs_f64() * 1e6,
            limit.as_secs_f64() * 1e6
        );
        println!("{row}");
        self.0.push_str(&row);
        self.0.push('\n');
    }
}

/// Whether a question is to be measured: all, or those that `ORE_BENCH_ASK` names.
fn asked(question: &str) -> bool {
    std::env::var("ORE_BENCH_ASK").map_or(true, |named| named.split(',').any(|one| one == question))
}

fn sizes() -> Vec<u64> {
    let named = std::env::var("ORE_BENCH_LOTS").unwrap_or_else(|_| "10000,100000,1000000".to_owned());
    named.split(',').filter_map(|size| size.trim().parse().ok()).collect()
}

fn all(criterion: &mut Criterion) {
    let mut table = Table(String::new());
    let sizes = sizes();
    for lots in &sizes {
        let mut memory = Memory::new(&cast(), profile());
        let begin = Instant::now();
        generate(&mut memory, 7, *lots);
        println!("{lots} lots told in {:.1} s, {} records", begin.elapsed().as_secs_f64(), memory.size());
        weigh(&memory);
        let mut plain = Plain::of(&memory, TA);
        println!(
            "{lots} lots: {} shares agree forward and backward to the last digit",
            agree(&memory, &mut plain)
        );
        one(criterion, &mut table, *lots, &memory, &mut plain);
        if sizes.last() == Some(lots) {
            serve(&memory, &mut plain, &table);
        }
    }
}

/// Shares of lots in their descendants, against what traces of those descendants say.
fn agree(memory: &Memory, plain: &mut Plain) -> usize {
    let (graph, as_of) = (&memory.graph, memory.size());
    let mut scratch = Scratch::default();
    let mut compared = 0;
    for wanted in [100, 1_000, 10_000, 100_000] {
        let (lot, _) = near(graph.lots(), wanted, |lot| plain.forward(lot).0);
        let lot = LotIndex(lot);
        let limits = ForwardLimits::default();
        let Ok(recall) = trace_forward(graph, &mut scratch, &[lot], TA, as_of, &limits) else { continue };
        let every = (recall.hits.len() / 20).max(1);
        for hit in recall.hits.iter().step_by(every).filter(|hit| hit.lot != lot) {
            let trace = trace_back(
                graph,
                &mut scratch,
                hit.lot,
                TA,
                as_of,
                &TraceLimits { depth: u32::MAX, nodes: u32::MAX },
            );
            let trace = trace.expect("it holds tantalum");
            let back = trace.nodes.iter().find(|node| node.lot == lot).expect("an ancestor");
            assert_eq!(back.share, hit.share, "{lot:?} in {:?}", hit.lot);
            compared += 1;
        }
    }
    compared
}

fn one(criterion: &mut Criterion, table: &mut Table, lots: u64, memory: &Memory, plain: &mut Plain) {
    let view =
        View { journal: &memory.journal, graph: &memory.graph, as_of: memory.size(), date_ms: u64::MAX };
    let (graph, as_of) = (&memory.graph, memory.size());
    let mut scratch = Scratch::default();
    let mut group = criterion.benchmark_group(format!("{lots} lots"));
    group.sample_size(10);
    let limits = Limits { steps: u32::MAX, work: u64::MAX };
    for wanted in [10, 100, 1_000, 10_000, 100_000].into_iter().filter(|_| asked("shares")) {
        let (lot, met) = near(graph.lots(), wanted, |lot| plain.back(lot).0);
        if met < wanted / 2 || met > wanted * 2 {
            continue;
        }
        let ask =
            |scratch: &mut Scratch| attribute(graph, scratch, LotIndex(lot), TA, as_of, &limits).is_ok();
        alike(&attribute(graph, &mut scratch, LotIndex(lot), TA, as_of, &limits), plain, lot);
        let runs = if met > 5_000 { 20 } else { 200 };
        let ours = fastest(runs, || ask(&mut scratch));
        table.row(lots, "shares", met.into(), ours, fastest(runs, || plain.shares(lot)));
        table.row(lots, "  one weight", met.into(), ours, fastest(runs, || plain.back(lot)));
        let trace_limits = TraceLimits { depth: u32::MAX, nodes: u32::MAX };
        let traced = trace_back(graph, &mut scratch, LotIndex(lot), TA, as_of, &trace_limits);
        let (traced, bare) = (traced.expect("it holds tantalum"), plain.trace(lot));
        let parts: BTreeSet<_> = traced.edges.iter().map(|edge| (edge.from.0, Some(edge.into))).collect();
        let listed = bare.parts.iter().map(|(from, into, _)| (*from, graph.maker_of(LotIndex(*into))));
        assert_eq!(listed.collect::<BTreeSet<_>>(), parts, "parts in the bare pass, and in ours");
        let nodes = traced.nodes.into_iter();
        let nodes = nodes.map(|node| (node.lot.0, (node.share, node.share.of(node.contained).0)));
        all_there(&nodes.collect(), &bare.lots);
        let trace = fastest(runs, || {
            trace_back(graph, &mut scratch, LotIndex(lot), TA, as_of, &trace_limits)
                .map(|trace| trace.nodes.len())
        });
        table.row(lots, "trace", met.into(), trace, fastest(runs, || plain.trace(lot)));
        table.row(lots, "  one weight", met.into(), trace, fastest(runs, || plain.back(lot)));
        group.bench_function(BenchmarkId::new("shares", met), |bencher| bencher.iter(|| ask(&mut scratch)));
    }
    for wanted in [1_000, 10_000, 100_000].into_iter().filter(|_| asked("recall")) {
        let (lot, met) = near(graph.lots(), wanted, |lot| plain.forward(lot).0);
        if met < wanted / 2 || met > wanted * 2 {
            continue;
        }
        let limits = ForwardLimits { hits: u32::MAX, ..ForwardLimits::default() };
        let recalled = trace_forward(graph, &mut scratch, &[LotIndex(lot)], TA, as_of, &limits);
        let recalled = recalled.expect("it holds tantalum");
        let hits = recalled.hits.iter().map(|hit| (hit.lot.0, (hit.share, hit.contained.0)));
        // Ours leaves out what was made of it and holds none.
        let holds = |lot| graph.contained(LotIndex(lot), TA, as_of).is_some_and(|held| held.value.0 > 0);
        let bare: Vec<_> =
            plain.recall(lot).into_iter().filter(|met| met.lot != lot && holds(met.lot)).collect();
        all_there(&hits.collect(), &bare);
        let ask = |scratch: &mut Scratch| {
            trace_forward(graph, scratch, &[LotIndex(lot)], TA, as_of, &limits)
                .map(|recall| recall.hits.len())
        };
        let runs = if met > 5_000 { 10 } else { 50 };
        let ours = fastest(runs, || ask(&mut scratch));
        table.row(lots, "recall", met.into(), ours, fastest(runs, || plain.recall(lot)));
        table.row(lots, "  one weight", met.into(), ours, fastest(runs, || plain.forward(lot)));
        group.bench_function(BenchmarkId::new("recall", met), |bencher| bencher.iter(|| ask(&mut scratch)));
    }
    if asked("dependence") {
        hangs_on(table, lots, &view, &mut scratch, plain);
    }
    if asked("balance") {
        books(table, lots, &view, &mut group);
    }
    if asked("slices") {
        slices(lots, view.journal, memory, plain, &mut scratch);
    }
    if asked("findings") {
        findings(table, lots, memory, &view, &mut scratch);
    }
    group.finish();
}

/// The bare pass answers what ours answers, origin by origin, but for what 64 bits lose.
fn alike(ours: &Result<Attribution, QuestionError>, plain: &mut Plain, lot: u32) {
    let mut bare: BTreeMap<(u32, Route, u16), f64> = BTreeMap::new();
    for (source, way, weight) in plain.shares(lot) {
        let (route, generation) = plain.way(way);
        let origin = (source, route.unwrap_or(Route::Primary), generation);
        *bare.entry(origin).or_default() += weight as f64 / WHOLE as f64;
    }
    for OriginShare { origin, share, .. } in &ours.as_ref().expect("it holds tantalum").origins {
        let part = bare.remove(&(origin.source.0, origin.route, origin.generation)).unwrap_or_default();
        let ours = share.value.units() as f64 / 1e18;
        assert!((part - ours).abs() < 0.000_1, "{ours} of {origin:?}, {part} in the bare pass");
    }
    assert!(bare.is_empty(), "origins that ours does not name: {bare:?}");
}

/// The bare pass lists what ours lists, with as much of each, but for what 64 bits lose.
fn all_there(ours: &BTreeMap<u32, (Parts, u128)>, bare: &[MetLot]) {
    assert_eq!(bare.len(), ours.len(), "lots in the bare pass, and in ours");
    for met in bare {
        let (share, contained) = ours[&met.lot];
        let (bare, ours) = (met.weight as f64 / WHOLE as f64, share.units() as f64 / 1e18);
        assert!((bare - ours).abs() < 0.000_1, "{ours} of lot {}, {bare} in the bare pass", met.lot);
        let (bare, ours) = (met.held as f64 * 65_536.0, contained as f64);
        // Of a kilogram, or of what there is.
        assert!(
            (bare - ours).abs() < (ours / 100.0).max(1e12),
            "{ours} pg of lot {}, {bare} in the bare pass",
            met.lot
        );
        assert!(met.left <= met.held);
    }
}

fn hangs_on(table: &mut Table, lots: u64, view: &View<'_>, scratch: &mut Scratch, plain: &mut Plain) {
    let limits = Limits { steps: u32::MAX, work: u64::MAX };
    let (lot, met) = near(view.graph.lots(), 1_000, |lot| plain.back(lot).0);
    let budget = || Budget::new(u64::MAX);
    let nodes = {
        let found = dependence(view, scratch, lot, TA, NodeKind::Refiner, &limits, &mut budget());
        found.map_or(0, |found| found.nodes.len())
    };
    let ours = fastest(5, || {
        dependence(view, scratch, lot, TA, NodeKind::Refiner, &limits, &mut budget()).map(|it| it.nodes.len())
    });
    // One walk for the shares, one to list the nodes and one without each.
    let walks = nodes as u32 + 2;
    table.row(lots, "dependence", met.into(), ours, fastest(20, || plain.back(lot)) * walks);
}

fn books(
    table: &mut Table,
    lots: u64,
    view: &View<'_>,
    group: &mut criterion::BenchmarkGroup<'_, criterion::measurement::WallTime>,
) {
    let facility = view.journal.words().find("refiner-1/works").expect("told");
    let of = BalanceOf {
        facility,
        material: MaterialClass::Unspecified,
        element: TA,
        from_ms: 0,
        to_ms: u64::MAX,
    };
    let pages = written(lots, view);
    let sheet = balance(view, &of, usize::MAX, &mut Budget::new(u64::MAX));
    let rows: Vec<(u64, i128)> = sheet
        .movements
        .iter()
        .map(|it| (view.entry(it.leaf).map_or(0, |entry| entry.event_ms), it.amount_pg))
        .collect();
    let add_up =
        |rows: &[(u64, i128)]| rows.iter().filter(|row| row.0 < of.to_ms).map(|row| row.1).sum::<i128>();
    let sum = || add_up(&rows);
    let ask = |of: &BalanceOf, pages: &Pages| {
        let mut books = Books::new(*of, 0);
        assert!(books.go_on_with(pages, view, &mut Budget::new(u64::MAX)));
        books.close(true)
    };
    assert_eq!(ask(&of, &pages), Balance { movements: Vec::new(), more_movements: true, ..sheet.clone() });
    // The first that a node is asked about the facility: of its pages, as of the bare rows, nothing is in a cache; what
    // was asked before was about another facility.
    let met = rows.len() as u64;
    let other = view.journal.words().find("refiner-2/works").expect("told");
    let (other, few) = (BalanceOf { facility: other, ..of }, rows[..16].to_vec());
    let first = cold(|| ask(&other, &pages), || ask(&of, &pages));
    table.row(lots, "books at first", met, first, cold(|| add_up(&few), sum));
    let limit = fastest(20, sum);
    table.row(lots, "books again", met, fastest(20, || ask(&of, &pages)), limit);
    // A period that begins and ends within pages.
    let (first_ms, last_ms) = (rows[rows.len() / 3].0, rows[rows.len() / 2].0);
    let period = BalanceOf { from_ms: first_ms, to_ms: last_ms, ..of };
    assert_eq!(ask(&period, &pages), balance(view, &period, 0, &mut Budget::new(u64::MAX)));
    table.row(lots, "of a period", met, fastest(20, || ask(&period, &pages)), limit);
    // As it is where no pages are written yet, and as of a business date.
    let bare = Pages::new();
    let worked_out = fastest(10, || ask(&of, &bare));
    table.row(lots, "when asked", met, worked_out, limit);
    // The same when amounts do not lie ready: each movement's mass and content stand in rows of lots, and are met
    // in the order of the facility's records.
    let (mut masses, mut contents) =
        (vec![0_u64; view.graph.lots() as usize], vec![0_u32; view.graph.lots() as usize]);
    let lots_of: Vec<(u64, u32)> = sheet
        .movements
        .iter()
        .map(|it| {
            let lot = LotIndex(it.lot);
            masses[it.lot as usize] = view.graph.lot(lot, u64::MAX).map_or(0, |lot| lot.dry_mg);
            view.graph.each_content(lot, u64::MAX, |element, content| {
                if element == TA {
                    contents[it.lot as usize] = content.ppb;
                }
            });
            (view.entry(it.leaf).map_or(0, |entry| entry.event_ms), it.lot)
        })
        .collect();
    let looked_up = fastest(20, || {
        let before = lots_of.iter().filter(|row| row.0 < of.to_ms).map(|row| row.1 as usize);
        before.map(|lot| u128::from(masses[lot]) * u128::from(contents[lot])).sum::<u128>()
    });
    table.row(lots, "looked up", met, worked_out, looked_up);
    group.bench_function(BenchmarkId::new("balance", met), |bencher| bencher.iter(|| ask(&of, &pages)));
}

/// The pages of every facility and element, and what they cost a node whose auditors ask for the first time.
fn written(lots: u64, view: &View<'_>) -> Pages {
    const UNITS: u64 = 8_192;
    let (mut pages, mut longest) = (Pages::new(), Duration::ZERO);
    let begin = Instant::now();
    while pages.taken_up() < view.as_of {
        let slice = Instant::now();
        let _ = pages.take_up(view, &mut Budget::new(UNITS));
        longest = longest.max(slice.elapsed());
    }
    let took = begin.elapsed();
    println!(
        "{lots:>9}  pages of every facility and element: {:.0} ns a record, {:.1} bytes a lot, {:.3} s in all, \
         longest slice {:.1} ms",
        took.as_secs_f64() * 1e9 / view.as_of as f64,
        pages.bytes() as f64 / lots as f64,
        took.as_secs_f64(),
        longest.as_secs_f64() * 1e3
    );
    pages
}

/// Fastest of some runs that find none of their data in the caches: before each, more memory is written than they hold.
/// `before` does the same with other data.
fn cold<T, U>(mut before: impl FnMut() -> U, mut run: impl FnMut() -> T) -> Duration {
    let mut other = vec![0_u64; 16 << 20];
    let runs = (1..=10).map(|turn| {
        other.iter_mut().for_each(|word| *word += turn);
        black_box((&other, before()));
        let start = Instant::now();
        black_box(run());
        start.elapsed()
    });
    runs.min().unwrap_or_default()
}

/// The longest slices of the largest walks and of a dated copy: as long a node holds the graph's lock.
fn slices(lots: u64, journal: &Journal, memory: &Memory, plain: &mut Plain, scratch: &mut Scratch) {
    const UNITS: u64 = 50_000;
    const ROWS: usize = 100_000;
    let (graph, as_of) = (&memory.graph, memory.size());
    let longest = |mut slice: Box<dyn FnMut() -> bool + '_>| {
        let (mut most, mut slices) = (Duration::ZERO, 0);
        loop {
            let begin = Instant::now();
            let done = slice();
            (most, slices) = (most.max(begin.elapsed()), slices + 1);
            if done {
                return format!("{:.1} ms of {slices}", most.as_secs_f64() * 1e3);
            }
        }
    };
    let (limits, wide) =
        (Limits { steps: u32::MAX, work: u64::MAX }, TraceLimits { depth: u32::MAX, nodes: u32::MAX });
    let lot = LotIndex(near(graph.lots(), 100_000, |lot| plain.back(lot).0).0);
    let mut found = Attributing::new(graph, scratch, lot, TA, as_of, &limits).expect("it holds tantalum");
    let shares = longest(Box::new(|| found.go_on(graph, scratch, UNITS).is_some()));
    let mut found = TracingBack::new(graph, scratch, lot, TA, as_of, &wide).expect("it holds tantalum");
    let trace = longest(Box::new(|| found.go_on(graph, scratch, UNITS).is_some()));
    let lot = LotIndex(near(graph.lots(), 100_000, |lot| plain.forward(lot).0).0);
    let all = ForwardLimits { hits: u32::MAX, ..ForwardLimits::default() };
    let mut found = Recalling::new(graph, scratch, &[lot], TA, as_of, &all).expect("it holds tantalum");
    let recall = longest(Box::new(|| found.go_on(graph, scratch, UNITS).is_some()));
    let mut dating = Dating::new(graph, as_of);
    let happened = |leaf| View::happened(journal, leaf, u64::MAX - 1);
    let dated = longest(Box::new(|| dating.go_on(graph, happened, ROWS)));
    println!("{lots:>9}  longest slice: shares {shares}, trace {trace}, recall {recall}, dated copy {dated}");
}

fn findings(table: &mut Table, lots: u64, memory: &Memory, view: &View<'_>, scratch: &mut Scratch) {
    let strict = |_: u32| Some(true);
    let mut judge_all = || {
        let mut judge = Judge::new(*view, scratch, &strict, Budget::new(u64::MAX), Known::default());
        (0..memory.size() as u32).filter_map(|leaf| judge.judge(leaf)).map(|found| found.len()).sum::<usize>()
    };
    let runs = if lots > 100_000 { 1 } else { 3 };
    let ours = fastest(runs, &mut judge_all);
    assert_eq!(judge_all(), 0, "the story is clean");
    // Every record met once, every content of every step added up.
    let limit = fastest(runs, || {
        let mut sum = 0_u128;
        for (leaf, entry) in view.entries() {
            if let Fact::Step(step) = &entry.fact {
                sum += view.taken(leaf, TA).map(|(_, amount)| amount.0).sum::<u128>();
                sum += step.outputs.iter().map(|output| view.created(output.lot, TA).0).sum::<u128>();
            }
        }
        sum
    });
    table.row(lots, "findings", memory.size(), ours, limit);
}

/// Bytes per lot, by kind, and what the whole process holds.
fn weigh(memory: &Memory) {
    let lots = f64::from(memory.graph.lots().max(1));
    let per_lot = |bytes: usize| bytes as f64 / lots;
    let graph = memory.graph.bytes_in_use();
    print!("bytes per lot: graph {:.0} (", per_lot(graph));
    for (kind, bytes) in memory.graph.bytes_by_kind() {
        print!("{kind} {:.0}, ", per_lot(bytes));
    }
    // Resident pages of 4 KiB; where there is no such file nothing is said.
    let pages = fs::read_to_string("/proc/self/statm").ok();
    let pages = pages.and_then(|text| text.split(' ').nth(1)?.parse::<usize>().ok());
    println!(
        "in all); graph, journal and story {:.0}",
        pages.map_or(f64::NAN, |pages| per_lot(pages * 4_096))
    );
}

/// What the other side needs: edges with shares, and lots to ask about. Then a line of standard input is a question,
/// `back` or `forward` and a lot, and the answer's time in nanoseconds a line of standard output.
fn serve(memory: &Memory, plain: &mut Plain, table: &Table) {
    let Some(folder) = std::env::var_os("ORE_BENCH_DUMP").map(PathBuf::from) else { return };
    let mut edges = String::new();
    for (child, parents) in plain.parents.each() {
        for (parent, share) in parents {
            let _ = writeln!(edges, "{child},{parent},{}", f64::from(*share) / f64::from(1_u32 << 31));
        }
    }
    let mut asked = String::new();
    let graph = &memory.graph;
    for wanted in [100, 1_000, 10_000, 100_000] {
        let (lot, met) = near(graph.lots(), wanted, |lot| plain.back(lot).0);
        if (wanted / 2..wanted * 2).contains(&met) {
            let _ = writeln!(asked, "back {lot} {met}");
        }
    }
    for wanted in [1_000, 10_000, 100_000] {
        let (lot, met) = near(graph.lots(), wanted, |lot| plain.forward(lot).0);
        if (wanted / 2..wanted * 2).contains(&met) {
            let _ = writeln!(asked, "forward {lot} {met}");
        }
    }
    let write = |name: &str, text: &str| fs::write(folder.join(name), text).expect("a folder to write into");
    write("edges.csv", &edges);
    write("asked.txt", &asked);
    write("ours.txt", &table.0);
    drop((edges, asked));
    println!("ready");
    let mut scratch = Scratch::default();
    for line in std::io::stdin().lines() {
        let line = line.expect("standard input");
        let (way, lot) = line.split_once(' ').expect("a way and a lot");
        let lot = LotIndex(lot.parse().expect("a lot's number"));
        let begin = Instant::now();
        let answered = if way == "back" {
            let limits = Limits { steps: u32::MAX, work: u64::MAX };
            black_box(attribute(graph, &mut scratch, lot, TA, memory.size(), &limits)).is_ok()
        } else {
            let limits = ForwardLimits { steps: u32::MAX, hits: u32::MAX, ..ForwardLimits::default() };
            black_box(trace_forward(graph, &mut scratch, &[lot], TA, memory.size(), &limits)).is_ok()
        };
        let took = begin.elapsed();
        assert!(answered, "{line}");
        println!("{}", took.as_nanos());
    }
}

criterion_group! {
    name = benches;
    config = Criterion::default().without_plots().warm_up_time(Duration::from_millis(200)).measurement_time(Duration::from_secs(1));
    targets = all
}
criterion_main!(benches);
