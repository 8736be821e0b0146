//! A map of patterns for the eye: neighbours stay neighbours, distances mean nothing.
//!
//! Uniform manifold approximation and projection after McInnes, Healy & Melville (2018, arXiv:1802.03426),
//! with exact neighbours, principal axes as the start, and one seeded stream of random numbers: the same
//! seed gives the same bytes on every platform. Nothing in this module is evidence.

use alloc::{collections::BTreeMap, vec::Vec};

use libm::{exp, pow, sqrt};

use crate::{
    linalg::{Row, ZERO, ZERO_ROW, add_outer, eigen, minus},
    special::Seeded,
};

/// More points than this are refused: exact neighbours cost the square of their number.
pub const MAX_POINTS: usize = 20_000;

/// Curve `1/(1 + a d^2b)` fitted by the reference implementation to min_dist 0.1 and spread 1.
const A: f64 = 1.576_943_46;
const B: f64 = 0.895_060_88;

/// Points pushed away for each pull; the paper's default.
const PUSHES: usize = 5;

/// Knobs of the picture. They change how it looks and nothing else.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Neighbours per point, 2 to 200.
    pub neighbours: usize,
    /// Passes over the edges, at most 2,000.
    pub epochs: usize,
    /// The stream of random numbers.
    pub seed: u64,
}

impl Default for Settings {
    fn default() -> Self {
        Self { neighbours: 15, epochs: 300, seed: 1 }
    }
}

/// Why there is no map.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EmbeddingError {
    /// The number of points does not allow a map.
    #[error("{found} points: a map needs more than {neighbours} and at most {MAX_POINTS}")]
    Points {
        /// Points given.
        found: usize,
        /// Neighbours asked for.
        neighbours: usize,
    },
    /// Settings outside their bounds.
    #[error("neighbours lie in 2..=200 and epochs in 1..=2000")]
    Settings,
    /// A coordinate is infinite or not a number.
    #[error("point {index} is not finite")]
    NotFinite {
        /// Its position.
        index: usize,
    },
}

/// Points in the plane, and what places a query among them.
#[derive(Clone, Debug)]
pub struct Embedding {
    points: Vec<Row>,
    places: Vec<[f64; 2]>,
    settings: Settings,
}

impl Embedding {
    /// Lays points out in the plane.
    ///
    /// # Errors
    /// [`EmbeddingError`] names what the points or the settings lack.
    pub fn fit(points: &[Row], settings: Settings) -> Result<Self, EmbeddingError> {
        let Settings { neighbours, epochs, seed } = settings;
        if !(2..=200).contains(&neighbours) || !(1..=2000).contains(&epochs) {
            return Err(EmbeddingError::Settings);
        }
        if points.len() <= neighbours || points.len() > MAX_POINTS {
            return Err(EmbeddingError::Points { found: points.len(), neighbours });
        }
        if let Some(index) = points.iter().position(|point| point.iter().any(|x| !x.is_finite())) {
            return Err(EmbeddingError::NotFinite { index });
        }
        let mut random = Seeded::new(seed);
        let edges = graph(points, neighbours);
        let mut places = principal(points, &mut random);
        pull_and_push(&mut places, &edges, epochs, &mut random);
        Ok(Self { points: points.to_vec(), places, settings })
    }

    /// Where the points went, in their order.
    pub fn places(&self) -> &[[f64; 2]] {
        &self.places
    }

    /// Places a new point among the others, which stay. None when it is not finite.
    pub fn place(&self, query: &Row) -> Option<[f64; 2]> {
        if query.iter().any(|x| !x.is_finite()) {
            return None;
        }
        let near = nearest(&self.points, query, usize::MAX, self.settings.neighbours);
        let weights = memberships(&near);
        let total: f64 = weights.iter().sum();
        let mut place = [0.0; 2];
        for ((other, _), weight) in near.iter().zip(&weights) {
            place[0] += weight / total * self.places[*other][0];
            place[1] += weight / total * self.places[*other][1];
        }
        let mut random = Seeded::new(self.settings.seed ^ 0x51_7e_a5);
        let strongest = weights.iter().copied().fold(0.0, f64::max);
        let epochs = (self.settings.epochs / 3).max(1);
        for epoch in 0..epochs {
            // A quarter of the usual step: the map is finished, only the query moves.
            let step = 0.25 * (1.0 - epoch as f64 / epochs as f64);
            for ((other, _), weight) in near.iter().zip(&weights) {
                if random.uniform() * strongest > *weight {
                    continue;
                }
                let pull = attraction(&place, &self.places[*other]);
                shift(&mut place, pull, step);
                for _ in 0..PUSHES {
                    let push = repulsion(&place, &self.places[random.below(self.places.len())]);
                    shift(&mut place, push, step);
                }
            }
        }
        Some(place)
    }
}

