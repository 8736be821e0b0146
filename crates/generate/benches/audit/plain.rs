//! The same graph as plain arrays, and what a walk over it cannot do without.
//!
//! Weights are 64-bit numbers that nobody checks, nothing is rounded with care, contents were divided beforehand, and
//! there are no bounds, withdrawals, limits or sizes: what ours takes beyond it is the price of those.

use ore_generate::Memory;
use ore_provenance::{ContainedMass, Element, Graph, LotIndex, RecyclingClass, Route, StepIndex, StepKind};

/// All of a lot, as a weight.
pub(crate) const WHOLE: u64 = 1 << 32;
/// All of what a lot is made of, as a share.
const ALL: u32 = 1 << 31;
const NONE: u32 = u32::MAX;

/// Lists of lots and shares, one after the other in one array.
pub(crate) struct Edges {
    first: Vec<u32>,
    rows: Vec<(u32, u32)>,
}

impl Edges {
    fn of(lists: Vec<Vec<(u32, u32)>>) -> Self {
        let (mut first, mut rows) = (vec![0], Vec::new());
        for list in lists {
            rows.extend(list);
            first.push(rows.len() as u32);
        }
        Self { first, rows }
    }

    pub(crate) fn at(&self, lot: usize) -> &[(u32, u32)] {
        &self.rows[self.first[lot] as usize..self.first[lot + 1] as usize]
    }

    /// Each lot with its list.
    pub(crate) fn each(&self) -> impl Iterator<Item = (usize, &[(u32, u32)])> {
        (0..self.first.len() - 1).map(|lot| (lot, self.at(lot)))
    }
}

/// Lots that wait: a bit each, and above them a bit for each word of those.
struct Met {
    words: Vec<u64>,
    above: Vec<u64>,
}

impl Met {
    fn insert(&mut self, lot: usize) {
        self.words[lot / 64] |= 1 << (lot % 64);
        self.above[lot / 4_096] |= 1 << (lot / 64 % 64);
    }

    /// The largest; `word` is that of the one before, or where to begin.
    fn pop_last(&mut self, word: &mut usize) -> Option<usize> {
        while self.words[*word] == 0 {
            self.above[*word / 64] &= !(1 << (*word % 64));
            let mut up = *word / 64;
            while self.above[up] == 0 {
                up = up.checked_sub(1)?;
            }
            *word = up * 64 + 63 - self.above[up].leading_zeros() as usize;
        }
        let bit = 63 - self.words[*word].leading_zeros();
        self.words[*word] &= !(1 << bit);
        Some(*word * 64 + bit as usize)
    }

    /// The smallest, likewise.
    fn pop_first(&mut self, word: &mut usize) -> Option<usize> {
        while self.words[*word] == 0 {
            self.above[*word / 64] &= !(1 << (*word % 64));
            let mut up = *word / 64;
            while *self.above.get(up)? == 0 {
                up += 1;
            }
            *word = up * 64 + self.above[up].trailing_zeros() as usize;
        }
        let bit = self.words[*word].trailing_zeros();
        self.words[*word] &= !(1 << bit);
        Some(*word * 64 + bit as usize)
    }
}

/// Weights by the way they passed: none for metal that nobody recycled, then one for each class of recycling that
/// the story knows, generation by generation.
struct Rooms {
    ways: usize,
    weights: Vec<u64>,
    /// First way of a room, and one beyond its last.
    spans: Vec<(u32, u32)>,
    free: Vec<u32>,
}

impl Rooms {
    fn take(&mut self) -> u32 {
        self.free.pop().unwrap_or_else(|| {
            self.weights.resize(self.weights.len() + self.ways, 0);
            self.spans.push((NONE, 0));
            (self.spans.len() - 1) as u32
        })
    }

    fn add(&mut self, room: u32, first: usize, weights: &[u64], share: u32) {
        let (low, high) = &mut self.spans[room as usize];
        (*low, *high) = ((*low).min(first as u32), (*high).max((first + weights.len()) as u32));
        let to = &mut self.weights[room as usize * self.ways + first..][..weights.len()];
        for (to, weight) in to.iter_mut().zip(weights) {
            *to += weight.wrapping_mul(share.into()) >> 31;
        }
    }

