//! Whatever cannot be assessed says why, and is never a pass.

use ore_fingerprint::{
    check::{CampaignAllowance, Claim, LotPValue, Outcome, Policy, Reason, SetAside, check},
    element::{Element, ElementSet, Normaliser},
    ledger::{pattern, several, trace_values},
    library::{FitError, Library},
    material::{Refined, Substance},
    pattern::{BadPattern, Pattern, Reading, Report, Scale},
    synthetic::{self, Place, SHIPPED, SHIPPED_SEED},
};

use crate::world::{World, claim, lot_of, report, times};

fn world() -> World {
    World::of(Substance::grains("scheelite"))
}

const HOME: Place = Place::Origin(2);

#[test]
fn an_honest_lot_is_assessed() {
    let Outcome::Assessed(found) = world().ask(&lot_of(HOME, 8), &claim(2)) else {
        panic!("not assessable");
    };
    assert!(found.ratio.published() > 2.0, "{:?}", found.ratio);
    assert_eq!(found.attribution.top[0].0, 2);
    assert_eq!(found.spots, 8);
    assert!(found.set_aside.is_empty() && !found.blending_not_testable);
}

#[test]
fn too_few_elements_are_a_reason() {
    let mut lot = lot_of(HOME, 4);
    for report in &mut lot.reports {
        report.readings.truncate(5);
    }
    assert_eq!(world().reasons(&lot), [Reason::TooFewElements { observed: 5, needed: 6, disturbed: 0 }]);
}

#[test]
fn six_elements_are_enough_and_a_short_spot_is_set_aside() {
    let mut lot = lot_of(HOME, 4);
    for report in &mut lot.reports {
        report.readings.truncate(6);
    }
    lot.reports[3].readings.truncate(3);
    let Outcome::Assessed(found) = world().ask(&lot, &claim(2)) else { panic!("not assessable") };
    assert_eq!(found.spots, 3);
    assert_eq!(found.set_aside, [("spot 4".to_owned(), SetAside::FewElements(3))]);
    // The calibration observed fourteen elements; a p-value would compare what differs.
    assert!(matches!(found.p_value, LotPValue::OtherElements | LotPValue::OtherLaboratory));
}

#[test]
fn an_unknown_unit_is_never_guessed() {
    assert_eq!(Scale::from_unit("counts"), Err(BadPattern::UnknownUnit { unit: "counts".to_owned() }));
    assert_eq!(Scale::from_unit("mg/kg"), Ok(Scale::PPM));
    assert_eq!(Scale::from_unit("ppb"), Ok(Scale::MassFraction { ppm: 1e-3 }));
}

#[test]
fn ppb_called_ppm_is_noticed() {
    let mut lot = lot_of(HOME, 4);
    lot.reports.iter_mut().for_each(|report| times(report, 1000.0));
    let reasons = world().reasons(&lot);
    assert!(
        matches!(reasons.as_slice(), [Reason::ImplausibleLevel { factor }] if *factor > 100.0),
        "{reasons:?}"
    );
    lot.reports.iter_mut().for_each(|report| times(report, 1e6));
    let reasons = world().reasons(&lot);
    assert!(
        reasons
            .iter()
            .all(|r| matches!(r, Reason::BadReport { source: BadPattern::MoreThanEverything { .. }, .. })),
        "{reasons:?}"
    );
}

#[test]
fn the_same_lot_in_another_unit_gets_the_same_answer() {
    let world = world();
    let plain = world.ask(&lot_of(HOME, 4), &claim(2));
    let mut lot = lot_of(HOME, 4);
    for report in &mut lot.reports {
        times(report, 1000.0);
        report.scale = Scale::from_unit("ppb").unwrap();
    }
    let (Outcome::Assessed(a), Outcome::Assessed(b)) = (plain, world.ask(&lot, &claim(2))) else {
        panic!("not assessable");
    };
    assert!((a.ratio.ln() - b.ratio.ln()).abs() < 1e-9);
}

