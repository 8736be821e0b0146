//! `import --epcis`, `export --epcis` and `export --tiles` as a member and an auditor use them.

use std::{
    io::{Read, Write},
    net::TcpStream,
    path::{Path, PathBuf},
    time::Duration,
};

use serde_json::{Value, json};

use crate::support::{TestLedger, err, out};

const ORIGIN: &str = "https://test.example/metals";
const CONTEXT: &str = "https://ref.gs1.org/standards/epcis/2.0.0/epcis-context.jsonld";
pub(crate) const LOT: &str = "https://id.gs1.org/01/09521234000013/10/A-0001";

pub(crate) fn document(events: &[Value]) -> String {
    json!({
        "@context": [CONTEXT, { "mct": "https://example.com/ns/minerals-custody/1.0/" }],
        "type": "EPCISDocument", "schemaVersion": "2.0", "creationDate": "2026-02-01T00:00:00Z",
        "epcisBody": { "eventList": events },
    })
    .to_string()
}

fn site(member: &str) -> Value {
    json!({ "id": format!("{ORIGIN}/facilities/{member}/site") })
}

pub(crate) fn mined() -> Value {
    json!({
        "type": "ObjectEvent", "action": "ADD", "bizStep": "commissioning", "disposition": "active",
        "eventTime": "2026-01-10T06:00:00.000Z", "eventTimeZoneOffset": "+08:00",
        "quantityList": [{ "epcClass": LOT, "quantity": 20000, "uom": "KGM" }],
        "readPoint": site("mine-a"), "bizLocation": site("mine-a"),
        "ilmd": {
            "mct:wetMass": "20000", "mct:moisturePercent": "8", "mct:originCountry": "AU", "mct:tag": "T-0001",
            "mct:contained": { "mct:element": "Ta", "mct:mass": "4520.7144" },
        },
    })
}

pub(crate) fn moved(step: &str, at: &str, day: u32, kg: u32) -> Value {
    let party = |end: &str, member: &str| {
        json!([
            { "type": "owning_party", end: format!("{ORIGIN}/members/{member}") },
            { "type": "possessing_party", end: format!("{ORIGIN}/members/{member}") },
        ])
    };
    json!({
        "type": "ObjectEvent", "action": "OBSERVE", "bizStep": step,
        "eventTime": format!("2026-01-{day}T06:00:00.000Z"), "eventTimeZoneOffset": "+08:00",
        "quantityList": [{ "epcClass": LOT, "quantity": kg, "uom": "KGM" }],
        "readPoint": site(at), "bizLocation": site(at),
        "sourceList": party("source", "mine-a"), "destinationList": party("destination", "refiner-a"),
    })
}

pub(crate) const PRODUCTS: &str = "gtin,material,model,form,compound,hs_code,process\n\
    9521234000013,concentrate,controlled blending,tantalite\n\
    9521234000020,intermediate,controlled blending,powder,,,reduction\n";

/// What the log holds, once a checkpoint covers all of it: an export goes no further.
fn entries(ledger: &TestLedger) -> String {
    let covered = (0..500).any(|_| {
        let info = got(ledger, "v1/info", "").expect("everybody may know how far it is");
        let info: Value = serde_json::from_slice(&info).expect("JSON");
        std::thread::sleep(Duration::from_millis(10));
        info["durableSize"] == info["publishedSize"] && info["durableSize"].is_string()
    });
    assert!(covered, "no checkpoint covers the whole log");
    ledger.ok(&["export", "all.jsonl", "--as", "mine-a"])
}

/// The refiner makes powder of the lot.
fn refined() -> Value {
    json!({
        "type": "TransformationEvent", "bizStep": "commissioning",
        "eventTime": "2026-01-28T06:00:00.000Z", "eventTimeZoneOffset": "+09:00", "bizLocation": site("refiner-a"),
        "inputQuantityList": [{ "epcClass": LOT, "quantity": 1100, "uom": "KGM" }],
        "outputQuantityList": [
            { "epcClass": "https://id.gs1.org/01/09521234000020/10/P-0001", "quantity": 300, "uom": "KGM" },
        ],
        "ilmd": { "mct:contained": { "mct:element": "Ta", "mct:amount": "80 %" } },
    })
}

