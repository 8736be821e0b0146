//! Findings: in slices, as a stream.

use std::{
    collections::BTreeSet,
    sync::Arc,
    time::{Duration, Instant},
};

use futures::{Stream, stream};
use ore_audit::{Budget, Fact, View};
use ore_findings::{Finding, Judge, Leaves, Memory, Rule, Scope, Severity};
use ore_provenance::Scratch;
use ore_wire::{status, v1};
use tonic::Status;

use super::{Api, Asked, ask, ask_long, period};

/// Findings in one part.
const PART: usize = 500;
/// The longest that one slice holds the ledger's locks; a single record that takes longer is finished.
const SLICE: Duration = Duration::from_millis(25);
/// Units of work for one slice: bounds a single record too.
const SLICE_UNITS: u64 = 20_000_000;
/// Lots, records and leaves named in one finding.
const NAMES: usize = 100;

/// Rules that need a list of the profile: without it they cannot be judged.
const NEEDS: &[(Rule, &str)] = &[
    (Rule::A6, "country-boxes"),
    (Rule::O8, "cahra"),
    (Rule::O11, "cahra"),
    (Rule::O12, "producers:"),
    (Rule::O13, "conformant-smelters"),
    (Rule::O14, "sanctions"),
];

/// A question that is being answered.
struct Open {
    api: Arc<Api>,
    as_of: v1::AsOf,
    leaves: Vec<u32>,
    next: usize,
    rules: BTreeSet<Rule>,
    memory: Memory,
    deadline: Instant,
    summary: v1::FindingsSummary,
    done: bool,
}

fn rules_of(named: &[String]) -> Result<BTreeSet<Rule>, Status> {
    if named.is_empty() {
        return Ok(Rule::ALL.iter().copied().collect());
    }
    let rule = |id: &String| {
        let all = || Rule::ALL.iter().map(|rule| rule.id()).collect::<Vec<_>>().join(", ");
        Rule::of_id(id).ok_or_else(|| status::malformed("rules", &format!("rules are {}", all())))
    };
    named.iter().map(rule).collect()
}

/// Findings of a lot, a facility or everything.
///
/// # Errors
/// `NOT_FOUND`, `INVALID_ARGUMENT`.
pub(crate) async fn all(
    api: Arc<Api>,
    request: v1::FindingsRequest,
) -> Result<impl Stream<Item = Result<v1::FindingsResponse, Status>> + Send + use<>, Status> {
    let asked = [!request.lot.is_empty(), !request.facility.is_empty(), request.all];
    if asked.iter().filter(|asked| **asked).count() != 1 {
        return Err(status::malformed("lot", "ask for one of: a lot, a facility, everything"));
    }
    let rules = rules_of(&request.rules)?;
    let (from_ms, to_ms) = period(request.period)?;
    let from_leaf = u32::try_from(request.from_leaf).unwrap_or(u32::MAX);
    let ours = api.query_time;
    let time = match request.limits.as_ref().map_or(0, |limits| limits.time_ms) {
        0 => ours,
        asked => ours.min(Duration::from_millis(asked.into())),
    };
    let (as_of, limits) = (request.as_of, request.limits);
    let begin = move |asked: &Asked<'_>, _: &mut Scratch| {
        let scope = if !request.lot.is_empty() {
            Scope::Lot(asked.lot(&request.lot)?)
        } else if !request.facility.is_empty() {
            Scope::Facility { facility: asked.facility(&request.facility)?, from_ms, to_ms }
        } else {
            Scope::From(from_leaf)
        };
        Ok(Leaves::of(scope))
    };
    let go_on = |leaves: &mut Leaves, view: &View<'_>, _: &mut Scratch, budget: &mut Budget| {
        leaves.go_on(view, budget)
    };
    let found = ask_long(&api, as_of, limits, begin, go_on, move |asked, leaves, done| {
        let mut leaves = leaves.close();
        leaves.retain(|leaf| *leaf >= from_leaf);
        let as_of = v1::AsOf { tree_size: asked.view.as_of, date_ms: date(&asked.view) };
        Ok((as_of, leaves, summary(asked, done)))
    });
    let (as_of, leaves, summary) = found.await?;
    let deadline = Instant::now() + time;
    let open = Open {
        api,
        as_of,
        leaves,
        next: 0,
        rules,
        memory: Memory::default(),
        deadline,
        summary,
        done: false,
    };
    // Ends: each slice judges at least one record, and the last one sets `done`.
    Ok(stream::unfold(open, |mut open| async move {
        if open.done {
            return None;
        }
        let part = slice(&mut open).await;
        open.done |= part.is_err();
        Some((part, open))
    }))
}

