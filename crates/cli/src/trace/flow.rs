//! The graph of ancestors as flows: how much of the metal asked for passed through each lot.
//!
//! Flows are for pictures and for reading, in floating point; the shares themselves come from the
//! ledger in exact integers.

use std::collections::{BTreeMap, HashMap};

use ore_record::v1::{Process, RecyclingClass};
use ore_wire::v1::{GraphLot, GraphSource, GraphStep, Origin, TraceBackResponse};

use crate::words::word;

/// The graph, with the step that made each lot.
pub(crate) struct Flow<'a> {
    pub(crate) root: &'a str,
    lots: HashMap<&'a str, &'a GraphLot>,
    made_by: HashMap<&'a str, &'a GraphStep>,
    sources: HashMap<&'a str, &'a GraphSource>,
    /// Whether lots that are only a part of another, or the same cleaned, stand for that other.
    merged: bool,
}

/// One lot that went into another.
pub(crate) struct Input<'a> {
    pub(crate) lot: &'a str,
    /// Milligrams of the element that were taken.
    pub(crate) mg: u64,
    /// Part of the step's input that this is, 0 to 1.
    pub(crate) part: f64,
}

impl<'a> Flow<'a> {
    pub(crate) fn new(root: &'a str, trace: &'a TraceBackResponse) -> Self {
        let lots = trace.lots.iter().filter_map(|lot| Some((lot.lot.as_ref()?.lot.as_str(), lot))).collect();
        let mut made_by = HashMap::new();
        for step in &trace.steps {
            for output in &step.outputs {
                made_by.insert(output.lot.as_str(), step);
            }
        }
        let sources = trace.sources.iter().map(|source| (source.lot.as_str(), source)).collect();
        Self { root, lots, made_by, sources, merged: false }
    }

    /// The same without lots that are a part of one other lot, or that lot cleaned: for pictures.
    pub(crate) fn merged(mut self) -> Self {
        self.merged = true;
        self
    }

    /// The lot that stands for this one in a merged flow.
    fn stands_for(&self, lot: &'a str) -> &'a str {
        let mut lot = lot;
        // Bounded by the number of lots: every step leads to an earlier one.
        for _ in 0..self.lots.len() {
            let Some(step) = self.step(lot) else { break };
            let same =
                step.process() == Process::Splitting || step.recycling_class() == RecyclingClass::Internal;
            let [input] = step.inputs.as_slice() else { break };
            if lot == self.root || !same {
                break;
            }
            lot = &input.lot;
        }
        lot
    }

    pub(crate) fn lot(&self, lot: &str) -> Option<&'a GraphLot> {
        self.lots.get(lot).copied()
    }

    /// What people call the lot's material.
    pub(crate) fn form(&self, lot: &str) -> String {
        let Some(lot) = self.lot(lot).and_then(|node| node.lot.as_ref()) else { return String::new() };
        if lot.form.is_empty() {
            word(lot.material().as_str_name(), "MATERIAL_CLASS_")
        } else {
            lot.form.clone()
        }
    }

    pub(crate) fn step(&self, lot: &str) -> Option<&'a GraphStep> {
        self.made_by.get(lot).copied()
    }

    pub(crate) fn origin(&self, lot: &str) -> Option<&'a Origin> {
        self.sources.get(lot).and_then(|source| source.origin.as_ref())
    }

    /// What went into a lot, the largest first.
    pub(crate) fn inputs(&self, lot: &str) -> Vec<Input<'a>> {
        let Some(step) = self.step(lot) else { return Vec::new() };
        let total: f64 = step.inputs.iter().map(|input| input.mg as f64).sum();
        let mut inputs: Vec<Input<'a>> = step
            .inputs
            .iter()
            .filter(|input| input.mg > 0)
            .map(|input| Input {
                lot: if self.merged { self.stands_for(&input.lot) } else { &input.lot },
                mg: input.mg,
                part: input.mg as f64 / total,
            })
            .collect();
        inputs.sort_by(|a, b| a.lot.cmp(b.lot));
        inputs.dedup_by(|later, kept| {
            let same = later.lot == kept.lot;
            if same {
                kept.mg += later.mg;
                kept.part += later.part;
            }
            same
        });
        inputs.sort_by(|a, b| b.mg.cmp(&a.mg).then(a.lot.cmp(b.lot)));
        inputs
    }

    /// Lots in an order in which everything stands after what it was made of.
    pub(crate) fn order(&self) -> Vec<&'a str> {
        let mut order = Vec::new();
        let mut state: HashMap<&str, bool> = HashMap::new();
        // An explicit stack: the graph may be deep.
        let mut stack = vec![(self.root, false)];
        while let Some((lot, done)) = stack.pop() {
            if done {
                order.push(lot);
                continue;
            }
            if state.insert(lot, true).is_some() {
                continue;
            }
            stack.push((lot, true));
            stack.extend(self.inputs(lot).into_iter().map(|input| (input.lot, false)));
        }
        order
    }

    /// Part of the root's metal that passed through each lot, 0 to 1 (a lot in a loop counts each pass).
    pub(crate) fn through(&self) -> BTreeMap<&'a str, f64> {
        let mut through: BTreeMap<&str, f64> = BTreeMap::from([(self.root, 1.0)]);
        for lot in self.order().into_iter().rev() {
            let here = through.get(lot).copied().unwrap_or(0.0);
            for input in self.inputs(lot) {
                *through.entry(input.lot).or_default() += here * input.part;
            }
        }
        through
    }

    /// For each lot: which part of its metal comes from which source lot.
    pub(crate) fn sources_of(&self) -> HashMap<&'a str, BTreeMap<&'a str, f64>> {
        let mut all: HashMap<&str, BTreeMap<&str, f64>> = HashMap::new();
        for lot in self.order() {
            let inputs = self.inputs(lot);
            let mut parts = BTreeMap::new();
            if inputs.is_empty() {
                parts.insert(lot, 1.0);
            }
            for input in inputs {
                for (source, part) in all.get(input.lot).into_iter().flatten() {
                    *parts.entry(*source).or_default() += part * input.part;
                }
            }
            all.insert(lot, parts);
        }
        all
    }
}
