//! Dependence by name: which facility, refiner, member or country a lot's metal hangs on, and who else could.

use alloc::{collections::BTreeMap, collections::BTreeSet, vec::Vec};

use ore_provenance::{
    Attributing, Attribution, DependenceWalks, Element, Limits, LotIndex, NodeDependence, QuestionError,
    Scratch, StepIndex, StepKind,
};
use ore_record::v1::Process;

use crate::{
    journal::{EXTRACTION, Fact, Word},
    view::{Budget, View},
};

/// What a node is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NodeKind {
    /// Every place where a transformation or an extraction happened.
    Facility,
    /// Places that smelt, refine or reduce.
    Refiner,
    /// Members that did so.
    Member,
    /// Countries of those places.
    Country,
}

/// The answer. A node is named by the word of a facility or member, or by two letters of a country.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DependenceOn {
    /// By node, largest share first.
    pub nodes: Vec<Node>,
    /// Sum of squares of the shares by country of origin, in 10^-18.
    pub origin_herfindahl_e18: u64,
    /// Sum of squares of the nodes' shares, each divided by their sum, in 10^-18.
    pub node_herfindahl_e18: u64,
    /// Whether every node was examined.
    pub complete: bool,
}

/// One node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Node {
    /// Facility or member; empty for a country.
    pub word: Word,
    /// Country of the facility, or the country itself.
    pub country: [u8; 2],
    /// Share through it, and what arrives without it.
    pub dependence: NodeDependence,
    /// Facilities whose newest records do the same with the same element, at most ten.
    pub alternatives: Vec<Word>,
}

const fn refines(process: Process) -> bool {
    matches!(process, Process::Smelting | Process::Refining | Process::Reduction)
}

/// What a lot's element hangs on.
///
/// # Errors
/// The lot does not stand, or states none of the element.
pub fn dependence(
    view: &View<'_>,
    scratch: &mut Scratch,
    lot: u32,
    element: Element,
    kind: NodeKind,
    limits: &Limits,
    budget: &mut Budget,
) -> Result<DependenceOn, QuestionError> {
    let mut found = Hanging::new(view, scratch, lot, element, kind, limits)?;
    let done = found.go_on(view, scratch, budget);
    Ok(found.close(view, done))
}

/// A dependence that is being found. Until it has ended or is given up the scratch serves no other question.
#[derive(Debug)]
pub struct Hanging {
    element: Element,
    kind: NodeKind,
    tracing: Option<Attributing>,
    /// Shares by country of origin.
    origins: Vec<u64>,
    traced: bool,
    walks: DependenceWalks,
    able: Abilities,
}

impl Hanging {
    /// Nothing walked yet.
    ///
    /// # Errors
    /// The lot does not stand, or states none of the element.
    pub fn new(
        view: &View<'_>,
        scratch: &mut Scratch,
        lot: u32,
        element: Element,
        kind: NodeKind,
        limits: &Limits,
    ) -> Result<Self, QuestionError> {
        let lot = LotIndex(lot);
        let tracing = Some(Attributing::new(view.graph, scratch, lot, element, view.as_of, limits)?);
        let walks = DependenceWalks::new(view.graph, lot, element, view.as_of, limits)?;
        let (origins, able) = (Vec::new(), Abilities::default());
        Ok(Self { element, kind, tracing, origins, traced: false, walks, able })
    }

    /// Goes on until all nodes were walked without (true) or the budget ends. The view may have grown since the
    /// last time, but must be of the same size and date.
    pub fn go_on(&mut self, view: &View<'_>, scratch: &mut Scratch, budget: &mut Budget) -> bool {
        while let Some(tracing) = &mut self.tracing {
            let found = tracing.go_on(view.graph, scratch, budget.left());
            if let Some(found) = &found {
                self.tracing = None;
                self.traced(found);
            }
            let done = found.map_or(budget.left(), |found| u64::from(found.visited.steps));
            if !go_on_after(done, budget) {
                return false;
            }
        }
        let kind = self.kind;
        while let Some(done) =
            self.walks.next(view.graph, scratch, budget.left(), |step| node_of(view, kind, step))
        {
            if !go_on_after(done, budget) {
                return false;
            }
        }
        let beside = matches!(self.kind, NodeKind::Facility | NodeKind::Refiner);
        !beside || self.able.go_on(view, self.element, self.walks.nodes(), budget)
    }

    fn traced(&mut self, found: &Attribution) {
        self.traced = found.complete;
        self.origins = found.by_country.iter().map(|(_, share)| share.value.units()).collect();
    }

    /// The answer; `done` says whether everything was looked at.
    #[must_use]
    pub fn close(self, view: &View<'_>, done: bool) -> DependenceOn {
        let found = self.walks.answer();
        let total: u128 = found.nodes.iter().map(|node| u128::from(node.through.units())).sum();
        let named = |node: &NodeDependence| {
            let country = (self.kind == NodeKind::Country).then(|| (node.node as u16).to_be_bytes());
            let word = if country.is_some() { Word::EMPTY } else { Word(node.node) };
            Node {
                word,
                country: country.unwrap_or_else(|| view.country(word)),
                dependence: *node,
                alternatives: self.able.beside(word),
            }
        };
        let mut nodes: Vec<Node> = found.nodes.iter().map(named).collect();
        nodes.sort_by_key(|node| (core::cmp::Reverse(node.dependence.through), node.word, node.country));
        let of = |units: u64, whole: u128| square(u128::from(units), whole);
        DependenceOn {
            origin_herfindahl_e18: self
                .origins
                .iter()
                .map(|units| of(*units, 1_000_000_000_000_000_000))
                .sum(),
            node_herfindahl_e18: found.nodes.iter().map(|node| of(node.through.units(), total)).sum(),
            nodes,
            complete: found.complete && self.traced && done,
        }
    }
}

