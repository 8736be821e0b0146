//! Traces and recalls in the proto's words, a part at a time.

use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use ore_custody::Custody;
use ore_provenance::{
    Graph, LotIndex, QuestionError, Recall, Scratch, Share, StepIndex, Trace, TraceEdge, TraceNode,
};
use ore_record::{SignedRecord, v1::record::Event};
use ore_wire::v1;
use tokio::sync::RwLockReadGuard;
use tonic::Status;

use super::{PART_ITEMS, Question, milligrams, origin_of, share_of};
use crate::services::{
    Api,
    audit::WALK_UNITS,
    lot::{describe, with_statement},
};

/// The ledger, inside a computing thread: each lock is taken for a short time and by itself, so that appends go on
/// while a long answer is put into words.
pub(super) struct Look<'a> {
    pub(super) api: &'a Api,
    /// The graph as of a business date.
    pub(super) dated: Option<Arc<Graph>>,
    pub(super) gone: &'a AtomicBool,
}

impl Look<'_> {
    /// Walks in slices: between two of them appends go on. The walk ends when the caller has left.
    pub(super) fn walk<Q, T>(
        &self,
        scratch: &mut Scratch,
        begin: impl FnOnce(&Graph, &mut Scratch) -> Result<Q, QuestionError>,
        go_on: impl Fn(&mut Q, &Graph, &mut Scratch, u64) -> Option<T>,
    ) -> Result<T, Status> {
        let mut question = self.graph(|graph| begin(graph, scratch)).map_err(super::no_answer)?;
        // Ends: each turn goes on with a walk that visits each step once.
        loop {
            if self.gone.load(Ordering::Relaxed) {
                return Err(Status::cancelled("the caller has left"));
            }
            if let Some(answer) = self.graph(|graph| go_on(&mut question, graph, scratch, WALK_UNITS)) {
                return Ok(answer);
            }
            std::thread::yield_now();
        }
    }

    /// Asks the graph, for a short time.
    pub(super) fn graph<T>(&self, ask: impl FnOnce(&Graph) -> T) -> T {
        match &self.dated {
            Some(dated) => ask(dated),
            None => ask(&self.api.ledger.graph()),
        }
    }

    pub(super) fn custody(&self) -> RwLockReadGuard<'_, Custody> {
        self.api.ledger.custody.blocking_read()
    }

    /// Puts items into words, a part's worth under one hold of the custody lock.
    fn put<I, T>(
        &self,
        items: &[I],
        mut word: impl FnMut(&Custody, &I) -> Option<T>,
    ) -> Result<Vec<T>, Status> {
        let mut put = Vec::with_capacity(items.len());
        for some in items.chunks(PART_ITEMS) {
            if self.gone.load(Ordering::Relaxed) {
                return Err(Status::cancelled("the caller has left"));
            }
            let custody = self.custody();
            put.extend(some.iter().filter_map(|item| word(&custody, item)));
        }
        Ok(put)
    }
}

/// A trace that is put into words.
pub(super) struct Backward<'a> {
    pub(super) look: &'a Look<'a>,
    pub(super) question: &'a Question,
}

/// A step with its parts and its lots in a trace, and where its record stands.
struct Opened<'a> {
    edges: &'a [TraceEdge],
    made: Vec<&'a TraceNode>,
    leaf: u64,
}

