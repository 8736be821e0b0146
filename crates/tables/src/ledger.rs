//! Rows that come from records: lots, events, edges, assays.
//!
//! Edges are the ledger's own books: what a lot held when it left and when it arrived, after the receiver's
//! weighing, so that the sum of `stock_mg` at a facility is its stock. For that, what every lot holds is kept
//! while the log is read, in its order; records that were withdrawn change nothing.

use std::collections::{BTreeMap, BTreeSet};

use ore_record::{
    RecordId, content, elements,
    v1::{
        Accept, Assay, Commission, Composition, Content, ContentKind, Dispose, LotRef, NewLot, OutputRole,
        Record, Ship, Transform, Use, record::Event,
    },
};

use crate::{
    answers::words,
    schema::{ASSAYS, EDGES, EVENTS, LOTS},
    sheet::{Cell, Sheets, Shelf, TableError},
};

/// A record of the log, in its order.
#[derive(Clone, Copy, Debug)]
pub struct Step<'a> {
    /// Place in the log.
    pub leaf_index: u64,
    /// Id.
    pub id: RecordId,
    /// What it says.
    pub record: &'a Record,
}

/// What is known of a lot while the log is read.
#[derive(Debug, Default)]
struct Held {
    mg: u64,
    facility: String,
    material: String,
    /// Where it left, while it is on its way.
    from: String,
}

/// What every lot holds.
pub(crate) struct Books {
    withdrawn: BTreeSet<RecordId>,
    lots: BTreeMap<String, Held>,
}

/// One record's cells that many rows share.
struct Row<'a> {
    step: &'a Step<'a>,
    id: String,
    year: String,
    withdrawn: bool,
}

impl Row<'_> {
    fn time(&self) -> Cell<'_> {
        Cell::Unsigned(self.step.record.event_time_ms)
    }

    fn leaf(&self) -> Cell<'_> {
        Cell::Unsigned(self.step.leaf_index)
    }
}

/// How a lot came into being.
struct Making<'a> {
    made_as: &'a str,
    process: &'a str,
    scrap_class: &'a str,
}

impl Books {
    pub(crate) fn new(withdrawn: BTreeSet<RecordId>) -> Self {
        Self { withdrawn, lots: BTreeMap::new() }
    }

    pub(crate) fn take<S: Shelf>(&mut self, step: &Step<'_>, to: &mut Sheets<S>) -> Result<(), TableError> {
        let row = Row {
            step,
            id: step.id.to_string(),
            year: year(step.record.event_time_ms),
            withdrawn: self.withdrawn.contains(&step.id),
        };
        event_row(&row, to)?;
        match &step.record.event {
            Some(Event::Commission(it)) => self.commission(&row, it, to),
            Some(Event::Transform(it)) => self.transform(&row, it, to),
            Some(Event::Assay(it)) => assay_rows(&row, it, to),
            _ if row.withdrawn => Ok(()),
            Some(Event::Ship(it)) => self.ship(&row, it, to),
            Some(Event::Accept(it)) => self.accept(&row, it, to),
            Some(Event::Decline(it)) => self.returned(&row, &it.lots, to),
            Some(Event::CancelShipment(it)) => self.returned(&row, &it.lots, to),
            Some(Event::Use(it)) => self.used(&row, it, to),
            Some(Event::Dispose(it)) => self.disposed(&row, it, to),
            _ => Ok(()),
        }
    }

    fn commission<S: Shelf>(
        &mut self,
        row: &Row<'_>,
        it: &Commission,
        to: &mut Sheets<S>,
    ) -> Result<(), TableError> {
        let Some(lot) = &it.lot else { return Ok(()) };
        let made_as = words(it.kind().as_str_name(), "COMMISSION_KIND_");
        let scrap_class = words(it.scrap_class().as_str_name(), "RECYCLING_CLASS_");
        lot_row(row, lot, &Making { made_as: &made_as, process: "", scrap_class: &scrap_class }, to)?;
        composition_rows(row, &lot.lot, lot.composition.as_ref(), true, to)?;
        self.made(row, lot, "source", "", to)
    }

