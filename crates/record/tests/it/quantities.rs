//! Whole milligrams and parts per billion: exactly, or refused with the reason.

use ore_record::{
    BadDecimal,
    content::{self, BadContent, BadContentText, ElementContent},
    elements, mass,
    mass::BadMass,
    oxides,
    ratio::{self, BadFraction},
    units::{self, BadQuantity, Unit},
    v1::{Composition, Content, ContentKind, Mass, MassBasis},
};
use proptest::prelude::*;

#[test]
fn symbols_and_atomic_numbers_are_one_to_one() {
    for number in 1..=elements::LAST {
        let symbol = elements::symbol(number).expect("1 to 118");
        assert_eq!(elements::atomic_number(symbol), Some(number));
    }
    for (symbol, number) in [
        ("H", 1),
        ("Co", 27),
        ("Nb", 41),
        ("Sn", 50),
        ("Ta", 73),
        ("W", 74),
        ("Au", 79),
        ("U", 92),
        ("Og", 118),
    ] {
        assert_eq!(elements::atomic_number(symbol), Some(number));
    }
    assert_eq!((elements::symbol(0), elements::symbol(119)), (None, None));
    assert_eq!((elements::atomic_number("TA"), elements::atomic_number("")), (None, None));
    assert_eq!(elements::weight_millionths(43), None, "technetium has no standard weight");
}

#[test]
fn oxide_factors_are_near_the_ones_that_geochemists_print() {
    // Element to oxide, ten-thousandths. Printed tables stand on older weights: the last digits may differ.
    let printed = [
        ("Ta2O5", 12_211),
        ("Nb2O5", 14_305),
        ("WO3", 12_611),
        ("SnO2", 12_696),
        ("ZrO2", 13_508),
        ("HfO2", 11_793),
        ("TiO2", 16_681),
        ("Al2O3", 18_895),
        ("Fe2O3", 14_297),
        ("SiO2", 21_393),
        ("MgO", 16_582),
        ("CaO", 13_992),
        ("MnO", 12_912),
        ("Li2O", 21_527),
        ("ThO2", 11_379),
        ("U3O8", 11_792),
        ("CoO", 12_715),
        ("La2O3", 11_728),
        ("CeO2", 12_284),
        ("Nd2O3", 11_664),
        ("Y2O3", 12_699),
    ];
    for (formula, ten_thousandths) in printed {
        let factor_ppb = u64::from(oxides::oxide(formula).expect(formula).factor_ppb);
        let ours = 10_000_000_000_000 / factor_ppb;
        assert!(ours.abs_diff(ten_thousandths) <= 4, "{formula}: {ours} against {ten_thousandths}");
    }
}

#[test]
fn oxide_factors_are_what_another_program_makes_of_the_same_weights() {
    // Five decimals, worked out in decimal arithmetic.
    let printed = [
        ("Ta2O5", 81_897),
        ("Nb2O5", 69_905),
        ("WO3", 79_297),
        ("SnO2", 78_768),
        ("ZrO2", 74_032),
        ("HfO2", 84_798),
        ("TiO2", 59_935),
        ("In2O3", 82_712),
        ("CoO", 78_649),
        ("Co3O4", 73_423),
        ("Li2O", 46_454),
        ("Ga2O3", 74_394),
        ("GeO2", 69_417),
        ("U3O8", 84_800),
        ("ThO2", 87_881),
        ("Al2O3", 52_926),
        ("Fe2O3", 69_943),
        ("SiO2", 46_744),
        ("MgO", 60_304),
        ("CaO", 71_470),
        ("MnO", 77_446),
        ("La2O3", 85_268),
        ("CeO2", 81_409),
        ("Nd2O3", 85_736),
        ("Pr6O11", 82_770),
        ("Dy2O3", 87_132),
        ("Tb4O7", 85_022),
        ("Y2O3", 78_744),
    ];
    for (formula, hundred_thousandths) in printed {
        let oxide = oxides::oxide(formula).expect(formula);
        let rounded = (oxide.factor_ppb + 5_000) / 10_000;
        assert_eq!(rounded, hundred_thousandths, "{formula}: {}", oxide.factor_ppb);
    }
}

