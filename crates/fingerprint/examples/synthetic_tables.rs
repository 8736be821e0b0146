//! Writes SYNTHETIC tables in the layout of the acceptance benchmark, so that its protocols run for everybody.
//!
//! `cargo run -p ore-fingerprint --release --example synthetic_tables -- <folder>`

use std::{fmt::Write as _, fs, path::PathBuf};

use anyhow::{Context, Result};
use ore_fingerprint::{
    element::Element,
    library::Reference,
    synthetic::{Place, sample},
};

/// Twenty-six origins: four samples each to learn from (104, enough to recalibrate), three held out.
const SEED: u64 = 2024;
const ORIGINS: usize = 26;
const TRAINED: usize = 4;
const SPOTS: usize = 7;
const OTHERS: usize = 16;

fn main() -> Result<()> {
    let folder: PathBuf = std::env::args_os().nth(1).context("say where to write")?.into();
    for (name, text) in tables() {
        fs::write(folder.join(name), text).with_context(|| format!("write {name}"))?;
    }
    Ok(())
}

/// File name and content of each table.
pub(crate) fn tables() -> [(&'static str, String); 5] {
    let origins = |samples: std::ops::Range<usize>| -> Vec<Reference> {
        (0..ORIGINS)
            .flat_map(|k| samples.clone().flat_map(move |n| sample(SEED, Place::Origin(k), n, SPOTS)))
            .collect()
    };
    let others = |place: fn(usize) -> Place| -> Vec<Reference> {
        (0..OTHERS).flat_map(|k| (0..2).flat_map(move |n| sample(SEED, place(k), n, 6))).collect()
    };
    [
        ("train.csv", table("T", &origins(0..TRAINED), 0)),
        ("heldout.csv", table("H", &origins(TRAINED..TRAINED + 3), 0)),
        ("background.csv", table("B", &others(Place::Background), 0)),
        ("openset.csv", table("O", &others(Place::Elsewhere), 0)),
        // Columns shifted by three, as in a spreadsheet that went wrong.
        ("qc_misaligned.csv", table("Q", &sample(SEED, Place::Elsewhere(0), 9, 24), 3)),
    ]
}

fn table(prefix: &str, references: &[Reference], shift: usize) -> String {
    let symbols: Vec<&str> = Element::all().map(Element::symbol).collect();
    let mut text = format!("row,metal,deposit,sample,reference,{}\n", symbols.join(","));
    for (number, reference) in references.iter().enumerate() {
        let Reference { origin, sample, campaign, pattern } = reference;
        let _ = write!(text, "{prefix}{number:04},S,{origin},{sample},\"{campaign}\"");
        for i in 0..symbols.len() {
            let ppm = Element::at((i + shift) % symbols.len()).and_then(|element| pattern.ppm(element));
            let _ = write!(text, ",{}", five_digits(ppm.unwrap_or(0.0)));
        }
        text.push('\n');
    }
    text
}

/// Five significant digits without an exponent.
fn five_digits(ppm: f64) -> String {
    let before = ppm.log10().floor() as i32;
    let decimals = usize::try_from(4 - before).unwrap_or(0);
    format!("{ppm:.decimals$}")
}
