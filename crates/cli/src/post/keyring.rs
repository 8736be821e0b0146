//! The keys that may sign: one per member, opened when first needed.

use std::{
    collections::BTreeMap,
    fmt,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

use ore_record::keys::SecretKey;

use crate::{
    failure::Failure,
    keyfile::{self, PassphraseSource},
};

/// Keys that were opened, by file, shared by all keyrings of a command.
#[derive(Clone, Default)]
pub(crate) struct Opened(Arc<Mutex<BTreeMap<PathBuf, SecretKey>>>);

impl fmt::Debug for Opened {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Opened")
    }
}

/// Keys by member, from a folder of `<member>.pem` or from one file for one member.
#[derive(Default)]
pub(crate) struct Keyring {
    folder: PathBuf,
    one: Option<PathBuf>,
    passphrase: PassphraseSource,
    open: BTreeMap<String, SecretKey>,
    shared: Opened,
}

impl Keyring {
    /// With `one`, every member signs with that file: a key that is not the author's is refused by the ledger.
    pub(crate) fn new(folder: &Path, one: Option<PathBuf>, passphrase: PassphraseSource) -> Self {
        Self { folder: folder.to_owned(), one, passphrase, open: BTreeMap::new(), shared: Opened::default() }
    }

    /// Opens no file that another keyring has opened.
    pub(crate) fn sharing(self, shared: &Opened) -> Self {
        Self { shared: shared.clone(), ..self }
    }

    /// The key of a member.
    pub(crate) fn of(&mut self, member: &str) -> Result<&SecretKey, Failure> {
        if !self.open.contains_key(member) {
            let path = self.one.clone().unwrap_or_else(|| self.folder.join(format!("{member}.pem")));
            if !path.exists() {
                return Err(Failure::usage(
                    format_args!("there is no key of {member} at {}", path.display()),
                    "say whose key with --as MEMBER, or which file with --key FILE; `oreledger key new` makes one",
                ));
            }
            let mut shared = self.shared.0.lock().unwrap_or_else(PoisonError::into_inner);
            let key = match shared.get(&path) {
                Some(key) => key.clone(),
                None => keyfile::load(&path, &self.passphrase)?,
            };
            self.open.insert(member.to_owned(), key.clone());
            shared.insert(path, key);
        }
        Ok(&self.open[member])
    }
}
