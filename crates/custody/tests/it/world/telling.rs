//! The words in which stories are told.
//!
//! One line, one record: `[label:] <member> <verb> ...`. Lots go by their number; the world knows whose
//! they are and fills in heads. Masses are `5000g` or `20kg`, contents `Ta 30%` or `Ta2O5 40%`.

use ore_record::{
    content, mass,
    v1::{self, record::Event, *},
};

use super::{World, admission, dry};

impl World {
    pub(super) fn event(&mut self, author: &str, verb: &str, words: &mut Words<'_>) -> Event {
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

pub(super) struct Words<'a>(pub(super) Vec<&'a str>);

impl<'a> Words<'a> {
    pub(super) fn peek(&self) -> Option<&'a str> {
        self.0.first().copied()
    }

    pub(super) fn next(&mut self) -> &'a str {
        assert!(!self.0.is_empty(), "the line ends too early");
        self.0.remove(0)
    }

    fn skip(&mut self, word: &str) {
        let next = self.next();
        assert_eq!(next, word);
    }

    /// Takes `name value` out of the line, wherever it stands.
    pub(super) fn option(&mut self, name: &str) -> Option<&'a str> {
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
