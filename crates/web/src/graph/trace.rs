//! From the ledger's answers to flows: the graph of ancestors, and shares by place, country and generation.

use std::collections::{BTreeMap, HashMap};

use ore_record::v1::{MaterialClass, OriginKind, Process, RecyclingClass};
use ore_wire::v1::{AttributeResponse, GraphLot, GraphStep, TraceBackResponse};

use super::{Edge, Flow, MOST_NODES, Node, Origins, fold::fold, origins::GREY, place_name};
use crate::{
    locale::{fill, mass, percent},
    words::Words,
};

const ONE: f64 = 1e18;

/// The ancestors of a lot. With `parts`, lots that are only a part of another stand for themselves.
pub(crate) fn of_trace(
    t: &'static Words,
    root: &str,
    trace: &TraceBackResponse,
    origins: &Origins,
    parts: bool,
    href: &dyn Fn(&str) -> String,
) -> Flow {
    let graph = Graph::of(root, trace, parts);
    let order = graph.order();
    let place: HashMap<&str, usize> = order.iter().enumerate().map(|(at, lot)| (*lot, at)).collect();
    let inputs: Vec<Vec<(usize, f64)>> = order.iter().map(|lot| graph.inputs(lot, &place)).collect();
    let columns = columns(&graph, &order, &inputs);
    let colours = colours(&graph, &order, &inputs, origins);
    let nodes = order.iter().zip(&columns).map(|(lot, column)| graph.node(t, lot, *column, href)).collect();
    let mut edges = Vec::new();
    for (to, inputs) in inputs.iter().enumerate() {
        for (from, share) in inputs {
            edges.push(Edge { from: *from, to, share: *share, colours: colours[*from].clone() });
        }
    }
    let flow = Flow { nodes, edges, lots: trace.lots.len(), folded: false };
    if flow.nodes.len() > MOST_NODES { fold(t, &flow) } else { flow }
}

struct Graph<'a> {
    root: &'a str,
    lots: HashMap<&'a str, &'a GraphLot>,
    made_by: HashMap<&'a str, &'a GraphStep>,
    sources: HashMap<&'a str, &'a ore_wire::v1::Origin>,
    parts: bool,
}

impl<'a> Graph<'a> {
    fn of(root: &'a str, trace: &'a TraceBackResponse, parts: bool) -> Self {
        let lots = trace.lots.iter().filter_map(|lot| Some((lot.lot.as_ref()?.lot.as_str(), lot))).collect();
        let steps = trace.steps.iter();
        let made_by = steps
            .flat_map(|step| step.outputs.iter().map(move |output| (output.lot.as_str(), step)))
            .collect();
        let sources = trace.sources.iter();
        let sources = sources.filter_map(|it| Some((it.lot.as_str(), it.origin.as_ref()?))).collect();
        Self { root, lots, made_by, sources, parts }
    }

    /// The lot that stands for this one: the whole that it is a part of, or what it was before it was cleaned.
    fn stands_for(&self, lot: &'a str) -> &'a str {
        let mut lot = lot;
        // Bounded by the number of lots: every step leads to an earlier one.
        for _ in 0..self.lots.len() {
            let Some(step) = self.made_by.get(lot).filter(|_| !self.parts && lot != self.root) else { break };
            let same =
                step.process() == Process::Splitting || step.recycling_class() == RecyclingClass::Internal;
            match step.inputs.as_slice() {
                [input] if same && self.lots.contains_key(input.lot.as_str()) => lot = &input.lot,
                _ => break,
            }
        }
        lot
    }

    /// Lots that went in, by name.
    fn before(&self, lot: &str) -> Vec<&'a str> {
        let Some(step) = self.made_by.get(lot) else { return Vec::new() };
        let known = step.inputs.iter().filter(|input| self.lots.contains_key(input.lot.as_str()));
        let mut before: Vec<&str> = known.map(|input| self.stands_for(&input.lot)).collect();
        before.sort_unstable();
        before.dedup();
        before
    }

