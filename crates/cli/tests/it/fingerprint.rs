//! The origin check on a desk without a node: files in, answers and pictures out, and a reason for all else.

use std::{fs, path::Path};

use serde_json::Value;

use crate::support::{TestLedger, err, ok, out, run};

const ELEMENTS: [&str; 14] =
    ["La", "Ce", "Pr", "Nd", "Sm", "Eu", "Gd", "Tb", "Dy", "Ho", "Er", "Tm", "Yb", "Lu"];
const HOME: &str = "Synthetic origin 03";

/// Rows of the synthetic library that the command prints, of one origin.
fn spots(folder: &Path, origin: &str) -> Vec<Vec<String>> {
    let table = ok(folder, &["fingerprint", "library", "example"]);
    let rows = table.lines().skip(1).map(|line| {
        // The only quoted cell is the laboratory with its method.
        let mut cells = Vec::new();
        let (mut cell, mut quoted) = (String::new(), false);
        for c in line.chars() {
            match c {
                '"' => quoted = !quoted,
                ',' if !quoted => cells.push(std::mem::take(&mut cell)),
                c => cell.push(c),
            }
        }
        cells.push(cell);
        cells
    });
    rows.filter(|cells| cells[1] == origin).collect()
}

/// An assay of four spots of one sample of an origin, with its laboratory.
struct Assay {
    head: Vec<String>,
    rows: Vec<Vec<String>>,
}

impl Assay {
    fn of(folder: &Path, origin: &str) -> Self {
        let spots = spots(folder, origin);
        let sample = spots[0][3].clone();
        let named = ["matrix", "campaign", "unit", "spot"];
        let rows = spots.iter().filter(|cells| cells[3] == sample).take(4).enumerate().map(|(n, cells)| {
            let mut row =
                vec!["scheelite".to_owned(), format!("\"{}\"", cells[4]), "ppm".to_owned(), format!("s{n}")];
            row.extend(cells[7..21].iter().cloned());
            row
        });
        Self {
            head: named.iter().chain(&ELEMENTS).map(|it| (*it).to_owned()).collect(),
            rows: rows.collect(),
        }
    }

    fn column(&self, name: &str) -> usize {
        self.head.iter().position(|it| it == name).expect("a column of the assay")
    }

    fn all(mut self, column: &str, value: &str) -> Self {
        let at = self.column(column);
        self.rows.iter_mut().for_each(|row| row[at] = value.to_owned());
        self
    }

    fn write(&self, folder: &Path) {
        let lines = std::iter::once(&self.head).chain(&self.rows).map(|row| row.join(","));
        fs::write(folder.join("assay.csv"), lines.collect::<Vec<_>>().join("\n"))
            .expect("the assay is written");
    }
}

const CHECK: [&str; 7] =
    ["fingerprint", "check", "--assay", "assay.csv", "--origin", HOME, "--committed-first"];

/// What a check of this assay is not assessable for: exit code 1, the reasons on stdout, never a ratio.
fn reasons(folder: &Path, assay: &Assay) -> String {
    assay.write(folder);
    let output = run(folder, &CHECK);
    let text = out(&output);
    assert_eq!(output.status.code(), Some(1), "{text}{}", err(&output));
    assert!(text.starts_with("NOT ASSESSABLE"), "{text}");
    assert!(!text.contains("likelihood ratio") && !text.contains("support for the claim"), "{text}");
    text
}

/// What is wrong with a table that cannot be read: exit code 2, and a hint.
fn refused(folder: &Path, assay: &Assay) -> String {
    assay.write(folder);
    let output = run(folder, &CHECK);
    assert_eq!(output.status.code(), Some(2), "{}{}", out(&output), err(&output));
    assert!(out(&output).is_empty());
    err(&output)
}

