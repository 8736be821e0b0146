//! Inputs become outputs: who and where (A4), how much (M1), which metal (M4, M13), when (T1, T6),
//! under which model (C1).
//!
//! All outputs are weighed together: two outputs of 4,000 g must not both come from 5,000 g.

use alloc::{boxed::Box, format, string::String, vec::Vec};

use ore_record::v1::{CustodyModel, FacilityKind, Mixing, OutputRole, Process, RecyclingClass, Transform};

use crate::{
    change::Write,
    desk::{Desk, Touched},
    effect::{Effect, Step, StepInput, StepLoss, StepOutput},
    lot::{Composition, ElementContent, Lot, Place},
    rejection::{About, Reason, Rule, Verdict, refuse},
    rules::{
        commission, composition,
        quantities::{self, weight, weight_of_sum},
        values,
    },
};

/// Inputs, and outputs, of one record.
const MOST_LOTS: usize = 400;

pub(crate) fn judge(desk: &mut Desk<'_>, event: &Transform) -> Verdict<()> {
    let step = header(desk, event)?;
    let facility = step.facility;
    let mut step = step;
    let inputs = take_inputs(desk, event, &mut step)?;
    let outputs = make_outputs(desk, event, facility, &mut step)?;
    step.losses = losses(event)?;
    check_model(&inputs, &outputs)?;
    check_gross(desk, event, &step)?;
    check_elements(desk, &inputs, &step)?;
    for touched in &inputs {
        desk.put(touched);
    }
    desk.writes.extend(outputs.into_iter().map(|lot| Write::NewLot(Box::new(lot))));
    desk.effects.push(Effect::Step(Box::new(step)));
    Ok(())
}

fn header(desk: &Desk<'_>, event: &Transform) -> Verdict<Step> {
    let process: Process = values::stated("the process", event.process)?;
    let recycling_class: RecyclingClass = values::known("recycling class", event.recycling_class)?;
    let mixing: Mixing = values::known("mixing", event.mixing)?;
    match (process, recycling_class) {
        (Process::Recycling, RecyclingClass::Unspecified) => {
            return Err(values::bad(
                "the process is recycling, and its class is not stated",
                "state internal, pre-consumer or post-consumer",
            ));
        }
        (Process::Recycling, _) | (_, RecyclingClass::Unspecified) => {}
        _ => {
            return Err(values::bad(
                "a recycling class is stated, but the process is not recycling",
                "state the process as recycling, or leave the class out",
            ));
        }
    }
    if event.started_ms > desk.record.event_time_ms {
        return Err(refuse(
            Rule::T1,
            Reason::TimeOrder,
            "the campaign starts after the event time, which is its end",
            "correct the start or the event time",
        ));
    }
    values::count("inputs", event.inputs.len(), MOST_LOTS)?;
    values::count("outputs", event.outputs.len(), MOST_LOTS)?;
    if event.inputs.is_empty() || event.outputs.is_empty() {
        return Err(values::bad(
            "a transformation has at least one input and one output",
            "use commission for a lot without inputs, dispose for one that leaves nothing",
        ));
    }
    Ok(Step {
        process,
        recycling_class,
        mixing,
        facility: work_place(desk, &event.facility)?,
        inputs: Vec::with_capacity(event.inputs.len()),
        outputs: Vec::with_capacity(event.outputs.len()),
        losses: Vec::new(),
    })
}

/// One's own facility, or a warehouse or port that somebody keeps for others.
fn work_place(desk: &Desk<'_>, id: &str) -> Verdict<Place> {
    let place = desk.facility(id)?;
    match desk.state.facility_at(place).map(ore_record::v1::Facility::kind) {
        Some(FacilityKind::Warehouse | FacilityKind::Port) => Ok(place),
        _ => desk.own_facility(id),
    }
}