    /// Every lot that is drawn, each after what it was made of.
    fn order(&self) -> Vec<&'a str> {
        let (mut order, mut seen) = (Vec::new(), std::collections::HashSet::new());
        let mut stack = vec![(self.root, false)];
        // Bounded: a lot is opened once.
        while let Some((lot, done)) = stack.pop() {
            if done {
                order.push(lot);
            } else if seen.insert(lot) {
                stack.push((lot, true));
                stack.extend(self.before(lot).into_iter().map(|lot| (lot, false)));
            }
        }
        order
    }

    /// What went into a lot, as parts of the whole.
    fn inputs(&self, lot: &str, place: &HashMap<&'a str, usize>) -> Vec<(usize, f64)> {
        let Some(step) = self.made_by.get(lot) else { return Vec::new() };
        // A step with several outputs on the way: each got its part of every input.
        let whole: f64 = step.outputs.iter().map(|output| self.share(&output.lot)).sum();
        let part = if whole > 0.0 { self.share(lot) / whole } else { 0.0 };
        let mut inputs: BTreeMap<usize, f64> = BTreeMap::new();
        for input in &step.inputs {
            if let Some(from) = place.get(self.stands_for(&input.lot)) {
                *inputs.entry(*from).or_default() += input.share_e18 as f64 / ONE * part;
            }
        }
        inputs.into_iter().filter(|(_, share)| *share > 0.0).collect()
    }

    fn share(&self, lot: &str) -> f64 {
        self.lots.get(lot).map_or(0.0, |node| node.share_e18 as f64 / ONE)
    }

    fn node(&self, t: &'static Words, lot: &str, column: usize, href: &dyn Fn(&str) -> String) -> Node {
        let (member, number) = lot.split_once('/').unwrap_or(("", lot));
        let known = self.lots.get(lot);
        let share_e18 = known.map_or(0, |node| node.share_e18);
        let described = known.and_then(|node| node.lot.as_ref());
        let form = described.map_or("", |lot| lot.form.as_str());
        let created = known.map_or(0, |node| node.created_mg);
        Node {
            label: number.to_owned(),
            below: member.to_owned(),
            title: format!(
                "{lot}: {form}, {}, {}",
                mass(created),
                fill(t.share_of_lot, &[&percent(share_e18)])
            ),
            href: href(lot),
            stage: described.map_or("", |lot| stage(t, lot.material(), &lot.form)),
            column,
            share: share_e18 as f64 / ONE,
        }
    }
}

