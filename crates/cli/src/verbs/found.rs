//! `oreledger found`: a ledger of several organisations, of which nobody ever holds another's keys.
//!
//! Each prepares its own keys and hands out a public part; one puts the parts together and signs what only needs
//! one signature; each checks that its own part is in the result before it installs it.

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
};

use clap::{Args, Subcommand};
use ore_node::{Consortium, NodeKeys, block, genesis};
use ore_record::{
    SignedRecord, draft,
    v1::{AdmitMember, ChangeValidators, SetProfile, Validator, record::Event},
};
use serde_json::{Value, json};

use super::{
    init::{founder, profile, register},
    node::broken,
    sign::now_ms,
};
use crate::{
    context::{Context, KEYS_FOLDER, READER_FILE, URL_FILE},
    failure::{Failure, Outcome},
    keyfile, output,
};

/// Of a node: its folder of secret seeds.
const NODE_KEYS: &str = "keys";
/// Largest public part that is read, bytes.
const MAX_PART_BYTES: u64 = 1 << 20;

#[derive(Subcommand, Debug)]
pub(crate) enum Found {
    /// Make an organisation's own keys, and the public part that it hands out
    Prepare(Prepare),
    /// Put public parts together: genesis block and trust root
    Gather(Gather),
    /// Check a gathered ledger and set up the own node for it
    Install(Install),
}

#[derive(Args, Debug)]
pub(crate) struct Prepare {
    /// Folder to make; it stays with this organisation
    dir: PathBuf,
    /// Name of the ledger, such as ledger.example/tantalum
    #[arg(long)]
    origin: String,
    /// The organisation, as ID:COUNTRY:ROLE[+ROLE]:NAME
    #[arg(long, value_name = "MEMBER")]
    founder: String,
    /// Where the other nodes reach this one, as HOST:PORT
    #[arg(long, value_name = "ADDRESS")]
    peer_address: String,
    /// Do not encrypt the member's key
    #[arg(long)]
    unencrypted: bool,
}

#[derive(Args, Debug)]
pub(crate) struct Gather {
    /// Folder to make, with public files only
    dir: PathBuf,
    /// Folder of the organisation that gathers; its key signs profile and validators
    #[arg(long, value_name = "DIR")]
    own: PathBuf,
    /// Name of the ledger
    #[arg(long)]
    origin: String,
    /// Public parts of all organisations, in the order of the trust root
    #[arg(required = true, value_name = "PART")]
    parts: Vec<PathBuf>,
}

#[derive(Args, Debug)]
pub(crate) struct Install {
    /// The organisation's own folder, as prepared
    dir: PathBuf,
    /// Folder with the gathered consortium.toml and genesis.block
    #[arg(long, value_name = "DIR")]
    from: PathBuf,
    /// Address for members
    #[arg(long, default_value = "127.0.0.1:8720")]
    listen: SocketAddr,
    /// Address for health and metrics
    #[arg(long, default_value = "127.0.0.1:8721")]
    admin_listen: SocketAddr,
    /// Address for other nodes
    #[arg(long, default_value = "127.0.0.1:8722")]
    peer_listen: SocketAddr,
}

/// What an organisation hands out.
pub(super) struct Part {
    record: SignedRecord,
    pub(super) validator: Validator,
}

pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    let digit = |byte: u8| char::from(byte).to_digit(16);
    let pairs = text.as_bytes().chunks(2);
    pairs.map(|pair| Some((digit(*pair.first()?)? * 16 + digit(*pair.get(1)?)?) as u8)).collect()
}

/// A validator in the words of protobuf's JSON mapping, its keys in hexadecimal.
pub(super) fn fields_of(v: &Validator) -> Value {
    json!({
        "member": v.member,
        "consensus_key": hex(&v.consensus_key),
        "log_key": hex(&v.log_key),
        "cosigner_key": hex(&v.cosigner_key),
        "tls_key": hex(&v.tls_key),
        "peer_address": v.peer_address,
    })
}

impl Part {
    fn to_json(&self) -> Value {
        let mut json = fields_of(&self.validator);
        json["entry"] = hex(&self.record.entry()).into();
        json
    }

    pub(super) fn read(path: &Path) -> Result<Self, Failure> {
        let wrong = |what: &str| {
            Failure::usage(
                format_args!("{} is no public part: {what}", path.display()),
                "ask the organisation for the file that `oreledger found prepare` made",
            )
        };
        let length = std::fs::metadata(path).map_err(|e| Failure::file("read", path, &e))?.len();
        if length > MAX_PART_BYTES {
            return Err(wrong("longer than 1 MiB"));
        }
        let text = std::fs::read_to_string(path).map_err(|e| Failure::file("read", path, &e))?;
        let json: Value = serde_json::from_str(&text).map_err(|_| wrong("not JSON"))?;
        let field = |name: &str| json.get(name).and_then(Value::as_str);
        let bytes = |name: &str| field(name).and_then(unhex).ok_or_else(|| wrong(name));
        let record = SignedRecord::decode(&bytes("entry")?).map_err(|_| wrong("entry"))?;
        let record = record.verify().map_err(|_| wrong("its signature does not verify"))?.into_signed();
        let validator = Validator {
            member: field("member").ok_or_else(|| wrong("member"))?.to_owned(),
            consensus_key: bytes("consensus_key")?,
            log_key: bytes("log_key")?,
            cosigner_key: bytes("cosigner_key")?,
            tls_key: bytes("tls_key")?,
            peer_address: field("peer_address").ok_or_else(|| wrong("peer_address"))?.to_owned(),
        };
        Ok(Self { record, validator })
    }
}

