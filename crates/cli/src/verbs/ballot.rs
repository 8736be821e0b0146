//! Proposals that members decide together: what a vote is about is shown before it is signed.

use std::{collections::BTreeMap, path::PathBuf, time::Duration};

use clap::Args;
use ore_client::Ledger;
use ore_record::v1::{Validator, record::Event};
use serde_json::{Value, json};

use super::{
    found::{Part, fields_of},
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
    let proposed: Vec<Validator> = match parts.is_empty() {
        // The node's word; what is verified of it follows.
        true => ledger.validators().await.map_err(failure)?,
        false => parts.into_iter().map(|part| part.validator).collect(),
    };
    note_difference(&ledger, &proposed.iter().collect::<Vec<_>>()).await?;
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
        note_difference(&ledger, &set.validators.iter().collect::<Vec<_>>()).await?;
    }
    sign::state(context, &verb.statement, "approve", json!({ "proposal": verb.record })).await
}

/// Says who decides now, by verified changes since the trust root, and what a proposed set makes of it.
async fn note_difference(ledger: &Ledger, proposed: &[&Validator]) -> Result<(), Failure> {
    ledger.handovers().await.map_err(failure)?;
    let roots = ledger.roots();
    let now: BTreeMap<String, Vec<u8>> = roots.last().map_or_else(BTreeMap::new, |root| {
        // Witnesses from outside have names of their own.
        let prefix = format!("{}/", root.origin);
        let keys = root.policy.witnesses().iter().map(ore_checkpoint::WitnessDefinition::key);
        let member = |key: &ore_checkpoint::VerifierKey| {
            let member = key.name().as_str().strip_prefix(&prefix)?;
            Some((member.to_owned(), key.public_key().to_vec()))
        };
        keys.filter_map(member).collect()
    });
    output::note(difference(&now, proposed));
    Ok(())
}

/// `now` has the cosigner key of each member that decides.
fn difference(now: &BTreeMap<String, Vec<u8>>, proposed: &[&Validator]) -> String {
    let then: BTreeMap<&str, &Validator> = proposed.iter().map(|it| (it.member.as_str(), *it)).collect();
    let list = |names: Vec<&str>| if names.is_empty() { "nobody".to_owned() } else { names.join(", ") };
    let comes = then.keys().copied().filter(|name| !now.contains_key(*name)).collect();
    let goes = now.keys().map(String::as_str).filter(|name| !then.contains_key(name)).collect();
    let other_keys = |name: &&str| {
        now.get(*name).is_some_and(|key| then.get(name).is_some_and(|it| it.cosigner_key != *key))
    };
    let rekeyed = then.keys().copied().filter(other_keys).collect();
    format!(
        "{} decide now: {}\n  would come: {}\n  would GO: {}\n  would decide with other keys: {}\n  \
         {} would decide then, and the ledger goes on while {} of them are down",
        now.len(),
        list(now.keys().map(String::as_str).collect()),
        list(comes),
        list(goes),
        list(rekeyed),
        then.len(),
        then.len().saturating_sub(1) / 3,
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_comes_who_goes_and_who_has_other_keys_is_said() {
        let now = ["a", "b", "c"].map(|name| (name.to_owned(), vec![1; 32])).into();
        let validator = |name: &str, key: u8| Validator {
            member: name.to_owned(),
            cosigner_key: vec![key; 32],
            ..Validator::default()
        };
        let then = [validator("a", 1), validator("b", 2), validator("d", 1), validator("e", 1)];
        assert_eq!(
            difference(&now, &then.iter().collect::<Vec<_>>()),
            "3 decide now: a, b, c\n  would come: d, e\n  would GO: c\n  would decide with other keys: b\n  \
             4 would decide then, and the ledger goes on while 1 of them are down"
        );
        assert!(difference(&now, &[&then[0]]).contains("would GO: b, c"), "a set of one is seen to be one");
    }
}
