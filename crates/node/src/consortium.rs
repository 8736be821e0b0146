//! The trust root: which ledger, from which genesis, vouched for by whom.
//!
//! One small file that people compare by eye or by digest. Everything else that a node, a client or
//! an offline verifier believes follows from it.

use std::path::{Path, PathBuf};

use ore_checkpoint::{KeyName, Policy, VerifierKey, byzantine_quorum, key::KeyType};
use ore_record::{RecordId, v1};
use toml::{Table, Value};

/// Largest trust root that is read, in bytes: a hundred validators with their policy.
const MAX_BYTES: u64 = 1 << 20;

/// A validator as the trust root names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrustedValidator {
    /// Member id.
    pub member: String,
    /// Ed25519 key of its votes.
    pub consensus_key: [u8; 32],
    /// Ed25519 key under the log's origin.
    pub log_key: [u8; 32],
    /// Ed25519 key of its cosignatures.
    pub cosigner_key: [u8; 32],
    /// Ed25519 key of its TLS certificate; `None` in a consortium of one.
    pub tls_key: Option<[u8; 32]>,
    /// `host:port` for other nodes; may be empty in a consortium of one.
    pub peer_address: String,
}

/// A node without a vote at genesis that may link to others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Observer {
    /// Name of the node; no two nodes have the same.
    pub member: String,
    /// Ed25519 key of its TLS certificate.
    pub tls_key: [u8; 32],
    /// `host:port`; empty: it is not dialled, it dials.
    pub peer_address: String,
}

/// The trust root.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Consortium {
    /// Name of the ledger: `example.org/tantalum`.
    pub origin: String,
    /// Id of the genesis block.
    pub genesis: [u8; 32],
    /// Validators at genesis.
    pub validators: Vec<TrustedValidator>,
    /// C2SP tlog-policy: which cosignatures make a checkpoint.
    pub policy: String,
    /// Nodes without a vote at genesis that may link to this one.
    pub observers: Vec<Observer>,
    /// TLS keys that must not be used any more, whoever has them.
    pub revoked_tls_keys: Vec<[u8; 32]>,
}

/// Why a text is no trust root.
#[derive(Debug, thiserror::Error)]
pub enum ConsortiumError {
    /// The file cannot be read.
    #[error("read the trust root {}", path.display())]
    Read {
        /// Which file.
        path: PathBuf,
        /// Why not.
        #[source]
        source: std::io::Error,
    },
    /// Not TOML.
    #[error("the trust root is not TOML: {0}")]
    Syntax(String),
    /// A field is absent or of the wrong form.
    #[error("{field} of the trust root must be {wanted}")]
    Field {
        /// Which field.
        field: String,
        /// What it must be.
        wanted: &'static str,
    },
    /// The policy is none.
    #[error("policy of the trust root: {0}")]
    Policy(String),
    /// A key cannot stand in a policy.
    #[error("{what} of {member}: {why}")]
    Key {
        /// Which key.
        what: &'static str,
        /// Whose.
        member: String,
        /// What is wrong with it.
        why: String,
    },
}

/// Name of a member's cosigner key: the ledger's origin and the member.
#[must_use]
pub fn cosigner_name(origin: &str, member: &str) -> String {
    format!("{origin}/{member}")
}

impl Consortium {
    /// Names a consortium whose checkpoints need more than two thirds of its validators.
    ///
    /// # Errors
    /// [`ConsortiumError::Key`] when a key or a name cannot stand in a policy.
    pub fn new(
        origin: &str,
        genesis: [u8; 32],
        validators: Vec<TrustedValidator>,
    ) -> Result<Self, ConsortiumError> {
        let bad = |what, validator: &TrustedValidator, why: &dyn ToString| ConsortiumError::Key {
            what,
            member: validator.member.clone(),
            why: why.to_string(),
        };
        let key = |what, validator: &TrustedValidator, name: &str, kind, public: &[u8; 32]| {
            let name = KeyName::new(name).map_err(|error| bad(what, validator, &error))?;
            VerifierKey::new(name, kind, public).map_err(|error| bad(what, validator, &error))
        };
        let mut logs = Vec::new();
        let mut witnesses = Vec::new();
        for validator in &validators {
            logs.push(key("log_key", validator, origin, KeyType::Note, &validator.log_key)?);
            let name = cosigner_name(origin, &validator.member);
            let kind = KeyType::CosignatureV1;
            witnesses.push(key("cosigner_key", validator, &name, kind, &validator.cosigner_key)?);
        }
        let policy = Policy::k_of_n(logs, witnesses, byzantine_quorum(validators.len()))
            .map_err(|error| ConsortiumError::Policy(error.to_string()))?;
        let policy = String::from_utf8_lossy(&policy.to_bytes()).into_owned();
        let (origin, observers, revoked_tls_keys) = (origin.to_owned(), Vec::new(), Vec::new());
        Ok(Self { origin, genesis, validators, policy, observers, revoked_tls_keys })
    }

