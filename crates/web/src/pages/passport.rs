//! The passport: one page that a customer keeps, with every check beside its evidence. A check without data says so
//! and is never green.

use maud::{Markup, PreEscaped, html};
use ore_record::v1::{LotStatus, OriginKind};
use ore_wire::v1;
use qrcodegen::{QrCode, QrCodeEcc};

use super::{
    lot::shares,
    parts::{attribution, element_of, lot_head, lot_path, material, model, symbol},
};
use crate::{
    Answer, Refused, Source, Viewer,
    graph::{self, Look, Origins},
    layout::Frame,
    locale::{day, fill, mass, moment, percent, thousands},
    told::told,
    words::Words,
};

const ONE: u64 = 1_000_000_000_000_000_000;

/// What a check came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    Passed,
    Attention,
    /// Nothing speaks against it as far as was looked, and no further was looked.
    Limit,
    Failed,
    NoData,
}

/// One line of the list.
struct Check {
    verdict: Verdict,
    name: &'static str,
    said: String,
    /// Where the evidence stands; empty: on this page.
    evidence: String,
}

/// Everything that the checks rest on; what could not be asked says why.
struct Evidence {
    answer: v1::AttributeResponse,
    element: u32,
    lot: Answer<v1::Lot>,
    history: Answer<v1::HistoryResponse>,
    receipt: Answer<v1::Receipt>,
    checkpoint: Answer<v1::GetCheckpointResponse>,
    validators: Answer<v1::GetValidatorsResponse>,
    findings: Answer<v1::FindingsResponse>,
    custody: Answer<v1::ChainOfCustodyResponse>,
    attestations: Answer<v1::ListAttestationsResponse>,
}

pub(crate) async fn page(source: &dyn Source, frame: &Frame<'_>, id: &str) -> Result<Markup, Refused> {
    let t = frame.words();
    let lot = source.lot(id).await.map(|answer| answer.lot.unwrap_or_default());
    let guest = matches!(frame.asked.viewer, Viewer::Guest { .. });
    let lot = if guest { lot } else { Ok(lot?) };
    // The bearer of a share link does not see the lot itself: the element is the one that the link's address names.
    let Some(element) = element_of(frame, lot.as_ref().ok()) else {
        let described = lot.unwrap_or_default();
        return Ok(frame.page(
            id,
            &[],
            html! { (lot_head(frame, &described, "passport")) p.note { (t.no_composition) } },
        ));
    };
    let evidence = gather(source, frame, id, element, lot).await?;
    Ok(frame.page(&fill(t.passport_of, &[id]), &[], body(frame, id, &evidence)))
}

async fn gather(
    source: &dyn Source,
    frame: &Frame<'_>,
    id: &str,
    element: u32,
    lot: Answer<v1::Lot>,
) -> Result<Evidence, Refused> {
    let name = || id.to_owned();
    let as_of = Some(v1::AsOf { tree_size: frame.at(), date_ms: 0 });
    let answer = attribution(source, frame, id, element).await?;
    let receipt = match lot.as_ref().ok().and_then(|lot| <[u8; 32]>::try_from(lot.created_by.as_ref()).ok()) {
        Some(record) => source.receipt(&record).await,
        None => Err(Refused::Denied(String::new())),
    };
    let findings = v1::FindingsRequest { lot: name(), as_of, ..Default::default() };
    let custody = v1::ChainOfCustodyRequest { lot: name(), as_of, ..Default::default() };
    let attestations = v1::ListAttestationsRequest { subject: name(), ..Default::default() };
    Ok(Evidence {
        history: source.history(v1::HistoryRequest { lot: name(), ..Default::default() }).await,
        checkpoint: source.checkpoint().await,
        validators: source.validators().await,
        findings: source.findings(findings).await,
        custody: source.custody(custody).await,
        attestations: source.attestations(attestations).await,
        answer,
        element,
        lot,
        receipt,
    })
}

