//! Many worlds, and the same world again.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::Instant,
};

use ore_record::rules::Rules;

use crate::{
    invariants,
    plan::Plan,
    story::{Report, live},
};

/// How many seeds are run when nobody says otherwise.
const SEEDS: u64 = 200;

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|text| text.parse().expect("a number in the environment"))
}

/// What is wrong in the world of a plan, with the command that shows it again.
pub(crate) fn wrong(plan: &Plan) -> (Option<Report>, Vec<String>) {
    match catch_unwind(AssertUnwindSafe(|| live(plan))) {
        Ok(report) => {
            let broken = invariants::broken(&report);
            let lines = broken.into_iter().map(|(name, why)| format!("{name}: {why}")).collect();
            (Some(report), lines)
        }
        Err(panic) => {
            let text = panic.downcast_ref::<String>().cloned();
            let text = text.or_else(|| panic.downcast_ref::<&str>().map(ToString::to_string));
            (None, vec![format!("panicked: {}", text.unwrap_or_default())])
        }
    }
}

fn replay(seed: u64) -> String {
    format!("ORELEDGER_SIM_SEED={seed} cargo test -p ore-tests --test sim one_seed -- --nocapture")
}

#[test]
fn whatever_happens_the_invariants_hold() {
    let (first, count) =
        (number("ORELEDGER_SIM_FIRST").unwrap_or(0), number("ORELEDGER_SIM_SEEDS").unwrap_or(SEEDS));
    let (next, failed) = (AtomicU64::new(first), Mutex::new(Vec::new()));
    let totals = Mutex::new((0_u64, 0_u64, 0_u64, 0_u64));
    let began = Instant::now();
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= first + count {
                        return;
                    }
                    let (report, wrong) = wrong(&Plan::of(seed));
                    if !wrong.is_empty() {
                        eprintln!("seed {seed}: {}\n  {}", wrong.join("; "), replay(seed));
                        failed.lock().expect("nothing panics there").push(seed);
                    }
                    if let Some(report) = report {
                        let mut totals = totals.lock().expect("nothing panics there");
                        totals.0 += report.decided().len() as u64 - 1;
                        totals.1 += report.acks().len() as u64;
                        totals.2 += report.frames;
                        totals.3 += report.virtual_ms;
                    }
                }
            });
        }
    });
    let (blocks, acks, frames, virtual_ms) = totals.into_inner().expect("nothing panics there");
    println!(
        "{count} seeds in {:.1?}: {blocks} blocks, {acks} records acknowledged, {frames} frames, {} s of virtual time",
        began.elapsed(),
        virtual_ms / 1000
    );
    let failed = failed.into_inner().expect("nothing panics there");
    assert!(failed.is_empty(), "seeds {failed:?} failed; the first again: {}", replay(failed[0]));
    assert!(acks > count, "programs got answers");
}

/// Without a seed in the environment, the first; with one, it is told.
#[test]
fn one_seed() {
    let asked = number("ORELEDGER_SIM_SEED");
    let plan = Plan::of(asked.unwrap_or(0));
    if asked.is_some() {
        eprintln!("{plan}");
    }
    // The engine's own dice are not ours: a failure that needs them may take some lives to come again.
    let lives = number("ORELEDGER_SIM_AGAIN").unwrap_or(1);
    let (mut report, mut wrong_here) = wrong(&plan);
    for _ in 1..lives {
        if wrong_here.is_empty() {
            (report, wrong_here) = wrong(&plan);
        }
    }
    let wrong = wrong_here;
    if let Some(report) = report.filter(|_| asked.is_some()) {
        eprintln!(
            "  {} blocks, {} acknowledged, {} refused as contested, {} asked again, healed at height {}",
            report.decided().len() - 1,
            report.acks().len(),
            report.known.rejected,
            report.known.retries,
            report.healed_at
        );
        for holding in &report.honest {
            let journal = &holding.journal;
            eprintln!(
                "  {}: {} blocks, voted against {}, accused {:?}, failures {:?}",
                holding.member,
                holding.blocks.len() - 1,
                journal.refused,
                journal.accused,
                journal.failures
            );
        }
    }
    assert!(wrong.is_empty(), "{}\n{}", wrong.join("\n"), replay(plan.seed));
}

#[test]
fn the_same_seed_gives_the_same_blocks() {
    for seed in 0..3 {
        let (one, other) = (live(&Plan::calm(seed)), live(&Plan::calm(seed)));
        assert!(one.decided().len() > 5, "something was decided");
        assert_eq!(one.decided(), other.decided(), "seed {seed}");
    }
    assert_ne!(live(&Plan::calm(1)).decided(), live(&Plan::calm(2)).decided());
}

#[test]
fn members_that_vote_for_other_rules_go_on_by_them() {
    for seed in [4, 8] {
        let mut plan = Plan::calm(seed);
        plan.votes_ms = Some(1_500);
        let report = live(&plan);
        assert_eq!(invariants::broken(&report), []);
        for holding in &report.honest {
            let (first, last) =
                (holding.blocks.first().expect("genesis"), holding.blocks.last().expect("more"));
            assert_eq!((first.rules, last.rules), (Rules::V1, Rules::NEWEST), "{}", holding.member);
            assert!(last.term > 1, "and the set that decides by them began anew");
        }
    }
}
