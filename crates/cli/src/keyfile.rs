//! Members' keys on disk: PKCS#8 PEM, encrypted or not, as OpenSSL reads and writes them.
//!
//! `openssl genpkey -algorithm ed25519 [-aes256]` makes keys that are read here, and OpenSSL reads
//! keys that are made here. Files are created with mode 0600 and never overwritten.

use std::io::{self, BufRead, IsTerminal, Write};
use std::path::{Path, PathBuf};

use ore_record::keys::SecretKey;
use pkcs8::{
    EncryptedPrivateKeyInfo, ObjectIdentifier, PrivateKeyInfo, SecretDocument,
    der::{Decode, pem::LineEnding},
    pkcs5::{pbes2, scrypt},
    spki::AlgorithmIdentifierRef,
};

use crate::failure::Failure;

/// id-Ed25519, RFC 8410.
const ED25519: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.101.112");
/// An OCTET STRING of 32 bytes: tag and length before the seed (RFC 8410, `CurvePrivateKey`).
const SEED_PREFIX: [u8; 2] = [0x04, 0x20];
/// scrypt with N = 2^14, r = 8: 16 MiB, the most that OpenSSL accepts without a special setting.
const SCRYPT_LOG_N: u8 = 14;

/// Where a passphrase comes from, in this order: file, environment, terminal.
#[derive(Clone, Debug, Default)]
pub(crate) struct PassphraseSource {
    pub(crate) file: Option<PathBuf>,
}

/// Environment variable that may hold the passphrase.
pub(crate) const PASSPHRASE_ENV: &str = "ORELEDGER_PASSPHRASE";

impl PassphraseSource {
    /// The passphrase to open a key, or a failure that says how to give one.
    fn to_open(&self, key: &Path) -> Result<String, Failure> {
        self.find(&format!("Passphrase for {}: ", key.display()))?.ok_or_else(|| {
            Failure::usage(
                format_args!("{} is encrypted and no passphrase was given", key.display()),
                format_args!("use --passphrase-file FILE, set {PASSPHRASE_ENV}, or run in a terminal"),
            )
        })
    }

    /// The passphrase for a new key, asked twice in a terminal.
    pub(crate) fn to_make(&self) -> Result<String, Failure> {
        let asked = self.file.is_none() && std::env::var_os(PASSPHRASE_ENV).is_none();
        let first = self.find("Passphrase for the new key: ")?.ok_or_else(|| {
            Failure::usage(
                "a new key needs a passphrase",
                format_args!("use --passphrase-file FILE, set {PASSPHRASE_ENV}, run in a terminal, or say --unencrypted"),
            )
        })?;
        if first.is_empty() {
            return Err(Failure::usage("the passphrase is empty", "choose one, or say --unencrypted"));
        }
        if asked && ask_hidden("The same again: ")? != first {
            return Err(Failure::usage("the two passphrases differ", "run the command again"));
        }
        Ok(first)
    }

    fn find(&self, prompt: &str) -> Result<Option<String>, Failure> {
        if let Some(file) = &self.file {
            let text = std::fs::read_to_string(file).map_err(|e| Failure::file("read", file, &e))?;
            return Ok(Some(text.trim_end_matches(['\r', '\n']).to_owned()));
        }
        if let Ok(text) = std::env::var(PASSPHRASE_ENV) {
            return Ok(Some(text));
        }
        if io::stdin().is_terminal() && io::stderr().is_terminal() {
            ask_hidden(prompt).map(Some)
        } else {
            Ok(None)
        }
    }
}

/// Asks in the terminal without showing what is typed.
fn ask_hidden(prompt: &str) -> Result<String, Failure> {
    use rustix::termios::{LocalModes, OptionalActions, tcgetattr, tcsetattr};
    let failed =
        |e: io::Error| Failure::usage(format_args!("read the passphrase: {e}"), "use --passphrase-file FILE");
    let stdin = io::stdin();
    eprint!("{prompt}");
    io::stderr().flush().map_err(failed)?;
    let shown = tcgetattr(&stdin).map_err(|e| failed(e.into()))?;
    let mut hidden = shown.clone();
    hidden.local_modes.remove(LocalModes::ECHO);
    tcsetattr(&stdin, OptionalActions::Flush, &hidden).map_err(|e| failed(e.into()))?;
    let mut line = String::new();
    let read = stdin.lock().read_line(&mut line);
    // The terminal gets its echo back whatever happened.
    let restored = tcsetattr(&stdin, OptionalActions::Flush, &shown);
    eprintln!();
    read.map_err(failed)?;
    restored.map_err(|e| failed(e.into()))?;
    Ok(line.trim_end_matches(['\r', '\n']).to_owned())
}

