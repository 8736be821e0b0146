//! What a stranger needs to check a passport: keys, and whether it is stale. What a member gets: the view that it signs.

use ore_record::{
    keys::{PublicKey, SecretKey},
    v1::{self, record::Event},
};
use ore_untp::{did, jose, status};
use serde_json::Value;

use crate::{
    audit::get,
    world::{World, add_key, blend, commission, key, revoke, sign},
};

fn json(address: std::net::SocketAddr, path: &str) -> Value {
    let (status, headers, body) = get(address, path);
    assert_eq!(status, 200, "{path}: {headers}\n{}", String::from_utf8_lossy(&body));
    serde_json::from_slice(&body).expect("JSON")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_did_document_has_the_keys_that_may_sign_now_and_nobody_elses() {
    let world = World::new();
    let node = world.start().await;
    let address = node.node.member_addr();
    let second = SecretKey::from_seed(&[77; 32]);
    add_key(&node, "mine", &second).await;
    let document = json(address, "/id/mine/did.json");
    assert_eq!(document["id"], "did:web:node:id:mine");
    let id = |secret: &SecretKey| jose::key_id("did:web:node:id:mine", secret.public().as_bytes());
    assert_eq!(did::key_of(&document, &id(&second)), Some(*second.public().as_bytes()));
    assert_eq!(did::key_of(&document, &id(&key("mine"))), Some(*key("mine").public().as_bytes()));
    revoke(&node, "mine", &second).await;
    let document = json(address, "/id/mine/did.json");
    assert_eq!(did::key_of(&document, &id(&second)), None);
    assert!(did::key_of(&document, &id(&key("mine"))).is_some());
    // Keys only: no name, no role, no country.
    let fields: Vec<&String> = document.as_object().expect("an object").keys().collect();
    assert_eq!(fields, ["@context", "assertionMethod", "id", "verificationMethod"]);
    assert_eq!(get(address, "/id/nobody/did.json").0, 404);
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_passport_is_revoked_once_the_record_behind_it_is_withdrawn() {
    let world = World::new();
    let node = world.start().await;
    let address = node.node.member_addr();
    let (first, second) = (commission(1, 1_000), commission(2, 3_000));
    let blended = blend(1, &[("mine/M1", first.id(), 1_000), ("mine/M2", second.id(), 3_000)]);
    for record in [&first, &second, &blended] {
        node.publish(record).await;
    }
    let passport = json(address, "/v1/lots/mine/B1/passport");
    let rows = passport["credentialSubject"]["materialProvenance"].as_array().expect("rows");
    assert_eq!(rows.len(), 1, "one country");
    assert_eq!(rows[0]["massFraction"].to_string(), "0.3");
    let entry = passport["credentialStatus"].clone();
    let bit = entry["statusListIndex"].as_u64().expect("a bit");
    let url = entry["statusListCredential"].as_str().expect("an address");
    let path = url.strip_prefix("http://node").expect("of the host that was asked").to_owned();

    let node_did = json(address, "/.well-known/did.json");
    let list = || {
        let (status, headers, jwt) = get(address, &path);
        assert!(status == 200 && headers.contains("application/vc+jwt"), "{headers}");
        let read = jose::parse(&String::from_utf8(jwt).expect("ASCII")).expect("a signed credential");
        let public = did::key_of(&node_did, &read.key_id).expect("the node's own key");
        read.verify(&PublicKey::check(&public).expect("a good key")).expect("signed by the node")
    };
    assert_eq!(status::is_set(&list(), bit), Ok(false));
    let withdraw = v1::Withdraw {
        record: blended.id().as_bytes().to_vec(),
        reason: v1::WithdrawReason::IncorrectData.into(),
        explanation: "another heap".into(),
    };
    node.publish(&sign("mine", Event::Withdraw(withdraw))).await;
    let list = list();
    assert_eq!(status::is_set(&list, bit), Ok(true));
    let set = (0..status::BITS).filter(|bit| status::is_set(&list, *bit) == Ok(true)).take(2).count();
    assert_eq!(set, 1, "no other bit");
    for missing in
        ["/untp/status/1", "/untp/status/x", "/v1/lots/mine/nothing/passport", "/untp/facilities/mine/none"]
    {
        assert!(matches!(get(address, missing).0, 400 | 404), "{missing}");
    }
    assert_eq!(json(address, "/untp/facilities/mine/site")["credentialSubject"]["name"], "Site");
    node.stop().await;
}
