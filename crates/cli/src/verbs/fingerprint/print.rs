//! Answers for people, and the same in protobuf's JSON mapping.

use ore_wire::v1;
use prost::Message;
use prost_reflect::{DescriptorPool, DynamicMessage, SerializeOptions};

use crate::{
    failure::{Failure, Outcome},
    output,
    verbs::audit::hex_of,
};

/// Prints a message as a node's JSON would say it.
pub(super) fn json(name: &str, message: &impl Message) -> Outcome {
    let broken = |error: &dyn std::fmt::Display| {
        Failure::usage(format_args!("write {name} as JSON: {error}"), "leave --json out, and report this")
    };
    let pool = DescriptorPool::decode(ore_wire::DESCRIPTORS).map_err(|error| broken(&error))?;
    let descriptor = pool.get_message_by_name(name).ok_or_else(|| broken(&"unknown message"))?;
    let message = DynamicMessage::decode(descriptor, message.encode_to_vec().as_slice())
        .map_err(|error| broken(&error))?;
    let mut text = Vec::new();
    let mut writer = serde_json::Serializer::pretty(&mut text);
    let options = SerializeOptions::new().skip_default_fields(true);
    message.serialize_with_options(&mut writer, &options).map_err(|error| broken(&error))?;
    output::data(&String::from_utf8_lossy(&text))
}

/// Lines of two columns.
#[derive(Default)]
struct Lines(Vec<Vec<String>>);

impl Lines {
    fn say(&mut self, what: &str, text: impl Into<String>) {
        self.0.push(vec![what.to_owned(), text.into()]);
    }

    fn text(self) -> String {
        output::table(&self.0, &[])
    }
}

fn share(share: f64) -> String {
    let percent = share * 100.0;
    if percent > 0.0 && percent < 0.1 { "<0.1 %".to_owned() } else { format!("{percent:.1} %") }
}

fn p_value(p: f64) -> String {
    if p < 0.001 { "< 0.001".to_owned() } else { format!("= {p:.3}") }
}

/// At most four digits; small ones keep two that count.
fn number(number: f64) -> String {
    match number.abs() {
        0.0 => "0".to_owned(),
        it if it >= 100.0 => format!("{number:.0}"),
        it if it >= 10.0 => format!("{number:.1}"),
        it if it >= 0.01 => format!("{number:.2}"),
        _ => format!("{number:.1e}"),
    }
}

fn library_name(name: Option<&v1::LibraryName>) -> String {
    let Some(name) = name else { return "none".to_owned() };
    let version = if name.version == 0 { String::new() } else { format!(", version {}", name.version) };
    let synthetic = if name.synthetic { ", SYNTHETIC" } else { "" };
    format!("{}{version}, of {}{synthetic}", name.library, name.matrix)
}

/// The reasons, under a heading that nobody can take for a pass.
fn reasons(what: &str, found: &v1::NotAssessable) -> String {
    let mut text = format!("{}: {what}\n", output::bold("NOT ASSESSABLE"));
    for reason in &found.reasons {
        text.push_str(&format!("  - {reason}\n"));
    }
    text
}

fn cautions(cautions: &[String]) -> String {
    let mut text = "read beside it:\n".to_owned();
    for caution in cautions {
        text.push_str(&format!("  - {caution}\n"));
    }
    text
}

fn resembles(lines: &mut Lines, found: &v1::Resemblance) {
    let top: Vec<String> =
        found.top.iter().map(|one| format!("{} {}", one.origin, share(one.share))).collect();
    lines.say("resembles", top.join(", "));
    let abstains = if found.abstains { "; it is the most probable: NO ORIGIN IS NAMED" } else { "" };
    lines.say("other known origins", format!("{}{abstains}", share(found.background)));
}

/// A check.
pub(super) fn check(answer: &v1::OriginCheckResponse) -> String {
    use v1::origin_check_response::Result;
    let mut lines = Lines::default();
    if !answer.lot.is_empty() {
        lines.say("lot", answer.lot.as_str());
    }
    let order = match answer.commitment() {
        v1::CommitmentBasis::Ledger => "its record stands before every pattern of the lot",
        v1::CommitmentBasis::Stated => "committed before the assay, says the asker",
        _ => "not shown to be committed before the assay",
    };
    lines.say("claimed origin", format!("{}; {order}", answer.origin));
    if answer.claims > 1 {
        lines.say("claims", format!("{} different origins were claimed", answer.claims));
    }
    lines.say("library", library_name(answer.library.as_ref()));
    let mut head = String::new();
    match &answer.result {
        Some(Result::Assessed(found)) => evidence(&mut lines, found),
        Some(Result::NotAssessable(found)) => {
            head = reasons("no evidence for the claim, and none against it", found);
        }
        None => head = "no answer\n".to_owned(),
    }
    format!("{head}{}{}", lines.text(), cautions(&answer.cautions))
}

fn evidence(lines: &mut Lines, found: &v1::OriginEvidence) {
    lines.say(
        "likelihood ratio",
        format!(
            "{} (log10 {:+.2}): {}",
            number(found.likelihood_ratio),
            found.log10_likelihood_ratio,
            found.words
        ),
    );
    if let Some(ratio) = found.recalibrated_likelihood_ratio {
        lines.say("recalibrated", number(ratio));
    }
    match found.p_value {
        Some(p) => lines.say(
            "p-value",
            format!("{p:.3}, from {} unseen spots of the claimed origin", found.p_value_scores),
        ),
        None => lines.say("p-value", format!("none: {}", found.no_p_value)),
    }
    if let Some(found) = &found.resembles {
        resembles(lines, found);
    }
    if let Some(grains) = found.grain_share {
        lines.say("grains", format!("{} from the claimed origin rather than from the others", share(grains)));
    }
    lines.say("compared", format!("{} of {} spots", found.compared, found.spots));
    lines.say("laboratories", found.laboratories.as_str());
    if !found.disturbed.is_empty() {
        lines.say("left out", format!("{}: mineral or method disturb them", found.disturbed.join(", ")));
    }
    for aside in &found.set_aside {
        lines.say("set aside", format!("{}: {}", aside.spot, aside.reason));
    }
}

