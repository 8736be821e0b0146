//! Steps and blends.

use ore_fingerprint::{
    blend::{BlendAnswer, Part, test_blend},
    element::{Element, ElementSet},
    lambdas::basis,
    library::Library,
    material::{Refined, Substance},
    pattern::{Pattern, Reading},
    special::Seeded,
    steps::{ChiSquare, StepAnswer, StepKind, test_step},
    synthetic::{self, Place, SHIPPED, SHIPPED_SEED},
};

use crate::world::unseen;

fn tested(answer: StepAnswer) -> ChiSquare {
    match answer {
        StepAnswer::Tested(test) => test,
        other => panic!("{other:?}"),
    }
}

fn map(pattern: &Pattern, change: impl Fn(Element, f64) -> f64) -> Pattern {
    Element::all().fold(*pattern, |out, element| match pattern.ppm(element) {
        Some(ppm) => out.with(element, Reading::Value { amount: change(element, ppm), rsd: Some(0.05) }),
        None => out,
    })
}

#[test]
fn upgrading_keeps_ratios_and_passes() {
    let ore = unseen(Place::Origin(0), 1).0[0];
    let test = tested(test_step(&ore, &map(&ore, |_, ppm| ppm * 40.0), &StepKind::SameMaterial));
    assert!(test.value < 1e-9 && test.degrees == 13 && test.p > 0.999, "{test:?}");
}

#[test]
fn a_swapped_lot_does_not_pass() {
    let (ore, other) = (unseen(Place::Origin(0), 1).0[0], unseen(Place::Origin(7), 1).0[0]);
    assert!(tested(test_step(&ore, &other, &StepKind::SameMaterial)).p < 1e-6);
}

#[test]
fn missing_elements_cost_degrees_and_too_many_cost_the_test() {
    let ore = unseen(Place::Origin(0), 1).0[0];
    let few = ore.without(Element::all().skip(4).collect());
    assert_eq!(tested(test_step(&ore, &few, &StepKind::SameMaterial)).degrees, 3);
    let one = ore.without(Element::all().skip(1).collect());
    assert_eq!(
        test_step(&ore, &one, &StepKind::SameMaterial),
        StepAnswer::TooFewElements { shared: 1, needed: 2 }
    );
    let three = ore.without(Element::all().filter(|e| e.index() > 3).collect::<ElementSet>());
    assert_eq!(
        test_step(&ore, &three, &StepKind::SmoothPartition),
        StepAnswer::TooFewElements { shared: 3, needed: 4 }
    );
}

#[test]
fn a_smooth_partition_is_no_swap_but_a_step_in_it_is() {
    let ore = unseen(Place::Origin(0), 1).0[0];
    let basis = basis();
    // Leaching favours light elements, and takes cerium and europium as it likes.
    let leached = map(&ore, |element, ppm| {
        let i = element.index();
        let redox = if [Element::CE, Element::EU].contains(&element) { 0.2 } else { 1.0 };
        ppm * redox * (0.7 + 6.0 * basis[1][i] - 30.0 * basis[2][i]).exp()
    });
    let smooth = tested(test_step(&ore, &leached, &StepKind::SmoothPartition));
    assert!(smooth.value < 1e-6 && smooth.degrees == 9, "{smooth:?}");
    assert!(tested(test_step(&ore, &leached, &StepKind::SameMaterial)).p < 1e-6);
    let kinked = map(&leached, |element, ppm| if element.index() == 8 { ppm * 2.0 } else { ppm });
    assert!(tested(test_step(&ore, &kinked, &StepKind::SmoothPartition)).p < 1e-6);
}

#[test]
fn refining_is_said_and_not_tested() {
    let ore = unseen(Place::Origin(0), 1).0[0];
    assert_eq!(
        test_step(&ore, &ore, &StepKind::Refining(Refined::Oxide)),
        StepAnswer::PatternReset(Refined::Oxide)
    );
}

#[test]
fn samples_of_one_origin_differ_more_than_assays_do() {
    let (references, _) = synthetic::library(SHIPPED_SEED, SHIPPED);
    let library = Library::fit(Substance::grains("scheelite"), &references, &[]).unwrap();
    let kind = StepKind::DifferentSamples { scatter: Box::new(library.sample_scatter()), spots: (1, 1) };
    let (mut strict, mut lenient) = (0, 0);
    for number in 0..SHIPPED.origins {
        let sample = |n| synthetic::sample(SHIPPED_SEED, Place::Origin(number), n, 1)[0].pattern;
        let (before, after) = (sample(50), sample(51));
        strict += usize::from(tested(test_step(&before, &after, &StepKind::SameMaterial)).p < 0.05);
        lenient += usize::from(tested(test_step(&before, &after, &kind)).p < 0.05);
    }
    assert!(strict >= 10 && lenient <= 2, "{strict} {lenient}");
}