fn date(view: &View<'_>) -> u64 {
    if view.date_ms == u64::MAX { 0 } else { view.date_ms }
}

fn summary(asked: &Asked<'_>, complete: bool) -> v1::FindingsSummary {
    let profile = asked.view.profile();
    let terms = ore_findings::Terms::of(profile);
    let lacks = |needs: &&(Rule, &str)| terms.missing(&[needs.1]).next().is_some();
    v1::FindingsSummary {
        basis: Some(asked.basis(complete)),
        not_judged: NEEDS.iter().filter(lacks).map(|(rule, list)| format!("{}: {list}", rule.id())).collect(),
        profile_version: profile.map_or(0, |profile| profile.version),
        ..v1::FindingsSummary::default()
    }
}

/// One part: as many records as fit into a slice.
async fn slice(open: &mut Open) -> Result<v1::FindingsResponse, Status> {
    let memory = std::mem::take(&mut open.memory);
    let leaves = std::mem::take(&mut open.leaves);
    let (next, rules) = (open.next, open.rules.clone());
    let api = Arc::clone(&open.api);
    let judged = ask(&api, Some(open.as_of), None, move |api, asked, scratch| {
        let done = judge(api, &asked, scratch, memory, &leaves[next..], &rules);
        Ok((done, leaves))
    });
    let (done, leaves) = judged.await?;
    open.memory = done.memory;
    open.leaves = leaves;
    open.next += done.records;
    open.summary.records += done.records as u64;
    open.summary.findings += done.findings.len() as u64;
    let severe = done.findings.iter().filter(|it| it.severity() == v1::FindingSeverity::Severe).count();
    open.summary.severe += severe as u64;
    let rest = open.leaves.get(open.next).copied();
    let late = rest.is_some() && Instant::now() >= open.deadline;
    if done.short {
        let leaf = open.leaves.get(open.next.saturating_sub(1)).copied().unwrap_or_default();
        let why =
            format!("the record at leaf {leaf} takes more work than a record may and was judged in part");
        cut(&mut open.summary, rest, v1::CutShort::Lots, &why);
    } else if late {
        cut(&mut open.summary, rest, v1::CutShort::Time, "the limit of time cut this answer short");
    }
    open.done = rest.is_none() || done.short || late;
    let summary = open.done.then(|| open.summary.clone());
    Ok(v1::FindingsResponse { findings: done.findings, summary })
}

fn cut(summary: &mut v1::FindingsSummary, rest: Option<u32>, how: v1::CutShort, why: &str) {
    summary.next_leaf = rest.unwrap_or(0).into();
    let basis = summary.basis.get_or_insert_default();
    basis.cut_short = how.into();
    basis.note = match rest {
        Some(_) => format!("{why}; go on from next_leaf"),
        None => why.to_owned(),
    };
}

struct Judged {
    memory: Memory,
    findings: Vec<v1::Finding>,
    records: usize,
    short: bool,
}

fn judge(
    api: &Api,
    asked: &Asked<'_>,
    scratch: &mut Scratch,
    memory: Memory,
    leaves: &[u32],
    rules: &BTreeSet<Rule>,
) -> Judged {
    let begun = Instant::now();
    let signatures = rules.contains(&Rule::S1);
    let strict = |leaf: u32| if signatures { api.ledger.audit.strict(&api.ledger, leaf) } else { None };
    let mut judge = Judge::new(asked.view, scratch, &strict, Budget::new(SLICE_UNITS), memory);
    let (mut findings, mut records) = (Vec::new(), 0);
    for leaf in leaves {
        let found = judge.judge(*leaf);
        // Those before it used the budget up: it has the next one for itself.
        if judge.is_short() && records > 0 {
            return Judged { memory: judge.into_memory(), findings, records, short: false };
        }
        let Some(found) = found else { break };
        records += 1;
        findings.extend(found.iter().filter(|it| rules.contains(&it.rule)).map(|it| finding(asked, it)));
        if judge.is_short() || findings.len() >= PART || begun.elapsed() >= SLICE {
            break;
        }
    }
    let short = judge.is_short();
    Judged { memory: judge.into_memory(), findings, records, short }
}

