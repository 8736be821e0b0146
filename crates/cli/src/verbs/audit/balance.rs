//! What a facility took in, put out and cannot account for.

use clap::Args;
use ore_record::v1::MaterialClass;
use ore_wire::v1::{AsOf, BalanceLine, MassBalanceRequest, MassBalanceResponse};
use serde_json::json;

use super::{When, atom, csv, day, hex_of, note, period, signed_kg, size};
use crate::{
    context::Context,
    failure::{Failure, Outcome},
    output::{self, table},
    post::engine::failure,
};

#[derive(Args, Debug)]
pub(crate) struct Balance {
    /// Facility, such as refiner-ee/works
    facility: String,
    /// Element [default: the whole dry mass]
    #[arg(long, short, value_name = "SYMBOL")]
    element: Option<String>,
    /// Class of material, such as concentrate [default: all]
    #[arg(long, value_name = "CLASS")]
    material: Option<String>,
    /// First day
    #[arg(long, value_name = "DATE", value_parser = day)]
    from: Option<u64>,
    /// The period ends before this day
    #[arg(long, value_name = "DATE", value_parser = day)]
    to: Option<u64>,
    /// List movements with their records
    #[arg(long)]
    movements: bool,
    /// Print comma-separated values; with --movements the movements
    #[arg(long)]
    csv: bool,
    #[command(flatten)]
    when: When,
}

fn material(class: Option<&str>) -> Result<MaterialClass, Failure> {
    let Some(class) = class else { return Ok(MaterialClass::Unspecified) };
    let name = format!("MATERIAL_CLASS_{}", class.to_ascii_uppercase().replace(['-', ' '], "_"));
    MaterialClass::from_str_name(&name).ok_or_else(|| {
        Failure::usage(
            format_args!("there is no class {class:?}"),
            "such as ore, concentrate, intermediate, metal, scrap",
        )
    })
}

fn line_name(line: BalanceLine) -> String {
    line.as_str_name().trim_start_matches("BALANCE_LINE_").to_ascii_lowercase()
}

pub(crate) async fn balance(context: &Context, verb: &Balance) -> Outcome {
    let request = MassBalanceRequest {
        facility: verb.facility.clone(),
        material: material(verb.material.as_deref())?.into(),
        element: atom(verb.element.as_deref())?,
        period: period(verb.from, verb.to),
        as_of: Some(AsOf::from(&verb.when)),
        limits: None,
        movements: if verb.movements || context.json { 10_000 } else { 0 },
    };
    let answer = context.connect().await?.mass_balance(request).await.map_err(failure)?;
    note(answer.basis.as_ref());
    if context.json {
        return output::json(&balance_json(verb, &answer));
    }
    let movements = verb.movements.then(|| movement_rows(&answer));
    if verb.csv {
        return output::data(&csv(&movements.unwrap_or_else(|| sheet_rows(&answer, |mg| mg.to_string())))?);
    }
    let mut text = table(&sheet_rows(&answer, signed_kg), &[1]);
    for count in &answer.counts {
        text.push_str(&format!(
            "stocktake: counted {}, book {}, variance {} ({} ppm of closing, {} ppm of throughput)\n",
            signed_kg(count.counted_mg),
            signed_kg(count.book_mg),
            signed_kg(count.variance_mg),
            count.of_closing_ppm,
            count.of_throughput_ppm
        ));
    }
    if let Some(rows) = movements {
        text.push('\n');
        text.push_str(&table(&rows, &[3]));
    }
    output::data(&text)
}

fn sheet_rows(answer: &MassBalanceResponse, show: impl Fn(i64) -> String) -> Vec<Vec<String>> {
    let mut rows = vec![vec!["line".to_owned(), "mass".to_owned()]];
    let mut row = |name: &str, mg: i64| rows.push(vec![name.to_owned(), show(mg)]);
    row("opening", answer.opening_mg);
    for sum in &answer.lines {
        row(&line_name(sum.line()), sum.mg);
    }
    row("closing", answer.closing_mg);
    row("declared loss", answer.declared_loss_mg);
    row("unaccounted", answer.unaccounted_mg);
    row("throughput", answer.throughput_mg);
    rows
}

fn movement_rows(answer: &MassBalanceResponse) -> Vec<Vec<String>> {
    let mut rows = vec![["time", "line", "lot", "mg", "record"].map(str::to_owned).to_vec()];
    rows.extend(answer.movements.iter().map(|it| {
        vec![
            ore_exchange::write_time(it.event_time_ms, 0),
            line_name(it.line()),
            it.lot.clone(),
            it.mg.to_string(),
            hex_of(&it.record_id),
        ]
    }));
    rows
}

fn balance_json(verb: &Balance, answer: &MassBalanceResponse) -> serde_json::Value {
    let counts = answer.counts.iter().map(|it| {
        json!({
            "record": hex_of(&it.record_id), "counted_mg": it.counted_mg, "book_mg": it.book_mg,
            "variance_mg": it.variance_mg, "throughput_mg": it.throughput_mg,
            "of_closing_ppm": it.of_closing_ppm, "of_throughput_ppm": it.of_throughput_ppm,
        })
    });
    let movements = answer.movements.iter().map(|it| {
        json!({
            "record": hex_of(&it.record_id), "lot": it.lot, "line": line_name(it.line()), "mg": it.mg,
            "event_time_ms": it.event_time_ms,
        })
    });
    let lines = answer.lines.iter().map(|it| (line_name(it.line()), json!(it.mg)));
    json!({
        "facility": verb.facility, "element": verb.element, "tree_size": size(answer.basis.as_ref()),
        "opening_mg": answer.opening_mg, "lines_mg": lines.collect::<serde_json::Map<_, _>>(),
        "closing_mg": answer.closing_mg, "declared_loss_mg": answer.declared_loss_mg,
        "unaccounted_mg": answer.unaccounted_mg, "unaccounted_ppm": answer.unaccounted_ppm,
        "throughput_mg": answer.throughput_mg, "counts": counts.collect::<Vec<_>>(),
        "movements": movements.collect::<Vec<_>>(), "more_movements": answer.more_movements,
        "note": answer.basis.as_ref().map(|basis| &basis.note),
    })
}
