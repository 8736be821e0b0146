//! Records made from what people write, without boilerplate.
//!
//! A draft is a [`v1::Record`] in which origin, author, key, nonce and heads may still be missing;
//! [`complete`] fills the first four in, [`heads_mut`] shows where heads belong.

use alloc::{string::String, vec::Vec};

use crate::{
    RecordId,
    content::{self, BadContentText},
    v1::{self, Composition, ContentKind, LotRef, Record, record::Event},
};

/// A draft of an event at a time, in milliseconds since 1970.
#[must_use]
pub fn record(event: impl Into<Event>, event_time_ms: u64) -> Record {
    Record { event_time_ms, event: Some(event.into()), ..Record::default() }
}

/// Fills in what the submitter knows: the ledger, the member, and 16 fresh random bytes. What is
/// there already stays.
pub fn complete(record: &mut Record, origin: &str, author: &str, nonce: [u8; 16]) {
    if record.origin.is_empty() {
        record.origin = origin.into();
    }
    if record.author.is_empty() {
        record.author = author.into();
    }
    if record.nonce.is_empty() {
        record.nonce = nonce.to_vec();
    }
}

/// A lot and its newest record.
#[must_use]
pub fn lot_ref(lot: &str, head: RecordId) -> LotRef {
    LotRef { lot: lot.into(), head: head.as_bytes().to_vec() }
}

/// A lot whose head is still to be filled in.
#[must_use]
pub fn lot(lot: &str) -> LotRef {
    LotRef { lot: lot.into(), head: Vec::new() }
}

/// A composition from pairs such as `("Ta2O5", "39.7 %")`, sorted by atomic number.
/// It counts as measured when a method or a laboratory is named, else as declared.
///
/// # Errors
/// [`BadContentText`] names the pair.
pub fn composition(
    contents: &[(&str, &str)],
    method: &str,
    laboratory: &str,
    stage: v1::AssayStage,
) -> Result<Composition, BadContentText> {
    let measured = !(method.is_empty() && laboratory.is_empty());
    let kind = if measured { ContentKind::Measured } else { ContentKind::Declared };
    let mut contents = contents
        .iter()
        .map(|(name, amount)| content::from_text(name, amount, kind))
        .collect::<Result<Vec<_>, _>>()?;
    contents.sort_by_key(|content| content.element);
    Ok(Composition {
        contents,
        method: String::from(method),
        laboratory: String::from(laboratory),
        stage: stage.into(),
    })
}

/// Every reference to a lot in a record, in the order of the message.
pub fn heads_mut(record: &mut Record) -> Vec<&mut LotRef> {
    let Some(event) = &mut record.event else { return Vec::new() };
    match event {
        Event::Transform(e) => e.inputs.iter_mut().filter_map(|input| input.lot.as_mut()).collect(),
        Event::Ship(e) => e.lots.iter_mut().filter_map(|lot| lot.lot.as_mut()).collect(),
        Event::Accept(e) => e.lots.iter_mut().filter_map(|lot| lot.lot.as_mut()).collect(),
        Event::Decline(e) => e.lots.iter_mut().collect(),
        Event::CancelShipment(e) => e.lots.iter_mut().collect(),
        Event::Assay(e) => e.lot.iter_mut().collect(),
        Event::Seal(e) => e.lot.iter_mut().collect(),
        Event::Use(e) => e.item.iter_mut().collect(),
        Event::Hold(e) => e.lot.iter_mut().collect(),
        Event::Release(e) => e.lot.iter_mut().collect(),
        Event::Recall(e) => e.lot.iter_mut().collect(),
        Event::Dispose(e) => e.lot.iter_mut().collect(),
        Event::Footprint(e) => e.lot.iter_mut().collect(),
        Event::CreditDeposit(e) => e.lot.iter_mut().collect(),
        Event::CreditClaim(e) => e.lot.iter_mut().collect(),
        // These move no head: a new lot has none, a claimed origin touches none, governance has none.
        Event::Commission(_)
        | Event::Stocktake(_)
        | Event::Withdraw(_)
        | Event::Erased(_)
        | Event::ReferencePart(_)
        | Event::PublishLibrary(_)
        | Event::ClaimOrigin(_)
        | Event::AdmitMember(_)
        | Event::ChangeRoles(_)
        | Event::AddKey(_)
        | Event::RevokeKey(_)
        | Event::RegisterFacility(_)
        | Event::Attest(_)
        | Event::ChangeAttestation(_)
        | Event::SetProfile(_)
        | Event::ChangeValidators(_)
        | Event::Approve(_)
        | Event::BlockSeal(_) => Vec::new(),
    }
}

/// The lots that a record brings into being.
#[must_use]
pub fn new_lots(record: &Record) -> Vec<&v1::NewLot> {
    match &record.event {
        Some(Event::Commission(e)) => e.lot.iter().collect(),
        Some(Event::Transform(e)) => e.outputs.iter().filter_map(|output| output.lot.as_ref()).collect(),
        _ => Vec::new(),
    }
}

/// Ids of every lot that a record names or brings into being. Nothing is changed: what is shared with [`heads_mut`] is
/// the list of where lots stand.
#[must_use]
pub fn lots(record: &mut Record) -> Vec<String> {
    let mut lots: Vec<String> = heads_mut(record).into_iter().map(|named| named.lot.clone()).collect();
    lots.extend(new_lots(record).into_iter().map(|new| new.lot.clone()));
    if let Some(Event::ClaimOrigin(claim)) = &record.event {
        lots.push(claim.lot.clone());
    }
    lots
}

/// Whether its author alone may withdraw such a statement, while nothing rests on it: it moves nothing to others, and has
/// no record of its own that ends it.
#[must_use]
pub const fn can_be_withdrawn(event: &Event) -> bool {
    matches!(
        event,
        Event::Commission(_)
            | Event::Transform(_)
            | Event::Assay(_)
            | Event::Seal(_)
            | Event::Use(_)
            | Event::Stocktake(_)
            | Event::Dispose(_)
            | Event::Footprint(_)
            | Event::CreditDeposit(_)
            | Event::CreditClaim(_)
    )
}

macro_rules! events {
    ($($message:ident => $variant:ident),* $(,)?) => {
        $(impl From<v1::$message> for Event {
            fn from(event: v1::$message) -> Self {
                Self::$variant(event)
            }
        })*
    };
}

events! {
    Commission => Commission, Transform => Transform, Ship => Ship, Accept => Accept, Decline => Decline,
    CancelShipment => CancelShipment, Assay => Assay, SealEvent => Seal, Use => Use, Stocktake => Stocktake,
    Hold => Hold, Release => Release, Recall => Recall, Dispose => Dispose, Footprint => Footprint,
    Withdraw => Withdraw, Erased => Erased, CreditDeposit => CreditDeposit, CreditClaim => CreditClaim,
    ReferencePart => ReferencePart, PublishLibrary => PublishLibrary, ClaimOrigin => ClaimOrigin,
    AdmitMember => AdmitMember, ChangeRoles => ChangeRoles, AddKey => AddKey, RevokeKey => RevokeKey,
    RegisterFacility => RegisterFacility, Attest => Attest, ChangeAttestation => ChangeAttestation,
    SetProfile => SetProfile, ChangeValidators => ChangeValidators, Approve => Approve, BlockSeal => BlockSeal,
}