/// The nearest points by Euclidean distance, nearest first, ties by position; one may be passed over.
fn nearest(points: &[Row], query: &Row, except: usize, count: usize) -> Vec<(usize, f64)> {
    let mut best: Vec<(usize, f64)> = Vec::with_capacity(count + 1);
    for (index, point) in points.iter().enumerate().filter(|(index, _)| *index != except) {
        let distance = distance2(point, query);
        if best.len() == count && best[count - 1].1 <= distance {
            continue;
        }
        let at = best.partition_point(|(_, other)| *other <= distance);
        best.insert(at, (index, distance));
        best.truncate(count);
    }
    best.iter_mut().for_each(|(_, squared)| *squared = sqrt(*squared));
    best
}

fn distance2(a: &Row, b: &Row) -> f64 {
    a.iter().zip(b).map(|(x, y)| (x - y) * (x - y)).sum()
}

/// `exp(-(d - ρ)/σ)`: ρ the nearest distance, σ such that the weights add up to log2 of their number
/// (64 halvings).
fn memberships(near: &[(usize, f64)]) -> Vec<f64> {
    let nearest = near.iter().map(|(_, d)| *d).find(|d| *d > 0.0).unwrap_or(0.0);
    let weights = |sigma: f64| -> Vec<f64> {
        near.iter().map(|(_, d)| if *d <= nearest { 1.0 } else { exp(-(d - nearest) / sigma) }).collect()
    };
    let target = libm::log2(near.len() as f64);
    let (mut low, mut high) = (0.0, f64::INFINITY);
    let mut sigma = 1.0;
    for _ in 0..64 {
        if weights(sigma).iter().sum::<f64>() > target {
            high = sigma;
            sigma = (low + high) / 2.0;
        } else {
            low = sigma;
            sigma = if high.is_finite() { (low + high) / 2.0 } else { sigma * 2.0 };
        }
    }
    let mean = near.iter().map(|(_, d)| d).sum::<f64>() / near.len() as f64;
    weights(sigma.max(1e-3 * mean).max(f64::MIN_POSITIVE))
}

/// Directed edges with weights: the fuzzy union of each point's neighbourhood, in the order of positions.
fn graph(points: &[Row], neighbours: usize) -> Vec<(usize, usize, f64)> {
    let mut one_way: BTreeMap<(usize, usize), f64> = BTreeMap::new();
    for (index, point) in points.iter().enumerate() {
        let near = nearest(points, point, index, neighbours);
        for ((other, _), weight) in near.iter().zip(memberships(&near)) {
            one_way.insert((index, *other), weight);
        }
    }
    let mut both: BTreeMap<(usize, usize), f64> = BTreeMap::new();
    for ((from, to), weight) in &one_way {
        let back = one_way.get(&(*to, *from)).copied().unwrap_or(0.0);
        let union = weight + back - weight * back;
        both.insert((*from, *to), union);
        both.insert((*to, *from), union);
    }
    both.into_iter().map(|((from, to), weight)| (from, to, weight)).collect()
}

