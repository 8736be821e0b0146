//! SIGKILL at random moments under load: what was acknowledged stays, and the node goes on by itself.

use std::{sync::Arc, time::Duration, time::Instant};

use crate::{
    load::{self, Load},
    process::NodeProcess,
    world::{Dice, World, say, setting, turn},
};

/// Kills without being asked for another number.
const KILLS: u64 = 50;
/// Most acknowledgements between a start and a kill.
const MOST_BETWEEN: u64 = 150;

#[tokio::test(flavor = "multi_thread")]
async fn a_node_killed_fifty_times_under_load_loses_nothing_and_goes_on_by_itself() {
    let _turn = turn().await;
    let started = Instant::now();
    let mut dice = Dice::cast("kill");
    let kills = setting("ORELEDGER_KILLS", KILLS);
    let world = Arc::new(World::new());
    let load = Load::new(Arc::clone(&world));
    let mut node = NodeProcess::start(&world);
    load.begin(&node.url()).await;
    let (mut early, mut checked) = (0, 0);
    for kill in 1..=kills {
        let callers = load.start(&node.url()).await;
        // A moment anywhere in the work: after some acknowledgement, and a little later.
        load.wait_for(load.acknowledged(), 1 + dice.roll(MOST_BETWEEN)).await;
        if dice.roll(4) == 0 {
            load.remember(&node.url()).await;
        }
        tokio::time::sleep(Duration::from_micros(dice.roll(15_000))).await;
        node.kill();
        load::end(callers).await;
        if dice.roll(8) == 0 {
            checked += 1;
            world.assert_clean(&["--after-crash"], &format!("after kill {kill}"));
        }
        // Now and then it is killed again while it recovers.
        while dice.roll(4) == 0 {
            early += 1;
            let mut recovering = NodeProcess::spawn(&world);
            tokio::time::sleep(Duration::from_micros(dice.roll(250_000))).await;
            recovering.kill();
        }
        node = NodeProcess::start(&world);
    }
    load.ask_again(&node.url()).await;
    load.prove(&node.url()).await;
    node.kill();
    world.assert_clean(&["--after-crash"], "after the last kill");
    NodeProcess::start(&world).stop();
    world.assert_clean(&[], "after an orderly stop");
    say(&format!(
        "kill: {kills} kills under load, {early} more during recovery, fsck after {checked} of them; {} records \
         acknowledged, all with receipts; {:.1} s",
        load.acknowledged(),
        started.elapsed().as_secs_f64()
    ));
}
