//! A node's configuration: one TOML file, short, told in full, every mistake reported together.
//!
//! [`FIELDS`] is the list; `node-config/README.md` is held against it by a test.

use std::{
    fmt, io,
    net::SocketAddr,
    path::{Path, PathBuf},
    time::Duration,
};

use ore_record::rules::Rules;
use toml::{Table, Value};

use crate::{limits::Allowance, pool::Patience, tls::TlsFiles};

/// One field as an operator reads about it.
#[derive(Clone, Copy, Debug)]
pub struct Field {
    /// Its name in the file.
    pub name: &'static str,
    /// What is counted, or the kind of value.
    pub unit: &'static str,
    /// Taken when the field is absent; empty: it must be stated.
    pub default: &'static str,
    /// What it does.
    pub about: &'static str,
    /// What somebody could do who controls it.
    pub trust: &'static str,
}

const fn field(
    name: &'static str,
    unit: &'static str,
    default: &'static str,
    about: &'static str,
    trust: &'static str,
) -> Field {
    Field { name, unit, default, about, trust }
}

/// Every field, in the order of the README.
#[rustfmt::skip]
pub const FIELDS: [Field; 29] = [
    field("member", "member id", "", "The member that runs this node.",
        "Naming another member makes the node vote in nobody's name: its key does not match, and no other node counts its vote."),
    field("consortium", "path", "", "The trust root: origin, genesis, validators, policy.",
        "Whoever writes this file decides which ledger this node takes for the true one."),
    field("genesis", "path", "", "The genesis block.",
        "Nothing: its id must be the one in the trust root."),
    field("keys", "path", "", "Directory of the node's four secret seeds, readable by their owner alone.",
        "Whoever reads it can vote, cosign and link to others as this node."),
    field("data", "path", "", "Directory of the record log, its view, and the promise file.",
        "Whoever writes there can destroy this node's copy; forged bytes do not pass the hashes, signatures and cosignatures."),
    field("listen", "address", "127.0.0.1:8720", "Where members connect: gRPC, JSON and tiles on one port.",
        "Open to a network without TLS, it lets everybody on the way read what members read, and use their tokens until they expire."),
    field("admin_listen", "address", "127.0.0.1:8721", "Where health and metrics are served.",
        "Shows load and sizes, never records; keep it off public networks."),
    field("peer_listen", "address or none", "none", "Where other nodes connect, over mutual TLS; `none`: this node only dials.",
        "Nobody gets in whose key the consortium does not name; strangers can take some connections' worth of handshakes."),
    field("tls_certificate", "path", "none", "Certificate chain (PEM) of the members' port; with it, the port speaks TLS 1.3 only.",
        "Without it, whoever is on the way between a member and the node reads everything, and the tokens."),
    field("tls_key", "path", "none", "Secret key (PEM) of the certificate.",
        "Whoever reads it can stand in for this node towards members; checkpoints and receipts still verify or do not."),
    field("read", "members or everybody", "members", "Who may read the ledger; checkpoints, tiles of hashes and health are public anyway.",
        "With everybody, whoever reaches the port reads every record and every provenance."),
    field("pool_records", "records", "65536", "Records that may wait to be sequenced; more are answered with a retry hint.",
        "A large value lets a flood of valid submissions take memory, about 2 KiB each."),
    field("pool_mib", "MiB", "128", "Bytes of records that may wait.",
        "As pool_records: it bounds the memory that a flood can take."),
    field("block_records", "records", "4000", "Most records in one block, 1 to 4000.",
        "A small value slows the ledger down; a large one is held by the block limit of 2 MiB."),
    field("checkpoint_interval_ms", "milliseconds", "50", "Least time between two checkpoints when blocks follow each other fast.",
        "A large value delays receipts, it never weakens them."),
    field("witness_grace_ms", "milliseconds", "0", "How long a checkpoint that the policy believes waits for the lines of the policy's outside witnesses; then it is published without them, and counted.",
        "A large value lets a silent witness delay receipts; a witness that must never be missing belongs into the policy's quorum."),
    field("witness_logs", "path or none", "none", "A C2SP policy file whose logs this node witnesses for others at `/add-checkpoint`; `none`: no log.",
        "Whoever writes this file makes the node vouch for logs of their choice, never twice for one size."),
    field("heartbeat_s", "seconds", "600", "An empty block after this long without records, so that a silent ledger shows that it lives.",
        "A small value fills the log with empty blocks."),
    field("request_timeout_s", "seconds", "30", "Longest time for one call, streams aside.",
        "A large value lets slow callers hold connections."),
    field("concurrent_requests", "requests", "1024", "Calls in progress at once on the member port, heavy ones counted several times; more are told to come back. Callers without a token have half.",
        "A large value lets callers take memory and threads."),
    field("caller_requests", "requests", "256", "Calls in progress at once of one caller: a member, or an address without a token.",
        "A large value lets one caller take what others need."),
    field("caller_requests_s", "requests a second", "10000", "Calls that one caller may start in a second; more are told to come back.",
        "As caller_requests."),
    field("caller_mib_s", "MiB a second", "64", "Bytes that one caller may send and be sent in a second; more are slowed down.",
        "As caller_requests, for the network."),
    field("caller_query_ms", "milliseconds a second", "1000", "Computation that one caller may have in a second, 1000 being one core; more is told to come back.",
        "As caller_requests, for the processor."),
    field("query_time_ms", "milliseconds", "2000", "Longest computation for one provenance question; a longer answer is cut short and says so.",
        "A large value lets one caller keep a core busy."),
    field("query_lots", "lots", "1000000", "Most lots in one provenance answer.",
        "As query_time_ms, and it bounds the answer's length."),
    field("stall_s", "seconds", "20", "A height that takes longer while records wait is reported as a stall.",
        "A large value hides that the ledger stands still."),
    field("publish_s", "seconds", "10", "The promised time: a durable record that no checkpoint covers after it makes the node unhealthy.",
        "A large value hides that too few validators cosign."),
    field("stop_s", "seconds", "10", "Longest time for an orderly stop.",
        "A small value cuts calls off; no acknowledged record is lost by that."),
];

