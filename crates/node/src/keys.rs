//! A node's four keys: one that votes, one that signs the log, one that cosigns, one for TLS. Never shared.
//!
//! They are not members' keys: no record is ever signed with one, and a member's key never comes here.

use std::{
    fs, io,
    io::Write,
    path::{Path, PathBuf},
};

use ore_record::{keys::SecretKey, v1};

/// The four secret seeds of a node (RFC 8032, 32 bytes each).
#[derive(Clone)]
pub struct NodeKeys {
    /// Signs votes about blocks.
    pub consensus: [u8; 32],
    /// Signs checkpoints in the log's name.
    pub log: [u8; 32],
    /// Cosigns checkpoints in the member's name.
    pub cosigner: [u8; 32],
    /// Authenticates links to other nodes.
    pub tls: [u8; 32],
}

/// Says nothing: a debug print must not leak a seed.
impl std::fmt::Debug for NodeKeys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("NodeKeys(..)")
    }
}

/// File names below the key directory.
const FILES: [&str; 4] = ["consensus.seed", "log.seed", "cosigner.seed", "tls.seed"];

/// Why keys cannot be read or written. For the operator.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// The file system refuses.
    #[error("{doing} {}", path.display())]
    Io {
        /// What was being done.
        doing: &'static str,
        /// With which file.
        path: PathBuf,
        /// Why not.
        #[source]
        source: io::Error,
    },
    /// Not 64 hexadecimal digits.
    #[error("{} does not hold 64 hexadecimal digits", .0.display())]
    Form(PathBuf),
    /// Others may read a secret.
    #[error("{} may be read by others (mode {mode:o}); allow its owner alone: chmod 600", path.display())]
    Exposed {
        /// Which file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// One key for two purposes.
    #[error("{} holds the same key for two purposes", .0.display())]
    Shared(PathBuf),
    /// The operating system has no randomness.
    #[error("no randomness from the operating system")]
    NoEntropy,
}

impl NodeKeys {
    /// Four fresh keys.
    ///
    /// # Errors
    /// [`KeyError::NoEntropy`].
    pub fn generate() -> Result<Self, KeyError> {
        let fresh = || {
            let mut seed = [0; 32];
            getrandom::fill(&mut seed).map_err(|_| KeyError::NoEntropy)?;
            Ok(seed)
        };
        Ok(Self { consensus: fresh()?, log: fresh()?, cosigner: fresh()?, tls: fresh()? })
    }

    /// Reads the four files of a directory.
    ///
    /// # Errors
    /// [`KeyError`] for what is missing, malformed, shared, or open to others.
    pub fn load(dir: &Path) -> Result<Self, KeyError> {
        // A ledger of one from before nodes had links: its TLS key is made when it is first missed.
        if dir.join(FILES[0]).exists() && !dir.join(FILES[3]).exists() {
            write_seed(&dir.join(FILES[3]), &Self::generate()?.tls)?;
        }
        let [consensus, log, cosigner, tls] = FILES.map(|name| read_seed(&dir.join(name)));
        let keys = Self { consensus: consensus?, log: log?, cosigner: cosigner?, tls: tls? };
        let mut all = keys.all();
        all.sort_unstable();
        if all.windows(2).any(|pair| pair[0] == pair[1]) {
            return Err(KeyError::Shared(dir.to_owned()));
        }
        Ok(keys)
    }

    /// Writes the four files, for their owner alone; existing files are never overwritten.
    ///
    /// # Errors
    /// [`KeyError::Io`].
    pub fn save(&self, dir: &Path) -> Result<(), KeyError> {
        let failed = |doing, path: &Path| {
            let path = path.to_owned();
            move |source| KeyError::Io { doing, path, source }
        };
        fs::create_dir_all(dir).map_err(failed("create directory", dir))?;
        for (name, seed) in FILES.iter().zip(self.all()) {
            write_seed(&dir.join(name), seed)?;
        }
        Ok(())
    }

    fn all(&self) -> [&[u8; 32]; 4] {
        [&self.consensus, &self.log, &self.cosigner, &self.tls]
    }

    /// What the consortium is told about this node.
    #[must_use]
    pub fn validator(&self, member: &str, peer_address: &str) -> v1::Validator {
        let public = |seed| SecretKey::from_seed(seed).public().as_bytes().to_vec();
        v1::Validator {
            member: member.to_owned(),
            consensus_key: public(&self.consensus),
            log_key: public(&self.log),
            cosigner_key: public(&self.cosigner),
            peer_address: peer_address.to_owned(),
            tls_key: public(&self.tls),
        }
    }
}

fn write_seed(path: &Path, seed: &[u8; 32]) -> Result<(), KeyError> {
    let failed = |doing| move |source| KeyError::Io { doing, path: path.to_owned(), source };
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path).map_err(failed("create key file"))?;
    let text: String = seed.iter().map(|byte| format!("{byte:02x}")).collect();
    file.write_all(format!("{text}\n").as_bytes()).map_err(failed("write key file"))?;
    file.sync_all().map_err(failed("sync key file"))
}

fn read_seed(path: &Path) -> Result<[u8; 32], KeyError> {
    let failed = |doing| move |source| KeyError::Io { doing, path: path.to_owned(), source };
    #[cfg(unix)]
    {
        let permissions = fs::metadata(path).map_err(failed("read key file"))?.permissions();
        let mode = std::os::unix::fs::PermissionsExt::mode(&permissions) & 0o777;
        if mode & 0o077 != 0 {
            return Err(KeyError::Exposed { path: path.to_owned(), mode });
        }
    }
    let text = fs::read_to_string(path).map_err(failed("read key file"))?;
    // 64 digits are 32 bytes, the same form as a record's id.
    ore_record::RecordId::from_hex(text.trim())
        .map(|bytes| *bytes.as_bytes())
        .ok_or_else(|| KeyError::Form(path.to_owned()))
}
