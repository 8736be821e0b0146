//! A slow or hostile caller costs nobody else: what the others measure while one misbehaves.

use std::{
    io::Write,
    net::TcpStream,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use ore_node::{Config, config::Read, sequencer::now_ms};
use ore_wire::{
    status::{Refusal, refusal},
    token::Token,
    v1::{
        self, log_service_client::LogServiceClient, lot_service_client::LotServiceClient,
        provenance_service_client::ProvenanceServiceClient,
        submission_service_client::SubmissionServiceClient,
    },
};
use tonic::{Request, Status, transport::Channel};

use crate::world::{ORIGIN, Running, World, channel, commission, key, start, until};

/// A request by a member.
fn by<T>(member: &str, message: T) -> Request<T> {
    let token = Token::of_member(member, &key(member), ORIGIN, now_ms() / 1000).sign(&key(member));
    let mut request = Request::new(message);
    request.metadata_mut().insert("authorization", format!("Bearer {token}").parse().expect("ASCII"));
    request
}

/// Narrow limits, so that a test reaches them.
fn narrow(world: &World) -> Config {
    let mut config = Config { read: Read::Members, ..world.config() };
    config.allowance.total_calls = 64;
    config.allowance.calls = 16;
    config.allowance.calls_s = 500;
    config.allowance.bytes_s = 4 << 20;
    config.allowance.query_ms = 50;
    config
}

async fn lot(channel: &Channel, member: &str) -> Result<v1::GetLotResponse, Status> {
    let request = by(member, v1::GetLotRequest { lot: "mine/M1".into() });
    LotServiceClient::new(channel.clone()).get_lot(request).await.map(tonic::Response::into_inner)
}

/// The longest of thirty calls of the refiner, one every ten milliseconds.
async fn slowest(channel: &Channel) -> Duration {
    let mut slowest = Duration::ZERO;
    for _ in 0..30 {
        let begin = Instant::now();
        lot(channel, "refiner").await.expect("nobody else's trouble");
        slowest = slowest.max(begin.elapsed());
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    slowest
}

/// A connection on which nothing is read that is not asked for: the least windows of HTTP/2.
async fn deaf(url: &str) -> Channel {
    let endpoint = Channel::from_shared(url.to_owned()).expect("an address");
    let endpoint = endpoint.initial_stream_window_size(16_384).initial_connection_window_size(65_535);
    endpoint.connect().await.expect("the node listens")
}

fn say(line: &str) {
    let _ = writeln!(std::io::stderr(), "{line}");
}

async fn guarded(world: &World) -> (Running, String) {
    let node = start(narrow(world)).await;
    node.publish(&commission(1, 1_000)).await;
    let url = format!("http://{}", node.node.member_addr());
    (node, url)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flood_of_calls_is_refused_with_a_time_and_another_member_is_answered() {
    let world = World::new();
    let (node, url) = guarded(&world).await;
    let quiet = slowest(&node.channel).await;
    let stop = Arc::new(AtomicBool::new(false));
    let (answered, refused) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(0)));
    let mut flood = tokio::task::JoinSet::new();
    for _ in 0..8 {
        let channel = channel(&url).await;
        let (stop, answered, refused) = (Arc::clone(&stop), Arc::clone(&answered), Arc::clone(&refused));
        flood.spawn(async move {
            while !stop.load(Ordering::Relaxed) {
                match lot(&channel, "mine").await {
                    Ok(_) => answered.fetch_add(1, Ordering::Relaxed),
                    Err(status) => {
                        let Refusal::Later { after, .. } = refusal(&status) else { panic!("{status:?}") };
                        assert!(after <= Duration::from_secs(1), "{after:?}");
                        refused.fetch_add(1, Ordering::Relaxed)
                    }
                };
            }
        });
    }
    until("the flood is over its rate", async || (refused.load(Ordering::Relaxed) > 200).then_some(())).await;
    let (begin, before) = (Instant::now(), answered.load(Ordering::Relaxed));
    let during = slowest(&node.channel).await;
    let rate = (answered.load(Ordering::Relaxed) - before) as f64 / begin.elapsed().as_secs_f64();
    stop.store(true, Ordering::Relaxed);
    flood.join_all().await;
    say(&format!(
        "flood: answered {rate:.0} a second of 500 allowed, refused {}; another's slowest call {during:?}, {quiet:?} alone",
        refused.load(Ordering::Relaxed)
    ));
    assert!(rate < 1_000.0, "{rate} a second were answered, 500 are allowed");
    assert!(during < Duration::from_secs(2), "another member waited {during:?}");
    assert!(node.node.ledger().metrics.refused_calls.too_much.get() > 200);
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_reads_nothing_holds_its_own_places_only() {
    let world = World::new();
    let (node, url) = guarded(&world).await;
    let entries = (2..2_000).map(|number| commission(number, 10).entry().into()).collect();
    node.stream(entries, 500).await;
    // Answers of several megabytes that nobody reads.
    let (hostile, mut held, mut refused) = (deaf(&url).await, Vec::new(), 0);
    for _ in 0..16 {
        let request = by("mine", v1::ReadEntriesRequest { start: 0, count: 0 });
        match LogServiceClient::new(hostile.clone()).read_entries(request).await {
            Ok(answer) => held.push(answer),
            Err(status) => {
                assert!(matches!(refusal(&status), Refusal::Later { .. }), "{status:?}");
                refused += 1;
            }
        }
    }
    // A part of the log counts as four calls, and the caller has sixteen.
    assert_eq!((held.len(), refused), (4, 12));
    let during = slowest(&node.channel).await;
    say(&format!("slow reader: {} answers unread; another's slowest call {during:?}", held.len()));
    assert!(during < Duration::from_secs(2), "another member waited {during:?}");
    drop(held);
    until("its places are free again", async || lot(&hostile, "mine").await.ok().map(drop)).await;
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn streams_that_never_end_leave_members_their_half() {
    let world = World::new();
    let (node, url) = guarded(&world).await;
    let (hostile, mut streams, mut refused) = (channel(&url).await, Vec::new(), 0);
    for _ in 0..10 {
        let (sender, receiver) = tokio::sync::mpsc::channel::<v1::SubmitStreamRequest>(1);
        let stream = tokio_stream::wrappers::ReceiverStream::new(receiver);
        match SubmissionServiceClient::new(hostile.clone()).submit_stream(stream).await {
            Ok(answers) => streams.push((sender, answers)),
            Err(_) => refused += 1,
        }
    }
    // One address without a token: sixteen units of eight each.
    assert_eq!((streams.len(), refused), (2, 8));
    let place = SubmissionServiceClient::new(node.channel.clone());
    let request =
        by("mine", v1::SubmitRequest { entry: commission(7, 10).entry().into(), wait: 0, promise: false });
    place.clone().submit(request).await.expect("a member's own places");
    assert!(slowest(&node.channel).await < Duration::from_secs(2));
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn bytes_beyond_the_rate_wait_and_forged_records_pay_for_their_check() {
    let world = World::new();
    let (node, url) = guarded(&world).await;
    // 300 records that are none: at 64 KiB each, 19 MiB on an account of 4 MiB a second.
    let garbage: Vec<bytes::Bytes> =
        (0..300).map(|number: u32| number.to_be_bytes().to_vec().into()).collect();
    let hostile = channel(&url).await;
    let begin = Instant::now();
    for chunk in garbage.chunks(100) {
        let message = v1::SubmitStreamRequest { entries: chunk.to_vec(), wait: 0 };
        let mut client = SubmissionServiceClient::new(hostile.clone());
        let mut answers =
            client.submit_stream(tokio_stream::iter([message])).await.expect("a stream").into_inner();
        while let Some(answer) = answers.message().await.expect("an answer") {
            assert!(
                answer
                    .results
                    .iter()
                    .all(|result| matches!(result.outcome, Some(v1::submit_result::Outcome::Malformed(_))))
            );
        }
    }
    let took = begin.elapsed();
    // A member is not that address.
    let other = slowest(&node.channel).await;
    say(&format!(
        "forged records: 300 of 64 KiB each took {took:?} at 4 MiB a second; another's slowest call {other:?}"
    ));
    assert!(took > Duration::from_secs(2), "{took:?}");
    assert!(other < Duration::from_secs(2), "{other:?}");
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_has_much_computed_waits_for_itself() {
    let world = World::new();
    let mut config = narrow(&world);
    config.allowance.query_ms = 1;
    let node = start(config).await;
    node.publish(&commission(1, 1_000)).await;
    let ask = async |member: &str| {
        let request = v1::AttributeRequest { lot: "mine/M1".into(), element: 73, ..Default::default() };
        ProvenanceServiceClient::new(node.channel.clone()).attribute(by(member, request)).await
    };
    // One millisecond of computation a second, one second ahead: some dozens of questions.
    let mut refused = None;
    for _ in 0..400 {
        if let Err(status) = ask("mine").await {
            refused = Some(status);
            break;
        }
    }
    let refused = refused.expect("a millisecond is spent after a while");
    let Refusal::Later { after, message } = refusal(&refused) else { panic!("{refused:?}") };
    assert!(message.contains("computed") && after > Duration::ZERO, "{message} {after:?}");
    ask("refiner").await.expect("another member has its own millisecond");
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_that_say_nothing_are_few_and_short() {
    let world = World::new();
    let (node, _) = guarded(&world).await;
    let address = node.node.member_addr();
    let silent: Vec<_> = (0..400).filter_map(|_| TcpStream::connect(address).ok()).collect();
    assert_eq!(silent.len(), 400, "the operating system accepts them");
    // Our own connection was there before: it works on, whatever the others do.
    assert!(slowest(&node.channel).await < Duration::from_secs(2));
    let turned_away = until("connections are turned away", async || {
        let gone = silent.iter().filter(|connection| is_closed(connection)).count();
        (gone >= 100).then_some(gone)
    })
    .await;
    say(&format!("silent connections: {turned_away} of 400 turned away at once"));
    node.stop().await;
}

fn is_closed(connection: &TcpStream) -> bool {
    connection.set_nonblocking(true).expect("a socket");
    matches!(connection.peek(&mut [0; 1]), Ok(0))
}