#[test]
fn every_oxide_is_one_element_and_oxygen() {
    let mut seen = std::collections::BTreeSet::new();
    for oxide in oxides::all() {
        assert!(seen.insert(oxide.formula), "{} twice", oxide.formula);
        assert_ne!(oxide.element, 8);
        let oxygen = oxides::max_grade_ppb(oxide.formula, 8).expect("known");
        assert!((999_999_999..=1_000_000_001).contains(&(oxide.factor_ppb + oxygen)), "{}", oxide.formula);
    }
    assert_eq!(seen.len(), 75);
}

#[test]
fn formulas_are_read_with_counts_and_groups_or_not_at_all() {
    assert_eq!(oxides::max_grade_ppb("Ta", 73), Some(1_000_000_000));
    // 180.94788 / (2 x 39.0983 + 180.94788 + 7 x 18.998403162)
    assert_eq!(oxides::max_grade_ppb("K2TaF7", 73), Some(461_444_819));
    assert_eq!(oxides::max_grade_ppb("(NH4)2WO4", 74), oxides::max_grade_ppb("N2H8WO4", 74));
    assert_eq!(oxides::max_grade_ppb("Ta2O5", 50), Some(0));
    for bad in
        ["", "ta2O5", "Ta2O5 ", "Xx", "Ta0", "Ta1001", "(Ta", "Ta)", "((Ta))", "Tc", "Ta2O5·H2O", "2Ta", "é"]
    {
        assert_eq!(oxides::max_grade_ppb(bad, 73), None, "{bad}");
    }
    assert_eq!(oxides::max_grade_ppb(&"Ta".repeat(13), 73), None);
}

fn mg(text: &str, unit: &str) -> Result<u64, String> {
    Unit::parse(unit).and_then(|unit| units::milligrams(text, unit)).map_err(|error| error.to_string())
}

#[test]
fn people_write_decimals_and_units() {
    assert_eq!(mg("5000", "KGM"), Ok(5_000_000_000));
    assert_eq!(mg("5000.000000000", "kg"), Ok(5_000_000_000));
    assert_eq!(mg("1.25", "TNE"), Ok(1_250_000_000));
    assert_eq!(mg("1.25", "DT"), Ok(1_250_000_000));
    assert_eq!(mg("0.001", "GRM"), Ok(1));
    assert_eq!(mg("7", "MGM"), Ok(7));
    assert_eq!(mg("100", "LBR"), Ok(45_359_237));
    assert_eq!(mg("10000", "APZ"), Ok(311_034_768));
}

#[test]
fn the_largest_mass_fits_and_one_more_does_not() {
    assert_eq!(mg("18446744073709551615", "MGM"), Ok(u64::MAX));
    assert_eq!(mg("18446744073709.551615", "KGM"), Ok(u64::MAX));
    assert!(mg("18446744073709.551616", "KGM").is_err());
}

#[test]
fn what_is_no_whole_milligram_is_refused_with_the_reason() {
    let refused = |text: &str, unit: &str| mg(text, unit).expect_err("refused");
    assert_eq!(refused("1", "LBR"), "1 LBR is not a whole number of milligrams; the nearest is 453592 mg");
    assert_eq!(
        refused("0.0000001", "KGM"),
        "0.0000001 KGM is not a whole number of milligrams; the nearest is 0 mg"
    );
    assert_eq!(refused("-5", "KGM"), "\"-5\" is negative");
    assert_eq!(refused("5e3", "KGM"), "\"5e3\" has an exponent; write all digits");
    assert_eq!(
        refused("5,000", "KGM"),
        "\"5,000\" has a comma; write decimals with a point and no thousands signs"
    );
    assert_eq!(refused("", "KGM"), "the number is empty");
    assert!(refused("5", "XXX").starts_with("unit \"XXX\" is not one of KGM (kg), TNE (t)"));
    assert!(refused("18446744073709551616", "MGM").ends_with("the largest mass a record can hold"));
    assert!(
        refused(&"9".repeat(29), "KGM").ends_with("more than 28 digits, or more than 18 after the point")
    );
    for text in [".5", "5.", "1.2.3", "+5", "0x10", "NaN", "inf", "٣", "5 5", "five"] {
        let error = units::milligrams(text, Unit::Kilogram).expect_err(text);
        assert!(matches!(error, BadQuantity::Decimal(BadDecimal::NotDecimal(_))), "{text}: {error}");
    }
}

