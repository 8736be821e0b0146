//! Pages as a browser meets them: signing in and out, what a session may see, and what a share link opens.

use std::{
    io::{Read as _, Write as _},
    net::{SocketAddr, TcpStream},
    time::Duration,
};

use ore_node::{Config, config::Read, sequencer::now_ms};
use ore_record::{keys::SecretKey, v1};
use ore_wire::token::{Share, Token};

use crate::world::{ORIGIN, Running, World, add_key, admit, commission, key, revoke, start, until};

/// What a browser got: status, headers in lower case, body.
struct Answer {
    status: u16,
    headers: String,
    body: String,
}

impl Answer {
    /// The value of the cookie that is set.
    fn cookie(&self) -> Option<String> {
        let line = self.headers.lines().find(|line| line.starts_with("set-cookie: oreledger_session="))?;
        Some(line.trim_start_matches("set-cookie: ").split(';').next()?.to_owned())
    }
}

/// One request with these header lines, as a browser would send it.
fn ask(address: SocketAddr, line: &str, headers: &str, body: &str) -> Answer {
    let mut connection = TcpStream::connect(address).expect("the node listens");
    let length = body.len();
    write!(
        connection,
        "{line} HTTP/1.1\r\nHost: {address}\r\nAccept: text/html\r\n{headers}Content-Length: {length}\r\nConnection: close\r\n\r\n{body}"
    )
    .expect("sent");
    let mut answer = Vec::new();
    connection.read_to_end(&mut answer).expect("an answer");
    let answer = String::from_utf8_lossy(&answer);
    let (head, body) = answer.split_once("\r\n\r\n").expect("headers end");
    let status = head.split(' ').nth(1).and_then(|code| code.parse().ok()).expect("a status");
    Answer { status, headers: head.to_lowercase(), body: body.to_owned() }
}

fn page(address: SocketAddr, path: &str, cookie: Option<&str>) -> Answer {
    let headers = cookie.map_or_else(String::new, |cookie| format!("Cookie: a=b; {cookie}\r\n"));
    ask(address, &format!("GET {path}"), &headers, "")
}

fn sign_in(address: SocketAddr, token: &str, headers: &str) -> Answer {
    let form = format!("{headers}Content-Type: application/x-www-form-urlencoded\r\n");
    ask(address, "POST /session", &form, &format!("token={token}"))
}

fn token(member: &str, key: &SecretKey) -> String {
    Token::of_member(member, key, ORIGIN, now_ms() / 1000).sign(key)
}

