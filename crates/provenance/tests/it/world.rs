//! Random supply chains as lists of calls, so that they can be replayed, reordered and recomputed.

use ore_provenance::{
    Attribution, Content, ContentKind, Element, Graph, Limits, LotIndex, Mixing, NewLot, Origin,
    RecyclingClass, Route, Scratch, SourceId, SourceKind, StepKind, Taken, attribute,
};
use proptest::prelude::*;

pub(crate) const TANTALUM: Element = Element(73);
pub(crate) const NIOBIUM: Element = Element(41);
pub(crate) const NOW: u64 = u64::MAX;

pub(crate) type Contents = Vec<(Element, Content)>;

/// One call that builds the graph; lots are named by their position among all lots of the list.
#[derive(Clone, Debug)]
pub(crate) enum Call {
    Source { origin: Origin, kind: SourceKind, dry_mg: u64, contents: Contents },
    Step { kind: StepKind, mixing: Mixing, inputs: Vec<(u32, u64)>, outputs: Vec<(u64, Contents)> },
}

impl Call {
    pub(crate) fn lots(&self) -> u32 {
        match self {
            Self::Source { .. } => 1,
            Self::Step { outputs, .. } => outputs.len() as u32,
        }
    }

    pub(crate) fn append(&self, graph: &mut Graph, leaf: u64) {
        match self {
            Self::Source { origin, kind, dry_mg, contents } => {
                graph.append_source(leaf, *origin, *kind, *dry_mg, contents).unwrap();
            }
            Self::Step { kind, mixing, inputs, outputs } => {
                let inputs: Vec<Taken> = inputs
                    .iter()
                    .map(|(lot, dry_mg)| Taken { lot: LotIndex(*lot), dry_mg: *dry_mg })
                    .collect();
                let outputs: Vec<NewLot<'_>> = outputs
                    .iter()
                    .map(|(dry_mg, composition)| NewLot { dry_mg: *dry_mg, composition })
                    .collect();
                graph.append_step(leaf, *kind, *mixing, &inputs, &outputs).unwrap();
            }
        }
    }
}

pub(crate) fn build(calls: &[Call]) -> Graph {
    let mut graph = Graph::new();
    for (leaf, call) in calls.iter().enumerate() {
        call.append(&mut graph, leaf as u64);
    }
    graph
}

/// The answer for one lot, or `None` where the lot holds nothing of the element.
pub(crate) fn ask(graph: &Graph, scratch: &mut Scratch, lot: u32, element: Element) -> Option<Attribution> {
    attribute(graph, scratch, LotIndex(lot), element, NOW, &Limits::default()).ok()
}

pub(crate) fn origin(source: u32) -> (Origin, SourceKind) {
    let country = [*b"RW", *b"BR", *b"AU", *b"ZZ", *b"NG", *b"CD"][source as usize % 6];
    let (kind, route) = match source % 6 {
        3 => (SourceKind::DeclaredUnknown, Route::Primary),
        4 => (SourceKind::ScrapCollection, Route::PostConsumer),
        _ => (SourceKind::Mine, Route::Primary),
    };
    let generation = u16::from(kind == SourceKind::ScrapCollection);
    (Origin { source: SourceId(source), country, route, generation }, kind)
}

pub(crate) fn exact(ppb: u32) -> Content {
    Content::exact(ppb)
}

/// How wild a random chain may be.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Wildness {
    /// Assays with uncertainties and detection limits.
    pub(crate) uncertain: bool,
    /// Stockpiles and segregated stores.
    pub(crate) layers: bool,
    /// Outputs may hold what inputs do not state.
    pub(crate) out_of_nothing: bool,
}

pub(crate) const TAME: Wildness = Wildness { uncertain: false, layers: false, out_of_nothing: false };

/// Numbers from which one call is made; shrinking drops calls.
type Seed = (u8, u64, u64, u64);

pub(crate) fn chains(longest: usize, wildness: Wildness) -> impl Strategy<Value = Vec<Call>> {
    proptest::collection::vec(any::<Seed>(), 2..longest).prop_map(move |seeds| calls(&seeds, wildness))
}

pub(crate) fn calls(seeds: &[Seed], wildness: Wildness) -> Vec<Call> {
    let mut maker = Maker { calls: Vec::new(), stock: Vec::new(), wildness };
    for seed in seeds {
        maker.call(*seed);
    }
    maker.calls
}

/// What is left of a lot while calls are made up.
struct Stock {
    left_mg: u64,
    contents: Contents,
}

struct Maker {
    calls: Vec<Call>,
    stock: Vec<Stock>,
    wildness: Wildness,
}

/// SplitMix64: a few more numbers out of one.
pub(crate) struct Dice(pub(crate) u64);

impl Dice {
    pub(crate) fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % sides.max(1)
    }
}