    /// From the validators that the genesis block names.
    ///
    /// # Errors
    /// [`ConsortiumError::Key`].
    pub fn of_genesis(
        origin: &str,
        genesis: [u8; 32],
        validators: &v1::ChangeValidators,
    ) -> Result<Self, ConsortiumError> {
        let trusted = validators.validators.iter().map(|validator| {
            let key = |what, bytes: &[u8]| {
                <[u8; 32]>::try_from(bytes).map_err(|_| ConsortiumError::Key {
                    what,
                    member: validator.member.clone(),
                    why: format!("a key has 32 bytes, this has {}", bytes.len()),
                })
            };
            Ok(TrustedValidator {
                member: validator.member.clone(),
                consensus_key: key("consensus_key", &validator.consensus_key)?,
                log_key: key("log_key", &validator.log_key)?,
                cosigner_key: key("cosigner_key", &validator.cosigner_key)?,
                tls_key: match validator.tls_key.as_slice() {
                    [] => None,
                    bytes => Some(key("tls_key", bytes)?),
                },
                peer_address: validator.peer_address.clone(),
            })
        });
        Self::new(origin, genesis, trusted.collect::<Result<_, ConsortiumError>>()?)
    }

    /// Reads a file.
    ///
    /// # Errors
    /// [`ConsortiumError`].
    pub fn load(path: &Path) -> Result<Self, ConsortiumError> {
        let failed = |source| ConsortiumError::Read { path: path.to_owned(), source };
        if std::fs::metadata(path).map_err(failed)?.len() > MAX_BYTES {
            return Err(failed(std::io::Error::other("longer than 1 MiB")));
        }
        Self::parse(&std::fs::read_to_string(path).map_err(failed)?)
    }

    /// Reads a text.
    ///
    /// # Errors
    /// [`ConsortiumError`].
    pub fn parse(text: &str) -> Result<Self, ConsortiumError> {
        let table: Table = text.parse().map_err(|error| ConsortiumError::Syntax(format!("{error}")))?;
        let validators = match table.get("validator") {
            Some(Value::Array(validators)) => validators.iter().enumerate().map(read_validator).collect(),
            _ => Err(wrong("validator", "at least one [[validator]]")),
        };
        let consortium = Self {
            origin: text_of(&table, "origin", "origin")?,
            genesis: key_of(&table, "genesis", "genesis")?,
            validators: validators?,
            policy: text_of(&table, "policy", "policy")?,
            observers: tables(&table, "observer")?.map(read_observer).collect::<Result<_, _>>()?,
            revoked_tls_keys: keys_of(&table, "revoked_tls_keys")?,
        };
        consortium.policy()?;
        Ok(consortium)
    }

    /// The policy, parsed.
    ///
    /// # Errors
    /// [`ConsortiumError::Policy`].
    pub fn policy(&self) -> Result<Policy, ConsortiumError> {
        Policy::parse(self.policy.as_bytes()).map_err(|error| ConsortiumError::Policy(error.to_string()))
    }

    /// The file's text. Reading it gives the same trust root.
    #[must_use]
    pub fn to_text(&self) -> String {
        let mut text = format!(
            "# The trust root of a ledger: compare it with what other members have.\n\
             origin = {}\ngenesis = \"{}\"\n\n\
             # C2SP tlog-policy: whose cosignatures make a checkpoint worth believing.\npolicy = \"\"\"\n{}\"\"\"\n",
            Value::String(self.origin.clone()),
            RecordId::from_bytes(self.genesis),
            self.policy.replace('\\', "\\\\").replace('"', "\\\""),
        );
        let hex = RecordId::from_bytes;
        if !self.revoked_tls_keys.is_empty() {
            let keys: Vec<_> = self.revoked_tls_keys.iter().map(|key| format!("\"{}\"", hex(*key))).collect();
            text.push_str(&format!(
                "\n# Links with these keys are refused.\nrevoked_tls_keys = [{}]\n",
                keys.join(", ")
            ));
        }
        for validator in &self.validators {
            let tls = validator.tls_key.map(|key| format!("tls_key = \"{}\"\n", hex(key)));
            let tls = tls.unwrap_or_default();
            text.push_str(&format!(
                "\n[[validator]]\nmember = {}\nconsensus_key = \"{}\"\nlog_key = \"{}\"\ncosigner_key = \"{}\"\n{tls}peer_address = {}\n",
                Value::String(validator.member.clone()),
                hex(validator.consensus_key),
                hex(validator.log_key),
                hex(validator.cosigner_key),
                Value::String(validator.peer_address.clone()),
            ));
        }
        for observer in &self.observers {
            text.push_str(&format!(
                "\n[[observer]]\nmember = {}\ntls_key = \"{}\"\npeer_address = {}\n",
                Value::String(observer.member.clone()),
                hex(observer.tls_key),
                Value::String(observer.peer_address.clone()),
            ));
        }
        text
    }
}