fn take_inputs(desk: &mut Desk<'_>, event: &Transform, step: &mut Step) -> Verdict<Vec<Touched>> {
    let mut inputs: Vec<Touched> = Vec::with_capacity(event.inputs.len());
    for input in &event.inputs {
        let mut touched = desk.touch(input.lot.as_ref())?;
        desk.must_hold(&touched, "transform")?;
        desk.must_be_free(&touched, "make something of")?;
        check_time(desk, &touched.lot)?;
        let dry_mg = quantities::dry_mg(input.mass.as_ref(), "an input")?;
        take(&mut touched, dry_mg)?;
        let lot = &touched.lot;
        let assayed = match &input.composition {
            None => None,
            Some(stated) => Some(composition::check(Some(stated), &lot.passport.compound, lot.id())?),
        };
        step.inputs.push(StepInput { lot: touched.ordinal, dry_mg, composition: assayed });
        inputs.push(touched);
    }
    let mut ordinals: Vec<u32> = inputs.iter().map(|touched| touched.ordinal).collect();
    ordinals.sort_unstable();
    if let Some(pair) = ordinals.windows(2).find(|pair| pair[0] == pair[1]) {
        let id = desk.state.lots.id(pair[0]);
        return Err(values::bad(
            format!("lot {id} is an input twice"),
            "name it once, with everything that was taken from it",
        )
        .lot(&id));
    }
    Ok(inputs)
}

/// Never more than the lot holds (M1).
pub(crate) fn take(touched: &mut Touched, dry_mg: u64) -> Verdict<()> {
    let next = &mut touched.next;
    if dry_mg > next.remaining_mg {
        return Err(not_enough(&touched.lot, dry_mg, "taken"));
    }
    next.remaining_mg -= dry_mg;
    next.taken_mg += dry_mg;
    Ok(())
}

#[cold]
pub(crate) fn not_enough(lot: &Lot, dry_mg: u64, what: &str) -> Box<crate::Rejection> {
    let next_step = if lot.remaining_mg() == 0 {
        "nothing is left of it: check the lot's number"
    } else {
        "correct the mass, or name the other lots that it came from"
    };
    refuse(
        Rule::M1,
        Reason::NotEnoughMass,
        format!("lot {} holds {} dry, {} are {what}", lot.id(), weight(lot.remaining_mg()), weight(dry_mg)),
        next_step,
    )
    .lot(lot.id())
}

/// No consumption before creation. Across members clocks differ, so there it is a finding (T1).
pub(crate) fn check_time(desk: &Desk<'_>, lot: &Lot) -> Verdict<()> {
    let event_ms = desk.record.event_time_ms;
    if lot.passport.author != desk.author || event_ms >= lot.passport.created_ms {
        return Ok(());
    }
    Err(refuse(
        Rule::T1,
        Reason::TimeOrder,
        format!(
            "lot {} was created {} s after this event, both by {}",
            lot.id(),
            (lot.passport.created_ms - event_ms).div_ceil(1000),
            desk.author_id()
        ),
        "correct the event time",
    )
    .lot(lot.id()))
}

fn make_outputs(desk: &mut Desk<'_>, event: &Transform, work: Place, step: &mut Step) -> Verdict<Vec<Lot>> {
    check_ids(event)?;
    let mut outputs = Vec::with_capacity(event.outputs.len());
    for output in &event.outputs {
        let role: OutputRole = values::stated("the role of an output", output.role)?;
        let Some(new) = &output.lot else {
            return Err(values::bad("an output names no lot", "state the lot that comes out"));
        };
        let ordinal = desk.state.lots.len() as u32 + desk.new_lots;
        let born_at = commission::birth_place(desk, new, work)?;
        let lot = commission::new_lot(desk, new, born_at)?;
        step.outputs.push(StepOutput {
            lot: ordinal,
            role,
            dry_mg: lot.passport.created_mg,
            composition: lot.composition.clone(),
        });
        outputs.push(lot);
    }
    Ok(outputs)
}

/// Each output once, and none that is an input: no lot is its own ancestor (T6).
fn check_ids(event: &Transform) -> Verdict<()> {
    let mut ids: Vec<&str> =
        event.outputs.iter().filter_map(|output| Some(output.lot.as_ref()?.lot.as_str())).collect();
    ids.sort_unstable();
    if let Some(pair) = ids.windows(2).find(|pair| pair[0] == pair[1]) {
        return Err(refuse(
            Rule::A2,
            Reason::AlreadyExists,
            format!("lot {} is an output twice", crate::rejection::shorten(pair[0])),
            "give each output its own number",
        )
        .lot(pair[0]));
    }
    let input = event.inputs.iter().filter_map(|input| Some(input.lot.as_ref()?.lot.as_str()));
    for id in input {
        if ids.binary_search(&id).is_ok() {
            return Err(refuse(
                Rule::T6,
                Reason::OwnAncestor,
                format!(
                    "lot {} is an input and an output: it would be its own ancestor",
                    crate::rejection::shorten(id)
                ),
                "give what comes out a number of its own; what stays in the input is not an output",
            )
            .lot(id));
        }
    }
    Ok(())
}

