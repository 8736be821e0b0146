//! Confidential fields and sealed assays: shown one at a time, moved or changed never.

use ore_record::{
    RecordId, assay,
    assay::BadReveal,
    draft,
    private::{BadDisclosure, BadFields, Commitment, Context, Disclosure, Value},
    v1,
};
use proptest::prelude::*;

use crate::samples;

fn context() -> Context {
    Context::of(&[1; 32], &[2; 16])
}

fn fields(count: usize) -> Vec<(String, Value)> {
    (0..count).map(|number| (format!("field-{number}"), Value::Unsigned(number as u64))).collect()
}

fn committed(count: usize) -> Commitment {
    Commitment::new(fields(count), &[3; 32], &context()).expect("good fields")
}

#[test]
fn each_of_1_to_32_fields_can_be_shown() {
    for count in 1..=32 {
        let commitment = committed(count);
        for (name, value) in fields(count) {
            let shown = commitment.disclose(&name).expect("committed to");
            assert_eq!(shown.verify(&commitment.root(), &context()), Ok(value));
            assert_eq!(shown.width as usize, count.next_power_of_two().max(8), "decoys hide the number");
        }
        assert_eq!(commitment.disclose("another"), None);
    }
}

#[test]
fn fields_that_cannot_stand_in_a_leaf_are_refused() {
    let refused = |fields| Commitment::new(fields, &[3; 32], &context()).err().expect("refused");
    let text = |length: usize| Value::Text("x".repeat(length));
    assert_eq!(refused(vec![]), BadFields::Count(0));
    assert_eq!(refused(fields(33)), BadFields::Count(33));
    assert_eq!(refused(vec![(String::new(), text(1))]), BadFields::Name(0));
    assert_eq!(refused(vec![("n".repeat(256), text(1))]), BadFields::Name(256));
    let twice = vec![("price".into(), text(1)), ("price".into(), text(2))];
    assert_eq!(refused(twice), BadFields::Duplicate("price".into()));
    let long = vec![("note".into(), text(4_097))];
    assert_eq!(refused(long), BadFields::Value { name: "note".into(), bytes: 4_097 });
}

#[test]
fn a_disclosure_belongs_to_one_record_and_one_value() {
    let commitment = committed(5);
    let good = commitment.disclose("field-2").expect("committed to");
    let root = commitment.root();
    let other_records = [Context::of(&[9; 32], &[2; 16]), Context::of(&[1; 32], &[9; 16])];
    for other in other_records {
        assert_eq!(good.verify(&root, &other), Err(BadDisclosure::Root { name: "field-2".into() }));
    }
    assert!(good.verify(&[], &context()).is_err());
    let changed: [fn(&mut Disclosure); 8] = [
        |shown| shown.name.push('x'),
        |shown| shown.name.clear(),
        |shown| shown.value[7] ^= 1,
        |shown| shown.value.push(0),
        |shown| shown.kind = 3,
        |shown| shown.salt[0] ^= 1,
        |shown| shown.path[0][31] ^= 1,
        |shown| shown.index ^= 1,
    ];
    for (number, change) in changed.into_iter().enumerate() {
        let mut shown = good.clone();
        change(&mut shown);
        assert!(shown.verify(&root, &context()).is_err(), "change {number}");
    }
    let misshapen: [fn(&mut Disclosure); 5] = [
        |shown| shown.width = 16,
        |shown| shown.width = 4,
        |shown| shown.index = 8,
        |shown| shown.path.truncate(2),
        |shown| shown.path.resize(300, [0; 32]),
    ];
    for change in misshapen {
        let mut shown = good.clone();
        change(&mut shown);
        assert!(matches!(shown.verify(&root, &context()), Err(BadDisclosure::Shape { .. })));
    }
}

#[test]
fn assays_are_exchanged_without_either_seeing_the_others_first() {
    let results = v1::Assay {
        lot: Some(draft::lot_ref("mine-a/L-1", RecordId::from_bytes([1; 32]))),
        composition: Some(samples::composition()),
        session: "S-7".into(),
        ..Default::default()
    };
    let commit = assay::commit(&results, &[5; 32]);
    assert_eq!((commit.composition.as_ref(), commit.commitment.len()), (None, 32));

    let mut reveal = assay::reveal(results.clone(), &[5; 32], RecordId::from_bytes([8; 32]));
    assert_eq!(assay::opens(&commit, &reveal), Ok(()));
    // The lot's head moves between the two; that changes nothing.
    reveal.lot = Some(draft::lot_ref("mine-a/L-1", RecordId::from_bytes([2; 32])));
    assert_eq!(assay::opens(&commit, &reveal), Ok(()));

    let mut other = reveal.clone();
    other.composition.as_mut().expect("given").contents[0].ppb += 1;
    assert_eq!(assay::opens(&commit, &other), Err(BadReveal::OtherResults));
    let other = v1::Assay { salt: vec![6; 32], ..reveal.clone() };
    assert_eq!(assay::opens(&commit, &other), Err(BadReveal::OtherResults));
    let other = v1::Assay { salt: vec![5; 31], ..reveal.clone() };
    assert_eq!(assay::opens(&commit, &other), Err(BadReveal::Salt(31)));
    let other = v1::Assay { session: "S-8".into(), ..reveal.clone() };
    assert_eq!(assay::opens(&commit, &other), Err(BadReveal::OtherSubject));
    let other = v1::Assay { lot: Some(draft::lot("mine-a/L-2")), ..reveal.clone() };
    assert_eq!(assay::opens(&commit, &other), Err(BadReveal::OtherSubject));
    assert_eq!(assay::opens(&results, &reveal), Err(BadReveal::NoCommitment));
}

proptest! {
    #[test]
    fn an_arbitrary_disclosure_never_verifies_and_never_panics(
        name in ".{0,20}", kind: u8, value in prop::collection::vec(any::<u8>(), 0..40), salt: [u8; 32],
        index: u8, width: u8, path in prop::collection::vec(any::<[u8; 32]>(), 0..7),
    ) {
        let shown = Disclosure { name, kind, value, salt, index, width, path };
        prop_assert!(shown.verify(&committed(5).root(), &context()).is_err());
    }
}
