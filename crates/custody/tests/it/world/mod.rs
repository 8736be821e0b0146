//! A small ledger in memory that stories are told to.

mod telling;

use std::{collections::BTreeMap, sync::OnceLock};

use ore_custody::{Change, Custody, Position, Rejection, Undo};
use ore_record::{
    MemberId, RecordId, SignedRecord, VerifiedRecord,
    keys::SecretKey,
    v1::{self, record::Event, *},
};

use telling::Words;

pub(crate) const ORIGIN: &str = "test.example/ledger";
pub(crate) const START_MS: u64 = 1_790_000_000_000;
pub(crate) const MINUTE_MS: u64 = 60_000;

/// Everybody in the stories, with country and roles.
const MEMBERS: &[(&str, &str, &[Role])] = &[
    ("mine", "AU", &[Role::Miner]),
    ("trader", "CH", &[Role::Trader]),
    ("refiner", "JP", &[Role::Refiner]),
    ("maker", "US", &[Role::Manufacturer]),
    ("recycler", "DE", &[Role::Recycler]),
    ("lab", "GB", &[Role::Laboratory]),
    ("certifier", "FR", &[Role::Certifier]),
    ("authority", "RW", &[Role::Authority]),
];

const FACILITIES: &[(&str, &str, FacilityKind, &str)] = &[
    ("mine", "mine/pit", FacilityKind::Mine, "AU"),
    ("mine", "mine/shed", FacilityKind::Concentrator, "AU"),
    ("trader", "trader/store", FacilityKind::Warehouse, "SG"),
    ("refiner", "refiner/works", FacilityKind::Refinery, "JP"),
    ("maker", "maker/fab", FacilityKind::Fab, "US"),
    ("recycler", "recycler/yard", FacilityKind::Recycler, "DE"),
    ("lab", "lab/bench", FacilityKind::Laboratory, "GB"),
];

#[derive(Clone)]
pub(crate) struct World {
    pub(crate) custody: Custody,
    pub(crate) log: Vec<SignedRecord>,
    /// What a store would hold.
    pub(crate) pairs: BTreeMap<Vec<u8>, Vec<u8>>,
    pub(crate) height: u64,
    pub(crate) now_ms: u64,
    nonce: u64,
    lots: BTreeMap<String, String>,
    labels: BTreeMap<String, RecordId>,
    ships: BTreeMap<String, RecordId>,
}

pub(crate) fn key_of(member: &str) -> SecretKey {
    let mut seed = [7; 32];
    seed[..member.len()].copy_from_slice(member.as_bytes());
    SecretKey::from_seed(&seed)
}

pub(crate) fn registration(member: &str, key: &SecretKey) -> KeyRegistration {
    let id = MemberId::parse(member).expect("a slug");
    KeyRegistration {
        public_key: key.public().as_bytes().to_vec(),
        possession: key.prove_possession(ORIGIN, &id).to_vec(),
    }
}

pub(crate) fn admission(member: &str, country: &str, roles: &[Role]) -> AdmitMember {
    AdmitMember {
        member: Some(Member {
            id: member.into(),
            legal_name: format!("{member} ltd"),
            country: country.into(),
            identifiers: Vec::new(),
            roles: roles.iter().map(|role| *role as i32).collect(),
        }),
        key: Some(registration(member, &key_of(member))),
    }
}

pub(crate) fn profile(version: u32) -> Profile {
    Profile {
        version,
        name: "test".into(),
        approvals_needed: 2,
        clock_tolerance_ms: 5 * MINUTE_MS,
        offer_lifetime_ms: 30 * 24 * 60 * MINUTE_MS,
        metal_gain_limit_ppm: 0,
        hs_table: "HS2022".into(),
        ..Profile::default()
    }
}

impl World {
    /// After genesis: members, facilities, a profile, one validator.
    pub(crate) fn new() -> Self {
        static GENESIS: OnceLock<World> = OnceLock::new();
        GENESIS.get_or_init(Self::genesis).clone()
    }

    pub(crate) fn empty() -> Self {
        Self {
            custody: Custody::new(ORIGIN),
            log: Vec::new(),
            pairs: BTreeMap::new(),
            height: 0,
            now_ms: START_MS,
            nonce: 0,
            lots: BTreeMap::new(),
            labels: BTreeMap::new(),
            ships: BTreeMap::new(),
        }
    }