#[test]
fn an_honest_assay_is_evidence_with_its_strength_and_two_pictures() {
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path();
    Assay::of(folder, HOME).write(folder);
    let pictures = ["--svg", "spider.svg", "--map", "map.svg", "--embedding"];
    let text = ok(folder, &[&CHECK[..], &pictures].concat());
    assert!(text.contains("support for the claim"), "{text}");
    assert!(text.contains("SYNTHETIC: no place on earth"), "{text}");
    assert!(text.contains("no probability that the claim is true"), "{text}");
    let spider = fs::read_to_string(folder.join("spider.svg")).expect("the spider plot");
    assert!(spider.contains("CI chondrite, McDonough") && spider.contains(HOME), "{spider}");
    let map = fs::read_to_string(folder.join("map.svg")).expect("the map");
    assert!(map.contains("Distances in this picture are not evidence.") && map.contains("the lot"), "{map}");

    // Same seed, same bytes; and the same numbers for programs.
    ok(folder, &[&CHECK[..], &pictures].concat());
    assert_eq!(fs::read_to_string(folder.join("map.svg")).expect("the map again"), map);
    let json: Value = serde_json::from_str(&ok(folder, &[&CHECK[..], &["--json"]].concat())).expect("JSON");
    let found = &json["assessed"];
    assert!(found["likelihoodRatio"].as_f64().is_some_and(|ratio| ratio > 2.0), "{json:#}");
    assert_eq!(found["resembles"]["top"][0]["origin"], HOME);
    assert_eq!(json["commitment"], "COMMITMENT_BASIS_STATED");
}

#[test]
fn a_foreign_lot_speaks_against_the_claim() {
    let folder = tempfile::tempdir().expect("a folder");
    Assay::of(folder.path(), "Synthetic origin 08").write(folder.path());
    let text = ok(folder.path(), &CHECK);
    assert!(text.contains("support for another origin"), "{text}");
    assert!(text.contains("Synthetic origin 08"), "{text}");
}

#[test]
fn a_claim_that_was_not_first_is_not_assessed() {
    let folder = tempfile::tempdir().expect("a folder");
    Assay::of(folder.path(), HOME).write(folder.path());
    let output = run(folder.path(), &CHECK[..6]);
    assert_eq!(output.status.code(), Some(1));
    assert!(out(&output).contains("not committed before the assay was revealed"), "{}", out(&output));
    assert!(err(&output).contains("do not read this as a pass"), "{}", err(&output));
}

#[test]
fn every_bad_input_gets_its_reason() {
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path();
    let assay = || Assay::of(folder, HOME);

    let missing = ELEMENTS[5..].iter().fold(assay(), |assay, element| assay.all(element, ""));
    assert!(reasons(folder, &missing).contains("5 rare earths observed, 6 are needed"));

    let wrong_unit = assay().all("unit", "ppb");
    assert!(reasons(folder, &wrong_unit).contains("wrong unit?"));

    let mut mixed = assay();
    let unit = mixed.column("unit");
    mixed.rows[1][unit] = "CI McDonough & Sun 1995".to_owned();
    assert!(reasons(folder, &mixed).contains("normalised differently"));

    let mut disturbed = assay();
    disturbed.head.push("disturbed".to_owned());
    let most = ELEMENTS[..9].join(" ");
    disturbed.rows.iter_mut().for_each(|row| row.push(most.clone()));
    assert!(reasons(folder, &disturbed).contains("disturbed by the method: 9"));

    let mut single = assay();
    single.rows.truncate(1);
    assert!(reasons(folder, &single).contains("1 usable spot, 2 are needed"));

    let unknown = assay().all("matrix", "kryptonite");
    assert!(reasons(folder, &unknown).contains("mineral \"kryptonite\" is not known"));

    let bulk = assay().all("matrix", "bulk scheelite");
    assert!(reasons(folder, &bulk).contains("the library is of scheelite grains"));

    let refined = assay().all("matrix", "APT");
    assert!(reasons(folder, &refined).contains("carries the pattern of its reagents, not of its ore"));

    let mut swapped = assay();
    let (tb, dy) = (swapped.column("Tb"), swapped.column("Dy"));
    swapped.rows.iter_mut().for_each(|row| row.swap(tb, dy));
    assert!(reasons(folder, &swapped).contains("implausible patterns: columns or units may be mixed up"));

    assay().write(folder);
    let elsewhere =
        ["fingerprint", "check", "--assay", "assay.csv", "--origin", "Nowhere", "--committed-first"];
    let output = run(folder, &elsewhere);
    assert!(out(&output).contains("origin \"Nowhere\" is not in the library"), "{}", out(&output));
    assert_eq!(output.status.code(), Some(1));
}

