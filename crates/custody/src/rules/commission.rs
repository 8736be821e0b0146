//! A lot comes into being: alone (this file's rule O1), or out of a transformation, by the same checks.

use alloc::{boxed::Box, format, sync::Arc};

use ore_record::{
    LotId, oxides,
    v1::{
        self, Commission, CommissionKind, CustodyModel, FacilityKind, MaterialClass, NewLot, RecyclingClass,
    },
};

use crate::{
    change::Write,
    desk::Desk,
    effect::{Effect, Source, SourceKind},
    lot::{Country, Description, Lot, NONE, Passport, Place, Standing},
    rejection::{About, Reason, Rule, Verdict, refuse, shorten},
    rules::{composition, quantities, values},
};

pub(crate) fn judge(desk: &mut Desk<'_>, event: &Commission) -> Verdict<()> {
    let kind: CommissionKind = values::stated("the kind of commission", event.kind)?;
    let Some(new) = &event.lot else {
        return Err(values::bad("the commission names no lot", "state the lot that comes into being"));
    };
    values::texts("attestations", &event.attestations, 32, 96)?;
    for attestation in &event.attestations {
        known_attestation(desk, attestation)?;
    }
    let scrap_class: RecyclingClass = values::known("scrap class", event.scrap_class)?;
    let facility = match kind {
        CommissionKind::Extracted => desk.own_facility(&new.facility)?,
        _ => desk.facility(&new.facility)?,
    };
    let lot = new_lot(desk, new, facility)?;
    let (kind, country) = match kind {
        CommissionKind::Extracted => (SourceKind::Mine, mined(desk, new, facility)?),
        CommissionKind::CollectedScrap => {
            let country = values::country_if_known("origin country", &new.origin_country)?;
            (scrap_kind(scrap_class)?, country)
        }
        _ => (SourceKind::DeclaredUnknown, Country::UNKNOWN),
    };
    let ordinal = desk.state.lots.len() as u32;
    desk.effects.push(Effect::Source(Box::new(Source {
        lot: ordinal,
        kind,
        facility,
        country,
        composition: lot.composition.clone(),
        dry_mg: lot.passport.created_mg,
    })));
    desk.writes.push(Write::NewLot(Box::new(lot)));
    Ok(())
}

/// A mined lot has a mine and a tag (O1), and its country is the mine's.
fn mined(desk: &Desk<'_>, new: &NewLot, facility: Place) -> Verdict<Country> {
    let mine = desk.state.facility_at(facility).expect("own_facility gives the place of a facility");
    if mine.kind() != FacilityKind::Mine {
        return Err(refuse(
            Rule::O1,
            Reason::NoMineOrTag,
            format!("lot {} is stated as extracted, but facility {} is not a mine", new.lot, mine.id),
            "name the mine that it comes from, or state the lot as of unknown origin",
        )
        .lot(&new.lot));
    }
    if new.tags.is_empty() {
        return Err(refuse(
            Rule::O1,
            Reason::NoMineOrTag,
            format!("lot {} was extracted at {} and bears no tag", new.lot, mine.id),
            "tag the lot at the mine and state the tag's number",
        )
        .lot(&new.lot));
    }
    if new.origin_country != mine.country {
        return Err(values::bad(
            format!(
                "lot {} states origin country {:?}, its mine {} is in {}",
                new.lot,
                shorten(&new.origin_country),
                mine.id,
                mine.country
            ),
            format!("state {} or name the right mine", mine.country),
        )
        .lot(&new.lot));
    }
    values::country("origin country", &mine.country)
}

fn scrap_kind(class: RecyclingClass) -> Verdict<SourceKind> {
    match class {
        RecyclingClass::PreConsumer => Ok(SourceKind::PreConsumerScrap),
        RecyclingClass::PostConsumer => Ok(SourceKind::PostConsumerScrap),
        RecyclingClass::Unspecified | RecyclingClass::Internal => Err(values::bad(
            "collected scrap is pre-consumer or post-consumer; run-around scrap of one's own comes out of a transformation",
            "state the scrap class",
        )),
    }
}

pub(crate) fn known_attestation(desk: &Desk<'_>, id: &str) -> Verdict<Place> {
    desk.state.roster_index_of_attestation(id).ok_or_else(|| {
        values::bad(
            format!("attestation {:?} is not in the ledger", shorten(id)),
            "check its number, or have its issuer attest it first",
        )
        .named(id)
    })
}

