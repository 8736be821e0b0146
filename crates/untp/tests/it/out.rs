//! What goes out satisfies the released schemas and says what the oracle says.

use ore_record::{
    RecordId,
    keys::{PublicKey, SecretKey},
    v1::{
        Accept, AcceptedLot, Commission, CommissionKind, Facility, LotRef, Mass, MassBasis, Member, NewLot,
        Record, Route, Ship, ShippedLot, Transform, TransformInput, TransformOutput, Use, record::Event,
    },
};
use ore_untp::{
    did,
    event::{self, Directory, Told},
    facility::{self, Address},
    jose::{self, BadJwt},
    passport::{self, Element},
    status,
};
use serde_json::Value;

use crate::facts::{self, ISSUED_MS, WHOLE, World};

/// Every fault that the released schema finds, formats asserted.
pub(crate) fn faults(schema: &str, document: &Value) -> Vec<String> {
    let schema: Value = serde_json::from_str(schema).expect("a schema is JSON");
    let validator = jsonschema::options()
        .should_validate_formats(true)
        .build(&schema)
        .expect("a released schema compiles");
    validator.iter_errors(document).map(|error| format!("{}: {error}", error.instance_path())).collect()
}

pub(crate) const PASSPORT: &str =
    include_str!("../../../../tests/vectors/untp/0.7.0/DigitalProductPassport.json");
const EVENT: &str = include_str!("../../../../tests/vectors/untp/0.7.0/DigitalTraceabilityEvent.json");
const FACILITY: &str = include_str!("../../../../tests/vectors/untp/0.7.0/DigitalFacilityRecord.json");

#[track_caller]
fn fits(schema: &str, document: &Value) {
    let faults = faults(schema, document);
    assert!(faults.is_empty(), "{faults:#?}\n{document:#}");
}

fn rows(passport: &Value) -> Vec<(String, String, String, String)> {
    let rows = passport["credentialSubject"]["materialProvenance"].as_array().expect("an array");
    let text = |value: &Value| value.to_string();
    rows.iter()
        .map(|row| {
            (
                text(&row["originCountry"]["countryCode"]),
                text(&row["massFraction"]),
                text(&row["mass"]["value"]),
                text(&row["recycledMassFraction"]),
            )
        })
        .collect()
}

#[test]
fn the_tantalum_loop_states_the_shares_of_the_oracle() {
    let world = World::new();
    let passport = passport::passport(&world.facts(vec![facts::tantalum()]));
    fits(PASSPORT, &passport);
    let row = |country: &str, fraction: &str, mass: &str, recycled: &str| {
        (format!("\"{country}\""), fraction.to_owned(), mass.to_owned(), recycled.to_owned())
    };
    assert_eq!(
        rows(&passport),
        [
            row("RW", "0.348335877863", "3.483359", "0"),
            row("BR", "0.147664122137", "1.476641", "0"),
            row("RW", "0.353954198473", "3.539542", "1"),
            row("BR", "0.150045801527", "1.500458", "1"),
        ]
    );
    let claim = &passport["credentialSubject"]["performanceClaim"][0]["claimedPerformance"][0]["measure"];
    assert_eq!(claim["value"].to_string(), "50.4");
    assert_eq!(passport["credentialStatus"]["statusListIndex"], 42);
    assert_eq!(passport["issuer"]["id"], "did:web:ledger.example.com:id:target-maker");
}

#[test]
fn an_uncertain_share_has_a_tolerance_on_its_mass() {
    let world = World::new();
    let mut shares = vec![
        facts::share("mine-a/pit", "RW", Route::Primary, 0, WHOLE * 4 / 10),
        facts::share("mine-b/pit", "BR", Route::Primary, 0, WHOLE * 6 / 10),
    ];
    (shares[0].lower, shares[0].upper) = (WHOLE * 3 / 10, WHOLE * 5 / 10);
    // The other is bounded by the first: shares sum to one.
    (shares[1].lower, shares[1].upper) = (0, WHOLE);
    let tungsten = Element { number: 74, ppb: 900_000_000, uncertainty_ppb: 0, shares };
    let passport = passport::passport(&world.facts(vec![tungsten]));
    fits(PASSPORT, &passport);
    let masses: Vec<String> = passport["credentialSubject"]["materialProvenance"]
        .as_array()
        .expect("an array")
        .iter()
        .map(|row| row["mass"].to_string())
        .collect();
    // 9 kg of tungsten: 40 % and 60 % of it, each 10 % of it up and down, rounded outwards to the milligram.
    assert_eq!(
        masses,
        [
            r#"{"lowerTolerance":0.9,"unit":"KGM","upperTolerance":0.900001,"value":5.4}"#,
            r#"{"lowerTolerance":0.9,"unit":"KGM","upperTolerance":0.900001,"value":3.6}"#,
        ]
    );
}

