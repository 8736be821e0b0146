//! `oreledger bench generate`: a made-up supply chain, in memory with its known answers, or signed as a new ledger.

use std::{
    io::{BufWriter, Write},
    path::{Path, PathBuf},
    time::Instant,
};

use ore_generate::{Memory, Signed, cast, founding_records, generate, key_of, profile, violate};
use ore_node::{Consortium, NodeKeys, genesis};
use ore_record::{SignedRecord, v1::ChangeValidators};
use serde_json::json;

use crate::{
    context::{KEYS_FOLDER, URL_FILE},
    failure::{Failure, Outcome},
    keyfile, output,
};

/// Name of a made-up ledger.
const ORIGIN: &str = "story.oreledger.example/made-up";
/// In the folder of a made-up ledger: its records after genesis, each after its length as four bytes, big endian.
pub(crate) const RECORDS_FILE: &str = "story.records";
/// Genesis of every story.
const START_MS: u64 = 1_577_836_800_000;
/// Stories that are signed: a signature takes some 20 µs and a record half a kilobyte.
const MOST_SIGNED: u64 = 1_000_000;

/// What to make up.
pub(crate) struct Wanted<'a> {
    pub(crate) lots: u64,
    pub(crate) seed: u64,
    pub(crate) violations: bool,
    pub(crate) out: Option<&'a Path>,
    pub(crate) json: bool,
}

pub(crate) fn run(wanted: &Wanted<'_>) -> Outcome {
    let begin = Instant::now();
    let (answers, labels, bytes) = match wanted.out {
        None => {
            let mut memory = Memory::new(&cast(), profile());
            let (answers, now_ms) = generate(&mut memory, wanted.seed, wanted.lots);
            let labels =
                if wanted.violations { violate(&mut memory, wanted.seed, now_ms) } else { Vec::new() };
            let labels = labels.iter().map(|it| (it.rule, Memory::leaf(&it.record).to_string())).collect();
            (answers, labels, memory.graph.bytes_in_use())
        }
        Some(dir) => signed(wanted, dir)?,
    };
    let seconds = begin.elapsed().as_secs_f64();
    if wanted.json {
        let labels: Vec<_> =
            labels.iter().map(|(rule, record)| json!({ "rule": rule, "record": record })).collect();
        let known: Vec<_> = answers
            .known
            .iter()
            .map(|it| {
                let shares = it.shares.iter().map(|(country, share)| ((*country).to_owned(), json!(share)));
                json!({ "lot": it.lot, "shares_of_2_60": shares.collect::<serde_json::Map<_, _>>() })
            })
            .collect();
        return output::json(&json!({
            "lots": answers.lots, "records": answers.records, "seed": wanted.seed, "seconds": seconds,
            "mined_ta_pg": answers.mined_ta_pg.to_string(),
            "post_consumer_ta_pg": answers.post_consumer_ta_pg.to_string(),
            "recovered_ta_pg": answers.recovered_ta_pg.to_string(), "bytes": bytes,
            "violations": labels, "known": known,
        }));
    }
    let what = if wanted.out.is_some() { "bytes of records" } else { "bytes of graph" };
    let mut text = format!(
        "{} lots in {} records, seed {}, {seconds:.1} s, {} {what}\n",
        output::thousands(answers.lots),
        output::thousands(answers.records),
        wanted.seed,
        output::thousands(bytes as u64)
    );
    for (name, pg) in [
        ("tantalum mined", answers.mined_ta_pg),
        ("tantalum taken back after use", answers.post_consumer_ta_pg),
        ("recovered of it", answers.recovered_ta_pg),
    ] {
        let mg = u64::try_from(pg / 1_000_000_000).unwrap_or(u64::MAX);
        text.push_str(&format!("  {name:<30} {}\n", output::mass(mg)));
    }
    for (rule, record) in labels {
        text.push_str(&format!("  breaks {rule:<4} {record}\n"));
    }
    output::data(&text)
}

