//! Attribution: one element of one lot, divided over its origins.

use alloc::vec::Vec;

use crate::ask::{Limits, Method, QuestionError, Visited, contained_or_refuse, in_one_go};
use crate::graph::{ContainedMass, Graph, OriginRow};
use crate::share::{Parts, Share, apportion};
use crate::types::{Element, LotIndex, Origin, Route, SourceKind};
use crate::walk::{Arrival, Exact, Flow, Ranged, Scratch, Walked, Walking};

/// An origin's share.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OriginShare {
    /// Where the metal came from, by which route, after how many recyclings.
    pub origin: Origin,
    /// What kind of place that is.
    pub kind: SourceKind,
    /// How much of the element.
    pub share: Share,
}

/// Which part of a lot's element came from where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attribution {
    /// The lot.
    pub lot: LotIndex,
    /// The element.
    pub element: Element,
    /// What the lot held of it.
    pub contained: ContainedMass,
    /// Shares per origin, in the order of [`Origin`]; their values and `unresolved` sum to exactly one.
    pub origins: Vec<OriginShare>,
    /// Shares per country of the source.
    pub by_country: Vec<([u8; 2], Share)>,
    /// Shares per route.
    pub by_route: Vec<(Route, Share)>,
    /// Shares per number of recyclings.
    pub by_generation: Vec<(u16, Share)>,
    /// Pre-consumer and post-consumer together.
    pub recycled: Share,
    /// Everything but declared unknowns and what was not resolved.
    pub verified: Share,
    /// What a limit left untraced; zero in a complete answer.
    pub unresolved: Parts,
    /// How the answer was reached.
    pub methods: Vec<Method>,
    /// What was looked at.
    pub visited: Visited,
    /// Whether all of it was traced to sources.
    pub complete: bool,
}

/// Divides one element of a lot over its origins, as known in a ledger of `as_of` leaves.
///
/// # Errors
/// The lot does not stand in that ledger, or states no content of the element.
pub fn attribute(
    graph: &Graph,
    scratch: &mut Scratch,
    lot: LotIndex,
    element: Element,
    as_of: u64,
    limits: &Limits,
) -> Result<Attribution, QuestionError> {
    let mut found = Attributing::new(graph, scratch, lot, element, as_of, limits)?;
    Ok(in_one_go(|units| found.go_on(graph, scratch, units)))
}

/// An attribution that is under way: between two slices the graph may grow. Until it has ended or is given up the
/// scratch serves no other question.
#[derive(Debug)]
pub struct Attributing {
    lot: LotIndex,
    element: Element,
    limits: Limits,
    contained: ContainedMass,
    walk: Walking,
    ranged: bool,
}

impl Attributing {
    /// Nothing walked yet.
    ///
    /// # Errors
    /// The lot does not stand in a ledger of `as_of` leaves, or states no content of the element.
    pub fn new(
        graph: &Graph,
        scratch: &mut Scratch,
        lot: LotIndex,
        element: Element,
        as_of: u64,
        limits: &Limits,
    ) -> Result<Self, QuestionError> {
        let contained = contained_or_refuse(graph, lot, element, as_of)?;
        let walk = Walking::exact(graph, scratch, lot.0, element, limits);
        Ok(Self { lot, element, limits: *limits, contained, walk, ranged: false })
    }

    /// Goes on for about so many units of work (steps, taken parts, multiplications); the answer once all is
    /// traced or the limits are reached, and nothing only when all of them were used.
    pub fn go_on(&mut self, graph: &Graph, scratch: &mut Scratch, units: u64) -> Option<Attribution> {
        let asked = (self.lot, self.element, self.contained);
        let mut left = units;
        if !self.ranged {
            let before = self.walk.done();
            let exact = self.walk.go_on_exact(graph, scratch, units, |_| false)?;
            if !exact.is_uncertain() {
                return Some(assemble(graph, asked, exact));
            }
            // What the first walk met opens intervals: once more, with bounds.
            left = left.saturating_sub(self.walk.done() - before);
            let start = (self.lot.0, self.contained.lower.0);
            self.walk = Walking::ranged(graph, scratch, start, self.element, &self.limits);
            self.ranged = true;
        }
        self.walk.go_on_ranged(graph, scratch, left).map(|walked| assemble(graph, asked, walked))
    }
}

/// A flow's value and bounds as weights; without bounds the value is all three.
trait Bounds: Flow {
    fn bounds(&self) -> Option<(u128, u128)>;
}

impl Bounds for Exact {
    fn bounds(&self) -> Option<(u128, u128)> {
        None
    }
}

impl Bounds for Ranged {
    fn bounds(&self) -> Option<(u128, u128)> {
        Some((self.lower, self.upper))
    }
}