    /// Empties a room into a list that begins at the way returned.
    fn empty(&mut self, room: u32, into: &mut Vec<u64>) -> usize {
        let (low, high) = std::mem::replace(&mut self.spans[room as usize], (NONE, 0));
        let weights = &mut self.weights[room as usize * self.ways..][low as usize..high as usize];
        into.clear();
        into.extend_from_slice(weights);
        weights.fill(0);
        self.free.push(room);
        low as usize
    }
}

/// What a lot held of the element when it was made, and what is left of that: picograms in units of 2^16.
#[derive(Clone, Copy, Default)]
struct Masses {
    held: u64,
    left: u64,
}

/// A lot that was met: its weight, and how much that is of what it held and of what is left.
#[derive(Clone, Copy)]
pub(crate) struct MetLot {
    pub(crate) lot: u32,
    pub(crate) weight: u64,
    pub(crate) held: u64,
    pub(crate) left: u64,
}

/// Lots that were met, and the parts that steps took: from which lot, for which, how much.
#[derive(Default)]
pub(crate) struct Traced {
    pub(crate) lots: Vec<MetLot>,
    pub(crate) parts: Vec<(u32, u32, u64)>,
}

/// What each lot was made of, and what was made of it.
pub(crate) struct Plain {
    pub(crate) parents: Edges,
    children: Edges,
    /// The first lot of the step that made a lot: all have the same shares, so weights wait there once.
    stands_for: Vec<u32>,
    /// What those were made of, likewise.
    makers: Edges,
    /// Which class of recycling made a lot, counted from 1; 0 for none.
    recycled: Vec<u8>,
    classes: Vec<Route>,
    /// Of a lot without parents: its source.
    source: Vec<u32>,
    masses: Vec<Masses>,
    weight: Vec<u64>,
    met: Met,
    rooms: Rooms,
    /// Room of each step that waits, by its first lot, and of each source.
    room_of_step: Vec<u32>,
    room_of_source: Vec<u32>,
}

impl Masses {
    fn of_lot(graph: &Graph, lot: LotIndex, element: Element) -> Self {
        let units = |mass: Option<ContainedMass>| mass.map_or(0, |mass| (mass.value.0 >> 16) as u64);
        let (held, left) = (graph.contained(lot, element, u64::MAX), graph.remaining(lot, element, u64::MAX));
        Self { held: units(held), left: units(left) }
    }

    fn of(self, lot: u32, weight: u64) -> MetLot {
        let part = |mass: u64| ((u128::from(mass) * u128::from(weight)) >> 32) as u64;
        MetLot { lot, weight, held: part(self.held), left: part(self.left) }
    }
}