fn body(frame: &Frame<'_>, id: &str, evidence: &Evidence) -> Markup {
    let t = frame.words();
    let answer = &evidence.answer;
    let origins = Origins::of(answer);
    let checks = checks(frame, id, evidence);
    let name = symbol(evidence.element);
    let address = address(frame, id);
    let flow = graph::sankey(t, id, answer, &origins);
    let description = fill(t.sankey_desc, &[&name, id]);
    html! {
        @if let Ok(lot) = &evidence.lot { div.screen { (lot_head(frame, lot, "passport")) } }
        article.passport {
            section.card.certificate aria-labelledby="passport" {
                div.text {
                    p.head { (t.passport) }
                    h2 #passport { (id) }
                    p.lead { @if let Ok(lot) = &evidence.lot { (lot.form) " · " (material(t, lot.material())) @if !lot.serial.is_empty() { " · " (t.serial) " " (lot.serial) } } }
                    (facts(frame, evidence, &name))
                    p.tally { (tally(t, &checks)) }
                }
                div.qr {
                    (qr(&address, t))
                    p.faint.mono { (address) }
                    p.screen { button type="button" data-print hidden { (t.print) } }
                }
            }
            section.card aria-labelledby="checks" {
                h2 #checks { (t.checks) }
                p.faint { (t.checks_lead) }
                ol.checks {
                    @for check in &checks { (line(frame, check)) }
                }
            }
            div.split {
                section.card aria-labelledby="shares" { h2 #shares { (fill(t.shares_of, &[&name])) } (shares(frame, answer, &origins)) }
                section.card aria-labelledby="sankey" {
                    h2 #sankey { (t.sankey) }
                    figure.wide { (graph::draw(&flow, &Look { id: "sankey-svg", title: t.sankey, description: &description, width: 400.0, scale: 230.0 })) }
                }
            }
            section.card aria-labelledby="proof" {
                h2 #proof { (t.proof) }
                p { (t.proof_lead) }
                @if let Viewer::Guest { link, .. } = &frame.asked.viewer {
                    p { a.button href={ (link) "/bundle" } download="shared.orebundle" { (t.proof_bundle) } }
                } @else {
                    pre { code { "oreledger bundle " (id) " --element " (name) "\noreledger verify FILE.orebundle --trust consortium.toml" } }
                }
                p.faint { (fill(t.passport_basis, &[&thousands(answer.tree_size), &frame.info.origin, &frame.info.member])) }
            }
        }
    }
}

/// Shares by country. Scrap whose country nobody knows stands apart from what was declared to be of unknown origin.
fn countries<'a>(t: &'a Words, answer: &'a v1::AttributeResponse) -> Vec<(&'a str, u64)> {
    let of_scrap = |row: &&v1::OriginShare| {
        row.origin.as_ref().is_some_and(|it| it.country == "ZZ" && it.kind() == OriginKind::ScrapCollection)
    };
    let of = |share: &Option<v1::Share>| share.as_ref().map_or(0, |share| share.value_e18);
    let scrap: u64 = answer.origins.iter().filter(of_scrap).map(|row| of(&row.share)).sum();
    let rows = answer.countries.iter().flat_map(|row| match (row.country.as_str(), of(&row.share)) {
        ("ZZ", share) => {
            [(t.unknown, share.saturating_sub(scrap)), (t.scrap_unknown_country, scrap.min(share))]
        }
        (country, share) => [(country, share), ("", 0)],
    });
    rows.collect()
}

