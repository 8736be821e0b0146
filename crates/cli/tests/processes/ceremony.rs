//! Four organisations found a ledger, each with its own keys; one leaves; who has the first trust root follows offline.
//! A fifth comes as an observer, becomes a member and decides.

use std::{
    net::{Ipv4Addr, TcpListener},
    path::{Path, PathBuf},
    process::Output,
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

    /// A command that must succeed.
    fn output(&self, arguments: &[&str]) -> Output {
        let output =
            oreledger().current_dir(self.0.path()).args(arguments).output().expect("the program runs");
        assert!(output.status.success(), "{arguments:?}: {}", words(&output));
        output
    }

    /// The same; what it printed for programs.
    fn run(&self, arguments: &[&str]) -> String {
        String::from_utf8(self.output(arguments).stdout).expect("text").trim().to_owned()
    }

    /// By a member, at its own node; what it printed for programs and for people.
    fn told(&self, member: &str, node: &NodeProcess, arguments: &[&str]) -> (String, String) {
        let url = node.url();
        let output =
            self.output(&[&["--home", member, "--as", member, "--ledger", &url][..], arguments].concat());
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("text").trim().to_owned();
        (text(output.stdout), text(output.stderr))
    }

    /// The same; what it printed for programs.
    fn by(&self, member: &str, node: &NodeProcess, arguments: &[&str]) -> String {
        self.told(member, node, arguments).0
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
        NodeProcess::spawn_at(oreledger(), &ceremony.at(member).join("node.toml"), &[])
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

const NEWCOMER: &str = "recycler-e";

/// The newcomer's keys, its lines in everybody's trust root, and its node, which nobody has admitted yet.
fn observe(ceremony: &Ceremony) -> NodeProcess {
    let peer = free_address();
    let founder = format!("{NEWCOMER}:JP:recycler:Recycler E");
    let prepared = ceremony.output(&[
        "found",
        "prepare",
        NEWCOMER,
        "--unencrypted",
        "--origin",
        ORIGIN,
        "--founder",
        &founder,
        "--peer-address",
        &peer,
    ]);
    let said = String::from_utf8(prepared.stderr).expect("text");
    let lines = &said[said.find("[[observer]]").expect("the lines that make it welcome")..];
    let refused = oreledger()
        .current_dir(ceremony.0.path())
        .args(["found", "install", NEWCOMER, "--from", "public"])
        .output()
        .expect("the program runs");
    assert_eq!(refused.status.code(), Some(3), "nobody made it welcome yet: {}", words(&refused));
    let folders = FOUNDERS.iter().map(|(member, _)| *member).chain(["public"]);
    for folder in folders {
        let path = ceremony.at(folder).join("consortium.toml");
        let text = std::fs::read_to_string(&path).expect("readable");
        std::fs::write(&path, format!("{text}\n{lines}")).expect("writable");
    }
    // As a person might: one of the files is there before.
    std::fs::copy(ceremony.at("public/genesis.block"), ceremony.at(NEWCOMER).join("genesis.block"))
        .expect("copied");
    let any = "127.0.0.1:0";
    ceremony.run(&[
        "found",
        "install",
        NEWCOMER,
        "--from",
        "public",
        "--listen",
        any,
        "--admin-listen",
        any,
        "--peer-listen",
        &peer,
    ]);
    let mut node = NodeProcess::spawn_at(oreledger(), &ceremony.at(NEWCOMER).join("node.toml"), &[]);
    node.wait_until_up().expect("it starts");
    node
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fifth_observes_becomes_a_member_and_decides() {
    let _turn = turn().await;
    let (ceremony, peers) = found();
    let nodes = start(&ceremony, &peers);
    let newcomer = observe(&ceremony);

    let proof = ceremony.run(&["--home", NEWCOMER, "member", "prove", NEWCOMER]);
    let admitted = ceremony.by(
        "refiner-a",
        &nodes[0],
        &[
            "member",
            "admit",
            NEWCOMER,
            "--name",
            "Recycler E",
            "--country",
            "JP",
            "--role",
            "recycler",
            "--proof",
            &proof,
            "--yes",
        ],
    );
    let (_, said) = ceremony.told("smelter-b", &nodes[1], &["approve", &admitted, "--yes"]);
    assert!(said.contains("Recycler E") && said.contains("the proposal, verified"), "{said}");

    let parts = FOUNDERS.map(|(member, _)| Ceremony::part(member));
    let own = Ceremony::part(NEWCOMER);
    let mut change = vec!["change-validators", "--yes", own.as_str()];
    change.extend(parts.iter().map(String::as_str));
    let (proposal, said) = ceremony.told("refiner-a", &nodes[0], &change);
    assert!(said.contains("would come: recycler-e") && said.contains("would GO: nobody"), "{said}");
    for n in [1, 2] {
        let (_, said) = ceremony.told(FOUNDERS[n].0, &nodes[n], &["approve", &proposal, "--yes"]);
        assert!(said.contains("4 decide now: ") && said.contains("would come: recycler-e"), "{said}");
    }

    // Its node follows the others, and soon knows who it is.
    let url = newcomer.url();
    let asks = ["--home", NEWCOMER, "--as", NEWCOMER, "--ledger", &url, "member", "list"];
    let known = (0..500).any(|_| {
        let asked = oreledger().current_dir(ceremony.0.path()).args(asks).output();
        asked.expect("the program runs").status.success()
    });
    assert!(known, "its node does not know of it: {}", newcomer.log());
    // Its own first statement, at its own node; a receipt of it carries its cosignature among the five.
    let shed = [
        "facility",
        "register",
        "recycler-e/shed",
        "--name",
        "Shed",
        "--latitude",
        "35",
        "--longitude",
        "139",
        "--country",
        "JP",
        "--kind",
        "recycler",
        "--yes",
    ];
    let record = ceremony.by(NEWCOMER, &newcomer, &shed);
    let cosigned =
        (0..200).any(|_| {
            let listed = ceremony.by(NEWCOMER, &newcomer, &["--json", "peers"]);
            let peers: serde_json::Value = serde_json::from_str(&listed).expect("JSON");
            peers["peers"].as_array().expect("a list").iter().any(|peer| {
                peer["member"] == NEWCOMER && peer["validator"] == true && peer["cosigned_size"] != 0
            })
        });
    assert!(cosigned, "it does not decide: {}", newcomer.log());
    ceremony.by("fab-c", &nodes[2], &["receipt", &record, "--out", "third.tlog-proof"]);
    ceremony.by("fab-c", &nodes[2], &["handovers", "--out", "handovers.txt"]);
    let (third, handovers) = (ceremony.at("third.tlog-proof"), ceremony.at("handovers.txt"));
    assert_eq!(verified(&ceremony, &third, Some(&handovers)), Some(0));
    for node in nodes.into_iter().chain([newcomer]) {
        node.stop();
    }
}
