//! Other nodes: who may link to this one, and what they say beside the ordering engine's frames.
//!
//! Who is welcome follows from the ledger (the validators in force and those about to be, with the keys in
//! their record) and from the trust root (observers, and keys that are revoked). Both are followed while the node
//! runs: a validator that was voted out, or a key that was taken off the file, loses its links at once.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, SystemTime},
};

use ore_consensus::Transport;
use ore_peer::{Directory, Greeting, Links, Network, Side, SideFrame, TlsIdentity, Welcome};
use ore_record::v1::Validator;
use tokio::sync::{mpsc, watch};

use crate::{
    config::Config, consortium::Consortium, gossip::Listener, keys::NodeKeys, ledger::Ledger,
    publisher::Inbox,
};

/// How often the trust root's file is looked at for observers and revoked keys.
const FILE_WATCH: Duration = Duration::from_secs(1);

/// What a node needs to take part, before anything runs.
pub(crate) struct Joined {
    /// The engine's end.
    pub(crate) transport: Transport,
    /// The network, to be run.
    pub(crate) network: Network,
    /// What the node tells the others beside the engine's frames.
    pub(crate) side: Side,
    /// Links, to look at.
    pub(crate) links: Links,
    /// Follows ledger and trust root, to be run.
    pub(crate) doorkeeper: Doorkeeper,
}

/// Prepares the links, if this node has anybody to link to, or listens for somebody.
///
/// # Errors
/// When the TLS key cannot be used.
pub(crate) fn join(
    config: &Config,
    consortium: &Consortium,
    keys: &NodeKeys,
    ledger: &Arc<Ledger>,
) -> Result<Option<Joined>, ore_peer::IdentityError> {
    let doorkeeper = Doorkeeper::new(config.consortium.clone(), consortium.clone(), Arc::clone(ledger));
    let directory = doorkeeper.directory.subscribe();
    let others = directory.borrow().iter().any(|welcome| welcome.member != config.member);
    if config.peer_listen.is_none() && !others {
        return Ok(None);
    }
    let greeting = Greeting {
        newest_rules: config.newest_rules.version(),
        member: config.member.clone(),
        origin: consortium.origin.clone(),
        genesis: consortium.genesis,
    };
    let identity = TlsIdentity::from_seed(&keys.tls)?;
    let (transport, engine_end) = Transport::channel();
    let (side, side_end) = Side::channel();
    let network = Network::new(ore_peer::Settings::new(greeting, identity), directory, engine_end, side_end);
    let links = network.links();
    Ok(Some(Joined { transport, network, side, links, doorkeeper }))
}

/// Who is welcome: validators by the ledger, observers by the trust root, nobody whose key is revoked.
#[must_use]
pub fn directory(consortium: &Consortium, validators: &[Validator]) -> Directory {
    let of_file = |member: &str| consortium.validators.iter().find(|trusted| trusted.member == member);
    let validators = validators.iter().filter_map(|validator| {
        let tls_key = match validator.tls_key.as_slice() {
            [] => of_file(&validator.member)?.tls_key?,
            bytes => bytes.try_into().ok()?,
        };
        let (member, address) = (validator.member.clone(), validator.peer_address.clone());
        Some(Welcome { member, tls_key, address })
    });
    let observers = consortium.observers.iter().map(|observer| Welcome {
        member: observer.member.clone(),
        tls_key: observer.tls_key,
        address: observer.peer_address.clone(),
    });
    Directory::new(validators.chain(observers), consortium.revoked_tls_keys.iter().copied())
}

/// Validators in force and about to be, and those that go but have not yet handed over.
fn welcome(ledger: &Ledger) -> Vec<Validator> {
    let mut validators = ledger.validators.borrow().to_vec();
    for going in ledger.vouching.borrow().iter() {
        if !validators.iter().any(|validator| validator.member == going.member) {
            validators.push(going.clone());
        }
    }
    validators
}

/// Keeps the directory up to date.
pub(crate) struct Doorkeeper {
    path: PathBuf,
    consortium: Consortium,
    ledger: Arc<Ledger>,
    directory: watch::Sender<Arc<Directory>>,
}

impl Doorkeeper {
    fn new(path: PathBuf, consortium: Consortium, ledger: Arc<Ledger>) -> Self {
        let now = directory(&consortium, &welcome(&ledger));
        Self { path, consortium, ledger, directory: watch::Sender::new(Arc::new(now)) }
    }

    /// Follows ledger and file for as long as it is polled.
    pub(crate) async fn run(mut self) {
        let mut validators = self.ledger.validators.subscribe();
        let mut vouching = self.ledger.vouching.subscribe();
        let mut seen = modified(&self.path);
        // Until the node stops.
        loop {
            tokio::select! {
                changed = validators.changed() => if changed.is_err() {
                    return;
                },
                changed = vouching.changed() => if changed.is_err() {
                    return;
                },
                () = tokio::time::sleep(FILE_WATCH) => {
                    let now = modified(&self.path);
                    if now == seen {
                        continue;
                    }
                    seen = now;
                    self.read_again();
                }
            }
            let now = directory(&self.consortium, &welcome(&self.ledger));
            self.directory.send_if_modified(|directory| {
                let changed = **directory != now;
                if changed {
                    tracing::info!(nodes = now.iter().count(), "who may link has changed");
                    *directory = Arc::new(now);
                }
                changed
            });
        }
    }

    /// Takes over observers and revoked keys, and nothing else: the rest of the trust root does not change while a
    /// node runs.
    fn read_again(&mut self) {
        match Consortium::load(&self.path) {
            Ok(read) if read.origin == self.consortium.origin && read.genesis == self.consortium.genesis => {
                self.consortium.observers = read.observers;
                self.consortium.revoked_tls_keys = read.revoked_tls_keys;
            }
            Ok(_) => tracing::error!("the trust root's file names another ledger now; it is not followed"),
            Err(error) => tracing::error!(%error, "the trust root's file cannot be read; it is not followed"),
        }
    }
}

fn modified(path: &Path) -> Option<SystemTime> {
    std::fs::metadata(path).and_then(|file| file.modified()).ok()
}

/// Hands what other nodes say to whom it concerns, for as long as it is polled.
pub(crate) async fn listen_aside(
    mut inbound: mpsc::Receiver<(String, SideFrame)>,
    checkpoints: Inbox,
    mut records: Listener,
) {
    while let Some((from, frame)) = inbound.recv().await {
        match frame {
            SideFrame::Cosignature(bytes) | SideFrame::Evidence(bytes) => {
                // Without room it is dropped; whatever matters is said again.
                checkpoints.put(&from, &bytes);
            }
            SideFrame::Records(bytes) => records.take(&from, bytes),
        }
    }
}

/// Validators in force at `height` and those about to be, the newest word about each member.
#[must_use]
pub fn validators_known(custody: &ore_custody::Custody, height: u64) -> Vec<Validator> {
    let mut names = BTreeSet::new();
    let sets = [custody.validators(), custody.validators_at(height)];
    let all = sets.into_iter().flatten().flat_map(|set| set.set.validators.iter());
    all.filter(|validator| names.insert(validator.member.clone())).cloned().collect()
}