fn facts(frame: &Frame<'_>, evidence: &Evidence, name: &str) -> Markup {
    let t = frame.words();
    let answer = &evidence.answer;
    let countries: Vec<String> = countries(t, answer)
        .into_iter()
        .filter(|(_, share)| *share > 0)
        .map(|(country, share)| format!("{country} {}", percent(share)))
        .collect();
    let value = |share: &Option<v1::Share>| {
        share.as_ref().map_or(t.no_data.to_owned(), |share| percent(share.value_e18))
    };
    html! {
        dl.facts {
            div.big { dt { (name) " · " (t.contained) } dd { (mass(answer.contained_mg)) } }
            div.big { dt { (t.verified_origin) } dd { (value(&answer.verified)) } }
            div.big { dt { (t.recycled_content) } dd { (value(&answer.recycled)) } }
            div { dt { (t.countries) } dd { @for (at, country) in countries.iter().enumerate() { @if at > 0 { ", " } span.w { (country) } } } }
            @if let Ok(lot) = &evidence.lot {
                div { dt { (t.custody_model) } dd { (model(t, lot.model())) } }
                div { dt { (t.remaining) } dd { (mass(lot.remaining_dry_mg)) " / " (mass(lot.created_dry_mg)) } }
            }
            @if let Ok(receipt) = &evidence.receipt { div { dt { (t.made) } dd { (day(receipt.block_time_ms)) } } }
        }
    }
}

fn tally(t: &'static Words, checks: &[Check]) -> Markup {
    let count = |verdict| checks.iter().filter(|check| check.verdict == verdict).count();
    let all = [Verdict::Passed, Verdict::Attention, Verdict::Limit, Verdict::Failed, Verdict::NoData];
    html! {
        @for verdict in all {
            @let count = count(verdict);
            @if count > 0 { span class={ "badge " (class(verdict)) } { (word(t, verdict)) " " (count) } " " }
        }
    }
}

const fn class(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Passed => "good",
        Verdict::Attention => "warn",
        Verdict::Limit => "limit",
        Verdict::Failed => "bad",
        Verdict::NoData => "none",
    }
}

fn word(t: &'static Words, verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Passed => t.check_passed,
        Verdict::Attention => t.check_attention,
        Verdict::Limit => t.check_limit,
        Verdict::Failed => t.check_failed,
        Verdict::NoData => t.no_data,
    }
}

fn line(frame: &Frame<'_>, check: &Check) -> Markup {
    let t = frame.words();
    html! {
        li class=(class(check.verdict)) {
            span class={ "badge " (class(check.verdict)) } { (word(t, check.verdict)) }
            div { b { (check.name) } span.said { (check.said) } }
            @if !check.evidence.is_empty() { a href=(frame.href(&check.evidence)) { (t.evidence) span.hidden { ": " (check.name) } } }
        }
    }
}