    fn genesis() -> Self {
        let mut world = Self::empty();
        for (member, country, roles) in MEMBERS {
            world.must(member, Event::AdmitMember(admission(member, country, roles)));
        }
        world.must("mine", Event::SetProfile(SetProfile { profile: Some(profile(1)) }));
        for (owner, id, kind, country) in FACILITIES {
            let facility = Facility {
                id: (*id).into(),
                name: (*id).into(),
                kind: *kind as i32,
                country: (*country).into(),
                ..Facility::default()
            };
            world.must(owner, Event::RegisterFacility(RegisterFacility { facility: Some(facility) }));
        }
        let validator = Validator {
            member: "mine".into(),
            consensus_key: vec![1; 32],
            log_key: vec![2; 32],
            cosigner_key: vec![3; 32],
            tls_key: vec![],
            peer_address: "localhost:1".into(),
        };
        world.must(
            "mine",
            Event::ChangeValidators(ChangeValidators { validators: vec![validator], rules: 0 }),
        );
        world.height = 1;
        world
    }

    pub(crate) fn record(&mut self, author: &str, event: Event) -> Record {
        self.nonce += 1;
        let mut nonce = [0; 16];
        nonce[8..].copy_from_slice(&self.nonce.to_be_bytes());
        Record {
            origin: ORIGIN.into(),
            author: author.into(),
            nonce: nonce.to_vec(),
            event_time_ms: self.now_ms,
            event: Some(event),
            ..Record::default()
        }
    }

    pub(crate) fn position(&self) -> Position {
        Position { leaf_index: self.custody.leaves(), height: self.height, block_time_ms: self.now_ms }
    }

    pub(crate) fn decide(&self, record: &VerifiedRecord) -> Result<Change, Box<Rejection>> {
        let log = |leaf: u64| self.log.get(leaf as usize).cloned();
        self.custody.decide(record, &self.position(), &log).map_err(Box::new)
    }

    /// Commits and keeps what the store and the log would keep.
    pub(crate) fn commit(&mut self, change: Change, record: VerifiedRecord) -> Undo {
        for (key, value) in change.writes() {
            match value {
                Some(value) => drop(self.pairs.insert(key, value)),
                None => drop(self.pairs.remove(&key)),
            }
        }
        self.log.push(record.into_signed());
        self.now_ms += MINUTE_MS;
        self.custody.commit(change)
    }

    pub(crate) fn submit(&mut self, record: Record) -> Result<(RecordId, Undo), Box<Rejection>> {
        let key = key_of(&record.author);
        let verified = sign(record, &key);
        let change = self.decide(&verified)?;
        let id = verified.id();
        let undo = self.commit(change, verified);
        Ok((id, undo))
    }

    pub(crate) fn must(&mut self, author: &str, event: Event) -> RecordId {
        let record = self.record(author, event);
        self.submit(record).unwrap_or_else(|refusal| panic!("{author}: {refusal}")).0
    }

    /// One line of a story, not yet submitted. `None` for a line that is no record.
    pub(crate) fn draft(&mut self, line: &str) -> Option<(Option<String>, Record)> {
        let line = line.split('#').next().unwrap_or_default().trim();
        if let Some(days) = line.strip_prefix("after ") {
            let days: u64 = days.trim_end_matches(" days").parse().expect("after N days");
            self.now_ms += days * 24 * 60 * MINUTE_MS;
            return None;
        }
        if line.is_empty() {
            return None;
        }
        let mut words = Words(line.split_whitespace().collect());
        let label = words.0[0].strip_suffix(':').map(str::to_owned);
        if label.is_some() {
            words.0.remove(0);
        }
        let author = words.next().to_owned();
        let verb = words.next().to_owned();
        // Options that any line may have.
        let corrects = words.option("corrects").map(|label| self.labels[label]);
        let seconds: i64 = words.option("at-time").map_or(0, |s| s.parse().expect("seconds"));
        let event = self.event(&author, &verb, &mut words);
        assert!(words.0.is_empty(), "not understood in {line:?}: {:?}", words.0);
        let mut record = self.record(&author, event);
        record.event_time_ms = record.event_time_ms.saturating_add_signed(seconds * 1000);
        record.corrects = corrects.map_or(Vec::new(), |id| id.as_bytes().to_vec());
        Some((label, record))
    }

