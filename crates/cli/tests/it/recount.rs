//! Shares recomputed from the demo's records alone, in exact fractions, by a plain recurrence that
//! shares no code with the ledger: JSON in, fractions out.

use std::collections::BTreeMap;

use num_bigint::BigInt;
use num_rational::BigRational;
use serde_json::Value;

/// source, country, route, generation.
pub(crate) type Origin = (String, String, String, u64);
type Shares = BTreeMap<Origin, BigRational>;

/// Mass fraction of Ta in Ta2O5, to the part per billion: 2 x 180.94788 / (2 x 180.94788 + 5 x 15.999).
const TA_IN_TA2O5_PPB: u64 = 818_971_096;

fn number(value: &Value) -> u64 {
    value.as_u64().or_else(|| value.as_str().and_then(|text| text.parse().ok())).unwrap_or(0)
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

/// ppb of tantalum in a composition, rounded to the nearest, halves up.
fn tantalum(composition: &Value) -> u64 {
    for content in composition["contents"].as_array().into_iter().flatten() {
        if number(&content["element"]) == 73 {
            let ppb = number(&content["ppb"]);
            return if text(&content["oxide"]).is_empty() {
                ppb
            } else {
                (ppb * TA_IN_TA2O5_PPB + 500_000_000) / 1_000_000_000
            };
        }
    }
    0
}

/// Shares of tantalum in a lot, from the lines of `story.jsonl`.
pub(crate) fn shares_of(story: &str, subject: &str) -> Shares {
    let lines: Vec<Value> =
        story.lines().map(|line| serde_json::from_str(line).expect("JSON Lines")).collect();
    let withdrawn: Vec<String> = lines
        .iter()
        .filter(|line| line["record"]["withdraw"].is_object())
        .map(|line| hex(&base64(&text(&line["record"]["withdraw"]["record"]))))
        .collect();
    let mut grade: BTreeMap<String, u64> = BTreeMap::new();
    let mut shares: BTreeMap<String, Shares> = BTreeMap::new();
    for line in &lines {
        let record = &line["record"];
        if withdrawn.contains(&text(&line["id"])) {
            continue;
        }
        if let Some(assay) = record.get("assay") {
            grade.insert(text(&assay["lot"]["lot"]), tantalum(&assay["composition"]));
        } else if let Some(commission) = record.get("commission") {
            let lot = &commission["lot"];
            let (route, unknown) = match commission["kind"].as_str() {
                Some("COMMISSION_KIND_COLLECTED_SCRAP") => ("post consumer", false),
                Some("COMMISSION_KIND_DECLARED_UNKNOWN") => ("primary", true),
                _ => ("primary", false),
            };
            let country = text(&lot["origin_country"]);
            let country = if unknown || country.is_empty() { "ZZ".to_owned() } else { country };
            let origin = (text(&lot["facility"]), country, route.to_owned(), 0);
            grade.insert(text(&lot["lot"]), tantalum(&lot["composition"]));
            shares.insert(text(&lot["lot"]), Shares::from([(origin, BigRational::from_integer(1.into()))]));
        } else if let Some(transform) = record.get("transform") {
            let pooled = pool(transform, &grade, &shares);
            for output in transform["outputs"].as_array().into_iter().flatten() {
                let lot = text(&output["lot"]["lot"]);
                grade.insert(lot.clone(), tantalum(&output["lot"]["composition"]));
                shares.insert(lot, pooled.clone());
            }
        }
    }
    shares.remove(subject).expect("the story makes the subject")
}

fn pool(transform: &Value, grade: &BTreeMap<String, u64>, shares: &BTreeMap<String, Shares>) -> Shares {
    let post = transform["recycling_class"].as_str() == Some("RECYCLING_CLASS_POST_CONSUMER");
    let mut pooled = Shares::new();
    let mut total = BigInt::from(0);
    for input in transform["inputs"].as_array().into_iter().flatten() {
        let lot = text(&input["lot"]["lot"]);
        let weight = BigInt::from(number(&input["mass"]["dry_mg"])) * BigInt::from(grade[&lot]);
        for ((source, country, route, generation), share) in &shares[&lot] {
            let origin = if post {
                (source.clone(), country.clone(), "post consumer".to_owned(), generation + 1)
            } else {
                (source.clone(), country.clone(), route.clone(), *generation)
            };
            *pooled.entry(origin).or_insert_with(|| BigRational::from_integer(0.into())) +=
                share * BigRational::from_integer(weight.clone());
        }
        total += weight;
    }
    if total > BigInt::from(0) {
        for share in pooled.values_mut() {
            *share = &*share / BigRational::from_integer(total.clone());
        }
    }
    pooled
}

fn base64(text: &str) -> Vec<u8> {
    let value = |c: u8| match c {
        b'A'..=b'Z' => c - b'A',
        b'a'..=b'z' => c - b'a' + 26,
        b'0'..=b'9' => c - b'0' + 52,
        b'+' => 62,
        _ => 63,
    };
    let digits: Vec<u8> = text.bytes().filter(|c| *c != b'=').map(value).collect();
    let bits: Vec<u8> =
        digits.iter().flat_map(|digit| (0..6).rev().map(move |bit| digit >> bit & 1)).collect();
    bits.chunks_exact(8).map(|byte| byte.iter().fold(0, |byte, bit| byte << 1 | bit)).collect()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
