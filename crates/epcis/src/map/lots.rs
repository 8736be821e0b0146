//! Lots that come into being, become others, or leave: commission, transform, dispose.

use ore_record::{
    content, elements, mass, ratio,
    units::{self, Unit},
    v1::{
        Commission, CommissionKind, Composition, Content, ContentKind, CustodyModel, Dispose, DisposeKind,
        FacilityKind, Loss, LotRef, Mass, MaterialClass, Mixing, NewLot, OutputRole, Process, RecyclingClass,
        Transform, TransformInput, TransformOutput, record::Event as Statement,
    },
};

use super::{Mapping, as_number, word_of};
use crate::{
    directory::{KnownPlace, Product, number_of},
    event::{EventKind, Thing},
    json::{Object, Value},
    refusal::{Clause, Refusal, quote},
};

pub(crate) const MATERIALS: [(&str, MaterialClass); 9] = [
    ("ore", MaterialClass::Ore),
    ("concentrate", MaterialClass::Concentrate),
    ("intermediate", MaterialClass::Intermediate),
    ("metal", MaterialClass::Metal),
    ("sputtering_target", MaterialClass::SputteringTarget),
    ("component", MaterialClass::Component),
    ("finished_product", MaterialClass::FinishedProduct),
    ("scrap", MaterialClass::Scrap),
    ("residue", MaterialClass::Residue),
];

const MODELS: [(&str, CustodyModel); 5] = [
    ("identity_preserved", CustodyModel::IdentityPreserved),
    ("segregated", CustodyModel::Segregated),
    ("controlled_blending", CustodyModel::ControlledBlending),
    ("mass_balance", CustodyModel::MassBalance),
    ("book_and_claim", CustodyModel::BookAndClaim),
];

const PROCESSES: [(&str, Process); 12] = [
    ("crushing", Process::Crushing),
    ("concentrating", Process::Concentrating),
    ("smelting", Process::Smelting),
    ("refining", Process::Refining),
    ("reduction", Process::Reduction),
    ("blending", Process::Blending),
    ("splitting", Process::Splitting),
    ("sintering", Process::Sintering),
    ("bonding", Process::Bonding),
    ("machining", Process::Machining),
    ("assembling", Process::Assembling),
    ("recycling", Process::Recycling),
];

const RECYCLING: [(&str, RecyclingClass); 3] = [
    ("internal", RecyclingClass::Internal),
    ("pre_consumer", RecyclingClass::PreConsumer),
    ("post_consumer", RecyclingClass::PostConsumer),
];

impl<'a> Mapping<'a> {
    pub(super) fn commission(&mut self) -> Result<Vec<Statement>, Refusal> {
        let place = self.place()?;
        let things = self.some_things(Clause::ObjectEvent)?;
        let kinds = [
            ("extracted", CommissionKind::Extracted),
            ("collected_scrap", CommissionKind::CollectedScrap),
            ("declared_unknown", CommissionKind::DeclaredUnknown),
        ];
        let kind = match self.word("commissionKind", &kinds)? {
            Some(kind) => kind,
            None if place.kind == FacilityKind::Mine => CommissionKind::Extracted,
            None => {
                self.lacks.push(
                    "where the metal was mined or collected: the lot enters with unknown origin".into(),
                );
                CommissionKind::DeclaredUnknown
            }
        };
        let attestations = self.permits();
        let scrap_class = self.word("recycledClass", &RECYCLING)?.unwrap_or(RecyclingClass::Unspecified);
        let mut statements = Vec::new();
        for thing in things {
            let mut lot = self.new_lot(thing, place)?;
            if kind == CommissionKind::Extracted && lot.tags.is_empty() {
                self.lacks.push(format!("a tag of lot {}: a mined lot needs one", lot.lot));
            }
            if kind == CommissionKind::DeclaredUnknown && lot.origin_country.is_empty() {
                "ZZ".clone_into(&mut lot.origin_country);
            }
            statements.push(Statement::Commission(Commission {
                kind: kind.into(),
                lot: Some(lot),
                scrap_class: scrap_class.into(),
                attestations: attestations.clone(),
            }));
        }
        Ok(statements)
    }