fn finding(asked: &Asked<'_>, found: &Finding) -> v1::Finding {
    let quantity = |number: &ore_findings::Number| v1::Quantity {
        name: number.name.to_owned(),
        value: i64::try_from(number.value).unwrap_or(if number.value < 0 { i64::MIN } else { i64::MAX }),
        unit: number.unit.to_owned(),
    };
    let others = found.records.iter().filter(|leaf| **leaf != found.leaf).take(NAMES - 1);
    let severity = match found.rule.severity() {
        Severity::Plain => v1::FindingSeverity::Plain,
        Severity::Severe => v1::FindingSeverity::Severe,
    };
    v1::Finding {
        rule: found.rule.id().to_owned(),
        version: found.rule.version(),
        severity: severity.into(),
        title: found.rule.title().to_owned(),
        message: found.message.clone(),
        clears: found.clears.to_owned(),
        lots: found.lots.iter().take(NAMES).map(|lot| asked.lot_id(*lot)).collect(),
        facility: asked.text(found.facility),
        member: asked.text(found.member),
        records: std::iter::once(&found.leaf).chain(others).map(|leaf| asked.record_id(*leaf)).collect(),
        numbers: found.numbers.iter().map(quantity).collect(),
        threshold: found.threshold.as_ref().map(quantity),
        leaf_index: found.leaf.into(),
        event_time_ms: asked.view.entry(found.leaf).map_or(0, |entry| entry.event_ms),
    }
}

/// Findings of records as they become durable.
///
/// # Errors
/// `INVALID_ARGUMENT`.
pub(super) fn watch(
    api: Arc<Api>,
    request: v1::WatchFindingsRequest,
) -> Result<impl Stream<Item = Result<v1::FindingsResponse, Status>> + Send + use<>, Status> {
    let newest = api.ledger.newest.subscribe();
    let size = api.ledger.tree_size();
    let rules = rules_of(&request.rules)?;
    let next = if request.from_tree_size == 0 { size } else { request.from_tree_size };
    let state = (api, newest, next, rules);
    // Ends when the node stops or the caller goes away; each turn waits for a block or judges leaves.
    Ok(stream::unfold(Some(state), |state| async move {
        let (api, mut newest, next, rules) = state?;
        if newest.wait_for(|newest| newest.tree_size > next).await.is_err() {
            return None;
        }
        match new_findings(&api, next, rules.clone()).await {
            Ok((part, next)) => Some((Ok(part), Some((api, newest, next, rules)))),
            Err(error) => Some((Err(error), None)),
        }
    }))
}

async fn new_findings(
    api: &Arc<Api>,
    first: u64,
    rules: BTreeSet<Rule>,
) -> Result<(v1::FindingsResponse, u64), Status> {
    ask(api, None, None, move |api, asked, scratch| {
        let start = u32::try_from(first).unwrap_or(u32::MAX);
        let end = u32::try_from(asked.view.as_of).unwrap_or(u32::MAX);
        let leaves: Vec<u32> = (start..end).collect();
        let done = judge(api, &asked, scratch, Memory::default(), &leaves, &rules);
        // A record that spends a whole slice is left incomplete rather than met for ever.
        let next = first + (done.records as u64).max(u64::from(done.short));
        let turns = |leaf: &u32| {
            asked.view.entry(*leaf).is_some_and(|entry| {
                matches!(
                    entry.fact,
                    Fact::Profile(_)
                        | Fact::Attest(_)
                        | Fact::ChangeAttestation { .. }
                        | Fact::Withdraw { .. }
                )
            })
        };
        let mut summary = summary(&asked, !done.short);
        summary.records = done.records as u64;
        summary.findings = done.findings.len() as u64;
        let severe = done.findings.iter().filter(|it| it.severity() == v1::FindingSeverity::Severe).count();
        summary.severe = severe as u64;
        summary.ask_again = leaves[..done.records].iter().any(turns);
        summary.next_leaf = next;
        Ok((v1::FindingsResponse { findings: done.findings, summary: Some(summary) }, next))
    })
    .await
}