impl Plain {
    pub(crate) fn of(memory: &Memory, element: Element) -> Self {
        let graph = &memory.graph;
        let lots = graph.lots() as usize;
        let (mut parents, mut children, mut makers) =
            (vec![Vec::new(); lots], vec![Vec::new(); lots], vec![Vec::new(); lots]);
        let (mut recycled, mut source, mut stands_for) = (vec![0; lots], vec![NONE; lots], vec![0; lots]);
        let (mut generation, mut deepest, mut sources) = (vec![0_usize; lots], 0, 0);
        let mut classes = Vec::new();
        for step in 0..graph.steps() {
            let facts = graph.step(StepIndex(step)).expect("it is there");
            let inputs: Vec<_> = graph.inputs(StepIndex(step)).collect();
            let total: u128 = inputs.iter().map(|part| graph.contained_in_part(part, element).0).sum();
            let route = match facts.kind {
                Some(StepKind::Recycle(RecyclingClass::PreConsumer)) => Some(Route::PreConsumer),
                Some(StepKind::Recycle(RecyclingClass::PostConsumer)) => Some(Route::PostConsumer),
                _ => None,
            };
            let class = route.map_or(0, |route| {
                let known = classes.iter().position(|known| *known == route);
                known.unwrap_or_else(|| {
                    classes.push(route);
                    classes.len() - 1
                }) + 1
            });
            let passed = inputs.iter().map(|part| generation[part.lot.0 as usize]).max().unwrap_or(0);
            let first = facts.outputs.start;
            for lot in facts.outputs.clone().map(|lot| lot as usize) {
                (recycled[lot], generation[lot]) = (class as u8, passed + class.min(1));
                stands_for[lot] = first;
                deepest = deepest.max(generation[lot]);
                if let Some((origin, _)) = facts.origin {
                    source[lot] = origin.source.0;
                    sources = sources.max(origin.source.0 as usize + 1);
                }
            }
            for part in inputs {
                let share =
                    (graph.contained_in_part(&part, element).0 * u128::from(ALL) / total.max(1)) as u32;
                if share == 0 {
                    continue;
                }
                for lot in facts.outputs.clone() {
                    parents[lot as usize].push((part.lot.0, share));
                    children[part.lot.0 as usize].push((lot, share));
                }
                if !facts.outputs.is_empty() {
                    let (list, from) = (&mut makers[first as usize], stands_for[part.lot.0 as usize]);
                    match list.iter_mut().find(|row: &&mut (u32, u32)| row.0 == from) {
                        Some(row) => row.1 += share,
                        None => list.push((from, share)),
                    }
                }
            }
        }
        let ways = classes.len() * deepest + 1;
        Self {
            parents: Edges::of(parents),
            children: Edges::of(children),
            stands_for,
            makers: Edges::of(makers),
            recycled,
            classes,
            source,
            masses: (0..graph.lots()).map(|lot| Masses::of_lot(graph, LotIndex(lot), element)).collect(),
            weight: vec![0; lots],
            met: Met { words: vec![0; lots / 64 + 1], above: vec![0; lots / 4_096 + 1] },
            rooms: Rooms { ways, weights: Vec::new(), spans: Vec::new(), free: Vec::new() },
            room_of_step: vec![NONE; lots],
            room_of_source: vec![NONE; sources],
        }
    }

    /// The part of a lot that came from each source by each way, of [`WHOLE`].
    pub(crate) fn shares(&mut self, lot: u32) -> Vec<(u32, u16, u64)> {
        let Self { makers, recycled, classes, source, met, rooms, room_of_step, room_of_source, .. } = self;
        let (mut front, mut arrived) = (Vec::new(), Vec::new());
        let lot = self.stands_for[lot as usize] as usize;
        room_of_step[lot] = rooms.take();
        rooms.add(room_of_step[lot], 0, &[WHOLE], ALL);
        met.insert(lot);
        let mut at = lot / 64;
        while let Some(lot) = met.pop_last(&mut at) {
            let here = std::mem::replace(&mut room_of_step[lot], NONE);
            let inputs = makers.at(lot);
            // Where nothing waits yet, a room goes on as it is.
            if let [(only, _)] = *inputs
                && recycled[lot] == 0
                && room_of_step[only as usize] == NONE
            {
                room_of_step[only as usize] = here;
                met.insert(only as usize);
                continue;
            }
            if inputs.is_empty() && source[lot] == NONE {
                // Made of what holds none.
                rooms.empty(here, &mut front);
                continue;
            }
            if inputs.is_empty() {
                let room = &mut room_of_source[source[lot] as usize];
                if *room == NONE {
                    *room = here;
                    arrived.push(source[lot]);
                } else {
                    let low = rooms.empty(here, &mut front);
                    rooms.add(*room, low, &front, ALL);
                }
                continue;
            }
            let mut low = rooms.empty(here, &mut front);
            if recycled[lot] > 0 && low == 0 {
                // What nobody had recycled goes the way of its class, all else one generation on.
                let fresh = front[0];
                front.splice(..1, std::iter::repeat_n(0, classes.len()));
                front[usize::from(recycled[lot]) - 1] = fresh;
                low = 1;
            } else if recycled[lot] > 0 {
                low += classes.len();
            }
            for (parent, share) in inputs {
                let room = &mut room_of_step[*parent as usize];
                if *room == NONE {
                    *room = rooms.take();
                    met.insert(*parent as usize);
                }
                rooms.add(*room, low, &front, *share);
            }
        }
        let mut shares = Vec::new();
        for source in arrived {
            let low = rooms.empty(std::mem::replace(&mut room_of_source[source as usize], NONE), &mut front);
            let found = (low..).zip(&front).filter(|(_, weight)| **weight > 0);
            shares.extend(found.map(|(way, weight)| (source, way as u16, *weight)));
        }
        shares
    }

