//! `submit`: bad lines are named with line, reason and next step; good ones are in; a rerun continues.

use std::{io::BufReader, process::Stdio};

use crate::support::{TestLedger, err, out, read_until};

fn ore(number: &str, kg: &str, content: &str) -> String {
    format!(
        r#"{{"author":"mine-a","commission":{{"kind":"extracted","lot":{{"lot":"mine-a/{number}","material":"ore","form":"ore","mass":"{kg} kg","composition":{{"contents":{{{content}}}}},"tags":["T-{number}"],"facility":"mine-a/site","model":"controlled blending","origin_country":"AU"}}}}}}"#
    )
}

fn smelt(from: &str, to: &str, kg: &str, content: &str) -> String {
    format!(
        r#"{{"author":"mine-a","transform":{{"process":"concentrating","facility":"mine-a/site","inputs":[{{"lot":"mine-a/{from}","mass":"100 kg"}}],"outputs":[{{"role":"product","lot":{{"lot":"mine-a/{to}","material":"concentrate","mass":"{kg} kg","composition":{{"contents":{{{content}}}}},"facility":"mine-a/site","model":"controlled blending"}}}}]}}}}"#
    )
}

fn ship(lot: &str) -> String {
    let zero = "00".repeat(32);
    let lot = if lot == "stale" {
        format!(r#"{{"lot":"mine-a/L1","head":"{zero}"}}"#)
    } else {
        format!("\"mine-a/{lot}\"")
    };
    format!(
        r#"{{"author":"mine-a","ship":{{"lots":[{{"lot":{lot},"mass":"100 kg"}}],"receiver":"refiner-a","transfer":"custody and ownership","purpose":"sale","mode":"road","from_facility":"mine-a/site"}}}}"#
    )
}

#[test]
fn bad_lines_are_named_and_the_others_are_in() {
    let ledger = TestLedger::start();
    // mine-b's key file is replaced by one that the ledger does not know.
    std::fs::remove_file(ledger.folder.path().join("ledger/members/mine-b.pem")).expect("there");
    ledger.ok(&["key", "new", "--out", "ledger/members/mine-b.pem", "--unencrypted"]);
    let gold = r#""Au":"0.01 %""#;
    let tantalum = r#""Ta2O5":"1 %""#;
    let lines = [
        ore("L1", "100", tantalum),
        r#"{"author":"mine-a","commission":{"kind":}"#.to_owned(),
        ore("L2", "100", tantalum).replace("100 kg", "100 stone"),
        ship("NOPE"),
        ship("stale"),
        ore("L3", "100", tantalum).replace("mine-a", "mine-b"),
        ore("L1", "100", tantalum),
        ore("L4", "100", tantalum).replacen('{', &format!(r#"{{"note":"{}","#, "x".repeat(70_000)), 1),
        smelt("L1", "C1", "90", r#""Ta2O5":"5 %""#),
        ore("G1", "100", gold),
        smelt("G1", "S1", "1", r#""Sn":"70 %""#),
        ore("L5", "100", tantalum),
        smelt("L5", "C5", "2", r#""Ta2O5":"30 %""#),
    ];
    ledger.write("in.jsonl", &(lines.join("\n") + "\n"));
    let output = ledger.run(&["submit", "in.jsonl"]);
    assert_eq!(output.status.code(), Some(1), "{}", err(&output));
    let errors = err(&output);
    for (line, parts) in [
        (2, &["column 41", "not JSON"][..]),
        (3, &["mass", "stone", "KGM"]),
        (4, &["UNKNOWN_LOT", "mine-a/NOPE"]),
        (5, &["STALE_HEAD", "newest: "]),
        (6, &["KEY_NOT_VALID", "mine-b"]),
        (7, &["DUPLICATE", "line 1"]),
        (8, &["bytes", "65535"]),
        (9, &["METAL_GAIN", "M4"]),
        (11, &["ELEMENT_FROM_NOTHING", "M13"]),
    ] {
        let start = format!("line {line}");
        let mut said = errors.lines().skip_while(|text| {
            !(text.starts_with(&format!("{start}:")) || text.starts_with(&format!("{start},")))
        });
        let (what, next) = (said.next().unwrap_or_default(), said.next().unwrap_or_default());
        for part in parts {
            assert!(what.contains(part), "line {line} does not say {part:?}: {what:?}\n{errors}");
        }
        assert!(
            next.starts_with("  next: ") && next.len() > 12,
            "line {line} has no next step: {next:?}\n{errors}"
        );
    }
    let done: Vec<String> =
        out(&output).lines().map(|line| line.split('\t').next().unwrap_or_default().to_owned()).collect();
    assert_eq!(done, ["1", "10", "12", "13"], "good lines are in, and nothing else");
    assert!(errors.contains("4 records durable in the ledger, 9 lines refused"), "{errors}");
    assert!(errors.lines().last().is_some_and(|line| line.starts_with("hint: ")), "{errors}");
    assert!(ledger.ok(&["lot", "show", "mine-a/C5"]).contains("2 kg"), "a line may build on the one before");

    let again = ledger.run(&["submit", "in.jsonl"]);
    assert!(err(&again).contains("0 records durable in the ledger, 4 were in before"), "{}", err(&again));
}

#[test]
fn labels_and_offers_are_filled_in() {
    let ledger = TestLedger::start();
    let lines = [
        ore("L1", "100", r#""Ta2O5":"1 %""#),
        ship("L1").replacen('{', r#"{"label":"o1","#, 1),
        r#"{"author":"refiner-a","accept":{"offer":"@o1","lots":[{"lot":"mine-a/L1","mass":"100 kg","seals":"intact"}],"facility":"refiner-a/site"}}"#.to_owned(),
        ore("L2", "100", r#""Ta2O5":"1 %""#),
        ship("L2"),
        r#"{"author":"refiner-a","decline":{"lots":["mine-a/L2"],"reason":"wet"}}"#.to_owned(),
        r#"{"author":"refiner-a","decline":{"offer":"@nobody","lots":["mine-a/L2"],"reason":"wet"}}"#.to_owned(),
    ];
    ledger.write("in.jsonl", &(lines.join("\n") + "\n"));
    let output = ledger.run(&["submit", "in.jsonl", "--wait", "published"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(err(&output).contains("line 7: no line before has the label \"nobody\""), "{}", err(&output));
    assert!(err(&output).contains("6 records published, receipts verified"), "{}", err(&output));
    assert!(ledger.ok(&["lot", "show", "mine-a/L1"]).contains("refiner-a/site"));
    assert!(ledger.ok(&["lot", "history", "mine-a/L2"]).contains("declines"));
}

/// Statements are completed 512 at a time, from what was learnt of these.
#[test]
fn a_refused_line_among_many_leaves_no_later_one_unlearnt() {
    let ledger = TestLedger::start();
    ledger.write("before.jsonl", &([ore("L1", "100", r#""Ta2O5":"1 %""#), ship("L1")].join("\n") + "\n"));
    ledger.ok(&["submit", "before.jsonl"]);
    let unknown =
        r#"{"author":"refiner-a","decline":{"offer":"@nobody","lots":["mine-a/L1"],"reason":"wet"}}"#;
    let accept = r#"{"author":"refiner-a","accept":{"lots":[{"lot":"mine-a/L1","mass":"100 kg","seals":"intact"}],"facility":"refiner-a/site"}}"#;
    let between = (1..512).map(|at| ore(&format!("N{at}"), "100", r#""Ta2O5":"1 %""#));
    let lines: Vec<String> =
        [unknown.to_owned()].into_iter().chain(between).chain([accept.to_owned()]).collect();
    assert_eq!(lines.len(), 513);
    ledger.write("in.jsonl", &(lines.join("\n") + "\n"));
    let output = ledger.run(&["submit", "in.jsonl"]);
    let said = err(&output);
    assert!(said.contains("line 1: no line before has the label"), "{said}");
    assert!(said.contains("512 records durable in the ledger, 1 lines refused"), "{said}");
    assert!(ledger.ok(&["lot", "show", "mine-a/L1"]).contains("refiner-a/site"));
}

#[test]
fn what_follows_a_withdrawal_waits_for_the_heads_that_it_moved() {
    let ledger = TestLedger::start();
    let lines = [
        ore("L1", "100", r#""Ta2O5":"1 %""#),
        r#"{"author":"mine-a","label":"a1","assay":{"lot":"mine-a/L1","composition":{"contents":{"Ta2O5":"2 %"},"method":"XRF","laboratory":"mine-a","stage":"producer"}}}"#.to_owned(),
        r#"{"author":"mine-a","withdraw":{"record":"@a1","reason":"incorrect data"}}"#.to_owned(),
        // Names no lot, so it need not wait; what comes after it must.
        r#"{"author":"mine-a","register_facility":{"facility":{"id":"mine-a/shed","name":"Shed","kind":"warehouse","country":"AU"}}}"#.to_owned(),
        ship("L1"),
    ];
    ledger.write("in.jsonl", &(lines.join("\n") + "\n"));
    let output = ledger.run(&["submit", "in.jsonl"]);
    assert_eq!(output.status.code(), Some(0), "{}", err(&output));
    let journal =
        std::fs::read_to_string(ledger.folder.path().join("in.jsonl.oreledger-state")).expect("a journal");
    let signed = journal.lines().filter(|line| line.contains("\"signed\"")).count();
    assert_eq!(signed, lines.len(), "each is signed once: {journal}");
}

#[test]
fn a_spreadsheet_goes_in_and_its_bad_row_is_named() {
    let ledger = TestLedger::start();
    let rows = "commission,time,lot,kind,material,form,mass,unit,facility,model,origin country,tags,Ta2O5 %\n\
                1,2026-11-02T08:30:00+02:00,mine-a/S1,extracted,ore,ore,5200,KGM,mine-a/site,controlled blending,AU,T-S1,1.9\n\
                2,2026-11-02T08:30:00+02:00,mine-a/S2,extracted,ore,ore,five tons,KGM,mine-a/site,controlled blending,AU,T-S2,1.9\n\
                3,2026-11-02T08:30:00+02:00,mine-a/S3,extracted,ore,ore,100,KGM,mine-a/site,controlled blending,AU,T-S3,1.9\n";
    ledger.write("in.csv", rows);
    let output = ledger.run(&["submit", "in.csv", "--as", "mine-a"]);
    assert_eq!(output.status.code(), Some(1), "{}", err(&output));
    assert!(err(&output).contains("line 3, column "), "{}", err(&output));
    assert!(err(&output).contains("2 records durable in the ledger, 1 lines refused"), "{}", err(&output));
    assert!(ledger.ok(&["lot", "show", "mine-a/S1"]).contains("5.2 t"));
    let again = ledger.run(&["submit", "in.csv", "--as", "mine-a"]);
    assert!(err(&again).contains("0 records durable in the ledger, 2 were in before"), "{}", err(&again));
}

#[test]
fn a_killed_run_is_continued_and_nothing_enters_twice() {
    let ledger = TestLedger::start();
    let lines: Vec<String> =
        (0..3_000).map(|number| ore(&format!("K{number}"), "100", r#""Ta2O5":"1 %""#)).collect();
    ledger.write("many.jsonl", &(lines.join("\n") + "\n"));
    let mut first = ledger
        .command(&["submit", "many.jsonl"])
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("starts");
    let mut reader = BufReader::new(first.stdout.take().expect("piped"));
    read_until(&mut reader, "\t");
    first.kill().expect("killed");
    first.wait().expect("gone");
    let output = ledger.run(&["submit", "many.jsonl"]);
    assert!(output.status.success(), "{}", err(&output));
    let said = err(&output);
    assert!(said.contains(" were in before, 0 lines refused"), "it continues: {said}");
    let lots = ledger.ok(&["lot", "list", "--limit", "10000", "--json"]);
    assert_eq!(lots.matches("\"lot\": \"mine-a/K").count(), 3_000);
}

#[test]
fn a_statement_is_shown_in_words_and_signed_only_when_agreed() {
    let ledger = TestLedger::start();
    let commission = [
        "lot",
        "commission",
        "mine-a/W1",
        "--mass",
        "900 kg",
        "--material",
        "ore",
        "--facility",
        "mine-a/site",
        "--content",
        "Ta2O5=3.8 %",
        "--tag",
        "T-W1",
        "--origin",
        "AU",
        "--as",
        "mine-a",
    ];
    let shown = ledger.ok(&[&commission[..], &["--dry-run"]].concat());
    for part in [
        "mine-a states that lot mine-a/W1 was extracted at mine-a/site",
        "900 kg",
        "Ta2O5 3.8 %",
        "tags T-W1",
    ] {
        assert!(shown.contains(part), "{part:?} is missing in\n{shown}");
    }
    let unasked = ledger.run(&commission);
    assert_eq!(unasked.status.code(), Some(2), "without a terminal nobody can agree");
    let signed = ledger.ok(&[&commission[..], &["--yes"]].concat());
    let id = signed.trim();
    assert_eq!(id.len(), 64);
    let receipt = ledger.ok(&["receipt", id]);
    ledger.write("r.tlog-proof", &receipt);
    let checked = ledger.ok(&["verify", "r.tlog-proof"]);
    assert!(checked.contains("VERIFIED") && checked.contains("mine-a/W1"), "{checked}");
    let broken = receipt.replacen("index ", "index 1", 1);
    ledger.write("b.tlog-proof", &broken);
    let refused = ledger.run(&["verify", "b.tlog-proof"]);
    assert_eq!(refused.status.code(), Some(3), "{}", out(&refused));
    let unknown = ledger.run(&["lot", "show", "mine-a/NOPE"]);
    assert_eq!(unknown.status.code(), Some(1));
    assert!(err(&unknown).contains("hint: "));
    let twice = ledger.run(&[&commission[..], &["--yes"]].concat());
    assert_eq!(twice.status.code(), Some(1));
    assert!(err(&twice).contains("ALREADY_EXISTS") && err(&twice).contains("hint: "), "{}", err(&twice));
}