type Told = (ore_generate::Answers, Vec<(&'static str, String)>, usize);

/// A ledger's folder: genesis, keys of everybody, node.toml, and the records to load.
fn signed(wanted: &Wanted<'_>, dir: &Path) -> Result<Told, Failure> {
    if wanted.lots > MOST_SIGNED {
        return Err(Failure::usage(
            "so many lots are not signed",
            "leave out --out, or ask for at most 1000000",
        ));
    }
    if dir.join("consortium.toml").exists() {
        return Err(Failure::refused(
            format_args!("{} holds a ledger already", dir.display()),
            "choose another folder; a ledger is never overwritten",
        ));
    }
    let broken = |error: &dyn std::error::Error| Failure::usage(error, "check the folder and its disk");
    let keys = NodeKeys::generate().map_err(|error| broken(&error))?;
    let validators =
        ChangeValidators { validators: vec![keys.validator("authority", "127.0.0.1:8721")], rules: 0 };
    let records = founding_records(ORIGIN, &cast(), profile(), validators);
    let genesis = genesis::build(ORIGIN, START_MS, records).map_err(|error| broken(&error))?;
    let consortium =
        Consortium::of_genesis(ORIGIN, genesis.id, &genesis.validators).map_err(|error| broken(&error))?;
    let listen = ([127, 0, 0, 1], 8720).into();
    let admin = ([127, 0, 0, 1], 8722).into();
    genesis::install(dir, &genesis, &consortium, &keys, "authority", listen, admin)
        .map_err(|error| broken(&error))?;
    for member in &cast().members {
        let pem = keyfile::to_pem(&key_of(&member.id), None)?;
        keyfile::store(&dir.join(KEYS_FOLDER).join(format!("{}.pem", member.id)), &pem)?;
    }
    let write = |path: &PathBuf, text: &str| {
        std::fs::write(path, text).map_err(|error| Failure::file("write", path, &error))
    };
    write(&dir.join(URL_FILE), "http://127.0.0.1:8720\n")?;
    let path = dir.join(RECORDS_FILE);
    let wrong = |error: std::io::Error| Failure::file("write", &path, &error);
    let mut file = BufWriter::new(std::fs::File::create(&path).map_err(wrong)?);
    let (mut bytes, mut failed) = (0, None);
    let mut sink = Signed::new(ORIGIN, |record: SignedRecord, _| {
        let entry = record.entry();
        bytes += entry.len() + 4;
        let length = u32::try_from(entry.len()).unwrap_or(u32::MAX).to_be_bytes();
        let written = file.write_all(&length).and_then(|()| file.write_all(&entry));
        if let Err(error) = written {
            failed.get_or_insert(error);
        }
    });
    let (answers, now_ms) = generate(&mut sink, wanted.seed, wanted.lots);
    let labels = if wanted.violations { violate(&mut sink, wanted.seed, now_ms) } else { Vec::new() };
    drop(sink);
    failed.map_or_else(|| file.flush(), Err).map_err(wrong)?;
    let hex = |id: &[u8; 32]| id.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    let labels = labels.iter().map(|it| (it.rule, hex(&it.record))).collect();
    Ok((answers, labels, bytes))
}

/// The records of a made-up ledger, as they were signed.
pub(crate) fn read(path: &Path) -> Result<Vec<SignedRecord>, Failure> {
    let bytes = std::fs::read(path).map_err(|error| Failure::file("read", path, &error))?;
    let wrong = || Failure::usage(format_args!("{} ends amid a record", path.display()), "make it anew");
    let (mut records, mut rest) = (Vec::new(), bytes.as_slice());
    while !rest.is_empty() {
        let (length, tail) = rest.split_first_chunk::<4>().ok_or_else(wrong)?;
        let (entry, tail) = tail.split_at_checked(u32::from_be_bytes(*length) as usize).ok_or_else(wrong)?;
        records.push(SignedRecord::decode(entry).map_err(|error| Failure::usage(error, "make it anew"))?);
        rest = tail;
    }
    Ok(records)
}