#[test]
fn fractions_of_an_alloy_sum_to_what_its_assay_says_and_unknown_stays_unknown() {
    let mut world = World::new();
    world.lot.hs_code.clear();
    world.lot.serial.clear();
    let third = WHOLE / 3;
    let tungsten = Element {
        number: 74,
        ppb: 900_000_000,
        uncertainty_ppb: 0,
        shares: vec![
            facts::share("mine-a/pit", "VN", Route::Primary, 0, WHOLE - third),
            facts::share("mine-b/pit", "PT", Route::Primary, 0, third),
        ],
    };
    let mut unknown = facts::share("", "ZZ", Route::Primary, 0, WHOLE);
    unknown.kind = ore_record::v1::OriginKind::DeclaredUnknown.into();
    let titanium = Element { number: 22, ppb: 100_000_000, uncertainty_ppb: 0, shares: vec![unknown] };
    let passport = passport::passport(&world.facts(vec![tungsten, titanium]));
    fits(PASSPORT, &passport);
    let fractions: Vec<(String, String)> =
        rows(&passport).into_iter().map(|(country, fraction, _, _)| (country, fraction)).collect();
    // Case P16: 0.6, 0.3 and 0.1 of the product.
    let expected = [("\"VN\"", "0.6"), ("\"PT\"", "0.3"), ("\"ZZ\"", "0.1")];
    assert_eq!(fractions, expected.map(|(country, fraction)| (country.to_owned(), fraction.to_owned())));
    let row = &passport["credentialSubject"]["materialProvenance"][2];
    assert_eq!(row["name"], "Titanium, primary, declared with unknown origin");
    assert_eq!(passport["credentialSubject"]["idGranularity"], "batch");
}

#[test]
fn a_document_that_lacks_something_is_caught_by_the_schema() {
    let world = World::new();
    let mut passport = passport::passport(&world.facts(vec![facts::tantalum()]));
    passport["credentialSubject"]["materialProvenance"][0]["massFraction"] = 1.5.into();
    passport["validFrom"] = "yesterday".into();
    let found = faults(PASSPORT, &passport);
    assert_eq!(found.len(), 2, "{found:?}");
}

struct Names(World);

impl Directory for Names {
    fn member(&self, id: &str) -> Option<&Member> {
        [&self.0.maker, &self.0.owner].into_iter().find(|member| member.id == id)
    }

    fn facility(&self, id: &str) -> Option<&Facility> {
        Some(&self.0.plant).filter(|plant| plant.id == id)
    }

    fn lot(&self, id: &str) -> Option<&NewLot> {
        Some(&self.0.lot).filter(|lot| lot.lot == id)
    }
}

fn kilograms(kg: u64) -> Option<Mass> {
    Some(Mass {
        dry_mg: kg * 1_000_000,
        basis: MassBasis::Dry.into(),
        unit: "KGM".to_owned(),
        ..Mass::default()
    })
}

fn lot_ref(lot: &str) -> Option<LotRef> {
    Some(LotRef { lot: lot.to_owned(), head: vec![7; 32] })
}

#[test]
fn events_of_every_kind_fit_the_schema_and_a_delivery_is_one_event() {
    let names = Names(World::new());
    let lot = names.0.lot.lot.clone();
    let offer = RecordId::from_bytes([2; 32]);
    let told = [
        Event::Transform(Transform {
            facility: "target-maker/plant".to_owned(),
            inputs: vec![TransformInput {
                lot: lot_ref("recycler/R-0001"),
                mass: kilograms(6),
                composition: None,
            }],
            outputs: vec![TransformOutput { lot: Some(names.0.lot.clone()), role: 1 }],
            ..Transform::default()
        }),
        Event::Ship(Ship {
            lots: vec![ShippedLot { lot: lot_ref(&lot), mass: kilograms(10), seals: Vec::new() }],
            from_facility: "target-maker/plant".to_owned(),
            receiver: "fab".to_owned(),
            carrier: "carrier-x".to_owned(),
            ..Ship::default()
        }),
        Event::Accept(Accept {
            offer: offer.as_bytes().to_vec(),
            lots: vec![AcceptedLot { lot: lot_ref(&lot), mass: kilograms(10), seals: 0 }],
            facility: "fab/line 3".to_owned(),
        }),
        Event::Use(Use { item: lot_ref(&lot), net_mass: kilograms(7), facility: "fab/line 3".to_owned() }),
        Event::Commission(Commission {
            kind: CommissionKind::Extracted.into(),
            lot: Some(names.0.lot.clone()),
            ..Commission::default()
        }),
    ];
    let records: Vec<Record> = told
        .into_iter()
        .map(|event| Record { event: Some(event), event_time_ms: ISSUED_MS, ..Record::default() })
        .collect();
    let told: Vec<Told<'_>> = records
        .iter()
        .zip(1u8..)
        .map(|(record, id)| Told { record, id: RecordId::from_bytes([id; 32]) })
        .collect();
    let issue = names.0.issue();
    let document = event::events(&issue, &lot, &told, &names, |_| Vec::new()).expect("there are events");
    fits(EVENT, &document);
    let kinds: Vec<&Value> = document["credentialSubject"]
        .as_array()
        .expect("an array")
        .iter()
        .map(|event| &event["type"][0])
        .collect();
    assert_eq!(kinds, ["MakeEvent", "MoveEvent", "ModifyEvent", "MakeEvent"]);
    assert!(event::events(&issue, &lot, &[], &names, |_| Vec::new()).is_none());
}