#[test]
fn a_table_that_cannot_be_read_says_where_and_what_next() {
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path();
    let assay = || Assay::of(folder, HOME);

    let text = refused(folder, &assay().all("unit", ""));
    assert!(text.contains("line 2: unit: no unit is stated, and none is guessed"), "{text}");
    let text = refused(folder, &assay().all("unit", "counts"));
    assert!(text.contains("unit \"counts\" is not known"), "{text}");
    let text = refused(folder, &assay().all("Dy", "\"12,5\""));
    assert!(text.contains("line 2, column 13: \"12,5\" is no number"), "{text}");
    assert!(text.contains("write decimals with a point"), "{text}");
    let text = refused(folder, &assay().all("Dy", "12,5"));
    assert!(text.contains("line 2: 19 cells under 18 heads"), "{text}");
    let text = refused(folder, &assay().all("La", "1.2 ± 0.1"));
    assert!(text.contains("not of how many standard deviations") && text.contains("`sigma`"), "{text}");
    let mut two = assay();
    two.rows[2][0] = "zircon".to_owned();
    let text = refused(folder, &two);
    assert!(text.contains("line 4: matrix") && text.contains("one table is one lot"), "{text}");
    let mut twice = assay();
    twice.head[5] = "La".to_owned();
    assert!(refused(folder, &twice).contains("La stands there twice"));
    fs::write(folder.join("assay.csv"), "matrix,unit,Fe\nscheelite,ppm,3\n").expect("written");
    let output = run(folder, &CHECK);
    assert!(err(&output).contains("no column is a rare earth"), "{}", err(&output));
    assert!(err(&output).lines().last().is_some_and(|line| line.starts_with("hint: ")));
}

