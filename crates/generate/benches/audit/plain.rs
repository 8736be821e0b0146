//! The same graph as plain arrays, and what a walk over it cannot do without.
//!
//! Weights are 64-bit numbers that nobody checks, nothing is rounded with care, contents were divided beforehand, and
//! there are no bounds, withdrawals, limits or sizes: what ours takes beyond it is the price of those.

use ore_generate::Memory;
use ore_provenance::{Element, RecyclingClass, StepIndex, StepKind};

/// All of a lot, as a weight; what is handed down is a part of it in 2^-32.
const WHOLE: u64 = 1 << 30;

/// What each lot was made of, and what was made of it.
pub(crate) struct Plain {
    pub(crate) parents: Vec<Vec<(u32, u64)>>,
    children: Vec<Vec<(u32, u64)>>,
    /// Where the step that made a lot recycled: 1 before use, 2 after it.
    recycled: Vec<usize>,
    /// Of a lot without parents: its source.
    source: Vec<u32>,
    weight: Vec<u64>,
    met: Vec<u64>,
    rooms: Rooms,
    /// Room of each lot that waits, and of each source.
    room_of_lot: Vec<u32>,
    room_of_source: Vec<u32>,
}

/// Weights by the way they passed: none for metal that nobody recycled, then two for each generation.
struct Rooms {
    ways: usize,
    weights: Vec<u64>,
    /// First and last way of a room, and one beyond.
    spans: Vec<(usize, usize)>,
    free: Vec<u32>,
}

const NONE: u32 = u32::MAX;

impl Rooms {
    fn take(&mut self) -> u32 {
        self.free.pop().unwrap_or_else(|| {
            self.weights.resize(self.weights.len() + self.ways, 0);
            self.spans.push((usize::MAX, 0));
            (self.spans.len() - 1) as u32
        })
    }

    fn add(&mut self, room: u32, first: usize, weights: &[u64], share: u64) {
        let (low, high) = &mut self.spans[room as usize];
        (*low, *high) = ((*low).min(first), (*high).max(first + weights.len()));
        let to = &mut self.weights[room as usize * self.ways + first..][..weights.len()];
        for (to, weight) in to.iter_mut().zip(weights) {
            *to += weight.wrapping_mul(share) >> 32;
        }
    }

    /// Empties a room into a list that begins at the way returned.
    fn empty(&mut self, room: u32, into: &mut Vec<u64>) -> usize {
        let (low, high) = std::mem::replace(&mut self.spans[room as usize], (usize::MAX, 0));
        let weights = &mut self.weights[room as usize * self.ways..][low..high];
        into.clear();
        into.extend_from_slice(weights);
        weights.fill(0);
        self.free.push(room);
        low
    }
}

impl Plain {
    pub(crate) fn of(memory: &Memory, element: Element) -> Self {
        let graph = &memory.graph;
        let lots = graph.lots() as usize;
        let (mut parents, mut children) = (vec![Vec::new(); lots], vec![Vec::new(); lots]);
        let (mut recycled, mut source) = (vec![0; lots], vec![NONE; lots]);
        let (mut generation, mut deepest, mut sources) = (vec![0_usize; lots], 0, 0);
        for step in 0..graph.steps() {
            let facts = graph.step(StepIndex(step)).expect("it is there");
            let inputs: Vec<_> = graph.inputs(StepIndex(step)).collect();
            let total: u128 = inputs.iter().map(|part| graph.contained_in_part(part, element).0).sum();
            let class = match facts.kind {
                Some(StepKind::Recycle(RecyclingClass::PreConsumer)) => 1,
                Some(StepKind::Recycle(RecyclingClass::PostConsumer)) => 2,
                _ => 0,
            };
            let passed = inputs.iter().map(|part| generation[part.lot.0 as usize]).max().unwrap_or(0);
            for lot in facts.outputs.clone() {
                let lot = lot as usize;
                (recycled[lot], generation[lot]) = (class, passed + class.min(1));
                deepest = deepest.max(generation[lot]);
                if let Some((origin, _)) = facts.origin {
                    source[lot] = origin.source.0;
                    sources = sources.max(origin.source.0 as usize + 1);
                }
            }
            for part in inputs {
                let share = graph.contained_in_part(&part, element).0 * (1 << 32) / total.max(1);
                for lot in facts.outputs.clone() {
                    parents[lot as usize].push((part.lot.0, share as u64));
                    children[part.lot.0 as usize].push((lot, share as u64));
                }
            }
        }
        let rooms = Rooms { ways: 2 * deepest + 1, weights: Vec::new(), spans: Vec::new(), free: Vec::new() };
        let (weight, met) = (vec![0; lots], vec![0; lots.div_ceil(64)]);
        let (room_of_lot, room_of_source) = (vec![NONE; lots], vec![NONE; sources]);
        Self { parents, children, recycled, source, weight, met, rooms, room_of_lot, room_of_source }
    }