#[test]
fn mixed_normalisers_are_a_reason() {
    let mut lot = lot_of(HOME, 4);
    for (report, normaliser) in lot.reports.iter_mut().zip(Normaliser::ALL) {
        report.scale = Scale::Normalised(normaliser);
    }
    assert_eq!(world().reasons(&lot), [Reason::MixedNormalisers]);
    // Half normalised and half in ppm is the same mistake.
    let mut lot = lot_of(HOME, 4);
    lot.reports[1].scale = Scale::Normalised(Normaliser::McDonoughSun1995);
    assert_eq!(world().reasons(&lot), [Reason::MixedNormalisers]);
}

#[test]
fn one_normaliser_throughout_is_undone() {
    let world = world();
    let mut lot = lot_of(HOME, 4);
    let ci = Normaliser::ONeill2016;
    for report in &mut lot.reports {
        report.scale = Scale::Normalised(ci);
        for (symbol, reading) in &mut report.readings {
            let element = Element::named(symbol).unwrap();
            if let Reading::Value { amount, .. } = reading {
                *amount /= ci.ppm()[element.index()];
            }
        }
    }
    let (Outcome::Assessed(a), Outcome::Assessed(b)) =
        (world.ask(&lot_of(HOME, 4), &claim(2)), world.ask(&lot, &claim(2)))
    else {
        panic!("not assessable");
    };
    assert!((a.ratio.ln() - b.ratio.ln()).abs() < 1e-9);
}

#[test]
fn elements_that_tin_disturbs_are_left_out_and_named() {
    let world = World::of(Substance::grains("cassiterite"));
    let mut lot = lot_of(HOME, 4);
    lot.substance = Substance::grains("cassiterite");
    // Gadolinium and terbium a thousand times too high: tin oxide, not gadolinium.
    for report in &mut lot.reports {
        for (symbol, reading) in &mut report.readings {
            if let (Reading::Value { amount, .. }, "Gd" | "Tb") = (reading, symbol.as_str()) {
                *amount *= 1000.0;
            }
        }
    }
    let Outcome::Assessed(found) = world.ask(&lot, &claim(2)) else { panic!("not assessable") };
    assert_eq!(found.disturbed, ElementSet::NONE.with(Element::GD).with(Element::TB));
    assert!(found.ratio.published() > 1.0);
}

#[test]
fn a_method_that_disturbs_most_elements_leaves_too_few() {
    let mut lot = lot_of(HOME, 4);
    lot.disturbed = Element::all().take(9).collect();
    assert_eq!(world().reasons(&lot), [Reason::TooFewElements { observed: 5, needed: 6, disturbed: 9 }]);
}

#[test]
fn one_spot_does_not_speak_for_a_lot() {
    assert_eq!(world().reasons(&lot_of(HOME, 1)), [Reason::OneSpotOnly { found: 1 }]);
}

#[test]
fn one_bulk_assay_does_speak_for_it_but_not_of_blends() {
    let world = World::of(Substance::bulk("scheelite"));
    let mut lot = lot_of(HOME, 1);
    lot.substance = Substance::bulk("scheelite");
    let Outcome::Assessed(found) = world.ask(&lot, &claim(2)) else { panic!("not assessable") };
    assert!(found.blending_not_testable);
    // Dilution by gangue changes nothing: only the shape is compared.
    times(&mut lot.reports[0], 1e-3);
    let Outcome::Assessed(diluted) = world.ask(&lot, &claim(2)) else { panic!("not assessable") };
    assert!((found.ratio.ln() - diluted.ratio.ln()).abs() < 1e-6);
}

#[test]
fn an_unknown_mineral_keeps_its_name_in_the_answer() {
    let mut lot = lot_of(HOME, 4);
    lot.substance = Substance::grains("unobtainite");
    assert_eq!(world().reasons(&lot), [Reason::UnknownMineral { named: "unobtainite".to_owned() }]);
}

#[test]
fn refined_material_has_lost_its_pattern() {
    for refined in [Refined::Salt, Refined::Oxide, Refined::Metal, Refined::Carbide, Refined::Recycled] {
        let mut lot = lot_of(HOME, 4);
        lot.substance = Substance::Refined(refined);
        assert_eq!(world().reasons(&lot), [Reason::PatternReset(refined)]);
    }
}