/// The checks, in the order in which somebody would ask.
fn checks(frame: &Frame<'_>, id: &str, evidence: &Evidence) -> Vec<Check> {
    let t = frame.words();
    let view = |view: &str| lot_path(id, view);
    let no_data = |name, refused: &Refused| Check {
        verdict: Verdict::NoData,
        name,
        said: if matches!(refused, Refused::Denied(_)) {
            t.not_shown.to_owned()
        } else {
            told(frame.language, &refused.to_string()).into_owned()
        },
        evidence: String::new(),
    };
    let make = |name, verdict, said: String, evidence: String| Check { verdict, name, said, evidence };
    let mut checks = Vec::new();
    checks.push(match &evidence.receipt {
        Ok(receipt) => {
            let place = receipt.place.clone().unwrap_or_default();
            let said =
                fill(t.check_log_said, &[&thousands(place.leaf_index), &moment(receipt.block_time_ms)]);
            make(
                t.check_log,
                Verdict::Passed,
                said,
                format!("/records/{}", crate::locale::hex(&place.record_id)),
            )
        }
        Err(refused) => no_data(t.check_log, refused),
    });
    checks.push(cosigned(t, evidence).unwrap_or_else(|refused| no_data(t.check_cosigned, refused)));
    checks.push(match &evidence.history {
        Ok(history) => {
            // On all pages; a node of an earlier version tells of this one only.
            let followed = thousands(history.followed.max(history.entries.len() as u64));
            let (verdict, said) = match history.cut_short.as_str() {
                "" => (Verdict::Passed, fill(t.check_chain_said, &[&followed])),
                _ if history.at_limit => (Verdict::Limit, fill(t.check_chain_limit, &[&followed])),
                why => (Verdict::Failed, told(frame.language, why).into_owned()),
            };
            make(t.check_chain, verdict, said, format!("{}#records", view("")))
        }
        Err(refused) => no_data(t.check_chain, refused),
    });
    checks.push(origin(t, evidence));
    checks.push(complete(t, evidence));
    checks.push(match &evidence.lot {
        Ok(lot) => {
            let content = lot.composition.iter().find(|content| content.element == evidence.element);
            let (verdict, said) = match content {
                Some(content) if content.measured => (Verdict::Passed, t.check_assay_measured),
                _ => (Verdict::NoData, t.check_assay_declared),
            };
            make(t.check_assay, verdict, said.to_owned(), view("assays"))
        }
        Err(refused) => no_data(t.check_assay, refused),
    });
    checks.push(match &evidence.lot {
        Ok(lot) if lot.origin_country.is_empty() => {
            make(t.check_declared, Verdict::NoData, t.check_declared_none.to_owned(), String::new())
        }
        Ok(lot) => {
            let countries = evidence.answer.countries.iter();
            let computed: Vec<&str> = countries
                .filter(|row| row.share.as_ref().is_some_and(|share| share.value_e18 > 0))
                .map(|row| row.country.as_str())
                .collect();
            let same = computed == [lot.origin_country.as_str()];
            let verdict = if same { Verdict::Passed } else { Verdict::Failed };
            let said = fill(t.check_declared_said, &[&lot.origin_country, &computed.join(", ")]);
            make(t.check_declared, verdict, said, "#shares".to_owned())
        }
        Err(refused) => no_data(t.check_declared, refused),
    });
    checks.push(match &evidence.custody {
        Ok(custody) if custody.moments.is_empty() => {
            make(t.check_custody, Verdict::NoData, String::new(), view("custody"))
        }
        Ok(custody) if custody.gaps.is_empty() => {
            let cut = custody.basis.as_ref().is_some_and(|basis| basis.cut_short != 0);
            let said = fill(t.check_custody_said, &[&thousands(custody.moments.len() as u64)]);
            let (verdict, said) =
                if cut { (Verdict::Limit, at_limit(t, &said)) } else { (Verdict::Passed, said) };
            make(t.check_custody, verdict, said, view("custody"))
        }
        Ok(custody) => {
            let said = fill(t.check_custody_gaps, &[&thousands(custody.gaps.len() as u64)]);
            make(t.check_custody, Verdict::Attention, said, view("custody"))
        }
        Err(refused) => no_data(t.check_custody, refused),
    });
    match &evidence.findings {
        Ok(answer) => findings(t, id, answer, &mut checks),
        Err(refused) => checks.push(no_data(t.check_findings, refused)),
    }
    checks.push(match &evidence.attestations {
        Ok(list) if list.attestations.is_empty() => {
            make(t.check_attested, Verdict::NoData, t.check_attested_none.to_owned(), String::new())
        }
        Ok(list) => {
            let names = list.attestations.iter().filter_map(|it| it.attestation.as_ref());
            let names: Vec<String> =
                names.map(|it| format!("{} ({})", it.id, day(it.valid_until_ms))).collect();
            // Whether one of them suffices is for a person to say.
            make(t.check_attested, Verdict::Attention, names.join(", "), String::new())
        }
        Err(refused) => no_data(t.check_attested, refused),
    });
    checks.push(match &evidence.lot {
        Ok(lot) => {
            let verdict = match lot.status() {
                LotStatus::Active | LotStatus::Offered | LotStatus::Consumed => Verdict::Passed,
                LotStatus::Held | LotStatus::Disposed => Verdict::Attention,
                LotStatus::Recalled | LotStatus::Void => Verdict::Failed,
                LotStatus::Unspecified => Verdict::NoData,
            };
            make(t.check_status, verdict, super::parts::status_word(t, lot.status()).to_owned(), view(""))
        }
        Err(refused) => no_data(t.check_status, refused),
    });
    checks
}

