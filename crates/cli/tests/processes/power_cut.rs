//! The power is cut while the node writes: what was never synced is gone, what was acknowledged is there.
//!
//! The node's data lies on an ext4 image. A cut aborts the file system, so no dirty page reaches the image
//! any more; the image is copied as it is, the copy is mounted (the journal is replayed) and the node goes on
//! from it. A canary that is written and never synced shows that the cut cuts.
//!
//! Two limits. A device that loses what it was told to flush is not shown. And an fdatasync that is under way
//! while ext4 aborts may return success although its journal commit was dropped, which a real power cut cannot
//! do since nobody lives to see it: so only what was acknowledged before the cut began must be there, and how
//! much else is not is printed.

use std::{
    io::Write,
    sync::Arc,
    time::{Duration, Instant},
};

use crate::{
    image::Image,
    load::{self, Load},
    process::NodeProcess,
    world::{Dice, World, say, setting, turn},
};

const CUTS: u64 = 10;
/// Log segment reserved ahead, sled, and the journal.
const IMAGE_MIB: u64 = 96;

#[tokio::test(flavor = "multi_thread")]
async fn after_a_power_cut_every_acknowledged_record_is_on_the_medium() {
    let _turn = turn().await;
    let started = Instant::now();
    let world = Arc::new(World::new());
    let image = Image::make("power cut", world.beside("image-0"), IMAGE_MIB, &world.data());
    // sync_trace.rs shows there, without root, that each acknowledgement follows an fdatasync.
    let Some(mut image) = image else { return };
    let mut dice = Dice::cast("power cut");
    let cuts = setting("ORELEDGER_CUTS", CUTS);
    let load = Load::new(Arc::clone(&world));
    let (mut lost_canaries, mut unsure, mut gone) = (0, u64::MAX, 0);
    for cut in 1..=cuts {
        let mut node = NodeProcess::start(&world);
        if cut == 1 {
            load.begin(&node.url()).await;
        }
        gone += load.settle(&node.url(), unsure).await;
        load.ask_again(&node.url()).await;
        let canary = world.data().join(format!("canary-{cut}"));
        let mut canary_file = std::fs::File::create(&canary).expect("writable");
        canary_file.write_all(&[0xca; 4096]).expect("room");
        let callers = load.start(&node.url()).await;
        load.wait_for(load.acknowledged(), 1 + dice.roll(200)).await;
        tokio::time::sleep(Duration::from_micros(dice.roll(15_000))).await;
        unsure = load.newest().0 + 1;
        image.cut_power();
        if dice.roll(2) == 0 {
            // A node whose disk is gone must end by itself.
            let status = tokio::task::block_in_place(|| node.wait());
            assert_ne!(status.code(), Some(0), "a node that cannot write has not ended well");
        } else {
            node.kill();
        }
        load::end(callers).await;
        drop(canary_file);
        drop(node);
        image.replace_by_copy(world.beside(&format!("image-{cut}")));
        let kept = std::fs::read(&canary).unwrap_or_default();
        lost_canaries += u64::from(!kept.contains(&0xca));
        world.assert_clean(&["--after-crash"], &format!("after cut {cut}"));
    }
    assert!(lost_canaries > 0, "no cut lost anything: this was no power cut");
    let node = NodeProcess::start(&world);
    gone += load.settle(&node.url(), unsure).await;
    load.ask_again(&node.url()).await;
    load.prove(&node.url()).await;
    node.stop();
    world.assert_clean(&[], "after an orderly stop");
    image.unmount();
    say(&format!(
        "power cut: {cuts} cuts, {lost_canaries} lost what was not synced; {} records acknowledged, all there with \
         receipts but for {gone} answered while the power went; {:.1} s",
        load.acknowledged(),
        started.elapsed().as_secs_f64()
    ));
}
