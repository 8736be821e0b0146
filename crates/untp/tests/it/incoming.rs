//! What comes in becomes a draft that says no more than the document, and names what it lacks.

use ore_record::v1::{Commission, CommissionKind, NewLot, record::Event};
use ore_untp::{
    import::{self, BadDocument, Imported, Kind, Terms},
    passport,
};
use serde_json::{Value, json};

use crate::{
    facts::{self, World},
    out::{PASSPORT, faults},
};

const WORKED: &str = include_str!("../../../../tests/vectors/untp/worked/untp_dpp_target.json");
const WORKED_JWT: &str = include_str!("../../../../tests/vectors/untp/worked/untp_dpp_target.vc.jwt");
const CONFORMITY: &str = include_str!("../../../../tests/vectors/untp/0.7.0/sample-conformity-smelter.json");
const CONFORMITY_SCHEMA: &str =
    include_str!("../../../../tests/vectors/untp/0.7.0/ConformityCredential.json");

const TERMS: Terms<'_> =
    Terms { member: "fab", facility: "fab/line-3", number: "", subject: "", material: "sputtering target" };

fn taken(document: &str, terms: &Terms<'_>) -> Imported {
    import::open(document.as_bytes()).and_then(|incoming| incoming.draft(terms)).expect("a draft")
}

fn lot(imported: &Imported) -> &NewLot {
    match &imported.record.event {
        Some(Event::Commission(Commission { kind, lot: Some(lot), .. })) => {
            assert_eq!(*kind, CommissionKind::DeclaredUnknown as i32);
            lot
        }
        other => panic!("{other:?}"),
    }
}

/// A passport of 0.6, as its released example is built.
fn of_06() -> Value {
    json!({
        "type": ["DigitalProductPassport", "VerifiableCredential"],
        "@context": ["https://www.w3.org/ns/credentials/v2", "https://test.uncefact.org/vocabulary/untp/dpp/0.6.0/"],
        "issuer": { "id": "did:web:example.com", "name": "Example" },
        "validFrom": "2024-03-15T12:00:00Z",
        "credentialSubject": {
            "type": ["ProductPassport"],
            "product": {
                "id": "https://example.com/p/1", "name": "Tantalum powder", "serialNumber": "S 1/2",
                "batchNumber": "6789", "productionDate": "2024-04-25", "countryOfProduction": "AU",
                "dimensions": { "weight": { "value": 10.5, "unit": "KGM" } },
            },
            "materialsProvenance": [
                { "name": "tantalum", "originCountry": "AU", "massFraction": 0.999 },
            ],
        },
    })
}

#[test]
fn the_worked_passport_becomes_a_lot_of_unknown_origin_bound_to_the_document() {
    let imported = taken(WORKED, &TERMS);
    let lot = lot(&imported);
    assert_eq!(lot.lot, "fab/TG-000002");
    assert_eq!((lot.hs_code.as_str(), lot.serial.as_str()), ("810399", "TG-000002"));
    assert_eq!(lot.mass.as_ref().map(|mass| mass.dry_mg), Some(10_000_000));
    // Four rows of tantalum make the whole.
    let contents = &lot.composition.as_ref().expect("a composition").contents;
    assert_eq!((contents.len(), contents[0].element, contents[0].ppb), (1, 73, 1_000_000_000));
    // Two countries: none is declared.
    assert_eq!((lot.origin_country.as_str(), lot.transformation_country.as_str()), ("", "JP"));
    let document = &imported.record.documents[0];
    assert_eq!(
        (document.length, document.issuer.as_str()),
        (WORKED.len() as u64, "did:web:target-maker.example.com")
    );
    assert!(
        imported.remarks.iter().any(|remark| remark.contains("declared, not measured")),
        "{:?}",
        imported.remarks
    );
}

#[test]
fn the_same_document_is_the_same_record_and_another_member_or_document_another() {
    let (once, twice) = (taken(WORKED, &TERMS), taken(WORKED, &TERMS));
    assert_eq!(once, twice);
    let other = Terms { member: "maker", ..TERMS };
    assert_ne!(taken(WORKED, &other).record.nonce, once.record.nonce);
    let signed = import::open(WORKED_JWT.as_bytes()).expect("signed");
    assert!(signed.signed.is_some());
    let signed = signed.draft(&TERMS).expect("a draft");
    assert_ne!(signed.record.nonce, once.record.nonce);
    assert_eq!(lot(&signed), lot(&once));
    assert_eq!(signed.record.documents[0].media_type, "application/vc+jwt");
}

#[test]
fn a_passport_of_06_is_read_where_that_version_keeps_things() {
    let document = of_06().to_string();
    assert_eq!(import::open(document.as_bytes()).map(|it| it.kind()), Ok(Kind::Passport06));
    let imported = taken(&document, &TERMS);
    let lot = lot(&imported);
    assert_eq!((lot.lot.as_str(), lot.serial.as_str()), ("fab/S-1-2", "S 1/2"));
    assert_eq!(lot.mass.as_ref().map(|mass| mass.dry_mg), Some(10_500_000));
    assert_eq!(lot.origin_country, "AU");
    assert_eq!(lot.composition.as_ref().expect("a composition").contents[0].ppb, 999_000_000);
    assert_eq!(imported.record.event_time_ms, 1_714_003_200_000);
}