fn losses(event: &Transform) -> Verdict<Vec<StepLoss>> {
    values::count("losses", event.losses.len(), 40)?;
    event
        .losses
        .iter()
        .map(|loss| {
            values::text("the reason of a loss", &loss.reason, 128)?;
            Ok(StepLoss { element: values::element(loss.element)?, mg: loss.mg })
        })
        .collect()
}

/// The chain-of-custody model only weakens downstream (C1). The enum has the strongest first.
fn check_model(inputs: &[Touched], outputs: &[Lot]) -> Verdict<()> {
    let Some(weakest) = inputs.iter().max_by_key(|touched| touched.lot.passport.model as i32) else {
        return Ok(());
    };
    let allowed = weakest.lot.passport.model;
    let Some(output) = outputs.iter().find(|lot| (lot.passport.model as i32) < allowed as i32) else {
        return Ok(());
    };
    Err(refuse(
        Rule::C1,
        Reason::ModelStrengthens,
        format!(
            "output {} is stated as {}, but input {} is only {}",
            output.id(),
            model_name(output.passport.model),
            weakest.lot.id(),
            model_name(allowed)
        ),
        format!("state {} or a weaker model", model_name(allowed)),
    )
    .lot(output.id()))
}

pub(crate) const fn model_name(model: CustodyModel) -> &'static str {
    match model {
        CustodyModel::Unspecified => "no model",
        CustodyModel::IdentityPreserved => "identity preserved",
        CustodyModel::Segregated => "segregated",
        CustodyModel::ControlledBlending => "controlled blending",
        CustodyModel::MassBalance => "mass balance",
        CustodyModel::BookAndClaim => "book and claim",
    }
}

/// Whether nothing but the inputs can be in the outputs.
const fn adds_nothing(process: Process) -> bool {
    matches!(
        process,
        Process::Crushing
            | Process::Concentrating
            | Process::Blending
            | Process::Splitting
            | Process::Machining
    )
}

/// Gross mass (M4): where nothing is added, or where no output says what is in it, the outputs weigh
/// no more than the inputs. Smelting, refining and the like take up oxygen, flux and reagents.
fn check_gross(desk: &Desk<'_>, event: &Transform, step: &Step) -> Verdict<()> {
    let silent = step.outputs.iter().all(|output| output.composition.is_empty());
    if !adds_nothing(step.process) && !silent {
        return Ok(());
    }
    let taken: u128 = step.inputs.iter().map(|input| u128::from(input.dry_mg)).sum();
    let made: u128 = step.outputs.iter().map(|output| u128::from(output.dry_mg)).sum();
    let limit_ppm = gain_limit_ppm(desk);
    if made * 1_000_000 <= taken * (1_000_000 + limit_ppm) {
        return Ok(());
    }
    let lot = event.outputs.first().and_then(|output| output.lot.as_ref()).map_or("", |lot| &lot.lot);
    Err(refuse(
        Rule::M4,
        Reason::MetalGain,
        format!(
            "outputs weigh {}, inputs {}{}",
            weight_of_sum(made),
            weight_of_sum(taken),
            limit_text(limit_ppm)
        ),
        if silent && !adds_nothing(step.process) {
            "weigh again, name every input, or state what the outputs are made of"
        } else {
            "weigh again, or name every input"
        },
    )
    .lot(lot))
}

fn gain_limit_ppm(desk: &Desk<'_>) -> u128 {
    desk.state.profile().map_or(0, |profile| profile.metal_gain_limit_ppm.into())
}

fn limit_text(limit_ppm: u128) -> String {
    if limit_ppm == 0 { String::new() } else { format!(" (the profile allows {limit_ppm} ppm more)") }
}

/// Elements of air, water, fuel and reagents, which enter without a lot: H, C, N, O, F, P, S, Cl.
/// One bit an atomic number.
const REAGENTS: u128 = 1 << 1 | 1 << 6 | 1 << 7 | 1 << 8 | 1 << 9 | 1 << 15 | 1 << 16 | 1 << 17;

const ELEMENTS: usize = 119;

/// What went in and came out, in milligrams times ppb. At most 400 x 2^64 x 10^9 < 2^103.
struct Balance {
    /// At most: content and its uncertainty, or the limit of detection.
    in_most: [u128; ELEMENTS],
    /// At least: content less its uncertainty, and declared losses.
    out_least: [u128; ELEMENTS],
    /// Dry milligrams of inputs of which nobody knows what is in them: they could be all of anything.
    unassayed_mg: u128,
    /// Which elements came out: one bit an atomic number.
    present: u128,
    /// One ppb of every mass: compositions are rounded to that.
    rounding: u128,
}