#[test]
fn a_facility_record_fits_the_schema_and_makes_no_address_up() {
    let world = World::new();
    let record = facility::record(&world.issue(), &world.plant, &world.maker, &Address::default());
    fits(FACILITY, &record);
    let subject = &record["credentialSubject"];
    assert_eq!(subject["address"]["streetAddress"], "not stated in the ledger");
    assert_eq!(subject["locationInformation"]["geoLocation"]["latitude"].to_string(), "35.6895");
    assert_eq!(subject["id"], "https://id.gs1.org/414/9521234000143");
}

#[test]
fn a_signature_binds_every_byte_and_the_did_document_names_its_key() {
    let world = World::new();
    let credential = passport::passport(&world.facts(vec![facts::tantalum()]));
    let key = SecretKey::from_seed(&[9; 32]);
    let did = world.place.member_did("target-maker");
    let jwt = jose::sign(&credential, &did, &key);
    let read = jose::parse(&jwt).expect("our own credential");
    let document = did::document(&did, &[*key.public().as_bytes()]);
    let found = did::key_of(&document, &read.key_id).expect("the document names the key");
    let public = PublicKey::check(&found).expect("a good key");
    assert_eq!(read.verify(&public), Ok(credential));
    for at in (0..jwt.len()).step_by(97) {
        let mut bytes = jwt.clone().into_bytes();
        bytes[at] = if bytes[at] == b'A' { b'B' } else { b'A' };
        let broken = String::from_utf8(bytes).expect("ASCII");
        if broken == jwt {
            continue;
        }
        let verified = jose::parse(&broken).and_then(|read| read.verify(&public));
        assert!(verified.is_err(), "byte {at} may change");
    }
    assert_eq!(did::key_of(&did::document(&did, &[]), &jose::key_id(&did, &found)), None);
}

#[test]
fn the_worked_credential_verifies_with_the_key_of_rfc_8037_and_a_login_token_is_none() {
    let jwt = include_str!("../../../../tests/vectors/untp/worked/untp_dpp_target.vc.jwt");
    let worked: Value =
        serde_json::from_str(include_str!("../../../../tests/vectors/untp/worked/untp_dpp_target.json"))
            .expect("JSON");
    // RFC 8037, appendix A.2.
    let key = "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a";
    let bytes: Vec<u8> =
        (0..32).map(|at| u8::from_str_radix(&key[2 * at..2 * at + 2], 16).expect("hexadecimal")).collect();
    let public = PublicKey::check(&bytes).expect("a good key");
    assert_eq!(jose::parse(jwt).and_then(|read| read.verify(&public)), Ok(worked));
    // {"alg":"EdDSA","kid":"k","typ":"JWT"}
    let token = "eyJhbGciOiJFZERTQSIsImtpZCI6ImsiLCJ0eXAiOiJKV1QifQ.e30.AA";
    assert!(matches!(jose::parse(token), Err(BadJwt::Kind { .. })));
}

#[test]
fn a_passport_is_stale_when_the_record_that_made_its_lot_was_withdrawn() {
    let world = World::new();
    let passport = passport::passport(&world.facts(vec![facts::tantalum()]));
    let entry = &passport["credentialStatus"];
    let bit = entry["statusListIndex"].as_u64().expect("a number");
    let fresh = status::credential(&world.place, 0, [41, 43].into_iter(), ISSUED_MS);
    let stale = status::credential(&world.place, 0, [42].into_iter(), ISSUED_MS);
    assert_eq!(fresh["id"], entry["statusListCredential"]);
    assert_eq!(status::is_set(&fresh, bit), Ok(false));
    assert_eq!(status::is_set(&stale, bit), Ok(true));
}
