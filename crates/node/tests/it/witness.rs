//! Outside witnesses: this node asks them, and is one for other ledgers.

use std::{path::Path, sync::Arc, time::Duration};

use axum::{Router, body::Bytes, http::StatusCode, routing::post};
use ore_checkpoint::{
    AddCheckpointRequest, Checkpoint, Cosigner, KeyName, NoteSigner, Policy, SignedCheckpoint,
};
use ore_merkle::{ConsistencyProof, RootHash, TreeSize};
use ore_node::{
    Consortium,
    faults::{Faults, OTHERS},
    gather::Log,
    witness::{
        Answer, Witness,
        ask::{NotWitnessed, outside},
    },
};

use crate::{
    gather::PlainLog,
    world::{ORIGIN, World, commission, config_of, start, until},
};

const FOREIGN: &str = "other.example/cobalt";

fn foreign_log() -> NoteSigner {
    NoteSigner::new(KeyName::new(FOREIGN).expect("a name"), &[61; 32])
}

fn witness_key() -> Cosigner {
    Cosigner::new(KeyName::new("witness.example/w1").expect("a name"), &[62; 32])
}

fn watched(dir: &Path) -> std::path::PathBuf {
    let path = dir.join("watched.policy");
    std::fs::write(&path, format!("log {}\nquorum none\n", foreign_log().verifier_key())).expect("writable");
    path
}

fn open(dir: &Path, faults: &Arc<Faults>) -> Witness {
    Witness::open(&watched(dir), &dir.join("witness"), ORIGIN, witness_key(), Arc::clone(faults))
        .expect("a witness")
}

fn signed_by(log: &NoteSigner, origin: &str, size: u64, root: RootHash) -> SignedCheckpoint {
    let body = Checkpoint::new(&KeyName::new(origin).expect("a name"), TreeSize::new(size), root);
    let line = log.sign(&body.to_text());
    SignedCheckpoint::new(body, vec![line]).expect("one line")
}

fn shown(log: &PlainLog, size: u64) -> SignedCheckpoint {
    signed_by(&foreign_log(), FOREIGN, size, log.root_at(size).expect("as long"))
}

fn request(log: &PlainLog, old: u64, note: SignedCheckpoint) -> String {
    let (old, new) = (TreeSize::new(old), note.unverified().size());
    let proof = if old == TreeSize::EMPTY || old == new {
        ConsistencyProof::new(Vec::new()).expect("empty")
    } else {
        log.prove_consistency(old, new).expect("within the log")
    };
    AddCheckpointRequest::new(old, proof, note).expect("a request").to_string()
}