#[test]
fn a_document_goes_in_once_and_comes_out_as_one_that_imports_to_the_same_records() {
    let ledger = TestLedger::start();
    ledger.write("products.csv", PRODUCTS);
    let shipped = moved("shipping", "mine-a", 15, 20_000);
    let received = moved("receiving", "refiner-a", 20, 19_990);
    let sold = moved("retail_selling", "mine-a", 25, 1);
    let made = refined();
    ledger.write("in.jsonld", &document(&[mined(), shipped, received, sold, made.clone()]));
    let import = ["import", "--epcis", "in.jsonld", "--products", "products.csv", "--as", "mine-a"];

    let unsent = ledger.run(&[&import[..], &["--rollback"]].concat());
    assert_eq!(unsent.status.code(), Some(1), "{}", err(&unsent));
    assert!(
        err(&unsent).contains(": 0 records in the ledger"),
        "rollback hands nothing in: {}",
        err(&unsent)
    );

    let first = ledger.run(&import);
    let said = err(&first);
    assert_eq!(first.status.code(), Some(1), "{said}");
    assert!(
        said.contains("event 3, ") && said.contains("CBV 2.0, Business steps"),
        "the step that moves no metal: {said}"
    );
    assert!(said.contains("5 events: 4 records in the ledger, 0 were in before, 1 refused"), "{said}");
    assert!(said.contains("declared, not measured"), "{said}");
    let before = entries(&ledger);

    let again = ledger.run(&import);
    assert!(err(&again).contains("0 records in the ledger, 4 were in before, 1 refused"), "{}", err(&again));
    assert_eq!(entries(&ledger), before, "the same ledger");
    let shown = ledger.ok(&["lot", "show", "mine-a/01.09521234000013.10.A-0001", "--as", "mine-a"]);
    assert!(shown.contains("refiner-a") && shown.contains("17.3788 t"), "{shown}");
    let kept = std::fs::read_dir(ledger.folder.path().join("ledger/documents")).expect("kept").count();
    assert_eq!(kept, 1, "the original, once");
    let log = std::fs::read_to_string(ledger.folder.path().join("all.jsonl")).expect("exported");
    assert_eq!(log.matches("\"EPCIS document\"").count(), 4, "each record is linked to it");

    let made_lot = "refiner-a/01.09521234000020.10.P-0001";
    ledger.ok(&["export", "--epcis", made_lot, "out.jsonld", "--as", "mine-a"]);
    let text = std::fs::read_to_string(ledger.folder.path().join("out.jsonld")).expect("exported");
    let value: Value = serde_json::from_str(&text).expect("is JSON");
    assert_eq!(value["epcisBody"]["eventList"].as_array().map(Vec::len), Some(4), "{text}");
    let back = ledger.run(&["import", "--epcis", "out.jsonld", "--as", "mine-b"]);
    assert!(back.status.success(), "{}", err(&back));
    assert!(
        err(&back).contains("4 events: 0 records in the ledger, 4 were in before, 0 refused"),
        "{}",
        err(&back)
    );
    assert_eq!(entries(&ledger), before, "the same records");

    // What was stated wrongly is declared wrong, and stated again.
    let mut wrong = made.clone();
    wrong["errorDeclaration"] = json!({ "declarationTime": "2026-01-30T00:00:00Z", "reason": "incorrect_data", "correctiveEventIDs": ["urn:x:y"] });
    let mut right = made;
    right["outputQuantityList"][0]["quantity"] = 290.into();
    right["eventID"] = "urn:x:y".into();
    ledger.write("error.jsonld", &document(&[wrong, right]));
    let corrected =
        ["import", "--rollback", "--epcis", "error.jsonld", "--products", "products.csv", "--as", "mine-a"];
    let corrected = ledger.run(&corrected);
    assert!(corrected.status.success(), "{}", err(&corrected));
    let shown = ledger.ok(&["lot", "show", made_lot, "--as", "mine-a"]);
    assert!(shown.contains("290 kg"), "{shown}");
}