pub(crate) fn run(context: &Context, verb: &Found) -> Outcome {
    match verb {
        Found::Prepare(it) => prepare(context, it),
        Found::Gather(it) => gather(context, it),
        Found::Install(it) => install(it),
    }
}

fn prepare(context: &Context, it: &Prepare) -> Outcome {
    let member = founder(&it.founder)?;
    let passphrase = if it.unencrypted { None } else { Some(context.passphrase().to_make()?) };
    let id = member.id.clone();
    let secret = keyfile::generate();
    let key = register(&it.origin, &id, &secret)?;
    let mut record = draft::record(AdmitMember { member: Some(member), key: Some(key) }, now_ms());
    draft::complete(&mut record, &it.origin, &id, keyfile::random());
    let record =
        SignedRecord::sign(record, &secret).map_err(|error| Failure::usage(error, "shorten the names"))?;
    let node = NodeKeys::generate().map_err(|error| broken(&error))?;
    node.save(&it.dir.join(NODE_KEYS)).map_err(|error| broken(&error))?;
    let pem = it.dir.join(KEYS_FOLDER).join(format!("{id}.pem"));
    keyfile::store(&pem, &keyfile::to_pem(&secret, passphrase.as_deref())?)?;
    let part = Part { record, validator: node.validator(&id, &it.peer_address) };
    let tls = hex(&part.validator.tls_key);
    let path = it.dir.join(format!("{id}.part"));
    write_new(&path, format!("{:#}\n", part.to_json()).as_bytes())?;
    output::note(format!(
        "{} is public: hand it to whoever gathers. Everything else in {} stays with you",
        path.display(),
        it.dir.display()
    ));
    output::note(format!(
        "as an observer of a ledger that exists, it is welcome where consortium.toml says:\n[[observer]]\n\
         member = \"{id}\"\ntls_key = \"{tls}\"\npeer_address = \"{}\"",
        it.peer_address
    ));
    output::data(&path.display().to_string())
}

fn gather(context: &Context, it: &Gather) -> Outcome {
    let parts = it.parts.iter().map(|path| Part::read(path)).collect::<Result<Vec<_>, _>>()?;
    let ours = NodeKeys::load(&it.own.join(NODE_KEYS)).map_err(|error| broken(&error))?;
    let own = parts
        .iter()
        .find(|part| ours.validator(&part.validator.member, "").consensus_key == part.validator.consensus_key)
        .ok_or_else(|| Failure::usage("none of the parts is your own", "name your own part too"))?;
    let id = own.validator.member.clone();
    let secret = keyfile::load(&it.own.join(KEYS_FOLDER).join(format!("{id}.pem")), &context.passphrase())?;
    let time_ms = now_ms();
    let validators =
        ChangeValidators { validators: parts.iter().map(|part| part.validator.clone()).collect(), rules: 0 };
    let mut records: Vec<SignedRecord> = parts.iter().map(|part| part.record.clone()).collect();
    for mut record in
        [draft::record(SetProfile { profile: Some(profile()) }, time_ms), draft::record(validators, time_ms)]
    {
        draft::complete(&mut record, &it.origin, &id, keyfile::random());
        records.push(SignedRecord::sign(record, &secret).map_err(|error| broken(&error))?);
    }
    let built = genesis::build(&it.origin, time_ms, records).map_err(|error| broken(&error))?;
    let trust = Consortium::of_genesis(&it.origin, built.id, &built.validators).map_err(|e| broken(&e))?;
    std::fs::create_dir_all(&it.dir).map_err(|e| Failure::file("make", &it.dir, &e))?;
    write_new(&it.dir.join("genesis.block"), &built.block)?;
    write_new(&it.dir.join("consortium.toml"), trust.to_text().as_bytes())?;
    output::note(format!(
        "hand both files in {} to every organisation; genesis {}",
        it.dir.display(),
        hex(&built.id)
    ));
    output::data(&it.dir.join("consortium.toml").display().to_string())
}

/// The records of a genesis block that is the trust root's.
fn of_genesis(bytes: Vec<u8>, trust: &Consortium) -> Result<Vec<SignedRecord>, Failure> {
    let wrong = |why: &str| {
        Failure::verification(
            format_args!("the genesis block {why}"),
            "ask the one who gathered for both files again",
        )
    };
    let parts = block::decode(&bytes.into(), genesis::MAX_GENESIS_BYTES)
        .map_err(|error| wrong(&format!("cannot be read: {error}")))?;
    if parts.id != trust.genesis {
        return Err(wrong("is not the one that the trust root names"));
    }
    let records = parts.entries.iter().map(|entry| SignedRecord::decode(entry));
    records.collect::<Result<_, _>>().map_err(|_| wrong("holds something that is no record"))
}