/// Everything that holds for a lot however it comes into being.
pub(crate) fn new_lot(desk: &mut Desk<'_>, new: &NewLot, facility: Place) -> Verdict<Lot> {
    let profile = desk.profile()?;
    let id = check_id(desk, new)?;
    let material: MaterialClass = values::stated("material class", new.material)?;
    let model: CustodyModel = values::stated("chain-of-custody model", new.model)?;
    values::text("form", &new.form, 64)?;
    values::text("serial number", &new.serial, 64)?;
    values::texts("tags", &new.tags, 64, 64)?;
    values::text("compound", &new.compound, 64)?;
    if !new.compound.is_empty() && oxides::Compound::parse(&new.compound).is_none() {
        return Err(values::bad(
            format!(
                "lot {id}: compound {:?} is not a formula such as Ta2O5 or K2TaF7",
                shorten(&new.compound)
            ),
            "write the formula, or leave it empty when the lot is no pure compound",
        ));
    }
    values::hs_code(&new.hs_code, profile)?;
    values::country_if_known("origin country", &new.origin_country)?;
    values::country_if_known("country of the last transformation", &new.transformation_country)?;
    let owner = match new.owner.as_str() {
        "" => desk.author,
        owner => desk.member(owner, "owner")?,
    };
    let created_mg = quantities::dry_mg(new.mass.as_ref(), &format_lot(id))?;
    let composition = composition::check(new.composition.as_ref(), &new.compound, id)?;
    let replaces = free_name(desk, id)?;
    desk.new_lots += 1;
    Ok(Lot {
        passport: Passport {
            id: id.into(),
            created_mg,
            created_ms: desk.record.event_time_ms,
            created_at: desk.leaf,
            replaces,
            description: Arc::new(Description {
                author: desk.author,
                facility,
                compound: new.compound.as_str().into(),
                material,
                model,
                item: !new.serial.is_empty(),
            }),
        },
        standing: Standing {
            remaining_mg: created_mg,
            taken_mg: 0,
            disposed_mg: 0,
            used_mg: 0,
            shortfall_mg: 0,
            surplus_mg: 0,
            head: desk.leaf,
            custodian: desk.author,
            owner,
            facility,
            offer: NONE,
            held_by: NONE,
            recalled_by: NONE,
            void: false,
        },
        composition,
    })
}

fn format_lot(id: &str) -> alloc::string::String {
    format!("lot {id}")
}

/// `<author>/<lot number>`.
fn check_id<'n>(desk: &Desk<'_>, new: &'n NewLot) -> Verdict<&'n str> {
    let id = LotId::parse(&new.lot).map_err(|bad| {
        values::bad(
            format!("lot: {bad}"),
            "use the number on the lot's label, after your member id and a slash",
        )
    })?;
    if id.member() != desk.author_id() {
        return Err(refuse(
            Rule::A4,
            Reason::NotAuthor,
            format!(
                "lot {} would bear the name of {}, and only that member may create it",
                new.lot,
                id.member()
            ),
            format!("name the lot {}/<number>", desk.author_id()),
        )
        .lot(&new.lot));
    }
    Ok(&new.lot)
}

/// The id is new, or a correcting record takes over the id of a lot that the withdrawn one created.
fn free_name(desk: &Desk<'_>, id: &str) -> Verdict<Place> {
    let Some(ordinal) = desk.state.lot_ordinal(id) else { return Ok(NONE) };
    let old = desk.state.lots.at(ordinal);
    if old.standing.void && desk.corrects == old.passport.created_at && desk.corrects != NONE {
        return Ok(ordinal);
    }
    let (message, next_step) = if old.standing.void {
        (
            format!("lot {id} was created before, by a record that is withdrawn"),
            "name that withdrawn record in `corrects` to declare the lot again",
        )
    } else {
        (
            format!("lot {id} exists already: it was created at leaf {}", old.passport.created_at),
            "give the lot a number that was not used before",
        )
    };
    Err(refuse(Rule::A2, Reason::AlreadyExists, message, next_step).lot(id))
}

/// Where a lot of a transformation came into being: where it says, or where the work was done.
pub(crate) fn birth_place(desk: &Desk<'_>, new: &v1::NewLot, work: Place) -> Verdict<Place> {
    let same = desk.state.facility_at(work).is_some_and(|place| place.id == new.facility);
    if same || new.facility.is_empty() { Ok(work) } else { desk.facility(&new.facility) }
}
