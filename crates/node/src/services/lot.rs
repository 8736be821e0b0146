//! Lots: what they are, who holds them, what happened to them.

use std::{collections::HashSet, fmt, sync::Arc};

use bytes::Bytes;
use ore_custody::{Custody, Lot};
use ore_record::{RecordId, SignedRecord};
use ore_store::Reader;
use ore_wire::{
    status,
    v1::{self, lot_service_server::LotService},
};
use tonic::{Request, Response, Status};

use super::{Api, Page, no_lot, touched, unreadable};
use crate::access::{Caller, concerns};

/// Most lots in one question for lots or heads.
const LOTS_MOST: usize = 1_000;
/// Most records of one lot's history that are followed back.
const HISTORY_MOST: usize = 10_000;

/// The service.
pub struct Lots(pub Arc<Api>);

#[tonic::async_trait]
impl LotService for Lots {
    async fn get_lot(
        &self,
        request: Request<v1::GetLotRequest>,
    ) -> Result<Response<v1::GetLotResponse>, Status> {
        let caller = Caller::of(&request);
        self.0.timed(get_lot(&self.0, &caller, &request.into_inner().lot)).await.map(Response::new)
    }

    async fn get_lots(
        &self,
        request: Request<v1::GetLotsRequest>,
    ) -> Result<Response<v1::GetLotsResponse>, Status> {
        let caller = Caller::of(&request);
        self.0.timed(get_lots(&self.0, &caller, request.into_inner())).await.map(Response::new)
    }

    async fn get_heads(
        &self,
        request: Request<v1::GetHeadsRequest>,
    ) -> Result<Response<v1::GetHeadsResponse>, Status> {
        self.0.timed(get_heads(&self.0, request.into_inner())).await.map(Response::new)
    }

    async fn list_lots(
        &self,
        request: Request<v1::ListLotsRequest>,
    ) -> Result<Response<v1::ListLotsResponse>, Status> {
        let caller = Caller::of(&request);
        self.0.timed(list_lots(&self.0, &caller, request.into_inner())).await.map(Response::new)
    }

    async fn history(
        &self,
        request: Request<v1::HistoryRequest>,
    ) -> Result<Response<v1::HistoryResponse>, Status> {
        let caller = Caller::of(&request);
        self.0.timed(history(&self.0, &caller, request.into_inner())).await.map(Response::new)
    }
}

/// One lot as it stands.
///
/// # Errors
/// `NOT_FOUND`, `PERMISSION_DENIED`.
pub async fn get_lot(api: &Api, caller: &Caller, id: &str) -> Result<v1::GetLotResponse, Status> {
    let custody = api.ledger.custody.read().await;
    caller.may_see(&custody, id)?;
    let lot = custody.lot(id).ok_or_else(|| no_lot(id))?;
    let lot = with_statement(&api.ledger.reader, &lot, describe(&custody, &lot));
    Ok(v1::GetLotResponse { lot: Some(lot), tree_size: custody.leaves() })
}

/// Those of these lots that are there and that the caller may see.
///
/// # Errors
/// `INVALID_ARGUMENT`.
pub async fn get_lots(
    api: &Api,
    caller: &Caller,
    request: v1::GetLotsRequest,
) -> Result<v1::GetLotsResponse, Status> {
    few(&request.lots)?;
    let custody = api.ledger.custody.read().await;
    let seen = request.lots.iter().filter(|id| caller.may_see(&custody, id).is_ok());
    let there = seen.filter_map(|id| custody.lot(id));
    let lots = there.map(|lot| with_statement(&api.ledger.reader, &lot, describe(&custody, &lot))).collect();
    Ok(v1::GetLotsResponse { lots, tree_size: custody.leaves() })
}

fn few(lots: &[String]) -> Result<(), Status> {
    if lots.len() > LOTS_MOST {
        return Err(status::malformed("lots", "at most 1,000"));
    }
    Ok(())
}

