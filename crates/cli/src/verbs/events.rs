//! Statements about lots: transform, ship, accept and the rest, from flags in people's words.

use clap::Args;
use ore_client::Ledger;
use ore_record::{elements, oxides};
use serde_json::{Map, Value, json};

use super::sign::{self, Statement};
use crate::{
    context::Context,
    failure::{Failure, Outcome},
    post::engine::failure,
};

/// A lot that comes into being.
#[derive(Args, Debug)]
pub(crate) struct NewLot {
    /// Lot, MEMBER/NUMBER
    lot: String,
    /// Mass, such as "900 kg"
    #[arg(long)]
    mass: String,
    /// Moisture, when the mass was weighed wet, such as "1.5 %"
    #[arg(long)]
    moisture: Option<String>,
    /// ore, concentrate, intermediate, metal, "sputtering target", scrap, residue ...
    #[arg(long)]
    material: String,
    /// Facility where it came into being
    #[arg(long)]
    facility: String,
    /// What people call it
    #[arg(long, default_value = "")]
    form: String,
    /// Content, such as "Ta2O5=30 %"; may be repeated
    #[arg(long = "content", value_name = "CONTENT")]
    contents: Vec<String>,
    /// Tag or seal on it; may be repeated
    #[arg(long = "tag", value_name = "TAG")]
    tags: Vec<String>,
    /// Formula, when it is a pure compound
    #[arg(long, default_value = "")]
    compound: String,
    /// Chain-of-custody model
    #[arg(long, default_value = "controlled blending")]
    model: String,
    /// Country where the metal was mined
    #[arg(long, default_value = "", value_name = "COUNTRY")]
    origin: String,
    /// Serial number of one piece
    #[arg(long, default_value = "")]
    serial: String,
}

/// A new lot in people's words.
pub(crate) fn new_lot(it: &NewLot) -> Result<Value, Failure> {
    let mut contents = Map::new();
    for content in &it.contents {
        let (name, amount) = content.split_once('=').ok_or_else(|| {
            Failure::usage(
                format_args!("{content:?} is no content"),
                "write it like --content \"Ta2O5=30 %\"",
            )
        })?;
        contents.insert(name.trim().to_owned(), json!(amount.trim()));
    }
    Ok(json!({
        "lot": it.lot, "mass": mass(&it.mass, it.moisture.as_deref())?, "material": it.material, "facility": it.facility,
        "form": it.form, "composition": { "contents": contents }, "tags": it.tags, "compound": it.compound,
        "model": it.model, "origin_country": it.origin, "serial": it.serial,
    }))
}

/// "900 kg", with moisture when it was weighed wet.
fn mass(text: &str, moisture: Option<&str>) -> Result<Value, Failure> {
    let Some(moisture) = moisture else { return Ok(json!(text)) };
    let at = text
        .find(|c: char| c.is_ascii_alphabetic())
        .ok_or_else(|| Failure::usage(format_args!("{text:?} has no unit"), "write it like \"900 kg\""))?;
    Ok(json!({ "value": text[..at].trim(), "unit": text[at..].trim(), "moisture": moisture }))
}

#[derive(Args, Debug)]
pub(crate) struct Transform {
    /// crushing, concentrating, smelting, refining, reduction, blending, splitting, machining, recycling ...
    #[arg(long)]
    process: String,
    /// Facility
    #[arg(long)]
    facility: String,
    /// What goes in: LOT for all of it, or "LOT=25 kg"; may be repeated
    #[arg(long = "in", value_name = "INPUT", required = true)]
    inputs: Vec<String>,
    /// What comes out: "LOT,mass=25 kg,material=metal,form=ingot,role=product,Ta=99.9 %"; may be repeated
    #[arg(long = "out", value_name = "OUTPUT", required = true)]
    outputs: Vec<String>,
    /// What is lost: "Ta=1.2 kg"; may be repeated
    #[arg(long = "loss", value_name = "LOSS")]
    losses: Vec<String>,
    /// For recycling: internal, "pre consumer" or "post consumer"
    #[arg(long, value_name = "CLASS")]
    recycling_class: Option<String>,
    #[command(flatten)]
    statement: Statement,
}

