//! A slow second opinion: shares as big fractions, carried forward through the calls.

use std::collections::BTreeMap;

use num_rational::BigRational;
use ore_provenance::{Element, Origin, Parts, RecyclingClass, Route, Scratch, StepKind};
use proptest::prelude::*;

use crate::world::{Call, Contents, NIOBIUM, TAME, TANTALUM, Wildness, ask, build, chains};

pub(crate) type Shares = BTreeMap<Origin, BigRational>;

pub(crate) fn whole(number: u128) -> BigRational {
    BigRational::from_integer(number.into())
}

pub(crate) fn parts(parts: Parts) -> BigRational {
    BigRational::new(parts.units().into(), Parts::ONE.units().into())
}

/// One unit of the last decimal of an answer.
pub(crate) fn unit() -> BigRational {
    BigRational::new(1.into(), Parts::ONE.units().into())
}

pub(crate) fn ppb(contents: &Contents, element: Element) -> u128 {
    contents.iter().find(|(it, _)| *it == element).map_or(0, |(_, content)| u128::from(content.bounds().0))
}

fn after(kind: StepKind, origin: Origin) -> Origin {
    let (route, more) = match kind {
        StepKind::Recycle(RecyclingClass::PreConsumer) => (Route::PreConsumer, 1),
        StepKind::Recycle(RecyclingClass::PostConsumer) => (Route::PostConsumer, 1),
        _ => (origin.route, 0),
    };
    Origin { route, generation: origin.generation + more, ..origin }
}

/// The shares of every lot, by the definition: the mean over inputs weighted by contained mass.
pub(crate) fn shares(calls: &[Call], element: Element) -> Vec<Shares> {
    let mut lots: Vec<(Shares, Contents)> = Vec::new();
    for call in calls {
        match call {
            Call::Source { origin, contents, .. } => {
                lots.push((Shares::from([(*origin, whole(1))]), contents.clone()));
            }
            Call::Step { kind, inputs, outputs, .. } => {
                let mut weights: Vec<u128> = inputs
                    .iter()
                    .map(|(lot, dry_mg)| u128::from(*dry_mg) * ppb(&lots[*lot as usize].1, element))
                    .collect();
                if weights.iter().all(|weight| *weight == 0) {
                    weights = inputs.iter().map(|(_, dry_mg)| u128::from(*dry_mg)).collect();
                }
                let total = whole(weights.iter().sum());
                let mut pooled = Shares::new();
                for ((lot, _), weight) in inputs.iter().zip(&weights).filter(|(_, weight)| **weight > 0) {
                    for (origin, share) in &lots[*lot as usize].0 {
                        *pooled.entry(after(*kind, *origin)).or_insert_with(|| whole(0)) +=
                            share * whole(*weight) / &total;
                    }
                }
                for (_, contents) in outputs {
                    lots.push((pooled.clone(), contents.clone()));
                }
            }
        }
    }
    lots.into_iter().map(|(shares, _)| shares).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]
    /// The bound that the engine reaches: every share within one unit of the eighteenth decimal.
    #[test]
    fn every_share_is_the_oracles_to_the_eighteenth_decimal(
        calls in prop_oneof![
            chains(30, TAME),
            chains(30, Wildness { out_of_nothing: true, ..TAME }),
        ],
    ) {
        let graph = build(&calls);
        let mut scratch = Scratch::default();
        for element in [TANTALUM, NIOBIUM] {
            for (lot, expected) in shares(&calls, element).into_iter().enumerate() {
                let Some(answer) = ask(&graph, &mut scratch, lot as u32, element) else { continue };
                let found: Shares = answer.origins.iter().map(|it| (it.origin, parts(it.share.value))).collect();
                for (origin, share) in &expected {
                    let found = found.get(origin).cloned().unwrap_or_else(|| whole(0));
                    let off = if found > *share { found - share } else { share - found };
                    prop_assert!(off <= unit(), "lot {lot} {origin:?}: off by {off}");
                }
                prop_assert!(found.keys().all(|origin| expected.contains_key(origin)));
            }
        }
    }
}
