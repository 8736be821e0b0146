//! A bundle dropped on the page is verified there; a tampered one fails at the right step; so does the saved page.

use std::{fs, path::Path};

use ore_record::v1::{Bundle, BundleEntry, ProvenanceClaim};
use prost::Message;

use crate::{
    chromium::{Browser, browser},
    demo::{Demo, bytes},
};

/// Chooses a file on the page and returns what became of each step, and the verdict.
fn checked(browser: &mut Browser, file: &Path) -> (Vec<(String, String)>, String) {
    browser.choose("#verify-file", file);
    let name = file.file_name().and_then(|name| name.to_str()).expect("a name");
    browser.wait(&format!(
        "document.querySelector('[data-part=name]').textContent === '{name}' && !document.querySelector('[data-part=verdict]').hidden"
    ));
    let steps = browser.value(
        "[...document.querySelectorAll('.steps li')].map((it) => [it.dataset.check, it.dataset.state])",
    );
    let steps = steps.as_array().expect("steps").iter().map(|step| {
        let text = |at: usize| step[at].as_str().expect("a text").to_owned();
        (text(0), text(1))
    });
    (steps.collect(), browser.text("[data-part=verdict]"))
}

#[track_caller]
fn fails_at(browser: &mut Browser, file: &Path, check: &str) {
    let (steps, verdict) = checked(browser, file);
    let failed: Vec<&str> =
        steps.iter().filter(|(_, state)| state == "failed").map(|(name, _)| name.as_str()).collect();
    assert_eq!(failed, [check], "{verdict}: {steps:?}");
    assert!(verdict.starts_with("NOT VERIFIED"), "{verdict}");
}

#[test]
fn good_files_verify_on_the_page_and_tampered_ones_fail_at_their_step() {
    let Some(mut browser) = browser() else { return };
    let demo = Demo::start();
    let bundle = demo.file("TGT-301.orebundle");
    demo.open(&mut browser, "/verify?lang=en");
    let (steps, verdict) = checked(&mut browser, &bundle);
    assert_eq!(steps.len(), 12);
    assert!(steps.iter().all(|(_, state)| state == "passed"), "{steps:?}");
    assert_eq!(verdict, "VERIFIED: every check passed");
    let proven = browser.text("[data-part=result]");
    assert!(proven.contains("target-maker-jp/TGT-301") && proven.contains("38.64 %"), "{proven}");
    browser.keep_picture("verify");
    // The command line flipped one bit and said where it fails; the page agrees.
    let flipped = demo.file("TGT-301.flipped.orebundle");
    fails_at(&mut browser, &flipped, &first_says(&demo, &flipped));
    browser.keep_picture("verify-tampered");
    for (name, at, bit) in [("start", 3, 0), ("claim", 60, 2), ("end", 40, 4)] {
        let bent = demo.file(&format!("{name}.orebundle"));
        let mut file = bytes(&bundle);
        let place = if name == "end" { file.len() - at } else { at };
        file[place] ^= 1 << bit;
        fs::write(&bent, file).expect("room");
        fails_at(&mut browser, &bent, &first_says(&demo, &bent));
    }
    nothing_was_asked(&mut browser, &demo);
    the_saved_page_needs_no_node(&mut browser, demo);
}

/// The check at which the first verifier stops.
fn first_says(demo: &Demo, file: &Path) -> String {
    let trust = ore_node::Consortium::load(&demo.file("consortium.toml")).expect("a trust root");
    let policy = trust.policy().expect("a policy");
    let root = ore_verify::TrustRoot { origin: trust.origin, genesis: trust.genesis, policy };
    ore_verify::verify_bundle(&bytes(file), &root).expect_err("it was tampered with").check.name().to_owned()
}

fn nothing_was_asked(browser: &mut Browser, demo: &Demo) {
    let allowed = ["/verify", "/assets/", "/v1/trust"];
    let other: Vec<_> = browser
        .asked
        .iter()
        .filter(|asked| !allowed.iter().any(|path| asked.url.starts_with(&format!("{}{path}", demo.url))))
        .collect();
    assert!(other.is_empty(), "verifying asks for the page and the trust root, nothing else: {other:?}");
    assert!(browser.complaints.is_empty(), "{:?}", browser.complaints);
}

fn the_saved_page_needs_no_node(browser: &mut Browser, demo: Demo) {
    let page = demo.file("saved.html");
    demo.run(&["verify", "--page", page.to_str().expect("text")]);
    let kept = tempfile::tempdir().expect("a folder");
    for name in ["saved.html", "TGT-301.orebundle", "TGT-301.flipped.orebundle"] {
        fs::copy(demo.file(name), kept.path().join(name)).expect("room");
    }
    drop(demo);
    browser.asked.clear();
    browser.open(&format!("file://{}", kept.path().join("saved.html").display()));
    browser.wait("document.querySelector('#verify').dataset.ready === 'yes'");
    let (steps, verdict) = checked(browser, &kept.path().join("TGT-301.orebundle"));
    assert!(steps.len() == 12 && verdict.starts_with("VERIFIED"), "{verdict}: {steps:?}");
    let (_, verdict) = checked(browser, &kept.path().join("TGT-301.flipped.orebundle"));
    assert!(verdict.starts_with("NOT VERIFIED"), "{verdict}");
    assert_eq!(browser.asked.len(), 1, "a saved page asks for itself only: {:?}", browser.asked);
    assert!(browser.complaints.is_empty(), "{:?}", browser.complaints);
}