    fn transform<S: Shelf>(
        &mut self,
        row: &Row<'_>,
        it: &Transform,
        to: &mut Sheets<S>,
    ) -> Result<(), TableError> {
        let process = words(it.process().as_str_name(), "PROCESS_");
        for input in &it.inputs {
            let lot = name(input.lot.as_ref());
            composition_rows(row, lot, input.composition.as_ref(), false, to)?;
            let mg = input.mass.as_ref().map_or(0, |mass| mass.dry_mg);
            if !row.withdrawn {
                let held = self.lots.entry(lot.to_owned()).or_default();
                held.mg = held.mg.saturating_sub(mg);
                let edge =
                    Edge { lot, line: "input", process: &process, facility: &it.facility, mg, lowers: true };
                edge.put(row, held, to)?;
            }
        }
        for output in &it.outputs {
            let Some(lot) = &output.lot else { continue };
            let made_as = words(output.role().as_str_name(), "OUTPUT_ROLE_");
            lot_row(row, lot, &Making { made_as: &made_as, process: &process, scrap_class: "" }, to)?;
            composition_rows(row, &lot.lot, lot.composition.as_ref(), true, to)?;
            let line = if output.role() == OutputRole::Residue { "residue" } else { "output" };
            self.made(row, lot, line, &process, to)?;
        }
        Ok(())
    }

    fn made<S: Shelf>(
        &mut self,
        row: &Row<'_>,
        lot: &NewLot,
        line: &str,
        process: &str,
        to: &mut Sheets<S>,
    ) -> Result<(), TableError> {
        if row.withdrawn {
            return Ok(());
        }
        let mg = lot.mass.as_ref().map_or(0, |mass| mass.dry_mg);
        let material = words(lot.material().as_str_name(), "MATERIAL_CLASS_");
        let held = Held { mg, facility: lot.facility.clone(), material, from: String::new() };
        let edge = Edge { lot: &lot.lot, line, process, facility: &lot.facility, mg, lowers: false };
        edge.put(row, &held, to)?;
        self.lots.insert(lot.lot.clone(), held);
        Ok(())
    }

    fn ship<S: Shelf>(&mut self, row: &Row<'_>, it: &Ship, to: &mut Sheets<S>) -> Result<(), TableError> {
        for shipped in &it.lots {
            let lot = name(shipped.lot.as_ref());
            let held = self.lots.entry(lot.to_owned()).or_default();
            held.from.clone_from(&it.from_facility);
            held.facility.clear();
            let mg = held.mg;
            let edge =
                Edge { lot, line: "shipment", process: "", facility: &it.from_facility, mg, lowers: true };
            edge.put(row, held, to)?;
        }
        Ok(())
    }

    fn accept<S: Shelf>(&mut self, row: &Row<'_>, it: &Accept, to: &mut Sheets<S>) -> Result<(), TableError> {
        for accepted in &it.lots {
            let lot = name(accepted.lot.as_ref());
            let held = self.lots.entry(lot.to_owned()).or_default();
            // What is missing is gone; what is too much adds nothing (rule M7 looks at it).
            held.mg = accepted.mass.as_ref().map_or(held.mg, |mass| held.mg.min(mass.dry_mg));
            held.facility.clone_from(&it.facility);
            held.from.clear();
            let mg = held.mg;
            let edge = Edge { lot, line: "receipt", process: "", facility: &it.facility, mg, lowers: false };
            edge.put(row, held, to)?;
        }
        Ok(())
    }

    fn returned<S: Shelf>(
        &mut self,
        row: &Row<'_>,
        lots: &[LotRef],
        to: &mut Sheets<S>,
    ) -> Result<(), TableError> {
        for lot in lots {
            let held = self.lots.entry(lot.lot.clone()).or_default();
            held.facility = std::mem::take(&mut held.from);
            let (mg, facility) = (held.mg, held.facility.clone());
            let edge =
                Edge { lot: &lot.lot, line: "return", process: "", facility: &facility, mg, lowers: false };
            edge.put(row, held, to)?;
        }
        Ok(())
    }

    fn used<S: Shelf>(&mut self, row: &Row<'_>, it: &Use, to: &mut Sheets<S>) -> Result<(), TableError> {
        let lot = name(it.item.as_ref());
        let held = self.lots.entry(lot.to_owned()).or_default();
        if !it.facility.is_empty() {
            held.facility.clone_from(&it.facility);
        }
        let mg = held.mg.saturating_sub(it.net_mass.as_ref().map_or(held.mg, |mass| mass.dry_mg));
        held.mg -= mg;
        let facility = held.facility.clone();
        Edge { lot, line: "use", process: "", facility: &facility, mg, lowers: true }.put(row, held, to)
    }

    fn disposed<S: Shelf>(
        &mut self,
        row: &Row<'_>,
        it: &Dispose,
        to: &mut Sheets<S>,
    ) -> Result<(), TableError> {
        let lot = name(it.lot.as_ref());
        let held = self.lots.entry(lot.to_owned()).or_default();
        let mg = it.mass.as_ref().map_or(0, |mass| mass.dry_mg).min(held.mg);
        held.mg -= mg;
        let facility = held.facility.clone();
        Edge { lot, line: "disposal", process: "", facility: &facility, mg, lowers: true }.put(row, held, to)
    }
}

