//! Changes of the validators are followed by both verifiers alike, and forged ones break at the same link.

use base64ct::{Base64, Encoding};
use ore_record::v1::{ChangeValidators, RosterState, roster_state::Entity};
use ore_verify::{Handover, TrustRoot, follow, verify_receipt};
use prost::Message;

use crate::{
    bent::{Dice, flips},
    fields::mutated,
    node::{Job, TrustText, answers},
    vectors,
    world::{World, grown, one_seal, rolled_back, set, trust},
};

/// A chain of handovers under a name.
type Named = (String, Vec<u8>);

fn read(name: &str) -> String {
    std::fs::read_to_string(vectors().join("handovers").join(name)).expect("the vector is there")
}

/// What the first verifier says of a chain: the names of each set, or where and why it breaks.
fn first(chain: &[u8]) -> Result<Vec<Vec<String>>, String> {
    let handovers = Handover::parse_all(chain).map_err(|error| error.to_string())?;
    let roots = follow(&trust(), &handovers).map_err(|fault| fault.to_string())?;
    let names =
        |root: &TrustRoot| root.policy.witnesses().iter().map(|it| it.key().name().to_string()).collect();
    Ok(roots.iter().map(names).collect())
}

/// The link and the kind of the fault; what follows the second colon is each verifier's own wording.
fn kind(fault: &str) -> String {
    fault.split(": ").take(2).collect::<Vec<_>>().join(": ")
}

#[track_caller]
fn both_follow_alike(chains: &[Named]) {
    let job = Job {
        trust: TrustText(read("consortium.toml")),
        chains: chains.iter().map(|(_, bytes)| bytes.clone()).collect(),
        ..Job::default()
    };
    let Some(answers) = answers(&job) else { return };
    let mut differ = Vec::new();
    for ((name, bytes), answer) in chains.iter().zip(&answers.chains) {
        let alike = match first(bytes) {
            Ok(sets) => answer["sets"] == serde_json::json!(sets),
            Err(fault) => answer["fault"].as_str().is_some_and(|second| kind(second) == kind(&fault)),
        };
        if !alike {
            differ.push(format!("{name}: first {:?}, second {answer}", first(bytes)));
        }
    }
    assert!(differ.is_empty(), "{} of {} differ:\n{}", differ.len(), chains.len(), differ.join("\n"));
}

fn file(handovers: &[Handover]) -> Vec<u8> {
    handovers.iter().map(ToString::to_string).collect::<String>().into_bytes()
}

/// A chain from the trust root's one to whatever these bytes say, which the one vouches for.
fn to_leaf(leaf: Vec<u8>) -> Vec<u8> {
    let mut world = World::default();
    world.change(&[1]);
    world.enter_leaf(leaf);
    let seal = world.seal();
    file(&[world.handover(seal, &[1])])
}

fn to_set(set: ChangeValidators) -> Vec<u8> {
    to_leaf(RosterState { entity: Some(Entity::Validators(set)) }.encode_to_vec())
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
        ("rolled-back", "handover 3: it is not later than the one before"),
        ("one-seal", "handover 2: it is not later than the one before"),
    ];
    let good = read("grown.handovers").into_bytes();
    let mut chains = vec![("grown".to_owned(), good), ("none".to_owned(), Vec::new())];
    assert_eq!(
        first(&chains[0].1).map(|sets| sets.iter().map(Vec::len).collect::<Vec<_>>()),
        Ok(vec![1, 4, 7])
    );
    for (name, fault) in broken {
        let text = read(&format!("{name}.handovers")).into_bytes();
        assert_eq!(kind(&first(&text).expect_err("forged")), fault, "{name}");
        chains.push((name.to_owned(), text));
    }
    both_follow_alike(&chains);
}

#[test]
fn names_of_members_are_taken_or_refused_alike() {
    let called = |name: &str| {
        let mut set = set(&[1, 2, 3, 4]);
        name.clone_into(&mut set.validators[1].member);
        to_set(set)
    };
    // Read as a policy's text a space or a newline would begin something else.
    let refused = ["a b", "a\nquorum none", "a+b", "\u{3000}", "\u{7f}", &"n".repeat(1_024)];
    let mut chains: Vec<Named> = Vec::new();
    for name in refused {
        chains.push((format!("refused {name:?}"), called(name)));
        let fault = first(&chains[chains.len() - 1].1).expect_err(name);
        assert_eq!(kind(&fault), "handover 1: the new set's keys");
    }
    // As a policy's text the last would have 300,000 bytes, more than such a text may have.
    let mut many = set(&(1..=100).collect::<Vec<_>>());
    for (at, validator) in many.validators.iter_mut().enumerate() {
        validator.member = format!("{at:0900}");
    }
    let mut taken = vec![("many".to_owned(), to_set(many))];
    for name in ["", "quorum", "\u{200b}", "名", "none", "#"] {
        taken.push((format!("taken {name:?}"), called(name)));
    }
    assert!(taken.iter().all(|(_, chain)| first(chain).is_ok()));
    chains.extend(taken);
    both_follow_alike(&chains);
}

