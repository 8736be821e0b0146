//! `oreledger verify`: bundles, receipts, checkpoints and evidence, offline. Never asks a node anything.

use std::path::{Path, PathBuf};

use clap::Args;
use ore_checkpoint::{PROOF_HEADER, SignedCheckpoint};
use ore_node::Consortium;
use ore_record::v1::{ClaimedShare, OriginKind};
use ore_verify::{
    BundleFault, BundleReport, Handover, TrustRoot, evidence::EVIDENCE_HEADER, follow, verify_bundle,
    verify_receipt,
};
use serde_json::{Value, json};

use crate::{
    context::Context,
    failure::{Failure, Outcome},
    output::{self, decimal, table, thousands},
    trace::shares::{Row, pivot},
    verbs::peers,
    words,
};

#[derive(Args, Debug)]
pub(crate) struct Verify {
    /// Bundles (.orebundle), receipts (.tlog-proof), checkpoints, evidence
    #[arg(required_unless_present = "page")]
    files: Vec<PathBuf>,
    /// Changes of the validators since the trust root, as `oreledger handovers` writes them
    #[arg(long, value_name = "FILE")]
    handovers: Option<PathBuf>,
    /// Write a page that verifies by itself in any browser, with the trust root in it, to keep beside bundles
    #[arg(long, value_name = "FILE.html")]
    page: Option<PathBuf>,
}

/// The trust root, then that of each later set of validators; each is vouched for by the one before.
fn roots(context: &Context, verb: &Verify) -> Result<Vec<TrustRoot>, Failure> {
    let trust = context.trust_root()?;
    let Some(path) = &verb.handovers else { return Ok(vec![trust]) };
    let bytes = std::fs::read(path).map_err(|e| Failure::file("read", path, &e))?;
    let wrong = |why: &dyn std::fmt::Display| {
        Failure::verification(
            format_args!("{}: {why}", path.display()),
            "ask a node again with `oreledger handovers`; nothing was checked by it",
        )
    };
    let handovers = Handover::parse_all(&bytes).map_err(|error| wrong(&error))?;
    follow(&trust, &handovers).map_err(|fault| wrong(&fault))
}

pub(crate) fn run(context: &Context, verb: &Verify) -> Outcome {
    let roots = roots(context, verb)?;
    if let Some(page) = &verb.page {
        write_page(context, page)?;
    }
    let consortium = peers::owners(&context.trust_file());
    let mut reports = Vec::new();
    let (mut failed, mut unchecked) = (Vec::new(), Vec::new());
    for path in &verb.files {
        let bytes = std::fs::read(path).map_err(|e| Failure::file("read", path, &e))?;
        // By the newest validators first; what none of them signed is shown as the newest see it.
        let mut seen = roots.iter().rev().map(|trust| one(path, &bytes, trust, &consortium));
        let newest = seen.next();
        let good = newest.as_ref().is_some_and(|(_, _, good)| *good);
        let earlier = if good { None } else { seen.find(|(_, _, good)| *good) };
        let Some((text, report, good)) = earlier.or(newest) else { continue };
        if !good {
            let which = if report["limit"] == true { &mut unchecked } else { &mut failed };
            which.push(path.display().to_string());
        }
        if context.json { reports.push(report) } else { output::data(&text)? }
    }
    if context.json {
        output::json(&Value::Array(reports))?;
    }
    if !failed.is_empty() {
        return Err(Failure::verification(
            format_args!("does not verify: {}", failed.join(", ")),
            "do not rely on it; ask for the file again, and compare the trust root with another member's",
        ));
    }
    if !unchecked.is_empty() {
        return Err(Failure::verification(
            format_args!("not checked, for it is larger than what is taken up: {}", unchecked.join(", ")),
            "nothing was found wrong in it; ask for a bundle of a lot with fewer ancestors",
        ));
    }
    Ok(())
}

/// The second verifier, as one file: it was written apart from this one and needs no program but a browser.
fn write_page(context: &Context, page: &Path) -> Outcome {
    let trust_file = context.trust_file();
    let trust = std::fs::read_to_string(&trust_file).map_err(|e| Failure::file("read", &trust_file, &e))?;
    let text = ore_web::saved_verifier(ore_web::Language::English, &trust);
    std::fs::write(page, text).map_err(|e| Failure::file("write", page, &e))?;
    output::note(format!("wrote {}; open it in a browser and choose a bundle or a receipt", page.display()));
    Ok(())
}

fn one(
    path: &Path,
    bytes: &[u8],
    trust: &TrustRoot,
    consortium: &Option<Consortium>,
) -> (String, Value, bool) {
    let name = path.display().to_string();
    if bytes.starts_with(EVIDENCE_HEADER.as_bytes()) {
        return match peers::proven(bytes, trust, consortium) {
            Ok(proven) => {
                let text = format!("{name}: VERIFIED\nproven: {proven}\n");
                (text, json!({ "file": name, "verified": true, "proven": proven }), true)
            }
            Err(why) => {
                let text = format!("{name}: NOT VERIFIED\n  FAILED  {why}\n");
                (text, json!({ "file": name, "verified": false, "fault": why }), false)
            }
        };
    }
    if bytes.starts_with(PROOF_HEADER.as_bytes()) {
        return receipt(&name, bytes, trust);
    }
    if bytes.starts_with(format!("{}\n", trust.origin).as_bytes()) {
        return checkpoint(&name, bytes, trust);
    }
    match verify_bundle(bytes, trust) {
        Ok(report) => {
            let json = json!({
                "file": name, "verified": true, "lot": report.claim.lot, "element": report.claim.element,
                "checks": report.checks.iter().map(|done| json!({"check": done.check.name(), "detail": done.detail})).collect::<Vec<_>>(),
                "remarks": report.remarks, "tree_size": report.claim.tree_size,
                "shares": report.claim.shares.iter().map(share_json).collect::<Vec<_>>(),
            });
            (bundle_text(&name, &report), json, true)
        }
        Err(fault) => {
            let json = json!({
                "file": name, "verified": false, "failed_check": fault.check.name(), "fault": fault.fault.to_string(),
                "limit": fault.fault.is_limit(),
                "checks": fault.done.iter().map(|done| json!({"check": done.check.name(), "detail": done.detail})).collect::<Vec<_>>(),
            });
            (fault_text(&name, &fault), json, false)
        }
    }
}

