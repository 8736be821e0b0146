//! What the evidence may and may not say.

use ore_fingerprint::{
    attribution::{attribute, grain_share},
    calibration::PValue,
    check::{LotPValue, Outcome},
    contrast::Space,
    element::{Element, ElementSet},
    evidence::{
        BACKGROUND_WEIGHT, EPSILON, GREATEST_RATIO, Ratio, Recalibration, Trial, cllr, equal_error_rate,
        ratio,
    },
    library::{Extra, Library, Scores},
    material::Substance,
    pattern::{Logs, Reading},
    synthetic::{self, Place, SHIPPED, SHIPPED_SEED},
};
use proptest::prelude::*;

use crate::world::{World, claim, lot_of, unseen};

fn logs(place: Place, spots: usize) -> Vec<Logs> {
    unseen(place, spots).0.iter().map(|pattern| pattern.logs()).collect()
}

fn world() -> World {
    World::of(Substance::grains("scheelite"))
}

#[test]
fn the_order_of_references_changes_no_bit() {
    let (mut references, background) = synthetic::library(SHIPPED_SEED, SHIPPED);
    let substance = Substance::grains("scheelite");
    let one = Library::fit(substance.clone(), &references, &background).unwrap();
    references.reverse();
    let other = Library::fit(substance, &references, &background).unwrap();
    let lot = logs(Place::Origin(0), 4);
    let bits = |library: &Library| -> Vec<u64> {
        library.score(&lot, Space::Log, &Extra::NONE).origins.iter().map(|x| x.to_bits()).collect()
    };
    assert_eq!(bits(&one), bits(&other));
}

#[test]
fn spots_are_averaged_and_not_multiplied() {
    let world = world();
    let lot = logs(Place::Origin(4), 3);
    let thrice: Vec<Logs> = lot.iter().chain(&lot).chain(&lot).copied().collect();
    let score =
        |lot: &[Logs]| ratio(&world.library.score(lot, Space::Log, &Extra::NONE), 4, BACKGROUND_WEIGHT).ln();
    assert!((score(&lot) - score(&thrice)).abs() < 1e-9);
}

#[test]
fn the_shape_does_not_see_dilution() {
    let world = world();
    let (patterns, _) = unseen(Place::Origin(1), 1);
    let diluted = Element::all().fold(patterns[0], |pattern, element| {
        let amount = pattern.ppm(element).unwrap() * 0.01;
        pattern.with(element, Reading::Value { amount, rsd: None })
    });
    let of = |space, logs: Logs| world.library.score(&[logs], space, &Extra::NONE).origins[1];
    assert!((of(Space::Shape, patterns[0].logs()) - of(Space::Shape, diluted.logs())).abs() < 1e-9);
    assert!((of(Space::Log, patterns[0].logs()) - of(Space::Log, diluted.logs())).abs() > 1.0);
}

#[test]
fn a_lot_from_elsewhere_rarely_supports_a_claim() {
    let world = world();
    let (mut support, mut honest) = (0, 0);
    for number in 0..12 {
        let foreign = world.library.score(&logs(Place::Elsewhere(number), 6), Space::Log, &Extra::NONE);
        support += usize::from(ratio(&foreign, number % 12, BACKGROUND_WEIGHT).ln() > 0.0);
        let own = world.library.score(&logs(Place::Origin(number), 6), Space::Log, &Extra::NONE);
        honest += usize::from(ratio(&own, number, BACKGROUND_WEIGHT).ln() > 0.0);
    }
    assert!(support <= 2 && honest >= 10, "foreign {support} of 12, honest {honest} of 12");
}

#[test]
fn an_odd_lot_has_a_small_p_value_and_an_honest_one_has_not() {
    let world = world();
    let of = |place: Place| {
        let scores: Vec<f64> = logs(place, 6)
            .iter()
            .map(|spot| world.library.score(&[*spot], Space::Log, &Extra::NONE).origins[2])
            .collect();
        match world.calibration.lot_p_value(2, &scores) {
            PValue::Value { p, scores } => {
                assert_eq!(scores, SHIPPED.samples * SHIPPED.spots);
                p
            }
            other => panic!("{other:?}"),
        }
    };
    assert!(of(Place::Origin(2)) > 0.1);
    assert!(of(Place::Origin(7)) < 0.1, "{}", of(Place::Origin(7)));
}

#[test]
fn a_p_value_keeps_silent_on_thin_references() {
    let (mut references, _) = synthetic::library(SHIPPED_SEED, SHIPPED);
    references.retain(|r| r.origin != Place::Origin(0).name() || r.sample.ends_with("sample 1"));
    let thin = World::with(Substance::grains("scheelite"), &references, &[]);
    assert!(matches!(
        thin.calibration.p_value(0, 0.0),
        PValue::InsufficientReference { samples: 0, scores: 0 }
    ));
    assert!(matches!(thin.calibration.p_value(99, 0.0), PValue::InsufficientReference { .. }));
}

#[test]
fn without_a_background_nothing_is_weighed_in_for_it() {
    let scores = Scores { origins: vec![-1.0, -3.0, -3.0], background: vec![] };
    let expected = Ratio::new(-1.0, -3.0).ln();
    assert!((ratio(&scores, 0, BACKGROUND_WEIGHT).ln() - expected).abs() < 1e-12);
}

