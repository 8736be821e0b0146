//! Every help text, word for word. `UPDATE_SNAPSHOTS=1 cargo test` writes them anew.

use std::path::{Path, PathBuf};

use crate::support;

const VERBS: &[&str] = &[
    "",
    "demo",
    "init",
    "found",
    "found prepare",
    "found gather",
    "found install",
    "node",
    "key",
    "key new",
    "key show",
    "key export",
    "member",
    "member admit",
    "member prove",
    "member roles",
    "member add-key",
    "member revoke-key",
    "member list",
    "facility",
    "facility register",
    "facility list",
    "attest",
    "attest issue",
    "attest change",
    "attest list",
    "profile",
    "profile show",
    "profile propose",
    "approve",
    "change-validators",
    "lot",
    "lot commission",
    "lot show",
    "lot history",
    "lot list",
    "transform",
    "ship",
    "accept",
    "decline",
    "cancel",
    "assay",
    "use",
    "stocktake",
    "dispose",
    "hold",
    "release",
    "recall",
    "withdraw",
    "declare",
    "declare seal",
    "declare footprint",
    "declare deposit",
    "declare claim",
    "declare erased",
    "submit",
    "credential",
    "template",
    "import",
    "capture",
    "trace",
    "findings",
    "balance",
    "circularity",
    "dependence",
    "credits",
    "accounts",
    "chain",
    "footprint",
    "fingerprint",
    "fingerprint check",
    "fingerprint attribute",
    "fingerprint step",
    "fingerprint library",
    "fingerprint library list",
    "fingerprint library show",
    "fingerprint library publish",
    "fingerprint library example",
    "fingerprint library columns",
    "fingerprint claim",
    "fingerprint assay",
    "fingerprint queries",
    "receipt",
    "bundle",
    "passport",
    "token",
    "share",
    "peers",
    "handovers",
    "verify",
    "fsck",
    "backup",
    "export",
    "bench",
];

fn snapshot(verb: &str) -> PathBuf {
    let name = if verb.is_empty() { "oreledger".to_owned() } else { verb.replace(' ', "-") };
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/snapshots").join(format!("{name}.txt"))
}

#[test]
fn every_help_text_is_as_it_was_agreed() {
    let update = std::env::var_os("UPDATE_SNAPSHOTS").is_some();
    let mut changed = Vec::new();
    for verb in VERBS {
        let arguments: Vec<&str> = verb.split_whitespace().chain(["--help"]).collect();
        let text = support::ok(Path::new("."), &arguments);
        let path = snapshot(verb);
        if update {
            std::fs::write(&path, &text).expect("the snapshot can be written");
        } else if std::fs::read_to_string(&path).ok().as_deref() != Some(&text) {
            changed.push(format!("--- {}\n{text}", path.display()));
        }
    }
    assert!(
        changed.is_empty(),
        "help texts changed; UPDATE_SNAPSHOTS=1 accepts them\n{}",
        changed.join("\n")
    );
}

/// A verb whose help nobody looks at would escape the test above.
#[test]
fn the_list_of_help_texts_is_complete() {
    let mut waiting = vec![String::new()];
    while let Some(verb) = waiting.pop() {
        let arguments: Vec<&str> = verb.split_whitespace().chain(["--help"]).collect();
        let text = support::ok(Path::new("."), &arguments);
        assert!(VERBS.contains(&verb.as_str()), "{verb:?} is not in the list");
        let Some((_, commands)) = text.split_once("\nCommands:\n") else { continue };
        let names =
            commands.lines().take_while(|line| !line.is_empty()).filter_map(|line| line.strip_prefix("  "));
        for name in
            names.filter(|line| !line.starts_with(' ')).filter_map(|line| line.split_whitespace().next())
        {
            waiting.push(format!("{verb} {name}").trim().to_owned());
        }
    }
}

#[test]
fn a_wrong_command_line_ends_with_a_hint_and_code_2() {
    for arguments in
        [&["demoo"][..], &["trace"], &["lot", "show"], &["submit", "x.txt", "--wait", "never"], &[]]
    {
        let output = support::run(Path::new("."), arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert!(support::out(&output).is_empty(), "{arguments:?}: stdout is for data");
        assert!(
            support::err(&output).lines().last().is_some_and(|line| line.starts_with("hint: ")),
            "{arguments:?}"
        );
    }
}
