//! The keys that may sign: one per member, opened when first needed.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use ore_record::keys::SecretKey;

use crate::{
    failure::Failure,
    keyfile::{self, PassphraseSource},
};

/// Keys by member, from a folder of `<member>.pem` or from one file for one member.
#[derive(Default)]
pub(crate) struct Keyring {
    folder: PathBuf,
    one: Option<PathBuf>,
    passphrase: PassphraseSource,
    open: BTreeMap<String, SecretKey>,
}

impl Keyring {
    /// With `one`, every member signs with that file: a key that is not the author's is refused by the ledger.
    pub(crate) fn new(folder: &Path, one: Option<PathBuf>, passphrase: PassphraseSource) -> Self {
        Self { folder: folder.to_owned(), one, passphrase, open: BTreeMap::new() }
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
            let key = keyfile::load(&path, &self.passphrase)?;
            self.open.insert(member.to_owned(), key);
        }
        Ok(&self.open[member])
    }
}