async fn members_only(world: &World) -> Running {
    let node = start(Config { read: Read::Members, ..world.config() }).await;
    admit(&node, "carrier-one", v1::Role::Carrier).await;
    node.publish(&commission(1, 1_000)).await;
    node
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_opens_a_session_and_the_session_shows_what_its_member_may_see() {
    let world = World::new();
    let node = members_only(&world).await;
    let address = node.node.member_addr();
    let stranger = page(address, "/lots/mine/M1", None);
    assert_eq!(stranger.status, 401);
    assert!(
        stranger.body.contains("href=\"/session\"") && !stranger.body.contains("1 g"),
        "{}",
        stranger.body
    );
    assert!(stranger.headers.contains("content-security-policy: default-src 'none'"), "{}", stranger.headers);

    let opened = sign_in(address, &token("mine", &key("mine")), "");
    assert_eq!(opened.status, 303);
    assert!(
        opened.headers.contains("httponly") && opened.headers.contains("samesite=strict"),
        "{}",
        opened.headers
    );
    assert!(!opened.headers.contains("secure"), "this connection is not encrypted: {}", opened.headers);
    let behind = sign_in(address, &token("mine", &key("mine")), "X-Forwarded-Proto: https\r\n");
    assert!(behind.headers.contains("; secure"), "a proxy encrypts: {}", behind.headers);
    let cookie = opened.cookie().expect("a session");
    for path in
        ["/", "/lots", "/lots/mine/M1", "/lots/mine/M1/passport", "/findings", "/facilities/mine/site"]
    {
        let shown = page(address, path, Some(&cookie));
        assert_eq!(shown.status, 200, "{path}: {}", shown.body);
        assert!(shown.headers.contains("content-security-policy: default-src 'none'"), "{path}");
        assert!(shown.headers.contains("cache-control: private, no-store"), "{path}");
    }

    let carrier =
        sign_in(address, &token("carrier-one", &key("carrier-one")), "").cookie().expect("a session");
    assert_eq!(page(address, "/lots/mine/M1", Some(&carrier)).status, 403, "not a lot of its own");
    assert_eq!(page(address, "/findings", Some(&carrier)).status, 403);
    assert!(!page(address, "/lots", Some(&carrier)).body.contains("mine/M1"));

    let ended = ask(address, "POST /session", &format!("Cookie: {cookie}\r\n"), "end=1");
    assert!(ended.status == 303 && ended.headers.contains("max-age=0"), "{}", ended.headers);
    assert_eq!(page(address, "/lots", Some(&cookie)).status, 401, "the session is over");
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_does_not_hold_opens_no_session() {
    let world = World::new();
    let node = members_only(&world).await;
    let address = node.node.member_addr();
    let mine = key("mine");
    let share = Share { lot: "mine/M1".into(), tree_size: 1 };
    let link = Token::of_share("mine", &mine, ORIGIN, share, now_ms() / 1000, 3_600).sign(&mine);
    let old = Token::of_member("mine", &mine, ORIGIN, now_ms() / 1000 - 700).sign(&mine);
    for bad in ["", "garbage", &link, &old, &token("mine", &SecretKey::from_seed(&[98; 32]))] {
        let answer = sign_in(address, bad, "");
        assert!(
            answer.status == 303 && answer.headers.contains("location: /session?refused="),
            "{}",
            answer.headers
        );
        assert!(answer.cookie().is_none());
    }
    let good = token("mine", &mine);
    for elsewhere in
        ["Origin: https://evil.example\r\n", "Origin: null\r\n", "Sec-Fetch-Site: cross-site\r\n"]
    {
        assert_eq!(sign_in(address, &good, elsewhere).status, 403, "{elsewhere}");
    }
    let here = format!("Origin: http://{address}\r\nSec-Fetch-Site: same-origin\r\n");
    assert!(sign_in(address, &good, &here).cookie().is_some());
    let made_up = format!("oreledger_session={}", "ab".repeat(32));
    assert_eq!(page(address, "/lots", Some(&made_up)).status, 401);
    assert_eq!(page(address, "/", Some(&made_up)).status, 200, "the way in stays open");
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_ends_with_the_key_that_opened_it() {
    let world = World::new();
    let node = members_only(&world).await;
    let address = node.node.member_addr();
    let spare = SecretKey::from_seed(&[55; 32]);
    add_key(&node, "mine", &spare).await;
    let cookie = sign_in(address, &token("mine", &spare), "").cookie().expect("a session");
    assert_eq!(page(address, "/lots", Some(&cookie)).status, 200);
    revoke(&node, "mine", &spare).await;
    let begin = std::time::Instant::now();
    until("the session is over", async || {
        (page(address, "/lots", Some(&cookie)).status == 401).then_some(())
    })
    .await;
    assert!(begin.elapsed() < Duration::from_secs(3), "{:?}", begin.elapsed());
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_share_link_opens_a_passport_for_browsers_and_json_for_programs() {
    let world = World::new();
    let node = members_only(&world).await;
    let address = node.node.member_addr();
    let tree_size = node.publish(&commission(2, 1_000)).await.tree_size;
    let mine = key("mine");
    let share = Share { lot: "mine/M1".into(), tree_size };
    let link = Token::of_share("mine", &mine, ORIGIN, share, now_ms() / 1000, 3_600).sign(&mine);
    let shown = page(address, &format!("/share/{link}"), None);
    assert_eq!(shown.status, 200, "{}", shown.body);
    assert!(shown.body.contains("Passport of mine/M1"), "{}", shown.body);
    assert!(shown.body.contains(&format!("/share/{link}/bundle")));
    assert!(shown.headers.contains("content-security-policy"), "{}", shown.headers);
    let japanese = page(address, &format!("/share/{link}?lang=ja"), None);
    assert!(japanese.status == 200 && japanese.body.contains("lang=\"ja\""), "{}", japanese.body);
    let (status, headers, _) = crate::audit::get_as(address, &format!("/share/{link}"), None);
    assert!(status == 200 && headers.contains("application/json"), "{headers}");
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn lots_are_found_by_a_part_of_their_number_and_by_their_tag() {
    let world = World::new();
    let node = start(Config { read: Read::Everybody, ..world.config() }).await;
    let address = node.node.member_addr();
    node.publish(&commission(1, 1_000)).await;
    node.publish(&commission(23, 1_000)).await;
    let found = page(address, "/lots?q=ine%2Fm2", None);
    assert!(found.status == 200 && found.body.contains("mine/M23"), "{}", found.body);
    assert!(!found.body.contains("/lots/mine/M1\""), "{}", found.body);
    let tagged = page(address, "/lots?q=tag-1", None);
    assert!(tagged.body.contains("mine/M1<") && tagged.body.contains("mine/M23<"), "{}", tagged.body);
    let none = page(address, "/lots?q=nothing-like-it", None);
    assert!(none.status == 200 && !none.body.contains("/lots/mine/"), "{}", none.body);
    node.stop().await;
}
