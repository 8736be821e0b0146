//! Four organisations found a ledger, each with its own keys; one leaves; who has the first trust root follows offline.

use std::{
    net::{Ipv4Addr, TcpListener},
    path::{Path, PathBuf},
};

use crate::{
    process::NodeProcess,
    world::{oreledger, turn, words},
};

const ORIGIN: &str = "ledger.example/ceremony";
const FOUNDERS: [(&str, &str); 4] = [
    ("refiner-a", "EE:refiner"),
    ("smelter-b", "JP:refiner"),
    ("fab-c", "US:manufacturer"),
    ("assay-d", "GB:laboratory"),
];

/// The folders of all organisations, which in life are on as many machines.
struct Ceremony(tempfile::TempDir);

impl Ceremony {
    fn at(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// A command that must succeed; what it printed for programs.
    fn run(&self, arguments: &[&str]) -> String {
        let output =
            oreledger().current_dir(self.0.path()).args(arguments).output().expect("the program runs");
        assert!(output.status.success(), "{arguments:?}: {}", words(&output));
        String::from_utf8(output.stdout).expect("text").trim().to_owned()
    }

    /// The same by a member, at its own node.
    fn by(&self, member: &str, node: &NodeProcess, arguments: &[&str]) -> String {
        let url = node.url();
        let mut all = vec!["--home", member, "--as", member, "--ledger", &url];
        all.extend_from_slice(arguments);
        self.run(&all)
    }

    fn part(member: &str) -> String {
        format!("{member}/{member}.part")
    }
}

fn free_address() -> String {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("loopback has room");
    listener.local_addr().expect("bound").to_string()
}

fn found() -> (Ceremony, Vec<String>) {
    let ceremony = Ceremony(tempfile::tempdir().expect("a temporary directory"));
    let peers: Vec<String> = FOUNDERS.iter().map(|_| free_address()).collect();
    for ((member, what), peer) in FOUNDERS.iter().zip(&peers) {
        let founder = format!("{member}:{what}:{member} Ltd");
        let named = ["--origin", ORIGIN, "--founder", &founder, "--peer-address", peer];
        ceremony.run(&[&["found", "prepare", member, "--unencrypted"][..], &named].concat());
    }
    let parts = FOUNDERS.map(|(member, _)| Ceremony::part(member));
    let mut gather = vec!["found", "gather", "public", "--own", FOUNDERS[0].0, "--origin", ORIGIN];
    gather.extend(parts.iter().map(String::as_str));
    ceremony.run(&gather);
    (ceremony, peers)
}

fn start(ceremony: &Ceremony, peers: &[String]) -> Vec<NodeProcess> {
    let start = |((member, _), peer): (&(&str, &str), &String)| {
        let any = "127.0.0.1:0";
        let listen = ["--listen", any, "--admin-listen", any, "--peer-listen", peer];
        ceremony.run(&[&["found", "install", member, "--from", "public"][..], &listen].concat());
        NodeProcess::spawn_at(oreledger(), &ceremony.at(member).join("node.toml"))
    };
    let mut nodes: Vec<_> = FOUNDERS.iter().zip(peers).map(start).collect();
    for node in &mut nodes {
        node.wait_until_up().expect("it starts");
    }
    nodes
}

/// Offline, with the trust root of the first day and nothing that a node said since but these files.
fn verified(ceremony: &Ceremony, file: &Path, handovers: Option<&Path>) -> Option<i32> {
    let mut command = oreledger();
    command.arg("verify").arg(file).arg("--trust").arg(ceremony.at("public/consortium.toml"));
    if let Some(handovers) = handovers {
        command.arg("--handovers").arg(handovers);
    }
    command.output().expect("the program runs").status.code()
}

#[tokio::test(flavor = "multi_thread")]
async fn four_organisations_found_a_ledger_one_leaves_and_outsiders_follow() {
    let _turn = turn().await;
    let (ceremony, peers) = found();
    let nodes = start(&ceremony, &peers);
    let place =
        ["--latitude", "59.4", "--longitude", "27.7", "--country", "EE", "--kind", "refinery", "--yes"];
    let register = |id| [&["facility", "register", id, "--name", "Plant"][..], &place].concat();
    let first = ceremony.by("refiner-a", &nodes[0], &register("refiner-a/plant"));
    ceremony.by("smelter-b", &nodes[1], &["receipt", &first, "--out", "first.tlog-proof"]);

    let parts = [0, 1, 2].map(|n| Ceremony::part(FOUNDERS[n].0));
    let mut change = vec!["change-validators", "--yes"];
    change.extend(parts.iter().map(String::as_str));
    let proposal = ceremony.by("refiner-a", &nodes[0], &change);
    for n in [1, 2] {
        ceremony.by(FOUNDERS[n].0, &nodes[n], &["approve", &proposal, "--yes"]);
    }
    let second = ceremony.by("refiner-a", &nodes[0], &register("refiner-a/second-plant"));
    ceremony.by("fab-c", &nodes[2], &["receipt", &second, "--out", "second.tlog-proof"]);
    let shown = (0..200).any(|_| {
        ceremony.by("fab-c", &nodes[2], &["handovers", "--out", "handovers.txt"]);
        let text = std::fs::read_to_string(ceremony.at("handovers.txt")).expect("written");
        !text.is_empty()
    });
    assert!(shown, "the three have not taken over: {}", nodes[2].log());

    let (first, second) = (ceremony.at("first.tlog-proof"), ceremony.at("second.tlog-proof"));
    let handovers = ceremony.at("handovers.txt");
    assert_eq!(verified(&ceremony, &first, None), Some(0));
    assert_eq!(verified(&ceremony, &first, Some(&handovers)), Some(0), "old receipts stay good");
    assert_eq!(verified(&ceremony, &second, Some(&handovers)), Some(0));
    let text = std::fs::read_to_string(&handovers).expect("written");
    assert_eq!(text.matches("oreledger handover v1").count(), 1);
    let forged = ceremony.at("forged.txt");
    std::fs::write(&forged, text.replacen("roster ", "roster 1", 1)).expect("writable");
    assert_eq!(verified(&ceremony, &second, Some(&forged)), Some(3), "a forged handover is refused");
    for node in nodes {
        node.stop();
    }
}