/// A node's configuration, checked.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "FIELDS documents each")]
pub struct Config {
    pub member: String,
    pub consortium: PathBuf,
    pub genesis: PathBuf,
    pub keys: PathBuf,
    pub data: PathBuf,
    pub listen: SocketAddr,
    pub admin_listen: SocketAddr,
    pub peer_listen: Option<SocketAddr>,
    pub tls: Option<TlsFiles>,
    pub read: Read,
    pub pool_records: usize,
    pub pool_bytes: usize,
    pub block_records: usize,
    pub checkpoint_interval: Duration,
    pub witness_grace: Duration,
    pub witness_logs: Option<PathBuf>,
    pub heartbeat: Duration,
    pub request_timeout: Duration,
    pub allowance: Allowance,
    pub query_time: Duration,
    pub query_lots: u32,
    pub stall: Duration,
    pub publish: Duration,
    pub stop: Duration,
    /// In no file: newest rules that this node follows, those that the program knows. Lower for tests of an old program.
    pub newest_rules: Rules,
    /// In no file: how long a record waits for its parent. Longer for tests on a slow machine.
    pub patience: Patience,
}

/// Who may read the ledger.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Read {
    /// Members, and bearers of share links what their link names.
    Members,
    /// Whoever reaches the port.
    Everybody,
}

/// Every mistake in a configuration. For the operator.
#[derive(Debug)]
pub struct ConfigErrors(pub Vec<ConfigError>);

/// One mistake in a configuration.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("read {}: {source}", path.display())]
    Read {
        /// Which file.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// Not TOML.
    #[error("not a TOML file: {0}")]
    Syntax(String),
    /// Nobody reads this field.
    #[error("unknown field {name}; {}", closest(name))]
    Unknown {
        /// As written.
        name: String,
    },
    /// A field without a default is absent.
    #[error("{0} is missing: it has no default")]
    Missing(&'static str),
    /// A value of the wrong kind or out of bounds.
    #[error("{field} is {got}, it must be {wanted}")]
    Value {
        /// Which field.
        field: &'static str,
        /// What is written.
        got: String,
        /// What is allowed.
        wanted: String,
    },
}

impl fmt::Display for ConfigErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (number, mistake) in self.0.iter().enumerate() {
            if number > 0 {
                f.write_str("\n")?;
            }
            write!(f, "{mistake}")?;
        }
        Ok(())
    }
}

impl std::error::Error for ConfigErrors {}

/// "did you mean", by the longest common beginning.
fn closest(name: &str) -> String {
    let common = |field: &Field| field.name.bytes().zip(name.bytes()).take_while(|(a, b)| a == b).count();
    match FIELDS.iter().max_by_key(|field| common(field)).filter(|field| common(field) > 2) {
        Some(field) => format!("did you mean {}?", field.name),
        None => "the fields are listed in node-config/README.md".to_owned(),
    }
}