async fn get_heads(api: &Api, request: v1::GetHeadsRequest) -> Result<v1::GetHeadsResponse, Status> {
    few(&request.lots)?;
    let custody = api.ledger.custody.read().await;
    let head = |lot: String| match custody.lot(&lot) {
        Some(found) => v1::Head {
            head: id_bytes(&custody, found.standing.head),
            custodian: custody.member_id(found.standing.custodian).to_owned(),
            remaining_dry_mg: found.remaining_mg(),
            lot,
        },
        None => v1::Head { lot, ..v1::Head::default() },
    };
    let heads = request.lots.into_iter().map(head).collect();
    Ok(v1::GetHeadsResponse { heads, tree_size: custody.leaves() })
}

/// A page of lots, of those that the caller may see.
///
/// # Errors
/// `INVALID_ARGUMENT`.
pub async fn list_lots(
    api: &Api,
    caller: &Caller,
    request: v1::ListLotsRequest,
) -> Result<v1::ListLotsResponse, Status> {
    let page = Page::read(request.page_size, &request.page_token)?;
    let custody = api.ledger.custody.read().await;
    // Asked before a lot is unpacked.
    let held = |ordinal: &u32| {
        let by = |custodian| custody.member_id(custodian) == request.custodian;
        request.custodian.is_empty() || custody.standing(*ordinal).is_some_and(|it| by(it.custodian))
    };
    let own = caller.only_own();
    let shown = |lot: &Lot| own.is_none_or(|member| concerns(&custody, lot, member));
    let ordinals = (0..custody.lots().len() as u32).filter(held);
    let lots = ordinals.filter_map(|ordinal| custody.lot_by_ordinal(ordinal)).filter(shown);
    let (lots, next_page_token) = page.of(lots);
    let reader = &api.ledger.reader;
    let lots = lots.into_iter().map(|lot| with_statement(reader, &lot, describe(&custody, &lot))).collect();
    Ok(v1::ListLotsResponse { lots, next_page_token, tree_size: custody.leaves() })
}

/// A page of a lot's history, oldest first.
///
/// # Errors
/// `NOT_FOUND`, `INVALID_ARGUMENT`, `PERMISSION_DENIED`.
pub async fn history(
    api: &Api,
    caller: &Caller,
    request: v1::HistoryRequest,
) -> Result<v1::HistoryResponse, Status> {
    let page = Page::read(request.page_size, &request.page_token)?;
    let (leaves, end, tree_size) = {
        let custody = api.ledger.custody.read().await;
        caller.may_see(&custody, &request.lot)?;
        let lot = custody.lot(&request.lot).ok_or_else(|| no_lot(&request.lot))?;
        let head = u64::from(lot.standing.head);
        let (mut leaves, end) = chain(&custody, &api.ledger.reader, &request.lot, head)?;
        leaves.reverse();
        (leaves, end, custody.leaves())
    };
    let (followed, at_limit) = (leaves.len() as u64, end == End::Limit);
    let (leaves, next_page_token) = page.of(leaves.into_iter());
    let entries = leaves.into_iter().map(|leaf| entry(&api.ledger.reader, leaf)).collect::<Result<_, _>>()?;
    let cut_short = end.to_string();
    Ok(v1::HistoryResponse { entries, next_page_token, tree_size, cut_short, followed, at_limit })
}

/// How a lot's history ends, followed from its head back.
#[derive(Debug, PartialEq, Eq)]
enum End {
    /// Where the lot was created.
    Whole,
    /// No more records are followed.
    Limit,
    /// A record is missing or wrong.
    Broken(String),
}

impl fmt::Display for End {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Whole => Ok(()),
            Self::Limit => f.write_str("only the newest 10,000 records are followed"),
            Self::Broken(why) => f.write_str(why),
        }
    }
}

