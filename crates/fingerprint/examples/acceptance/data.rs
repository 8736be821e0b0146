//! The benchmark's tables, as its README describes them.

use std::{collections::BTreeMap, path::Path};

use anyhow::{Context, Result};
use ore_fingerprint::{
    element::{ELEMENTS, Element},
    library::Reference,
    pattern::{Logs, Pattern, Reading},
};

/// One row of a table.
#[derive(Clone, Debug)]
pub(crate) struct Spot {
    pub(crate) row: String,
    pub(crate) barren: bool,
    pub(crate) metal: String,
    pub(crate) reference: Reference,
}

impl Spot {
    pub(crate) fn logs(&self) -> Logs {
        self.reference.pattern.logs()
    }

    pub(crate) fn complete(&self) -> bool {
        self.logs().complete().is_some()
    }
}

/// All tables of the deposit benchmark.
#[derive(Clone, Debug)]
pub(crate) struct Tables {
    pub(crate) train: Vec<Spot>,
    pub(crate) heldout: Vec<Spot>,
    pub(crate) background: Vec<Spot>,
    pub(crate) openset: Vec<Spot>,
    pub(crate) misaligned: Vec<Spot>,
}

impl Tables {
    pub(crate) fn read(folder: &Path) -> Result<Self> {
        // The public benchmark, or the synthetic tables of the same layout.
        let inner = ["zircon_deposit", "synthetic_deposit"].map(|name| folder.join(name));
        let inner = inner.iter().find(|path| path.is_dir()).context("no zircon_deposit in the folder")?;
        let table = |name: &str| spots(&inner.join(name));
        Ok(Self {
            train: table("train.csv")?,
            heldout: table("heldout.csv")?,
            background: table("background.csv")?,
            openset: table("openset.csv")?,
            misaligned: table("qc_misaligned.csv")?,
        })
    }
}

/// A table by column names.
pub(crate) struct Table {
    pub(crate) columns: BTreeMap<String, usize>,
    pub(crate) rows: Vec<csv::StringRecord>,
}

impl Table {
    pub(crate) fn read(path: &Path) -> Result<Self> {
        let mut reader = csv::Reader::from_path(path).with_context(|| format!("read {}", path.display()))?;
        let columns = reader.headers()?.iter().enumerate().map(|(i, name)| (name.to_owned(), i)).collect();
        let rows = reader.records().collect::<Result<_, _>>()?;
        Ok(Self { columns, rows })
    }

    pub(crate) fn text<'a>(&self, row: &'a csv::StringRecord, column: &str) -> &'a str {
        self.columns.get(column).and_then(|i| row.get(*i)).unwrap_or_default()
    }

    pub(crate) fn number(&self, row: &csv::StringRecord, column: &str) -> Option<f64> {
        self.text(row, column).parse().ok()
    }

    pub(crate) fn pattern(&self, row: &csv::StringRecord) -> Pattern {
        let mut ppm = [0.0; ELEMENTS];
        let mut pattern = Pattern::default();
        for element in Element::all() {
            // Empty: not measured. Zero: below a limit that was not reported.
            if let Some(value) = self.number(row, element.symbol()) {
                ppm[element.index()] = value;
                let reading = if value > 0.0 {
                    Reading::Value { amount: value, rsd: None }
                } else {
                    Reading::Below(None)
                };
                pattern = pattern.with(element, reading);
            }
        }
        pattern
    }
}

fn spots(path: &Path) -> Result<Vec<Spot>> {
    let table = Table::read(path)?;
    let spot = |row: &csv::StringRecord| Spot {
        row: table.text(row, "row").to_owned(),
        barren: table.text(row, "metal") == "none",
        metal: table.text(row, "metal").to_owned(),
        reference: Reference {
            origin: table.text(row, "deposit").to_owned(),
            sample: table.text(row, "sample").to_owned(),
            campaign: table.text(row, "reference").to_owned(),
            pattern: table.pattern(row),
        },
    };
    Ok(table.rows.iter().map(spot).collect())
}

/// Complete spots by sample, in the order of names.
pub(crate) fn by_sample(spots: &[Spot]) -> BTreeMap<(String, String), Vec<Logs>> {
    let mut samples: BTreeMap<(String, String), Vec<Logs>> = BTreeMap::new();
    for spot in spots.iter().filter(|spot| spot.complete()) {
        let key = (spot.reference.origin.clone(), spot.reference.sample.clone());
        samples.entry(key).or_default().push(spot.logs());
    }
    samples
}

pub(crate) fn references(spots: &[Spot]) -> Vec<Reference> {
    spots.iter().map(|spot| spot.reference.clone()).collect()
}
