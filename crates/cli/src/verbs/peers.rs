//! `oreledger peers`: what a node has seen of the other members' nodes, and the evidence that it keeps.

use std::path::{Path, PathBuf};

use clap::Args;
use ore_client::Ledger;
use ore_node::Consortium;
use ore_verify::{Evidence, TrustRoot};
use ore_wire::v1;
use serde_json::{Value, json};

use crate::{
    context::Context,
    failure::{Failure, Outcome},
    output::{self, table, thousands},
    post::engine::failure,
};

#[derive(Args, Debug)]
pub(crate) struct Peers {
    /// Fetch every piece of evidence into this folder, and check each
    #[arg(long, value_name = "DIR")]
    evidence: Option<PathBuf>,
}

pub(crate) async fn run(context: &Context, verb: &Peers) -> Outcome {
    let ledger = context.connect().await?;
    let answer = ledger.peers().await.map_err(failure)?;
    let mut files = Vec::new();
    if let Some(dir) = &verb.evidence {
        std::fs::create_dir_all(dir).map_err(|e| Failure::file("make", dir, &e))?;
        let (trust, consortium) = (context.trust_root()?, owners(&context.trust_file()));
        for fault in answer.peers.iter().flat_map(|peer| &peer.faults) {
            for name in &fault.evidence {
                files.push(fetch(&ledger, dir, name, &trust, &consortium).await?);
            }
        }
    }
    if context.json {
        return output::json(&as_json(&answer, &files));
    }
    if !answer.not_cosigning.is_empty() {
        output::note(format!("this node cosigns nothing now: {}", answer.not_cosigning));
    }
    // A program from before there were versions says none.
    if let (rules @ 1.., newest) = (answer.rules, answer.newest_rules) {
        output::note(format!(
            "blocks are judged by version {rules} of the rules; this node knows up to {newest}"
        ));
    }
    let mut rows = vec![["member", "validator", "cosigned", "rules", "faults"].map(str::to_owned).to_vec()];
    for peer in &answer.peers {
        let faults = peer.faults.iter().map(|fault| match fault.evidence.len() {
            0 => format!("{} {}", fault.count, fault.kind),
            pieces => format!("{} {} ({pieces} with evidence)", fault.count, fault.kind),
        });
        let faults: Vec<String> = faults.collect();
        rows.push(vec![
            peer.member.clone(),
            if peer.validator { "yes" } else { "no" }.to_owned(),
            if peer.cosigned_size == 0 { "-".to_owned() } else { thousands(peer.cosigned_size) },
            if peer.newest_rules == 0 { "-".to_owned() } else { peer.newest_rules.to_string() },
            if faults.is_empty() { "none".to_owned() } else { faults.join(", ") },
        ]);
    }
    output::data(&table(&rows, &[2]))?;
    for (path, said) in &files {
        output::data(&format!("{}: {said}\n", path.display()))?;
    }
    Ok(())
}

async fn fetch(
    ledger: &Ledger,
    dir: &Path,
    name: &str,
    trust: &TrustRoot,
    consortium: &Option<Consortium>,
) -> Result<(PathBuf, String), Failure> {
    // A node's word is no path.
    let plain = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte));
    if !plain || name.starts_with('.') {
        return Err(Failure::verification(
            format_args!("{name:?} is no name of a piece of evidence"),
            "do not rely on this node",
        ));
    }
    let bytes = ledger.evidence(name).await.map_err(failure)?;
    let path = dir.join(name);
    std::fs::write(&path, &bytes).map_err(|e| Failure::file("write", &path, &e))?;
    let said = match proven(&bytes, trust, consortium) {
        Ok(text) => format!("VERIFIED, {text}"),
        Err(why) => format!("the node's word alone: {why}"),
    };
    Ok((path, said))
}

/// The validators' keys, to say whose a key is; without them the key itself is shown.
pub(crate) fn owners(trust_file: &Path) -> Option<Consortium> {
    Consortium::load(trust_file).ok()
}

/// What a piece of evidence proves, in one line.
pub(crate) fn proven(
    bytes: &[u8],
    trust: &TrustRoot,
    consortium: &Option<Consortium>,
) -> Result<String, String> {
    let evidence = Evidence::parse(bytes).map_err(|error| error.to_string())?;
    let proven = evidence.verify(&trust.policy).map_err(|error| error.to_string())?;
    let owner = |key: &[u8; 32]| {
        let all = consortium.iter().flat_map(|consortium| &consortium.validators);
        let mut owned =
            all.filter(|one| one.consensus_key == *key || one.log_key == *key || one.cosigner_key == *key);
        let hex = || format!("key {}", ore_record::RecordId::from_bytes(*key));
        owned.next().map_or_else(hex, |one| one.member.clone())
    };
    let mut who: Vec<String> = proven.keys.iter().map(owner).collect();
    who.dedup();
    Ok(format!("{}: {} signed {}", proven.kind, who.join(" and "), proven.about))
}

fn as_json(answer: &v1::ListPeersResponse, files: &[(PathBuf, String)]) -> Value {
    let fault = |fault: &v1::PeerFault| json!({ "kind": fault.kind, "count": fault.count, "evidence": fault.evidence });
    let peer = |peer: &v1::Peer| {
        json!({
            "member": peer.member, "validator": peer.validator, "cosigned_size": peer.cosigned_size,
            "newest_rules": peer.newest_rules, "faults": peer.faults.iter().map(fault).collect::<Vec<_>>(),
        })
    };
    json!({
        "peers": answer.peers.iter().map(peer).collect::<Vec<_>>(),
        "not_cosigning": answer.not_cosigning,
        "rules": answer.rules,
        "newest_rules": answer.newest_rules,
        "files": files.iter().map(|(path, said)| json!({ "file": path.display().to_string(), "proves": said })).collect::<Vec<_>>(),
    })
}
