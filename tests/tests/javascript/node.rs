//! Running JavaScript from a test: a folder with the job in, one line of JSON out.

use std::{fmt::Write, fs, path::PathBuf, process::Command};

use ore_verify::TrustRoot;
use serde_json::{Value as Json, json};

/// What the second verifier is asked.
#[derive(Debug, Default)]
pub(crate) struct Job {
    /// Bundles and receipts.
    pub(crate) files: Vec<Vec<u8>>,
    /// The trust root for all of them.
    pub(crate) trust: TrustText,
    /// Changes of the validators since, for all of them; empty: none.
    pub(crate) handovers: Vec<u8>,
    /// Files of handovers to follow from the trust root.
    pub(crate) chains: Vec<Vec<u8>>,
    /// Signatures to judge.
    pub(crate) signatures: Vec<Signature>,
    /// Oxides whose factors are wanted.
    pub(crate) oxides: Vec<String>,
}

/// A trust root as a file.
#[derive(Debug, Default)]
pub(crate) struct TrustText(pub(crate) String);

impl TrustText {
    /// The parts of `consortium.toml` that an offline verifier reads.
    pub(crate) fn of(trust: &TrustRoot) -> Self {
        let policy = String::from_utf8(trust.policy.to_bytes()).expect("names of this test are text");
        let genesis = hex(&trust.genesis);
        Self(format!(
            "origin = \"{}\"\ngenesis = \"{genesis}\"\npolicy = \"\"\"\n{policy}\"\"\"\n",
            trust.origin
        ))
    }
}

/// A signature, all in hexadecimal.
#[derive(Clone, Debug)]
pub(crate) struct Signature {
    pub(crate) key: String,
    pub(crate) message: String,
    pub(crate) signature: String,
}

/// What it answers, in the order of the job.
pub(crate) struct Answers {
    pub(crate) files: Vec<Json>,
    pub(crate) chains: Vec<Json>,
    pub(crate) signatures: Vec<Json>,
    pub(crate) factors: Vec<Json>,
}

/// Hexadecimal.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// Bytes of the vectors' hexadecimal.
pub(crate) fn unhex(text: &str) -> Vec<u8> {
    let pair = |at| u8::from_str_radix(&text[at..at + 2], 16).expect("hexadecimal");
    (0..text.len()).step_by(2).map(pair).collect()
}

/// Where the second verifier is.
pub(crate) fn modules() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../crates/web/assets/verify")
}

/// Has a job done by Node. None, with a word, where there is no Node that knows Ed25519.
///
/// # Panics
/// When Node breaks off, or is absent although `ORELEDGER_BROWSER=required` asks for it.
pub(crate) fn answers(job: &Job) -> Option<Answers> {
    if !node_is_there() {
        let required = std::env::var("ORELEDGER_BROWSER").is_ok_and(|word| word == "required");
        assert!(!required, "ORELEDGER_BROWSER=required, but there is no `node` of version 18 or later");
        eprintln!(
            "LEFT OUT: the JavaScript verifier was not run, for there is no `node` of version 18 or later"
        );
        return None;
    }
    let folder = tempfile::tempdir().expect("a folder");
    let written = |name: String, bytes: &[u8]| {
        fs::write(folder.path().join(&name), bytes).expect("room on the disk");
        name
    };
    let files = job.files.iter().enumerate();
    let files = files.map(|(at, bytes)| json!({ "file": written(format!("{at}.bin"), bytes), "trust": 0 }));
    let chains = job.chains.iter().enumerate();
    let chains = chains.map(|(at, bytes)| written(format!("{at}.handovers"), bytes)).collect::<Vec<_>>();
    let handovers = Some(&job.handovers).filter(|bytes| !bytes.is_empty());
    let handovers = handovers.map(|bytes| written("all.handovers".to_owned(), bytes));
    let signatures = job
        .signatures
        .iter()
        .map(|one| json!({ "key": one.key, "message": one.message, "signature": one.signature }));
    let text = json!({
        "modules": modules(), "files": files.collect::<Vec<_>>(), "trusts": [job.trust.0], "handovers": handovers,
        "chains": chains,
        "signatures": signatures.collect::<Vec<_>>(), "oxides": job.oxides,
    });
    fs::write(folder.path().join("job.json"), text.to_string()).expect("room on the disk");
    let script = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/javascript/run.mjs");
    let done = Command::new("node").arg("--no-warnings").arg(script).arg(folder.path()).output();
    let done = done.expect("node starts");
    assert!(done.status.success(), "node broke off: {}", String::from_utf8_lossy(&done.stderr));
    let answer: Json = serde_json::from_slice(&done.stdout).expect("one line of JSON");
    let list = |name: &str| answer[name].as_array().expect("a list").clone();
    let answers = Answers {
        files: list("files"),
        chains: list("chains"),
        signatures: list("signatures"),
        factors: list("factors"),
    };
    assert_eq!(answers.files.len(), job.files.len(), "every file was answered");
    assert_eq!(answers.chains.len(), job.chains.len(), "every chain was answered");
    assert_eq!(answers.signatures.len(), job.signatures.len(), "every signature was answered");
    assert_eq!(answers.factors.len(), job.oxides.len(), "every oxide was answered");
    Some(answers)
}

fn node_is_there() -> bool {
    let version = Command::new("node").arg("--version").output();
    let text = version.map(|done| String::from_utf8_lossy(&done.stdout).into_owned()).unwrap_or_default();
    let major = text.trim().trim_start_matches('v').split('.').next().and_then(|it| it.parse::<u32>().ok());
    major.is_some_and(|major| major >= 18)
}
