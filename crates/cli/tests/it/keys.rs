//! Keys: encrypted by default, never overwritten, opened by their passphrase only.

use crate::support::{err, ok, oreledger, out, run};

#[test]
fn a_new_key_is_encrypted_and_opens_with_its_passphrase() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path();
    std::fs::write(path.join("right"), "tantalum\n").expect("writes");
    std::fs::write(path.join("wrong"), "niobium\n").expect("writes");
    let public = ok(path, &["key", "new", "--out", "k.pem", "--passphrase-file", "right"]);
    assert_eq!(public.trim().len(), 64);
    let pem = std::fs::read_to_string(path.join("k.pem")).expect("written");
    assert!(pem.starts_with("-----BEGIN ENCRYPTED PRIVATE KEY-----"), "{pem}");
    assert_eq!(ok(path, &["key", "show", "k.pem", "--passphrase-file", "right"]), public);

    let refused = run(path, &["key", "show", "k.pem", "--passphrase-file", "wrong"]);
    assert_eq!(refused.status.code(), Some(2));
    assert!(err(&refused).contains("does not open") && err(&refused).contains("hint: "), "{}", err(&refused));
    let unasked = run(path, &["key", "show", "k.pem"]);
    assert!(err(&unasked).contains("no passphrase was given"), "{}", err(&unasked));
    let by_environment =
        oreledger(path).args(["key", "show", "k.pem"]).env("ORELEDGER_PASSPHRASE", "tantalum").output();
    assert_eq!(out(&by_environment.expect("runs")), public);

    let again = run(path, &["key", "new", "--out", "k.pem", "--unencrypted"]);
    assert_eq!(again.status.code(), Some(1), "an existing key is never overwritten");
    assert_eq!(std::fs::read_to_string(path.join("k.pem")).expect("still there"), pem);
}

#[test]
fn nobody_answering_is_code_4_and_a_missing_trust_root_code_2() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path();
    let missing = run(path, &["lot", "list"]);
    assert_eq!(missing.status.code(), Some(2), "{}", err(&missing));
    assert!(err(&missing).contains("trust root") && err(&missing).contains("hint: "));
    ok(
        path,
        &["init", "l", "--origin", "test.example/x", "--unencrypted", "--founder", "mine-a:AU:miner:Mine A"],
    );
    // Port 9 (discard) has no listener on a test machine.
    let nobody = run(path, &["lot", "list", "--home", "l", "--ledger", "http://127.0.0.1:9"]);
    assert_eq!(nobody.status.code(), Some(4), "{}", err(&nobody));
    assert!(err(&nobody).contains("hint: "));
}
