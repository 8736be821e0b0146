//! Changes of the validators are followed by both verifiers alike, and forged ones break at the same link.

use ore_checkpoint::Policy;
use ore_verify::{Handover, TrustRoot, follow, verify_receipt};

use crate::{
    bent::flips,
    node::{Job, TrustText, answers},
    vectors,
};

fn read(name: &str) -> String {
    std::fs::read_to_string(vectors().join("handovers").join(name)).expect("the vector is there")
}

/// The trust root of genesis: one validator.
fn trust() -> TrustRoot {
    let text = read("consortium.toml");
    let policy = text.split("\"\"\"\n").nth(1).expect("a policy");
    let policy = Policy::parse(policy.as_bytes()).expect("a good policy");
    TrustRoot { origin: "ledger.example/tantalum".to_owned(), genesis: [7; 32], policy }
}

/// What the first verifier says of a chain: the names of each set, or where and why it breaks.
fn first(chain: &str) -> Result<Vec<Vec<String>>, String> {
    let handovers = Handover::parse_all(chain.as_bytes()).map_err(|error| error.to_string())?;
    let roots = follow(&trust(), &handovers).map_err(|fault| fault.to_string())?;
    let names =
        |root: &TrustRoot| root.policy.witnesses().iter().map(|it| it.key().name().to_string()).collect();
    Ok(roots.iter().map(names).collect())
}

/// The link and the kind of the fault; what follows the second colon is each verifier's own wording.
fn kind(fault: &str) -> String {
    fault.split(": ").take(2).collect::<Vec<_>>().join(": ")
}

fn both_follow_alike(chains: Vec<(String, String)>) {
    let job = Job {
        trust: TrustText(read("consortium.toml")),
        chains: chains.iter().map(|(_, text)| text.clone()).collect(),
        ..Job::default()
    };
    let Some(answers) = answers(&job) else { return };
    for ((name, text), answer) in chains.iter().zip(&answers.chains) {
        match first(text) {
            Ok(sets) => assert_eq!(answer["sets"], serde_json::json!(sets), "{name}: {answer}"),
            Err(fault) => {
                let second = answer["fault"].as_str().unwrap_or_default();
                assert_eq!(kind(second), kind(&fault), "{name}: {answer}");
            }
        }
    }
}

#[test]
fn a_good_chain_is_followed_and_each_forged_one_breaks_at_its_link() {
    let broken = [
        ("skipped", "handover 1: the validators before do not vouch for it"),
        ("turned-round", "handover 1: the validators before do not vouch for it"),
        ("twice", "handover 2: the validators before do not vouch for it"),
        ("coup", "handover 2: the validators before do not vouch for it"),
        ("another-set", "handover 1: the seal commits to another roster"),
        ("another-head-root", "handover 1: the seal commits to another roster"),
        ("no-seal", "handover 1: its entry is no block's seal"),
    ];
    let mut chains = vec![("grown".to_owned(), read("grown.handovers")), ("none".to_owned(), String::new())];
    assert_eq!(
        first(&chains[0].1).map(|sets| sets.iter().map(Vec::len).collect::<Vec<_>>()),
        Ok(vec![1, 4, 7])
    );
    for (name, fault) in broken {
        let text = read(&format!("{name}.handovers"));
        assert_eq!(kind(&first(&text).expect_err("forged")), fault, "{name}");
        chains.push((name.to_owned(), text));
    }
    both_follow_alike(chains);
}

#[test]
fn a_flipped_bit_anywhere_in_a_chain_is_judged_alike() {
    let good = read("grown.handovers");
    // The one bit of each byte that keeps it a letter: what is no text is refused by both before it is read.
    let bent = flips("grown", good.as_bytes(), 300, 5);
    let text = |(name, bytes): (String, Vec<u8>)| Some((name, String::from_utf8(bytes).ok()?));
    both_follow_alike(bent.into_iter().filter_map(text).collect());
}

#[test]
fn receipts_of_all_times_verify_with_the_handovers_and_not_without() {
    let files: Vec<Vec<u8>> = ["of-one", "of-four", "of-seven"]
        .map(|name| read(&format!("{name}.tlog-proof")).into_bytes())
        .to_vec();
    let alone = files.iter().map(|file| verify_receipt(file, None, &trust()).is_ok()).collect::<Vec<_>>();
    assert_eq!(alone, [true, false, false]);
    for (handovers, verdicts, steps) in
        [(String::new(), [true, false, false], 6), (read("grown.handovers"), [true, true, true], 7)]
    {
        let job = Job {
            files: files.clone(),
            trust: TrustText(read("consortium.toml")),
            handovers,
            ..Job::default()
        };
        let Some(answers) = answers(&job) else { return };
        for (answer, verdict) in answers.files.iter().zip(verdicts) {
            assert_eq!(answer["verified"], verdict, "{answer}");
            if verdict {
                assert_eq!(answer["steps"].as_array().map(Vec::len), Some(steps), "{answer}");
            } else {
                assert_eq!(answer["failed"], "checkpoint", "{answer}");
            }
        }
    }
    // A forged chain ends the verification at its own step, whatever the file.
    let job = Job {
        files: files[..1].to_vec(),
        trust: TrustText(read("consortium.toml")),
        handovers: read("coup.handovers"),
        ..Job::default()
    };
    let Some(answers) = answers(&job) else { return };
    assert_eq!(answers.files[0]["failed"], "handovers", "{}", answers.files[0]);
}