#[test]
fn a_draft_is_a_new_file_that_is_filled_in_and_imported() {
    let ledger = TestLedger::start();
    ledger.write("products.csv", PRODUCTS);
    let text = |name: &str| std::fs::read_to_string(ledger.folder.path().join(name)).expect("readable");
    let draft = |from: &str, to: &str| {
        ledger.run(&[
            "import",
            "--epcis",
            from,
            "--draft",
            to,
            "--products",
            "products.csv",
            "--as",
            "mine-a",
        ])
    };
    // The refiner takes what nobody shipped to it.
    let made = refined();
    let whole = document(&[mined(), made]);
    ledger.write("in.jsonld", &whole);
    let drafted = draft("in.jsonld", "out.jsonld");
    assert!(drafted.status.success(), "{}", err(&drafted));
    assert!(err(&drafted).contains("2 events of in.jsonld, 0 of them to be corrected, and 2 drafted"));
    assert!(out(&drafted).contains("event 1: refiner-a received"), "{}", out(&drafted));
    let refused =
        ledger.run(&["import", "--epcis", "out.jsonld", "--products", "products.csv", "--as", "mine-a"]);
    assert!(
        err(&refused).contains("1 records in the ledger, 0 were in before, 3 refused"),
        "{}",
        err(&refused)
    );

    let mut filled: Value = serde_json::from_str(&text("out.jsonld")).expect("JSON");
    let events = filled["epcisBody"]["eventList"].as_array_mut().expect("a list");
    assert_eq!(events.len(), 4);
    for (event, day) in events.iter_mut().filter(|it| it.get("mct:missing").is_some()).zip(15..) {
        event.as_object_mut().expect("an object").remove("mct:missing");
        event["eventTime"] = format!("2026-01-{day}T06:00:00.000Z").into();
        event["eventTimeZoneOffset"] = "+08:00".into();
        if event["bizStep"] == "shipping" {
            event["mct:purpose"] = "sale".into();
        }
    }
    ledger.write("filled.jsonld", &filled.to_string());
    let import =
        ["import", "--rollback", "--epcis", "filled.jsonld", "--products", "products.csv", "--as", "mine-a"];
    let taken = ledger.run(&import);
    assert!(err(&taken).contains("4 events: 3 records in the ledger, 1 were in before"), "{}", err(&taken));

    // What is there is not written over, the document itself least of all; what fails leaves nothing behind.
    for there in ["in.jsonld", "out.jsonld"] {
        let refused = draft("in.jsonld", there);
        assert_eq!(refused.status.code(), Some(2));
        assert!(err(&refused).contains("is there already"), "{}", err(&refused));
    }
    assert_eq!(text("in.jsonld"), whole);
    ledger.write("torn.jsonld", &whole[..whole.len() - 3]);
    assert_eq!(draft("torn.jsonld", "torn-out.jsonld").status.code(), Some(1));
    assert!(!ledger.folder.path().join("torn-out.jsonld").exists());

    // A bare event and an answer to a query become documents; what is wrong with the document itself is told.
    let mut bare = mined();
    bare["@context"] = json!([CONTEXT, { "mct": "https://example.com/ns/minerals-custody/1.0/" }]);
    ledger.write("bare.jsonld", &bare.to_string());
    let mut answer: Value = serde_json::from_str(&document(&[mined()])).expect("JSON");
    answer["type"] = "EPCISQueryDocument".into();
    answer["epcisBody"] = json!({ "queryResults": { "queryName": "q", "resultsBody": answer["epcisBody"] } });
    ledger.write("answer.jsonld", &answer.to_string());
    for name in ["bare", "answer"] {
        let (from, to) = (format!("{name}.jsonld"), format!("{name}-out.jsonld"));
        let drafted = draft(&from, &to);
        assert!(drafted.status.success(), "{}", err(&drafted));
        let taken = ledger.run(&["import", "--epcis", &to, "--products", "products.csv", "--as", "mine-a"]);
        assert!(
            err(&taken).contains("1 events: 0 records in the ledger, 1 were in before"),
            "{}",
            err(&taken)
        );
    }
    ledger.write("headless.jsonld", &document(&[mined()]).replace("creationDate", "note"));
    let told = out(&draft("headless.jsonld", "headless-out.jsonld"));
    assert!(
        told.contains("the document: creationDate is missing") && told.contains("the document: \"note\""),
        "{told}"
    );
}

