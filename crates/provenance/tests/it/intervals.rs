//! Intervals hold the truth: whatever the assays hide and however a stockpile was dug.

use num_rational::BigRational;
use ore_provenance::{Content, ContentKind, Graph, Method, Mixing, Parts, Scratch, SourceId, StepKind};
use proptest::prelude::*;

use crate::oracle::{Shares, parts, shares, unit, whole};
use crate::properties::source_of;
use crate::world::{Call, Contents, Dice, TANTALUM, Wildness, ask, build, chains, exact, origin};

const PURE: u32 = 1_000_000_000;

fn holds_truth(graph: &Graph, lot: u32, truth: &Shares) -> Result<(), TestCaseError> {
    let Some(answer) = ask(graph, &mut Scratch::default(), lot, TANTALUM) else { return Ok(()) };
    for (origin, share) in truth {
        let found = answer.origins.iter().find(|it| it.origin == *origin);
        let (lower, upper) = found.map_or((Parts::ZERO, Parts::ZERO), |it| (it.share.lower, it.share.upper));
        prop_assert!(parts(lower) <= share + unit(), "lot {lot} {origin:?}: {share} is below {lower}");
        prop_assert!(*share <= parts(upper) + unit(), "lot {lot} {origin:?}: {share} is above {upper}");
    }
    Ok(())
}

/// Any content that an assay's interval allows.
fn true_content(dice: &mut Dice, content: Content) -> Content {
    let (_, lower, upper) = content.bounds();
    exact((u64::from(lower) + dice.roll(u64::from(upper - lower) + 1)) as u32)
}

fn true_contents(dice: &mut Dice, contents: &Contents) -> Contents {
    contents.iter().map(|(element, content)| (*element, true_content(dice, *content))).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn no_true_content_within_the_assays_leaves_the_interval(
        calls in chains(25, Wildness { uncertain: true, layers: false, out_of_nothing: false }), seed in any::<u64>(),
    ) {
        let graph = build(&calls);
        let mut dice = Dice(seed);
        let truth: Vec<Call> = calls.iter().cloned().map(|call| match call {
            Call::Source { origin, kind, dry_mg, contents } => {
                Call::Source { origin, kind, dry_mg, contents: true_contents(&mut dice, &contents) }
            }
            Call::Step { kind, mixing, inputs, outputs } => {
                let outputs = outputs.into_iter()
                    .map(|(dry_mg, contents)| (dry_mg, true_contents(&mut dice, &contents))).collect();
                Call::Step { kind, mixing, inputs, outputs }
            }
        }).collect();
        // Where the true contents vanish there is no true share to compare with.
        let vanishes = |contents: &Contents| contents.iter().any(|(_, content)| content.ppb == 0);
        let void = truth.iter().any(|call| match call {
            Call::Source { contents, .. } => vanishes(contents),
            Call::Step { outputs, .. } => outputs.iter().any(|(_, contents)| vanishes(contents)),
        });
        prop_assume!(!void);
        for (lot, truth) in shares(&truth, TANTALUM).into_iter().enumerate() {
            holds_truth(&graph, lot as u32, &truth)?;
        }
    }

    #[test]
    fn however_a_stockpile_is_dug_the_share_stays_in_its_interval(
        seeds in proptest::collection::vec(any::<(u8, u64)>(), 3..25), seed in any::<u64>(),
    ) {
        let (calls, truth) = dig(&seeds, seed);
        let graph = build(&calls);
        for (lot, truth) in truth.into_iter().enumerate() {
            if !truth.is_empty() {
                holds_truth(&graph, lot as u32, &truth)?;
            }
        }
    }
}

/// One homogeneous piece inside a lot.
#[derive(Clone)]
struct Parcel {
    mass: u64,
    mix: Shares,
}

