//! A sink that keeps only what questions read: journal and graph. No signatures, no rules, no log.
//!
//! It feeds both as a node does after its rules let a record in, so it is for stories that the rules admit.

use ore_audit::{Fact, Journal};
use ore_provenance::{
    Content, ContentKind, Element, Graph, LotIndex, Mixing, NewLot, Origin, RecyclingClass, Route, SourceId,
    SourceKind, StepKind, Taken,
};
use ore_record::{
    content,
    v1::{self, CommissionKind, record::Event},
};

use crate::{Cast, Said, Sink};

/// Records between two seals.
const BLOCK: u64 = 1_000;

/// Journal and graph of a story.
#[derive(Debug, Default)]
pub struct Memory {
    /// What records state.
    pub journal: Journal,
    /// Masses and shares.
    pub graph: Graph,
    /// Records whose signature only the cofactored rule would accept.
    pub crafted: Vec<u32>,
    facilities: Vec<(String, [u8; 2])>,
}

impl Memory {
    /// After a genesis with this cast and profile.
    #[must_use]
    pub fn new(cast: &Cast, profile: v1::Profile) -> Self {
        let mut memory = Self::default();
        let founder = cast.members.first().map_or("", |member| member.id.as_str());
        let genesis = crate::teller::START_MS - 86_400_000;
        memory.take(founder, genesis, v1::SetProfile { profile: Some(profile) }.into(), &[], &[]);
        for member in &cast.members {
            let stated = v1::Member {
                id: member.id.clone(),
                roles: member.roles.iter().map(|role| *role as i32).collect(),
                ..v1::Member::default()
            };
            memory.take(
                &member.id,
                genesis,
                v1::AdmitMember { member: Some(stated), key: None }.into(),
                &[],
                &[],
            );
        }
        for place in &cast.facilities {
            let country = place.facility.country.as_bytes().try_into().unwrap_or(*b"ZZ");
            memory.facilities.push((place.facility.id.clone(), country));
            let register = v1::RegisterFacility { facility: Some(place.facility.clone()) };
            memory.take(&place.owner, genesis, register.into(), &[], &[]);
        }
        memory.seal(genesis);
        memory
    }

