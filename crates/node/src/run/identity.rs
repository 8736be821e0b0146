//! What the keys of this node make it: the member that the trust root means, a signer of the log, a witness.

use std::sync::Arc;

use ore_checkpoint::{Cosigner, KeyName, NoteSigner};

use super::NodeError;
use crate::{
    config::Config,
    consortium::{Consortium, ConsortiumError, cosigner_name},
    keys::NodeKeys,
    ledger::Ledger,
    witness::Witness,
};

/// The keys are those that the trust root names for the member, if it names it.
pub(super) fn check_keys(member: &str, consortium: &Consortium, keys: &NodeKeys) -> Result<(), NodeError> {
    let Some(trusted) = consortium.validators.iter().find(|validator| validator.member == member) else {
        tracing::warn!(member, "the trust root does not name this member among the validators");
        return Ok(());
    };
    let ours = keys.validator(member, "");
    let Ok(ours_tls) = <[u8; 32]>::try_from(ours.tls_key.as_slice()) else { return Ok(()) };
    let pairs = [
        ("consensus", &ours.consensus_key, &trusted.consensus_key),
        ("log", &ours.log_key, &trusted.log_key),
        ("cosigner", &ours.cosigner_key, &trusted.cosigner_key),
        ("tls", &ours.tls_key, trusted.tls_key.as_ref().unwrap_or(&ours_tls)),
    ];
    match pairs.iter().find(|(_, ours, trusted)| ours[..] != trusted[..]) {
        Some((what, ..)) => Err(NodeError::OtherKey { what, member: member.to_owned() }),
        None => Ok(()),
    }
}

/// This node as a witness for other ledgers, if it is told to be one.
pub(super) fn witness(
    config: &Config,
    consortium: &Consortium,
    keys: &NodeKeys,
    ledger: &Arc<Ledger>,
) -> Result<Option<Arc<Witness>>, NodeError> {
    let Some(policy) = &config.witness_logs else { return Ok(None) };
    let name = cosigner_name(&consortium.origin, &config.member);
    let name = KeyName::new(&name).map_err(|error| ConsortiumError::Policy(error.to_string()))?;
    let cosigner = Cosigner::new(name, &keys.cosigner);
    let (folder, faults) = (config.data.join("witness"), Arc::clone(&ledger.faults));
    let witness = Witness::open(policy, &folder, &consortium.origin, cosigner, faults)?;
    Ok(Some(Arc::new(witness)))
}

/// The key that signs checkpoints in the ledger's name.
pub(super) fn log_signer(consortium: &Consortium, keys: &NodeKeys) -> Result<NoteSigner, NodeError> {
    let name =
        KeyName::new(&consortium.origin).map_err(|error| ConsortiumError::Policy(error.to_string()))?;
    Ok(NoteSigner::new(name, &keys.log))
}
