//! What is seen of a lot or a place: assays, seals, use of an item (M14), stocktakes, footprints.

use alloc::format;

use ore_record::{
    assay as exchange, content,
    v1::{
        Assay, AssayStage, Footprint, MaterialClass, Role, SealAction, SealEvent, Stocktake, Use,
        record::Event,
    },
};

use crate::{
    books::Prior,
    change::Write,
    desk::{Desk, Touched},
    effect::{Effect, MassChange},
    rejection::{About, Reason, Rule, Verdict, refuse},
    roles,
    rules::{
        composition,
        quantities::{self, weight},
        reference, transform, values,
    },
};

/// A laboratory or a party measures a lot; a final or umpire's result is the lot's composition from then on.
pub(crate) fn assay(desk: &mut Desk<'_>, event: &Assay) -> Verdict<()> {
    let touched = desk.touch(event.lot.as_ref())?;
    check_form(event)?;
    let lot = &touched.lot;
    may_measure(desk, &touched, event)?;
    if !event.commitment.is_empty() {
        values::digest("the commitment", &event.commitment, false)?;
        if event.composition.is_some() || shows_pattern(event) || !event.reveals.is_empty() {
            return Err(values::bad(
                "a commitment shows no results and reveals nothing",
                "commit first, and reveal with a record of its own",
            ));
        }
        desk.put(&touched);
        return Ok(());
    }
    if !event.reveals.is_empty() {
        check_reveal(desk, event)?;
    }
    if event.composition.is_none() && !shows_pattern(event) {
        return Err(values::bad("the assay states no result", "state a composition or a trace pattern"));
    }
    let elements = composition::check(event.composition.as_ref(), &lot.passport.compound, lot.id())?;
    if content::sets_composition(event) {
        desk.writes.push(Write::Prior(desk.leaf, Some(Prior::Composition(lot.composition.clone()))));
        desk.writes.push(Write::Composition(touched.ordinal, elements.clone()));
        desk.effects.push(Effect::Composition { lot: touched.ordinal, composition: elements });
    }
    desk.put(&touched);
    Ok(())
}

fn shows_pattern(event: &Assay) -> bool {
    !event.pattern.is_empty() || event.spots.iter().any(|spot| !spot.pattern.is_empty())
}

fn check_form(event: &Assay) -> Verdict<()> {
    values::text("the sample", &event.sample, 64)?;
    values::text("the session", &event.session, 64)?;
    values::text("the matrix", &event.matrix, 64)?;
    values::text("laboratory and method", &event.campaign, 128)?;
    values::text("the reference materials", &event.reference_material, 256)?;
    values::text("who took the sample", &event.sampled_by, 256)?;
    values::count("disturbed elements", event.disturbed.len(), 40)?;
    event.disturbed.iter().try_for_each(|element| values::element(*element).map(drop))?;
    values::count("spots", event.spots.len(), 100)?;
    for spot in &event.spots {
        values::text("the spot", &spot.spot, 64)?;
        reference::pattern(&spot.pattern)?;
    }
    reference::pattern(&event.pattern)?;
    Ok(())
}

/// Custodian, owner or intended receiver may measure, and so may a laboratory; only a laboratory or
/// the custodian may say what the composition is (A4).
fn may_measure(desk: &Desk<'_>, touched: &Touched, event: &Assay) -> Verdict<()> {
    let lot = &touched.lot;
    let laboratory = desk.roles.any(&[Role::Laboratory]);
    let custodian = lot.standing.custodian == desk.author;
    let stage =
        event.composition.as_ref().map_or(AssayStage::Unspecified, ore_record::v1::Composition::stage);
    if matches!(stage, AssayStage::Final | AssayStage::Umpire) && !(laboratory || custodian) {
        return Err(refuse(
            Rule::A4,
            Reason::RoleNotAllowed,
            format!(
                "{} neither is a laboratory nor has lot {}, so its result cannot be the final one",
                desk.author_id(),
                lot.id()
            ),
            "state it as a buyer's or seller's result, or ask a laboratory",
        )
        .lot(lot.id()));
    }
    let receiver = desk.state.offer_of(lot).is_some_and(|offer| offer.receiver == desk.author);
    let overseer = desk.roles.any(roles::MAY_HOLD);
    if laboratory || custodian || receiver || overseer || lot.standing.owner == desk.author {
        return Ok(());
    }
    desk.must_hold(touched, "assay")
}

