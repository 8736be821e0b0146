//! Steps of the graph as few bytes: a tag, then varints.

use ore_custody::{ElementContent as CustodyContent, Source, SourceKind as CustodySource, Step};
use ore_provenance::{
    Content, ContentKind, Element, LotIndex, Mixing, NewLot, Origin, RecyclingClass, Route, SourceId,
    SourceKind, StepKind, Taken,
};
use ore_record::v1;

/// Bytes that are no feed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a stored graph feed does not decode")]
pub struct BadFeed;

/// A composition as the graph takes it.
pub type Contents = Vec<(Element, Content)>;

/// One lot that a step makes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Made {
    /// Dry milligrams.
    pub dry_mg: u64,
    /// What is in it.
    pub composition: Contents,
}

impl Made {
    pub(super) fn as_new_lot(&self) -> NewLot<'_> {
        NewLot { dry_mg: self.dry_mg, composition: &self.composition }
    }
}

/// One change of the graph.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs)] // The fields are those of the graph's own functions.
pub enum Op {
    /// `Graph::append_source`.
    Source { lot: u32, origin: Origin, kind: SourceKind, dry_mg: u64, composition: Contents },
    /// `Graph::append_step`.
    Step { first_lot: Option<u32>, kind: StepKind, mixing: Mixing, inputs: Vec<Taken>, outputs: Vec<Made> },
    /// `Graph::append_step` of a part that leaves the system.
    Leave { lot: u32, dry_mg: u64 },
    /// `Graph::set_composition`.
    Composition { lot: u32, composition: Contents },
    /// `Graph::set_mass`.
    Mass { lot: u32, dry_mg: u64 },
    /// `Graph::void_lot`.
    VoidLot { lot: u32 },
    /// `Graph::void_step`.
    VoidStep { step: u32 },
}

pub(super) fn composition(contents: &[CustodyContent]) -> Contents {
    contents
        .iter()
        .map(|content| {
            let kind = if content.measured { ContentKind::Measured } else { ContentKind::Declared };
            let content_of = match (content.ppb, content.uncertainty_ppb) {
                // Looked for and not found: custody keeps the limit of detection as the uncertainty.
                (0, limit) if limit > 0 => {
                    Content { ppb: limit, uncertainty_ppb_k2: 0, kind: ContentKind::BelowDetection }
                }
                (ppb, uncertainty_ppb_k2) => Content { ppb, uncertainty_ppb_k2, kind },
            };
            (Element(content.element), content_of)
        })
        .collect()
}

impl Op {
    pub(super) fn source(source: &Source) -> Self {
        let (kind, route) = match source.kind {
            CustodySource::Mine => (SourceKind::Mine, Route::Primary),
            CustodySource::PreConsumerScrap => (SourceKind::ScrapCollection, Route::PreConsumer),
            CustodySource::PostConsumerScrap => (SourceKind::ScrapCollection, Route::PostConsumer),
            CustodySource::DeclaredUnknown => (SourceKind::DeclaredUnknown, Route::Primary),
        };
        // Generations count passes through recycling: collected scrap has had none on this ledger.
        let origin =
            Origin { source: SourceId(source.facility), country: source.country.0, route, generation: 0 };
        let composition = composition(&source.composition);
        Self::Source { lot: source.lot, origin, kind, dry_mg: source.dry_mg, composition }
    }

    pub(super) fn step(step: &Step) -> Self {
        let kind = match (step.recycling_class, step.process) {
            (v1::RecyclingClass::Internal, _) => StepKind::Recycle(RecyclingClass::InternalRunAround),
            (v1::RecyclingClass::PreConsumer, _) => StepKind::Recycle(RecyclingClass::PreConsumer),
            (v1::RecyclingClass::PostConsumer, _) => StepKind::Recycle(RecyclingClass::PostConsumer),
            (v1::RecyclingClass::Unspecified, v1::Process::Splitting) => StepKind::Split,
            (v1::RecyclingClass::Unspecified, _) => StepKind::Transform,
        };
        let mixing = match step.mixing {
            v1::Mixing::Unspecified => Mixing::Homogenised,
            v1::Mixing::NotHomogenised => Mixing::NotHomogenised,
            v1::Mixing::Segregated => Mixing::Segregated,
        };
        let taken = |input: &ore_custody::StepInput| Taken { lot: LotIndex(input.lot), dry_mg: input.dry_mg };
        let made = |output: &ore_custody::StepOutput| Made {
            dry_mg: output.dry_mg,
            composition: composition(&output.composition),
        };
        Self::Step {
            first_lot: step.outputs.first().map(|output| output.lot),
            kind,
            mixing,
            inputs: step.inputs.iter().map(taken).collect(),
            outputs: step.outputs.iter().map(made).collect(),
        }
    }

