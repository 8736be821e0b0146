//! Who held a lot when, and what making it cost the environment.

use clap::Args;
use ore_record::elements;
use ore_wire::v1::{
    AsOf, Burden, BurdenAllocation, ChainOfCustodyRequest, CustodyGapKind, LotFootprintRequest,
};
use serde_json::json;

use super::{When, atom, hex_of, note, size};
use crate::{
    context::Context,
    failure::Outcome,
    output::{self, table},
    post::engine::failure,
};

#[derive(Args, Debug)]
pub(crate) struct Chain {
    /// Lot
    lot: String,
    #[command(flatten)]
    when: When,
}

pub(crate) async fn chain(context: &Context, verb: &Chain) -> Outcome {
    let request =
        ChainOfCustodyRequest { lot: verb.lot.clone(), as_of: Some(AsOf::from(&verb.when)), limits: None };
    let answer = context.connect().await?.chain_of_custody(request).await.map_err(failure)?;
    note(answer.basis.as_ref());
    let gap_name = |kind: CustodyGapKind| {
        kind.as_str_name().trim_start_matches("CUSTODY_GAP_KIND_").to_ascii_lowercase()
    };
    if context.json {
        let moments = answer.moments.iter().map(|it| {
            json!({
                "record": hex_of(&it.record_id), "event": it.event, "event_time_ms": it.event_time_ms,
                "author": it.author, "custodian": it.custodian, "owner": it.owner, "facility": it.facility,
            })
        });
        let gaps = answer.gaps.iter().map(|it| {
            json!({
                "kind": gap_name(it.kind()), "after": hex_of(&it.after), "before": hex_of(&it.before),
                "from_ms": it.from_ms, "to_ms": it.to_ms, "detail": it.detail,
            })
        });
        return output::json(&json!({
            "lot": verb.lot, "tree_size": size(answer.basis.as_ref()), "moments": moments.collect::<Vec<_>>(),
            "gaps": gaps.collect::<Vec<_>>(),
        }));
    }
    let mut rows =
        vec![["time", "event", "custodian", "owner", "facility", "record"].map(str::to_owned).to_vec()];
    rows.extend(answer.moments.iter().map(|it| {
        vec![
            ore_exchange::write_time(it.event_time_ms, 0),
            it.event.clone(),
            it.custodian.clone(),
            it.owner.clone(),
            if it.facility.is_empty() { "on the way".to_owned() } else { it.facility.clone() },
            hex_of(&it.record_id).chars().take(12).collect(),
        ]
    }));
    let mut text = table(&rows, &[]);
    for gap in &answer.gaps {
        text.push_str(&format!(
            "gap: {} from {} to {} {}\n",
            gap_name(gap.kind()).replace('_', " "),
            ore_exchange::write_time(gap.from_ms, 0),
            ore_exchange::write_time(gap.to_ms, 0),
            gap.detail
        ));
    }
    output::data(&text)
}

#[derive(Args, Debug)]
pub(crate) struct Footprint {
    /// Lot
    lot: String,
    /// Divide a step among its outputs by value of the metal, at the profile's prices [default: by mass]
    #[arg(long)]
    by_value: bool,
    /// Element for the figures per kilogram [default: the one that makes up most of the lot]
    #[arg(long, short, value_name = "SYMBOL")]
    element: Option<String>,
    #[command(flatten)]
    when: When,
}

pub(crate) async fn footprint(context: &Context, verb: &Footprint) -> Outcome {
    let allocation = if verb.by_value { BurdenAllocation::Value } else { BurdenAllocation::Mass };
    let request = LotFootprintRequest {
        lot: verb.lot.clone(),
        allocation: allocation.into(),
        element: atom(verb.element.as_deref())?,
        as_of: Some(AsOf::from(&verb.when)),
        limits: None,
    };
    let answer = context.connect().await?.lot_footprint(request).await.map_err(failure)?;
    note(answer.basis.as_ref());
    let symbol = elements::symbol(answer.element).unwrap_or("metal");
    let whole = answer.burden.unwrap_or_default();
    if context.json {
        return output::json(&json!({
            "lot": verb.lot, "element": symbol, "allocation": answer.allocation,
            "tree_size": size(answer.basis.as_ref()), "lots": answer.lots, "silent": answer.silent,
            "burden": burden_json(&whole), "per_kg": answer.per_kg.as_ref().map(burden_json),
            "records": answer.records.iter().map(|id| hex_of(id)).collect::<Vec<_>>(),
        }));
    }
    output::note(&answer.allocation);
    if answer.silent > 0 {
        output::note(format!(
            "nobody states a footprint for {} of {} lots on the way",
            answer.silent, answer.lots
        ));
    }
    let each = answer.per_kg.unwrap_or_default();
    let mut rows = vec![vec!["".to_owned(), "whole lot".to_owned(), format!("per kg {symbol}")]];
    for ((name, whole), (_, each)) in burdens(&whole).into_iter().zip(burdens(&each)) {
        rows.push(vec![name.to_owned(), micro(whole), micro(each)]);
    }
    output::data(&table(&rows, &[1, 2]))
}

fn burdens(it: &Burden) -> [(&'static str, u64); 7] {
    [
        ("CO2e, g", it.co2e_micro_g),
        ("energy, kJ", it.energy_micro_kj),
        ("water, l", it.water_micro_l),
        ("acid waste, mg", it.acid_waste_micro_mg),
        ("radioactive waste, mg", it.radioactive_waste_micro_mg),
        ("thorium, mg", it.thorium_micro_mg),
        ("uranium, mg", it.uranium_micro_mg),
    ]
}

fn burden_json(it: &Burden) -> serde_json::Value {
    burdens(it)
        .into_iter()
        .map(|(name, value)| (name.to_owned(), json!(micro(value))))
        .collect::<serde_json::Map<_, _>>()
        .into()
}

/// Millionths of a unit as a decimal.
fn micro(value: u64) -> String {
    format!("{}.{:06}", value / 1_000_000, value % 1_000_000)
}