#[test]
fn a_dry_run_counts_what_the_ledger_would_take_and_says_what_it_did_not_judge() {
    let ledger = TestLedger::start();
    ledger.write("products.csv", PRODUCTS);
    let import = |name: &str, how: &[&str]| {
        ledger.run(
            &[&["import", "--epcis", name, "--products", "products.csv", "--as", "mine-a"], how].concat(),
        )
    };
    let lot = |event: &mut Value, number: u32| {
        event["quantityList"][0]["epcClass"] = LOT.replace("A-0001", &format!("A-{number:04}")).into();
        event["ilmd"]["mct:tag"] = format!("T-{number:04}").into();
    };
    ledger.write("first.jsonld", &document(&[mined()]));
    assert!(import("first.jsonld", &[]).status.success());
    // A home that has lost what it remembers: the node knows.
    std::fs::remove_file(ledger.folder.path().join("ledger/epcis.oreledger-state")).expect("there is one");
    let dry = import("first.jsonld", &["--dry-run", "--json"]);
    let said = err(&dry);
    assert!(
        said.contains("1 events: 0 records would go in, 1 are already in the ledger, 0 refused"),
        "{said}"
    );
    let told: Vec<Value> = out(&dry).lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    assert!(told.iter().any(|it| it["event"] == 0 && it["before"] == true), "{told:?}");
    // A withdrawal of a record: what is newest of its lot is then known only once that is in.
    let id = LOT.trim_start_matches("https://id.gs1.org/").replace('/', ".");
    let assayed = format!(
        r#"{{"label":"a","assay":{{"lot":"mine-a/{id}","composition":{{"contents":{{"Ta2O5":"2 %"}},"method":"XRF","laboratory":"mine-a","stage":"producer"}}}}}}"#
    );
    let withdrawn = r#"{"withdraw":{"record":"@a","reason":"incorrect data"}}"#;
    ledger.write("withdrawn.jsonl", &format!("{assayed}\n{withdrawn}\n"));
    ledger.ok(&["submit", "withdrawn.jsonl", "--as", "mine-a", "--wait", "published"]);
    ledger.ok(&["export", "--epcis", &format!("mine-a/{id}"), "out.jsonld", "--as", "mine-a"]);
    let exported = std::fs::read_to_string(ledger.folder.path().join("out.jsonld")).expect("exported");
    let exported: Value = serde_json::from_str(&exported).expect("JSON");
    let mut events = exported["epcisBody"]["eventList"].as_array().cloned().expect("a list");
    assert_eq!(events.len(), 3);
    let (mut second, mut third) = (mined(), mined());
    lot(&mut second, 2);
    lot(&mut third, 3);
    events.extend([second, moved("shipping", "mine-a", 15, 20_000), third]);
    ledger.write("withdrawn.jsonld", &document(&events));
    let dry = import("withdrawn.jsonld", &["--dry-run"]);
    let said = err(&dry);
    let counts = " 1 records would go in, 3 are already in the ledger, 0 refused, 2 not judged, ";
    assert!(said.contains(counts), "{said}");
    assert!(said.contains("withdrawn.jsonld, event 4: not judged: from here on, because"), "{said}");
    assert_eq!(dry.status.code(), Some(1), "nothing is green because nothing is known");

    // After so many refusals nothing is judged, and nothing that was not judged is counted.
    let untagged: Vec<Value> = (10..1_200)
        .map(|number| {
            let mut event = mined();
            lot(&mut event, number);
            event["ilmd"].as_object_mut().expect("an object").remove("mct:tag");
            event
        })
        .collect();
    ledger.write("untagged.jsonld", &document(&untagged));
    let said = err(&import("untagged.jsonld", &["--dry-run"]));
    assert!(
        said.contains(
            "1,190 events: 0 records would go in, 0 are already in the ledger, 1,000 refused, 190 not judged, "
        ),
        "{said}"
    );
    assert!(
        said.contains("event 1000: not judged: from here on, because so many before are refused"),
        "{said}"
    );
}