    /// Appends the bytes of this change at `leaf`.
    pub fn encode(&self, leaf: u64, out: &mut Vec<u8>) {
        match self {
            Self::Source { lot, origin, kind, dry_mg, composition } => {
                begin(out, 1, leaf);
                varint(out, u64::from(*lot));
                varint(out, u64::from(origin.source.0));
                out.extend_from_slice(&origin.country);
                out.push(route_code(origin.route));
                varint(out, u64::from(origin.generation));
                out.push(source_code(*kind));
                varint(out, *dry_mg);
                put_contents(out, composition);
            }
            Self::Step { first_lot, kind, mixing, inputs, outputs } => {
                begin(out, 2, leaf);
                varint(out, first_lot.map_or(0, |lot| u64::from(lot) + 1));
                out.push(kind_code(*kind));
                out.push(mixing_code(*mixing));
                varint(out, inputs.len() as u64);
                for taken in inputs {
                    varint(out, u64::from(taken.lot.0));
                    varint(out, taken.dry_mg);
                }
                varint(out, outputs.len() as u64);
                for made in outputs {
                    varint(out, made.dry_mg);
                    put_contents(out, &made.composition);
                }
            }
            Self::Leave { lot, dry_mg } => put_pair(out, 3, leaf, *lot, *dry_mg),
            Self::Composition { lot, composition } => {
                begin(out, 4, leaf);
                varint(out, u64::from(*lot));
                put_contents(out, composition);
            }
            Self::Mass { lot, dry_mg } => put_pair(out, 5, leaf, *lot, *dry_mg),
            Self::VoidLot { lot } => put_pair(out, 6, leaf, *lot, 0),
            Self::VoidStep { step } => put_pair(out, 7, leaf, *step, 0),
        }
    }

    /// Reads one change and its leaf from the front of `rest`.
    ///
    /// # Errors
    /// [`BadFeed`].
    pub fn decode(rest: &mut &[u8]) -> Result<(u64, Self), BadFeed> {
        let tag = byte(rest)?;
        let leaf = number(rest)?;
        let op = match tag {
            1 => decode_source(rest)?,
            2 => decode_step(rest)?,
            4 => Self::Composition { lot: small(rest)?, composition: contents(rest)? },
            3 | 5..=7 => {
                let (first, dry_mg) = (small(rest)?, number(rest)?);
                match tag {
                    3 => Self::Leave { lot: first, dry_mg },
                    5 => Self::Mass { lot: first, dry_mg },
                    6 => Self::VoidLot { lot: first },
                    _ => Self::VoidStep { step: first },
                }
            }
            _ => return Err(BadFeed),
        };
        Ok((leaf, op))
    }
}

fn decode_source(rest: &mut &[u8]) -> Result<Op, BadFeed> {
    let lot = small(rest)?;
    let source = SourceId(small(rest)?);
    let country = [byte(rest)?, byte(rest)?];
    let route = match byte(rest)? {
        0 => Route::Primary,
        1 => Route::PreConsumer,
        2 => Route::PostConsumer,
        _ => return Err(BadFeed),
    };
    let generation = u16::try_from(number(rest)?).map_err(|_| BadFeed)?;
    let kind = match byte(rest)? {
        0 => SourceKind::Mine,
        1 => SourceKind::DeclaredUnknown,
        2 => SourceKind::ScrapCollection,
        _ => return Err(BadFeed),
    };
    let origin = Origin { source, country, route, generation };
    Ok(Op::Source { lot, origin, kind, dry_mg: number(rest)?, composition: contents(rest)? })
}

