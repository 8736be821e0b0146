//! Ed25519 vectors that others published, with the exact counts under each rule.

use std::{io::Read as _, path::PathBuf};

use ore_record::{
    keys::{BadKey, PublicKey, SecretKey},
    signature::{self, Pending},
};
use serde_json::Value as Json;

pub(crate) struct Case {
    pub(crate) name: String,
    pub(crate) key: Vec<u8>,
    pub(crate) message: Vec<u8>,
    pub(crate) signature: Vec<u8>,
    /// What the source says, where it says so.
    valid: bool,
}

impl Case {
    pub(crate) fn zip215(&self) -> bool {
        signature::zip215(&self.key, &self.message, &self.signature).is_ok()
    }

    fn strict(&self) -> bool {
        signature::strict(&self.key, &self.message, &self.signature).is_ok()
    }

    pub(crate) fn pending(&self) -> Option<Pending> {
        Pending::new(&self.key, &self.message, &self.signature)
    }
}

fn file(path: &str) -> Vec<u8> {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../tests/vectors/ed25519");
    std::fs::read(root.join(path)).expect("the vectors are in the repository")
}

fn json(path: &str) -> Json {
    serde_json::from_slice(&file(path)).expect("the vectors are JSON")
}

fn unhex(json: &Json) -> Vec<u8> {
    hex::decode(json.as_str().expect("a text")).expect("hexadecimal")
}

pub(crate) fn edge_cases() -> Vec<Case> {
    let cases = json("cctv-ed25519/ed25519vectors.json");
    let case = |case: &Json| Case {
        name: case["number"].to_string(),
        key: unhex(&case["key"]),
        message: case["msg"].as_str().expect("a text").as_bytes().to_vec(),
        signature: unhex(&case["sig"]),
        valid: true,
    };
    cases.as_array().expect("a list").iter().map(case).collect()
}

pub(crate) fn wycheproof() -> Vec<Case> {
    let groups = json("wycheproof/ed25519_test.json");
    let mut cases = Vec::new();
    for group in groups["testGroups"].as_array().expect("a list") {
        for test in group["tests"].as_array().expect("a list") {
            cases.push(Case {
                name: test["tcId"].to_string(),
                key: unhex(&group["publicKey"]["pk"]),
                message: unhex(&test["msg"]),
                signature: unhex(&test["sig"]),
                valid: test["result"] == "valid",
            });
        }
    }
    cases
}

pub(crate) fn speccheck() -> Vec<Case> {
    let cases = json("speccheck/cases.json");
    let case = |(number, case): (usize, &Json)| Case {
        name: number.to_string(),
        key: unhex(&case["pub_key"]),
        message: unhex(&case["message"]),
        signature: unhex(&case["signature"]),
        valid: true,
    };
    cases.as_array().expect("a list").iter().enumerate().map(case).collect()
}

/// Bernstein's lines: seed and key, key, message, signature and message.
fn lines() -> Vec<(SecretKey, Case)> {
    let mut text = String::new();
    flate2::read::GzDecoder::new(file("rfc8032/djb-sign.input.gz").as_slice())
        .read_to_string(&mut text)
        .expect("compressed text");
    let unhex = |text: &str| hex::decode(text).expect("hexadecimal");
    let line = |line: &str| {
        let fields: Vec<&str> = line.split(':').collect();
        let seed: [u8; 32] = unhex(&fields[0][..64]).try_into().expect("32 bytes");
        let case = Case {
            name: fields[1].into(),
            key: unhex(fields[1]),
            message: unhex(fields[2]),
            signature: unhex(&fields[3][..128]),
            valid: true,
        };
        (SecretKey::from_seed(&seed), case)
    };
    text.lines().map(line).collect()
}

fn rfc8032() -> Vec<(SecretKey, Case)> {
    let vectors = json("rfc8032/rfc8032-7.1.json");
    let vector = |vector: &Json| {
        let seed: [u8; 32] = unhex(&vector["secret_key"]).try_into().expect("32 bytes");
        let case = Case {
            name: vector["name"].to_string(),
            key: unhex(&vector["public_key"]),
            message: unhex(&vector["message"]),
            signature: unhex(&vector["signature"]),
            valid: true,
        };
        (SecretKey::from_seed(&seed), case)
    };
    vectors.as_array().expect("a list").iter().map(vector).collect()
}

#[test]
fn of_914_edge_cases_zip215_accepts_826_and_strict_43() {
    let cases = edge_cases();
    assert_eq!(cases.len(), 914);
    assert_eq!(cases.iter().filter(|case| case.zip215()).count(), 826);
    assert_eq!(cases.iter().filter(|case| case.strict()).count(), 43);
    assert!(cases.iter().filter(|case| case.strict()).all(Case::zip215), "strict accepts nothing more");
}

#[test]
fn wycheproof_agrees_with_strict_on_all_and_with_zip215_on_all_but_one() {
    let cases = wycheproof();
    assert_eq!(cases.len(), 151);
    for case in &cases {
        assert_eq!(case.strict(), case.valid, "tcId {}", case.name);
        // A second encoding of the commitment's point: ZIP-215 takes it, only the key's holder can make it.
        assert_eq!(case.zip215(), case.valid || case.name == "151", "tcId {}", case.name);
    }
}

#[test]
fn the_twelve_cases_of_speccheck_come_out_as_each_rule_says() {
    let answers = |accepts: fn(&Case) -> bool| {
        speccheck().iter().map(|case| if accepts(case) { 'V' } else { 'X' }).collect::<String>()
    };
    // Cofactored; S in range (6, 7); hashes over encodings as received (8 is made for reduced ones).
    assert_eq!(answers(Case::zip215), "VVVVVVXXXVVV");
    // Only number 3, of mixed order, passes without cofactor and without small order.
    assert_eq!(answers(Case::strict), "XXXVXXXXXXXX");
}

#[test]
fn published_signatures_verify_under_every_rule_and_are_made_again_byte_for_byte() {
    let (rfc, lines) = (rfc8032(), lines());
    assert_eq!((rfc.len(), lines.len()), (5, 128));
    for (secret, case) in rfc.iter().chain(&lines) {
        assert!(case.zip215() && case.strict(), "{}", case.name);
        assert_eq!(secret.public().as_bytes().as_slice(), case.key, "{}", case.name);
        assert_eq!(secret.sign_raw(&case.message).as_slice(), case.signature, "{}", case.name);
        assert!(PublicKey::check(&case.key).is_ok(), "{}", case.name);
    }
}

#[test]
fn no_key_of_the_edge_cases_with_a_small_component_can_be_registered() {
    let cases = json("cctv-ed25519/ed25519vectors.json");
    let mut refused = 0;
    for case in cases.as_array().expect("a list") {
        let flags: Vec<&str> = case["flags"]
            .as_array()
            .map(|flags| flags.iter().filter_map(Json::as_str).collect())
            .unwrap_or_default();
        let bad = ["low_order_A", "non_canonical_A", "low_order_component_A"];
        let check = PublicKey::check(&unhex(&case["key"]));
        if flags.iter().any(|flag| bad.contains(flag)) {
            refused += 1;
            assert!(
                matches!(check, Err(BadKey::SmallOrder | BadKey::NotCanonical | BadKey::NotTorsionFree)),
                "case {}: {check:?}",
                case["number"]
            );
        } else {
            assert!(check.is_ok(), "case {}: {check:?}", case["number"]);
        }
    }
    assert!(refused > 800, "{refused}");
}
