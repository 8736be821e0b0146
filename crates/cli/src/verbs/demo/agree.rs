//! The end of the demo's story: every node is asked by itself, and all must give one answer.

use std::{path::Path, time::Duration};

use ore_checkpoint::SignedCheckpoint;
use ore_client::{Identity, Ledger, Memory};
use ore_verify::TrustRoot;
use ore_wire::v1;

use super::{Fleet, section};
use crate::{
    failure::{Failure, Outcome},
    output::{bold, thousands},
    post::engine::failure,
    story::{SUBJECT, cast::READER, play},
    verbs::trace,
};

/// Longest time for a node that was down to catch up with the others.
const CATCH_UP: Duration = Duration::from_secs(30);

/// What one node says.
struct Word {
    size: u64,
    root: String,
    cosigners: usize,
    origins: Vec<v1::OriginShare>,
}

/// Asks each node, and prints what they say side by side.
pub(crate) async fn show(dir: &Path, fleet: &Fleet, trust: &TrustRoot) -> Outcome {
    let mut least = 0;
    let mut words = Vec::new();
    for (member, url, home) in fleet.nodes() {
        let memory =
            Memory::open(&home.join("newest.checkpoint"), &trust.origin).map_err(|e| failure(e.into()))?;
        let reader = Identity::Member { id: READER.into(), key: Box::new(play::key_of(dir, READER)?) };
        let ledger = Ledger::connect_as(url, trust.clone(), memory, reader).await.map_err(failure)?;
        let word = ask(&ledger, least, trust).await?;
        least = least.max(word.size);
        words.push((member, word));
    }
    let mut text = format!("{}\n", bold(&format!("{} nodes asked one by one", words.len())));
    for (member, word) in &words {
        text.push_str(&format!(
            "  {member:<17} {:>5} entries  root {}  cosigned by {}  {} origins of its tantalum\n",
            thousands(word.size),
            word.root.get(..16).unwrap_or(&word.root),
            word.cosigners,
            word.origins.len(),
        ));
    }
    let Some((_, first)) = words.first() else { return Ok(()) };
    let other = words.iter().find(|(_, word)| {
        (word.size, &word.root) != (first.size, &first.root) || word.origins != first.origins
    });
    if let Some((member, _)) = other {
        return Err(Failure::verification(
            format_args!("the node of {member} gives another answer"),
            "keep the folder as evidence",
        ));
    }
    text.push_str("  one log, one root, one answer: to the last digit");
    section(&text)
}

/// The checkpoint of a node that may have started a moment ago: until the others answer, it can have none to show.
pub(crate) async fn settled(ledger: &Ledger) -> Result<SignedCheckpoint, Failure> {
    let asked = tokio::time::Instant::now();
    // Ends with a checkpoint, or with what stands in its way.
    loop {
        match ledger.checkpoint().await {
            Ok(signed) => return Ok(signed),
            Err(error) if asked.elapsed() > CATCH_UP => return Err(failure(error)),
            Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
        }
    }
}

/// Its checkpoint, once it covers what the others showed, and its answer about the demo's target at that size.
async fn ask(ledger: &Ledger, least: u64, trust: &TrustRoot) -> Result<Word, Failure> {
    let asked = tokio::time::Instant::now();
    // Ends when it has caught up, or takes too long.
    let signed = loop {
        let signed = settled(ledger).await?;
        if signed.unverified().size().get() >= least {
            break signed;
        }
        if asked.elapsed() > CATCH_UP {
            return Err(Failure::refused(
                format_args!("the node at {} has not caught up within {CATCH_UP:?}", ledger.url()),
                "its node.log says why",
            ));
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    };
    let (size, root) = (signed.unverified().size().get(), signed.unverified().root().to_string());
    let cosigners =
        trust.policy.witnesses().iter().filter(|witness| signed.verify_key(witness.key()).is_ok()).count();
    let traced = trace::ask(ledger, SUBJECT, None, (size, 0)).await?;
    Ok(Word { size, root, cosigners, origins: traced.answer.origins })
}
