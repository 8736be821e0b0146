//! Proposals that members decide together: what a vote is about is shown before it is signed.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write,
    path::PathBuf,
    time::Duration,
};

use clap::Args;
use ore_client::Ledger;
use ore_record::v1::{Validator, record::Event};
use serde_json::{Value, json};

use super::{
    found::{Part, fields_of, hex},
    receipt::record_id,
    sign::{self, Statement},
};
use crate::{
    context::Context,
    failure::{Failure, Outcome},
    output,
    post::engine::failure,
    words,
};

/// Propose who orders blocks from two heights after enough have approved, the whole set and not what changes in it; or
/// by which rules
#[derive(Args, Debug)]
pub(crate) struct Change {
    /// Public part of each node that shall decide, as `oreledger found prepare` makes it; none: those that do now
    #[arg(required_unless_present = "rules", value_name = "PART")]
    parts: Vec<PathBuf>,
    /// Version of the rules by which they judge blocks from then on, one more than now
    #[arg(long, value_name = "VERSION")]
    rules: Option<u32>,
    #[command(flatten)]
    statement: Statement,
}

#[derive(Args, Debug)]
pub(crate) struct Approve {
    /// Record id of the proposal
    record: String,
    #[command(flatten)]
    statement: Statement,
}

pub(crate) async fn change_validators(context: &Context, verb: &Change) -> Outcome {
    let parts = verb.parts.iter().map(|path| Part::read(path)).collect::<Result<Vec<_>, _>>()?;
    let ledger = context.connect().await?;
    let now = Now::of(&ledger).await?;
    let proposed: Vec<Validator> = match parts.is_empty() {
        true => now.said.clone(),
        false => parts.into_iter().map(|part| part.validator).collect(),
    };
    output::note(now.difference(&proposed));
    if verb.parts.is_empty() {
        // There is no file to compare: what is signed is the node's word.
        let all = proposed.iter().map(|it| format!("  {}", keys_of(it)));
        output::note(format!("to be signed as this node says it:\n{}", all.collect::<Vec<_>>().join("\n")));
    }
    let validators: Vec<Value> = proposed.iter().map(fields_of).collect();
    let fields = json!({ "validators": validators, "rules": verb.rules.unwrap_or_default() });
    sign::state(context, &verb.statement, "change_validators", fields).await
}

pub(crate) async fn approve(context: &Context, verb: &Approve) -> Outcome {
    let id = record_id(&verb.record)?;
    let ledger = context.connect().await?;
    let receipt = ledger.receipt(id, Duration::from_secs(30)).await.map_err(failure)?;
    let proposal = receipt.report.record.record();
    output::note(format!("the proposal, verified:\n  {}", words::describe(proposal).join("\n  ")));
    if let Some(Event::ChangeValidators(set)) = &proposal.event {
        output::note(Now::of(&ledger).await?.difference(&set.validators));
    }
    sign::state(context, &verb.statement, "approve", json!({ "proposal": verb.record })).await
}

/// Who decides now.
struct Now {
    /// The cosigner key of each member, by verified changes since the trust root.
    verified: BTreeMap<String, Vec<u8>>,
    /// All of it, by the word of the node.
    said: Vec<Validator>,
}

impl Now {
    async fn of(ledger: &Ledger) -> Result<Self, Failure> {
        ledger.handovers().await.map_err(failure)?;
        let roots = ledger.roots();
        let verified = roots.last().map_or_else(BTreeMap::new, |root| {
            // Witnesses from outside have names of their own.
            let prefix = format!("{}/", root.origin);
            let keys = root.policy.witnesses().iter().map(ore_checkpoint::WitnessDefinition::key);
            let member = |key: &ore_checkpoint::VerifierKey| {
                let member = key.name().as_str().strip_prefix(&prefix)?;
                Some((member.to_owned(), key.public_key().to_vec()))
            };
            keys.filter_map(member).collect()
        });
        Ok(Self { verified, said: ledger.validators().await.map_err(failure)? })
    }

    /// What a member's node would have otherwise; none if nothing.
    fn changes(&self, then: &Validator) -> Option<String> {
        let cosigner_key = self.verified.get(&then.member)?;
        let mut changes = BTreeSet::new();
        if then.cosigner_key != *cosigner_key {
            changes.insert("cosigner key");
        }
        if let Some(now) = self.said.iter().find(|it| it.member == then.member) {
            let parts = [
                ("consensus key", now.consensus_key != then.consensus_key),
                ("log key", now.log_key != then.log_key),
                ("cosigner key", now.cosigner_key != then.cosigner_key),
                ("TLS key", now.tls_key != then.tls_key),
                ("address", now.peer_address != then.peer_address),
            ];
            changes.extend(parts.iter().filter(|(_, differs)| *differs).map(|(part, _)| *part));
        }
        let changes: Vec<&str> = changes.into_iter().collect();
        (!changes.is_empty()).then(|| changes.join(", "))
    }

