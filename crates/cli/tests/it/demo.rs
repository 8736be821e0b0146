//! The demo from end to end: its story, its proof, its commands, its second run.

use std::{
    io::BufReader,
    path::Path,
    process::{Command, Stdio},
};

use num_bigint::BigInt;
use num_rational::BigRational;
use ore_verify::{BundleReport, TrustRoot, verify_bundle};
use serde_json::Value;

use crate::{
    recount,
    support::{err, interrupt, ok, oreledger, out, read_until, run},
};

const SUBJECT: &str = "target-maker-jp/TGT-301";

fn decimal(text: &str) -> BigRational {
    let (whole, part) = text.split_once('.').expect("a decimal");
    let digits: BigInt = format!("{whole}{part}").parse().expect("digits");
    BigRational::new(digits, BigInt::from(10).pow(part.len() as u32))
}

fn trust(folder: &Path) -> TrustRoot {
    let consortium = ore_node::Consortium::load(&folder.join("consortium.toml")).expect("a trust root");
    let policy = consortium.policy().expect("a policy");
    TrustRoot { origin: consortium.origin, genesis: consortium.genesis, policy }
}

/// One long test: the demo takes a while to tell, and what follows looks at one and the same ledger.
#[test]
fn the_demo_tells_proves_and_continues() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path();
    let told = run(path, &["demo", "--once", "--dir", "d"]);
    assert!(told.status.success(), "{}{}", out(&told), err(&told));
    let said = out(&told);
    for part in [
        "no statement about any company",
        "receipts verified",
        "is killed, as by a power cut; three of four go on",
        "it starts again and catches up",
        "4 nodes asked one by one",
        "one log, one root, one answer",
        "d/TGT-301.orebundle: VERIFIED",
        "NOT VERIFIED",
        "FAILED",
    ] {
        assert!(said.contains(part), "{part:?} is missing in\n{said}");
    }
    // "  268 records by 24 organisations"
    let count = |unit: &str| -> u32 {
        let words: Vec<&str> = said.split_whitespace().collect();
        let at = words.windows(2).position(|pair| pair[1] == unit).expect(unit);
        words[at].parse().expect("a number")
    };
    assert!(count("records") >= 150 && count("organisations") >= 12);

    shares_equal_an_independent_recomputation(path);
    no_flipped_byte_verifies(&path.join("d"));

    let checked = run(path, &["verify", "d/TGT-301.orebundle", "--trust", "d/consortium.toml"]);
    assert_eq!(checked.status.code(), Some(0), "{}", err(&checked));
    let flipped = run(path, &["verify", "d/TGT-301.flipped.orebundle", "--trust", "d/consortium.toml"]);
    assert_eq!(flipped.status.code(), Some(3));
    assert!(out(&flipped).contains("FAILED") && err(&flipped).contains("hint: "));
    // Nothing was found wrong in what is larger than a verifier takes up.
    let long = std::fs::File::create(path.join("d/long.orebundle")).expect("a file");
    long.set_len((256 << 20) + 1).expect("room for a hole");
    let limit = run(path, &["verify", "d/long.orebundle", "--trust", "d/consortium.toml"]);
    assert_eq!(limit.status.code(), Some(3));
    assert!(out(&limit).contains("NOT CHECKED") && out(&limit).contains("LIMIT"), "{}", out(&limit));
    assert!(err(&limit).contains("nothing was found wrong"), "{}", err(&limit));
    std::fs::remove_file(path.join("d/long.orebundle")).expect("removes it");
    for member in ["secretariat", "certifier-ch", "permit-registry", "lab-gb"] {
        assert!(ok(path, &["fsck", &format!("d/nodes/{member}")]).contains("CLEAN"), "{member}");
    }

    the_second_run_continues_and_its_commands_work(path);
}

fn shares_equal_an_independent_recomputation(path: &Path) {
    let story = std::fs::read_to_string(path.join("d/story.jsonl")).expect("the demo leaves its records");
    let mut recounted = recount::shares_of(&story, SUBJECT);
    let proven = ok(path, &["verify", "d/TGT-301.orebundle", "--trust", "d/consortium.toml", "--json"]);
    let proven: Value = serde_json::from_str(&proven).expect("JSON");
    let mut sum = BigRational::from_integer(0.into());
    let tolerance = BigRational::new(1.into(), BigInt::from(10).pow(15));
    let (mut countries, mut generations) =
        (std::collections::BTreeSet::new(), std::collections::BTreeSet::new());
    for share in proven[0]["shares"].as_array().expect("shares") {
        let text = |name: &str| share[name].as_str().unwrap_or_default().to_owned();
        let generation = share["generation"].as_u64().expect("a number");
        let origin = (text("source"), text("country"), text("route"), generation);
        let stated = decimal(&text("share"));
        let expected =
            recounted.remove(&origin).unwrap_or_else(|| panic!("{origin:?} is not in the records"));
        let difference = if stated > expected { &stated - &expected } else { &expected - &stated };
        assert!(difference < tolerance, "{origin:?}: stated {stated}, recomputed {expected}");
        sum += stated;
        countries.insert(origin.1);
        generations.insert(origin.3);
    }
    assert!(recounted.is_empty(), "origins that the bundle leaves out: {recounted:?}");
    assert_eq!(sum, BigRational::from_integer(1.into()), "shares sum to exactly one");
    assert!(countries.len() >= 5, "four countries and the unknown: {countries:?}");
    assert_eq!(generations.into_iter().collect::<Vec<_>>(), [0, 1, 2, 3]);
}

