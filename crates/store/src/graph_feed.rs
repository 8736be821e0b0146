//! The provenance graph, fed from what custody decided.
//!
//! [`feed`] turns a record's effects into steps of the graph, applies them, and writes them down in a few
//! dozen bytes; [`replay`] applies what was written down. So a start needs no rules to have the graph again.

mod ops;

use ore_custody::{Effect, MassChange};
use ore_provenance::{AppendError, Graph, LotIndex, StepIndex};

pub use ops::{BadFeed, Contents, Made, Op};

/// Why custody and the graph disagree about a record that custody admitted: a defect of ours, not of the record.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FeedError {
    /// The graph refused it.
    #[error("the graph refuses what custody admitted at leaf {leaf}: {why}")]
    Refused {
        /// Leaf of the record.
        leaf: u64,
        /// Why.
        why: AppendError,
    },
    /// A lot got another number than custody gave it.
    #[error("custody numbers a lot {custody} and the graph {graph} at leaf {leaf}")]
    Ordinal {
        /// Leaf of the record.
        leaf: u64,
        /// Custody's ordinal.
        custody: u32,
        /// The graph's.
        graph: u32,
    },
    /// A feed that was written down does not decode.
    #[error(transparent)]
    Bad(#[from] BadFeed),
}

/// Applies a record's effects to the graph and appends them to `written`, to be stored with its block.
///
/// # Errors
/// [`FeedError`]; the graph may hold a part of the record then: undo it to an earlier mark.
pub fn feed(
    graph: &mut Graph,
    leaf: u64,
    effects: &[Effect],
    written: &mut Vec<u8>,
) -> Result<(), FeedError> {
    for effect in effects {
        for op in ops_of(graph, effect, leaf) {
            op.encode(leaf, written);
            apply(graph, leaf, &op)?;
        }
    }
    Ok(())
}

/// Applies a feed that was written down.
///
/// # Errors
/// [`FeedError`].
pub fn replay(graph: &mut Graph, mut written: &[u8]) -> Result<(), FeedError> {
    while !written.is_empty() {
        let (leaf, op) = Op::decode(&mut written)?;
        apply(graph, leaf, &op)?;
    }
    Ok(())
}

fn ops_of(graph: &Graph, effect: &Effect, leaf: u64) -> Vec<Op> {
    match effect {
        Effect::Source(source) => vec![Op::source(source)],
        Effect::Step(step) => step_ops(graph, step),
        Effect::Composition { lot, composition } => {
            vec![Op::Composition { lot: *lot, composition: ops::composition(composition) }]
        }
        Effect::Mass { lot, remaining_mg, why } => mass_ops(graph, *lot, *remaining_mg, *why),
        Effect::Void { lots, .. } => lots.iter().map(|lot| Op::VoidLot { lot: *lot }).collect(),
        Effect::TakenBack { withdrawn, inputs, outputs } => match (outputs.first(), inputs.first()) {
            (Some(lot), _) => vec![Op::VoidLot { lot: *lot }],
            (None, Some((lot, _))) => void_use(graph, *lot, *withdrawn, leaf),
            (None, None) => Vec::new(),
        },
        Effect::Recalled { .. } | Effect::Released { .. } => Vec::new(),
    }
}

/// A part that was assayed by itself: the lot carries that assay while the part is taken, and its own again
/// afterwards; the graph pins to each part what held when it was taken.
fn step_ops(graph: &Graph, step: &ore_custody::Step) -> Vec<Op> {
    let (mut before, mut after) = (Vec::new(), Vec::new());
    for input in &step.inputs {
        if let Some(composition) = &input.composition {
            before.push(Op::Composition { lot: input.lot, composition: ops::composition(composition) });
            let own = graph.composition(LotIndex(input.lot), u64::MAX);
            after.push(Op::Composition { lot: input.lot, composition: own });
        }
    }
    before.push(Op::step(step));
    before.append(&mut after);
    before
}

fn mass_ops(graph: &Graph, lot: u32, remaining_mg: u64, why: MassChange) -> Vec<Op> {
    let Some(facts) = graph.lot(LotIndex(lot), u64::MAX) else { return Vec::new() };
    let left_mg = facts.dry_mg.saturating_sub(facts.taken_mg);
    let gone = matches!(why, MassChange::Used | MassChange::Disposed);
    match left_mg.checked_sub(remaining_mg) {
        Some(0) => Vec::new(),
        Some(dry_mg) if gone => vec![Op::Leave { lot, dry_mg }],
        _ => vec![Op::Mass { lot, dry_mg: facts.taken_mg.saturating_add(remaining_mg) }],
    }
}

/// The step without outputs that took from a lot at a leaf.
fn void_use(graph: &Graph, lot: u32, withdrawn: u64, leaf: u64) -> Vec<Op> {
    let taken = graph
        .uses(LotIndex(lot), leaf + 1)
        .find(|part| graph.step(part.by).is_some_and(|step| step.leaf == withdrawn));
    taken.map(|part| Op::VoidStep { step: part.by.0 }).into_iter().collect()
}

fn apply(graph: &mut Graph, leaf: u64, op: &Op) -> Result<(), FeedError> {
    let refused = |why| FeedError::Refused { leaf, why };
    match op {
        Op::Source { lot, origin, kind, dry_mg, composition } => {
            let made = graph.append_source(leaf, *origin, *kind, *dry_mg, composition).map_err(refused)?;
            same_ordinal(leaf, *lot, made.first_lot())
        }
        Op::Step { first_lot, kind, mixing, inputs, outputs } => {
            let made = outputs.iter().map(ops::Made::as_new_lot).collect::<Vec<_>>();
            let made = graph.append_step(leaf, *kind, *mixing, inputs, &made).map_err(refused)?;
            match first_lot {
                Some(lot) => same_ordinal(leaf, *lot, made.first_lot()),
                None => Ok(()),
            }
        }
        Op::Leave { lot, dry_mg } => {
            let taken = ore_provenance::Taken { lot: LotIndex(*lot), dry_mg: *dry_mg };
            let mixing = ore_provenance::Mixing::Homogenised;
            let kind = ore_provenance::StepKind::Leave;
            graph.append_step(leaf, kind, mixing, &[taken], &[]).map(drop).map_err(refused)
        }
        Op::Composition { lot, composition } => {
            graph.set_composition(leaf, LotIndex(*lot), composition).map_err(refused)
        }
        Op::Mass { lot, dry_mg } => graph.set_mass(leaf, LotIndex(*lot), *dry_mg).map_err(refused),
        Op::VoidLot { lot } => graph.void_lot(leaf, LotIndex(*lot)).map_err(refused),
        Op::VoidStep { step } => graph.void_step(leaf, StepIndex(*step)).map_err(refused),
    }
}

fn same_ordinal(leaf: u64, custody: u32, graph: LotIndex) -> Result<(), FeedError> {
    if custody == graph.0 { Ok(()) } else { Err(FeedError::Ordinal { leaf, custody, graph: graph.0 }) }
}
