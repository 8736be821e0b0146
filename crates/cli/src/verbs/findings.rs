//! `oreledger findings`: what the rules flag.

use clap::Args;
use ore_wire::v1::{
    AsOf, Finding, FindingSeverity, FindingsRequest, FindingsResponse, Quantity, WatchFindingsRequest,
};
use serde_json::{Value, json};

use crate::{
    context::Context,
    failure::Outcome,
    output,
    post::engine::failure,
    verbs::audit::{When, csv, day, hex_of, period},
};

#[derive(Args, Debug)]
pub(crate) struct Findings {
    /// Lot, judged with all its ancestors
    #[arg(required_unless_present_any = ["facility", "all", "watch"], conflicts_with_all = ["facility", "all", "watch"])]
    lot: Option<String>,
    /// Facility, judged in a period
    #[arg(long, value_name = "FACILITY", conflicts_with_all = ["all", "watch"])]
    facility: Option<String>,
    /// Everything
    #[arg(long, conflicts_with = "watch")]
    all: bool,
    /// New records as they become durable, until interrupted
    #[arg(long)]
    watch: bool,
    /// First day of the facility's period
    #[arg(long, value_name = "DATE", value_parser = day, requires = "facility")]
    from: Option<u64>,
    /// The period ends before this day
    #[arg(long, value_name = "DATE", value_parser = day, requires = "facility")]
    to: Option<u64>,
    /// Only these rules, such as M4
    #[arg(long = "rule", value_name = "RULE")]
    rules: Vec<String>,
    /// Print one line a finding, comma separated
    #[arg(long)]
    csv: bool,
    #[command(flatten)]
    when: When,
}

pub(crate) async fn run(context: &Context, verb: &Findings) -> Outcome {
    let ledger = context.connect().await?;
    if verb.watch {
        let request = WatchFindingsRequest { from_tree_size: 0, rules: verb.rules.clone() };
        let print = |part: FindingsResponse| {
            let text = if context.json {
                part.findings.iter().map(|it| format!("{}\n", json_of(it))).collect()
            } else {
                part.findings.iter().map(text_of).collect::<String>()
            };
            if part.summary.is_some_and(|summary| summary.ask_again) {
                output::note(
                    "note: a profile, a permit or a withdrawal changed; older records may be judged anew",
                );
            }
            text.is_empty() || output::data(&text).is_ok()
        };
        return ledger.watch_findings(request, print).await.map_err(failure);
    }
    let request = FindingsRequest {
        lot: verb.lot.clone().unwrap_or_default(),
        facility: verb.facility.clone().unwrap_or_default(),
        all: verb.all,
        period: period(verb.from, verb.to),
        as_of: Some(AsOf::from(&verb.when)),
        rules: verb.rules.clone(),
        ..FindingsRequest::default()
    };
    let answer = ledger.findings(request).await.map_err(failure)?;
    print(context, verb.csv, &answer)
}

fn print(context: &Context, as_csv: bool, answer: &FindingsResponse) -> Outcome {
    let summary = answer.summary.clone().unwrap_or_default();
    let basis = summary.basis.clone().unwrap_or_default();
    if context.json {
        return output::json(&json!({
            "tree_size": basis.tree_size, "records": summary.records, "severe": summary.severe,
            "not_judged": summary.not_judged, "profile_version": summary.profile_version,
            "note": basis.note, "findings": answer.findings.iter().map(json_of).collect::<Vec<_>>(),
        }));
    }
    if !summary.not_judged.is_empty() {
        output::note(format!("not judged, the profile lacks lists: {}", summary.not_judged.join(", ")));
    }
    if !basis.note.is_empty() {
        output::note(format!("note: {}", basis.note));
    }
    output::note(format!(
        "{} findings ({} severe) in {} records, ledger size {}, profile {}",
        summary.findings, summary.severe, summary.records, basis.tree_size, summary.profile_version
    ));
    if as_csv {
        let mut rows = vec![
            [
                "rule",
                "version",
                "severity",
                "lots",
                "facility",
                "member",
                "record",
                "message",
                "threshold",
                "clears",
            ]
            .map(str::to_owned)
            .to_vec(),
        ];
        rows.extend(answer.findings.iter().map(row_of));
        return output::data(&csv(&rows)?);
    }
    if answer.findings.is_empty() {
        return Ok(());
    }
    output::data(&answer.findings.iter().map(text_of).collect::<String>())
}

fn quantity(it: &Quantity) -> String {
    format!("{} {} {}", it.name, it.value, it.unit)
}

fn severe(it: &Finding) -> &'static str {
    if it.severity() == FindingSeverity::Severe { "severe" } else { "plain" }
}

fn row_of(it: &Finding) -> Vec<String> {
    vec![
        it.rule.clone(),
        it.version.to_string(),
        severe(it).to_owned(),
        it.lots.join(" "),
        it.facility.clone(),
        it.member.clone(),
        it.records.first().map(|id| hex_of(id)).unwrap_or_default(),
        it.message.clone(),
        it.threshold.as_ref().map(quantity).unwrap_or_default(),
        it.clears.clone(),
    ]
}

fn text_of(it: &Finding) -> String {
    let mark = if it.severity() == FindingSeverity::Severe { "!" } else { " " };
    let mut text = format!("{}{mark} {}\n", output::bold(&it.rule), it.message);
    let numbers: Vec<String> = it.numbers.iter().map(quantity).collect();
    if !numbers.is_empty() {
        text.push_str(&format!("     {}\n", numbers.join("; ")));
    }
    if let Some(threshold) = &it.threshold {
        text.push_str(&format!("     threshold: {}\n", quantity(threshold)));
    }
    let records: Vec<String> = it.records.iter().map(|id| hex_of(id).chars().take(12).collect()).collect();
    text.push_str(&output::dim(&format!("     records {}; by {}\n", records.join(", "), it.member)));
    text.push_str(&output::dim(&format!("     clears: {}\n", it.clears)));
    text
}

fn json_of(it: &Finding) -> Value {
    let number = |it: &Quantity| json!({ "name": it.name, "value": it.value, "unit": it.unit });
    json!({
        "rule": it.rule, "version": it.version, "severity": severe(it), "title": it.title,
        "message": it.message, "clears": it.clears, "lots": it.lots, "facility": it.facility,
        "member": it.member, "records": it.records.iter().map(|id| hex_of(id)).collect::<Vec<_>>(),
        "numbers": it.numbers.iter().map(number).collect::<Vec<_>>(),
        "threshold": it.threshold.as_ref().map(number), "leaf_index": it.leaf_index,
        "event_time_ms": it.event_time_ms,
    })
}