/// An output in one argument. Names that are elements or oxides are contents, the rest are the lot's fields.
fn output(text: &str, facility: &str) -> Result<Value, Failure> {
    let mut parts = text.split(',');
    let lot = parts.next().unwrap_or_default().trim();
    let mut fields = Map::new();
    let mut contents = Map::new();
    let mut role = "product".to_owned();
    for part in parts {
        let (name, value) = part.split_once('=').ok_or_else(|| {
            Failure::usage(
                format_args!("{part:?} in --out is no name=value"),
                "write it like \"mine/1,mass=25 kg,material=ore\"",
            )
        })?;
        let (name, value) = (name.trim(), value.trim());
        if elements::atomic_number(name).is_some() || oxides::oxide(name).is_some() {
            contents.insert(name.to_owned(), json!(value));
        } else if name == "role" {
            value.clone_into(&mut role);
        } else {
            fields.insert(name.to_owned(), json!(value));
        }
    }
    fields.insert("lot".to_owned(), json!(lot));
    fields.entry("facility").or_insert(json!(facility));
    fields.entry("model").or_insert(json!("controlled blending"));
    fields.insert("composition".to_owned(), json!({ "contents": contents }));
    Ok(json!({ "lot": fields, "role": role }))
}

pub(crate) async fn transform(context: &Context, verb: &Transform) -> Outcome {
    let mut inputs = Vec::new();
    for input in &verb.inputs {
        let (lot, mass) = with_mass(context, input).await?;
        inputs.push(json!({ "lot": lot, "mass": mass }));
    }
    let outputs =
        verb.outputs.iter().map(|text| output(text, &verb.facility)).collect::<Result<Vec<_>, _>>()?;
    let mut losses = Vec::new();
    for loss in &verb.losses {
        let (element, mass) = loss.split_once('=').ok_or_else(|| {
            Failure::usage(format_args!("{loss:?} is no loss"), "write it like --loss \"Ta=1.2 kg\"")
        })?;
        losses.push(json!({ "element": element.trim(), "mg": mass.trim(), "reason": "declared" }));
    }
    let mut fields = json!({
        "process": verb.process, "facility": verb.facility, "inputs": inputs, "outputs": outputs, "losses": losses,
    });
    if let Some(class) = &verb.recycling_class {
        fields["recycling_class"] = json!(class);
    }
    sign::state(context, &verb.statement, "transform", fields).await
}

/// "LOT" or "LOT=25 kg"; without a mass, everything that is left.
async fn with_mass(context: &Context, text: &str) -> Result<(String, Value), Failure> {
    if let Some((lot, mass)) = text.split_once('=') {
        return Ok((lot.trim().to_owned(), json!(mass.trim())));
    }
    let ledger = context.connect().await?;
    Ok((text.to_owned(), remaining(&ledger, text).await?))
}

async fn remaining(ledger: &Ledger, lot: &str) -> Result<Value, Failure> {
    let answer = ledger.lot(lot).await.map_err(failure)?;
    let left = answer.lot.map_or(0, |lot| lot.remaining_dry_mg);
    Ok(json!({ "value": left.to_string(), "unit": "MGM" }))
}

#[derive(Args, Debug)]
pub(crate) struct Ship {
    /// What is offered: LOT, or "LOT=24.9 kg" as weighed at dispatch
    #[arg(required = true)]
    lots: Vec<String>,
    /// Member who is to receive it
    #[arg(long, value_name = "MEMBER")]
    to: String,
    /// Facility of departure [default: where the first lot is]
    #[arg(long, value_name = "FACILITY")]
    from: Option<String>,
    /// custody, ownership or "custody and ownership"
    #[arg(long, default_value = "custody and ownership")]
    transfer: String,
    /// sale, tolling, return or recall
    #[arg(long, default_value = "sale")]
    purpose: String,
    /// road, rail, sea, air or "inland water"
    #[arg(long, default_value = "road")]
    mode: String,
    /// Member who carries it
    #[arg(long, default_value = "", value_name = "MEMBER")]
    carrier: String,
    /// Attestation of a transport or export permit; may be repeated
    #[arg(long = "permit", value_name = "ID")]
    permits: Vec<String>,
    #[command(flatten)]
    statement: Statement,
}

