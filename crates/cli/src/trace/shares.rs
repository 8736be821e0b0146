//! Shares as tables: per origin, country, route and generation, and as JSON.

use ore_record::v1::{OriginKind, Route};
use ore_wire::v1::{AttributeResponse, CutShort, Origin, Share, TraceBackResponse};
use serde_json::{Value, json};

use crate::output::{bar, decimal, kilograms, mass, percent, table, thousands};

/// What an origin is called.
pub(crate) fn origin_name(origin: &Origin) -> String {
    match origin.kind() {
        OriginKind::Mine => origin.source.clone(),
        OriginKind::DeclaredUnknown if origin.source.is_empty() => "unknown".to_owned(),
        OriginKind::DeclaredUnknown => format!("unknown, declared at {}", origin.source),
        OriginKind::ScrapCollection => format!("scrap of {}", origin.source),
        OriginKind::Unspecified => "not stated".to_owned(),
    }
}

pub(crate) fn route_name(route: Route) -> &'static str {
    match route {
        Route::Unspecified => "not stated",
        Route::Primary => "primary",
        Route::PreConsumer => "pre-consumer",
        Route::PostConsumer => "post-consumer",
    }
}

fn value(share: Option<&Share>) -> u64 {
    share.map_or(0, |share| share.value_e18)
}

/// "12.34 %", with the interval where it is one.
fn shown(share: Option<&Share>) -> String {
    let Some(share) = share else { return "?".to_owned() };
    if share.lower_e18 == share.upper_e18 {
        return percent(share.value_e18);
    }
    format!("{} ({} to {})", percent(share.value_e18), percent(share.lower_e18), percent(share.upper_e18))
}

/// One share of an origin, as a table needs it.
pub(crate) struct Row {
    pub(crate) name: String,
    pub(crate) country: String,
    pub(crate) generation: u32,
    pub(crate) value_e18: u64,
}

/// A line per source, the largest first, and a column per number of recycling passes.
pub(crate) fn pivot(rows: &[Row]) -> String {
    let last = rows.iter().map(|row| row.generation).max().unwrap_or(0);
    let mut sources: Vec<(&str, &str, u64)> = Vec::new();
    for row in rows {
        match sources.iter_mut().find(|(name, country, _)| (*name, *country) == (&row.name, &row.country)) {
            Some((.., sum)) => *sum += row.value_e18,
            None => sources.push((&row.name, &row.country, row.value_e18)),
        }
    }
    sources.sort_by(|a, b| b.2.cmp(&a.2).then(a.0.cmp(b.0)));
    let mut head = vec!["  recycling passes".to_owned(), String::new()];
    head.extend((0..=last).map(|generation| generation.to_string()));
    head.push("all".to_owned());
    let mut table_rows = vec![head];
    for (name, country, sum) in sources {
        let mut cells = vec![format!("  {name}"), country.to_owned()];
        for generation in 0..=last {
            let here =
                |row: &&Row| (&*row.name, &*row.country, row.generation) == (name, country, generation);
            let value: u64 = rows.iter().filter(here).map(|row| row.value_e18).sum();
            cells.push(if value == 0 { "-".to_owned() } else { percent(value) });
        }
        cells.push(percent(sum));
        cells.push(bar(sum, 20));
        table_rows.push(cells);
    }
    let right: Vec<usize> = (2..=last as usize + 3).collect();
    table(&table_rows, &right)
}

/// By origin: a pivot, or, where shares are intervals, every line with its bounds.
fn by_origin(answer: &AttributeResponse) -> String {
    let exact = |share: &Share| share.lower_e18 == share.upper_e18;
    if answer.origins.iter().all(|it| it.share.as_ref().is_some_and(exact)) {
        let row = |it: &ore_wire::v1::OriginShare| {
            let origin = it.origin.clone().unwrap_or_default();
            Row {
                name: origin_name(&origin),
                country: origin.country,
                generation: origin.generation,
                value_e18: value(it.share.as_ref()),
            }
        };
        return pivot(&answer.origins.iter().map(row).collect::<Vec<_>>());
    }
    let mut rows = Vec::new();
    for share in &answer.origins {
        let origin = share.origin.clone().unwrap_or_default();
        rows.push(vec![
            format!("  {}", origin_name(&origin)),
            origin.country.clone(),
            route_name(origin.route()).to_owned(),
            format!("{} passes", origin.generation),
            kilograms(share.mg),
            shown(share.share.as_ref()),
        ]);
    }
    table(&rows, &[4, 5])
}

