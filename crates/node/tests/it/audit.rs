//! What an auditor gets: tiles, checkpoints, receipts and bundles that verify without the node.

use std::io::{Read, Write};

use ore_checkpoint::SignedCheckpoint;
use ore_merkle::{Frontier, TileResource, TreeSize, hash_leaf, tiles};
use ore_verify::{TrustRoot, verify_bundle, verify_receipt};
use ore_wire::v1;

use crate::world::{ORIGIN, World, blend, commission};

/// One HTTP/1.1 exchange: status, headers, body.
pub(crate) fn get(address: std::net::SocketAddr, path: &str) -> (u16, String, Vec<u8>) {
    get_as(address, path, None)
}

/// The same with a token.
pub(crate) fn get_as(
    address: std::net::SocketAddr,
    path: &str,
    token: Option<&str>,
) -> (u16, String, Vec<u8>) {
    let (status, headers, body) = get_raw(address, path, token);
    (status, headers.to_lowercase(), body)
}

/// The same with the headers as they were written.
pub(crate) fn get_raw(
    address: std::net::SocketAddr,
    path: &str,
    token: Option<&str>,
) -> (u16, String, Vec<u8>) {
    let mut connection = std::net::TcpStream::connect(address).expect("the node listens");
    let bearer = token.map_or_else(String::new, |token| format!("Authorization: Bearer {token}\r\n"));
    write!(connection, "GET {path} HTTP/1.1\r\nHost: node\r\n{bearer}Connection: close\r\n\r\n")
        .expect("sent");
    let mut answer = Vec::new();
    connection.read_to_end(&mut answer).expect("an answer");
    let end = answer.windows(4).position(|four| four == b"\r\n\r\n").expect("headers end");
    let headers = String::from_utf8_lossy(&answer[..end]).into_owned();
    let status = headers.split(' ').nth(1).and_then(|code| code.parse().ok()).expect("a status");
    (status, headers, answer[end + 4..].to_vec())
}

