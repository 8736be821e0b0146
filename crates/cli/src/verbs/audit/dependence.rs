//! What would be missing without a facility, a refiner or a country.

use clap::{Args, ValueEnum};
use ore_record::elements;
use ore_wire::v1::{AsOf, DependenceKind, DependenceRequest};
use serde_json::json;

use super::{When, atom, csv, note, size};
use crate::{
    context::Context,
    failure::Outcome,
    output::{self, percent, table},
    post::engine::failure,
};

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Node {
    Facility,
    Refiner,
    Member,
    Country,
}

#[derive(Args, Debug)]
pub(crate) struct Dependence {
    /// Lot
    lot: String,
    /// Element [default: the one that makes up most of the lot]
    #[arg(long, short, value_name = "SYMBOL")]
    element: Option<String>,
    /// What it may hang on
    #[arg(long, value_enum, default_value = "facility")]
    on: Node,
    /// Print comma-separated values
    #[arg(long)]
    csv: bool,
    #[command(flatten)]
    when: When,
}

pub(crate) async fn dependence(context: &Context, verb: &Dependence) -> Outcome {
    let kind = match verb.on {
        Node::Facility => DependenceKind::Facility,
        Node::Refiner => DependenceKind::Refiner,
        Node::Member => DependenceKind::Member,
        Node::Country => DependenceKind::Country,
    };
    let request = DependenceRequest {
        lot: verb.lot.clone(),
        element: atom(verb.element.as_deref())?,
        kind: kind.into(),
        as_of: Some(AsOf::from(&verb.when)),
        limits: None,
    };
    let answer = context.connect().await?.dependence(request).await.map_err(failure)?;
    note(answer.basis.as_ref());
    let symbol = elements::symbol(answer.element).unwrap_or("metal");
    if context.json {
        let nodes = answer.nodes.iter().map(|it| {
            json!({
                "node": it.node, "country": it.country, "through_e18": it.through_e18.to_string(),
                "without_e18": it.without_e18.to_string(), "dominates": it.dominates,
                "alternatives": it.alternatives,
            })
        });
        return output::json(&json!({
            "lot": verb.lot, "element": symbol, "tree_size": size(answer.basis.as_ref()),
            "nodes": nodes.collect::<Vec<_>>(),
            "origin_herfindahl": output::decimal(answer.origin_herfindahl_e18),
            "node_herfindahl": output::decimal(answer.node_herfindahl_e18),
            "note": answer.basis.as_ref().map(|basis| &basis.note),
        }));
    }
    let mut rows =
        vec![["node", "country", "through", "without", "", "alternatives"].map(str::to_owned).to_vec()];
    rows.extend(answer.nodes.iter().map(|it| {
        vec![
            it.node.clone(),
            it.country.clone(),
            percent(it.through_e18),
            percent(it.without_e18),
            if it.dominates { "nothing arrives without it".to_owned() } else { String::new() },
            it.alternatives.join(" "),
        ]
    }));
    if verb.csv {
        return output::data(&csv(&rows)?);
    }
    let text = table(&rows, &[2, 3]);
    output::data(&format!(
        "{text}\nHerfindahl index of {symbol}: {} over countries of origin, {} over these nodes\n",
        output::decimal(answer.origin_herfindahl_e18),
        output::decimal(answer.node_herfindahl_e18)
    ))
}