/// The tables that people read.
pub(crate) fn tables(symbol: &str, answer: &AttributeResponse) -> String {
    let mut text = format!("{symbol} by origin ({})\n{}", mass(answer.contained_mg), by_origin(answer));
    let small = |title: &str, rows: Vec<(String, Option<&Share>)>| {
        let rows: Vec<Vec<String>> = rows
            .into_iter()
            .map(|(name, share)| vec![format!("  {name}"), shown(share), bar(value(share), 20)])
            .collect();
        format!("{symbol} by {title}\n{}", table(&rows, &[1]))
    };
    let countries = answer.countries.iter().map(|it| (country(&it.country), it.share.as_ref())).collect();
    text.push_str(&small("country", countries));
    let routes =
        answer.routes.iter().map(|it| (route_name(it.route()).to_owned(), it.share.as_ref())).collect();
    text.push_str(&small("route", routes));
    let generations =
        answer.generations.iter().map(|it| (generation(it.generation), it.share.as_ref())).collect();
    text.push_str(&small("generation", generations));
    text.push_str(&format!(
        "verified origin: {}; {}; {} ancestors; log of {} entries\n",
        shown(answer.verified.as_ref()),
        method(answer),
        thousands(answer.ancestors.into()),
        thousands(answer.tree_size),
    ));
    text
}

fn country(code: &str) -> String {
    if code == "ZZ" || code.is_empty() { "ZZ (not known)".to_owned() } else { code.to_owned() }
}

fn generation(passes: u32) -> String {
    match passes {
        0 => "never recycled".to_owned(),
        1 => "recycled once".to_owned(),
        2 => "recycled twice".to_owned(),
        more => format!("recycled {more} times"),
    }
}

fn method(answer: &AttributeResponse) -> String {
    if answer.cut_short() != CutShort::Unspecified {
        return format!("CUT SHORT by a limit: {} was not followed", percent(answer.unresolved_e18));
    }
    if answer.methods.is_empty() {
        // One source alone: no mean was taken and nothing had to be bounded.
        return "method: one source, nothing mixed".into();
    }
    format!("method: {}", answer.methods.join("; "))
}

fn share_json(share: Option<&Share>) -> Value {
    // 10^18 does not fit a binary fraction: exact decimals as text.
    share.map_or(Value::Null, |share| {
        json!({
            "value": decimal(share.value_e18),
            "lower": decimal(share.lower_e18),
            "upper": decimal(share.upper_e18),
        })
    })
}

/// The whole answer for programs. Shares are exact decimals, in quotes.
pub(crate) fn json_of(
    lot: &str,
    symbol: &str,
    answer: &AttributeResponse,
    trace: Option<&TraceBackResponse>,
) -> Value {
    let origins: Vec<Value> = answer
        .origins
        .iter()
        .map(|it| {
            let origin = it.origin.clone().unwrap_or_default();
            json!({
                "kind": origin.kind().as_str_name().trim_start_matches("ORIGIN_KIND_").to_lowercase(),
                "source": origin.source,
                "country": origin.country,
                "route": route_name(origin.route()),
                "generation": origin.generation,
                "mg": it.mg,
                "share": share_json(it.share.as_ref()),
            })
        })
        .collect();
    let countries: Vec<Value> = answer
        .countries
        .iter()
        .map(|it| json!({"country": it.country, "share": share_json(it.share.as_ref())}))
        .collect();
    let routes: Vec<Value> = answer
        .routes
        .iter()
        .map(|it| json!({"route": route_name(it.route()), "share": share_json(it.share.as_ref())}))
        .collect();
    let generations: Vec<Value> = answer
        .generations
        .iter()
        .map(|it| json!({"generation": it.generation, "share": share_json(it.share.as_ref())}))
        .collect();
    let mut whole = json!({
        "lot": lot,
        "element": symbol,
        "contained_mg": answer.contained_mg,
        "tree_size": answer.tree_size,
        "origins": origins,
        "countries": countries,
        "routes": routes,
        "generations": generations,
        "verified": share_json(answer.verified.as_ref()),
        "recycled": share_json(answer.recycled.as_ref()),
        "methods": answer.methods,
        "complete": answer.cut_short() == CutShort::Unspecified,
    });
    if let Some(trace) = trace {
        whole["graph"] = graph_json(trace);
    }
    whole
}

fn graph_json(trace: &TraceBackResponse) -> Value {
    let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    let lots: Vec<Value> = trace
        .lots
        .iter()
        .filter_map(|node| {
            let lot = node.lot.as_ref()?;
            Some(json!({
                "lot": lot.lot, "form": lot.form, "custodian": lot.custodian, "facility": lot.facility,
                "depth": node.depth, "created_mg": node.created_mg,
            }))
        })
        .collect();
    let amounts = |list: &[ore_wire::v1::GraphAmount]| -> Vec<Value> {
        list.iter().map(|amount| json!({"lot": amount.lot, "mg": amount.mg})).collect()
    };
    let steps: Vec<Value> = trace
        .steps
        .iter()
        .map(|step| {
            json!({
                "record": hex(&step.record_id),
                "process": crate::words::word(step.process().as_str_name(), "PROCESS_"),
                "facility": step.facility, "author": step.author, "event_time_ms": step.event_time_ms,
                "inputs": amounts(&step.inputs), "outputs": amounts(&step.outputs),
            })
        })
        .collect();
    json!({ "lots": lots, "steps": steps })
}