/// No metal out of nothing: nothing that is in no input (M13), no more than went in (M4). Measured
/// values count with their uncertainty in the author's favour; what is inside it is a finding (M2).
fn check_elements(desk: &Desk<'_>, inputs: &[Touched], step: &Step) -> Verdict<()> {
    let balance = weigh(inputs, step);
    let limit_ppm = gain_limit_ppm(desk);
    let mut present = balance.present & !REAGENTS;
    while present != 0 {
        let element = present.trailing_zeros() as usize;
        present &= present - 1;
        let (most, least) = (balance.in_most[element], balance.out_least[element]);
        if least <= balance.rounding {
            continue;
        }
        let possible = most + balance.unassayed_mg * PPB;
        if possible == 0 {
            return Err(from_nothing(element as u8, inputs, step));
        }
        // 2^103 x 2 x 10^6 < 2^125.
        if (least - balance.rounding) * 1_000_000 > possible * (1_000_000 + limit_ppm) {
            return Err(gain(element as u8, least, possible, limit_ppm, step));
        }
    }
    Ok(())
}

const PPB: u128 = 1_000_000_000;

fn weigh(inputs: &[Touched], step: &Step) -> Balance {
    let mut balance = Balance {
        in_most: [0; ELEMENTS],
        out_least: [0; ELEMENTS],
        unassayed_mg: 0,
        present: 0,
        rounding: 0,
    };
    for (input, touched) in step.inputs.iter().zip(inputs) {
        let dry_mg = u128::from(input.dry_mg);
        balance.rounding += dry_mg;
        let composition: &Composition = input.composition.as_ref().unwrap_or(&touched.lot.composition);
        if composition.is_empty() {
            balance.unassayed_mg += dry_mg;
        }
        for &ElementContent { element, ppb, uncertainty_ppb, .. } in composition.iter() {
            balance.in_most[usize::from(element) % ELEMENTS] +=
                dry_mg * (u128::from(ppb) + u128::from(uncertainty_ppb)).min(PPB);
        }
    }
    for output in &step.outputs {
        let dry_mg = u128::from(output.dry_mg);
        balance.rounding += dry_mg;
        for content in output.composition.iter() {
            let least = u128::from(content.ppb.saturating_sub(content.uncertainty_ppb));
            balance.present |= 1 << (content.element % 128);
            balance.out_least[usize::from(content.element) % ELEMENTS] += dry_mg * least;
        }
    }
    for loss in &step.losses {
        balance.present |= 1 << (loss.element % 128);
        balance.out_least[usize::from(loss.element) % ELEMENTS] += u128::from(loss.mg) * PPB;
    }
    balance
}

#[cold]
fn from_nothing(element: u8, inputs: &[Touched], step: &Step) -> Box<crate::Rejection> {
    let symbol = values::symbol(element);
    let in_outputs =
        step.outputs.iter().any(|output| output.composition.iter().any(|c| c.element == element));
    let held: Vec<&str> = {
        let mut elements: Vec<u8> = inputs
            .iter()
            .zip(&step.inputs)
            .flat_map(|(touched, input)| {
                input.composition.as_ref().unwrap_or(&touched.lot.composition).iter()
            })
            .map(|content| content.element)
            .collect();
        elements.sort_unstable();
        elements.dedup();
        elements.into_iter().take(20).map(values::symbol).collect()
    };
    refuse(
        Rule::M13,
        Reason::ElementFromNothing,
        format!(
            "{} {symbol}, and no input holds any: the inputs hold {}",
            if in_outputs { "the outputs hold" } else { "the losses name" },
            held.join(", ")
        ),
        format!(
            "name the input that brought the {symbol}, state it in an input's assay, or correct the output"
        ),
    )
}

#[cold]
fn gain(element: u8, least: u128, possible: u128, limit_ppm: u128, step: &Step) -> Box<crate::Rejection> {
    let symbol = values::symbol(element);
    let with_losses = if step.losses.iter().any(|loss| loss.element == element) { " and losses" } else { "" };
    refuse(
        Rule::M4,
        Reason::MetalGain,
        format!(
            "outputs{with_losses} contain {} of {symbol}, inputs at most {}{}",
            weight_of_sum(least / PPB),
            weight_of_sum(possible / PPB),
            limit_text(limit_ppm)
        ),
        "check masses, grades and units, or name every input",
    )
}
