//! `oreledger trace`: where a lot's metal came from, or where it went.

use clap::Args;
use ore_client::Ledger;
use ore_record::elements;
use ore_wire::v1::{
    AttributeRequest, AttributeResponse, TraceBackRequest, TraceBackResponse, TraceForwardRequest,
};
use serde_json::json;

use crate::{
    context::Context,
    failure::{Failure, Outcome},
    output,
    post::engine::failure,
    trace::{flow::Flow, shares, tree},
    verbs::audit::When,
};

#[derive(Args, Debug)]
pub(crate) struct Trace {
    /// Lot, such as target-maker-jp/TGT-301
    lot: String,
    /// Element [default: the one that makes up most of the lot]
    #[arg(long, short, value_name = "SYMBOL")]
    element: Option<String>,
    /// Where it went instead: descendants and who holds them
    #[arg(long, conflicts_with_all = ["svg", "tree"])]
    forward: bool,
    #[command(flatten)]
    when: When,
    /// Print a picture (SVG)
    #[arg(long, conflicts_with = "tree")]
    svg: bool,
    /// Print the tree only
    #[arg(long)]
    tree: bool,
    /// Steps of the tree to show
    #[arg(long, value_name = "STEPS", default_value_t = 64)]
    depth: usize,
    /// Leave out branches of the tree with less of the metal than this
    #[arg(long, value_name = "PERCENT", default_value = "0", value_parser = percent)]
    min_share: f64,
}

fn percent(text: &str) -> Result<f64, String> {
    let number: f64 = text.trim_end_matches('%').trim().parse().map_err(|_| "not a number".to_owned())?;
    if (0.0..=100.0).contains(&number) { Ok(number / 100.0) } else { Err("not between 0 and 100".to_owned()) }
}

/// Shares and graph, asked as of one and the same size of the log.
pub(crate) struct Traced {
    pub(crate) symbol: &'static str,
    pub(crate) element: u32,
    pub(crate) answer: AttributeResponse,
    pub(crate) graph: TraceBackResponse,
}

impl Traced {
    /// The picture of the lot's page, as a file of its own.
    pub(crate) fn picture(&self, lot: &str) -> String {
        ore_web::provenance_picture(ore_web::Language::English, lot, self.symbol, &self.graph, &self.answer)
    }
}

/// Asks for shares and graph.
pub(crate) async fn ask(
    ledger: &Ledger,
    lot: &str,
    element: Option<u32>,
    (as_of, date_ms): (u64, u64),
) -> Result<Traced, Failure> {
    let request = TraceBackRequest {
        lot: lot.to_owned(),
        element: element.unwrap_or(0),
        as_of_tree_size: as_of,
        limits: None,
        as_of_date_ms: date_ms,
    };
    let graph = ledger.trace_back(request).await.map_err(failure)?;
    let summary = graph.summary.clone().unwrap_or_default();
    let element = element.unwrap_or(summary.element);
    let symbol = elements::symbol(element).ok_or_else(|| {
        Failure::refused(format_args!("nobody stated what is in {lot}"), "name an element with --element Ta")
    })?;
    let request = AttributeRequest {
        lot: lot.to_owned(),
        element,
        as_of_tree_size: if as_of == 0 { summary.tree_size } else { as_of },
        limits: None,
        as_of_date_ms: date_ms,
    };
    let answer = ledger.attribute(request).await.map_err(failure)?;
    Ok(Traced { symbol, element, answer, graph })
}

/// Reads a symbol.
pub(crate) fn element(symbol: &str) -> Result<u32, Failure> {
    elements::atomic_number(symbol).ok_or_else(|| {
        Failure::usage(
            format_args!("there is no element {symbol:?}"),
            "write its symbol as chemists do, such as Ta",
        )
    })
}

pub(crate) async fn run(context: &Context, verb: &Trace) -> Outcome {
    let wanted = verb.element.as_deref().map(element).transpose()?;
    let ledger = context.connect().await?;
    if verb.forward {
        return forward(context, &ledger, verb, wanted).await;
    }
    let traced = ask(&ledger, &verb.lot, wanted, (verb.when.size(), verb.when.date_ms())).await?;
    let flow = Flow::new(&verb.lot, &traced.graph);
    if context.json {
        return output::json(&shares::json_of(&verb.lot, traced.symbol, &traced.answer, Some(&traced.graph)));
    }
    if verb.svg {
        return output::data(&traced.picture(&verb.lot));
    }
    let shown = tree::Shown { depth: verb.depth, least: verb.min_share };
    let mut text = tree::render(&flow, shown);
    if !verb.tree {
        text = format!("{text}\n{}", shares::tables(traced.symbol, &traced.answer));
    }
    let summary = traced.graph.summary.unwrap_or_default();
    if !summary.note.is_empty() {
        output::note(format!("note: {}", summary.note));
    }
    output::note("this is the node's word; `oreledger bundle` fetches the proof");
    output::data(&text)
}

async fn forward(context: &Context, ledger: &Ledger, verb: &Trace, element: Option<u32>) -> Outcome {
    let request = TraceForwardRequest {
        lot: verb.lot.clone(),
        element: element.unwrap_or(0),
        as_of_tree_size: verb.when.size(),
        as_of_date_ms: verb.when.date_ms(),
        minimum_mg: 0,
        minimum_share_e18: (verb.min_share * 1e18) as u64,
        limits: None,
    };
    let answer = ledger.trace_forward(request).await.map_err(failure)?;
    let summary = answer.summary.unwrap_or_default();
    let symbol = elements::symbol(summary.element).unwrap_or("metal");
    if context.json {
        let list: Vec<_> = answer
            .descendants
            .iter()
            .map(|it| {
                let lot = it.lot.clone().unwrap_or_default();
                json!({
                    "lot": lot.lot, "form": lot.form, "custodian": lot.custodian, "facility": lot.facility,
                    "remaining_mg": it.remaining_mg, "created_mg": it.created_mg,
                    "share_e18": it.share.as_ref().map(|share| share.value_e18.to_string()),
                })
            })
            .collect();
        return output::json(&json!({
            "lot": verb.lot, "element": symbol, "tree_size": summary.tree_size, "descendants": list,
        }));
    }
    let mut rows = vec![
        ["lot", "what", "held by", "of it at the start", "of it now", "share"].map(str::to_owned).to_vec(),
    ];
    for it in &answer.descendants {
        let lot = it.lot.clone().unwrap_or_default();
        rows.push(vec![
            lot.lot,
            lot.form,
            lot.custodian,
            output::kilograms(it.created_mg),
            output::kilograms(it.remaining_mg),
            output::percent(it.share.as_ref().map_or(0, |share| share.value_e18)),
        ]);
    }
    if !summary.note.is_empty() {
        output::note(format!("note: {}", summary.note));
    }
    output::note(format!("{symbol} of {} in {} lots", verb.lot, answer.descendants.len()));
    output::data(&output::table(&rows, &[3, 4, 5]))
}
