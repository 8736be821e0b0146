//! One byte string per record: everything else is refused.

use ore_record::{
    BadEntry, BadSignature, MAX_ENTRY_BYTES, RecordId, SignedRecord,
    canonical::{self, NotCanonical},
    v1,
};
use proptest::prelude::*;
use prost::Message;

use crate::{arbitrary, samples};

fn refused(bytes: &[u8]) {
    let error = canonical::decode::<v1::Record>(bytes).expect_err("not canonical");
    assert!(matches!(error, NotCanonical::Differs { .. }), "{error}");
}

/// A record as `(field number, its bytes)`, to be put together wrongly.
fn fields(record: &v1::Record) -> Vec<Vec<u8>> {
    let origin = v1::Record { origin: record.origin.clone(), ..Default::default() }.encode_to_vec();
    let author = v1::Record { author: record.author.clone(), ..Default::default() }.encode_to_vec();
    let key = v1::Record { author_key: record.author_key.clone(), ..Default::default() }.encode_to_vec();
    let event = v1::Record { event: record.event.clone(), ..Default::default() }.encode_to_vec();
    vec![origin, author, key, event]
}

fn approve() -> v1::Record {
    let mut record = ore_record::draft::record(v1::Approve { proposal: vec![9; 32] }, 0);
    record.origin = "ledger.example".into();
    record.author = "mine-a".into();
    record.author_key = vec![1; 32];
    record
}

#[test]
fn fields_out_of_order_repeated_unknown_or_written_out_are_refused() {
    let parts = fields(&approve());
    let good = parts.concat();
    assert_eq!(canonical::decode::<v1::Record>(&good).expect("canonical"), approve());

    refused(&[&parts[1][..], &parts[0], &parts[2], &parts[3]].concat());
    refused(&[&parts[0][..], &parts[0], &parts[1], &parts[2], &parts[3]].concat());
    // Field 15, varint 1; field 200, empty bytes.
    refused(&[&good[..], &[15 << 3, 1]].concat());
    refused(&[&good[..], &[0xc2, 0x0c, 0]].concat());
    // event_time_ms = 0, and an empty author, written out in their places.
    refused(&[&parts[0][..], &parts[1], &parts[2], &[5 << 3, 0], &parts[3]].concat());
    refused(&[&parts[0][..], &[2 << 3 | 2, 0], &parts[2], &parts[3]].concat());
    // An event of two kinds: only the last counts for a decoder, so the bytes differ.
    let erased = v1::Record { event: Some(v1::Erased::default().into()), ..Default::default() };
    refused(&[&erased.encode_to_vec()[..], &parts[3]].concat());
    // event_time_ms = 1 in two bytes instead of one.
    refused(&[&parts[0][..], &parts[1], &parts[2], &[5 << 3, 0x81, 0], &parts[3]].concat());
}

#[test]
fn a_repeated_number_must_be_packed() {
    let roles = v1::ChangeRoles { member: "m1".into(), roles: vec![1, 2] };
    assert!(canonical::decode::<v1::ChangeRoles>(&roles.encode_to_vec()).is_ok());
    let unpacked = [10, 2, b'm', b'1', 2 << 3, 1, 2 << 3, 2];
    assert_eq!(v1::ChangeRoles::decode(&unpacked[..]).expect("a decoder takes both"), roles);
    assert!(matches!(canonical::decode::<v1::ChangeRoles>(&unpacked), Err(NotCanonical::Differs { at: 4 })));
}

#[test]
fn an_unknown_field_deep_inside_is_refused() {
    let record = samples::transform(1);
    let Some(v1::record::Event::Transform(event)) = &record.event else { panic!("a transform") };
    let mut inner = event.encode_to_vec();
    inner.extend_from_slice(&[15 << 3, 1]);
    let head = v1::Record { event: None, ..record.clone() }.encode_to_vec();
    let mut bytes = head;
    // Field 21, length-delimited.
    prost::encoding::encode_varint(21 << 3 | 2, &mut bytes);
    prost::encoding::encode_varint(inner.len() as u64, &mut bytes);
    bytes.extend_from_slice(&inner);
    refused(&bytes);
}

#[test]
fn the_same_byte_is_wrong_whichever_way_an_entry_is_not_canonical() {
    let signed = samples::signed(1);
    let entry = signed.entry();
    assert_eq!(SignedRecord::decode(&entry).expect("canonical").entry(), entry);
    let swapped = {
        let record_field = v1::SignedRecord { record: signed.bytes().to_vec(), ..Default::default() };
        let signature_field =
            v1::SignedRecord { signature: signed.signature().to_vec(), ..Default::default() };
        [signature_field.encode_to_vec(), record_field.encode_to_vec()].concat()
    };
    let trailing = [&entry[..], &[0x1a, 0]].concat();
    for bad in [swapped, trailing] {
        let error = SignedRecord::decode(&bad).expect_err("not canonical");
        assert!(matches!(error, BadEntry::Envelope(NotCanonical::Differs { .. })), "{error}");
    }
    assert!(matches!(
        SignedRecord::decode(&entry[..entry.len() - 1]),
        Err(BadEntry::Envelope(NotCanonical::Malformed(_)))
    ));
    assert_eq!(SignedRecord::decode(&[]), Err(BadEntry::NoEvent));
}

