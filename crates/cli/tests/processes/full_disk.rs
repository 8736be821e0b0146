//! A full disk: a clear state and message, nothing acknowledged lost, and work goes on when space returns.

use std::{
    io::Write,
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};

use ore_wire::v1::submission_service_client::SubmissionServiceClient;

use crate::{
    image::Image,
    load::{self, Load},
    process::NodeProcess,
    world::{World, say, turn, until},
};

const IMAGE_MIB: u64 = 96;
/// Left free while records come in: less than the log reserves ahead, so that every block asks for room.
const NEARLY_NOTHING: usize = 12 << 20;
/// Longer than a batch for the view waits, so that the view too meets the full disk.
const FULL_FOR: Duration = Duration::from_secs(11);

/// Takes space for good, but for so many bytes.
fn take_all_but(folder: &Path, bytes: usize) {
    std::fs::write(folder.join("reserve"), vec![1; bytes]).expect("room for the reserve");
    take(folder, "settled");
    std::fs::remove_file(folder.join("reserve")).expect("it was written");
}

/// Takes all the space there is.
fn fill(folder: &Path) {
    take(folder, "ballast");
}

fn take(folder: &Path, name: &str) {
    let mut file = std::fs::OpenOptions::new()
        .create(true)
        .append(true)
        .open(folder.join(name))
        .expect("a name is left");
    for block in [1 << 20, 64 << 10, 4 << 10, 1 << 10] {
        let bytes = vec![2; block];
        while file.write_all(&bytes).is_ok() {}
        // What is written and has no place yet gives some back when it gets one.
        let _ = file.sync_data();
    }
}

fn make_room(folder: &Path) {
    std::fs::remove_file(folder.join("ballast")).expect("it was written");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_is_said_loses_nothing_and_ends_when_space_returns() {
    let _turn = turn().await;
    let started = Instant::now();
    let world = Arc::new(World::new());
    let Some(mut image) = Image::make("full disk", world.beside("image"), IMAGE_MIB, &world.data()) else {
        return;
    };
    let data = world.data();
    let load = begun(&world).await;
    let node = NodeProcess::start(&world);
    // A start gives back what was reserved; the next block would reserve it again.
    take_all_but(&data, NEARLY_NOTHING);
    assert_eq!(node.admin("/readyz"), (200, "ready\n".into()));
    // The disk fills up while records come in: short of room for different lengths of time.
    for full_for in [Duration::ZERO, FULL_FOR, Duration::ZERO] {
        let callers = load.start(&node.url()).await;
        load.wait_for(load.acknowledged(), 50).await;
        tokio::task::block_in_place(|| fill(&data));
        let (code, said) = until("readyz says that the disk is full", || {
            let (code, said) = node.admin("/readyz");
            (code != 200).then_some((code, said))
        });
        assert_eq!(code, 503);
        assert!(said.starts_with("disk_full:") && said.contains("no space left"), "{said}");
        assert_eq!(node.admin("/healthz").0, 200, "it lives");
        refused_with_the_reason(&world, &node.url()).await;
        // What was acknowledged is served meanwhile.
        load.read_something(&node.url()).await;
        tokio::time::sleep(full_for).await;
        assert!(load.put_off() > 0, "callers were told to come again");
        let acknowledged = load.acknowledged();
        make_room(&data);
        until("the node is ready again by itself", || (node.admin("/readyz").0 == 200).then_some(()));
        load.wait_for(acknowledged, 50).await;
        load.pause(callers).await;
    }
    load.ask_again(&node.url()).await;
    load.prove(&node.url()).await;
    node.stop();
    // The view may have met the full disk; it stands still then until the next start, and the log has everything.
    world.assert_clean(&["--after-crash"], "after an orderly stop");
    let node = NodeProcess::start(&world);
    load.ask_again(&node.url()).await;
    node.stop();
    world.assert_clean(&[], "after a second start");
    image.unmount();
    say(&format!(
        "full disk: three times; {} records acknowledged, {} answers \"not now\"; {:.1} s",
        load.acknowledged(),
        load.put_off(),
        started.elapsed().as_secs_f64()
    ));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_killed_on_a_full_disk_starts_again_or_says_why() {
    let _turn = turn().await;
    let world = Arc::new(World::new());
    let Some(mut image) = Image::make("full disk", world.beside("image"), IMAGE_MIB, &world.data()) else {
        return;
    };
    let data = world.data();
    let load = begun(&world).await;
    let mut node = NodeProcess::start(&world);
    // A start gives back what was reserved; the next block would reserve it again.
    take_all_but(&data, NEARLY_NOTHING);
    let callers = load.start(&node.url()).await;
    load.wait_for(load.acknowledged(), 50).await;
    tokio::task::block_in_place(|| fill(&data));
    until("the disk is full", || (node.admin("/readyz").0 == 503).then_some(()));
    node.kill();
    load::end(callers).await;
    let mut node = NodeProcess::spawn(&world);
    if let Err(why) = node.wait_until_up() {
        say(&format!(
            "full disk: a start on a full disk is refused: {}",
            why.lines().last().unwrap_or_default()
        ));
        assert!(why.contains("error: ") && why.contains("pace"), "it names what is missing: {why}");
        assert!(why.contains("hint: "), "{why}");
    }
    drop(node);
    make_room(&data);
    let node = NodeProcess::start(&world);
    load.ask_again(&node.url()).await;
    load.prove(&node.url()).await;
    node.stop();
    world.assert_clean(&["--after-crash"], "after an orderly stop");
    image.unmount();
}

/// A ledger that has been started and stopped, so that every file it needs is there.
async fn begun(world: &Arc<World>) -> Arc<Load> {
    let load = Load::new(Arc::clone(world));
    let node = NodeProcess::start(world);
    load.begin(&node.url()).await;
    load.read_something(&node.url()).await;
    node.stop();
    load
}

async fn refused_with_the_reason(world: &World, url: &str) {
    let mut client = SubmissionServiceClient::connect(url.to_owned()).await.expect("it listens");
    let request =
        ore_wire::v1::SubmitRequest { entry: world.commission().entry().into(), wait: 0, promise: false };
    let status = client.submit(request).await.expect_err("there is no room");
    assert_eq!(status.code(), tonic::Code::Unavailable, "{status:?}");
    assert!(status.message().contains("the disk of this node is full"), "{status:?}");
    let refusal = ore_wire::status::refusal(&status);
    assert!(
        matches!(refusal, ore_wire::status::Refusal::Later { .. }),
        "with a time to come again: {refusal:?}"
    );
}
