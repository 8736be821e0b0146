//! Prints what the core costs on this machine: decode, single check, batch of 1,000 from 10 signers.
//!
//! `cargo run --release -p ore-record --example record_rate`

use std::{error::Error, hint::black_box, time::Instant};

use ore_record::{RecordId, SignedRecord, batch, canonical, draft, keys::SecretKey, mass, v1};
use prost::Message;

const RECORDS: u64 = 1_000;
/// The best of several rounds: what the code costs without the neighbours' noise.
const ROUNDS: usize = 40;

fn main() -> Result<(), Box<dyn Error>> {
    let entries: Vec<Vec<u8>> = (0..RECORDS)
        .map(|number| transform(number).map(|record| record.entry()))
        .collect::<Result<_, _>>()?;
    let bytes = entries.iter().map(Vec::len).sum::<usize>() / entries.len();
    println!("entries of {bytes} bytes on average");

    let decode = best(|| {
        entries.iter().for_each(|entry| drop(black_box(SignedRecord::decode(black_box(entry)))));
    });
    println!("decode       {:6.2} us per record", decode / RECORDS as f64);

    let bytes: Vec<Vec<u8>> = entries
        .iter()
        .map(|entry| SignedRecord::decode(entry).map(|record| record.bytes().to_vec()))
        .collect::<Result<_, _>>()?;
    let id = best(|| {
        bytes.iter().for_each(|bytes| assert_ne!(RecordId::of(black_box(bytes)).as_bytes(), &[0; 32]))
    });
    println!("  of it the id    {:6.2}", id / RECORDS as f64);
    let parse = best(|| bytes.iter().for_each(|bytes| drop(black_box(v1::Record::decode(bytes.as_slice())))));
    println!("  of it parsing   {:6.2}", parse / RECORDS as f64);
    let canonical = best(|| {
        bytes.iter().for_each(|bytes| drop(black_box(canonical::decode::<v1::Record>(black_box(bytes)))));
    });
    println!("  and comparing   {:6.2}", (canonical - parse) / RECORDS as f64);

    let records: Vec<SignedRecord> =
        entries.iter().map(|entry| SignedRecord::decode(entry)).collect::<Result<_, _>>()?;
    let single = best(|| {
        records.iter().take(100).cloned().for_each(|record| drop(black_box(record.verify())));
    });
    println!("verify one   {:6.2} us per record", single / 100.0);

    let mut entropy = [0; 32];
    getrandom::fill(&mut entropy).map_err(|error| error.to_string())?;
    let mut good = 0;
    let mut batched = f64::MAX;
    for _ in 0..ROUNDS {
        // The copy belongs to the measurement's repetition, not to what is measured.
        let records = records.clone();
        let start = Instant::now();
        good = batch::verify(records, entropy).iter().filter(|answer| answer.is_ok()).count();
        batched = batched.min(start.elapsed().as_secs_f64() * 1e6);
    }
    println!("verify batch {:6.2} us per record ({good} of {RECORDS} good)", batched / RECORDS as f64);
    Ok(())
}

/// Microseconds of the best round.
fn best(mut round: impl FnMut()) -> f64 {
    (0..ROUNDS)
        .map(|_| {
            let start = Instant::now();
            round();
            start.elapsed().as_secs_f64() * 1e6
        })
        .fold(f64::MAX, f64::min)
}

/// Two lots blended into one, with an assay.
fn transform(number: u64) -> Result<SignedRecord, Box<dyn Error>> {
    let input = |lot: &str| -> Result<v1::TransformInput, mass::BadMass> {
        Ok(v1::TransformInput {
            lot: Some(draft::lot_ref(lot, RecordId::from_bytes([7; 32]))),
            mass: Some(mass::parse("1000 kg")?),
            composition: None,
        })
    };
    let output = v1::NewLot {
        lot: format!("refiner/B-{number}"),
        material: v1::MaterialClass::Concentrate.into(),
        form: "tantalite concentrate".into(),
        mass: Some(mass::parse("2000 kg")?),
        composition: Some(draft::composition(
            &[("Ta2O5", "32.5 %"), ("Nb2O5", "11 %")],
            "XRF",
            "lab-one",
            v1::AssayStage::Seller,
        )?),
        facility: "refiner/plant-1".into(),
        model: v1::CustodyModel::Segregated.into(),
        ..Default::default()
    };
    let event = v1::Transform {
        process: v1::Process::Blending.into(),
        facility: "refiner/plant-1".into(),
        inputs: vec![input("mine-a/L-1")?, input("mine-b/L-2")?],
        outputs: vec![v1::TransformOutput { lot: Some(output), role: v1::OutputRole::Product.into() }],
        ..Default::default()
    };
    let mut record = draft::record(event, 1_790_000_000_000 + number);
    draft::complete(&mut record, "ledger.example/tantalum", "refiner", [number as u8; 16]);
    Ok(SignedRecord::sign(record, &SecretKey::from_seed(&[(number % 10) as u8 + 1; 32]))?)
}
