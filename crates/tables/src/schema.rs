//! What the tables hold: every column with its type and meaning. The README shows this file's words.

/// Type of a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// UTF-8.
    Text,
    /// Signed 64 bits.
    Integer,
    /// True or false.
    Flag,
    /// Milliseconds since 1970 in UTC.
    Time,
    /// DECIMAL(19, 18): a share, in units of 10^-18.
    Share,
}

/// A column.
#[derive(Clone, Copy, Debug)]
pub struct Column {
    /// Its name.
    pub name: &'static str,
    /// Its type.
    pub kind: Kind,
    /// Whether it may be null.
    pub optional: bool,
    /// What it means, with its unit.
    pub meaning: &'static str,
}

/// A table.
#[derive(Clone, Copy, Debug)]
pub struct Table {
    /// Its name, and its folder.
    pub name: &'static str,
    /// What one row is.
    pub row: &'static str,
    /// Column whose values are folders, `name=value`; it is not in the files.
    pub partition: &'static str,
    /// The other columns.
    pub columns: &'static [Column],
}

const fn must(name: &'static str, kind: Kind, meaning: &'static str) -> Column {
    Column { name, kind, optional: false, meaning }
}

const fn may(name: &'static str, kind: Kind, meaning: &'static str) -> Column {
    Column { name, kind, optional: true, meaning }
}

use Kind::{Flag, Integer, Share, Text, Time};

// Columns that several tables have, with one meaning.
const RECORD: Column = must("record", Text, "id, 64 hexadecimal digits");
const LEAF_INDEX: Column = must("leaf_index", Integer, "place in the log");
const EVENT_TIME: Column = must("event_time", Time, "by its author's account");
const LOT: Column = must("lot", Text, "member/number");
const AUTHOR: Column = must("author", Text, "member");
const PROCESS: Column = may("process", Text, "of a transformation");

/// Every table, in the order in which they are documented.
pub const TABLES: &[Table] = &[LOTS, EVENTS, EDGES, ASSAYS, SHARES, FINDINGS];

pub(crate) const LOTS: Table = Table {
    name: "lots",
    row: "a lot, as the record that made it states it",
    partition: "year",
    columns: &[
        LOT,
        must("record", Text, "id of the making record, 64 hexadecimal digits"),
        must("leaf_index", Integer, "of that record"),
        EVENT_TIME,
        must("member", Text, "author"),
        must("made_as", Text, "extracted, collected scrap, declared unknown, product, by product, residue"),
        may("process", Text, "of the transformation that made it"),
        may("scrap_class", Text, "of collected scrap: pre consumer, post consumer"),
        must("material", Text, "class"),
        may("form", Text, "in words"),
        may("compound", Text, "formula"),
        may("hs_code", Text, "six digits"),
        may("serial", Text, "of one serialised piece"),
        must("facility", Text, "where it came into being"),
        must("model", Text, "chain-of-custody model, ISO 22095"),
        may("origin_country", Text, "ISO 3166-1 alpha-2, as declared"),
        may("transformation_country", Text, "ISO 3166-1 alpha-2"),
        may("owner", Text, "when not the author"),
        must("dry_mg", Integer, "dry mass, milligrams"),
        may("wet_mg", Integer, "as weighed, milligrams; null when weighed dry"),
        may("moisture_ppm", Integer, "parts per million of the wet mass"),
        must("withdrawn", Flag, "whether the making record was withdrawn: then the lot is void"),
    ],
};

pub(crate) const EVENTS: Table = Table {
    name: "events",
    row: "a record of the log",
    partition: "year",
    columns: &[
        RECORD,
        LEAF_INDEX,
        EVENT_TIME,
        must("utc_offset_minutes", Integer, "local time at the place of the event, minutes east of UTC"),
        AUTHOR,
        must("event", Text, "commission, transform, ship, ..."),
        PROCESS,
        may("facility", Text, "where; of a shipment, from where"),
        may("to_facility", Text, "of a shipment, as planned"),
        may("counterparty", Text, "receiver of a shipment"),
        may("about", Text, "record that it answers, withdraws or approves"),
        may("corrects", Text, "withdrawn record that it replaces"),
        may("note", Text, "remark for people"),
        must("withdrawn", Flag, "whether it was withdrawn: then it is no fact"),
    ],
};

pub(crate) const EDGES: Table = Table {
    name: "edges",
    row: "a lot that a record touches, and what that does to the stock of a facility",
    partition: "year",
    columns: &[
        RECORD,
        LEAF_INDEX,
        EVENT_TIME,
        LOT,
        must("line", Text, "source, input, output, residue, shipment, receipt, return, use, disposal"),
        PROCESS,
        must("facility", Text, "whose stock changes"),
        must("material", Text, "class of the lot"),
        must("dry_mg", Integer, "dry mass that moved, milligrams, never negative"),
        must(
            "stock_mg",
            Integer,
            "what it adds to the facility's stock, milligrams; negative when it lowers it",
        ),
        must("left_mg", Integer, "what the lot holds afterwards, milligrams"),
    ],
};

pub(crate) const ASSAYS: Table = Table {
    name: "assays",
    row: "what is stated or measured of one element in a lot",
    partition: "year",
    columns: &[
        RECORD,
        LEAF_INDEX,
        EVENT_TIME,
        AUTHOR,
        LOT,
        must("element", Text, "symbol"),
        must("ppb", Integer, "parts per billion of dry mass, of the element; 0 below detection"),
        must("uncertainty_ppb", Integer, "expanded (k = 2); below detection, the limit"),
        must("kind", Text, "measured, declared, below detection"),
        may("oxide", Text, "formula in which it was stated"),
        may("method", Text, "of the laboratory"),
        may("laboratory", Text, "member"),
        may("stage", Text, "producer, provisional, seller, buyer, umpire, final"),
        must("sets", Flag, "whether the lot's composition is this from then on"),
        must("withdrawn", Flag, "whether the record was withdrawn"),
    ],
};

pub(crate) const SHARES: Table = Table {
    name: "shares",
    row: "the part of a lot's element that comes from one origin; values of a lot and element sum to 1",
    partition: "element",
    columns: &[
        LOT,
        must("source_kind", Text, "mine, declared unknown, scrap collection"),
        may("source", Text, "facility of the mine or collection point"),
        must("country", Text, "ISO 3166-1 alpha-2, ZZ for unknown"),
        must("route", Text, "primary, pre consumer, post consumer"),
        must("generation", Integer, "recycling passes"),
        must("share", Share, "of the lot's element"),
        must("share_lower", Share, "bound"),
        must("share_upper", Share, "bound"),
        must("mg", Integer, "that share of what the lot contains, milligrams"),
        must("tree_size", Integer, "entries of the log that it was computed from"),
    ],
};

pub(crate) const FINDINGS: Table = Table {
    name: "findings",
    row: "what a rule found",
    partition: "rule",
    columns: &[
        must("version", Integer, "of the rule"),
        must("severe", Flag, "to be acted on"),
        must("title", Text, "what the rule says"),
        must("message", Text, "what was found"),
        may("clears", Text, "what would clear it"),
        may("lots", Text, "concerned, with commas"),
        may("facility", Text, "concerned"),
        may("member", Text, "concerned"),
        must("record", Text, "that set it off"),
        must("leaf_index", Integer, "of that record"),
        must("event_time", Time, "of that record"),
    ],
};
