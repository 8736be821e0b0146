//! SIGTERM and SIGINT: an orderly end under load, exit code 0, and a second start with nothing to repair.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use crate::{
    load::{self, Load},
    process::NodeProcess,
    world::{World, say, turn},
};

/// `stop_s` is 10 by default; the process itself needs a moment more.
const BOUND: Duration = Duration::from_secs(12);

#[tokio::test(flavor = "multi_thread")]
async fn told_to_stop_under_load_it_answers_what_it_took_and_ends_with_zero() {
    let _turn = turn().await;
    let world = Arc::new(World::new());
    let load = Load::new(Arc::clone(&world));
    for (round, name) in ["TERM", "INT", "TERM"].into_iter().enumerate() {
        let mut node = NodeProcess::start(&world);
        assert!(!node.log().contains("torn tail"), "an orderly end leaves no torn tail: {}", node.log());
        if round == 0 {
            load.begin(&node.url()).await;
        }
        load.ask_again(&node.url()).await;
        let callers = load.start(&node.url()).await;
        load.wait_for(load.acknowledged(), 100).await;
        let asked = Instant::now();
        node.signal(name);
        let status = tokio::task::block_in_place(|| node.wait());
        let took = asked.elapsed();
        load::end(callers).await;
        assert_eq!(status.code(), Some(0), "SIG{name}: {}", node.log());
        assert!(took < BOUND, "SIG{name} took {took:?}");
        // Without allowances for a crash.
        world.assert_clean(&[], &format!("after SIG{name}"));
        say(&format!("stop: SIG{name} under load ended in {} ms", took.as_millis()));
    }
    let node = NodeProcess::start(&world);
    load.prove(&node.url()).await;
    let log = node.log();
    assert!(log.contains("\"replayed_blocks\":0"), "nothing was left to catch up: {log}");
    node.stop();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_process_is_kept_out_and_says_why() {
    let _turn = turn().await;
    let world = World::new();
    let node = NodeProcess::start(&world);
    let refused = NodeProcess::spawn(&world).wait_until_up().expect_err("the ledger is open already");
    assert!(refused.contains("is open in another process") && refused.contains("hint:"), "{refused}");
    node.stop();
}