/// Makes up a chain of pure metal with stockpiles, and digs in them at random: the calls, and what each
/// lot then really holds (empty where it holds nothing).
fn dig(seeds: &[(u8, u64)], seed: u64) -> (Vec<Call>, Vec<Shares>) {
    let mut dice = Dice(seed);
    let (mut calls, mut truth) = (Vec::new(), Vec::new());
    let mut stock: Vec<Vec<Parcel>> = Vec::new();
    for (what, number) in seeds {
        let open: Vec<usize> = (0..stock.len()).filter(|lot| mass(&stock[*lot]) > 0).collect();
        if open.len() < 2 || what % 3 == 0 {
            let (origin, kind) = origin((number % 12) as u32);
            let dry_mg = 1 + dice.roll(1_000);
            calls.push(Call::Source { origin, kind, dry_mg, contents: vec![(TANTALUM, exact(PURE))] });
            let mix = Shares::from([(origin, whole(1))]);
            truth.push(mix.clone());
            stock.push(vec![Parcel { mass: dry_mg, mix }]);
            continue;
        }
        let (kind, mixing) = match what % 5 {
            0 => (StepKind::Split, Mixing::Homogenised),
            1 | 2 => (StepKind::Transform, Mixing::NotHomogenised),
            3 => (StepKind::Transform, Mixing::Segregated),
            _ => (StepKind::Transform, Mixing::Homogenised),
        };
        let (mut inputs, mut pile) = (Vec::new(), Vec::new());
        for _ in 0..if kind == StepKind::Split { 1 } else { 1 + dice.roll(3) } {
            let lot = open[dice.roll(open.len() as u64) as usize];
            let left = mass(&stock[lot]);
            if left > 0 {
                let taken = if dice.roll(2) == 0 { left } else { 1 + dice.roll(left) };
                pile.extend(take(&mut dice, &mut stock[lot], taken));
                inputs.push((lot as u32, taken));
            }
        }
        if inputs.is_empty() {
            continue;
        }
        if kind == StepKind::Transform && mixing == Mixing::Homogenised {
            pile = vec![Parcel { mass: mass(&pile), mix: mean(&pile) }];
        }
        let mut outputs = Vec::new();
        for _ in 0..1 + dice.roll(3) {
            let dry_mg = dice.roll(mass(&pile) + 1);
            let lot = take(&mut dice, &mut pile, dry_mg);
            truth.push(if dry_mg > 0 { mean(&lot) } else { Shares::new() });
            stock.push(lot);
            outputs.push((dry_mg, vec![(TANTALUM, exact(PURE))]));
        }
        calls.push(Call::Step { kind, mixing, inputs, outputs });
    }
    (calls, truth)
}

fn mass(parcels: &[Parcel]) -> u64 {
    parcels.iter().map(|parcel| parcel.mass).sum()
}

fn mean(parcels: &[Parcel]) -> Shares {
    let total = whole(u128::from(mass(parcels)));
    let mut mix = Shares::new();
    for parcel in parcels {
        for (origin, share) in &parcel.mix {
            *mix.entry(*origin).or_insert_with(|| whole(0)) +=
                share * whole(u128::from(parcel.mass)) / &total;
        }
    }
    mix
}

/// Digs a mass out of a lot, parcel by parcel in no order.
fn take(dice: &mut Dice, from: &mut [Parcel], mass_mg: u64) -> Vec<Parcel> {
    let (mut open, mut taken) = (mass_mg, Vec::new());
    let greedy = dice.roll(2) == 0;
    while open > 0 {
        let index = dice.roll(from.len() as u64) as usize;
        let most = from[index].mass.min(open);
        let part = if greedy || most == 0 { most } else { 1 + dice.roll(most) };
        if part > 0 {
            from[index].mass -= part;
            open -= part;
            taken.push(Parcel { mass: part, mix: from[index].mix.clone() });
        }
    }
    taken
}

fn pile_of(a_mg: u64, b_mg: u64, mixing: Mixing, outputs: &[u64]) -> Graph {
    let mut calls = vec![source_of(a_mg), source_of(b_mg)];
    if let Call::Source { origin, .. } = &mut calls[1] {
        origin.source = SourceId(1);
    }
    let outputs = outputs.iter().map(|dry_mg| (*dry_mg, vec![(TANTALUM, exact(PURE))])).collect();
    calls.push(Call::Step { kind: StepKind::Transform, mixing, inputs: vec![(0, a_mg), (1, b_mg)], outputs });
    build(&calls)
}