#[test]
fn a_witness_answers_as_the_specification_says_and_remembers_across_a_restart() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let faults = Arc::new(Faults::default());
    faults.open(&dir.path().join("evidence")).expect("writable");
    let witness = open(dir.path(), &faults);
    let mut log = PlainLog::default();
    log.grow(9, 0);
    let ask = |witness: &Witness, body: &str| witness.add_checkpoint(body.as_bytes());

    let Answer::Cosigned(line) = ask(&witness, &request(&log, 0, shown(&log, 3))) else { panic!("cosigned") };
    let mut note = shown(&log, 3);
    note.add(ore_checkpoint::SignatureLine::parse(line.trim_end()).expect("a line")).expect("room");
    assert!(note.verify_key(witness_key().verifier_key()).is_ok());

    // 400, 403, 404, 409, 422, and nothing changes by any of them.
    let stranger = NoteSigner::new(KeyName::new(FOREIGN).expect("a name"), &[63; 32]);
    let forged = signed_by(&stranger, FOREIGN, 5, log.root_at(5).expect("ours"));
    let unknown = NoteSigner::new(KeyName::new("nobody.example/log").expect("a name"), &[61; 32]);
    let unknown = signed_by(&unknown, "nobody.example/log", 5, log.root_at(5).expect("ours"));
    let bent = request(&log, 3, signed_by(&foreign_log(), FOREIGN, 5, RootHash::from_bytes([1; 32])));
    let from_empty = request(&log, 3, shown(&log, 5));
    let cases: [(String, u16); 7] = [
        ("old 3\n".into(), 400),
        (request(&log, 3, shown(&log, 5)).replace("old 3", "old 6"), 400),
        (request(&log, 3, forged), 403),
        (request(&log, 3, unknown), 404),
        (request(&log, 2, shown(&log, 5)), 409),
        (from_empty.replace("old 3", "old 0"), 409),
        (bent, 422),
    ];
    for (body, status) in &cases {
        let answer = ask(&witness, body);
        assert_eq!(answer.status(), *status, "{answer:?}\n{body}");
        if *status == 409 {
            assert_eq!(answer.body(), ("text/x.tlog.size", "3\n".to_owned()));
        }
    }
    assert!(matches!(ask(&witness, &request(&log, 3, shown(&log, 5))), Answer::Cosigned(_)));

    // Stopped and started: it still knows, whatever it is told.
    drop(witness);
    let witness = open(dir.path(), &faults);
    assert_eq!(ask(&witness, &request(&log, 0, shown(&log, 3))), Answer::Conflict(5));
    assert!(
        matches!(ask(&witness, &request(&log, 5, shown(&log, 5))), Answer::Cosigned(_)),
        "the same again"
    );
    let fork = request(&log, 5, signed_by(&foreign_log(), FOREIGN, 5, RootHash::from_bytes([2; 32])));
    assert_eq!(ask(&witness, &fork), Answer::Conflict(5));
    let kept = &faults.list()[0];
    assert_eq!((kept.member.as_str(), kept.kind, kept.evidence.len()), (OTHERS, "two_roots", 1));
    let policy = Policy::parse(&std::fs::read(watched(dir.path())).expect("there")).expect("a policy");
    let evidence = faults.evidence(&kept.evidence[0]).expect("kept");
    let proven =
        ore_verify::Evidence::parse(&evidence).expect("evidence").verify(&policy).expect("convinces");
    assert_eq!(proven.keys, [*foreign_log().verifier_key().public_key()]);
    assert!(matches!(ask(&witness, &request(&log, 5, shown(&log, 9))), Answer::Cosigned(_)));
}

#[test]
fn a_witness_that_does_not_know_what_it_cosigned_and_one_of_its_own_ledger_do_not_start() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let faults = Arc::new(Faults::default());
    let own = Witness::open(
        &watched(dir.path()),
        &dir.path().join("witness"),
        FOREIGN,
        witness_key(),
        Arc::clone(&faults),
    );
    assert!(own.err().expect("refused").to_string().contains("our own ledger"));
    let mut log = PlainLog::default();
    log.grow(3, 0);
    let witness = open(dir.path(), &faults);
    assert_eq!(witness.add_checkpoint(request(&log, 0, shown(&log, 3)).as_bytes()).status(), 200);
    let state = std::fs::read_dir(dir.path().join("witness")).expect("a folder").next().expect("one file");
    std::fs::write(state.expect("readable").path(), "garbage").expect("writable");
    let again =
        Witness::open(&watched(dir.path()), &dir.path().join("witness"), ORIGIN, witness_key(), faults);
    assert!(again.is_err(), "it would cosign anything");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_is_a_witness_for_another_ledger_over_http() {
    let world = World::new();
    let mut config = world.config();
    config.witness_logs = Some(watched(world.dir.path()));
    let node = start(config).await;
    let mut log = PlainLog::default();
    (0..5).for_each(|_| log.grow(3, 0));
    // The other ledger's policy names this node by its cosigner key.
    let witness = world.consortium.policy().expect("a policy").witnesses()[0].key().clone();
    let policy = format!(
        "log {}\nwitness w {witness} http://{}\nquorum w\n",
        foreign_log().verifier_key(),
        node.node.member_addr()
    );
    let policy = Policy::parse(policy.as_bytes()).expect("a policy");
    let [asked] = &outside(&policy)[..] else { panic!("one outside witness") };
    for (size, believed) in [(3, 0), (9, 0), (15, 9)] {
        // A wrong belief costs one more round.
        let mut note = shown(&log, size);
        note.add(asked.ask(&note, believed, &log).await.expect("cosigned")).expect("room");
        assert!(policy.check(&note).is_ok(), "{size}");
    }
    let behind = asked.ask(&shown(&log, 9), 0, &log).await;
    assert!(matches!(behind, Err(NotWitnessed::Ahead(_, 15))), "{behind:?}");
    let stranger = NoteSigner::new(KeyName::new(FOREIGN).expect("a name"), &[63; 32]);
    let forged = signed_by(&stranger, FOREIGN, 15, log.root_at(15).expect("ours"));
    assert!(matches!(asked.ask(&forged, 15, &log).await, Err(NotWitnessed::Refused(_, 403))));
    // Another key than the policy names is no cosignature.
    let other = policy.to_bytes();
    let other = String::from_utf8(other)
        .expect("text")
        .replace(&witness.to_string(), &witness_key().verifier_key().to_string());
    let other = Policy::parse(other.as_bytes()).expect("a policy");
    let answer = outside(&other)[0].ask(&shown(&log, 15), 15, &log).await;
    assert!(matches!(answer, Err(NotWitnessed::NoLine(_))), "{answer:?}");
    node.stop().await;
}

