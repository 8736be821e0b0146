//! Traces with shares in a layered graph of a million lots, beside a bare walk over arrays.
//!
//! The bare walk is the unavoidable part: the same lots in the same order, two inputs
//! each, one 64-bit multiplication per taken part, no routes, no exact division, a
//! dense array cleared by whoever filled it. It is written here, for this file only.

use std::hint::black_box;
use std::time::{Duration, Instant};

use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use ore_provenance::{
    Content, Element, ForwardLimits, Graph, Limits, LotIndex, Mixing, NewLot, Origin, Route, Scratch,
    SourceId, SourceKind, StepKind, Taken, TraceLimits, attribute, trace_back, trace_forward,
};

const LOTS: u32 = 1_000_000;
const SOURCES: u32 = 20_000;
/// Lots of one layer; inputs come from the layer before.
const LAYER: u32 = 20_000;
const TANTALUM: Element = Element(73);
const NOW: u64 = u64::MAX;

/// SplitMix64.
fn dice(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut z = *state;
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// Two inputs per lot out of a window of the layer before; every thousandth step recycles.
fn layered() -> (Graph, Vec<[u32; 2]>) {
    let mut graph = Graph::new();
    let mut inputs = vec![[u32::MAX; 2]; LOTS as usize];
    let mut state = 7;
    for lot in 0..LOTS {
        let ppb = 200_000_000 + (dice(&mut state) % 100_000_000) as u32;
        let composition = [(TANTALUM, Content::exact(ppb))];
        let dry_mg = 1_000_000_000 + dice(&mut state) % 1_000_000_000;
        let leaf = u64::from(lot);
        if lot < SOURCES {
            let origin =
                Origin { source: SourceId(lot % 500), country: *b"RW", route: Route::Primary, generation: 0 };
            graph.append_source(leaf, origin, SourceKind::Mine, dry_mg, &composition).unwrap();
            continue;
        }
        let place = u64::from(lot % LAYER);
        let before = lot - lot % LAYER - LAYER;
        let taken = [(); 2].map(|()| {
            let near = (place + dice(&mut state) % 4_096) % u64::from(LAYER);
            let lot = LotIndex(before + near as u32);
            let left = graph.lot(lot, NOW).unwrap().remaining_mg();
            Taken { lot, dry_mg: (100_000_000 + dice(&mut state) % 100_000_000).min(left / 2) }
        });
        inputs[lot as usize] = taken.map(|taken| taken.lot.0);
        let kind = match lot % 1_000 {
            0 => StepKind::Recycle(ore_provenance::RecyclingClass::PostConsumer),
            _ => StepKind::Transform,
        };
        let output = NewLot { dry_mg, composition: &composition };
        graph.append_step(leaf, kind, Mixing::Homogenised, &taken, &[output]).unwrap();
    }
    (graph, inputs)
}

/// The limit: a heap-free descending walk over a bitmap with dense 64-bit weights.
struct Bare {
    weight: Vec<u64>,
    met: Vec<u64>,
}

impl Bare {
    fn walk(&mut self, inputs: &[[u32; 2]], lot: u32, most: u32) -> (u32, u64) {
        self.weight[lot as usize] = 1 << 60;
        self.met[lot as usize / 64] |= 1 << (lot % 64);
        let (mut visited, mut sum, mut word) = (0, 0u64, lot as usize / 64);
        loop {
            while self.met[word] != 0 {
                let bit = 63 - self.met[word].leading_zeros();
                self.met[word] &= !(1 << bit);
                let lot = word as u32 * 64 + bit;
                let weight = std::mem::take(&mut self.weight[lot as usize]);
                visited += 1;
                if visited > most {
                    continue;
                }
                for input in inputs[lot as usize] {
                    if input == u32::MAX {
                        sum = sum.wrapping_add(weight);
                        continue;
                    }
                    self.weight[input as usize] += (weight.wrapping_mul(0x8000_0001)) >> 32;
                    self.met[input as usize / 64] |= 1 << (input % 64);
                }
            }
            if word == 0 {
                return (visited, sum);
            }
            word -= 1;
        }
    }
}

/// Fastest of many runs: what the work costs when nothing else uses the processor.
fn fastest(mut run: impl FnMut()) -> Duration {
    (0..60)
        .map(|_| {
            let start = Instant::now();
            run();
            start.elapsed()
        })
        .min()
        .unwrap_or_default()
}

/// The youngest lots whose ancestors number about what is wanted, smallest difference first.
fn lot_with_ancestors(graph: &Graph, scratch: &mut Scratch, wanted: u32) -> (LotIndex, u32) {
    let mut best = (LotIndex(0), 0u32);
    for layer in 1..LOTS / LAYER {
        let lot = LotIndex(layer * LAYER + 11);
        let answer = attribute(graph, scratch, lot, TANTALUM, NOW, &Limits::default()).unwrap();
        if answer.visited.lots.abs_diff(wanted) < best.1.abs_diff(wanted) {
            best = (lot, answer.visited.lots);
        }
    }
    best
}

fn traces(criterion: &mut Criterion) {
    let (graph, inputs) = layered();
    let mut scratch = Scratch::default();
    let mut bare = Bare { weight: vec![0; LOTS as usize], met: vec![0; LOTS as usize / 64 + 1] };
    let per_lot = graph.bytes_in_use() as f64 / f64::from(LOTS);
    println!("graph: {LOTS} lots, {per_lot:.1} bytes each with two taken parts and one content");

    for wanted in [100, 1_000, 10_000, 100_000] {
        let (lot, ancestors) = lot_with_ancestors(&graph, &mut scratch, wanted);
        let ours = fastest(|| {
            black_box(attribute(&graph, &mut scratch, lot, TANTALUM, NOW, &Limits::default()).unwrap());
        });
        let limit = fastest(|| {
            black_box(bare.walk(&inputs, lot.0, u32::MAX));
        });
        let ratio = ours.as_secs_f64() / limit.as_secs_f64();
        println!("{ancestors:>7} ancestors: {ours:>10.1?}, bare walk {limit:>10.1?}, ratio {ratio:.1}");
    }

    let mut group = criterion.benchmark_group("trace");
    group.sample_size(20);
    for wanted in [100, 1_000, 10_000, 100_000] {
        let (lot, ancestors) = lot_with_ancestors(&graph, &mut scratch, wanted);
        group.bench_function(BenchmarkId::new("attribute", ancestors), |bencher| {
            bencher.iter(|| {
                attribute(&graph, &mut scratch, black_box(lot), TANTALUM, NOW, &Limits::default()).unwrap()
            });
        });
        group.bench_function(BenchmarkId::new("bare_walk", ancestors), |bencher| {
            bencher.iter(|| bare.walk(&inputs, black_box(lot.0), u32::MAX));
        });
        let limits = TraceLimits { depth: u32::MAX, nodes: 200_000 };
        group.bench_function(BenchmarkId::new("trace_back", ancestors), |bencher| {
            bencher.iter(|| trace_back(&graph, &mut scratch, lot, TANTALUM, NOW, &limits).unwrap());
        });
    }
    group.finish();

    let mut group = criterion.benchmark_group("recall");
    group.sample_size(20);
    for layers in [8u32, 14, 20, 30] {
        let start = [LotIndex((LOTS / LAYER - layers) * LAYER + 11)];
        let limits = ForwardLimits { hits: u32::MAX, ..ForwardLimits::default() };
        let hits = trace_forward(&graph, &mut scratch, &start, TANTALUM, NOW, &limits).unwrap().hits.len();
        group.bench_function(BenchmarkId::new("trace_forward", hits), |bencher| {
            bencher.iter(|| trace_forward(&graph, &mut scratch, &start, TANTALUM, NOW, &limits).unwrap());
        });
    }
    group.finish();

    let mut group = criterion.benchmark_group("snapshot");
    group.sample_size(10);
    let bytes = graph.export();
    println!("snapshot: {} bytes", bytes.len());
    group.bench_function("export_1e6", |bencher| bencher.iter(|| graph.export()));
    group.bench_function("import_1e6", |bencher| bencher.iter(|| Graph::import(&bytes).unwrap()));
    group.finish();
}

criterion_group!(benches, traces);
criterion_main!(benches);