#[test]
fn lines_end_alike() {
    let good = read("grown.handovers");
    let end = good.trim_end();
    let chains = [
        good.replace('\n', "\r\n"),
        end.to_owned(),
        format!("{end}\r"),
        format!("{end}\r\r\n"),
        format!("\u{85}\u{a0}\n{good}"),
        format!("\u{feff}{good}"),
        format!("\u{200b}{good}"),
        format!("{good}\n"),
        good.replace("roster 1 ", "roster +1 "),
        good.replace("roster 1 ", "roster 01 "),
        good.replace("roster 1 ", "roster  1 "),
    ];
    let mut named: Vec<Named> =
        chains.into_iter().enumerate().map(|(at, text)| (at.to_string(), text.into_bytes())).collect();
    named.push(("no text".to_owned(), [good.as_bytes(), b"\xff"].concat()));
    both_follow_alike(&named);
}

/// Chains that were put together anew from parts of good ones, and sets that were bent before the seal.
#[test]
fn chains_from_parts_are_judged_alike() {
    let mut dice = Dice::new(7);
    let (_, [to_four, to_seven]) = grown();
    let whole = [to_four, to_seven].into_iter().chain(rolled_back()).chain(one_seal()).collect::<Vec<_>>();
    let lines: Vec<String> =
        String::from_utf8(file(&whole)).expect("text").lines().map(str::to_owned).collect();
    let good: Vec<String> = lines[..12].to_vec();
    let mut chains: Vec<Named> = Vec::new();
    for at in 0..300 {
        let mut lines_now = good.clone();
        for _ in 0..=dice.below(2) {
            let place = dice.below(lines_now.len());
            match dice.below(5) {
                0 => drop(lines_now.remove(place)),
                1 => lines_now.insert(place, lines[dice.below(lines.len())].clone()),
                // The same field of another link.
                2 => lines_now[place] = lines[dice.below(lines.len() / 6) * 6 + place % 6].clone(),
                3 => lines_now[place].push([' ', '\r', '=', '0', '\u{feff}'][dice.below(5)]),
                _ => lines_now[place] = rewritten(&mut dice, &lines_now[place]),
            }
        }
        chains.push((format!("parts {at}"), (lines_now.join("\n") + "\n").into_bytes()));
    }
    let leaf = RosterState { entity: Some(Entity::Validators(set(&[1, 2, 3, 4]))) }.encode_to_vec();
    chains.extend((0..200).map(|at| (format!("leaf {at}"), to_leaf(mutated(&mut dice, &leaf)))));
    let followed = chains.iter().filter(|(_, chain)| first(chain).is_ok()).count();
    assert!((10..400).contains(&followed), "some are good all the same: {followed}");
    both_follow_alike(&chains);
}

/// The line with other bytes in its base64, or another number.
fn rewritten(dice: &mut Dice, line: &str) -> String {
    let Some((name, value)) = line.split_once(' ') else { return line.to_owned() };
    if name == "roster" {
        return format!("roster {} {}", dice.below(5), dice.below(5));
    }
    match Base64::decode_vec(value) {
        Ok(bytes) => format!("{name} {}", Base64::encode_string(&mutated(dice, &bytes))),
        Err(_) => line.to_lowercase(),
    }
}

#[test]
fn a_flipped_bit_anywhere_in_a_chain_is_judged_alike() {
    let good = read("grown.handovers");
    both_follow_alike(&flips("grown", good.as_bytes(), 300, 5));
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
        let handovers = handovers.into_bytes();
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
        handovers: read("coup.handovers").into_bytes(),
        ..Job::default()
    };
    let Some(answers) = answers(&job) else { return };
    assert_eq!(answers.files[0]["failed"], "handovers", "{}", answers.files[0]);
}

/// Which set vouches for a file is found by what only the sets judge differently, not by doing everything for each.
#[test]
fn a_file_is_checked_once_however_many_sets_there_were() {
    let job = |files: &[&str], handovers: &str, chains: Vec<Vec<u8>>| Job {
        files: files.iter().map(|name| read(name).into_bytes()).collect(),
        trust: TrustText(read("consortium.toml")),
        handovers: handovers.as_bytes().to_vec(),
        chains,
        ..Job::default()
    };
    let grown = read("grown.handovers");
    let alone = answers(&job(&["of-one.tlog-proof"], "", vec![grown.clone().into_bytes()]));
    let among = answers(&job(&["of-one.tlog-proof"], &grown, Vec::new()));
    let (Some(alone), Some(among)) = (alone, among) else { return };
    let asked = |answer: &serde_json::Value| answer["asked"].as_u64().expect("a number");
    // Both read the trust root: two ids of keys. Two of the three sets know the signer, who signed twice.
    let (root, trials) = (2, 2 * 2);
    let [of_one, chain] = [&alone.files[0], &alone.chains[0]].map(asked);
    assert_eq!(asked(&among.files[0]), chain + of_one - root + trials);
}
