//! A member that decides alone.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use ore_consensus::{EngineError, EngineState, Stall, Transport, WalError};
use tokio::sync::watch;

use crate::ledger::{Disk, ORIGIN, PATIENCE, Setup, entry, kill, reaches, spawn, start};

fn alone(work_until: &watch::Sender<u64>, salt: u64) -> Setup {
    Setup {
        members: vec!["smelter".into()],
        alone_until: 0,
        size: 64,
        work_until: work_until.subscribe(),
        salt,
        ignores: None,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn it_commits_blocks_idles_without_work_and_stops_when_asked() {
    let folder = tempfile::tempdir().unwrap();
    let disk = Arc::new(Disk::default());
    let (work, _) = watch::channel(20);
    let node = spawn("smelter", folder.path(), &alone(&work, 1), &disk, Transport::lone).await;
    reaches(&node, 20).await;
    let idle = |state: &EngineState| *state == EngineState::Idle;
    let mut progress = node.engine.progress();
    tokio::time::timeout(PATIENCE, progress.wait_for(|now| idle(&now.state))).await.unwrap().unwrap();
    assert_eq!(disk.tip(), 20);
    // Nothing was signed outside, so the log was never flushed.
    assert_eq!(node.engine.progress().borrow().log_syncs, 0);
    work.send(21).unwrap();
    reaches(&node, 21).await;
    tokio::time::timeout(PATIENCE, node.engine.shutdown()).await.unwrap();
    assert_eq!(node.engine.progress().borrow().state, EngineState::Stopped);
    let toy = node.driver.await.unwrap().unwrap();
    assert_eq!(toy.disk.tip(), 21);
    for (height, (_, certificate)) in disk.blocks.lock().unwrap().iter() {
        assert_eq!(certificate.height, *height);
        certificate.verify(ORIGIN, &[entry("smelter")]).unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_at_any_moment_it_goes_on_where_the_ledger_ends() {
    let folder = tempfile::tempdir().unwrap();
    let disk = Arc::new(Disk::default());
    let (work, _) = watch::channel(u64::MAX);
    let mut before = 0;
    for salt in 0..12 {
        let node = spawn("smelter", folder.path(), &alone(&work, salt), &disk, Transport::lone).await;
        reaches(&node, before + 1 + salt % 3).await;
        kill(node).await;
        before = disk.tip();
    }
    let ids = disk.ids();
    assert_eq!(ids.len() as u64, disk.tip());
    let heights: Vec<_> = disk.blocks.lock().unwrap().keys().copied().collect();
    assert_eq!(heights, (1..=disk.tip()).collect::<Vec<_>>());
}

#[tokio::test(flavor = "multi_thread")]
async fn two_engines_never_share_a_log() {
    let folder = tempfile::tempdir().unwrap();
    let disk = Arc::new(Disk::default());
    let (work, _) = watch::channel(1);
    let setup = alone(&work, 1);
    let node = spawn("smelter", folder.path(), &setup, &disk, Transport::lone).await;
    let second = start("smelter", folder.path(), setup.toy(&disk), Transport::lone()).await;
    assert!(matches!(second, Err(EngineError::Wal(WalError::InUse { .. }))));
    node.engine.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_is_not_the_sets_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let (work, _) = watch::channel(1);
    let mut toy = alone(&work, 1).toy(&Arc::default());
    let mut wrong = entry("smelter");
    wrong.public_key = entry("refiner").public_key;
    toy.validators = Arc::new(move |_| vec![wrong.clone()]);
    let (engine, driver) = start("smelter", folder.path(), toy, Transport::lone()).await.unwrap();
    assert!(matches!(driver.run().await, Err(EngineError::OtherKey { .. })));
    let stall = engine.stalled(Duration::from_secs(60)).await;
    assert!(matches!(stall, Stall::Failed(_)), "{stall}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_watchdog_sees_a_height_that_does_not_end_but_no_idleness() {
    let folder = tempfile::tempdir().unwrap();
    let disk = Arc::new(Disk::default());
    let (work, _) = watch::channel(3);
    let node = spawn("smelter", folder.path(), &alone(&work, 1), &disk, Transport::lone).await;
    reaches(&node, 3).await;
    let idle =
        tokio::time::timeout(Duration::from_millis(200), node.engine.stalled(Duration::from_millis(50)))
            .await;
    assert!(idle.is_err(), "an idle engine is well: {idle:?}");
    node.engine.shutdown().await;

    // One of four cannot decide.
    let folder = tempfile::tempdir().unwrap();
    let members = ["a", "b", "c", "d"].map(String::from).to_vec();
    let setup =
        Setup { members, alone_until: 0, size: 64, work_until: work.subscribe(), salt: 1, ignores: None };
    let node = spawn("a", folder.path(), &setup, &Arc::default(), Transport::lone).await;
    let stall =
        tokio::time::timeout(PATIENCE, node.engine.stalled(Duration::from_millis(300))).await.unwrap();
    assert!(matches!(stall, Stall::NoProgress { height: 1, .. }), "{stall}");
    node.engine.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_ledger_that_cannot_commit_stops_the_engine_and_the_block_comes_again() {
    let folder = tempfile::tempdir().unwrap();
    let disk = Arc::new(Disk::default());
    let (work, _) = watch::channel(5);
    let node = spawn("smelter", folder.path(), &alone(&work, 1), &disk, Transport::lone).await;
    reaches(&node, 5).await;
    disk.full.store(true, Ordering::SeqCst);
    work.send(6).unwrap();
    let stall = tokio::time::timeout(PATIENCE, node.engine.stalled(PATIENCE)).await.unwrap();
    assert!(stall.to_string().contains("no space left on device"), "{stall}");
    assert!(matches!(node.driver.await.unwrap(), Err(EngineError::Application(_))));
    disk.full.store(false, Ordering::SeqCst);
    let node = spawn("smelter", folder.path(), &alone(&work, 2), &disk, Transport::lone).await;
    reaches(&node, 6).await;
    node.engine.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_shutdown_it_can_be_started_again_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let disk = Arc::new(Disk::default());
    let (work, _) = watch::channel(u64::MAX);
    for salt in 0..5 {
        let toy = alone(&work, salt).toy(&disk);
        let (engine, driver) = start("smelter", folder.path(), toy, Transport::lone()).await.unwrap();
        let driver = tokio::spawn(driver.run());
        let mut progress = engine.progress();
        let tip = disk.tip();
        let one_more = progress.wait_for(|now| now.committed > tip);
        tokio::time::timeout(PATIENCE, one_more).await.unwrap().unwrap();
        tokio::time::timeout(PATIENCE, engine.shutdown()).await.unwrap();
        drop(driver);
    }
}