pub(crate) async fn ship(context: &Context, verb: &Ship) -> Outcome {
    let mut lots = Vec::new();
    for text in &verb.lots {
        let (lot, mass) = with_mass(context, text).await?;
        lots.push(json!({ "lot": lot, "mass": mass }));
    }
    let from = match &verb.from {
        Some(from) => from.clone(),
        None => {
            let first = verb.lots[0].split('=').next().unwrap_or_default().trim();
            let answer = context.connect().await?.lot(first).await.map_err(failure)?;
            answer.lot.map_or_else(String::new, |lot| lot.facility)
        }
    };
    let fields = json!({
        "lots": lots, "receiver": verb.to, "transfer": verb.transfer, "purpose": verb.purpose, "mode": verb.mode,
        "carrier": verb.carrier, "permits": verb.permits, "from_facility": from,
    });
    sign::state(context, &verb.statement, "ship", fields).await
}

#[derive(Args, Debug)]
pub(crate) struct Accept {
    /// Every lot of the offer: LOT as dispatched, or "LOT=24.8 kg" by your own scale
    #[arg(required = true)]
    lots: Vec<String>,
    /// Facility where they now are
    #[arg(long)]
    facility: String,
    /// State of the seals: intact, broken, different or absent
    #[arg(long, default_value = "intact")]
    seals: String,
    #[command(flatten)]
    statement: Statement,
}

pub(crate) async fn accept(context: &Context, verb: &Accept) -> Outcome {
    let mut lots = Vec::new();
    for text in &verb.lots {
        let (lot, mass) = with_mass(context, text).await?;
        lots.push(json!({ "lot": lot, "mass": mass, "seals": verb.seals }));
    }
    sign::state(context, &verb.statement, "accept", json!({ "lots": lots, "facility": verb.facility })).await
}

/// Lots and a reason: decline, cancel.
#[derive(Args, Debug)]
pub(crate) struct LotsBecause {
    /// Every lot of the offer
    #[arg(required = true)]
    lots: Vec<String>,
    /// Why
    #[arg(long)]
    reason: String,
    #[command(flatten)]
    statement: Statement,
}

pub(crate) async fn answer_offer(context: &Context, event: &str, verb: &LotsBecause) -> Outcome {
    sign::state(context, &verb.statement, event, json!({ "lots": verb.lots, "reason": verb.reason })).await
}

/// A lot and a reason: hold, release.
#[derive(Args, Debug)]
pub(crate) struct LotBecause {
    /// Lot
    lot: String,
    /// Why
    #[arg(long)]
    reason: String,
    #[command(flatten)]
    statement: Statement,
}

pub(crate) async fn change_status(context: &Context, event: &str, verb: &LotBecause) -> Outcome {
    sign::state(context, &verb.statement, event, json!({ "lot": verb.lot, "reason": verb.reason })).await
}

#[derive(Args, Debug)]
pub(crate) struct Recall {
    /// Lot
    lot: String,
    /// Why
    #[arg(long)]
    reason: String,
    /// Not only the lot, also everything made of it
    #[arg(long)]
    descendants: bool,
    #[command(flatten)]
    statement: Statement,
}

pub(crate) async fn recall(context: &Context, verb: &Recall) -> Outcome {
    let fields = json!({ "lot": verb.lot, "reason": verb.reason, "descendants": verb.descendants });
    sign::state(context, &verb.statement, "recall", fields).await
}

#[derive(Args, Debug)]
pub(crate) struct Assay {
    /// Lot
    lot: String,
    /// Content, such as "Ta2O5=30.1 % ± 0.2 %"; may be repeated
    #[arg(long = "content", value_name = "CONTENT", required = true)]
    contents: Vec<String>,
    /// Method, such as XRF
    #[arg(long)]
    method: String,
    /// producer, provisional, seller, buyer, umpire or final
    #[arg(long, default_value = "final")]
    stage: String,
    /// Number of the sample
    #[arg(long, default_value = "")]
    sample: String,
    #[command(flatten)]
    statement: Statement,
}

pub(crate) async fn assay(context: &Context, verb: &Assay) -> Outcome {
    let mut contents = Map::new();
    for content in &verb.contents {
        let (name, amount) = content.split_once('=').ok_or_else(|| {
            Failure::usage(
                format_args!("{content:?} is no content"),
                "write it like --content \"Ta2O5=30 %\"",
            )
        })?;
        contents.insert(name.trim().to_owned(), json!(amount.trim()));
    }
    let fields = json!({
        "lot": verb.lot, "sample": verb.sample,
        "composition": { "contents": contents, "method": verb.method, "laboratory": context.acting()?, "stage": verb.stage },
    });
    sign::state(context, &verb.statement, "assay", fields).await
}