/// An attribution.
pub(super) fn attribute(answer: &v1::OriginAttributeResponse) -> String {
    use v1::origin_attribute_response::Result;
    let mut lines = Lines::default();
    if !answer.lot.is_empty() {
        lines.say("lot", answer.lot.as_str());
    }
    lines.say("library", library_name(answer.library.as_ref()));
    let mut head = String::new();
    match &answer.result {
        Some(Result::Resembles(found)) => resembles(&mut lines, found),
        Some(Result::NotAssessable(found)) => head = reasons("no origin is named", found),
        None => head = "no answer\n".to_owned(),
    }
    format!("{head}{}{}", lines.text(), cautions(&answer.cautions))
}

fn tested(lines: &mut Lines, what: &str, found: &v1::StepEvidence) {
    lines.say(
        what,
        format!(
            "{} (chi-square {} with {} degrees of freedom, p {})",
            found.words,
            number(found.chi_square),
            found.degrees,
            p_value(found.p_value)
        ),
    );
}

/// A step.
pub(super) fn step(answer: &v1::OriginStepResponse) -> String {
    use v1::origin_step_response::Result;
    let mut lines = Lines::default();
    let mut head = String::new();
    match &answer.result {
        Some(Result::Tested(found)) => tested(&mut lines, "the step", found),
        Some(Result::Blend(found)) => {
            if let Some(found) = &found.as_declared {
                tested(&mut lines, "as declared", found);
            }
            let shares: Vec<String> = found.best_shares.iter().map(|it| format!("{it:.3}")).collect();
            lines.say("best shares of the declared masses", shares.join(", "));
            if let Some(found) = &found.at_best {
                tested(&mut lines, "at the best shares", found);
            }
        }
        Some(Result::PatternReset(why)) => {
            head = format!("{}: {why}\n", output::bold("PATTERN RESET"));
        }
        Some(Result::NotAssessable(found)) => head = reasons("the step cannot be judged", found),
        None => head = "no answer\n".to_owned(),
    }
    format!("{head}{}{}", lines.text(), cautions(&answer.cautions))
}

/// What a library holds.
pub(super) fn library(answer: &v1::GetLibraryResponse) -> String {
    let summary = answer.summary.clone().unwrap_or_default();
    let mut lines = Lines::default();
    lines.say("library", library_name(summary.name.as_ref()));
    lines.say(
        "holds",
        format!(
            "{} analyses of {} origins, and of {} more that are never claimed",
            summary.analyses, summary.origins, summary.background_origins
        ),
    );
    if !answer.unusable.is_empty() {
        lines.say("UNUSABLE", answer.unusable.as_str());
    }
    let heading =
        ["origin", "claimed", "analyses", "samples", "laboratory and method", "where they come from"];
    let mut rows = vec![heading.map(str::to_owned).to_vec()];
    rows.extend(answer.parts.iter().map(|part| {
        vec![
            part.origin.clone(),
            if part.background { "never" } else { "yes" }.to_owned(),
            part.analyses.to_string(),
            part.samples.to_string(),
            part.campaign.clone(),
            part.provenance.clone(),
        ]
    }));
    format!("{}\n{}", lines.text(), output::table(&rows, &[2, 3]))
}

fn day(ms: u64) -> String {
    ore_exchange::write_time(ms, 0)
}

/// Published versions.
pub(super) fn libraries(answer: &v1::ListLibrariesResponse) -> String {
    let heading = ["library", "version", "of", "origins", "never claimed", "analyses", "record", ""];
    let mut rows = vec![heading.map(str::to_owned).to_vec()];
    rows.extend(answer.libraries.iter().map(|one| {
        let name = one.name.clone().unwrap_or_default();
        let record = if name.record.is_empty() { "shipped".to_owned() } else { hex_of(&name.record) };
        let remark = match (name.synthetic, one.forked) {
            (true, false) => "SYNTHETIC",
            (false, true) => "another record states the same version",
            (true, true) => "SYNTHETIC; another record states the same version",
            (false, false) => "",
        };
        vec![
            name.library,
            name.version.to_string(),
            name.matrix,
            one.origins.to_string(),
            one.background_origins.to_string(),
            one.analyses.to_string(),
            record,
            remark.to_owned(),
        ]
    }));
    output::table(&rows, &[1, 3, 4, 5])
}

/// Who asked what.
pub(super) fn queries(answer: &v1::ListQueriesResponse) -> String {
    let heading = ["when", "member", "question", "lot", "library", "origin", "outcome"];
    let mut rows = vec![heading.map(str::to_owned).to_vec()];
    rows.extend(answer.queries.iter().map(|one| {
        vec![
            day(one.time_ms),
            one.member.clone(),
            one.question.clone(),
            one.lot.clone(),
            one.library.clone(),
            one.origin.clone(),
            one.outcome.clone(),
        ]
    }));
    output::table(&rows, &[])
}