/// Serves a witness for the ledger of a world.
async fn serve(world: &World) -> std::net::SocketAddr {
    let path = world.dir.path().join("ours.policy");
    let log = world.consortium.policy().expect("a policy").logs()[0].key().to_string();
    std::fs::write(&path, format!("log {log}\nquorum none\n")).expect("writable");
    let folder = world.dir.path().join("outside");
    let witness =
        Witness::open(&path, &folder, "witness.example", witness_key(), Arc::default()).expect("a witness");
    let witness = Arc::new(witness);
    let router = Router::new().route(
        "/w/add-checkpoint",
        post(move |body: Bytes| async move {
            let answer = witness.add_checkpoint(&body);
            (StatusCode::from_u16(answer.status()).expect("a status"), answer.body().1)
        }),
    );
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("bound");
    tokio::spawn(async move { axum::serve(listener, router).await });
    address
}

/// Writes a trust root whose policy names an outside witness; `all`: it must cosign.
fn with_witness(world: &World, address: &str, all: bool) -> Policy {
    let policy = world.consortium.policy().expect("a policy");
    let threshold = if all { "all" } else { "1" };
    let text = format!(
        "log {}\nwitness mine {}\nwitness outside {} http://{address}/w\ngroup both {threshold} mine outside\nquorum both\n",
        policy.logs()[0].key(),
        policy.witnesses()[0].key(),
        witness_key().verifier_key(),
    );
    let consortium = Consortium { policy: text.clone(), ..world.consortium.clone() };
    let config = world.config();
    std::fs::write(&config.consortium, consortium.to_text()).expect("writable");
    Policy::parse(text.as_bytes()).expect("a policy")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_policy_that_asks_for_a_witness_publishes_with_its_line_and_not_without() {
    let world = World::new();
    // Nobody listens there yet.
    let free = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let nobody = free.local_addr().expect("bound").to_string();
    drop(free);
    with_witness(&world, &nobody, true);
    let node = start(config_of(world.dir.path())).await;
    let metrics = || node.node.ledger().metrics.witness_failures.get();
    until("a failed witness is counted", async || (metrics() > 0).then_some(())).await;
    assert!(node.node.ledger().published.borrow().checkpoint.is_none());
    node.stop().await;
    let address = serve(&world).await;
    let policy = with_witness(&world, &address.to_string(), true);
    let node = start(config_of(world.dir.path())).await;
    node.publish(&commission(1, 1_000)).await;
    let note = node.node.ledger().published.borrow().checkpoint.clone().expect("published");
    assert_eq!(policy.check(&note).expect("both").cosigned().len(), 2);
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_witness_that_is_not_asked_for_is_waited_for_only_so_long() {
    let world = World::new();
    let free = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let nobody = free.local_addr().expect("bound").to_string();
    drop(free);
    with_witness(&world, &nobody, false);
    let mut config = config_of(world.dir.path());
    config.witness_grace = Duration::from_millis(50);
    let node = start(config).await;
    node.publish(&commission(1, 1_000)).await;
    assert!(node.node.ledger().metrics.unwitnessed.get() > 0, "published without it, and counted");
    node.stop().await;
    // With a witness that answers, its line is there when the checkpoint is published.
    let address = serve(&world).await;
    let policy = with_witness(&world, &address.to_string(), false);
    let mut config = config_of(world.dir.path());
    config.witness_grace = Duration::from_secs(20);
    let node = start(config).await;
    node.publish(&commission(2, 1_000)).await;
    let note = node.node.ledger().published.borrow().checkpoint.clone().expect("published");
    assert_eq!(policy.check(&note).expect("one suffices").cosigned().len(), 2);
    assert_eq!(node.node.ledger().metrics.unwitnessed.get(), 0);
    node.stop().await;
}
