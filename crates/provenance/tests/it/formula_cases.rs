//! The worked cases that test a formula.

use ore_provenance::formula::credit::{ClaimError, CreditAccount, rolling_average};
use ore_provenance::formula::fingerprint::Trace;
use ore_provenance::formula::stocktake::Period;
use ore_provenance::formula::{Fraction, assay, carbon, concentration, fingerprint, loops, pool, stocktake};
use serde_json::Value;

use crate::cases::{cases, rational, text};

fn number(value: &Value) -> Fraction {
    let exact = rational(text(value));
    let part = |digits: String| digits.parse::<i128>().unwrap();
    Fraction::new(part(exact.numer().to_string()), part(exact.denom().to_string()) as u128).unwrap()
}

fn percent(number_in_percent: u64) -> Fraction {
    Fraction::whole(number_in_percent)
}

#[test]
fn p08_credits_cannot_be_overdrawn() {
    let case = &cases()["P08"];
    let credit = &case["credit"];
    let mut account = CreditAccount::default();
    account.earn(number(&credit["certified_in"]), number(&credit["conversion"]), 1).unwrap();
    assert_eq!(account.balance(), Ok(number(&case["expect"]["credits"])));
    let balances = case["expect"]["balance_after"].as_array().unwrap();
    for (claim, balance) in credit["claims"].as_array().unwrap().iter().zip(balances) {
        let claimed = account.claim(number(&claim[1]));
        match text(&claim[2]) {
            "accept" => assert_eq!(claimed, Ok(number(balance))),
            _ => assert!(matches!(claimed, Err(ClaimError::Overdraft { .. })), "{claimed:?}"),
        }
        assert_eq!(account.balance(), Ok(number(balance)));
    }
    let (certified, other) = (number(&credit["certified_in"]), number(&credit["other_in"]));
    for (output, mass) in credit["outputs"].as_object().unwrap() {
        let claim = rolling_average(certified, other, number(mass));
        assert_eq!(claim, Ok(number(&case["expect"]["rolling_average"][output])), "{output}");
    }
    let physical = rolling_average(certified, other, Fraction::ONE);
    assert_eq!(physical, Ok(number(&case["expect"]["physical_share_O1"])));
}

#[test]
fn p09_a_segregated_silo_bounds_a_single_source() {
    let case = &cases()["P09"];
    let (a, b) = (number(&case["bounds"]["A"]), number(&case["bounds"]["B"]));
    let withdrawals = case["bounds"]["withdraw"].as_array().unwrap();
    for (withdrawn, bounds) in withdrawals.iter().zip(case["expect"]["bounds_A"].as_array().unwrap()) {
        let share = pool::withdrawal_share(a, b, number(withdrawn)).unwrap();
        assert_eq!(share.value, number(&case["expect"]["expected_A"]));
        assert_eq!((share.lower, share.upper), (number(&bounds[0]), number(&bounds[1])));
    }
}

#[test]
fn p14_first_last_mixed_and_bounds() {
    let case = &cases()["P14"];
    let layers = [number(&case["stock"]["layers"][0][1]), number(&case["stock"]["layers"][1][1])];
    let withdrawn = number(&case["stock"]["withdraw"]);
    for (order, key) in [
        (pool::Order::FirstInFirstOut, "fifo_A"),
        (pool::Order::LastInFirstOut, "lifo_A"),
        (pool::Order::Mixed, "mix_A"),
    ] {
        let share = pool::layer_share(&layers, withdrawn, order, |layer| layer == 0);
        assert_eq!(share, Ok(number(&case["expect"][key])), "{key}");
    }
    let bounds = pool::withdrawal_share(layers[0], layers[1], withdrawn).unwrap();
    assert_eq!(bounds.lower, number(&case["expect"]["bounds_A"][0]));
    assert_eq!(bounds.upper, number(&case["expect"]["bounds_A"][1]));
    let too_much = pool::layer_share(&layers, percent(201), pool::Order::Mixed, |_| true);
    assert!(too_much.is_err());
}

#[test]
fn p19_an_assays_tolerance_gives_an_interval() {
    let case = &cases()["P19"];
    let of = |name: &str| (number(&case["interval"][name][0]), number(&case["interval"][name][1]));
    let share = assay::blend_share(of("A"), &[of("B")]).unwrap();
    assert_eq!(share.value, number(&case["expect"]["nominal_A"]));
    assert_eq!(share.lower, number(&case["expect"]["low_A"]));
    assert_eq!(share.upper, number(&case["expect"]["high_A"]));
}

#[test]
fn p20_carbon_follows_the_metal() {
    let case = &cases()["P20"];
    let inputs: Vec<(Fraction, Fraction)> = case["carbon"]["inputs"]
        .as_array()
        .unwrap()
        .iter()
        .map(|input| (number(&input[1]), number(&input[2])))
        .collect();
    let (process, out) = (number(&case["carbon"]["process_kgCO2e"]), number(&case["carbon"]["out_kg"]));
    let burden = carbon::burden_per_unit(&inputs, process, out);
    assert_eq!(burden, Ok(number(&case["expect"]["kgCO2e_per_kg"])));
}

