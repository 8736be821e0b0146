//! Where things are and who acts: the options that every command takes.

use std::path::{Path, PathBuf};

use clap::Args;
use ore_client::{Identity, Ledger, Memory};
use ore_verify::TrustRoot;

use crate::{
    failure::Failure,
    keyfile::PassphraseSource,
    post::{
        engine::failure,
        keyring::{Keyring, Opened},
    },
};

/// Address of a ledger when nothing else says.
pub(crate) const DEFAULT_URL: &str = "http://127.0.0.1:8720";
/// In a home folder: the ledger's address.
pub(crate) const URL_FILE: &str = "ledger.url";
/// In a home folder: the trust root.
pub(crate) const TRUST_FILE: &str = "consortium.toml";
/// In a home folder: keys of members, `<member>.pem`.
pub(crate) const KEYS_FOLDER: &str = "members";
/// In a home folder: the member by whose key is read when nobody is named.
pub(crate) const READER_FILE: &str = "ledger.reader";
/// In a home folder: the certificate that an https node is checked by.
const ROOT_FILE: &str = "tls-ca.pem";
/// In a home folder: the newest checkpoint seen.
const MEMORY_FILE: &str = "newest.checkpoint";

#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Options of every command")]
pub(crate) struct Context {
    /// Folder with trust root, address and keys
    #[arg(
        long,
        global = true,
        value_name = "DIR",
        env = "ORELEDGER_HOME",
        default_value = ".",
        hide_env_values = true
    )]
    pub(crate) home: PathBuf,
    /// Address of a node [default: DIR/ledger.url, else http://127.0.0.1:8720]
    #[arg(long, global = true, value_name = "URL", env = "ORELEDGER_URL", hide_env_values = true)]
    ledger: Option<String>,
    /// Trust root [default: DIR/consortium.toml]
    #[arg(long, global = true, value_name = "FILE", env = "ORELEDGER_TRUST", hide_env_values = true)]
    trust: Option<PathBuf>,
    /// Member who acts
    #[arg(
        long = "as",
        global = true,
        value_name = "MEMBER",
        env = "ORELEDGER_MEMBER",
        hide_env_values = true
    )]
    pub(crate) member: Option<String>,
    /// Key that signs [default: DIR/members/MEMBER.pem]
    #[arg(long, global = true, value_name = "FILE", env = "ORELEDGER_KEY", hide_env_values = true)]
    pub(crate) key: Option<PathBuf>,
    /// File with the key's passphrase [or: ORELEDGER_PASSPHRASE, or asked for]
    #[arg(long, global = true, value_name = "FILE")]
    passphrase_file: Option<PathBuf>,
    /// Token to read with, such as a share link's [default: made with the key of the member who acts]
    #[arg(long, global = true, value_name = "TOKEN", env = "ORELEDGER_TOKEN", hide_env_values = true)]
    token: Option<String>,
    /// Certificate (PEM) that an https node is checked by [default: DIR/tls-ca.pem]
    #[arg(long, global = true, value_name = "FILE", env = "ORELEDGER_TLS_CA", hide_env_values = true)]
    tls_ca: Option<PathBuf>,
    /// Print JSON
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// Keys that were opened: a passphrase is asked for once.
    #[arg(skip)]
    opened: Opened,
}

impl Context {
    /// Where a key's passphrase comes from.
    pub(crate) fn passphrase(&self) -> PassphraseSource {
        PassphraseSource { file: self.passphrase_file.clone() }
    }

    /// The member who acts.
    pub(crate) fn acting(&self) -> Result<&str, Failure> {
        self.member.as_deref().ok_or_else(|| {
            Failure::usage(
                "nobody is named who acts",
                "say which member signs with --as MEMBER, or set ORELEDGER_MEMBER",
            )
        })
    }

    /// The keys that may sign.
    pub(crate) fn keyring(&self) -> Keyring {
        let folder = self.home.join(KEYS_FOLDER);
        Keyring::new(&folder, self.key.clone(), self.passphrase()).sharing(&self.opened)
    }