/// A new key from the system's random source.
pub(crate) fn generate() -> SecretKey {
    SecretKey::from_seed(&random())
}

/// Random bytes from the operating system.
pub(crate) fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).expect("the operating system has a random source");
    bytes
}

/// The PEM text of a key, encrypted when there is a passphrase.
pub(crate) fn to_pem(key: &SecretKey, passphrase: Option<&str>) -> Result<String, Failure> {
    let broken = |e: &dyn std::fmt::Display| {
        Failure::usage(format_args!("encode the key: {e}"), "report this as a defect")
    };
    let mut octets = SEED_PREFIX.to_vec();
    octets.extend_from_slice(&key.seed());
    let info = PrivateKeyInfo::new(AlgorithmIdentifierRef { oid: ED25519, parameters: None }, &octets);
    let pem = match passphrase {
        None => SecretDocument::try_from(info)
            .map_err(|e| broken(&e))?
            .to_pem("PRIVATE KEY", LineEnding::LF)
            .map_err(|e| broken(&e))?,
        Some(passphrase) => {
            let cost = scrypt::Params::new(SCRYPT_LOG_N, 8, 1, 32).map_err(|e| broken(&e))?;
            let (salt, iv) = (random::<16>(), random::<16>());
            let parameters = pbes2::Parameters::scrypt_aes256cbc(cost, &salt, &iv).map_err(|e| broken(&e))?;
            info.encrypt_with_params(parameters, passphrase)
                .map_err(|e| broken(&e))?
                .to_pem("ENCRYPTED PRIVATE KEY", LineEnding::LF)
                .map_err(|e| broken(&e))?
        }
    };
    Ok(pem.to_string())
}

/// Reads a key file.
pub(crate) fn load(path: &Path, passphrase: &PassphraseSource) -> Result<SecretKey, Failure> {
    let pem = std::fs::read_to_string(path).map_err(|e| Failure::file("read key", path, &e))?;
    let not_a_key = |what: &dyn std::fmt::Display| {
        Failure::usage(
            format_args!("{} is no Ed25519 key in PKCS#8 PEM: {what}", path.display()),
            "make one with `oreledger key new`, or with `openssl genpkey -algorithm ed25519`",
        )
    };
    let (label, document) = SecretDocument::from_pem(&pem).map_err(|e| not_a_key(&e))?;
    let document = match label {
        "PRIVATE KEY" => document,
        "ENCRYPTED PRIVATE KEY" => {
            let sealed = EncryptedPrivateKeyInfo::from_der(document.as_bytes()).map_err(|e| not_a_key(&e))?;
            sealed.decrypt(passphrase.to_open(path)?).map_err(|_| {
                Failure::usage(
                    format_args!("the passphrase does not open {}", path.display()),
                    "check the passphrase; a key cannot be recovered without it",
                )
            })?
        }
        other => return Err(not_a_key(&format_args!("the PEM block is {other:?}"))),
    };
    let info = PrivateKeyInfo::from_der(document.as_bytes()).map_err(|e| not_a_key(&e))?;
    if info.algorithm.oid != ED25519 {
        return Err(not_a_key(&format_args!("its algorithm is {}", info.algorithm.oid)));
    }
    match info.private_key {
        [0x04, 0x20, seed @ ..] if seed.len() == 32 => {
            Ok(SecretKey::from_seed(seed.try_into().expect("32 bytes: checked on the line above")))
        }
        _ => Err(not_a_key(&"the key inside is not 32 bytes")),
    }
}

