//! What a lot costs in memory, counted by the allocator, in a state that was taken up as a start does.

use std::alloc::System;

use ore_custody::Custody;
use stats_alloc::{INSTRUMENTED_SYSTEM, StatsAlloc};
use world::{ORIGIN, World};

#[path = "it/world/mod.rs"]
#[allow(dead_code, unreachable_pub, reason = "the stories need more of it")]
mod world;

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// Bytes that are allocated now.
fn allocated() -> i64 {
    let stats = ALLOCATOR.stats();
    stats.bytes_allocated as i64 - stats.bytes_deallocated as i64
}

/// Bytes that the state of a world takes up once it is loaded, and what it says of its parts.
fn loaded_bytes(world: &World) -> (i64, i64) {
    let ids: Vec<_> = world.log.iter().map(|record| *record.id().as_bytes()).collect();
    let ids_bytes = 32 * ids.len() as i64;
    let before = allocated();
    let mut loaded = Custody::load(ORIGIN, world.pairs.iter(), ids).expect("what was written");
    assert_eq!(loaded.state_root(), world.custody.clone().state_root());
    // The ids were there before and belong to the state now.
    let counted = allocated() - before + ids_bytes;
    (counted, loaded.bytes_by_kind().iter().map(|(_, bytes)| *bytes as i64).sum())
}

/// A lot and a record each have their share: 80 bytes for a lot of either kind (whole, or sent on with a little missing
/// and used up), 50 for a record, of which its id is 32. Small tables are emptier than large ones, which is counted in.
#[test]
fn a_lot_and_its_records_take_few_bytes() {
    const CHAINS: u32 = 1500;
    let (lot, record) = (80, 50);
    let mut world = World::new();
    let (fixed, fixed_said) = loaded_bytes(&world);
    for n in 0..CHAINS {
        for line in [
            format!("mine commissions N{n} 5kg Ta {}%", 20 + n / 100),
            format!("mine ships N{n} to refiner"),
            format!("refiner receives N{n} {}g", 4_999 - n % 9),
            format!("refiner transforms N{n} {}g into R{n} 2kg Ta 40%", 4_999 - n % 9),
        ] {
            world.tell(&line).unwrap_or_else(|refused| panic!("{line}: {refused}"));
        }
    }
    let (counted, said) = loaded_bytes(&world);
    let most = i64::from(CHAINS) * (2 * lot + 4 * record);
    assert!(counted - fixed <= most, "{} bytes, at most {most}", counted - fixed);
    // What it says of itself is most of what the allocator counts, so that nothing large goes untold.
    assert!(
        (said - fixed_said) * 10 >= (counted - fixed) * 9,
        "{} of {}",
        said - fixed_said,
        counted - fixed
    );
}
