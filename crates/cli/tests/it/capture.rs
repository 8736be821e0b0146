//! The capture gateway as a member's system uses it: documents posted, jobs followed, events asked for.

use std::{
    io::{BufReader, Read, Write},
    net::TcpStream,
    path::Path,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use serde_json::{Value, json};

use crate::{
    epcis::{LOT, PRODUCTS, document, mined, moved},
    support::{TestLedger, err, read_until},
};

/// A gateway of mine-a, killed when dropped.
struct Gateway {
    process: Child,
    address: String,
}

impl Gateway {
    fn start(ledger: &TestLedger) -> Self {
        ledger.write("products.csv", PRODUCTS);
        let mut process = ledger
            .command(&["capture", "--listen", "127.0.0.1:0", "--products", "products.csv", "--as", "mine-a"])
            .stderr(Stdio::piped())
            .spawn()
            .expect("starts");
        let mut errors = BufReader::new(process.stderr.take().expect("piped"));
        let line = read_until(&mut errors, "capturing at ");
        let address = line.split("http://").nth(1).and_then(|rest| rest.split('/').next());
        let address = address.expect("an address").to_owned();
        std::thread::spawn(move || std::io::copy(&mut errors, &mut std::io::sink()));
        Self { process, address }
    }

    /// Status, headers and body of an answer.
    fn ask(&self, request: &str, body: &str) -> (u16, String, String) {
        let mut stream = TcpStream::connect(&self.address).expect("the gateway listens");
        let length = body.len();
        let head = format!("{request}\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n");
        stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(body.as_bytes())).expect("sent");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("answered");
        let (head, body) = answer.split_once("\r\n\r\n").expect("a head and a body");
        let status = head.split(' ').nth(1).and_then(|code| code.parse().ok()).expect("a status");
        (status, head.to_owned(), body.to_owned())
    }

    fn get(&self, path: &str) -> (u16, String, String) {
        self.ask(&format!("GET {path} HTTP/1.1\r\nHost: {}", self.address), "")
    }

    fn post(&self, kind: &str, behaviour: &str, body: &str) -> (u16, String, String) {
        let head = format!(
            "POST /epcis/capture HTTP/1.1\r\nHost: {}\r\nContent-Type: {kind}\r\nGS1-Capture-Error-Behaviour: {behaviour}",
            self.address
        );
        self.ask(&head, body)
    }

    /// Posts a document; where its job is.
    fn accepted(&self, behaviour: &str, body: &str) -> String {
        let (status, head, body) = self.post("application/ld+json", behaviour, body);
        assert_eq!(status, 202, "{head}\n{body}");
        header(&head, "location").expect("a job").to_owned()
    }

    /// A job that has ended.
    fn ended(&self, place: &str) -> Value {
        let end = Instant::now() + Duration::from_secs(120);
        loop {
            let (status, _, body) = self.get(place);
            assert_eq!(status, 200, "{body}");
            let job: Value = serde_json::from_str(&body).expect("JSON");
            if job["running"] == false {
                return job;
            }
            assert!(Instant::now() < end, "the job does not end: {job}");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    fn signal(&self, name: &str) {
        let sent = Command::new("kill").args([&format!("-{name}"), &self.process.id().to_string()]).status();
        assert!(sent.expect("there is a kill").success());
    }

    fn kill(mut self) {
        self.process.kill().and_then(|()| self.process.wait()).expect("ends");
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// A header of an answer.
fn header<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    let mut headers = head.lines().filter_map(|line| line.split_once(": "));
    headers.find_map(|(found, value)| found.eq_ignore_ascii_case(name).then_some(value))
}

/// So many lots of ore, each an event of its own; the last has a tag or not.
fn lots(number: u32, last_is_tagged: bool) -> String {
    let events: Vec<Value> = (1..=number)
        .map(|at| {
            let mut event = mined();
            event["quantityList"][0]["epcClass"] = LOT.replace("A-0001", &format!("A-{at:04}")).into();
            event["ilmd"]["mct:tag"] = format!("T-{at:04}").into();
            if at == number && !last_is_tagged {
                event["ilmd"].as_object_mut().expect("an object").remove("mct:tag");
            }
            event
        })
        .collect();
    document(&events)
}

/// How many lots there are that count, and that do not.
fn counted(ledger: &TestLedger) -> (usize, usize) {
    let listed = ledger.ok(&["lot", "list", "--limit", "10000", "--json", "--as", "mine-a"]);
    let lots: Vec<Value> = serde_json::from_str(&listed).expect("JSON");
    let void = lots.iter().filter(|lot| lot["status"] == "void").count();
    (lots.len() - void, void)
}

fn counts(job: &Value) -> [u64; 4] {
    ["recorded", "recordedBefore", "takenBack", "leftInTheLedger"]
        .map(|name| job[name].as_u64().expect("a count"))
}

#[test]
fn a_members_system_captures_and_asks_on_its_own_machine() {
    let ledger = TestLedger::start();
    let gateway = Gateway::start(&ledger);
    let sold = moved("retail_selling", "mine-a", 25, 1);
    let both = document(&[mined(), sold]);

    let rolled_back = gateway.ended(&gateway.accepted("rollback", &both));
    assert_eq!(
        (&rolled_back["success"], counts(&rolled_back)),
        (&json!(false), [0, 0, 0, 0]),
        "{rolled_back}"
    );
    assert_eq!(rolled_back["errors"][0]["instance"], "/epcisBody/eventList/1");
    let title = rolled_back["errors"][0]["title"].as_str();
    assert!(title.is_some_and(|text| text.contains("CBV 2.0, Business steps")), "{rolled_back}");

    let (status, head, _) = gateway.post("application/json; charset=utf-8", "proceed", &both);
    assert_eq!(status, 202);
    let proceeded = gateway.ended(header(&head, "location").expect("a job"));
    assert_eq!((&proceeded["success"], &proceeded["refused"]), (&json!(false), &json!(1)));
    assert_eq!(counts(&proceeded), [1, 0, 0, 0]);
    assert!(proceeded["notStated"][1].is_string(), "{proceeded}");

    let again = gateway.ended(&gateway.accepted("rollback", &document(&[mined()])));
    assert_eq!((&again["success"], counts(&again)), (&json!(true), [0, 1, 0, 0]));
    let torn = gateway.ended(&gateway.accepted("rollback", "{\"type\":"));
    assert_eq!(torn["success"], false, "what is no document fails its job");

    // The query interface is at the same address, with its pages and its refusals.
    let mut another = mined();
    another["quantityList"][0]["epcClass"] = LOT.replace("A-0001", "A-0002").into();
    assert_eq!(gateway.ended(&gateway.accepted("rollback", &document(&[another])))["success"], true);
    let (mut found, mut next) =
        (Vec::new(), Some("/epcis/events?perPage=1&EQ_bizStep=commissioning".to_owned()));
    while let Some(path) = next {
        let (status, head, body) = gateway.get(&path);
        assert_eq!((status, header(&head, "content-type")), (200, Some("application/ld+json")));
        assert_eq!(header(&head, "gs1-epcis-version"), Some("2.0.0"));
        let page: Value = serde_json::from_str(&body).expect("JSON");
        let events = page["epcisBody"]["queryResults"]["resultsBody"]["eventList"].as_array().cloned();
        found.extend(events.expect("a list"));
        assert!(found.len() <= 2, "pages come to an end");
        let link = header(&head, "link").and_then(|link| link.split(['<', '>']).nth(1));
        next = link.map(str::to_owned);
    }
    let classes: Vec<&Value> = found.iter().map(|event| &event["quantityList"][0]["epcClass"]).collect();
    assert_eq!(classes, [&json!(LOT), &json!(LOT.replace("A-0001", "A-0002"))]);
    let (status, head, body) = gateway.get("/epcis/events?EQ_colour=red");
    assert!(status == 400 && head.contains("application/problem+json"), "{head}");
    assert!(body.contains("QueryParameterException"), "{body}");

    named_queries(&gateway);

    for (kind, behaviour, status) in [("text/plain", "rollback", 415), ("application/json", "maybe", 400)] {
        let (got, head, body) = gateway.post(kind, behaviour, &both);
        assert!(got == status && head.contains("application/problem+json"), "{head}\n{body}");
    }
    let (status, _, body) = gateway.get("/epcis/capture/none");
    assert!(status == 404 && body.contains("NoSuchResourceException"), "{body}");
    for path in ["/epcis/capture", "/epcis/events", "/elsewhere"] {
        let (status, _, body) = gateway.ask(&format!("GET {path} HTTP/1.1\r\nHost: evil.example"), "");
        assert!(status == 403 && body.contains("epcisException:SecurityException"), "{body}");
    }
    let host = &gateway.address;
    let (status, head, _) = gateway.ask(&format!("OPTIONS /epcis/capture HTTP/1.1\r\nHost: {host}"), "");
    assert_eq!((status, header(&head, "gs1-epcis-capture-limit")), (204, Some("100000")));
    for (request, status, what) in [
        ("GET /elsewhere", 404, "NoSuchResourceException"),
        ("DELETE /epcis/capture", 405, "ImplementationException"),
        ("POST /epcis/events", 405, "ImplementationException"),
    ] {
        let (got, head, body) = gateway.ask(&format!("{request} HTTP/1.1\r\nHost: {host}"), "");
        assert!(got == status && head.contains("application/problem+json"), "{request}: {head}");
        assert!(body.contains(what), "{body}");
    }
    let outside = ledger.run(&["capture", "--listen", "0.0.0.0:0", "--as", "mine-a"]);
    assert_eq!(outside.status.code(), Some(2), "{}", err(&outside));
}

/// A query is kept by its name, asked page by page, and forgotten.
fn named_queries(gateway: &Gateway) {
    let kept = r#"{"name":"mined","query":{"EQ_bizStep":["commissioning"],"orderBy":"recordTime"}}"#;
    let request = |what: &str| format!("{what} HTTP/1.1\r\nHost: {}", gateway.address);
    let keep = |kind: &str| {
        gateway.ask(&format!("{}\r\nContent-Type: {kind}", request("POST /epcis/queries")), kept)
    };
    // What a page elsewhere may send without asking first.
    for kind in ["text/plain", "application/x-www-form-urlencoded"] {
        let (status, _, body) = keep(kind);
        assert!(status == 415 && body.contains("UnsupportedMediaTypeException"), "{body}");
    }
    assert_eq!(gateway.ask(&request("POST /epcis/queries"), kept).0, 415, "a kind is stated");
    let (status, head, body) = keep("application/json");
    assert_eq!((status, header(&head, "location")), (201, Some("/epcis/queries/mined")), "{body}");
    let (status, _, body) = keep("application/json; charset=utf-8");
    assert!(status == 409 && body.contains("ResourceAlreadyExistsException"), "{body}");
    let (status, head, body) = gateway.get("/epcis/queries/mined/events?perPage=1");
    let page: Value = serde_json::from_str(&body).expect("JSON");
    let events = &page["epcisBody"]["queryResults"]["resultsBody"]["eventList"];
    assert_eq!((status, events.as_array().map(Vec::len)), (200, Some(1)));
    let newest = LOT.replace("A-0001", "A-0002");
    assert_eq!(events[0]["quantityList"][0]["epcClass"], newest.as_str(), "the newest first");
    assert!(header(&head, "link").is_some_and(|link| link.contains("nextPageToken=")), "{head}");
    assert_eq!(gateway.ask(&request("DELETE /epcis/queries/mined"), "").0, 204);
    let (status, _, body) = gateway.get("/epcis/queries/mined/events");
    assert!(status == 404 && body.contains("NoSuchNameException"), "{body}");
}

#[test]
fn one_refusal_of_the_ledger_keeps_all_of_a_document_out() {
    let ledger = TestLedger::start();
    let gateway = Gateway::start(&ledger);
    // More than are handed in together; only the ledger's rules know what is wrong with the last.
    let refused = gateway.ended(&gateway.accepted("rollback", &lots(600, false)));
    assert_eq!((&refused["success"], &refused["refused"]), (&json!(false), &json!(1)), "{refused}");
    assert_eq!((counts(&refused), counted(&ledger)), ([0; 4], (0, 0)), "nothing was ever in");
    let error = &refused["errors"][0];
    assert_eq!(error["instance"], "/epcisBody/eventList/599");
    assert!(error["detail"].as_str().is_some_and(|text| text.contains("rule O1")), "{error}");

    let right = gateway.ended(&gateway.accepted("rollback", &lots(600, true)));
    assert_eq!((&right["success"], counts(&right)), (&json!(true), [600, 0, 0, 0]), "{right}");
    assert_eq!(counted(&ledger), (600, 0));
}

#[test]
fn what_builds_on_a_refused_event_is_told_so_and_a_dry_run_tells_it_too() {
    let ledger = TestLedger::start();
    let gateway = Gateway::start(&ledger);
    let mut untagged = mined();
    untagged["ilmd"].as_object_mut().expect("an object").remove("mct:tag");
    let mut other = mined();
    other["quantityList"][0]["epcClass"] = LOT.replace("A-0001", "A-0002").into();
    let handed_over = [moved("shipping", "mine-a", 15, 20_000), moved("receiving", "refiner-a", 20, 19_990)];
    let all = document(&[&[untagged, other][..], &handed_over].concat());

    let refused = gateway.ended(&gateway.accepted("rollback", &all));
    let errors = refused["errors"].as_array().expect("a list");
    let told: Vec<(&str, bool)> = errors
        .iter()
        .map(|error| {
            let detail = error["detail"].as_str().expect("a text");
            (error["instance"].as_str().expect("a place"), detail.contains("builds on event"))
        })
        .collect();
    let at = |event: u64| format!("/epcisBody/eventList/{event}");
    assert_eq!(told, [(&*at(0), false), (&*at(2), true), (&*at(3), true)], "{refused}");
    assert_eq!(counted(&ledger), (0, 0));

    ledger.write("all.jsonld", &all);
    let dry =
        ["import", "--epcis", "all.jsonld", "--products", "products.csv", "--dry-run", "--as", "mine-a"];
    let dry = ledger.run(&dry);
    assert_eq!(dry.status.code(), Some(1));
    assert!(
        err(&dry).contains("4 events: 1 records would go in, 0 are already in the ledger, 3 refused"),
        "{}",
        err(&dry)
    );
    assert_eq!(counted(&ledger), (0, 0));
}

/// Another program must state a lot before a document's last record is in. Where this process wakes too late for that,
/// the story is told again on a new ledger.
fn told_in_time(story: impl Fn() -> Option<()>) {
    (0..5).find_map(|_| story()).expect("five times all was in before another program could say anything");
}

/// A lot that one of the documents of [`lots`] makes too, stated by another program of the same member; nothing when the
/// document's was there before.
fn stated_elsewhere(ledger: &TestLedger, number: u32) -> Option<()> {
    let lot = LOT.replace("A-0001", &format!("A-{number:04}"));
    let lot = lot.trim_start_matches("https://id.gs1.org/").replace('/', ".");
    let lot = format!(
        r#"{{"commission":{{"kind":"extracted","lot":{{"lot":"mine-a/{lot}","material":"ore","mass":"100 kg","tags":["X"],"facility":"mine-a/site","model":"controlled blending","origin_country":"AU"}}}}}}"#
    );
    ledger.write("elsewhere.jsonl", &(lot + "\n"));
    ledger.run(&["submit", "elsewhere.jsonl", "--as", "mine-a"]).status.success().then_some(())
}

/// Waits until the first records of a document are about to be handed in.
fn begun(ledger: &TestLedger) {
    let documents = ledger.folder.path().join("ledger/documents");
    let end = Instant::now() + Duration::from_secs(120);
    while !unfinished(&documents) {
        assert!(Instant::now() < end, "the job does not begin");
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// Whether a document is on its way in.
fn unfinished(documents: &Path) -> bool {
    let files = std::fs::read_dir(documents).into_iter().flatten().flatten();
    files.into_iter().any(|file| file.path().extension().is_some_and(|ending| ending == "appended"))
}

#[test]
fn what_is_refused_because_of_others_is_taken_back_and_what_cannot_be_is_named() {
    told_in_time(|| {
        let ledger = TestLedger::start();
        let gateway = Gateway::start(&ledger);
        let first = gateway.ended(&gateway.accepted("rollback", &document(&[mined()])));
        assert_eq!(first["success"], true, "{first}");
        let shipped = moved("shipping", "mine-a", 15, 20_000);
        let received = moved("receiving", "refiner-a", 20, 19_990);
        let some: Value = serde_json::from_str(&lots(1_100, true)).expect("JSON");
        let some = some["epcisBody"]["eventList"].as_array().expect("a list");
        let events = [&[shipped, received][..], &some[1..]].concat();

        let place = gateway.accepted("rollback", &document(&events));
        begun(&ledger);
        gateway.signal("STOP");
        stated_elsewhere(&ledger, 1_100)?;
        gateway.signal("CONT");
        let job = gateway.ended(&place);
        assert_eq!((&job["success"], &job["refused"]), (&json!(false), &json!(1)), "{job}");
        assert_eq!(counts(&job), [2, 0, 1_098, 2]);
        assert_eq!(counted(&ledger), (2, 1_098), "the lot that was there, and the one from elsewhere");
        let errors = job["errors"].as_array().expect("a list");
        let left: Vec<&Value> =
            errors.iter().filter(|error| error["title"] == "stays in the ledger").collect();
        let places: Vec<&Value> = left.iter().map(|error| &error["instance"]).collect();
        let newest_first = [&json!("/epcisBody/eventList/1"), &json!("/epcisBody/eventList/0")];
        assert_eq!(places, newest_first, "both sides have done it");
        assert!(
            left.iter().all(|error| error["detail"].as_str().is_some_and(|text| text.starts_with("record ")))
        );

        // Stated again without the one that is taken: each is a correction of the record that was withdrawn.
        let again = gateway.ended(&gateway.accepted("rollback", &document(&events[2..events.len() - 1])));
        assert_eq!((&again["success"], counts(&again)), (&json!(true), [1_098, 0, 0, 0]), "{again}");
        assert_eq!(counted(&ledger), (1_100, 1_098));
        Some(())
    });
}

#[test]
fn a_job_that_was_cut_short_is_ended_by_the_next_gateway_and_leaves_nothing_behind() {
    told_in_time(|| {
        let ledger = TestLedger::start();
        let gateway = Gateway::start(&ledger);
        let place = gateway.accepted("rollback", &lots(1_100, true));
        begun(&ledger);
        gateway.kill();
        stated_elsewhere(&ledger, 1_100)?;

        let gateway = Gateway::start(&ledger);
        let job = gateway.ended(&place);
        assert_eq!((&job["success"], &job["refused"]), (&json!(false), &json!(1)), "{job}");
        assert_eq!(counts(&job), [0, 0, 1_099, 0], "what the first gateway brought in too");
        assert_eq!(counted(&ledger).0, 1, "nothing of it counts");
        assert!(!unfinished(&ledger.folder.path().join("ledger/documents")), "it is settled");
        gateway.kill();

        let gateway = Gateway::start(&ledger);
        assert_eq!(gateway.ended(&place), job, "the outcome is kept");
        Some(())
    });
}
