//! What an operator relies on: health, reflection, metrics, an orderly stop, a start that goes on.

use std::time::Duration;

use ore_wire::status::{Refusal, refusal};
use tonic_health::pb::{
    HealthCheckRequest, health_check_response::ServingStatus, health_client::HealthClient,
};
use tonic_reflection::pb::v1::{
    ServerReflectionRequest, server_reflection_client::ServerReflectionClient,
    server_reflection_request::MessageRequest, server_reflection_response::MessageResponse,
};

use crate::world::{World, commission, config_of, until};

#[tokio::test(flavor = "multi_thread")]
async fn health_and_reflection_name_every_service() {
    let world = World::new();
    let node = world.start().await;
    let services =
        ["SubmissionService", "LotService", "ProvenanceService", "LogService", "ConsortiumService"];
    let mut health = HealthClient::new(node.channel.clone());
    for service in services {
        let request = HealthCheckRequest { service: format!("oreledger.v1.{service}") };
        let status = until(service, async || {
            let answer = health.check(request.clone()).await.ok()?.into_inner();
            (answer.status() == ServingStatus::Serving).then_some(())
        });
        status.await;
    }
    let mut reflection = ServerReflectionClient::new(node.channel.clone());
    let question = ServerReflectionRequest {
        host: String::new(),
        message_request: Some(MessageRequest::ListServices(String::new())),
    };
    let mut answers = reflection
        .server_reflection_info(tokio_stream::iter([question]))
        .await
        .expect("an answer")
        .into_inner();
    let answer = answers.message().await.expect("a message").expect("one answer");
    let Some(MessageResponse::ListServicesResponse(listed)) = answer.message_response else {
        panic!("no list of services")
    };
    for service in services {
        let name = format!("oreledger.v1.{service}");
        assert!(listed.service.iter().any(|listed| listed.name == name), "{name} is not listed");
    }
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_answers_what_was_taken_and_refuses_what_comes_after() {
    let world = World::new();
    let node = world.start().await;
    let mut submission = node.submission();
    let (sender, messages) = tokio::sync::mpsc::channel(4);
    let entries = (0..500).map(|number| commission(number, 10).entry().into()).collect();
    sender.send(ore_wire::v1::SubmitStreamRequest { entries, wait: 0 }).await.expect("open");
    let stream = tokio_stream::wrappers::ReceiverStream::new(messages);
    let mut answers = submission.submit_stream(stream).await.expect("a stream").into_inner();
    let first = answers.message().await.expect("an answer").expect("results");
    assert_eq!(first.results.len(), 500);

    node.shutdown.stop();
    // The stream is still open on our side; the node ends it.
    let ended = tokio::time::timeout(Duration::from_secs(15), answers.message()).await.expect("bounded");
    match ended {
        Err(status) => {
            assert!(matches!(refusal(&status), Refusal::Later { .. } | Refusal::Other(..)), "{status:?}")
        }
        Ok(more) => assert!(more.is_none()),
    }
    drop(sender);
    node.node.wait().await.expect("an orderly stop");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restarted_node_goes_on_where_it_was() {
    let world = World::new();
    let node = world.start().await;
    let record = commission(1, 10);
    let place = node.publish(&record).await;
    node.stop().await;
    let node = world.start().await;
    assert!(node.node.ledger().published.borrow().tree_size >= place.tree_size, "the checkpoint is taken up");
    let again = node.submit(&record).await.expect("still there");
    assert!(again.already_there);
    assert_eq!(again.place, Some(place));
    let next = node.submit(&commission(2, 10)).await.expect("accepted").place.expect("a place");
    assert!(next.height > 1);
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_silent_ledger_shows_that_it_lives() {
    let world = World::new();
    let mut config = world.config();
    config.heartbeat = Duration::from_millis(50);
    let node = crate::world::start(config).await;
    until("an empty block", async || (node.node.ledger().newest.borrow().height >= 2).then_some(())).await;
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn another_consortiums_genesis_keys_or_data_are_refused_with_the_reason() {
    let (ours, theirs) = (World::new(), World::new());
    let mut config = ours.config();
    config.genesis = theirs.config().genesis;
    let refused = |config| async {
        let started = ore_node::Node::start(config, ore_node::Shutdown::new()).await;
        ore_node::sequencer::chain(&started.err().expect("refused"))
    };
    assert!(refused(config).await.contains("the genesis block is of the ledger with genesis"));
    let mut config = ours.config();
    config.keys = theirs.config().keys;
    assert!(refused(config).await.contains("consensus key of mine is not the one"));
    theirs.start().await.stop().await;
    let mut config = config_of(ours.dir.path());
    config.data = theirs.config().data;
    assert!(refused(config).await.contains("the data is of the ledger with genesis"));
}

#[tokio::test(flavor = "multi_thread")]
async fn metrics_and_readiness_are_on_the_admin_port() {
    use std::io::{Read, Write};
    let world = World::new();
    let node = world.start().await;
    node.submit(&commission(1, 10)).await.expect("accepted");
    let get = |path: &str| {
        let mut connection = std::net::TcpStream::connect(node.node.admin_addr()).expect("listens");
        write!(connection, "GET {path} HTTP/1.1\r\nHost: n\r\nConnection: close\r\n\r\n").expect("sent");
        let mut text = String::new();
        connection.read_to_string(&mut text).expect("text");
        text
    };
    assert!(get("/healthz").starts_with("HTTP/1.1 200"));
    assert!(get("/readyz").contains("ready"));
    let metrics = get("/metrics");
    assert!(metrics.contains("\nledger_sequenced_records_total 1\n"), "{metrics}");
    assert!(metrics.contains("ledger_condition{state=\"serving\"} 1"));
    node.stop().await;
}