impl Config {
    /// Reads a file; relative paths in it are relative to its directory.
    ///
    /// # Errors
    /// [`ConfigErrors`] with every mistake.
    pub fn load(path: &Path) -> Result<Self, ConfigErrors> {
        let text = std::fs::read_to_string(path)
            .map_err(|source| ConfigErrors(vec![ConfigError::Read { path: path.to_owned(), source }]))?;
        Self::parse(&text, path.parent().unwrap_or_else(|| Path::new(".")))
    }

    /// Reads a text; relative paths in it are relative to `base`.
    ///
    /// # Errors
    /// [`ConfigErrors`] with every mistake.
    pub fn parse(text: &str, base: &Path) -> Result<Self, ConfigErrors> {
        let table: Table =
            text.parse().map_err(|error| ConfigErrors(vec![ConfigError::Syntax(format!("{error}"))]))?;
        let mut read = Reader { table: &table, base, mistakes: Vec::new() };
        read.refuse_unknown();
        let mib = |value: u64| usize::try_from(value << 20).unwrap_or(usize::MAX);
        let count = |value: u64| usize::try_from(value).unwrap_or(usize::MAX);
        let few = |value: u64| u32::try_from(value).unwrap_or(u32::MAX);
        let pool_records = count(read.number("pool_records", 1, 1 << 20));
        let config = Self {
            member: read.member(),
            consortium: read.path("consortium"),
            genesis: read.path("genesis"),
            keys: read.path("keys"),
            data: read.path("data"),
            listen: read.address("listen"),
            admin_listen: read.address("admin_listen"),
            peer_listen: read.address_or_none("peer_listen"),
            tls: read.tls(),
            read: read.read(),
            pool_records,
            pool_bytes: mib(read.number("pool_mib", 4, 4096)),
            block_records: count(read.number("block_records", 1, 4000)),
            checkpoint_interval: Duration::from_millis(read.number("checkpoint_interval_ms", 0, 60_000)),
            witness_grace: Duration::from_millis(read.number("witness_grace_ms", 0, 60_000)),
            witness_logs: read.path_or_none("witness_logs"),
            heartbeat: Duration::from_secs(read.number("heartbeat_s", 1, 86_400)),
            request_timeout: Duration::from_secs(read.number("request_timeout_s", 1, 3_600)),
            allowance: Allowance {
                total_calls: few(read.number("concurrent_requests", 1, 65_536)),
                calls: few(read.number("caller_requests", 1, 65_536)),
                calls_s: few(read.number("caller_requests_s", 1, 1_000_000)),
                bytes_s: read.number("caller_mib_s", 1, 65_536) << 20,
                query_ms: few(read.number("caller_query_ms", 1, 1_000_000)),
                pool_records,
            },
            query_time: Duration::from_millis(read.number("query_time_ms", 10, 60_000)),
            query_lots: u32::try_from(read.number("query_lots", 1, 100_000_000)).unwrap_or(u32::MAX),
            stall: Duration::from_secs(read.number("stall_s", 1, 3_600)),
            publish: Duration::from_secs(read.number("publish_s", 1, 3_600)),
            stop: Duration::from_secs(read.number("stop_s", 1, 600)),
            newest_rules: Rules::NEWEST,
            patience: Patience::default(),
        };
        if read.mistakes.is_empty() { Ok(config) } else { Err(ConfigErrors(read.mistakes)) }
    }
}

struct Reader<'a> {
    table: &'a Table,
    base: &'a Path,
    mistakes: Vec<ConfigError>,
}