#[test]
fn what_is_larger_than_the_page_takes_is_not_checked_and_not_called_false() {
    let Some(mut browser) = browser() else { return };
    let vectors = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/vectors/handovers");
    let trust = fs::read_to_string(vectors.join("consortium.toml")).expect("the vector is there");
    let folder = tempfile::tempdir().expect("a folder");
    let (huge, many) = (folder.path().join("huge.orebundle"), folder.path().join("many.orebundle"));
    // A hole: it takes no room.
    fs::File::create(&huge).and_then(|file| file.set_len((256 << 20) + 1)).expect("room");
    let entry = |leaf_index| BundleEntry { leaf_index, entry: vec![1] };
    let entries = (0..200_001).map(entry).collect();
    let bundle = Bundle { claim: Some(ProvenanceClaim::default()), entries, ..Bundle::default() };
    fs::write(&many, bundle.encode_to_vec()).expect("room");
    let languages = [(ore_web::Language::English, "NOT CHECKED"), (ore_web::Language::Japanese, "未検証")];
    for (language, word) in languages {
        let page = folder.path().join(format!("{word}.html"));
        fs::write(&page, ore_web::saved_verifier(language, &trust)).expect("room");
        browser.open(&format!("file://{}", page.display()));
        browser.wait("document.querySelector('#verify').dataset.ready === 'yes'");
        for (file, state) in [(&many, Some("limit")), (&huge, None)] {
            let (steps, verdict) = checked(&mut browser, file);
            assert!(verdict.starts_with(word), "{verdict}");
            let class = browser.value("document.querySelector('[data-part=verdict]').className");
            assert_eq!(class, "note warn");
            let states = |state: &str| steps.iter().filter(|(_, it)| it == state).count();
            assert_eq!(states("failed"), 0, "{steps:?}");
            assert_eq!(
                steps.iter().find(|(_, it)| it == "limit").map(|(check, _)| &**check),
                state.map(|_| "file")
            );
        }
        browser.keep_picture(&format!("verify-limit-{}", language.tag()));
    }
    assert!(browser.complaints.is_empty(), "{:?}", browser.complaints);
}

#[test]
fn what_was_dropped_is_checked_again_with_the_handovers_that_are_chosen_and_no_others() {
    let Some(mut browser) = browser() else { return };
    let vectors = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/vectors/handovers");
    // A browser opens no path with dots.
    let vectors = vectors.canonicalize().expect("the vectors are there");
    let text = |name: &str| fs::read_to_string(vectors.join(name)).expect("the vector is there");
    let folder = tempfile::tempdir().expect("a folder");
    let (page, huge) = (folder.path().join("saved.html"), folder.path().join("huge.handovers"));
    fs::write(&page, ore_web::saved_verifier(ore_web::Language::English, &text("consortium.toml")))
        .expect("room");
    // A hole: it takes no room.
    fs::File::create(&huge).and_then(|file| file.set_len((64 << 20) + 1)).expect("room");
    browser.open(&format!("file://{}", page.display()));
    browser.wait("document.querySelector('#verify').dataset.ready === 'yes'");
    let trust = browser.text("[data-part=trust-said]");
    assert!(trust.contains("SHA-256"), "{trust}");
    let dropped = serde_json::json!(text("of-four.tlog-proof"));
    browser.value(&format!(
        "(() => {{ const held = new DataTransfer(); held.items.add(new File([{dropped}], 'of-four.tlog-proof')); \
         document.querySelector('[data-part=drop]').dispatchEvent(new DragEvent('drop', {{ dataTransfer: held }})); }})()"
    ));
    let verdict = |browser: &mut Browser, word: &str| {
        browser
            .wait(&format!("document.querySelector('[data-part=verdict]').textContent.startsWith('{word}')"));
    };
    verdict(&mut browser, "NOT VERIFIED");
    browser.choose("[data-part=handovers-file]", &vectors.join("grown.handovers"));
    verdict(&mut browser, "VERIFIED");
    browser.keep_picture("verify-handovers");
    browser.choose("[data-part=handovers-file]", &huge);
    verdict(&mut browser, "NOT VERIFIED");
    let said = browser.text("[data-part=handovers-said]");
    assert!(said.contains("64 MiB"), "{said}");
    assert_eq!(browser.text("[data-part=trust-said]"), trust, "the trust root stays on the page");
    browser.keep_picture("verify-handovers-too-long");
    browser.choose("[data-part=handovers-file]", &vectors.join("grown.handovers"));
    verdict(&mut browser, "VERIFIED");
    assert_eq!(browser.text("[data-part=handovers-said]"), "");
    assert!(browser.complaints.is_empty(), "{:?}", browser.complaints);
}