    pub(super) fn transform(&mut self) -> Result<Vec<Statement>, Refusal> {
        let (event, clause) = (self.event, Clause::TransformationEvent);
        let place = self.place()?;
        if event.things.is_empty() || event.outputs.is_empty() {
            let reason = "one half of a transformation that several events describe together";
            return self.refuse("transformationID", clause, reason, "send inputs and outputs in one event");
        }
        let made_by = event.outputs.iter().find_map(|thing| self.directory.product(&thing.uri));
        let process = match self.word("process", &PROCESSES)? {
            Some(process) => Some(process),
            None => made_by.and_then(|product| word_of(&product.process, &PROCESSES)),
        };
        let recycling_class = self.word("recycledClass", &RECYCLING)?.unwrap_or(RecyclingClass::Unspecified);
        let process = match process {
            Some(process) => process,
            None if recycling_class != RecyclingClass::Unspecified => Process::Recycling,
            None => {
                return self.refuse(
                    "mct:process",
                    clause,
                    "nothing says by which process the inputs became the outputs",
                    "state mct:process, or the process of the product in the products file",
                );
            }
        };
        let mixing = [
            ("well_mixed", Mixing::Unspecified),
            ("not_homogenised", Mixing::NotHomogenised),
            ("segregated", Mixing::Segregated),
        ];
        let mixing = self.word("mixing", &mixing)?.unwrap_or(Mixing::Unspecified);
        let mut inputs = Vec::new();
        for thing in &event.things {
            let mass = self.taken_mass(thing)?;
            inputs.push(TransformInput {
                lot: Some(self.lot_ref(thing)?),
                mass: Some(mass),
                composition: None,
            });
        }
        let mut outputs = Vec::new();
        for thing in &event.outputs {
            let lot = self.new_lot(thing, place)?;
            let residue = lot.material() == MaterialClass::Residue;
            let role = if residue { OutputRole::Residue } else { OutputRole::Product };
            outputs.push(TransformOutput { lot: Some(lot), role: role.into() });
        }
        Ok(vec![Statement::Transform(Transform {
            process: process.into(),
            facility: place.id.clone(),
            inputs,
            outputs,
            losses: self.losses()?,
            recycling_class: recycling_class.into(),
            mixing: mixing.into(),
            started_ms: 0,
        })])
    }

    pub(super) fn dispose(&mut self) -> Result<Vec<Statement>, Refusal> {
        let kinds = [
            ("destroyed", DisposeKind::Destroyed),
            ("landfilled", DisposeKind::Landfilled),
            ("lost", DisposeKind::Lost),
            ("stolen", DisposeKind::Stolen),
            ("exported", DisposeKind::Exported),
        ];
        let event = self.event;
        let kind =
            match (self.word("disposeKind", &kinds)?, event.disposition.as_str(), event.biz_step.as_str()) {
                (Some(kind), _, _) => kind,
                (None, "destroyed", _) | (None, _, "destroying") => DisposeKind::Destroyed,
                (None, "stolen", _) => DisposeKind::Stolen,
                _ => {
                    return self.refuse(
                        "disposition",
                        Clause::Disposition,
                        "nothing says how the object left the system",
                        "disposition destroyed or stolen, or mct:disposeKind landfilled, lost or exported",
                    );
                }
            };
        let mut statements = Vec::new();
        for thing in self.some_things(Clause::ObjectEvent)? {
            statements.push(Statement::Dispose(Dispose {
                lot: Some(self.lot_ref(thing)?),
                mass: Some(self.taken_mass(thing)?),
                kind: kind.into(),
                reason: self.term("reason").unwrap_or_default().to_owned(),
            }));
        }
        Ok(statements)
    }

