//! A small ledger in memory, and the words in which stories are told.
//!
//! One line, one record: `[label:] <member> <verb> ...`. Lots go by their number; the world knows whose
//! they are and fills in heads. Masses are `5000g` or `20kg`, contents `Ta 30%` or `Ta2O5 40%`.

use std::{collections::BTreeMap, sync::OnceLock};

use ore_custody::{Change, Custody, Position, Rejection, Undo};
use ore_record::{
    MemberId, RecordId, SignedRecord, VerifiedRecord, content,
    keys::SecretKey,
    mass,
    v1::{self, record::Event, *},
};

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

    fn event(&mut self, author: &str, verb: &str, words: &mut Words<'_>) -> Event {
        let reference = |world: &Self, words: &mut Words<'_>| Some(world.lot_ref(words.next()));
        let offer = |world: &Self, lot: &str| {
            world.ships.get(&world.full(lot)).map_or(vec![9; 32], |id| id.as_bytes().to_vec())
        };
        match verb {
            "commissions" => {
                let lot = self.new_lot(author, words);
                Event::Commission(Commission {
                    kind: CommissionKind::Extracted.into(),
                    lot: Some(lot),
                    ..Commission::default()
                })
            }
            "collects" => {
                let mut lot = self.new_lot(author, words);
                lot.origin_country = String::new();
                Event::Commission(Commission {
                    kind: CommissionKind::CollectedScrap.into(),
                    lot: Some(lot),
                    scrap_class: RecyclingClass::PostConsumer.into(),
                    attestations: Vec::new(),
                })
            }
            "declares" => {
                let mut lot = self.new_lot(author, words);
                lot.origin_country = String::new();
                Event::Commission(Commission {
                    kind: CommissionKind::DeclaredUnknown.into(),
                    lot: Some(lot),
                    ..Commission::default()
                })
            }
            "transforms" => Event::Transform(self.transform(author, words)),
            "ships" => {
                let mut lots = Vec::new();
                while words.peek() != Some("to") {
                    let lot = words.next();
                    let reference = self.lot_ref(lot);
                    let dry_mg = words.mass().unwrap_or_else(|| {
                        self.custody.lot(&reference.lot).map_or(1, |lot| lot.remaining_mg().max(1))
                    });
                    lots.push(ShippedLot {
                        lot: Some(reference),
                        mass: Some(dry(dry_mg)),
                        seals: Vec::new(),
                    });
                }
                words.skip("to");
                let receiver = words.next().into();
                let transfer = match words.option("passing") {
                    Some("custody") => TransferKind::Custody,
                    Some("ownership") => TransferKind::Ownership,
                    _ => TransferKind::CustodyAndOwnership,
                };
                let purpose = match words.option("for") {
                    Some("return") => ShipPurpose::Return,
                    Some("tolling") => ShipPurpose::Tolling,
                    _ => ShipPurpose::Sale,
                };
                Event::Ship(Ship {
                    lots,
                    receiver,
                    transfer: transfer.into(),
                    purpose: purpose.into(),
                    from_facility: place_of(author).into(),
                    ..Ship::default()
                })
            }
            "receives" => {
                let mut lots = Vec::new();
                let mut ship = Vec::new();
                while !words.0.is_empty() {
                    let lot = words.next();
                    ship = offer(self, lot);
                    let reference = self.lot_ref(lot);
                    let dry_mg = words.mass().unwrap_or_else(|| {
                        self.custody.lot(&reference.lot).map_or(1, |lot| lot.remaining_mg().max(1))
                    });
                    lots.push(AcceptedLot {
                        lot: Some(reference),
                        mass: Some(dry(dry_mg)),
                        seals: SealState::Intact.into(),
                    });
                }
                Event::Accept(Accept { offer: ship, lots, facility: place_of(author).into() })
            }
            "declines" | "cancels" => {
                let names: Vec<&str> = std::mem::take(&mut words.0);
                let ship = offer(self, names[0]);
                let lots = names.iter().map(|lot| self.lot_ref(lot)).collect();
                if verb == "declines" {
                    Event::Decline(Decline { offer: ship, lots, reason: "not as agreed".into() })
                } else {
                    Event::CancelShipment(CancelShipment { offer: ship, lots, reason: "lorry broke".into() })
                }
            }
            "assays" => {
                let lot = reference(self, words);
                let stage = match words.option("stage") {
                    Some("final") => AssayStage::Final,
                    Some("buyer") => AssayStage::Buyer,
                    _ => AssayStage::Provisional,
                };
                let composition = words.composition(stage);
                Event::Assay(Assay { lot, composition, ..Assay::default() })
            }
            "seals" => Event::Seal(SealEvent {
                lot: reference(self, words),
                seal: words.next().into(),
                action: SealAction::Applied.into(),
            }),
            "uses" => {
                let item = reference(self, words);
                words.skip("down");
                words.skip("to");
                Event::Use(Use { item, net_mass: words.mass().map(dry), facility: place_of(author).into() })
            }
            "holds" => Event::Hold(Hold { lot: reference(self, words), reason: "question".into() }),
            "releases" => Event::Release(Release { lot: reference(self, words), reason: "answered".into() }),
            "recalls" => Event::Recall(Recall {
                lot: reference(self, words),
                descendants: true,
                reason: "contaminated".into(),
            }),
            "disposes" => Event::Dispose(Dispose {
                lot: reference(self, words),
                mass: words.mass().map(dry),
                kind: DisposeKind::Landfilled.into(),
                reason: String::new(),
            }),
            "footprints" => Event::Footprint(Footprint {
                lot: reference(self, words),
                co2e_g: 1000,
                method: "test".into(),
                ..Footprint::default()
            }),
            "counts" => Event::Stocktake(Stocktake {
                facility: place_of(author).into(),
                period_start_ms: 0,
                lines: vec![StockLine {
                    material: MaterialClass::Ore.into(),
                    element: 73,
                    mg: words.mass().expect("a mass"),
                }],
            }),
            "withdraws" => {
                let id = self.labels[words.next()];
                Event::Withdraw(Withdraw {
                    record: id.as_bytes().to_vec(),
                    reason: WithdrawReason::IncorrectData.into(),
                    explanation: "typing error".into(),
                })
            }
            "erases" => {
                let id = self.labels[words.next()];
                Event::Erased(Erased { record: id.as_bytes().to_vec(), reason: "retention".into() })
            }
            "approves" => {
                let id = self.labels[words.next()];
                Event::Approve(Approve { proposal: id.as_bytes().to_vec() })
            }
            "proposes" => {
                let member = words.next();
                Event::AdmitMember(admission(member, "CA", &[Role::Trader]))
            }
            "attests" => {
                let subject = words.next();
                let subject = self.full(subject);
                Event::Attest(Attest {
                    attestation: Some(Attestation {
                        id: format!("{author}/{}", words.next()),
                        kind: AttestationKind::Certificate.into(),
                        subject,
                        scheme: "green".into(),
                        valid_from_ms: 1,
                        valid_until_ms: u64::MAX,
                        ..Attestation::default()
                    }),
                })
            }
            "deposits" => Event::CreditDeposit(CreditDeposit {
                lot: reference(self, words),
                mg: words.mass().expect("a mass"),
                scheme: "green".into(),
                facility: place_of(author).into(),
                element: 73,
                conversion_ppm: 900_000,
                period: 202_609,
                attestation: "certifier/C1".into(),
            }),
            "claims" => Event::CreditClaim(CreditClaim {
                lot: reference(self, words),
                mg: words.mass().expect("a mass"),
                scheme: "green".into(),
                facility: place_of(author).into(),
                element: 73,
                period: 202_609,
            }),
            other => panic!("no such verb: {other}"),
        }
    }

    /// `<number> <mass> [contents] [options]`, up to `+`, `into`, `losing`, `by` or the end.
    fn new_lot(&mut self, author: &str, words: &mut Words<'_>) -> NewLot {
        let number = words.next();
        let id = if number.contains('/') { number.to_owned() } else { format!("{author}/{number}") };
        self.lots.insert(number.to_owned(), id.clone());
        let mass = words.mass().map(dry);
        let composition = words.composition(AssayStage::Producer);
        let mut lot = NewLot {
            lot: id,
            material: MaterialClass::Concentrate.into(),
            form: "tantalite".into(),
            mass,
            composition,
            tags: vec!["TAG-1".into()],
            facility: if author == "mine" { "mine/pit" } else { place_of(author) }.into(),
            model: CustodyModel::ControlledBlending.into(),
            origin_country: "AU".into(),
            transformation_country: "JP".into(),
            ..NewLot::default()
        };
        while let Some(option) = words.peek() {
            match option {
                "of" => {
                    words.next();
                    lot.compound = words.next().into();
                }
                "serial" => {
                    words.next();
                    lot.serial = words.next().into();
                }
                "untagged" => {
                    words.next();
                    lot.tags.clear();
                }
                "found" => {
                    words.next();
                    lot.facility = words.next().into();
                }
                "hs" => {
                    words.next();
                    lot.hs_code = words.next().into();
                }
                "segregated" => {
                    words.next();
                    lot.model = CustodyModel::Segregated.into();
                }
                "mass-balance" => {
                    words.next();
                    lot.model = CustodyModel::MassBalance.into();
                }
                "owned" => {
                    words.next();
                    words.skip("by");
                    lot.owner = words.next().into();
                }
                _ => break,
            }
        }
        lot
    }

    fn transform(&mut self, author: &str, words: &mut Words<'_>) -> Transform {
        let mut inputs = Vec::new();
        loop {
            let lot = words.next();
            let reference = self.lot_ref(lot);
            let dry_mg = words.mass().unwrap_or_else(|| {
                self.custody.lot(&reference.lot).map_or(1, |lot| lot.remaining_mg().max(1))
            });
            inputs.push(TransformInput { lot: Some(reference), mass: Some(dry(dry_mg)), composition: None });
            if words.peek() != Some("+") {
                break;
            }
            words.skip("+");
        }
        words.skip("into");
        let mut outputs = Vec::new();
        loop {
            let mut lot = self.new_lot(author, words);
            lot.facility = String::new();
            let role = match words.peek() {
                Some("residue") => OutputRole::Residue,
                Some("by-product") => OutputRole::ByProduct,
                _ => OutputRole::Product,
            };
            if role != OutputRole::Product {
                words.next();
            }
            outputs.push(TransformOutput { lot: Some(lot), role: role.into() });
            if words.peek() != Some("+") {
                break;
            }
            words.skip("+");
        }
        let mut losses = Vec::new();
        if words.peek() == Some("losing") {
            words.skip("losing");
            let element = ore_record::elements::atomic_number(words.next()).expect("a symbol");
            losses.push(Loss { element, mg: words.mass().expect("a mass"), reason: "fume".into() });
        }
        let process = match words.option("by") {
            Some("splitting") => Process::Splitting,
            Some("blending") => Process::Blending,
            Some("machining") => Process::Machining,
            Some("recycling") => Process::Recycling,
            Some("concentrating") => Process::Concentrating,
            _ => Process::Refining,
        };
        Transform {
            process: process.into(),
            facility: place_of(author).into(),
            inputs,
            outputs,
            losses,
            recycling_class: if process == Process::Recycling {
                RecyclingClass::PostConsumer
            } else {
                RecyclingClass::Unspecified
            }
            .into(),
            ..Transform::default()
        }
    }
}