impl Reader<'_> {
    fn refuse_unknown(&mut self) {
        let unknown = self.table.keys().filter(|key| !FIELDS.iter().any(|field| field.name == key.as_str()));
        self.mistakes.extend(unknown.map(|name| ConfigError::Unknown { name: name.clone() }));
    }

    fn wrong(&mut self, field: &'static str, got: &Value, wanted: impl Into<String>) {
        self.mistakes.push(ConfigError::Value { field, got: got.to_string(), wanted: wanted.into() });
    }

    /// A text, the default, or empty after a mistake has been noted.
    fn text(&mut self, name: &'static str) -> String {
        match self.table.get(name) {
            Some(Value::String(text)) => text.clone(),
            Some(other) => {
                self.wrong(name, other, "a text in quotes");
                String::new()
            }
            None => {
                let default = default_of(name);
                if default.is_empty() {
                    self.mistakes.push(ConfigError::Missing(name));
                }
                default.to_owned()
            }
        }
    }

    fn member(&mut self) -> String {
        let text = self.text("member");
        if !text.is_empty()
            && let Err(error) = ore_record::MemberId::parse(&text)
        {
            self.wrong("member", &Value::String(text.clone()), format!("a member id ({error})"));
        }
        text
    }

    fn path(&mut self, name: &'static str) -> PathBuf {
        self.base.join(self.text(name))
    }

    fn path_or_none(&mut self, name: &'static str) -> Option<PathBuf> {
        let path = self.text(name);
        (path != "none").then(|| self.base.join(path))
    }

    fn address(&mut self, name: &'static str) -> SocketAddr {
        let text = self.text(name);
        text.parse().unwrap_or_else(|_| {
            if !text.is_empty() {
                let wanted = "an address with a port, for example \"127.0.0.1:8720\"";
                self.wrong(name, &Value::String(text), wanted);
            }
            SocketAddr::from(([127, 0, 0, 1], 0))
        })
    }

    /// Certificate and key, or neither.
    fn tls(&mut self) -> Option<TlsFiles> {
        let (certificate, key) = (self.path("tls_certificate"), self.path("tls_key"));
        let stated = |field| self.table.contains_key(field);
        match (stated("tls_certificate"), stated("tls_key")) {
            (true, true) => Some(TlsFiles { certificate, key }),
            (false, false) => None,
            (true, false) => self.lonely("tls_key"),
            (false, true) => self.lonely("tls_certificate"),
        }
    }

    fn lonely(&mut self, missing: &'static str) -> Option<TlsFiles> {
        self.mistakes.push(ConfigError::Missing(missing));
        None
    }

    fn read(&mut self) -> Read {
        let text = self.text("read");
        match text.as_str() {
            "everybody" => return Read::Everybody,
            "members" | "" => {}
            _ => self.wrong("read", &Value::String(text), "\"members\" or \"everybody\""),
        }
        Read::Members
    }

    fn address_or_none(&mut self, name: &'static str) -> Option<SocketAddr> {
        if self.table.get(name).map_or(default_of(name), |value| value.as_str().unwrap_or_default()) == "none"
        {
            return None;
        }
        Some(self.address(name))
    }

    fn number(&mut self, name: &'static str, least: u64, most: u64) -> u64 {
        let value = match self.table.get(name) {
            None => {
                return default_of(name).parse().expect("defaults of numbers are numbers: held by a test");
            }
            Some(value) => value,
        };
        match value.as_integer().and_then(|number| u64::try_from(number).ok()) {
            Some(number) if (least..=most).contains(&number) => number,
            _ => {
                self.wrong(name, value, format!("a whole number from {least} to {most}"));
                least
            }
        }
    }
}

fn default_of(name: &str) -> &'static str {
    FIELDS.iter().find(|field| field.name == name).map_or("", |field| field.default)
}

#[cfg(test)]
mod tests {
    use super::*;

    const LEAST: &str = r#"
        member = "refiner-a"
        consortium = "consortium.toml"
        genesis = "genesis.block"
        keys = "keys"
        data = "/var/lib/oreledger"
    "#;

    #[test]
    fn five_fields_suffice_and_paths_start_at_the_file() {
        let config = Config::parse(LEAST, Path::new("/etc/oreledger")).expect("complete");
        assert_eq!(config.keys, Path::new("/etc/oreledger/keys"));
        assert_eq!(config.data, Path::new("/var/lib/oreledger"));
        assert_eq!(config.listen.port(), 8720);
        assert_eq!(config.block_records, 4000);
    }

    #[test]
    fn every_default_is_within_its_own_bounds() {
        let numbers: String = FIELDS
            .iter()
            .filter(|field| field.default.parse::<u64>().is_ok())
            .map(|field| format!("{} = {}\n", field.name, field.default))
            .collect();
        let stated =
            Config::parse(&format!("{LEAST}\n{numbers}"), Path::new("")).expect("defaults are valid");
        assert_eq!(stated, Config::parse(LEAST, Path::new("")).expect("complete"));
    }

    #[test]
    fn all_mistakes_are_reported_together() {
        let text = "member = \"Refiner A\"\nlisten = \"here\"\nblock_records = 0\npool_record = 5\nkeys = 3\ntls_key = \"key.pem\"\n";
        let errors = Config::parse(text, Path::new("")).expect_err("many mistakes");
        let text = errors.to_string();
        for part in [
            "unknown field pool_record; did you mean pool_records?",
            "consortium is missing",
            "genesis is missing",
            "data is missing",
            "keys is 3, it must be a text",
            "member is \"Refiner A\"",
            "tls_certificate is missing",
            "listen is \"here\", it must be an address",
            "block_records is 0, it must be a whole number from 1 to 4000",
        ] {
            assert!(text.contains(part), "{part:?} is not in\n{text}");
        }
        assert_eq!(errors.0.len(), 9);
    }
}
