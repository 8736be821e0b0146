//! The auditor's other verbs: balance, circularity, dependence, credits, accounts, chain, footprint.

mod balance;
mod chain;
mod circularity;
mod credits;
mod dependence;

use clap::Args;
use ore_wire::v1::{AsOf, Basis, Period, Ratio};

pub(crate) use self::{
    balance::{Balance, balance},
    chain::{Chain, Footprint, chain, footprint},
    circularity::{Circularity, circularity},
    credits::{Accounts, Credits, accounts, credits},
    dependence::{Dependence, dependence},
};
use crate::{
    failure::Failure,
    output::{self, kilograms, percent},
    verbs::trace::element,
};

/// Which ledger a question is about.
#[derive(Args, Clone, Debug)]
pub(crate) struct When {
    /// As the ledger knew it at this number of entries
    #[arg(long, value_name = "SIZE", default_value_t = 0, hide_default_value = true)]
    as_of: u64,
    /// Only what had happened before the end of this day, whenever it was written down
    #[arg(long, value_name = "DATE", value_parser = day)]
    date: Option<u64>,
}

impl From<&When> for AsOf {
    fn from(when: &When) -> Self {
        Self { tree_size: when.as_of, date_ms: when.date_ms() }
    }
}

impl When {
    pub(crate) fn date_ms(&self) -> u64 {
        self.date.map_or(0, |day| day + 86_400_000 - 1)
    }

    pub(crate) const fn size(&self) -> u64 {
        self.as_of
    }
}

/// A day in UTC as its first millisecond: `2026-11-22`, or a whole time.
pub(crate) fn day(text: &str) -> Result<u64, String> {
    let whole = if text.len() == 10 { format!("{text}T00:00:00Z") } else { text.to_owned() };
    let parsed = ore_exchange::parse_time(&whole);
    parsed.map(|(ms, _)| ms).map_err(|_| "not a date such as 2026-11-22".to_owned())
}

pub(crate) fn period(from: Option<u64>, to: Option<u64>) -> Option<Period> {
    Some(Period { from_ms: from.unwrap_or(0), to_ms: to.unwrap_or(0) })
}

pub(crate) fn hex_of(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Rows as comma-separated values.
pub(crate) fn csv(rows: &[Vec<String>]) -> Result<String, Failure> {
    let wrong = |error: String| Failure::usage(error, "print JSON instead");
    let mut writer = csv::Writer::from_writer(Vec::new());
    for row in rows {
        writer.write_record(row).map_err(|error| wrong(error.to_string()))?;
    }
    let bytes = writer.into_inner().map_err(|error| wrong(error.to_string()))?;
    String::from_utf8(bytes).map_err(|error| wrong(error.to_string()))
}

fn note(basis: Option<&Basis>) {
    if let Some(basis) = basis.filter(|basis| !basis.note.is_empty()) {
        output::note(format!("note: {}", basis.note));
    }
    output::note("this is the node's word; `oreledger receipt` proves each record");
}

fn atom(symbol: Option<&str>) -> Result<u32, Failure> {
    symbol.map(element).transpose().map(Option::unwrap_or_default)
}

fn signed_kg(mg: i64) -> String {
    let text = kilograms(mg.unsigned_abs());
    if mg < 0 { format!("-{text}") } else { text }
}

fn ratio(it: Option<&Ratio>) -> String {
    it.filter(|it| it.known).map_or_else(|| "-".to_owned(), |it| percent(it.e18))
}

fn size(basis: Option<&Basis>) -> u64 {
    basis.map_or(0, |basis| basis.tree_size)
}
