//! Traces of a record on four nodes, as a collector gets them.

use std::{
    collections::BTreeSet,
    io::{BufRead, BufReader, Read, Write},
    net::TcpListener,
    sync::{Arc, Mutex, PoisonError},
};

use serde_json::Value;

use crate::{
    callers::Callers,
    four::{Four, MEMBERS},
    world::{oreledger, turn, until},
};

/// Everything that was posted to `/v1/traces`.
type Posted = Arc<Mutex<Vec<Value>>>;

/// A collector on loopback; its thread ends with the process.
fn collector() -> (String, Posted) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("loopback has room");
    let url = format!("http://{}", listener.local_addr().expect("bound"));
    let posted = Posted::default();
    let keep = Arc::clone(&posted);
    std::thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            let mut reader = BufReader::new(stream);
            let (mut line, mut length) = (String::new(), 0);
            reader.read_line(&mut line).expect("a request");
            assert!(line.starts_with("POST /v1/traces HTTP/1.1"), "{line}");
            while line != "\r\n" {
                line.clear();
                reader.read_line(&mut line).expect("a header");
                let header = line.to_ascii_lowercase();
                if let Some(number) = header.strip_prefix("content-length:") {
                    length = number.trim().parse().expect("a number");
                }
            }
            let mut body = vec![0; length];
            reader.read_exact(&mut body).expect("a body");
            let body = serde_json::from_slice(&body).expect("JSON");
            keep.lock().unwrap_or_else(PoisonError::into_inner).push(body);
            let answer = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}";
            reader.into_inner().write_all(answer.as_bytes()).expect("sent");
        }
    });
    (url, posted)
}

/// Who told of a record, as `(member, trace)`.
fn told(posted: &Posted, record: &str) -> BTreeSet<(String, String)> {
    let posted = posted.lock().unwrap_or_else(PoisonError::into_inner);
    let mut told = BTreeSet::new();
    for resource in posted.iter().filter_map(|body| body["resourceSpans"].get(0)) {
        let named = |list: &Value, key: &str| {
            let all = list.as_array().into_iter().flatten();
            let one =
                all.filter(|one| one["key"] == key).find_map(|one| one["value"]["stringValue"].as_str());
            one.unwrap_or_default().to_owned()
        };
        let member = named(&resource["resource"]["attributes"], "service.instance.id");
        for span in resource["scopeSpans"][0]["spans"].as_array().expect("spans") {
            if named(&span["attributes"], "oreledger.record") == record {
                assert_eq!(span["status"]["code"], 1, "{span}");
                told.insert((member.clone(), span["traceId"].as_str().expect("an id").to_owned()));
            }
        }
    }
    told
}

#[tokio::test(flavor = "multi_thread")]
async fn a_collector_sees_one_trace_of_a_record_from_all_four_nodes() {
    let _turn = turn().await;
    let (url, posted) = collector();
    let four = Arc::new(Four::on_loopback());
    let callers = Callers::new(&four);
    let mut nodes: Vec<_> =
        (0..4).map(|n| four.spawn_with(oreledger(), n, &["--otlp", &url, "--otlp-one-in", "1"])).collect();
    for (n, node) in nodes.iter_mut().enumerate() {
        node.wait_until_up().unwrap_or_else(|why| panic!("{} does not start: {why}", MEMBERS[n]));
        callers.learn(n, node);
    }
    let record = four.commission();
    callers.until_answered(&record).await;
    let id = record.id().to_string();
    let all = until("four spans of one record", || {
        let told = told(&posted, &id);
        (told.len() == 4).then_some(told)
    });
    for (member, trace) in all {
        assert!(MEMBERS.contains(&member.as_str()) && id.starts_with(&trace), "{member}: {trace} of {id}");
    }
    for node in nodes {
        node.stop();
    }
}
