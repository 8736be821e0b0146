//! Rows that come from a node's answers: shares and findings.

use ore_record::v1::{OriginKind, Route};

use crate::{
    schema::{FINDINGS, SHARES},
    sheet::{Cell, Sheets, Shelf, TableError},
};

/// The part of a lot's element that comes from one origin.
#[derive(Clone, Copy, Debug)]
pub struct ShareRow<'a> {
    /// The lot.
    pub lot: &'a str,
    /// Symbol.
    pub element: &'a str,
    /// What the source is.
    pub kind: OriginKind,
    /// Facility; empty when unknown.
    pub source: &'a str,
    /// ISO 3166-1 alpha-2.
    pub country: &'a str,
    /// How it came.
    pub route: Route,
    /// Recycling passes.
    pub generation: u32,
    /// Value, lower and upper bound, in units of 10^-18.
    pub share: [u64; 3],
    /// That share of the lot's content, milligrams.
    pub mg: u64,
    /// Entries of the log.
    pub tree_size: u64,
}

impl ShareRow<'_> {
    pub(crate) fn put<S: Shelf>(&self, sheets: &mut Sheets<S>) -> Result<(), TableError> {
        let kind = words(self.kind.as_str_name(), "ORIGIN_KIND_");
        let route = words(self.route.as_str_name(), "ROUTE_");
        let [value, lower, upper] = self.share.map(Cell::Unsigned);
        sheets.put(
            &SHARES,
            self.element,
            &[
                Cell::Text(self.lot),
                Cell::Text(&kind),
                Cell::words(self.source),
                Cell::Text(self.country),
                Cell::Text(&route),
                Cell::Integer(self.generation.into()),
                value,
                lower,
                upper,
                Cell::Unsigned(self.mg),
                Cell::Unsigned(self.tree_size),
            ],
        )
    }
}

/// What a rule found.
#[derive(Clone, Copy, Debug)]
pub struct FindingRow<'a> {
    /// For example "M4".
    pub rule: &'a str,
    /// Of the rule.
    pub version: u32,
    /// To be acted on.
    pub severe: bool,
    /// What the rule says.
    pub title: &'a str,
    /// What was found.
    pub message: &'a str,
    /// What would clear it.
    pub clears: &'a str,
    /// Lots concerned.
    pub lots: &'a [String],
    /// Facility concerned.
    pub facility: &'a str,
    /// Member concerned.
    pub member: &'a str,
    /// Id of the record that set it off.
    pub record: &'a str,
    /// Its leaf.
    pub leaf_index: u64,
    /// Its time, milliseconds since 1970.
    pub event_time_ms: u64,
}

impl FindingRow<'_> {
    pub(crate) fn put<S: Shelf>(&self, sheets: &mut Sheets<S>) -> Result<(), TableError> {
        let lots = self.lots.join(",");
        sheets.put(
            &FINDINGS,
            self.rule,
            &[
                Cell::Integer(self.version.into()),
                Cell::Flag(self.severe),
                Cell::Text(self.title),
                Cell::Text(self.message),
                Cell::words(self.clears),
                Cell::words(&lots),
                Cell::words(self.facility),
                Cell::words(self.member),
                Cell::Text(self.record),
                Cell::Unsigned(self.leaf_index),
                Cell::Unsigned(self.event_time_ms),
            ],
        )
    }
}

/// The name of an enum's value in words: "ROUTE_PRE_CONSUMER" is "pre consumer". Not stated is empty.
pub(crate) fn words(name: &str, prefix: &str) -> String {
    let name = name.strip_prefix(prefix).unwrap_or(name);
    if name == "UNSPECIFIED" { String::new() } else { name.to_ascii_lowercase().replace('_', " ") }
}