/// A reveal opens the author's own commitment about the same lot and session.
fn check_reveal(desk: &Desk<'_>, event: &Assay) -> Verdict<()> {
    let (_, record) = desk.earlier(&event.reveals, "the commitment")?;
    let committed = match record.event() {
        Event::Assay(committed) if record.record().author == desk.author_id() => committed,
        _ => {
            return Err(refuse(
                Rule::A4,
                Reason::NotAuthor,
                "the record that is revealed is not an assay of the same author",
                "name your own committing record",
            )
            .record(record.id()));
        }
    };
    exchange::opens(committed, event).map_err(|bad| {
        values::bad(format!("{bad}"), "reveal exactly the assay that was committed to").record(record.id())
    })
}

/// A tag or seal: by who has or owns the lot, is about to receive it, or oversees.
pub(crate) fn seal(desk: &mut Desk<'_>, event: &SealEvent) -> Verdict<()> {
    values::required_text("the seal", &event.seal, 64)?;
    values::stated::<SealAction>("what was done to the seal", event.action)?;
    let touched = desk.touch(event.lot.as_ref())?;
    let receiver = desk.state.offer_of(&touched.lot).is_some_and(|offer| offer.receiver == desk.author);
    if !receiver && touched.lot.standing.owner != desk.author && !desk.roles.any(roles::MAY_HOLD) {
        desk.must_hold(&touched, "seal")?;
    }
    desk.put(&touched);
    Ok(())
}

/// An item's net mass falls in use, and only falls (M14).
pub(crate) fn use_item(desk: &mut Desk<'_>, event: &Use) -> Verdict<()> {
    let mut touched = desk.touch(event.item.as_ref())?;
    desk.must_hold(&touched, "use")?;
    desk.must_be_free(&touched, "use")?;
    if !event.facility.is_empty() {
        desk.facility(&event.facility)?;
    }
    let lot = &touched.lot;
    if !lot.passport.item {
        return Err(refuse(
            Rule::M14,
            Reason::BadValue,
            format!("lot {} is no item: it has no serial number, so no net mass of one piece", lot.id()),
            "state a transformation, or commission pieces with serial numbers",
        )
        .lot(lot.id()));
    }
    transform::check_time(desk, lot)?;
    let net_mg = quantities::dry_mg(event.net_mass.as_ref(), "the item after use")?;
    let before_mg = lot.remaining_mg();
    if net_mg > before_mg {
        return Err(refuse(
            Rule::M14,
            Reason::ItemMassRises,
            format!(
                "item {} weighed {} and would weigh {} after use: its net mass only falls",
                lot.id(),
                weight(before_mg),
                weight(net_mg)
            ),
            "weigh again without packaging, or check the item's number",
        )
        .lot(lot.id()));
    }
    touched.next.remaining_mg = net_mg;
    touched.next.used_mg += before_mg - net_mg;
    desk.writes.push(Write::Prior(desk.leaf, Some(Prior::Remaining(before_mg))));
    desk.effects.push(Effect::Mass { lot: touched.ordinal, remaining_mg: net_mg, why: MassChange::Used });
    desk.put(&touched);
    Ok(())
}

pub(crate) fn stocktake(desk: &mut Desk<'_>, event: &Stocktake) -> Verdict<()> {
    desk.own_facility(&event.facility)?;
    values::count("lines", event.lines.len(), 400)?;
    if event.period_start_ms > desk.record.event_time_ms {
        return Err(values::bad("the period starts after the count", "correct the start or the event time"));
    }
    for line in &event.lines {
        values::stated::<MaterialClass>("material class", line.material)?;
        if line.element != 0 {
            values::element(line.element)?;
        }
    }
    Ok(())
}

/// By who made the lot, or has it.
pub(crate) fn footprint(desk: &mut Desk<'_>, event: &Footprint) -> Verdict<()> {
    values::text("the method", &event.method, 128)?;
    let touched = desk.touch(event.lot.as_ref())?;
    if touched.lot.passport.author != desk.author {
        desk.must_hold(&touched, "describe the making of")?;
    }
    desk.put(&touched);
    Ok(())
}
