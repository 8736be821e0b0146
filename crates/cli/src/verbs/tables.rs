//! `oreledger export --parquet`: the ledger as tables.
//!
//! The log is read twice: once for what was withdrawn, so that no row is taken for a fact that is none,
//! and once for the rows. Both readings end at the size of the first, and both verify: all entries hash to
//! the cosigned root. Shares and findings are the node's answers.

use std::{
    collections::BTreeSet,
    fs::{self, File},
    io::{self, BufWriter},
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use futures::StreamExt;
use ore_client::{ClientError, Ledger};
use ore_record::{RecordId, SignedRecord, elements, v1::record::Event};
use ore_tables::{Export, FindingRow, ShareRow, Shelf, Step, TableError};
use ore_wire::v1;
use serde_json::json;

use crate::{
    context::Context,
    failure::{Failure, Outcome},
    output::{self, thousands},
    post::engine::failure,
};

/// Elements below this have no shares: 1 %.
const LEAST_PPB: u32 = 10_000_000;
/// Lots that are read at once.
const LOTS_AT_ONCE: usize = 1_000;
/// Questions for shares in flight.
const AT_ONCE: usize = 8;
/// How long a node that is busy is asked again.
const PATIENCE: Duration = Duration::from_secs(600);

/// Files below a folder.
struct Folder(PathBuf);

impl Shelf for Folder {
    type File = BufWriter<File>;

    fn make(&mut self, path: &str) -> io::Result<Self::File> {
        let path = self.0.join(path);
        fs::create_dir_all(path.parent().unwrap_or(&self.0))?;
        File::create_new(path).map(BufWriter::new)
    }

    fn done(&mut self, file: Self::File) -> io::Result<()> {
        file.into_inner().map_err(io::IntoInnerError::into_error)?.sync_all()
    }
}

/// Writes every table below `dir`, which must be new or empty.
pub(crate) async fn parquet(context: &Context, dir: &Path) -> Outcome {
    if fs::read_dir(dir).is_ok_and(|mut entries| entries.next().is_some()) {
        return Err(Failure::usage(
            format_args!("{} is not empty", dir.display()),
            "name a new folder: a query over old and new files together would count things twice",
        ));
    }
    fs::create_dir_all(dir).map_err(|e| Failure::file("make", dir, &e))?;
    let ledger = context.connect().await?;
    let (withdrawn, size) = withdrawn(&ledger).await?;
    let mut export = Export::begin(Folder(dir.to_owned()), withdrawn);
    let mut trouble = None;
    each_record(&ledger, |leaf, record| {
        if leaf < size && trouble.is_none() {
            let step = Step { leaf_index: leaf, id: record.id(), record: record.record() };
            trouble = export.record(&step).err();
        }
    })
    .await?;
    if let Some(error) = trouble {
        return Err(of_table(dir, &error));
    }
    shares(&ledger, &mut export, dir).await?;
    findings(&ledger, &mut export, dir).await?;
    let counts = export.end().map_err(|error| of_table(dir, &error))?;
    output::note(
        "verified: all entries together hash to the cosigned root; shares and findings are the node's word",
    );
    if context.json {
        let counts: serde_json::Map<_, _> =
            counts.into_iter().map(|(table, rows)| (table.to_owned(), rows.into())).collect();
        return output::json(
            &json!({ "folder": dir.display().to_string(), "entries": size, "rows": counts }),
        );
    }
    let rows: Vec<Vec<String>> =
        counts.into_iter().map(|(table, rows)| vec![table.to_owned(), thousands(rows)]).collect();
    output::data(&output::table(&rows, &[1]))
}

fn of_table(dir: &Path, error: &TableError) -> Failure {
    let cause = std::error::Error::source(error).map_or_else(String::new, |cause| format!(": {cause}"));
    Failure::usage(
        format_args!("export to {}: {error}{cause}", dir.display()),
        "free some space or choose another folder, and run the command again with an empty one",
    )
}

/// Every record of the log that is no seal, in order.
async fn each_record(ledger: &Ledger, mut each: impl FnMut(u64, &SignedRecord)) -> Result<u64, Failure> {
    let mut bad = None;
    let signed = ledger
        .whole_log(|leaf, entry| match SignedRecord::decode(entry) {
            Ok(record) if !record.is_seal() => each(leaf, &record),
            Ok(_) => {}
            Err(_) => bad = Some(leaf),
        })
        .await
        .map_err(failure)?;
    match bad {
        None => Ok(signed.unverified().size().get()),
        Some(leaf) => Err(Failure::verification(
            format_args!("the entry at leaf {leaf} is no record"),
            "run `oreledger fsck` on the node",
        )),
    }
}

/// Records that were withdrawn, and the size of the log that they are known for.
async fn withdrawn(ledger: &Ledger) -> Result<(BTreeSet<RecordId>, u64), Failure> {
    let mut named = BTreeSet::new();
    let size = each_record(ledger, |_, record| {
        if let Event::Withdraw(withdraw) = record.event()
            && let Ok(id) = RecordId::try_from(withdraw.record.as_slice())
        {
            named.insert(id);
        }
    })
    .await?;
    Ok((named, size))
}

async fn shares(ledger: &Ledger, export: &mut Export<Folder>, dir: &Path) -> Outcome {
    let mut page_token = String::new();
    loop {
        let (lots, next) = ledger.lots_page("", LOTS_AT_ONCE, page_token).await.map_err(failure)?;
        shares_of(ledger, &lots, export, dir).await?;
        if next.is_empty() {
            return Ok(());
        }
        page_token = next;
    }
}

async fn shares_of(ledger: &Ledger, lots: &[v1::Lot], export: &mut Export<Folder>, dir: &Path) -> Outcome {
    // A lot that was withdrawn and made anew is listed twice; its id means the new one.
    let standing = lots.iter().filter(|lot| lot.status() != ore_record::v1::LotStatus::Void);
    let questions = standing.flat_map(|lot| {
        let elements = lot.composition.iter().filter(|content| content.ppb >= LEAST_PPB);
        elements.map(move |content| (lot, content.element))
    });
    let answers = questions.map(|(lot, element)| async move {
        let ask = || {
            let lot = lot.lot.clone();
            ledger.attribute(v1::AttributeRequest { lot, element, ..v1::AttributeRequest::default() })
        };
        (lot, element, patiently(&format!("shares of {}", lot.lot), ask).await)
    });
    let mut answers = futures::stream::iter(answers).buffered(AT_ONCE);
    while let Some((lot, element, answer)) = answers.next().await {
        let answer = answer?;
        for origin in &answer.origins {
            let share = origin.share.unwrap_or_default();
            let from = origin.origin.clone().unwrap_or_default();
            let row = ShareRow {
                lot: &lot.lot,
                element: elements::symbol(element).unwrap_or_default(),
                kind: from.kind(),
                source: &from.source,
                country: &from.country,
                route: from.route(),
                generation: from.generation,
                share: [share.value_e18, share.lower_e18, share.upper_e18],
                mg: origin.mg,
                tree_size: answer.tree_size,
            };
            export.share(&row).map_err(|error| of_table(dir, &error))?;
        }
    }
    Ok(())
}

/// Asks a node that is busy again when it says: its index may be behind, or others ask too.
async fn patiently<T, A>(what: &str, mut ask: impl FnMut() -> A) -> Result<T, Failure>
where
    A: Future<Output = Result<T, ClientError>>,
{
    let end = Instant::now() + PATIENCE;
    loop {
        match ask().await {
            Err(ClientError::Later { after, .. }) if Instant::now() < end => {
                tokio::time::sleep(after.clamp(Duration::from_millis(50), Duration::from_secs(5))).await;
            }
            answer => {
                return answer.map_err(|error| {
                    let Failure { kind, message, hint } = failure(error);
                    Failure::new(kind, format_args!("{what}: {message}"), hint)
                });
            }
        }
    }
}

async fn findings(ledger: &Ledger, export: &mut Export<Folder>, dir: &Path) -> Outcome {
    let ask = || ledger.findings(v1::FindingsRequest { all: true, ..v1::FindingsRequest::default() });
    for finding in patiently("findings", ask).await?.findings {
        let set_off = finding.records.first().and_then(|id| RecordId::try_from(id.as_ref()).ok());
        let record = set_off.map_or_else(String::new, |id| id.to_string());
        let row = FindingRow {
            rule: &finding.rule,
            version: finding.version,
            severe: finding.severity() == v1::FindingSeverity::Severe,
            title: &finding.title,
            message: &finding.message,
            clears: &finding.clears,
            lots: &finding.lots,
            facility: &finding.facility,
            member: &finding.member,
            record: &record,
            leaf_index: finding.leaf_index,
            event_time_ms: finding.event_time_ms,
        };
        export.finding(&row).map_err(|error| of_table(dir, &error))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::{cell::Cell, time::Duration};

    use ore_client::ClientError;

    use super::patiently;

    #[tokio::test]
    async fn a_busy_node_is_asked_again_and_another_error_ends_it() {
        let asked = Cell::new(0);
        let answer = patiently("shares", || {
            asked.set(asked.get() + 1);
            let after = Duration::from_millis(1);
            let busy = ClientError::Later { after, message: "the index is behind".to_owned() };
            std::future::ready(if asked.get() < 3 { Err(busy) } else { Ok(7) })
        });
        assert_eq!((answer.await.ok(), asked.get()), (Some(7), 3));
        let gone = || std::future::ready(Err::<(), _>(ClientError::NotFound("no lot".to_owned())));
        assert!(
            patiently("shares", gone).await.is_err_and(|failure| failure.message.starts_with("shares: "))
        );
    }
}