#[test]
fn attribution_abstains_when_the_background_wins() {
    let scores = Scores { origins: vec![-5.0, -6.0, -7.0, -8.0], background: vec![-1.0, -20.0] };
    let found = attribute(&scores, 2.0);
    assert!(found.abstains && found.background > 0.5);
    assert_eq!(found.top.iter().map(|(k, _)| *k).collect::<Vec<_>>(), [0, 1, 2]);
    let at_home = attribute(&Scores { origins: vec![0.0, -6.0], background: vec![-4.0] }, 2.0);
    assert!(!at_home.abstains);
}

#[test]
fn a_quarter_of_foreign_grains_is_seen_grain_by_grain() {
    let own = [0.0; 40];
    let other: Vec<f64> = (0..40).map(|i| if i % 4 == 0 { 12.0 } else { -12.0 }).collect();
    let share = grain_share(&own, &other).unwrap();
    assert!((share - 0.75).abs() < 0.01, "{share}");
    assert_eq!(grain_share(&[], &[]), None);
    assert_eq!(grain_share(&[1.0], &[]), None);
}

#[test]
fn recalibration_needs_a_hundred_honest_trials_and_shrinks_boasts() {
    let trial = |ln_ratio, honest| Trial { ln_ratio, honest };
    let mut trials: Vec<Trial> = (0..99).map(|_| trial(6.0, true)).collect();
    trials.push(trial(-6.0, false));
    assert_eq!(Recalibration::fit(&trials), None);
    // One in five is wrong on either side, and the ratio boasts of e^6.
    trials = (0..200).map(|i| trial(if i % 5 == 0 { -6.0 } else { 6.0 }, true)).collect();
    trials.extend((0..200).map(|i| trial(if i % 5 == 0 { 6.0 } else { -6.0 }, false)));
    let line = Recalibration::fit(&trials).unwrap();
    let said = line.offset + line.slope * 6.0;
    assert!((said - 4.0_f64.ln()).abs() < 0.05, "{said}");
}

#[test]
fn costs_of_trials_are_what_their_definitions_say() {
    let silent = [Trial { ln_ratio: 0.0, honest: true }, Trial { ln_ratio: 0.0, honest: false }];
    assert!((cllr(&silent) - 1.0).abs() < 1e-12);
    let sure = [Trial { ln_ratio: 50.0, honest: true }, Trial { ln_ratio: -50.0, honest: false }];
    assert!(cllr(&sure) < 1e-12 && equal_error_rate(&sure) == 0.0);
}

#[test]
fn another_laboratory_widens_what_is_expected() {
    let world = world();
    let measured = world.library.campaign_covariance(None);
    assert!(measured.origins >= 3);
    let lot = logs(Place::Origin(5), 4);
    let extra = world.library.extra_for("a laboratory that nobody knows");
    let near = world.library.score(&lot, Space::Log, &Extra::NONE).origins[5];
    let wide = world.library.score(&lot, Space::Log, &extra).origins[5];
    assert!(wide < near, "a home match is worth less from a foreign laboratory: {wide} {near}");
    let mut foreign = lot_of(Place::Origin(2), 4);
    foreign.campaign = "a laboratory that nobody knows".to_owned();
    let Outcome::Assessed(found) = world.ask(&foreign, &claim(2)) else { panic!("not assessable") };
    assert_eq!(found.p_value, LotPValue::OtherLaboratory);
}

#[test]
fn a_value_below_detection_is_not_a_small_value() {
    let world = world();
    let (patterns, _) = unseen(Place::Origin(3), 1);
    let limit = patterns[0].ppm(Element::LA).unwrap() * 4.0;
    let below = patterns[0].with(Element::LA, Reading::Below(Some(limit)));
    let absent = patterns[0].without(ElementSet::NONE.with(Element::LA));
    let of = |logs: Logs| world.library.score(&[logs], Space::Log, &Extra::NONE).origins[3];
    assert_eq!(of(below.logs()), of(absent.logs()));
    for space in [Space::Log, Space::Shape] {
        let ready =
            world.library.origin(3).unwrap().student.prepare(space, below.logs().observed(), None).unwrap();
        let plain = ready.ln_density(&below.logs());
        let with_term = ready.ln_density_censored(&below.logs());
        // The limit lies far above what is expected, so the term is a probability near one.
        assert!(with_term <= plain && with_term > plain - 0.2, "{plain} {with_term}");
    }
}

proptest! {
    #[test]
    fn no_ratio_leaves_its_bounds(claim in -1e4..1e4_f64, other in -1e4..1e4_f64) {
        let ratio = Ratio::new(claim, other);
        prop_assert!(ratio.published() >= EPSILON && ratio.published() <= GREATEST_RATIO);
        prop_assert!(ratio.ln() >= EPSILON.ln() - 1e-12);
        prop_assert!(!ratio.words().is_empty());
    }

    #[test]
    fn any_missing_pattern_has_a_density_or_none(mask in 0_u32..(1 << 14), amount in 1e-6..1e5_f64) {
        let (references, _) = synthetic::library(1, synthetic::Plan { origins: 2, samples: 3, spots: 4, background: 0 });
        let library = Library::fit(Substance::grains("scheelite"), &references, &[]).unwrap();
        let mut pattern = ore_fingerprint::pattern::Pattern::default();
        for element in Element::all().filter(|element| mask & (1 << element.index()) != 0) {
            pattern = pattern.with(element, Reading::Value { amount, rsd: None });
        }
        for (space, least) in [(Space::Log, 1), (Space::Shape, 2)] {
            let scores = library.score(&[pattern.logs()], space, &Extra::NONE);
            let some = pattern.observed().len() >= least;
            prop_assert!(scores.origins.iter().all(|score| score.is_finite() == some));
        }
    }
}