/// The two principal axes, scaled to ten, with a ten-thousandth of noise so that equal points can part.
fn principal(points: &[Row], random: &mut Seeded) -> Vec<[f64; 2]> {
    let count = points.len() as f64;
    let mut centre = ZERO_ROW;
    points.iter().for_each(|point| centre.iter_mut().zip(point).for_each(|(c, x)| *c += x / count));
    let mut covariance = ZERO;
    points.iter().for_each(|point| add_outer(&mut covariance, &minus(point, &centre), 1.0 / count));
    let axes = eigen(&covariance);
    let along = |point: &Row, axis: usize| -> f64 {
        minus(point, &centre).iter().zip(&axes[axis].1).map(|(x, a)| x * a).sum()
    };
    let raw: Vec<[f64; 2]> = points.iter().map(|point| [along(point, 0), along(point, 1)]).collect();
    let widest = raw.iter().flatten().map(|x| x.abs()).fold(f64::MIN_POSITIVE, f64::max);
    raw.iter().map(|place| place.map(|x| x / widest * 10.0 + 1e-3 * (random.uniform() - 0.5))).collect()
}

fn pull_and_push(places: &mut [[f64; 2]], edges: &[(usize, usize, f64)], epochs: usize, random: &mut Seeded) {
    let strongest = edges.iter().map(|edge| edge.2).fold(f64::MIN_POSITIVE, f64::max);
    // An edge is used every 1/weight passes; edges too weak to be used once are left out.
    let periods: Vec<f64> = edges.iter().map(|edge| strongest / edge.2).collect();
    let mut due = periods.clone();
    for epoch in 1..=epochs {
        let step = 1.0 - (epoch - 1) as f64 / epochs as f64;
        for (index, (from, to, _)) in edges.iter().enumerate() {
            if due[index] > epoch as f64 {
                continue;
            }
            due[index] += periods[index];
            let pull = attraction(&places[*from], &places[*to]);
            shift(&mut places[*from], pull, step);
            shift(&mut places[*to], pull, -step);
            for _ in 0..PUSHES {
                let other = random.below(places.len());
                if other != *from {
                    let push = repulsion(&places[*from], &places[other]);
                    shift(&mut places[*from], push, step);
                }
            }
        }
    }
}

fn attraction(from: &[f64; 2], to: &[f64; 2]) -> [f64; 2] {
    let (dx, dy) = (from[0] - to[0], from[1] - to[1]);
    let d2 = dx * dx + dy * dy;
    if d2 <= 0.0 {
        return [0.0; 2];
    }
    let power = pow(d2, B);
    let strength = -2.0 * A * B * power / d2 / (A * power + 1.0);
    [strength * dx, strength * dy]
}

fn repulsion(from: &[f64; 2], to: &[f64; 2]) -> [f64; 2] {
    let (dx, dy) = (from[0] - to[0], from[1] - to[1]);
    let d2 = dx * dx + dy * dy;
    if d2 <= 0.0 {
        return [4.0, 4.0];
    }
    let strength = 2.0 * B / ((0.001 + d2) * (A * pow(d2, B) + 1.0));
    [strength * dx, strength * dy]
}

fn shift(place: &mut [f64; 2], force: [f64; 2], step: f64) {
    place[0] += step * force[0].clamp(-4.0, 4.0);
    place[1] += step * force[1].clamp(-4.0, 4.0);
}

/// How far neighbours in the plane are neighbours in truth, 0 to 1 (Venna & Kaski 2001,
/// doi:10.1007/3-540-44668-0_68). None unless points and places are equal in number and more than 3k/2.
pub fn trustworthiness(points: &[Row], places: &[[f64; 2]], k: usize) -> Option<f64> {
    let n = points.len();
    if places.len() != n || 2 * n <= 3 * k + 1 || k == 0 {
        return None;
    }
    let flat: Vec<Row> =
        places.iter().map(|place| core::array::from_fn(|i| place.get(i).copied().unwrap_or(0.0))).collect();
    let mut penalty = 0.0;
    for i in 0..n {
        let distances: Vec<f64> = points.iter().map(|point| distance2(point, &points[i])).collect();
        for (j, _) in nearest(&flat, &flat[i], i, k) {
            let closer = (0..n)
                .filter(|other| *other != i && *other != j)
                .filter(|other| (distances[*other], *other) < (distances[j], j))
                .count();
            // The rank of the true nearest is 1.
            penalty += (closer + 1).saturating_sub(k) as f64;
        }
    }
    let (n, k) = (n as f64, k as f64);
    Some(1.0 - 2.0 / (n * k * (2.0 * n - 3.0 * k - 1.0)) * penalty)
}