#[test]
fn the_whole_sample_set_twice_gives_the_same_ledger() {
    let ledger = TestLedger::start();
    let vectors = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/vectors/epcis");
    let mut samples: Vec<PathBuf> = Vec::new();
    for folder in ["samples", "openepcis/Documents", "openepcis/Events", "openepcis/Invalid", "worked"] {
        let files = std::fs::read_dir(vectors.join(folder)).expect("vectors are there");
        samples.extend(
            files
                .map(|file| file.expect("readable").path())
                .filter(|path| path.extension().is_some_and(|ending| ending == "json" || ending == "jsonld")),
        );
    }
    samples.sort();
    assert!(samples.len() > 100, "{}", samples.len());
    let names: Vec<String> = samples.iter().map(|path| path.display().to_string()).collect();
    let arguments: Vec<&str> =
        ["import", "--as", "mine-a", "--epcis"].into_iter().chain(names.iter().map(String::as_str)).collect();
    let first = ledger.run(&arguments);
    assert_eq!(first.status.code(), Some(1), "{}", err(&first));
    for line in err(&first).lines().filter(|line| line.starts_with('/') && !line.contains("not stated:")) {
        assert!(
            line.contains("2.0") || line.contains("GS1 General Specifications") || line.contains('['),
            "no clause, no rule: {line}"
        );
    }
    let once = entries(&ledger);
    let second = ledger.run(&arguments);
    assert_eq!(entries(&ledger), once, "the same ledger");
    assert_eq!(out(&first).lines().count(), out(&second).lines().count());
}

/// What a node answers to a stranger, or to whoever has a token; none if it does not.
fn got(ledger: &TestLedger, path: &str, token: &str) -> Option<Vec<u8>> {
    let address = ledger.url.strip_prefix("http://").expect("plain http").trim_end_matches('/');
    let mut connection = TcpStream::connect(address).expect("the node listens");
    let badge = if token.is_empty() { String::new() } else { format!("Authorization: Bearer {token}\r\n") };
    let request = format!("GET /{path} HTTP/1.1\r\nHost: localhost\r\n{badge}Connection: close\r\n\r\n");
    connection.write_all(request.as_bytes()).expect("sent");
    let mut answer = Vec::new();
    connection.read_to_end(&mut answer).expect("answered");
    let end = answer.windows(4).position(|part| part == b"\r\n\r\n").expect("headers end");
    answer.starts_with(b"HTTP/1.1 200").then(|| answer.split_off(end + 4))
}

/// A log to somebody else's tool: whatever reads a path.
struct Log<'a>(&'a dyn Fn(&str) -> Vec<u8>);

impl tlog_tiles::TileReader for Log<'_> {
    fn height(&self) -> u8 {
        8
    }

    fn read_tiles(&self, tiles: &[tlog_tiles::Tile]) -> Result<Vec<Vec<u8>>, tlog_tiles::Error> {
        // Tiles of this height leave the height out of their path (C2SP tlog-tiles).
        Ok(tiles.iter().map(|tile| (self.0)(&tile.path().replacen("tile/8/", "tile/", 1))).collect())
    }

    fn save_tiles(&self, _: &[tlog_tiles::Tile], _: &[Vec<u8>]) {}
}