    /// The certificate that an https node is checked by.
    fn root(&self) -> Result<Option<String>, Failure> {
        let file = self.tls_ca.clone().unwrap_or_else(|| self.home.join(ROOT_FILE));
        match std::fs::read_to_string(&file) {
            Ok(pem) => Ok(Some(pem)),
            Err(error) if self.tls_ca.is_none() && error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(Failure::file("read", &file, &error)),
        }
    }

    /// Who reads when nobody is named: whom the folder names, or the only member with a key there.
    fn reader(&self) -> Result<Option<String>, Failure> {
        if let Some(member) = &self.member {
            return Ok(Some(member.clone()));
        }
        let file = self.home.join(READER_FILE);
        match std::fs::read_to_string(&file) {
            Ok(member) => return Ok(Some(member.trim().to_owned())),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(error) => return Err(Failure::file("read", &file, &error)),
        }
        let Ok(folder) = std::fs::read_dir(self.home.join(KEYS_FOLDER)) else { return Ok(None) };
        let mut members = folder.filter_map(|entry| {
            let name = entry.ok()?.file_name().into_string().ok()?;
            name.strip_suffix(".pem").map(str::to_owned)
        });
        let first = members.next();
        Ok(first.filter(|_| members.next().is_none()))
    }

    /// By what right this command asks: a token that was given, else one made with a member's key.
    pub(crate) fn identity(&self) -> Result<Identity, Failure> {
        if let Some(token) = &self.token {
            // A share link is an address whose last part is the token.
            let token = token.trim().trim_end_matches("/bundle").rsplit('/').next().unwrap_or_default();
            return Ok(Identity::Token(token.to_owned()));
        }
        match self.reader()? {
            Some(id) => {
                let key = Box::new(self.keyring().of(&id)?.clone());
                Ok(Identity::Member { id, key })
            }
            None => Ok(Identity::Nobody),
        }
    }

    /// The trust root's file.
    pub(crate) fn trust_file(&self) -> PathBuf {
        self.trust.clone().unwrap_or_else(|| self.home.join(TRUST_FILE))
    }

    /// What answers are checked against.
    pub(crate) fn trust_root(&self) -> Result<TrustRoot, Failure> {
        trust_root(&self.trust_file())
    }

    /// Address of the node.
    pub(crate) fn url(&self) -> Result<String, Failure> {
        if let Some(url) = &self.ledger {
            return Ok(if url.contains("://") { url.clone() } else { format!("http://{url}") });
        }
        let file = self.home.join(URL_FILE);
        match std::fs::read_to_string(&file) {
            Ok(url) => Ok(url.trim().to_owned()),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(DEFAULT_URL.to_owned()),
            Err(error) => Err(Failure::file("read", &file, &error)),
        }
    }

    /// A connection whose answers are checked, and whose newest checkpoint is remembered.
    pub(crate) async fn connect(&self) -> Result<Ledger, Failure> {
        let trust = self.trust_root()?;
        let memory =
            Memory::open(&self.home.join(MEMORY_FILE), &trust.origin).map_err(|e| failure(e.into()))?;
        let (url, root) = (self.url()?, self.root()?);
        Ledger::connect_over(&url, trust, memory, self.identity()?, root.as_deref()).await.map_err(failure)
    }
}

/// Reads a trust root.
pub(crate) fn trust_root(path: &Path) -> Result<TrustRoot, Failure> {
    if !path.exists() {
        return Err(Failure::usage(
            format_args!("there is no trust root at {}", path.display()),
            "name it with --trust FILE or its folder with --home DIR; `oreledger demo` makes one to play with",
        ));
    }
    let wrong = |error: ore_node::consortium::ConsortiumError| {
        let cause = std::error::Error::source(&error).map_or_else(String::new, |cause| format!(": {cause}"));
        Failure::usage(
            format_args!("{}: {error}{cause}", path.display()),
            "get the file again from another member and compare",
        )
    };
    let consortium = ore_node::Consortium::load(path).map_err(wrong)?;
    let policy = consortium.policy().map_err(wrong)?;
    Ok(TrustRoot { origin: consortium.origin, genesis: consortium.genesis, policy })
}