/// A lot that a record touches.
struct Edge<'a> {
    lot: &'a str,
    line: &'a str,
    process: &'a str,
    facility: &'a str,
    mg: u64,
    lowers: bool,
}

impl Edge<'_> {
    fn put<S: Shelf>(&self, row: &Row<'_>, held: &Held, to: &mut Sheets<S>) -> Result<(), TableError> {
        let stock = match i64::try_from(self.mg) {
            Ok(mg) => Cell::Integer(if self.lowers { -mg } else { mg }),
            Err(_) => Cell::Unsigned(self.mg),
        };
        to.put(
            &EDGES,
            &row.year,
            &[
                Cell::Text(&row.id),
                row.leaf(),
                row.time(),
                Cell::Text(self.lot),
                Cell::Text(self.line),
                Cell::words(self.process),
                Cell::Text(self.facility),
                Cell::Text(&held.material),
                Cell::Unsigned(self.mg),
                stock,
                Cell::Unsigned(held.mg),
            ],
        )
    }
}

fn name(lot: Option<&LotRef>) -> &str {
    lot.map_or("", |lot| lot.lot.as_str())
}

/// The year of an event, by its author's account, as a folder.
fn year(ms: u64) -> String {
    // 146,097 days are 400 years; the year begins in March until the last line.
    let days = ms / 86_400_000 + 719_468;
    let (era, day) = (days / 146_097, days % 146_097);
    let of_era = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
    let of_year = day - (365 * of_era + of_era / 4 - of_era / 100);
    (era * 400 + of_era + u64::from(of_year >= 306)).to_string()
}

fn lot_row<S: Shelf>(
    row: &Row<'_>,
    lot: &NewLot,
    making: &Making<'_>,
    to: &mut Sheets<S>,
) -> Result<(), TableError> {
    let mass = lot.mass.clone().unwrap_or_default();
    let material = words(lot.material().as_str_name(), "MATERIAL_CLASS_");
    let model = words(lot.model().as_str_name(), "CUSTODY_MODEL_");
    let wet = |value: u64| if mass.wet_mg == 0 { Cell::Null } else { Cell::Unsigned(value) };
    to.put(
        &LOTS,
        &row.year,
        &[
            Cell::Text(&lot.lot),
            Cell::Text(&row.id),
            row.leaf(),
            row.time(),
            Cell::Text(&row.step.record.author),
            Cell::Text(making.made_as),
            Cell::words(making.process),
            Cell::words(making.scrap_class),
            Cell::Text(&material),
            Cell::words(&lot.form),
            Cell::words(&lot.compound),
            Cell::words(&lot.hs_code),
            Cell::words(&lot.serial),
            Cell::Text(&lot.facility),
            Cell::Text(&model),
            Cell::words(&lot.origin_country),
            Cell::words(&lot.transformation_country),
            Cell::words(&lot.owner),
            Cell::Unsigned(mass.dry_mg),
            wet(mass.wet_mg),
            wet(mass.moisture_ppm.into()),
            Cell::Flag(row.withdrawn),
        ],
    )
}

fn assay_rows<S: Shelf>(row: &Row<'_>, it: &Assay, to: &mut Sheets<S>) -> Result<(), TableError> {
    let sets = content::sets_composition(it);
    composition_rows(row, name(it.lot.as_ref()), it.composition.as_ref(), sets, to)
}

fn composition_rows<S: Shelf>(
    row: &Row<'_>,
    lot: &str,
    composition: Option<&Composition>,
    sets: bool,
    to: &mut Sheets<S>,
) -> Result<(), TableError> {
    let Some(composition) = composition else { return Ok(()) };
    let stage = words(composition.stage().as_str_name(), "ASSAY_STAGE_");
    for stated in &composition.contents {
        let Ok(of_element) = content::element_of(stated) else { continue };
        let symbol = elements::symbol(of_element.element.into()).unwrap_or_default();
        to.put(
            &ASSAYS,
            &row.year,
            &[
                Cell::Text(&row.id),
                row.leaf(),
                row.time(),
                Cell::Text(&row.step.record.author),
                Cell::Text(lot),
                Cell::Text(symbol),
                Cell::Integer(of_element.ppb.into()),
                Cell::Integer(of_element.uncertainty_ppb.into()),
                Cell::Text(kind_of(stated)),
                Cell::words(&stated.oxide),
                Cell::words(&composition.method),
                Cell::words(&composition.laboratory),
                Cell::words(&stage),
                Cell::Flag(sets),
                Cell::Flag(row.withdrawn),
            ],
        )?;
    }
    Ok(())
}

