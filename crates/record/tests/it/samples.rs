//! Records that other tests start from.

use ore_record::{
    SignedRecord, content, draft,
    keys::SecretKey,
    mass,
    v1::{self, record::Event},
};

pub(crate) fn key(number: u8) -> SecretKey {
    SecretKey::from_seed(&[number; 32])
}

pub(crate) fn composition() -> v1::Composition {
    draft::composition(
        &[("Ta2O5", "32.5 % ± 0.4 %"), ("Nb2O5", "11 %"), ("U", "< 50 ppm")],
        "XRF",
        "alpha-lab",
        v1::AssayStage::Seller,
    )
    .expect("good texts")
}

/// A blend of two lots into one, about 450 bytes signed.
pub(crate) fn transform(number: u64) -> v1::Record {
    let input = |lot: &str| v1::TransformInput {
        lot: Some(draft::lot_ref(lot, ore_record::RecordId::from_bytes([7; 32]))),
        mass: Some(mass::parse("1000 kg").expect("good")),
        composition: None,
    };
    let output = v1::NewLot {
        lot: format!("kivu-refining/B-{number}"),
        material: v1::MaterialClass::Concentrate.into(),
        form: "tantalite concentrate".into(),
        mass: Some(mass::parse("2000 kg").expect("good")),
        composition: Some(composition()),
        facility: "kivu-refining/plant-1".into(),
        model: v1::CustodyModel::Segregated.into(),
        transformation_country: "RW".into(),
        ..Default::default()
    };
    let event = v1::Transform {
        process: v1::Process::Blending.into(),
        facility: "kivu-refining/plant-1".into(),
        inputs: vec![input("mine-a/L-1"), input("mine-b/L-2")],
        outputs: vec![v1::TransformOutput { lot: Some(output), role: v1::OutputRole::Product.into() }],
        ..Default::default()
    };
    let mut record = draft::record(event, 1_790_000_000_000 + number);
    draft::complete(&mut record, "ledger.example/tantalum", "kivu-refining", [number as u8; 16]);
    record
}

pub(crate) fn signed(number: u64) -> SignedRecord {
    SignedRecord::sign(transform(number), &key((number % 10) as u8 + 1)).expect("short, with an event")
}

#[test]
fn the_sample_transform_says_what_it_was_made_of() {
    let record = transform(3);
    let Some(Event::Transform(event)) = &record.event else { panic!("a transform") };
    let lot = event.outputs[0].lot.as_ref().expect("an output");
    let elements = content::elements_of(lot.composition.as_ref().expect("given")).expect("good");
    let by_number: Vec<u8> = elements.iter().map(|content| content.element).collect();
    assert_eq!(by_number, [41, 73, 92]);
    assert_eq!(draft::new_lots(&record)[0].lot, "kivu-refining/B-3");
    assert_eq!(draft::heads_mut(&mut record.clone()).len(), 2);
}

#[test]
fn a_claim_names_its_lot_and_moves_no_head() {
    let claim = ore_record::v1::ClaimOrigin { lot: "kivu-refining/B-3".into(), ..Default::default() };
    let mut record = ore_record::v1::Record { event: Some(Event::ClaimOrigin(claim)), ..Default::default() };
    assert!(draft::heads_mut(&mut record).is_empty());
    assert_eq!(draft::lots(&mut record), ["kivu-refining/B-3"]);
}