impl Backward<'_> {
    pub(super) fn parts(&self, trace: &Trace) -> Result<Vec<v1::TraceBackResponse>, Status> {
        let reader = &self.look.api.ledger.reader;
        let lots = self.look.put(&trace.nodes, |custody, node| {
            let lot = custody.lot_by_ordinal(node.lot.0)?;
            Some(v1::GraphLot {
                lot: Some(with_statement(reader, &lot, describe(custody, &lot))),
                depth: node.depth,
                created_mg: milligrams(node.contained),
                share_e18: node.share.units(),
            })
        })?;
        let mut made: HashMap<StepIndex, Vec<&TraceNode>> = HashMap::new();
        for node in &trace.nodes {
            made.entry(node.step).or_default().push(node);
        }
        let opened: Vec<Opened<'_>> = self.look.graph(|graph| {
            let steps = trace.edges.chunk_by(|left, right| left.into == right.into);
            let opened = steps.filter_map(|edges| {
                let step = edges.first()?.into;
                let made = made.get(&step).cloned().unwrap_or_default();
                Some(Opened { edges, made, leaf: graph.step(step).map_or(u64::MAX, |facts| facts.leaf) })
            });
            opened.collect()
        });
        let steps = self.look.put(&opened, |custody, opened| Some(self.step(custody, opened)))?;
        let found: Vec<_> = self.look.graph(|graph| {
            let found = trace.nodes.iter().filter_map(|node| {
                let facts = graph.step(node.step)?;
                Some((node.lot, facts.leaf, facts.origin?))
            });
            found.collect()
        });
        let sources = self.look.put(&found, |custody, (lot, leaf, (origin, kind))| {
            Some(v1::GraphSource {
                lot: lot_id(custody, *lot),
                record_id: id_at(custody, *leaf),
                origin: Some(origin_of(custody, origin, *kind)),
            })
        })?;
        let cut = if trace.truncated { v1::CutShort::Lots } else { v1::CutShort::Unspecified };
        let note =
            if trace.truncated { "ancestors beyond a limit of depth or number are left out" } else { "" };
        let summary = summary(self.question, lots.len(), steps.len(), cut, note);
        let mut parts: Vec<v1::TraceBackResponse> = Vec::new();
        let part = |parts: &mut Vec<_>, part: v1::TraceBackResponse| parts.push(part);
        lots.chunks(PART_ITEMS).for_each(|lots| {
            part(&mut parts, v1::TraceBackResponse { lots: lots.to_vec(), ..Default::default() })
        });
        steps.chunks(PART_ITEMS).for_each(|steps| {
            part(&mut parts, v1::TraceBackResponse { steps: steps.to_vec(), ..Default::default() })
        });
        sources.chunks(PART_ITEMS).for_each(|sources| {
            part(&mut parts, v1::TraceBackResponse { sources: sources.to_vec(), ..Default::default() });
        });
        part(&mut parts, v1::TraceBackResponse { summary: Some(summary), ..Default::default() });
        Ok(parts)
    }

    /// What a step's record says; only its id when the log cannot be read.
    fn step(&self, custody: &Custody, opened: &Opened<'_>) -> v1::GraphStep {
        let inputs = opened.edges.iter().map(|edge| v1::GraphAmount {
            lot: lot_id(custody, edge.from),
            mg: milligrams(edge.contained),
            dry_mg: edge.dry_mg,
            share_e18: edge.share.units(),
        });
        let outputs = opened.made.iter().map(|node| v1::GraphAmount {
            lot: lot_id(custody, node.lot),
            mg: milligrams(node.contained),
            dry_mg: node.dry_mg,
            share_e18: node.share.units(),
        });
        let mut described = v1::GraphStep {
            record_id: id_at(custody, opened.leaf),
            inputs: inputs.collect(),
            outputs: outputs.collect(),
            ..v1::GraphStep::default()
        };
        let entry = self.look.api.ledger.reader.entry(opened.leaf).ok().flatten();
        let Some(record) = entry.and_then(|entry| SignedRecord::decode(&entry).ok()) else {
            return described;
        };
        described.event_time_ms = record.record().event_time_ms;
        described.author.clone_from(&record.record().author);
        if let Event::Transform(transform) = record.event() {
            described.process = transform.process;
            described.facility.clone_from(&transform.facility);
            described.recycling_class = transform.recycling_class;
        }
        described
    }
}

fn lot_id(custody: &Custody, lot: LotIndex) -> String {
    custody.lot_by_ordinal(lot.0).map(|lot| lot.id().to_owned()).unwrap_or_default()
}

fn id_at(custody: &Custody, leaf: u64) -> bytes::Bytes {
    let id = custody.id_at(leaf);
    id.map(|id| bytes::Bytes::copy_from_slice(id.as_bytes())).unwrap_or_default()
}

fn summary(
    question: &Question,
    lots: usize,
    steps: usize,
    cut: v1::CutShort,
    note: &str,
) -> v1::TraceSummary {
    v1::TraceSummary {
        tree_size: question.as_of,
        lots: lots as u32,
        steps: steps as u32,
        cut_short: cut.into(),
        note: note.to_owned(),
        element: question.element.0.into(),
    }
}

/// A recall in words.
pub(super) fn forward_parts(
    look: &Look<'_>,
    question: &Question,
    recall: &Recall,
) -> Result<Vec<v1::TraceForwardResponse>, Status> {
    let reader = &look.api.ledger.reader;
    // Every hit stands in the ledger that was asked about.
    let hits = look.put(&recall.hits, |custody, hit| {
        let lot = custody.lot_by_ordinal(hit.lot.0)?;
        Some(v1::Descendant {
            lot: Some(with_statement(reader, &lot, describe(custody, &lot))),
            share: Some(share_of(&Share::exactly(hit.share))),
            remaining_mg: milligrams(hit.remaining),
            created_mg: milligrams(hit.contained),
        })
    })?;
    let mut parts: Vec<_> = hits
        .chunks(PART_ITEMS)
        .map(|hits| v1::TraceForwardResponse { descendants: hits.to_vec(), summary: None })
        .collect();
    let (cut, note) = match (recall.truncated, recall.uncertain) {
        (true, _) => (v1::CutShort::Lots, "descendants beyond a limit are left out"),
        (false, true) => {
            (v1::CutShort::Unspecified, "shares are those under good mixing; single lots may differ")
        }
        (false, false) => (v1::CutShort::Unspecified, ""),
    };
    let summary = summary(question, hits.len(), recall.visited.steps as usize, cut, note);
    parts.push(v1::TraceForwardResponse { descendants: Vec::new(), summary: Some(summary) });
    Ok(parts)
}
