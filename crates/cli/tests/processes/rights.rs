//! Who may read, on the command line: a key, a token, a share link, and the next step for who has none.

use std::process::Output;

use ore_client::{Identity, Ledger, Memory};
use ore_wire::v1::Stage;

use crate::{
    process::NodeProcess,
    world::{ORIGIN, World, oreledger, turn, words},
};

/// A command against a node, from a folder that holds the trust root and nothing else.
fn stranger(world: &World, node: &NodeProcess, arguments: &[&str]) -> Output {
    let home = world.beside("stranger");
    std::fs::create_dir_all(&home).expect("writable");
    std::fs::copy(world.node().join("consortium.toml"), home.join("consortium.toml")).expect("writable");
    let mut command = oreledger();
    command.arg("--home").arg(home).args(["--ledger", &node.url()]).args(arguments);
    command.output().expect("the program runs")
}

fn mine(world: &World, node: &NodeProcess, arguments: &[&str]) -> String {
    let mut command = oreledger();
    command.arg("--home").arg(world.node()).args(["--ledger", &node.url(), "--as", "mine"]).args(arguments);
    let output = command.output().expect("the program runs");
    assert!(output.status.success(), "{arguments:?}: {}", words(&output));
    String::from_utf8(output.stdout).expect("text").trim().to_owned()
}

fn refused(output: &Output, hint: &str) {
    let said = words(output);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("hint: ") && said.contains(hint), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_a_token_or_a_link_is_needed_and_a_stranger_is_told_so() {
    let _turn = turn().await;
    let world = World::new();
    let node = NodeProcess::start(&world);
    let memory = Memory::open(&world.beside("newest.checkpoint"), ORIGIN).expect("nothing remembered");
    let ledger = Ledger::connect_as(&node.url(), world.trust(), memory, Identity::Nobody).await;
    let ledger = ledger.expect("handing in needs no token");
    let lot = world.commission();
    for record in [world.site(), lot.clone()] {
        ledger.submit(&record, Stage::Published).await.expect("accepted");
    }
    let lot = crate::world::lot_of(&lot);

    refused(&stranger(&world, &node, &["lot", "list"]), "--as MEMBER");
    assert!(mine(&world, &node, &["lot", "list"]).contains(&lot));
    let token = mine(&world, &node, &["token"]);
    let listed = stranger(&world, &node, &["lot", "list", "--token", &token]);
    assert!(listed.status.success(), "{}", words(&listed));
    refused(&stranger(&world, &node, &["lot", "list", "--token", &token[1..]]), "clock");

    let link = mine(&world, &node, &["share", &lot, "--days", "1"]);
    assert!(link.starts_with(&format!("{}/share/", node.url())), "{link}");
    let bundle = world.beside("shared.orebundle").display().to_string();
    let fetch = ["bundle", &lot, "--element", "Ta", "--token", &link, "--out", &bundle];
    let fetched = stranger(&world, &node, &fetch);
    assert!(fetched.status.success(), "{}", words(&fetched));
    let checked = stranger(&world, &node, &["verify", &bundle]);
    assert!(checked.status.success(), "{}", words(&checked));
    refused(&stranger(&world, &node, &["lot", "list", "--token", &link]), "share link");
    let all = world.beside("all.jsonl").display().to_string();
    refused(&stranger(&world, &node, &["export", &all, "--token", &link]), "share link");
    node.stop();
}