    /// Leaves so far.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.journal.len()
    }

    fn seal(&mut self, time_ms: u64) {
        let seal = v1::BlockSeal { time_ms, ..v1::BlockSeal::default() };
        self.take("", time_ms, Event::BlockSeal(seal), &[], &[]);
    }

    fn take(
        &mut self,
        author: &str,
        time_ms: u64,
        event: Event,
        documents: &[v1::Document],
        corrects: &[u8],
    ) {
        self.feed(&event);
        let record = v1::Record {
            author: author.to_owned(),
            event_time_ms: time_ms,
            event: Some(event),
            documents: documents.to_vec(),
            corrects: corrects.to_vec(),
            ..v1::Record::default()
        };
        self.journal.append(&record, &leaf_of).expect("a story fits into 32 bits");
    }

    /// What a record means for the graph; names are those of lots made before.
    fn feed(&mut self, event: &Event) {
        let leaf = self.journal.len();
        match event {
            Event::Commission(it) => self.source(leaf, it),
            Event::Transform(it) => {
                let inputs: Vec<Taken> = it.inputs.iter().map(|input| self.taken(input)).collect();
                let contents: Vec<(u64, Vec<(Element, Content)>)> =
                    it.outputs.iter().filter_map(|output| output.lot.as_ref()).map(stated).collect();
                let outputs: Vec<NewLot<'_>> = contents
                    .iter()
                    .map(|(dry_mg, composition)| NewLot { dry_mg: *dry_mg, composition })
                    .collect();
                let kind = match (it.recycling_class(), it.process()) {
                    (v1::RecyclingClass::Internal, _) => StepKind::Recycle(RecyclingClass::InternalRunAround),
                    (v1::RecyclingClass::PreConsumer, _) => StepKind::Recycle(RecyclingClass::PreConsumer),
                    (v1::RecyclingClass::PostConsumer, _) => StepKind::Recycle(RecyclingClass::PostConsumer),
                    (_, v1::Process::Splitting) => StepKind::Split,
                    _ => StepKind::Transform,
                };
                let taken = self.graph.append_step(leaf, kind, Mixing::Homogenised, &inputs, &outputs);
                taken.expect("a story takes what is there");
            }
            Event::Accept(it) => {
                for accepted in &it.lots {
                    self.weigh(leaf, accepted.lot.as_ref(), accepted.mass.as_ref(), false);
                }
            }
            Event::Use(it) => self.weigh(leaf, it.item.as_ref(), it.net_mass.as_ref(), true),
            Event::Dispose(it) => {
                let (lot, dry_mg) =
                    (self.lot(it.lot.as_ref()), it.mass.as_ref().map_or(0, |mass| mass.dry_mg));
                let taken = [Taken { lot, dry_mg }];
                let left = self.graph.append_step(leaf, StepKind::Leave, Mixing::Homogenised, &taken, &[]);
                left.expect("a story disposes of what is there");
            }
            Event::Assay(it) if content::sets_composition(it) => {
                let found = composition(it.composition.as_ref());
                self.assay(leaf, self.lot(it.lot.as_ref()), &found);
            }
            Event::Withdraw(it) => self.withdraw(leaf, leaf_of(&it.record)),
            _ => {}
        }
    }

    fn assay(&mut self, leaf: u64, lot: LotIndex, found: &[(Element, Content)]) {
        self.graph.set_composition(leaf, lot, found).expect("a story assays what is there");
    }

    fn withdraw(&mut self, leaf: u64, record: Option<u64>) {
        let Some(record) = record else { return };
        if let Some(step) = self.graph.step_at(record) {
            self.graph.void_step(leaf, step).expect("a story withdraws the newest first");
        }
        let entry = u32::try_from(record).ok().and_then(|record| self.journal.entry(record));
        if let Some(Fact::Assay { lot, assay, .. }) = entry.map(|entry| &entry.fact)
            && content::sets_composition(assay)
        {
            let lot = LotIndex(*lot);
            let before = self.graph.composition(lot, record);
            self.assay(leaf, lot, &before);
        }
    }

    fn source(&mut self, leaf: u64, it: &v1::Commission) {
        let Some(lot) = &it.lot else { return };
        let (dry_mg, composition) = stated(lot);
        let place = self.facilities.iter().position(|facility| facility.0 == lot.facility).unwrap_or(0);
        let (kind, route) = match (it.kind(), it.scrap_class()) {
            (CommissionKind::Extracted, _) => (SourceKind::Mine, Route::Primary),
            (CommissionKind::CollectedScrap, v1::RecyclingClass::PreConsumer) => {
                (SourceKind::ScrapCollection, Route::PreConsumer)
            }
            (CommissionKind::CollectedScrap, _) => (SourceKind::ScrapCollection, Route::PostConsumer),
            _ => (SourceKind::DeclaredUnknown, Route::Primary),
        };
        let country = if kind == SourceKind::Mine { self.facilities[place].1 } else { *b"ZZ" };
        let origin = Origin { source: SourceId(place as u32), country, route, generation: 0 };
        self.graph.append_source(leaf, origin, kind, dry_mg, &composition).expect("a story is in order");
    }

    fn lot(&self, reference: Option<&v1::LotRef>) -> LotIndex {
        let id = reference.map_or("", |reference| reference.lot.as_str());
        LotIndex(self.journal.ordinal(id).expect("a story names lots that it made"))
    }

    fn taken(&self, input: &v1::TransformInput) -> Taken {
        Taken { lot: self.lot(input.lot.as_ref()), dry_mg: input.mass.as_ref().map_or(0, |mass| mass.dry_mg) }
    }

    /// A receiver's weighing changes what a lot holds; use takes a part out of it.
    fn weigh(&mut self, leaf: u64, lot: Option<&v1::LotRef>, mass: Option<&v1::Mass>, used: bool) {
        let (lot, dry_mg) = (self.lot(lot), mass.map_or(0, |mass| mass.dry_mg));
        let Some(facts) = self.graph.lot(lot, u64::MAX) else { return };
        let gone = facts.remaining_mg().saturating_sub(dry_mg);
        if gone == 0 {
            return;
        }
        let done = if used {
            let taken = [Taken { lot, dry_mg: gone }];
            self.graph.append_step(leaf, StepKind::Leave, Mixing::Homogenised, &taken, &[]).map(drop)
        } else {
            self.graph.set_mass(leaf, lot, facts.taken_mg + dry_mg)
        };
        done.expect("a story only loses mass");
    }
}

fn stated(lot: &v1::NewLot) -> (u64, Vec<(Element, Content)>) {
    (lot.mass.as_ref().map_or(0, |mass| mass.dry_mg), composition(lot.composition.as_ref()))
}

fn composition(stated: Option<&v1::Composition>) -> Vec<(Element, Content)> {
    let contents = stated.iter().flat_map(|composition| &composition.contents);
    contents
        .filter_map(|stated| content::element_of(stated).ok())
        .map(|content| {
            let kind = if content.measured { ContentKind::Measured } else { ContentKind::Declared };
            let uncertainty_ppb_k2 = content.uncertainty_ppb;
            (Element(content.element), Content { ppb: content.ppb, uncertainty_ppb_k2, kind })
        })
        .collect()
}

/// In this sink a record's id is its leaf.
fn id_of(leaf: u64) -> [u8; 32] {
    let mut id = [0xA5; 32];
    id[..8].copy_from_slice(&leaf.to_be_bytes());
    id
}

fn leaf_of(id: &[u8]) -> Option<u64> {
    Some(u64::from_be_bytes(id.get(..8)?.try_into().ok()?))
}

impl Sink for Memory {
    fn put(&mut self, said: Said) -> [u8; 32] {
        let leaf = self.journal.len();
        if said.crafted {
            self.crafted.push(leaf as u32);
        }
        self.take(&said.author, said.event_time_ms, said.event, &said.documents, &said.corrects);
        if self.journal.len().is_multiple_of(BLOCK) {
            self.seal(said.event_time_ms);
        }
        id_of(leaf)
    }

    fn pass(&mut self, time_ms: u64) {
        self.seal(time_ms);
    }
}

impl Memory {
    /// Id of the record that this sink kept at a leaf.
    #[must_use]
    pub fn id(leaf: u64) -> [u8; 32] {
        id_of(leaf)
    }

    /// Leaf of a record that this sink kept.
    #[must_use]
    pub fn leaf(id: &[u8; 32]) -> u32 {
        leaf_of(id).and_then(|leaf| u32::try_from(leaf).ok()).unwrap_or(u32::MAX)
    }
}