    /// The route and the number of recyclings of a way.
    pub(crate) fn way(&self, way: u16) -> (Option<Route>, u16) {
        let Some(place) = way.checked_sub(1) else { return (None, 0) };
        let classes = self.classes.len() as u16;
        (Some(self.classes[usize::from(place % classes)]), place / classes + 1)
    }

    /// How many lots a lot was made of, and one number.
    pub(crate) fn back(&mut self, lot: u32) -> (u32, u64) {
        let (mut visited, mut sum) = (0, 0_u64);
        self.ancestors(lot, |source, _, weight| {
            visited += 1;
            sum = sum.wrapping_add(if source { weight } else { 0 });
        });
        (visited, sum)
    }

    /// What a lot was made of, how much passed through each, and through each part that its step took.
    pub(crate) fn trace(&mut self, lot: u32) -> Traced {
        let Self { parents, masses, weight, met, .. } = self;
        let mut traced = Traced::default();
        weight[lot as usize] = WHOLE;
        met.insert(lot as usize);
        let mut at = lot as usize / 64;
        while let Some(lot) = met.pop_last(&mut at) {
            let here = std::mem::take(&mut weight[lot]);
            traced.lots.push(masses[lot].of(lot as u32, here));
            for (parent, share) in parents.at(lot) {
                let part = here.wrapping_mul((*share).into()) >> 31;
                traced.parts.push((*parent, lot as u32, part));
                weight[*parent as usize] += part;
                met.insert(*parent as usize);
            }
        }
        traced
    }

    /// How many lots were made of a lot, and one number.
    pub(crate) fn forward(&mut self, lot: u32) -> (u32, u64) {
        let (mut visited, mut sum) = (0, 0_u64);
        self.descendants(lot, |_, weight| {
            visited += 1;
            sum = sum.wrapping_add(weight);
        });
        (visited, sum)
    }

    /// What was made of a lot, and how much of it is of that.
    pub(crate) fn recall(&mut self, lot: u32) -> Vec<MetLot> {
        let (mut found, masses) = (Vec::new(), std::mem::take(&mut self.masses));
        self.descendants(lot, |lot, weight| found.push(masses[lot as usize].of(lot, weight)));
        self.masses = masses;
        found
    }

    /// Descending over the lots that wait, one weight a lot; tells of each whether it is a source.
    fn ancestors(&mut self, lot: u32, mut each: impl FnMut(bool, u32, u64)) {
        let Self { parents, weight, met, .. } = self;
        weight[lot as usize] = WHOLE;
        met.insert(lot as usize);
        let mut at = lot as usize / 64;
        while let Some(lot) = met.pop_last(&mut at) {
            let here = std::mem::take(&mut weight[lot]);
            let inputs = parents.at(lot);
            each(inputs.is_empty(), lot as u32, here);
            for (parent, share) in inputs {
                weight[*parent as usize] += here.wrapping_mul((*share).into()) >> 31;
                met.insert(*parent as usize);
            }
        }
    }

    /// Ascending.
    fn descendants(&mut self, lot: u32, mut each: impl FnMut(u32, u64)) {
        let Self { children, weight, met, .. } = self;
        weight[lot as usize] = WHOLE;
        met.insert(lot as usize);
        let mut at = lot as usize / 64;
        while let Some(lot) = met.pop_first(&mut at) {
            let here = std::mem::take(&mut weight[lot]);
            each(lot as u32, here);
            for (child, share) in children.at(lot) {
                weight[*child as usize] += here.wrapping_mul((*share).into()) >> 31;
                met.insert(*child as usize);
            }
        }
    }
}