/// Who vouches for the log: more than two thirds of the validators.
fn cosigned<'a>(t: &'static Words, evidence: &'a Evidence) -> Result<Check, &'a Refused> {
    let checkpoint = evidence.checkpoint.as_ref()?;
    let lines = checkpoint.checkpoint.split_once("\n\n").map_or("", |(_, lines)| lines);
    let validators = evidence.validators.as_ref()?;
    // The lines were checked against the policy by the node before it published; here they are counted.
    let signed = |member: &str| {
        lines
            .lines()
            .any(|line| line.split(' ').nth(1).is_some_and(|name| name.ends_with(&format!("/{member}"))))
    };
    let count = validators.validators.iter().filter(|validator| signed(&validator.member)).count();
    let all = validators.validators.len();
    let verdict = match (count, all) {
        (0, _) | (_, 0) => Verdict::NoData,
        _ if count * 3 > all * 2 => Verdict::Passed,
        _ => Verdict::Attention,
    };
    let said = fill(
        t.check_cosigned_said,
        &[&count.to_string(), &all.to_string(), &thousands(checkpoint.tree_size)],
    );
    Ok(Check { verdict, name: t.check_cosigned, said, evidence: "/ledger#checkpoint".to_owned() })
}

fn origin(t: &'static Words, evidence: &Evidence) -> Check {
    let verified = evidence.answer.verified.as_ref().map(|share| share.lower_e18);
    let (verdict, said) = match verified {
        None => (Verdict::NoData, String::new()),
        Some(ONE) => (Verdict::Passed, t.check_origin_all.to_owned()),
        Some(lower) => (
            Verdict::Attention,
            fill(t.check_origin_part, &[&percent(lower), &percent(ONE.saturating_sub(lower))]),
        ),
    };
    Check { verdict, name: t.check_origin, said, evidence: "#shares".to_owned() }
}

fn complete(t: &'static Words, evidence: &Evidence) -> Check {
    let answer = &evidence.answer;
    let (verdict, said) = if answer.origins.is_empty() {
        (Verdict::NoData, String::new())
    } else if answer.cut_short == 0 && answer.unresolved_e18 == 0 {
        (Verdict::Passed, fill(t.check_complete_said, &[&thousands(u64::from(answer.ancestors))]))
    } else {
        let verdict = if answer.cut_short == 0 { Verdict::Attention } else { Verdict::Limit };
        (verdict, fill(t.check_complete_cut, &[&percent(answer.unresolved_e18)]))
    };
    Check { verdict, name: t.check_complete, said, evidence: "#shares".to_owned() }
}

/// What the rules flag, and, apart from it, which rules could not be judged.
fn findings(t: &'static Words, id: &str, findings: &v1::FindingsResponse, checks: &mut Vec<Check>) {
    let place = format!("/findings?lot={}", crate::query::encode(id, false));
    let summary = findings.summary.clone().unwrap_or_default();
    let cut = summary.basis.as_ref().is_some_and(|basis| basis.cut_short != 0);
    let said = fill(
        t.check_findings_said,
        &[&thousands(summary.findings), &thousands(summary.severe), &thousands(summary.records)],
    );
    let (verdict, said) = match (summary.severe, summary.findings) {
        _ if summary.records == 0 => (Verdict::NoData, said),
        (0, 0) if cut => (Verdict::Limit, at_limit(t, &said)),
        (0, 0) => (Verdict::Passed, said),
        (0, _) => (Verdict::Attention, said),
        _ => (Verdict::Failed, said),
    };
    checks.push(Check { verdict, name: t.check_findings, said, evidence: place.clone() });
    if !summary.not_judged.is_empty() {
        let said = fill(t.check_not_judged_said, &[&super::findings::not_judged(&summary)]);
        checks.push(Check { verdict: Verdict::NoData, name: t.check_not_judged, said, evidence: place });
    }
}

/// What was found as far as was looked.
fn at_limit(t: &'static Words, said: &str) -> String {
    format!("{said} · {}", t.cut_short)
}