fn install(it: &Install) -> Outcome {
    let trust_path = it.from.join("consortium.toml");
    let block_path = it.from.join("genesis.block");
    let trust = Consortium::load(&trust_path).map_err(|error| broken(&error))?;
    let text = std::fs::read(&trust_path).map_err(|e| Failure::file("read", &trust_path, &e))?;
    let bytes = std::fs::read(&block_path).map_err(|e| Failure::file("read", &block_path, &e))?;
    let records = of_genesis(bytes.clone(), &trust)?;
    let keys = NodeKeys::load(&it.dir.join(NODE_KEYS)).map_err(|error| broken(&error))?;
    let observer = trust.observers.iter().find(|observer| {
        keys.validator(&observer.member, &observer.peer_address).tls_key == observer.tls_key
    });
    let id = match observer {
        Some(observer) => observer.member.clone(),
        None => as_founder(it, &trust, &records, &keys)?,
    };
    write_same(&it.dir.join("genesis.block"), &bytes)?;
    write_same(&it.dir.join("consortium.toml"), &text)?;
    let text = format!(
        "# One node of {}. Every field is told in full in node-config/README.md.\n\
         member = \"{id}\"\nconsortium = \"consortium.toml\"\ngenesis = \"genesis.block\"\nkeys = \"keys\"\n\
         data = \"data\"\nlisten = \"{}\"\nadmin_listen = \"{}\"\npeer_listen = \"{}\"\n",
        trust.origin, it.listen, it.admin_listen, it.peer_listen
    );
    write_new(&it.dir.join("node.toml"), text.as_bytes())?;
    write_new(&it.dir.join(URL_FILE), format!("http://{}\n", it.listen).as_bytes())?;
    write_new(&it.dir.join(READER_FILE), format!("{id}\n").as_bytes())?;
    let config = it.dir.join("node.toml");
    let stays = it.peer_listen.ip().is_loopback() && trust.validators.len() > 1;
    if stays {
        output::note(format!(
            "nodes on other machines cannot reach {}; for them, set peer_listen in {}",
            it.peer_listen,
            config.display()
        ));
    }
    if observer.is_some() {
        output::note("as an observer: it follows the ledger and serves it, and does not decide");
    }
    output::note(format!("start it:  oreledger node --config {}", config.display()));
    output::data(&config.display().to_string())
}

/// Who founds a ledger with these keys: the gathered files must have everything as it was prepared.
fn as_founder(
    it: &Install,
    trust: &Consortium,
    records: &[SignedRecord],
    keys: &NodeKeys,
) -> Result<String, Failure> {
    let mine = trust.validators.iter().find(|validator| {
        let ours = keys.validator(&validator.member, &validator.peer_address);
        ours.consensus_key == validator.consensus_key
            && ours.log_key == validator.log_key
            && ours.cosigner_key == validator.cosigner_key
            && validator.tls_key.is_some_and(|key| ours.tls_key == key)
    });
    let missing = |what: &str| {
        Failure::verification(
            format_args!("{what} is not in the gathered ledger as you prepared it"),
            "as a founder do not run it, and ask the one who gathered why; who comes later needs the [[observer]] \
             lines of `found prepare` in consortium.toml",
        )
    };
    let id = mine.map(|validator| validator.member.clone()).ok_or_else(|| missing("your node"))?;
    let part = Part::read(&it.dir.join(format!("{id}.part")))?;
    if !records.iter().any(|record| record.entry() == part.record.entry()) {
        return Err(missing("your admission"));
    }
    let listed = records.iter().any(|record| {
        matches!(record.event(), Event::ChangeValidators(set) if set.validators.contains(&part.validator))
    });
    if listed { Ok(id) } else { Err(missing("your validator")) }
}

/// Writes a file, or finds it there with the same bytes.
fn write_same(path: &Path, bytes: &[u8]) -> Outcome {
    match std::fs::read(path) {
        Ok(there) if there == bytes => Ok(()),
        Ok(_) => Err(Failure::usage(
            format_args!("{} is there already and differs", path.display()),
            "compare the two, and remove the one that you do not trust",
        )),
        Err(_) => write_new(path, bytes),
    }
}

fn write_new(path: &Path, bytes: &[u8]) -> Outcome {
    let failed = |error| Failure::file("write", path, &error);
    let mut file = std::fs::OpenOptions::new().write(true).create_new(true).open(path).map_err(failed)?;
    std::io::Write::write_all(&mut file, bytes).and_then(|()| file.sync_all()).map_err(failed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hexadecimal_is_read_back_and_nothing_else_is() {
        assert_eq!(unhex(&hex(&[0, 9, 0xab])), Some(vec![0, 9, 0xab]));
        assert_eq!(unhex("abc"), None);
        assert_eq!(unhex("zz"), None);
    }
}