/// The checkpoint, its tree by the tiles, and the proof of an entry, all by code that we did not write.
fn audited(read: &dyn Fn(&str) -> Vec<u8>, first_bundle: &[u8]) {
    let note = String::from_utf8(read("checkpoint")).expect("a checkpoint is text");
    let text = note.split("\n\n").next().expect("a note has a text").to_owned() + "\n";
    let checkpoint = tlog_tiles::Checkpoint::from_bytes(text.as_bytes()).expect("their reader reads it");
    assert!(checkpoint.size() > 600 && checkpoint.origin() == "test.example/metals");
    let log = Log(read);
    let hashes =
        tlog_tiles::TileHashReader::new(checkpoint.size(), tlog_tiles::Hash(checkpoint.hash().0), &log);
    let root = tlog_tiles::tree_hash(checkpoint.size(), &hashes).expect("their tree reads our tiles");
    assert_eq!(root, *checkpoint.hash());
    let length = usize::from(u16::from_be_bytes([first_bundle[0], first_bundle[1]]));
    let leaf = tlog_tiles::record_hash(&first_bundle[2..2 + length]);
    let proof = tlog_tiles::prove_record(checkpoint.size(), 0, &hashes).expect("their proof");
    tlog_tiles::check_record(&proof, checkpoint.size(), root, 0, leaf).expect("the entry is in the log");
}

#[test]
fn a_live_node_and_a_folder_of_tiles_are_a_log_to_somebody_elses_tool() {
    let ledger = TestLedger::start();
    let ore = |number: u32| {
        format!(
            r#"{{"author":"mine-a","commission":{{"kind":"extracted","lot":{{"lot":"mine-a/{number}","material":"ore","mass":"100 kg","tags":["T-{number}"],"facility":"mine-a/site","model":"controlled blending","origin_country":"AU"}}}}}}"#
        )
    };
    let lines: Vec<String> = (0..600).map(ore).collect();
    ledger.write("in.jsonl", &(lines[..300].join("\n") + "\n"));
    ledger.ok(&["submit", "in.jsonl", "--wait", "published"]);
    ledger.ok(&["export", "--tiles", "tiles", "--as", "mine-a"]);
    ledger.write("more.jsonl", &(lines[300..].join("\n") + "\n"));
    ledger.ok(&["submit", "more.jsonl", "--wait", "published"]);
    let said = ledger.ok(&["export", "--tiles", "tiles", "--as", "mine-a"]);
    assert!(said.contains(" there before"), "full tiles are not written again: {said}");

    let folder = ledger.folder.path().join("tiles");
    let from_disk =
        |path: &str| std::fs::read(folder.join(path)).unwrap_or_else(|error| panic!("{path}: {error}"));
    let first = from_disk("tile/entries/000");
    audited(&from_disk, &first);
    // The hashes of a live node are for everybody; its entries are for members.
    audited(&|path| got(&ledger, path, "").expect(path), &first);
    assert_eq!(got(&ledger, "tile/entries/000", ""), None);
    let token = ledger.ok(&["token", "--as", "mine-a"]);
    assert_eq!(got(&ledger, "tile/entries/000", token.trim()).as_ref(), Some(&first));
    let policy = std::fs::read_to_string(folder.join("policy")).expect("there is a policy");
    assert!(
        policy.starts_with("log ") && policy.lines().last().is_some_and(|line| line.starts_with("quorum "))
    );

    // A tile that is not what the log says now is never papered over.
    std::fs::write(folder.join("tile/0/000"), b"forged").expect("can be written");
    let refused = ledger.run(&["export", "--tiles", "tiles", "--as", "mine-a"]);
    assert_eq!(refused.status.code(), Some(3), "{}", err(&refused));
}
