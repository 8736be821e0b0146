//! A ledger of one mine, made by `oreledger init`, and the records that the mine signs.

use std::{
    io::Write,
    path::{Path, PathBuf},
    process::{Command, Output},
    sync::atomic::{AtomicU64, Ordering},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use ore_record::{
    RecordId, SignedRecord, draft,
    keys::SecretKey,
    v1::{self, record::Event},
};
use ore_verify::TrustRoot;
use tempfile::TempDir;
use tokio::sync::{Mutex, MutexGuard};

pub(crate) const ORIGIN: &str = "ledger.example/processes";

/// One test at a time.
pub(crate) async fn turn() -> MutexGuard<'static, ()> {
    static TURN: Mutex<()> = Mutex::const_new(());
    TURN.lock().await
}

/// A line that is seen although the test passes: the test runner keeps back only what `eprintln!` writes.
pub(crate) fn say(line: &str) {
    let _ = writeln!(std::io::stderr(), "{line}");
}

/// A number from the environment.
pub(crate) fn setting(name: &str, default: u64) -> u64 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

/// Numbers that a seed determines (splitmix64).
pub(crate) struct Dice(u64);

impl Dice {
    /// From `ORELEDGER_SEED`, or from the clock; printed either way.
    pub(crate) fn cast(what: &str) -> Self {
        let seed = setting("ORELEDGER_SEED", now_ms());
        say(&format!("{what}: ORELEDGER_SEED={seed}"));
        Self(seed)
    }

    /// From 0 to `below`, exclusive.
    pub(crate) fn roll(&mut self, below: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % below
    }
}

pub(crate) fn now_ms() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).expect("a clock after 1970").as_millis() as u64
}