#[test]
fn an_ore_or_a_sulphate_is_not_taken_for_its_metal() {
    let mut document = of_06();
    document["credentialSubject"]["materialsProvenance"] = json!([
        { "name": "Copper ore", "originCountry": "ZM", "massFraction": 0.3 },
        { "name": "Cobalt sulphate", "originCountry": "CD", "massFraction": 0.7 },
    ]);
    let imported = taken(&document.to_string(), &TERMS);
    assert_eq!(lot(&imported).composition, None);
    assert!(
        imported.remarks.iter().any(|remark| remark.contains("Copper ore, Cobalt sulphate")),
        "{:?}",
        imported.remarks
    );
}

#[test]
fn our_own_passport_comes_in_again_with_its_contents() {
    let world = World::new();
    let ours = passport::passport(&world.facts(vec![facts::tantalum()]));
    assert_eq!(faults(PASSPORT, &ours), Vec::<String>::new());
    let imported = taken(&ours.to_string(), &TERMS);
    assert_eq!(lot(&imported).composition.as_ref().expect("a composition").contents[0].ppb, 1_000_000_000);
}

#[test]
fn a_conformity_credential_becomes_an_attestation_of_its_scheme_and_term() {
    let document: Value = serde_json::from_str(CONFORMITY).expect("JSON");
    assert_eq!(faults(CONFORMITY_SCHEMA, &document), Vec::<String>::new());
    let terms = Terms { member: "certifier-ch", subject: "refiner-jp/plant", ..Terms::default() };
    let imported = taken(CONFORMITY, &terms);
    let Some(Event::Attest(attest)) = &imported.record.event else { panic!("{imported:?}") };
    let attestation = attest.attestation.as_ref().expect("one");
    assert_eq!(
        (attestation.id.as_str(), attestation.scheme.as_str()),
        ("certifier-ch/CM-SG-2025-002", "Coppermark")
    );
    assert_eq!(attestation.subject, "refiner-jp/plant");
    assert_eq!(
        (attestation.valid_from_ms, attestation.valid_until_ms),
        (1_736_899_200_000, 1_831_507_200_000)
    );
    assert!(attestation.scope.contains("Greenhouse Gas Emissions"), "{}", attestation.scope);
}

#[test]
fn a_conformity_credential_of_06_is_read_where_that_version_keeps_things() {
    let document = json!({
        "type": ["DigitalConformityCredential"],
        "@context": ["https://www.w3.org/ns/credentials/v2", "https://test.uncefact.org/vocabulary/untp/dcc/0.6.0/"],
        "issuer": { "id": "did:web:certifier.example.com", "name": "Certifier" },
        "validFrom": "2024-03-15T12:00:00Z", "validUntil": "2034-03-15T12:00:00Z",
        "credentialSubject": {
            "type": ["ConformityAttestation"], "id": "https://certifier.example.com/attestations/12345",
            "attestationType": "certification",
            "scope": { "type": ["ConformityScheme"], "name": "Sample ESG Standard" },
            "assessment": [
                { "conformityTopic": "environment.emissions", "conformance": true },
                { "conformityTopic": "social.labour", "conformance": true },
            ],
        },
    });
    let terms = Terms { member: "certifier-ch", subject: "refiner-jp/plant", ..Terms::default() };
    let imported = taken(&document.to_string(), &terms);
    let Some(Event::Attest(attest)) = &imported.record.event else { panic!("{imported:?}") };
    let attestation = attest.attestation.as_ref().expect("one");
    assert_eq!(
        (attestation.id.as_str(), attestation.scheme.as_str(), attestation.scope.as_str()),
        ("certifier-ch/12345", "Sample ESG Standard", "environment.emissions, social.labour")
    );
    let mut failed = document;
    failed["credentialSubject"]["assessment"][1]["conformance"] = false.into();
    let failed = import::open(failed.to_string().as_bytes()).and_then(|it| it.draft(&terms));
    assert!(matches!(failed, Err(BadDocument::Bad { .. })), "{failed:?}");
}

#[test]
fn what_gives_no_record_says_what_is_missing() {
    let fault = |document: &Value, terms: &Terms<'_>| {
        import::open(document.to_string().as_bytes()).and_then(|it| it.draft(terms)).expect_err("no record")
    };
    let mut weightless = of_06();
    weightless["credentialSubject"]["product"]["dimensions"] = json!({});
    let path = "credentialSubject.product.dimensions.weight";
    assert!(matches!(fault(&weightless, &TERMS), BadDocument::Missing { path: found, .. } if found == path));
    let mut unit = of_06();
    unit["credentialSubject"]["product"]["dimensions"]["weight"]["unit"] = "MTR".into();
    assert!(matches!(fault(&unit, &TERMS), BadDocument::Bad { path: found, .. } if found == path));
    let conformity: Value = serde_json::from_str(CONFORMITY).expect("JSON");
    assert!(matches!(fault(&conformity, &Terms::default()), BadDocument::Missing { .. }));
    let mut failed = conformity;
    failed["credentialSubject"]["conformityAssessment"][0]["conformance"] = false.into();
    let terms = Terms { member: "certifier-ch", subject: "refiner-jp/plant", ..Terms::default() };
    assert!(matches!(fault(&failed, &terms), BadDocument::Bad { .. }));
    for bad in ["", "{}", "[]", "{\"type\":\"DigitalFacilityRecord\"}", "a.b.c", "\u{0}"] {
        assert!(import::open(bad.as_bytes()).is_err(), "{bad:?}");
    }
    assert_eq!(import::open(&[0xff]), Err(BadDocument::Unreadable));
}