fn kind_of(content: &Content) -> &'static str {
    match content.kind() {
        ContentKind::Measured => "measured",
        ContentKind::Declared => "declared",
        ContentKind::BelowDetection => "below detection",
        ContentKind::Unspecified => "",
    }
}

fn event_row<S: Shelf>(row: &Row<'_>, to: &mut Sheets<S>) -> Result<(), TableError> {
    let record = row.step.record;
    let said = Said::of(record);
    let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    let (about, corrects) = (hex(said.about), hex(&record.corrects));
    to.put(
        &EVENTS,
        &row.year,
        &[
            Cell::Text(&row.id),
            row.leaf(),
            row.time(),
            Cell::Integer(record.utc_offset_minutes.into()),
            Cell::Text(&record.author),
            Cell::Text(said.event),
            Cell::words(&said.process),
            Cell::words(said.facility),
            Cell::words(said.to_facility),
            Cell::words(said.counterparty),
            Cell::words(&about),
            Cell::words(&corrects),
            Cell::words(&record.note),
            Cell::Flag(row.withdrawn),
        ],
    )
}

/// What an event says in the columns that all events share.
#[derive(Default)]
struct Said<'a> {
    event: &'static str,
    process: String,
    facility: &'a str,
    to_facility: &'a str,
    counterparty: &'a str,
    about: &'a [u8],
}

impl<'a> Said<'a> {
    fn of(record: &'a Record) -> Self {
        let only = |event| Said { event, ..Said::default() };
        let at = |event, facility| Said { event, facility, ..Said::default() };
        let about = |event, about| Said { event, about, ..Said::default() };
        let Some(event) = &record.event else { return only("none") };
        match event {
            Event::Commission(it) => at("commission", it.lot.as_ref().map_or("", |lot| &lot.facility)),
            Event::Transform(it) => Said {
                process: words(it.process().as_str_name(), "PROCESS_"),
                ..at("transform", &it.facility)
            },
            Event::Ship(it) => Said {
                to_facility: &it.to_facility,
                counterparty: &it.receiver,
                ..at("ship", &it.from_facility)
            },
            Event::Accept(it) => Said { about: &it.offer, ..at("accept", &it.facility) },
            Event::Decline(it) => about("decline", &it.offer),
            Event::CancelShipment(it) => about("cancel shipment", &it.offer),
            Event::Assay(it) => about("assay", &it.reveals),
            Event::Seal(_) => only("seal"),
            Event::Use(it) => at("use", &it.facility),
            Event::Stocktake(it) => at("stocktake", &it.facility),
            Event::Hold(_) => only("hold"),
            Event::Release(_) => only("release"),
            Event::Recall(_) => only("recall"),
            Event::Dispose(_) => only("dispose"),
            Event::Footprint(_) => only("footprint"),
            Event::Withdraw(it) => about("withdraw", &it.record),
            Event::Erased(it) => about("erased", &it.record),
            Event::CreditDeposit(it) => at("credit deposit", &it.facility),
            Event::CreditClaim(it) => at("credit claim", &it.facility),
            Event::AdmitMember(_) => only("admit member"),
            Event::ChangeRoles(_) => only("change roles"),
            Event::AddKey(_) => only("add key"),
            Event::RevokeKey(_) => only("revoke key"),
            Event::RegisterFacility(it) => {
                at("register facility", it.facility.as_ref().map_or("", |it| &it.id))
            }
            Event::Attest(_) => only("attest"),
            Event::ChangeAttestation(_) => only("change attestation"),
            Event::SetProfile(_) => only("set profile"),
            Event::ChangeValidators(_) => only("change validators"),
            Event::Approve(it) => about("approve", &it.proposal),
            Event::ReferencePart(_) => only("reference part"),
            Event::PublishLibrary(_) => only("publish library"),
            Event::ClaimOrigin(_) => only("claim origin"),
            Event::BlockSeal(_) => only("block seal"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn years_are_those_of_the_calendar() {
        assert_eq!(year(0), "1970");
        assert_eq!(year(1_735_689_599_999), "2024");
        assert_eq!(year(1_735_689_600_000), "2025");
        assert_eq!(year(951_782_400_000), "2000");
        assert_eq!(year(253_402_300_800_000), "10000");
        year(u64::MAX);
    }
}