    /// The objects, of which there is at least one.
    pub(super) fn some_things(&self, clause: Clause) -> Result<&'a [Thing], Refusal> {
        if self.event.things.is_empty() {
            return self.refuse(
                "epcList",
                clause,
                "names no object",
                "name the lots in quantityList or epcList",
            );
        }
        Ok(&self.event.things)
    }

    fn product(&self, thing: &Thing) -> Option<&Product> {
        self.directory.product(&thing.uri)
    }

    /// A lot that comes into being under its author's name.
    fn new_lot(&mut self, thing: &Thing, place: &KnownPlace) -> Result<NewLot, Refusal> {
        let author = self.author();
        let id = match self.directory.own_id("lots", &thing.uri) {
            Some(id) => id.to_owned(),
            None => format!("{author}/{}", lot_number(thing)?),
        };
        let product = self.product(thing).cloned().unwrap_or_default();
        let material = match self.word("material", &MATERIALS)? {
            Some(material) => material,
            None if product.material != MaterialClass::Unspecified => product.material,
            None => {
                return self.refuse(
                    "mct:material",
                    Clause::Ilmd,
                    format!("nothing says what material lot {id} is"),
                    "state mct:material in the ilmd, or the GTIN in the products file",
                );
            }
        };
        let model = match self.word("cocModel", &MODELS)? {
            Some(model) => Some(model),
            None => word_of(&product.model, &MODELS),
        };
        let Some(model) = model else {
            return self.refuse(
                "mct:cocModel",
                Clause::Ilmd,
                format!("nothing says by which chain-of-custody model lot {id} is kept"),
                "state mct:cocModel in the ilmd, or the GTIN in the products file",
            );
        };
        let mass = self.new_mass(thing)?;
        let composition = self.contained(&mass, &id)?;
        let term = |name: &str, fallback: &str| self.term(name).unwrap_or(fallback).to_owned();
        Ok(NewLot {
            material: material.into(),
            form: term("form", &product.form),
            compound: term("compound", &product.compound),
            hs_code: term("hsCode", &product.hs_code),
            composition,
            tags: texts(self.event.minerals.get("tag")),
            facility: place.id.clone(),
            model: model.into(),
            origin_country: term("originCountry", ""),
            transformation_country: term("transformationCountry", ""),
            serial: thing.uri.split_once("/21/").map(|(_, serial)| serial.to_owned()).unwrap_or_default(),
            owner: String::new(),
            mass: Some(mass),
            lot: id,
        })
    }

    /// The mass of a new lot: wet with its moisture, or the quantity, or the net mass of a piece.
    fn new_mass(&mut self, thing: &Thing) -> Result<Mass, Refusal> {
        let stated = thing.quantity.as_deref().map(|quantity| self.weighed(thing, quantity)).transpose()?;
        if let (Some(wet), Some(moisture)) = (self.number("wetMass"), self.number("moisturePercent")) {
            let unit = thing.unit.as_deref().unwrap_or("KGM");
            let mass = mass::from_text(wet, unit, Some(&format!("{moisture} %"))).map_err(|error| {
                Refusal::new("mct:wetMass", Clause::Ilmd, error.to_string(), "in the unit of the quantity")
            })?;
            if let Some(stated) = &stated
                && stated.dry_mg != mass.wet_mg
            {
                let reason =
                    format!("the quantity is {}, the wet mass {}", mass::write(stated), mass::write(&mass));
                return self.refuse(&thing.path, Clause::Quantity, reason, "state one weighing");
            }
            if let Some(dry) = self.number("dryMass") {
                let dry = self.weighed(thing, dry)?;
                if dry.dry_mg.abs_diff(mass.dry_mg) > 1 {
                    let reason =
                        format!("the dry mass is {}, wet and moisture give {}", dry.dry_mg, mass.dry_mg);
                    return self.refuse(
                        "mct:dryMass",
                        Clause::Ilmd,
                        format!("{reason} mg"),
                        "correct one of them",
                    );
                }
            }
            return Ok(mass);
        }
        if let Some(mass) = stated {
            self.lacks.push(format!("the moisture of {}: its weight counts as dry", thing.uri));
            return Ok(mass);
        }
        if let Some(net) = self.number("netMass") {
            return self.weighed(thing, net);
        }
        self.refuse(
            &thing.path,
            Clause::Quantity,
            format!("nothing says what {} weighs", quote(&thing.uri)),
            "state a quantity with a unit of mass, or mct:netMass of a single piece",
        )
    }

    /// What is taken of a lot: so much, or of a single piece all that is left.
    pub(super) fn taken_mass(&mut self, thing: &Thing) -> Result<Mass, Refusal> {
        if let Some(quantity) = &thing.quantity {
            let mass = self.weighed(thing, quantity)?;
            return self.as_weighed(thing, mass);
        }
        if let Some(net) = self.number("netMass") {
            return self.weighed(thing, net);
        }
        let known = self.directory.lot(&thing.uri);
        match known.map(|lot| mass::dry(lot.remaining_mg, Unit::Kilogram)) {
            Some(Ok(mass)) => Ok(mass),
            _ => self.refuse(
                &thing.path,
                Clause::Quantity,
                format!("nothing says what {} weighs", quote(&thing.uri)),
                "state a quantity with a unit of mass",
            ),
        }
    }

    fn weighed(&self, thing: &Thing, number: &str) -> Result<Mass, Refusal> {
        let unit = match thing.unit.as_deref() {
            Some(unit) => Unit::parse(unit).ok().filter(|known| known.code() == unit),
            // A piece has no unit of its own; the extension weighs in kilograms.
            None if thing.quantity.is_none() => Some(Unit::Kilogram),
            None => None,
        };
        let path = &thing.path;
        let Some(unit) = unit else {
            let found = thing.unit.as_deref().map_or("pieces".to_owned(), quote);
            let reason =
                format!("the quantity of {} is in {found}, which is no unit of mass", quote(&thing.uri));
            return self.refuse(path, Clause::Unit, reason, "KGM, TNE, GRM, MGM, DT, APZ or LBR");
        };
        units::milligrams(number, unit)
            .map_err(|error| error.to_string())
            .and_then(|mg| mass::dry(mg, unit).map_err(|error| error.to_string()))
            .map_err(|reason| Refusal::new(path, Clause::Quantity, reason, "exact to the milligram"))
    }

    /// A lot that was weighed wet when it was made is weighed wet later too, with the moisture that the event states
    /// or else the one that it had; unless the unit says that the mass is dry.
    fn as_weighed(&mut self, thing: &Thing, mass: Mass) -> Result<Mass, Refusal> {
        let unit = Unit::parse(&mass.unit).unwrap_or(Unit::Kilogram);
        let of_lot = self.directory.lot(&thing.uri).map_or(0, |lot| lot.moisture_ppm);
        if unit == Unit::DryTon || of_lot == 0 {
            return Ok(mass);
        }
        let path = "mct:moisturePercent";
        let bad = |reason: String| Refusal::new(path, Clause::Ilmd, reason, "in percent of the wet mass");
        // In a transformation the moisture is that of what comes out.
        let stated = self.number("moisturePercent").filter(|_| self.event.kind != EventKind::Transformation);
        let moisture_ppm = match stated {
            Some(text) => {
                ratio::parts_per_million(&format!("{text} %")).map_err(|error| bad(error.to_string()))?
            }
            None => of_lot,
        };
        let wet =
            mass::as_received(mass.dry_mg, moisture_ppm, unit).map_err(|error| bad(error.to_string()))?;
        if stated.is_none() {
            let read = mass::write(&wet);
            self.lacks.push(format!("the moisture of {}: as when it was made, so {read}", thing.uri));
        }
        Ok(wet)
    }

    /// A lot of the ledger.
    pub(super) fn lot_ref(&self, thing: &Thing) -> Result<LotRef, Refusal> {
        self.lot_id(&thing.uri, &thing.path).map(|lot| LotRef { lot, head: Vec::new() })
    }

    pub(super) fn lot_id(&self, uri: &str, path: &str) -> Result<String, Refusal> {
        let known = self.directory.lot(uri).map(|lot| lot.id.as_str());
        match known.or_else(|| self.directory.own_id("lots", uri)) {
            Some(id) => Ok(id.to_owned()),
            None => self.refuse(
                path,
                Clause::Identifier,
                format!("{} is no lot of this ledger", quote(uri)),
                "commission it first; who brings it in names it",
            ),
        }
    }

    /// What the ledger's attestations among the permits are; the others stay in the document.
    pub(super) fn permits(&mut self) -> Vec<String> {
        let named = texts(self.event.minerals.get("permit"));
        let certificates = self.event.transactions.iter().filter(|link| link.kind == "cert");
        let all: Vec<String> = named.into_iter().chain(certificates.map(|link| link.uri.clone())).collect();
        if all.is_empty() {
            self.lacks.push("a permit".into());
        }
        let mut known = Vec::new();
        for permit in all {
            match self.directory.own_id("attestations", &permit) {
                Some(id) => known.push(id.to_owned()),
                None => self
                    .lacks
                    .push(format!("permit {permit} as an attestation: it stays in the document only")),
            }
        }
        known
    }

    /// `mct:contained`: an element and its mass, or its fraction. Declared, not measured.
    fn contained(&mut self, mass: &Mass, lot: &str) -> Result<Option<Composition>, Refusal> {
        let mut contents: Vec<Content> = Vec::new();
        for item in objects(self.event.minerals.get("contained")) {
            contents.push(self.content(item, mass)?);
        }
        if contents.is_empty() {
            self.lacks.push(format!("the composition of lot {lot}"));
            return Ok(None);
        }
        self.lacks.push(format!("a measurement of lot {lot}: its composition is declared, not measured"));
        contents.sort_by_key(|content| content.element);
        Ok(Some(Composition { contents, ..Composition::default() }))
    }

    fn content(&self, item: &Object, mass: &Mass) -> Result<Content, Refusal> {
        let bad = |reason: String| {
            Refusal::new(
                "mct:contained",
                Clause::Ilmd,
                reason,
                "an element with mct:mass in kg, or mct:amount as \"24.5 %\"",
            )
        };
        let name = item.text("element").unwrap_or_default();
        if let Some(amount) = item.text("amount") {
            return content::from_text(name, amount, ContentKind::Declared)
                .map_err(|error| bad(error.to_string()));
        }
        let element =
            elements::atomic_number(name).ok_or_else(|| bad(format!("{} is no element", quote(name))))?;
        let weight = item.get("mass").and_then(as_number).ok_or_else(|| bad("states no mass".into()))?;
        let mg = units::milligrams(weight, Unit::Kilogram).map_err(|error| bad(error.to_string()))?;
        // To the ledger's resolution of one part per billion, and no further from what was stated.
        let scaled = u128::from(mg) * u128::from(ratio::PPB) + u128::from(mass.dry_mg) / 2;
        let ppb = u32::try_from(scaled / u128::from(mass.dry_mg.max(1)))
            .ok()
            .filter(|ppb| u64::from(*ppb) <= ratio::PPB);
        let ppb = ppb.ok_or_else(|| bad(format!("{weight} kg of {name} is more than the lot weighs")))?;
        Ok(Content { element, ppb, kind: ContentKind::Declared.into(), ..Content::default() })
    }

    fn losses(&self) -> Result<Vec<Loss>, Refusal> {
        let mut losses = Vec::new();
        for item in objects(self.event.minerals.get("accountedLoss")) {
            let bad = |reason: String| {
                Refusal::new("mct:accountedLoss", Clause::Extension, reason, "an element and its mass in kg")
            };
            let name = item.text("element").unwrap_or_default();
            let element =
                elements::atomic_number(name).ok_or_else(|| bad(format!("{} is no element", quote(name))))?;
            let weight = item.get("mass").and_then(as_number).ok_or_else(|| bad("states no mass".into()))?;
            let mg = units::milligrams(weight, Unit::Kilogram).map_err(|error| bad(error.to_string()))?;
            losses.push(Loss { element, mg, reason: item.text("reason").unwrap_or_default().to_owned() });
        }
        losses.sort_by_key(|loss| loss.element);
        Ok(losses)
    }
}

/// The number under which a new lot enters.
fn lot_number(thing: &Thing) -> Result<String, Refusal> {
    number_of(&thing.uri).ok_or_else(|| {
        let reason = format!("{} is no GS1 key of a lot or a piece", quote(&thing.uri));
        let hint = "a GTIN with a lot or a serial number, an SSCC, a GRAI or a GIAI, in letters, digits, '.', '-' and '_'";
        Refusal::new(&thing.path, Clause::Identifier, reason, hint)
    })
}

pub(super) fn texts(value: Option<&Value>) -> Vec<String> {
    let items = match value {
        Some(Value::List(items)) => items.as_slice(),
        Some(item) => std::slice::from_ref(item),
        None => &[],
    };
    items.iter().filter_map(Value::as_text).map(str::to_owned).collect()
}

fn objects(value: Option<&Value>) -> Vec<&Object> {
    let items = match value {
        Some(Value::List(items)) => items.as_slice(),
        Some(item) => std::slice::from_ref(item),
        None => &[],
    };
    items.iter().filter_map(Value::as_object).collect()
}