    /// The part of a lot that came from each source by each way.
    pub(crate) fn shares(&mut self, lot: u32) -> Vec<(u32, u16, u64)> {
        let Self { parents, recycled, source, met, rooms, room_of_lot, room_of_source, .. } = self;
        let (mut front, mut arrived) = (Vec::new(), Vec::new());
        let first = rooms.take();
        rooms.add(first, 0, &[WHOLE], 1 << 32);
        room_of_lot[lot as usize] = first;
        met[lot as usize / 64] |= 1 << (lot % 64);
        descend(met, lot, |met, lot| {
            let here = std::mem::replace(&mut room_of_lot[lot], NONE);
            // Where nothing waits yet, a room goes on as it is.
            if let [(only, _)] = parents[lot][..]
                && recycled[lot] == 0
                && room_of_lot[only as usize] == NONE
            {
                room_of_lot[only as usize] = here;
                met[only as usize / 64] |= 1 << (only % 64);
                return;
            }
            if parents[lot].is_empty() && room_of_source[source[lot] as usize] == NONE {
                room_of_source[source[lot] as usize] = here;
                arrived.push(source[lot]);
                return;
            }
            let mut low = rooms.empty(here, &mut front);
            if parents[lot].is_empty() {
                let room = &room_of_source[source[lot] as usize];
                rooms.add(*room, low, &front, 1 << 32);
                return;
            }
            if recycled[lot] > 0 && low == 0 {
                // What nobody had recycled goes the way of its class, all else one generation on.
                let fresh = front[0];
                front.splice(..1, [0, 0, 0]);
                front[recycled[lot]] = fresh;
            } else if recycled[lot] > 0 {
                low += 2;
            }
            for (parent, share) in &parents[lot] {
                let parent = *parent as usize;
                if room_of_lot[parent] == NONE {
                    room_of_lot[parent] = rooms.take();
                    met[parent / 64] |= 1 << (parent % 64);
                }
                rooms.add(room_of_lot[parent], low, &front, *share);
            }
        });
        let mut shares = Vec::new();
        for source in arrived {
            let low = rooms.empty(std::mem::replace(&mut room_of_source[source as usize], NONE), &mut front);
            let found = (low..).zip(&front).filter(|(_, weight)| **weight > 0);
            shares.extend(found.map(|(way, weight)| (source, way as u16, *weight)));
        }
        shares
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

    /// What a lot was made of, and how much passed through each.
    pub(crate) fn trace(&mut self, lot: u32) -> Vec<(u32, u64)> {
        let mut found = Vec::new();
        self.ancestors(lot, |_, lot, weight| found.push((lot, weight)));
        found
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
    pub(crate) fn recall(&mut self, lot: u32) -> Vec<(u32, u64)> {
        let mut found = Vec::new();
        self.descendants(lot, |lot, weight| found.push((lot, weight)));
        found
    }

    /// Descending over a bitmap, one weight a lot; tells of each whether it is a source.
    fn ancestors(&mut self, lot: u32, mut each: impl FnMut(bool, u32, u64)) {
        let Self { parents, weight, met, .. } = self;
        weight[lot as usize] = WHOLE;
        met[lot as usize / 64] |= 1 << (lot % 64);
        descend(met, lot, |met, lot| {
            let here = std::mem::take(&mut weight[lot]);
            each(parents[lot].is_empty(), lot as u32, here);
            for (parent, share) in &parents[lot] {
                weight[*parent as usize] += here.wrapping_mul(*share) >> 32;
                met[*parent as usize / 64] |= 1 << (parent % 64);
            }
        });
    }

    /// Ascending over a bitmap.
    fn descendants(&mut self, lot: u32, mut each: impl FnMut(u32, u64)) {
        self.weight[lot as usize] = WHOLE;
        self.met[lot as usize / 64] |= 1 << (lot % 64);
        for word in lot as usize / 64..self.met.len() {
            while self.met[word] != 0 {
                let bit = self.met[word].trailing_zeros();
                self.met[word] &= !(1 << bit);
                let lot = word * 64 + bit as usize;
                let weight = std::mem::take(&mut self.weight[lot]);
                each(lot as u32, weight);
                for (child, share) in &self.children[lot] {
                    self.weight[*child as usize] += weight.wrapping_mul(*share) >> 32;
                    self.met[*child as usize / 64] |= 1 << (child % 64);
                }
            }
        }
    }
}

/// Takes every member of a set, the largest first; smaller ones may come in meanwhile.
fn descend(met: &mut [u64], from: u32, mut each: impl FnMut(&mut [u64], usize)) {
    let mut word = from as usize / 64;
    loop {
        while met[word] != 0 {
            let bit = 63 - met[word].leading_zeros();
            met[word] &= !(1 << bit);
            each(met, word * 64 + bit as usize);
        }
        if word == 0 {
            return;
        }
        word -= 1;
    }
}