/// Takes off what was done; false when nothing is left.
fn go_on_after(done: u64, budget: &mut Budget) -> bool {
    let done = done.max(1);
    if budget.left() <= done {
        budget.spend(budget.left());
        return false;
    }
    budget.spend(done)
}

fn node_of(view: &View<'_>, kind: NodeKind, step: StepIndex) -> Option<u32> {
    let step = view.graph.step(step)?;
    // Neither what came from outside nor a lot that was divided was refined: the journal need not be asked.
    if kind == NodeKind::Refiner && matches!(step.kind, None | Some(StepKind::Split)) {
        return None;
    }
    let entry = view.entry(u32::try_from(step.leaf).ok()?)?;
    let (facility, refining) = match &entry.fact {
        Fact::Step(it) => (it.facility, refines(it.process)),
        Fact::Commission(it) => (view.journal.lot(it.lot)?.facility, false),
        _ => return None,
    };
    match kind {
        NodeKind::Facility => Some(facility.0),
        NodeKind::Refiner => refining.then_some(facility.0),
        NodeKind::Member => Some(entry.author.0),
        NodeKind::Country => Some(u32::from(u16::from_be_bytes(view.country(facility)))),
    }
}

/// `(part / whole)^2` in 10^-18, rounded down at each step.
fn square(part: u128, whole: u128) -> u64 {
    const ONE: u128 = 1_000_000_000_000_000_000;
    if whole == 0 {
        return 0;
    }
    let share = if whole == ONE { part } else { part * 1_000_000_000 / (whole / 1_000_000_000).max(1) };
    u64::try_from(share * share / ONE).unwrap_or(u64::MAX)
}

/// Which facility did what with an element: those of an answer, and the others as far as they do the same.
#[derive(Debug, Default)]
struct Abilities {
    by_process: BTreeMap<i32, BTreeSet<Word>>,
    /// What the facilities of the answer do, once they were looked at.
    wanted: Option<BTreeSet<i32>>,
    /// Facilities that were looked at: those of the answer, or all.
    next: usize,
}

/// Of each facility the newest records: what it did long ago only is no alternative of today.
const NEWEST: usize = 256;

impl Abilities {
    fn beside(&self, facility: Word) -> Vec<Word> {
        let mut others = BTreeSet::new();
        for facilities in self.by_process.values().filter(|facilities| facilities.contains(&facility)) {
            others.extend(facilities.iter().filter(|other| **other != facility));
        }
        others.into_iter().take(10).collect()
    }

    fn go_on(
        &mut self,
        view: &View<'_>,
        element: Element,
        nodes: &[NodeDependence],
        budget: &mut Budget,
    ) -> bool {
        if self.wanted.is_none() {
            while let Some(node) = nodes.get(self.next) {
                if !self.look_at(view, element, Word(node.node), budget) {
                    return false;
                }
                self.next += 1;
            }
            self.wanted = Some(self.by_process.keys().copied().collect());
            self.next = 0;
        }
        while let Some(facility) = view.journal.facilities().get(self.next) {
            if !self.look_at(view, element, *facility, budget) {
                return false;
            }
            self.next += 1;
        }
        true
    }

    /// Looks at a facility's newest records until everything that it ever did and that matters was met; false when
    /// the budget ends: begun again when there is more to spend, what is known stays known.
    fn look_at(&mut self, view: &View<'_>, element: Element, facility: Word, budget: &mut Budget) -> bool {
        let matters = |process: &&i32| self.wanted.as_ref().is_none_or(|wanted| wanted.contains(process));
        let known = |process: &&i32| {
            self.by_process.get(*process).is_some_and(|facilities| facilities.contains(&facility))
        };
        let ever = view.journal.processes(facility).iter().filter(matters);
        let mut open: Vec<i32> = ever.filter(|process| !known(process)).copied().collect();
        let posted = view.journal.done_at(facility);
        let met = posted.partition_point(|leaf| *leaf < view.end());
        let (mut left, mut newest) = (posted[..met].iter().rev(), 0);
        while !open.is_empty()
            && newest < NEWEST
            && let Some(leaf) = left.next()
        {
            if !budget.spend(1) {
                return false;
            }
            let Some(entry) = view.entry(*leaf) else { continue };
            newest += 1;
            let Some((process, lot)) = what_was_done(facility, &entry.fact) else { continue };
            let Some(place) = open.iter().position(|open| *open == process) else { continue };
            if view.created(lot, element).0 > 0 {
                open.swap_remove(place);
                self.by_process.entry(process).or_default().insert(facility);
            }
        }
        true
    }
}

/// The process of a record at a facility, and the first lot that it made.
fn what_was_done(facility: Word, fact: &Fact) -> Option<(i32, u32)> {
    match fact {
        Fact::Step(it) if it.facility == facility => Some((it.process as i32, it.outputs.first()?.lot)),
        Fact::Commission(it) => Some((EXTRACTION, it.lot)),
        _ => None,
    }
}