#[test]
fn another_mineral_or_fraction_is_another_question() {
    for other in [Substance::grains("wolframite"), Substance::bulk("scheelite")] {
        let mut lot = lot_of(HOME, 4);
        lot.substance = other;
        let reasons = world().reasons(&lot);
        assert!(matches!(reasons.as_slice(), [Reason::OtherMaterial { .. }]), "{reasons:?}");
    }
}

#[test]
fn a_claim_made_after_the_assay_is_no_claim() {
    let late = Claim { committed_before_assay: false, ..claim(2) };
    assert_eq!(
        world().ask(&lot_of(HOME, 4), &late),
        Outcome::NotAssessable(vec![Reason::ClaimNotCommittedFirst])
    );
}

#[test]
fn all_reasons_come_at_once() {
    let mut lot = lot_of(HOME, 1);
    lot.substance = Substance::grains("unobtainite");
    let late = Claim { origin: "Atlantis".to_owned(), committed_before_assay: false };
    let Outcome::NotAssessable(reasons) = world().ask(&lot, &late) else { panic!("assessed") };
    assert_eq!(
        reasons,
        [
            Reason::ClaimNotCommittedFirst,
            Reason::UnknownMineral { named: "unobtainite".to_owned() },
            Reason::UnknownOrigin { origin: "Atlantis".to_owned() },
        ]
    );
}

#[test]
fn shifted_columns_are_implausible() {
    let mut lot = lot_of(HOME, 4);
    for report in &mut lot.reports {
        let moved: Vec<Reading> = report.readings.iter().map(|(_, reading)| *reading).collect();
        for (i, (_, reading)) in report.readings.iter_mut().enumerate() {
            *reading = moved[(i + 3) % moved.len()];
        }
    }
    assert_eq!(world().reasons(&lot), [Reason::ImplausiblePattern { spots: 4, of: 4 }]);
}

#[test]
fn one_implausible_spot_of_many_is_set_aside() {
    let mut lot = lot_of(HOME, 8);
    let holmium = lot.reports[2].readings.iter_mut().find(|(symbol, _)| symbol == "Ho").unwrap();
    if let Reading::Value { amount, .. } = &mut holmium.1 {
        *amount *= 3.0;
    }
    let Outcome::Assessed(found) = world().ask(&lot, &claim(2)) else { panic!("not assessable") };
    assert_eq!(found.spots, 7);
    assert!(matches!(found.set_aside.as_slice(), [(name, SetAside::Implausible(_))] if name == "spot 3"));
}

#[test]
fn numbers_that_are_none_are_named() {
    for amount in [0.0, -1.0, f64::NAN, f64::INFINITY] {
        let mut lot = lot_of(HOME, 4);
        lot.reports[1].readings[0].1 = Reading::Value { amount, rsd: None };
        let reasons = world().reasons(&lot);
        assert!(
            matches!(reasons.as_slice(), [Reason::BadReport { spot, source: BadPattern::NotPositive { .. } }]
                if spot == "spot 2"),
            "{reasons:?}"
        );
    }
    let twice = Report {
        spot: String::new(),
        scale: Scale::PPM,
        readings: vec![("La".to_owned(), Reading::Value { amount: 1.0, rsd: None }); 2],
    };
    assert_eq!(twice.pattern(), Err(BadPattern::Twice { element: Element::LA }));
}

#[test]
fn another_laboratory_needs_a_covariance_or_a_decision() {
    // Every reference by one laboratory: the library cannot say how laboratories differ.
    let (mut references, background) = synthetic::library(SHIPPED_SEED, SHIPPED);
    references.iter_mut().for_each(|reference| reference.campaign = "only one".to_owned());
    let world = World::with(Substance::grains("scheelite"), &references, &background);
    let lot = lot_of(HOME, 4);
    assert_eq!(world.reasons(&lot), [Reason::OtherLaboratory { campaign: lot.campaign.clone() }]);
    let accepting = Policy { accept_assumed_campaign_covariance: true };
    let Outcome::Assessed(found) = check(&world.library, &world.calibration, &lot, &claim(2), accepting)
    else {
        panic!("not assessable");
    };
    assert_eq!(found.campaign, CampaignAllowance::Assumed);
    assert_eq!(found.p_value, LotPValue::OtherLaboratory);
}