fn wrong(field: impl Into<String>, wanted: &'static str) -> ConsortiumError {
    ConsortiumError::Field { field: field.into(), wanted }
}

fn text_of(table: &Table, name: &str, field: &str) -> Result<String, ConsortiumError> {
    table.get(name).and_then(Value::as_str).map(str::to_owned).ok_or_else(|| wrong(field, "a text in quotes"))
}

fn key_of(table: &Table, name: &str, field: &str) -> Result<[u8; 32], ConsortiumError> {
    let hex = table.get(name).and_then(Value::as_str).and_then(RecordId::from_hex);
    hex.map(|bytes| *bytes.as_bytes()).ok_or_else(|| wrong(field, "64 hexadecimal digits in quotes"))
}

fn read_validator((number, value): (usize, &Value)) -> Result<TrustedValidator, ConsortiumError> {
    let table = value.as_table().ok_or_else(|| wrong(format!("validator {number}"), "a table"))?;
    let name = |field: &str| format!("{field} of validator {number}");
    Ok(TrustedValidator {
        member: text_of(table, "member", &name("member"))?,
        consensus_key: key_of(table, "consensus_key", &name("consensus_key"))?,
        log_key: key_of(table, "log_key", &name("log_key"))?,
        cosigner_key: key_of(table, "cosigner_key", &name("cosigner_key"))?,
        tls_key: match table.contains_key("tls_key") {
            true => Some(key_of(table, "tls_key", &name("tls_key"))?),
            false => None,
        },
        peer_address: text_of(table, "peer_address", &name("peer_address"))?,
    })
}

fn read_observer((number, value): (usize, &Value)) -> Result<Observer, ConsortiumError> {
    let table = value.as_table().ok_or_else(|| wrong(format!("observer {number}"), "a table"))?;
    let name = |field: &str| format!("{field} of observer {number}");
    let member = text_of(table, "member", &name("member"))?;
    if member.is_empty() || member.len() > ore_consensus::limits::NAME_BYTES {
        return Err(wrong(name("member"), "a name of 1 to 255 bytes"));
    }
    Ok(Observer {
        member,
        tls_key: key_of(table, "tls_key", &name("tls_key"))?,
        peer_address: text_of(table, "peer_address", &name("peer_address"))?,
    })
}

/// The tables of a list; none when it is absent.
fn tables<'a>(
    table: &'a Table,
    name: &str,
) -> Result<std::iter::Enumerate<std::slice::Iter<'a, Value>>, ConsortiumError> {
    match table.get(name) {
        None => Ok([].iter().enumerate()),
        Some(Value::Array(values)) => Ok(values.iter().enumerate()),
        Some(_) => Err(wrong(name, "a list of tables")),
    }
}

fn keys_of(table: &Table, name: &str) -> Result<Vec<[u8; 32]>, ConsortiumError> {
    let wanted = || wrong(name, "a list of keys, each 64 hexadecimal digits in quotes");
    let Some(value) = table.get(name) else { return Ok(Vec::new()) };
    let keys = value.as_array().ok_or_else(wanted)?.iter();
    keys.map(|key| {
        let hex = key.as_str().and_then(RecordId::from_hex).ok_or_else(wanted)?;
        Ok(*hex.as_bytes())
    })
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use ore_record::keys::SecretKey;

    fn one() -> Consortium {
        let key = |seed| *SecretKey::from_seed(&[seed; 32]).public().as_bytes();
        let validator = TrustedValidator {
            member: "refiner-a".into(),
            consensus_key: key(1),
            log_key: key(2),
            cosigner_key: key(3),
            tls_key: Some(key(4)),
            peer_address: String::new(),
        };
        Consortium::new("ledger.example/tantalum", [9; 32], vec![validator]).expect("good keys")
    }

    #[test]
    fn printing_and_reading_gives_the_same_trust_root() {
        let mut consortium = one();
        consortium.observers.push(Observer {
            member: "auditor-node".into(),
            tls_key: [7; 32],
            peer_address: "node.example:8722".into(),
        });
        consortium.revoked_tls_keys.push([8; 32]);
        assert_eq!(Consortium::parse(&consortium.to_text()).expect("our own text"), consortium);
        assert_eq!(consortium.policy().expect("our own policy").witnesses().len(), 1);
    }

    #[test]
    fn a_trust_root_with_a_missing_or_garbled_field_is_refused_by_name() {
        let text = one().to_text();
        for (from, to, part) in [
            ("genesis = \"09", "genesis = \"zz", "genesis of the trust root"),
            ("log_key = \"", "log_kee = \"", "log_key of validator 0"),
            ("tls_key = \"", "tls_key = \"x", "tls_key of validator 0"),
            ("quorum", "quorom", "policy of the trust root"),
        ] {
            let error = Consortium::parse(&text.replace(from, to)).expect_err(part);
            assert!(error.to_string().contains(part), "{error}");
        }
    }
}