#[test]
fn p21_a_blend_that_does_not_look_like_its_parts_is_flagged() {
    let case = &cases()["P21"];
    let print = &case["fingerprint"];
    let mut traces = Vec::new();
    for (element, expected) in case["expect"]["predicted"].as_object().unwrap() {
        let of = |name: &str| (number(&print[name]["kg"]), number(&print[name]["ppm"][element]));
        assert_eq!(fingerprint::predicted(&[of("A"), of("B")]), Ok(number(expected)), "{element}");
        traces.push(Trace {
            first: of("A").1,
            second: of("B").1,
            blend: number(&print["measured"][element]),
        });
    }
    let implied = fingerprint::implied_share(&traces).unwrap();
    assert_eq!(implied, number(&case["expect"]["implied_A"]));
    let declared = number(&print["A"]["kg"])
        .over(number(&print["A"]["kg"]).plus(number(&print["B"]["kg"])).unwrap())
        .unwrap();
    assert_eq!(declared, number(&case["expect"]["declared_A"]));
    let tolerance = Fraction::new(1, 10).unwrap();
    assert_eq!(fingerprint::mismatch(declared, implied, tolerance), Ok(true));
    assert_eq!(fingerprint::mismatch(declared, declared, tolerance), Ok(false));
}

#[test]
fn p23_concentration_is_the_sum_of_squares() {
    let case = &cases()["P23"];
    let shares: Vec<(&String, Fraction)> =
        case["hhi"].as_object().unwrap().iter().map(|(country, share)| (country, number(share))).collect();
    let index = concentration::herfindahl(shares.iter().map(|it| it.1));
    assert_eq!(index, Ok(number(&case["expect"]["hhi"])));
    let top = concentration::largest(shares.iter().map(|it| it.1)).unwrap();
    assert_eq!(shares[top].0, text(&case["expect"]["top"]));

    let parts = ["520000000000000000", "280000000000000000", "200000000000000000"]
        .map(|units| ore_provenance::Parts::new(units.parse().unwrap()).unwrap());
    assert_eq!(concentration::herfindahl_of_parts(parts), index);
}

#[test]
fn p24_loop_indicators() {
    let case = &cases()["P24"];
    let turn = loops::Turn {
        shipped: number(&case["loop"]["shipped_kg"]),
        returned: number(&case["loop"]["returned_kg"]),
        recovered: number(&case["loop"]["recovered_kg"]),
        charge: number(&case["loop"]["new_target_charge_kg"]),
    };
    let found = loops::indicators(&turn).unwrap();
    let expect = &case["expect"];
    assert_eq!(found.return_rate, number(&expect["return_rate"]));
    assert_eq!(found.recovery_yield, number(&expect["recovery_yield"]));
    assert_eq!(found.loop_ratio, number(&expect["loop_ratio"]));
    assert_eq!(found.recycled_input_share, number(&expect["recycled_input_share"]));
}

#[test]
fn p25_assays_settle_by_the_rule_of_the_contract() {
    let case = &cases()["P25"];
    let limit = number(&case["assay"]["limit"]);
    let rounds = case["assay"]["rounds"].as_array().unwrap();
    for (round, settled) in rounds.iter().zip(case["expect"]["settled"].as_array().unwrap()) {
        let (seller, buyer) = (number(&round["seller"]), number(&round["buyer"]));
        let exchange = assay::exchange(seller, buyer, limit).unwrap();
        if settled.get("pct").is_some() {
            assert_eq!(exchange, assay::Exchange::Settled(number(&settled["pct"])));
            continue;
        }
        assert_eq!(exchange, assay::Exchange::NeedsUmpire);
        let umpire = number(&round["umpire"]);
        for (rule, key) in
            [(assay::UmpireRule::MeanWithNearer, "mean_with_nearer"), (assay::UmpireRule::Median, "median")]
        {
            assert_eq!(assay::umpire(seller, buyer, umpire, rule), Ok(number(&settled[key])), "{key}");
        }
    }
}

#[test]
fn p26_the_denominator_decides() {
    let case = &cases()["P26"];
    let of = |key: &str| number(&case["stocktake"][key]);
    let found = stocktake::reconcile(&Period {
        opening: of("opening"),
        receipts: of("receipts"),
        shipments: of("shipments"),
        losses: of("losses"),
        physical_closing: of("physical_closing"),
    })
    .unwrap();
    let expect = &case["expect"];
    assert_eq!(found.book_closing, number(&expect["book_closing"]));
    assert_eq!(found.variance, number(&expect["variance"]));
    assert_eq!(found.percent_of_book_closing, Some(number(&expect["pct_of_book_closing"])));
    assert_eq!(found.percent_of_throughput, Some(number(&expect["pct_of_throughput"])));
    for (key, of, tolerance) in [
        ("pass_10pct_of_closing", found.percent_of_book_closing, 10),
        ("pass_2pct_of_closing", found.percent_of_book_closing, 2),
        ("pass_2pct_of_throughput", found.percent_of_throughput, 2),
    ] {
        let passes = stocktake::passes(&found, of, percent(tolerance)).unwrap();
        assert_eq!(passes, expect[key].as_bool().unwrap(), "{key}");
    }
}