/// Leaves of a lot's records from its head back, and how that ends.
fn chain(custody: &Custody, reader: &Reader, lot: &str, head: u64) -> Result<(Vec<u64>, End), Status> {
    let (mut leaves, mut seen, mut at) = (Vec::new(), HashSet::new(), Some(head));
    while let Some(leaf) = at {
        if leaves.len() >= HISTORY_MOST {
            return Ok((leaves, End::Limit));
        }
        if !seen.insert(leaf) {
            return Ok((leaves, End::Broken(format!("the record at leaf {leaf} is met twice"))));
        }
        leaves.push(leaf);
        let bytes = reader.entry(leaf).map_err(|error| unreadable(&error))?;
        let Some(record) = bytes.and_then(|bytes| SignedRecord::decode(&bytes).ok()) else {
            return Ok((leaves, End::Broken(format!("the entry at leaf {leaf} is no record"))));
        };
        at = match touched::before(record.record(), lot) {
            touched::Before::Created => None,
            touched::Before::Head(id) | touched::Before::Withdrawn(id) => {
                let before = RecordId::try_from(id.as_slice()).ok().and_then(|id| custody.leaf_of(&id));
                if before.is_none() {
                    let why = format!("the record at leaf {leaf} follows one that is not in the ledger");
                    return Ok((leaves, End::Broken(why)));
                }
                before
            }
            touched::Before::Unknown => {
                let why = format!("the record at leaf {leaf} does not name the lot");
                return Ok((leaves, End::Broken(why)));
            }
        };
    }
    Ok((leaves, End::Whole))
}

fn entry(reader: &Reader, leaf: u64) -> Result<v1::HistoryEntry, Status> {
    let bytes = reader.entry(leaf).map_err(|error| unreadable(&error))?.unwrap_or_default();
    let record_id = SignedRecord::decode(&bytes).map(|record| record.id().as_bytes().to_vec());
    let height = reader.height_of(leaf).unwrap_or_default();
    let header = reader.header(height).map_err(|error| unreadable(&error))?;
    Ok(v1::HistoryEntry {
        record_id: record_id.unwrap_or_default().into(),
        leaf_index: leaf,
        entry: bytes,
        block_time_ms: header.map_or(0, |header| header.time_ms),
    })
}

fn id_bytes(custody: &Custody, leaf: u32) -> Bytes {
    custody.id_at(leaf.into()).map(|id| Bytes::copy_from_slice(id.as_bytes())).unwrap_or_default()
}

/// A lot from the state alone: everything but what only its creating record says.
#[must_use]
pub fn describe(custody: &Custody, lot: &Lot) -> v1::Lot {
    let facility = custody.facility_at(lot.standing.facility).map(|facility| facility.id.clone());
    let offer = custody.offer_of(lot).map(|offer| v1::OpenOffer {
        ship: id_bytes(custody, lot.standing.offer),
        receiver: custody.member_id(offer.receiver).to_owned(),
        transfer: offer.transfer.into(),
        expires_ms: offer.expires_ms,
    });
    let composition = lot.composition.iter().map(|content| v1::ElementContent {
        element: content.element.into(),
        ppb: content.ppb,
        uncertainty_ppb: content.uncertainty_ppb,
        measured: content.measured,
    });
    v1::Lot {
        lot: lot.id().to_owned(),
        ordinal: custody.lot_ordinal(lot.id()).unwrap_or_default(),
        head: id_bytes(custody, lot.standing.head),
        created_by: id_bytes(custody, lot.passport.created_at),
        custodian: custody.member_id(lot.standing.custodian).to_owned(),
        owner: custody.member_id(lot.standing.owner).to_owned(),
        status: lot.status().into(),
        material: lot.passport.material.into(),
        facility: facility.unwrap_or_default(),
        remaining_dry_mg: lot.remaining_mg(),
        created_dry_mg: lot.passport.created_mg,
        composition: composition.collect(),
        model: lot.passport.model.into(),
        open_offer: offer,
        ..v1::Lot::default()
    }
}

/// Adds what only the creating record says; left out when it cannot be read.
#[must_use]
pub fn with_statement(reader: &Reader, lot: &Lot, mut described: v1::Lot) -> v1::Lot {
    let entry = reader.entry(lot.passport.created_at.into()).ok().flatten();
    let record = entry.and_then(|entry| SignedRecord::decode(&entry).ok());
    let stated = record.as_ref().and_then(|record| touched::created(record.record(), lot.id()));
    if let Some(stated) = stated {
        described.form.clone_from(&stated.form);
        described.created_moisture_ppm = stated.mass.as_ref().map_or(0, |mass| mass.moisture_ppm);
        described.serial.clone_from(&stated.serial);
        described.origin_country.clone_from(&stated.origin_country);
        described.transformation_country.clone_from(&stated.transformation_country);
    }
    described
}