#[derive(Args, Debug)]
pub(crate) struct Use {
    /// Item
    lot: String,
    /// Net mass afterwards, such as "34 kg"
    #[arg(long)]
    net_mass: String,
    /// Facility
    #[arg(long)]
    facility: String,
    #[command(flatten)]
    statement: Statement,
}

pub(crate) async fn use_item(context: &Context, verb: &Use) -> Outcome {
    let fields = json!({ "item": verb.lot, "net_mass": verb.net_mass, "facility": verb.facility });
    sign::state(context, &verb.statement, "use", fields).await
}

#[derive(Args, Debug)]
pub(crate) struct Dispose {
    /// Lot, or "LOT=2 kg" for a part
    lot: String,
    /// destroyed, landfilled, lost, stolen or exported
    #[arg(long)]
    kind: String,
    /// Why
    #[arg(long)]
    reason: String,
    #[command(flatten)]
    statement: Statement,
}

pub(crate) async fn dispose(context: &Context, verb: &Dispose) -> Outcome {
    let (lot, mass) = with_mass(context, &verb.lot).await?;
    let fields = json!({ "lot": lot, "mass": mass, "kind": verb.kind, "reason": verb.reason });
    sign::state(context, &verb.statement, "dispose", fields).await
}

#[derive(Args, Debug)]
pub(crate) struct Stocktake {
    /// Facility
    facility: String,
    /// What was counted: "intermediate/Ta=261.8 kg"; may be repeated
    #[arg(long = "line", value_name = "LINE", required = true)]
    lines: Vec<String>,
    /// Start of the period, such as 2026-01-01T00:00:00Z
    #[arg(long, value_name = "TIME")]
    since: String,
    #[command(flatten)]
    statement: Statement,
}

pub(crate) async fn stocktake(context: &Context, verb: &Stocktake) -> Outcome {
    let mut lines = Vec::new();
    for line in &verb.lines {
        let parsed = line.split_once('=').and_then(|(what, mass)| Some((what.split_once('/')?, mass)));
        let ((material, element), mass) = parsed.ok_or_else(|| {
            Failure::usage(
                format_args!("{line:?} is no line of a stocktake"),
                "write it like --line \"residue/Ta=1.8 kg\"",
            )
        })?;
        lines.push(json!({ "material": material.trim(), "element": element.trim(), "mg": mass.trim() }));
    }
    let fields = json!({ "facility": verb.facility, "period_start_ms": verb.since, "lines": lines });
    sign::state(context, &verb.statement, "stocktake", fields).await
}

#[derive(Args, Debug)]
pub(crate) struct Withdraw {
    /// Record id
    record: String,
    /// "incorrect data" or "did not occur"
    #[arg(long)]
    reason: String,
    /// What was wrong
    #[arg(long, default_value = "")]
    explanation: String,
    #[command(flatten)]
    statement: Statement,
}

pub(crate) async fn withdraw(context: &Context, verb: &Withdraw) -> Outcome {
    super::receipt::record_id(&verb.record)?;
    let fields = json!({ "record": verb.record, "reason": verb.reason, "explanation": verb.explanation });
    sign::state(context, &verb.statement, "withdraw", fields).await
}

#[cfg(test)]
mod tests {
    use super::*;
    use ore_record::draft;

    #[test]
    fn an_output_in_one_argument_becomes_a_lot() {
        let value = output("mine-a/2,mass=25.5 kg,material=metal,role=by product,Ta=99.9 %", "mine-a/plant")
            .expect("reads");
        let line = json!({ "author": "mine-a", "transform": {
            "process": "smelting", "facility": "mine-a/plant", "inputs": [{ "lot": "mine-a/1", "mass": "30 kg" }],
            "outputs": [value],
        }});
        let mut record = ore_exchange::json::record_from_json(&line).expect("people's words");
        let lots = draft::new_lots(&record);
        assert_eq!(
            (lots[0].lot.as_str(), lots[0].mass.as_ref().map(|mass| mass.dry_mg)),
            ("mine-a/2", Some(25_500_000))
        );
        assert_eq!(lots[0].composition.as_ref().map(|it| it.contents[0].ppb), Some(999_000_000));
        assert_eq!(draft::heads_mut(&mut record).len(), 1);
    }
}