/// Waits for a condition; gives up after a minute.
pub(crate) fn until<T>(what: &str, mut condition: impl FnMut() -> Option<T>) -> T {
    for _ in 0..6_000 {
        if let Some(value) = condition() {
            return value;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    panic!("{what} did not come true within a minute");
}

/// A command of the program under test.
pub(crate) fn oreledger() -> Command {
    command_of(Path::new(env!("CARGO_BIN_EXE_oreledger")))
}

/// A command of this program.
pub(crate) fn command_of(program: &Path) -> Command {
    let mut command = Command::new(program);
    // Nothing of the caller's own setting gets in.
    for name in [
        "ORELEDGER_HOME",
        "ORELEDGER_URL",
        "ORELEDGER_TRUST",
        "ORELEDGER_MEMBER",
        "ORELEDGER_KEY",
        "ORELEDGER_TOKEN",
    ] {
        command.env_remove(name);
    }
    command
}

/// What a command said, for a message.
pub(crate) fn words(output: &Output) -> String {
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    format!("{}\nstdout: {out}\nstderr: {err}", output.status)
}

/// A new ledger.
pub(crate) struct World {
    dir: TempDir,
    mine: SecretKey,
    nonce: AtomicU64,
}

impl World {
    pub(crate) fn new() -> Self {
        let dir = tempfile::tempdir().expect("a temporary folder");
        let made = oreledger()
            .args(["init", "--origin", ORIGIN, "--founder", "mine:AU:miner:Mine Ltd", "--unencrypted"])
            .args(["--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0"])
            .arg(dir.path().join("node"))
            .output()
            .expect("the program runs");
        assert!(made.status.success(), "init: {}", words(&made));
        let pem = std::fs::read_to_string(dir.path().join("node/members/mine.pem")).expect("init made a key");
        let (_, key) = pkcs8::SecretDocument::from_pem(&pem).expect("PEM");
        // RFC 8410, version 0: the seed is the last thing in the document.
        let seed = key.as_bytes().last_chunk::<32>().expect("a seed");
        Self { mine: SecretKey::from_seed(seed), dir, nonce: AtomicU64::new(0) }
    }

    /// The node's folder.
    pub(crate) fn node(&self) -> PathBuf {
        self.dir.path().join("node")
    }

    /// The node's data.
    pub(crate) fn data(&self) -> PathBuf {
        self.node().join("data")
    }

    /// A place beside the node's folder.
    pub(crate) fn beside(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub(crate) fn trust(&self) -> TrustRoot {
        let consortium =
            ore_node::Consortium::load(&self.node().join("consortium.toml")).expect("init made it");
        let policy = consortium.policy().expect("a policy");
        TrustRoot { origin: consortium.origin, genesis: consortium.genesis, policy }
    }

    /// The mine reads with its own key.
    pub(crate) fn identity(&self) -> ore_client::Identity {
        ore_client::Identity::Member { id: "mine".into(), key: Box::new(self.mine.clone()) }
    }

    /// `oreledger fsck` of the stopped node.
    pub(crate) fn fsck(&self, options: &[&str]) -> Output {
        oreledger().arg("fsck").arg(self.node()).args(options).output().expect("the program runs")
    }

    /// fsck must find nothing.
    pub(crate) fn assert_clean(&self, options: &[&str], when: &str) {
        let report = self.fsck(options);
        let said = words(&report);
        assert!(report.status.code() == Some(0) && said.contains("CLEAN"), "fsck {options:?} {when}: {said}");
    }

    fn sign(&self, event: Event) -> SignedRecord {
        let number = self.nonce.fetch_add(1, Ordering::Relaxed);
        let mut nonce = [0; 16];
        nonce[8..].copy_from_slice(&number.to_be_bytes());
        let mut record = draft::record(event, now_ms());
        draft::complete(&mut record, ORIGIN, "mine", nonce);
        SignedRecord::sign(record, &self.mine).expect("a short record with an event")
    }

    /// Where the mine digs.
    pub(crate) fn site(&self) -> SignedRecord {
        let site = v1::Facility {
            id: "mine/site".into(),
            name: "Site".into(),
            kind: v1::FacilityKind::Mine.into(),
            country: "AU".into(),
            ..v1::Facility::default()
        };
        self.sign(Event::RegisterFacility(v1::RegisterFacility { facility: Some(site) }))
    }

    /// A lot that nobody has named before.
    pub(crate) fn commission(&self) -> SignedRecord {
        let number = self.nonce.fetch_add(1, Ordering::Relaxed);
        let content = v1::Content {
            element: 73,
            ppb: 300_000_000,
            kind: v1::ContentKind::Declared.into(),
            ..Default::default()
        };
        let lot = v1::NewLot {
            lot: format!("mine/M{number}"),
            material: v1::MaterialClass::Concentrate.into(),
            form: "tantalite concentrate".into(),
            mass: Some(dry(1_000)),
            composition: Some(v1::Composition { contents: vec![content], ..v1::Composition::default() }),
            tags: vec!["TAG-1".into()],
            facility: "mine/site".into(),
            model: v1::CustodyModel::Segregated.into(),
            origin_country: "AU".into(),
            ..v1::NewLot::default()
        };
        let kind = v1::CommissionKind::Extracted.into();
        self.sign(Event::Commission(v1::Commission { kind, lot: Some(lot), ..v1::Commission::default() }))
    }

    /// A part of a lot is lost: a record that names the one before it.
    pub(crate) fn lose(&self, lot: &str, head: RecordId) -> SignedRecord {
        let event = v1::Dispose {
            lot: Some(draft::lot_ref(lot, head)),
            mass: Some(dry(10)),
            kind: v1::DisposeKind::Lost.into(),
            reason: "spilled".into(),
        };
        self.sign(Event::Dispose(event))
    }
}

/// The lot that a commission creates.
pub(crate) fn lot_of(record: &SignedRecord) -> String {
    match record.event() {
        Event::Commission(commission) => {
            commission.lot.as_ref().map(|lot| lot.lot.clone()).unwrap_or_default()
        }
        _ => String::new(),
    }
}

fn dry(mg: u64) -> v1::Mass {
    v1::Mass { dry_mg: mg, basis: v1::MassBasis::Dry.into(), unit: "KGM".into(), ..v1::Mass::default() }
}

/// The segments of a record log, oldest first.
pub(crate) fn segments(data: &Path) -> Vec<PathBuf> {
    let mut segments: Vec<PathBuf> = std::fs::read_dir(data.join("log"))
        .expect("a log")
        .map(|entry| entry.expect("a name").path())
        .filter(|path| path.extension().is_some_and(|end| end == "seg"))
        .collect();
    segments.sort();
    segments
}