#[test]
fn fractions_have_a_unit_and_are_exact() {
    assert_eq!(ratio::parts_per_billion("32.5 %"), Ok(325_000_000));
    assert_eq!(ratio::parts_per_billion("100%"), Ok(1_000_000_000));
    assert_eq!(ratio::parts_per_billion("120 ppm"), Ok(120_000));
    assert_eq!(ratio::parts_per_billion("7ppb"), Ok(7));
    assert_eq!(ratio::parts_per_million("3.2 %"), Ok(32_000));
    assert!(matches!(ratio::parts_per_billion("0.325"), Err(BadFraction::NoUnit(_))));
    assert!(matches!(ratio::parts_per_billion("100.0000001 %"), Err(BadFraction::AboveWhole(_))));
    assert!(matches!(ratio::parts_per_billion("0.5 ppb"), Err(BadFraction::TooFine { .. })));
    assert!(matches!(ratio::parts_per_million("0.00001 %"), Err(BadFraction::TooFine { .. })));
    assert!(matches!(ratio::parts_per_billion("%"), Err(BadFraction::Decimal(BadDecimal::Empty))));
    assert_eq!(ratio::percent(325_000_000), "32.5 %");
}

#[test]
fn wet_dry_and_moisture_agree_to_the_milligram() {
    let mass = mass::from_text("5200", "KGM", Some("3.2 %")).expect("good");
    assert_eq!((mass.wet_mg, mass.moisture_ppm, mass.dry_mg), (5_200_000_000, 32_000, 5_033_600_000));
    assert_eq!(mass::write(&mass), "5200 kg wet, 3.2 % moisture");
    assert_eq!(mass::write(&mass::parse("5000.50 kg").expect("good")), "5000.5 kg");

    // 3 mg with a third of moisture: 2.000001 mg, so 2 and 3 are both within rounding, 1 is not.
    let third = |dry_mg| Mass { wet_mg: 3, moisture_ppm: 333_333, dry_mg, ..mass.clone() };
    assert_eq!(mass::check(&third(2)), Ok(()));
    assert_eq!(mass::check(&third(3)), Ok(()));
    assert!(matches!(mass::check(&third(1)), Err(BadMass::Disagrees { expected_mg: 2, .. })));

    let off = Mass { dry_mg: mass.dry_mg + 1, ..mass.clone() };
    assert_eq!(
        mass::check(&off).expect_err("off by one").to_string(),
        "5200000000 mg wet with 32000 ppm moisture are 5033600000 mg dry, but the mass says 5033600001 mg"
    );
    let broken = [
        (Mass { dry_mg: 0, ..mass.clone() }, BadMass::Zero),
        (Mass { basis: 0, ..mass.clone() }, BadMass::NoBasis),
        (Mass { moisture_ppm: 1_000_001, ..mass.clone() }, BadMass::Moisture(1_000_001)),
        (Mass { wet_mg: 1, ..mass.clone() }, BadMass::DryAboveWet { dry_mg: mass.dry_mg, wet_mg: 1 }),
        (
            Mass { basis: MassBasis::Dry.into(), ..mass.clone() },
            BadMass::WetOnDryBasis { wet_mg: mass.wet_mg, moisture_ppm: 32_000 },
        ),
    ];
    for (mass, error) in broken {
        assert_eq!(mass::check(&mass), Err(error));
    }
    assert!(matches!(mass::check(&Mass { unit: "kg".into(), ..mass.clone() }), Err(BadMass::Unit(_))));
    assert_eq!(mass::from_text("5", "KGM", Some("100 %")), Err(BadMass::Zero));
    assert_eq!(mass::from_text("5", "DT", Some("3 %")), Err(BadMass::WetDryTon));
    assert!(matches!(mass::parse("5000"), Err(BadMass::Text(_))));
    assert!(matches!(mass::parse("5e3 kg"), Err(BadMass::Text(_))));
}