#[test]
fn a_part_taken_from_a_pile_lot_has_the_bounds_of_a_withdrawal() {
    // The whole pile is one lot; the withdrawal is a split of it.
    let mut graph = pile_of(300, 700, Mixing::NotHomogenised, &[1_000]);
    let pile = ore_provenance::LotIndex(2);
    let whole = ask(&graph, &mut Scratch::default(), 2, TANTALUM).unwrap();
    assert!(whole.origins[0].share.is_exact(), "the pile as a whole is certain");
    for (dry_mg, lower, upper) in
        [(200, 0, Parts::ONE.units()), (800, 125_000_000_000_000_000, 375_000_000_000_000_000)]
    {
        let mark = graph.mark();
        let composition = [(TANTALUM, exact(PURE))];
        let made = graph
            .append_step(
                9,
                StepKind::Split,
                Mixing::Homogenised,
                &[ore_provenance::Taken { lot: pile, dry_mg }],
                &[ore_provenance::NewLot { dry_mg, composition: &composition }],
            )
            .unwrap();
        let answer = ask(&graph, &mut Scratch::default(), made.first_lot().0, TANTALUM).unwrap();
        let share = answer.origins[0].share;
        assert_eq!((share.lower.units(), share.upper.units()), (lower, upper));
        assert_eq!(share.value.units(), 300_000_000_000_000_000);
        assert_eq!(answer.methods, [Method::WellMixed, Method::StockpileBounds]);
        graph.undo_to(&mark).unwrap();
    }
}

#[test]
fn a_detection_limit_opens_an_interval_around_zero() {
    let mut calls = vec![source_of(1_000), source_of(1_000)];
    let Call::Source { origin, contents, .. } = &mut calls[1] else { unreachable!("a source") };
    origin.source = SourceId(1);
    contents[0].1 = Content { ppb: PURE / 4, uncertainty_ppb_k2: 0, kind: ContentKind::BelowDetection };
    calls.push(Call::Step {
        kind: StepKind::Transform,
        mixing: Mixing::Homogenised,
        inputs: vec![(0, 1_000), (1, 1_000)],
        outputs: vec![(2_000, vec![(TANTALUM, exact(PURE / 2))])],
    });
    let answer = ask(&build(&calls), &mut Scratch::default(), 2, TANTALUM).unwrap();
    let [found, below] = answer.origins[..] else { panic!("two origins: {:?}", answer.origins) };
    assert_eq!((found.share.value, below.share.value), (Parts::ONE, Parts::ZERO));
    assert_eq!(parts(below.share.upper), BigRational::new(1.into(), 5.into()));
    assert_eq!(parts(found.share.lower), BigRational::new(4.into(), 5.into()));
}

#[test]
fn an_element_that_no_input_states_may_come_from_any_of_them() {
    let mut calls = vec![source_of(1_000), source_of(3_000)];
    if let Call::Source { origin, .. } = &mut calls[1] {
        origin.source = SourceId(1);
    }
    calls.push(Call::Step {
        kind: StepKind::Transform,
        mixing: Mixing::Homogenised,
        inputs: vec![(0, 1_000), (1, 3_000)],
        outputs: vec![(10, vec![(crate::world::NIOBIUM, exact(PURE))])],
    });
    let answer = ask(&build(&calls), &mut Scratch::default(), 2, crate::world::NIOBIUM).unwrap();
    assert_eq!(answer.methods, [Method::WellMixed, Method::DryMassFallback]);
    for (it, value) in answer.origins.iter().zip([250_000_000_000_000_000, 750_000_000_000_000_000]) {
        assert_eq!((it.share.lower, it.share.upper), (Parts::ZERO, Parts::ONE));
        assert_eq!(it.share.value.units(), value);
    }
}