fn assemble<F: Bounds>(
    graph: &Graph,
    (lot, element, contained): (LotIndex, Element, ContainedMass),
    walked: Walked<F>,
) -> Attribution {
    let arrivals = merge_alike(graph, &walked.arrivals);
    // What is not resolved is rounded with the others, and comes last.
    let weight = |at: usize| arrivals.get(at).map_or(walked.unresolved, |(_, flow)| flow.value());
    let mut values = apportion((0..arrivals.len() + 1).map(weight));
    let unresolved = values.pop().unwrap_or_default();

    let mut origins: Vec<OriginShare> = arrivals
        .iter()
        .zip(values)
        .map(|((row, flow), value)| {
            let share = match flow.bounds() {
                None => Share { value, lower: value, upper: value.plus(unresolved) },
                Some((lower, upper)) => Share {
                    value,
                    lower: Parts::down(lower).min(value),
                    upper: Parts::up(upper).plus(unresolved).max(value),
                },
            };
            OriginShare { origin: row.origin, kind: row.kind, share }
        })
        .collect();
    tighten(&mut origins, unresolved);
    let all = Sums::of(origins.iter().map(|origin| &origin.share));
    let of_all = (&all, unresolved);
    let recycled = sum_where(&origins, of_all, |share| share.origin.route != Route::Primary);
    let unknown = sum_where(&origins, of_all, |share| share.kind == SourceKind::DeclaredUnknown);
    let mut verified = unknown.complement();
    verified.value = verified.value.minus(unresolved);
    verified.lower = verified.lower.min(verified.value);

    Attribution {
        lot,
        element,
        contained,
        by_country: roll_up(&origins, of_all, |share| share.origin.country),
        by_route: roll_up(&origins, of_all, |share| share.origin.route),
        by_generation: roll_up(&origins, of_all, |share| share.origin.generation),
        recycled,
        verified,
        origins,
        unresolved,
        methods: Method::ALL.into_iter().filter(|method| walked.methods & method.bit() != 0).collect(),
        visited: walked.visited,
        complete: walked.complete,
    }
}

/// Applies routes and generations, and adds up what ended at the same origin; in the order of [`Origin`].
fn merge_alike<F: Bounds>(graph: &Graph, arrivals: &[Arrival<F>]) -> Vec<(OriginRow, F)> {
    let row_of = |arrival: &Arrival<F>| {
        let OriginRow { mut origin, kind } = graph.origins[arrival.origin as usize];
        origin.route = arrival.passed.route().unwrap_or(origin.route);
        origin.generation = origin.generation.saturating_add(arrival.passed.generations());
        OriginRow { origin, kind }
    };
    let mut order: Vec<(u128, u32)> =
        arrivals.iter().map(|arrival| rank(&row_of(arrival))).zip(0..).collect();
    order.sort_unstable();
    let mut rows: Vec<(OriginRow, F)> = Vec::with_capacity(order.len());
    for (_, index) in order {
        let arrival = &arrivals[index as usize];
        let row = row_of(arrival);
        match rows.last_mut() {
            Some((last, sum)) if *last == row => sum.merge(arrival.flow),
            _ => rows.push((row, arrival.flow)),
        }
    }
    rows
}

/// The order of origins as one number: comparing that costs less.
fn rank(OriginRow { origin, kind }: &OriginRow) -> u128 {
    let country = u16::from_be_bytes(origin.country);
    let fields = [u32::from(country), origin.route as u32, origin.generation.into(), *kind as u32];
    fields.into_iter().fold(origin.source.0.into(), |rank, field| rank << 16 | u128::from(field))
}

/// Unrounded sums of shares, in units of 10^-18; unlike [`Parts`] they may pass one.
#[derive(Clone, Copy, Default)]
struct Sums {
    value: u128,
    lower: u128,
    upper: u128,
}

impl Sums {
    fn add(&mut self, share: &Share) {
        self.value += u128::from(share.value.units());
        self.lower += u128::from(share.lower.units());
        self.upper += u128::from(share.upper.units());
    }

    fn of<'a>(shares: impl Iterator<Item = &'a Share>) -> Self {
        let mut sums = Self::default();
        shares.for_each(|share| sums.add(share));
        sums
    }

    /// The share of a group among all: shares sum to one, so what the others surely hold this group
    /// cannot, and what they cannot hold it must. What is not resolved may be on either side.
    fn close(self, all: &Self, unresolved: Parts) -> Share {
        let one = u128::from(Parts::ONE.units());
        let clamp = |units: u128| u64::try_from(units).ok().and_then(Parts::new).unwrap_or(Parts::ONE);
        let others_least = all.lower - self.lower;
        let others_most = all.upper - self.upper + u128::from(unresolved.units());
        let value = clamp(self.value);
        Share {
            value,
            lower: clamp(self.lower.max(one.saturating_sub(others_most))).min(value),
            upper: clamp(self.upper.min(one.saturating_sub(others_least))).max(value),
        }
    }
}

fn tighten(origins: &mut [OriginShare], unresolved: Parts) {
    let all = Sums::of(origins.iter().map(|origin| &origin.share));
    for origin in origins {
        origin.share = Sums::of(core::iter::once(&origin.share)).close(&all, unresolved);
    }
}

/// The share of all origins that a question picks.
fn sum_where(
    origins: &[OriginShare],
    (all, unresolved): (&Sums, Parts),
    pick: impl Fn(&OriginShare) -> bool,
) -> Share {
    let picked = origins.iter().filter(|origin| pick(origin)).map(|origin| &origin.share);
    Sums::of(picked).close(all, unresolved)
}

fn roll_up<K: Ord + Copy>(
    origins: &[OriginShare],
    (all, unresolved): (&Sums, Parts),
    key: impl Fn(&OriginShare) -> K,
) -> Vec<(K, Share)> {
    let mut keyed: Vec<(K, u32)> = origins.iter().map(key).zip(0..).collect();
    keyed.sort_unstable();
    keyed
        .chunk_by(|left, right| left.0 == right.0)
        .map(|group| {
            let sums = Sums::of(group.iter().map(|(_, index)| &origins[*index as usize].share));
            (group[0].0, sums.close(all, unresolved))
        })
        .collect()
}