/// What a lot is on the way from rock to product, as a heading.
fn stage(t: &'static Words, material: MaterialClass, form: &str) -> &'static str {
    match material {
        MaterialClass::Ore => t.stage_mine,
        MaterialClass::Concentrate => t.stage_concentrate,
        MaterialClass::Intermediate if form.contains("powder") => t.stage_powder,
        MaterialClass::Intermediate => t.stage_refined,
        MaterialClass::Metal => t.stage_metal,
        MaterialClass::SputteringTarget => t.stage_target,
        MaterialClass::Scrap => t.stage_scrap,
        MaterialClass::Residue => t.stage_residue,
        MaterialClass::Component | MaterialClass::FinishedProduct => t.stage_product,
        MaterialClass::Unspecified => "",
    }
}

/// Column of each lot: one right of the rightmost thing that it was made of; a source stands before its first user.
fn columns(graph: &Graph<'_>, order: &[&str], inputs: &[Vec<(usize, f64)>]) -> Vec<usize> {
    let mut columns = vec![0; order.len()];
    for (at, inputs) in inputs.iter().enumerate() {
        columns[at] = inputs.iter().map(|(from, _)| columns[*from] + 1).max().unwrap_or(0);
    }
    let mut first_user = vec![usize::MAX; order.len()];
    for (at, inputs) in inputs.iter().enumerate() {
        for (from, _) in inputs {
            first_user[*from] = first_user[*from].min(columns[at]);
        }
    }
    for (at, lot) in order.iter().enumerate() {
        let mined = graph.sources.get(lot).is_some_and(|origin| origin.kind() == OriginKind::Mine);
        if inputs[at].is_empty() && !mined && first_user[at] != usize::MAX {
            columns[at] = first_user[at].saturating_sub(1);
        }
    }
    columns
}

/// Which part of each lot has which colour.
fn colours(
    graph: &Graph<'_>,
    order: &[&str],
    inputs: &[Vec<(usize, f64)>],
    origins: &Origins,
) -> Vec<Vec<(usize, f64)>> {
    let mut colours: Vec<Vec<(usize, f64)>> = Vec::with_capacity(order.len());
    for (at, lot) in order.iter().enumerate() {
        let mut parts = [0.0; GREY + 1];
        let whole: f64 = inputs[at].iter().map(|(_, share)| share).sum();
        if whole > 0.0 {
            for (from, share) in &inputs[at] {
                for (colour, part) in &colours[*from] {
                    parts[*colour] += part * share / whole;
                }
            }
        } else {
            // A source, or a lot beyond which the answer was cut short.
            parts[graph.sources.get(lot).map_or(GREY, |origin| origins.colour(origin))] = 1.0;
        }
        let parts = parts.into_iter().enumerate().filter(|(_, part)| *part > 1e-6);
        colours.push(parts.collect());
    }
    colours
}

/// Shares as a flow: place of origin, country, number of passes through recycling, the lot.
pub(crate) fn sankey(t: &'static Words, root: &str, answer: &AttributeResponse, origins: &Origins) -> Flow {
    let mut flow = Flow { lots: origins.0.len(), ..Flow::default() };
    let mut known: HashMap<(usize, String), usize> = HashMap::new();
    let mut edges: BTreeMap<(usize, usize), BTreeMap<usize, f64>> = BTreeMap::new();
    for row in &answer.origins {
        let (Some(origin), Some(share)) = (&row.origin, &row.share) else { continue };
        let share = share.value_e18 as f64 / ONE;
        if share <= 0.0 {
            continue;
        }
        let country = if origin.country.is_empty() || origin.country == "ZZ" {
            t.unknown.to_owned()
        } else {
            origin.country.clone()
        };
        let pass = match origin.generation {
            0 => t.pass_none.to_owned(),
            1 => t.pass_one.to_owned(),
            more => fill(t.pass_many, &[&more.to_string()]),
        };
        let place = place_name(t, origin.kind(), &origin.source);
        let way = [
            (0, t.sankey_place, place),
            (1, t.sankey_country, country),
            (2, t.sankey_pass, pass),
            (3, "", root.split_once('/').map_or(root, |(_, number)| number).to_owned()),
        ];
        let mut before = None;
        for (column, stage, name) in way {
            let at = *known.entry((column, name.clone())).or_insert_with(|| {
                let (below, label) = match (column, name.split_once('/')) {
                    (0, Some((member, site))) => (member.to_owned(), site.to_owned()),
                    _ => (String::new(), name),
                };
                flow.nodes.push(Node { label, below, stage, column, ..Node::default() });
                flow.nodes.len() - 1
            });
            flow.nodes[at].share += share;
            if let Some(before) = before {
                *edges.entry((before, at)).or_default().entry(origins.colour(origin)).or_default() += share;
            }
            before = Some(at);
        }
    }
    for node in &mut flow.nodes {
        let share = percent((node.share.clamp(0.0, 1.0) * ONE) as u64);
        node.title = format!("{} {}: {share}", node.below, node.label);
        node.below = if node.below.is_empty() { share } else { format!("{share} {}", node.below) };
    }
    flow.edges = edges
        .into_iter()
        .map(|((from, to), colours)| {
            let share: f64 = colours.values().sum();
            let colours = colours.into_iter().map(|(colour, part)| (colour, part / share)).collect();
            Edge { from, to, share, colours }
        })
        .collect();
    flow
}
