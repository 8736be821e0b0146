//! `oreledger bench`: load on a running ledger, with the percentiles of every single call.
//!
//! Records are real: new lots of unknown origin by the acting member. Signing is done before the
//! clock starts; nothing is averaged away.

use std::time::{Duration, Instant};

use clap::{Args, ValueEnum};
use futures::StreamExt;
use ore_client::{Answer, Ledger};
use ore_record::{
    SignedRecord, draft,
    v1::{Commission, CommissionKind, CustodyModel, Mass, MassBasis, MaterialClass, NewLot, Record},
};
use ore_wire::v1::Stage;
use serde_json::{Value, json};

use super::{generate, sign::now_ms, trace};
use crate::{
    context::Context,
    failure::{Failure, Outcome},
    keyfile, output,
    post::engine::failure,
};

#[derive(Args, Debug)]
pub(crate) struct Bench {
    /// What to measure
    #[arg(value_enum)]
    what: What,
    /// Calls, or records
    #[arg(long, short = 'n', default_value_t = 1_000)]
    count: usize,
    /// Calls at once
    #[arg(long, short, default_value_t = 16)]
    concurrency: usize,
    /// Records in one stream call
    #[arg(long, default_value_t = 1_000)]
    batch: usize,
    /// Facility of the acting member, for new records
    #[arg(long, default_value = "")]
    facility: String,
    /// Lot to trace
    #[arg(long, default_value = "")]
    lot: String,
    /// Lots of a made-up supply chain: in memory to 10,000,000, signed to 1,000,000
    #[arg(long, default_value_t = 10_000)]
    lots: u64,
    /// Seed of a made-up supply chain
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Break each rule once in a made-up supply chain, and say where
    #[arg(long)]
    violations: bool,
    /// Folder for a made-up ledger: genesis, keys, node.toml and the records for `load`
    #[arg(long, value_name = "DIR")]
    out: Option<std::path::PathBuf>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum What {
    /// One record a call, until it is durable
    Unary,
    /// Many records a call, until they are durable
    Stream,
    /// Receipts of new records, each verified here
    Receipt,
    /// One record, then its receipt with a quorum, one after the other
    Quorum,
    /// Shares of a lot
    Trace,
    /// Nothing: make a supply chain up, with known answers
    Generate,
    /// The records of a made-up ledger, from --out, in streams
    Load,
}

pub(crate) async fn run(context: &Context, verb: &Bench) -> Outcome {
    if verb.what == What::Generate {
        return generate::run(&generate::Wanted {
            lots: verb.lots,
            seed: verb.seed,
            violations: verb.violations,
            out: verb.out.as_deref(),
            json: context.json,
        });
    }
    let ledger = context.connect().await?;
    let mut times: Vec<Duration> = Vec::new();
    let begin;
    let mut verb_count = verb.count;
    match verb.what {
        What::Generate => return Ok(()),
        What::Load => {
            let folder = verb.out.clone().unwrap_or_else(|| context.home.clone());
            let records = generate::read(&folder.join(generate::RECORDS_FILE))?;
            begin = Instant::now();
            // One after the other: a story's records build on those before.
            for part in records.chunks(verb.batch.max(1)) {
                let begin = Instant::now();
                let answers = ledger.submit_many(part, Stage::Integrated).await.map_err(failure)?;
                refuse_refusals(&answers)?;
                times.push(begin.elapsed());
            }
            verb_count = records.len();
        }
        What::Trace => {
            let lot = &verb.lot;
            if lot.is_empty() {
                return Err(Failure::usage("no lot to trace", "name one with --lot"));
            }
            let element = trace::ask(&ledger, lot, None, (0, 0)).await?.element;
            begin = Instant::now();
            let mut calls = futures::stream::iter((0..verb.count).map(|_| async {
                let begin = Instant::now();
                let request =
                    ore_wire::v1::AttributeRequest { lot: lot.clone(), element, ..Default::default() };
                ledger.attribute(request).await.map(|_| begin.elapsed())
            }))
            .buffer_unordered(verb.concurrency);
            while let Some(time) = calls.next().await {
                times.push(time.map_err(failure)?);
            }
        }
        What::Stream => {
            let records = records(context, verb, &ledger)?;
            begin = Instant::now();
            let parts: Vec<&[SignedRecord]> = records.chunks(verb.batch.max(1)).collect();
            let mut calls = futures::stream::iter(parts.into_iter().map(|part| async {
                let begin = Instant::now();
                let answers = ledger.submit_many(part, Stage::Integrated).await?;
                Ok::<_, ore_client::ClientError>((begin.elapsed(), answers))
            }))
            .buffer_unordered(verb.concurrency);
            while let Some(call) = calls.next().await {
                let (time, answers) = call.map_err(failure)?;
                refuse_refusals(&answers)?;
                times.push(time);
            }
        }
        What::Quorum => {
            let records = records(context, verb, &ledger)?;
            begin = Instant::now();
            for record in &records {
                let begin = Instant::now();
                let accepted = ledger.submit(record, Stage::Integrated).await.map_err(failure)?;
                ledger.receipt(accepted.id, Duration::from_secs(30)).await.map_err(failure)?;
                times.push(begin.elapsed());
            }
        }
        What::Unary | What::Receipt => {
            let records = records(context, verb, &ledger)?;
            let mut ids = Vec::new();
            let begin_unary = Instant::now();
            {
                let mut calls = futures::stream::iter(records.iter().map(|record| async {
                    let begin = Instant::now();
                    ledger
                        .submit(record, Stage::Integrated)
                        .await
                        .map(|accepted| (begin.elapsed(), accepted.id))
                }))
                .buffer_unordered(verb.concurrency);
                while let Some(call) = calls.next().await {
                    let (time, id) = call.map_err(failure)?;
                    times.push(time);
                    ids.push(id);
                }
            }
            begin = if verb.what == What::Unary { begin_unary } else { Instant::now() };
            if verb.what == What::Receipt {
                times.clear();
                let mut calls = futures::stream::iter(ids.iter().map(|id| async {
                    let begin = Instant::now();
                    ledger.receipt(*id, Duration::from_secs(30)).await.map(|_| begin.elapsed())
                }))
                .buffer_unordered(verb.concurrency);
                while let Some(time) = calls.next().await {
                    times.push(time.map_err(failure)?);
                }
            }
        }
    }
    report(context, verb, verb_count, &mut times, begin.elapsed())
}

fn refuse_refusals(answers: &[Answer]) -> Outcome {
    for answer in answers {
        match answer {
            Answer::Accepted(_) => {}
            Answer::Rejected(rejection) => {
                return Err(Failure::refused(&rejection.message, &rejection.next_step));
            }
            Answer::Malformed { message, .. } => {
                return Err(Failure::refused(message, "report this as a defect"));
            }
            Answer::NotTaken { message, .. } => {
                return Err(Failure::unreachable(message, "use fewer at once: --concurrency, --batch"));
            }
        }
    }
    Ok(())
}

/// Signed before the clock starts.
fn records(context: &Context, verb: &Bench, ledger: &Ledger) -> Result<Vec<SignedRecord>, Failure> {
    let author = context.acting()?.to_owned();
    if verb.facility.is_empty() {
        return Err(Failure::usage(
            "no facility for new lots",
            "name one of the acting member's with --facility",
        ));
    }
    let mut keyring = context.keyring();
    let key = keyring.of(&author)?;
    let run: String = keyfile::random::<5>().iter().map(|byte| format!("{byte:02x}")).collect();
    let now = now_ms();
    (0..verb.count)
        .map(|number| {
            let mut record = lot(format!("{author}/BENCH-{run}-{number}"), &verb.facility, now);
            draft::complete(&mut record, &ledger.trust().origin, &author, keyfile::random());
            SignedRecord::sign(record, key).map_err(|error| Failure::usage(error, "report this as a defect"))
        })
        .collect()
}

fn lot(lot: String, facility: &str, now_ms: u64) -> Record {
    let lot = NewLot {
        lot,
        material: MaterialClass::Concentrate as i32,
        form: "bench".to_owned(),
        mass: Some(Mass {
            dry_mg: 1_000_000,
            basis: MassBasis::Dry as i32,
            unit: "KGM".to_owned(),
            ..Mass::default()
        }),
        facility: facility.to_owned(),
        model: CustodyModel::MassBalance as i32,
        origin_country: "ZZ".to_owned(),
        ..NewLot::default()
    };
    draft::record(
        Commission { kind: CommissionKind::DeclaredUnknown as i32, lot: Some(lot), ..Commission::default() },
        now_ms,
    )
}

fn report(context: &Context, verb: &Bench, count: usize, times: &mut [Duration], whole: Duration) -> Outcome {
    times.sort_unstable();
    let at = |per_mille: usize| {
        // Nearest rank: the smallest time that is not exceeded by this part of the calls.
        let rank = (times.len() * per_mille).div_ceil(1000).max(1);
        times.get(rank - 1).copied().unwrap_or_default()
    };
    let streams = matches!(verb.what, What::Stream | What::Load);
    let done = if streams { count } else { times.len() };
    let rate = done as f64 / whole.as_secs_f64();
    let marks = [("p50", 500), ("p90", 900), ("p99", 990), ("p99.9", 999), ("max", 1000)];
    let what = verb.what.to_possible_value().map_or_else(String::new, |value| value.get_name().to_owned());
    if context.json {
        let percentiles: serde_json::Map<String, Value> = marks
            .iter()
            .map(|(name, mark)| ((*name).to_owned(), json!(at(*mark).as_secs_f64() * 1e3)))
            .collect();
        return output::json(&json!({
            "what": what, "done": done, "calls": times.len(), "concurrency": verb.concurrency,
            "seconds": whole.as_secs_f64(), "per_second": rate, "milliseconds_per_call": percentiles,
        }));
    }
    let mut text = format!(
        "{what}: {done} in {:.2} s, {rate:.0} a second, {} at once ({} calls)\n",
        whole.as_secs_f64(),
        verb.concurrency,
        times.len()
    );
    for (name, mark) in marks {
        text.push_str(&format!("  {name:<6} {:>9.3} ms\n", at(mark).as_secs_f64() * 1e3));
    }
    output::data(&text)
}