/// Writes a key, mode 0600; a file that exists is left alone.
pub(crate) fn store(path: &Path, pem: &str) -> Result<(), Failure> {
    use std::os::unix::fs::OpenOptionsExt;
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        std::fs::create_dir_all(folder).map_err(|e| Failure::file("create", folder, &e))?;
    }
    let mut file =
        std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path).map_err(|e| {
            if e.kind() == io::ErrorKind::AlreadyExists {
                Failure::refused(
                    format_args!("{} exists already", path.display()),
                    "choose another name with --out; an existing key is never overwritten",
                )
            } else {
                Failure::file("create", path, &e)
            }
        })?;
    file.write_all(pem.as_bytes())
        .and_then(|()| file.sync_all())
        .map_err(|e| Failure::file("write", path, &e))
}

/// The public key as PEM (SubjectPublicKeyInfo, RFC 8410), for OpenSSL and others.
pub(crate) fn public_pem(key: &SecretKey) -> String {
    // SEQUENCE { SEQUENCE { OID 1.3.101.112 }, BIT STRING } around the 32 bytes.
    let mut der = vec![0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00];
    der.extend_from_slice(key.public().as_bytes());
    pkcs8::der::pem::encode_string("PUBLIC KEY", LineEnding::LF, &der).expect("44 bytes encode")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(name: &str, pem: &str) -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join(name);
        store(&path, pem).expect("writes");
        (folder, path)
    }

    #[test]
    fn a_key_survives_its_file() {
        let key = generate();
        let (_folder, path) = written("plain.pem", &to_pem(&key, None).expect("encodes"));
        let back = load(&path, &PassphraseSource::default()).expect("reads");
        assert_eq!(back.seed(), key.seed());
    }

    #[test]
    fn an_encrypted_key_opens_with_its_passphrase_only() {
        let key = generate();
        let (folder, path) = written("sealed.pem", &to_pem(&key, Some("tantalum")).expect("encodes"));
        let right = folder.path().join("right");
        let wrong = folder.path().join("wrong");
        std::fs::write(&right, "tantalum\n").expect("writes");
        std::fs::write(&wrong, "niobium\n").expect("writes");
        let opened = load(&path, &PassphraseSource { file: Some(right) }).expect("opens");
        assert_eq!(opened.seed(), key.seed());
        let refused = load(&path, &PassphraseSource { file: Some(wrong) }).err().expect("refuses");
        assert!(refused.message.contains("does not open"), "{}", refused.message);
    }

    #[test]
    fn an_existing_key_is_never_overwritten() {
        let pem = to_pem(&generate(), None).expect("encodes");
        let (_folder, path) = written("mine.pem", &pem);
        let refused = store(&path, "something else").expect_err("refuses");
        assert!(refused.message.contains("exists already"), "{}", refused.message);
        assert_eq!(std::fs::read_to_string(&path).expect("reads"), pem);
    }

    /// Interchange with OpenSSL, both ways, where it is installed.
    #[test]
    fn openssl_reads_our_keys_and_we_read_its() {
        let run = |arguments: &[&str]| std::process::Command::new("openssl").args(arguments).output();
        let Ok(version) = run(&["version"]) else {
            eprintln!("openssl is not installed: interchange not tested here");
            return;
        };
        assert!(version.status.success());
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = |name: &str| folder.path().join(name).to_str().expect("utf-8 path").to_owned();

        let key = generate();
        store(Path::new(&path("ours.pem")), &to_pem(&key, Some("tantalum")).expect("encodes"))
            .expect("writes");
        let shown =
            run(&["pkey", "-in", &path("ours.pem"), "-passin", "pass:tantalum", "-pubout"]).expect("runs");
        assert_eq!(
            String::from_utf8_lossy(&shown.stdout),
            public_pem(&key),
            "openssl sees the same public key"
        );

        for (name, sealed) in [("plain.pem", false), ("sealed.pem", true)] {
            let file = path(name);
            let mut arguments = vec!["genpkey", "-algorithm", "ed25519", "-out", &file];
            if sealed {
                arguments.extend(["-aes256", "-pass", "pass:niobium"]);
            }
            assert!(run(&arguments).expect("runs").status.success());
            std::fs::write(path("passphrase"), "niobium").expect("writes");
            let source = PassphraseSource { file: Some(path("passphrase").into()) };
            let read = load(Path::new(&file), &source).expect("reads what openssl wrote");
            let shown = run(&["pkey", "-in", &file, "-passin", "pass:niobium", "-pubout"]).expect("runs");
            assert_eq!(String::from_utf8_lossy(&shown.stdout), public_pem(&read));
        }
    }
}