    /// What a proposed set makes of it, for people.
    fn difference(&self, proposed: &[Validator]) -> String {
        let names = |names: Vec<&str>| if names.is_empty() { "nobody".to_owned() } else { names.join(", ") };
        let now: BTreeSet<&str> = self.verified.keys().map(String::as_str).collect();
        let then: BTreeMap<&str, &Validator> = proposed.iter().map(|it| (it.member.as_str(), it)).collect();
        let comes: Vec<&str> = then.keys().copied().filter(|name| !now.contains(name)).collect();
        let goes = now.iter().copied().filter(|name| !then.contains_key(name)).collect();
        let changed: Vec<(&str, String)> =
            then.iter().filter_map(|(name, it)| Some((*name, self.changes(it)?))).collect();
        let others = changed.iter().map(|(name, what)| format!("{name} ({what})")).collect::<Vec<_>>();
        let mut text = format!(
            "{} decide now: {}\n  would come: {}\n  would GO: {}\n  would have other keys or another address: {}\n  \
             {} would decide then, and the ledger goes on while {} of them are down",
            now.len(),
            names(now.iter().copied().collect()),
            names(comes.clone()),
            names(goes),
            names(others.iter().map(String::as_str).collect()),
            then.len(),
            then.len().saturating_sub(1) / 3,
        );
        for name in comes.iter().chain(changed.iter().map(|(name, _)| name)) {
            let _ = write!(text, "\n  then {}", keys_of(then[name]));
        }
        let said: BTreeMap<String, Vec<u8>> =
            self.said.iter().map(|it| (it.member.clone(), it.cosigner_key.clone())).collect();
        if said != self.verified {
            text += "\n  this node names other members or cosigner keys as deciding now than could be verified: ask \
                     another node before you sign";
        }
        text
    }
}

/// A validator with all that belongs to it, to be compared with what the organisation says of it.
fn keys_of(it: &Validator) -> String {
    format!(
        "{}: consensus key {}, log key {}, cosigner key {}, TLS key {}, at {}",
        it.member,
        hex(&it.consensus_key),
        hex(&it.log_key),
        hex(&it.cosigner_key),
        if it.tls_key.is_empty() { "as in the trust root".to_owned() } else { hex(&it.tls_key) },
        it.peer_address,
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn validator(name: &str, key: u8) -> Validator {
        Validator {
            member: name.to_owned(),
            consensus_key: vec![key; 32],
            cosigner_key: vec![key; 32],
            ..Validator::default()
        }
    }

    fn now(names: &[&str]) -> Now {
        Now {
            verified: names.iter().map(|name| ((*name).to_owned(), vec![1; 32])).collect(),
            said: names.iter().map(|name| validator(name, 1)).collect(),
        }
    }

    #[test]
    fn who_comes_who_goes_and_who_has_other_keys_is_said() {
        let now = now(&["a", "b", "c"]);
        let then = [validator("a", 1), validator("b", 2), validator("d", 3), validator("e", 4)];
        let said = now.difference(&then);
        let start = "3 decide now: a, b, c\n  would come: d, e\n  would GO: c\n  \
                     would have other keys or another address: b (consensus key, cosigner key)\n  \
                     4 would decide then, and the ledger goes on while 1 of them are down";
        assert!(said.starts_with(start), "{said}");
        let shown: Vec<&str> =
            said.lines().filter_map(|line| line.strip_prefix("  then ")?.split(':').next()).collect();
        assert_eq!(shown, ["d", "e", "b"], "{said}");
        assert!(said.contains(&"02".repeat(32)), "{said}");
        assert!(now.difference(&then[..1]).contains("would GO: b, c"), "a set of one is seen to be one");
    }

    #[test]
    fn a_change_of_one_key_or_of_the_address_alone_is_seen() {
        let now = now(&["a", "b"]);
        type Change = fn(&mut Validator);
        let changes: [(&str, Change); 5] = [
            ("consensus key", |it| it.consensus_key = vec![9; 32]),
            ("log key", |it| it.log_key = vec![9; 32]),
            ("cosigner key", |it| it.cosigner_key = vec![9; 32]),
            ("TLS key", |it| it.tls_key = vec![9; 32]),
            ("address", |it| it.peer_address = "elsewhere:1".to_owned()),
        ];
        for (what, change) in changes {
            let mut then = now.said.clone();
            change(&mut then[1]);
            let said = now.difference(&then);
            assert!(said.contains(&format!("another address: b ({what})\n")), "{said}");
            assert!(said.contains("\n  then b: "), "{said}");
        }
        let same = now.difference(&now.said);
        assert!(same.contains("another address: nobody\n") && !same.contains("then a: "), "{same}");
    }

    #[test]
    fn a_node_that_contradicts_what_is_verified_is_not_believed() {
        let mut now = now(&["a", "b"]);
        assert!(!now.difference(&now.said).contains("ask another node"));
        now.said[0].cosigner_key = vec![9; 32];
        let said = now.difference(&now.said);
        assert!(said.contains("a (cosigner key)") && said.contains("ask another node"), "{said}");
    }
}