pub(crate) fn sign(record: Record, key: &SecretKey) -> VerifiedRecord {
    SignedRecord::sign(record, key).expect("a record").verify().expect("just signed")
}

pub(crate) fn dry(dry_mg: u64) -> v1::Mass {
    v1::Mass { dry_mg, basis: MassBasis::Dry.into(), unit: "GRM".into(), ..v1::Mass::default() }
}

fn place_of(member: &str) -> &'static str {
    match member {
        "mine" => "mine/shed",
        "trader" => "trader/store",
        "refiner" => "refiner/works",
        "maker" => "maker/fab",
        "recycler" => "recycler/yard",
        "lab" => "lab/bench",
        _ => "trader/store",
    }
}

fn touched(record: &Record) -> Vec<String> {
    let mut record = record.clone();
    ore_record::draft::heads_mut(&mut record).into_iter().map(|reference| reference.lot.clone()).collect()
}

struct Words<'a>(Vec<&'a str>);

impl<'a> Words<'a> {
    fn peek(&self) -> Option<&'a str> {
        self.0.first().copied()
    }

    fn next(&mut self) -> &'a str {
        assert!(!self.0.is_empty(), "the line ends too early");
        self.0.remove(0)
    }

    fn skip(&mut self, word: &str) {
        let next = self.next();
        assert_eq!(next, word);
    }

    /// Takes `name value` out of the line, wherever it stands.
    fn option(&mut self, name: &str) -> Option<&'a str> {
        let at = self.0.iter().position(|word| *word == name)?;
        self.0.remove(at);
        Some(self.0.remove(at))
    }

    fn mass(&mut self) -> Option<u64> {
        let word = self.peek()?;
        if !word.starts_with(|first: char| first.is_ascii_digit()) {
            return None;
        }
        let parsed = mass::parse(word).ok().map(|mass| mass.dry_mg);
        let mg = parsed.or_else(|| word.strip_suffix("g").filter(|number| *number == "0").map(|_| 0))?;
        self.next();
        Some(mg)
    }

    /// Pairs such as `Ta 30%`.
    fn composition(&mut self, stage: AssayStage) -> Option<v1::Composition> {
        let mut contents = Vec::new();
        while self.0.get(1).is_some_and(|amount| amount.ends_with('%') || amount.ends_with("ppm")) {
            let name = self.next();
            let amount = self.next();
            contents.push(content::from_text(name, amount, ContentKind::Measured).expect("a content"));
        }
        contents.sort_by_key(|content| content.element);
        (!contents.is_empty()).then(|| v1::Composition {
            contents,
            method: "XRF".into(),
            laboratory: String::new(),
            stage: stage.into(),
        })
    }
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