impl Maker {
    fn call(&mut self, (what, a, b, c): Seed) {
        let mut dice = Dice(a ^ b.rotate_left(21) ^ c.rotate_left(42));
        let open: Vec<u32> =
            (0..self.stock.len() as u32).filter(|lot| self.stock[*lot as usize].left_mg > 0).collect();
        if open.is_empty() || what.is_multiple_of(4) {
            return self.source(&mut dice);
        }
        let kind = match what % 16 {
            1 => StepKind::Split,
            2 => StepKind::Recycle(RecyclingClass::PreConsumer),
            3 | 5 => StepKind::Recycle(RecyclingClass::PostConsumer),
            6 => StepKind::Recycle(RecyclingClass::InternalRunAround),
            7 => StepKind::Leave,
            _ => StepKind::Transform,
        };
        let mixing = match dice.roll(4) {
            0 if self.wildness.layers => Mixing::NotHomogenised,
            1 if self.wildness.layers => Mixing::Segregated,
            _ => Mixing::Homogenised,
        };
        let inputs = self.take(&mut dice, &open, if kind == StepKind::Split { 1 } else { 4 });
        let outputs = if kind == StepKind::Leave { Vec::new() } else { self.make(&mut dice, &inputs, kind) };
        for (dry_mg, contents) in &outputs {
            self.stock.push(Stock { left_mg: *dry_mg, contents: contents.clone() });
        }
        self.calls.push(Call::Step { kind, mixing, inputs, outputs });
    }

    fn source(&mut self, dice: &mut Dice) {
        let (origin, kind) = origin(dice.roll(12) as u32);
        let size = 10 + dice.roll(30);
        let dry_mg = 1 + dice.roll(1 << size);
        let mut contents = vec![(TANTALUM, self.content(dice, 500_000_000))];
        if dice.roll(2) == 0 {
            contents.push((NIOBIUM, self.content(dice, 400_000_000)));
        }
        self.stock.push(Stock { left_mg: dry_mg, contents: contents.clone() });
        self.calls.push(Call::Source { origin, kind, dry_mg, contents });
    }

    fn content(&self, dice: &mut Dice, most: u64) -> Content {
        let mut content = exact(1 + dice.roll(most) as u32);
        if self.wildness.uncertain && dice.roll(2) == 0 {
            content.uncertainty_ppb_k2 = dice.roll(u64::from(content.ppb) + 1) as u32;
            content.kind = [ContentKind::Measured, ContentKind::Declared][dice.roll(2) as usize];
        }
        if self.wildness.uncertain && dice.roll(10) == 0 {
            content.kind = ContentKind::BelowDetection;
        }
        content
    }

    fn take(&mut self, dice: &mut Dice, open: &[u32], most: u64) -> Vec<(u32, u64)> {
        let mut inputs: Vec<(u32, u64)> = Vec::new();
        for _ in 0..=dice.roll(most) {
            // Newer lots more often, so that chains grow deep.
            let back = dice.roll(open.len() as u64).min(dice.roll(open.len() as u64));
            let lot = open[open.len() - 1 - back as usize];
            let left = self.stock[lot as usize].left_mg;
            if left == 0 {
                continue;
            }
            let taken = if dice.roll(3) == 0 { left } else { 1 + dice.roll(left) };
            self.stock[lot as usize].left_mg -= taken;
            inputs.push((lot, taken));
        }
        inputs
    }

    /// Outputs that hold no more of any element than the inputs, unless anything goes.
    fn make(&self, dice: &mut Dice, inputs: &[(u32, u64)], kind: StepKind) -> Vec<(u64, Contents)> {
        let dry: u64 = inputs.iter().map(|(_, dry_mg)| dry_mg).sum();
        let mean = |element: Element| {
            let contained: u128 = inputs
                .iter()
                .map(|(lot, dry_mg)| {
                    let contents = &self.stock[*lot as usize].contents;
                    let found = contents.iter().find(|(it, _)| *it == element);
                    u128::from(*dry_mg) * found.map_or(0, |(_, content)| u128::from(content.bounds().0))
                })
                .sum();
            (contained / u128::from(dry)) as u32
        };
        let mut left = dry;
        let mut outputs = Vec::new();
        let count = 1 + dice.roll(3);
        for index in 0..count {
            let dry_mg = match (kind, index + 1 == count) {
                (StepKind::Split, true) => left,
                _ => dice.roll(left + 1),
            };
            left -= dry_mg;
            let contents: Contents = if kind == StepKind::Split {
                self.stock[inputs[0].0 as usize].contents.clone()
            } else {
                [TANTALUM, NIOBIUM]
                    .into_iter()
                    .map(|element| {
                        let most = mean(element);
                        let nothing = self.wildness.out_of_nothing && dice.roll(4) == 0;
                        (
                            element,
                            if nothing { self.content(dice, 1_000_000_000) } else { self.around(dice, most) },
                        )
                    })
                    .filter(|(_, content)| content.ppb > 0)
                    .collect()
            };
            outputs.push((dry_mg, contents));
        }
        outputs
    }

    fn around(&self, dice: &mut Dice, ppb: u32) -> Content {
        let mut content = exact(ppb);
        if self.wildness.uncertain && dice.roll(2) == 0 {
            content.uncertainty_ppb_k2 = dice.roll(u64::from(ppb / 4) + 1) as u32;
        }
        content
    }
}