fn no_flipped_byte_verifies(folder: &Path) {
    let trust = trust(folder);
    let bundle = std::fs::read(folder.join("TGT-301.orebundle")).expect("the demo leaves its bundle");
    let whole = cosigners(&verify_bundle(&bundle, &trust).expect("the demo's bundle verifies"));
    assert!(whole.contains("cosigned by 4 of 4") || whole.contains("cosigned by 3 of 4"), "{whole}");
    let step = (bundle.len() / 400).max(1);
    let places = (0..bundle.len()).step_by(step).chain(0..40).chain(bundle.len() - 40..bundle.len());
    for (number, at) in places.enumerate() {
        let mut flipped = bundle.clone();
        flipped[at] ^= 1 << (number % 8);
        // A signature beyond what the policy asks for may be spoilt so that it counts as nobody's; then the report
        // says one fewer.
        if let Ok(report) = verify_bundle(&flipped, &trust) {
            let said = cosigners(&report);
            let fewer = said.contains("3 of 4") && said != whole;
            assert!(fewer, "byte {at} of {} flipped, and it verifies: {said}", bundle.len());
        }
    }
    for cut in [0, 1, bundle.len() / 2, bundle.len() - 1] {
        assert!(verify_bundle(&bundle[..cut], &trust).is_err(), "cut to {cut} bytes, and it verifies");
    }
    let longer = [&bundle[..], &[0]].concat();
    assert!(verify_bundle(&longer, &trust).is_err(), "a byte more, and it verifies");
}

/// What a report says about the checkpoint.
fn cosigners(report: &BundleReport) -> String {
    let said = report.checks.iter().map(|done| done.detail.clone());
    said.into_iter().find(|detail| detail.contains("cosigned by")).unwrap_or_default()
}

fn the_second_run_continues_and_its_commands_work(path: &Path) {
    let mut demo = oreledger(path)
        .args(["demo", "--dir", "d"])
        .stdout(Stdio::piped())
        .stderr(Stdio::inherit())
        .spawn()
        .expect("starts");
    let mut reader = BufReader::new(demo.stdout.take().expect("piped"));
    let said = read_until(&mut reader, "fsck");
    assert!(said.contains("were in the ledger already; nothing was handed in again"), "{said}");
    let (_, commands) = said.split_once("What to try next").expect("commands");
    let commands: Vec<&str> = commands
        .lines()
        .map(str::trim)
        .filter(|line| line.contains("oreledger ") || line.starts_with("curl"))
        .collect();
    assert!(commands.len() >= 10, "{commands:?}");
    for command in &commands {
        if command.contains(" fsck ")
            || (command.starts_with("curl") && Command::new("curl").arg("-V").output().is_err())
        {
            continue;
        }
        let expected = if command.contains("flipped") { 3 } else { i32::from(command.contains("60 kg")) };
        let output = Command::new("sh").arg("-c").arg(command).current_dir(path).output().expect("a shell");
        assert_eq!(output.status.code(), Some(expected), "{command}\n{}{}", out(&output), err(&output));
        if command.contains("60 kg") {
            assert!(err(&output).contains("ITEM_MASS_RISES"), "{}", err(&output));
        }
    }
    assert!(interrupt(&mut demo).success(), "Ctrl-C stops it cleanly");
    let fsck = commands.iter().find(|command| command.contains(" fsck ")).expect("fsck is among them");
    let output = Command::new("sh").arg("-c").arg(fsck).current_dir(path).output().expect("a shell");
    assert!(output.status.success() && out(&output).contains("CLEAN"), "{}{}", out(&output), err(&output));

    // One byte of the log changed on disk: fsck says where, with its own exit code.
    let log = path.join("d/nodes/secretariat/data/log");
    let segment =
        std::fs::read_dir(&log).expect("a log").next().expect("a segment").expect("readable").path();
    let mut bytes = std::fs::read(&segment).expect("readable");
    let at = bytes.iter().rposition(|byte| *byte != 0).expect("not empty") / 2;
    bytes[at] ^= 4;
    std::fs::write(&segment, bytes).expect("writable");
    let output = run(path, &["fsck", "d/nodes/secretariat"]);
    assert_eq!(output.status.code(), Some(3), "{}{}", out(&output), err(&output));
    assert!(out(&output).contains("DAMAGED") && err(&output).contains("at byte"), "{}", err(&output));
}

/// The node is put back to an earlier state, keys and all; whoever saw the later one notices.
#[test]
fn a_ledger_that_was_rolled_back_is_noticed() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path();
    ok(path, &["demo", "--once", "--nodes", "1", "--dir", "d"]);
    let shell = |command: &str| {
        let status = Command::new("sh").arg("-c").arg(command).current_dir(path).status().expect("a shell");
        assert!(status.success(), "{command}");
    };
    shell("cp -r d/data earlier");
    let mut demo = oreledger(path)
        .args(["demo", "--dir", "d"])
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("starts");
    read_until(&mut BufReader::new(demo.stdout.take().expect("piped")), "What to try next");
    let used = [
        "use",
        SUBJECT,
        "--net-mass",
        "40 kg",
        "--facility",
        "fab-tw/fab",
        "--as",
        "fab-tw",
        "--yes",
        "--home",
        "d",
    ];
    ok(path, &used);
    interrupt(&mut demo);
    shell("rm -r d/data && mv earlier d/data");
    let output = run(path, &["demo", "--once", "--dir", "d"]);
    assert_eq!(output.status.code(), Some(3), "{}{}", out(&output), err(&output));
    assert!(err(&output).contains("were shown before"), "{}", err(&output));
}