fn content_of(element: u32, ppb: u32, oxide: &str, kind: ContentKind) -> Content {
    Content { element, ppb, oxide: oxide.into(), kind: kind.into(), uncertainty_ppb: 0 }
}

#[test]
fn oxides_become_elements_and_below_detection_is_nothing() {
    let oxide = content_of(73, 397_000_000, "Ta2O5", ContentKind::Measured);
    let element = content::element_of(&oxide).expect("good");
    assert_eq!((element.element, element.measured), (73, true));
    // 39.7 % x 0.81897
    assert_eq!(element.ppb / 10_000, 32_513);
    let below = content::element_of(&content_of(92, 50_000, "", ContentKind::BelowDetection)).expect("good");
    assert_eq!(below, ElementContent { element: 92, ppb: 0, uncertainty_ppb: 50_000, measured: true });
}

#[test]
fn a_composition_must_make_sense() {
    let measured = |element, ppb, oxide| content_of(element, ppb, oxide, ContentKind::Measured);
    let refused = |contents: Vec<Content>| {
        let composition = Composition { contents, ..Default::default() };
        content::elements_of(&composition).expect_err("refused")
    };
    assert_eq!(refused(vec![measured(0, 1, "")]), BadContent::Element(0));
    assert_eq!(refused(vec![measured(119, 1, "")]), BadContent::Element(119));
    assert_eq!(refused(vec![measured(329, 1, "")]), BadContent::Element(329));
    assert_eq!(refused(vec![measured(73, 1, "TaO9")]), BadContent::UnknownOxide("TaO9".into()));
    assert_eq!(refused(vec![measured(41, 1, "Ta2O5")]).to_string(), "Ta2O5 is an oxide of Ta, not of Nb");
    assert_eq!(
        refused(vec![measured(73, 1, ""), measured(41, 1, "")]),
        BadContent::Order { element: 41, after: 73 }
    );
    assert_eq!(
        refused(vec![measured(73, 1, ""), measured(73, 1, "")]),
        BadContent::Order { element: 73, after: 73 }
    );
    assert_eq!(
        refused(vec![measured(73, 1_000_000_001, "")]),
        BadContent::AboveWhole { element: 73, ppb: 1_000_000_001 }
    );
    assert_eq!(refused(vec![content_of(73, 1, "", ContentKind::Unspecified)]), BadContent::NoKind(73));
    assert_eq!(
        refused(vec![measured(41, 600_000_000, ""), measured(73, 400_000_001, "")]),
        BadContent::SumAboveWhole { sum_ppb: 1_000_000_001, uncertainty_ppb: 0 }
    );
    assert_eq!(refused((1..=41).map(|element| measured(element, 1, "")).collect()), BadContent::TooMany(41));
    // Within the uncertainty, 100.1 % is good.
    let mut within = measured(73, 1_000_000_000, "");
    within.uncertainty_ppb = 1_000_000;
    let composition =
        Composition { contents: vec![measured(41, 1_000_000, ""), within], ..Default::default() };
    assert!(content::elements_of(&composition).is_ok());
}

