//! TLS on the members' port: a certificate of the node, and one of a member that is its key.

use ore_node::{Config, config::Read, tls::TlsFiles};
use ore_record::keys::SecretKey;
use ore_wire::v1::{self, lot_service_client::LotServiceClient};
use rcgen::{CertificateParams, KeyPair, PKCS_ECDSA_P256_SHA256, PKCS_ED25519, SignatureAlgorithm};
use tonic::{
    Code, Status,
    transport::{Certificate, Channel, ClientTlsConfig, Identity},
};

use crate::world::{World, add_key, commission, key, revoke, start_with, until};

/// PKCS#8 of an Ed25519 seed (RFC 8410 §7), up to the seed.
const PKCS8_HEAD: [u8; 16] =
    [0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20];

struct Made {
    certificate: String,
    key: String,
}

fn self_signed(key: &KeyPair, name: &str) -> Made {
    let certificate = CertificateParams::new(vec![name.to_owned()]).expect("a name");
    let certificate = certificate.self_signed(key).expect("a certificate");
    Made { certificate: certificate.pem(), key: key.serialize_pem() }
}

/// As `openssl req -x509 -key mine.pem` makes it from a member's key.
fn of_member(key: &SecretKey) -> Made {
    let pkcs8 = [&PKCS8_HEAD[..], &key.seed()].concat();
    let key = KeyPair::try_from(pkcs8.as_slice()).expect("an Ed25519 key");
    assert!(key.is_compatible(&PKCS_ED25519));
    self_signed(&key, "anything.invalid")
}

fn new(algorithm: &'static SignatureAlgorithm, name: &str) -> Made {
    self_signed(&KeyPair::generate_for(algorithm).expect("a key"), name)
}

/// A world whose node shows a certificate for localhost.
fn encrypted(world: &World) -> (Config, String) {
    let node = new(&PKCS_ECDSA_P256_SHA256, "localhost");
    let file = |name: &str, text: &str| {
        let path = world.dir.path().join(name);
        std::fs::write(&path, text).expect("writable");
        path
    };
    let files =
        TlsFiles { certificate: file("node.crt", &node.certificate), key: file("node.key", &node.key) };
    (Config { tls: Some(files), read: Read::Members, ..world.config() }, node.certificate)
}

async fn connect(port: u16, root: &str, identity: Option<&Made>) -> Result<Channel, tonic::transport::Error> {
    let mut tls = ClientTlsConfig::new().ca_certificate(Certificate::from_pem(root));
    if let Some(made) = identity {
        tls = tls.identity(Identity::from_pem(&made.certificate, &made.key));
    }
    let endpoint = Channel::from_shared(format!("https://localhost:{port}")).expect("an address");
    endpoint.tls_config(tls)?.connect().await
}

async fn ask(port: u16, root: &str, identity: Option<&Made>) -> Result<v1::GetLotResponse, Status> {
    let refused = |error: tonic::transport::Error| Status::unavailable(error.to_string());
    let channel = connect(port, root, identity).await.map_err(refused)?;
    let request = v1::GetLotRequest { lot: "mine/M1".into() };
    LotServiceClient::new(channel).get_lot(request).await.map(tonic::Response::into_inner)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_around_a_members_key_is_that_member_until_the_key_is_revoked() {
    let world = World::new();
    let (config, root) = encrypted(&world);
    let mine = of_member(&key("mine"));
    let running = start_with(config, async |address| {
        connect(address.port(), &root, Some(&mine)).await.expect("a connection")
    });
    let running = running.await;
    let port = running.node.member_addr().port();
    running.publish(&commission(1, 1_000)).await;
    let spare = SecretKey::from_seed(&[55; 32]);
    add_key(&running, "mine", &spare).await;
    assert_eq!(
        ask(port, &root, Some(&mine)).await.expect("a member").lot.map(|lot| lot.lot),
        Some("mine/M1".into())
    );
    assert!(ask(port, &root, Some(&of_member(&spare))).await.is_ok(), "its other key");
    let code =
        |answer: Result<_, Status>| answer.map(|_: v1::GetLotResponse| ()).expect_err("refused").code();
    assert_eq!(code(ask(port, &root, None).await), Code::Unauthenticated);
    let stranger = of_member(&SecretKey::from_seed(&[98; 32]));
    assert_eq!(code(ask(port, &root, Some(&stranger)).await), Code::Unauthenticated);
    // Another kind of key is no member's: the handshake fails.
    let foreign = new(&PKCS_ECDSA_P256_SHA256, "mine");
    assert_ne!(code(ask(port, &root, Some(&foreign)).await), Code::Ok);
    // Nobody else's certificate passes for the node's.
    let other = new(&PKCS_ECDSA_P256_SHA256, "localhost");
    assert!(connect(port, &other.certificate, Some(&mine)).await.is_err());
    // Nor does a connection without TLS.
    let plain = Channel::from_shared(format!("http://localhost:{port}")).expect("an address").connect().await;
    let answer = match plain {
        Ok(channel) => LotServiceClient::new(channel).get_lot(v1::GetLotRequest::default()).await.map(|_| ()),
        Err(_) => Err(Status::unavailable("no connection")),
    };
    assert!(answer.is_err());

    revoke(&running, "mine", &spare).await;
    let spare = of_member(&spare);
    until("the revoked key is refused", async || {
        (code_of(ask(port, &root, Some(&spare)).await) == Code::Unauthenticated).then_some(())
    })
    .await;
    running.stop().await;
}

fn code_of(answer: Result<v1::GetLotResponse, Status>) -> Code {
    answer.map_or_else(|status| status.code(), |_| Code::Ok)
}