/// A proven share; the exact decimal in quotes.
fn share_json(share: &ClaimedShare) -> Value {
    json!({
        "kind": words::word(share.kind().as_str_name(), "ORIGIN_KIND_"), "source": share.source, "country": share.country,
        "route": words::word(share.route().as_str_name(), "ROUTE_"), "generation": share.generation,
        "share": decimal(share.value), "lower": decimal(share.lower), "upper": decimal(share.upper),
    })
}

/// Every check that was made, and what is proven.
pub(crate) fn bundle_text(name: &str, report: &BundleReport) -> String {
    let mut rows: Vec<Vec<String>> = Vec::new();
    for done in &report.checks {
        rows.push(vec!["  ok".to_owned(), done.check.name().to_owned(), done.detail.clone()]);
    }
    let symbol = ore_record::elements::symbol(report.claim.element).unwrap_or("?");
    let mut text = format!("{name}: VERIFIED\n{}", table(&rows, &[]));
    text.push_str(&format!("proven: {symbol} in {} comes from\n", report.claim.lot));
    let rows: Vec<Row> = report
        .claim
        .shares
        .iter()
        .map(|share| Row {
            name: match share.kind() {
                OriginKind::DeclaredUnknown => format!("unknown, declared at {}", share.source),
                OriginKind::ScrapCollection => format!("scrap of {}", share.source),
                _ => share.source.clone(),
            },
            country: share.country.clone(),
            generation: share.generation,
            value_e18: share.value,
        })
        .collect();
    text.push_str(&pivot(&rows));
    for remark in &report.remarks {
        text.push_str(&format!("remark: {remark}\n"));
    }
    text
}

/// The checks that passed, and the one that failed or was not made.
pub(crate) fn fault_text(name: &str, fault: &BundleFault) -> String {
    let mut rows: Vec<Vec<String>> = Vec::new();
    for done in &fault.done {
        rows.push(vec!["  ok".to_owned(), done.check.name().to_owned(), done.detail.clone()]);
    }
    let (verdict, mark) =
        if fault.fault.is_limit() { ("NOT CHECKED", "  LIMIT") } else { ("NOT VERIFIED", "  FAILED") };
    rows.push(vec![mark.to_owned(), fault.check.name().to_owned(), fault.fault.to_string()]);
    format!("{name}: {verdict}\n{}", table(&rows, &[]))
}

fn receipt(name: &str, bytes: &[u8], trust: &TrustRoot) -> (String, Value, bool) {
    match verify_receipt(bytes, None, trust) {
        Ok(report) => {
            let rows: Vec<Vec<String>> =
                report.checks.iter().map(|check| vec!["  ok".to_owned(), check.to_string()]).collect();
            let id = report.record.id();
            let mut text = format!("{name}: VERIFIED\n{}", table(&rows, &[]));
            text.push_str(&format!(
                "proven: record {id} is leaf {} of a log of {} entries\n",
                report.leaf_index,
                thousands(report.tree_size)
            ));
            for line in words::describe(report.record.record()) {
                text.push_str(&format!("  {line}\n"));
            }
            if !report.strict {
                text.push_str(
                    "remark: its author crafted a signature that stricter verifiers refuse (rule S1)\n",
                );
            }
            let checks: Vec<String> = report.checks.iter().map(ToString::to_string).collect();
            let json = json!({
                "file": name, "verified": true, "record": id.to_string(), "leaf_index": report.leaf_index,
                "tree_size": report.tree_size, "strict": report.strict, "checks": checks,
            });
            (text, json, true)
        }
        Err(fault) => {
            let cause = fault.cause().map_or_else(String::new, |cause| format!(": {cause}"));
            let text = format!("{name}: NOT VERIFIED\n  FAILED  {fault}{cause}\n");
            (text, json!({ "file": name, "verified": false, "fault": format!("{fault}{cause}") }), false)
        }
    }
}

fn checkpoint(name: &str, bytes: &[u8], trust: &TrustRoot) -> (String, Value, bool) {
    let checked = SignedCheckpoint::parse(bytes)
        .map_err(|error| error.to_string())
        .and_then(|signed| trust.policy.check(&signed).map_err(|error| error.to_string()));
    match checked {
        Ok(checked) => {
            let (size, root) = (checked.checkpoint().size(), checked.checkpoint().root());
            let text = format!(
                "{name}: VERIFIED\n  ok  signed by the log, cosigned by {} validators\nproven: a log of {} entries with root {root}\n",
                checked.cosigned().len(),
                thousands(size.get())
            );
            (
                text,
                json!({ "file": name, "verified": true, "tree_size": size.get(), "root": root.to_string() }),
                true,
            )
        }
        Err(why) => {
            let text = format!("{name}: NOT VERIFIED\n  FAILED  {why}\n");
            (text, json!({ "file": name, "verified": false, "fault": why }), false)
        }
    }
}
