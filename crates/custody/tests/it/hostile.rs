//! Whatever is signed, judging it never panics, and what is refused changes nothing.

use ore_custody::Custody;
use ore_record::v1::Record;
use proptest::prelude::*;
use prost::Message;

use crate::{
    properties::{choices, tell, words},
    world::{ORIGIN, World, key_of, sign},
};

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// A valid record's bytes, with bytes changed, decoded leniently and signed again by a member.
    #[test]
    fn mutated_records_never_panic(
        history in choices(25),
        last in choices(2),
        flips in prop::collection::vec((any::<u16>(), any::<u8>()), 1..6),
    ) {
        let mut world = World::new();
        let _ = tell(&mut world, &history);
        let line = words(&world, last[0], 1000);
        prop_assume!(!line.starts_with("after") && !line.contains("withdraws"));
        let Some((_, record)) = world.draft(&line) else { return Ok(()) };
        for (at, to) in &flips {
            let mut bytes = record.encode_to_vec();
            let at = usize::from(*at) % bytes.len();
            bytes[at] = *to;
            let Ok(mutant) = Record::decode(bytes.as_slice()) else { continue };
            let Ok(signed) = ore_record::SignedRecord::sign(mutant, &key_of(&record.author)) else { continue };
            let Ok(verified) = signed.verify() else { continue };
            let root = world.custody.state_root();
            if let Ok(change) = world.decide(&verified) {
                let undo = world.custody.commit(change);
                let _ = world.custody.state_root();
                world.custody.undo(undo);
            }
            prop_assert_eq!(world.custody.state_root(), root);
        }
    }

    /// Extreme numbers where numbers stand.
    #[test]
    fn extreme_numbers_never_panic(mg in prop::sample::select(vec![0, 1, u64::MAX, u64::MAX / 2, 1 << 40]), time in any::<u64>(), number in any::<u32>()) {
        let mut world = World::new();
        let mut lines = vec![
            "mine commissions L1 5000g Ta 30%",
            "mine transforms L1 4000g into A1 4000g Ta 30% losing Ta 1g by splitting",
            "mine ships L1 to refiner",
            "refiner receives L1",
            "refiner disposes L1 1g",
        ];
        for line in lines.drain(..) {
            let Some((_, record)) = world.draft(line) else { continue };
            let mut extreme = record.clone();
            extreme.event_time_ms = extreme.event_time_ms.min(time);
            stretch(&mut extreme, mg, number);
            let verified = sign(extreme, &key_of(&record.author));
            if let Ok(change) = world.decide(&verified) {
                let undo = world.custody.commit(change);
                let _ = world.custody.state_root();
                world.custody.undo(undo);
            }
            let _ = world.tell(line);
        }
    }

    /// A store may hold anything.
    #[test]
    fn arbitrary_pairs_never_panic(pairs in prop::collection::vec((prop::collection::vec(any::<u8>(), 0..12), prop::collection::vec(any::<u8>(), 0..120)), 0..20), tag in any::<u8>()) {
        let _ = Custody::load(ORIGIN, pairs.clone(), Vec::new());
        let tagged = pairs.into_iter().map(|(mut key, value)| {
            key.insert(0, b"LSKROGWBCD"[usize::from(tag) % 10]);
            (key, value)
        });
        let _ = Custody::load(ORIGIN, tagged, vec![[0; 32]; 3]);
    }
}

fn stretch(record: &mut Record, mg: u64, number: u32) {
    use ore_record::v1::record::Event;
    let stretch_mass = |mass: &mut Option<ore_record::v1::Mass>| {
        if let Some(mass) = mass {
            mass.dry_mg = mg;
        }
    };
    match &mut record.event {
        Some(Event::Commission(event)) => {
            if let Some(lot) = &mut event.lot {
                stretch_mass(&mut lot.mass);
            }
        }
        Some(Event::Transform(event)) => {
            event
                .outputs
                .iter_mut()
                .filter_map(|output| output.lot.as_mut())
                .for_each(|lot| stretch_mass(&mut lot.mass));
            event.losses.iter_mut().for_each(|loss| {
                loss.mg = mg;
                loss.element = number % 200;
            });
        }
        Some(Event::Ship(event)) => {
            event.expires_ms = mg;
            event.lots.iter_mut().for_each(|lot| stretch_mass(&mut lot.mass));
        }
        Some(Event::Accept(event)) => event.lots.iter_mut().for_each(|lot| stretch_mass(&mut lot.mass)),
        Some(Event::Dispose(event)) => stretch_mass(&mut event.mass),
        _ => {}
    }
}