fn decode_step(rest: &mut &[u8]) -> Result<Op, BadFeed> {
    let first_lot = match number(rest)? {
        0 => None,
        lot => Some(u32::try_from(lot - 1).map_err(|_| BadFeed)?),
    };
    let kind = match byte(rest)? {
        0 => StepKind::Transform,
        1 => StepKind::Split,
        2 => StepKind::Recycle(RecyclingClass::InternalRunAround),
        3 => StepKind::Recycle(RecyclingClass::PreConsumer),
        4 => StepKind::Recycle(RecyclingClass::PostConsumer),
        5 => StepKind::Leave,
        _ => return Err(BadFeed),
    };
    let mixing = match byte(rest)? {
        0 => Mixing::Homogenised,
        1 => Mixing::NotHomogenised,
        2 => Mixing::Segregated,
        _ => return Err(BadFeed),
    };
    // The limits of record.proto: 400 inputs, 400 outputs.
    let inputs = (0..bounded(rest, 400)?)
        .map(|_| Ok(Taken { lot: LotIndex(small(rest)?), dry_mg: number(rest)? }))
        .collect::<Result<_, BadFeed>>()?;
    let outputs = (0..bounded(rest, 400)?)
        .map(|_| Ok(Made { dry_mg: number(rest)?, composition: contents(rest)? }))
        .collect::<Result<_, BadFeed>>()?;
    Ok(Op::Step { first_lot, kind, mixing, inputs, outputs })
}

const fn route_code(route: Route) -> u8 {
    match route {
        Route::Primary => 0,
        Route::PreConsumer => 1,
        Route::PostConsumer => 2,
    }
}

const fn source_code(kind: SourceKind) -> u8 {
    match kind {
        SourceKind::Mine => 0,
        SourceKind::DeclaredUnknown => 1,
        SourceKind::ScrapCollection => 2,
    }
}

const fn kind_code(kind: StepKind) -> u8 {
    match kind {
        StepKind::Transform => 0,
        StepKind::Split => 1,
        StepKind::Recycle(RecyclingClass::InternalRunAround) => 2,
        StepKind::Recycle(RecyclingClass::PreConsumer) => 3,
        StepKind::Recycle(RecyclingClass::PostConsumer) => 4,
        StepKind::Leave => 5,
    }
}

const fn mixing_code(mixing: Mixing) -> u8 {
    match mixing {
        Mixing::Homogenised => 0,
        Mixing::NotHomogenised => 1,
        Mixing::Segregated => 2,
    }
}

fn begin(out: &mut Vec<u8>, tag: u8, leaf: u64) {
    out.push(tag);
    varint(out, leaf);
}

fn put_pair(out: &mut Vec<u8>, tag: u8, leaf: u64, first: u32, second: u64) {
    begin(out, tag, leaf);
    varint(out, u64::from(first));
    varint(out, second);
}

fn put_contents(out: &mut Vec<u8>, contents: &Contents) {
    varint(out, contents.len() as u64);
    for (element, content) in contents {
        out.push(element.0);
        out.push(match content.kind {
            ContentKind::Measured => 0,
            ContentKind::Declared => 1,
            ContentKind::BelowDetection => 2,
        });
        varint(out, u64::from(content.ppb));
        varint(out, u64::from(content.uncertainty_ppb_k2));
    }
}

fn contents(rest: &mut &[u8]) -> Result<Contents, BadFeed> {
    (0..bounded(rest, 118)?)
        .map(|_| {
            let element = Element(byte(rest)?);
            let kind = match byte(rest)? {
                0 => ContentKind::Measured,
                1 => ContentKind::Declared,
                2 => ContentKind::BelowDetection,
                _ => return Err(BadFeed),
            };
            let (ppb, uncertainty_ppb_k2) = (small(rest)?, small(rest)?);
            Ok((element, Content { ppb, uncertainty_ppb_k2, kind }))
        })
        .collect()
}

fn varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

fn byte(rest: &mut &[u8]) -> Result<u8, BadFeed> {
    let (first, tail) = rest.split_first().ok_or(BadFeed)?;
    *rest = tail;
    Ok(*first)
}

fn number(rest: &mut &[u8]) -> Result<u64, BadFeed> {
    let mut value = 0_u64;
    for shift in (0..64).step_by(7) {
        let part = byte(rest)?;
        value |= u64::from(part & 0x7f) << shift;
        if part < 0x80 {
            return Ok(value);
        }
    }
    Err(BadFeed)
}

fn small(rest: &mut &[u8]) -> Result<u32, BadFeed> {
    u32::try_from(number(rest)?).map_err(|_| BadFeed)
}

fn bounded(rest: &mut &[u8], most: u64) -> Result<u64, BadFeed> {
    number(rest).and_then(|count| if count <= most { Ok(count) } else { Err(BadFeed) })
}