#[test]
fn a_library_of_ones_own_is_read_from_a_table_and_shown() {
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path();
    let table = ok(folder, &["fingerprint", "library", "example"]);
    fs::write(folder.join("library.csv"), &table).expect("written");
    let shown = ok(folder, &["fingerprint", "library", "show", "--file", "library.csv"]);
    assert!(shown.contains("analyses of 12 origins, and of 10 more that are never claimed"), "{shown}");
    Assay::of(folder, HOME).write(folder);
    let own = ok(folder, &[&CHECK[..], &["--library", "library.csv"]].concat());
    assert!(own.contains("support for the claim") && !own.contains("SYNTHETIC"), "{own}");

    let short = table.replace("\"Synthetic laboratory 1, LA-ICP-MS\"", "");
    fs::write(folder.join("library.csv"), short).expect("written");
    let output = run(folder, &["fingerprint", "library", "show", "--file", "library.csv"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(err(&output).contains("a reference analysis states its campaign"), "{}", err(&output));
}

#[test]
fn steps_tell_a_split_from_a_swap_and_refining_from_both() {
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path();
    Assay::of(folder, HOME).write(folder);
    fs::rename(folder.join("assay.csv"), folder.join("before.csv")).expect("renamed");
    let step = |kind: &str, after: &str| {
        run(folder, &["fingerprint", "step", "--kind", kind, "--before", "before.csv", "--after", after])
    };
    let same = step("same-material", "before.csv");
    assert!(
        same.status.success() && out(&same).contains("consistent with what was declared"),
        "{}",
        out(&same)
    );
    Assay::of(folder, "Synthetic origin 08").write(folder);
    let other = step("same-material", "assay.csv");
    assert!(
        other.status.success() && out(&other).contains("differs from what was declared"),
        "{}",
        out(&other)
    );
    let refined = step("refining", "before.csv");
    assert_eq!(refined.status.code(), Some(1));
    assert!(out(&refined).starts_with("PATTERN RESET"), "{}", out(&refined));
    // A blend of one part of each that says two to one.
    let blend = ["fingerprint", "step", "--kind", "blend", "--before", "before.csv=1000kg", "--before"];
    let blend = run(folder, &[&blend[..], &["assay.csv=1000kg", "--after", "before.csv=2000kg"]].concat());
    let text = out(&blend);
    assert!(blend.status.success() && text.contains("as declared") && text.contains("differs"), "{text}");
    assert!(text.contains("2.000, 0.000"), "the best shares take all of the first: {text}");
}

#[test]
fn attribution_names_three_origins_and_warns() {
    let folder = tempfile::tempdir().expect("a folder");
    Assay::of(folder.path(), HOME).write(folder.path());
    let text = ok(folder.path(), &["fingerprint", "attribute", "--assay", "assay.csv"]);
    assert!(text.contains(&format!("resembles            {HOME}")), "{text}");
    assert!(text.contains("can no longer commit a claim"), "{text}");
}

#[test]
fn a_claim_is_judged_by_records_from_the_library_to_the_revealed_assay() {
    let ledger = TestLedger::start();
    let folder = ledger.folder.path();
    ledger.write("library.csv", &ok(folder, &["fingerprint", "library", "example"]));
    let publish = ["fingerprint", "library", "publish", "library.csv", "--name", "demo", "--as", "mine-a"];
    let named = ["--synthetic", "--yes", "--wait", "integrated"];
    let library = ledger.ok(&[&publish[..], &named].concat()).trim().to_owned();
    let listed = ledger.ok(&["fingerprint", "library", "list"]);
    assert!(listed.contains("mine-a/demo") && listed.contains(&library), "{listed}");
    let shown = ledger.ok(&["fingerprint", "library", "show", &library]);
    assert!(shown.contains("640 analyses of 12 origins"), "{shown}");

    for lot in ["L1", "L2"] {
        let lot = format!("mine-a/{lot}");
        let tag = format!("T-{lot}");
        let what = ["lot", "commission", &lot, "--material", "concentrate", "--form", "scheelite"];
        let how = ["--mass", "100 kg", "--facility", "mine-a/site", "--tag", &tag, "--origin", "AU"];
        let commission = [&what[..], &how, &["--as", "mine-a", "--yes"]].concat();
        ledger.ok(&commission);
    }
    let claim = |lot: &str, origin: &str| {
        ledger.ok(&[
            "fingerprint",
            "claim",
            lot,
            "--origin",
            origin,
            "--library",
            &library,
            "--as",
            "mine-a",
            "--yes",
        ])
    };
    // Nothing is claimed and nothing shown: both reasons, and no pass.
    let empty = ledger.run(&["fingerprint", "check", "mine-a/L1"]);
    assert_eq!(empty.status.code(), Some(1));
    assert!(
        out(&empty).contains("no record claims an origin") && out(&empty).contains("no assay"),
        "{}",
        out(&empty)
    );

    claim("mine-a/L1", HOME);
    Assay::of(folder, HOME).write(folder);
    let assay = |rest: &[&str]| {
        let head = ["fingerprint", "assay", "mine-a/L1", "--table", "assay.csv", "--session", "7"];
        ledger.run(&[&head[..], rest, &["--as", "mine-a", "--yes"]].concat())
    };
    let committed = assay(&["--commit", "secret"]);
    assert!(committed.status.success(), "{}", err(&committed));
    let committed = out(&committed).trim().to_owned();
    let early = ledger.run(&["fingerprint", "check", "mine-a/L1"]);
    assert!(out(&early).contains("no assay of the lot shows a trace pattern"), "{}", out(&early));
    // Another result than the one committed to does not open it.
    Assay::of(folder, "Synthetic origin 08").write(folder);
    let other = assay(&["--reveal", &committed, "--secret", "secret"]);
    assert!(err(&other).contains("do not give the committed hash"), "{}", err(&other));
    Assay::of(folder, HOME).write(folder);
    let revealed = assay(&["--reveal", &committed, "--secret", "secret"]);
    assert!(revealed.status.success(), "{}", err(&revealed));

    let text = ledger.ok(&["fingerprint", "check", "mine-a/L1", "--svg", "lot.svg"]);
    assert!(text.contains("support for the claim"), "{text}");
    assert!(text.contains("its record stands before every pattern of the lot"), "{text}");
    assert!(fs::read_to_string(folder.join("lot.svg")).expect("a picture").contains("CI chondrite"));

    // A second claim, as whoever is fishing makes it: from now on nothing is assessed.
    claim("mine-a/L1", "Synthetic origin 08");
    let fishing = ledger.run(&["fingerprint", "check", "mine-a/L1"]);
    assert_eq!(fishing.status.code(), Some(1));
    assert!(out(&fishing).contains("2 different origins were claimed for the lot"), "{}", out(&fishing));
    let findings = ledger.ok(&["findings", "mine-a/L1", "--rule", "O16"]);
    assert!(findings.contains("2 different origins were claimed"), "{findings}");
    // The question that met neither a claim nor a pattern had nothing to fish for, and is not among them.
    let queries = ledger.ok(&["fingerprint", "queries", "--lot", "mine-a/L1"]);
    assert_eq!(queries.lines().filter(|line| line.contains("check")).count(), 3, "{queries}");

    // A lot of the ledger against a file of this desk.
    let step =
        ["fingerprint", "step", "--kind", "same-material", "--before", "mine-a/L1", "--after", "assay.csv"];
    assert!(ledger.ok(&step).contains("consistent with what was declared"));
    // The other lot was never assayed.
    let none = ledger.run(&["fingerprint", "attribute", "mine-a/L2"]);
    assert!(out(&none).contains("no assay of the lot shows a trace pattern"), "{}", out(&none));
}