fn part(pattern: Pattern, mass_kg: f64) -> Part {
    Part { pattern, mass_kg, mass_rsd: 0.01 }
}

fn blend(parts: &[(Pattern, f64)], noise: &mut Seeded) -> Part {
    let mass: f64 = parts.iter().map(|(_, mass)| mass).sum();
    let mixed = Element::all().fold(Pattern::default(), |out, element| {
        let amount: f64 = parts.iter().map(|(p, m)| p.ppm(element).unwrap() * m).sum::<f64>() / mass;
        let reading = Reading::Value { amount: amount * (1.0 + 0.03 * noise.normal()), rsd: Some(0.03) };
        out.with(element, reading)
    });
    part(mixed, mass)
}

#[test]
fn a_blend_as_declared_passes_and_its_shares_are_found() {
    let mut noise = Seeded::new(5);
    let patterns = [0, 3, 7].map(|origin| map(&unseen(Place::Origin(origin), 1).0[0], |_, ppm| ppm));
    let masses = [100.0, 250.0, 50.0];
    let inputs: Vec<Part> = patterns.iter().zip(masses).map(|(p, m)| part(*p, m)).collect();
    let declared: Vec<(Pattern, f64)> = patterns.iter().copied().zip(masses).collect();
    let BlendAnswer::Tested { as_declared, best_shares, at_best } =
        test_blend(&inputs, &blend(&declared, &mut noise))
    else {
        panic!("not resolvable");
    };
    assert!(as_declared.p > 0.01 && as_declared.degrees == 14, "{as_declared:?}");
    assert!(best_shares.iter().all(|share| (0.6..1.4).contains(share)), "{best_shares:?}");
    assert_eq!(at_best.unwrap().degrees, 11);
}

#[test]
fn an_input_that_is_not_there_gets_no_share() {
    let mut noise = Seeded::new(6);
    let patterns = [0, 3, 7].map(|origin| map(&unseen(Place::Origin(origin), 1).0[0], |_, ppm| ppm));
    let inputs: Vec<Part> = patterns.iter().map(|p| part(*p, 100.0)).collect();
    // Declared in equal parts; in truth the second one only.
    let output = Part { mass_kg: 300.0, ..blend(&[(patterns[1], 300.0)], &mut noise) };
    let BlendAnswer::Tested { as_declared, best_shares, .. } = test_blend(&inputs, &output) else {
        panic!("not resolvable");
    };
    assert!(as_declared.p < 1e-6, "{as_declared:?}");
    assert!(best_shares[1] > 2.5 && best_shares.iter().all(|share| *share >= 0.0), "{best_shares:?}");
    assert!(best_shares[0] < 0.3 && best_shares[2] < 0.3, "{best_shares:?}");
}

#[test]
fn blends_that_cannot_be_told_apart_say_so() {
    let pattern = unseen(Place::Origin(0), 1).0[0];
    let none = test_blend(&[], &part(pattern, 1.0));
    assert_eq!(none, BlendAnswer::NotResolvable { inputs: 0, elements: 14 });
    let few = pattern.without(Element::all().skip(1).collect());
    let many = [part(pattern, 1.0), part(pattern, 2.0)];
    assert_eq!(test_blend(&many, &part(few, 3.0)), BlendAnswer::NotResolvable { inputs: 2, elements: 1 });
    let weightless = [part(pattern, 0.0), part(pattern, f64::NAN)];
    assert!(matches!(test_blend(&weightless, &part(pattern, 1.0)), BlendAnswer::NotResolvable { .. }));
}

#[test]
fn twin_inputs_share_what_cannot_be_told_apart() {
    let pattern = map(&unseen(Place::Origin(0), 1).0[0], |_, ppm| ppm);
    let inputs = [part(pattern, 1.0), part(pattern, 1.0)];
    let BlendAnswer::Tested { as_declared, best_shares, .. } = test_blend(&inputs, &part(pattern, 2.0))
    else {
        panic!("not resolvable");
    };
    assert!(as_declared.p > 0.9);
    assert!((best_shares.iter().sum::<f64>() - 2.0).abs() < 1e-6, "{best_shares:?}");
}