    /// Tells one line and says what came of it.
    pub(crate) fn tell(&mut self, line: &str) -> Result<(), Box<Rejection>> {
        self.tell_changed(line, |_| {})
    }

    pub(crate) fn tell_changed(
        &mut self,
        line: &str,
        tweak: impl Fn(&mut Record),
    ) -> Result<(), Box<Rejection>> {
        let Some((label, mut record)) = self.draft(line) else { return Ok(()) };
        tweak(&mut record);
        let ships = matches!(record.event, Some(Event::Ship(_)));
        let lots: Vec<String> = touched(&record);
        let (id, _undo) = self.submit(record)?;
        label.map(|label| self.labels.insert(label, id));
        if ships {
            self.ships.extend(lots.into_iter().map(|lot| (lot, id)));
        }
        Ok(())
    }

    /// Tells a line if it is accepted; gives the undo and the state root before.
    pub(crate) fn attempt(&mut self, line: &str) -> Option<(Undo, [u8; 32])> {
        if let Some((_, label)) = line.split_once(" withdraws ") {
            self.labels.get(label)?;
        }
        let (label, record) = self.draft(line)?;
        let ships = matches!(record.event, Some(Event::Ship(_)));
        let lots = touched(&record);
        let root = self.custody.state_root();
        let (id, undo) = self.submit(record).ok()?;
        label.map(|label| self.labels.insert(label, id));
        if ships {
            self.ships.extend(lots.into_iter().map(|lot| (lot, id)));
        }
        Some((undo, root))
    }

    pub(crate) fn id(&self, label: &str) -> RecordId {
        self.labels[label]
    }

    /// Who said what bears this label, if it was accepted.
    pub(crate) fn author(&self, label: &str) -> Option<&str> {
        let leaf = self.custody.leaf_of(self.labels.get(label)?)?;
        Some(&self.log[leaf as usize].record().author)
    }

    pub(crate) fn full(&self, lot: &str) -> String {
        self.lots.get(lot).cloned().unwrap_or_else(|| lot.into())
    }

    pub(crate) fn lot(&self, lot: &str) -> ore_custody::Lot {
        self.custody.lot(&self.full(lot)).unwrap_or_else(|| panic!("no lot {lot}"))
    }

    pub(crate) fn lot_ref(&self, lot: &str) -> LotRef {
        let lot = self.full(lot);
        let head = self.custody.head(&lot).map_or(vec![9; 32], |id| id.as_bytes().to_vec());
        LotRef { lot, head }
    }
}

pub(crate) fn sign(record: Record, key: &SecretKey) -> VerifiedRecord {
    SignedRecord::sign(record, key).expect("a record").verify().expect("just signed")
}

pub(crate) fn dry(dry_mg: u64) -> v1::Mass {
    v1::Mass { dry_mg, basis: MassBasis::Dry.into(), unit: "GRM".into(), ..v1::Mass::default() }
}

fn touched(record: &Record) -> Vec<String> {
    let mut record = record.clone();
    ore_record::draft::heads_mut(&mut record).into_iter().map(|reference| reference.lot.clone()).collect()
}

pub(crate) enum Outcome {
    Accepted,
    /// `rule: message -> next step`.
    Rejected(&'static str),
}
pub(crate) use Outcome::{Accepted, Rejected};

/// Tells a story; every line must be accepted, and the last must have the outcome.
pub(crate) fn check(story: &str, outcome: Outcome) -> World {
    check_changed(story, |_| {}, outcome)
}

/// The same, with the last line's record changed before it is signed.
pub(crate) fn check_changed(story: &str, tweak: impl Fn(&mut Record), outcome: Outcome) -> World {
    let mut world = World::new();
    let lines: Vec<&str> = story.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    let (last, before) = lines.split_last().expect("a story has a line");
    for line in before {
        world.tell(line).unwrap_or_else(|refusal| panic!("{line}: {refusal} -> {}", refusal.next_step));
    }
    match (world.tell_changed(last, tweak), outcome) {
        (Ok(()), Accepted) => {}
        (Ok(()), Rejected(expected)) => panic!("accepted: {last}\nexpected: {expected}"),
        (Err(refusal), Accepted) => panic!("{last}: {refusal} -> {}", refusal.next_step),
        (Err(refusal), Rejected(expected)) => {
            assert_eq!(format!("{refusal} -> {}", refusal.next_step), expected);
        }
    }
    world
}
