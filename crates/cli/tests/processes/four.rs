//! A ledger of four organisations, each with a process of its own, linked over mutual TLS.

use std::{
    io::Write,
    net::{IpAddr, SocketAddr, TcpListener},
    path::PathBuf,
    process::Command,
    sync::atomic::{AtomicU64, Ordering},
};

use ore_node::{Consortium, NodeKeys, genesis};
use ore_record::{
    MemberId, SignedRecord, draft,
    keys::SecretKey,
    v1::{self, record::Event},
};
use tempfile::TempDir;

use crate::{
    process::NodeProcess,
    world::{ORIGIN, now_ms, oreledger},
};

pub(crate) const MEMBERS: [&str; 4] = ["assay-lab", "mine", "refiner", "trader"];

/// Folders of four nodes.
pub(crate) struct Four {
    dir: TempDir,
    /// What each process is started below: nothing, or a network of its own.
    below: [Vec<String>; 4],
    /// The set that decides from the first block on.
    validators: Vec<v1::Validator>,
    nonce: AtomicU64,
}

fn key(member: &str) -> SecretKey {
    let mut seed = [0x44; 32];
    seed[..member.len()].copy_from_slice(member.as_bytes());
    SecretKey::from_seed(&seed)
}

fn sign(author: &str, number: u64, event: Event) -> SignedRecord {
    let mut nonce = [0; 16];
    nonce[8..].copy_from_slice(&number.to_be_bytes());
    let mut record = draft::record(event, now_ms());
    draft::complete(&mut record, ORIGIN, author, nonce);
    SignedRecord::sign(record, &key(author)).expect("a short record with an event")
}

fn founding(keys: &[NodeKeys], addresses: &[SocketAddr; 4]) -> Vec<SignedRecord> {
    let mut events: Vec<(&str, Event)> = Vec::new();
    for member in MEMBERS {
        let id = MemberId::parse(member).expect("a slug");
        let registration = v1::KeyRegistration {
            public_key: key(member).public().as_bytes().to_vec(),
            possession: key(member).prove_possession(ORIGIN, &id).to_vec(),
        };
        let about = v1::Member {
            id: member.into(),
            legal_name: format!("{member} Ltd"),
            country: "AU".into(),
            roles: vec![v1::Role::Miner.into()],
            ..v1::Member::default()
        };
        let admit = v1::AdmitMember { member: Some(about), key: Some(registration) };
        events.push((member, Event::AdmitMember(admit)));
    }
    let profile = v1::Profile {
        version: 1,
        name: "four".into(),
        approvals_needed: 2,
        clock_tolerance_ms: 300_000,
        offer_lifetime_ms: 1_000_000_000,
        metal_gain_limit_ppm: 50_000,
        balance_tolerance_ppm: vec![20_000],
        ..v1::Profile::default()
    };
    events.push(("mine", Event::SetProfile(v1::SetProfile { profile: Some(profile) })));
    let facility = v1::Facility {
        id: "mine/site".into(),
        name: "Site".into(),
        kind: v1::FacilityKind::Mine.into(),
        country: "AU".into(),
        ..v1::Facility::default()
    };
    events.push(("mine", Event::RegisterFacility(v1::RegisterFacility { facility: Some(facility) })));
    let each = MEMBERS.iter().zip(keys).zip(addresses);
    let validators = each.map(|((member, keys), address)| keys.validator(member, &address.to_string()));
    let validators = v1::ChangeValidators { validators: validators.collect(), rules: 0 };
    events.push(("mine", Event::ChangeValidators(validators)));
    let signed = events.into_iter().enumerate();
    signed.map(|(number, (author, event))| sign(author, number as u64, event)).collect()
}

impl Four {
    /// On loopback, where the operating system chooses the ports.
    pub(crate) fn on_loopback() -> Self {
        let local: IpAddr = [127, 0, 0, 1].into();
        let held = [(); 4].map(|()| TcpListener::bind((local, 0)).expect("loopback has room"));
        let addresses = held.each_ref().map(|listener| listener.local_addr().expect("bound"));
        drop(held);
        Self::at(addresses, [(); 4].map(|()| Vec::new()))
    }

