//! Another build of the program takes over: one node after the other while records flow, and on folders that either build
//! has written. Then the members vote for the newer one's rules, and the older one begins no more.

use std::{
    path::PathBuf,
    sync::{Arc, atomic::Ordering},
    time::Instant,
};

use crate::{
    callers::Callers,
    chaos::{agree, more},
    four::{Four, MEMBERS},
    load::Load,
    process::NodeProcess,
    world::{World, command_of, oreledger, say, turn, until, words},
};

/// The program that is replaced: of an older commit that speaks to this one.
fn older(test: &str) -> Option<PathBuf> {
    let Some(path) = std::env::var_os("ORELEDGER_OLDER").map(PathBuf::from) else {
        say(&format!(
            "{test}: LEFT OUT, ORELEDGER_OLDER names no older program; `bash .ci/older` builds one and says its path"
        ));
        return None;
    };
    let read = |path: &std::path::Path| std::fs::read(path).expect("a program");
    let ours = PathBuf::from(oreledger().get_program());
    assert!(read(&path) != read(&ours), "{} is the program under test itself", path.display());
    Some(path)
}

/// Waits until a node holds what another holds now.
fn caught_up(node: &NodeProcess, other: &NodeProcess) {
    let entries = |node: &NodeProcess| node.metric("ledger_integrated_entries");
    let goal = entries(other).expect("a number");
    until("the node has caught up", || (entries(node)? >= goal).then_some(()));
}

#[tokio::test(flavor = "multi_thread")]
async fn four_nodes_get_another_build_one_after_the_other_while_records_flow() {
    let _turn = turn().await;
    let Some(older) = older("upgrade") else { return };
    let started = Instant::now();
    let four = Arc::new(Four::on_loopback());
    let callers = Callers::new(&four);
    let mut nodes: Vec<_> = (0..4).map(|n| four.spawn_by(command_of(&older), n)).collect();
    for (n, node) in nodes.iter_mut().enumerate() {
        node.wait_until_up().unwrap_or_else(|why| panic!("{} does not start: {why}", MEMBERS[n]));
        callers.learn(n, node);
    }
    let calling = callers.start();
    more(&callers, 50).await;
    for n in 0..4 {
        nodes[n].stop_in_order();
        // Three are enough.
        more(&callers, 20).await;
        nodes[n] = four.start(n);
        callers.learn(n, &nodes[n]);
        caught_up(&nodes[n], &nodes[(n + 1) % 4]);
        more(&callers, 50).await;
        assert_eq!(nodes[n].metric("ledger_rules_version"), Some(1), "the rules stay until the members vote");
    }
    let retries = callers.retries.load(Ordering::Relaxed);

    // All run the new build: now its rules can begin.
    for record in four.vote(2) {
        callers.until_answered(&record).await;
    }
    for node in &nodes {
        until("the second rules", || (node.metric("ledger_rules_version") == Some(2)).then_some(()));
    }
    // One of them is silent for a while under the new rules.
    nodes[2].kill();
    more(&callers, 50).await;
    nodes[2] = four.start(2);
    callers.learn(2, &nodes[2]);
    more(&callers, 50).await;
    callers.end(calling).await;
    let size = agree(&four, &callers, nodes);
    say(&format!(
        "upgrade: four nodes by another build one after the other under load, then by its rules; {} records \
         acknowledged, {retries} retries until all had it, one log of {size} entries; {:.1} s",
        callers.acknowledged(),
        started.elapsed().as_secs_f64()
    ));
}

#[tokio::test(flavor = "multi_thread")]
async fn either_build_goes_on_with_a_folder_of_the_other_until_the_rules_are_too_new_for_it() {
    let _turn = turn().await;
    let Some(older) = older("folders of two builds") else { return };
    let older = || command_of(&older);
    let world = Arc::new(World::new());
    let load = Load::new(Arc::clone(&world));
    // Written by the older, the newer, the older and the newer build, each after the other has checked all of it.
    for (life, ours) in [false, true, false, true].into_iter().enumerate() {
        let (runs, checks) = if ours { (oreledger(), older()) } else { (older(), oreledger()) };
        let mut node = NodeProcess::spawn_by(runs, &world);
        node.wait_until_up().unwrap_or_else(|why| panic!("life {life}: {why}"));
        let log = node.log();
        assert!(life == 0 || log.contains("\"replayed_blocks\":0"), "nothing is made again: {log}");
        if life == 0 {
            load.begin(&node.url()).await;
        }
        load.ask_again(&node.url()).await;
        let calling = load.start(&node.url()).await;
        load.wait_for(load.acknowledged(), 200).await;
        load.pause(calling).await;
        load.prove(&node.url()).await;
        node.stop();
        let mut checks = checks;
        let report = checks.arg("fsck").arg(world.node()).output().expect("the program runs");
        assert!(
            report.status.success() && words(&report).contains("CLEAN"),
            "life {life}: {}",
            words(&report)
        );
    }

    let node = NodeProcess::start(&world);
    let vote = oreledger()
        .args(["change-validators", "--rules", "2", "--as", "mine", "--yes"])
        .args(["--ledger", &node.url()])
        .arg("--home")
        .arg(world.node())
        .output()
        .expect("the program runs");
    assert!(vote.status.success(), "{}", words(&vote));
    let calling = load.start(&node.url()).await;
    load.wait_for(load.acknowledged(), 200).await;
    load.pause(calling).await;
    assert_eq!(node.metric("ledger_rules_version"), Some(2));
    node.stop();
    let refused = NodeProcess::spawn_by(older(), &world).wait_until_up().expect_err("it knows no such rules");
    say(&format!("folders of two builds: the older one says: {}", refused.trim()));
    let node = NodeProcess::start(&world);
    load.ask_again(&node.url()).await;
    load.prove(&node.url()).await;
    node.stop();
    world.assert_clean(&[], "after a program that was too old has looked at it");
}
