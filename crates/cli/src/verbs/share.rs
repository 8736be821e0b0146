//! `oreledger token` and `oreledger share`: the right to read, for a few minutes or for one lot.

use clap::Args;
use ore_wire::token::{SHARE_SECONDS, Share as Shared, Token};
use serde_json::json;

use super::sign::now_ms;
use crate::{
    context::Context,
    failure::{Failure, Outcome},
    output,
    post::engine::failure,
};

/// Seconds in a day.
const DAY: u64 = 24 * 3_600;

#[derive(Args, Debug)]
pub(crate) struct Make {}

#[derive(Args, Debug)]
pub(crate) struct Share {
    /// Lot
    lot: String,
    /// Days until the link is void, at most 366
    #[arg(long, default_value_t = 30, value_parser = clap::value_parser!(u64).range(1..=366))]
    days: u64,
    /// As the ledger knew it at this number of entries [default: all that are published now]
    #[arg(long, value_name = "SIZE")]
    as_of: Option<u64>,
}

/// Makes a token without asking the ledger: the member's key is all that it takes.
pub(crate) fn token(context: &Context, _: &Make) -> Outcome {
    let member = context.acting()?;
    let origin = context.trust_root()?.origin;
    let mut keyring = context.keyring();
    let key = keyring.of(member)?;
    let token = Token::of_member(member, key, &origin, now_ms() / 1000);
    let text = token.sign(key);
    output::note(format!(
        "valid for {} minutes; whoever has it reads as {member}: send it as `Authorization: Bearer TOKEN`",
        (token.expires_s - token.issued_s) / 60
    ));
    if context.json {
        return output::json(&json!({ "token": text, "member": member, "expires_s": token.expires_s }));
    }
    output::data(&text)
}

/// Makes a link, after the ledger has shown that there is something to share.
pub(crate) async fn share(context: &Context, verb: &Share) -> Outcome {
    let member = context.acting()?;
    let ledger = context.connect().await?;
    let lot = ledger.lot(&verb.lot).await.map_err(failure)?.lot.unwrap_or_default();
    let made = verb.lot.split('/').next() == Some(member);
    if !made && lot.custodian != member && lot.owner != member {
        return Err(Failure::refused(
            format_args!("{} is neither made, held nor owned by {member}", verb.lot),
            format_args!("ask {} for a link: it has the lot", lot.custodian),
        ));
    }
    let published = ledger.checkpoint().await.map_err(failure)?.unverified().size().get();
    let tree_size = match verb.as_of {
        None => published,
        Some(size) if (1..=published).contains(&size) => size,
        Some(size) => {
            return Err(Failure::usage(
                format_args!("{size} entries are not published, {published} are"),
                "choose a smaller --as-of, or leave it out",
            ));
        }
    };
    let mut keyring = context.keyring();
    let key = keyring.of(member)?;
    let shared = Shared { lot: verb.lot.clone(), tree_size };
    let seconds = (verb.days * DAY).min(SHARE_SECONDS);
    let token = Token::of_share(member, key, &ledger.trust().origin, shared, now_ms() / 1000, seconds);
    let link = format!("{}/share/{}", ledger.url().trim_end_matches('/'), token.sign(key));
    output::note(format!(
        "whoever has the link sees {} and its proof, nothing else, for {} days; {member} ends it by revoking its key\n\
         the proof: the same address with /bundle, or `oreledger bundle {} --element SYMBOL --token LINK`",
        verb.lot, verb.days, verb.lot
    ));
    if context.json {
        return output::json(&json!({
            "link": link, "lot": verb.lot, "tree_size": tree_size, "expires_s": token.expires_s,
        }));
    }
    output::data(&link)
}