#[test]
fn tantalum_in_tantalum_pentoxide_is_at_most_81_9_percent() {
    let grade = |ppb| [ElementContent { element: 73, ppb, uncertainty_ppb: 0, measured: true }];
    assert_eq!(content::check_compound(&grade(818_971_096), "Ta2O5"), Ok(()));
    let error = content::check_compound(&grade(820_000_000), "Ta2O5").expect_err("too rich").to_string();
    assert!(error.starts_with("820000000 ppb Ta is above the 818971096"), "{error}");
    assert!(matches!(content::check_compound(&grade(1), "ore"), Err(BadContent::UnknownCompound(_))));
    assert_eq!(content::check_compound(&grade(1), "SnO2"), Ok(()), "an impurity");
    assert_eq!(content::check_compound(&grade(1), ""), Ok(()));
}

#[test]
fn contents_are_written_as_assay_certificates_have_them() {
    let read = |name: &str, amount: &str| content::from_text(name, amount, ContentKind::Declared);
    let content = read("Ta2O5", "39.7 % ± 0.4 %").expect("good");
    assert_eq!((content.element, content.ppb, content.uncertainty_ppb), (73, 397_000_000, 4_000_000));
    assert_eq!(content::write(&content), ("Ta2O5".into(), "39.7 % ± 0.4 %".into()));
    assert_eq!(read("U", "<50 ppm").expect("good").kind(), ContentKind::BelowDetection);
    assert_eq!(read("TA", "1 %"), Err(BadContentText::Name("TA".into())));
    assert_eq!(
        read("Ta", "32.5").expect_err("no unit").to_string(),
        "Ta: \"32.5\" has no unit; write %, ppm or ppb after the number"
    );
}

proptest! {
    #[test]
    fn metric_masses_survive_being_written_and_read(mg: u64, unit in 0usize..5) {
        let unit = [Unit::Kilogram, Unit::Tonne, Unit::Gram, Unit::Milligram, Unit::DryTon][unit];
        let written = units::write(mg, unit);
        prop_assert!(written.exact);
        prop_assert_eq!(units::milligrams(&written.text, unit), Ok(mg));
    }

    #[test]
    fn pounds_and_ounces_say_when_they_are_rounded(mg: u64, ounce: bool) {
        let unit = if ounce { Unit::TroyOunce } else { Unit::Pound };
        let written = units::write(mg, unit);
        prop_assert_eq!(written.exact && units::milligrams(&written.text, unit) == Ok(mg), written.exact);
    }

    #[test]
    fn a_mass_made_here_passes_the_check(wet_mg in 1u64.., moisture_ppm in 0u32..1_000_000) {
        if let Ok(mass) = mass::as_received(wet_mg, moisture_ppm, Unit::Kilogram) {
            prop_assert_eq!(mass::check(&mass), Ok(()));
        }
    }

    #[test]
    fn an_element_is_never_more_than_its_lot(dry_mg: u64, ppb in 0u32..=1_000_000_000) {
        prop_assert!(content::contained_mg(dry_mg, ppb) <= dry_mg);
        let exact = content::contained_nano_mg(dry_mg, ppb);
        let rounded = u128::from(content::contained_mg(dry_mg, ppb)) * 1_000_000_000;
        prop_assert!(exact.abs_diff(rounded) <= 500_000_000);
    }

    #[test]
    fn percentages_survive_being_written_and_read(ppb in 0u32..=1_000_000_000) {
        prop_assert_eq!(ratio::parts_per_billion(&ratio::percent(ppb)), Ok(ppb));
    }

    #[test]
    fn arbitrary_text_never_panics(text in ".{0,40}", other in "[-+<±%0-9.a-zA-Z() ]{0,40}") {
        for text in [text, other] {
            let _ = units::milligrams(&text, Unit::Pound);
            let _ = ratio::parts_per_billion(&text);
            let _ = mass::parse(&text);
            let _ = content::from_text(&text, &text, ContentKind::Measured);
            let _ = oxides::Compound::parse(&text).and_then(|compound| compound.grade_ppb(73));
        }
    }
}
