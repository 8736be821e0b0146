//! How much of an element came from mines, scrap and recovery, by period and country.

use clap::Args;
use ore_wire::v1::{AsOf, CircularityRequest, CircularityRow, Ratio, RecyclingReading};
use serde_json::json;

use super::{When, csv, day, note, period, ratio, size};
use crate::{
    context::Context,
    failure::Outcome,
    output::{self, kilograms, table},
    post::engine::failure,
    verbs::trace::element,
};

#[derive(Args, Debug)]
pub(crate) struct Circularity {
    /// Element, such as Ta
    element: String,
    /// First day
    #[arg(long, value_name = "DATE", value_parser = day)]
    from: Option<u64>,
    /// The period ends before this day
    #[arg(long, value_name = "DATE", value_parser = day)]
    to: Option<u64>,
    /// ISO 14021: scrap reclaimed where it arose is run-around, whatever was declared
    #[arg(long)]
    strict: bool,
    /// Also find the generations of the period's products
    #[arg(long)]
    generations: bool,
    /// Print comma-separated values
    #[arg(long)]
    csv: bool,
    #[command(flatten)]
    when: When,
}

pub(crate) async fn circularity(context: &Context, verb: &Circularity) -> Outcome {
    let reading = if verb.strict { RecyclingReading::Strict } else { RecyclingReading::Common };
    let request = CircularityRequest {
        element: element(&verb.element)?,
        period: period(verb.from, verb.to),
        reading: reading.into(),
        as_of: Some(AsOf::from(&verb.when)),
        limits: None,
        generations: verb.generations,
    };
    let answer = context.connect().await?.circularity(request).await.map_err(failure)?;
    note(answer.basis.as_ref());
    let total = answer.total.clone().unwrap_or_default();
    if context.json {
        let generations = answer.generations.iter();
        return output::json(&json!({
            "element": verb.element, "reading": answer.reading, "tree_size": size(answer.basis.as_ref()),
            "total": flows_json(&total),
            "countries": answer.countries.iter().map(flows_json).collect::<Vec<_>>(),
            "generations": generations.map(|it| json!({ "generation": it.generation, "mg": it.mg })).collect::<Vec<_>>(),
            "generations_unresolved_mg": answer.generations_unresolved_mg,
        }));
    }
    output::note(&answer.reading);
    let head = [
        "country",
        "mined",
        "unknown",
        "scrap pre",
        "scrap post",
        "run-around",
        "intake",
        "recovered",
        "products",
        "recovery",
        "return",
        "loop",
        "recycled input",
    ];
    let mut rows = vec![head.map(str::to_owned).to_vec()];
    rows.extend(answer.countries.iter().map(flow_row));
    rows.push(flow_row(&CircularityRow { country: "all".into(), ..total }));
    if verb.csv {
        return output::data(&csv(&rows)?);
    }
    let mut text = table(&rows, &(1..head.len()).collect::<Vec<_>>());
    for it in &answer.generations {
        text.push_str(&format!("generation {}: {}\n", it.generation, kilograms(it.mg)));
    }
    output::data(&text)
}

fn flow_row(it: &CircularityRow) -> Vec<String> {
    let masses = [
        it.mined_mg,
        it.unknown_mg,
        it.scrap_pre_consumer_mg,
        it.scrap_post_consumer_mg,
        it.run_around_mg,
        it.intake_mg,
        it.recovered_mg,
        it.products_mg,
    ];
    let ratios = [&it.recovery, &it.return_rate, &it.r#loop, &it.recycled_input];
    std::iter::once(it.country.clone())
        .chain(masses.into_iter().map(kilograms))
        .chain(ratios.into_iter().map(|it| ratio(it.as_ref())))
        .collect()
}

fn flows_json(it: &CircularityRow) -> serde_json::Value {
    let ratio = |it: &Option<Ratio>| it.filter(|it| it.known).map(|it| output::decimal(it.e18));
    json!({
        "country": it.country, "mined_mg": it.mined_mg, "unknown_mg": it.unknown_mg,
        "scrap_pre_consumer_mg": it.scrap_pre_consumer_mg, "scrap_post_consumer_mg": it.scrap_post_consumer_mg,
        "run_around_mg": it.run_around_mg, "intake_mg": it.intake_mg, "recovered_mg": it.recovered_mg,
        "residues_mg": it.residues_mg, "products_mg": it.products_mg, "charge_mg": it.charge_mg,
        "recycled_charge_mg": it.recycled_charge_mg, "returned_mg": it.returned_mg,
        "recovery": ratio(&it.recovery), "return_rate": ratio(&it.return_rate), "loop": ratio(&it.r#loop),
        "recycled_input": ratio(&it.recycled_input), "secondary": ratio(&it.secondary),
    })
}