    /// Nodes link at these addresses and serve members beside; each is started below a command.
    pub(crate) fn at(addresses: [SocketAddr; 4], below: [Vec<String>; 4]) -> Self {
        let dir = tempfile::tempdir().expect("a temporary folder");
        let keys: Vec<_> = MEMBERS.iter().map(|_| NodeKeys::generate().expect("randomness")).collect();
        let genesis = genesis::build(ORIGIN, now_ms(), founding(&keys, &addresses)).expect("in order");
        let consortium = Consortium::of_genesis(ORIGIN, genesis.id, &genesis.validators).expect("good keys");
        for ((member, keys), address) in MEMBERS.iter().zip(&keys).zip(&addresses) {
            let home = dir.path().join(member);
            let any = SocketAddr::new(address.ip(), 0);
            genesis::install(&home, &genesis, &consortium, keys, member, any, any).expect("writable");
            let mut file = std::fs::OpenOptions::new()
                .append(true)
                .open(home.join("node.toml"))
                .expect("written by install");
            write!(file, "peer_listen = \"{address}\"\nread = \"everybody\"\n").expect("room");
        }
        let validators = genesis.validators.validators;
        Self { dir, below, validators, nonce: AtomicU64::new(1_000) }
    }

    pub(crate) fn home(&self, n: usize) -> PathBuf {
        self.dir.path().join(MEMBERS[n])
    }

    pub(crate) fn data(&self, n: usize) -> PathBuf {
        self.home(n).join("data")
    }

    pub(crate) fn beside(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// Starts a node and waits until it serves.
    pub(crate) fn start(&self, n: usize) -> NodeProcess {
        let mut node = self.spawn(n);
        node.wait_until_up().unwrap_or_else(|why| panic!("{} does not start: {why}", MEMBERS[n]));
        node
    }

    /// Starts a node and does not wait.
    pub(crate) fn spawn(&self, n: usize) -> NodeProcess {
        self.spawn_by(oreledger(), n)
    }

    /// The same by another program.
    pub(crate) fn spawn_by(&self, program: Command, n: usize) -> NodeProcess {
        self.spawn_with(program, n, &[])
    }

    /// The same, with more options.
    pub(crate) fn spawn_with(&self, program: Command, n: usize, options: &[&str]) -> NodeProcess {
        let command = match &self.below[n][..] {
            [] => program,
            [first, rest @ ..] => {
                let mut command = Command::new(first);
                command.args(rest).arg(program.get_program());
                command
            }
        };
        NodeProcess::spawn_at(command, &self.home(n).join("node.toml"), options)
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
        let mass = v1::Mass {
            dry_mg: 1_000,
            basis: v1::MassBasis::Dry.into(),
            unit: "KGM".into(),
            ..v1::Mass::default()
        };
        let lot = v1::NewLot {
            lot: format!("mine/M{number}"),
            material: v1::MaterialClass::Concentrate.into(),
            form: "tantalite concentrate".into(),
            mass: Some(mass),
            composition: Some(v1::Composition { contents: vec![content], ..v1::Composition::default() }),
            tags: vec!["TAG-1".into()],
            facility: "mine/site".into(),
            model: v1::CustodyModel::Segregated.into(),
            origin_country: "AU".into(),
            ..v1::NewLot::default()
        };
        let kind = v1::CommissionKind::Extracted.into();
        sign(
            "mine",
            number,
            Event::Commission(v1::Commission { kind, lot: Some(lot), ..v1::Commission::default() }),
        )
    }

    /// What three of the four say to have blocks judged by another version of the rules, in this order.
    pub(crate) fn vote(&self, rules: u32) -> [SignedRecord; 3] {
        let number = || self.nonce.fetch_add(1, Ordering::Relaxed);
        let set = v1::ChangeValidators { validators: self.validators.clone(), rules };
        let proposal = sign(MEMBERS[0], number(), Event::ChangeValidators(set));
        let approve = || Event::Approve(v1::Approve { proposal: proposal.id().as_bytes().to_vec() });
        let approvals = [1, 2].map(|n| sign(MEMBERS[n], number(), approve()));
        let [second, third] = approvals;
        [proposal, second, third]
    }

    /// fsck of a stopped node must find nothing.
    pub(crate) fn assert_clean(&self, n: usize) {
        let report = oreledger().arg("fsck").arg(self.home(n)).output().expect("the program runs");
        let said = crate::world::words(&report);
        assert!(report.status.code() == Some(0) && said.contains("CLEAN"), "fsck of {}: {said}", MEMBERS[n]);
    }
}