/// The address that the QR code opens.
fn address(frame: &Frame<'_>, id: &str) -> String {
    let path = match &frame.asked.viewer {
        Viewer::Guest { link, .. } => link.clone(),
        _ => lot_path(id, "passport"),
    };
    format!("{}{path}", frame.asked.here)
}

/// A QR code as one path: black on white in every scheme, with the quiet zone that readers need.
fn qr(text: &str, t: &'static Words) -> Markup {
    use std::fmt::Write;
    let Ok(code) = QrCode::encode_text(text, QrCodeEcc::Medium) else {
        return html! { p.note { (t.qr_too_long) } };
    };
    let mut path = String::new();
    for y in 0..code.size() {
        for x in (0..code.size()).filter(|x| code.get_module(*x, y)) {
            let _ = write!(path, "M{} {}h1v1h-1z", x + 4, y + 4);
        }
    }
    let size = code.size() + 8;
    html! {
        svg.code role="img" viewBox={ "0 0 " (size) " " (size) } width="180" height="180" shape-rendering="crispEdges" {
            title { (fill(t.qr, &[text])) }
            rect width=(size) height=(size) fill="#fff" {}
            (PreEscaped(format!(r##"<path fill="#000" d="{path}"/>"##)))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::words::EN;

    fn nothing() -> Evidence {
        let none = || Refused::Denied(String::new());
        Evidence {
            answer: v1::AttributeResponse::default(),
            element: 73,
            lot: Err(none()),
            history: Err(none()),
            receipt: Err(none()),
            checkpoint: Err(none()),
            validators: Err(none()),
            findings: Err(none()),
            custody: Err(none()),
            attestations: Err(none()),
        }
    }

    #[test]
    fn without_data_nothing_is_green() {
        let asked = crate::route::tests::asked("/lots/a/b/passport");
        let frame =
            Frame { asked: &asked, language: crate::Language::English, info: v1::GetInfoResponse::default() };
        let checks = checks(&frame, "a/b", &nothing());
        assert!(checks.len() >= 10);
        for check in &checks {
            assert_eq!(check.verdict, Verdict::NoData, "{}: {}", check.name, check.said);
        }
        // Answers that are there and empty are no data either.
        let empty = Evidence {
            lot: Ok(v1::Lot::default()),
            checkpoint: Ok(v1::GetCheckpointResponse::default()),
            validators: Ok(v1::GetValidatorsResponse::default()),
            findings: Ok(v1::FindingsResponse::default()),
            custody: Ok(v1::ChainOfCustodyResponse::default()),
            attestations: Ok(v1::ListAttestationsResponse::default()),
            ..nothing()
        };
        let checks = super::checks(&frame, "a/b", &empty);
        assert!(checks.iter().all(|check| check.verdict == Verdict::NoData || check.name == EN.check_chain));
        assert!(checks.iter().all(|check| check.verdict != Verdict::Passed));
    }

    #[test]
    fn a_severe_finding_is_red_and_a_plain_one_is_not_green() {
        for (severe, findings, verdict) in
            [(1, 1, Verdict::Failed), (0, 2, Verdict::Attention), (0, 0, Verdict::Passed)]
        {
            let summary = v1::FindingsSummary { severe, findings, records: 5, ..Default::default() };
            let answer = v1::FindingsResponse { summary: Some(summary), ..Default::default() };
            let mut checks = Vec::new();
            super::findings(&EN, "a/b", &answer, &mut checks);
            assert_eq!(checks[0].verdict, verdict);
        }
    }

    /// The check of this name, over a lot's page in a language.
    fn check(language: crate::Language, name: fn(&Words) -> &'static str, evidence: &Evidence) -> Check {
        let asked = crate::route::tests::asked("/lots/a/b/passport");
        let frame = Frame { asked: &asked, language, info: v1::GetInfoResponse::default() };
        let name = name(frame.words());
        checks(&frame, "a/b", evidence).into_iter().find(|check| check.name == name).expect("is made")
    }

    #[test]
    fn a_limit_is_neither_a_failure_nor_a_pass() {
        use crate::{Language, words::JA};
        let history = |cut_short: &str, at_limit| v1::HistoryResponse {
            cut_short: cut_short.to_owned(),
            followed: 10_000,
            at_limit,
            ..Default::default()
        };
        let of = |history| Evidence { history: Ok(history), ..nothing() };
        let chain = |language, history| check(language, |t| t.check_chain, &of(history));
        for (language, words) in [(Language::English, &EN), (Language::Japanese, &JA)] {
            let check = chain(language, history("only the newest 10,000 records are followed", true));
            assert_eq!((check.verdict, class(check.verdict)), (Verdict::Limit, "limit"));
            assert_eq!(check.said, fill(words.check_chain_limit, &["10,000"]));
            let shown = tally(words, &[check]).into_string();
            assert!(shown.contains(words.check_limit) && !shown.contains(words.check_failed), "{shown}");
        }
        let broken = chain(Language::English, history("the record at leaf 7 does not name the lot", false));
        assert_eq!(broken.verdict, Verdict::Failed, "what is wrong is no limit");
        let whole = chain(Language::English, history("", false));
        assert_eq!((whole.verdict, whole.said.contains("10,000")), (Verdict::Passed, true), "of all pages");

        let cut = || Some(v1::Basis { cut_short: v1::CutShort::Time.into(), ..Default::default() });
        let moments = vec![Default::default()];
        let custody = v1::ChainOfCustodyResponse { moments, basis: cut(), ..Default::default() };
        let summary = v1::FindingsSummary { records: 5, basis: cut(), ..Default::default() };
        let evidence = Evidence {
            custody: Ok(custody),
            findings: Ok(v1::FindingsResponse { summary: Some(summary), ..Default::default() }),
            ..nothing()
        };
        for name in [|t: &Words| t.check_custody, |t: &Words| t.check_findings] {
            let check = check(Language::English, name, &evidence);
            assert_eq!(check.verdict, Verdict::Limit, "{}", check.name);
            assert!(check.said.contains(EN.cut_short), "{}", check.said);
        }
    }

    #[test]
    fn rules_that_were_not_judged_are_told() {
        let summary =
            v1::FindingsSummary { records: 5, not_judged: vec!["O13: x".into()], ..Default::default() };
        let answer = v1::FindingsResponse { summary: Some(summary), ..Default::default() };
        let mut checks = Vec::new();
        super::findings(&EN, "a/b", &answer, &mut checks);
        assert_eq!(checks[1].verdict, Verdict::NoData);
        assert!(checks[1].said.contains("O13"));
    }

    #[test]
    fn scrap_of_an_unknown_country_is_told_apart_from_what_was_declared_unknown() {
        let share =
            |percent: u64| Some(v1::Share { value_e18: percent * (ONE / 100), ..v1::Share::default() });
        let origin = |kind: OriginKind, country: &str, percent| v1::OriginShare {
            origin: Some(v1::Origin { kind: kind.into(), country: country.into(), ..v1::Origin::default() }),
            share: share(percent),
            mg: 0,
        };
        let by = |country: &str, percent| v1::CountryShare { country: country.into(), share: share(percent) };
        let answer = v1::AttributeResponse {
            origins: vec![
                origin(OriginKind::Mine, "RW", 70),
                origin(OriginKind::ScrapCollection, "ZZ", 19),
                origin(OriginKind::ScrapCollection, "JP", 8),
                origin(OriginKind::DeclaredUnknown, "ZZ", 3),
            ],
            countries: vec![by("RW", 70), by("ZZ", 22), by("JP", 8)],
            ..v1::AttributeResponse::default()
        };
        let t = &EN;
        let told: Vec<_> = countries(t, &answer).into_iter().filter(|(_, share)| *share > 0).collect();
        let hundredths = |percent: u64| percent * (ONE / 100);
        assert_eq!(
            told,
            [
                ("RW", hundredths(70)),
                ("unknown", hundredths(3)),
                ("scrap, country unknown", hundredths(19)),
                ("JP", hundredths(8)),
            ]
        );
    }
}
