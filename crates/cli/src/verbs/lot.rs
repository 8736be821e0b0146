//! `oreledger lot`: commission, show, history, list.

use clap::{Args, Subcommand};
use ore_record::{RecordId, elements, v1::LotStatus};
use ore_wire::v1::Lot;
use serde_json::{Value, json};

use super::{
    events::{NewLot, new_lot},
    sign::{self, Statement},
};
use crate::{
    context::Context,
    failure::Outcome,
    output::{self, grade, mass, short, table},
    post::engine::failure,
    words,
};

#[derive(Subcommand, Debug)]
pub(crate) enum LotVerb {
    /// State that a lot came into being: extracted, collected as scrap, or of unknown origin
    Commission(Box<Commission>),
    /// Show a lot as it stands
    Show(One),
    /// Show the records that touched a lot, oldest first
    History(One),
    /// List lots in order of creation
    List(List),
}

#[derive(Args, Debug)]
pub(crate) struct Commission {
    #[command(flatten)]
    lot: NewLot,
    /// extracted, "collected scrap" or "declared unknown"
    #[arg(long, default_value = "extracted")]
    kind: String,
    /// For collected scrap: "pre consumer" or "post consumer"
    #[arg(long, value_name = "CLASS")]
    scrap_class: Option<String>,
    /// Attestation that the lot relies on; may be repeated
    #[arg(long = "attestation", value_name = "ID")]
    attestations: Vec<String>,
    #[command(flatten)]
    statement: Statement,
}

#[derive(Args, Debug)]
pub(crate) struct One {
    /// Lot
    lot: String,
}

#[derive(Args, Debug)]
pub(crate) struct List {
    /// Only lots that this member holds
    #[arg(long, value_name = "MEMBER")]
    custodian: Option<String>,
    /// At most this many
    #[arg(long, default_value_t = 1_000, value_name = "LOTS")]
    limit: usize,
}

pub(crate) async fn run(context: &Context, verb: &LotVerb) -> Outcome {
    match verb {
        LotVerb::Commission(it) => {
            let mut fields =
                json!({ "kind": it.kind, "lot": new_lot(&it.lot)?, "attestations": it.attestations });
            if let Some(class) = &it.scrap_class {
                fields["scrap_class"] = json!(class);
            }
            sign::state(context, &it.statement, "commission", fields).await
        }
        LotVerb::Show(it) => show(context, &it.lot).await,
        LotVerb::History(it) => history(context, &it.lot).await,
        LotVerb::List(it) => list(context, it).await,
    }
}

pub(crate) fn status(lot: &Lot) -> String {
    words::word(lot.status().as_str_name(), "LOT_STATUS_")
}

fn lot_json(lot: &Lot) -> Value {
    let id = |bytes: &[u8]| RecordId::try_from(bytes).map_or(Value::Null, |id| json!(id.to_string()));
    json!({
        "lot": lot.lot, "form": lot.form, "status": status(lot), "custodian": lot.custodian, "owner": lot.owner,
        "facility": lot.facility, "remaining_dry_mg": lot.remaining_dry_mg, "created_dry_mg": lot.created_dry_mg,
        "head": id(&lot.head), "created_by": id(&lot.created_by), "serial": lot.serial,
        "origin_country": lot.origin_country, "transformation_country": lot.transformation_country,
        "composition": lot.composition.iter().map(|it| json!({
            "element": elements::symbol(it.element), "ppb": it.ppb, "uncertainty_ppb": it.uncertainty_ppb, "measured": it.measured,
        })).collect::<Vec<_>>(),
        "open_offer": lot.open_offer.as_ref().map(|offer| json!({
            "ship": id(&offer.ship), "receiver": offer.receiver, "expires_ms": offer.expires_ms,
        })),
    })
}

async fn show(context: &Context, lot: &str) -> Outcome {
    let answer = context.connect().await?.lot(lot).await.map_err(failure)?;
    let lot = answer.lot.unwrap_or_default();
    if context.json {
        return output::json(&lot_json(&lot));
    }
    let contents: Vec<String> = lot
        .composition
        .iter()
        .map(|it| {
            let how = if it.measured { "measured" } else { "declared" };
            format!("{} {} ({how})", elements::symbol(it.element).unwrap_or("?"), grade(it.ppb))
        })
        .collect();
    let mut rows = vec![
        ("lot", lot.lot.clone()),
        ("what", lot.form.clone()),
        ("status", status(&lot)),
        ("left", format!("{} of {} dry", mass(lot.remaining_dry_mg), mass(lot.created_dry_mg))),
        ("content", contents.join(", ")),
        ("custodian", lot.custodian.clone()),
        ("owner", lot.owner.clone()),
        ("where", lot.facility.clone()),
        (
            "newest record",
            RecordId::try_from(lot.head.as_ref()).map_or_else(|_| String::new(), |id| id.to_string()),
        ),
    ];
    if let Some(offer) = &lot.open_offer {
        rows.push(("offered to", offer.receiver.clone()));
    }
    if !lot.serial.is_empty() {
        rows.push(("serial", lot.serial.clone()));
    }
    if lot.status() == LotStatus::Void {
        output::note("the record that made this lot was withdrawn");
    }
    let rows: Vec<Vec<String>> = rows.into_iter().map(|(name, value)| vec![name.to_owned(), value]).collect();
    output::data(&table(&rows, &[]))
}

async fn history(context: &Context, lot: &str) -> Outcome {
    let items = context.connect().await?.history(lot, 10_000).await.map_err(failure)?;
    if context.json {
        let list: Vec<Value> = items
            .iter()
            .map(|item| {
                let line = ore_exchange::json::record_to_json(item.record.record());
                json!({
                    "record_id": item.record.id().to_string(), "leaf_index": item.leaf_index,
                    "block_time_ms": item.block_time_ms,
                    "record": serde_json::from_str::<Value>(&line).unwrap_or(Value::Null),
                })
            })
            .collect();
        return output::json(&Value::Array(list));
    }
    let mut rows = vec![["leaf", "when", "who", "record", "what"].map(str::to_owned).to_vec()];
    for item in &items {
        let record = item.record.record();
        let when = ore_exchange::write_time(record.event_time_ms, record.utc_offset_minutes);
        rows.push(vec![
            item.leaf_index.to_string(),
            when.get(..16).unwrap_or(&when).replace('T', " "),
            record.author.clone(),
            short(item.record.id()),
            words::headline(record),
        ]);
    }
    output::note("signatures verified; `--json` shows the records and their whole ids");
    output::data(&table(&rows, &[0]))
}

async fn list(context: &Context, list: &List) -> Outcome {
    let lots = context.connect().await?.lots(list.custodian.as_deref().unwrap_or(""), list.limit).await;
    let lots = lots.map_err(failure)?;
    if context.json {
        return output::json(&Value::Array(lots.iter().map(lot_json).collect()));
    }
    let mut rows = vec![["lot", "what", "left", "status", "custodian", "where"].map(str::to_owned).to_vec()];
    for lot in &lots {
        rows.push(vec![
            lot.lot.clone(),
            lot.form.clone(),
            output::kilograms(lot.remaining_dry_mg),
            status(lot),
            lot.custodian.clone(),
            lot.facility.clone(),
        ]);
    }
    if lots.len() == list.limit {
        output::note("there may be more: --limit");
    }
    output::data(&table(&rows, &[2]))
}
