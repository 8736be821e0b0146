//! A node that is killed: every acknowledged record is there afterwards, and it goes on by itself.
//!
//! The node runs in a process of its own, which is this test program again.

use std::{
    path::Path,
    process::{Child, Command, Stdio},
};

use ore_node::{Config, Shutdown};
use ore_record::SignedRecord;

use crate::world::{World, channel, commission, start, until};

const DIR: &str = "ORE_NODE_TEST_DIR";

/// Not a statement by itself: the body of the child process of the test below.
#[test]
fn child_process() {
    let Some(dir) = std::env::var_os(DIR) else { return };
    let dir = Path::new(&dir);
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    runtime.block_on(async {
        let config = Config::load(&dir.join("node.toml")).expect("written by install");
        let node = ore_node::Node::start(config, Shutdown::new()).await.expect("starts");
        std::fs::write(dir.join("address.tmp"), node.member_addr().to_string()).expect("writable");
        std::fs::rename(dir.join("address.tmp"), dir.join("address")).expect("writable");
        node.wait().await.expect("killed before it ends");
    });
}

fn spawn(dir: &Path) -> Child {
    let _ = std::fs::remove_file(dir.join("address"));
    Command::new(std::env::current_exe().expect("this program"))
        .args(["--exact", "crash::child_process", "--nocapture"])
        .env(DIR, dir)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("a process")
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_kill_under_load_every_acknowledged_record_is_there() {
    let world = World::new();
    let dir = world.dir.path();
    let mut acknowledged: Vec<SignedRecord> = Vec::new();
    for round in 0..4_u64 {
        let mut child = spawn(dir);
        let address = until("the child listens", async || std::fs::read_to_string(dir.join("address")).ok());
        let channel = channel(&format!("http://{}", address.await)).await;
        let client = ore_wire::v1::submission_service_client::SubmissionServiceClient::new(channel);
        let mut callers = Vec::new();
        for caller in 0..4_u64 {
            let mut client = client.clone();
            callers.push(tokio::spawn(async move {
                let mut done = Vec::new();
                for number in 0..10_000 {
                    let record = commission(round * 1_000_000 + caller * 100_000 + number, 10);
                    let request =
                        ore_wire::v1::SubmitRequest { entry: record.entry().into(), wait: 0, promise: false };
                    match client.submit(request).await {
                        Ok(_) => done.push(record),
                        Err(_) => break,
                    }
                }
                done
            }));
        }
        // Killed in the middle of whatever it is doing, a little later each round.
        tokio::time::sleep(std::time::Duration::from_millis(150 + 70 * round)).await;
        child.kill().expect("killed");
        child.wait().expect("gone");
        for caller in callers {
            acknowledged.extend(caller.await.expect("a caller"));
        }
    }
    assert!(!acknowledged.is_empty(), "the load was acknowledged in part");
    let node = start(world.config()).await;
    let custody = node.node.ledger().custody.read().await;
    for record in &acknowledged {
        assert!(custody.leaf_of(&record.id()).is_some(), "an acknowledged record is gone");
    }
    drop(custody);
    node.publish(&commission(99_999_999, 10)).await;
    node.stop().await;
}
