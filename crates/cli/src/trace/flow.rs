//! The graph of ancestors as flows: how much of the metal asked for passed through each lot.
//!
//! Flows are for reading, in floating point; the shares themselves come from the
//! ledger in exact integers.

use std::collections::HashMap;

use ore_wire::v1::{GraphLot, GraphSource, GraphStep, Origin, TraceBackResponse};

use crate::words::word;

/// The graph, with the step that made each lot.
pub(crate) struct Flow<'a> {
    pub(crate) root: &'a str,
    lots: HashMap<&'a str, &'a GraphLot>,
    made_by: HashMap<&'a str, &'a GraphStep>,
    sources: HashMap<&'a str, &'a GraphSource>,
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
        Self { root, lots, made_by, sources }
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
            .map(|input| Input { lot: &input.lot, mg: input.mg, part: input.mg as f64 / total })
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
}
