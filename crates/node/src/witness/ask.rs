//! Asking outside witnesses: one POST each, all at once, each with its own proof.
//!
//! A witness's answer is believed for its signature under the key that the policy names, and for nothing else, so
//! plain HTTP weakens no cosignature; a witness behind TLS is reached through a local forwarder.

use std::time::Duration;

use ore_checkpoint::{
    AddCheckpointRequest, Policy, SignatureLine, SignedCheckpoint, VerifierKey,
    witness::{parse_conflict_size, parse_cosignatures},
};
use ore_merkle::{ConsistencyProof, TreeSize};

use crate::{gather::Log, posting};

/// Longest time for one witness.
pub const PATIENCE: Duration = Duration::from_secs(5);

/// A witness of the policy that has an address.
#[derive(Clone, Debug)]
pub struct Outside {
    /// Its key.
    pub key: VerifierKey,
    /// `host:port`.
    host: String,
    /// What stands before `/add-checkpoint`.
    prefix: String,
}

/// Why a witness did not cosign.
#[derive(Debug, thiserror::Error)]
pub enum NotWitnessed {
    /// It is not reached, or says something else than HTTP.
    #[error("witness {0}: {1}")]
    Unreachable(String, String),
    /// It refuses.
    #[error("witness {0} answers {1}")]
    Refused(String, u16),
    /// Its answer is no cosignature by its key.
    #[error("witness {0}: its answer is no cosignature of this checkpoint")]
    NoLine(String),
    /// It has cosigned more than this log holds: another history, or ours is an old copy.
    #[error("witness {0} has cosigned {1} entries, more than this log has published")]
    Ahead(String, u64),
}

/// The witnesses of a policy that have an `http://` address.
#[must_use]
pub fn outside(policy: &Policy) -> Vec<Outside> {
    let of = |witness: &ore_checkpoint::WitnessDefinition| {
        let url = std::str::from_utf8(witness.url()?).ok()?;
        let Some((host, prefix)) = posting::parts(url, 80) else {
            tracing::warn!(url, "only http:// witnesses are asked; put a forwarder before this one");
            return None;
        };
        Some(Outside { key: witness.key().clone(), host, prefix })
    };
    policy.witnesses().iter().filter_map(of).collect()
}

impl Outside {
    /// Asks for a cosignature, starting from the size that it is believed to have. Its 409 tells the right one, and
    /// it is asked once more. Gives the line and the size that it has now.
    ///
    /// # Errors
    /// [`NotWitnessed`]; nothing is lost, the next checkpoint asks again.
    pub async fn ask(
        &self,
        note: &SignedCheckpoint,
        believed: u64,
        log: &impl Log,
    ) -> Result<SignatureLine, NotWitnessed> {
        let size = note.unverified().size().get();
        let mut old = believed.min(size);
        for _ in 0..2 {
            let (status, body) = self.post(self.request(note, old, log)?).await?;
            match status {
                200 => return self.line(note, &body),
                409 => {
                    let has = parse_conflict_size(&body).map_err(|_| self.refused(status))?.get();
                    if has > size {
                        return Err(NotWitnessed::Ahead(self.name(), has));
                    }
                    old = has;
                }
                status => return Err(self.refused(status)),
            }
        }
        Err(self.refused(409))
    }

    /// Its name, for people.
    #[must_use]
    pub fn name(&self) -> String {
        self.key.name().to_string()
    }

    fn refused(&self, status: u16) -> NotWitnessed {
        NotWitnessed::Refused(self.name(), status)
    }

    fn request(&self, note: &SignedCheckpoint, old: u64, log: &impl Log) -> Result<String, NotWitnessed> {
        let size = note.unverified().size();
        let none = || ConsistencyProof::new(Vec::new()).ok();
        let proof = match old {
            0 => none(),
            old if old == size.get() => none(),
            old => log.prove_consistency(TreeSize::new(old), size),
        };
        let request =
            proof.and_then(|proof| AddCheckpointRequest::new(TreeSize::new(old), proof, note.clone()).ok());
        request.map(|request| request.to_string()).ok_or_else(|| self.refused(0))
    }

    fn line(&self, note: &SignedCheckpoint, body: &[u8]) -> Result<SignatureLine, NotWitnessed> {
        let lines = parse_cosignatures(body).unwrap_or_default();
        let holds = |line: &SignatureLine| {
            let text = note.note().unverified_text();
            self.key.claims(line) && self.key.verify(text, line.signature()).is_ok()
        };
        lines.into_iter().find(holds).ok_or_else(|| NotWitnessed::NoLine(self.name()))
    }

    async fn post(&self, body: String) -> Result<(u16, Vec<u8>), NotWitnessed> {
        let failed = |why: String| NotWitnessed::Unreachable(self.name(), why);
        let path = format!("{}/add-checkpoint", self.prefix);
        let posted = posting::post(&self.host, &path, "text/plain; charset=utf-8", body);
        match tokio::time::timeout(PATIENCE, posted).await {
            Ok(answer) => answer.map_err(|error| failed(error.to_string())),
            Err(_) => Err(failed(format!("no answer within {} s", PATIENCE.as_secs()))),
        }
    }
}