#[test]
fn an_entry_has_at_most_65535_bytes() {
    let with_note = |bytes: usize| {
        let mut record = approve();
        record.note = "x".repeat(bytes);
        SignedRecord::sign(record, &samples::key(1))
    };
    let (mut fits, mut refused) = (60_000, 70_000);
    while refused - fits > 1 {
        let middle = (fits + refused) / 2;
        if with_note(middle).is_ok() { fits = middle } else { refused = middle }
    }
    let longest = with_note(fits).expect("fits").entry();
    assert_eq!(longest.len(), MAX_ENTRY_BYTES);
    assert_eq!(with_note(refused), Err(BadEntry::TooLong(MAX_ENTRY_BYTES + 1)));
    assert_eq!(SignedRecord::decode(&longest).expect("fits").entry(), longest);
    assert_eq!(SignedRecord::decode(&[0; 70_000]), Err(BadEntry::TooLong(70_000)));
}

#[test]
fn signing_again_is_not_a_new_record_and_a_seal_is_nobodys() {
    let signed = samples::signed(5);
    let other = SignedRecord::from_parts(signed.bytes().to_vec(), vec![0; 64]).expect("an entry");
    assert_eq!(signed.id(), other.id());
    assert_eq!(signed.id(), RecordId::of(signed.bytes()));
    assert_eq!(RecordId::from_hex(&signed.id().to_string()), Some(signed.id()));

    let seal = v1::Record { event: Some(v1::BlockSeal::default().into()), ..Default::default() };
    let sealed = SignedRecord::from_parts(seal.encode_to_vec(), vec![]).expect("a seal");
    assert!(sealed.is_seal() && sealed.signature().is_empty());
    assert_eq!(SignedRecord::decode(&sealed.entry()).as_ref(), Ok(&sealed));
    assert_eq!(sealed.clone().verify(), Err(BadSignature::Seal));
    assert_eq!(ore_record::batch::verify(vec![sealed], [0; 32]), [Err(BadSignature::Seal)]);
    assert_eq!(SignedRecord::sign(seal, &samples::key(1)), Err(BadEntry::SignedSeal));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn any_record_decodes_from_its_encoding_to_itself(seed: u64) {
        let record = arbitrary::record(seed);
        let bytes = record.encode_to_vec();
        let again = canonical::decode::<v1::Record>(&bytes);
        prop_assert_eq!(again.as_ref(), Ok(&record));
        prop_assert_eq!(again.expect("just compared").encode_to_vec(), bytes);
    }

    #[test]
    fn an_entry_decodes_to_itself_and_verifies(number: u64) {
        let signed = samples::signed(number);
        let decoded = SignedRecord::decode(&signed.entry()).expect("our own entry");
        prop_assert_eq!(&decoded, &signed);
        prop_assert!(decoded.strict());
        prop_assert_eq!(decoded.verify().expect("our own signature").into_signed(), signed);
    }

    #[test]
    fn a_flipped_bit_never_verifies(number: u64, bit: prop::sample::Index) {
        let mut entry = samples::signed(number).entry();
        let bit = bit.index(entry.len() * 8);
        entry[bit / 8] ^= 1 << (bit % 8);
        let verified = SignedRecord::decode(&entry).map(SignedRecord::verify);
        prop_assert!(!matches!(verified, Ok(Ok(_))), "bit {}", bit);
    }

    #[test]
    fn a_changed_encoding_is_refused_or_another_record(number: u64, at: prop::sample::Index, byte: u8, insert: bool) {
        let good = samples::signed(number);
        let mut bytes = good.bytes().to_vec();
        let at = at.index(bytes.len());
        if insert { bytes.insert(at, byte) } else { bytes.remove(at); }
        if let Ok(record) = canonical::decode::<v1::Record>(&bytes) {
            prop_assert_eq!(record.encode_to_vec(), &bytes[..]);
            prop_assert!(&record != good.record() || bytes == good.bytes());
        }
    }

    #[test]
    fn arbitrary_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..600)) {
        let _ = SignedRecord::decode(&bytes).map(SignedRecord::verify);
        let _ = canonical::decode::<v1::Block>(&bytes);
        let _ = SignedRecord::from_parts(bytes.clone(), bytes);
    }
}