#[test]
fn an_origin_of_two_samples_describes_nothing() {
    let (mut references, background) = synthetic::library(SHIPPED_SEED, SHIPPED);
    let name = HOME.name();
    references
        .retain(|r| r.origin != name || r.sample.ends_with("sample 1") || r.sample.ends_with("sample 2"));
    let world = World::with(Substance::grains("scheelite"), &references, &background);
    let reasons = world.reasons(&lot_of(HOME, 4));
    assert!(reasons.contains(&Reason::FewReferenceSamples { found: 2, needed: 3 }), "{reasons:?}");
}

#[test]
fn an_empty_lot_and_an_empty_library_have_answers_too() {
    let mut lot = lot_of(HOME, 1);
    lot.reports.clear();
    assert_eq!(world().reasons(&lot), [Reason::NoAnalysis]);
    let substance = Substance::grains("scheelite");
    assert_eq!(Library::fit(substance.clone(), &[], &[]).err(), Some(FitError::TooFewOrigins { found: 0 }));
    let (mut references, _) = synthetic::library(SHIPPED_SEED, SHIPPED);
    references.iter_mut().for_each(|reference| reference.pattern = Pattern::from_ppm(&[1.0; 14]));
    assert_eq!(Library::fit(substance, &references, &[]).err(), Some(FitError::NoScatter));
}

#[test]
fn every_reason_reads_as_a_sentence() {
    let reasons = [
        Reason::PatternReset(Refined::Carbide),
        Reason::OneSpotOnly { found: 1 },
        Reason::BadReport { spot: "7".into(), source: BadPattern::UnknownUnit { unit: "oz".into() } },
    ];
    let said: Vec<String> = reasons.iter().map(ToString::to_string).collect();
    assert_eq!(
        said,
        [
            "carbide carries the pattern of its reagents, not of its ore",
            "1 usable spot, 2 are needed to speak of a lot",
            "spot \"7\": unit \"oz\" is not known; use ppm, ppb, wt%, or a chondrite such as \"CI McDonough & Sun 1995\"",
        ]
    );
    // A report of other analytes only is empty, not wrong.
    let other = report("a", &Pattern::default());
    assert_eq!(other.pattern(), Ok(Pattern::default()));
}

#[test]
fn several_claims_for_one_lot_are_a_reason_and_records_keep_a_pattern_to_the_ppt() {
    let assessed = world().ask(&lot_of(HOME, 4), &claim(2));
    assert_eq!(several(assessed, 3), Outcome::NotAssessable(vec![Reason::SeveralClaims { found: 3 }]));
    let (patterns, _) = crate::world::unseen(HOME, 1);
    let kept = pattern(&trace_values(&patterns[0]));
    for element in Element::all() {
        let (ours, back) = (patterns[0].ppm(element).unwrap(), kept.ppm(element).unwrap());
        assert!((ours - back).abs() <= 5.1e-7, "{element}: {ours} {back}");
    }
    let below = Pattern::default().with(Element::LA, Reading::Below(Some(0.02)));
    assert_eq!(pattern(&trace_values(&below)), below);
}

#[test]
fn substances_and_chondrites_are_known_by_the_names_that_assays_write() {
    assert_eq!(Substance::named("Scheelite grains"), Substance::grains("scheelite"));
    assert_eq!(Substance::named("bulk coltan"), Substance::bulk("coltan"));
    assert_eq!(Substance::named("APT"), Substance::Refined(Refined::Salt));
    assert_eq!(Substance::named("kryptonite"), Substance::Unknown("kryptonite".to_owned()));
    let ci = Scale::from_unit("CI O'Neill 2016");
    assert_eq!(ci, Ok(Scale::Normalised(Normaliser::ONeill2016)));
    assert!(Scale::from_unit("chondrite").is_err(), "which one is never guessed");
}