pub(crate) fn trust(world: &World) -> TrustRoot {
    TrustRoot {
        origin: ORIGIN.into(),
        genesis: world.consortium.genesis,
        policy: world.consortium.policy().expect("our own policy"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn tiles_over_plain_http_give_the_root_of_a_checkpoint_that_satisfies_the_policy() {
    let world = World::new();
    let node = world.start().await;
    let entries = (0..600).map(|number| commission(number, 10).entry().into()).collect();
    node.stream(entries, 100).await;
    let last = node.publish(&commission(1_000, 10)).await;
    let address = node.node.member_addr();

    let (status, headers, note) = get(address, "/checkpoint");
    assert!(status == 200 && headers.contains("text/plain"), "{headers}");
    let signed = SignedCheckpoint::parse(&note).expect("a signed note");
    let verified = trust(&world).policy.check(&signed).expect("satisfies the policy");
    let (size, root) = (verified.checkpoint().size(), *verified.checkpoint().root());
    assert!(size.get() >= last.tree_size);

    let mut frontier = Frontier::new();
    for bundle in tiles::bundles_at(size) {
        let (status, headers, body) = get(address, &format!("/{}", TileResource::Entries(bundle)));
        assert_eq!(status, 200);
        assert_eq!(headers.contains("immutable"), bundle.is_full(), "{headers}");
        let entries = tiles::BundleRef::parse(bundle, &body).expect("a bundle");
        entries.entries().iter().for_each(|entry| {
            frontier.append(hash_leaf(entry));
        });
    }
    assert_eq!((frontier.size(), frontier.root()), (size, root));
    for tile in tiles::tiles_at(size) {
        let (status, _, body) = get(address, &format!("/{}", TileResource::Tile(tile)));
        assert_eq!(status, 200);
        tiles::parse_tile(tile, &body).expect("a tile");
    }
    for missing in [
        "/tile/0/999",
        "/tile/0/00",
        "/tile/entries/x001/000",
        "/tile/9/000",
        "/tile/0/000.p/256",
        "/nothing",
    ] {
        assert_eq!(get(address, missing).0, 404, "{missing}");
    }
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_receipt_verifies_offline_and_not_for_another_entry() {
    let world = World::new();
    let node = world.start().await;
    let record = commission(1, 10);
    node.publish(&record).await;
    let request = v1::GetReceiptRequest { record_id: record.id().as_bytes().to_vec().into() };
    let receipt =
        node.log().get_receipt(request).await.expect("published").into_inner().receipt.expect("one");
    assert_eq!(receipt.entry, record.entry());
    verify_receipt(receipt.proof.as_bytes(), Some(&receipt.entry), &trust(&world)).expect("verifies");
    assert!(
        verify_receipt(receipt.proof.as_bytes(), Some(&commission(1, 10).entry()), &trust(&world)).is_err()
    );

    let unknown = v1::GetReceiptRequest { record_id: vec![9; 32].into() };
    let unknown = node.log().get_receipt(unknown).await.expect_err("never submitted");
    assert_eq!(unknown.code(), tonic::Code::NotFound);
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bundle_verifies_offline_and_a_flipped_byte_does_not() {
    let world = World::new();
    let node = world.start().await;
    let (first, second) = (commission(1, 1_000), commission(2, 3_000));
    let blended = blend(1, &[("mine/M1", first.id(), 1_000), ("mine/M2", second.id(), 3_000)]);
    for record in [&first, &second, &blended] {
        node.submit(record).await.expect("accepted");
    }
    // Lots that the answer does not rest on, so that the proofs have something to leave out.
    node.stream((10..40).map(|number| commission(number, 10).entry().into()).collect(), 10).await;
    let request = v1::GetBundleRequest { lot: "mine/B1".into(), element: 73 };
    let bundle = node.log().get_bundle(request).await.expect("a bundle").into_inner().bundle;
    verify_bundle(&bundle, &trust(&world)).expect("verifies");
    let mut flipped = bundle.to_vec();
    let middle = flipped.len() / 2;
    flipped[middle] ^= 1;
    assert!(verify_bundle(&flipped, &trust(&world)).is_err());
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_checkpoints_are_proven_consistent_and_entries_are_read_back() {
    let world = World::new();
    let node = world.start().await;
    let early = node.publish(&commission(1, 10)).await;
    let late = node.publish(&commission(2, 10)).await;
    let request = v1::GetConsistencyProofRequest { old_size: early.tree_size, new_size: late.tree_size };
    let proof = node.log().get_consistency_proof(request).await.expect("a proof").into_inner();
    let reader = &node.node.ledger().reader;
    let root = |size| reader.root_at(TreeSize::new(size)).expect("durable");
    let nodes =
        proof.hashes.iter().map(|hash| ore_merkle::NodeHash::from_slice(hash).expect("32 bytes")).collect();
    let hashes = ore_merkle::ConsistencyProof::new(nodes).expect("short");
    ore_merkle::verify_consistency(
        TreeSize::new(early.tree_size),
        &root(early.tree_size),
        TreeSize::new(late.tree_size),
        &root(late.tree_size),
        &hashes,
    )
    .expect("consistent");

    let mut parts =
        node.log().read_entries(v1::ReadEntriesRequest::default()).await.expect("a stream").into_inner();
    let mut entries = Vec::new();
    while let Some(part) = parts.message().await.expect("a part") {
        assert_eq!(part.start, entries.len() as u64);
        entries.extend(part.entries);
    }
    assert_eq!(entries.len() as u64, late.tree_size);
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_watcher_sees_every_block_from_the_height_it_names() {
    let world = World::new();
    let node = world.start().await;
    node.submit(&commission(1, 10)).await.expect("accepted");
    let mut blocks =
        node.log().watch(v1::WatchRequest { from_height: 1 }).await.expect("a stream").into_inner();
    let first = blocks.message().await.expect("a block").expect("the past");
    node.submit(&commission(2, 10)).await.expect("accepted");
    let second = blocks.message().await.expect("a block").expect("the feed");
    assert_eq!((first.height, second.height), (1, 2));
    assert_eq!((first.records, second.records), (1, 1));
    assert_eq!(ore_record::state::block_id(&second.header), second.block_id[..]);
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn json_answers_for_lots_and_problem_details_for_what_is_missing() {
    let world = World::new();
    let node = world.start().await;
    node.publish(&commission(1, 10)).await;
    let address = node.node.member_addr();
    let (status, _, body) = get(address, "/v1/lots/mine/M1");
    let lot: serde_json::Value = serde_json::from_slice(&body).expect("JSON");
    assert_eq!((status, &lot["lot"]["custodian"]), (200, &serde_json::json!("mine")));
    let (status, _, body) = get(address, "/v1/lots/mine/M1/attribute?element=73");
    let shares: serde_json::Value = serde_json::from_slice(&body).expect("JSON");
    assert_eq!((status, &shares["origins"][0]["origin"]["country"]), (200, &serde_json::json!("AU")));
    assert_eq!(get(address, "/v1/lots/mine/M1/trace").0, 200);
    assert_eq!(get(address, "/v1/info").0, 200);
    let (status, headers, body) = get(address, "/v1/lots/mine/none");
    assert_eq!(status, 404);
    assert!(headers.contains("application/problem+json"), "{headers}");
    let problem: serde_json::Value = serde_json::from_slice(&body).expect("JSON");
    assert!(problem["detail"].as_str().is_some_and(|detail| detail.contains("mine/none")));
    node.stop().await;
}
