//! A lot's history as an EPCIS document: what happened to it and to everything that it was made of.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    path::Path,
};

use futures::{StreamExt, stream};
use ore_client::Ledger;
use ore_epcis::{Directory, Instant, export, json::Value};
use ore_record::{RecordId, SignedRecord, draft, v1::record::Event};

use crate::{
    context::Context,
    failure::{Failure, Outcome},
    output,
    post::engine::failure,
    verbs::sign::now_ms,
};

/// Most records of one document.
const MOST_RECORDS: usize = 100_000;
/// Most lots whose histories are asked for.
const MOST_LOTS: usize = 10_000;
/// Questions for histories in flight.
const AT_ONCE: usize = 16;

pub(crate) async fn run(context: &Context, lot: &str, file: Option<&Path>) -> Outcome {
    let ledger = context.connect().await?;
    let records = history(&ledger, lot).await?;
    let directory = Directory::new(&ledger.trust().origin);
    let text = document(lot, &records, &directory)?;
    output::note(format!(
        "{} records, each with its signature verified; that none is missing `oreledger bundle {lot}` proves",
        records.len()
    ));
    match file {
        None => output::data(&text),
        Some(path) => std::fs::write(path, text + "\n").map_err(|e| Failure::file("write", path, &e)),
    }
}

/// The records of a lot and of its ancestors, by their leaf in the log.
async fn history(ledger: &Ledger, lot: &str) -> Result<Vec<SignedRecord>, Failure> {
    let too_many = || {
        Failure::refused(
            format_args!("the history of {lot} is longer than one document may be"),
            "export the whole log instead: `oreledger export FILE.jsonl`",
        )
    };
    let mut records: BTreeMap<u64, SignedRecord> = BTreeMap::new();
    let mut seen = BTreeSet::from([lot.to_owned()]);
    let mut generation = vec![lot.to_owned()];
    while !generation.is_empty() {
        let questions = generation.into_iter().map(|lot| async move {
            let items = ledger.history(&lot, MOST_RECORDS).await.map_err(failure)?;
            Ok::<_, Failure>((lot, items))
        });
        let mut answers = stream::iter(questions).buffer_unordered(AT_ONCE);
        let mut before = Vec::new();
        while let Some(answer) = answers.next().await {
            let (lot, items) = answer?;
            for item in items {
                let made = draft::new_lots(item.record.record()).iter().any(|new| new.lot == lot);
                if let (true, Event::Transform(transform)) = (made, item.record.event()) {
                    let inputs = transform.inputs.iter().filter_map(|input| input.lot.as_ref());
                    let inputs = inputs.map(|input| input.lot.clone());
                    before.extend(inputs.filter(|input| seen.insert(input.clone())));
                }
                records.insert(item.leaf_index, item.record);
            }
            if records.len() > MOST_RECORDS || seen.len() > MOST_LOTS {
                return Err(too_many());
            }
        }
        generation = before;
    }
    if records.is_empty() {
        return Err(Failure::refused(
            format_args!("there is no lot {lot}"),
            "`oreledger lot list` shows the lots",
        ));
    }
    Ok(records.into_values().collect())
}

fn document(lot: &str, records: &[SignedRecord], directory: &Directory) -> Result<String, Failure> {
    let by_id: HashMap<RecordId, &SignedRecord> =
        records.iter().map(|record| (record.id(), record)).collect();
    let now = i64::try_from(now_ms()).unwrap_or_default();
    let id = format!("{}/epcis", directory.lot_uri(lot));
    let mut text = export::head(&id, Instant::from_ms(now));
    let mut first = true;
    for record in records {
        let withdrawn = export::withdrawn_id(record.record()).and_then(|id| by_id.get(&id));
        let Some(event) = export::record(record, withdrawn.map(|old| old.record()), directory) else {
            continue;
        };
        if !first {
            text.push(',');
        }
        first = false;
        text.push_str(&Value::Object(event).write());
    }
    text.push_str(export::TAIL);
    // Checked before anybody else has to.
    let survey = ore_epcis::survey(text.as_bytes());
    let fault = survey.map_or_else(
        |refusal| Some(refusal.to_string()),
        |found| found.faults.first().map(ToString::to_string),
    );
    match fault {
        None => Ok(text),
        Some(fault) => {
            Err(Failure::verification(format_args!("the document is not valid: {fault}"), "tell us"))
        }
    }
}
